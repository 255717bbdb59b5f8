/* column: an array of fixed-width cells, one a record number, in chunks that
 * never move, so that appending copies nothing and a scan runs at memory speed.
 * The first chunk grows by doubling from 64 cells to COLUMN_CHUNK, so that a
 * small database stays small. */
#ifndef STORE_COLUMN_H
#define STORE_COLUMN_H

#include "store/arena.h"

enum { COLUMN_CHUNK = 4096, COLUMN_WIDTH_MAX = 32, COLUMN_MAGIC = 0x4c4f4331 };

struct column_header {
    uint64_t directory; /* offset of the chunks' offsets */
    uint32_t cells;     /* that exist */
    uint32_t width;
    uint64_t fill;
    uint32_t room; /* entries in the directory */
    uint32_t magic;
};

/* `fill` is what a cell holds before it is written (width bytes repeat it as
 * a little-endian number): e.g. INT64_MIN for "not set".  0: out of memory. */
uint64_t column_create(struct arena *arena, uint32_t width, uint64_t fill);
bool column_extend(struct arena *arena, uint64_t column, uint32_t count); /* the slow path of column_reserve */
/* Makes cells 0..count-1 exist. */
static inline bool column_reserve(struct arena *arena, uint64_t column, uint32_t count)
{
    const struct column_header *header = arena_at(arena, column, sizeof *header);
    if (header != NULL && (column & 7) == 0 && header->magic == COLUMN_MAGIC && count <= header->cells)
        return true;
    return column_extend(arena, column, count);
}
uint32_t column_count(struct arena *arena, uint64_t column); /* cells that exist; 0 when this is no column */

/* Whoever reads cells says how wide they are; a column of another width is as
 * good as damaged, because its cells would reach beyond it. */

/* Address of one cell, or NULL (outside, damaged). */
inline void *column_at(struct arena *arena, uint64_t column, uint32_t number, uint32_t width)
{
    const struct column_header *header = arena_at(arena, column, sizeof *header);
    if (header == NULL || (column & 7) != 0 || (header->directory & 7) != 0 || number >= header->cells ||
        header->width != width)
        return NULL;
    const uint64_t *chunk = arena_at(arena, header->directory + (uint64_t)(number / COLUMN_CHUNK) * 8, 8);
    if (chunk == NULL || (*chunk & 7) != 0)
        return NULL;
    return arena_at(arena, *chunk + (uint64_t)(number % COLUMN_CHUNK) * width, width);
}

/* The same of `count` cells that lie in one chunk. */
inline void *column_cells(struct arena *arena, uint64_t column, uint32_t number, uint32_t count, uint32_t width)
{
    const struct column_header *header = arena_at(arena, column, sizeof *header);
    uint32_t within = number % COLUMN_CHUNK;
    if (header == NULL || (column & 7) != 0 || (header->directory & 7) != 0 || number >= header->cells ||
        count > header->cells - number || count > COLUMN_CHUNK - within || header->width != width)
        return NULL;
    const uint64_t *chunk = arena_at(arena, header->directory + (uint64_t)(number / COLUMN_CHUNK) * 8, 8);
    if (chunk == NULL || (*chunk & 7) != 0)
        return NULL;
    return arena_at(arena, *chunk + (uint64_t)within * width, (size_t)count * width);
}

/* The chunk that a writer was in last: appending meets each chunk thousands of
 * times and looks for it once.  All zero: none yet.  Good while the arena is. */
struct column_window {
    uint8_t *cells;
    uint32_t first, count;
};
uint8_t *column_window_open(struct arena *arena, uint64_t column, struct column_window *window, uint32_t number,
                            uint32_t width);
/* column_at, through the window. */
static inline void *column_in(struct arena *arena, uint64_t column, struct column_window *window, uint32_t number,
                              uint32_t width)
{
    uint32_t within = number - window->first;
    return within < window->count ? window->cells + (size_t)within * width
                                  : column_window_open(arena, column, window, number, width);
}

/* The run of cells from `number` to the end of its chunk: address and count,
 * for scans.  NULL when outside or damaged. */
void *column_run(struct arena *arena, uint64_t column, uint32_t number, uint32_t width, uint32_t *count);
void column_free(struct arena *arena, uint64_t column);

#endif
