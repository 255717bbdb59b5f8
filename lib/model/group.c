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
#include "model/group.h"

#include "model/moment.h"
#include "model/table.h"
#include "sys/checksum.h"
#include "sys/cold.h"

#include <string.h>

/* ---- keys ---- */

/* A text's place among the texts seen so far, found by its hash. */
COLD static int64_t intern(struct grouping *g, const char *text, size_t length)
{
    const struct memory *memory = g->query->view->db->memory;
    if ((g->text_count + 1) * 2 > g->text_capacity) {
        size_t capacity = g->text_capacity == 0 ? 64 : g->text_capacity * 2;
        int64_t *larger = memory_zero(memory, capacity, sizeof *larger); /* place + 1; 0: free */
        if (larger == NULL) {
            g->no_memory = true;
            return group_none;
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
    if (g->texts.failed) { /* a slot must not name what is not there */
        g->no_memory = true;
        return group_none;
    }
    g->text_slots[slot] = place + 1;
    g->text_count++;
    return place;
}

int64_t group_cut(const struct field *field, int32_t unit, int64_t value)
{
    static const int periods[] = {0, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_QUARTER, PERIOD_YEAR};
    if (unit == CRM_UNIT_NONE || value == group_none || (field->type != CRM_TYPE_DATE && field->type != CRM_TYPE_TIME))
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
        return group_none;
    if (value->what == VALUE_INT)
        return group_cut(field, unit, value->integer);
    if (!query_text(g->query, value, &text, &length))
        return group_none;
    return intern(g, text, length);
}

/* The target's field for every record of the target's kind, read once. */
COLD static bool load_through(struct grouping *g, uint32_t k)
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
        g->through[k][n] = group_none;
        if (view_row(query->view, kind, n, &row) == VIEW_ROW_NONE)
            continue;
        int32_t status = version_of_row(query->view, kind, n, &row, &version);
        if (status != CRM_OK) {
            query->view->trouble = status;
            continue;
        }
        g->through[k][n] = key_of_value(g, field, query->keys[k].unit, version_field(&version, field, &value), &value);
    }
    return true;
}

int64_t group_finish_key(const struct grouping *g, uint32_t k, int64_t value)
{
    if (g->through[k] == NULL)
        return value;
    return value == group_none || (uint64_t)value >= g->through_count[k] ? group_none : g->through[k][value];
}

/* ---- groups ---- */

static void clear_group(const struct grouping *g, struct group *group)
{
    memset(group, 0, sizeof *group);
    for (uint32_t m = 0; m < g->query->measure_count; m++)
        group->measures[m] = group_none;
}

enum { CLEARED = 128 };

static bool make_dense(struct grouping *g, uint32_t targets)
{
    g->dense = true;
    g->capacity = (size_t)targets + 1;
    g->groups = memory_alloc(g->query->view->db->memory, g->capacity * g->stride);
    if (g->groups == NULL)
        return false;
    /* Some one by one, then as many copies of these as there are groups. */
    size_t made = g->capacity < CLEARED ? g->capacity : CLEARED;
    for (size_t i = 0; i < made; i++)
        clear_group(g, group_at(g, i));
    for (size_t i = made, more; i < g->capacity; i += more) {
        more = made < g->capacity - i ? made : g->capacity - i;
        memcpy(group_at(g, i), g->groups, more * g->stride);
    }
    return true;
}

static uint64_t hash_keys(const int64_t *keys, uint32_t count)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count; i++)
        hash = hash_mix(hash ^ (uint64_t)keys[i]);
    return hash;
}

COLD static bool grow_groups(struct grouping *g)
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
size_t group_place(struct grouping *g, const int64_t *keys)
{
    uint32_t key_count = g->query->key_count;
    if (g->dense)
        return keys[0] == group_none || (uint64_t)keys[0] >= g->capacity - 1 ? g->capacity - 1 : (size_t)keys[0];
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
    if (*cell == group_none)
        *cell = as_bits(value);
    else if (what == CRM_MEASURE_SUM)
        *cell = as_bits(old + value);
    else if (what == CRM_MEASURE_MIN ? value < old : value > old)
        *cell = as_bits(value);
}

static inline void add_measure(struct grouping *g, int32_t what, int64_t *cell, int64_t value)
{
    if (*cell == group_none)
        *cell = value;
    else if (what == CRM_MEASURE_SUM)
        g->overflow |= __builtin_add_overflow(*cell, value, cell);
    else if (what == CRM_MEASURE_MIN ? value < *cell : value > *cell)
        *cell = value;
}

/* ---- one by one ---- */

bool group_has_money(const crm_query *query)
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
        keys[k] = group_finish_key(g, k,
                                   direct     ? key_of_value(g, query->keys[k].field, query->keys[k].unit, got, &value)
                                   : got == 1 ? value.integer
                                              : group_none);
    }
    size_t at = group_place(g, keys);
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
            group_note_currency(g, group, own ? value.integer : g->base_currency);
        }
    }
    return query->status == CRM_OK;
}

static bool one_by_one(struct grouping *g)
{
    crm_query *query = g->query;
    query->collected = true;
    query->candidates = false;
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

/* All records by a choice, which has few codes: its index knows how many lie below
 * each key. */
static bool can_count(const crm_query *query)
{
    return view_is_current(query->view) && !query->timeline && query->deleted == CRM_DELETED_NO &&
           query->condition_count == 0 && query->measure_count == 0 && query->key_count == 1 &&
           query->keys[0].through == NULL && query->keys[0].field->type == CRM_TYPE_CHOICE &&
           query->keys[0].field->tree != 0;
}

static bool add_count(struct grouping *g, int64_t key, uint64_t count)
{
    size_t at = count == 0 ? 0 : group_place(g, &key);
    if (count != 0 && at != SIZE_MAX)
        group_at(g, at)->count = (uint32_t)count;
    return at != SIZE_MAX;
}

static bool count_by_index(struct grouping *g)
{
    crm_query *query = g->query;
    struct arena *arena = query->view->generation->arena;
    const struct field *field = query->keys[0].field;
    const struct kind_store *store = kind_store(query->view->generation, query->kind);
    struct tree_cursor cursor;
    struct tree_key key = {0, 0};
    const uint64_t live = store == NULL ? 0 : store->live;
    uint64_t below = 0;
    tree_seek(arena, field->tree, key, &cursor);
    while (tree_next(arena, field->tree, &cursor, &key)) {
        const struct tree_key next = {key.high + 1, 0};
        const uint64_t end = tree_rank(arena, field->tree, next);
        if (end <= below || end > live) { /* it would have no end */
            arena->damaged = true;
            return false;
        }
        if (!add_count(g, (int64_t)(key.high ^ UINT64_C(1) << 63), end - below))
            return false;
        below = end;
        tree_seek(arena, field->tree, next, &cursor);
    }
    return add_count(g, group_none, live - below);
}

/* ---- the public calls ---- */

COLD int32_t crm_query_group(crm_query *query, uint32_t number, uint32_t through, int32_t unit)
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

COLD int32_t crm_query_measure(crm_query *query, int32_t measure, uint32_t number)
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

COLD static void grouping_free(struct grouping *g)
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
    for (uint32_t i = 0; i < schema_fields(kind); i++) {
        struct field *field = schema_field_at(kind, i);
        if (field->type == CRM_TYPE_CURRENCY && !field->removed)
            return field;
    }
    return NULL;
}

COLD static bool prepare(struct grouping *g)
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
        if (!group_can_block(query, g->currency))
            query->plan = kept;
    }
    bool fine = prepare(g) && (can_count(query)                      ? count_by_index(g)
                               : group_can_block(query, g->currency) ? group_by_blocks(g)
                                                                     : one_by_one(g));
    if (!query_untroubled(query))
        return query->status;
    if (g->mixed)
        return query_fail(query, CRM_REFUSED, "the sum mixes currencies: group by the currency, or ask for one only");
    if (g->overflow)
        return query_fail(query, CRM_FULL, "the sum does not fit 64 bits");
    if (!fine || g->no_memory || !group_add_columns(g, table) ||
        !(g->dense ? group_put_dense(g, table) : group_put_hashed(g, table)))
        return query_nomem(query);
    return CRM_OK;
}

COLD int32_t crm_query_groups(crm_query *query, crm_table **out, crm_error *error)
{
    if (query == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_query_groups needs a query and a place for the table");
    *out = NULL;
    const struct memory *memory = query->view->db->memory;
    struct grouping g = {.query = query, .currency = currency_field(query->kind)};
    g.stride = sizeof(struct group) + query->measure_count * sizeof(int64_t);
    g.base_currency = view_currency(query->view);
    buffer_init(&g.texts, memory);
    crm_table *table = table_create(memory);
    int32_t status = query->status == CRM_OK ? view_begin(query->view, &query->error) : query->status;
    if (status == CRM_OK) {
        status = table == NULL || g.base_currency == 0 ? error_nomem(&query->error) : group_all(&g, table);
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
