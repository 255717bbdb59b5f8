/* progress: a bar on standard error, when that is a terminal. */
#ifndef CRM_TOOL_PROGRESS_H
#define CRM_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "accounts.csv" */
    uint64_t total;   /* 0: unknown, a count alone is shown */
    int64_t started_ms, drawn_ms;
    bool shown, drawn;
};

void progress_start(struct progress *progress, const char *what, uint64_t total);
/* `count` of `noun` is said behind the bar. Draws a few times a second, whatever it is called. */
void progress_update(struct progress *progress, uint64_t done, uint64_t count, const char *noun);
void progress_end(struct progress *progress); /* takes the bar away */

#endif
