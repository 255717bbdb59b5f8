/* crash: what the parts of `make crash` share: one run of a workload on a
 * recorded disk, the states that the database was in, and the judgement on
 * what is found after a power cut.
 */
#ifndef CRASH_H
#define CRASH_H

#include "answers.h"
#include "cut.h"
#include "disk.h"
#include "oracle.h"
#include "plain.h"
#include "stress.h"

enum { CRASH_STATES = 2000, CRASH_FILES = 4 };
#define CRASH_FILE "t.crm"
/* 2024-10-04T00:00:00Z and a minute, in microseconds. */
#define CRASH_START (INT64_C(20000) * 86400000000)
#define CRASH_MINUTE INT64_C(60000000)

/* One state that the database was in: after a transaction, or after something
 * that changed the answers without one. */
struct crash_state {
    uint64_t lsn;
    char *answers;
    struct plain *plain;   /* what it must be; NULL: not modelled */
    struct oracle *oracle; /* likewise */
};

/* A further file that a call was to make: it is whole, or does not pass for a database. */
struct crash_file {
    char name[DISK_NAME];
    uint32_t flag; /* disk_promise.flags has it: it must be there */
    uint32_t state;
};
/* disk_promise.flags: what was erased is in no byte of any file. */
enum { CRASH_ERASED = 1 << 30 };

/* What was found in a state of the disk, so that an equal one need not be looked at again. */
enum { CRASH_FOUND_STATE = 1, CRASH_FOUND_NEW, CRASH_REFUSED, CRASH_FAULT };
struct crash_seen {
    uint64_t hash; /* 0: a free place */
    int what;
    uint32_t state;
    uint32_t files; /* flags of those that are there and whole */
    bool secret;    /* what was erased is in some file */
    bool torn;      /* there was a torn tail to cut off */
};

struct crash {
    struct stress *stress;
    const char *name; /* the workload's */
    char folder[96], path[128];
    struct disk disk;
    crm_db *db;
    int64_t now;
    bool deferred;
    bool begun;        /* false: there was no file when the record began */
    int level;         /* 1: the workload was cut; 2: so was the recovery from that */
    size_t clean_from; /* the step from which on the log's tail was not torn */
    uint64_t own_faults, *faults;
    const char *secret;
    struct plain *plain;   /* the model of what the open or next transaction leaves */
    struct oracle *oracle; /* likewise, where the workload keeps one */
    struct crash_state states[CRASH_STATES];
    uint32_t state_count;
    struct crash_file files[CRASH_FILES];
    uint32_t file_count;
    struct crash_seen *seen;
    size_t seen_count, seen_capacity;
    uint64_t chance;
    uint64_t *tried; /* states of the disk that were opened, of all runs */
    unsigned deepen; /* the recovery of every so many is cut as well; 0: of none */
    unsigned since;
    char *new_answers; /* of a new file, ids masked */
    crm_id ids[16];    /* the workload's own */
};

/* ---- running (crash_run.c); false: it failed, which is told unless the disk is dead */

void crash_start(struct crash *crash, struct stress *stress, const char *name, const char *folder, uint64_t *tried);
/* The same in a folder that has its files. */
void crash_resume(struct crash *crash, struct stress *stress, const char *name, const char *folder, uint64_t *tried);
/* They hold that state, which was found in them: so must all that open them later. */
void crash_found(struct crash *crash, const struct crash_state *state);
void crash_end(struct crash *crash);
/* From here on what is done is recorded. */
void crash_record(struct crash *crash);
/* Whatever a reader sees while a sync is under way counts as promised. */
void crash_watch(struct crash *crash);
crm_options *crash_options(struct crash *crash); /* of the disk, with the run's clock */
bool crash_open(struct crash *crash);
bool crash_close(struct crash *crash);
bool crash_ok(struct crash *crash, const char *what, int32_t status, const crm_error *error);
crm_txn *crash_begin(struct crash *crash, const char *actor, const char *batch);
bool crash_commit(struct crash *crash, crm_txn *txn);
/* Notes the state that the database is in now: from the transaction after the last noted on. */
bool crash_note(struct crash *crash);
/* The same where no transaction changed it. */
bool crash_note_again(struct crash *crash);
/* What a state that was noted without one must be. */
bool crash_model(struct crash *crash, uint32_t state, const struct plain *plain);
/* A further file, which must from now on be whole when it is there. */
uint32_t crash_file_begin(struct crash *crash, const char *name);
/* Models: a new record, a field by its text. */
crm_record *crash_make(struct crash *crash, crm_txn *txn, uint32_t kind, crm_id *id);
void crash_put(struct crash *crash, crm_record *record, uint32_t field, const char *text);

/* ---- looking (crash_look.c) */

/* Cuts the run at every step from `from` on and judges what is left. */
void crash_cut(struct crash *crash, size_t from, const struct cut_limits *limits);
/* What one state's folder holds, judged by what was promised.  Borrowed until the next. */
const struct crash_seen *crash_judge(struct crash *crash, const struct cut_state *state);
void crash_fault(struct crash *crash, const struct cut_state *state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- workloads (crash_work.c), long walks (crash_walk.c) */

void crash_workloads(struct stress *stress, uint64_t *tried);
void crash_walk(struct stress *stress, uint64_t *tried);

#endif
