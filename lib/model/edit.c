/* edit: the setters.  A setter checks its value by the field's type and puts an
 * edit into the transaction; the rules that need the whole record are checked
 * when it is finished.
 */
#include "model/txn.h"

#include "model/currency.h"
#include "model/text.h"
#include "model/uuid.h"
#include "sys/cold.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the edits of the open record ---- */

/* The place in the order of the first edit whose field is not below. */
static size_t order_find(const crm_txn *txn, uint32_t field)
{
    size_t low = 0, high = txn->edit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (txn_edit_at(txn, middle)->field->number < field)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct edit *txn_edit_search(const crm_txn *txn, uint32_t field)
{
    size_t at = order_find(txn, field);
    return at < txn->edit_count && txn_edit_at(txn, at)->field->number == field ? txn_edit_at(txn, at) : NULL;
}

static struct edit *add_edit(crm_txn *txn, struct field *field)
{
    const struct memory *memory = txn->db->memory;
    if ((txn->edit_used == txn->edit_capacity || txn->edit_count == txn->order_capacity) &&
        (!memory_grow(memory, (void **)&txn->edits, &txn->edit_capacity, txn->edit_used + 1, sizeof *txn->edits) ||
         !memory_grow(memory, (void **)&txn->edit_order, &txn->order_capacity, txn->edit_count + 1,
                      sizeof *txn->edit_order)))
        return NULL;
    size_t last = txn->edit_count;
    size_t at =
        last == 0 || txn_edit_at(txn, last - 1)->field->number < field->number ? last : order_find(txn, field->number);
    for (size_t i = last; i > at; i--)
        txn->edit_order[i] = txn->edit_order[i - 1];
    txn->edit_order[at] = (uint32_t)txn->edit_used;
    txn->edit_count++;
    struct edit *edit = &txn->edits[txn->edit_used++];
    edit->field = field;
    if (field->number < 64) {
        txn->edit_place[field->number] = (uint16_t)txn->edit_used;
        txn->edit_mask |= UINT64_C(1) << field->number;
    }
    return edit;
}

void txn_edits_clear(crm_txn *txn)
{
    txn->edit_count = txn->edit_used = 0;
    txn->edit_mask = txn->edit_nulls = 0;
    memset(txn->edit_place, 0, sizeof txn->edit_place);
    buffer_reset(&txn->edit_bytes);
}

static void resolve_bytes(crm_txn *txn, struct edit *edit)
{
    if (edit->value.what == VALUE_BYTES || edit->value.what == VALUE_DEFLATED)
        edit->value.bytes = txn->edit_bytes.data + edit->at;
}

static void judge_edit(const crm_record *record, struct edit *edit)
{
    struct value old = {.what = VALUE_NONE};
    int had = version_get(&record->version, edit->field->number, &old);
    if (had == 0)
        old.what = VALUE_NONE;
    edit->differs = had < 0 || !value_equal(&old, &edit->value);
    edit->judged = true;
}

static void forget_edit(crm_txn *txn, uint32_t field)
{
    txn->edit_place[field] = 0;
    txn->edit_mask &= ~(UINT64_C(1) << field);
    txn->edit_nulls &= ~(UINT64_C(1) << field);
}

size_t txn_edits_changed(crm_txn *txn, const crm_record *record, bool drop)
{
    size_t kept = 0, changed = 0;
    if (record->created) { /* nothing to compare with */
        for (size_t i = 0; drop && i < txn->edit_used; i++)
            resolve_bytes(txn, &txn->edits[i]);
        return txn->edit_count;
    }
    for (size_t i = 0; i < txn->edit_count; i++) {
        struct edit *edit = txn_edit_at(txn, i);
        resolve_bytes(txn, edit);
        if (!edit->judged)
            judge_edit(record, edit);
        changed += edit->differs;
        if (edit->differs || !drop)
            txn->edit_order[kept++] = txn->edit_order[i];
        else if (edit->field->number < 64)
            forget_edit(txn, edit->field->number);
    }
    txn->edit_count = kept;
    return changed;
}

static int32_t put_bytes(crm_txn *txn, struct edit *edit)
{
    const struct value *value = &edit->value;
    struct buffer *bytes = &txn->edit_bytes;
    if (bytes->data != NULL && value->bytes >= bytes->data && value->bytes < bytes->data + bytes->length) {
        edit->at = (size_t)(value->bytes - bytes->data); /* put there by the caller */
        return CRM_OK;
    }
    edit->at = bytes->length;
    if (!buffer_reserve(bytes, value->length + 1) || bytes->data == NULL) {
        bytes->failed = false;
        return txn_nomem(txn);
    }
    memcpy(bytes->data + bytes->length, value->bytes, value->length);
    bytes->length += value->length;
    bytes->data[bytes->length++] = 0;
    return CRM_OK;
}

/* The place of the field's edit, made when it is the first; NULL: no memory (and the status says so). */
static inline struct edit *edit_for(crm_record *record, struct field *field)
{
    crm_txn *txn = record->txn;
    if (txn->open != record && txn_open_record(txn, record) != CRM_OK)
        return NULL;
    struct edit *edit = txn_edit(txn, field->number);
    if (edit == NULL && (edit = add_edit(txn, field)) == NULL)
        txn_nomem(txn);
    else
        edit->judged = false;
    return edit;
}

static inline void note_null(crm_txn *txn, const struct field *field, bool null)
{
    uint64_t bit = field->number < 64 ? UINT64_C(1) << field->number : 0;
    txn->edit_nulls = null ? txn->edit_nulls | bit : txn->edit_nulls & ~bit;
}

int32_t txn_put(crm_record *record, struct field *field, const struct value *value)
{
    struct edit *edit = edit_for(record, field);
    if (edit == NULL)
        return record->txn->status;
    edit->value = *value;
    note_null(record->txn, field, value->what == VALUE_NULL);
    if (value->what == VALUE_BYTES || value->what == VALUE_DEFLATED)
        return put_bytes(record->txn, edit);
    return CRM_OK;
}

static int32_t put_int(crm_record *record, struct field *field, int64_t integer)
{
    struct edit *edit = edit_for(record, field);
    if (edit == NULL)
        return record->txn->status;
    edit->value.what = VALUE_INT;
    edit->value.integer = integer;
    note_null(record->txn, field, false);
    return CRM_OK;
}

int32_t txn_operation(crm_record *record, uint8_t operation)
{
    int32_t status = txn_open_record(record->txn, record);
    if (status == CRM_OK)
        record->pending = operation;
    return status;
}

/* ---- what every setter asks first ---- */

COLD static struct field *settable_slowly(crm_record *record, uint32_t number, bool by_rule, int32_t *status)
{
    if (record == NULL || record->txn == NULL) {
        *status = CRM_MISUSE;
        return NULL;
    }
    crm_txn *txn = record->txn;
    *status = txn->status;
    if (txn->status != CRM_OK)
        return NULL;
    struct field *field = schema_field(record->kind, number);
    if (field == NULL || field->removed)
        *status = txn_fail(txn, CRM_INVALID, "a %s has no field with number %u", record->kind->name, number);
    else if (!by_rule && (field->flags & CRM_FLAG_SYSTEM))
        *status = txn_fail(txn, CRM_INVALID, "%s.%s is set by the library and cannot be set", record->kind->name,
                           field->name);
    else if (!by_rule && txn->in_rules)
        *status = txn_fail(txn, CRM_MISUSE, "a record cannot be changed while its rules are checked");
    else if (txn->open == record && record->pending == 0 ? record->version.deleted : crm_record_deleted(record) != 0)
        *status = txn_fail(txn, CRM_REFUSED, "this %s is deleted; restore it before changing it", record->kind->name);
    return *status == CRM_OK ? field : NULL;
}

/* Nearly every call is for a built-in field of the record that is open. */
static inline struct field *settable(crm_record *record, uint32_t number, bool by_rule, int32_t *status)
{
    if (record != NULL && record->txn != NULL && record->txn->open == record && number < 64) {
        const crm_txn *txn = record->txn;
        struct field *field = record->kind->builtin[number];
        bool free = by_rule || !txn->in_rules;
        if (field != NULL && txn->status == CRM_OK && free && (by_rule || !(field->flags & CRM_FLAG_SYSTEM)) &&
            record->pending == 0 && !record->version.deleted && !field->removed) {
            *status = CRM_OK;
            return field;
        }
    }
    return settable_slowly(record, number, by_rule, status);
}

COLD static int32_t wrong_type(crm_record *record, const struct field *field, const char *given)
{
    return txn_fail(record->txn, CRM_INVALID, "%s.%s is of type %s, not %s", record->kind->name, field->name,
                    crm_type_name(field->type), given);
}

/* Whether the value may be one of the field's, which it mostly may. */
static inline bool fits_int(const struct field *field, int64_t value)
{
    switch (field->type) {
    case CRM_TYPE_BOOL: return value == 0 || value == 1;
    case CRM_TYPE_CHOICE:
        return value >= 1 && (uint64_t)value <= field->choice_count && field->choices[value - 1].code == value &&
               !field->choices[value - 1].removed;
    case CRM_TYPE_INT:
    case CRM_TYPE_MONEY:
    case CRM_TYPE_TIME: return value != INT64_MIN;
    default: return false; /* ask more closely */
    }
}

COLD static int32_t check_int(crm_record *record, const struct field *field, int64_t value)
{
    crm_txn *txn = record->txn;
    const char *kind = record->kind->name;
    if (!type_is_int(field->type))
        return wrong_type(record, field, "a number");
    if (value == INT64_MIN)
        return txn_fail(txn, CRM_INVALID, "%s.%s: the smallest 64-bit number stands for nothing; use crm_set_null",
                        kind, field->name);
    switch (field->type) {
    case CRM_TYPE_BOOL:
        if (value != 0 && value != 1)
            return txn_fail(txn, CRM_INVALID, "%s.%s is 0 or 1, not %lld", kind, field->name, (long long)value);
        break;
    case CRM_TYPE_DATE:
        if (value <= INT32_MIN || value > INT32_MAX)
            return txn_fail(txn, CRM_INVALID, "%s.%s: day %lld is out of range", kind, field->name, (long long)value);
        break;
    case CRM_TYPE_CHOICE:
        if (schema_choice(field, value) == NULL)
            return txn_fail(txn, CRM_INVALID, "%s.%s has no choice with number %lld", kind, field->name,
                            (long long)value);
        break;
    case CRM_TYPE_CURRENCY:
        if (value < 0 || value > 999 || currency_by_number((uint16_t)value) == NULL)
            return txn_fail(txn, CRM_INVALID, "%s.%s: %lld is no ISO 4217 currency number", kind, field->name,
                            (long long)value);
        break;
    default: break;
    }
    return CRM_OK;
}

static int32_t set_int(crm_record *record, uint32_t number, int64_t integer, bool by_rule)
{
    int32_t status;
    struct field *field = settable(record, number, by_rule, &status);
    if (field == NULL || (!fits_int(field, integer) && (status = check_int(record, field, integer)) != CRM_OK))
        return status;
    return put_int(record, field, integer);
}

int32_t crm_set_int(crm_record *record, uint32_t field, int64_t value)
{
    return set_int(record, field, value, false);
}

int32_t record_put_int(crm_record *record, uint32_t field, int64_t value)
{
    return set_int(record, field, value, true);
}

COLD int32_t crm_set_real(crm_record *record, uint32_t number, double real)
{
    int32_t status;
    struct field *field = settable(record, number, false, &status);
    if (field == NULL)
        return status;
    if (field->type != CRM_TYPE_REAL)
        return wrong_type(record, field, "a real number");
    if (!isfinite(real))
        return txn_fail(record->txn, CRM_INVALID, "%s.%s: a real number must be finite", record->kind->name,
                        field->name);
    struct value value = {.what = VALUE_REAL, .real = real == 0 ? 0 : real}; /* no negative zero */
    return txn_put(record, field, &value);
}

static int32_t set_text(crm_record *record, uint32_t number, const char *text, size_t length, bool by_rule)
{
    int32_t status;
    struct field *field = settable(record, number, by_rule, &status);
    if (field == NULL)
        return status;
    crm_txn *txn = record->txn;
    if (field->type != CRM_TYPE_TEXT)
        return wrong_type(record, field, "text");
    if (text == NULL || length == 0 || (length == CRM_NUL && text[0] == 0)) /* an empty text is none, as it reads */
        return by_rule ? record_put_null(record, number) : crm_set_null(record, number);
    if (length == CRM_NUL)
        length = strlen(text);
    if (length > VALUE_TEXT_MAX)
        return txn_fail(txn, CRM_INVALID, "%s.%s: a text has at most %d bytes, this one %zu", record->kind->name,
                        field->name, VALUE_TEXT_MAX, length);
    size_t good = text_valid_prefix(text, length);
    if (good != length)
        return txn_fail(txn, CRM_INVALID, "%s.%s is not UTF-8 at byte %zu", record->kind->name, field->name, good + 1);
    struct value value = value_bytes(text, length);
    if (length >= VALUE_DEFLATE_FROM) {
        if ((status = txn_open_record(txn, record)) != CRM_OK)
            return status;
        size_t at = txn->edit_bytes.length;
        if (value_deflate(&txn->edit_bytes, text, length)) {
            value = (struct value){.what = VALUE_DEFLATED,
                                   .integer = (int64_t)length,
                                   .bytes = txn->edit_bytes.data + at,
                                   .length = txn->edit_bytes.length - at};
        }
        txn->edit_bytes.failed = false;
    }
    return txn_put(record, field, &value);
}

int32_t crm_set_text(crm_record *record, uint32_t field, const char *text, size_t length)
{
    return set_text(record, field, text, length, false);
}

int32_t record_put_text(crm_record *record, uint32_t field, const char *text, size_t length)
{
    return set_text(record, field, text, length, true);
}

COLD static int32_t set_null(crm_record *record, uint32_t number, bool by_rule)
{
    int32_t status;
    struct field *field = settable(record, number, by_rule, &status);
    struct value value = {.what = VALUE_NULL};
    return field == NULL ? status : txn_put(record, field, &value);
}

int32_t crm_set_null(crm_record *record, uint32_t field)
{
    return set_null(record, field, false);
}

int32_t record_put_null(crm_record *record, uint32_t field)
{
    return set_null(record, field, true);
}

/* ---- references ---- */

static int32_t put_ref(crm_record *record, struct field *field, uint32_t kind, uint32_t number)
{
    if (field->type == CRM_TYPE_REF && kind != field->target)
        return txn_fail(record->txn, CRM_INVALID, "%s.%s refers to a %s, not to a %s", record->kind->name, field->name,
                        crm_kind_name(record->txn->db, field->target), crm_kind_name(record->txn->db, kind));
    return put_int(record, field, field->type == CRM_TYPE_REF ? (int64_t)number : any_ref_pack(kind, number));
}

/* Owners, stages and products are few and come again and again. */
static uint32_t find_known(crm_txn *txn, const struct kind *kind, const crm_id *id)
{
    if (kind_rows(txn->generation, kind) > TXN_KNOWN)
        return row_find(txn->generation, kind, id);
    struct known_id *known = &txn->known[(id->bytes[15] ^ id->bytes[7] ^ kind->number) % TXN_KNOWN];
    if (known->kind == kind->number && memcmp(&known->id, id, sizeof *id) == 0)
        return known->number;
    uint32_t number = row_find(txn->generation, kind, id);
    if (number != UINT32_MAX)
        *known = (struct known_id){*id, kind->number, number};
    return number;
}

/* The number of a live record by its id. */
static int32_t find_target(crm_record *record, const struct field *field, uint32_t kind, const crm_id *id,
                           uint32_t *number)
{
    crm_txn *txn = record->txn;
    struct kind *target = schema_kind(&txn->generation->schema, kind);
    char text[UUID_TEXT_SIZE];
    if (target == NULL)
        return txn_fail(txn, CRM_INVALID, "%s.%s: there is no kind with number %u", record->kind->name, field->name,
                        kind);
    *number = find_known(txn, target, id);
    const struct kind_store *store = kind_store(txn->generation, target);
    if (*number != UINT32_MAX && store != NULL && store->live == store->rows)
        return CRM_OK; /* nobody is deleted: spare the row, which is a miss */
    const struct row *row = *number == UINT32_MAX ? NULL : row_at(txn->generation, target, *number);
    if (row != NULL && !(row->state & ROW_DELETED))
        return CRM_OK;
    uuid_format(id, text);
    if (row == NULL)
        return txn_fail(txn, CRM_NOT_FOUND, "%s.%s: there is no %s with id %s", record->kind->name, field->name,
                        target->name, text);
    return txn_fail(txn, CRM_REFUSED, "%s.%s: the %s with id %s is deleted", record->kind->name, field->name,
                    target->name, text);
}

int32_t crm_set_ref(crm_record *record, uint32_t number, uint32_t kind, const crm_id *id)
{
    int32_t status;
    uint32_t target = 0;
    struct field *field = settable(record, number, false, &status);
    if (field == NULL)
        return status;
    if (!type_is_ref(field->type))
        return wrong_type(record, field, "a reference");
    if (id == NULL)
        return crm_set_null(record, number);
    status = find_target(record, field, kind, id, &target);
    return status == CRM_OK ? put_ref(record, field, kind, target) : status;
}

COLD static int32_t set_ref_record(crm_record *record, uint32_t number, const crm_record *target, bool by_rule)
{
    int32_t status;
    struct field *field = settable(record, number, by_rule, &status);
    if (field == NULL)
        return status;
    if (!type_is_ref(field->type))
        return wrong_type(record, field, "a reference");
    if (target == NULL)
        return set_null(record, number, by_rule);
    if (target->view->db != record->txn->db)
        return txn_fail(record->txn, CRM_INVALID, "%s.%s: the record is of another file", record->kind->name,
                        field->name);
    if (target->txn == record->txn) {
        if (target->dead)
            return txn_fail(record->txn, CRM_NOT_FOUND, "%s.%s: the new %s was refused", record->kind->name,
                            field->name, target->kind->name);
        if (!by_rule && target != record && record->txn->open == target && txn_finish(record->txn) != CRM_OK)
            return record->txn->status;
        return put_ref(record, field, target->kind->number, target->number);
    }
    uint32_t found = 0;
    status = find_target(record, field, target->kind->number, record_id(target), &found);
    return status == CRM_OK ? put_ref(record, field, target->kind->number, found) : status;
}

int32_t crm_set_ref_record(crm_record *record, uint32_t field, const crm_record *target)
{
    return set_ref_record(record, field, target, false);
}

int32_t record_put_ref(crm_record *record, uint32_t field, const crm_record *target)
{
    return set_ref_record(record, field, target, true);
}

int32_t record_put_ref_id(crm_record *record, uint32_t number, uint32_t kind, const crm_id *id)
{
    int32_t status;
    uint32_t target = 0;
    struct field *field = settable(record, number, true, &status);
    if (field == NULL)
        return status;
    if (!type_is_ref(field->type))
        return wrong_type(record, field, "a reference");
    status = find_target(record, field, kind, id, &target);
    return status == CRM_OK ? put_ref(record, field, kind, target) : status;
}

int32_t record_put_same(crm_record *record, uint32_t number, const crm_record *other, uint32_t other_field)
{
    int32_t status;
    struct value value;
    struct field *field = settable(record, number, true, &status);
    if (field == NULL || record_value(other, other_field, &value) != 1)
        return status;
    return txn_put(record, field, &value);
}

uint64_t record_given(const crm_record *record)
{
    const crm_txn *txn = record->txn;
    return txn != NULL && txn->open == record && record->created ? txn->edit_mask & ~txn->edit_nulls : 0;
}

int record_mentions(const crm_record *record, uint32_t field)
{
    return record->txn != NULL && record->txn->open == record && txn_edit(record->txn, field) != NULL;
}

/* ---- records ---- */

crm_record *crm_create_with_id(crm_txn *txn, uint32_t number, const crm_id *id)
{
    if (txn == NULL)
        return NULL;
    struct kind *kind = schema_kind(&txn->generation->schema, number);
    bool own = number == CRM_KIND_TRANSITION || (number >= CRM_KIND_KIND && number <= CRM_KIND_CHOICE);
    if (kind == NULL || kind->removed || (own && !txn->by_library)) {
        txn_fail(txn, CRM_INVALID, "records of kind %u (%s) cannot be created by hand", number,
                 kind == NULL ? "unknown" : kind->name);
        return NULL;
    }
    return txn_create(txn, kind, id);
}

crm_record *crm_create(crm_txn *txn, uint32_t kind)
{
    return crm_create_with_id(txn, kind, NULL);
}

crm_record *crm_edit(crm_txn *txn, uint32_t number, const crm_id *id)
{
    if (txn == NULL || txn->status != CRM_OK)
        return NULL;
    struct kind *kind = schema_kind(&txn->generation->schema, number);
    if (kind == NULL || id == NULL) {
        txn_fail(txn, CRM_INVALID, id == NULL ? "crm_edit needs an id" : "there is no kind with number %u", number);
        return NULL;
    }
    if (txn->open != NULL && !txn->in_rules && memcmp(&txn->open->id, id, sizeof *id) == 0 && txn->open->kind == kind)
        return txn->open;
    if (txn->open != NULL && !txn->in_rules && txn_finish(txn) != CRM_OK)
        return NULL;
    uint32_t found = row_find(txn->generation, kind, id);
    if (found == UINT32_MAX) {
        char text[UUID_TEXT_SIZE];
        uuid_format(id, text);
        txn_fail(txn, CRM_NOT_FOUND, "there is no %s with id %s", kind->name, text);
        return NULL;
    }
    return txn_record(txn, kind, found);
}

COLD int32_t crm_restore(crm_record *record)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    if (!crm_record_deleted(record))
        return txn_fail(record->txn, CRM_REFUSED, "this %s is not deleted", record->kind->name);
    return txn_operation(record, ENTRY_RESTORE);
}

COLD static int32_t conflict(crm_record *record, uint64_t version)
{
    struct generation *generation = record->txn->generation;
    struct version then = record->version;
    struct buffer *names = &record->txn->scratch;
    buffer_reset(names);
    while (then.number_of > version && then.previous != 0)
        if (version_load(generation, record->txn, then.previous, &then) != CRM_OK)
            break;
    for (uint32_t i = 0; then.number_of == version && i < record->kind->field_count; i++) {
        const struct field *field = record->kind->fields[i];
        struct value a, b;
        int has_a = version_get(&then, field->number, &a), has_b = version_get(&record->version, field->number, &b);
        if (has_a != has_b || (has_a == 1 && !value_equal(&a, &b)))
            buffer_format(names, "%s%s", names->length > 0 ? ", " : "", field->name);
    }
    buffer_byte(names, 0);
    return txn_fail(record->txn, CRM_CONFLICT, "the %s is at version %llu, not %llu; changed since: %s",
                    record->kind->name, (unsigned long long)record->version.number_of, (unsigned long long)version,
                    names->failed || names->length == 1 ? "unknown" : (const char *)names->data);
}

COLD int32_t crm_expect_version(crm_record *record, uint64_t version)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    int32_t status = txn_open_record(record->txn, record);
    if (status != CRM_OK)
        return status;
    return record->created || record->version.number_of == version ? CRM_OK : conflict(record, version);
}

/* ---- for rules ---- */

crm_txn *record_txn(const crm_record *record)
{
    return record->txn != NULL ? record->txn : record->view->txn;
}

crm_db *record_db(const crm_record *record)
{
    return record->view->db;
}

int record_differs(const crm_record *a, const crm_record *b, uint32_t field)
{
    struct value one = {.what = VALUE_NONE}, two = {.what = VALUE_NONE};
    if (a == NULL || record_value(a, field, &one) != 1)
        one.what = VALUE_NONE;
    if (b == NULL || record_value(b, field, &two) != 1)
        two.what = VALUE_NONE;
    return !value_equal(&one, &two);
}

int32_t record_fail(crm_record *record, int32_t status, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return txn_fail(record->txn, status, "%s", text);
}

COLD void record_set_note(crm_record *record, const char *rule, const char *evidence)
{
    const struct memory *memory = record->txn->db->memory;
    memory_free(memory, record->note_rule);
    memory_free(memory, record->note_evidence);
    record->note_rule = rule == NULL ? NULL : memory_text(memory, rule, strlen(rule));
    record->note_evidence = evidence == NULL ? NULL : memory_text(memory, evidence, strlen(evidence));
    if ((rule != NULL && record->note_rule == NULL) || (evidence != NULL && record->note_evidence == NULL))
        (void)txn_nomem(record->txn);
}

const char *record_note_rule(const crm_record *record)
{
    return record->note_rule;
}

const char *record_note_evidence(const crm_record *record)
{
    return record->note_evidence;
}
