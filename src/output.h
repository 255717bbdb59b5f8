/* output: what goes to standard output.
 *
 * A sink collects bytes and writes them in large pieces, so that a command
 * that fails early prints nothing on standard output but its whole result or
 * none of it.  A sheet is rows under named columns and prints itself as an
 * aligned table, CSV, JSON or JSON Lines.
 */
#ifndef CRM_TOOL_OUTPUT_H
#define CRM_TOOL_OUTPUT_H

#include "buffer.h"

#include <stdint.h>

enum { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON, FORMAT_JSONL };

struct sink {
    struct buffer pending;
    bool terminal; /* standard output is one: shorten to its width, use bold and dim */
    bool style;    /* bold and dim are wanted */
    size_t width;  /* columns that a line may have; 0: any number */
    bool closed;   /* the reader went away: stop quietly */
    int error;     /* errno of a write that failed, else 0 */
};

void sink_start(struct sink *sink);
/* `width` 0: as wide as the terminal, or unlimited when there is none. */
void sink_measure(struct sink *sink, size_t width);
void sink_flush(struct sink *sink);
void sink_pour(struct sink *sink);    /* flushes when much has come together */
void sink_discard(struct sink *sink); /* drops what was not written yet */
bool sink_over(const struct sink *sink);
void sink_bold(struct sink *sink, bool on);
void sink_dim(struct sink *sink, bool on);
void sink_free(struct sink *sink);

/* How a column behaves. */
enum {
    COLUMN_RIGHT = 1, /* numbers: aligned right, never shortened */
    COLUMN_WHOLE = 2, /* never shortened */
    COLUMN_SPARE = 4, /* left out of a table that has no room for it */
    COLUMN_SPARSE = 8 /* left out of a table when no row has it */
};

struct sheet_column {
    char *name;  /* for programs */
    char *label; /* for people */
    unsigned flags;
    size_t width;
    bool hidden;
};

struct sheet {
    struct sink *sink;
    int format;
    size_t indent;
    struct sheet_column *columns;
    size_t column_count;
    char **cells; /* of a table: the rows that were not printed yet */
    size_t cell_count, cell_capacity;
    size_t position; /* the column of the next cell */
    uint64_t rows;
    uint64_t rule_row; /* a line is drawn above this row; UINT64_MAX: none */
    bool laid_out;
    bool plain; /* a table without the line of headings */
};

void sheet_start(struct sheet *sheet, struct sink *sink, int format);
void sheet_column(struct sheet *sheet, const char *name, const char *label, unsigned flags);
/* The cells of a row, one call a column. */
void sheet_null(struct sheet *sheet);
void sheet_text(struct sheet *sheet, const char *text, size_t length);
void sheet_puts(struct sheet *sheet, const char *text);
void sheet_number(struct sheet *sheet, const char *text); /* grouped by thousands in a table */
/* `text` for CSV; `json` a JSON literal (NULL: the text as a string); `shown`
 * for tables (NULL: the text). */
void sheet_value(struct sheet *sheet, const char *text, size_t length, const char *json, const char *shown);
void sheet_rule(struct sheet *sheet); /* draws a line above the next row, in a table */
void sheet_end(struct sheet *sheet);  /* prints what is left and frees it */

/* "1234567.50" as "1,234,567.50"; what is no number stays as it is. */
void buffer_grouped(struct buffer *buffer, const char *number);
/* `text` made plain and, when `columns` is not 0, shortened to that many with an ellipsis. */
void buffer_fitted(struct buffer *buffer, const char *text, size_t length, size_t columns);

#endif
