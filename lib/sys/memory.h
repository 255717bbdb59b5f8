/* memory: the allocator hook and the growable byte buffer.
 *
 * Every allocation of the library goes through a `struct memory` that the
 * handle carries, so that an embedder can count them and a test can make any
 * of them fail.  Nothing here aborts: a failed allocation is a NULL or a
 * `failed` buffer that the caller turns into CRM_NOMEM.
 */
#ifndef SYS_MEMORY_H
#define SYS_MEMORY_H

#include <crm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    void *(*resize)(void *context, void *old, size_t size); /* size 0 frees, old NULL allocates */
    void *context;
};

/* The C library's allocator. */
const struct memory *memory_default(void);

void *memory_alloc(const struct memory *memory, size_t size);                    /* uninitialised */
void *memory_zero(const struct memory *memory, size_t count, size_t size);       /* overflow checked, zeroed */
void *memory_resize(const struct memory *memory, void *old, size_t size);        /* old stays valid on NULL */
void memory_free(const struct memory *memory, void *pointer);                    /* NULL is fine */
char *memory_text(const struct memory *memory, const char *text, size_t length); /* NUL-terminated copy */

/* Bytes that grow.  After a failed growth `failed` stays set and every append
 * is ignored, so that a sequence of appends needs one check. */
struct buffer {
    const struct memory *memory;
    uint8_t *data;
    size_t length;
    size_t capacity;
    bool failed;
};

void buffer_init(struct buffer *buffer, const struct memory *memory);
void buffer_free(struct buffer *buffer);
/* Empty again, its memory kept; a failure before is forgotten. */
static inline void buffer_reset(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}
bool buffer_grow(struct buffer *buffer, size_t extra); /* the slow path of buffer_reserve */
/* Room for `extra` more bytes. */
static inline bool buffer_reserve(struct buffer *buffer, size_t extra)
{
    return (!buffer->failed && extra <= buffer->capacity - buffer->length) || buffer_grow(buffer, extra);
}
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_byte(struct buffer *buffer, uint8_t byte);
void buffer_text(struct buffer *buffer, const char *text); /* without the NUL */
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool memory_enlarge(const struct memory *memory, void **array, size_t *capacity, size_t needed, size_t element_size);
/* Makes room for one more element in a plain array: doubles `*capacity`. */
static inline bool memory_grow(const struct memory *memory, void **array, size_t *capacity, size_t needed,
                               size_t element_size)
{
    return needed <= *capacity || memory_enlarge(memory, array, capacity, needed, element_size);
}

#endif
