/* import: the exported functions: settings, feeding, counts, rejects.
 *
 * An import that fails for good (the file system, a mapping that cannot be
 * meant) says so from then on in every call; a bad row never fails it.
 */
#include "io/import.h"

#include "model/currency.h"
#include "model/db.h"
#include "model/moment.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reject { /* in the buffer; the texts and their NULs follow */
    uint64_t line, column;
    size_t why_length, row_length;
};

int32_t import_fail(struct crm_import *import, int32_t status, const char *format, ...)
{
    char message[sizeof import->error.message];
    va_list arguments;
    if (import->status != CRM_OK)
        return import->status;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    import->status = status;
    return error_set(&import->error, status, "%s", message);
}

int32_t import_pass_on(struct crm_import *import, const crm_error *error)
{
    if (import->status == CRM_OK)
        import->error = *error;
    return import->status = import->error.status;
}

int32_t import_nomem(struct crm_import *import)
{
    return import_fail(import, CRM_NOMEM, "out of memory");
}

/* ---- rejects ---- */

void import_reject_raw(struct crm_import *import, uint64_t line, uint64_t column, const char *why, const char *raw,
                       size_t length)
{
    struct buffer *rejects = &import->rejects;
    struct reject head = {.line = line, .column = column, .why_length = strlen(why), .row_length = length};
    import->counts[CRM_IMPORT_REJECTED]++;
    /* What nobody takes must not fill the memory. */
    if (rejects->length - import->reject_at > IMPORT_REJECTS_MAX) {
        import->rejects_lost++;
        return;
    }
    if (!buffer_reserve(rejects, sizeof head + head.why_length + length + 2)) {
        rejects->failed = false;
        (void)import_nomem(import); /* a row that is not kept is lost to its owner */
        return;
    }
    buffer_append(rejects, &head, sizeof head);
    buffer_append(rejects, why, head.why_length + 1);
    buffer_append(rejects, raw, length);
    buffer_byte(rejects, 0);
}

void import_row_text(const struct crm_import *import, const struct import_row *row, struct buffer *out)
{
    char delimiter = import->source.delimiter;
    if (row->raw != NULL) {
        buffer_append(out, row->raw, row->raw_length);
        return;
    }
    for (size_t i = 0; i < row->count; i++) {
        if (i > 0)
            buffer_byte(out, (uint8_t)delimiter);
        if (row->cells[i].quoted && row->cells[i].length == 0)
            buffer_text(out, "\"\"");
        else
            csv_field(out, row->cells[i].text, row->cells[i].length, delimiter);
    }
}

void import_reject(struct crm_import *import, const struct import_row *row, uint32_t cell, const char *why)
{
    struct buffer text;
    buffer_init(&text, import->memory);
    import_row_text(import, row, &text);
    if (text.failed)
        (void)import_nomem(import);
    const char *raw = text.failed || text.data == NULL ? "" : (const char *)text.data;
    import_reject_raw(import, row->line, cell == EXPRESSION_NONE ? 1 : (uint64_t)cell + 1, why, raw,
                      text.failed ? 0 : text.length);
    buffer_free(&text);
}

int32_t crm_import_reject(crm_import *import, uint64_t *line, uint64_t *column, const char **why, const char **row,
                          size_t *row_length)
{
    struct reject head;
    static const char lost[] = "further rejects were not kept, only counted: take them after every piece";
    if (import == NULL)
        return CRM_MISUSE;
    struct buffer *rejects = &import->rejects;
    bool none = import->reject_at >= rejects->length;
    if (none) {
        rejects->length = import->reject_at = 0;
        if (import->rejects_lost == 0)
            return CRM_DONE;
        import->rejects_lost = 0;
        head = (struct reject){0};
    } else {
        memcpy(&head, rejects->data + import->reject_at, sizeof head);
    }
    const char *texts = none ? NULL : (const char *)rejects->data + import->reject_at + sizeof head;
    if (line != NULL)
        *line = head.line;
    if (column != NULL)
        *column = head.column;
    if (why != NULL)
        *why = none ? lost : texts;
    if (row != NULL)
        *row = none ? "" : texts + head.why_length + 1;
    if (row_length != NULL)
        *row_length = head.row_length;
    if (!none)
        import->reject_at += sizeof head + head.why_length + head.row_length + 2;
    return CRM_OK;
}

uint64_t crm_import_count(const crm_import *import, int32_t which)
{
    return import == NULL || which < CRM_IMPORT_READ || which > CRM_IMPORT_OTHERS ? 0 : import->counts[which];
}

/* ---- settings ---- */

int32_t crm_import_create(crm_db *db, uint32_t kind, crm_import **out, crm_error *error)
{
    if (out != NULL)
        *out = NULL;
    if (db == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "import: no database, or nowhere to put the import");
    if (crm_kind_name(db, kind) == NULL)
        return error_set(error, CRM_INVALID, "import: there is no kind with number %u", kind);
    struct crm_import *import = memory_zero(db->memory, 1, sizeof *import);
    if (import == NULL)
        return error_nomem(error);
    import->memory = db->memory;
    import->db = db;
    import->kind = kind;
    import->batch_rows = IMPORT_BATCH_ROWS;
    import->base_currency = __atomic_load_n(&db->currency, __ATOMIC_ACQUIRE);
    db_reference(db);
    mapping_init(&import->mapping, import->memory, db, kind);
    buffer_init(&import->source.bytes, import->memory);
    buffer_init(&import->rejects, import->memory);
    buffer_init(&import->held, import->memory);
    buffer_init(&import->group.stored, import->memory);
    scratch_init(&import->scratch, import->memory);
    scratch_init(&import->group.scratch, import->memory);
    scratch_init(&import->group.work, import->memory);
    uint32_t count = crm_field_count(db, kind);
    for (uint32_t i = 0; i < count && import->currency_field == 0; i++) {
        uint32_t field = crm_field_at(db, kind, i);
        if (crm_field_type(db, kind, field) == CRM_TYPE_CURRENCY)
            import->currency_field = field;
    }
    *out = import;
    return CRM_OK;
}

static bool is_text(const char *value, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(value, text, length) == 0;
}

static int32_t set_switch(const char *key, const char *value, size_t length, bool *out, crm_error *error)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_text(value, length, words[i])) {
            *out = i % 2 == 1;
            return CRM_OK;
        }
    return error_set(error, CRM_INVALID, "import: '%s' is switched on by 1 and off by 0", key);
}

static int32_t set_delimiter(struct crm_import *import, const char *value, size_t length, crm_error *error)
{
    if (is_text(value, length, "tab") || is_text(value, length, "\\t"))
        import->source.delimiter = '\t';
    else if (is_text(value, length, "space"))
        import->source.delimiter = ' ';
    else if (length == 1 && strchr("\"\r\n", *value) == NULL && (unsigned char)*value < 0x80)
        import->source.delimiter = *value;
    else
        return error_set(error, CRM_INVALID, "import: a delimiter is one character, 'tab' or 'space'");
    return CRM_OK;
}

static int32_t set_format(struct crm_import *import, const char *value, size_t length, crm_error *error)
{
    if (is_text(value, length, "csv"))
        import->source.format = IMPORT_CSV;
    else if (is_text(value, length, "jsonl") || is_text(value, length, "json"))
        import->source.format = IMPORT_JSONL;
    else
        return error_set(error, CRM_INVALID, "import: the format is csv or jsonl");
    return CRM_OK;
}

static int32_t set_match(struct crm_import *import, const char *value, size_t length, crm_error *error)
{
    if (!mapping_find_field(import->db, import->kind, value, length, &import->match_field))
        return error_set(error, CRM_INVALID, "match: %s has no field '%.*s'", crm_kind_name(import->db, import->kind),
                         (int)(length < 64 ? length : 64), value);
    if (!mapping_field_finds(&import->match_field))
        return error_set(error, CRM_INVALID,
                         "match: records are not found by '%s'; use id, external_ids, emails, or a field with an index",
                         import->match_field.name);
    return CRM_OK;
}

static int32_t set_blank(struct crm_import *import, const char *value, size_t length, crm_error *error)
{
    import->blank_exact = is_text(value, length, "exact");
    import->blank_clear = import->blank_exact || is_text(value, length, "clear");
    return import->blank_clear || is_text(value, length, "keep")
               ? CRM_OK
               : error_set(error, CRM_INVALID, "import: 'blank' is keep, clear or exact");
}

static int32_t set_rows(struct crm_import *import, const char *value, size_t length, crm_error *error)
{
    uint64_t rows = 0;
    bool good = length > 0 && length <= 9;
    for (size_t i = 0; good && i < length; i++) {
        good = value[i] >= '0' && value[i] <= '9';
        rows = rows * 10 + (uint64_t)(value[i] - '0');
    }
    if (!good || rows == 0)
        return error_set(error, CRM_INVALID, "import: 'batch_rows' is a number from 1 to 999999999");
    import->batch_rows = rows;
    return CRM_OK;
}

static int32_t set_map(struct crm_import *import, const char *value, size_t length, crm_error *error)
{
    const char *sign = length == 0 ? NULL : memchr(value, '=', length);
    if (sign == NULL)
        return error_set(error, CRM_INVALID, "map: write field=column");
    size_t field = (size_t)(sign - value);
    return mapping_assign(&import->mapping, value, field, sign + 1, length - field - 1, error);
}

static int32_t set_mapping(struct crm_import *import, const char *value, size_t length, crm_error *error)
{
    size_t first = import->mapping.setting_count;
    int32_t status = mapping_parse(&import->mapping, value, length, error);
    for (size_t i = first; status == CRM_OK && i < import->mapping.setting_count; i++) {
        const struct mapping_setting *setting = &import->mapping.settings[i];
        status = crm_import_set(import, setting->key, setting->value, setting->length, error);
    }
    return status;
}

static int32_t set_text(struct crm_import *import, const char *key, const char *value, size_t length, crm_error *error)
{
    struct {
        const char *key;
        char **place;
    } texts[] = {{"actor", &import->actor},     {"reason", &import->reason},           {"batch", &import->batch},
                 {"columns", &import->columns}, {"date_format", &import->date_format}, {"match", &import->match}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i].key, key) != 0)
            continue;
        char *copy = memory_text(import->memory, value, length);
        if (copy == NULL)
            return error_nomem(error);
        memory_free(import->memory, *texts[i].place);
        *texts[i].place = copy;
        if (i == 4 && !moment_format_valid(copy))
            return error_set(error, CRM_INVALID, "date_format: \"%.60s\" lacks day, month or year", copy);
        return i == 5 ? set_match(import, value, length, error) : CRM_OK;
    }
    return error_set(error, CRM_INVALID, "import: there is no setting '%s'", key);
}

int32_t crm_import_set(crm_import *import, const char *key, const char *value, size_t length, crm_error *error)
{
    if (import == NULL || key == NULL || (value == NULL && length != 0))
        return error_set(error, CRM_MISUSE, "import: a setting needs an import, a key and a value");
    if (import->source.begun || import->finished || import->source.bytes.length > 0)
        return error_set(error, CRM_MISUSE, "import: '%s' must be set before the first byte is fed", key);
    if (value == NULL)
        value = "";
    if (length == CRM_NUL)
        length = strlen(value);
    if (strcmp(key, "format") == 0)
        return set_format(import, value, length, error);
    if (strcmp(key, "delimiter") == 0)
        return set_delimiter(import, value, length, error);
    if (strcmp(key, "map") == 0)
        return set_map(import, value, length, error);
    if (strcmp(key, "mapping") == 0)
        return set_mapping(import, value, length, error);
    if (strcmp(key, "ignore") == 0)
        return mapping_ignore(&import->mapping, value, length, error);
    if (strcmp(key, "strict") == 0)
        return set_switch(key, value, length, &import->strict, error);
    if (strcmp(key, "dry_run") == 0)
        return set_switch(key, value, length, &import->dry_run, error);
    if (strcmp(key, "add_choices") == 0)
        return set_switch(key, value, length, &import->add_choices, error);
    if (strcmp(key, "blank") == 0)
        return set_blank(import, value, length, error);
    if (strcmp(key, "batch_rows") == 0)
        return set_rows(import, value, length, error);
    return set_text(import, key, value, length, error);
}

/* ---- feeding ---- */

static int32_t answer(struct crm_import *import, crm_error *error)
{
    if (import->status == CRM_OK) {
        error_clear(error);
    } else {
        write_cancel(import); /* nothing of the open batch stays, and nobody waits for the lock */
        if (error != NULL)
            *error = import->error;
    }
    return import->status;
}

/* The batch's name, by which an undo finds the whole import. */
static int32_t name_batch(struct crm_import *import)
{
    char time[32];
    struct buffer name;
    if (import->batch != NULL)
        return CRM_OK;
    crm_time_format(crm_now(import->db), time);
    buffer_init(&name, import->memory);
    buffer_format(&name, "import-%s-%s", crm_kind_name(import->db, import->kind), time);
    if (!name.failed)
        import->batch = memory_text(import->memory, (const char *)name.data, name.length);
    buffer_free(&name);
    return import->batch != NULL ? CRM_OK : import_nomem(import);
}

int32_t crm_import_feed(crm_import *import, const void *bytes, size_t length, crm_error *error)
{
    if (import == NULL || (bytes == NULL && length > 0))
        return error_set(error, CRM_MISUSE, "import: nothing to feed, or nothing to feed it to");
    if (import->finished)
        return error_set(error, CRM_MISUSE, "import: it is finished");
    if (import->status == CRM_OK && name_batch(import) == CRM_OK)
        (void)source_feed(import, bytes, length); /* what it answers is kept */
    return answer(import, error);
}

int32_t crm_import_finish(crm_import *import, crm_error *error)
{
    if (import == NULL)
        return error_set(error, CRM_MISUSE, "import: there is none to finish");
    if (import->status == CRM_OK && !import->finished && name_batch(import) == CRM_OK &&
        source_finish(import) == CRM_OK && row_finish(import) == CRM_OK)
        (void)write_finish(import);
    import->finished = true;
    return answer(import, error);
}

void crm_import_free(crm_import *import)
{
    if (import == NULL)
        return;
    const struct memory *memory = import->memory;
    crm_db *db = import->db;
    char *texts[] = {import->actor, import->reason, import->batch, import->columns, import->date_format, import->match};
    write_cancel(import);
    source_free(import);
    plan_free(import);
    row_free(import);
    reference_free(import);
    mapping_free(&import->mapping);
    scratch_free(&import->scratch);
    buffer_free(&import->rejects);
    memory_free(memory, import->values.values);
    memory_free(memory, import->made);
    memory_free(memory, import->made_kinds);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        memory_free(memory, texts[i]);
    memory_free(memory, import);
    db_release(db);
}
