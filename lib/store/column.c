/* column: a small header, a directory of chunk offsets that grows by doubling,
 * and the chunks.
 *
 * A cell costs one dependent miss when header and directory are warm (the
 * directory of a million cells is 2 KiB).  Chunks are powers of two in cells,
 * so their blocks fit the arena's size classes without waste.
 *
 * Relies on store/arena.h.  What the header says is not believed: a wrong
 * directory or chunk offset ends in arena_at's NULL.
 */
#include "store/column.h"
#include "sys/cold.h"

#include <string.h>

enum { COLUMN_FIRST = 64, DIRECTORY_FIRST = 4 };

static struct column_header *column_header(struct arena *arena, uint64_t column)
{
    struct column_header *header = column % 8 == 0 ? arena_at(arena, column, sizeof *header) : NULL;
    if (header == NULL)
        return NULL;
    if (header->magic != COLUMN_MAGIC || header->width == 0 || header->width > COLUMN_WIDTH_MAX ||
        header->directory % 8 != 0) {
        arena->damaged = true;
        return NULL;
    }
    return header;
}

COLD uint64_t column_create(struct arena *arena, uint32_t width, uint64_t fill)
{
    if (width == 0 || width > COLUMN_WIDTH_MAX)
        return 0;
    uint64_t column = arena_alloc(arena, sizeof(struct column_header));
    uint64_t directory = arena_alloc(arena, DIRECTORY_FIRST * 8);
    struct column_header *header = arena_at(arena, column, sizeof *header);
    if (header == NULL || directory == 0)
        return 0;
    header->magic = COLUMN_MAGIC;
    header->width = width;
    header->fill = fill;
    header->directory = directory;
    header->room = DIRECTORY_FIRST;
    return column;
}

extern inline void *column_at(struct arena *arena, uint64_t column, uint32_t number, uint32_t width);
extern inline void *column_cells(struct arena *arena, uint64_t column, uint32_t number, uint32_t count, uint32_t width);

COLD static void cells_fill(uint8_t *cells, size_t length, uint32_t width, uint64_t fill)
{
    if (fill == 0)
        return; /* arena_alloc zeroes */
    size_t done = length < width ? length : width;
    for (size_t i = 0; i < done; i++)
        cells[i] = (uint8_t)(fill >> (i % 8 * 8));
    for (; done < length; done += done < length - done ? done : length - done)
        memcpy(cells + done, cells, done < length - done ? done : length - done);
}

/* A chunk of `cells` cells whose first `kept` are copied from `old`; 0: failed. */
COLD static uint64_t chunk_create(struct arena *arena, uint32_t width, uint64_t fill, uint32_t cells, uint64_t old,
                                  uint32_t kept)
{
    size_t length = (size_t)cells * width;
    size_t length_kept = (size_t)kept * width;
    uint64_t chunk = arena_alloc(arena, length);
    uint8_t *bytes = arena_at(arena, chunk, length);
    if (bytes == NULL)
        return 0;
    if (kept != 0) {
        const uint8_t *from = arena_at(arena, old, length_kept);
        if (from == NULL)
            return 0;
        memmove(bytes, from, length_kept);
    }
    cells_fill(bytes + length_kept, length - length_kept, width, fill);
    return chunk;
}

COLD static bool directory_grow(struct arena *arena, struct column_header *header, uint32_t needed)
{
    uint32_t room = header->room;
    if (needed <= room)
        return true;
    uint64_t grown = (uint64_t)room * 2 > needed ? (uint64_t)room * 2 : needed;
    uint64_t directory = arena_alloc(arena, (size_t)grown * 8);
    uint8_t *to = arena_at(arena, directory, (size_t)grown * 8);
    const uint8_t *from = arena_at(arena, header->directory, (size_t)room * 8);
    if (to == NULL || from == NULL)
        return false;
    memmove(to, from, (size_t)room * 8);
    arena_release(arena, header->directory, (size_t)room * 8);
    header->directory = directory;
    header->room = (uint32_t)grown;
    return true;
}

/* Adds cells until the first chunk is whole, then chunk by chunk. */
COLD static bool column_grow(struct arena *arena, struct column_header *header, uint32_t count)
{
    uint32_t width = header->width;
    uint32_t cells = header->cells;
    uint32_t index = cells / COLUMN_CHUNK;
    if (cells > 0 && cells % COLUMN_CHUNK != 0 && cells > COLUMN_CHUNK) {
        arena->damaged = true; /* only the first chunk may be partial */
        return false;
    }
    uint32_t next = COLUMN_CHUNK;
    uint32_t kept = cells < COLUMN_CHUNK ? cells : 0;
    if (cells < COLUMN_CHUNK) {
        next = cells < COLUMN_FIRST ? COLUMN_FIRST : cells;
        while (next < count && next < COLUMN_CHUNK)
            next *= 2;
        if (next > COLUMN_CHUNK)
            next = COLUMN_CHUNK;
    }
    if (!directory_grow(arena, header, index + 1))
        return false;
    uint64_t *entry = arena_at(arena, header->directory + (uint64_t)index * 8, 8);
    if (entry == NULL)
        return false;
    uint64_t old = *entry;
    uint64_t chunk = chunk_create(arena, width, header->fill, next, old, kept);
    if (chunk == 0)
        return false;
    if (kept != 0)
        arena_release(arena, old, (size_t)kept * width);
    *entry = chunk;
    header->cells = index * COLUMN_CHUNK + next;
    return true;
}

COLD bool column_extend(struct arena *arena, uint64_t column, uint32_t count)
{
    struct column_header *header = column_header(arena, column);
    if (count > UINT32_MAX - COLUMN_CHUNK)
        return false;
    while (header != NULL && header->cells < count) {
        if (!column_grow(arena, header, count)) /* or there are more cells than before */
            return false;
        header = column_header(arena, column); /* a hostile free list may have let it be written over */
    }
    return header != NULL;
}

uint32_t column_count(struct arena *arena, uint64_t column)
{
    const struct column_header *header = column_header(arena, column);
    return header == NULL ? 0 : header->cells;
}

void *column_run(struct arena *arena, uint64_t column, uint32_t number, uint32_t width, uint32_t *count)
{
    *count = 0;
    const struct column_header *header = column_header(arena, column);
    if (header == NULL || number >= header->cells)
        return NULL;
    const uint64_t *chunk = arena_at(arena, header->directory + (uint64_t)(number / COLUMN_CHUNK) * 8, 8);
    uint32_t within = number % COLUMN_CHUNK;
    uint32_t left = header->cells - number;
    uint32_t run = COLUMN_CHUNK - within < left ? COLUMN_CHUNK - within : left;
    void *cells = NULL;
    if (chunk != NULL && *chunk % 8 == 0 && header->width == width)
        cells = arena_at(arena, *chunk + (uint64_t)within * width, (size_t)run * width);
    if (cells == NULL)
        arena->damaged = true;
    else
        *count = run;
    return cells;
}

/* Only whole chunks, which never move, make a window; an image's is loaded with it. */
uint8_t *column_window_open(struct arena *arena, uint64_t column, struct column_window *window, uint32_t number,
                            uint32_t width)
{
    uint32_t count, first = number - number % COLUMN_CHUNK;
    uint8_t *cells = column_run(arena, column, first, width, &count);
    window->count = 0;
    if (cells == NULL || number - first >= count)
        return NULL;
    if (count == COLUMN_CHUNK)
        *window = (struct column_window){cells, first, count};
    return cells + (size_t)(number - first) * width;
}

COLD void column_free(struct arena *arena, uint64_t column)
{
    const struct column_header *header = column_header(arena, column);
    if (header == NULL)
        return;
    struct column_header own = *header;
    for (uint64_t first = 0; first < own.cells; first += COLUMN_CHUNK) {
        const uint64_t *chunk = arena_at(arena, own.directory + first / COLUMN_CHUNK * 8, 8);
        uint64_t cells = own.cells - first < COLUMN_CHUNK ? own.cells - first : COLUMN_CHUNK;
        if (chunk == NULL)
            return;
        arena_release(arena, *chunk, (size_t)cells * own.width);
    }
    arena_release(arena, own.directory, (size_t)own.room * 8);
    arena_release(arena, column, sizeof own);
}
