/* bench: libcrm against SQLite on the same data, in the same run.
 *
 *   bench [small|standard] [--runs N] [--folder PATH] [--json FILE] [--only ROW]
 *         [--engine ours|sqlite] [--clock wall|cpu]
 *
 * Each row is measured by alternating runs, ours then SQLite's, and their
 * medians are compared: what else the machine does meanwhile hits both.  One
 * run before the first is not counted; it warms both up and compares answers.
 * docs/PERFORMANCE.md says what each row is.
 */
#include "engine.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OURS = 0, SQLITE = 1, SIDES = 2, RUNS_MAX = 15, PATH_SIZE = 4096, COMMITS = 200, LARGE = 1 << 16 };

struct side {
    const struct engine *engine;
    void *self;
    bool on;
};

struct bench {
    struct side sides[SIDES];
    struct data *data;
    struct report report;
    const char *folder, *json, *only, *size;
    int runs;
    bool held, cpu;
    uint32_t customers, interactions, csv_rows;
};

/* Times of one row, by side. */
struct times {
    double seconds[SIDES][RUNS_MAX];
    uint64_t sum[SIDES];
    bool failed;
};

/* Wall time, or with --clock cpu the processor's, which a busy machine distorts less. */
static double clock_seconds(const struct bench *bench)
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

static double median(const double *values, int count)
{
    double sorted[RUNS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static bool wanted(const struct bench *bench, const char *name)
{
    return bench->only == NULL || strcmp(bench->only, name) == 0;
}

/* ------------------------------------------------------------ rows */

typedef bool step(const struct bench *bench, const struct side *side, int run, uint64_t *sum);

/* Runs `step` by turns; run -1 is the one that is not counted. */
static void alternate(struct bench *bench, int first, step *one, struct times *times)
{
    memset(times, 0, sizeof *times);
    for (int run = first; run < bench->runs; run++)
        for (int side = 0; side < SIDES; side++) {
            if (!bench->sides[side].on)
                continue;
            /* What the other engine freed is sorted by the allocator at the next
             * large request: not on the time of the one that happens to make it. */
            void *volatile large = malloc(LARGE);
            free(large);
            double begin = clock_seconds(bench);
            if (!one(bench, &bench->sides[side], run, &times->sum[side]))
                times->failed = true;
            if (run >= 0)
                times->seconds[side][run] = clock_seconds(bench) - begin;
        }
}

/* `scale` turns the seconds of a run into the row's unit. */
static void conclude(struct bench *bench, const char *name, const char *unit, double scale, const struct times *times,
                     double bare, const char *note)
{
    struct report_row row = {name, unit, 0, 0, bare, note};
    bool both = bench->sides[OURS].on && bench->sides[SQLITE].on;
    if (times->failed) {
        report_failure(&bench->report, name, "an engine failed, see above");
        return;
    }
    if (both && times->sum[OURS] != times->sum[SQLITE]) {
        report_failure(&bench->report, name, "the answers differ");
        return;
    }
    if (bench->sides[OURS].on)
        row.ours = median(times->seconds[OURS], bench->runs) * scale;
    if (bench->sides[SQLITE].on)
        row.sqlite = median(times->seconds[SQLITE], bench->runs) * scale;
    report_row(&bench->report, &row);
}

static bool step_load(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    (void)bench, (void)run, (void)sum;
    return side->engine->load(side->self);
}

static void row_load(struct bench *bench)
{
    struct times times;
    char note[80];
    double rows = (double)bench->data->customer_count + bench->data->interaction_count;
    int runs = bench->runs;
    if (!wanted(bench, "load"))
        bench->runs = 1;
    alternate(bench, 0, step_load, &times);
    double ours = bench->sides[OURS].on ? rows / median(times.seconds[OURS], bench->runs) : 0;
    snprintf(note, sizeof note, "ours_rows_per_s=%.0f", ours);
    if (times.failed || wanted(bench, "load"))
        conclude(bench, "load", "s", 1, &times, 0, note);
    bench->runs = runs;
}

static void row_disk(struct bench *bench)
{
    uint64_t allocated[SIDES] = {0}, length[SIDES] = {0};
    char note[96];
    for (int side = 0; side < SIDES; side++)
        if (bench->sides[side].on)
            bench->sides[side].engine->size(bench->sides[side].self, &allocated[side], &length[side]);
    snprintf(note, sizeof note, "ours_length=%llu sqlite_length=%llu", (unsigned long long)length[OURS],
             (unsigned long long)length[SQLITE]);
    struct report_row row = {"disk_bytes", "bytes", (double)allocated[OURS], (double)allocated[SQLITE], 0, note};
    report_row(&bench->report, &row);
}

static bool step_reopen(const struct side *side, uint64_t *sum)
{
    return side->engine->open(side->self, ENGINE_NORMAL) && side->engine->get_id(side->self, 1, false, sum);
}

/* Closing is not part of it, so it does not go through `alternate`. */
static void row_reopen(struct bench *bench)
{
    struct times times = {0};
    for (int run = 0; run < bench->runs; run++)
        for (int side = 0; side < SIDES; side++) {
            const struct side *at = &bench->sides[side];
            if (!at->on)
                continue;
            double begin = clock_seconds(bench);
            bool ok = step_reopen(at, &times.sum[side]);
            times.seconds[side][run] = clock_seconds(bench) - begin;
            if (!at->engine->close(at->self) || !ok)
                times.failed = true;
        }
    conclude(bench, "reopen", "ms", 1e3, &times, 0, NULL);
}

enum { LOOKUPS = 200000, TIMELINES = 20000, STAGE_PAGES = 5000 };

static bool step_id(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    (void)run;
    return side->engine->get_id(side->self, LOOKUPS, bench->held, sum);
}

static bool step_email(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    (void)run;
    return side->engine->get_email(side->self, LOOKUPS, bench->held, sum);
}

static bool step_timeline(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    (void)run;
    return side->engine->timeline(side->self, TIMELINES, bench->held, sum);
}

static bool step_stage_page(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    (void)run;
    return side->engine->stage_page(side->self, STAGE_PAGES, bench->held, sum);
}

static bool step_scan(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    (void)bench, (void)run;
    return side->engine->scan(side->self, sum);
}

/* Measured twice: the row itself with each look-up a request of its own; the
 * same in one held view or read transaction, as a note. */
static void rows_reading(struct bench *bench)
{
    static const struct {
        const char *name, *unit;
        step *one;
        double scale;
    } rows[] = {
        {"get_id", "us", step_id, 1e6 / LOOKUPS},
        {"get_email", "us", step_email, 1e6 / LOOKUPS},
        {"timeline", "us", step_timeline, 1e6 / TIMELINES},
        {"stage_page", "us", step_stage_page, 1e6 / STAGE_PAGES},
        {"scan", "ms", step_scan, 1e3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct times times, held;
        char note[96];
        if (!wanted(bench, rows[i].name))
            continue;
        bench->held = true;
        alternate(bench, -1, rows[i].one, &held);
        bench->held = false;
        alternate(bench, -1, rows[i].one, &times);
        double ours = median(held.seconds[OURS], bench->runs) * rows[i].scale;
        double sqlite = median(held.seconds[SQLITE], bench->runs) * rows[i].scale;
        snprintf(note, sizeof note, "held_ours=%.4f held_sqlite=%.4f held_ratio=%.2f", ours, sqlite,
                 ours > 0 ? sqlite / ours : 0);
        conclude(bench, rows[i].name, rows[i].unit, rows[i].scale, &times, 0, note);
    }
}

/* Each run moves other customers, all of them stable by the data. */
static bool step_stage_change(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    uint32_t wanted_count = bench->data->customer_count / 10, count = 0, skip = (uint32_t)run * wanted_count;
    uint32_t *customers = calloc(wanted_count, sizeof *customers);
    bool ok = customers != NULL;
    for (uint32_t i = 0; ok && i < bench->data->customer_count && count < wanted_count; i++)
        if (bench->data->customers[i].stage == 2 && skip > 0)
            skip--;
        else if (bench->data->customers[i].stage == 2)
            customers[count++] = i;
    ok = ok && count == wanted_count && side->engine->stage_change(side->self, customers, count);
    (void)sum;
    free(customers);
    return ok;
}

static void row_stage_change(struct bench *bench)
{
    struct times times;
    int runs = bench->runs;
    bench->runs = runs < 4 ? runs : 4; /* half of all customers are stable: enough for four tenths */
    alternate(bench, 0, step_stage_change, &times);
    for (int side = 0; side < SIDES; side++) /* afterwards both must show the same lists */
        if (bench->sides[side].on && !step_stage_page(bench, &bench->sides[side], 0, &times.sum[side]))
            times.failed = true;
    conclude(bench, "stage_change", "us", 1e6 / (bench->data->customer_count / 10), &times, 0, NULL);
    bench->runs = runs;
}

/* ------------------------------------------------------------ durable commits */

/* What no engine can beat: the same bytes appended and synced, nothing else. */
static bool bare_commits(const struct bench *bench, size_t bytes, double *seconds)
{
    char path[PATH_SIZE], block[4096];
    snprintf(path, sizeof path, "%s/bare", bench->folder);
    memset(block, 'x', sizeof block);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    bool ok = file >= 0 && bytes <= sizeof block;
    double begin = clock_seconds(bench);
    for (int i = 0; ok && i < COMMITS; i++)
        ok = write(file, block, bytes) == (ssize_t)bytes && fdatasync(file) == 0;
    *seconds = clock_seconds(bench) - begin;
    if (file >= 0)
        close(file);
    unlink(path);
    return ok;
}

/* Bytes that one commit of ours adds to the files. */
static size_t commit_bytes(const struct bench *bench)
{
    const struct side *ours = &bench->sides[OURS];
    uint64_t allocated, before = 0, after = 0;
    if (!ours->on)
        return 128;
    ours->engine->size(ours->self, &allocated, &before);
    if (!ours->engine->open(ours->self, ENGINE_DURABLE) || !ours->engine->commit_one(ours->self, COMMITS) ||
        !ours->engine->close(ours->self))
        return 0;
    ours->engine->size(ours->self, &allocated, &after);
    size_t bytes = after > before ? (size_t)(after - before) / COMMITS : 128;
    return bytes < 4096 ? bytes : 4096;
}

static bool step_commit(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    (void)bench, (void)run, (void)sum;
    return side->engine->commit_one(side->self, COMMITS);
}

static bool open_all(const struct bench *bench, enum engine_mode mode)
{
    bool ok = true;
    for (int side = 0; side < SIDES; side++)
        ok = ok && (!bench->sides[side].on || bench->sides[side].engine->open(bench->sides[side].self, mode));
    return ok;
}

static bool close_all(const struct bench *bench)
{
    bool ok = true;
    for (int side = 0; side < SIDES; side++)
        if (bench->sides[side].on)
            ok = bench->sides[side].engine->close(bench->sides[side].self) && ok;
    return ok;
}

static void row_durable(struct bench *bench)
{
    struct times times;
    double bare[RUNS_MAX] = {0};
    char note[32];
    size_t bytes = commit_bytes(bench);
    bool ok = bytes > 0 && open_all(bench, ENGINE_DURABLE);
    memset(&times, 0, sizeof times);
    for (int run = 0; ok && run < bench->runs; run++) {
        ok = bare_commits(bench, bytes, &bare[run]);
        for (int side = 0; ok && side < SIDES; side++) {
            double begin = clock_seconds(bench);
            ok = !bench->sides[side].on || step_commit(bench, &bench->sides[side], run, NULL);
            times.seconds[side][run] = clock_seconds(bench) - begin;
        }
    }
    times.failed = !close_all(bench) || !ok;
    snprintf(note, sizeof note, "bytes=%zu", bytes);
    conclude(bench, "durable_commit", "us", 1e6 / COMMITS, &times,
             times.failed ? 0 : median(bare, bench->runs) * 1e6 / COMMITS, note);
}

/* ------------------------------------------------------------ import */

static bool step_import(const struct bench *bench, const struct side *side, int run, uint64_t *sum)
{
    char csv[PATH_SIZE];
    uint64_t created = 0, updated = 0;
    (void)run;
    snprintf(csv, sizeof csv, "%s/import.csv", bench->folder);
    if (!side->engine->import_csv(side->self, csv, &created, &updated))
        return false;
    *sum = data_mix(data_mix(0, created), updated);
    return true;
}

static void row_import(struct bench *bench)
{
    struct times times;
    char csv[PATH_SIZE], note[64];
    uint32_t distinct = 0;
    snprintf(csv, sizeof csv, "%s/import.csv", bench->folder);
    if (!data_write_csv(csv, bench->csv_rows, &distinct)) {
        report_failure(&bench->report, "import_csv", "the CSV file could not be written");
        return;
    }
    alternate(bench, 0, step_import, &times);
    for (int side = 0; side < SIDES; side++)
        if (bench->sides[side].on && times.sum[side] != data_mix(data_mix(0, distinct), bench->csv_rows - distinct))
            times.failed = true;
    snprintf(note, sizeof note, "rows=%u distinct=%u", bench->csv_rows, distinct);
    conclude(bench, "import_csv", "s", 1, &times, 0, note);
    unlink(csv);
}

/* ------------------------------------------------------------ main */

static int usage(void)
{
    fprintf(stderr, "usage: bench [small|standard] [--runs N] [--folder PATH] [--json FILE] [--only ROW]"
                    " [--engine ours|sqlite] [--clock wall|cpu]\n");
    return 2;
}

static bool parse_option(struct bench *bench, const char *key, const char *value)
{
    if (strcmp(key, "--runs") == 0)
        bench->runs = (int)strtol(value, NULL, 10);
    else if (strcmp(key, "--folder") == 0)
        bench->folder = value;
    else if (strcmp(key, "--json") == 0)
        bench->json = value;
    else if (strcmp(key, "--only") == 0)
        bench->only = value;
    else if (strcmp(key, "--clock") == 0)
        bench->cpu = strcmp(value, "cpu") == 0;
    else if (strcmp(key, "--engine") == 0)
        bench->sides[strcmp(value, "ours") == 0 ? SQLITE : OURS].on = false;
    else
        return false;
    return bench->runs >= 1 && bench->runs <= RUNS_MAX;
}

static bool parse(struct bench *bench, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "small") == 0) {
            bench->size = "small";
            bench->customers = 10000;
            bench->interactions = 100000;
            bench->csv_rows = 100000;
        } else if (strcmp(argv[i], "standard") != 0) {
            if (i + 1 >= argc || !parse_option(bench, argv[i], argv[i + 1]))
                return false;
            i++;
        }
    }
    return true;
}

static void run(struct bench *bench)
{
    row_load(bench); /* every other row needs the files, so --only does not leave it out */
    if (wanted(bench, "disk_bytes"))
        row_disk(bench);
    if (wanted(bench, "reopen"))
        row_reopen(bench);
    if (!open_all(bench, ENGINE_NORMAL)) {
        report_failure(&bench->report, "open", "an engine failed, see above");
        return;
    }
    rows_reading(bench);
    if (wanted(bench, "stage_change"))
        row_stage_change(bench);
    if (!close_all(bench))
        report_failure(&bench->report, "close", "an engine failed, see above");
    if (wanted(bench, "durable_commit"))
        row_durable(bench);
    if (wanted(bench, "import_csv"))
        row_import(bench);
}

int main(int argc, char **argv)
{
    struct bench bench = {.sides = {{&engine_ours, NULL, true}, {&engine_sqlite, NULL, true}},
                          .folder = "build/bench-data",
                          .json = "build/bench.json",
                          .size = "standard",
                          .runs = 3,
                          .customers = 100000,
                          .interactions = 1000000,
                          .csv_rows = 1000000};
    char path[PATH_SIZE];
    bool ok;
    if (!parse(&bench, argc, argv))
        return usage();
    if (mkdir(bench.folder, 0777) != 0 && errno != EEXIST) {
        perror(bench.folder);
        return 1;
    }
    bench.data = data_create(bench.customers, bench.interactions);
    ok = bench.data != NULL &&
         report_open(&bench.report, bench.json, bench.size, bench.customers, bench.interactions, sqlite3_libversion());
    for (int side = 0; ok && side < SIDES; side++) {
        snprintf(path, sizeof path, "%s/%s.%s", bench.folder, bench.sides[side].engine->name,
                 side == OURS ? "crm" : "db");
        bench.sides[side].self = bench.sides[side].engine->create(bench.data, path);
        ok = bench.sides[side].self != NULL;
    }
    if (ok) {
        run(&bench);
        ok = report_close(&bench.report) && bench.report.failures == 0;
    }
    for (int side = 0; side < SIDES; side++)
        bench.sides[side].engine->destroy(bench.sides[side].self);
    data_free(bench.data);
    rmdir(bench.folder);
    return ok ? 0 : 1;
}
