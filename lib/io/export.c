/* export: a query's records as CSV or JSON Lines that the import reads back.
 *
 * Records are pulled from the query as the caller takes the bytes, a piece at a
 * time, so that neither the records nor the text lie in memory whole.  Values
 * are written as crm_format has them, which crm_set_parsed reads; references
 * are ids.  docs/EXPORT.md says which columns there are.
 */
#include "io/csv.h"
#include "model/db.h"
#include "model/json.h"
#include "model/query.h"
#include "model/record.h"

#include <string.h>

enum { EXPORT_PIECE = 64 * 1024, EXPORT_COLUMNS_MAX = 4096 };

struct crm_export {
    const struct memory *memory;
    crm_db *db;
    crm_query *query; /* the caller's */
    uint32_t kind;
    bool json, header_done, done;
    bool first; /* no record was written yet */
    int32_t status;
    crm_error error;
    uint32_t *fields;
    size_t count, capacity;
    struct buffer bytes;
    struct buffer list, text; /* of references, without those that lead nowhere */
};

/* ---- columns ---- */

static bool add_column(struct crm_export *export, uint32_t field)
{
    void *array = export->fields;
    if (!memory_grow(export->memory, &array, &export->capacity, export->count + 1, sizeof *export->fields))
        return false;
    export->fields = array;
    export->fields[export->count++] = field;
    return true;
}

/* Every field that can be imported again: the id, and what callers may set. */
static int32_t all_columns(struct crm_export *export, crm_error *error)
{
    uint32_t count = crm_field_count(export->db, export->kind);
    bool added = add_column(export, CRM_FIELD_ID);
    for (uint32_t i = 0; i < count && added; i++) {
        uint32_t field = crm_field_at(export->db, export->kind, i);
        if (field != CRM_FIELD_ID && (crm_field_flags(export->db, export->kind, field) & CRM_FLAG_SYSTEM) == 0)
            added = add_column(export, field);
    }
    return added ? CRM_OK : error_nomem(error);
}

static int32_t named_columns(struct crm_export *export, const char *names, crm_error *error)
{
    const char *at = names;
    for (;;) {
        at += strspn(at, " \t");
        size_t length = strcspn(at, ","), whole = length;
        while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t'))
            length--;
        uint32_t field = length == 0 ? 0 : crm_field_find(export->db, export->kind, at, length);
        if (field == 0)
            return error_set(error, CRM_INVALID, "export: %s has no field '%.*s'",
                             crm_kind_name(export->db, export->kind), (int)(length < 64 ? length : 64), at);
        if (export->count >= EXPORT_COLUMNS_MAX)
            return error_set(error, CRM_INVALID, "export: more than %d columns", EXPORT_COLUMNS_MAX);
        if (!add_column(export, field))
            return error_nomem(error);
        at += whole;
        if (*at == 0)
            return CRM_OK;
        at++;
    }
}

int32_t crm_export_create(crm_query *query, const char *format, const char *columns, crm_export **out, crm_error *error)
{
    if (out != NULL)
        *out = NULL;
    if (query == NULL || format == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "export: a query, a format and a place for the export are needed");
    bool json = strcmp(format, "jsonl") == 0;
    if (!json && strcmp(format, "csv") != 0)
        return error_set(error, CRM_INVALID, "export: the format is csv or jsonl, not '%.40s'", format);
    crm_db *db = query->view->db;
    struct crm_export *export = memory_zero(db->memory, 1, sizeof *export);
    if (export == NULL)
        return error_nomem(error);
    *export = (struct crm_export){
        .memory = db->memory, .db = db, .query = query, .kind = query->kind->number, .json = json, .first = true};
    db_reference(db);
    buffer_init(&export->bytes, export->memory);
    buffer_init(&export->list, export->memory);
    buffer_init(&export->text, export->memory);
    int32_t status = columns == NULL ? all_columns(export, error) : named_columns(export, columns, error);
    if (status != CRM_OK) {
        crm_export_free(export);
        return status;
    }
    *out = export;
    return CRM_OK;
}

void crm_export_free(crm_export *export)
{
    if (export == NULL)
        return;
    const struct memory *memory = export->memory;
    crm_db *db = export->db;
    buffer_free(&export->bytes);
    buffer_free(&export->list);
    buffer_free(&export->text);
    memory_free(memory, export->fields);
    memory_free(memory, export);
    db_release(db);
}

/* ---- values ---- */

/* A deleted record is in no export, so nothing could take a reference to it
 * back, and the record that has it would be lost with it. */
static bool target_is_live(const crm_record *record, uint32_t kind_number, uint32_t number)
{
    const struct kind *kind = schema_kind(&record->view->generation->schema, kind_number);
    struct row row;
    if (kind == NULL || !record_lock(record))
        return true; /* the record's status says why */
    bool live = view_row(record->view, kind, number, &row) != VIEW_ROW_NONE && (row.state & ROW_DELETED) == 0;
    view_end(record->view);
    return live;
}

/* The items that lead to live records, as text; false: there is none. */
static bool live_items(struct crm_export *export, const crm_record *record, const struct field *field,
                       const struct value *value, const char **text, size_t *length)
{
    struct buffer *list = &export->list;
    struct items items = items_open(value);
    struct item item;
    struct part part;
    list->length = 0;
    while (items_next(&items, &item))
        if (!part_find(&item, CRM_PART_REF, &part) || target_is_live(record, part.kind, part.number))
            item_put(list, item.at, (size_t)(item.end - item.at));
    struct value rest = value_bytes(list->data, list->length);
    export->text.length = 0;
    bool any = list->length > 0 && list_format(record, field, &rest, false, &export->text);
    *text = (const char *)export->text.data;
    *length = export->text.length;
    export->bytes.failed |= list->failed || export->text.failed;
    return any;
}

/* What stands in the field's place; false: nothing. */
static bool text_of(struct crm_export *export, const crm_record *record, uint32_t number, const char **text,
                    size_t *length)
{
    const struct field *field = schema_field(record->kind, number);
    struct value value;
    if (field == NULL || !crm_has(record, number))
        return false;
    bool ref = field->type == CRM_TYPE_REF || field->type == CRM_TYPE_ANY_REF || field->type == CRM_TYPE_REFS;
    if (ref && record_value(record, number, &value) == 1) {
        if (field->type == CRM_TYPE_REFS)
            return live_items(export, record, field, &value, text, length);
        if (field->type == CRM_TYPE_REF
                ? !target_is_live(record, field->target, (uint32_t)value.integer)
                : !target_is_live(record, any_ref_kind(value.integer), any_ref_number(value.integer)))
            return false;
    }
    *text = crm_format(record, number, length);
    return true;
}

/* ---- CSV ---- */

static void write_header(struct crm_export *export)
{
    size_t start = export->bytes.length;
    for (size_t i = 0; i < export->count; i++) {
        const char *name = crm_field_name(export->db, export->kind, export->fields[i]);
        if (i > 0)
            buffer_byte(&export->bytes, ',');
        csv_field(&export->bytes, name, strlen(name), ',');
    }
    csv_row_end(&export->bytes, start);
}

static void write_csv(struct crm_export *export, const crm_record *record)
{
    size_t start = export->bytes.length;
    for (size_t i = 0; i < export->count; i++) {
        const char *text;
        size_t length;
        if (i > 0)
            buffer_byte(&export->bytes, ',');
        if (!text_of(export, record, export->fields[i], &text, &length))
            continue;
        if (length == 0) /* an empty text is something */
            buffer_text(&export->bytes, "\"\"");
        else
            csv_field(&export->bytes, text, length, ',');
    }
    csv_row_end(&export->bytes, start);
}

/* ---- JSON Lines ---- */

/* A number as JSON has it; other texts must go in quotes. */
static bool plain_number(const char *text, size_t length)
{
    size_t i = length > 0 && text[0] == '-' ? 1 : 0, digits = 0;
    bool point = false;
    if (i + 1 < length && text[i] == '0' && text[i + 1] != '.')
        return false;
    for (; i < length; i++) {
        if (text[i] == '.' && !point && digits > 0 && i + 1 < length)
            point = true;
        else if (text[i] < '0' || text[i] > '9')
            return false;
        else
            digits++;
    }
    return digits > 0;
}

/* The short form of a list, whose values hold no ';', as an array of texts. */
static void write_items(struct buffer *out, const char *text, size_t length)
{
    const char *end = text + length;
    buffer_byte(out, '[');
    for (const char *stop; text <= end; text = stop + 1) {
        stop = memchr(text, ';', (size_t)(end - text));
        stop = stop == NULL ? end : stop;
        json_string(out, text, (size_t)(stop - text));
        if (stop < end)
            buffer_byte(out, ',');
    }
    buffer_byte(out, ']');
}

static void write_value(struct crm_export *export, const crm_record *record, uint32_t field, const char *text,
                        size_t length)
{
    struct buffer *out = &export->bytes;
    int32_t type = crm_field_type(export->db, export->kind, field);
    switch (type) {
    case CRM_TYPE_BOOL: json_bool(out, crm_int(record, field) != 0); return;
    case CRM_TYPE_INT: json_number_int(out, crm_int(record, field)); return;
    case CRM_TYPE_REAL: json_number_double(out, crm_real(record, field)); return;
    case CRM_TYPE_DECIMAL:
    case CRM_TYPE_MONEY:
        if (plain_number(text, length))
            buffer_append(out, text, length);
        else
            json_string(out, text, length);
        return;
    default:
        if (type < CRM_TYPE_EMAILS)
            json_string(out, text, length);
        else if (length > 0 && text[0] == '[')
            buffer_append(out, text, length);
        else
            write_items(out, text, length);
        return;
    }
}

/* Fields that are not set are left out, but the first object names them all,
 * so that a reader knows the columns. */
static void write_json(struct crm_export *export, const crm_record *record)
{
    bool any = false;
    buffer_byte(&export->bytes, '{');
    for (size_t i = 0; i < export->count; i++) {
        const char *text;
        size_t length;
        bool set = text_of(export, record, export->fields[i], &text, &length);
        if (!set && !export->first)
            continue;
        if (any)
            buffer_byte(&export->bytes, ',');
        any = true;
        json_key(&export->bytes, crm_field_name(export->db, export->kind, export->fields[i]));
        if (set)
            write_value(export, record, export->fields[i], text, length);
        else
            buffer_text(&export->bytes, "null");
    }
    buffer_text(&export->bytes, "}\n");
}

/* ---- pieces ---- */

static int32_t fill(struct crm_export *export)
{
    crm_record *record;
    export->bytes.length = 0;
    if (!export->header_done && !export->json)
        write_header(export);
    export->header_done = true;
    while (export->bytes.length < EXPORT_PIECE && !export->done) {
        int32_t status = crm_query_next(export->query, &record, &export->error);
        if (status == CRM_DONE) {
            export->done = true;
            break;
        }
        if (status != CRM_OK)
            return status;
        if (export->json)
            write_json(export, record);
        else
            write_csv(export, record);
        export->first = false;
        status = crm_record_status(record);
        if (status != CRM_OK && status != CRM_ERASED)
            return error_set(&export->error, status, "export: a record cannot be read whole: %s",
                             crm_status_text(status));
        if (export->bytes.failed)
            return error_nomem(&export->error);
    }
    return CRM_OK;
}

int32_t crm_export_next(crm_export *export, const char **bytes, size_t *length, crm_error *error)
{
    if (export == NULL || bytes == NULL || length == NULL)
        return error_set(error, CRM_MISUSE, "export: a place for the bytes and their length is needed");
    *bytes = "";
    *length = 0;
    if (export->status == CRM_OK) {
        export->status = fill(export);
        if (export->status == CRM_OK && export->bytes.length == 0)
            export->status = CRM_DONE;
    }
    if (export->status == CRM_OK) {
        *bytes = (const char *)export->bytes.data;
        *length = export->bytes.length;
        error_clear(error);
    } else if (export->status != CRM_DONE && error != NULL) {
        *error = export->error;
    }
    return export->status;
}
