/* faults: failing calls.  What the parts of the program share.
 *
 * A scenario is a few steps on a small database, each with at most one commit.
 * It is run once with nothing failing, then again and again: the n-th call of
 * one layer fails, for every n that is reached, once, for a while, or for good.
 *
 *   faults.c          goes through scenarios, layers, calls and ways to fail
 *   faults_inject.c   the allocator and the table of file operations that fail
 *   faults_system.c   the system's calls that fail, in their place by the linker
 *   faults_base.c     the databases that a scenario starts with
 *   faults_judge.c    what an answer must be; a state as text
 *   faults_step.c     one run: what must hold after a step failed
 *   faults_*.c        the scenarios
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "stress.h"
#include "sys/file.h"

/* ---- what fails ---- */

/* The handle's allocator; its table of file operations; the system below both. */
enum { FAULT_MEMORY, FAULT_FILES, FAULT_SYSTEM, FAULT_LAYERS };
/* One call; from it on all of its kind, until the step ended; from it on every
 * call of the layer, until the file is closed. */
enum { FAULT_ONCE, FAULT_A_WHILE, FAULT_FOR_GOOD, FAULT_MODES };
/* Whose file an operation is on. */
enum { FILE_OF_LOG, FILE_OF_INDEX, FILE_OF_COPY };

struct fault {
    int layer, mode;
    uint64_t at;      /* the call that fails, from 1; 0: none does */
    unsigned variant; /* which of the ways in which that call can fail */
    bool armed;       /* calls count, and fail */
    bool closing;     /* the handle is being closed */

    uint64_t calls;
    bool reached;
    const char *call; /* that failed first, by which its like are known */
    int of;           /* whose file it was on */
    unsigned variants;
    int32_t status; /* the statuses that may be answered, as bits, and one errno of them */
    int system;
    uint32_t statuses;
    bool told_by_all; /* some call must have answered an error */
    bool locks;       /* a lock was one of what failed */
    bool stops;       /* a write or sync of the log failed: P4 */
    bool transparent; /* interrupted or short: nobody may notice */
};
extern struct fault fault;

/* One call of a layer; `variants`: in how many ways it can fail.  True: it must. */
bool fault_now(int layer, const char *call, unsigned variants);
/* What the failing call answers; `system` 0: memory. */
void fault_answers(int32_t status, int system);
/* The status that the header gives an errno. */
int32_t fault_status(int system);

/* What is held: blocks, files, maps. */
struct held {
    int64_t blocks, files, maps;
};
extern struct held held;

void *fault_resize(void *context, void *old, size_t size);
extern const struct file_ops fault_files;
/* The operation that is under way, for the layer below. */
struct fault_operation {
    const char *name;
    int of; /* FILE_OF_ */
};
extern struct fault_operation fault_operation;
/* It failed so: what may be answered, and whether it must be. */
void fault_judge_operation(int32_t status, int system);

/* ---- databases ---- */

enum { BASE_NONE, BASE_LOG, BASE_IMAGE, BASE_PACKED, BASE_PACKED_IMAGE, BASE_TORN, BASE_DAMAGED, BASES };
enum { CUSTOMERS = 8, CONTACTS = 4, DEALS = 4, BUYERS = 4, PURCHASES = 6, MACHINES = 3, CHANGES = 10 };
/* Transactions of the base: see faults_base.c. */
enum { LSN_PEOPLE = 2, LSN_CUSTOMERS, LSN_DEALS, LSN_PURCHASES, LSN_MACHINES, LSN_CHANGES };
enum { LSN_BATCH = LSN_CHANGES + CHANGES, LSN_DELETED, LSN_MOVED, LSN_ERASED, LSN_LAST = LSN_ERASED };
#define DAY_US INT64_C(86400000000)
#define BASE_DAY 20000
#define BASE_NOW (BASE_DAY * DAY_US) /* 2024-10-04 */
enum { LONG_TEXT = 1500 };           /* bytes of the second customer's description */

struct base {
    void *log, *index; /* index NULL: none */
    size_t log_size, index_size;
};
struct run;
void base_make(struct stress *stress);
void base_free(void);
void base_place(const struct run *run, int base);
/* The n-th record of a kind. */
crm_id base_id(uint32_t kind, unsigned number);
/* `length` bytes of text that deflates; static, until the next call. */
const char *base_text(size_t length);

/* ---- scenarios ---- */

enum { STEPS_MOST = 8, LSNS_MOST = 64 };
struct scenario {
    const char *name;
    int base;
    /* Each has at most one commit and, done again after it failed, does the same. */
    void (*steps[STEPS_MOST])(struct run *run);
    void (*prepare)(struct run *run); /* before anything fails; may be NULL */
    void (*settle)(struct run *run);  /* before the handle is closed; may be NULL */
    bool opens;                       /* its first step opens the file */
    bool deferred;                    /* CRM_DURABLE_DEFERRED */
    bool batches;                     /* a step may commit more than once */
    bool damaged;                     /* the file is open for reading only and not sound */
};
/* The scenarios of faults_*.c; each list ends with one without a name. */
extern const struct scenario scenarios_read[], scenarios_ask[], scenarios_write[], scenarios_data[], scenarios_care[];

struct run {
    struct stress *stress;
    const struct scenario *scenario;
    struct outcome *outcome;
    bool first; /* the run without faults, which makes the outcome */
    char path[128], index[136], copy[128];
    crm_db *db, *other;
    int step;
    bool blamed;    /* the run has failed its test */
    bool well;      /* nothing fails (any more) */
    bool failed;    /* a call of this step answered an error */
    bool told;      /* a call of any step did */
    bool kept;      /* the transaction or query keeps an error, so its end must answer one */
    uint64_t acked; /* the last transaction that was acknowledged */
    int32_t status; /* of the call that is judged */
    crm_error error;
};

/* What the run without faults left. */
struct outcome {
    uint64_t lsns[STEPS_MOST + 1]; /* the last transaction before each step, and behind the last */
    char *states[LSNS_MOST];       /* after each transaction; NULL: not of this scenario */
    char *history;                 /* at the end: every change from the first on */
    char *copy;                    /* the state of the copy that it made; NULL: it makes none */
};
void outcome_make(struct stress *stress, const struct scenario *scenario, struct outcome *outcome);
void outcome_free(struct outcome *outcome);
/* One run with the fault that is set. */
void run_once(struct stress *stress, const struct scenario *scenario, struct outcome *outcome);

/* As crm_open: with what fails, into run->db. */
int32_t run_open(struct run *run, int64_t create, bool read_only);
/* The options for that: owned by the run, good until the next call. */
const crm_options *run_options(struct run *run);
/* Another handle, for which nothing fails, into run->other. */
void run_open_other(struct run *run);
void run_close_other(struct run *run);

/* ---- judging ---- */

void run_fail(struct run *run, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define FAIL(...) run_fail(run, __LINE__, __VA_ARGS__)

/* A call with &run->error: true when it answers what it should.  Else its error
 * is judged, and the step has failed. */
bool run_judge(struct run *run, int32_t expected, int32_t status, bool explained, const char *call, int line);
#define OK(call) run_judge(run, CRM_OK, (call), true, #call, __LINE__)
#define GIVES(expected, call) run_judge(run, (expected), (call), true, #call, __LINE__)
/* One without a crm_error. */
#define PLAIN(call) run_judge(run, CRM_OK, (call), false, #call, __LINE__)
/* One whose error the transaction or query keeps. */
#define SET(call) run_set(run, (call), #call, __LINE__)
bool run_set(struct run *run, int32_t status, const char *call, int line);
/* One that gives `place` a handle: NULL after a failure. */
#define MADE(place, call)                                                                             \
    ((place) = (void *)run, run->status = (call),                                                     \
     (run->status == CRM_OK) != ((place) != NULL) ? FAIL("%s left no right handle", #call) : (void)0, \
     run->status != CRM_OK ? (void)((place) = NULL) : (void)0,                                        \
     run_judge(run, CRM_OK, run->status, true, #call, __LINE__))
/* What must hold when nothing failed before it in this step. */
#define IS(condition) run_is(run, (condition), #condition, __LINE__)
bool run_is(struct run *run, bool holds, const char *condition, int line);
/* The same for what is read from a record, which may say that it could not be. */
#define READS(record, condition) run_reads(run, record, (condition), #condition, __LINE__)
bool run_reads(struct run *run, const crm_record *record, bool holds, const char *condition, int line);
/* The same for what answers `nothing` in place of a status. */
#define TELLS(condition, nothing) run_tells(run, (condition), (nothing), #condition, __LINE__)
bool run_tells(struct run *run, bool holds, bool nothing, const char *condition, int line);

crm_txn *run_begin(struct run *run);
/* Commits when the step has not failed, else rolls back.  A kept error must come back. */
bool run_commit(struct run *run, crm_txn *txn);
/* A record of a transaction; NULL: the transaction keeps why. */
crm_record *run_record(struct run *run, crm_record *record);
crm_record *run_edit(struct run *run, crm_txn *txn, uint32_t kind, unsigned number);
crm_view *run_view(struct run *run);
/* A record of the base; NULL: told. */
crm_record *run_get(struct run *run, crm_view *view, uint32_t kind, unsigned number);
bool same(const char *text, const char *expected);

/* All records of the view with all their fields, ids aside; all changes.  Owned: free(). */
char *state_text(crm_view *view);
char *history_text(crm_db *db);
/* The first line in which they differ; static. */
const char *first_difference(const char *expected, const char *found);

/* What needs neither memory nor files works whatever fails. */
void constants_hold(struct run *run);

#endif
