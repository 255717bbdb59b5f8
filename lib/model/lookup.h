/* lookup: one record by a value of its own. */
#ifndef MODEL_LOOKUP_H
#define MODEL_LOOKUP_H

#include "model/record.h"

/* Whether the record, live and as the view sees it, has that normalised key. */
bool lookup_has_key(crm_view *view, struct kind *kind, struct field *field, uint32_t number, const char *key,
                    size_t length);
/* crm_find; `alone`: it is CRM_DUPLICATE when several have the value. */
int32_t lookup_find(crm_view *view, uint32_t kind, uint32_t field, const char *text, size_t length, bool alone,
                    crm_record **record, crm_error *error);
/* A live record that refers to `target` through that field (in a transaction's view). */
int32_t lookup_referrer(crm_view *view, struct kind *kind, struct field *field, uint32_t target, uint32_t *number);

#endif
