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

#include <string.h>

enum { TREE_PLAIN = 0, TREE_TEXT = 1 };

struct tree_key {
    uint64_t high, low;
};

uint64_t tree_create(struct arena *arena, int mode); /* 0: out of memory */
/* False when out of memory or damaged (arena->damaged tells which); a key that
 * is there already stays once and answers true. */
bool tree_insert(struct arena *arena, uint64_t tree, struct tree_key key);
/* Adds many; sorts them first (in place), fills leaves whole when they extend the tree. */
bool tree_insert_many(struct arena *arena, uint64_t tree, struct tree_key *keys, size_t count);
bool tree_remove(struct arena *arena, uint64_t tree, struct tree_key key); /* false: not there */
uint64_t tree_count(struct arena *arena, uint64_t tree);
/* How many keys are smaller than `key`.  (In a text tree a key without a
 * reference, in all that seeks, lies before every text of its prefix.) */
uint64_t tree_rank(struct arena *arena, uint64_t tree, struct tree_key key);

/* How a leaf packs its keys: a key is four 32-bit words, word 0 the lowest; of
 * each word's difference from its base only the lowest bytes are kept. */
struct tree_format {
    uint64_t base_high, base_low;
    uint32_t mask[4]; /* of the bytes kept of a word's difference */
    uint32_t at[4];   /* where they lie in an entry */
    uint32_t stride;  /* bytes of an entry */
};

/* Stays good while the tree is not changed.  The fields are the module's own:
 * a window on one leaf (docs/INDEXES.md). */
struct tree_cursor {
    const uint8_t *at; /* the next entry */
    uint32_t behind;   /* entries of the leaf before it */
    uint32_t ahead;    /* entries of the leaf from it on */
    struct tree_format format;
    uint32_t leaf;     /* reference of the leaf */
    int32_t direction; /* of the walk that `budget` bounds */
    uint64_t tree;
    uint64_t budget; /* keys that the walk may still find in further leaves */
};
/* Places the cursor at the first key not smaller than `key` (which may be the end). */
void tree_seek(struct arena *arena, uint64_t tree, struct tree_key key, struct tree_cursor *cursor);
void tree_seek_end(struct arena *arena, uint64_t tree, struct tree_cursor *cursor); /* behind the last */

/* Moves a cursor that has reached its leaf's end into the next leaf; false at the tree's. */
bool tree_cursor_forward(struct arena *arena, struct tree_cursor *cursor);
bool tree_cursor_back(struct arena *arena, struct tree_cursor *cursor);

static inline uint32_t tree_load(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline struct tree_key tree_unpack(const struct tree_format *format, const uint8_t *entry)
{
    struct tree_key key;
    key.low = format->base_low + (tree_load(entry) & format->mask[0]) +
              ((uint64_t)(tree_load(entry + format->at[1]) & format->mask[1]) << 32);
    key.high = format->base_high + (tree_load(entry + format->at[2]) & format->mask[2]) +
               ((uint64_t)(tree_load(entry + format->at[3]) & format->mask[3]) << 32);
    return key;
}

/* The key at the cursor, then one on (or: one back, then that key); false at the end. */
static inline bool tree_next(struct arena *arena, uint64_t tree, struct tree_cursor *cursor, struct tree_key *out)
{
    (void)tree;
    if (cursor->ahead == 0 && !tree_cursor_forward(arena, cursor))
        return false;
    *out = tree_unpack(&cursor->format, cursor->at);
    cursor->at += cursor->format.stride;
    cursor->ahead--;
    cursor->behind++;
    return true;
}

static inline bool tree_previous(struct arena *arena, uint64_t tree, struct tree_cursor *cursor, struct tree_key *out)
{
    (void)tree;
    if (cursor->behind == 0 && !tree_cursor_back(arena, cursor))
        return false;
    cursor->at -= cursor->format.stride;
    cursor->ahead++;
    cursor->behind--;
    *out = tree_unpack(&cursor->format, cursor->at);
    return true;
}

/* TREE_TEXT: a probe key for `text` with a number; it is not stored.  `number`
 * 0 is before every entry of that text, UINT32_MAX behind. */
struct tree_text {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t number;
};
bool tree_insert_text(struct arena *arena, uint64_t tree, struct tree_text text); /* stores a copy */
/* Adds many at once: entry i is (prefix of the text, offset in `texts` << 32 | number),
 * where u32 length and the text lie; the keys are sorted and changed in place. */
bool tree_insert_texts(struct arena *arena, uint64_t tree, struct tree_key *keys, size_t count, const uint8_t *texts);
uint64_t tree_text_prefix(const uint8_t *bytes, uint32_t length);
bool tree_remove_text(struct arena *arena, uint64_t tree, struct tree_text text); /* and frees it */
void tree_seek_text(struct arena *arena, uint64_t tree, struct tree_text text, struct tree_cursor *cursor);
uint64_t tree_rank_text(struct arena *arena, uint64_t tree, struct tree_text text);
/* The text of a key that a cursor gave; NULL when damaged. */
const uint8_t *tree_text(struct arena *arena, struct tree_key key, uint32_t *length);
static inline uint32_t tree_number(struct tree_key key)
{
    return (uint32_t)key.low;
}

/* Checks order, counts and links; the first fault in words.  For `verify`. */
bool tree_verify(struct arena *arena, uint64_t tree, char *fault, size_t size);
void tree_free(struct arena *arena, uint64_t tree);

#endif
