/* peer_lmdb: LMDB's side: the environment, transactions.
 *
 * For loading and for work MDB_NOSYNC: the system puts pages on disk when it
 * likes, in any order: after a power cut the file may be broken, where libcrm
 * and SQLite would lose the last commits at most; a crash of the process alone
 * loses nothing.  LMDB has no mode between this and a sync at each commit, so it
 * is given the one that favours it.  With that, writing through the map
 * (MDB_WRITEMAP) takes a third of the time of small commits, and makes the load
 * a third slower: it is on for work alone.  Durable commits are LMDB's default.
 * The load sorts and appends (MDB_APPEND); at its end the file is synced.
 */
#include "peer_lmdb.h"

#include <stdio.h>
#include <stdlib.h>

#define MAP_SIZE ((size_t)32 << 30)

static void lmdb_describe(char *out, size_t size)
{
    snprintf(out, size,
             "version=%d.%d.%d map=32GiB flags=NORDAHEAD,NOMEMINIT,NOTLS load=NOSYNC,sorted,MDB_APPEND,sync_at_end"
             " work=NOSYNC,WRITEMAP durable=default,two_syncs reads=mdb_txn_renew_a_request",
             MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
}

bool lmdb_fail(const char *what, int status)
{
    fprintf(stderr, "bench: lmdb: %s: %s\n", what, mdb_strerror(status));
    return false;
}

/* ------------------------------------------------------------ tables */

/* How LMDB is told. */
static unsigned flags_of(enum kv_table table)
{
    static const unsigned holds[] = {[KV_RECORDS] = 0,
                                     [KV_ONE] = 0,
                                     [KV_MANY] = MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP,
                                     [KV_LINES] = MDB_DUPSORT | MDB_DUPFIXED};
    return holds[kv_tables[table].holds] | (kv_tables[table].number_key ? (unsigned)MDB_INTEGERKEY : 0u);
}

static bool open_tables(struct lmdb *lmdb)
{
    struct lmdb_file *file = lmdb->file;
    MDB_txn *txn;
    int status = mdb_txn_begin(file->env, NULL, 0, &txn);
    if (status != MDB_SUCCESS)
        return lmdb_fail("begin", status);
    int count = file->lookups ? KV_TABLES : KV_LOOKUP;
    for (int i = 0; status == MDB_SUCCESS && i < count; i++)
        status = mdb_dbi_open(txn, kv_tables[i].name, MDB_CREATE | flags_of((enum kv_table)i), &file->tables[i]);
    int committed = mdb_txn_commit(txn);
    return (status == MDB_SUCCESS && committed == MDB_SUCCESS) ||
           lmdb_fail("tables", status != MDB_SUCCESS ? status : committed);
}

/* ------------------------------------------------------------ open */

/* A read transaction that rests until the first request. */
static bool start_reading(struct lmdb *lmdb)
{
    int status = mdb_txn_begin(lmdb->file->env, NULL, MDB_RDONLY, &lmdb->read);
    if (status != MDB_SUCCESS)
        return lmdb_fail("begin", status);
    mdb_txn_reset(lmdb->read);
    lmdb->seed = data_seed();
    return true;
}

static void stop_reading(struct lmdb *lmdb)
{
    for (int i = 0; i < KV_TABLES; i++)
        if (lmdb->cursors[i] != NULL)
            mdb_cursor_close(lmdb->cursors[i]);
    memset(lmdb->cursors, 0, sizeof lmdb->cursors);
    if (lmdb->read != NULL)
        mdb_txn_abort(lmdb->read);
    lmdb->read = NULL;
}

bool lmdb_open(void *self, enum engine_mode mode)
{
    static const unsigned modes[] = {
        [ENGINE_BULK] = MDB_NOSYNC, [ENGINE_NORMAL] = MDB_NOSYNC | MDB_WRITEMAP, [ENGINE_DURABLE] = 0};
    struct lmdb *lmdb = self;
    unsigned flags = MDB_NORDAHEAD | MDB_NOMEMINIT | MDB_NOTLS | modes[mode];
    lmdb->file->mode = mode;
    int status = mdb_env_create(&lmdb->file->env);
    if (status != MDB_SUCCESS)
        return lmdb_fail("environment", status);
    mdb_env_set_maxdbs(lmdb->file->env, KV_TABLES);
    mdb_env_set_mapsize(lmdb->file->env, MAP_SIZE);
    status = mdb_env_open(lmdb->file->env, lmdb->file->folder, flags, 0666);
    if (status != MDB_SUCCESS)
        return lmdb_fail(lmdb->file->folder, status);
    return open_tables(lmdb) && start_reading(lmdb);
}

bool lmdb_close(void *self)
{
    struct lmdb *lmdb = self;
    stop_reading(lmdb);
    int status = mdb_env_sync(lmdb->file->env, 1);
    mdb_env_close(lmdb->file->env);
    lmdb->file->env = NULL;
    return status == MDB_SUCCESS || lmdb_fail("sync", status);
}

static void lmdb_destroy(void *self)
{
    struct lmdb *lmdb = self;
    free(lmdb->file->pick_ids);
    free(lmdb->file->deep_cursors);
    free(lmdb->file->folder);
    free(lmdb->file);
    free(lmdb);
}

static void *lmdb_create(const struct data *data, const char *folder)
{
    struct lmdb *lmdb = calloc(1, sizeof *lmdb);
    struct lmdb_file *file = calloc(1, sizeof *file);
    if (lmdb == NULL || file == NULL) {
        free(lmdb);
        free(file);
        return NULL;
    }
    lmdb->file = file;
    file->data = data;
    file->folder = strdup(folder);
    file->pick_ids = calloc(data->pick_count, sizeof *file->pick_ids);
    file->deep_cursors = calloc(data->deep_count, sizeof *file->deep_cursors);
    if (file->folder == NULL || file->pick_ids == NULL || file->deep_cursors == NULL) {
        lmdb_destroy(lmdb);
        return NULL;
    }
    for (uint32_t i = 0; i < data->pick_count; i++)
        memcpy(file->pick_ids[i], data->customers[data->picks[i]].id, 16);
    return lmdb;
}

static void *lmdb_attach(void *self)
{
    const struct lmdb *first = self;
    struct lmdb *lmdb = calloc(1, sizeof *lmdb);
    if (lmdb == NULL)
        return NULL;
    lmdb->file = first->file;
    if (start_reading(lmdb))
        return lmdb;
    free(lmdb);
    return NULL;
}

static void lmdb_detach(void *session)
{
    stop_reading(session);
    free(session);
}

/* ------------------------------------------------------------ writing */

bool lmdb_begin(void *self, int64_t now)
{
    struct lmdb *lmdb = self;
    lmdb->now = now;
    int status = mdb_txn_begin(lmdb->file->env, NULL, 0, &lmdb->write);
    memset(lmdb->known, 0, sizeof lmdb->known);
    return status == MDB_SUCCESS || lmdb_fail("begin", status);
}

bool lmdb_commit(void *self)
{
    struct lmdb *lmdb = self;
    int status = mdb_txn_commit(lmdb->write);
    lmdb->write = NULL;
    return status == MDB_SUCCESS || lmdb_fail("commit", status);
}

/* Read once a transaction, since another session may have taken some in between. */
bool lmdb_next(struct lmdb *lmdb, enum kv_table table, uint32_t *number)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    if (!lmdb->known[table]) {
        int status = mdb_cursor_open(lmdb->write, lmdb->file->tables[table], &cursor);
        if (status != MDB_SUCCESS)
            return lmdb_fail("cursor", status);
        status = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
        lmdb->next[table] = 0;
        if (status == MDB_SUCCESS) {
            memcpy(&lmdb->next[table], key.mv_data, sizeof lmdb->next[table]);
            lmdb->next[table]++;
        }
        mdb_cursor_close(cursor);
        if (status != MDB_SUCCESS && status != MDB_NOTFOUND)
            return lmdb_fail("last", status);
        lmdb->known[table] = true;
    }
    *number = lmdb->next[table]++;
    return true;
}

bool lmdb_put_now(void *self, enum kv_table table, const void *key, size_t key_length, const void *value,
                  size_t value_length)
{
    const struct lmdb *lmdb = self;
    MDB_val k = {key_length, (void *)(uintptr_t)key}, v = {value_length, (void *)(uintptr_t)value};
    int status = mdb_put(lmdb->write, lmdb->file->tables[table], &k, &v, 0);
    return status == MDB_SUCCESS || lmdb_fail(kv_tables[table].name, status);
}

bool lmdb_take_now(void *self, enum kv_table table, const void *key, size_t key_length, const void *value,
                   size_t value_length)
{
    const struct lmdb *lmdb = self;
    MDB_val k = {key_length, (void *)(uintptr_t)key}, v = {value_length, (void *)(uintptr_t)value};
    int status = mdb_del(lmdb->write, lmdb->file->tables[table], &k, &v);
    return status == MDB_SUCCESS || lmdb_fail(kv_tables[table].name, status);
}

bool lmdb_find_record(struct lmdb *lmdb, enum kv_table by_id, enum kv_table table, const uint8_t id[16],
                      uint32_t *number, MDB_val *record)
{
    MDB_val key = {16, (void *)(uintptr_t)id};
    int status = mdb_get(lmdb->write, lmdb->file->tables[by_id], &key, record);
    if (status == MDB_SUCCESS) {
        memcpy(number, record->mv_data, sizeof *number);
        key = (MDB_val){sizeof *number, number};
        status = mdb_get(lmdb->write, lmdb->file->tables[table], &key, record);
    }
    return status == MDB_SUCCESS || lmdb_fail(kv_tables[table].name, status);
}

bool lmdb_put_record(struct lmdb *lmdb, enum kv_table table, uint32_t number, const void *bytes, size_t length,
                     unsigned flags)
{
    MDB_val k = {sizeof number, &number}, v = {length, (void *)(uintptr_t)bytes};
    int status = mdb_put(lmdb->write, lmdb->file->tables[table], &k, &v, flags);
    return status == MDB_SUCCESS || lmdb_fail(kv_tables[table].name, status);
}

bool lmdb_add_transition(struct lmdb *lmdb, uint8_t kind, uint32_t subject, uint8_t from, uint8_t to, kv_put *put,
                         void *context)
{
    struct packed_transition head = {
        .at = lmdb->now, .subject = subject, .kind = kind, .from = from, .to = to, .created_by = 1};
    uint32_t number;
    data_make_id(&lmdb->seed, lmdb->now, head.id);
    return lmdb_next(lmdb, KV_TRANSITION, &number) &&
           lmdb_put_record(lmdb, KV_TRANSITION, number, &head, sizeof head, MDB_APPEND) &&
           kv_index_transition(&head, number, put, context);
}

const struct engine engine_lmdb = {
    .name = "lmdb",
    .describe = lmdb_describe,
    .create = lmdb_create,
    .destroy = lmdb_destroy,
    .load = lmdb_load,
    .open = lmdb_open,
    .close = lmdb_close,
    .attach = lmdb_attach,
    .detach = lmdb_detach,
    .hold = lmdb_hold,
    .prepare = lmdb_prepare,
    .questions = lmdb_questions,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    .changes = lmdb_changes,
    .feed = lmdb_feed,
    .export_csv = lmdb_export_csv,
    .import_csv = lmdb_import_csv,
    .compact = lmdb_compact,
};
