/* import_write: what was read becomes records.
 *
 * Rows are written in batches of one transaction each; a record is finished
 * and checked by its rules before the next row, so that a row that the rules
 * refuse is taken out alone.  What exists already is only set where it differs:
 * a row that changes nothing leaves no version.
 */
#include "io/import.h"

#include "model/db.h"

#include <string.h>

/* ---- transactions ---- */

crm_txn *write_txn(struct crm_import *import)
{
    crm_error error;
    if (import->db->closed) {
        import_fail(import, CRM_MISUSE, "the file was closed during the import");
        return NULL;
    }
    if (import->txn != NULL)
        return import->txn;
    if (crm_begin(import->db, &import->txn, &error) != CRM_OK) {
        import->txn = NULL;
        import_pass_on(import, &error);
        return NULL;
    }
    if (crm_lsn(import->db) != import->lsn)
        reference_forget(import); /* somebody else may have changed what names mean */
    crm_txn_set_actor(import->txn, import->actor);
    crm_txn_set_reason(import->txn, import->reason);
    crm_txn_set_batch(import->txn, import->batch);
    return import->txn;
}

static int32_t commit(struct crm_import *import)
{
    crm_error error;
    crm_txn *txn = import->txn;
    if (import->status != CRM_OK)
        return import->status; /* what is open is taken back with the answer */
    import->txn = NULL;
    import->batch_fill = 0;
    if (txn == NULL)
        return CRM_OK;
    if (import->db->closed)
        return import_fail(import, CRM_MISUSE, "the file was closed during the import");
    if (import->strict || import->dry_run) {
        bool refused = import->strict && import->counts[CRM_IMPORT_REJECTED] > 0;
        if (refused || import->dry_run) {
            crm_rollback(txn);
            return CRM_OK;
        }
    }
    int32_t status = crm_commit(txn, &import->lsn, &error);
    return status == CRM_OK ? CRM_OK : import_pass_on(import, &error);
}

int32_t write_progress(struct crm_import *import, uint64_t rows)
{
    import->batch_fill += rows;
    if (import->strict || import->dry_run || import->batch_fill < import->batch_rows)
        return CRM_OK;
    return commit(import);
}

int32_t write_finish(struct crm_import *import)
{
    int32_t status = commit(import);
    if (status == CRM_OK && import->strict && import->counts[CRM_IMPORT_REJECTED] > 0)
        return import_fail(import, CRM_REFUSED, "strict: %llu of %llu rows are bad, so none was imported",
                           (unsigned long long)import->counts[CRM_IMPORT_REJECTED],
                           (unsigned long long)import->counts[CRM_IMPORT_READ]);
    return status;
}

void write_cancel(struct crm_import *import)
{
    if (import->txn != NULL && !import->db->closed) /* closing rolled it back */
        crm_rollback(import->txn);
    import->txn = NULL;
}

/* The transaction's error as a fault; the change that met it is gone. */
static bool blame_txn(struct crm_import *import, uint32_t cell, struct import_fault *fault)
{
    crm_error error;
    crm_txn_status(import->txn, &error);
    crm_txn_forgive(import->txn);
    return import_blame_error(fault, cell, &error);
}

/* ---- choices and records that the row needs ---- */

static bool add_choices(struct crm_import *import, struct import_fault *fault)
{
    for (size_t i = 0; i < import->values.count; i++) {
        struct import_value *value = &import->values.values[i];
        if (value->action != ACTION_CHOICE)
            continue;
        const struct mapping_field *field = &import->plan.items[value->item].assignment.field;
        if (crm_choice_add(import->txn, field->kind, field->number, value->text, value->length, &value->integer) !=
            CRM_OK)
            return blame_txn(import, value->cell, fault);
        value->action = ACTION_INT;
    }
    return true;
}

static bool set_created(struct crm_import *import, const struct mapping_assignment *assignment, crm_record *record,
                        const struct expression_row *view, uint32_t cell, struct import_fault *fault)
{
    for (uint32_t i = 0; i < assignment->create_count; i++) {
        const struct mapping_create *create = &import->mapping.creates[assignment->create_first + i];
        struct operand operand;
        const char *text;
        size_t length;
        if (!expression_evaluate(&import->mapping.expressions, create->value, view, &operand, &fault->why) ||
            !operand_text(&operand, &import->scratch, &text, &length)) {
            crm_set_null(record, UINT32_MAX); /* any failure: the record must not be made */
            crm_txn_status(import->txn, NULL);
            crm_txn_forgive(import->txn);
            return false;
        }
        if (operand.type != OPERAND_BLANK && crm_set_parsed(record, create->field.number, text, length) != CRM_OK)
            return blame_txn(import, cell, fault);
    }
    return true;
}

static bool remember_made(struct crm_import *import, uint32_t kind, const crm_id *id)
{
    void *ids = import->made, *kinds = import->made_kinds;
    if (!memory_grow(import->memory, &ids, &import->made_capacity, import->made_count + 1, sizeof *import->made))
        return false;
    import->made = ids;
    if (!memory_grow(import->memory, &kinds, &import->made_kind_capacity, import->made_count + 1,
                     sizeof *import->made_kinds))
        return false;
    import->made_kinds = kinds;
    import->made[import->made_count] = *id;
    import->made_kinds[import->made_count++] = kind;
    return true;
}

static bool create_target(struct crm_import *import, struct import_value *value, const struct expression_row *view,
                          struct import_fault *fault)
{
    const struct import_item *item = &import->plan.items[value->item];
    const struct mapping_assignment *assignment = &item->assignment;
    bool found = false;
    /* The row may have made it a moment ago, for another field. */
    if (import->made_count > 0 &&
        !reference_find(import, item, value->text, value->length, value->cell, &found, &value->kind, &value->id, fault))
        return false;
    value->action = ACTION_REF;
    if (found)
        return true;
    crm_record *record = crm_create(import->txn, assignment->by_field.kind);
    if (crm_set_parsed(record, assignment->by_field.number, value->text, value->length) != CRM_OK)
        return blame_txn(import, value->cell, fault);
    if (!set_created(import, assignment, record, view, value->cell, fault))
        return false;
    crm_record_id(record, &value->id);
    value->kind = assignment->by_field.kind;
    if (crm_txn_status(import->txn, NULL) != CRM_OK)
        return blame_txn(import, value->cell, fault);
    if (!remember_made(import, value->kind, &value->id)) {
        fault->status = CRM_NOMEM;
        return import_blame(fault, EXPRESSION_NONE, "out of memory");
    }
    reference_remember(import, item, value->text, value->length, value->kind, &value->id);
    import->counts[CRM_IMPORT_OTHERS]++;
    return true;
}

static bool create_targets(struct crm_import *import, const struct import_row *row, struct import_fault *fault)
{
    struct expression_row view = {.cells = row->cells,
                                  .count = row->count,
                                  .line = row->line,
                                  .rules = import->plan.any_rule ? import->plan.rules : NULL,
                                  .pairs = import->mapping.pairs,
                                  .scratch = &import->scratch,
                                  .names = import->plan.names};
    for (size_t i = 0; i < import->values.count; i++)
        if (import->values.values[i].action == ACTION_CREATE &&
            !create_target(import, &import->values.values[i], &view, fault))
            return false;
    return true;
}

/* The row was refused after all: what was made for it goes, too. */
static void delete_made(struct crm_import *import)
{
    crm_error error;
    for (; import->made_count > 0; import->counts[CRM_IMPORT_OTHERS]--) {
        import->made_count--;
        crm_delete(crm_edit(import->txn, import->made_kinds[import->made_count], &import->made[import->made_count]));
        if (crm_txn_status(import->txn, &error) != CRM_OK)
            import_pass_on(import, &error);
    }
    reference_forget(import);
}

/* ---- what is there already ---- */

/* The items of a list in JSON: texts, or objects with a value. */
static int32_t find_by_json(struct crm_import *import, crm_id *id, crm_error *error)
{
    struct json json;
    struct buffer whole;
    json_init(&json, import->memory);
    buffer_init(&whole, import->memory);
    int32_t status = json_parse(&json, import->values.match, import->values.match_length, error);
    if (status == CRM_OK)
        status = CRM_NOT_FOUND;
    uint32_t node = status == CRM_NOT_FOUND ? json_first(&json, 0) : JSON_NONE;
    for (; node != JSON_NONE && status == CRM_NOT_FOUND; node = json_next(&json, 0, node)) {
        bool object = json_at(&json, node)->type == JSON_OBJECT;
        uint32_t value = object ? json_find(&json, node, "value", 5) : node;
        uint32_t system = object ? json_find(&json, node, "system", 6) : JSON_NONE;
        size_t length, system_length;
        const char *text = value == JSON_NONE ? NULL : json_string_of(&json, value, &length);
        const char *prefix = system == JSON_NONE ? NULL : json_string_of(&json, system, &system_length);
        whole.length = 0;
        if (prefix != NULL && system_length > 0) {
            buffer_append(&whole, prefix, system_length);
            buffer_byte(&whole, ':');
        }
        if (text != NULL)
            buffer_append(&whole, text, length);
        if (whole.failed)
            status = error_nomem(error);
        else if (text != NULL && length > 0)
            status =
                reference_by_field(import, &import->match_field, (const char *)whole.data, whole.length, id, error);
    }
    buffer_free(&whole);
    json_free(&json);
    return status;
}

/* Looks for each of the values of "a;b"; *id is the record that has one of them. */
static int32_t find_by_match(struct crm_import *import, crm_id *id, crm_error *error)
{
    const char *at = import->values.match, *end = at + import->values.match_length;
    bool list = import->match_field.type >= CRM_TYPE_EMAILS;
    if (list && at < end && *at == '[')
        return find_by_json(import, id, error);
    while (at < end) {
        const char *stop = list ? memchr(at, ';', (size_t)(end - at)) : NULL;
        size_t length = stop == NULL ? (size_t)(end - at) : (size_t)(stop - at);
        /* Mostly it is new, and nobody reads why it was not found. */
        int32_t status = reference_by_field(import, &import->match_field, at, length, id, NULL);
        if (status != CRM_NOT_FOUND && status != CRM_OK)
            status = reference_by_field(import, &import->match_field, at, length, id, error);
        if (status != CRM_NOT_FOUND)
            return status;
        at += length + (stop != NULL);
    }
    return CRM_NOT_FOUND;
}

static bool find_existing(struct crm_import *import, bool *existing, crm_id *id, struct import_fault *fault)
{
    const struct import_values *values = &import->values;
    crm_record *record = NULL;
    crm_error error;
    int32_t status = CRM_NOT_FOUND;
    *existing = false;
    if (import->match_field.number == 0)
        return true;
    if (import->match_field.type == CRM_TYPE_ID) {
        if (!values->has_id)
            return true;
        *id = values->id;
        status = crm_get(crm_txn_view(import->txn), import->kind, id, &record, &error);
        if (status == CRM_OK && crm_record_deleted(record))
            status = error_set(&error, CRM_REFUSED, "the record with this id is deleted; restore it first");
        crm_record_free(record);
    } else {
        if (values->match == NULL)
            return import_blame(fault, EXPRESSION_NONE, "%s: nothing to match the record by", import->match_field.name);
        status = find_by_match(import, id, &error);
        if (status == CRM_OK && values->has_id && memcmp(id, &values->id, sizeof *id) != 0)
            status = error_set(&error, CRM_DUPLICATE, "the record that has this %s has another id",
                               import->match_field.name);
        else if (status == CRM_DUPLICATE)
            error_set(&error, CRM_DUPLICATE, "several records have this value in '%s'", import->match_field.name);
    }
    if (import->status != CRM_OK)
        fault->status = import->status;
    *existing = status == CRM_OK;
    return status == CRM_OK || status == CRM_NOT_FOUND ||
           import_blame_error(fault, import->match_field.type == CRM_TYPE_ID ? EXPRESSION_NONE : values->match_cell,
                              &error);
}

/* ---- fields ---- */

/* Money of a record that has its own currency, which the row does not give. */
static bool own_money(struct crm_import *import, const crm_record *record, struct import_value *value,
                      struct import_fault *fault)
{
    if (value->action != ACTION_MONEY || import->currency_field == 0 || import->values.currency != 0 ||
        !crm_has(record, import->currency_field))
        return true;
    int32_t currency = (int32_t)crm_int(record, import->currency_field);
    const struct import_item *item = &import->plan.items[value->item];
    return currency == import->base_currency || values_money(currency, item, value, &value->integer) ||
           import_blame(fault, value->cell, "\"%.60s\" is no exact amount in the record's own currency", value->text);
}

static bool same(const crm_record *record, uint32_t field, const struct import_value *value)
{
    size_t length;
    crm_id id;
    uint32_t kind = 0;
    if (!crm_has(record, field))
        return value->action == ACTION_CLEAR;
    switch (value->action) {
    case ACTION_INT:
    case ACTION_MONEY: return crm_int(record, field) == value->integer;
    case ACTION_REAL: {
        double real = crm_real(record, field);
        return memcmp(&real, &value->real, sizeof real) == 0;
    }
    case ACTION_TEXT: {
        const char *text = crm_text(record, field, &length);
        return length == value->length && memcmp(text, value->text, length) == 0;
    }
    case ACTION_REF:
        return crm_ref(record, field, &kind, &id) == CRM_OK && kind == value->kind &&
               memcmp(&id, &value->id, sizeof id) == 0;
    default: return false;
    }
}

/* In no locale: ASCII letters. */
static bool same_but_case(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = a[i] >= 'A' && a[i] <= 'Z' ? (char)(a[i] + 32) : a[i];
        char d = b[i] >= 'A' && b[i] <= 'Z' ? (char)(b[i] + 32) : b[i];
        if (c != d)
            return false;
    }
    return true;
}

static bool has_item(const crm_record *record, uint32_t field, const char *text, size_t length)
{
    uint32_t count = crm_item_count(record, field);
    for (uint32_t i = 0; i < count; i++) {
        size_t value_length, system_length;
        const char *value = crm_item_text(record, field, i, CRM_PART_VALUE, &value_length);
        const char *system = crm_item_text(record, field, i, CRM_PART_SYSTEM, &system_length);
        size_t skip = system_length == 0 ? 0 : system_length + 1;
        if (skip > 0 && (length < skip || memcmp(text, system, system_length) != 0 || text[system_length] != ':'))
            continue;
        if (length - skip == value_length && same_but_case(text + skip, value, value_length))
            return true;
    }
    return false;
}

/* The list that a record was found by keeps what it has; the row's other values come in addition. */
static int32_t add_items(crm_record *record, uint32_t field, const struct import_value *value, bool *changed)
{
    const char *at = value->text, *end = at + value->length;
    int32_t status = CRM_OK;
    if (memchr(at, ';', value->length) == NULL)
        return CRM_OK; /* the one by which it was found */
    while (at < end && status == CRM_OK) {
        const char *stop = memchr(at, ';', (size_t)(end - at));
        size_t length = stop == NULL ? (size_t)(end - at) : (size_t)(stop - at);
        if (!has_item(record, field, at, length)) {
            status = crm_item_add(record, field, at, length);
            *changed = true;
        }
        at += length + (stop != NULL);
    }
    return status;
}

static int32_t set_list(struct crm_import *import, crm_record *record, uint32_t field, const struct import_value *value,
                        bool *changed)
{
    size_t before_length, after_length;
    const char *text = crm_format(record, field, &before_length);
    char *before = scratch_text(&import->scratch, text, before_length);
    if (before == NULL)
        return import_nomem(import);
    int32_t status = crm_set_parsed(record, field, value->text, value->length);
    const char *after = crm_format(record, field, &after_length);
    if (crm_record_status(record) == CRM_NOMEM)
        return import_nomem(import);
    if (before_length != after_length || memcmp(before, after, after_length) != 0)
        *changed = true;
    return status;
}

static int32_t set_value(struct crm_import *import, crm_record *record, bool existing, const struct import_value *value,
                         bool *changed)
{
    const struct import_item *item = &import->plan.items[value->item];
    uint32_t field = item->assignment.field.number;
    if (value->action == ACTION_PARSED && existing)
        return item->match && value->text[0] != '[' ? add_items(record, field, value, changed)
                                                    : set_list(import, record, field, value, changed);
    if (existing && same(record, field, value))
        return CRM_OK;
    if (existing && crm_record_status(record) == CRM_NOMEM)
        return import_nomem(import);
    *changed = true;
    switch (value->action) {
    case ACTION_INT:
    case ACTION_MONEY: return crm_set_int(record, field, value->integer);
    case ACTION_REAL: return crm_set_real(record, field, value->real);
    case ACTION_TEXT: return crm_set_text(record, field, value->text, value->length);
    case ACTION_REF: return crm_set_ref(record, field, value->kind, &value->id);
    case ACTION_CLEAR: return existing ? crm_set_null(record, field) : CRM_OK;
    default: return crm_set_parsed(record, field, value->text, value->length);
    }
}

static bool set_fields(struct crm_import *import, crm_record *record, bool existing, bool *changed,
                       struct import_fault *fault)
{
    for (size_t i = 0; i < import->values.count; i++) {
        struct import_value *value = &import->values.values[i];
        if (existing && !own_money(import, record, value, fault)) {
            crm_set_null(record, UINT32_MAX); /* any failure: the change must not be made */
            crm_txn_forgive(import->txn);
            return false;
        }
        if (set_value(import, record, existing, value, changed) != CRM_OK) {
            if (import->status != CRM_OK)
                fault->status = import->status;
            return blame_txn(import, value->cell, fault);
        }
    }
    return crm_txn_status(import->txn, NULL) == CRM_OK || blame_txn(import, EXPRESSION_NONE, fault);
}

bool write_record(struct crm_import *import, const struct import_row *row, struct import_fault *fault)
{
    bool existing = false, changed = false;
    crm_id id;
    crm_record *record;
    import->made_count = 0;
    if (write_txn(import) == NULL) {
        fault->status = import->status;
        return false;
    }
    if (!find_existing(import, &existing, &id, fault) || !add_choices(import, fault))
        return false;
    bool written = create_targets(import, row, fault);
    if (written) {
        if (existing)
            record = crm_edit(import->txn, import->kind, &id);
        else if (import->values.has_id)
            record = crm_create_with_id(import->txn, import->kind, &import->values.id);
        else
            record = crm_create(import->txn, import->kind);
        written = record == NULL ? blame_txn(import, EXPRESSION_NONE, fault)
                                 : set_fields(import, record, existing, &changed, fault);
    }
    if (!written && import->made_count > 0)
        delete_made(import);
    if (written)
        import->counts[!existing ? CRM_IMPORT_CREATED : changed ? CRM_IMPORT_UPDATED : CRM_IMPORT_UNCHANGED]++;
    return written;
}
