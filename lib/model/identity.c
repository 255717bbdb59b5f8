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
#include "sys/cold.h"

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

COLD const crm_id *id_at(const struct generation *generation, const struct kind *kind, uint32_t number)
{
    const struct kind_store *store = kind_store(generation, kind);
    const crm_id *id = store == NULL || number >= store->rows
                           ? NULL
                           : column_at(generation->arena, store->ids_column, number, sizeof *id);
    return id == NULL ? &nil : id;
}

/* Whether the record before leads to this one.  It does not across the chunks
 * of the column, so that a chain is one run of cells; within one, the row and the
 * id before lie just before. */
static inline bool chained(uint32_t number, const struct row *row, const crm_id *cell, const crm_id *id)
{
    return number % COLUMN_CHUNK != 0 && row[-1].head != 0 && same_block(cell - 1, id) &&
           cell[-1].bytes[15] < id->bytes[15];
}

/* Whether the cells of a number and of the one before lie side by side. */
COLD static bool beside(struct generation *generation, const struct kind_store *store, uint32_t number)
{
    return column_cells(generation->arena, store->rows_column, number - 1, 2, sizeof(struct row)) != NULL &&
           column_cells(generation->arena, store->ids_column, number - 1, 2, sizeof(crm_id)) != NULL;
}

/* The cells of a number; those before it in the chunk lie before them. */
static bool cells_of(struct generation *generation, struct kind *kind, const struct kind_store *store, uint32_t number,
                     struct row **row, crm_id **cell)
{
    *row = column_in(generation->arena, store->rows_column, &kind->rows_window, number, sizeof **row);
    *cell = column_in(generation->arena, store->ids_column, &kind->ids_window, number, sizeof **cell);
    return *row != NULL && *cell != NULL &&
           (number % COLUMN_CHUNK == 0 || (kind->rows_window.count > 0 && kind->ids_window.count > 0) ||
            beside(generation, store, number));
}

struct row *row_make(struct generation *generation, struct kind *kind, uint32_t number, const crm_id *id)
{
    const struct kind_store *store = kind_store(generation, kind);
    struct row *row;
    crm_id *cell;
    if (!cells_of(generation, kind, store, number, &row, &cell) || row->head != 0 ||
        (!chained(number, row, cell, id) &&
         !hash_insert(generation->arena, store->ids, block_hash(generation, id), number)))
        return NULL;
    *cell = *id;
    return row;
}

COLD bool row_unmake(struct generation *generation, struct kind *kind, uint32_t number)
{
    const struct kind_store *store = kind_store(generation, kind);
    struct row *row;
    crm_id *cell;
    if (!cells_of(generation, kind, store, number, &row, &cell) ||
        (!chained(number, row, cell, cell) &&
         !hash_remove(generation->arena, store->ids, block_hash(generation, cell), number)))
        return false;
    *cell = nil;
    *row = (struct row){0};
    return true;
}

/* The number of the id in the chain that starts at `first`. */
static uint32_t chain_find(const struct generation *generation, const struct kind_store *store, uint32_t first,
                           const crm_id *id)
{
    if (first >= store->rows)
        return UINT32_MAX;
    const crm_id *ids = column_cells(generation->arena, store->ids_column, first, 1, sizeof *ids);
    if (ids == NULL || !same_block(ids, id) || id->bytes[15] < ids->bytes[15])
        return UINT32_MAX;
    uint32_t distance = (uint32_t)(id->bytes[15] - ids->bytes[15]), count = distance + 1;
    uint32_t left = COLUMN_CHUNK - first % COLUMN_CHUNK;
    if (count > store->rows - first)
        count = store->rows - first;
    if (count > left)
        count = left;
    if (count > 1 && (ids = column_cells(generation->arena, store->ids_column, first, count, sizeof *ids)) == NULL)
        return UINT32_MAX;
    /* Mostly one record follows another, or one of another kind lies between. */
    if (distance < count && same_id(ids + distance, id))
        return first + distance;
    if (distance / 2 < count && same_id(ids + distance / 2, id))
        return first + distance / 2;
    for (uint32_t i = 0; i < count; i++) {
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
