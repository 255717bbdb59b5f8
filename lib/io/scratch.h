/* scratch: short-lived memory of one row, given back all at once.
 *
 * Blocks are kept from row to row, so that after the first rows nothing is
 * allocated any more.
 */
#ifndef IO_SCRATCH_H
#define IO_SCRATCH_H

#include "sys/memory.h"

struct scratch_block; /* one piece of memory, linked to the one before */

struct scratch {
    const struct memory *memory;
    struct scratch_block *block;
    size_t used; /* of block */
};

void scratch_init(struct scratch *scratch, const struct memory *memory);
void scratch_free(struct scratch *scratch);
/* Forgets what was handed out; keeps the largest block. */
void scratch_reset(struct scratch *scratch);
/* Aligned to 16; NULL: out of memory. */
void *scratch_alloc(struct scratch *scratch, size_t size);
/* A NUL-terminated copy. */
char *scratch_text(struct scratch *scratch, const char *text, size_t length);

#endif
