/* rewrite: writes what a generation holds as the base frames of a new log: for
 * a compaction, and for what is salvaged of a damaged file.
 *
 * A record's newest version becomes a create with all its fields, older ones
 * go, oldest first, into packs: runs of entries, deflated together.  Memory is
 * a frame (16 MiB), a pack, and one record's chain.
 */
#ifndef MODEL_REWRITE_H
#define MODEL_REWRITE_H

#include "model/db.h"

struct rewrite_link { /* one version of the record at hand */
    uint64_t place, lsn, version;
    uint32_t sequence;
    uint8_t operation, flags;
};

struct rewrite {
    struct generation *from;
    struct log *to;
    struct log_point end; /* of `to` */
    int64_t drop_before;  /* versions that were superseded before this instant are left out */
    bool salvage;         /* what cannot be read ends a chain instead of the work */
    uint64_t cut;         /* salvage: chains that ended so */
    /* within */
    struct generation reader;
    struct frame last; /* who and when of the newest transaction */
    struct buffer frame, heads, pack, body;
    uint32_t frame_entries, head_entries, packs;
    crm_id id_base;
    struct rewrite_link *links; /* newest first */
    size_t link_count, link_capacity;
    uint8_t **dropped; /* by position of the kind: bits of rows that are left out altogether */
    uint32_t kinds;
};

/* `from`, `to`, `end`, `drop_before` and `salvage` are set, the rest is zero.
 * Under the writer lock of `from`, whose schema does not grow meanwhile. */
int32_t rewrite_all(struct rewrite *rewrite, crm_error *error);
void rewrite_free(struct rewrite *rewrite);
bool rewrite_dropped(const struct rewrite *rewrite, uint32_t kind_position, uint32_t number);

/* retain: which deleted records are old enough to go, and not referred to. */
int32_t retain_mark(struct rewrite *rewrite, crm_error *error);
void retain_free(struct rewrite *rewrite);
/* The record's chain into `links`. */
int32_t rewrite_chain(struct rewrite *rewrite, const struct kind *kind, uint32_t number, uint64_t head,
                      crm_error *error);

#endif
