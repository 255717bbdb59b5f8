/* test_failing_disk: what must not come of a file operation that fails.  That
 * every call survives one is `make faults`; here is what some did with it. */
#include "care_fixture.h"

#include "api/options.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CUSTOMERS = 20 };
enum { SYNC = 1, WRITE, IDENTIFY, RENAME };

static struct care care;

/* The n-th call of one operation fails, from 1; no other does. */
static struct {
    struct file_ops table;
    int operation, at;
    bool reached;
} disk;

static bool fails(int operation, int system, int *system_error)
{
    if (operation != disk.operation || --disk.at != 0)
        return false;
    disk.reached = true;
    *system_error = system;
    return true;
}

static int32_t failing_sync(struct file *file, int *system_error)
{
    return fails(SYNC, EIO, system_error) ? CRM_IO : file_ops_default()->sync(file, system_error);
}

static int32_t failing_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    return fails(WRITE, ENOSPC, system_error) ? CRM_FULL
                                              : file_ops_default()->write(file, offset, bytes, length, system_error);
}

static int32_t failing_identify(struct file *file, struct file_identity *out, int *system_error)
{
    return fails(IDENTIFY, EIO, system_error) ? CRM_IO : file_ops_default()->identify(file, out, system_error);
}

static int32_t failing_rename(void *context, const char *from, const char *to, int *system_error)
{
    return fails(RENAME, EACCES, system_error) ? CRM_IO : file_ops_default()->rename(context, from, to, system_error);
}

static crm_options *options_on_disk(void)
{
    crm_options *options = crm_options_create();
    disk.table = *file_ops_default();
    disk.table.sync = failing_sync;
    disk.table.write = failing_write;
    disk.table.identify = failing_identify;
    disk.table.rename = failing_rename;
    options->files = &disk.table;
    return options;
}

static void break_at(int operation, int at)
{
    disk.operation = operation;
    disk.at = at;
    disk.reached = false;
}

static void setup(void)
{
    break_at(0, 0);
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

static void open_on_disk(void)
{
    crm_error error = {0};
    crm_options *options = options_on_disk();
    care_close(&care);
    care_ok(crm_open(care.path, options, &care.db, &error), &error);
    crm_options_free(options);
}

/* Whoever insists on a new file tries again, and finds none there. */
START_TEST(a_new_file_that_was_not_finished_is_not_in_the_way)
{
    const char *path = care_path(&care, "new.crm");
    crm_options *options = options_on_disk();
    crm_options_set_int(options, CRM_OPTION_CREATE, 2);
    int32_t status = CRM_IO;
    for (int at = 1; status != CRM_OK; at++) {
        crm_error error = {0};
        crm_db *db = NULL;
        break_at(_i, at);
        status = crm_open(path, options, &db, &error);
        ck_assert_msg(status == CRM_OK || status == (_i == WRITE ? CRM_FULL : CRM_IO), "%d, call %d: %s", _i, at,
                      error.message);
        ck_assert_int_eq(access(path, F_OK) == 0, status == CRM_OK);
        ck_assert_int_eq(crm_close(db), CRM_OK);
    }
    crm_options_free(options);
}
END_TEST

/* The n-th allocation of whoever opens is refused, from 1; just before, another handle opens the file at `path`. */
static struct {
    const char *path; /* NULL: none does */
    int64_t at;
    crm_db *db;
    bool wrote;
} another;

static void another_opens(void)
{
    crm_txn *txn = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_CREATE, 0);
    crm_options_set_int(options, CRM_OPTION_BUSY_MS, 0);
    if (crm_open(another.path, options, &another.db, NULL) == CRM_OK && crm_begin(another.db, &txn, NULL) == CRM_OK) {
        crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
        another.wrote = crm_commit(txn, NULL, NULL) == CRM_OK;
    }
    crm_options_free(options);
}

static void *resize_once_short(void *context, void *old, size_t size)
{
    (void)context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    if (--another.at == 0) {
        if (another.path != NULL)
            another_opens();
        return NULL;
    }
    return realloc(old, size);
}

/* False: that was more than it needs. */
static bool new_file_refused(const char *path, int64_t at, bool found)
{
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_CREATE, 2);
    crm_options_set_allocator(options, resize_once_short, NULL);
    another.path = found ? path : NULL;
    another.at = at;
    another.db = NULL;
    another.wrote = false;
    int32_t status = crm_open(path, options, &db, NULL);
    bool reached = another.at <= 0;
    ck_assert(status == CRM_OK || (status == CRM_NOMEM && reached));
    if (!found)
        ck_assert_int_eq(access(path, F_OK) == 0, status == CRM_OK);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    ck_assert_int_eq(crm_close(another.db), CRM_OK);
    crm_options_free(options);
    return reached;
}

START_TEST(a_new_file_that_there_was_no_memory_for_is_not_in_the_way)
{
    const char *path = care_path(&care, "new.crm");
    for (int64_t at = 1; new_file_refused(path, at, false); at++)
        (void)unlink(path);
}
END_TEST

/* P1: it is in the file that it found, whatever becomes of who made that. */
START_TEST(what_another_handle_wrote_stays_when_the_maker_of_the_file_fails)
{
    int wrote = 0;
    struct care copy = care;
    snprintf(copy.path, sizeof copy.path, "%s", care_path(&care, "new.crm"));
    for (int64_t at = 1; new_file_refused(copy.path, at, true); at++) {
        if (another.wrote) {
            wrote++;
            care_open(&copy);
            crm_view *view = care_view(&copy);
            ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 1);
            crm_view_close(view);
            care_close(&copy);
        }
        (void)unlink(copy.path);
    }
    ck_assert_int_gt(wrote, 0);
}
END_TEST

static void check_salvaged(const char *path, const crm_table *table)
{
    struct care copy = care;
    crm_error error = {0};
    snprintf(copy.path, sizeof copy.path, "%s", path);
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        if (strstr(crm_table_text(table, row, 1, NULL), "lost") != NULL)
            ck_assert_int_eq(crm_table_int(table, row, 2), 0);
    care_open(&copy);
    crm_view *view = care_view(&copy);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), CUSTOMERS);
    crm_view_close(view);
    care_ok(crm_verify(copy.db, NULL, &error), &error);
    care_close(&copy);
}

/* P3: it is whole, or it says what failed and leaves nothing that the next try would find in its way. */
START_TEST(what_cannot_be_read_now_is_not_taken_for_lost)
{
    char path[96];
    snprintf(path, sizeof path, "%s", care_path(&care, "salvaged.crm"));
    for (int i = 0; i < CUSTOMERS; i++)
        care_customer(&care, "Acme");
    crm_options *options = options_on_disk();
    int32_t status = CRM_IO;
    for (int at = 1; status != CRM_OK || disk.reached; at++) {
        crm_error error = {0};
        crm_table *table = NULL;
        break_at(_i, at);
        status = crm_recover(care.path, path, options, &table, &error);
        ck_assert_int_eq(access(path, F_OK) == 0, status == CRM_OK);
        if (status == CRM_OK) {
            bool reached = disk.reached;
            check_salvaged(path, table);
            disk.reached = reached;
            (void)unlink(path);
        }
        crm_table_free(table);
    }
    crm_options_free(options);
}
END_TEST

/* Nothing new is one thing, not to know is another. */
START_TEST(a_feed_that_cannot_follow_says_so)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    struct care other = care;
    open_on_disk();
    care_ok(crm_feed_open(care.db, crm_lsn(care.db), &feed, &error), &error);
    ck_assert_int_eq(crm_feed_next(feed, 0, &change, &error), CRM_TIMEOUT);
    care_open(&other);
    care_customer(&other, "Acme");
    break_at(IDENTIFY, 1);
    ck_assert_int_eq(crm_feed_next(feed, 0, &change, &error), CRM_IO);
    ck_assert_int_eq(error.system, EIO);
    care_ok(crm_feed_next(feed, 0, &change, &error), &error);
    crm_feed_close(feed);
    care_close(&other);
}
END_TEST

START_TEST(an_import_tells_the_system_s_error)
{
    static const char text[] = "name\nAcme\n";
    crm_error error = {0};
    crm_import *import = NULL;
    open_on_disk();
    care_ok(crm_import_create(care.db, CRM_KIND_CUSTOMER, &import, &error), &error);
    care_ok(crm_import_feed(import, text, sizeof text - 1, &error), &error);
    break_at(WRITE, 1);
    ck_assert_int_eq(crm_import_finish(import, &error), CRM_FULL);
    ck_assert_int_eq(error.system, ENOSPC);
    crm_import_free(import);
    ck_assert_int_eq(crm_close(care.db), CRM_STOPPED);
    care_open(&care);
}
END_TEST

static char told[512];

static void listen(void *context, int32_t status, const char *message)
{
    (void)context;
    ck_assert_int_eq(status, CRM_IO);
    snprintf(told, sizeof told, "%s", message);
}

/* An index that cannot be kept costs time at the next opening; the commit was done. */
START_TEST(an_index_file_that_cannot_be_written_fails_no_commit)
{
    enum { LENGTH = 60000, RECORDS = 260 }; /* more than 8 MiB, after which one is written */
    char image[128], *text = malloc(LENGTH + 1);
    crm_error error = {0};
    crm_options *options = options_on_disk();
    snprintf(image, sizeof image, "%s-index", care.path);
    care_close(&care);
    (void)unlink(image);
    crm_options_set_log(options, listen, NULL);
    care_ok(crm_open(care.path, options, &care.db, &error), &error);
    for (int round = 0; round < 3; round++) {
        crm_txn *txn = care_begin(&care, "mia");
        for (unsigned n = 0; n < RECORDS; n++) {
            uint64_t state = n + 1;
            for (size_t i = 0; i < LENGTH; i++) {
                state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                text[i] = (char)('!' + (state >> 33) % 90);
            }
            text[LENGTH] = '\0';
            crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
            crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
            crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, CRM_NUL);
        }
        told[0] = '\0';
        break_at(RENAME, round == 0 ? 1 : 0);
        care_commit(txn);
        /* Tried again when the file has grown as much again. */
        ck_assert_int_eq(access(image, F_OK) == 0, round == 2);
        ck_assert_int_eq(strstr(told, "the index file could not be written") != NULL, round == 0);
    }
    care_close(&care);
    care_open(&care);
    crm_options_free(options);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failing_disk");
    TCase *tests = tcase_create("failing_disk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_new_file_that_was_not_finished_is_not_in_the_way, SYNC, IDENTIFY + 1);
    tcase_add_test(tests, a_new_file_that_there_was_no_memory_for_is_not_in_the_way);
    tcase_add_test(tests, what_another_handle_wrote_stays_when_the_maker_of_the_file_fails);
    tcase_add_loop_test(tests, what_cannot_be_read_now_is_not_taken_for_lost, SYNC, IDENTIFY + 1);
    tcase_add_test(tests, a_feed_that_cannot_follow_says_so);
    tcase_add_test(tests, an_import_tells_the_system_s_error);
    tcase_add_test(tests, an_index_file_that_cannot_be_written_fails_no_commit);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
