/* pipeline: crm_report_pipeline.
 *
 * One pass over the deals sums them into groups; a group is found by a chain of
 * (group so far, next key's value) pairs in one map, so any number of keys
 * costs one look-up each.  Sums are whole numbers (minor units, percent, days)
 * and are checked for overflow; each figure is divided and rounded once, at the
 * end.  Nothing depends on the order of deals or on the hash.
 */
#include "crm/pipeline.h"
#include "crm/id_map.h"
#include "crm/rules.h"
#include "model/number.h"
#include "model/table.h"
#include "sys/error.h"

#include <string.h>

struct group {
    int64_t values[PIPELINE_KEYS_MAX];
    struct pipeline_label labels[PIPELINE_KEYS_MAX];
    int64_t deals, open, won, lost;
    int64_t amount, won_amount;
    int64_t weighted; /* hundredths of minor units: amount times percent */
    int64_t cycle_days, cycles;
    int64_t currency; /* 0: no deal has an amount yet */
};

struct report {
    const struct memory *memory;
    crm_view *view;
    struct pipeline_key keys[PIPELINE_KEYS_MAX];
    uint32_t key_count;
    struct id_map map;  /* chains of keys; the last link's position */
    uint32_t *group_at; /* by position: its group + 1; 0: a link on the way */
    size_t position_capacity;
    struct group *groups;
    size_t count;
    size_t capacity;
};

static void report_free(struct report *report)
{
    for (size_t i = 0; i < report->count; i++)
        for (uint32_t key = 0; key < report->key_count; key++)
            pipeline_label_free(&report->groups[i].labels[key], report->memory);
    memory_free(report->memory, report->groups);
    memory_free(report->memory, report->group_at);
    id_map_free(&report->map);
}

/* ------------------------------------------------------------ groups */

static int32_t new_group(struct report *report, const int64_t values[PIPELINE_KEYS_MAX], const crm_record *deal,
                         crm_error *error)
{
    void *groups = report->groups;
    int32_t status = CRM_OK;

    if (!memory_grow(report->memory, &groups, &report->capacity, report->count + 1, sizeof *report->groups))
        return error_nomem(error);
    report->groups = groups;
    struct group *group = &report->groups[report->count++];
    *group = (struct group){0};
    for (uint32_t key = 0; key < report->key_count && status == CRM_OK; key++) {
        group->values[key] = values[key];
        status = pipeline_label(&group->labels[key], &report->keys[key], report->view, deal, error);
    }
    return status;
}

static int32_t find_group(struct report *report, const crm_record *deal, struct group **out, crm_error *error)
{
    int64_t values[PIPELINE_KEYS_MAX] = {0};
    uint64_t link[2] = {0, 0}; /* the chain's last position + 1, the next value */
    uint32_t position = 0;

    for (uint32_t key = 0; key < report->key_count; key++) {
        crm_id pair;
        values[key] = pipeline_value(&report->keys[key], deal);
        link[1] = (uint64_t)values[key];
        memcpy(pair.bytes, link, sizeof pair.bytes);
        position = id_map_add(&report->map, &pair, NULL);
        if (position == ID_MAP_NONE)
            return error_nomem(error);
        link[0] = (uint64_t)position + 1;
    }
    void *places = report->group_at;
    size_t before = report->position_capacity;
    if (!memory_grow(report->memory, &places, &report->position_capacity, (size_t)position + 1, sizeof(uint32_t)))
        return error_nomem(error);
    report->group_at = places;
    memset(report->group_at + before, 0, (report->position_capacity - before) * sizeof(uint32_t));
    if (report->group_at[position] == 0) {
        int32_t status = new_group(report, values, deal, error);
        if (status != CRM_OK)
            return status;
        report->group_at[position] = (uint32_t)report->count;
    }
    *out = &report->groups[report->group_at[position] - 1];
    return CRM_OK;
}

/* ------------------------------------------------------------ sums */

static int32_t too_large(crm_error *error)
{
    return error_set(error, CRM_REFUSED, "the amounts of the pipeline add up to more than a sum can hold");
}

/* Amounts of different currencies are never added. */
static int32_t take_currency(struct group *group, int64_t currency, crm_error *error)
{
    if (group->currency == 0)
        group->currency = currency;
    if (group->currency == currency)
        return CRM_OK;
    const char *one = crm_currency_code((int32_t)group->currency);
    const char *other = crm_currency_code((int32_t)currency);
    return error_set(error, CRM_REFUSED,
                     "amounts in %s and %s stand in one group and cannot be added; add \"currency\" to what the report "
                     "is grouped by",
                     one != NULL ? one : "?", other != NULL ? other : "?");
}

static int32_t add_amount(struct group *group, const crm_record *deal, int64_t outcome, int32_t base, crm_error *error)
{
    int64_t amount = crm_int(deal, CRM_OPPORTUNITY_AMOUNT);
    int64_t weighted;
    int64_t currency = crm_int(deal, CRM_OPPORTUNITY_CURRENCY);

    if (currency == 0)
        currency = base;
    int32_t status = take_currency(group, currency, error);
    if (status != CRM_OK)
        return status;
    if (__builtin_add_overflow(group->amount, amount, &group->amount))
        return too_large(error);
    if (outcome == CRM_OPPORTUNITY_OUTCOME_WON && __builtin_add_overflow(group->won_amount, amount, &group->won_amount))
        return too_large(error);
    if (outcome == CRM_OPPORTUNITY_OUTCOME_OPEN &&
        (__builtin_mul_overflow(amount, crm_int(deal, CRM_OPPORTUNITY_PROBABILITY), &weighted) ||
         __builtin_add_overflow(group->weighted, weighted, &group->weighted)))
        return too_large(error);
    return CRM_OK;
}

static int32_t add_deal(struct group *group, const crm_record *deal, int32_t base, crm_error *error)
{
    int64_t outcome = crm_int(deal, CRM_OPPORTUNITY_OUTCOME);

    group->deals++;
    group->open += outcome == CRM_OPPORTUNITY_OUTCOME_OPEN;
    group->won += outcome == CRM_OPPORTUNITY_OUTCOME_WON;
    group->lost += outcome == CRM_OPPORTUNITY_OUTCOME_LOST;
    if (outcome == CRM_OPPORTUNITY_OUTCOME_WON && crm_has(deal, CRM_OPPORTUNITY_STARTED_ON) &&
        crm_has(deal, CRM_OPPORTUNITY_CLOSE_DATE)) {
        group->cycles++;
        group->cycle_days += crm_int(deal, CRM_OPPORTUNITY_CLOSE_DATE) - crm_int(deal, CRM_OPPORTUNITY_STARTED_ON);
    }
    return crm_has(deal, CRM_OPPORTUNITY_AMOUNT) ? add_amount(group, deal, outcome, base, error) : CRM_OK;
}

static int32_t add_deals(struct report *report, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *deal;
    struct group *group = NULL;
    int32_t base = view_currency(report->view);

    int32_t status =
        base == 0 ? error_nomem(error) : crm_query_create(report->view, CRM_KIND_OPPORTUNITY, &query, error);
    while (status == CRM_OK && (status = crm_query_next(query, &deal, error)) == CRM_OK) {
        group = NULL;
        status = find_group(report, deal, &group, error);
        if (group != NULL)
            status = add_deal(group, deal, base, error);
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

/* ------------------------------------------------------------ rows */

static int compare(const struct report *report, const struct group *a, const struct group *b)
{
    int order = 0;
    for (uint32_t key = 0; key < report->key_count && order == 0; key++)
        order = pipeline_compare(&report->keys[key], &a->labels[key], a->values[key], &b->labels[key], b->values[key]);
    return order;
}

static void sift_down(const struct report *report, uint32_t *order, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(report, &report->groups[order[child + 1]], &report->groups[order[child]]) > 0)
            child++;
        if (compare(report, &report->groups[order[root]], &report->groups[order[child]]) >= 0)
            return;
        uint32_t swap = order[root];
        order[root] = order[child];
        order[child] = swap;
    }
}

/* A heap sort: groups that compare equal become one row, so their order does not matter. */
static void sort_groups(const struct report *report, uint32_t *order)
{
    for (size_t i = 0; i < report->count; i++)
        order[i] = (uint32_t)i;
    for (size_t root = report->count / 2; root > 0; root--)
        sift_down(report, order, root - 1, report->count);
    for (size_t end = report->count; end > 1; end--) {
        uint32_t swap = order[0];
        order[0] = order[end - 1];
        order[end - 1] = swap;
        sift_down(report, order, 0, end - 1);
    }
}

/* Adds `from`, which has the same keys. */
static int32_t join(struct group *to, const struct group *from, crm_error *error)
{
    int32_t status = from->currency != 0 ? take_currency(to, from->currency, error) : CRM_OK;

    if (status == CRM_OK && (__builtin_add_overflow(to->amount, from->amount, &to->amount) ||
                             __builtin_add_overflow(to->won_amount, from->won_amount, &to->won_amount) ||
                             __builtin_add_overflow(to->weighted, from->weighted, &to->weighted)))
        status = too_large(error);
    to->deals += from->deals;
    to->open += from->open;
    to->won += from->won;
    to->lost += from->lost;
    to->cycles += from->cycles;
    to->cycle_days += from->cycle_days;
    return status;
}

static void put_ratio(crm_table *table, uint32_t column, int64_t value, int64_t factor, int64_t divisor)
{
    int64_t result;
    if (divisor > 0 && number_multiply_divide(value, factor, divisor, &result))
        table_put_int(table, column, result);
}

static void put_group(crm_table *table, const struct report *report, const struct group *group)
{
    int32_t currency = (int32_t)group->currency;
    int64_t weighted = 0;
    uint32_t column = 0;

    if (currency == 0)
        currency = view_currency(report->view);
    table_add_row(table);
    for (; column < report->key_count; column++)
        pipeline_put(table, column, &report->keys[column], &group->labels[column], group->values[column]);
    (void)number_multiply_divide(group->weighted, 1, 100, &weighted); /* half to even; it always fits */
    table_put_int(table, column++, group->deals);
    table_put_money(table, column++, group->amount, currency);
    table_put_money(table, column++, weighted, currency);
    table_put_int(table, column++, group->open);
    table_put_int(table, column++, group->won);
    table_put_int(table, column++, group->lost);
    table_put_money(table, column++, group->won_amount, currency);
    put_ratio(table, column++, group->won, 10000, group->won + group->lost);
    put_ratio(table, column, group->cycle_days, 100, group->cycles);
}

static crm_table *report_table(const struct report *report)
{
    crm_table *table = table_create(report->memory);

    for (uint32_t key = 0; key < report->key_count; key++)
        table_add_column(table, report->keys[key].name, report->keys[key].what);
    table_add_column(table, "deals", CRM_TYPE_INT);
    table_add_column(table, "amount", CRM_TYPE_MONEY);
    table_add_column(table, "weighted", CRM_TYPE_MONEY);
    table_add_column(table, "open", CRM_TYPE_INT);
    table_add_column(table, "won", CRM_TYPE_INT);
    table_add_column(table, "lost", CRM_TYPE_INT);
    table_add_column(table, "won_amount", CRM_TYPE_MONEY);
    table_set_scale(table, table_add_column(table, "win_rate", CRM_TYPE_DECIMAL), 4);
    table_set_scale(table, table_add_column(table, "mean_cycle_days", CRM_TYPE_DECIMAL), 2);
    return table;
}

static int32_t put_rows(struct report *report, crm_table *table, crm_error *error)
{
    uint32_t *order = memory_zero(report->memory, report->count + 1, sizeof *order);
    int32_t status = CRM_OK;

    if (order == NULL)
        return error_nomem(error);
    sort_groups(report, order);
    for (size_t i = 0; i < report->count && status == CRM_OK;) {
        struct group *row = &report->groups[order[i++]];
        while (i < report->count && status == CRM_OK && compare(report, row, &report->groups[order[i]]) == 0)
            status = join(row, &report->groups[order[i++]], error);
        put_group(table, report, row);
    }
    memory_free(report->memory, order);
    return status;
}

int32_t crm_report_pipeline(crm_view *view, const char *by, crm_table **table, crm_error *error)
{
    if (view == NULL || table == NULL)
        return error_set(error, CRM_MISUSE, "a pipeline report needs a view and a place for the table");
    *table = NULL;
    struct report report = {.memory = db_memory(crm_view_db(view)), .view = view};
    id_map_init(&report.map, report.memory);
    crm_table *rows = NULL;
    int32_t status = pipeline_keys(by, report.keys, &report.key_count, error);
    if (status == CRM_OK)
        status = add_deals(&report, error);
    if (status == CRM_OK) {
        rows = report_table(&report);
        status = put_rows(&report, rows, error);
    }
    if (status == CRM_OK)
        status = table_finish(rows, table, error);
    else
        crm_table_free(rows);
    report_free(&report);
    return status;
}
