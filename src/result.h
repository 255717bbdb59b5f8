/* result: a crm_table of the library on standard output. */
#ifndef CRM_TOOL_RESULT_H
#define CRM_TOOL_RESULT_H

#include "tool.h"

/* A heading for people in place of a column's name, and what becomes of the
 * column in a narrow table.  A list of them ends with a NULL name. */
struct result_column {
    const char *name;
    const char *label;
    unsigned flags; /* COLUMN_SPARE, COLUMN_SPARSE, RESULT_PERCENT */
};
enum { RESULT_PERCENT = 256 /* a share of 1, shown in percent */ };

/* Prints the table in the format asked for; `totals`: with a last row of sums
 * under a line, in a table for people only. */
void result_print(struct tool *tool, const crm_table *table, const struct result_column *columns, bool totals);

#endif
