/* measure: runs by turns, medians, and the comparison of answers. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LARGE = 1 << 16 };

/* Wall time, or with --clock cpu the processor's, which a busy machine distorts less. */
double bench_clock(const struct bench *bench)
{
    struct timespec now;
    clock_gettime(bench->cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(const double *values, int count)
{
    double sorted[RUNS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static bool one_step(struct bench *bench, int side, const struct task *task, int run, struct times *times)
{
    struct side *at = &bench->sides[side];
    uint64_t *sum = &times->sums[side];
    if (task->before != NULL && !task->before(bench, at, task, run, sum))
        return false;
    /* What another engine freed is sorted by the allocator at the next large
     * request: not on the time of the one that happens to make it. */
    void *volatile large = malloc(LARGE);
    free(large);
    double begin = bench_clock(bench);
    bool ok = task->step(bench, at, task, run, sum);
    if (run >= 0)
        times->seconds[side][run] = bench_clock(bench) - begin;
    return ok && (task->after == NULL || task->after(bench, at, task, run, sum));
}

/* Run -1 is the one that is not counted. */
void measure_run(struct bench *bench, const struct task *task, struct times *times)
{
    memset(times, 0, sizeof *times);
    times->runs = task->runs_max != 0 && task->runs_max < bench->runs ? task->runs_max : bench->runs;
    for (int run = task->warm ? -1 : 0; run < times->runs; run++) {
        bench->now += BENCH_HOUR;
        for (int side = 0; side < bench->side_count; side++) {
            if (!bench->sides[side].on || (task->able != NULL && !task->able(bench->sides[side].engine, task)))
                continue;
            times->ran[side] = true;
            times->failed = !one_step(bench, side, task, run, times) || times->failed;
        }
    }
}

double measure_value(const struct task *task, const struct times *times, int side)
{
    return times->ran[side] ? bench_median(times->seconds[side], times->runs) * task->scale : 0;
}

bool measure_agree(const struct bench *bench, const struct times *times)
{
    int first = -1;
    for (int side = 0; side < bench->side_count; side++) {
        if (!times->ran[side])
            continue;
        if (first < 0)
            first = side;
        if (times->sums[side] != times->sums[first])
            return false;
    }
    return true;
}

void measure_report(struct bench *bench, const struct task *task, const struct times *times, double bare,
                    const char *note)
{
    struct report_row row = {.name = task->name, .unit = task->unit, .bare = bare, .note = note};
    if (times->failed) {
        report_failure(&bench->report, task->name, "an engine failed, see above");
        return;
    }
    if (!measure_agree(bench, times)) {
        report_failure(&bench->report, task->name, "the answers differ");
        for (int side = 0; side < bench->side_count; side++)
            if (times->ran[side])
                fprintf(stderr, "bench: %s: %s answers %016llx\n", task->name, bench->sides[side].engine->name,
                        (unsigned long long)times->sums[side]);
        return;
    }
    for (int side = 0; side < bench->side_count; side++)
        row.values[side] = measure_value(task, times, side);
    report_row(&bench->report, &row);
}

void measure(struct bench *bench, const struct task *task, const char *note)
{
    struct times times;
    if (!bench_wanted(bench, task->name))
        return;
    measure_run(bench, task, &times);
    measure_report(bench, task, &times, 0, note);
}
