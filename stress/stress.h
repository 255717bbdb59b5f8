/* stress: what the long-running programs of this folder share: their arguments,
 * chance from a seed that is printed, a folder for files, and the closing line.
 *
 * A program prints its seed first and "N THINGS, N failures" last, and ends with
 * 0 when nothing failed.  The same seed gives the same run.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stress {
    const char *program;
    uint64_t seed;
    bool longer;       /* --long: the nightly's run; else the one of `make check` */
    char folder[64];   /* of this run's own, in memory where there is such a file system */
    uint64_t failures; /* the first few are told on standard error */
};

/* Reads `--seed N` and `--long`, prints the seed, makes the folder.  On wrong
 * arguments it says how to call the program and ends it with 2. */
void stress_start(struct stress *stress, int count, char **arguments);
/* Counts one failure and says it, with the seed. */
void stress_fail(struct stress *stress, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Removes the folder, prints the closing line, and gives the exit status.
 * `things` says what was counted: "crash points". */
int stress_end(struct stress *stress, uint64_t count, const char *things);

/* A path in the folder, into `out`. */
void stress_path(const struct stress *stress, const char *name, char *out, size_t size);
/* Removes a folder and the files and folders in it. */
void stress_remove(const char *folder);

/* Chance: splitmix64. */
uint64_t stress_random(uint64_t *state);
uint32_t stress_below(uint64_t *state, uint32_t bound);

#endif
