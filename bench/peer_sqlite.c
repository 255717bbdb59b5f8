/* peer_sqlite: SQLite's side: opening, loading, transactions.
 *
 * Settings: WAL, pages of 8 KiB, 1 GiB page cache, 2 GiB mapped (the most that
 * Debian's build allows), temporary storage in memory, no mutexes, statements
 * prepared once.  The load is one transaction, at whose end the indexes are
 * made: a third faster than rows into indexes.  Synchronous is NORMAL for
 * loading and for work, as libcrm's deferred mode: on disk when the file is
 * closed, whole after a crash; FULL for durable commits.  Each session has a
 * connection of its own.
 */
#include "peer_sqlite.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 4096 };

static void peer_describe(char *out, size_t size)
{
    snprintf(out, size,
             "version=%s journal=WAL page=8192 cache=1GiB mmap=2GiB temp_store=MEMORY wal_autocheckpoint=4000"
             " load_and_work=synchronous=NORMAL durable=synchronous=FULL threads=NOMUTEX,connection_each"
             " load=one_transaction,indexes_last",
             sqlite3_libversion());
}

bool peer_fail(const struct peer *peer, const char *what)
{
    fprintf(stderr, "bench: sqlite: %s: %s\n", what, sqlite3_errmsg(peer->db));
    return false;
}

bool peer_run(struct peer *peer, const char *text)
{
    return sqlite3_exec(peer->db, text, NULL, NULL, NULL) == SQLITE_OK || peer_fail(peer, text);
}

bool peer_step(struct peer *peer, enum peer_statement which)
{
    int status = sqlite3_step(peer->statements[which]);
    sqlite3_reset(peer->statements[which]);
    return status == SQLITE_DONE || status == SQLITE_ROW || peer_fail(peer, peer_sql[which]);
}

static bool prepare_lookups(struct peer *peer)
{
    for (int k = 0; k < PEER_LOOKUPS; k++) {
        char text[80];
        snprintf(text, sizeof text, "SELECT COUNT(*) FROM customer WHERE lookup_%d = ?1", k);
        if (sqlite3_prepare_v3(peer->db, text, -1, SQLITE_PREPARE_PERSISTENT, &peer->lookups[k], NULL) != SQLITE_OK)
            return peer_fail(peer, text);
    }
    return true;
}

static bool create_tables(struct peer *peer)
{
    return peer_run(peer, peer_tables) && (!peer->file->lookups || peer_run(peer, peer_lookup_columns));
}

static bool create_indexes(struct peer *peer)
{
    return peer_run(peer, peer_indexes) && (!peer->file->lookups || peer_run(peer, peer_lookup_indexes));
}

static bool connect(struct peer *peer)
{
    if (sqlite3_open_v2(peer->file->path, &peer->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return peer_fail(peer, peer->file->path);
    if (!peer_run(peer, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA cache_size=-1048576;"
                        "PRAGMA mmap_size=2147418112; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=4000") ||
        !peer_run(peer, peer->file->mode == ENGINE_DURABLE ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"))
        return false;
    /* After the settings: a statement prepared before them would not know the schema. */
    if (sqlite3_table_column_metadata(peer->db, NULL, "customer", NULL, NULL, NULL, NULL, NULL, NULL) != SQLITE_OK &&
        (!create_tables(peer) || (!peer->file->loading && !create_indexes(peer))))
        return false;
    for (int i = 0; i < PEER_STATEMENTS; i++) {
        const char *text = i == PEER_CUSTOMER && peer->file->lookups ? peer_lookup_customer : peer_sql[i];
        if (sqlite3_prepare_v3(peer->db, text, -1, SQLITE_PREPARE_PERSISTENT, &peer->statements[i], NULL) != SQLITE_OK)
            return peer_fail(peer, text);
    }
    peer->seed = data_seed();
    return !peer->file->lookups || prepare_lookups(peer);
}

static bool disconnect(struct peer *peer)
{
    for (int i = 0; i < PEER_STATEMENTS; i++) {
        sqlite3_finalize(peer->statements[i]);
        peer->statements[i] = NULL;
    }
    for (int k = 0; k < PEER_LOOKUPS; k++) {
        sqlite3_finalize(peer->lookups[k]);
        peer->lookups[k] = NULL;
    }
    if (sqlite3_close(peer->db) != SQLITE_OK)
        return peer_fail(peer, "close");
    peer->db = NULL;
    return true;
}

bool peer_open(void *self, enum engine_mode mode)
{
    struct peer *peer = self;
    peer->file->mode = mode;
    return connect(peer);
}

bool peer_close(void *self)
{
    return disconnect(self);
}

static void peer_destroy(void *self)
{
    struct peer *peer = self;
    free(peer->file->pick_ids);
    free(peer->file->deep_cursors);
    free(peer->file->path);
    pthread_mutex_destroy(&peer->file->writer);
    free(peer->file);
    free(peer);
}

static void *peer_create(const struct data *data, const char *folder)
{
    struct peer *peer = calloc(1, sizeof *peer);
    struct peer_file *file = calloc(1, sizeof *file);
    if (peer == NULL || file == NULL || pthread_mutex_init(&file->writer, NULL) != 0) {
        free(peer);
        free(file);
        return NULL;
    }
    peer->file = file;
    file->data = data;
    file->path = malloc(PATH);
    file->pick_ids = calloc(data->pick_count, sizeof *file->pick_ids);
    file->deep_cursors = calloc(data->deep_count, sizeof *file->deep_cursors);
    if (file->path == NULL || file->pick_ids == NULL || file->deep_cursors == NULL) {
        peer_destroy(peer);
        return NULL;
    }
    snprintf(file->path, PATH, "%s/bench.db", folder);
    for (uint32_t i = 0; i < data->pick_count; i++)
        memcpy(file->pick_ids[i], data->customers[data->picks[i]].id, 16);
    return peer;
}

static void *peer_attach(void *self)
{
    const struct peer *first = self;
    struct peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        return NULL;
    peer->file = first->file;
    if (connect(peer))
        return peer;
    disconnect(peer);
    free(peer);
    return NULL;
}

static void peer_detach(void *session)
{
    disconnect(session);
    free(session);
}

bool peer_begin(void *self, int64_t now)
{
    struct peer *peer = self;
    peer->now = now;
    pthread_mutex_lock(&peer->file->writer);
    if (peer_step(peer, PEER_BEGIN))
        return true;
    pthread_mutex_unlock(&peer->file->writer);
    return false;
}

bool peer_commit(void *self)
{
    struct peer *peer = self;
    bool ok = peer_step(peer, PEER_COMMIT);
    pthread_mutex_unlock(&peer->file->writer);
    return ok;
}

/* ------------------------------------------------------------ load */

bool peer_transition(struct peer *peer, int kind, int64_t subject, int64_t at, int from, int to)
{
    sqlite3_stmt *s = peer->statements[PEER_TRANSITION];
    uint8_t id[16];
    data_make_id(&peer->seed, at, id);
    sqlite3_bind_blob(s, 1, id, 16, SQLITE_STATIC);
    sqlite3_bind_int(s, 2, kind);
    sqlite3_bind_int64(s, 3, subject);
    sqlite3_bind_int64(s, 4, at);
    peer_number(s, 5, from);
    sqlite3_bind_int(s, 6, to);
    return peer_step(peer, PEER_TRANSITION);
}

static bool load_users(struct peer *peer)
{
    sqlite3_stmt *user = NULL;
    bool ok =
        sqlite3_prepare_v2(peer->db, "INSERT INTO user VALUES(?1, ?2, 'user ' || ?1)", -1, &user, NULL) == SQLITE_OK;
    for (int i = 0; ok && i < DATA_USERS; i++) {
        sqlite3_bind_int(user, 1, i);
        sqlite3_bind_blob(user, 2, peer->file->data->user_ids[i], 16, SQLITE_STATIC);
        ok = sqlite3_step(user) == SQLITE_DONE && sqlite3_reset(user) == SQLITE_OK;
    }
    sqlite3_finalize(user);
    return ok || peer_fail(peer, "users");
}

static void bind_lookups(struct peer *peer, uint32_t i)
{
    sqlite3_stmt *s = peer->statements[PEER_CUSTOMER];
    const struct data_lookups *l = &peer->file->data->lookups[i];
    for (int k = 0; k < DATA_LOOKUP_TEXTS; k++)
        peer_text(s, 11 + k, l->texts[k]);
    for (int k = 0; k < DATA_LOOKUP_NUMBERS; k++)
        sqlite3_bind_int64(s, 11 + DATA_LOOKUP_TEXTS + k, l->numbers[k]);
}

static bool load_customer(struct peer *peer, uint32_t i)
{
    const struct data_customer *c = &peer->file->data->customers[i];
    sqlite3_stmt *s = peer->statements[PEER_CUSTOMER], *e = peer->statements[PEER_EMAIL];
    sqlite3_stmt *p = peer->statements[PEER_PHONE];
    int64_t at = data_batch_time(peer->file->data, i / DATA_BATCH);
    char address[TEXT_KEY], reversed[TEXT_KEY];
    sqlite3_bind_int64(s, 1, i);
    sqlite3_bind_blob(s, 2, c->id, 16, SQLITE_STATIC);
    peer_text(s, 3, c->name);
    sqlite3_bind_int(s, 4, c->stage);
    sqlite3_bind_int(s, 5, c->owner);
    peer_text(s, 6, c->city);
    peer_text(s, 7, c->external_id);
    sqlite3_bind_int64(s, 10, at);
    if (peer->file->lookups)
        bind_lookups(peer, i);
    sqlite3_bind_int64(e, 1, i);
    text_lower(c->email, address);
    peer_text(e, 2, address);
    sqlite3_bind_int64(p, 1, i);
    peer_text(p, 2, c->phone);
    text_reversed_digits(c->phone, reversed);
    peer_text(p, 3, reversed);
    return peer_step(peer, PEER_CUSTOMER) && peer_step(peer, PEER_EMAIL) && peer_step(peer, PEER_PHONE) &&
           peer_transition(peer, PEER_KIND_CUSTOMER, i, at, 0, c->stage);
}

static bool load_interaction(struct peer *peer, uint32_t i)
{
    const struct data_interaction *x = &peer->file->data->interactions[i];
    sqlite3_stmt *s = peer->statements[PEER_INTERACTION];
    sqlite3_bind_blob(s, 1, x->id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, x->customer);
    sqlite3_bind_int(s, 3, x->type);
    sqlite3_bind_int64(s, 4, x->start);
    peer_number(s, 5, x->amount);
    peer_number(s, 6, x->amount != 0 ? 978 : 0);
    sqlite3_bind_int(s, 7, x->channel);
    sqlite3_bind_int(s, 8, x->direction);
    peer_text(s, 9, x->subject);
    peer_number(s, 10, x->due);
    sqlite3_bind_int(s, 11, x->owner);
    sqlite3_bind_int64(s, 12, data_batch_time(peer->file->data, (peer->file->data->customer_count + i) / DATA_BATCH));
    return peer_step(peer, PEER_INTERACTION);
}

static bool load_deal(struct peer *peer, uint32_t i)
{
    const struct data *data = peer->file->data;
    const struct data_deal *d = &data->deals[i];
    int64_t at = data_batch_time(data, (data->customer_count + data->interaction_count + i) / DATA_BATCH);
    sqlite3_stmt *s = peer->statements[PEER_DEAL];
    sqlite3_bind_blob(s, 1, d->id, 16, SQLITE_STATIC);
    peer_text(s, 2, d->name);
    sqlite3_bind_int64(s, 3, d->customer);
    sqlite3_bind_int(s, 4, d->stage);
    sqlite3_bind_int(s, 5, d->owner);
    sqlite3_bind_int64(s, 6, d->amount);
    sqlite3_bind_int(s, 7, data_probability[d->stage]);
    sqlite3_bind_int(s, 8, d->stage < 5 ? 1 : d->stage - 3);
    sqlite3_bind_int(s, 9, d->close_date);
    peer_number(s, 10, d->closed_at);
    peer_number(s, 11, d->stage == 6 ? 1 : 0);
    sqlite3_bind_int64(s, 12, at);
    if (sqlite3_step(s) != SQLITE_ROW)
        return peer_fail(peer, "deal");
    int64_t number = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return peer_transition(peer, PEER_KIND_DEAL, number, at, 0, d->stage);
}

bool peer_load(void *self, bool lookups)
{
    struct peer *peer = self;
    const struct data *data = peer->file->data;
    peer->file->lookups = lookups;
    peer->file->loading = true;
    bool ok = peer_open(peer, ENGINE_BULK) && peer_step(peer, PEER_BEGIN) && load_users(peer);
    for (uint32_t i = 0; ok && i < data->customer_count; i++)
        ok = load_customer(peer, i);
    for (uint32_t i = 0; ok && !lookups && i < data->interaction_count; i++)
        ok = load_interaction(peer, i);
    for (uint32_t i = 0; ok && !lookups && i < data->deal_count; i++)
        ok = load_deal(peer, i);
    peer->file->loading = false;
    ok = ok && create_indexes(peer) && peer_step(peer, PEER_COMMIT) &&
         peer_run(peer, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize");
    return peer_close(peer) && ok;
}

const struct engine engine_sqlite = {
    .name = "sqlite",
    .describe = peer_describe,
    .create = peer_create,
    .destroy = peer_destroy,
    .load = peer_load,
    .open = peer_open,
    .close = peer_close,
    .attach = peer_attach,
    .detach = peer_detach,
    .hold = peer_hold,
    .prepare = peer_prepare,
    .questions = peer_questions,
    .begin = peer_begin,
    .commit = peer_commit,
    .changes = peer_changes,
    .feed = peer_feed,
    .export_csv = peer_export_csv,
    .import_csv = peer_import_csv,
    .compact = peer_compact,
};
