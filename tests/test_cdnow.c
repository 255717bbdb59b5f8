/* test_cdnow: the lifecycle on the purchases of 2,357 real customers.  What the
 * stages of 1997-09-30 say of the following 39 weeks; the published number of
 * purchases in that time (1,882); and the numbers of a second implementation
 * of the rule, thirty lines of Python run on the same file (docs/LIFECYCLE.md). */
#include "domain_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUSTOMERS = 2357, PURCHASES = 6919, MASTER_MAX = 30000, WEEKS_39 = 273 };
#define AS_OF (10134 * DAY_US) /* 1997-09-30: 27 years, 7 leap days and 272 days after 1970-01-01 */

static FILE *data;

/* Days from 1970-01-01 to a date of 1997 or 1998. */
static int64_t day_of(long date)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    long year = date / 10000;
    long month = date / 100 % 100;
    ck_assert(year >= 1997 && year <= 1998 && month >= 1 && month <= 12);
    return 9862 + (year - 1997) * 365 + before[month - 1] + date % 100 - 1; /* 9862: 1997-01-01 */
}

/* One line: master id, sample id, date, cds, dollars. */
static void load_line(crm_txn *txn, crm_id ids[MASTER_MAX], bool known[MASTER_MAX], const char *line)
{
    char *at;
    long master = strtol(line, &at, 10);
    (void)strtol(at, &at, 10);
    long date = strtol(at, &at, 10);
    long cds = strtol(at, &at, 10);
    double dollars = strtod(at, &at);
    ck_assert(master > 0 && master < MASTER_MAX && cds > 0);
    if (!known[master]) {
        char name[32];
        snprintf(name, sizeof name, "CDNOW %ld", master);
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(customer, CRM_CUSTOMER_NAME, name, CRM_NUL);
        ck_assert_ptr_nonnull(customer);
        crm_record_id(customer, &ids[master]);
        known[master] = true;
    }
    crm_record *purchase = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(purchase, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
    crm_set_int(purchase, CRM_INTERACTION_START, day_of(date) * DAY_US);
    crm_set_int(purchase, CRM_INTERACTION_AMOUNT, (int64_t)(dollars * 100 + 0.5));
    crm_set_ref(purchase, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &ids[master]);
}

static crm_db *load(const char *lifecycle)
{
    static crm_id ids[MASTER_MAX];
    static bool known[MASTER_MAX];
    char line[128];
    long lines = 0;
    crm_db *db = domain_open();
    memset(known, 0, sizeof known);
    rewind(data);
    crm_set_now(db, 9862 * DAY_US); /* as if recorded at the time */
    crm_txn *txn = domain_begin(db);
    crm_setting_set(txn, "lifecycle", lifecycle);
    while (fgets(line, sizeof line, data) != NULL) {
        load_line(txn, ids, known, line);
        lines++;
    }
    domain_commit(txn);
    ck_assert_int_eq(lines, PURCHASES);
    return db;
}

static void check_stage(const crm_table *table, const char *stage, const char *customers, const char *purchases)
{
    ck_assert_str_eq(domain_cell(table, stage, "customers"), customers);
    ck_assert_str_eq(domain_cell(table, stage, "purchases"), purchases);
}

static double rate(const crm_table *table, const char *stage, const char *other)
{
    uint32_t customers = domain_column(table, "customers");
    uint32_t purchases = domain_column(table, "purchases");
    uint64_t one = domain_row(table, stage);
    uint64_t two = domain_row(table, other);
    int64_t count = crm_table_int(table, one, customers) + (one != two ? crm_table_int(table, two, customers) : 0);
    int64_t sum = crm_table_int(table, one, purchases) + (one != two ? crm_table_int(table, two, purchases) : 0);
    ck_assert_int_gt(count, 100); /* or the comparison says nothing */
    return (double)sum / (double)count;
}

START_TEST(stable_customers_buy_three_times_as_often_as_drifting_and_churned_ones)
{
    crm_db *db = load("four");
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_backtest(view, AS_OF, WEEKS_39, &table, NULL), CRM_OK);
    int64_t customers = 0;
    int64_t purchases = 0;
    for (uint64_t row = 0; row < crm_table_rows(table); row++) {
        customers += crm_table_int(table, row, domain_column(table, "customers"));
        purchases += crm_table_int(table, row, domain_column(table, "purchases"));
    }
    ck_assert_int_eq(customers, CUSTOMERS);
    ck_assert_int_eq(purchases, 1882); /* published */
    ck_assert_double_ge(rate(table, "stable", "stable"), 3 * rate(table, "drifting", "churned"));
    check_stage(table, "acquaintance", "2", "6");
    check_stage(table, "stable", "584", "1263");
    check_stage(table, "drifting", "531", "255");
    check_stage(table, "churned", "1240", "358");
    crm_table_free(table);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(five_phases_order_customers_by_what_they_buy_next)
{
    crm_db *db = load("five");
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_backtest(view, AS_OF, WEEKS_39, &table, NULL), CRM_OK);
    check_stage(table, "acquaintance", "2", "6");
    check_stage(table, "reserved", "219", "204");
    check_stage(table, "stable", "290", "591");
    check_stage(table, "consolidated", "75", "468");
    check_stage(table, "drifting", "531", "255");
    check_stage(table, "churned", "1240", "358");
    crm_table_free(table);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* The evaluation puts customers where the backtest judged them. */
START_TEST(an_evaluation_agrees_with_the_backtest)
{
    crm_db *db = load("four");
    crm_set_now(db, AS_OF);
    crm_txn *txn = domain_begin(db);
    crm_error error;
    int32_t status = crm_lifecycle_evaluate(txn, AS_OF, 0, NULL, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_report(view, AS_OF - 1, &table, NULL), CRM_OK);
    ck_assert_str_eq(domain_cell(table, "acquaintance", "customers"), "2");
    ck_assert_str_eq(domain_cell(table, "stable", "customers"), "584");
    ck_assert_str_eq(domain_cell(table, "drifting", "customers"), "531");
    ck_assert_str_eq(domain_cell(table, "churned", "customers"), "1240");
    ck_assert_str_eq(domain_cell(table, "drifting", "moved_in"), "1771"); /* 531, and 1,240 on their way */
    ck_assert_str_eq(domain_cell(table, "drifting", "moved_out"), "1240");
    crm_table_free(table);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    const char *folder = getenv("CRM_TEST_DATA");
    char path[1024];
    snprintf(path, sizeof path, "%s/cdnow/CDNOW_sample.txt", folder != NULL ? folder : "../shared/data");
    data = fopen(path, "r");
    if (data == NULL) {
        printf("skipped: %s is not there\n", path);
        return 77;
    }
    Suite *suite = suite_create("cdnow");
    TCase *tests = tcase_create("cdnow");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, stable_customers_buy_three_times_as_often_as_drifting_and_churned_ones);
    tcase_add_test(tests, five_phases_order_customers_by_what_they_buy_next);
    tcase_add_test(tests, an_evaluation_agrees_with_the_backtest);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    fclose(data);
    return failed != 0;
}
