/* crash_run.c: a workload's run on a recorded disk, see crash.h.
 *
 * What a call promised goes into the record the moment it returned; what the
 * database then answers is noted as a state, and held against the models at
 * once, so that a state that was wrong before any crash is told as such.
 */
#include "crash.h"

#include "api/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void crash_resume(struct crash *crash, struct stress *stress, const char *name, const char *folder, uint64_t *tried)
{
    *crash = (struct crash){.stress = stress, .name = name, .now = CRASH_START, .level = 1, .tried = tried};
    crash->faults = &crash->own_faults;
    stress_path(stress, folder, crash->folder, sizeof crash->folder);
    snprintf(crash->path, sizeof crash->path, "%s/" CRASH_FILE, crash->folder);
    crash->chance = stress->seed;
    for (const char *at = name; *at != '\0'; at++)
        crash->chance = crash->chance * 131 + (unsigned char)*at;
    disk_start(&crash->disk, crash->folder);
}

void crash_start(struct crash *crash, struct stress *stress, const char *name, const char *folder, uint64_t *tried)
{
    char path[96];
    stress_path(stress, folder, path, sizeof path);
    stress_remove(path);
    if (mkdir(path, S_IRWXU) != 0) {
        perror(path);
        exit(2);
    }
    crash_resume(crash, stress, name, folder, tried);
}

void crash_found(struct crash *crash, const struct crash_state *state)
{
    crash->begun = true;
    crash->states[crash->state_count++] =
        (struct crash_state){.lsn = state->lsn,
                             .answers = strdup(state->answers),
                             .plain = state->plain == NULL ? NULL : plain_copy(state->plain),
                             .oracle = state->oracle == NULL ? NULL : oracle_copy(state->oracle)};
    disk_promise_lsn(&crash->disk, state->lsn);
}

void crash_end(struct crash *crash)
{
    (void)crm_close(crash->db);
    crash->db = NULL;
    disk_end(&crash->disk);
    for (uint32_t i = 0; i < crash->state_count; i++) {
        free(crash->states[i].answers);
        plain_free(crash->states[i].plain);
        oracle_free(crash->states[i].oracle);
    }
    plain_free(crash->plain);
    oracle_free(crash->oracle);
    free(crash->new_answers);
    free(crash->seen);
}

/* In the middle of each sync: what readers see by then is on disk (unless deferred).  Not while the handle
 * goes over to another file: readers then wait for the thread that is syncing. */
static void look_around(void *context)
{
    struct crash *crash = context;
    if (crash->db == NULL || crash->deferred || !mutex_lock_for(&crash->db->follow, 0))
        return;
    mutex_unlock(&crash->db->follow);
    disk_promise_lsn(&crash->disk, crm_lsn(crash->db));
}

void crash_watch(struct crash *crash)
{
    crash->disk.during_sync = look_around;
    crash->disk.during_sync_context = crash;
}

/* What was done so far is on disk, and promised. */
void crash_record(struct crash *crash)
{
    (void)crash_close(crash);
    disk_end(&crash->disk);
    disk_start(&crash->disk, crash->folder);
    crash_watch(crash);
    if (crash->state_count > 0) {
        crash->begun = true;
        disk_promise_lsn(&crash->disk, crash->states[crash->state_count - 1].lsn);
        disk_promise_state(&crash->disk, crash->state_count - 1);
    }
}

bool crash_ok(struct crash *crash, const char *what, int32_t status, const crm_error *error)
{
    if (status == CRM_OK)
        return true;
    if (!disk_dead(&crash->disk))
        stress_fail(crash->stress, "%s: %s: %s: %s", crash->name, what, crm_status_name(status),
                    error == NULL ? "" : error->message);
    return false;
}

crm_options *crash_options(struct crash *crash)
{
    crm_options *options = crm_options_create();
    if (options == NULL)
        exit(2);
    options->files = &crash->disk.first.ops;
    options->now = crash->now;
    options->durability = crash->deferred ? CRM_DURABLE_DEFERRED : CRM_DURABLE_FULL;
    return options;
}

bool crash_open(struct crash *crash)
{
    crm_error error = {0};
    int name = disk_name(&crash->disk, CRASH_FILE);
    bool new = name == DISK_NONE || crash->disk.now[name] == DISK_NONE;
    crm_options *options = crash_options(crash);
    int32_t status = crm_open(crash->path, options, &crash->db, &error);
    crm_options_free(options);
    if (!crash_ok(crash, "crm_open", status, &error))
        return false;
    if (!new || !crash->deferred) /* what an open shows of an older session is on disk */
        disk_promise_lsn(&crash->disk, crm_lsn(crash->db));
    return crash_note(crash);
}

bool crash_close(struct crash *crash)
{
    uint64_t lsn = crash->db == NULL ? 0 : crm_lsn(crash->db);
    int32_t status = crm_close(crash->db);
    bool was = crash->db != NULL;
    crash->db = NULL;
    if (!crash_ok(crash, "crm_close", status, NULL))
        return false;
    if (was)
        disk_promise_lsn(&crash->disk, lsn);
    return true;
}

crm_txn *crash_begin(struct crash *crash, const char *actor, const char *batch)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    crash->now += CRASH_MINUTE;
    crm_set_now(crash->db, crash->now);
    if (!crash_ok(crash, "crm_begin", crm_begin(crash->db, &txn, &error), &error))
        return NULL;
    crm_txn_set_actor(txn, actor);
    crm_txn_set_reason(txn, "to see it survive");
    if (batch != NULL)
        crm_txn_set_batch(txn, batch);
    return txn;
}

bool crash_commit(struct crash *crash, crm_txn *txn)
{
    crm_error error = {0};
    uint64_t lsn = 0;
    if (!crash_ok(crash, "crm_commit", crm_commit(txn, &lsn, &error), &error))
        return false;
    if (!crash->deferred)
        disk_promise_lsn(&crash->disk, lsn);
    return crash_note(crash);
}

/* ---- states */

static bool is_as_modelled(struct crash *crash, const struct crash_state *state)
{
    crm_view *view = NULL;
    crm_error error = {0};
    if (!crash_ok(crash, "crm_view_open", crm_view_open_lsn(crash->db, state->lsn, &view, &error), &error))
        return false;
    const char *why = state->plain == NULL ? NULL : plain_check(state->plain, view);
    if (why == NULL && state->oracle != NULL)
        why = oracle_check(state->oracle, view);
    crm_view_close(view);
    if (why != NULL)
        stress_fail(crash->stress, "%s: before any crash, after transaction %llu: %s", crash->name,
                    (unsigned long long)state->lsn, why);
    return why == NULL;
}

static bool note(struct crash *crash, uint64_t lsn, bool newest)
{
    struct answers answers = {0};
    if (crash->state_count == CRASH_STATES || !answers_get(&answers, crash->db, lsn)) {
        stress_fail(crash->stress, "%s: state %u: %s", crash->name, crash->state_count,
                    answers.text == NULL ? "too many" : answers.text);
        answers_free(&answers);
        return false;
    }
    crash->states[crash->state_count++] =
        (struct crash_state){.lsn = lsn,
                             .answers = answers.text,
                             .plain = newest && crash->plain != NULL ? plain_copy(crash->plain) : NULL,
                             .oracle = newest && crash->oracle != NULL ? oracle_copy(crash->oracle) : NULL};
    if (lsn == 1 && crash->new_answers == NULL) {
        struct answers masked = {.mask_ids = true};
        if (answers_get(&masked, crash->db, lsn))
            crash->new_answers = strdup(masked.text);
        answers_free(&masked);
    }
    return is_as_modelled(crash, &crash->states[crash->state_count - 1]);
}

bool crash_note(struct crash *crash)
{
    uint64_t last = crm_lsn(crash->db);
    uint64_t from = crash->state_count == 0 ? last : crash->states[crash->state_count - 1].lsn + 1;
    bool good = true;
    for (uint64_t lsn = from; good && lsn <= last; lsn++)
        good = note(crash, lsn, lsn == last);
    return good;
}

bool crash_note_again(struct crash *crash)
{
    bool good = note(crash, crm_lsn(crash->db), true);
    disk_promise_state(&crash->disk, crash->state_count - 1);
    return good;
}

bool crash_model(struct crash *crash, uint32_t state, const struct plain *plain)
{
    crash->states[state].plain = plain_copy(plain);
    return is_as_modelled(crash, &crash->states[state]);
}

uint32_t crash_file_begin(struct crash *crash, const char *name)
{
    struct crash_file *file = &crash->files[crash->file_count];
    if (crash->file_count == CRASH_FILES || crash->state_count == 0)
        exit(2);
    snprintf(file->name, sizeof file->name, "%s", name);
    file->flag = 1u << crash->file_count++;
    file->state = crash->state_count - 1;
    return file->flag;
}

/* ---- models */

crm_record *crash_make(struct crash *crash, crm_txn *txn, uint32_t kind, crm_id *id)
{
    crm_record *record = crm_create(txn, kind);
    crm_record_id(record, id);
    plain_add(crash->plain, kind, id);
    return record;
}

void crash_put(struct crash *crash, crm_record *record, uint32_t field, const char *text)
{
    crm_id id;
    crm_record_id(record, &id);
    if (text == NULL)
        crm_set_null(record, field);
    else
        crm_set_parsed(record, field, text, CRM_NUL);
    plain_put(crash->plain, &id, field, text);
}
