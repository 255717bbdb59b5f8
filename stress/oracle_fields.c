/* oracle_fields: the kinds and fields that the oracle knows, and their values.
 *
 * A table of its own: what is personal, required or unique is said here again,
 * so that a slip in the library's schema shows.
 */
#include "oracle_state.h"

#include <string.h>

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof(list)[0]))

static const struct oracle_field customer_fields[] = {
    {CRM_FIELD_OWNER, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_FIELD_EXTERNAL_IDS, CRM_TYPE_EXTERNAL_IDS, IS_UNIQUE | IS_PERSONAL, NULL, 0},
    {CRM_FIELD_TAGS, CRM_TYPE_TAGS, 0, NULL, 0},
    {CRM_CUSTOMER_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_PERSONAL | IS_INDEXED, NULL, 0},
    {CRM_CUSTOMER_TYPE, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_CUSTOMER_PARENT, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_CUSTOMER_EMPLOYEES, CRM_TYPE_INT, 0, NULL, 0},
    {CRM_CUSTOMER_ANNUAL_REVENUE, CRM_TYPE_MONEY, 0, NULL, 0},
    {CRM_CUSTOMER_DOMAIN, CRM_TYPE_TEXT, 0, NULL, 0},
    {CRM_CUSTOMER_EMAILS, CRM_TYPE_EMAILS, IS_PERSONAL, NULL, 0},
    {CRM_CUSTOMER_PHONES, CRM_TYPE_PHONES, IS_PERSONAL, NULL, 0},
    {CRM_CUSTOMER_CURRENCY, CRM_TYPE_CURRENCY, 0, NULL, 0},
    {CRM_CUSTOMER_TERRITORY, CRM_TYPE_TEXT, IS_INDEXED, NULL, 0},
    {CRM_CUSTOMER_STAGE, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_CUSTOMER_STAGE_SINCE, CRM_TYPE_TIME, 0, NULL, 0},
    {CRM_CUSTOMER_CREDIT_LIMIT, CRM_TYPE_MONEY, 0, NULL, 0},
    {CRM_CUSTOMER_BLACKLISTED, CRM_TYPE_BOOL, 0, NULL, 0},
    {CRM_CUSTOMER_DESCRIPTION, CRM_TYPE_TEXT, IS_PERSONAL, NULL, 0},
    {CRM_USER_FIELD, CRM_TYPE_INT, IS_OWN | IS_INDEXED, "score", 0},
    {CRM_USER_FIELD + 1, CRM_TYPE_TEXT, IS_OWN | IS_PERSONAL, "nickname", 0},
};
static const struct oracle_field contact_fields[] = {
    {CRM_FIELD_EXTERNAL_IDS, CRM_TYPE_EXTERNAL_IDS, IS_UNIQUE | IS_PERSONAL, NULL, 0},
    {CRM_CONTACT_NAME, CRM_TYPE_TEXT, IS_PERSONAL | IS_INDEXED, NULL, 0},
    {CRM_CONTACT_FIRST_NAME, CRM_TYPE_TEXT, IS_PERSONAL, NULL, 0},
    {CRM_CONTACT_LAST_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_PERSONAL | IS_INDEXED, NULL, 0},
    {CRM_CONTACT_TITLE, CRM_TYPE_TEXT, 0, NULL, 0},
    {CRM_CONTACT_CUSTOMER, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_CONTACT_REPORTS_TO, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_CONTACT_EMAILS, CRM_TYPE_EMAILS, IS_PERSONAL, NULL, 0},
    {CRM_CONTACT_PHONES, CRM_TYPE_PHONES, IS_PERSONAL, NULL, 0},
    {CRM_CONTACT_BIRTHDATE, CRM_TYPE_DATE, IS_PERSONAL, NULL, 0},
    {CRM_CONTACT_DO_NOT_CALL, CRM_TYPE_BOOL, 0, NULL, 0},
};
static const struct oracle_field opportunity_fields[] = {
    {CRM_FIELD_OWNER, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_OPPORTUNITY_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_INDEXED, NULL, 0},
    {CRM_OPPORTUNITY_CUSTOMER, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_OPPORTUNITY_PIPELINE, CRM_TYPE_REF, IS_REQUIRED, NULL, 0},
    {CRM_OPPORTUNITY_STAGE, CRM_TYPE_REF, IS_REQUIRED, NULL, 0},
    {CRM_OPPORTUNITY_AMOUNT, CRM_TYPE_MONEY, 0, NULL, 0},
    {CRM_OPPORTUNITY_CURRENCY, CRM_TYPE_CURRENCY, 0, NULL, 0},
    {CRM_OPPORTUNITY_PROBABILITY, CRM_TYPE_INT, 0, NULL, 0},
    {CRM_OPPORTUNITY_PROBABILITY_SOURCE, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_OPPORTUNITY_FORECAST, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_OPPORTUNITY_CLOSE_DATE, CRM_TYPE_DATE, IS_REQUIRED, NULL, 0},
    {CRM_OPPORTUNITY_CLOSED_AT, CRM_TYPE_TIME, 0, NULL, 0},
    {CRM_OPPORTUNITY_LOST_REASON, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_OPPORTUNITY_LOST_NOTES, CRM_TYPE_TEXT, 0, NULL, 0},
    {CRM_OPPORTUNITY_PRIMARY_CONTACT, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_OPPORTUNITY_PRODUCT, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_OPPORTUNITY_STARTED_ON, CRM_TYPE_DATE, 0, NULL, 0},
    {CRM_OPPORTUNITY_STAGE_SINCE, CRM_TYPE_TIME, 0, NULL, 0},
    {CRM_OPPORTUNITY_OUTCOME, CRM_TYPE_CHOICE, 0, NULL, 0},
};
static const struct oracle_field interaction_fields[] = {
    {CRM_INTERACTION_TYPE, CRM_TYPE_CHOICE, IS_REQUIRED, NULL, 0},
    {CRM_INTERACTION_SUBJECT, CRM_TYPE_TEXT, IS_PERSONAL, NULL, 0},
    {CRM_INTERACTION_BODY, CRM_TYPE_TEXT, IS_PERSONAL, NULL, 0},
    {CRM_INTERACTION_STATUS, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_INTERACTION_START, CRM_TYPE_TIME, 0, NULL, 0},
    {CRM_INTERACTION_END, CRM_TYPE_TIME, 0, NULL, 0},
    {CRM_INTERACTION_DUE, CRM_TYPE_TIME, 0, NULL, 0},
    {CRM_INTERACTION_COMPLETED, CRM_TYPE_TIME, 0, NULL, 0},
    {CRM_INTERACTION_CUSTOMER, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_INTERACTION_CONTACT, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_INTERACTION_RELATED, CRM_TYPE_ANY_REF, 0, NULL, 0},
    {CRM_INTERACTION_PARTICIPANTS, CRM_TYPE_REFS, IS_PERSONAL, NULL, 0},
    {CRM_INTERACTION_AMOUNT, CRM_TYPE_MONEY, 0, NULL, 0},
    {CRM_INTERACTION_CURRENCY, CRM_TYPE_CURRENCY, 0, NULL, 0},
};
static const struct oracle_field user_fields[] = {
    {CRM_USER_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_INDEXED, NULL, 0},
    {CRM_USER_MANAGER, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_USER_TEAM, CRM_TYPE_TEXT, IS_INDEXED, NULL, 0},
};
static const struct oracle_field pipeline_fields[] = {
    {CRM_PIPELINE_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_UNIQUE | IS_INDEXED, NULL, 0},
    {CRM_PIPELINE_ORDER, CRM_TYPE_INT, 0, NULL, 0},
    {CRM_PIPELINE_IS_DEFAULT, CRM_TYPE_BOOL, 0, NULL, 0},
};
static const struct oracle_field stage_fields[] = {
    {CRM_STAGE_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_INDEXED, NULL, 0},
    {CRM_STAGE_PIPELINE, CRM_TYPE_REF, IS_REQUIRED, NULL, 0},
    {CRM_STAGE_ORDER, CRM_TYPE_INT, 0, NULL, 0},
    {CRM_STAGE_PROBABILITY, CRM_TYPE_INT, 0, NULL, 0},
    {CRM_STAGE_FORECAST, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_STAGE_IS_CLOSED, CRM_TYPE_BOOL, 0, NULL, 0},
    {CRM_STAGE_IS_WON, CRM_TYPE_BOOL, 0, NULL, 0},
};
static const struct oracle_field product_fields[] = {
    {CRM_PRODUCT_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_INDEXED, NULL, 0},
    {CRM_PRODUCT_SKU, CRM_TYPE_TEXT, IS_UNIQUE, NULL, 0},
    {CRM_PRODUCT_PRICE, CRM_TYPE_MONEY, 0, NULL, 0},
    {CRM_PRODUCT_CURRENCY, CRM_TYPE_CURRENCY, 0, NULL, 0},
};
static const struct oracle_field transition_fields[] = {
    {CRM_TRANSITION_SUBJECT, CRM_TYPE_ANY_REF, IS_REQUIRED, NULL, 0},
    {CRM_TRANSITION_AT, CRM_TYPE_TIME, IS_REQUIRED, NULL, 0},
    {CRM_TRANSITION_FROM, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_TRANSITION_TO, CRM_TYPE_CHOICE, 0, NULL, 0},
    {CRM_TRANSITION_FROM_STAGE, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_TRANSITION_TO_STAGE, CRM_TYPE_REF, 0, NULL, 0},
    {CRM_TRANSITION_RULE, CRM_TYPE_TEXT, 0, NULL, 0},
    {CRM_TRANSITION_EVIDENCE, CRM_TYPE_TEXT, 0, NULL, 0},
};
static const struct oracle_field setting_fields[] = {
    {CRM_SETTING_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_UNIQUE, NULL, 0},
    {CRM_SETTING_VALUE, CRM_TYPE_TEXT, 0, NULL, 0},
};
static const struct oracle_field kind_fields[] = {
    {CRM_KIND_NAME, CRM_TYPE_TEXT, IS_REQUIRED | IS_UNIQUE, NULL, 0},
    {CRM_KIND_NUMBER, CRM_TYPE_INT, IS_REQUIRED, NULL, 0},
};
static const struct oracle_field field_fields[] = {
    {CRM_FIELD_NAME, CRM_TYPE_TEXT, IS_REQUIRED, NULL, 0},
    {CRM_FIELD_OF_KIND, CRM_TYPE_INT, IS_REQUIRED, NULL, 0},
    {CRM_FIELD_NUMBER, CRM_TYPE_INT, IS_REQUIRED, NULL, 0},
    {CRM_FIELD_TYPE, CRM_TYPE_INT, IS_REQUIRED, NULL, 0},
    {CRM_FIELD_FLAGS, CRM_TYPE_INT, 0, NULL, 0},
    {CRM_FIELD_TARGET, CRM_TYPE_INT, 0, NULL, 0},
};
static const struct oracle_field choice_fields[] = {
    {CRM_CHOICE_NAME, CRM_TYPE_TEXT, IS_REQUIRED, NULL, 0},
    {CRM_CHOICE_OF_KIND, CRM_TYPE_INT, IS_REQUIRED, NULL, 0},
    {CRM_CHOICE_OF_FIELD, CRM_TYPE_INT, IS_REQUIRED, NULL, 0},
    {CRM_CHOICE_CODE, CRM_TYPE_INT, IS_REQUIRED, NULL, 0},
};
/* Numbers of own fields count up in this order: they are defined in it. */
static const struct oracle_field machine_fields[] = {
    {CRM_USER_FIELD, CRM_TYPE_TEXT, IS_OWN | IS_REQUIRED | IS_UNIQUE, "serial", 0},
    {CRM_USER_FIELD + 1, CRM_TYPE_REF, IS_OWN | IS_REQUIRED | IS_INDEXED, "customer", CRM_KIND_CUSTOMER},
    {CRM_USER_FIELD + 2, CRM_TYPE_REAL, IS_OWN, "weight", 0},
    {CRM_USER_FIELD + 3, CRM_TYPE_CHOICE, IS_OWN | IS_INDEXED, "colour", 0},
    {CRM_USER_FIELD + 4, CRM_TYPE_DATE, IS_OWN | IS_INDEXED, "bought_on", 0},
    {CRM_USER_FIELD + 5, CRM_TYPE_TEXT, IS_OWN | IS_PERSONAL | IS_INDEXED, "driver", 0},
    {CRM_USER_FIELD + 6, CRM_TYPE_MONEY, IS_OWN, "price", 0},
};

#define KIND(number, fields)          \
    {                                 \
        number, COUNT(fields), fields \
    }
static const struct oracle_kind kinds[SLOT_COUNT] = {
    [SLOT_CUSTOMER] = KIND(CRM_KIND_CUSTOMER, customer_fields),
    [SLOT_CONTACT] = KIND(CRM_KIND_CONTACT, contact_fields),
    [SLOT_OPPORTUNITY] = KIND(CRM_KIND_OPPORTUNITY, opportunity_fields),
    [SLOT_INTERACTION] = KIND(CRM_KIND_INTERACTION, interaction_fields),
    [SLOT_USER] = KIND(CRM_KIND_USER, user_fields),
    [SLOT_PIPELINE] = KIND(CRM_KIND_PIPELINE, pipeline_fields),
    [SLOT_STAGE] = KIND(CRM_KIND_STAGE, stage_fields),
    [SLOT_PRODUCT] = KIND(CRM_KIND_PRODUCT, product_fields),
    [SLOT_TRANSITION] = KIND(CRM_KIND_TRANSITION, transition_fields),
    [SLOT_SETTING] = KIND(CRM_KIND_SETTING, setting_fields),
    [SLOT_KIND] = KIND(CRM_KIND_KIND, kind_fields),
    [SLOT_FIELD] = KIND(CRM_KIND_FIELD, field_fields),
    [SLOT_CHOICE] = KIND(CRM_KIND_CHOICE, choice_fields),
    [SLOT_MACHINE] = KIND(CRM_USER_KIND, machine_fields),
};

const struct oracle_kind *oracle_kind(enum oracle_slot slot)
{
    return &kinds[slot];
}

enum oracle_slot oracle_slot_of(uint32_t kind)
{
    int slot = 0;
    while (slot < SLOT_COUNT && kinds[slot].number != kind)
        slot++;
    return (enum oracle_slot)slot;
}

uint32_t oracle_place(enum oracle_slot slot, uint32_t number)
{
    uint32_t place = 0;
    while (kinds[slot].fields[place].number != number)
        place++;
    return place;
}

int oracle_shape(int32_t type)
{
    switch (type) {
    case CRM_TYPE_REAL: return SHAPE_REAL;
    case CRM_TYPE_TEXT: return SHAPE_TEXT;
    case CRM_TYPE_REF:
    case CRM_TYPE_ANY_REF: return SHAPE_REF;
    case CRM_TYPE_EMAILS:
    case CRM_TYPE_PHONES:
    case CRM_TYPE_ADDRESSES:
    case CRM_TYPE_EXTERNAL_IDS:
    case CRM_TYPE_TAGS:
    case CRM_TYPE_REFS: return SHAPE_ITEMS;
    default: return SHAPE_INT;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_item(const struct oracle_item *a, const struct oracle_item *b)
{
    return same_text(a->value, b->value) && same_text(a->system, b->system) && same_text(a->label, b->label) &&
           same_text(a->role, b->role) && a->primary == b->primary && a->opt_out == b->opt_out && a->slot == b->slot &&
           a->index == b->index;
}

static bool same_items(const struct oracle_items *a, const struct oracle_items *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!same_item(&a->list[i], &b->list[i]))
            return false;
    return true;
}

bool oracle_same(int shape, const struct oracle_value *a, const struct oracle_value *b)
{
    if (!a->set || !b->set)
        return a->set == b->set;
    switch (shape) {
    case SHAPE_INT: return a->integer == b->integer;
    case SHAPE_REAL: return !(a->real < b->real) && !(a->real > b->real);
    case SHAPE_TEXT: return strcmp(a->text, b->text) == 0;
    case SHAPE_REF: return a->slot == b->slot && a->index == b->index;
    default: return same_items(a->items, b->items);
    }
}

/* ---- reading the state ---- */

int64_t oracle_int(const struct oracle *oracle, enum oracle_slot slot, uint32_t index, uint32_t field)
{
    const struct oracle_value *value = oracle_value(oracle, slot, index, field);
    return value->set ? value->integer : 0;
}

bool oracle_hidden(const struct oracle_record *record, const struct oracle_version *version)
{
    return version->number < record->erased;
}

uint32_t oracle_pick(const struct oracle *oracle, enum oracle_slot slot, struct choices *choices)
{
    uint32_t count = oracle->sets[slot].count, from = choose(choices, count);
    for (uint32_t i = 0; i < count; i++)
        if (oracle_lives(oracle, slot, (from + i) % count))
            return (from + i) % count;
    return UINT32_MAX;
}

const char *oracle_setting(const struct oracle *oracle, const char *name)
{
    for (uint32_t i = 0; i < oracle->sets[SLOT_SETTING].count; i++) {
        const struct oracle_value *value = oracle_value(oracle, SLOT_SETTING, i, CRM_SETTING_VALUE);
        if (oracle_lives(oracle, SLOT_SETTING, i) &&
            strcmp(oracle_value(oracle, SLOT_SETTING, i, CRM_SETTING_NAME)->text, name) == 0)
            return value->set ? value->text : NULL;
    }
    return NULL;
}

int32_t oracle_currency(const struct oracle *oracle)
{
    const char *code = oracle_setting(oracle, "currency");
    return code != NULL && strcmp(code, "USD") == 0 ? 840 : code != NULL && strcmp(code, "JPY") == 0 ? 392 : 978;
}

/* ---- a new file ---- */

static struct oracle_version *add(struct oracle *oracle, enum oracle_slot slot, const crm_id *id, uint32_t *index)
{
    *index = oracle_add_record(oracle, slot, id);
    return oracle_add_version(oracle, slot, *index, CRM_CHANGE_CREATE);
}

static void put_int(struct oracle_version *version, enum oracle_slot slot, uint32_t field, int64_t value)
{
    version->values[oracle_place(slot, field)] = (struct oracle_value){.set = true, .integer = value};
}

static void put_text(struct oracle_version *version, enum oracle_slot slot, uint32_t field, const char *text)
{
    version->values[oracle_place(slot, field)] = (struct oracle_value){.set = true, .text = text};
}

/* docs/PIPELINE.md, "A new file's pipeline". */
void oracle_new_file(struct oracle *oracle)
{
    static const struct {
        const char *name;
        int64_t probability, forecast, closed, won;
    } stages[] = {{"qualification", 10, CRM_STAGE_FORECAST_PIPELINE, 0, 0},
                  {"discovery", 20, CRM_STAGE_FORECAST_PIPELINE, 0, 0},
                  {"proposal", 50, CRM_STAGE_FORECAST_BEST_CASE, 0, 0},
                  {"negotiation", 80, CRM_STAGE_FORECAST_COMMIT, 0, 0},
                  {"won", 100, CRM_STAGE_FORECAST_CLOSED, 1, 1},
                  {"lost", 0, CRM_STAGE_FORECAST_OMITTED, 1, 0}};
    static const char *const settings[2][2] = {{"currency", "EUR"}, {"lifecycle", "four"}};
    crm_id id = {{[6] = 0x80, [8] = 0x80, [15] = 1}}; /* the same in every file */
    struct oracle_version *version;
    uint32_t index, pipeline;
    struct oracle_meta *meta = oracle_open_meta(oracle, ORACLE_NOW);
    meta->reason = "new file";
    for (int i = 0; i < 2; i++) {
        version = add(oracle, SLOT_SETTING, NULL, &index);
        put_text(version, SLOT_SETTING, CRM_SETTING_NAME, settings[i][0]);
        put_text(version, SLOT_SETTING, CRM_SETTING_VALUE, settings[i][1]);
    }
    version = add(oracle, SLOT_PIPELINE, &id, &pipeline);
    put_text(version, SLOT_PIPELINE, CRM_PIPELINE_NAME, "Sales");
    put_int(version, SLOT_PIPELINE, CRM_PIPELINE_ORDER, 1);
    put_int(version, SLOT_PIPELINE, CRM_PIPELINE_IS_DEFAULT, 1);
    for (uint32_t i = 0; i < COUNT(stages); i++) {
        id.bytes[15]++;
        version = add(oracle, SLOT_STAGE, &id, &index);
        put_text(version, SLOT_STAGE, CRM_STAGE_NAME, stages[i].name);
        version->values[oracle_place(SLOT_STAGE, CRM_STAGE_PIPELINE)] =
            (struct oracle_value){.set = true, .slot = SLOT_PIPELINE, .index = pipeline};
        put_int(version, SLOT_STAGE, CRM_STAGE_ORDER, (int64_t)i + 1);
        put_int(version, SLOT_STAGE, CRM_STAGE_PROBABILITY, stages[i].probability);
        put_int(version, SLOT_STAGE, CRM_STAGE_FORECAST, stages[i].forecast);
        put_int(version, SLOT_STAGE, CRM_STAGE_IS_CLOSED, stages[i].closed);
        put_int(version, SLOT_STAGE, CRM_STAGE_IS_WON, stages[i].won);
    }
    oracle->last = oracle->open;
    oracle->open = NULL;
}
