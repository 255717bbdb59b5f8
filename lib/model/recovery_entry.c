/* recovery_entry: one entry of a damaged file, as far as it can be kept.
 *
 * What would fail is found before the indexes are touched, so that a lost entry
 * leaves nothing half done.
 */
#include "model/inspect.h"
#include "model/recovery.h"

#include "sys/checksum.h"

void recovery_lose(struct recovery *recovery, uint64_t offset)
{
    if (recovery->lost_here++ == 0)
        recovery->first_lost = offset;
    recovery->lost_entries++;
}

/* A user's definition must fit those that are there before it is applied. */
static bool definition_fits(struct recovery *recovery, const struct entry *entry, const uint8_t *fields)
{
    struct version version = {.count = 1};
    if (entry->kind < CRM_KIND_KIND || entry->kind > CRM_KIND_CHOICE)
        return true;
    version.segments[0].bytes = fields;
    version.segments[0].length = (size_t)(entry->body + entry->body_length - fields);
    return schema_apply(recovery->generation, entry->kind, &version, true);
}

/* Made of what is known of the file and the record, so that the same damage gives the same id. */
static crm_id new_id(const struct recovery *recovery, const struct entry *entry)
{
    crm_id id = log_header(recovery->generation->log)->file;
    uint64_t mixed = hash_mix((uint64_t)entry->kind << 32 | entry->number);
    for (int i = 0; i < 8; i++, mixed >>= 8)
        id.bytes[8 + i] ^= (uint8_t)mixed;
    id.bytes[6] = (uint8_t)(0x80 | (id.bytes[6] & 0x0f)); /* version 8 */
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

/* Numbers are dense: one far ahead of what such a file can hold is a lie. */
static bool number_fits(const struct recovery *recovery, uint64_t offset, const struct entry *entry)
{
    uint32_t rows = kind_rows(recovery->generation, schema_kind(&recovery->generation->schema, entry->kind));
    return entry->number < rows || entry->number - rows <= offset;
}

/* A version in full whose earlier ones are lost. */
static bool apply_full(struct recovery *recovery, uint64_t offset, const struct entry *entry, const struct row *row)
{
    struct generation *generation = recovery->generation;
    struct kind *kind = schema_kind(&generation->schema, entry->kind);
    struct version before, after;
    if (row == NULL || row->head == 0) {
        crm_id id = new_id(recovery, entry);
        if (row_find(generation, kind, &id) != UINT32_MAX || !number_fits(recovery, offset, entry) ||
            !definition_fits(recovery, entry, entry->body))
            return false;
        recovery->new_ids++;
        return apply_row(generation, kind, &id, offset, entry, entry->body);
    }
    struct row *place = (struct row *)(uintptr_t)row;
    bool live = !(row->state & ROW_DELETED);
    if (version_load(generation, NULL, row->head, &before) != CRM_OK ||
        version_load(generation, NULL, offset, &after) != CRM_OK)
        return false;
    place->head = offset;
    place->state = entry->lsn << 8 | (entry->operation == ENTRY_ERASE ? ROW_ERASED : 0);
    kind_store(generation, kind)->live += live ? 0 : 1;
    return index_change(generation, kind, entry->number, live ? &before : NULL, &after, NULL);
}

/* False: the indexes cannot take any more (out of memory). */
static bool apply_change(struct recovery *recovery, uint64_t offset, const struct entry *entry)
{
    struct generation *generation = recovery->generation;
    const struct kind *kind = schema_kind(&generation->schema, entry->kind);
    const struct row *row = row_at(generation, kind, entry->number);
    struct version version;
    crm_id none = {{0}};
    /* Where a transaction is missing without a gap, what lies there may be an older version. */
    if (row != NULL && row->head != 0 && row->head == entry->previous &&
        version_load(generation, NULL, row->head, &version) == CRM_OK && version.number_of + 1 == entry->version &&
        version.lsn <= entry->lsn)
        return apply_entry(generation, NULL, offset, entry, &none);
    if ((entry->flags & ENTRY_FULL) && entry->operation != ENTRY_DELETE && (row == NULL || row_lsn(row) <= entry->lsn))
        return apply_full(recovery, offset, entry, row) ||
               (recovery_lose(recovery, offset), !generation->arena->damaged);
    recovery_lose(recovery, offset);
    return true;
}

static bool apply_create(struct recovery *recovery, uint64_t offset, const struct entry *entry, crm_id *id_base)
{
    struct generation *generation = recovery->generation;
    struct kind *kind = schema_kind(&generation->schema, entry->kind);
    crm_id id;
    const uint8_t *fields = id_get(entry->body, entry->body + entry->body_length, id_base, &id);
    const struct row *row = row_at(generation, kind, entry->number);
    if (fields == NULL || (row != NULL && row->head != 0) || row_find(generation, kind, &id) != UINT32_MAX ||
        !number_fits(recovery, offset, entry) || !definition_fits(recovery, entry, fields)) {
        recovery_lose(recovery, offset);
        return true;
    }
    return apply_row(generation, kind, &id, offset, entry, fields);
}

bool recovery_entry(struct recovery *recovery, uint64_t most, bool base, uint64_t offset, const struct entry *entry,
                    crm_id *id_base)
{
    struct generation *generation = recovery->generation;
    if (entry->operation == ENTRY_PACK) /* read when something points into it */
        return true;
    if (entry->operation == ENTRY_FRAMES) {
        if (!base || !frames_apply(generation, offset, entry))
            recovery_lose(recovery, offset);
        return true;
    }
    recovery->entries++;
    crm_id told = *id_base;
    if (entry->lsn == 0 || entry->lsn > most ||
        inspect_entry(&generation->schema, entry, &told, false, &recovery->scratch) != NULL) {
        recovery_lose(recovery, offset);
        *id_base = told; /* others may be told by its id */
        return true;
    }
    if (entry->lsn > recovery->top)
        recovery->top = entry->lsn;
    return entry->operation == ENTRY_CREATE ? apply_create(recovery, offset, entry, id_base)
                                            : apply_change(recovery, offset, entry);
}
