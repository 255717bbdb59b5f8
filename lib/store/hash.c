/* hash: one array of 64-bit slots, fingerprint << 32 | number, 0 when empty, in
 * ascending order with gaps.
 *
 * A slot's home is its fingerprint scaled to the capacity, so home order is
 * fingerprint order, and linear probing that keeps each cluster sorted keeps
 * the whole array sorted.  What that buys: a miss ends at the first greater
 * slot; growth needs no full hash and no second table, it pushes the slots to
 * the array's new end and deals them out again, two sequential passes; and any
 * capacity will do, so a large table grows by a quarter, not by doubling.
 *
 * The array lies in segments of 64 KiB that never move; a small table is one
 * segment that grows by doubling.  Behind the capacity lie as many slots more
 * as a probe may be long, so nothing wraps around.
 *
 * An entry that would lie more than PROBE_MAX slots from its home goes to an
 * overflow tree instead.  With good hashes that never happens; it is for a
 * value that thousands of records share, which would otherwise make each
 * insertion slower than the last one.
 *
 * Relies on store/arena.h and store/tree.h.
 */
#include "store/hash.h"

#include "store/tree.h"
#include "sys/cold.h"

#include <string.h>

enum {
    HASH_MAGIC = 0x48534148,
    SLOTS_FIRST = 32,
    SEGMENT_LOG = 13,
    SEGMENT_SLOTS = 1 << SEGMENT_LOG,
    SEGMENTS_MAX = 1 << 19, /* 2^32 slots */
    PROBE_MAX = 512,
    DIRECTORY_FIRST = 4
};

struct hash_header {
    uint32_t magic;
    uint32_t segments;
    uint64_t count;     /* in the slots */
    uint64_t capacity;  /* homes */
    uint64_t slots;     /* capacity and what lies behind it */
    uint64_t directory; /* offsets of the segments */
    uint64_t room;      /* entries in the directory */
    uint64_t overflow;  /* a tree of (fingerprint, number << 32 | copy), 0: none yet */
    uint64_t spilled;   /* entries in it */
};

/* A table opened, and the run of slots that was touched last: slots of one
 * segment and one CRC block. */
struct table {
    struct arena *arena;
    struct hash_header *header;
    uint64_t *run;
    uint64_t run_first, run_length;
};

static uint64_t capacity_of(uint64_t slots)
{
    return slots <= 2 * PROBE_MAX ? slots / 2 : slots - PROBE_MAX;
}

static uint64_t fingerprint(uint64_t hash)
{
    uint64_t low = hash & UINT32_MAX;
    return low == 0 ? 1 : low; /* an empty slot is 0 */
}

static uint64_t home_of(const struct table *table, uint64_t slot)
{
    return ((slot >> 32) * table->header->capacity) >> 32;
}

static uint64_t probe_most(const struct table *table)
{
    return table->header->slots - table->header->capacity;
}

static bool table_open(struct arena *arena, uint64_t offset, struct table *table)
{
    struct hash_header *header = offset % 8 == 0 ? arena_at(arena, offset, sizeof *header) : NULL;
    table->arena = arena;
    table->header = header;
    table->run_first = 0;
    table->run_length = 0;
    if (header == NULL)
        return false;
    if (header->magic != HASH_MAGIC || header->segments == 0 || header->segments > SEGMENTS_MAX ||
        header->slots < SLOTS_FIRST || header->slots > arena_used(arena) / 8 || header->count > header->slots ||
        header->slots > (uint64_t)header->segments * SEGMENT_SLOTS ||
        (header->segments > 1 && header->slots != (uint64_t)header->segments * SEGMENT_SLOTS) ||
        header->capacity != capacity_of(header->slots) || header->directory % 8 != 0) {
        arena->damaged = true;
        return false;
    }
    return true;
}

static uint64_t *slot_load(struct table *table, uint64_t slot)
{
    struct hash_header *header = table->header;
    uint64_t segment_slots = header->segments > 1 ? SEGMENT_SLOTS : header->slots;
    const uint64_t *segment = arena_at(table->arena, header->directory + (slot >> SEGMENT_LOG) * 8, 8);
    uint64_t within = slot % SEGMENT_SLOTS;
    uint64_t *bytes = NULL;
    if (segment != NULL && *segment % 8 == 0 && slot < header->slots) {
        uint64_t offset = *segment + within * 8;
        uint64_t run = (ARENA_BLOCK - offset % ARENA_BLOCK) / 8;
        if (run > segment_slots - within)
            run = segment_slots - within;
        bytes = arena_at(table->arena, offset, (size_t)run * 8);
        table->run = bytes;
        table->run_first = slot;
        table->run_length = run;
    }
    if (bytes == NULL) {
        table->run_length = 0;
        table->arena->damaged = true;
    }
    return bytes;
}

/* NULL when damaged. */
static inline uint64_t *slot_at(struct table *table, uint64_t slot)
{
    uint64_t within = slot - table->run_first;
    return within < table->run_length ? table->run + within : slot_load(table, slot);
}

uint64_t hash_create(struct arena *arena)
{
    uint64_t offset = arena_alloc(arena, sizeof(struct hash_header));
    uint64_t directory = arena_alloc(arena, DIRECTORY_FIRST * 8);
    uint64_t segment = arena_alloc(arena, SLOTS_FIRST * 8);
    struct hash_header *header = arena_at(arena, offset, sizeof *header);
    uint64_t *entry = arena_at(arena, directory, 8);
    if (header == NULL || entry == NULL || segment == 0)
        return 0;
    *entry = segment;
    header->magic = HASH_MAGIC;
    header->segments = 1;
    header->slots = SLOTS_FIRST;
    header->capacity = capacity_of(SLOTS_FIRST);
    header->directory = directory;
    header->room = DIRECTORY_FIRST;
    return offset;
}

/* The last copy of a pair in the overflow; false when it has none. */
COLD static bool spilled_last(struct table *table, uint64_t slot, struct tree_key *out)
{
    struct tree_cursor cursor;
    uint64_t number = slot & UINT32_MAX;
    struct tree_key behind = {.high = slot >> 32, .low = number << 32 | UINT32_MAX};
    if (table->header->spilled == 0)
        return false;
    tree_seek(table->arena, table->header->overflow, behind, &cursor);
    return tree_previous(table->arena, table->header->overflow, &cursor, out) && out->high == slot >> 32 &&
           out->low >> 32 == number;
}

COLD static bool spill(struct table *table, uint64_t slot)
{
    struct hash_header *header = table->header;
    if (header->overflow == 0)
        header->overflow = tree_create(table->arena, TREE_PLAIN);
    struct tree_key key = {.high = slot >> 32, .low = slot << 32};
    struct tree_key last;
    if (spilled_last(table, slot, &last))
        key.low = last.low + 1;
    if (header->overflow == 0 || !tree_insert(table->arena, header->overflow, key))
        return false;
    header->spilled++;
    return true;
}

COLD static bool spilled_remove(struct table *table, uint64_t slot)
{
    struct tree_key last;
    if (!spilled_last(table, slot, &last) || !tree_remove(table->arena, table->header->overflow, last))
        return false;
    table->header->spilled--;
    return true;
}

/* One segment only: a block of twice the size takes its place. */
COLD static bool grow_block(struct table *table, uint64_t slots)
{
    struct hash_header *header = table->header;
    uint64_t old_slots = header->slots;
    uint64_t block = arena_alloc(table->arena, (size_t)slots * 8);
    uint8_t *to = arena_at(table->arena, block, (size_t)slots * 8);
    uint64_t *entry = arena_at(table->arena, header->directory, 8);
    const uint8_t *from = entry == NULL ? NULL : arena_at(table->arena, *entry, (size_t)old_slots * 8);
    if (to == NULL || from == NULL)
        return false;
    memmove(to, from, (size_t)old_slots * 8);
    arena_release(table->arena, *entry, (size_t)old_slots * 8);
    *entry = block;
    return true;
}

COLD static bool directory_grow(struct table *table, uint64_t segments)
{
    struct hash_header *header = table->header;
    uint64_t room = header->room;
    if (segments <= room)
        return true;
    uint64_t grown = room * 2 > segments ? room * 2 : segments;
    uint64_t directory = arena_alloc(table->arena, (size_t)grown * 8);
    uint8_t *to = arena_at(table->arena, directory, (size_t)grown * 8);
    const uint8_t *from = arena_at(table->arena, header->directory, (size_t)room * 8);
    if (to == NULL || from == NULL)
        return false;
    memmove(to, from, (size_t)room * 8);
    arena_release(table->arena, header->directory, (size_t)room * 8);
    header->directory = directory;
    header->room = grown;
    return true;
}

COLD static bool grow_segments(struct table *table, uint64_t segments)
{
    struct arena *arena = table->arena;
    uint64_t first = table->header->segments;
    uint64_t *entries =
        directory_grow(table, segments) ? arena_at(arena, table->header->directory, (size_t)segments * 8) : NULL;
    if (entries == NULL)
        return false;
    uint64_t i = first;
    while (i < segments && (entries[i] = arena_alloc(arena, SEGMENT_SLOTS * 8)) != 0)
        i++;
    for (uint64_t added = i; i < segments && added-- > first;)
        arena_release(arena, entries[added], SEGMENT_SLOTS * 8);
    return i == segments;
}

/* The slots lie in the first `old` of header->slots: deals them out over all. */
static bool respread(struct table *table, uint64_t old)
{
    uint64_t end = table->header->slots;
    uint64_t to = end;
    struct table back = *table; /* the two ends of a pass touch different runs */
    back.run_length = 0;
    table->run_length = 0;
    for (uint64_t from = old; from-- > 0;) {
        uint64_t *slot = slot_at(table, from);
        if (slot == NULL)
            return false;
        uint64_t value = *slot;
        if (value == 0)
            continue;
        *slot = 0;
        uint64_t *target = slot_at(&back, --to);
        if (target == NULL)
            return false;
        *target = value;
    }
    uint64_t free_from = 0;
    for (uint64_t from = to; from < end; from++) {
        uint64_t *slot = slot_at(table, from);
        if (slot == NULL)
            return false;
        uint64_t value = *slot;
        *slot = 0;
        uint64_t home = home_of(table, value);
        uint64_t at = home > free_from ? home : free_from;
        uint64_t *target = at <= from && at - home < probe_most(table) ? slot_at(&back, at) : NULL;
        if (target != NULL) {
            *target = value;
            free_from = at + 1;
        } else {
            table->header->count--;
            if (!spill(table, value))
                return false;
        }
    }
    return true;
}

/* The header holds the new size: each step leaves a whole table. */
static bool resized(struct table *table, uint64_t slots)
{
    struct hash_header *header = table->header;
    uint64_t old = header->slots;
    header->slots = slots;
    header->capacity = capacity_of(slots);
    if (respread(table, old))
        return true;
    table->arena->damaged = true; /* slots are missing */
    return false;
}

static bool grow_to(struct table *table, uint64_t slots)
{
    struct hash_header *header = table->header;
    uint64_t block = slots < SEGMENT_SLOTS ? slots : SEGMENT_SLOTS;
    if (header->slots < block && (!grow_block(table, block) || !resized(table, block)))
        return false;
    if (slots <= SEGMENT_SLOTS)
        return true;
    uint64_t segments = (slots + SEGMENT_SLOTS - 1) / SEGMENT_SLOTS;
    if (segments > SEGMENTS_MAX || !grow_segments(table, segments))
        return false;
    header->segments = (uint32_t)segments;
    return resized(table, segments * SEGMENT_SLOTS);
}

static bool grow(struct table *table)
{
    uint64_t slots = table->header->slots;
    if (slots < SEGMENT_SLOTS)
        return grow_to(table, slots * 2);
    uint64_t segments = table->header->segments;
    return grow_to(table, (segments + (segments > 4 ? segments / 4 : 1)) * SEGMENT_SLOTS);
}

COLD bool hash_reserve(struct arena *arena, uint64_t offset, uint64_t count)
{
    struct table table;
    if (count > UINT32_MAX || !table_open(arena, offset, &table))
        return false;
    uint64_t slots = table.header->slots;
    while (slots < SEGMENT_SLOTS && count > capacity_of(slots) / 4 * 3)
        slots *= 2;
    if (count > capacity_of(slots) / 4 * 3)
        slots = (count + 2) / 3 * 4 + PROBE_MAX + 4;
    return slots <= table.header->slots || grow_to(&table, slots);
}

bool hash_insert(struct arena *arena, uint64_t offset, uint64_t hash, uint32_t number)
{
    struct table table;
    if (!table_open(arena, offset, &table))
        return false;
    if (table.header->count >= table.header->capacity / 4 * 3 && (!grow(&table) || !table_open(arena, offset, &table)))
        return false;
    uint64_t value = fingerprint(hash) << 32 | number;
    uint64_t at = home_of(&table, value);
    uint64_t end = at + probe_most(&table);
    uint64_t *slot = slot_at(&table, at);
    while (slot != NULL && *slot != 0 && *slot < value && ++at < end)
        slot = slot_at(&table, at);
    uint64_t hole = at;
    while (slot != NULL && hole < end && *slot != 0)
        slot = ++hole < end ? slot_at(&table, hole) : slot;
    if (slot == NULL)
        return false;
    if (hole >= end)
        return spill(&table, value);
    for (uint64_t carry = value; at <= hole; at++) {
        slot = slot_at(&table, at);
        if (slot == NULL)
            return false;
        uint64_t next = *slot;
        *slot = carry;
        carry = next;
    }
    table.header->count++;
    return true;
}

bool hash_remove(struct arena *arena, uint64_t offset, uint64_t hash, uint32_t number)
{
    struct table table;
    if (!table_open(arena, offset, &table))
        return false;
    uint64_t value = fingerprint(hash) << 32 | number;
    uint64_t at = home_of(&table, value);
    uint64_t end = at + probe_most(&table);
    uint64_t *slot = slot_at(&table, at);
    while (slot != NULL && *slot != 0 && *slot < value && ++at < end)
        slot = slot_at(&table, at);
    if (slot == NULL)
        return false;
    if (at >= end || *slot != value)
        return spilled_remove(&table, value);
    /* what follows moves one back, up to a gap or a slot that is at home */
    for (uint64_t last = table.header->slots - 1; at < last; at++) {
        const uint64_t *next = slot_at(&table, at + 1);
        uint64_t moved = next == NULL || *next == 0 || home_of(&table, *next) > at ? 0 : *next;
        slot = slot_at(&table, at);
        if (slot == NULL)
            return false;
        *slot = moved;
        if (moved == 0)
            break;
    }
    if (at == table.header->slots - 1 && (slot = slot_at(&table, at)) != NULL)
        *slot = 0;
    table.header->count -= table.header->count != 0;
    return true;
}

uint64_t hash_count(struct arena *arena, uint64_t offset)
{
    struct table table;
    return table_open(arena, offset, &table) ? table.header->count + table.header->spilled : 0;
}

/* The cursor's hash holds the fingerprint; left counts the probes that remain
 * and one more; at 0, slot is the next low word to ask the overflow for. */
void hash_find(struct arena *arena, uint64_t offset, uint64_t hash, struct hash_cursor *cursor)
{
    struct table table;
    cursor->hash = fingerprint(hash);
    cursor->slot = 0;
    cursor->left = 0;
    cursor->run = 0;
    cursor->spilled = false;
    if (!table_open(arena, offset, &table))
        return;
    const struct hash_header *header = table.header;
    uint64_t home = home_of(&table, cursor->hash << 32);
    cursor->slot = home;
    cursor->left = probe_most(&table) + 1;
    cursor->spilled = header->spilled != 0;
    cursor->at = slot_load(&table, home);
    cursor->run = (uint32_t)(table.run_length < cursor->left - 1 ? table.run_length : cursor->left - 1);
}

COLD static bool next_spilled(struct table *table, struct hash_cursor *cursor, uint32_t *number)
{
    struct tree_cursor at;
    struct tree_key key = {.high = cursor->hash, .low = cursor->slot};
    struct tree_key found;
    if (table->header->spilled == 0)
        return false;
    tree_seek(table->arena, table->header->overflow, key, &at);
    if (!tree_next(table->arena, table->header->overflow, &at, &found) || found.high != cursor->hash)
        return false;
    *number = (uint32_t)(found.low >> 32);
    cursor->slot = found.low + 1;
    return true;
}

bool hash_next_slow(struct arena *arena, uint64_t offset, struct hash_cursor *cursor, uint32_t *number)
{
    struct table table;
    if (!table_open(arena, offset, &table))
        return false;
    while (cursor->left > 1) {
        const uint64_t *slot = slot_at(&table, cursor->slot);
        if (slot == NULL)
            return false;
        uint64_t value = *slot;
        if (value == 0 || value >> 32 > cursor->hash)
            break;
        cursor->slot++;
        cursor->left--;
        if (value >> 32 == cursor->hash) {
            *number = (uint32_t)value;
            return true;
        }
    }
    if (cursor->left > 0) {
        cursor->left = 0;
        cursor->slot = 0;
    }
    return next_spilled(&table, cursor, number);
}

void hash_prefetch(struct arena *arena, uint64_t offset, uint64_t hash)
{
    struct table table;
    if (!table_open(arena, offset, &table))
        return;
    uint64_t home = home_of(&table, fingerprint(hash) << 32);
    const uint64_t *segment = arena_at(arena, table.header->directory + (home >> SEGMENT_LOG) * 8, 8);
    if (segment != NULL && *segment < arena_used(arena))
        __builtin_prefetch(arena->base + *segment + home % SEGMENT_SLOTS * 8);
}

COLD bool hash_verify(struct arena *arena, uint64_t offset)
{
    struct table table;
    if (!table_open(arena, offset, &table))
        return false;
    uint64_t count = 0, last = 0, gap = 0;
    for (uint64_t at = 0; at < table.header->slots; at++) {
        const uint64_t *slot = slot_at(&table, at);
        if (slot == NULL)
            return false;
        if (*slot == 0) {
            gap = at + 1;
            continue;
        }
        /* no gap between an entry's home and its place, or it could not be found */
        uint64_t home = home_of(&table, *slot);
        if (*slot < last || *slot >> 32 == 0 || home > at || home < gap || at - home >= probe_most(&table))
            return false;
        last = *slot;
        count++;
    }
    uint64_t spilled = table.header->overflow == 0 ? 0 : tree_count(arena, table.header->overflow);
    return count == table.header->count && spilled == table.header->spilled;
}

COLD void hash_free(struct arena *arena, uint64_t offset)
{
    struct table table;
    if (!table_open(arena, offset, &table))
        return;
    struct hash_header own = *table.header;
    uint64_t slots = own.segments > 1 ? SEGMENT_SLOTS : own.slots;
    for (uint64_t i = 0; i < own.segments; i++) {
        const uint64_t *segment = arena_at(arena, own.directory + i * 8, 8);
        if (segment == NULL)
            return;
        arena_release(arena, *segment, (size_t)slots * 8);
    }
    if (own.overflow != 0)
        tree_free(arena, own.overflow);
    arena_release(arena, own.directory, (size_t)own.room * 8);
    arena_release(arena, offset, sizeof own);
}
