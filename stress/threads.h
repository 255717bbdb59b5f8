/* threads: the town that many threads live in: one file, a few handles on it,
 * and what is always true of it, after every transaction and within each that
 * is whole.
 *
 * - CUSTOMERS customers, numbered; their `balance`s add up to CUSTOMERS * START.
 * - A customer's `tally` is the number of its live interactions and `points`
 *   the sum of their scores.
 * - Its e-mail address and telephone number belong together: `mail` says whose
 *   they are, and each is some customer's, exactly one's.
 * - Its `round` is also in its name and in its partner's, who is a contact.
 * - DEALS deals, whose amounts add up to DEALS * AMOUNT.
 * - PRODUCTS products of one price, whatever it is.
 * - The stage of a customer is where its last transition led.
 */
#ifndef STRESS_THREADS_H
#define STRESS_THREADS_H

#include "slow.h"
#include "stress.h"

#include <crm.h>
#include <pthread.h>
#include <stdatomic.h>

enum { CUSTOMERS = 16, START = 1000, DEALS = 20, AMOUNT = 50000, PRODUCTS = 12, LEDGER = 1 << 14 };
/* The handles that live as long as the town. */
enum { HANDLE_FULL, HANDLE_DEFERRED, HANDLE_READER, HANDLES };

struct town {
    struct stress *stress;
    const struct file_ops *files;
    char path[128];
    uint32_t balance, tally, points, mail, round; /* fields of customers */
    crm_id customers[CUSTOMERS], partners[CUSTOMERS], deals[DEALS];
    crm_db *handles[HANDLES];
    pthread_mutex_t lock; /* guards what follows */
    struct {
        uint64_t digest; /* of what every view at that LSN must answer; 0: nobody has looked */
        int64_t time;
    } ledger[LEDGER];
    uint64_t newest;          /* in the ledger */
    _Atomic int64_t clock;    /* a second more each time somebody asks */
    _Atomic uint64_t batches; /* of imports, numbered */
    _Atomic uint64_t operations;
    _Atomic bool over; /* nobody writes any more */
};

/* A view that is held, with what it answered when it was opened. */
struct held {
    crm_view *view;
    crm_record *record; /* one of its records, and its name then */
    crm_query *query;   /* half gone through; the sum of all that it finds, and of what it found so far */
    uint64_t digest, all, half;
    char name[64];
};
enum { HELD = 3 };

/* One thread of the town. */
struct citizen {
    struct town *town;
    crm_db *db;
    uint64_t chance;
    uint32_t number, turns;
    uint64_t lsn; /* the newest that it saw on its handle: time goes one way */
    void (*live)(struct citizen *);
    struct held held[HELD];
    crm_feed *feed; /* a follower's: closed by who wakes it */
    pthread_t thread;
};

/* Counts a failure; any thread. */
void town_fail(struct town *town, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True when the status is CRM_OK; else it is a failure. */
bool town_fine(struct town *town, int32_t status, const char *what, const crm_error *error);

/* threads_town.c */
void town_found(struct town *town, struct stress *stress);
/* `handle` says what kind; on `path`, which may be another than the town's. NULL is a failure. */
crm_db *town_open(struct town *town, const char *path, int handle);
void town_close(struct town *town);
void town_remove(const char *path); /* with its index */

/* threads_check.c */
/* Everything above holds in this view.  `who` is told with what does not. */
bool town_check(struct town *town, crm_view *view, uint64_t *chance, const char *who);

/* threads_digest.c */
/* All that a view answers, as one number.  Without what an erasure may take
 * away later when `shared` (with those who look at this LSN at another time). */
uint64_t town_digest(struct town *town, crm_view *view, bool shared);
/* The same against the ledger, or into it. */
void town_record(struct town *town, crm_view *view, const char *who);

/* What a thread of each kind does, once a turn. */
void write_a_turn(struct citizen *citizen);  /* threads_write.c */
void define_a_turn(struct citizen *citizen); /* threads_trade.c: a user's own kinds, fields, choices */
void trade_a_turn(struct citizen *citizen);  /* import, export, undo */
void read_a_turn(struct citizen *citizen);   /* threads_read.c: one fresh view */
void hold_a_turn(struct citizen *citizen);   /* a few views, for long */
void let_go(struct citizen *citizen);        /* of all of them */
void recall_a_turn(struct citizen *citizen); /* views of the past */
void follow(struct citizen *citizen);        /* threads_follow.c: the feed, to its end; not by turns */
void keep_a_turn(struct citizen *citizen);   /* threads_keep.c: compaction, backup, rebuild, verify, sync */
void visit_a_turn(struct citizen *citizen);  /* a handle of its own, and children that outlive it */

#endif
