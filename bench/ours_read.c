/* ours_read: libcrm's answers to the questions. */
#include "ours.h"

#include <stdio.h>
#include <string.h>

/* The view of a question: the held one, or one of its own. */
static bool view_begin(struct ours *ours, crm_view **view)
{
    *view = ours->view;
    return *view != NULL || crm_view_open(ours->file->db, view, &ours->error) == CRM_OK || ours_fail(ours, "view");
}

static void view_end(const struct ours *ours, crm_view *view)
{
    if (ours->view == NULL)
        crm_view_close(view);
}

bool ours_hold(void *self, bool on)
{
    struct ours *ours = self;
    if (on)
        return crm_view_open(ours->file->db, &ours->view, &ours->error) == CRM_OK || ours_fail(ours, "view");
    crm_view_close(ours->view);
    ours->view = NULL;
    return true;
}

static uint64_t mix_field(uint64_t sum, const crm_record *record, uint32_t field)
{
    size_t length;
    const char *text = crm_text(record, field, &length);
    return data_mix_text(sum, text, length);
}

static uint64_t mix_owner(uint64_t sum, const crm_record *record)
{
    crm_id owner = {{0}};
    crm_ref(record, CRM_FIELD_OWNER, NULL, &owner);
    return data_mix(sum, owner.bytes[15]);
}

static void fold_customer(const crm_record *record, uint64_t *sum)
{
    *sum = mix_field(*sum, record, CRM_CUSTOMER_NAME);
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_CUSTOMER_STAGE));
    *sum = mix_owner(*sum, record);
    *sum = mix_field(*sum, record, CRM_CUSTOMER_TERRITORY);
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_FIELD_CREATED_AT));
}

/* ------------------------------------------------------------ one customer */

static bool ask_id(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view;
    crm_record *record;
    if (!view_begin(ours, &view))
        return false;
    if (crm_get(view, CRM_KIND_CUSTOMER, &ours->file->pick_ids[pick], &record, &ours->error) != CRM_OK)
        return ours_fail(ours, "customer by id");
    fold_customer(record, sum);
    crm_record_free(record);
    view_end(ours, view);
    return true;
}

static bool find(struct ours *ours, uint32_t field, const char *text, uint64_t *sum)
{
    crm_view *view;
    crm_record *record;
    if (!view_begin(ours, &view))
        return false;
    if (crm_find(view, CRM_KIND_CUSTOMER, field, text, CRM_NUL, &record, &ours->error) != CRM_OK)
        return ours_fail(ours, text);
    fold_customer(record, sum);
    crm_record_free(record);
    view_end(ours, view);
    return true;
}

static bool ask_email(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    return find(ours, CRM_CUSTOMER_EMAILS, ours->file->data->pick_emails[pick], sum);
}

static bool ask_phone(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    return find(ours, CRM_CUSTOMER_PHONES, ours->file->data->pick_suffixes[pick], sum);
}

/* ------------------------------------------------------------ pages */

/* Reads one page and ends the query. */
typedef void fold(const crm_record *record, uint64_t *sum);

static bool page(struct ours *ours, crm_query *query, uint32_t size, fold *each, uint64_t *sum)
{
    crm_record *records[50];
    uint32_t count = 0;
    crm_query_limit(query, size);
    if (crm_query_page(query, records, size, &count, &ours->error) != CRM_OK) {
        crm_query_free(query);
        return ours_fail(ours, "page");
    }
    for (uint32_t i = 0; i < count; i++)
        each(records[i], sum);
    crm_query_free(query);
    return true;
}

static void fold_line(const crm_record *record, uint64_t *sum)
{
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_INTERACTION_TYPE));
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_INTERACTION_START));
    *sum = mix_field(*sum, record, CRM_INTERACTION_SUBJECT);
}

static bool timeline(struct ours *ours, const crm_id *customer, const char *cursor, uint64_t *sum)
{
    crm_view *view;
    crm_query *query;
    if (!view_begin(ours, &view))
        return false;
    if (crm_timeline(view, CRM_KIND_CUSTOMER, customer, &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "timeline");
    if (cursor != NULL)
        crm_query_after(query, cursor, CRM_NUL);
    bool ok = page(ours, query, 20, fold_line, sum);
    view_end(ours, view);
    return ok;
}

static bool ask_timeline(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    return timeline(ours, &ours->file->pick_ids[pick], NULL, sum);
}

static bool ask_timeline_50(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    uint32_t at = pick % ours->file->data->deep_count;
    return timeline(ours, &ours->file->customers[ours->file->data->deep[at]], ours->file->deep_cursors[at], sum);
}

/* The cursors behind line 980 of the long timelines. */
bool ours_prepare(void *self)
{
    struct ours *ours = self;
    const struct data *data = ours->file->data;
    crm_view *view;
    bool ok = crm_view_open(ours->file->db, &view, &ours->error) == CRM_OK;
    for (uint32_t i = 0; ok && i < data->deep_count; i++) {
        crm_query *query = NULL;
        crm_record *record;
        const char *cursor = NULL;
        ok = crm_timeline(view, CRM_KIND_CUSTOMER, &ours->file->customers[data->deep[i]], &query, &ours->error) ==
             CRM_OK;
        for (int line = 0; ok && line < 980; line++)
            ok = crm_query_next(query, &record, &ours->error) == CRM_OK;
        ok = ok && (cursor = crm_query_cursor(query)) != NULL && strlen(cursor) < sizeof ours->file->deep_cursors[i];
        if (ok)
            snprintf(ours->file->deep_cursors[i], sizeof ours->file->deep_cursors[i], "%s", cursor);
        crm_query_free(query);
    }
    crm_view_close(view);
    return ok || ours_fail(ours, "cursors");
}

static void fold_listed(const crm_record *record, uint64_t *sum)
{
    *sum = mix_field(*sum, record, CRM_CUSTOMER_NAME);
    *sum = mix_field(*sum, record, CRM_CUSTOMER_TERRITORY);
    *sum = mix_owner(*sum, record);
}

static bool ask_prefix(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view;
    crm_query *query;
    if (!view_begin(ours, &view))
        return false;
    if (crm_query_create(view, CRM_KIND_CUSTOMER, &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "query");
    crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, ours->file->data->pick_prefixes[pick], CRM_NUL);
    crm_query_order(query, CRM_CUSTOMER_NAME, 0);
    bool ok = page(ours, query, 20, fold_listed, sum);
    view_end(ours, view);
    return ok;
}

static bool ask_stage_page(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view;
    crm_query *query;
    if (!view_begin(ours, &view))
        return false;
    if (crm_query_create(view, CRM_KIND_CUSTOMER, &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "query");
    crm_query_where_int(query, CRM_CUSTOMER_STAGE, CRM_OP_EQ, pick % DATA_STAGES + 1);
    bool ok = page(ours, query, 50, fold_listed, sum);
    view_end(ours, view);
    return ok;
}

static void fold_task(const crm_record *record, uint64_t *sum)
{
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_INTERACTION_DUE));
    *sum = mix_field(*sum, record, CRM_INTERACTION_SUBJECT);
    *sum = mix_owner(*sum, record);
}

static bool ask_due(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    int64_t day = data_day(ours->file->data, pick);
    crm_view *view;
    crm_query *query;
    if (!view_begin(ours, &view))
        return false;
    if (crm_query_create(view, CRM_KIND_INTERACTION, &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "query");
    crm_query_where_int(query, CRM_INTERACTION_DUE, CRM_OP_GE, day);
    crm_query_where_int(query, CRM_INTERACTION_DUE, CRM_OP_LT, day + INT64_C(86400000000));
    crm_query_order(query, CRM_INTERACTION_DUE, 0);
    bool ok = page(ours, query, 50, fold_task, sum);
    view_end(ours, view);
    return ok;
}

/* ------------------------------------------------------------ sums */

/* Runs a query of groups and ends it. */
static bool groups(struct ours *ours, crm_query *query, crm_table **table)
{
    int32_t status = crm_query_groups(query, table, &ours->error);
    crm_query_free(query);
    return status == CRM_OK || ours_fail(ours, "groups");
}

/* The groups come in no agreed order, so their hashes are added. */
static bool ask_stage_counts(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view;
    bool ok = view_begin(ours, &view);
    (void)pick;
    for (uint32_t stage = 1; ok && stage <= DATA_STAGES; stage++) {
        crm_query *query;
        uint64_t count = 0;
        if (crm_query_create(view, CRM_KIND_CUSTOMER, &query, &ours->error) != CRM_OK)
            return ours_fail(ours, "query");
        crm_query_where_int(query, CRM_CUSTOMER_STAGE, CRM_OP_EQ, stage);
        ok = crm_query_count(query, &count, &ours->error) == CRM_OK || ours_fail(ours, "count");
        crm_query_free(query);
        *sum += data_mix(data_mix(0, stage), count);
    }
    view_end(ours, view);
    return ok;
}

static bool ask_spend(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view;
    crm_query *query;
    crm_table *table = NULL;
    (void)pick;
    if (!view_begin(ours, &view))
        return false;
    if (crm_query_create(view, CRM_KIND_INTERACTION, &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "query");
    crm_query_where_int(query, CRM_INTERACTION_TYPE, CRM_OP_EQ, CRM_INTERACTION_TYPE_PURCHASE);
    crm_query_group(query, CRM_INTERACTION_CUSTOMER, 0, CRM_UNIT_NONE);
    crm_query_measure(query, CRM_MEASURE_SUM, CRM_INTERACTION_AMOUNT);
    crm_query_measure(query, CRM_MEASURE_MAX, CRM_INTERACTION_START);
    bool ok = groups(ours, query, &table);
    /* Columns: customer, count, sum, latest. */
    const int64_t *amounts = crm_table_column(table, 2), *starts = crm_table_column(table, 3);
    for (uint64_t i = 0; amounts != NULL && starts != NULL && i < crm_table_rows(table); i++)
        *sum += data_mix(data_mix(0, (uint64_t)amounts[i]), (uint64_t)starts[i]);
    crm_table_free(table);
    view_end(ours, view);
    return ok;
}

static bool ask_pipeline(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view;
    crm_table *table = NULL;
    (void)pick;
    if (!view_begin(ours, &view))
        return false;
    if (crm_report_pipeline(view, "owner,stage", &table, &ours->error) != CRM_OK)
        return ours_fail(ours, "pipeline");
    /* Columns: owner, stage, deals, amount, weighted, open, won, lost, won_amount, … */
    static const uint32_t columns[] = {2, 3, 4, 8};
    for (uint64_t i = 0; i < crm_table_rows(table); i++) {
        uint64_t one = 0;
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
            one = data_mix(one, (uint64_t)crm_table_int(table, i, columns[k]));
        *sum += one;
    }
    crm_table_free(table);
    view_end(ours, view);
    return true;
}

/* ------------------------------------------------------------ the past */

static bool ask_history(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    const struct data *data = ours->file->data;
    crm_view *view;
    crm_history *history;
    crm_change *change;
    int32_t status;
    if (!view_begin(ours, &view))
        return false;
    if (crm_history_open(view, CRM_KIND_CUSTOMER, &ours->file->customers[data_logged(data, data->picks[pick])],
                         &history, &ours->error) != CRM_OK)
        return ours_fail(ours, "history");
    while ((status = crm_history_next(history, &change, &ours->error)) == CRM_OK) {
        *sum = data_mix(*sum, (uint64_t)crm_change_time(change));
        *sum = data_mix(*sum, (uint64_t)crm_int(crm_change_after(change), CRM_CUSTOMER_EMPLOYEES));
    }
    crm_history_close(history);
    view_end(ours, view);
    return status == CRM_DONE || ours_fail(ours, "history");
}

static bool ask_past(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    const struct data *data = ours->file->data;
    const crm_id *id = &ours->file->customers[data_logged(data, data->picks[pick])];
    crm_view *view;
    crm_record *record;
    if (crm_view_open_at(ours->file->db, data->past, &view, &ours->error) != CRM_OK)
        return ours_fail(ours, "view of the past");
    if (crm_get(view, CRM_KIND_CUSTOMER, id, &record, &ours->error) != CRM_OK)
        return ours_fail(ours, "customer in the past");
    fold_customer(record, sum);
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_CUSTOMER_EMPLOYEES));
    crm_record_free(record);
    crm_view_close(view);
    return true;
}

static bool ask_employees(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view;
    crm_record *record;
    if (!view_begin(ours, &view))
        return false;
    if (crm_get(view, CRM_KIND_CUSTOMER, &ours->file->pick_ids[pick], &record, &ours->error) != CRM_OK)
        return ours_fail(ours, "customer by id");
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_CUSTOMER_EMPLOYEES));
    crm_record_free(record);
    view_end(ours, view);
    return true;
}

static bool ask_lookups(void *self, uint32_t pick, uint64_t *sum)
{
    struct ours *ours = self;
    const struct data_lookups *l = &ours->file->data->lookups[ours->file->data->picks[pick]];
    crm_view *view;
    bool ok = view_begin(ours, &view);
    for (int k = 0; ok && k < DATA_LOOKUP_TEXTS + DATA_LOOKUP_NUMBERS; k++) {
        uint32_t field = ours->file->lookups[k];
        uint64_t count = 0;
        crm_query *query;
        if (crm_query_create(view, CRM_KIND_CUSTOMER, &query, &ours->error) != CRM_OK)
            return ours_fail(ours, "query");
        if (k < DATA_LOOKUP_TEXTS)
            crm_query_where_text(query, field, CRM_OP_EQ, l->texts[k], CRM_NUL);
        else
            crm_query_where_int(query, field, CRM_OP_EQ, l->numbers[k - DATA_LOOKUP_TEXTS]);
        ok = crm_query_count(query, &count, &ours->error) == CRM_OK || ours_fail(ours, "count");
        crm_query_free(query);
        *sum = data_mix(*sum, count);
    }
    view_end(ours, view);
    return ok;
}

engine_question *const ours_questions[QUESTIONS] = {
    [ASK_ID] = ask_id,
    [ASK_EMAIL] = ask_email,
    [ASK_PHONE] = ask_phone,
    [ASK_PREFIX] = ask_prefix,
    [ASK_TIMELINE] = ask_timeline,
    [ASK_TIMELINE_50] = ask_timeline_50,
    [ASK_STAGE_PAGE] = ask_stage_page,
    [ASK_DUE] = ask_due,
    [ASK_STAGE_COUNTS] = ask_stage_counts,
    [ASK_SPEND] = ask_spend,
    [ASK_PIPELINE] = ask_pipeline,
    [ASK_HISTORY] = ask_history,
    [ASK_PAST] = ask_past,
    [ASK_EMPLOYEES] = ask_employees,
    [ASK_LOOKUPS] = ask_lookups,
};
