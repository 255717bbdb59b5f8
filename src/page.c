/* page: see page.h. */
#include "page.h"

#include <crm.h>
#include <string.h>

enum { PAGE_WIDTH = 80, GAP = 2 };

static size_t page_width(const struct sink *sink)
{
    return sink->width && sink->width < PAGE_WIDTH ? sink->width : PAGE_WIDTH;
}

void page_title(struct sink *sink, const char *left, const char *right)
{
    struct buffer *out = &sink->pending;
    struct buffer text = {0};
    size_t width = page_width(sink), taken = crm_text_width(right, strlen(right));
    size_t used;

    buffer_fitted(&text, left, strlen(left), sink->width && width > taken + GAP ? width - taken - GAP : 0);
    used = crm_text_width(buffer_text(&text), text.length);
    sink_bold(sink, true);
    buffer_put(out, buffer_text(&text));
    sink_bold(sink, false);
    buffer_repeat(out, " ", used + taken + GAP <= width ? width - used - taken : GAP);
    buffer_put(out, right);
    buffer_put(out, "\n");
    sink_dim(sink, true);
    buffer_repeat(out, "─", width);
    sink_dim(sink, false);
    buffer_put(out, "\n");
    buffer_free(&text);
}

/* How much of `text`, in bytes, goes onto a line of `columns`: up to a blank
 * where there is one. */
static size_t line_length(const char *text, size_t length, size_t columns)
{
    size_t fits = crm_text_cut(text, length, columns);
    size_t blank = fits;

    if (fits >= length)
        return length;
    while (blank > 0 && text[blank] != ' ')
        blank--;
    return blank > 0 ? blank : fits ? fits : length;
}

/* One line of the file's text, wrapped; `first`: the label stands before it. */
static void wrapped(struct sink *sink, const char *text, size_t length, size_t indent, bool first)
{
    size_t columns = page_width(sink) > indent + 20 ? page_width(sink) - indent : 20;

    do {
        size_t part = line_length(text, length, columns);

        if (!first)
            buffer_repeat(&sink->pending, " ", indent);
        first = false;
        buffer_add(&sink->pending, text, part);
        buffer_put(&sink->pending, "\n");
        while (part < length && text[part] == ' ')
            part++;
        text += part;
        length -= part;
    } while (length > 0);
}

void page_fact(struct sink *sink, size_t label_width, const char *label, const char *value)
{
    struct buffer plain = {0};
    size_t used = crm_text_width(label, strlen(label));
    bool first = true;
    const char *at;

    buffer_plain(&plain, value, strlen(value), true);
    sink_dim(sink, true);
    buffer_put(&sink->pending, label);
    sink_dim(sink, false);
    buffer_repeat(&sink->pending, " ", (used < label_width ? label_width - used : 0) + GAP);
    at = buffer_text(&plain);
    do {
        size_t length = strcspn(at, "\n");

        wrapped(sink, at, length, label_width + GAP, first);
        first = false;
        at += length + (at[length] == '\n');
    } while (*at);
    buffer_free(&plain);
}

void page_heading(struct sink *sink, const char *heading, const char *remark)
{
    buffer_put(&sink->pending, "\n");
    sink_bold(sink, true);
    buffer_put(&sink->pending, heading);
    sink_bold(sink, false);
    if (remark && *remark) {
        sink_dim(sink, true);
        buffer_print(&sink->pending, "  %s", remark);
        sink_dim(sink, false);
    }
    buffer_put(&sink->pending, "\n");
}

void page_remark(struct sink *sink, const char *text)
{
    struct buffer plain = {0};

    buffer_plain(&plain, text, strlen(text), false);
    sink_dim(sink, true);
    wrapped(sink, buffer_text(&plain), plain.length, 0, true);
    if (sink->style) { /* the line ends before the dimness does */
        sink->pending.length--;
        sink_dim(sink, false);
        buffer_put(&sink->pending, "\n");
    }
    buffer_free(&plain);
}
