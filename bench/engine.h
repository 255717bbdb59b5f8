/* engine: what the benchmark asks of each of the two, in the same words.
 *
 * Every call that answers something folds the answers into *sum; the rows
 * compare the sums, so that an engine cannot be fast by being wrong.  A call
 * returns false after it has said on standard error why.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "data.h"

/* How a file is opened: the durable mode syncs every commit. */
enum engine_mode { ENGINE_BULK, ENGINE_NORMAL, ENGINE_DURABLE };

struct engine {
    const char *name;
    void *(*create)(const struct data *data, const char *path);
    void (*destroy)(void *self);
    /* Files of an earlier run are removed; ends with the file closed. */
    bool (*load)(void *self);
    bool (*open)(void *self, enum engine_mode mode);
    bool (*close)(void *self);
    /* Look-ups of the data's first `count` picks.  `held`: all in one view or
     * read transaction; else each is a request of its own, which sees what was
     * committed before it. */
    bool (*get_id)(void *self, uint32_t count, bool held, uint64_t *sum);
    bool (*get_email)(void *self, uint32_t count, bool held, uint64_t *sum);
    bool (*timeline)(void *self, uint32_t count, bool held, uint64_t *sum);
    bool (*stage_page)(void *self, uint32_t count, bool held, uint64_t *sum);
    bool (*scan)(void *self, uint64_t *sum);
    /* Moves these customers to drifting, in transactions of 100. */
    bool (*stage_change)(void *self, const uint32_t *customers, uint32_t count);
    /* Commits `count` transactions of one new interaction each. */
    bool (*commit_one)(void *self, uint32_t count);
    /* Into a fresh file beside; removes it. Upsert by e-mail. */
    bool (*import_csv)(void *self, const char *csv, uint64_t *created, uint64_t *updated);
    /* All files of the database: bytes allocated and bytes long. */
    bool (*size)(void *self, uint64_t *allocated, uint64_t *length);
};

extern const struct engine engine_ours, engine_sqlite;

/* Adds a file's sizes; a missing one has none.  Removes a file. */
void engine_file_size(const char *path, const char *suffix, uint64_t *allocated, uint64_t *length);
void engine_file_remove(const char *path, const char *suffix);

#endif
