/* phone: telephone numbers reduced to their digits, and a key whose order puts
 * numbers with the same last digits side by side.
 *
 * A telephone exchange delivers a caller's number with or without country and
 * area code, so numbers match when one ends with the other.  The rules are in
 * docs/TEXT.md.
 *
 * Look-up of `who` in an index that is ordered by phone_key:
 *   1. phone_range over all its significant digits (phone_significant): every
 *      key in there ends with the whole number;
 *   2. for n from PHONE_MATCH_MIN up to one less than its digits: the stored
 *      number that is just its last n digits has the key phone_key_last.
 * Both together are what phone_matches accepts.  A number with fewer than
 * PHONE_MATCH_MIN significant digits has only its own key, phone_key.
 */
#ifndef MODEL_PHONE_H
#define MODEL_PHONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PHONE_DIGITS_MAX = 15, /* ITU-T E.164 */
    PHONE_MATCH_MIN = 5    /* fewer digits match only when equal */
};

struct phone {
    uint8_t count;
    bool international;                /* written with + or 00: begins with a country code */
    char digits[PHONE_DIGITS_MAX + 1]; /* ASCII, NUL-terminated */
};

/* Reads a number in any formatting.  False when it holds no digit, more than
 * PHONE_DIGITS_MAX, letters that are neither a known label ("Tel.") nor an
 * extension, or is not UTF-8. */
bool phone_digits(const void *bytes, size_t length, struct phone *out);

/* The digits that count for matching: without the zeros at the front.  Points
 * into `phone`; `*count` may be 0 ("000"). */
const char *phone_significant(const struct phone *phone, uint8_t *count);

/* The significant digits from the last to the first, 4 bits each (digit + 1),
 * from the top of the number down; 0 when there are none. */
uint64_t phone_key(const struct phone *phone);
/* The key of a number that has only the last n (0 to 15) significant digits of
 * this one; 0 when it has fewer. */
uint64_t phone_key_last(const struct phone *phone, uint8_t n);

/* The lowest and highest key of the numbers that end in these n (1 to 15)
 * ASCII digits.  False on anything else. */
bool phone_range(const char *digits, size_t n, uint64_t *low, uint64_t *high);

/* One number ends with the other, which has at least PHONE_MATCH_MIN
 * significant digits; or they are equal and not empty. */
bool phone_matches(const struct phone *a, const struct phone *b);

#endif
