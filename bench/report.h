/* report: one line a row on standard output, and the same in a JSON file. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "engine.h"

#include <stdio.h>

struct report {
    FILE *json;
    const char *names[ENGINES_MAX]; /* of the engines, ours first */
    int count;
    int rows; /* lines of all sorts */
    int measured, failures;
};

/* values: by engine, 0: none.  A ratio above 1 is always in libcrm's favour:
 * every unit here is one of which less is better. */
struct report_row {
    const char *name, *unit;
    double values[ENGINES_MAX];
    double bare;      /* what no engine can beat; 0: there is no such thing */
    const char *note; /* further KEY=VALUE pairs, or NULL */
};

/* `head`: the first members of the JSON object, e.g. "\"size\": \"small\"". */
bool report_open(struct report *report, const char *path, const char *head);
/* How an engine is set, on its own line before the rows. */
void report_settings(struct report *report, const char *engine, const char *settings);
void report_row(struct report *report, const struct report_row *row);
/* What the machine does by itself: not a row, no ratio. */
void report_machine(struct report *report, const char *name, double value, const char *unit, const char *note);
/* A row that gives no number: the engines answered differently, or one failed. */
void report_failure(struct report *report, const char *name, const char *why);
bool report_close(struct report *report);

#endif
