/* buffer: text that grows, and the three ways in which the tool quotes text:
 * for JSON, for CSV, and for a person's terminal.
 *
 * A program of one user has no use for an answer to "out of memory": it says
 * so and ends.  The file is safe, whatever moment that is.
 */
#ifndef CRM_TOOL_BUFFER_H
#define CRM_TOOL_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* NUL-terminated once anything was added; NULL before */
    size_t length, capacity;
};

/* realloc that never returns NULL (except for size 0, which frees). */
void *memory_resize(void *old, size_t count, size_t size);
char *memory_text(const char *text, size_t length); /* a NUL-terminated copy */

void buffer_add(struct buffer *buffer, const char *text, size_t length);
void buffer_put(struct buffer *buffer, const char *text);
void buffer_print(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_print_list(struct buffer *buffer, const char *format, va_list list) __attribute__((format(printf, 2, 0)));
void buffer_repeat(struct buffer *buffer, const char *text, size_t times);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_free(struct buffer *buffer);
const char *buffer_text(const struct buffer *buffer); /* "" for an empty one */

/* A JSON string with its quotes. */
void buffer_json(struct buffer *buffer, const char *text, size_t length);
/* A CSV field, quoted where RFC 4180 asks for it. */
void buffer_csv(struct buffer *buffer, const char *text, size_t length);

/* What a terminal may be shown of a text from a file: everything that could
 * move the cursor, change colours or reorder the line is replaced, so that no
 * record can forge what the screen says.  Line ends and tabs become blanks,
 * with `lines` line ends stay. */
void buffer_plain(struct buffer *buffer, const char *text, size_t length, bool lines);

#endif
