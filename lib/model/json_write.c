/* json_write: the parts of JSON text.  Whatever the bytes, the output is valid
 * UTF-8 and valid JSON, since what reads it may be stricter than we are. */
#include "model/json.h"

#include "model/number.h"
#include "model/text.h"

#include <math.h>
#include <string.h>

/* Whether a byte of a string must be escaped. */
static bool is_special(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

static void put_escape(struct buffer *out, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char values[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    const char *value = byte ? strchr(values, byte) : NULL;

    if (value) {
        const char text[2] = {'\\', names[value - values]};
        buffer_append(out, text, 2);
    } else {
        const char text[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0xF]};
        buffer_append(out, text, 6);
    }
}

void json_string(struct buffer *out, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    size_t valid = text_valid_prefix(bytes, length);

    buffer_byte(out, '"');
    while (length > 0) {
        if (valid == 0) { /* a byte that is not UTF-8 */
            buffer_text(out, "\xEF\xBF\xBD");
            at++;
            length--;
            valid = text_valid_prefix(at, length);
            continue;
        }
        size_t run = 0;
        while (run < valid && !is_special(at[run]))
            run++;
        buffer_append(out, at, run);
        if (run < valid)
            put_escape(out, at[run++]);
        at += run;
        length -= run;
        valid -= run;
        if (valid == 0)
            valid = text_valid_prefix(at, length);
    }
    buffer_byte(out, '"');
}

void json_text(struct buffer *out, const char *text)
{
    json_string(out, text, strlen(text));
}

void json_key(struct buffer *out, const char *key)
{
    json_text(out, key);
    buffer_byte(out, ':');
}

void json_number_int(struct buffer *out, int64_t value)
{
    char text[NUMBER_TEXT_SIZE];

    buffer_append(out, text, number_format_int(value, 0, text));
}

void json_number_double(struct buffer *out, double value)
{
    char text[NUMBER_TEXT_SIZE];

    if (isfinite(value))
        buffer_append(out, text, number_format_double(value, text));
    else
        buffer_text(out, "null"); /* JSON has no other word for it */
}

void json_bool(struct buffer *out, bool value)
{
    buffer_text(out, value ? "true" : "false");
}
