/* undo_judge: whether a record can go back to what it was before the batch.
 */
#include "model/undo.h"

#include "model/table.h"
#include "model/uuid.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CONFLICTS_TOLD = 10000 };

static int32_t damaged(const struct undo *undo, int32_t status, crm_error *error)
{
    return error_unread(error, status, "%s: a version of a record", undo->txn->db->path);
}

void undo_conflict(struct undo *undo, struct undo_record *record, const char *format, ...)
{
    char why[256], id[UUID_TEXT_SIZE] = "";
    struct kind *kind = schema_kind(&undo->generation->schema, record->kind);
    const struct row *row = row_at(undo->generation, kind, record->number);
    struct version version;
    struct value value;
    const char *title = "";
    size_t length = 0;
    record->what = UNDO_CONFLICT;
    if (undo->conflict_count++ >= CONFLICTS_TOLD || row == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    uuid_format(id_at(undo->generation, kind, record->number), id);
    if (kind->title != NULL && version_of_row(&undo->txn->view, kind, record->number, row, &version) == CRM_OK &&
        version_field(&version, kind->title, &value) == 1 && !value_text(&value, &undo->text, &title, &length) &&
        undo->text.failed) {
        crm_table_free(undo->conflicts);
        undo->conflicts = NULL; /* out of memory, as table_finish says of it */
    }
    table_add_row(undo->conflicts);
    table_put_text(undo->conflicts, 0, kind->name, CRM_NUL);
    table_put_text(undo->conflicts, 1, id, CRM_NUL);
    table_put_text(undo->conflicts, 2, title, length);
    table_put_text(undo->conflicts, 3, why, CRM_NUL);
}

/* One entry, from the newest on; false: all that matters was seen. */
static bool take(const struct undo *undo, struct undo_trace *trace, uint64_t place, const struct entry *entry,
                 bool *others)
{
    if (entry->lsn < undo->lsns[0])
        return false;
    if (!undo_in_batch(undo, entry->lsn)) {
        *others = true;
    } else {
        if (trace->last == 0) {
            trace->last = place;
            trace->live_last = entry->operation != ENTRY_DELETE;
            trace->after = *others;
        } else {
            trace->between |= *others;
        }
        *others = false;
        trace->first = place;
        trace->before = entry->previous;
        trace->created = entry->version == 1;
        trace->lost = entry->previous == 0 && entry->version > 1;
    }
    trace->erased |= entry->operation == ENTRY_ERASE;
    return true;
}

int32_t undo_trace(const struct undo *undo, uint32_t kind_number, uint32_t number, struct undo_trace *trace,
                   crm_error *error)
{
    const struct kind *kind = schema_kind(&undo->generation->schema, kind_number);
    const struct row *row = kind == NULL ? NULL : row_at(undo->generation, kind, number);
    struct entry entry;
    bool others = false, erased = false;
    memset(trace, 0, sizeof *trace);
    if (row == NULL || row->head == 0)
        return damaged(undo, CRM_CORRUPT, error);
    trace->newest = row->head;
    trace->live_now = !(row->state & ROW_DELETED);
    for (uint64_t place = row->head; place != 0; place = entry.previous) {
        int32_t status = entry_load(undo->generation, undo->txn, place, &entry);
        if (status != CRM_OK)
            return damaged(undo, status, error);
        if (!take(undo, trace, place, &entry, &others))
            break;
        if (trace->first == place)
            erased = trace->erased; /* an erasure before the batch's first touch is none of its business */
    }
    trace->erased = erased;
    if (trace->before == 0)
        return CRM_OK;
    int32_t status = entry_load(undo->generation, undo->txn, trace->before, &entry);
    if (status != CRM_OK)
        return damaged(undo, status, error);
    trace->live_before = entry.operation != ENTRY_DELETE;
    return CRM_OK;
}

/* ---- fields ---- */

static void get(const struct version *version, const struct field *field, struct value *value)
{
    if (version_get(version, field->number, value) != 1)
        *value = (struct value){.what = VALUE_NULL};
}

static bool differ(const struct version *a, const struct version *b, const struct field *field)
{
    struct value one, two;
    get(a, field, &one);
    get(b, field, &two);
    return !value_equal(&one, &two);
}

/* Which fields each side changed when both did in turn: entry by entry. */
static int32_t sort_out(const struct undo *undo, struct undo_fields *fields, const struct undo_trace *trace)
{
    const struct kind *kind = fields->kind;
    size_t size = kind->field_count / 8 + 1;
    fields->mask = memory_zero(undo->txn->db->memory, size, 2);
    if (fields->mask == NULL)
        return CRM_NOMEM;
    fields->ours = fields->mask + size;
    for (uint64_t place = trace->last; place != trace->before && place != 0;) {
        struct version version, previous;
        int32_t status = version_load(undo->generation, undo->txn, place, &version);
        if (status == CRM_OK)
            status = version.previous == 0 ? CRM_CORRUPT
                                           : version_load(undo->generation, undo->txn, version.previous, &previous);
        if (status != CRM_OK)
            return status;
        uint8_t *bits = undo_in_batch(undo, version.lsn) ? fields->ours : fields->mask;
        for (uint32_t i = 0; i < kind->field_count; i++)
            if (differ(&version, &previous, kind->fields[i]))
                bits[i / 8] |= (uint8_t)(1U << (i % 8));
        place = version.previous;
    }
    return CRM_OK;
}

int32_t undo_fields_open(const struct undo *undo, struct kind *kind, const struct undo_trace *trace,
                         struct undo_fields *fields)
{
    fields->kind = kind;
    fields->mask = fields->ours = NULL;
    fields->position = 0;
    int32_t status = version_load(undo->generation, undo->txn, trace->before, &fields->before);
    if (status == CRM_OK)
        status = version_load(undo->generation, undo->txn, trace->last, &fields->last);
    if (status == CRM_OK)
        status = version_load(undo->generation, undo->txn, trace->newest, &fields->now);
    return status == CRM_OK && trace->between ? sort_out(undo, fields, trace) : status;
}

void undo_fields_close(const struct undo *undo, struct undo_fields *fields)
{
    memory_free(undo->txn->db->memory, fields->mask);
    fields->mask = NULL;
}

/* What is as it was before needs nothing; what others changed since is theirs. */
int undo_fields_next(struct undo_fields *fields, struct field **out, struct value *value)
{
    while (fields->position < fields->kind->field_count) {
        uint32_t i = fields->position++;
        struct field *field = fields->kind->fields[i];
        struct value now;
        bool ours = fields->ours == NULL ? differ(&fields->before, &fields->last, field)
                                         : (fields->ours[i / 8] >> (i % 8) & 1) != 0;
        if (!ours || field->number <= CRM_FIELD_DELETED_AT)
            continue;
        get(&fields->before, field, value);
        get(&fields->now, field, &now);
        if (value_equal(value, &now))
            continue;
        *out = field;
        bool theirs = fields->mask != NULL && (fields->mask[i / 8] >> (i % 8) & 1) != 0;
        return theirs || differ(&fields->last, &fields->now, field) ? -1 : 1;
    }
    return 0;
}

/* ---- the verdict ---- */

static int32_t judge_fields(struct undo *undo, struct undo_record *record, const struct undo_trace *trace,
                            crm_error *error)
{
    struct kind *kind = schema_kind(&undo->generation->schema, record->kind);
    struct undo_fields fields;
    struct field *field;
    struct value value;
    bool any = false;
    int32_t status = undo_fields_open(undo, kind, trace, &fields);
    if (status == CRM_OK) {
        int got;
        while ((got = undo_fields_next(&fields, &field, &value)) > 0)
            any = true;
        bool flipped = trace->live_before != trace->live_last && trace->live_now != trace->live_before;
        if (got < 0)
            undo_conflict(undo, record, "its %s was changed later", field->name);
        else if (flipped && trace->live_now && trace->after)
            undo_conflict(undo, record, "it was restored by the batch and changed later");
        else if (any && !trace->live_now && !flipped)
            undo_conflict(undo, record, "it was deleted later");
        else
            record->what = any || flipped ? UNDO_REVERT : UNDO_NOTHING;
    } else {
        status = damaged(undo, status, error);
    }
    undo_fields_close(undo, &fields);
    return status;
}

static int32_t judge(struct undo *undo, struct undo_record *record, crm_error *error)
{
    struct undo_trace trace;
    int32_t status = undo_trace(undo, record->kind, record->number, &trace, error);
    if (status != CRM_OK)
        return status;
    if (trace.first == 0) /* what it did here was dropped by the retention policy */
        return CRM_OK;
    record->created = trace.created;
    if (trace.created && !trace.live_now)
        return CRM_OK;
    if (trace.erased)
        undo_conflict(undo, record, "its personal data was erased, which cannot be undone");
    else if (trace.lost)
        undo_conflict(undo, record, "what it was before was dropped by the retention policy");
    else if (!trace.created)
        return judge_fields(undo, record, &trace, error);
    else if (trace.between || trace.after)
        undo_conflict(undo, record, "it was made by the batch and changed later");
    else
        record->what = UNDO_DELETE;
    return CRM_OK;
}

int32_t undo_judge(struct undo *undo, crm_error *error)
{
    int32_t status = CRM_OK;
    for (size_t i = 0; status == CRM_OK && i < undo->count; i++)
        status = judge(undo, &undo->records[i], error);
    return status;
}
