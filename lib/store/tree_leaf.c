/* tree_leaf: the packed leaf.
 *
 * A leaf starts with whole words (16 bytes a key).  When it is full, or a key
 * comes that its format cannot hold, it is packed anew: the smallest high and
 * low word become the base, and every key keeps only as many bytes of each
 * difference as the widest one needs.  Keys of one index resemble each other
 * (one stage, one customer, one week), so 3 to 10 bytes a key are usual.
 *
 * Where the bytes leave play, the base is set so that the range lies in the
 * middle: keys that come on either side then fit without another packing.
 */
#include "store/tree_node.h"

const uint64_t tree_masks[9] = { 0,
                                 UINT64_C(0xff),
                                 UINT64_C(0xffff),
                                 UINT64_C(0xffffff),
                                 UINT64_C(0xffffffff),
                                 UINT64_C(0xffffffffff),
                                 UINT64_C(0xffffffffffff),
                                 UINT64_C(0xffffffffffffff),
                                 UINT64_MAX };

enum { HINT_SLOT = 0x3ff, HINT_DESCENDING = 0x400, HINT_RUN_SHIFT = 11, HINT_RUN_MAX = 31 };

static void leaf_store(uint8_t *bytes, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(bytes, &word, sizeof word);
}

static unsigned bytes_needed(uint64_t value)
{
    return value == 0 ? 0 : (71U - (unsigned)__builtin_clzll(value)) / 8;
}

void leaf_init(struct leaf *leaf, unsigned size_log)
{
    memset(leaf, 0, sizeof *leaf);
    leaf->kind = NODE_LEAF;
    leaf->size_log = (uint8_t)size_log;
    leaf->high_bytes = 8;
    leaf->low_bytes = 8;
}

void leaf_view_set(struct leaf_view *view, struct leaf *leaf, uint32_t reference)
{
    unsigned high_bytes = leaf->high_bytes & 15U;
    unsigned low_bytes = leaf->low_bytes & 15U;
    if (high_bytes > 8)
        high_bytes = 8;
    if (low_bytes > 8)
        low_bytes = 8;
    view->leaf = leaf;
    view->reference = reference;
    view->data = (uint8_t *)leaf + LEAF_HEADER;
    view->base_high = leaf->base_high;
    view->base_low = leaf->base_low;
    view->mask_high = tree_masks[high_bytes];
    view->mask_low = tree_masks[low_bytes];
    view->low_bytes = low_bytes;
    view->stride = high_bytes + low_bytes;
    view->room = (1U << leaf->size_log) - LEAF_HEADER - LEAF_PAD;
    view->count = leaf->count;
}

void leaf_range_add(struct leaf_range *range, struct tree_key key)
{
    range->low_min = key.low < range->low_min ? key.low : range->low_min;
    range->low_max = key.low > range->low_max ? key.low : range->low_max;
    range->high_min = key.high < range->high_min ? key.high : range->high_min;
    range->high_max = key.high > range->high_max ? key.high : range->high_max;
}

static void range_bytes(const struct leaf_range *range, unsigned *high_bytes, unsigned *low_bytes)
{
    *high_bytes = bytes_needed(range->high_max - range->high_min);
    *low_bytes = bytes_needed(range->low_max - range->low_min);
    if (*high_bytes + *low_bytes < 2)
        *low_bytes = 2 - *high_bytes; /* an entry has two bytes at least: LEAF_MOST bounds the number */
}

unsigned leaf_range_bytes(const struct leaf_range *range)
{
    unsigned high_bytes, low_bytes;
    range_bytes(range, &high_bytes, &low_bytes);
    return high_bytes + low_bytes;
}

/* The base that puts [least, most] in the middle of what `mask` can reach. */
static uint64_t base_for(uint64_t least, uint64_t most, uint64_t mask)
{
    uint64_t play = (mask - (most - least)) / 2;
    return least > play ? least - play : 0;
}

void leaf_encode(struct leaf *leaf, const struct tree_key *keys, uint32_t count, const struct leaf_range *range)
{
    unsigned high_bytes, low_bytes;
    range_bytes(range, &high_bytes, &low_bytes);
    uint64_t base_high = base_for(range->high_min, range->high_max, tree_masks[high_bytes]);
    uint64_t base_low = base_for(range->low_min, range->low_max, tree_masks[low_bytes]);
    uint8_t *entry = (uint8_t *)leaf + LEAF_HEADER;
    leaf->high_bytes = (uint8_t)high_bytes;
    leaf->low_bytes = (uint8_t)low_bytes;
    leaf->base_high = base_high;
    leaf->base_low = base_low;
    leaf->count = (uint16_t)count;
    /* each store runs over into what the next one writes, the last into the pad */
    for (uint32_t i = 0; i < count; i++, entry += high_bytes + low_bytes) {
        leaf_store(entry, keys[i].low - base_low);
        leaf_store(entry + low_bytes, keys[i].high - base_high);
    }
}

uint32_t leaf_decode(const struct leaf_view *view, struct tree_key *keys)
{
    uint32_t count = view->count < LEAF_MOST ? view->count : LEAF_MOST;
    for (uint32_t i = 0; i < count; i++)
        keys[i] = leaf_key(view, i);
    return count;
}

bool leaf_fits(const struct leaf_view *view, struct tree_key key)
{
    return key.high - view->base_high <= view->mask_high && key.low - view->base_low <= view->mask_low &&
           key.high >= view->base_high && key.low >= view->base_low && view->count < LEAF_MOST &&
           (view->count + 1) * view->stride <= view->room;
}

static void store_part(uint8_t *bytes, uint64_t word, uint64_t mask)
{
    leaf_store(bytes, (tree_load(bytes) & ~mask) | word);
}

/* Keeps, in the hint, for how many insertions on end each went right behind
 * (or right before) the last one. */
static void hint_note(struct leaf *leaf, uint32_t slot)
{
    bool ascending;
    unsigned run = leaf_run(leaf, slot, &ascending);
    leaf->hint = (uint16_t)((slot & HINT_SLOT) | (ascending ? 0 : HINT_DESCENDING) | (run << HINT_RUN_SHIFT));
}

unsigned leaf_run(const struct leaf *leaf, uint32_t slot, bool *ascending)
{
    unsigned last = leaf->hint & HINT_SLOT;
    unsigned run = leaf->hint >> HINT_RUN_SHIFT;
    bool was_ascending = (leaf->hint & HINT_DESCENDING) == 0;
    *ascending = slot != last;
    if (slot != last + 1 && slot != last)
        return 0;
    if (*ascending != was_ascending)
        return 1;
    return run < HINT_RUN_MAX ? run + 1 : run;
}

void leaf_insert(struct leaf_view *view, uint32_t slot, struct tree_key key)
{
    uint8_t *entry = view->data + (size_t)slot * view->stride;
    memmove(entry + view->stride, entry, (size_t)(view->count - slot) * view->stride);
    store_part(entry, key.low - view->base_low, view->mask_low);
    store_part(entry + view->low_bytes, key.high - view->base_high, view->mask_high);
    hint_note(view->leaf, slot);
    view->count++;
    view->leaf->count = (uint16_t)view->count;
}

void leaf_erase(struct leaf_view *view, uint32_t slot)
{
    uint8_t *entry = view->data + (size_t)slot * view->stride;
    memmove(entry, entry + view->stride, (size_t)(view->count - slot - 1) * view->stride);
    view->leaf->hint = HINT_SLOT;
    view->count--;
    view->leaf->count = (uint16_t)view->count;
}

bool leaf_repack(struct leaf_view *view, struct tree_key key)
{
    struct tree_key keys[LEAF_MOST];
    struct leaf_range range = { key.low, key.low, key.high, key.high };
    uint32_t count = leaf_decode(view, keys);
    if (count >= LEAF_MOST)
        return false;
    for (uint32_t i = 0; i < count; i++)
        leaf_range_add(&range, keys[i]);
    unsigned stride = leaf_range_bytes(&range);
    uint32_t entries = view->room / stride;
    /* when the format would do and only room lacks, packing has to gain some,
     * lest every insertion packs again */
    uint32_t needed = count + 1;
    if (key.high - view->base_high <= view->mask_high && key.low - view->base_low <= view->mask_low)
        needed += count / 16;
    if (entries < needed)
        return false;
    leaf_encode(view->leaf, keys, count, &range);
    leaf_view_set(view, view->leaf, view->reference);
    return true;
}
