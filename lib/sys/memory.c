/* memory.c: the default allocator and the growable buffer.
 *
 * All sizes are checked here once, so that a caller may pass on a length that
 * it took from a file: what cannot be had is a NULL, never a short block.
 */
#include "sys/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No block is larger, so that the difference of two pointers into it fits. */
#define MEMORY_MAX ((size_t)PTRDIFF_MAX)

enum { BUFFER_FIRST = 256 };

static void *default_resize(void *context, void *old, size_t size)
{
    (void)context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, size);
}

const struct memory *memory_default(void)
{
    static const struct memory memory = {default_resize, NULL};
    return &memory;
}

void *memory_alloc(const struct memory *memory, size_t size)
{
    return memory_resize(memory, NULL, size);
}

void *memory_zero(const struct memory *memory, size_t count, size_t size)
{
    if (size != 0 && count > MEMORY_MAX / size)
        return NULL;
    void *block = memory_alloc(memory, count * size);
    if (block != NULL)
        memset(block, 0, count * size);
    return block;
}

void *memory_resize(const struct memory *memory, void *old, size_t size)
{
    if (size > MEMORY_MAX)
        return NULL;
    /* 0 would free: an empty block is one byte, so that NULL always means "refused". */
    return memory->resize(memory->context, old, size != 0 ? size : 1);
}

void memory_free(const struct memory *memory, void *pointer)
{
    if (pointer != NULL)
        (void)memory->resize(memory->context, pointer, 0);
}

char *memory_text(const struct memory *memory, const char *text, size_t length)
{
    if (length >= MEMORY_MAX)
        return NULL;
    char *copy = memory_alloc(memory, length + 1);
    if (copy != NULL) {
        if (length != 0)
            memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

void buffer_init(struct buffer *buffer, const struct memory *memory)
{
    *buffer = (struct buffer){.memory = memory};
}

void buffer_free(struct buffer *buffer)
{
    memory_free(buffer->memory, buffer->data);
    *buffer = (struct buffer){.memory = buffer->memory};
}

bool buffer_grow(struct buffer *buffer, size_t extra)
{
    if (buffer->failed)
        return false;
    if (extra > MEMORY_MAX - buffer->length) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + extra;
    size_t capacity = buffer->capacity != 0 ? buffer->capacity : BUFFER_FIRST;
    while (capacity < needed)
        capacity = capacity <= MEMORY_MAX / 2 ? capacity * 2 : MEMORY_MAX;
    uint8_t *data = memory_resize(buffer->memory, buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0 || !buffer_reserve(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
}

void buffer_byte(struct buffer *buffer, uint8_t byte)
{
    if (buffer_reserve(buffer, 1))
        buffer->data[buffer->length++] = byte;
}

void buffer_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int needed = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (needed < 0) {
        buffer->failed = true;
        return;
    }
    /* One more for the NUL that vsnprintf writes; it does not count. */
    if (!buffer_reserve(buffer, (size_t)needed + 1))
        return;
    va_start(arguments, format);
    (void)vsnprintf((char *)buffer->data + buffer->length, (size_t)needed + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)needed;
}

bool memory_enlarge(const struct memory *memory, void **array, size_t *capacity, size_t needed, size_t element_size)
{
    if (element_size == 0 || needed > MEMORY_MAX / element_size)
        return false;
    size_t most = MEMORY_MAX / element_size;
    size_t count = *capacity != 0 ? *capacity : 8;
    while (count < needed)
        count = count <= most / 2 ? count * 2 : most;
    if (count > most)
        count = needed;
    void *grown = memory_resize(memory, *array, count * element_size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = count;
    return true;
}
