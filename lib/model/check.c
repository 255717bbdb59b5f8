/* check: the rules that follow from the schema's flags, at the moment a change
 * becomes a version: required, unique, acyclic; and what a deletion may do.
 */
#include "model/txn.h"

#include "model/lookup.h"
#include "model/text.h"
#include "model/uuid.h"

#include <string.h>

static int32_t check_required(crm_txn *txn, const crm_record *record, bool created)
{
    struct value value;
    const char *text;
    size_t length;
    for (uint32_t i = 0; i < record->kind->field_count; i++) {
        const struct field *field = record->kind->fields[i];
        if (!(field->flags & CRM_FLAG_REQUIRED) || (!created && txn_edit(txn, field->number) == NULL))
            continue;
        bool set = record_value(record, field->number, &value) == 1;
        if (set && field->type == CRM_TYPE_TEXT && value.what == VALUE_BYTES) {
            text = (const char *)value.bytes;
            length = value.length;
            text_trim(&text, &length);
            set = length > 0;
        }
        if (!set)
            return txn_fail(txn, CRM_INVALID, "%s.%s is required", record->kind->name, field->name);
    }
    return CRM_OK;
}

/* The other live record that has one of the value's keys, or UINT32_MAX. */
static int32_t check_unique(crm_txn *txn, const crm_record *record, struct field *field, const struct value *value)
{
    struct generation *generation = txn->generation;
    struct buffer *keys = &txn->scratch;
    if (txn->changes_pending && txn_apply(txn) != CRM_OK) /* it may have given a value up */
        return txn->status;
    keys->length = 0;
    if (!index_keys(field, value, keys))
        return txn_fail(txn, CRM_NOMEM, "out of memory");
    for (size_t at = 0; at < keys->length;) {
        uint32_t length, number;
        memcpy(&length, keys->data + at, sizeof length);
        const char *key = (const char *)keys->data + at + sizeof length;
        struct hash_cursor cursor;
        at += sizeof length + length;
        /* An external id without a system may be shared by two systems. */
        if (field->type == CRM_TYPE_EXTERNAL_IDS && memchr(key, ':', length) == NULL && at < keys->length)
            continue;
        uint64_t hash = index_hash(generation, field, key, length);
        if (txn_key_pending(txn, hash == 0 ? 1 : hash) && txn_apply(txn) != CRM_OK)
            return txn->status;
        buffer_append(&txn->new_keys, &hash, sizeof hash);
        if (field->table == 0)
            continue;
        hash_find(generation->arena, field->table, hash, &cursor);
        while (hash_next(generation->arena, field->table, &cursor, &number)) {
            if (number == record->number || !lookup_has_key(&txn->view, record->kind, field, number, key, length))
                continue;
            char id[UUID_TEXT_SIZE];
            const struct row *row = row_at(generation, record->kind, number);
            uuid_format(&row->id, id);
            return txn_fail(txn, CRM_DUPLICATE, "%s.%s: \"%.*s\" is taken by the %s %s", record->kind->name,
                            field->name, (int)length, key, record->kind->name, id);
        }
    }
    return CRM_OK;
}

static int32_t check_acyclic(crm_txn *txn, const crm_record *record, const struct field *field, uint32_t parent)
{
    struct version version;
    struct value value = value_int(parent);
    if (txn_apply(txn) != CRM_OK)
        return txn->status;
    for (uint32_t steps = 0; steps < 10000; steps++) {
        if ((uint32_t)value.integer == record->number)
            return txn_fail(txn, CRM_REFUSED, "%s.%s: the %s would come to stand above itself", record->kind->name,
                            field->name, record->kind->name);
        const struct row *row = row_at(txn->generation, record->kind, (uint32_t)value.integer);
        if (row == NULL || row->head == 0 || version_load(txn->generation, txn, row->head, &version) != CRM_OK ||
            version_get(&version, field->number, &value) != 1)
            return CRM_OK;
    }
    return txn_fail(txn, CRM_REFUSED, "%s.%s: more than 10,000 levels", record->kind->name, field->name);
}

static int32_t check_edits(crm_txn *txn, const crm_record *record)
{
    for (size_t i = 0; i < txn->edit_count; i++) {
        const struct edit *edit = &txn->edits[i];
        struct field *field = schema_field(record->kind, edit->field);
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
static int32_t check_restore(crm_txn *txn, const crm_record *record)
{
    for (uint32_t i = 0; i < record->kind->indexed_count; i++) {
        struct field *field = record->kind->indexed[i];
        struct value value;
        if ((field->flags & CRM_FLAG_UNIQUE) && version_get(&record->version, field->number, &value) == 1) {
            int32_t status = check_unique(txn, record, field, &value);
            if (status != CRM_OK)
                return status;
        }
    }
    return CRM_OK;
}

int32_t txn_check(crm_txn *txn, crm_record *record, const struct version *before)
{
    if (record->pending == ENTRY_DELETE || record->pending == ENTRY_ERASE)
        return CRM_OK;
    if (record->pending == ENTRY_RESTORE)
        return check_restore(txn, record);
    int32_t status = check_required(txn, record, before == NULL);
    return status == CRM_OK ? check_edits(txn, record) : status;
}

/* ---- deletion: live records that need this one hold it ---- */

/* Whether a live record refers to it through a field that is required. */
static int32_t find_dependent(crm_txn *txn, const crm_record *record)
{
    struct schema *schema = &txn->generation->schema;
    for (uint32_t k = 0; k < schema->kind_count; k++) {
        struct kind *kind = schema->kinds[k];
        for (uint32_t i = 0; i < kind->field_count; i++) {
            struct field *field = kind->fields[i];
            uint32_t number;
            if (field->type != CRM_TYPE_REF || field->target != record->kind->number ||
                !(field->flags & CRM_FLAG_REQUIRED) ||
                !lookup_referrer(&txn->view, kind, field, record->number, &number))
                continue;
            char id[UUID_TEXT_SIZE];
            uuid_format(&row_at(txn->generation, kind, number)->id, id);
            return txn_fail(txn, CRM_REFERENCED, "this %s is needed by the %s %s (%s.%s is required); delete or change that first",
                            record->kind->name, kind->name, id, kind->name, field->name);
        }
    }
    return CRM_OK;
}

int32_t crm_delete(crm_record *record)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    crm_txn *txn = record->txn;
    if (txn->status != CRM_OK)
        return txn->status;
    if (record->created)
        return txn_fail(txn, CRM_MISUSE, "this %s is new and not yet finished; roll back instead", record->kind->name);
    if (crm_record_deleted(record))
        return txn_fail(txn, CRM_REFUSED, "this %s is deleted already", record->kind->name);
    if (txn->open != NULL && txn_finish(txn) != CRM_OK)
        return txn->status;
    int32_t status = txn_apply(txn);
    if (status == CRM_OK)
        status = find_dependent(txn, record);
    return status == CRM_OK ? txn_operation(record, ENTRY_DELETE) : status;
}

/* ---- erasure ---- */

static int32_t erase_one(crm_record *record)
{
    struct value null = {.what = VALUE_NULL};
    struct value stand_in = value_bytes("(erased)", 8);
    int32_t status = txn_operation(record, ENTRY_ERASE);
    for (uint32_t i = 0; status == CRM_OK && i < record->kind->field_count; i++) {
        struct field *field = record->kind->fields[i];
        if (field->flags & CRM_FLAG_PERSONAL)
            status = txn_put(record, field,
                             field->flags & CRM_FLAG_REQUIRED && field->type == CRM_TYPE_TEXT ? &stand_in : &null);
    }
    return status == CRM_OK ? txn_finish(record->txn) : status;
}

/* The texts of a person's interactions are about the person, too. */
static int32_t erase_timeline(crm_txn *txn, uint32_t kind, const crm_id *id)
{
    struct kind *interaction = schema_kind(&txn->generation->schema, CRM_KIND_INTERACTION);
    crm_query *query;
    crm_record *found;
    uint32_t *numbers = NULL;
    size_t count = 0, capacity = 0;
    crm_error error;
    int32_t status = crm_timeline(&txn->view, kind, id, &query, &error);
    if (status != CRM_OK)
        return txn_fail(txn, status, "%s", error.message);
    while ((status = crm_query_next(query, &found, &error)) == CRM_OK) {
        if (!memory_grow(txn->db->memory, (void **)&numbers, &capacity, count + 1, sizeof *numbers)) {
            status = CRM_NOMEM;
            break;
        }
        numbers[count++] = found->number;
    }
    crm_query_free(query);
    status = status == CRM_DONE ? CRM_OK : txn_fail(txn, status, "the timeline could not be read");
    for (size_t i = 0; status == CRM_OK && i < count; i++) {
        crm_record *record = txn_record(txn, interaction, numbers[i]);
        status = record == NULL ? txn->status : erase_one(record);
    }
    memory_free(txn->db->memory, numbers);
    return status;
}

int32_t crm_erase(crm_record *record)
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
        status = erase_timeline(txn, record->kind->number, &record->id);
    return status == CRM_OK ? erase_one(record) : status;
}
