/* decimal: see decimal.h.  Intermediate results that overflow are tried again
 * without the zeros at the end of the operands before they are given up. */
#include "io/decimal.h"

#include "model/number.h"

#include <string.h>

static struct decimal trimmed(struct decimal value)
{
    while (value.scale > 0 && value.digits % 10 == 0) {
        value.digits /= 10;
        value.scale--;
    }
    return value;
}

static bool scaled_up(int64_t digits, uint32_t by, int64_t *out)
{
    for (; by > 0; by--)
        if (__builtin_mul_overflow(digits, 10, &digits))
            return false;
    *out = digits;
    return true;
}

/* Plain digits, which is nearly every number of a file, without a second look. */
static bool parse_plain(const char *text, size_t length, struct decimal *out)
{
    size_t i = 0;
    uint32_t scale = 0, count = 0;
    bool negative = false, point = false;
    int64_t digits = 0;
    if (i < length && (text[i] == '-' || text[i] == '+'))
        negative = text[i++] == '-';
    for (; i < length; i++) {
        if (text[i] == '.' && !point && count > 0) {
            point = true;
        } else if (text[i] >= '0' && text[i] <= '9' && count < 18) {
            digits = digits * 10 + (text[i] - '0');
            scale += point;
            count++;
        } else {
            return false;
        }
    }
    *out = (struct decimal){negative ? -digits : digits, scale};
    return count > 0 && text[length - 1] != '.';
}

bool decimal_parse(const char *text, size_t length, char mark, struct decimal *out)
{
    if (mark != ',' && parse_plain(text, length, out))
        return true;
    /* Names and words, which comparisons try as numbers, too, end here. */
    if (length == 0 || length > 64 || (text[0] >= 'A' && (unsigned char)text[0] < 0x80))
        return false;
    /* The scale is the count of digits behind the last mark; zeros among them
     * that do not fit are tried away. */
    if (mark == 0)
        mark = '.';
    size_t at = length;
    while (at > 0 && text[at - 1] != mark)
        at--;
    uint32_t scale = 0;
    if (at > 0)
        for (; at < length && text[at] >= '0' && text[at] <= '9' && scale < DECIMAL_SCALE_MAX; at++)
            scale++;
    for (;; scale--) {
        if (number_parse_decimal(text, length, mark, scale, NUMBER_EXACT, &out->digits)) {
            out->scale = scale;
            return true;
        }
        if (scale == 0)
            return false;
    }
}

static bool add(struct decimal a, struct decimal b, struct decimal *out)
{
    uint32_t scale = a.scale > b.scale ? a.scale : b.scale;
    int64_t left, right;
    if (!scaled_up(a.digits, scale - a.scale, &left) || !scaled_up(b.digits, scale - b.scale, &right))
        return false;
    out->scale = scale;
    return !__builtin_add_overflow(left, right, &out->digits);
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
    return add(a, b, out) || add(trimmed(a), trimmed(b), out);
}

bool decimal_subtract(struct decimal a, struct decimal b, struct decimal *out)
{
    if (b.digits == INT64_MIN)
        return false;
    b.digits = -b.digits;
    return decimal_add(a, b, out);
}

bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out)
{
    if (a.scale + b.scale > DECIMAL_SCALE_MAX || __builtin_mul_overflow(a.digits, b.digits, &out->digits)) {
        a = trimmed(a);
        b = trimmed(b);
        if (a.scale + b.scale > DECIMAL_SCALE_MAX || __builtin_mul_overflow(a.digits, b.digits, &out->digits))
            return false;
    }
    out->scale = a.scale + b.scale;
    return true;
}

bool decimal_divide(struct decimal a, struct decimal b, struct decimal *out)
{
    a = trimmed(a);
    b = trimmed(b);
    if (b.digits == 0 || (a.digits == INT64_MIN && b.digits == -1))
        return false;
    /* a/b = a.digits * 10^n / b.digits, with the point moved by n. */
    for (uint32_t n = 0;; n++) {
        if (a.digits % b.digits == 0) {
            int64_t quotient = a.digits / b.digits;
            int64_t scale = (int64_t)a.scale + n - b.scale;
            if (scale < 0) {
                out->scale = 0;
                return scaled_up(quotient, (uint32_t)-scale, &out->digits);
            }
            *out = trimmed((struct decimal){quotient, (uint32_t)scale});
            return scale <= DECIMAL_SCALE_MAX;
        }
        if (n == DECIMAL_SCALE_MAX || __builtin_mul_overflow(a.digits, 10, &a.digits))
            return false;
    }
}

/* value = whole + rest / 10^scale, the rest of the same sign. */
static void split(struct decimal value, int64_t *whole, int64_t *rest)
{
    int64_t power = 1;
    for (uint32_t i = 0; i < value.scale; i++)
        power *= 10;
    *whole = value.digits / power;
    *rest = value.digits % power;
}

int decimal_compare(struct decimal a, struct decimal b)
{
    int64_t whole_a, whole_b, rest_a, rest_b;
    split(a, &whole_a, &rest_a);
    split(b, &whole_b, &rest_b);
    if (whole_a != whole_b)
        return whole_a < whole_b ? -1 : 1;
    /* Rests are below 10^18, so bringing them to that scale cannot overflow. */
    scaled_up(rest_a, DECIMAL_SCALE_MAX - a.scale, &rest_a);
    scaled_up(rest_b, DECIMAL_SCALE_MAX - b.scale, &rest_b);
    return (rest_a > rest_b) - (rest_a < rest_b);
}

bool decimal_rescale(struct decimal value, uint32_t scale, bool rounded, int64_t *out)
{
    if (scale >= value.scale)
        return scaled_up(value.digits, scale - value.scale, out);
    int64_t power = 1;
    for (uint32_t i = scale; i < value.scale; i++)
        power *= 10;
    if (value.digits % power == 0) {
        *out = value.digits / power;
        return true;
    }
    return rounded && number_multiply_divide(value.digits, 1, power, out);
}

size_t decimal_format(struct decimal value, char out[32])
{
    char text[NUMBER_TEXT_SIZE];
    value = trimmed(value);
    size_t length = number_format_decimal(value.digits, value.scale, 0, '.', text);
    if (length > 31)
        length = 31;
    memcpy(out, text, length);
    out[length] = 0;
    return length;
}
