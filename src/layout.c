/* layout: see layout.h.
 *
 * Widths are measured over the first LAYOUT_ROWS rows, then these are printed
 * and the rest follows in the same columns, so that a table of any length
 * needs little memory.  Widths are display columns, as crm_text_width counts.
 */
#include "layout.h"

#include <crm.h>
#include <stdlib.h>
#include <string.h>

/* Columns keep SHORTEST letters as long as others have more, and LEAST at last. */
enum { LAYOUT_ROWS = 1000, GAP = 2, SHORTEST = 8, LEAST = 4 };

static size_t width_of(const char *text)
{
    return crm_text_width(text, strlen(text));
}

void layout_cell(struct sheet *sheet, const char *text, size_t length)
{
    struct buffer plain = {0};
    size_t width;

    buffer_fitted(&plain, text, length, 0);
    if (sheet->cell_count == sheet->cell_capacity) {
        sheet->cell_capacity = sheet->cell_capacity ? sheet->cell_capacity * 2 : 256;
        sheet->cells = memory_resize(sheet->cells, sheet->cell_capacity, sizeof *sheet->cells);
    }
    if (!plain.data)
        plain.data = memory_text("", 0);
    width = width_of(plain.data);
    if (!sheet->laid_out && width > sheet->columns[sheet->position].width)
        sheet->columns[sheet->position].width = width;
    sheet->cells[sheet->cell_count++] = plain.data;
}

static size_t total_width(const struct sheet *sheet)
{
    size_t total = sheet->indent;
    bool first = true;

    for (size_t i = 0; i < sheet->column_count; i++) {
        if (sheet->columns[i].hidden)
            continue;
        total += sheet->columns[i].width + (first ? 0 : GAP);
        first = false;
    }
    return total;
}

/* The column that loses a character next: the widest that may be shortened. */
static struct sheet_column *widest(struct sheet *sheet, size_t shortest)
{
    struct sheet_column *found = NULL;

    for (size_t i = 0; i < sheet->column_count; i++) {
        struct sheet_column *column = &sheet->columns[i];

        if (!column->hidden && !(column->flags & (COLUMN_RIGHT | COLUMN_WHOLE)) && column->width > shortest &&
            (!found || column->width > found->width))
            found = column;
    }
    return found;
}

static void lay_out(struct sheet *sheet)
{
    size_t limit = sheet->sink->width;
    struct sheet_column *column;

    for (size_t i = 0; i < sheet->column_count; i++) {
        column = &sheet->columns[i];
        column->hidden = (column->flags & COLUMN_SPARSE) && column->width == 0 && sheet->rows > 0;
        if (!sheet->plain && !column->hidden && width_of(column->label) > column->width)
            column->width = width_of(column->label);
    }
    if (limit == 0)
        return;
    for (size_t i = sheet->column_count; i > 0 && total_width(sheet) > limit; i--)
        sheet->columns[i - 1].hidden |= (sheet->columns[i - 1].flags & COLUMN_SPARE) != 0;
    for (size_t shortest = SHORTEST; shortest >= LEAST; shortest /= 2)
        while (total_width(sheet) > limit && (column = widest(sheet, shortest)) != NULL)
            column->width--;
}

static bool last_column(const struct sheet *sheet, size_t position)
{
    while (++position < sheet->column_count)
        if (!sheet->columns[position].hidden)
            return false;
    return true;
}

static void print_line(struct sheet *sheet, char *const *cells)
{
    struct buffer *out = &sheet->sink->pending;
    bool first = true;

    buffer_repeat(out, " ", sheet->indent);
    for (size_t i = 0; i < sheet->column_count; i++) {
        const struct sheet_column *column = &sheet->columns[i];
        size_t start, width;
        bool shorten = sheet->sink->width > 0 && !(column->flags & (COLUMN_RIGHT | COLUMN_WHOLE));

        if (column->hidden)
            continue;
        if (!first)
            buffer_repeat(out, " ", GAP);
        first = false;
        width = width_of(cells[i]);
        if ((column->flags & COLUMN_RIGHT) && width < column->width)
            buffer_repeat(out, " ", column->width - width);
        start = out->length;
        buffer_fitted(out, cells[i], strlen(cells[i]), shorten ? column->width : 0);
        width = out->length > start ? crm_text_width(out->data + start, out->length - start) : 0;
        if (!(column->flags & COLUMN_RIGHT) && width < column->width && !last_column(sheet, i))
            buffer_repeat(out, " ", column->width - width);
    }
    while (out->length > 0 && out->data[out->length - 1] == ' ')
        out->length--; /* empty last cells leave no blanks behind */
    buffer_put(out, "\n");
}

static void print_rule(struct sheet *sheet)
{
    struct buffer *out = &sheet->sink->pending;
    bool first = true;

    sink_dim(sheet->sink, true);
    buffer_repeat(out, " ", sheet->indent);
    for (size_t i = 0; i < sheet->column_count; i++) {
        if (sheet->columns[i].hidden)
            continue;
        buffer_repeat(out, " ", first ? 0 : GAP);
        buffer_repeat(out, "─", sheet->columns[i].width);
        first = false;
    }
    sink_dim(sheet->sink, false);
    buffer_put(out, "\n");
}

static void print_heading(struct sheet *sheet)
{
    char **labels = memory_resize(NULL, sheet->column_count, sizeof *labels);

    for (size_t i = 0; i < sheet->column_count; i++)
        labels[i] = sheet->columns[i].label;
    sink_bold(sheet->sink, true);
    print_line(sheet, labels);
    if (sheet->sink->style) { /* the line ends before the bold does */
        sheet->sink->pending.length--;
        sink_bold(sheet->sink, false);
        buffer_put(&sheet->sink->pending, "\n");
    }
    print_rule(sheet);
    free(labels);
}

static void print_kept(struct sheet *sheet)
{
    uint64_t row = sheet->rows - sheet->cell_count / sheet->column_count;

    if (!sheet->laid_out) {
        lay_out(sheet);
        if (!sheet->plain)
            print_heading(sheet);
        sheet->laid_out = true;
    }
    for (size_t i = 0; i < sheet->cell_count; i += sheet->column_count, row++) {
        if (row == sheet->rule_row)
            print_rule(sheet);
        print_line(sheet, sheet->cells + i);
    }
    for (size_t i = 0; i < sheet->cell_count; i++)
        free(sheet->cells[i]);
    sheet->cell_count = 0;
}

void layout_row(struct sheet *sheet)
{
    if (sheet->laid_out || sheet->rows >= LAYOUT_ROWS)
        print_kept(sheet);
}

void layout_end(struct sheet *sheet)
{
    if (sheet->column_count > 0 && (sheet->cell_count > 0 || !sheet->laid_out))
        print_kept(sheet);
}
