/* Misuse: every exported function that is handed NULL instead of a handle, or
 * nowhere to put its answer, says so (CRM_MISUSE) or answers as for something
 * empty, and frees nothing; as crm.h says under "Conventions".
 * Proves P6. */
#include "domain_fixture.h"

#include <check.h>
#include <math.h>
#include <string.h>

static crm_db *db;
static crm_view *view;
static crm_error error;
static const crm_id id = {{1}};

static void setup(void)
{
    db = domain_open();
    view = domain_view(db);
}

static void teardown(void)
{
    crm_view_close(view);
    domain_close(db);
}

static void misuse(int32_t status)
{
    ck_assert_int_eq(status, CRM_MISUSE);
    ck_assert_int_eq(error.status, CRM_MISUSE);
    ck_assert_int_ne(error.message[0], '\0');
    memset(&error, 0, sizeof error);
}

#define EMPTY(text) ck_assert_str_eq(text, "")

START_TEST(a_database_is_needed)
{
    crm_txn *txn;
    crm_view *seen;
    crm_feed *feed;
    crm_import *import;
    crm_table *table;
    misuse(crm_open("x.crm", NULL, NULL, &error));
    ck_assert_int_eq(crm_close(NULL), CRM_OK);
    misuse(crm_sync(NULL, &error));
    misuse(crm_begin(NULL, &txn, &error));
    misuse(crm_begin(db, NULL, &error));
    misuse(crm_view_open(NULL, &seen, &error));
    misuse(crm_view_open(db, NULL, &error));
    misuse(crm_view_open_at(NULL, 0, &seen, &error));
    misuse(crm_view_open_at(db, 0, NULL, &error));
    misuse(crm_view_open_lsn(NULL, 0, &seen, &error));
    misuse(crm_view_open_lsn(db, 0, NULL, &error));
    misuse(crm_feed_open(NULL, 0, &feed, &error));
    misuse(crm_feed_open(db, 0, NULL, &error));
    misuse(crm_import_create(NULL, CRM_KIND_CUSTOMER, &import, &error));
    misuse(crm_import_create(db, CRM_KIND_CUSTOMER, NULL, &error));
    misuse(crm_verify(NULL, &table, &error));
    misuse(crm_recover(NULL, "to", NULL, &table, &error));
    misuse(crm_recover("from", NULL, NULL, &table, &error));
    misuse(crm_compact(NULL, &error));
    misuse(crm_backup(NULL, "to", &error));
    misuse(crm_backup(db, NULL, &error));
    misuse(crm_rebuild(NULL, &error));
    misuse(crm_stat(NULL, &table, &error));
    misuse(crm_stat(db, NULL, &error));
    crm_set_now(NULL, 5);
    ck_assert_int_eq(crm_now(NULL), 0);
    ck_assert_uint_eq(crm_lsn(NULL), 0);
    ck_assert_ptr_null(crm_path(NULL));
    ck_assert_int_eq(crm_lifecycle_allows(NULL, 1, 2), 0);
}
END_TEST

START_TEST(no_database_has_no_schema)
{
    enum { KIND = CRM_KIND_CUSTOMER, FIELD = CRM_CUSTOMER_STAGE };
    ck_assert_uint_eq(crm_kind_count(NULL), 0);
    ck_assert_uint_eq(crm_kind_at(NULL, 0), 0);
    ck_assert_uint_eq(crm_kind_find(NULL, "customer", CRM_NUL), 0);
    ck_assert_uint_eq(crm_kind_find(db, NULL, 3), 0);
    ck_assert_ptr_null(crm_kind_name(NULL, KIND));
    ck_assert_uint_eq(crm_field_count(NULL, KIND), 0);
    ck_assert_uint_eq(crm_field_at(NULL, KIND, 0), 0);
    ck_assert_uint_eq(crm_field_find(NULL, KIND, "name", CRM_NUL), 0);
    ck_assert_uint_eq(crm_field_find(db, KIND, NULL, CRM_NUL), 0);
    ck_assert_ptr_null(crm_field_name(NULL, KIND, FIELD));
    ck_assert_ptr_null(crm_field_label(NULL, KIND, FIELD));
    ck_assert_int_eq(crm_field_type(NULL, KIND, FIELD), 0);
    ck_assert_uint_eq(crm_field_flags(NULL, KIND, FIELD), 0);
    ck_assert_uint_eq(crm_field_target(NULL, KIND, FIELD), 0);
    ck_assert_uint_eq(crm_choice_count(NULL, KIND, FIELD), 0);
    ck_assert_int_eq(crm_choice_at(NULL, KIND, FIELD, 0), 0);
    ck_assert_ptr_null(crm_choice_name(NULL, KIND, FIELD, 1));
    ck_assert_int_eq(crm_choice_find(NULL, KIND, FIELD, "stable", CRM_NUL), -1);
    ck_assert_int_eq(crm_choice_find(db, KIND, FIELD, NULL, CRM_NUL), -1);
    ck_assert_int_eq(crm_type_find(NULL, 2), 0);
    ck_assert_ptr_null(crm_type_name(0));
    ck_assert_ptr_null(crm_lifecycle_name(0));
    ck_assert_ptr_null(crm_status_name(-1));
    ck_assert_ptr_null(crm_status_text(-1));
}
END_TEST

START_TEST(options_are_needed_to_set_them)
{
    crm_options *options = crm_options_create();
    ck_assert_int_eq(crm_options_set_int(NULL, CRM_OPTION_CREATE, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_options_set_text(NULL, CRM_OPTION_CURRENCY, "EUR", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_options_set_text(options, CRM_OPTION_CURRENCY, NULL, 3), CRM_MISUSE);
    crm_options_set_allocator(NULL, NULL, NULL);
    crm_options_set_log(NULL, NULL, NULL);
    crm_options_set_clock(NULL, NULL, NULL);
    crm_options_free(options);
    crm_options_free(NULL);
}
END_TEST

START_TEST(a_transaction_is_needed)
{
    crm_table *table;
    ck_assert_int_eq(crm_txn_set_actor(NULL, "mia"), CRM_MISUSE);
    ck_assert_int_eq(crm_txn_set_reason(NULL, "why"), CRM_MISUSE);
    ck_assert_int_eq(crm_txn_set_batch(NULL, "b"), CRM_MISUSE);
    misuse(crm_commit(NULL, NULL, &error));
    misuse(crm_txn_status(NULL, &error));
    crm_rollback(NULL);
    crm_txn_forgive(NULL);
    ck_assert_ptr_null(crm_txn_view(NULL));
    ck_assert_ptr_null(crm_create(NULL, CRM_KIND_CUSTOMER));
    ck_assert_ptr_null(crm_create_with_id(NULL, CRM_KIND_CUSTOMER, &id));
    ck_assert_ptr_null(crm_edit(NULL, CRM_KIND_CUSTOMER, &id));
    ck_assert_ptr_null(crm_upsert(NULL, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "a@b.example", CRM_NUL, NULL));
    ck_assert_int_eq(crm_kind_add(NULL, "machine", CRM_NUL, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_field_add(NULL, CRM_KIND_CUSTOMER, "own", CRM_NUL, CRM_TYPE_INT, 0, 0, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_choice_add(NULL, CRM_KIND_CUSTOMER, CRM_CUSTOMER_STAGE, "own", CRM_NUL, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_setting_set(NULL, "retention_days", "3"), CRM_MISUSE);
    misuse(crm_undo(NULL, "batch", 0, &table, &error));
    misuse(crm_lifecycle_evaluate(NULL, 0, 0, &table, &error));
}
END_TEST

/* What a transaction is given as NULL is an error that it keeps. */
START_TEST(a_transaction_keeps_what_was_not_given)
{
    crm_txn *txn = domain_begin(db);
    crm_table *table;
    misuse(crm_undo(txn, NULL, 0, &table, &error));
    ck_assert_ptr_null(crm_edit(txn, CRM_KIND_CUSTOMER, NULL));
    ck_assert_int_ne(crm_txn_status(txn, NULL), CRM_OK);
    crm_txn_forgive(txn);
    ck_assert_ptr_null(crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, NULL, 3, NULL));
    ck_assert_int_ne(crm_txn_status(txn, NULL), CRM_OK);
    crm_txn_forgive(txn);
    ck_assert_int_ne(crm_kind_add(txn, NULL, 3, NULL), CRM_OK);
    crm_txn_forgive(txn);
    ck_assert_int_ne(crm_setting_set(txn, NULL, "3"), CRM_OK);
    crm_txn_forgive(txn);
    ck_assert_int_ne(crm_choice_add(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_TYPE, NULL, 3, NULL), CRM_OK);
    crm_txn_forgive(txn);
    crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
    ck_assert_ptr_nonnull(record);
    ck_assert_int_eq(crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CUSTOMER, NULL, "host", CRM_NUL),
                     CRM_NOT_FOUND);
    crm_rollback(txn);
}
END_TEST

/* NULL as a text is the empty text, whatever its length is said to be; NULL as
 * a reference's target clears it. */
START_TEST(null_values_are_empty)
{
    crm_txn *txn = domain_begin(db);
    crm_record *parent = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(parent, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Branch", CRM_NUL);
    crm_set_text(record, CRM_CUSTOMER_TERRITORY, "north", CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_EMAILS, "a@b.example", CRM_NUL);
    crm_item_set_text(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_LABEL, "work", CRM_NUL);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(crm_set_ref_record(record, CRM_CUSTOMER_PARENT, parent), CRM_OK);
        ck_assert_int_eq(crm_has(record, CRM_CUSTOMER_PARENT), 1);
        ck_assert_int_eq(round == 0 ? crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, NULL)
                                    : crm_set_ref_record(record, CRM_CUSTOMER_PARENT, NULL),
                         CRM_OK);
        ck_assert_int_eq(crm_has(record, CRM_CUSTOMER_PARENT), 0);
    }
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_TERRITORY, NULL, 5), CRM_OK);
    ck_assert_int_eq(crm_has(record, CRM_CUSTOMER_TERRITORY), 0);
    ck_assert_int_eq(crm_set_parsed(record, CRM_CUSTOMER_TERRITORY, NULL, 5), CRM_OK);
    ck_assert_int_eq(crm_item_set_text(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_LABEL, NULL, 5), CRM_OK);
    EMPTY(crm_item_text(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_LABEL, NULL));
    ck_assert_int_eq(crm_item_add(record, CRM_CUSTOMER_EMAILS, NULL, 5), CRM_INVALID);
    crm_txn_forgive(txn);
    crm_record *talk = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(talk, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_id target;
    crm_record_id(parent, &target);
    ck_assert_int_eq(crm_item_add_ref(talk, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CUSTOMER, &target, NULL, 5), CRM_OK);
    EMPTY(crm_item_text(talk, CRM_INTERACTION_PARTICIPANTS, 0, CRM_PART_ROLE, NULL));
    domain_commit(txn);
}
END_TEST

START_TEST(nothing_is_compared_with_null)
{
    crm_query *query;
    uint64_t rows = 7;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_EQ, NULL, 5), CRM_INVALID);
    ck_assert_int_eq(crm_query_count(query, &rows, NULL), CRM_INVALID);
    crm_query_free(query);
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_ref(query, CRM_CUSTOMER_PARENT, CRM_OP_EQ, CRM_KIND_CUSTOMER, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_query_after(query, NULL, 5), CRM_INVALID);
    crm_query_free(query);
}
END_TEST

START_TEST(a_record_is_needed_to_change_it)
{
    ck_assert_int_eq(crm_expect_version(NULL, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_delete(NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_restore(NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_erase(NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_set_int(NULL, 16, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_set_real(NULL, 16, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_set_text(NULL, 16, "x", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_set_ref(NULL, 16, CRM_KIND_CUSTOMER, &id), CRM_MISUSE);
    ck_assert_int_eq(crm_set_ref_record(NULL, 16, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_set_null(NULL, 16), CRM_MISUSE);
    ck_assert_int_eq(crm_set_parsed(NULL, 16, "x", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_item_add(NULL, 16, "x", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_item_add_ref(NULL, 16, CRM_KIND_CUSTOMER, &id, "role", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_item_set_text(NULL, 16, 0, CRM_PART_LABEL, "x", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_item_set_int(NULL, 16, 0, CRM_PART_PRIMARY, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_item_remove(NULL, 16, 0), CRM_MISUSE);
    ck_assert_int_eq(crm_lifecycle_move(NULL, CRM_CUSTOMER_STAGE_STABLE, NULL, NULL), CRM_MISUSE);
}
END_TEST

START_TEST(no_record_reads_as_empty)
{
    crm_id out = id;
    size_t length = 7;
    ck_assert_uint_eq(crm_record_kind(NULL), 0);
    crm_record_id(NULL, &out);
    ck_assert_mem_eq(out.bytes, (uint8_t[16]){0}, 16);
    ck_assert_uint_eq(crm_record_version(NULL), 0);
    ck_assert_uint_eq(crm_record_lsn(NULL), 0);
    ck_assert_int_eq(crm_record_deleted(NULL), 0);
    ck_assert_int_eq(crm_record_status(NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_has(NULL, 16), 0);
    ck_assert_int_eq(crm_int(NULL, 16), 0);
    ck_assert(isnan(crm_real(NULL, 16)));
    EMPTY(crm_text(NULL, 16, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(crm_ref(NULL, 16, NULL, &out), CRM_NOT_FOUND);
    EMPTY(crm_format(NULL, 16, &length));
    EMPTY(crm_display(NULL, 16, &length));
    EMPTY(crm_title(NULL, &length));
    ck_assert_uint_eq(crm_item_count(NULL, 16), 0);
    EMPTY(crm_item_text(NULL, 16, 0, CRM_PART_VALUE, &length));
    ck_assert_int_eq(crm_item_int(NULL, 16, 0, CRM_PART_PRIMARY), 0);
    ck_assert_int_eq(crm_item_ref(NULL, 16, 0, NULL, &out), CRM_NOT_FOUND);
    crm_record_free(NULL);
}
END_TEST

START_TEST(a_view_is_needed_to_look)
{
    crm_record *record;
    crm_query *query;
    crm_history *history;
    crm_table *table;
    crm_id out;
    int64_t stage;
    misuse(crm_get(NULL, CRM_KIND_CUSTOMER, &id, &record, &error));
    misuse(crm_get(view, CRM_KIND_CUSTOMER, NULL, &record, &error));
    misuse(crm_get(view, CRM_KIND_CUSTOMER, &id, NULL, &error));
    misuse(crm_get_any(NULL, &id, &record, &error));
    misuse(crm_get_any(view, NULL, &record, &error));
    misuse(crm_get_any(view, &id, NULL, &error));
    misuse(crm_find(NULL, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "x", CRM_NUL, &record, &error));
    misuse(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, NULL, 1, &record, &error));
    misuse(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "x", CRM_NUL, NULL, &error));
    misuse(crm_resolve(NULL, CRM_KIND_CUSTOMER, "x", CRM_NUL, &out, &error));
    misuse(crm_resolve(view, CRM_KIND_CUSTOMER, NULL, 1, &out, &error));
    misuse(crm_resolve(view, CRM_KIND_CUSTOMER, "x", CRM_NUL, NULL, &error));
    misuse(crm_query_create(NULL, CRM_KIND_CUSTOMER, &query, &error));
    misuse(crm_query_create(view, CRM_KIND_CUSTOMER, NULL, &error));
    misuse(crm_timeline(NULL, CRM_KIND_CUSTOMER, &id, &query, &error));
    misuse(crm_timeline(view, CRM_KIND_CUSTOMER, NULL, &query, &error));
    misuse(crm_timeline(view, CRM_KIND_CUSTOMER, &id, NULL, &error));
    misuse(crm_history_open(NULL, CRM_KIND_CUSTOMER, &id, &history, &error));
    misuse(crm_history_open(view, CRM_KIND_CUSTOMER, NULL, &history, &error));
    misuse(crm_history_open(view, CRM_KIND_CUSTOMER, &id, NULL, &error));
    misuse(crm_lifecycle_stage_at(NULL, &id, 0, &stage, &error));
    misuse(crm_lifecycle_stage_at(view, NULL, 0, &stage, &error));
    misuse(crm_lifecycle_stage_at(view, &id, 0, NULL, &error));
    misuse(crm_lifecycle_report(NULL, 0, &table, &error));
    misuse(crm_lifecycle_report(view, 0, NULL, &error));
    misuse(crm_lifecycle_matrix(NULL, 0, 1, &table, &error));
    misuse(crm_lifecycle_matrix(view, 0, 1, NULL, &error));
    misuse(crm_lifecycle_backtest(NULL, 0, 1, &table, &error));
    misuse(crm_lifecycle_backtest(view, 0, 1, NULL, &error));
    misuse(crm_stage_history(NULL, CRM_KIND_CUSTOMER, &id, &table, &error));
    misuse(crm_stage_history(view, CRM_KIND_CUSTOMER, NULL, &table, &error));
    misuse(crm_stage_history(view, CRM_KIND_CUSTOMER, &id, NULL, &error));
    misuse(crm_report_pipeline(NULL, NULL, &table, &error));
    misuse(crm_report_pipeline(view, NULL, NULL, &error));
    ck_assert_uint_eq(crm_view_lsn(NULL), 0);
    ck_assert_int_eq(crm_view_time(NULL), 0);
    ck_assert_ptr_null(crm_view_db(NULL));
    ck_assert_ptr_null(crm_setting(NULL, "currency"));
    ck_assert_ptr_null(crm_setting(view, NULL));
    crm_view_close(NULL);
}
END_TEST

START_TEST(a_query_is_needed_to_ask)
{
    crm_query *query;
    crm_record *record, *records[2];
    crm_table *table;
    crm_export *export;
    uint64_t rows;
    uint32_t count;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_where_int(NULL, 16, CRM_OP_EQ, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_query_where_text(NULL, 16, CRM_OP_EQ, "x", CRM_NUL), CRM_MISUSE);
    ck_assert_int_eq(crm_query_where_ref(NULL, 16, CRM_OP_EQ, CRM_KIND_CUSTOMER, &id), CRM_MISUSE);
    ck_assert_int_eq(crm_query_deleted(NULL, CRM_DELETED_ALSO), CRM_MISUSE);
    ck_assert_int_eq(crm_query_order(NULL, 16, 0), CRM_MISUSE);
    ck_assert_int_eq(crm_query_limit(NULL, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_query_after(NULL, "", 0), CRM_MISUSE);
    ck_assert_int_eq(crm_query_group(NULL, 16, 0, CRM_UNIT_NONE), CRM_MISUSE);
    ck_assert_int_eq(crm_query_measure(NULL, CRM_MEASURE_SUM, 16), CRM_MISUSE);
    misuse(crm_query_next(NULL, &record, &error));
    misuse(crm_query_next(query, NULL, &error));
    misuse(crm_query_page(NULL, records, 2, &count, &error));
    misuse(crm_query_page(query, NULL, 2, &count, &error));
    misuse(crm_query_page(query, records, 2, NULL, &error));
    misuse(crm_query_count(NULL, &rows, &error));
    misuse(crm_query_count(query, NULL, &error));
    misuse(crm_query_groups(NULL, &table, &error));
    misuse(crm_query_groups(query, NULL, &error));
    misuse(crm_export_create(NULL, "csv", NULL, &export, &error));
    misuse(crm_export_create(query, NULL, NULL, &export, &error));
    misuse(crm_export_create(query, "csv", NULL, NULL, &error));
    EMPTY(crm_query_cursor(NULL));
    EMPTY(crm_query_explain(NULL));
    crm_query_free(query);
    crm_query_free(NULL);
}
END_TEST

START_TEST(no_table_is_empty)
{
    crm_id out;
    size_t length = 7;
    ck_assert_uint_eq(crm_table_columns(NULL), 0);
    ck_assert_uint_eq(crm_table_rows(NULL), 0);
    ck_assert_ptr_null(crm_table_name(NULL, 0));
    ck_assert_int_eq(crm_table_type(NULL, 0), 0);
    ck_assert_int_eq(crm_table_has(NULL, 0, 0), 0);
    ck_assert_int_eq(crm_table_int(NULL, 0, 0), 0);
    ck_assert(isnan(crm_table_real(NULL, 0, 0)));
    EMPTY(crm_table_text(NULL, 0, 0, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(crm_table_currency(NULL, 0, 0), 0);
    ck_assert_int_eq(crm_table_id(NULL, 0, 0, &out), CRM_NOT_FOUND);
    ck_assert_ptr_null(crm_table_column(NULL, 0));
    crm_table_free(NULL);
}
END_TEST

START_TEST(no_change_is_empty)
{
    crm_change *change;
    crm_id out = id;
    ck_assert_uint_eq(crm_change_lsn(NULL), 0);
    ck_assert_int_eq(crm_change_time(NULL), 0);
    EMPTY(crm_change_actor(NULL));
    EMPTY(crm_change_reason(NULL));
    EMPTY(crm_change_batch(NULL));
    ck_assert_int_eq(crm_change_operation(NULL), 0);
    ck_assert_uint_eq(crm_change_kind(NULL), 0);
    crm_change_id(NULL, &out);
    ck_assert_mem_eq(out.bytes, (uint8_t[16]){0}, 16);
    ck_assert_uint_eq(crm_change_version(NULL), 0);
    ck_assert_ptr_null(crm_change_before(NULL));
    ck_assert_ptr_null(crm_change_after(NULL));
    ck_assert_uint_eq(crm_change_field_count(NULL), 0);
    ck_assert_uint_eq(crm_change_field(NULL, 0), 0);
    misuse(crm_history_next(NULL, &change, &error));
    misuse(crm_feed_next(NULL, 0, &change, &error));
    ck_assert_uint_eq(crm_feed_position(NULL), 0);
    crm_feed_wake(NULL);
    crm_feed_close(NULL);
    crm_history_close(NULL);
}
END_TEST

START_TEST(an_import_or_export_is_needed)
{
    const char *why, *row, *bytes;
    size_t length;
    uint64_t line, column;
    misuse(crm_import_set(NULL, "format", "csv", CRM_NUL, &error));
    misuse(crm_import_feed(NULL, "a", 1, &error));
    misuse(crm_import_finish(NULL, &error));
    ck_assert_uint_eq(crm_import_count(NULL, CRM_IMPORT_READ), 0);
    ck_assert_int_eq(crm_import_reject(NULL, &line, &column, &why, &row, &length), CRM_MISUSE);
    crm_import_free(NULL);
    misuse(crm_export_next(NULL, &bytes, &length, &error));
    crm_export_free(NULL);
}
END_TEST

START_TEST(no_text_says_nothing)
{
    crm_id out;
    int64_t time;
    int32_t date;
    char text[40] = "x";
    ck_assert_int_eq(crm_id_parse(NULL, 36, &out), CRM_MISUSE);
    ck_assert_int_eq(crm_id_parse("0", 1, NULL), CRM_MISUSE);
    crm_id_format(NULL, text);
    crm_id_format(&id, NULL);
    ck_assert_int_eq(crm_time_parse(NULL, 3, 0, &time), CRM_MISUSE);
    ck_assert_int_eq(crm_time_parse("today", CRM_NUL, 0, NULL), CRM_MISUSE);
    ck_assert_int_eq(crm_date_parse(NULL, 3, 0, &date), CRM_MISUSE);
    ck_assert_int_eq(crm_date_parse("today", CRM_NUL, 0, NULL), CRM_MISUSE);
    ck_assert_uint_eq(crm_time_format(0, NULL), 0);
    ck_assert_uint_eq(crm_date_format(0, NULL), 0);
    ck_assert_uint_eq(crm_money_format(0, 978, NULL), 0);
    ck_assert_uint_eq(crm_text_width(NULL, 3), 0);
    ck_assert_uint_eq(crm_text_cut(NULL, 3, 1), 0);
    ck_assert_ptr_null(crm_currency_code(-1));
    ck_assert_ptr_null(crm_currency_code(70000));
    ck_assert_ptr_null(crm_currency_code(1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("misuse");
    TCase *tests = tcase_create("misuse");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_database_is_needed);
    tcase_add_test(tests, no_database_has_no_schema);
    tcase_add_test(tests, options_are_needed_to_set_them);
    tcase_add_test(tests, a_transaction_is_needed);
    tcase_add_test(tests, a_transaction_keeps_what_was_not_given);
    tcase_add_test(tests, null_values_are_empty);
    tcase_add_test(tests, nothing_is_compared_with_null);
    tcase_add_test(tests, a_record_is_needed_to_change_it);
    tcase_add_test(tests, no_record_reads_as_empty);
    tcase_add_test(tests, a_view_is_needed_to_look);
    tcase_add_test(tests, a_query_is_needed_to_ask);
    tcase_add_test(tests, no_table_is_empty);
    tcase_add_test(tests, no_change_is_empty);
    tcase_add_test(tests, an_import_or_export_is_needed);
    tcase_add_test(tests, no_text_says_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
