/* rows_read: the rows that ask.
 *
 * Each look-up is a request of its own, that sees the newest committed state.
 * The same within one held view or read transaction stands behind it, as a
 * note.
 */
#include "bench.h"

enum { LOOKUPS = 200000, PAGES = 20000, STAGE_PAGES = 5000, DAYS = 2000, NOTE = 256 };

bool bench_can_ask(const struct engine *engine, const struct task *task)
{
    return engine->questions[task->which] != NULL;
}

bool bench_ask(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    engine_question *question = side->engine->questions[task->which];
    bool ok = true;
    (void)bench, (void)run;
    for (uint32_t i = 0; ok && i < task->count; i++)
        ok = question(side->self, i, sum);
    return ok;
}

static bool ask_held(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    bool ok = side->engine->hold(side->self, true) && bench_ask(bench, side, task, run, sum);
    return side->engine->hold(side->self, false) && ok;
}

/* held_ours=… held_sqlite=… held_ratio_sqlite=… */
static void note_held(const struct bench *bench, const struct task *task, const struct times *times, char note[NOTE])
{
    double ours = measure_value(task, times, OURS);
    size_t length = 0;
    note[0] = '\0';
    for (int side = 0; side < bench->side_count && length < NOTE; side++) {
        double value = measure_value(task, times, side);
        const char *name = bench->sides[side].engine->name;
        if (value > 0)
            length +=
                (size_t)snprintf(note + length, NOTE - length, "%sheld_%s=%.4f", length > 0 ? " " : "", name, value);
        if (value > 0 && side != OURS && ours > 0 && length < NOTE)
            length += (size_t)snprintf(note + length, NOTE - length, " held_ratio_%s=%.2f", name, value / ours);
    }
}

/* Question, and how many times a run. */
#define ASK(row, question, times)                                                                                 \
    {                                                                                                             \
        .name = (row), .unit = "us", .which = (question), .count = (times), .scale = 1e6 / (times), .warm = true, \
        .able = bench_can_ask, .step = bench_ask                                                                  \
    }

void rows_read(struct bench *bench)
{
    static const struct task each[] = {
        ASK("get_id", ASK_ID, LOOKUPS),
        ASK("get_email", ASK_EMAIL, LOOKUPS),
        ASK("get_phone", ASK_PHONE, LOOKUPS),
        ASK("name_prefix", ASK_PREFIX, PAGES),
        ASK("timeline", ASK_TIMELINE, PAGES),
        ASK("timeline_50", ASK_TIMELINE_50, PAGES),
        ASK("stage_page", ASK_STAGE_PAGE, STAGE_PAGES),
        ASK("due_today", ASK_DUE, DAYS),
    };
    static const struct task whole[] = {
        ASK("count_by_stage", ASK_STAGE_COUNTS, 100),
        {.name = "scan",
         .unit = "ms",
         .which = ASK_SPEND,
         .count = 1,
         .scale = 1e3,
         .warm = true,
         .able = bench_can_ask,
         .step = bench_ask},
        {.name = "pipeline",
         .unit = "ms",
         .which = ASK_PIPELINE,
         .count = 10,
         .scale = 100,
         .warm = true,
         .able = bench_can_ask,
         .step = bench_ask},
    };
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        struct task held = each[i];
        struct times times;
        char note[NOTE];
        if (!bench_wanted(bench, held.name))
            continue;
        held.step = ask_held;
        measure_run(bench, &held, &times);
        if (times.failed || !measure_agree(bench, &times)) {
            measure_report(bench, &held, &times, 0, NULL);
            continue;
        }
        note_held(bench, &held, &times, note);
        measure(bench, &each[i], note);
    }
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        measure(bench, &whole[i], NULL);
}
