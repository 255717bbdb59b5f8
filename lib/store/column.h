/* column: an array of fixed-width cells, one a record number, in chunks that
 * never move, so that appending copies nothing and a scan runs at memory speed.
 * The first chunk grows by doubling from 64 cells to COLUMN_CHUNK, so that a
 * small database stays small. */
#ifndef STORE_COLUMN_H
#define STORE_COLUMN_H

#include "store/arena.h"

enum { COLUMN_CHUNK = 4096 };

/* `fill` is what a cell holds before it is written (width bytes repeat it as
 * a little-endian number): e.g. INT64_MIN for "not set".  0: out of memory. */
uint64_t column_create(struct arena *arena, uint32_t width, uint64_t fill);
/* Makes cells 0..count-1 exist. */
bool column_reserve(struct arena *arena, uint64_t column, uint32_t count);
/* Address of one cell, or NULL (outside, damaged). */
void *column_at(struct arena *arena, uint64_t column, uint32_t number);
/* The run of cells from `number` to the end of its chunk: address and count,
 * for scans.  NULL when outside or damaged. */
void *column_run(struct arena *arena, uint64_t column, uint32_t number, uint32_t *count);
void column_free(struct arena *arena, uint64_t column);

#endif
