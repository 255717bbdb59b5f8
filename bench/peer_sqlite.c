/* peer_sqlite: the same company in SQLite, as someone who knows SQLite well
 * would keep it.
 *
 * Integer keys inside, the UUID in a unique index; e-mails and phones in tables
 * of their own, the table clustered on its customer and a covering index for
 * look-up; the same look-ups as libcrm's schema gives, no index more: customer
 * by id, e-mail, phone's last digits, external id, name, territory, stage;
 * interaction by id, customer and time, start, due; transition by id, subject,
 * time; and, as libcrm does by itself, a transition for each stage that a
 * customer enters, the first one included.  Every row has the common
 * columns that libcrm's records have.
 *
 * Settings: WAL, pages of 8 KiB, 1 GiB page cache, 4 GiB mapped, temporary
 * storage in memory, statements prepared once, one transaction for the load.
 * Synchronous is NORMAL for loading and for work, as libcrm's deferred mode: on
 * disk when the file is closed; FULL for durable commits.
 */
#include "peer_sqlite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE user(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;"
    "CREATE TABLE customer(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL, name TEXT NOT NULL, stage INTEGER NOT NULL,"
    " owner INTEGER REFERENCES user, territory TEXT, external_id TEXT, employees INTEGER, website TEXT,"
    " stage_since INTEGER, created_at INTEGER NOT NULL, created_by INTEGER NOT NULL, modified_at INTEGER NOT NULL,"
    " modified_by INTEGER NOT NULL, version INTEGER NOT NULL, deleted_at INTEGER) STRICT;"
    "CREATE UNIQUE INDEX customer_uuid ON customer(uuid);"
    "CREATE UNIQUE INDEX customer_external ON customer(external_id);"
    "CREATE INDEX customer_name ON customer(name COLLATE NOCASE);"
    "CREATE INDEX customer_territory ON customer(territory);"
    "CREATE INDEX customer_stage ON customer(stage);"
    "CREATE TABLE email(customer INTEGER NOT NULL, position INTEGER NOT NULL, address TEXT NOT NULL,"
    " PRIMARY KEY(customer, position)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX email_address ON email(address);"
    "CREATE TABLE phone(customer INTEGER NOT NULL, position INTEGER NOT NULL, number TEXT NOT NULL,"
    " reversed TEXT NOT NULL, PRIMARY KEY(customer, position)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX phone_reversed ON phone(reversed);"
    "CREATE TABLE interaction(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL, customer INTEGER REFERENCES customer,"
    " type INTEGER NOT NULL, start INTEGER, amount INTEGER, currency INTEGER, channel INTEGER, direction INTEGER,"
    " subject TEXT, due INTEGER, owner INTEGER REFERENCES user, created_at INTEGER NOT NULL,"
    " created_by INTEGER NOT NULL, modified_at INTEGER NOT NULL, modified_by INTEGER NOT NULL,"
    " version INTEGER NOT NULL, deleted_at INTEGER) STRICT;"
    "CREATE UNIQUE INDEX interaction_uuid ON interaction(uuid);"
    "CREATE INDEX interaction_timeline ON interaction(customer, start);"
    "CREATE INDEX interaction_start ON interaction(start);"
    "CREATE INDEX interaction_due ON interaction(due) WHERE due IS NOT NULL;"
    "CREATE TABLE transition(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL, customer INTEGER NOT NULL,"
    " at INTEGER NOT NULL, from_stage INTEGER, to_stage INTEGER NOT NULL, created_by INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX transition_uuid ON transition(uuid);"
    "CREATE INDEX transition_subject ON transition(customer);"
    "CREATE INDEX transition_at ON transition(at);";

static const char *const sql[PEER_STATEMENTS] = {
    [PEER_BEGIN] = "BEGIN IMMEDIATE",
    [PEER_COMMIT] = "COMMIT",
    [PEER_CUSTOMER] =
        "INSERT INTO customer(number, uuid, name, stage, owner, territory, external_id, employees, website,"
        " stage_since, created_at, created_by, modified_at, modified_by, version)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1, ?10, 1, 1)",
    [PEER_EMAIL] = "INSERT INTO email(customer, position, address) VALUES(?1, 0, ?2)",
    [PEER_PHONE] = "INSERT INTO phone(customer, position, number, reversed) VALUES(?1, 0, ?2, ?3)",
    [PEER_INTERACTION] = "INSERT INTO interaction(uuid, customer, type, start, amount, currency, channel, direction,"
                         " subject, due, owner, created_at, created_by, modified_at, modified_by, version)"
                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, ?12, 1, 1)",
    [PEER_BY_ID] = "SELECT name, stage, owner, territory, created_at FROM customer WHERE uuid = ?1",
    [PEER_BY_EMAIL] = "SELECT c.name, c.stage, c.owner, c.territory, c.created_at FROM email e"
                      " JOIN customer c ON c.number = e.customer WHERE e.address = ?1 AND c.deleted_at IS NULL",
    [PEER_TIMELINE] = "SELECT type, start, subject FROM interaction WHERE customer = ?1 AND deleted_at IS NULL"
                      " ORDER BY start DESC, number DESC LIMIT 20",
    [PEER_STAGE] = "SELECT name, territory, owner FROM customer WHERE stage = ?1 AND deleted_at IS NULL"
                   " ORDER BY number LIMIT 50",
    /* The plus keeps the planner off the timeline's index, whose order would
     * save the grouping a hash but cost a look-up a row: slower. */
    [PEER_SCAN] = "SELECT customer, SUM(amount), MAX(start) FROM interaction WHERE type = 9 AND deleted_at IS NULL"
                  " GROUP BY +customer",
    [PEER_MOVE] = "UPDATE customer SET stage = 3, stage_since = ?2, modified_at = ?2, modified_by = 1,"
                  " version = version + 1 WHERE uuid = ?1 RETURNING number",
    [PEER_TRANSITION] = "INSERT INTO transition(uuid, customer, at, from_stage, to_stage, created_by)"
                        " VALUES(?1, ?2, ?3, ?4, ?5, 1)",
    [PEER_FIND_EMAIL] = "SELECT customer FROM email WHERE address = ?1",
    [PEER_UPDATE] = "UPDATE customer SET name = ?2, territory = ?3, employees = ?4, website = ?5, modified_at = ?6,"
                    " version = version + 1 WHERE number = ?1",
};

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
    return status == SQLITE_DONE || status == SQLITE_ROW || peer_fail(peer, sql[which]);
}

void peer_reverse_digits(const char *phone, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = strlen(phone); i > 0 && n + 1 < size; i--)
        if (isdigit((unsigned char)phone[i - 1]))
            out[n++] = phone[i - 1];
    out[n] = '\0';
}

void peer_lower(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; text[n] != '\0' && n + 1 < size; n++)
        out[n] = (char)tolower((unsigned char)text[n]);
    out[n] = '\0';
}

void peer_remove(const char *path)
{
    engine_file_remove(path, "");
    engine_file_remove(path, "-wal");
    engine_file_remove(path, "-shm");
}

bool peer_open_path(struct peer *peer, const char *path, enum engine_mode mode)
{
    static const char *const synchronous[] = {"PRAGMA synchronous=NORMAL", "PRAGMA synchronous=NORMAL",
                                              "PRAGMA synchronous=FULL"};
    if (sqlite3_open_v2(path, &peer->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return peer_fail(peer, path);
    if (!peer_run(peer, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA cache_size=-1048576;"
                        "PRAGMA mmap_size=4294967296; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=4000") ||
        !peer_run(peer, synchronous[mode]))
        return false;
    /* After the settings: a statement prepared before them would not know the schema. */
    if (sqlite3_table_column_metadata(peer->db, NULL, "customer", NULL, NULL, NULL, NULL, NULL, NULL) != SQLITE_OK &&
        !peer_run(peer, schema))
        return false;
    for (int i = 0; i < PEER_STATEMENTS; i++)
        if (sqlite3_prepare_v3(peer->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &peer->statements[i], NULL) !=
            SQLITE_OK)
            return peer_fail(peer, sql[i]);
    return true;
}

bool peer_close(void *self)
{
    struct peer *peer = self;
    for (int i = 0; i < PEER_STATEMENTS; i++) {
        sqlite3_finalize(peer->statements[i]);
        peer->statements[i] = NULL;
    }
    if (sqlite3_close(peer->db) != SQLITE_OK)
        return peer_fail(peer, "close");
    peer->db = NULL;
    return true;
}

static bool peer_open(void *self, enum engine_mode mode)
{
    struct peer *peer = self;
    return peer_open_path(peer, peer->path, mode);
}

static void *peer_create(const struct data *data, const char *path)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (peer != NULL) {
        peer->data = data;
        peer->path = strdup(path);
        peer->pick_ids = calloc(data->pick_count, sizeof *peer->pick_ids);
        for (uint32_t i = 0; peer->pick_ids != NULL && i < data->pick_count; i++)
            memcpy(peer->pick_ids[i], data->customers[data->picks[i]].id, 16);
    }
    return peer;
}

static void peer_destroy(void *self)
{
    struct peer *peer = self;
    if (peer == NULL)
        return;
    peer_remove(peer->path);
    free(peer->pick_ids);
    free(peer->path);
    free(peer);
}

bool peer_transition(struct peer *peer, int64_t customer, int64_t at, int from, int to, uint64_t *seed)
{
    sqlite3_stmt *s = peer->statements[PEER_TRANSITION];
    uint8_t id[16];
    data_make_id(seed, at, id);
    sqlite3_bind_blob(s, 1, id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, customer);
    sqlite3_bind_int64(s, 3, at);
    if (from != 0)
        sqlite3_bind_int(s, 4, from);
    else
        sqlite3_bind_null(s, 4);
    sqlite3_bind_int(s, 5, to);
    return peer_step(peer, PEER_TRANSITION);
}

static bool load_customer(struct peer *peer, uint32_t i, uint64_t *seed)
{
    const struct data_customer *c = &peer->data->customers[i];
    sqlite3_stmt *s = peer->statements[PEER_CUSTOMER], *e = peer->statements[PEER_EMAIL];
    sqlite3_stmt *p = peer->statements[PEER_PHONE];
    char address[128], reversed[32];
    sqlite3_bind_int64(s, 1, i);
    sqlite3_bind_blob(s, 2, c->id, 16, SQLITE_STATIC);
    peer_text(s, 3, c->name);
    sqlite3_bind_int(s, 4, c->stage);
    sqlite3_bind_int(s, 5, c->owner);
    peer_text(s, 6, c->city);
    peer_text(s, 7, c->external_id);
    sqlite3_bind_int64(s, 10, data_batch_time(peer->data, i / DATA_BATCH));
    sqlite3_bind_int64(e, 1, i);
    peer_lower(c->email, address, sizeof address);
    peer_text(e, 2, address);
    sqlite3_bind_int64(p, 1, i);
    peer_text(p, 2, c->phone);
    peer_reverse_digits(c->phone, reversed, sizeof reversed);
    peer_text(p, 3, reversed);
    return peer_step(peer, PEER_CUSTOMER) && peer_step(peer, PEER_EMAIL) && peer_step(peer, PEER_PHONE) &&
           peer_transition(peer, i, data_batch_time(peer->data, i / DATA_BATCH), 0, c->stage, seed);
}

static bool load_interaction(struct peer *peer, uint32_t i)
{
    const struct data_interaction *x = &peer->data->interactions[i];
    sqlite3_stmt *s = peer->statements[PEER_INTERACTION];
    sqlite3_bind_blob(s, 1, x->id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, x->customer);
    sqlite3_bind_int(s, 3, x->type);
    sqlite3_bind_int64(s, 4, x->start);
    if (x->amount != 0) {
        sqlite3_bind_int64(s, 5, x->amount);
        sqlite3_bind_int(s, 6, 978);
    } else {
        sqlite3_bind_null(s, 5);
        sqlite3_bind_null(s, 6);
    }
    sqlite3_bind_int(s, 7, x->channel);
    sqlite3_bind_int(s, 8, x->direction);
    peer_text(s, 9, x->subject);
    if (x->due != 0)
        sqlite3_bind_int64(s, 10, x->due);
    else
        sqlite3_bind_null(s, 10);
    sqlite3_bind_int(s, 11, x->owner);
    sqlite3_bind_int64(s, 12, data_batch_time(peer->data, (peer->data->customer_count + i) / DATA_BATCH));
    return peer_step(peer, PEER_INTERACTION);
}

static bool peer_load(void *self)
{
    struct peer *peer = self;
    sqlite3_stmt *user = NULL;
    uint64_t seed = UINT64_C(0x7a5);
    bool ok;
    peer_remove(peer->path);
    ok = peer_open(peer, ENGINE_BULK) && peer_step(peer, PEER_BEGIN) &&
         sqlite3_prepare_v2(peer->db, "INSERT INTO user VALUES(?1, ?2, 'user ' || ?1)", -1, &user, NULL) == SQLITE_OK;
    for (int i = 0; ok && i < DATA_USERS; i++) {
        sqlite3_bind_int(user, 1, i);
        sqlite3_bind_blob(user, 2, peer->data->user_ids[i], 16, SQLITE_STATIC);
        ok = sqlite3_step(user) == SQLITE_DONE && sqlite3_reset(user) == SQLITE_OK;
    }
    sqlite3_finalize(user);
    for (uint32_t i = 0; ok && i < peer->data->customer_count; i++)
        ok = load_customer(peer, i, &seed);
    for (uint32_t i = 0; ok && i < peer->data->interaction_count; i++)
        ok = load_interaction(peer, i);
    ok = ok && peer_step(peer, PEER_COMMIT) && peer_run(peer, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize");
    return peer_close(peer) && ok;
}

static uint64_t mix_column(uint64_t sum, sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return data_mix_text(sum, text, (size_t)sqlite3_column_bytes(s, column));
}

/* Folds the five columns of BY_ID and BY_EMAIL. */
static void fold_customer(sqlite3_stmt *s, uint64_t *sum)
{
    *sum = mix_column(*sum, s, 0);
    *sum = data_mix(*sum, (uint64_t)sqlite3_column_int64(s, 1));
    *sum = data_mix(*sum, (uint64_t)sqlite3_column_int64(s, 2));
    *sum = mix_column(*sum, s, 3);
    *sum = data_mix(*sum, (uint64_t)sqlite3_column_int64(s, 4));
}

/* Held: one read transaction around all. Else every statement begins and ends its own. */
typedef bool peer_reader(struct peer *peer, uint32_t count, uint64_t *sum);

static bool peer_read(void *self, peer_reader *read, uint32_t count, bool held, uint64_t *sum)
{
    struct peer *peer = self;
    if (!held)
        return read(peer, count, sum);
    bool ok = peer_run(peer, "BEGIN") && read(peer, count, sum);
    return peer_run(peer, "COMMIT") && ok;
}

static bool read_id(struct peer *peer, uint32_t count, uint64_t *sum)
{
    sqlite3_stmt *s = peer->statements[PEER_BY_ID];
    for (uint32_t i = 0; i < count; i++) {
        sqlite3_bind_blob(s, 1, peer->pick_ids[i], 16, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_ROW)
            return peer_fail(peer, "customer by id");
        fold_customer(s, sum);
        sqlite3_reset(s);
    }
    return true;
}

static bool read_email(struct peer *peer, uint32_t count, uint64_t *sum)
{
    sqlite3_stmt *s = peer->statements[PEER_BY_EMAIL];
    for (uint32_t i = 0; i < count; i++) {
        peer_text(s, 1, peer->data->pick_emails[i]);
        if (sqlite3_step(s) != SQLITE_ROW)
            return peer_fail(peer, "customer by e-mail");
        fold_customer(s, sum);
        sqlite3_reset(s);
    }
    return true;
}

static bool read_timeline(struct peer *peer, uint32_t count, uint64_t *sum)
{
    sqlite3_stmt *s = peer->statements[PEER_TIMELINE];
    for (uint32_t i = 0; i < count; i++) {
        int status;
        sqlite3_bind_int64(s, 1, peer->data->picks[i]);
        while ((status = sqlite3_step(s)) == SQLITE_ROW) {
            *sum = data_mix(*sum, (uint64_t)sqlite3_column_int64(s, 0));
            *sum = data_mix(*sum, (uint64_t)sqlite3_column_int64(s, 1));
            *sum = mix_column(*sum, s, 2);
        }
        sqlite3_reset(s);
        if (status != SQLITE_DONE)
            return peer_fail(peer, "timeline");
    }
    return true;
}

static bool read_stage(struct peer *peer, uint32_t count, uint64_t *sum)
{
    sqlite3_stmt *s = peer->statements[PEER_STAGE];
    for (uint32_t i = 0; i < count; i++) {
        int status;
        sqlite3_bind_int(s, 1, (int)(i % DATA_STAGES) + 1);
        while ((status = sqlite3_step(s)) == SQLITE_ROW) {
            *sum = mix_column(*sum, s, 0);
            *sum = mix_column(*sum, s, 1);
            *sum = data_mix(*sum, (uint64_t)sqlite3_column_int64(s, 2));
        }
        sqlite3_reset(s);
        if (status != SQLITE_DONE)
            return peer_fail(peer, "stage page");
    }
    return true;
}

static bool peer_get_id(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return peer_read(self, read_id, count, held, sum);
}

static bool peer_get_email(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return peer_read(self, read_email, count, held, sum);
}

static bool peer_timeline(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return peer_read(self, read_timeline, count, held, sum);
}

static bool peer_stage_page(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return peer_read(self, read_stage, count, held, sum);
}

/* The groups come in no agreed order, so their hashes are added. */
static bool peer_scan(void *self, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_SCAN];
    int status;
    while ((status = sqlite3_step(s)) == SQLITE_ROW)
        *sum += data_mix(data_mix(0, (uint64_t)sqlite3_column_int64(s, 1)), (uint64_t)sqlite3_column_int64(s, 2));
    sqlite3_reset(s);
    return status == SQLITE_DONE || peer_fail(peer, "scan");
}

static bool peer_move(struct peer *peer, uint32_t customer, uint64_t *seed)
{
    sqlite3_stmt *move = peer->statements[PEER_MOVE];
    int64_t now = data_batch_time(peer->data, 1000);
    sqlite3_bind_blob(move, 1, peer->data->customers[customer].id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(move, 2, now);
    if (sqlite3_step(move) != SQLITE_ROW)
        return peer_fail(peer, "stage change");
    int64_t number = sqlite3_column_int64(move, 0);
    sqlite3_reset(move);
    return peer_transition(peer, number, now, 2, 3, seed);
}

static bool peer_stage_change(void *self, const uint32_t *customers, uint32_t count)
{
    struct peer *peer = self;
    uint64_t seed = UINT64_C(0x1d5) + customers[0];
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        if (i % 100 == 0)
            ok = peer_step(peer, PEER_BEGIN);
        ok = ok && peer_move(peer, customers[i], &seed);
        if (i % 100 == 99 || i + 1 == count)
            ok = ok && peer_step(peer, PEER_COMMIT);
    }
    return ok;
}

static bool peer_commit_one(void *self, uint32_t count)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_INTERACTION];
    uint64_t seed = UINT64_C(0xc0331) + (uint64_t)sqlite3_total_changes64(peer->db);
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        uint64_t id[2] = {data_random(&seed), data_random(&seed)};
        sqlite3_clear_bindings(s);
        sqlite3_bind_blob(s, 1, id, 16, SQLITE_STATIC);
        sqlite3_bind_int64(s, 2, peer->data->picks[i]);
        sqlite3_bind_int(s, 3, 1);
        sqlite3_bind_int64(s, 4, peer->data->to + i);
        peer_text(s, 9, "Called about the offer");
        sqlite3_bind_int64(s, 12, peer->data->to + i);
        ok = peer_step(peer, PEER_INTERACTION); /* outside BEGIN: commits by itself */
    }
    return ok;
}

static bool peer_size(void *self, uint64_t *allocated, uint64_t *length)
{
    struct peer *peer = self;
    *allocated = *length = 0;
    engine_file_size(peer->path, "", allocated, length);
    engine_file_size(peer->path, "-wal", allocated, length);
    engine_file_size(peer->path, "-shm", allocated, length);
    return true;
}

const struct engine engine_sqlite = {
    .name = "sqlite",
    .create = peer_create,
    .destroy = peer_destroy,
    .load = peer_load,
    .open = peer_open,
    .close = peer_close,
    .get_id = peer_get_id,
    .get_email = peer_get_email,
    .timeline = peer_timeline,
    .stage_page = peer_stage_page,
    .scan = peer_scan,
    .stage_change = peer_stage_change,
    .commit_one = peer_commit_one,
    .import_csv = peer_import_csv,
    .size = peer_size,
};
