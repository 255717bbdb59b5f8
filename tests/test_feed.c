/* The change feed: every change once and in order, from any transaction on,
 * across waits, other handles, other threads and compactions. */
#include "care_fixture.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct care care;

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

static crm_feed *open_feed(crm_db *db, uint64_t lsn)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    care_ok(crm_feed_open(db, lsn, &feed, &error), &error);
    return feed;
}

static crm_change *next(crm_feed *feed)
{
    crm_error error = {0};
    crm_change *change = NULL;
    care_ok(crm_feed_next(feed, 0, &change, &error), &error);
    return change;
}

static void nothing_new(crm_feed *feed)
{
    crm_error error = {0};
    crm_change *change = (crm_change *)&error; /* must become NULL */
    ck_assert_int_eq(crm_feed_next(feed, 0, &change, &error), CRM_TIMEOUT);
    ck_assert_ptr_null(change);
}

static const char *name_of(crm_change *change)
{
    return crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL);
}

/* Skips the transitions that customers bring along. */
static crm_change *next_customer(crm_feed *feed)
{
    crm_change *change = next(feed);
    while (crm_change_kind(change) != CRM_KIND_CUSTOMER)
        change = next(feed);
    return change;
}

START_TEST(changes_come_in_order_and_the_position_is_whole_transactions)
{
    uint64_t start = crm_lsn(care.db);
    crm_txn *txn = care_begin(&care, "mia");
    static const char *const names[] = {"One", "Two", "Three"};
    for (int i = 0; i < 3; i++) {
        crm_record *user = crm_create(txn, CRM_KIND_USER);
        crm_set_text(user, CRM_USER_NAME, names[i], CRM_NUL);
    }
    uint64_t lsn = care_commit(txn);
    crm_feed *feed = open_feed(care.db, start);
    ck_assert_uint_eq(crm_feed_position(feed), start);
    for (int i = 0; i < 3; i++) {
        crm_change *change = next(feed);
        ck_assert_uint_eq(crm_change_lsn(change), lsn);
        ck_assert_str_eq(crm_text(crm_change_after(change), CRM_USER_NAME, NULL), names[i]);
        ck_assert_uint_eq(crm_feed_position(feed), i < 2 ? start : lsn);
    }
    nothing_new(feed);
    ck_assert_uint_eq(crm_feed_position(feed), lsn);
    crm_feed_close(feed);
}
END_TEST

START_TEST(a_feed_goes_on_from_a_saved_position)
{
    uint64_t start = crm_lsn(care.db);
    care_customer(&care, "One");
    crm_feed *feed = open_feed(care.db, start);
    ck_assert_str_eq(name_of(next_customer(feed)), "One");
    (void)next(feed); /* its transition */
    uint64_t saved = crm_feed_position(feed);
    crm_feed_close(feed);
    crm_id id = care_customer(&care, "Two");
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Zwei");
    care_reopen(&care);
    feed = open_feed(care.db, saved);
    ck_assert_str_eq(name_of(next_customer(feed)), "Two");
    crm_change *change = next_customer(feed);
    ck_assert_int_eq(crm_change_operation(change), CRM_CHANGE_UPDATE);
    ck_assert_str_eq(crm_text(crm_change_before(change), CRM_CUSTOMER_NAME, NULL), "Two");
    ck_assert_str_eq(name_of(change), "Zwei");
    nothing_new(feed);
    crm_feed_close(feed);
}
END_TEST

/* P2: what is not committed is never handed out. */
START_TEST(what_is_rolled_back_or_under_way_is_not_seen)
{
    crm_feed *feed = open_feed(care.db, crm_lsn(care.db));
    crm_txn *txn = care_begin(&care, "mia");
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Never", CRM_NUL);
    (void)care_count(crm_txn_view(txn), CRM_KIND_CUSTOMER);
    nothing_new(feed);
    crm_rollback(txn);
    nothing_new(feed);
    care_customer(&care, "Ever");
    ck_assert_str_eq(name_of(next_customer(feed)), "Ever");
    crm_feed_close(feed);
}
END_TEST

/* Before and after are of their transaction, whatever came later. */
START_TEST(records_are_as_they_were_then)
{
    uint64_t start = crm_lsn(care.db);
    crm_id id = care_customer(&care, "One");
    for (int i = 2; i < 6; i++) {
        char name[8];
        snprintf(name, sizeof name, "%d", i);
        care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, name);
    }
    crm_feed *feed = open_feed(care.db, start);
    ck_assert_str_eq(name_of(next_customer(feed)), "One");
    for (int i = 2; i < 6; i++) {
        crm_change *change = next_customer(feed);
        ck_assert_int_eq((int)strtol(name_of(change), NULL, 10), i);
        ck_assert_int_eq((int)strtol(crm_text(crm_change_before(change), CRM_CUSTOMER_NAME, NULL), NULL, 10),
                         i == 2 ? 0 : i - 1);
        ck_assert_uint_eq(crm_record_version(crm_change_after(change)), (uint64_t)i);
    }
    crm_feed_close(feed);
}
END_TEST

/* ---- waiting ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *write_soon(void *context)
{
    struct timespec pause = {.tv_nsec = 50 * 1000000};
    nanosleep(&pause, NULL);
    (void)care_customer(context, "Late");
    return NULL;
}

/* P10.  What the feed found out while the erasure was under way must not count when it is committed: the row's newest
 * entry lies at the same place then. */
START_TEST(an_erasure_that_was_under_way_hides_what_comes_after_it)
{
    crm_error error = {0};
    crm_txn *txn = care_begin(&care, "mia");
    crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
    (void)crm_set_text(record, CRM_CONTACT_LAST_NAME, "Meier", CRM_NUL);
    crm_id id = care_id(record);
    uint64_t before = care_commit(txn) - 1;
    (void)care_set(&care, CRM_KIND_CONTACT, &id, CRM_CONTACT_LAST_NAME, "Huber");
    (void)care_set(&care, CRM_KIND_CONTACT, &id, CRM_CONTACT_LAST_NAME, "Bauer");
    (void)care_set(&care, CRM_KIND_CONTACT, &id, CRM_CONTACT_LAST_NAME, "Maier");
    crm_feed *feed = open_feed(care.db, before);
    ck_assert_str_eq(crm_text(crm_change_after(next(feed)), CRM_CONTACT_LAST_NAME, NULL), "Meier");
    txn = care_begin(&care, "mia");
    (void)crm_erase(crm_edit(txn, CRM_KIND_CONTACT, &id));
    care_ok(crm_txn_status(txn, &error), &error);
    ck_assert_str_eq(crm_text(crm_change_after(next(feed)), CRM_CONTACT_LAST_NAME, NULL), "Huber");
    (void)care_commit(txn);
    for (int i = 0; i < 2; i++)
        ck_assert_str_eq(crm_text(crm_change_after(next(feed)), CRM_CONTACT_LAST_NAME, NULL), "");
    crm_feed_close(feed);
}
END_TEST

START_TEST(a_wait_ends_with_the_commit_of_another_thread)
{
    crm_error error = {0};
    pthread_t thread;
    crm_change *change;
    crm_feed *feed = open_feed(care.db, crm_lsn(care.db));
    ck_assert_int_eq(pthread_create(&thread, NULL, write_soon, &care), 0);
    care_ok(crm_feed_next(feed, 20000, &change, &error), &error);
    ck_assert_str_eq(name_of(change), "Late");
    pthread_join(thread, NULL);
    crm_feed_close(feed);
}
END_TEST

/* Another handle stands for another process: only the file connects the two. */
START_TEST(a_wait_ends_with_the_commit_of_another_handle)
{
    crm_error error = {0};
    pthread_t thread;
    crm_change *change;
    struct care other = care;
    care_open(&other);
    crm_feed *feed = open_feed(other.db, crm_lsn(other.db));
    ck_assert_int_eq(pthread_create(&thread, NULL, write_soon, &care), 0);
    care_ok(crm_feed_next(feed, 20000, &change, &error), &error);
    ck_assert_str_eq(name_of(change), "Late");
    pthread_join(thread, NULL);
    crm_feed_close(feed);
    care_close(&other);
}
END_TEST

START_TEST(a_wait_ends_when_its_time_is_over)
{
    crm_change *change;
    crm_feed *feed = open_feed(care.db, crm_lsn(care.db));
    int64_t begin = now_ms();
    ck_assert_int_eq(crm_feed_next(feed, 60, &change, NULL), CRM_TIMEOUT);
    ck_assert_int_ge(now_ms() - begin, 60);
    crm_feed_close(feed);
}
END_TEST

static void *wake_soon(void *feed)
{
    struct timespec pause = {.tv_nsec = 50 * 1000000};
    nanosleep(&pause, NULL);
    crm_feed_wake(feed);
    return NULL;
}

START_TEST(a_wait_ends_when_it_is_woken)
{
    pthread_t thread;
    crm_change *change;
    crm_feed *feed = open_feed(care.db, crm_lsn(care.db));
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_soon, feed), 0);
    ck_assert_int_eq(crm_feed_next(feed, -1, &change, NULL), CRM_TIMEOUT);
    pthread_join(thread, NULL);
    crm_feed_wake(feed); /* nobody waits: the next wait ends at once */
    ck_assert_int_eq(crm_feed_next(feed, -1, &change, NULL), CRM_TIMEOUT);
    crm_feed_close(feed);
}
END_TEST

/* ---- compaction ---- */

/* Changes of many kinds in transactions of many records. */
static void fill(void)
{
    crm_id ids[60];
    char name[32];
    for (int round = 0; round < 12; round++) {
        crm_txn *txn = care_begin(&care, round % 2 == 0 ? "mia" : "ole");
        snprintf(name, sizeof name, "round %d", round);
        crm_txn_set_reason(txn, name);
        for (int i = 59; i >= 0; i--) { /* not in the order of numbers */
            crm_record *record =
                round == 0 ? crm_create(txn, CRM_KIND_CUSTOMER) : crm_edit(txn, CRM_KIND_CUSTOMER, &ids[i]);
            if (round == 0)
                ids[i] = care_id(record);
            if (round > 0 && (i + round) % 3 != 0)
                continue;
            if (round > 0 && crm_record_deleted(record)) {
                crm_restore(record);
            } else if ((i * 7 + round) % 11 == 5 && round > 0) {
                crm_delete(record);
            } else {
                snprintf(name, sizeof name, "%d in %d", i, round);
                crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
            }
        }
        care_commit(txn);
    }
}

START_TEST(a_compaction_changes_nothing_of_what_a_feed_tells)
{
    crm_error error = {0};
    fill();
    for (uint64_t from = 0; from < crm_lsn(care.db); from += 5) {
        char *before = care_changes(care.db, from);
        care_ok(crm_compact(care.db, &error), &error);
        char *after = care_changes(care.db, from);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        care_customer(&care, "One more"); /* some transactions lie in frames, some in packs */
    }
}
END_TEST

START_TEST(a_feed_goes_on_across_compactions)
{
    crm_error error = {0};
    fill();
    crm_feed *whole = open_feed(care.db, 0), *cut = open_feed(care.db, 0);
    crm_change *one, *two;
    for (int n = 0; crm_feed_next(whole, 0, &one, &error) == CRM_OK; n++) {
        if (n % 37 == 20) /* in the middle of a transaction */
            care_ok(crm_compact(care.db, &error), &error);
        two = next(cut);
        crm_id first, second;
        crm_change_id(one, &first);
        crm_change_id(two, &second);
        ck_assert_mem_eq(&first, &second, sizeof first);
        ck_assert_uint_eq(crm_change_lsn(one), crm_change_lsn(two));
        ck_assert_uint_eq(crm_change_version(one), crm_change_version(two));
        ck_assert_uint_eq(crm_feed_position(whole), crm_feed_position(cut));
    }
    nothing_new(cut);
    crm_feed_close(whole);
    crm_feed_close(cut);
}
END_TEST

/* More than are sorted at a time, in all three ways that they can lie: each once and in order. */
START_TEST(very_many_compacted_changes_come_in_order)
{
    enum { CUSTOMERS = 150000 };
    crm_error error = {0};
    crm_id *ids = malloc(CUSTOMERS * sizeof *ids);
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_ptr_nonnull(ids);
    for (int i = 0; i < CUSTOMERS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(record, CRM_CUSTOMER_NAME, i % 2 ? "One" : "Two", CRM_NUL);
        ids[i] = care_id(record);
    }
    uint64_t first = care_commit(txn);
    for (int round = 0; round < 2; round++) { /* the newest first: the records' own order is not the feed's */
        txn = care_begin(&care, "mia");
        for (int i = CUSTOMERS - 1; i >= round; i--)
            crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &ids[i]), CRM_CUSTOMER_EMPLOYEES, round);
        care_commit(txn);
    }
    care_ok(crm_compact(care.db, &error), &error);
    crm_feed *feed = open_feed(care.db, first - 1);
    int count[3] = {0};
    uint64_t last = first;
    for (crm_change *change; crm_feed_next(feed, 0, &change, &error) == CRM_OK;) {
        crm_id id;
        uint64_t lsn = crm_change_lsn(change);
        ck_assert_uint_ge(lsn, last);
        last = lsn;
        if (crm_change_kind(change) != CRM_KIND_CUSTOMER)
            continue;
        int n = count[lsn - first]++;
        crm_change_id(change, &id);
        ck_assert_mem_eq(&id, &ids[lsn == first ? n : CUSTOMERS - 1 - n], sizeof id);
        ck_assert_uint_eq(crm_feed_position(feed) + 1 >= lsn, 1);
    }
    ck_assert_int_eq(count[0], CUSTOMERS);
    ck_assert_int_eq(count[1], CUSTOMERS);
    ck_assert_int_eq(count[2], CUSTOMERS - 1);
    ck_assert_uint_eq(crm_feed_position(feed), crm_lsn(care.db));
    crm_feed_close(feed);
    free(ids);
}
END_TEST

START_TEST(wrong_calls_are_answered_and_a_feed_outlives_its_handle)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    crm_change *change;
    ck_assert_int_eq(crm_feed_open(care.db, crm_lsn(care.db) + 1, &feed, &error), CRM_NOT_FOUND);
    ck_assert_ptr_null(feed);
    ck_assert_int_eq(crm_feed_open(NULL, 0, &feed, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_feed_next(NULL, 0, &change, &error), CRM_MISUSE);
    ck_assert_uint_eq(crm_feed_position(NULL), 0);
    crm_feed_wake(NULL);
    crm_feed_close(NULL);
    uint64_t start = crm_lsn(care.db);
    care_customer(&care, "One");
    feed = open_feed(care.db, start);
    care_close(&care);
    ck_assert_str_eq(name_of(next(feed)), "One");
    crm_feed_close(feed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *tests = tcase_create("feed");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, changes_come_in_order_and_the_position_is_whole_transactions);
    tcase_add_test(tests, a_feed_goes_on_from_a_saved_position);
    tcase_add_test(tests, what_is_rolled_back_or_under_way_is_not_seen);
    tcase_add_test(tests, an_erasure_that_was_under_way_hides_what_comes_after_it);
    tcase_add_test(tests, records_are_as_they_were_then);
    tcase_add_test(tests, a_wait_ends_with_the_commit_of_another_thread);
    tcase_add_test(tests, a_wait_ends_with_the_commit_of_another_handle);
    tcase_add_test(tests, a_wait_ends_when_its_time_is_over);
    tcase_add_test(tests, a_wait_ends_when_it_is_woken);
    tcase_add_test(tests, a_compaction_changes_nothing_of_what_a_feed_tells);
    tcase_add_test(tests, a_feed_goes_on_across_compactions);
    tcase_add_test(tests, very_many_compacted_changes_come_in_order);
    tcase_add_test(tests, wrong_calls_are_answered_and_a_feed_outlives_its_handle);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
