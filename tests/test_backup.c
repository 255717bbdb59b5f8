/* Backups: a consistent copy while others write, that opens like any file. */
#include "care_fixture.h"

#include "api/options.h"
#include "crm/rules.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct care care, copy;

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

static void backup(const char *name)
{
    crm_error error = {0};
    copy = care;
    snprintf(copy.path, sizeof copy.path, "%s", care_path(&care, name));
    care_ok(crm_backup(care.db, copy.path, &error), &error);
}

static void same_and_sound(void)
{
    crm_error error = {0};
    care_open(&copy);
    care_ok(crm_verify(copy.db, NULL, &error), &error);
    char *one = care_changes(care.db, 0), *two = care_changes(copy.db, 0);
    ck_assert_str_eq(one, two);
    free(one);
    free(two);
}

START_TEST(a_copy_has_everything_and_lives_on_its_own)
{
    crm_error error = {0};
    crm_id id = care_customer(&care, "Alpha");
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Beta");
    for (int compacted = 0; compacted < 2; compacted++) {
        backup(compacted ? "two.crm" : "one.crm");
        struct stat about;
        ck_assert_int_eq(stat(copy.path, &about), 0);
        ck_assert_uint_eq(about.st_mode & 0777, 0600);
        same_and_sound();
        care_set(&copy, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Copy");
        care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Original");
        ck_assert_str_eq(care_text(&copy, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Copy");
        ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Original");
        care_close(&copy);
        care_ok(crm_compact(care.db, &error), &error);
    }
}
END_TEST

/* P7: what is under way is not in it, and the writer is not in its way. */
START_TEST(an_open_transaction_neither_hinders_nor_is_copied)
{
    care_customer(&care, "Alpha");
    crm_txn *txn = care_begin(&care, "mia");
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Beta", CRM_NUL);
    (void)care_count(crm_txn_view(txn), CRM_KIND_CUSTOMER);
    backup("copy.crm");
    same_and_sound();
    care_commit(txn);
    crm_view *view = care_view(&copy);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 1);
    crm_view_close(view);
    care_close(&copy);
}
END_TEST

static int stop;

static void *keep_writing(void *context)
{
    struct care *to = context;
    for (int i = 0; i < 200 && !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
        crm_txn *txn = care_begin(to, "mia"); /* two records a transaction */
        for (int n = 0; n < 2; n++) {
            crm_record *user = crm_create(txn, CRM_KIND_USER);
            crm_set_text(user, CRM_USER_NAME, "User", CRM_NUL);
        }
        care_commit(txn);
    }
    return NULL;
}

/* P2: a copy made while another thread commits holds whole transactions. */
START_TEST(copies_made_while_others_write_are_whole)
{
    crm_error error = {0};
    pthread_t thread;
    char name[32];
    stop = 0;
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_writing, &care), 0);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "copy%d.crm", i);
        backup(name);
        care_open(&copy);
        care_ok(crm_verify(copy.db, NULL, &error), &error);
        crm_view *view = care_view(&copy);
        ck_assert_uint_eq(care_count(view, CRM_KIND_USER) % 2, 0);
        crm_view_close(view);
        care_close(&copy);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
}
END_TEST

/* A disk that shows what a copy passes for before each write and sync of it. */
static struct {
    struct file_ops table;
    uint64_t unsynced, unsynced_under_header;
    unsigned openings, passed, steps_behind_header;
    bool header;
} disk;

static void try_copy(void)
{
    crm_error error = {0};
    crm_options *options = crm_options_create();
    crm_db *db = NULL;
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_CREATE, 0), CRM_OK);
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1), CRM_OK);
    disk.openings++;
    disk.passed += crm_open(care_path(&care, "copy.crm"), options, &db, &error) == CRM_OK;
    crm_close(db);
    crm_options_free(options);
}

static int32_t watched_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    try_copy();
    disk.header |= offset == 0;
    if (offset == 0)
        disk.unsynced_under_header = disk.unsynced;
    disk.unsynced += length;
    return file_ops_default()->write(file, offset, bytes, length, system_error);
}

static int32_t watched_sync(struct file *file, int *system_error)
{
    if (!disk.header)
        try_copy();
    disk.steps_behind_header += disk.header;
    disk.unsynced = 0;
    return file_ops_default()->sync(file, system_error);
}

/* P2: however far a copy has come, and in whatever order its bytes reach the
 * disk, it is no database before all of it is there. */
START_TEST(an_unfinished_copy_passes_for_no_database)
{
    crm_options options;
    crm_error error = {0};
    care_customer(&care, "Alpha");
    care_customer(&care, "Beta");
    care_close(&care);
    memset(&disk, 0, sizeof disk);
    disk.table = *file_ops_default();
    options_default(&options);
    options.files = &disk.table;
    care_ok(db_open(care.path, &options, &domain_rules, &care.db, &error), &error);
    disk.table.write = watched_write;
    disk.table.sync = watched_sync;
    backup("copy.crm");
    disk.table = *file_ops_default();
    ck_assert_uint_ge(disk.openings, 3);
    ck_assert_uint_eq(disk.passed, 0);
    ck_assert_uint_eq(disk.unsynced_under_header, 0);
    ck_assert_uint_eq(disk.steps_behind_header, 1); /* its own sync */
    ck_assert_uint_eq(disk.unsynced, 0);
    same_and_sound();
    care_close(&copy);
}
END_TEST

START_TEST(a_backup_overwrites_nothing)
{
    crm_error error = {0};
    ck_assert_int_eq(crm_backup(care.db, care.path, &error), CRM_EXISTS);
    FILE *file = fopen(care_path(&care, "taken"), "wb");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(crm_backup(care.db, care_path(&care, "taken"), &error), CRM_EXISTS);
    ck_assert_int_eq(crm_backup(care.db, care_path(&care, "no/such/folder"), &error), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_backup(care.db, "", &error), CRM_INVALID);
    ck_assert_int_eq(crm_backup(NULL, "x", &error), CRM_MISUSE);
    ck_assert_int_eq(crm_backup(care.db, NULL, &error), CRM_MISUSE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup");
    TCase *tests = tcase_create("backup");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_copy_has_everything_and_lives_on_its_own);
    tcase_add_test(tests, an_open_transaction_neither_hinders_nor_is_copied);
    tcase_add_test(tests, copies_made_while_others_write_are_whole);
    tcase_add_test(tests, an_unfinished_copy_passes_for_no_database);
    tcase_add_test(tests, a_backup_overwrites_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
