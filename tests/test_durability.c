/* What the whole library makes of a disk: what a power cut leaves (P1), a sync
 * that fails (P4), an index that is gone or something else (P5). */
#include "care_fixture.h"

#include "api/options.h"
#include "crm/rules.h"
#include "model/db.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct care care;

/* A disk that keeps what was synced and loses all else when the power goes. */
static struct {
    struct file_ops table;
    unsigned syncs;
    bool fails;
    void (*meanwhile)(void); /* called once, before a sync */
    unsigned char *kept;     /* the log as it was at its last sync */
    size_t kept_length;
} disk;

static int32_t watched_sync(struct file *file, int *system_error)
{
    if (disk.fails) {
        *system_error = 5; /* EIO */
        return CRM_IO;
    }
    if (disk.meanwhile != NULL) {
        void (*meanwhile)(void) = disk.meanwhile;
        disk.meanwhile = NULL;
        meanwhile();
    }
    free(disk.kept);
    disk.kept = care_read(care.path, &disk.kept_length);
    disk.syncs++;
    return file_ops_default()->sync(file, system_error);
}

static void open_watched(int64_t durability)
{
    struct crm_options options;
    crm_error error = {0};
    options_default(&options);
    disk.table = *file_ops_default();
    disk.table.sync = watched_sync;
    options.files = &disk.table;
    options.now = CARE_START;
    options.durability = durability;
    care_ok(db_open(care.path, &options, &domain_rules, &care.db, &error), &error);
}

static void setup(void)
{
    memset(&disk, 0, sizeof disk);
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
    free(disk.kept);
}

/* How many customers a file has that holds what the disk kept. */
static uint64_t customers_after_power_cut(void)
{
    crm_error error = {0};
    crm_db *db;
    const char *path = care_path(&care, "after.crm");
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(disk.kept, 1, disk.kept_length, file), disk.kept_length);
    ck_assert_int_eq(fclose(file), 0);
    care_ok(crm_open(path, NULL, &db, &error), &error);
    crm_view *view;
    care_ok(crm_view_open(db, &view, &error), &error);
    uint64_t count = care_count(view, CRM_KIND_CUSTOMER);
    crm_view_close(view);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    unlink(care_path(&care, "after.crm"));
    unlink(care_path(&care, "after.crm-index"));
    return count;
}

/* P1: only what was synced is left, and every commit that returned is in it. */
START_TEST(a_commit_that_returned_survives_a_power_cut)
{
    care_close(&care);
    open_watched(CRM_DURABLE_FULL);
    for (uint64_t i = 1; i <= 5; i++) {
        care_customer(&care, "Acme GmbH");
        ck_assert_uint_eq(customers_after_power_cut(), i);
    }
}
END_TEST

/* P1: a deferred commit is whole or not there, and there once crm_sync returned. */
START_TEST(a_deferred_commit_survives_from_the_next_sync_on)
{
    crm_error error = {0};
    care_close(&care);
    open_watched(CRM_DURABLE_DEFERRED);
    unsigned before = disk.syncs;
    for (int i = 0; i < 3; i++)
        care_customer(&care, "Acme GmbH");
    ck_assert_uint_eq(disk.syncs, before);
    care_ok(crm_sync(care.db, &error), &error);
    ck_assert_uint_eq(customers_after_power_cut(), 3);
}
END_TEST

static crm_id acme;
static const char *expected_name;
static int64_t reads_only;

/* Another handle stands for another process. */
static void open_meanwhile(void)
{
    crm_error error = {0};
    struct care other = care;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_READ_ONLY, reads_only);
    care_ok(crm_open(care.path, options, &other.db, &error), &error);
    crm_options_free(options);
    ck_assert_str_eq(care_text(&other, CRM_KIND_CUSTOMER, &acme, CRM_CUSTOMER_NAME), expected_name);
    crm_view *view = care_view(&other);
    crm_record *record = NULL;
    care_ok(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, expected_name, CRM_NUL, &record, &error), &error);
    crm_record_free(record);
    crm_view_close(view);
    care_close(&other);
    expected_name = NULL;
}

/* P2: a transaction that is written but not yet on disk is seen whole or not at
 * all.  Who only reads sees the state before; who may write can make sure of it. */
START_TEST(who_opens_while_a_commit_waits_for_the_disk_misses_no_record)
{
    care_close(&care);
    open_watched(CRM_DURABLE_FULL);
    acme = care_customer(&care, "Acme");
    for (reads_only = 1; reads_only >= 0; reads_only--) {
        expected_name = reads_only ? "Acme" : "Changed again";
        disk.meanwhile = open_meanwhile;
        care_set(&care, CRM_KIND_CUSTOMER, &acme, CRM_CUSTOMER_NAME, reads_only ? "Changed" : "Changed again");
        ck_assert_ptr_null(expected_name);
    }
}
END_TEST

/* P4: the commit fails, and so does every further write until the file is reopened. */
START_TEST(after_a_failed_sync_nothing_is_written_until_reopened)
{
    crm_error error = {0};
    crm_txn *txn;
    care_close(&care);
    open_watched(CRM_DURABLE_FULL);
    care_customer(&care, "Before");
    disk.fails = true;
    txn = care_begin(&care, "mia");
    crm_customer_set_name(crm_customer_create(txn), "Lost");
    ck_assert_int_eq(crm_commit(txn, NULL, &error), CRM_IO);
    disk.fails = false; /* a disk that says it is well again is not believed */
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status == CRM_OK) {
        crm_customer_set_name(crm_customer_create(txn), "Never");
        status = crm_commit(txn, NULL, &error);
    }
    ck_assert_int_eq(status, CRM_STOPPED);
    crm_view *view = care_view(&care);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 1); /* reading goes on */
    crm_view_close(view);
    (void)crm_close(care.db);
    care_open(&care);
    care_customer(&care, "After");
}
END_TEST

/* P4: a commit that was reported to be done is in the file at that path. */
START_TEST(a_file_that_was_replaced_or_overwritten_takes_no_commit)
{
    crm_error error = {0};
    crm_txn *txn;
    crm_view *view;
    size_t length;
    const char *other = care_path(&care, "other.crm");
    care_customer(&care, "Acme GmbH");
    care_ok(crm_backup(care.db, other, &error), &error);
    ck_assert_int_eq(rename(other, care.path), 0);
    ck_assert_int_eq(crm_begin(care.db, &txn, &error), CRM_STOPPED);
    ck_assert_int_eq(crm_compact(care.db, &error), CRM_STOPPED);
    view = care_view(&care);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 1); /* reading goes on */
    crm_view_close(view);
    (void)crm_close(care.db);
    care_open(&care);
    unsigned char *bytes = care_read(care.path, &length);
    care_customer(&care, "Second");
    FILE *file = fopen(care.path, "wb"); /* as cp does */
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, 4096, file), 4096);
    ck_assert_int_eq(fseek(file, 8192, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(bytes + 8192, 1, length - 8192, file), length - 8192);
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
    ck_assert_int_eq(crm_begin(care.db, &txn, &error), CRM_STOPPED);
    ck_assert_int_eq(crm_view_open(care.db, &view, &error), CRM_CORRUPT);
    (void)crm_close(care.db);
    care_open(&care);
    care_customer(&care, "After");
}
END_TEST

static void write_index(const char *bytes, size_t length)
{
    FILE *file = fopen(care_path(&care, "t.crm-index"), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static void same_state(const char *wanted)
{
    crm_view *view = care_view(&care);
    char *state = care_state(view);
    ck_assert_str_eq(state, wanted);
    free(state);
    crm_view_close(view);
}

/* P5: with the file open, while it is closed, or with something else in its place. */
START_TEST(the_index_can_be_deleted_at_any_time)
{
    static const char junk[] = "this is not an index";
    for (int i = 0; i < 50; i++)
        care_customer(&care, "Acme GmbH");
    ck_assert_int_eq(crm_rebuild(care.db, NULL), CRM_OK);
    crm_view *view = care_view(&care);
    char *wanted = care_state(view);
    crm_view_close(view);
    ck_assert_int_eq(access(care_path(&care, "t.crm-index"), F_OK), 0);
    ck_assert_int_eq(unlink(care_path(&care, "t.crm-index")), 0);
    same_state(wanted);
    care_close(&care);
    unlink(care_path(&care, "t.crm-index"));
    care_open(&care);
    same_state(wanted);
    care_close(&care);
    write_index(junk, sizeof junk);
    care_open(&care);
    same_state(wanted);
    free(wanted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("durability");
    TCase *tests = tcase_create("durability");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_commit_that_returned_survives_a_power_cut);
    tcase_add_test(tests, a_deferred_commit_survives_from_the_next_sync_on);
    tcase_add_test(tests, who_opens_while_a_commit_waits_for_the_disk_misses_no_record);
    tcase_add_test(tests, after_a_failed_sync_nothing_is_written_until_reopened);
    tcase_add_test(tests, a_file_that_was_replaced_or_overwritten_takes_no_commit);
    tcase_add_test(tests, the_index_can_be_deleted_at_any_time);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
