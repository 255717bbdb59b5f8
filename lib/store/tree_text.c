/* tree_text: ordered texts.  A key carries the first eight bytes, so most
 * comparisons read no memory; a tie reads the text that the key refers to.
 *
 * Records with one text share one copy: equal texts lie side by side in the
 * order, so the neighbours of a new entry tell whether the text is there.
 *
 * Relies on tree_node.h.  Keys of a text tree come and go through
 * tree_insert_text and tree_remove_text; a key in an inner node is always also
 * the key of a live entry, so no reference dangles.
 */
#include "store/tree_node.h"

uint64_t tree_text_prefix(const uint8_t *bytes, uint32_t length)
{
    uint64_t prefix = 0;
    for (uint32_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < length ? bytes[i] : 0U);
    return prefix;
}

static void text_probe(struct tree_text text, struct tree_probe *probe)
{
    probe->key.high = tree_text_prefix(text.bytes, text.length);
    probe->key.low = text.number;
    probe->bytes = text.bytes;
    probe->length = text.length;
}

const uint8_t *tree_text(struct arena *arena, struct tree_key key, uint32_t *length)
{
    uint64_t offset = tree_offset((uint32_t)(key.low >> 32));
    const uint32_t *stored = arena_at(arena, offset, sizeof *stored);
    const uint8_t *bytes = stored == NULL ? NULL : arena_at(arena, offset + sizeof *stored, *stored);
    *length = 0;
    if (bytes == NULL)
        arena->damaged = true;
    else
        *length = *stored;
    return bytes;
}

/* The texts alone. */
static int text_order(struct arena *arena, const struct tree_probe *probe, struct tree_key key)
{
    if (probe->key.high != key.high)
        return probe->key.high < key.high ? -1 : 1;
    if (probe->key.low >> 32 == key.low >> 32)
        return 0; /* the same copy */
    uint32_t length;
    const uint8_t *bytes = tree_text(arena, key, &length);
    if (bytes == NULL)
        return -1;
    uint32_t shorter = length < probe->length ? length : probe->length;
    int order = shorter > 8 ? memcmp(probe->bytes + 8, bytes + 8, shorter - 8) : 0;
    if (order == 0)
        order = (probe->length > length) - (probe->length < length);
    return order;
}

int tree_compare_text(struct arena *arena, const struct tree_probe *probe, struct tree_key key)
{
    int order = text_order(arena, probe, key);
    if (order == 0)
        order = ((uint32_t)probe->key.low > (uint32_t)key.low) - ((uint32_t)probe->key.low < (uint32_t)key.low);
    return order;
}

/* The reference of the probe's text when the entry before or behind the path's
 * slot has it; 0: none does. */
static uint32_t text_shared(const struct tree *tree, uint64_t offset, const struct tree_probe *probe,
                            const struct tree_path *path)
{
    struct tree_key key;
    struct tree_cursor cursor = {.tree = offset};
    tree_cursor_set(&cursor, &path->leaf, path->slot);
    if (tree_next(tree->arena, offset, &cursor, &key)) {
        if (text_order(tree->arena, probe, key) == 0)
            return (uint32_t)(key.low >> 32);
        (void)tree_previous(tree->arena, offset, &cursor, &key);
    }
    if (tree_previous(tree->arena, offset, &cursor, &key) && text_order(tree->arena, probe, key) == 0)
        return (uint32_t)(key.low >> 32);
    return 0;
}

static uint32_t text_store(struct arena *arena, struct tree_text text)
{
    size_t size = sizeof text.length + text.length;
    uint64_t offset = arena_alloc(arena, size);
    uint8_t *bytes = arena_at(arena, offset, size);
    if (bytes == NULL)
        return 0;
    if (offset / 8 > UINT32_MAX) {
        arena_release(arena, offset, size);
        return 0;
    }
    memcpy(bytes, &text.length, sizeof text.length);
    if (text.length != 0)
        memcpy(bytes + sizeof text.length, text.bytes, text.length);
    return (uint32_t)(offset / 8);
}

bool tree_insert_text(struct arena *arena, uint64_t offset, struct tree_text text)
{
    struct tree tree;
    struct tree_probe probe;
    struct tree_path path;
    if (!tree_open(arena, offset, &tree) || !tree.text)
        return false;
    text_probe(text, &probe);
    bool found = tree.header->depth != 0;
    if (found && (!tree_descend(&tree, &probe, &path) || arena->damaged))
        return false;
    if (found && tree_holds(&tree, &probe, &path))
        return true;
    uint32_t shared = found ? text_shared(&tree, offset, &probe, &path) : 0;
    uint32_t reference = shared;
    if (shared == 0 && !arena->damaged)
        reference = text_store(arena, text);
    if (reference == 0)
        return false;
    probe.key.low |= (uint64_t)reference << 32;
    bool done = (found && tree_insert_path(&tree, &path, probe.key)) || tree_insert_probe(&tree, &probe);
    if (!done && shared == 0)
        arena_release(arena, tree_offset(reference), sizeof text.length + text.length);
    return done;
}

/* ---- many at once ---- */

static struct tree_text text_at(const uint8_t *texts, struct tree_key key)
{
    const uint8_t *at = texts + (key.low >> 32);
    struct tree_text text = {.bytes = at + sizeof text.length, .number = (uint32_t)key.low};
    memcpy(&text.length, at, sizeof text.length);
    return text;
}

static int texts_order(const uint8_t *texts, struct tree_key a, struct tree_key b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    struct tree_text one = text_at(texts, a), two = text_at(texts, b);
    uint32_t shorter = one.length < two.length ? one.length : two.length;
    int order = shorter > 8 ? memcmp(one.bytes + 8, two.bytes + 8, shorter - 8) : 0;
    return order != 0 ? order : (one.length > two.length) - (one.length < two.length);
}

static bool texts_before(const uint8_t *texts, struct tree_key a, struct tree_key b)
{
    int order = texts_order(texts, a, b);
    return order != 0 ? order < 0 : (uint32_t)a.low < (uint32_t)b.low;
}

/* Merges ever longer runs; false: no memory. */
static bool texts_sort(struct arena *arena, struct tree_key *keys, size_t count, const uint8_t *texts)
{
    struct tree_key *spare = memory_zero(arena->memory, count, sizeof *spare);
    struct tree_key *from = keys, *to = spare;
    if (spare == NULL)
        return false;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = count - start < width ? count : start + width;
            size_t end = count - start < 2 * width ? count : start + 2 * width;
            size_t a = start, b = middle;
            for (size_t at = start; at < end; at++)
                to[at] = a == middle || (b < end && texts_before(texts, from[b], from[a])) ? from[b++] : from[a++];
        }
        struct tree_key *other = from;
        from = to;
        to = other;
    }
    if (from != keys)
        memcpy(keys, from, count * sizeof *keys);
    memory_free(arena->memory, spare);
    return true;
}

/* The reference of a text that the tree has; 0: it has not. */
static uint32_t text_find(struct arena *arena, uint64_t offset, struct tree_text text)
{
    struct tree_probe probe;
    struct tree_cursor cursor;
    struct tree_key key;
    text.number = 0;
    text_probe(text, &probe);
    tree_seek_text(arena, offset, text, &cursor);
    return tree_next(arena, offset, &cursor, &key) && text_order(arena, &probe, key) == 0 ? (uint32_t)(key.low >> 32)
                                                                                          : 0;
}

bool tree_insert_texts(struct arena *arena, uint64_t offset, struct tree_key *keys, size_t count, const uint8_t *texts)
{
    struct tree tree;
    if (!tree_open(arena, offset, &tree) || !tree.text || !texts_sort(arena, keys, count, texts))
        return false;
    bool empty = tree.header->depth == 0;
    for (size_t i = 0; i < count;) {
        struct tree_text text = text_at(texts, keys[i]);
        struct tree_key first = keys[i];
        uint32_t reference = empty ? 0 : text_find(arena, offset, text);
        if (reference == 0 && !arena->damaged)
            reference = text_store(arena, text);
        if (reference == 0)
            return false;
        for (; i < count && texts_order(texts, first, keys[i]) == 0; i++)
            keys[i].low = (uint64_t)reference << 32 | (uint32_t)keys[i].low;
    }
    return tree_insert_many(arena, offset, keys, count);
}

bool tree_remove_text(struct arena *arena, uint64_t offset, struct tree_text text)
{
    struct tree tree;
    struct tree_probe probe;
    struct tree_key removed, key;
    if (!tree_open(arena, offset, &tree) || !tree.text)
        return false;
    text_probe(text, &probe);
    if (!tree_remove_probe(&tree, &probe, &removed))
        return false;
    struct tree_cursor cursor;
    text.number = 0;
    tree_seek_text(arena, offset, text, &cursor);
    bool used = tree_next(arena, offset, &cursor, &key) && key.low >> 32 == removed.low >> 32;
    if (!used && !arena->damaged)
        arena_release(arena, tree_offset((uint32_t)(removed.low >> 32)), sizeof text.length + text.length);
    return true;
}

void tree_seek_text(struct arena *arena, uint64_t offset, struct tree_text text, struct tree_cursor *cursor)
{
    struct tree tree;
    struct tree_probe probe;
    memset(cursor, 0, sizeof *cursor);
    if (!tree_open(arena, offset, &tree) || !tree.text)
        return;
    text_probe(text, &probe);
    tree_seek_probe(&tree, offset, &probe, cursor);
}

uint64_t tree_rank_text(struct arena *arena, uint64_t offset, struct tree_text text)
{
    struct tree tree;
    struct tree_probe probe;
    if (!tree_open(arena, offset, &tree) || !tree.text)
        return 0;
    text_probe(text, &probe);
    return tree_rank_probe(&tree, &probe);
}
