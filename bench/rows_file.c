/* rows_file: loading, opening, compaction, and what lies on disk. */
#include "children.h"

enum { NOTE = 256, CHECKS = 1000 };

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

static bool crash(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)task, (void)run, (void)sum;
    return children_do(bench, (int)(side - bench->sides), CHILD_CRASH, bench->now).ok;
}

static bool able_crash(const struct engine *engine, const struct task *task)
{
    (void)task;
    return engine->changes[CHANGE_ADD] != NULL && engine->questions[ASK_TIMELINE] != NULL;
}

/* Nothing that was committed is lost. */
static bool look_and_close(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < CHILD_COMMITS; i++)
        ok = side->engine->questions[ASK_TIMELINE](side->self, i, sum);
    return close_file(bench, side, task, run, sum) && ok;
}

static bool forget(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run, (void)sum;
    return side->engine->forget_image(side->self);
}

static bool able_forget(const struct engine *engine, const struct task *task)
{
    (void)task;
    return engine->forget_image != NULL;
}

void rows_open(struct bench *bench)
{
    static const struct task tasks[] = {
        {.name = "reopen", .unit = "ms", .scale = 1e3, .step = open_file, .after = close_file},
        {.name = "reopen_after_crash",
         .unit = "ms",
         .scale = 1e3,
         .able = able_crash,
         .before = crash,
         .step = open_file,
         .after = look_and_close},
        {.name = "reopen_without_image",
         .unit = "ms",
         .scale = 1e3,
         .able = able_forget,
         .before = forget,
         .step = open_file,
         .after = close_file},
    };
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
        measure(bench, &tasks[i], NULL);
}

/* ------------------------------------------------------------ compaction */

/* Every run compacts the same files: they are put aside at the first. */
static bool put_back(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    char kept[FOLDER_PATH];
    (void)task, (void)sum;
    bench_path(bench, side, "kept", kept);
    return (run == 0 ? folder_copy(side->folder, kept) : folder_copy(kept, side->folder)) &&
           side->engine->open(side->self, ENGINE_NORMAL);
}

static bool compact(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run, (void)sum;
    return side->engine->compact(side->self);
}

static bool look_at_customers(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < CHECKS; i++)
        ok = side->engine->questions[ASK_ID](side->self, i, sum);
    return close_file(bench, side, task, run, sum) && ok;
}

static bool able_compact(const struct engine *engine, const struct task *task)
{
    (void)task;
    return engine->compact != NULL;
}

void rows_compact(struct bench *bench)
{
    static const struct task task = {.name = "compact",
                                     .unit = "s",
                                     .scale = 1,
                                     .able = able_compact,
                                     .before = put_back,
                                     .step = compact,
                                     .after = look_at_customers};
    char kept[FOLDER_PATH];
    row_disk(bench, "disk_before_compaction");
    if (bench_wanted(bench, task.name) || bench_wanted(bench, "disk_after_compaction")) {
        struct times times;
        measure_run(bench, &task, &times);
        measure_report(bench, &task, &times, 0, NULL);
        row_disk(bench, "disk_after_compaction");
    }
    for (int i = 0; i < bench->side_count; i++) {
        bench_path(bench, &bench->sides[i], "kept", kept);
        folder_remove(kept);
    }
}
