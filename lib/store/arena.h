/* arena: the one block of bytes in which every index lives, addressed by
 * offsets from its base, so that it can be written to a file block by block and
 * used again as it lay.
 *
 * The base never moves while the arena lives (address space is reserved
 * ahead), so pointers stay good until the block is freed.  Offsets are
 * multiples of 8; 0 is "none".  Every access is bounds checked, and a block of
 * an image is fetched from the file, and checked, when it is first touched:
 * damage gives NULL, never wrong data, and the caller answers CRM_CORRUPT, upon
 * which the image is thrown away and rebuilt (P5).
 *
 * Threads: changes need the owner's exclusive lock; reads may run together.  A
 * writer may read what nobody else changes without a lock, while who has it
 * makes the arena longer.
 */
#ifndef STORE_ARENA_H
#define STORE_ARENA_H

#include "sys/file.h"
#include "sys/lock.h"
#include "sys/memory.h"

enum { ARENA_BLOCK = 4096, ARENA_ROOT = 64 /* offset of the root area */, ARENA_ROOT_SIZE = 4096 - 64 };
enum {
    ARENA_CLASSES = 152 /* free lists, behind the root */,
    ARENA_FIRST = 4096 + ARENA_CLASSES * 8 /* block's offset */
};

/* Where the blocks of an image come from. */
struct arena_source {
    /* Fills in a block; false when it is damaged. */
    bool (*load)(const struct arena_source *source, uint64_t block, uint8_t *out);
    void (*free)(const struct arena_source *source, const struct memory *memory);
};

struct arena {
    uint8_t *base;
    uint64_t used;      /* bytes in use from the base; who reads without the lock asks arena_used */
    uint64_t committed; /* bytes that may be touched */
    uint64_t reserved;
    /* one bit a block of the image that is not loaded yet; NULL when there is none.  Cleared
     * under `loading` and read without it: readers load blocks side by side. */
    uint64_t *unchecked;
    uint64_t image_length; /* of the part that blocks are loaded into, a multiple of ARENA_BLOCK */
    struct mutex loading;
    const struct arena_source *source;
    _Atomic bool damaged; /* a check failed since the arena was opened */
    bool refused;         /* it could not grow */
    const struct memory *memory;
};

inline uint64_t arena_used(const struct arena *arena)
{
    return __atomic_load_n(&arena->used, __ATOMIC_RELAXED);
}

int32_t arena_create(const struct memory *memory, struct arena **out, crm_error *error);
void arena_free(struct arena *arena);

bool arena_check(struct arena *arena, uint64_t offset, size_t length); /* the slow path of arena_at */

inline bool arena_block_unchecked(const struct arena *arena, uint64_t block)
{
    return ((__atomic_load_n(&arena->unchecked[block / 64], __ATOMIC_ACQUIRE) >> (block % 64)) & 1) != 0;
}

/* Whether arena_check has nothing to do.  A range of up to a block lies in at
 * most two blocks; the bitmap has one bit more than the image has blocks. */
inline bool arena_checked(const struct arena *arena, uint64_t offset, size_t length)
{
    if (offset >= arena->image_length)
        return true;
    if (length > ARENA_BLOCK)
        return false;
    return !arena_block_unchecked(arena, offset / ARENA_BLOCK) &&
           !arena_block_unchecked(arena, (offset + length - (length != 0)) / ARENA_BLOCK);
}

/* The bytes at `offset`, or NULL when they lie outside or are damaged.  Inline
 * where speed counts, one copy for all else (arena.c). */
inline void *arena_at(struct arena *arena, uint64_t offset, size_t length)
{
    uint64_t used = arena_used(arena);
    if (offset == 0 || offset > used || length > used - offset)
        return NULL;
    if (arena->unchecked != NULL && !arena_checked(arena, offset, length) && !arena_check(arena, offset, length))
        return NULL;
    return arena->base + offset;
}

/* Zeroed; 0 when out of memory.  Freed space is reused by size class. */
uint64_t arena_alloc(struct arena *arena, size_t size);
/* `size` as it was asked for.  Bad arguments (from a damaged index) are ignored and noted in `damaged`. */
void arena_release(struct arena *arena, uint64_t offset, size_t size);
uint64_t arena_free_bytes(struct arena *arena);

/* For image.c: address space and an arena over it without any content. */
struct arena *arena_reserve(const struct memory *memory, uint64_t least);
/* Makes the bytes up to `upto`, and a margin behind them, touchable. */
bool arena_commit(struct arena *arena, uint64_t upto);

#endif
