/* plain: the simplest model of a CRM: a list of records, each a list of fields
 * with the text that must come out.  For what the larger oracle does not know.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <crm.h>
#include <stdbool.h>

struct plain;

struct plain *plain_create(void);
struct plain *plain_copy(const struct plain *plain);
void plain_free(struct plain *plain);
void plain_add(struct plain *plain, uint32_t kind, const crm_id *id);
/* As crm_format gives it; NULL: the field is not set. */
void plain_put(struct plain *plain, const crm_id *id, uint32_t field, const char *text);
void plain_delete(struct plain *plain, const crm_id *id, bool deleted);
void plain_setting(struct plain *plain, const char *name, const char *value);
/* Whether the view holds these records and, of their kinds, no others; finds
 * each of them by its name, too.  NULL, or what is wrong: static. */
const char *plain_check(const struct plain *plain, crm_view *view);

#endif
