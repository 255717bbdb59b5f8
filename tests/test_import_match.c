/* test_import_match: what a row is matched with and what it refers to, by each
 * way there is; money of records with a currency of their own; the settings and
 * the statements that cannot be meant.  See also test_import.c.
 *
 * Expected counts are counted by hand in the text that is imported.
 * Proves P6. */
#include "domain_fixture.h"
#include "import_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACME_ID "01234567-89ab-7def-8123-456789abcdef"
#define GONE_ID "01234567-89ab-7def-8123-456789abcd00"
#define OTHER_ID "01234567-89ab-7def-8123-456789abcd11"

static crm_db *db;
static crm_view *view;

static void setup(void)
{
    db = domain_open();
    view = NULL;
}

static void teardown(void)
{
    crm_view_close(view);
    domain_close(db);
}

static crm_view *fresh_view(void)
{
    crm_view_close(view);
    view = domain_view(db);
    return view;
}

static struct imported customers(const char *text, const char *const *settings)
{
    return import_text(db, CRM_KIND_CUSTOMER, text, settings);
}

static void rejected(const struct imported *imported, int which, uint64_t line, const char *why)
{
    ck_assert_int_lt(which, imported->reject_count);
    ck_assert_uint_eq(imported->rejects[which].line, line);
    ck_assert_msg(strstr(imported->rejects[which].why, why) != NULL, "'%s' does not say '%s'",
                  imported->rejects[which].why, why);
}

static void refused(const struct imported *imported, int32_t status, const char *why)
{
    ck_assert_int_eq(imported->status, status);
    ck_assert_msg(strstr(imported->error.message, why) != NULL, "'%s' does not say '%s'", imported->error.message, why);
}

/* Acme, and Gone, which is deleted. */
static void two_customers(void)
{
    struct imported imported =
        customers("id,name,external_ids\n" ACME_ID ",Acme,erp:1\n" GONE_ID ",Gone,erp:2\n", NULL);
    import_clean(&imported);
    crm_id id;
    ck_assert_int_eq(crm_id_parse(GONE_ID, CRM_NUL, &id), CRM_OK);
    crm_txn *txn = domain_begin(db);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &id)), CRM_OK);
    domain_commit(txn);
}

static const char *customer_of(const char *contact)
{
    static char name[100];
    crm_record *record = import_find(fresh_view(), CRM_KIND_CONTACT, CRM_CONTACT_LAST_NAME, contact);
    snprintf(name, sizeof name, "%s", crm_display(record, CRM_CONTACT_CUSTOMER, NULL));
    crm_record_free(record);
    return name;
}

START_TEST(a_reference_by_id_is_an_id_of_somebody_who_is_there)
{
    two_customers();
    struct imported imported = import_text(
        db, CRM_KIND_CONTACT, "last_name,cust\na," ACME_ID "\nb," GONE_ID "\nc," OTHER_ID "\nd,nonsense\ne,\n",
        (const char *[]){"mapping", "customer = cust by id\n", NULL});
    ck_assert_uint_eq(imported.created, 2);
    rejected(&imported, 0, 3, "deleted");
    rejected(&imported, 1, 4, "");
    rejected(&imported, 2, 5, "is not an id");
    ck_assert_str_eq(customer_of("a"), "Acme");
    ck_assert_str_eq(customer_of("e"), "");
}
END_TEST

START_TEST(a_reference_to_any_kind_is_an_id_or_names_the_kind)
{
    two_customers();
    struct imported imported = import_text(db, CRM_KIND_INTERACTION,
                                           "type,subject,related\nnote,a," ACME_ID "\nnote,b,customer:Acme\n"
                                           "note,c,Acme\nnote,d,hat:Acme\nnote,e," OTHER_ID "\nnote,f,\n",
                                           NULL);
    ck_assert_uint_eq(imported.created, 3);
    rejected(&imported, 0, 4, "a reference to a record of any kind");
    rejected(&imported, 1, 5, "a reference to a record of any kind");
    rejected(&imported, 2, 6, "");
    static const char *const subjects[] = {"a", "b"};
    for (size_t i = 0; i < 2; i++) {
        crm_record *record = NULL;
        crm_query *query = NULL;
        ck_assert_int_eq(crm_query_create(fresh_view(), CRM_KIND_INTERACTION, &query, NULL), CRM_OK);
        crm_query_where_text(query, CRM_INTERACTION_SUBJECT, CRM_OP_EQ, subjects[i], CRM_NUL);
        ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
        ck_assert_str_eq(crm_display(record, CRM_INTERACTION_RELATED, NULL), "Acme");
        crm_query_free(query);
    }
}
END_TEST

START_TEST(a_match_by_id_finds_no_deleted_record)
{
    two_customers();
    struct imported imported = customers("id,name\n" ACME_ID ",Acme Corp\n" GONE_ID ",Back\n" OTHER_ID ",New\n,None\n",
                                         (const char *[]){"match", "id", NULL});
    ck_assert_uint_eq(imported.updated, 1);
    ck_assert_uint_eq(imported.created, 2);
    rejected(&imported, 0, 3, "deleted; restore it first");
}
END_TEST

START_TEST(a_match_and_an_id_must_mean_one_record)
{
    two_customers();
    struct imported imported = customers("id,name,employees\n" OTHER_ID ",Acme,5\n" ACME_ID ",Acme,6\n",
                                         (const char *[]){"match", "name", NULL});
    ck_assert_uint_eq(imported.updated, 1);
    rejected(&imported, 0, 2, "the record that has this name has another id");
}
END_TEST

START_TEST(a_match_by_a_list_in_json_takes_the_first_that_is_there)
{
    two_customers();
    static const char *const settings[] = {"match", "external_ids", "format", "jsonl", NULL};
    struct imported imported =
        customers("{\"external_ids\":[\"erp:9\",{\"system\":\"erp\",\"value\":\"1\"}],\"employees\":5}\n"
                  "{\"external_ids\":[{\"system\":\"\",\"value\":\"erp:1\"}],\"employees\":6}\n"
                  "{\"external_ids\":[{\"system\":\"erp\"},7,\"\",{\"value\":\"erp:1\"}],\"employees\":7}\n"
                  "{\"external_ids\":[],\"name\":\"New\"}\n",
                  settings);
    ck_assert_uint_eq(imported.updated, 2);
    ck_assert_uint_eq(imported.created, 1);
    rejected(&imported, 0, 3, "\"value\" is missing in an item"); /* found, but no list to be set */
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_int_eq(crm_int(acme, CRM_CUSTOMER_EMPLOYEES), 6);
    crm_record_free(acme);
}
END_TEST

/* The list that a record is found by keeps what it has, in whatever case the row writes it. */
START_TEST(a_match_adds_the_other_values_of_the_list)
{
    two_customers();
    static const char *const settings[] = {"match", "external_ids", NULL};
    struct imported imported = customers("external_ids,name\nerp:1;web:7;plain;erp:10,Acme\n", settings);
    import_clean(&imported);
    ck_assert_uint_eq(imported.updated, 1);
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_uint_eq(crm_item_count(acme, CRM_FIELD_EXTERNAL_IDS), 4);
    crm_record_free(acme);
    imported = customers("external_ids,name\nerp:1;web:7;PLAIN,Acme\n", settings);
    import_clean(&imported);
    ck_assert_uint_eq(imported.unchanged, 1);
}
END_TEST

/* ISO 4217: the yen has no decimals. */
START_TEST(money_is_in_the_currency_that_its_record_has)
{
    struct imported imported =
        import_text(db, CRM_KIND_PRODUCT, "name,currency,price\nPress,JPY,1000\nBolt,EUR,1.50\nNut,,2.25\n", NULL);
    import_clean(&imported);
    imported = import_text(db, CRM_KIND_PRODUCT, "name,price\nPress,1234\nBolt,1.75\nNut,2.5\n",
                           (const char *[]){"match", "name", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.updated, 3);
    static const char *const names[] = {"Press", "Bolt", "Nut"};
    static const int64_t prices[] = {1234, 175, 250};
    for (size_t i = 0; i < 3; i++) {
        crm_record *product = import_find(fresh_view(), CRM_KIND_PRODUCT, CRM_PRODUCT_NAME, names[i]);
        ck_assert_int_eq(crm_int(product, CRM_PRODUCT_PRICE), prices[i]);
        crm_record_free(product);
    }
    imported = import_text(db, CRM_KIND_PRODUCT, "name,price\nPress,12.50\nBolt,1.80\n",
                           (const char *[]){"match", "name", NULL});
    ck_assert_uint_eq(imported.updated, 1);
    rejected(&imported, 0, 2, "no exact amount in the record's own currency");
    crm_record *press = import_find(fresh_view(), CRM_KIND_PRODUCT, CRM_PRODUCT_NAME, "Press");
    ck_assert_int_eq(crm_int(press, CRM_PRODUCT_PRICE), 1234);
    crm_record_free(press);
}
END_TEST

START_TEST(settings_are_taken_in_each_spelling)
{
    static const char *const good[][2] = {
        {"delimiter", "tab"}, {"delimiter", "\\t"},        {"delimiter", "space"}, {"delimiter", ";"},
        {"format", "json"},   {"strict", "yes"},           {"strict", "no"},       {"dry_run", "true"},
        {"dry_run", "false"}, {"batch_rows", "999999999"}, {"blank", "keep"},      {"reason", ""}};
    static const char *const bad[][2] = {
        {"delimiter", ""},  {"delimiter", "\""},   {"delimiter", "\n"},   {"delimiter", "\xC3"},
        {"batch_rows", ""}, {"batch_rows", "12a"}, {"batch_rows", "1 2"}, {"batch_rows", "1234567890"},
        {"map", ""},        {"match", "version"},  {"match", "tags"}};
    crm_error error;
    crm_import *import = NULL;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
        ck_assert_msg(crm_import_set(import, good[i][0], good[i][1], CRM_NUL, &error) == CRM_OK, "%s: %s", good[i][1],
                      error.message);
        crm_import_free(import);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
        ck_assert_msg(crm_import_set(import, bad[i][0], bad[i][1], CRM_NUL, &error) == CRM_INVALID, "%s %s", bad[i][0],
                      bad[i][1]);
        crm_import_free(import);
    }
    ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
    ck_assert_int_eq(crm_import_set(import, NULL, "x", 1, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_set(import, "reason", NULL, 1, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_set(import, "reason", NULL, 0, &error), CRM_OK);
    ck_assert_int_eq(crm_import_feed(import, NULL, 1, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_feed(import, "name\nAcme\n", 10, &error), CRM_OK);
    ck_assert_int_eq(crm_import_set(import, "reason", "late", CRM_NUL, &error), CRM_MISUSE);
    ck_assert_ptr_nonnull(strstr(error.message, "before the first byte"));
    ck_assert_int_eq(crm_import_finish(import, &error), CRM_OK);
    ck_assert_int_eq(crm_import_finish(import, &error), CRM_OK); /* nothing more */
    ck_assert_int_eq(crm_import_feed(import, "x", 1, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_set(import, "reason", "late", CRM_NUL, &error), CRM_MISUSE);
    ck_assert_uint_eq(crm_import_count(import, CRM_IMPORT_CREATED), 1);
    ck_assert_uint_eq(crm_import_count(import, CRM_IMPORT_READ - 1), 0);
    ck_assert_uint_eq(crm_import_count(import, CRM_IMPORT_OTHERS + 1), 0);
    ck_assert_int_eq(crm_import_reject(import, NULL, NULL, NULL, NULL, NULL), CRM_DONE);
    crm_import_free(import);
}
END_TEST

START_TEST(a_reject_is_told_to_whoever_asks_for_a_part_of_it)
{
    crm_error error;
    crm_import *import = NULL;
    const char *why = NULL;
    ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
    ck_assert_int_eq(crm_import_feed(import, "name,employees\nA,x\nB,y\n", 23, &error), CRM_OK);
    ck_assert_int_eq(crm_import_finish(import, &error), CRM_OK);
    ck_assert_int_eq(crm_import_reject(import, NULL, NULL, NULL, NULL, NULL), CRM_OK);
    ck_assert_int_eq(crm_import_reject(import, NULL, NULL, &why, NULL, NULL), CRM_OK);
    ck_assert_ptr_nonnull(strstr(why, "\"y\""));
    ck_assert_int_eq(crm_import_reject(import, NULL, NULL, &why, NULL, NULL), CRM_DONE);
    crm_import_free(import);
}
END_TEST

START_TEST(columns_may_be_named_for_a_file_that_names_none)
{
    struct imported imported =
        customers("Acme;5\nBeta;6\n", (const char *[]){"columns", "name , employees \r", "delimiter", ";", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 2);
    imported = customers("Gamma,7\n", (const char *[]){"mapping", "columns name, [employees]\n", NULL});
    import_clean(&imported);
    crm_record *gamma = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Gamma");
    ck_assert_int_eq(crm_int(gamma, CRM_CUSTOMER_EMPLOYEES), 7);
    crm_record_free(gamma);
}
END_TEST

START_TEST(statements_that_contradict_each_other_stop_the_import)
{
    struct imported imported = customers("name,mail\nAcme,a@x.example\n",
                                         (const char *[]){"mapping", "emails = mail\nemails.value = mail\n", NULL});
    refused(&imported, CRM_INVALID, "as a whole and in parts");
    imported = customers("name,employees,Employees\nAcme,1,2\n", NULL);
    refused(&imported, CRM_INVALID, "");
    imported = customers("name,mail\nAcme,a@x.example\n", (const char *[]){"mapping", "only size > 5\n", NULL});
    refused(&imported, CRM_INVALID, "no column 'size'; it has: ");
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 0);
}
END_TEST

START_TEST(a_file_has_only_so_many_columns)
{
    enum { COLUMNS = 5000, ROOM = COLUMNS * 8 };
    char *text = malloc(ROOM), *at = text;
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < COLUMNS; i++)
        at += snprintf(at, (size_t)(text + ROOM - at), "c%d,", i);
    memcpy(at - 1, "\nx\n", 4);
    struct imported imported = customers(text, (const char *[]){"ignore", "*", NULL});
    refused(&imported, CRM_FULL, "columns");
    free(text);
}
END_TEST

START_TEST(rows_whose_conditions_cannot_be_judged_are_rejected)
{
    struct imported imported = customers("name,size\nA,3\nB,x\nC,1\nD,\n",
                                         (const char *[]){"mapping", "only size * 2 > 4\nignore size\n", NULL});
    ck_assert_uint_eq(imported.created, 1);
    ck_assert_uint_eq(imported.filtered, 1);
    rejected(&imported, 0, 3, "\"x\" is not a number");
    rejected(&imported, 1, 5, "blank where a number is needed");
    imported =
        customers("name,size\nE,3\nF,x\n", (const char *[]){"mapping", "employees = size when size * 2 > 4\n", NULL});
    ck_assert_uint_eq(imported.created, 1);
    rejected(&imported, 0, 3, "is not a number");
}
END_TEST

START_TEST(a_sum_that_has_no_end_is_refused)
{
    struct imported imported =
        import_text(db, CRM_KIND_INTERACTION,
                    "no,score\n1,999999999999999999\n1,999999999999999999\n1,999999999999999999\n1,999999999999999999\n"
                    "1,999999999999999999\n1,999999999999999999\n1,999999999999999999\n1,999999999999999999\n"
                    "1,999999999999999999\n1,999999999999999999\n2,5\n2,6\n",
                    (const char *[]){"mapping", "group no\nscore = sum score\ntype = \"note\"\n", NULL});
    ck_assert_uint_eq(imported.created, 1);
    ck_assert_uint_eq(imported.rejected, 10);
    ck_assert_ptr_nonnull(strstr(imported.rejects[9].why, "18 digits"));
}
END_TEST

START_TEST(a_quoted_blank_is_a_value_where_blanks_are_exact)
{
    two_customers();
    struct imported imported = customers("id,description,territory\n" ACME_ID ",old,North\n", NULL);
    import_clean(&imported);
    imported = customers("id,description,territory\n" ACME_ID ",\"\",\n", (const char *[]){"blank", "exact", NULL});
    import_clean(&imported);
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_str_eq(crm_text(acme, CRM_CUSTOMER_DESCRIPTION, NULL), "");
    crm_record_free(acme);
}
END_TEST

START_TEST(parts_of_a_list_have_their_own_forms)
{
    struct imported imported = customers(
        "name,mail,out,note\nA,a@x.example,true,home\nB,b@x.example,0,\nC,c@x.example,1,\nD,d@x.example,x,\xFF\n",
        (const char *[]){"mapping", "emails.value = mail\nemails.opt_out = out\nemails.label = note\n", NULL});
    ck_assert_uint_eq(imported.created, 3);
    rejected(&imported, 0, 5, "UTF-8");
    static const char *const names[] = {"A", "B", "C"};
    for (size_t i = 0; i < 3; i++) {
        crm_record *record = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, names[i]);
        ck_assert_int_eq(crm_item_int(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_OPT_OUT), i != 1);
        ck_assert_str_eq(crm_item_text(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_LABEL, NULL), i == 0 ? "home" : "");
        crm_record_free(record);
    }
}
END_TEST

START_TEST(a_mark_at_the_start_is_no_text)
{
    struct imported imported =
        customers("\xEF\xBB\xBF{\"name\":\"Acme\",\"blacklisted\":false,\"description\":null}\n", NULL);
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 1);
    imported = customers("firm\nBeta\n", (const char *[]){"mapping", "\xEF\xBB\xBFname = firm\n", NULL});
    import_clean(&imported);
    imported = customers("name\nGamma\n", (const char *[]){"mapping", "rating = \"hot\"\n", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("import_match");
    TCase *tests = tcase_create("rows");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_reference_by_id_is_an_id_of_somebody_who_is_there);
    tcase_add_test(tests, a_reference_to_any_kind_is_an_id_or_names_the_kind);
    tcase_add_test(tests, a_match_by_id_finds_no_deleted_record);
    tcase_add_test(tests, a_match_and_an_id_must_mean_one_record);
    tcase_add_test(tests, a_match_by_a_list_in_json_takes_the_first_that_is_there);
    tcase_add_test(tests, a_match_adds_the_other_values_of_the_list);
    tcase_add_test(tests, money_is_in_the_currency_that_its_record_has);
    tcase_add_test(tests, settings_are_taken_in_each_spelling);
    tcase_add_test(tests, a_reject_is_told_to_whoever_asks_for_a_part_of_it);
    tcase_add_test(tests, columns_may_be_named_for_a_file_that_names_none);
    tcase_add_test(tests, statements_that_contradict_each_other_stop_the_import);
    tcase_add_test(tests, a_file_has_only_so_many_columns);
    tcase_add_test(tests, rows_whose_conditions_cannot_be_judged_are_rejected);
    tcase_add_test(tests, a_sum_that_has_no_end_is_refused);
    tcase_add_test(tests, a_quoted_blank_is_a_value_where_blanks_are_exact);
    tcase_add_test(tests, parts_of_a_list_have_their_own_forms);
    tcase_add_test(tests, a_mark_at_the_start_is_no_text);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
