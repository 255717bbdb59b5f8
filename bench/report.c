/* report: see report.h.  Nothing but numbers and names of our own is written,
 * so nothing needs escaping. */
#include "report.h"

bool report_open(struct report *report, const char *path, const char *size, uint32_t customers, uint32_t interactions,
                 const char *sqlite_version)
{
    report->rows = report->failures = 0;
    report->json = fopen(path, "w");
    printf("# %s: %u customers, %u interactions; SQLite %s; ratios above 1 are in libcrm's favour\n", size, customers,
           interactions, sqlite_version);
    if (report->json == NULL) {
        perror(path);
        return false;
    }
    fprintf(report->json,
            "{\"size\": \"%s\", \"customers\": %u, \"interactions\": %u, \"sqlite_version\": \"%s\", \"rows\": [", size,
            customers, interactions, sqlite_version);
    return true;
}

static void put(struct report *report, const char *key, double value, const char *format)
{
    printf(" %s=", key);
    printf(format, value); /* NOLINT: one of ours */
    fprintf(report->json, ", \"%s\": %.9g", key, value);
}

/* Enough digits to tell two runs apart, no more. */
static const char *format_of(double value)
{
    if (value >= 1000)
        return "%.0f";
    return value >= 10 ? "%.2f" : "%.4f";
}

void report_row(struct report *report, const struct report_row *row)
{
    printf("bench %s", row->name);
    fprintf(report->json, "%s\n  {\"name\": \"%s\"", report->rows++ > 0 ? "," : "", row->name);
    if (row->ours > 0)
        put(report, "ours", row->ours, format_of(row->ours));
    printf(" unit=%s", row->unit);
    fprintf(report->json, ", \"unit\": \"%s\"", row->unit);
    if (row->sqlite > 0)
        put(report, "sqlite", row->sqlite, format_of(row->sqlite));
    if (row->sqlite > 0 && row->ours > 0)
        put(report, "ratio_sqlite", row->sqlite / row->ours, "%.2f");
    if (row->bare > 0) {
        put(report, "bare", row->bare, format_of(row->bare));
        if (row->ours > 0)
            put(report, "ratio_bare", row->bare / row->ours, "%.2f");
    }
    if (row->note != NULL)
        fprintf(report->json, ", \"note\": \"%s\"", row->note);
    printf("%s%s\n", row->note != NULL ? " " : "", row->note != NULL ? row->note : "");
    fprintf(report->json, "}");
    fflush(stdout);
}

void report_failure(struct report *report, const char *name, const char *why)
{
    printf("bench %s failed: %s\n", name, why);
    fprintf(report->json, "%s\n  {\"name\": \"%s\", \"failed\": \"%s\"}", report->rows++ > 0 ? "," : "", name, why);
    fflush(stdout);
    report->failures++;
}

bool report_close(struct report *report)
{
    fprintf(report->json, "\n]}\n");
    return fclose(report->json) == 0;
}
