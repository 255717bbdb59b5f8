/* clock: the wall clock (only to stamp commits), the monotonic clock (only to
 * time out) and random bits (only to make identifiers). */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_us(void); /* microseconds since 1970-01-01 UTC */
int64_t clock_monotonic_ms(void);
void clock_sleep_ms(int64_t duration_ms);
void random_bytes(void *bytes, size_t length);

#endif
