/* parse: a value from text as people write it. */
#ifndef MODEL_PARSE_H
#define MODEL_PARSE_H

#include "model/record.h"

struct parsed {
    int64_t integer; /* every int-valued type */
    double real;
};

/* BOOL, INT, DECIMAL, REAL, MONEY (currency 0: the file's), TIME, DATE, CHOICE, CURRENCY. */
int32_t parse_scalar(crm_view *view, const struct field *field, const char *text, size_t length, struct parsed *out,
                     crm_error *error);

/* A reference: for a REF what crm_resolve reads; for an ANY_REF or REFS an id or
 * "kind:" and what crm_resolve reads.  In a transaction the record that is being
 * changed stays open, so it is not yet found itself. */
int32_t parse_ref(crm_view *view, const struct field *field, const char *text, size_t length, uint32_t *kind,
                  crm_id *id, crm_error *error);
/* "value", "label", … by CRM_PART_; NULL: there is none. */
const char *list_part_name(int32_t what);
/* Its first item is the primary one until another is. */
bool list_is_ranked(const struct field *field);
/* What set_parsed does for a list: the whole list anew. */
int32_t list_parse(crm_record *record, struct field *field, const char *text, size_t length);

#endif
