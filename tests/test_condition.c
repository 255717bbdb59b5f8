/* Conditions on lists, references and ids, what an operator fits, and the limits
 * of a query; the scalar types are held against brute force in test_query. */
#include "domain_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 8 };

static crm_id people[PEOPLE];

/* Eight contacts, told apart by their position; bit i of an answer is contact i. */
static crm_db *make_people(void)
{
    static const char *const emails[PEOPLE] = {"anna@north.example",
                                               "bert@north.example;office@north.example",
                                               "carl@south.example",
                                               "",
                                               "Anna@South.example",
                                               "dora@north.example",
                                               "",
                                               "office@south.example"};
    static const char *const phones[PEOPLE] = {"+49 30 901820", "030 901821", "", "+49 89 901820",
                                               "901820",        "",           "", "+1 212 5550100"};
    static const char *const ids[PEOPLE] = {"erp:1", "erp:2;web:1", "", "web:22", "plain", "", "", "erp:11"};
    static const char *const tags[PEOPLE] = {"VIP;partner", "partner", "", "vip", "Partner Nord", "", "", ""};
    static const char *const streets[PEOPLE] = {"Hauptstraße 1", "", "Main Street 5", "", "", "", "", "HAUPTSTRASSE 9"};
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    for (int i = 0; i < PEOPLE; i++) {
        char name[16];
        crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
        snprintf(name, sizeof name, "Person %d", i);
        crm_record_id(contact, &people[i]);
        crm_set_text(contact, CRM_CONTACT_LAST_NAME, name, CRM_NUL);
        crm_set_parsed(contact, CRM_CONTACT_EMAILS, emails[i], CRM_NUL);
        crm_set_parsed(contact, CRM_CONTACT_PHONES, phones[i], CRM_NUL);
        crm_set_parsed(contact, CRM_FIELD_EXTERNAL_IDS, ids[i], CRM_NUL);
        crm_set_parsed(contact, CRM_FIELD_TAGS, tags[i], CRM_NUL);
        crm_set_parsed(contact, CRM_CONTACT_ADDRESSES, streets[i], CRM_NUL);
        if (i == 4)
            crm_set_ref(contact, CRM_CONTACT_REPORTS_TO, CRM_KIND_CONTACT, &people[0]);
        if (i == 5)
            crm_set_ref(contact, CRM_CONTACT_REPORTS_TO, CRM_KIND_CONTACT, &people[1]);
    }
    domain_commit(txn);
    return db;
}

static unsigned answer(crm_query *query)
{
    crm_error error;
    crm_record *record = NULL;
    crm_id id;
    unsigned found = 0;
    int32_t status;
    uint64_t count = 0, rows = 0;
    ck_assert_int_eq(crm_query_count(query, &count, &error), CRM_OK);
    while ((status = crm_query_next(query, &record, &error)) == CRM_OK) {
        crm_record_id(record, &id);
        for (int i = 0; i < PEOPLE; i++)
            found |= memcmp(&id, &people[i], sizeof id) == 0 ? 1u << i : 0;
        rows++;
    }
    ck_assert_msg(status == CRM_DONE, "%s", error.message);
    ck_assert_uint_eq(rows, count);
    return found;
}

static unsigned ask(crm_view *view, uint32_t field, int32_t op, const char *text)
{
    crm_query *query = NULL;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_text(query, field, op, text, CRM_NUL), CRM_OK);
    unsigned found = answer(query);
    crm_query_free(query);
    return found;
}

START_TEST(any_item_of_a_list_may_answer)
{
    static const struct {
        uint32_t field;
        int32_t op;
        const char *text;
        unsigned found;
    } cases[] = {
        {CRM_CONTACT_EMAILS, CRM_OP_EQ, "office@north.example", 1 << 1},
        {CRM_CONTACT_EMAILS, CRM_OP_EQ, "ANNA@south.example", 1 << 4},
        {CRM_CONTACT_EMAILS, CRM_OP_NE, "office@north.example", 0xff & ~(1 << 1)},
        {CRM_CONTACT_EMAILS, CRM_OP_PREFIX, "anna@", 1 << 0 | 1 << 4},
        {CRM_CONTACT_EMAILS, CRM_OP_CONTAINS, "NORTH", 1 << 0 | 1 << 1 | 1 << 5},
        {CRM_CONTACT_EMAILS, CRM_OP_SET, "", 0xff & ~(1 << 3 | 1 << 6)},
        {CRM_CONTACT_EMAILS, CRM_OP_NOT_SET, "", 1 << 3 | 1 << 6},
        {CRM_CONTACT_PHONES, CRM_OP_EQ, "0049 30 901820", 1 << 0 | 1 << 4}, /* 901820 alone may be it, too */
        {CRM_CONTACT_PHONES, CRM_OP_EQ, "901820", 1 << 0 | 1 << 3 | 1 << 4},
        {CRM_CONTACT_PHONES, CRM_OP_NE, "901820", 0xff & ~(1 << 0 | 1 << 3 | 1 << 4)},
        {CRM_CONTACT_PHONES, CRM_OP_PREFIX, "820", 1 << 0 | 1 << 3 | 1 << 4}, /* the last digits */
        {CRM_CONTACT_PHONES, CRM_OP_SET, "", 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 7},
        {CRM_FIELD_EXTERNAL_IDS, CRM_OP_EQ, "erp:1", 1 << 0},
        {CRM_FIELD_EXTERNAL_IDS, CRM_OP_EQ, "1", 1 << 0 | 1 << 1},
        {CRM_FIELD_EXTERNAL_IDS, CRM_OP_PREFIX, "erp:", 1 << 0 | 1 << 1 | 1 << 7},
        {CRM_FIELD_EXTERNAL_IDS, CRM_OP_EQ, "plain", 1 << 4},
        {CRM_FIELD_TAGS, CRM_OP_EQ, "vip", 1 << 0 | 1 << 3},
        {CRM_FIELD_TAGS, CRM_OP_NE, "vip", 0xff & ~(1 << 0 | 1 << 3)},
        {CRM_FIELD_TAGS, CRM_OP_CONTAINS, "partner", 1 << 0 | 1 << 1 | 1 << 4},
        {CRM_CONTACT_ADDRESSES, CRM_OP_CONTAINS, "hauptstrasse", 1 << 0 | 1 << 7},
        {CRM_CONTACT_ADDRESSES, CRM_OP_NOT_SET, "", 0xff & ~(1 << 0 | 1 << 2 | 1 << 7)},
    };
    crm_db *db = make_people();
    crm_view *before = domain_view(db);
    for (int round = 0; round < 3; round++) {
        crm_view *view = domain_view(db);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            unsigned found = ask(before, cases[i].field, cases[i].op, cases[i].text);
            ck_assert_msg(found == cases[i].found, "case %zu, round %d: %02x", i, round, found);
            if (round != 1) {
                found = ask(view, cases[i].field, cases[i].op, cases[i].text);
                ck_assert_msg(found == cases[i].found, "case %zu, round %d, now: %02x", i, round, found);
            }
        }
        crm_view_close(view);
        /* Everything changes, and changes back: the old view answers as before. */
        crm_txn *txn = domain_begin(db);
        for (int i = 0; round < 2 && i < PEOPLE; i++) {
            crm_record *contact = crm_edit(txn, CRM_KIND_CONTACT, &people[round == 0 ? i : PEOPLE - 1 - i]);
            ck_assert_int_eq(round == 0 ? crm_delete(contact) : crm_restore(contact), CRM_OK);
        }
        domain_commit(txn);
    }
    crm_view_close(before);
    domain_close(db);
}
END_TEST

START_TEST(several_in_are_alternatives)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    crm_query_where_text(query, CRM_CONTACT_EMAILS, CRM_OP_IN, "anna@north.example", CRM_NUL);
    crm_query_where_text(query, CRM_CONTACT_EMAILS, CRM_OP_IN, "office@north.example", CRM_NUL);
    crm_query_where_text(query, CRM_CONTACT_EMAILS, CRM_OP_IN, "bert@north.example", CRM_NUL); /* the same record */
    ck_assert_uint_eq(answer(query), 1 << 0 | 1 << 1);
    crm_query_free(query);
    /* More than the plan can follow through an index. */
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    for (int i = 0; i < 100; i++) {
        char name[24];
        snprintf(name, sizeof name, "Person %d", i % 50 + 3);
        crm_query_where_text(query, CRM_CONTACT_LAST_NAME, CRM_OP_IN, name, CRM_NUL);
    }
    ck_assert_uint_eq(answer(query), 0xf8);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* More values than the plan can follow through an index, of each kind of index. */
START_TEST(very_many_values_are_alternatives)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    static const struct {
        uint32_t field;
        const char *format;
        unsigned found;
    } cases[] = {{CRM_CONTACT_PHONES, "+49 30 90182%d", 1 << 0 | 1 << 1 | 1 << 4}, /* the fifth names no area */
                 {CRM_FIELD_EXTERNAL_IDS, "erp:%d", 1 << 0 | 1 << 1 | 1 << 7},
                 {CRM_CONTACT_TITLE, "%d", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        for (int n = 0; n < 40; n++) {
            char text[32];
            snprintf(text, sizeof text, cases[i].format, n);
            ck_assert_int_eq(crm_query_where_text(query, cases[i].field, CRM_OP_IN, text, CRM_NUL), CRM_OK);
        }
        ck_assert_msg(answer(query) == cases[i].found, "%zu: %x", i, answer(query));
        crm_query_free(query);
    }
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    for (int n = 0; n < 40; n++)
        crm_query_where_text(query, CRM_FIELD_TAGS, CRM_OP_IN, n % 3 ? "partner" : "else", CRM_NUL);
    ck_assert_uint_eq(answer(query), 1 << 0 | 1 << 1);
    crm_query_free(query);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    for (int n = 0; n < 40; n++)
        crm_query_where_ref(query, CRM_CONTACT_REPORTS_TO, CRM_OP_IN, CRM_KIND_CONTACT, &people[1 + n % 7]);
    ck_assert_uint_eq(answer(query), 1 << 5);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(references_and_ids_are_compared)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    char id[37];
    crm_id nobody = {{7}};
    crm_query *query = NULL;
    crm_id_format(&people[0], id);
    ck_assert_uint_eq(ask(view, CRM_CONTACT_REPORTS_TO, CRM_OP_EQ, id), 1 << 4);
    ck_assert_uint_eq(ask(view, CRM_CONTACT_REPORTS_TO, CRM_OP_EQ, "person 1"), 1 << 5);
    ck_assert_uint_eq(ask(view, CRM_CONTACT_REPORTS_TO, CRM_OP_NE, "person 1"), 0xff & ~(1 << 5));
    ck_assert_uint_eq(ask(view, CRM_CONTACT_REPORTS_TO, CRM_OP_SET, ""), 1 << 4 | 1 << 5);
    ck_assert_uint_eq(ask(view, CRM_FIELD_ID, CRM_OP_EQ, id), 1 << 0);
    ck_assert_uint_eq(ask(view, CRM_FIELD_ID, CRM_OP_NE, id), 0xfe);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    crm_query_where_ref(query, CRM_CONTACT_REPORTS_TO, CRM_OP_EQ, CRM_KIND_CONTACT, &nobody);
    ck_assert_uint_eq(answer(query), 0);
    crm_query_free(query);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    crm_query_where_ref(query, CRM_FIELD_ID, CRM_OP_IN, CRM_KIND_CONTACT, &people[2]);
    crm_query_where_ref(query, CRM_FIELD_ID, CRM_OP_IN, CRM_KIND_CONTACT, &people[6]);
    crm_query_where_ref(query, CRM_FIELD_ID, CRM_OP_IN, CRM_KIND_CONTACT, &people[6]);
    crm_query_where_ref(query, CRM_FIELD_ID, CRM_OP_IN, CRM_KIND_CONTACT, &nobody);
    ck_assert_uint_eq(answer(query), 1 << 2 | 1 << 6);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* Participants and related records: of any kind, found by id. */
START_TEST(references_to_any_kind_are_compared)
{
    crm_db *db = make_people();
    crm_txn *txn = domain_begin(db);
    crm_id calls[2];
    char id[37], named[64];
    for (int i = 0; i < 2; i++) {
        crm_record *call = crm_create(txn, CRM_KIND_INTERACTION);
        crm_record_id(call, &calls[i]);
        crm_set_int(call, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
        crm_set_ref(call, CRM_INTERACTION_RELATED, CRM_KIND_CONTACT, &people[i]);
        crm_item_add_ref(call, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &people[2], "host", CRM_NUL);
        if (i == 1)
            crm_item_add_ref(call, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &people[3], NULL, 0);
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    static const struct {
        uint32_t field;
        int32_t op;
        int person;
        uint64_t count;
    } cases[] = {
        {CRM_INTERACTION_RELATED, CRM_OP_EQ, 0, 1},      {CRM_INTERACTION_RELATED, CRM_OP_EQ, 2, 0},
        {CRM_INTERACTION_RELATED, CRM_OP_NE, 0, 1},      {CRM_INTERACTION_PARTICIPANTS, CRM_OP_EQ, 2, 2},
        {CRM_INTERACTION_PARTICIPANTS, CRM_OP_EQ, 3, 1}, {CRM_INTERACTION_PARTICIPANTS, CRM_OP_NE, 3, 1},
        {CRM_INTERACTION_PARTICIPANTS, CRM_OP_EQ, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int way = 0; way < 3; way++) {
            crm_query *query = NULL;
            uint64_t count = 99;
            crm_id_format(&people[cases[i].person], id);
            snprintf(named, sizeof named, "contact:Person %d", cases[i].person);
            ck_assert_int_eq(crm_query_create(view, CRM_KIND_INTERACTION, &query, NULL), CRM_OK);
            if (way == 0)
                crm_query_where_ref(query, cases[i].field, cases[i].op, CRM_KIND_CONTACT, &people[cases[i].person]);
            else
                crm_query_where_text(query, cases[i].field, cases[i].op, way == 1 ? id : named, CRM_NUL);
            ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
            ck_assert_msg(count == cases[i].count, "case %zu, way %d: %llu", i, way, (unsigned long long)count);
            crm_query_free(query);
        }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(every_record_has_an_id)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    ck_assert_uint_eq(ask(view, CRM_FIELD_ID, CRM_OP_SET, ""), 0xff);
    ck_assert_uint_eq(ask(view, CRM_FIELD_ID, CRM_OP_NOT_SET, ""), 0);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(an_operator_that_does_not_fit_is_refused)
{
    static const struct {
        uint32_t field;
        int32_t op;
        const char *text, *said;
    } cases[] = {
        {CRM_CONTACT_EMAILS, CRM_OP_LT, "a", "contact.emails is of type emails"},
        {CRM_CONTACT_ADDRESSES, CRM_OP_EQ, "a", "addresses"},
        {CRM_CONTACT_BIRTHDATE, CRM_OP_PREFIX, "2017", "birthdate"},
        {CRM_CONTACT_BIRTHDATE, CRM_OP_EQ, "soon", "contact.birthdate: \"soon\" is no date"},
        {CRM_CONTACT_CUSTOMER, CRM_OP_GT, "a", "customer"},
        {CRM_CONTACT_CUSTOMER, CRM_OP_EQ, "nobody", "nobody"},
        {CRM_FIELD_ID, CRM_OP_EQ, "nonsense", "nonsense"},
        {CRM_CONTACT_PHONES, CRM_OP_EQ, "letters", "is not a telephone number"},
        {CRM_CONTACT_LAST_NAME, CRM_OP_EQ, "\xff", "UTF-8"},
        {9999, CRM_OP_EQ, "a", "no field 9999"},
        {CRM_CONTACT_LAST_NAME, 0, "a", "no operator 0"},
        {CRM_CONTACT_LAST_NAME, 12, "a", "no operator 12"},
        {CRM_CONTACT_LAST_NAME, CRM_OP_EQ, NULL, "compared with nothing"},
    };
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        crm_query *query = NULL;
        crm_record *record = NULL;
        crm_error error;
        uint64_t count;
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        int32_t status = crm_query_where_text(query, cases[i].field, cases[i].op, cases[i].text, CRM_NUL);
        ck_assert_msg(status != CRM_OK, "case %zu was taken", i);
        (void)crm_query_where_int(query, CRM_FIELD_VERSION, CRM_OP_EQ, 1); /* the first failure is kept */
        ck_assert_int_eq(crm_query_next(query, &record, &error), status);
        ck_assert_ptr_null(record);
        ck_assert_msg(strstr(error.message, cases[i].said) != NULL, "\"%s\" does not say \"%s\"", error.message,
                      cases[i].said);
        ck_assert_int_eq(crm_query_count(query, &count, NULL), status);
        ck_assert_str_eq(crm_query_explain(query), error.message);
        crm_query_free(query);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(a_query_has_limits_and_says_so)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_error error;
    ck_assert_int_eq(crm_query_create(view, 999, &query, &error), CRM_INVALID);
    ck_assert_ptr_null(query);
    ck_assert_int_eq(crm_query_create(NULL, 1, &query, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    for (int i = 0; i < 32; i++)
        ck_assert_int_eq(crm_query_where_int(query, CRM_FIELD_VERSION, CRM_OP_GE, 0), CRM_OK);
    ck_assert_int_eq(crm_query_where_int(query, CRM_FIELD_VERSION, CRM_OP_GE, 0), CRM_FULL);
    crm_query_free(query);
    /* Once it runs, it stays as it is. */
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_int(query, CRM_FIELD_VERSION, CRM_OP_GE, 0), CRM_MISUSE);
    crm_query_free(query);
    /* A cursor of another query, or of nothing. */
    static const char *const cursors[] = {"c1-2-0-ak-0-", "x", "c1", "c1-2-0-ak-0-00-", "c1-1-0-ak-0-0000000000000000"};
    for (size_t i = 0; i < sizeof cursors / sizeof cursors[0]; i++) {
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_after(query, cursors[i], CRM_NUL), CRM_INVALID);
        ck_assert_int_eq(crm_query_next(query, &record, &error), CRM_INVALID);
        ck_assert_ptr_nonnull(strstr(error.message, "cursor"));
        crm_query_free(query);
    }
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    ck_assert_str_eq(crm_query_cursor(query), "");
    ck_assert_int_eq(crm_query_after(query, "", 0), CRM_OK); /* from the beginning */
    ck_assert_int_eq(crm_query_order(query, CRM_CONTACT_EMAILS, 0), CRM_INVALID);
    crm_query_free(query);
    crm_query_free(NULL);
    ck_assert_int_eq(crm_query_next(NULL, &record, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_query_count(NULL, NULL, &error), CRM_MISUSE);
    ck_assert_str_eq(crm_query_explain(NULL), "");
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(the_plan_says_which_index_and_why)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    static const struct {
        uint32_t field;
        int32_t op;
        const char *text, *said;
    } cases[] = {
        {CRM_CONTACT_EMAILS, CRM_OP_EQ, "anna@north.example", "look-up in the table of contact.emails"},
        {CRM_CONTACT_LAST_NAME, CRM_OP_PREFIX, "person", "index on contact.last_name, 8 of 8"},
        {CRM_CONTACT_TITLE, CRM_OP_EQ, "x", "scan of all 8 records"},
        {CRM_FIELD_TAGS, CRM_OP_EQ, "vip", "index on contact.tags, 2 of 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        crm_query_where_text(query, cases[i].field, cases[i].op, cases[i].text, CRM_NUL);
        ck_assert_msg(strstr(crm_query_explain(query), cases[i].said) != NULL, "%s", crm_query_explain(query));
        crm_query_free(query);
    }
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    crm_query_where_ref(query, CRM_FIELD_ID, CRM_OP_EQ, CRM_KIND_CONTACT, &people[3]);
    ck_assert_str_eq(crm_query_explain(query), "look-up by id; 1 condition judged on each; collected and sorted");
    ck_assert_uint_eq(answer(query), 1 << 3);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(the_plan_of_a_timeline_says_so)
{
    crm_db *db = make_people();
    crm_txn *txn = domain_begin(db);
    crm_id customer;
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Nord", CRM_NUL);
    crm_record_id(record, &customer);
    record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &customer);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_INTERACTION, &query, NULL), CRM_OK);
    crm_query_where_ref(query, CRM_INTERACTION_CUSTOMER, CRM_OP_EQ, CRM_KIND_CUSTOMER, &customer);
    crm_query_order(query, CRM_INTERACTION_START, 1);
    ck_assert_str_eq(crm_query_explain(query),
                     "timeline, newest first; streamed in the order asked for (start, descending)");
    crm_query_free(query);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_INTERACTION, &query, NULL), CRM_OK);
    crm_query_where_ref(query, CRM_INTERACTION_CUSTOMER, CRM_OP_EQ, CRM_KIND_CUSTOMER, &customer);
    ck_assert_str_eq(crm_query_explain(query), "timeline, newest first; collected and sorted");
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* What a page gave, as text: good where it was made, else refused or not found, never another place. */
START_TEST(a_cursor_that_was_changed_is_refused)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    for (int ordered = 0; ordered < 2; ordered++) {
        crm_query *query = NULL;
        crm_record *record = NULL;
        crm_error error;
        char good[300], bad[320];
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        if (ordered)
            ck_assert_int_eq(crm_query_order(query, CRM_CONTACT_LAST_NAME, 1), CRM_OK);
        ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
        snprintf(good, sizeof good, "%s", crm_query_cursor(query));
        crm_query_free(query);
        size_t length = strlen(good);
        ck_assert_uint_gt(length, 40);
        /* c1-KIND-ORDER-(a|d)k-KEY-ID-TEXT: a shorter key or text is that of another place, which is one, too. */
        size_t key = (size_t)(strstr(good, "k-") + 2 - good), behind = key + strcspn(good + key, "-");
        size_t text = (size_t)(strrchr(good, '-') + 1 - good);
        for (size_t at = 0; at < length; at++)
            for (int way = 0; way < 5; way++) {
                static const char puts[] = "gG-";
                size_t size = length;
                memcpy(bad, good, length + 1);
                if (way < 3)
                    bad[at] = bad[at] == puts[way] ? 'z' : puts[way];
                else if (way == 3)
                    size = at; /* cut */
                else
                    memmove(bad + at, bad + at + 1, size-- - at); /* one is missing */
                if (size == 0)
                    continue; /* no cursor: from the beginning */
                ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
                if (ordered)
                    ck_assert_int_eq(crm_query_order(query, CRM_CONTACT_LAST_NAME, 1), CRM_OK);
                int32_t status = crm_query_after(query, bad, size);
                bool place = (way == 3 && at >= text && (at - text) % 2 == 0) ||         /* a shorter text */
                             (way == 4 && at >= key && at < behind && behind - key > 1); /* a smaller sort key */
                ck_assert_msg(status == (place ? CRM_OK : CRM_INVALID), "way %d at %zu of %s: %s", way, at, good,
                              crm_status_name(status));
                crm_query_free(query);
            }
        /* A number of 17 digits; a record that is not in this file. */
        static const char *const wrong[] = {"c1-00000000000000002-0-ak-0-00-", "c1-2-0-ak--00-"};
        for (size_t i = 0; i < 2; i++) {
            ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
            ck_assert_int_eq(crm_query_after(query, wrong[i], CRM_NUL), CRM_INVALID);
            crm_query_free(query);
        }
        char *id = strrchr(good, '-') - 32;
        memset(id, '0', 32);
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        if (ordered)
            ck_assert_int_eq(crm_query_order(query, CRM_CONTACT_LAST_NAME, 1), CRM_OK);
        ck_assert_int_eq(crm_query_after(query, good, CRM_NUL), CRM_NOT_FOUND);
        ck_assert_int_eq(crm_query_next(query, &record, &error), CRM_NOT_FOUND);
        crm_query_free(query);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

START_TEST(numbers_and_references_are_compared_with_what_they_can_be)
{
    crm_db *db = make_people();
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_record *record = NULL;
    static const struct {
        uint32_t field;
        int32_t op;
    } numbers[] = {{CRM_FIELD_VERSION, CRM_OP_PREFIX}, {CRM_CONTACT_ADDRESSES, CRM_OP_EQ}, {9999, CRM_OP_EQ}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_where_int(query, numbers[i].field, numbers[i].op, 1), CRM_INVALID);
        crm_query_free(query);
    }
    static const struct {
        uint32_t field, kind;
    } references[] = {{CRM_CONTACT_LAST_NAME, CRM_KIND_CONTACT},
                      {CRM_CONTACT_REPORTS_TO, CRM_KIND_CUSTOMER},
                      {CRM_CONTACT_REPORTS_TO, 999},
                      {9999, CRM_KIND_CONTACT}};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_where_ref(query, references[i].field, CRM_OP_EQ, references[i].kind, &people[0]),
                         CRM_INVALID);
        crm_query_free(query);
    }
    /* Once it runs, it stays as it is; and it is ordered by what has an order. */
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_order(query, CRM_CONTACT_LAST_NAME, 0), CRM_MISUSE);
    ck_assert_int_eq(crm_query_deleted(query, CRM_DELETED_ONLY), CRM_MISUSE);
    crm_query_free(query);
    static const uint32_t orders[] = {9999, CRM_FIELD_ID, CRM_FIELD_TAGS};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CONTACT, &query, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_order(query, orders[i], 0), CRM_INVALID);
        crm_query_free(query);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* A domain is sought as a person writes it, now and in a view of before. */
START_TEST(domains_are_compared_as_hosts)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    static const char *const domains[] = {"acme.example", "north.example", NULL};
    crm_id ids[3];
    for (int i = 0; i < 3; i++) {
        char name[16];
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_record_id(customer, &ids[i]);
        snprintf(name, sizeof name, "Customer %d", i);
        crm_set_text(customer, CRM_CUSTOMER_NAME, name, CRM_NUL);
        crm_set_text(customer, CRM_CUSTOMER_DOMAIN, domains[i], domains[i] == NULL ? 0 : CRM_NUL);
    }
    domain_commit(txn);
    crm_view *views[2] = {domain_view(db), NULL};
    txn = domain_begin(db);
    for (int i = 0; i < 3; i++)
        crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &ids[i]), CRM_CUSTOMER_TERRITORY, "North", CRM_NUL);
    domain_commit(txn);
    views[1] = domain_view(db);
    static const struct {
        int32_t op;
        const char *text;
        uint64_t count;
    } cases[] = {
        {CRM_OP_EQ, "https://www.ACME.example/about", 1},
        {CRM_OP_NE, "acme.example", 2},
        {CRM_OP_IN, "mia@north.example", 1},
        {CRM_OP_PREFIX, "ACME", 1},
        {CRM_OP_CONTAINS, "example", 2},
        {CRM_OP_EQ, "south.example", 0},
    };
    for (int when = 0; when < 2; when++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            crm_query *query = NULL;
            uint64_t count = 99;
            ck_assert_int_eq(crm_query_create(views[when], CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
            ck_assert_int_eq(crm_query_where_text(query, CRM_CUSTOMER_DOMAIN, cases[i].op, cases[i].text, CRM_NUL),
                             CRM_OK);
            ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
            ck_assert_msg(count == cases[i].count, "case %zu: %llu", i, (unsigned long long)count);
            crm_query_free(query);
        }
    crm_query *query = NULL;
    ck_assert_int_eq(crm_query_create(views[1], CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_text(query, CRM_CUSTOMER_DOMAIN, CRM_OP_EQ, "no host", CRM_NUL), CRM_INVALID);
    crm_query_free(query);
    crm_view_close(views[0]);
    crm_view_close(views[1]);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");
    TCase *cases = tcase_create("condition");
    tcase_add_test(cases, any_item_of_a_list_may_answer);
    tcase_add_test(cases, several_in_are_alternatives);
    tcase_add_test(cases, very_many_values_are_alternatives);
    tcase_add_test(cases, references_and_ids_are_compared);
    tcase_add_test(cases, references_to_any_kind_are_compared);
    tcase_add_test(cases, every_record_has_an_id);
    tcase_add_test(cases, an_operator_that_does_not_fit_is_refused);
    tcase_add_test(cases, a_query_has_limits_and_says_so);
    tcase_add_test(cases, the_plan_says_which_index_and_why);
    tcase_add_test(cases, the_plan_of_a_timeline_says_so);
    tcase_add_test(cases, a_cursor_that_was_changed_is_refused);
    tcase_add_test(cases, numbers_and_references_are_compared_with_what_they_can_be);
    tcase_add_test(cases, domains_are_compared_as_hosts);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
