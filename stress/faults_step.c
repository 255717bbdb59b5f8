/* faults_step: one run of a scenario, and what must hold after a step failed.
 *
 * Nothing is held by the handle once it is closed.  What was acknowledged is
 * there, and nothing half: the file is in the state that the run without faults
 * had after the same transaction.  After a failed write or sync of the log the
 * handle writes no more until it is opened again, and reads on (P4); after any
 * other failure the same handle goes on.  The step, done again, succeeds, and
 * in the end everything is as in the run without faults, and sound.
 */
#include "faults.h"

#include "api/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void told(void *context, int32_t status, const char *message)
{
    struct run *run = context;
    (void)status;
    if (message == NULL || message[0] == '\0')
        FAIL("the log hook was called without a message");
}

static void options_for(const struct run *run, bool failing, crm_options *options)
{
    options_default(options);
    options->now = BASE_NOW + DAY_US;
    options->busy_ms = 0;
    options->durability = run->scenario->deferred ? CRM_DURABLE_DEFERRED : CRM_DURABLE_FULL;
    if (!failing)
        return;
    options->memory = (struct memory){fault_resize, NULL};
    options->files = &fault_files;
    options->log = told;
    options->log_context = (void *)(uintptr_t)run;
}

const crm_options *run_options(struct run *run)
{
    static crm_options options;
    options_for(run, true, &options);
    return &options;
}

int32_t run_open(struct run *run, int64_t create, bool read_only)
{
    crm_options options = *run_options(run);
    options.create = create;
    options.read_only = read_only;
    return crm_open(run->path, &options, &run->db, &run->error);
}

void run_open_other(struct run *run)
{
    crm_options options;
    options_for(run, false, &options);
    if (crm_open(run->path, &options, &run->other, &run->error) != CRM_OK)
        FAIL("another handle cannot be opened: %s", run->error.message);
}

void run_close_other(struct run *run)
{
    bool armed = fault.armed;
    fault.armed = false; /* the faults are those of the first handle */
    if (run->other != NULL && crm_close(run->other) != CRM_OK && !fault.stops)
        FAIL("another handle cannot be closed");
    run->other = NULL;
    fault.armed = armed;
}

/* ---- states ---- */

static void same_state(struct run *run, const char *expected, crm_view *view)
{
    char *state = state_text(view);
    if (expected == NULL)
        FAIL("transaction %llu is none of the run without faults", (unsigned long long)crm_view_lsn(view));
    else if (strcmp(expected, state) != 0)
        FAIL("the state after transaction %llu: %s", (unsigned long long)crm_view_lsn(view),
             first_difference(expected, state));
    free(state);
}

static const char *expected_state(const struct run *run, uint64_t lsn)
{
    return lsn < LSNS_MOST ? run->outcome->states[lsn] : NULL;
}

/* What a view sees now is a state that there was, and not one before what was acknowledged. */
static void check_now(struct run *run, crm_db *db)
{
    crm_view *view = NULL;
    crm_error error = {0};
    if (crm_view_open(db, &view, &error) != CRM_OK) {
        FAIL("the state cannot be read: %s", error.message);
        return;
    }
    uint64_t lsn = crm_view_lsn(view);
    if (lsn < run->acked)
        FAIL("transaction %llu was acknowledged, the last is %llu", (unsigned long long)run->acked,
             (unsigned long long)lsn);
    same_state(run, expected_state(run, lsn), view);
    crm_view_close(view);
}

/* ---- P4 ---- */

static void must_be_stopped(struct run *run, int32_t status, const crm_error *error, const char *call)
{
    if (status != CRM_STOPPED)
        FAIL("after a failed write %s answers %s", call, crm_status_name(status));
    else if (error->message[0] == '\0')
        FAIL("%s answers CRM_STOPPED without a message", call);
}

static void check_stopped(struct run *run)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    int32_t status = crm_begin(run->db, &txn, &error);
    if (status == CRM_OK) {
        (void)crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Never", CRM_NUL);
        status = crm_commit(txn, NULL, &error);
    }
    must_be_stopped(run, status, &error, "a commit");
    error.message[0] = '\0';
    must_be_stopped(run, crm_sync(run->db, &error), &error, "crm_sync");
    error.message[0] = '\0';
    must_be_stopped(run, crm_compact(run->db, &error), &error, "crm_compact");
    check_now(run, run->db);
    /* What a sync did not write may be another handle's, too. */
    bool sync = strcmp(fault.call, "sync") == 0 || strcmp(fault.call, "fdatasync()") == 0;
    if (run->other != NULL && sync) {
        error.message[0] = '\0';
        must_be_stopped(run, crm_begin(run->other, &txn, &error), &error, "another handle's crm_begin");
    }
}

/* ---- steps ---- */

static bool last_step(const struct run *run)
{
    return run->step == STEPS_MOST || run->scenario->steps[run->step] == NULL;
}

/* From run->step on, until one fails; true: none did. */
static bool go(struct run *run)
{
    for (; !last_step(run); run->step++) {
        run->failed = run->kept = false;
        run->scenario->steps[run->step](run);
        if (run->failed)
            return false;
        run->acked = run->outcome->lsns[run->step + 1]; /* all that it committed */
    }
    return true;
}

static void check_held(struct run *run)
{
    if (held.blocks != 0 || held.files != 0 || held.maps != 0)
        FAIL("%lld blocks, %lld files and %lld maps are left", (long long)held.blocks, (long long)held.files,
             (long long)held.maps);
    held = (struct held){0};
}

static void close_db(struct run *run)
{
    if (run->scenario->settle != NULL)
        run->scenario->settle(run);
    run_close_other(run);
    if (run->db != NULL) {
        run->error = (crm_error){0};
        (void)PLAIN(crm_close(run->db));
    }
    run->db = NULL;
    check_held(run);
}

/* After a step failed: which transactions are there now?  One that was under
 * way may be, whole; then its step is over. */
static void check_progress(struct run *run, bool reopened)
{
    uint64_t lsn = crm_lsn(run->db), after = run->outcome->lsns[run->step + 1];
    if (lsn > after || (lsn != run->acked && !reopened && !run->scenario->batches))
        FAIL("transaction %llu was acknowledged, the last is %llu, of at most %llu", (unsigned long long)run->acked,
             (unsigned long long)lsn, (unsigned long long)after);
    check_now(run, run->db);
    if (lsn == after && after > run->outcome->lsns[run->step])
        run->step++;
    run->acked = lsn;
}

static void reopen(struct run *run)
{
    fault.armed = false;
    run->well = true;
    bool opened = run_open(run, 1, run->scenario->damaged) == CRM_OK;
    if (!opened)
        FAIL("the file cannot be opened again: %s", run->error.message);
    else
        check_progress(run, true);
}

static void after_failure(struct run *run)
{
    if (fault.mode != FAULT_FOR_GOOD) {
        fault.armed = false;
        run->well = true;
    }
    if (run->db == NULL) /* its opening failed: nothing may be left of it */
        check_held(run);
    bool stopped = fault.stops && run->db != NULL;
    if (run->well && stopped)
        check_stopped(run);
    if (run->db != NULL && (stopped || !run->well)) {
        run->well = run->well && !stopped; /* closing may say that what was written before is not safe */
        close_db(run);
        reopen(run);
    } else if (run->db != NULL) {
        if (run->scenario->settle != NULL)
            run->scenario->settle(run);
        check_progress(run, false);
    }
    fault.armed = false;
    run->well = true;
    if (!go(run))
        FAIL("the step does not succeed when nothing fails any more: %s", run->error.message);
}

/* ---- the end ---- */

/* With a handle of a process that knows nothing of all this. */
static void check_end(struct run *run)
{
    crm_db *db = NULL;
    crm_error error = {0};
    crm_options options;
    options_for(run, false, &options);
    options.create = 0;
    options.read_only = run->scenario->damaged;
    if (crm_open(run->path, &options, &db, &error) != CRM_OK) {
        FAIL("at the end the file cannot be opened: %s", error.message);
        return;
    }
    uint64_t last = 0;
    for (int i = 0; i <= STEPS_MOST; i++)
        last = run->outcome->lsns[i] > last ? run->outcome->lsns[i] : last;
    if (crm_lsn(db) != last && !run->scenario->batches)
        FAIL("at the end there are %llu transactions, not %llu", (unsigned long long)crm_lsn(db),
             (unsigned long long)last);
    crm_view *view = NULL;
    if (crm_view_open(db, &view, &error) == CRM_OK)
        same_state(run, expected_state(run, last), view);
    crm_view_close(view);
    char *history = run->scenario->batches ? NULL : history_text(db);
    if (history != NULL && strcmp(history, run->outcome->history) != 0)
        FAIL("the history at the end: %s", first_difference(run->outcome->history, history));
    free(history);
    if (!run->scenario->damaged && crm_verify(db, NULL, &error) != CRM_OK)
        FAIL("the file is not sound: %s", error.message);
    if (crm_close(db) != CRM_OK)
        FAIL("at the end the file cannot be closed");
}

static void start(struct run *run, struct stress *stress, const struct scenario *scenario, struct outcome *outcome)
{
    *run = (struct run){.stress = stress, .scenario = scenario, .outcome = outcome, .well = true};
    stress_path(stress, "t.crm", run->path, sizeof run->path);
    stress_path(stress, "t.crm-index", run->index, sizeof run->index);
    stress_path(stress, "copy.crm", run->copy, sizeof run->copy);
    held = (struct held){0};
    base_place(run, scenario->base);
    if (!scenario->opens && run_open(run, 1, false) != CRM_OK)
        FAIL("the base cannot be opened: %s", run->error.message);
    if (scenario->prepare != NULL)
        scenario->prepare(run);
    run->well = false;
}

void run_once(struct stress *stress, const struct scenario *scenario, struct outcome *outcome)
{
    struct run run;
    start(&run, stress, scenario, outcome);
    run.acked = outcome->lsns[0];
    fault.armed = true;
    bool went = go(&run);
    constants_hold(&run);
    if (!went)
        after_failure(&run);
    close_db(&run);
    if (fault.armed && fault.told_by_all && !run.told)
        run_fail(&run, __LINE__, "it failed, and nobody was told");
    fault.armed = false;
    run.well = true;
    check_end(&run);
}

/* ---- the run without faults ---- */

/* Each once, right after its transaction: an erasure changes what was before it. */
static void note_states(struct run *run)
{
    crm_db *db = run->db;
    uint64_t last = crm_lsn(db);
    if (last >= LSNS_MOST) {
        FAIL("more transactions than there is room for");
        return;
    }
    for (uint64_t lsn = run->step == 0 ? last : run->outcome->lsns[run->step - 1]; lsn <= last; lsn++) {
        crm_view *view = NULL;
        if (lsn == 0 || run->outcome->states[lsn] != NULL)
            continue;
        if (crm_view_open_lsn(db, lsn, &view, &run->error) != CRM_OK)
            FAIL("no view of transaction %llu: %s", (unsigned long long)lsn, run->error.message);
        run->outcome->states[lsn] = view == NULL ? NULL : state_text(view);
        crm_view_close(view);
    }
    run->outcome->lsns[run->step] = last;
}

void outcome_make(struct stress *stress, const struct scenario *scenario, struct outcome *outcome)
{
    struct run run_here, *run = &run_here;
    *outcome = (struct outcome){0};
    fault = (struct fault){0};
    start(run, stress, scenario, outcome);
    run->well = run->first = true;
    if (run->db != NULL)
        note_states(run);
    else
        outcome->lsns[0] = scenario->base == BASE_NONE ? 0 : LSN_LAST;
    while (!last_step(run)) {
        run->failed = run->kept = false;
        scenario->steps[run->step++](run);
        if (run->failed || run->db == NULL) {
            FAIL("fails though nothing was made to: %s", run->error.message);
            break;
        }
        note_states(run);
    }
    if (run->db != NULL)
        outcome->history = history_text(run->db);
    close_db(run);
    check_end(run);
}

void outcome_free(struct outcome *outcome)
{
    for (int i = 0; i < LSNS_MOST; i++)
        free(outcome->states[i]);
    free(outcome->history);
    free(outcome->copy);
}
