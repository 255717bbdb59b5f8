/* evaluate: crm_lifecycle_evaluate moves customers to the stage that their
 * behaviour speaks for; crm_lifecycle_backtest asks the past whether that was
 * right.
 *
 * Moves are planned over the untouched state and made afterwards, because a
 * query's results are good only until the next change.  Every hop is a version
 * and a transition of its own.  docs/LIFECYCLE.md has the rules.
 */
#include "crm/behaviour.h"
#include "model/moment.h"
#include "model/record.h"
#include "model/table.h"
#include "sys/error.h"

struct plan {
    crm_id customer;
    int64_t since; /* when it entered its present stage */
    uint8_t from;
    uint8_t hops;
    uint8_t to[LIFECYCLE_STAGES];
    struct verdict verdict;
};

struct plans {
    const struct memory *memory;
    struct plan *list;
    size_t count;
    size_t capacity;
};

/* ------------------------------------------------------------ planning */

static bool plan_add(struct plans *plans, const crm_record *customer, const struct verdict *verdict, int32_t table,
                     int64_t now)
{
    int64_t moves[LIFECYCLE_STAGES];
    int64_t from = crm_int(customer, CRM_CUSTOMER_STAGE);
    int64_t since =
        crm_has(customer, CRM_CUSTOMER_STAGE_SINCE) ? crm_int(customer, CRM_CUSTOMER_STAGE_SINCE) : INT64_MIN;
    bool since_then = instant_date(now) - verdict->cadence.silence >= instant_date(since);
    uint32_t hops = behaviour_moves(verdict, table, from, since_then, moves);
    void *list = plans->list;

    if (hops == 0)
        return true;
    if (!memory_grow(plans->memory, &list, &plans->capacity, plans->count + 1, sizeof *plans->list))
        return false;
    plans->list = list;
    struct plan *plan = &plans->list[plans->count++];
    *plan = (struct plan){.since = since, .from = (uint8_t)from, .hops = (uint8_t)hops, .verdict = *verdict};
    crm_record_id(customer, &plan->customer);
    for (uint32_t i = 0; i < hops; i++)
        plan->to[i] = (uint8_t)moves[i];
    return true;
}

static int32_t plan_all(struct plans *plans, const struct behaviour *behaviour, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *customer;
    struct verdict verdict;
    int32_t table, status = db_lifecycle(behaviour->view, &table, error);

    if (status == CRM_OK)
        status = crm_query_create(behaviour->view, CRM_KIND_CUSTOMER, &query, error);
    while (status == CRM_OK && (status = crm_query_next(query, &customer, error)) == CRM_OK) {
        if (behaviour_judge(behaviour, customer->number, table, &verdict) &&
            !plan_add(plans, customer, &verdict, table, behaviour->time))
            status = error_nomem(error);
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

/* ------------------------------------------------------------ moving */

/* What a move rests on, in a word that a program can look for. */
static const char *rule_of(const struct plan *plan, uint32_t hop)
{
    if (plan->to[hop] == CRM_CUSTOMER_STAGE_DRIFTING)
        return "cadence.silent";
    if (plan->to[hop] == CRM_CUSTOMER_STAGE_CHURNED)
        return "cadence.lost";
    return plan->to[hop] == CRM_CUSTOMER_STAGE_ACQUAINTANCE ? "cadence.returned" : "cadence.regular";
}

/* CRM_NOMEM, CRM_CORRUPT: its name cannot be read. */
static int32_t put_row(crm_table *table, const struct plan *plan, uint32_t hop, const crm_record *customer,
                       const char *evidence)
{
    size_t length;
    int64_t from = hop == 0 ? plan->from : plan->to[hop - 1];
    const char *name = crm_title(customer, &length);

    table_add_row(table);
    table_put_ref(table, 0, name, length, &plan->customer);
    table_put_choice(table, 1, from, crm_lifecycle_name(from));
    table_put_choice(table, 2, plan->to[hop], crm_lifecycle_name(plan->to[hop]));
    table_put_text(table, 3, rule_of(plan, hop), CRM_NUL);
    table_put_text(table, 4, evidence, CRM_NUL);
    return crm_record_status(customer);
}

/* A customer enters a stage when the evaluation says so, but not before it
 * entered the one it leaves: a file may be filled later than what it tells of. */
static int32_t make_moves(crm_txn *txn, const struct plan *plan, int64_t time, const char *evidence, crm_table *table)
{
    int64_t at = plan->since < time ? time : plan->since;
    crm_record *customer = crm_edit(txn, CRM_KIND_CUSTOMER, &plan->customer);

    if (at > INT64_MAX - LIFECYCLE_STAGES - 1)
        at = INT64_MAX - LIFECYCLE_STAGES - 1;
    if (at == plan->since)
        at++;
    for (uint32_t hop = 0; hop < plan->hops && customer != NULL; hop++, at++) {
        record_put_int(customer, CRM_CUSTOMER_STAGE_SINCE, at);
        if (crm_lifecycle_move(customer, plan->to[hop], rule_of(plan, hop), evidence) != CRM_OK)
            break;
        int32_t status = put_row(table, plan, hop, customer, evidence);
        if (status != CRM_OK)
            return record_fail(customer, status, "a customer cannot be read");
    }
    return crm_txn_status(txn, NULL);
}

static int32_t show_moves(crm_view *view, const struct plan *plan, const char *evidence, crm_table *table,
                          crm_error *error)
{
    crm_record *customer = NULL;
    int32_t status = crm_get(view, CRM_KIND_CUSTOMER, &plan->customer, &customer, error);

    for (uint32_t hop = 0; hop < plan->hops && status == CRM_OK; hop++)
        if ((status = put_row(table, plan, hop, customer, evidence)) != CRM_OK)
            error_unread(error, status, "a customer");
    crm_record_free(customer);
    return status;
}

static crm_table *moves_table(const struct memory *memory)
{
    crm_table *table = table_create(memory);

    table_add_column(table, "customer", CRM_TYPE_REF);
    table_add_column(table, "from", CRM_TYPE_CHOICE);
    table_add_column(table, "to", CRM_TYPE_CHOICE);
    table_add_column(table, "rule", CRM_TYPE_TEXT);
    table_add_column(table, "evidence", CRM_TYPE_TEXT);
    return table;
}

int32_t crm_lifecycle_evaluate(crm_txn *txn, int64_t time, int32_t dry_run, crm_table **table, crm_error *error)
{
    struct behaviour behaviour;
    char evidence[CADENCE_TEXT];

    if (table != NULL)
        *table = NULL;
    int32_t status =
        txn == NULL ? error_set(error, CRM_MISUSE, "an evaluation needs a transaction") : crm_txn_status(txn, error);
    if (status != CRM_OK)
        return status;
    crm_view *view = crm_txn_view(txn);
    const struct memory *memory = db_memory(crm_view_db(view));
    struct plans plans = {.memory = memory};
    crm_table *moves = moves_table(memory);
    status = behaviour_load(&behaviour, view, time, error);
    if (status == CRM_OK)
        status = plan_all(&plans, &behaviour, error);
    behaviour_free(&behaviour);
    for (size_t i = 0; i < plans.count && status == CRM_OK; i++) {
        const struct plan *plan = &plans.list[i];
        cadence_evidence(&plan->verdict.cadence, plan->verdict.noun, evidence);
        if (dry_run != 0)
            status = show_moves(view, plan, evidence, moves, error);
        else if ((status = make_moves(txn, plan, time, evidence, moves)) != CRM_OK)
            crm_txn_status(txn, error);
    }
    memory_free(memory, plans.list);
    if (status == CRM_OK)
        return table_finish(moves, table, error);
    crm_table_free(moves);
    return status;
}

/* ------------------------------------------------------------ trying on the past */

struct stage_sums {
    int64_t customers;
    int64_t purchases;
};

static int32_t sum_stages(struct stage_sums sums[LIFECYCLE_STAGES + 1], const struct behaviour *behaviour,
                          const struct occasions *after, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *customer;
    struct verdict verdict;
    int32_t table, status = db_lifecycle(behaviour->view, &table, error);

    if (status == CRM_OK)
        status = crm_query_create(behaviour->view, CRM_KIND_CUSTOMER, &query, error);
    while (status == CRM_OK && (status = crm_query_next(query, &customer, error)) == CRM_OK) {
        if (!behaviour_judge(behaviour, customer->number, table, &verdict))
            continue;
        sums[verdict.stage].customers++;
        if (customer->number < after->slots)
            sums[verdict.stage].purchases += occasions_of(after, customer->number);
    }
    crm_query_free(query);
    return status == CRM_DONE ? CRM_OK : status;
}

static crm_table *backtest_table(const struct memory *memory, const struct stage_sums sums[LIFECYCLE_STAGES + 1],
                                 int32_t lifecycle)
{
    crm_table *table = table_create(memory);

    table_add_column(table, "stage", CRM_TYPE_CHOICE);
    table_add_column(table, "customers", CRM_TYPE_INT);
    table_add_column(table, "purchases", CRM_TYPE_INT);
    table_set_scale(table, table_add_column(table, "per_customer", CRM_TYPE_DECIMAL), 3);
    for (size_t i = 0; i < LIFECYCLE_STAGES; i++) {
        int64_t number = lifecycle_order[i];
        const struct stage_sums *stage = &sums[number];
        if (!lifecycle_has(lifecycle, number))
            continue;
        table_add_row(table);
        table_put_choice(table, 0, number, crm_lifecycle_name(number));
        table_put_int(table, 1, stage->customers);
        table_put_int(table, 2, stage->purchases);
        if (stage->customers > 0) /* in thousandths, half up */
            table_put_int(table, 3, (stage->purchases * 2000 + stage->customers) / (2 * stage->customers));
    }
    return table;
}

int32_t crm_lifecycle_backtest(crm_view *view, int64_t at, int32_t horizon_days, crm_table **table, crm_error *error)
{
    struct stage_sums sums[LIFECYCLE_STAGES + 1] = {{0, 0}};
    struct behaviour behaviour;
    struct occasions after;
    int64_t until;

    if (view == NULL || table == NULL)
        return error_set(error, CRM_MISUSE, "a backtest needs a view and a place for the table");
    *table = NULL;
    if (horizon_days <= 0 || __builtin_add_overflow(at, horizon_days * MOMENT_DAY_US, &until))
        return error_set(error, CRM_INVALID, "a backtest of %d days: it takes a day or more", horizon_days);
    const struct memory *memory = db_memory(crm_view_db(view));
    occasions_init(&after, memory, 0);
    int32_t lifecycle, status = behaviour_load(&behaviour, view, at, error);
    if (status == CRM_OK)
        status = behaviour_purchases(&after, view, at, until, error);
    if (status == CRM_OK)
        status = sum_stages(sums, &behaviour, &after, error);
    if (status == CRM_OK)
        status = db_lifecycle(view, &lifecycle, error);
    if (status == CRM_OK)
        status = table_finish(backtest_table(memory, sums, lifecycle), table, error);
    behaviour_free(&behaviour);
    occasions_free(&after);
    return status;
}
