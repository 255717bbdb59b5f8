/* clock.c: the only place that asks the system for the time or for chance.
 *
 * Kept apart so that everything else can be replayed (P8): whoever needs a
 * time or random bits gets them as arguments, from a handle that may have
 * been given its own clock.
 */
#include "sys/clock.h"

#include "sys/checksum.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int64_t clock_wall_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_sleep_ms(int64_t duration_ms)
{
    if (duration_ms <= 0)
        return;
    struct timespec left = {.tv_sec = duration_ms / 1000, .tv_nsec = (duration_ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* For a system without getrandom: not secret, but still different each time. */
static void guessed_bytes(uint8_t *bytes, size_t length)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t state = (uint64_t)clock_wall_us() ^ ((uint64_t)now.tv_nsec << 40) ^ (uint64_t)getpid();
    state ^= (uint64_t)(uintptr_t)bytes << 16;
    for (size_t i = 0; i < length; i++) {
        state += UINT64_C(0x9e3779b97f4a7c15);
        bytes[i] = (uint8_t)hash_mix(state);
    }
}

void random_bytes(void *bytes, size_t length)
{
    uint8_t *at = bytes;
    while (length != 0) {
        ssize_t got = getrandom(at, length < 256 ? length : 256, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            guessed_bytes(at, length);
            return;
        }
        at += got;
        length -= (size_t)got;
    }
}
