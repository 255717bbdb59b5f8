/* rows_mixed: how long a request takes while others come: 95 % reads, 5 % writes,
 * by one and by two threads, each with a session of its own.
 *
 * What a thread reads nobody changes: updates are of a field that is not read,
 * new interactions go to customers whose timelines are not asked for.  So the
 * answers are the same whoever comes first, and are compared.
 */
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { REQUESTS = 100000, THREADS_MAX = 2, CHECKS = 500 };

struct worker {
    const struct bench *bench;
    const struct engine *engine;
    void *session;
    uint32_t *nanoseconds; /* of each request */
    uint64_t seed, sum;
    uint32_t number, threads;
    int64_t now;
    bool ok;
};

static uint64_t clock_ns(const struct bench *bench)
{
    struct timespec now;
    clock_gettime(bench->cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Of a hundred: look-ups, pages, and five changes in transactions of their own. */
static bool read_one(struct worker *worker, uint32_t lot)
{
    const struct data *data = worker->bench->data;
    uint32_t pick = data_below(&worker->seed, data->pick_count);
    enum question question = lot < 40   ? ASK_ID
                             : lot < 60 ? ASK_EMAIL
                             : lot < 65 ? ASK_PHONE
                             : lot < 85 ? ASK_TIMELINE
                                        : ASK_STAGE_PAGE;
    while (question == ASK_TIMELINE && data->picks[pick] % 2 != 0)
        pick = (pick + 1) % data->pick_count;
    return worker->engine->questions[question](worker->session, pick, &worker->sum);
}

static bool write_one(struct worker *worker, uint32_t lot, uint32_t i)
{
    const struct data *data = worker->bench->data;
    /* Odd ones, of this thread alone. */
    uint32_t step = 2 * worker->threads,
             customer = data_below(&worker->seed, data->customer_count / step) * step + 2 * worker->number + 1;
    enum change change = lot < 98 ? CHANGE_FIELD : CHANGE_ADD;
    int64_t value = change == CHANGE_ADD ? worker->now + i * THREADS_MAX + worker->number : (int64_t)i;
    return worker->engine->begin(worker->session, worker->now + i) &&
           worker->engine->changes[change](worker->session, customer, value) && worker->engine->commit(worker->session);
}

static void *work(void *context)
{
    struct worker *worker = context;
    worker->ok = true;
    for (uint32_t i = 0; worker->ok && i < REQUESTS; i++) {
        uint32_t lot = data_below(&worker->seed, 100);
        uint64_t begin = clock_ns(worker->bench);
        worker->ok = lot < 95 ? read_one(worker, lot) : write_one(worker, lot, i);
        worker->nanoseconds[i] = (uint32_t)(clock_ns(worker->bench) - begin);
    }
    return NULL;
}

/* ------------------------------------------------------------ a run */

struct mixed {
    uint32_t *nanoseconds;                        /* of all requests of a run */
    double percentiles[3][ENGINES_MAX][RUNS_MAX]; /* microseconds */
    uint64_t sums[ENGINES_MAX];
    bool ran[ENGINES_MAX], failed;
};

static bool able(const struct engine *engine)
{
    static const enum question questions[] = {ASK_ID,       ASK_EMAIL,      ASK_PHONE,
                                              ASK_TIMELINE, ASK_STAGE_PAGE, ASK_EMPLOYEES};
    bool ok = engine->attach != NULL && engine->changes[CHANGE_FIELD] != NULL && engine->changes[CHANGE_ADD] != NULL;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        ok = ok && engine->questions[questions[i]] != NULL;
    return ok;
}

static bool run_threads(const struct bench *bench, const struct side *side, uint32_t threads, uint32_t *nanoseconds,
                        uint64_t *sum)
{
    struct worker workers[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    uint32_t started = 0;
    bool ok = true;
    for (uint32_t i = 0; i < threads; i++) {
        workers[i] = (struct worker){.bench = bench,
                                     .engine = side->engine,
                                     .number = i,
                                     .threads = threads,
                                     .session = side->engine->attach(side->self),
                                     .now = bench->now,
                                     .nanoseconds = nanoseconds + (size_t)i * REQUESTS,
                                     .seed = UINT64_C(0x3a1bed) * (i + 1) ^ (uint64_t)bench->now};
        ok = ok && workers[i].session != NULL;
    }
    for (; ok && started < threads; started++)
        ok = pthread_create(&ids[started], NULL, work, &workers[started]) == 0;
    for (uint32_t i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    for (uint32_t i = 0; i < threads; i++) {
        ok = ok && workers[i].ok;
        *sum = data_mix(*sum, workers[i].sum);
        if (workers[i].session != NULL)
            side->engine->detach(workers[i].session);
    }
    return ok;
}

/* What was written is there, and nothing else. */
static bool check(const struct bench *bench, const struct side *side, uint64_t *sum)
{
    bool ok = true;
    (void)bench;
    for (uint32_t i = 0; ok && i < CHECKS; i++)
        ok = side->engine->questions[ASK_EMPLOYEES](side->self, i, sum) &&
             side->engine->questions[ASK_TIMELINE](side->self, i, sum);
    return ok;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void one_run(const struct bench *bench, int at, uint32_t threads, int run, struct mixed *mixed)
{
    static const double shares[3] = {0.5, 0.99, 0.999};
    const struct side *side = &bench->sides[at];
    size_t count = (size_t)threads * REQUESTS;
    mixed->ran[at] = true;
    if (!run_threads(bench, side, threads, mixed->nanoseconds, &mixed->sums[at]) ||
        !check(bench, side, &mixed->sums[at]))
        mixed->failed = true;
    qsort(mixed->nanoseconds, count, sizeof *mixed->nanoseconds, by_value);
    for (int i = 0; i < 3; i++)
        mixed->percentiles[i][at][run] = mixed->nanoseconds[(size_t)((double)count * shares[i])] / 1e3;
}

/* ------------------------------------------------------------ the rows */

static void report(struct bench *bench, uint32_t threads, const struct mixed *mixed)
{
    static const char *const names[3] = {"p50", "p99", "p999"};
    struct times sums = {.runs = bench->runs, .failed = mixed->failed};
    memcpy(sums.sums, mixed->sums, sizeof sums.sums);
    memcpy(sums.ran, mixed->ran, sizeof sums.ran);
    for (int i = 0; i < 3; i++) {
        char name[24];
        struct task task = {.name = name, .unit = "us", .scale = 1};
        snprintf(name, sizeof name, "mixed_%u_%s", threads, names[i]);
        memcpy(sums.seconds, mixed->percentiles[i], sizeof sums.seconds);
        if (bench_wanted(bench, name))
            measure_report(bench, &task, &sums, 0, NULL);
    }
}

static void rows_of(struct bench *bench, uint32_t threads)
{
    struct mixed *mixed = calloc(1, sizeof *mixed);
    if (mixed != NULL)
        mixed->nanoseconds = calloc((size_t)threads * REQUESTS, sizeof *mixed->nanoseconds);
    if (mixed == NULL || mixed->nanoseconds == NULL) {
        free(mixed);
        report_failure(&bench->report, "mixed", "out of memory");
        return;
    }
    for (int run = 0; run < bench->runs; run++) {
        bench->now += BENCH_HOUR;
        for (int side = 0; side < bench->side_count; side++)
            if (bench->sides[side].on && able(bench->sides[side].engine))
                one_run(bench, side, threads, run, mixed);
    }
    report(bench, threads, mixed);
    free(mixed->nanoseconds);
    free(mixed);
}

void rows_mixed(struct bench *bench)
{
    static const char *const names[THREADS_MAX][3] = {{"mixed_1_p50", "mixed_1_p99", "mixed_1_p999"},
                                                      {"mixed_2_p50", "mixed_2_p99", "mixed_2_p999"}};
    for (uint32_t threads = 1; threads <= THREADS_MAX; threads++)
        if (bench_wanted(bench, names[threads - 1][0]) || bench_wanted(bench, names[threads - 1][1]) ||
            bench_wanted(bench, names[threads - 1][2]))
            rows_of(bench, threads);
}
