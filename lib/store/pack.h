/* pack: makes a block of the arena small for the image's file.
 *
 * What the arena holds is regular: cells of one width, rows of one shape, keys
 * in order.  Half a block at a time, each byte (or word) is replaced by its
 * difference from the one a fixed distance before, the differences are laid
 * out by their place in the record, and runs of equal bytes are counted.
 * Packing and unpacking run at some gigabytes a second and need no
 * memory; bytes: docs/INDEXES.md.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACK_BLOCK = 4096, PACK_MOST = PACK_BLOCK + 2 };

/* Writes at most PACK_MOST bytes and returns how many; 0 for a block of zeros. */
size_t pack_block(const uint8_t *block, uint8_t *out);
/* False when the bytes are not what pack_block writes; the block is then
 * undefined.  Never reads or writes out of bounds. */
bool unpack_block(const uint8_t *packed, size_t length, uint8_t *block);

#endif
