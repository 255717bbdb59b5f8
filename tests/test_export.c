/* test_export: what is exported and imported again is the same.
 *
 * "The same" is judged by a second export, byte by byte, and for what an export
 * could itself get wrong (flags of items, long numbers) by reading the fields.
 * Proves P8. */
#include "domain_fixture.h"
#include "import_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each kind after those that it refers to. */
static const uint32_t kinds[] = {CRM_KIND_USER,        CRM_KIND_PIPELINE, CRM_KIND_STAGE,   CRM_KIND_PRODUCT,
                                 CRM_KIND_CAMPAIGN,    CRM_KIND_CUSTOMER, CRM_KIND_CONTACT, CRM_KIND_OPPORTUNITY,
                                 CRM_KIND_INTERACTION, CRM_USER_KIND};
enum { KINDS = sizeof kinds / sizeof *kinds };

static crm_db *db;

static void setup(void)
{
    db = domain_open();
}

static void teardown(void)
{
    domain_close(db);
}

/* A kind and fields of one's own, of every type. */
static void add_schema(crm_db *to)
{
    static const struct {
        const char *name;
        int32_t type;
        uint32_t target;
    } fields[] = {{"a_bool", CRM_TYPE_BOOL, 0},       {"an_int", CRM_TYPE_INT, 0},
                  {"a_decimal", CRM_TYPE_DECIMAL, 5}, {"a_real", CRM_TYPE_REAL, 0},
                  {"some_money", CRM_TYPE_MONEY, 0},  {"a_time", CRM_TYPE_TIME, 0},
                  {"a_date", CRM_TYPE_DATE, 0},       {"a_text", CRM_TYPE_TEXT, 0},
                  {"a_choice", CRM_TYPE_CHOICE, 0},   {"a_ref", CRM_TYPE_REF, CRM_KIND_CUSTOMER},
                  {"any_ref", CRM_TYPE_ANY_REF, 0},   {"some_tags", CRM_TYPE_TAGS, 0}};
    crm_txn *txn = domain_begin(to);
    uint32_t kind, field;
    int64_t code;
    ck_assert_int_eq(crm_kind_add(txn, "vehicle", CRM_NUL, &kind), CRM_OK);
    ck_assert_uint_eq(kind, CRM_USER_KIND);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            uint32_t of = k == 0 ? (uint32_t)CRM_KIND_CUSTOMER : kind;
            ck_assert_int_eq(crm_field_add(txn, of, fields[i].name, CRM_NUL, fields[i].type,
                                           fields[i].type == CRM_TYPE_CHOICE ? CRM_FLAG_OPEN : 0, fields[i].target,
                                           &field),
                             CRM_OK);
            if (fields[i].type == CRM_TYPE_CHOICE)
                ck_assert_int_eq(crm_choice_add(txn, of, field, "blue", CRM_NUL, &code), CRM_OK);
        }
    domain_commit(txn);
}

static void set(crm_record *record, const char *name, const char *text)
{
    uint32_t field = crm_field_find(db, crm_record_kind(record), name, CRM_NUL);
    ck_assert_msg(field != 0, "%s", name);
    ck_assert_msg(crm_set_parsed(record, field, text, CRM_NUL) == CRM_OK, "%s = %s", name, text);
}

static void set_own_fields(crm_record *record, const char *customer)
{
    set(record, "a_bool", "true");
    set(record, "an_int", "-9223372036854775807");
    set(record, "a_decimal", "-12345678.00001");
    set(record, "some_money", "0.07");
    set(record, "a_time", "2017-03-01T10:00:00.123456Z");
    set(record, "a_date", "1969-12-31");
    set(record, "a_text", "=1+1, \"quoted\"\r\nsecond line\t\xE2\x80\xAE\xF0\x9F\x92\xA9 '; DROP TABLE");
    set(record, "a_choice", "blue");
    set(record, "some_tags", "x;y z");
    crm_set_real(record, crm_field_find(db, crm_record_kind(record), "a_real", CRM_NUL), 0.1 + 0.2);
    if (customer == NULL)
        return;
    set(record, "a_ref", customer);
    set(record, "any_ref", customer);
}

static void add_list_flags(crm_record *record, uint32_t emails, uint32_t phones, uint32_t addresses)
{
    crm_item_add(record, emails, "first@a.example", CRM_NUL);
    crm_item_add(record, emails, "second@a.example", CRM_NUL);
    crm_item_set_text(record, emails, 1, CRM_PART_LABEL, "work; \"odd\"", CRM_NUL);
    crm_item_set_int(record, emails, 1, CRM_PART_PRIMARY, 1);
    crm_item_set_int(record, emails, 0, CRM_PART_OPT_OUT, 1);
    crm_item_set_int(record, emails, 0, CRM_PART_INVALID, 1);
    crm_item_add(record, phones, "+49 (30) 90 18-20", CRM_NUL);
    crm_item_add(record, phones, "0171 1234567", CRM_NUL);
    crm_item_set_text(record, phones, 0, CRM_PART_LABEL, "mobile", CRM_NUL);
    crm_item_add(record, addresses, "Straße des 17. Juni 135\nHinterhaus", CRM_NUL);
    crm_item_set_text(record, addresses, 0, CRM_PART_CITY, "Berlin", CRM_NUL);
    crm_item_set_text(record, addresses, 0, CRM_PART_POSTAL_CODE, "10623", CRM_NUL);
    crm_item_set_text(record, addresses, 0, CRM_PART_COUNTRY, "DE", CRM_NUL);
}

/* Customers; the first is the child of one that comes later. */
static void add_customers(crm_txn *txn)
{
    static const char *const names[] = {
        "阿里巴巴集团", "شركة النور", "Çağla Öz & Söhne",   "İstanbul A.Ş.", " blanks ", "[not json",
        "null",         "1,5",        "=cmd|' /C calc'!A0", "deleted"};
    char id[37];
    crm_id child, parent = {{0}};
    memset(&child, 0, sizeof child);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(record, CRM_CUSTOMER_NAME, names[i], CRM_NUL);
        if (i == 0)
            crm_record_id(record, &child);
        crm_record_id(record, &parent);
        if (i == 1) {
            set(record, "currency", "JPY");
            set(record, "annual_revenue", "1234");
            set(record, "external_ids", "erp:1");
            crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, "crm:with:colons; and more", CRM_NUL);
            crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, "bare", CRM_NUL);
            crm_item_add(record, CRM_FIELD_TAGS, "a;b", CRM_NUL);
            crm_item_add(record, CRM_FIELD_TAGS, "[", CRM_NUL);
            add_list_flags(record, CRM_CUSTOMER_EMAILS, CRM_CUSTOMER_PHONES, CRM_CUSTOMER_ADDRESSES);
            set(record, "stage", "stable");
        }
        if (i == 2)
            set_own_fields(record, NULL);
        if (i == 3) {
            char *text = malloc(20001);
            ck_assert_ptr_nonnull(text);
            for (int j = 0; j < 20000; j++)
                text[j] = (char)(' ' + j % 95);
            crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, 20000); /* long enough to be deflated */
            free(text);
        }
        if (i == 4)
            crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, "", 0);
    }
    crm_set_ref(crm_edit(txn, CRM_KIND_CUSTOMER, &child), CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &parent);
    crm_set_null(crm_edit(txn, CRM_KIND_CUSTOMER, &child), CRM_CUSTOMER_PARENT);
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &parent)); /* the last: "deleted" */
    crm_record *later = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(later, CRM_CUSTOMER_NAME, "the mother of the first", CRM_NUL);
    crm_record_id(later, &parent);
    crm_set_ref(crm_edit(txn, CRM_KIND_CUSTOMER, &child), CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &parent);
    crm_id_format(&child, id);
    set_own_fields(crm_create(txn, CRM_USER_KIND), id);
}

static void add_deals(crm_txn *txn)
{
    static const char *const deals[][4] = {/* name, stage, probability, lost reason */
                                           {"open", "proposal", NULL, NULL},
                                           {"by hand", "proposal", "33", NULL},
                                           {"won", "won", NULL, NULL},
                                           {"lost", "lost", NULL, "other"}};
    crm_record *user = crm_create(txn, CRM_KIND_USER);
    set(user, "name", "Mia");
    set(user, "emails", "mia@a.example");
    crm_record *product = crm_create(txn, CRM_KIND_PRODUCT);
    set(product, "name", "Gadget");
    set(product, "sku", "G-1");
    set(product, "price", "19.99");
    crm_record *campaign = crm_create(txn, CRM_KIND_CAMPAIGN);
    set(campaign, "name", "Spring");
    set(campaign, "budget", "1000");
    for (size_t i = 0; i < 4; i++) {
        crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
        set(deal, "name", deals[i][0]);
        set(deal, "stage", deals[i][1]);
        set(deal, "close_date", "2024-01-10");
        set(deal, "amount", "1234567.89");
        set(deal, "owner", "Mia");
        set(deal, "product", "Gadget");
        set(deal, "campaign", "Spring");
        if (deals[i][2] != NULL)
            set(deal, "probability", deals[i][2]);
        if (deals[i][3] != NULL) {
            set(deal, "lost_reason", deals[i][3]);
            set(deal, "lost_notes", "was sold");
        }
    }
}

static void add_people(crm_txn *txn)
{
    crm_id contact, deal;
    crm_record *boss = crm_create(txn, CRM_KIND_CONTACT);
    set(boss, "first_name", "小龙");
    set(boss, "last_name", "李");
    set(boss, "birthdate", "1940-11-27");
    add_list_flags(boss, CRM_CONTACT_EMAILS, CRM_CONTACT_PHONES, CRM_CONTACT_ADDRESSES);
    crm_record_id(boss, &contact);
    crm_record *other = crm_create(txn, CRM_KIND_CONTACT);
    set(other, "last_name", "Öz");
    set(other, "customer", "erp:1");
    set(other, "addresses", "Hauptstr. 1"); /* lists whose items have nothing but a text */
    set(other, "external_ids", "hr:7; bare");
    crm_set_ref(other, CRM_CONTACT_REPORTS_TO, CRM_KIND_CONTACT, &contact);
    crm_record *found = import_find(crm_txn_view(txn), CRM_KIND_OPPORTUNITY, CRM_OPPORTUNITY_NAME, "won");
    crm_record_id(found, &deal);
    crm_record_free(found);
    crm_record *meeting = crm_create(txn, CRM_KIND_INTERACTION);
    set(meeting, "type", "meeting");
    set(meeting, "subject", "line\nbreaks, commas");
    set(meeting, "start", "2023-12-31T23:59:59.999999Z");
    set(meeting, "end", "2024-01-01");
    crm_set_ref(meeting, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &contact);
    crm_set_ref(meeting, CRM_INTERACTION_RELATED, CRM_KIND_OPPORTUNITY, &deal);
    crm_item_add_ref(meeting, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &contact, "host; \"chief\"", CRM_NUL);
    crm_item_add_ref(meeting, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_OPPORTUNITY, &deal, NULL, 0);
    crm_record *call = crm_create(txn, CRM_KIND_INTERACTION);
    set(call, "type", "call");
    crm_item_add_ref(call, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &contact, NULL, 0);
    crm_item_add_ref(call, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_OPPORTUNITY, &deal, NULL, 0);
    crm_record *purchase = crm_create(txn, CRM_KIND_INTERACTION);
    set(purchase, "type", "purchase");
    set(purchase, "customer", "erp:1");
    set(purchase, "currency", "TND");
    set(purchase, "amount", "-0.005");
}

static void fill(void)
{
    add_schema(db);
    crm_txn *txn = domain_begin(db);
    add_customers(txn);
    add_deals(txn);
    add_people(txn);
    domain_commit(txn);
}

static size_t first_difference(const char *a, const char *b)
{
    size_t at = 0, from = 0;
    for (; a[at] != 0 && a[at] == b[at]; at++)
        from = a[at] == '\n' ? at + 1 : from;
    return at - from > 200 ? at - 200 : from;
}

static void same_exports(crm_db *a, crm_db *b, const char *format)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t length_a, length_b;
        /* A row that waited for another was made later than in the original. */
        const char *order = crm_field_find(a, kinds[i], "name", CRM_NUL) != 0 ? "name" : NULL;
        char *text_a = export_text(a, kinds[i], format, NULL, order, &length_a);
        char *text_b = export_text(b, kinds[i], format, NULL, order, &length_b);
        ck_assert_msg(length_a == length_b && memcmp(text_a, text_b, length_a) == 0, "%s %s: %.900s\n---\n%.900s",
                      format, crm_kind_name(a, kinds[i]), text_a + first_difference(text_a, text_b),
                      text_b + first_difference(text_a, text_b));
        free(text_a);
        free(text_b);
    }
}

static void round_trip(const char *format)
{
    crm_db *copy = domain_open();
    fill();
    add_schema(copy);
    for (size_t i = 0; i < KINDS; i++) {
        size_t length;
        char *text = export_text(db, kinds[i], format, NULL, NULL, &length);
        struct imported imported =
            import_pieces(copy, kinds[i], text, length, 1000, (const char *[]){"blank", "exact", NULL});
        ck_assert_msg(imported.status == CRM_OK, "%s: %s", crm_kind_name(db, kinds[i]), imported.error.message);
        ck_assert_msg(imported.reject_count == 0, "%s: %s\n%.900s", crm_kind_name(db, kinds[i]),
                      imported.rejects[0].why, text);
        ck_assert_uint_eq(imported.read, import_count(db, kinds[i]));
        free(text);
    }
    same_exports(db, copy, "csv");
    same_exports(db, copy, "jsonl");
    domain_close(copy);
}

START_TEST(csv_comes_back_to_an_equal_database)
{
    round_trip("csv");
}
END_TEST

static void delete_named(crm_txn *txn, uint32_t kind, uint32_t field, const char *name)
{
    crm_id id;
    crm_record *found = import_find(crm_txn_view(txn), kind, field, name);
    crm_record_id(found, &id);
    crm_record_free(found);
    crm_delete(crm_edit(txn, kind, &id));
}

/* An owner who left, a person who reported to one: whoever names a deleted
 * record must not be lost with it. */
START_TEST(records_that_refer_to_deleted_ones_come_back)
{
    static const char *const formats[] = {"csv", "jsonl"};
    fill();
    crm_txn *txn = domain_begin(db);
    delete_named(txn, CRM_KIND_USER, CRM_USER_NAME, "Mia");
    delete_named(txn, CRM_KIND_CONTACT, CRM_CONTACT_LAST_NAME, "李");
    domain_commit(txn);
    for (size_t f = 0; f < 2; f++) {
        crm_db *copy = domain_open();
        add_schema(copy);
        for (size_t i = 0; i < KINDS; i++) {
            size_t length;
            char *text = export_text(db, kinds[i], formats[f], NULL, NULL, &length);
            struct imported imported = import_pieces(copy, kinds[i], text, length, 1000, NULL);
            ck_assert_msg(imported.reject_count == 0, "%s: %s", crm_kind_name(db, kinds[i]), imported.rejects[0].why);
            ck_assert_uint_eq(import_count(copy, kinds[i]), import_count(db, kinds[i]));
            free(text);
        }
        same_exports(db, copy, formats[f]);
        domain_close(copy);
    }
}
END_TEST

START_TEST(json_lines_come_back_to_an_equal_database)
{
    round_trip("jsonl");
}
END_TEST

START_TEST(an_export_that_comes_back_to_its_own_file_changes_nothing_and_restores_what_changed)
{
    static const char *const formats[] = {"csv", "jsonl"};
    static const char *const exact[] = {"blank", "exact", NULL};
    fill();
    for (size_t f = 0; f < 2; f++) {
        size_t length;
        char *text = export_text(db, CRM_KIND_CUSTOMER, formats[f], NULL, NULL, &length);
        struct imported imported = import_pieces(db, CRM_KIND_CUSTOMER, text, length, 100, exact);
        import_clean(&imported);
        ck_assert_uint_eq(imported.unchanged, 10);
        crm_txn *txn = domain_begin(db);
        crm_record *found = import_find(crm_txn_view(txn), CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:1");
        crm_id id;
        crm_record_id(found, &id);
        crm_record_free(found);
        crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
        crm_set_null(record, CRM_CUSTOMER_EMAILS);
        set(record, "website", "https://a.example");
        set(record, "annual_revenue", "1");
        domain_commit(txn);
        imported = import_pieces(db, CRM_KIND_CUSTOMER, text, length, 100, exact);
        import_clean(&imported);
        ck_assert_uint_eq(imported.updated, 1);
        size_t again_length;
        char *again = export_text(db, CRM_KIND_CUSTOMER, formats[f], NULL, NULL, &again_length);
        ck_assert_str_eq(again, text);
        free(again);
        free(text);
    }
}
END_TEST

START_TEST(flags_of_items_and_all_digits_come_back)
{
    crm_db *copy = domain_open();
    size_t length;
    fill();
    add_schema(copy);
    char *text = export_text(db, CRM_KIND_CUSTOMER, "csv", NULL, NULL, &length);
    struct imported imported = import_pieces(copy, CRM_KIND_CUSTOMER, text, length, length, NULL);
    import_clean(&imported);
    free(text);
    crm_view *view = domain_view(copy);
    crm_record *record = import_find(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:1");
    const uint32_t emails = CRM_CUSTOMER_EMAILS;
    ck_assert_uint_eq(crm_item_count(record, emails), 2);
    ck_assert_int_eq(crm_item_int(record, emails, 0, CRM_PART_OPT_OUT), 1);
    ck_assert_int_eq(crm_item_int(record, emails, 0, CRM_PART_INVALID), 1);
    ck_assert_int_eq(crm_item_int(record, emails, 0, CRM_PART_PRIMARY), 0);
    ck_assert_int_eq(crm_item_int(record, emails, 1, CRM_PART_PRIMARY), 1);
    ck_assert_str_eq(crm_item_text(record, emails, 1, CRM_PART_LABEL, NULL), "work; \"odd\"");
    ck_assert_str_eq(crm_item_text(record, CRM_CUSTOMER_PHONES, 0, CRM_PART_LABEL, NULL), "mobile");
    ck_assert_str_eq(crm_item_text(record, CRM_CUSTOMER_ADDRESSES, 0, CRM_PART_STREET, NULL),
                     "Straße des 17. Juni 135\nHinterhaus");
    ck_assert_uint_eq(crm_item_count(record, CRM_FIELD_TAGS), 2);
    ck_assert_str_eq(crm_item_text(record, CRM_FIELD_TAGS, 0, CRM_PART_VALUE, NULL), "a;b");
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_ANNUAL_REVENUE), 1234); /* yen have no cents */
    crm_record_free(record);
    record = import_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Çağla Öz & Söhne");
#define OWN(name) crm_field_find(copy, CRM_KIND_CUSTOMER, name, CRM_NUL)
    ck_assert_int_eq(crm_int(record, OWN("an_int")), -INT64_MAX);
    ck_assert_int_eq(crm_int(record, OWN("a_decimal")), -1234567800001);
    ck_assert(crm_real(record, OWN("a_real")) == 0.1 + 0.2);
    /* 2017-03-01 is day 17,226: 17226 * 86400 + 36000 = 1488362400 seconds */
    ck_assert_int_eq(crm_int(record, OWN("a_time")), INT64_C(1488362400123456));
    ck_assert_int_eq(crm_int(record, OWN("a_date")), -1);
    crm_record_free(record);
    crm_view_close(view);
    domain_close(copy);
}
END_TEST

START_TEST(deleted_records_stay_out_unless_asked_for)
{
    size_t length;
    fill();
    char *text = export_text(db, CRM_KIND_CUSTOMER, "csv", "name", NULL, &length);
    ck_assert_ptr_null(strstr(text, "deleted"));
    ck_assert_ptr_nonnull(strstr(text, "阿里巴巴集团\n"));
    free(text);
}
END_TEST

START_TEST(columns_are_those_that_are_named)
{
    size_t length;
    crm_txn *txn = domain_begin(db);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    set(record, "name", "Acme, Inc.");
    set(record, "employees", "7");
    domain_commit(txn);
    char *text = export_text(db, CRM_KIND_CUSTOMER, "csv", "employees, name,stage , website", NULL, &length);
    ck_assert_str_eq(text, "employees,name,stage,website\n7,\"Acme, Inc.\",acquaintance,\n");
    free(text);
    text = export_text(db, CRM_KIND_CUSTOMER, "jsonl", "employees,name,website", NULL, &length);
    ck_assert_str_eq(text, "{\"employees\":7,\"name\":\"Acme, Inc.\",\"website\":null}\n");
    free(text);
    text = export_text(db, CRM_KIND_CUSTOMER, "csv", "website", NULL, &length);
    ck_assert_str_eq(text, "website\n\"\"\n"); /* a row of nothing is still a row */
    free(text);
    text = export_text(db, CRM_KIND_CONTACT, "csv", "last_name", NULL, &length);
    ck_assert_str_eq(text, "last_name\n");
    free(text);
}
END_TEST

START_TEST(what_cannot_be_exported_is_refused)
{
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_export *export = NULL;
    crm_error error;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error), CRM_OK);
    ck_assert_int_eq(crm_export_create(query, "xml", NULL, &export, &error), CRM_INVALID);
    ck_assert_int_eq(crm_export_create(query, "csv", "name,hat", &export, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "hat"));
    ck_assert_int_eq(crm_export_create(query, "csv", "", &export, &error), CRM_INVALID);
    ck_assert_int_eq(crm_export_create(NULL, "csv", NULL, &export, &error), CRM_MISUSE);
    enum { TOO_MANY = 5000 };
    char *columns = calloc(TOO_MANY, 5);
    ck_assert_ptr_nonnull(columns);
    for (int i = 0; i < TOO_MANY; i++)
        memcpy(columns + 5 * i, "name,", 5);
    columns[5 * TOO_MANY - 1] = '\0';
    ck_assert_int_eq(crm_export_create(query, "csv", columns, &export, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "more than"));
    free(columns);
    ck_assert_int_eq(crm_export_create(query, "csv", " name\t, employees ", &export, &error), CRM_OK);
    const char *bytes;
    size_t length;
    ck_assert_int_eq(crm_export_next(export, NULL, &length, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_export_next(export, &bytes, NULL, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_export_next(export, &bytes, &length, &error), CRM_OK);
    ck_assert_uint_eq(length, 15); /* name,employees and a line end */
    ck_assert_int_eq(crm_export_next(export, &bytes, &length, &error), CRM_DONE);
    crm_export_free(export);
    export = NULL;
    ck_assert_ptr_null(export);
    crm_export_free(NULL);
    crm_query_free(query);
    crm_view_close(view);
}
END_TEST

/* A piece is about 64 KiB, however large the whole is. */
START_TEST(large_exports_come_in_pieces)
{
    enum { COUNT = 3000 };
    crm_txn *txn = domain_begin(db);
    char text[200];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < COUNT; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(record, CRM_CUSTOMER_NAME, text, sizeof text);
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_export *export = NULL;
    const char *bytes;
    size_t length, total = 0, pieces = 0;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_export_create(query, "csv", "name", &export, NULL), CRM_OK);
    while (crm_export_next(export, &bytes, &length, NULL) == CRM_OK) {
        ck_assert_uint_le(length, 64 * 1024 + sizeof text + 1);
        total += length;
        pieces++;
    }
    ck_assert_uint_eq(total, 5 + COUNT * (sizeof text + 1)); /* "name\n" and the rows */
    ck_assert_uint_eq(pieces, 10);                           /* 603,005 bytes by 65,536 and a bit */
    ck_assert_int_eq(crm_export_next(export, &bytes, &length, NULL), CRM_DONE);
    crm_export_free(export);
    crm_query_free(query);
    crm_view_close(view);
}
END_TEST

/* Texts that broke other programs; the list is read from the shared data when it is there. */
START_TEST(naughty_strings_come_back)
{
    FILE *list = fopen("../shared/data/blns/blns.txt", "r");
    char line[8192];
    size_t length, count = 0;
    if (list == NULL) {
        printf("skipped: no ../shared/data/blns/blns.txt\n");
        return;
    }
    crm_db *copy = domain_open();
    crm_txn *txn = domain_begin(db);
    while (fgets(line, sizeof line, list) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#' || line[0] == 0)
            continue;
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(record, CRM_CUSTOMER_NAME, "naughty", CRM_NUL);
        crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, line, CRM_NUL);
        crm_item_add(record, CRM_FIELD_TAGS, line, CRM_NUL);
        count++;
    }
    fclose(list);
    domain_commit(txn);
    ck_assert_uint_gt(count, 400);
    char *text = export_text(db, CRM_KIND_CUSTOMER, "csv", NULL, NULL, &length);
    struct imported imported = import_pieces(copy, CRM_KIND_CUSTOMER, text, length, 777, NULL);
    import_clean(&imported);
    ck_assert_uint_eq(imported.created, count);
    char *json = export_text(db, CRM_KIND_CUSTOMER, "jsonl", NULL, NULL, &length);
    imported = import_pieces(copy, CRM_KIND_CUSTOMER, json, length, 777, NULL);
    import_clean(&imported);
    ck_assert_uint_eq(imported.unchanged, count); /* both formats say the same */
    char *again = export_text(copy, CRM_KIND_CUSTOMER, "csv", NULL, NULL, &length);
    ck_assert_str_eq(again, text);
    free(again);
    free(json);
    free(text);
    domain_close(copy);
}
END_TEST

static Suite *export_suite(void)
{
    Suite *suite = suite_create("export");
    TCase *tests = tcase_create("export");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, csv_comes_back_to_an_equal_database);
    tcase_add_test(tests, records_that_refer_to_deleted_ones_come_back);
    tcase_add_test(tests, json_lines_come_back_to_an_equal_database);
    tcase_add_test(tests, an_export_that_comes_back_to_its_own_file_changes_nothing_and_restores_what_changed);
    tcase_add_test(tests, flags_of_items_and_all_digits_come_back);
    tcase_add_test(tests, deleted_records_stay_out_unless_asked_for);
    tcase_add_test(tests, columns_are_those_that_are_named);
    tcase_add_test(tests, what_cannot_be_exported_is_refused);
    tcase_add_test(tests, large_exports_come_in_pieces);
    tcase_add_test(tests, naughty_strings_come_back);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(export_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
