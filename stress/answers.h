/* answers: everything that a database answers, as text, so that two states can
 * be compared to the last byte: the schema, every record with every field,
 * every change that ever was with its author, orders, timelines, groups and
 * reports.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <crm.h>
#include <stdbool.h>
#include <stddef.h>

struct answers {
    char *text;
    size_t length, capacity;
    bool mask_ids; /* ids as numbers in the order of their appearance: for files that were made anew */
    crm_id *ids;
    size_t id_count, id_capacity;
    crm_db *db; /* within */
    crm_view *view;
};

/* The state after transaction `lsn`, which must be the newest.  False: a call
 * failed; the text says which. */
bool answers_get(struct answers *answers, crm_db *db, uint64_t lsn);
/* The last line: what failed. */
const char *answers_end(const struct answers *answers);
void answers_free(struct answers *answers);
/* Where two differ, as a line: static, until the next call. */
const char *answers_difference(const char *wanted, const char *found);

#endif
