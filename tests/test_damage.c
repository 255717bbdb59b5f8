/* What a file answers over damage, when it was opened with its image and so
 * nobody has read the whole log: each answer is right or says that it is not
 * whole.  Damage in the image changes no answer at all.
 * Proves P3 and P5. */
#include "care_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct care care;
static char image[128];
static crm_id acme, ada;

/* LSN 2: Acme, by "mia"; LSN 3: Ada, who works there, by "ole". */
static void setup(void)
{
    care_setup(&care);
    snprintf(image, sizeof image, "%s-index", care.path);
    acme = care_customer(&care, "Acme");
    crm_txn *txn = care_begin(&care, "ole");
    crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Lovelace", CRM_NUL);
    crm_set_ref(record, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &acme);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, "erp:1", CRM_NUL);
    ada = care_id(record);
    care_commit(txn);
}

static void teardown(void)
{
    care_teardown(&care);
}

/* Where the bytes stand in a file for the `which`-th time, from 0. */
static size_t place_of(const char *path, const void *bytes, size_t length, int which)
{
    size_t size;
    unsigned char *all = care_read(path, &size);
    for (size_t at = 8192; at + length <= size; at++) {
        if (memcmp(all + at, bytes, length) == 0 && which-- == 0) {
            free(all);
            return at;
        }
    }
    free(all);
    ck_abort_msg("the bytes are not there");
    return 0;
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

/* Closes with an image of everything, and flips a bit where that text stands. */
static void damage(const char *text, int which)
{
    crm_error error = {0};
    care_ok(crm_rebuild(care.db, &error), &error);
    care_close(&care);
    care_damage(care.path, place_of(care.path, text, strlen(text), which));
}

static crm_record *get(crm_view *view, uint32_t kind, const crm_id *id)
{
    crm_error error = {0};
    crm_record *record = NULL;
    int32_t status = crm_get(view, kind, id, &record, &error);
    if (status == CRM_CORRUPT) /* the image is damaged: by now it is built anew */
        status = crm_get(view, kind, id, &record, &error);
    care_ok(status, &error);
    return record;
}

START_TEST(a_reference_to_what_is_damaged_is_not_shown_as_if_it_had_no_name)
{
    damage("Acme", 0);
    care_open(&care);
    crm_view *view = care_view(&care);
    crm_record *record = get(view, CRM_KIND_CONTACT, &ada);
    ck_assert_int_eq(crm_record_status(record), CRM_OK);
    (void)crm_display(record, CRM_CONTACT_CUSTOMER, NULL); /* its id */
    ck_assert_int_eq(crm_record_status(record), CRM_CORRUPT);
    crm_record_free(record);
    crm_view_close(view);
}
END_TEST

/* The first version tells when and by whom a record was made; the newest can be
 * read without it, since every eighth is written in full. */
START_TEST(who_made_a_record_is_not_nobody_because_its_first_version_is_damaged)
{
    char territory[32];
    for (int i = 0; i < 12; i++) {
        snprintf(territory, sizeof territory, "North %d", i);
        care_set(&care, CRM_KIND_CUSTOMER, &acme, CRM_CUSTOMER_TERRITORY, territory);
    }
    damage("Acme", 0);
    care_open(&care);
    crm_view *view = care_view(&care);
    crm_record *record = get(view, CRM_KIND_CUSTOMER, &acme);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_TERRITORY, NULL), "North 11");
    ck_assert_int_eq(crm_record_status(record), CRM_OK);
    ck_assert_int_eq(crm_has(record, CRM_FIELD_CREATED_BY), 0);
    ck_assert_int_eq(crm_record_status(record), CRM_CORRUPT);
    crm_record_free(record);
    crm_view_close(view);
}
END_TEST

START_TEST(who_wrote_a_version_is_not_nobody_because_the_transaction_is_damaged)
{
    damage("mia", 0);
    care_open(&care);
    crm_view *view = care_view(&care);
    crm_record *record = get(view, CRM_KIND_CUSTOMER, &acme);
    ck_assert_int_eq(crm_has(record, CRM_FIELD_CREATED_BY), 0);
    ck_assert_int_eq(crm_record_status(record), CRM_CORRUPT);
    crm_record_free(record);
    record = get(view, CRM_KIND_CUSTOMER, &acme);
    ck_assert_int_eq(crm_has(record, CRM_FIELD_MODIFIED_BY), 0);
    ck_assert_int_eq(crm_record_status(record), CRM_CORRUPT);
    crm_record_free(record);
    crm_query *query;
    crm_error error = {0};
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error), CRM_OK);
    ck_assert_int_eq(crm_query_where_text(query, CRM_FIELD_CREATED_BY, CRM_OP_EQ, "mia", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_query_next(query, &record, &error), CRM_CORRUPT);
    crm_query_free(query);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_stage_history(view, CRM_KIND_CUSTOMER, &acme, &table, &error), CRM_CORRUPT);
    crm_view_close(view);
}
END_TEST

static uint32_t told;
static void count_told(void *context, int32_t status, const char *message)
{
    (void)context, (void)message;
    told += status == CRM_CORRUPT;
}

static int32_t open_told(int32_t read_only)
{
    crm_error error = {0};
    crm_options *options = crm_options_create();
    crm_options_set_log(options, count_told, NULL);
    crm_options_set_int(options, CRM_OPTION_READ_ONLY, read_only);
    told = 0;
    int32_t status = crm_open(care.path, options, &care.db, &error);
    crm_options_free(options);
    return status;
}

/* A file in dollars is not one in euros because nobody can read that it is. */
START_TEST(a_damaged_setting_is_found_at_opening)
{
    crm_txn *txn = care_begin(&care, "mia");
    crm_setting_set(txn, "currency", "USD");
    care_commit(txn);
    care_customer(&care, "Later"); /* which proves that the transaction before was on disk */
    damage("USD", 0);
    ck_assert_int_eq(open_told(0), CRM_CORRUPT);
    ck_assert_int_eq(open_told(1), CRM_OK);
    ck_assert_uint_eq(told, 1);
    ck_assert_uint_eq(crm_lsn(care.db), 3); /* what lies before it */
}
END_TEST

/* Nor did it have no motto on that day. */
START_TEST(a_setting_of_the_past_that_is_damaged_is_told)
{
    for (int i = 0; i < 12; i++) {
        char motto[32];
        snprintf(motto, sizeof motto, "Motto %02d", i);
        crm_txn *txn = care_begin(&care, "mia");
        crm_setting_set(txn, "motto", motto);
        care_commit(txn);
    }
    damage("Motto 00", 0);
    ck_assert_int_eq(open_told(0), CRM_OK);
    crm_view *view;
    crm_error error = {0};
    care_ok(crm_view_open_lsn(care.db, 15, &view, &error), &error);
    ck_assert_str_eq(crm_setting(view, "motto"), "Motto 11");
    crm_view_close(view);
    ck_assert_uint_eq(told, 0);
    care_ok(crm_view_open_lsn(care.db, 4, &view, &error), &error);
    ck_assert_ptr_null(crm_setting(view, "motto"));
    ck_assert_uint_ge(told, 1);
    crm_view_close(view);
}
END_TEST

START_TEST(groups_by_what_is_damaged_are_refused)
{
    crm_error error = {0};
    crm_query *query;
    crm_table *table;
    damage("Acme", 0);
    care_open(&care);
    crm_view *view = care_view(&care);
    care_ok(crm_query_create(view, CRM_KIND_CONTACT, &query, &error), &error);
    ck_assert_int_eq(crm_query_group(query, CRM_CONTACT_CUSTOMER, CRM_CUSTOMER_TYPE, CRM_UNIT_NONE), CRM_OK);
    ck_assert_int_eq(crm_query_groups(query, &table, &error), CRM_CORRUPT);
    crm_query_free(query);
    care_ok(crm_query_create(view, CRM_KIND_CONTACT, &query, &error), &error);
    ck_assert_int_eq(crm_query_group(query, CRM_CONTACT_CUSTOMER, 0, CRM_UNIT_NONE), CRM_OK);
    care_ok(crm_query_groups(query, &table, &error), &error); /* numbers stand in the index */
    ck_assert_str_eq(crm_table_text(table, 0, 0, NULL), "(damaged)");
    ck_assert_int_eq(crm_table_int(table, 0, 1), 1);
    crm_table_free(table);
    crm_query_free(query);
    crm_view_close(view);
}
END_TEST

/* The second query of a view of the past does not leave out what the first said is damaged. */
START_TEST(a_view_of_the_past_tells_of_damage_each_time)
{
    char name[32];
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "Renamed %02d", i);
        care_set(&care, CRM_KIND_CUSTOMER, &acme, CRM_CUSTOMER_NAME, name);
    }
    damage("Renamed 05", 0);
    care_open(&care);
    crm_error error = {0};
    crm_view *view;
    care_ok(crm_view_open_lsn(care.db, 5, &view, &error), &error); /* "Renamed 01"; LSN 9 lies between */
    for (int i = 0; i < 3; i++) {
        crm_query *query;
        crm_record *record;
        care_ok(crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error), &error);
        crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_EQ, "Renamed 01", CRM_NUL);
        ck_assert_int_eq(crm_query_next(query, &record, &error), CRM_CORRUPT);
        crm_query_free(query);
    }
    crm_view_close(view);
}
END_TEST

/* Two transactions of one length in each other's place, as a disk does that
 * writes to the wrong sectors: what lies there has right checksums. */
START_TEST(a_version_in_the_place_of_another_is_not_taken_for_it)
{
    size_t length;
    crm_id one = care_customer(&care, "First"); /* LSN 4 */
    (void)care_customer(&care, "Other");        /* LSN 5 */
    (void)care_customer(&care, "Later");
    crm_error error = {0};
    care_ok(crm_rebuild(care.db, &error), &error);
    care_close(&care);
    size_t first = place_of(care.path, "CRMF", 4, 3), second = place_of(care.path, "CRMF", 4, 4);
    size_t third = place_of(care.path, "CRMF", 4, 5);
    ck_assert_uint_eq(second - first, third - second);
    unsigned char *bytes = care_read(care.path, &length), *swap = malloc(second - first);
    ck_assert_ptr_nonnull(swap);
    memcpy(swap, bytes + first, second - first);
    memcpy(bytes + first, bytes + second, second - first);
    memcpy(bytes + second, swap, second - first);
    write_file(care.path, bytes, length);
    free(bytes);
    free(swap);
    care_open(&care);
    crm_view *view = care_view(&care);
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &one, &record, &error), CRM_CORRUPT);
    ck_assert_int_eq(crm_verify(care.db, NULL, &error), CRM_CORRUPT);
    crm_view_close(view);
}
END_TEST

/* ---- the image ---- */

/* With every `step`-th byte of the image in turn damaged; the file is open for `test`. */
static void with_each_byte_of_the_image(size_t step, int32_t read_only, void (*test)(void))
{
    crm_error error = {0};
    size_t length;
    care_ok(crm_rebuild(care.db, &error), &error);
    care_close(&care);
    size_t log_length;
    unsigned char *bytes = care_read(image, &length), *log = care_read(care.path, &log_length);
    for (size_t at = 0; at < length; at += step) {
        bytes[at] ^= 0x10;
        write_file(image, bytes, length);
        bytes[at] ^= 0x10;
        write_file(care.path, log, log_length);
        ck_assert_int_eq(open_told(read_only), CRM_OK);
        test();
        care_close(&care);
    }
    free(bytes);
    free(log);
}

/* Asked again after CRM_CORRUPT, the image is built anew; there is no other answer but the right one. */
static void ask(void)
{
    crm_error error = {0};
    crm_id id = {{0}};
    crm_view *view;
    crm_query *query = NULL;
    crm_record *found = NULL;
    care_ok(crm_view_open_at(care.db, CARE_START, &view, &error), &error);
    ck_assert_uint_eq(crm_view_lsn(view), 3);
    ck_assert_int_eq(crm_view_time(view), CARE_START);
    crm_record *record = get(view, CRM_KIND_CONTACT, &ada);
    ck_assert_int_eq(crm_ref(record, CRM_CONTACT_CUSTOMER, NULL, &id), CRM_OK);
    ck_assert_mem_eq(&id, &acme, sizeof id);
    ck_assert_str_eq(crm_display(record, CRM_CONTACT_CUSTOMER, NULL), "Acme");
    ck_assert_str_eq(crm_text(record, CRM_FIELD_CREATED_BY, NULL), "ole");
    ck_assert_int_eq(crm_int(record, CRM_FIELD_CREATED_AT), CARE_START);
    ck_assert_int_eq(crm_record_status(record), CRM_OK);
    crm_record_free(record);
    ck_assert_str_eq(crm_setting(view, "currency"), "EUR");
    if (crm_find(view, CRM_KIND_CONTACT, CRM_FIELD_EXTERNAL_IDS, "erp:1", CRM_NUL, &found, &error) == CRM_CORRUPT)
        care_ok(crm_find(view, CRM_KIND_CONTACT, CRM_FIELD_EXTERNAL_IDS, "erp:1", CRM_NUL, &found, &error), &error);
    crm_record_id(found, &id);
    ck_assert_mem_eq(&id, &ada, sizeof id);
    crm_record_free(found);
    if (crm_timeline(view, CRM_KIND_CONTACT, &ada, &query, &error) == CRM_CORRUPT)
        care_ok(crm_timeline(view, CRM_KIND_CONTACT, &ada, &query, &error), &error);
    crm_query_free(query);
    crm_view_close(view);
}

START_TEST(a_damaged_image_changes_no_answer)
{
    with_each_byte_of_the_image(1, 1, ask);
}
END_TEST

static void make_again(void)
{
    crm_error error = {0};
    crm_txn *txn = care_begin(&care, "ole");
    crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Somebody", CRM_NUL);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, "erp:1", CRM_NUL);
    int32_t status = crm_commit(txn, NULL, &error);
    ck_assert_msg(status == CRM_DUPLICATE || status == CRM_CORRUPT, "%s: %s", crm_status_name(status), error.message);
}

START_TEST(a_damaged_image_lets_no_commit_break_a_rule)
{
    with_each_byte_of_the_image(43, 0, make_again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damage");
    TCase *tests = tcase_create("damage");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_reference_to_what_is_damaged_is_not_shown_as_if_it_had_no_name);
    tcase_add_test(tests, who_made_a_record_is_not_nobody_because_its_first_version_is_damaged);
    tcase_add_test(tests, who_wrote_a_version_is_not_nobody_because_the_transaction_is_damaged);
    tcase_add_test(tests, a_damaged_setting_is_found_at_opening);
    tcase_add_test(tests, a_setting_of_the_past_that_is_damaged_is_told);
    tcase_add_test(tests, groups_by_what_is_damaged_are_refused);
    tcase_add_test(tests, a_view_of_the_past_tells_of_damage_each_time);
    tcase_add_test(tests, a_version_in_the_place_of_another_is_not_taken_for_it);
    tcase_add_test(tests, a_damaged_image_changes_no_answer);
    tcase_add_test(tests, a_damaged_image_lets_no_commit_break_a_rule);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
