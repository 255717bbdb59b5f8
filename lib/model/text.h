/* text: UTF-8, the search key of a name, and the width of text on a terminal.
 *
 * Every function takes bytes with a length and survives any bytes.  The rules
 * of folding, with their sources, are in docs/TEXT.md.
 */
#ifndef MODEL_TEXT_H
#define MODEL_TEXT_H

#include "sys/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Well-formed UTF-8 as Unicode defines it: no overlong form, no surrogate,
 * nothing above U+10FFFF.  U+0000 is a character like any other. */
bool text_valid(const void *bytes, size_t length);

/* How many leading bytes are well-formed: `length` when all are. */
size_t text_valid_prefix(const void *bytes, size_t length);

/* Decodes the character at `at`: its size in bytes (1 to 4), or 0 at `end` and
 * where the bytes are not UTF-8. */
size_t text_next(const uint8_t *at, const uint8_t *end, uint32_t *code);

/* Writes a character: its size in bytes; 0 when it is a surrogate or too large. */
size_t text_put(uint8_t out[4], uint32_t code);

/* The value 0 to 9 of a decimal digit (ASCII, full width, Arabic-Indic,
 * Persian, Devanagari, Bengali, Thai), or -1. */
int text_digit(uint32_t code);

/* Appends the search key of a name: case, width, accents, punctuation and runs
 * of blanks no longer matter.  Two names that a person would type for each
 * other have the same key, and a prefix of a name has a prefix of its key (but
 * for a blank at the end, which a key never has).  The key is at most
 * TEXT_FOLD_GROWTH times as long as the text; it is empty when the text has
 * neither letter, digit nor symbol.  False, with nothing appended, when the
 * text is not UTF-8; false with `out->failed` set when memory ran out. */
enum { TEXT_FOLD_GROWTH = 12 };
bool text_fold(struct buffer *out, const void *bytes, size_t length);

/* The second key of a name that a German spells in two ways: "Müller" as
 * "mueller" (text_fold gives "muller").  `*differs` says whether the text has
 * such a letter at all; when not, nothing is appended, for the key would be
 * that of text_fold.  Otherwise as text_fold. */
bool text_fold_german(struct buffer *out, const void *bytes, size_t length, bool *differs);

/* Appends the text in lower case (simple mappings) and in the composed form
 * that makes full and half width one (NFKC), for addresses and host names.
 * False when it is not UTF-8 or longer than TEXT_LOWER_MAX bytes. */
enum { TEXT_LOWER_MAX = 512 };
bool text_lower(struct buffer *out, const void *bytes, size_t length);

/* The text without blanks (also Unicode ones) at both ends. */
void text_trim(const char **bytes, size_t *length);

/* Columns on a terminal: East Asian wide characters take 2, combining marks
 * and control characters 0, a byte that is not UTF-8 takes 1. */
size_t text_width(const void *bytes, size_t length);

/* How many bytes fit into so many columns, with the marks that belong to the
 * last character. */
size_t text_cut(const void *bytes, size_t length, size_t columns);

/* Appends the text with nothing in it that could steer a terminal: line breaks
 * and tabs become blanks, other control characters their pictures, what turns
 * the direction of writing and bytes that are not UTF-8 become U+FFFD. */
void text_printable(struct buffer *out, const void *bytes, size_t length);

#endif
