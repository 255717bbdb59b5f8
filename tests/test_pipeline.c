/* test_pipeline: the figures of docs/PIPELINE.md, worked by hand on a dozen
 * deals: groups, order of rows, exact sums, rounding, refusals, the past. */
#include "domain_fixture.h"

#include <check.h>
#include <string.h>

static crm_db *db;
static crm_txn *txn;

static void set_up(void)
{
    db = domain_open();
    txn = domain_begin(db);
}

static void tear_down(void)
{
    crm_rollback(txn);
    domain_close(db);
}

static crm_record *new_user(const char *name, const char *region, const char *team)
{
    crm_record *user = crm_create(txn, CRM_KIND_USER);
    crm_set_text(user, CRM_USER_NAME, name, CRM_NUL);
    if (region != NULL)
        crm_set_text(user, CRM_USER_REGION, region, CRM_NUL);
    if (team != NULL)
        crm_set_text(user, CRM_USER_TEAM, team, CRM_NUL);
    domain_accepted(txn);
    return user;
}

/* `started` and `closes` count from DOMAIN_DAY, 2024-01-15; an amount below 0 is none. */
static crm_record *new_deal(const char *stage, int64_t amount, const crm_record *owner, int64_t started, int64_t closes)
{
    crm_id id = domain_stage(crm_txn_view(txn), stage);
    crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(deal, CRM_OPPORTUNITY_NAME, "Deal", CRM_NUL);
    crm_set_ref(deal, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &id);
    crm_set_int(deal, CRM_OPPORTUNITY_CLOSE_DATE, DOMAIN_DAY + closes);
    crm_set_int(deal, CRM_OPPORTUNITY_STARTED_ON, DOMAIN_DAY + started);
    if (amount >= 0)
        crm_set_int(deal, CRM_OPPORTUNITY_AMOUNT, amount);
    if (owner != NULL)
        crm_set_ref_record(deal, CRM_FIELD_OWNER, owner);
    if (strcmp(stage, "lost") == 0)
        crm_set_int(deal, CRM_OPPORTUNITY_LOST_REASON, CRM_OPPORTUNITY_LOST_REASON_PRICE);
    domain_accepted(txn);
    return deal;
}

static crm_table *report(const char *by)
{
    crm_table *table = NULL;
    crm_error error;
    int32_t status = crm_report_pipeline(crm_txn_view(txn), by, &table, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    return table;
}

/* The rows' first cells, in order. */
static void check_rows(const crm_table *table, const char *const *keys, uint64_t count)
{
    ck_assert_uint_eq(crm_table_rows(table), count);
    for (uint64_t row = 0; row < count; row++)
        ck_assert_str_eq(crm_table_text(table, row, 0, NULL), keys[row]);
}

/* Two regions, three owners. */
static void play(void)
{
    crm_record *ada = new_user("Ada", "West", "Blue");
    crm_record *bob = new_user("Bob", "East", "Blue");
    crm_record *eve = new_user("Eve", "West", NULL);
    new_deal("proposal", 100001, ada, -10, 20);   /* 1,000.01 at 50 %, closes 2024-02-04 */
    new_deal("proposal", 300, bob, -10, 100);     /* 3.00 at 50 %, closes 2024-04-24 */
    new_deal("negotiation", 1000, eve, -10, 20);  /* 10.00 at 80 % */
    new_deal("qualification", -1, NULL, -10, 20); /* nothing said, nobody's */
    new_deal("won", 200000, ada, -40, -10);       /* in 30 days, 2024-01-05 */
    new_deal("won", 50000, bob, -45, -20);        /* in 25 days, 2023-12-26 */
    new_deal("won", 1, eve, -110, -90);           /* in 20 days, 2023-10-17 */
    new_deal("lost", 70000, ada, -40, -10);
}

START_TEST(rows_follow_the_stages_and_sums_are_exact)
{
    static const char *const stages[] = {"qualification", "proposal", "negotiation", "won", "lost"};
    play();
    crm_table *table = report(NULL);
    check_rows(table, stages, 5);
    static const struct {
        const char *stage, *column, *text;
    } cells[] = {
        {"qualification", "deals", "1"},
        {"qualification", "amount", "0.00"},
        {"qualification", "weighted", "0.00"},
        {"proposal", "deals", "2"},
        {"proposal", "amount", "1003.01"},
        {"proposal", "weighted", "501.50"}, /* 501.505, half to even */
        {"proposal", "open", "2"},
        {"proposal", "won", "0"},
        {"proposal", "win_rate", ""},
        {"negotiation", "weighted", "8.00"},
        {"won", "deals", "3"},
        {"won", "won", "3"},
        {"won", "weighted", "0.00"},
        {"won", "won_amount", "2500.01"},
        {"won", "win_rate", "1.0000"},
        {"won", "mean_cycle_days", "25.00"}, /* (30 + 25 + 20) / 3 */
        {"lost", "lost", "1"},
        {"lost", "amount", "700.00"},
        {"lost", "won_amount", "0.00"},
        {"lost", "win_rate", "0.0000"},
        {"lost", "mean_cycle_days", ""},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        ck_assert_str_eq(domain_cell(table, cells[i].stage, cells[i].column), cells[i].text);
    ck_assert_int_eq(crm_table_currency(table, 0, domain_column(table, "amount")), 978);
    crm_table_free(table);
}
END_TEST

START_TEST(owners_join_by_region_and_by_team)
{
    static const char *const regions[] = {"East", "West", ""};
    static const char *const teams[] = {"Blue", ""};
    static const char *const owners[] = {"Ada", "Bob", "Eve", ""};
    play();
    crm_table *table = report("owner.region");
    check_rows(table, regions, 3);
    ck_assert_str_eq(domain_cell(table, "West", "deals"), "5");
    ck_assert_str_eq(domain_cell(table, "West", "won_amount"), "2000.01");
    ck_assert_str_eq(domain_cell(table, "West", "win_rate"), "0.6667"); /* 2 of 3 */
    ck_assert_str_eq(domain_cell(table, "West", "mean_cycle_days"), "25.00");
    ck_assert_str_eq(domain_cell(table, "East", "won_amount"), "500.00");
    crm_table_free(table);
    table = report("owner.team");
    check_rows(table, teams, 2);
    ck_assert_str_eq(domain_cell(table, "Blue", "deals"), "5");
    ck_assert_str_eq(domain_cell(table, "", "deals"), "3"); /* Eve has no team, one deal no owner */
    crm_table_free(table);
    table = report("owner");
    check_rows(table, owners, 4);
    crm_id id;
    ck_assert_int_eq(crm_table_id(table, 0, 0, &id), CRM_OK);
    ck_assert_int_eq(crm_table_id(table, 3, 0, &id), CRM_NOT_FOUND);
    crm_table_free(table);
}
END_TEST

START_TEST(periods_are_of_the_close_date_and_in_order)
{
    static const char *const quarters[] = {"2023-Q4", "2024-Q1", "2024-Q2"};
    static const char *const months[] = {"2023-10", "2023-12", "2024-01", "2024-02", "2024-04"};
    static const char *const years[] = {"2023", "2024"};
    play();
    crm_table *table = report("quarter");
    check_rows(table, quarters, 3);
    ck_assert_str_eq(domain_cell(table, "2023-Q4", "won_amount"), "500.01");
    ck_assert_str_eq(domain_cell(table, "2024-Q1", "won_amount"), "2000.00");
    crm_table_free(table);
    table = report("month");
    check_rows(table, months, 5);
    crm_table_free(table);
    table = report("year");
    check_rows(table, years, 2);
    crm_table_free(table);
}
END_TEST

START_TEST(several_keys_make_one_row_a_combination)
{
    play();
    crm_table *table = report(" outcome , owner.region,year ");
    static const char *const expected[][4] = {
        {"open", "East", "2024", "1"}, {"open", "West", "2024", "2"}, {"open", "", "2024", "1"},
        {"won", "East", "2023", "1"},  {"won", "West", "2023", "1"},  {"won", "West", "2024", "1"},
        {"lost", "West", "2024", "1"},
    };
    ck_assert_uint_eq(crm_table_rows(table), 7);
    for (uint64_t row = 0; row < 7; row++)
        for (uint32_t column = 0; column < 4; column++)
            ck_assert_str_eq(crm_table_text(table, row, column, NULL), expected[row][column]);
    ck_assert_str_eq(crm_table_name(table, 1), "owner.region");
    crm_table_free(table);
}
END_TEST

START_TEST(other_references_group_by_record)
{
    for (int i = 0; i < 2; i++) {
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(customer, CRM_CUSTOMER_NAME, "Namesake", CRM_NUL);
        crm_record *product = crm_create(txn, CRM_KIND_PRODUCT);
        crm_set_text(product, CRM_PRODUCT_NAME, i == 0 ? "zebra" : "Äpfel", CRM_NUL);
        crm_record *deal = new_deal("proposal", 100, NULL, 0, 1);
        crm_set_ref_record(deal, CRM_OPPORTUNITY_CUSTOMER, customer);
        crm_set_ref_record(deal, CRM_OPPORTUNITY_PRODUCT, product);
        crm_set_int(deal, CRM_OPPORTUNITY_TYPE, CRM_OPPORTUNITY_TYPE_RENEWAL);
        domain_accepted(txn);
    }
    static const char *const customers[] = {"Namesake", "Namesake"};
    static const char *const products[] = {"Äpfel", "zebra"}; /* as people sort, not as bytes do */
    static const char *const types[] = {"renewal"};
    static const char *const forecasts[] = {"best_case"};
    static const char *const pipelines[] = {"Sales"};
    crm_table *table = report("customer");
    check_rows(table, customers, 2);
    crm_table_free(table);
    table = report("product");
    check_rows(table, products, 2);
    crm_table_free(table);
    table = report("type");
    check_rows(table, types, 1);
    crm_table_free(table);
    table = report("forecast");
    check_rows(table, forecasts, 1);
    crm_table_free(table);
    table = report("pipeline");
    check_rows(table, pipelines, 1);
    crm_table_free(table);
}
END_TEST

START_TEST(currencies_are_never_added)
{
    crm_table *table = (crm_table *)&db;
    crm_error error;
    new_deal("proposal", 100, NULL, 0, 1);
    crm_record *yen = new_deal("proposal", 1, NULL, 0, 1);
    crm_set_int(yen, CRM_OPPORTUNITY_CURRENCY, 392); /* JPY, which has no minor unit */
    crm_set_int(yen, CRM_OPPORTUNITY_AMOUNT, 200);
    domain_accepted(txn);
    ck_assert_int_eq(crm_report_pipeline(crm_txn_view(txn), "stage", &table, &error), CRM_REFUSED);
    ck_assert_ptr_null(table);
    ck_assert_ptr_nonnull(strstr(error.message, "EUR"));
    ck_assert_ptr_nonnull(strstr(error.message, "JPY"));
    ck_assert_ptr_nonnull(strstr(error.message, "\"currency\""));
    table = report("currency,stage");
    ck_assert_str_eq(domain_cell(table, "EUR", "amount"), "1.00");
    ck_assert_str_eq(domain_cell(table, "EUR", "weighted"), "0.50");
    ck_assert_str_eq(domain_cell(table, "JPY", "amount"), "200");
    crm_table_free(table);
}
END_TEST

START_TEST(a_sum_that_does_not_fit_is_refused)
{
    crm_table *table = NULL;
    crm_error error;
    new_deal("lost", INT64_MAX, NULL, 0, -1);
    crm_table_free(report("stage"));
    new_deal("lost", 1, NULL, 0, -1);
    ck_assert_int_eq(crm_report_pipeline(crm_txn_view(txn), "stage", &table, &error), CRM_REFUSED);
    ck_assert_ptr_null(table);
}
END_TEST

START_TEST(unknown_keys_are_told)
{
    crm_table *table = NULL;
    crm_error error;
    ck_assert_int_eq(crm_report_pipeline(crm_txn_view(txn), "stage,colour", &table, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "colour"));
    ck_assert_ptr_nonnull(strstr(error.message, "owner.region"));
    ck_assert_int_eq(crm_report_pipeline(crm_txn_view(txn), "stage,owner,year,type,month", &table, &error),
                     CRM_INVALID);
    ck_assert_int_eq(crm_report_pipeline(crm_txn_view(txn), " , ", &table, &error), CRM_INVALID);
    ck_assert_int_eq(crm_report_pipeline(NULL, "stage", &table, &error), CRM_MISUSE);
    table = report("stage"); /* a new file has no deals, and no rows */
    ck_assert_uint_eq(crm_table_rows(table), 0);
    ck_assert_uint_eq(crm_table_columns(table), 10);
    crm_table_free(table);
}
END_TEST

START_TEST(deleted_deals_are_not_in_the_pipeline)
{
    new_deal("proposal", 100, NULL, 0, 1);
    crm_record *gone = new_deal("proposal", 900, NULL, 0, 1);
    ck_assert_int_eq(crm_delete(gone), CRM_OK);
    domain_accepted(txn);
    crm_table *table = report("stage");
    ck_assert_str_eq(domain_cell(table, "proposal", "amount"), "1.00");
    crm_table_free(table);
}
END_TEST

START_TEST(the_past_is_reported_as_it_was)
{
    crm_record *deal = new_deal("proposal", 100, NULL, 0, 1);
    crm_id id;
    crm_record_id(deal, &id);
    domain_commit(txn);
    crm_set_now(db, DOMAIN_NOW + 10 * DAY_US);
    txn = domain_begin(db);
    crm_id won = domain_stage(crm_txn_view(txn), "won");
    crm_set_ref(crm_edit(txn, CRM_KIND_OPPORTUNITY, &id), CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &won);
    domain_commit(txn);
    crm_view *past = NULL;
    crm_table *table = NULL;
    ck_assert_int_eq(crm_view_open_at(db, DOMAIN_NOW + 5 * DAY_US, &past, NULL), CRM_OK);
    ck_assert_int_eq(crm_report_pipeline(past, "stage", &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 1);
    ck_assert_str_eq(domain_cell(table, "proposal", "weighted"), "0.50");
    crm_table_free(table);
    crm_view_close(past);
    crm_view *now = domain_view(db);
    ck_assert_int_eq(crm_report_pipeline(now, "stage", &table, NULL), CRM_OK);
    ck_assert_str_eq(domain_cell(table, "won", "won_amount"), "1.00");
    crm_table_free(table);
    crm_view_close(now);
    txn = domain_begin(db);
}
END_TEST

/* Memory runs out at the n-th allocation, for every n: said, and nothing half. */
START_TEST(a_report_without_memory_says_so)
{
    int32_t status = CRM_NOMEM;
    int64_t n = 0;
    play();
    domain_commit(txn);
    crm_view *view = domain_view(db);
    for (; status != CRM_OK && n < 5000; n++) {
        crm_table *table = (crm_table *)&n;
        domain_allocations = n;
        status = crm_report_pipeline(view, "owner.region,stage,month", &table, NULL);
        domain_allocations = -1;
        ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "status %d", status);
        ck_assert_int_eq(status == CRM_OK, table != NULL);
        crm_table_free(table);
    }
    ck_assert_int_eq(status, CRM_OK);
    ck_assert_int_gt(n, 20);
    crm_view_close(view);
    txn = domain_begin(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline");
    TCase *tests = tcase_create("pipeline");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, rows_follow_the_stages_and_sums_are_exact);
    tcase_add_test(tests, owners_join_by_region_and_by_team);
    tcase_add_test(tests, periods_are_of_the_close_date_and_in_order);
    tcase_add_test(tests, several_keys_make_one_row_a_combination);
    tcase_add_test(tests, other_references_group_by_record);
    tcase_add_test(tests, currencies_are_never_added);
    tcase_add_test(tests, a_sum_that_does_not_fit_is_refused);
    tcase_add_test(tests, unknown_keys_are_told);
    tcase_add_test(tests, deleted_deals_are_not_in_the_pipeline);
    tcase_add_test(tests, the_past_is_reported_as_it_was);
    tcase_add_test(tests, a_report_without_memory_says_so);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
