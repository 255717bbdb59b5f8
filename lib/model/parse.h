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

#endif
