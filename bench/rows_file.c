/* rows_file: loading, opening, and what lies on disk. */
#include "bench.h"

#include <string.h>
#include <unistd.h>

enum { NOTE = 256 };

/* ------------------------------------------------------------ load */

static bool empty(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run, (void)sum;
    return folder_empty(side->folder);
}

static bool load(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run, (void)sum;
    return side->engine->load(side->self, false);
}

static void row_disk(struct bench *bench, const char *name)
{
    struct report_row row = {.name = name, .unit = "bytes"};
    char note[NOTE] = "";
    size_t at = 0;
    for (int side = 0; side < bench->side_count && at < sizeof note; side++) {
        uint64_t allocated = 0, length = 0;
        if (!bench->sides[side].on)
            continue;
        folder_size(bench->sides[side].folder, &allocated, &length);
        row.values[side] = (double)allocated;
        at += (size_t)snprintf(note + at, sizeof note - at, "%slength_%s=%llu", at > 0 ? " " : "",
                               bench->sides[side].engine->name, (unsigned long long)length);
    }
    row.note = note;
    if (bench_wanted(bench, name))
        report_row(&bench->report, &row);
}

/* Every other row needs the files, so --only does not leave this one out. */
void rows_load(struct bench *bench)
{
    struct task task = {.name = "load", .unit = "s", .scale = 1, .before = empty, .step = load};
    struct times times;
    char note[NOTE];
    double rows = (double)bench->data->customer_count + bench->data->interaction_count + bench->data->deal_count;
    if (!bench_wanted(bench, task.name))
        task.runs_max = 1;
    measure_run(bench, &task, &times);
    double ours = measure_value(&task, &times, OURS);
    snprintf(note, sizeof note, "ours_rows_per_s=%.0f", ours > 0 ? rows / ours : 0);
    if (times.failed || bench_wanted(bench, task.name))
        measure_report(bench, &task, &times, 0, note);
    row_disk(bench, "disk_bytes");
}

/* ------------------------------------------------------------ open */

/* Up to the first answer. */
static bool open_file(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run;
    return side->engine->open(side->self, ENGINE_NORMAL) && side->engine->questions[ASK_ID](side->self, 0, sum);
}

static bool close_file(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run, (void)sum;
    return side->engine->close(side->self);
}

void rows_open(struct bench *bench)
{
    static const struct task clean = {
        .name = "reopen", .unit = "ms", .scale = 1e3, .step = open_file, .after = close_file};
    measure(bench, &clean, NULL);
}

/* ------------------------------------------------------------ import */

static bool able_import(const struct engine *engine, const struct task *task)
{
    (void)task;
    return engine->import_csv != NULL;
}

static void csv_path(const struct bench *bench, char out[FOLDER_PATH])
{
    snprintf(out, FOLDER_PATH, "%s/import.csv", bench->folder);
}

static bool import_csv(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char csv[FOLDER_PATH], folder[FOLDER_PATH];
    uint64_t created = 0, updated = 0;
    (void)task, (void)run;
    csv_path(bench, csv);
    bench_path(bench, side, "import", folder);
    void *other = side->engine->create(bench->data, folder);
    bool ok = other != NULL && side->engine->import_csv(other, csv, &created, &updated);
    *sum = data_mix(data_mix(0, created), updated);
    if (other != NULL)
        side->engine->destroy(other);
    return ok;
}

static bool import_before(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char folder[FOLDER_PATH];
    (void)task, (void)run, (void)sum;
    bench_path(bench, side, "import", folder);
    return folder_empty(folder);
}

static bool import_after(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char folder[FOLDER_PATH];
    (void)task, (void)run, (void)sum;
    bench_path(bench, side, "import", folder);
    folder_remove(folder);
    return true;
}

static void row_import(struct bench *bench)
{
    static const struct task task = {.name = "import_csv",
                                     .unit = "s",
                                     .scale = 1,
                                     .able = able_import,
                                     .before = import_before,
                                     .step = import_csv,
                                     .after = import_after};
    struct times times;
    char csv[FOLDER_PATH], note[NOTE];
    uint32_t distinct = 0;
    if (!bench_wanted(bench, task.name))
        return;
    csv_path(bench, csv);
    if (!data_write_csv(csv, bench->csv_rows, &distinct)) {
        report_failure(&bench->report, task.name, "the CSV file could not be written");
        return;
    }
    measure_run(bench, &task, &times);
    for (int side = 0; side < bench->side_count; side++)
        if (times.ran[side] && times.sums[side] != data_mix(data_mix(0, distinct), bench->csv_rows - distinct))
            times.failed = true;
    snprintf(note, sizeof note, "rows=%u distinct=%u", bench->csv_rows, distinct);
    measure_report(bench, &task, &times, 0, note);
    unlink(csv);
}

void rows_transfer(struct bench *bench)
{
    row_import(bench);
}
