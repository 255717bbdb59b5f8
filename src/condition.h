/* condition: --where, --order, --after and --deleted as a query. */
#ifndef CRM_TOOL_CONDITION_H
#define CRM_TOOL_CONDITION_H

#include "tool.h"

/* A query over `kind` in tool->view with these options; owned: crm_query_free. */
int condition_query(struct tool *tool, uint32_t kind, crm_query **query);
/* The same onto a query that there is already. */
int condition_apply(struct tool *tool, uint32_t kind, crm_query *query);

#endif
