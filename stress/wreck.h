/* wreck: what a power cut left of a folder: names, and what the files behind
 * them hold.  Built in memory by putting recorded steps (disk.h), or parts of
 * them, onto what was surely on disk, and then laid down as real files.
 */
#ifndef WRECK_H
#define WRECK_H

#include "disk.h"

enum { WRECK_SECTOR = 512 };

/* What became of a step. */
enum {
    WRECK_KEPT = 0,
    WRECK_DROPPED,
    WRECK_BEFORE, /* a write: only what lies before the sector */
    WRECK_FROM,   /* only from the sector on */
    WRECK_OLD,    /* all but the sector, which holds what it did */
    WRECK_ZEROS,  /* the sector holds zeros */
    WRECK_NOISE,  /* chance bytes */
    WRECK_STRAY,  /* bytes from elsewhere in the file */
    WRECK_SIZE,   /* the size that it gave the file, without its bytes */
    WRECK_BOTH,   /* a rename: the file has both names */
    WRECK_FATES
};

/* What a control page holds, which no sync vouches for. */
enum { WRECK_CONTROL_LAST = 0, WRECK_CONTROL_ZEROS, WRECK_CONTROL_NOISE, WRECK_CONTROLS };

struct wreck_node {
    uint8_t *bytes;
    size_t length, capacity; /* behind `length` all is zero */
    uint64_t size;
    const uint8_t *control; /* the last that was written to it through a map; NULL: never was */
};

struct wreck {
    const struct disk *disk;
    struct wreck_node nodes[DISK_NODES];
    int names[DISK_NAMES];
};

/* As it was when the record began. */
void wreck_start(struct wreck *wreck, const struct disk *disk);
void wreck_copy(struct wreck *to, const struct wreck *from);
void wreck_free(struct wreck *wreck);
/* `sector`: counted from the file's start, for the fates that name one. */
void wreck_apply(struct wreck *wreck, const struct disk_step *step, int fate, uint64_t sector, uint64_t *chance);
/* Of names, sizes and bytes, but for control pages. */
uint64_t wreck_hash(const struct wreck *wreck);
/* Makes the folder's files anew. */
void wreck_lay(const struct wreck *wreck, const char *folder, int control, uint64_t *chance);

#endif
