/* undo: takes a named batch back in one compensating transaction.
 *
 * One pass over the records finds those that the batch wrote, from the chain of
 * each whose newest version is not older than the batch; a second finds who
 * refers to what would go.  So the time is linear in the file, whatever the
 * batch's size, and compacted history serves as well as fresh.
 *
 * What the batch created is deleted, what it deleted restored, and a field that
 * it changed gets the value from before, unless somebody has changed it since.
 * Kinds, fields and choices that it defined stay: other records may use them.
 */
#include "model/table.h"
#include "model/txn.h"
#include "model/uuid.h"

#include <stdio.h>
#include <string.h>

struct undo_item {
    uint32_t kind, number;
    uint64_t before; /* place of the version before the batch's first; 0: it created the record */
    uint64_t last;   /* place of the batch's last version */
};

struct undo {
    crm_txn *txn;
    const char *batch;
    uint64_t *lsns;  /* of the batch, ascending */
    size_t lsn_count, lsn_capacity;
    struct undo_item *items;
    size_t item_count, item_capacity;
    uint8_t **gone;  /* by position of the kind: a bit a record that will be deleted */
    crm_table *conflicts;
    uint64_t conflict_count;
    char first[200];
    bool override;
};

static int32_t no_memory(struct undo *undo)
{
    return txn_fail(undo->txn, CRM_NOMEM, "out of memory");
}

/* ---- which transactions ---- */

static int32_t find_batch(struct undo *undo)
{
    struct generation *generation = undo->txn->generation;
    size_t length = strlen(undo->batch);
    for (uint64_t lsn = 1; lsn <= generation->applied.lsn; lsn++) {
        struct frame frame;
        if (frame_meta(generation, lsn, &frame, NULL) != CRM_OK || frame.batch_length != length ||
            memcmp(frame.batch, undo->batch, length) != 0)
            continue;
        if (!memory_grow(undo->txn->db->memory, (void **)&undo->lsns, &undo->lsn_capacity, undo->lsn_count + 1,
                         sizeof *undo->lsns))
            return no_memory(undo);
        undo->lsns[undo->lsn_count++] = lsn;
    }
    return undo->lsn_count > 0 ? CRM_OK
                               : txn_fail(undo->txn, CRM_NOT_FOUND, "there is no batch named \"%s\"", undo->batch);
}

static bool in_batch(const struct undo *undo, uint64_t lsn)
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

/* ---- which records ---- */

static int32_t find_in_chain(struct undo *undo, const struct kind *kind, uint32_t number, uint64_t head)
{
    struct generation *generation = undo->txn->generation;
    struct undo_item item = {.kind = kind->number, .number = number};
    bool found = false;
    for (uint64_t place = head; place != 0;) {
        struct entry entry;
        if (entry_load(generation, undo->txn, place, &entry) != CRM_OK)
            return txn_fail(undo->txn, CRM_CORRUPT, "a version of a %s is damaged; check the file with verify", kind->name);
        if (in_batch(undo, entry.lsn)) {
            if (!found)
                item.last = place;
            item.before = entry.previous;
            found = true;
        } else if (found && entry.lsn < undo->lsns[0]) {
            break;
        }
        if (entry.lsn < undo->lsns[0])
            break;
        place = entry.previous;
    }
    if (!found)
        return CRM_OK;
    if (!memory_grow(undo->txn->db->memory, (void **)&undo->items, &undo->item_capacity, undo->item_count + 1,
                     sizeof item))
        return no_memory(undo);
    undo->items[undo->item_count++] = item;
    return CRM_OK;
}

static bool is_definition(uint32_t kind)
{
    return kind >= CRM_KIND_KIND && kind <= CRM_KIND_CHOICE;
}

static int32_t find_items(struct undo *undo)
{
    struct generation *generation = undo->txn->generation;
    const struct schema *schema = &generation->schema;
    int32_t status = CRM_OK;
    for (uint32_t k = 0; k < schema->kind_count && status == CRM_OK; k++) {
        const struct kind *kind = schema->kinds[k];
        uint32_t rows = is_definition(kind->number) ? 0 : kind_rows(generation, kind);
        for (uint32_t n = 0; n < rows && status == CRM_OK; n++) {
            const struct row *row = row_at(generation, kind, n);
            if (row != NULL && row->head != 0 && row_lsn(row) >= undo->lsns[0])
                status = find_in_chain(undo, kind, n, row->head);
        }
    }
    return status;
}

/* ---- conflicts ---- */

static void add_conflict(struct undo *undo, const struct kind *kind, uint32_t number, const char *why)
{
    const struct row *row = row_at(undo->txn->generation, kind, number);
    char id[UUID_TEXT_SIZE] = "";
    crm_record *record = NULL;
    size_t length = 0;
    const char *title = "";
    if (row != NULL) {
        uuid_format(&row->id, id);
        if (record_open(&undo->txn->view, (struct kind *)(uintptr_t)kind, number, row, &record, NULL) == CRM_OK)
            title = crm_title(record, &length);
    }
    table_add_row(undo->conflicts);
    table_put_text(undo->conflicts, 0, kind->name, CRM_NUL);
    table_put_text(undo->conflicts, 1, id, CRM_NUL);
    table_put_text(undo->conflicts, 2, title, length);
    table_put_text(undo->conflicts, 3, why, CRM_NUL);
    if (undo->conflict_count++ == 0)
        (void)snprintf(undo->first, sizeof undo->first, "%s %s: %s", kind->name, id, why);
    crm_record_free(record);
}

static int position_of(const struct schema *schema, uint32_t kind)
{
    for (uint32_t k = 0; k < schema->kind_count; k++)
        if (schema->kinds[k]->number == kind)
            return (int)k;
    return -1;
}

static bool is_gone(const struct undo *undo, uint32_t kind, uint32_t number)
{
    int k = position_of(&undo->txn->generation->schema, kind);
    return k >= 0 && undo->gone[k] != NULL && (undo->gone[k][number / 8] & (1 << number % 8)) != 0;
}

static int32_t mark_gone(struct undo *undo)
{
    const struct schema *schema = &undo->txn->generation->schema;
    undo->gone = memory_zero(undo->txn->db->memory, schema->kind_count, sizeof *undo->gone);
    if (undo->gone == NULL)
        return no_memory(undo);
    for (size_t i = 0; i < undo->item_count; i++) {
        const struct undo_item *item = &undo->items[i];
        int k = position_of(schema, item->kind);
        if (item->before != 0 || k < 0)
            continue;
        if (undo->gone[k] == NULL)
            undo->gone[k] = memory_zero(undo->txn->db->memory,
                                        kind_rows(undo->txn->generation, schema->kinds[k]) / 8 + 1, 1);
        if (undo->gone[k] == NULL)
            return no_memory(undo);
        undo->gone[k][item->number / 8] |= (uint8_t)(1 << item->number % 8);
    }
    return CRM_OK;
}

static bool refers_to_gone(const struct undo *undo, const struct field *field, const struct value *value)
{
    if (field->type == CRM_TYPE_REF)
        return is_gone(undo, field->target, (uint32_t)value->integer);
    if (field->type == CRM_TYPE_ANY_REF)
        return is_gone(undo, any_ref_kind(value->integer), any_ref_number(value->integer));
    struct items items = items_open(value);
    struct item item;
    struct part part;
    while (items_next(&items, &item))
        if (part_find(&item, CRM_PART_REF, &part) && is_gone(undo, part.kind, part.number))
            return true;
    return false;
}

/* The versions that the batch found and left, and the one there is now. */
struct three {
    struct version before, last, now;
    bool was_live, left_live, is_live;
};

static bool load_three(struct undo *undo, const struct undo_item *item, struct three *three)
{
    struct generation *generation = undo->txn->generation;
    const struct row *row = row_at(generation, schema_kind(&generation->schema, item->kind), item->number);
    memset(three, 0, sizeof *three);
    if (row == NULL || version_load(generation, undo->txn, row->head, &three->now) != CRM_OK ||
        version_load(generation, undo->txn, item->last, &three->last) != CRM_OK ||
        (item->before != 0 && version_load(generation, undo->txn, item->before, &three->before) != CRM_OK))
        return false;
    three->was_live = item->before != 0 && !three->before.deleted;
    three->left_live = !three->last.deleted;
    three->is_live = !three->now.deleted;
    return true;
}

static struct value field_of(const struct version *version, uint32_t field)
{
    struct value value = {.what = VALUE_NONE};
    if (version->count == 0 || version_get(version, field, &value) != 1)
        value.what = VALUE_NONE;
    return value;
}

/* A field that the library keeps by itself is not somebody's later change. */
static bool changed_since(const struct field *field, const struct value *left, const struct value *now)
{
    return !(field->flags & CRM_FLAG_SYSTEM) && !value_equal(left, now);
}

static void judge_item(struct undo *undo, const struct undo_item *item)
{
    const struct kind *kind = schema_kind(&undo->txn->generation->schema, item->kind);
    struct three three;
    char why[160];
    if (kind->number == CRM_KIND_TRANSITION || !load_three(undo, item, &three))
        return;
    if (item->before == 0) {
        if (three.now.offset != item->last && three.is_live)
            add_conflict(undo, kind, item->number, "it was changed after the batch created it");
        return;
    }
    for (uint32_t f = 0; f < kind->field_count; f++) {
        const struct field *field = kind->fields[f];
        struct value was = field_of(&three.before, field->number), left = field_of(&three.last, field->number);
        struct value now = field_of(&three.now, field->number);
        if (value_equal(&was, &left) || !changed_since(field, &left, &now))
            continue;
        (void)snprintf(why, sizeof why, "%s was changed after the batch changed it", field->name);
        add_conflict(undo, kind, item->number, why);
    }
    if (three.left_live != three.is_live && three.was_live != three.left_live)
        add_conflict(undo, kind, item->number, "it was deleted or restored after the batch");
}

/* The field as it will be: the batch's own change of it is taken back. */
static bool will_refer(struct undo *undo, const struct undo_item *item, const struct field *field,
                       const struct version *now)
{
    struct value value = field_of(now, field->number);
    if (item != NULL) {
        struct three three;
        if (item->before == 0 || !load_three(undo, item, &three))
            return false;
        struct value was = field_of(&three.before, field->number), left = field_of(&three.last, field->number);
        if (!value_equal(&was, &left))
            value = was;
    }
    return value.what != VALUE_NONE && refers_to_gone(undo, field, &value);
}

static void judge_references(struct undo *undo)
{
    struct generation *generation = undo->txn->generation;
    const struct schema *schema = &generation->schema;
    size_t at = 0; /* items come in this order */
    for (uint32_t k = 0; k < schema->kind_count; k++) {
        const struct kind *kind = schema->kinds[k];
        uint32_t rows = is_definition(kind->number) || kind->number == CRM_KIND_TRANSITION ? 0 : kind_rows(generation, kind);
        while (at < undo->item_count && undo->items[at].kind != kind->number && rows > 0 &&
               position_of(schema, undo->items[at].kind) < (int)k)
            at++;
        for (uint32_t n = 0; n < rows; n++) {
            const struct row *row = row_at(generation, kind, n);
            struct version now;
            while (at < undo->item_count && undo->items[at].kind == kind->number && undo->items[at].number < n)
                at++;
            bool touched = at < undo->item_count && undo->items[at].kind == kind->number && undo->items[at].number == n;
            const struct undo_item *item = touched ? &undo->items[at] : NULL;
            if (row == NULL || row->head == 0 || (row->state & ROW_DELETED) || (touched && item->before == 0) ||
                version_load(generation, undo->txn, row->head, &now) != CRM_OK)
                continue;
            for (uint32_t f = 0; f < kind->field_count; f++) {
                const struct field *field = kind->fields[f];
                bool refers = type_is_ref(field->type) || field->type == CRM_TYPE_REFS;
                char why[160];
                if (!refers || !will_refer(undo, item, field, &now))
                    continue;
                (void)snprintf(why, sizeof why, "its %s is a record that the batch created", field->name);
                add_conflict(undo, kind, n, why);
            }
        }
    }
}

/* ---- taking it back ---- */

/* One handle serves all: a batch may have a million records. */
static int32_t point_at(struct undo *undo, crm_record **record, const struct undo_item *item)
{
    struct kind *kind = schema_kind(&undo->txn->generation->schema, item->kind);
    const struct row *row = row_at(undo->txn->generation, kind, item->number);
    if (row == NULL)
        return txn_fail(undo->txn, CRM_CORRUPT, "a %s cannot be read", kind->name);
    crm_id id = row->id;
    if (*record == NULL && (*record = txn_record(undo->txn, kind, item->number)) == NULL)
        return undo->txn->status;
    record_clear(*record);
    (*record)->kind = kind;
    (*record)->number = item->number;
    (*record)->id = id;
    (*record)->loaded = (*record)->created = false;
    record_set_note(*record, "undo", undo->batch);
    return CRM_OK;
}

static int32_t put_back(struct undo *undo, crm_record *record, const struct three *three)
{
    int32_t status = txn_open_record(undo->txn, record);
    for (uint32_t f = 0; status == CRM_OK && f < record->kind->field_count; f++) {
        struct field *field = record->kind->fields[f];
        struct value was = field_of(&three->before, field->number), left = field_of(&three->last, field->number);
        struct value now = field_of(&three->now, field->number);
        if (value_equal(&was, &left) || changed_since(field, &left, &now))
            continue;
        if (was.what == VALUE_NONE)
            was.what = VALUE_NULL;
        status = txn_put(record, field, &was);
    }
    return status;
}

static int32_t take_back(struct undo *undo, crm_record **handle, const struct undo_item *item)
{
    struct three three;
    int32_t status = point_at(undo, handle, item);
    if (status != CRM_OK)
        return status;
    crm_record *record = *handle;
    if (!load_three(undo, item, &three))
        return txn_fail(undo->txn, CRM_CORRUPT, "a version of a %s is damaged", record->kind->name);
    if (item->before == 0) {
        bool keep = undo->override && three.now.offset != item->last && record->kind->number != CRM_KIND_TRANSITION;
        if (!three.is_live || keep)
            return CRM_OK;
        status = txn_operation(record, ENTRY_DELETE);
    } else if (!three.was_live) {
        if (!three.is_live)
            return CRM_OK;
        status = txn_operation(record, ENTRY_DELETE);
    } else {
        if (!three.is_live && three.left_live) /* deleted since: that stands */
            return CRM_OK;
        if (!three.is_live)
            status = txn_operation(record, ENTRY_RESTORE);
        if (status == CRM_OK)
            status = put_back(undo, record, &three);
    }
    return status == CRM_OK && undo->txn->open == record ? txn_finish(undo->txn) : status;
}

/* What came last goes first, so that nothing ever refers to what is gone. */
static int32_t take_all_back(struct undo *undo)
{
    crm_record *handle = NULL;
    int32_t status = CRM_OK;
    for (size_t i = undo->item_count; i > 0 && status == CRM_OK; i--)
        status = take_back(undo, &handle, &undo->items[i - 1]);
    return status;
}

static int32_t run(struct undo *undo)
{
    int32_t status = undo->txn->open != NULL ? txn_finish(undo->txn) : CRM_OK;
    if (status == CRM_OK)
        status = txn_apply(undo->txn);
    if (status == CRM_OK)
        status = find_batch(undo);
    if (status == CRM_OK)
        status = find_items(undo);
    if (status == CRM_OK)
        status = mark_gone(undo);
    if (status != CRM_OK)
        return status;
    for (size_t i = 0; i < undo->item_count; i++)
        judge_item(undo, &undo->items[i]);
    judge_references(undo);
    if (undo->conflict_count > 0 && !undo->override)
        return txn_fail(undo->txn, CRM_REFERENCED, "batch \"%s\" cannot be undone: %llu later changes depend on it, first %s",
                        undo->batch, (unsigned long long)undo->conflict_count, undo->first);
    return take_all_back(undo);
}

static void undo_free(struct undo *undo)
{
    const struct memory *memory = undo->txn->db->memory;
    uint32_t kinds = undo->txn->generation->schema.kind_count;
    for (uint32_t k = 0; undo->gone != NULL && k < kinds; k++)
        memory_free(memory, undo->gone[k]);
    memory_free(memory, undo->gone);
    memory_free(memory, undo->items);
    memory_free(memory, undo->lsns);
}

int32_t crm_undo(crm_txn *txn, const char *batch, int32_t override, crm_table **conflicts, crm_error *error)
{
    if (conflicts != NULL)
        *conflicts = NULL;
    if (txn == NULL || batch == NULL || *batch == '\0')
        return error_set(error, CRM_MISUSE, "crm_undo needs a transaction and the name of a batch");
    struct undo undo = {.txn = txn, .batch = batch, .override = override != 0};
    undo.conflicts = table_create(txn->db->memory);
    static const char *const names[] = {"kind", "id", "title", "why"};
    for (int i = 0; i < 4; i++)
        table_add_column(undo.conflicts, names[i], CRM_TYPE_TEXT);
    int32_t status = txn->status == CRM_OK ? run(&undo) : txn->status;
    undo_free(&undo);
    if (status != CRM_OK && error != NULL)
        *error = txn->error;
    if ((status == CRM_OK || status == CRM_REFERENCED) && conflicts != NULL) {
        int32_t made = table_finish(undo.conflicts, conflicts, NULL);
        return made == CRM_OK ? status : txn_fail(txn, made, "out of memory");
    }
    crm_table_free(undo.conflicts);
    return status;
}
