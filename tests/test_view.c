/* Views: one state each, of now or before, that outlives whatever happens. */
#include "domain_fixture.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS = 60 };

static crm_id add_customer(crm_db *db, const char *name)
{
    crm_id id;
    crm_txn *txn = domain_begin(db);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
    crm_record_id(record, &id);
    domain_commit(txn);
    return id;
}

static void rename_to(crm_db *db, const crm_id *id, const char *name)
{
    crm_txn *txn = domain_begin(db);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, id), CRM_CUSTOMER_NAME, name, CRM_NUL);
    domain_commit(txn);
}

static crm_record *get(crm_view *view, const crm_id *id)
{
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, id, &record, NULL), CRM_OK);
    return record;
}

static void named(crm_view *view, const crm_id *id, const char *name)
{
    crm_record *record = get(view, id);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), name);
    crm_record_free(record);
}

/* Transactions at 1, 2, 3 hours after the start, called "v1", "v2", "v3". */
START_TEST(a_view_at_an_instant_sees_the_last_transaction_not_later)
{
    const int64_t hour = DAY_US / 24;
    crm_db *db = domain_open();
    char name[16];
    crm_set_now(db, DOMAIN_NOW + hour);
    crm_id id = add_customer(db, "v1");
    uint64_t first = crm_lsn(db);
    for (int i = 2; i <= 3; i++) {
        crm_set_now(db, DOMAIN_NOW + i * hour);
        snprintf(name, sizeof name, "v%d", i);
        rename_to(db, &id, name);
    }
    static const struct {
        int64_t minutes;
        const char *name;
        uint64_t behind; /* the first */
    } cases[] = {{60, "v1", 0}, {61, "v1", 0}, {119, "v1", 0}, {120, "v2", 1}, {180, "v3", 2}, {100000, "v3", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        crm_view *view = NULL;
        int64_t at = DOMAIN_NOW + cases[i].minutes * (hour / 60);
        ck_assert_int_eq(crm_view_open_at(db, at, &view, NULL), CRM_OK);
        named(view, &id, cases[i].name);
        ck_assert_int_eq(crm_view_time(view), at);
        ck_assert_uint_eq(crm_view_lsn(view), first + cases[i].behind);
        ck_assert_ptr_eq(crm_view_db(view), db);
        crm_view_close(view);
    }
    crm_view *view = NULL;
    crm_record *record = NULL;
    ck_assert_int_eq(crm_view_open_at(db, DOMAIN_NOW + hour - 1, &view, NULL), CRM_OK);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_NOT_FOUND);
    crm_view_close(view);
    ck_assert_int_eq(crm_view_open_at(db, INT64_MIN, &view, NULL), CRM_OK);
    ck_assert_uint_eq(crm_view_lsn(view), 0);
    crm_view_close(view);
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    ck_assert_int_eq(crm_view_time(view), DOMAIN_NOW + 3 * hour); /* of its last transaction */
    crm_view_close(view);
    crm_error error;
    ck_assert_int_eq(crm_view_open_lsn(db, first + 3, &view, &error), CRM_NOT_FOUND);
    ck_assert_ptr_null(view);
    ck_assert_ptr_nonnull(strstr(error.message, "not there yet"));
    ck_assert_int_eq(crm_view_open(NULL, &view, NULL), CRM_MISUSE);
    crm_view_close(NULL);
    domain_close(db);
}
END_TEST

/* Longer than a chain of changes is before a whole version is written again. */
START_TEST(every_version_stays_readable)
{
    crm_db *db = domain_open();
    char name[600];
    crm_id id = add_customer(db, "v0");
    uint64_t first = crm_lsn(db);
    for (int i = 1; i < VERSIONS; i++) {
        crm_txn *txn = domain_begin(db);
        crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
        snprintf(name, sizeof name, "v%d", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        if (i % 3 == 0)
            crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, i);
        if (i % 5 == 0)
            crm_set_null(record, CRM_CUSTOMER_EMPLOYEES);
        if (i % 7 == 0) {
            memset(name, 'a' + i % 26, 599);
            name[599] = 0;
            crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, name, CRM_NUL); /* deflated */
        }
        domain_commit(txn);
    }
    for (int i = 0; i < VERSIONS; i++) {
        crm_view *view = NULL;
        ck_assert_int_eq(crm_view_open_lsn(db, first + (uint64_t)i, &view, NULL), CRM_OK);
        crm_record *record = get(view, &id);
        int last = 0; /* the last change of employees: at a multiple of 5 it was taken away */
        for (int n = 1; n <= i; n++)
            last = n % 5 == 0 ? 0 : n % 3 == 0 ? n : last;
        snprintf(name, sizeof name, "v%d", i);
        ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), name);
        ck_assert_uint_eq(crm_record_version(record), (uint64_t)i + 1);
        ck_assert_uint_eq(crm_record_lsn(record), first + (uint64_t)i);
        ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_EMPLOYEES), last);
        ck_assert_int_eq(crm_has(record, CRM_CUSTOMER_EMPLOYEES), last != 0);
        size_t length = 0;
        const char *text = crm_text(record, CRM_CUSTOMER_DESCRIPTION, &length);
        ck_assert_uint_eq(length, i < 7 ? 0 : 599);
        ck_assert_int_eq(text[0], i < 7 ? 0 : 'a' + i / 7 * 7 % 26);
        ck_assert_int_eq(crm_record_status(record), CRM_OK);
        crm_record_free(record);
        crm_view_close(view);
    }
    domain_close(db);
}
END_TEST

/* What a getter returned stays what it was, whatever is written meanwhile. */
START_TEST(what_a_view_returned_does_not_change)
{
    crm_db *db = domain_open();
    char name[32];
    crm_id id = add_customer(db, "first");
    crm_view *view = domain_view(db);
    crm_record *record = get(view, &id);
    const char *text = crm_text(record, CRM_CUSTOMER_NAME, NULL);
    for (int i = 0; i < 2000; i++) { /* the log grows and is mapped anew */
        snprintf(name, sizeof name, "customer %d", i);
        crm_txn *txn = domain_begin(db);
        for (int n = 0; n < 20; n++)
            crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, name, CRM_NUL);
        crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_NAME, name, CRM_NUL);
        domain_commit(txn);
    }
    ck_assert_str_eq(text, "first");
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "first");
    ck_assert_uint_eq(crm_record_version(record), 1);
    named(view, &id, "first");
    crm_query *query = NULL;
    uint64_t count = 0;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
    ck_assert_uint_eq(count, 1);
    crm_query_free(query);
    crm_record_free(record);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* A parent that is freed first stays alive until its last child is. */
START_TEST(children_outlive_their_parents)
{
    crm_db *db = domain_open();
    crm_id id = add_customer(db, "Acme");
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_record *record = get(view, &id), *row = NULL;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    crm_view_close(view);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Acme");
    ck_assert_int_eq(crm_query_next(query, &row, NULL), CRM_OK);
    ck_assert_str_eq(crm_text(row, CRM_CUSTOMER_NAME, NULL), "Acme");
    domain_close(db); /* and removes the file; what is open stays readable */
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Acme");
    ck_assert_str_eq(crm_format(record, CRM_FIELD_CREATED_AT, NULL), "2024-01-15T12:00:00Z");
    ck_assert_int_eq(crm_query_next(query, &row, NULL), CRM_DONE);
    crm_query_free(query);
    ck_assert_str_eq(crm_title(record, NULL), "Acme");
    crm_record_free(record);
}
END_TEST

START_TEST(relative_times_count_from_the_views_instant)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_record *task = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(task, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_TASK);
    crm_set_int(task, CRM_INTERACTION_DUE, DOMAIN_NOW + 10 * DAY_US);
    domain_commit(txn);
    crm_set_now(db, DOMAIN_NOW + 100 * DAY_US);
    static const struct {
        int64_t at; /* 0: a view of now */
        const char *text;
        uint64_t count;
    } cases[] = {
        {0, "-89d", 0},                        /* due on day 10; now is day 100, so since day 11 */
        {0, "-91d", 1},                        /* since day 9 */
        {DOMAIN_NOW + 20 * DAY_US, "-9d", 0},  /* since day 11 */
        {DOMAIN_NOW + 20 * DAY_US, "-11d", 1}, /* since day 9 */
        {DOMAIN_NOW + 20 * DAY_US, "today", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        crm_view *view = NULL;
        crm_query *query = NULL;
        uint64_t count = 99;
        ck_assert_int_eq(
            cases[i].at == 0 ? crm_view_open(db, &view, NULL) : crm_view_open_at(db, cases[i].at, &view, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_INTERACTION, &query, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_where_text(query, CRM_INTERACTION_DUE, CRM_OP_GE, cases[i].text, CRM_NUL), CRM_OK);
        ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
        ck_assert_msg(count == cases[i].count, "case %zu: %llu", i, (unsigned long long)count);
        crm_query_free(query);
        crm_view_close(view);
    }
    domain_close(db);
}
END_TEST

/* A hundred views of as many states at once. */
START_TEST(many_views_hold_many_states)
{
    enum { MANY = 100 };
    crm_db *db = domain_open();
    crm_view *views[MANY];
    char name[16];
    crm_id id = add_customer(db, "v0");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "v%d", i);
        rename_to(db, &id, name);
        views[i] = domain_view(db);
    }
    for (int i = MANY - 1; i >= 0; i--) {
        int other = i * 37 % MANY;
        snprintf(name, sizeof name, "v%d", other);
        named(views[other], &id, name);
        if (i % 10 == 0)
            rename_to(db, &id, "another");
    }
    for (int i = 0; i < MANY; i++)
        crm_view_close(views[i * 7 % MANY]);
    domain_close(db);
}
END_TEST

static int64_t version_of(const crm_record *record)
{
    return crm_int(record, CRM_FIELD_VERSION);
}

/* What a closed view gathered serves the next one, and nothing that it knew. */
static void set_currency(crm_txn *txn, const char *code)
{
    ck_assert_int_eq(crm_setting_set(txn, "currency", code), CRM_OK);
}

/* The revenue of 5.00 as text, and the currency of its sum. */
static void has_revenue(crm_view *view, const crm_id *id, const char *text, int32_t currency)
{
    crm_record *record = get(view, id);
    crm_query *query = NULL;
    crm_table *table = NULL;
    ck_assert_str_eq(crm_format(record, CRM_CUSTOMER_ANNUAL_REVENUE, NULL), text);
    crm_record_free(record);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_measure(query, CRM_MEASURE_SUM, CRM_CUSTOMER_ANNUAL_REVENUE), CRM_OK);
    ck_assert_int_eq(crm_query_groups(query, &table, NULL), CRM_OK);
    ck_assert_int_eq(crm_table_currency(table, 0, 1), currency);
    crm_table_free(table);
    crm_query_free(query);
    crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL);
    crm_query_where_text(query, CRM_CUSTOMER_ANNUAL_REVENUE, CRM_OP_EQ, text, CRM_NUL);
    uint64_t count = 0;
    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
    ck_assert_uint_eq(count, 1);
    crm_query_free(query);
}

/* P7: an amount without a currency is in the file's, as the view has it.  The yen has no decimals. */
START_TEST(a_view_keeps_the_currency_of_its_file)
{
    enum { EUR = 978, JPY = 392 };
    crm_db *db = domain_open();
    crm_id id = add_customer(db, "Acme");
    crm_txn *txn = domain_begin(db);
    crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_ANNUAL_REVENUE, 500);
    domain_commit(txn);
    uint64_t lsn = crm_lsn(db);
    crm_view *before = domain_view(db);
    txn = domain_begin(db);
    set_currency(txn, "JPY");
    has_revenue(crm_txn_view(txn), &id, "500", JPY);
    has_revenue(before, &id, "5.00", EUR); /* not yet committed, and never to be seen here */
    domain_commit(txn);
    has_revenue(before, &id, "5.00", EUR);
    crm_view_close(before);
    crm_view *now = domain_view(db);
    has_revenue(now, &id, "500", JPY);
    crm_view_close(now);
    crm_view *past = NULL;
    ck_assert_int_eq(crm_view_open_lsn(db, lsn, &past, NULL), CRM_OK);
    has_revenue(past, &id, "5.00", EUR);
    crm_view_close(past);
    domain_close(db);
}
END_TEST

START_TEST(a_view_reopened_sees_its_own_state)
{
    enum { TURNS = 40 };
    crm_db *db = domain_open();
    crm_id id = add_customer(db, "v0"), gone;
    char name[16];
    uint64_t before = crm_lsn(db);
    for (int i = 1; i < TURNS; i++) {
        snprintf(name, sizeof name, "v%d", i - 1);
        crm_view *view = domain_view(db), *past = NULL;
        named(view, &id, name);
        crm_txn *txn = domain_begin(db);
        snprintf(name, sizeof name, "v%d", i);
        crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_NAME, name, CRM_NUL);
        crm_record_id(crm_create(txn, CRM_KIND_CUSTOMER), &gone);
        crm_view_close(view);
        crm_view_close(domain_view(db)); /* while something newer is in the indexes */
        view = domain_view(db);
        if (i % 4 == 0) {
            snprintf(name, sizeof name, "v%d", i - 1);
            crm_rollback(txn);
            rename_to(db, &id, "undone");
            rename_to(db, &id, name); /* it was opened before these */
        } else {
            crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &gone), CRM_CUSTOMER_NAME, "another", CRM_NUL);
            domain_commit(txn);
            snprintf(name, sizeof name, "v%d", i - 1);
        }
        named(view, &id, name);
        crm_record *none = NULL;
        ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &gone, &none, NULL), CRM_NOT_FOUND);
        crm_view_close(view);
        ck_assert_int_eq(crm_view_open_lsn(db, before, &past, NULL), CRM_OK);
        named(past, &id, "v0");
        ck_assert_uint_eq(crm_view_lsn(past), before);
        crm_view_close(past);
        if (i % 4 == 0) {
            snprintf(name, sizeof name, "v%d", i);
            rename_to(db, &id, name);
        }
    }
    domain_close(db);
}
END_TEST

/* After a compaction numbers may mean other records: no id is remembered over it. */
START_TEST(a_view_reopened_after_a_compaction_follows_references_anew)
{
    crm_db *db = domain_open();
    crm_id users[3], customers[3];
    crm_txn *txn = domain_begin(db);
    for (int i = 0; i < 3; i++) {
        crm_record *user = crm_create(txn, CRM_KIND_USER);
        crm_set_text(user, CRM_USER_NAME, "user", CRM_NUL);
        crm_record_id(user, &users[i]);
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(customer, CRM_CUSTOMER_NAME, "customer", CRM_NUL);
        crm_set_ref(customer, CRM_FIELD_OWNER, CRM_KIND_USER, &users[i]);
        crm_record_id(customer, &customers[i]);
    }
    domain_commit(txn);
    for (int turn = 0; turn < 4; turn++) {
        crm_view *held = domain_view(db), *view = domain_view(db);
        for (int i = 0; i < 3; i++) {
            crm_id owner;
            crm_record *record = get(view, &customers[i]);
            ck_assert_int_eq(crm_ref(record, CRM_FIELD_OWNER, NULL, &owner), CRM_OK);
            ck_assert_mem_eq(&owner, &users[i], sizeof owner);
            crm_record_free(record);
        }
        int64_t time = crm_view_time(view);
        crm_view_close(view);
        if (turn % 2 == 0)
            ck_assert_int_eq(crm_compact(db, NULL), CRM_OK);
        crm_view_close(held); /* the old file's last, perhaps */
        view = domain_view(db);
        ck_assert_int_eq(crm_view_time(view), time);
        crm_view_close(view);
    }
    domain_close(db);
}
END_TEST

enum { OPENERS = 4, OPEN_TURNS = 400 };
static crm_db *shared;
static crm_id shared_id;

/* The name of each version is its number; a view never goes back. */
static void *open_and_read(void *unlike)
{
    int64_t last = 0;
    for (int i = 0; i < OPEN_TURNS; i++) {
        crm_view *view = NULL;
        crm_record *record = NULL;
        char name[24];
        if (crm_view_open(shared, &view, NULL) != CRM_OK ||
            crm_get(view, CRM_KIND_CUSTOMER, &shared_id, &record, NULL) != CRM_OK) {
            *(int *)unlike += 1;
            continue;
        }
        snprintf(name, sizeof name, "%lld", (long long)version_of(record));
        *(int *)unlike += strcmp(name, crm_text(record, CRM_CUSTOMER_NAME, NULL)) != 0 || version_of(record) < last;
        last = version_of(record);
        crm_view_close(view); /* its record keeps it */
        crm_record_free(record);
    }
    return NULL;
}

START_TEST(threads_share_the_closed_views)
{
    pthread_t threads[OPENERS];
    int unlike[OPENERS] = {0};
    char name[24];
    shared = domain_open();
    shared_id = add_customer(shared, "1");
    for (int i = 0; i < OPENERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_and_read, &unlike[i]), 0);
    for (int i = 2; i < 60; i++) {
        snprintf(name, sizeof name, "%d", i);
        rename_to(shared, &shared_id, name);
        crm_txn *txn = domain_begin(shared);
        crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &shared_id), CRM_CUSTOMER_NAME, "undone", CRM_NUL);
        (void)crm_txn_status(txn, NULL);
        crm_rollback(txn);
        if (i % 20 == 0)
            ck_assert_int_eq(crm_compact(shared, NULL), CRM_OK);
    }
    for (int i = 0; i < OPENERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(unlike[i], 0);
    }
    domain_close(shared);
}
END_TEST

/* By a query, which looks at all that has changed since the view was opened. */
static void only(crm_view *view, const char *name)
{
    crm_query *query;
    crm_record *record;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), name);
    ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_DONE);
    crm_query_free(query);
}

/* The index built anew must leave nothing behind that is older than the view: it would be trimmed from before what the
 * view has looked at so far, which it then takes for a place before the first. */
START_TEST(a_view_goes_on_after_the_index_was_built_anew)
{
    crm_db *db = domain_open();
    crm_error error = {0};
    char name[16];
    crm_view *view;
    crm_id id = add_customer(db, "v0");
    for (int i = 1; i <= 300; i++) {
        snprintf(name, sizeof name, "v%d", i);
        rename_to(db, &id, name);
    }
    ck_assert_int_eq(crm_view_open(db, &view, &error), CRM_OK);
    (void)add_customer(db, "another");
    only(view, "v300"); /* it looks for rows that have changed since it was opened: there is none yet */
    ck_assert_int_eq(crm_rebuild(db, &error), CRM_OK);
    rename_to(db, &id, "newest"); /* whose begin trims */
    only(view, "v300");
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view");
    TCase *cases = tcase_create("view");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_view_at_an_instant_sees_the_last_transaction_not_later);
    tcase_add_test(cases, every_version_stays_readable);
    tcase_add_test(cases, what_a_view_returned_does_not_change);
    tcase_add_test(cases, children_outlive_their_parents);
    tcase_add_test(cases, relative_times_count_from_the_views_instant);
    tcase_add_test(cases, many_views_hold_many_states);
    tcase_add_test(cases, a_view_keeps_the_currency_of_its_file);
    tcase_add_test(cases, a_view_reopened_sees_its_own_state);
    tcase_add_test(cases, a_view_reopened_after_a_compaction_follows_references_anew);
    tcase_add_test(cases, threads_share_the_closed_views);
    tcase_add_test(cases, a_view_goes_on_after_the_index_was_built_anew);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
