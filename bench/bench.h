/* bench: what the files of rows share.
 *
 * A row is a `struct task`: what is prepared, what is timed, what is looked at
 * afterwards.  measure.c runs it by turns on every engine that can, compares
 * the answers and prints the line.  A new row is a new task in one of the
 * rows_*.c files.
 */
#ifndef BENCH_H
#define BENCH_H

#include "engine.h"
#include "folder.h"
#include "report.h"

enum { RUNS_MAX = 15, OURS = 0 };
/* Between the changes of two runs, in microseconds. */
#define BENCH_HOUR INT64_C(3600000000)

struct side {
    const struct engine *engine;
    void *self;
    bool on;     /* wanted, and there */
    void *other; /* a second database of the engine, while a row needs one */
    char folder[FOLDER_PATH / 2];
};

struct bench {
    struct side sides[ENGINES_MAX];
    int side_count;
    struct data *data;
    struct report report;
    const char *folder, *json, *only, *engines, *size;
    int runs;
    bool cpu, large;
    uint32_t customers, interactions, csv_rows;
    int64_t now;           /* stamps the changes of a run, the same for every engine; rises with each run */
    uint32_t *list;        /* records that a row chose to change */
    uint32_t commit_bytes; /* that a commit of one interaction adds to our log */
    struct children *children;
};

struct task;
typedef bool task_step(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum);

struct task {
    const char *name, *unit;
    double scale; /* from a run's seconds to the unit */
    bool (*able)(const struct engine *engine, const struct task *task);
    /* Timed is `step` alone.  Answers are folded into *sum by any of the three. */
    task_step *before, *step, *after;
    int which;      /* question or change */
    uint32_t count; /* of them */
    bool warm;      /* one run first that is not counted */
    int runs_max;   /* 0: as many as asked for */
};

struct times {
    double seconds[ENGINES_MAX][RUNS_MAX];
    uint64_t sums[ENGINES_MAX];
    bool ran[ENGINES_MAX], failed;
    int runs;
};

/* --only */
bool bench_wanted(const struct bench *bench, const char *name);
double bench_clock(const struct bench *bench);
double bench_median(const double *values, int count);
/* Opens, and prepares for questions; closes. */
bool bench_open(struct bench *bench, enum engine_mode mode);
bool bench_close(struct bench *bench);
/* A path beside the engine's folder: FOLDER/NAME-ENGINE. */
void bench_path(const struct bench *bench, const struct side *side, const char *name, char out[FOLDER_PATH]);

void measure_run(struct bench *bench, const struct task *task, struct times *times);
/* Median of an engine's runs in the task's unit; 0: it has none. */
double measure_value(const struct task *task, const struct times *times, int side);
/* Prints the row, or why there is none. */
void measure_report(struct bench *bench, const struct task *task, const struct times *times, double bare,
                    const char *note);
/* Both, if the row is wanted. */
void measure(struct bench *bench, const struct task *task, const char *note);
/* The sums of all that ran are one. */
bool measure_agree(const struct bench *bench, const struct times *times);

/* rows_file.c: the files are closed when these begin and end. */
void rows_load(struct bench *bench);
void rows_open(struct bench *bench);
void rows_compact(struct bench *bench);
/* rows_transfer.c: likewise. */
void rows_transfer(struct bench *bench);
/* rows_memory.c, rows_commit.c, machine.c: likewise. */
void rows_memory_peak(struct bench *bench);
void rows_memory_resting(struct bench *bench);
void rows_commit(struct bench *bench);
void rows_machine(struct bench *bench);
/* rows_read.c, rows_change.c, rows_mixed.c: the files are open. */
void rows_read(struct bench *bench);
void rows_logged(struct bench *bench);
void rows_change(struct bench *bench);
void rows_mixed(struct bench *bench);
/* Steps of several files. */
bool bench_can_ask(const struct engine *engine, const struct task *task); /* it can answer task->which */
bool bench_ask(struct bench *bench, struct side *side, const struct task *task, int run, uint64_t *sum);

#endif
