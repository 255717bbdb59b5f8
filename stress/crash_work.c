/* crash_work.c: the workloads whose every step is cut, see crash.h.
 *
 * Small ones, so that every subset of what was on its way can be tried, which
 * together use every call that writes.  Each makes its file, begins the record,
 * and works; the models say what must come out of each transaction.
 */
#include "crash.h"

#include "crash_work.h"

#include "api/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY INT64_C(86400000000)

/* ---- steps that several use */

/* A customer of its own transaction. */
bool work_customer(struct crash *crash, const char *name, crm_id *id)
{
    crm_txn *txn = crash_begin(crash, "mia", NULL);
    if (txn == NULL)
        return false;
    crash_put(crash, crash_make(crash, txn, CRM_KIND_CUSTOMER, id), CRM_CUSTOMER_NAME, name);
    return crash_commit(crash, txn);
}

/* One field of it, in its own transaction. */
bool work_change(struct crash *crash, uint32_t kind, const crm_id *id, uint32_t field, const char *text)
{
    crm_txn *txn = crash_begin(crash, "ole", NULL);
    if (txn == NULL)
        return false;
    crash_put(crash, crm_edit(txn, kind, id), field, text);
    return crash_commit(crash, txn);
}

bool work_onward(struct crash *crash, const char *name)
{
    crm_txn *txn = crash_begin(crash, "mia", NULL);
    if (txn == NULL)
        return false;
    crm_set_text(crm_create(txn, CRM_KIND_PRODUCT), CRM_PRODUCT_NAME, name, CRM_NUL);
    return crash_commit(crash, txn);
}

/* A file of a few customers with some history, from which the others go on. */
bool work_few(struct crash *crash)
{
    static const char *const names[] = {"Acme GmbH", "Bär & Söhne", "Zorn KG"};
    bool good = crash_open(crash);
    for (size_t i = 0; good && i < sizeof names / sizeof *names; i++)
        good = work_customer(crash, names[i], &crash->ids[i]);
    for (unsigned i = 0; good && i < 3; i++)
        good = work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[0], CRM_CUSTOMER_TERRITORY,
                           i == 0   ? "Nord"
                           : i == 1 ? "Süd"
                                    : "West");
    return good;
}

static bool nothing(struct crash *crash)
{
    (void)crash;
    return true;
}

/* ---- birth: the file is created */

static bool birth(struct crash *crash)
{
    return crash_open(crash) && work_customer(crash, "Erste AG", &crash->ids[0]) && crash_close(crash);
}

/* ---- records: creating, changing, deleting, restoring, upserts, lists, undo, rollback */

static bool records_make(struct crash *crash)
{
    crm_id *contact = &crash->ids[3], *deal = &crash->ids[4];
    char acme[37];
    crm_txn *txn = crash_begin(crash, "mia", "herbst");
    if (txn == NULL)
        return false;
    crm_id_format(&crash->ids[0], acme);
    crm_record *record = crash_make(crash, txn, CRM_KIND_CONTACT, contact);
    crash_put(crash, record, CRM_CONTACT_FIRST_NAME, "Nadja");
    crash_put(crash, record, CRM_CONTACT_LAST_NAME, "Petrova");
    crash_put(crash, record, CRM_CONTACT_CUSTOMER, acme);
    crash_put(crash, record, CRM_CONTACT_EMAILS, "nadja@example.com");
    crash_put(crash, record, CRM_CONTACT_BIRTHDATE, "1981-04-30");
    record = crash_make(crash, txn, CRM_KIND_OPPORTUNITY, deal);
    crash_put(crash, record, CRM_OPPORTUNITY_NAME, "Jahresvertrag");
    crash_put(crash, record, CRM_OPPORTUNITY_CUSTOMER, acme);
    crash_put(crash, record, CRM_OPPORTUNITY_CLOSE_DATE, "2024-12-31");
    crash_put(crash, record, CRM_OPPORTUNITY_AMOUNT, "12000.00");
    crm_record *primary = crm_edit(txn, CRM_KIND_CONTACT, contact);
    crm_set_ref_record(crm_edit(txn, CRM_KIND_OPPORTUNITY, deal), CRM_OPPORTUNITY_PRIMARY_CONTACT, primary);
    crm_id_parse("0192a000-0000-7000-8000-00000000000a", CRM_NUL, &crash->ids[5]);
    record = crm_create_with_id(txn, CRM_KIND_INTERACTION, &crash->ids[5]);
    plain_add(crash->plain, CRM_KIND_INTERACTION, &crash->ids[5]);
    crash_put(crash, record, CRM_INTERACTION_TYPE, "call");
    crash_put(crash, record, CRM_INTERACTION_START, "2024-09-30T08:00:00Z");
    crash_put(crash, record, CRM_INTERACTION_SUBJECT, "Angebot besprochen");
    crash_put(crash, record, CRM_INTERACTION_CUSTOMER, acme);
    crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, contact, "host", CRM_NUL);
    return crash_commit(crash, txn);
}

static bool records_change(struct crash *crash)
{
    int32_t created = 0;
    crm_txn *txn = crash_begin(crash, "ole", "herbst");
    if (txn == NULL)
        return false;
    crm_set_real(crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[0]), CRM_CUSTOMER_NAME, 1.5); /* refused: it is a text */
    crm_txn_forgive(txn);
    crm_record *record = crm_upsert(txn, CRM_KIND_CONTACT, CRM_CONTACT_EMAILS, "nadja@example.com", CRM_NUL, &created);
    crm_expect_version(record, 1);
    crash_put(crash, record, CRM_CONTACT_LAST_NAME, "Petrova-Lang");
    crm_item_add(record, CRM_CONTACT_PHONES, "+4930901820", CRM_NUL);
    crm_item_set_text(record, CRM_CONTACT_PHONES, 0, CRM_PART_LABEL, "work", CRM_NUL);
    crm_item_set_int(record, CRM_CONTACT_EMAILS, 0, CRM_PART_OPT_OUT, 0);
    crash_put(crash, record, CRM_CONTACT_BIRTHDATE, NULL);
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[1]);
    crm_item_add(record, CRM_FIELD_TAGS, "messe", CRM_NUL);
    crm_item_add(record, CRM_FIELD_TAGS, "vip", CRM_NUL);
    crm_item_remove(record, CRM_FIELD_TAGS, 0);
    crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &crash->ids[0]);
    char acme[37];
    crm_id_format(&crash->ids[0], acme);
    plain_put(crash->plain, &crash->ids[1], CRM_CUSTOMER_PARENT, acme);
    plain_put(crash->plain, &crash->ids[1], CRM_FIELD_TAGS, "vip");
    return crash_commit(crash, txn);
}

static bool records_go(struct crash *crash)
{
    crm_txn *txn = crash_begin(crash, "ole", NULL);
    if (txn == NULL)
        return false;
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[2]));
    plain_delete(crash->plain, &crash->ids[2], true);
    if (!crash_commit(crash, txn) || (txn = crash_begin(crash, "mia", NULL)) == NULL)
        return false;
    crash_put(crash, crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[0]), CRM_CUSTOMER_TERRITORY, "Ost");
    crm_rollback(txn);
    plain_put(crash->plain, &crash->ids[0], CRM_CUSTOMER_TERRITORY, "West");
    if ((txn = crash_begin(crash, "mia", NULL)) == NULL)
        return false;
    crm_restore(crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[2]));
    plain_delete(crash->plain, &crash->ids[2], false);
    return crash_commit(crash, txn);
}

/* The batch made a contact, a deal and a call, which go as they are, and gave a customer a parent and a tag. */
static bool records_undo(struct crash *crash)
{
    crm_error error = {0};
    crm_table *conflicts = NULL;
    crm_txn *txn = crash_begin(crash, "ada", NULL);
    if (txn == NULL)
        return false;
    int32_t status = crm_undo(txn, "herbst", 0, &conflicts, &error);
    crm_table_free(conflicts);
    if (!crash_ok(crash, "crm_undo", status, &error)) {
        crm_rollback(txn);
        return false;
    }
    for (unsigned i = 3; i <= 5; i++)
        plain_delete(crash->plain, &crash->ids[i], true);
    plain_put(crash->plain, &crash->ids[1], CRM_CUSTOMER_PARENT, NULL);
    plain_put(crash->plain, &crash->ids[1], CRM_FIELD_TAGS, NULL);
    return crash_commit(crash, txn);
}

static bool records(struct crash *crash)
{
    return crash_open(crash) && records_make(crash) && records_change(crash) && records_go(crash) &&
           records_undo(crash) && crash_close(crash);
}

/* ---- schema: kinds, fields, choices and settings of the user's own */

static bool schema_add(struct crash *crash)
{
    uint32_t kind = 0, title = 0, state = 0, weight = 0, late = 0;
    int64_t code = 0;
    crm_txn *txn = crash_begin(crash, "ada", NULL);
    if (txn == NULL)
        return false;
    crm_kind_add(txn, "project", CRM_NUL, &kind);
    crm_field_add(txn, kind, "name", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_INDEXED, 0, &title);
    crm_field_add(txn, kind, "state", CRM_NUL, CRM_TYPE_CHOICE, CRM_FLAG_HOT | CRM_FLAG_INDEXED, 0, &state);
    crm_field_add(txn, kind, "weight", CRM_NUL, CRM_TYPE_REAL, 0, 0, &weight);
    crm_choice_add(txn, kind, state, "open", CRM_NUL, &code);
    crm_record *record = crash_make(crash, txn, kind, &crash->ids[3]);
    crash_put(crash, record, title, "Umzug");
    crash_put(crash, record, state, "open");
    crm_set_real(record, weight, 2.5);
    plain_put(crash->plain, &crash->ids[3], weight, "2.5");
    if (!crash_commit(crash, txn) || (txn = crash_begin(crash, "ada", NULL)) == NULL)
        return false;
    crm_field_add(txn, CRM_KIND_CUSTOMER, "points", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_HOT, 0, &late);
    crm_choice_add(txn, kind, state, "done", CRM_NUL, &code);
    crash_put(crash, crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[0]), late, "40");
    crash_put(crash, crm_edit(txn, kind, &crash->ids[3]), state, "done");
    return crash_commit(crash, txn);
}

static bool schema(struct crash *crash)
{
    if (!crash_open(crash) || !schema_add(crash))
        return false;
    crm_txn *txn = crash_begin(crash, "ada", NULL);
    if (txn == NULL)
        return false;
    crm_setting_set(txn, "retention_days", "365");
    crm_setting_set(txn, "house", "Berlin");
    plain_setting(crash->plain, "retention_days", "365");
    plain_setting(crash->plain, "house", "Berlin");
    if (!crash_commit(crash, txn) || (txn = crash_begin(crash, "ada", NULL)) == NULL)
        return false;
    crm_setting_set(txn, "house", NULL);
    plain_setting(crash->plain, "house", NULL);
    return crash_commit(crash, txn) && crash_close(crash);
}

/* ---- import: several transactions, each of which may be the last */

static bool import_rows(struct crash *crash, crm_import *import)
{
    static const char *const rows[] = {
        "id,name,territory,email\n0192a000-0000-7000-8000-000000000001,Erste AG,Nord,a@example.com\n",
        "0192a000-0000-7000-8000-000000000002,Zweite AG,Ost,\n0192a000-0000-7000-8000-000000000003,Dritte AG,,\n",
        "not an id,Vierte AG,,\n0192a000-0000-7000-8000-000000000001,Erste AG,West,a@example.com\n"};
    crm_error error = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!crash_ok(crash, "crm_import_feed", crm_import_feed(import, rows[i], strlen(rows[i]), &error), &error))
            return false;
        disk_promise_lsn(&crash->disk, crm_lsn(crash->db));
    }
    if (!crash_ok(crash, "crm_import_finish", crm_import_finish(import, &error), &error))
        return false;
    disk_promise_lsn(&crash->disk, crm_lsn(crash->db));
    return true;
}

static bool import(struct crash *crash)
{
    static const char *const names[] = {"Erste AG", "Zweite AG", "Dritte AG"};
    static const char *const territories[] = {"West", "Ost", NULL};
    crm_import *import = NULL;
    crm_error error = {0};
    if (!crash_open(crash) ||
        !crash_ok(crash, "crm_import_create", crm_import_create(crash->db, CRM_KIND_CUSTOMER, &import, &error), &error))
        return false;
    crm_import_set(import, "batch_rows", "1", CRM_NUL, NULL);
    crm_import_set(import, "actor", "ada", CRM_NUL, NULL);
    bool good = import_rows(crash, import);
    crm_import_free(import);
    for (unsigned i = 0; i < 3; i++) {
        char text[37];
        crm_id id;
        snprintf(text, sizeof text, "0192a000-0000-7000-8000-00000000000%u", i + 1);
        crm_id_parse(text, CRM_NUL, &id);
        plain_add(crash->plain, CRM_KIND_CUSTOMER, &id);
        plain_put(crash->plain, &id, CRM_CUSTOMER_NAME, names[i]);
        plain_put(crash->plain, &id, CRM_CUSTOMER_TERRITORY, territories[i]);
    }
    return good && crash_note(crash) && crash_close(crash);
}

/* ---- lifecycle and pipeline */

/* Three customers who bought every 10 days, so that 10 days are everybody's
 * usual gap whatever the credibility; silent for 5, 35 and 50 days: 0.5, 3.5
 * and 5 gaps, and ln 20 = 3.0, ln 100 = 4.6. */
static bool lifecycle_buy(struct crash *crash)
{
    static const int silent[] = {5, 35, 50};
    crm_txn *txn = crash_begin(crash, "mia", NULL);
    if (txn == NULL)
        return false;
    for (unsigned who = 0; who < 3; who++)
        for (int i = 0; i < 3; i++) {
            crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
            crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
            crm_set_int(record, CRM_INTERACTION_START, crash->now - (silent[who] + 10 * i) * DAY);
            crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &crash->ids[who]);
        }
    return crash_commit(crash, txn);
}

static bool lifecycle_evaluate(struct crash *crash)
{
    static const char *const stages[] = {"stable", "drifting", "churned"};
    crm_error error = {0};
    crm_table *table = NULL;
    crm_txn *txn = crash_begin(crash, "nightly", NULL);
    if (txn == NULL)
        return false;
    if (!crash_ok(crash, "crm_lifecycle_evaluate", crm_lifecycle_evaluate(txn, crash->now, 0, &table, &error),
                  &error)) {
        crm_rollback(txn);
        return false;
    }
    crm_table_free(table);
    for (unsigned who = 0; who < 3; who++)
        plain_put(crash->plain, &crash->ids[who], CRM_CUSTOMER_STAGE, stages[who]);
    return crash_commit(crash, txn);
}

static bool lifecycle(struct crash *crash)
{
    if (!crash_open(crash) || !lifecycle_buy(crash) || !lifecycle_evaluate(crash))
        return false;
    crm_txn *txn = crash_begin(crash, "mia", NULL);
    if (txn == NULL)
        return false;
    crm_lifecycle_move(crm_edit(txn, CRM_KIND_CUSTOMER, &crash->ids[1]), CRM_CUSTOMER_STAGE_STABLE, "call",
                       "she said so");
    plain_put(crash->plain, &crash->ids[1], CRM_CUSTOMER_STAGE, "stable");
    crm_record *deal = crash_make(crash, txn, CRM_KIND_OPPORTUNITY, &crash->ids[4]);
    crash_put(crash, deal, CRM_OPPORTUNITY_NAME, "Rahmenvertrag");
    crash_put(crash, deal, CRM_OPPORTUNITY_CLOSE_DATE, "2025-03-31");
    crash_put(crash, deal, CRM_OPPORTUNITY_AMOUNT, "500.00");
    return crash_commit(crash, txn) && crash_close(crash);
}

/* ---- a transaction of many writes, longer than what is allocated ahead */

static bool big(struct crash *crash)
{
    enum { TEXTS = 12, LENGTH = 128 << 10 };
    char *text = malloc(LENGTH + 1);
    uint64_t chance = 7;
    if (text == NULL || !crash_open(crash)) {
        free(text);
        return false;
    }
    crm_txn *txn = crash_begin(crash, "mia", NULL);
    for (unsigned i = 0; txn != NULL && i < TEXTS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
        for (unsigned at = 0; at < LENGTH; at++)
            text[at] = (char)('0' + stress_below(&chance, 64)); /* such text shrinks by a quarter at most */
        text[LENGTH] = '\0';
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_NOTE);
        crm_set_text(record, CRM_INTERACTION_BODY, text, LENGTH);
    }
    free(text);
    return txn != NULL && crash_commit(crash, txn) &&
           work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[0], CRM_CUSTOMER_TERRITORY, "Nord") && crash_close(crash);
}

/* ---- deferred: durable from crm_sync on */

static bool deferred(struct crash *crash)
{
    crm_error error = {0};
    crash->deferred = true;
    bool good = crash_open(crash);
    for (unsigned i = 0; good && i < 3; i++)
        good = work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[i], CRM_CUSTOMER_TERRITORY, "Mitte");
    good = good && crash_ok(crash, "crm_sync", crm_sync(crash->db, &error), &error);
    if (good)
        disk_promise_lsn(&crash->disk, crm_lsn(crash->db));
    for (unsigned i = 0; good && i < 2; i++)
        good = work_change(crash, CRM_KIND_CUSTOMER, &crash->ids[i], CRM_CUSTOMER_TERRITORY, "Rand");
    return good && crash_close(crash);
}

/* ---- the table */

static const struct workload workloads[] = {
    {"birth", nothing, birth, 1, true, false},
    {"records", work_few, records, 1, true, true},
    {"schema", work_few, schema, 1, false, false},
    {"import", work_few, import, 1, false, false},
    {"lifecycle", work_few, lifecycle, 1, false, false},
    {"group sync", work_few, work_group, 1, false, false},
    {"deferred", work_few, deferred, 1, true, true},
    {"big transaction", work_few, big, 4, false, false},
    {"compaction", work_few, work_compaction, 2, true, true},
    {"retention", work_retention_before, work_retention, 2, false, false},
    {"erasure", work_erasure_before, work_erasure, 2, false, false},
    {"image", work_image_before, work_image, 2, true, false},
    {"backup", work_few, work_backup, 1, true, false},
    {"recovery", work_recovery_before, work_recovery, 1, true, false},
    {"handles", work_few, work_handles, 1, false, false},
    {"oracle", work_oracle_before, work_oracle, 1, false, false},
};

static void start(struct crash *crash, const struct workload *work, struct stress *stress, uint64_t *tried)
{
    crash_start(crash, stress, work->name, "run", tried);
    crash->plain = plain_create();
    if (!work->prepare(crash))
        stress_fail(stress, "%s: cannot be prepared", work->name);
    crash_record(crash);
}

/* The power fails at every step; how many changes there were. */
static size_t cut_work(struct crash *crash, const struct workload *work, struct stress *stress, uint64_t *tried)
{
    struct cut_limits limits = {
        .all_subsets = work->weight < 4 ? 6 : 4, .subsets = 6, .sectors = 10 / work->weight, .recent = 2};
    if (stress->longer)
        limits = (struct cut_limits){.all_subsets = 8, .subsets = 60, .sectors = 120 / work->weight, .recent = 4};
    start(crash, work, stress, tried);
    crash->deepen = (stress->longer ? 6 : 60) * work->weight;
    bool good = work->work(crash);
    (void)crm_close(crash->db);
    crash->db = NULL;
    if (good)
        crash_cut(crash, 0, &limits);
    else
        stress_fail(stress, "%s: the workload itself failed", work->name);
    size_t changes = crash->disk.changes;
    crash_end(crash);
    return changes;
}

/* Killed before change number `at`; nothing is lost by that, the system goes
 * on.  Somebody opens the file again, or has it open already, and writes; then
 * the power fails.  What was seen since the kill must not be lost. */
static void kill_work(struct crash *crash, const struct workload *work, size_t at, bool witnessed,
                      struct stress *stress, uint64_t *tried)
{
    static const struct cut_limits limits = {.all_subsets = 6, .subsets = 4, .sectors = 2, .recent = 1};
    crm_db *witness = NULL;
    start(crash, work, stress, tried);
    if (witnessed) {
        crm_options *options = crash_options(crash);
        options->files = &crash->disk.other.ops;
        if (crm_open(crash->path, options, &witness, NULL) != CRM_OK)
            stress_fail(stress, "%s: a witness cannot open the file", work->name);
        crm_options_free(options);
    }
    crash->disk.dies_at = crash->disk.changes + at;
    (void)work->work(crash);
    (void)crm_close(crash->db);
    size_t from = crash->disk.count;
    disk_revive(&crash->disk);
    struct plain *attempt = crash->plain;
    uint32_t before = crash->state_count;
    crash->plain = NULL;
    crash->db = witness;
    bool good = (witnessed || crash_open(crash)) && work_onward(crash, "Weiter");
    if (good && crash->state_count > before + 1) /* what was under way is there: then all of it */
        good = crash_model(crash, before, attempt);
    crash->clean_from = crash->disk.count;
    good = good && crash_close(crash);
    if (good)
        crash_cut(crash, from, &limits);
    else
        stress_fail(stress, "%s: killed at change %zu%s: cannot go on", work->name, at, witnessed ? ", witnessed" : "");
    plain_free(attempt);
    crash_end(crash);
}

void crash_workloads(struct stress *stress, uint64_t *tried)
{
    struct crash *crash = malloc(sizeof *crash);
    if (crash == NULL)
        exit(2);
    size_t each = stress->longer ? 1 : 4;
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        const struct workload *work = &workloads[i];
        uint64_t before = *tried;
        size_t changes = cut_work(crash, work, stress, tried);
        uint64_t cut = *tried - before;
        for (size_t at = stress->seed % each; work->kills && at < changes; at += changes < 12 ? 1 : each)
            kill_work(crash, work, at, false, stress, tried);
        for (size_t at = stress->seed % each; work->witnessed && at < changes; at += each)
            kill_work(crash, work, at, true, stress, tried);
        printf("%-16s %4zu changes, %6llu states; killed, %6llu states\n", work->name, changes, (unsigned long long)cut,
               (unsigned long long)(*tried - before - cut));
        (void)fflush(stdout);
    }
    free(crash);
}
