/* change: one version of one record as a change from the version before.  What
 * histories and feeds hand out.
 */
#ifndef MODEL_CHANGE_H
#define MODEL_CHANGE_H

#include "model/record.h"

struct crm_change {
    crm_view *view; /* whose state references are shown in */
    struct kind *kind;
    uint32_t number;
    crm_id id;
    uint64_t lsn, version, time_lsn;
    int64_t time;
    int32_t operation;
    struct buffer texts; /* actor, reason and batch of transaction time_lsn */
    size_t reason, batch;
    bool has_before;
    crm_record before, after;
    uint32_t *fields;
    size_t field_count, field_capacity;
};

/* Which version of which record. */
struct change_place {
    struct kind *kind;
    uint32_t number;
    crm_id id;
    uint64_t place;
    uint64_t erased; /* see version_erased: the personal fields of every version before it are void */
};

void change_init(struct crm_change *change, const struct memory *memory);
/* What the change handed out is given back. */
void change_clear(struct crm_change *change);
void change_free(struct crm_change *change);
/* Between view_begin and view_end.  `reader`: the generation through which
 * versions are read, the view's own or a reader of its log. */
int32_t change_fill(struct crm_change *change, crm_view *view, struct generation *reader,
                    const struct change_place *what, crm_error *error);
/* A compaction writes a record's newest version as if it were created; what it
 * was once follows from the version before (NULL: there is none any more). */
int32_t change_operation(const struct entry *entry, const struct entry *before);

#endif
