/* One record by a value of its own: ids, unique fields, names, e-mails, phones,
 * external ids and what a person means by a text; also in old views. */
#include "domain_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crm_record *customer(crm_txn *txn, const char *name)
{
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL), CRM_OK);
    return record;
}

static void item(crm_record *record, uint32_t field, const char *value)
{
    ck_assert_int_eq(crm_item_add(record, field, value, CRM_NUL), CRM_OK);
}

/* Who is found, by title; "" for nobody. */
static void finds(crm_view *view, uint32_t kind, uint32_t field, const char *text, const char *title)
{
    crm_error error;
    crm_record *record = NULL;
    int32_t status = crm_find(view, kind, field, text, CRM_NUL, &record, &error);
    if (title[0] == 0) {
        ck_assert_msg(status == CRM_NOT_FOUND && record == NULL, "\"%s\": %s", text,
                      status == CRM_OK ? crm_title(record, NULL) : error.message);
    } else {
        ck_assert_msg(status == CRM_OK, "\"%s\": %s", text, error.message);
        ck_assert_str_eq(crm_title(record, NULL), title);
    }
    crm_record_free(record);
}

START_TEST(a_record_is_got_by_its_id_deleted_or_not)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id acme, gone, nobody = {{1}}, same;
    crm_record_id(customer(txn, "Acme"), &acme);
    crm_record_id(customer(txn, "Gone"), &gone);
    domain_commit(txn);
    crm_view *before = domain_view(db);
    txn = domain_begin(db);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &gone)), CRM_OK);
    crm_id late;
    crm_record_id(customer(txn, "Late"), &late);
    domain_commit(txn);
    crm_view *now = domain_view(db);
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(now, CRM_KIND_CUSTOMER, &gone, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_record_deleted(record), 1);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Gone");
    crm_record_id(record, &same);
    ck_assert_int_eq(memcmp(&same, &gone, sizeof same), 0);
    ck_assert_uint_eq(crm_record_kind(record), CRM_KIND_CUSTOMER);
    ck_assert_uint_eq(crm_record_version(record), 2);
    crm_record_free(record);
    ck_assert_int_eq(crm_get(before, CRM_KIND_CUSTOMER, &gone, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_record_deleted(record), 0);
    ck_assert_uint_eq(crm_record_version(record), 1);
    crm_record_free(record);
    ck_assert_int_eq(crm_get(before, CRM_KIND_CUSTOMER, &late, &record, NULL), CRM_NOT_FOUND);
    ck_assert_ptr_null(record);
    ck_assert_int_eq(crm_get(now, CRM_KIND_CONTACT, &acme, &record, NULL), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_get(now, CRM_KIND_CUSTOMER, &nobody, &record, NULL), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_get(now, 999, &acme, &record, NULL), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_get_any(now, &acme, &record, NULL), CRM_OK);
    ck_assert_uint_eq(crm_record_kind(record), CRM_KIND_CUSTOMER);
    crm_record_free(record);
    ck_assert_int_eq(crm_get_any(now, &nobody, &record, NULL), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_get(now, CRM_KIND_CUSTOMER, NULL, &record, NULL), CRM_MISUSE);
    crm_record_free(NULL);
    crm_view_close(before);
    crm_view_close(now);
    domain_close(db);
}
END_TEST

START_TEST(names_match_folded_and_whole)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    customer(txn, "Müller & Söhne GmbH");
    customer(txn, "Acme");
    customer(txn, "Acme Nord");
    crm_view *view = crm_txn_view(txn);
    for (int round = 0; round < 2; round++) {
        finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "MULLER  SOHNE gmbh", "");
        finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "müller & söhne gmbh", "Müller & Söhne GmbH");
        finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "ACME", "Acme");
        finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acm", "");
        finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "", "");
        if (round == 0)
            domain_commit(txn);
        view = round == 0 ? domain_view(db) : view;
    }
    crm_record *record = NULL;
    ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_WEBSITE, "x", CRM_NUL, &record, NULL), CRM_INVALID);
    ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, 9999, "x", CRM_NUL, &record, NULL), CRM_INVALID);
    ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, NULL, 0, &record, NULL), CRM_MISUSE);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* Longer than a key of the index may be, deflated in the log. */
START_TEST(long_names_are_told_apart_at_their_end)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    static char first[5001], second[5001], other[5001];
    memset(first, 'a', 5000);
    memcpy(second, first, sizeof first);
    second[4999] = 'b';
    memcpy(other, first, sizeof first);
    other[4999] = 'c';
    customer(txn, first);
    customer(txn, second);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, first, first);
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, second, second);
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, other, "");
    static const struct {
        int32_t op;
        uint64_t count;
    } cases[] = {{CRM_OP_LT, 1}, {CRM_OP_LE, 2}, {CRM_OP_GT, 0}, {CRM_OP_GE, 1}, {CRM_OP_PREFIX, 1}, {CRM_OP_NE, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        crm_query *query = NULL;
        uint64_t count = 99;
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
        crm_query_where_text(query, CRM_CUSTOMER_NAME, cases[i].op, second, CRM_NUL); /* aaa…b */
        ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
        ck_assert_msg(count == cases[i].count, "operator %d: %llu", cases[i].op, (unsigned long long)count);
        crm_query_free(query);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(a_phone_is_found_in_any_formatting)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    item(customer(txn, "Berlin"), CRM_CUSTOMER_PHONES, "+49 30 901820");
    item(customer(txn, "Extension"), CRM_CUSTOMER_PHONES, "030/5550-17");
    item(customer(txn, "Mobile"), CRM_CUSTOMER_PHONES, "0171 1234567");
    item(customer(txn, "Short"), CRM_CUSTOMER_PHONES, "110");
    domain_commit(txn);
    crm_view *view = domain_view(db);
    static const char *const cases[][2] = {
        {"0049 (30) 90 18 20", "Berlin"},
        {"030 901820", "Berlin"},
        {"901820", "Berlin"},
        {"1820", "Berlin"},
        {"+49 30 555017", "Extension"},
        {"555017", "Extension"},
        {"+491711234567", "Mobile"},
        {"110", "Short"},
        {"901821", ""},
        {"not a number", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_PHONES, cases[i][0], cases[i][1]);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(emails_domains_external_ids_and_tags_are_found)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *acme = customer(txn, "Acme");
    item(acme, CRM_CUSTOMER_EMAILS, "Office@Acme.example");
    item(acme, CRM_CUSTOMER_EMAILS, "sales@acme.example");
    item(acme, CRM_FIELD_EXTERNAL_IDS, "erp:4711");
    item(acme, CRM_FIELD_EXTERNAL_IDS, "plain");
    item(acme, CRM_FIELD_TAGS, "Key Account");
    crm_set_text(acme, CRM_CUSTOMER_DOMAIN, "https://www.acme.example/about", CRM_NUL);
    crm_record *other = customer(txn, "Other");
    item(other, CRM_FIELD_EXTERNAL_IDS, "web:4711"); /* the same number in another system */
    crm_set_parsed(other, CRM_CUSTOMER_INDUSTRY, "", CRM_NUL);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "mailto:OFFICE@acme.example", "Acme");
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "sales@ACME.example", "Acme");
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "nobody@acme.example", "");
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "no address", "");
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_DOMAIN, "acme.example", "Acme");
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_DOMAIN, "office@acme.example", "Acme");
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:4711", "Acme");
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "web:4711", "Other");
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "4711", "Acme"); /* the older one */
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "plain", "Acme");
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:4712", "");
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_TAGS, "key account", "Acme");
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_TAGS, "key", "");
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(a_view_finds_what_it_would_have_found)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id one, two;
    crm_record *record = customer(txn, "One");
    crm_record_id(record, &one);
    item(record, CRM_CUSTOMER_EMAILS, "shared@acme.example");
    item(record, CRM_CUSTOMER_PHONES, "030 111111");
    item(record, CRM_FIELD_EXTERNAL_IDS, "erp:1");
    record = customer(txn, "Two");
    crm_record_id(record, &two);
    domain_commit(txn);
    crm_view *before = domain_view(db);
    txn = domain_begin(db);
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &one);
    crm_set_text(record, CRM_CUSTOMER_NAME, "One renamed", CRM_NUL);
    crm_set_null(record, CRM_CUSTOMER_EMAILS);
    crm_set_null(record, CRM_CUSTOMER_PHONES);
    crm_set_null(record, CRM_FIELD_EXTERNAL_IDS);
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &two);
    item(record, CRM_CUSTOMER_EMAILS, "shared@acme.example");
    item(record, CRM_CUSTOMER_PHONES, "030 111111");
    item(record, CRM_FIELD_EXTERNAL_IDS, "erp:1");
    crm_view *inside = crm_txn_view(txn);
    static const struct {
        uint32_t field;
        const char *text;
    } keys[] = {{CRM_CUSTOMER_EMAILS, "shared@acme.example"},
                {CRM_CUSTOMER_PHONES, "111111"},
                {CRM_FIELD_EXTERNAL_IDS, "erp:1"}};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            finds(before, CRM_KIND_CUSTOMER, keys[i].field, keys[i].text, "One");
            finds(inside, CRM_KIND_CUSTOMER, keys[i].field, keys[i].text, "Two");
        }
        finds(before, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "one", "One");
        finds(before, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "one renamed", "");
        finds(inside, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "one renamed", "One renamed");
        if (round == 0) {
            domain_commit(txn);
            inside = domain_view(db);
        }
    }
    crm_view_close(before);
    crm_view_close(inside);
    crm_view *past = NULL;
    ck_assert_int_eq(crm_view_open_lsn(db, crm_lsn(db) - 1, &past, NULL), CRM_OK);
    for (size_t i = 0; i < 3; i++)
        finds(past, CRM_KIND_CUSTOMER, keys[i].field, keys[i].text, "One");
    crm_view_close(past);
    /* A deleted record is found by nothing but its id. */
    txn = domain_begin(db);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &two)), CRM_OK);
    for (size_t i = 0; i < 3; i++)
        finds(crm_txn_view(txn), CRM_KIND_CUSTOMER, keys[i].field, keys[i].text, "");
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_CUSTOMER, &two)), CRM_OK);
    for (size_t i = 0; i < 3; i++)
        finds(crm_txn_view(txn), CRM_KIND_CUSTOMER, keys[i].field, keys[i].text, "Two");
    domain_commit(txn);
    domain_close(db);
}
END_TEST

static void resolves(crm_view *view, const char *text, int32_t status, const crm_id *expected)
{
    crm_id id;
    crm_error error;
    int32_t got = crm_resolve(view, CRM_KIND_CUSTOMER, text, CRM_NUL, &id, &error);
    ck_assert_msg(got == status, "\"%s\": %d %s", text, got, got == CRM_OK ? "" : error.message);
    if (status == CRM_OK)
        ck_assert_int_eq(memcmp(&id, expected, sizeof id), 0);
    else
        ck_assert_int_gt((int)strlen(error.message), 10);
}

START_TEST(a_person_names_a_record_in_many_ways)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id acme, confusing;
    char text[37];
    crm_record *record = customer(txn, "Acme");
    crm_record_id(record, &acme);
    item(record, CRM_FIELD_EXTERNAL_IDS, "erp:1");
    item(record, CRM_CUSTOMER_EMAILS, "a@acme.example");
    crm_record_id(customer(txn, "erp:1x"), &confusing);
    customer(txn, "Twin");
    customer(txn, "twin");
    for (int i = 0; i < 2; i++)
        item(customer(txn, "Shared"), CRM_CUSTOMER_EMAILS, "s@acme.example");
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_id_format(&acme, text);
    resolves(view, text, CRM_OK, &acme);
    resolves(view, "erp:1", CRM_OK, &acme);
    resolves(view, "1", CRM_OK, &acme);
    resolves(view, "A@ACME.example", CRM_OK, &acme);
    resolves(view, " acme ", CRM_OK, &acme);
    resolves(view, "erp:1x", CRM_OK, &confusing);
    resolves(view, "twin", CRM_DUPLICATE, NULL);
    resolves(view, "s@acme.example", CRM_DUPLICATE, NULL);
    resolves(view, "nobody", CRM_NOT_FOUND, NULL);
    resolves(view, "", CRM_NOT_FOUND, NULL);
    resolves(view, "01020304-0506-0708-090a-0b0c0d0e0f10", CRM_NOT_FOUND, NULL);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(an_upsert_finds_or_makes)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    int32_t created = -1;
    crm_id first, second;
    crm_record *record = crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:7", CRM_NUL, &created);
    ck_assert_int_eq(created, 1);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Seven", CRM_NUL);
    crm_record_id(record, &first);
    record = crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:7", CRM_NUL, &created);
    ck_assert_int_eq(created, 0);
    crm_record_id(record, &second);
    ck_assert_int_eq(memcmp(&first, &second, sizeof first), 0);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Seven again", CRM_NUL);
    domain_commit(txn);
    txn = domain_begin(db);
    record = crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:7", CRM_NUL, NULL);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Seven again");
    record = crm_upsert(txn, CRM_KIND_PRODUCT, CRM_PRODUCT_SKU, "P-1", CRM_NUL, &created);
    ck_assert_int_eq(created, 1);
    crm_set_text(record, CRM_PRODUCT_NAME, "Pump", CRM_NUL);
    ck_assert_str_eq(crm_text(record, CRM_PRODUCT_SKU, NULL), "P-1");
    record = crm_upsert(txn, CRM_KIND_PRODUCT, CRM_PRODUCT_SKU, "p-1", CRM_NUL, &created);
    ck_assert_int_eq(created, 0);
    /* An e-mail is no unique field: several may have it, and then the upsert cannot know. */
    for (int i = 0; i < 2; i++)
        item(customer(txn, "Shared"), CRM_CUSTOMER_EMAILS, "s@acme.example");
    ck_assert_ptr_null(crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "s@acme.example", CRM_NUL, &created));
    domain_refused(txn, CRM_DUPLICATE, "s@acme.example");
    ck_assert_ptr_null(crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "x", CRM_NUL, &created));
    domain_refused(txn, CRM_INVALID, "unique field");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(a_unique_value_has_one_live_owner)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id one;
    crm_record *record = customer(txn, "One");
    item(record, CRM_FIELD_EXTERNAL_IDS, "erp:1");
    crm_record_id(record, &one);
    record = customer(txn, "Two");
    item(record, CRM_FIELD_EXTERNAL_IDS, "erp:1");
    domain_refused(txn, CRM_DUPLICATE, "customer.external_ids|erp:1");
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &one)), CRM_OK);
    record = customer(txn, "Three");
    item(record, CRM_FIELD_EXTERNAL_IDS, "erp:1"); /* its owner is gone */
    domain_accepted(txn);
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_CUSTOMER, &one)), CRM_OK);
    domain_refused(txn, CRM_DUPLICATE, "erp:1");
    domain_commit(txn);
    crm_view *view = domain_view(db);
    finds(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:1", "Three");
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* In a transaction keys of trees wait, to go in together: a look-up by address or
 * id leaves them waiting, and what needs the trees finds them whole. */
START_TEST(a_transaction_that_looks_up_while_it_writes_finds_all_that_it_wrote)
{
    enum { CUSTOMERS = 300 };
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    char name[32], address[48], phone[32];
    crm_id ids[CUSTOMERS];
    for (int round = 0; round < 2; round++) {
        for (int i = round * CUSTOMERS / 2; i < (round + 1) * CUSTOMERS / 2; i++) {
            int other = i / 2;
            crm_record *found = NULL;
            snprintf(name, sizeof name, "Customer %03d", (i * 7) % CUSTOMERS);
            snprintf(address, sizeof address, "c%d@firm.example", i);
            snprintf(phone, sizeof phone, "+44 20 7%07d", i);
            finds(crm_txn_view(txn), CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, address, "");
            crm_record *record = customer(txn, name);
            crm_record_id(record, &ids[i]);
            item(record, CRM_CUSTOMER_EMAILS, address);
            item(record, CRM_CUSTOMER_PHONES, phone);
            snprintf(name, sizeof name, "Customer %03d", (other * 7) % CUSTOMERS);
            snprintf(address, sizeof address, "C%d@FIRM.example", other);
            finds(crm_txn_view(txn), CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, address, name);
            ck_assert_int_eq(crm_get(crm_txn_view(txn), CRM_KIND_CUSTOMER, &ids[other], &found, NULL), CRM_OK);
            ck_assert_str_eq(crm_text(found, CRM_CUSTOMER_NAME, NULL), name);
            crm_record_free(found);
        }
        crm_query *query = NULL;
        crm_record *record;
        uint64_t count = 0;
        snprintf(phone, sizeof phone, "7%07d", (round + 1) * CUSTOMERS / 2 - 1);
        snprintf(name, sizeof name, "Customer %03d", ((round + 1) * CUSTOMERS / 2 - 1) * 7 % CUSTOMERS);
        finds(crm_txn_view(txn), CRM_KIND_CUSTOMER, CRM_CUSTOMER_PHONES, phone, name);
        ck_assert_int_eq(crm_query_create(crm_txn_view(txn), CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
        crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, "customer", CRM_NUL);
        crm_query_order(query, CRM_CUSTOMER_NAME, 0);
        ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
        ck_assert_uint_eq(count, (uint64_t)(round + 1) * CUSTOMERS / 2);
        for (int i = 0; round == 1 && i < CUSTOMERS; i++) { /* 7 and 300 share no factor: each name once */
            snprintf(name, sizeof name, "Customer %03d", i);
            ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
            ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), name);
        }
        crm_query_free(query);
    }
    crm_rollback(txn);
    crm_view *view = domain_view(db);
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Customer 007", "");
    finds(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "c1@firm.example", "");
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup");
    TCase *cases = tcase_create("lookup");
    tcase_add_test(cases, a_record_is_got_by_its_id_deleted_or_not);
    tcase_add_test(cases, names_match_folded_and_whole);
    tcase_add_test(cases, long_names_are_told_apart_at_their_end);
    tcase_add_test(cases, a_phone_is_found_in_any_formatting);
    tcase_add_test(cases, emails_domains_external_ids_and_tags_are_found);
    tcase_add_test(cases, a_view_finds_what_it_would_have_found);
    tcase_add_test(cases, a_person_names_a_record_in_many_ways);
    tcase_add_test(cases, an_upsert_finds_or_makes);
    tcase_add_test(cases, a_unique_value_has_one_live_owner);
    tcase_add_test(cases, a_transaction_that_looks_up_while_it_writes_finds_all_that_it_wrote);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
