/* transition: writing moves, and crm_stage_history.
 *
 * A move is a record of its own, so that it can be queried, counted, exported
 * and undone like any other.  Its instant is the subject's stage_since, which
 * the rules have set before: the two never differ.  A stage change is one of
 * the commonest writes, so nothing here reads another record.
 */
#include "crm/transition.h"

#include "model/moment.h"
#include "model/table.h"
#include "sys/error.h"

/* The new record with what both kinds of subject share. */
static crm_record *add(crm_record *subject, uint32_t since_field)
{
    crm_txn *txn = record_txn(subject);
    int64_t since = crm_has(subject, since_field) ? crm_int(subject, since_field) : txn_time(txn);
    const char *rule = record_note_rule(subject);
    const char *evidence = record_note_evidence(subject);
    crm_record *transition = crm_create(txn, CRM_KIND_TRANSITION);

    if (transition == NULL)
        return NULL;
    record_put_ref(transition, CRM_TRANSITION_SUBJECT, subject);
    record_put_int(transition, CRM_TRANSITION_AT, since);
    if (rule != NULL && rule[0] != '\0')
        record_put_text(transition, CRM_TRANSITION_RULE, rule, CRM_NUL);
    if (evidence != NULL && evidence[0] != '\0')
        record_put_text(transition, CRM_TRANSITION_EVIDENCE, evidence, CRM_NUL);
    if (rule != NULL || evidence != NULL)
        record_set_note(subject, NULL, NULL); /* it was this move's */
    return transition;
}

int32_t transition_of_customer(crm_record *subject, const crm_record *before)
{
    int64_t to = crm_int(subject, CRM_CUSTOMER_STAGE); /* read while its edits still answer */
    crm_record *transition = add(subject, CRM_CUSTOMER_STAGE_SINCE);

    if (transition == NULL)
        return crm_txn_status(record_txn(subject), NULL);
    if (before != NULL && crm_has(before, CRM_CUSTOMER_STAGE))
        record_put_int(transition, CRM_TRANSITION_FROM, crm_int(before, CRM_CUSTOMER_STAGE));
    return record_put_int(transition, CRM_TRANSITION_TO, to);
}

int32_t transition_of_opportunity(crm_record *subject, const crm_record *before)
{
    crm_record *transition = add(subject, CRM_OPPORTUNITY_STAGE_SINCE);

    if (transition == NULL)
        return crm_txn_status(record_txn(subject), NULL);
    if (before != NULL)
        record_put_same(transition, CRM_TRANSITION_FROM_STAGE, before, CRM_OPPORTUNITY_STAGE);
    return record_put_same(transition, CRM_TRANSITION_TO_STAGE, subject, CRM_OPPORTUNITY_STAGE);
}

/* ------------------------------------------------------------ history */

enum { COLUMN_FROM, COLUMN_TO, COLUMN_AT, COLUMN_DAYS, COLUMN_ACTOR, COLUMN_RULE, COLUMN_EVIDENCE };

static void put_stage(crm_table *table, uint32_t column, const crm_record *move, uint32_t choice, uint32_t reference)
{
    uint32_t field = crm_has(move, reference) ? reference : choice;
    size_t length;

    if (crm_has(move, field)) {
        const char *name = crm_display(move, field, &length);
        table_put_text(table, column, name, length);
    }
}

static void put_text(crm_table *table, uint32_t column, const crm_record *move, uint32_t field)
{
    size_t length;

    if (crm_has(move, field)) {
        const char *text = crm_text(move, field, &length);
        table_put_text(table, column, text, length);
    }
}

/* The time in the stage that the last row entered, in tenths of a day. */
static void put_stay(crm_table *table, int64_t at, int64_t until)
{
    int64_t stay;

    if (!__builtin_sub_overflow(until, at, &stay) && stay >= 0)
        table_put_int(table, COLUMN_DAYS, stay / (MOMENT_DAY_US / 10));
}

static int32_t fill(crm_table *table, crm_query *query, int64_t now, crm_error *error)
{
    crm_record *move;
    int64_t at = 0;
    int32_t status;

    while ((status = crm_query_next(query, &move, error)) == CRM_OK) {
        int64_t next = crm_int(move, CRM_TRANSITION_AT);
        if (crm_table_rows(table) > 0)
            put_stay(table, at, next);
        at = next;
        table_add_row(table);
        put_stage(table, COLUMN_FROM, move, CRM_TRANSITION_FROM, CRM_TRANSITION_FROM_STAGE);
        put_stage(table, COLUMN_TO, move, CRM_TRANSITION_TO, CRM_TRANSITION_TO_STAGE);
        table_put_int(table, COLUMN_AT, at);
        put_text(table, COLUMN_ACTOR, move, CRM_FIELD_CREATED_BY);
        put_text(table, COLUMN_RULE, move, CRM_TRANSITION_RULE);
        put_text(table, COLUMN_EVIDENCE, move, CRM_TRANSITION_EVIDENCE);
        if ((status = crm_record_status(move)) == CRM_CORRUPT || status == CRM_NOMEM)
            return error_unread(error, status, "a transition");
    }
    if (crm_table_rows(table) > 0)
        put_stay(table, at, now);
    return status == CRM_DONE ? CRM_OK : status;
}

int32_t crm_stage_history(crm_view *view, uint32_t kind, const crm_id *id, crm_table **table, crm_error *error)
{
    crm_record *subject = NULL;
    crm_query *query = NULL;

    if (view == NULL || id == NULL || table == NULL)
        return error_set(error, CRM_MISUSE, "a stage history needs a view, an id and a place for the table");
    *table = NULL;
    if (kind != CRM_KIND_CUSTOMER && kind != CRM_KIND_OPPORTUNITY)
        return error_set(error, CRM_INVALID, "only customers and opportunities have a stage history");
    int32_t status = crm_get(view, kind, id, &subject, error);
    crm_record_free(subject);
    if (status == CRM_OK)
        status = crm_query_create(view, CRM_KIND_TRANSITION, &query, error);
    if (status != CRM_OK)
        return status;
    crm_query_where_ref(query, CRM_TRANSITION_SUBJECT, CRM_OP_EQ, kind, id);
    crm_query_order(query, CRM_TRANSITION_AT, 0);
    crm_table *history = table_create(db_memory(crm_view_db(view)));
    table_add_column(history, "from", CRM_TYPE_TEXT);
    table_add_column(history, "to", CRM_TYPE_TEXT);
    table_add_column(history, "at", CRM_TYPE_TIME);
    table_set_scale(history, table_add_column(history, "days", CRM_TYPE_DECIMAL), 1);
    table_add_column(history, "actor", CRM_TYPE_TEXT);
    table_add_column(history, "rule", CRM_TYPE_TEXT);
    table_add_column(history, "evidence", CRM_TYPE_TEXT);
    status = fill(history, query, crm_view_time(view), error);
    crm_query_free(query);
    if (status == CRM_OK)
        return table_finish(history, table, error);
    crm_table_free(history);
    return status;
}
