/* test_rules: the rules of docs/RULES.md hold in the library, for new records
 * and for changes, and every refusal says what, where and how to go on.  Those of
 * deals are in test_opportunity.c. */
#include "domain_fixture.h"

#include "model/text.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
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

/* ------------------------------------------------------------ contacts */

static const char *full_name(const char *first, const char *last)
{
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    if (first != NULL)
        crm_set_text(contact, CRM_CONTACT_FIRST_NAME, first, CRM_NUL);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, last, CRM_NUL);
    return crm_text(settled(contact), CRM_CONTACT_NAME, NULL);
}

START_TEST(a_contact_is_called_by_first_and_last_name)
{
    ck_assert_str_eq(full_name("Erika", "Mustermann"), "Erika Mustermann");
    ck_assert_str_eq(full_name(NULL, "Mustermann"), "Mustermann");
    ck_assert_str_eq(full_name(" Erika ", "Mustermann"), "Erika Mustermann");
}
END_TEST

START_TEST(in_chinese_japanese_and_korean_the_last_name_comes_first)
{
    ck_assert_str_eq(full_name("小明", "王"), "王小明");
    ck_assert_str_eq(full_name("はなこ", "やまだ"), "やまだはなこ");
    ck_assert_str_eq(full_name("길동", "홍"), "홍길동");
    ck_assert_str_eq(full_name("Ming", "王"), "Ming 王"); /* mixed: as everywhere else */
}
END_TEST

static void put(char *out, uint32_t code)
{
    out[text_put((uint8_t *)out, code)] = '\0';
}

/* The blocks of Unicode that Chinese, Japanese and Korean names are written in, and what lies right beside them. */
START_TEST(the_script_tells_which_name_comes_first)
{
    static const struct {
        uint32_t first, last;
    } blocks[] = {{0x2E80, 0x303B}, {0x3040, 0x30FF}, {0x3130, 0x318F}, {0x31F0, 0x31FF},  {0x3400, 0x9FFF},
                  {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFF66, 0xFF9D}, {0x20000, 0x3FFFF}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const uint32_t codes[] = {blocks[i].first - 1, blocks[i].first, blocks[i].last, blocks[i].last + 1};
        for (size_t c = 0; c < 4; c++) {
            char last[8], expected[32];
            bool inside = c == 1 || c == 2;
            put(last, codes[c]);
            snprintf(expected, sizeof expected, inside ? "%s\u738B" : "\u738B %s", last);
            ck_assert_str_eq(full_name("\u738B", last), expected);
        }
    }
}
END_TEST

START_TEST(a_name_that_is_too_long_to_be_put_together_is_refused)
{
    static char text[4002];
    memset(text, 'x', 4001);
    for (int field = 0; field < 2; field++) {
        crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
        crm_set_text(contact, CRM_CONTACT_LAST_NAME, field == 1 ? text : "Muster", CRM_NUL);
        crm_set_text(contact, CRM_CONTACT_FIRST_NAME, field == 0 ? text : "Erika", CRM_NUL);
        domain_refused(txn, CRM_INVALID,
                       field == 0 ? "first_name is longer than 4000" : "last_name is longer than 4000");
    }
}
END_TEST

START_TEST(a_contact_renamed_is_called_anew)
{
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_FIRST_NAME, "Erika", CRM_NUL);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Mustermann", CRM_NUL);
    settled(contact);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Musterfrau", CRM_NUL);
    ck_assert_str_eq(crm_text(settled(contact), CRM_CONTACT_NAME, NULL), "Erika Musterfrau");
    crm_set_null(contact, CRM_CONTACT_FIRST_NAME);
    ck_assert_str_eq(crm_text(settled(contact), CRM_CONTACT_NAME, NULL), "Musterfrau");
}
END_TEST

START_TEST(names_are_not_blank)
{
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, " \t ", CRM_NUL);
    domain_refused(txn, CRM_INVALID, "customer|name|blank");
    crm_set_text(crm_create(txn, CRM_KIND_PIPELINE), CRM_PIPELINE_NAME, "  ", CRM_NUL);
    domain_refused(txn, CRM_INVALID, "pipeline|name");
}
END_TEST

/* ------------------------------------------------------------ interactions */

static crm_record *new_call(void)
{
    crm_record *call = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(call, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    return call;
}

START_TEST(an_interaction_starts_now_unless_it_says_when)
{
    ck_assert_int_eq(number(settled(new_call()), CRM_INTERACTION_START), DOMAIN_NOW);
    crm_record *ended = new_call();
    crm_set_int(ended, CRM_INTERACTION_END, DOMAIN_NOW - 5);
    ck_assert_int_eq(number(settled(ended), CRM_INTERACTION_START), DOMAIN_NOW - 5);
    crm_record *given = new_call();
    crm_set_int(given, CRM_INTERACTION_START, 77);
    ck_assert_int_eq(number(settled(given), CRM_INTERACTION_START), 77);
}
END_TEST

START_TEST(an_interaction_does_not_end_before_it_starts)
{
    crm_record *call = new_call();
    crm_set_text(call, CRM_INTERACTION_SUBJECT, "Call back", CRM_NUL);
    crm_set_int(call, CRM_INTERACTION_START, DOMAIN_NOW);
    crm_set_int(call, CRM_INTERACTION_END, DOMAIN_NOW - 1);
    domain_refused(txn, CRM_INVALID, "Call back|end|start|2024-01-15");
    call = new_call();
    crm_set_int(call, CRM_INTERACTION_START, DOMAIN_NOW);
    crm_set_int(call, CRM_INTERACTION_END, DOMAIN_NOW); /* no length at all is fine */
    settled(call);
}
END_TEST

START_TEST(completed_and_its_status_go_together)
{
    crm_record *call = new_call();
    crm_set_int(call, CRM_INTERACTION_START, DOMAIN_NOW - DAY_US);
    crm_set_int(call, CRM_INTERACTION_STATUS, CRM_INTERACTION_STATUS_PLANNED);
    settled(call);
    crm_set_int(call, CRM_INTERACTION_STATUS, CRM_INTERACTION_STATUS_COMPLETED);
    ck_assert_int_eq(number(settled(call), CRM_INTERACTION_COMPLETED), DOMAIN_NOW - DAY_US);
    crm_set_int(call, CRM_INTERACTION_STATUS, CRM_INTERACTION_STATUS_IN_PROGRESS);
    ck_assert_int_eq(crm_has(settled(call), CRM_INTERACTION_COMPLETED), 0);
    crm_set_int(call, CRM_INTERACTION_COMPLETED, DOMAIN_NOW - 3);
    ck_assert_int_eq(number(settled(call), CRM_INTERACTION_STATUS), CRM_INTERACTION_STATUS_COMPLETED);
    ck_assert_int_eq(number(call, CRM_INTERACTION_COMPLETED), DOMAIN_NOW - 3);
    crm_set_null(call, CRM_INTERACTION_COMPLETED);
    ck_assert_int_eq(crm_has(settled(call), CRM_INTERACTION_STATUS), 0);

    crm_record *both = new_call();
    crm_set_int(both, CRM_INTERACTION_COMPLETED, DOMAIN_NOW);
    crm_set_int(both, CRM_INTERACTION_STATUS, CRM_INTERACTION_STATUS_CANCELLED);
    domain_refused(txn, CRM_INVALID, "completed|cancelled");
}
END_TEST

START_TEST(what_was_completed_in_advance_is_completed_now)
{
    crm_record *call = new_call();
    crm_set_int(call, CRM_INTERACTION_START, DOMAIN_NOW + DAY_US);
    crm_set_int(call, CRM_INTERACTION_STATUS, CRM_INTERACTION_STATUS_COMPLETED);
    ck_assert_int_eq(number(settled(call), CRM_INTERACTION_COMPLETED), DOMAIN_NOW);
}
END_TEST

static crm_record *new_customer(const char *name)
{
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(customer, CRM_CUSTOMER_NAME, name, CRM_NUL);
    return settled(customer);
}

static crm_record *new_deal(const char *name)
{
    crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(deal, CRM_OPPORTUNITY_NAME, name, CRM_NUL);
    crm_set_int(deal, CRM_OPPORTUNITY_CLOSE_DATE, DOMAIN_DAY + 30);
    return deal;
}

static void check_ref(const crm_record *record, uint32_t field, const crm_record *target)
{
    crm_id got;
    crm_id expected;
    ck_assert_int_eq(crm_ref(record, field, NULL, &got), CRM_OK);
    crm_record_id(target, &expected);
    ck_assert_mem_eq(&got, &expected, sizeof got);
}

START_TEST(an_interaction_belongs_to_the_customer_behind_it)
{
    crm_record *customer = new_customer("Acme GmbH");
    crm_record *other = new_customer("Other Ltd");
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Mustermann", CRM_NUL);
    crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, customer);
    crm_record *deal = new_deal("Two hundred chairs");
    crm_set_ref_record(deal, CRM_OPPORTUNITY_CUSTOMER, customer);

    crm_record *call = new_call();
    crm_set_ref_record(call, CRM_INTERACTION_CONTACT, contact);
    check_ref(settled(call), CRM_INTERACTION_CUSTOMER, customer);
    call = new_call();
    crm_set_ref_record(call, CRM_INTERACTION_RELATED, deal);
    check_ref(settled(call), CRM_INTERACTION_CUSTOMER, customer);
    call = new_call();
    crm_set_ref_record(call, CRM_INTERACTION_RELATED, customer);
    check_ref(settled(call), CRM_INTERACTION_CUSTOMER, customer);
    call = new_call(); /* what is given stays */
    crm_set_ref_record(call, CRM_INTERACTION_CONTACT, contact);
    crm_set_ref_record(call, CRM_INTERACTION_CUSTOMER, other);
    check_ref(settled(call), CRM_INTERACTION_CUSTOMER, other);
}
END_TEST

START_TEST(money_has_the_file_s_currency_unless_it_says_another)
{
    crm_record *purchase = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(purchase, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
    crm_set_int(purchase, CRM_INTERACTION_AMOUNT, 1999);
    ck_assert_int_eq(number(settled(purchase), CRM_INTERACTION_CURRENCY), 978); /* EUR */
    crm_record *deal = new_deal("In dollars");
    crm_set_int(deal, CRM_OPPORTUNITY_CURRENCY, 840);
    ck_assert_int_eq(number(settled(deal), CRM_OPPORTUNITY_CURRENCY), 840); /* USD */
    ck_assert_int_eq(number(settled(new_deal("Plain")), CRM_OPPORTUNITY_CURRENCY), 978);
}
END_TEST

/* ------------------------------------------------------------ stages, pipelines, campaigns */

static crm_record *new_stage(const char *name)
{
    crm_id sales = domain_named(crm_txn_view(txn), CRM_KIND_PIPELINE, CRM_PIPELINE_NAME, "Sales");
    crm_record *stage = crm_create(txn, CRM_KIND_STAGE);
    crm_set_text(stage, CRM_STAGE_NAME, name, CRM_NUL);
    crm_set_ref(stage, CRM_STAGE_PIPELINE, CRM_KIND_PIPELINE, &sales);
    return stage;
}

START_TEST(a_closed_stage_has_the_probability_of_its_outcome)
{
    crm_record *signed_stage = new_stage("signed");
    crm_set_int(signed_stage, CRM_STAGE_IS_WON, 1);
    settled(signed_stage);
    ck_assert_int_eq(number(signed_stage, CRM_STAGE_IS_CLOSED), 1);
    ck_assert_int_eq(number(signed_stage, CRM_STAGE_PROBABILITY), 100);
    ck_assert_int_eq(number(signed_stage, CRM_STAGE_FORECAST), CRM_STAGE_FORECAST_CLOSED);
    ck_assert_int_eq(number(signed_stage, CRM_STAGE_ORDER), 7); /* behind the six of "Sales" */
    crm_set_int(new_stage("odd"), CRM_STAGE_PROBABILITY, 130);
    domain_refused(txn, CRM_INVALID, "odd|130");
    crm_record *half = new_stage("half");
    crm_set_int(half, CRM_STAGE_IS_CLOSED, 1);
    crm_set_int(half, CRM_STAGE_PROBABILITY, 50);
    domain_refused(txn, CRM_INVALID, "half|50|lost");
    crm_record *open = new_stage("open");
    crm_set_int(open, CRM_STAGE_IS_CLOSED, 0);
    crm_set_int(open, CRM_STAGE_IS_WON, 1);
    domain_refused(txn, CRM_INVALID, "open|is_won|is_closed");
}
END_TEST

START_TEST(what_a_stage_means_does_not_change_under_its_deals)
{
    crm_record *deal = settled(new_deal("Two hundred chairs"));
    crm_id id = domain_stage(crm_txn_view(txn), "qualification");
    crm_record *stage = crm_edit(txn, CRM_KIND_STAGE, &id);
    crm_set_int(stage, CRM_STAGE_IS_CLOSED, 1);
    crm_set_int(stage, CRM_STAGE_PROBABILITY, 0);
    domain_refused(txn, CRM_REFUSED, "qualification|is_closed|1 opportunit");
    crm_set_int(stage, CRM_STAGE_PROBABILITY, 15); /* for deals to come */
    settled(stage);
    ck_assert_int_eq(number(deal, CRM_OPPORTUNITY_PROBABILITY), 10);
}
END_TEST

START_TEST(there_is_one_default_pipeline)
{
    crm_record *renewals = crm_create(txn, CRM_KIND_PIPELINE);
    crm_set_text(renewals, CRM_PIPELINE_NAME, "Renewals", CRM_NUL);
    crm_set_int(renewals, CRM_PIPELINE_IS_DEFAULT, 1);
    settled(renewals);
    crm_id id = domain_named(crm_txn_view(txn), CRM_KIND_PIPELINE, CRM_PIPELINE_NAME, "Sales");
    crm_record *sales = NULL;
    ck_assert_int_eq(crm_get(crm_txn_view(txn), CRM_KIND_PIPELINE, &id, &sales, NULL), CRM_OK);
    ck_assert_int_eq(crm_int(sales, CRM_PIPELINE_IS_DEFAULT), 0);
    crm_record_free(sales);
    ck_assert_int_eq(crm_int(renewals, CRM_PIPELINE_IS_DEFAULT), 1);
}
END_TEST

START_TEST(a_campaign_does_not_end_before_it_starts)
{
    crm_record *campaign = crm_create(txn, CRM_KIND_CAMPAIGN);
    crm_set_text(campaign, CRM_CAMPAIGN_NAME, "Spring", CRM_NUL);
    crm_set_int(campaign, CRM_CAMPAIGN_START_DATE, 19000); /* 2022-01-08 */
    crm_set_int(campaign, CRM_CAMPAIGN_END_DATE, 18999);
    domain_refused(txn, CRM_INVALID, "Spring|end_date|2022-01-07|2022-01-08");
}
END_TEST

START_TEST(a_new_file_has_its_settings)
{
    crm_view *view = crm_txn_view(txn);
    ck_assert_str_eq(crm_setting(view, "currency"), "EUR");
    ck_assert_str_eq(crm_setting(view, "lifecycle"), "four");
    ck_assert_int_eq(crm_setting_set(txn, "lifecycle", "five"), CRM_OK);
    domain_accepted(txn);
    (void)crm_setting_set(txn, "lifecycle", "seven");
    domain_refused(txn, CRM_INVALID, "lifecycle|seven|five");
}
END_TEST

/* ------------------------------------------------------------ money */

START_TEST(a_currency_with_other_decimals_takes_the_amount_anew)
{
    crm_record *product = crm_create(txn, CRM_KIND_PRODUCT);
    crm_set_text(product, CRM_PRODUCT_NAME, "Pump", CRM_NUL);
    crm_set_int(product, CRM_PRODUCT_PRICE, 123450); /* 1,234.50 of the file's currency, EUR */
    settled(product);
    crm_set_int(product, CRM_PRODUCT_CURRENCY, 392); /* JPY has no decimals: it would be 123,450 */
    domain_refused(txn, CRM_INVALID, "product.currency|EUR|JPY|price");
    ck_assert_int_eq(number(product, CRM_PRODUCT_PRICE), 123450);
    crm_set_int(product, CRM_PRODUCT_CURRENCY, 840); /* USD: cents, too */
    settled(product);
    crm_set_int(product, CRM_PRODUCT_CURRENCY, 392);
    crm_set_int(product, CRM_PRODUCT_PRICE, 200000);
    settled(product);
    crm_set_null(product, CRM_PRODUCT_CURRENCY); /* back to EUR */
    domain_refused(txn, CRM_INVALID, "product.currency|JPY|EUR|price");
    crm_set_null(product, CRM_PRODUCT_PRICE);
    crm_set_int(product, CRM_PRODUCT_CURRENCY, 978);
    settled(product);
}
END_TEST

/* 5 dollars and 5 yen are the same number; who gives it says so. */
START_TEST(an_amount_given_anew_may_be_the_same_number)
{
    crm_record *product = crm_create(txn, CRM_KIND_PRODUCT);
    crm_set_text(product, CRM_PRODUCT_NAME, "Pump", CRM_NUL);
    crm_set_int(product, CRM_PRODUCT_PRICE, 500);
    crm_set_int(product, CRM_PRODUCT_CURRENCY, 840); /* USD */
    settled(product);
    crm_set_int(product, CRM_PRODUCT_CURRENCY, 392); /* JPY */
    crm_set_int(product, CRM_PRODUCT_PRICE, 500);
    ck_assert_int_eq(number(settled(product), CRM_PRODUCT_CURRENCY), 392);
    ck_assert_int_eq(number(product, CRM_PRODUCT_PRICE), 500);
}
END_TEST

/* A file whose currency was cleared is in euros, which have decimals that yen have not. */
START_TEST(the_currency_of_a_file_without_one_guards_amounts_too)
{
    ck_assert_int_eq(crm_setting_set(txn, "currency", NULL), CRM_OK);
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(customer, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_set_int(customer, CRM_CUSTOMER_ANNUAL_REVENUE, 500);
    settled(customer);
    crm_set_int(customer, CRM_CUSTOMER_CURRENCY, 392);
    domain_refused(txn, CRM_INVALID, "customer.currency|EUR|JPY|annual_revenue");
}
END_TEST

static Suite *rules_suite(void)
{
    Suite *suite = suite_create("rules");
    TCase *tests = tcase_create("rules");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_contact_is_called_by_first_and_last_name);
    tcase_add_test(tests, in_chinese_japanese_and_korean_the_last_name_comes_first);
    tcase_add_test(tests, the_script_tells_which_name_comes_first);
    tcase_add_test(tests, a_name_that_is_too_long_to_be_put_together_is_refused);
    tcase_add_test(tests, a_contact_renamed_is_called_anew);
    tcase_add_test(tests, names_are_not_blank);
    tcase_add_test(tests, an_interaction_starts_now_unless_it_says_when);
    tcase_add_test(tests, an_interaction_does_not_end_before_it_starts);
    tcase_add_test(tests, completed_and_its_status_go_together);
    tcase_add_test(tests, what_was_completed_in_advance_is_completed_now);
    tcase_add_test(tests, an_interaction_belongs_to_the_customer_behind_it);
    tcase_add_test(tests, money_has_the_file_s_currency_unless_it_says_another);
    tcase_add_test(tests, a_closed_stage_has_the_probability_of_its_outcome);
    tcase_add_test(tests, what_a_stage_means_does_not_change_under_its_deals);
    tcase_add_test(tests, there_is_one_default_pipeline);
    tcase_add_test(tests, a_campaign_does_not_end_before_it_starts);
    tcase_add_test(tests, a_new_file_has_its_settings);
    tcase_add_test(tests, a_currency_with_other_decimals_takes_the_amount_anew);
    tcase_add_test(tests, an_amount_given_anew_may_be_the_same_number);
    tcase_add_test(tests, the_currency_of_a_file_without_one_guards_amounts_too);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(rules_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
