/* rows_commit: transactions of one interaction, on disk when the call returns. */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { COMMITS = 200, BLOCK = 4096, BYTES = 128 };

static bool commit_some(struct bench *bench, const struct engine *engine, void *session, uint32_t first, uint32_t count)
{
    bool ok = true;
    for (uint32_t i = first; ok && i < first + count; i++)
        ok = engine->begin(session, bench->now + i) &&
             engine->changes[CHANGE_ADD](session, bench->data->picks[i], bench->data->to + i) &&
             engine->commit(session);
    return ok;
}

static bool able(const struct engine *engine, const struct task *task)
{
    return engine->changes[task->which] != NULL;
}

static bool commit_one(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum)
{
    (void)run, (void)sum;
    return commit_some(bench, side->engine, side->self, 0, task->count);
}

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
    if (!ours->on)
        return true;
    folder_size(ours->folder, &allocated, &before);
    if (!ours->engine->open(ours->self, ENGINE_DURABLE) || !commit_some(bench, ours->engine, ours->self, 0, COMMITS) ||
        !ours->engine->close(ours->self))
        return false;
    folder_size(ours->folder, &allocated, &after);
    if (after > before && (after - before) / COMMITS < BLOCK)
        bench->commit_bytes = (uint32_t)((after - before) / COMMITS);
    return true;
}

void rows_commit(struct bench *bench)
{
    static const struct task task = {.name = "durable_commit",
                                     .unit = "us",
                                     .scale = 1e6 / COMMITS,
                                     .which = CHANGE_ADD,
                                     .count = COMMITS,
                                     .able = able,
                                     .step = commit_one};
    struct times times;
    double bare[RUNS_MAX] = {0};
    char note[32];
    if (!bench_wanted(bench, task.name))
        return;
    bool ok = find_commit_bytes(bench) && bench_open(bench, ENGINE_DURABLE);
    for (int run = 0; ok && run < bench->runs; run++)
        ok = bare_commits(bench, task.count, &bare[run]);
    if (ok)
        measure_run(bench, &task, &times);
    ok = bench_close(bench) && ok;
    snprintf(note, sizeof note, "bytes=%u", bench->commit_bytes);
    if (!ok)
        report_failure(&bench->report, task.name, "an engine failed, see above");
    else
        measure_report(bench, &task, &times, bench_median(bare, bench->runs) * task.scale, note);
}
