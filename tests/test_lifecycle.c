/* test_lifecycle: the tables of docs/LIFECYCLE.md are guarded, every move
 * leaves a transition, and the past can be asked.  test_evaluate.c has the
 * rules that move customers. */
#include "crm/lifecycle.h"
#include "domain_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { ACQUAINTANCE = CRM_CUSTOMER_STAGE_ACQUAINTANCE, STABLE = CRM_CUSTOMER_STAGE_STABLE };
enum { DRIFTING = CRM_CUSTOMER_STAGE_DRIFTING, CHURNED = CRM_CUSTOMER_STAGE_CHURNED };
enum { RESERVED = CRM_CUSTOMER_STAGE_RESERVED, CONSOLIDATED = CRM_CUSTOMER_STAGE_CONSOLIDATED };

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

/* Commits and begins anew, at a later time. */
static void go_on(int64_t days)
{
    domain_commit(txn);
    crm_set_now(db, crm_now(db) + days * DAY_US);
    txn = domain_begin(db);
}

static crm_record *new_customer(const char *name)
{
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(customer, CRM_CUSTOMER_NAME, name, CRM_NUL);
    domain_accepted(txn);
    return customer;
}

static crm_id id_of(const crm_record *record)
{
    crm_id id;
    crm_record_id(record, &id);
    return id;
}

static void move(crm_record *customer, int64_t stage)
{
    crm_set_int(customer, CRM_CUSTOMER_STAGE, stage);
    domain_accepted(txn);
    ck_assert_int_eq(crm_int(customer, CRM_CUSTOMER_STAGE), stage);
}

/* ------------------------------------------------------------ the tables */

/* The arrows of docs/LIFECYCLE.md, and no other. */
START_TEST(the_tables_are_those_of_the_document)
{
    static const char *const four[] = {"acquaintance>stable", "acquaintance>drifting", "stable>drifting",
                                       "drifting>stable",     "drifting>churned",      "churned>acquaintance"};
    static const char *const five[] = {"acquaintance>reserved", "acquaintance>drifting", "reserved>stable",
                                       "reserved>drifting",     "stable>consolidated",   "stable>drifting",
                                       "consolidated>drifting", "drifting>reserved",     "drifting>stable",
                                       "drifting>churned",      "churned>acquaintance"};
    for (int table = CRM_LIFECYCLE_FOUR; table <= CRM_LIFECYCLE_FIVE; table++) {
        const char *const *arrows = table == CRM_LIFECYCLE_FOUR ? four : five;
        size_t count = table == CRM_LIFECYCLE_FOUR ? 6 : 11;
        for (int64_t from = 1; from <= LIFECYCLE_STAGES; from++) {
            for (int64_t to = 1; to <= LIFECYCLE_STAGES; to++) {
                char arrow[64];
                bool expected = false;
                snprintf(arrow, sizeof arrow, "%s>%s", crm_lifecycle_name(from), crm_lifecycle_name(to));
                for (size_t i = 0; i < count; i++)
                    expected = expected || strcmp(arrow, arrows[i]) == 0;
                if (lifecycle_has(table, from)) /* what the table does not have, it lets go anywhere */
                    ck_assert_msg(lifecycle_moves(table, from, to) == expected, "%s", arrow);
            }
        }
    }
    ck_assert_ptr_null(crm_lifecycle_name(0));
    ck_assert_ptr_null(crm_lifecycle_name(7));
}
END_TEST

START_TEST(paths_are_the_shortest_that_avoid_what_they_must)
{
    int64_t path[LIFECYCLE_STAGES];
    ck_assert_uint_eq(lifecycle_path(CRM_LIFECYCLE_FOUR, STABLE, CHURNED, 0, path), 2);
    ck_assert_int_eq(path[0], DRIFTING);
    ck_assert_int_eq(path[1], CHURNED);
    ck_assert_uint_eq(lifecycle_path(CRM_LIFECYCLE_FOUR, CHURNED, STABLE, 0, path), 2);
    ck_assert_int_eq(path[0], ACQUAINTANCE);
    ck_assert_uint_eq(lifecycle_path(CRM_LIFECYCLE_FIVE, ACQUAINTANCE, CONSOLIDATED, 1u << DRIFTING, path), 3);
    ck_assert_int_eq(path[0], RESERVED);
    ck_assert_int_eq(path[1], STABLE);
    ck_assert_uint_eq(lifecycle_path(CRM_LIFECYCLE_FOUR, STABLE, RESERVED, 0, path), 0);
    ck_assert_uint_eq(lifecycle_path(CRM_LIFECYCLE_FOUR, STABLE, STABLE, 0, path), 0);
    ck_assert_uint_eq(lifecycle_path(CRM_LIFECYCLE_FOUR, CONSOLIDATED, DRIFTING, 0, path), 1);
}
END_TEST

START_TEST(a_file_answers_by_the_table_in_force)
{
    ck_assert_int_eq(crm_lifecycle_allows(db, ACQUAINTANCE, STABLE), 1);
    ck_assert_int_eq(crm_lifecycle_allows(db, ACQUAINTANCE, RESERVED), 0);
    ck_assert_int_eq(crm_lifecycle_allows(db, STABLE, STABLE), 0);
    crm_setting_set(txn, "lifecycle", "five");
    go_on(0);
    ck_assert_int_eq(crm_lifecycle_allows(db, ACQUAINTANCE, STABLE), 0);
    ck_assert_int_eq(crm_lifecycle_allows(db, ACQUAINTANCE, RESERVED), 1);
}
END_TEST

/* ------------------------------------------------------------ moving */

START_TEST(a_new_customer_is_an_acquaintance_or_what_it_is_known_to_be)
{
    crm_record *fresh = new_customer("Acme GmbH");
    ck_assert_int_eq(crm_int(fresh, CRM_CUSTOMER_STAGE), ACQUAINTANCE);
    ck_assert_int_eq(crm_int(fresh, CRM_CUSTOMER_STAGE_SINCE), DOMAIN_NOW);
    crm_record *known = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(known, CRM_CUSTOMER_NAME, "Known Ltd", CRM_NUL);
    move(known, CHURNED);
    crm_record *wrong = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(wrong, CRM_CUSTOMER_NAME, "Wrong Inc", CRM_NUL);
    crm_set_int(wrong, CRM_CUSTOMER_STAGE, RESERVED);
    domain_refused(txn, CRM_REFUSED, "Wrong Inc|reserved|four");
}
END_TEST

START_TEST(a_forbidden_move_names_both_stages_and_the_way_out)
{
    crm_record *acme = new_customer("Acme GmbH");
    move(acme, STABLE);
    crm_set_int(acme, CRM_CUSTOMER_STAGE, CHURNED);
    domain_refused(txn, CRM_REFUSED, "Acme GmbH|stage|from stable to churned|allows: drifting");
    ck_assert_int_eq(crm_int(acme, CRM_CUSTOMER_STAGE), STABLE);
    ck_assert_int_eq(crm_lifecycle_move(acme, ACQUAINTANCE, NULL, NULL), CRM_REFUSED);
    domain_refused(txn, CRM_REFUSED, "from stable to acquaintance");
    crm_set_null(acme, CRM_CUSTOMER_STAGE);
    domain_refused(txn, CRM_REFUSED, "stage|stable");
    ck_assert_int_eq(crm_lifecycle_move(acme, 99, NULL, NULL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "99");
    ck_assert_int_eq(crm_lifecycle_move(NULL, STABLE, NULL, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_lifecycle_move(acme, ACQUAINTANCE, "undo", NULL), CRM_INVALID); /* no way round the guard */
    domain_refused(txn, CRM_INVALID, "undo");
    ck_assert_int_eq(crm_lifecycle_move(acme, STABLE, NULL, NULL), CRM_OK); /* where it is already */
    domain_accepted(txn);
}
END_TEST

START_TEST(changing_the_table_strands_nobody)
{
    crm_setting_set(txn, "lifecycle", "five");
    crm_record *acme = new_customer("Acme GmbH");
    move(acme, RESERVED);
    move(acme, STABLE);
    move(acme, CONSOLIDATED);
    crm_setting_set(txn, "lifecycle", "four");
    move(acme, STABLE);
}
END_TEST

/* ------------------------------------------------------------ history */

START_TEST(every_move_leaves_a_transition)
{
    crm_record *acme = new_customer("Acme GmbH");
    crm_id id = id_of(acme);
    go_on(10);
    crm_lifecycle_move(crm_edit(txn, CRM_KIND_CUSTOMER, &id), STABLE, "by hand", "they ordered again");
    go_on(20);
    crm_record *acme_again = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
    ck_assert_int_eq(crm_lifecycle_move(acme_again, CHURNED, "wrong", "a note that must not stay"), CRM_REFUSED);
    crm_txn_forgive(txn);
    move(acme_again, DRIFTING);
    go_on(5);
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_stage_history(view, CRM_KIND_CUSTOMER, &id, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 3);
    static const char *const expected[3][7] = {
        {"", "acquaintance", "2024-01-15T12:00:00Z", "10.0", "mia", "", ""},
        {"acquaintance", "stable", "2024-01-25T12:00:00Z", "20.0", "mia", "by hand", "they ordered again"},
        {"stable", "drifting", "2024-02-14T12:00:00Z", "0.0", "mia", "", ""}, /* the view stands for that commit */
    };
    for (uint64_t row = 0; row < 3; row++)
        for (uint32_t column = 0; column < 7; column++)
            ck_assert_str_eq(crm_table_text(table, row, column, NULL), expected[row][column]);
    ck_assert_str_eq(crm_table_name(table, 3), "days");
    crm_table_free(table);
    crm_view_close(view);
}
END_TEST

START_TEST(the_stage_at_an_instant_is_that_of_the_last_move)
{
    crm_record *acme = new_customer("Acme GmbH");
    crm_id id = id_of(acme);
    go_on(10);
    move(crm_edit(txn, CRM_KIND_CUSTOMER, &id), STABLE);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    int64_t stage = 0;
    ck_assert_int_eq(crm_lifecycle_stage_at(view, &id, DOMAIN_NOW - 1, &stage, NULL), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_lifecycle_stage_at(view, &id, DOMAIN_NOW, &stage, NULL), CRM_OK);
    ck_assert_int_eq(stage, ACQUAINTANCE);
    ck_assert_int_eq(crm_lifecycle_stage_at(view, &id, DOMAIN_NOW + 10 * DAY_US - 1, &stage, NULL), CRM_OK);
    ck_assert_int_eq(stage, ACQUAINTANCE);
    ck_assert_int_eq(crm_lifecycle_stage_at(view, &id, DOMAIN_NOW + 10 * DAY_US, &stage, NULL), CRM_OK);
    ck_assert_int_eq(stage, STABLE);
    crm_view_close(view);
    txn = domain_begin(db);
}
END_TEST

START_TEST(a_deal_has_a_stage_history_too)
{
    crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(deal, CRM_OPPORTUNITY_NAME, "Two hundred chairs", CRM_NUL);
    crm_set_int(deal, CRM_OPPORTUNITY_CLOSE_DATE, DOMAIN_DAY + 30);
    crm_id id = id_of(deal);
    go_on(7);
    crm_id proposal = domain_stage(crm_txn_view(txn), "proposal");
    crm_set_ref(crm_edit(txn, CRM_KIND_OPPORTUNITY, &id), CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &proposal);
    go_on(0);
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_stage_history(view, CRM_KIND_OPPORTUNITY, &id, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 2);
    ck_assert_str_eq(crm_table_text(table, 0, 1, NULL), "qualification");
    ck_assert_str_eq(crm_table_text(table, 0, 3, NULL), "7.0");
    ck_assert_str_eq(crm_table_text(table, 1, 0, NULL), "qualification");
    ck_assert_str_eq(crm_table_text(table, 1, 1, NULL), "proposal");
    crm_table_free(table);
    ck_assert_int_eq(crm_stage_history(view, CRM_KIND_USER, &id, &table, NULL), CRM_INVALID);
    ck_assert_int_eq(crm_stage_history(view, CRM_KIND_CUSTOMER, &id, &table, NULL), CRM_NOT_FOUND);
    crm_view_close(view);
}
END_TEST

/* ------------------------------------------------------------ reports */

START_TEST(the_report_counts_customers_and_moves)
{
    crm_record *customers[4];
    for (int i = 0; i < 4; i++)
        customers[i] = new_customer("Customer");
    crm_id ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = id_of(customers[i]);
    go_on(10);
    int64_t since = crm_now(db) - 1;
    move(crm_edit(txn, CRM_KIND_CUSTOMER, &ids[0]), STABLE);
    move(crm_edit(txn, CRM_KIND_CUSTOMER, &ids[1]), DRIFTING);
    go_on(4);
    move(crm_edit(txn, CRM_KIND_CUSTOMER, &ids[1]), STABLE);
    go_on(0);
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_report(view, since, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 4);
    ck_assert_str_eq(domain_cell(table, "acquaintance", "customers"), "2");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "share"), "0.5000");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "moved_in"), "0");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "moved_out"), "2");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "median_days"), "14.0"); /* 10 + 4 */
    ck_assert_str_eq(domain_cell(table, "stable", "customers"), "2");
    ck_assert_str_eq(domain_cell(table, "stable", "moved_in"), "2");
    ck_assert_str_eq(domain_cell(table, "stable", "median_days"), "2.0"); /* between 4 and 0 */
    ck_assert_str_eq(domain_cell(table, "drifting", "customers"), "0");
    ck_assert_str_eq(domain_cell(table, "drifting", "moved_in"), "1");
    ck_assert_str_eq(domain_cell(table, "drifting", "moved_out"), "1");
    ck_assert_str_eq(domain_cell(table, "drifting", "median_days"), "");
    crm_table_free(table);
    crm_view_close(view);
}
END_TEST

START_TEST(the_matrix_says_who_went_from_where_to_where)
{
    crm_id first = id_of(new_customer("First"));
    crm_id second = id_of(new_customer("Second"));
    go_on(10);
    move(crm_edit(txn, CRM_KIND_CUSTOMER, &first), STABLE);
    crm_id third = id_of(new_customer("Third"));
    go_on(10);
    move(crm_edit(txn, CRM_KIND_CUSTOMER, &second), DRIFTING);
    move(crm_edit(txn, CRM_KIND_CUSTOMER, &first), DRIFTING);
    (void)third;
    go_on(1);
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_matrix(view, DOMAIN_NOW + DAY_US, DOMAIN_NOW + 11 * DAY_US, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 5);
    ck_assert_str_eq(domain_cell(table, "new", "acquaintance"), "1");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "stable"), "1");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "acquaintance"), "1");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "drifting"), "0");
    crm_table_free(table);
    ck_assert_int_eq(crm_lifecycle_matrix(view, DOMAIN_NOW + 11 * DAY_US, DOMAIN_NOW + 21 * DAY_US, &table, NULL),
                     CRM_OK);
    ck_assert_str_eq(domain_cell(table, "stable", "drifting"), "1");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "drifting"), "1");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "acquaintance"), "1");
    crm_table_free(table);
    ck_assert_int_eq(crm_lifecycle_matrix(view, 2, 1, &table, NULL), CRM_INVALID);
    crm_view_close(view);
}
END_TEST

static Suite *lifecycle_suite(void)
{
    Suite *suite = suite_create("lifecycle");
    TCase *tests = tcase_create("lifecycle");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_tables_are_those_of_the_document);
    tcase_add_test(tests, paths_are_the_shortest_that_avoid_what_they_must);
    tcase_add_test(tests, a_file_answers_by_the_table_in_force);
    tcase_add_test(tests, a_new_customer_is_an_acquaintance_or_what_it_is_known_to_be);
    tcase_add_test(tests, a_forbidden_move_names_both_stages_and_the_way_out);
    tcase_add_test(tests, changing_the_table_strands_nobody);
    tcase_add_test(tests, every_move_leaves_a_transition);
    tcase_add_test(tests, the_stage_at_an_instant_is_that_of_the_last_move);
    tcase_add_test(tests, a_deal_has_a_stage_history_too);
    tcase_add_test(tests, the_report_counts_customers_and_moves);
    tcase_add_test(tests, the_matrix_says_who_went_from_where_to_where);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(lifecycle_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
