/* oracle_rules: docs/RULES.md and docs/LIFECYCLE.md, written a second time over
 * the plain model.  Each sets what follows from the rest of a draft, or says
 * what the library must refuse it with.
 */
#include "oracle_state.h"

#include <string.h>

static bool blank(struct draft *draft, uint32_t field)
{
    const struct oracle_value *value = draft_at(draft, field);
    return value->set && strspn(value->text, " ") == strlen(value->text);
}

static int64_t now_of(const struct draft *draft)
{
    return draft->oracle->open->time;
}

/* ---- customers ---- */

/* By the stage left, those that may follow; 0 ends the list. */
static const uint8_t four[7][4] = {[1] = {2, 3}, [2] = {3}, [3] = {2, 4}, [4] = {1}};
static const uint8_t five[7][4] = {[1] = {5, 3}, [5] = {2, 3}, [2] = {6, 3}, [6] = {3}, [3] = {5, 2, 4}, [4] = {1}};

static bool is_five(const struct oracle *oracle)
{
    const char *setting = oracle_setting(oracle, "lifecycle");
    return setting != NULL && strcmp(setting, "five") == 0;
}

static bool has_stage(const struct oracle *oracle, int64_t stage)
{
    return stage >= 1 && stage <= (is_five(oracle) ? 6 : 4);
}

bool oracle_may_move(const struct oracle *oracle, int64_t from, int64_t to)
{
    const uint8_t *next = is_five(oracle) ? five[from] : four[from];
    if (!has_stage(oracle, to) || from == to)
        return false;
    if (!has_stage(oracle, from)) /* of a table that is no longer in force: anywhere */
        return true;
    return next[0] == to || next[1] == to || next[2] == to;
}

static int32_t rules_customer(struct draft *draft)
{
    if (blank(draft, CRM_CUSTOMER_NAME))
        return CRM_INVALID;
    if (!draft_has(draft, CRM_CUSTOMER_STAGE)) {
        if (draft->before != NULL)
            return CRM_REFUSED;
        draft_put(draft, CRM_CUSTOMER_STAGE, CRM_CUSTOMER_STAGE_ACQUAINTANCE);
    } else if (!draft_differs(draft, CRM_CUSTOMER_STAGE)) {
        return CRM_OK;
    } else if (!draft->undoing) {
        int64_t to = draft_get(draft, CRM_CUSTOMER_STAGE);
        if (draft->before == NULL
                ? !has_stage(draft->oracle, to)
                : !oracle_may_move(draft->oracle,
                                   oracle_int(draft->oracle, draft->slot, draft->index, CRM_CUSTOMER_STAGE), to))
            return CRM_REFUSED;
    }
    if (!draft_differs(draft, CRM_CUSTOMER_STAGE_SINCE))
        draft_put(draft, CRM_CUSTOMER_STAGE_SINCE, now_of(draft));
    return CRM_OK;
}

/* ---- contacts ---- */

static const char *text_of(struct draft *draft, uint32_t field)
{
    return draft_has(draft, field) ? draft_at(draft, field)->text : "";
}

/* First name, last name; the other way round, and together, where both are written in Chinese. */
static int32_t rules_contact(struct draft *draft)
{
    if (blank(draft, CRM_CONTACT_LAST_NAME))
        return CRM_INVALID;
    if (draft_has(draft, CRM_CONTACT_NAME) && !draft_differs(draft, CRM_CONTACT_FIRST_NAME) &&
        !draft_differs(draft, CRM_CONTACT_LAST_NAME))
        return CRM_OK;
    const char *first = text_of(draft, CRM_CONTACT_FIRST_NAME), *last = text_of(draft, CRM_CONTACT_LAST_NAME);
    const char *name;
    if ((unsigned char)first[0] >= 0xE0 && (unsigned char)last[0] >= 0xE0) /* the changes know no other such script */
        name = oracle_text(draft->oracle, "%s%s", last, first);
    else
        name = oracle_text(draft->oracle, "%s%s%s", first, first[0] != '\0' && last[0] != '\0' ? " " : "", last);
    *draft_at(draft, CRM_CONTACT_NAME) = (struct oracle_value){.set = name[0] != '\0', .text = name};
    return CRM_OK;
}

/* ---- interactions ---- */

enum { COMPLETED = CRM_INTERACTION_STATUS_COMPLETED };

/* `completed` and the status "completed" go together. */
static int32_t settle_status(struct draft *draft)
{
    bool has_time = draft_has(draft, CRM_INTERACTION_COMPLETED);
    bool is_status = draft_get(draft, CRM_INTERACTION_STATUS) == COMPLETED;
    bool new_time = draft_differs(draft, CRM_INTERACTION_COMPLETED);
    bool new_status = draft_differs(draft, CRM_INTERACTION_STATUS);
    if (has_time == is_status)
        return CRM_OK;
    if (is_status && (new_status || !new_time)) {
        int64_t at =
            draft_get(draft, draft_has(draft, CRM_INTERACTION_END) ? CRM_INTERACTION_END : CRM_INTERACTION_START);
        draft_put(draft, CRM_INTERACTION_COMPLETED, at < now_of(draft) ? at : now_of(draft));
    } else if (is_status) {
        draft_clear(draft, CRM_INTERACTION_STATUS);
    } else if (!new_status || !draft_has(draft, CRM_INTERACTION_STATUS)) {
        draft_put(draft, CRM_INTERACTION_STATUS, COMPLETED);
    } else if (!new_time) {
        draft_clear(draft, CRM_INTERACTION_COMPLETED);
    } else {
        return CRM_INVALID;
    }
    return CRM_OK;
}

/* A deleted one can be no new reference. */
static int32_t take_customer(struct draft *draft, const struct oracle_value *customer)
{
    if (!customer->set)
        return CRM_OK;
    if (!oracle_lives(draft->oracle, SLOT_CUSTOMER, customer->index))
        return CRM_REFUSED;
    *draft_at(draft, CRM_INTERACTION_CUSTOMER) =
        (struct oracle_value){.set = true, .slot = SLOT_CUSTOMER, .index = customer->index};
    return CRM_OK;
}

static int32_t derive_customer(struct draft *draft)
{
    const struct oracle_value *contact = draft_at(draft, CRM_INTERACTION_CONTACT);
    const struct oracle_value *related = draft_at(draft, CRM_INTERACTION_RELATED);
    int32_t status = CRM_OK;
    if (draft_has(draft, CRM_INTERACTION_CUSTOMER))
        return CRM_OK;
    if (contact->set && draft_differs(draft, CRM_INTERACTION_CONTACT))
        status = take_customer(draft, oracle_value(draft->oracle, SLOT_CONTACT, contact->index, CRM_CONTACT_CUSTOMER));
    if (status != CRM_OK || draft_has(draft, CRM_INTERACTION_CUSTOMER) || !related->set ||
        !draft_differs(draft, CRM_INTERACTION_RELATED))
        return status;
    if (related->slot == SLOT_CUSTOMER)
        return take_customer(draft, related);
    if (related->slot == SLOT_CONTACT)
        return take_customer(draft, oracle_value(draft->oracle, SLOT_CONTACT, related->index, CRM_CONTACT_CUSTOMER));
    if (related->slot == SLOT_OPPORTUNITY)
        return take_customer(draft,
                             oracle_value(draft->oracle, SLOT_OPPORTUNITY, related->index, CRM_OPPORTUNITY_CUSTOMER));
    return CRM_OK;
}

static int32_t rules_interaction(struct draft *draft)
{
    if (!draft_has(draft, CRM_INTERACTION_START)) {
        int64_t start = now_of(draft);
        if (draft_has(draft, CRM_INTERACTION_END))
            start = draft_get(draft, CRM_INTERACTION_END);
        else if (draft_has(draft, CRM_INTERACTION_COMPLETED))
            start = draft_get(draft, CRM_INTERACTION_COMPLETED);
        draft_put(draft, CRM_INTERACTION_START, start);
    }
    if (draft_has(draft, CRM_INTERACTION_END) &&
        draft_get(draft, CRM_INTERACTION_END) < draft_get(draft, CRM_INTERACTION_START))
        return CRM_INVALID;
    int32_t status = settle_status(draft);
    if (status == CRM_OK)
        status = derive_customer(draft);
    if (status == CRM_OK && draft_has(draft, CRM_INTERACTION_AMOUNT) && !draft_has(draft, CRM_INTERACTION_CURRENCY))
        draft_put(draft, CRM_INTERACTION_CURRENCY, oracle_currency(draft->oracle));
    return status;
}

/* ---- pipelines, stages, products ---- */

static int32_t settle_stage_probability(struct draft *draft)
{
    bool closed = draft_get(draft, CRM_STAGE_IS_CLOSED) != 0, won = draft_get(draft, CRM_STAGE_IS_WON) != 0;
    if (closed && !draft_has(draft, CRM_STAGE_PROBABILITY))
        draft_put(draft, CRM_STAGE_PROBABILITY, won ? 100 : 0);
    int64_t probability = draft_get(draft, CRM_STAGE_PROBABILITY);
    if (probability < 0 || probability > 100 || (closed && probability != (won ? 100 : 0)))
        return CRM_INVALID;
    if (!draft_has(draft, CRM_STAGE_FORECAST))
        draft_put(draft, CRM_STAGE_FORECAST,
                  won      ? CRM_STAGE_FORECAST_CLOSED
                  : closed ? CRM_STAGE_FORECAST_OMITTED
                           : CRM_STAGE_FORECAST_PIPELINE);
    return CRM_OK;
}

/* Behind the other live ones of its pipeline. */
static void settle_stage_order(struct draft *draft)
{
    const struct oracle_value *pipeline = draft_at(draft, CRM_STAGE_PIPELINE);
    const struct oracle *oracle = draft->oracle;
    int64_t last = 0;
    if (draft_has(draft, CRM_STAGE_ORDER) || !pipeline->set)
        return;
    for (uint32_t i = 0; i < oracle->sets[SLOT_STAGE].count; i++)
        if (oracle_lives(oracle, SLOT_STAGE, i) &&
            oracle_value(oracle, SLOT_STAGE, i, CRM_STAGE_PIPELINE)->index == pipeline->index &&
            oracle_int(oracle, SLOT_STAGE, i, CRM_STAGE_ORDER) > last)
            last = oracle_int(oracle, SLOT_STAGE, i, CRM_STAGE_ORDER);
    draft_put(draft, CRM_STAGE_ORDER, last + 1);
}

static int32_t rules_stage(struct draft *draft)
{
    const struct oracle *oracle = draft->oracle;
    bool closed = draft_get(draft, CRM_STAGE_IS_CLOSED) != 0, won = draft_get(draft, CRM_STAGE_IS_WON) != 0;
    if (blank(draft, CRM_STAGE_NAME))
        return CRM_INVALID;
    if (won && !closed) {
        if (draft_has(draft, CRM_STAGE_IS_CLOSED) && draft_differs(draft, CRM_STAGE_IS_CLOSED))
            return CRM_INVALID;
        draft_put(draft, CRM_STAGE_IS_CLOSED, 1);
    }
    int32_t status = settle_stage_probability(draft);
    settle_stage_order(draft);
    if (status != CRM_OK || draft->before == NULL || draft->undoing)
        return status;
    /* Unset and 0 mean the same to the deals in it. */
    bool moved =
        draft_differs(draft, CRM_STAGE_PIPELINE) ||
        draft_get(draft, CRM_STAGE_IS_CLOSED) != oracle_int(oracle, SLOT_STAGE, draft->index, CRM_STAGE_IS_CLOSED) ||
        draft_get(draft, CRM_STAGE_IS_WON) != oracle_int(oracle, SLOT_STAGE, draft->index, CRM_STAGE_IS_WON);
    for (uint32_t i = 0; moved && i < oracle->sets[SLOT_OPPORTUNITY].count; i++)
        if (oracle_lives(oracle, SLOT_OPPORTUNITY, i) &&
            oracle_value(oracle, SLOT_OPPORTUNITY, i, CRM_OPPORTUNITY_STAGE)->index == draft->index)
            return CRM_REFUSED;
    return CRM_OK;
}

static int32_t rules_product(struct draft *draft)
{
    if (blank(draft, CRM_PRODUCT_NAME))
        return CRM_INVALID;
    if (draft_has(draft, CRM_PRODUCT_PRICE) && !draft_has(draft, CRM_PRODUCT_CURRENCY))
        draft_put(draft, CRM_PRODUCT_CURRENCY, oracle_currency(draft->oracle));
    return CRM_OK;
}

static int32_t rules_setting(struct draft *draft)
{
    const char *value = text_of(draft, CRM_SETTING_VALUE);
    if (strcmp(text_of(draft, CRM_SETTING_NAME), "lifecycle") == 0 && strcmp(value, "four") != 0 &&
        strcmp(value, "five") != 0)
        return CRM_INVALID;
    return CRM_OK;
}

int32_t oracle_rules(struct draft *draft)
{
    switch (draft->slot) {
    case SLOT_CUSTOMER: return rules_customer(draft);
    case SLOT_CONTACT: return rules_contact(draft);
    case SLOT_OPPORTUNITY: return oracle_rules_opportunity(draft);
    case SLOT_INTERACTION: return rules_interaction(draft);
    case SLOT_USER: return blank(draft, CRM_USER_NAME) ? CRM_INVALID : CRM_OK;
    case SLOT_PIPELINE: return blank(draft, CRM_PIPELINE_NAME) ? CRM_INVALID : CRM_OK;
    case SLOT_STAGE: return rules_stage(draft);
    case SLOT_PRODUCT: return rules_product(draft);
    case SLOT_SETTING: return rules_setting(draft);
    default: return CRM_OK;
    }
}

/* ---- what a version makes besides ---- */

static struct oracle_value *at(struct oracle_version *version, enum oracle_slot slot, uint32_t field)
{
    return &version->values[oracle_place(slot, field)];
}

static void add_transition(struct oracle *oracle, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_version *now = oracle_record(oracle, slot, index)->newest, *before = now->previous;
    bool customer = slot == SLOT_CUSTOMER;
    uint32_t place = oracle_place(slot, customer ? CRM_CUSTOMER_STAGE : CRM_OPPORTUNITY_STAGE);
    uint32_t since = oracle_place(slot, customer ? CRM_CUSTOMER_STAGE_SINCE : CRM_OPPORTUNITY_STAGE_SINCE);
    if (before != NULL && oracle_same(customer ? SHAPE_INT : SHAPE_REF, &before->values[place], &now->values[place]))
        return;
    uint32_t made = oracle_add_record(oracle, SLOT_TRANSITION, NULL);
    struct oracle_version *move = oracle_add_version(oracle, SLOT_TRANSITION, made, CRM_CHANGE_CREATE);
    *at(move, SLOT_TRANSITION, CRM_TRANSITION_SUBJECT) =
        (struct oracle_value){.set = true, .slot = (uint8_t)slot, .index = index};
    *at(move, SLOT_TRANSITION, CRM_TRANSITION_AT) = now->values[since];
    if (before != NULL)
        *at(move, SLOT_TRANSITION, customer ? CRM_TRANSITION_FROM : CRM_TRANSITION_FROM_STAGE) = before->values[place];
    *at(move, SLOT_TRANSITION, customer ? CRM_TRANSITION_TO : CRM_TRANSITION_TO_STAGE) = now->values[place];
}

/* One pipeline is the default: naming another takes it from the one that was. */
static void take_default(struct oracle *oracle, uint32_t index)
{
    if (oracle_int(oracle, SLOT_PIPELINE, index, CRM_PIPELINE_IS_DEFAULT) == 0)
        return;
    for (uint32_t i = 0; i < oracle->sets[SLOT_PIPELINE].count; i++) {
        if (i == index || !oracle_lives(oracle, SLOT_PIPELINE, i) ||
            oracle_int(oracle, SLOT_PIPELINE, i, CRM_PIPELINE_IS_DEFAULT) == 0)
            continue;
        struct oracle_version *version = oracle_add_version(oracle, SLOT_PIPELINE, i, CRM_CHANGE_UPDATE);
        at(version, SLOT_PIPELINE, CRM_PIPELINE_IS_DEFAULT)->integer = 0;
        return;
    }
}

void oracle_after(struct oracle *oracle, enum oracle_slot slot, uint32_t index)
{
    if (slot == SLOT_CUSTOMER || slot == SLOT_OPPORTUNITY)
        add_transition(oracle, slot, index);
    else if (slot == SLOT_PIPELINE)
        take_default(oracle, index);
}
