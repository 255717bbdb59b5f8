/* stat: figures about the open file, as names and values. */
#include "model/db.h"
#include "model/moment.h"
#include "model/table.h"
#include "model/uuid.h"

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
    char text[32];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_text(table, name, text);
}

static void put_time(crm_table *table, const char *name, int64_t time)
{
    char text[MOMENT_TEXT_SIZE];
    (void)instant_format(time, text);
    put_text(table, name, text);
}

static uint64_t size_of(const crm_db *db, const char *path)
{
    struct file_identity identity;
    int system;
    return db->files->identify_path(db->files->context, path, &identity, &system) == CRM_OK ? identity.size : 0;
}

static void put_file(crm_table *table, struct generation *generation)
{
    crm_db *db = generation->db;
    const struct log_header *header = log_header(generation->log);
    char id[UUID_TEXT_SIZE];
    uuid_format(&header->file, id);
    put_text(table, "file", log_path(generation->log));
    put_text(table, "id", id);
    put_number(table, "format", header->format);
    put_time(table, "created", header->created);
    put_number(table, "compactions", header->generation);
    put_number(table, "last transaction", generation->applied.lsn);
    if (generation->applied.lsn > 0)
        put_time(table, "last transaction at", generation->applied.time);
    put_number(table, "log bytes", generation->applied.offset);
    put_number(table, "log file bytes", size_of(db, db->path));
    put_number(table, "index file bytes", size_of(db, db->image_path));
    put_number(table, "index bytes", generation->arena->used);
    put_number(table, "index bytes free", arena_free_bytes(generation->arena));
    put_number(table, "log bytes behind the index file", generation->applied.offset - generation->image_end);
}

int32_t crm_stat(crm_db *db, crm_table **out, crm_error *error)
{
    if (db == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_stat needs a database and a place for the table");
    *out = NULL;
    int32_t status = db_follow(db, false, error);
    if (status != CRM_OK)
        return status;
    crm_table *table = table_create(db->memory);
    table_add_column(table, "name", CRM_TYPE_TEXT);
    table_add_column(table, "value", CRM_TYPE_TEXT);
    struct generation *generation = db_hold(db);
    rwlock_read(&generation->lock);
    put_file(table, generation);
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
    rwlock_unlock(&generation->lock);
    db_drop(generation);
    return table_finish(table, out, error);
}
