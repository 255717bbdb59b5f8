/* page: text for people around tables: a title, labelled facts, headings. */
#ifndef CRM_TOOL_PAGE_H
#define CRM_TOOL_PAGE_H

#include "output.h"

/* `left` in bold, `right` at the end of the line, a rule beneath. */
void page_title(struct sink *sink, const char *left, const char *right);
/* A label and its value, wrapped beneath itself. */
void page_fact(struct sink *sink, size_t label_width, const char *label, const char *value);
/* An empty line, then the heading in bold with a remark behind it. */
void page_heading(struct sink *sink, const char *heading, const char *remark);
/* A line that matters less. */
void page_remark(struct sink *sink, const char *text);

#endif
