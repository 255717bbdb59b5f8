/* Undo: a batch taken back as one compensating change, or every reason why not. */
#include "care_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct care care;

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

static crm_txn *begin_batch(const char *batch)
{
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_txn_set_batch(txn, batch), CRM_OK);
    return txn;
}

static void undo(const char *batch)
{
    crm_error error = {0};
    crm_table *conflicts = NULL;
    crm_txn *txn = care_begin(&care, "ole");
    care_ok(crm_undo(txn, batch, 0, &conflicts, &error), &error);
    ck_assert_uint_eq(crm_table_rows(conflicts), 0);
    crm_table_free(conflicts);
    care_commit(txn);
}

/* Refused, and nothing done: the table has a row that says why. */
static void refused(const char *batch, uint64_t rows, const char *title, const char *why)
{
    crm_error error = {0};
    crm_table *conflicts = NULL;
    uint64_t before = crm_lsn(care.db);
    crm_txn *txn = care_begin(&care, "ole");
    ck_assert_int_eq(crm_undo(txn, batch, 0, &conflicts, &error), CRM_REFERENCED);
    ck_assert_uint_eq(crm_table_rows(conflicts), rows);
    bool found = false;
    for (uint64_t row = 0; row < rows; row++)
        found |= strcmp(crm_table_text(conflicts, row, 2, NULL), title) == 0 &&
                 strstr(crm_table_text(conflicts, row, 3, NULL), why) != NULL;
    ck_assert_msg(found, "%s: %s", crm_table_text(conflicts, 0, 2, NULL), crm_table_text(conflicts, 0, 3, NULL));
    crm_table_free(conflicts);
    ck_assert_uint_eq(care_commit(txn), before); /* the transaction is empty */
}

static crm_id create(crm_txn *txn, uint32_t kind, uint32_t field, const char *name)
{
    crm_record *record = crm_create(txn, kind);
    crm_set_text(record, field, name, CRM_NUL);
    return care_id(record);
}

START_TEST(what_was_created_is_deleted_and_fields_go_back)
{
    crm_id old = care_customer(&care, "Old");
    care_set(&care, CRM_KIND_CUSTOMER, &old, CRM_CUSTOMER_TERRITORY, "north");
    crm_txn *txn = begin_batch("import");
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &old);
    crm_set_text(record, CRM_CUSTOMER_NAME, "New", CRM_NUL);
    crm_set_null(record, CRM_CUSTOMER_TERRITORY);
    crm_id made = create(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Made");
    care_commit(txn);
    txn = begin_batch("import"); /* a batch may have several transactions */
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &old), CRM_CUSTOMER_WEBSITE, "example.com", CRM_NUL);
    care_commit(txn);
    uint64_t before = crm_lsn(care.db);
    undo("import");
    ck_assert_uint_eq(crm_lsn(care.db), before + 1);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &old, CRM_CUSTOMER_NAME), "Old");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &old, CRM_CUSTOMER_TERRITORY), "north");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &old, CRM_CUSTOMER_WEBSITE), "");
    ck_assert(care_deleted(&care, CRM_KIND_CUSTOMER, &made));
}
END_TEST

START_TEST(what_was_deleted_is_restored_and_what_was_restored_deleted)
{
    crm_id one = care_customer(&care, "One"), two = care_customer(&care, "Two");
    crm_txn *txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &two));
    care_commit(txn);
    txn = begin_batch("tidy");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &one), CRM_CUSTOMER_NAME, "Uno", CRM_NUL);
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &one));
    crm_restore(crm_edit(txn, CRM_KIND_CUSTOMER, &two));
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &two), CRM_CUSTOMER_NAME, "Due", CRM_NUL);
    care_commit(txn);
    ck_assert(care_deleted(&care, CRM_KIND_CUSTOMER, &one));
    undo("tidy");
    ck_assert(!care_deleted(&care, CRM_KIND_CUSTOMER, &one));
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &one, CRM_CUSTOMER_NAME), "One");
    ck_assert(care_deleted(&care, CRM_KIND_CUSTOMER, &two));
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &two, CRM_CUSTOMER_NAME), "Two");
}
END_TEST

START_TEST(a_stage_goes_back_with_its_date_and_the_transition_goes)
{
    crm_error error = {0};
    crm_id id = care_customer(&care, "Alpha");
    int64_t since = CARE_START;
    crm_set_now(care.db, CARE_START + 5 * CARE_DAY);
    crm_txn *txn = begin_batch("rules");
    ck_assert_int_eq(crm_lifecycle_move(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_STAGE_STABLE, "r", NULL),
                     CRM_OK);
    care_commit(txn);
    crm_view *view = care_view(&care);
    ck_assert_uint_eq(care_count(view, CRM_KIND_TRANSITION), 2); /* into the first stage, and the move */
    crm_view_close(view);
    crm_set_now(care.db, CARE_START + 6 * CARE_DAY);
    undo("rules");
    view = care_view(&care);
    crm_record *record;
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, &error), &error);
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_STAGE), CRM_CUSTOMER_STAGE_ACQUAINTANCE);
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_STAGE_SINCE), since);
    crm_record_free(record);
    /* The batch's transition is deleted, and the way back leaves none: the move is as if it had not been. */
    ck_assert_uint_eq(care_count(view, CRM_KIND_TRANSITION), 1);
    crm_view_close(view);
}
END_TEST

START_TEST(a_field_changed_since_is_a_conflict_another_field_is_not)
{
    crm_id one = care_customer(&care, "One"), two = care_customer(&care, "Two");
    crm_txn *txn = begin_batch("b");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &one), CRM_CUSTOMER_TERRITORY, "north", CRM_NUL);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &two), CRM_CUSTOMER_TERRITORY, "north", CRM_NUL);
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &one, CRM_CUSTOMER_WEBSITE, "example.com");
    care_set(&care, CRM_KIND_CUSTOMER, &two, CRM_CUSTOMER_TERRITORY, "south");
    refused("b", 1, "Two", "territory was changed later");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &one, CRM_CUSTOMER_TERRITORY), "north");
    care_set(&care, CRM_KIND_CUSTOMER, &two, CRM_CUSTOMER_TERRITORY, "north");
    undo("b");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &one, CRM_CUSTOMER_TERRITORY), "");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &one, CRM_CUSTOMER_WEBSITE), "example.com");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &two, CRM_CUSTOMER_TERRITORY), "");
}
END_TEST

/* The batch touches a record twice and others do in between: theirs stays. */
START_TEST(changes_of_others_in_between_are_not_taken_back)
{
    crm_id id = care_customer(&care, "One");
    crm_txn *txn = begin_batch("b");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_TERRITORY, "north", CRM_NUL);
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_WEBSITE, "example.com");
    txn = begin_batch("b");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_TERRITORY, "south", CRM_NUL);
    care_commit(txn);
    undo("b");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_TERRITORY), "");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_WEBSITE), "example.com");

    txn = begin_batch("c");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_TERRITORY, "north", CRM_NUL);
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_TERRITORY, "east");
    txn = begin_batch("c");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_TERRITORY, "south", CRM_NUL);
    care_commit(txn);
    refused("c", 1, "One", "territory");
}
END_TEST

START_TEST(what_is_referred_to_stays_and_override_undoes_the_rest)
{
    crm_error error = {0};
    crm_txn *txn = begin_batch("b");
    crm_id used = create(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Used");
    crm_id other = create(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Other");
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT); /* of the batch: goes with it */
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Inside", CRM_NUL);
    crm_set_ref(contact, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &other);
    crm_id inside = care_id(contact);
    care_commit(txn);
    txn = care_begin(&care, "ole");
    contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Outside", CRM_NUL);
    crm_set_ref(contact, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &used);
    care_commit(txn);
    refused("b", 1, "Used", "a contact refers to it");
    ck_assert(!care_deleted(&care, CRM_KIND_CUSTOMER, &other));
    txn = care_begin(&care, "ole");
    crm_table *conflicts;
    care_ok(crm_undo(txn, "b", 1, &conflicts, &error), &error);
    ck_assert_uint_eq(crm_table_rows(conflicts), 1);
    crm_table_free(conflicts);
    care_commit(txn);
    ck_assert(!care_deleted(&care, CRM_KIND_CUSTOMER, &used));
    ck_assert(care_deleted(&care, CRM_KIND_CUSTOMER, &other));
    ck_assert(care_deleted(&care, CRM_KIND_CONTACT, &inside));
}
END_TEST

/* What stays because it is referred to keeps what it refers to itself. */
START_TEST(override_keeps_what_the_kept_refer_to)
{
    crm_error error = {0};
    crm_txn *txn = begin_batch("b");
    crm_id parent = create(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Parent");
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Child", CRM_NUL);
    crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &parent);
    crm_id child = care_id(record);
    care_commit(txn);
    txn = care_begin(&care, "ole");
    record = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Outside", CRM_NUL);
    crm_set_ref(record, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &child);
    care_commit(txn);
    /* Both customers, and the transitions that name them as their subject, which are the batch's. */
    txn = care_begin(&care, "ole");
    care_ok(crm_undo(txn, "b", 1, NULL, &error), &error);
    care_commit(txn);
    ck_assert(!care_deleted(&care, CRM_KIND_CUSTOMER, &child));
    ck_assert(!care_deleted(&care, CRM_KIND_CUSTOMER, &parent));
}
END_TEST

START_TEST(an_unknown_batch_is_not_found_and_an_undone_one_can_be_undone_again)
{
    crm_error error = {0};
    crm_id id = care_customer(&care, "One");
    crm_txn *txn = care_begin(&care, "ole");
    ck_assert_int_eq(crm_undo(txn, "none", 0, NULL, &error), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_undo(txn, "", 0, NULL, &error), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_undo(NULL, "none", 0, NULL, &error), CRM_MISUSE);
    crm_rollback(txn);
    txn = begin_batch("b");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_NAME, "Two", CRM_NUL);
    care_commit(txn);
    undo("b");
    uint64_t before = crm_lsn(care.db);
    undo("b"); /* nothing is left to do */
    ck_assert_uint_eq(crm_lsn(care.db), before);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "One");
}
END_TEST

START_TEST(an_erasure_cannot_be_undone)
{
    crm_id id = care_customer(&care, "One");
    crm_txn *txn = begin_batch("b");
    crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &id));
    care_commit(txn);
    refused("b", 1, "(erased)", "erased");
}
END_TEST

START_TEST(a_batch_that_was_compacted_is_undone_the_same)
{
    crm_error error = {0};
    crm_id old = care_customer(&care, "Old");
    crm_txn *txn = begin_batch("b");
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &old), CRM_CUSTOMER_NAME, "New", CRM_NUL);
    crm_id made = create(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Made");
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &old, CRM_CUSTOMER_WEBSITE, "example.com");
    care_ok(crm_compact(care.db, &error), &error);
    undo("b");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &old, CRM_CUSTOMER_NAME), "Old");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &old, CRM_CUSTOMER_WEBSITE), "example.com");
    ck_assert(care_deleted(&care, CRM_KIND_CUSTOMER, &made));
}
END_TEST

/* The retention policy dropped what a record was before: there is nothing to go back to. */
START_TEST(a_batch_whose_before_was_dropped_cannot_be_undone)
{
    crm_error error = {0};
    crm_id kept = care_customer(&care, "Kept"), gone = care_customer(&care, "Gone");
    crm_set_now(care.db, CARE_START + 50 * CARE_DAY);
    crm_txn *txn = begin_batch("b");
    ck_assert_int_eq(crm_setting_set(txn, "retention_days", "10"), CRM_OK);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &kept), CRM_CUSTOMER_NAME, "Changed", CRM_NUL);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &gone), CRM_CUSTOMER_NAME, "Changed, too", CRM_NUL);
    care_commit(txn);
    care_set(&care, CRM_KIND_CUSTOMER, &gone, CRM_CUSTOMER_NAME,
             "Changed again"); /* nothing of the batch is left of it */
    crm_set_now(care.db, CARE_START + 100 * CARE_DAY);
    care_ok(crm_compact(care.db, &error), &error);
    refused("b", 1, "Changed", "what it was before was dropped by the retention policy");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &kept, CRM_CUSTOMER_NAME), "Changed");
}
END_TEST

/* Linear: ten times the records must not take a hundred times as long. */
static double undo_many(int count)
{
    char batch[16];
    snprintf(batch, sizeof batch, "many%d", count);
    crm_txn *txn = begin_batch(batch);
    char name[32];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "Customer %d", i);
        (void)create(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, name);
    }
    care_commit(txn);
    clock_t begin = clock();
    undo(batch);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

START_TEST(undoing_takes_time_in_proportion)
{
    double one = undo_many(2000), ten = undo_many(20000);
    ck_assert_msg(ten < one * 40 + 0.5, "2,000 records: %.3f s, 20,000: %.3f s", one, ten);
    crm_view *view = care_view(&care);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 0);
    crm_view_close(view);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("undo");
    TCase *tests = tcase_create("undo");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_was_created_is_deleted_and_fields_go_back);
    tcase_add_test(tests, what_was_deleted_is_restored_and_what_was_restored_deleted);
    tcase_add_test(tests, a_stage_goes_back_with_its_date_and_the_transition_goes);
    tcase_add_test(tests, a_field_changed_since_is_a_conflict_another_field_is_not);
    tcase_add_test(tests, changes_of_others_in_between_are_not_taken_back);
    tcase_add_test(tests, what_is_referred_to_stays_and_override_undoes_the_rest);
    tcase_add_test(tests, override_keeps_what_the_kept_refer_to);
    tcase_add_test(tests, an_unknown_batch_is_not_found_and_an_undone_one_can_be_undone_again);
    tcase_add_test(tests, an_erasure_cannot_be_undone);
    tcase_add_test(tests, a_batch_that_was_compacted_is_undone_the_same);
    tcase_add_test(tests, a_batch_whose_before_was_dropped_cannot_be_undone);
    tcase_add_test(tests, undoing_takes_time_in_proportion);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
