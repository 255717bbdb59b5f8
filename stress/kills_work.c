/* kills_work: what the processes do that are killed. */
#include "kills.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 100000 /* far longer than anybody holds a lock: who waits so long waits for a dead one */ };

/* ---- a transaction's content ---- */

static uint64_t mixed(uint64_t t, uint64_t salt)
{
    uint64_t state = t * 1000003 + salt;
    return stress_random(&state);
}

uint32_t new_count(uint64_t t)
{
    return 1 + (uint32_t)(mixed(t, 1) % NEW_MOST);
}

uint32_t group_of(uint64_t t)
{
    return (uint32_t)(mixed(t, 2) % GROUPS);
}

void name_of(uint64_t t, uint32_t i, char *out, size_t size)
{
    snprintf(out, size, "T%llu.%u", (unsigned long long)t, i);
}

void key_of(uint64_t t, uint32_t i, char *out, size_t size)
{
    snprintf(out, size, "kills:%llu.%u", (unsigned long long)t, i);
}

/* Some short, some long enough to be deflated. */
void text_of(uint64_t t, uint32_t i, char *out, size_t size)
{
    size_t length = 0, wanted = mixed(t, 10 + i) % 8 == 0 ? size : size / 20;
    for (uint32_t word = 0; length + 24 < wanted; word++)
        length += (size_t)snprintf(out + length, size - length, "%llx ",
                                   (unsigned long long)mixed(t, 100 + i * 64 + word % 7) >> 40);
    if (length == 0)
        snprintf(out, size, "%llu", (unsigned long long)t);
}

/* ---- a file ---- */

crm_db *kills_open(const char *path, int64_t read_only, int64_t image, int32_t *status, crm_error *error)
{
    crm_options *options = crm_options_create();
    crm_db *db = NULL;
    if (options == NULL)
        abort();
    (void)crm_options_set_int(options, CRM_OPTION_CREATE, 0);
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, read_only);
    (void)crm_options_set_int(options, CRM_OPTION_IMAGE, image);
    (void)crm_options_set_int(options, CRM_OPTION_BUSY_MS, BUSY_MS);
    *status = crm_open(path, options, &db, error);
    crm_options_free(options);
    return db;
}

void kills_forget(struct kills *kills)
{
    uint64_t used = atomic_load(&kills->shared->next);
    for (uint64_t t = 0; t < used && t < NOTES_MOST; t++)
        atomic_store(&kills->shared->notes[t].state, NOTE_NONE);
    atomic_store(&kills->shared->next, 1);
    atomic_store(&kills->shared->acknowledged, 0);
}

int32_t kills_members(struct kills *kills, crm_db *db, crm_error *error)
{
    crm_txn *txn = NULL;
    int32_t status = crm_begin(db, &txn, error);
    if (status != CRM_OK)
        return status;
    for (uint32_t g = 0; g < GROUPS; g++) {
        for (uint32_t m = 0; m < MEMBERS; m++) {
            char name[32];
            crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
            snprintf(name, sizeof name, "Member %u.%u", g, m);
            (void)crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
            (void)crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, 0);
            crm_record_id(record, &kills->members[g][m]);
        }
    }
    return crm_commit(txn, NULL, error);
}

static void raise_to(_Atomic uint64_t *number, uint64_t value)
{
    uint64_t now = atomic_load(number);
    while (now < value && !atomic_compare_exchange_weak(number, &now, value))
        continue;
}

int32_t kills_commit(struct kills *kills, crm_db *db, uint64_t t, crm_error *error)
{
    char text[1200], key[48];
    uint64_t lsn = 0;
    crm_txn *txn = NULL;
    struct note *note = &kills->shared->notes[t];
    atomic_store(&note->state, NOTE_BEGUN);
    int32_t status = crm_begin(db, &txn, error);
    if (status != CRM_OK)
        return status;
    (void)crm_txn_set_actor(txn, "writer");
    for (uint32_t i = 0; i < new_count(t); i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        name_of(t, i, text, sizeof text);
        (void)crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL);
        key_of(t, i, key, sizeof key);
        (void)crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, key, CRM_NUL);
        text_of(t, i, text, sizeof text);
        (void)crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, CRM_NUL);
        (void)crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, (int64_t)t);
    }
    for (uint32_t m = 0; m < MEMBERS; m++)
        (void)crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &kills->members[group_of(t)][m]), CRM_CUSTOMER_EMPLOYEES,
                          (int64_t)t);
    status = crm_commit(txn, &lsn, error);
    if (status != CRM_OK)
        return status;
    atomic_store(&note->lsn, lsn);
    atomic_store(&note->state, NOTE_ACKNOWLEDGED);
    raise_to(&kills->shared->acknowledged, lsn);
    return CRM_OK;
}

/* ---- roles ---- */

struct life {
    struct kills *kills;
    crm_db *db;
    enum role role;
    uint64_t chance, last_lsn;
};

static void failed(const struct life *life, const char *what, const crm_error *error)
{
    static const char *const names[ROLES] = {"writer", "reader", "follower", "compactor", "copier", "imager", "opener"};
    stress_fail(life->kills->stress, "%s %d: %s: %s", names[life->role], (int)getpid(), what, error->message);
}

static bool write_one(struct life *life)
{
    crm_error error = {0};
    uint64_t t = atomic_fetch_add(&life->kills->shared->next, 1);
    if (t >= NOTES_MOST)
        return true;
    if (kills_commit(life->kills, life->db, t, &error) == CRM_OK)
        return true;
    failed(life, "commit", &error);
    return false;
}

/* Everything acknowledged by then is in a view that is opened now, and never
 * less than this process has seen before. */
static bool open_view(struct life *life, crm_view **view)
{
    crm_error error = {0};
    uint64_t least = atomic_load(&life->kills->shared->acknowledged);
    if (crm_view_open(life->db, view, &error) != CRM_OK) {
        failed(life, "view", &error);
        return false;
    }
    uint64_t lsn = crm_view_lsn(*view);
    if (lsn >= least && lsn >= life->last_lsn) {
        life->last_lsn = lsn;
        return true;
    }
    snprintf(error.message, sizeof error.message, "%llu, though %llu was acknowledged and %llu seen",
             (unsigned long long)lsn, (unsigned long long)least, (unsigned long long)life->last_lsn);
    failed(life, "a view's transaction", &error);
    crm_view_close(*view);
    return false;
}

/* A transaction that was acknowledged before the view was opened is in it when
 * its LSN is; any other is whole or not there. */
static bool look_at_one(struct life *life, crm_view *view, uint64_t t, uint32_t state, uint64_t known_lsn)
{
    uint64_t lsn = 0, seen = crm_view_lsn(view);
    uint32_t found = check_transaction(life->kills, view, t, &lsn);
    if (found == UINT32_MAX)
        return false;
    bool there = state == NOTE_ACKNOWLEDGED && known_lsn <= seen, not_there = state == NOTE_ACKNOWLEDGED && !there;
    if ((found == 0 || found == new_count(t)) && !(there && found == 0) && !(not_there && found > 0) &&
        (found == 0 || (lsn <= seen && (state != NOTE_ACKNOWLEDGED || lsn == known_lsn))))
        return true;
    stress_fail(life->kills->stress, "T%llu, acknowledged as %llu, has %u of %u records in a view at %llu",
                (unsigned long long)t, (unsigned long long)known_lsn, found, new_count(t), (unsigned long long)seen);
    return false;
}

static bool read_one(struct life *life)
{
    struct kills_shared *shared = life->kills->shared;
    uint64_t most = atomic_load(&shared->next);
    if (most > NOTES_MOST)
        most = NOTES_MOST;
    uint64_t t = most < 2 ? 0 : 1 + stress_random(&life->chance) % (most - 1);
    if (stress_below(&life->chance, 2) == 0 && most > 16)
        t = most - 1 - stress_below(&life->chance, 15);
    uint32_t state = atomic_load(&shared->notes[t].state);
    uint64_t lsn = atomic_load(&shared->notes[t].lsn);
    crm_view *view = NULL, *past = NULL;
    crm_error error = {0};
    if (!open_view(life, &view))
        return false;
    bool fine = t == 0 || look_at_one(life, view, t, state, lsn);
    fine = fine && check_group(life->kills, view, stress_below(&life->chance, GROUPS)) != UINT64_MAX;
    if (fine && stress_below(&life->chance, 4) == 0 && crm_view_lsn(view) > 2) {
        uint64_t then = 2 + stress_random(&life->chance) % (crm_view_lsn(view) - 1);
        if (crm_view_open_lsn(life->db, then, &past, &error) != CRM_OK) {
            failed(life, "view of the past", &error);
            fine = false;
        } else {
            fine = check_group(life->kills, past, stress_below(&life->chance, GROUPS)) != UINT64_MAX &&
                   (t == 0 || look_at_one(life, past, t, state, lsn));
        }
    }
    crm_view_close(past);
    crm_view_close(view);
    return fine;
}

/* What a feed hands out of one transaction, or of those that are over. */
static bool follow_some(struct life *life)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    uint64_t lsn = 0, t = 0, from = life->last_lsn;
    uint32_t made = 0, changed = 0;
    int32_t status = crm_feed_open(life->db, from, &feed, &error);
    while (status == CRM_OK && (status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK) {
        if (crm_change_kind(change) != CRM_KIND_CUSTOMER)
            continue;
        int64_t carried = crm_int(crm_change_after(change), CRM_CUSTOMER_EMPLOYEES);
        if (crm_change_lsn(change) != lsn) {
            if (t != 0 && (made != new_count(t) || changed != MEMBERS))
                break;
            lsn = crm_change_lsn(change);
            t = carried > 0 ? (uint64_t)carried : 0;
            made = changed = 0;
        }
        if (carried != (int64_t)t)
            break;
        made += crm_change_operation(change) == CRM_CHANGE_CREATE;
        changed += crm_change_operation(change) == CRM_CHANGE_UPDATE;
    }
    uint64_t position = crm_feed_position(feed);
    crm_feed_close(feed);
    if (status == CRM_TIMEOUT && (t == 0 || (made == new_count(t) && changed == MEMBERS)) && position >= from) {
        life->last_lsn = position;
        return true;
    }
    snprintf(error.message + strlen(error.message), sizeof error.message - strlen(error.message),
             " (from %llu, at %llu, T%llu: %u made, %u changed)", (unsigned long long)from, (unsigned long long)lsn,
             (unsigned long long)t, made, changed);
    failed(life, crm_status_name(status), &error);
    return false;
}

static bool copy_one(struct life *life)
{
    char path[192];
    crm_error error = {0};
    crm_view *view = NULL;
    int32_t status;
    uint64_t least = atomic_load(&life->kills->shared->acknowledged);
    snprintf(path, sizeof path, "%s.copy-%d", life->kills->path, (int)getpid());
    (void)unlink(path);
    if (crm_backup(life->db, path, &error) != CRM_OK) {
        failed(life, "backup", &error);
        return false;
    }
    crm_db *copy = kills_open(path, 1, 0, &status, &error);
    bool fine =
        copy != NULL && crm_verify(copy, NULL, &error) == CRM_OK && crm_view_open(copy, &view, &error) == CRM_OK;
    if (!fine)
        failed(life, "a copy", &error);
    if (fine && crm_view_lsn(view) < least) {
        stress_fail(life->kills->stress, "a copy ends at %llu, though %llu was acknowledged",
                    (unsigned long long)crm_view_lsn(view), (unsigned long long)least);
        fine = false;
    }
    for (uint32_t g = 0; fine && g < GROUPS; g++)
        fine = check_group(life->kills, view, g) != UINT64_MAX;
    crm_view_close(view);
    (void)crm_close(copy);
    (void)unlink(path);
    return fine;
}

static bool work(struct life *life)
{
    crm_error error = {0};
    int32_t status = CRM_OK;
    switch (life->role) {
    case WRITER: return write_one(life);
    case READER: return read_one(life);
    case FOLLOWER: return follow_some(life);
    case COPIER: return copy_one(life);
    case COMPACTOR: status = crm_compact(life->db, &error); break;
    case IMAGER: status = crm_rebuild(life->db, &error); break;
    default: /* an opener: once more from the beginning */
        status = crm_close(life->db);
        life->db = NULL;
        if (status == CRM_OK)
            life->db = kills_open(life->kills->path, 0, 1, &status, &error);
    }
    if (status != CRM_OK)
        failed(life, crm_status_name(status), &error);
    return status == CRM_OK;
}

_Noreturn void kills_live(struct kills *kills, enum role role, bool only_reads, uint64_t chance)
{
    crm_error error = {0};
    int32_t status;
    struct life life = {.kills = kills, .role = role, .chance = chance};
    life.db = kills_open(kills->path, only_reads, 1, &status, &error);
    if (life.db == NULL) {
        failed(&life, "open", &error);
        _exit(1);
    }
    life.last_lsn = role == FOLLOWER ? crm_lsn(life.db) : 0;
    while (!atomic_load(&kills->shared->stop)) {
        if (!work(&life))
            _exit(1);
        atomic_fetch_add(&kills->shared->done[role], 1);
        if (role >= FOLLOWER)
            (void)usleep(stress_below(&life.chance, role == FOLLOWER ? 2000 : 20000));
    }
    if (crm_close(life.db) != CRM_OK) {
        failed(&life, "close", &error);
        _exit(1);
    }
    _exit(0);
}
