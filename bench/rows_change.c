/* rows_change: the rows that change records, in transactions that need not be
 * on disk at once. */
#include "bench.h"

enum { BATCH = 100 };

static bool able(const struct engine *engine, const struct task *task)
{
    return engine->changes[task->which] != NULL;
}

/* ------------------------------------------------------------ stage change */

/* Each run moves other customers, all of them stable by the data. */
static bool choose_stable(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
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

static bool move_stages(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    const struct engine *engine = side->engine;
    bool ok = true;
    (void)run, (void)sum;
    for (uint32_t i = 0; ok && i < task->count; i++) {
        if (i % BATCH == 0)
            ok = engine->begin(side->self, bench->now + i);
        ok = ok && engine->changes[CHANGE_STAGE](side->self, bench->list[i], 3);
        if (i % BATCH == BATCH - 1 || i + 1 == task->count)
            ok = ok && engine->commit(side->self);
    }
    return ok;
}

/* Afterwards all must show the same lists. */
static bool look_at_stages(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    bool ok = true;
    (void)bench, (void)task, (void)run;
    for (uint32_t i = 0; ok && i < DATA_STAGES; i++)
        ok = side->engine->questions[ASK_STAGE_PAGE](side->self, i, sum);
    return ok;
}

static void row_stage(struct bench *bench)
{
    uint32_t count = bench->data->customer_count / 10;
    struct task task = {.name = "stage_change",
                        .unit = "us",
                        .scale = 1e6 / count,
                        .which = CHANGE_STAGE,
                        .count = count,
                        .runs_max = 4, /* half of all customers are stable: enough for four tenths */
                        .able = able,
                        .before = choose_stable,
                        .step = move_stages,
                        .after = look_at_stages};
    measure(bench, &task, NULL);
}

void rows_change(struct bench *bench)
{
    row_stage(bench);
}
