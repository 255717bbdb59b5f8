/* scratch: see scratch.h.  A request that does not fit the block opens one at
 * least twice as large; resetting keeps only the last, largest one. */
#include "io/scratch.h"

#include <string.h>

enum { SCRATCH_FIRST = 16 * 1024, SCRATCH_KEPT_MAX = 1 << 20 };

struct scratch_block {
    struct scratch_block *before;
    size_t size; /* of data */
    max_align_t data[];
};

void scratch_init(struct scratch *scratch, const struct memory *memory)
{
    *scratch = (struct scratch){.memory = memory};
}

static void drop_blocks(struct scratch *scratch, struct scratch_block *block)
{
    while (block != NULL) {
        struct scratch_block *before = block->before;
        memory_free(scratch->memory, block);
        block = before;
    }
}

void scratch_free(struct scratch *scratch)
{
    drop_blocks(scratch, scratch->block);
    scratch->block = NULL;
}

void scratch_reset(struct scratch *scratch)
{
    scratch->used = 0;
    if (scratch->block == NULL)
        return;
    /* One huge row must not keep its memory for the rest of the file. */
    if (scratch->block->size > SCRATCH_KEPT_MAX) {
        scratch_free(scratch);
        return;
    }
    drop_blocks(scratch, scratch->block->before);
    scratch->block->before = NULL;
}

void *scratch_alloc(struct scratch *scratch, size_t size)
{
    if (size > SIZE_MAX / 4)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (scratch->block == NULL || size > scratch->block->size - scratch->used) {
        size_t room = scratch->block == NULL ? SCRATCH_FIRST : scratch->block->size * 2;
        if (room < size)
            room = size;
        struct scratch_block *block = memory_alloc(scratch->memory, sizeof *block + room);
        if (block == NULL)
            return NULL;
        block->before = scratch->block;
        block->size = room;
        scratch->block = block;
        scratch->used = 0;
    }
    void *piece = (char *)scratch->block->data + scratch->used;
    scratch->used += size;
    return piece;
}

char *scratch_text(struct scratch *scratch, const char *text, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : scratch_alloc(scratch, length + 1);
    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}
