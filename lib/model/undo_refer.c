/* undo_refer: a record that the batch made can only go when no live record that
 * stays refers to it.  One pass over the file finds those that do; what is kept
 * for their sake keeps in turn what it refers to.
 */
#include "model/undo.h"

#include <string.h>

struct search {
    struct undo *undo;
    size_t *kept; /* positions of records that stay after all, to be looked through */
    size_t kept_count, kept_capacity;
};

/* The record `kind` `number` stays and refers to another. */
static bool referred(struct search *search, const struct kind *by, const struct field *field, uint32_t kind,
                     uint32_t number)
{
    struct undo *undo = search->undo;
    struct undo_record *target = undo_known(undo, kind, number);
    if (target == NULL || target->what != UNDO_DELETE)
        return true;
    undo_conflict(undo, target, "a %s refers to it (%s)", by->name, field->name);
    if (!memory_grow(undo->txn->db->memory, (void **)&search->kept, &search->kept_capacity, search->kept_count + 1,
                     sizeof *search->kept))
        return false;
    search->kept[search->kept_count++] = (size_t)(target - undo->records);
    return true;
}

static bool look_at(struct search *search, const struct kind *kind, const struct field *field,
                    const struct value *value)
{
    if (field->type == CRM_TYPE_REF && value->what == VALUE_INT)
        return referred(search, kind, field, field->target, (uint32_t)value->integer);
    if (field->type == CRM_TYPE_ANY_REF && value->what == VALUE_INT)
        return referred(search, kind, field, any_ref_kind(value->integer), any_ref_number(value->integer));
    if (field->type != CRM_TYPE_REFS || value->what != VALUE_BYTES)
        return true;
    struct items items = items_open(value);
    struct item item;
    struct part part;
    while (items_next(&items, &item))
        if (part_find(&item, CRM_PART_REF, &part) && !referred(search, kind, field, part.kind, part.number))
            return false;
    return true;
}

static int32_t look_through(struct search *search, const struct kind *kind, uint64_t place, crm_error *error)
{
    struct undo *undo = search->undo;
    struct version version;
    struct version_cursor cursor;
    struct value value;
    uint32_t number;
    int got;
    int32_t status = version_load(undo->generation, undo->txn, place, &version);
    if (status != CRM_OK)
        return error_unread(error, status, "%s: a %s", undo->txn->db->path, kind->name);
    version_fields(&version, &cursor);
    while ((got = version_next(&cursor, &number, &value)) == 1) {
        const struct field *field = schema_field(kind, number);
        if (field != NULL && !look_at(search, kind, field, &value))
            return error_nomem(error);
    }
    return CRM_OK;
}

/* A record that the batch changed will be what it was; one it did not, is. */
static int32_t look_at_row(struct search *search, const struct kind *kind, uint32_t number, const struct row *row,
                           crm_error *error)
{
    struct undo *undo = search->undo;
    const struct undo_record *known = undo_known(undo, kind->number, number);
    struct undo_trace trace;
    if (known == NULL || known->what == UNDO_NOTHING)
        return look_through(search, kind, row->head, error);
    if (known->what == UNDO_DELETE)
        return CRM_OK;
    int32_t status = undo_trace(undo, kind->number, number, &trace, error);
    if (status != CRM_OK)
        return status;
    if (known->what == UNDO_REVERT && !trace.after && !trace.between)
        return look_through(search, kind, trace.before, error);
    status = look_through(search, kind, row->head, error);
    return status == CRM_OK && known->what == UNDO_REVERT ? look_through(search, kind, trace.before, error) : status;
}

/* Kinds whose records cannot refer to anything that would go are passed over. */
static bool can_refer(const struct kind *kind, const bool *kinds)
{
    for (uint32_t i = 0; i < kind->field_count; i++) {
        const struct field *field = kind->fields[i];
        if (field->type == CRM_TYPE_ANY_REF || field->type == CRM_TYPE_REFS ||
            (field->type == CRM_TYPE_REF && (field->target > UINT16_MAX || kinds[field->target])))
            return true;
    }
    return false;
}

static int32_t search_file(struct search *search, const bool *kinds, crm_error *error)
{
    struct generation *generation = search->undo->generation;
    int32_t status = CRM_OK;
    for (uint32_t k = 0; status == CRM_OK && k < generation->schema.kind_count; k++) {
        const struct kind *kind = generation->schema.kinds[k];
        uint32_t rows = can_refer(kind, kinds) ? kind_rows(generation, kind) : 0;
        for (uint32_t number = 0; status == CRM_OK && number < rows; number++) {
            const struct row *row = row_at(generation, kind, number);
            if (row != NULL && row->head != 0 && !(row->state & ROW_DELETED))
                status = look_at_row(search, kind, number, row, error);
        }
    }
    while (status == CRM_OK && search->kept_count > 0) {
        const struct undo_record *kept = &search->undo->records[search->kept[--search->kept_count]];
        const struct kind *kind = schema_kind(&generation->schema, kept->kind);
        status = look_through(search, kind, row_at(generation, kind, kept->number)->head, error);
    }
    return status;
}

int32_t undo_refer(struct undo *undo, crm_error *error)
{
    struct search search = {.undo = undo};
    const struct memory *memory = undo->txn->db->memory;
    bool *kinds = memory_zero(memory, UINT16_MAX + 1, sizeof *kinds);
    bool any = false;
    if (kinds == NULL)
        return error_nomem(error);
    for (size_t i = 0; i < undo->count; i++)
        if (undo->records[i].what == UNDO_DELETE && undo->records[i].kind <= UINT16_MAX)
            any = kinds[undo->records[i].kind] = true;
    int32_t status = any ? search_file(&search, kinds, error) : CRM_OK;
    memory_free(memory, search.kept);
    memory_free(memory, kinds);
    return status;
}
