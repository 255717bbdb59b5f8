/* reading.c: see reading.h. */
#include "reading.h"

#include <string.h>

struct reader {
    crm_db *db;
    struct dump *out;
    bool good;
};

/* A failure ends what was being read; its message, which may name a path or the
 * way to the fault, is left out. */
static void fail(struct reader *reader, const char *what, int32_t status)
{
    dump_print(reader->out, "%s: %s\n", what, crm_status_name(status));
    MUST(status == CRM_CORRUPT || status == CRM_NOMEM || status == CRM_FULL || status == CRM_IO ||
         status == CRM_NOT_FOUND || status == CRM_REFUSED || status == CRM_INVALID);
    reader->good = false;
}

static void put_id(struct reader *reader, const crm_id *id)
{
    char text[37];
    crm_id_format(id, text);
    dump_print(reader->out, " %s", text);
}

static void put_items(struct reader *reader, const crm_record *record, uint32_t field)
{
    uint32_t count = crm_item_count(record, field);
    dump_print(reader->out, "[%u", count);
    for (uint32_t i = 0; i < count && i < 20; i++) {
        for (int32_t part = CRM_PART_VALUE; part <= CRM_PART_ROLE; part++) {
            size_t length = 0;
            const char *text = crm_item_text(record, field, i, part, &length);
            MUST(text != NULL && text[length] == '\0');
            if (length > 0) {
                dump_print(reader->out, " %d=", part);
                dump_put(reader->out, text, length);
            }
            dump_print(reader->out, "%s", crm_item_int(record, field, i, part) != 0 ? "!" : "");
        }
        uint32_t kind = 0;
        crm_id id;
        if (crm_item_ref(record, field, i, &kind, &id) == CRM_OK) {
            dump_print(reader->out, " %u", kind);
            put_id(reader, &id);
        }
    }
    dump_print(reader->out, "]");
}

static void put_field(struct reader *reader, const crm_record *record, uint32_t field, bool shown)
{
    uint32_t kind = crm_record_kind(record);
    size_t length = 0;
    const char *text = crm_format(record, field, &length);
    MUST(text != NULL && text[length] == '\0');
    dump_print(reader->out, " %u=", field);
    dump_put(reader->out, text, length);
    if (!shown)
        return;
    text = crm_display(record, field, &length);
    MUST(text != NULL && text[length] == '\0');
    dump_put(reader->out, "~", 1);
    dump_put(reader->out, text, length);
    if (crm_field_type(reader->db, kind, field) >= CRM_TYPE_EMAILS)
        put_items(reader, record, field);
    (void)crm_real(record, field);
    text = crm_text(record, field, &length);
    MUST(text != NULL && text[length] == '\0');
}

static void put_record(struct reader *reader, const crm_record *record, bool shown)
{
    uint32_t kind = crm_record_kind(record), count = crm_field_count(reader->db, kind);
    crm_id id;
    size_t length = 0;
    crm_record_id(record, &id);
    dump_print(reader->out, "%u", kind);
    put_id(reader, &id);
    dump_print(reader->out, " v%llu l%llu%s", (unsigned long long)crm_record_version(record),
               (unsigned long long)crm_record_lsn(record), crm_record_deleted(record) ? " deleted" : "");
    for (uint32_t i = 0; i < count && i < 100; i++) {
        uint32_t field = crm_field_at(reader->db, kind, i);
        if (crm_has(record, field))
            put_field(reader, record, field, shown);
    }
    const char *title = crm_title(record, &length);
    MUST(title != NULL && title[length] == '\0');
    int32_t status = crm_record_status(record);
    dump_print(reader->out, "\n");
    if (status != CRM_OK && status != CRM_ERASED)
        fail(reader, "record", status);
}

static void put_change(struct reader *reader, const crm_change *change)
{
    crm_id id;
    crm_change_id(change, &id);
    dump_print(reader->out, "%llu %lld %s/%s/%s %d %u", (unsigned long long)crm_change_lsn(change),
               (long long)crm_change_time(change), crm_change_actor(change), crm_change_reason(change),
               crm_change_batch(change), crm_change_operation(change), crm_change_kind(change));
    put_id(reader, &id);
    dump_print(reader->out, " v%llu\n", (unsigned long long)crm_change_version(change));
    const crm_record *before = crm_change_before(change), *after = crm_change_after(change);
    for (uint32_t i = 0; i < crm_change_field_count(change) && i < 100; i++) {
        uint32_t field = crm_change_field(change, i);
        if (before != NULL && crm_has(before, field))
            put_field(reader, before, field, false);
        dump_print(reader->out, " >");
        if (after != NULL && crm_has(after, field))
            put_field(reader, after, field, false);
    }
    dump_print(reader->out, "\n");
}

static void put_history(struct reader *reader, crm_view *view, uint32_t kind, const crm_id *id)
{
    crm_history *history = NULL;
    crm_change *change = NULL;
    crm_error error;
    int32_t status = crm_history_open(view, kind, id, &history, &error);
    for (uint32_t i = 0; status == CRM_OK && i < READING_CHANGES; i++)
        if ((status = crm_history_next(history, &change, &error)) == CRM_OK)
            put_change(reader, change);
    crm_history_close(history);
    if (status != CRM_DONE && status != CRM_OK)
        fail(reader, "history", status);
}

static void put_timeline(struct reader *reader, crm_view *view, uint32_t kind, const crm_id *id)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_error error;
    int32_t status = crm_timeline(view, kind, id, &query, &error);
    for (uint32_t i = 0; status == CRM_OK && i < READING_RECORDS; i++)
        if ((status = crm_query_next(query, &record, &error)) == CRM_OK) {
            crm_id found;
            crm_record_id(record, &found);
            put_id(reader, &found);
        }
    crm_query_free(query);
    if (status != CRM_DONE && status != CRM_OK)
        fail(reader, "timeline", status);
}

/* By every order there is an index for, so that all of them are walked. */
static void put_orders(struct reader *reader, crm_view *view, uint32_t kind)
{
    for (uint32_t i = 0; i < crm_field_count(reader->db, kind) && i < 60; i++) {
        uint32_t field = crm_field_at(reader->db, kind, i);
        crm_query *query = NULL;
        crm_record *record = NULL;
        crm_error error;
        if (!(crm_field_flags(reader->db, kind, field) & CRM_FLAG_INDEXED))
            continue;
        int32_t status = crm_query_create(view, kind, &query, &error);
        if (status == CRM_OK && crm_query_order(query, field, i % 2 == 0) == CRM_OK) {
            dump_print(reader->out, "%u by %u:", kind, field);
            for (uint32_t n = 0; status == CRM_OK && n < READING_RECORDS; n++)
                if ((status = crm_query_next(query, &record, &error)) == CRM_OK)
                    dump_print(reader->out, " %llu", (unsigned long long)crm_record_lsn(record));
            dump_print(reader->out, "\n");
        }
        crm_query_free(query);
        if (status != CRM_DONE && status != CRM_OK)
            fail(reader, "order", status);
    }
}

static void put_kind(struct reader *reader, crm_view *view, uint32_t kind, bool history)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_error error;
    uint64_t count = 0;
    int32_t status = crm_query_create(view, kind, &query, &error);
    if (status == CRM_OK)
        (void)crm_query_deleted(query, CRM_DELETED_ALSO);
    for (uint32_t i = 0; status == CRM_OK && i < READING_RECORDS; i++) {
        if ((status = crm_query_next(query, &record, &error)) != CRM_OK)
            break;
        crm_id id;
        crm_record_id(record, &id);
        put_record(reader, record, true);
        if (history) {
            put_history(reader, view, kind, &id);
            put_timeline(reader, view, kind, &id);
        }
    }
    if (status != CRM_DONE && status != CRM_OK)
        fail(reader, "query", status);
    crm_query_free(query);
    status = crm_query_create(view, kind, &query, &error);
    if (status == CRM_OK)
        status = crm_query_count(query, &count, &error);
    if (status == CRM_OK)
        dump_print(reader->out, "%u: %llu\n", kind, (unsigned long long)count);
    else
        fail(reader, "count", status);
    crm_query_free(query);
}

bool reading_records(crm_db *db, crm_view *view, struct dump *out)
{
    struct reader reader = {db, out, true};
    for (uint32_t i = 0; i < crm_kind_count(db) && i < 40; i++) {
        put_kind(&reader, view, crm_kind_at(db, i), false);
        put_orders(&reader, view, crm_kind_at(db, i));
    }
    return reader.good;
}

static void put_schema(struct reader *reader)
{
    for (uint32_t i = 0; i < crm_kind_count(reader->db) && i < 40; i++) {
        uint32_t kind = crm_kind_at(reader->db, i);
        const char *name = crm_kind_name(reader->db, kind);
        if (kind < CRM_USER_KIND)
            continue;
        dump_print(reader->out, "kind %u %s\n", kind, name == NULL ? "" : name);
        for (uint32_t f = 0; f < crm_field_count(reader->db, kind) && f < 100; f++) {
            uint32_t field = crm_field_at(reader->db, kind, f);
            name = crm_field_name(reader->db, kind, field);
            MUST(name != NULL);
            dump_print(reader->out, " %u %s %d %u %u %u\n", field, name, crm_field_type(reader->db, kind, field),
                       crm_field_flags(reader->db, kind, field), crm_field_target(reader->db, kind, field),
                       crm_choice_count(reader->db, kind, field));
        }
    }
}

static void put_feed(struct reader *reader)
{
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    crm_error error;
    int32_t status = crm_feed_open(reader->db, 0, &feed, &error);
    for (uint32_t i = 0; status == CRM_OK && i < READING_CHANGES; i++)
        if ((status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK)
            put_change(reader, change);
    crm_feed_close(feed);
    if (status != CRM_TIMEOUT && status != CRM_OK)
        fail(reader, "feed", status);
}

static void put_past(struct reader *reader, uint64_t lsn)
{
    crm_view *view = NULL;
    crm_error error;
    int32_t status = crm_view_open_lsn(reader->db, lsn, &view, &error);
    dump_print(reader->out, "at %llu\n", (unsigned long long)lsn);
    if (status != CRM_OK) {
        fail(reader, "view", status);
        return;
    }
    for (uint32_t i = 0; i < crm_kind_count(reader->db) && i < 20; i++)
        put_kind(reader, view, crm_kind_at(reader->db, i), false);
    crm_view_close(view);
}

bool reading_all(crm_db *db, struct dump *out)
{
    struct reader reader = {db, out, true};
    crm_view *view = NULL;
    crm_error error;
    uint64_t lsn = crm_lsn(db);
    put_schema(&reader);
    int32_t status = crm_view_open(db, &view, &error);
    if (status == CRM_OK) {
        const char *currency = crm_setting(view, "currency");
        dump_print(out, "lsn %llu, currency %s\n", (unsigned long long)lsn, currency == NULL ? "none" : currency);
        for (uint32_t i = 0; i < crm_kind_count(db) && i < 40; i++) {
            put_kind(&reader, view, crm_kind_at(db, i), true);
            put_orders(&reader, view, crm_kind_at(db, i));
        }
        crm_view_close(view);
    } else {
        fail(&reader, "view", status);
    }
    put_feed(&reader);
    if (lsn > 1) {
        put_past(&reader, lsn - 1);
        put_past(&reader, lsn / 2);
    }
    return reader.good;
}
