/* undo: what the sources of crm_undo share.
 *
 * The records that a batch touched are found, each is judged by its chain of
 * versions (what was it before, has anybody changed it since), the rest of the
 * file is searched once for references to what would go, and only then is
 * anything changed.  Each step is linear in the batch or in the file.
 */
#ifndef MODEL_UNDO_H
#define MODEL_UNDO_H

#include "model/txn.h"

enum { UNDO_NOTHING = 0, UNDO_REVERT = 1, UNDO_DELETE = 2, UNDO_CONFLICT = 3 };

struct undo_record {
    uint32_t kind, number;
    uint64_t lsn; /* of the batch's first touch, then its place there: */
    uint32_t sequence;
    uint8_t what; /* UNDO_ */
    bool created;
};

struct undo {
    crm_txn *txn;
    struct generation *generation;
    const char *batch;
    uint64_t *lsns; /* of the batch, ascending */
    size_t lsn_count, lsn_capacity;
    struct undo_record *records; /* in the order of their first touch */
    size_t count, capacity;
    uint32_t *slots; /* hash table: position in records + 1, by (kind, number) */
    size_t slot_count;
    crm_table *conflicts;
    uint64_t conflict_count;
    struct buffer text;
};

/* undo_find.c: the batch's transactions and the records they touched.  CRM_NOT_FOUND: no such batch. */
int32_t undo_find(struct undo *undo, crm_error *error);
bool undo_in_batch(const struct undo *undo, uint64_t lsn);
struct undo_record *undo_known(const struct undo *undo, uint32_t kind, uint32_t number); /* NULL: not touched */

/* undo_judge.c */
struct undo_trace {
    uint64_t newest, last, first,
        before;                   /* places; last and first are the batch's, before: 0 when it made the record */
    bool created, between, after; /* others changed it between or after */
    bool erased, lost;            /* since then; the version before is gone */
    bool live_now, live_last, live_before;
};
int32_t undo_trace(const struct undo *undo, uint32_t kind, uint32_t number, struct undo_trace *trace, crm_error *error);
/* The next field of the batch to be put back, from *field on (0 at first): 1 and
 * what it was (VALUE_NULL: not set); 0 at the end; -1 a conflict in *field; -2 damaged. */
struct undo_fields {
    struct kind *kind;
    struct version before, last, now;
    uint8_t *mask; /* others changed it in between: bits of field positions; NULL: none did */
    uint8_t *ours;
    uint32_t position;
};
int32_t undo_fields_open(const struct undo *undo, struct kind *kind, const struct undo_trace *trace,
                         struct undo_fields *fields);
int undo_fields_next(struct undo_fields *fields, struct field **field, struct value *value);
void undo_fields_close(const struct undo *undo, struct undo_fields *fields);
int32_t undo_judge(struct undo *undo, crm_error *error);
void undo_conflict(struct undo *undo, struct undo_record *record, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* undo_refer.c: live records outside the batch that refer to what would be deleted. */
int32_t undo_refer(struct undo *undo, crm_error *error);

#endif
