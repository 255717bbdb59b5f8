/* chain: a record's versions as they hang together in the log: from the row's
 * newest entry back to the first.
 */
#include "model/db.h"
#include "model/txn.h"
#include "sys/cold.h"
#include "sys/varint.h"

#include <string.h>

/* The position where a pack is, or would go, in the list. */
static size_t pack_position(const struct generation *generation, uint64_t offset)
{
    size_t low = 0, high = generation->pack_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (generation->packs[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A pack's body, as a table of frames': var raw length, then a zlib stream. */
static int32_t pack_inflate(const struct generation *generation, uint64_t offset, struct pack *pack)
{
    const struct memory *memory = generation->db->memory;
    const struct log_map *map = log_map(generation->log);
    struct entry entry;
    uint64_t raw;
    if (offset < LOG_FRAMES_START || offset >= map->length ||
        entry_get(map->base + offset, (size_t)(map->length - offset), offset, &entry) != CRM_OK ||
        (entry.operation != ENTRY_PACK && entry.operation != ENTRY_FRAMES))
        return CRM_CORRUPT;
    const uint8_t *end = entry.body + entry.body_length;
    const uint8_t *at = varint_get(entry.body, end, &raw);
    if (at == NULL || raw > VALUE_TEXT_MAX * UINT64_C(2) || raw / 1100 > (uint64_t)(end - at)) /* deflate's most */
        return CRM_CORRUPT;
    struct value value = {.what = VALUE_DEFLATED, .integer = (int64_t)raw, .bytes = at, .length = (size_t)(end - at)};
    *pack = (struct pack){offset, memory_alloc(memory, (size_t)raw + 1), (size_t)raw};
    int32_t status = pack->bytes == NULL ? CRM_NOMEM : value_inflate(memory, &value, pack->bytes);
    if (status != CRM_OK)
        memory_free(memory, pack->bytes);
    return status;
}

COLD int32_t pack_open(struct generation *generation, uint64_t offset, const uint8_t **bytes, size_t *length)
{
    int32_t status = CRM_OK;
    mutex_lock(&generation->pack_lock);
    size_t at = pack_position(generation, offset);
    if (at == generation->pack_count || generation->packs[at].offset != offset) {
        struct pack pack;
        status = memory_grow(generation->db->memory, (void **)&generation->packs, &generation->pack_capacity,
                             generation->pack_count + 1, sizeof pack)
                     ? pack_inflate(generation, offset, &pack)
                     : CRM_NOMEM;
        if (status != CRM_OK)
            goto out;
        memmove(generation->packs + at + 1, generation->packs + at, (generation->pack_count - at) * sizeof pack);
        generation->packs[at] = pack;
        generation->pack_count++;
    }
    *bytes = generation->packs[at].bytes;
    *length = generation->packs[at].length;
out:
    mutex_unlock(&generation->pack_lock);
    return status;
}

static int32_t pack_bytes(struct generation *generation, uint64_t place, const uint8_t **bytes, size_t *available)
{
    uint64_t offset = (place & ~PLACE_PACKED) >> PLACE_POSITION_BITS;
    size_t position = (size_t)(place & ((UINT64_C(1) << PLACE_POSITION_BITS) - 1));
    size_t length;
    int32_t status = pack_open(generation, offset, bytes, &length);
    if (status != CRM_OK || position >= length)
        return status == CRM_OK ? CRM_CORRUPT : status;
    *available = length - position;
    *bytes += position;
    return CRM_OK;
}

/* ---- reading everything ---- */

enum { READER_PACKS = 64 };

COLD void reader_init(struct generation *reader, const struct generation *of)
{
    memset(reader, 0, sizeof *reader);
    reader->db = of->db;
    reader->log = of->log;
    (void)mutex_init(&reader->pack_lock); /* one thread's own: it is never waited for */
}

static void drop_packs(struct generation *reader)
{
    for (size_t i = 0; i < reader->pack_count; i++)
        memory_free(reader->db->memory, reader->packs[i].bytes);
    reader->pack_count = 0;
}

COLD void reader_relax(struct generation *reader)
{
    if (reader->pack_count >= READER_PACKS)
        drop_packs(reader);
}

COLD void reader_free(struct generation *reader)
{
    if (reader->db == NULL)
        return;
    drop_packs(reader);
    memory_free(reader->db->memory, reader->packs);
    mutex_destroy(&reader->pack_lock);
    memset(reader, 0, sizeof *reader);
}

static int32_t entry_bytes(struct generation *generation, const crm_txn *txn, uint64_t offset, const uint8_t **bytes,
                           size_t *available)
{
    if (offset & PLACE_PACKED)
        return pack_bytes(generation, offset, bytes, available);
    if (txn != NULL && offset >= txn->base) {
        uint64_t at = offset - txn->base;
        if (at >= txn->entries.length)
            return CRM_CORRUPT;
        *available = txn->entries.length - (size_t)at;
        *bytes = txn->entries.data + at;
        return CRM_OK;
    }
    const struct log_map *map = log_map(generation->log);
    if (offset < LOG_FRAMES_START || offset >= map->length)
        return CRM_CORRUPT;
    *available = (size_t)(map->length - offset);
    *bytes = map->base + offset;
    return CRM_OK;
}

enum { ENTRY_LINES = 128 };

int32_t entry_load(struct generation *generation, const crm_txn *txn, uint64_t offset, struct entry *out)
{
    size_t available;
    const uint8_t *bytes;
    int32_t status = entry_bytes(generation, txn, offset, &bytes, &available);
    if (status != CRM_OK)
        return status;
    if (available > ENTRY_LINES) { /* most lie in two or three lines, which are waited for at once */
        __builtin_prefetch(bytes + ENTRY_LINES / 2);
        __builtin_prefetch(bytes + ENTRY_LINES);
    }
    status = entry_get(bytes, available, offset & PLACE_PACKED ? 0 : offset, out);
    if (status != CRM_OK || !(out->flags & ENTRY_PACKED))
        return status; /* the one before lies before it, as entry_get has seen to */
    /* So must a packed one, or a forged chain would go round for ever. */
    uint64_t here = offset & PLACE_PACKED ? offset : place_packed(offset, 0);
    return (out->previous & PLACE_PACKED) && out->previous < here ? CRM_OK : CRM_CORRUPT;
}

static inline bool add_segment(struct version *out, const struct entry *entry)
{
    const uint8_t *fields = entry->body, *end = entry->body + entry->body_length;
    if (entry->operation == ENTRY_CREATE && (fields = id_skip(fields, end)) == NULL)
        return false;
    out->segments[out->count].bytes = fields;
    out->segments[out->count++].length = (size_t)(end - fields);
    return true;
}

static inline bool is_whole(const struct entry *entry)
{
    return entry->operation == ENTRY_CREATE || (entry->flags & ENTRY_FULL) != 0;
}

int32_t entry_before(struct generation *generation, const crm_txn *txn, struct entry *entry)
{
    uint32_t kind = entry->kind, number = entry->number;
    uint64_t version = entry->version;
    int32_t status = entry_load(generation, txn, entry->previous, entry);
    if (status != CRM_OK)
        return status;
    return entry->kind == kind && entry->number == number && entry->version + 1 == version ? CRM_OK : CRM_CORRUPT;
}

/* The entries below the first, down to a whole one. */
static int32_t load_rest(struct generation *generation, const crm_txn *txn, struct entry *entry, struct version *out)
{
    do {
        int32_t status =
            out->count == VERSION_SEGMENTS || entry->previous == 0 ? CRM_CORRUPT : entry_before(generation, txn, entry);
        if (status != CRM_OK)
            return status;
        if (!add_segment(out, entry))
            return CRM_CORRUPT;
    } while (!is_whole(entry));
    return CRM_OK;
}

/* Not all the segments are set: this is on every look-up's path. */
int32_t version_load(struct generation *generation, const crm_txn *txn, uint64_t offset, struct version *out)
{
    struct entry entry;
    int32_t status = entry_load(generation, txn, offset, &entry);
    if (status != CRM_OK)
        return status;
    out->offset = offset;
    out->lsn = entry.lsn;
    out->number_of = entry.version;
    out->kind = entry.kind;
    out->number = entry.number;
    out->previous = entry.previous;
    out->operation = entry.operation;
    out->flags = entry.flags;
    out->deleted = entry.operation == ENTRY_DELETE;
    out->damaged = out->hidden = false;
    out->count = 0;
    if (!add_segment(out, &entry))
        return CRM_CORRUPT;
    return is_whole(&entry) ? CRM_OK : load_rest(generation, txn, &entry, out);
}

/* The row's newest committed version: what a transaction has under way cannot be
 * read by others, but what the row was before it is remembered. */
COLD uint64_t version_newest(const struct generation *generation, const crm_txn *txn, const struct kind *kind,
                             uint32_t number)
{
    const struct row *row = row_at(generation, kind, number);
    uint64_t applied = generation->applied.lsn;
    if (row == NULL || txn != NULL || row_lsn(row) <= applied)
        return row == NULL ? 0 : row->head;
    for (size_t i = generation->touch_count; i > 0 && generation->touches[i - 1].lsn > applied; i--) {
        const struct touch *touch = &generation->touches[i - 1];
        if (touch->kind == kind->number && touch->number == number && row_lsn(&touch->before) <= applied)
            return touch->before.head;
    }
    return 0;
}

/* What cannot be read is taken for erased: nothing may come to light by damage. */
COLD int32_t version_erased(struct generation *generation, const crm_txn *txn, const struct kind *kind, uint32_t number,
                            uint64_t after, uint64_t until, uint64_t *erased)
{
    struct entry entry;
    uint64_t place = version_newest(generation, txn, kind, number);
    int32_t status = place == 0 ? CRM_OK : entry_load(generation, txn, place, &entry);
    *erased = 0;
    while (place != 0 && status == CRM_OK && entry.version > after) {
        if (entry.operation == ENTRY_ERASE && entry.lsn <= until) {
            *erased = entry.version;
            return CRM_OK;
        }
        place = entry.previous;
        if (place != 0)
            status = entry_before(generation, txn, &entry);
    }
    if (status != CRM_OK)
        *erased = UINT64_MAX;
    return status == CRM_NOMEM ? status : CRM_OK;
}

/* A view that was open keeps what it had: what was erased since it was opened is
 * hidden from later ones.  A compaction leaves the row's mark out when newer
 * versions hide the erasure; then old versions lie in packs. */
int32_t version_of_row(const crm_view *view, const struct kind *kind, uint32_t number, const struct row *row,
                       struct version *out)
{
    struct generation *generation = view->generation;
    uint64_t by = 0;
    int32_t status = version_load(generation, view->txn, row->head, out);
    if (status == CRM_OK && (out->kind != kind->number || out->number != number || out->lsn != row_lsn(row)))
        return CRM_CORRUPT; /* another's: what lies there was written to the wrong place */
    bool erased = (row->state & ROW_ERASED) || (row->head & PLACE_PACKED);
    if (status == CRM_OK && erased && row->head != version_newest(generation, view->txn, kind, number))
        status = version_erased(generation, view->txn, kind, number, out->number_of, view->base_lsn, &by);
    if (by != 0)
        out->hidden = true;
    return status;
}
