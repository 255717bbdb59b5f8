/* domain_fixture: a new database file with a clock that stands still, for tests
 * of what records mean. */
#ifndef DOMAIN_FIXTURE_H
#define DOMAIN_FIXTURE_H

#include <crm.h>

#define DAY_US INT64_C(86400000000)
/* 2024-01-15T12:00:00Z: 19,737 days after 1970-01-01, and a half. */
#define DOMAIN_DAY 19737
#define DOMAIN_NOW (DOMAIN_DAY * DAY_US + DAY_US / 2)

/* A database in a folder of its own; currency EUR. */
crm_db *domain_open(void);
/* Its memory runs out after `domain_allocations` more allocations; below 0 it never does. */
extern int64_t domain_allocations;
/* The so-many-th allocation from now on is refused, and no other; 0: none is. */
extern int64_t domain_refusal;
void *domain_resize(void *context, void *old, size_t size); /* its allocator, for others that are to run out with it */
/* Closes it, checks that this went well, and removes the folder. */
void domain_close(crm_db *db);
crm_txn *domain_begin(crm_db *db);
void domain_commit(crm_txn *txn); /* must succeed */
crm_view *domain_view(crm_db *db);
/* The last change is refused with that status and a message that holds every
 * one of the texts ("one|another"); the transaction goes on. */
void domain_refused(crm_txn *txn, int32_t status, const char *texts);
/* Whatever changed last is a good version. */
void domain_accepted(crm_txn *txn);
/* The id of a live record by its name, through an index. */
crm_id domain_named(crm_view *view, uint32_t kind, uint32_t field, const char *name);
crm_id domain_stage(crm_view *view, const char *name);
/* The row of a table whose first column reads so; fails when there is none. */
uint64_t domain_row(const crm_table *table, const char *key);
uint32_t domain_column(const crm_table *table, const char *name);
/* The text of a cell, found by both. */
const char *domain_cell(const crm_table *table, const char *key, const char *column);

#endif
