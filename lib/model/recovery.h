/* recovery: what the sources of recover share.
 */
#ifndef MODEL_RECOVERY_H
#define MODEL_RECOVERY_H

#include "model/db.h"

struct recovery {
    crm_db *db; /* without a log of its own */
    const char *from;
    struct generation *generation; /* the damaged log, and what could be applied of it */
    crm_table *table;
    uint64_t told;
    uint64_t entries, lost_entries, new_ids;
    uint64_t lost_here, first_lost; /* of the frame at hand */
    bool ordinary;                  /* base frames are over */
    uint64_t top;                   /* the last transaction of which anything is left */
    struct buffer scratch;
};

/* recovery_entry.c: one entry into the indexes as far as what it builds on is
 * there, else it is counted as lost.  `most`: no entry is of a later
 * transaction; `base`: it lies in a base frame.  False: out of memory. */
bool recovery_entry(struct recovery *recovery, uint64_t most, bool base, uint64_t offset, const struct entry *entry,
                    crm_id *id_base);
void recovery_lose(struct recovery *recovery, uint64_t offset);

/* recovery_hole.c: the entries that can be read between `from` and `to`, where
 * no whole frame lies. */
int32_t recovery_hole(struct recovery *recovery, uint64_t from, uint64_t to, uint64_t most, bool base,
                      crm_error *error);

#endif
