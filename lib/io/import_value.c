/* import_value: what a row says, as values of its fields' types.
 *
 * Everything that can be judged without writing is judged here, so that a bad
 * row is known to be bad before any of it is written.  Common types are parsed
 * here, by their own functions, and handed over as numbers; the rest goes to
 * crm_set_parsed as text.
 */
#include "io/import.h"

#include "model/currency.h"
#include "model/moment.h"
#include "model/number.h"
#include "model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool import_blame(struct import_fault *fault, uint32_t cell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->why.why, sizeof fault->why.why, format, arguments);
    va_end(arguments);
    fault->why.cell = cell;
    return false;
}

bool import_blame_error(struct import_fault *fault, uint32_t cell, const crm_error *error)
{
    switch (error->status) {
    case CRM_NOMEM:
    case CRM_IO:
    case CRM_FULL:
    case CRM_CORRUPT:
    case CRM_STOPPED:
    case CRM_BUSY: fault->status = error->status; break;
    default: break;
    }
    return import_blame(fault, cell, "%s", error->message);
}

bool import_blame_memory(struct import_fault *fault)
{
    fault->status = CRM_NOMEM;
    return import_blame(fault, EXPRESSION_NONE, "out of memory");
}

struct import_value *values_add(struct crm_import *import, uint32_t item, uint32_t cell, enum import_action action)
{
    struct import_values *values = &import->values;
    void *array = values->values;
    if (!memory_grow(import->memory, &array, &values->capacity, values->count + 1, sizeof *values->values))
        return NULL;
    values->values = array;
    struct import_value *value = &values->values[values->count++];
    *value = (struct import_value){.item = item, .cell = cell, .action = action};
    return value;
}

/* The field's name as the user knows it: of the column, else of the field. */
const char *import_item_name(const struct crm_import *import, const struct import_item *item, uint32_t cell)
{
    return cell < import->plan.count ? import->plan.names[cell] : item->assignment.field.name;
}

/* ---- one type each ---- */

static bool wrong(const struct import_reading *reading, const char *what)
{
    return import_blame(reading->fault, reading->cell, "%s: \"%.*s\" is %s",
                        import_item_name(reading->import, reading->item, reading->cell),
                        (int)text_cut(reading->text, reading->length, 60), reading->text, what);
}

static struct import_value *add(const struct import_reading *reading, enum import_action action)
{
    struct import_value *value = values_add(reading->import, reading->number, reading->cell, action);
    if (value == NULL) {
        import_blame_memory(reading->fault);
        return NULL;
    }
    value->text = reading->text;
    value->length = reading->length;
    return value;
}

static bool add_int(const struct import_reading *reading, int64_t integer)
{
    struct import_value *value = add(reading, ACTION_INT);
    if (value != NULL)
        value->integer = integer;
    return value != NULL;
}

static bool read_scaled(const struct import_reading *reading, uint32_t scale)
{
    struct decimal number;
    int64_t integer;
    if (!operand_number(reading->operand, &number))
        return wrong(reading, scale == 0 ? "not a whole number" : "not a number");
    if (!decimal_rescale(number, scale, reading->item->assignment.rounded, &integer))
        return import_blame(reading->fault, reading->cell, "%s: %.*s has more than %u decimals, or too many digits",
                            import_item_name(reading->import, reading->item, reading->cell), (int)reading->length,
                            reading->text, scale);
    return add_int(reading, integer);
}

bool values_money(int32_t currency, const struct import_item *item, const struct import_value *value, int64_t *minor)
{
    const struct currency *known = currency_by_number((uint16_t)currency);
    if (value->number.scale <= DECIMAL_SCALE_MAX)
        return known != NULL && decimal_rescale(value->number, known->exponent, item->assignment.rounded, minor);
    return money_parse(value->text, value->length, '.', (uint16_t)currency, minor);
}

static bool read_money(const struct import_reading *reading)
{
    struct crm_import *import = reading->import;
    int32_t currency = import->values.currency != 0 ? import->values.currency : import->base_currency;
    struct import_value *value = add(reading, ACTION_MONEY);
    if (value == NULL)
        return false;
    /* A text that is no plain number may name its currency. */
    if (!operand_number(reading->operand, &value->number))
        value->number.scale = DECIMAL_SCALE_MAX + 1;
    if (values_money(currency, reading->item, value, &value->integer))
        return true;
    const char *code = crm_currency_code(currency);
    return import_blame(reading->fault, reading->cell, "%s: \"%.*s\" is no exact amount in %s%s",
                        import_item_name(import, reading->item, reading->cell),
                        (int)text_cut(reading->text, reading->length, 60), reading->text,
                        code == NULL ? "the currency" : code,
                        value->number.scale <= DECIMAL_SCALE_MAX ? "; 'rounded' in a mapping would round it" : "");
}

static bool read_real(const struct import_reading *reading)
{
    double real;
    if (!number_parse_double(reading->text, reading->length, &real))
        return wrong(reading, "not a number");
    struct import_value *value = add(reading, ACTION_REAL);
    if (value != NULL)
        value->real = real;
    return value != NULL;
}

static bool read_time(const struct import_reading *reading)
{
    const char *format = reading->import->date_format;
    int64_t instant;
    if (reading->operand->type == OPERAND_INSTANT)
        instant = reading->operand->instant;
    else if (format == NULL ? !instant_parse(reading->text, reading->length, &instant)
                            : !instant_parse_format(reading->text, reading->length, format, &instant))
        return wrong(reading,
                     "not a time like 2017-03-01T10:00:00Z; 'date COLUMN \"FORMAT\"' in a mapping says its form");
    return add_int(reading, instant);
}

static bool read_date(const struct import_reading *reading)
{
    const char *format = reading->import->date_format;
    int32_t days;
    if (reading->operand->type == OPERAND_INSTANT)
        days = instant_date(reading->operand->instant);
    else if (format == NULL ? !date_parse(reading->text, reading->length, &days)
                            : !date_parse_format(reading->text, reading->length, format, &days))
        return wrong(reading, "not a date like 2017-03-01; 'date COLUMN \"FORMAT\"' in a mapping says its form");
    return add_int(reading, days);
}

static bool find_choice(const struct import_reading *reading, int64_t *code)
{
    const struct mapping_field *field = &reading->item->assignment.field;
    crm_db *db = reading->import->db;
    *code = crm_choice_find(db, field->kind, field->number, reading->text, reading->length);
    if (*code >= 0)
        return true;
    uint32_t count = crm_choice_count(db, field->kind, field->number);
    for (uint32_t i = 0; i < count; i++) {
        *code = crm_choice_at(db, field->kind, field->number, i);
        const char *name = crm_choice_name(db, field->kind, field->number, *code);
        if (name != NULL && name_same(name, strlen(name), reading->text, reading->length))
            return true;
    }
    return false;
}

static bool read_choice(const struct import_reading *reading)
{
    struct import_item *item = reading->item;
    int64_t code;
    bool remembered = item->choice_length == reading->length && reading->length > 0 &&
                      memcmp(item->choice_text, reading->text, reading->length) == 0;
    if (remembered)
        return add_int(reading, item->choice);
    if (!find_choice(reading, &code)) {
        if (reading->import->add_choices && (item->assignment.field.flags & CRM_FLAG_OPEN) != 0)
            return add(reading, ACTION_CHOICE) != NULL;
        return wrong(reading, (item->assignment.field.flags & CRM_FLAG_OPEN) != 0
                                  ? "not one of the field's choices; 'add_choices' adds it"
                                  : "not one of the field's choices");
    }
    if (reading->length < sizeof item->choice_text) {
        memcpy(item->choice_text, reading->text, reading->length);
        item->choice_length = reading->length;
        item->choice = code;
    }
    return add_int(reading, code);
}

static bool read_bool(const struct import_reading *reading)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "n", "y", "f", "t", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (name_same(words[i], strlen(words[i]), reading->text, reading->length))
            return add_int(reading, (int64_t)(i % 2));
    return wrong(reading, "neither true nor false");
}

static bool read_currency(const struct import_reading *reading)
{
    const struct currency *currency = currency_find(reading->text, reading->length);
    if (currency == NULL)
        return wrong(reading, "no currency's code like EUR");
    reading->import->values.currency = currency->number;
    return add_int(reading, currency->number);
}

static bool read_id(const struct import_reading *reading)
{
    struct import_values *values = &reading->import->values;
    if (crm_id_parse(reading->text, reading->length, &values->id) != CRM_OK)
        return wrong(reading, "not an id");
    values->has_id = true;
    return true;
}

static bool read_reference(const struct import_reading *reading)
{
    struct crm_import *import = reading->import;
    const struct mapping_field *field = &reading->item->assignment.field;
    bool found = false;
    crm_id id;
    uint32_t kind = 0;
    if (!reference_find(import, reading->item, reading->text, reading->length, reading->cell, &found, &kind, &id,
                        reading->fault))
        return false;
    if (!found && !reading->item->assignment.create) {
        reading->fault->hold = field->target == import->kind || field->type == CRM_TYPE_ANY_REF;
        const char *name = crm_kind_name(import->db, field->target);
        return import_blame(reading->fault, reading->cell, "%s: there is no %s \"%.*s\"",
                            import_item_name(import, reading->item, reading->cell), name == NULL ? "record" : name,
                            (int)text_cut(reading->text, reading->length, 80), reading->text);
    }
    struct import_value *value = add(reading, found ? ACTION_REF : ACTION_CREATE);
    if (value == NULL)
        return false;
    if (found) {
        value->kind = kind;
        value->id = id;
        if (field->kind == CRM_KIND_OPPORTUNITY && field->number == CRM_OPPORTUNITY_PIPELINE) {
            import->values.pipeline = id;
            import->values.has_pipeline = true;
        }
    }
    return true;
}

/* "a;;b" as "a;b": a text put together from columns may have blanks in it. */
static bool read_list(struct import_reading *reading)
{
    const char *text = reading->text;
    size_t kept = 0;
    bool external = reading->item->assignment.field.type == CRM_TYPE_EXTERNAL_IDS;
    if (reading->length > 0 && text[0] != '[' && memchr(text, ';', reading->length) != NULL) {
        char *room = scratch_alloc(&reading->import->scratch, reading->length + 1);
        if (room == NULL)
            return import_blame_memory(reading->fault);
        for (size_t at = 0; at < reading->length;) {
            const char *end = memchr(text + at, ';', reading->length - at);
            const char *piece = text + at;
            size_t length = end == NULL ? reading->length - at : (size_t)(end - piece);
            at += length + 1;
            text_trim(&piece, &length);
            if (length == 0 || (external && piece[length - 1] == ':'))
                continue;
            if (kept > 0)
                room[kept++] = ';';
            memcpy(room + kept, piece, length);
            kept += length;
        }
        room[kept] = 0;
        reading->text = room;
        reading->length = kept;
        if (kept == 0)
            return true;
    }
    return add(reading, ACTION_PARSED) != NULL;
}

bool value_read(struct import_reading *reading)
{
    const struct mapping_field *field = &reading->item->assignment.field;
    switch (field->type) {
    case CRM_TYPE_TEXT:
        if (!text_valid(reading->text, reading->length))
            return import_blame(reading->fault, reading->cell, "%s: the text is not UTF-8",
                                import_item_name(reading->import, reading->item, reading->cell));
        return add(reading, ACTION_TEXT) != NULL;
    case CRM_TYPE_BOOL: return read_bool(reading);
    case CRM_TYPE_INT: return read_scaled(reading, 0);
    case CRM_TYPE_DECIMAL: return read_scaled(reading, field->target);
    case CRM_TYPE_REAL: return read_real(reading);
    case CRM_TYPE_MONEY: return read_money(reading);
    case CRM_TYPE_TIME: return read_time(reading);
    case CRM_TYPE_DATE: return read_date(reading);
    case CRM_TYPE_CHOICE: return read_choice(reading);
    case CRM_TYPE_CURRENCY: return read_currency(reading);
    case CRM_TYPE_ID: return read_id(reading);
    case CRM_TYPE_REF:
    case CRM_TYPE_ANY_REF: return read_reference(reading);
    default: return read_list(reading);
    }
}
