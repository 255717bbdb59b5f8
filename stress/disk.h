/* disk: a table of file operations that works on the real files of one folder
 * and writes down every step that would have to reach a disk: creations,
 * writes, sizes, renames, removals, and the syncs that make them last.
 *
 * The run is recorded once; what a power cut at any moment could have left is
 * worked out from the record afterwards (wreck.h, cut.h).  What a program was
 * told to be safe goes into the same record, as marks, so that each moment
 * knows what must have survived it.
 */
#ifndef DISK_H
#define DISK_H

#include "sys/file.h"

#include <pthread.h>

enum { DISK_NODES = 64, DISK_NAMES = 32, DISK_NAME = 48, DISK_MAPS = 8, DISK_NONE = -1 };
/* The page of a log that handles write through a map: bytes 4096 to 8191. */
enum { DISK_CONTROL_AT = 4096, DISK_CONTROL_SIZE = 4096, DISK_CONTROL_USED = 48 };

enum {
    DISK_CREATE = 1,  /* name, node */
    DISK_WRITE,       /* node, offset, length, bytes */
    DISK_TRUNCATE,    /* node, length */
    DISK_ALLOCATE,    /* node, length: the size that it has at least */
    DISK_SYNC,        /* node: what was done to it before step `covers` is on disk */
    DISK_RENAME,      /* name, other (the new one), node */
    DISK_UNLINK,      /* name, node */
    DISK_SYNC_FOLDER, /* names: what was done to them before step `covers` is on disk */
    DISK_CONTROL,     /* node, bytes: what its control page holds now */
    DISK_MARK         /* promise */
};

/* What the program under test has been told to be safe. */
struct disk_promise {
    uint64_t lsn;   /* every transaction up to this one */
    uint32_t state; /* the states before this one (crash.h) must not come back */
    uint32_t flags; /* a bit for each further file that is finished */
};

struct disk_step {
    int what;
    int node, name, other;
    uint64_t offset, length;
    uint8_t *bytes;
    size_t covers;
    struct disk_promise promise;
};

/* A file as such; names are in the folder. */
struct disk_node {
    uint8_t *bytes; /* when the record began; NULL: made since */
    size_t length;
    struct file *control; /* open while its control page is written through a map */
    uint8_t control_was[DISK_CONTROL_USED];
};

struct disk;

/* Two processes may use a disk; one of them can be killed. */
struct disk_process {
    struct disk *disk;
    struct file_ops ops; /* goes into crm_options.files; lives as long as the handles */
    bool mortal;
    struct {
        void *address; /* of a control page, mapped to write; NULL: a free place */
        size_t length;
    } maps[DISK_MAPS];
};

struct disk {
    struct disk_process first, other; /* the first is the one that dies */
    const struct file_ops *real;
    char folder[96];
    pthread_mutex_t lock;
    struct disk_step *steps;
    size_t count, capacity;
    struct disk_node nodes[DISK_NODES];
    int node_count;
    char names[DISK_NAMES][DISK_NAME];
    int was[DISK_NAMES]; /* the node of each name when the record began; DISK_NONE */
    int now[DISK_NAMES];
    int name_count;
    struct disk_promise promise;
    size_t changes; /* steps that change something */
    /* The first process is killed before change number `dies_at`: that one and
     * all that it tries later fail and do nothing, until disk_revive. */
    size_t dies_at;
    bool died;
    /* Called between the beginning and the end of a sync, when set. */
    void (*during_sync)(void *context);
    void *during_sync_context;
};

/* Begins a record: what lies in the folder now is on disk. */
void disk_start(struct disk *disk, const char *folder);
void disk_end(struct disk *disk);
bool disk_dead(const struct disk *disk); /* the first process was killed */
void disk_revive(struct disk *disk);
/* Marks: a transaction, a state, a further file are safe from here on. */
void disk_promise_lsn(struct disk *disk, uint64_t lsn);
void disk_promise_state(struct disk *disk, uint32_t state);
void disk_promise_file(struct disk *disk, uint32_t flag);
/* The number of a name; DISK_NONE: it was never used. */
int disk_name(const struct disk *disk, const char *name);
const char *disk_step_text(const struct disk *disk, size_t step, char *out, size_t size);

#endif
