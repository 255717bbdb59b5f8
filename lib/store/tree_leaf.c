/* tree_leaf: the packed leaf.
 *
 * A leaf starts with whole words (16 bytes a key).  When it is full, or a key
 * comes that its format cannot hold, it is packed anew: of each of the keys'
 * four 32-bit words the smallest becomes the base, and every key keeps only as
 * many bytes of the difference as the widest one needs.  Keys of one index
 * resemble each other (one stage, one customer, one week), so 3 to 10 bytes a
 * key are usual.
 *
 * Bytes behind the last entry are zero: they cost nothing in the image's file,
 * and nothing that was erased stays in them.
 *
 * Where the bytes leave play, the base is set so that the range lies in the
 * middle: keys that come on either side then fit without another packing.
 */
#include "store/tree_node.h"

enum { HINT_SLOT = 0x3ff, HINT_DESCENDING = 0x400, HINT_RUN_SHIFT = 11, HINT_RUN_MAX = 31 };

static void packed_store(uint8_t *bytes, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(bytes, &word, sizeof word);
}

static uint64_t mask_of(unsigned bytes)
{
    return bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * bytes)) - 1;
}

static unsigned bytes_needed(uint32_t value)
{
    return value == 0 ? 0 : (39U - (unsigned)__builtin_clz(value)) / 8;
}

void leaf_init(struct leaf *leaf, unsigned size_log)
{
    memset(leaf, 0, sizeof *leaf);
    leaf->kind = NODE_LEAF;
    leaf->size_log = (uint8_t)size_log;
    leaf->bytes_low = 0x44;
    leaf->bytes_high = 0x44;
}

void leaf_clear(struct leaf_view *view)
{
    struct leaf *leaf = view->leaf;
    leaf->bytes_low = 0x44;
    leaf->bytes_high = 0x44;
    leaf->base_high = 0;
    leaf->base_low = 0;
    leaf->count = 0;
    (void)leaf_view_set(view, leaf, view->reference);
}

struct leaf_range leaf_range_of(struct tree_key key)
{
    struct leaf_range range;
    for (unsigned word = 0; word < 4; word++)
        range.least[word] = range.most[word] = key_word(key, word);
    return range;
}

void leaf_range_add(struct leaf_range *range, struct tree_key key)
{
    for (unsigned word = 0; word < 4; word++) {
        uint32_t value = key_word(key, word);
        range->least[word] = value < range->least[word] ? value : range->least[word];
        range->most[word] = value > range->most[word] ? value : range->most[word];
    }
}

static unsigned range_bytes(const struct leaf_range *range, unsigned bytes[4])
{
    unsigned sum = 0;
    for (unsigned word = 0; word < 4; word++) {
        bytes[word] = bytes_needed(range->most[word] - range->least[word]);
        sum += bytes[word];
    }
    if (sum < STRIDE_LEAST) { /* LEAF_MOST entries fill a leaf then */
        bytes[0] += STRIDE_LEAST - sum;
        sum = STRIDE_LEAST;
    }
    return sum;
}

unsigned leaf_range_bytes(const struct leaf_range *range)
{
    unsigned bytes[4];
    return range_bytes(range, bytes);
}

/* The range of all the keys and `range`; in registers, word by word. */
static void range_scan(struct leaf_range *range, const struct tree_key *keys, uint32_t count)
{
    for (unsigned word = 0; word < 4; word++) {
        uint32_t least = range->least[word];
        uint32_t most = range->most[word];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t value = key_word(keys[i], word);
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
        range->least[word] = least;
        range->most[word] = most;
    }
}

/* The base for [least, most] in what `mask` can reach: the play on the side
 * where more keys are to come. */
static uint32_t base_for(uint32_t least, uint32_t most, uint32_t mask, enum leaf_lean lean)
{
    uint32_t play = mask - (most - least);
    if (lean == LEAN_UP)
        play /= 16;
    else if (lean == LEAN_MIDDLE)
        play /= 2;
    return least > play ? least - play : 0;
}

/* `key` lies within the format. */
static inline struct packed pack(const struct tree_format *format, struct tree_key key)
{
    struct packed packed = {0, 0};
    uint64_t high = key.high - format->base_high;
    uint64_t low = key.low - format->base_low;
    packed_push(&packed, (uint32_t)(high >> 32), format->stride - format->at[3]);
    packed_push(&packed, (uint32_t)high, format->at[3] - format->at[2]);
    packed_push(&packed, (uint32_t)(low >> 32), format->at[2] - format->at[1]);
    packed_push(&packed, (uint32_t)low, format->at[1]);
    return packed;
}

void leaf_encode(struct leaf *leaf, const struct tree_key *keys, uint32_t count, const struct leaf_range *range,
                 enum leaf_lean lean)
{
    struct leaf_view view;
    unsigned bytes[4];
    uint32_t base[4];
    (void)range_bytes(range, bytes);
    for (unsigned word = 0; word < 4; word++)
        base[word] = base_for(range->least[word], range->most[word], (uint32_t)mask_of(bytes[word]), lean);
    leaf->bytes_low = (uint8_t)(bytes[0] | bytes[1] << 4);
    leaf->bytes_high = (uint8_t)(bytes[2] | bytes[3] << 4);
    leaf->base_low = (uint64_t)base[1] << 32 | base[0];
    leaf->base_high = (uint64_t)base[3] << 32 | base[2];
    leaf->count = (uint16_t)count;
    if (!leaf_view_set(&view, leaf, 0))
        return; /* cannot be: the callers counted the bytes */
    uint8_t *entry = view.data;
    size_t filled = (size_t)count * view.format.stride;
    memset(entry + filled, 0, view.room - filled);
    /* each store runs over into what the next one writes, the last into the pad */
    for (uint32_t i = 0; i < count; i++, entry += view.format.stride) {
        struct packed packed = pack(&view.format, keys[i]);
        packed_store(entry, packed.low);
        if (view.format.stride > 8)
            packed_store(entry + 8, packed.high);
    }
}

uint32_t leaf_decode(const struct leaf_view *view, struct tree_key *keys)
{
    uint32_t count = view->count < LEAF_MOST ? view->count : LEAF_MOST;
    for (uint32_t i = 0; i < count; i++)
        keys[i] = leaf_key(view, i);
    return count;
}

static bool format_holds(const struct tree_format *format, struct tree_key key)
{
    struct tree_key base = {format->base_high, format->base_low};
    bool holds = true;
    for (unsigned word = 0; word < 4; word++) {
        uint32_t least = key_word(base, word);
        uint32_t value = key_word(key, word);
        holds = holds & (value >= least) & (value - least <= format->mask[word]);
    }
    return holds;
}

bool leaf_fits(const struct leaf_view *view, struct tree_key key)
{
    return (view->count + 1) * view->format.stride <= view->room && view->count < LEAF_MOST &&
           format_holds(&view->format, key);
}

/* The smallest entry that stands for a key not smaller than `key`; false when
 * there is none. */
static bool pack_lower(const struct tree_format *format, struct tree_key key, struct packed *packed)
{
    struct tree_key base = {format->base_high, format->base_low};
    unsigned end = format->stride; /* of the word's bytes in the entry */
    *packed = (struct packed){0, 0};
    for (unsigned word = 4; word-- > 0; end = format->at[word]) {
        uint32_t least = key_word(base, word);
        uint32_t value = key_word(key, word);
        unsigned bytes = end - format->at[word];
        if (value >= least && value - least <= format->mask[word]) {
            packed_push(packed, value - least, bytes);
            continue;
        }
        if (value > least) { /* behind all that share the words above: the next value of those */
            unsigned above = format->stride - end;
            packed->low++;
            packed->high += packed->low == 0;
            if (above < 8 ? packed->low >> (8 * above) != 0 : packed->high >> (8 * (above - 8)) != 0)
                return false;
        }
        for (unsigned left = end; left > 0; left -= left < 4 ? left : 4)
            packed_push(packed, 0, left < 4 ? left : 4);
        break;
    }
    return true;
}

static uint32_t entries_lower_narrow(const struct leaf_view *view, uint64_t packed)
{
    const uint8_t *data = view->data;
    size_t stride = view->format.stride;
    uint64_t mask = mask_of(view->format.stride);
    uint32_t count = view->count;
    uint32_t first = 0;
    while (count > 1) {
        uint32_t half = count / 2;
        first += half & (0 - (uint32_t)((packed_load(data + (first + half - 1) * stride) & mask) < packed));
        count -= half;
    }
    return first + (count != 0 && (packed_load(data + first * stride) & mask) < packed);
}

static inline uint32_t entry_less(const uint8_t *entry, uint64_t mask_high, struct packed packed)
{
    uint64_t high = packed_load(entry + 8) & mask_high;
    uint64_t low = packed_load(entry);
    return (uint32_t)(high < packed.high) | ((uint32_t)(high == packed.high) & (uint32_t)(low < packed.low));
}

static uint32_t entries_lower_wide(const struct leaf_view *view, struct packed packed)
{
    const uint8_t *data = view->data;
    size_t stride = view->format.stride;
    uint64_t mask = mask_of(view->format.stride - 8);
    uint32_t count = view->count;
    uint32_t first = 0;
    while (count > 1) {
        uint32_t half = count / 2;
        first += half & (0 - entry_less(data + (first + half - 1) * stride, mask, packed));
        count -= half;
    }
    return first + (count != 0 && entry_less(data + first * stride, mask, packed));
}

uint32_t leaf_lower(const struct leaf_view *view, struct tree_key key)
{
    struct packed packed;
    if (!pack_lower(&view->format, key, &packed))
        return view->count;
    return view->format.stride <= 8 ? entries_lower_narrow(view, packed.low) : entries_lower_wide(view, packed);
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

/* Writes `bytes` bytes of the word and leaves the others as they are. */
static void store_part(uint8_t *at, uint64_t word, unsigned bytes)
{
    uint64_t mask = mask_of(bytes);
    packed_store(at, (packed_load(at) & ~mask) | (word & mask));
}

void leaf_insert(struct leaf_view *view, uint32_t slot, struct tree_key key)
{
    uint32_t stride = view->format.stride;
    uint8_t *entry = view->data + (size_t)slot * stride;
    struct packed packed = pack(&view->format, key);
    memmove(entry + stride, entry, (size_t)(view->count - slot) * stride);
    store_part(entry, packed.low, stride);
    if (stride > 8)
        store_part(entry + 8, packed.high, stride - 8);
    hint_note(view->leaf, slot);
    view->count++;
    view->leaf->count = (uint16_t)view->count;
}

void leaf_erase(struct leaf_view *view, uint32_t slot)
{
    uint32_t stride = view->format.stride;
    uint8_t *entry = view->data + (size_t)slot * stride;
    memmove(entry, entry + stride, (size_t)(view->count - slot - 1) * stride);
    memset(view->data + (size_t)(view->count - 1) * stride, 0, stride);
    view->leaf->hint = HINT_SLOT;
    view->count--;
    view->leaf->count = (uint16_t)view->count;
}

bool leaf_repack(struct leaf_view *view, uint32_t slot, struct tree_key key)
{
    struct tree_key keys[LEAF_MOST];
    struct leaf_range range = leaf_range_of(key);
    uint32_t count = leaf_decode(view, keys);
    if (count >= LEAF_MOST)
        return false;
    range_scan(&range, keys, count);
    uint32_t entries = view->room / leaf_range_bytes(&range);
    /* when the format would do and only room lacks, packing has to gain some,
     * lest every insertion packs again */
    uint32_t needed = count + 1;
    if (format_holds(&view->format, key))
        needed += count / 16;
    if (entries < needed)
        return false;
    leaf_encode(view->leaf, keys, count, &range, slot == count ? LEAN_UP : slot == 0 ? LEAN_DOWN : LEAN_MIDDLE);
    return leaf_view_set(view, view->leaf, view->reference);
}
