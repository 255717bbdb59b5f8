/* slow: the real files, slowed down here and there, so that threads meet in the
 * middle of what is usually over in a microsecond: before and after a lock, a
 * write, a sync, a rename.
 */
#ifndef STRESS_SLOW_H
#define STRESS_SLOW_H

#include "sys/file.h"

/* Fills in the table, which must live as long as the handles that use it. */
const struct file_ops *slow_files(struct file_ops *slow);
/* Mostly nothing, or gives the processor up, or sleeps for up to a tenth of a millisecond. */
void slow_pause(uint64_t *chance);

#endif
