/* log_fixture: a folder of its own for each test, logs in it, frames to fill
 * them with, and a file system that counts and can be told to fail. */
#ifndef TESTS_LOG_FIXTURE_H
#define TESTS_LOG_FIXTURE_H

#include "log/log.h"

#include <stdatomic.h>
#include <sys/types.h>

extern char fixture_folder[256];
extern char fixture_path[300];  /* in it: "log.crm" */
extern char fixture_other[300]; /* in it: "other" */

void fixture_make(void);
void fixture_remove(void);
/* Exit status of a child, -1 when a signal ended it. */
int fixture_wait(pid_t child);

/* Whole files. */
uint8_t *fixture_load(const char *path, size_t *length); /* free() it */
void fixture_store(const char *path, const void *bytes, size_t length);

/* The real file system, counted.  A call whose number comes up fails with
 * `errno` EIO, and every later one of its kind too while `fails_on` is set. */
struct fixture_faults {
    atomic_int writes, syncs, folder_syncs, allocates, truncates, renames;
    int fail_write, fail_sync, fail_allocate, fail_rename; /* the how-manieth call from now fails; 0: none */
    bool half_write;                                       /* a failing write gets half of its bytes out */
    bool fails_on;
    int sync_ms;          /* how long a sync takes at least */
    uint64_t synced_size; /* of the file at the last sync */
};
extern struct fixture_faults fixture_faults;
const struct file_ops *fixture_ops(void);

/* Opens; a failure fails the test. */
struct log *fixture_open(const char *path, const struct log_options *changes);
struct log_options fixture_options(bool create);
/* A frame of `length` bytes that follow from `lsn`; advances `end`. */
void fixture_append(struct log *log, struct log_point *end, size_t length);
void fixture_fill(uint8_t *bytes, size_t length, uint64_t lsn);
/* Reads from the start to the last good frame, checking each frame's bytes
 * against fixture_fill; returns the end. */
struct log_point fixture_walk(struct log *log);
/* What a database does after opening: the end, judged and recovered. */
struct log_point fixture_recover(struct log *log, struct log_tail *tail);

#endif
