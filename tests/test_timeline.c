/* Timelines against brute force: what names a record, newest first, in views of
 * now and before, by pages and cursors. */
#include "domain_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGETS = 6, EVENTS_MAX = 600 };

struct event {
    crm_id id;
    int64_t start;
    int type, customer, contact, related; /* positions of targets, -1: none; related: contacts behind customers */
    bool deleted;
};

struct model {
    crm_db *db;
    crm_id customers[TARGETS], contacts[TARGETS];
    struct event events[EVENTS_MAX];
    uint32_t count, seed;
};

static uint32_t below(struct model *model, uint32_t limit)
{
    model->seed = model->seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)model->seed * limit >> 32);
}

static void make_targets(struct model *model)
{
    char name[24];
    crm_txn *txn = domain_begin(model->db);
    for (int i = 0; i < TARGETS; i++) {
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "customer %d", i);
        crm_set_text(customer, CRM_CUSTOMER_NAME, name, CRM_NUL);
        crm_record_id(customer, &model->customers[i]);
        crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
        crm_set_text(contact, CRM_CONTACT_LAST_NAME, name, CRM_NUL);
        crm_record_id(contact, &model->contacts[i]);
    }
    domain_commit(txn);
}

static void set_related(struct model *model, crm_record *record, int related)
{
    if (related < 0)
        crm_set_null(record, CRM_INTERACTION_RELATED);
    else if (related < TARGETS)
        crm_set_ref(record, CRM_INTERACTION_RELATED, CRM_KIND_CUSTOMER, &model->customers[related]);
    else
        crm_set_ref(record, CRM_INTERACTION_RELATED, CRM_KIND_CONTACT, &model->contacts[related - TARGETS]);
}

/* A customer is always named, for the domain's rules would derive one. */
static void fill(struct model *model, crm_record *record, struct event *event)
{
    event->start = DOMAIN_NOW - (int64_t)below(model, 40) * DAY_US / 4; /* many at one instant */
    event->type = 1 + (int)below(model, 3);
    event->customer = (int)below(model, TARGETS);
    event->contact = (int)below(model, TARGETS + 3);
    event->contact = event->contact < TARGETS ? event->contact : -1;
    event->related = (int)below(model, 2 * TARGETS + 4);
    event->related = event->related < 2 * TARGETS ? event->related : -1;
    crm_set_int(record, CRM_INTERACTION_START, event->start);
    crm_set_int(record, CRM_INTERACTION_TYPE, event->type);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &model->customers[event->customer]);
    if (event->contact < 0)
        crm_set_null(record, CRM_INTERACTION_CONTACT);
    else
        crm_set_ref(record, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &model->contacts[event->contact]);
    set_related(model, record, event->related);
}

static void change(struct model *model, crm_txn *txn)
{
    crm_record *record;
    struct event *event = &model->events[model->count];
    if (model->count < 10 || (model->count < EVENTS_MAX && below(model, 2) == 0)) {
        memset(event, 0, sizeof *event);
        record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_record_id(record, &event->id);
        model->count++;
        fill(model, record, event);
        domain_accepted(txn);
        return;
    }
    event = &model->events[below(model, model->count)];
    record = crm_edit(txn, CRM_KIND_INTERACTION, &event->id);
    if (event->deleted || below(model, 4) == 0) {
        ck_assert_int_eq(event->deleted ? crm_restore(record) : crm_delete(record), CRM_OK);
        event->deleted = !event->deleted;
    } else {
        fill(model, record, event);
    }
    domain_accepted(txn);
}

static bool names(const struct event *event, uint32_t kind, int target)
{
    if (kind == CRM_KIND_CUSTOMER)
        return event->customer == target || event->related == target;
    return event->contact == target || event->related == target + TARGETS;
}

static uint32_t expect(const struct model *model, uint32_t kind, int target, int type, uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct event *event = &model->events[i];
        if (event->deleted || !names(event, kind, target) || (type != 0 && event->type != type))
            continue;
        uint32_t at = count++;
        for (; at > 0 && model->events[rows[at - 1]].start <= event->start;
             at--) /* newest first; of equal ones the last made */
            rows[at] = rows[at - 1];
        rows[at] = i;
    }
    return count;
}

static crm_query *timeline(const struct model *model, crm_view *view, uint32_t kind, int target, int type)
{
    crm_query *query = NULL;
    const crm_id *id = kind == CRM_KIND_CUSTOMER ? &model->customers[target] : &model->contacts[target];
    ck_assert_int_eq(crm_timeline(view, kind, id, &query, NULL), CRM_OK);
    if (type != 0)
        ck_assert_int_eq(crm_query_where_int(query, CRM_INTERACTION_TYPE, CRM_OP_EQ, type), CRM_OK);
    return query;
}

/* `old`: what the view saw; `random` may be another's seed. */
static void compare(struct model *random, const struct model *old, crm_view *view)
{
    uint32_t rows[EVENTS_MAX], kind = below(random, 2) ? CRM_KIND_CUSTOMER : CRM_KIND_CONTACT, got = 0;
    int target = (int)below(random, TARGETS), type = (int)below(random, 6);
    type = type <= 3 ? type : 0;
    uint32_t count = expect(old, kind, target, type, rows);
    crm_query *query = timeline(old, view, kind, target, type);
    uint64_t counted = 0;
    ck_assert_int_eq(crm_query_count(query, &counted, NULL), CRM_OK);
    ck_assert_uint_eq(counted, count);
    for (;;) {
        crm_record *records[10];
        uint32_t taken = 0;
        crm_id id;
        ck_assert_int_eq(crm_query_page(query, records, 1 + below(random, 10), &taken, NULL), CRM_OK);
        if (taken == 0)
            break;
        for (uint32_t i = 0; i < taken; i++, got++) {
            crm_record_id(records[i], &id);
            ck_assert_uint_lt(got, count);
            ck_assert_msg(memcmp(&id, &old->events[rows[got]].id, sizeof id) == 0, "row %u of %u is another", got,
                          count);
            ck_assert_int_eq(crm_int(records[i], CRM_INTERACTION_START), old->events[rows[got]].start);
        }
        if (below(random, 3) == 0) {
            char *cursor = strdup(crm_query_cursor(query));
            crm_query_free(query);
            query = timeline(old, view, kind, target, type);
            ck_assert_int_eq(crm_query_after(query, cursor, CRM_NUL), CRM_OK);
            free(cursor);
        }
    }
    ck_assert_uint_eq(got, count);
    crm_query_free(query);
}

START_TEST(a_timeline_is_what_brute_force_finds)
{
    static struct model model, old;
    memset(&model, 0, sizeof model);
    model.seed = 4711 + (uint32_t)_i;
    model.db = domain_open();
    make_targets(&model);
    for (int round = 0; round < 25; round++) {
        crm_view *before = domain_view(model.db);
        old = model;
        crm_txn *txn = domain_begin(model.db);
        for (uint32_t n = 1 + below(&model, 20); n > 0; n--) {
            change(&model, txn);
            if (n % 4 == 0) {
                compare(&model, &model, crm_txn_view(txn));
                compare(&model, &old, before);
            }
        }
        domain_commit(txn);
        crm_view *now = domain_view(model.db), *past = NULL;
        ck_assert_int_eq(crm_view_open_lsn(model.db, crm_view_lsn(before), &past, NULL), CRM_OK);
        for (int i = 0; i < 12; i++) {
            compare(&model, &model, now);
            compare(&model, &old, before);
            compare(&model, &old, past);
        }
        crm_view_close(now);
        crm_view_close(past);
        crm_view_close(before);
    }
    domain_close(model.db);
}
END_TEST

/* Pages go on where they were while another transaction changes what lies before and behind. */
START_TEST(a_page_goes_on_while_others_write)
{
    static struct model model, old;
    memset(&model, 0, sizeof model);
    model.seed = 99;
    model.db = domain_open();
    make_targets(&model);
    crm_txn *txn = domain_begin(model.db);
    for (int i = 0; i < 300; i++)
        change(&model, txn);
    domain_commit(txn);
    old = model;
    uint32_t rows[EVENTS_MAX], got = 0, count = expect(&old, CRM_KIND_CUSTOMER, 2, 0, rows);
    crm_view *view = domain_view(model.db);
    crm_query *query = timeline(&old, view, CRM_KIND_CUSTOMER, 2, 0);
    crm_record *record = NULL;
    crm_id id;
    int32_t status;
    while ((status = crm_query_next(query, &record, NULL)) == CRM_OK) {
        crm_record_id(record, &id);
        ck_assert_int_eq(memcmp(&id, &old.events[rows[got++]].id, sizeof id), 0);
        if (got % 5 == 0) {
            txn = domain_begin(model.db);
            for (int i = 0; i < 10; i++)
                change(&model, txn);
            domain_commit(txn);
        }
    }
    ck_assert_int_eq(status, CRM_DONE);
    ck_assert_uint_eq(got, count);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(model.db);
}
END_TEST

/* A user's own kind may lack the instant: it comes behind those that have one,
 * also behind those from before 1970, in every way to page. */
START_TEST(records_without_an_instant_come_last)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    uint32_t kind = 0, whom = 0, at = 0;
    ck_assert_int_eq(crm_kind_add(txn, "visit", CRM_NUL, &kind), CRM_OK);
    crm_field_add(txn, kind, "whom", CRM_NUL, CRM_TYPE_REF, CRM_FLAG_TIMELINE, CRM_KIND_CUSTOMER, &whom);
    crm_field_add(txn, kind, "at", CRM_NUL, CRM_TYPE_TIME, CRM_FLAG_INDEXED, 0, &at);
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_id target, ids[100];
    crm_record_id(customer, &target);
    crm_set_text(customer, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    for (int i = 0; i < 100; i++) {
        crm_record *visit = crm_create(txn, kind);
        crm_record_id(visit, &ids[i]);
        crm_set_ref(visit, whom, CRM_KIND_CUSTOMER, &target);
        if (i % 2 == 0)
            crm_set_int(visit, at, (int64_t)(i - 50) * DAY_US);
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_id id;
    for (int page = 1; page < 8; page += 3) {
        char *cursor = strdup("");
        for (int got = 0; got < 100;) {
            ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
            crm_query_where_ref(query, whom, CRM_OP_EQ, CRM_KIND_CUSTOMER, &target);
            crm_query_order(query, at, 1);
            crm_query_after(query, cursor, CRM_NUL);
            for (int n = 0; n < page && got < 100; n++, got++) {
                ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
                crm_record_id(record, &id);
                /* 98, 96, … 0 by time, then 99, 97, … 1 by creation, the newest first. */
                int expected = got < 50 ? 98 - 2 * got : 199 - 2 * got;
                ck_assert_int_eq(memcmp(&id, &ids[expected], sizeof id), 0);
            }
            free(cursor);
            cursor = strdup(crm_query_cursor(query));
            crm_query_free(query);
        }
        free(cursor);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* However many fields of the user's own name the record. */
START_TEST(every_field_with_a_timeline_counts)
{
    enum { FIELDS = 9 };
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    uint32_t fields[FIELDS];
    char name[24];
    crm_id target, other, id;
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(customer, &target);
    crm_set_text(customer, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    customer = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(customer, &other);
    crm_set_text(customer, CRM_CUSTOMER_NAME, "Other", CRM_NUL);
    for (int i = 0; i < FIELDS; i++) {
        snprintf(name, sizeof name, "whom_%d", i);
        crm_field_add(txn, CRM_KIND_INTERACTION, name, CRM_NUL, CRM_TYPE_REF, CRM_FLAG_TIMELINE, CRM_KIND_CUSTOMER,
                      &fields[i]);
        crm_record *call = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(call, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
        crm_set_int(call, CRM_INTERACTION_START, DOMAIN_NOW - i * DAY_US);
        crm_set_ref(call, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &other);
        crm_set_ref(call, fields[i], CRM_KIND_CUSTOMER, &target);
        domain_accepted(txn);
        crm_view *view = crm_txn_view(txn);
        crm_query *query = NULL;
        crm_record *record = NULL;
        uint64_t count = 0;
        ck_assert_int_eq(crm_timeline(view, CRM_KIND_CUSTOMER, &target, &query, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
        ck_assert_uint_eq(count, (uint64_t)i + 1);
        for (int n = 0; n <= i; n++) {
            ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
            ck_assert_int_eq(crm_int(record, CRM_INTERACTION_START), DOMAIN_NOW - n * DAY_US);
            ck_assert_int_eq(crm_ref(record, fields[n], NULL, &id), CRM_OK);
        }
        ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_DONE);
        crm_query_free(query);
    }
    crm_rollback(txn);
    domain_close(db);
}
END_TEST

START_TEST(a_timeline_of_nothing_is_refused)
{
    crm_db *db = domain_open();
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_error error;
    crm_id id = {{9}};
    ck_assert_int_eq(crm_timeline(view, CRM_KIND_CUSTOMER, &id, &query, &error), CRM_NOT_FOUND);
    ck_assert_ptr_null(query);
    ck_assert_int_eq(crm_timeline(view, 999, &id, &query, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_timeline(view, CRM_KIND_CUSTOMER, NULL, &query, &error), CRM_MISUSE);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeline");
    TCase *cases = tcase_create("timeline");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_timeline_is_what_brute_force_finds, 0, 4);
    tcase_add_test(cases, a_page_goes_on_while_others_write);
    tcase_add_test(cases, records_without_an_instant_come_last);
    tcase_add_test(cases, every_field_with_a_timeline_counts);
    tcase_add_test(cases, a_timeline_of_nothing_is_refused);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
