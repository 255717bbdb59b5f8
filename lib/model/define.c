/* define: a user's own kinds, fields and choices.
 *
 * They are records of the built-in kinds kind, field and choice, so that they
 * have history and travel with the log; applying such a record puts the
 * definition into the schema.
 */
#include "model/txn.h"

#include "model/text.h"

#include <string.h>

enum { FIELDS_MAX = 65000, CHOICES_MAX = 65000 };

static int64_t int_of(const struct version *version, uint32_t field)
{
    struct value value;
    return version_get(version, field, &value) == 1 && value.what == VALUE_INT ? value.integer : -1;
}

static const char *name_of(const struct version *version, size_t *length)
{
    struct value value;
    *length = 0;
    if (version_get(version, CRM_KIND_NAME, &value) != 1 || value.what != VALUE_BYTES) /* 16 in all three kinds */
        return "";
    *length = value.length;
    return (const char *)value.bytes;
}

static bool apply_kind(struct schema *schema, const struct version *version, bool live)
{
    size_t length;
    const char *name = name_of(version, &length);
    int64_t number = int_of(version, CRM_KIND_NUMBER);
    if (number < CRM_USER_KIND || number > UINT16_MAX)
        return false;
    struct kind *kind = schema_kind(schema, (uint32_t)number);
    if (kind == NULL)
        kind = schema_add_kind(schema, (uint32_t)number, name, length);
    if (kind != NULL)
        kind->removed = !live;
    return kind != NULL;
}

static bool apply_field(struct schema *schema, const struct version *version, bool live)
{
    size_t length;
    const char *name = name_of(version, &length);
    int64_t of = int_of(version, CRM_FIELD_OF_KIND), number = int_of(version, CRM_FIELD_NUMBER);
    int64_t type = int_of(version, CRM_FIELD_TYPE), flags = int_of(version, CRM_FIELD_FLAGS);
    int64_t target = int_of(version, CRM_FIELD_TARGET);
    struct kind *kind = of < 0 || of > UINT16_MAX ? NULL : schema_kind(schema, (uint32_t)of);
    if (kind == NULL || number < CRM_USER_FIELD || number > CRM_USER_FIELD + FIELDS_MAX ||
        crm_type_name((int32_t)type) == NULL)
        return false;
    struct field *field = schema_field(kind, (uint32_t)number);
    if (field == NULL) {
        if ((uint32_t)number != CRM_USER_FIELD + kind->user_count)
            return false;
        field = schema_add_field(schema, kind, (uint32_t)number, name, length, (int32_t)type,
                                 flags < 0 ? 0 : (uint32_t)flags, target < 0 ? 0 : (uint32_t)target);
    }
    if (field != NULL)
        schema_hide_field(kind, field, !live);
    return field != NULL;
}

static bool apply_choice(struct schema *schema, const struct version *version, bool live)
{
    size_t length;
    const char *name = name_of(version, &length);
    int64_t of = int_of(version, CRM_CHOICE_OF_KIND), number = int_of(version, CRM_CHOICE_OF_FIELD);
    int64_t code = int_of(version, CRM_CHOICE_CODE);
    struct kind *kind = of < 0 || of > UINT16_MAX ? NULL : schema_kind(schema, (uint32_t)of);
    struct field *field =
        kind == NULL || number < 0 || number > UINT16_MAX ? NULL : schema_field(kind, (uint32_t)number);
    if (field == NULL || code <= 0 || code > CHOICES_MAX)
        return false;
    for (uint32_t i = 0; i < field->choice_count; i++)
        if (field->choices[i].code == code) {
            field->choices[i].removed = !live;
            return true;
        }
    if (!schema_add_choice(schema, field, code, name, length))
        return false;
    field->choices[field->choice_count - 1].removed = !live; /* a deleted one keeps its code, which records may hold */
    return true;
}

bool schema_apply(struct generation *generation, uint32_t kind, const struct version *version, bool live)
{
    switch (kind) {
    case CRM_KIND_KIND: return apply_kind(&generation->schema, version, live);
    case CRM_KIND_FIELD: return apply_field(&generation->schema, version, live);
    case CRM_KIND_CHOICE: return apply_choice(&generation->schema, version, live);
    default: return true;
    }
}

/* A definition of a transaction that is rolled back.  What was last defined is
 * taken back first, so numbers stay dense, as a replay of the log will have them. */
bool schema_undo(struct generation *generation, uint32_t kind_number, const struct version *version)
{
    struct schema *schema = &generation->schema;
    bool is_kind = kind_number == CRM_KIND_KIND, is_field = kind_number == CRM_KIND_FIELD;
    int64_t of = int_of(version, is_kind ? CRM_KIND_NUMBER : CRM_FIELD_OF_KIND); /* 17 in all three kinds */
    int64_t number = is_kind ? 0 : int_of(version, CRM_FIELD_NUMBER);            /* 18 in both */
    struct kind *kind = of < 0 || of > UINT16_MAX ? NULL : schema_kind(schema, (uint32_t)of);
    struct field *field =
        kind == NULL || number < 0 || number > UINT16_MAX ? NULL : schema_field(kind, (uint32_t)number);
    if (kind == NULL || (!is_kind && field == NULL))
        return false;
    if (!is_kind && !is_field)
        return schema_drop_choice(field, int_of(version, CRM_CHOICE_CODE));
    roots_forget(generation, kind->number, is_kind ? 0 : field->number);
    return is_kind ? schema_drop_kind(schema, kind) : schema_drop_field(schema, kind, field);
}

/* After an image was mapped: the definitions, in the order they were made. */
bool schema_load(struct generation *generation)
{
    for (uint32_t number = CRM_KIND_KIND; number <= CRM_KIND_CHOICE; number++) {
        struct kind *kind = schema_kind(&generation->schema, number);
        uint32_t rows = kind_rows(generation, kind);
        for (uint32_t i = 0; i < rows; i++) {
            const struct row *row = row_at(generation, kind, i);
            struct version version;
            if (row == NULL)
                return false;
            if (row->head != 0 && (version_load(generation, NULL, row->head, &version) != CRM_OK ||
                                   !schema_apply(generation, number, &version, !(row->state & ROW_DELETED))))
                return false;
        }
    }
    return true;
}

/* ---- the public calls ---- */

static int32_t begin(crm_txn *txn, const char *name, size_t *length)
{
    if (txn == NULL)
        return CRM_MISUSE;
    if (txn->open != NULL && !txn->in_rules && txn_finish(txn) != CRM_OK)
        return txn->status;
    if (txn->status != CRM_OK)
        return txn->status;
    if (name == NULL)
        return txn_fail(txn, CRM_INVALID, "a name is needed");
    if (*length == CRM_NUL)
        *length = strlen(name);
    return CRM_OK;
}

static int32_t check_name(crm_txn *txn, const char *name, size_t length)
{
    if (schema_name_valid(name, length))
        return CRM_OK;
    return txn_fail(txn, CRM_INVALID,
                    "\"%.*s\" is no name for a kind or field: a letter, then letters, digits and '_', at most 63 bytes",
                    (int)text_cut(name, length, 63), name);
}

/* Makes the definition a version, so that it can be used at once. */
static int32_t settle(crm_txn *txn, crm_record *record)
{
    return record == NULL ? txn->status : txn_finish(txn);
}

int32_t crm_kind_add(crm_txn *txn, const char *name, size_t length, uint32_t *out)
{
    int32_t status = begin(txn, name, &length);
    if (status != CRM_OK || (status = check_name(txn, name, length)) != CRM_OK)
        return status;
    struct schema *schema = &txn->generation->schema;
    if (schema_kind_named(schema, name, length) != NULL)
        return txn_fail(txn, CRM_EXISTS, "there is a kind \"%.*s\" already", (int)length, name);
    uint32_t number = schema_next_kind(schema);
    if (number > UINT16_MAX)
        return txn_fail(txn, CRM_FULL, "there are too many kinds");
    crm_record *record = txn_create(txn, schema_kind(schema, CRM_KIND_KIND), NULL);
    record_put_text(record, CRM_KIND_NAME, name, length);
    record_put_int(record, CRM_KIND_NUMBER, number);
    status = settle(txn, record);
    if (status == CRM_OK && out != NULL)
        *out = number;
    return status;
}

static int32_t check_field(crm_txn *txn, struct kind *kind, int32_t type, uint32_t flags, uint32_t target)
{
    const uint32_t allowed = CRM_FLAG_REQUIRED | CRM_FLAG_UNIQUE | CRM_FLAG_INDEXED | CRM_FLAG_HOT | CRM_FLAG_PERSONAL |
                             CRM_FLAG_TIMELINE | CRM_FLAG_OPEN | CRM_FLAG_ACYCLIC;
    if (crm_type_name(type) == NULL || type == CRM_TYPE_ID)
        return txn_fail(txn, CRM_INVALID, "%d is no type of a field", type);
    if (flags & ~allowed)
        return txn_fail(txn, CRM_INVALID, "a user's field cannot have the flags %u", flags & ~allowed);
    if (type == CRM_TYPE_REF && schema_kind(&txn->generation->schema, target) == NULL)
        return txn_fail(txn, CRM_INVALID, "a reference needs the kind it refers to; there is no kind %u", target);
    if (type == CRM_TYPE_DECIMAL && target > 9)
        return txn_fail(txn, CRM_INVALID, "a decimal has 0 to 9 decimals, not %u", target);
    if ((flags & CRM_FLAG_TIMELINE) && !type_is_ref(type))
        return txn_fail(txn, CRM_INVALID, "only a reference can have a timeline");
    if ((flags & CRM_FLAG_ACYCLIC) && (type != CRM_TYPE_REF || target != kind->number))
        return txn_fail(txn, CRM_INVALID, "only a reference to the own kind can be acyclic");
    if ((flags & CRM_FLAG_UNIQUE) && type != CRM_TYPE_TEXT && type != CRM_TYPE_INT && type != CRM_TYPE_EXTERNAL_IDS &&
        type != CRM_TYPE_EMAILS)
        return txn_fail(txn, CRM_INVALID, "only a text, int, e-mail or external id can be unique");
    if ((flags & CRM_FLAG_INDEXED) && (type == CRM_TYPE_ADDRESSES || type == CRM_TYPE_REFS || type == CRM_TYPE_EMAILS ||
                                       type == CRM_TYPE_EXTERNAL_IDS))
        return txn_fail(txn, CRM_INVALID, "a %s cannot be indexed", crm_type_name(type));
    return CRM_OK;
}

int32_t crm_field_add(crm_txn *txn, uint32_t number, const char *name, size_t length, int32_t type, uint32_t flags,
                      uint32_t target, uint32_t *out)
{
    int32_t status = begin(txn, name, &length);
    if (status != CRM_OK || (status = check_name(txn, name, length)) != CRM_OK)
        return status;
    struct kind *kind = schema_kind(&txn->generation->schema, number);
    if (kind == NULL || (number >= CRM_KIND_KIND && number <= CRM_KIND_CHOICE))
        return txn_fail(txn, CRM_INVALID, "kind %u takes no user's fields", number);
    if ((status = check_field(txn, kind, type, flags, target)) != CRM_OK)
        return status;
    if (schema_field_named(kind, name, length) != NULL)
        return txn_fail(txn, CRM_EXISTS, "%s has a field \"%.*s\" already", kind->name, (int)length, name);
    if (kind->user_count >= FIELDS_MAX)
        return txn_fail(txn, CRM_FULL, "%s has too many fields", kind->name);
    if ((flags & CRM_FLAG_REQUIRED) && kind_rows(txn->generation, kind) > 0)
        return txn_fail(txn, CRM_REFUSED, "%s.%.*s cannot be required: there are records without it", kind->name,
                        (int)length, name);
    uint32_t field = CRM_USER_FIELD + kind->user_count;
    crm_record *record = txn_create(txn, schema_kind(&txn->generation->schema, CRM_KIND_FIELD), NULL);
    record_put_text(record, CRM_FIELD_NAME, name, length);
    record_put_int(record, CRM_FIELD_OF_KIND, number);
    record_put_int(record, CRM_FIELD_NUMBER, field);
    record_put_int(record, CRM_FIELD_TYPE, type);
    record_put_int(record, CRM_FIELD_FLAGS, flags);
    record_put_int(record, CRM_FIELD_TARGET, target);
    status = settle(txn, record);
    if (status == CRM_OK && out != NULL)
        *out = field;
    return status;
}

int32_t crm_choice_add(crm_txn *txn, uint32_t number, uint32_t field_number, const char *name, size_t length,
                       int64_t *out)
{
    int32_t status = begin(txn, name, &length);
    if (status != CRM_OK)
        return status;
    struct kind *kind = schema_kind(&txn->generation->schema, number);
    struct field *field = kind == NULL ? NULL : schema_field(kind, field_number);
    if (field == NULL || field->type != CRM_TYPE_CHOICE ||
        !((field->flags & CRM_FLAG_OPEN) || field_number >= CRM_USER_FIELD))
        return txn_fail(txn, CRM_INVALID, "%s.%s takes no new choices", kind == NULL ? "?" : kind->name,
                        field == NULL ? "?" : field->name);
    text_trim(&name, &length);
    if (length == 0 || length > 200 || !text_valid(name, length))
        return txn_fail(txn, CRM_INVALID, "a choice of %s.%s is UTF-8 text of 1 to 200 bytes", kind->name, field->name);
    const struct choice *choice = schema_choice_named(field, name, length);
    if (choice != NULL)
        return txn_fail(txn, CRM_EXISTS, "%s.%s has a choice \"%s\" already", kind->name, field->name, choice->name);
    int64_t code = 1;
    for (uint32_t i = 0; i < field->choice_count; i++)
        code = field->choices[i].code >= code ? field->choices[i].code + 1 : code;
    if (code > CHOICES_MAX)
        return txn_fail(txn, CRM_FULL, "%s.%s has too many choices", kind->name, field->name);
    crm_record *record = txn_create(txn, schema_kind(&txn->generation->schema, CRM_KIND_CHOICE), NULL);
    record_put_text(record, CRM_CHOICE_NAME, name, length);
    record_put_int(record, CRM_CHOICE_OF_KIND, number);
    record_put_int(record, CRM_CHOICE_OF_FIELD, field_number);
    record_put_int(record, CRM_CHOICE_CODE, code);
    status = settle(txn, record);
    if (status == CRM_OK && out != NULL)
        *out = code;
    return status;
}
