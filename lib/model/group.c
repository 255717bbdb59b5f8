/* group: counts, sums, least and greatest over all that a query matches.
 *
 * Where conditions, keys and measures are columns and the view is the newest, a
 * block of cells at a time is filtered, keyed and added up, at the speed of
 * memory.  Otherwise each candidate is judged and read one by one.  With one
 * reference as the key the groups are an array by record number; else a hash
 * table of the keys.
 *
 * A group is one run of cells: how many records, the currency of its money,
 * then a cell a measure.
 */
#include "model/query.h"

#include "model/moment.h"
#include "model/table.h"
#include "sys/checksum.h"

#include <string.h>

enum { BLOCK = 4096 };
static const int64_t none = INT64_MIN; /* no value: stored fields never hold it */

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

static struct group *group_at(const struct grouping *g, size_t at)
{
    return (struct group *)(void *)(g->groups + at * g->stride);
}

/* ---- keys ---- */

/* A text's place among the texts seen so far, found by its hash. */
static int64_t intern(struct grouping *g, const char *text, size_t length)
{
    const struct memory *memory = g->query->view->db->memory;
    if ((g->text_count + 1) * 2 > g->text_capacity) {
        size_t capacity = g->text_capacity == 0 ? 64 : g->text_capacity * 2;
        int64_t *larger = memory_zero(memory, capacity, sizeof *larger); /* place + 1; 0: free */
        if (larger == NULL) {
            g->no_memory = true;
            return none;
        }
        for (size_t i = 0; i < g->text_capacity; i++) {
            if (g->text_slots[i] == 0)
                continue;
            uint32_t known;
            memcpy(&known, g->texts.data + g->text_slots[i] - 1, sizeof known);
            size_t to = hash_bytes(0, g->texts.data + g->text_slots[i] - 1 + sizeof known, known) & (capacity - 1);
            while (larger[to] != 0)
                to = (to + 1) & (capacity - 1);
            larger[to] = g->text_slots[i];
        }
        memory_free(memory, g->text_slots);
        g->text_slots = larger;
        g->text_capacity = capacity;
    }
    size_t slot = hash_bytes(0, text, length) & (g->text_capacity - 1);
    for (; g->text_slots[slot] != 0; slot = (slot + 1) & (g->text_capacity - 1)) {
        int64_t at = g->text_slots[slot] - 1;
        uint32_t known;
        memcpy(&known, g->texts.data + at, sizeof known);
        if (known == length && memcmp(g->texts.data + at + sizeof known, text, length) == 0)
            return at;
    }
    int64_t place = (int64_t)g->texts.length;
    uint32_t size = (uint32_t)length;
    buffer_append(&g->texts, &size, sizeof size);
    buffer_append(&g->texts, text, length);
    g->no_memory |= g->texts.failed;
    g->text_slots[slot] = place + 1;
    g->text_count++;
    return place;
}

static int64_t cut(const struct field *field, int32_t unit, int64_t value)
{
    static const int periods[] = {0, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_QUARTER, PERIOD_YEAR};
    if (unit == CRM_UNIT_NONE || value == none || (field->type != CRM_TYPE_DATE && field->type != CRM_TYPE_TIME))
        return value;
    int32_t day = field->type == CRM_TYPE_DATE ? (int32_t)value : instant_date(value);
    return period_start(day, periods[unit]);
}

static int64_t key_of_value(struct grouping *g, const struct field *field, int32_t unit, int got,
                            const struct value *value)
{
    const char *text;
    size_t length;
    if (got != 1)
        return none;
    if (value->what == VALUE_INT)
        return cut(field, unit, value->integer);
    if (!value_text(value, &g->query->view->scratch2, &text, &length))
        return none;
    return intern(g, text, length);
}

/* The target's field for every record of the target's kind, read once. */
static bool load_through(struct grouping *g, uint32_t k)
{
    crm_query *query = g->query;
    struct kind *kind = query->keys[k].target;
    struct field *field = query->keys[k].through;
    uint32_t rows = kind_rows(query->view->generation, kind);
    g->through[k] = memory_alloc(query->view->db->memory, ((size_t)rows + 1) * sizeof(int64_t));
    if (g->through[k] == NULL)
        return false;
    g->through_count[k] = rows;
    for (uint32_t n = 0; n < rows; n++) {
        struct row row;
        struct version version;
        struct value value;
        g->through[k][n] = none;
        if (view_row(query->view, kind, n, &row) == VIEW_ROW_NONE ||
            version_of_row(query->view->generation, query->view->txn, kind, n, &row, &version) != CRM_OK)
            continue;
        g->through[k][n] = key_of_value(g, field, query->keys[k].unit, version_field(&version, field, &value), &value);
    }
    return true;
}

static int64_t finish_key(const struct grouping *g, uint32_t k, int64_t value)
{
    if (g->through[k] == NULL)
        return value;
    return value == none || (uint64_t)value >= g->through_count[k] ? none : g->through[k][value];
}

/* ---- groups ---- */

static void clear_group(const struct grouping *g, struct group *group)
{
    memset(group, 0, sizeof *group);
    for (uint32_t m = 0; m < g->query->measure_count; m++)
        group->measures[m] = none;
}

static bool make_dense(struct grouping *g, uint32_t targets)
{
    g->dense = true;
    g->capacity = (size_t)targets + 1;
    g->groups = memory_alloc(g->query->view->db->memory, g->capacity * g->stride);
    for (size_t i = 0; g->groups != NULL && i < g->capacity; i++)
        clear_group(g, group_at(g, i));
    return g->groups != NULL;
}

static uint64_t hash_keys(const int64_t *keys, uint32_t count)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count; i++)
        hash = hash_mix(hash ^ (uint64_t)keys[i]);
    return hash;
}

static bool grow_groups(struct grouping *g)
{
    const struct memory *memory = g->query->view->db->memory;
    size_t capacity = g->capacity == 0 ? 64 : g->capacity * 2;
    uint32_t key_count = g->query->key_count;
    void *groups = memory_resize(memory, g->groups, capacity * g->stride);
    if (groups != NULL)
        g->groups = groups;
    int64_t *keys = memory_resize(memory, g->keys, (capacity * key_count + 1) * sizeof *keys);
    if (keys != NULL)
        g->keys = keys;
    uint32_t *slots = memory_zero(memory, capacity * 2, sizeof *slots);
    if (groups == NULL || keys == NULL || slots == NULL) {
        memory_free(memory, slots);
        return false;
    }
    memory_free(memory, g->slots);
    g->slots = slots;
    g->slot_mask = capacity * 2 - 1;
    g->capacity = capacity;
    for (size_t i = 0; i < g->count; i++) {
        size_t slot = hash_keys(g->keys + i * key_count, key_count) & g->slot_mask;
        while (slots[slot] != 0)
            slot = (slot + 1) & g->slot_mask;
        slots[slot] = (uint32_t)i + 1;
    }
    return true;
}

/* Its position, because groups move when they grow; SIZE_MAX: no memory. */
static size_t group_of(struct grouping *g, const int64_t *keys)
{
    uint32_t key_count = g->query->key_count;
    if (g->dense)
        return keys[0] == none || (uint64_t)keys[0] >= g->capacity - 1 ? g->capacity - 1 : (size_t)keys[0];
    if (g->count == g->capacity && !grow_groups(g)) {
        g->no_memory = true;
        return SIZE_MAX;
    }
    size_t slot = hash_keys(keys, key_count) & g->slot_mask;
    for (; g->slots[slot] != 0; slot = (slot + 1) & g->slot_mask)
        if (memcmp(g->keys + (g->slots[slot] - 1) * key_count, keys, key_count * sizeof *keys) == 0)
            return g->slots[slot] - 1;
    clear_group(g, group_at(g, g->count));
    memcpy(g->keys + g->count * key_count, keys, key_count * sizeof *keys);
    g->slots[slot] = (uint32_t)++g->count;
    return g->count - 1;
}

static double as_real(int64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static int64_t as_bits(double real)
{
    int64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static void add_real(int32_t what, int64_t *cell, double value)
{
    double old = as_real(*cell);
    if (*cell == none)
        *cell = as_bits(value);
    else if (what == CRM_MEASURE_SUM)
        *cell = as_bits(old + value);
    else if (what == CRM_MEASURE_MIN ? value < old : value > old)
        *cell = as_bits(value);
}

static inline void add_measure(struct grouping *g, int32_t what, int64_t *cell, int64_t value)
{
    if (*cell == none)
        *cell = value;
    else if (what == CRM_MEASURE_SUM)
        g->overflow |= __builtin_add_overflow(*cell, value, cell);
    else if (what == CRM_MEASURE_MIN ? value < *cell : value > *cell)
        *cell = value;
}

static inline void note_currency(struct grouping *g, struct group *group, int64_t currency)
{
    if (group->currency == 0)
        group->currency = (uint32_t)currency;
    g->mixed |= group->currency != (uint32_t)currency;
}

/* ---- one by one ---- */

static bool has_money(const crm_query *query)
{
    for (uint32_t m = 0; m < query->measure_count; m++)
        if (query->measures[m].field->type == CRM_TYPE_MONEY)
            return true;
    return false;
}

static bool add_row(crm_query *query, uint32_t number, struct grouping *g, const struct row *row)
{
    int64_t keys[QUERY_KEYS] = {0};
    struct value value;
    for (uint32_t k = 0; k < query->key_count; k++) {
        int got = query_value(query, query->keys[k].field, number, row, &value);
        bool direct = query->keys[k].through == NULL;
        keys[k] = finish_key(g, k,
                             direct     ? key_of_value(g, query->keys[k].field, query->keys[k].unit, got, &value)
                             : got == 1 ? value.integer
                                        : none);
    }
    size_t at = group_of(g, keys);
    if (at == SIZE_MAX)
        return false;
    struct group *group = group_at(g, at);
    group->count++;
    for (uint32_t m = 0; m < query->measure_count; m++) {
        struct field *field = query->measures[m].field;
        if (query_value(query, field, number, row, &value) != 1)
            continue;
        if (value.what == VALUE_REAL)
            add_real(query->measures[m].what, &group->measures[m], value.real);
        else
            add_measure(g, query->measures[m].what, &group->measures[m], value.integer);
        if (field->type == CRM_TYPE_MONEY) {
            bool own = g->currency != NULL && query_value(query, g->currency, number, row, &value) == 1;
            note_currency(g, group, own ? value.integer : g->base_currency);
        }
    }
    return query->status == CRM_OK;
}

static bool one_by_one(struct grouping *g)
{
    crm_query *query = g->query;
    query->collected = true;
    if (!run_collect(query, true))
        return false;
    for (size_t i = 0; i < query->hit_count; i++) {
        struct row row;
        if (view_row(query->view, query->kind, query->hits[i].number, &row) != VIEW_ROW_NONE &&
            !add_row(query, query->hits[i].number, g, &row))
            return false;
    }
    return true;
}

/* ---- a block of cells at a time ---- */

static bool is_cell(const struct field *field)
{
    return field->column != 0 && field->type != CRM_TYPE_REAL;
}

static bool can_block(const crm_query *query, const struct field *currency)
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
    return currency == NULL || !has_money(query) || is_cell(currency);
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
        out[i] = cell == (missing) ? none : (int64_t)cell;                                   \
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
        kept += cell_answers(condition, values[i] != none, values[i]);
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
                value = none;
            keys[k] = finish_key(g, k, query->keys[k].through == NULL ? cut(field, query->keys[k].unit, value) : value);
        }
        size_t at = group_of(g, keys);
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
        if (value == none)
            continue;
        overflow |= __builtin_add_overflow(*cell == none ? 0 : *cell, value, cell);
    }
    g->overflow |= overflow;
}

/* `none` is the least of all numbers: for the greatest it needs no care. */
static void add_extremes(struct grouping *g, const struct block *block, uint32_t m, bool greatest)
{
    for (uint32_t i = 0; i < block->kept; i++) {
        int64_t *cell = &group_at(g, block->groups[i])->measures[m];
        int64_t value = block->values[i];
        if (greatest ? value > *cell : value != none && (*cell == none || value < *cell))
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
        int64_t currency = cells == NULL || block->others[i] == none ? g->base_currency : block->others[i];
        if (block->values[i] != none)
            note_currency(g, group_at(g, block->groups[i]), currency);
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

static bool by_blocks(struct grouping *g)
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

/* ---- the table ---- */

struct title_source {
    crm_view *view;
    struct kind *kind;
};

static bool look_up_title(void *context, uint32_t number, struct buffer *title, crm_id *id)
{
    struct title_source *source = context;
    crm_record *record = NULL;
    struct row row;
    size_t length;
    if (view_begin(source->view, NULL) != CRM_OK)
        return false;
    bool found = view_row(source->view, source->kind, number, &row) != VIEW_ROW_NONE &&
                 record_open(source->view, source->kind, number, &row, &record, NULL) == CRM_OK;
    view_end(source->view);
    if (!found)
        return false;
    *id = row.id;
    const char *text = crm_title(record, &length);
    buffer_append(title, text, length);
    crm_record_free(record);
    return true;
}

static void release_source(void *context)
{
    struct title_source *source = context;
    const struct memory *memory = source->view->db->memory;
    view_release(source->view);
    memory_free(memory, source);
}

static bool give_source(crm_table *table, uint32_t column, crm_view *view, uint32_t kind)
{
    struct title_source *source = memory_alloc(view->db->memory, sizeof *source);
    if (source == NULL)
        return false;
    *source = (struct title_source){view, schema_kind(&view->generation->schema, kind)};
    view_reference(view);
    struct table_source calls = {source, look_up_title, release_source};
    table_set_source(table, column, &calls);
    return true;
}

static const struct field *key_field(const crm_query *query, uint32_t k)
{
    return query->keys[k].through != NULL ? query->keys[k].through : query->keys[k].field;
}

static void name_column(const crm_query *query, uint32_t k, struct buffer *name)
{
    name->length = 0;
    buffer_text(name, query->keys[k].field->name);
    if (query->keys[k].through != NULL)
        buffer_format(name, ".%s", query->keys[k].through->name);
    buffer_byte(name, 0);
}

static bool add_columns(struct grouping *g, crm_table *table)
{
    static const char *const verbs[] = {"", "sum", "min", "max"};
    crm_query *query = g->query;
    struct buffer *name = &query->note;
    for (uint32_t k = 0; k < query->key_count; k++) {
        const struct field *field = key_field(query, k);
        int32_t type = query->keys[k].unit != CRM_UNIT_NONE ? CRM_TYPE_DATE : field->type;
        name_column(query, k, name);
        if (name->failed)
            return false;
        uint32_t column = table_add_column(table, (const char *)name->data, type);
        if (type == CRM_TYPE_REF && !give_source(table, column, query->view, field->target))
            return false;
        if (type == CRM_TYPE_DECIMAL)
            table_set_scale(table, column, field->target);
    }
    table_add_column(table, "count", CRM_TYPE_INT);
    for (uint32_t m = 0; m < query->measure_count; m++) {
        const struct field *field = query->measures[m].field;
        name->length = 0;
        buffer_format(name, "%s_%s", verbs[query->measures[m].what], field->name);
        buffer_byte(name, 0);
        uint32_t column = table_add_column(table, name->failed ? "" : (const char *)name->data, field->type);
        if (field->type == CRM_TYPE_DECIMAL)
            table_set_scale(table, column, field->target);
    }
    return true;
}

/* Groups in the order of their keys, those without last. */
static int compare_groups(const struct grouping *g, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < g->query->key_count; k++) {
        int64_t x = g->keys[a * g->query->key_count + k], y = g->keys[b * g->query->key_count + k];
        if (x == y)
            continue;
        if (x == none || y == none)
            return x == none ? 1 : -1;
        if (key_field(g->query, k)->type == CRM_TYPE_TEXT) {
            uint32_t length_x, length_y;
            memcpy(&length_x, g->texts.data + x, sizeof length_x);
            memcpy(&length_y, g->texts.data + y, sizeof length_y);
            uint32_t shorter = length_x < length_y ? length_x : length_y;
            int compared = memcmp(g->texts.data + x + 4, g->texts.data + y + 4, shorter);
            return compared != 0 ? compared : length_x < length_y ? -1 : 1;
        }
        return x < y ? -1 : 1;
    }
    return 0;
}

static void sort_groups(const struct grouping *g, uint32_t *order, uint32_t *other, size_t count)
{
    uint32_t *from = order, *to = other;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            size_t a = low, b = middle;
            for (size_t at = low; at < high; at++)
                to[at] = a < middle && (b >= high || compare_groups(g, from[a], from[b]) <= 0) ? from[a++] : from[b++];
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, count * sizeof *order);
}

static void put_key(struct grouping *g, crm_table *table, uint32_t k, int64_t key)
{
    const struct field *field = key_field(g->query, k);
    if (key == none) {
        table_put_null(table, k);
    } else if (field->type == CRM_TYPE_TEXT) {
        uint32_t length;
        memcpy(&length, g->texts.data + key, sizeof length);
        table_put_text(table, k, (const char *)g->texts.data + key + sizeof length, length);
    } else if (field->type == CRM_TYPE_CHOICE) {
        const struct choice *choice = schema_choice(field, key);
        table_put_choice(table, k, key, choice == NULL ? NULL : choice->name);
    } else {
        table_put_int(table, k, key); /* a reference's number: its source gives the title */
    }
}

static void put_group(struct grouping *g, crm_table *table, const struct group *group)
{
    crm_query *query = g->query;
    table_put_int(table, query->key_count, group->count);
    for (uint32_t m = 0; m < query->measure_count; m++) {
        uint32_t column = query->key_count + 1 + m;
        if (group->measures[m] == none)
            table_put_null(table, column);
        else if (query->measures[m].field->type == CRM_TYPE_MONEY)
            table_put_money(table, column, group->measures[m], (int32_t)group->currency);
        else
            table_put_int(table, column, group->measures[m]); /* a real by its bits */
    }
}

static bool put_hashed(struct grouping *g, crm_table *table)
{
    const struct memory *memory = g->query->view->db->memory;
    uint32_t *order = memory_alloc(memory, (g->count + 1) * 2 * sizeof *order);
    if (order == NULL)
        return false;
    for (size_t i = 0; i < g->count; i++)
        order[i] = (uint32_t)i;
    sort_groups(g, order, order + g->count + 1, g->count);
    for (size_t i = 0; i < g->count; i++) {
        table_add_row(table);
        for (uint32_t k = 0; k < g->query->key_count; k++)
            put_key(g, table, k, g->keys[order[i] * g->query->key_count + k]);
        put_group(g, table, group_at(g, order[i]));
    }
    memory_free(memory, order);
    return true;
}

/* Straight into the columns, because there may be as many groups as customers. */
static bool put_dense(struct grouping *g, crm_table *table)
{
    uint32_t measures = g->query->measure_count;
    int64_t *values[2 + QUERY_MEASURES];
    uint8_t *has[2 + QUERY_MEASURES];
    uint16_t *currencies[2 + QUERY_MEASURES] = {NULL};
    size_t count = 0, row = 0;
    for (size_t i = 0; i < g->capacity; i++)
        count += group_at(g, i)->count > 0;
    table_add_rows(table, count);
    for (uint32_t c = 0; c < 2 + measures; c++) {
        values[c] = table_values(table, c);
        has[c] = table_present(table, c);
        if (c >= 2 && g->query->measures[c - 2].field->type == CRM_TYPE_MONEY)
            currencies[c] = table_currencies(table, c);
        if (values[c] == NULL || has[c] == NULL)
            return false;
    }
    for (size_t i = 0; i < g->capacity; i++) {
        const struct group *group = group_at(g, i);
        if (group->count == 0)
            continue;
        values[0][row] = (int64_t)i;
        has[0][row] = i + 1 < g->capacity;
        values[1][row] = group->count;
        has[1][row] = 1;
        for (uint32_t m = 0; m < measures; m++) {
            has[2 + m][row] = group->measures[m] != none;
            values[2 + m][row] = group->measures[m] != none ? group->measures[m] : 0;
            if (currencies[2 + m] != NULL)
                currencies[2 + m][row] = (uint16_t)group->currency;
        }
        row++;
    }
    return true;
}

/* ---- the public calls ---- */

int32_t crm_query_group(crm_query *query, uint32_t number, uint32_t through, int32_t unit)
{
    if (query == NULL)
        return CRM_MISUSE;
    struct field *field = schema_field(query->kind, number);
    if (query->key_count == QUERY_KEYS)
        return query_fail(query, CRM_FULL, "a query groups by at most %d keys", QUERY_KEYS);
    if (field == NULL || type_is_list(field->type) || field->type == CRM_TYPE_ANY_REF || field->type == CRM_TYPE_REAL ||
        unit < CRM_UNIT_NONE || unit > CRM_UNIT_YEAR)
        return query_fail(query, CRM_INVALID, "%s records cannot be grouped by field %u", query->kind->name, number);
    query->keys[query->key_count].field = field;
    query->keys[query->key_count].through = NULL;
    query->keys[query->key_count].unit = unit;
    if (through != 0) {
        struct kind *target =
            field->type == CRM_TYPE_REF ? schema_kind(&query->view->generation->schema, field->target) : NULL;
        struct field *end = target == NULL ? NULL : schema_field(target, through);
        if (end == NULL || type_is_list(end->type) || end->type == CRM_TYPE_REAL || end->type == CRM_TYPE_ANY_REF)
            return query_fail(query, CRM_INVALID, "%s.%s leads to no field %u to group by", query->kind->name,
                              field->name, through);
        query->keys[query->key_count].through = end;
        query->keys[query->key_count].target = target;
    }
    query->key_count++;
    return CRM_OK;
}

int32_t crm_query_measure(crm_query *query, int32_t measure, uint32_t number)
{
    if (query == NULL)
        return CRM_MISUSE;
    struct field *field = schema_field(query->kind, number);
    if (query->measure_count == QUERY_MEASURES)
        return query_fail(query, CRM_FULL, "a query has at most %d measures", QUERY_MEASURES);
    bool fits = field != NULL &&
                (field->type == CRM_TYPE_REAL || (type_is_int(field->type) && field->type != CRM_TYPE_CURRENCY));
    bool sums = fits && field->type != CRM_TYPE_TIME && field->type != CRM_TYPE_DATE && field->type != CRM_TYPE_CHOICE;
    if (!fits || measure < CRM_MEASURE_SUM || measure > CRM_MEASURE_MAX || (measure == CRM_MEASURE_SUM && !sums))
        return query_fail(query, CRM_INVALID, "field %u of %s records cannot be measured so", number,
                          query->kind->name);
    query->measures[query->measure_count].what = measure;
    query->measures[query->measure_count++].field = field;
    return CRM_OK;
}

static void grouping_free(struct grouping *g)
{
    const struct memory *memory = g->query->view->db->memory;
    memory_free(memory, g->groups);
    memory_free(memory, g->keys);
    memory_free(memory, g->slots);
    memory_free(memory, g->text_slots);
    for (uint32_t k = 0; k < QUERY_KEYS; k++)
        memory_free(memory, g->through[k]);
    buffer_free(&g->texts);
}

static struct field *currency_field(const struct kind *kind)
{
    for (uint32_t i = 0; i < kind->field_count; i++)
        if (kind->fields[i]->type == CRM_TYPE_CURRENCY && !kind->fields[i]->removed)
            return kind->fields[i];
    return NULL;
}

static bool prepare(struct grouping *g)
{
    crm_query *query = g->query;
    for (uint32_t k = 0; k < query->key_count; k++)
        if (query->keys[k].through != NULL && !load_through(g, k))
            return false;
    const struct field *field = query->key_count == 1 ? query->keys[0].field : NULL;
    if (field != NULL && query->keys[0].through == NULL && field->type == CRM_TYPE_REF)
        return make_dense(
            g, kind_rows(query->view->generation, schema_kind(&query->view->generation->schema, field->target)));
    return grow_groups(g);
}

static int32_t group_all(struct grouping *g, crm_table *table)
{
    crm_query *query = g->query;
    if (!query->planned)
        plan_make(query);
    if (!view_is_current(query->view) && view_overlay(query->view, &query->error) != CRM_OK)
        return query->status = CRM_NOMEM;
    /* Adding up needs no order, and a scan of columns beats an index that keeps much. */
    if (query->plan.what == PLAN_TREE && query->plan.estimate > query->plan.rows / 8) {
        struct plan scan = {.what = PLAN_SCAN, .rows = query->plan.rows, .estimate = query->plan.rows};
        struct plan kept = query->plan;
        query->plan = scan;
        if (!can_block(query, g->currency))
            query->plan = kept;
    }
    bool fine = prepare(g) && (can_block(query, g->currency) ? by_blocks(g) : one_by_one(g));
    if (query->view->generation->arena->damaged)
        return query_fail(query, CRM_CORRUPT, "the index is damaged; ask again: it is built anew");
    if (query->status != CRM_OK)
        return query->status;
    if (g->mixed)
        return query_fail(query, CRM_REFUSED, "the sum mixes currencies: group by the currency, or ask for one only");
    if (g->overflow)
        return query_fail(query, CRM_FULL, "the sum does not fit 64 bits");
    if (!fine || g->no_memory || !add_columns(g, table) || !(g->dense ? put_dense(g, table) : put_hashed(g, table)))
        return query_fail(query, CRM_NOMEM, "out of memory");
    return CRM_OK;
}

int32_t crm_query_groups(crm_query *query, crm_table **out, crm_error *error)
{
    if (query == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_query_groups needs a query and a place for the table");
    *out = NULL;
    const struct memory *memory = query->view->db->memory;
    struct grouping g = {.query = query, .currency = currency_field(query->kind)};
    g.stride = sizeof(struct group) + query->measure_count * sizeof(int64_t);
    g.base_currency = db_currency(query->view->db);
    buffer_init(&g.texts, memory);
    crm_table *table = table_create(memory);
    int32_t status = query->status == CRM_OK ? view_begin(query->view, &query->error) : query->status;
    if (status == CRM_OK) {
        status = table == NULL ? error_nomem(&query->error) : group_all(&g, table);
        view_end(query->view);
    }
    grouping_free(&g);
    if (status == CRM_OK)
        return table_finish(table, out, error);
    crm_table_free(table);
    if (error != NULL)
        *error = query->error;
    return status;
}
