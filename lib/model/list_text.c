/* list_text: lists from text; list_format.c writes them.
 *
 * The short form is the values with ';' between them, which people write; an
 * external id is "system:value", a reference an id or "kind:name", an address
 * its street.  The full form is JSON: an array of such texts or of objects whose
 * keys are the parts.  A list is written short when that loses nothing.  In both
 * the first e-mail, phone or address is the primary one unless an object says
 * which is.  docs/VALUES.md has the grammar.
 */
#include "model/json.h"
#include "model/parse.h"
#include "model/text.h"
#include "model/txn.h"
#include "sys/checksum.h"

#include <string.h>

enum { PART_TEXT_MAX = 65535, QUOTED = 60, NOWHERE = -1 };

/* The keys of an item's object, by CRM_PART_. */
static const char *const part_names[] = {
    [CRM_PART_VALUE] = "value",     [CRM_PART_LABEL] = "label",     [CRM_PART_PRIMARY] = "primary",
    [CRM_PART_OPT_OUT] = "opt_out", [CRM_PART_INVALID] = "invalid", [CRM_PART_STREET] = "street",
    [CRM_PART_CITY] = "city",       [CRM_PART_REGION] = "region",   [CRM_PART_POSTAL_CODE] = "postal_code",
    [CRM_PART_COUNTRY] = "country", [CRM_PART_SYSTEM] = "system",   [CRM_PART_ROLE] = "role",
    [CRM_PART_REF] = "ref",
};
enum { PART_COUNT = sizeof part_names / sizeof part_names[0] };
static const char kind_name[] = "kind"; /* of the record that "ref" names */

const char *list_part_name(int32_t what)
{
    return what > 0 && what < PART_COUNT ? part_names[what] : NULL;
}

bool list_is_ranked(const struct field *field)
{
    return field->type == CRM_TYPE_EMAILS || field->type == CRM_TYPE_PHONES || field->type == CRM_TYPE_ADDRESSES;
}

struct reading {
    crm_record *record;
    struct field *field;
    struct buffer list, parts;
    uint32_t *seen; /* where tags lie in the list, plus 1: a list has each once */
    size_t seen_capacity;
    int64_t count, primary; /* items so far; which is to be the primary one */
};

static int32_t refuse(const struct reading *reading, const char *text, size_t length, const char *why)
{
    return txn_fail(reading->record->txn, CRM_INVALID, "%s.%s: \"%.*s\" %s", reading->record->kind->name,
                    reading->field->name, (int)text_cut(text, length, QUOTED), text, why);
}

static int32_t no_memory(const struct reading *reading)
{
    return txn_nomem(reading->record->txn);
}

static bool make_seen(struct reading *reading, size_t items)
{
    size_t capacity = 16;
    if (reading->field->type != CRM_TYPE_TAGS)
        return true;
    while (capacity < items * 2)
        capacity *= 2;
    reading->seen = memory_zero(reading->record->view->db->memory, capacity, sizeof *reading->seen);
    reading->seen_capacity = capacity;
    return reading->seen != NULL;
}

static bool tag_at(const struct reading *reading, size_t at, struct part *part)
{
    struct items items = {reading->list.data + at, reading->list.data + reading->list.length};
    struct item item;
    return items_next(&items, &item) && part_find(&item, CRM_PART_VALUE, part);
}

/* True when the tag is there already; else it is noted at the list's end. */
static bool seen_before(struct reading *reading, const char *text, size_t length)
{
    size_t mask = reading->seen_capacity - 1;
    size_t slot = (size_t)hash_bytes(0, text, length) & mask;
    struct part part;
    for (; reading->seen[slot] != 0; slot = (slot + 1) & mask)
        if (tag_at(reading, reading->seen[slot] - 1, &part) && part.length == length &&
            memcmp(part.text, text, length) == 0)
            return true;
    if (reading->list.length < UINT32_MAX)
        reading->seen[slot] = (uint32_t)reading->list.length + 1;
    return false;
}

/* What has been put into `parts` becomes the next item. */
static int32_t put_item(struct reading *reading)
{
    reading->list.failed |= reading->parts.failed;
    item_put(&reading->list, reading->parts.data, reading->parts.length);
    reading->count++;
    return reading->list.failed ? no_memory(reading) : CRM_OK;
}

static void put_flag(struct buffer *parts, int32_t what, bool set)
{
    struct part part = {.what = what, .integer = 1, .text = ""};
    if (set)
        part_put(parts, &part);
}

static int32_t put_reference(struct reading *reading, const char *text, size_t length, const char *kind,
                             size_t kind_length)
{
    crm_view *view = reading->record->view;
    struct part part = {.what = CRM_PART_REF, .text = ""};
    struct buffer full;
    crm_error error;
    crm_id id;
    buffer_init(&full, view->db->memory);
    if (kind_length > 0) {
        buffer_append(&full, kind, kind_length);
        buffer_byte(&full, ':');
    }
    buffer_append(&full, text, length);
    int32_t status = full.failed ? error_nomem(&error)
                                 : parse_ref(view, reading->field, full.data == NULL ? "" : (const char *)full.data,
                                             full.length, &part.kind, &id, &error);
    buffer_free(&full);
    if (status != CRM_OK)
        return txn_fail(reading->record->txn, status, "%s", error.message);
    part.number = row_find(view->generation, schema_kind(&view->generation->schema, part.kind), &id);
    part_put(&reading->parts, &part);
    return CRM_OK;
}

/* An item of which only its value is given. */
static int32_t put_simple(struct reading *reading, const char *text, size_t length)
{
    int32_t status;
    reading->parts.length = 0;
    if (reading->field->type == CRM_TYPE_REFS) {
        status = put_reference(reading, text, length, NULL, 0);
        return status == CRM_OK ? put_item(reading) : status;
    }
    status = items_check(reading->record, reading->field, text, length);
    if (status != CRM_OK || (reading->field->type == CRM_TYPE_TAGS && seen_before(reading, text, length)))
        return status;
    bool primary = reading->count == reading->primary;
    if (reading->field->type == CRM_TYPE_ADDRESSES) /* its street comes behind by number */
        put_flag(&reading->parts, CRM_PART_PRIMARY, primary);
    items_put_value(&reading->parts, reading->field, text, length);
    if (reading->field->type != CRM_TYPE_ADDRESSES)
        put_flag(&reading->parts, CRM_PART_PRIMARY, primary);
    return put_item(reading);
}

static int32_t parse_short(struct reading *reading, const char *text, size_t length)
{
    const char *end = text + length;
    size_t items = 1;
    for (const char *at = text; at < end; at++)
        items += *at == ';';
    if (!make_seen(reading, items))
        return no_memory(reading);
    reading->primary = list_is_ranked(reading->field) ? 0 : NOWHERE;
    while (text < end) {
        const char *stop = memchr(text, ';', (size_t)(end - text));
        const char *value = text;
        size_t value_length = (size_t)((stop == NULL ? end : stop) - text);
        text += value_length + 1;
        text_trim(&value, &value_length);
        int32_t status = value_length == 0 ? CRM_OK : put_simple(reading, value, value_length);
        if (status != CRM_OK)
            return status;
    }
    return CRM_OK;
}

/* A string, or a number as it is written. */
static bool text_of(const struct json *json, uint32_t node, const char **text, size_t *length)
{
    const struct json_node *found = json_at(json, node);
    *text = found->text;
    *length = found->length;
    return found->type == JSON_STRING || found->type == JSON_NUMBER;
}

static bool flag_of(const struct json *json, uint32_t node, bool *flag)
{
    int64_t number = 0;
    uint8_t type = json_at(json, node)->type;
    *flag = type == JSON_TRUE;
    if (type == JSON_NUMBER && json_int64(json, node, &number) && (number == 0 || number == 1)) {
        *flag = number == 1;
        return true;
    }
    return type == JSON_TRUE || type == JSON_FALSE || type == JSON_NULL;
}

static int32_t put_text_part(struct reading *reading, int32_t what, const char *text, size_t length)
{
    struct part part = {.what = what, .text = text, .length = length};
    if (what == CRM_PART_VALUE) {
        int32_t status = items_check(reading->record, reading->field, text, length);
        if (status != CRM_OK)
            return status;
    }
    if (length > PART_TEXT_MAX)
        return refuse(reading, text, length, "is longer than 65,535 bytes");
    if (length > 0)
        part_put(&reading->parts, &part);
    return CRM_OK;
}

static int32_t put_part(struct reading *reading, const struct json *json, uint32_t object, int32_t what)
{
    const char *name = part_names[what], *text, *kind = NULL;
    size_t length, kind_length = 0;
    bool flag;
    if (what == CRM_PART_PRIMARY) { /* looked at for the whole list */
        put_flag(&reading->parts, what, reading->count == reading->primary);
        return CRM_OK;
    }
    uint32_t node = json_find(json, object, name, strlen(name));
    if (node == JSON_NONE || json_at(json, node)->type == JSON_NULL)
        return CRM_OK;
    if (part_is_int(what)) {
        if (!flag_of(json, node, &flag))
            return refuse(reading, name, strlen(name), "of an item is true or false");
        put_flag(&reading->parts, what, flag);
        return CRM_OK;
    }
    if (!text_of(json, node, &text, &length))
        return refuse(reading, name, strlen(name), "of an item is a text");
    if (what != CRM_PART_REF)
        return put_text_part(reading, what, text, length);
    node = json_find(json, object, kind_name, sizeof kind_name - 1);
    if (reading->field->type != CRM_TYPE_REFS || (node != JSON_NONE && !text_of(json, node, &kind, &kind_length)))
        return refuse(reading, text, length, "cannot be referred to here");
    return put_reference(reading, text, length, kind, kind_length);
}

static int32_t check_keys(const struct reading *reading, const struct json *json, uint32_t object)
{
    for (uint32_t node = json_first(json, object); node != JSON_NONE; node = json_next(json, object, node)) {
        const struct json_node *member = json_at(json, node);
        bool known = strcmp(member->key, kind_name) == 0;
        for (int what = 1; !known && what < PART_COUNT; what++)
            known = strcmp(member->key, part_names[what]) == 0;
        if (!known)
            return refuse(reading, member->key, member->key_length,
                          "is no part of an item; these are: value, label, primary, opt_out, invalid, street, city, "
                          "region, postal_code, country, system, role, ref, kind");
    }
    return CRM_OK;
}

static int32_t put_object(struct reading *reading, const struct json *json, uint32_t object)
{
    int32_t type = reading->field->type, needed = type == CRM_TYPE_REFS ? CRM_PART_REF : CRM_PART_VALUE;
    struct part part = {.text = ""};
    int32_t status = check_keys(reading, json, object);
    reading->parts.length = 0;
    for (int what = 1; status == CRM_OK && what < PART_COUNT; what++)
        status = put_part(reading, json, object, what);
    if (status != CRM_OK)
        return status;
    struct item item = {reading->parts.data, reading->parts.data + reading->parts.length};
    if (type != CRM_TYPE_ADDRESSES && !part_find(&item, needed, &part))
        return refuse(reading, part_names[needed], strlen(part_names[needed]), "is missing in an item");
    if (type == CRM_TYPE_TAGS && seen_before(reading, part.text, part.length))
        return CRM_OK;
    return put_item(reading);
}

/* Which item the list says is the primary one; the last word counts, as when
 * they are set one after the other. */
static int32_t find_primary(struct reading *reading, const struct json *json)
{
    int64_t position = 0;
    reading->primary = list_is_ranked(reading->field) ? 0 : NOWHERE;
    for (uint32_t node = json_first(json, 0); node != JSON_NONE; node = json_next(json, 0, node), position++) {
        bool flag;
        uint32_t found =
            json_at(json, node)->type == JSON_OBJECT ? json_find(json, node, "primary", strlen("primary")) : JSON_NONE;
        if (found == JSON_NONE)
            continue;
        if (!flag_of(json, found, &flag))
            return refuse(reading, "primary", strlen("primary"), "of an item is true or false");
        if (flag)
            reading->primary = position;
        else if (position == reading->primary)
            reading->primary = NOWHERE;
    }
    return CRM_OK;
}

static int32_t parse_array(struct reading *reading, const struct json *json)
{
    const char *text;
    size_t length;
    int32_t status = json_at(json, 0)->type == JSON_ARRAY ? find_primary(reading, json)
                                                          : refuse(reading, "[", 1, "begins no JSON array");
    if (status == CRM_OK && !make_seen(reading, json_at(json, 0)->length))
        status = no_memory(reading);
    for (uint32_t node = status == CRM_OK ? json_first(json, 0) : JSON_NONE; status == CRM_OK && node != JSON_NONE;
         node = json_next(json, 0, node)) {
        if (json_at(json, node)->type == JSON_OBJECT)
            status = put_object(reading, json, node);
        else if (text_of(json, node, &text, &length))
            status = put_simple(reading, text, length);
        else
            status = refuse(reading, "[", 1, "begins a list whose items are neither texts nor objects");
    }
    return status;
}

static int32_t parse_json(struct reading *reading, const char *text, size_t length)
{
    struct json json;
    crm_error error;
    json_init(&json, reading->record->view->db->memory);
    int32_t status = json_parse(&json, text, length, &error);
    status = status == CRM_OK ? parse_array(reading, &json)
                              : txn_fail(reading->record->txn, status, "%s.%s: %s", reading->record->kind->name,
                                         reading->field->name, error.message);
    json_free(&json);
    return status;
}

int32_t list_parse(crm_record *record, struct field *field, const char *text, size_t length)
{
    crm_txn *txn = record->txn;
    int32_t status = txn_open_record(txn, record);
    if (status != CRM_OK)
        return status;
    if (crm_record_deleted(record))
        return txn_fail(txn, CRM_REFUSED, "this %s is deleted; restore it before changing it", record->kind->name);
    struct reading reading = {.record = record, .field = field};
    buffer_init(&reading.list, txn->db->memory);
    buffer_init(&reading.parts, txn->db->memory);
    status = text[0] == '[' ? parse_json(&reading, text, length) : parse_short(&reading, text, length);
    if (status == CRM_OK)
        status = items_put(record, field, &reading.list);
    else
        buffer_free(&reading.list);
    buffer_free(&reading.parts);
    memory_free(txn->db->memory, reading.seen);
    return status;
}
