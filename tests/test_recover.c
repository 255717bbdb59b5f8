/* Recovery of damaged files and backups: what can be read is kept, what is lost
 * is said (P3), the damaged file is never touched. */
#include "care_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CUSTOMERS = 30, ROUNDS = 20 };

static struct care care, copy;
static crm_id ids[CUSTOMERS];
static uint64_t ends[64]; /* of each transaction, bytes */

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

static uint64_t file_end(void)
{
    crm_error error = {0};
    crm_table *table;
    uint64_t end = 0;
    care_ok(crm_stat(care.db, &table, &error), &error);
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        if (strcmp(crm_table_text(table, row, 0, NULL), "log bytes") == 0)
            end = strtoull(crm_table_text(table, row, 1, NULL), NULL, 10);
    crm_table_free(table);
    return end;
}

/* One transaction makes the customers, each further one changes every third. */
static void fill(void)
{
    char name[32];
    ends[1] = file_end();
    crm_txn *txn = care_begin(&care, "mia");
    for (int i = 0; i < CUSTOMERS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "%d", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        ids[i] = care_id(record);
    }
    ck_assert_uint_eq(care_commit(txn), 2);
    ends[2] = file_end();
    for (int round = 0; round < ROUNDS; round++) {
        crm_set_now(care.db, CARE_START + round * CARE_DAY);
        txn = care_begin(&care, "ole");
        for (int i = round % 3; i < CUSTOMERS; i += 3) {
            snprintf(name, sizeof name, "%d.%d", i, round);
            crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &ids[i]), CRM_CUSTOMER_NAME, name, CRM_NUL);
        }
        ck_assert_uint_eq(care_commit(txn), (uint64_t)round + 3);
        ends[round + 3] = file_end();
    }
}

static crm_table *recover(int32_t status)
{
    crm_error error = {0};
    crm_table *table = NULL;
    size_t before, after;
    if (care.db != NULL)
        care_close(&care);
    unsigned char *first = care_read(care.path, &before);
    copy = care;
    snprintf(copy.path, sizeof copy.path, "%s/copy.crm", care.folder);
    (void)unlink(copy.path);
    int32_t got = crm_recover(care.path, copy.path, NULL, &table, &error);
    ck_assert_msg(got == status, "%s", error.message);
    unsigned char *second = care_read(care.path, &after);
    ck_assert_uint_eq(before, after);
    ck_assert_mem_eq(first, second, before);
    free(first);
    free(second);
    if (got == CRM_OK) {
        care_open(&copy);
        care_ok(crm_verify(copy.db, NULL, &error), &error);
    }
    return table;
}

static int64_t figure(const crm_table *table, const char *what)
{
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        if (strcmp(crm_table_text(table, row, 1, NULL), what) == 0)
            return crm_table_int(table, row, 2);
    ck_abort_msg("no row \"%s\"", what);
    return -1;
}

static bool says(const crm_table *table, const char *what)
{
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        if (strstr(crm_table_text(table, row, 1, NULL), what) != NULL)
            return true;
    return false;
}

/* What a sound file holds comes over whole: LSNs, times, authors, versions. */
START_TEST(a_sound_file_is_recovered_whole)
{
    crm_error error = {0};
    fill();
    for (int compacted = 0; compacted < 2; compacted++) {
        char *before = care_changes(care.db, 0);
        crm_table *table = recover(CRM_OK);
        char *after = care_changes(copy.db, 0);
        ck_assert_str_eq(before, after);
        ck_assert_int_eq(figure(table, "transactions kept"), ROUNDS + 2);
        ck_assert_int_eq(figure(table, "transactions lost"), 0);
        ck_assert_int_eq(figure(table, "changes lost"), 0);
        crm_table_free(table);
        care_customer(&copy, "New"); /* and is written to */
        care_close(&copy);
        free(before);
        free(after);
        care_open(&care);
        care_ok(crm_compact(care.db, &error), &error);
    }
}
END_TEST

static void wipe(uint64_t from, uint64_t to)
{
    FILE *file = fopen(care.path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, (long)from, SEEK_SET), 0);
    for (uint64_t at = from; at < to; at++)
        ck_assert_int_ne(fputc(0, file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}

/* How many customers stand at the round before `round`, which was lost; all others must be at their last. */
static int behind(int round)
{
    char name[32], expected[32];
    int count = 0;
    for (int i = 0; i < CUSTOMERS; i++) {
        int last = ROUNDS - 1 - (ROUNDS - 1 - i % 3) % 3; /* the last round that changed it */
        snprintf(name, sizeof name, "%s", care_text(&copy, CRM_KIND_CUSTOMER, &ids[i], CRM_CUSTOMER_NAME));
        snprintf(expected, sizeof expected, "%d.%d", i, last);
        if (strcmp(name, expected) == 0)
            continue;
        snprintf(expected, sizeof expected, "%d.%d", i, round - 3);
        ck_assert_str_eq(name, expected);
        count++;
    }
    return count;
}

/* P3: the transaction of round 5 (LSN 8) is gone.  It changed ten customers,
 * and so did rounds 8, 11, 14 and 17, whose changes build on it: 40.  All else
 * is what it was. */
START_TEST(a_lost_transaction_costs_what_builds_on_it_and_no_more)
{
    crm_error error = {0};
    fill();
    care_close(&care);
    wipe(ends[7], ends[8]);
    crm_table *table = recover(CRM_OK);
    ck_assert_int_eq(figure(table, "transactions kept"), ROUNDS + 1);
    ck_assert_int_eq(figure(table, "transactions lost"), 1);
    ck_assert(says(table, "transactions 8 to 8 are damaged; 0 of their changes could be read"));
    ck_assert_int_eq(figure(table, "changes lost"), 40);
    ck_assert_int_eq(figure(table, "changes that build on what is lost"), 10);
    ck_assert_int_eq(behind(5), 10);
    crm_table_free(table);
    crm_view *view;
    care_ok(crm_view_open_lsn(copy.db, 8, &view, &error), &error); /* its number is kept */
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), CUSTOMERS);
    crm_view_close(view);
    care_close(&copy);
}
END_TEST

/* P3: a transaction is missing without a gap, and those behind it lie where it
 * did: what each of them builds on is then at the place of something else. */
START_TEST(a_transaction_taken_out_is_not_bridged)
{
    size_t length;
    char name[32];
    ids[0] = care_customer(&care, "0");
    for (int i = 1; i <= 5; i++) {
        ends[i] = file_end();
        snprintf(name, sizeof name, "%d", i);
        care_set(&care, CRM_KIND_CUSTOMER, &ids[0], i == 3 ? CRM_CUSTOMER_DOMAIN : CRM_CUSTOMER_NAME, name);
    }
    ck_assert_uint_eq(ends[4] - ends[3], ends[5] - ends[4]);
    care_close(&care);
    unsigned char *bytes = care_read(care.path, &length);
    FILE *file = fopen(care.path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, ends[3], file), ends[3]);
    ck_assert_uint_eq(fwrite(bytes + ends[4], 1, length - ends[4], file), length - ends[4]);
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
    crm_table *table = recover(CRM_OK); /* which verifies the new file */
    crm_table_free(table);
    /* Version 4 set the domain; 5 and 6 build on it. */
    ck_assert_str_eq(care_text(&copy, CRM_KIND_CUSTOMER, &ids[0], CRM_CUSTOMER_NAME), "2");
    ck_assert_str_eq(care_text(&copy, CRM_KIND_CUSTOMER, &ids[0], CRM_CUSTOMER_DOMAIN), "");
    care_close(&copy);
}
END_TEST

/* One bit of that transaction costs one of its ten changes and the four that build on it. */
START_TEST(a_flipped_bit_costs_one_change_and_what_builds_on_it)
{
    fill();
    care_close(&care);
    care_damage(care.path, ends[7] + 100); /* 64 bytes of header, then entries of more than 20 */
    crm_table *table = recover(CRM_OK);
    ck_assert_int_eq(figure(table, "transactions kept"), ROUNDS + 2);
    ck_assert(says(table, "transactions 8 to 8 are damaged; 9 of their changes could be read"));
    ck_assert_int_eq(figure(table, "changes lost"), 4);
    ck_assert_int_eq(behind(5), 1);
    crm_table_free(table);
    char *changes = care_changes(copy.db, 7);
    ck_assert_ptr_nonnull(strstr(changes, " ole/")); /* who it was stands in the meta, which is whole */
    free(changes);
    care_close(&copy);
}
END_TEST

/* The same in a compacted file, where a frame holds the whole database. */
START_TEST(a_flipped_bit_of_a_compacted_file_costs_one_record)
{
    crm_error error = {0};
    fill();
    care_ok(crm_compact(care.db, &error), &error);
    uint64_t end = file_end();
    care_close(&care);
    care_damage(care.path, end - 400); /* among the last records; behind them 7 bytes and more of meta */
    crm_table *table = recover(CRM_OK);
    crm_view *view = care_view(&copy);
    uint64_t records = 0;
    for (uint32_t i = 0; i < crm_kind_count(copy.db); i++)
        records += care_count(view, crm_kind_at(copy.db, i));
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), CUSTOMERS);
    ck_assert_int_eq(figure(table, "records there are now"), (int64_t)records);
    crm_view_close(view);
    ck_assert_int_eq(figure(table, "transactions kept"), ROUNDS + 2);
    ck_assert_int_eq(behind(-1), 0);
    crm_table_free(table);
    care_close(&copy);
    care_open(&care);
}
END_TEST

/* The transaction that made them is gone.  A customer is changed six or seven
 * times; a version is written in full after eight: none comes back here. */
START_TEST(changes_of_records_that_are_gone_are_counted)
{
    fill();
    care_close(&care);
    wipe(ends[1], ends[2]);
    crm_table *table = recover(CRM_OK);
    ck_assert(says(table, "transactions 2 to 2 are damaged"));
    ck_assert_int_eq(figure(table, "changes lost"), ROUNDS * CUSTOMERS / 3);
    crm_view *view = care_view(&copy);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 0);
    crm_view_close(view);
    crm_table_free(table);
    care_close(&copy);
}
END_TEST

/* With more changes there is a version in full, which makes the record again, under a new id. */
START_TEST(records_come_back_from_a_full_version)
{
    enum { CHANGES = 12 };
    char name[32];
    uint64_t before = file_end();
    ids[0] = care_customer(&care, "First");
    uint64_t after = file_end();
    for (int i = 0; i < CHANGES; i++) {
        snprintf(name, sizeof name, "Change %d", i);
        care_set(&care, CRM_KIND_CUSTOMER, &ids[0], CRM_CUSTOMER_NAME, name);
    }
    care_close(&care);
    wipe(before, after);
    crm_table *table = recover(CRM_OK);
    ck_assert_int_eq(figure(table, "records whose id is lost and that got a new one"), 1);
    crm_table_free(table);
    crm_view *view = care_view(&copy);
    crm_error error = {0};
    crm_record *record;
    care_ok(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, name, CRM_NUL, &record, &error), &error);
    ck_assert_uint_eq(crm_record_version(record), CHANGES + 1);
    crm_record_free(record);
    crm_view_close(view);
    care_close(&copy);
}
END_TEST

START_TEST(a_damaged_header_is_no_hindrance)
{
    fill();
    char *before = care_changes(care.db, 0);
    care_close(&care);
    care_damage(care.path, 20);
    crm_error error = {0};
    crm_db *db = NULL;
    ck_assert_int_eq(crm_open(care.path, NULL, &db, &error), CRM_CORRUPT);
    crm_table *table = recover(CRM_OK);
    char *after = care_changes(copy.db, 0);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    crm_table_free(table);
    care_close(&copy);
}
END_TEST

/* P6: any damage gives a file or a clear answer; what comes out is sound. */
START_TEST(any_damage_gives_a_sound_file_or_an_answer)
{
    crm_error error = {0};
    size_t length;
    fill();
    for (int compacted = 0; compacted < 2; compacted++) {
        care_close(&care);
        unsigned char *bytes = care_read(care.path, &length);
        for (size_t at = 8; at < length; at += length / 60 + 1) {
            care_damage(care.path, at);
            snprintf(copy.path, sizeof copy.path, "%s/copy.crm", care.folder);
            int32_t status = crm_recover(care.path, copy.path, NULL, NULL, &error);
            if (status == CRM_OK) {
                copy = care;
                snprintf(copy.path, sizeof copy.path, "%s/copy.crm", care.folder);
                care_open(&copy);
                care_ok(crm_verify(copy.db, NULL, &error), &error);
                care_close(&copy);
                ck_assert_int_eq(unlink(copy.path), 0);
                (void)unlink(care_path(&care, "copy.crm-index"));
            } else {
                ck_assert_msg(status == CRM_CORRUPT || status == CRM_NOT_A_DATABASE, "byte %zu: %s", at, error.message);
                ck_assert_int_ne(access(copy.path, F_OK), 0);
            }
            care_damage(care.path, at);
        }
        free(bytes);
        care_open(&care);
        care_ok(crm_compact(care.db, &error), &error);
    }
}
END_TEST

START_TEST(recover_refuses_what_it_should)
{
    crm_error error = {0};
    char other[128];
    snprintf(other, sizeof other, "%s", care_path(&care, "other.crm"));
    ck_assert_int_eq(crm_recover(care.path, care.path, NULL, NULL, &error), CRM_EXISTS);
    ck_assert_int_eq(crm_recover(other, care_path(&care, "new.crm"), NULL, NULL, &error), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_recover(NULL, other, NULL, NULL, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_recover(care.path, "", NULL, NULL, &error), CRM_MISUSE);
    ck_assert_int_ne(access(care_path(&care, "new.crm"), F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recover");
    TCase *tests = tcase_create("recover");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_sound_file_is_recovered_whole);
    tcase_add_test(tests, a_lost_transaction_costs_what_builds_on_it_and_no_more);
    tcase_add_test(tests, a_transaction_taken_out_is_not_bridged);
    tcase_add_test(tests, a_flipped_bit_costs_one_change_and_what_builds_on_it);
    tcase_add_test(tests, a_flipped_bit_of_a_compacted_file_costs_one_record);
    tcase_add_test(tests, changes_of_records_that_are_gone_are_counted);
    tcase_add_test(tests, records_come_back_from_a_full_version);
    tcase_add_test(tests, a_damaged_header_is_no_hindrance);
    tcase_add_test(tests, any_damage_gives_a_sound_file_or_an_answer);
    tcase_add_test(tests, recover_refuses_what_it_should);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
