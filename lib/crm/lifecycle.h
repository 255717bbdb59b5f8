/* lifecycle: the tables of stages and the moves they allow.  docs/LIFECYCLE.md
 * has the tables with their reasons. */
#ifndef CRM_LIFECYCLE_H
#define CRM_LIFECYCLE_H

#include "model/rules.h"
#include "sys/memory.h"

enum { LIFECYCLE_STAGES = 6, LIFECYCLE_TEXT = 128 };
/* The stages in the order of a relationship's life, as reports show them. */
extern const int64_t lifecycle_order[LIFECYCLE_STAGES];

/* Tables are CRM_LIFECYCLE_FOUR and _FIVE; db_lifecycle (model/rules.h) tells which is in force. */
const char *lifecycle_table_name(int32_t table);
bool lifecycle_has(int32_t table, int64_t stage);
/* A move between two different stages.  Out of a stage that the table does not
 * have (the file changed its table) every move into the table is allowed. */
bool lifecycle_moves(int32_t table, int64_t from, int64_t to);
/* "drifting, churned": where a customer may go from there. */
void lifecycle_choices(int32_t table, int64_t from, char out[LIFECYCLE_TEXT]);
/* The shortest way that enters none of the stages `avoid` (a bit 1 << stage
 * each), without `from`, ending with `to`; its length, 0 when there is none. */
uint32_t lifecycle_path(int32_t table, int64_t from, int64_t to, uint32_t avoid, int64_t out[LIFECYCLE_STAGES]);
/* CRM_OK, or refuses the change of `customer`, naming both stages and the way out. */
int32_t lifecycle_guard(crm_record *customer, int64_t from, int64_t to);

#endif
