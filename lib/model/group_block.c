/* group_block: groups over columns, a block of cells at a time, at the speed of
 * memory.  See group.c for when.
 */
#include "model/group.h"

#include <string.h>

enum { BLOCK = 4096 };

static bool is_cell(const struct field *field)
{
    return field->column != 0 && field->type != CRM_TYPE_REAL;
}

bool group_can_block(const crm_query *query, const struct field *currency)
{
    if (!view_is_current(query->view) || query->plan.what != PLAN_SCAN || query->deleted != CRM_DELETED_NO ||
        query->timeline)
        return false;
    for (uint32_t i = 0; i < query->condition_count; i++)
        if (!is_cell(query->conditions[i].field))
            return false;
    for (uint32_t k = 0; k < query->key_count; k++)
        if (!is_cell(query->keys[k].field))
            return false;
    for (uint32_t m = 0; m < query->measure_count; m++)
        if (!is_cell(query->measures[m].field))
            return false;
    return currency == NULL || !group_has_money(query) || is_cell(currency);
}

static bool cell_answers(const struct predicate *condition, int got, int64_t value)
{
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
        return got == (condition->op == CRM_OP_SET);
    if (!got)
        return condition->op == CRM_OP_NE;
    for (uint32_t i = 0; i < condition->count; i++) {
        int64_t sought = condition->operands[i].integer;
        switch (condition->op) {
        case CRM_OP_EQ:
            if (value == sought)
                return true;
            break;
        case CRM_OP_NE:
            if (value != sought)
                return true;
            break;
        case CRM_OP_LT:
            if (value < sought)
                return true;
            break;
        case CRM_OP_LE:
            if (value <= sought)
                return true;
            break;
        case CRM_OP_GT:
            if (value > sought)
                return true;
            break;
        default:
            if (value >= sought)
                return true;
            break;
        }
    }
    return false;
}

/* The commonest filter: one small code is sought.  Four cells are compared as
 * one word; a cell that is equal leaves a zero, which the sums turn into a bit
 * (Hacker's Delight, 2nd edition, 6-1). */
static uint32_t keep_equal16(const uint16_t *cells, int64_t sought, uint32_t count, uint16_t *selected)
{
    if (sought < 0 || sought >= UINT16_MAX)
        return 0; /* no cell holds it; its low bits would mean another */
    const uint64_t low = UINT64_C(0x7fff7fff7fff7fff);
    const uint64_t pattern = (uint64_t)sought * UINT64_C(0x0001000100010001);
    uint32_t kept = 0, i = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; i + 4 <= count; i += 4) {
        uint64_t word;
        memcpy(&word, cells + i, sizeof word);
        word ^= pattern;
        for (uint64_t zero = ~(((word & low) + low) | word | low); zero != 0; zero &= zero - 1)
            selected[kept++] = (uint16_t)(i + ((uint32_t)__builtin_ctzll(zero) >> 4));
    }
#endif
    for (; i < count; i++) {
        selected[kept] = (uint16_t)i;
        kept += cells[i] == sought;
    }
    return kept;
}

/* The values of the selected cells (NULL: of all), `none` where not set; the
 * width is asked for once, not for each. */
static void gather(const struct field *field, const uint8_t *cells, const uint16_t *selected, uint32_t count,
                   int64_t *out)
{
#define GATHER(type, missing)                                                                \
    for (uint32_t i = 0; i < count; i++) {                                                   \
        type cell = ((const type *)(const void *)cells)[selected == NULL ? i : selected[i]]; \
        out[i] = cell == (missing) ? group_none : (int64_t)cell;                             \
    }
    switch (field->width) {
    case 1: GATHER(uint8_t, UINT8_MAX) break;
    case 2: GATHER(uint16_t, UINT16_MAX) break;
    case 4:
        if (field->type == CRM_TYPE_DATE) {
            GATHER(int32_t, INT32_MIN)
        } else {
            GATHER(uint32_t, UINT32_MAX)
        }
        break;
    default: GATHER(int64_t, INT64_MIN) break;
    }
#undef GATHER
}

static uint32_t filter(const struct predicate *condition, const uint8_t *cells, uint32_t count, uint16_t *selected,
                       bool first, int64_t *values)
{
    uint32_t kept = 0;
    if (first && condition->field->width == 2 && condition->op == CRM_OP_EQ && condition->count == 1)
        return keep_equal16((const uint16_t *)(const void *)cells, condition->operands[0].integer, count, selected);
    gather(condition->field, cells, first ? NULL : selected, count, values);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t at = first ? (uint16_t)i : selected[i];
        selected[kept] = at;
        kept += cell_answers(condition, values[i] != group_none, values[i]);
    }
    return kept;
}

struct block {
    uint32_t start, count; /* records */
    uint32_t kept;
    uint16_t selected[BLOCK];
    uint32_t groups[BLOCK]; /* their positions */
    int64_t values[BLOCK], others[BLOCK];
};

static const uint8_t *cells_of(const struct grouping *g, const struct field *field, struct block *block)
{
    uint32_t count;
    const uint8_t *cells = column_run(g->query->view->generation->arena, field->column, block->start, &count);
    if (cells != NULL && count < block->count)
        block->count = count;
    return cells;
}

static uint32_t keep_live(const struct grouping *g, struct block *block)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = row_at(g->query->view->generation, g->query->kind, block->start + i);
        if (row != NULL && row->head != 0 && !(row->state & ROW_DELETED))
            block->selected[kept++] = (uint16_t)i;
    }
    return kept;
}

static bool select_block(struct grouping *g, struct block *block, bool all_live)
{
    crm_query *query = g->query;
    const uint8_t *cells[QUERY_CONDITIONS];
    bool first = all_live;
    for (uint32_t i = 0; i < query->condition_count; i++)
        if ((cells[i] = cells_of(g, query->conditions[i].field, block)) == NULL)
            return false;
    block->kept = block->count;
    if (!all_live)
        block->kept = keep_live(g, block);
    for (uint32_t i = 0; i < query->condition_count; i++, first = false)
        block->kept = filter(&query->conditions[i], cells[i], block->kept, block->selected, first, block->values);
    if (first)
        for (uint32_t i = 0; i < block->count; i++)
            block->selected[i] = (uint16_t)i;
    return true;
}

static bool key_block(struct grouping *g, struct block *block)
{
    crm_query *query = g->query;
    const uint8_t *cells[QUERY_KEYS] = {NULL};
    for (uint32_t k = 0; k < query->key_count; k++)
        if ((cells[k] = cells_of(g, query->keys[k].field, block)) == NULL)
            return false;
    if (g->dense && cells[0] != NULL) {
        const uint32_t *numbers = (const uint32_t *)(const void *)cells[0];
        for (uint32_t i = 0; i < block->kept; i++) {
            size_t at = numbers[block->selected[i]];
            block->groups[i] = (uint32_t)(at < g->capacity - 1 ? at : g->capacity - 1);
            __builtin_prefetch(group_at(g, block->groups[i]), 1);
        }
        return true;
    }
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t keys[QUERY_KEYS] = {0};
        for (uint32_t k = 0; k < query->key_count; k++) {
            struct field *field = query->keys[k].field;
            int64_t value;
            if (!cell_get(field, cells[k] + (size_t)block->selected[i] * field->width, &value))
                value = group_none;
            keys[k] = group_finish_key(
                g, k, query->keys[k].through == NULL ? group_cut(field, query->keys[k].unit, value) : value);
        }
        size_t at = group_place(g, keys);
        if (at == SIZE_MAX)
            return false;
        block->groups[i] = (uint32_t)at;
    }
    return true;
}

static void add_sums(struct grouping *g, const struct block *block, uint32_t m)
{
    bool overflow = false;
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t *cell = &group_at(g, block->groups[i])->measures[m];
        int64_t value = block->values[i];
        if (value == group_none)
            continue;
        overflow |= __builtin_add_overflow(*cell == group_none ? 0 : *cell, value, cell);
    }
    g->overflow |= overflow;
}

/* `none` is the least of all numbers: for the greatest it needs no care. */
static void add_extremes(struct grouping *g, const struct block *block, uint32_t m, bool greatest)
{
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t *cell = &group_at(g, block->groups[i])->measures[m];
        int64_t value = block->values[i];
        if (greatest ? value > *cell : value != group_none && (*cell == group_none || value < *cell))
            *cell = value;
    }
}

static bool check_currencies(struct grouping *g, struct block *block)
{
    const uint8_t *cells = g->currency == NULL ? NULL : cells_of(g, g->currency, block);
    if (g->currency != NULL && cells == NULL)
        return false;
    if (cells != NULL)
        gather(g->currency, cells, block->selected, block->kept, block->others);
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t currency = cells == NULL || block->others[i] == group_none ? g->base_currency : block->others[i];
        if (block->values[i] != group_none)
            group_note_currency(g, group_at(g, block->groups[i]), currency);
    }
    return true;
}

static bool measure_block(struct grouping *g, struct block *block)
{
    crm_query *query = g->query;
    for (uint32_t i = 0; i < block->kept; i++)
        group_at(g, block->groups[i])->count++;
    for (uint32_t m = 0; m < query->measure_count; m++) {
        struct field *field = query->measures[m].field;
        const uint8_t *cells = cells_of(g, field, block);
        if (cells == NULL)
            return false;
        gather(field, cells, block->selected, block->kept, block->values);
        if (query->measures[m].what == CRM_MEASURE_SUM)
            add_sums(g, block, m);
        else
            add_extremes(g, block, m, query->measures[m].what == CRM_MEASURE_MAX);
        if (field->type == CRM_TYPE_MONEY && !check_currencies(g, block))
            return false;
    }
    return true;
}

bool group_by_blocks(struct grouping *g)
{
    crm_query *query = g->query;
    const struct kind_store *store = kind_store(query->view->generation, query->kind);
    struct block *block = memory_alloc(query->view->db->memory, sizeof *block);
    bool fine = block != NULL;
    uint32_t rows = store == NULL ? 0 : store->rows;
    bool all_live = store != NULL && store->live == store->rows;
    for (uint32_t at = 0; fine && at < rows; at += block->count) {
        block->start = at;
        /* Blocks keep to the columns' chunks, which all lie alike. */
        block->count = BLOCK - at % BLOCK < rows - at ? BLOCK - at % BLOCK : rows - at;
        fine = select_block(g, block, all_live) && key_block(g, block) && measure_block(g, block);
    }
    g->no_memory |= block == NULL;
    memory_free(query->view->db->memory, block);
    return fine;
}
