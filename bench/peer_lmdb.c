/* peer_lmdb: LMDB's side: the environment, transactions, the entries of indexes.
 *
 * For loading and for work MDB_NOSYNC: the pages of a commit are written and
 * the system puts them on disk when it likes, in any order: after a power cut
 * the file may be broken, where libcrm and SQLite would lose the last commits
 * at most; a crash of the process alone loses nothing.  LMDB has no mode between
 * this and a sync at each commit, so it is given the one that favours it.  At
 * the end of the load the file is synced.  Durable commits sync as LMDB does by
 * default.  A sorted load appends (MDB_APPEND).
 */
#include "peer_lmdb.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>

#define MAP_SIZE ((size_t)32 << 30)

static void lmdb_describe(char *out, size_t size)
{
    snprintf(out, size,
             "version=%d.%d.%d map=32GiB NORDAHEAD,NOMEMINIT,NOTLS load_and_work=NOSYNC(sync_after_load)"
             " durable=default(two_syncs) load=sorted,MDB_APPEND reads=mdb_txn_renew_a_request",
             MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
}

bool lmdb_fail(const char *what, int status)
{
    fprintf(stderr, "bench: lmdb: %s: %s\n", what, mdb_strerror(status));
    return false;
}

/* ------------------------------------------------------------ tables */

enum {
    NUMBER = MDB_INTEGERKEY,
    MANY = MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP,
    LINES = MDB_DUPSORT | MDB_DUPFIXED
};

static const struct {
    const char *name;
    unsigned flags;
} tables[LMDB_TABLES] = {
    [LMDB_CUSTOMER] = {"customer", NUMBER},
    [LMDB_CUSTOMER_ID] = {"customer_id", 0},
    [LMDB_CUSTOMER_EMAIL] = {"customer_email", MANY},
    [LMDB_CUSTOMER_PHONE] = {"customer_phone", MANY},
    [LMDB_CUSTOMER_EXTERNAL] = {"customer_external", 0},
    [LMDB_CUSTOMER_NAME] = {"customer_name", MANY},
    [LMDB_CUSTOMER_CITY] = {"customer_city", MANY},
    [LMDB_CUSTOMER_STAGE] = {"customer_stage", NUMBER | MANY},
    [LMDB_INTERACTION] = {"interaction", NUMBER},
    [LMDB_INTERACTION_ID] = {"interaction_id", 0},
    [LMDB_TIMELINE] = {"timeline", NUMBER | LINES},
    [LMDB_START] = {"start", NUMBER | MANY},
    [LMDB_DUE] = {"due", NUMBER | MANY},
    [LMDB_DEAL] = {"deal", NUMBER},
    [LMDB_DEAL_ID] = {"deal_id", 0},
    [LMDB_DEAL_NAME] = {"deal_name", MANY},
    [LMDB_DEAL_CUSTOMER] = {"deal_customer", NUMBER | MANY},
    [LMDB_DEAL_STAGE] = {"deal_stage", NUMBER | MANY},
    [LMDB_DEAL_CLOSE] = {"deal_close", NUMBER | MANY},
    [LMDB_DEAL_OUTCOME] = {"deal_outcome", NUMBER | MANY},
    [LMDB_TRANSITION] = {"transition", NUMBER},
    [LMDB_TRANSITION_ID] = {"transition_id", 0},
    [LMDB_TRANSITION_SUBJECT] = {"transition_subject", NUMBER | MANY},
    [LMDB_TRANSITION_AT] = {"transition_at", NUMBER | MANY},
    [LMDB_CHANGE] = {"change", NUMBER},
    [LMDB_CHANGE_RECORD] = {"change_record", NUMBER | MANY},
    [LMDB_LOOKUP] = {"lookup_0", MANY},
    [LMDB_LOOKUP + 1] = {"lookup_1", MANY},
    [LMDB_LOOKUP + 2] = {"lookup_2", MANY},
    [LMDB_LOOKUP + 3] = {"lookup_3", MANY},
    [LMDB_LOOKUP + 4] = {"lookup_4", NUMBER | MANY},
    [LMDB_LOOKUP + 5] = {"lookup_5", NUMBER | MANY},
    [LMDB_LOOKUP + 6] = {"lookup_6", NUMBER | MANY},
    [LMDB_LOOKUP + 7] = {"lookup_7", NUMBER | MANY},
};

/* The numbers that come next: behind the last. */
static bool next_number(MDB_txn *txn, MDB_dbi table, uint32_t *next)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int status = mdb_cursor_open(txn, table, &cursor);
    if (status != MDB_SUCCESS)
        return lmdb_fail("cursor", status);
    status = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    *next = 0;
    if (status == MDB_SUCCESS) {
        memcpy(next, key.mv_data, sizeof *next);
        ++*next;
    }
    mdb_cursor_close(cursor);
    return status == MDB_SUCCESS || status == MDB_NOTFOUND || lmdb_fail("last", status);
}

static bool open_tables(struct lmdb *lmdb)
{
    struct lmdb_file *file = lmdb->file;
    MDB_txn *txn;
    int status = mdb_txn_begin(file->env, NULL, 0, &txn);
    if (status != MDB_SUCCESS)
        return lmdb_fail("begin", status);
    int count = file->lookups ? LMDB_TABLES : LMDB_LOOKUP;
    for (int i = 0; status == MDB_SUCCESS && i < count; i++)
        status = mdb_dbi_open(txn, tables[i].name, MDB_CREATE | tables[i].flags, &file->tables[i]);
    bool ok = status == MDB_SUCCESS && next_number(txn, file->tables[LMDB_INTERACTION], &lmdb->next_interaction) &&
              next_number(txn, file->tables[LMDB_TRANSITION], &lmdb->next_transition) &&
              next_number(txn, file->tables[LMDB_CHANGE], &lmdb->next_change);
    int committed = mdb_txn_commit(txn);
    return (ok && committed == MDB_SUCCESS) || lmdb_fail("tables", status != MDB_SUCCESS ? status : committed);
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
    for (int i = 0; i < LMDB_TABLES; i++)
        if (lmdb->cursors[i] != NULL)
            mdb_cursor_close(lmdb->cursors[i]);
    memset(lmdb->cursors, 0, sizeof lmdb->cursors);
    if (lmdb->read != NULL)
        mdb_txn_abort(lmdb->read);
    lmdb->read = NULL;
}

bool lmdb_open(void *self, enum engine_mode mode)
{
    struct lmdb *lmdb = self;
    unsigned flags = MDB_NORDAHEAD | MDB_NOMEMINIT | MDB_NOTLS | (mode == ENGINE_DURABLE ? 0u : (unsigned)MDB_NOSYNC);
    lmdb->file->mode = mode;
    int status = mdb_env_create(&lmdb->file->env);
    if (status != MDB_SUCCESS)
        return lmdb_fail("environment", status);
    mdb_env_set_maxdbs(lmdb->file->env, LMDB_TABLES);
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

/* The numbers to come are read anew, since another session may have taken some. */
bool lmdb_begin(void *self, int64_t now)
{
    struct lmdb *lmdb = self;
    lmdb->now = now;
    int status = mdb_txn_begin(lmdb->file->env, NULL, 0, &lmdb->write);
    if (status != MDB_SUCCESS)
        return lmdb_fail("begin", status);
    return next_number(lmdb->write, lmdb->file->tables[LMDB_INTERACTION], &lmdb->next_interaction) &&
           next_number(lmdb->write, lmdb->file->tables[LMDB_TRANSITION], &lmdb->next_transition) &&
           next_number(lmdb->write, lmdb->file->tables[LMDB_CHANGE], &lmdb->next_change);
}

bool lmdb_commit(void *self)
{
    struct lmdb *lmdb = self;
    int status = mdb_txn_commit(lmdb->write);
    lmdb->write = NULL;
    return status == MDB_SUCCESS || lmdb_fail("commit", status);
}

bool lmdb_put_now(void *self, enum lmdb_table table, const void *key, size_t key_length, const void *value,
                  size_t value_length)
{
    const struct lmdb *lmdb = self;
    MDB_val k = {key_length, (void *)(uintptr_t)key}, v = {value_length, (void *)(uintptr_t)value};
    int status = mdb_put(lmdb->write, lmdb->file->tables[table], &k, &v, 0);
    return status == MDB_SUCCESS || lmdb_fail(tables[table].name, status);
}

bool lmdb_take_now(void *self, enum lmdb_table table, const void *key, size_t key_length, const void *value,
                   size_t value_length)
{
    const struct lmdb *lmdb = self;
    MDB_val k = {key_length, (void *)(uintptr_t)key}, v = {value_length, (void *)(uintptr_t)value};
    int status = mdb_del(lmdb->write, lmdb->file->tables[table], &k, &v);
    return status == MDB_SUCCESS || lmdb_fail(tables[table].name, status);
}

bool lmdb_find_record(struct lmdb *lmdb, enum lmdb_table by_id, enum lmdb_table table, const uint8_t id[16],
                      uint32_t *number, MDB_val *record)
{
    MDB_val key = {16, (void *)(uintptr_t)id};
    int status = mdb_get(lmdb->write, lmdb->file->tables[by_id], &key, record);
    if (status == MDB_SUCCESS) {
        memcpy(number, record->mv_data, sizeof *number);
        key = (MDB_val){sizeof *number, number};
        status = mdb_get(lmdb->write, lmdb->file->tables[table], &key, record);
    }
    return status == MDB_SUCCESS || lmdb_fail(tables[table].name, status);
}

bool lmdb_put_record(struct lmdb *lmdb, enum lmdb_table table, uint32_t number, const void *bytes, size_t length,
                     unsigned flags)
{
    MDB_val k = {sizeof number, &number}, v = {length, (void *)(uintptr_t)bytes};
    int status = mdb_put(lmdb->write, lmdb->file->tables[table], &k, &v, flags);
    return status == MDB_SUCCESS || lmdb_fail(tables[table].name, status);
}

/* ------------------------------------------------------------ entries of indexes */

bool lmdb_index_customer(const void *bytes, uint32_t number, lmdb_put *put, void *context)
{
    struct packed_customer head = packed_get_customer(bytes);
    char text[TEXT_KEY], key[TEXT_KEY];
    static const enum lmdb_table of_text[PACKED_TEXTS] = {[PACKED_NAME] = LMDB_CUSTOMER_NAME,
                                                          [PACKED_CITY] = LMDB_CUSTOMER_CITY,
                                                          [PACKED_EMAIL] = LMDB_CUSTOMER_EMAIL,
                                                          [PACKED_PHONE] = LMDB_CUSTOMER_PHONE,
                                                          [PACKED_EXTERNAL] = LMDB_CUSTOMER_EXTERNAL};
    uint32_t stage = head.stage;
    bool ok = put(context, LMDB_CUSTOMER_ID, head.id, sizeof head.id, &number, sizeof number) &&
              put(context, LMDB_CUSTOMER_STAGE, &stage, sizeof stage, &number, sizeof number);
    for (int i = PACKED_NAME; ok && i <= PACKED_EXTERNAL; i++) {
        size_t length;
        const char *from = packed_text(&head, bytes, (enum packed_text)i, &length);
        if (length == 0 || length >= TEXT_KEY)
            continue;
        memcpy(text, from, length);
        text[length] = '\0';
        size_t key_length = i == PACKED_PHONE ? text_reversed_digits(text, key) : text_lower(text, key);
        ok = put(context, of_text[i], key, key_length, &number, sizeof number);
    }
    return ok;
}

bool lmdb_index_interaction(const void *bytes, uint32_t number, lmdb_put *put, void *context)
{
    struct packed_interaction head = packed_get_interaction(bytes);
    uint8_t line[LMDB_LINE];
    lmdb_line(line, head.start, number);
    return put(context, LMDB_INTERACTION_ID, head.id, sizeof head.id, &number, sizeof number) &&
           put(context, LMDB_TIMELINE, &head.customer, sizeof head.customer, line, sizeof line) &&
           put(context, LMDB_START, &head.start, sizeof head.start, &number, sizeof number) &&
           (head.due == 0 || put(context, LMDB_DUE, &head.due, sizeof head.due, &number, sizeof number));
}

bool lmdb_index_deal(const void *bytes, uint32_t number, lmdb_put *put, void *context)
{
    struct packed_deal head;
    char name[TEXT_KEY], key[TEXT_KEY];
    memcpy(&head, bytes, sizeof head);
    memcpy(name, (const char *)bytes + sizeof head, head.name_length);
    name[head.name_length] = '\0';
    uint32_t stage = head.stage, outcome = head.outcome;
    return put(context, LMDB_DEAL_ID, head.id, sizeof head.id, &number, sizeof number) &&
           put(context, LMDB_DEAL_NAME, key, text_lower(name, key), &number, sizeof number) &&
           put(context, LMDB_DEAL_CUSTOMER, &head.customer, sizeof head.customer, &number, sizeof number) &&
           put(context, LMDB_DEAL_STAGE, &stage, sizeof stage, &number, sizeof number) &&
           put(context, LMDB_DEAL_CLOSE, &head.close_date, sizeof head.close_date, &number, sizeof number) &&
           put(context, LMDB_DEAL_OUTCOME, &outcome, sizeof outcome, &number, sizeof number);
}

bool lmdb_index_transition(const struct packed_transition *head, uint32_t number, lmdb_put *put, void *context)
{
    uint64_t subject = (uint64_t)head->kind << 32 | head->subject;
    return put(context, LMDB_TRANSITION_ID, head->id, sizeof head->id, &number, sizeof number) &&
           put(context, LMDB_TRANSITION_SUBJECT, &subject, sizeof subject, &number, sizeof number) &&
           put(context, LMDB_TRANSITION_AT, &head->at, sizeof head->at, &number, sizeof number);
}

bool lmdb_add_transition(struct lmdb *lmdb, uint8_t kind, uint32_t subject, uint8_t from, uint8_t to, lmdb_put *put,
                         void *context)
{
    struct packed_transition head = {
        .at = lmdb->now, .subject = subject, .kind = kind, .from = from, .to = to, .created_by = 1};
    uint32_t number = lmdb->next_transition++;
    data_make_id(&lmdb->seed, lmdb->now, head.id);
    return lmdb_put_record(lmdb, LMDB_TRANSITION, number, &head, sizeof head, MDB_APPEND) &&
           lmdb_index_transition(&head, number, put, context);
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
