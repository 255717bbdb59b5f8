/* peer_lmdb: what the files of the LMDB side share.
 *
 * One environment, a named database each for records (by number, packed.h) and
 * for each way to find them.  What finds several is a database of sorted
 * duplicates: the key once, the numbers packed behind it.
 */
#ifndef BENCH_PEER_LMDB_H
#define BENCH_PEER_LMDB_H

#include "engine.h"
#include "kv.h"

#include <lmdb.h>

extern const struct engine engine_lmdb;

/* What all sessions of one environment share. */
struct lmdb_file {
    const struct data *data;
    char *folder;
    MDB_env *env;
    MDB_dbi tables[KV_TABLES];
    uint8_t (*pick_ids)[16];          /* side by side, as data's pick_emails */
    uint8_t (*deep_cursors)[KV_LINE]; /* line 980 of the long timelines */
    bool lookups;
    enum engine_mode mode;
};

/* A session: one read transaction, renewed for each request, with its cursors. */
struct lmdb {
    struct lmdb_file *file;
    MDB_txn *read, *write;
    MDB_cursor *cursors[KV_TABLES]; /* of `read`, made when first needed */
    uint64_t renewed[KV_TABLES], request;
    bool held;
    uint64_t seed;            /* of the ids it makes */
    int64_t now;              /* of the transaction */
    uint32_t next[KV_TABLES]; /* numbers of new records, as far as the transaction knows them */
    bool known[KV_TABLES];
};

bool lmdb_fail(const char *what, int status);
bool lmdb_open(void *self, enum engine_mode mode);
bool lmdb_close(void *self);
bool lmdb_load(void *self, bool lookups);
bool lmdb_hold(void *self, bool on);
bool lmdb_prepare(void *self);
bool lmdb_begin(void *self, int64_t now);
bool lmdb_commit(void *self);
bool lmdb_feed(void *self, uint32_t changes, uint32_t batch, uint64_t *sum);
bool lmdb_compact(void *self);
bool lmdb_export_csv(void *self, const char *path);
bool lmdb_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated);
extern engine_question *const lmdb_questions[QUESTIONS];
extern engine_change *const lmdb_changes[CHANGES];

/* Within the session's write transaction. */
/* The number of a new record: behind the last. */
bool lmdb_next(struct lmdb *lmdb, enum kv_table table, uint32_t *number);
bool lmdb_put_now(void *self, enum kv_table table, const void *key, size_t key_length, const void *value,
                  size_t value_length);
/* The same entry out again; it is there. */
bool lmdb_take_now(void *self, enum kv_table table, const void *key, size_t key_length, const void *value,
                   size_t value_length);
bool lmdb_put_record(struct lmdb *lmdb, enum kv_table table, uint32_t number, const void *bytes, size_t length,
                     unsigned flags);
/* A record within the write transaction, found by its UUID; *number is its own. */
bool lmdb_find_record(struct lmdb *lmdb, enum kv_table by_id, enum kv_table table, const uint8_t id[16],
                      uint32_t *number, MDB_val *record);
bool lmdb_add_transition(struct lmdb *lmdb, uint8_t kind, uint32_t subject, uint8_t from, uint8_t to, kv_put *put,
                         void *context);
#endif
