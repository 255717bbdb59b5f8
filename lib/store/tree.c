/* tree: reading: descents, ranks and cursors.  Changes are in tree_insert.c,
 * tree_remove.c and tree_build.c, the packed leaf in tree_leaf.c.
 *
 * A look-up is a descent through inner nodes of 4 KiB (170 children: the upper
 * levels stay in the cache, so a million keys cost one or two misses) to a
 * packed leaf of 2 KiB, searched without branches.
 *
 * Nothing a node says is believed before it is checked: kind, level, sizes and
 * counts at each visit, references by arena_at.  A descent goes down one level
 * a step, a walk along the leaves may not find more keys than the tree counts,
 * so no cycle can hang a reader.
 */
#include "store/tree_node.h"

enum {
    LEAF_SIZE = 1 << LEAF_LOG_MAX,
    INNER_KEYS_SIZE = ((1 << INNER_LOG_MAX) - INNER_HEADER) / INNER_ENTRY * (int)sizeof(struct tree_key)
};

bool tree_open(struct arena *arena, uint64_t offset, struct tree *tree)
{
    tree->arena = arena;
    tree->header = offset % 8 == 0 ? arena_at(arena, offset, sizeof *tree->header) : NULL;
    if (tree->header == NULL)
        return false;
    if (tree->header->magic != TREE_MAGIC || tree->header->depth > TREE_DEPTH_MAX) {
        arena->damaged = true;
        return false;
    }
    tree->text = tree->header->mode == TREE_TEXT;
    return true;
}

uint64_t tree_create(struct arena *arena, int mode)
{
    uint64_t offset = arena_alloc(arena, sizeof(struct tree_header));
    struct tree_header *header = arena_at(arena, offset, sizeof *header);
    if (header == NULL)
        return 0;
    header->magic = TREE_MAGIC;
    header->mode = mode == TREE_TEXT ? TREE_TEXT : TREE_PLAIN;
    return offset;
}

uint64_t tree_count(struct arena *arena, uint64_t offset)
{
    struct tree tree;
    return tree_open(arena, offset, &tree) ? tree.header->count : 0;
}

bool leaf_open(struct arena *arena, uint32_t reference, struct leaf_view *view)
{
    struct leaf *leaf = arena_at(arena, tree_offset(reference), LEAF_HEADER);
    if (leaf != NULL && leaf->kind == NODE_LEAF && leaf->size_log >= LEAF_LOG_MIN && leaf->size_log <= LEAF_LOG_MAX &&
        arena_at(arena, tree_offset(reference), (size_t)1 << leaf->size_log) != NULL &&
        leaf_view_set(view, leaf, reference))
        return true;
    arena->damaged = true;
    return false;
}

struct inner *inner_open(struct arena *arena, uint32_t reference, uint32_t level)
{
    struct inner *inner = arena_at(arena, tree_offset(reference), INNER_HEADER);
    if (inner == NULL || inner->kind != NODE_INNER || inner->level != level || inner->size_log < INNER_LOG_MIN ||
        inner->size_log > INNER_LOG_MAX || inner->capacity != ((1U << inner->size_log) - INNER_HEADER) / INNER_ENTRY ||
        inner->count == 0 || inner->count > inner->capacity ||
        arena_at(arena, tree_offset(reference), (size_t)1 << inner->size_log) == NULL) {
        arena->damaged = true;
        return NULL;
    }
    return inner;
}

/* How many of the keys are not greater than `key`. */
static uint32_t keys_upper(const struct tree_key *keys, uint32_t count, struct tree_key key)
{
    const struct tree_key *base = keys;
    while (count > 1) {
        uint32_t half = count / 2;
        base += (size_t)half & (0 - (size_t)!tree_key_less(key, base[half - 1]));
        count -= half;
    }
    return (uint32_t)(base - keys) + (count != 0 && !tree_key_less(key, base[0]));
}

static uint32_t inner_child(const struct tree *tree, struct inner *inner, const struct tree_probe *probe)
{
    const struct tree_key *keys = inner_keys(inner) + 1;
    uint32_t count = inner->count - 1U;
    if (!tree->text)
        return keys_upper(keys, count, probe->key);
    uint32_t first = 0;
    while (count > 0) {
        uint32_t half = count / 2;
        if (tree_compare_text(tree->arena, probe, keys[first + half]) >= 0) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

static uint32_t leaf_search(const struct tree *tree, const struct leaf_view *view, const struct tree_probe *probe)
{
    if (!tree->text)
        return leaf_lower(view, probe->key);
    uint32_t first = 0;
    uint32_t count = view->count;
    while (count > 0) {
        uint32_t half = count / 2;
        if (tree_compare_text(tree->arena, probe, leaf_key(view, first + half)) > 0) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

/* Fetches the first `size` bytes of a node together, where a binary search would
 * wait for them one after the other.  Inlined always: gcc takes a function that
 * only prefetches for one without effect, and drops the call. */
__attribute__((always_inline)) static inline void node_prefetch(const struct arena *arena, uint32_t reference,
                                                                unsigned size)
{
    uint64_t offset = tree_offset(reference);
    if (offset + size > arena_used(arena))
        return;
    for (unsigned i = 0; i < size; i += 64)
        __builtin_prefetch(arena->base + offset + i);
}

bool tree_descend(const struct tree *tree, const struct tree_probe *probe, struct tree_path *path)
{
    uint32_t depth = tree->header->depth;
    uint32_t reference = tree->header->root;
    if (depth == 0 || depth > TREE_DEPTH_MAX)
        return false;
    path->inners = depth - 1;
    for (uint32_t i = 0; i + 1 < depth; i++) {
        struct inner *inner = inner_open(tree->arena, reference, depth - 1 - i);
        if (inner == NULL)
            return false;
        uint32_t index = inner_child(tree, inner, probe);
        path->inner[i] = inner;
        path->reference[i] = reference;
        path->index[i] = index;
        path->below[i] = inner_counts(inner) + index;
        reference = inner_references(inner)[index];
        if (i + 2 == depth)
            node_prefetch(tree->arena, reference, LEAF_SIZE);
        else
            node_prefetch(tree->arena, reference, INNER_KEYS_SIZE);
    }
    if (!leaf_open(tree->arena, reference, &path->leaf))
        return false;
    path->slot = leaf_search(tree, &path->leaf, probe);
    return true;
}

bool tree_path_last(const struct tree *tree, struct tree_path *path)
{
    uint32_t depth = tree->header->depth;
    uint32_t reference = tree->header->root;
    if (depth == 0 || depth > TREE_DEPTH_MAX)
        return false;
    path->inners = depth - 1;
    path->slot = path->leaf.count;
    for (uint32_t i = 0; i + 1 < depth; i++) {
        struct inner *inner = inner_open(tree->arena, reference, depth - 1 - i);
        if (inner == NULL)
            return false;
        path->inner[i] = inner;
        path->reference[i] = reference;
        path->index[i] = inner->count - 1U;
        path->below[i] = inner_counts(inner) + inner->count - 1;
        reference = inner_references(inner)[inner->count - 1U];
    }
    if (reference == path->leaf.reference)
        return true;
    tree->arena->damaged = true;
    return false;
}

bool tree_descend_last(const struct tree *tree, struct tree_path *path)
{
    return tree->header->depth != 0 && leaf_open(tree->arena, tree->header->last, &path->leaf) &&
           tree_path_last(tree, path);
}

/* A text tree's key without a reference lies before every text of its prefix. */
bool tree_probe_key(const struct tree *tree, struct tree_key key, struct tree_probe *probe)
{
    probe->key = key;
    probe->length = 0;
    probe->bytes = NULL;
    if (!tree->text || key.low >> 32 == 0)
        return true;
    probe->bytes = tree_text(tree->arena, key, &probe->length);
    return probe->bytes != NULL;
}

/* Whether the path's slot holds what the probe asks for. */
bool tree_holds(const struct tree *tree, const struct tree_probe *probe, const struct tree_path *path)
{
    if (path->slot >= path->leaf.count)
        return false;
    struct tree_key key = leaf_key(&path->leaf, path->slot);
    if (tree->text)
        return tree_compare_text(tree->arena, probe, key) == 0;
    return key.high == probe->key.high && key.low == probe->key.low;
}

uint64_t tree_rank_probe(const struct tree *tree, const struct tree_probe *probe)
{
    struct tree_path path;
    if (!tree_descend(tree, probe, &path))
        return 0;
    uint64_t rank = path.slot;
    for (uint32_t i = 0; i < path.inners; i++) {
        const uint32_t *counts = inner_counts(path.inner[i]);
        for (uint32_t child = 0; child < path.index[i]; child++)
            rank += counts[child];
    }
    return rank;
}

uint64_t tree_rank(struct arena *arena, uint64_t offset, struct tree_key key)
{
    struct tree tree;
    struct tree_probe probe;
    if (!tree_open(arena, offset, &tree) || !tree_probe_key(&tree, key, &probe))
        return 0;
    return tree_rank_probe(&tree, &probe);
}

void tree_cursor_set(struct tree_cursor *cursor, const struct leaf_view *view, uint32_t slot)
{
    cursor->at = view->data + (size_t)slot * view->format.stride;
    cursor->behind = slot;
    cursor->ahead = view->count - slot;
    cursor->format = view->format;
    cursor->leaf = view->reference;
}

/* One leaf on or back.  The keys found may not be more than the tree counts:
 * in a sound tree the walk ends before, in a damaged one here. */
static bool cursor_move(struct arena *arena, struct tree_cursor *cursor, int32_t direction)
{
    struct leaf_view view;
    struct tree tree;
    if (cursor->leaf == 0 || !tree_open(arena, cursor->tree, &tree) || !leaf_open(arena, cursor->leaf, &view))
        return false;
    uint32_t reference = direction > 0 ? view.leaf->next : view.leaf->previous;
    if (reference == 0 || !leaf_open(arena, reference, &view))
        return false;
    if (cursor->direction != direction) {
        cursor->direction = direction;
        cursor->budget = tree.header->count;
    }
    if (view.count == 0 || view.count > cursor->budget) {
        arena->damaged = true;
        return false;
    }
    cursor->budget -= view.count;
    tree_cursor_set(cursor, &view, direction > 0 ? 0 : view.count);
    node_prefetch(arena, direction > 0 ? view.leaf->next : view.leaf->previous, LEAF_SIZE);
    return true;
}

bool tree_cursor_forward(struct arena *arena, struct tree_cursor *cursor)
{
    return cursor_move(arena, cursor, 1);
}

bool tree_cursor_back(struct arena *arena, struct tree_cursor *cursor)
{
    return cursor_move(arena, cursor, -1);
}

/* Before the first key; cursor->tree is set. */
bool tree_cursor_first(const struct tree *tree, struct tree_cursor *cursor)
{
    struct leaf_view view;
    if (!leaf_open(tree->arena, tree->header->first, &view))
        return false;
    tree_cursor_set(cursor, &view, 0);
    return true;
}

void tree_seek_probe(const struct tree *tree, uint64_t offset, const struct tree_probe *probe,
                     struct tree_cursor *cursor)
{
    struct tree_path path;
    cursor->tree = offset;
    if (probe != NULL ? tree_descend(tree, probe, &path) : tree_descend_last(tree, &path))
        tree_cursor_set(cursor, &path.leaf, path.slot);
}

void tree_seek(struct arena *arena, uint64_t offset, struct tree_key key, struct tree_cursor *cursor)
{
    struct tree tree;
    struct tree_probe probe;
    memset(cursor, 0, sizeof *cursor);
    if (tree_open(arena, offset, &tree) && tree_probe_key(&tree, key, &probe))
        tree_seek_probe(&tree, offset, &probe, cursor);
}

void tree_seek_end(struct arena *arena, uint64_t offset, struct tree_cursor *cursor)
{
    struct tree tree;
    memset(cursor, 0, sizeof *cursor);
    if (tree_open(arena, offset, &tree))
        tree_seek_probe(&tree, offset, NULL, cursor);
}
