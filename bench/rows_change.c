/* rows_change: the rows that change records, in transactions that need not be
 * on disk at once; and what is asked of changes afterwards: history, the past,
 * the feed. */
#include "bench.h"

enum {
    BATCH = 100,
    LOGGED = 100000, /* changes in all, spread over the runs */
    UPDATES = 5000,
    VICTIMS = 10000,
    CHECKS = 1000,
    DELETED_TIMELINES = 50
};

static bool able(const struct engine *engine, const struct task *task)
{
    return engine->changes[task->which] != NULL;
}

/* The i-th change of a run: which record, which value. */
typedef uint32_t choice(const struct bench *bench, const struct task *task, int run, uint32_t i, int64_t *value);

/* Makes task->count changes in transactions of `batch`. */
static bool change_all(struct bench *bench, const struct side *side, const struct task *task, enum change change,
                       int run, uint32_t batch, choice *choose)
{
    const struct engine *engine = side->engine;
    bool ok = true;
    for (uint32_t i = 0; ok && i < task->count; i++) {
        int64_t value = 0;
        uint32_t record = choose(bench, task, run, i, &value);
        if (i % batch == 0)
            ok = engine->begin(side->self, bench->now + i);
        ok = ok && engine->changes[change](side->self, record, value);
        if (i % batch == batch - 1 || i + 1 == task->count)
            ok = ok && engine->commit(side->self);
    }
    return ok;
}

/* Folds the first `count` answers to a question. */
static bool look(const struct side *side, enum question question, uint32_t count, uint64_t *sum)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = side->engine->questions[question](side->self, i, sum);
    return ok;
}

static bool look_at_employees(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run;
    return look(side, ASK_EMPLOYEES, CHECKS, sum);
}

/* ------------------------------------------------------------ logged changes */

static uint32_t choose_logged(const struct bench *bench, const struct task *task, int run, uint32_t i, int64_t *value)
{
    uint32_t all = (uint32_t)run * task->count + i;
    *value = (int64_t)all + 1;
    return data_logged(bench->data, all);
}

static bool log_changes(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)sum;
    /* The past that is asked for is the middle of the middle run. */
    if (run == bench->runs / 2)
        bench->data->past = bench->now + task->count / 2;
    return change_all(bench, side, task, CHANGE_LOGGED, run, BATCH, choose_logged);
}

static bool able_feed(const struct engine *engine, const struct task *task)
{
    (void)task;
    return engine->feed != NULL;
}

static bool feed(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)run;
    return side->engine->feed(side->self, task->count, BATCH, sum);
}

static bool able_past(const struct engine *engine, const struct task *task)
{
    return engine->changes[CHANGE_LOGGED] != NULL && bench_can_ask(engine, task);
}

void rows_logged(struct bench *bench)
{
    /* Whole transactions in each run: of 100,000, three runs make 99,900. */
    uint32_t each = LOGGED / (uint32_t)bench->runs / BATCH * BATCH, all = each * (uint32_t)bench->runs;
    const struct task make = {.name = "update_logged",
                              .unit = "us",
                              .scale = 1e6 / each,
                              .which = CHANGE_LOGGED,
                              .count = each,
                              .able = able,
                              .step = log_changes,
                              .after = look_at_employees};
    const struct task ask[] = {
        {.name = "history",
         .unit = "us",
         .scale = 1e6 / 20000,
         .which = ASK_HISTORY,
         .count = 20000,
         .warm = true,
         .able = able_past,
         .step = bench_ask},
        {.name = "past_view",
         .unit = "us",
         .scale = 1e6 / 20000,
         .which = ASK_PAST,
         .count = 20000,
         .warm = true,
         .able = able_past,
         .step = bench_ask},
        {.name = "feed", .unit = "ms", .scale = 1e3, .count = all, .warm = true, .able = able_feed, .step = feed},
    };
    struct times times;
    bool wanted = bench_wanted(bench, make.name);
    for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++)
        wanted = wanted || bench_wanted(bench, ask[i].name);
    if (!wanted)
        return;
    measure_run(bench, &make, &times);
    if (times.failed || bench_wanted(bench, make.name))
        measure_report(bench, &make, &times, 0, NULL);
    for (size_t i = 0; !times.failed && i < sizeof ask / sizeof ask[0]; i++)
        measure(bench, &ask[i], NULL);
}

/* ------------------------------------------------------------ stage change */

/* Each run moves other customers, all of them stable by the data. */
static bool find_stable(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    uint32_t count = 0, skip = (uint32_t)run * task->count;
    (void)side, (void)sum;
    for (uint32_t i = 0; i < bench->data->customer_count && count < task->count; i++)
        if (bench->data->customers[i].stage == 2 && skip > 0)
            skip--;
        else if (bench->data->customers[i].stage == 2)
            bench->list[count++] = i;
    return count == task->count;
}

static uint32_t choose_stable(const struct bench *bench, const struct task *task, int run, uint32_t i, int64_t *value)
{
    (void)task, (void)run;
    *value = 3;
    return bench->list[i];
}

static bool move_stages(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)sum;
    return change_all(bench, side, task, CHANGE_STAGE, run, BATCH, choose_stable);
}

/* Afterwards all must show the same lists. */
static bool look_at_stages(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run;
    return look(side, ASK_STAGE_PAGE, DATA_STAGES, sum) && look(side, ASK_STAGE_COUNTS, 1, sum);
}

static void row_stage(struct bench *bench)
{
    uint32_t count = bench->data->customer_count / 10;
    const struct task task = {.name = "stage_change",
                              .unit = "us",
                              .scale = 1e6 / count,
                              .which = CHANGE_STAGE,
                              .count = count,
                              .runs_max = 4, /* half of all customers are stable: enough for four tenths */
                              .able = able,
                              .before = find_stable,
                              .step = move_stages,
                              .after = look_at_stages};
    measure(bench, &task, NULL);
}

/* ------------------------------------------------------------ one field, deletion */

static uint32_t choose_pick(const struct bench *bench, const struct task *task, int run, uint32_t i, int64_t *value)
{
    *value = 1000000 + (int64_t)run * task->count + i;
    return bench->data->picks[((uint32_t)run * task->count + i) % bench->data->pick_count];
}

/* Each in a transaction of its own, as people edit. */
static bool update_fields(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)sum;
    return change_all(bench, side, task, CHANGE_FIELD, run, 1, choose_pick);
}

static uint32_t choose_victim(const struct bench *bench, const struct task *task, int run, uint32_t i, int64_t *value)
{
    (void)bench, (void)task, (void)run, (void)value;
    return i * DATA_VICTIM_STRIDE;
}

/* In between some timelines are looked at, where the deleted are missed. */
static bool delete_and_restore(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    return change_all(bench, side, task, CHANGE_DELETE, run, BATCH, choose_victim) &&
           look(side, ASK_TIMELINE, DELETED_TIMELINES, sum) &&
           change_all(bench, side, task, CHANGE_RESTORE, run, BATCH, choose_victim);
}

static bool look_at_timelines(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)bench, (void)task, (void)run;
    return look(side, ASK_TIMELINE, CHECKS, sum) && look(side, ASK_SPEND, 1, sum);
}

static bool able_restore(const struct engine *engine, const struct task *task)
{
    return able(engine, task) && engine->changes[CHANGE_RESTORE] != NULL;
}

void rows_change(struct bench *bench)
{
    uint32_t victims = (bench->data->interaction_count - 1) / DATA_VICTIM_STRIDE + 1;
    uint32_t count = victims < VICTIMS ? victims : VICTIMS;
    const struct task update = {.name = "update_field",
                                .unit = "us",
                                .scale = 1e6 / UPDATES,
                                .which = CHANGE_FIELD,
                                .count = UPDATES,
                                .able = able,
                                .step = update_fields,
                                .after = look_at_employees};
    const struct task restore = {.name = "delete_restore",
                                 .unit = "us",
                                 .scale = 1e6 / (2.0 * count),
                                 .which = CHANGE_DELETE,
                                 .count = count,
                                 .able = able_restore,
                                 .step = delete_and_restore,
                                 .after = look_at_timelines};
    row_stage(bench);
    measure(bench, &update, NULL);
    measure(bench, &restore, NULL);
}
