/* tree_build: many keys at once.
 *
 * The keys are sorted: by radix over the bytes that differ, or, for texts, by
 * merging.  When they are many against what the tree holds, the tree is built
 * anew from the merged order, leaf by leaf, each as full as it can be packed,
 * then the levels above; otherwise they go in one by one, in order, which
 * meets each node once while it is in the cache.
 *
 * The old nodes are freed only when the new ones stand, so running out of
 * memory changes nothing.
 */
#include "store/tree_node.h"

enum {
    SORT_SMALL = 32,
    REBUILD_SHARE = 8,
    REBUILD_LEAST = 64,
    BUILT_ROOM = (1 << LEAF_LOG_MAX) - LEAF_HEADER - LEAF_PAD
};

_Static_assert((BUILT_ROOM - BUILT_ROOM / LEAF_SPARED) / STRIDE_LEAST <= LEAF_MOST, "what fills a leaf is pending");

struct built {
    struct tree_key first;
    uint32_t reference, count;
};

struct builder {
    const struct tree *tree;
    struct built *nodes; /* of the level being built */
    size_t length, capacity;
    struct tree_key pending[LEAF_MOST];
    struct leaf_range range;
    uint32_t count;
    struct leaf *last;
    uint32_t last_reference, first_reference;
    uint64_t total;
};

static bool sort_before(const struct tree *tree, struct tree_key a, struct tree_key b)
{
    struct tree_probe probe;
    if (!tree->text)
        return tree_key_less(a, b) != 0;
    return tree_probe_key(tree, a, &probe) && tree_compare_text(tree->arena, &probe, b) < 0;
}

static bool is_sorted(const struct tree *tree, const struct tree_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!sort_before(tree, keys[i - 1], keys[i]))
            return false;
    return true;
}

static void sort_insertion(const struct tree *tree, struct tree_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct tree_key key = keys[i];
        size_t at = i;
        for (; at > 0 && sort_before(tree, key, keys[at - 1]); at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

static uint8_t key_byte(struct tree_key key, unsigned byte)
{
    return (uint8_t)(byte < 8 ? key.low >> (8 * byte) : key.high >> (8 * (byte - 8)));
}

/* By one byte, steadily. */
static void sort_byte(const struct tree_key *from, struct tree_key *to, size_t count, unsigned byte)
{
    size_t starts[256] = {0};
    for (size_t i = 0; i < count; i++)
        starts[key_byte(from[i], byte)]++;
    size_t sum = 0;
    for (unsigned value = 0; value < 256; value++) {
        size_t of_value = starts[value];
        starts[value] = sum;
        sum += of_value;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[key_byte(from[i], byte)]++] = from[i];
}

/* From `least` on, the least significant byte first; those in which all keys agree cost nothing. */
static void sort_radix(struct tree_key *keys, struct tree_key *spare, size_t count, unsigned least)
{
    uint64_t low = 0, high = 0;
    struct tree_key *from = keys, *to = spare;
    for (size_t i = 1; i < count; i++) {
        low |= keys[i].low ^ keys[0].low;
        high |= keys[i].high ^ keys[0].high;
    }
    for (unsigned byte = least; byte < 16; byte++) {
        if (((byte < 8 ? low >> (8 * byte) : high >> (8 * (byte - 8))) & 0xff) == 0)
            continue;
        sort_byte(from, to, count, byte);
        struct tree_key *other = from;
        from = to;
        to = other;
    }
    if (from != keys)
        memcpy(keys, from, count * sizeof *keys);
}

/* Keys that come as records do are in order but for a few within each target or
 * stretch of time, which is what their highest word tells: sorted by that, the
 * rest is moved into place.  False: too much was to be moved. */
static bool sort_nearly(struct tree_key *keys, struct tree_key *spare, size_t count)
{
    enum { HIGHEST_WORD = 12, MOVES = 4 };
    size_t moves = count * MOVES;
    sort_radix(keys, spare, count, HIGHEST_WORD);
    for (size_t i = 1; i < count; i++) {
        struct tree_key key = keys[i];
        size_t at = i;
        for (; at > 0 && tree_key_less(key, keys[at - 1]) && moves > 0; at--, moves--)
            keys[at] = keys[at - 1];
        keys[at] = key;
        if (moves == 0)
            return false;
    }
    return true;
}

static void sort_merge(const struct tree *tree, struct tree_key *keys, struct tree_key *spare, size_t count)
{
    for (size_t start = 0; start < count; start += SORT_SMALL)
        sort_insertion(tree, keys + start, count - start < SORT_SMALL ? count - start : SORT_SMALL);
    for (size_t width = SORT_SMALL; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = count - start < width ? count : start + width;
            size_t end = count - start < 2 * width ? count : start + 2 * width;
            size_t a = start, b = middle;
            for (size_t at = start; at < end; at++) {
                bool second = a == middle || (b < end && sort_before(tree, keys[b], keys[a]));
                spare[at] = second ? keys[b++] : keys[a++];
            }
        }
        memcpy(keys, spare, count * sizeof *keys);
    }
}

static bool sort_keys(const struct tree *tree, struct tree_key *keys, size_t count)
{
    if (is_sorted(tree, keys, count))
        return true;
    if (count <= SORT_SMALL) {
        sort_insertion(tree, keys, count);
        return true;
    }
    struct tree_key *spare = memory_alloc(tree->arena->memory, count * sizeof *keys);
    if (spare == NULL)
        return false;
    if (tree->text)
        sort_merge(tree, keys, spare, count);
    else if (!sort_nearly(keys, spare, count))
        sort_radix(keys, spare, count, 0);
    memory_free(tree->arena->memory, spare);
    return true;
}

static bool built_add(struct builder *builder, struct tree_key first, uint32_t reference, uint32_t count)
{
    if (builder->length == builder->capacity) {
        size_t capacity = builder->capacity == 0 ? 64 : builder->capacity * 2;
        const struct memory *memory = builder->tree->arena->memory;
        struct built *grown = memory_resize(memory, builder->nodes, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        builder->nodes = grown;
        builder->capacity = capacity;
    }
    builder->nodes[builder->length++] = (struct built){first, reference, count};
    return true;
}

/* Makes the pending keys a leaf; the first one as small as they allow when it
 * will be the only one. */
static bool build_leaf(struct builder *builder, bool only)
{
    struct arena *arena = builder->tree->arena;
    unsigned size_log = LEAF_LOG_MAX;
    uint32_t bytes = builder->count * leaf_range_bytes(&builder->range) + LEAF_HEADER + LEAF_PAD;
    while (only && size_log > LEAF_LOG_MIN && bytes <= 1U << (size_log - 1))
        size_log--;
    uint32_t reference = node_alloc(arena, size_log);
    struct leaf *leaf = arena_at(arena, tree_offset(reference), (size_t)1 << size_log);
    if (leaf == NULL)
        return false;
    leaf_init(leaf, size_log);
    if (!built_add(builder, builder->pending[0], reference, builder->count)) {
        arena_release(arena, tree_offset(reference), (size_t)1 << size_log);
        return false;
    }
    leaf_encode(leaf, builder->pending, builder->count, &builder->range, LEAN_MIDDLE);
    leaf->previous = builder->last_reference;
    if (builder->last != NULL)
        builder->last->next = reference;
    else
        builder->first_reference = reference;
    builder->last = leaf;
    builder->last_reference = reference;
    builder->total += builder->count;
    builder->count = 0;
    return true;
}

static bool build_key(struct builder *builder, struct tree_key key)
{
    struct leaf_range range = leaf_range_of(key);
    if (builder->count != 0) {
        range = builder->range;
        leaf_range_add(&range, key);
        const uint32_t room = BUILT_ROOM - BUILT_ROOM / LEAF_SPARED;
        if ((builder->count + 1) * leaf_range_bytes(&range) > room) {
            if (!build_leaf(builder, false))
                return false;
            range = leaf_range_of(key);
        }
    }
    builder->range = range;
    builder->pending[builder->count++] = key;
    return true;
}

/* One inner node over nodes[first..first + count). */
static uint32_t build_inner(struct builder *builder, size_t first, uint32_t count, uint32_t level, uint32_t *below)
{
    struct arena *arena = builder->tree->arena;
    unsigned size_log = INNER_LOG_MIN;
    while (count > ((1U << size_log) - INNER_HEADER) / INNER_ENTRY)
        size_log++;
    if (first != 0 || count != builder->length)
        size_log = INNER_LOG_MAX;
    uint32_t reference = node_alloc(arena, size_log);
    struct inner *inner = arena_at(arena, tree_offset(reference), (size_t)1 << size_log);
    if (inner == NULL)
        return 0;
    inner_init(inner, size_log, level);
    *below = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct built *node = &builder->nodes[first + i];
        inner_keys(inner)[i] = node->first;
        inner_references(inner)[i] = node->reference;
        inner_counts(inner)[i] = node->count;
        *below += node->count;
    }
    inner->count = (uint16_t)count;
    return reference;
}

/* Builds the level above; on failure frees what it made, and what is below it
 * stays listed.  `level` is the new level's. */
static bool build_level(struct builder *builder, uint32_t level)
{
    const uint32_t most = ((1U << INNER_LOG_MAX) - INNER_HEADER) / INNER_ENTRY;
    size_t made = 0;
    for (size_t first = 0; first < builder->length;) {
        size_t left = builder->length - first;
        uint32_t count = left < most ? (uint32_t)left : most;
        uint32_t below = 0;
        uint32_t reference = build_inner(builder, first, count, level, &below);
        if (reference == 0)
            return false; /* the nodes made so far stay behind, unused: the arena is full anyway */
        struct tree_key key = builder->nodes[first].first;
        first += count;
        builder->nodes[made++] = (struct built){key, reference, below};
    }
    builder->length = made;
    return true;
}

/* Builds the order that merging the tree with `keys`, of which there is one at least, gives. */
static bool build_merged(struct builder *builder, uint64_t offset, const struct tree_key *keys, size_t count)
{
    const struct tree *tree = builder->tree;
    struct arena *arena = tree->arena;
    struct tree_cursor cursor;
    struct tree_key old;
    memset(&cursor, 0, sizeof cursor);
    cursor.tree = offset;
    bool more = tree->header->depth != 0 && tree_cursor_first(tree, &cursor) && tree_next(arena, offset, &cursor, &old);
    size_t i = 0;
    while (i < count || more) {
        bool take_new = !more || (i < count && sort_before(tree, keys[i], old));
        if (!take_new && i < count && !sort_before(tree, old, keys[i])) {
            i++; /* the tree has it */
            continue;
        }
        struct tree_key key = take_new ? keys[i] : old;
        if (take_new && i > 0 && !sort_before(tree, keys[i - 1], key)) {
            i++; /* twice among the new ones */
            continue;
        }
        if (!build_key(builder, key))
            return false;
        if (take_new)
            i++;
        else
            more = tree_next(arena, offset, &cursor, &old);
    }
    return !arena->damaged && build_leaf(builder, builder->length == 0);
}

static bool rebuild(const struct tree *tree, uint64_t offset, const struct tree_key *keys, size_t count)
{
    const struct memory *memory = tree->arena->memory;
    struct builder *builder = memory_zero(memory, 1, sizeof *builder);
    if (builder == NULL)
        return false;
    builder->tree = tree;
    uint32_t depth = 1;
    bool done = build_merged(builder, offset, keys, count);
    while (done && builder->length > 1) /* some six levels: there are no more than 2^32 references */
        done = build_level(builder, depth++);
    if (done) {
        tree_nodes_free(tree, false);
        tree->header->root = builder->nodes[0].reference;
        tree->header->first = builder->first_reference;
        tree->header->last = builder->last_reference;
        tree->header->depth = depth;
        tree->header->count = builder->total;
    }
    for (size_t i = 0; !done && depth == 1 && i < builder->length; i++)
        arena_release(tree->arena, tree_offset(builder->nodes[i].reference), (size_t)1 << LEAF_LOG_MAX);
    memory_free(memory, builder->nodes);
    memory_free(memory, builder);
    return done;
}

/* Whether a key that is not before the path's slot belongs into its leaf. */
static bool path_covers(const struct tree_path *path, struct tree_key key)
{
    for (uint32_t level = path->inners; level-- > 0;) {
        struct inner *inner = path->inner[level];
        if (path->index[level] + 1U < inner->count)
            return tree_key_less(key, inner_keys(inner)[path->index[level] + 1]);
    }
    return true;
}

/* Sorted keys into a tree that is much larger: neighbours share a descent. */
static bool insert_in_order(const struct tree *tree, uint64_t offset, const struct tree_key *keys, size_t count)
{
    struct tree_path path;
    bool open = false;
    for (size_t i = 0; i < count; i++) {
        struct tree_probe probe = {.key = keys[i]};
        if (open && path_covers(&path, keys[i]))
            path.slot = leaf_lower(&path.leaf, keys[i]);
        else
            open = tree->header->depth != 0 && tree_descend(tree, &probe, &path);
        if (open && (tree_holds(tree, &probe, &path) || tree_insert_path(tree, &path, keys[i])))
            continue;
        open = false;
        if (!tree_insert(tree->arena, offset, keys[i]))
            return false;
    }
    return true;
}

bool tree_insert_many(struct arena *arena, uint64_t offset, struct tree_key *keys, size_t count)
{
    struct tree tree;
    if (!tree_open(arena, offset, &tree) || !sort_keys(&tree, keys, count))
        return false;
    for (size_t i = 0; i < count && tree.text; i++)
        if (keys[i].low >> 32 == 0)
            return false;
    if (tree.text && arena->damaged)
        return false;
    if (count >= REBUILD_LEAST && count >= tree.header->count / REBUILD_SHARE)
        return rebuild(&tree, offset, keys, count);
    if (!tree.text)
        return insert_in_order(&tree, offset, keys, count);
    for (size_t i = 0; i < count; i++)
        if (!tree_insert(arena, offset, keys[i]))
            return false;
    return true;
}
