/* buffer: see buffer.h.
 *
 * UTF-8 is judged here by hand, for the terminal only: the library hands out
 * nothing but valid UTF-8, but messages also carry words of the command line
 * and names of files, which can be any bytes.
 */
#include "buffer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static void out_of_memory(void)
{
    fputs("crm: out of memory\n", stderr);
    exit(1);
}

void *memory_resize(void *old, size_t count, size_t size)
{
    void *memory;

    if (count == 0 || size == 0) {
        free(old);
        return NULL;
    }
    if (count > SIZE_MAX / size)
        out_of_memory();
    memory = realloc(old, count * size);
    if (!memory)
        out_of_memory();
    return memory;
}

char *memory_text(const char *text, size_t length)
{
    char *copy = memory_resize(NULL, length + 1, 1);

    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static void buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity ? buffer->capacity : 128;

    if (more > SIZE_MAX / 2 - buffer->length - 1)
        out_of_memory();
    while (capacity < buffer->length + more + 1)
        capacity *= 2;
    if (capacity != buffer->capacity) {
        buffer->data = memory_resize(buffer->data, capacity, 1);
        buffer->capacity = capacity;
    }
}

void buffer_add(struct buffer *buffer, const char *text, size_t length)
{
    buffer_reserve(buffer, length);
    if (length > 0)
        memcpy(buffer->data + buffer->length, text, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_put(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_print_list(struct buffer *buffer, const char *format, va_list list)
{
    char *text = NULL;
    int length = vasprintf(&text, format, list);

    if (length < 0)
        out_of_memory();
    buffer_add(buffer, text, (size_t)length);
    free(text);
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    buffer_print_list(buffer, format, list);
    va_end(list);
}

void buffer_repeat(struct buffer *buffer, const char *text, size_t times)
{
    while (times-- > 0)
        buffer_put(buffer, text);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

/* The length of the UTF-8 sequence at `text` and its code point, or 0 when
 * there is none that is well-formed. */
static size_t utf8_decode(const char *text, size_t length, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    uint32_t value;

    if (size == 0 || size > length)
        return 0;
    value = size == 1 ? first : (uint32_t)first & (0xFFU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)text[i] & 0x3F);
    }
    if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code = value;
    return size;
}

void buffer_json(struct buffer *buffer, const char *text, size_t length)
{
    buffer_put(buffer, "\"");
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(text + i, length - i, &code);

        if (size == 0) {
            buffer_put(buffer, REPLACEMENT);
            i++;
            continue;
        }
        if (code == '"' || code == '\\')
            buffer_print(buffer, "\\%c", (char)code);
        else if (code == '\n')
            buffer_put(buffer, "\\n");
        else if (code == '\t')
            buffer_put(buffer, "\\t");
        else if (code == '\r')
            buffer_put(buffer, "\\r");
        else if (code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029)
            buffer_print(buffer, "\\u%04x", (unsigned)code);
        else
            buffer_add(buffer, text + i, size);
        i += size;
    }
    buffer_put(buffer, "\"");
}

void buffer_csv(struct buffer *buffer, const char *text, size_t length)
{
    bool quote = length > 0 && (text[0] == ' ' || text[0] == '\t' || text[length - 1] == ' ');

    for (size_t i = 0; i < length && !quote; i++)
        quote = text[i] == '"' || text[i] == ',' || text[i] == ';' || text[i] == '\n' || text[i] == '\r';
    if (!quote) {
        buffer_add(buffer, text, length);
        return;
    }
    buffer_put(buffer, "\"");
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            buffer_put(buffer, "\"");
        buffer_add(buffer, text + i, 1);
    }
    buffer_put(buffer, "\"");
}

/* Marks that reorder or hide what stands around them. */
static bool code_deceives(uint32_t code)
{
    return code == 0x200E || code == 0x200F || code == 0x061C || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

void buffer_plain(struct buffer *buffer, const char *text, size_t length, bool lines)
{
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(text + i, length - i, &code);

        if (size == 0)
            buffer_put(buffer, REPLACEMENT);
        else if (code == '\r' && i + 1 < length && text[i + 1] == '\n')
            ; /* the line end that follows says it all */
        else if (code == '\n' && lines)
            buffer_put(buffer, "\n");
        else if (code == '\n' || code == '\t' || code == '\r' || code == 0x2028 || code == 0x2029)
            buffer_put(buffer, " ");
        else if (code < 0x20 || (code >= 0x7F && code < 0xA0))
            buffer_put(buffer, REPLACEMENT);
        else if (!code_deceives(code))
            buffer_add(buffer, text + i, size);
        i += size ? size : 1;
    }
}
