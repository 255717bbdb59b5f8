/* rows_memory: how much memory an engine takes, in a process of its own. */
#include "children.h"

static void report(struct bench *bench, const char *name, const struct child_answer answers[ENGINES_MAX], size_t offset)
{
    struct report_row row = {.name = name, .unit = "bytes"};
    for (int i = 0; i < bench->side_count; i++)
        if (bench->sides[i].on) {
            uint64_t value;
            __builtin_memcpy(&value, (const char *)&answers[i] + offset, sizeof value);
            row.values[i] = (double)value;
        }
    if (bench_wanted(bench, name))
        report_row(&bench->report, &row);
}

static bool ask_all(struct bench *bench, enum child_task task, struct child_answer answers[ENGINES_MAX])
{
    bool ok = true;
    uint64_t sum = 0;
    bool first = true;
    for (int i = 0; i < bench->side_count; i++) {
        if (!bench->sides[i].on)
            continue;
        answers[i] = children_do(bench, i, task, 0);
        ok = ok && answers[i].ok && (first || answers[i].sum == sum);
        sum = answers[i].sum;
        first = false;
    }
    return ok;
}

/* Of the load; the files of all engines are closed. */
void rows_memory_peak(struct bench *bench)
{
    struct child_answer answers[ENGINES_MAX] = {{0}};
    char folder[FOLDER_PATH];
    if (!bench_wanted(bench, "memory_peak"))
        return;
    if (ask_all(bench, CHILD_LOAD, answers))
        report(bench, "memory_peak", answers, offsetof(struct child_answer, peak));
    else
        report_failure(&bench->report, "memory_peak", "an engine failed, see above");
    for (int i = 0; i < bench->side_count; i++) {
        bench_path(bench, &bench->sides[i], "memory", folder);
        folder_remove(folder);
    }
}

/* After opening and a thousand look-ups: all of it, and what is not a page of a file. */
void rows_memory_resting(struct bench *bench)
{
    struct child_answer answers[ENGINES_MAX] = {{0}};
    if (!bench_wanted(bench, "memory_resting") && !bench_wanted(bench, "memory_resting_anon"))
        return;
    if (!ask_all(bench, CHILD_REST, answers)) {
        report_failure(&bench->report, "memory_resting", "an engine failed, or the answers differ");
        return;
    }
    report(bench, "memory_resting", answers, offsetof(struct child_answer, resident));
    report(bench, "memory_resting_anon", answers, offsetof(struct child_answer, anonymous));
}
