/* fuzz_value: numbers, amounts, dates, instants and ids.  The first byte says
 * what the rest is: a text to be read, or the bytes of values to be written.
 * What is written reads back as the same; what is read is held against the C
 * library or wider arithmetic where they have an opinion.
 */
#include "fuzz.h"
#include "io/decimal.h"
#include "model/currency.h"
#include "model/moment.h"
#include "model/number.h"
#include "model/uuid.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

/* ---- text to value ---- */

static void read_integer(const char *text, size_t length)
{
    int64_t value = 0, again = 0;
    uint64_t big = 0;
    char out[NUMBER_TEXT_SIZE], copy[64];
    bool read = number_parse_int(text, length, &value);
    if (number_parse_uint(text, length, &big) && big <= INT64_MAX)
        MUST(read && value == (int64_t)big);
    if (read) {
        size_t size = number_format_int(value, 0, out);
        MUST(size == strlen(out) && number_parse_int(out, size, &again) && again == value);
    }
    if (length == 0 || length >= sizeof copy || strspn(text, "0123456789") != length)
        return;
    memcpy(copy, text, length + 1);
    errno = 0;
    unsigned long long expected = strtoull(copy, NULL, 10);
    MUST(number_parse_uint(text, length, &big) == (errno == 0));
    MUST(errno != 0 || big == expected);
}

static void read_double(const char *text, size_t length)
{
    double value = 0, again = 0;
    char out[NUMBER_TEXT_SIZE], *end = NULL;
    if (!number_parse_double(text, length, &value))
        return;
    MUST(isfinite(value));
    size_t size = number_format_double(value, out);
    MUST(size < sizeof out && number_parse_double(out, size, &again));
    MUST(memcmp(&value, &again, sizeof value) == 0 || (value == 0 && again == 0));
    if (length > 0 && strspn(text, "0123456789.eE+-") == length) {
        double expected = strtod(text, &end);
        MUST(end == text + length && expected == value);
    }
}

static void read_decimal(struct input *input, const char *text, size_t length)
{
    int64_t exact = 0, rounded = 0, again = 0;
    char out[NUMBER_TEXT_SIZE];
    unsigned how = input_byte(input), scale = how % (NUMBER_SCALE_MAX + 1);
    char mark = how & 0x80 ? ',' : '.', group = how & 0x40 ? (mark == ',' ? '.' : ',') : 0;
    if (!number_parse_decimal(text, length, mark, scale, NUMBER_ROUND_HALF_EVEN, &rounded))
        MUST(!number_parse_decimal(text, length, mark, scale, NUMBER_EXACT, &exact));
    else if (number_parse_decimal(text, length, mark, scale, NUMBER_EXACT, &exact))
        MUST(exact == rounded);
    size_t size = number_format_decimal(rounded, scale, group, mark, out);
    MUST(size == strlen(out) && number_parse_decimal(out, size, mark, scale, NUMBER_EXACT, &again));
    MUST(again == rounded);
    struct decimal value;
    if (decimal_parse(text, length, mark, &value)) {
        char plain[32];
        struct decimal back;
        MUST(decimal_format(value, plain) < sizeof plain && decimal_parse(plain, strlen(plain), '.', &back));
        MUST(decimal_compare(value, back) == 0);
    }
}

static void read_money(struct input *input, const char *text, size_t length)
{
    const struct currency *currency = currency_at(input_byte(input) % currency_count());
    int64_t minor = 0, again = 0;
    struct buffer out;
    buffer_init(&out, memory_default());
    if (money_parse(text, length, '.', currency->number, &minor)) {
        char plain[32];
        money_plain(&out, minor, currency->number);
        MUST(money_parse((const char *)out.data, out.length, '.', currency->number, &again) && again == minor);
        MUST(crm_money_format(minor, currency->number, plain) == out.length);
        MUST(memcmp(plain, out.data, out.length) == 0);
        buffer_reset(&out);
        money_format(&out, minor, currency->number);
        MUST(money_parse((const char *)out.data, out.length, '.', currency->number, &again) && again == minor);
    }
    buffer_free(&out);
}

static void write_date(int32_t days)
{
    char out[MOMENT_TEXT_SIZE], short_out[16];
    int32_t again = 0;
    size_t size = date_format(days, out);
    MUST(size == strlen(out) && date_parse(out, size, &again) && again == days);
    MUST(crm_date_format(days, short_out) == size && strcmp(short_out, out) == 0);
    MUST(crm_date_parse(out, size, FUZZ_NOW, &again) == CRM_OK && again == days);
    for (int period = PERIOD_DAY; period <= PERIOD_YEAR; period++) {
        int32_t start = period_start(days, period);
        MUST(start <= days || days < INT32_MIN + 366);
        MUST(period_start(start, period) == start);
        MUST(period_name(start, period, out) == strlen(out));
    }
}

static void write_instant(int64_t us)
{
    char out[MOMENT_TEXT_SIZE], short_out[32];
    int64_t again = 0;
    size_t size = instant_format(us, out);
    struct civil civil;
    MUST(size == strlen(out) && instant_parse(out, size, &again) && again == us);
    MUST(crm_time_format(us, short_out) == size && strcmp(short_out, out) == 0);
    MUST(crm_time_parse(out, size, FUZZ_NOW, &again) == CRM_OK && again == us);
    instant_to_civil(us, &civil);
    MUST(instant_from_civil(&civil, &again) && again == us);
    MUST(instant_format_minute(us, out) == strlen(out));
}

static void read_moment(struct input *input, const char *text, size_t length)
{
    int32_t days = 0;
    int64_t us = 0, now = (int64_t)input_u64(input);
    if (date_parse(text, length, &days))
        write_date(days);
    if (instant_parse(text, length, &us))
        write_instant(us);
    if (date_parse_relative(text, length, now, &days))
        write_date(days);
    if (instant_parse_relative(text, length, now, &us))
        write_instant(us);
}

/* A format, a line break, and the text. */
static void read_format(const char *text, size_t length)
{
    char *copy = strndup(text, length), *line = copy == NULL ? NULL : strchr(copy, '\n');
    int32_t days = 0;
    int64_t us = 0;
    MUST(copy != NULL);
    if (line != NULL) {
        *line++ = '\0';
        bool valid = moment_format_valid(copy);
        if (date_parse_format(line, strlen(line), copy, &days)) {
            MUST(valid);
            write_date(days);
        }
        if (instant_parse_format(line, strlen(line), copy, &us)) {
            MUST(valid);
            write_instant(us);
        }
    }
    free(copy);
}

static void read_id(const char *text, size_t length)
{
    crm_id id, again;
    char out[UUID_TEXT_SIZE];
    if (!uuid_parse(text, length, &id))
        return;
    uuid_format(&id, out);
    MUST(strlen(out) == UUID_TEXT_SIZE - 1 && uuid_parse(out, UUID_TEXT_SIZE - 1, &again));
    MUST(uuid_compare(&id, &again) == 0);
}

/* ---- bytes to value to text ---- */

static void write_numbers(struct input *input)
{
    int64_t value = (int64_t)input_u64(input), numerator = (int64_t)input_u64(input),
            denominator = (int64_t)input_u64(input), again = 0, result = 0;
    char out[NUMBER_TEXT_SIZE];
    double real = 0, back = 0;
    for (unsigned scale = 0; scale <= NUMBER_SCALE_MAX; scale++) {
        size_t size = number_format_decimal(value, scale, ',', '.', out);
        MUST(size == strlen(out) && number_parse_decimal(out, size, '.', scale, NUMBER_EXACT, &again));
        MUST(again == value);
    }
    memcpy(&real, &value, sizeof real);
    if (isfinite(real)) {
        size_t size = number_format_double(real, out);
        MUST(number_parse_double(out, size, &back) && (back == real && signbit(back) == signbit(real)));
    }
    bool fits = number_multiply_divide(value, numerator, denominator, &result);
    if (denominator == 0) {
        MUST(!fits);
        return;
    }
    /* Half to even: twice the remainder against the divisor. */
    wide product = (wide)value * numerator, quotient = product / denominator, rest = product % denominator;
    wide twice = (rest < 0 ? -rest : rest) * 2, divisor = denominator < 0 ? -(wide)denominator : denominator;
    if (twice > divisor || (twice == divisor && quotient % 2 != 0))
        quotient += (product < 0) != (denominator < 0) ? -1 : 1;
    MUST(fits == (quotient >= INT64_MIN && quotient <= INT64_MAX));
    MUST(!fits || result == (int64_t)quotient);
}

static void write_moments(struct input *input)
{
    int64_t us = (int64_t)input_u64(input), months = (int64_t)input_u64(input), moved = 0;
    int32_t days = (int32_t)input_u64(input), there = 0;
    char out[MOMENT_TEXT_SIZE];
    write_instant(us);
    write_date(days);
    write_date(instant_date(us));
    MUST(duration_format(us, out) == strlen(out));
    if (date_add_days(days, months, &there))
        MUST((wide)there == (wide)days + months);
    else
        MUST((wide)days + months < INT32_MIN || (wide)days + months > INT32_MAX);
    if (date_add_months(days, months, &there)) {
        struct civil from, to;
        date_to_civil(days, &from);
        date_to_civil(there, &to);
        MUST((wide)to.year * 12 + to.month == (wide)from.year * 12 + from.month + months);
        MUST(to.day == from.day || (to.day < from.day && to.day == date_month_days(to.year, to.month)));
    }
    if (instant_add(us, months, &moved))
        MUST((wide)moved == (wide)us + months);
    if (instant_add_months(us, months % 100000, &moved))
        write_instant(moved);
}

static void compute_decimals(struct input *input)
{
    struct decimal a = {(int64_t)input_u64(input), input_byte(input) % (DECIMAL_SCALE_MAX + 1)};
    struct decimal b = {(int64_t)input_u64(input), input_byte(input) % (DECIMAL_SCALE_MAX + 1)}, out, back;
    int compared = decimal_compare(a, b);
    MUST(compared == -decimal_compare(b, a) && decimal_compare(a, a) == 0);
    if (decimal_subtract(a, b, &out))
        MUST((out.digits > 0) - (out.digits < 0) == compared);
    if (decimal_add(a, b, &out) && decimal_subtract(out, b, &back))
        MUST(decimal_compare(back, a) == 0);
    if (decimal_multiply(a, b, &out) && b.digits != 0 && decimal_divide(out, b, &back))
        MUST(decimal_compare(back, a) == 0);
    if (decimal_divide(a, b, &out)) {
        MUST(b.digits != 0 && out.scale <= DECIMAL_SCALE_MAX);
        if (decimal_multiply(out, b, &back))
            MUST(decimal_compare(back, a) == 0);
    }
    int64_t exact = 0, rounded = 0;
    uint32_t scale = b.scale;
    if (decimal_rescale(a, scale, false, &exact))
        MUST(decimal_rescale(a, scale, true, &rounded) && rounded == exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, bytes + length};
    unsigned what = input_byte(&input) % 10;
    char *text = strndup((const char *)input.at, input_left(&input));
    MUST(text != NULL);
    size_t size = strlen(text);
    struct input behind = {input.at + size, input.end}; /* a NUL, then how to read it */
    (void)input_byte(&behind);
    switch (what) {
    case 0: read_integer(text, size); break;
    case 1: read_double(text, size); break;
    case 2: read_decimal(&behind, text, size); break;
    case 3: read_money(&behind, text, size); break;
    case 4: read_moment(&behind, text, size); break;
    case 5: read_format(text, size); break;
    case 6: read_id(text, size); break;
    case 7: write_numbers(&input); break;
    case 8: write_moments(&input); break;
    default: compute_decimals(&input); break;
    }
    free(text);
    return 0;
}
