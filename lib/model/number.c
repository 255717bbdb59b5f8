/* number: integers and fixed-point decimals, to text and back.
 *
 * Own code, since the C library's depends on the locale of the program that
 * links this one, and since a comma in "1,234" must be judged, not skipped.
 * Every digit is added with an overflow check.  Floating point is in
 * number_double.c.
 */
#include "model/number.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **text, size_t *length)
{
    for (; *length > 0 && is_blank((*text)[0]); (*length)--)
        (*text)++;
    while (*length > 0 && is_blank((*text)[*length - 1]))
        (*length)--;
}

/* Takes a sign from the front, also U+2212 MINUS SIGN. */
static bool take_sign(const char **text, size_t *length)
{
    size_t size = 0;
    bool negative = false;

    if (*length >= 3 && memcmp(*text, "\xE2\x88\x92", 3) == 0) {
        negative = true;
        size = 3;
    } else if (*length > 0 && ((*text)[0] == '-' || (*text)[0] == '+')) {
        negative = (*text)[0] == '-';
        size = 1;
    }
    *text += size;
    *length -= size;
    return negative;
}

static bool add_digit(uint64_t *value, char digit)
{
    return !__builtin_mul_overflow(*value, 10, value) &&
           !__builtin_add_overflow(*value, (uint64_t)(digit - '0'), value);
}

static bool parse_magnitude(const char *text, size_t length, uint64_t *out)
{
    uint64_t value = 0;

    if (length == 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_digit(text[i]) || !add_digit(&value, text[i]))
            return false;
    *out = value;
    return true;
}

/* The sign put back, where the number still fits. */
static bool apply_sign(uint64_t magnitude, bool negative, int64_t *out)
{
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool number_parse_int(const char *text, size_t length, int64_t *out)
{
    uint64_t magnitude;

    trim(&text, &length);
    bool negative = take_sign(&text, &length);
    return parse_magnitude(text, length, &magnitude) && apply_sign(magnitude, negative, out);
}

bool number_parse_uint(const char *text, size_t length, uint64_t *out)
{
    trim(&text, &length);
    if (length > 0 && text[0] == '+') {
        text++;
        length--;
    }
    return parse_magnitude(text, length, out);
}

/* The size of the group separator at `text`, 0 when there is none. */
static size_t separator_size(const char *text, size_t left, char mark)
{
    if (text[0] == (mark == '.' ? ',' : '.') || text[0] == '\'' || text[0] == ' ')
        return 1;
    if (left >= 2 && memcmp(text, "\xC2\xA0", 2) == 0) /* no-break space */
        return 2;
    if (left >= 3 && (memcmp(text, "\xE2\x80\xAF", 3) == 0 || memcmp(text, "\xE2\x80\x99", 3) == 0))
        return 3; /* narrow no-break space, right single quotation mark */
    return 0;
}

/* The digits before the mark, in one piece or in groups of three.  Returns how
 * many bytes they take, or SIZE_MAX when they are malformed or do not fit. */
static size_t parse_whole(const char *text, size_t length, char mark, uint64_t *value)
{
    const char *separator = NULL;
    size_t separator_length = 0;
    size_t run = 0; /* digits since the last separator */
    size_t i = 0;

    while (i < length && text[i] != mark) {
        if (is_digit(text[i])) {
            if (!add_digit(value, text[i]))
                return SIZE_MAX;
            run++;
            i++;
            continue;
        }
        size_t size = separator_size(text + i, length - i, mark);
        bool same = separator == NULL || (size == separator_length && memcmp(separator, text + i, size) == 0);
        bool whole_group = separator == NULL ? run >= 1 && run <= 3 : run == 3;
        if (size == 0 || !same || !whole_group)
            return SIZE_MAX;
        separator = text + i;
        separator_length = size;
        run = 0;
        i += size;
    }
    return separator != NULL && run != 3 ? SIZE_MAX : i;
}

/* Rounds by the digits behind the last one kept. */
static bool round_rest(const char *rest, size_t length, int rounding, uint64_t *value)
{
    bool more = false;

    for (size_t i = 1; i < length; i++)
        more |= rest[i] != '0';
    if (length == 0 || (rest[0] == '0' && !more))
        return true;
    if (rounding == NUMBER_EXACT)
        return false;
    bool up = rest[0] > '5' || (rest[0] == '5' && (more || (*value & 1)));
    return !__builtin_add_overflow(*value, (uint64_t)up, value);
}

bool number_parse_decimal(const char *text, size_t length, char mark, unsigned scale, int rounding, int64_t *out)
{
    uint64_t value = 0;

    mark = mark == 0 ? '.' : mark;
    if (scale > NUMBER_SCALE_MAX || (mark != '.' && mark != ','))
        return false;
    trim(&text, &length);
    bool brackets = length >= 2 && text[0] == '(' && text[length - 1] == ')';
    if (brackets) {
        text++;
        length -= 2;
        trim(&text, &length);
    }
    bool negative = !brackets && take_sign(&text, &length);
    size_t whole = parse_whole(text, length, mark, &value);
    if (whole == SIZE_MAX)
        return false;
    const char *fraction = whole < length ? text + whole + 1 : text + whole;
    size_t fraction_length = whole < length ? length - whole - 1 : 0;
    if (whole + fraction_length == 0)
        return false; /* not a digit at all */
    for (size_t i = 0; i < fraction_length; i++)
        if (!is_digit(fraction[i]))
            return false;
    for (size_t i = 0; i < scale; i++)
        if (!add_digit(&value, i < fraction_length ? fraction[i] : '0'))
            return false;
    size_t kept = fraction_length < scale ? fraction_length : scale;
    return round_rest(fraction + kept, fraction_length - kept, rounding, &value) &&
           apply_sign(value, negative || brackets, out);
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

bool number_multiply_divide(int64_t value, int64_t numerator, int64_t denominator, int64_t *out)
{
    __extension__ typedef unsigned __int128 wide;

    if (denominator == 0)
        return false;
    bool negative = ((value < 0) != (numerator < 0)) != (denominator < 0);
    wide product = (wide)magnitude_of(value) * magnitude_of(numerator);
    uint64_t divisor = magnitude_of(denominator);
    wide quotient = product / divisor;
    uint64_t rest = (uint64_t)(product % divisor);
    /* rest against divisor - rest: doubling the rest could overflow */
    if (rest > divisor - rest || (rest == divisor - rest && (quotient & 1)))
        quotient++;
    return quotient <= (wide)INT64_MAX + 1 && apply_sign((uint64_t)quotient, negative, out);
}

/* Writes digits backwards from `end`; returns the first. */
static char *put_backwards(char *end, uint64_t value, unsigned scale, char group, char mark)
{
    char *at = end;
    unsigned written = 0;

    while (value > 0 || written <= scale) {
        if (scale > 0 && written == scale)
            *--at = mark;
        if (group && written > scale && (written - scale) % 3 == 0)
            *--at = group;
        *--at = (char)('0' + value % 10);
        value /= 10;
        written++;
    }
    return at;
}

size_t number_format_decimal(int64_t value, unsigned scale, char group, char mark, char out[NUMBER_TEXT_SIZE])
{
    char text[NUMBER_TEXT_SIZE]; /* 20 digits, 6 groups, mark, sign */
    char *end = text + sizeof text;

    if (scale > NUMBER_SCALE_MAX)
        scale = NUMBER_SCALE_MAX;
    char *at = put_backwards(end, magnitude_of(value), scale, group, mark == 0 ? '.' : mark);
    if (value < 0)
        *--at = '-';
    size_t length = (size_t)(end - at);
    memcpy(out, at, length);
    out[length] = 0;
    return length;
}

size_t number_format_int(int64_t value, char group, char out[NUMBER_TEXT_SIZE])
{
    return number_format_decimal(value, 0, group, '.', out);
}
