/* layout: a sheet as an aligned table; only output.c calls it. */
#ifndef CRM_TOOL_LAYOUT_H
#define CRM_TOOL_LAYOUT_H

#include "output.h"

void layout_cell(struct sheet *sheet, const char *text, size_t length); /* keeps the cell of the row being filled */
void layout_row(struct sheet *sheet);                                   /* the row is whole */
void layout_end(struct sheet *sheet);                                   /* prints what was kept */

#endif
