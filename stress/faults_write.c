/* faults_write: transactions: every setter, a schema of the user's own, upsert,
 * deletion and erasure, what is refused and forgiven, deferred durability, undo. */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crm_record *create(struct run *run, crm_txn *txn, uint32_t kind)
{
    return txn == NULL ? NULL : run_record(run, crm_create(txn, kind));
}

static crm_record *edit(struct run *run, crm_txn *txn, uint32_t kind, unsigned number)
{
    return txn == NULL ? NULL : run_edit(run, txn, kind, number);
}

/* ---- one new record with everything ---- */

static void create_full(struct run *run)
{
    crm_id parent = base_id(CRM_KIND_CUSTOMER, 0);
    crm_txn *txn = run_begin(run);
    if (txn != NULL) {
        (void)SET(crm_txn_set_actor(txn, "eve"));
        (void)SET(crm_txn_set_reason(txn, "a reason"));
        (void)SET(crm_txn_set_batch(txn, "a batch"));
    }
    crm_record *record = create(run, txn, CRM_KIND_CUSTOMER);
    (void)SET(crm_set_text(record, CRM_CUSTOMER_NAME, "Acme GmbH", CRM_NUL));
    (void)SET(crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, base_text(LONG_TEXT), LONG_TEXT));
    (void)SET(crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, 7));
    (void)SET(crm_set_parsed(record, CRM_CUSTOMER_ANNUAL_REVENUE, "1,234.50", CRM_NUL));
    (void)SET(crm_set_parsed(record, CRM_FIELD_OWNER, "Mia Berg", CRM_NUL));
    (void)SET(crm_set_parsed(record, CRM_FIELD_TAGS, "[\"a\",{\"value\":\"b\",\"label\":\"c\"}]", CRM_NUL));
    (void)SET(crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &parent));
    (void)SET(crm_item_add(record, CRM_CUSTOMER_EMAILS, "acme@example.com", CRM_NUL));
    (void)SET(crm_item_set_text(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_LABEL, "work", CRM_NUL));
    (void)SET(crm_item_set_int(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_OPT_OUT, 1));
    (void)SET(crm_item_add(record, CRM_CUSTOMER_PHONES, "+49 30 123456", CRM_NUL));
    crm_record *contact = create(run, txn, CRM_KIND_CONTACT);
    (void)SET(crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Doe", CRM_NUL));
    (void)SET(crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, record));
    (void)run_commit(run, txn);
}

static void change_items(struct run *run)
{
    crm_id id = base_id(CRM_KIND_CONTACT, 1);
    crm_txn *txn = run_begin(run);
    crm_record *call = edit(run, txn, CRM_KIND_INTERACTION, BUYERS * PURCHASES);
    (void)SET(crm_item_add_ref(call, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &id, "host", CRM_NUL));
    (void)SET(crm_item_remove(call, CRM_INTERACTION_PARTICIPANTS, 0));
    crm_record *record = edit(run, txn, CRM_KIND_CUSTOMER, 3);
    (void)SET(crm_expect_version(record, CHANGES + 1));
    (void)SET(crm_set_null(record, CRM_CUSTOMER_TERRITORY));
    (void)SET(crm_set_text(record, CRM_CUSTOMER_NAME, "Third", CRM_NUL));
    (void)SET(crm_item_remove(record, CRM_CUSTOMER_EMAILS, 0));
    (void)SET(crm_item_add(record, CRM_CUSTOMER_EMAILS, "third@example.com", CRM_NUL));
    (void)run_commit(run, txn);
}

/* Customers 1, 9 and 50: there, and two new ones. */
static void upsert(struct run *run)
{
    crm_txn *txn = run_begin(run);
    crm_id id = base_id(CRM_KIND_CUSTOMER, 50);
    int32_t created = -1;
    crm_record *record = NULL;
    if (txn != NULL) {
        record = run_record(
            run, crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "c1@example.com", CRM_NUL, &created));
        IS(record == NULL || created == 0);
        (void)SET(crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, 11));
        record =
            run_record(run, crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:9", CRM_NUL, &created));
        IS(record == NULL || created == 1);
        (void)SET(crm_set_text(record, CRM_CUSTOMER_NAME, "Customer 9", CRM_NUL));
        record = run_record(run, crm_create_with_id(txn, CRM_KIND_CUSTOMER, &id));
        (void)SET(crm_set_text(record, CRM_CUSTOMER_NAME, "Customer 50", CRM_NUL));
    }
    (void)run_commit(run, txn);
}

static void delete_and_restore(struct run *run)
{
    crm_txn *txn = run_begin(run);
    (void)SET(crm_delete(edit(run, txn, CRM_KIND_CUSTOMER, 5)));
    (void)SET(crm_restore(edit(run, txn, CRM_KIND_CUSTOMER, 7)));
    (void)run_commit(run, txn);
}

/* Contact 0 and, with it, the texts of its call. */
static void erase(struct run *run)
{
    crm_txn *txn = run_begin(run);
    (void)SET(crm_erase(edit(run, txn, CRM_KIND_CONTACT, 0)));
    (void)run_commit(run, txn);
}

/* ---- a schema of the user's own ---- */

static void define(struct run *run)
{
    uint32_t kind = 0, size = 0, color = 0;
    int64_t red = 0;
    crm_txn *txn = run_begin(run);
    if (txn != NULL) {
        (void)SET(crm_kind_add(txn, "tool", CRM_NUL, &kind));
        (void)SET(crm_field_add(txn, kind, "size", CRM_NUL, CRM_TYPE_REAL, CRM_FLAG_INDEXED, 0, &size));
        (void)SET(crm_field_add(txn, kind, "color", CRM_NUL, CRM_TYPE_CHOICE, CRM_FLAG_OPEN | CRM_FLAG_HOT, 0, &color));
        (void)SET(crm_choice_add(txn, kind, color, "red", CRM_NUL, &red));
    }
    if (!run->kept) {
        crm_record *record = create(run, txn, kind);
        (void)SET(crm_set_real(record, size, 0.25));
        (void)SET(crm_set_int(record, color, red));
    }
    (void)run_commit(run, txn);
    /* What was taken back is not there, also before the file is opened again. */
    bool there = crm_kind_find(run->db, "tool", CRM_NUL) != 0;
    if (run->db != NULL && there != !run->failed && !fault.stops)
        FAIL("the kind is %sthere, the transaction %s", there ? "" : "not ", run->failed ? "failed" : "went well");
}

static void use_definition(struct run *run)
{
    uint32_t kind = crm_kind_find(run->db, "tool", CRM_NUL), size = crm_field_find(run->db, kind, "size", CRM_NUL);
    crm_view *view = run_view(run);
    crm_query *query = NULL;
    crm_record *record = NULL;
    if (view != NULL && MADE(query, crm_query_create(view, kind, &query, &run->error)) &&
        OK(crm_query_next(query, &record, &run->error))) {
        READS(record, crm_real(record, size) == 0.25);
        READS(record, same(crm_format(record, crm_field_find(run->db, kind, "color", CRM_NUL), NULL), "red"));
    }
    crm_query_free(query);
    crm_view_close(view);
}

/* ---- refused, forgiven, taken back ---- */

/* From acquaintance nobody goes to churned at once; the name of customer 4 is changed all the same. */
static void forgive(struct run *run)
{
    crm_txn *txn = run_begin(run);
    if (txn != NULL && !run->failed) {
        crm_record *record = edit(run, txn, CRM_KIND_CUSTOMER, 4);
        (void)SET(crm_set_int(record, CRM_CUSTOMER_STAGE, CRM_CUSTOMER_STAGE_CHURNED));
        if (GIVES(CRM_REFUSED, crm_txn_status(txn, &run->error))) {
            crm_txn_forgive(txn);
            (void)SET(crm_set_text(edit(run, txn, CRM_KIND_CUSTOMER, 4), CRM_CUSTOMER_NAME, "Fourth", CRM_NUL));
        }
    }
    (void)run_commit(run, txn);
}

/* Its own view shows what it does; after the rollback nobody does. */
static void look_and_take_back(struct run *run)
{
    crm_txn *txn = run_begin(run);
    crm_record *found = NULL;
    (void)SET(crm_set_text(create(run, txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Shortly", CRM_NUL));
    (void)SET(crm_delete(edit(run, txn, CRM_KIND_CUSTOMER, 4)));
    if (txn != NULL && !run->kept &&
        MADE(found, crm_find(crm_txn_view(txn), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "shortly", CRM_NUL, &found,
                             &run->error)))
        READS(found, same(crm_text(found, CRM_CUSTOMER_NAME, NULL), "Shortly"));
    crm_record_free(found);
    crm_rollback(txn);
    run->kept = false;
    crm_view *view = run_view(run);
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, 4);
    IS(record == NULL || crm_record_deleted(record) == 0);
    crm_record_free(record);
    crm_view_close(view);
}

static void set_settings(struct run *run)
{
    crm_txn *txn = run_begin(run);
    if (txn != NULL)
        (void)SET(crm_setting_set(txn, "retention_days", "30"));
    (void)run_commit(run, txn);
}

/* A move that the rules allow, with why. */
static void move(struct run *run)
{
    crm_txn *txn = run_begin(run);
    crm_record *record = edit(run, txn, CRM_KIND_CUSTOMER, 5);
    (void)SET(crm_lifecycle_move(record, CRM_CUSTOMER_STAGE_DRIFTING, "by hand", "no answer"));
    (void)run_commit(run, txn);
}

/* The deal's stage, named in its pipeline, sets what depends on it. */
static void win(struct run *run)
{
    crm_txn *txn = run_begin(run);
    crm_record *record = edit(run, txn, CRM_KIND_OPPORTUNITY, 0);
    (void)SET(crm_set_parsed(record, CRM_OPPORTUNITY_STAGE, "negotiation", CRM_NUL));
    if (txn != NULL && !run->kept && OK(crm_txn_status(txn, &run->error)))
        READS(record, crm_int(record, CRM_OPPORTUNITY_PROBABILITY) == 80);
    (void)run_commit(run, txn);
}

/* ---- much at once ---- */

enum { NOISE = 300000, MANY = 150 };

/* Longer than what is copied into a frame, and nothing to deflate: it is written
 * in three pieces, the log grows by more than it was given ahead, and closing
 * writes an index file. */
static void write_noise(struct run *run)
{
    static char noise[NOISE + 1];
    uint64_t state = 7;
    for (int i = 0; i < NOISE; i++)
        noise[i] = (char)('!' + stress_below(&state, 90));
    crm_txn *txn = run_begin(run);
    (void)SET(crm_set_text(edit(run, txn, CRM_KIND_CUSTOMER, 0), CRM_CUSTOMER_DESCRIPTION, noise, NOISE));
    (void)run_commit(run, txn);
}

static void write_many(struct run *run)
{
    char name[32];
    crm_txn *txn = run_begin(run);
    for (int i = 0; i < MANY && txn != NULL; i++) {
        crm_record *record = create(run, txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "Many %d", i * 7 % MANY);
        (void)SET(crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL));
        snprintf(name, sizeof name, "many%d@example.com", i);
        (void)SET(crm_item_add(record, CRM_CUSTOMER_EMAILS, name, CRM_NUL));
    }
    (void)run_commit(run, txn);
}

static void sync_now(struct run *run)
{
    (void)OK(crm_sync(run->db, &run->error));
}

/* ---- undo ---- */

static void undo_batch(struct run *run)
{
    crm_txn *txn = run_begin(run);
    crm_table *conflicts = NULL;
    if (txn != NULL && MADE(conflicts, crm_undo(txn, "spring", 0, &conflicts, &run->error)))
        IS(crm_table_rows(conflicts) == 0);
    crm_table_free(conflicts);
    (void)run_commit(run, txn);
}

static void is_undone(struct run *run)
{
    crm_view *view = run_view(run);
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, CUSTOMERS);
    IS(record == NULL || crm_record_deleted(record) == 1);
    crm_record_free(record);
    record = run_get(run, view, CRM_KIND_CUSTOMER, 4);
    if (record != NULL)
        READS(record, same(crm_text(record, CRM_CUSTOMER_TERRITORY, NULL), "West"));
    crm_record_free(record);
    crm_view_close(view);
}

static void change_later(struct run *run)
{
    crm_txn *txn = run_begin(run);
    (void)SET(crm_set_text(edit(run, txn, CRM_KIND_CUSTOMER, 4), CRM_CUSTOMER_TERRITORY, "Later", CRM_NUL));
    (void)run_commit(run, txn);
}

/* Customer 4 was changed since, so that only the other one goes. */
static void undo_what_can_be(struct run *run)
{
    crm_txn *txn = run_begin(run);
    crm_table *conflicts = NULL;
    if (txn != NULL && GIVES(CRM_REFERENCED, crm_undo(txn, "spring", 0, &conflicts, &run->error))) {
        IS(conflicts != NULL && crm_table_rows(conflicts) == 1);
        IS(same(crm_table_text(conflicts, 0, 2, NULL), "Customer 4"));
        crm_table_free(conflicts);
        conflicts = NULL;
        (void)OK(crm_undo(txn, "spring", 1, &conflicts, &run->error));
    }
    crm_table_free(conflicts);
    (void)run_commit(run, txn);
}

const struct scenario scenarios_write[] = {
    {.name = "a new record", .base = BASE_LOG, .steps = {create_full, upsert}},
    {.name = "changes", .base = BASE_IMAGE, .steps = {change_items, delete_and_restore, forgive}},
    {.name = "changes, compacted", .base = BASE_PACKED, .steps = {change_items, erase, move, win}},
    {.name = "erasure", .base = BASE_LOG, .steps = {erase, look_and_take_back}},
    {.name = "rules", .base = BASE_LOG, .steps = {move, win, set_settings, forgive}},
    {.name = "definitions", .base = BASE_LOG, .steps = {define, use_definition}},
    {.name = "deferred", .base = BASE_LOG, .steps = {move, win, sync_now, upsert}, .deferred = true},
    {.name = "much at once", .base = BASE_LOG, .steps = {write_noise, write_many}},
    {.name = "undo", .base = BASE_LOG, .steps = {undo_batch, is_undone}},
    {.name = "undo, compacted", .base = BASE_PACKED, .steps = {undo_batch, is_undone}},
    {.name = "undo in part", .base = BASE_LOG, .steps = {undo_what_can_be}, .prepare = change_later},
    {.name = NULL},
};
