/* rows_commit: transactions of one interaction, on disk when the call returns,
 * by one thread and by eight at once. */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum { COMMITS = 200, THREADS = 8, COMMITS_EACH = 50, BLOCK = 4096, BYTES = 128, CHECKS = 200 };

static bool able(const struct engine *engine, const struct task *task)
{
    return engine->changes[task->which] != NULL && (task->count == COMMITS || engine->attach != NULL);
}

/* Starts ascend over all threads and runs, so that lists do not depend on who came first. */
static bool commit_some(const struct bench *bench, const struct engine *engine, void *session, uint32_t first,
                        uint32_t count)
{
    bool ok = true;
    for (uint32_t i = first; ok && i < first + count; i++)
        ok = engine->begin(session, bench->now + i) &&
             engine->changes[CHANGE_ADD](session, bench->data->picks[i], bench->now + i) && engine->commit(session);
    return ok;
}

/* ------------------------------------------------------------ the bound */

/* What no engine can beat: the same bytes appended and synced, one after the other. */
static bool bare_commits(const struct bench *bench, uint32_t count, double *seconds)
{
    char path[FOLDER_PATH], block[BLOCK];
    snprintf(path, sizeof path, "%s/bare", bench->folder);
    memset(block, 'x', sizeof block);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    bool ok = file >= 0;
    double begin = bench_clock(bench);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = write(file, block, bench->commit_bytes) == (ssize_t)bench->commit_bytes && fdatasync(file) == 0;
    *seconds = bench_clock(bench) - begin;
    if (file >= 0)
        close(file);
    unlink(path);
    return ok;
}

/* Bytes that one commit of ours adds to the files. */
static bool find_commit_bytes(struct bench *bench)
{
    struct side *ours = &bench->sides[OURS];
    uint64_t allocated, before = 0, after = 0;
    bench->commit_bytes = BYTES;
    bench->now += BENCH_HOUR;
    folder_size(ours->folder, &allocated, &before);
    for (int i = 0; i < bench->side_count; i++) { /* the others, too: all have the same records afterwards */
        const struct side *side = &bench->sides[i];
        if (side->on && (!side->engine->open(side->self, ENGINE_DURABLE) ||
                         !commit_some(bench, side->engine, side->self, 0, COMMITS) || !side->engine->close(side->self)))
            return false;
    }
    folder_size(ours->folder, &allocated, &after);
    if (ours->on && after > before && (after - before) / COMMITS < BLOCK)
        bench->commit_bytes = (uint32_t)((after - before) / COMMITS);
    return true;
}

/* ------------------------------------------------------------ the rows */

static bool commit_one(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)run, (void)sum;
    return commit_some(bench, side->engine, side->self, 0, task->count);
}

struct worker {
    const struct bench *bench;
    const struct engine *engine;
    void *session;
    uint32_t first;
    bool ok;
};

static void *work(void *context)
{
    struct worker *worker = context;
    worker->ok = commit_some(worker->bench, worker->engine, worker->session, worker->first, COMMITS_EACH);
    return NULL;
}

/* The sessions are there before the clock starts, and end after it. */
static void *sessions[THREADS];

static bool attach_all(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    bool ok = true;
    (void)bench, (void)task, (void)run, (void)sum;
    for (int i = 0; i < THREADS; i++)
        ok = (sessions[i] = side->engine->attach(side->self)) != NULL && ok;
    return ok;
}

static bool commit_together(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int started = 0;
    bool ok = true;
    (void)task, (void)run, (void)sum;
    for (; ok && started < THREADS; started++) {
        workers[started] =
            (struct worker){bench, side->engine, sessions[started], (uint32_t)started * COMMITS_EACH, false};
        ok = pthread_create(&threads[started], NULL, work, &workers[started]) == 0;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        ok = ok && workers[i].ok;
    }
    return ok;
}

/* Every commit is there. */
static bool look(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    bool ok = true;
    (void)bench, (void)task, (void)run;
    for (uint32_t i = 0; ok && i < CHECKS; i++)
        ok = side->engine->questions[ASK_TIMELINE](side->self, i, sum);
    return ok;
}

static bool detach_all(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    for (int i = 0; i < THREADS; i++)
        side->engine->detach(sessions[i]);
    return look(bench, side, task, run, sum);
}

void rows_commit(struct bench *bench)
{
    static const struct task tasks[] = {
        {.name = "durable_commit",
         .unit = "us",
         .scale = 1e6 / COMMITS,
         .which = CHANGE_ADD,
         .count = COMMITS,
         .able = able,
         .step = commit_one,
         .after = look},
        {.name = "durable_commit_8",
         .unit = "us",
         .scale = 1e6 / (THREADS * COMMITS_EACH),
         .which = CHANGE_ADD,
         .count = THREADS * COMMITS_EACH,
         .able = able,
         .before = attach_all,
         .step = commit_together,
         .after = detach_all},
    };
    double bare[RUNS_MAX] = {0};
    char note[32];
    if (!bench_wanted(bench, tasks[0].name) && !bench_wanted(bench, tasks[1].name))
        return;
    bool ok = find_commit_bytes(bench) && bench_open(bench, ENGINE_DURABLE);
    snprintf(note, sizeof note, "bytes=%u", bench->commit_bytes);
    for (int i = 0; ok && i < 2; i++) {
        struct times times;
        if (!bench_wanted(bench, tasks[i].name))
            continue;
        for (int run = 0; ok && run < bench->runs; run++)
            ok = bare_commits(bench, tasks[i].count, &bare[run]);
        measure_run(bench, &tasks[i], &times);
        measure_report(bench, &tasks[i], &times, bench_median(bare, bench->runs) * tasks[i].scale, note);
    }
    if (!bench_close(bench) || !ok)
        report_failure(&bench->report, "durable_commit", "an engine failed, see above");
}
