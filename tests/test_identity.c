/* Ids and numbers: every record is found by its id and no other is, however
 * the ids came about: counted up by the library, given in any order, given back
 * by a rollback, read anew from the log and from the image. */
#include "domain_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 300 };

static crm_id numbered(uint32_t number)
{
    crm_id id = {{0x01, 0x8d, 0, 0, 0, 0, 0x70, 0, 0x80}};
    for (int i = 0; i < 4; i++)
        id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
    return id;
}

static void give(crm_txn *txn, uint32_t number)
{
    crm_id id = numbered(number);
    crm_record *record = crm_create_with_id(txn, CRM_KIND_CUSTOMER, &id);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, "Given", CRM_NUL), CRM_OK);
}

static void check_there(crm_view *view, uint32_t kind, const crm_id *id, bool there)
{
    crm_record *record = NULL;
    crm_id own;
    ck_assert_int_eq(crm_get(view, kind, id, &record, NULL), there ? CRM_OK : CRM_NOT_FOUND);
    if (there) {
        crm_record_id(record, &own);
        ck_assert_int_eq(memcmp(&own, id, sizeof own), 0);
    }
    crm_record_free(record);
}

/* Exactly the given ones are found, and the indexes are what the log gives. */
static void check_given(crm_db *db, const bool *given, uint32_t count)
{
    crm_view *view = domain_view(db);
    for (uint32_t n = 0; n < count; n++) {
        crm_id id = numbered(n);
        check_there(view, CRM_KIND_CUSTOMER, &id, given[n]);
        check_there(view, CRM_KIND_USER, &id, false);
    }
    crm_view_close(view);
    ck_assert_int_eq(crm_verify(db, NULL, NULL), CRM_OK);
}

START_TEST(ids_given_in_any_order_are_found_and_no_others)
{
    /* Ascending, descending, every third, and by a step that is prime to the count. */
    for (int way = 0; way < 4; way++) {
        crm_db *db = domain_open();
        bool given[MANY] = {false};
        for (uint32_t round = 0; round < 3; round++) {
            crm_txn *txn = domain_begin(db);
            for (uint32_t i = round * MANY / 3; i < (round + 1) * MANY / 3; i++) {
                uint32_t number = way == 0 ? i : way == 1 ? MANY - 1 - i : way == 2 ? i / 3 * 3 : i * 77 % MANY;
                if (!given[number])
                    give(txn, number);
                given[number] = true;
            }
            domain_commit(txn);
            check_given(db, given, MANY);
        }
        ck_assert_int_eq(crm_rebuild(db, NULL), CRM_OK);
        check_given(db, given, MANY);
        domain_close(db);
    }
}
END_TEST

START_TEST(ids_that_a_rollback_gave_back_are_free_again)
{
    crm_db *db = domain_open();
    bool given[MANY] = {false};
    for (uint32_t round = 0; round < 6; round++) {
        crm_txn *txn = domain_begin(db);
        for (uint32_t number = round * 40; number < round * 40 + 40; number++) {
            give(txn, number);
            if (number % 16 == 3) /* asks, so that what was made so far reaches the indexes */
                check_there(crm_txn_view(txn), CRM_KIND_CUSTOMER, &(crm_id){{1}}, false);
            given[number] = round % 2 == 1;
        }
        if (round % 2 == 1)
            domain_commit(txn);
        else
            crm_rollback(txn);
        check_given(db, given, MANY);
    }
    crm_txn *txn = domain_begin(db);
    for (uint32_t number = 0; number < 40; number++, given[number - 1] = true)
        give(txn, number);
    domain_commit(txn);
    check_given(db, given, MANY);
    domain_close(db);
}
END_TEST

START_TEST(ids_that_the_library_counts_up_are_found_among_several_kinds)
{
    enum { RECORDS = 5000 }; /* more than a column's chunk */
    static crm_id customers[RECORDS], users[RECORDS];
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    for (uint32_t i = 0; i < RECORDS; i++) {
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER); /* and a transition for each */
        crm_set_text(customer, CRM_CUSTOMER_NAME, "Counted", CRM_NUL);
        crm_record_id(customer, &customers[i]);
        for (uint32_t n = 0; n <= i % 5; n++) {
            crm_record *user = crm_create(txn, CRM_KIND_USER);
            crm_set_text(user, CRM_USER_NAME, "Counted", CRM_NUL);
            crm_record_id(user, &users[i]);
        }
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    for (uint32_t i = 0; i < RECORDS; i++) {
        check_there(view, CRM_KIND_CUSTOMER, &customers[i], true);
        check_there(view, CRM_KIND_USER, &users[i], true);
        check_there(view, CRM_KIND_USER, &customers[i], false);
        check_there(view, CRM_KIND_CUSTOMER, &users[i], false);
    }
    crm_view_close(view);
    ck_assert_int_eq(crm_verify(db, NULL, NULL), CRM_OK);
    domain_close(db);
}
END_TEST

START_TEST(an_id_of_zeros_is_an_id)
{
    crm_db *db = domain_open();
    bool given[MANY] = {false};
    crm_id zeros = {{0}}, one = {{0}};
    one.bytes[15] = 1;
    crm_txn *txn = domain_begin(db);
    give(txn, 0);
    given[0] = true;
    crm_set_text(crm_create_with_id(txn, CRM_KIND_CUSTOMER, &one), CRM_CUSTOMER_NAME, "One", CRM_NUL);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    check_there(view, CRM_KIND_CUSTOMER, &one, true);
    check_there(view, CRM_KIND_CUSTOMER, &zeros, false);
    crm_view_close(view);
    check_given(db, given, MANY);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *cases = tcase_create("identity");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, ids_given_in_any_order_are_found_and_no_others);
    tcase_add_test(cases, ids_that_a_rollback_gave_back_are_free_again);
    tcase_add_test(cases, ids_that_the_library_counts_up_are_found_among_several_kinds);
    tcase_add_test(cases, an_id_of_zeros_is_an_id);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
