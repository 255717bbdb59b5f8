/* oracle: a plain model of the CRM, kept beside a database that is changed
 * together with it, and held against every answer that the database gives.
 *
 * Records are arrays that are searched from end to end, versions are written
 * whole, the rules are those of docs/RULES.md written a second time.  All hangs
 * on a `struct oracle`, which calls the public interface alone.  A text that it
 * answers says what went wrong (NULL: nothing did); it is borrowed until the
 * next call with the oracle or a copy of it.
 *
 * It begins as a new file does: create the file with CRM_OPTION_NOW at
 * ORACLE_NOW and the default currency, then let the clock stand or go on as you
 * like (crm_set_now).  All writing to the file must come from the oracle.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <crm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_DAY INT64_C(86400000000)
/* 2024-01-15T12:00:00Z: 19,737 days after 1970-01-01, and a half. */
#define ORACLE_NOW (19737 * ORACLE_DAY + ORACLE_DAY / 2)

/* ---- choices ---- */

/* From a fuzzer's bytes, or, with `bytes` NULL, chance: splitmix64 of `state`. */
struct choices {
    const uint8_t *bytes;
    size_t length, at;
    uint64_t state;
};

/* A number below `bound` (0 when that is 0); 0 when the bytes are used up. */
uint32_t choose(struct choices *choices, uint32_t bound);
/* The bytes are used up; never so by chance. */
bool choices_over(const struct choices *choices);

/* ---- the oracle ---- */

struct oracle;

/* NULL: out of memory, as oracle_copy; elsewhere the oracle ends the program then. */
struct oracle *oracle_create(void);
void oracle_free(struct oracle *oracle); /* NULL is fine */
/* As it is now, for whatever shows this state later: a crash's file, a view, the
 * past.  Cheap: versions are shared.  An oracle and its copies belong to one
 * thread at a time. */
struct oracle *oracle_copy(const struct oracle *oracle);
/* The number of the last transaction. */
uint64_t oracle_lsn(const struct oracle *oracle);
/* Changes a transaction (default 60) and interactions (default 500) at most; of
 * other kinds there are 150, but no more than that, of some fewer. */
void oracle_limit(struct oracle *oracle, uint32_t changes, uint32_t interactions);
/* New records now and then get ids of the library's own, which differ from run
 * to run; by default all of those that can be given are. */
void oracle_random_ids(struct oracle *oracle, bool random);
/* A view of the past that is opened now does not show what was erased since:
 * makes `past`, an earlier copy of `now`, such a state. */
void oracle_forget(struct oracle *past, const struct oracle *now);

/* ---- changes, to both ---- */

/* A transaction of some changes, committed or rolled back: then, and after a
 * commit that failed, the oracle is as it was before.  *lsn (may be NULL) is its
 * number, 0 unless it was committed.  *status (may be NULL) is CRM_OK, or why a
 * call failed that no rule forbids: CRM_IO, CRM_FULL, CRM_NOMEM, CRM_BUSY,
 * CRM_STOPPED, CRM_CORRUPT, CRM_READ_ONLY; the caller judges that. */
const char *oracle_transaction(struct oracle *oracle, crm_db *db, struct choices *choices, uint64_t *lsn,
                               int32_t *status);
/* What a transaction would have made whose commit failed: after a failed write
 * or sync the file may hold it all the same.  Owned: oracle_free.  NULL: the
 * last one did not end so. */
struct oracle *oracle_attempt(const struct oracle *oracle);

/* The same in steps.  Between oracle_begin and the end the oracle is what the
 * transaction's own view shows. */
int32_t oracle_begin(struct oracle *oracle, crm_db *db, struct choices *choices, crm_txn **txn, const char **wrong);
/* One random change; also one that must be refused, and is. */
const char *oracle_change(struct oracle *oracle, crm_txn *txn, struct choices *choices);
/* *wrong (may not be NULL): success whose LSN is not the next one. */
int32_t oracle_commit(struct oracle *oracle, crm_txn *txn, uint64_t *lsn, const char **wrong);
void oracle_rollback(struct oracle *oracle, crm_txn *txn);

/* ---- answers against the model ---- */

/* Everything that the view can be asked. */
const char *oracle_check(const struct oracle *oracle, crm_view *view);
/* A random part of it. */
const char *oracle_check_some(const struct oracle *oracle, crm_view *view, struct choices *choices);
/* The same in a view of the handle's newest state, and the feed of changes. */
const char *oracle_check_db(const struct oracle *oracle, crm_db *db);

#endif
