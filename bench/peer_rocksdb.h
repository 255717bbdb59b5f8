/* peer_rocksdb: RocksDB's side, where its package is installed. */
#ifndef BENCH_PEER_ROCKSDB_H
#define BENCH_PEER_ROCKSDB_H

#include "engine.h"

/* Without `create` where RocksDB was not there when this was compiled. */
extern const struct engine engine_rocksdb;

#if defined(__has_include) && __has_include(<rocksdb/c.h>)
#define HAVE_ROCKSDB 1

#include "kv.h"
#include "text.h"

#include <pthread.h>
#include <rocksdb/c.h>

enum { ROCKS_KEY_MAX = 1 + TEXT_KEY + KV_LINE };

struct rocks_file {
    const struct data *data;
    char *folder;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *blocks;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    uint8_t (*pick_ids)[16]; /* side by side, as data's pick_emails */
    /* Counted up by all sessions. */
    uint32_t next_interaction, next_transition, next_change;
    /* From where a change reads a record until it is written. */
    pthread_mutex_t changing;
};

struct rocks {
    struct rocks_file *file;
    rocksdb_writebatch_t *batch;
    uint64_t seed;
    int64_t now;
    bool changing; /* it has the lock */
};

bool rocks_fail(const char *what, char *error);
/* A key as it lies; its length. */
size_t rocks_key(uint8_t out[ROCKS_KEY_MAX], enum kv_table table, const void *key, size_t length);
/* An entry of an index into the batch, or out with it. */
bool rocks_put(void *context, enum kv_table table, const void *key, size_t key_length, const void *value,
               size_t value_length);
bool rocks_take(void *context, enum kv_table table, const void *key, size_t key_length, const void *value,
                size_t value_length);
bool rocks_put_record(struct rocks *rocks, enum kv_table table, uint32_t number, const void *bytes, size_t length);
bool rocks_put_transition(struct rocks *rocks, uint8_t kind, uint32_t subject, int64_t at, uint8_t from, uint8_t to);
/* NULL: there is none. */
rocksdb_pinnableslice_t *rocks_get(const struct rocks *rocks, enum kv_table table, const void *key, size_t length);
extern engine_question *const rocks_questions[QUESTIONS];
extern engine_change *const rocks_changes[CHANGES];
bool rocks_begin(void *self, int64_t now);
bool rocks_commit(void *self);

#endif
#endif
