/* test_import: rows become records: mapping, values, references, matching,
 * groups, rejects.  How bytes become rows is in test_import_source.c.
 *
 * Expected counts are counted by hand in the text that is imported.
 */
#include "domain_fixture.h"
#include "import_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

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

static void has_text(uint32_t kind, uint32_t key, const char *name, uint32_t field, const char *expected)
{
    crm_record *record = import_find(fresh_view(), kind, key, name);
    ck_assert_str_eq(crm_display(record, field, NULL), expected);
    crm_record_free(record);
}

static void customer_has(const char *name, uint32_t field, const char *expected)
{
    has_text(CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, name, field, expected);
}

static struct imported customers(const char *text, const char *const *settings)
{
    return import_text(db, CRM_KIND_CUSTOMER, text, settings);
}

static void rejected(const struct imported *imported, int which, uint64_t line, uint64_t column, const char *why,
                     const char *row)
{
    ck_assert_int_lt(which, imported->reject_count);
    ck_assert_uint_eq(imported->rejects[which].line, line);
    ck_assert_msg(strstr(imported->rejects[which].why, why) != NULL, "'%s' does not say '%s'",
                  imported->rejects[which].why, why);
    ck_assert_uint_eq(imported->rejects[which].column, column);
    ck_assert_str_eq(imported->rejects[which].row, row);
}

/* ---- columns and values ---- */

START_TEST(columns_go_to_the_fields_of_their_name_or_label)
{
    struct imported imported =
        customers("Name,E-mail,annual revenue,EMPLOYEES,In stage since\nAcme,info@acme.example,\"1,234.50\",7,\n",
                  (const char *[]){"ignore", "In stage since", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 1);
    customer_has("Acme", CRM_CUSTOMER_EMAILS, "info@acme.example");
    customer_has("Acme", CRM_CUSTOMER_EMPLOYEES, "7");
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_int_eq(crm_int(acme, CRM_CUSTOMER_ANNUAL_REVENUE), 123450);
    crm_record_free(acme);
}
END_TEST

START_TEST(a_column_that_fits_nothing_stops_the_import_before_any_row)
{
    struct imported imported = customers("name,shoe size,hat\nAcme,42,7\n", NULL);
    ck_assert_int_eq(imported.status, CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(imported.error.message, "shoe size, hat"));
    ck_assert_ptr_nonnull(strstr(imported.error.message, "ignore"));
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 0);
    imported = customers("name,shoe size,hat\nAcme,42,7\n", (const char *[]){"ignore", "*", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 1);
}
END_TEST

START_TEST(fields_that_the_library_keeps_are_not_imported_silently)
{
    struct imported imported = customers("name,created_at\nAcme,2017-01-01\n", NULL);
    ck_assert_int_eq(imported.status, CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(imported.error.message, "created_at"));
    imported = customers("name,Name\nAcme,Other\n", NULL);
    ck_assert_int_eq(imported.status, CRM_INVALID);
    imported = customers("name,customer\nAcme,x\n", (const char *[]){"mapping", "name = kustomer", NULL});
    ck_assert_int_eq(imported.status, CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(imported.error.message, "no column 'kustomer'"));
}
END_TEST

START_TEST(a_bad_row_is_told_with_line_column_and_reason_and_the_good_go_in)
{
    struct imported imported = customers("name,employees,currency,stage\n"
                                         "Acme,7,EUR,stable\n"
                                         "Bad1,many,EUR,\n"
                                         "\"Bad\n2\",7,ERU,\n"
                                         "Bad3,7,EUR,asleep\n"
                                         ",7,EUR,\n"
                                         "Bad4,7\n"
                                         "Bad5,7,EUR,,extra\n"
                                         "Good,,,,,,\n",
                                         NULL);
    ck_assert_int_eq(imported.status, CRM_OK);
    ck_assert_uint_eq(imported.read, 8);
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.rejected, 6);
    rejected(&imported, 0, 3, 2, "\"many\" is not a whole number", "Bad1,many,EUR,");
    rejected(&imported, 1, 4, 3, "ERU", "\"Bad\n2\",7,ERU,");
    rejected(&imported, 2, 6, 4, "asleep", "Bad3,7,EUR,asleep");
    rejected(&imported, 3, 7, 1, "name is required", ",7,EUR,");
    rejected(&imported, 4, 8, 3, "2 fields, there are 4 columns", "Bad4,7");
    rejected(&imported, 5, 9, 5, "5 fields, there are 4 columns", "Bad5,7,EUR,,extra");
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 2);
}
END_TEST

START_TEST(money_is_exact_unless_rounding_is_asked_for)
{
    static const char text[] = "name,currency,annual_revenue\n"
                               "a,EUR,1.005\n" /* three decimals in a currency of two */
                               "b,JPY,100.5\n" /* the yen has none */
                               "c,EUR,1.00500\n"
                               "d,JPY,100.0\n"
                               "e,TND,1.005\n"; /* the dinar has three */
    struct imported imported = customers(text, NULL);
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.rejected, 3);
    ck_assert_ptr_nonnull(strstr(imported.rejects[0].why, "rounded"));
    imported =
        customers(text, (const char *[]){"mapping", "match name\nannual_revenue = annual_revenue rounded", NULL});
    import_clean(&imported);
    crm_record *record = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "a");
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_ANNUAL_REVENUE), 100); /* 100.5 lies between; 100 is even */
    crm_record_free(record);
    record = import_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "e");
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_ANNUAL_REVENUE), 1005);
    crm_record_free(record);
}
END_TEST

START_TEST(dates_and_decimal_commas_are_read_in_the_form_that_is_said)
{
    struct imported imported =
        customers("name;annual_revenue;since\nAcme;1.234,50;31.12.2017 08:15\n",
                  (const char *[]){"mapping",
                                   "decimal_comma annual_revenue\ndate since \"%d.%m.%Y %H:%M\"\n"
                                   "description = \"since {since}\"",
                                   NULL});
    import_clean(&imported);
    customer_has("Acme", CRM_CUSTOMER_DESCRIPTION, "since 2017-12-31T08:15:00Z");
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_int_eq(crm_int(acme, CRM_CUSTOMER_ANNUAL_REVENUE), 123450);
    crm_record_free(acme);
    imported = import_text(db, CRM_KIND_CONTACT, "last_name,birthdate\nKern,31/12/80\n",
                           (const char *[]){"date_format", "%d/%m/%y", NULL});
    import_clean(&imported);
    has_text(CRM_KIND_CONTACT, CRM_CONTACT_LAST_NAME, "Kern", CRM_CONTACT_BIRTHDATE, "1980-12-31");
}
END_TEST

/* 12 seats by 3 rows are 36; blank and "few" are no numbers. */
START_TEST(a_row_whose_expression_has_no_value_is_rejected)
{
    struct imported imported = customers("name,seats,rows\nAcme,12,3\nGlobex,,3\nInitech,few,1\nHooli,1,0\n",
                                         (const char *[]){"mapping", "employees = seats * rows", NULL});
    ck_assert_int_eq(imported.status, CRM_OK);
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.rejected, 2);
    rejected(&imported, 0, 3, 2, "blank where a number is needed", "Globex,,3");
    rejected(&imported, 1, 4, 2, "\"few\" is not a number", "Initech,few,1");
    customer_has("Acme", CRM_CUSTOMER_EMPLOYEES, "36");
    customer_has("Hooli", CRM_CUSTOMER_EMPLOYEES, "0");
}
END_TEST

START_TEST(unknown_choices_are_refused_or_added_on_request)
{
    static const char text[] = "name,industry,stage\nAcme,mining,\nBeta,Mining,\nGamma,mining,asleep\n";
    struct imported imported = customers(text, NULL);
    ck_assert_uint_eq(imported.rejected, 3);
    ck_assert_ptr_nonnull(strstr(imported.rejects[0].why, "add_choices"));
    imported = customers(text, (const char *[]){"add_choices", "1", NULL});
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.rejected, 1); /* the lifecycle is not open to additions */
    customer_has("Beta", CRM_CUSTOMER_INDUSTRY, "mining");
    ck_assert_uint_eq(crm_choice_count(db, CRM_KIND_CUSTOMER, CRM_CUSTOMER_INDUSTRY), 1);
}
END_TEST

START_TEST(lists_come_from_several_columns_and_in_parts)
{
    struct imported imported = customers("name,mail1,mail2,City,Country\nAcme,a@x.example,,Berlin,DE\n"
                                         "Beta,,b@x.example,,\nGamma,c@x.example,d@x.example,Wien,\n",
                                         (const char *[]){"mapping",
                                                          "emails = \"{mail1};{mail2}\"\n"
                                                          "addresses.city = City\n"
                                                          "addresses.country = Country\n",
                                                          NULL});
    import_clean(&imported);
    crm_record *record = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Gamma");
    ck_assert_uint_eq(crm_item_count(record, CRM_CUSTOMER_EMAILS), 2);
    ck_assert_str_eq(crm_item_text(record, CRM_CUSTOMER_EMAILS, 1, CRM_PART_VALUE, NULL), "d@x.example");
    ck_assert_uint_eq(crm_item_count(record, CRM_CUSTOMER_ADDRESSES), 1);
    ck_assert_str_eq(crm_item_text(record, CRM_CUSTOMER_ADDRESSES, 0, CRM_PART_CITY, NULL), "Wien");
    crm_record_free(record);
    record = import_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Beta");
    ck_assert_uint_eq(crm_item_count(record, CRM_CUSTOMER_EMAILS), 1);
    ck_assert_uint_eq(crm_item_count(record, CRM_CUSTOMER_ADDRESSES), 0);
    crm_record_free(record);
}
END_TEST

START_TEST(the_first_condition_that_holds_gives_a_field)
{
    struct imported imported =
        customers("name,size\na,9000\nb,300\nc,1\n", (const char *[]){"mapping",
                                                                      "employees = size\n"
                                                                      "rating = \"hot\" when size > 1000\n"
                                                                      "rating = \"warm\" when size > 100\n"
                                                                      "rating = \"cold\"\n",
                                                                      NULL});
    import_clean(&imported);
    customer_has("a", CRM_CUSTOMER_RATING, "hot");
    customer_has("b", CRM_CUSTOMER_RATING, "warm");
    customer_has("c", CRM_CUSTOMER_RATING, "cold");
}
END_TEST

/* ---- all or nothing, or as if ---- */

START_TEST(strict_writes_all_or_nothing)
{
    static const char text[] = "name,employees\na,1\nb,x\nc,3\nd,y\n";
    struct imported imported = customers(text, (const char *[]){"strict", "1", "batch_rows", "1", NULL});
    ck_assert_int_eq(imported.status, CRM_REFUSED);
    ck_assert_uint_eq(imported.rejected, 2); /* both are told */
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 0);
    imported = customers("name,employees\na,1\nb,2\n", (const char *[]){"strict", "1", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 2);
}
END_TEST

START_TEST(a_dry_run_counts_truly_and_writes_nothing)
{
    uint64_t lsn = crm_lsn(db);
    struct imported imported =
        customers("name,external_ids\na,x:1\nb,x:1\nc,x:2\nd,x:2\n",
                  (const char *[]){"dry_run", "1", "match", "external_ids", "batch_rows", "1", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 2); /* b and d meet a and c, although those are taken back */
    ck_assert_uint_eq(imported.updated, 2);
    ck_assert_uint_eq(crm_lsn(db), lsn);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 0);
}
END_TEST

START_TEST(every_transaction_carries_the_batch_and_undo_takes_all_back)
{
    char text[4000] = "name\n";
    uint64_t before = crm_lsn(db);
    crm_error error;
    for (int i = 0; i < 100; i++)
        snprintf(text + strlen(text), 30, "customer %d\n", i);
    struct imported imported =
        customers(text, (const char *[]){"batch", "my batch", "actor", "mia", "batch_rows", "7", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(crm_lsn(db) - before, 15); /* 14 full batches of 7 and one of 2 */
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 100);
    crm_txn *txn = domain_begin(db);
    ck_assert_msg(crm_undo(txn, "my batch", 0, NULL, &error) == CRM_OK, "%s", error.message);
    domain_commit(txn);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 0);
}
END_TEST

START_TEST(a_batch_without_a_name_is_named_by_kind_and_time)
{
    crm_error error;
    struct imported imported = customers("name\nAcme\n", NULL);
    import_clean(&imported);
    crm_txn *txn = domain_begin(db);
    ck_assert_msg(crm_undo(txn, "import-customer-2024-01-15T12:00:00Z", 0, NULL, &error) == CRM_OK, "%s",
                  error.message);
    domain_commit(txn);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 0);
}
END_TEST

/* ---- what is there already ---- */

START_TEST(matching_updates_what_differs_and_leaves_the_rest_alone)
{
    static const char *const settings[] = {"match", "external_ids", NULL};
    struct imported imported = customers("external_ids,name,employees\nerp:1,Acme,5\nerp:2,Beta,6\n", settings);
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 2);
    imported =
        customers("external_ids,name,employees\nerp:1,Acme,5\nerp:2,Beta,7\nerp:3,Gamma,8\nerp:2,Beta,7\n", settings);
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 1);
    ck_assert_uint_eq(imported.updated, 1);
    ck_assert_uint_eq(imported.unchanged, 2);
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_uint_eq(crm_record_version(acme), 1); /* no version without a change */
    crm_record_free(acme);
    imported = customers("external_ids,name\n,Delta\n", settings);
    rejected(&imported, 0, 2, 1, "blank", ",Delta");
}
END_TEST

START_TEST(matching_by_e_mail_keeps_the_other_addresses)
{
    static const char *const settings[] = {"match", "emails", NULL};
    struct imported imported = customers("name,emails\nAcme,a@x.example;b@x.example\n", settings);
    import_clean(&imported);
    imported = customers("name,emails\nAcme Corp,B@X.example\n", settings);
    import_clean(&imported);
    ck_assert_uint_eq(imported.updated, 1);
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme Corp");
    ck_assert_uint_eq(crm_item_count(acme, CRM_CUSTOMER_EMAILS), 2);
    crm_record_free(acme);
    imported = customers("name,emails\nAcme Corp,a@x.example;c@x.example\n", settings);
    import_clean(&imported);
    ck_assert_uint_eq(imported.updated, 1);
    customer_has("Acme Corp", CRM_CUSTOMER_EMAILS, "a@x.example, b@x.example, c@x.example");
}
END_TEST

START_TEST(what_several_records_have_cannot_be_matched)
{
    struct imported imported = customers("name\nAcme\nAcme\n", NULL);
    import_clean(&imported);
    imported = customers("name,employees\nAcme,5\nBeta,6\n", (const char *[]){"match", "name", NULL});
    ck_assert_uint_eq(imported.created, 1);
    rejected(&imported, 0, 2, 1, "several records have this value in 'name'", "Acme,5");
    imported = customers("name,emails\nA,info@x.example\nB,info@x.example\n", NULL);
    import_clean(&imported);
    imported = customers("name,emails\nC,info@x.example\n", (const char *[]){"match", "emails", NULL});
    rejected(&imported, 0, 2, 2, "this value in 'emails'", "C,info@x.example");
    imported = customers("name\nx\n", (const char *[]){"match", "description", NULL});
    ck_assert_int_eq(imported.status, CRM_INVALID);
    imported = customers("name\nx\n", (const char *[]){"match", "emails", NULL});
    ck_assert_int_eq(imported.status, CRM_INVALID); /* nothing goes to it */
}
END_TEST

START_TEST(an_id_makes_that_record_or_finds_it)
{
    struct imported imported =
        customers("id,name\n01234567-89ab-7def-8123-456789abcdef,Acme\n,Beta\nnonsense,Gamma\n", NULL);
    ck_assert_uint_eq(imported.created, 2);
    rejected(&imported, 0, 4, 1, "not an id", "nonsense,Gamma");
    imported = customers("id,name\n01234567-89ab-7def-8123-456789abcdef,Acme Corp\n", NULL);
    import_clean(&imported);
    ck_assert_uint_eq(imported.updated, 1);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 2);
}
END_TEST

START_TEST(a_blank_keeps_or_clears_as_is_said)
{
    static const char text[] = "id,name,description\n01234567-89ab-7def-8123-456789abcdef,Acme,\n";
    struct imported imported = customers("id,name,description\n01234567-89ab-7def-8123-456789abcdef,Acme,old\n", NULL);
    import_clean(&imported);
    imported = customers(text, NULL);
    ck_assert_uint_eq(imported.unchanged, 1);
    imported = customers(text, (const char *[]){"blank", "clear", NULL});
    ck_assert_uint_eq(imported.updated, 1);
    customer_has("Acme", CRM_CUSTOMER_DESCRIPTION, "");
    imported = customers(text, (const char *[]){"blank", "clear", NULL});
    ck_assert_uint_eq(imported.unchanged, 1);
}
END_TEST

/* ---- references ---- */

START_TEST(references_are_found_by_id_external_id_e_mail_and_name)
{
    struct imported imported = customers("id,name,external_ids,emails\n"
                                         "01234567-89ab-7def-8123-456789abcdef,Acme,erp:1,info@acme.example\n"
                                         ",Twin,,\n,Twin,,\n",
                                         NULL);
    import_clean(&imported);
    imported = import_text(db, CRM_KIND_CONTACT,
                           "last_name,customer\na,01234567-89ab-7def-8123-456789abcdef\nb,erp:1\n"
                           "c,info@acme.example\nd,acme\ne,Nobody\nf,Twin\ng,\n",
                           NULL);
    ck_assert_uint_eq(imported.created, 5);
    rejected(&imported, 0, 6, 2, "no customer \"Nobody\"", "e,Nobody");
    rejected(&imported, 1, 7, 2, "several", "f,Twin");
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        has_text(CRM_KIND_CONTACT, CRM_CONTACT_LAST_NAME, names[i], CRM_CONTACT_CUSTOMER, "Acme");
}
END_TEST

static const char create_customers[] = "customer = \"shop:{number}\" by external_ids\n"
                                       "           create name = \"Customer {number}\", territory = place\n"
                                       "type = \"purchase\"\n";

START_TEST(missing_targets_are_made_once_and_counted_by_themselves)
{
    static const char *const settings[] = {"mapping", create_customers, NULL};
    struct imported imported = import_text(db, CRM_KIND_INTERACTION,
                                           "number,place,amount\n1,Bonn,5\n2,Köln,6\n1,Bonn,7\n1,Mainz,8\n", settings);
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 4);
    ck_assert_uint_eq(imported.others, 2);
    customer_has("Customer 1", CRM_CUSTOMER_TERRITORY, "Bonn");
    imported = import_text(db, CRM_KIND_INTERACTION, "number,place,amount\n2,Ulm,5\n3,Ulm,5\n", settings);
    ck_assert_uint_eq(imported.others, 1);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 3);
}
END_TEST

START_TEST(a_refused_row_leaves_nothing_behind)
{
    /* end before start: a rule refuses the interaction after its customer was made. */
    struct imported imported = import_text(db, CRM_KIND_INTERACTION,
                                           "number,place,start,end\n1,Bonn,2017-01-02,2017-01-01\n"
                                           "1,Köln,2017-01-01,2017-01-02\n",
                                           (const char *[]){"mapping", create_customers, NULL});
    ck_assert_uint_eq(imported.created, 1);
    ck_assert_uint_eq(imported.others, 1);
    rejected(&imported, 0, 2, 1, "lies before", "1,Bonn,2017-01-02,2017-01-01");
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 1);
    customer_has("Customer 1", CRM_CUSTOMER_TERRITORY, "Köln");
}
END_TEST

START_TEST(rows_wait_for_rows_of_their_own_kind_that_come_later)
{
    /* A chain from the leaf up, one from the root down, and one that leads nowhere. */
    struct imported imported =
        customers("name,parent\na4,a3\na3,a2\nb2,b1\na2,a1\nb1,\na1,\nb3,b2\nx,y\nself,self\n", NULL);
    ck_assert_uint_eq(imported.created, 7);
    rejected(&imported, 0, 9, 2, "no customer \"y\"", "x,y");
    rejected(&imported, 1, 10, 2, "self", "self,self");
    customer_has("a4", CRM_CUSTOMER_PARENT, "a3");
    customer_has("a2", CRM_CUSTOMER_PARENT, "a1");
    customer_has("b3", CRM_CUSTOMER_PARENT, "b2");
}
END_TEST

START_TEST(a_stage_is_one_of_the_deals_pipeline)
{
    crm_txn *txn = domain_begin(db);
    crm_record *pipeline = crm_create(txn, CRM_KIND_PIPELINE);
    crm_set_text(pipeline, CRM_PIPELINE_NAME, "Renewals", CRM_NUL);
    for (int i = 0; i < 2; i++) {
        crm_record *stage = crm_create(txn, CRM_KIND_STAGE);
        crm_set_text(stage, CRM_STAGE_NAME, i == 0 ? "proposal" : "signed", CRM_NUL);
        crm_set_ref_record(stage, CRM_STAGE_PIPELINE, pipeline);
    }
    domain_commit(txn);
    struct imported imported = import_text(db, CRM_KIND_OPPORTUNITY,
                                           "name,stage,pipeline,close_date\n"
                                           "a,proposal,Renewals,2025-01-01\n"
                                           "b,proposal,Sales,2025-01-01\n"
                                           "c,proposal,,2025-01-01\n" /* the default pipeline's */
                                           "d,signed,,2025-01-01\n"
                                           "e,signed,Sales,2025-01-01\n",
                                           NULL);
    ck_assert_uint_eq(imported.created, 4);
    rejected(&imported, 0, 6, 1, "signed is not one of pipeline Sales", "e,signed,Sales,2025-01-01");
    static const char *const expected[] = {"Renewals", "Sales", "Sales", "Renewals"};
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        has_text(CRM_KIND_OPPORTUNITY, CRM_OPPORTUNITY_NAME, names[i], CRM_OPPORTUNITY_PIPELINE, expected[i]);
}
END_TEST

/* ---- filters and groups ---- */

static const char invoices[] = "only qty > 0 and cust\n"
                               "group no\n"
                               "type = \"purchase\"\n"
                               "external_ids = \"inv:{no}\"\n"
                               "start = min at\n"
                               "end = max at\n"
                               "amount = sum qty * price\n"
                               "score = count\n"
                               "body = last note\n"
                               "customer = cust by name create\n";

START_TEST(rows_of_a_group_become_one_record)
{
    struct imported imported = import_text(db, CRM_KIND_INTERACTION,
                                           "no,qty,price,cust,at,note\n"
                                           "1,2,1.50,Kern,2017-01-02,x\n"
                                           "1,1,0.25,Kern,2017-01-01,y\n"
                                           "1,-5,9,Kern,2017-01-01,\n" /* filtered */
                                           "1,1,1,Kern,2017-01-03,\n"
                                           "2,1,7,,2017-01-03,\n" /* filtered */
                                           "3,1,7,Lang,2017-01-03,z\n",
                                           (const char *[]){"mapping", invoices, "batch_rows", "1", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.read, 6);
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.filtered, 2);
    ck_assert_uint_eq(imported.merged, 2);
    ck_assert_uint_eq(imported.others, 2);
    crm_record *record = import_find(fresh_view(), CRM_KIND_INTERACTION, CRM_FIELD_EXTERNAL_IDS, "inv:1");
    ck_assert_int_eq(crm_int(record, CRM_INTERACTION_AMOUNT), 425); /* 2 * 1.50 + 0.25 + 1 */
    ck_assert_int_eq(crm_int(record, CRM_INTERACTION_SCORE), 3);
    ck_assert_str_eq(crm_display(record, CRM_INTERACTION_CUSTOMER, NULL), "Kern");
    ck_assert_str_eq(crm_text(record, CRM_INTERACTION_BODY, NULL), "y");      /* the last that is not blank */
    ck_assert_int_eq(crm_int(record, CRM_INTERACTION_START), 17167 * DAY_US); /* 2017-01-01 is day 17,167 */
    ck_assert_int_eq(crm_int(record, CRM_INTERACTION_END), 17169 * DAY_US);
    crm_record_free(record);
}
END_TEST

START_TEST(a_bad_row_rejects_its_whole_group_and_a_key_that_returns_is_refused)
{
    struct imported imported = import_text(db, CRM_KIND_INTERACTION,
                                           "no,qty,price,cust,at,note\n"
                                           "1,1,1,Kern,2017-01-01,\n"
                                           "1,1,x,Kern,2017-01-01,\n"
                                           "2,1,1,Kern,2017-01-01,\n"
                                           "3,1,1,Kern,2017-01-01,\n"
                                           "2,1,1,Kern,2017-01-01,\n",
                                           (const char *[]){"mapping", invoices, NULL});
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.rejected, 3);
    rejected(&imported, 0, 2, 1, "its group is rejected for line 3", "1,1,1,Kern,2017-01-01,");
    rejected(&imported, 1, 3, 3, "\"x\" is not a number", "1,1,x,Kern,2017-01-01,");
    ck_assert_ptr_nonnull(strstr(imported.rejects[2].why, "taken"));
    ck_assert_uint_eq(imported.rejects[2].line, 6);
}
END_TEST

START_TEST(groups_stay_whole_when_keys_turn_up_late)
{
    struct imported imported = import_text(db, CRM_KIND_INTERACTION,
                                           "{\"no\":1,\"qty\":2,\"price\":3,\"cust\":\"Kern\"}\n"
                                           "{\"no\":1,\"qty\":1,\"price\":4,\"cust\":\"Kern\",\"subject\":\"x\"}\n"
                                           "{\"no\":1,\"channel\":\"web\",\"qty\":1,\"price\":5,\"cust\":\"Kern\"}\n"
                                           "{\"no\":2,\"channel\":\"web\",\"qty\":1,\"price\":5,\"cust\":\"Kern\"}\n",
                                           (const char *[]){"mapping", invoices, NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.merged, 2);
    crm_record *record = import_find(fresh_view(), CRM_KIND_INTERACTION, CRM_FIELD_EXTERNAL_IDS, "inv:1");
    ck_assert_int_eq(crm_int(record, CRM_INTERACTION_AMOUNT), 1500); /* 2 * 3 + 1 * 4 + 1 * 5 */
    ck_assert_int_eq(crm_int(record, CRM_INTERACTION_SCORE), 3);
    crm_record_free(record);
}
END_TEST

/* ---- JSON Lines ---- */

START_TEST(json_lines_bring_lists_nulls_and_missing_keys)
{
    struct imported imported = customers("{\"external_ids\":[\"erp:1\"],\"name\":\"Acme\",\"employees\":5,"
                                         "\"tags\":[\"a\",\"b;c\"],\"blacklisted\":true,\"description\":\"x\"}\n"
                                         "\n"
                                         "{\"name\":\"Beta\"}\r\n",
                                         NULL);
    import_clean(&imported);
    ck_assert_uint_eq(imported.read, 2);
    crm_record *acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_uint_eq(crm_item_count(acme, CRM_FIELD_TAGS), 2);
    ck_assert_int_eq(crm_int(acme, CRM_CUSTOMER_BLACKLISTED), 1);
    crm_record_free(acme);
    imported = customers("{\"external_ids\":[\"erp:0\",{\"system\":\"erp\",\"value\":\"1\"}],\"description\":null}\n",
                         (const char *[]){"match", "external_ids", NULL});
    import_clean(&imported);
    ck_assert_uint_eq(imported.updated, 1);
    acme = import_find(fresh_view(), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
    ck_assert_int_eq(crm_has(acme, CRM_CUSTOMER_DESCRIPTION), 0);
    ck_assert_int_eq(crm_int(acme, CRM_CUSTOMER_EMPLOYEES), 5); /* a missing key leaves it alone */
    crm_record_free(acme);
}
END_TEST

START_TEST(bad_json_lines_are_rejects)
{
    struct imported imported = customers("{\"name\":\"Acme\"}\n{\"name\":\n[1]\n{\"name\":\"B\",\"name\":\"C\"}\n"
                                         "{\"name\":\"D\",\"hat\":7}\n{\"name\":\"E\"}\n",
                                         NULL);
    ck_assert_uint_eq(imported.read, 6);
    ck_assert_uint_eq(imported.created, 2);
    ck_assert_uint_eq(imported.rejects[0].line, 2);
    rejected(&imported, 1, 3, 1, "object", "[1]");
    rejected(&imported, 2, 4, 1, "twice", "{\"name\":\"B\",\"name\":\"C\"}");
    rejected(&imported, 3, 5, 2, "no field has the name of this key", "{\"name\":\"D\",\"hat\":7}");
}
END_TEST

/* ---- misuse ---- */

START_TEST(settings_that_cannot_be_meant_are_refused)
{
    static const char *const wrong[][2] = {{"nonsense", "1"},   {"format", "xml"},      {"delimiter", ";;"},
                                           {"batch_rows", "0"}, {"strict", "maybe"},    {"map", "name"},
                                           {"map", "hat=x"},    {"match", "hat"},       {"date_format", "%m"},
                                           {"blank", "never"},  {"mapping", "name =="}, {"map", "version=x"}};
    crm_error error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        crm_import *import = NULL;
        ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
        ck_assert_msg(crm_import_set(import, wrong[i][0], wrong[i][1], CRM_NUL, &error) == CRM_INVALID, "%s",
                      wrong[i][0]);
        ck_assert_uint_gt(strlen(error.message), 10);
        crm_import_free(import);
    }
    crm_import *import = NULL;
    ck_assert_int_eq(crm_import_create(db, 9999, &import, &error), CRM_INVALID);
    ck_assert_int_eq(crm_import_create(NULL, 1, &import, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_feed(NULL, "", 0, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_finish(NULL, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_reject(NULL, NULL, NULL, NULL, NULL, NULL), CRM_MISUSE);
    crm_import_free(NULL);
}
END_TEST

START_TEST(an_import_given_up_leaves_only_whole_batches_and_no_lock)
{
    crm_import *import = NULL;
    crm_error error;
    ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
    ck_assert_int_eq(crm_import_set(import, "batch_rows", "2", CRM_NUL, &error), CRM_OK);
    ck_assert_int_eq(crm_import_set(import, "format", "jsonl", CRM_NUL, &error), CRM_OK);
    char text[70000];
    memset(text, ' ', sizeof text); /* more than is looked at to find out the format */
    memcpy(text, "{\"name\":\"a\"}\n{\"name\":\"b\"}\n{\"name\":\"c\"}\n", 39);
    ck_assert_int_eq(crm_import_feed(import, text, sizeof text, &error), CRM_OK);
    crm_import_free(import);
    ck_assert_uint_eq(import_count(db, CRM_KIND_CUSTOMER), 2);
    domain_commit(domain_begin(db)); /* the lock is free */
}
END_TEST

START_TEST(closing_the_file_ends_its_imports)
{
    crm_db *other = domain_open();
    crm_import *import = NULL;
    crm_error error;
    char text[70000];
    memset(text, ' ', sizeof text);
    memcpy(text, "{\"name\":\"a\"}\n", 13);
    ck_assert_int_eq(crm_import_create(other, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
    ck_assert_int_eq(crm_import_set(import, "format", "jsonl", CRM_NUL, &error), CRM_OK);
    ck_assert_int_eq(crm_import_feed(import, text, sizeof text, &error), CRM_OK);
    ck_assert_uint_eq(crm_import_count(import, CRM_IMPORT_CREATED), 1);
    domain_close(other);
    ck_assert_int_eq(crm_import_feed(import, "\n{\"name\":\"b\"}\n", 14, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_import_finish(import, &error), CRM_MISUSE);
    ck_assert_ptr_nonnull(strstr(error.message, "closed"));
    crm_import_free(import);
}
END_TEST

static Suite *import_suite(void)
{
    Suite *suite = suite_create("import");
    TCase *tests = tcase_create("rows");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, columns_go_to_the_fields_of_their_name_or_label);
    tcase_add_test(tests, a_column_that_fits_nothing_stops_the_import_before_any_row);
    tcase_add_test(tests, fields_that_the_library_keeps_are_not_imported_silently);
    tcase_add_test(tests, a_bad_row_is_told_with_line_column_and_reason_and_the_good_go_in);
    tcase_add_test(tests, money_is_exact_unless_rounding_is_asked_for);
    tcase_add_test(tests, dates_and_decimal_commas_are_read_in_the_form_that_is_said);
    tcase_add_test(tests, a_row_whose_expression_has_no_value_is_rejected);
    tcase_add_test(tests, unknown_choices_are_refused_or_added_on_request);
    tcase_add_test(tests, lists_come_from_several_columns_and_in_parts);
    tcase_add_test(tests, the_first_condition_that_holds_gives_a_field);
    tcase_add_test(tests, strict_writes_all_or_nothing);
    tcase_add_test(tests, a_dry_run_counts_truly_and_writes_nothing);
    tcase_add_test(tests, every_transaction_carries_the_batch_and_undo_takes_all_back);
    tcase_add_test(tests, a_batch_without_a_name_is_named_by_kind_and_time);
    tcase_add_test(tests, matching_updates_what_differs_and_leaves_the_rest_alone);
    tcase_add_test(tests, matching_by_e_mail_keeps_the_other_addresses);
    tcase_add_test(tests, what_several_records_have_cannot_be_matched);
    tcase_add_test(tests, an_id_makes_that_record_or_finds_it);
    tcase_add_test(tests, a_blank_keeps_or_clears_as_is_said);
    tcase_add_test(tests, references_are_found_by_id_external_id_e_mail_and_name);
    tcase_add_test(tests, missing_targets_are_made_once_and_counted_by_themselves);
    tcase_add_test(tests, a_refused_row_leaves_nothing_behind);
    tcase_add_test(tests, rows_wait_for_rows_of_their_own_kind_that_come_later);
    tcase_add_test(tests, a_stage_is_one_of_the_deals_pipeline);
    tcase_add_test(tests, rows_of_a_group_become_one_record);
    tcase_add_test(tests, a_bad_row_rejects_its_whole_group_and_a_key_that_returns_is_refused);
    tcase_add_test(tests, groups_stay_whole_when_keys_turn_up_late);
    tcase_add_test(tests, json_lines_bring_lists_nulls_and_missing_keys);
    tcase_add_test(tests, bad_json_lines_are_rejects);
    tcase_add_test(tests, settings_that_cannot_be_meant_are_refused);
    tcase_add_test(tests, an_import_given_up_leaves_only_whole_batches_and_no_lock);
    tcase_add_test(tests, closing_the_file_ends_its_imports);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(import_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
