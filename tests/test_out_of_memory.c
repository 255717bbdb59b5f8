/* test_out_of_memory: what must not come of a shortage of memory.  That every
 * call survives one is `make faults`; here is what some did instead of saying so. */
#include "import_fixture.h"
#include "memory_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static crm_db *db, *second;
static uint64_t customers; /* that are to be there */
static crm_id acme, child;
static crm_error error;

static void setup(void)
{
    db = memory_open(&acme, &child);
    second = NULL;
}

static void teardown(void)
{
    memory_let_go();
    ck_assert_int_eq(crm_close(second), CRM_OK);
    domain_close(db);
}

static void setup_compacted(void)
{
    setup();
    ck_assert_int_eq(crm_compact(db, &error), CRM_OK);
}

/* ---- reading what is packed ---- */

static int32_t the_past(void)
{
    crm_view *view = NULL;
    crm_record *record = NULL;
    int32_t status = crm_view_open_lsn(db, 4, &view, &error);
    if (status == CRM_OK)
        status = crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error);
    if (status == CRM_OK) {
        const char *by = crm_text(record, CRM_FIELD_MODIFIED_BY, NULL);
        status = crm_record_status(record);
        ck_assert_str_eq(by, status == CRM_OK ? "mia" : "");
    }
    crm_record_free(record);
    crm_view_close(view);
    return status;
}

static int32_t all_versions(void)
{
    crm_view *view = NULL;
    crm_history *history = NULL;
    crm_change *change = NULL;
    uint64_t count = 0;
    int32_t status = crm_view_open(db, &view, &error);
    if (status == CRM_OK)
        status = crm_history_open(view, CRM_KIND_CUSTOMER, &acme, &history, &error);
    while (status == CRM_OK && (status = crm_history_next(history, &change, &error)) == CRM_OK)
        count++;
    crm_history_close(history);
    crm_view_close(view);
    ck_assert(status != CRM_DONE || count == MEMORY_VERSIONS);
    return status == CRM_DONE ? CRM_OK : status;
}

/* Transaction 2 and those behind it: two customers with a transition each, then a change each. */
static int32_t all_changes(void)
{
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    uint64_t count = 0;
    int32_t status = crm_feed_open(db, 1, &feed, &error);
    while (status == CRM_OK && (status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK)
        count++;
    crm_feed_close(feed);
    ck_assert(status != CRM_TIMEOUT || count == 4 + MEMORY_VERSIONS - 1);
    return status == CRM_TIMEOUT ? CRM_OK : status;
}

static int32_t verification(void)
{
    crm_table *table = NULL;
    int32_t status = crm_verify(db, &table, &error);
    ck_assert((table != NULL) == (status == CRM_OK)); /* and nothing to free after a failure */
    crm_table_free(table);
    return status;
}

static int32_t taking_back(void)
{
    crm_txn *txn = NULL;
    crm_table *conflicts = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    if (status == CRM_OK) {
        status = crm_undo(txn, "last", 0, &conflicts, &error);
        ck_assert((conflicts != NULL) == (status == CRM_OK));
    }
    crm_table_free(conflicts);
    crm_rollback(txn);
    return status;
}

START_TEST(what_cannot_be_read_for_want_of_memory_is_not_called_damaged)
{
    static int32_t (*const questions[])(void) = {the_past, all_versions, all_changes, verification, taking_back};
    memory_ask(questions[_i], &error);
}
END_TEST

static int32_t salvage(void)
{
    char to[96];
    crm_table *table = NULL;
    snprintf(to, sizeof to, "%s-copy", crm_path(db));
    crm_options *options = crm_options_create();
    crm_options_set_allocator(options, domain_resize, NULL);
    int32_t status = crm_recover(crm_path(db), to, options, &table, &error);
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        if (strstr(crm_table_text(table, row, 1, NULL), "lost") != NULL)
            ck_assert_int_eq(crm_table_int(table, row, 2), 0);
    ck_assert_int_eq(access(to, F_OK) == 0, status == CRM_OK); /* or the next try would find it in the way */
    crm_table_free(table);
    crm_options_free(options);
    (void)unlink(to);
    return status;
}

START_TEST(what_cannot_be_recovered_for_want_of_memory_is_not_lost)
{
    memory_ask(salvage, &error);
}
END_TEST

/* ---- changes ---- */

static int32_t new_address(void)
{
    crm_txn *txn = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    if (status == CRM_OK) {
        crm_item_add(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_EMAILS, "info@acme.example", CRM_NUL);
        status = crm_commit(txn, NULL, &error);
    }
    return status;
}

START_TEST(a_good_address_is_not_called_bad)
{
    memory_ask(new_address, &error);
}
END_TEST

static int32_t move_and_tell(void)
{
    crm_txn *txn = NULL;
    crm_table *table = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    if (status != CRM_OK)
        return status;
    crm_lifecycle_move(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_STAGE_STABLE, "by hand", "we met");
    status = crm_txn_status(txn, &error);
    if (status == CRM_OK)
        status = crm_stage_history(crm_txn_view(txn), CRM_KIND_CUSTOMER, &acme, &table, &error);
    if (status == CRM_OK) { /* the first row is how it began */
        ck_assert_str_eq(crm_table_text(table, 1, domain_column(table, "rule"), NULL), "by hand");
        ck_assert_str_eq(crm_table_text(table, 1, domain_column(table, "evidence"), NULL), "we met");
    }
    crm_table_free(table);
    crm_rollback(txn);
    return status;
}

START_TEST(a_move_is_told_with_its_reasons_or_not_made)
{
    memory_ask(move_and_tell, &error);
}
END_TEST

static int32_t ask_for_the_table(void)
{
    crm_txn *txn = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    if (status == CRM_OK) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(record, CRM_CUSTOMER_NAME, "Five", CRM_NUL);
        crm_set_int(record, CRM_CUSTOMER_STAGE, CRM_CUSTOMER_STAGE_RESERVED);
        status = crm_txn_status(txn, &error);
        crm_rollback(txn);
    }
    return status;
}

START_TEST(a_file_of_five_stages_is_not_taken_for_one_of_four)
{
    crm_txn *txn = domain_begin(db);
    ck_assert_int_eq(crm_setting_set(txn, "lifecycle", "five"), CRM_OK);
    domain_commit(txn);
    memory_ask(ask_for_the_table, &error); /* only "five" has the stage */
}
END_TEST

/* Every opening asks which currency the file is in; it is kept until the setting changes. */
static int32_t price_after_opening(void)
{
    crm_db *again = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_allocator(options, domain_resize, NULL);
    int32_t status = crm_open(crm_path(db), options, &again, &error);
    crm_options_free(options);
    int64_t allocations = domain_allocations, refusal = domain_refusal;
    domain_allocations = -1, domain_refusal = 0;
    if (status == CRM_OK) {
        crm_txn *txn = domain_begin(again);
        crm_record *product = crm_create(txn, CRM_KIND_PRODUCT);
        crm_set_text(product, CRM_PRODUCT_NAME, "Press", CRM_NUL);
        crm_set_int(product, CRM_PRODUCT_PRICE, 100);
        domain_accepted(txn);
        ck_assert_str_eq(crm_format(product, CRM_PRODUCT_CURRENCY, NULL), "USD");
        crm_rollback(txn);
    }
    ck_assert_int_eq(crm_close(again), CRM_OK);
    domain_allocations = allocations, domain_refusal = refusal;
    return status;
}

START_TEST(a_file_in_dollars_is_not_taken_for_one_in_euros)
{
    crm_txn *txn = domain_begin(db);
    ck_assert_int_eq(crm_setting_set(txn, "currency", "USD"), CRM_OK);
    domain_commit(txn);
    memory_ask(price_after_opening, &error);
}
END_TEST

/* As a rollback goes that follows a failure for want of memory. */
START_TEST(a_rollback_takes_definitions_back_without_memory)
{
    uint32_t kind = 0, field = 0;
    int64_t choice;
    crm_txn *txn = domain_begin(db);
    for (int i = 0; i < 2; i++) { /* the second time it succeeds */
        ck_assert_int_eq(crm_kind_add(txn, "tool", CRM_NUL, &kind), CRM_OK);
        ck_assert_int_eq(crm_field_add(txn, kind, "color", CRM_NUL, CRM_TYPE_CHOICE, CRM_FLAG_OPEN, 0, &field), CRM_OK);
        ck_assert_int_eq(crm_choice_add(txn, kind, field, "red", CRM_NUL, &choice), CRM_OK);
        ck_assert_int_eq(choice, 1);
        if (i == 1)
            break;
        domain_allocations = 0;
        crm_rollback(txn);
        domain_allocations = -1;
        ck_assert_uint_eq(crm_kind_find(db, "tool", CRM_NUL), 0);
        txn = domain_begin(db);
    }
    domain_commit(txn);
    ck_assert_uint_eq(crm_kind_find(db, "tool", CRM_NUL), kind);
    ck_assert_int_eq(crm_verify(db, NULL, &error), CRM_OK);
}
END_TEST

static uint64_t seen(crm_db *by)
{
    crm_view *view = domain_view(by);
    crm_query *query = NULL;
    uint64_t count = 0;
    ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error), CRM_OK);
    ck_assert_int_eq(crm_query_count(query, &count, &error), CRM_OK);
    crm_query_free(query);
    crm_view_close(view);
    return count;
}

/* Of two rows one is bad; there were two customers before. */
static int32_t bad_row(void)
{
    static const char *const settings[] = {NULL};
    struct imported imported =
        import_text(db, CRM_KIND_CUSTOMER,
                    "name,employees\nAn address: Main Street 1,many\nAn address: Main Street 2,2\n", settings);
    error = imported.error;
    int64_t allocations = domain_allocations, refusal = domain_refusal;
    domain_allocations = -1, domain_refusal = 0;
    uint64_t now = seen(db);
    if (imported.status == CRM_OK) {
        ck_assert_int_eq(imported.reject_count, 1);
        ck_assert_str_eq(imported.rejects[0].row, "An address: Main Street 1,many");
        ck_assert_uint_eq(now, customers + 1);
        customers = now;
    }
    ck_assert_uint_eq(now, customers);
    domain_allocations = allocations, domain_refusal = refusal;
    return imported.status;
}

START_TEST(a_row_that_is_rejected_comes_back_whole_or_nothing_is_imported)
{
    customers = 2;
    memory_ask(bad_row, &error);
}
END_TEST

/* ---- the handle goes on ---- */

/* One more handle, which begins with the index file and so has read little yet. */
static crm_db *open_by_index(void)
{
    crm_db *opened = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_allocator(options, domain_resize, NULL);
    ck_assert_int_eq(crm_open(crm_path(db), options, &opened, &error), CRM_OK);
    crm_options_free(options);
    return opened;
}

static int32_t open_and_rebuild(void)
{
    crm_db *opened = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_allocator(options, domain_resize, NULL);
    int32_t status = crm_open(crm_path(db), options, &opened, &error);
    crm_options_free(options);
    int64_t allocations = domain_allocations, refusal = domain_refusal;
    domain_allocations = -1, domain_refusal = 0;
    if (status == CRM_OK)
        ck_assert_int_eq(crm_rebuild(opened, &error), CRM_OK);
    ck_assert_int_eq(crm_close(opened), CRM_OK);
    domain_allocations = allocations, domain_refusal = refusal;
    return status;
}

START_TEST(a_handle_that_opened_with_little_memory_can_write_its_index)
{
    memory_ask(open_and_rebuild, &error);
}
END_TEST

static void write_index(void)
{
    ck_assert_int_eq(crm_open(crm_path(db), NULL, &second, &error), CRM_OK);
    ck_assert_int_eq(crm_rebuild(second, &error), CRM_OK);
}

static int32_t follow(void)
{
    int64_t allocations = domain_allocations, refusal = domain_refusal;
    crm_view *view = NULL;
    domain_allocations = -1, domain_refusal = 0;
    crm_db *reader = open_by_index();
    crm_txn *txn = domain_begin(second);
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Another", CRM_NUL);
    domain_commit(txn);
    customers++;
    domain_allocations = allocations, domain_refusal = refusal;
    int32_t status = crm_view_open(reader, &view, &error);
    allocations = domain_allocations, refusal = domain_refusal;
    domain_allocations = -1, domain_refusal = 0;
    crm_view_close(view);
    ck_assert_uint_eq(seen(reader), customers);
    ck_assert_int_eq(crm_close(reader), CRM_OK);
    domain_allocations = allocations, domain_refusal = refusal;
    return status;
}

START_TEST(a_handle_that_could_not_follow_does_once_there_is_memory)
{
    customers = 2;
    write_index();
    memory_ask(follow, &error);
}
END_TEST

static const char *territory(crm_view *view)
{
    static char text[32];
    crm_record *record = NULL;
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error), CRM_OK);
    (void)snprintf(text, sizeof text, "%s", crm_text(record, CRM_CUSTOMER_TERRITORY, NULL));
    crm_record_free(record);
    return text;
}

/* A view is held while its handle follows another's change, and while what that left half done is built anew. */
static int32_t follow_with_a_view(void)
{
    int64_t allocations = domain_allocations, refusal = domain_refusal;
    char before[32];
    crm_view *kept = NULL, *view = NULL;
    domain_allocations = -1, domain_refusal = 0;
    crm_db *reader = open_by_index();
    ck_assert_int_eq(crm_view_open(reader, &kept, &error), CRM_OK);
    (void)snprintf(before, sizeof before, "%s", territory(kept));
    crm_txn *txn = domain_begin(second);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_TERRITORY,
                 strcmp(before, "North") == 0 ? "South" : "North", CRM_NUL);
    domain_commit(txn);
    domain_allocations = allocations, domain_refusal = refusal;
    int32_t status = crm_view_open(reader, &view, &error);
    allocations = domain_allocations, refusal = domain_refusal;
    domain_allocations = -1, domain_refusal = 0;
    crm_view_close(view);
    ck_assert_int_eq(crm_view_open(reader, &view, &error), CRM_OK);
    ck_assert_str_eq(territory(kept), before);
    ck_assert_str_ne(territory(view), before);
    crm_view_close(view);
    crm_view_close(kept);
    ck_assert_int_eq(crm_close(reader), CRM_OK);
    domain_allocations = allocations, domain_refusal = refusal;
    return status;
}

/* P7 */
START_TEST(a_view_keeps_what_it_had_when_its_handle_could_not_follow)
{
    write_index();
    memory_ask(follow_with_a_view, &error);
}
END_TEST

static int32_t rebuild(void)
{
    int64_t allocations = domain_allocations, refusal = domain_refusal;
    domain_allocations = -1, domain_refusal = 0;
    crm_db *builder = open_by_index();
    domain_allocations = allocations, domain_refusal = refusal;
    int32_t status = crm_rebuild(builder, &error);
    allocations = domain_allocations, refusal = domain_refusal;
    domain_allocations = -1, domain_refusal = 0;
    ck_assert_uint_eq(crm_lsn(builder), 1 + MEMORY_VERSIONS);
    ck_assert_uint_eq(seen(builder), 2);
    ck_assert_int_eq(crm_close(builder), CRM_OK);
    domain_allocations = allocations, domain_refusal = refusal;
    return status;
}

START_TEST(what_a_rebuild_could_not_build_is_built_when_it_is_used)
{
    write_index();
    memory_ask(rebuild, &error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("out_of_memory");
    TCase *packed = tcase_create("packed"), *plain = tcase_create("plain");
    tcase_add_checked_fixture(packed, setup_compacted, teardown);
    tcase_add_loop_test(packed, what_cannot_be_read_for_want_of_memory_is_not_called_damaged, 0, 5);
    tcase_add_test(packed, what_cannot_be_recovered_for_want_of_memory_is_not_lost);
    tcase_add_checked_fixture(plain, setup, teardown);
    tcase_add_test(plain, a_good_address_is_not_called_bad);
    tcase_add_test(plain, a_move_is_told_with_its_reasons_or_not_made);
    tcase_add_test(plain, a_file_of_five_stages_is_not_taken_for_one_of_four);
    tcase_add_test(plain, a_file_in_dollars_is_not_taken_for_one_in_euros);
    tcase_add_test(plain, a_rollback_takes_definitions_back_without_memory);
    tcase_add_test(plain, a_row_that_is_rejected_comes_back_whole_or_nothing_is_imported);
    tcase_add_test(plain, a_handle_that_opened_with_little_memory_can_write_its_index);
    tcase_add_test(plain, a_handle_that_could_not_follow_does_once_there_is_memory);
    tcase_add_test(plain, a_view_keeps_what_it_had_when_its_handle_could_not_follow);
    tcase_add_test(plain, what_a_rebuild_could_not_build_is_built_when_it_is_used);
    suite_add_tcase(suite, packed);
    suite_add_tcase(suite, plain);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
