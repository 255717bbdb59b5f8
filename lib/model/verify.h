/* verify: what its sources share: findings, a row each.
 */
#ifndef MODEL_VERIFY_H
#define MODEL_VERIFY_H

#include "model/db.h"

struct verify {
    crm_db *db;
    struct generation *generation;
    struct generation reader;
    crm_table *table;
    uint64_t count; /* of findings */
    bool starved;   /* what could not be read for want of memory is no finding */
    char first[400];
    struct buffer scratch;
};

void verify_found(struct verify *verify, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void verify_found_at(struct verify *verify, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* verify_log.c: every frame and every entry up to where the generation is, and what follows. */
int32_t verify_log(struct verify *verify, crm_error *error);
/* verify_index.c: everything the arena holds against a second one built from the log. */
int32_t verify_index(struct verify *verify, crm_error *error);

#endif
