/* log: the append-only file that is the database (P5).
 *
 * A header page, a control page, then frames; one frame is one transaction.
 * This module knows files, frames, recovery and group sync.  It does not know
 * what an entry's body means.  Bytes: docs/FORMAT.md.
 *
 * Threads: log_append and log_truncate need the write lock (log_lock); all the
 * rest may be called from any thread at any time.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "log/entry.h"
#include "sys/file.h"

enum { LOG_FRAMES_START = 8192, LOG_FRAME_HEADER = 64, LOG_FORMAT = 1 };
/* LOG_FRAME_BASE: written by a compaction, holds what all frames up to `lsn` left. */
enum { LOG_FRAME_BASE = 1 };

struct log;

/* A place between two frames: all that is needed to go on from there. */
struct log_point {
    uint64_t offset; /* where the next frame starts */
    uint64_t lsn;    /* of the frame before it, 0: none */
    int64_t time;    /* of that frame, microseconds UTC; never falls along the log; before the first: INT64_MIN */
    uint32_t crc;    /* of that frame: the chain's state */
};

struct log_header {
    crm_id file;         /* names this database; kept by compaction, new for a recovered file */
    uint64_t seed;       /* for the hash tables */
    uint64_t generation; /* how often it was compacted */
    int64_t created;     /* microseconds UTC */
    uint64_t base_lsn;   /* frames up to this one were compacted away; 0: none */
    uint64_t base_end;   /* where the base frames end, 0: there are none; kept by the log itself */
    uint32_t format;
};

struct log_options {
    const struct file_ops *files;
    const struct memory *memory;
    bool create;    /* when missing */
    bool exclusive; /* with create: refuse an existing file */
    bool read_only;
    bool deferred;                   /* log_append publishes at once; log_sync only when asked */
    int64_t busy_ms;                 /* how long to wait for locks at open */
    const struct log_header *header; /* with create: write this one (compaction, recover); NULL: a fresh one */
    int64_t now;                     /* with create: the creation time */
    bool salvage; /* with read_only: a damaged header is no hindrance; log_scan finds what frames there are */
};

struct frame {
    uint64_t offset; /* of the frame's header */
    uint64_t lsn;
    int64_t time;
    uint64_t durable_lsn; /* known to be on disk when this one was written */
    uint32_t flags;
    uint32_t entry_count;
    const uint8_t *entries; /* borrowed from the map until log_close */
    size_t entries_length;
    uint64_t entries_offset;            /* in the file */
    const char *actor, *reason, *batch; /* not NUL-terminated; length 0 when absent */
    uint32_t actor_length, reason_length, batch_length;
    struct log_point after;
};

/* What lies behind the last good frame. */
enum { LOG_TAIL_CLEAN = 0, LOG_TAIL_TORN = 1, LOG_TAIL_DAMAGED = 2 };
struct log_tail {
    int what;
    uint64_t offset; /* of the first bad byte's frame */
    /* Bytes from there to the last that is not zero (TORN) or to the next good frame (DAMAGED). */
    uint64_t lost;
    uint64_t next_offset; /* DAMAGED: the next good frame behind the damage; 0: there is none */
    uint64_t next_lsn;
};

/* CRM_NOT_FOUND, CRM_EXISTS (exclusive), CRM_NOT_A_DATABASE (empty, a folder, a
 * device, something else's file, a newer format), CRM_CORRUPT (our header, but
 * damaged), CRM_BUSY, CRM_READ_ONLY, CRM_FULL, CRM_IO, CRM_NOMEM.  With create,
 * a file that a crashed creation left without header and frames is made anew. */
int32_t log_open(const char *path, const struct log_options *options, struct log **out, crm_error *error);
/* Gives unused preallocated space back when nobody else has the file open, and
 * closes; a file that had to be made (`exclusive`) and holds no transaction goes.
 * Maps go away: nothing borrowed may be used after. */
void log_close(struct log *log);
const struct log_header *log_header(const struct log *log);
const char *log_path(const struct log *log); /* absolute, symbolic links resolved */
bool log_read_only(const struct log *log);

/* Reading */
struct log_point log_start(const struct log *log); /* before the first frame; its lsn is base_lsn */
/* The frame that follows `before`, checked whole: header, chain, entries and
 * meta CRC.  CRM_NOT_FOUND, of which `error` says nothing: no good frame starts
 * there (end, torn or damaged; log_tail tells). */
int32_t log_frame(struct log *log, const struct log_point *before, struct frame *out, crm_error *error);
/* The frame whose header lies at `offset`, its header and meta checked only.
 * CRM_CORRUPT: there is none. */
int32_t log_frame_info(struct log *log, uint64_t offset, struct frame *out, crm_error *error);
/* Judges what follows the last good frame (P3). */
int32_t log_tail(struct log *log, const struct log_point *end, struct log_tail *out, crm_error *error);
/* For salvage: the next frame at or after `offset` that is good by itself, its
 * place in the chain not asked.  CRM_NOT_FOUND at the end. */
int32_t log_scan(struct log *log, uint64_t offset, struct frame *out, crm_error *error);
/* Bytes of the file, borrowed until log_close; NULL when they lie beyond the
 * file as it was last known to be.  Inline: it is on every look-up's path. */
struct log_map {
    const uint8_t *base;
    uint64_t length;
};
const struct log_map *log_map(const struct log *log); /* current; older maps stay valid */
static inline const uint8_t *log_bytes(const struct log *log, uint64_t offset, size_t length)
{
    const struct log_map *map = log_map(log);
    return offset <= map->length && length <= map->length - offset ? map->base + offset : NULL;
}
/* Follows growth by other processes. */
int32_t log_refresh(struct log *log, crm_error *error);

/* Who else is there */
/* Between processes.  CRM_BUSY; CRM_STOPPED: it is not the file at its path any more. */
int32_t log_lock(struct log *log, int64_t timeout_ms, crm_error *error);
void log_unlock(struct log *log);
/* True from the first opening for writing until log_recovered: log_published
 * tells nothing yet, and nothing may be appended.  Whoever then has the write
 * lock finds the end (log_frame), judges it (log_tail) and calls
 * log_recovered, alone or not.  Who made the file is spared that.  A read-only
 * handle that no writer accompanies stays so: it finds its end by log_frame
 * and log_tail and may keep it by log_publish. */
bool log_unrecovered(const struct log *log);
uint64_t log_published(const struct log *log);   /* last LSN that readers may see */
void log_publish(struct log *log, uint64_t lsn); /* never lowers, except log_recovered */
bool log_superseded(const struct log *log);      /* a compaction put a new file in its place */
/* A reader's writers are gone, and a new one has not said yet how far the log
 * reaches: until then the reader has to look for itself, or it would miss what
 * the last one had acknowledged. */
bool log_unsaid(const struct log *log);
/* False: the file was overwritten by somebody else while it is open. */
bool log_intact(const struct log *log);

/* Writing */
struct frame_info {
    int64_t time;
    uint32_t flags;
    uint32_t entry_count;
    const char *actor, *reason, *batch;
    uint32_t actor_length, reason_length, batch_length;
    uint64_t lsn; /* 0: before->lsn + 1 */
};
/* Appends one frame after `end`: its first entry byte lies at
 * end->offset + LOG_FRAME_HEADER.  A time before end's is raised to it.  After
 * a failed write the log is stopped: every later append or sync answers
 * CRM_STOPPED (P4).  CRM_NOMEM, CRM_INVALID, CRM_MISUSE and CRM_READ_ONLY come
 * before anything is written and stop nothing. */
int32_t log_append(struct log *log, const struct log_point *end, const struct frame_info *info, const uint8_t *entries,
                   size_t length, struct log_point *after, crm_error *error);
/* The same in two steps, for who must see the frame no later than others do:
 * first all that takes long, then one short write, from which on anybody may
 * read the frame and make it durable.  Not for base frames. */
int32_t log_stage(struct log *log, const struct log_point *end, const struct frame_info *info, const uint8_t *entries,
                  size_t length, struct log_point *after, crm_error *error);
int32_t log_put(struct log *log, const struct log_point *end, const struct log_point *after, crm_error *error);
/* Returns when everything up to `upto` is on disk; callers that wait together
 * share one sync.  Publishes what it made durable. */
int32_t log_sync(struct log *log, const struct log_point *upto, crm_error *error);
uint64_t log_durable(const struct log *log); /* last LSN known to be on disk */
bool log_stopped(const struct log *log);
/* Under the write lock, after recovery found `end`: cuts off what follows (or
 * writes zeros over it while others have the file open), syncs, sets published
 * and durable to end->lsn. */
int32_t log_recovered(struct log *log, const struct log_point *end, crm_error *error);
/* Under the write lock: puts the log at `from_path`, which must be synced, in
 * the place of `log`'s file and marks the old one superseded. */
int32_t log_replace(struct log *log, const char *from_path, crm_error *error);

#endif
