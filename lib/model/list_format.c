/* list_format: lists as text: short when that loses nothing, else JSON; and for
 * people.  The forms are those that list_text.c reads.
 */
#include "model/json.h"
#include "model/parse.h"
#include "model/text.h"

#include <string.h>

/* Whether the primary item is the one that it would be anyhow. */
static bool primary_is_usual(const struct field *field, const struct value *value, bool *any)
{
    struct items items = items_open(value);
    struct item item;
    struct part part;
    bool usual = true, first = list_is_ranked(field);
    *any = false;
    for (; items_next(&items, &item); first = false) {
        bool primary = part_find(&item, CRM_PART_PRIMARY, &part) && part.integer != 0;
        usual = usual && primary == first;
        *any = *any || primary;
    }
    return usual;
}

/* Whether one text says all about the item; appends it if so. */
static bool put_as_text(const crm_record *record, const struct field *field, const struct item *item,
                        struct buffer *out)
{
    struct item rest = *item;
    struct part part, value = {.text = ""}, system = {.text = ""};
    int32_t holds = field->type == CRM_TYPE_ADDRESSES ? CRM_PART_STREET
                    : field->type == CRM_TYPE_REFS    ? CRM_PART_REF
                                                      : CRM_PART_VALUE;
    while (part_next(&rest, &part)) {
        if (part.what == holds)
            value = part;
        else if (part.what == CRM_PART_SYSTEM && field->type == CRM_TYPE_EXTERNAL_IDS)
            system = part;
        else if (part.what != CRM_PART_PRIMARY)
            return false;
    }
    if (value.what == CRM_PART_REF)
        return record_format_ref(record, value.kind, value.number, true, false, out);
    bool colon = memchr(system.length > 0 ? system.text : value.text, ':',
                        system.length > 0 ? system.length : value.length) != NULL;
    if (value.length == 0 || (field->type == CRM_TYPE_EXTERNAL_IDS && colon))
        return false;
    if (system.length > 0) {
        buffer_append(out, system.text, system.length);
        buffer_byte(out, ':');
    }
    buffer_append(out, value.text, value.length);
    return true;
}

/* Appends the short form; false, with nothing appended, when it would lose something. */
static bool put_short(const crm_record *record, const struct field *field, const struct value *value,
                      struct buffer *out)
{
    struct items items = items_open(value);
    struct item item;
    size_t start = out->length;
    bool fits = true;
    while (fits && items_next(&items, &item)) {
        if (out->length > start)
            buffer_byte(out, ';');
        size_t at = out->length;
        fits = put_as_text(record, field, &item, out) && !out->failed;
        if (!fits)
            break;
        const char *text = (const char *)out->data + at;
        size_t length = out->length - at;
        fits = length > 0 && memchr(text, ';', length) == NULL && text[0] != '[';
        text_trim(&text, &length);
        fits = fits && length == out->length - at;
    }
    if (!fits)
        out->length = start;
    return fits;
}

static void put_member(const crm_record *record, const struct part *part, struct buffer *out)
{
    json_key(out, list_part_name(part->what));
    if (part->what == CRM_PART_REF) {
        const struct kind *kind = schema_kind(&record->view->generation->schema, part->kind);
        buffer_byte(out, '"');
        (void)record_format_ref(record, part->kind, part->number, false, false, out);
        buffer_text(out, "\",");
        json_key(out, "kind");
        json_text(out, kind == NULL ? "" : kind->name);
    } else if (part_is_int(part->what)) {
        json_bool(out, part->integer != 0);
    } else {
        json_string(out, part->text, part->length);
    }
}

/* `usual`: the primary item goes without saying. */
static void put_json_object(const crm_record *record, const struct item *item, bool usual, bool deny,
                            struct buffer *out)
{
    struct item rest = *item;
    struct part part;
    const char *separator = "";
    buffer_byte(out, '{');
    while (part_next(&rest, &part)) {
        if (list_part_name(part.what) == NULL || (usual && part.what == CRM_PART_PRIMARY))
            continue;
        buffer_text(out, separator);
        put_member(record, &part, out);
        separator = ",";
    }
    if (deny) {
        buffer_text(out, separator);
        json_key(out, list_part_name(CRM_PART_PRIMARY));
        json_bool(out, false);
    }
    buffer_byte(out, '}');
}

static bool put_json(const crm_record *record, const struct field *field, const struct value *value, bool usual,
                     bool any_primary, struct buffer *out)
{
    struct items items = items_open(value);
    struct item item;
    struct part part;
    struct buffer text;
    buffer_init(&text, record->view->db->memory);
    buffer_byte(out, '[');
    for (bool first = true; items_next(&items, &item); first = false) {
        bool deny = first && !usual && !any_primary; /* else it would become the primary one */
        bool primary = part_find(&item, CRM_PART_PRIMARY, &part);
        text.length = 0;
        if (!first)
            buffer_byte(out, ',');
        if ((usual || !primary) && !deny && put_as_text(record, field, &item, &text))
            json_string(out, text.data, text.length);
        else
            put_json_object(record, &item, usual, deny, out);
        out->failed |= text.failed;
    }
    buffer_byte(out, ']');
    buffer_free(&text);
    return !out->failed;
}

/* ---- for people ---- */

static void put_joined(struct buffer *out, size_t start, const char *separator, const struct item *item, int32_t what)
{
    struct part part;
    if (!part_find(item, what, &part))
        return;
    if (out->length > start)
        buffer_text(out, separator);
    buffer_append(out, part.text, part.length);
}

/* As it stands on a letter, in one line. */
static void put_address(struct buffer *out, const struct item *item)
{
    static const int32_t parts[] = {CRM_PART_POSTAL_CODE, CRM_PART_CITY, CRM_PART_REGION, CRM_PART_COUNTRY};
    struct part part;
    size_t start = out->length;
    bool coded = part_find(item, CRM_PART_POSTAL_CODE, &part);
    put_joined(out, start, "", item, CRM_PART_STREET);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        put_joined(out, start, parts[i] == CRM_PART_CITY && coded ? " " : ", ", item, parts[i]);
}

static bool list_display(const crm_record *record, const struct field *field, const struct value *value,
                         struct buffer *out)
{
    struct items items = items_open(value);
    struct item item;
    struct part part;
    for (bool first = true; items_next(&items, &item); first = false) {
        if (!first)
            buffer_text(out, field->type == CRM_TYPE_ADDRESSES ? "; " : ", ");
        if (field->type == CRM_TYPE_ADDRESSES) {
            put_address(out, &item);
        } else if (field->type == CRM_TYPE_REFS) {
            if (part_find(&item, CRM_PART_REF, &part))
                (void)record_format_ref(record, part.kind, part.number, true, true, out);
            if (part_find(&item, CRM_PART_ROLE, &part))
                buffer_format(out, " (%s)", part.text);
        } else {
            size_t start = out->length;
            put_joined(out, start, "", &item, CRM_PART_SYSTEM);
            put_joined(out, start, ":", &item, CRM_PART_VALUE);
        }
    }
    return !out->failed;
}

bool list_format(const crm_record *record, const struct field *field, const struct value *value, bool display,
                 struct buffer *out)
{
    bool any_primary;
    if (display)
        return list_display(record, field, value, out);
    bool usual = primary_is_usual(field, value, &any_primary);
    if (usual && put_short(record, field, value, out))
        return true;
    return put_json(record, field, value, usual, any_primary, out);
}
