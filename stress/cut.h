/* cut: every state that a power cut could have left, at every step of a record.
 *
 * What a finished sync covered is there.  Of the rest, each step may have
 * reached the disk or not, in any order, and a write in part or spoilt.  Few
 * such steps: every subset.  Many: all, none, each one alone missing or alone
 * there, each first part, and subsets by chance.  On top of that, one write in
 * each way that wreck.h knows, sector by sector.
 *
 * Assumed of the disk: a write changes no byte that it was not given; a sync
 * that returned told the truth.  Not assumed: any order, that a sector is
 * whole, that a name is there because the file was synced.
 */
#ifndef CUT_H
#define CUT_H

#include "wreck.h"

struct cut_state {
    const struct disk *disk;
    const struct wreck *wreck;
    const struct disk_promise *promise; /* what had been said to be safe by then */
    size_t at;                          /* the power fails before this step */
    bool spoilt;                        /* some sector holds what nobody wrote there */
    bool idle;                          /* nothing was on its way to the disk */
    int control;                        /* what control pages hold */
    bool each_control;                  /* it is to be tried with every content of a control page */
    const char *text;                   /* how it came about */
};

struct cut_limits {
    unsigned all_subsets; /* so many steps: each subset of them */
    unsigned subsets;     /* more: so many by chance */
    unsigned sectors;     /* of a write: each of them, up to so many; else the first, the last and some by chance */
    unsigned recent;      /* so many of the last writes are spoilt each time, of the others one by chance */
};

typedef void (*cut_visit)(void *context, const struct cut_state *state);

/* Visits the states from step `from` on.  The same state may come more than once. */
void cut_all(const struct disk *disk, size_t from, const struct cut_limits *limits, uint64_t *chance, cut_visit visit,
             void *context);
/* One state by chance. */
void cut_one(const struct disk *disk, uint64_t *chance, cut_visit visit, void *context);

#endif
