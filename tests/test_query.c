/* Queries against a second implementation: random records, conditions, orders,
 * limits and cursors, in new views, old ones, views of the past and within
 * transactions.
 * Proves P5, P7. */
#include "domain_fixture.h"
#include "query_oracle.h"

#include <check.h>
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
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
