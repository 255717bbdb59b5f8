/* kills: what the parts of the kills program share.
 *
 * Transaction T writes records that carry T and nothing else, so that whoever
 * reads can tell whether it is there whole.  What was acknowledged is noted in
 * memory that outlives the process.
 */
#ifndef STRESS_KILLS_H
#define STRESS_KILLS_H

#include "stress.h"

#include <crm.h>
#include <stdatomic.h>

enum { SLOTS = 9, GROUPS = 4, MEMBERS = 3, NEW_MOST = 6, NOTES_MOST = 1 << 18, CREATORS = 3 };
enum { NOTE_NONE = 0, NOTE_BEGUN = 1, NOTE_ACKNOWLEDGED = 2 };

struct note {
    _Atomic uint32_t state;
    _Atomic uint64_t lsn; /* once acknowledged */
};

enum role { WRITER, READER, FOLLOWER, COMPACTOR, COPIER, IMAGER, OPENER, ROLES };

struct kills_shared {
    struct stress stress;
    _Atomic int stop;              /* everybody closes and ends */
    _Atomic uint64_t next;         /* the next transaction's T */
    _Atomic uint64_t acknowledged; /* the highest LSN that any commit reported */
    _Atomic uint64_t done[ROLES];  /* what each role has finished, of all processes */
    uint64_t places;               /* that were tried */
    _Atomic int early[CREATORS];   /* acknowledged while the file was being made */
    struct note notes[NOTES_MOST]; /* by T */
};

struct kills {
    struct kills_shared *shared;
    struct stress *stress; /* in it */
    char path[128], image[136];
    crm_id members[GROUPS][MEMBERS]; /* of the file at hand */
};

/* ---- one transaction (kills_work.c) ---- */

/* What T writes: so many new customers, and all members of one group. */
uint32_t new_count(uint64_t t);
uint32_t group_of(uint64_t t);
void name_of(uint64_t t, uint32_t i, char *out, size_t size);
void key_of(uint64_t t, uint32_t i, char *out, size_t size);
void text_of(uint64_t t, uint32_t i, char *out, size_t size);

crm_db *kills_open(const char *path, int64_t read_only, int64_t image, int32_t *status, crm_error *error);
/* Forgets all transactions: those of another file are to come. */
void kills_forget(struct kills *kills);
/* The members of all groups, as a new file's second transaction. */
int32_t kills_members(struct kills *kills, crm_db *db, crm_error *error);
/* Transaction T, noted before and, when it is acknowledged, after. */
int32_t kills_commit(struct kills *kills, crm_db *db, uint64_t t, crm_error *error);
/* A child's life: does what the role does until it is told to stop. */
_Noreturn void kills_live(struct kills *kills, enum role role, bool only_reads, uint64_t chance);

/* ---- looking (kills_check.c) ---- */

/* How many of T's records the view has, each of which must be as T wrote it;
 * UINT32_MAX after a failure.  *lsn: of the transaction. */
uint32_t check_transaction(struct kills *kills, crm_view *view, uint64_t t, uint64_t *lsn);
/* The T that all members of a group carry; UINT64_MAX after a failure. */
uint64_t check_group(struct kills *kills, crm_view *view, uint32_t group);
/* All transactions, the members of groups if there are any, against what was acknowledged. */
void check_view(struct kills *kills, crm_view *view, bool members);
/* Nobody has the file open: the same, and verify. */
void check_file(struct kills *kills, const char *path, bool members);

/* ---- other parts ---- */

void kills_full(struct kills *kills);   /* kills_full.c: full disks */
void kills_places(struct kills *kills); /* kills_place.c: places that are no place for a file */
/* A small file system at `folder`, of this process alone; false: it is not permitted. */
bool small_disk(const char *folder, uint64_t bytes);
bool small_disk_resize(const char *folder, uint64_t bytes, bool read_only);

#endif
