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
    ORACLE_INT_INDEXED,
    ORACLE_INT_HOT,
    ORACLE_INT,
    ORACLE_TEXT_INDEXED,
    ORACLE_TEXT,
    ORACLE_CHOICE,
    ORACLE_REAL,
    ORACLE_REAL_PLAIN,
    ORACLE_DATE,
    ORACLE_TIME,
    ORACLE_BOOL,
    ORACLE_MONEY,
    ORACLE_REF_INDEXED,
    ORACLE_REF_HOT,
    ORACLE_TAGS,
    ORACLE_UNIQUE,
    ORACLE_FIELDS,
    /* What every record has; no cells. */
    ORACLE_CREATED = ORACLE_FIELDS,
    ORACLE_VERSION,
    ORACLE_COLUMNS
};

struct oracle_cell {
    bool set;
    int64_t integer; /* of a tag list: a bit a tag; of a reference: the other thing's position */
    double real;
    char text[16];
};

struct oracle_thing {
    crm_id id;
    bool deleted;
    int64_t version, created;
    struct oracle_cell cells[ORACLE_FIELDS];
};

struct oracle_state {
    uint32_t count;
    struct oracle_thing *things; /* in order of creation */
};

enum { ORACLE_VIEWS = 4 };

struct oracle {
    crm_db *db;
    crm_txn *txn;                  /* the open one */
    crm_view *views[ORACLE_VIEWS]; /* queried amid transactions, too; NULL: none */
    char path[64];
    bool image;
    uint32_t kind, fields[ORACLE_COLUMNS];
    uint32_t seed;
    int64_t now;
    struct oracle_state state;   /* with the open transaction's changes */
    struct oracle_state *past;   /* by LSN */
    uint64_t lsn, past_capacity; /* the last committed */
};

uint32_t oracle_below(struct oracle *oracle, uint32_t limit);
void oracle_open(struct oracle *oracle, uint32_t seed, bool image);
void oracle_reopen(struct oracle *oracle); /* no view may be open */
void oracle_close(struct oracle *oracle);
/* A transaction of some random changes, perhaps with queries amid them, committed or rolled back. */
void oracle_change(struct oracle *oracle, uint32_t changes);
/* A random query in the view, held against the state. */
void oracle_query(struct oracle *oracle, crm_view *view, const struct oracle_state *state);
const struct oracle_state *oracle_at(const struct oracle *oracle, uint64_t lsn);

#endif
