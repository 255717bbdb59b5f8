/* record: a handle on one record at one version, and what a change to it adds.
 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include "model/db.h"
#include "model/view.h"

/* Texts made for the caller (inflated, formatted), freed with the record. */
struct made {
    struct made *next;
    const void *source; /* what it was made from, so that it is made once */
    uint32_t field;     /* or the field it shows */
    size_t length;
    char text[];
};

struct crm_record {
    crm_view *view; /* whose state it shows; never NULL */
    crm_txn *txn;   /* of a record that can be changed */
    struct kind *kind;
    uint32_t number;
    crm_id id;              /* record_id */
    struct body_seek seek;  /* in the version's body when it has but one, else empty */
    struct version version; /* count 0: new, or not read yet */
    /* A new record of a transaction is zero up to here, and from `loaded` on. */
    bool loaded, created, dead, borrowed, identified;
    uint8_t pending; /* an ENTRY_ operation that the change is, 0: update */
    int32_t status;
    uint64_t expected; /* version named by crm_expect_version */
    struct made *made;
    char *note_rule, *note_evidence;
    crm_record *next; /* spare list of a view; all of a transaction */
};

/* A handle on the version at `row`; NULL: no memory.  Owned by the caller. */
int32_t record_open(crm_view *view, struct kind *kind, uint32_t number, const struct row *row, crm_record **out,
                    crm_error *error);
/* The same in steps: an empty handle (NULL: no memory), to be filled, that the
 * caller gets or that goes back (NULL is fine). */
crm_record *record_take(crm_view *view);
crm_record *record_hand_out(crm_record *record);
void record_put_back(crm_record *record);
/* Fills an existing handle (queries reuse theirs). */
int32_t record_fill(crm_record *record, crm_view *view, struct kind *kind, uint32_t number, const struct row *row);
/* Lets the getters of a handle whose version does not change go on where the last one was. */
void record_seek(crm_record *record);
void record_clear(crm_record *record); /* frees what it made */
/* Read when it is first asked for, unless the record is a transaction's. */
const crm_id *record_id(const crm_record *record);
/* The value of a field as the handle sees it, pending changes included: 1, 0, -1. */
int record_value(const crm_record *record, uint32_t field, struct value *value);
struct field *record_field(const crm_record *record, uint32_t field);
/* Room for a text that lives as long as the record; NULL: no memory (and the status says so). */
struct made *record_make(const crm_record *record, uint32_t field, const void *source, size_t length);
int record_read_value(const crm_record *record, struct field *field, struct value *value); /* with derived fields */
const char *record_text_of(const crm_record *record, const struct value *value, size_t *length);
int32_t record_currency(const crm_record *record);
/* The id behind a reference's number. */
bool record_target(const crm_record *record, const struct field *field, int64_t stored, uint32_t *kind, crm_id *id);
bool record_read_id(const crm_record *record, uint32_t kind, uint32_t number, crm_id *id);
/* What the arena knows is read between this and view_end; false: it cannot be
 * read.  In a transaction it leaves the record that is being changed open. */
bool record_lock(const crm_record *record);
/* In the place of view_end: true when what was read must be read again; the
 * record's status tells when that is of no use. */
bool record_again(const crm_record *record);
/* A getter finds less than there is, and the record says why; false. */
bool record_unread(const crm_record *record, int32_t status);
/* Appends the text of a field (display: references by title).  False: out of memory. */
bool record_format(const crm_record *record, struct field *field, bool display, struct buffer *out);
bool list_format(const crm_record *record, const struct field *field, const struct value *value, bool display,
                 struct buffer *out);
/* A reference: the target's id, with "kind:" before it where the id alone would
 * find another record (`any`: the kind does not follow from the field). */
bool record_format_ref(const crm_record *record, uint32_t kind, uint32_t number, bool any, bool display,
                       struct buffer *out);

#endif
