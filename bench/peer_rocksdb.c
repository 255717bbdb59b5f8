/* peer_rocksdb: RocksDB's side, through its C interface: loading, look-ups,
 * timelines and commits, which is what a log-structured store is for.  Compiled
 * to nothing where its header is not there.
 *
 * One family of keys, a byte for the table in front; keys of several parts are
 * big-endian, timelines with start and number inverted, so that the newest comes
 * first and is read forwards.  A request reads what is newest, without a
 * snapshot, and makes an iterator where it needs one.
 *
 * Settings: 1 GiB of block cache, Bloom filters of ten bits, LZ4, blocks of 8
 * KiB, write buffers of 64 MiB.  The load writes without a log, flushes and
 * compacts, since that is the state it is read in.  Work writes its log without
 * syncing it: whole after a crash, as libcrm's deferred mode; durable commits
 * sync it, and commits that wait together share a sync.
 */
#include "peer_rocksdb.h"

#ifdef HAVE_ROCKSDB

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

bool rocks_fail(const char *what, char *error)
{
    fprintf(stderr, "bench: rocksdb: %s: %s\n", what, error != NULL ? error : "not found");
    free(error);
    return false;
}

static void rocks_describe(char *out, size_t size)
{
    /* The C interface does not tell the version; the library's file name does. */
    Dl_info library = {0};
    const char *version = NULL;
    void *at;
    rocksdb_t *(*open)(const rocksdb_options_t *, const char *, char **) = rocksdb_open;
    memcpy(&at, &open, sizeof at);
    if (dladdr(at, &library) != 0 && library.dli_fname != NULL)
        version = strstr(library.dli_fname, ".so.");
    snprintf(out, size,
             "version=%s block_cache=1GiB bloom=10bits compression=LZ4 block=8KiB write_buffer=64MiB"
             " load=no_log,flushed,compacted work=log_not_synced durable=log_synced reads=no_snapshot",
             version != NULL ? version + 4 : "unknown");
}

/* ------------------------------------------------------------ keys */

size_t rocks_key(uint8_t out[ROCKS_KEY_MAX], enum kv_table table, const void *key, size_t length)
{
    out[0] = (uint8_t)table;
    if (!kv_tables[table].number_key) {
        memcpy(out + 1, key, length);
    } else if (length == sizeof(uint32_t)) {
        uint32_t number;
        memcpy(&number, key, sizeof number);
        packed_put_u32(out + 1, number);
    } else {
        uint64_t number;
        memcpy(&number, key, sizeof number);
        packed_put_u64(out + 1, number);
    }
    return 1 + length;
}

/* The whole key of an entry of an index; *value_length: of what is left for the value. */
static size_t entry_key(uint8_t whole[ROCKS_KEY_MAX], enum kv_table table, const void *key, size_t key_length,
                        const void *value, size_t *value_length)
{
    size_t length = rocks_key(whole, table, key, key_length);
    if (kv_tables[table].holds == KV_MANY) {
        uint32_t number;
        memcpy(&number, value, sizeof number);
        packed_put_u32(whole + length, number);
        length += sizeof number;
        *value_length = 0;
    } else if (kv_tables[table].holds == KV_LINES) {
        for (size_t i = 0; i < KV_LINE; i++)
            whole[length + i] = (uint8_t) ~((const uint8_t *)value)[i];
        length += KV_LINE;
        *value_length = 0;
    }
    return length;
}

bool rocks_put(void *context, enum kv_table table, const void *key, size_t key_length, const void *value,
               size_t value_length)
{
    struct rocks *rocks = context;
    uint8_t whole[ROCKS_KEY_MAX];
    size_t length = entry_key(whole, table, key, key_length, value, &value_length);
    rocksdb_writebatch_put(rocks->batch, (const char *)whole, length, value, value_length);
    return true;
}

bool rocks_take(void *context, enum kv_table table, const void *key, size_t key_length, const void *value,
                size_t value_length)
{
    struct rocks *rocks = context;
    uint8_t whole[ROCKS_KEY_MAX];
    size_t length = entry_key(whole, table, key, key_length, value, &value_length);
    rocksdb_writebatch_delete(rocks->batch, (const char *)whole, length);
    return true;
}

bool rocks_put_record(struct rocks *rocks, enum kv_table table, uint32_t number, const void *bytes, size_t length)
{
    uint8_t whole[ROCKS_KEY_MAX];
    size_t key_length = rocks_key(whole, table, &number, sizeof number);
    rocksdb_writebatch_put(rocks->batch, (const char *)whole, key_length, bytes, length);
    return true;
}

bool rocks_put_transition(struct rocks *rocks, uint8_t kind, uint32_t subject, int64_t at, uint8_t from, uint8_t to)
{
    struct packed_transition head = {
        .at = at, .subject = subject, .kind = kind, .from = from, .to = to, .created_by = 1};
    uint32_t number = __atomic_fetch_add(&rocks->file->next_transition, 1, __ATOMIC_RELAXED);
    data_make_id(&rocks->seed, at, head.id);
    return rocks_put_record(rocks, KV_TRANSITION, number, &head, sizeof head) &&
           kv_index_transition(&head, number, rocks_put, rocks);
}

/* ------------------------------------------------------------ open */

static void rocks_destroy(void *self)
{
    struct rocks *rocks = self;
    struct rocks_file *file = rocks->file;
    free(file->pick_ids);
    free(file->folder);
    pthread_mutex_destroy(&file->changing);
    free(file);
    free(rocks);
}

static void *rocks_create(const struct data *data, const char *folder)
{
    struct rocks *rocks = calloc(1, sizeof *rocks);
    struct rocks_file *file = calloc(1, sizeof *file);
    if (rocks == NULL || file == NULL || pthread_mutex_init(&file->changing, NULL) != 0) {
        free(rocks);
        free(file);
        return NULL;
    }
    rocks->file = file;
    file->data = data;
    file->folder = strdup(folder);
    file->pick_ids = calloc(data->pick_count, sizeof *file->pick_ids);
    if (file->folder == NULL || file->pick_ids == NULL) {
        rocks_destroy(rocks);
        return NULL;
    }
    for (uint32_t i = 0; i < data->pick_count; i++)
        memcpy(file->pick_ids[i], data->customers[data->picks[i]].id, 16);
    return rocks;
}

static void set_options(struct rocks_file *file, enum engine_mode mode)
{
    file->options = rocksdb_options_create();
    file->blocks = rocksdb_block_based_options_create();
    file->cache = rocksdb_cache_create_lru((size_t)1 << 30);
    file->read = rocksdb_readoptions_create();
    file->write = rocksdb_writeoptions_create();
    rocksdb_block_based_options_set_block_cache(file->blocks, file->cache);
    rocksdb_block_based_options_set_block_size(file->blocks, 8192);
    rocksdb_block_based_options_set_filter_policy(file->blocks, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(file->options, file->blocks);
    rocksdb_options_set_create_if_missing(file->options, 1);
    rocksdb_options_set_compression(file->options, rocksdb_lz4_compression);
    rocksdb_options_set_write_buffer_size(file->options, (size_t)64 << 20);
    rocksdb_options_set_max_write_buffer_number(file->options, 4);
    rocksdb_options_increase_parallelism(file->options, 2);
    rocksdb_writeoptions_disable_WAL(file->write, mode == ENGINE_BULK);
    rocksdb_writeoptions_set_sync(file->write, mode == ENGINE_DURABLE);
}

/* The number behind the last of a table. */
static uint32_t next_number(const struct rocks_file *file, enum kv_table table)
{
    uint8_t end = (uint8_t)(table + 1);
    uint32_t next = 0;
    size_t length;
    rocksdb_iterator_t *at = rocksdb_create_iterator(file->db, file->read);
    rocksdb_iter_seek_for_prev(at, (const char *)&end, 1);
    if (rocksdb_iter_valid(at)) {
        const char *key = rocksdb_iter_key(at, &length);
        if ((uint8_t)key[0] == (uint8_t)table)
            next = packed_get_u32(key + 1) + 1;
    }
    rocksdb_iter_destroy(at);
    return next;
}

static bool rocks_open(void *self, enum engine_mode mode)
{
    struct rocks *rocks = self;
    struct rocks_file *file = rocks->file;
    char *error = NULL;
    set_options(file, mode);
    file->db = rocksdb_open(file->options, file->folder, &error);
    if (error != NULL)
        return rocks_fail(file->folder, error);
    rocks->batch = rocksdb_writebatch_create();
    rocks->seed = data_seed();
    file->next_interaction = next_number(file, KV_INTERACTION);
    file->next_transition = next_number(file, KV_TRANSITION);
    file->next_change = next_number(file, KV_CHANGE);
    return true;
}

static bool rocks_close(void *self)
{
    struct rocks *rocks = self;
    struct rocks_file *file = rocks->file;
    if (file->db != NULL) {
        rocksdb_writebatch_destroy(rocks->batch);
        rocksdb_close(file->db);
    }
    rocksdb_readoptions_destroy(file->read);
    rocksdb_writeoptions_destroy(file->write);
    rocksdb_options_destroy(file->options);
    rocksdb_block_based_options_destroy(file->blocks);
    rocksdb_cache_destroy(file->cache);
    file->db = NULL;
    return true;
}

static void *rocks_attach(void *self)
{
    const struct rocks *first = self;
    struct rocks *rocks = calloc(1, sizeof *rocks);
    if (rocks == NULL)
        return NULL;
    rocks->file = first->file;
    rocks->batch = rocksdb_writebatch_create();
    rocks->seed = data_seed();
    return rocks;
}

static void rocks_detach(void *session)
{
    struct rocks *rocks = session;
    rocksdb_writebatch_destroy(rocks->batch);
    free(rocks);
}

/* ------------------------------------------------------------ load */

enum { BATCH = 1000 };

static bool load_record(struct rocks *rocks, uint32_t i)
{
    const struct data *data = rocks->file->data;
    uint32_t customers = data->customer_count, deals = customers + data->interaction_count;
    int64_t at = data_batch_time(data, i / DATA_BATCH);
    uint8_t bytes[PACKED_MAX];
    size_t length;
    if (i < customers) {
        length = packed_new_customer(data, i, bytes);
        return rocks_put_record(rocks, KV_CUSTOMER, i, bytes, length) &&
               kv_index_customer(bytes, i, rocks_put, rocks) &&
               rocks_put_transition(rocks, KV_KIND_CUSTOMER, i, at, 0, data->customers[i].stage);
    }
    if (i < deals) {
        length = packed_new_interaction(data, i - customers, bytes);
        return rocks_put_record(rocks, KV_INTERACTION, i - customers, bytes, length) &&
               kv_index_interaction(bytes, i - customers, rocks_put, rocks);
    }
    length = packed_new_deal(data, i - deals, bytes);
    return rocks_put_record(rocks, KV_DEAL, i - deals, bytes, length) &&
           kv_index_deal(bytes, i - deals, rocks_put, rocks) &&
           rocks_put_transition(rocks, KV_KIND_DEAL, i - deals, at, 0, data->deals[i - deals].stage);
}

static bool flush(struct rocks *rocks)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *error = NULL;
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(rocks->file->db, options, &error);
    rocksdb_flushoptions_destroy(options);
    return error == NULL || rocks_fail("flush", error);
}

static bool rocks_compact(void *self)
{
    struct rocks *rocks = self;
    bool ok = flush(rocks);
    rocksdb_compact_range(rocks->file->db, NULL, 0, NULL, 0);
    return ok;
}

static bool rocks_load(void *self, bool lookups)
{
    struct rocks *rocks = self;
    const struct data *data = rocks->file->data;
    uint32_t count = data->customer_count + data->interaction_count + data->deal_count;
    bool ok = !lookups && rocks_open(rocks, ENGINE_BULK);
    for (uint32_t i = 0; ok && i < count; i++) {
        if (i % BATCH == 0)
            ok = rocks_begin(rocks, data->to);
        ok = ok && load_record(rocks, i);
        if (i % BATCH == BATCH - 1 || i + 1 == count)
            ok = ok && rocks_commit(rocks);
    }
    ok = ok && rocks_compact(rocks);
    return rocks_close(rocks) && ok;
}

/* Each request reads what is newest, held or not. */
static bool rocks_hold(void *self, bool on)
{
    (void)self, (void)on;
    return true;
}

const struct engine engine_rocksdb = {
    .name = "rocksdb",
    .describe = rocks_describe,
    .create = rocks_create,
    .destroy = rocks_destroy,
    .load = rocks_load,
    .open = rocks_open,
    .close = rocks_close,
    .attach = rocks_attach,
    .detach = rocks_detach,
    .hold = rocks_hold,
    .questions = rocks_questions,
    .begin = rocks_begin,
    .commit = rocks_commit,
    .changes = rocks_changes,
    .compact = rocks_compact,
};

#else

const struct engine engine_rocksdb = {.name = "rocksdb"};

#endif
