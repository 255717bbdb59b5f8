/* test_damaged_index: the index file is damaged, a byte here or there, and the
 * file was opened with it.  Whatever is done then is done right, or CRM_CORRUPT
 * is answered and nothing was done; done again, it is done right, since the
 * index was built anew.  That no answer is wrong is `make rot`; here is each
 * kind of change.
 * Proves P3, P5. */
#include "care_fixture.h"

#include "api/options.h"
#include "crm/rules.h"
#include "model/db.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CUSTOMERS = 400, STEP = 1024, LOG_STEP = 977 };

static struct care care;
static char image[128];
static unsigned char *log_bytes_kept, *image_bytes_kept;
static size_t log_size, image_size;
static crm_id customers[CUSTOMERS];
static crm_error error;

static void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static void fill(void)
{
    char text[64];
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_txn_set_batch(txn, "first"), CRM_OK);
    for (int i = 0; i < CUSTOMERS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(text, sizeof text, "Customer %d", i * 7919 % CUSTOMERS);
        crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL);
        snprintf(text, sizeof text, "erp:%d", i);
        crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, text, CRM_NUL);
        snprintf(text, sizeof text, "info%d@x%d.example", i, i % 17);
        crm_item_add(record, CRM_CUSTOMER_EMAILS, text, CRM_NUL);
        snprintf(text, sizeof text, "+49 30 %06d", i * 31);
        crm_item_add(record, CRM_CUSTOMER_PHONES, text, CRM_NUL);
        crm_item_add(record, CRM_FIELD_TAGS, i % 3 ? "vip" : "north", CRM_NUL);
        customers[i] = care_id(record);
        record = crm_create(txn, CRM_KIND_CONTACT);
        snprintf(text, sizeof text, "Person %d", i);
        crm_set_text(record, CRM_CONTACT_LAST_NAME, text, CRM_NUL);
        crm_set_ref(record, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &customers[i]);
        record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
        crm_set_int(record, CRM_INTERACTION_START, CARE_START - (i * 13 % 900) * CARE_DAY);
        crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &customers[i * 5 % (i + 1)]);
    }
    care_commit(txn);
    for (int i = 0; i < 20; i++)
        care_set(&care, CRM_KIND_CUSTOMER, &customers[i], CRM_CUSTOMER_TERRITORY, "North");
}

static void setup(void)
{
    care_setup(&care);
    snprintf(image, sizeof image, "%s-index", care.path);
    fill();
    care_ok(crm_rebuild(care.db, &error), &error);
    care_close(&care);
    log_bytes_kept = care_read(care.path, &log_size);
    image_bytes_kept = care_read(image, &image_size);
    ck_assert_uint_gt(image_size, 20 * STEP);
}

static void teardown(void)
{
    free(log_bytes_kept);
    free(image_bytes_kept);
    care_open(&care);
    care_teardown(&care);
}

/* ---- what is done; each leaves nothing behind when it fails ---- */

static int32_t end(crm_txn *txn)
{
    return crm_commit(txn, NULL, &error);
}

static int32_t create(void)
{
    crm_txn *txn = NULL;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "New", CRM_NUL);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, "erp:9999", CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_EMAILS, "new@x.example", CRM_NUL);
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Newer", CRM_NUL);
    crm_set_ref_record(contact, CRM_CONTACT_CUSTOMER, record);
    crm_record *call = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(call, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_ref(call, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &customers[77]);
    return end(txn);
}

static int32_t change(void)
{
    crm_txn *txn = NULL;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    for (int i = 0; i < CUSTOMERS; i += 37) {
        crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &customers[i]);
        crm_set_text(record, CRM_CUSTOMER_NAME, "Changed", CRM_NUL);
        crm_item_remove(record, CRM_FIELD_TAGS, 0);
        crm_item_add(record, CRM_CUSTOMER_PHONES, "030 55", CRM_NUL);
        crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &customers[(i + 1) % CUSTOMERS]);
    }
    return end(txn);
}

static int32_t take_back(void)
{
    crm_txn *txn = NULL;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    for (int i = 0; i < CUSTOMERS; i += 41)
        crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[i]), CRM_CUSTOMER_NAME, "Changed", CRM_NUL);
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "New", CRM_NUL);
    status = crm_txn_status(txn, &error);
    crm_rollback(txn);
    return status;
}

static int32_t delete_and_restore(void)
{
    crm_txn *txn = NULL;
    crm_record *record = NULL;
    crm_query *query = NULL;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    status = crm_query_create(crm_txn_view(txn), CRM_KIND_CONTACT, &query, &error);
    if (status == CRM_OK)
        status = crm_query_next(query, &record, &error);
    if (status == CRM_OK) {
        crm_id id = care_id(record);
        crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &id));
        crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[5])); /* live records need it */
        if (crm_txn_status(txn, &error) == CRM_REFERENCED)
            crm_txn_forgive(txn);
        crm_restore(crm_edit(txn, CRM_KIND_CONTACT, &id));
    }
    crm_query_free(query);
    if (status == CRM_OK)
        return end(txn);
    crm_rollback(txn);
    return status;
}

static int32_t define(void)
{
    crm_txn *txn = NULL;
    uint32_t kind = 0, field = 0;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    crm_kind_add(txn, "tool", CRM_NUL, &kind);
    crm_field_add(txn, CRM_KIND_CUSTOMER, "grade", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_HOT | CRM_FLAG_INDEXED, 0, &field);
    crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[9]), field, 5);
    crm_setting_set(txn, "motto", "x");
    return end(txn);
}

static int32_t undo(void)
{
    crm_txn *txn = NULL;
    crm_table *conflicts = NULL;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    status = crm_undo(txn, "first", 1, &conflicts, &error);
    crm_table_free(conflicts);
    if (status == CRM_OK)
        return end(txn);
    crm_rollback(txn);
    return status;
}

static int32_t evaluate(void)
{
    crm_txn *txn = NULL;
    crm_table *table = NULL;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    status = crm_lifecycle_evaluate(txn, CARE_START, 0, &table, &error);
    crm_table_free(table);
    if (status == CRM_OK)
        return end(txn);
    crm_rollback(txn);
    return status;
}

static int32_t erase(void)
{
    crm_txn *txn = NULL;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    crm_erase(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[50]));
    return end(txn);
}

static int32_t upsert(void)
{
    crm_txn *txn = NULL;
    int32_t created = 0;
    int32_t status = crm_begin(care.db, &txn, &error);
    if (status != CRM_OK)
        return status;
    crm_record *record = crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, "erp:33", CRM_NUL, &created);
    crm_set_parsed(record, CRM_CUSTOMER_PARENT, "Customer 3", CRM_NUL);
    status = end(txn);
    ck_assert(status != CRM_OK || created == 0);
    return status;
}

static int32_t rows(void)
{
    static const char text[] = "external_ids,name,parent\nerp:7,Seven,Customer 9\nerp:12345,New,erp:8\n";
    crm_import *import = NULL;
    int32_t status = crm_import_create(care.db, CRM_KIND_CUSTOMER, &import, &error);
    if (status == CRM_OK)
        status = crm_import_set(import, "match", "external_ids", CRM_NUL, &error);
    if (status == CRM_OK)
        status = crm_import_feed(import, text, sizeof text - 1, &error);
    if (status == CRM_OK)
        status = crm_import_finish(import, &error);
    ck_assert(status != CRM_OK ||
              crm_import_count(import, CRM_IMPORT_UPDATED) + crm_import_count(import, CRM_IMPORT_CREATED) == 2);
    crm_import_free(import);
    return status;
}

static int32_t compact(void)
{
    return crm_compact(care.db, &error);
}

static int32_t backup(void)
{
    const char *to = care_path(&care, "copy");
    int32_t status = crm_backup(care.db, to, &error);
    (void)unlink(to);
    return status;
}

static int32_t reports(void)
{
    crm_view *view = NULL;
    crm_table *table = NULL;
    int32_t status = crm_view_open(care.db, &view, &error);
    if (status == CRM_OK && (status = crm_lifecycle_report(view, 0, &table, &error)) == CRM_OK)
        crm_table_free(table);
    if (status == CRM_OK &&
        (status = crm_stage_history(view, CRM_KIND_CUSTOMER, &customers[3], &table, &error)) == CRM_OK)
        crm_table_free(table);
    if (status == CRM_OK && (status = crm_report_pipeline(view, "owner", &table, &error)) == CRM_OK)
        crm_table_free(table);
    crm_view_close(view);
    return status;
}

static int32_t past(void)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_record *record = NULL;
    int32_t status = crm_view_open_lsn(care.db, 4, &view, &error);
    if (status == CRM_OK)
        status = crm_get(view, CRM_KIND_CUSTOMER, &customers[7], &record, &error);
    crm_record_free(record);
    if (status == CRM_OK)
        status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK)
        status = crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, "customer 1", CRM_NUL);
    uint64_t count = 0;
    if (status == CRM_OK)
        status = crm_query_count(query, &count, &error);
    ck_assert(status != CRM_OK || count == 111); /* 1, 10 to 19, 100 to 199 */
    crm_query_free(query);
    crm_view_close(view);
    return status;
}

static int32_t changes(void)
{
    crm_feed *feed = NULL;
    crm_change *told = NULL;
    crm_history *history = NULL;
    crm_view *view = NULL;
    int32_t status = crm_feed_open(care.db, 1, &feed, &error);
    while (status == CRM_OK)
        status = crm_feed_next(feed, 0, &told, &error);
    crm_feed_close(feed);
    if (status == CRM_TIMEOUT)
        status = crm_view_open(care.db, &view, &error);
    if (status == CRM_OK)
        status = crm_history_open(view, CRM_KIND_CUSTOMER, &customers[7], &history, &error);
    while (status == CRM_OK)
        status = crm_history_next(history, &told, &error);
    crm_history_close(history);
    crm_view_close(view);
    return status == CRM_DONE ? CRM_OK : status;
}

/* The id of a page's last record is asked for only now. */
static int32_t pages(void)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_record *record = NULL;
    char cursor[300] = "";
    int32_t status = crm_view_open(care.db, &view, &error);
    for (int page = 0; status == CRM_OK && page < 3; page++) {
        status = crm_query_create(view, CRM_KIND_INTERACTION, &query, &error);
        if (status == CRM_OK)
            crm_query_order(query, CRM_INTERACTION_START, 1);
        if (status == CRM_OK)
            status = crm_query_after(query, cursor, CRM_NUL);
        if (status == CRM_OK)
            status = crm_query_limit(query, 1);
        if (status == CRM_OK)
            status = crm_query_next(query, &record, &error);
        if (status == CRM_OK && (status = crm_query_next(query, &record, &error)) == CRM_DONE)
            status = CRM_OK;
        if (status == CRM_OK) {
            snprintf(cursor, sizeof cursor, "%s", crm_query_cursor(query));
            status = cursor[0] == '\0' ? CRM_CORRUPT : CRM_OK;
        }
        crm_query_free(query);
        query = NULL;
    }
    crm_view_close(view);
    return status;
}

static int32_t (*const acts[])(void) = {create,  change, take_back, delete_and_restore,
                                        define,  undo,   evaluate,  erase,
                                        upsert,  rows,   compact,   backup,
                                        reports, past,   changes,   pages};
enum { ACTS = sizeof acts / sizeof *acts };

START_TEST(what_is_done_over_a_damaged_index_is_done_right_or_not_at_all)
{
    unsigned char *bytes = malloc(image_size);
    ck_assert_ptr_nonnull(bytes);
    for (size_t at = (size_t)_i * 71 % STEP; at < image_size; at += STEP) {
        memcpy(bytes, image_bytes_kept, image_size);
        bytes[at] ^= 0x10;
        write_file(care.path, log_bytes_kept, log_size);
        write_file(image, bytes, image_size);
        care_open(&care);
        int32_t status = acts[_i]();
        ck_assert_msg(status == CRM_OK || status == CRM_CORRUPT, "act %d, byte %zu: %s: %s", _i, at,
                      crm_status_name(status), error.message);
        if (status != CRM_OK) {
            status = acts[_i]();
            ck_assert_msg(status == CRM_OK, "act %d again, byte %zu: %s: %s", _i, at, crm_status_name(status),
                          error.message);
        }
        status = crm_verify(care.db, NULL, &error);
        if (status == CRM_CORRUPT) { /* of what nobody has touched yet */
            care_ok(crm_rebuild(care.db, &error), &error);
            status = crm_verify(care.db, NULL, &error);
        }
        care_ok(status, &error);
        care_close(&care);
    }
    free(bytes);
}
END_TEST

/* The index is sound, so that nobody reads the whole log at opening; an entry of it is damaged. */
START_TEST(what_is_done_over_a_damaged_log_is_done_whole_or_not_at_all)
{
    unsigned char *bytes = malloc(log_size);
    ck_assert_ptr_nonnull(bytes);
    for (size_t at = 8192 + 64 + (size_t)_i * 71 % LOG_STEP; at < log_size; at += LOG_STEP) {
        memcpy(bytes, log_bytes_kept, log_size);
        bytes[at] ^= 0x10;
        write_file(care.path, bytes, log_size);
        write_file(image, image_bytes_kept, image_size);
        crm_options *options = crm_options_create();
        int32_t status = crm_open(care.path, options, &care.db, &error);
        crm_options_free(options);
        if (status == CRM_CORRUPT) /* it lies where an opening looks */
            continue;
        care_ok(status, &error);
        uint64_t lsn = crm_lsn(care.db);
        status = acts[_i]();
        ck_assert_msg(status == CRM_OK || status == CRM_CORRUPT, "act %d, byte %zu: %s: %s", _i, at,
                      crm_status_name(status), error.message);
        if (status == CRM_CORRUPT)
            ck_assert_uint_eq(crm_lsn(care.db), lsn);
        care_close(&care);
    }
    free(bytes);
    write_file(care.path, log_bytes_kept, log_size);
    (void)unlink(image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damaged_index");
    TCase *cases = tcase_create("damaged_index");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, what_is_done_over_a_damaged_index_is_done_right_or_not_at_all, 0, ACTS);
    tcase_add_loop_test(cases, what_is_done_over_a_damaged_log_is_done_whole_or_not_at_all, 0, ACTS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
