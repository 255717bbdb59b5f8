/* oracle_state: what the sources of the oracle share: its records and versions,
 * its own table of kinds and fields, and drafts, through which one change is
 * made to the database and the model at once.
 *
 * Versions are never changed once their change is over, and lie in a region
 * that an oracle shares with its copies: a copy is the lists of records alone.
 * What a rolled back transaction left stays in the region, unreferenced.
 */
#ifndef ORACLE_STATE_H
#define ORACLE_STATE_H

#include "oracle.h"

/* ---- kinds and fields ---- */

enum oracle_slot {
    SLOT_CUSTOMER,
    SLOT_CONTACT,
    SLOT_OPPORTUNITY,
    SLOT_INTERACTION,
    SLOT_USER,
    SLOT_PIPELINE,
    SLOT_STAGE,
    SLOT_PRODUCT,
    SLOT_TRANSITION,
    SLOT_SETTING,
    SLOT_KIND,
    SLOT_FIELD,
    SLOT_CHOICE,
    SLOT_MACHINE, /* a user's own */
    SLOT_COUNT
};

enum { SHAPE_INT, SHAPE_REAL, SHAPE_TEXT, SHAPE_REF, SHAPE_ITEMS };

/* Flags of a field. */
enum {
    IS_PERSONAL = 1,
    IS_REQUIRED = 2,
    IS_UNIQUE = 4,
    IS_OWN = 8,     /* a user's: not there before it is defined */
    IS_INDEXED = 16 /* texts: found by crm_find */
};

struct oracle_field {
    uint32_t number;
    int32_t type; /* CRM_TYPE_ */
    uint32_t flags;
    const char *name; /* of a user's own: it is defined by that name */
    uint32_t target;  /* of a user's own reference */
};

struct oracle_kind {
    uint32_t number; /* CRM_KIND_ */
    uint32_t field_count;
    const struct oracle_field *fields;
};

enum { FIELDS_MAX = 32 };

const struct oracle_kind *oracle_kind(enum oracle_slot slot);
/* The place of a field in its kind's table; it must be there. */
uint32_t oracle_place(enum oracle_slot slot, uint32_t number);
int oracle_shape(int32_t type); /* SHAPE_ */
/* SLOT_COUNT: the model has no such kind. */
enum oracle_slot oracle_slot_of(uint32_t kind);

/* ---- values ---- */

struct oracle_item {
    const char *value, *system, *label, *role;
    int32_t primary, opt_out;
    uint8_t slot; /* of a reference */
    uint32_t index;
};

struct oracle_items {
    uint32_t count;
    struct oracle_item list[];
};

struct oracle_value {
    bool set;
    uint8_t slot;   /* of a reference */
    uint32_t index; /* and whose number it is there */
    union {
        int64_t integer;
        double real;
        const char *text;
        const struct oracle_items *items;
    };
};

bool oracle_same(int shape, const struct oracle_value *a, const struct oracle_value *b);

/* ---- records ---- */

struct oracle_version;

/* A transaction. */
struct oracle_meta {
    const struct oracle_meta *previous;
    uint64_t lsn;
    int64_t time;
    const char *actor, *reason, *batch;
    struct oracle_touch *first, *last; /* its changes, in order */
};

struct oracle_touch {
    struct oracle_touch *next;
    enum oracle_slot slot;
    uint32_t index;
    const struct oracle_version *version;
};

struct oracle_version {
    const struct oracle_version *previous;
    const struct oracle_meta *meta;
    uint64_t number;
    int32_t operation; /* CRM_CHANGE_ */
    bool deleted;
    struct oracle_value values[]; /* by place */
};

struct oracle_record {
    crm_id id;
    bool identified; /* else the library chose the id, and the model does not know it */
    uint64_t erased; /* versions before that one show no personal data; 0: never */
    const struct oracle_version *newest;
};

struct oracle_set {
    struct oracle_record *list; /* in order of creation */
    uint32_t count, capacity;
};

struct oracle_region;

struct oracle {
    struct oracle_region *region;
    struct oracle_set sets[SLOT_COUNT];
    const struct oracle_meta *last; /* committed */
    struct oracle_meta *open;       /* of the transaction under way */
    bool doomed;                    /* which keeps an error */
    int32_t doom;
    struct oracle *saved;   /* before it */
    struct oracle *attempt; /* see oracle_attempt */
    uint32_t changes_most, records_most;
    bool random_ids;
    bool large;    /* the transaction under way has very many changes */
    char *trouble; /* in the region: copies share it */
};

enum { TROUBLE_SIZE = 600 };

/* Memory that lasts as long as the oracle and its copies; zeroed. */
void *oracle_keep(const struct oracle *oracle, size_t size);
const char *oracle_text(const struct oracle *oracle, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The committed transactions after `lsn`, oldest first; owned: free(). */
const struct oracle_meta **oracle_metas(const struct oracle *oracle, uint64_t lsn, uint32_t *count);
/* A number that was never given before, from 1; copies count together. */
uint32_t oracle_fresh(const struct oracle *oracle);
uint32_t oracle_freshest(const struct oracle *oracle); /* the last one */
/* Notes what went wrong and gives it back. */
const char *oracle_wrong(const struct oracle *oracle, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of a call that answered a status which no rule gives. */
const char *oracle_failed(const struct oracle *oracle, int32_t status, const char *what);
const char *oracle_note_status(const struct oracle *oracle, int32_t status); /* the trouble is about such a call */

#define PASS(call)                   \
    do {                             \
        const char *wrong_ = (call); \
        if (wrong_ != NULL)          \
            return wrong_;           \
    } while (0)

static inline const struct oracle_record *oracle_record(const struct oracle *oracle, enum oracle_slot slot,
                                                        uint32_t index)
{
    return &oracle->sets[slot].list[index];
}

static inline const struct oracle_value *oracle_value(const struct oracle *oracle, enum oracle_slot slot,
                                                      uint32_t index, uint32_t field)
{
    return &oracle->sets[slot].list[index].newest->values[oracle_place(slot, field)];
}

static inline bool oracle_lives(const struct oracle *oracle, enum oracle_slot slot, uint32_t index)
{
    return !oracle->sets[slot].list[index].newest->deleted;
}

/* Its value, 0 when it is not set; as the version shows it, not hidden by an erasure. */
int64_t oracle_int(const struct oracle *oracle, enum oracle_slot slot, uint32_t index, uint32_t field);
/* Whether a reading of the record's newest version shows no personal data (a state of the past). */
bool oracle_hidden(const struct oracle_record *record, const struct oracle_version *version);
/* A live record that is `index`-th by chance; UINT32_MAX: none was found. */
uint32_t oracle_pick(const struct oracle *oracle, enum oracle_slot slot, struct choices *choices);
/* The value of a setting; NULL: none. */
const char *oracle_setting(const struct oracle *oracle, const char *name);
/* How many own fields of a kind are defined. */
uint32_t oracle_defined(const struct oracle *oracle, enum oracle_slot slot);
int32_t oracle_currency(const struct oracle *oracle);

/* Adds a version to a record; its values are those before, to be changed by the caller at once. */
struct oracle_version *oracle_add_version(struct oracle *oracle, enum oracle_slot slot, uint32_t index,
                                          int32_t operation);
/* Adds a record without a version yet; its index. */
uint32_t oracle_add_record(struct oracle *oracle, enum oracle_slot slot, const crm_id *id);

/* What a new file holds: transaction 1. */
void oracle_new_file(struct oracle *oracle);
struct oracle_meta *oracle_open_meta(struct oracle *oracle, int64_t now);

/* ---- drafts: one change under way, of both ---- */

struct draft {
    struct oracle *oracle;
    crm_txn *txn;
    struct choices *choices;
    crm_record *record;
    enum oracle_slot slot;
    uint32_t index; /* UINT32_MAX: it is new */
    crm_id id;      /* of a new one */
    bool identified;
    const struct oracle_version *before; /* NULL: it is new */
    int32_t status;                      /* what the first setter to fail must answer */
    const char *wrong;                   /* one did not */
    uint32_t given;                      /* places that a setter named */
    bool undoing;                        /* restores what was: rules that guard a direction let it pass */
    struct oracle_value values[FIELDS_MAX];
};

struct draft draft_create(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot);
struct draft draft_edit(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot,
                        uint32_t index);
/* Of the model alone. */
struct draft draft_of(struct oracle *oracle, enum oracle_slot slot, uint32_t index);
void draft_int(struct draft *draft, uint32_t field, int64_t value);
void draft_real(struct draft *draft, uint32_t field, double value);
void draft_text(struct draft *draft, uint32_t field, const char *text); /* kept by the caller, in the region */
void draft_ref(struct draft *draft, uint32_t field, enum oracle_slot slot, uint32_t index);
void draft_null(struct draft *draft, uint32_t field);
void draft_add(struct draft *draft, uint32_t field, const char *text);
void draft_add_ref(struct draft *draft, uint32_t field, enum oracle_slot slot, uint32_t index, const char *role);
void draft_remove(struct draft *draft, uint32_t field, uint32_t item);
void draft_part(struct draft *draft, uint32_t field, uint32_t at, int32_t part, int64_t number, const char *text);
/* Any other setter's answer: true when the change is to be made to the model, too. */
bool draft_expect(struct draft *draft, uint32_t field, int32_t got, int32_t expected);
/* What the library would store: without the model's rules, for those themselves. */
struct oracle_value *draft_at(struct draft *draft, uint32_t field);
bool draft_has(struct draft *draft, uint32_t field);
int64_t draft_get(struct draft *draft, uint32_t field);
void draft_put(struct draft *draft, uint32_t field, int64_t value);
void draft_clear(struct draft *draft, uint32_t field);
bool draft_given(struct draft *draft, uint32_t field);   /* named by a setter */
bool draft_differs(struct draft *draft, uint32_t field); /* from the version before */
/* The change is over: the rules judge it in both, and the answers must be the same. */
const char *draft_finish(struct draft *draft);
/* The transaction's answer to what was done last; a refusal is forgiven, or dooms the transaction. */
const char *oracle_verdict(struct oracle *oracle, crm_txn *txn, struct choices *choices, int32_t expected,
                           const char *what);

/* The same without the database: what must be answered, whether anything differs, and the version. */
int32_t draft_judge(struct draft *draft, int32_t operation);
bool draft_changed(struct draft *draft);
void draft_keep(struct draft *draft, int32_t operation);

/* What the rules of a kind make of a draft: CRM_OK, or what refuses it. */
int32_t oracle_rules(struct draft *draft);
int32_t oracle_rules_opportunity(struct draft *draft);
/* The other records that a version makes: transitions. */
void oracle_after(struct oracle *oracle, enum oracle_slot slot, uint32_t index);

/* The lifecycle in force lets a customer go from one stage to another. */
bool oracle_may_move(const struct oracle *oracle, int64_t from, int64_t to);
/* The interaction is of the person (or record); `named`: or has it among its participants. */
bool oracle_concerns(const struct oracle_version *interaction, enum oracle_slot slot, uint32_t index, bool named);

/* ---- kinds of change ---- */

/* Mostly a new number; else one that may be in use, so that values meet. */
uint32_t change_number(const struct oracle *oracle, struct choices *choices);
/* A text that is short, long enough to be deflated, or long and hardly compressible. */
const char *change_prose(const struct oracle *oracle, struct choices *choices);
/* A draft of a new record or of one that lives; false: neither can be, or it went wrong (draft->wrong). */
bool change_begin(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot,
                  struct draft *draft);
/* One field, or some that belong together. */
void change_customer_field(struct draft *draft);
/* A reference to a record of that kind, or none. */
void change_ref(struct draft *draft, uint32_t field, enum oracle_slot slot);

const char *change_customer(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_contact(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_opportunity(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_interaction(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_other(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_own(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_refused(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_undo(struct oracle *oracle, crm_txn *txn, struct choices *choices);
const char *change_life(struct oracle *oracle, crm_txn *txn, struct choices *choices); /* delete, restore, erase */

#endif
