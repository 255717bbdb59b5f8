/* txn: the one write transaction: the frame as it grows, and the record that is
 * being changed.
 *
 * A finished change is an entry in the frame buffer, with the offset that it
 * will have in the file, and is applied to the arena at once, in one short
 * exclusive step.  Readers do not see it: their views' LSN is lower.  A rollback
 * takes the entries out again in reverse.
 */
#ifndef MODEL_TXN_H
#define MODEL_TXN_H

#include "model/record.h"

struct edit {
    struct field *field;
    struct value value;
    size_t at;            /* of the value's bytes in edit_bytes */
    bool judged, differs; /* whether the value is not the one before, once somebody asked */
};

struct known_id {
    crm_id id;
    uint32_t kind, number;
};
enum { TXN_KNOWN = 128, TXN_SPARES = 3 };

struct crm_txn {
    crm_db *db;
    struct generation *generation;
    crm_view view;
    struct buffer entries; /* the frame's entries */
    uint64_t base;         /* offset in the file of entries.data[0] */
    uint64_t lsn;
    int64_t time;
    bool applied; /* the arena has something of it; under the generation's lock */
    uint32_t entry_count;
    crm_id id_base; /* of the frame */
    crm_id next_id;
    uint64_t *offsets; /* of every entry, so that a rollback can go backwards */
    size_t offset_count, offset_capacity;
    char *actor, *reason, *batch;
    int32_t status;
    crm_error error;
    crm_record *open;   /* being changed */
    crm_record *judged; /* just finished; its edits still answer what rules ask of it */
    bool in_rules;
    bool by_library; /* what is made now is the library's own */
    /* What the open record's change says of which fields: as it came, in the
     * fields' order, and where the edit of a built-in field is (position + 1). */
    struct edit *edits;
    uint32_t *edit_order;
    size_t edit_count; /* in order */
    size_t edit_used, edit_capacity, order_capacity;
    uint16_t edit_place[64];
    uint64_t edit_mask, edit_nulls; /* a bit for each built-in field with an edit; that takes it away */
    struct buffer edit_bytes, body, scratch;
    struct buffer spares[TXN_SPARES]; /* of lists that were built */
    size_t spare_count;
    struct known_id known[TXN_KNOWN]; /* what references to small kinds led to */
    crm_record *records;              /* all handed out, newest first */
    struct block *blocks;             /* their memory */
};

int32_t txn_fail(crm_txn *txn, int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
int32_t txn_nomem(crm_txn *txn);
/* A record of that kind could not be read: CRM_NOMEM, else it is damaged. */
int32_t txn_unread(crm_txn *txn, int32_t status, const struct kind *kind);
/* Makes `record` the one that is changed; finishes the other first. */
int32_t txn_open_record(crm_txn *txn, crm_record *record);
int32_t txn_finish(crm_txn *txn); /* the open record becomes a version, in the frame and in the arena */
int32_t txn_usable(crm_txn *txn); /* the arena can be read, though keys of trees may wait */
int32_t txn_settle(crm_txn *txn); /* no key of a tree waits any more */
crm_record *txn_record(crm_txn *txn, struct kind *kind, uint32_t number); /* a handle on an existing one */
crm_record *txn_create(crm_txn *txn, struct kind *kind, const crm_id *id);
struct edit *txn_edit_search(const crm_txn *txn, uint32_t field);       /* of a user's field */
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
/* While edits that change nothing are still there. */
int32_t txn_check_currency(crm_txn *txn, const crm_record *record, const struct version *before);
int32_t txn_check(crm_txn *txn, crm_record *record, const struct version *before); /* schema rules at finish */

/* Lists: whether a value may be an item's, the part or parts it becomes, and the
 * whole list as the field's new value (frees it). */
int32_t items_check(crm_record *record, const struct field *field, const char *text, size_t length);
void items_put_value(struct buffer *out, const struct field *field, const char *text, size_t length);
int32_t items_put(crm_record *record, struct field *field, struct buffer *list);

#endif
