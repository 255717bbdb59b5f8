/* peer_sqlite: what the files of the SQLite side share. */
#ifndef BENCH_PEER_SQLITE_H
#define BENCH_PEER_SQLITE_H

#include "engine.h"

#include <pthread.h>
#include <sqlite3.h>

extern const struct engine engine_sqlite;

enum peer_statement {
    PEER_BEGIN,
    PEER_COMMIT,
    PEER_HOLD,
    PEER_CUSTOMER,
    PEER_EMAIL,
    PEER_PHONE,
    PEER_INTERACTION,
    PEER_DEAL,
    PEER_TRANSITION,
    PEER_BY_ID,
    PEER_BY_EMAIL,
    PEER_BY_PHONE,
    PEER_BY_PREFIX,
    PEER_TIMELINE,
    PEER_TIMELINE_AFTER,
    PEER_CURSOR,
    PEER_STAGE,
    PEER_DUE,
    PEER_STAGE_COUNTS,
    PEER_SPEND,
    PEER_PIPELINE,
    PEER_VERSIONS,
    PEER_BEFORE,
    PEER_EMPLOYEES,
    PEER_MOVE,
    PEER_SET,
    PEER_LOG,
    PEER_DELETE,
    PEER_RESTORE,
    PEER_FEED,
    PEER_LAST_CHANGE,
    PEER_EXPORT,
    PEER_FIND_EMAIL,
    PEER_UPDATE,
    PEER_STATEMENTS
};
enum { PEER_LOOKUPS = DATA_LOOKUP_TEXTS + DATA_LOOKUP_NUMBERS, PEER_KIND_CUSTOMER = 1, PEER_KIND_DEAL = 3 };

/* What all connections to one file share. */
struct peer_file {
    const struct data *data;
    char *path;
    uint8_t (*pick_ids)[16]; /* side by side, as data's pick_emails */
    struct peer_cursor {
        int64_t start, number;
    } * deep_cursors; /* line 980 of the long timelines */
    bool lookups;     /* the customers have the eight look-up fields */
    bool loading;     /* the indexes come when the rows are there */
    enum engine_mode mode;
    /* Taken before BEGIN: SQLite's own way to wait for a writer is to sleep and
     * try again, which within one process nobody would choose. */
    pthread_mutex_t writer;
};

/* A session: one connection with its statements. */
struct peer {
    struct peer_file *file;
    sqlite3 *db;
    sqlite3_stmt *statements[PEER_STATEMENTS], *lookups[PEER_LOOKUPS];
    uint64_t seed; /* of the ids it makes */
    int64_t now;   /* of the transaction */
};

extern const char peer_tables[], peer_indexes[], peer_lookup_columns[], peer_lookup_indexes[], peer_lookup_customer[];
extern const char *const peer_sql[PEER_STATEMENTS];

bool peer_fail(const struct peer *peer, const char *what);
bool peer_open(void *self, enum engine_mode mode);
bool peer_close(void *self);
bool peer_run(struct peer *peer, const char *sql);
/* Runs a statement that gives no rows and resets it. */
bool peer_step(struct peer *peer, enum peer_statement which);
/* The history of a stage; from 0: the first. */
bool peer_transition(struct peer *peer, int kind, int64_t subject, int64_t at, int from, int to);
bool peer_load(void *self, bool lookups);
bool peer_hold(void *self, bool on);
bool peer_prepare(void *self);
bool peer_begin(void *self, int64_t now);
bool peer_commit(void *self);
bool peer_feed(void *self, uint32_t changes, uint32_t batch, uint64_t *sum);
bool peer_compact(void *self);
bool peer_export_csv(void *self, const char *path);
bool peer_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated);
extern engine_question *const peer_questions[QUESTIONS];
extern engine_change *const peer_changes[CHANGES];

/* Binding by position, from 1; texts must outlive the step. */
static inline void peer_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}
/* 0 is none. */
static inline void peer_number(sqlite3_stmt *statement, int at, int64_t value)
{
    if (value != 0)
        sqlite3_bind_int64(statement, at, value);
    else
        sqlite3_bind_null(statement, at);
}

#endif
