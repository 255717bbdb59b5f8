/* tree: an ordered set of 128-bit keys with counts, a B+tree in the arena.
 *
 * Every ordered index is one: the high word is the field's value made
 * order-preserving, the low word ends in the record number, so a key is unique
 * and equal values lie in record order.  Inner nodes keep the number of keys
 * below each child: rank and count of any range cost one descent.
 *
 * With TREE_TEXT the high word is the first 8 bytes of a folded text (big
 * endian, zero padded) and the low word is (reference << 32 | number), the
 * reference being the text's arena offset / 8: u32 length, then the bytes.
 * Order: bytes of the text, then number.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "store/arena.h"

enum { TREE_PLAIN = 0, TREE_TEXT = 1 };

struct tree_key { uint64_t high, low; };

uint64_t tree_create(struct arena *arena, int mode); /* 0: out of memory */
/* False when out of memory or damaged (arena->damaged tells which); a key that
 * is there already stays once and answers true. */
bool tree_insert(struct arena *arena, uint64_t tree, struct tree_key key);
/* Adds many; sorts them first (in place), fills leaves whole when they extend the tree. */
bool tree_insert_many(struct arena *arena, uint64_t tree, struct tree_key *keys, size_t count);
bool tree_remove(struct arena *arena, uint64_t tree, struct tree_key key); /* false: not there */
uint64_t tree_count(struct arena *arena, uint64_t tree);
/* How many keys are smaller than `key`. */
uint64_t tree_rank(struct arena *arena, uint64_t tree, struct tree_key key);

/* Stays good while the tree is not changed. */
struct tree_cursor { uint64_t leaf; uint32_t slot; uint32_t steps_high; uint64_t steps; };
/* Places the cursor at the first key not smaller than `key` (which may be the end). */
void tree_seek(struct arena *arena, uint64_t tree, struct tree_key key, struct tree_cursor *cursor);
void tree_seek_end(struct arena *arena, uint64_t tree, struct tree_cursor *cursor); /* behind the last */
/* The key at the cursor, then one on (or: one back, then that key); false at the end. */
bool tree_next(struct arena *arena, uint64_t tree, struct tree_cursor *cursor, struct tree_key *out);
bool tree_previous(struct arena *arena, uint64_t tree, struct tree_cursor *cursor, struct tree_key *out);

/* TREE_TEXT: a probe key for `text` with a number; it is not stored.  `number`
 * 0 is before every entry of that text, UINT32_MAX behind. */
struct tree_text { const uint8_t *bytes; uint32_t length; uint32_t number; };
bool tree_insert_text(struct arena *arena, uint64_t tree, struct tree_text text); /* stores a copy */
bool tree_remove_text(struct arena *arena, uint64_t tree, struct tree_text text); /* and frees it */
void tree_seek_text(struct arena *arena, uint64_t tree, struct tree_text text, struct tree_cursor *cursor);
uint64_t tree_rank_text(struct arena *arena, uint64_t tree, struct tree_text text);
/* The text of a key that a cursor gave; NULL when damaged. */
const uint8_t *tree_text(struct arena *arena, struct tree_key key, uint32_t *length);
static inline uint32_t tree_number(struct tree_key key) { return (uint32_t)key.low; }

/* Checks order, counts and links; the first fault in words.  For `verify`. */
bool tree_verify(struct arena *arena, uint64_t tree, char *fault, size_t size);
void tree_free(struct arena *arena, uint64_t tree);

#endif
