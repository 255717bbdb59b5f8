/* currency: ISO 4217, and amounts of money as int64 minor units.
 *
 * A currency is stored as its numeric code, which fits 16 bits.  Codes without
 * minor units in the standard (gold, test codes, "no currency") are no
 * currencies here; those withdrawn since 2015 are, for old records.
 */
#ifndef MODEL_CURRENCY_H
#define MODEL_CURRENCY_H

#include "sys/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct currency {
    char code[4];     /* "EUR" */
    uint16_t number;  /* 978 */
    uint8_t exponent; /* minor units a unit: 10^exponent; 0 to 4 */
};

/* NULL when there is none.  The code's case does not matter. */
const struct currency *currency_find(const char *code, size_t length);
const struct currency *currency_by_number(uint16_t number);
size_t currency_count(void);
const struct currency *currency_at(size_t i); /* in the order of codes; NULL beyond */

/* Appends "1,234.50 EUR" (for people).  An unknown currency is written with its
 * number and no decimals: "123450 #998". */
void money_format(struct buffer *out, int64_t minor, uint16_t currency);
/* Appends "1234.50" (for machines). */
void money_plain(struct buffer *out, int64_t minor, uint16_t currency);
/* Reads what number_parse_decimal reads (exactly), with the currency's code
 * before or behind it if you like. */
bool money_parse(const char *text, size_t length, char mark, uint16_t currency, int64_t *minor);

#endif
