/* public_text: what tools and bindings need of text, time and money, so that
 * they show and read values exactly as the library does.
 */
#include "model/currency.h"
#include "model/moment.h"
#include "model/number.h"
#include "model/text.h"
#include "model/uuid.h"

#include <string.h>

/* What crm.h promises about the room that a caller gives. */
enum { TIME_ROOM = 32, DATE_ROOM = 16, MONEY_ROOM = 32 };

static size_t length_of(const char *text, size_t length)
{
    return text == NULL ? 0 : length == CRM_NUL ? strlen(text) : length;
}

int32_t crm_id_parse(const char *text, size_t length, crm_id *out)
{
    if (text == NULL || out == NULL)
        return CRM_MISUSE;
    return uuid_parse(text, length_of(text, length), out) ? CRM_OK : CRM_INVALID;
}

void crm_id_format(const crm_id *id, char *out_37)
{
    if (id != NULL && out_37 != NULL)
        uuid_format(id, out_37);
}

size_t crm_text_width(const char *text, size_t length)
{
    return text_width(text, length_of(text, length));
}

size_t crm_text_cut(const char *text, size_t length, size_t columns)
{
    return text_cut(text, length_of(text, length), columns);
}

int32_t crm_time_parse(const char *text, size_t length, int64_t now, int64_t *time)
{
    if (text == NULL || time == NULL)
        return CRM_MISUSE;
    return instant_parse_relative(text, length_of(text, length), now, time) ? CRM_OK : CRM_INVALID;
}

int32_t crm_date_parse(const char *text, size_t length, int64_t now, int32_t *date)
{
    if (text == NULL || date == NULL)
        return CRM_MISUSE;
    return date_parse_relative(text, length_of(text, length), now, date) ? CRM_OK : CRM_INVALID;
}

/* The formatters' own buffers are larger than any text they write; the caller's
 * are just large enough. */
static size_t hand_out(const char *text, size_t length, char *out, size_t room)
{
    if (out == NULL)
        return 0;
    if (length >= room)
        length = room - 1;
    memcpy(out, text, length);
    out[length] = '\0';
    return length;
}

size_t crm_time_format(int64_t time, char *out_32)
{
    char text[MOMENT_TEXT_SIZE];
    return hand_out(text, instant_format(time, text), out_32, TIME_ROOM);
}

size_t crm_date_format(int32_t date, char *out_16)
{
    char text[MOMENT_TEXT_SIZE];
    return hand_out(text, date_format(date, text), out_16, DATE_ROOM);
}

static const struct currency *find_currency(int32_t numeric)
{
    return numeric < 0 || numeric > UINT16_MAX ? NULL : currency_by_number((uint16_t)numeric);
}

size_t crm_money_format(int64_t minor, int32_t currency, char *out_32)
{
    const struct currency *found = find_currency(currency);
    char text[NUMBER_TEXT_SIZE];
    size_t length = number_format_decimal(minor, found == NULL ? 0 : found->exponent, 0, '.', text);
    return hand_out(text, length, out_32, MONEY_ROOM);
}

const char *crm_currency_code(int32_t numeric)
{
    const struct currency *found = find_currency(numeric);
    return found == NULL ? NULL : found->code;
}
