/* peer_import: a straightforward CSV importer on SQLite, as one would write it
 * by hand: a reader of quoted CSV, prepared statements, one transaction, the
 * duplicate found by the index on e-mail and updated.
 */
#include "peer_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 6, BUFFER = 1 << 20, ROW_MAX = 4096 };

struct reader {
    FILE *file;
    char *buffer;
    size_t at, length;
    char row[ROW_MAX];
    const char *fields[FIELDS];
};

static int reader_byte(struct reader *reader)
{
    if (reader->at == reader->length) {
        reader->length = fread(reader->buffer, 1, BUFFER, reader->file);
        reader->at = 0;
        if (reader->length == 0)
            return EOF;
    }
    return (unsigned char)reader->buffer[reader->at++];
}

/* The next row's fields; the number of them, 0 at the end. */
static int reader_row(struct reader *reader)
{
    size_t n = 0;
    int count = 0, byte;
    bool quoted = false;
    reader->fields[0] = reader->row;
    while ((byte = reader_byte(reader)) != EOF && n + 2 < ROW_MAX) {
        if (byte == '"') {
            quoted = !quoted;
        } else if (!quoted && (byte == ',' || byte == '\n')) {
            reader->row[n++] = '\0';
            if (byte == '\n')
                return count + 1;
            if (++count == FIELDS)
                return 0;
            reader->fields[count] = reader->row + n;
        } else {
            reader->row[n++] = (char)byte;
        }
    }
    return 0;
}

static bool import_update(struct peer *peer, const struct reader *reader, int64_t customer)
{
    sqlite3_stmt *s = peer->statements[PEER_UPDATE];
    sqlite3_bind_int64(s, 1, customer);
    peer_text(s, 2, reader->fields[0]);
    peer_text(s, 3, reader->fields[3]);
    sqlite3_bind_int64(s, 4, strtoll(reader->fields[4], NULL, 10));
    peer_text(s, 5, reader->fields[5]);
    sqlite3_bind_int64(s, 6, peer->data->to);
    return peer_step(peer, PEER_UPDATE);
}

static bool import_insert(struct peer *peer, const struct reader *reader, const char *address, int64_t number,
                          uint64_t *seed)
{
    sqlite3_stmt *s = peer->statements[PEER_CUSTOMER], *e = peer->statements[PEER_EMAIL];
    sqlite3_stmt *p = peer->statements[PEER_PHONE];
    uint64_t id[2] = {__builtin_bswap64((uint64_t)number), data_random(seed)}; /* ascending, as version 7 */
    char reversed[64];
    sqlite3_clear_bindings(s);
    sqlite3_bind_int64(s, 1, number);
    sqlite3_bind_blob(s, 2, id, 16, SQLITE_STATIC);
    peer_text(s, 3, reader->fields[0]);
    sqlite3_bind_int(s, 4, 1);
    peer_text(s, 6, reader->fields[3]);
    sqlite3_bind_int64(s, 8, strtoll(reader->fields[4], NULL, 10));
    peer_text(s, 9, reader->fields[5]);
    sqlite3_bind_int64(s, 10, peer->data->to);
    sqlite3_bind_int64(e, 1, number);
    peer_text(e, 2, address);
    peer_reverse_digits(reader->fields[2], reversed, sizeof reversed);
    sqlite3_bind_int64(p, 1, number);
    peer_text(p, 2, reader->fields[2]);
    peer_text(p, 3, reversed);
    return peer_step(peer, PEER_CUSTOMER) && peer_step(peer, PEER_EMAIL) && peer_step(peer, PEER_PHONE) &&
           peer_transition(peer, number, peer->data->to, 0, 1, seed);
}

static bool import_rows(struct peer *peer, struct reader *reader, uint64_t *created, uint64_t *updated)
{
    sqlite3_stmt *find = peer->statements[PEER_FIND_EMAIL];
    uint64_t seed = UINT64_C(0x1d3);
    char address[128];
    bool ok = reader_row(reader) == FIELDS; /* the header */
    while (ok && reader_row(reader) == FIELDS) {
        peer_lower(reader->fields[1], address, sizeof address);
        peer_text(find, 1, address);
        int status = sqlite3_step(find);
        int64_t customer = status == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
        sqlite3_reset(find);
        if (status == SQLITE_ROW) {
            ok = import_update(peer, reader, customer);
            ++*updated;
        } else {
            ok = import_insert(peer, reader, address, (int64_t)++ * created, &seed);
        }
    }
    return ok;
}

bool peer_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated)
{
    struct peer *peer = self;
    struct peer other = {.data = peer->data};
    struct reader reader = {.file = fopen(csv, "r"), .buffer = malloc(BUFFER)};
    char path[4096];
    snprintf(path, sizeof path, "%s-import", peer->path);
    peer_remove(path);
    *created = *updated = 0;
    bool ok = reader.file != NULL && reader.buffer != NULL && peer_open_path(&other, path, ENGINE_BULK) &&
              peer_step(&other, PEER_BEGIN) && import_rows(&other, &reader, created, updated) &&
              peer_step(&other, PEER_COMMIT);
    if (other.db != NULL)
        ok = peer_close(&other) && ok;
    if (reader.file != NULL)
        fclose(reader.file);
    free(reader.buffer);
    peer_remove(path);
    return ok;
}
