/* tree_verify: walks a whole tree and says in words what is wrong first: order
 * within and across nodes, the counts of every inner node, that each inner key
 * is the smallest below its child, and the chain of leaves in both directions.
 */
#include "store/tree_node.h"

#include <stdio.h>

struct verifying {
    const struct tree *tree;
    char *fault;
    size_t size;
    uint64_t budget; /* nodes that may still be met */
    uint64_t count;
    struct tree_key last;
    uint32_t leaf; /* the leaf before */
    uint32_t next; /* what that leaf says comes next */
};

static bool verify_fault(struct verifying *verifying, const char *what, uint32_t reference)
{
    if (verifying->size != 0)
        (void)snprintf(verifying->fault, verifying->size, "%s in the node at offset %llu", what,
                       (unsigned long long)tree_offset(reference));
    return false;
}

static bool verify_order(struct verifying *verifying, struct tree_key key)
{
    struct tree_probe probe;
    if (!tree_probe_key(verifying->tree, key, &probe))
        return false;
    if (verifying->count == 0)
        return true;
    if (verifying->tree->text)
        return tree_compare_text(verifying->tree->arena, &probe, verifying->last) > 0;
    return tree_key_less(verifying->last, key) != 0;
}

static bool verify_leaf(struct verifying *verifying, uint32_t reference, struct tree_key *first)
{
    struct leaf_view view;
    if (!leaf_open(verifying->tree->arena, reference, &view) || view.count == 0)
        return verify_fault(verifying, "a bad or empty leaf", reference);
    if (view.leaf->previous != verifying->leaf || reference != verifying->next)
        return verify_fault(verifying, "a broken chain of leaves", reference);
    *first = leaf_key(&view, 0);
    for (uint32_t slot = 0; slot < view.count; slot++) {
        struct tree_key key = leaf_key(&view, slot);
        if (!verify_order(verifying, key))
            return verify_fault(verifying, "a key out of order", reference);
        verifying->last = key;
        verifying->count++;
    }
    verifying->leaf = reference;
    verifying->next = view.leaf->next;
    return true;
}

static bool verify_node(struct verifying *verifying, uint32_t reference, uint32_t level, struct tree_key *first)
{
    if (verifying->budget == 0)
        return verify_fault(verifying, "a cycle", reference);
    verifying->budget--;
    if (level == 0)
        return verify_leaf(verifying, reference, first);
    struct inner *inner = inner_open(verifying->tree->arena, reference, level);
    if (inner == NULL)
        return verify_fault(verifying, "a bad inner node", reference);
    for (uint32_t i = 0; i < inner->count; i++) {
        struct tree_key key = {0, 0};
        uint64_t before = verifying->count;
        if (!verify_node(verifying, inner_references(inner)[i], level - 1, &key))
            return false;
        if (i == 0)
            *first = key;
        else if (key.high != inner_keys(inner)[i].high || key.low != inner_keys(inner)[i].low)
            return verify_fault(verifying, "an inner key that is not its child's first", reference);
        if (verifying->count - before != inner_counts(inner)[i])
            return verify_fault(verifying, "a wrong count", reference);
    }
    return true;
}

bool tree_verify(struct arena *arena, uint64_t offset, char *fault, size_t size)
{
    struct tree tree;
    struct tree_key first;
    struct verifying verifying = {.tree = &tree, .fault = fault, .size = size};
    if (size != 0)
        fault[0] = '\0';
    if (!tree_open(arena, offset, &tree))
        return verify_fault(&verifying, "a bad header", (uint32_t)(offset / 8));
    const struct tree_header *header = tree.header;
    verifying.budget = arena->used >> LEAF_LOG_MIN;
    verifying.next = header->first;
    if (header->depth != 0 && !verify_node(&verifying, header->root, header->depth - 1, &first))
        return false;
    if (verifying.count != header->count || verifying.leaf != header->last || verifying.next != 0)
        return verify_fault(&verifying, "a wrong total or end", (uint32_t)(offset / 8));
    return true;
}
