/* test_lifecycle: the tables of docs/LIFECYCLE.md are guarded, every move
 * leaves a transition, the past can be asked, and the evaluation moves
 * customers as their behaviour says, the same way each time (P8). */
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
    domain_refused(txn, CRM_REFUSED, "Wrong Inc", "reserved", "four", NULL);
}
END_TEST

START_TEST(a_forbidden_move_names_both_stages_and_the_way_out)
{
    crm_record *acme = new_customer("Acme GmbH");
    move(acme, STABLE);
    crm_set_int(acme, CRM_CUSTOMER_STAGE, CHURNED);
    domain_refused(txn, CRM_REFUSED, "Acme GmbH", "stage", "from stable to churned", "allows: drifting", NULL);
    ck_assert_int_eq(crm_int(acme, CRM_CUSTOMER_STAGE), STABLE);
    ck_assert_int_eq(crm_lifecycle_move(acme, ACQUAINTANCE, NULL, NULL), CRM_REFUSED);
    domain_refused(txn, CRM_REFUSED, "from stable to acquaintance", NULL);
    crm_set_null(acme, CRM_CUSTOMER_STAGE);
    domain_refused(txn, CRM_REFUSED, "stage", "stable", NULL);
    ck_assert_int_eq(crm_lifecycle_move(acme, 99, NULL, NULL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "99", NULL);
    ck_assert_int_eq(crm_lifecycle_move(NULL, STABLE, NULL, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_lifecycle_move(acme, ACQUAINTANCE, "undo", NULL), CRM_INVALID); /* no way round the guard */
    domain_refused(txn, CRM_INVALID, "undo", NULL);
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

/* ------------------------------------------------------------ evaluation */

static void happened(const crm_record *customer, int64_t type, int64_t day)
{
    crm_record *interaction = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(interaction, CRM_INTERACTION_TYPE, type);
    crm_set_ref_record(interaction, CRM_INTERACTION_CUSTOMER, customer);
    crm_set_int(interaction, CRM_INTERACTION_START, day * DAY_US + DAY_US / 3);
    domain_accepted(txn);
}

static void bought(const crm_record *customer, int64_t day)
{
    happened(customer, CRM_INTERACTION_TYPE_PURCHASE, day);
}

/* The four customers of test_cadence.c, on days from DOMAIN_DAY on: usual gaps of 12.6, 27.4 and 20 days, so
 * that on day 80 (silences 60, 20, 25) A is lost, B there, C an acquaintance and D unknown. */
struct cast {
    crm_id a, b, c, d;
};

static struct cast play(void)
{
    static const int64_t a_days[] = {0, 8, 20};
    static const int64_t b_days[] = {0, 20, 60};
    crm_record *a = new_customer("A");
    crm_record *b = new_customer("B");
    crm_record *c = new_customer("C");
    crm_record *d = new_customer("D");
    for (size_t i = 0; i < 3; i++) {
        bought(a, DOMAIN_DAY + a_days[i]);
        bought(b, DOMAIN_DAY + b_days[i]);
    }
    bought(a, DOMAIN_DAY + 8); /* twice on one day is once */
    bought(c, DOMAIN_DAY + 55);
    bought(c, DOMAIN_DAY + 500); /* later than all that is evaluated here */
    return (struct cast){id_of(a), id_of(b), id_of(c), id_of(d)};
}

static int64_t stage_of(const crm_id *id)
{
    crm_record *customer = NULL;
    ck_assert_int_eq(crm_get(crm_txn_view(txn), CRM_KIND_CUSTOMER, id, &customer, NULL), CRM_OK);
    int64_t stage = crm_int(customer, CRM_CUSTOMER_STAGE);
    crm_record_free(customer);
    return stage;
}

#define DAY_80 ((DOMAIN_DAY + 80) * DAY_US + DAY_US / 2)

static void check_row(const crm_table *table, uint64_t row, const char *expected)
{
    char text[400] = "";
    for (uint32_t column = 0; column < crm_table_columns(table); column++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s", column > 0 ? " | " : "",
                 crm_table_text(table, row, column, NULL));
    }
    ck_assert_str_eq(text, expected);
}

START_TEST(an_evaluation_moves_customers_as_they_behave)
{
    struct cast cast = play();
    crm_table *table = NULL;
    crm_error error;
    int32_t status = crm_lifecycle_evaluate(txn, DAY_80, 0, &table, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    ck_assert_uint_eq(crm_table_rows(table), 3);
    /* 60 / 12.6 = 4.76 */
    check_row(table, 0,
              "A | acquaintance | drifting | cadence.silent | no purchase for 60 days; usual gap 12.6 days; 4.8 times");
    check_row(table, 1,
              "A | drifting | churned | cadence.lost | no purchase for 60 days; usual gap 12.6 days; 4.8 times");
    check_row(table, 2,
              "B | acquaintance | stable | cadence.regular | 3 purchases, the last 20 days ago; usual gap 27.4 days");
    crm_table_free(table);
    ck_assert_int_eq(stage_of(&cast.a), CHURNED);
    ck_assert_int_eq(stage_of(&cast.b), STABLE);
    ck_assert_int_eq(stage_of(&cast.c), ACQUAINTANCE);
    ck_assert_int_eq(stage_of(&cast.d), ACQUAINTANCE);

    crm_table *history = NULL;
    ck_assert_int_eq(crm_stage_history(crm_txn_view(txn), CRM_KIND_CUSTOMER, &cast.a, &history, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(history), 3);
    ck_assert_int_eq(crm_table_int(history, 1, 2), DAY_80);
    ck_assert_str_eq(crm_table_text(history, 2, 5, NULL), "cadence.lost");
    crm_table_free(history);
    int64_t stage = 0;
    ck_assert_int_eq(crm_lifecycle_stage_at(crm_txn_view(txn), &cast.a, DAY_80 - 1, &stage, NULL), CRM_OK);
    ck_assert_int_eq(stage, ACQUAINTANCE);

    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, &table, NULL), CRM_OK); /* nothing more to do */
    ck_assert_uint_eq(crm_table_rows(table), 0);
    crm_table_free(table);
}
END_TEST

START_TEST(a_dry_run_tells_and_does_nothing)
{
    struct cast cast = play();
    crm_table *dry = NULL;
    crm_table *real = NULL;
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 1, &dry, NULL), CRM_OK);
    ck_assert_int_eq(stage_of(&cast.a), ACQUAINTANCE);
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, &real, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(dry), crm_table_rows(real));
    ck_assert_uint_gt(crm_table_rows(real), 0);
    for (uint64_t row = 0; row < crm_table_rows(real); row++)
        for (uint32_t column = 0; column < crm_table_columns(real); column++)
            ck_assert_str_eq(crm_table_text(dry, row, column, NULL), crm_table_text(real, row, column, NULL));
    crm_table_free(dry);
    crm_table_free(real);
    ck_assert_int_eq(crm_lifecycle_evaluate(NULL, DAY_80, 0, NULL, NULL), CRM_MISUSE);
}
END_TEST

/* P8: the clock of the handle changes nothing. */
START_TEST(an_evaluation_is_repeatable)
{
    (void)play();
    crm_table *tables[2];
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 1, &tables[0], NULL), CRM_OK);
    crm_set_now(db, DOMAIN_NOW + 5000 * DAY_US);
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 1, &tables[1], NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(tables[0]), crm_table_rows(tables[1]));
    for (uint64_t row = 0; row < crm_table_rows(tables[0]); row++)
        for (uint32_t column = 0; column < crm_table_columns(tables[0]); column++)
            ck_assert_str_eq(crm_table_text(tables[0], row, column, NULL),
                             crm_table_text(tables[1], row, column, NULL));
    crm_table_free(tables[0]);
    crm_table_free(tables[1]);
}
END_TEST

START_TEST(a_customer_comes_back)
{
    struct cast cast = play();
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, NULL, NULL), CRM_OK);
    crm_record *a = crm_edit(txn, CRM_KIND_CUSTOMER, &cast.a);
    bought(a, DOMAIN_DAY + 400);
    int64_t day_401 = (DOMAIN_DAY + 401) * DAY_US + DAY_US / 2;
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, day_401, 0, NULL, NULL), CRM_OK);
    ck_assert_int_eq(stage_of(&cast.b), DRIFTING); /* 341 days, between 3.0 and 4.6 times (20 * 92 + 60) / 22 = 86.4 */
    /* Five gaps of 460 days: m = 92; the one of 380 makes gaps differ more within A than between A and B, so
     * k = 20, and A's usual gap is (20 * 92 + 400) / 23 = 97.4.  380 days are less than ln 100 times that: the
     * relationship was not broken off, and A is stable, by way of acquaintance. */
    ck_assert_int_eq(stage_of(&cast.a), STABLE);
    crm_table *history = NULL;
    ck_assert_int_eq(crm_stage_history(crm_txn_view(txn), CRM_KIND_CUSTOMER, &cast.a, &history, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(history), 5);
    ck_assert_str_eq(crm_table_text(history, 3, 1, NULL), "acquaintance");
    ck_assert_str_eq(crm_table_text(history, 3, 5, NULL), "cadence.returned");
    ck_assert_str_eq(crm_table_text(history, 4, 1, NULL), "stable");
    crm_table_free(history);
}
END_TEST

START_TEST(what_did_not_happen_does_not_count)
{
    struct cast cast = play();
    crm_record *a = crm_edit(txn, CRM_KIND_CUSTOMER, &cast.a);
    for (int64_t i = 0; i < 2; i++) {
        crm_record *interaction = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(interaction, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
        crm_set_ref_record(interaction, CRM_INTERACTION_CUSTOMER, a);
        crm_set_int(interaction, CRM_INTERACTION_START, (DOMAIN_DAY + 75) * DAY_US);
        crm_set_int(interaction, CRM_INTERACTION_STATUS,
                    i == 0 ? CRM_INTERACTION_STATUS_PLANNED : CRM_INTERACTION_STATUS_CANCELLED);
    }
    happened(a, CRM_INTERACTION_TYPE_CALL, DOMAIN_DAY + 76); /* A buys: calls say nothing */
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, NULL, NULL), CRM_OK);
    ck_assert_int_eq(stage_of(&cast.a), CHURNED);
}
END_TEST

/* D and E never bought; they talk. D's gaps are 8 and 12 days, E's 20 and 40, as those of A and B. */
START_TEST(who_never_buys_is_judged_by_contacts)
{
    struct cast cast = play();
    crm_record *d = crm_edit(txn, CRM_KIND_CUSTOMER, &cast.d);
    crm_record *e = new_customer("E");
    crm_id e_id = id_of(e);
    static const int64_t types[] = {CRM_INTERACTION_TYPE_CALL, CRM_INTERACTION_TYPE_MEETING,
                                    CRM_INTERACTION_TYPE_EMAIL};
    static const int64_t d_days[] = {0, 8, 20};
    static const int64_t e_days[] = {0, 20, 60};
    for (size_t i = 0; i < 3; i++) {
        happened(d, types[i], DOMAIN_DAY + d_days[i]);
        happened(e, types[i], DOMAIN_DAY + e_days[i]);
    }
    happened(d, CRM_INTERACTION_TYPE_NOTE, DOMAIN_DAY + 79); /* written about it, not with it */
    happened(d, CRM_INTERACTION_TYPE_TASK, DOMAIN_DAY + 79);
    crm_record *internal = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(internal, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_MEETING);
    crm_set_int(internal, CRM_INTERACTION_DIRECTION, CRM_INTERACTION_DIRECTION_INTERNAL);
    crm_set_ref_record(internal, CRM_INTERACTION_CUSTOMER, d);
    crm_set_int(internal, CRM_INTERACTION_START, (DOMAIN_DAY + 79) * DAY_US);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, &table, NULL), CRM_OK);
    ck_assert_int_eq(stage_of(&cast.d), CHURNED);
    ck_assert_int_eq(stage_of(&e_id), STABLE);
    check_row(table, domain_row(table, "D") + 1,
              "D | drifting | churned | cadence.lost | no contact for 60 days; usual gap 12.6 days; 4.8 times");
    crm_table_free(table);
}
END_TEST

START_TEST(five_phases_are_evaluated_too)
{
    crm_setting_set(txn, "lifecycle", "five");
    struct cast cast = play();
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, NULL, NULL), CRM_OK);
    /* B: two gaps, credibility 2 / (2 + 104/148) = 0.74: stable, by way of reserved */
    ck_assert_int_eq(stage_of(&cast.b), STABLE);
    crm_table *history = NULL;
    ck_assert_int_eq(crm_stage_history(crm_txn_view(txn), CRM_KIND_CUSTOMER, &cast.b, &history, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(history), 3);
    ck_assert_str_eq(crm_table_text(history, 1, 1, NULL), "reserved");
    crm_table_free(history);
}
END_TEST

START_TEST(an_evaluation_before_the_file_was_made_dates_moves_after_creation)
{
    crm_set_now(db, DOMAIN_NOW + 1000 * DAY_US);
    go_on(0);
    struct cast cast = play(); /* recorded a thousand days later than it happened */
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, NULL, NULL), CRM_OK);
    ck_assert_int_eq(stage_of(&cast.a), CHURNED);
    crm_table *history = NULL;
    ck_assert_int_eq(crm_stage_history(crm_txn_view(txn), CRM_KIND_CUSTOMER, &cast.a, &history, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(history), 3);
    for (uint64_t row = 1; row < 3; row++)
        ck_assert_int_gt(crm_table_int(history, row, 2), crm_table_int(history, row - 1, 2));
    ck_assert_str_eq(crm_table_text(history, 2, 1, NULL), "churned");
    crm_table_free(history);
}
END_TEST

START_TEST(a_backtest_counts_what_followed)
{
    (void)play();
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_backtest(view, DAY_80, 420, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 4);
    ck_assert_str_eq(domain_cell(table, "acquaintance", "customers"), "1");
    ck_assert_str_eq(domain_cell(table, "acquaintance", "purchases"), "1"); /* C, on day 500 = 80 + 420 */
    ck_assert_str_eq(domain_cell(table, "acquaintance", "per_customer"), "1.000");
    ck_assert_str_eq(domain_cell(table, "stable", "customers"), "1");
    ck_assert_str_eq(domain_cell(table, "stable", "purchases"), "0");
    ck_assert_str_eq(domain_cell(table, "churned", "customers"), "1");
    ck_assert_str_eq(domain_cell(table, "drifting", "per_customer"), "");
    crm_table_free(table);
    ck_assert_int_eq(crm_lifecycle_backtest(view, DAY_80, 419, &table, NULL), CRM_OK);
    ck_assert_str_eq(domain_cell(table, "acquaintance", "purchases"), "0");
    crm_table_free(table);
    ck_assert_int_eq(crm_lifecycle_backtest(view, DAY_80, 0, &table, NULL), CRM_INVALID);
    crm_view_close(view);
    txn = domain_begin(db);
}
END_TEST

START_TEST(an_empty_file_has_nothing_to_evaluate)
{
    crm_table *table = NULL;
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, INT64_MAX, 0, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 0);
    crm_table_free(table);
    ck_assert_int_eq(crm_lifecycle_report(crm_txn_view(txn), 0, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 4);
    crm_table_free(table);
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
    tcase_add_test(tests, an_evaluation_moves_customers_as_they_behave);
    tcase_add_test(tests, a_dry_run_tells_and_does_nothing);
    tcase_add_test(tests, an_evaluation_is_repeatable);
    tcase_add_test(tests, a_customer_comes_back);
    tcase_add_test(tests, what_did_not_happen_does_not_count);
    tcase_add_test(tests, who_never_buys_is_judged_by_contacts);
    tcase_add_test(tests, five_phases_are_evaluated_too);
    tcase_add_test(tests, an_evaluation_before_the_file_was_made_dates_moves_after_creation);
    tcase_add_test(tests, a_backtest_counts_what_followed);
    tcase_add_test(tests, an_empty_file_has_nothing_to_evaluate);
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
