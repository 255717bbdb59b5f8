/* group_table: the groups as a table, in the order of their keys.
 */
#include "model/group.h"
#include "model/table.h"

#include <string.h>

enum { ROWS = 512 };

struct title_source {
    crm_view *view;
    struct kind *kind;
};

static bool look_up_title(void *context, uint32_t number, struct buffer *title, crm_id *id)
{
    struct title_source *source = context;
    crm_record *record = NULL;
    size_t length;
    do {
        if (view_begin(source->view, NULL) != CRM_OK)
            return false;
        *id = *id_at(source->view->generation, source->kind, number);
    } while (view_again(source->view));
    int32_t status = crm_get(source->view, source->kind->number, id, &record, NULL);
    if (status == CRM_NOT_FOUND || status == CRM_NOMEM)
        return false;
    const char *text = status == CRM_OK ? crm_title(record, &length) : "(damaged)"; /* not as if it had no name */
    if (status != CRM_OK)
        length = strlen(text);
    buffer_append(title, text, length);
    bool read = crm_record_status(record) != CRM_NOMEM;
    crm_record_free(record);
    return read;
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

static const struct field *group_key_field(const crm_query *query, uint32_t k)
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

bool group_add_columns(struct grouping *g, crm_table *table)
{
    static const char *const verbs[] = {"", "sum", "min", "max"};
    crm_query *query = g->query;
    struct buffer *name = &query->note;
    for (uint32_t k = 0; k < query->key_count; k++) {
        const struct field *field = group_key_field(query, k);
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
        if (x == group_none || y == group_none)
            return x == group_none ? 1 : -1;
        if (group_key_field(g->query, k)->type == CRM_TYPE_TEXT) {
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
    const struct field *field = group_key_field(g->query, k);
    if (key == group_none) {
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
        if (group->measures[m] == group_none)
            table_put_null(table, column);
        else if (query->measures[m].field->type == CRM_TYPE_MONEY)
            table_put_money(table, column, group->measures[m], (int32_t)group->currency);
        else
            table_put_int(table, column, group->measures[m]); /* a real by its bits */
    }
}

bool group_put_hashed(struct grouping *g, crm_table *table)
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

/* The numbers of the groups that are not empty, in order. */
static size_t list_dense(const struct grouping *g, uint32_t *order)
{
    size_t count = 0;
    for (size_t i = 0; i < g->capacity; i++) {
        order[count] = (uint32_t)i; /* written over when it is empty: no branch to guess wrong */
        count += group_at(g, i)->count != 0;
    }
    return count;
}

static void fill_measure(const struct grouping *g, uint32_t m, const uint32_t *order, size_t count, int64_t *values,
                         uint8_t *has)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = group_at(g, order[i])->measures[m];
        has[i] = value != group_none;
        values[i] = value != group_none ? value : 0;
    }
}

/* Straight into the columns, because there may be as many groups as customers;
 * some rows of each at a time, so that their groups are fetched once. */
static bool fill_dense(const struct grouping *g, crm_table *table, const uint32_t *order, size_t count)
{
    const size_t columns = 2 + (size_t)g->query->measure_count;
    int64_t *values[2 + QUERY_MEASURES];
    uint8_t *has[2 + QUERY_MEASURES];
    uint16_t *currencies[2 + QUERY_MEASURES] = {NULL};
    table_add_rows(table, count);
    for (uint32_t c = 0; c < columns; c++) {
        values[c] = table_values(table, c);
        has[c] = table_present(table, c);
        if (c >= 2 && g->query->measures[c - 2].field->type == CRM_TYPE_MONEY)
            currencies[c] = table_currencies(table, c);
        if (values[c] == NULL || has[c] == NULL)
            return false;
    }
    for (size_t row = 0, rows; row < count; row += rows) {
        rows = count - row < ROWS ? count - row : ROWS;
        for (size_t i = row; i < row + rows; i++) {
            values[0][i] = order[i];
            values[1][i] = group_at(g, order[i])->count;
        }
        memset(has[0] + row, 1, rows);
        memset(has[1] + row, 1, rows);
        for (uint32_t c = 2; c < columns; c++) {
            fill_measure(g, c - 2, order + row, rows, values[c] + row, has[c] + row);
            for (size_t i = row; i < row + rows && currencies[c] != NULL; i++)
                currencies[c][i] = (uint16_t)group_at(g, order[i])->currency;
        }
    }
    if (count > 0) /* the last may be that of the records without a key */
        has[0][count - 1] = order[count - 1] + 1 < g->capacity;
    return true;
}

bool group_put_dense(struct grouping *g, crm_table *table)
{
    const struct memory *memory = g->query->view->db->memory;
    uint32_t *order = memory_alloc(memory, g->capacity * sizeof *order);
    bool fine = order != NULL && fill_dense(g, table, order, list_dense(g, order));
    memory_free(memory, order);
    return fine;
}
