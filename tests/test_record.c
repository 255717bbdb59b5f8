/* Records: what is set is read, also in the log's own forms; items of lists;
 * what every record tells about itself. */
#include "domain_fixture.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crm_record *customer(crm_txn *txn, const char *name)
{
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL), CRM_OK);
    return record;
}

static crm_record *get(crm_view *view, uint32_t kind, const crm_id *id)
{
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(view, kind, id, &record, NULL), CRM_OK);
    return record;
}

/* The log packs instants at full seconds and days, and numbers by their size. */
START_TEST(every_number_is_read_as_it_was_set)
{
    const int64_t numbers[] = {0,
                               1,
                               -1,
                               127,
                               -128,
                               1000000,
                               999999,
                               DAY_US,
                               -DAY_US,
                               DAY_US + 1,
                               2 * DAY_US,
                               -2 * DAY_US,
                               INT64_C(1700000000000000),
                               INT64_C(-1700000000000001),
                               INT64_MAX,
                               -INT64_MAX,
                               INT64_MAX / DAY_US * DAY_US,
                               -INT64_MAX / 1000000 * 1000000};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    uint32_t integer = 0, time = 0, real = 0;
    crm_id ids[COUNT];
    crm_field_add(txn, CRM_KIND_CUSTOMER, "number", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_HOT, 0, &integer);
    crm_field_add(txn, CRM_KIND_CUSTOMER, "moment", CRM_NUL, CRM_TYPE_TIME, CRM_FLAG_INDEXED, 0, &time);
    crm_field_add(txn, CRM_KIND_CUSTOMER, "measure", CRM_NUL, CRM_TYPE_REAL, CRM_FLAG_HOT, 0, &real);
    for (int i = 0; i < COUNT; i++) {
        crm_record *record = customer(txn, "x");
        crm_record_id(record, &ids[i]);
        ck_assert_int_eq(crm_set_int(record, integer, numbers[i]), CRM_OK);
        ck_assert_int_eq(crm_set_int(record, time, numbers[i]), CRM_OK);
        ck_assert_int_eq(crm_set_real(record, real, (double)numbers[i] / 7), CRM_OK);
        ck_assert_int_eq(crm_int(record, integer), numbers[i]);
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    for (int i = 0; i < COUNT; i++) {
        crm_record *record = get(view, CRM_KIND_CUSTOMER, &ids[i]), *found = NULL;
        crm_query *query = NULL;
        uint64_t count = 0;
        ck_assert_int_eq(crm_int(record, integer), numbers[i]);
        ck_assert_int_eq(crm_int(record, time), numbers[i]);
        ck_assert(crm_real(record, real) == (double)numbers[i] / 7);
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
        crm_query_where_int(query, time, CRM_OP_EQ, numbers[i]);
        crm_query_where_int(query, integer, CRM_OP_EQ, numbers[i]);
        ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
        ck_assert_uint_eq(count, 1);
        ck_assert_int_eq(crm_query_next(query, &found, NULL), CRM_OK);
        crm_id id;
        crm_record_id(found, &id);
        ck_assert_int_eq(memcmp(&id, &ids[i], sizeof id), 0);
        crm_query_free(query);
        crm_record_free(record);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(nothing_reads_as_nothing)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *record = customer(txn, "Acme");
    crm_id id;
    uint32_t kind;
    size_t length = 9;
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_EMPLOYEES), 0);
    ck_assert(isnan(crm_real(record, CRM_CUSTOMER_WEBSITE)));
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_WEBSITE, &length), "");
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(crm_ref(record, CRM_CUSTOMER_PARENT, &kind, &id), CRM_NOT_FOUND);
    ck_assert_uint_eq(crm_item_count(record, CRM_CUSTOMER_EMAILS), 0);
    ck_assert_int_eq(crm_has(record, 9999), 0);
    ck_assert_int_eq(crm_has(record, CRM_FIELD_ID), 1);
    /* A NULL record reads as empty. */
    ck_assert_int_eq(crm_has(NULL, CRM_CUSTOMER_NAME), 0);
    ck_assert_int_eq(crm_int(NULL, CRM_CUSTOMER_NAME), 0);
    ck_assert(isnan(crm_real(NULL, CRM_CUSTOMER_NAME)));
    ck_assert_str_eq(crm_text(NULL, CRM_CUSTOMER_NAME, NULL), "");
    ck_assert_uint_eq(crm_record_kind(NULL), 0);
    ck_assert_uint_eq(crm_record_version(NULL), 0);
    ck_assert_int_eq(crm_record_deleted(NULL), 0);
    ck_assert_int_eq(crm_record_status(NULL), CRM_MISUSE);
    ck_assert_uint_eq(crm_item_count(NULL, CRM_CUSTOMER_EMAILS), 0);
    ck_assert_str_eq(crm_item_text(NULL, CRM_CUSTOMER_EMAILS, 0, CRM_PART_VALUE, NULL), "");
    ck_assert_int_eq(crm_item_ref(NULL, CRM_INTERACTION_PARTICIPANTS, 0, &kind, &id), CRM_NOT_FOUND);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(items_are_added_changed_and_removed)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *record = customer(txn, "Acme");
    const uint32_t field = CRM_CUSTOMER_EMAILS;
    crm_id id;
    crm_record_id(record, &id);
    ck_assert_int_eq(crm_item_add(record, field, "a@acme.example", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_item_add(record, field, "b@acme.example", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_item_add(record, field, "c@acme.example", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_item_int(record, field, 0, CRM_PART_PRIMARY), 1); /* the first, until another is */
    ck_assert_int_eq(crm_item_set_int(record, field, 2, CRM_PART_PRIMARY, 1), CRM_OK);
    ck_assert_int_eq(crm_item_set_text(record, field, 1, CRM_PART_LABEL, "work", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_item_set_int(record, field, 1, CRM_PART_OPT_OUT, 1), CRM_OK);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    record = get(view, CRM_KIND_CUSTOMER, &id);
    ck_assert_uint_eq(crm_item_count(record, field), 3);
    ck_assert_int_eq(crm_item_int(record, field, 0, CRM_PART_PRIMARY), 0);
    ck_assert_int_eq(crm_item_int(record, field, 2, CRM_PART_PRIMARY), 1);
    ck_assert_str_eq(crm_item_text(record, field, 1, CRM_PART_VALUE, NULL), "b@acme.example");
    ck_assert_str_eq(crm_item_text(record, field, 1, CRM_PART_LABEL, NULL), "work");
    ck_assert_int_eq(crm_item_int(record, field, 1, CRM_PART_OPT_OUT), 1);
    ck_assert_int_eq(crm_item_int(record, field, 0, CRM_PART_OPT_OUT), 0);
    ck_assert_str_eq(crm_item_text(record, field, 3, CRM_PART_VALUE, NULL), "");
    crm_record_free(record);
    crm_view_close(view);
    txn = domain_begin(db);
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
    ck_assert_int_eq(crm_item_remove(record, field, 0), CRM_OK);
    ck_assert_int_eq(crm_item_set_text(record, field, 0, CRM_PART_LABEL, NULL, 0), CRM_OK);
    ck_assert_int_eq(crm_item_set_text(record, field, 1, CRM_PART_VALUE, "d@acme.example", CRM_NUL), CRM_OK);
    ck_assert_str_eq(
        crm_format(record, field, NULL),
        "[{\"value\":\"b@acme.example\",\"opt_out\":true},{\"value\":\"d@acme.example\",\"primary\":true}]");
    ck_assert_int_eq(crm_item_remove(record, field, 1), CRM_OK);
    ck_assert_int_eq(crm_item_remove(record, field, 0), CRM_OK);
    ck_assert_int_eq(crm_has(record, field), 0);
    domain_commit(txn);
    domain_close(db);
}
END_TEST

START_TEST(items_that_cannot_be_are_refused)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id id = {{5}};
    const uint32_t field = CRM_CUSTOMER_PHONES;
    ck_assert_int_eq(crm_item_remove(customer(txn, "A"), field, 0), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "customer.phones has 0 items, there is no item 0");
    ck_assert_int_eq(crm_item_add(customer(txn, "A"), field, "none", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "customer.phones: \"none\" is not a telephone number");
    ck_assert_int_eq(crm_item_add(customer(txn, "A"), field, "", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "1 to 65,535 bytes");
    ck_assert_int_eq(crm_item_add(customer(txn, "A"), CRM_CUSTOMER_NAME, "x", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "is no list");
    crm_record *record = customer(txn, "A");
    crm_item_add(record, field, "030 1", CRM_NUL);
    ck_assert_int_eq(crm_item_set_int(record, field, 0, CRM_PART_PRIMARY, 2), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "does not take the number 2");
    record = customer(txn, "A");
    crm_item_add(record, field, "030 1", CRM_NUL);
    ck_assert_int_eq(crm_item_set_text(record, field, 0, CRM_PART_PRIMARY, "x", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "part 3");
    record = crm_create(txn, CRM_KIND_INTERACTION);
    ck_assert_int_eq(crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &id, "host", CRM_NUL),
                     CRM_NOT_FOUND);
    domain_refused(txn, CRM_NOT_FOUND, "no such record");
    record = crm_create(txn, CRM_KIND_INTERACTION);
    ck_assert_int_eq(crm_item_add(record, CRM_INTERACTION_PARTICIPANTS, "x", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "crm_item_add_ref");
    ck_assert_int_eq(crm_item_add(NULL, field, "x", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_item_set_text(NULL, field, 0, 1, "x", CRM_NUL), CRM_MISUSE);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

/* Set at once; one by one each would rewrite the list. */
START_TEST(a_list_has_at_most_ten_thousand_items)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    char *text = malloc(10001 * 8);
    ck_assert_ptr_nonnull(text);
    size_t used = 0;
    for (int i = 0; i < 10000; i++)
        used += (size_t)snprintf(text + used, 8, "t%d;", i);
    crm_record *record = customer(txn, "Acme");
    ck_assert_int_eq(crm_set_parsed(record, CRM_FIELD_TAGS, text, used), CRM_OK);
    ck_assert_uint_eq(crm_item_count(record, CRM_FIELD_TAGS), 10000);
    ck_assert_str_eq(crm_item_text(record, CRM_FIELD_TAGS, 9999, CRM_PART_VALUE, NULL), "t9999");
    ck_assert_int_eq(crm_item_add(record, CRM_FIELD_TAGS, "one more", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "at most 10000 items");
    record = customer(txn, "Acme");
    memcpy(text + used, "more", 5);
    ck_assert_int_eq(crm_set_parsed(record, CRM_FIELD_TAGS, text, CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "at most 10000 items");
    free(text);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(an_erased_person_is_gone_from_every_version)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id person, call;
    crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
    crm_record_id(record, &person);
    crm_set_text(record, CRM_CONTACT_FIRST_NAME, "Mia", CRM_NUL);
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Muster", CRM_NUL);
    crm_set_text(record, CRM_CONTACT_TITLE, "Engineer", CRM_NUL);
    crm_item_add(record, CRM_CONTACT_EMAILS, "mia@example.org", CRM_NUL);
    record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_record_id(record, &call);
    crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_text(record, CRM_INTERACTION_SUBJECT, "About Mia", CRM_NUL);
    crm_set_ref(record, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &person);
    domain_commit(txn);
    uint64_t before = crm_lsn(db);
    txn = domain_begin(db);
    ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CONTACT, &person)), CRM_OK);
    domain_commit(txn);
    for (int past = 0; past < 2; past++) {
        crm_view *view = NULL;
        crm_record *found = NULL;
        ck_assert_int_eq(crm_view_open_lsn(db, past ? before : crm_lsn(db), &view, NULL), CRM_OK);
        record = get(view, CRM_KIND_CONTACT, &person);
        ck_assert_ptr_null(strstr(crm_text(record, CRM_CONTACT_LAST_NAME, NULL), "Muster"));
        ck_assert_ptr_null(strstr(crm_title(record, NULL), "Mia"));
        ck_assert_int_eq(crm_has(record, CRM_CONTACT_EMAILS), 0);
        ck_assert_str_eq(crm_text(record, CRM_CONTACT_TITLE, NULL), "Engineer"); /* not personal */
        crm_record_free(record);
        record = get(view, CRM_KIND_INTERACTION, &call);
        ck_assert_str_eq(crm_text(record, CRM_INTERACTION_SUBJECT, NULL), "");
        ck_assert_int_eq(crm_int(record, CRM_INTERACTION_TYPE), CRM_INTERACTION_TYPE_CALL);
        crm_record_free(record);
        ck_assert_int_eq(crm_find(view, CRM_KIND_CONTACT, CRM_CONTACT_EMAILS, "mia@example.org", CRM_NUL, &found, NULL),
                         CRM_NOT_FOUND);
        ck_assert_int_eq(crm_find(view, CRM_KIND_CONTACT, CRM_CONTACT_LAST_NAME, "muster", CRM_NUL, &found, NULL),
                         CRM_NOT_FOUND);
        crm_view_close(view);
    }
    domain_close(db);
}
END_TEST

/* As much as one that is theirs, and whether it is deleted or not. */
START_TEST(an_erasure_reaches_meetings_in_which_the_person_took_part)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id person, meetings[2];
    crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
    crm_record_id(record, &person);
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Muster", CRM_NUL);
    for (int deleted = 0; deleted < 2; deleted++) {
        record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_record_id(record, &meetings[deleted]);
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_MEETING);
        crm_set_text(record, CRM_INTERACTION_SUBJECT, "Muster was late", CRM_NUL);
        crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &person, "guest", CRM_NUL);
        if (deleted)
            ck_assert_int_eq(crm_delete(record), CRM_OK);
    }
    domain_commit(txn);
    txn = domain_begin(db);
    ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CONTACT, &person)), CRM_OK);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    for (int deleted = 0; deleted < 2; deleted++) {
        record = get(view, CRM_KIND_INTERACTION, &meetings[deleted]);
        ck_assert_str_eq(crm_text(record, CRM_INTERACTION_SUBJECT, NULL), "");
        ck_assert_int_eq(crm_item_count(record, CRM_INTERACTION_PARTICIPANTS), 0);
        ck_assert_int_eq(crm_record_deleted(record), deleted);
        crm_record_free(record);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(a_record_in_a_transaction_shows_what_it_will_be)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *record = customer(txn, "Acme");
    ck_assert_int_eq(crm_has(record, CRM_FIELD_CREATED_AT), 0); /* no version yet */
    domain_accepted(txn);
    ck_assert_int_eq(crm_int(record, CRM_FIELD_CREATED_AT), DOMAIN_NOW);
    ck_assert_str_eq(crm_text(record, CRM_FIELD_CREATED_BY, NULL), "mia");
    ck_assert_int_eq(crm_int(record, CRM_FIELD_VERSION), 1);
    crm_set_text(record, CRM_CUSTOMER_WEBSITE, "www", CRM_NUL);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_WEBSITE, NULL), "www");
    ck_assert_int_eq(crm_int(record, CRM_FIELD_VERSION), 1);
    ck_assert_int_eq(crm_delete(record), CRM_OK);
    ck_assert_int_eq(crm_record_deleted(record), 1);
    crm_record_free(record); /* does nothing: it is the transaction's */
    ck_assert_int_eq(crm_restore(record), CRM_OK);
    ck_assert_int_eq(crm_record_deleted(record), 0);
    domain_accepted(txn);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Acme");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

/* An actor without a name is none, before the commit as behind it. */
START_TEST(an_empty_actor_is_none)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    ck_assert_int_eq(crm_txn_set_actor(txn, ""), CRM_OK);
    crm_record *record = customer(txn, "Acme");
    domain_accepted(txn);
    ck_assert_int_eq(crm_has(record, CRM_FIELD_CREATED_BY), 0);
    ck_assert_int_eq(crm_has(record, CRM_FIELD_MODIFIED_BY), 0);
    crm_id id;
    crm_record_id(record, &id);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_has(record, CRM_FIELD_CREATED_BY), 0);
    crm_record_free(record);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *cases = tcase_create("record");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_number_is_read_as_it_was_set);
    tcase_add_test(cases, nothing_reads_as_nothing);
    tcase_add_test(cases, items_are_added_changed_and_removed);
    tcase_add_test(cases, items_that_cannot_be_are_refused);
    tcase_add_test(cases, a_list_has_at_most_ten_thousand_items);
    tcase_add_test(cases, an_erased_person_is_gone_from_every_version);
    tcase_add_test(cases, an_erasure_reaches_meetings_in_which_the_person_took_part);
    tcase_add_test(cases, a_record_in_a_transaction_shows_what_it_will_be);
    tcase_add_test(cases, an_empty_actor_is_none);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
