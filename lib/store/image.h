/* image: the arena in a file beside the log, so that opening costs the tail
 * and not the file.  Derived (P5): it can be deleted at any time.
 *
 * File: a header block (magic, version, which log and up to which point, CRC),
 * the arena's blocks, each packed by itself (store/pack.h), then one CRC-32C and
 * length a block.  A block is unpacked when it is first touched.  The file is
 * written beside and renamed; it need not be synced, because whatever a power
 * cut left of it is found out by its CRCs and rebuilt from the log.
 */
#ifndef STORE_IMAGE_H
#define STORE_IMAGE_H

#include "log/log.h"
#include "store/arena.h"

struct image_point {
    crm_id file; /* the log's identity */
    uint64_t generation;
    struct log_point at; /* the log up to here is in the arena */
    uint32_t layout;     /* version of what the model keeps in the arena */
};

/* Writes the arena to "<path>.tmp", then renames; the caller sees to it that
 * nobody changes it meanwhile.  CRM_CORRUPT: the arena came from an image
 * that turns out to be damaged; it must be rebuilt.  After any failure the old
 * image is what it was. */
int32_t image_write(const struct file_ops *files, const char *path, struct arena *arena,
                    const struct image_point *point, crm_error *error);
/* Opens one; `files` and `memory` have to live as long as the arena.
 * CRM_NOT_FOUND: no file, another version's, or damaged in the header (nothing
 * to report but "rebuild").  `point` is filled with what the
 * image says: whether it is this log's, and the layout that the model knows,
 * is for the caller to compare. */
int32_t image_open(const struct file_ops *files, const struct memory *memory, const char *path,
                   struct image_point *point, struct arena **out, crm_error *error);
/* Loads, and so checks, every block of the image now.  For `verify`. */
bool image_verify(struct arena *arena);

#endif
