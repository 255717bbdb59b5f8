/* number_double: floating point to text and back, in no locale.
 *
 * The C library reads and writes doubles correctly but with the locale's
 * decimal mark.  So neither direction shows it one: a number is handed to
 * strtod as whole digits with an exponent ("12.5" as "125e-1"), and what
 * snprintf writes is taken apart into its digits, whatever stands between them.
 */
#include "model/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No double needs more digits to be rounded correctly: 767 tell any from the
 * middle between two; one more stands for all that follow. */
enum { SIGNIFICANT_MAX = 768 };

struct decimal {
    char digits[SIGNIFICANT_MAX + 32]; /* and "e-1234567890" behind them */
    size_t count;
    int64_t exponent; /* of the last digit */
    bool any;         /* at least one digit was there, if only 0 */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void add_digit(struct decimal *decimal, char digit, bool fraction)
{
    decimal->any = true;
    if (decimal->count == 0 && digit == '0') {
        decimal->exponent -= fraction;
    } else if (decimal->count < SIGNIFICANT_MAX) {
        decimal->digits[decimal->count++] = digit;
        decimal->exponent -= fraction;
    } else {
        decimal->exponent += !fraction;
        if (digit != '0')
            decimal->digits[SIGNIFICANT_MAX - 1] |= 1; /* odd: never in the middle */
    }
}

/* Digits, mark, digits; returns how many bytes. */
static size_t parse_digits(struct decimal *decimal, const char *text, size_t length)
{
    bool fraction = false;
    size_t i = 0;

    for (; i < length && (is_digit(text[i]) || (text[i] == '.' && !fraction)); i++) {
        if (text[i] == '.')
            fraction = true;
        else
            add_digit(decimal, text[i], fraction);
    }
    return i;
}

/* [eE][+-]digits at the end of the text. */
static bool parse_exponent(struct decimal *decimal, const char *text, size_t length)
{
    int64_t exponent = 0;
    size_t i = 1;

    if (length == 0)
        return true;
    if (text[0] != 'e' && text[0] != 'E')
        return false;
    bool negative = length > 1 && text[1] == '-';
    if (negative || (length > 1 && text[1] == '+'))
        i++;
    if (i == length)
        return false;
    for (; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        if (exponent < 100000000)
            exponent = exponent * 10 + (text[i] - '0');
    }
    decimal->exponent += negative ? -exponent : exponent;
    return true;
}

/* Whole numbers up to 2^53 times or over powers of ten up to 10^22 are exact in
 * a double, and one operation rounds once: no need for strtod. */
static bool convert_quickly(const struct decimal *decimal, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t whole = 0;

    if (decimal->count > 15 || decimal->exponent < -22 || decimal->exponent > 22)
        return false;
    for (size_t i = 0; i < decimal->count; i++)
        whole = whole * 10 + (uint64_t)(decimal->digits[i] - '0');
    *out =
        decimal->exponent < 0 ? (double)whole / powers[-decimal->exponent] : (double)whole * powers[decimal->exponent];
    return true;
}

bool number_parse_double(const char *text, size_t length, double *out)
{
    struct decimal decimal = {.count = 0};
    double value = 0;

    while (length > 0 && (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r'))) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || (text[length - 1] >= '\t' && text[length - 1] <= '\r')))
        length--;
    bool negative = length > 0 && text[0] == '-';
    if (negative || (length > 0 && text[0] == '+')) {
        text++;
        length--;
    }
    size_t used = parse_digits(&decimal, text, length);
    if (!decimal.any || !parse_exponent(&decimal, text + used, length - used))
        return false;
    if (decimal.count > 0 && !convert_quickly(&decimal, &value)) {
        int saved = errno;
        int64_t exponent = decimal.exponent < -100000 ? -100000 : decimal.exponent > 100000 ? 100000 : decimal.exponent;
        (void)snprintf(decimal.digits + decimal.count, sizeof decimal.digits - decimal.count, "e%d", (int)exponent);
        value = strtod(decimal.digits, NULL);
        errno = saved;
    }
    if (!isfinite(value))
        return false;
    *out = negative ? -value : value;
    return true;
}

/* Splits what "%.*e" writes into digits and exponent, past any decimal mark. */
static size_t digits_of(double value, int precision, char digits[32], int *exponent)
{
    char text[64];
    size_t count = 0;

    (void)snprintf(text, sizeof text, "%.*e", precision - 1, value);
    const char *mark = strrchr(text, 'e');
    for (const char *at = text; mark && at < mark; at++)
        if (is_digit(*at) && count < 31)
            digits[count++] = *at;
    *exponent = mark ? (int)strtol(mark + 1, NULL, 10) : 0;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return count;
}

/* Lays out digits with the mark behind the first `whole` (which may be none). */
static size_t put_plain(char *out, const char *digits, int count, int whole)
{
    char *at = out;

    if (whole <= 0) {
        *at++ = '0';
        *at++ = '.';
        for (int i = whole; i < 0; i++)
            *at++ = '0';
    }
    for (int i = 0; i < count || i < whole; i++) {
        if (i == whole && whole > 0)
            *at++ = '.';
        *at++ = i < count ? digits[i] : '0';
    }
    return (size_t)(at - out);
}

size_t number_format_double(double value, char out[NUMBER_TEXT_SIZE])
{
    char digits[32];
    size_t count = 0;
    size_t length = 0;
    int exponent = 0;

    if (!isfinite(value)) {
        const char *name = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
        length = strlen(name);
        memcpy(out, name, length + 1);
        return length;
    }
    if (signbit(value))
        out[length++] = '-';
    for (int precision = 15; precision <= 17; precision++) {
        char trial[64];
        double back = 0;
        count = digits_of(fabs(value), precision, digits, &exponent);
        int n = snprintf(trial, sizeof trial, "%.*se%d", (int)count, digits, exponent - (int)count + 1);
        if (n > 0 && number_parse_double(trial, (size_t)n, &back) && back == fabs(value))
            break;
    }
    if (exponent >= -5 && exponent < 17) {
        length += put_plain(out + length, digits, (int)count, exponent + 1);
    } else {
        length += put_plain(out + length, digits, (int)count, 1);
        int n = snprintf(out + length, NUMBER_TEXT_SIZE - length, "e%d", exponent);
        length += n > 0 ? (size_t)n : 0;
    }
    out[length] = 0;
    return length;
}
