/* rules_pipeline: pipelines and their stages.
 *
 * Deals take their probability, forecast category and outcome from their
 * stage when they enter it, so what a stage is may not change under deals that
 * stand in it.  Reads the stages of one pipeline, which are a handful.
 */
#include "crm/rules.h"

#include <string.h>

int32_t rules_pipeline(crm_record *pipeline, const crm_record *before)
{
    (void)before;
    return rules_not_blank(pipeline, CRM_PIPELINE_NAME);
}

/* One pipeline is the default: naming another takes it from the one that was. */
int32_t rules_pipeline_after(crm_record *pipeline)
{
    crm_txn *txn = record_txn(pipeline);
    crm_query *query = NULL;
    crm_record *other;
    crm_id own;
    crm_id id;
    bool found = false;

    if (crm_int(pipeline, CRM_PIPELINE_IS_DEFAULT) == 0)
        return CRM_OK;
    crm_record_id(pipeline, &own);
    int32_t status = crm_query_create(crm_txn_view(txn), CRM_KIND_PIPELINE, &query, NULL);
    if (status != CRM_OK)
        return record_fail(pipeline, status, "pipeline: the other pipelines cannot be read");
    crm_query_where_int(query, CRM_PIPELINE_IS_DEFAULT, CRM_OP_EQ, 1);
    while (!found && (status = crm_query_next(query, &other, NULL)) == CRM_OK) {
        crm_record_id(other, &id);
        found = memcmp(&id, &own, sizeof id) != 0;
    }
    crm_query_free(query);
    if (status != CRM_OK && status != CRM_DONE)
        return record_fail(pipeline, status, "pipeline: the other pipelines cannot be read");
    return found ? crm_set_int(crm_edit(txn, CRM_KIND_PIPELINE, &id), CRM_PIPELINE_IS_DEFAULT, 0) : CRM_OK;
}

/* ------------------------------------------------------------ stages */

static int32_t check_required_fields(crm_record *stage)
{
    crm_db *db = record_db(stage);
    size_t length;
    const char *at = crm_text(stage, CRM_STAGE_REQUIRED_FIELDS, &length);
    const char *end = at + length;
    const char *name;

    while (rules_next_name(&at, end, &name, &length)) {
        if (crm_field_find(db, CRM_KIND_OPPORTUNITY, name, length) == 0)
            return record_fail(stage, CRM_INVALID,
                               "stage \"%s\": required_fields: opportunities have no field \"%.*s\"; write field names "
                               "with commas between them",
                               crm_title(stage, NULL), (int)(length > 63 ? 63 : length), name);
    }
    return CRM_OK;
}

static int32_t check_flags(crm_record *stage, const crm_record *before)
{
    if (crm_int(stage, CRM_STAGE_IS_WON) != 0 && crm_int(stage, CRM_STAGE_IS_CLOSED) == 0) {
        if (crm_has(stage, CRM_STAGE_IS_CLOSED) && record_differs(stage, before, CRM_STAGE_IS_CLOSED))
            return record_fail(stage, CRM_INVALID, "stage \"%s\": is_won needs is_closed; set it, or is_won to false",
                               crm_title(stage, NULL));
        return record_put_int(stage, CRM_STAGE_IS_CLOSED, 1);
    }
    return CRM_OK;
}

/* The probability that the flags leave to choose, and the forecast category that follows from it. */
static int32_t give_probability(crm_record *stage)
{
    bool closed = crm_int(stage, CRM_STAGE_IS_CLOSED) != 0;
    bool won = crm_int(stage, CRM_STAGE_IS_WON) != 0;
    int64_t fixed = won ? 100 : 0;
    int32_t status = CRM_OK;

    if (closed && !crm_has(stage, CRM_STAGE_PROBABILITY))
        status = record_put_int(stage, CRM_STAGE_PROBABILITY, fixed);
    int64_t probability = crm_int(stage, CRM_STAGE_PROBABILITY);
    if (probability < 0 || probability > 100)
        return record_fail(stage, CRM_INVALID, "stage \"%s\": probability %lld is not between 0 and 100 percent",
                           crm_title(stage, NULL), (long long)probability);
    if (closed && probability != fixed)
        return record_fail(stage, CRM_INVALID, "stage \"%s\": probability %lld: a stage for %s deals has %lld",
                           crm_title(stage, NULL), (long long)probability, won ? "won" : "lost", (long long)fixed);
    if (status == CRM_OK && !crm_has(stage, CRM_STAGE_FORECAST))
        status = record_put_int(stage, CRM_STAGE_FORECAST,
                                won      ? CRM_STAGE_FORECAST_CLOSED
                                : closed ? CRM_STAGE_FORECAST_OMITTED
                                         : CRM_STAGE_FORECAST_PIPELINE);
    return status;
}

/* A stage without a place goes behind the others of its pipeline. */
static int32_t give_order(crm_record *stage)
{
    crm_query *query = NULL;
    crm_record *other;
    crm_id pipeline;
    int64_t last = 0;

    if (crm_has(stage, CRM_STAGE_ORDER) || crm_ref(stage, CRM_STAGE_PIPELINE, NULL, &pipeline) != CRM_OK)
        return CRM_OK;
    int32_t status = crm_query_create(crm_txn_view(record_txn(stage)), CRM_KIND_STAGE, &query, NULL);
    if (status == CRM_OK) {
        crm_query_where_ref(query, CRM_STAGE_PIPELINE, CRM_OP_EQ, CRM_KIND_PIPELINE, &pipeline);
        while ((status = crm_query_next(query, &other, NULL)) == CRM_OK)
            if (crm_int(other, CRM_STAGE_ORDER) > last)
                last = crm_int(other, CRM_STAGE_ORDER);
    }
    crm_query_free(query);
    if (status != CRM_DONE)
        return record_fail(stage, status, "stage: the other stages of its pipeline cannot be read");
    return record_put_int(stage, CRM_STAGE_ORDER, last < INT32_MAX ? last + 1 : last);
}

/* What a stage means to the deals in it stays while there are any. */
static int32_t guard_deals(crm_record *stage, const crm_record *before)
{
    static const uint32_t fixed[] = {CRM_STAGE_PIPELINE, CRM_STAGE_IS_CLOSED, CRM_STAGE_IS_WON};
    crm_query *query = NULL;
    uint64_t count = 0;
    crm_id id;
    size_t i = 0;

    if (before == NULL || rules_undoing(stage))
        return CRM_OK;
    while (i < 3 && (!record_differs(stage, before, fixed[i]) ||
                     (i > 0 && crm_int(stage, fixed[i]) == crm_int(before, fixed[i]))))
        i++;
    if (i == 3)
        return CRM_OK;
    crm_record_id(stage, &id);
    int32_t status = crm_query_create(crm_txn_view(record_txn(stage)), CRM_KIND_OPPORTUNITY, &query, NULL);
    if (status == CRM_OK) {
        crm_query_where_ref(query, CRM_OPPORTUNITY_STAGE, CRM_OP_EQ, CRM_KIND_STAGE, &id);
        status = crm_query_count(query, &count, NULL);
    }
    crm_query_free(query);
    if (status != CRM_OK)
        return record_fail(stage, status, "stage: the opportunities in it cannot be counted");
    if (count == 0)
        return CRM_OK;
    return record_fail(stage, CRM_REFUSED,
                       "stage \"%s\": %s cannot change while %llu opportunities stand in the stage; move them first",
                       crm_title(stage, NULL), crm_field_name(record_db(stage), CRM_KIND_STAGE, fixed[i]),
                       (unsigned long long)count);
}

int32_t rules_stage(crm_record *stage, const crm_record *before)
{
    int32_t status = rules_not_blank(stage, CRM_STAGE_NAME);
    if (status == CRM_OK)
        status = check_flags(stage, before);
    if (status == CRM_OK)
        status = give_probability(stage);
    if (status == CRM_OK)
        status = give_order(stage);
    if (status == CRM_OK && record_differs(stage, before, CRM_STAGE_REQUIRED_FIELDS))
        status = check_required_fields(stage);
    if (status == CRM_OK)
        status = guard_deals(stage, before);
    return status;
}

/* ------------------------------------------------------------ a new file */

/* The default probabilities and forecast categories of DOMAIN.md section 3. */
static const struct {
    const char *name;
    int32_t probability;
    int32_t forecast;
    int32_t closed;
    int32_t won;
} sales_stages[] = {
    {"qualification", 10, CRM_STAGE_FORECAST_PIPELINE, 0, 0},
    {"discovery", 20, CRM_STAGE_FORECAST_PIPELINE, 0, 0},
    {"proposal", 50, CRM_STAGE_FORECAST_BEST_CASE, 0, 0},
    {"negotiation", 80, CRM_STAGE_FORECAST_COMMIT, 0, 0},
    {"won", 100, CRM_STAGE_FORECAST_CLOSED, 1, 1},
    {"lost", 0, CRM_STAGE_FORECAST_OMITTED, 1, 0},
};

/* The same ids in every file: what refers to these records in one file's export
 * means the same ones in another's. */
static crm_id well_known_id(uint8_t number)
{
    return (crm_id){{[6] = 0x80, [8] = 0x80, [15] = number}}; /* UUID version 8 */
}

int32_t rules_new_pipeline(crm_txn *txn)
{
    crm_id id = well_known_id(1);
    crm_record *pipeline = crm_create_with_id(txn, CRM_KIND_PIPELINE, &id);

    crm_set_text(pipeline, CRM_PIPELINE_NAME, "Sales", CRM_NUL);
    crm_set_int(pipeline, CRM_PIPELINE_ORDER, 1);
    crm_set_int(pipeline, CRM_PIPELINE_IS_DEFAULT, 1);
    if (pipeline == NULL)
        return crm_txn_status(txn, NULL);
    for (size_t i = 0; i < sizeof sales_stages / sizeof sales_stages[0]; i++) {
        crm_id stage_id = well_known_id((uint8_t)(i + 2));
        crm_record *stage = crm_create_with_id(txn, CRM_KIND_STAGE, &stage_id);
        crm_set_text(stage, CRM_STAGE_NAME, sales_stages[i].name, CRM_NUL);
        crm_set_ref(stage, CRM_STAGE_PIPELINE, CRM_KIND_PIPELINE, &id);
        crm_set_int(stage, CRM_STAGE_ORDER, (int64_t)i + 1);
        crm_set_int(stage, CRM_STAGE_PROBABILITY, sales_stages[i].probability);
        crm_set_int(stage, CRM_STAGE_FORECAST, sales_stages[i].forecast);
        crm_set_int(stage, CRM_STAGE_IS_CLOSED, sales_stages[i].closed);
        crm_set_int(stage, CRM_STAGE_IS_WON, sales_stages[i].won);
    }
    return crm_txn_status(txn, NULL);
}
