/* care_fixture: a database file in a folder of its own, with a clock that
 * stands still, for tests of history, feed, undo and the care of the file. */
#ifndef CARE_FIXTURE_H
#define CARE_FIXTURE_H

#include <crm.h>
#include <stdbool.h>
#include <stddef.h>

#define CARE_DAY INT64_C(86400000000)
#define CARE_START (20000 * CARE_DAY) /* 2024-10-04T00:00:00Z */

struct care {
    char folder[64];
    char path[96];
    crm_db *db;
};

/* Makes the folder and a new database in it. */
void care_setup(struct care *care);
void care_teardown(struct care *care); /* closes and removes everything */
void care_reopen(struct care *care);   /* closes and opens again */
void care_close(struct care *care);
void care_open(struct care *care);
/* The path of another file in the folder: static, until the next call. */
const char *care_path(const struct care *care, const char *name);

/* Fails the test when the status is not CRM_OK. */
void care_ok(int32_t status, const crm_error *error);
crm_txn *care_begin(struct care *care, const char *actor);
uint64_t care_commit(crm_txn *txn);
crm_id care_id(const crm_record *record);
/* A customer of its own transaction by "mia". */
crm_id care_customer(struct care *care, const char *name);
/* One text field changed in its own transaction. */
uint64_t care_set(struct care *care, uint32_t kind, const crm_id *id, uint32_t field, const char *text);
crm_view *care_view(struct care *care);
/* A text field as it is now; static, until the next call. */
const char *care_text(struct care *care, uint32_t kind, const crm_id *id, uint32_t field);
bool care_deleted(struct care *care, uint32_t kind, const crm_id *id);
uint64_t care_count(crm_view *view, uint32_t kind);

/* Every change after `lsn` as text, a line each: owned, free().  What two feeds
 * of one history must agree on. */
char *care_changes(crm_db *db, uint64_t lsn);
/* All records of the view, deleted ones also, as text: owned, free(). */
char *care_state(crm_view *view);

/* The whole file: owned, free(). */
unsigned char *care_read(const char *path, size_t *length);
/* How often the bytes occur in the file, also within whatever of it inflates. */
size_t care_occurs(const char *path, const char *bytes);
/* Flips one bit. */
void care_damage(const char *path, size_t offset);

#endif
