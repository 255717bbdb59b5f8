/* rules_opportunity: the stage of a deal and all that follows from it.
 *
 * The stage sets probability, forecast category and outcome; a probability set
 * by hand stays until the deal closes.  Closing sets closed_at, losing needs a
 * reason, reopening takes both away.  A change that does not touch any of this
 * costs a few comparisons; a change of stage reads the one record of the stage.
 */
#include "crm/rules.h"
#include "model/moment.h"

#include <string.h>

/* The deal at hand, with what the steps below find out about it. */
struct deal {
    crm_record *record;
    const crm_record *before;
    crm_record *stage; /* owned: crm_record_free; NULL until it is needed */
    bool moved;        /* it is new in its stage */
    bool closed, won;  /* of the stage it is in */
};

#define DEAL "opportunity \"%s\": "

static const char *title(const struct deal *deal)
{
    return crm_title(deal->record, NULL);
}

static bool has(const struct deal *deal, uint32_t field)
{
    return crm_has(deal->record, field) != 0;
}

/* Changed by this very change (of a new deal: given). */
static bool mentioned(const struct deal *deal, uint32_t field)
{
    return record_differs(deal->record, deal->before, field) != 0;
}

/* ------------------------------------------------------------ its place */

/* The first pipeline by (not default, order, creation). */
static int32_t default_pipeline(const struct deal *deal, crm_id *out)
{
    crm_query *query = NULL;
    crm_record *pipeline;
    int64_t best = INT64_MAX;

    int32_t status = crm_query_create(crm_txn_view(record_txn(deal->record)), CRM_KIND_PIPELINE, &query, NULL);
    if (status != CRM_OK)
        return record_fail(deal->record, status, DEAL "the pipelines cannot be read", title(deal));
    while ((status = crm_query_next(query, &pipeline, NULL)) == CRM_OK) {
        int64_t order = crm_has(pipeline, CRM_PIPELINE_ORDER) ? crm_int(pipeline, CRM_PIPELINE_ORDER) : INT32_MAX;
        if (crm_int(pipeline, CRM_PIPELINE_IS_DEFAULT) != 0)
            order = INT64_MIN;
        if (order < best) {
            best = order;
            crm_record_id(pipeline, out);
        }
    }
    crm_query_free(query);
    if (status == CRM_DONE && best == INT64_MAX)
        return record_fail(deal->record, CRM_REFUSED, DEAL "there is no pipeline; create one, and stages in it",
                           title(deal));
    return status == CRM_DONE ? CRM_OK
                              : record_fail(deal->record, status, DEAL "the pipelines cannot be read", title(deal));
}

static int32_t first_stage(const struct deal *deal, const crm_id *pipeline, crm_id *out)
{
    crm_query *query = NULL;
    crm_record *stage;
    int64_t best = INT64_MAX;

    int32_t status = crm_query_create(crm_txn_view(record_txn(deal->record)), CRM_KIND_STAGE, &query, NULL);
    if (status == CRM_OK) {
        crm_query_where_ref(query, CRM_STAGE_PIPELINE, CRM_OP_EQ, CRM_KIND_PIPELINE, pipeline);
        while ((status = crm_query_next(query, &stage, NULL)) == CRM_OK) {
            if (crm_int(stage, CRM_STAGE_ORDER) < best) {
                best = crm_int(stage, CRM_STAGE_ORDER);
                crm_record_id(stage, out);
            }
        }
    }
    crm_query_free(query);
    if (status == CRM_DONE && best == INT64_MAX)
        return record_fail(deal->record, CRM_REFUSED, DEAL "its pipeline has no stage; create one", title(deal));
    return status == CRM_DONE ? CRM_OK
                              : record_fail(deal->record, status, DEAL "the stages cannot be read", title(deal));
}

/* Gives a deal that names no stage the first of its (or the default) pipeline, and reads the stage. */
static int32_t find_stage(struct deal *deal)
{
    crm_id pipeline;
    crm_id stage;
    int32_t status = CRM_OK;

    if (!has(deal, CRM_OPPORTUNITY_STAGE)) {
        if (crm_ref(deal->record, CRM_OPPORTUNITY_PIPELINE, NULL, &pipeline) != CRM_OK)
            status = default_pipeline(deal, &pipeline);
        if (status == CRM_OK)
            status = first_stage(deal, &pipeline, &stage);
        if (status == CRM_OK)
            status = record_put_ref_id(deal->record, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &stage);
    } else {
        status = crm_ref(deal->record, CRM_OPPORTUNITY_STAGE, NULL, &stage);
    }
    if (status != CRM_OK)
        return status;
    status = crm_get(crm_txn_view(record_txn(deal->record)), CRM_KIND_STAGE, &stage, &deal->stage, NULL);
    if (status != CRM_OK)
        return record_fail(deal->record, status, DEAL "stage: there is no such stage", title(deal));
    return CRM_OK;
}

/* The stage belongs to the pipeline; a deal that names the stage alone follows it. */
static int32_t check_pipeline(struct deal *deal)
{
    crm_id of_stage;
    crm_id own;

    if (crm_ref(deal->stage, CRM_STAGE_PIPELINE, NULL, &of_stage) != CRM_OK)
        return record_fail(deal->record, CRM_REFUSED, DEAL "stage %s belongs to no pipeline; choose another",
                           title(deal), crm_title(deal->stage, NULL));
    bool has_own = crm_ref(deal->record, CRM_OPPORTUNITY_PIPELINE, NULL, &own) == CRM_OK;
    if (has_own && memcmp(&own, &of_stage, sizeof own) == 0)
        return CRM_OK;
    if (!has_own)
        return record_put_ref_id(deal->record, CRM_OPPORTUNITY_PIPELINE, CRM_KIND_PIPELINE, &of_stage);
    return record_fail(deal->record, CRM_REFUSED,
                       DEAL "stage %s is not one of pipeline %s; name a stage of that pipeline, or its own pipeline %s",
                       title(deal), crm_title(deal->stage, NULL),
                       crm_display(deal->record, CRM_OPPORTUNITY_PIPELINE, NULL),
                       crm_display(deal->stage, CRM_STAGE_PIPELINE, NULL));
}

/* ------------------------------------------------------------ probability and forecast */

static int32_t put_if_new(struct deal *deal, uint32_t field, int64_t value)
{
    if (has(deal, field) && crm_int(deal->record, field) == value)
        return CRM_OK;
    return record_put_int(deal->record, field, value);
}

static int32_t probability_from_stage(struct deal *deal)
{
    int32_t status = put_if_new(deal, CRM_OPPORTUNITY_PROBABILITY, crm_int(deal->stage, CRM_STAGE_PROBABILITY));
    return status != CRM_OK
               ? status
               : put_if_new(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE, CRM_OPPORTUNITY_PROBABILITY_SOURCE_STAGE);
}

static int32_t forecast_from_stage(struct deal *deal)
{
    int64_t forecast = crm_int(deal->stage, CRM_STAGE_FORECAST); /* the codes of both kinds are the same */
    if (deal->closed)
        forecast = deal->won ? CRM_OPPORTUNITY_FORECAST_CLOSED : CRM_OPPORTUNITY_FORECAST_OMITTED;
    return forecast == 0 ? CRM_OK : put_if_new(deal, CRM_OPPORTUNITY_FORECAST, forecast);
}

static int32_t check_probability(const struct deal *deal)
{
    int64_t probability = crm_int(deal->record, CRM_OPPORTUNITY_PROBABILITY);
    if (probability >= 0 && probability <= 100)
        return CRM_OK;
    return record_fail(deal->record, CRM_INVALID, DEAL "probability %lld is not between 0 and 100 percent", title(deal),
                       (long long)probability);
}

/* A deal that is over has the probability of its outcome.  What an import
 * carries along in the change that closes it gives way; a later change by
 * itself is refused, because it would be ignored silently. */
static int32_t settle_closed(struct deal *deal)
{
    int64_t fixed = deal->won ? 100 : 0;
    int64_t given = crm_int(deal->record, CRM_OPPORTUNITY_PROBABILITY);

    if (!deal->moved && mentioned(deal, CRM_OPPORTUNITY_PROBABILITY) && given != fixed)
        return record_fail(deal->record, CRM_REFUSED, DEAL "probability %lld: a %s deal has %lld; reopen it first",
                           title(deal), (long long)given, deal->won ? "won" : "lost", (long long)fixed);
    int32_t status = put_if_new(deal, CRM_OPPORTUNITY_PROBABILITY, fixed);
    if (status == CRM_OK)
        status = put_if_new(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE, CRM_OPPORTUNITY_PROBABILITY_SOURCE_STAGE);
    return status == CRM_OK ? forecast_from_stage(deal) : status;
}

/* Did this change give a probability?  One that moves the deal may name the value it has already. */
static bool probability_given(const struct deal *deal)
{
    if (!has(deal, CRM_OPPORTUNITY_PROBABILITY))
        return false;
    return mentioned(deal, CRM_OPPORTUNITY_PROBABILITY) ||
           (deal->moved && record_mentions(deal->record, CRM_OPPORTUNITY_PROBABILITY));
}

static int32_t settle_open(struct deal *deal)
{
    bool given = probability_given(deal);
    bool emptied = !has(deal, CRM_OPPORTUNITY_PROBABILITY);
    bool manual =
        crm_int(deal->record, CRM_OPPORTUNITY_PROBABILITY_SOURCE) == CRM_OPPORTUNITY_PROBABILITY_SOURCE_MANUAL;
    /* A deal that comes with the probability of the stage it enters has not got
     * it by hand: what was exported is imported again the same. */
    bool own = given && (!deal->moved || crm_int(deal->record, CRM_OPPORTUNITY_PROBABILITY) !=
                                             crm_int(deal->stage, CRM_STAGE_PROBABILITY));
    int32_t status = CRM_OK;

    if (own) {
        status = put_if_new(deal, CRM_OPPORTUNITY_PROBABILITY_SOURCE, CRM_OPPORTUNITY_PROBABILITY_SOURCE_MANUAL);
        manual = true;
    } else if (given || emptied || (deal->moved && !manual)) {
        status = probability_from_stage(deal); /* emptying it hands it back to the stage */
        manual = false;
    }
    if (status == CRM_OK && (!has(deal, CRM_OPPORTUNITY_FORECAST) ||
                             (deal->moved && !mentioned(deal, CRM_OPPORTUNITY_FORECAST) && !manual)))
        status = forecast_from_stage(deal);
    return status;
}

/* ------------------------------------------------------------ closing, losing, reopening */

/* What only a closed (lost) deal has: taken away by the move that ends that
 * state, refused when it is given to a deal that is not in it. */
static int32_t drop(struct deal *deal, uint32_t field, const char *needs)
{
    if (!has(deal, field))
        return CRM_OK;
    if (deal->moved && deal->before != NULL && !mentioned(deal, field))
        return record_put_null(deal->record, field);
    crm_db *db = record_db(deal->record);
    return record_fail(deal->record, CRM_REFUSED, DEAL "%s is for %s deals and stage %s is not; leave it empty",
                       title(deal), crm_field_name(db, CRM_KIND_OPPORTUNITY, field), needs,
                       crm_title(deal->stage, NULL));
}

/* When it closed: as given, else now; a deal that comes into the file closed
 * was closed on its close date when that has passed. */
static int32_t settle_closed_at(struct deal *deal)
{
    int64_t at = txn_time(record_txn(deal->record));
    int32_t status = CRM_OK;

    if (!has(deal, CRM_OPPORTUNITY_CLOSED_AT)) {
        if (deal->before == NULL && has(deal, CRM_OPPORTUNITY_CLOSE_DATE)) {
            int64_t close_date = date_instant((int32_t)crm_int(deal->record, CRM_OPPORTUNITY_CLOSE_DATE));
            at = close_date < at ? close_date : at;
        }
        status = record_put_int(deal->record, CRM_OPPORTUNITY_CLOSED_AT, at);
    }
    if (status == CRM_OK && !has(deal, CRM_OPPORTUNITY_CLOSE_DATE))
        status = record_put_int(deal->record, CRM_OPPORTUNITY_CLOSE_DATE,
                                instant_date(crm_int(deal->record, CRM_OPPORTUNITY_CLOSED_AT)));
    return status;
}

static int32_t check_lost_reason(const struct deal *deal)
{
    if (!has(deal, CRM_OPPORTUNITY_LOST_REASON))
        return record_fail(deal->record, CRM_REFUSED, DEAL "stage %s needs a lost_reason; set one with the stage",
                           title(deal), crm_title(deal->stage, NULL));
    if (crm_int(deal->record, CRM_OPPORTUNITY_LOST_REASON) == CRM_OPPORTUNITY_LOST_REASON_OTHER &&
        !has(deal, CRM_OPPORTUNITY_LOST_NOTES))
        return record_fail(deal->record, CRM_REFUSED, DEAL "lost_reason other needs lost_notes; say what it was",
                           title(deal));
    return CRM_OK;
}

static int32_t settle_outcome(struct deal *deal)
{
    int64_t outcome = CRM_OPPORTUNITY_OUTCOME_OPEN;
    if (deal->closed)
        outcome = deal->won ? CRM_OPPORTUNITY_OUTCOME_WON : CRM_OPPORTUNITY_OUTCOME_LOST;
    int32_t status = put_if_new(deal, CRM_OPPORTUNITY_OUTCOME, outcome);

    if (status == CRM_OK)
        status = deal->closed ? settle_closed_at(deal) : drop(deal, CRM_OPPORTUNITY_CLOSED_AT, "closed");
    if (deal->closed && !deal->won)
        return status == CRM_OK ? check_lost_reason(deal) : status;
    if (status == CRM_OK)
        status = drop(deal, CRM_OPPORTUNITY_LOST_REASON, "lost");
    if (status == CRM_OK)
        status = drop(deal, CRM_OPPORTUNITY_LOST_NOTES, "lost");
    return status;
}

/* ------------------------------------------------------------ the stage's own demands */

/* Checked on entry, and when a change takes a field away: a field that became
 * required later does not lock the deals that are in the stage already. */
static int32_t check_required_fields(const struct deal *deal)
{
    crm_db *db = record_db(deal->record);
    size_t length;
    const char *at = crm_text(deal->stage, CRM_STAGE_REQUIRED_FIELDS, &length);
    const char *end = at + length;
    const char *name;

    if (crm_record_status(deal->stage) != CRM_OK)
        return record_fail(deal->record, crm_record_status(deal->stage), "a stage cannot be read");
    while (rules_next_name(&at, end, &name, &length)) {
        uint32_t field = crm_field_find(db, CRM_KIND_OPPORTUNITY, name, length);
        if (field == 0 || has(deal, field) || (!deal->moved && !mentioned(deal, field)))
            continue;
        return record_fail(deal->record, CRM_REFUSED, DEAL "stage %s needs %s; set it with the stage", title(deal),
                           crm_title(deal->stage, NULL), crm_field_name(db, CRM_KIND_OPPORTUNITY, field));
    }
    return CRM_OK;
}

static int32_t settle_since(struct deal *deal)
{
    int64_t since = txn_time(record_txn(deal->record));

    if (!deal->moved || mentioned(deal, CRM_OPPORTUNITY_STAGE_SINCE))
        return CRM_OK;
    if (deal->closed && mentioned(deal, CRM_OPPORTUNITY_CLOSED_AT))
        since = crm_int(deal->record, CRM_OPPORTUNITY_CLOSED_AT);
    return record_put_int(deal->record, CRM_OPPORTUNITY_STAGE_SINCE, since);
}

static int32_t settle(struct deal *deal)
{
    int32_t status = find_stage(deal);
    if (status == CRM_OK)
        status = check_pipeline(deal);
    if (status != CRM_OK)
        return status;
    deal->closed = crm_int(deal->stage, CRM_STAGE_IS_CLOSED) != 0;
    deal->won = crm_int(deal->stage, CRM_STAGE_IS_WON) != 0;
    status = check_probability(deal);
    if (status == CRM_OK)
        status = deal->closed ? settle_closed(deal) : settle_open(deal);
    if (status == CRM_OK)
        status = settle_outcome(deal);
    if (status == CRM_OK)
        status = check_required_fields(deal);
    return status == CRM_OK ? settle_since(deal) : status;
}

int32_t rules_opportunity(crm_record *record, const crm_record *before)
{
    struct deal deal = {.record = record, .before = before};
    int32_t status = rules_not_blank(record, CRM_OPPORTUNITY_NAME);

    if (status != CRM_OK)
        return status;
    if (before != NULL && crm_has(before, CRM_OPPORTUNITY_STAGE) && !has(&deal, CRM_OPPORTUNITY_STAGE))
        return record_fail(record, CRM_REFUSED, DEAL "stage cannot be emptied; name another", title(&deal));
    deal.moved = !has(&deal, CRM_OPPORTUNITY_STAGE) || mentioned(&deal, CRM_OPPORTUNITY_STAGE);
    if (!has(&deal, CRM_OPPORTUNITY_CURRENCY))
        status = record_put_int(record, CRM_OPPORTUNITY_CURRENCY, db_currency(record_db(record)));
    /* What the model takes back was right once: it is restored as it was. */
    if (status == CRM_OK && !rules_undoing(record))
        status = settle(&deal);
    crm_record_free(deal.stage);
    return status;
}
