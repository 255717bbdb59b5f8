/* Several at one log: handles, processes and threads see what is published and
 * nothing else (P2), share syncs (P1), and stop after a failure (P4). */
#include "log_fixture.h"
#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/clock.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static crm_error error;

static void setup(void)
{
    fixture_make();
    memset(&error, 0, sizeof error);
}

static off_t file_size(void)
{
    struct stat about;
    ck_assert_int_eq(stat(fixture_path, &about), 0);
    return about.st_size;
}

/* --- Handles ------------------------------------------------------------- */

START_TEST(test_other_handles_see_what_is_published)
{
    struct frame frame;
    struct log *one = fixture_open(fixture_path, NULL), *two = fixture_open(fixture_path, NULL);
    ck_assert_int_eq(log_lock(one, 0, &error), CRM_OK);
    ck_assert_int_eq(log_lock(two, 10, &error), CRM_BUSY);
    struct log_point end = log_start(one), from = log_start(two);
    fixture_append(one, &end, 100);
    ck_assert_uint_eq(log_published(two), 0); /* not durable yet */
    ck_assert_int_eq(log_sync(one, &end, &error), CRM_OK);
    ck_assert_uint_eq(log_published(two), 1);
    ck_assert_uint_eq(log_durable(two), 1);
    log_publish(one, 0);
    ck_assert_uint_eq(log_published(two), 1); /* never lowers */
    ck_assert_int_eq(log_frame(two, &from, &frame, &error), CRM_OK);
    log_unlock(one);
    ck_assert_int_eq(log_lock(two, 0, &error), CRM_OK);
    fixture_append(two, &frame.after, 50);
    ck_assert_int_eq(log_sync(two, &frame.after, &error), CRM_OK);
    log_unlock(two);
    ck_assert_uint_eq(log_published(one), 2);
    ck_assert_uint_eq(fixture_walk(one).lsn, 2);
    log_close(one);
    log_close(two);
}
END_TEST

START_TEST(test_deferred_log_publishes_at_once)
{
    struct log_options options = fixture_options(true);
    options.deferred = true;
    struct log *log = fixture_open(fixture_path, &options);
    struct log_point end = log_start(log);
    int syncs = fixture_faults.syncs;
    fixture_append(log, &end, 100);
    ck_assert_uint_eq(log_published(log), 1);
    ck_assert_uint_eq(log_durable(log), 0);
    ck_assert_int_eq(fixture_faults.syncs, syncs);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    ck_assert_uint_eq(log_durable(log), 1);
    log_close(log);
}
END_TEST

/* Whoever commits takes the frame in before anybody can see it: not even a sync for something else publishes it. */
static void stage(size_t length)
{
    struct log_options options = fixture_options(true);
    options.deferred = true;
    struct log *log = fixture_open(fixture_path, &options), *other = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log), next;
    struct frame_info info = {.entry_count = 1};
    struct frame frame;
    uint8_t *bytes = malloc(length);
    ck_assert_ptr_nonnull(bytes);
    fixture_append(log, &end, 10);
    fixture_fill(bytes, length, 2);
    ck_assert_int_eq(log_stage(log, &end, &info, bytes, length, &next, NULL), CRM_OK);
    ck_assert_int_eq(log_sync(log, &end, NULL), CRM_OK);
    ck_assert_uint_eq(log_published(log), 1);
    ck_assert_uint_eq(log_durable(log), 1);
    ck_assert_int_eq(log_refresh(other, NULL), CRM_OK);
    ck_assert_int_eq(log_frame(other, &end, &frame, NULL), CRM_NOT_FOUND);
    ck_assert_int_eq(log_put(log, &end, &next, NULL), CRM_OK);
    ck_assert_uint_eq(log_published(log), 2);
    ck_assert_int_eq(log_frame(other, &end, &frame, NULL), CRM_OK);
    ck_assert_uint_eq(frame.after.offset, next.offset);
    ck_assert_mem_eq(frame.entries, bytes, length);
    free(bytes);
    log_close(other);
    log_close(log);
    fixture_remove();
}

START_TEST(test_a_staged_frame_is_seen_by_nobody)
{
    stage(100);
    fixture_make();
    stage(1 << 20);
}
END_TEST

/* Two processes take turns; each goes on where the other stopped. */
static int take_turns(int turns)
{
    struct log_options options = fixture_options(false);
    struct log *log = NULL;
    struct frame frame;
    options.files = file_ops_default();
    if (log_open(fixture_path, &options, &log, NULL) != CRM_OK)
        return 1;
    struct log_point end = log_start(log);
    for (int i = 0; i < turns; i++) {
        struct frame_info info = {.entry_count = 1};
        uint8_t bytes[300];
        if (log_lock(log, 20000, NULL) != CRM_OK)
            return 2;
        while (end.lsn < log_published(log)) {
            if (log_frame(log, &end, &frame, NULL) != CRM_OK)
                return 3;
            end = frame.after;
        }
        fixture_fill(bytes, sizeof bytes, end.lsn + 1);
        if (log_append(log, &end, &info, bytes, sizeof bytes, &end, NULL) != CRM_OK)
            return 4;
        if (log_sync(log, &end, NULL) != CRM_OK)
            return 5;
        log_unlock(log);
    }
    log_close(log);
    return 0;
}

START_TEST(test_two_processes_append_in_turn)
{
    enum { TURNS = 100 };
    struct log *log = fixture_open(fixture_path, NULL);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(take_turns(TURNS));
    }
    ck_assert_int_eq(fixture_wait(children[0]), 0);
    ck_assert_int_eq(fixture_wait(children[1]), 0);
    ck_assert_uint_eq(log_published(log), 2 * TURNS);
    ck_assert_uint_eq(fixture_walk(log).lsn, 2 * TURNS);
    log_close(log);
}
END_TEST

/* A writer that dies in the middle: the others go on behind what it published. */
START_TEST(test_killed_writer_leaves_the_published_state)
{
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    pid_t child = fork();
    if (child == 0) {
        struct log_options options = fixture_options(false);
        struct log *mine = NULL;
        if (log_open(fixture_path, &options, &mine, NULL) != CRM_OK || log_lock(mine, 5000, NULL) != CRM_OK)
            _exit(1);
        struct log_point next = end;
        fixture_append(mine, &next, 500);
        fixture_append(mine, &next, 500);
        _exit(0); /* neither synced nor closed */
    }
    ck_assert_int_eq(fixture_wait(child), 0);
    ck_assert_uint_eq(log_published(log), 1);
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_OK); /* the kernel gave the lock back */
    fixture_append(log, &end, 20);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    ck_assert_uint_eq(fixture_walk(log).lsn, 2);
    struct log_tail tail;
    ck_assert_int_eq(log_tail(log, &end, &tail, &error), CRM_OK);
    ck_assert_int_eq(tail.what, LOG_TAIL_TORN); /* what is left of the dead writer's frames */
    log_close(log);
}
END_TEST

START_TEST(test_replaced_log_is_superseded_for_all)
{
    struct log_options options = fixture_options(true);
    struct log_header header = {.generation = 1};
    struct log *log = fixture_open(fixture_path, NULL), *other = fixture_open(fixture_path, NULL);
    options.header = &header;
    log_close(fixture_open(fixture_other, &options));
    fixture_faults.fail_rename = 1;
    ck_assert_int_eq(log_replace(log, fixture_other, &error), CRM_IO);
    ck_assert(!log_superseded(log));
    ck_assert_int_eq(log_replace(log, fixture_other, &error), CRM_OK);
    ck_assert(log_superseded(log));
    ck_assert(log_superseded(other));
    log_close(log);
    log = fixture_open(fixture_path, NULL);
    ck_assert_uint_eq(log_header(log)->generation, 1);
    ck_assert(!log_superseded(log));
    ck_assert(log_superseded(other));
    log_close(other);
    log_close(log);
}
END_TEST

static bool dies_before;

static int32_t dying_rename(void *context, const char *from, const char *to, int *system_error)
{
    if (!dies_before)
        (void)file_ops_default()->rename(context, from, to, system_error);
    _exit(0);
}

/* A process that puts a new log in this one's place, and dies on the way. */
static void replace_and_die(bool before)
{
    struct log_header header = {.generation = 1};
    struct log_options options = fixture_options(true);
    struct file_ops files = *fixture_ops();
    dies_before = before;
    options.header = &header;
    log_close(fixture_open(fixture_other, &options));
    options = fixture_options(false);
    files.rename = dying_rename;
    options.files = &files;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct log *log = NULL;
        if (log_open(fixture_path, &options, &log, NULL) == CRM_OK && log_lock(log, 0, NULL) == CRM_OK)
            (void)log_replace(log, fixture_other, NULL);
        _exit(1);
    }
    ck_assert_int_eq(fixture_wait(child), 0);
}

/* What is written to the old file nobody would find again (P1). */
START_TEST(test_a_log_replaced_by_one_who_died_is_superseded)
{
    struct log *log = fixture_open(fixture_path, NULL);
    replace_and_die(true);
    ck_assert(!log_superseded(log));
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_OK);
    log_unlock(log);
    replace_and_die(false);
    ck_assert(log_superseded(log)); /* whoever only reads sees it, too */
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_OK);
    ck_assert(log_superseded(log));
    log_unlock(log);
    log_close(log);
}
END_TEST

START_TEST(test_a_log_that_is_not_at_its_path_takes_no_writer)
{
    struct log *log = fixture_open(fixture_path, NULL);
    log_close(fixture_open(fixture_other, NULL));
    ck_assert_int_eq(rename(fixture_other, fixture_path), 0);
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_STOPPED);
    ck_assert_ptr_nonnull(strstr(error.message, fixture_path));
    struct log *there = fixture_open(fixture_path, NULL);
    ck_assert_int_eq(log_lock(there, 0, &error), CRM_OK); /* and the lock was given back */
    ck_assert_int_eq(unlink(fixture_path), 0);
    log_unlock(there);
    ck_assert_int_eq(log_lock(there, 0, &error), CRM_STOPPED);
    log_close(there);
    log_close(log);
}
END_TEST

static struct file_identity there;
static int32_t there_status;

static int32_t identify_elsewhere(void *context, const char *path, struct file_identity *out, int *system_error)
{
    int32_t status = file_ops_default()->identify_path(context, path, out, system_error);
    if (there_status != CRM_OK)
        *system_error = EACCES;
    out->device += there.device;
    return there_status != CRM_OK ? there_status : status;
}

/* What is at the path cannot be looked at, or lies on another device: mounted there meanwhile. */
START_TEST(test_a_log_whose_path_leads_elsewhere_takes_no_writer)
{
    struct file_ops ops = *fixture_ops();
    struct log_options options = fixture_options(true);
    options.files = &ops;
    ops.identify_path = identify_elsewhere;
    there = (struct file_identity){0};
    there_status = CRM_OK;
    struct log *log = fixture_open(fixture_path, &options);
    there_status = CRM_IO;
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "cannot be examined"));
    there_status = CRM_OK;
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_OK);
    log_unlock(log);
    there.device = 1;
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_STOPPED);
    log_close(log);
}
END_TEST

START_TEST(test_an_overwritten_log_stops)
{
    size_t length;
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    struct frame_info info = {.entry_count = 1};
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    struct log *other = fixture_open(fixture_other, NULL);
    uint8_t *bytes = fixture_load(fixture_other, &length);
    fixture_store(fixture_path, bytes, length); /* the same file, other bytes */
    free(bytes);
    ck_assert(!log_intact(log));
    ck_assert(log_intact(other));
    ck_assert(log_stopped(log));
    ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"x", 1, &end, &error), CRM_STOPPED);
    log_close(other);
    log_close(log);
}
END_TEST

/* The control page is set anew by the first writer after a time without one;
 * until that one has recovered the file it says nothing. */
START_TEST(test_what_a_reader_has_seen_it_goes_on_seeing)
{
    struct log_options options = fixture_options(false);
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    options.read_only = true;
    struct log *reader = fixture_open(fixture_path, &options);
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    ck_assert_uint_eq(log_published(reader), 1);
    log_close(log);
    log = fixture_open(fixture_path, NULL);
    ck_assert(log_unrecovered(log));
    ck_assert_uint_eq(log_published(reader), 1);
    log_close(log);
    log_close(reader);
}
END_TEST

/* --- Durability and failure ---------------------------------------------- */

enum { THREADS = 8, COMMITS = 25 };
static struct log *shared;
static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER;
static struct log_point shared_end;

static void *commit_many(void *unused)
{
    for (int i = 0; i < COMMITS; i++) {
        struct log_point mine;
        struct frame_info info = {.entry_count = 1};
        (void)pthread_mutex_lock(&writer);
        int32_t status = log_append(shared, &shared_end, &info, (const uint8_t *)"x", 1, &mine, NULL);
        if (status == CRM_OK)
            shared_end = mine;
        (void)pthread_mutex_unlock(&writer);
        if (status != CRM_OK || log_sync(shared, &mine, NULL) != CRM_OK || log_durable(shared) < mine.lsn ||
            log_published(shared) < mine.lsn)
            return &shared; /* a failure; ck_assert belongs to the main thread */
    }
    return unused;
}

START_TEST(test_threads_that_commit_together_share_syncs)
{
    pthread_t threads[THREADS];
    shared = fixture_open(fixture_path, NULL);
    shared_end = log_start(shared);
    fixture_faults.syncs = 0;
    fixture_faults.sync_ms = 2;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, commit_many, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(log_durable(shared), THREADS * COMMITS);
    /* At least one for each round of a thread, at most half of one a commit. */
    ck_assert_int_ge(fixture_faults.syncs, COMMITS);
    ck_assert_int_le(fixture_faults.syncs, THREADS * COMMITS / 2);
    int syncs = fixture_faults.syncs;
    ck_assert_int_eq(log_sync(shared, &shared_end, &error), CRM_OK); /* is on disk already */
    ck_assert_int_eq(fixture_faults.syncs, syncs);
    log_close(shared);
}
END_TEST

static void assert_stopped(struct log *log, struct log_point *end)
{
    struct frame_info info = {.time = 1};
    struct log_point next;
    ck_assert(log_stopped(log));
    ck_assert_int_eq(log_append(log, end, &info, NULL, 0, &next, &error), CRM_STOPPED);
    ck_assert_ptr_nonnull(strstr(error.message, "reopen"));
    ck_assert_int_eq(log_sync(log, end, &error), CRM_STOPPED);
    ck_assert_int_eq(log_recovered(log, end, &error), CRM_STOPPED);
}

/* P4.  Half of the frame is on disk; nobody takes it for one. */
START_TEST(test_failed_write_stops_the_log)
{
    struct log_tail tail;
    struct frame_info info = {.time = 1, .entry_count = 1};
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log), next;
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    fixture_faults.fail_write = 1;
    fixture_faults.half_write = true;
    ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"0123456789", 10, &next, &error), CRM_IO);
    ck_assert_int_eq(error.system, EIO);
    assert_stopped(log, &end);
    ck_assert_uint_eq(fixture_walk(log).lsn, 1); /* reading goes on */
    log_close(log);
    log = fixture_open(fixture_path, NULL);
    ck_assert_uint_eq(fixture_recover(log, &tail).lsn, 1);
    ck_assert_int_eq(tail.what, LOG_TAIL_TORN);
    fixture_append(log, &end, 10); /* reopened: it works again */
    log_close(log);
}
END_TEST

/* P4.  The bytes of a large transaction are written as they are, then what goes with them. */
START_TEST(test_failed_write_of_a_large_transaction_stops_the_log)
{
    enum { LARGE = 3 << 20 };
    uint8_t *large = calloc(LARGE, 1);
    for (int fail = 1; fail <= 2; fail++) {
        struct log_tail tail;
        struct frame_info info = {.time = 1, .entry_count = 1};
        struct log *log = fixture_open(fixture_path, NULL);
        struct log_point end = fixture_recover(log, &tail), next;
        if (fail == 1)
            fixture_append(log, &end, 100);
        ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
        fixture_faults.fail_write = fail;
        fixture_faults.half_write = true;
        ck_assert_int_eq(log_append(log, &end, &info, large, LARGE, &next, &error), CRM_IO);
        ck_assert_int_eq(error.system, EIO);
        assert_stopped(log, &end);
        ck_assert_uint_eq(fixture_walk(log).lsn, 1);
        log_close(log);
    }
    free(large);
}
END_TEST

START_TEST(test_failed_sync_stops_every_handle)
{
    struct log *log = fixture_open(fixture_path, NULL), *other = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log), start = end;
    fixture_append(log, &end, 100);
    fixture_faults.fail_sync = 1;
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_IO);
    ck_assert_uint_eq(log_published(log), 0);
    ck_assert_uint_eq(log_durable(log), 0);
    assert_stopped(log, &end);
    assert_stopped(other, &start); /* its next sync would vouch for pages that are lost */
    log_close(log);
    log_close(other);
    struct log_tail tail;
    log = fixture_open(fixture_path, NULL);
    end = fixture_recover(log, &tail);
    fixture_append(log, &end, 10);
    log_close(log);
}
END_TEST

START_TEST(test_full_device_is_named_and_stops)
{
    struct frame_info info = {.time = 1};
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log), next;
    fixture_faults.fail_allocate = 1;
    fixture_append(log, &end, 100); /* the space ahead is not to be had; just enough is */
    ck_assert_int_eq(fixture_faults.allocates, 2);
    ck_assert_int_eq(file_size(), (off_t)end.offset);
    fixture_faults.fail_allocate = 1;
    fixture_faults.fails_on = true;
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &next, &error), CRM_FULL);
    ck_assert_int_eq(error.system, ENOSPC);
    assert_stopped(log, &end);
    log_close(log);
}
END_TEST

START_TEST(test_file_cut_by_somebody_else_is_noticed)
{
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    fixture_append(log, &end, 20000);
    ck_assert_int_eq(truncate(fixture_path, 9000), 0);
    ck_assert_int_eq(log_refresh(log, &error), CRM_CORRUPT);
    ck_assert_ptr_null(log_bytes(log, 20000, 1));
    struct log_point start = log_start(log);
    struct frame frame;
    ck_assert_int_ne(log_frame(log, &start, &frame, &error), CRM_OK);
    log_close(log);
}
END_TEST

static void add_tests(TCase *tests, const TTest *const *list, size_t count)
{
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, fixture_remove);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tests, list[i]);
}

static Suite *make_suite(void)
{
    const TTest *const handles[] = {test_other_handles_see_what_is_published,
                                    test_deferred_log_publishes_at_once,
                                    test_a_staged_frame_is_seen_by_nobody,
                                    test_two_processes_append_in_turn,
                                    test_killed_writer_leaves_the_published_state,
                                    test_replaced_log_is_superseded_for_all,
                                    test_file_cut_by_somebody_else_is_noticed,
                                    test_a_log_replaced_by_one_who_died_is_superseded,
                                    test_a_log_that_is_not_at_its_path_takes_no_writer,
                                    test_a_log_whose_path_leads_elsewhere_takes_no_writer,
                                    test_an_overwritten_log_stops,
                                    test_what_a_reader_has_seen_it_goes_on_seeing};
    const TTest *const durable[] = {test_threads_that_commit_together_share_syncs, test_failed_write_stops_the_log,
                                    test_failed_write_of_a_large_transaction_stops_the_log,
                                    test_failed_sync_stops_every_handle, test_full_device_is_named_and_stops};
    Suite *suite = suite_create("log_shared");
    TCase *cases[2] = {tcase_create("P2 handles"), tcase_create("P1 P4 durability")};
    add_tests(cases[0], handles, sizeof handles / sizeof handles[0]);
    add_tests(cases[1], durable, sizeof durable / sizeof durable[0]);
    for (size_t i = 0; i < 2; i++)
        suite_add_tcase(suite, cases[i]);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
