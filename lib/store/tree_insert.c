/* tree_insert: putting one key in.
 *
 * Each attempt descends and either inserts or makes one step of room (pack the
 * leaf, double a small root, split one node), then starts anew.  A node is
 * split only when its parent has room for one more entry, so that a step is one
 * allocation followed by changes that cannot fail: running out of memory
 * leaves a sound tree.
 *
 * After an allocation every node is opened again: a hostile free list may have
 * handed out a block that is in use, which then is zero and no node any more.
 *
 * Where a split happens decides how full leaves are: keys that come in
 * ascending order (at the tree's end, or on end at one place) leave a full leaf
 * behind; only scattered keys split in the middle.  At the tree's end a little
 * room is left: what is recorded late then fits, where it would otherwise cut
 * every full leaf in two.
 */
#include "store/tree_node.h"
#include "sys/cold.h"

enum step { STEP_FAILED, STEP_AGAIN, STEP_READY, STEP_DONE };
enum { RUN_LEAST = 4 };

uint32_t node_alloc(struct arena *arena, unsigned size_log)
{
    uint64_t offset = arena_alloc(arena, (size_t)1 << size_log);
    if (offset / 8 > UINT32_MAX) {
        arena_release(arena, offset, (size_t)1 << size_log);
        return 0;
    }
    return (uint32_t)(offset / 8);
}

void inner_init(struct inner *inner, unsigned size_log, uint32_t level)
{
    memset(inner, 0, sizeof *inner);
    inner->kind = NODE_INNER;
    inner->size_log = (uint8_t)size_log;
    inner->level = (uint8_t)level;
    inner->capacity = (uint16_t)(((1U << size_log) - INNER_HEADER) / INNER_ENTRY);
}

static void path_count(struct tree_path *path, uint32_t levels)
{
    for (uint32_t i = 0; i < levels; i++)
        (*path->below[i])++;
}

COLD static bool root_create(const struct tree *tree)
{
    uint32_t reference = node_alloc(tree->arena, LEAF_LOG_MIN);
    struct leaf *leaf = arena_at(tree->arena, tree_offset(reference), (size_t)1 << LEAF_LOG_MIN);
    if (leaf == NULL)
        return false;
    leaf_init(leaf, LEAF_LOG_MIN);
    tree->header->root = reference;
    tree->header->first = reference;
    tree->header->last = reference;
    tree->header->depth = 1;
    return true;
}

/* Puts an inner node above the root. */
COLD static enum step root_raise(const struct tree *tree)
{
    struct tree_header *header = tree->header;
    if (header->depth >= TREE_DEPTH_MAX)
        return STEP_FAILED;
    uint32_t reference = node_alloc(tree->arena, INNER_LOG_MIN);
    struct inner *inner = arena_at(tree->arena, tree_offset(reference), (size_t)1 << INNER_LOG_MIN);
    if (inner == NULL)
        return STEP_FAILED;
    inner_init(inner, INNER_LOG_MIN, header->depth);
    inner->count = 1;
    inner_references(inner)[0] = header->root;
    inner_counts(inner)[0] = (uint32_t)header->count;
    header->root = reference;
    header->depth++;
    return STEP_AGAIN;
}

/* Doubles a small inner node: only the root is ever smaller than the largest. */
COLD static enum step inner_grow(const struct tree *tree, const struct tree_path *path)
{
    unsigned size_log = path->inner[0]->size_log + 1U;
    uint32_t reference = node_alloc(tree->arena, size_log);
    struct inner *grown = arena_at(tree->arena, tree_offset(reference), (size_t)1 << size_log);
    struct inner *inner = inner_open(tree->arena, path->reference[0], path->inners);
    if (grown == NULL || inner == NULL || inner->size_log + 1U != size_log || tree->header->root != path->reference[0])
        return STEP_FAILED;
    uint32_t count = inner->count;
    const uint32_t *references = inner_references(inner), *counts = inner_counts(inner);
    inner_init(grown, size_log, path->inners);
    grown->count = (uint16_t)count;
    uint32_t *grown_references = inner_references(grown), *grown_counts = inner_counts(grown);
    memmove(inner_keys(grown), inner_keys(inner), count * sizeof(struct tree_key));
    memmove(grown_references, references, count * sizeof *references);
    memmove(grown_counts, counts, count * sizeof *counts);
    arena_release(tree->arena, tree_offset(path->reference[0]), (size_t)1 << (size_log - 1));
    tree->header->root = reference;
    return STEP_AGAIN;
}

/* Puts an entry behind the one the path took; there is room. */
static bool inner_add(struct inner *inner, uint32_t index, struct tree_key key, uint32_t reference, uint32_t below)
{
    uint32_t count = inner->count;
    if (count >= inner->capacity || index >= count)
        return false;
    struct tree_key *keys = inner_keys(inner);
    uint32_t *references = inner_references(inner);
    uint32_t *counts = inner_counts(inner);
    uint32_t behind = count - index - 1;
    memmove(keys + index + 2, keys + index + 1, behind * sizeof *keys);
    memmove(references + index + 2, references + index + 1, behind * sizeof *references);
    memmove(counts + index + 2, counts + index + 1, behind * sizeof *counts);
    keys[index + 1] = key;
    references[index + 1] = reference;
    counts[index + 1] = below;
    inner->count = (uint16_t)(count + 1);
    return true;
}

static uint32_t counts_sum(const uint32_t *counts, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += counts[i];
    return sum;
}

/* Moves the upper children of the node at `level` into a new one beside it. */
static enum step inner_split(const struct tree *tree, const struct tree_path *path, uint32_t level)
{
    uint32_t height = path->inners - level;
    uint32_t reference = node_alloc(tree->arena, INNER_LOG_MAX);
    struct inner *right = arena_at(tree->arena, tree_offset(reference), (size_t)1 << INNER_LOG_MAX);
    struct inner *left = inner_open(tree->arena, path->reference[level], height);
    struct inner *parent = inner_open(tree->arena, path->reference[level - 1], height + 1);
    if (right == NULL || left == NULL || parent == NULL || left->count < 2)
        return STEP_FAILED;
    bool at_end = true; /* of its level: then children come in order, and the left one stays full */
    for (uint32_t i = 0; i <= level; i++)
        at_end = at_end && path->index[i] + 1 == path->inner[i]->count;
    uint32_t count = left->count;
    uint32_t kept = at_end ? count - 1 : count / 2;
    uint32_t moved = count - kept;
    const uint32_t *references = inner_references(left), *counts = inner_counts(left);
    uint32_t *below = inner_counts(parent) + path->index[level - 1];
    uint32_t stays = counts_sum(counts, kept), goes = counts_sum(counts + kept, moved);
    struct tree_key first = inner_keys(left)[kept];
    if (!inner_add(parent, path->index[level - 1], first, reference, goes))
        return STEP_FAILED;
    *below = stays;
    inner_init(right, INNER_LOG_MAX, height);
    uint32_t *right_references = inner_references(right), *right_counts = inner_counts(right);
    memmove(inner_keys(right), inner_keys(left) + kept, moved * sizeof(struct tree_key));
    memmove(right_references, references + kept, moved * sizeof *references);
    memmove(right_counts, counts + kept, moved * sizeof *counts);
    right->count = (uint16_t)moved;
    left->count = (uint16_t)kept;
    return STEP_AGAIN;
}

/* Sees to it that the lowest `levels` of the path can take one more entry. */
static enum step parent_ready(const struct tree *tree, const struct tree_path *path, uint32_t levels)
{
    /* the deepest full node whose parent has room is the one to split first */
    while (levels > 0 && path->inner[levels - 1]->count == path->inner[levels - 1]->capacity) {
        if (path->inner[levels - 1]->size_log < INNER_LOG_MAX)
            return levels == 1 ? inner_grow(tree, path) : STEP_FAILED;
        if (levels > 1 && path->inner[levels - 2]->count < path->inner[levels - 2]->capacity)
            return inner_split(tree, path, levels - 1);
        levels--;
    }
    return levels == 0 ? root_raise(tree) : STEP_READY;
}

COLD static enum step leaf_grow(const struct tree *tree, const struct tree_path *path)
{
    struct tree_header *header = tree->header;
    uint32_t old = path->leaf.reference;
    unsigned size_log = path->leaf.leaf->size_log + 1U;
    struct leaf_view view;
    uint32_t reference = node_alloc(tree->arena, size_log);
    struct leaf *grown = arena_at(tree->arena, tree_offset(reference), (size_t)1 << size_log);
    if (grown == NULL || !leaf_open(tree->arena, old, &view) || view.leaf->size_log + 1U != size_log ||
        header->root != old || path->inners != 0)
        return STEP_FAILED;
    memmove(grown, view.leaf, (size_t)1 << (size_log - 1));
    grown->size_log = (uint8_t)size_log;
    arena_release(tree->arena, tree_offset(old), (size_t)1 << (size_log - 1));
    header->root = reference;
    header->first = reference;
    header->last = reference;
    return STEP_AGAIN;
}

/* Where to cut: at the key's place when keys come in order there. */
static uint32_t split_slot(const struct tree *tree, const struct tree_path *path)
{
    bool ascending;
    uint32_t count = path->leaf.count;
    if (path->slot == count && tree->header->last == path->leaf.reference)
        return count;
    if (leaf_run(path->leaf.leaf, path->slot, &ascending) >= RUN_LEAST)
        return path->slot;
    return count / 2;
}

/* Cuts the path's leaf in two.  Where one side would be empty it takes the new
 * key at once, so that no leaf is ever left without one. */
static enum step leaf_split(const struct tree *tree, struct tree_path *path, struct tree_key key)
{
    uint32_t own = path->leaf.reference;
    uint32_t level = path->inners - 1;
    struct leaf_view left, next;
    uint32_t reference = node_alloc(tree->arena, LEAF_LOG_MAX);
    struct leaf *fresh = arena_at(tree->arena, tree_offset(reference), (size_t)1 << LEAF_LOG_MAX);
    if (fresh == NULL || !leaf_open(tree->arena, own, &left) || left.count < 2 || left.leaf->size_log != LEAF_LOG_MAX ||
        (left.leaf->next != 0 && !leaf_open(tree->arena, left.leaf->next, &next)))
        return STEP_FAILED;
    uint32_t cut = split_slot(tree, path);
    uint32_t moved = left.count - (cut < left.count ? cut : left.count);
    cut = left.count - moved;
    struct tree_key first = cut < left.count ? leaf_key(&left, cut) : key;
    uint32_t alone = cut == 0 || moved == 0;
    uint32_t behind = left.leaf->next;
    struct inner *parent = inner_open(tree->arena, path->reference[level], 1);
    if (parent == NULL || !inner_add(parent, path->index[level], first, reference, moved + (moved == 0)))
        return STEP_FAILED;
    *path->below[level] = cut + (cut == 0);
    memmove(fresh, left.leaf, LEAF_HEADER);
    memmove((uint8_t *)fresh + LEAF_HEADER, left.data + (size_t)cut * left.format.stride,
            (size_t)moved * left.format.stride);
    memset(left.data + (size_t)cut * left.format.stride, 0, (size_t)moved * left.format.stride);
    fresh->count = (uint16_t)moved;
    fresh->hint = 0;
    fresh->previous = own;
    if (behind != 0)
        next.leaf->previous = reference;
    else
        tree->header->last = reference;
    left.leaf->next = reference;
    left.leaf->count = (uint16_t)cut;
    if (!alone)
        return STEP_AGAIN;
    struct leaf_view empty = {.leaf = cut == 0 ? left.leaf : fresh, .reference = cut == 0 ? own : reference};
    leaf_clear(&empty);
    leaf_insert(&empty, 0, key);
    tree->header->count++;
    path_count(path, level);
    return STEP_DONE;
}

/* One step of room for `key`, which the path's leaf cannot take as it is. */
static enum step leaf_room(const struct tree *tree, struct tree_path *path, struct tree_key key)
{
    if (leaf_repack(&path->leaf, path->slot, key))
        return STEP_READY;
    if (path->leaf.leaf->size_log < LEAF_LOG_MAX)
        return leaf_grow(tree, path);
    enum step step = parent_ready(tree, path, path->inners);
    return step == STEP_READY ? leaf_split(tree, path, key) : step;
}

/* A plain key behind all others needs no search. */
static bool path_for(const struct tree *tree, const struct tree_probe *probe, struct tree_path *path)
{
    if (!tree->text && leaf_open(tree->arena, tree->header->last, &path->leaf) && path->leaf.count != 0 &&
        tree_key_less(leaf_key(&path->leaf, path->leaf.count - 1), probe->key))
        return tree_path_last(tree, path);
    return tree_descend(tree, probe, path) && !(tree->text && tree->arena->damaged);
}

/* Whether the key is to start a new leaf at the tree's end though it would fit. */
static bool is_spared(const struct tree *tree, const struct tree_path *path)
{
    const struct leaf_view *leaf = &path->leaf;
    return path->slot == leaf->count && leaf->reference == tree->header->last && leaf->leaf->size_log == LEAF_LOG_MAX &&
           (leaf->count + 1) * leaf->format.stride > leaf->room - leaf->room / LEAF_SPARED;
}

bool tree_insert_path(const struct tree *tree, struct tree_path *path, struct tree_key key)
{
    if (is_spared(tree, path) || !leaf_fits(&path->leaf, key))
        return false;
    leaf_insert(&path->leaf, path->slot, key);
    path_count(path, path->inners);
    tree->header->count++;
    return true;
}

bool tree_insert_probe(const struct tree *tree, const struct tree_probe *probe)
{
    struct tree_path path;
    for (int attempt = 0; attempt < TREE_RETRY_MAX; attempt++) {
        if (tree->header->depth == 0 && !root_create(tree))
            return false;
        if (!path_for(tree, probe, &path))
            return false;
        if (tree_holds(tree, probe, &path) || tree_insert_path(tree, &path, probe->key))
            return true;
        enum step step = leaf_room(tree, &path, probe->key);
        if (step == STEP_DONE || step == STEP_FAILED)
            return step == STEP_DONE;
        if (step == STEP_READY && tree_insert_path(tree, &path, probe->key))
            return true;
    }
    tree->arena->damaged = true; /* a sound tree has room by now */
    return false;
}

bool tree_insert(struct arena *arena, uint64_t offset, struct tree_key key)
{
    struct tree tree;
    struct tree_probe probe;
    return tree_open(arena, offset, &tree) && !(tree.text && key.low >> 32 == 0) &&
           tree_probe_key(&tree, key, &probe) && tree_insert_probe(&tree, &probe);
}
