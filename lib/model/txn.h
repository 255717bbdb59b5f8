/* txn: the one write transaction: the frame as it grows, and the record that is
 * being changed.
 *
 * A finished change is an entry in the frame buffer, with the offset that it
 * will have in the file; it is applied to the arena before anything is looked
 * up, and at commit.  Readers do not see it: their views' LSN is lower.  A
 * rollback takes the applied entries out again in reverse.
 */
#ifndef MODEL_TXN_H
#define MODEL_TXN_H

#include "model/record.h"

struct edit {
    struct field *field;
    struct value value;
    size_t at; /* of the value's bytes in edit_bytes */
};

struct crm_txn {
    crm_db *db;
    struct generation *generation;
    crm_view view;
    struct buffer entries; /* the frame's entries */
    uint64_t base;         /* offset in the file of entries.data[0] */
    uint64_t lsn;
    int64_t time;
    size_t applied; /* bytes of entries that the arena has */
    uint32_t entry_count;
    crm_id id_base;    /* of the frame, for writing */
    crm_id apply_base; /* of the frame, for applying */
    crm_id next_id;
    uint64_t *offsets; /* of every entry, so that a rollback can go backwards */
    size_t offset_count, offset_capacity;
    char *actor, *reason, *batch;
    int32_t status;
    crm_error error;
    crm_record *open;     /* being changed */
    crm_record *judged;   /* just finished; its edits still answer what rules ask of it */
    bool deletes_pending; /* a deletion, or its undoing, is finished but not applied */
    bool in_rules;
    bool by_library; /* what is made now is the library's own */
    /* What the open record's change says of which fields: as it came, in the
     * fields' order, and where the edit of a built-in field is (position + 1). */
    struct edit *edits;
    uint32_t *edit_order;
    size_t edit_count; /* in order */
    size_t edit_used, edit_capacity, order_capacity;
    uint16_t edit_place[64];
    struct buffer edit_bytes, body, scratch;
    crm_record *records;       /* all handed out, newest first */
    struct block *blocks;      /* their memory */
    uint32_t rows_pending[32]; /* created but not applied, by built-in kind */
    uint32_t user_pending;
    bool changes_pending;   /* finished, not applied, and no creation */
    struct buffer new_keys; /* hashes of the unique values of the record being finished */
    uint64_t *keys_pending; /* the same of what is not applied, open addressing, 0: free */
    size_t key_count, key_capacity;
};

int32_t txn_fail(crm_txn *txn, int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Makes `record` the one that is changed; finishes the other first. */
int32_t txn_open_record(crm_txn *txn, crm_record *record);
int32_t txn_finish(crm_txn *txn);                                         /* the open record becomes a version */
int32_t txn_apply(crm_txn *txn);                                          /* everything finished goes into the arena */
int32_t txn_settle(crm_txn *txn);                                         /* and no key of a tree waits any more */
crm_record *txn_record(crm_txn *txn, struct kind *kind, uint32_t number); /* a handle on an existing one */
crm_record *txn_create(crm_txn *txn, struct kind *kind, const crm_id *id);
bool txn_key_pending(const crm_txn *txn, uint64_t hash); /* a unique value that waits to be applied */
bool txn_keep_keys(crm_txn *txn);                        /* adds the finished record's; false: no memory */
struct edit *txn_edit_search(const crm_txn *txn, uint32_t field); /* of a user's field */
static inline struct edit *txn_edit(const crm_txn *txn, uint32_t field) /* NULL: not changed */
{
    if (field >= 64)
        return txn_edit_search(txn, field);
    return txn->edit_place[field] == 0 ? NULL : &txn->edits[txn->edit_place[field] - 1];
}
static inline struct edit *txn_edit_at(const crm_txn *txn, size_t position) /* in the order of the fields */
{
    return &txn->edits[txn->edit_order[position]];
}
void txn_edits_clear(crm_txn *txn);
/* How many edits change something; `drop` takes the others out. */
size_t txn_edits_changed(crm_txn *txn, const crm_record *record, bool drop);
int32_t txn_put(crm_record *record, struct field *field, const struct value *value); /* no checks */
int32_t txn_operation(crm_record *record, uint8_t operation);
uint32_t txn_rows(const crm_txn *txn, const struct kind *kind);                    /* applied and pending */
int32_t txn_check(crm_txn *txn, crm_record *record, const struct version *before); /* schema rules at finish */

/* Lists: whether a value may be an item's, the part or parts it becomes, and the
 * whole list as the field's new value (frees it). */
int32_t items_check(crm_record *record, const struct field *field, const char *text, size_t length);
void items_put_value(struct buffer *out, const struct field *field, const char *text, size_t length);
int32_t items_put(crm_record *record, struct field *field, struct buffer *list);

#endif
