/* answers.c: see answers.h. */
#include "answers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct answers *answers, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct answers *answers, const char *format, ...)
{
    for (;;) {
        va_list arguments;
        size_t room = answers->capacity - answers->length;
        va_start(arguments, format);
        int length = vsnprintf(answers->text == NULL ? NULL : answers->text + answers->length, room, format, arguments);
        va_end(arguments);
        if (length >= 0 && (size_t)length < room) {
            answers->length += (size_t)length;
            return;
        }
        answers->capacity = answers->capacity * 2 + 65536;
        answers->text = realloc(answers->text, answers->capacity);
        if (length < 0 || answers->text == NULL) {
            fprintf(stderr, "answers: out of memory\n");
            exit(2);
        }
    }
}

static void put_id(struct answers *answers, const crm_id *id)
{
    char text[37];
    if (!answers->mask_ids) {
        crm_id_format(id, text);
        put(answers, " %s", text);
        return;
    }
    size_t at = 0;
    while (at < answers->id_count && memcmp(&answers->ids[at], id, sizeof *id) != 0)
        at++;
    if (at == answers->id_capacity) {
        answers->id_capacity = answers->id_capacity * 2 + 64;
        answers->ids = realloc(answers->ids, answers->id_capacity * sizeof *answers->ids);
        if (answers->ids == NULL)
            exit(2);
    }
    if (at == answers->id_count)
        answers->ids[answers->id_count++] = *id;
    put(answers, " #%zu", at);
}

static bool failed(struct answers *answers, const char *what, int32_t status, const crm_error *error)
{
    put(answers, "\n%s: %s: %s\n", what, crm_status_name(status), error->message);
    return false;
}

/* ---- records */

static void put_field(struct answers *answers, const crm_record *record, uint32_t field)
{
    uint32_t kind;
    crm_id id;
    if (record == NULL || !crm_has(record, field)) {
        put(answers, " -");
    } else if (crm_ref(record, field, &kind, &id) == CRM_OK) {
        put(answers, " %u", kind);
        put_id(answers, &id);
    } else {
        size_t length = 0;
        const char *text = crm_format(record, field, &length);
        put(answers, " %s", length > 200 ? "" : text);
        if (length > 200) { /* long ones by their ends and a sum */
            uint64_t sum = length, word;
            for (size_t i = 0; i + sizeof word <= length; i += sizeof word) {
                memcpy(&word, text + i, sizeof word);
                sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
            }
            put(answers, "%.20s… %zu %llx %.8s", text, length, (unsigned long long)sum, text + length - 8);
        }
    }
}

static void put_record(struct answers *answers, const crm_record *record)
{
    crm_id id;
    uint32_t kind = crm_record_kind(record);
    crm_record_id(record, &id);
    put(answers, "%u", kind);
    put_id(answers, &id);
    put(answers, " v%llu lsn %llu%s", (unsigned long long)crm_record_version(record),
        (unsigned long long)crm_record_lsn(record), crm_record_deleted(record) ? " deleted" : "");
    for (uint32_t i = 0; i < crm_field_count(answers->db, kind); i++) {
        uint32_t field = crm_field_at(answers->db, kind, i);
        if (field == CRM_FIELD_ID || !crm_has(record, field))
            continue;
        put(answers, " %s:", crm_field_name(answers->db, kind, field));
        put_field(answers, record, field);
    }
    put(answers, " (%d)\n", crm_record_status(record));
}

static bool put_query(struct answers *answers, crm_query *query, bool whole)
{
    crm_error error = {0};
    crm_record *record = NULL;
    int32_t status;
    uint64_t count = 0;
    while ((status = crm_query_next(query, &record, &error)) == CRM_OK) {
        crm_id id;
        crm_record_id(record, &id);
        if (whole)
            put_record(answers, record);
        else
            put_id(answers, &id);
    }
    if (status == CRM_DONE)
        status = crm_query_count(query, &count, &error);
    crm_query_free(query);
    put(answers, " count %llu\n", (unsigned long long)count);
    return status == CRM_OK || failed(answers, "a query", status, &error);
}

/* Every record of a kind, by creation; those alive by name. */
static bool put_kind(struct answers *answers, uint32_t kind)
{
    crm_error error = {0};
    crm_query *query = NULL;
    int32_t status = crm_query_create(answers->view, kind, &query, &error);
    if (status != CRM_OK)
        return failed(answers, "crm_query_create", status, &error);
    put(answers, "%s\n", crm_kind_name(answers->db, kind));
    crm_query_deleted(query, CRM_DELETED_ALSO);
    if (!put_query(answers, query, true))
        return false;
    uint32_t name = crm_field_find(answers->db, kind, "name", CRM_NUL);
    if (name == 0)
        return true;
    status = crm_query_create(answers->view, kind, &query, &error);
    if (status != CRM_OK)
        return failed(answers, "crm_query_create", status, &error);
    crm_query_order(query, name, 0);
    put(answers, "by name");
    return put_query(answers, query, false);
}

static bool put_timelines(struct answers *answers, uint32_t kind)
{
    crm_error error = {0};
    crm_query *query = NULL, *timeline;
    crm_record *record = NULL;
    int32_t status = crm_query_create(answers->view, kind, &query, &error);
    while (status == CRM_OK && (status = crm_query_next(query, &record, &error)) == CRM_OK) {
        crm_id id;
        crm_record_id(record, &id);
        put(answers, "timeline of");
        put_id(answers, &id);
        put(answers, ":");
        status = crm_timeline(answers->view, kind, &id, &timeline, &error);
        if (status == CRM_OK && !put_query(answers, timeline, false))
            break;
    }
    crm_query_free(query);
    return status == CRM_DONE || failed(answers, "a timeline", status, &error);
}

/* ---- the rest */

static bool put_schema(struct answers *answers)
{
    crm_db *db = answers->db;
    for (uint32_t i = 0; i < crm_kind_count(db); i++) {
        uint32_t kind = crm_kind_at(db, i);
        put(answers, "%u %s:", kind, crm_kind_name(db, kind));
        for (uint32_t j = 0; j < crm_field_count(db, kind); j++) {
            uint32_t field = crm_field_at(db, kind, j);
            uint32_t choices = crm_choice_count(db, kind, field);
            if (field >= CRM_USER_FIELD)
                put(answers, " %u %s %d %u %u", field, crm_field_name(db, kind, field), crm_field_type(db, kind, field),
                    crm_field_flags(db, kind, field), crm_field_target(db, kind, field));
            for (uint32_t k = 0; k < choices; k++) {
                int64_t code = crm_choice_at(db, kind, field, k);
                put(answers, " %lld %s", (long long)code, crm_choice_name(db, kind, field, code));
            }
        }
        put(answers, "\n");
    }
    return true;
}

static bool put_changes(struct answers *answers, uint64_t lsn)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    int32_t status = crm_feed_open(answers->db, 0, &feed, &error);
    while (status == CRM_OK && (status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK) {
        crm_id id;
        uint32_t kind = crm_change_kind(change);
        if (crm_change_lsn(change) > lsn)
            break;
        crm_change_id(change, &id);
        put(answers, "%llu %lld %s/%s/%s %d %u", (unsigned long long)crm_change_lsn(change),
            (long long)crm_change_time(change), crm_change_actor(change), crm_change_reason(change),
            crm_change_batch(change), crm_change_operation(change), kind);
        put_id(answers, &id);
        put(answers, " v%llu", (unsigned long long)crm_change_version(change));
        for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
            uint32_t field = crm_change_field(change, i);
            put(answers, " %u:", field);
            put_field(answers, crm_change_before(change), field);
            put(answers, " >");
            put_field(answers, crm_change_after(change), field);
        }
        put(answers, "\n");
    }
    crm_feed_close(feed);
    return status == CRM_TIMEOUT || status == CRM_OK || failed(answers, "the feed", status, &error);
}

static bool put_table(struct answers *answers, const char *what, int32_t status, crm_table *table,
                      const crm_error *error)
{
    if (status != CRM_OK)
        return failed(answers, what, status, error);
    put(answers, "%s\n", what);
    for (uint64_t row = 0; row < crm_table_rows(table); row++) {
        for (uint32_t column = 0; column < crm_table_columns(table); column++)
            put(answers, "%s|", crm_table_text(table, row, column, NULL));
        put(answers, "\n");
    }
    crm_table_free(table);
    return true;
}

static bool put_reports(struct answers *answers)
{
    crm_error error = {0};
    crm_table *table = NULL;
    crm_query *query = NULL;
    int32_t status = crm_report_pipeline(answers->view, "currency,stage", &table, &error);
    if (!put_table(answers, "pipeline", status, table, &error))
        return false;
    status = crm_lifecycle_report(answers->view, 0, &table, &error);
    if (!put_table(answers, "lifecycle", status, table, &error))
        return false;
    status = crm_query_create(answers->view, CRM_KIND_INTERACTION, &query, &error);
    if (status == CRM_OK) {
        crm_query_group(query, CRM_INTERACTION_CUSTOMER, CRM_CUSTOMER_STAGE, CRM_UNIT_NONE);
        crm_query_group(query, CRM_INTERACTION_START, 0, CRM_UNIT_DAY);
        crm_query_measure(query, CRM_MEASURE_MAX, CRM_INTERACTION_START);
        status = crm_query_groups(query, &table, &error);
    }
    bool good = put_table(answers, "groups", status, table, &error);
    crm_query_free(query);
    return good;
}

bool answers_get(struct answers *answers, crm_db *db, uint64_t lsn)
{
    crm_error error = {0};
    answers->db = db;
    answers->length = answers->id_count = 0;
    int32_t status = crm_view_open_lsn(db, lsn, &answers->view, &error);
    if (status != CRM_OK)
        return failed(answers, "crm_view_open_lsn", status, &error);
    put(answers, "lsn %llu\n", (unsigned long long)crm_view_lsn(answers->view));
    bool good = put_schema(answers);
    for (uint32_t i = 0; good && i < crm_kind_count(db); i++)
        good = put_kind(answers, crm_kind_at(db, i));
    good = good && put_timelines(answers, CRM_KIND_CUSTOMER) && put_timelines(answers, CRM_KIND_CONTACT) &&
           put_changes(answers, lsn) && put_reports(answers);
    crm_view_close(answers->view);
    answers->view = NULL;
    return good;
}

const char *answers_end(const struct answers *answers)
{
    size_t at = answers->length;
    while (at > 0 && (at == answers->length || answers->text[at - 1] != '\n'))
        at--;
    return answers->text + at;
}

void answers_free(struct answers *answers)
{
    free(answers->text);
    free(answers->ids);
    *answers = (struct answers){0};
}

const char *answers_difference(const char *wanted, const char *found)
{
    static char out[600];
    const char *line = wanted, *other = found;
    size_t at = 0;
    for (; wanted[at] != '\0' && wanted[at] == found[at]; at++)
        if (wanted[at] == '\n') {
            line = wanted + at + 1;
            other = found + at + 1;
        }
    snprintf(out, sizeof out, "wanted \"%.*s\", found \"%.*s\"",
             (int)(strcspn(line, "\n") < 250 ? strcspn(line, "\n") : 250), line,
             (int)(strcspn(other, "\n") < 250 ? strcspn(other, "\n") : 250), other);
    return out;
}
