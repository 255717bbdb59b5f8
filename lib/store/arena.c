/* arena: reserves address space, hands out blocks of it and takes them back.
 *
 * Blocks come in size classes (every 8 bytes up to 256, then four steps a
 * doubling), so that a freed block fits the next request of its class whole;
 * when its class has none, a larger free block is split, and only then does
 * the arena grow.  The heads of the free lists lie in the arena itself, behind
 * the root page, so that nothing but the bytes is needed at reopen.
 *
 * The file may be hostile even when its CRCs are right: a list head is checked
 * for alignment and bounds before use, lists are only ever popped (a cycle
 * hands out a block twice, which the structures above survive like any other
 * damage) and never walked.
 *
 * Relies on sys/file.h for address space and sys/lock.h for readers that meet at
 * a block which is not loaded yet.
 */
#include "store/arena.h"

#include "sys/cold.h"
#include "sys/error.h"

#include <string.h>

enum {
    CLASS_SMALL = 32,            /* classes of 8, 16, .. 256 bytes */
    CLASS_COUNT = ARENA_CLASSES, /* then 320, 384, 448, 512, 640, .. 2^38 */
    CLASS_WORDS = 3,
    BLOCK_MIN = 8, /* a link */
    HEADER_AT = 8, /* offset 0 is "none" */
    LISTS_AT = 4096,
    COMMIT_STEP = 1 << 20,
    /* Touchable bytes kept behind the last one in use: a column whose stored
     * width is a lie makes its reader run over by at most a chunk. */
    COMMIT_MARGIN = 1 << 17
};

static const uint64_t reserve_most = UINT64_C(1) << 38;
static const uint64_t reserve_least = UINT64_C(1) << 26;

struct arena_header {
    uint64_t free_bytes;
    uint64_t filled[CLASS_WORDS]; /* one bit a class whose list is not empty */
};

static uint64_t class_size(unsigned class)
{
    if (class < CLASS_SMALL)
        return ((uint64_t) class + 1) * 8;
    unsigned step = class - CLASS_SMALL;
    return (UINT64_C(5) + step % 4) << (6 + step / 4); /* NOLINT: class < CLASS_COUNT, so the shift is under 64 */
}

/* The class whose blocks hold `size` bytes; CLASS_COUNT when none does. */
static unsigned class_for(uint64_t size)
{
    if (size < BLOCK_MIN)
        size = BLOCK_MIN;
    if (size <= (uint64_t)CLASS_SMALL * 8)
        return (unsigned)((size + 7) / 8 - 1);
    if (size > reserve_most)
        return CLASS_COUNT;
    unsigned bits = 63U - (unsigned)__builtin_clzll(size - 1);
    uint64_t quarter = (size - 1 - (UINT64_C(1) << bits)) >> (bits - 2);
    return CLASS_SMALL + (bits - 8) * 4 + (unsigned)quarter;
}

/* The largest class that fits into `size` bytes, which are at least BLOCK_MIN
 * and less than the largest block. */
static unsigned class_within(uint64_t size)
{
    unsigned class = class_for(size);
    return class_size(class) > size ? class - 1 : class;
}

static struct arena_header *arena_header(struct arena *arena)
{
    return arena_at(arena, HEADER_AT, sizeof(struct arena_header));
}

COLD struct arena *arena_reserve(const struct memory *memory, uint64_t least)
{
    struct arena *arena = memory_zero(memory, 1, sizeof *arena);
    if (arena == NULL)
        return NULL;
    arena->memory = memory;
    if (least < reserve_least)
        least = reserve_least;
    for (uint64_t size = reserve_most; size >= least && arena->base == NULL; size /= 2) {
        if (size <= SIZE_MAX)
            arena->base = address_reserve((size_t)size);
        arena->reserved = size;
    }
    bool locked = mutex_init(&arena->loading);
    if (arena->base != NULL && locked)
        return arena;
    if (locked)
        mutex_destroy(&arena->loading);
    address_release(arena->base, (size_t)arena->reserved);
    memory_free(memory, arena);
    return NULL;
}

COLD bool arena_commit(struct arena *arena, uint64_t upto)
{
    if (upto > arena->reserved - COMMIT_MARGIN) {
        arena->refused = true;
        return false;
    }
    upto += COMMIT_MARGIN;
    if (upto <= arena->committed)
        return true;
    uint64_t step = arena->committed / 8;
    uint64_t end = upto > arena->committed + step ? upto : arena->committed + step;
    end = (end + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP;
    if (end > arena->reserved)
        end = arena->reserved;
    if (!address_commit(arena->base + arena->committed, (size_t)(end - arena->committed))) {
        arena->refused = true;
        return false;
    }
    arena->committed = end;
    return true;
}

COLD int32_t arena_create(const struct memory *memory, struct arena **out, crm_error *error)
{
    struct arena *arena = arena_reserve(memory, reserve_least);
    if (arena == NULL)
        return error_nomem(error);
    if (!arena_commit(arena, ARENA_FIRST)) {
        arena_free(arena);
        return error_nomem(error);
    }
    arena->used = ARENA_FIRST;
    *out = arena;
    return CRM_OK;
}

COLD void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    address_release(arena->base, (size_t)arena->reserved);
    if (arena->source != NULL)
        arena->source->free(arena->source, arena->memory);
    mutex_destroy(&arena->loading);
    memory_free(arena->memory, arena->unchecked);
    memory_free(arena->memory, arena);
}

static bool block_load(struct arena *arena, uint64_t block)
{
    bool loaded = true;
    mutex_lock(&arena->loading);
    if (arena_block_unchecked(arena, block)) { /* or another reader was first */
        loaded = arena->source->load(arena->source, block, arena->base + block * ARENA_BLOCK);
        if (loaded) /* only now may others read it */
            (void)__atomic_fetch_and(&arena->unchecked[block / 64], ~(UINT64_C(1) << (block % 64)), __ATOMIC_RELEASE);
        else
            arena->damaged = true;
    }
    mutex_unlock(&arena->loading);
    return loaded;
}

extern inline uint64_t arena_used(const struct arena *arena);
extern inline bool arena_block_unchecked(const struct arena *arena, uint64_t block);
extern inline bool arena_checked(const struct arena *arena, uint64_t offset, size_t length);
extern inline void *arena_at(struct arena *arena, uint64_t offset, size_t length);

bool arena_check(struct arena *arena, uint64_t offset, size_t length)
{
    uint64_t blocks = arena->image_length / ARENA_BLOCK;
    uint64_t last = (offset + length - (length != 0)) / ARENA_BLOCK;
    for (uint64_t block = offset / ARENA_BLOCK; block <= last && block < blocks; block++)
        if (arena_block_unchecked(arena, block) && !block_load(arena, block))
            return false;
    return true;
}

static void list_push(struct arena *arena, struct arena_header *header, unsigned class, uint64_t offset)
{
    uint64_t *head = arena_at(arena, LISTS_AT + class * UINT64_C(8), 8);
    uint64_t *link = arena_at(arena, offset, BLOCK_MIN);
    if (head == NULL || link == NULL)
        return;
    *link = *head;
    *head = offset;
    header->filled[class / 64] |= UINT64_C(1) << (class % 64);
    header->free_bytes += class_size(class);
}

/* Cuts `size` free bytes (a multiple of 8) into blocks, the largest first: it
 * then keeps the alignment the whole had. */
static void list_push_range(struct arena *arena, struct arena_header *header, uint64_t offset, uint64_t size)
{
    while (size >= BLOCK_MIN) {
        unsigned class = class_within(size);
        list_push(arena, header, class, offset);
        offset += class_size(class);
        size -= class_size(class);
    }
}

/* 0: the list is empty, or was not one and is now. */
static uint64_t list_pop(struct arena *arena, struct arena_header *header, unsigned class)
{
    uint64_t *head = arena_at(arena, LISTS_AT + class * UINT64_C(8), 8);
    if (head == NULL)
        return 0;
    uint64_t offset = *head;
    const uint64_t *link = NULL;
    if (offset >= ARENA_FIRST && offset % 8 == 0)
        link = arena_at(arena, offset, (size_t)class_size(class));
    if (link == NULL && offset != 0)
        arena->damaged = true;
    *head = link == NULL ? 0 : *link;
    if (*head == 0)
        header->filled[class / 64] &= ~(UINT64_C(1) << (class % 64));
    if (link == NULL)
        return 0;
    header->free_bytes -= header->free_bytes < class_size(class) ? header->free_bytes : class_size(class);
    return offset;
}

/* A block of `class` from the free lists: its own, or the tail of a larger one. */
static uint64_t alloc_reused(struct arena *arena, struct arena_header *header, unsigned class)
{
    for (unsigned word = class / 64; word < CLASS_WORDS; word++) {
        uint64_t bits = header->filled[word];
        if (word == class / 64)
            bits &= UINT64_MAX << (class % 64);
        if (bits == 0)
            continue;
        unsigned found = word * 64 + (unsigned)__builtin_ctzll(bits);
        if (found >= CLASS_COUNT)
            break;
        uint64_t offset = list_pop(arena, header, found);
        if (offset == 0)
            break;
        uint64_t rest = class_size(found) - class_size(class);
        list_push_range(arena, header, offset, rest);
        return offset + rest;
    }
    return 0;
}

/* Grows the arena.  A block is aligned to the power of two in its size, up to
 * a page, so that nodes and cells do not straddle lines and CRC blocks. */
static uint64_t alloc_fresh(struct arena *arena, struct arena_header *header, uint64_t size)
{
    uint64_t align = size & (~size + 1);
    if (align > ARENA_BLOCK)
        align = ARENA_BLOCK;
    uint64_t offset = (arena->used + align - 1) & ~(align - 1);
    if (!arena_commit(arena, offset + size))
        return 0;
    uint64_t gap = arena->used;
    __atomic_store_n(&arena->used, offset + size, __ATOMIC_RELAXED);
    list_push_range(arena, header, gap, offset - gap);
    return offset;
}

uint64_t arena_alloc(struct arena *arena, size_t size)
{
    unsigned class = class_for(size);
    struct arena_header *header = arena_header(arena);
    if (class == CLASS_COUNT || header == NULL)
        return 0;
    uint64_t length = class_size(class);
    uint64_t offset = alloc_reused(arena, header, class);
    bool fresh = offset == 0;
    if (fresh)
        offset = alloc_fresh(arena, header, length);
    void *bytes = arena_at(arena, offset, (size_t)length);
    if (bytes == NULL)
        return 0;
    /* what the arena grows into is zero, save in the last block of an image */
    if (!fresh || offset < arena->image_length)
        memset(bytes, 0, (size_t)length);
    return offset;
}

void arena_release(struct arena *arena, uint64_t offset, size_t size)
{
    unsigned class = class_for(size);
    struct arena_header *header = arena_header(arena);
    void *bytes = NULL;
    if (header != NULL && offset >= ARENA_FIRST && offset % 8 == 0 && class != CLASS_COUNT)
        bytes = arena_at(arena, offset, (size_t)class_size(class));
    if (bytes == NULL) {
        arena->damaged = true;
        return;
    }
    memset(bytes, 0, (size_t)class_size(class)); /* what was erased is gone, and zeros cost nothing in the file */
    list_push(arena, header, class, offset);
}

uint64_t arena_free_bytes(struct arena *arena)
{
    const struct arena_header *header = arena_header(arena);
    if (header == NULL)
        return 0;
    return header->free_bytes > arena->used ? arena->used : header->free_bytes;
}
