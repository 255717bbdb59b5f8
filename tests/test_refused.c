/* test_refused: what a change, an item, a definition, a setting or a look-up
 * cannot be is refused with the reason, and nothing of it stays.  See also
 * test_txn.c, test_record.c and test_define.c.
 * Proves P6. */
#include "domain_fixture.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crm_db *db;
static crm_txn *txn;
static crm_id acme;
static crm_error error;

static void setup(void)
{
    db = domain_open();
    txn = domain_begin(db);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_record_id(record, &acme);
    domain_commit(txn);
    txn = domain_begin(db);
    memset(&error, 0, sizeof error);
}

static void teardown(void)
{
    crm_rollback(txn);
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    uint64_t count;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
    ck_assert_uint_eq(count, 1);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}

static crm_record *customer(const char *name)
{
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL), CRM_OK);
    return record;
}

static void refused(int32_t got, int32_t status, const char *said)
{
    ck_assert_int_eq(got, status);
    domain_refused(txn, status, said);
}

/* ---- values ---- */

START_TEST(numbers_beyond_what_a_field_holds)
{
    static const struct {
        uint32_t field;
        int64_t value;
        const char *said;
    } cases[] = {
        {CRM_CONTACT_BIRTHDATE, (int64_t)INT32_MAX + 1, "is out of range"},
        {CRM_CONTACT_BIRTHDATE, INT32_MIN, "is out of range"},
        {CRM_CONTACT_BIRTHDATE, (int64_t)INT32_MIN - 1, "is out of range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
        refused(crm_set_int(record, cases[i].field, cases[i].value), CRM_INVALID, cases[i].said);
    }
    static const int64_t currencies[] = {-1, 1000, 0, 999999, (INT64_C(1) << 32) + 978};
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        refused(crm_set_int(customer("A"), CRM_CUSTOMER_CURRENCY, currencies[i]), CRM_INVALID, "ISO 4217");
    static const int64_t flags[] = {-1, 2, INT64_MAX};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        refused(crm_set_int(customer("A"), CRM_CUSTOMER_BLACKLISTED, flags[i]), CRM_INVALID, "is 0 or 1");
    static const int64_t stages[] = {-1, 0, 99, INT64_MAX};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        refused(crm_set_int(customer("A"), CRM_CUSTOMER_STAGE, stages[i]), CRM_INVALID, "has no choice with number");
    uint32_t kind = 0, real = 0;
    ck_assert_int_eq(crm_kind_add(txn, "thing", CRM_NUL, &kind), CRM_OK);
    ck_assert_int_eq(crm_field_add(txn, kind, "real", CRM_NUL, CRM_TYPE_REAL, 0, 0, &real), CRM_OK);
    static const double reals[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        refused(crm_set_real(crm_create(txn, kind), real, reals[i]), CRM_INVALID, "must be finite");
    crm_record *record = crm_create(txn, kind);
    ck_assert_int_eq(crm_set_real(record, real, -0.0), CRM_OK);
    ck_assert(!signbit(crm_real(record, real))); /* there is one zero */
}
END_TEST

/* ---- references ---- */

START_TEST(references_to_what_cannot_be_meant)
{
    crm_id nobody = {{9}};
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Ada", CRM_NUL);
    refused(crm_set_ref(contact, CRM_CONTACT_CUSTOMER, 999, &acme), CRM_INVALID, "there is no kind with number 999");
    contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Ada", CRM_NUL);
    refused(crm_set_ref_record(contact, CRM_CONTACT_LAST_NAME, contact), CRM_INVALID, "not a reference");
    contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Ada", CRM_NUL);
    refused(crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, contact), CRM_INVALID,
            "refers to a customer, not to a contact");
    contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Ada", CRM_NUL);
    refused(crm_set_ref(contact, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &nobody), CRM_NOT_FOUND,
            "no customer with id");
    crm_record *interaction = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(interaction, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_NOTE);
    ck_assert_int_eq(crm_set_ref(interaction, CRM_INTERACTION_RELATED, CRM_KIND_CUSTOMER, &acme), CRM_OK);
    ck_assert_int_eq(crm_set_ref_record(interaction, CRM_INTERACTION_RELATED, NULL), CRM_OK); /* none */
    ck_assert_int_eq(crm_has(interaction, CRM_INTERACTION_RELATED), 0);
    ck_assert_int_eq(crm_set_ref(interaction, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, NULL), CRM_OK);
}
END_TEST

START_TEST(references_to_records_from_elsewhere)
{
    crm_db *other = domain_open();
    crm_txn *beside = domain_begin(other);
    crm_record *foreign = crm_create(beside, CRM_KIND_CUSTOMER), *seen = NULL;
    crm_set_text(foreign, CRM_CUSTOMER_NAME, "Foreign", CRM_NUL);
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Ada", CRM_NUL);
    refused(crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, foreign), CRM_INVALID, "is of another file");
    crm_rollback(beside);
    domain_close(other);
    /* Read in a view of this file: found by its id. */
    crm_view *view = domain_view(db);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &acme, &seen, &error), CRM_OK);
    contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Ada", CRM_NUL);
    ck_assert_int_eq(crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, seen), CRM_OK);
    ck_assert_str_eq(crm_display(contact, CRM_CONTACT_CUSTOMER, NULL), "Acme");
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &acme)), CRM_MISUSE); /* there is no such contact */
    domain_refused(txn, CRM_NOT_FOUND, "no contact");
    contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Bob", CRM_NUL);
    crm_record *twin = crm_create(txn, CRM_KIND_CUSTOMER); /* without a name */
    domain_refused(txn, CRM_INVALID, "customer.name");
    refused(crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, twin), CRM_NOT_FOUND, "was refused");
    contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Cem", CRM_NUL);
    twin = crm_create(txn, CRM_KIND_CUSTOMER);
    ck_assert_int_eq(crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, twin), CRM_INVALID); /* it is not finished */
    domain_refused(txn, CRM_INVALID, "customer.name");
    /* What is only read takes no change. */
    ck_assert_int_eq(crm_set_int(seen, CRM_CUSTOMER_EMPLOYEES, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_set_parsed(seen, CRM_CUSTOMER_EMPLOYEES, "1", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_restore(seen), CRM_MISUSE);
    ck_assert_int_eq(crm_delete(seen), CRM_MISUSE);
    ck_assert_int_eq(crm_erase(seen), CRM_MISUSE);
    ck_assert_int_eq(crm_expect_version(seen, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_item_add(seen, CRM_CUSTOMER_PHONES, "1", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_item_remove(seen, CRM_CUSTOMER_PHONES, 0), CRM_MISUSE);
    ck_assert_int_eq(crm_item_set_text(seen, CRM_CUSTOMER_PHONES, 0, CRM_PART_VALUE, "1", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_item_set_int(seen, CRM_CUSTOMER_PHONES, 0, CRM_PART_PRIMARY, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_lifecycle_move(seen, CRM_CUSTOMER_STAGE_STABLE, NULL, NULL), CRM_MISUSE);
    crm_record_free(seen);
    crm_view_close(view);
}
END_TEST

/* ---- records ---- */

START_TEST(records_that_are_not_there)
{
    ck_assert_ptr_null(crm_edit(txn, 999, &acme));
    domain_refused(txn, CRM_INVALID, "there is no kind with number 999");
    ck_assert_ptr_null(crm_edit(txn, CRM_KIND_CUSTOMER, NULL));
    domain_refused(txn, CRM_INVALID, "needs an id");
    crm_record *nameless = crm_create(txn, CRM_KIND_CUSTOMER);
    domain_refused(txn, CRM_INVALID, "customer.name");
    refused(crm_erase(nameless), CRM_MISUSE, "is new; roll back instead"); /* it never was */
    /* A failure before is kept, and answered by all that follows. */
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &acme);
    ck_assert_int_eq(crm_set_int(record, 9999, 1), CRM_INVALID);
    ck_assert_int_eq(crm_delete(record), CRM_INVALID);
    ck_assert_int_eq(crm_erase(record), CRM_INVALID);
    ck_assert_int_eq(crm_expect_version(record, 1), CRM_INVALID);
    ck_assert_int_eq(crm_set_parsed(record, CRM_CUSTOMER_EMPLOYEES, "1", CRM_NUL), CRM_INVALID);
    ck_assert_int_eq(crm_item_add(record, CRM_CUSTOMER_PHONES, "1", CRM_NUL), CRM_INVALID);
    ck_assert_int_eq(crm_setting_set(txn, "x", "y"), CRM_INVALID);
    ck_assert_ptr_null(crm_edit(txn, CRM_KIND_CUSTOMER, &acme));
    domain_refused(txn, CRM_INVALID, "9999");
    /* Before an erasure, a deletion or a definition what is open is finished: it may be refused. */
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &acme);
    crm_create(txn, CRM_KIND_CONTACT);
    ck_assert_int_eq(crm_erase(record), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "contact.last_name");
    crm_create(txn, CRM_KIND_CONTACT);
    ck_assert_int_eq(crm_kind_add(txn, "thing", CRM_NUL, NULL), CRM_INVALID);
    domain_refused(txn, CRM_INVALID, "contact.last_name");
    crm_create(txn, CRM_KIND_CONTACT);
    ck_assert_ptr_null(crm_edit(txn, CRM_KIND_CUSTOMER, &acme));
    domain_refused(txn, CRM_INVALID, "contact.last_name");
}
END_TEST

START_TEST(changes_of_a_deleted_record)
{
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &acme)), CRM_OK);
    domain_accepted(txn);
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &acme);
    refused(crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, 1), CRM_REFUSED, "restore it before changing it");
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &acme);
    refused(crm_item_add(record, CRM_CUSTOMER_PHONES, "030 1", CRM_NUL), CRM_REFUSED, "restore it before");
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &acme);
    refused(crm_set_parsed(record, CRM_FIELD_TAGS, "vip", CRM_NUL), CRM_REFUSED, "restore it before");
}
END_TEST

/* ---- items ---- */

START_TEST(items_and_parts_that_are_not_there)
{
    static char longest[70000];
    memset(longest, 'x', sizeof longest - 1);
    crm_record *record = customer("A");
    crm_item_add(record, CRM_CUSTOMER_PHONES, "030 1", CRM_NUL);
    refused(crm_item_set_text(record, CRM_CUSTOMER_PHONES, 1, CRM_PART_LABEL, "home", CRM_NUL), CRM_INVALID,
            "has 1 items, there is no item 1");
    static const int32_t parts[] = {0, -1, CRM_PART_ROLE + 1, 99, CRM_PART_PRIMARY};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        record = customer("A");
        crm_item_add(record, CRM_CUSTOMER_PHONES, "030 1", CRM_NUL);
        refused(crm_item_set_text(record, CRM_CUSTOMER_PHONES, 0, parts[i], "x", CRM_NUL), CRM_INVALID, "part");
    }
    record = customer("A");
    crm_item_add(record, CRM_CUSTOMER_PHONES, "030 1", CRM_NUL);
    refused(crm_item_set_text(record, CRM_CUSTOMER_PHONES, 0, CRM_PART_LABEL, "\xFF", 1), CRM_INVALID, "UTF-8");
    record = customer("A");
    crm_item_add(record, CRM_CUSTOMER_PHONES, "030 1", CRM_NUL);
    refused(crm_item_set_text(record, CRM_CUSTOMER_PHONES, 0, CRM_PART_LABEL, longest, CRM_NUL), CRM_INVALID, "65,535");
    record = customer("A");
    refused(crm_item_add(record, CRM_FIELD_TAGS, longest, CRM_NUL), CRM_INVALID, "1 to 65,535 bytes");
    record = customer("A");
    refused(crm_item_add(record, 9999, "x", 1), CRM_INVALID, "9999");
    record = customer("A");
    refused(crm_item_add(record, CRM_CUSTOMER_EMAILS, "a b@x.example", CRM_NUL), CRM_INVALID,
            "is not an e-mail address");
    record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_NOTE);
    refused(crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CUSTOMER, &acme, "\xFF", 1), CRM_NOT_FOUND,
            "");
    static const uint32_t kinds[] = {999, CRM_KIND_CONTACT};
    for (size_t i = 0; i < 2; i++) {
        record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_NOTE);
        refused(crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, kinds[i], &acme, NULL, 0), CRM_NOT_FOUND,
                "no such record");
    }
    record = crm_create(txn, CRM_KIND_INTERACTION);
    refused(crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CUSTOMER, NULL, NULL, 0), CRM_NOT_FOUND,
            "no such record");
    record = customer("A");
    refused(crm_item_add_ref(record, CRM_FIELD_TAGS, CRM_KIND_CUSTOMER, &acme, NULL, 0), CRM_NOT_FOUND, "");
}
END_TEST

START_TEST(lists_in_json_whose_parts_are_of_another_type)
{
    static char longest[140000];
    static const struct {
        uint32_t field;
        const char *text, *said;
    } cases[] = {
        {CRM_CUSTOMER_EMAILS, "[{\"value\":\"a@x.example\",\"opt_out\":\"yes\"}]", "is true or false"},
        {CRM_CUSTOMER_EMAILS, "[{\"value\":\"a@x.example\",\"opt_out\":2}]", "is true or false"},
        {CRM_CUSTOMER_EMAILS, "[{\"value\":\"a@x.example\",\"opt_out\":0.5}]", "is true or false"},
        {CRM_CUSTOMER_EMAILS, "[{\"value\":\"a@x.example\",\"opt_out\":[]}]", "is true or false"},
        {CRM_CUSTOMER_EMAILS, "[{\"value\":true}]", "is a text"},
        {CRM_CUSTOMER_EMAILS, "[{\"value\":[]}]", "is a text"},
        {CRM_CUSTOMER_EMAILS, "[{\"value\":\"a@x.example\",\"label\":{}}]", "is a text"},
        {CRM_CUSTOMER_EMAILS, "[{\"ref\":\"customer:Acme\"}]", "cannot be referred to here"},
        {CRM_CUSTOMER_EMAILS, longest, "longer than 65,535"},
    };
    int used = snprintf(longest, sizeof longest, "[{\"value\":\"a@x.example\",\"label\":\"");
    memset(longest + used, 'x', 70000);
    snprintf(longest + used + 70000, 10, "\"}]");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(crm_set_parsed(customer("A"), cases[i].field, cases[i].text, CRM_NUL), CRM_INVALID, cases[i].said);
    crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
    refused(crm_set_parsed(record, CRM_INTERACTION_PARTICIPANTS, "[{\"ref\":\"Acme\",\"kind\":true}]", CRM_NUL),
            CRM_INVALID, "cannot be referred to here");
    record = crm_create(txn, CRM_KIND_INTERACTION);
    refused(
        crm_set_parsed(record, CRM_INTERACTION_PARTICIPANTS, "[{\"ref\":\"Nobody\",\"kind\":\"customer\"}]", CRM_NUL),
        CRM_NOT_FOUND, "");
    /* Numbers and nulls where they mean something. */
    record = customer("A");
    ck_assert_int_eq(
        crm_set_parsed(record, CRM_CUSTOMER_EMAILS,
                       "[{\"value\":\"a@x.example\",\"opt_out\":1,\"invalid\":0,\"label\":null,\"primary\":null},"
                       "{\"value\":\"b@x.example\",\"primary\":1,\"label\":7}]",
                       CRM_NUL),
        CRM_OK);
    ck_assert_int_eq(crm_item_int(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_OPT_OUT), 1);
    ck_assert_int_eq(crm_item_int(record, CRM_CUSTOMER_EMAILS, 1, CRM_PART_PRIMARY), 1);
    ck_assert_str_eq(crm_item_text(record, CRM_CUSTOMER_EMAILS, 1, CRM_PART_LABEL, NULL), "7");
    ck_assert_int_eq(crm_set_parsed(record, CRM_FIELD_TAGS,
                                    "[\"vip\",{\"value\":\"vip\"},{\"value\":\"north\"},\"north\"]", CRM_NUL),
                     CRM_OK);
    ck_assert_uint_eq(crm_item_count(record, CRM_FIELD_TAGS), 2); /* each tag once */
    refused(crm_set_null(record, 9999), CRM_INVALID, "");
}
END_TEST

/* ---- definitions and settings ---- */

START_TEST(flags_that_do_not_fit_a_type)
{
    static const int32_t unique[] = {CRM_TYPE_TEXT, CRM_TYPE_INT, CRM_TYPE_EXTERNAL_IDS, CRM_TYPE_EMAILS};
    static const int32_t not_indexed[] = {CRM_TYPE_ADDRESSES, CRM_TYPE_REFS, CRM_TYPE_EMAILS, CRM_TYPE_EXTERNAL_IDS};
    uint32_t kind = 0, field = 0, own = 0;
    int made = 0;
    ck_assert_int_eq(crm_kind_add(txn, "thing", CRM_NUL, &kind), CRM_OK);
    for (int32_t type = 1; crm_type_name(type) != NULL; type++) {
        char name[16];
        if (type == CRM_TYPE_ID)
            continue;
        uint32_t target = type == CRM_TYPE_REF ? kind : 0;
        bool can = false, cannot = false;
        for (size_t i = 0; i < 4; i++) {
            can |= unique[i] == type;
            cannot |= not_indexed[i] == type;
        }
        snprintf(name, sizeof name, "f%d", made++);
        int32_t status = crm_field_add(txn, kind, name, CRM_NUL, type, CRM_FLAG_UNIQUE, target, &field);
        ck_assert_msg((status == CRM_OK) == can, "unique %s", crm_type_name(type));
        crm_txn_forgive(txn);
        snprintf(name, sizeof name, "f%d", made++);
        status = crm_field_add(txn, kind, name, CRM_NUL, type, CRM_FLAG_INDEXED, target, &field);
        ck_assert_msg((status == CRM_OK) != cannot, "indexed %s", crm_type_name(type));
        crm_txn_forgive(txn);
        snprintf(name, sizeof name, "f%d", made++);
        status = crm_field_add(txn, kind, name, CRM_NUL, type, CRM_FLAG_ACYCLIC, target, &own);
        ck_assert_msg((status == CRM_OK) == (type == CRM_TYPE_REF), "acyclic %s", crm_type_name(type));
        crm_txn_forgive(txn);
    }
    crm_record *record = crm_create(txn, kind);
    crm_record_id(record, &acme);
    (void)own;
}
END_TEST

START_TEST(choices_that_cannot_be)
{
    static char name[202];
    uint32_t kind = 0, choice = 0, number = 0;
    ck_assert_int_eq(crm_kind_add(txn, "thing", CRM_NUL, &kind), CRM_OK);
    ck_assert_int_eq(crm_field_add(txn, kind, "choice", CRM_NUL, CRM_TYPE_CHOICE, 0, 0, &choice), CRM_OK);
    ck_assert_int_eq(crm_field_add(txn, kind, "number", CRM_NUL, CRM_TYPE_INT, 0, 0, &number), CRM_OK);
    refused(crm_choice_add(txn, 999, 1, "red", CRM_NUL, NULL), CRM_INVALID, "?.? takes no new choices");
    refused(crm_choice_add(txn, kind, 999, "red", CRM_NUL, NULL), CRM_INVALID, "thing.? takes no new choices");
    refused(crm_choice_add(txn, kind, number, "red", CRM_NUL, NULL), CRM_INVALID, "thing.number takes no new choices");
    memset(name, 'x', sizeof name - 1);
    refused(crm_choice_add(txn, kind, choice, name, CRM_NUL, NULL), CRM_INVALID, "1 to 200 bytes");
    refused(crm_choice_add(txn, kind, choice, "\xFF", 1, NULL), CRM_INVALID, "UTF-8");
    ck_assert_int_eq(crm_choice_add(txn, kind, choice, name, 200, NULL), CRM_OK);
}
END_TEST

START_TEST(settings_that_cannot_be)
{
    static char text[70000];
    static const char *const days[] = {"soon", "-1", "2147483648", "", "1.5", "9999999999999999999"};
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        refused(crm_setting_set(txn, "retention_days", days[i]), CRM_INVALID, "retention_days");
    refused(crm_setting_set(txn, "currency", "EURO"), CRM_INVALID, "ISO 4217");
    refused(crm_setting_set(txn, "", "x"), CRM_INVALID, "a name of 1 to");
    refused(crm_setting_set(txn, NULL, "x"), CRM_INVALID, "a name of 1 to");
    refused(crm_setting_set(txn, "\xFF", "x"), CRM_INVALID, "a name of 1 to");
    refused(crm_setting_set(txn, text, "x"), CRM_INVALID, "a name of 1 to");
    refused(crm_setting_set(txn, "large", text), CRM_INVALID, "a value of at most");
    ck_assert_int_eq(crm_setting_set(txn, "retention_days", "2147483647"), CRM_OK);
    ck_assert_int_eq(crm_setting_set(txn, "retention_days", NULL), CRM_OK);
}
END_TEST

/* ---- look-ups ---- */

START_TEST(look_ups_that_cannot_be_meant)
{
    crm_view *view = domain_view(db);
    crm_record *record = NULL;
    crm_id id;
    ck_assert_int_eq(crm_find(view, 999, 1, "x", CRM_NUL, &record, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "has no index"));
    ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, 9999, "x", CRM_NUL, &record, &error), CRM_INVALID);
    ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_DESCRIPTION, "x", CRM_NUL, &record, &error),
                     CRM_INVALID);
    ck_assert_int_eq(crm_resolve(view, 999, "x", CRM_NUL, &id, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "no kind with number 999"));
    ck_assert_int_eq(crm_find(view, CRM_KIND_CONTACT, CRM_CONTACT_PHONES, "12", CRM_NUL, &record, &error),
                     CRM_NOT_FOUND);
    ck_assert_ptr_null(record);
    static const uint32_t fields[] = {9999, CRM_CUSTOMER_DESCRIPTION};
    crm_view_close(view);
    for (size_t i = 0; i < 2; i++) {
        int32_t created = 7;
        ck_assert_ptr_null(crm_upsert(txn, CRM_KIND_CUSTOMER, fields[i], "x", CRM_NUL, &created));
        domain_refused(txn, CRM_INVALID, "");
    }
    ck_assert_ptr_null(crm_upsert(txn, 999, 1, "x", CRM_NUL, NULL));
    domain_refused(txn, CRM_INVALID, "");
    ck_assert_ptr_null(crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, NULL, CRM_NUL, NULL));
    domain_refused(txn, CRM_INVALID, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refused");
    TCase *cases = tcase_create("refused");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, numbers_beyond_what_a_field_holds);
    tcase_add_test(cases, references_to_what_cannot_be_meant);
    tcase_add_test(cases, references_to_records_from_elsewhere);
    tcase_add_test(cases, records_that_are_not_there);
    tcase_add_test(cases, changes_of_a_deleted_record);
    tcase_add_test(cases, items_and_parts_that_are_not_there);
    tcase_add_test(cases, lists_in_json_whose_parts_are_of_another_type);
    tcase_add_test(cases, flags_that_do_not_fit_a_type);
    tcase_add_test(cases, choices_that_cannot_be);
    tcase_add_test(cases, settings_that_cannot_be);
    tcase_add_test(cases, look_ups_that_cannot_be_meant);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
