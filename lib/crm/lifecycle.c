/* lifecycle: stages, allowed moves, moving a customer, its stage at an instant.
 *
 * A table of moves is a bit set a stage, so that a guard costs a shift; the
 * five-phase table is a second set over the same stage numbers, so that a file
 * can change tables without rewriting its records.  Moves are checked where a
 * record becomes a version (rules_customer.c); crm_lifecycle_move makes that
 * version at once, so that its caller hears of a refusal.
 */
#include "crm/lifecycle.h"

#include "sys/error.h"

#include <stdio.h>
#include <string.h>

#define BIT(stage) (1u << (stage))
enum {
    ACQUAINTANCE = CRM_CUSTOMER_STAGE_ACQUAINTANCE,
    STABLE = CRM_CUSTOMER_STAGE_STABLE,
    DRIFTING = CRM_CUSTOMER_STAGE_DRIFTING,
    CHURNED = CRM_CUSTOMER_STAGE_CHURNED,
    RESERVED = CRM_CUSTOMER_STAGE_RESERVED,
    CONSOLIDATED = CRM_CUSTOMER_STAGE_CONSOLIDATED
};

struct lifecycle {
    const char *name;
    uint32_t stages;                      /* those the table has */
    uint32_t moves[LIFECYCLE_STAGES + 1]; /* by the stage left: those that may follow */
};

static const struct lifecycle lifecycles[] = {
    {"four",
     BIT(ACQUAINTANCE) | BIT(STABLE) | BIT(DRIFTING) | BIT(CHURNED),
     {[ACQUAINTANCE] = BIT(STABLE) | BIT(DRIFTING),
      [STABLE] = BIT(DRIFTING),
      [DRIFTING] = BIT(STABLE) | BIT(CHURNED),
      [CHURNED] = BIT(ACQUAINTANCE)}},
    {"five",
     BIT(ACQUAINTANCE) | BIT(RESERVED) | BIT(STABLE) | BIT(CONSOLIDATED) | BIT(DRIFTING) | BIT(CHURNED),
     {[ACQUAINTANCE] = BIT(RESERVED) | BIT(DRIFTING),
      [RESERVED] = BIT(STABLE) | BIT(DRIFTING),
      [STABLE] = BIT(CONSOLIDATED) | BIT(DRIFTING),
      [CONSOLIDATED] = BIT(DRIFTING),
      [DRIFTING] = BIT(RESERVED) | BIT(STABLE) | BIT(CHURNED),
      [CHURNED] = BIT(ACQUAINTANCE)}},
};

const int64_t lifecycle_order[LIFECYCLE_STAGES] = {ACQUAINTANCE, RESERVED, STABLE, CONSOLIDATED, DRIFTING, CHURNED};

static const struct lifecycle *table_of(int32_t table)
{
    return &lifecycles[table == CRM_LIFECYCLE_FIVE];
}

const char *crm_lifecycle_name(int64_t stage)
{
    static const char *const names[LIFECYCLE_STAGES + 1] = {NULL,      "acquaintance", "stable",      "drifting",
                                                            "churned", "reserved",     "consolidated"};
    return stage >= 1 && stage <= LIFECYCLE_STAGES ? names[stage] : NULL;
}

static const char *stage_name(int64_t stage)
{
    const char *name = crm_lifecycle_name(stage);
    return name != NULL ? name : "(none)";
}

const char *lifecycle_table_name(int32_t table)
{
    return table_of(table)->name;
}

bool lifecycle_has(int32_t table, int64_t stage)
{
    return stage >= 1 && stage <= LIFECYCLE_STAGES && (table_of(table)->stages & BIT(stage)) != 0;
}

bool lifecycle_moves(int32_t table, int64_t from, int64_t to)
{
    if (from == to || !lifecycle_has(table, to))
        return false;
    return !lifecycle_has(table, from) || (table_of(table)->moves[from] & BIT(to)) != 0;
}

void lifecycle_choices(int32_t table, int64_t from, char out[LIFECYCLE_TEXT])
{
    size_t length = 0;

    out[0] = '\0';
    for (int64_t to = 1; to <= LIFECYCLE_STAGES; to++) {
        if (lifecycle_moves(table, from, to) && length < LIFECYCLE_TEXT)
            length += (size_t)snprintf(out + length, LIFECYCLE_TEXT - length, "%s%s", length > 0 ? ", " : "",
                                       crm_lifecycle_name(to));
    }
}

uint32_t lifecycle_path(int32_t table, int64_t from, int64_t to, uint32_t avoid, int64_t out[LIFECYCLE_STAGES])
{
    int64_t before[LIFECYCLE_STAGES + 1] = {0}; /* by stage: from where it was reached first */
    int64_t queue[LIFECYCLE_STAGES + 1];
    uint32_t head = 0, tail = 0, length = 0;

    if (from == to || !lifecycle_has(table, to))
        return 0;
    if (!lifecycle_has(table, from)) {
        out[0] = to;
        return 1;
    }
    queue[tail++] = from;
    before[from] = from;
    while (head < tail && before[to] == 0) {
        int64_t at = queue[head++];
        for (int64_t next = 1; next <= LIFECYCLE_STAGES; next++) {
            if (before[next] == 0 && (avoid & BIT(next)) == 0 && lifecycle_moves(table, at, next)) {
                before[next] = at;
                queue[tail++] = next;
            }
        }
    }
    if (before[to] == 0)
        return 0;
    for (int64_t at = to; at != from; at = before[at])
        length++;
    int64_t at = to;
    for (uint32_t i = length; i > 0; i--, at = before[at])
        out[i - 1] = at;
    return length;
}

int32_t lifecycle_guard(crm_record *customer, int64_t from, int64_t to)
{
    char choices[LIFECYCLE_TEXT];

    /* Most moves are allowed by both tables, and then the setting need not be read. */
    if (lifecycle_moves(CRM_LIFECYCLE_FOUR, from, to) && lifecycle_moves(CRM_LIFECYCLE_FIVE, from, to) &&
        lifecycle_has(CRM_LIFECYCLE_FOUR, from))
        return CRM_OK;
    int32_t table, status = db_lifecycle(crm_txn_view(record_txn(customer)), &table, NULL);
    if (status != CRM_OK || lifecycle_moves(table, from, to))
        return status;
    if (!lifecycle_has(table, to))
        return record_fail(
            customer, CRM_REFUSED,
            "customer \"%s\": stage %s is not part of the file's lifecycle \"%s\" (setting \"lifecycle\")",
            crm_title(customer, NULL), stage_name(to), lifecycle_table_name(table));
    lifecycle_choices(table, from, choices);
    return record_fail(customer, CRM_REFUSED,
                       "customer \"%s\": stage cannot go from %s to %s; from %s the lifecycle \"%s\" allows: %s",
                       crm_title(customer, NULL), stage_name(from), stage_name(to), stage_name(from),
                       lifecycle_table_name(table), choices);
}

int32_t crm_lifecycle_allows(const crm_db *db, int64_t from, int64_t to)
{
    crm_view *view = NULL;
    int32_t allowed = 0, table;

    if (db != NULL && crm_view_open((crm_db *)(uintptr_t)db, &view, NULL) == CRM_OK &&
        db_lifecycle(view, &table, NULL) == CRM_OK)
        allowed = lifecycle_moves(table, from, to) ? 1 : 0;
    crm_view_close(view);
    return allowed;
}

int32_t crm_lifecycle_move(crm_record *customer, int64_t stage, const char *rule, const char *evidence)
{
    if (customer == NULL || record_txn(customer) == NULL || crm_record_kind(customer) != CRM_KIND_CUSTOMER)
        return CRM_MISUSE;
    if (crm_lifecycle_name(stage) == NULL)
        return record_fail(customer, CRM_INVALID, "customer \"%s\": there is no lifecycle stage %lld",
                           crm_title(customer, NULL), (long long)stage);
    if (rule != NULL && strcmp(rule, "undo") == 0) /* what undo does needs no permission */
        return record_fail(customer, CRM_INVALID, "customer \"%s\": the rule \"undo\" is the library's own",
                           crm_title(customer, NULL));
    if (crm_int(customer, CRM_CUSTOMER_STAGE) == stage)
        return CRM_OK;
    record_set_note(customer, rule, evidence);
    int32_t status = record_put_int(customer, CRM_CUSTOMER_STAGE, stage);
    /* The move is a version of its own, so that the guard answers now and the note is this move's alone. */
    if (status == CRM_OK)
        status = crm_txn_status(record_txn(customer), NULL);
    if (status != CRM_OK)
        record_set_note(customer, NULL, NULL);
    return status;
}

int32_t crm_lifecycle_stage_at(crm_view *view, const crm_id *customer, int64_t time, int64_t *stage, crm_error *error)
{
    crm_query *query = NULL;
    crm_record *transition;
    int64_t latest = INT64_MIN;
    int64_t found = 0;

    if (view == NULL || customer == NULL || stage == NULL)
        return error_set(error, CRM_MISUSE,
                         "the stage at an instant needs a view, a customer and a place for the answer");
    int32_t status = crm_query_create(view, CRM_KIND_TRANSITION, &query, error);
    if (status != CRM_OK)
        return status;
    crm_query_where_ref(query, CRM_TRANSITION_SUBJECT, CRM_OP_EQ, CRM_KIND_CUSTOMER, customer);
    crm_query_where_int(query, CRM_TRANSITION_AT, CRM_OP_LE, time);
    /* They come in the order of creation: of two at one instant the later counts. */
    while ((status = crm_query_next(query, &transition, error)) == CRM_OK) {
        int64_t at = crm_int(transition, CRM_TRANSITION_AT);
        if (at >= latest && crm_has(transition, CRM_TRANSITION_TO)) {
            latest = at;
            found = crm_int(transition, CRM_TRANSITION_TO);
        }
    }
    crm_query_free(query);
    if (status != CRM_DONE)
        return status;
    if (found == 0)
        return error_set(error, CRM_NOT_FOUND, "the customer had no lifecycle stage at that time");
    *stage = found;
    return CRM_OK;
}
