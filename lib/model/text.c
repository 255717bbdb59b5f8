/* text: well-formedness, iteration, display width and safe output of UTF-8.
 *
 * Decoding follows table 3-7 of the Unicode standard (well-formed UTF-8 byte
 * sequences), so that there is one reading of any bytes.  Runs of ASCII, which
 * most customer data is, are passed eight bytes at a time.  Relies on utf8proc
 * for what needs the character database: widths, lower case, composition.
 * Folding to search keys is in text_fold.c.
 */
#include "model/text.h"

#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD };

/* Bytes of ASCII at the front of `at`. */
static size_t ascii_run(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *start = at;

    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        at += 8;
    }
    while (at < end && *at < 0x80)
        at++;
    return (size_t)(at - start);
}

static bool is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t text_next(const uint8_t *at, const uint8_t *end, uint32_t *code)
{
    size_t left = (size_t)(end - at);

    if (left == 0)
        return 0;
    uint32_t lead = at[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    if (lead < 0xC2 || left < 2 || !is_tail(at[1])) /* C0 and C1 could only begin an overlong form */
        return 0;
    if (lead < 0xE0) {
        *code = (lead & 0x1Fu) << 6 | (at[1] & 0x3Fu);
        return 2;
    }
    if (left < 3 || !is_tail(at[2]))
        return 0;
    if (lead < 0xF0) {
        uint32_t value = (lead & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
        if (value < 0x800 || (value >= 0xD800 && value <= 0xDFFF))
            return 0;
        *code = value;
        return 3;
    }
    if (lead > 0xF4 || left < 4 || !is_tail(at[3]))
        return 0;
    uint32_t value = (lead & 0x07u) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
    if (value < 0x10000 || value > 0x10FFFF)
        return 0;
    *code = value;
    return 4;
}

size_t text_put(uint8_t out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        if (code >= 0xD800 && code <= 0xDFFF)
            return 0;
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    if (code > 0x10FFFF)
        return 0;
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

size_t text_valid_prefix(const void *bytes, size_t length)
{
    if (length == 0)
        return 0;
    const uint8_t *start = bytes;
    const uint8_t *at = start;
    const uint8_t *end = start + length;
    uint32_t code;
    size_t size = 1;

    while (size != 0) {
        at += ascii_run(at, end);
        size = text_next(at, end, &code);
        at += size;
    }
    return (size_t)(at - start);
}

bool text_valid(const void *bytes, size_t length)
{
    return text_valid_prefix(bytes, length) == length;
}

int text_digit(uint32_t code)
{
    /* Each script's digits are ten code points in a row, 0 first. */
    static const uint32_t zeros[] = {0x0030, 0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0xFF10};

    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++)
        if (code >= zeros[i] && code <= zeros[i] + 9)
            return (int)(code - zeros[i]);
    return -1;
}

/* White space of the Unicode property, and what looks like none at all. */
static bool is_blank(uint32_t code)
{
    return code == 0x20 || (code >= 0x09 && code <= 0x0D) || code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200B) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000 || code == 0xFEFF;
}

void text_trim(const char **bytes, size_t *length)
{
    if (*length == 0)
        return;
    const uint8_t *at = (const uint8_t *)*bytes;
    const uint8_t *end = at + *length;
    uint32_t code;
    size_t size;

    while ((size = text_next(at, end, &code)) != 0 && is_blank(code))
        at += size;
    while (at < end) {
        const uint8_t *last = end - 1;
        while (last > at && is_tail(*last))
            last--;
        size = text_next(last, end, &code);
        if (size != (size_t)(end - last) || !is_blank(code))
            break;
        end = last;
    }
    *bytes = (const char *)at;
    *length = (size_t)(end - at);
}

bool text_lower(struct buffer *out, const void *bytes, size_t length)
{
    /* Three bytes become at most 18 characters (U+FDFA). */
    enum { CODES_MAX = TEXT_LOWER_MAX * 6 };
    utf8proc_int32_t codes[CODES_MAX];
    const uint8_t *text = bytes;

    if (length > TEXT_LOWER_MAX)
        return false;
    if (length == 0)
        return true;
    if (!buffer_reserve(out, length))
        return false;
    if (ascii_run(text, text + length) == length) {
        for (size_t i = 0; i < length; i++)
            out->data[out->length++] = text[i] >= 'A' && text[i] <= 'Z' ? (uint8_t)(text[i] + 32) : text[i];
        return true;
    }
    if (!text_valid(text, length))
        return false;
    /* Decomposed first, so that both forms of a letter meet the same mapping. */
    utf8proc_ssize_t count = utf8proc_decompose(text, (utf8proc_ssize_t)length, codes, CODES_MAX,
                                                UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    if (count < 0 || count > CODES_MAX)
        return false;
    for (utf8proc_ssize_t i = 0; i < count; i++)
        codes[i] = utf8proc_tolower(codes[i]);
    count = utf8proc_normalize_utf32(codes, count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        uint8_t encoded[4];
        buffer_append(out, encoded, text_put(encoded, (uint32_t)codes[i]));
    }
    return count >= 0 && !out->failed;
}

static size_t code_width(uint32_t code)
{
    int width = code < 0x20 || (code >= 0x7F && code < 0xA0) ? 0 : utf8proc_charwidth((utf8proc_int32_t)code);

    return width > 0 ? (size_t)width : 0;
}

/* The width of the next character, or of one byte that is not UTF-8. */
static size_t step_width(const uint8_t **at, const uint8_t *end)
{
    uint32_t code = 0;
    size_t size = text_next(*at, end, &code);
    size_t width = size == 0 ? 1 : code >= 0x20 && code < 0x7F ? 1 : code_width(code);

    *at += size == 0 ? 1 : size;
    return width;
}

size_t text_width(const void *bytes, size_t length)
{
    if (length == 0)
        return 0;
    const uint8_t *at = bytes;
    const uint8_t *end = at + length;
    size_t width = 0;

    while (at < end)
        width += step_width(&at, end);
    return width;
}

size_t text_cut(const void *bytes, size_t length, size_t columns)
{
    if (length == 0)
        return 0;
    const uint8_t *start = bytes;
    const uint8_t *at = start;
    const uint8_t *end = at + length;
    const uint8_t *fits = at;
    size_t width = 0;

    while (at < end) {
        width += step_width(&at, end);
        if (width > columns)
            break;
        fits = at;
    }
    return (size_t)(fits - start);
}

/* What a terminal may be shown in place of this character. */
static uint32_t printable(uint32_t code)
{
    if (code == '\t' || code == '\n' || code == '\r' || code == 0x0B || code == 0x0C || code == 0x85 ||
        code == 0x2028 || code == 0x2029)
        return ' ';
    if (code < 0x20)
        return 0x2400 + code; /* the block Control Pictures */
    if (code == 0x7F)
        return 0x2421;
    if (code >= 0x80 && code < 0xA0)
        return REPLACEMENT;
    if ((code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069))
        return REPLACEMENT; /* embeddings, overrides and isolates would turn what follows, too */
    return code;
}

void text_printable(struct buffer *out, const void *bytes, size_t length)
{
    if (length == 0 || !buffer_reserve(out, length))
        return;
    const uint8_t *at = bytes;
    const uint8_t *end = at + length;
    uint8_t encoded[4];

    while (at < end) {
        uint32_t code = REPLACEMENT;
        size_t size = text_next(at, end, &code);
        at += size == 0 ? 1 : size;
        buffer_append(out, encoded, text_put(encoded, printable(code)));
    }
}
