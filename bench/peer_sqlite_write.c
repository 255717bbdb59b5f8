/* peer_sqlite_write: SQLite's changes, the feed of them, compaction, CSV in and
 * out: the importer is a straightforward one, as one would write it by hand: a
 * reader of quoted CSV, prepared statements, one transaction, the duplicate
 * found by the index on e-mail and updated. */
#include "peer_sqlite.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>

static bool change_add(void *self, uint32_t record, int64_t value)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_INTERACTION];
    uint8_t id[16];
    data_make_id(&peer->seed, peer->now, id);
    sqlite3_clear_bindings(s);
    sqlite3_bind_blob(s, 1, id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, record);
    sqlite3_bind_int(s, 3, 1);
    sqlite3_bind_int64(s, 4, value);
    peer_text(s, 9, "Called about the offer");
    sqlite3_bind_int64(s, 12, peer->now);
    return peer_step(peer, PEER_INTERACTION);
}

/* Binds UUID and time of an update of a customer. */
static sqlite3_stmt *customer_statement(struct peer *peer, enum peer_statement which, uint32_t record)
{
    sqlite3_stmt *s = peer->statements[which];
    sqlite3_bind_blob(s, 1, peer->file->data->customers[record].id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, peer->now);
    return s;
}

static bool change_stage(void *self, uint32_t record, int64_t value)
{
    struct peer *peer = self;
    sqlite3_stmt *move = customer_statement(peer, PEER_MOVE, record);
    sqlite3_bind_int64(move, 3, value);
    if (sqlite3_step(move) != SQLITE_ROW)
        return peer_fail(peer, "stage change");
    int64_t number = sqlite3_column_int64(move, 0);
    sqlite3_reset(move);
    return peer_transition(peer, PEER_KIND_CUSTOMER, number, peer->now, 2, (int)value);
}

static bool change_field(void *self, uint32_t record, int64_t value)
{
    struct peer *peer = self;
    sqlite3_bind_int64(customer_statement(peer, PEER_SET, record), 3, value);
    return peer_step(peer, PEER_SET);
}

static bool change_logged(void *self, uint32_t record, int64_t value)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_BY_ID], *log = peer->statements[PEER_LOG];
    sqlite3_bind_blob(s, 1, peer->file->data->customers[record].id, 16, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_ROW)
        return peer_fail(peer, "customer by id");
    sqlite3_bind_int64(log, 1, peer->now);
    sqlite3_bind_int64(log, 2, sqlite3_column_int64(s, 5));
    sqlite3_bind_value(log, 3, sqlite3_column_value(s, 6));
    sqlite3_bind_int64(log, 4, value);
    sqlite3_reset(s);
    return peer_step(peer, PEER_LOG) && change_field(peer, record, value);
}

static bool change_interaction(struct peer *peer, enum peer_statement which, uint32_t record)
{
    sqlite3_stmt *s = peer->statements[which];
    sqlite3_bind_blob(s, 1, peer->file->data->interactions[record].id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, peer->now);
    return peer_step(peer, which);
}

static bool change_delete(void *self, uint32_t record, int64_t value)
{
    (void)value;
    return change_interaction(self, PEER_DELETE, record);
}

static bool change_restore(void *self, uint32_t record, int64_t value)
{
    (void)value;
    return change_interaction(self, PEER_RESTORE, record);
}

engine_change *const peer_changes[CHANGES] = {
    [CHANGE_ADD] = change_add,       [CHANGE_STAGE] = change_stage,   [CHANGE_FIELD] = change_field,
    [CHANGE_LOGGED] = change_logged, [CHANGE_DELETE] = change_delete, [CHANGE_RESTORE] = change_restore,
};

bool peer_feed(void *self, uint32_t changes, uint32_t batch, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_stmt *last = peer->statements[PEER_LAST_CHANGE], *s = peer->statements[PEER_FEED];
    int status;
    (void)batch;
    if (sqlite3_step(last) != SQLITE_ROW)
        return peer_fail(peer, "last change");
    sqlite3_bind_int64(s, 1, sqlite3_column_int64(last, 0) - changes);
    sqlite3_reset(last);
    while ((status = sqlite3_step(s)) == SQLITE_ROW)
        for (int column = 0; column < 3; column++)
            *sum = data_mix(*sum, (uint64_t)sqlite3_column_int64(s, column));
    sqlite3_reset(s);
    return status == SQLITE_DONE || peer_fail(peer, "feed");
}

bool peer_compact(void *self)
{
    return peer_run(self, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
}

/* ------------------------------------------------------------ export */

bool peer_export_csv(void *self, const char *path)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_EXPORT];
    struct csv_writer *writer = csv_writer_open(path);
    int status;
    if (writer == NULL)
        return false;
    while ((status = sqlite3_step(s)) == SQLITE_ROW) {
        const char *subject = (const char *)sqlite3_column_text(s, 2);
        csv_writer_row(writer, sqlite3_column_int(s, 0), sqlite3_column_int64(s, 1), subject,
                       (size_t)sqlite3_column_bytes(s, 2), sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 5),
                       sqlite3_column_int(s, 6), sqlite3_column_int(s, 7));
    }
    sqlite3_reset(s);
    return csv_writer_close(writer) && (status == SQLITE_DONE || peer_fail(peer, "export"));
}

/* ------------------------------------------------------------ import */

static bool import_update(struct peer *peer, const struct csv_reader *reader, int64_t customer)
{
    sqlite3_stmt *s = peer->statements[PEER_UPDATE];
    sqlite3_bind_int64(s, 1, customer);
    peer_text(s, 2, reader->fields[0]);
    peer_text(s, 3, reader->fields[3]);
    sqlite3_bind_int64(s, 4, strtoll(reader->fields[4], NULL, 10));
    peer_text(s, 5, reader->fields[5]);
    sqlite3_bind_int64(s, 6, peer->now);
    return peer_step(peer, PEER_UPDATE);
}

static bool import_insert(struct peer *peer, const struct csv_reader *reader, const char *address, int64_t number)
{
    sqlite3_stmt *s = peer->statements[PEER_CUSTOMER], *e = peer->statements[PEER_EMAIL];
    sqlite3_stmt *p = peer->statements[PEER_PHONE];
    uint64_t id[2] = {__builtin_bswap64((uint64_t)number), data_random(&peer->seed)}; /* ascending, as version 7 */
    char reversed[TEXT_KEY];
    sqlite3_clear_bindings(s);
    sqlite3_bind_int64(s, 1, number);
    sqlite3_bind_blob(s, 2, id, 16, SQLITE_STATIC);
    peer_text(s, 3, reader->fields[0]);
    sqlite3_bind_int(s, 4, 1);
    peer_text(s, 6, reader->fields[3]);
    sqlite3_bind_int64(s, 8, strtoll(reader->fields[4], NULL, 10));
    peer_text(s, 9, reader->fields[5]);
    sqlite3_bind_int64(s, 10, peer->now);
    sqlite3_bind_int64(e, 1, number);
    peer_text(e, 2, address);
    text_reversed_digits(reader->fields[2], reversed);
    sqlite3_bind_int64(p, 1, number);
    peer_text(p, 2, reader->fields[2]);
    peer_text(p, 3, reversed);
    return peer_step(peer, PEER_CUSTOMER) && peer_step(peer, PEER_EMAIL) && peer_step(peer, PEER_PHONE) &&
           peer_transition(peer, PEER_KIND_CUSTOMER, number, peer->now, 0, 1);
}

static bool import_rows(struct peer *peer, struct csv_reader *reader, uint64_t *created, uint64_t *updated)
{
    sqlite3_stmt *find = peer->statements[PEER_FIND_EMAIL];
    char address[TEXT_KEY];
    bool ok = true;
    while (ok && csv_reader_row(reader) != 0) {
        text_lower(reader->fields[1], address);
        peer_text(find, 1, address);
        int status = sqlite3_step(find);
        int64_t customer = status == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
        sqlite3_reset(find);
        if (status == SQLITE_ROW) {
            ok = import_update(peer, reader, customer);
            ++*updated;
        } else {
            ok = import_insert(peer, reader, address, (int64_t)(*created)++);
        }
    }
    return ok;
}

bool peer_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated)
{
    struct peer *peer = self;
    struct csv_reader *reader = csv_reader_open(csv);
    peer->now = peer->file->data->to;
    bool ok = reader != NULL && peer_open(peer, ENGINE_BULK) && peer_step(peer, PEER_BEGIN) &&
              import_rows(peer, reader, created, updated) && peer_step(peer, PEER_COMMIT);
    if (peer->db != NULL)
        ok = peer_close(peer) && ok;
    if (reader != NULL)
        csv_reader_close(reader);
    return ok;
}
