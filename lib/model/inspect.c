/* inspect: see inspect.h.
 */
#include "model/inspect.h"

#include "model/text.h"

static bool list_sound(const struct value *value)
{
    struct items items = items_open(value);
    struct item item;
    struct part part;
    while (items.at < items.end) {
        if (!items_next(&items, &item))
            return false;
        while (item.at < item.end)
            if (!part_next(&item, &part))
                return false;
    }
    return true;
}

static const char *text_fault(const struct value *value, struct buffer *scratch)
{
    const char *text;
    size_t length;
    if (value->what != VALUE_BYTES && value->what != VALUE_DEFLATED)
        return "a text is not stored as one";
    if (!value_text(value, scratch, &text, &length))
        return "a text cannot be inflated";
    return text_valid(text, length) ? NULL : "a text is not UTF-8";
}

static const char *value_fault(const struct field *field, const struct value *value, struct buffer *scratch)
{
    if (value->what == VALUE_NULL)
        return NULL;
    if (type_is_list(field->type))
        return value->what == VALUE_BYTES && list_sound(value) ? NULL : "a list cannot be read";
    if (field->type == CRM_TYPE_TEXT)
        return text_fault(value, scratch);
    if (field->type == CRM_TYPE_REAL)
        return value->what == VALUE_REAL ? NULL : "a real number is not stored as one";
    if (value->what != VALUE_INT)
        return "a number is not stored as one";
    if (type_is_ref(field->type) &&
        (value->integer < 0 || (field->type == CRM_TYPE_REF && value->integer > UINT32_MAX)))
        return "a reference is no record's number";
    return NULL;
}

const char *inspect_entry(const struct schema *schema, const struct entry *entry, crm_id *id_base, bool packed,
                          struct buffer *scratch)
{
    const struct kind *kind = schema_kind(schema, entry->kind);
    const uint8_t *at = entry->body, *end = entry->body + entry->body_length;
    crm_id none = {{1}}, id;
    struct value value;
    int got;
    if (kind == NULL)
        return "it is of a kind that is not defined";
    if (entry->operation == ENTRY_CREATE && (at = id_get(at, end, packed ? &none : id_base, &id)) == NULL)
        return "its id cannot be read";
    struct body body = body_open(at, (size_t)(end - at));
    while ((got = body_next(&body, &value)) == 1) {
        const struct field *field = schema_field(kind, body.field);
        const char *fault = field == NULL ? "it has a field that is not defined" : value_fault(field, &value, scratch);
        if (fault != NULL)
            return fault;
    }
    return got == 0 ? NULL : "its fields cannot be read";
}

bool inspect_version(const struct kind *kind, const struct version *version, struct buffer *scratch)
{
    struct version_cursor cursor;
    struct value value;
    uint32_t number;
    int got;
    version_fields(version, &cursor);
    while ((got = version_next(&cursor, &number, &value)) == 1) {
        const struct field *field = schema_field(kind, number);
        if (field == NULL || value_fault(field, &value, scratch) != NULL)
            return false;
    }
    return got == 0;
}
