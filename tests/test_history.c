/* History: every version, oldest first, with who, when and why (P10); what an
 * erasure hides; what a view of the past shows of it. */
#include "care_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct care care;

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

static crm_history *open_history(crm_view *view, uint32_t kind, const crm_id *id)
{
    crm_error error = {0};
    crm_history *history = NULL;
    care_ok(crm_history_open(view, kind, id, &history, &error), &error);
    return history;
}

static crm_change *next(crm_history *history)
{
    crm_error error = {0};
    crm_change *change = NULL;
    care_ok(crm_history_next(history, &change, &error), &error);
    return change;
}

static void ends(crm_history *history)
{
    crm_change *change = NULL;
    ck_assert_int_eq(crm_history_next(history, &change, NULL), CRM_DONE);
    ck_assert_ptr_null(change);
    crm_history_close(history);
}

static bool changed(const crm_change *change, uint32_t field)
{
    for (uint32_t i = 0; i < crm_change_field_count(change); i++)
        if (crm_change_field(change, i) == field)
            return true;
    return false;
}

/* P10: three transactions, three versions, each with its author and values. */
START_TEST(versions_come_oldest_first_with_author_and_reason)
{
    crm_txn *txn = care_begin(&care, "mia");
    crm_txn_set_reason(txn, "met at the fair");
    crm_txn_set_batch(txn, "fair");
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Alpha", CRM_NUL);
    crm_id id = care_id(record);
    uint64_t first = care_commit(txn);
    crm_set_now(care.db, CARE_START + CARE_DAY);
    uint64_t second = care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Beta");
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_TERRITORY, "north");
    crm_view *view = care_view(&care);
    crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);

    crm_change *change = next(history);
    ck_assert_uint_eq(crm_change_lsn(change), first);
    ck_assert_uint_eq(crm_change_version(change), 1);
    ck_assert_int_eq(crm_change_operation(change), CRM_CHANGE_CREATE);
    ck_assert_int_eq(crm_change_time(change), CARE_START);
    ck_assert_str_eq(crm_change_actor(change), "mia");
    ck_assert_str_eq(crm_change_reason(change), "met at the fair");
    ck_assert_str_eq(crm_change_batch(change), "fair");
    ck_assert_ptr_null(crm_change_before(change));
    ck_assert(changed(change, CRM_CUSTOMER_NAME));
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "Alpha");

    change = next(history);
    ck_assert_uint_eq(crm_change_lsn(change), second);
    ck_assert_int_eq(crm_change_operation(change), CRM_CHANGE_UPDATE);
    ck_assert_int_eq(crm_change_time(change), CARE_START + CARE_DAY);
    ck_assert_str_eq(crm_change_actor(change), "ole");
    ck_assert_str_eq(crm_change_reason(change), "");
    ck_assert_uint_eq(crm_change_field_count(change), 1);
    ck_assert_uint_eq(crm_change_field(change, 0), CRM_CUSTOMER_NAME);
    ck_assert_str_eq(crm_text(crm_change_before(change), CRM_CUSTOMER_NAME, NULL), "Alpha");
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "Beta");
    ck_assert_uint_eq(crm_record_version(crm_change_after(change)), 2);

    change = next(history);
    ck_assert_uint_eq(crm_change_version(change), 3);
    ck_assert_uint_eq(crm_change_field(change, 0), CRM_CUSTOMER_TERRITORY);
    ck_assert_int_eq(crm_has(crm_change_before(change), CRM_CUSTOMER_TERRITORY), 0);
    ends(history);
    crm_view_close(view);
}
END_TEST

START_TEST(deleting_and_restoring_are_versions)
{
    crm_id id = care_customer(&care, "Alpha");
    crm_txn *txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &id));
    care_commit(txn);
    txn = care_begin(&care, "mia");
    crm_restore(crm_edit(txn, CRM_KIND_CUSTOMER, &id));
    care_commit(txn);
    crm_view *view = care_view(&care);
    crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);
    static const int32_t expected[] = {CRM_CHANGE_CREATE, CRM_CHANGE_DELETE, CRM_CHANGE_RESTORE};
    for (int i = 0; i < 3; i++) {
        crm_change *change = next(history);
        ck_assert_int_eq(crm_change_operation(change), expected[i]);
        ck_assert_int_eq(crm_record_deleted(crm_change_after(change)), i == 1);
        ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "Alpha");
    }
    ends(history);
    crm_view_close(view);
}
END_TEST

START_TEST(a_view_of_the_past_shows_only_what_it_sees)
{
    crm_error error = {0};
    crm_id id = care_customer(&care, "Alpha");
    uint64_t second = care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Beta");
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Gamma");
    crm_view *view;
    care_ok(crm_view_open_lsn(care.db, second, &view, &error), &error);
    crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);
    ck_assert_uint_eq(crm_change_version(next(history)), 1);
    ck_assert_uint_eq(crm_change_version(next(history)), 2);
    ends(history);
    crm_view_close(view);
}
END_TEST

START_TEST(a_transaction_sees_its_own_version_under_way)
{
    crm_id id = care_customer(&care, "Alpha");
    crm_txn *txn = care_begin(&care, "ole");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_NAME, "Beta", CRM_NUL);
    crm_history *history = open_history(crm_txn_view(txn), CRM_KIND_CUSTOMER, &id);
    ck_assert_str_eq(crm_change_actor(next(history)), "mia");
    crm_change *change = next(history);
    ck_assert_str_eq(crm_change_actor(change), "ole");
    ck_assert_int_eq(crm_change_time(change), CARE_START);
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "Beta");
    ends(history);
    crm_rollback(txn);
}
END_TEST

/* P10: erasure is the one exception: the versions stay, what was personal goes. */
START_TEST(erasure_hides_personal_fields_of_every_earlier_version)
{
    crm_id id = care_customer(&care, "Alpha");
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_TERRITORY, "north");
    crm_view *before = care_view(&care);
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Omega");
    crm_view *view = care_view(&care);
    crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);
    crm_change *change = next(history);
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "");
    ck_assert_int_eq(crm_record_status(crm_change_after(change)), CRM_ERASED);
    ck_assert(!changed(change, CRM_CUSTOMER_NAME));
    change = next(history);
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "");
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_TERRITORY, NULL), "north");
    change = next(history);
    ck_assert_int_eq(crm_change_operation(change), CRM_CHANGE_ERASE);
    ck_assert_int_eq(crm_record_status(crm_change_after(change)), CRM_OK);
    change = next(history);
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "Omega");
    ends(history);
    crm_view_close(view);

    /* Also in a view of the past; but one that was open keeps what it had (P7). */
    crm_error error = {0};
    care_ok(crm_view_open_lsn(care.db, crm_view_lsn(before), &view, &error), &error);
    history = open_history(view, CRM_KIND_CUSTOMER, &id);
    ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL), "");
    ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL), "");
    ends(history);
    crm_view_close(view);
    history = open_history(before, CRM_KIND_CUSTOMER, &id);
    ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL), "Alpha");
    ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL), "Alpha");
    ends(history);
    crm_view_close(before);
}
END_TEST

/* Read by id or from a list: a reader of the past must know why the name is missing. */
START_TEST(a_record_of_the_past_says_that_it_was_erased_since)
{
    crm_id id = care_customer(&care, "Alpha");
    uint64_t before = crm_lsn(care.db);
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
    care_commit(txn);
    crm_error error = {0};
    for (int past = 0; past < 2; past++) {
        int32_t expected = past ? CRM_ERASED : CRM_OK;
        crm_record *record = NULL;
        crm_query *query = NULL;
        crm_view *view = NULL;
        care_ok(crm_view_open_lsn(care.db, past ? before : crm_lsn(care.db), &view, &error), &error);
        care_ok(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, &error), &error);
        ck_assert_int_eq(crm_has(record, CRM_CUSTOMER_NAME), !past);
        ck_assert_int_eq(crm_record_status(record), expected);
        crm_record_free(record);
        care_ok(crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error), &error);
        care_ok(crm_query_next(query, &record, &error), &error);
        ck_assert_int_eq(crm_record_status(record), expected);
        crm_query_free(query);
        crm_view_close(view);
    }
}
END_TEST

/* P7: a view that was open keeps what it had, also of a record that had been erased before. */
START_TEST(a_second_erasure_takes_nothing_from_a_view_that_was_open)
{
    crm_id id = care_customer(&care, "Alpha");
    crm_error error = {0};
    for (int round = 0; round < 2; round++) {
        crm_txn *txn = care_begin(&care, "mia");
        ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
        care_commit(txn);
        if (round == 0)
            care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Omega");
        crm_view *view = care_view(&care);
        txn = care_begin(&care, "mia");
        ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
        care_commit(txn);
        crm_record *record = NULL;
        care_ok(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, &error), &error);
        ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), round == 0 ? "Omega" : "(erased)");
        ck_assert_int_eq(crm_record_status(record), CRM_OK);
        crm_record_free(record);
        crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);
        ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL), ""); /* Alpha */
        ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL),
                         round == 0 ? "(erased)" : "");
        crm_history_close(history);
        crm_view_close(view);
    }
}
END_TEST

/* What a compaction took the texts out of still says why they are missing. */
START_TEST(an_erasure_is_told_after_a_compaction_as_before)
{
    crm_id id = care_customer(&care, "Alpha");
    uint64_t first = crm_lsn(care.db);
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Omega"); /* so the erasure is not the newest version */
    crm_error error = {0};
    for (int compacted = 0; compacted < 2; compacted++) {
        crm_view *view = care_view(&care);
        crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);
        ck_assert_int_eq(crm_record_status(crm_change_after(next(history))), CRM_ERASED);
        ck_assert_int_eq(crm_record_status(crm_change_after(next(history))), CRM_OK);
        ck_assert_int_eq(crm_record_status(crm_change_after(next(history))), CRM_OK);
        ends(history);
        crm_view_close(view);
        crm_record *record = NULL;
        care_ok(crm_view_open_lsn(care.db, first, &view, &error), &error);
        care_ok(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, &error), &error);
        ck_assert_int_eq(crm_record_status(record), CRM_ERASED);
        crm_record_free(record);
        crm_view_close(view);
        crm_feed *feed = NULL;
        crm_change *change = NULL;
        care_ok(crm_feed_open(care.db, first - 1, &feed, &error), &error);
        while (crm_feed_next(feed, 0, &change, &error) == CRM_OK && crm_change_kind(change) != CRM_KIND_CUSTOMER)
            continue;
        ck_assert_int_eq(crm_record_status(crm_change_after(change)), CRM_ERASED);
        crm_feed_close(feed);
        care_ok(crm_compact(care.db, &error), &error);
    }
}
END_TEST

/* An erasure of what is deleted is two versions: the erasure, then the deletion again. */
START_TEST(a_compaction_keeps_the_erasure_of_a_deleted_record)
{
    static const int32_t operations[] = {CRM_CHANGE_CREATE, CRM_CHANGE_DELETE, CRM_CHANGE_ERASE,
                                         CRM_CHANGE_DELETE, CRM_CHANGE_ERASE,  CRM_CHANGE_DELETE};
    crm_id id = care_customer(&care, "Alpha");
    crm_txn *txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &id));
    care_commit(txn);
    crm_error error = {0};
    for (int i = 0; i < 2; i++) {
        txn = care_begin(&care, "mia");
        ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
        care_commit(txn);
    }
    for (int compactions = 0; compactions < 3; compactions++) {
        crm_view *view = care_view(&care);
        crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);
        for (int i = 0; i < 6; i++) {
            crm_change *change = next(history);
            ck_assert_int_eq(crm_change_operation(change), operations[i]);
            ck_assert_uint_eq(crm_change_version(change), (uint64_t)i + 1);
            ck_assert_int_eq(crm_record_deleted(crm_change_after(change)), operations[i] == CRM_CHANGE_DELETE);
            ck_assert_int_eq(crm_record_status(crm_change_after(change)), i < 4 ? CRM_ERASED : CRM_OK);
        }
        ends(history);
        crm_view_close(view);
        care_ok(crm_compact(care.db, &error), &error);
        care_ok(crm_verify(care.db, NULL, &error), &error);
    }
}
END_TEST

/* A change under way by another must not make an erased record unreadable. */
START_TEST(an_erased_record_stays_readable_while_it_is_being_changed)
{
    crm_id id = care_customer(&care, "Alpha");
    crm_txn *txn = care_begin(&care, "mia");
    crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id));
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Omega");
    txn = care_begin(&care, "mia");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_NAME, "Sigma", CRM_NUL);
    (void)care_count(crm_txn_view(txn), CRM_KIND_CUSTOMER); /* applies what is under way */
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Omega");
    crm_rollback(txn);
}
END_TEST

/* Deltas refer to a full version every few: all are read the same. */
START_TEST(a_long_chain_reads_every_version)
{
    enum { VERSIONS = 100 };
    crm_id id = care_customer(&care, "0");
    char name[16];
    for (int i = 1; i < VERSIONS; i++) {
        snprintf(name, sizeof name, "%d", i);
        care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, name);
    }
    crm_view *view = care_view(&care);
    crm_history *history = open_history(view, CRM_KIND_CUSTOMER, &id);
    for (int i = 0; i < VERSIONS; i++) {
        snprintf(name, sizeof name, "%d", i);
        ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL), name);
    }
    ends(history);
    crm_view_close(view);
}
END_TEST

START_TEST(a_history_outlives_its_view_and_wrong_calls_are_answered)
{
    crm_error error = {0};
    crm_history *history = NULL;
    crm_id id = care_customer(&care, "Alpha"), none = {{9}};
    crm_view *view = care_view(&care);
    ck_assert_int_eq(crm_history_open(view, CRM_KIND_CUSTOMER, &none, &history, &error), CRM_NOT_FOUND);
    ck_assert_ptr_null(history);
    ck_assert_int_eq(crm_history_open(view, 77, &id, &history, &error), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_history_open(NULL, CRM_KIND_CUSTOMER, &id, &history, &error), CRM_MISUSE);
    history = open_history(view, CRM_KIND_CUSTOMER, &id);
    crm_view_close(view);
    ck_assert_str_eq(crm_text(crm_change_after(next(history)), CRM_CUSTOMER_NAME, NULL), "Alpha");
    ends(history);
    crm_history_close(NULL);
    ck_assert_str_eq(crm_change_actor(NULL), "");
    ck_assert_uint_eq(crm_change_field(NULL, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *tests = tcase_create("history");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, versions_come_oldest_first_with_author_and_reason);
    tcase_add_test(tests, deleting_and_restoring_are_versions);
    tcase_add_test(tests, a_view_of_the_past_shows_only_what_it_sees);
    tcase_add_test(tests, a_transaction_sees_its_own_version_under_way);
    tcase_add_test(tests, erasure_hides_personal_fields_of_every_earlier_version);
    tcase_add_test(tests, a_record_of_the_past_says_that_it_was_erased_since);
    tcase_add_test(tests, a_second_erasure_takes_nothing_from_a_view_that_was_open);
    tcase_add_test(tests, an_erasure_is_told_after_a_compaction_as_before);
    tcase_add_test(tests, a_compaction_keeps_the_erasure_of_a_deleted_record);
    tcase_add_test(tests, an_erased_record_stays_readable_while_it_is_being_changed);
    tcase_add_test(tests, a_long_chain_reads_every_version);
    tcase_add_test(tests, a_history_outlives_its_view_and_wrong_calls_are_answered);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
