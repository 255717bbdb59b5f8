/* format: values as text, the other way round of parse.c: what is written here
 * reads back as the same value.  For people, references are shown by the name of
 * their target, money with its currency and times without seconds.
 *
 * A text that has to be made lives as long as the record.  Asked for again it is
 * the same one unless it changed, so that reading in a loop takes no memory.
 */
#include "model/record.h"

#include "model/currency.h"
#include "model/moment.h"
#include "model/number.h"
#include "model/txn.h"
#include "model/uuid.h"

#include <string.h>

/* What made texts are of; only their addresses count. */
static const char made_format, made_display, made_title;

int32_t record_currency(const crm_record *record)
{
    const struct field *field = record->kind->currency;
    struct value value;
    bool own = field != NULL && !field->removed && record_value(record, field->number, &value) == 1;
    int32_t currency = own ? (int32_t)value.integer : 0;
    if (currency != 0) /* no currency's number, though a forged file may have it */
        return currency;
    return view_currency(record->view);
}

/* ---- references ---- */

static void put_id(struct buffer *out, const crm_id *id)
{
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    buffer_append(out, text, UUID_TEXT_SIZE - 1);
}

bool record_again(const crm_record *record)
{
    int32_t status = view_trouble(record->view, NULL);
    bool again = view_again(record->view);
    if (status != CRM_OK && !again)
        ((crm_record *)(uintptr_t)record)->status = status;
    return again;
}

bool record_read_id(const crm_record *record, uint32_t kind_number, uint32_t number, crm_id *id)
{
    crm_view *view = record->view;
    const struct kind *kind = schema_kind(&view->generation->schema, kind_number);
    bool found;
    if (kind == NULL)
        return false;
    do {
        if (!record_lock(record))
            return false;
        const struct row *row = row_at(view->generation, kind, number);
        found = row != NULL && row->head != 0;
        if (found)
            *id = *id_at(view->generation, kind, number);
    } while (record_again(record));
    return found;
}

/* Ids are one of a kind within a kind; somebody may have used one in two. */
static bool found_elsewhere(const struct generation *generation, const struct kind *kind, const crm_id *id)
{
    for (uint32_t i = 0; i < schema_kinds(&generation->schema); i++) {
        const struct kind *other = schema_kind_at(&generation->schema, i);
        if (other != kind && row_find(generation, other, id) != UINT32_MAX)
            return true;
    }
    return false;
}

/* The title of the row as the view sees it.  False: it has none, or the view's trouble says why. */
static bool put_title(crm_view *view, struct kind *kind, uint32_t number, const struct row *row, struct buffer *out)
{
    struct version version;
    struct value value;
    struct buffer scratch;
    const char *text = "";
    size_t length = 0;
    int got = 0;
    buffer_init(&scratch, view->db->memory);
    int32_t status = kind->title == NULL ? CRM_OK : version_of_row(view, kind, number, row, &version);
    if (kind->title != NULL && status == CRM_OK)
        got = version_field(&version, kind->title, &value);
    if (got < 0 || (got == 1 && !value_text(&value, &scratch, &text, &length)))
        status = scratch.failed ? CRM_NOMEM : CRM_CORRUPT;
    if (status != CRM_OK)
        view->trouble = status;
    buffer_append(out, text, length);
    buffer_free(&scratch);
    return length > 0;
}

bool record_format_ref(const crm_record *record, uint32_t kind_number, uint32_t number, bool any, bool display,
                       struct buffer *out)
{
    crm_view *view = record->view;
    struct kind *kind = schema_kind(&view->generation->schema, kind_number);
    struct row row;
    size_t start = out->length;
    if (kind == NULL)
        return !out->failed;
    do {
        if (!record_lock(record))
            break;
        out->length = start;
        if (view_row(view, kind, number, &row) != VIEW_ROW_NONE &&
            !(display && put_title(view, kind, number, &row, out))) {
            const crm_id *id = id_at(view->generation, kind, number);
            if (any && !display && found_elsewhere(view->generation, kind, id))
                buffer_format(out, "%s:", kind->name);
            put_id(out, id);
        }
    } while (record_again(record));
    return !out->failed;
}

/* ---- everything else ---- */

static void put_money(const crm_record *record, int64_t minor, bool display, struct buffer *out)
{
    int32_t currency = record_currency(record);
    out->failed |= currency == 0; /* how many decimals? */
    uint16_t number = currency < 0 || currency > UINT16_MAX ? 0 : (uint16_t)currency;
    if (display)
        money_format(out, minor, number);
    else
        money_plain(out, minor, number);
}

static void put_choice(const struct field *field, int64_t code, struct buffer *out)
{
    const struct choice *choice = schema_choice(field, code);
    if (choice != NULL)
        buffer_text(out, choice->name);
    else
        buffer_format(out, "%lld", (long long)code);
}

static void put_currency(int64_t number, struct buffer *out)
{
    const struct currency *currency = number < 0 || number > UINT16_MAX ? NULL : currency_by_number((uint16_t)number);
    if (currency != NULL)
        buffer_text(out, currency->code);
    else
        buffer_format(out, "%lld", (long long)number);
}

static void put_integer(const crm_record *record, const struct field *field, int64_t integer, bool display,
                        struct buffer *out)
{
    char number[NUMBER_TEXT_SIZE], moment[MOMENT_TEXT_SIZE];
    switch (field->type) {
    case CRM_TYPE_BOOL: buffer_text(out, integer != 0 ? "true" : "false"); break;
    case CRM_TYPE_DECIMAL:
        buffer_append(out, number, number_format_decimal(integer, field->target, 0, '.', number));
        break;
    case CRM_TYPE_MONEY: put_money(record, integer, display, out); break;
    case CRM_TYPE_TIME:
        buffer_append(out, moment, display ? instant_format_minute(integer, moment) : instant_format(integer, moment));
        break;
    case CRM_TYPE_DATE: buffer_append(out, moment, date_format((int32_t)integer, moment)); break;
    case CRM_TYPE_CHOICE: put_choice(field, integer, out); break;
    case CRM_TYPE_CURRENCY: put_currency(integer, out); break;
    case CRM_TYPE_REF: (void)record_format_ref(record, field->target, (uint32_t)integer, false, display, out); break;
    case CRM_TYPE_ANY_REF:
        (void)record_format_ref(record, any_ref_kind(integer), any_ref_number(integer), true, display, out);
        break;
    default: buffer_append(out, number, number_format_int(integer, 0, number)); break;
    }
}

bool record_format(const crm_record *record, struct field *field, bool display, struct buffer *out)
{
    struct value value;
    char number[NUMBER_TEXT_SIZE];
    const char *text;
    size_t length;
    if (field->type == CRM_TYPE_ID) {
        put_id(out, record_id(record));
        return !out->failed;
    }
    if (record_read_value(record, field, &value) != 1)
        return !out->failed;
    if (type_is_list(field->type))
        return list_format(record, field, &value, display, out);
    switch (value.what) {
    case VALUE_INT: put_integer(record, field, value.integer, display, out); break;
    case VALUE_REAL: buffer_append(out, number, number_format_double(value.real, number)); break;
    default:
        text = record_text_of(record, &value, &length);
        buffer_append(out, text, length);
        break;
    }
    return !out->failed;
}

/* ---- the public getters ---- */

/* A text made for that purpose: the one handed out before when it is the same. */
static const char *keep(const crm_record *record, uint32_t field, const void *purpose, const void *text, size_t length,
                        size_t *out_length)
{
    struct made *made = record->made;
    *out_length = 0;
    while (made != NULL && (made->source != purpose || made->field != field || made->length != length ||
                            memcmp(made->text, text, length) != 0))
        made = made->next;
    if (made == NULL) {
        made = record_make(record, field, purpose, length);
        if (made == NULL)
            return "";
        memcpy(made->text, text, length);
    }
    *out_length = length;
    return made->text;
}

static const char *formatted(const crm_record *record, uint32_t number, bool display, size_t *length)
{
    struct field *field = record_field(record, number);
    struct buffer out;
    size_t ignored;
    const char *text = "";
    if (length == NULL)
        length = &ignored;
    *length = 0;
    if (field == NULL)
        return "";
    if (field->type == CRM_TYPE_TEXT)
        return crm_text(record, number, length);
    buffer_init(&out, record->view->db->memory);
    if (!record_format(record, field, display, &out))
        ((crm_record *)(uintptr_t)record)->status = CRM_NOMEM;
    else if (out.length > 0)
        text = keep(record, number, display ? &made_display : &made_format, out.data, out.length, length);
    buffer_free(&out);
    return text;
}

const char *crm_format(const crm_record *record, uint32_t field, size_t *length)
{
    return formatted(record, field, false, length);
}

const char *crm_display(const crm_record *record, uint32_t field, size_t *length)
{
    return formatted(record, field, true, length);
}

const char *crm_title(const crm_record *record, size_t *length)
{
    char id[UUID_TEXT_SIZE];
    size_t ignored;
    if (length == NULL)
        length = &ignored;
    *length = 0;
    if (record == NULL)
        return "";
    const struct field *field = record->kind->title;
    const char *text = field == NULL ? "" : crm_text(record, field->number, length);
    if (*length > 0)
        return text;
    uuid_format(record_id(record), id);
    return keep(record, 0, &made_title, id, UUID_TEXT_SIZE - 1, length);
}
