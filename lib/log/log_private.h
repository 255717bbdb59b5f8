/* log_private: what the files of lib/log share among themselves.  Nobody else
 * includes it. */
#ifndef LOG_LOG_PRIVATE_H
#define LOG_LOG_PRIVATE_H

#include "log/log.h"
#include "sys/lock.h"

#include <stdatomic.h>

enum { LOG_PAGE = 4096, LOG_FRAME_FLAGS = LOG_FRAME_BASE };

/* Bytes that are locked, far behind any data.
 * PRESENCE  shared by every open handle; exclusive: nobody else is there, so
 *           the file may get shorter.
 * CONTROL   shared by every handle that may write: the control page is true.
 * ATTACH    held while a handle finds out whether it is the first of those.
 * WRITER    the write lock. */
#define LOG_BYTE_PRESENCE (UINT64_C(1) << 62)
#define LOG_BYTE_CONTROL (LOG_BYTE_PRESENCE + 1)
#define LOG_BYTE_ATTACH (LOG_BYTE_PRESENCE + 2)
#define LOG_BYTE_WRITER (LOG_BYTE_PRESENCE + 3)

/* The control page, in the machine's own byte order: hints that live handles
 * tell each other.  Never read before the first writer has set it anew. */
struct control {
    _Atomic uint64_t published;  /* last LSN that readers may see */
    _Atomic uint64_t superseded; /* CONTROL_: whether a compaction put another file in this one's place */
    _Atomic uint64_t durable;    /* last LSN known to be on disk */
    _Atomic uint64_t recovered;  /* somebody has judged the tail since */
    _Atomic uint64_t failed;     /* a sync failed: what other handles wrote may be lost too */
    _Atomic uint64_t session;    /* random, new each time the page is set anew */
};
/* Whoever dies between the rename and the mark leaves REPLACING: then the path tells. */
enum { CONTROL_IN_PLACE = 0, CONTROL_SUPERSEDED = 1, CONTROL_REPLACING = 2 };

/* One state of the map.  A view is never changed, so that readers need no
 * lock; older ones stay until log_close. */
struct map_view {
    struct log_map map; /* first: this is what log_map hands out */
    uint64_t reach;     /* bytes of address space from map.base */
    bool owner;         /* this view unmaps it */
    struct map_view *older;
};

struct log {
    const struct file_ops *files;
    const struct memory *memory;
    char *path;
    struct file *file;
    struct log_header header;
    uint32_t key;      /* of file and seed: where header CRCs and the chain start */
    bool key_known;    /* false: salvaging a file whose header is damaged */
    bool header_dirty; /* base_end moved; written by the next sync */
    bool made;         /* by this handle: its header and its name are on disk */
    bool fresh;        /* by this handle, which insisted on a new file: without a transaction it does not stay */
    bool read_only;
    bool deferred;
    int64_t wait_ms; /* for locks that others hold only for moments */

    struct control *control; /* in the file, or `own` */
    void *control_map;
    struct control own;
    struct file_identity place; /* which file it is */
    _Atomic bool live;          /* the control page can be believed */
    uint64_t session;           /* a writer: of the page, as long as it has the file open */
    uint64_t session_stale;     /* read-only: the session that nobody keeps any more */
    _Atomic uint64_t published; /* read-only: what this handle found out or was told */

    struct mutex growth; /* guards `view` against other changers, and the presence lock's kind */
    _Atomic(struct map_view *) view;

    struct mutex sync_lock; /* guards the four below */
    struct condition synced;
    bool syncing;
    struct log_point written; /* the end of what this handle appended or recovered */
    struct log_point durable; /* of that, what a sync covered */
    struct log_point seen;    /* the furthest good frame that was read */
    _Atomic bool stopped;

    struct buffer scratch; /* the frame being appended; under the write lock */
    size_t staged;         /* of it, what log_put writes */
};

/* log_header.c */
void log_header_encode(const struct log_header *header, uint8_t page[LOG_PAGE]);
/* Reads the header page, or writes one into a new file; sets header and key. */
int32_t log_header_load(struct log *log, const struct log_options *options, crm_error *error);

/* log_control.c */
int32_t log_control_attach(struct log *log, crm_error *error);
void log_control_detach(struct log *log);
/* The control page when it can be believed, else NULL. */
struct control *log_control(const struct log *log);
/* Only for handles that may write. */
void log_control_durable(struct log *log, uint64_t lsn); /* never lowers */
void log_control_recovered(struct log *log, uint64_t lsn);
void log_control_supersede(struct log *log, uint64_t how);
void log_control_fail(struct log *log);
bool log_control_failed(const struct log *log);

/* log_map.c; both need `growth` */
int32_t log_map_cover(struct log *log, uint64_t size, crm_error *error);
int32_t log_map_shorten(struct log *log, uint64_t size, crm_error *error);
void log_map_release(struct log *log);

/* log.c */
int32_t log_failure(const struct log *log, int32_t status, int system, const char *doing, crm_error *error);
/* Gone: the file that was opened is no longer the one at the path. */
int32_t log_placed(const struct log *log, bool *gone, crm_error *error);
/* Cuts the file at `size` when nobody else has it open; CRM_BUSY when somebody has.
 * 0: at the end of the last frame, if this handle knows which that is. */
int32_t log_cut(struct log *log, uint64_t size, int *system_error);

/* frame.c */
struct frame_header {
    uint64_t lsn;
    int64_t time;
    uint64_t durable_lsn;
    uint64_t entries_length;
    uint32_t meta_length;
    uint32_t entry_count;
    uint32_t previous_crc;
    uint32_t crc;
    uint32_t flags;
};
enum { FRAME_META_MIN = 4 + 3, FRAME_META_MAX = 1 << 24 };
/* CRC of everything but the entries and meta, from which the rest goes on. */
uint32_t frame_crc_start(const struct frame_header *header);
void frame_header_encode(const struct frame_header *header, uint32_t key, uint8_t out[LOG_FRAME_HEADER]);
/* How much of a frame is good by itself: nothing; header, size and meta;
 * everything.  FRAME_HEADER tells how far a frame with bad content reaches. */
enum { FRAME_NONE = 0, FRAME_HEADER = 1, FRAME_META = 2, FRAME_WHOLE = 3 };
int frame_parse(const struct log *log, const struct log_map *map, uint64_t offset, bool whole, struct frame *out,
                uint32_t *previous_crc);

/* log_append.c */
void log_stop(struct log *log, bool sync_failed);
int32_t log_check_writable(const struct log *log, crm_error *error);

#endif
