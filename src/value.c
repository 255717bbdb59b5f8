/* value: see value.h.
 *
 * Every type is told apart here and nowhere else in the tool.  Amounts become
 * JSON numbers with their decimals: a number literal is exact until a reader
 * makes a binary fraction of it.
 */
#include "value.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

bool type_is_list(int32_t type)
{
    return type >= CRM_TYPE_EMAILS && type <= CRM_TYPE_REFS;
}

unsigned type_column_flags(int32_t type)
{
    switch (type) {
    case CRM_TYPE_INT:
    case CRM_TYPE_DECIMAL:
    case CRM_TYPE_REAL:
    case CRM_TYPE_MONEY: return COLUMN_RIGHT;
    case CRM_TYPE_TIME:
    case CRM_TYPE_DATE:
    case CRM_TYPE_BOOL:
    case CRM_TYPE_ID: return COLUMN_WHOLE;
    default: return 0;
    }
}

void buffer_id(struct buffer *out, const crm_id *id)
{
    char text[37];

    crm_id_format(id, text);
    buffer_put(out, text);
}

void buffer_moment(struct buffer *out, int64_t time)
{
    char text[32];
    size_t length = crm_time_format(time, text);

    if (length < 17 || text[10] != 'T') { /* a year of more than four digits */
        buffer_add(out, text, length);
        return;
    }
    buffer_add(out, text, 10);
    if (time % DAY_US != 0)
        buffer_print(out, " %.5s", text + 11);
}

void buffer_span(struct buffer *out, int64_t microseconds)
{
    int64_t days = microseconds / DAY_US;
    int64_t minutes = microseconds / 60000000;

    if (days >= 730)
        buffer_print(out, "%" PRId64 " years", days / 365);
    else if (days >= 90)
        buffer_print(out, "%" PRId64 " months", days * 12 / 365);
    else if (days >= 2)
        buffer_print(out, "%" PRId64 " days", days);
    else if (minutes >= 120)
        buffer_print(out, "%" PRId64 " hours", minutes / 60);
    else if (minutes >= 1)
        buffer_print(out, "%" PRId64 " minute%s", minutes, minutes == 1 ? "" : "s");
    else
        buffer_put(out, "moments");
}

static int32_t type_of(struct tool *tool, const crm_record *record, uint32_t field)
{
    return crm_field_type(tool->db, crm_record_kind(record), field);
}

/* A reference by its target's name, all else as `set` would take it. */
void value_text(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field)
{
    int32_t type = type_of(tool, record, field);
    size_t length = 0;
    const char *text = type == CRM_TYPE_REF || type == CRM_TYPE_ANY_REF ? crm_display(record, field, &length)
                                                                        : crm_format(record, field, &length);

    buffer_add(out, text ? text : "", text ? length : 0);
}

static void json_member(struct buffer *out, const char *name)
{
    if (out->length > 0 && out->data[out->length - 1] != '{')
        buffer_put(out, ",");
    buffer_json(out, name, strlen(name));
    buffer_put(out, ":");
}

static void json_ref(struct tool *tool, struct buffer *out, uint32_t kind, const crm_id *id, const char *name,
                     size_t length)
{
    const char *kind_name = crm_kind_name(tool->db, kind);

    buffer_put(out, "{");
    if (kind_name) {
        json_member(out, "kind");
        buffer_json(out, kind_name, strlen(kind_name));
    }
    json_member(out, "id");
    buffer_put(out, "\"");
    buffer_id(out, id);
    buffer_put(out, "\"");
    if (name && length > 0) {
        json_member(out, "name");
        buffer_json(out, name, length);
    }
    buffer_put(out, "}");
}

static const struct {
    int32_t part;
    const char *name;
    bool number; /* a mark: 0 or 1 */
} parts[] = {
    {CRM_PART_SYSTEM, "system", false},   {CRM_PART_VALUE, "value", false},
    {CRM_PART_STREET, "street", false},   {CRM_PART_CITY, "city", false},
    {CRM_PART_REGION, "region", false},   {CRM_PART_POSTAL_CODE, "postal_code", false},
    {CRM_PART_COUNTRY, "country", false}, {CRM_PART_LABEL, "label", false},
    {CRM_PART_ROLE, "role", false},       {CRM_PART_PRIMARY, "primary", true},
    {CRM_PART_OPT_OUT, "opt_out", true},  {CRM_PART_INVALID, "invalid", true},
};

static void json_item(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field, uint32_t item,
                      int32_t type)
{
    size_t length = 0;
    const char *text = crm_item_text(record, field, item, CRM_PART_VALUE, &length);

    if (type == CRM_TYPE_TAGS) {
        buffer_json(out, text ? text : "", text ? length : 0);
        return;
    }
    buffer_put(out, "{");
    if (type == CRM_TYPE_REFS) {
        uint32_t kind = 0;
        crm_id id;

        if (crm_item_ref(record, field, item, &kind, &id) == CRM_OK) {
            json_member(out, "record");
            json_ref(tool, out, kind, &id, NULL, 0);
        }
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].number) {
            if (crm_item_int(record, field, item, parts[i].part)) {
                json_member(out, parts[i].name);
                buffer_put(out, "true");
            }
            continue;
        }
        if ((parts[i].part == CRM_PART_VALUE && (type == CRM_TYPE_ADDRESSES || type == CRM_TYPE_REFS)) ||
            (parts[i].part == CRM_PART_SYSTEM && type != CRM_TYPE_EXTERNAL_IDS))
            continue;
        text = crm_item_text(record, field, item, parts[i].part, &length);
        if (!text || length == 0)
            continue;
        json_member(out, parts[i].name);
        buffer_json(out, text, length);
    }
    buffer_put(out, "}");
}

static void json_list(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field, int32_t type)
{
    uint32_t count = crm_item_count(record, field);

    buffer_put(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        buffer_put(out, i ? "," : "");
        json_item(tool, out, record, field, i, type);
    }
    buffer_put(out, "]");
}

/* The display of a reference is the target's name, or its id when it has none. */
static void json_field_ref(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field)
{
    uint32_t kind = 0;
    crm_id id;
    size_t length = 0;
    const char *name;

    if (crm_ref(record, field, &kind, &id) != CRM_OK) {
        buffer_put(out, "null");
        return;
    }
    name = crm_display(record, field, &length);
    json_ref(tool, out, kind, &id, name, length);
}

void value_json(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field)
{
    int32_t type = type_of(tool, record, field);
    size_t length = 0;
    const char *text;

    if (!crm_has(record, field)) {
        buffer_put(out, "null");
        return;
    }
    if (type_is_list(type)) {
        json_list(tool, out, record, field, type);
        return;
    }
    switch (type) {
    case CRM_TYPE_BOOL: buffer_put(out, crm_int(record, field) ? "true" : "false"); return;
    case CRM_TYPE_INT: buffer_print(out, "%" PRId64, crm_int(record, field)); return;
    case CRM_TYPE_REF:
    case CRM_TYPE_ANY_REF: json_field_ref(tool, out, record, field); return;
    default: break;
    }
    text = crm_format(record, field, &length);
    if ((type == CRM_TYPE_REAL && isfinite(crm_real(record, field))) || type == CRM_TYPE_DECIMAL ||
        type == CRM_TYPE_MONEY)
        buffer_add(out, text, length);
    else if (type == CRM_TYPE_REAL)
        buffer_put(out, "null");
    else
        buffer_json(out, text, length);
}

/* The currency in which a record's amounts stand: its own, else the file's. */
static const char *currency_of(struct tool *tool, const crm_record *record)
{
    uint32_t field = crm_field_find(tool->db, crm_record_kind(record), "currency", 8);

    return field && crm_has(record, field) ? crm_currency_code((int32_t)crm_int(record, field)) : tool->currency;
}

static void marked(struct buffer *out, bool *open, const char *mark, size_t length)
{
    buffer_put(out, *open ? ", " : " (");
    buffer_add(out, mark, length);
    *open = true;
}

static void item_parts_shown(struct buffer *out, const crm_record *record, uint32_t field, uint32_t item, int32_t type)
{
    static const int32_t address[] = {CRM_PART_STREET, CRM_PART_POSTAL_CODE, CRM_PART_CITY, CRM_PART_REGION,
                                      CRM_PART_COUNTRY};
    size_t length = 0, count = 0;
    const char *text;

    if (type != CRM_TYPE_ADDRESSES) {
        text = crm_item_text(record, field, item, CRM_PART_SYSTEM, &length);
        if (type == CRM_TYPE_EXTERNAL_IDS && text && length > 0) {
            buffer_add(out, text, length);
            buffer_put(out, ":");
        }
        text = crm_item_text(record, field, item, CRM_PART_VALUE, &length);
        buffer_add(out, text ? text : "", text ? length : 0);
        return;
    }
    for (size_t i = 0; i < sizeof address / sizeof *address; i++) {
        text = crm_item_text(record, field, item, address[i], &length);
        if (!text || length == 0)
            continue;
        /* A postal code stands before its city without a comma. */
        buffer_put(out, count == 0 ? ""
                        : address[i] == CRM_PART_CITY && address[i - 1] == CRM_PART_POSTAL_CODE &&
                                crm_item_text(record, field, item, CRM_PART_POSTAL_CODE, NULL)[0]
                            ? " "
                            : ", ");
        buffer_add(out, text, length);
        count++;
    }
}

void value_item_shown(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field, uint32_t item)
{
    int32_t type = type_of(tool, record, field);
    bool open = false;
    size_t length = 0;
    const char *text;

    if (type == CRM_TYPE_REFS) {
        crm_record *target = NULL;
        crm_id id;

        if (crm_item_ref(record, field, item, NULL, &id) == CRM_OK) {
            if (tool->view && crm_get_any(tool->view, &id, &target, NULL) == CRM_OK)
                buffer_put(out, crm_title(target, NULL));
            else
                buffer_id(out, &id);
            crm_record_free(target);
        }
    } else {
        item_parts_shown(out, record, field, item, type);
    }
    text = crm_item_text(record, field, item, type == CRM_TYPE_REFS ? CRM_PART_ROLE : CRM_PART_LABEL, &length);
    if (text && length > 0)
        marked(out, &open, text, length);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].number && parts[i].part != CRM_PART_PRIMARY && crm_item_int(record, field, item, parts[i].part))
            marked(out, &open, parts[i].name, strlen(parts[i].name));
    buffer_put(out, open ? ")" : "");
}

void value_shown(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field)
{
    int32_t type = type_of(tool, record, field);
    uint32_t count;

    if (!crm_has(record, field))
        return;
    if (type == CRM_TYPE_TIME) {
        buffer_moment(out, crm_int(record, field));
    } else if (type == CRM_TYPE_MONEY) {
        const char *currency = currency_of(tool, record);

        buffer_grouped(out, crm_format(record, field, NULL));
        buffer_print(out, "%s%s", currency ? " " : "", currency ? currency : "");
    } else if (type == CRM_TYPE_BOOL) {
        buffer_put(out, crm_int(record, field) ? "yes" : "no");
    } else if (type_is_list(type)) {
        count = crm_item_count(record, field);
        for (uint32_t i = 0; i < count; i++) {
            buffer_put(out, i ? ", " : "");
            if (type == CRM_TYPE_REFS)
                value_item_shown(tool, out, record, field, i);
            else
                item_parts_shown(out, record, field, i, type);
        }
    } else {
        value_text(tool, out, record, field);
    }
}

void value_cell(struct tool *tool, struct sheet *sheet, const crm_record *record, uint32_t field)
{
    struct buffer text = {0};

    if (!crm_has(record, field)) {
        sheet_null(sheet);
    } else if (sheet->format == FORMAT_TABLE) {
        value_shown(tool, &text, record, field);
        sheet_text(sheet, buffer_text(&text), text.length);
    } else if (sheet->format == FORMAT_CSV) {
        value_text(tool, &text, record, field);
        sheet_text(sheet, buffer_text(&text), text.length);
    } else {
        value_json(tool, &text, record, field);
        sheet_value(sheet, "", 0, buffer_text(&text), NULL);
    }
    buffer_free(&text);
}

void value_record_json(struct tool *tool, struct buffer *out, const crm_record *record)
{
    uint32_t kind = crm_record_kind(record);
    const char *name = crm_kind_name(tool->db, kind);

    buffer_put(out, "{");
    json_member(out, "kind");
    buffer_json(out, name, strlen(name));
    for (uint32_t i = 0; i < crm_field_count(tool->db, kind); i++) {
        uint32_t field = crm_field_at(tool->db, kind, i);

        if (!crm_has(record, field))
            continue;
        json_member(out, crm_field_name(tool->db, kind, field));
        value_json(tool, out, record, field);
    }
}
