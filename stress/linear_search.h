/* linear_search: small concurrent histories, a plain sequential model of what
 * the operations in them do, and the search for an order that explains one.
 *
 * A history is linearizable (M. Herlihy, J. Wing, "Linearizability: a
 * correctness condition for concurrent objects", ACM TOPLAS 12(3), 1990) when
 * its operations can be put in one order, such that each answered what the
 * model answers there, and an operation that ended before another began comes
 * before it.  The search is Wing's and Gong's ("Testing and verifying
 * concurrent objects", J. Parallel and Distributed Computing 17, 1993): take
 * any operation that no other had to precede, try it on the model, go on with
 * the rest, come back when nothing fits.  As G. Lowe does ("Testing for
 * linearizability", Concurrency and Computation 29(4), 2017), what was taken
 * and the state it led to are remembered, so that no such pair is tried twice.
 *
 * The search is exhaustive: it says "no" only after every order was tried.
 */
#ifndef STRESS_LINEAR_SEARCH_H
#define STRESS_LINEAR_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { REGISTERS = 3, DEALS = 2, STAGES = 3, ADDRESSES = 2, HISTORY_MOST = 24 };

/* What the model holds: a few records' fields, in what stage a few deals are,
 * whose a few unique e-mail addresses are, and how many transactions there were. */
struct model {
    uint64_t lsn;
    uint64_t version[REGISTERS];
    uint32_t value[REGISTERS];
    uint32_t holder[ADDRESSES]; /* 0: nobody */
    uint32_t stage[DEALS];
    uint32_t nothing; /* no padding: states are compared as bytes */
};

/* Operations.  In brackets: what of `struct operation` it needs and answers. */
enum {
    SET = 1,   /* registers `target` and `other` := value, in one transaction */
    EXCHANGE,  /* register `target` := value, and what it was: seen[0] */
    COMPARE,   /* the same if its version is `expected`, else CONFLICT */
    READ,      /* every register in one view: seen[], versions[] */
    SUM,       /* the sum of all registers: seen[0] */
    WITHIN,    /* every register within a transaction that is rolled back: seen[] */
    TAKE_BACK, /* register `target` := value, rolled back; seen[0]: what the transaction read then */
    MOVE,      /* deal `target` to stage `value` */
    COUNT,     /* how many deals are in each stage: seen[] */
    CLAIM,     /* a new record `value` with address `target`: DUPLICATE when it is taken */
    RELEASE,   /* whoever has address `target` is deleted: seen[0]; MISSING when nobody has it */
    LOOK,      /* who has address `target`: seen[0], 0: nobody */
    LATEST,    /* the number of the last transaction */
    OPERATIONS /* one more than the last */
};
enum { FINE = 0, CONFLICT = 1, DUPLICATE = 2, MISSING = 3 };

struct operation {
    uint64_t invoked, responded; /* ticks of one clock for all; no two alike */
    uint64_t lsn;                /* of the commit, or of the view that answered; 0: not asked */
    uint64_t expected;
    uint64_t versions[REGISTERS]; /* 0: not asked */
    uint32_t seen[REGISTERS];
    uint32_t value;
    uint8_t what, status, target, other, thread;
    uint8_t variant; /* by which way the library is asked; nothing to the model */
};

struct history {
    struct model before;
    size_t count;
    struct operation operations[HISTORY_MOST];
};

/* The model: whether the operation could have answered as it did, and what is then. */
bool model_take(struct model *model, const struct operation *operation);

struct search; /* its memory, for one history after another */
struct search *search_create(void);
void search_free(struct search *search);
/* Whether there is such an order; `order`, if not NULL, gets it. */
bool search_linearizable(struct search *search, const struct history *history, uint8_t *order);
/* How many pairs of operations taken and state the searches have met so far. */
uint64_t search_states(const struct search *search);
/* The same verdict with neither the search nor its memory: every permutation is
 * tried from its beginning.  For histories of a few operations. */
bool permutations_linearizable(const struct history *history);

void history_print(const struct history *history, FILE *to);

/* The search itself on trial, on histories whose verdicts are known. */
struct stress;
void linear_self_check(struct stress *stress, struct search *search);

#endif
