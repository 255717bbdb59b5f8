/* test_short_answers: when memory is short, what is told of records, of
 * today's and of those of the past, is right, or it is CRM_NOMEM. */
#include "import_fixture.h"
#include "memory_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static crm_db *db;
static crm_id acme, child;
static crm_error error;

static void setup(void)
{
    db = memory_open(&acme, &child);
}

static void teardown(void)
{
    memory_let_go();
    domain_close(db);
}

static int32_t everybody(void)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_record *record = NULL;
    uint64_t count = 0;
    int32_t status = crm_view_open_lsn(db, 3, &view, &error); /* a past one, so that all are collected and sorted */
    if (status == CRM_OK)
        status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK)
        crm_query_order(query, CRM_CUSTOMER_NAME, 0);
    while (status == CRM_OK && (status = crm_query_next(query, &record, &error)) == CRM_OK)
        count++;
    crm_query_free(query);
    memory_hold(view);
    ck_assert(status != CRM_DONE || count == 2);
    return status == CRM_DONE ? CRM_OK : status;
}

START_TEST(a_query_does_not_end_early)
{
    memory_ask(everybody, &error);
}
END_TEST

static int32_t by_territory(void)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_table *table = NULL;
    int32_t status = crm_view_open(db, &view, &error);
    if (status == CRM_OK)
        status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK) {
        crm_query_group(query, CRM_CUSTOMER_PARENT, CRM_CUSTOMER_TERRITORY, CRM_UNIT_NONE);
        status = crm_query_groups(query, &table, &error);
    }
    if (status == CRM_OK) { /* one by the territory of the one above it; one that has none above it */
        ck_assert_uint_eq(crm_table_rows(table), 2);
        ck_assert_int_eq(crm_table_has(table, 0, 0), 1);
        ck_assert_int_eq(crm_table_has(table, 1, 0), 0);
    }
    crm_table_free(table);
    crm_query_free(query);
    memory_hold(view);
    return status;
}

START_TEST(groups_by_a_text_are_right_or_not_there)
{
    memory_ask(by_territory, &error);
}
END_TEST

static int32_t the_one_above(void)
{
    crm_view *view = NULL;
    crm_record *record = NULL;
    int32_t status = crm_view_open_lsn(db, 3, &view, &error);
    if (status == CRM_OK)
        status = crm_get(view, CRM_KIND_CUSTOMER, &child, &record, &error);
    if (status == CRM_OK) {
        const char *name = crm_display(record, CRM_CUSTOMER_PARENT, NULL);
        status = crm_record_status(record);
        ck_assert_msg(status != CRM_OK || strcmp(name, "Acme") == 0, "\"%s\" and no word why", name);
    }
    crm_record_free(record);
    memory_hold(view);
    return status;
}

START_TEST(a_record_whose_name_cannot_be_read_is_not_named_by_its_id)
{
    memory_ask(the_one_above, &error);
}
END_TEST

static int32_t next_page(void)
{
    crm_view *view = NULL;
    crm_query *query = NULL, *next = NULL;
    crm_record *record = NULL;
    int32_t status = crm_view_open(db, &view, &error);
    if (status == CRM_OK)
        status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK)
        status = crm_query_next(query, &record, &error);
    if (status == CRM_OK)
        status = crm_query_create(view, CRM_KIND_CUSTOMER, &next, &error);
    if (status == CRM_OK) {
        const char *cursor = crm_query_cursor(query);
        status = cursor[0] == '\0' ? CRM_NOMEM : crm_query_after(next, cursor, CRM_NUL);
    }
    crm_query_free(next);
    crm_query_free(query);
    memory_hold(view);
    return status;
}

START_TEST(a_good_cursor_is_not_called_bad)
{
    memory_ask(next_page, &error);
}
END_TEST

static char long_name[700];

static int32_t undo_first(void)
{
    crm_txn *txn = NULL;
    crm_table *conflicts = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    if (status == CRM_OK)
        status = crm_undo(txn, "first", 0, &conflicts, &error);
    if (status == CRM_REFERENCED) {
        ck_assert_uint_eq(crm_table_rows(conflicts), 1);
        ck_assert_str_eq(crm_table_text(conflicts, 0, 2, NULL), long_name);
        status = CRM_OK;
    }
    crm_table_free(conflicts);
    crm_rollback(txn);
    return status;
}

START_TEST(a_record_that_cannot_be_undone_is_named_or_not_told_of)
{
    memset(long_name, 'n', sizeof long_name - 1); /* is deflated, so that memory is needed to read it */
    crm_txn *txn = domain_begin(db);
    crm_txn_set_batch(txn, "first");
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_id id;
    crm_record_id(record, &id);
    crm_set_text(record, CRM_CUSTOMER_NAME, long_name, CRM_NUL);
    domain_commit(txn);
    txn = domain_begin(db);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_TERRITORY, "North", CRM_NUL);
    domain_commit(txn);
    memory_ask(undo_first, &error);
}
END_TEST

static int32_t dry; /* run */

/* As test_evaluate.c's customer B: one move. */
static int32_t evaluate(void)
{
    crm_txn *txn = NULL;
    crm_table *moves = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    if (status == CRM_OK)
        status = crm_lifecycle_evaluate(txn, (DOMAIN_DAY + 80) * DAY_US, dry, &moves, &error);
    if (status == CRM_OK) {
        ck_assert_uint_eq(crm_table_rows(moves), 1);
        ck_assert_str_eq(crm_table_text(moves, 0, 0, NULL), long_name);
    }
    crm_table_free(moves);
    crm_rollback(txn);
    return status;
}

START_TEST(a_customer_that_moves_is_not_named_by_its_id)
{
    static const int64_t days[] = {0, 20, 60};
    memset(long_name, 'n', sizeof long_name - 1);
    crm_txn *txn = domain_begin(db);
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(customer, CRM_CUSTOMER_NAME, long_name, CRM_NUL);
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        crm_record *purchase = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(purchase, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
        crm_set_ref_record(purchase, CRM_INTERACTION_CUSTOMER, customer);
        crm_set_int(purchase, CRM_INTERACTION_START, (DOMAIN_DAY + days[i]) * DAY_US);
    }
    domain_commit(txn);
    dry = _i;
    memory_ask(evaluate, &error);
}
END_TEST

/* The same description again. */
static int32_t same_row(void)
{
    static const char *const settings[] = {"match", "emails", NULL};
    char text[800], description[700];
    memset(description, 'a', sizeof description - 1);
    description[sizeof description - 1] = '\0';
    snprintf(text, sizeof text, "emails,description\ninfo@acme.example,%s\n", description);
    struct imported imported = import_text(db, CRM_KIND_CUSTOMER, text, settings);
    error = imported.error;
    if (imported.status == CRM_OK)
        ck_assert_uint_eq(imported.unchanged, 1);
    return imported.status;
}

START_TEST(a_row_that_changes_nothing_is_not_counted_as_a_change)
{
    crm_txn *txn = domain_begin(db);
    crm_item_add(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_EMAILS, "info@acme.example", CRM_NUL);
    domain_commit(txn);
    memory_ask(same_row, &error);
}
END_TEST

static int32_t found_by(uint32_t field, const char *text)
{
    crm_view *view = NULL;
    crm_record *record = NULL;
    int32_t status = crm_view_open_lsn(db, crm_lsn(db) - 1, &view, &error);
    if (status == CRM_OK)
        status = crm_find(view, CRM_KIND_CUSTOMER, field, text, CRM_NUL, &record, &error);
    crm_record_free(record);
    memory_hold(view);
    return status;
}

static int32_t by_old_address(void)
{
    return found_by(CRM_CUSTOMER_EMAILS, "old@acme.example");
}

static int32_t by_old_number(void)
{
    return found_by(CRM_CUSTOMER_PHONES, "+49 30 1234567");
}

START_TEST(who_had_an_address_in_the_past_is_not_called_unknown)
{
    crm_txn *txn = domain_begin(db);
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &acme);
    crm_item_add(record, CRM_CUSTOMER_EMAILS, "old@acme.example", CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_PHONES, "+49 30 1234567", CRM_NUL);
    domain_commit(txn);
    txn = domain_begin(db);
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &acme);
    crm_set_null(record, CRM_CUSTOMER_EMAILS);
    crm_set_null(record, CRM_CUSTOMER_PHONES);
    domain_commit(txn);
    memory_ask(_i == 0 ? by_old_address : by_old_number, &error);
}
END_TEST

/* 123.45 in the file's euros of then, which are 12,345 yen now. */
static uint32_t budget;
static uint64_t in_euros;

static int32_t formatted_in_euros(crm_view *view)
{
    crm_record *record = NULL;
    int32_t status = crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error);
    if (status == CRM_OK) {
        const char *text = crm_format(record, budget, NULL);
        status = crm_record_status(record);
        ck_assert_str_eq(text, status == CRM_OK ? "123.45" : "");
    }
    crm_record_free(record);
    return status;
}

static int32_t found_in_euros(crm_view *view)
{
    crm_query *query = NULL;
    uint64_t count = 0;
    int32_t status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK) {
        crm_query_where_text(query, budget, CRM_OP_EQ, "123.45", CRM_NUL);
        status = crm_query_count(query, &count, &error);
    }
    crm_query_free(query);
    ck_assert(status != CRM_OK || count == 1);
    return status;
}

static int32_t summed_in_euros(crm_view *view)
{
    crm_query *query = NULL;
    crm_table *table = NULL;
    int32_t status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK) {
        crm_query_measure(query, CRM_MEASURE_SUM, budget);
        status = crm_query_groups(query, &table, &error);
    }
    ck_assert_int_eq(status == CRM_OK ? crm_table_currency(table, 0, 1) : 978, 978);
    crm_table_free(table);
    crm_query_free(query);
    return status;
}

static int32_t (*then_in_euros)(crm_view *view);

static int32_t of_then(void)
{
    crm_view *view = NULL;
    int32_t status = crm_view_open_lsn(db, in_euros, &view, &error);
    if (status == CRM_OK)
        status = then_in_euros(view);
    memory_hold(view);
    return status;
}

START_TEST(the_past_s_money_is_not_taken_for_today_s)
{
    static int32_t (*const asked[])(crm_view *) = {formatted_in_euros, found_in_euros, summed_in_euros};
    crm_txn *txn = domain_begin(db);
    ck_assert_int_eq(crm_field_add(txn, CRM_KIND_CUSTOMER, "budget", CRM_NUL, CRM_TYPE_MONEY, 0, 0, &budget), CRM_OK);
    crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), budget, 12345);
    domain_commit(txn);
    in_euros = crm_lsn(db);
    txn = domain_begin(db);
    crm_set_null(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), budget);
    ck_assert_int_eq(crm_setting_set(txn, "currency", "JPY"), CRM_OK);
    domain_commit(txn);
    then_in_euros = asked[_i];
    memory_ask(of_then, &error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("short_answers");
    TCase *tests = tcase_create("short_answers");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_query_does_not_end_early);
    tcase_add_test(tests, groups_by_a_text_are_right_or_not_there);
    tcase_add_test(tests, a_record_whose_name_cannot_be_read_is_not_named_by_its_id);
    tcase_add_test(tests, a_good_cursor_is_not_called_bad);
    tcase_add_test(tests, a_record_that_cannot_be_undone_is_named_or_not_told_of);
    tcase_add_loop_test(tests, a_customer_that_moves_is_not_named_by_its_id, 0, 2);
    tcase_add_test(tests, a_row_that_changes_nothing_is_not_counted_as_a_change);
    tcase_add_loop_test(tests, who_had_an_address_in_the_past_is_not_called_unknown, 0, 2);
    tcase_add_loop_test(tests, the_past_s_money_is_not_taken_for_today_s, 0, 3);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
