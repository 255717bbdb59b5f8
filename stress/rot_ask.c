/* rot_ask: what a database answers, as text.
 *
 * An answer that a call broke off keeps what came before: that must be right as
 * far as it goes.
 */
#include "rot.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MOST = 400 /* of a large file */ };

static const char *const names[ASK_COUNT] = {"file",  "list", "record", "history", "timeline", "stages", "order",
                                             "where", "find", "group",  "report",  "feed",     "past"};

/* ---- text ---- */

static void room(struct asked *out, size_t length)
{
    if (out->length + length + 1 <= out->capacity)
        return;
    out->capacity = (out->length + length + 1) * 2;
    out->bytes = realloc(out->bytes, out->capacity);
    if (out->bytes == NULL)
        abort();
}

static void put_bytes(struct asked *out, const char *bytes, size_t length)
{
    room(out, length);
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
    out->bytes[out->length] = '\0';
}

static void put(struct asked *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct asked *out, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0)
        put_bytes(out, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static void put_id(struct asked *out, const crm_id *id)
{
    char text[37];
    crm_id_format(id, text);
    put_bytes(out, text, 36);
    put_bytes(out, " ", 1);
}

/* True: the answer goes on.  A status that tells of damage breaks it off and
 * leaves no trace in the text; any other is part of it. */
static bool fine(struct asked *out, int32_t status)
{
    if (status == CRM_OK)
        return true;
    if (status == CRM_CORRUPT)
        out->failed[out->count] = true;
    else
        put(out, "[%s]", crm_status_name(status));
    return false;
}

/* ---- records ---- */

/* Puts nothing when the record says that its getters found less than there is. */
static bool put_record(struct asked *out, crm_db *db, const crm_record *record)
{
    size_t start = out->length;
    crm_id id;
    uint32_t kind = crm_record_kind(record);
    crm_record_id(record, &id);
    put_id(out, &id);
    put(out, "v%llu at %llu%s", (unsigned long long)crm_record_version(record),
        (unsigned long long)crm_record_lsn(record), crm_record_deleted(record) ? " deleted" : "");
    for (uint32_t i = 0; i < crm_field_count(db, kind); i++) {
        uint32_t field = crm_field_at(db, kind, i);
        size_t length = 0, shown_length = 0;
        if (!crm_has(record, field))
            continue;
        const char *text = crm_format(record, field, &length);
        put(out, " %u=", field);
        put_bytes(out, text, length);
        int32_t type = crm_field_type(db, kind, field);
        if (type != CRM_TYPE_REF && type != CRM_TYPE_ANY_REF)
            continue;
        const char *shown = crm_display(record, field, &shown_length);
        put_bytes(out, "/", 1);
        put_bytes(out, shown, shown_length);
    }
    put_bytes(out, "\n", 1);
    int32_t status = crm_record_status(record);
    if (status == CRM_OK || status == CRM_ERASED)
        return true;
    out->length = start;
    return fine(out, status);
}

/* A query's records, whole or their ids; frees it. */
static void put_query(struct asked *out, crm_db *db, crm_query *query, bool whole)
{
    crm_error error = {0};
    crm_record *record = NULL;
    crm_id id;
    int32_t status;
    while ((status = crm_query_next(query, &record, &error)) == CRM_OK) {
        crm_record_id(record, &id);
        if (!whole)
            put_id(out, &id);
        else if (!put_record(out, db, record))
            break;
    }
    if (status != CRM_OK && status != CRM_DONE)
        (void)fine(out, status);
    crm_query_free(query);
}

static void put_table(struct asked *out, int32_t status, crm_table *table)
{
    size_t start = out->length;
    if (!fine(out, status))
        return;
    for (uint64_t row = 0; row < crm_table_rows(table); row++) {
        for (uint32_t column = 0; column < crm_table_columns(table); column++) {
            size_t length = 0;
            const char *text = crm_table_text(table, row, column, &length);
            if (strcmp(text, "(damaged)") == 0)
                (void)fine(out, CRM_CORRUPT);
            put_bytes(out, text, length);
            put_bytes(out, "|", 1);
        }
        put_bytes(out, "\n", 1);
    }
    crm_table_free(table);
    if (out->failed[out->count])
        out->length = start;
}

/* ---- answers to each kind of question ---- */

static void ask_file(struct asked *out, crm_db *db, crm_view *view)
{
    static const char *const settings[] = {"currency", "lifecycle", "motto"};
    put(out, "%llu %lld", (unsigned long long)crm_view_lsn(view), (long long)crm_view_time(view));
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        uint32_t told = out->told == NULL ? 0 : *out->told;
        const char *value = crm_setting(view, settings[i]);
        /* It has no status: the log hook is told instead. */
        if (value == NULL && out->told != NULL && told != *out->told && !fine(out, CRM_CORRUPT))
            return;
        put(out, " %s", value == NULL ? "-" : value);
    }
    for (uint32_t k = 0; k < crm_kind_count(db); k++) {
        uint32_t kind = crm_kind_at(db, k);
        put(out, "\n%u %s:", kind, crm_kind_name(db, kind));
        for (uint32_t f = 0; f < crm_field_count(db, kind); f++) {
            uint32_t field = crm_field_at(db, kind, f);
            put(out, " %u %s %d %u %u (", field, crm_field_name(db, kind, field), crm_field_type(db, kind, field),
                crm_field_flags(db, kind, field), crm_field_target(db, kind, field));
            for (uint32_t c = 0; c < crm_choice_count(db, kind, field); c++)
                put(out, " %s", crm_choice_name(db, kind, field, crm_choice_at(db, kind, field, c)));
            put(out, ")");
        }
    }
}

static void ask_list(struct asked *out, crm_db *db, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_query *query = NULL;
    uint64_t count = 0;
    for (int which = CRM_DELETED_NO; which <= CRM_DELETED_ONLY; which++) {
        if (!fine(out, crm_query_create(view, question->kind, &query, &error)))
            return;
        (void)crm_query_deleted(query, which);
        if (!fine(out, crm_query_count(query, &count, &error))) {
            crm_query_free(query);
            return;
        }
        put(out, "%llu: ", (unsigned long long)count);
        put_query(out, db, query, false);
        if (out->failed[out->count])
            return;
    }
}

static void ask_record(struct asked *out, crm_db *db, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_record *record = NULL;
    if (!fine(out, crm_get(view, question->kind, &question->id, &record, &error)))
        return;
    (void)put_record(out, db, record);
    crm_record_free(record);
}

static bool put_change(struct asked *out, crm_db *db, const crm_change *change)
{
    crm_id id;
    size_t start = out->length;
    const crm_record *before = crm_change_before(change), *after = crm_change_after(change);
    uint32_t kind = crm_change_kind(change);
    crm_change_id(change, &id);
    put(out, "%llu %lld %s/%s/%s %d %u ", (unsigned long long)crm_change_lsn(change),
        (long long)crm_change_time(change), crm_change_actor(change), crm_change_reason(change),
        crm_change_batch(change), crm_change_operation(change), kind);
    put_id(out, &id);
    put(out, "v%llu", (unsigned long long)crm_change_version(change));
    for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
        uint32_t field = crm_change_field(change, i);
        put(out, " %s: ", crm_field_name(db, kind, field));
        put_bytes(out, crm_format(before, field, NULL), strlen(crm_format(before, field, NULL)));
        put(out, " > ");
        put_bytes(out, crm_format(after, field, NULL), strlen(crm_format(after, field, NULL)));
    }
    put_bytes(out, "\n", 1);
    if ((before != NULL && crm_record_status(before) == CRM_CORRUPT) || crm_record_status(after) == CRM_CORRUPT) {
        out->length = start;
        return fine(out, CRM_CORRUPT);
    }
    return true;
}

static void ask_history(struct asked *out, crm_db *db, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_history *history = NULL;
    crm_change *change = NULL;
    int32_t status;
    if (!fine(out, crm_history_open(view, question->kind, &question->id, &history, &error)))
        return;
    while ((status = crm_history_next(history, &change, &error)) == CRM_OK && put_change(out, db, change))
        continue;
    if (status != CRM_OK && status != CRM_DONE)
        (void)fine(out, status);
    crm_history_close(history);
}

static void ask_feed(struct asked *out, crm_db *db, const struct question *question)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    int32_t status;
    if (!fine(out, crm_feed_open(db, question->lsn, &feed, &error)))
        return;
    while ((status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK && put_change(out, db, change))
        continue;
    if (status != CRM_OK && status != CRM_TIMEOUT)
        (void)fine(out, status);
    crm_feed_close(feed);
}

static void ask_query(struct asked *out, crm_db *db, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_query *query = NULL;
    for (int32_t second = 0; second < 2 && !out->failed[out->count]; second++) {
        if (!fine(out, crm_query_create(view, question->kind, &query, &error)))
            return;
        if (question->what == ASK_ORDER)
            (void)crm_query_order(query, question->field, second);
        else
            (void)crm_query_where_text(query, question->field, second ? CRM_OP_GE : CRM_OP_EQ, question->text, CRM_NUL);
        (void)crm_query_limit(query, LIST_MOST);
        put_query(out, db, query, false);
        if (!out->failed[out->count])
            put_bytes(out, "\n", 1);
    }
}

static void ask_timeline(struct asked *out, crm_db *db, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_query *query = NULL;
    if (fine(out, crm_timeline(view, question->kind, &question->id, &query, &error)))
        put_query(out, db, query, false);
}

static void ask_find(struct asked *out, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_record *record = NULL;
    crm_id id;
    if (fine(out, crm_find(view, question->kind, question->field, question->text, CRM_NUL, &record, &error))) {
        crm_record_id(record, &id);
        put_id(out, &id);
        crm_record_free(record);
    }
}

static void ask_group(struct asked *out, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_query *query = NULL;
    crm_table *table = NULL;
    if (!fine(out, crm_query_create(view, question->kind, &query, &error)))
        return;
    (void)crm_query_group(query, question->field, question->through, CRM_UNIT_NONE);
    if (question->kind == CRM_KIND_OPPORTUNITY)
        (void)crm_query_measure(query, CRM_MEASURE_SUM, CRM_OPPORTUNITY_PROBABILITY);
    int32_t status = crm_query_groups(query, &table, &error);
    put_table(out, status, table);
    crm_query_free(query);
}

static void ask_report(struct asked *out, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_table *table = NULL;
    int64_t now = crm_view_time(view);
    int32_t status = CRM_OK;
    switch (question->field) {
    case 0: status = crm_report_pipeline(view, "stage,currency", &table, &error); break;
    case 1: status = crm_report_pipeline(view, "owner,customer,product,month", &table, &error); break;
    case 2: status = crm_lifecycle_report(view, 0, &table, &error); break;
    case 3: status = crm_lifecycle_matrix(view, now - 30 * INT64_C(86400000000), now, &table, &error); break;
    case 4: status = crm_lifecycle_backtest(view, now, 5, &table, &error); break;
    default: return;
    }
    put_table(out, status, table);
}

static void ask_past(struct asked *out, crm_db *db, const struct question *question)
{
    crm_error error = {0};
    crm_view *view = NULL;
    crm_query *query = NULL;
    if (!fine(out, crm_view_open_lsn(db, question->lsn, &view, &error)))
        return;
    for (int attempt = 0; attempt < (out->twice ? 2 : 1); attempt++) {
        if (attempt > 0 && !out->failed[out->count])
            break;
        out->length = out->starts[out->count];
        out->failed[out->count] = false;
        for (uint32_t k = 0; k < crm_kind_count(db) && !out->failed[out->count]; k++) {
            if (!fine(out, crm_query_create(view, crm_kind_at(db, k), &query, &error)))
                break;
            (void)crm_query_deleted(query, CRM_DELETED_ALSO);
            put_query(out, db, query, true);
        }
    }
    crm_view_close(view);
}

static void ask(struct asked *out, crm_db *db, crm_view *view, const struct question *question)
{
    crm_error error = {0};
    crm_table *table = NULL;
    int32_t status;
    switch (question->what) {
    case ASK_FILE: ask_file(out, db, view); break;
    case ASK_LIST: ask_list(out, db, view, question); break;
    case ASK_RECORD: ask_record(out, db, view, question); break;
    case ASK_HISTORY: ask_history(out, db, view, question); break;
    case ASK_TIMELINE: ask_timeline(out, db, view, question); break;
    case ASK_STAGES:
        status = crm_stage_history(view, question->kind, &question->id, &table, &error);
        put_table(out, status, table);
        break;
    case ASK_ORDER:
    case ASK_WHERE: ask_query(out, db, view, question); break;
    case ASK_FIND: ask_find(out, view, question); break;
    case ASK_GROUP: ask_group(out, view, question); break;
    case ASK_REPORT: ask_report(out, view, question); break;
    case ASK_FEED: ask_feed(out, db, question); break;
    case ASK_PAST: ask_past(out, db, question); break;
    case ASK_COUNT: break;
    }
}

static void begin(struct asked *answers, const struct questions *questions)
{
    if (answers->starts == NULL) {
        answers->starts = calloc(questions->count + 1, sizeof *answers->starts);
        answers->failed = calloc(questions->count + 1, sizeof *answers->failed);
        if (answers->starts == NULL || answers->failed == NULL)
            abort();
    }
    answers->count = 0;
    answers->length = 0;
    answers->troubles = 0;
    answers->lsn = 0;
}

static void take_one(struct asked *answers, crm_db *db, crm_view *view, const struct question *question)
{
    answers->starts[answers->count] = answers->length;
    answers->failed[answers->count] = false;
    ask(answers, db, view, question);
    if (answers->failed[answers->count] && answers->twice) {
        answers->length = answers->starts[answers->count];
        answers->failed[answers->count] = false;
        ask(answers, db, view, question);
    }
    answers->troubles += answers->failed[answers->count];
    answers->starts[++answers->count] = answers->length;
}

void answers_take(struct asked *answers, const struct questions *questions, crm_db *db)
{
    crm_error error = {0};
    crm_view *view = NULL;
    begin(answers, questions);
    if (crm_view_open(db, &view, &error) != CRM_OK) {
        answers->troubles++;
        return;
    }
    answers->lsn = crm_view_lsn(view);
    for (size_t i = 0; i < questions->count; i++)
        take_one(answers, db, view, &questions->list[i]);
    crm_view_close(view);
}

void answers_again(struct asked *answers, const struct questions *questions, size_t at, crm_db *db)
{
    crm_error error = {0};
    crm_view *view = NULL;
    begin(answers, questions);
    if (crm_view_open(db, &view, &error) != CRM_OK) {
        answers->troubles++;
        return;
    }
    take_one(answers, db, view, &questions->list[at]);
    crm_view_close(view);
}

void asked_free(struct asked *answers)
{
    free(answers->bytes);
    free(answers->starts);
    free(answers->failed);
    *answers = (struct asked){0};
}

/* ---- comparing ---- */

bool answers_same(const struct asked *answers, size_t at, const struct asked *expected, size_t place)
{
    size_t length = answers->starts[at + 1] - answers->starts[at];
    size_t whole = expected->starts[place + 1] - expected->starts[place];
    return (answers->failed[at] ? length <= whole : length == whole) &&
           (length == 0 ||
            memcmp(answers->bytes + answers->starts[at], expected->bytes + expected->starts[place], length) == 0);
}

size_t answers_differ(const struct asked *answers, const struct asked *expected)
{
    for (size_t i = 0; i < answers->count; i++)
        if (!answers_same(answers, i, expected, i))
            return i;
    return SIZE_MAX;
}

void answers_explain(const struct question *question, const struct asked *answers, size_t at,
                     const struct asked *expected, size_t place, char *out, size_t size)
{
    const char *got = answers->bytes + answers->starts[at], *want = expected->bytes + expected->starts[place];
    int got_length = (int)(answers->starts[at + 1] - answers->starts[at]);
    int want_length = (int)(expected->starts[place + 1] - expected->starts[place]);
    int same = 0;
    while (same < got_length && same < want_length && got[same] == want[same])
        same++;
    int from = same > 24 ? same - 24 : 0;
    snprintf(out, size, "%s of kind %u, field %u, \"%s\", %llu: \"%.*s\"%s, not \"%.*s\"", names[question->what],
             question->kind, question->field, question->text == NULL ? "" : question->text,
             (unsigned long long)question->lsn, got_length - from > 70 ? 70 : got_length - from, got + from,
             answers->failed[at] ? " and broken off" : "", want_length - from > 70 ? 70 : want_length - from,
             want + from);
}
