/* csv_write: fields as RFC 4180 has them.
 *
 * What is written reads back the same, so text that a spreadsheet would compute
 * (=cmd…) is left alone by default: changing a customer's data on export is
 * worse than a formula in a spreadsheet.  Whoever hands a file to people who
 * open it with one asks for csv_field_guarded.
 */
#include "io/csv.h"

#include "model/number.h"

#include <string.h>

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static bool begins_with(const uint8_t *bytes, size_t length, const char *what)
{
    return length >= strlen(what) && memcmp(bytes, what, strlen(what)) == 0;
}

static bool needs_quotes(const uint8_t *bytes, size_t length, uint8_t delimiter)
{
    if (length == 0)
        return delimiter == ' '; /* or it would vanish in the run of blanks */
    if (is_blank(bytes[0]) || is_blank(bytes[length - 1]))
        return true;
    /* At the front of a file these mean something else. */
    if (begins_with(bytes, length, "\xEF\xBB\xBF") || begins_with(bytes, length, "\xFF\xFE") ||
        begins_with(bytes, length, "\xFE\xFF") || begins_with(bytes, length, "sep="))
        return true;
    return memchr(bytes, '"', length) || memchr(bytes, '\n', length) || memchr(bytes, '\r', length) ||
           memchr(bytes, delimiter, length) || (delimiter == ' ' && memchr(bytes, '\t', length));
}

/* The text with quotes doubled, in quotes, behind `prefix`. */
static void put_quoted(struct buffer *out, const char *prefix, const uint8_t *bytes, size_t length)
{
    buffer_byte(out, '"');
    buffer_text(out, prefix);
    while (length > 0) {
        const uint8_t *quote = memchr(bytes, '"', length);
        size_t run = quote ? (size_t)(quote - bytes) + 1 : length;
        buffer_append(out, bytes, run);
        if (quote)
            buffer_byte(out, '"');
        bytes += run;
        length -= run;
    }
    buffer_byte(out, '"');
}

void csv_field(struct buffer *out, const void *bytes, size_t length, char delimiter)
{
    if (needs_quotes(bytes, length, (uint8_t)delimiter))
        put_quoted(out, "", bytes, length);
    else
        buffer_append(out, bytes, length);
}

void csv_field_guarded(struct buffer *out, const void *bytes, size_t length, char delimiter)
{
    double ignored;

    if (length == 0 || memchr("=+-@\t\r", *(const uint8_t *)bytes, 6) == NULL ||
        number_parse_double(bytes, length, &ignored))
        csv_field(out, bytes, length, delimiter);
    else
        put_quoted(out, "'", bytes, length);
}

void csv_row_end(struct buffer *out, size_t row_start)
{
    if (out->length == row_start)
        buffer_text(out, "\"\"");
    buffer_byte(out, '\n');
}
