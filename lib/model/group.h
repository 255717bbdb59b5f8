/* group: what the three parts of grouping share: adding up one by one (group.c),
 * a block of cells at a time (group_block.c), and the table (group_table.c).
 */
#ifndef MODEL_GROUP_H
#define MODEL_GROUP_H

#include "model/query.h"

static const int64_t group_none = INT64_MIN; /* no value: stored fields never hold it */

struct group {
    uint32_t count;
    uint32_t currency; /* 0: none seen yet */
    int64_t measures[];
};

struct grouping {
    crm_query *query;
    size_t stride; /* bytes of a group */
    uint8_t *groups;
    size_t count, capacity;
    bool dense;    /* by record number; the last is for none */
    int64_t *keys; /* hashed: key_count a group */
    uint32_t *slots;
    size_t slot_mask;
    int64_t *through[QUERY_KEYS]; /* the key by the number of the target */
    uint32_t through_count[QUERY_KEYS];
    struct buffer texts; /* of text keys: u32 length, bytes; a key is an offset */
    int64_t *text_slots;
    size_t text_count, text_capacity;
    struct field *currency;
    int32_t base_currency;
    bool mixed, overflow, no_memory;
};

static inline struct group *group_at(const struct grouping *g, size_t at)
{
    return (struct group *)(void *)(g->groups + at * g->stride);
}

static inline void group_note_currency(struct grouping *g, struct group *group, int64_t currency)
{
    if (group->currency == 0)
        group->currency = (uint32_t)currency;
    g->mixed |= group->currency != (uint32_t)currency;
}

/* The start of the value's period. */
int64_t group_cut(const struct field *field, int32_t unit, int64_t value);
/* The key behind a reference, where the key leads through one. */
int64_t group_finish_key(const struct grouping *g, uint32_t k, int64_t value);
/* The position of the group of these keys, because groups move when they grow; SIZE_MAX: no memory. */
size_t group_place(struct grouping *g, const int64_t *keys);
bool group_has_money(const crm_query *query);

bool group_can_block(const crm_query *query, const struct field *currency);
bool group_by_blocks(struct grouping *g);

bool group_add_columns(struct grouping *g, crm_table *table);
bool group_put_hashed(struct grouping *g, crm_table *table);
bool group_put_dense(struct grouping *g, crm_table *table);

#endif
