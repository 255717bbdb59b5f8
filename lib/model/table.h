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

/* For large results: makes `rows` rows at once, whose values the caller writes,
 * all of them, through the arrays; NULL when out of memory.  A reference column with a
 * source holds record numbers; titles and ids are looked up when asked for. */
void table_add_rows(crm_table *table, size_t rows);
int64_t *table_values(crm_table *table, uint32_t column);
uint8_t *table_present(crm_table *table, uint32_t column);
uint16_t *table_currencies(crm_table *table, uint32_t column);
struct table_source {
    void *context;
    /* Appends the title of record `number` and gives its id. */
    bool (*look_up)(void *context, uint32_t number, struct buffer *title, crm_id *id);
    void (*release)(void *context);
};
void table_set_source(crm_table *table, uint32_t column, const struct table_source *source);

/* Hands the table out: CRM_OK and *out owned by the caller, or, with a sticky
 * failure, frees it and answers that, *out NULL.  With `out` NULL the table is
 * freed all the same. */
int32_t table_finish(crm_table *table, crm_table **out, crm_error *error);

#endif
