/* import_source: bytes in pieces of any size become rows.
 *
 * The CSV reader pulls, the import is fed.  So bytes wait here until a complete
 * row lies in them: a scan of one state, over each byte once, knows where rows
 * end by the same rules as the reader, and the reader is asked for a row only
 * when one is there.  JSON Lines are cut at line ends.
 */
#include "io/import.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 256 * 1024, SAMPLE = 64 * 1024 };
enum scan_state { SCAN_FIELD = 0, SCAN_PLAIN, SCAN_QUOTED, SCAN_QUOTE, SCAN_RETURN };

const char import_null[1] = "";

/* ---- CSV ---- */

static int32_t read_bytes(void *context, void *bytes, size_t capacity, size_t *got, crm_error *error)
{
    struct import_source *source = &((struct crm_import *)context)->source;
    size_t left = source->bytes.length - source->at;
    (void)error;
    *got = left < capacity ? left : capacity;
    memcpy(bytes, source->bytes.data + source->at, *got);
    source->at += *got;
    return CRM_OK;
}

/* A quote opens only at the beginning of a field; a row with nothing on it is
 * none.  A lone CR ends a row, too, but only the next byte tells it is alone. */
static void scan_csv(struct import_source *source)
{
    const uint8_t *data = source->bytes.data;
    uint8_t state = source->state, delimiter = (uint8_t)source->delimiter;
    bool filled = source->row_filled;
    for (size_t i = (size_t)(source->scanned - source->base); i < source->bytes.length; i++) {
        uint8_t c = data[i];
        if (state == SCAN_RETURN && c != '\n') {
            if (filled)
                source->boundary = source->base + i;
            filled = false;
            state = SCAN_FIELD;
        }
        if (c == '"' && state != SCAN_PLAIN) {
            state = state == SCAN_QUOTED ? SCAN_QUOTE : SCAN_QUOTED;
            filled = true;
        } else if (state == SCAN_QUOTED) {
            continue;
        } else if (c == '\n') {
            if (filled)
                source->boundary = source->base + i + 1;
            filled = false;
            state = SCAN_FIELD;
        } else if (c == '\r') {
            state = SCAN_RETURN;
        } else if (c == delimiter || (delimiter == ' ' && c == '\t')) {
            filled = filled || delimiter != ' ';
            state = SCAN_FIELD;
        } else {
            filled = true;
            state = SCAN_PLAIN;
        }
    }
    source->scanned = source->base + source->bytes.length;
    source->state = state;
    source->row_filled = filled;
}

static int32_t take_header(struct crm_import *import, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        int32_t status = plan_add_column(import, row->fields[i].text, row->fields[i].length);
        if (status != CRM_OK)
            return status;
    }
    return plan_check(import);
}

/* Names of the setting `columns`, with commas or blanks between them. */
static int32_t take_column_names(struct crm_import *import)
{
    const char *at = import->columns;
    bool commas = strchr(at, ',') != NULL;
    for (;;) {
        at += strspn(at, " \t\r\n");
        size_t length = strcspn(at, commas ? ",\n" : " \t\r\n"), whole = length;
        while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t' || at[length - 1] == '\r'))
            length--;
        if (whole == 0 && *at == 0)
            break;
        int32_t status = plan_add_column(import, at, length);
        if (status != CRM_OK)
            return status;
        at += whole;
        if (*at == 0)
            break;
        at++;
    }
    return plan_check(import);
}

/* Asks the reader for rows while complete ones are there, or to the end. */
static int32_t read_csv(struct crm_import *import)
{
    struct import_source *source = &import->source;
    struct csv_row row;
    crm_error error;
    if (import->columns != NULL && !import->plan.ready) {
        int32_t status = take_column_names(import);
        if (status != CRM_OK)
            return status;
    }
    while (source->ended || csv_bytes_read(source->csv) < source->boundary) {
        int32_t status = csv_next(source->csv, &row, &error);
        if (status == CRM_DONE)
            return CRM_OK;
        if (status == CRM_INVALID) {
            /* A quote never closed: all that follows it is one bad row. */
            const char *line = strstr(error.message, "line ");
            import->counts[CRM_IMPORT_READ]++;
            import_reject_raw(import, line == NULL ? 0 : strtoull(line + 5, NULL, 10), 1, error.message, "", 0);
            return CRM_OK;
        }
        if (status != CRM_OK)
            return import_pass_on(import, &error);
        if (!import->plan.ready) {
            status = take_header(import, &row);
        } else {
            struct import_row taken = {.cells = row.fields, .count = row.count, .line = row.line};
            status = row_take(import, &taken);
        }
        if (status != CRM_OK)
            return status;
    }
    return CRM_OK;
}

static int32_t open_csv(struct crm_import *import)
{
    struct import_source *source = &import->source;
    const uint8_t *data = source->bytes.data;
    size_t length = source->bytes.length, skip = 0;
    crm_error error;
    if (length >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        skip = 3;
    /* "sep=;" as a spreadsheet's first line; the reader skips it. */
    if (source->delimiter == 0 && length - skip >= 6 && memcmp(data + skip, "sep=", 4) == 0 &&
        (data[skip + 5] == '\n' || data[skip + 5] == '\r'))
        source->delimiter = (char)data[skip + 4];
    if (source->delimiter == 0)
        source->delimiter = csv_detect(data + skip, length - skip, source->ended);
    source->scanned = source->boundary = skip;
    struct csv_options options = {.delimiter = source->delimiter, .row_size_max = IMPORT_ROW_MAX};
    int32_t status = csv_open(import->memory, &options, read_bytes, import, &source->csv, &error);
    if (status != CRM_OK)
        return import_pass_on(import, &error);
    return CRM_OK;
}

/* ---- JSON Lines ---- */

static void write_json(const struct json *json, uint32_t number, struct buffer *out)
{
    const struct json_node *node = json_at(json, number);
    bool first = true;
    switch (node->type) {
    case JSON_NULL: buffer_text(out, "null"); break;
    case JSON_FALSE: buffer_text(out, "false"); break;
    case JSON_TRUE: buffer_text(out, "true"); break;
    case JSON_NUMBER: buffer_append(out, node->text, node->length); break;
    case JSON_STRING: json_string(out, node->text, node->length); break;
    default:
        buffer_byte(out, node->type == JSON_ARRAY ? '[' : '{');
        for (uint32_t child = json_first(json, number); child != JSON_NONE; child = json_next(json, number, child)) {
            if (!first)
                buffer_byte(out, ',');
            first = false;
            if (node->type == JSON_OBJECT) {
                const struct json_node *member = json_at(json, child);
                json_string(out, member->key, member->key_length);
                buffer_byte(out, ':');
            }
            write_json(json, child, out); /* at most JSON_DEPTH_MAX deep */
        }
        buffer_byte(out, node->type == JSON_ARRAY ? ']' : '}');
        break;
    }
}

/* What a member says, as a cell. */
static bool json_cell(struct crm_import *import, uint32_t number, struct csv_value *cell)
{
    struct import_source *source = &import->source;
    const struct json_node *node = json_at(&source->json, number);
    struct buffer text;
    *cell = (struct csv_value){.line = source->line, .column = 1, .quoted = node->type == JSON_STRING};
    switch (node->type) {
    case JSON_NULL: cell->text = import_null; break;
    case JSON_FALSE: cell->text = "false"; break;
    case JSON_TRUE: cell->text = "true"; break;
    case JSON_NUMBER:
    case JSON_STRING:
        cell->text = node->text;
        cell->length = node->length;
        return true;
    default:
        buffer_init(&text, import->memory);
        write_json(&source->json, number, &text);
        cell->text = text.failed ? NULL : scratch_text(&source->scratch, (const char *)text.data, text.length);
        cell->length = text.length;
        buffer_free(&text);
        return cell->text != NULL;
    }
    cell->length = strlen(cell->text);
    return true;
}

/* The column of a key: mostly the one behind the last. */
static uint32_t find_column(const struct import_plan *plan, const char *key, size_t length, uint32_t guess)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t at = (guess + i) % (uint32_t)plan->count;
        if (plan->columns[at].length == length && memcmp(plan->columns[at].name, key, length) == 0)
            return at;
    }
    return EXPRESSION_NONE;
}

static bool cells_grow(struct crm_import *import)
{
    struct import_source *source = &import->source;
    void *array = source->cells;
    size_t before = source->cell_capacity;
    if (!memory_grow(import->memory, &array, &source->cell_capacity, import->plan.count, sizeof *source->cells))
        return false;
    source->cells = array;
    if (source->cell_capacity > before)
        memset(source->cells + before, 0, (source->cell_capacity - before) * sizeof *source->cells);
    return true;
}

static int32_t json_object(struct crm_import *import, struct import_row *row)
{
    struct import_source *source = &import->source;
    struct json *json = &source->json;
    uint32_t guess = 0;
    scratch_reset(&source->scratch);
    for (size_t i = 0; i < import->plan.count; i++)
        source->cells[i] = (struct csv_value){.line = source->line};
    for (uint32_t node = json_first(json, 0); node != JSON_NONE; node = json_next(json, 0, node)) {
        const struct json_node *member = json_at(json, node);
        uint32_t column = find_column(&import->plan, member->key, member->key_length, guess);
        if (column == EXPRESSION_NONE) {
            int32_t status = plan_add_column(import, member->key, member->key_length);
            if (status != CRM_OK)
                return status;
            column = (uint32_t)import->plan.count - 1;
            if (!cells_grow(import))
                return import_nomem(import);
        }
        guess = column + 1;
        if (!json_cell(import, node, &source->cells[column]))
            return import_nomem(import);
    }
    row->cells = source->cells;
    row->count = import->plan.count;
    return import->plan.ready ? CRM_OK : plan_check(import);
}

static int32_t json_line(struct crm_import *import, const char *text, size_t length)
{
    struct import_source *source = &import->source;
    struct import_row row = {.line = source->line, .raw = text, .raw_length = length};
    crm_error error;
    int32_t status = json_parse(&source->json, text, length, &error);
    if (status == CRM_NOMEM)
        return import_nomem(import);
    if (status == CRM_OK && json_at(&source->json, 0)->type != JSON_OBJECT)
        status = error_set(&error, CRM_INVALID, "a line of JSON Lines is an object in braces");
    if (status == CRM_OK && (json_at(&source->json, 0)->flags & JSON_DUPLICATES) != 0)
        status = error_set(&error, CRM_INVALID, "a key stands twice in the object");
    if (status != CRM_OK) {
        import->counts[CRM_IMPORT_READ]++;
        import_reject_raw(import, source->line, 1, error.message, text, length);
        return CRM_OK;
    }
    status = json_object(import, &row);
    return status == CRM_OK ? row_take(import, &row) : status;
}

static bool all_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return false;
    return true;
}

static int32_t read_json(struct crm_import *import)
{
    struct import_source *source = &import->source;
    struct buffer *bytes = &source->bytes;
    while (source->at < bytes->length) {
        const char *start = (const char *)bytes->data + source->at;
        size_t from = (size_t)(source->scanned - source->base); /* what lies before has no line end */
        const char *end = memchr(bytes->data + from, '\n', bytes->length - from);
        source->scanned = source->base + bytes->length;
        if (end == NULL && !source->ended)
            return CRM_OK;
        size_t length = end == NULL ? bytes->length - source->at : (size_t)(end - start);
        source->at += length + (end != NULL);
        source->scanned = source->base + source->at;
        if (source->line == 1 && length >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0) {
            start += 3;
            length -= 3;
        }
        int32_t status = all_blank(start, length) ? CRM_OK : json_line(import, start, length);
        if (status != CRM_OK)
            return status;
        source->line++;
    }
    return CRM_OK;
}

/* ---- both ---- */

static int32_t begin(struct crm_import *import)
{
    struct import_source *source = &import->source;
    const char *bytes = (const char *)source->bytes.data;
    size_t at = 0;
    if (source->format == IMPORT_UNKNOWN) {
        if (source->bytes.length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
            at = 3;
        while (at < source->bytes.length && strchr(" \t\r\n", bytes[at]) != NULL && bytes[at] != 0)
            at++;
        source->format = at < source->bytes.length && bytes[at] == '{' ? IMPORT_JSONL : IMPORT_CSV;
    }
    source->begun = true;
    source->line = 1;
    scratch_init(&source->scratch, import->memory);
    json_init(&source->json, import->memory);
    return source->format == IMPORT_CSV ? open_csv(import) : CRM_OK;
}

static int32_t read_rows(struct crm_import *import)
{
    struct import_source *source = &import->source;
    int32_t status = CRM_OK;
    if (!source->begun) {
        if (!source->ended && source->bytes.length < SAMPLE)
            return CRM_OK;
        status = begin(import);
    }
    if (status == CRM_OK && source->format == IMPORT_CSV) {
        scan_csv(source);
        status = read_csv(import);
    } else if (status == CRM_OK) {
        status = read_json(import);
    }
    if (status != CRM_OK)
        return status;
    /* What the reader has taken is its own. */
    memmove(source->bytes.data, source->bytes.data + source->at, source->bytes.length - source->at);
    source->base += source->at;
    source->bytes.length -= source->at;
    source->at = 0;
    if (source->bytes.length > IMPORT_ROW_MAX)
        return import_fail(import, CRM_FULL, "a row of more than %d MiB, or a quote that is never closed",
                           IMPORT_ROW_MAX >> 20);
    return CRM_OK;
}

int32_t source_feed(struct crm_import *import, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length > 0) {
        size_t piece = length < PIECE ? length : PIECE;
        buffer_append(&import->source.bytes, at, piece);
        if (import->source.bytes.failed)
            return import_nomem(import);
        int32_t status = read_rows(import);
        if (status != CRM_OK)
            return status;
        at += piece;
        length -= piece;
    }
    return CRM_OK;
}

int32_t source_finish(struct crm_import *import)
{
    struct import_source *source = &import->source;
    source->ended = true;
    if (source->bytes.length == 0 && !source->begun)
        return CRM_OK; /* nothing at all */
    int32_t status = buffer_reserve(&source->bytes, 1) ? CRM_OK : import_nomem(import);
    return status == CRM_OK ? read_rows(import) : status;
}

void source_free(struct crm_import *import)
{
    struct import_source *source = &import->source;
    buffer_free(&source->bytes);
    csv_close(source->csv);
    if (source->begun) {
        json_free(&source->json);
        scratch_free(&source->scratch);
    }
    memory_free(import->memory, source->cells);
}
