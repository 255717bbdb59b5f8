/* tree_node: what the files of the tree share: the nodes as they lie in the
 * arena, a checked view of each, and the path that a descent leaves behind.
 *
 * A leaf holds its keys as differences from a base, each of a key's four 32-bit
 * words cut to as few bytes as the leaf's range needs; an entry is the lowest
 * word's bytes first, so that it reads as one little-endian number in key
 * order.  An inner node holds
 * whole keys: key i is the smallest key below child i (key 0 is not used).
 *
 * In a hostile arena nodes may lie across each other, so that writing one
 * changes another's header.  A header is therefore read once, when the node is
 * opened; what is to be reached after a write was computed before it, or the
 * node is opened again.
 */
#ifndef STORE_TREE_NODE_H
#define STORE_TREE_NODE_H

#include "store/tree.h"

enum {
    TREE_MAGIC = 0x45455254,
    NODE_LEAF = 0x6c,
    NODE_INNER = 0x69,
    LEAF_LOG_MIN = 7,
    LEAF_LOG_MAX = 11,
    LEAF_HEADER = 32,
    LEAF_PAD = 8, /* so that whole words can be read and written at the last entry */
    LEAF_MOST = 1000,
    LEAF_SPARED = 24, /* this part of a leaf stays free when keys come in order */
    STRIDE_LEAST = 2,
    INNER_LOG_MIN = 9,
    INNER_LOG_MAX = 12,
    INNER_HEADER = 16,
    INNER_ENTRY = 24,
    TREE_DEPTH_MAX = 16,
    TREE_RETRY_MAX = 64 /* one insertion splits fewer nodes than that */
};

struct tree_header {
    uint32_t magic;
    uint32_t mode;
    uint64_t count;
    uint32_t root;        /* references are arena offsets / 8 */
    uint32_t first, last; /* leaves */
    uint32_t depth;       /* levels: 0 empty, 1 the root is a leaf */
};

struct leaf {
    uint8_t kind, size_log;
    uint8_t bytes_low, bytes_high; /* kept of words 0 and 1, of words 2 and 3: four bits each */
    uint16_t count;
    uint16_t hint; /* where the last insertion went, see leaf_hint */
    uint32_t previous, next;
    uint64_t base_high, base_low;
};

struct inner {
    uint8_t kind, size_log, level, unused;
    uint16_t count;
    uint16_t capacity;
    uint64_t reserved;
    /* then capacity keys, capacity references, capacity counts */
};

struct tree {
    struct arena *arena;
    struct tree_header *header;
    bool text;
};

/* What is looked for.  In a text tree `bytes` is the text and the key's low
 * word its reference (0: none) and number. */
struct tree_probe {
    struct tree_key key;
    const uint8_t *bytes;
    uint32_t length;
};

/* A leaf's header, checked, in the form that searching needs. */
struct leaf_view {
    struct leaf *leaf;
    uint8_t *data;
    struct tree_format format;
    uint32_t count;
    uint32_t room; /* bytes for entries */
    uint32_t reference;
};

struct tree_path {
    struct leaf_view leaf;
    uint32_t slot;
    uint32_t inners;                     /* levels above the leaf */
    struct inner *inner[TREE_DEPTH_MAX]; /* from the root down */
    uint32_t reference[TREE_DEPTH_MAX];
    uint32_t index[TREE_DEPTH_MAX];  /* the child taken */
    uint32_t *below[TREE_DEPTH_MAX]; /* its count */
};

/* An entry as a number. */
struct packed {
    uint64_t high, low;
};

/* Where a leaf's keys are expected to go on. */
enum leaf_lean { LEAN_MIDDLE, LEAN_UP, LEAN_DOWN };

/* The least and greatest of each word of some keys. */
struct leaf_range {
    uint32_t least[4], most[4];
};

static inline uint64_t tree_offset(uint32_t reference)
{
    return (uint64_t)reference * 8;
}

static inline struct tree_key *inner_keys(struct inner *inner)
{
    return (struct tree_key *)(void *)((uint8_t *)inner + INNER_HEADER);
}

static inline uint32_t *inner_references(struct inner *inner)
{
    return (uint32_t *)(void *)((uint8_t *)inner + INNER_HEADER + inner->capacity * sizeof(struct tree_key));
}

static inline uint32_t *inner_counts(struct inner *inner)
{
    return inner_references(inner) + inner->capacity;
}

static inline int tree_key_less(struct tree_key a, struct tree_key b)
{
    return (a.high < b.high) | ((a.high == b.high) & (a.low < b.low));
}

static inline struct tree_key leaf_key(const struct leaf_view *view, uint32_t slot)
{
    return tree_unpack(&view->format, view->data + (size_t)slot * view->format.stride);
}

/* False: the header is not sound. */
static inline bool leaf_view_set(struct leaf_view *view, struct leaf *leaf, uint32_t reference)
{
    struct tree_format *format = &view->format;
    unsigned bytes[4] = {leaf->bytes_low & 15U, leaf->bytes_low >> 4, leaf->bytes_high & 15U, leaf->bytes_high >> 4};
    if ((bytes[0] > 4) | (bytes[1] > 4) | (bytes[2] > 4) | (bytes[3] > 4))
        return false;
    for (unsigned word = 0; word < 4; word++)
        format->mask[word] = (uint32_t)((UINT64_C(1) << (8 * bytes[word])) - 1);
    format->at[0] = 0;
    format->at[1] = bytes[0];
    format->at[2] = bytes[0] + bytes[1];
    format->at[3] = bytes[0] + bytes[1] + bytes[2];
    format->stride = format->at[3] + bytes[3];
    format->base_high = leaf->base_high;
    format->base_low = leaf->base_low;
    view->leaf = leaf;
    view->reference = reference;
    view->data = (uint8_t *)leaf + LEAF_HEADER;
    view->room = (1U << leaf->size_log) - LEAF_HEADER - LEAF_PAD;
    view->count = leaf->count;
    return format->stride >= STRIDE_LEAST && view->count <= LEAF_MOST && view->count * format->stride <= view->room;
}

static inline uint32_t key_word(struct tree_key key, unsigned word)
{
    return (uint32_t)((word < 2 ? key.low : key.high) >> (32 * (word & 1)));
}

static inline uint64_t packed_load(const uint8_t *bytes)
{
    return (uint64_t)tree_load(bytes + 4) << 32 | tree_load(bytes);
}

/* Puts a word's difference of `bytes` bytes below what is there. */
static inline void packed_push(struct packed *packed, uint32_t difference, unsigned bytes)
{
    packed->high = packed->high << (8 * bytes) | (packed->low >> 1) >> (63 - 8 * bytes);
    packed->low = packed->low << (8 * bytes) | difference;
}

/* tree.c: reading */
bool tree_open(struct arena *arena, uint64_t offset, struct tree *tree);
bool leaf_open(struct arena *arena, uint32_t reference, struct leaf_view *view);
struct inner *inner_open(struct arena *arena, uint32_t reference, uint32_t level);
/* From the root to the leaf and slot of the first key not smaller than the
 * probe within the child that covers it.  False: empty or damaged. */
bool tree_descend(const struct tree *tree, const struct tree_probe *probe, struct tree_path *path);
bool tree_descend_last(const struct tree *tree, struct tree_path *path); /* behind the last key */
bool tree_path_last(const struct tree *tree, struct tree_path *path);    /* the same for a leaf that is open */
bool tree_probe_key(const struct tree *tree, struct tree_key key, struct tree_probe *probe);
bool tree_cursor_first(const struct tree *tree, struct tree_cursor *cursor);
bool tree_holds(const struct tree *tree, const struct tree_probe *probe, const struct tree_path *path);
uint64_t tree_rank_probe(const struct tree *tree, const struct tree_probe *probe);
void tree_cursor_set(struct tree_cursor *cursor, const struct leaf_view *view, uint32_t slot);
void tree_seek_probe(const struct tree *tree, uint64_t offset, const struct tree_probe *probe,
                     struct tree_cursor *cursor);

/* tree_text.c: below 0, 0 or above 0 as the probe lies before, at or behind the key */
int tree_compare_text(struct arena *arena, const struct tree_probe *probe, struct tree_key key);

/* tree_leaf.c: one leaf */
void leaf_init(struct leaf *leaf, unsigned size_log);
void leaf_clear(struct leaf_view *view); /* empty, and in the format that any key fits */
struct leaf_range leaf_range_of(struct tree_key key);
void leaf_range_add(struct leaf_range *range, struct tree_key key);
unsigned leaf_range_bytes(const struct leaf_range *range); /* an entry's size */
void leaf_encode(struct leaf *leaf, const struct tree_key *keys, uint32_t count, const struct leaf_range *range,
                 enum leaf_lean lean);
uint32_t leaf_decode(const struct leaf_view *view, struct tree_key *keys);    /* LEAF_MOST at most; how many */
uint32_t leaf_lower(const struct leaf_view *view, struct tree_key key);       /* how many are smaller */
bool leaf_fits(const struct leaf_view *view, struct tree_key key);            /* in the format it has */
void leaf_insert(struct leaf_view *view, uint32_t slot, struct tree_key key); /* leaf_fits was true */
void leaf_erase(struct leaf_view *view, uint32_t slot);
bool leaf_repack(struct leaf_view *view, uint32_t slot, struct tree_key key); /* so that `key` fits; false: it cannot */
unsigned leaf_run(const struct leaf *leaf, uint32_t slot, bool *ascending);

/* tree_insert.c */
bool tree_insert_probe(const struct tree *tree, const struct tree_probe *probe);
/* At the path's slot, when the leaf takes the key as it is; false: it does not. */
bool tree_insert_path(const struct tree *tree, struct tree_path *path, struct tree_key key);
uint32_t node_alloc(struct arena *arena, unsigned size_log); /* a reference; 0: out of memory */
void inner_init(struct inner *inner, unsigned size_log, uint32_t level);

/* tree_remove.c */
void tree_nodes_free(const struct tree *tree, bool texts);
bool tree_remove_probe(const struct tree *tree, const struct tree_probe *probe, struct tree_key *removed);

#endif
