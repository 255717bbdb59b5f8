/* arena: the one block of bytes in which every index lives, addressed by
 * offsets from its base, so that it can be written to a file as it lies and
 * mapped back copy-on-write.
 *
 * The base never moves while the arena lives (address space is reserved
 * ahead), so pointers stay good until the block is freed.  Offsets are
 * multiples of 8; 0 is "none".  Every access is bounds checked, and a block of
 * a mapped image is checked against its CRC when it is first touched: damage
 * gives NULL, never wrong data, and the caller answers CRM_CORRUPT, upon which
 * the image is thrown away and rebuilt (P5).
 *
 * Threads: changes need the owner's exclusive lock; reads may run together.
 */
#ifndef STORE_ARENA_H
#define STORE_ARENA_H

#include "sys/file.h"
#include "sys/memory.h"

enum { ARENA_BLOCK = 4096, ARENA_ROOT = 64 /* offset of the root area */, ARENA_ROOT_SIZE = 4096 - 64 };

struct arena {
    uint8_t *base;
    uint64_t used;      /* bytes in use from the base */
    uint64_t committed; /* bytes that may be touched */
    uint64_t reserved;
    /* one bit a block of the mapped image that is not checked yet; NULL when all is checked */
    uint64_t *unchecked;
    uint64_t image_length;
    const uint32_t *block_crcs;
    bool damaged;       /* a check failed since the arena was opened */
    /* the module's own fields follow in arena.c's private part */
    struct arena_private *private;
};

int32_t arena_create(const struct memory *memory, struct arena **out, crm_error *error);
void arena_free(struct arena *arena);

bool arena_check(struct arena *arena, uint64_t offset, size_t length); /* the slow path of arena_at */

/* The bytes at `offset`, or NULL when they lie outside or are damaged. */
static inline void *arena_at(struct arena *arena, uint64_t offset, size_t length)
{
    if (offset == 0 || offset > arena->used || length > arena->used - offset)
        return NULL;
    if (arena->unchecked != NULL && !arena_check(arena, offset, length))
        return NULL;
    return arena->base + offset;
}

/* Zeroed; 0 when out of memory.  Freed space is reused by size class. */
uint64_t arena_alloc(struct arena *arena, size_t size);
void arena_release(struct arena *arena, uint64_t offset, size_t size);
uint64_t arena_free_bytes(const struct arena *arena);

#endif
