/* lifecycle_report: how many customers stand where and who moved
 * (crm_lifecycle_report), and from where to where between two instants
 * (crm_lifecycle_matrix).
 *
 * Both read each customer and the transitions once.  What a stage was at an
 * instant comes from the transitions, never from the present.
 */
#include "crm/cadence.h"
#include "crm/lifecycle.h"
#include "model/moment.h"
#include "model/record.h"
#include "model/table.h"
#include "sys/error.h"

enum { STAGES = LIFECYCLE_STAGES + 1 /* 0: none */ };

/* ------------------------------------------------------------ the report */

struct funnel {
    const struct memory *memory;
    int32_t *days[STAGES]; /* in the stage, a customer each */
    size_t counts[STAGES];
    size_t capacities[STAGES];
    int64_t in[STAGES];
    int64_t out[STAGES];
};

static void funnel_free(struct funnel *funnel)
{
    for (size_t i = 0; i < STAGES; i++)
        memory_free(funnel->memory, funnel->days[i]);
}

static int64_t stage_of(const crm_record *record, uint32_t field)
{
    int64_t stage = crm_int(record, field);
    return stage >= 1 && stage <= LIFECYCLE_STAGES ? stage : 0;
}

static int32_t days_between(int64_t from, int64_t to)
{
    int64_t stay;
    if (__builtin_sub_overflow(to, from, &stay) || stay < 0)
        return 0;
    return (int32_t)(stay / MOMENT_DAY_US);
}

static int32_t count_customers(struct funnel *funnel, crm_view *view, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *customer;
    int64_t now = crm_view_time(view);

    int32_t status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, error);
    while (status == CRM_OK && (status = crm_query_next(query, &customer, error)) == CRM_OK) {
        int64_t stage = stage_of(customer, CRM_CUSTOMER_STAGE);
        void *days = funnel->days[stage];
        if (!memory_grow(funnel->memory, &days, &funnel->capacities[stage], funnel->counts[stage] + 1,
                         sizeof(int32_t))) {
            status = error_nomem(error);
            break;
        }
        funnel->days[stage] = days;
        funnel->days[stage][funnel->counts[stage]++] = days_between(crm_int(customer, CRM_CUSTOMER_STAGE_SINCE), now);
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

static int32_t count_moves(struct funnel *funnel, crm_view *view, int64_t since, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *move;

    int32_t status = crm_query_create(view, CRM_KIND_TRANSITION, &query, error);
    if (status != CRM_OK)
        return status;
    crm_query_where_int(query, CRM_TRANSITION_AT, CRM_OP_GT, since);
    while ((status = crm_query_next(query, &move, error)) == CRM_OK) {
        funnel->in[stage_of(move, CRM_TRANSITION_TO)]++;
        funnel->out[stage_of(move, CRM_TRANSITION_FROM)]++;
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

/* In tenths of a day. */
static int64_t median(int32_t *days, size_t count)
{
    days_sort(days, count);
    return ((int64_t)days[(count - 1) / 2] + days[count / 2]) * 5;
}

static crm_table *funnel_table(struct funnel *funnel, int32_t lifecycle)
{
    crm_table *table = table_create(funnel->memory);
    size_t all = 0;

    table_add_column(table, "stage", CRM_TYPE_CHOICE);
    table_add_column(table, "customers", CRM_TYPE_INT);
    table_set_scale(table, table_add_column(table, "share", CRM_TYPE_DECIMAL), 4);
    table_add_column(table, "moved_in", CRM_TYPE_INT);
    table_add_column(table, "moved_out", CRM_TYPE_INT);
    table_set_scale(table, table_add_column(table, "median_days", CRM_TYPE_DECIMAL), 1);
    for (size_t i = 0; i < STAGES; i++)
        all += funnel->counts[i];
    for (size_t i = 0; i < LIFECYCLE_STAGES; i++) {
        int64_t stage = lifecycle_order[i];
        size_t count = funnel->counts[stage];
        if (!lifecycle_has(lifecycle, stage) && count == 0 && funnel->out[stage] == 0)
            continue;
        table_add_row(table);
        table_put_choice(table, 0, stage, crm_lifecycle_name(stage));
        table_put_int(table, 1, (int64_t)count);
        if (all > 0)
            table_put_int(table, 2, (int64_t)((count * 20000 + all) / (2 * all)));
        table_put_int(table, 3, funnel->in[stage]);
        table_put_int(table, 4, funnel->out[stage]);
        if (count > 0)
            table_put_int(table, 5, median(funnel->days[stage], count));
    }
    return table;
}

int32_t crm_lifecycle_report(crm_view *view, int64_t since, crm_table **table, crm_error *error)
{
    if (view == NULL || table == NULL)
        return error_set(error, CRM_MISUSE, "a lifecycle report needs a view and a place for the table");
    *table = NULL;
    struct funnel funnel = {.memory = db_memory(crm_view_db(view))};
    int32_t lifecycle, status = count_customers(&funnel, view, error);
    if (status == CRM_OK)
        status = count_moves(&funnel, view, since, error);
    if (status == CRM_OK)
        status = db_lifecycle(view, &lifecycle, error);
    if (status == CRM_OK)
        status = table_finish(funnel_table(&funnel, lifecycle), table, error);
    funnel_free(&funnel);
    return status;
}

/* ------------------------------------------------------------ the matrix */

struct matrix {
    const struct memory *memory;
    int64_t from, to;
    uint32_t slots;
    uint8_t *first;  /* by the customer's record number: its stage at `from` */
    uint8_t *second; /* and at `to` */
    int64_t counts[STAGES][STAGES];
};

static int32_t matrix_init(struct matrix *matrix, crm_view *view, crm_error *error)
{
    int32_t status = view_begin(view, error);
    if (status != CRM_OK)
        return status;
    matrix->slots = kind_rows(view->generation, schema_kind(&view->generation->schema, CRM_KIND_CUSTOMER));
    if ((status = view_finish(view, CRM_OK, error)) != CRM_OK)
        return status;
    matrix->first = memory_zero(matrix->memory, (size_t)matrix->slots + 1, 1);
    matrix->second = memory_zero(matrix->memory, (size_t)matrix->slots + 1, 1);
    return matrix->first != NULL && matrix->second != NULL ? CRM_OK : error_nomem(error);
}

/* Moves come ordered by instant, so the last one seen is the latest. */
static int32_t replay_moves(struct matrix *matrix, crm_view *view, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *move;
    struct value subject;

    int32_t status = crm_query_create(view, CRM_KIND_TRANSITION, &query, error);
    if (status != CRM_OK)
        return status;
    crm_query_where_int(query, CRM_TRANSITION_AT, CRM_OP_LE, matrix->to);
    crm_query_order(query, CRM_TRANSITION_AT, 0);
    while ((status = crm_query_next(query, &move, error)) == CRM_OK) {
        int64_t stage = stage_of(move, CRM_TRANSITION_TO);
        if (stage == 0 || record_value(move, CRM_TRANSITION_SUBJECT, &subject) != 1 ||
            (subject.integer & 0xFFFF) != CRM_KIND_CUSTOMER || (uint64_t)(subject.integer >> 16) >= matrix->slots)
            continue;
        if (crm_int(move, CRM_TRANSITION_AT) <= matrix->from)
            matrix->first[subject.integer >> 16] = (uint8_t)stage;
        matrix->second[subject.integer >> 16] = (uint8_t)stage;
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

static int32_t count_pairs(struct matrix *matrix, crm_view *view, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *customer;

    int32_t status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, error);
    while (status == CRM_OK && (status = crm_query_next(query, &customer, error)) == CRM_OK) {
        if (customer->number < matrix->slots)
            matrix->counts[matrix->first[customer->number]][matrix->second[customer->number]]++;
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

/* The stages of the table in force, and any other in which somebody was. */
static bool shown(const struct matrix *matrix, int32_t lifecycle, int64_t stage)
{
    int64_t sum = 0;
    for (size_t other = 0; other < STAGES; other++)
        sum += matrix->counts[stage][other] + matrix->counts[other][stage];
    return lifecycle_has(lifecycle, stage) || sum > 0;
}

static crm_table *matrix_table(const struct matrix *matrix, int32_t lifecycle)
{
    crm_table *table = table_create(matrix->memory);

    table_add_column(table, "from", CRM_TYPE_CHOICE);
    for (size_t i = 0; i < LIFECYCLE_STAGES; i++)
        if (shown(matrix, lifecycle, lifecycle_order[i]))
            table_add_column(table, crm_lifecycle_name(lifecycle_order[i]), CRM_TYPE_INT);
    for (size_t i = 0; i <= LIFECYCLE_STAGES; i++) {
        int64_t from = i == 0 ? 0 : lifecycle_order[i - 1];
        uint32_t column = 0;
        if (from != 0 && !shown(matrix, lifecycle, from))
            continue;
        table_add_row(table);
        table_put_choice(table, 0, from, from == 0 ? "new" : crm_lifecycle_name(from));
        for (size_t j = 0; j < LIFECYCLE_STAGES; j++)
            if (shown(matrix, lifecycle, lifecycle_order[j]))
                table_put_int(table, ++column, matrix->counts[from][lifecycle_order[j]]);
    }
    return table;
}

int32_t crm_lifecycle_matrix(crm_view *view, int64_t from, int64_t to, crm_table **table, crm_error *error)
{
    if (view == NULL || table == NULL)
        return error_set(error, CRM_MISUSE, "a transition matrix needs a view and a place for the table");
    *table = NULL;
    if (from > to)
        return error_set(error, CRM_INVALID, "a transition matrix goes from an earlier instant to a later one");
    struct matrix matrix = {.memory = db_memory(crm_view_db(view)), .from = from, .to = to};
    int32_t lifecycle, status = matrix_init(&matrix, view, error);
    if (status == CRM_OK)
        status = replay_moves(&matrix, view, error);
    if (status == CRM_OK)
        status = count_pairs(&matrix, view, error);
    if (status == CRM_OK)
        status = db_lifecycle(view, &lifecycle, error);
    if (status == CRM_OK)
        status = table_finish(matrix_table(&matrix, lifecycle), table, error);
    memory_free(matrix.memory, matrix.first);
    memory_free(matrix.memory, matrix.second);
    return status;
}
