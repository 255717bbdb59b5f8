/* report: see report.h.  Nothing but numbers and names of our own is written,
 * so nothing needs escaping. */
#include "report.h"

bool report_open(struct report *report, const char *path, const char *head)
{
    report->rows = report->measured = report->failures = 0;
    report->json = fopen(path, "w");
    if (report->json == NULL) {
        perror(path);
        return false;
    }
    fprintf(report->json, "{%s, \"rows\": [", head);
    return true;
}

/* Settings, machine and rows are objects of one list, so that they can be
 * written as they come; the first member says which it is. */
static void begin(struct report *report, const char *what, const char *name)
{
    fprintf(report->json, "%s\n  {\"%s\": \"%s\"", report->rows++ > 0 ? "," : "", what, name);
}

static void end(struct report *report)
{
    fprintf(report->json, "}");
    putchar('\n');
    fflush(stdout);
}

void report_settings(struct report *report, const char *engine, const char *settings)
{
    printf("bench-settings %s %s", engine, settings);
    begin(report, "engine", engine);
    fprintf(report->json, ", \"settings\": \"%s\"", settings);
    end(report);
}

static void put(struct report *report, const char *prefix, const char *key, double value, const char *format)
{
    printf(" %s%s=", prefix, key);
    printf(format, value); /* NOLINT: one of ours */
    fprintf(report->json, ", \"%s%s\": %.6g", prefix, key, value);
}

/* Enough digits to tell two runs apart, no more. */
static const char *format_of(double value)
{
    if (value >= 1000)
        return "%.0f";
    return value >= 10 ? "%.2f" : "%.4f";
}

static void put_note(struct report *report, const char *note)
{
    if (note == NULL || *note == '\0')
        return;
    printf(" %s", note);
    fprintf(report->json, ", \"note\": \"%s\"", note);
}

void report_row(struct report *report, const struct report_row *row)
{
    double ours = row->values[0];
    printf("bench %s", row->name);
    begin(report, "name", row->name);
    if (ours > 0)
        put(report, "", report->names[0], ours, format_of(ours));
    printf(" unit=%s", row->unit);
    fprintf(report->json, ", \"unit\": \"%s\"", row->unit);
    for (int i = 1; i < report->count; i++)
        if (row->values[i] > 0)
            put(report, "", report->names[i], row->values[i], format_of(row->values[i]));
    for (int i = 1; i < report->count; i++)
        if (row->values[i] > 0 && ours > 0)
            put(report, "ratio_", report->names[i], row->values[i] / ours, "%.2f");
    if (row->bare > 0) {
        put(report, "", "bare", row->bare, format_of(row->bare));
        if (ours > 0)
            put(report, "ratio_", "bare", row->bare / ours, "%.2f");
    }
    put_note(report, row->note);
    end(report);
    report->measured++;
}

void report_machine(struct report *report, const char *name, double value, const char *unit, const char *note)
{
    printf("bench-machine %s unit=%s", name, unit);
    begin(report, "machine", name);
    fprintf(report->json, ", \"unit\": \"%s\"", unit);
    put(report, "", "value", value, format_of(value));
    put_note(report, note);
    end(report);
    report->measured++;
}

void report_failure(struct report *report, const char *name, const char *why)
{
    printf("bench %s failed: %s", name, why);
    begin(report, "name", name);
    fprintf(report->json, ", \"failed\": \"%s\"", why);
    end(report);
    report->failures++;
}

bool report_close(struct report *report)
{
    fprintf(report->json, "\n]}\n");
    return fclose(report->json) == 0;
}
