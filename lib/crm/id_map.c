/* id_map: open addressing over positions, at most two thirds full.
 *
 * The ids stay in the order in which they came, so that what is computed from
 * the map does not depend on the hash.  The hash is seeded with the table's own
 * address: ids come from files that others wrote, and nobody shall choose ids
 * that all fall into one place.  Relies on sys/checksum for the hash.
 */
#include "crm/id_map.h"

#include "sys/checksum.h"

#include <string.h>

void id_map_init(struct id_map *map, const struct memory *memory)
{
    *map = (struct id_map){.memory = memory};
}

void id_map_free(struct id_map *map)
{
    memory_free(map->memory, map->ids);
    memory_free(map->memory, map->slots);
    id_map_init(map, map->memory);
}

/* The slot that holds the id, or the empty one where it would go. */
static size_t find_slot(const struct id_map *map, const crm_id *id)
{
    size_t mask = map->slot_count - 1;
    size_t slot = (size_t)hash_bytes((uintptr_t)map->slots, id->bytes, sizeof id->bytes) & mask;
    while (map->slots[slot] != 0 && memcmp(&map->ids[map->slots[slot] - 1], id, sizeof *id) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

uint32_t id_map_find(const struct id_map *map, const crm_id *id)
{
    if (map->slot_count == 0)
        return ID_MAP_NONE;
    uint32_t held = map->slots[find_slot(map, id)];
    return held != 0 ? held - 1 : ID_MAP_NONE;
}

static bool grow_slots(struct id_map *map)
{
    size_t count = map->slot_count == 0 ? 64 : map->slot_count * 2;
    uint32_t *slots = memory_zero(map->memory, count, sizeof *slots);
    if (slots == NULL)
        return false;
    memory_free(map->memory, map->slots);
    map->slots = slots;
    map->slot_count = count;
    for (size_t i = 0; i < map->count; i++)
        map->slots[find_slot(map, &map->ids[i])] = (uint32_t)i + 1;
    return true;
}

uint32_t id_map_add(struct id_map *map, const crm_id *id, bool *added)
{
    uint32_t found = id_map_find(map, id);
    void *ids = map->ids;

    if (added != NULL)
        *added = found == ID_MAP_NONE;
    if (found != ID_MAP_NONE)
        return found;
    if (map->count >= ID_MAP_NONE - 1 || (map->count * 3 >= map->slot_count * 2 && !grow_slots(map)) ||
        !memory_grow(map->memory, &ids, &map->capacity, map->count + 1, sizeof *map->ids))
        return ID_MAP_NONE;
    map->ids = ids;
    map->ids[map->count] = *id;
    map->slots[find_slot(map, id)] = (uint32_t)++map->count;
    return (uint32_t)(map->count - 1);
}
