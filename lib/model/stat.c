/* stat: figures about the file, one a row: how much there is, how it lies.
 */
#include "model/db.h"

#include "model/moment.h"
#include "model/table.h"
#include "model/uuid.h"
#include "model/view.h"

#include <stdio.h>
#include <string.h>

static void put_text(crm_table *table, const char *name, const char *value)
{
    table_add_row(table);
    table_put_text(table, 0, name, CRM_NUL);
    table_put_text(table, 1, value, CRM_NUL);
}

static void put_number(crm_table *table, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_text(table, name, text);
}

static void put_time(crm_table *table, const char *name, int64_t time)
{
    char text[32];
    (void)crm_time_format(time, text);
    put_text(table, name, text);
}

static void put_kinds(crm_table *table, const struct generation *generation)
{
    for (uint32_t k = 0; k < generation->schema.kind_count; k++) {
        const struct kind *kind = generation->schema.kinds[k];
        const struct kind_store *store = kind_store(generation, kind);
        char name[96];
        if (store == NULL || store->rows == 0)
            continue;
        (void)snprintf(name, sizeof name, "%s records", kind->name);
        put_number(table, name, store->live);
        if (store->live == store->rows)
            continue;
        (void)snprintf(name, sizeof name, "%s records deleted", kind->name);
        put_number(table, name, store->rows - store->live);
    }
}

static void put_log(crm_table *table, const struct generation *generation)
{
    const struct log_header *header = log_header(generation->log);
    char id[UUID_TEXT_SIZE];
    uuid_format(&header->file, id);
    put_text(table, "file", id);
    put_number(table, "format", header->format);
    put_time(table, "created", header->created);
    put_number(table, "transactions", generation->applied.lsn);
    if (generation->applied.lsn > 0)
        put_time(table, "last transaction", generation->applied.time);
    put_number(table, "log bytes", generation->applied.offset);
    put_number(table, "compactions", header->generation);
    if (header->base_lsn > 0) {
        put_number(table, "compacted transactions", header->base_lsn);
        put_number(table, "compacted bytes", header->base_end - LOG_FRAMES_START);
    }
    put_number(table, "index bytes", generation->arena->used);
    put_number(table, "index bytes free", arena_free_bytes(generation->arena));
    put_number(table, "log bytes behind the index file",
               generation->applied.offset - (generation->image_end == 0 ? LOG_FRAMES_START : generation->image_end));
}

static int32_t put_settings(crm_table *table, crm_view *view, crm_error *error)
{
    crm_query *query;
    crm_record *record;
    int32_t status = crm_query_create(view, CRM_KIND_SETTING, &query, error);
    if (status != CRM_OK)
        return status;
    while ((status = crm_query_next(query, &record, error)) == CRM_OK) {
        char name[128];
        (void)snprintf(name, sizeof name, "setting %s", crm_text(record, CRM_SETTING_NAME, NULL));
        put_text(table, name, crm_text(record, CRM_SETTING_VALUE, NULL));
        if (crm_record_status(record) != CRM_OK) {
            status = error_unread(error, crm_record_status(record), "a setting");
            break;
        }
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

int32_t crm_stat(crm_db *db, crm_table **out, crm_error *error)
{
    crm_view *view;
    if (out != NULL)
        *out = NULL;
    if (db == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_stat needs a database and a place for the table");
    int32_t status = crm_view_open(db, &view, error);
    if (status != CRM_OK)
        return status;
    crm_table *table = table_create(db->memory);
    table_add_column(table, "name", CRM_TYPE_TEXT);
    table_add_column(table, "value", CRM_TYPE_TEXT);
    put_text(table, "path", db->path);
    status = view_begin(view, error);
    if (status == CRM_OK) {
        put_log(table, view->generation);
        put_kinds(table, view->generation);
        status = view_finish(view, CRM_OK, error);
    }
    if (status == CRM_OK) {
        status = put_settings(table, view, error);
    }
    crm_view_close(view);
    if (status == CRM_OK)
        return table_finish(table, out, error);
    crm_table_free(table);
    return status;
}
