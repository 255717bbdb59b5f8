/* oracle_other: random changes of opportunities and of what they hang on, of
 * users, products, settings and definitions, and of a user's own kind.
 */
#include "oracle_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- opportunities ---- */

/* Around the day of ORACLE_NOW, 19,737. */
static int64_t some_day(struct choices *choices)
{
    return 19700 + (int64_t)choose(choices, 80);
}

/* Into any stage; mostly with what a lost deal needs. */
static void change_stage(struct draft *draft)
{
    const struct oracle *oracle = draft->oracle;
    struct choices *choices = draft->choices;
    uint32_t index = oracle_pick(oracle, SLOT_STAGE, choices);
    if (index == UINT32_MAX)
        return;
    draft_ref(draft, CRM_OPPORTUNITY_STAGE, SLOT_STAGE, index);
    const struct oracle_value *pipeline = oracle_value(oracle, SLOT_STAGE, index, CRM_STAGE_PIPELINE);
    if (draft_has(draft, CRM_OPPORTUNITY_PIPELINE) && choose(choices, 4) < 3)
        draft_ref(draft, CRM_OPPORTUNITY_PIPELINE, SLOT_PIPELINE, pipeline->index);
    bool lost = oracle_int(oracle, SLOT_STAGE, index, CRM_STAGE_IS_CLOSED) != 0 &&
                oracle_int(oracle, SLOT_STAGE, index, CRM_STAGE_IS_WON) == 0;
    if (lost && choose(choices, 4) < 3)
        draft_int(draft, CRM_OPPORTUNITY_LOST_REASON, 1 + choose(choices, 7));
    if (choose(choices, 6) == 5)
        draft_int(draft, CRM_OPPORTUNITY_CLOSED_AT, ORACLE_NOW - (int64_t)choose(choices, 100) * ORACLE_DAY);
}

static void change_amount(struct draft *draft)
{
    static const int32_t currencies[] = {978, 840, 392}; /* EUR, USD, JPY */
    if (choose(draft->choices, 8) == 7)
        draft_int(draft, CRM_OPPORTUNITY_CURRENCY, currencies[choose(draft->choices, 3)]);
    if (choose(draft->choices, 8) == 7)
        draft_null(draft, CRM_OPPORTUNITY_AMOUNT);
    else
        draft_int(draft, CRM_OPPORTUNITY_AMOUNT, (int64_t)choose(draft->choices, 1000000) - 1000);
}

static void change_opportunity_field(struct draft *draft)
{
    const struct oracle *oracle = draft->oracle;
    struct choices *choices = draft->choices;
    switch (choose(choices, 16)) {
    case 0:
    case 1:
    case 2: change_stage(draft); break;
    case 3:
    case 4: change_amount(draft); break;
    case 5: draft_int(draft, CRM_OPPORTUNITY_PROBABILITY, (int64_t)choose(choices, 104) - 2); break;
    case 6: draft_null(draft, CRM_OPPORTUNITY_PROBABILITY); break;
    case 7: draft_int(draft, CRM_OPPORTUNITY_FORECAST, 1 + choose(choices, 5)); break;
    case 8: draft_int(draft, CRM_OPPORTUNITY_CLOSE_DATE, some_day(choices)); break;
    case 9: draft_int(draft, CRM_OPPORTUNITY_STARTED_ON, some_day(choices)); break;
    case 10: change_ref(draft, CRM_OPPORTUNITY_CUSTOMER, SLOT_CUSTOMER); break;
    case 11: change_ref(draft, CRM_OPPORTUNITY_PRIMARY_CONTACT, SLOT_CONTACT); break;
    case 12: change_ref(draft, CRM_FIELD_OWNER, SLOT_USER); break;
    case 13: change_ref(draft, CRM_OPPORTUNITY_PRODUCT, SLOT_PRODUCT); break;
    case 14: draft_text(draft, CRM_OPPORTUNITY_LOST_NOTES, choose(choices, 2) == 0 ? "" : "too dear"); break;
    default: draft_text(draft, CRM_OPPORTUNITY_NAME, oracle_text(oracle, "Deal %u", change_number(oracle, choices)));
    }
}

const char *change_opportunity(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct draft draft;
    if (!change_begin(oracle, txn, choices, SLOT_OPPORTUNITY, &draft))
        return draft.wrong;
    if (draft.before == NULL) {
        draft_text(&draft, CRM_OPPORTUNITY_NAME, oracle_text(oracle, "Deal %u", change_number(oracle, choices)));
        draft_int(&draft, CRM_OPPORTUNITY_CLOSE_DATE, some_day(choices));
        change_amount(&draft);
    }
    for (uint32_t left = 1 + choose(choices, 3); left > 0; left--)
        change_opportunity_field(&draft);
    return draft_finish(&draft);
}

/* ---- pipelines and stages ---- */

static const char *change_pipeline(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    enum { MOST = 6 };
    struct draft draft;
    uint32_t index = oracle_pick(oracle, SLOT_PIPELINE, choices);
    bool make = index == UINT32_MAX || (oracle->sets[SLOT_PIPELINE].count < MOST && choose(choices, 3) == 0);
    if (make && oracle->sets[SLOT_PIPELINE].count >= MOST)
        return NULL;
    draft = make ? draft_create(oracle, txn, choices, SLOT_PIPELINE)
                 : draft_edit(oracle, txn, choices, SLOT_PIPELINE, index);
    if (draft.wrong == NULL && (make || choose(choices, 2) == 0))
        draft_text(&draft, CRM_PIPELINE_NAME, oracle_text(oracle, "Line %u", choose(choices, 9)));
    if (draft.wrong == NULL && choose(choices, 2) == 0)
        draft_int(&draft, CRM_PIPELINE_ORDER, choose(choices, 5));
    if (draft.wrong == NULL && choose(choices, 3) == 0)
        draft_int(&draft, CRM_PIPELINE_IS_DEFAULT, choose(choices, 2));
    return draft_finish(&draft);
}

static const char *change_stage_record(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    enum { MOST = 20 };
    uint32_t index = oracle_pick(oracle, SLOT_STAGE, choices), line = oracle_pick(oracle, SLOT_PIPELINE, choices);
    bool make = index == UINT32_MAX || (oracle->sets[SLOT_STAGE].count < MOST && choose(choices, 2) == 0);
    if (line == UINT32_MAX || (make && oracle->sets[SLOT_STAGE].count >= MOST))
        return NULL;
    struct draft draft =
        make ? draft_create(oracle, txn, choices, SLOT_STAGE) : draft_edit(oracle, txn, choices, SLOT_STAGE, index);
    if (make) {
        draft_text(&draft, CRM_STAGE_NAME, oracle_text(oracle, "Stage %u", choose(choices, 30)));
        draft_ref(&draft, CRM_STAGE_PIPELINE, SLOT_PIPELINE, line);
    }
    for (uint32_t left = choose(choices, 3) + !make; draft.wrong == NULL && left > 0; left--) {
        switch (choose(choices, 6)) {
        case 0: draft_int(&draft, CRM_STAGE_ORDER, choose(choices, 12)); break;
        case 1: draft_int(&draft, CRM_STAGE_PROBABILITY, (int64_t)choose(choices, 12) * 10 - 5); break;
        case 2: draft_int(&draft, CRM_STAGE_IS_CLOSED, choose(choices, 2)); break;
        case 3: draft_int(&draft, CRM_STAGE_IS_WON, choose(choices, 2)); break;
        case 4: draft_ref(&draft, CRM_STAGE_PIPELINE, SLOT_PIPELINE, line); break;
        default: draft_int(&draft, CRM_STAGE_FORECAST, 1 + choose(choices, 5)); break;
        }
    }
    return draft_finish(&draft);
}

/* ---- users and products ---- */

static const char *change_user(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct draft draft;
    if (!change_begin(oracle, txn, choices, SLOT_USER, &draft))
        return draft.wrong;
    if (draft.before == NULL || choose(choices, 3) == 0)
        draft_text(&draft, CRM_USER_NAME, oracle_text(oracle, "User %u", change_number(oracle, choices)));
    if (choose(choices, 2) == 0)
        change_ref(&draft, CRM_USER_MANAGER, SLOT_USER);
    if (choose(choices, 2) == 0)
        draft_text(&draft, CRM_USER_TEAM, oracle_text(oracle, "Team %u", choose(choices, 4)));
    return draft_finish(&draft);
}

static const char *change_product(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct draft draft;
    if (!change_begin(oracle, txn, choices, SLOT_PRODUCT, &draft))
        return draft.wrong;
    if (draft.before == NULL || choose(choices, 3) == 0)
        draft_text(&draft, CRM_PRODUCT_NAME, oracle_text(oracle, "Product %u", change_number(oracle, choices)));
    if (choose(choices, 2) == 0)
        draft_text(&draft, CRM_PRODUCT_SKU, oracle_text(oracle, "sku-%u", change_number(oracle, choices)));
    if (choose(choices, 2) == 0)
        draft_int(&draft, CRM_PRODUCT_PRICE, choose(choices, 100000));
    if (choose(choices, 4) == 0)
        draft_int(&draft, CRM_PRODUCT_CURRENCY, choose(choices, 2) == 0 ? 978 : 392);
    return draft_finish(&draft);
}

/* ---- settings ---- */

static int32_t setting_status(const char *name, const char *value)
{
    if (strcmp(name, "lifecycle") == 0 && (value == NULL || (strcmp(value, "four") != 0 && strcmp(value, "five") != 0)))
        return CRM_INVALID;
    if (value != NULL && strcmp(name, "currency") == 0 && strlen(value) != 3)
        return CRM_INVALID;
    return CRM_OK;
}

static const char *change_setting(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    static const char *const settings[][2] = {
        {"note", "one"},       {"note", "two"},     {"note", NULL},       {"colour", "blue"},  {"lifecycle", "five"},
        {"lifecycle", "four"}, {"lifecycle", "no"}, {"currency", "USD"},  {"currency", "EUR"}, {"currency", "Euro"},
        {"currency", NULL},    {"colour", NULL},    {"lifecycle", "five"}};
    const char *const *setting = settings[choose(choices, sizeof settings / sizeof settings[0])];
    int32_t expected = setting_status(setting[0], setting[1]);
    crm_setting_set(txn, setting[0], setting[1]);
    PASS(oracle_verdict(oracle, txn, choices, expected, "crm_setting_set"));
    if (expected != CRM_OK)
        return NULL;
    uint32_t index = 0, count = oracle->sets[SLOT_SETTING].count, place = oracle_place(SLOT_SETTING, CRM_SETTING_VALUE);
    struct oracle_value value = {.set = setting[1] != NULL, .text = setting[1]};
    while (index < count &&
           (!oracle_lives(oracle, SLOT_SETTING, index) ||
            strcmp(oracle_value(oracle, SLOT_SETTING, index, CRM_SETTING_NAME)->text, setting[0]) != 0))
        index++;
    if (index < count && oracle_same(SHAPE_TEXT, &value, oracle_value(oracle, SLOT_SETTING, index, CRM_SETTING_VALUE)))
        return NULL; /* as it was: no version */
    bool make = index == count;
    if (make)
        index = oracle_add_record(oracle, SLOT_SETTING, NULL);
    struct oracle_version *version =
        oracle_add_version(oracle, SLOT_SETTING, index, make ? CRM_CHANGE_CREATE : CRM_CHANGE_UPDATE);
    version->values[place] = value;
    version->values[oracle_place(SLOT_SETTING, CRM_SETTING_NAME)] =
        (struct oracle_value){.set = true, .text = setting[0]};
    return NULL;
}

const char *change_other(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    switch (choose(choices, 10)) {
    case 0:
    case 1:
    case 2: return change_user(oracle, txn, choices);
    case 3:
    case 4: return change_product(oracle, txn, choices);
    case 5: return change_pipeline(oracle, txn, choices);
    case 6: return change_stage_record(oracle, txn, choices);
    case 7: return change_setting(oracle, txn, choices);
    default: return change_own(oracle, txn, choices);
    }
}
