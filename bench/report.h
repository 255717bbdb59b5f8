/* report: one line a row on standard output, and the same in a JSON file. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report {
    FILE *json; /* NULL: none */
    int rows;
    int failures;
};

/* `sqlite` and `bare` 0: not measured.  A ratio above 1 is always in libcrm's
 * favour: every unit here is one of which less is better. */
struct report_row {
    const char *name, *unit;
    double ours, sqlite, bare;
    const char *note; /* further KEY=VALUE pairs, or NULL */
};

bool report_open(struct report *report, const char *path, const char *size, uint32_t customers, uint32_t interactions,
                 const char *sqlite_version);
void report_row(struct report *report, const struct report_row *row);
/* A row that gives no number: the two sides answered differently, or one failed. */
void report_failure(struct report *report, const char *name, const char *why);
bool report_close(struct report *report);

#endif
