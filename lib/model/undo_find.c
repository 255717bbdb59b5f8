/* undo_find: the transactions of a batch, by the meta of every frame, and the
 * records they touched.
 */
#include "model/undo.h"

#include "sys/checksum.h"

#include <stdlib.h>
#include <string.h>

bool undo_in_batch(const struct undo *undo, uint64_t lsn)
{
    size_t low = 0, high = undo->lsn_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (undo->lsns[middle] < lsn)
            low = middle + 1;
        else
            high = middle;
    }
    return low < undo->lsn_count && undo->lsns[low] == lsn;
}

static int32_t find_transactions(struct undo *undo, crm_error *error)
{
    size_t length = strlen(undo->batch);
    for (uint64_t lsn = 1; lsn < undo->txn->lsn; lsn++) {
        struct frame meta;
        int32_t status = frame_meta(undo->generation, lsn, &meta, error);
        if (status != CRM_OK && status != CRM_NOT_FOUND)
            return status;
        if (status != CRM_OK || meta.batch_length != length || memcmp(meta.batch, undo->batch, length) != 0)
            continue;
        if (!memory_grow(undo->txn->db->memory, (void **)&undo->lsns, &undo->lsn_capacity, undo->lsn_count + 1,
                         sizeof *undo->lsns))
            return error_nomem(error);
        undo->lsns[undo->lsn_count++] = lsn;
    }
    return undo->lsn_count > 0
               ? CRM_OK
               : error_set(error, CRM_NOT_FOUND, "there is no transaction of a batch \"%s\"", undo->batch);
}

/* ---- the set of records ---- */

static size_t slot_of(const struct undo *undo, uint32_t kind, uint32_t number)
{
    size_t mask = undo->slot_count - 1;
    size_t slot = (size_t)hash_mix((uint64_t)kind << 32 | number) & mask;
    while (undo->slots[slot] != 0) {
        const struct undo_record *record = &undo->records[undo->slots[slot] - 1];
        if (record->kind == kind && record->number == number)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

struct undo_record *undo_known(const struct undo *undo, uint32_t kind, uint32_t number)
{
    uint32_t position = undo->slot_count == 0 ? 0 : undo->slots[slot_of(undo, kind, number)];
    return position == 0 ? NULL : &undo->records[position - 1];
}

static bool grow_slots(struct undo *undo)
{
    if ((undo->count + 1) * 2 <= undo->slot_count)
        return true;
    size_t count = undo->slot_count == 0 ? 1024 : undo->slot_count * 2;
    uint32_t *larger = memory_zero(undo->txn->db->memory, count, sizeof *larger);
    if (larger == NULL)
        return false;
    memory_free(undo->txn->db->memory, undo->slots);
    undo->slots = larger;
    undo->slot_count = count;
    for (size_t i = 0; undo->records != NULL && i < undo->count; i++)
        undo->slots[slot_of(undo, undo->records[i].kind, undo->records[i].number)] = (uint32_t)i + 1;
    return true;
}

static bool touch(struct undo *undo, const struct entry *entry, uint32_t sequence)
{
    struct undo_record *known = undo_known(undo, entry->kind, entry->number);
    if (known != NULL) {
        if (entry->lsn < known->lsn || (entry->lsn == known->lsn && sequence < known->sequence)) {
            known->lsn = entry->lsn;
            known->sequence = sequence;
        }
        return true;
    }
    if (undo->count >= UINT32_MAX - 1 || !grow_slots(undo) ||
        !memory_grow(undo->txn->db->memory, (void **)&undo->records, &undo->capacity, undo->count + 1,
                     sizeof *undo->records) ||
        undo->records == NULL)
        return false;
    undo->records[undo->count] =
        (struct undo_record){.kind = entry->kind, .number = entry->number, .lsn = entry->lsn, .sequence = sequence};
    undo->slots[slot_of(undo, entry->kind, entry->number)] = (uint32_t)++undo->count;
    return true;
}

/* A user's definitions stay: others may use by now what the batch defined. */
static bool counts(const struct entry *entry)
{
    return entry->operation <= ENTRY_ERASE && !(entry->kind >= CRM_KIND_KIND && entry->kind <= CRM_KIND_CHOICE);
}

static int32_t damaged(const struct undo *undo, uint64_t lsn, int32_t status, crm_error *error)
{
    return error_unread(error, status, "%s: transaction %llu of batch \"%s\"", undo->txn->db->path,
                        (unsigned long long)lsn, undo->batch);
}

static int32_t touch_frame(struct undo *undo, uint64_t lsn, crm_error *error)
{
    struct generation *generation = undo->generation;
    const struct frame_cell *cell = frame_cell(generation, lsn);
    struct frame frame;
    if (cell == NULL || log_frame_info(generation->log, cell->offset, &frame, NULL) != CRM_OK || frame.lsn != lsn)
        return damaged(undo, lsn, CRM_CORRUPT, error);
    for (size_t at = 0; at < frame.entries_length;) {
        struct entry entry;
        if (entry_get(frame.entries + at, frame.entries_length - at, frame.entries_offset + at, &entry) != CRM_OK)
            return damaged(undo, lsn, CRM_CORRUPT, error);
        if (counts(&entry) && !touch(undo, &entry, (uint32_t)(at / 8 < UINT32_MAX ? at / 8 : UINT32_MAX)))
            return error_nomem(error);
        at += entry.size;
    }
    return CRM_OK;
}

/* The transactions that a compaction put away lie scattered over the chains. */
static int32_t touch_compacted(struct undo *undo, crm_error *error)
{
    struct generation *generation = undo->generation;
    uint64_t base = log_header(generation->log)->base_lsn;
    struct generation reader;
    int32_t status = CRM_OK;
    reader_init(&reader, generation);
    for (uint32_t k = 0; status == CRM_OK && k < generation->schema.kind_count; k++) {
        const struct kind *kind = generation->schema.kinds[k];
        uint32_t rows = kind_rows(generation, kind);
        for (uint32_t number = 0; status == CRM_OK && number < rows; number++) {
            const struct row *row = row_at(generation, kind, number);
            for (uint64_t place = row == NULL ? 0 : row->head; status == CRM_OK && place != 0;) {
                struct entry entry;
                status = entry_load(&reader, undo->txn, place, &entry);
                if (status != CRM_OK)
                    status = damaged(undo, base, status, error);
                else if (entry.lsn < undo->lsns[0])
                    break;
                else if (entry.lsn <= base && counts(&entry) && undo_in_batch(undo, entry.lsn) &&
                         !touch(undo, &entry, entry.sequence))
                    status = error_nomem(error);
                place = status == CRM_OK ? entry.previous : 0;
            }
            reader_relax(&reader);
        }
    }
    reader_free(&reader);
    return status;
}

static int compare_records(const void *a, const void *b)
{
    const struct undo_record *one = a, *two = b;
    if (one->lsn != two->lsn)
        return one->lsn < two->lsn ? -1 : 1;
    return one->sequence < two->sequence ? -1 : one->sequence > two->sequence;
}

int32_t undo_find(struct undo *undo, crm_error *error)
{
    uint64_t base = log_header(undo->generation->log)->base_lsn;
    int32_t status = find_transactions(undo, error);
    if (status == CRM_OK && undo->lsns[0] <= base)
        status = touch_compacted(undo, error);
    for (size_t i = 0; status == CRM_OK && i < undo->lsn_count; i++)
        if (undo->lsns[i] > base)
            status = touch_frame(undo, undo->lsns[i], error);
    if (status != CRM_OK || undo->count < 2)
        return status;
    qsort(undo->records, undo->count, sizeof *undo->records, compare_records);
    memset(undo->slots, 0, undo->slot_count * sizeof *undo->slots);
    for (size_t i = 0; i < undo->count; i++)
        undo->slots[slot_of(undo, undo->records[i].kind, undo->records[i].number)] = (uint32_t)i + 1;
    return CRM_OK;
}
