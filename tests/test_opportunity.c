/* test_opportunity: a deal's stage sets probability, forecast and outcome; what
 * was set by hand stays; closing, losing and reopening; every refusal says what,
 * where and how to go on (docs/RULES.md). */
#include "domain_fixture.h"

#include <check.h>

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

/* Makes what was set so far a version, as the end of the transaction would. */
static crm_record *settled(crm_record *record)
{
    domain_accepted(txn);
    return record;
}

static int64_t number(const crm_record *record, uint32_t field)
{
    ck_assert_int_eq(crm_has(record, field), 1);
    return crm_int(record, field);
}

static crm_record *new_deal(const char *name)
{
    crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(deal, CRM_OPPORTUNITY_NAME, name, CRM_NUL);
    crm_set_int(deal, CRM_OPPORTUNITY_CLOSE_DATE, DOMAIN_DAY + 30);
    return deal;
}

static void move(crm_record *deal, const char *stage)
{
    crm_id id = domain_stage(crm_txn_view(txn), stage);
    crm_set_ref(deal, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &id);
}

static void check_stage(const crm_record *deal, const char *stage, int64_t probability, int64_t forecast,
                        int64_t outcome)
{
    ck_assert_str_eq(crm_display(deal, CRM_OPPORTUNITY_STAGE, NULL), stage);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_PROBABILITY), probability);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_FORECAST), forecast);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_OUTCOME), outcome);
}

enum { OPEN = CRM_OPPORTUNITY_OUTCOME_OPEN, WON = CRM_OPPORTUNITY_OUTCOME_WON, LOST = CRM_OPPORTUNITY_OUTCOME_LOST };
enum { MANUAL = CRM_OPPORTUNITY_PROBABILITY_SOURCE_MANUAL, BY_STAGE = CRM_OPPORTUNITY_PROBABILITY_SOURCE_STAGE };

START_TEST(a_deal_begins_in_the_first_stage_of_the_default_pipeline)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    check_stage(deal, "qualification", 10, CRM_OPPORTUNITY_FORECAST_PIPELINE, OPEN);
    ck_assert_str_eq(crm_display(deal, CRM_OPPORTUNITY_PIPELINE, NULL), "Sales");
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE), BY_STAGE);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_STAGE_SINCE), DOMAIN_NOW);
}
END_TEST

/* The table of docs/PIPELINE.md: 10, 20, 50, 80, 100, 0. */
START_TEST(each_stage_sets_probability_and_forecast)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    move(deal, "discovery");
    check_stage(settled(deal), "discovery", 20, CRM_OPPORTUNITY_FORECAST_PIPELINE, OPEN);
    move(deal, "proposal");
    check_stage(settled(deal), "proposal", 50, CRM_OPPORTUNITY_FORECAST_BEST_CASE, OPEN);
    move(deal, "negotiation");
    check_stage(settled(deal), "negotiation", 80, CRM_OPPORTUNITY_FORECAST_COMMIT, OPEN);
    move(deal, "won");
    check_stage(settled(deal), "won", 100, CRM_OPPORTUNITY_FORECAST_CLOSED, WON);
    move(deal, "lost");
    crm_set_int(deal, CRM_OPPORTUNITY_LOST_REASON, CRM_OPPORTUNITY_LOST_REASON_PRICE);
    check_stage(settled(deal), "lost", 0, CRM_OPPORTUNITY_FORECAST_OMITTED, LOST);
}
END_TEST

START_TEST(a_probability_set_by_hand_stays)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    crm_set_int(deal, CRM_OPPORTUNITY_PROBABILITY, 35);
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_PROBABILITY_SOURCE), MANUAL);
    move(deal, "proposal"); /* does not mention it */
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_PROBABILITY), 35);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_FORECAST), CRM_OPPORTUNITY_FORECAST_PIPELINE);
    crm_set_text(deal, CRM_OPPORTUNITY_NEXT_STEP, "call", CRM_NUL);
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_PROBABILITY), 35);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE), MANUAL);
    crm_set_null(deal, CRM_OPPORTUNITY_PROBABILITY); /* hands it back */
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_PROBABILITY), 50);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE), BY_STAGE);
}
END_TEST

START_TEST(a_stage_and_a_probability_of_its_own_may_come_together)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    move(deal, "discovery");
    crm_set_int(deal, CRM_OPPORTUNITY_PROBABILITY, 10); /* what it was before, but said */
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_PROBABILITY), 10);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE), MANUAL);
    crm_id proposal = domain_stage(crm_txn_view(txn), "proposal");
    crm_record *new_one = new_deal("With its stage's own");
    crm_set_ref(new_one, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &proposal);
    crm_set_int(new_one, CRM_OPPORTUNITY_PROBABILITY, 50);
    ck_assert_int_eq(number(settled(new_one), CRM_OPPORTUNITY_PROBABILITY_SOURCE), BY_STAGE);
}
END_TEST

START_TEST(a_probability_is_a_percentage)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    crm_set_int(deal, CRM_OPPORTUNITY_PROBABILITY, 101);
    domain_refused(txn, CRM_INVALID, "Two hundred chairs|probability|101|100");
    crm_set_int(deal, CRM_OPPORTUNITY_PROBABILITY, -1);
    domain_refused(txn, CRM_INVALID, "probability|-1");
    crm_set_int(deal, CRM_OPPORTUNITY_PROBABILITY, 0);
    settled(deal);
}
END_TEST

START_TEST(closing_and_reopening)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    crm_set_int(deal, CRM_OPPORTUNITY_PROBABILITY, 35);
    settled(deal);
    move(deal, "won");
    settled(deal);
    check_stage(deal, "won", 100, CRM_OPPORTUNITY_FORECAST_CLOSED, WON); /* even though set by hand */
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_CLOSED_AT), DOMAIN_NOW);
    crm_set_int(deal, CRM_OPPORTUNITY_PROBABILITY, 40);
    domain_refused(txn, CRM_REFUSED, "probability|40|won|reopen");
    move(deal, "negotiation");
    check_stage(settled(deal), "negotiation", 80, CRM_OPPORTUNITY_FORECAST_COMMIT, OPEN);
    ck_assert_int_eq(crm_has(deal, CRM_OPPORTUNITY_CLOSED_AT), 0);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE), BY_STAGE);
}
END_TEST

/* A stage can go when no live deal stands in it; a deal that comes back later is not held there. */
START_TEST(a_restored_deal_can_leave_a_stage_that_was_deleted)
{
    crm_record *deal = settled(new_deal("Deal"));
    move(deal, "discovery");
    settled(deal);
    ck_assert_int_eq(crm_delete(deal), CRM_OK);
    crm_id stage = domain_stage(crm_txn_view(txn), "discovery");
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_STAGE, &stage)), CRM_OK);
    ck_assert_int_eq(crm_restore(deal), CRM_OK);
    settled(deal);
    move(deal, "proposal");
    check_stage(settled(deal), "proposal", 50, CRM_OPPORTUNITY_FORECAST_BEST_CASE, OPEN);
    crm_table *moves = NULL;
    crm_id id;
    crm_record_id(deal, &id);
    ck_assert_int_eq(crm_stage_history(crm_txn_view(txn), CRM_KIND_OPPORTUNITY, &id, &moves, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(moves), 3);
    ck_assert_str_eq(crm_table_text(moves, 2, 0, NULL), "discovery");
    ck_assert_str_eq(crm_table_text(moves, 2, 1, NULL), "proposal");
    crm_table_free(moves);
}
END_TEST

START_TEST(losing_needs_a_reason_and_another_reason_notes)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    move(deal, "lost");
    domain_refused(txn, CRM_REFUSED, "Two hundred chairs|lost|lost_reason");
    move(deal, "lost");
    crm_set_int(deal, CRM_OPPORTUNITY_LOST_REASON, CRM_OPPORTUNITY_LOST_REASON_OTHER);
    domain_refused(txn, CRM_REFUSED, "lost_notes");
    move(deal, "lost");
    crm_set_int(deal, CRM_OPPORTUNITY_LOST_REASON, CRM_OPPORTUNITY_LOST_REASON_OTHER);
    crm_set_text(deal, CRM_OPPORTUNITY_LOST_NOTES, "The building burnt down", CRM_NUL);
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_OUTCOME), LOST);
    crm_set_null(deal, CRM_OPPORTUNITY_LOST_REASON);
    domain_refused(txn, CRM_REFUSED, "lost_reason");
    move(deal, "proposal");
    settled(deal);
    ck_assert_int_eq(crm_has(deal, CRM_OPPORTUNITY_LOST_REASON), 0);
    ck_assert_int_eq(crm_has(deal, CRM_OPPORTUNITY_LOST_NOTES), 0);
    crm_set_int(deal, CRM_OPPORTUNITY_LOST_REASON, CRM_OPPORTUNITY_LOST_REASON_PRICE);
    domain_refused(txn, CRM_REFUSED, "lost_reason|proposal");
}
END_TEST

START_TEST(a_deal_that_comes_closed_was_closed_on_its_date)
{
    crm_id won = domain_stage(crm_txn_view(txn), "won");
    crm_record *deal = new_deal("Long ago");
    crm_set_int(deal, CRM_OPPORTUNITY_CLOSE_DATE, DOMAIN_DAY - 100);
    crm_set_ref(deal, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &won);
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_CLOSED_AT), (DOMAIN_DAY - 100) * DAY_US);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_STAGE_SINCE), (DOMAIN_DAY - 100) * DAY_US);
    crm_record *undated = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(undated, CRM_OPPORTUNITY_NAME, "Without a date", CRM_NUL);
    crm_set_ref(undated, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &won);
    ck_assert_int_eq(number(settled(undated), CRM_OPPORTUNITY_CLOSE_DATE), DOMAIN_DAY);
    crm_record *open = new_deal("Open");
    crm_set_int(open, CRM_OPPORTUNITY_CLOSED_AT, DOMAIN_NOW);
    domain_refused(txn, CRM_REFUSED, "closed_at|qualification");
}
END_TEST

START_TEST(an_open_deal_needs_a_close_date)
{
    crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(deal, CRM_OPPORTUNITY_NAME, "Undated", CRM_NUL);
    domain_refused(txn, CRM_INVALID, "close_date");
}
END_TEST

START_TEST(a_stage_s_required_fields_are_there)
{
    crm_id proposal = domain_stage(crm_txn_view(txn), "proposal");
    crm_record *stage = crm_edit(txn, CRM_KIND_STAGE, &proposal);
    crm_set_text(stage, CRM_STAGE_REQUIRED_FIELDS, "amount, nonsense", CRM_NUL);
    domain_refused(txn, CRM_INVALID, "proposal|nonsense");
    crm_set_text(stage, CRM_STAGE_REQUIRED_FIELDS, "amount, next_step", CRM_NUL);
    settled(stage);
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    move(deal, "proposal");
    crm_set_int(deal, CRM_OPPORTUNITY_AMOUNT, 500000);
    domain_refused(txn, CRM_REFUSED, "Two hundred chairs|proposal|next_step");
    move(deal, "proposal");
    crm_set_int(deal, CRM_OPPORTUNITY_AMOUNT, 500000);
    crm_set_text(deal, CRM_OPPORTUNITY_NEXT_STEP, "send it", CRM_NUL);
    settled(deal);
    crm_set_null(deal, CRM_OPPORTUNITY_AMOUNT);
    domain_refused(txn, CRM_REFUSED, "amount");
}
END_TEST

START_TEST(a_deal_s_stage_is_one_of_its_pipeline)
{
    crm_record *renewals = crm_create(txn, CRM_KIND_PIPELINE);
    crm_set_text(renewals, CRM_PIPELINE_NAME, "Renewals", CRM_NUL);
    crm_record *offered = crm_create(txn, CRM_KIND_STAGE);
    crm_set_text(offered, CRM_STAGE_NAME, "offered", CRM_NUL);
    crm_set_ref_record(offered, CRM_STAGE_PIPELINE, renewals);
    crm_set_int(offered, CRM_STAGE_PROBABILITY, 60);
    settled(offered);
    ck_assert_int_eq(number(offered, CRM_STAGE_ORDER), 1);

    crm_record *deal = settled(new_deal("Two hundred chairs"));
    move(deal, "offered");
    domain_refused(txn, CRM_REFUSED, "offered|Sales|Renewals");
    move(deal, "offered");
    crm_set_ref_record(deal, CRM_OPPORTUNITY_PIPELINE, renewals);
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_PROBABILITY), 60);

    crm_record *by_pipeline = new_deal("By its pipeline");
    crm_set_ref_record(by_pipeline, CRM_OPPORTUNITY_PIPELINE, renewals);
    ck_assert_str_eq(crm_display(settled(by_pipeline), CRM_OPPORTUNITY_STAGE, NULL), "offered");
    crm_record *by_stage = new_deal("By its stage");
    crm_set_ref_record(by_stage, CRM_OPPORTUNITY_STAGE, offered);
    ck_assert_str_eq(crm_display(settled(by_stage), CRM_OPPORTUNITY_PIPELINE, NULL), "Renewals");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("opportunity");
    TCase *tests = tcase_create("opportunity");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_deal_begins_in_the_first_stage_of_the_default_pipeline);
    tcase_add_test(tests, each_stage_sets_probability_and_forecast);
    tcase_add_test(tests, a_probability_set_by_hand_stays);
    tcase_add_test(tests, a_stage_and_a_probability_of_its_own_may_come_together);
    tcase_add_test(tests, a_probability_is_a_percentage);
    tcase_add_test(tests, closing_and_reopening);
    tcase_add_test(tests, a_restored_deal_can_leave_a_stage_that_was_deleted);
    tcase_add_test(tests, losing_needs_a_reason_and_another_reason_notes);
    tcase_add_test(tests, a_deal_that_comes_closed_was_closed_on_its_date);
    tcase_add_test(tests, an_open_deal_needs_a_close_date);
    tcase_add_test(tests, a_stage_s_required_fields_are_there);
    tcase_add_test(tests, a_deal_s_stage_is_one_of_its_pipeline);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
