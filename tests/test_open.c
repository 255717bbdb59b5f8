/* Opening as a user meets it: what is no file of ours, cannot be read or
 * written, or is of another version; each error names the file and the way out. */
#include "sys/checksum.h"

#include <check.h>
#include <crm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32], path[64], beside[80];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/crm-open-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.crm", folder);
    snprintf(beside, sizeof beside, "%s-index", path);
}

static void remove_folder(void)
{
    chmod(folder, 0700);
    unlink(path);
    unlink(beside);
    ck_assert_int_eq(rmdir(folder), 0);
}

static int32_t try_open(const char *name, int read_only, crm_db **db, crm_error *error)
{
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_READ_ONLY, read_only);
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    int32_t status = crm_open(name, options, db, error);
    crm_options_free(options);
    return status;
}

/* Refused with that status and a message that names the file, for reading and for writing. */
static void refused(const char *name, int32_t status, const char *said)
{
    for (int read_only = 0; read_only < 2; read_only++) {
        crm_error error;
        crm_db *db = (crm_db *)&error;
        int32_t got = try_open(name, read_only, &db, &error);
        ck_assert_msg(got == status, "%s: status %d, expected %d: %s", name, got, status,
                      got == CRM_OK ? "" : error.message);
        ck_assert_int_eq(error.status, status);
        ck_assert_ptr_null(db);
        ck_assert_msg(strstr(error.message, name) != NULL, "\"%s\" does not name the file", error.message);
        ck_assert_msg(strstr(error.message, said) != NULL, "\"%s\" does not say \"%s\"", error.message, said);
    }
}

static void make_database(void)
{
    crm_db *db = NULL;
    crm_txn *txn = NULL;
    ck_assert_int_eq(try_open(path, 0, &db, NULL), CRM_OK);
    ck_assert_int_eq(crm_begin(db, &txn, NULL), CRM_OK);
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    ck_assert_int_eq(crm_commit(txn, NULL, NULL), CRM_OK);
    ck_assert_int_eq(crm_close(db), CRM_OK);
}

static uint64_t customers(crm_db *db)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    uint64_t count = 0;
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
    crm_query_free(query);
    crm_view_close(view);
    return count;
}

static void put(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(name, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

START_TEST(arguments_that_name_nothing_are_refused)
{
    crm_error error;
    crm_db *db = NULL;
    ck_assert_int_eq(crm_open(NULL, NULL, &db, &error), CRM_INVALID);
    ck_assert_int_eq(crm_open("", NULL, &db, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "empty"));
    ck_assert_int_eq(crm_open("x", NULL, NULL, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_open("", NULL, &db, NULL), CRM_INVALID);
    ck_assert_int_eq(crm_close(NULL), CRM_OK);
}
END_TEST

START_TEST(what_is_no_file_of_ours_is_refused)
{
    make_folder();
    refused(folder, CRM_NOT_A_DATABASE, "is a folder");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refused(path, CRM_NOT_A_DATABASE, "not a regular file"); /* and does not wait for a writer */
    unlink(path);
    put(path, "name,city\nAcme,Berlin\n", 21);
    refused(path, CRM_NOT_A_DATABASE, "is not a database");
    char large[8192];
    memset(large, 'x', sizeof large);
    put(path, large, sizeof large);
    refused(path, CRM_NOT_A_DATABASE, "is not a database");
    refused("/dev/null", CRM_NOT_A_DATABASE, "not a regular file");
    remove_folder();
}
END_TEST

START_TEST(a_missing_folder_or_file_is_told)
{
    char name[80];
    make_folder();
    snprintf(name, sizeof name, "%s/missing/t.crm", folder);
    refused(name, CRM_NOT_FOUND, "No such file");
    crm_error error;
    crm_db *db = NULL;
    ck_assert_int_eq(try_open(path, 1, &db, &error), CRM_NOT_FOUND);
    ck_assert_int_ne(access(path, F_OK), 0); /* reading makes no file */
    remove_folder();
}
END_TEST

START_TEST(a_file_that_may_only_be_read_is_read)
{
    make_folder();
    make_database();
    unlink(beside);
    ck_assert_int_eq(chmod(path, 0400), 0);
    crm_error error;
    crm_db *db = NULL;
    crm_txn *txn = NULL;
    if (geteuid() != 0) { /* root may write anything */
        ck_assert_int_eq(try_open(path, 0, &db, &error), CRM_READ_ONLY);
        ck_assert_ptr_nonnull(strstr(error.message, path));
    }
    ck_assert_int_eq(chmod(folder, 0500), 0);
    ck_assert_int_eq(try_open(path, 1, &db, &error), CRM_OK);
    ck_assert_uint_eq(customers(db), 1);
    ck_assert_int_eq(crm_begin(db, &txn, &error), CRM_READ_ONLY);
    ck_assert_ptr_nonnull(strstr(error.message, path));
    ck_assert_ptr_null(txn);
    ck_assert_int_eq(crm_sync(db, &error), CRM_OK);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    ck_assert_int_ne(access(beside, F_OK), 0); /* it wrote nothing at all */
    remove_folder();
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_told)
{
    make_folder();
    make_database();
    ck_assert_int_eq(chmod(path, 0), 0);
    if (geteuid() != 0)
        refused(path, CRM_IO, "ermission denied");
    ck_assert_int_eq(chmod(path, 0600), 0);
    crm_db *db = NULL;
    ck_assert_int_eq(try_open(path, 0, &db, NULL), CRM_OK);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    remove_folder();
}
END_TEST

/* docs/FORMAT.md: bytes 8 to 11 are the format, bytes 72 to 75 the CRC of all before. */
static void change_header(unsigned at, unsigned char change, int sound)
{
    unsigned char header[76];
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(header, 1, sizeof header, file), sizeof header);
    header[at] ^= change;
    uint32_t crc = crc32c(0, header, 72);
    for (int i = 0; sound && i < 4; i++)
        header[72 + i] = (unsigned char)(crc >> (8 * i));
    ck_assert_int_eq(fseek(file, 0, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(header, 1, sizeof header, file), sizeof header);
    fclose(file);
}

START_TEST(a_newer_format_is_told_from_damage)
{
    make_folder();
    make_database();
    change_header(8, 1 ^ 2, 1); /* format 2 */
    refused(path, CRM_NOT_A_DATABASE, "format 2");
    change_header(8, 1 ^ 2, 1);
    change_header(20, 0x40, 0); /* another name, and a CRC that does not say so */
    refused(path, CRM_CORRUPT, "the header (bytes 0 to 75) is damaged");
    change_header(20, 0x40, 0);
    crm_db *db = NULL;
    ck_assert_int_eq(try_open(path, 0, &db, NULL), CRM_OK);
    ck_assert_uint_eq(customers(db), 1);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    remove_folder();
}
END_TEST

START_TEST(a_file_cut_short_opens_up_to_its_last_whole_transaction)
{
    make_folder();
    make_database();
    unlink(beside);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(truncate(path, status.st_size - 3), 0);
    crm_db *db = NULL;
    crm_error error;
    int32_t got = try_open(path, 0, &db, &error);
    ck_assert_msg(got == CRM_OK, "%s", error.message);
    ck_assert_uint_eq(customers(db), 0);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    make_database(); /* and can be written again */
    ck_assert_int_eq(try_open(path, 0, &db, &error), CRM_OK);
    ck_assert_uint_eq(customers(db), 1);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    remove_folder();
}
END_TEST

/* An index file of another database, of nothing, or that is a folder changes no answer. */
START_TEST(a_strange_index_file_is_ignored)
{
    make_folder();
    make_database();
    char noise[4096];
    crm_db *db = NULL;
    for (int i = 0; i < 3; i++) {
        unlink(beside);
        memset(noise, i == 0 ? 0 : 0xab, sizeof noise);
        if (i < 2)
            put(beside, noise, sizeof noise);
        else
            ck_assert_int_eq(mkdir(beside, 0700), 0);
        ck_assert_int_eq(try_open(path, 0, &db, NULL), CRM_OK);
        ck_assert_uint_eq(customers(db), 1);
        ck_assert_int_eq(crm_close(db), CRM_OK);
    }
    rmdir(beside);
    remove_folder();
}
END_TEST

START_TEST(names_with_any_bytes_are_paths)
{
    make_folder();
    char name[120];
    static const char *const names[] = {"blank name.crm", "ü€🦆.crm", "-dash",
                                        "new\nline",      "\xff\xfe.crm",  "%s%n.crm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        crm_db *db = NULL;
        snprintf(name, sizeof name, "%s/%s", folder, names[i]);
        ck_assert_int_eq(try_open(name, 0, &db, NULL), CRM_OK);
        ck_assert_str_eq(crm_path(db), name);
        ck_assert_int_eq(crm_close(db), CRM_OK);
        ck_assert_int_eq(unlink(name), 0);
        snprintf(name, sizeof name, "%s/%s-index", folder, names[i]);
        unlink(name);
    }
    char long_name[6000];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    crm_error error;
    crm_db *db = NULL;
    ck_assert_int_eq(try_open(long_name, 0, &db, &error), CRM_IO);
    ck_assert_int_gt((int)strlen(error.message), 20);
    remove_folder();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("open");
    TCase *cases = tcase_create("open");
    tcase_add_test(cases, arguments_that_name_nothing_are_refused);
    tcase_add_test(cases, what_is_no_file_of_ours_is_refused);
    tcase_add_test(cases, a_missing_folder_or_file_is_told);
    tcase_add_test(cases, a_file_that_may_only_be_read_is_read);
    tcase_add_test(cases, a_file_that_may_not_be_read_is_told);
    tcase_add_test(cases, a_newer_format_is_told_from_damage);
    tcase_add_test(cases, a_file_cut_short_opens_up_to_its_last_whole_transaction);
    tcase_add_test(cases, a_strange_index_file_is_ignored);
    tcase_add_test(cases, names_with_any_bytes_are_paths);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
