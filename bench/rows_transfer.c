/* rows_transfer: export, import, and the load with look-up fields: each beside
 * the files of the other rows. */
#include "bench.h"

#include <unistd.h>

enum { NOTE = 256, CHECKS = 200 };

/* ------------------------------------------------------------ export */

static bool able_export(const struct engine *engine, const struct task *task)
{
    (void)task;
    return engine->export_csv != NULL;
}

static bool open_file(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run, (void)sum;
    return side->engine->open(side->self, ENGINE_NORMAL);
}

static bool export_csv(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char path[FOLDER_PATH];
    (void)task, (void)run, (void)sum;
    bench_path(bench, side, "export.csv", path);
    return side->engine->export_csv(side->self, path);
}

/* The files have the same lines: what threads added at once has no agreed order. */
static bool export_after(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char path[FOLDER_PATH];
    (void)task, (void)run;
    bench_path(bench, side, "export.csv", path);
    *sum = file_sum(path);
    unlink(path);
    return side->engine->close(side->self) && *sum != 0;
}

/* ------------------------------------------------------------ a second database */

static bool make_other(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char folder[FOLDER_PATH];
    (void)task, (void)run, (void)sum;
    bench_path(bench, side, "other", folder);
    side->other = folder_empty(folder) ? side->engine->create(bench->data, folder) : NULL;
    return side->other != NULL;
}

static bool remove_other(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char folder[FOLDER_PATH];
    (void)task, (void)run, (void)sum;
    bench_path(bench, side, "other", folder);
    side->engine->destroy(side->other);
    side->other = NULL;
    folder_remove(folder);
    return true;
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
    char csv[FOLDER_PATH];
    uint64_t created = 0, updated = 0;
    (void)task, (void)run;
    csv_path(bench, csv);
    bool ok = side->engine->import_csv(side->other, csv, &created, &updated);
    *sum = data_mix(data_mix(0, created), updated);
    return ok;
}

static void row_import(struct bench *bench)
{
    static const struct task task = {.name = "import_csv",
                                     .unit = "s",
                                     .scale = 1,
                                     .able = able_import,
                                     .before = make_other,
                                     .step = import_csv,
                                     .after = remove_other};
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

/* ------------------------------------------------------------ look-up fields */

static bool load_lookups(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run, (void)sum;
    return side->engine->load(side->other, true);
}

/* How many customers share each value of some. */
static bool look_at_lookups(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    bool ok = side->engine->open(side->other, ENGINE_NORMAL);
    for (uint32_t i = 0; ok && i < CHECKS; i++)
        ok = side->engine->questions[ASK_LOOKUPS](side->other, i, sum);
    ok = side->engine->close(side->other) && ok;
    return remove_other(bench, side, task, run, sum) && ok;
}

void rows_transfer(struct bench *bench)
{
    static const struct task out = {.name = "export_csv",
                                    .unit = "s",
                                    .scale = 1,
                                    .able = able_export,
                                    .before = open_file,
                                    .step = export_csv,
                                    .after = export_after};
    static const struct task lookups = {.name = "load_8_lookups",
                                        .unit = "s",
                                        .scale = 1,
                                        .which = ASK_LOOKUPS,
                                        .able = bench_can_ask,
                                        .before = make_other,
                                        .step = load_lookups,
                                        .after = look_at_lookups};
    measure(bench, &out, NULL);
    row_import(bench);
    measure(bench, &lookups, NULL);
}
