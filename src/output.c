/* output: the sink, and the sheet as CSV, JSON and JSON Lines; a table's
 * layout is in layout.c.  See output.h.
 *
 * JSON is written by hand: the tool only ever writes flat rows, and a library
 * for that would be its largest part.
 */
#include "layout.h"

#include <crm.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SINK_POUR_BYTES = 256 * 1024, WIDTH_DEFAULT = 80, WIDTH_LEAST = 20 };

static size_t terminal_width(void)
{
    const char *asked = getenv("COLUMNS");
    struct winsize size;
    long columns = asked ? strtol(asked, NULL, 10) : 0;

    if (columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns <= 0)
        columns = WIDTH_DEFAULT;
    return columns < WIDTH_LEAST ? WIDTH_LEAST : (size_t)columns;
}

void sink_measure(struct sink *sink, size_t width)
{
    sink->width = width ? width : sink->terminal ? terminal_width() : 0;
}

void sink_start(struct sink *sink)
{
    const char *terminal = getenv("TERM");
    const char *colour = getenv("NO_COLOR");

    *sink = (struct sink){.terminal = isatty(STDOUT_FILENO) == 1};
    sink->style = sink->terminal && !(colour && *colour) && terminal && strcmp(terminal, "dumb") != 0;
    sink_measure(sink, 0);
}

void sink_flush(struct sink *sink)
{
    size_t done = 0;

    while (done < sink->pending.length && !sink_over(sink)) {
        ssize_t count = write(STDOUT_FILENO, sink->pending.data + done, sink->pending.length - done);

        if (count >= 0)
            done += (size_t)count;
        else if (errno == EPIPE)
            sink->closed = true;
        else if (errno != EINTR)
            sink->error = errno;
    }
    buffer_clear(&sink->pending);
}

void sink_pour(struct sink *sink)
{
    if (sink->pending.length >= SINK_POUR_BYTES)
        sink_flush(sink);
}

void sink_discard(struct sink *sink)
{
    buffer_clear(&sink->pending);
}

bool sink_over(const struct sink *sink)
{
    return sink->closed || sink->error != 0;
}

void sink_bold(struct sink *sink, bool on)
{
    if (sink->style)
        buffer_put(&sink->pending, on ? "\033[1m" : "\033[0m");
}

void sink_dim(struct sink *sink, bool on)
{
    if (sink->style)
        buffer_put(&sink->pending, on ? "\033[2m" : "\033[0m");
}

void sink_free(struct sink *sink)
{
    buffer_free(&sink->pending);
}

void sheet_start(struct sheet *sheet, struct sink *sink, int format)
{
    *sheet = (struct sheet){.sink = sink, .format = format, .rule_row = UINT64_MAX};
}

void sheet_column(struct sheet *sheet, const char *name, const char *label, unsigned flags)
{
    struct sheet_column *column;

    sheet->columns = memory_resize(sheet->columns, sheet->column_count + 1, sizeof *sheet->columns);
    column = &sheet->columns[sheet->column_count++];
    *column = (struct sheet_column){.flags = flags};
    column->name = memory_text(name, strlen(name));
    column->label = memory_text(label, strlen(label));
}

static void csv_heading(struct sheet *sheet)
{
    struct buffer *out = &sheet->sink->pending;

    for (size_t i = 0; i < sheet->column_count; i++) {
        buffer_put(out, i ? "," : "");
        buffer_csv(out, sheet->columns[i].name, strlen(sheet->columns[i].name));
    }
    buffer_put(out, "\n");
}

/* What stands before a cell of text for programs: heading, separators, name. */
static void cell_open(struct sheet *sheet)
{
    struct buffer *out = &sheet->sink->pending;
    const char *name = sheet->columns[sheet->position].name;

    if (sheet->format == FORMAT_CSV) {
        if (sheet->rows == 0 && sheet->position == 0)
            csv_heading(sheet);
        buffer_put(out, sheet->position ? "," : "");
        return;
    }
    if (sheet->position > 0)
        buffer_put(out, ",");
    else if (sheet->format == FORMAT_JSON)
        buffer_put(out, sheet->rows ? ",\n{" : "[\n{");
    else
        buffer_put(out, "{");
    buffer_json(out, name, strlen(name));
    buffer_put(out, ":");
}

static void cell_close(struct sheet *sheet)
{
    struct buffer *out = &sheet->sink->pending;

    if (++sheet->position < sheet->column_count)
        return;
    sheet->position = 0;
    sheet->rows++;
    if (sheet->format == FORMAT_CSV)
        buffer_put(out, "\n");
    else if (sheet->format != FORMAT_TABLE)
        buffer_put(out, sheet->format == FORMAT_JSON ? "}" : "}\n");
    else
        layout_row(sheet);
    sink_pour(sheet->sink);
}

void sheet_value(struct sheet *sheet, const char *text, size_t length, const char *json, const char *shown)
{
    struct buffer *out = &sheet->sink->pending;

    if (sheet->format == FORMAT_TABLE) {
        layout_cell(sheet, shown ? shown : text, shown ? strlen(shown) : length);
    } else {
        cell_open(sheet);
        if (sheet->format == FORMAT_CSV && sheet->sink->terminal) {
            struct buffer plain = {0};

            buffer_plain(&plain, text, length, true);
            buffer_csv(out, buffer_text(&plain), plain.length);
            buffer_free(&plain);
        } else if (sheet->format == FORMAT_CSV) {
            buffer_csv(out, text, length);
        } else if (json) {
            buffer_put(out, json);
        } else {
            buffer_json(out, text, length);
        }
    }
    cell_close(sheet);
}

void sheet_null(struct sheet *sheet)
{
    sheet_value(sheet, "", 0, "null", NULL);
}

void sheet_text(struct sheet *sheet, const char *text, size_t length)
{
    sheet_value(sheet, text, length, NULL, NULL);
}

void sheet_puts(struct sheet *sheet, const char *text)
{
    sheet_value(sheet, text, strlen(text), NULL, NULL);
}

void sheet_number(struct sheet *sheet, const char *text)
{
    struct buffer shown = {0};

    buffer_grouped(&shown, text);
    sheet_value(sheet, text, strlen(text), text, buffer_text(&shown));
    buffer_free(&shown);
}

void sheet_rule(struct sheet *sheet)
{
    sheet->rule_row = sheet->rows;
}

void sheet_end(struct sheet *sheet)
{
    struct buffer *out = &sheet->sink->pending;

    if (sheet->format == FORMAT_TABLE)
        layout_end(sheet);
    else if (sheet->format == FORMAT_JSON)
        buffer_put(out, sheet->rows ? "\n]\n" : "[]\n");
    else if (sheet->format == FORMAT_CSV && sheet->rows == 0)
        csv_heading(sheet);
    for (size_t i = 0; i < sheet->column_count; i++) {
        free(sheet->columns[i].name);
        free(sheet->columns[i].label);
    }
    free(sheet->columns);
    free(sheet->cells);
    sheet->columns = NULL;
    sheet->cells = NULL;
    sheet->column_count = 0;
}

void buffer_grouped(struct buffer *buffer, const char *number)
{
    size_t sign = number[0] == '-';
    size_t digits = strspn(number + sign, "0123456789");
    const char *rest = number + sign + digits;

    if (digits < 4 || (*rest != '\0' && *rest != '.' && *rest != ' ')) {
        buffer_put(buffer, number);
        return;
    }
    buffer_add(buffer, number, sign);
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0)
            buffer_put(buffer, ",");
        buffer_add(buffer, number + sign + i, 1);
    }
    buffer_put(buffer, rest);
}

void buffer_fitted(struct buffer *buffer, const char *text, size_t length, size_t columns)
{
    size_t start = buffer->length;

    buffer_plain(buffer, text, length, false);
    if (columns == 0 || buffer->length == start ||
        crm_text_width(buffer->data + start, buffer->length - start) <= columns)
        return;
    buffer->length = start + crm_text_cut(buffer->data + start, buffer->length - start, columns - 1);
    while (buffer->length > start && buffer->data[buffer->length - 1] == ' ')
        buffer->length--;
    buffer->data[buffer->length] = '\0';
    buffer_put(buffer, "…");
}
