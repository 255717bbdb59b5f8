/* Values from text and back: what crm_format writes, crm_set_parsed reads as the
 * same value, for every type; what is no value is refused and said so. */
#include "domain_fixture.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kind of the user's own with a field of every type that can be set. */
struct sample {
    uint32_t kind, boolean, integer, decimal, whole, real, money, time, date, text, choice, currency, ref, any;
    uint32_t emails, phones, addresses, ids, tags, refs;
};

static uint32_t add_field(crm_txn *txn, uint32_t kind, const char *name, int32_t type, uint32_t target)
{
    uint32_t field = 0;
    ck_assert_int_eq(crm_field_add(txn, kind, name, CRM_NUL, type, 0, target, &field), CRM_OK);
    return field;
}

static struct sample make_sample(crm_txn *txn)
{
    struct sample s;
    int64_t code;
    ck_assert_int_eq(crm_kind_add(txn, "sample", CRM_NUL, &s.kind), CRM_OK);
    s.boolean = add_field(txn, s.kind, "boolean", CRM_TYPE_BOOL, 0);
    s.integer = add_field(txn, s.kind, "integer", CRM_TYPE_INT, 0);
    s.decimal = add_field(txn, s.kind, "decimal", CRM_TYPE_DECIMAL, 3);
    s.whole = add_field(txn, s.kind, "whole", CRM_TYPE_DECIMAL, 0);
    s.real = add_field(txn, s.kind, "real", CRM_TYPE_REAL, 0);
    s.money = add_field(txn, s.kind, "money", CRM_TYPE_MONEY, 0);
    s.time = add_field(txn, s.kind, "time", CRM_TYPE_TIME, 0);
    s.date = add_field(txn, s.kind, "date", CRM_TYPE_DATE, 0);
    s.text = add_field(txn, s.kind, "text", CRM_TYPE_TEXT, 0);
    s.choice = add_field(txn, s.kind, "choice", CRM_TYPE_CHOICE, 0);
    s.currency = add_field(txn, s.kind, "currency", CRM_TYPE_CURRENCY, 0);
    s.ref = add_field(txn, s.kind, "ref", CRM_TYPE_REF, CRM_KIND_CUSTOMER);
    s.any = add_field(txn, s.kind, "any", CRM_TYPE_ANY_REF, 0);
    s.emails = add_field(txn, s.kind, "emails", CRM_TYPE_EMAILS, 0);
    s.phones = add_field(txn, s.kind, "phones", CRM_TYPE_PHONES, 0);
    s.addresses = add_field(txn, s.kind, "addresses", CRM_TYPE_ADDRESSES, 0);
    s.ids = add_field(txn, s.kind, "ids", CRM_TYPE_EXTERNAL_IDS, 0);
    s.tags = add_field(txn, s.kind, "labels", CRM_TYPE_TAGS, 0);
    s.refs = add_field(txn, s.kind, "refs", CRM_TYPE_REFS, 0);
    ck_assert_int_eq(crm_choice_add(txn, s.kind, s.choice, "Red wine", CRM_NUL, &code), CRM_OK);
    ck_assert_int_eq(crm_choice_add(txn, s.kind, s.choice, "7", CRM_NUL, &code), CRM_OK); /* a name like a number */
    return s;
}

static crm_record *customer(crm_txn *txn, const char *name)
{
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL), CRM_OK);
    return record;
}

static void set(crm_record *record, uint32_t field, const char *text)
{
    ck_assert_msg(crm_set_parsed(record, field, text, CRM_NUL) == CRM_OK, "\"%s\" was refused", text);
}

/* The value of the field, taken to another record as text, is the same there. */
static crm_record *carried(crm_txn *txn, const crm_record *from, uint32_t field)
{
    crm_error error;
    size_t length, again;
    const char *text = crm_format(from, field, &length);
    char *copy = malloc(length + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length + 1);
    crm_record *to = crm_create(txn, crm_record_kind(from));
    if (crm_set_parsed(to, field, copy, length) != CRM_OK) {
        crm_txn_status(txn, &error);
        ck_abort_msg("\"%s\" cannot be read again: %s", copy, error.message);
    }
    text = crm_format(to, field, &again);
    ck_assert_msg(again == length && memcmp(text, copy, length) == 0, "\"%s\" became \"%s\"", copy, text);
    ck_assert_int_eq(crm_has(to, field), crm_has(from, field));
    free(copy);
    return to;
}

static void reads(crm_txn *txn, const struct sample *s, uint32_t field, const char *text, int64_t expected,
                  const char *written)
{
    crm_error error;
    crm_record *record = crm_create(txn, s->kind);
    if (crm_set_parsed(record, field, text, CRM_NUL) != CRM_OK) {
        crm_txn_status(txn, &error);
        ck_abort_msg("\"%s\" was refused: %s", text, error.message);
    }
    ck_assert_msg(crm_int(record, field) == expected, "\"%s\" is %lld", text, (long long)crm_int(record, field));
    ck_assert_str_eq(crm_format(record, field, NULL), written);
    ck_assert_int_eq(crm_int(carried(txn, record, field), field), expected);
}

static void refuses(crm_txn *txn, const struct sample *s, uint32_t field, const char *text, const char *said)
{
    crm_record *record = crm_create(txn, s->kind);
    ck_assert_msg(crm_set_parsed(record, field, text, CRM_NUL) == CRM_INVALID, "\"%s\" was taken", text);
    domain_refused(txn, CRM_INVALID, said);
}

START_TEST(booleans_and_numbers_are_read_as_people_write_them)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    static const char *const yes[] = {"true", "TRUE", "Yes", "1", " yes "};
    static const char *const no[] = {"false", "False", "NO", "0"};
    for (size_t i = 0; i < 5; i++)
        reads(txn, &s, s.boolean, yes[i], 1, "true");
    for (size_t i = 0; i < 4; i++)
        reads(txn, &s, s.boolean, no[i], 0, "false");
    reads(txn, &s, s.integer, "-42", -42, "-42");
    reads(txn, &s, s.integer, "+7", 7, "7");
    reads(txn, &s, s.integer, " 1,234,567 ", 1234567, "1234567");
    reads(txn, &s, s.integer, "9223372036854775807", INT64_MAX, "9223372036854775807");
    reads(txn, &s, s.integer, "-9223372036854775807", -INT64_MAX, "-9223372036854775807");
    reads(txn, &s, s.decimal, "1,234.5", 1234500, "1234.500"); /* scale 3 */
    reads(txn, &s, s.decimal, "-0.001", -1, "-0.001");
    reads(txn, &s, s.decimal, "9223372036854775.807", INT64_MAX, "9223372036854775.807");
    reads(txn, &s, s.whole, "12", 12, "12");
    refuses(txn, &s, s.boolean, "maybe", "sample.boolean: \"maybe\" is neither true nor false");
    refuses(txn, &s, s.boolean, "2", "neither true nor false");
    refuses(txn, &s, s.integer, "1.5", "sample.integer: \"1.5\" is no whole number");
    refuses(txn, &s, s.integer, "9223372036854775808", "whole number");
    refuses(txn, &s, s.integer, "-9223372036854775808", "whole number"); /* stands for "nothing" in a column */
    refuses(txn, &s, s.integer, "1,23", "whole number");
    refuses(txn, &s, s.integer, "12 apples", "whole number");
    refuses(txn, &s, s.decimal, "0.0001", "at most 3 decimals");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(real_numbers_come_back_to_the_last_bit)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    const double numbers[] = {0.1, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -2.5, 1e22, 123456789.123456789};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        crm_record *record = crm_create(txn, s.kind);
        ck_assert_int_eq(crm_set_real(record, s.real, numbers[i]), CRM_OK);
        ck_assert(crm_real(carried(txn, record, s.real), s.real) == numbers[i]);
    }
    crm_record *record = crm_create(txn, s.kind);
    set(record, s.real, "1,234.5");
    ck_assert(crm_real(record, s.real) == 1234.5);
    set(record, s.real, "-0");
    ck_assert(!signbit(crm_real(record, s.real)));
    refuses(txn, &s, s.real, "1e999", "sample.real");
    refuses(txn, &s, s.real, "nan", "no number");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(money_is_in_the_records_currency_else_the_files)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    reads(txn, &s, s.money, "1,234.50", 123450, "1234.50"); /* the file's: EUR has 2 decimals */
    reads(txn, &s, s.money, "1234.5 EUR", 123450, "1234.50");
    reads(txn, &s, s.money, "eur 0.01", 1, "0.01");
    reads(txn, &s, s.money, "(12.00)", -1200, "-12.00");
    reads(txn, &s, s.money, "-92233720368547758.07", -INT64_MAX, "-92233720368547758.07");
    refuses(txn, &s, s.money, "1.005", "sample.money: \"1.005\" is no amount in EUR");
    refuses(txn, &s, s.money, "-92233720368547758.08", "no amount in EUR"); /* INT64_MIN means that there is none */
    refuses(txn, &s, s.money, "many EUR", "\"many EUR\" is no amount in EUR");
    refuses(txn, &s, s.money, "12 USD", "not an amount in EUR; set the currency of the record first");
    crm_record *record = crm_create(txn, s.kind);
    set(record, s.currency, "jpy");
    set(record, s.money, "1,234 JPY"); /* the currency that was set a moment ago, without decimals */
    ck_assert_int_eq(crm_int(record, s.money), 1234);
    ck_assert_str_eq(crm_format(record, s.money, NULL), "1234");
    ck_assert_str_eq(crm_display(record, s.money, NULL), "1,234 JPY");
    set(record, s.currency, "KWD");
    set(record, s.money, "1.005"); /* three decimals */
    ck_assert_int_eq(crm_int(record, s.money), 1005);
    ck_assert_str_eq(crm_display(record, s.money, NULL), "1.005 KWD");
    set(record, s.currency, "");
    set(record, s.money, "1234567.5");
    ck_assert_str_eq(crm_display(record, s.money, NULL), "1,234,567.50 EUR");
    reads(txn, &s, s.currency, "usd", 840, "USD"); /* ISO 4217: 840 */
    reads(txn, &s, s.currency, "978", 978, "EUR");
    refuses(txn, &s, s.currency, "1978", "is no ISO 4217 currency");
    refuses(txn, &s, s.currency, "ZZZ", "sample.currency: \"ZZZ\" is no ISO 4217 currency");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(times_and_dates_keep_every_microsecond_and_day)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    /* 2017-03-01 is day 17,226: 47 years of 365 days, 12 leap days, 31 + 28. */
    const int64_t march = 17226 * DAY_US;
    reads(txn, &s, s.time, "2017-03-01T10:00:00Z", march + INT64_C(36000000000), "2017-03-01T10:00:00Z");
    reads(txn, &s, s.time, "2017-03-01 10:00:00.123456", march + INT64_C(36000123456), "2017-03-01T10:00:00.123456Z");
    reads(txn, &s, s.time, "2017-03-01T12:00+02:00", march + INT64_C(36000000000), "2017-03-01T10:00:00Z");
    reads(txn, &s, s.time, "today", DOMAIN_DAY * DAY_US, "2024-01-15T00:00:00Z");
    reads(txn, &s, s.time, "-30d", DOMAIN_NOW - 30 * DAY_US, "2023-12-16T12:00:00Z");
    reads(txn, &s, s.date, "2017-03-01", 17226, "2017-03-01");
    reads(txn, &s, s.date, "yesterday", DOMAIN_DAY - 1, "2024-01-14");
    const int64_t times[] = {-INT64_MAX, -1, 0, 1, INT64_MAX, INT64_C(253402300799999999)};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        crm_record *record = crm_create(txn, s.kind);
        ck_assert_int_eq(crm_set_int(record, s.time, times[i]), CRM_OK);
        ck_assert_int_eq(crm_int(carried(txn, record, s.time), s.time), times[i]);
    }
    const int64_t dates[] = {-INT32_MAX, -1, 0, INT32_MAX};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        crm_record *record = crm_create(txn, s.kind);
        ck_assert_int_eq(crm_set_int(record, s.date, dates[i]), CRM_OK);
        ck_assert_int_eq(crm_int(carried(txn, record, s.date), s.date), dates[i]);
    }
    crm_record *record = crm_create(txn, s.kind);
    set(record, s.time, "2017-03-01T10:00:59Z");
    ck_assert_str_eq(crm_display(record, s.time, NULL), "2017-03-01 10:00");
    /* The least of each type stands for "none": 2^63 us before 1970, 2^31 days before it. */
    refuses(txn, &s, s.time, "-290308-12-21T19:59:05.224192Z", "no time");
    refuses(txn, &s, s.date, "-5877641-06-23", "no date");
    refuses(txn, &s, s.time, "soon", "sample.time: \"soon\" is no time like");
    refuses(txn, &s, s.date, "2017-02-29", "sample.date: \"2017-02-29\" is no date like");
    refuses(txn, &s, s.date, "31.12.2017", "no date");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(choices_go_by_name_and_the_refusal_lists_them)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    reads(txn, &s, s.choice, "Red wine", 1, "Red wine");
    reads(txn, &s, s.choice, "red_WINE", 1, "Red wine"); /* case, blank, '_' and '-' are one */
    reads(txn, &s, s.choice, "1", 1, "Red wine");
    reads(txn, &s, s.choice, "7", 2, "7"); /* a name counts before a number */
    refuses(txn, &s, s.choice, "white wine", "sample.choice has no choice \"white wine\"; it has: Red wine, 7");
    crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
    ck_assert_int_eq(crm_set_parsed(record, CRM_INTERACTION_CHANNEL, "pigeon", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "interaction.channel has no choice \"pigeon\"; it has: phone, call_center");
    char name[16];
    int64_t code;
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "c%d", i);
        ck_assert_int_eq(crm_choice_add(txn, s.kind, s.choice, name, CRM_NUL, &code), CRM_OK);
    }
    refuses(txn, &s, s.choice, "white wine", "it has: Red wine, 7, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, …");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(texts_are_taken_as_they_are)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    static const char *const naughty[] = {" blanks ",
                                          "a;b",
                                          "[1]",
                                          "\"quoted\"",
                                          "null",
                                          "NaN",
                                          "true",
                                          "%s%n",
                                          "Robert'); DROP TABLE",
                                          "\t\n\r",
                                          "🦆é\xcc\x81",
                                          "\xe2\x80\xaeright to left",
                                          "\xef\xbf\xbd"};
    for (size_t i = 0; i < sizeof naughty / sizeof naughty[0]; i++) {
        crm_record *record = crm_create(txn, s.kind);
        set(record, s.text, naughty[i]);
        ck_assert_str_eq(crm_text(record, s.text, NULL), naughty[i]);
        ck_assert_str_eq(crm_text(carried(txn, record, s.text), s.text, NULL), naughty[i]);
    }
    crm_record *record = crm_create(txn, s.kind);
    size_t length;
    ck_assert_int_eq(crm_set_parsed(record, s.text, "a\0b", 3), CRM_OK);
    ck_assert_int_eq(memcmp(crm_text(carried(txn, record, s.text), s.text, &length), "a\0b", 4), 0);
    ck_assert_uint_eq(length, 3);
    /* A long one is kept deflated. */
    char *large = malloc(100001);
    ck_assert_ptr_nonnull(large);
    for (int i = 0; i < 100000; i++)
        large[i] = (char)('a' + i % 23);
    large[100000] = 0;
    set(record, s.text, large);
    ck_assert_str_eq(crm_text(carried(txn, record, s.text), s.text, NULL), large);
    free(large);
    refuses(txn, &s, s.text, "\xff", "sample.text is not UTF-8 at byte 1");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(nothing_is_written_as_nothing_for_every_type)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    crm_record *record = crm_create(txn, s.kind);
    for (uint32_t field = s.boolean; field <= s.refs; field++) {
        ck_assert_str_eq(crm_format(record, field, NULL), "");
        ck_assert_str_eq(crm_display(record, field, NULL), "");
        ck_assert_int_eq(crm_set_parsed(record, field, "", 0), CRM_OK);
        ck_assert_int_eq(crm_has(record, field), 0);
    }
    set(record, s.integer, "5");
    set(record, s.integer, "  ");
    ck_assert_int_eq(crm_has(record, s.integer), 0);
    set(record, s.tags, "a;b");
    set(record, s.tags, "");
    ck_assert_int_eq(crm_has(record, s.tags), 0);
    ck_assert_int_eq(crm_set_parsed(record, CRM_FIELD_CREATED_AT, "today", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "set by the library");
    ck_assert_int_eq(crm_set_parsed(NULL, 1, "x", CRM_NUL), CRM_MISUSE);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(references_are_found_as_a_person_names_them)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    crm_record *acme = customer(txn, "Acme GmbH");
    ck_assert_int_eq(crm_item_add(acme, CRM_FIELD_EXTERNAL_IDS, "erp:4711", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_item_add(acme, CRM_CUSTOMER_EMAILS, "Office@Acme.example", CRM_NUL), CRM_OK);
    crm_id acme_id, found;
    char id[37];
    crm_record_id(acme, &acme_id);
    crm_id_format(&acme_id, id);
    customer(txn, "Twin");
    customer(txn, "Twin");
    const char *names[] = {id, "acme gmbh", "erp:4711", "4711", "office@acme.example"};
    for (size_t i = 0; i < 5; i++) {
        crm_record *record = crm_create(txn, s.kind);
        set(record, s.ref, names[i]); /* of the same transaction, not yet committed */
        uint32_t kind = 0;
        ck_assert_int_eq(crm_ref(record, s.ref, &kind, &found), CRM_OK);
        ck_assert_int_eq(memcmp(&found, &acme_id, sizeof found), 0);
        ck_assert_str_eq(crm_format(record, s.ref, NULL), id);
        ck_assert_str_eq(crm_display(record, s.ref, NULL), "Acme GmbH");
        carried(txn, record, s.ref);
    }
    const char *any[] = {id, "customer:Acme GmbH", "customer:erp:4711"};
    for (size_t i = 0; i < 3; i++) {
        crm_record *record = crm_create(txn, s.kind);
        set(record, s.any, any[i]);
        ck_assert_str_eq(crm_format(record, s.any, NULL), id);
        ck_assert_str_eq(crm_display(record, s.any, NULL), "Acme GmbH");
        carried(txn, record, s.any);
    }
    crm_record *record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_set_parsed(record, s.ref, "Nobody", CRM_NUL), CRM_NOT_FOUND);
    domain_refused(txn, CRM_NOT_FOUND, "\"Nobody\"");
    record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_set_parsed(record, s.ref, "twin", CRM_NUL), CRM_DUPLICATE);
    domain_refused(txn, CRM_DUPLICATE, "\"twin\"");
    refuses(txn, &s, s.any, "Acme GmbH", "an id, or a kind and a name like");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

/* An id that two kinds have: the text says which is meant. */
START_TEST(a_reference_to_any_kind_names_it_where_the_id_would_not_do)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    crm_id id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    crm_record *one = crm_create_with_id(txn, CRM_KIND_CUSTOMER, &id);
    crm_set_text(one, CRM_CUSTOMER_NAME, "One", CRM_NUL);
    crm_record *two = crm_create_with_id(txn, CRM_KIND_CONTACT, &id);
    crm_set_text(two, CRM_CONTACT_LAST_NAME, "Two", CRM_NUL);
    crm_record *record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_set_ref(record, s.any, CRM_KIND_CONTACT, &id), CRM_OK);
    ck_assert_str_eq(crm_format(record, s.any, NULL), "contact:01020304-0506-0708-090a-0b0c0d0e0f10");
    uint32_t kind = 0;
    ck_assert_int_eq(crm_ref(carried(txn, record, s.any), s.any, &kind, &id), CRM_OK);
    ck_assert_uint_eq(kind, CRM_KIND_CONTACT);
    record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_item_add_ref(record, s.refs, CRM_KIND_CONTACT, &id, NULL, 0), CRM_OK);
    ck_assert_int_eq(crm_item_ref(carried(txn, record, s.refs), s.refs, 0, &kind, &id), CRM_OK);
    ck_assert_uint_eq(kind, CRM_KIND_CONTACT);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

/* Looking the target up must not finish the record whose other fields are still to come. */
START_TEST(a_reference_by_name_leaves_the_record_open)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id id;
    customer(txn, "Acme");
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_record_id(contact, &id);
    set(contact, CRM_CONTACT_CUSTOMER, "Acme"); /* before the last name, which is required */
    set(contact, CRM_CONTACT_LAST_NAME, "Muster");
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(view, CRM_KIND_CONTACT, &id, &record, NULL), CRM_OK);
    ck_assert_uint_eq(crm_record_version(record), 1);
    ck_assert_str_eq(crm_display(record, CRM_CONTACT_CUSTOMER, NULL), "Acme");
    crm_record_free(record);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

static void same_items(const crm_record *a, const crm_record *b, uint32_t field)
{
    ck_assert_uint_eq(crm_item_count(a, field), crm_item_count(b, field));
    for (uint32_t i = 0; i < crm_item_count(a, field); i++)
        for (int32_t part = CRM_PART_VALUE; part <= CRM_PART_ROLE; part++) {
            size_t one, two;
            const char *text = crm_item_text(a, field, i, part, &one), *other = crm_item_text(b, field, i, part, &two);
            bool flag = part == CRM_PART_PRIMARY || part == CRM_PART_OPT_OUT || part == CRM_PART_INVALID;
            if (flag)
                ck_assert_int_eq(crm_item_int(a, field, i, part), crm_item_int(b, field, i, part));
            else
                ck_assert_msg(one == two && memcmp(text, other, one) == 0, "item %u, part %d: \"%s\" and \"%s\"", i,
                              part, text, other);
        }
}

static void list_is(crm_txn *txn, const struct sample *s, uint32_t field, const char *text, const char *written,
                    const char *displayed)
{
    crm_error error;
    crm_record *record = crm_create(txn, s->kind);
    if (crm_set_parsed(record, field, text, CRM_NUL) != CRM_OK) {
        crm_txn_status(txn, &error);
        ck_abort_msg("%s was refused: %s", text, error.message);
    }
    ck_assert_str_eq(crm_format(record, field, NULL), written);
    ck_assert_str_eq(crm_display(record, field, NULL), displayed);
    same_items(record, carried(txn, record, field), field);
}

START_TEST(lists_are_short_when_that_loses_nothing)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    list_is(txn, &s, s.tags, "red; green;;red ;blue", "red;green;blue", "red, green, blue"); /* each once */
    list_is(txn, &s, s.tags, "[\"a;b\",\" c \"]", "[\"a;b\",\" c \"]", "a;b,  c ");
    list_is(txn, &s, s.tags, "[\"[x]\"]", "[\"[x]\"]", "[x]");
    list_is(txn, &s, s.tags, "[\"x\",\"y\"]", "x;y", "x, y");
    list_is(txn, &s, s.phones, "+49 30 901820;0171 5550000", "+49 30 901820;0171 5550000",
            "+49 30 901820, 0171 5550000");
    list_is(txn, &s, s.ids, "erp:4711;plain;a:b:c", "erp:4711;plain;a:b:c", "erp:4711, plain, a:b:c");
    list_is(txn, &s, s.ids, "[{\"value\":\"x:y\"}]", "[{\"value\":\"x:y\"}]",
            "x:y"); /* no system, though it looks so */
    list_is(txn, &s, s.addresses, "Main St 1", "Main St 1", "Main St 1");
    list_is(txn, &s, s.addresses,
            "[{\"street\":\"Main St 1\",\"postal_code\":\"10115\",\"city\":\"Berlin\",\"country\":\"DE\"}]",
            "[{\"street\":\"Main St 1\",\"city\":\"Berlin\",\"postal_code\":\"10115\",\"country\":\"DE\"}]",
            "Main St 1, 10115 Berlin, DE");
    list_is(txn, &s, s.emails, "a@b.example;c@d.example", "a@b.example;c@d.example", "a@b.example, c@d.example");
    list_is(txn, &s, s.emails, "[\"a@b.example\",{\"value\":\"c@d.example\",\"primary\":true}]",
            "[\"a@b.example\",{\"value\":\"c@d.example\",\"primary\":true}]", "a@b.example, c@d.example");
    list_is(txn, &s, s.emails, "[{\"value\":\"a@b.example\",\"primary\":false}]",
            "[{\"value\":\"a@b.example\",\"primary\":false}]", "a@b.example");
    list_is(txn, &s, s.emails, "[{\"value\":\"a@b.example\",\"label\":\"work\",\"opt_out\":1},\"c@d.example\"]",
            "[{\"value\":\"a@b.example\",\"label\":\"work\",\"opt_out\":true},\"c@d.example\"]",
            "a@b.example, c@d.example");
    list_is(txn, &s, s.tags, "[]", "", "");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(lists_that_are_none_are_refused_with_the_reason)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    refuses(txn, &s, s.emails, "a@b.example;nonsense", "sample.emails: \"nonsense\" is not an e-mail address");
    refuses(txn, &s, s.phones, "letters", "sample.phones: \"letters\" is not a telephone number");
    refuses(txn, &s, s.tags, "[\"a\"", "sample.labels: line 1, column 5");
    refuses(txn, &s, s.tags, "[[1]]", "neither texts nor objects");
    refuses(txn, &s, s.tags, "[{\"colour\":\"red\"}]", "\"colour\" is no part of an item");
    refuses(txn, &s, s.tags, "[{\"label\":\"red\"}]", "\"value\" is missing");
    refuses(txn, &s, s.emails, "[{\"value\":\"a@b.example\",\"primary\":\"yes\"}]",
            "\"primary\" of an item is true or false");
    refuses(txn, &s, s.tags, "[\"\"]", "1 to 65,535 bytes");
    refuses(txn, &s, s.refs, "[{\"role\":\"host\"}]", "\"ref\" is missing");
    refuses(txn, &s, s.refs, "nobody", "is no reference");
    /* A record that is refused leaves nothing behind. */
    domain_commit(txn);
    domain_close(db);
}
END_TEST

START_TEST(participants_carry_their_role)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    crm_id acme, other;
    char id[37], expected[200];
    crm_record_id(customer(txn, "Acme"), &acme);
    crm_record_id(customer(txn, "Other"), &other);
    crm_record *record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_item_add_ref(record, s.refs, CRM_KIND_CUSTOMER, &acme, "host; chair", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_item_add_ref(record, s.refs, CRM_KIND_CUSTOMER, &other, NULL, 0), CRM_OK);
    crm_id_format(&acme, id);
    int used =
        snprintf(expected, sizeof expected, "[{\"role\":\"host; chair\",\"ref\":\"%s\",\"kind\":\"customer\"},\"", id);
    crm_id_format(&other, id);
    snprintf(expected + used, sizeof expected - (size_t)used, "%s\"]", id);
    ck_assert_str_eq(crm_format(record, s.refs, NULL), expected);
    ck_assert_str_eq(crm_display(record, s.refs, NULL), "Acme (host; chair), Other");
    crm_record *again = carried(txn, record, s.refs);
    same_items(record, again, s.refs);
    uint32_t kind = 0;
    crm_id found;
    ck_assert_int_eq(crm_item_ref(again, s.refs, 1, &kind, &found), CRM_OK);
    ck_assert_int_eq(memcmp(&found, &other, sizeof found), 0);
    record = crm_create(txn, s.kind);
    set(record, s.refs, "customer:Acme;customer:Other");
    ck_assert_str_eq(crm_display(record, s.refs, NULL), "Acme, Other");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

static uint32_t seed;
static uint32_t below(uint32_t limit)
{
    seed = seed * 1664525u + 1013904223u; /* Numerical Recipes, "quick and dirty" */
    return (uint32_t)((uint64_t)seed * limit >> 32);
}

static size_t random_text(char *out)
{
    static const char *const pieces[] = {"a", "B", ";",  "[", "]", "{",    "\"",   "\\",
                                         ":", " ", "\n", ",", "é", "🦆", "\x01", "0"};
    size_t length = 0;
    for (uint32_t n = 1 + below(6); n > 0; n--) {
        const char *piece = pieces[below(16)];
        memcpy(out + length, piece, strlen(piece));
        length += strlen(piece);
    }
    out[length] = 0;
    return length;
}

/* Lists put together by hand, with texts that mean something in one form or the other. */
START_TEST(any_list_survives_as_text)
{
    static const int32_t texts[] = {CRM_PART_LABEL,       CRM_PART_STREET,  CRM_PART_CITY,  CRM_PART_REGION,
                                    CRM_PART_POSTAL_CODE, CRM_PART_COUNTRY, CRM_PART_SYSTEM};
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    const uint32_t fields[] = {s.emails, s.phones, s.addresses, s.ids, s.tags};
    char text[64];
    seed = 20240115;
    for (int round = 0; round < 2000; round++) {
        crm_record *record = crm_create(txn, s.kind);
        uint32_t which = below(5), field = fields[which], items = 1 + below(4);
        for (uint32_t i = 0; i < items; i++) {
            if (which == 0)
                snprintf(text, sizeof text, "n%u@example%u.org", below(9), below(9));
            else if (which == 1)
                snprintf(text, sizeof text, "+49 %u", 10000 + below(99999));
            else
                random_text(text);
            ck_assert_int_eq(crm_item_add(record, field, text, CRM_NUL), CRM_OK);
        }
        for (uint32_t i = 0; i < crm_item_count(record, field); i++) {
            if (below(3) == 0)
                ck_assert_int_eq(crm_item_set_text(record, field, i, texts[below(7)], text, random_text(text)), CRM_OK);
            if (below(4) == 0)
                ck_assert_int_eq(crm_item_set_int(record, field, i, CRM_PART_PRIMARY + (int32_t)below(3), below(2)),
                                 CRM_OK);
        }
        if (below(5) == 0)
            ck_assert_int_eq(crm_item_remove(record, field, 0), CRM_OK); /* perhaps the primary one */
        same_items(record, carried(txn, record, field), field);
        /* Setting what is there already changes nothing: parts lie in one order only. */
        crm_record *copy = carried(txn, record, field);
        ck_assert_str_eq(crm_format(copy, field, NULL), crm_format(record, field, NULL));
    }
    domain_commit(txn);
    domain_close(db);
}
END_TEST

START_TEST(a_text_made_once_is_handed_out_again)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    crm_record *record = crm_create(txn, s.kind);
    set(record, s.integer, "5");
    const char *first = crm_format(record, s.integer, NULL);
    ck_assert_ptr_eq(crm_format(record, s.integer, NULL), first);
    set(record, s.integer, "6");
    ck_assert_str_eq(crm_format(record, s.integer, NULL), "6"); /* but not when it is another */
    size_t length = 99;
    ck_assert_str_eq(crm_format(NULL, s.integer, &length), "");
    ck_assert_uint_eq(length, 0);
    ck_assert_str_eq(crm_title(NULL, &length), "");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(a_record_is_titled_by_its_name_else_its_id)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *acme = customer(txn, "Acme");
    ck_assert_str_eq(crm_title(acme, NULL), "Acme");
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_FIRST_NAME, "Mia", CRM_NUL);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Muster", CRM_NUL);
    ck_assert_int_eq(crm_txn_status(txn, NULL), CRM_OK); /* its rules make the name */
    ck_assert_str_eq(crm_title(contact, NULL), "Mia Muster");
    crm_record *call = crm_create(txn, CRM_KIND_INTERACTION);
    ck_assert_int_eq(crm_set_int(call, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL), CRM_OK);
    crm_id id;
    char text[37];
    crm_record_id(call, &id);
    crm_id_format(&id, text);
    size_t length;
    ck_assert_str_eq(crm_title(call, &length), text);
    ck_assert_uint_eq(length, 36);
    crm_set_text(call, CRM_INTERACTION_SUBJECT, "First call", CRM_NUL);
    ck_assert_str_eq(crm_title(call, &length), "First call");
    ck_assert_uint_eq(length, 10);
    ck_assert_str_eq(crm_format(call, CRM_FIELD_ID, NULL), text);
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(real_numbers_may_be_grouped_but_not_dressed_up)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    crm_record *record = crm_create(txn, s.kind);
    set(record, s.real, "1,234.5");
    ck_assert_double_eq(crm_real(record, s.real), 1234.5);
    refuses(txn, &s, s.real, "(1.5)", "is no number like"); /* brackets are for money */
    refuses(txn, &s, s.real,
            "1,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000,000",
            "is no number like");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(a_text_for_what_cannot_be_set_is_refused_as_a_value_would_be)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    struct sample s = make_sample(txn);
    crm_record *record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_set_parsed(record, 9999, "1", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "has no field with number 9999");
    record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_set_parsed(record, s.integer, NULL, CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_has(record, s.integer), 0);
    ck_assert_int_eq(crm_set_parsed(record, CRM_FIELD_VERSION, "1", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "sample.version");
    record = crm_create(txn, s.kind);
    ck_assert_int_eq(crm_set_parsed(record, s.any, "0190a000-0000-7000-8000-000000000000", CRM_NUL), CRM_NOT_FOUND);
    domain_refused(txn, CRM_NOT_FOUND, "");
    crm_rollback(txn);
    ck_assert_int_eq(crm_set_parsed(NULL, s.integer, "1", CRM_NUL), CRM_MISUSE);
    domain_close(db);
}
END_TEST

/* A reference finishes the record before it, which may be what is meant: when that fails, this does. */
START_TEST(a_reference_fails_with_the_record_before_it)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    set(contact, CRM_CONTACT_LAST_NAME, "Lovelace");
    crm_create(txn, CRM_KIND_CUSTOMER); /* without a name */
    ck_assert_int_eq(crm_set_parsed(contact, CRM_CONTACT_CUSTOMER, "Acme", CRM_NUL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "customer.name");
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("value_text");
    TCase *cases = tcase_create("value_text");
    tcase_add_test(cases, booleans_and_numbers_are_read_as_people_write_them);
    tcase_add_test(cases, real_numbers_come_back_to_the_last_bit);
    tcase_add_test(cases, money_is_in_the_records_currency_else_the_files);
    tcase_add_test(cases, times_and_dates_keep_every_microsecond_and_day);
    tcase_add_test(cases, choices_go_by_name_and_the_refusal_lists_them);
    tcase_add_test(cases, texts_are_taken_as_they_are);
    tcase_add_test(cases, nothing_is_written_as_nothing_for_every_type);
    tcase_add_test(cases, references_are_found_as_a_person_names_them);
    tcase_add_test(cases, a_reference_to_any_kind_names_it_where_the_id_would_not_do);
    tcase_add_test(cases, a_reference_by_name_leaves_the_record_open);
    tcase_add_test(cases, lists_are_short_when_that_loses_nothing);
    tcase_add_test(cases, lists_that_are_none_are_refused_with_the_reason);
    tcase_add_test(cases, participants_carry_their_role);
    tcase_add_test(cases, any_list_survives_as_text);
    tcase_add_test(cases, a_text_made_once_is_handed_out_again);
    tcase_add_test(cases, a_record_is_titled_by_its_name_else_its_id);
    tcase_add_test(cases, real_numbers_may_be_grouped_but_not_dressed_up);
    tcase_add_test(cases, a_text_for_what_cannot_be_set_is_refused_as_a_value_would_be);
    tcase_add_test(cases, a_reference_fails_with_the_record_before_it);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
