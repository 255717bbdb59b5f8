/* test_evaluate: the evaluation moves customers as their behaviour says, hop by
 * hop along the allowed moves, with the numbers as evidence, the same way each
 * time (P8); a dry run changes nothing; a backtest counts what followed. */
#include "domain_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { ACQUAINTANCE = CRM_CUSTOMER_STAGE_ACQUAINTANCE, STABLE = CRM_CUSTOMER_STAGE_STABLE };
enum { DRIFTING = CRM_CUSTOMER_STAGE_DRIFTING, CHURNED = CRM_CUSTOMER_STAGE_CHURNED };

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

/* An erasure takes texts, not what happened: the past is judged as it was. */
START_TEST(a_backtest_in_the_past_minds_no_erasure_since)
{
    (void)play();
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Nobody's", CRM_NUL);
    crm_id id = id_of(contact);
    crm_record *call = crm_create(txn, CRM_KIND_INTERACTION); /* of no customer */
    crm_set_int(call, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
    crm_set_text(call, CRM_INTERACTION_SUBJECT, "By Nobody", CRM_NUL);
    crm_set_ref(call, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &id);
    domain_commit(txn);
    uint64_t before = crm_lsn(db);
    txn = domain_begin(db);
    ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CONTACT, &id)), CRM_OK);
    domain_commit(txn);
    crm_view *view = NULL;
    crm_table *table = NULL;
    ck_assert_int_eq(crm_view_open_lsn(db, before, &view, NULL), CRM_OK);
    ck_assert_int_eq(crm_lifecycle_backtest(view, DAY_80, 420, &table, NULL), CRM_OK);
    ck_assert_str_eq(domain_cell(table, "acquaintance", "customers"), "1"); /* as in the test before */
    ck_assert_str_eq(domain_cell(table, "acquaintance", "purchases"), "1");
    crm_table_free(table);
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

/* Undo goes against the arrows, restores what was, and takes the transitions back, too. */
START_TEST(an_evaluation_can_be_undone)
{
    struct cast cast = play();
    domain_commit(txn);
    txn = domain_begin(db);
    crm_txn_set_batch(txn, "evaluation of day 80");
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, NULL, NULL), CRM_OK);
    domain_commit(txn);
    txn = domain_begin(db);
    crm_error error;
    int32_t status = crm_undo(txn, "evaluation of day 80", 0, NULL, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    domain_commit(txn);
    txn = domain_begin(db);
    ck_assert_int_eq(stage_of(&cast.a), ACQUAINTANCE);
    ck_assert_int_eq(stage_of(&cast.b), ACQUAINTANCE);
    crm_record *a = NULL;
    ck_assert_int_eq(crm_get(crm_txn_view(txn), CRM_KIND_CUSTOMER, &cast.a, &a, NULL), CRM_OK);
    ck_assert_int_eq(crm_int(a, CRM_CUSTOMER_STAGE_SINCE), DOMAIN_NOW);
    crm_record_free(a);
    crm_table *history = NULL;
    ck_assert_int_eq(crm_stage_history(crm_txn_view(txn), CRM_KIND_CUSTOMER, &cast.a, &history, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(history), 1);
    crm_table_free(history);
}
END_TEST

typedef int32_t question(crm_view *view, crm_table **table);

static int32_t ask_backtest(crm_view *view, crm_table **table)
{
    return crm_lifecycle_backtest(view, DAY_80, 420, table, NULL);
}

static int32_t ask_report(crm_view *view, crm_table **table)
{
    return crm_lifecycle_report(view, 0, table, NULL);
}

static int32_t ask_matrix(crm_view *view, crm_table **table)
{
    return crm_lifecycle_matrix(view, DOMAIN_NOW, DAY_80, table, NULL);
}

static crm_id asked;

static int32_t ask_history(crm_view *view, crm_table **table)
{
    return crm_stage_history(view, CRM_KIND_CUSTOMER, &asked, table, NULL);
}

/* Memory runs out at the n-th allocation, for every n: said, and nothing half. */
START_TEST(questions_without_memory_say_so)
{
    static question *const questions[] = {ask_backtest, ask_report, ask_matrix, ask_history};
    asked = play().a;
    ck_assert_int_eq(crm_lifecycle_evaluate(txn, DAY_80, 0, NULL, NULL), CRM_OK);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        int32_t status = CRM_NOMEM;
        for (int64_t n = 0; status != CRM_OK; n++) {
            crm_table *table = (crm_table *)&n;
            domain_allocations = n;
            status = questions[i](view, &table);
            domain_allocations = -1;
            ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "question %zu: status %d", i, status);
            ck_assert_int_eq(status == CRM_OK, table != NULL);
            crm_table_free(table);
            ck_assert_int_lt(n, 5000);
        }
    }
    crm_view_close(view);
    txn = domain_begin(db);
}
END_TEST

/* What an evaluation that ran out of memory had begun is not committed. */
START_TEST(an_evaluation_without_memory_moves_nobody)
{
    struct cast cast = play();
    domain_commit(txn);
    int32_t status = CRM_NOMEM;
    for (int64_t n = 0; status != CRM_OK; n++) {
        crm_error error;
        txn = domain_begin(db);
        domain_allocations = n;
        status = crm_lifecycle_evaluate(txn, DAY_80, 0, NULL, &error);
        domain_allocations = -1;
        ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "status %d: %s", status, error.message);
        if (status == CRM_OK)
            break;
        crm_rollback(txn);
        ck_assert_int_lt(n, 5000);
        crm_view *view = domain_view(db);
        int64_t stage = 0;
        ck_assert_int_eq(crm_lifecycle_stage_at(view, &cast.a, INT64_MAX, &stage, NULL), CRM_OK);
        ck_assert_int_eq(stage, ACQUAINTANCE);
        crm_view_close(view);
    }
    ck_assert_int_eq(stage_of(&cast.a), CHURNED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evaluate");
    TCase *tests = tcase_create("evaluate");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_evaluation_moves_customers_as_they_behave);
    tcase_add_test(tests, a_dry_run_tells_and_does_nothing);
    tcase_add_test(tests, an_evaluation_is_repeatable);
    tcase_add_test(tests, a_customer_comes_back);
    tcase_add_test(tests, what_did_not_happen_does_not_count);
    tcase_add_test(tests, who_never_buys_is_judged_by_contacts);
    tcase_add_test(tests, five_phases_are_evaluated_too);
    tcase_add_test(tests, an_evaluation_before_the_file_was_made_dates_moves_after_creation);
    tcase_add_test(tests, a_backtest_counts_what_followed);
    tcase_add_test(tests, a_backtest_in_the_past_minds_no_erasure_since);
    tcase_add_test(tests, an_empty_file_has_nothing_to_evaluate);
    tcase_add_test(tests, an_evaluation_can_be_undone);
    tcase_add_test(tests, questions_without_memory_say_so);
    tcase_add_test(tests, an_evaluation_without_memory_moves_nobody);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
