/* peer_lmdb_load: the load into an empty environment.
 *
 * Records come in the order of their numbers and are appended.  The entries of
 * the indexes are gathered, sorted and appended at the end, which is what LMDB
 * is best at.
 */
#include "peer_lmdb.h"

#include "text.h"

#include <stdlib.h>

enum { TRANSACTION = 100000 /* records: LMDB holds the pages of one in memory */, ENTRY_MAX = TEXT_KEY + 16 };

/* The entries of one index: lengths of key and value, then both. */
struct gathered {
    uint8_t *bytes;
    size_t length, capacity;
    size_t count;
};

struct loader {
    struct lmdb *lmdb;
    struct gathered tables[KV_TABLES];
};

static bool gather(void *context, enum kv_table table, const void *key, size_t key_length, const void *value,
                   size_t value_length)
{
    struct loader *loader = context;
    struct gathered *all = &loader->tables[table];
    if (all->capacity - all->length < ENTRY_MAX) {
        size_t capacity = all->capacity == 0 ? 1 << 20 : all->capacity * 2;
        uint8_t *bytes = realloc(all->bytes, capacity);
        if (bytes == NULL)
            return lmdb_fail("gathering", MDB_MAP_FULL);
        all->bytes = bytes;
        all->capacity = capacity;
    }
    uint8_t *at = all->bytes + all->length;
    at[0] = (uint8_t)key_length;
    at[1] = (uint8_t)value_length;
    memcpy(at + 2, key, key_length);
    memcpy(at + 2 + key_length, value, value_length);
    all->length += 2 + key_length + value_length;
    all->count++;
    return true;
}

/* ------------------------------------------------------------ sorting */

/* What qsort moves: the first eight bytes of the key in its order, and where the rest is. */
struct sorted {
    uint64_t head;
    const uint8_t *entry;
};

static uint32_t entry_number(const uint8_t *entry)
{
    uint32_t number;
    memcpy(&number, entry + 2 + entry[0], sizeof number);
    return number;
}

/* Keys that are texts or ids: by bytes, the shorter first, then by number. */
static int by_bytes(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    size_t shared = x->entry[0] < y->entry[0] ? x->entry[0] : y->entry[0];
    int order = memcmp(x->entry + 2, y->entry + 2, shared);
    if (order != 0)
        return order;
    if (x->entry[0] != y->entry[0])
        return x->entry[0] < y->entry[0] ? -1 : 1;
    uint32_t p = entry_number(x->entry), q = entry_number(y->entry);
    return (p > q) - (p < q);
}

/* Keys that are whole in the head: by it, then by the value: a number, or a line of a timeline. */
static int by_number(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    if (x->entry[1] == KV_LINE)
        return memcmp(x->entry + 2 + x->entry[0], y->entry + 2 + y->entry[0], KV_LINE);
    uint32_t p = entry_number(x->entry), q = entry_number(y->entry);
    return (p > q) - (p < q);
}

static bool is_number_key(struct lmdb *lmdb, enum kv_table table)
{
    unsigned flags = 0;
    mdb_dbi_flags(lmdb->write, lmdb->file->tables[table], &flags);
    return (flags & MDB_INTEGERKEY) != 0;
}

static struct sorted *sort(const struct gathered *all, bool number_keys)
{
    struct sorted *sorted = malloc(all->count * sizeof *sorted);
    const uint8_t *at = all->bytes;
    for (size_t i = 0; sorted != NULL && i < all->count; i++) {
        uint64_t head = 0;
        memcpy(&head, at + 2, at[0] < sizeof head ? at[0] : sizeof head);
        sorted[i].head = number_keys ? head : __builtin_bswap64(head);
        sorted[i].entry = at;
        at += 2 + at[0] + at[1];
    }
    if (sorted != NULL)
        qsort(sorted, all->count, sizeof *sorted, number_keys ? by_number : by_bytes);
    return sorted;
}

/* ------------------------------------------------------------ appending */

static bool append_sorted(MDB_cursor *cursor, const struct sorted *sorted, size_t count)
{
    unsigned flags = 0;
    mdb_dbi_flags(mdb_cursor_txn(cursor), mdb_cursor_dbi(cursor), &flags);
    flags = (flags & MDB_DUPSORT) != 0 ? MDB_APPENDDUP : MDB_APPEND;
    for (size_t i = 0; i < count; i++) {
        uint8_t *entry = (uint8_t *)(uintptr_t)sorted[i].entry;
        MDB_val key = {entry[0], entry + 2}, value = {entry[1], entry + 2 + entry[0]};
        int status = mdb_cursor_put(cursor, &key, &value, flags);
        if (status != MDB_SUCCESS)
            return lmdb_fail("append", status);
    }
    return true;
}

/* Puts the entries of one index in their order, in transactions of their own. */
static bool append_table(struct loader *loader, enum kv_table table)
{
    struct gathered *all = &loader->tables[table];
    struct lmdb *lmdb = loader->lmdb;
    if (!lmdb_begin(lmdb, lmdb->now))
        return false;
    struct sorted *sorted = sort(all, is_number_key(lmdb, table));
    bool ok = sorted != NULL;
    for (size_t i = 0; ok && i < all->count; i += 10 * TRANSACTION) {
        size_t count = all->count - i < 10 * TRANSACTION ? all->count - i : 10 * TRANSACTION;
        MDB_cursor *cursor;
        int status = mdb_cursor_open(lmdb->write, lmdb->file->tables[table], &cursor);
        ok = status == MDB_SUCCESS ? append_sorted(cursor, sorted + i, count) : lmdb_fail("cursor", status);
        if (status == MDB_SUCCESS)
            mdb_cursor_close(cursor);
        ok = ok && lmdb_commit(lmdb) && lmdb_begin(lmdb, lmdb->now);
    }
    free(sorted);
    return lmdb_commit(lmdb) && ok;
}

static bool append_all(struct loader *loader)
{
    bool ok = true;
    for (int i = 0; ok && i < KV_TABLES; i++)
        if (loader->tables[i].count > 0)
            ok = append_table(loader, (enum kv_table)i);
    return ok;
}

static void loader_free(struct loader *loader)
{
    if (loader == NULL)
        return;
    for (int i = 0; i < KV_TABLES; i++)
        free(loader->tables[i].bytes);
    free(loader);
}

/* ------------------------------------------------------------ load */

static bool gather_lookups(struct loader *loader, uint32_t i)
{
    const struct data_lookups *l = &loader->lmdb->file->data->lookups[i];
    bool ok = true;
    for (int k = 0; ok && k < DATA_LOOKUP_TEXTS; k++) {
        char key[TEXT_KEY];
        size_t length = text_lower(l->texts[k], key);
        ok = gather(loader, (enum kv_table)(KV_LOOKUP + k), key, length, &i, sizeof i);
    }
    for (int k = 0; ok && k < DATA_LOOKUP_NUMBERS; k++)
        ok = gather(loader, (enum kv_table)(KV_LOOKUP + DATA_LOOKUP_TEXTS + k), &l->numbers[k], sizeof l->numbers[k],
                    &i, sizeof i);
    return ok;
}

/* The values themselves go behind the record: to read one back is no row here,
 * but a store that forgot them would be none. */
static size_t append_lookups(const struct data_lookups *l, uint8_t *record, size_t length)
{
    for (int k = 0; k < DATA_LOOKUP_TEXTS; k++) {
        size_t size = strlen(l->texts[k]) + 1;
        memcpy(record + length, l->texts[k], size);
        length += size;
    }
    memcpy(record + length, l->numbers, sizeof l->numbers);
    return length + sizeof l->numbers;
}

static bool load_customer(struct loader *loader, uint32_t i, bool lookups)
{
    struct lmdb *lmdb = loader->lmdb;
    const struct data *data = lmdb->file->data;
    uint8_t record[PACKED_MAX];
    size_t length = packed_new_customer(data, i, record);
    lmdb->now = data_batch_time(data, i / DATA_BATCH);
    if (!kv_index_customer(record, i, gather, loader) || (lookups && !gather_lookups(loader, i)))
        return false;
    if (lookups)
        length = append_lookups(&data->lookups[i], record, length);
    return lmdb_put_record(lmdb, KV_CUSTOMER, i, record, length, MDB_APPEND) &&
           lmdb_add_transition(lmdb, KV_KIND_CUSTOMER, i, 0, data->customers[i].stage, gather, loader);
}

static bool load_interaction(struct loader *loader, uint32_t i)
{
    uint8_t record[PACKED_MAX];
    size_t length = packed_new_interaction(loader->lmdb->file->data, i, record);
    return lmdb_put_record(loader->lmdb, KV_INTERACTION, i, record, length, MDB_APPEND) &&
           kv_index_interaction(record, i, gather, loader);
}

static bool load_deal(struct loader *loader, uint32_t i)
{
    struct lmdb *lmdb = loader->lmdb;
    const struct data *data = lmdb->file->data;
    uint8_t record[PACKED_MAX];
    size_t length = packed_new_deal(data, i, record);
    lmdb->now = data_batch_time(data, (data->customer_count + data->interaction_count + i) / DATA_BATCH);
    return lmdb_put_record(lmdb, KV_DEAL, i, record, length, MDB_APPEND) && kv_index_deal(record, i, gather, loader) &&
           lmdb_add_transition(lmdb, KV_KIND_DEAL, i, 0, data->deals[i].stage, gather, loader);
}

static bool load_records(struct loader *loader, bool lookups)
{
    struct lmdb *lmdb = loader->lmdb;
    const struct data *data = lmdb->file->data;
    uint32_t customers = data->customer_count, deals = customers + data->interaction_count;
    uint32_t count = lookups ? customers : deals + data->deal_count;
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        if (i % TRANSACTION == 0)
            ok = lmdb_begin(lmdb, data->to);
        if (i < customers)
            ok = ok && load_customer(loader, i, lookups);
        else if (i < deals)
            ok = ok && load_interaction(loader, i - customers);
        else
            ok = ok && load_deal(loader, i - deals);
        if (i % TRANSACTION == TRANSACTION - 1 || i + 1 == count)
            ok = ok && lmdb_commit(lmdb);
    }
    return ok;
}

bool lmdb_load(void *self, bool lookups)
{
    struct lmdb *lmdb = self;
    struct loader *loader = calloc(1, sizeof *loader);
    if (loader == NULL)
        return false;
    loader->lmdb = lmdb;
    lmdb->file->lookups = lookups;
    bool ok = lmdb_open(lmdb, ENGINE_BULK) && load_records(loader, lookups) && append_all(loader);
    loader_free(loader);
    return lmdb_close(lmdb) && ok;
}
