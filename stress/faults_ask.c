/* faults_ask: queries, timelines, groups and tables, history and feeds,
 * lifecycle and pipeline.  Every number below is counted on what faults_base.c
 * lists. */
#include "faults.h"

#include <stdio.h>
#include <string.h>

static bool is_customer(const crm_record *record, unsigned number)
{
    crm_id id, expected = base_id(CRM_KIND_CUSTOMER, number);
    crm_record_id(record, &id);
    return memcmp(&id, &expected, sizeof id) == 0;
}

/* The customers that the query finds, in this order, behind the cursor given. */
static void finds(struct run *run, crm_query *query, const unsigned *numbers, unsigned count)
{
    crm_record *record = NULL;
    int32_t status = CRM_DONE;
    unsigned found = 0;
    if (run->failed)
        return;
    while ((status = crm_query_next(query, &record, &run->error)) == CRM_OK && found < count)
        IS(is_customer(record, numbers[found++]));
    if (status == CRM_DONE && run->kept)
        FAIL("a query that keeps an error ended without it");
    run->kept = false;
    if (GIVES(CRM_DONE, status))
        IS(found == count);
}

static crm_query *make_query(struct run *run, crm_view *view, uint32_t kind)
{
    crm_query *query = NULL;
    run->kept = false;
    if (!run->failed && view != NULL)
        (void)MADE(query, crm_query_create(view, kind, &query, &run->error));
    return query;
}

/* ---- queries ---- */

static void by_conditions(struct run *run)
{
    static const unsigned expected[] = {5, 4, 3, 2};
    crm_view *view = run_view(run);
    crm_query *query = make_query(run, view, CRM_KIND_CUSTOMER);
    if (query != NULL) {
        (void)SET(crm_query_where_int(query, CRM_CUSTOMER_EMPLOYEES, CRM_OP_GE, 20));
        (void)SET(crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, "customer", CRM_NUL));
        (void)SET(crm_query_order(query, CRM_CUSTOMER_NAME, 1));
        (void)SET(crm_query_deleted(query, CRM_DELETED_NO));
        bool kept = run->kept;
        finds(run, query, expected, 4);
        if (!run->failed && !kept)
            (void)TELLS(strlen(crm_query_explain(query)) > 10, true);
    }
    crm_query_free(query);
    crm_view_close(view);
}

static void by_reference(struct run *run)
{
    static const unsigned expected[] = {1, 3, 5}, gone[] = {7};
    crm_view *view = run_view(run);
    crm_query *query = make_query(run, view, CRM_KIND_CUSTOMER);
    crm_id owner = base_id(CRM_KIND_USER, 1);
    if (query != NULL) {
        (void)SET(crm_query_where_ref(query, CRM_FIELD_OWNER, CRM_OP_EQ, CRM_KIND_USER, &owner));
        finds(run, query, expected, 3);
    }
    crm_query_free(query);
    query = make_query(run, view, CRM_KIND_CUSTOMER);
    if (query != NULL) {
        (void)SET(crm_query_where_text(query, CRM_CUSTOMER_TERRITORY, CRM_OP_EQ, "west", CRM_NUL));
        (void)SET(crm_query_deleted(query, CRM_DELETED_ONLY));
        finds(run, query, gone, 1);
    }
    crm_query_free(query);
    crm_view_close(view);
}

static void in_pages(struct run *run)
{
    static const unsigned rest[] = {2, 3};
    crm_view *view = run_view(run);
    crm_query *query = make_query(run, view, CRM_KIND_CUSTOMER), *second = NULL;
    crm_record *page[2] = {NULL, NULL};
    uint32_t count = 0;
    if (query != NULL && SET(crm_query_order(query, CRM_CUSTOMER_NAME, 0)) &&
        SET(crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_CONTAINS, "OMER", CRM_NUL)) &&
        OK(crm_query_page(query, page, 2, &count, &run->error)))
        IS(count == 2 && is_customer(page[0], 0) && is_customer(page[1], 1));
    if (count == 2) {
        const char *cursor = crm_query_cursor(query);
        second = make_query(run, view, CRM_KIND_CUSTOMER);
        if (TELLS(cursor[0] != '\0', cursor[0] == '\0') && second != NULL) {
            (void)SET(crm_query_order(second, CRM_CUSTOMER_NAME, 0));
            (void)SET(crm_query_where_text(second, CRM_CUSTOMER_NAME, CRM_OP_CONTAINS, "OMER", CRM_NUL));
            (void)SET(crm_query_after(second, cursor, CRM_NUL));
            (void)SET(crm_query_limit(second, 2));
            finds(run, second, rest, 2);
        }
    }
    if (count != 2 && run->kept && query != NULL) /* the first failure is answered by whatever comes first */
        (void)OK(crm_query_page(query, page, 2, &count, &run->error));
    crm_query_free(second);
    crm_query_free(query);
    crm_view_close(view);
}

static void count_many(struct run *run)
{
    static const int64_t bounds[] = {10, 30, 50};
    crm_view *view = run_view(run);
    for (int i = 0; i < 3 && view != NULL && !run->failed; i++) {
        crm_query *query = make_query(run, view, CRM_KIND_CUSTOMER);
        uint64_t count = 0;
        if (query != NULL && SET(crm_query_where_int(query, CRM_CUSTOMER_EMPLOYEES, CRM_OP_LE, bounds[i])) &&
            OK(crm_query_count(query, &count, &run->error)))
            IS(count == (uint64_t)bounds[i] / 10 + 1);
        else if (run->kept)
            (void)OK(crm_query_count(query, &count, &run->error));
        crm_query_free(query);
    }
    crm_view_close(view);
}

/* The call of yesterday, then the purchases from the newest on. */
static void timeline(struct run *run)
{
    crm_view *view = run_view(run);
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_id customer = base_id(CRM_KIND_CUSTOMER, 0);
    int32_t status = CRM_DONE;
    int64_t turn = PURCHASES;
    if (view != NULL && MADE(query, crm_timeline(view, CRM_KIND_CUSTOMER, &customer, &query, &run->error))) {
        while ((status = crm_query_next(query, &record, &run->error)) == CRM_OK) {
            if (turn == PURCHASES)
                READS(record, same(crm_title(record, NULL), "About the press"));
            else
                READS(record, crm_int(record, CRM_INTERACTION_AMOUNT) == 1000 * (turn + 1));
            turn--;
        }
        if (GIVES(CRM_DONE, status))
            IS(turn == -1);
    }
    crm_query_free(query);
    crm_view_close(view);
}

/* ---- groups and tables ---- */

/* A cell's text is made when it is asked for: it is right, or empty though the cell is set. */
static void cell_reads(struct run *run, const crm_table *table, uint64_t row, uint32_t column, const char *expected)
{
    const char *text = crm_table_text(table, row, column, NULL);
    (void)TELLS(same(text, expected), text[0] == '\0' && crm_table_has(table, row, column));
}

/* Six purchases each: 10 + 20 + … + 60 = 210. */
static void check_sums(struct run *run, const crm_table *table)
{
    IS(crm_table_columns(table) == 5 && crm_table_rows(table) == BUYERS);
    IS(same(crm_table_name(table, 0), "customer") && crm_table_type(table, 0) == CRM_TYPE_REF);
    for (uint64_t row = 0; row < crm_table_rows(table); row++) {
        crm_id id, expected = base_id(CRM_KIND_CUSTOMER, (unsigned)row);
        char name[32];
        snprintf(name, sizeof name, "Customer %u", (unsigned)row);
        cell_reads(run, table, row, 0, name);
        if (PLAIN(crm_table_id(table, row, 0, &id)))
            IS(memcmp(&id, &expected, sizeof id) == 0);
        IS(crm_table_int(table, row, 1) == PURCHASES);
        IS(crm_table_int(table, row, 2) == 21000);
        cell_reads(run, table, row, 2, "210.00");
        IS(crm_table_currency(table, row, 2) == 840);
        IS(crm_table_int(table, row, 3) == 1000 && crm_table_int(table, row, 4) == 6000);
        IS(crm_table_real(table, row, 2) == crm_table_real(table, 0, 2));
    }
    const int64_t *counts = crm_table_column(table, 1);
    IS(counts != NULL && counts[BUYERS - 1] == PURCHASES);
}

static void group_by_customer(struct run *run)
{
    crm_view *view = run_view(run);
    crm_query *query = make_query(run, view, CRM_KIND_INTERACTION);
    crm_table *table = NULL;
    if (query != NULL) {
        (void)SET(crm_query_where_int(query, CRM_INTERACTION_TYPE, CRM_OP_EQ, CRM_INTERACTION_TYPE_PURCHASE));
        (void)SET(crm_query_group(query, CRM_INTERACTION_CUSTOMER, 0, CRM_UNIT_NONE));
        (void)SET(crm_query_measure(query, CRM_MEASURE_SUM, CRM_INTERACTION_AMOUNT));
        (void)SET(crm_query_measure(query, CRM_MEASURE_MIN, CRM_INTERACTION_AMOUNT));
        (void)SET(crm_query_measure(query, CRM_MEASURE_MAX, CRM_INTERACTION_AMOUNT));
        bool kept = run->kept;
        if (MADE(table, crm_query_groups(query, &table, &run->error)) && IS(!kept))
            check_sums(run, table);
    }
    crm_table_free(table);
    crm_query_free(query);
    crm_view_close(view);
}

/* Customer 3 is in area 10, the others in the west. */
static void group_through(struct run *run)
{
    crm_view *view = run_view(run);
    crm_query *query = make_query(run, view, CRM_KIND_INTERACTION);
    crm_table *table = NULL;
    if (query != NULL) {
        (void)SET(crm_query_group(query, CRM_INTERACTION_CUSTOMER, CRM_CUSTOMER_TERRITORY, CRM_UNIT_NONE));
        (void)SET(crm_query_group(query, CRM_INTERACTION_START, 0, CRM_UNIT_YEAR));
        bool kept = run->kept;
        if (MADE(table, crm_query_groups(query, &table, &run->error)) && IS(!kept)) {
            IS(crm_table_rows(table) == 2);
            IS(same(crm_table_text(table, 0, 0, NULL), "Area 10") && crm_table_int(table, 0, 2) == PURCHASES);
            IS(same(crm_table_text(table, 1, 0, NULL), "West") && crm_table_int(table, 1, 2) == 3 * PURCHASES + 1);
        }
    }
    crm_table_free(table);
    crm_query_free(query);
    crm_view_close(view);
}

/* ---- history and feed ---- */

static bool names_field(const crm_change *change, uint32_t field)
{
    bool found = false;
    for (uint32_t i = 0; i < crm_change_field_count(change); i++)
        found |= crm_change_field(change, i) == field;
    return found;
}

static void check_version(struct run *run, const crm_change *change, uint64_t version)
{
    char territory[16];
    crm_id id, expected = base_id(CRM_KIND_CUSTOMER, 3);
    uint64_t lsn = version == 1 ? LSN_CUSTOMERS : LSN_CHANGES + version - 2;
    crm_record *before = crm_change_before(change), *after = crm_change_after(change);
    snprintf(territory, sizeof territory, "Area %u", (unsigned)version - 1);
    crm_change_id(change, &id);
    IS(crm_change_version(change) == version && crm_change_lsn(change) == lsn);
    IS(crm_change_kind(change) == CRM_KIND_CUSTOMER && memcmp(&id, &expected, sizeof id) == 0);
    IS(crm_change_operation(change) == (version == 1 ? CRM_CHANGE_CREATE : CRM_CHANGE_UPDATE));
    IS(crm_change_time(change) == BASE_NOW - (LSN_LAST - (int64_t)lsn) * (DAY_US / 24));
    IS(same(crm_change_actor(change), lsn % 2 ? "ole" : "mia") && same(crm_change_reason(change), "as told"));
    IS(same(crm_change_batch(change), ""));
    IS((before == NULL) == (version == 1) && names_field(change, CRM_CUSTOMER_TERRITORY));
    READS(after, same(crm_text(after, CRM_CUSTOMER_TERRITORY, NULL), version == 1 ? "West" : territory));
    READS(after, same(crm_text(after, CRM_CUSTOMER_NAME, NULL), "Customer 3"));
}

static void read_history(struct run *run)
{
    crm_view *view = run_view(run);
    crm_history *history = NULL;
    crm_change *change = NULL;
    crm_id id = base_id(CRM_KIND_CUSTOMER, 3);
    int32_t status = CRM_DONE;
    uint64_t version = 0;
    if (view != NULL && MADE(history, crm_history_open(view, CRM_KIND_CUSTOMER, &id, &history, &run->error))) {
        while ((status = crm_history_next(history, &change, &run->error)) == CRM_OK)
            check_version(run, change, ++version);
        if (GIVES(CRM_DONE, status))
            IS(version == CHANGES + 1);
    }
    crm_history_close(history);
    crm_view_close(view);
}

/* The name that customer 6 had is gone from its first version, whatever fails. */
static void read_erased_history(struct run *run)
{
    crm_view *view = run_view(run);
    crm_history *history = NULL;
    crm_change *change = NULL;
    crm_id id = base_id(CRM_KIND_CUSTOMER, 6);
    if (view != NULL && MADE(history, crm_history_open(view, CRM_KIND_CUSTOMER, &id, &history, &run->error)) &&
        OK(crm_history_next(history, &change, &run->error))) {
        crm_record *after = crm_change_after(change);
        IS(same(crm_text(after, CRM_CUSTOMER_NAME, NULL), ""));
        READS(after, crm_record_status(after) == CRM_ERASED || crm_int(after, CRM_CUSTOMER_EMPLOYEES) == 60);
        READS(after, same(crm_text(after, CRM_CUSTOMER_TERRITORY, NULL), "West"));
    }
    crm_history_close(history);
    crm_view_close(view);
}

/* From there on: kind, four fields, a choice and three machines; ten changes; three
 * of the batch (with a transition); a deletion; a move with its transition; an erasure. */
static void follow_feed(struct run *run)
{
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    int32_t status = CRM_TIMEOUT;
    unsigned count = 0;
    uint64_t last = 0;
    if (!MADE(feed, crm_feed_open(run->db, LSN_PURCHASES, &feed, &run->error)))
        return;
    while ((status = crm_feed_next(feed, 0, &change, &run->error)) == CRM_OK) {
        IS(crm_change_lsn(change) > LSN_PURCHASES && crm_change_lsn(change) >= last);
        last = crm_change_lsn(change);
        count++;
    }
    if (GIVES(CRM_TIMEOUT, status)) {
        IS(count == 1 + 4 + 1 + MACHINES + CHANGES + 3 + 1 + 2 + 1);
        IS(crm_feed_position(feed) == LSN_LAST);
        crm_feed_wake(feed);
        (void)GIVES(CRM_TIMEOUT, crm_feed_next(feed, 10, &change, &run->error));
    }
    crm_feed_close(feed);
}

/* ---- lifecycle and pipeline ---- */

/* The row whose first column reads so. */
static uint64_t row_of(const crm_table *table, const char *key)
{
    uint64_t row = 0;
    while (row < crm_table_rows(table) && !same(crm_table_text(table, row, 0, NULL), key))
        row++;
    return row;
}

static uint32_t column_of(const crm_table *table, const char *name)
{
    uint32_t column = 0;
    while (column < crm_table_columns(table) && !same(crm_table_name(table, column), name))
        column++;
    return column;
}

static int64_t cell(const crm_table *table, const char *key, const char *column)
{
    return crm_table_int(table, row_of(table, key), column_of(table, column));
}

/* Customer 5 is stable, moved there an hour before; the other seven are acquaintances. */
static void report_lifecycle(struct run *run)
{
    crm_view *view = run_view(run);
    crm_table *table = NULL;
    if (view != NULL && MADE(table, crm_lifecycle_report(view, BASE_NOW - DAY_US / 8, &table, &run->error))) {
        IS(cell(table, "acquaintance", "customers") == CUSTOMERS - 1);
        IS(cell(table, "stable", "customers") == 1 && cell(table, "stable", "moved_in") == 1);
        IS(cell(table, "acquaintance", "moved_out") == 1);
    }
    crm_table_free(table);
    table = NULL;
    if (view != NULL && !run->failed &&
        MADE(table, crm_lifecycle_matrix(view, BASE_NOW - DAY_US / 8, BASE_NOW, &table, &run->error)))
        IS(cell(table, "acquaintance", "stable") == 1);
    crm_table_free(table);
    crm_view_close(view);
}

static void stages_of_one(struct run *run)
{
    crm_view *view = run_view(run);
    crm_table *table = NULL;
    crm_id id = base_id(CRM_KIND_CUSTOMER, 5), deal = base_id(CRM_KIND_OPPORTUNITY, 0);
    int64_t stage = 0;
    if (view != NULL && OK(crm_lifecycle_stage_at(view, &id, BASE_NOW, &stage, &run->error)))
        IS(stage == CRM_CUSTOMER_STAGE_STABLE);
    if (!run->failed && MADE(table, crm_stage_history(view, CRM_KIND_CUSTOMER, &id, &table, &run->error))) {
        uint64_t last = crm_table_rows(table) - 1;
        IS(same(crm_table_text(table, last, column_of(table, "to"), NULL), "stable"));
        IS(same(crm_table_text(table, last, column_of(table, "rule"), NULL), "by hand"));
        IS(same(crm_table_text(table, last, column_of(table, "evidence"), NULL), "we met"));
        IS(same(crm_table_text(table, last, column_of(table, "actor"), NULL), "ole"));
    }
    crm_table_free(table);
    table = NULL;
    if (view != NULL && !run->failed &&
        MADE(table, crm_stage_history(view, CRM_KIND_OPPORTUNITY, &deal, &table, &run->error)))
        IS(same(crm_table_text(table, 0, column_of(table, "to"), NULL), "qualification"));
    crm_table_free(table);
    crm_view_close(view);
}

/* 25 days ago four had bought four times, every ten days; then twice more within 20 days. */
static void backtest(struct run *run)
{
    crm_view *view = run_view(run);
    crm_table *table = NULL;
    if (view != NULL && MADE(table, crm_lifecycle_backtest(view, BASE_NOW - 25 * DAY_US, 20, &table, &run->error))) {
        IS(cell(table, "stable", "customers") == BUYERS);
        IS(cell(table, "stable", "purchases") == 2 * BUYERS);
    }
    crm_table_free(table);
    crm_view_close(view);
}

static void check_moves(struct run *run, const crm_table *table)
{
    IS(crm_table_rows(table) == BUYERS);
    for (uint64_t row = 0; row < crm_table_rows(table); row++) {
        IS(same(crm_table_text(table, row, 1, NULL), "acquaintance"));
        IS(same(crm_table_text(table, row, 2, NULL), "stable"));
        IS(same(crm_table_text(table, row, 3, NULL), "cadence.regular"));
        IS(strncmp(crm_table_text(table, row, 4, NULL), "6 purchases", 11) == 0);
    }
}

static void evaluate(struct run *run, int32_t dry_run)
{
    crm_txn *txn = run_begin(run);
    crm_table *table = NULL;
    if (txn != NULL && MADE(table, crm_lifecycle_evaluate(txn, BASE_NOW, dry_run, &table, &run->error)))
        check_moves(run, table);
    crm_table_free(table);
    if (dry_run)
        crm_rollback(txn);
    else
        (void)run_commit(run, txn);
}

static void evaluate_dry(struct run *run)
{
    evaluate(run, 1);
}

static void evaluate_moves(struct run *run)
{
    evaluate(run, 0);
}

/* Three in the first stage (10 %), worth 1000 + 2000 + 3000; one won, worth 4000. */
static void report_pipeline(struct run *run)
{
    crm_view *view = run_view(run);
    crm_table *table = NULL;
    if (view != NULL && MADE(table, crm_report_pipeline(view, NULL, &table, &run->error))) {
        IS(cell(table, "qualification", "deals") == 3 && cell(table, "qualification", "amount") == 600000);
        IS(cell(table, "qualification", "weighted") == 60000);
        IS(cell(table, "won", "won_amount") == 400000);
    }
    crm_table_free(table);
    table = NULL;
    if (view != NULL && !run->failed &&
        MADE(table, crm_report_pipeline(view, "owner.region,quarter", &table, &run->error))) {
        IS(cell(table, "North", "deals") == 2 && cell(table, "North", "amount") == 400000);
        IS(cell(table, "South", "deals") == 2 && cell(table, "South", "won") == 1);
    }
    crm_table_free(table);
    crm_view_close(view);
}

/* The other table of stages is in force: what it allows must not depend on memory. */
static void set_five(struct run *run)
{
    crm_txn *txn = run_begin(run);
    if (txn != NULL)
        (void)SET(crm_setting_set(txn, "lifecycle", "five"));
    (void)run_commit(run, txn);
    (void)crm_close(run->db);
    (void)OK(run_open(run, 0, false));
}

static void ask_five(struct run *run)
{
    (void)TELLS(crm_lifecycle_allows(run->db, CRM_CUSTOMER_STAGE_STABLE, CRM_CUSTOMER_STAGE_CONSOLIDATED) == 1, true);
    crm_view *view = run_view(run);
    crm_table *table = NULL;
    if (view != NULL && MADE(table, crm_lifecycle_report(view, BASE_NOW, &table, &run->error)))
        IS(crm_table_rows(table) == 6);
    crm_table_free(table);
    const char *setting = view == NULL ? NULL : crm_setting(view, "lifecycle");
    (void)TELLS(same(setting, "five"), setting == NULL);
    crm_view_close(view);
}

const struct scenario scenarios_ask[] = {
    {.name = "queries", .base = BASE_LOG, .steps = {by_conditions, by_reference, in_pages, count_many, timeline}},
    {.name = "queries by index", .base = BASE_PACKED_IMAGE, .steps = {by_conditions, by_reference, in_pages, timeline}},
    {.name = "groups", .base = BASE_LOG, .steps = {group_by_customer, group_through}},
    {.name = "groups by index", .base = BASE_IMAGE, .steps = {group_by_customer, group_through}},
    {.name = "history", .base = BASE_LOG, .steps = {read_history, read_erased_history, follow_feed}},
    {.name = "history, compacted", .base = BASE_PACKED, .steps = {read_history, read_erased_history}},
    {.name = "feed, compacted", .base = BASE_PACKED, .steps = {follow_feed}},
    {.name = "reports", .base = BASE_IMAGE, .steps = {report_lifecycle, stages_of_one, backtest, report_pipeline}},
    {.name = "evaluation", .base = BASE_LOG, .steps = {evaluate_dry, evaluate_moves, report_pipeline}},
    {.name = "five stages", .base = BASE_LOG, .steps = {ask_five}, .prepare = set_five},
    {.name = NULL},
};
