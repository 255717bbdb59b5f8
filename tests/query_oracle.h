/* query_oracle: a second implementation of queries for tests, by brute force
 * over plain arrays, and a database that is changed together with them.
 *
 * The kind "thing" has a field of most types with and without indexes.  The
 * model of every transaction is kept, so that a view of any LSN can be judged.
 */
#ifndef QUERY_ORACLE_H
#define QUERY_ORACLE_H

#include <crm.h>
#include <stdbool.h>

enum {
    THING_INT_INDEXED,
    THING_INT_HOT,
    THING_INT,
    THING_TEXT_INDEXED,
    THING_TEXT,
    THING_CHOICE,
    THING_REAL,
    THING_REAL_PLAIN,
    THING_DATE,
    THING_TIME,
    THING_BOOL,
    THING_MONEY,
    THING_REF_INDEXED,
    THING_REF_HOT,
    THING_TAGS,
    THING_UNIQUE,
    THING_FIELDS,
    /* What every record has; no cells. */
    THING_CREATED = THING_FIELDS,
    THING_VERSION,
    THING_COLUMNS
};

struct thing_cell {
    bool set;
    int64_t integer; /* of a tag list: a bit a tag; of a reference: the other thing's position */
    double real;
    char text[16];
};

struct thing {
    crm_id id;
    bool deleted;
    int64_t version, created;
    struct thing_cell cells[THING_FIELDS];
};

struct things_state {
    uint32_t count;
    struct thing *things; /* in order of creation */
};

enum { THING_VIEWS = 4 };

struct things {
    crm_db *db;
    crm_txn *txn;                 /* the open one */
    crm_view *views[THING_VIEWS]; /* queried amid transactions, too; NULL: none */
    char path[64];
    bool image;
    uint32_t kind, fields[THING_COLUMNS];
    uint32_t seed;
    int64_t now;
    struct things_state state;   /* with the open transaction's changes */
    struct things_state *past;   /* by LSN */
    uint64_t lsn, past_capacity; /* the last committed */
};

uint32_t things_below(struct things *things, uint32_t limit);
void things_open(struct things *things, uint32_t seed, bool image);
void things_reopen(struct things *things); /* no view may be open */
void things_close(struct things *things);
/* A transaction of some random changes, perhaps with queries amid them, committed or rolled back. */
void things_change(struct things *things, uint32_t changes);
/* A random query in the view, held against the state. */
void things_query(struct things *things, crm_view *view, const struct things_state *state);
const struct things_state *things_at(const struct things *things, uint64_t lsn);

#endif
