/* csv: a streaming reader of comma-separated values in all their dialects, and
 * the writer.
 *
 * The reader pulls bytes and hands out one row at a time; memory is bounded by
 * the longest row, which has a limit.  Fields are NUL-terminated and lie in the
 * reader's buffer until the next row is asked for.  Text is handed on as it is:
 * whether it is UTF-8 is the caller's question.
 */
#ifndef IO_CSV_H
#define IO_CSV_H

#include "sys/error.h"
#include "sys/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv; /* a reader */

/* Gives up to `capacity` bytes; `*got` 0 at the end.  A status other than
 * CRM_OK (with `error` filled) ends the reading with that status. */
typedef int32_t (*csv_read)(void *context, void *bytes, size_t capacity, size_t *got, crm_error *error);

struct csv_options {
    char delimiter;      /* 0: found out from the first lines; ' ': runs of blanks and tabs */
    size_t row_size_max; /* bytes; 0: 64 MiB */
    size_t fields_max;   /* a row; 0: 1,000,000 */
};

struct csv_value {
    const char *text; /* NUL-terminated */
    size_t length;
    uint64_t line;   /* where it starts, from 1 */
    uint64_t column; /* in bytes, from 1 */
    bool quoted;     /* "" is not the same as nothing */
};

struct csv_row {
    const struct csv_value *fields;
    size_t count;    /* at least 1: lines with nothing on them are skipped */
    uint64_t line;   /* where the row starts */
    uint64_t number; /* of the row, from 1 */
};

/* `options` may be NULL.  CRM_OK, CRM_NOMEM, CRM_INVALID (UTF-16, a delimiter
 * that cannot be one), or what `read` returned. */
int32_t csv_open(const struct memory *memory, const struct csv_options *options, csv_read read, void *context,
                 struct csv **out, crm_error *error);
/* The same over bytes that stay where they are until csv_close. */
int32_t csv_open_memory(const struct memory *memory, const struct csv_options *options, const void *bytes,
                        size_t length, struct csv **out, crm_error *error);
void csv_close(struct csv *csv); /* NULL is fine */

/* The next row, borrowed until the next call.  CRM_OK; CRM_DONE at the end;
 * CRM_INVALID (a quote never closed), CRM_FULL (a limit), CRM_NOMEM, or what
 * `read` returned: the message names line and column, and every later call
 * returns the same. */
int32_t csv_next(struct csv *csv, struct csv_row *row, crm_error *error);

char csv_delimiter(const struct csv *csv);      /* as given or found out */
uint64_t csv_bytes_read(const struct csv *csv); /* of the input so far, for a progress bar */

/* The delimiter that a sample from the start of a text speaks for (`whole`: it
 * is all of the text): , ; tab | or ' ' for runs of blanks.  How it is found out
 * is said in csv_detect.c. */
char csv_detect(const void *bytes, size_t length, bool whole);

/* Appends a field, in quotes when it has the delimiter, a quote, a line break,
 * blanks at an end, or would be taken for something else at the start of a
 * file.  Puts no delimiter.  Never changes the text: a spreadsheet will take
 * one that begins with = + - @ for a formula. */
void csv_field(struct buffer *out, const void *bytes, size_t length, char delimiter);
/* The same with an apostrophe before text that a spreadsheet would compute.
 * For people's eyes only: it does not read back as it was. */
void csv_field_guarded(struct buffer *out, const void *bytes, size_t length, char delimiter);
/* Ends with \n a row that was begun at `row_start` of the buffer: a row with
 * nothing on it becomes "", lest a reader skip it. */
void csv_row_end(struct buffer *out, size_t row_start);

#endif
