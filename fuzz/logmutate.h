/* logmutate: changes to a log file that is taken apart, for libFuzzer's mutator. */
#ifndef FUZZ_LOGMUTATE_H
#define FUZZ_LOGMUTATE_H

#include "logfile.h"

/* One change, anywhere; `state` is chance. */
void logmutate(struct log_parts *parts, uint64_t *state);

#endif
