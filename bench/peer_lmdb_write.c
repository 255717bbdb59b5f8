/* peer_lmdb_write: LMDB's changes, the feed of them, compaction, CSV in and out. */
#include "peer_lmdb.h"

#include "folder.h"
#include "text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH = 4096, IMPORT_TRANSACTION = 100000 };

static bool change_add(void *self, uint32_t record, int64_t value)
{
    struct lmdb *lmdb = self;
    uint8_t bytes[PACKED_MAX];
    uint32_t number;
    if (!lmdb_next(lmdb, KV_INTERACTION, &number))
        return false;
    size_t length = packed_added_interaction(&lmdb->seed, record, value, lmdb->now, bytes);
    return lmdb_put_record(lmdb, KV_INTERACTION, number, bytes, length, MDB_APPEND) &&
           kv_index_interaction(bytes, number, lmdb_put_now, lmdb);
}

/* A customer, to be changed: a copy of its record. */
struct edit {
    uint8_t bytes[PACKED_MAX];
    size_t length;
    uint32_t number;
    struct packed_customer head;
};

static bool edit_begin(struct lmdb *lmdb, uint32_t record, struct edit *edit)
{
    MDB_val value;
    if (!lmdb_find_record(lmdb, KV_CUSTOMER_ID, KV_CUSTOMER, lmdb->file->data->customers[record].id, &edit->number,
                          &value) ||
        value.mv_size > sizeof edit->bytes)
        return false;
    memcpy(edit->bytes, value.mv_data, value.mv_size);
    edit->length = value.mv_size;
    edit->head = packed_get_customer(edit->bytes);
    return true;
}

static bool edit_end(struct lmdb *lmdb, struct edit *edit)
{
    edit->head.modified_at = lmdb->now;
    edit->head.modified_by = 1;
    edit->head.version++;
    memcpy(edit->bytes, &edit->head, sizeof edit->head);
    return lmdb_put_record(lmdb, KV_CUSTOMER, edit->number, edit->bytes, edit->length, 0);
}

static bool change_stage(void *self, uint32_t record, int64_t value)
{
    struct lmdb *lmdb = self;
    struct edit edit;
    if (!edit_begin(lmdb, record, &edit))
        return false;
    uint32_t from = edit.head.stage, to = (uint32_t)value;
    edit.head.stage = (uint8_t)to;
    edit.head.stage_since = lmdb->now;
    return lmdb_take_now(lmdb, KV_CUSTOMER_STAGE, &from, sizeof from, &edit.number, sizeof edit.number) &&
           lmdb_put_now(lmdb, KV_CUSTOMER_STAGE, &to, sizeof to, &edit.number, sizeof edit.number) &&
           edit_end(lmdb, &edit) &&
           lmdb_add_transition(lmdb, KV_KIND_CUSTOMER, edit.number, (uint8_t)from, (uint8_t)to, lmdb_put_now, lmdb);
}

static bool change_field(void *self, uint32_t record, int64_t value)
{
    struct lmdb *lmdb = self;
    struct edit edit;
    if (!edit_begin(lmdb, record, &edit))
        return false;
    edit.head.employees = (int32_t)value;
    return edit_end(lmdb, &edit);
}

static bool change_logged(void *self, uint32_t record, int64_t value)
{
    struct lmdb *lmdb = self;
    struct edit edit;
    if (!edit_begin(lmdb, record, &edit))
        return false;
    struct packed_change change = {.at = lmdb->now,
                                   .before = edit.head.employees,
                                   .after = value,
                                   .customer = edit.number,
                                   .operation = 2,
                                   .field = 21,
                                   .actor = 1};
    uint32_t number;
    edit.head.employees = (int32_t)value;
    return lmdb_next(lmdb, KV_CHANGE, &number) &&
           lmdb_put_record(lmdb, KV_CHANGE, number, &change, sizeof change, MDB_APPEND) &&
           lmdb_put_now(lmdb, KV_CHANGE_RECORD, &edit.number, sizeof edit.number, &number, sizeof number) &&
           edit_end(lmdb, &edit);
}

/* Out of the lists of live ones, or back into them. */
static bool mark_interaction(struct lmdb *lmdb, uint32_t record, bool deleted)
{
    uint8_t bytes[PACKED_MAX], line[KV_LINE];
    uint32_t number;
    MDB_val value;
    if (!lmdb_find_record(lmdb, KV_INTERACTION_ID, KV_INTERACTION, lmdb->file->data->interactions[record].id, &number,
                          &value) ||
        value.mv_size > sizeof bytes)
        return false;
    struct packed_interaction head = packed_get_interaction(value.mv_data);
    memcpy(bytes, value.mv_data, value.mv_size);
    kv_line(line, head.start, number);
    head.deleted_at = deleted ? lmdb->now : 0;
    head.modified_at = lmdb->now;
    head.version++;
    memcpy(bytes, &head, sizeof head);
    kv_put *move = deleted ? lmdb_take_now : lmdb_put_now;
    return lmdb_put_record(lmdb, KV_INTERACTION, number, bytes, value.mv_size, 0) &&
           move(lmdb, KV_TIMELINE, &head.customer, sizeof head.customer, line, sizeof line) &&
           (head.due == 0 || move(lmdb, KV_DUE, &head.due, sizeof head.due, &number, sizeof number));
}

static bool change_delete(void *self, uint32_t record, int64_t value)
{
    (void)value;
    return mark_interaction(self, record, true);
}

static bool change_restore(void *self, uint32_t record, int64_t value)
{
    (void)value;
    return mark_interaction(self, record, false);
}

engine_change *const lmdb_changes[CHANGES] = {
    [CHANGE_ADD] = change_add,       [CHANGE_STAGE] = change_stage,   [CHANGE_FIELD] = change_field,
    [CHANGE_LOGGED] = change_logged, [CHANGE_DELETE] = change_delete, [CHANGE_RESTORE] = change_restore,
};

bool lmdb_feed(void *self, uint32_t changes, uint32_t batch, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_txn *txn;
    (void)batch;
    int status = mdb_txn_begin(lmdb->file->env, NULL, MDB_RDONLY, &txn);
    if (status != MDB_SUCCESS)
        return lmdb_fail("begin", status);
    status = mdb_cursor_open(txn, lmdb->file->tables[KV_CHANGE], &cursor);
    if (status == MDB_SUCCESS)
        status = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (status == MDB_SUCCESS) {
        uint32_t from;
        memcpy(&from, key.mv_data, sizeof from);
        from = from + 1 - changes;
        key = (MDB_val){sizeof from, &from};
        status = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    }
    for (; status == MDB_SUCCESS; status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct packed_change change;
        memcpy(&change, value.mv_data, sizeof change);
        *sum = data_mix(data_mix(data_mix(*sum, (uint64_t)change.at), (uint64_t)change.before), (uint64_t)change.after);
    }
    mdb_txn_abort(txn);
    return status == MDB_NOTFOUND || lmdb_fail("feed", status);
}

/* A copy without the free pages, synced and put in the old one's place. */
bool lmdb_compact(void *self)
{
    struct lmdb *lmdb = self;
    char folder[PATH], copy[PATH + 16], old[PATH];
    snprintf(folder, sizeof folder, "%s-compact", lmdb->file->folder);
    snprintf(copy, sizeof copy, "%s/data.mdb", folder);
    snprintf(old, sizeof old, "%s/data.mdb", lmdb->file->folder);
    if (!folder_empty(folder))
        return false;
    int status = mdb_env_copy2(lmdb->file->env, folder, MDB_CP_COMPACT);
    if (status != MDB_SUCCESS)
        return lmdb_fail("compaction", status);
    int file = open(copy, O_RDWR | O_CLOEXEC);
    bool ok = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        close(file);
    ok = lmdb_close(lmdb) && ok && rename(copy, old) == 0;
    folder_remove(folder);
    return ok && lmdb_open(lmdb, lmdb->file->mode);
}

/* ------------------------------------------------------------ export */

bool lmdb_export_csv(void *self, const char *path)
{
    struct lmdb *lmdb = self;
    struct csv_writer *writer = csv_writer_open(path);
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_txn *txn;
    if (writer == NULL)
        return false;
    int status = mdb_txn_begin(lmdb->file->env, NULL, MDB_RDONLY, &txn);
    if (status == MDB_SUCCESS)
        status = mdb_cursor_open(txn, lmdb->file->tables[KV_INTERACTION], &cursor);
    if (status == MDB_SUCCESS)
        status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; status == MDB_SUCCESS; status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct packed_interaction head = packed_get_interaction(value.mv_data);
        if (head.deleted_at == 0)
            csv_writer_row(writer, head.type, head.start, (const char *)value.mv_data + sizeof head,
                           head.subject_length, head.amount, head.due, head.channel, head.direction);
    }
    mdb_txn_abort(txn);
    return csv_writer_close(writer) && (status == MDB_NOTFOUND || lmdb_fail("export", status));
}

/* ------------------------------------------------------------ import */

static bool import_insert(struct lmdb *lmdb, const struct csv_reader *reader, uint32_t number)
{
    uint8_t record[PACKED_MAX];
    const char *const texts[PACKED_TEXTS] = {
        reader->fields[0], reader->fields[3], reader->fields[1], reader->fields[2], NULL, reader->fields[5]};
    struct packed_customer head = {.created_at = lmdb->now,
                                   .modified_at = lmdb->now,
                                   .stage_since = lmdb->now,
                                   .version = 1,
                                   .employees = (int32_t)strtol(reader->fields[4], NULL, 10),
                                   .stage = 1,
                                   .created_by = 1,
                                   .modified_by = 1};
    /* Ascending, as version 7. */
    uint64_t id[2] = {__builtin_bswap64((uint64_t)number), data_random(&lmdb->seed)};
    memcpy(head.id, id, sizeof head.id);
    size_t length = packed_customer(&head, texts, record);
    return lmdb_put_record(lmdb, KV_CUSTOMER, number, record, length, MDB_APPEND) &&
           kv_index_customer(record, number, lmdb_put_now, lmdb) &&
           lmdb_add_transition(lmdb, KV_KIND_CUSTOMER, number, 0, 1, lmdb_put_now, lmdb);
}

/* An entry of an index from the old text to the new one, if they differ. */
static bool move_text(struct lmdb *lmdb, enum kv_table table, const char *old, const char *new, uint32_t number)
{
    char from[TEXT_KEY], to[TEXT_KEY];
    size_t from_length = text_lower(old, from), to_length = text_lower(new, to);
    return strcmp(from, to) == 0 || (lmdb_take_now(lmdb, table, from, from_length, &number, sizeof number) &&
                                     lmdb_put_now(lmdb, table, to, to_length, &number, sizeof number));
}

static bool import_update(struct lmdb *lmdb, const struct csv_reader *reader, uint32_t number)
{
    MDB_val key = {sizeof number, &number}, old;
    uint8_t record[PACKED_MAX];
    char texts[PACKED_TEXTS][TEXT_KEY];
    int status = mdb_get(lmdb->write, lmdb->file->tables[KV_CUSTOMER], &key, &old);
    if (status != MDB_SUCCESS)
        return lmdb_fail("customer", status);
    struct packed_customer head = packed_get_customer(old.mv_data);
    for (int i = 0; i < PACKED_TEXTS; i++) {
        size_t length;
        const char *text = packed_text(&head, old.mv_data, (enum packed_text)i, &length);
        snprintf(texts[i], TEXT_KEY, "%.*s", (int)length, text);
    }
    const char *const all[PACKED_TEXTS] = {reader->fields[0],   reader->fields[3],      texts[PACKED_EMAIL],
                                           texts[PACKED_PHONE], texts[PACKED_EXTERNAL], reader->fields[5]};
    head.employees = (int32_t)strtol(reader->fields[4], NULL, 10);
    head.modified_at = lmdb->now;
    head.version++;
    return move_text(lmdb, KV_CUSTOMER_NAME, texts[PACKED_NAME], all[PACKED_NAME], number) &&
           move_text(lmdb, KV_CUSTOMER_CITY, texts[PACKED_CITY], all[PACKED_CITY], number) &&
           lmdb_put_record(lmdb, KV_CUSTOMER, number, record, packed_customer(&head, all, record), 0);
}

static bool import_row(struct lmdb *lmdb, const struct csv_reader *reader, uint64_t *created, uint64_t *updated)
{
    char address[TEXT_KEY];
    MDB_val key = {text_lower(reader->fields[1], address), address}, value;
    uint32_t number;
    int status = mdb_get(lmdb->write, lmdb->file->tables[KV_CUSTOMER_EMAIL], &key, &value);
    if (status == MDB_NOTFOUND)
        return import_insert(lmdb, reader, (uint32_t)(*created)++);
    if (status != MDB_SUCCESS)
        return lmdb_fail("e-mail", status);
    memcpy(&number, value.mv_data, sizeof number);
    ++*updated;
    return import_update(lmdb, reader, number);
}

static bool import_rows(struct lmdb *lmdb, struct csv_reader *reader, uint64_t *created, uint64_t *updated)
{
    bool ok = lmdb_begin(lmdb, lmdb->file->data->to);
    while (ok && csv_reader_row(reader) != 0) {
        ok = import_row(lmdb, reader, created, updated);
        if (ok && (*created + *updated) % IMPORT_TRANSACTION == 0)
            ok = lmdb_commit(lmdb) && lmdb_begin(lmdb, lmdb->file->data->to);
    }
    return lmdb_commit(lmdb) && ok;
}

/* As SQLite's: row by row, into every index at once. */
bool lmdb_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated)
{
    struct lmdb *lmdb = self;
    struct csv_reader *reader = csv_reader_open(csv);
    bool ok = reader != NULL && lmdb_open(lmdb, ENGINE_BULK) && import_rows(lmdb, reader, created, updated);
    if (lmdb->file->env != NULL)
        ok = lmdb_close(lmdb) && ok;
    if (reader != NULL)
        csv_reader_close(reader);
    return ok;
}
