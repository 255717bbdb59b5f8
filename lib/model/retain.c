/* retain: deleted records that the retention policy lets go altogether.
 *
 * Those deleted before the policy's instant are candidates; one pass over all
 * versions takes those back that anything refers to.  The last number of a kind
 * always stays, so that no number is ever given out twice, and so do the
 * definitions of a user's kinds and fields.
 */
#include "model/rewrite.h"

#include <string.h>

static void bit_set(uint8_t *bits, uint32_t number)
{
    bits[number / 8] |= (uint8_t)(1U << (number % 8));
}

static void take_back(struct rewrite *rewrite, uint32_t kind_number, uint32_t number, const struct kind *by_kind,
                      uint32_t by_number)
{
    const struct schema *schema = &rewrite->from->schema;
    if (kind_number == by_kind->number && number == by_number)
        return;
    for (uint32_t k = 0; k < rewrite->kinds; k++)
        if (schema->kinds[k]->number == kind_number && rewrite->dropped[k] != NULL &&
            number < kind_rows(rewrite->from, schema->kinds[k]))
            rewrite->dropped[k][number / 8] &= (uint8_t) ~(1U << (number % 8));
}

static bool is_candidate(const struct rewrite *rewrite, const struct kind *kind, uint32_t number)
{
    const struct row *row = row_at(rewrite->from, kind, number);
    int64_t time;
    return row != NULL && row->head != 0 && (row->state & ROW_DELETED) && number + 1 < kind_rows(rewrite->from, kind) &&
           frame_time(rewrite->from, row_lsn(row), &time) && time < rewrite->drop_before;
}

static int32_t find_candidates(struct rewrite *rewrite, uint64_t *found, crm_error *error)
{
    const struct schema *schema = &rewrite->from->schema;
    rewrite->kinds = schema->kind_count;
    rewrite->dropped = memory_zero(rewrite->from->db->memory, rewrite->kinds, sizeof *rewrite->dropped);
    if (rewrite->dropped == NULL)
        return error_nomem(error);
    for (uint32_t k = 0; k < rewrite->kinds; k++) {
        const struct kind *kind = schema->kinds[k];
        uint32_t rows = kind_rows(rewrite->from, kind);
        if (rows == 0 || (kind->number >= CRM_KIND_KIND && kind->number <= CRM_KIND_CHOICE))
            continue;
        rewrite->dropped[k] = memory_zero(rewrite->from->db->memory, rows / 8 + 1, 1);
        if (rewrite->dropped[k] == NULL)
            return error_nomem(error);
        for (uint32_t number = 0; number < rows; number++)
            if (is_candidate(rewrite, kind, number)) {
                bit_set(rewrite->dropped[k], number);
                ++*found;
            }
    }
    return CRM_OK;
}

static void mark_value(struct rewrite *rewrite, const struct kind *kind, uint32_t number, const struct field *field,
                       const struct value *value)
{
    if (field->type == CRM_TYPE_REF && value->what == VALUE_INT) {
        take_back(rewrite, field->target, (uint32_t)value->integer, kind, number);
    } else if (field->type == CRM_TYPE_ANY_REF && value->what == VALUE_INT) {
        take_back(rewrite, any_ref_kind(value->integer), any_ref_number(value->integer), kind, number);
    } else if (field->type == CRM_TYPE_REFS && value->what == VALUE_BYTES) {
        struct items items = items_open(value);
        struct item item;
        struct part part;
        while (items_next(&items, &item))
            if (part_find(&item, CRM_PART_REF, &part))
                take_back(rewrite, part.kind, part.number, kind, number);
    }
}

/* Every field that any of the record's entries gives. */
static int32_t mark_record(struct rewrite *rewrite, const struct kind *kind, uint32_t number, crm_error *error)
{
    const struct row *row = row_at(rewrite->from, kind, number);
    if (row == NULL || row->head == 0)
        return CRM_OK;
    int32_t status = rewrite_chain(rewrite, kind, number, row->head, error);
    for (size_t i = 0; status == CRM_OK && i < rewrite->link_count; i++) {
        struct entry entry;
        struct value value;
        crm_id base = {{1}}, id;
        status = entry_load(&rewrite->reader, NULL, rewrite->links[i].place, &entry);
        if (status != CRM_OK) /* the chain was read just now */
            return error_unread(error, status, "%s: a version of a record", log_path(rewrite->from->log));
        const uint8_t *end = entry.body + entry.body_length;
        const uint8_t *at = entry.operation == ENTRY_CREATE ? id_get(entry.body, end, &base, &id) : entry.body;
        struct body body = at == NULL ? body_open(end, 0) : body_open(at, (size_t)(end - at));
        while (body_next(&body, &value) == 1) {
            const struct field *field = schema_field(kind, body.field);
            if (field != NULL)
                mark_value(rewrite, kind, number, field, &value);
        }
    }
    reader_relax(&rewrite->reader);
    return status;
}

int32_t retain_mark(struct rewrite *rewrite, crm_error *error)
{
    uint64_t found = 0;
    if (rewrite->drop_before == INT64_MIN)
        return CRM_OK;
    const struct schema *schema = &rewrite->from->schema;
    int32_t status = find_candidates(rewrite, &found, error);
    for (uint32_t k = 0; status == CRM_OK && found > 0 && k < rewrite->kinds; k++) {
        uint32_t rows = kind_rows(rewrite->from, schema->kinds[k]);
        for (uint32_t number = 0; status == CRM_OK && number < rows; number++)
            status = mark_record(rewrite, schema->kinds[k], number, error);
    }
    return status;
}

void retain_free(struct rewrite *rewrite)
{
    for (uint32_t k = 0; rewrite->dropped != NULL && k < rewrite->kinds; k++)
        memory_free(rewrite->from->db->memory, rewrite->dropped[k]);
    if (rewrite->from != NULL)
        memory_free(rewrite->from->db->memory, (void *)rewrite->dropped);
    rewrite->dropped = NULL;
}

bool rewrite_dropped(const struct rewrite *rewrite, uint32_t kind_position, uint32_t number)
{
    return rewrite->dropped != NULL && kind_position < rewrite->kinds && rewrite->dropped[kind_position] != NULL &&
           (rewrite->dropped[kind_position][number / 8] >> (number % 8) & 1) != 0;
}
