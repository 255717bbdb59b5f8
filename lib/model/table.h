/* table: builds the small results (crm_table) that reports, groups, checks and
 * undo hand to the caller.
 *
 * A builder's failure is sticky: columns, rows and cells may be put without a
 * check in between, table_finish answers for all of them.
 */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include "sys/memory.h"

/* NULL when out of memory; every function below takes that NULL, and
 * table_finish answers CRM_NOMEM for it. */
crm_table *table_create(const struct memory *memory);

/* `type` is a CRM_TYPE_: scalar types and references.  The name is copied.
 * Returns the column's position.  All columns come before the first row. */
uint32_t table_add_column(crm_table *table, const char *name, int32_t type);
/* Digits behind the point of a DECIMAL column (0 to 18). */
void table_set_scale(crm_table *table, uint32_t column, unsigned scale);

/* Appends a row, all of whose cells are empty; the put functions fill it. */
void table_add_row(crm_table *table);
void table_put_int(crm_table *table, uint32_t column, int64_t value); /* every int-valued type */
void table_put_real(crm_table *table, uint32_t column, double value);
void table_put_text(crm_table *table, uint32_t column, const char *text, size_t length); /* length: or CRM_NUL */
void table_put_money(crm_table *table, uint32_t column, int64_t minor, int32_t currency);
/* A choice with its name; the name of a reference's target with its id (NULL: none). */
void table_put_choice(crm_table *table, uint32_t column, int64_t code, const char *name);
void table_put_ref(crm_table *table, uint32_t column, const char *text, size_t length, const crm_id *id);
void table_put_null(crm_table *table, uint32_t column);

/* Hands the table out: CRM_OK and *out owned by the caller, or, with a sticky
 * failure, frees it and answers that, *out NULL.  With `out` NULL the table is
 * freed all the same. */
int32_t table_finish(crm_table *table, crm_table **out, crm_error *error);

#endif
