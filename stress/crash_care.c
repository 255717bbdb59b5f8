/* crash_care.c: workloads that are about the file more than about records:
 * several that write at once, compaction, the index file, backup, recovery.
 */
#include "crash_work.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY INT64_C(86400000000)

/* ---- group sync: while the first waits for the disk, two more come, and share the next sync */

enum { MEMBERS = 3 };

struct group {
    struct crash *crash;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool syncing; /* the first is in its sync */
    bool held;
    bool failed[MEMBERS];
};

struct member {
    struct group *group;
    unsigned number;
    crm_id id;
};

static size_t writes(struct disk *disk)
{
    size_t count = 0;
    pthread_mutex_lock(&disk->lock);
    for (size_t i = 0; i < disk->count; i++)
        count += disk->steps[i].what == DISK_WRITE;
    pthread_mutex_unlock(&disk->lock);
    return count;
}

/* In the first sync: waits until the others have written their frames. */
static void hold(void *context)
{
    struct group *group = context;
    pthread_mutex_lock(&group->lock);
    bool first = !group->held;
    group->held = group->syncing = true;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
    disk_promise_lsn(&group->crash->disk, crm_lsn(group->crash->db));
    size_t before = writes(&group->crash->disk);
    for (int i = 0; first && i < 100000 && writes(&group->crash->disk) < before + MEMBERS - 1; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void *commit_one(void *argument)
{
    struct member *member = argument;
    struct group *group = member->group;
    crm_txn *txn = NULL;
    uint64_t lsn = 0;
    char name[32];
    pthread_mutex_lock(&group->lock);
    while (member->number > 0 && !group->syncing)
        pthread_cond_wait(&group->changed, &group->lock);
    pthread_mutex_unlock(&group->lock);
    snprintf(name, sizeof name, "Gruppe %u", member->number);
    group->failed[member->number] = crm_begin(group->crash->db, &txn, NULL) != CRM_OK;
    if (group->failed[member->number])
        return NULL;
    crm_txn_set_actor(txn, name);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(record, &member->id);
    crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
    group->failed[member->number] = crm_commit(txn, &lsn, NULL) != CRM_OK;
    if (!group->failed[member->number])
        disk_promise_lsn(&group->crash->disk, lsn);
    return NULL;
}

bool work_group(struct crash *crash)
{
    struct group group = {.crash = crash};
    struct member members[MEMBERS];
    pthread_t threads[MEMBERS];
    if (!crash_open(crash))
        return false;
    pthread_mutex_init(&group.lock, NULL);
    pthread_cond_init(&group.changed, NULL);
    crash->disk.during_sync = hold;
    crash->disk.during_sync_context = &group;
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){.group = &group, .number = i};
        if (pthread_create(&threads[i], NULL, commit_one, &members[i]) != 0)
            exit(2);
    }
    bool good = true;
    for (unsigned i = 0; i < MEMBERS; i++) {
        char name[32];
        (void)pthread_join(threads[i], NULL);
        snprintf(name, sizeof name, "Gruppe %u", i);
        good = good && !group.failed[i];
        plain_add(crash->plain, CRM_KIND_CUSTOMER, &members[i].id);
        plain_put(crash->plain, &members[i].id, CRM_CUSTOMER_NAME, name);
    }
    crash_watch(crash);
    pthread_mutex_destroy(&group.lock);
    pthread_cond_destroy(&group.changed);
    return good && crash_note(crash) && crash_close(crash);
}

/* ---- compaction */

static bool compact(struct crash *crash)
{
    crm_error error = {0};
    return crash_ok(crash, "crm_compact", crm_compact(crash->db, &error), &error);
}

bool work_compaction(struct crash *crash)
{
    return crash_open(crash) && work_customer(crash, "Neu & Co.", &crash->ids[3]) && compact(crash) &&
           work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[0], CRM_CUSTOMER_TERRITORY, "Nord") && compact(crash) &&
           work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[3], CRM_CUSTOMER_TERRITORY, "Ost") && crash_close(crash);
}

/* A year on, with 30 days to keep: a compaction drops what was superseded. */
bool work_retention_before(struct crash *crash)
{
    if (!work_few(crash))
        return false;
    crm_txn *txn = crash_begin(crash, "ada", NULL);
    if (txn == NULL)
        return false;
    crm_setting_set(txn, "retention_days", "30");
    plain_setting(crash->plain, "retention_days", "30");
    return crash_commit(crash, txn);
}

bool work_retention(struct crash *crash)
{
    crash->now += 366 * DAY;
    return crash_open(crash) && work_customer(crash, "Heute AG", &crash->ids[3]) && compact(crash) &&
           crash_note_again(crash) && crash_close(crash);
}

bool work_erasure_before(struct crash *crash)
{
    if (!work_few(crash))
        return false;
    bool good = work_customer(crash, "Geheimnis 4711 KG", &crash->ids[3]) && crash_close(crash) && crash_open(crash);
    crm_error error = {0};
    return good && crash_ok(crash, "crm_rebuild", crm_rebuild(crash->db, &error), &error);
}

bool work_erasure(struct crash *crash)
{
    crash->secret = "Geheimnis 4711";
    if (!crash_open(crash))
        return false;
    crm_txn *txn = crash_begin(crash, "ada", NULL);
    if (txn == NULL)
        return false;
    crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[3]));
    plain_put(crash->plain, &crash->ids[3], CRM_CUSTOMER_NAME, "(erased)");
    if (!crash_commit(crash, txn) || !compact(crash))
        return false;
    disk_promise_file(&crash->disk, CRASH_ERASED);
    return work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[0], CRM_CUSTOMER_TERRITORY, "Nord") && crash_close(crash);
}

/* ---- the index file: written at closing, because the log grew, and by crm_rebuild */

static bool grow(struct crash *crash, unsigned records)
{
    char text[400];
    crm_txn *txn = crash_begin(crash, "mia", NULL);
    for (unsigned i = 0; txn != NULL && i < records; i++) {
        for (unsigned at = 0; at < sizeof text - 1; at++)
            text[at] = (char)('0' + stress_below(&crash->chance, 64));
        text[sizeof text - 1] = '\0';
        crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_NOTE);
        crm_set_text(record, CRM_INTERACTION_SUBJECT, text, 40);
        crm_set_text(record, CRM_INTERACTION_BODY, text, CRM_NUL);
        crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &crash->ids[i % 3]);
    }
    return txn != NULL && crash_commit(crash, txn);
}

bool work_image_before(struct crash *crash)
{
    return work_few(crash) && grow(crash, 60);
}

bool work_image(struct crash *crash)
{
    crm_error error = {0};
    return crash_open(crash) && crash_ok(crash, "crm_rebuild", crm_rebuild(crash->db, &error), &error) &&
           work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[0], CRM_CUSTOMER_TERRITORY, "Nord") && grow(crash, 150) &&
           crash_close(crash) && crash_open(crash) && work_customer(crash, "Danach AG", &crash->ids[3]) &&
           crash_close(crash);
}

/* ---- backup and recovery: further files */

bool work_backup(struct crash *crash)
{
    char path[160];
    crm_error error = {0};
    if (!crash_open(crash) || !work_customer(crash, "Noch dabei", &crash->ids[3]))
        return false;
    snprintf(path, sizeof path, "%s/copy.crm", crash->folder);
    uint32_t flag = crash_file_begin(crash, "copy.crm");
    if (!crash_ok(crash, "crm_backup", crm_backup(crash->db, path, &error), &error))
        return false;
    disk_promise_file(&crash->disk, flag);
    return work_customer(crash, "Danach", &crash->ids[4]) && crash_close(crash);
}

/* The file to salvage is a copy whose last byte is damaged: all but the last transaction is in it. */
bool work_recovery_before(struct crash *crash)
{
    char path[160];
    crm_error error = {0};
    snprintf(path, sizeof path, "%s/hurt.crm", crash->folder);
    return work_few(crash) && crash_ok(crash, "crm_backup", crm_backup(crash->db, path, &error), &error);
}

bool work_recovery(struct crash *crash)
{
    char from[160], to[160];
    crm_error error = {0};
    crm_table *table = NULL;
    snprintf(from, sizeof from, "%s/hurt.crm", crash->folder);
    snprintf(to, sizeof to, "%s/saved.crm", crash->folder);
    uint32_t flag = crash_file_begin(crash, "saved.crm");
    crm_options *options = crash_options(crash);
    bool good = crash_ok(crash, "crm_recover", crm_recover(from, to, options, &table, &error), &error);
    crm_options_free(options);
    crm_table_free(table);
    if (good)
        disk_promise_file(&crash->disk, flag);
    return good && crash_open(crash) && work_customer(crash, "Danach", &crash->ids[4]) && crash_close(crash);
}

/* ---- two handles that write in turn, and one that follows */

bool work_handles(struct crash *crash)
{
    crm_db *other = NULL, *reader = NULL;
    crm_error error = {0};
    crm_options *options = crash_options(crash);
    bool good =
        crash_open(crash) && crash_ok(crash, "crm_open", crm_open(crash->path, options, &other, &error), &error);
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1);
    good = good && crash_ok(crash, "crm_open", crm_open(crash->path, options, &reader, &error), &error);
    crm_options_free(options);
    crm_db *first = crash->db;
    for (unsigned i = 0; good && i < 4; i++) {
        crash->db = i % 2 ? first : other;
        good =
            work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[i % 3], CRM_CUSTOMER_TERRITORY, i < 2 ? "Nord" : "Ost");
        good = good && crash_ok(crash, "the reader follows",
                                crm_lsn(reader) == crm_lsn(crash->db) ? CRM_OK : CRM_CORRUPT, NULL);
        if (i == 1)
            good = good && compact(crash);
    }
    crash->db = first;
    (void)crm_close(reader);
    good = crash_ok(crash, "crm_close", crm_close(other), NULL) && good;
    return good && crash_close(crash);
}

/* ---- whatever the oracle thinks of */

static bool oracle_steps(struct crash *crash, unsigned count)
{
    struct choices choices = {.state = crash->chance};
    for (unsigned i = 0; i < count; i++) {
        uint64_t lsn = 0;
        int32_t status = CRM_OK;
        const char *why = oracle_transaction(crash->oracle, crash->db, &choices, &lsn, &status);
        if (why != NULL || status != CRM_OK) {
            if (!disk_dead(&crash->disk))
                stress_fail(crash->stress, "%s: %s", crash->name, why != NULL ? why : crm_status_name(status));
            return false;
        }
        if (lsn != 0)
            disk_promise_lsn(&crash->disk, lsn);
        if (lsn != 0 && !crash_note(crash))
            return false;
    }
    return true;
}

bool work_oracle_before(struct crash *crash)
{
    crash->now = ORACLE_NOW;
    crash->oracle = oracle_create();
    if (crash->oracle == NULL)
        exit(2);
    oracle_limit(crash->oracle, 12, 60);
    return crash_open(crash) && oracle_steps(crash, 10);
}

bool work_oracle(struct crash *crash)
{
    return crash_open(crash) && oracle_steps(crash, 12) && crash_close(crash);
}
