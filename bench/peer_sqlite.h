/* peer_sqlite: what the two files of the SQLite side share. */
#ifndef BENCH_PEER_SQLITE_H
#define BENCH_PEER_SQLITE_H

#include "engine.h"

#include <sqlite3.h>

enum peer_statement {
    PEER_BEGIN,
    PEER_COMMIT,
    PEER_CUSTOMER,
    PEER_EMAIL,
    PEER_PHONE,
    PEER_INTERACTION,
    PEER_BY_ID,
    PEER_BY_EMAIL,
    PEER_TIMELINE,
    PEER_STAGE,
    PEER_SCAN,
    PEER_MOVE,
    PEER_TRANSITION,
    PEER_FIND_EMAIL,
    PEER_UPDATE,
    PEER_STATEMENTS
};

struct peer {
    const struct data *data;
    char *path;
    uint8_t (*pick_ids)[16]; /* side by side, as data's pick_emails */
    sqlite3 *db;
    sqlite3_stmt *statements[PEER_STATEMENTS];
};

bool peer_open_path(struct peer *peer, const char *path, enum engine_mode mode);
bool peer_close(void *self);
bool peer_run(struct peer *peer, const char *sql);
/* Runs a statement that gives no rows and resets it. */
bool peer_step(struct peer *peer, enum peer_statement which);
/* The history of a customer's stage; from 0: its first. */
bool peer_transition(struct peer *peer, int64_t customer, int64_t at, int from, int to, uint64_t *seed);
bool peer_fail(const struct peer *peer, const char *what);
void peer_remove(const char *path);
bool peer_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated);

/* Binding by position, from 1; texts must outlive the step. */
static inline void peer_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}
/* The reversed digits: an index over them finds a number by its last ones. */
void peer_reverse_digits(const char *phone, char *out, size_t size);
void peer_lower(const char *text, char *out, size_t size);

#endif
