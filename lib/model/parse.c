/* parse: values from text as people write them, for setters and conditions.
 *
 * One reader for both, so that what can be written can be asked for.  An empty
 * text sets a field to nothing; blanks around anything but a text do not count.
 * The forms are listed in docs/VALUES.md.
 */
#include "model/parse.h"

#include "model/currency.h"
#include "model/moment.h"
#include "model/number.h"
#include "model/text.h"
#include "model/txn.h"
#include "model/uuid.h"

#include <string.h>

enum { CHOICES_SHOWN = 12, QUOTED = 60 };

/* Which field is at fault, and what was written. */
struct source {
    const struct kind *kind;
    const struct field *field;
    const char *text;
    size_t length;
    crm_error *error;
};

static int32_t refuse(const struct source *source, const char *why)
{
    return error_set(source->error, CRM_INVALID, "%s.%s: \"%.*s\" %s", source->kind->name, source->field->name,
                     (int)text_cut(source->text, source->length, QUOTED), source->text, why);
}

static bool is_word(const char *text, size_t length, const char *word)
{
    size_t at = 0;
    if (strlen(word) != length)
        return false;
    while (at < length && (text[at] | 0x20) == word[at])
        at++;
    return at == length;
}

static int32_t parse_bool(const struct source *source, int64_t *out)
{
    static const char *const words[] = {"false", "true", "no", "yes"};
    for (int i = 0; i < 4; i++)
        if (is_word(source->text, source->length, words[i])) {
            *out = i & 1;
            return CRM_OK;
        }
    if (source->length == 1 && (source->text[0] == '0' || source->text[0] == '1')) {
        *out = source->text[0] - '0';
        return CRM_OK;
    }
    return refuse(source, "is neither true nor false (true, false, yes, no, 1, 0)");
}

static int32_t parse_number(const struct source *source, unsigned scale, int64_t *out)
{
    /* The smallest number stands for "nothing" in a column. */
    if (number_parse_decimal(source->text, source->length, '.', scale, NUMBER_EXACT, out) && *out != INT64_MIN)
        return CRM_OK;
    if (scale == 0)
        return refuse(source, "is no whole number (like 1234 or 1,234) of 64 bits");
    return error_set(source->error, CRM_INVALID, "%s.%s: \"%.*s\" is no number with at most %u decimals (like 1,234.5)",
                     source->kind->name, source->field->name, (int)text_cut(source->text, source->length, QUOTED),
                     source->text, scale);
}

/* 1.5e3, and what people write: 1,234.5. */
static int32_t parse_real(const struct source *source, double *out)
{
    char plain[NUMBER_TEXT_SIZE];
    int64_t ignored;
    size_t length = 0;
    if (number_parse_double(source->text, source->length, out)) {
        *out = *out == 0 ? 0 : *out; /* no negative zero */
        return CRM_OK;
    }
    if (source->length < sizeof plain &&
        number_parse_decimal(source->text, source->length, '.', 0, NUMBER_ROUND_HALF_EVEN, &ignored)) {
        for (size_t i = 0; i < source->length; i++)
            if (source->text[i] != ',')
                plain[length++] = source->text[i];
        if (number_parse_double(plain, length, out))
            return CRM_OK;
    }
    return refuse(source, "is no number like 1234.5 or 1.2345e3");
}

/* Whether the text begins or ends with the code of a currency, and which. */
static const struct currency *code_in(const char *text, size_t length)
{
    const struct currency *found = length > 3 ? currency_find(text, 3) : NULL;
    return found != NULL || length <= 3 ? found : currency_find(text + length - 3, 3);
}

static int32_t parse_money(const struct source *source, int32_t number, int64_t *out)
{
    const struct currency *currency = number < 0 || number > UINT16_MAX ? NULL : currency_by_number((uint16_t)number);
    const struct currency *named = code_in(source->text, source->length);
    if (currency == NULL)
        return error_set(source->error, CRM_INVALID, "%s.%s: there is no currency with the number %d",
                         source->kind->name, source->field->name, number);
    if (money_parse(source->text, source->length, '.', currency->number, out) && *out != INT64_MIN)
        return CRM_OK;
    return error_set(source->error, CRM_INVALID,
                     named != NULL && named->number != currency->number
                         ? "%s.%s: \"%.*s\" is not an amount in %s; set the currency of the record first"
                         : "%s.%s: \"%.*s\" is no amount in %s (like 1,234.50)",
                     source->kind->name, source->field->name, (int)text_cut(source->text, source->length, QUOTED),
                     source->text, currency->code);
}

/* What "today" means: to a transaction its own time, to a view of the past the
 * instant it stands for, else the handle's clock. */
static int64_t now_of(const crm_view *view)
{
    return view->txn != NULL ? txn_time(view->txn) : view->dated ? view->time : db_now(view->db);
}

static int32_t parse_choice(const crm_view *view, const struct source *source, int64_t *out)
{
    const struct choice *choice = schema_choice_named(source->field, source->text, source->length);
    if (choice == NULL && number_parse_int(source->text, source->length, out))
        choice = schema_choice(source->field, *out);
    if (choice != NULL) {
        *out = choice->code;
        return CRM_OK;
    }
    struct buffer names;
    uint32_t count, shown = 0;
    const struct choice *choices = schema_choices(source->field, &count);
    buffer_init(&names, view->db->memory);
    for (uint32_t i = 0; i < count && shown <= CHOICES_SHOWN; i++)
        if (!choices[i].removed && shown++ < CHOICES_SHOWN)
            buffer_format(&names, "%s%s", names.length > 0 ? ", " : "", choices[i].name);
    if (shown > CHOICES_SHOWN)
        buffer_text(&names, ", …");
    buffer_byte(&names, 0);
    (void)error_set(source->error, CRM_INVALID, "%s.%s has no choice \"%.*s\"; it has: %s%s", source->kind->name,
                    source->field->name, (int)text_cut(source->text, source->length, QUOTED), source->text,
                    names.failed       ? "others"
                    : names.length > 1 ? (const char *)names.data
                                       : "none yet",
                    (source->field->flags & CRM_FLAG_OPEN) != 0 ? "; choices may be added to it" : "");
    buffer_free(&names);
    return CRM_INVALID;
}

static int32_t parse_currency(const struct source *source, int64_t *out)
{
    const struct currency *currency = currency_find(source->text, source->length);
    uint64_t number;
    if (currency == NULL && number_parse_uint(source->text, source->length, &number) && number <= 999)
        currency = currency_by_number((uint16_t)number);
    if (currency == NULL)
        return refuse(source, "is no ISO 4217 currency like EUR");
    *out = currency->number;
    return CRM_OK;
}

static int32_t parse_any(crm_view *view, const struct source *source, int32_t currency, struct parsed *out)
{
    int32_t days;
    switch (source->field->type) {
    case CRM_TYPE_BOOL: return parse_bool(source, &out->integer);
    case CRM_TYPE_INT: return parse_number(source, 0, &out->integer);
    case CRM_TYPE_DECIMAL: return parse_number(source, source->field->target, &out->integer);
    case CRM_TYPE_REAL: return parse_real(source, &out->real);
    case CRM_TYPE_MONEY: return parse_money(source, currency, &out->integer);
    case CRM_TYPE_TIME:
        if (instant_parse_relative(source->text, source->length, now_of(view), &out->integer) &&
            out->integer != INT64_MIN)
            return CRM_OK;
        return refuse(source, "is no time like 2017-03-01T10:00:00Z, today or -30d");
    case CRM_TYPE_DATE:
        if (!date_parse_relative(source->text, source->length, now_of(view), &days) || days == INT32_MIN)
            return refuse(source, "is no date like 2017-03-01, today or -30d");
        out->integer = days;
        return CRM_OK;
    case CRM_TYPE_CHOICE: return parse_choice(view, source, &out->integer);
    case CRM_TYPE_CURRENCY: return parse_currency(source, &out->integer);
    default: return refuse(source, "cannot be read as a value of that field's type");
    }
}

static struct source source_of(const crm_view *view, const struct field *field, const char *text, size_t length,
                               crm_error *error)
{
    struct source source = {schema_kind(&view->generation->schema, field->kind), field, text, length, error};
    text_trim(&source.text, &source.length);
    return source;
}

int32_t parse_scalar(crm_view *view, const struct field *field, const char *text, size_t length, struct parsed *out,
                     crm_error *error)
{
    struct source source = source_of(view, field, text, length, error);
    int32_t currency = field->type == CRM_TYPE_MONEY ? view_currency(view) : 1;
    *out = (struct parsed){0, 0};
    return currency == 0 ? error_nomem(error) : parse_any(view, &source, currency, out);
}

/* ---- references ---- */

/* "customer:Acme", "customer:0190…" or an id alone, in whichever kind it is. */
static int32_t find_any(crm_view *view, const struct source *source, uint32_t *kind, crm_id *id)
{
    const char *colon = memchr(source->text, ':', source->length);
    crm_record *record;
    size_t before = colon == NULL ? 0 : (size_t)(colon - source->text);
    const struct kind *named = before == 0 ? NULL : schema_kind_named(&view->generation->schema, source->text, before);
    if (named != NULL) {
        *kind = named->number;
        return crm_resolve(view, *kind, colon + 1, source->length - before - 1, id, source->error);
    }
    if (!uuid_parse(source->text, source->length, id))
        return refuse(source, "is no reference: an id, or a kind and a name like \"customer:Acme\"");
    int32_t status = crm_get_any(view, id, &record, source->error);
    if (status == CRM_OK) {
        *kind = crm_record_kind(record);
        crm_record_free(record);
    }
    return status;
}

int32_t parse_ref(crm_view *view, const struct field *field, const char *text, size_t length, uint32_t *kind,
                  crm_id *id, crm_error *error)
{
    struct source source = source_of(view, field, text, length, error);
    crm_txn *txn = view->txn;
    bool in_rules = txn != NULL && txn->in_rules;
    if (txn != NULL)
        txn->in_rules = true; /* a look-up must not finish the record that is being changed */
    *kind = field->target;
    int32_t status = field->type == CRM_TYPE_REF
                         ? crm_resolve(view, field->target, source.text, source.length, id, error)
                         : find_any(view, &source, kind, id);
    if (txn != NULL)
        txn->in_rules = in_rules;
    return status;
}

/* ---- the setter ---- */

static int32_t set_ref(crm_record *record, const struct field *field, const char *text, size_t length)
{
    uint32_t kind;
    crm_id id;
    crm_error error;
    int32_t status = txn_open_record(record->txn, record); /* finishes another, which may be what is meant */
    if (status != CRM_OK)
        return status;
    status = parse_ref(record->view, field, text, length, &kind, &id, &error);
    if (status != CRM_OK)
        return txn_fail(record->txn, status, "%s", error.message);
    return crm_set_ref(record, field->number, kind, &id);
}

static int32_t set_scalar(crm_record *record, const struct field *field, const char *text, size_t length)
{
    struct parsed parsed = {0, 0};
    crm_error error;
    struct source source = source_of(record->view, field, text, length, &error);
    int32_t currency = field->type == CRM_TYPE_MONEY ? record_currency(record) : 0;
    if (parse_any(record->view, &source, currency, &parsed) != CRM_OK)
        return txn_fail(record->txn, error.status, "%s", error.message);
    return field->type == CRM_TYPE_REAL ? crm_set_real(record, field->number, parsed.real)
                                        : crm_set_int(record, field->number, parsed.integer);
}

int32_t crm_set_parsed(crm_record *record, uint32_t number, const char *text, size_t length)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    struct field *field = schema_field(record->kind, number);
    if (length == CRM_NUL)
        length = text == NULL ? 0 : strlen(text);
    /* That setter knows the reasons why a field cannot be set at all. */
    if (text == NULL || length == 0 || field == NULL || field->removed || (field->flags & CRM_FLAG_SYSTEM))
        return crm_set_null(record, number);
    if (record->txn->status != CRM_OK)
        return record->txn->status;
    if (field->type == CRM_TYPE_TEXT)
        return crm_set_text(record, number, text, length);
    text_trim(&text, &length);
    if (length == 0)
        return crm_set_null(record, number);
    if (!text_valid(text, length))
        return txn_fail(record->txn, CRM_INVALID, "%s.%s is not UTF-8 at byte %zu", record->kind->name, field->name,
                        text_valid_prefix(text, length) + 1);
    if (type_is_list(field->type))
        return list_parse(record, field, text, length);
    return type_is_ref(field->type) ? set_ref(record, field, text, length) : set_scalar(record, field, text, length);
}
