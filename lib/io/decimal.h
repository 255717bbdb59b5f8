/* decimal: exact decimal numbers for the expressions of a mapping.
 *
 * A number is an int64 and how many of its digits stand behind the point.
 * Every operation gives the exact result or none: an import that rounds unasked
 * would be wrong by cents that nobody finds again.
 */
#ifndef IO_DECIMAL_H
#define IO_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decimal {
    int64_t digits;
    uint32_t scale; /* 0 to DECIMAL_SCALE_MAX */
};
enum { DECIMAL_SCALE_MAX = 18 };

/* [+-]digits[.digits], groups of three by ',' too; `mark` ',' turns the two
 * around.  Blanks around are fine.  False: something else, or too large. */
bool decimal_parse(const char *text, size_t length, char mark, struct decimal *out);

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_subtract(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out);
/* False also for a quotient without an end, and by 0. */
bool decimal_divide(struct decimal a, struct decimal b, struct decimal *out);
int decimal_compare(struct decimal a, struct decimal b);
/* The digits at another scale.  False when it does not fit, or digits other
 * than 0 would be lost and `rounded` (half to even) is not asked for. */
bool decimal_rescale(struct decimal value, uint32_t scale, bool rounded, int64_t *out);
/* NUL-terminated, without zeros at the end; at most 32 bytes. */
size_t decimal_format(struct decimal value, char out[32]);

#endif
