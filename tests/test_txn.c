/* Transactions: whole or not at all, the first error kept, one version a turn. */
#include "domain_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crm_record *customer(crm_txn *txn, const char *name)
{
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    if (record != NULL)
        ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL), CRM_OK);
    return record;
}

static uint64_t count_all(crm_view *view, uint32_t kind)
{
    crm_query *query = NULL;
    uint64_t count = 0;
    ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
    crm_query_free(query);
    return count;
}

static uint64_t count_now(crm_db *db, uint32_t kind)
{
    crm_view *view = domain_view(db);
    uint64_t count = count_all(view, kind);
    crm_view_close(view);
    return count;
}

static uint64_t version_of(crm_db *db, const crm_id *id)
{
    crm_view *view = domain_view(db);
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, id, &record, NULL), CRM_OK);
    uint64_t version = crm_record_version(record);
    crm_record_free(record);
    crm_view_close(view);
    return version;
}

START_TEST(a_rollback_leaves_nothing)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id id, other;
    crm_record_id(customer(txn, "Acme"), &id);
    domain_commit(txn);
    uint64_t lsn = crm_lsn(db);
    for (int round = 0; round < 3; round++) {
        txn = domain_begin(db);
        crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
        crm_set_text(record, CRM_CUSTOMER_NAME, "Changed", CRM_NUL);
        crm_item_add(record, CRM_CUSTOMER_EMAILS, "a@acme.example", CRM_NUL);
        crm_record_id(customer(txn, "New"), &other);
        ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
        ck_assert_uint_eq(count_all(crm_txn_view(txn), CRM_KIND_CUSTOMER), 1); /* the new one */
        ck_assert_uint_eq(count_now(db, CRM_KIND_CUSTOMER), 1);                /* the old one */
        crm_rollback(txn);
        ck_assert_uint_eq(crm_lsn(db), lsn);
        ck_assert_uint_eq(version_of(db, &id), 1);
        crm_view *view = domain_view(db);
        crm_record *found = NULL;
        ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &other, &found, NULL), CRM_NOT_FOUND);
        ck_assert_int_eq(
            crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "a@acme.example", CRM_NUL, &found, NULL),
            CRM_NOT_FOUND);
        ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "acme", CRM_NUL, &found, NULL), CRM_OK);
        crm_record_free(found);
        crm_view_close(view);
    }
    crm_rollback(NULL);
    domain_close(db);
}
END_TEST

START_TEST(an_empty_transaction_writes_nothing)
{
    crm_db *db = domain_open();
    uint64_t last = crm_lsn(db), lsn = 0;
    crm_id id;
    crm_txn *txn = domain_begin(db);
    ck_assert_int_eq(crm_commit(txn, &lsn, NULL), CRM_OK);
    ck_assert_uint_eq(lsn, last);
    txn = domain_begin(db);
    crm_record_id(customer(txn, "Acme"), &id);
    ck_assert_int_eq(crm_commit(txn, &lsn, NULL), CRM_OK);
    ck_assert_uint_eq(lsn, last + 1);
    txn = domain_begin(db);
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &id); /* an edit that changes nothing is none */
    crm_set_text(record, CRM_CUSTOMER_NAME, "Other", CRM_NUL);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_set_null(record, CRM_CUSTOMER_WEBSITE);
    ck_assert_int_eq(crm_commit(txn, &lsn, NULL), CRM_OK);
    ck_assert_uint_eq(lsn, last + 1);
    ck_assert_uint_eq(version_of(db, &id), 1);
    domain_close(db);
}
END_TEST

START_TEST(the_first_error_is_kept_and_nothing_is_written)
{
    crm_db *db = domain_open();
    uint64_t last = crm_lsn(db);
    crm_error error;
    crm_txn *txn = domain_begin(db);
    crm_record *record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_int(record, CRM_CUSTOMER_STAGE, 99), CRM_INVALID);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_WEBSITE, "x", CRM_NUL), CRM_INVALID); /* kept */
    ck_assert_ptr_null(crm_create(txn, CRM_KIND_CONTACT));
    ck_assert_int_eq(crm_set_text(NULL, CRM_CUSTOMER_NAME, "x", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_commit(txn, NULL, &error), CRM_INVALID);
    ck_assert_int_eq(error.status, CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "customer.stage has no choice with number 99"));
    ck_assert_uint_eq(crm_lsn(db), last);
    ck_assert_uint_eq(count_now(db, CRM_KIND_CUSTOMER), 0);
    /* Forgiven, what was fine before and comes after counts. */
    txn = domain_begin(db);
    customer(txn, "First");
    record = crm_create(txn, CRM_KIND_CUSTOMER); /* without its name */
    ck_assert_int_eq(crm_txn_status(txn, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "customer.name is required"));
    crm_txn_forgive(txn);
    ck_assert_int_eq(crm_txn_status(txn, &error), CRM_OK);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, "Too late", CRM_NUL), CRM_MISUSE);
    crm_txn_forgive(txn);
    customer(txn, "Second");
    domain_commit(txn);
    ck_assert_uint_eq(count_now(db, CRM_KIND_CUSTOMER), 2);
    domain_close(db);
}
END_TEST

START_TEST(a_value_of_the_wrong_type_is_refused)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id id = {{1}};
    crm_record *record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_int(record, CRM_CUSTOMER_NAME, 5), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "customer.name is of type text, not a number");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_EMPLOYEES, "5", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "customer.employees is of type int, not text");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_real(record, CRM_CUSTOMER_EMPLOYEES, 5), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "not a real number");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_ref(record, CRM_CUSTOMER_NAME, CRM_KIND_CUSTOMER, &id), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "not a reference");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &id), CRM_NOT_FOUND);
    domain_refused(txn, CRM_NOT_FOUND, "there is no customer with id 01000000");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_int(record, CRM_CUSTOMER_BLACKLISTED, 2), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "is 0 or 1, not 2");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, INT64_MIN), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "stands for nothing");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_int(record, CRM_CUSTOMER_CURRENCY, 1), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "ISO 4217");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_int(record, 9999, 1), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "no field with number 9999");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_int(record, CRM_FIELD_VERSION, 1), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "set by the library");
    record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, "a\xc3", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "not UTF-8 at byte 2");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(the_largest_text_has_64_mebibytes)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    size_t most = (size_t)1 << 26, length = 0;
    char *text = malloc(most + 2);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', most + 1);
    text[most + 1] = 0;
    crm_id id;
    crm_record *record = customer(txn, "Acme");
    crm_record_id(record, &id);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, most), CRM_OK);
    domain_accepted(txn);
    record = customer(txn, "Other");
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, most + 1), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "at most 67108864 bytes, this one 67108865");
    domain_commit(txn);
    crm_view *view = domain_view(db);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
    ck_assert_int_eq(memcmp(crm_text(record, CRM_CUSTOMER_DESCRIPTION, &length), text, most), 0);
    ck_assert_uint_eq(length, most);
    crm_record_free(record);
    crm_view_close(view);
    free(text);
    domain_close(db);
}
END_TEST

/* All changes before another record is touched are one version. */
START_TEST(a_turn_is_a_version)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id one, two;
    crm_record *a = customer(txn, "One");
    crm_set_text(a, CRM_CUSTOMER_WEBSITE, "a", CRM_NUL);
    crm_record_id(a, &one);
    crm_record *b = customer(txn, "Two");
    crm_record_id(b, &two);
    ck_assert_int_eq(crm_set_text(a, CRM_CUSTOMER_WEBSITE, "b", CRM_NUL), CRM_OK); /* again its turn: 2 */
    ck_assert_int_eq(crm_set_text(b, CRM_CUSTOMER_WEBSITE, "b", CRM_NUL), CRM_OK);
    ck_assert_str_eq(crm_text(a, CRM_CUSTOMER_WEBSITE, NULL), "b");
    ck_assert_uint_eq(crm_record_version(a), 2);
    ck_assert_int_eq(crm_set_text(a, CRM_CUSTOMER_WEBSITE, "c", CRM_NUL), CRM_OK);
    crm_record *again = crm_edit(txn, CRM_KIND_CUSTOMER, &one); /* the same one, still its turn */
    ck_assert_int_eq(crm_set_text(again, CRM_CUSTOMER_TERRITORY, "north", CRM_NUL), CRM_OK);
    domain_commit(txn);
    ck_assert_uint_eq(version_of(db, &one), 3);
    ck_assert_uint_eq(version_of(db, &two), 2);
    domain_close(db);
}
END_TEST

START_TEST(who_and_why_have_a_limit)
{
    crm_db *db = domain_open();
    char text[1002];
    memset(text, 'x', sizeof text);
    text[1000] = 0;
    crm_txn *txn = domain_begin(db);
    ck_assert_int_eq(crm_txn_set_actor(txn, text), CRM_OK);
    ck_assert_int_eq(crm_txn_set_reason(txn, "why"), CRM_OK);
    ck_assert_int_eq(crm_txn_set_batch(txn, "b1"), CRM_OK);
    crm_record *record = customer(txn, "Acme");
    crm_id id;
    crm_record_id(record, &id);
    ck_assert_str_eq(crm_text(record, CRM_FIELD_CREATED_BY, NULL), ""); /* not before it is a version */
    domain_commit(txn);
    crm_view *view = domain_view(db);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
    ck_assert_str_eq(crm_text(record, CRM_FIELD_CREATED_BY, NULL), text);
    ck_assert_str_eq(crm_text(record, CRM_FIELD_MODIFIED_BY, NULL), text);
    crm_record_free(record);
    crm_view_close(view);
    text[1000] = 'x';
    text[1001] = 0;
    txn = domain_begin(db);
    ck_assert_int_eq(crm_txn_set_actor(txn, text), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "actor|1000 bytes|1001");
    ck_assert_int_eq(crm_txn_set_reason(txn, "\xff"), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "reason|UTF-8");
    ck_assert_int_eq(crm_txn_set_batch(NULL, "x"), CRM_MISUSE);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(a_version_that_was_named_must_still_be_there)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id id;
    crm_record_id(customer(txn, "Acme"), &id);
    domain_commit(txn);
    txn = domain_begin(db);
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
    ck_assert_int_eq(crm_expect_version(record, 1), CRM_OK);
    crm_set_text(record, CRM_CUSTOMER_WEBSITE, "www", CRM_NUL);
    crm_set_text(record, CRM_CUSTOMER_TERRITORY, "north", CRM_NUL);
    domain_commit(txn);
    txn = domain_begin(db);
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
    ck_assert_int_eq(crm_expect_version(record, 1), CRM_CONFLICT);
    domain_refused(txn, CRM_CONFLICT, "at version 2, not 1|territory|website");
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
    ck_assert_int_eq(crm_expect_version(record, 3), CRM_CONFLICT);
    domain_refused(txn, CRM_CONFLICT, "at version 2, not 3");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(an_id_is_used_once)
{
    crm_db *db = domain_open();
    crm_id id = {{7}}, same;
    crm_txn *txn = domain_begin(db);
    crm_record *record = crm_create_with_id(txn, CRM_KIND_CUSTOMER, &id);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Seven", CRM_NUL);
    ck_assert_ptr_null(crm_create_with_id(txn, CRM_KIND_CUSTOMER, &id));
    domain_refused(txn, CRM_EXISTS, "there is a customer with id 07000000-0000-0000-0000-000000000000 already");
    domain_commit(txn);
    txn = domain_begin(db);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
    ck_assert_ptr_null(crm_create_with_id(txn, CRM_KIND_CUSTOMER, &id)); /* deleted is not gone */
    domain_refused(txn, CRM_EXISTS, "already");
    record = crm_create_with_id(txn, CRM_KIND_CONTACT, &id); /* another kind */
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Seven", CRM_NUL);
    crm_record_id(record, &same);
    ck_assert_int_eq(memcmp(&same, &id, sizeof id), 0);
    ck_assert_ptr_null(crm_edit(txn, CRM_KIND_CUSTOMER, &(crm_id){{8}}));
    domain_refused(txn, CRM_NOT_FOUND, "there is no customer with id 08000000");
    domain_commit(txn);
    domain_close(db);
}
END_TEST

/* The bytes of a transaction move as it grows; what a rule sees of a record moves along. */
START_TEST(a_record_changed_often_in_a_growing_transaction_keeps_its_stage)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_table *history = NULL;
    crm_id id;
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Busy", CRM_NUL);
    crm_record_id(record, &id);
    for (int i = 0; i < 3000; i++) {
        char name[24];
        snprintf(name, sizeof name, "Busy %d", i);
        crm_set_text(crm_create(txn, CRM_KIND_CONTACT), CRM_CONTACT_LAST_NAME, name, CRM_NUL);
        ck_assert_int_eq(crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_NAME, name, CRM_NUL), CRM_OK);
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    ck_assert_int_eq(crm_stage_history(view, CRM_KIND_CUSTOMER, &id, &history, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(history), 1); /* it became an acquaintance, and that was all */
    crm_table_free(history);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(a_record_can_be_deleted_in_the_transaction_that_made_it)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id id;
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Brief", CRM_NUL);
    crm_record_id(record, &id);
    ck_assert_int_eq(crm_delete(record), CRM_OK);
    ck_assert_int_eq(crm_delete(record), CRM_REFUSED);
    domain_refused(txn, CRM_REFUSED, "deleted already");
    ck_assert_int_eq(crm_delete(crm_create(txn, CRM_KIND_CUSTOMER)), CRM_INVALID); /* has no name */
    domain_refused(txn, CRM_INVALID, "name");
    domain_commit(txn);
    crm_view *view = domain_view(db);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_record_deleted(record), 1);
    ck_assert_uint_eq(crm_record_version(record), 2);
    crm_record_free(record);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(a_deletion_that_would_orphan_is_refused)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id pipeline, stage;
    crm_record *record = crm_create(txn, CRM_KIND_PIPELINE);
    crm_set_text(record, CRM_PIPELINE_NAME, "Side", CRM_NUL);
    crm_record_id(record, &pipeline);
    record = crm_create(txn, CRM_KIND_STAGE);
    crm_set_text(record, CRM_STAGE_NAME, "Only", CRM_NUL);
    crm_set_ref(record, CRM_STAGE_PIPELINE, CRM_KIND_PIPELINE, &pipeline);
    crm_set_int(record, CRM_STAGE_ORDER, 1);
    crm_set_int(record, CRM_STAGE_PROBABILITY, 10);
    crm_record_id(record, &stage);
    domain_accepted(txn);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_PIPELINE, &pipeline)), CRM_REFERENCED);
    domain_refused(txn, CRM_REFERENCED, "stage.pipeline is required");
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_STAGE, &stage)), CRM_OK);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_PIPELINE, &pipeline)), CRM_OK);
    domain_accepted(txn);
    record = crm_edit(txn, CRM_KIND_PIPELINE, &pipeline);
    ck_assert_int_eq(crm_delete(record), CRM_REFUSED);
    domain_refused(txn, CRM_REFUSED, "deleted already");
    record = crm_edit(txn, CRM_KIND_PIPELINE, &pipeline);
    ck_assert_int_eq(crm_set_text(record, CRM_PIPELINE_NAME, "x", CRM_NUL), CRM_REFUSED);
    domain_refused(txn, CRM_REFUSED, "restore it before");
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_PIPELINE, &pipeline)), CRM_OK);
    domain_accepted(txn);
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_PIPELINE, &pipeline)), CRM_REFUSED);
    domain_refused(txn, CRM_REFUSED, "is not deleted");
    ck_assert_int_eq(crm_delete(NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_restore(NULL), CRM_MISUSE);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

static crm_record *deleted_customer(crm_txn *txn, const char *name, const char *external_id)
{
    crm_record *record = customer(txn, name);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, external_id, CRM_NUL);
    ck_assert_int_eq(crm_delete(record), CRM_OK);
    domain_accepted(txn);
    return record;
}

/* What is changed together with the restoration is held to the rules like any change. */
START_TEST(a_restoration_brings_back_no_bad_record)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *record = deleted_customer(txn, "Acme", "erp:1");
    ck_assert_int_eq(crm_restore(record), CRM_OK);
    crm_set_null(record, CRM_CUSTOMER_NAME);
    domain_refused(txn, CRM_INVALID, "customer.name is required");
    ck_assert_int_eq(crm_record_deleted(record), 1);
    crm_record *other = customer(txn, "Other");
    crm_item_add(other, CRM_FIELD_EXTERNAL_IDS, "erp:2", CRM_NUL);
    domain_accepted(txn);
    ck_assert_int_eq(crm_restore(record), CRM_OK);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, "erp:2", CRM_NUL);
    domain_refused(txn, CRM_DUPLICATE, "erp:2");
    ck_assert_int_eq(crm_restore(record), CRM_OK);
    crm_set_ref_record(record, CRM_CUSTOMER_PARENT, record);
    domain_refused(txn, CRM_REFUSED, "above itself");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

/* A value that somebody has taken meanwhile is given up with the restoration. */
START_TEST(a_restoration_may_give_up_what_is_taken)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *record = deleted_customer(txn, "Acme", "erp:1");
    crm_record *other = customer(txn, "Other");
    crm_item_add(other, CRM_FIELD_EXTERNAL_IDS, "erp:1", CRM_NUL);
    domain_accepted(txn);
    ck_assert_int_eq(crm_restore(record), CRM_OK);
    domain_refused(txn, CRM_DUPLICATE, "erp:1");
    ck_assert_int_eq(crm_restore(record), CRM_OK);
    crm_set_null(record, CRM_FIELD_EXTERNAL_IDS);
    domain_accepted(txn);
    ck_assert_int_eq(crm_record_deleted(record), 0);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

/* Two systems may use one value; what names no system stands for itself, wherever it is in the list. */
START_TEST(an_external_id_without_a_system_is_unique_at_any_place)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *first = customer(txn, "First");
    crm_item_add(first, CRM_FIELD_EXTERNAL_IDS, "4711", CRM_NUL);
    crm_item_add(first, CRM_FIELD_EXTERNAL_IDS, "erp:1", CRM_NUL);
    domain_accepted(txn);
    crm_record *second = customer(txn, "Second");
    crm_item_add(second, CRM_FIELD_EXTERNAL_IDS, "shop:1", CRM_NUL);
    domain_accepted(txn);
    crm_item_add(second, CRM_FIELD_EXTERNAL_IDS, "4711", CRM_NUL); /* the last */
    domain_refused(txn, CRM_DUPLICATE, "4711");
    crm_item_add(second, CRM_FIELD_EXTERNAL_IDS, "4711", CRM_NUL); /* between others */
    crm_item_add(second, CRM_FIELD_EXTERNAL_IDS, "erp:2", CRM_NUL);
    domain_refused(txn, CRM_DUPLICATE, "4711");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(nobody_stands_above_himself)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *a = customer(txn, "A"), *b = customer(txn, "B"), *c = customer(txn, "C");
    crm_id top;
    crm_record_id(a, &top);
    ck_assert_int_eq(crm_set_ref_record(b, CRM_CUSTOMER_PARENT, a), CRM_OK);
    ck_assert_int_eq(crm_set_ref_record(c, CRM_CUSTOMER_PARENT, b), CRM_OK);
    domain_accepted(txn);
    ck_assert_int_eq(crm_set_ref_record(a, CRM_CUSTOMER_PARENT, c), CRM_OK); /* seen when it is finished */
    domain_refused(txn, CRM_REFUSED, "customer.parent|above itself");
    ck_assert_int_eq(crm_set_ref(crm_edit(txn, CRM_KIND_CUSTOMER, &top), CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &top),
                     CRM_OK);
    domain_refused(txn, CRM_REFUSED, "above itself");
    domain_commit(txn);
    domain_close(db);
}
END_TEST

/* More than is applied at a time, and more than a frame's first room. */
START_TEST(a_large_transaction_is_whole_or_nothing)
{
    enum { MANY = 20000 };
    crm_db *db = domain_open();
    char name[24];
    for (int round = 0; round < 2; round++) {
        crm_txn *txn = domain_begin(db);
        for (int i = 0; i < MANY; i++) {
            snprintf(name, sizeof name, "customer %d", i);
            crm_record *record = customer(txn, name);
            if (i % 1000 == 999)
                ck_assert_uint_eq(count_all(crm_txn_view(txn), CRM_KIND_CUSTOMER), (uint64_t)i + 1);
            ck_assert_int_eq(crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, name, CRM_NUL), CRM_OK);
        }
        ck_assert_uint_eq(count_now(db, CRM_KIND_CUSTOMER), 0);
        if (round == 0)
            crm_rollback(txn);
        else
            domain_commit(txn);
    }
    ck_assert_uint_eq(count_now(db, CRM_KIND_CUSTOMER), MANY);
    crm_view *view = domain_view(db);
    crm_record *record = NULL;
    ck_assert_int_eq(
        crm_find(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "customer 12345", CRM_NUL, &record, NULL), CRM_OK);
    ck_assert_str_eq(crm_title(record, NULL), "customer 12345");
    crm_record_free(record);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(time_never_goes_back)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id id;
    crm_record_id(customer(txn, "Acme"), &id);
    domain_commit(txn);
    crm_set_now(db, DOMAIN_NOW - DAY_US); /* a clock that was set back */
    txn = domain_begin(db);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_WEBSITE, "www", CRM_NUL);
    domain_commit(txn);
    crm_set_now(db, DOMAIN_NOW + DAY_US);
    txn = domain_begin(db);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_WEBSITE, "www2", CRM_NUL);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_int(record, CRM_FIELD_CREATED_AT), DOMAIN_NOW);
    ck_assert_int_eq(crm_int(record, CRM_FIELD_MODIFIED_AT), DOMAIN_NOW + DAY_US);
    ck_assert_int_eq(crm_int(record, CRM_FIELD_DELETED_AT), DOMAIN_NOW + DAY_US);
    ck_assert_int_eq(crm_int(record, CRM_FIELD_VERSION), 4);
    ck_assert_str_eq(crm_text(record, CRM_FIELD_MODIFIED_BY, NULL), "mia");
    crm_record_free(record);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(handles_that_are_not_there_are_told)
{
    crm_db *db = domain_open();
    crm_error error;
    crm_txn *txn = NULL;
    ck_assert_int_eq(crm_begin(NULL, &txn, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_begin(db, NULL, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_commit(NULL, NULL, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_txn_status(NULL, &error), CRM_MISUSE);
    ck_assert_ptr_null(crm_txn_view(NULL));
    ck_assert_ptr_null(crm_create(NULL, CRM_KIND_CUSTOMER));
    crm_txn_forgive(NULL);
    txn = domain_begin(db);
    customer(txn, "left open");
    domain_close(db); /* rolls it back */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("txn");
    TCase *cases = tcase_create("txn");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_rollback_leaves_nothing);
    tcase_add_test(cases, an_empty_transaction_writes_nothing);
    tcase_add_test(cases, the_first_error_is_kept_and_nothing_is_written);
    tcase_add_test(cases, a_value_of_the_wrong_type_is_refused);
    tcase_add_test(cases, the_largest_text_has_64_mebibytes);
    tcase_add_test(cases, a_turn_is_a_version);
    tcase_add_test(cases, who_and_why_have_a_limit);
    tcase_add_test(cases, a_version_that_was_named_must_still_be_there);
    tcase_add_test(cases, an_id_is_used_once);
    tcase_add_test(cases, a_record_changed_often_in_a_growing_transaction_keeps_its_stage);
    tcase_add_test(cases, a_record_can_be_deleted_in_the_transaction_that_made_it);
    tcase_add_test(cases, a_deletion_that_would_orphan_is_refused);
    tcase_add_test(cases, a_restoration_brings_back_no_bad_record);
    tcase_add_test(cases, a_restoration_may_give_up_what_is_taken);
    tcase_add_test(cases, an_external_id_without_a_system_is_unique_at_any_place);
    tcase_add_test(cases, nobody_stands_above_himself);
    tcase_add_test(cases, a_large_transaction_is_whole_or_nothing);
    tcase_add_test(cases, time_never_goes_back);
    tcase_add_test(cases, handles_that_are_not_there_are_told);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
