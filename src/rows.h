/* rows: the records of a query as rows, in every format. */
#ifndef CRM_TOOL_ROWS_H
#define CRM_TOOL_ROWS_H

#include "tool.h"

/* The fields of a list of `kind` for people, comma separated; NULL: those of
 * its own. */
const char *kind_columns(uint32_t kind);

struct rows {
    uint32_t kind;
    uint64_t limit;      /* 0: no limit */
    const char *columns; /* comma separated; NULL: what suits the kind */
    const char *usual;   /* what suits here, where that is not what suits the kind; NULL */
    size_t indent;
    uint64_t count; /* out: rows printed */
    bool more;      /* out: there are more than the limit; `cursor` goes on behind the last */
    struct buffer cursor;
};
/* Runs the query, which stays the caller's, and prints it. */
int rows_print(struct tool *tool, crm_query *query, struct rows *rows);

#endif
