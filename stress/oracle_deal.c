/* oracle_deal: what docs/RULES.md says of opportunities, over the plain model. */
#include "oracle_state.h"

/* The stage of a deal, and whether this change brought it there. */
struct place {
    uint32_t stage;
    bool moved, closed, won;
};

static int64_t stage_int(const struct draft *draft, const struct place *place, uint32_t field)
{
    return oracle_int(draft->oracle, SLOT_STAGE, place->stage, field);
}

static uint32_t default_pipeline(const struct oracle *oracle)
{
    uint32_t found = UINT32_MAX;
    int64_t best = INT64_MAX;
    for (uint32_t i = 0; i < oracle->sets[SLOT_PIPELINE].count; i++) {
        const struct oracle_value *order = oracle_value(oracle, SLOT_PIPELINE, i, CRM_PIPELINE_ORDER);
        int64_t rank = order->set ? order->integer : INT32_MAX;
        if (oracle_int(oracle, SLOT_PIPELINE, i, CRM_PIPELINE_IS_DEFAULT) != 0)
            rank = INT64_MIN;
        if (oracle_lives(oracle, SLOT_PIPELINE, i) && rank < best) {
            best = rank;
            found = i;
        }
    }
    return found;
}

static uint32_t first_stage(const struct oracle *oracle, uint32_t pipeline)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < oracle->sets[SLOT_STAGE].count; i++)
        if (oracle_lives(oracle, SLOT_STAGE, i) &&
            oracle_value(oracle, SLOT_STAGE, i, CRM_STAGE_PIPELINE)->index == pipeline &&
            (found == UINT32_MAX || oracle_int(oracle, SLOT_STAGE, i, CRM_STAGE_ORDER) <
                                        oracle_int(oracle, SLOT_STAGE, found, CRM_STAGE_ORDER)))
            found = i;
    return found;
}

static int32_t find_place(struct draft *draft, struct place *place)
{
    const struct oracle *oracle = draft->oracle;
    struct oracle_value *stage = draft_at(draft, CRM_OPPORTUNITY_STAGE);
    struct oracle_value *pipeline = draft_at(draft, CRM_OPPORTUNITY_PIPELINE);
    if (!stage->set) {
        uint32_t of = pipeline->set ? pipeline->index : default_pipeline(oracle);
        uint32_t first = of == UINT32_MAX ? UINT32_MAX : first_stage(oracle, of);
        if (first == UINT32_MAX)
            return CRM_REFUSED;
        *stage = (struct oracle_value){.set = true, .slot = SLOT_STAGE, .index = first};
    }
    place->stage = stage->index;
    uint32_t own = oracle_value(oracle, SLOT_STAGE, place->stage, CRM_STAGE_PIPELINE)->index;
    if (!pipeline->set) {
        if (!oracle_lives(oracle, SLOT_PIPELINE, own))
            return CRM_REFUSED; /* a deleted one can be no new reference */
        *pipeline = (struct oracle_value){.set = true, .slot = SLOT_PIPELINE, .index = own};
    }
    place->closed = stage_int(draft, place, CRM_STAGE_IS_CLOSED) != 0;
    place->won = stage_int(draft, place, CRM_STAGE_IS_WON) != 0;
    return pipeline->index == own ? CRM_OK : CRM_REFUSED;
}

static void follow_forecast(struct draft *draft, const struct place *place)
{
    int64_t forecast = stage_int(draft, place, CRM_STAGE_FORECAST);
    if (place->closed)
        forecast = place->won ? CRM_OPPORTUNITY_FORECAST_CLOSED : CRM_OPPORTUNITY_FORECAST_OMITTED;
    if (forecast != 0)
        draft_put(draft, CRM_OPPORTUNITY_FORECAST, forecast);
}

static void follow_probability(struct draft *draft, int64_t probability, int64_t source)
{
    draft_put(draft, CRM_OPPORTUNITY_PROBABILITY, probability);
    draft_put(draft, CRM_OPPORTUNITY_PROBABILITY_SOURCE, source);
}

/* Won is 100, lost is 0; a later change of that alone is refused. */
static int32_t settle_closed(struct draft *draft, const struct place *place)
{
    int64_t fixed = place->won ? 100 : 0;
    if (!place->moved && draft_differs(draft, CRM_OPPORTUNITY_PROBABILITY) &&
        draft_get(draft, CRM_OPPORTUNITY_PROBABILITY) != fixed)
        return CRM_REFUSED;
    follow_probability(draft, fixed, CRM_OPPORTUNITY_PROBABILITY_SOURCE_STAGE);
    follow_forecast(draft, place);
    return CRM_OK;
}

/* One set by hand stays, one that was emptied follows the stage again, as does
 * one that a deal brings along and that is the entered stage's own. */
static int32_t settle_open(struct draft *draft, const struct place *place)
{
    int64_t stages = stage_int(draft, place, CRM_STAGE_PROBABILITY);
    int64_t given = draft_get(draft, CRM_OPPORTUNITY_PROBABILITY);
    bool has = draft_has(draft, CRM_OPPORTUNITY_PROBABILITY);
    bool by_hand = draft_get(draft, CRM_OPPORTUNITY_PROBABILITY_SOURCE) == CRM_OPPORTUNITY_PROBABILITY_SOURCE_MANUAL;
    bool named = has && (draft_differs(draft, CRM_OPPORTUNITY_PROBABILITY) ||
                         (place->moved && draft_given(draft, CRM_OPPORTUNITY_PROBABILITY)));
    if (named && !(place->moved && given == stages)) {
        follow_probability(draft, given, CRM_OPPORTUNITY_PROBABILITY_SOURCE_MANUAL);
        by_hand = true;
    } else if (named || !has || (place->moved && !by_hand)) {
        follow_probability(draft, stages, CRM_OPPORTUNITY_PROBABILITY_SOURCE_STAGE);
        by_hand = false;
    }
    if (!draft_has(draft, CRM_OPPORTUNITY_FORECAST) ||
        (place->moved && !draft_differs(draft, CRM_OPPORTUNITY_FORECAST) && !by_hand))
        follow_forecast(draft, place);
    return CRM_OK;
}

/* Of closed (lost) deals only: reopening takes it away, giving it to another is refused. */
static int32_t take_away(struct draft *draft, const struct place *place, uint32_t field)
{
    if (!draft_has(draft, field))
        return CRM_OK;
    if (!place->moved || draft->before == NULL || draft_differs(draft, field))
        return CRM_REFUSED;
    draft_clear(draft, field);
    return CRM_OK;
}

static int64_t day_of(int64_t time)
{
    return time / ORACLE_DAY - (time % ORACLE_DAY < 0);
}

static void settle_closed_at(struct draft *draft)
{
    int64_t at = draft->oracle->open->time;
    if (!draft_has(draft, CRM_OPPORTUNITY_CLOSED_AT)) {
        if (draft->before == NULL && draft_has(draft, CRM_OPPORTUNITY_CLOSE_DATE)) {
            int64_t date = draft_get(draft, CRM_OPPORTUNITY_CLOSE_DATE) * ORACLE_DAY;
            at = date < at ? date : at;
        }
        draft_put(draft, CRM_OPPORTUNITY_CLOSED_AT, at);
    }
    if (!draft_has(draft, CRM_OPPORTUNITY_CLOSE_DATE))
        draft_put(draft, CRM_OPPORTUNITY_CLOSE_DATE, day_of(draft_get(draft, CRM_OPPORTUNITY_CLOSED_AT)));
}

static int32_t settle_outcome(struct draft *draft, const struct place *place)
{
    int32_t status = CRM_OK;
    draft_put(draft, CRM_OPPORTUNITY_OUTCOME,
              !place->closed ? CRM_OPPORTUNITY_OUTCOME_OPEN
              : place->won   ? CRM_OPPORTUNITY_OUTCOME_WON
                             : CRM_OPPORTUNITY_OUTCOME_LOST);
    if (place->closed)
        settle_closed_at(draft);
    else
        status = take_away(draft, place, CRM_OPPORTUNITY_CLOSED_AT);
    if (place->closed && !place->won) {
        bool other = draft_get(draft, CRM_OPPORTUNITY_LOST_REASON) == CRM_OPPORTUNITY_LOST_REASON_OTHER;
        if (!draft_has(draft, CRM_OPPORTUNITY_LOST_REASON) || (other && !draft_has(draft, CRM_OPPORTUNITY_LOST_NOTES)))
            return CRM_REFUSED;
        return status;
    }
    if (status == CRM_OK)
        status = take_away(draft, place, CRM_OPPORTUNITY_LOST_REASON);
    return status == CRM_OK ? take_away(draft, place, CRM_OPPORTUNITY_LOST_NOTES) : status;
}

int32_t oracle_rules_opportunity(struct draft *draft)
{
    struct place place = {0};
    const struct oracle_value *name = draft_at(draft, CRM_OPPORTUNITY_NAME);
    if (name->set && name->text[0] == ' ')
        return CRM_INVALID; /* the changes know no other name that begins so */
    if (draft->before != NULL && !draft_has(draft, CRM_OPPORTUNITY_STAGE))
        return CRM_REFUSED;
    place.moved = !draft_has(draft, CRM_OPPORTUNITY_STAGE) || draft_differs(draft, CRM_OPPORTUNITY_STAGE);
    if (!draft_has(draft, CRM_OPPORTUNITY_CURRENCY))
        draft_put(draft, CRM_OPPORTUNITY_CURRENCY, oracle_currency(draft->oracle));
    if (draft->undoing)
        return CRM_OK; /* what was right once is restored as it was */
    int32_t status = find_place(draft, &place);
    if (status != CRM_OK)
        return status;
    int64_t probability = draft_get(draft, CRM_OPPORTUNITY_PROBABILITY);
    if (probability < 0 || probability > 100)
        return CRM_INVALID;
    status = place.closed ? settle_closed(draft, &place) : settle_open(draft, &place);
    if (status == CRM_OK)
        status = settle_outcome(draft, &place);
    if (status == CRM_OK && place.moved) {
        bool told = place.closed && draft_differs(draft, CRM_OPPORTUNITY_CLOSED_AT);
        draft_put(draft, CRM_OPPORTUNITY_STAGE_SINCE,
                  told ? draft_get(draft, CRM_OPPORTUNITY_CLOSED_AT) : draft->oracle->open->time);
    }
    return status;
}
