/* check: the rules that follow from the schema's flags, at the moment a change
 * becomes a version: required, unique, acyclic; and what a deletion may do.
 */
#include "model/txn.h"

#include "model/currency.h"
#include "model/lookup.h"
#include "model/text.h"
#include "model/uuid.h"
#include "sys/cold.h"

#include <string.h>

static int32_t check_set(crm_txn *txn, const crm_record *record, const struct field *field)
{
    struct value value;
    bool set = record_value(record, field->number, &value) == 1;
    if (set && field->type == CRM_TYPE_TEXT && value.what == VALUE_BYTES) {
        const char *text = (const char *)value.bytes;
        size_t length = value.length;
        text_trim(&text, &length);
        set = length > 0;
    }
    return set ? CRM_OK : txn_fail(txn, CRM_INVALID, "%s.%s is required", record->kind->name, field->name);
}

static int32_t check_required(crm_txn *txn, const crm_record *record, bool created)
{
    const struct kind *kind = record->kind;
    int32_t status = CRM_OK;
    for (uint64_t left = kind->required; left != 0 && status == CRM_OK; left &= left - 1) {
        uint32_t number = (uint32_t)__builtin_ctzll(left);
        if (created || txn_edit(txn, number) != NULL)
            status = check_set(txn, record, kind->builtin[number]);
    }
    for (uint32_t i = 0; kind->user_required > 0 && i < kind->user_count && status == CRM_OK; i++) {
        const struct field *field = kind->user[i];
        if ((field->flags & CRM_FLAG_REQUIRED) && (created || txn_edit(txn, field->number) != NULL))
            status = check_set(txn, record, field);
    }
    return status;
}

/* The value of an external id, which two systems may share: its key with the
 * system, "system:value", comes next. */
static bool is_of_system(const struct buffer *keys, size_t at, const char *key, uint32_t length)
{
    uint32_t next;
    if (at == keys->length)
        return false;
    memcpy(&next, keys->data + at, sizeof next);
    const uint8_t *end = keys->data + at + sizeof next + next;
    return next > length && end[-1 - (ptrdiff_t)length] == ':' && memcmp(end - length, key, length) == 0;
}

/* The other live record that has one of the value's keys, or UINT32_MAX. */
static int32_t check_unique(crm_txn *txn, const crm_record *record, struct field *field, const struct value *value)
{
    struct generation *generation = txn->generation;
    struct buffer *keys = &txn->scratch;
    buffer_reset(keys);
    if (!index_keys(field, value, keys))
        return txn_nomem(txn);
    for (size_t at = 0; at < keys->length;) {
        uint32_t length, number;
        memcpy(&length, keys->data + at, sizeof length);
        const char *key = (const char *)keys->data + at + sizeof length;
        struct hash_cursor cursor;
        at += sizeof length + length;
        if (field->type == CRM_TYPE_EXTERNAL_IDS && is_of_system(keys, at, key, length))
            continue;
        uint64_t hash = index_hash(generation, field, key, length);
        if (field->table == 0)
            continue;
        hash_find(generation->arena, field->table, hash, &cursor);
        while (hash_next(generation->arena, field->table, &cursor, &number)) {
            if (number == record->number || !lookup_has_key(&txn->view, record->kind, field, number, key, length))
                continue;
            char id[UUID_TEXT_SIZE];
            uuid_format(id_at(generation, record->kind, number), id);
            return txn_fail(txn, CRM_DUPLICATE, "%s.%s: \"%.*s\" is taken by the %s %s", record->kind->name,
                            field->name, (int)length, key, record->kind->name, id);
        }
    }
    return CRM_OK;
}

COLD static int32_t check_acyclic(crm_txn *txn, const crm_record *record, const struct field *field, uint32_t parent)
{
    struct version version;
    struct value value = value_int(parent);
    for (uint32_t steps = 0; steps < 10000; steps++) {
        if ((uint32_t)value.integer == record->number)
            return txn_fail(txn, CRM_REFUSED, "%s.%s: the %s would come to stand above itself", record->kind->name,
                            field->name, record->kind->name);
        const struct row *row = row_at(txn->generation, record->kind, (uint32_t)value.integer);
        if (row == NULL || row->head == 0)
            return CRM_OK;
        int32_t status = version_load(txn->generation, txn, row->head, &version);
        if (status != CRM_OK)
            return txn_unread(txn, status, record->kind);
        if (version_get(&version, field->number, &value) != 1)
            return CRM_OK;
    }
    return txn_fail(txn, CRM_REFUSED, "%s.%s: more than 10,000 levels", record->kind->name, field->name);
}

static int32_t check_edits(crm_txn *txn, const crm_record *record)
{
    if ((txn->edit_mask & record->kind->checked) == 0 && !record->kind->user_checked)
        return CRM_OK;
    for (size_t i = 0; i < txn->edit_count; i++) {
        const struct edit *edit = txn_edit_at(txn, i);
        struct field *field = edit->field;
        int32_t status = CRM_OK;
        if (edit->value.what == VALUE_NULL)
            continue;
        if (field->flags & CRM_FLAG_UNIQUE)
            status = check_unique(txn, record, field, &edit->value);
        if (status == CRM_OK && (field->flags & CRM_FLAG_ACYCLIC))
            status = check_acyclic(txn, record, field, (uint32_t)edit->value.integer);
        if (status != CRM_OK)
            return status;
    }
    return CRM_OK;
}

/* A restored record takes its unique values again; somebody may have them now. */
COLD static int32_t check_restore(crm_txn *txn, const crm_record *record)
{
    for (uint32_t i = 0; i < record->kind->indexed_count; i++) {
        struct field *field = record->kind->indexed[i];
        struct value value;
        if ((field->flags & CRM_FLAG_UNIQUE) && record_value(record, field->number, &value) == 1) {
            int32_t status = check_unique(txn, record, field, &value);
            if (status != CRM_OK)
                return status;
        }
    }
    return CRM_OK;
}

static const struct currency *currency_of(const crm_txn *txn, bool set, const struct value *value)
{
    return currency_by_number((uint16_t)(set ? value->integer : db_currency(txn->db)));
}

/* Amounts are minor units: with another currency's decimals an amount that is
 * not given anew, be it the same number, would become another amount. */
COLD int32_t txn_check_currency(crm_txn *txn, const crm_record *record, const struct version *before)
{
    const struct field *field = record->kind->currency;
    const struct edit *edit = field == NULL ? NULL : txn_edit(txn, field->number);
    struct value value;
    if (edit == NULL)
        return CRM_OK;
    bool was = version_get(before, field->number, &value) == 1;
    const struct currency *from = currency_of(txn, was, &value);
    const struct currency *to = currency_of(txn, edit->value.what == VALUE_INT, &edit->value);
    if (from == NULL || to == NULL || from->exponent == to->exponent)
        return CRM_OK;
    for (uint32_t i = 0; i < record->kind->field_count; i++) {
        const struct field *money = record->kind->fields[i];
        if (money->type == CRM_TYPE_MONEY && !money->removed && txn_edit(txn, money->number) == NULL &&
            version_get(before, money->number, &value) == 1)
            return txn_fail(txn, CRM_INVALID, "%s.%s: %s has %d decimals and %s has %d; give %s anew with it",
                            record->kind->name, field->name, from->code, from->exponent, to->code, to->exponent,
                            money->name);
    }
    return CRM_OK;
}

int32_t txn_check(crm_txn *txn, crm_record *record, const struct version *before)
{
    if (record->pending == ENTRY_DELETE || record->pending == ENTRY_ERASE)
        return CRM_OK;
    int32_t status = record->pending == ENTRY_RESTORE ? check_restore(txn, record) : CRM_OK;
    if (status == CRM_OK)
        status = check_required(txn, record, before == NULL);
    return status == CRM_OK ? check_edits(txn, record) : status;
}

/* ---- deletion: live records that need this one hold it ---- */

/* Whether a live record refers to it through a field that is required. */
COLD static int32_t find_dependent(crm_txn *txn, const crm_record *record)
{
    struct schema *schema = &txn->generation->schema;
    for (uint32_t k = 0; k < schema->kind_count; k++) {
        struct kind *kind = schema->kinds[k];
        for (uint32_t i = 0; i < kind->field_count; i++) {
            struct field *field = kind->fields[i];
            uint32_t number;
            if (field->type != CRM_TYPE_REF || field->target != record->kind->number ||
                !(field->flags & CRM_FLAG_REQUIRED))
                continue;
            int32_t status = lookup_referrer(&txn->view, kind, field, record->number, &number);
            if (status == CRM_NOT_FOUND)
                continue;
            if (status != CRM_OK)
                return txn_unread(txn, status, kind);
            char id[UUID_TEXT_SIZE];
            uuid_format(id_at(txn->generation, kind, number), id);
            return txn_fail(txn, CRM_REFERENCED,
                            "this %s is needed by the %s %s (%s.%s is required); delete or change that first",
                            record->kind->name, kind->name, id, kind->name, field->name);
        }
    }
    return CRM_OK;
}

COLD int32_t crm_delete(crm_record *record)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    crm_txn *txn = record->txn;
    if (txn->status != CRM_OK)
        return txn->status;
    if (txn->open != NULL && txn_finish(txn) != CRM_OK) /* also this one, which may be new */
        return txn->status;
    if (crm_record_deleted(record))
        return txn_fail(txn, CRM_REFUSED, "this %s is deleted already", record->kind->name);
    int32_t status = txn_settle(txn);
    if (status == CRM_OK)
        status = find_dependent(txn, record);
    return status == CRM_OK ? txn_operation(record, ENTRY_DELETE) : status;
}

/* ---- erasure ---- */

/* A deleted record is deleted again behind its erasure. */
COLD static int32_t erase_one(crm_record *record)
{
    struct value null = {.what = VALUE_NULL};
    struct value stand_in = value_bytes("(erased)", 8);
    bool deleted = crm_record_deleted(record) != 0;
    int32_t status = txn_operation(record, ENTRY_ERASE);
    for (uint32_t i = 0; status == CRM_OK && i < record->kind->field_count; i++) {
        struct field *field = record->kind->fields[i];
        if (field->flags & CRM_FLAG_PERSONAL)
            status = txn_put(record, field,
                             field->flags & CRM_FLAG_REQUIRED && field->type == CRM_TYPE_TEXT ? &stand_in : &null);
    }
    if (status == CRM_OK)
        status = txn_finish(record->txn);
    if (status == CRM_OK && deleted) {
        status = txn_operation(record, ENTRY_DELETE);
        if (status == CRM_OK)
            status = txn_finish(record->txn);
    }
    return status;
}

struct numbers {
    const struct memory *memory;
    uint32_t *list;
    size_t count, capacity;
};

static bool note_number(struct numbers *numbers, uint32_t number)
{
    if (!memory_grow(numbers->memory, (void **)&numbers->list, &numbers->capacity, numbers->count + 1,
                     sizeof *numbers->list))
        return false;
    numbers->list[numbers->count++] = number;
    return true;
}

static bool names_in_list(const struct value *value, uint32_t kind, uint32_t number)
{
    struct items items = items_open(value);
    struct item item;
    struct part part;
    while (items_next(&items, &item))
        if (part_find(&item, CRM_PART_REF, &part) && part.kind == kind && part.number == number)
            return true;
    return false;
}

static bool names(const struct kind *of, const struct version *version, uint32_t kind, uint32_t number)
{
    for (uint32_t i = 0; i < of->field_count; i++) {
        const struct field *field = of->fields[i];
        struct value value;
        if ((!type_is_ref(field->type) && field->type != CRM_TYPE_REFS) ||
            version_get(version, field->number, &value) != 1)
            continue;
        if (field->type == CRM_TYPE_REFS  ? names_in_list(&value, kind, number)
            : field->type == CRM_TYPE_REF ? field->target == kind && value.integer == (int64_t)number
                                          : value.integer == any_ref_pack(kind, number))
            return true;
    }
    return false;
}

/* No index leads to those that are deleted or in which the person only took part: all are looked through. */
COLD static int32_t find_interactions(crm_txn *txn, const struct kind *interaction, const crm_record *person,
                                      struct numbers *numbers)
{
    struct generation *generation = txn->generation;
    uint32_t rows = kind_rows(generation, interaction);
    for (uint32_t number = 0; number < rows; number++) {
        const struct row *row = row_at(generation, interaction, number);
        struct version version;
        if (row == NULL || row->head == 0)
            continue;
        int32_t status = version_load(generation, txn, row->head, &version);
        if (status != CRM_OK)
            return txn_unread(txn, status, interaction);
        if (!names(interaction, &version, person->kind->number, person->number))
            continue;
        if (!note_number(numbers, number))
            return txn_nomem(txn);
    }
    return CRM_OK;
}

/* The texts of a person's interactions are about the person, too. */
COLD static int32_t erase_timeline(crm_txn *txn, const crm_record *person)
{
    struct kind *interaction = schema_kind(&txn->generation->schema, CRM_KIND_INTERACTION);
    struct numbers numbers = {.memory = txn->db->memory};
    int32_t status = find_interactions(txn, interaction, person, &numbers);
    for (size_t i = 0; status == CRM_OK && i < numbers.count; i++) {
        crm_record *record = txn_record(txn, interaction, numbers.list[i]);
        status = record == NULL ? txn->status : erase_one(record);
    }
    memory_free(txn->db->memory, numbers.list);
    return status;
}

COLD int32_t crm_erase(crm_record *record)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    crm_txn *txn = record->txn;
    if (txn->status != CRM_OK)
        return txn->status;
    if (txn->open != NULL && txn_finish(txn) != CRM_OK)
        return txn->status;
    if (record->created)
        return txn_fail(txn, CRM_MISUSE, "this %s is new; roll back instead", record->kind->name);
    int32_t status = CRM_OK;
    if (record->kind->number == CRM_KIND_CONTACT || record->kind->number == CRM_KIND_CUSTOMER)
        status = erase_timeline(txn, record);
    return status == CRM_OK ? erase_one(record) : status;
}
