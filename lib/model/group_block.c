/* group_block: groups over columns, a block of cells at a time, at the speed of
 * memory.  See group.c for when.
 *
 * A tenth of the records touches most lines of a column, in steps that the
 * processor does not foresee.  So each pass over a block also asks for a piece
 * of what the same pass will read in the next block: it is there by then.
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

/* What one comparison asks of a value: to be among `width` numbers from `low`
 * on, or not to be.  What is not set is `none`, below all values. */
struct range {
    uint64_t low, width;
    bool outside;
};

static struct range range_of(const struct predicate *condition)
{
    const uint64_t first = (uint64_t)group_none + 1, behind = (uint64_t)INT64_MAX + 1;
    int32_t op = condition->op;
    if (op == CRM_OP_SET || op == CRM_OP_NOT_SET)
        return (struct range){first, UINT64_MAX, op == CRM_OP_NOT_SET};
    uint64_t sought = condition->count == 0 ? first : (uint64_t)condition->operands[0].integer;
    if (condition->count == 0 || sought + 1 == first) /* less than any value */
        return (struct range){first, op == CRM_OP_GT || op == CRM_OP_GE ? UINT64_MAX : 0, op == CRM_OP_NE};
    switch (op) {
    case CRM_OP_EQ:
    case CRM_OP_NE: return (struct range){sought, 1, op == CRM_OP_NE};
    case CRM_OP_LT: return (struct range){first, sought - first, false};
    case CRM_OP_LE: return (struct range){first, sought + 1 - first, false};
    case CRM_OP_GT: return (struct range){sought + 1, behind - sought - 1, false};
    default: return (struct range){sought, behind - sought, false};
    }
}

enum { LANES = 8, WORD = 64 };
typedef uint16_t cells16 __attribute__((vector_size(16)));

/* A bit for each of 64 cells that is equal.  Eight are compared at once; each
 * leaves two bits of its own in its lane, so or-ing the lanes loses none. */
static uint64_t equal_bits(const uint16_t *cells, uint16_t sought)
{
    const cells16 low = {1, 2, 4, 8, 16, 32, 64, 128}, high = low << LANES;
    uint64_t bits = 0;
    for (unsigned i = 0; i < WORD; i += 2 * LANES) {
        cells16 a, b;
        uint64_t halves[2];
        memcpy(&a, cells + i, sizeof a);
        memcpy(&b, cells + i + LANES, sizeof b);
        a = ((cells16)(a == sought) & low) | ((cells16)(b == sought) & high);
        memcpy(halves, &a, sizeof a);
        halves[0] |= halves[1];
        halves[0] |= halves[0] >> 32;
        halves[0] |= halves[0] >> 16;
        bits |= (halves[0] & UINT16_MAX) << i;
    }
    return bits;
}

/* The commonest filter: one small code is sought. */
static uint32_t keep_equal16(const uint16_t *cells, int64_t sought, uint32_t count, uint16_t *selected)
{
    if (sought < 0 || sought >= UINT16_MAX)
        return 0; /* no cell holds it; its low bits would mean another */
    uint32_t kept = 0, i = 0;
    for (; i + WORD <= count; i += WORD)
        for (uint64_t bits = equal_bits(cells + i, (uint16_t)sought); bits != 0; bits &= bits - 1)
            selected[kept++] = (uint16_t)(i + (uint32_t)__builtin_ctzll(bits));
    for (; i < count; i++) {
        selected[kept] = (uint16_t)i;
        kept += cells[i] == sought;
    }
    return kept;
}

/* A stretch of records, and their cells in each column. */
struct stretch_cells {
    uint32_t start, count;
    const uint8_t *conditions[QUERY_CONDITIONS], *keys[QUERY_KEYS], *measures[QUERY_MEASURES], *currencies;
    const struct row *rows; /* NULL: all are live */
};

struct block {
    struct stretch_cells now, next;
    uint32_t kept;
    uint16_t selected[BLOCK];
    struct group *groups[BLOCK]; /* of the selected */
    uint32_t places[BLOCK];
    int64_t values[BLOCK]; /* of narrow cells, by their place in the block */
};

/* What to ask for while the i-th selected record is worked on: step by step all cells of the next block. */
struct ahead {
    const uint8_t *cells;
    size_t step;
};

/* `cells` NULL: there is nothing to ask for. */
static struct ahead ahead_of(const struct block *block, const void *cells, uint32_t width)
{
    if (cells == NULL)
        return (struct ahead){(const uint8_t *)block, 0};
    return (struct ahead){cells, (size_t)block->next.count * width / (block->kept | 1)};
}

static inline void ask(struct ahead ahead, uint32_t i)
{
    __builtin_prefetch(ahead.cells + i * ahead.step);
}

/* The values of the selected cells by their place, `none` where not set: the
 * cells themselves where they are as wide; else the width is asked for once,
 * not for each. */
static const int64_t *values_of(const struct field *field, const uint8_t *cells, struct block *block)
{
    int64_t *out = block->values;
#define WIDEN(type, missing)                                      \
    for (uint32_t i = 0; i < block->kept; i++) {                  \
        uint32_t at = block->selected[i];                         \
        type cell = ((const type *)(const void *)cells)[at];      \
        out[at] = cell == (missing) ? group_none : (int64_t)cell; \
    }
    switch (field->width) {
    case 1: WIDEN(uint8_t, UINT8_MAX) break;
    case 2: WIDEN(uint16_t, UINT16_MAX) break;
    case 4:
        if (field->type == CRM_TYPE_DATE) {
            WIDEN(int32_t, INT32_MIN)
        } else {
            WIDEN(uint32_t, UINT32_MAX)
        }
        break;
    default: return (const int64_t *)(const void *)cells;
    }
#undef WIDEN
    return out;
}

static bool is_listed(const struct predicate *condition, int64_t value)
{
    bool any = false;
    for (uint32_t i = 0; i < condition->count; i++)
        any |= value == condition->operands[i].integer;
    return any && value != group_none;
}

static void filter(const struct predicate *condition, const uint8_t *cells, struct block *block)
{
    const int64_t *values = values_of(condition->field, cells, block);
    uint16_t *selected = block->selected;
    const uint32_t count = block->kept;
    uint32_t kept = 0;
    if (condition->count > 1) {
        for (uint32_t i = 0; i < count; i++) {
            selected[kept] = selected[i];
            kept += is_listed(condition, values[selected[i]]);
        }
    } else {
        const struct range range = range_of(condition);
        for (uint32_t i = 0; i < count; i++) {
            uint16_t at = selected[i];
            selected[kept] = at;
            kept += ((uint64_t)values[at] - range.low < range.width) != range.outside;
        }
    }
    block->kept = kept;
}

static const void *cells_of(const struct grouping *g, uint64_t column, uint32_t width, struct stretch_cells *stretch)
{
    struct arena *arena = g->query->view->generation->arena;
    uint32_t count;
    const void *cells = column_run(arena, column, stretch->start, width, &count);
    if (cells != NULL && count < stretch->count)
        stretch->count = count;
    return cells;
}

static const void *cells_of_field(const struct grouping *g, const struct field *field, struct stretch_cells *stretch)
{
    return cells_of(g, field->column, field->width, stretch);
}

/* All columns at once: the shortest run of cells is the stretch's length. */
static bool open_stretch(const struct grouping *g, const struct kind_store *store, uint32_t at,
                         struct stretch_cells *stretch)
{
    const crm_query *query = g->query;
    bool fine = true;
    stretch->start = at;
    /* Blocks keep to the columns' chunks, which all lie alike. */
    stretch->count = BLOCK - at % BLOCK < store->rows - at ? BLOCK - at % BLOCK : store->rows - at;
    stretch->currencies = NULL;
    stretch->rows = NULL;
    for (uint32_t i = 0; i < query->condition_count; i++)
        fine = fine && (stretch->conditions[i] = cells_of_field(g, query->conditions[i].field, stretch)) != NULL;
    for (uint32_t k = 0; k < query->key_count; k++)
        fine = fine && (stretch->keys[k] = cells_of_field(g, query->keys[k].field, stretch)) != NULL;
    for (uint32_t m = 0; m < query->measure_count; m++)
        fine = fine && (stretch->measures[m] = cells_of_field(g, query->measures[m].field, stretch)) != NULL;
    if (g->currency != NULL && group_has_money(query))
        fine = fine && (stretch->currencies = cells_of_field(g, g->currency, stretch)) != NULL;
    if (store->live != store->rows)
        fine = fine && (stretch->rows = cells_of(g, store->rows_column, sizeof(struct row), stretch)) != NULL;
    return fine;
}

static void keep_live(struct block *block)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < block->kept; i++) {
        const uint16_t at = block->selected[i];
        const struct row *row = &block->now.rows[at];
        block->selected[kept] = at;
        kept += row->head != 0 && !(row->state & ROW_DELETED);
    }
    block->kept = kept;
}

static void select_block(const struct grouping *g, struct block *block)
{
    const crm_query *query = g->query;
    const struct predicate *conditions = query->conditions;
    uint32_t i = 0;
    if (query->condition_count > 0 && conditions[0].field->width == 2 && conditions[0].op == CRM_OP_EQ &&
        conditions[0].count == 1) {
        block->kept = keep_equal16((const uint16_t *)(const void *)block->now.conditions[0],
                                   conditions[0].operands[0].integer, block->now.count, block->selected);
        i = 1;
    } else {
        for (uint32_t at = 0; at < block->now.count; at++)
            block->selected[at] = (uint16_t)at;
        block->kept = block->now.count;
    }
    for (; i < query->condition_count; i++)
        filter(&conditions[i], block->now.conditions[i], block);
    if (block->now.rows != NULL) /* last: rows are wider than cells */
        keep_live(block);
}

static void key_dense(struct grouping *g, struct block *block)
{
    const uint32_t *numbers = (const uint32_t *)(const void *)block->now.keys[0];
    const size_t last = g->capacity - 1;
    const struct ahead ahead = ahead_of(block, block->next.keys[0], sizeof *numbers);
    for (uint32_t i = 0; i < block->kept; i++) {
        ask(ahead, i);
        size_t at = numbers[block->selected[i]];
        block->groups[i] = group_at(g, at < last ? at : last);
        __builtin_prefetch(block->groups[i], 1);
    }
}

static bool key_block(struct grouping *g, struct block *block)
{
    const crm_query *query = g->query;
    if (g->dense) {
        key_dense(g, block);
        return true;
    }
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t keys[QUERY_KEYS] = {0};
        for (uint32_t k = 0; k < query->key_count; k++) {
            struct field *field = query->keys[k].field;
            int64_t value;
            if (!cell_get(field, block->now.keys[k] + (size_t)block->selected[i] * field->width, &value))
                value = group_none;
            keys[k] = group_finish_key(
                g, k, query->keys[k].through == NULL ? group_cut(field, query->keys[k].unit, value) : value);
        }
        size_t at = group_place(g, keys);
        if (at == SIZE_MAX)
            return false;
        block->places[i] = (uint32_t)at;
    }
    for (uint32_t i = 0; i < block->kept; i++) /* now that they move no more */
        block->groups[i] = group_at(g, block->places[i]);
    return true;
}

static bool add_sums(const struct block *block, const int64_t *values, uint32_t m, struct ahead ahead)
{
    bool overflow = false;
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t *cell = &block->groups[i]->measures[m];
        int64_t value = values[block->selected[i]];
        ask(ahead, i);
        if (value == group_none)
            continue;
        overflow |= __builtin_add_overflow(*cell == group_none ? 0 : *cell, value, cell);
    }
    return overflow;
}

/* `none` is the least of all numbers; counted from the one behind it, the greatest. */
static void add_extremes(const struct block *block, const int64_t *values, uint32_t m, bool greatest,
                         struct ahead ahead)
{
    const uint64_t low = greatest ? (uint64_t)group_none : (uint64_t)group_none + 1;
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t *cell = &block->groups[i]->measures[m];
        int64_t value = values[block->selected[i]], old = *cell;
        ask(ahead, i);
        bool above = (uint64_t)value - low > (uint64_t)old - low;
        *cell = above == greatest ? value : old;
    }
}

/* Whether no record of the block says a currency, which is the rule. */
static bool all_unset16(const uint16_t *cells, uint32_t count)
{
    cells16 all = (cells16){0} - 1;
    uint32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        cells16 some;
        memcpy(&some, cells + i, sizeof some);
        all &= some;
    }
    uint16_t lanes[LANES], both = UINT16_MAX;
    memcpy(lanes, &all, sizeof all);
    for (uint32_t lane = 0; lane < LANES; lane++)
        both &= lanes[lane];
    for (; i < count; i++)
        both &= cells[i];
    return both == UINT16_MAX;
}

/* group_note_currency for each value that is set, without a branch to guess.
 * `cells` NULL: all are in the base currency.  False: mixed. */
static inline bool note_currencies(const struct block *block, const int64_t *values, const uint16_t *cells,
                                   uint32_t base)
{
    const struct ahead ahead = ahead_of(block, block->next.currencies, sizeof *cells);
    uint32_t differ = 0;
    for (uint32_t i = 0; i < block->kept; i++) {
        ask(ahead, i);
        struct group *group = block->groups[i];
        const uint32_t at = block->selected[i], old = group->currency;
        const uint32_t own = cells == NULL || cells[at] == UINT16_MAX ? base : cells[at];
        const uint32_t kept = old == 0 ? own : old;
        const bool set = values[at] != group_none;
        group->currency = set ? kept : old;
        differ |= set ? kept ^ own : 0;
    }
    return differ == 0;
}

static bool check_currencies(const struct grouping *g, const struct block *block, const int64_t *values)
{
    const uint16_t *cells = (const uint16_t *)(const void *)block->now.currencies;
    const uint32_t base = (uint32_t)g->base_currency;
    return cells == NULL || all_unset16(cells, block->now.count) ? note_currencies(block, values, NULL, base)
                                                                 : note_currencies(block, values, cells, base);
}

static void measure_block(struct grouping *g, struct block *block)
{
    const crm_query *query = g->query;
    const bool filtered = query->condition_count > 0;
    const struct ahead condition =
        ahead_of(block, filtered ? block->next.conditions[0] : NULL, filtered ? query->conditions[0].field->width : 0);
    for (uint32_t i = 0; i < block->kept; i++) {
        ask(condition, i);
        block->groups[i]->count++;
    }
    for (uint32_t m = 0; m < query->measure_count; m++) {
        const struct field *field = query->measures[m].field;
        const int64_t *values = values_of(field, block->now.measures[m], block);
        const struct ahead ahead = ahead_of(block, block->next.measures[m], field->width);
        if (query->measures[m].what == CRM_MEASURE_SUM)
            g->overflow |= add_sums(block, values, m, ahead);
        else
            add_extremes(block, values, m, query->measures[m].what == CRM_MEASURE_MAX, ahead);
        if (field->type == CRM_TYPE_MONEY)
            g->mixed |= !check_currencies(g, block, values);
    }
}

bool group_by_blocks(struct grouping *g)
{
    crm_query *query = g->query;
    const struct kind_store *store = kind_store(query->view->generation, query->kind);
    struct block *block = memory_alloc(query->view->db->memory, sizeof *block);
    bool fine = block != NULL;
    uint32_t rows = store == NULL ? 0 : store->rows;
    if (fine && rows > 0)
        fine = open_stretch(g, store, 0, &block->next);
    for (uint32_t at = 0; fine && at < rows;) {
        block->now = block->next;
        at += block->now.count;
        if (at < rows)
            fine = open_stretch(g, store, at, &block->next);
        if (!fine)
            break;
        select_block(g, block);
        fine = key_block(g, block);
        if (fine)
            measure_block(g, block);
    }
    g->no_memory |= block == NULL;
    memory_free(query->view->db->memory, block);
    return fine;
}
