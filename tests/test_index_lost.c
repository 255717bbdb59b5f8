/* test_index_lost: the index was found damaged, and there is no memory to build
 * it anew, or a transaction stands in the way: every call says so, none answers
 * from what is left, and the next one with memory is right again.
 * Proves P5. */
#include "domain_fixture.h"

#include "model/db.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static crm_db *db;
static crm_view *view;
static crm_id acme, branch, ada, call, deal;
static crm_error error;

static void fill(void)
{
    crm_txn *txn = domain_begin(db);
    crm_view *before = domain_view(db);
    crm_id stage = domain_stage(before, "proposal");
    crm_view_close(before);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(record, &acme);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_record *child = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(child, &branch);
    crm_set_text(child, CRM_CUSTOMER_NAME, "Acme North", CRM_NUL);
    crm_set_ref(child, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &acme);
    record = crm_create(txn, CRM_KIND_CONTACT);
    crm_record_id(record, &ada);
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Lovelace", CRM_NUL);
    crm_set_parsed(record, CRM_CONTACT_EMAILS, "ada@acme.example", CRM_NUL);
    crm_set_parsed(record, CRM_CONTACT_PHONES, "+49 30 901820", CRM_NUL);
    crm_set_ref(record, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &acme);
    record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_record_id(record, &call);
    crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_int(record, CRM_INTERACTION_START, DOMAIN_NOW - DAY_US);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &acme);
    record = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_record_id(record, &deal);
    crm_set_text(record, CRM_OPPORTUNITY_NAME, "Press", CRM_NUL);
    crm_set_ref(record, CRM_OPPORTUNITY_CUSTOMER, CRM_KIND_CUSTOMER, &acme);
    crm_set_ref(record, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &stage);
    crm_set_int(record, CRM_OPPORTUNITY_CLOSE_DATE, DOMAIN_DAY + 30);
    domain_commit(txn);
}

static void setup(void)
{
    db = domain_open();
    fill();
    view = domain_view(db);
    memset(&error, 0, sizeof error);
}

static void teardown(void)
{
    domain_allocations = -1;
    crm_view_close(view);
    domain_close(db);
}

/* As when a block of it turns out damaged; and no memory is left. */
static void lose(void)
{
    db->now->arena->damaged = true;
    domain_allocations = 0;
}

static void find_again(void)
{
    domain_allocations = -1;
}

/* The query is made with memory, the question is asked without. */
static crm_query *query_of(uint32_t kind)
{
    crm_query *query = NULL;
    find_again();
    ck_assert_int_eq(crm_query_create(view, kind, &query, &error), CRM_OK);
    return query;
}

static crm_record *record_of(uint32_t kind, const crm_id *id)
{
    crm_record *record = NULL;
    find_again();
    ck_assert_int_eq(crm_get(view, kind, id, &record, &error), CRM_OK);
    return record;
}

static int32_t get(void)
{
    crm_record *record;
    lose();
    return crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error);
}

static int32_t get_any(void)
{
    crm_record *record;
    lose();
    return crm_get_any(view, &acme, &record, &error);
}

static int32_t find_text(uint32_t kind, uint32_t field, const char *text)
{
    crm_record *record;
    lose();
    return crm_find(view, kind, field, text, CRM_NUL, &record, &error);
}

static int32_t find_name(void)
{
    return find_text(CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme");
}

static int32_t find_email(void)
{
    return find_text(CRM_KIND_CONTACT, CRM_CONTACT_EMAILS, "ada@acme.example");
}

static int32_t find_phone(void)
{
    return find_text(CRM_KIND_CONTACT, CRM_CONTACT_PHONES, "+49 30 901820");
}

static int32_t resolve(void)
{
    crm_id id;
    lose();
    return crm_resolve(view, CRM_KIND_CUSTOMER, "Acme", CRM_NUL, &id, &error);
}

static int32_t query_next(void)
{
    crm_record *record;
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    lose();
    int32_t status = crm_query_next(query, &record, &error);
    ck_assert_int_eq(crm_query_next(query, &record, &error), status); /* it stays failed */
    crm_query_free(query);
    return status;
}

static int32_t query_page(void)
{
    crm_record *records[2];
    uint32_t count;
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    lose();
    int32_t status = crm_query_page(query, records, 2, &count, &error);
    crm_query_free(query);
    return status;
}

static int32_t query_count(void)
{
    uint64_t count;
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    lose();
    int32_t status = crm_query_count(query, &count, &error);
    crm_query_free(query);
    return status;
}

static int32_t query_groups(void)
{
    crm_table *table;
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    ck_assert_int_eq(crm_query_group(query, CRM_CUSTOMER_STAGE, 0, CRM_UNIT_NONE), CRM_OK);
    lose();
    int32_t status = crm_query_groups(query, &table, &error);
    crm_query_free(query);
    return status;
}

/* Conditions ask for memory of their own first: it is there, but not for an index. */
static void lose_but_for(int64_t allocations)
{
    lose();
    domain_allocations = allocations;
}

static int32_t where_ref(void)
{
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    lose_but_for(1);
    int32_t status = crm_query_where_ref(query, CRM_CUSTOMER_PARENT, CRM_OP_EQ, CRM_KIND_CUSTOMER, &acme);
    crm_query_free(query);
    return status;
}

static int32_t where_text(void)
{
    char id[37];
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    crm_id_format(&acme, id);
    lose_but_for(1);
    int32_t status = crm_query_where_text(query, CRM_CUSTOMER_PARENT, CRM_OP_EQ, id, CRM_NUL);
    crm_query_free(query);
    return status;
}

static int32_t after_cursor(void)
{
    char cursor[200];
    crm_record *record;
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    ck_assert_int_eq(crm_query_next(query, &record, &error), CRM_OK);
    snprintf(cursor, sizeof cursor, "%s", crm_query_cursor(query));
    crm_query_free(query);
    query = query_of(CRM_KIND_CUSTOMER);
    lose_but_for(1); /* for the bytes of the cursor */
    int32_t status = crm_query_after(query, cursor, CRM_NUL);
    crm_query_free(query);
    return status;
}

static int32_t explain(void)
{
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    lose();
    ck_assert_str_eq(crm_query_explain(query), "the file cannot be read");
    crm_query_free(query);
    return CRM_NOMEM;
}

/* Behind a page that is used up, the cursor asks for the last record's id. */
static int32_t cursor(void)
{
    crm_record *record;
    crm_query *query = query_of(CRM_KIND_CUSTOMER);
    crm_query_limit(query, 1);
    ck_assert_int_eq(crm_query_next(query, &record, &error), CRM_OK);
    ck_assert_int_eq(crm_query_next(query, &record, &error), CRM_DONE);
    ck_assert_int_ne(crm_query_cursor(query)[0], '\0');
    lose();
    ck_assert_str_eq(crm_query_cursor(query), "");
    crm_query_free(query);
    return CRM_NOMEM;
}

static int32_t timeline(void)
{
    crm_query *query = NULL, *spare = query_of(CRM_KIND_CUSTOMER);
    crm_query_free(spare); /* its memory is used again */
    lose();
    int32_t status = crm_timeline(view, CRM_KIND_CUSTOMER, &acme, &query, &error);
    crm_query_free(query);
    return status;
}

static int32_t history(void)
{
    crm_history *made = NULL;
    lose_but_for(1);
    int32_t status = crm_history_open(view, CRM_KIND_CUSTOMER, &acme, &made, &error);
    crm_history_close(made);
    return status;
}

static int32_t stage_history(void)
{
    crm_table *table;
    lose();
    return crm_stage_history(view, CRM_KIND_CUSTOMER, &acme, &table, &error);
}

static int32_t stage_at(void)
{
    int64_t stage;
    lose();
    return crm_lifecycle_stage_at(view, &acme, DOMAIN_NOW, &stage, &error);
}

static int32_t lifecycle_report(void)
{
    crm_table *table;
    lose();
    return crm_lifecycle_report(view, 0, &table, &error);
}

static int32_t pipeline_report(void)
{
    crm_table *table;
    lose();
    return crm_report_pipeline(view, "stage", &table, &error);
}

static int32_t shown(const char *(*show)(const crm_record *, uint32_t, size_t *), uint32_t kind, const crm_id *id,
                     uint32_t field)
{
    crm_record *record = record_of(kind, id);
    lose();
    (void)show(record, field, NULL);
    int32_t status = crm_record_status(record);
    find_again();
    crm_record_free(record);
    return status;
}

static int32_t display_reference(void)
{
    return shown(crm_display, CRM_KIND_CONTACT, &ada, CRM_CONTACT_CUSTOMER);
}

static int32_t format_reference(void)
{
    return shown(crm_format, CRM_KIND_CONTACT, &ada, CRM_CONTACT_CUSTOMER);
}

static int32_t reference(void)
{
    crm_record *record = record_of(CRM_KIND_CUSTOMER, &branch);
    uint32_t kind;
    crm_id id;
    lose();
    (void)crm_ref(record, CRM_CUSTOMER_PARENT, &kind, &id);
    int32_t status = crm_record_status(record);
    find_again();
    crm_record_free(record);
    return status;
}

static int32_t author(void)
{
    return shown(crm_text, CRM_KIND_CUSTOMER, &acme, CRM_FIELD_CREATED_BY);
}

static int32_t setting(void)
{
    lose();
    ck_assert_ptr_null(crm_setting(view, "currency"));
    return CRM_NOMEM;
}

static int32_t feed(void)
{
    crm_feed *made = NULL;
    crm_change *change = NULL;
    find_again();
    ck_assert_int_eq(crm_feed_open(db, 0, &made, &error), CRM_OK);
    lose();
    int32_t status = crm_feed_next(made, 0, &change, &error);
    find_again();
    crm_feed_close(made);
    return status;
}

static int32_t view_at(void)
{
    crm_view *seen = NULL, *spare = NULL;
    find_again();
    ck_assert_int_eq(crm_view_open(db, &spare, &error), CRM_OK);
    crm_view_close(spare); /* its memory is used again */
    lose();
    int32_t status = crm_view_open_at(db, DOMAIN_NOW, &seen, &error);
    crm_view_close(seen);
    return status;
}

static int32_t view_lsn(void)
{
    crm_view *seen = NULL, *spare = NULL;
    find_again();
    ck_assert_int_eq(crm_view_open(db, &spare, &error), CRM_OK);
    crm_view_close(spare);
    lose();
    int32_t status = crm_view_open_lsn(db, 1, &seen, &error);
    crm_view_close(seen);
    return status;
}

static int32_t compact(void)
{
    lose();
    return crm_compact(db, &error);
}

static int32_t write_nothing(void)
{
    crm_txn *txn = NULL;
    lose();
    return crm_begin(db, &txn, &error);
}

static int32_t (*const questions[])(void) = {
    get,
    get_any,
    find_name,
    find_email,
    find_phone,
    resolve,
    query_next,
    query_page,
    query_count,
    query_groups,
    where_ref,
    where_text,
    after_cursor,
    explain,
    cursor,
    timeline,
    history,
    stage_history,
    stage_at,
    lifecycle_report,
    pipeline_report,
    display_reference,
    format_reference,
    reference,
    author,
    setting,
    feed,
    view_at,
    view_lsn,
    compact,
    write_nothing,
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

START_TEST(a_lost_index_without_memory_is_no_answer)
{
    crm_record *record = NULL;
    int32_t status = questions[_i]();
    ck_assert_msg(status == CRM_NOMEM, "question %d: %s: %s", _i, crm_status_name(status), error.message);
    find_again();
    ck_assert_int_eq(crm_get(view, CRM_KIND_CONTACT, &ada, &record, &error), CRM_OK);
    ck_assert_str_eq(crm_display(record, CRM_CONTACT_CUSTOMER, NULL), "Acme");
    crm_record_free(record);
    ck_assert_int_eq(crm_verify(db, NULL, &error), CRM_OK);
}
END_TEST

/* ---- during a transaction, which alone knows what it put into the index ---- */

static crm_txn *txn;

/* A record is finished and applied, another one open; then the index is lost, with memory to build it. */
static void begin_and_lose(void)
{
    uint32_t kind;
    txn = domain_begin(db);
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "First", CRM_NUL);
    ck_assert_int_eq(crm_kind_add(txn, "tool", CRM_NUL, &kind), CRM_OK);
    crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &branch), CRM_CUSTOMER_TERRITORY, "North", CRM_NUL);
    domain_accepted(txn);
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Second", CRM_NUL);
    db->now->arena->damaged = true;
}

static int32_t read_beside(void)
{
    crm_record *record;
    int32_t status = crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error);
    ck_assert_ptr_nonnull(strstr(error.message, "roll it back"));
    return status;
}

static int32_t read_within(void)
{
    crm_record *record;
    return crm_get(crm_txn_view(txn), CRM_KIND_CUSTOMER, &acme, &record, &error);
}

static int32_t ask_within(void)
{
    crm_query *query = NULL;
    crm_record *record;
    ck_assert_int_eq(crm_query_create(crm_txn_view(txn), CRM_KIND_CUSTOMER, &query, &error), CRM_OK);
    int32_t status = crm_query_next(query, &record, &error);
    crm_query_free(query);
    return status;
}

static int32_t undo_within(void)
{
    crm_table *conflicts;
    return crm_undo(txn, "some batch", 0, &conflicts, &error);
}

static int32_t evaluate_within(void)
{
    crm_table *table;
    return crm_lifecycle_evaluate(txn, DOMAIN_NOW, 0, &table, &error);
}

static int32_t commit_it(void)
{
    int32_t status = crm_commit(txn, NULL, &error);
    txn = NULL;
    return status;
}

static int32_t (*const steps[])(void) = {read_beside, read_within, ask_within, undo_within, evaluate_within, commit_it};
enum { STEPS = sizeof steps / sizeof *steps };

START_TEST(a_transaction_whose_index_is_lost_is_rolled_back)
{
    begin_and_lose();
    int32_t status = steps[_i]();
    ck_assert_msg(status == CRM_CORRUPT, "step %d: %s: %s", _i, crm_status_name(status), error.message);
    crm_rollback(txn);
    crm_record *record = NULL;
    crm_view *now = domain_view(db);
    ck_assert_int_eq(crm_get(now, CRM_KIND_CUSTOMER, &branch, &record, &error), CRM_OK);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_TERRITORY, NULL), "");
    crm_record_free(record);
    ck_assert_int_eq(crm_find(now, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "First", CRM_NUL, &record, &error),
                     CRM_NOT_FOUND);
    ck_assert_uint_eq(crm_kind_find(db, "tool", CRM_NUL), 0);
    crm_view_close(now);
    ck_assert_int_eq(crm_verify(db, NULL, &error), CRM_OK);
    txn = domain_begin(db);
    crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Third", CRM_NUL);
    domain_commit(txn);
    ck_assert_int_eq(crm_verify(db, NULL, &error), CRM_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_lost");
    TCase *cases = tcase_create("index_lost");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_lost_index_without_memory_is_no_answer, 0, QUESTIONS);
    tcase_add_loop_test(cases, a_transaction_whose_index_is_lost_is_rolled_back, 0, STEPS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
