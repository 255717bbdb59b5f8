/* tree_remove: taking one key out, and a whole tree away.
 *
 * Nothing here allocates, so a removal cannot fail half-way in a sound tree.
 * An empty leaf goes at once; one that is less than a third full is joined with
 * a neighbour when both then fit with some room left (tried at every eighth
 * removal only: finding out costs a look at all their keys).
 */
#include "store/tree_node.h"

enum { JOIN_EVERY = 8 };

/* The smallest key below the path's node above `levels` changed: the one inner
 * key that names it follows. */
static void separator_set(struct tree_path *path, uint32_t levels, struct tree_key key)
{
    for (uint32_t i = levels; i-- > 0;) {
        if (path->index[i] > 0) {
            inner_keys(path->inner[i])[path->index[i]] = key;
            return;
        }
    }
}

/* A root with one child gives way to it. */
static void root_lower(const struct tree *tree)
{
    struct tree_header *header = tree->header;
    while (header->depth > 1) {
        struct inner *inner = inner_open(tree->arena, header->root, header->depth - 1);
        if (inner == NULL || inner->count != 1)
            return;
        uint32_t old = header->root;
        unsigned size_log = inner->size_log;
        header->root = inner_references(inner)[0];
        header->depth--;
        arena_release(tree->arena, tree_offset(old), (size_t)1 << size_log);
    }
}

static void entry_shift_out(struct inner *inner, uint32_t index)
{
    uint32_t behind = inner->count - index - 1U;
    struct tree_key *keys = inner_keys(inner) + index;
    uint32_t *references = inner_references(inner) + index;
    uint32_t *counts = inner_counts(inner) + index;
    memmove(keys, keys + 1, behind * sizeof *keys);
    memmove(references, references + 1, behind * sizeof *references);
    memmove(counts, counts + 1, behind * sizeof *counts);
    inner->count--;
}

/* The node of the path at `level`, opened again, where the path's child is one
 * of two or more; NULL: damaged, or a lone child. */
static struct inner *parent_open(const struct tree *tree, const struct tree_path *path, uint32_t level)
{
    struct inner *parent = inner_open(tree->arena, path->reference[level], path->inners - level);
    return parent != NULL && parent->count > 1 && path->index[level] < parent->count ? parent : NULL;
}

/* Joins the inner node at `level` with the one beside it when both are small;
 * true when an entry of the node above has to go, at path->index[level - 1]. */
static bool inner_join(const struct tree *tree, struct tree_path *path, uint32_t level)
{
    struct inner *parent = level == 0 ? NULL : parent_open(tree, path, level - 1);
    if (parent == NULL || path->inner[level]->count > path->inner[level]->capacity / 4U)
        return false;
    uint32_t index = path->index[level - 1];
    uint32_t at = index + 1 < parent->count ? index : index - 1;
    uint32_t height = path->inners - level;
    const uint32_t *references = inner_references(parent) + at;
    uint32_t *counts = inner_counts(parent) + at;
    struct inner *left = inner_open(tree->arena, references[0], height);
    struct inner *right = inner_open(tree->arena, references[1], height);
    if (left == NULL || right == NULL || left == right || left->count + right->count > left->capacity * 3 / 4)
        return false;
    uint32_t count = left->count;
    uint32_t moved = right->count;
    uint32_t gone = references[1];
    uint32_t *left_references = inner_references(left), *left_counts = inner_counts(left);
    const uint32_t *right_references = inner_references(right), *right_counts = inner_counts(right);
    inner_keys(right)[0] = inner_keys(parent)[at + 1];
    memmove(inner_keys(left) + count, inner_keys(right), moved * sizeof(struct tree_key));
    memmove(left_references + count, right_references, moved * sizeof *right_references);
    memmove(left_counts + count, right_counts, moved * sizeof *right_counts);
    left->count = (uint16_t)(count + moved);
    counts[0] += counts[1];
    arena_release(tree->arena, tree_offset(gone), (size_t)1 << INNER_LOG_MAX);
    path->index[level - 1] = at + 1;
    return true;
}

/* Takes the path's entry out of the node at `levels` - 1, and whatever becomes
 * empty or joins with it above. */
static void entry_remove(const struct tree *tree, struct tree_path *path, uint32_t levels)
{
    struct tree_header *header = tree->header;
    while (levels > 0) {
        uint32_t level = levels - 1;
        struct inner *inner = inner_open(tree->arena, path->reference[level], path->inners - level);
        if (inner == NULL || path->index[level] >= inner->count)
            return;
        unsigned size_log = inner->size_log;
        entry_shift_out(inner, path->index[level]);
        if (inner->count != 0) {
            if (path->index[level] == 0)
                separator_set(path, level, inner_keys(inner)[0]);
            if (!inner_join(tree, path, level)) {
                root_lower(tree);
                return;
            }
        } else {
            arena_release(tree->arena, tree_offset(path->reference[level]), (size_t)1 << size_log);
        }
        levels = level;
    }
    header->root = 0;
    header->first = 0;
    header->last = 0;
    header->depth = 0;
}

/* Takes a leaf out of the chain and gives its block back. */
static bool leaf_unlink(const struct tree *tree, const struct leaf_view *view)
{
    struct leaf_view previous, next;
    uint32_t before = view->leaf->previous;
    uint32_t behind = view->leaf->next;
    unsigned size_log = view->leaf->size_log;
    if ((before != 0 && !leaf_open(tree->arena, before, &previous)) ||
        (behind != 0 && !leaf_open(tree->arena, behind, &next)))
        return false;
    if (before != 0)
        previous.leaf->next = behind;
    else
        tree->header->first = behind;
    if (behind != 0)
        next.leaf->previous = before;
    else
        tree->header->last = before;
    arena_release(tree->arena, tree_offset(view->reference), (size_t)1 << size_log);
    return true;
}

static void leaf_join(const struct tree *tree, struct tree_path *path)
{
    struct tree_key keys[LEAF_MOST * 2];
    struct leaf_view left, right;
    uint32_t level = path->inners - 1;
    uint32_t index = path->index[level];
    struct inner *parent = parent_open(tree, path, level);
    if (parent == NULL)
        return;
    uint32_t at = index + 1 < parent->count ? index : index - 1;
    uint32_t *below = inner_counts(parent) + at;
    uint32_t reference = inner_references(parent)[at];
    if (!leaf_open(tree->arena, reference, &left) ||
        !leaf_open(tree->arena, inner_references(parent)[at + 1], &right) || left.leaf == right.leaf)
        return;
    /* Together an entry takes hardly less than it does in the leaner of the two. */
    uint32_t stride = left.format.stride < right.format.stride ? left.format.stride : right.format.stride;
    if ((left.count + right.count) * stride > left.room)
        return;
    uint32_t count = leaf_decode(&left, keys);
    count += leaf_decode(&right, keys + count);
    struct leaf_range range = leaf_range_of(keys[0]);
    for (uint32_t i = 1; i < count; i++)
        leaf_range_add(&range, keys[i]);
    if (count > LEAF_MOST || count * leaf_range_bytes(&range) > left.room * 7 / 8 || !leaf_unlink(tree, &right) ||
        !leaf_open(tree->arena, reference, &left))
        return;
    leaf_encode(left.leaf, keys, count, &range, LEAN_MIDDLE);
    *below = count;
    path->index[level] = at + 1;
    entry_remove(tree, path, path->inners);
}

bool tree_remove_probe(const struct tree *tree, const struct tree_probe *probe, struct tree_key *removed)
{
    struct tree_path path;
    struct leaf_view *leaf = &path.leaf;
    if (!tree_descend(tree, probe, &path) || !tree_holds(tree, probe, &path) || (tree->text && tree->arena->damaged))
        return false;
    *removed = leaf_key(leaf, path.slot);
    leaf_erase(leaf, path.slot);
    tree->header->count--;
    for (uint32_t i = 0; i < path.inners; i++)
        (*path.below[i])--;
    if (leaf->count == 0) {
        if (!leaf_unlink(tree, leaf))
            return false;
        entry_remove(tree, &path, path.inners);
        return true;
    }
    if (path.slot == 0)
        separator_set(&path, path.inners, leaf_key(leaf, 0));
    if (path.inners != 0 && leaf->count % JOIN_EVERY == 0 && leaf->count * leaf->format.stride * 3 < leaf->room)
        leaf_join(tree, &path);
    return true;
}

bool tree_remove(struct arena *arena, uint64_t offset, struct tree_key key)
{
    struct tree tree;
    struct tree_probe probe;
    struct tree_key removed;
    return tree_open(arena, offset, &tree) && tree_probe_key(&tree, key, &probe) &&
           tree_remove_probe(&tree, &probe, &removed);
}

struct freeing {
    struct arena *arena;
    uint64_t budget; /* nodes that may still be met: damage must not make it a walk without end */
    bool text;
    uint32_t last_text; /* equal texts share one copy and lie side by side */
};

static void leaf_free(struct freeing *freeing, uint32_t reference)
{
    struct leaf_view view;
    if (!leaf_open(freeing->arena, reference, &view))
        return;
    unsigned size_log = view.leaf->size_log;
    for (uint32_t slot = 0; freeing->text && slot < view.count; slot++) {
        struct tree_key key = leaf_key(&view, slot);
        uint32_t text = (uint32_t)(key.low >> 32);
        uint32_t length;
        if (text != freeing->last_text && tree_text(freeing->arena, key, &length) != NULL)
            arena_release(freeing->arena, tree_offset(text), sizeof length + (size_t)length);
        freeing->last_text = text;
    }
    arena_release(freeing->arena, tree_offset(reference), (size_t)1 << size_log);
}

static void node_free(struct freeing *freeing, uint32_t reference, uint32_t level)
{
    if (freeing->budget == 0)
        return;
    freeing->budget--;
    if (level == 0) {
        leaf_free(freeing, reference);
        return;
    }
    struct inner *inner = inner_open(freeing->arena, reference, level);
    if (inner == NULL)
        return;
    unsigned size_log = inner->size_log;
    uint32_t count = inner->count;
    const uint32_t *references = inner_references(inner);
    for (uint32_t i = 0; i < count; i++)
        node_free(freeing, references[i], level - 1);
    arena_release(freeing->arena, tree_offset(reference), (size_t)1 << size_log);
}

void tree_nodes_free(const struct tree *tree, bool texts)
{
    struct freeing freeing = {tree->arena, tree->arena->used >> LEAF_LOG_MIN, texts && tree->text, 0};
    if (tree->header->depth != 0 && tree->header->depth <= TREE_DEPTH_MAX)
        node_free(&freeing, tree->header->root, tree->header->depth - 1);
}

void tree_free(struct arena *arena, uint64_t offset)
{
    struct tree tree;
    if (!tree_open(arena, offset, &tree))
        return;
    tree_nodes_free(&tree, true);
    arena_release(arena, offset, sizeof *tree.header);
}
