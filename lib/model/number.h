/* number: integers, floating point and fixed-point decimals to text and back,
 * the same in every locale.  All of the text must be the number; blanks around
 * it are fine.  docs/TIME_AND_MONEY.md has the rules of groups and rounding. */
#ifndef MODEL_NUMBER_H
#define MODEL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NUMBER_TEXT_SIZE = 64, /* room for any number formatted here */
    NUMBER_SCALE_MAX = 18
};

/* [+-]digits.  False when it is something else or does not fit. */
bool number_parse_int(const char *text, size_t length, int64_t *out);
bool number_parse_uint(const char *text, size_t length, uint64_t *out);

/* [+-]digits[.digits][e[+-]digits], correctly rounded.  Infinity and NaN are
 * refused, also as the result of an overflow; what is too small becomes 0. */
bool number_parse_double(const char *text, size_t length, double *out);

/* What became of the digits behind the last one kept. */
enum { NUMBER_EXACT = 0, NUMBER_ROUND_HALF_EVEN = 1 };
/* A decimal as an integer scaled by 10^scale: "1,234.50" at scale 2 is 123450.
 * `mark` is '.' or ','; 0 means '.'.  The other of the two, an apostrophe, a
 * blank or a no-break blank may group the digits before the mark, always by
 * threes, always the same one.  (1,234.50) is negative.  NUMBER_EXACT refuses
 * a digit other than 0 behind the scale. */
bool number_parse_decimal(const char *text, size_t length, char mark, unsigned scale, int rounding, int64_t *out);

/* value * numerator / denominator, rounded half to even, without overflow in
 * between; false when the result does not fit or the denominator is 0. */
bool number_multiply_divide(int64_t value, int64_t numerator, int64_t denominator, int64_t *out);

/* NUL-terminated; return the length.  `group` is put between groups of three
 * digits, 0 for none. */
size_t number_format_int(int64_t value, char group, char out[NUMBER_TEXT_SIZE]);
size_t number_format_decimal(int64_t value, unsigned scale, char group, char mark, char out[NUMBER_TEXT_SIZE]);
/* The shortest text of 15 to 17 digits that reads back as the same number;
 * "nan", "inf" and "-inf" for what is none. */
size_t number_format_double(double value, char out[NUMBER_TEXT_SIZE]);

#endif
