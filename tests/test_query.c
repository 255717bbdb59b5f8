/* Queries against a second implementation: random records, conditions, orders,
 * limits and cursors, in new views, old ones, views of the past and within
 * transactions.
 * Proves P5, P7. */
#include "domain_fixture.h"
#include "query_oracle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES = 40 };

static crm_view *open_view(struct things *things)
{
    crm_view *view = NULL;
    ck_assert_int_eq(crm_view_open(things->db, &view, NULL), CRM_OK);
    ck_assert_uint_eq(crm_view_lsn(view), things->lsn);
    return view;
}

START_TEST(a_new_view_answers_as_brute_force_does)
{
    struct things things;
    things_open(&things, 1 + (uint32_t)_i, false);
    for (int round = 0; round < 20; round++) {
        things_change(&things, 1 + things_below(&things, 25));
        crm_view *view = open_view(&things);
        for (int i = 0; i < QUERIES; i++)
            things_query(&things, view, things_at(&things, things.lsn));
        crm_view_close(view);
    }
    things_close(&things);
}
END_TEST

START_TEST(an_old_view_answers_as_it_did_while_others_write)
{
    struct things things;
    things_open(&things, 100 + (uint32_t)_i, false);
    crm_view **views = things.views;
    for (int round = 0; round < 40; round++) {
        uint32_t place = things_below(&things, THING_VIEWS);
        crm_view_close(views[place]);
        views[place] = open_view(&things);
        things_change(&things, 1 + things_below(&things, 10));
        for (int i = 0; i < THING_VIEWS; i++)
            for (int q = 0; views[i] != NULL && q < 5; q++)
                things_query(&things, views[i], things_at(&things, crm_view_lsn(views[i])));
    }
    for (int i = 0; i < THING_VIEWS; i++)
        crm_view_close(views[i]);
    things_close(&things);
}
END_TEST

START_TEST(a_view_of_the_past_answers_as_the_present_did_then)
{
    struct things things;
    things_open(&things, 200 + (uint32_t)_i, false);
    for (int round = 0; round < 25; round++)
        things_change(&things, 1 + things_below(&things, 10));
    for (int round = 0; round < 25; round++) {
        crm_view *view = NULL, *now = open_view(&things);
        uint64_t lsn = things_below(&things, (uint32_t)things.lsn + 1);
        ck_assert_int_eq(crm_view_open_lsn(things.db, lsn, &view, NULL), CRM_OK);
        for (int i = 0; i < 10; i++) {
            things.views[0] = lsn >= 2 ? view : NULL;
            things.views[1] = now;
            if (i == 3 || i == 6)
                things_change(&things, 6); /* what comes later changes nothing */
            if (lsn >= 2)                  /* else there is no such kind yet, and nothing of it */
                things_query(&things, view, things_at(&things, lsn));
        }
        things.views[0] = things.views[1] = NULL;
        crm_view_close(view);
        crm_view_close(now);
    }
    things_close(&things);
}
END_TEST

/* The indexes that an image holds, and those that a replay makes, answer alike. */
START_TEST(a_file_opened_again_answers_alike)
{
    struct things things;
    things_open(&things, 300 + (uint32_t)_i, _i % 2 == 0);
    for (int round = 0; round < 15; round++) {
        for (int n = 0; n < 4; n++)
            things_change(&things, 1 + things_below(&things, 20));
        if (things_below(&things, 3) == 0)
            ck_assert_int_eq(crm_rebuild(things.db, NULL), CRM_OK);
        things_reopen(&things);
        crm_view *view = open_view(&things);
        for (int i = 0; i < QUERIES; i++)
            things_query(&things, view, things_at(&things, things.lsn));
        crm_view_close(view);
        view = NULL;
        ck_assert_int_eq(crm_view_open_lsn(things.db, 2 + things_below(&things, (uint32_t)things.lsn - 1), &view, NULL),
                         CRM_OK);
        for (int i = 0; i < 10; i++)
            things_query(&things, view, things_at(&things, crm_view_lsn(view)));
        crm_view_close(view);
    }
    things_close(&things);
}
END_TEST

/* The first few of many, in the records' own order: half of all records are not
 * looked at to find five. */
START_TEST(a_short_page_of_many_is_found_early)
{
    enum { RECORDS = 4000, PAGE = 5 };
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    for (int i = 0; i < RECORDS; i++) { /* half begin with "ab", a hundredth with "cd" */
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(record, CRM_CUSTOMER_NAME, i % 100 == 7 ? "cd" : i % 2 == 0 ? "ab" : "x", CRM_NUL);
    }
    ck_assert_int_eq(crm_commit(txn, NULL, NULL), CRM_OK);
    crm_view *view = domain_view(db);
    for (int few = 0; few < 2; few++) {
        crm_query *query = NULL;
        crm_record *record;
        uint64_t before = 0, count = 0;
        int found = 0;
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
        crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, few ? "cd" : "ab", CRM_NUL);
        crm_query_limit(query, PAGE);
        ck_assert_ptr_nonnull(
            strstr(crm_query_explain(query), few ? "index on customer.name" : "in order of creation"));
        while (crm_query_next(query, &record, NULL) == CRM_OK) {
            /* 7, 107, 207, … or 0, 2, 4, …: counted by what was created before */
            crm_id id;
            crm_record_id(record, &id);
            uint64_t low = 0;
            for (int b = 8; b < 16; b++)
                low = low << 8 | id.bytes[b];
            ck_assert(before == 0 || low > before);
            before = low;
            ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), few ? "cd" : "ab");
            if (found++ == 2) { /* counting all in between changes nothing */
                ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
                ck_assert_uint_eq(count, few ? RECORDS / 100 : RECORDS / 2);
            }
        }
        ck_assert_int_eq(found, PAGE);
        crm_query_free(query);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

enum { TASKS = 2000, TASK_APART = 60 };

/* Task i is due i minutes after the first. */
static int64_t due_of(int task)
{
    return INT64_C(1700000000000000) + (int64_t)task * TASK_APART * 1000000;
}

static crm_query *due(crm_view *view, int32_t op, int64_t from, int32_t other_op, int64_t to)
{
    crm_query *query = NULL;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_INTERACTION, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_int(query, CRM_INTERACTION_DUE, op, from), CRM_OK);
    ck_assert_int_eq(crm_query_where_int(query, CRM_INTERACTION_DUE, other_op, to), CRM_OK);
    return query;
}

/* Both ends of a range bound the walk of its index: what lies behind is not
 * looked at, and nothing is judged again. */
START_TEST(a_range_with_two_ends_is_read_from_one_to_the_other)
{
    static const struct {
        int32_t op, other_op;
        int64_t from, to;
        int first, count;
    } ranges[] = {
        {CRM_OP_GE, CRM_OP_LT, 100, 110, 100, 10},   {CRM_OP_GT, CRM_OP_LE, 100, 110, 101, 10},
        {CRM_OP_LT, CRM_OP_GE, 110, 100, 100, 10},   {CRM_OP_GE, CRM_OP_LE, 7, 7, 7, 1},
        {CRM_OP_GE, CRM_OP_GT, 1990, 1994, 1995, 5}, {CRM_OP_LE, CRM_OP_LT, 9, 3, 0, 3},
        {CRM_OP_GT, CRM_OP_LT, 100, 101, 0, 0},      {CRM_OP_GE, CRM_OP_LT, 110, 100, 0, 0},
        {CRM_OP_SET, CRM_OP_GE, 0, 1990, 1990, 10},  {CRM_OP_GT, CRM_OP_GE, INT64_MAX, 5, 0, 0},
        {CRM_OP_LT, CRM_OP_LE, INT64_MIN, 5, 0, 0},  {CRM_OP_GE, CRM_OP_GE, INT64_MIN, 1999, 1999, 1},
    };
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    for (int i = 0; i < TASKS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_TASK);
        crm_set_text(record, CRM_INTERACTION_SUBJECT, "call", CRM_NUL);
        crm_set_int(record, CRM_INTERACTION_DUE, due_of(i * 7 % TASKS)); /* 7 and 2,000 share no factor */
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        int64_t from = ranges[i].from, to = due_of((int)ranges[i].to);
        from = from == INT64_MIN || from == INT64_MAX ? from : due_of((int)from);
        char range[64];
        snprintf(range, sizeof range, ", %d of %d records in its range; streamed", ranges[i].count, TASKS);
        for (int descending = 0; descending < 2; descending++) {
            crm_query *query = due(view, ranges[i].op, from, ranges[i].other_op, to);
            crm_record *record;
            uint64_t count = 0;
            ck_assert_int_eq(crm_query_order(query, CRM_INTERACTION_DUE, descending), CRM_OK);
            ck_assert_msg(strstr(crm_query_explain(query), range) != NULL, "%s: %s", range, crm_query_explain(query));
            for (int row = 0; row < ranges[i].count; row++) {
                int task = ranges[i].first + (descending ? ranges[i].count - 1 - row : row);
                ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
                ck_assert_int_eq(crm_int(record, CRM_INTERACTION_DUE), due_of(task));
            }
            ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_DONE);
            ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
            ck_assert_uint_eq(count, (uint64_t)ranges[i].count);
            crm_query_free(query);
        }
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

static crm_query *by_name(crm_view *view, const char *prefix)
{
    crm_query *query = NULL;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, prefix, CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_query_order(query, CRM_CUSTOMER_NAME, 0), CRM_OK);
    return query;
}

/* Before a change the list is streamed from its index, after it the old view's is collected and sorted. */
START_TEST(a_list_by_name_goes_on_behind_a_cursor_though_others_write)
{
    enum { NAMES = 30, FIRST = 11 };
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    char name[32];
    crm_id ids[NAMES];
    for (int i = 0; i < NAMES; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "Klar %02d", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        crm_record_id(record, &ids[i]);
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_query *query = by_name(view, "kLAR");
    crm_record *record;
    for (int i = 0; i < FIRST; i++)
        ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
    char *cursor = strdup(crm_query_cursor(query));
    ck_assert_ptr_nonnull(cursor);
    crm_query_free(query);
    txn = domain_begin(db);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &ids[0]), CRM_CUSTOMER_NAME, "Zuse", CRM_NUL);
    domain_commit(txn);
    query = by_name(view, "kLAR");
    ck_assert_int_eq(crm_query_after(query, cursor, CRM_NUL), CRM_OK);
    for (int i = FIRST; i < NAMES; i++) {
        snprintf(name, sizeof name, "Klar %02d", i);
        ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
        ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), name);
    }
    ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_DONE);
    crm_query_free(query);
    free(cursor);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* An index of texts has nothing to do with a number that is asked of one. */
START_TEST(no_text_equals_a_number)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "0", CRM_NUL);
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_record *record;
    uint64_t count = UINT64_MAX;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_int(query, CRM_CUSTOMER_NAME, CRM_OP_EQ, 0), CRM_OK);
    ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_DONE);
    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
    ck_assert_uint_eq(count, 0);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query");
    TCase *cases = tcase_create("query");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, a_new_view_answers_as_brute_force_does, 0, 6);
    tcase_add_loop_test(cases, an_old_view_answers_as_it_did_while_others_write, 0, 6);
    tcase_add_loop_test(cases, a_view_of_the_past_answers_as_the_present_did_then, 0, 4);
    tcase_add_loop_test(cases, a_file_opened_again_answers_alike, 0, 4);
    tcase_add_test(cases, a_short_page_of_many_is_found_early);
    tcase_add_test(cases, a_range_with_two_ends_is_read_from_one_to_the_other);
    tcase_add_test(cases, a_list_by_name_goes_on_behind_a_cursor_though_others_write);
    tcase_add_test(cases, no_text_equals_a_number);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
