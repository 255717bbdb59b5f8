/* identity: which id a record's number has, and which number an id.
 *
 * Ids stand in a column of their own beside the rows: most reads need no id,
 * and rows half the size stay in the cache.  The table does not hold every id.
 * Those that one transaction makes count up (uuid.h), so a record whose id
 * follows that of the number before it within one block of 64 ids is found
 * through that one: only the first of such a chain has a slot, and a search
 * goes along the chain.  A million imported records take some ten thousand
 * slots; ids from elsewhere have a slot each.
 */
#include "model/db.h"

#include "sys/bytes.h"
#include "sys/checksum.h"

enum { ID_BLOCK = 64 /* ids that differ in these last bits only */ };

static const crm_id nil;

static inline bool same_id(const crm_id *a, const crm_id *b)
{
    return bytes_get_u64(a->bytes) == bytes_get_u64(b->bytes) &&
           bytes_get_u64(a->bytes + 8) == bytes_get_u64(b->bytes + 8);
}

static inline bool same_block(const crm_id *a, const crm_id *b)
{
    return bytes_get_u64(a->bytes) == bytes_get_u64(b->bytes) &&
           (bytes_get_big64(a->bytes + 8) ^ bytes_get_big64(b->bytes + 8)) < ID_BLOCK;
}

static uint64_t block_hash(const struct generation *generation, const crm_id *id)
{
    uint64_t low = bytes_get_big64(id->bytes + 8) & ~(uint64_t)(ID_BLOCK - 1);
    return hash_mix(bytes_get_u64(id->bytes) ^ hash_mix(low ^ log_header(generation->log)->seed));
}

const crm_id *id_at(const struct generation *generation, const struct kind *kind, uint32_t number)
{
    const struct kind_store *store = kind_store(generation, kind);
    const crm_id *id =
        store == NULL || number >= store->rows ? NULL : column_at(generation->arena, store->ids_column, number);
    return id == NULL ? &nil : id;
}

/* Whether the record before leads to this one.  It does not across the chunks
 * of the column, so that a chain is one run of cells. */
static bool chained(const struct generation *generation, const struct kind_store *store, uint32_t number,
                    const crm_id *id)
{
    if (number % COLUMN_CHUNK == 0)
        return false;
    const struct row *before = column_at(generation->arena, store->rows_column, number - 1);
    const crm_id *other = column_at(generation->arena, store->ids_column, number - 1);
    return before != NULL && before->head != 0 && other != NULL && same_block(other, id) &&
           other->bytes[15] < id->bytes[15];
}

bool id_insert(struct generation *generation, const struct kind_store *store, uint32_t number, const crm_id *id)
{
    crm_id *cell = column_at(generation->arena, store->ids_column, number);
    if (cell == NULL || (!chained(generation, store, number, id) &&
                         !hash_insert(generation->arena, store->ids, block_hash(generation, id), number)))
        return false;
    *cell = *id;
    return true;
}

bool id_remove(struct generation *generation, const struct kind_store *store, uint32_t number)
{
    crm_id *cell = column_at(generation->arena, store->ids_column, number);
    if (cell == NULL || (!chained(generation, store, number, cell) &&
                         !hash_remove(generation->arena, store->ids, block_hash(generation, cell), number)))
        return false;
    *cell = nil;
    return true;
}

/* The number of the id in the chain that starts at `first`. */
static uint32_t chain_find(const struct generation *generation, const struct kind_store *store, uint32_t first,
                           const crm_id *id)
{
    uint32_t count;
    const crm_id *ids = first < store->rows ? column_run(generation->arena, store->ids_column, first, &count) : NULL;
    if (ids == NULL || !same_block(ids, id) || id->bytes[15] < ids->bytes[15])
        return UINT32_MAX;
    uint32_t distance = (uint32_t)(id->bytes[15] - ids->bytes[15]);
    if (count > distance + 1)
        count = distance + 1;
    /* Mostly one record follows another, or one of another kind lies between. */
    if (distance < count && same_id(ids + distance, id))
        return first + distance;
    for (uint32_t i = distance / 2 < count && same_id(ids + distance / 2, id) ? distance / 2 : 0;
         i < count; i++) {
        if (same_id(ids + i, id))
            return first + i;
        if (i > 0 && (!same_block(ids + i, id) || ids[i].bytes[15] <= ids[i - 1].bytes[15]))
            break; /* behind the chain's end */
    }
    return UINT32_MAX;
}

uint32_t row_find(const struct generation *generation, const struct kind *kind, const crm_id *id)
{
    struct kind_store *store = kind_store(generation, kind);
    struct hash_cursor cursor;
    uint32_t number;
    if (store == NULL)
        return UINT32_MAX;
    hash_find(generation->arena, store->ids, block_hash(generation, id), &cursor);
    while (hash_next(generation->arena, store->ids, &cursor, &number)) {
        uint32_t found = chain_find(generation, store, number, id);
        if (found < store->rows)
            return found;
    }
    return UINT32_MAX;
}
