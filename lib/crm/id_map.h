/* id_map: from a record's id to its position in the caller's own array, for
 * reports that gather by customer, stage or owner in one pass. */
#ifndef CRM_ID_MAP_H
#define CRM_ID_MAP_H

#include "sys/memory.h"

struct id_map {
    const struct memory *memory;
    crm_id *ids; /* by position, in the order of their first appearance */
    size_t count;
    size_t capacity;
    uint32_t *slots;   /* position + 1; 0: empty */
    size_t slot_count; /* a power of two, or 0 */
};

#define ID_MAP_NONE UINT32_MAX

void id_map_init(struct id_map *map, const struct memory *memory);
void id_map_free(struct id_map *map);
/* ID_MAP_NONE: not there. */
uint32_t id_map_find(const struct id_map *map, const crm_id *id);
/* The position of the id, which is added when it is new; *added (may be NULL)
 * tells.  ID_MAP_NONE: out of memory. */
uint32_t id_map_add(struct id_map *map, const crm_id *id, bool *added);

#endif
