/* oracle_change: random changes of customers, contacts and interactions, and
 * which kind of change is made.  Others: oracle_other.c, oracle_life.c.
 */
#include "oracle_state.h"

#include <stdio.h>
#include <string.h>

uint32_t change_number(const struct oracle *oracle, struct choices *choices)
{
    return choose(choices, 4) == 3 ? 1 + choose(choices, oracle_freshest(oracle)) : oracle_fresh(oracle);
}

const char *change_prose(const struct oracle *oracle, struct choices *choices)
{
    uint32_t length = choose(choices, 4) < 3 ? 1 + choose(choices, 60) : 400 + choose(choices, 4000);
    uint32_t step = choose(choices, 3);
    uint64_t state = oracle_fresh(oracle);
    char *text = oracle_keep(oracle, length + 1);
    for (uint32_t i = 0; i < length; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
        text[i] = step == 0 ? 'a' + (char)(i % 7) : (char)('!' + (state >> 33) % (step == 1 ? 3 : 90));
    }
    return text;
}

/* Interactions are most of what a CRM holds. */
static uint32_t most_of(const struct oracle *oracle, enum oracle_slot slot)
{
    uint32_t most = slot == SLOT_INTERACTION ? UINT32_MAX : slot == SLOT_USER || slot == SLOT_PRODUCT ? 30 : 150;
    return most < oracle->records_most ? most : oracle->records_most;
}

/* A record of the kind to change; UINT32_MAX: a new one is to be made. */
static uint32_t which(const struct oracle *oracle, enum oracle_slot slot, struct choices *choices)
{
    uint32_t count = oracle->sets[slot].count;
    bool make = count == 0 || (count < most_of(oracle, slot) && choose(choices, oracle->large ? 2 : 3) == 0);
    return make ? UINT32_MAX : oracle_pick(oracle, slot, choices);
}

bool change_begin(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot,
                  struct draft *draft)
{
    uint32_t index = which(oracle, slot, choices);
    if (index == UINT32_MAX && oracle->sets[slot].count >= most_of(oracle, slot)) {
        draft->wrong = NULL;
        return false; /* no room, and none lives */
    }
    *draft =
        index == UINT32_MAX ? draft_create(oracle, txn, choices, slot) : draft_edit(oracle, txn, choices, slot, index);
    return draft->wrong == NULL;
}

/* ---- lists ---- */

static uint32_t item_count(struct draft *draft, uint32_t field)
{
    return draft_has(draft, field) ? draft_at(draft, field)->items->count : 0;
}

static void change_items(struct draft *draft, uint32_t field, const char *text)
{
    uint32_t count = item_count(draft, field);
    uint32_t at = choose(draft->choices, count);
    switch (count == 0 ? 0 : choose(draft->choices, 7)) {
    case 1: draft_remove(draft, field, at); break;
    case 2: draft_part(draft, field, at, CRM_PART_PRIMARY, choose(draft->choices, 2), NULL); break;
    case 3: draft_part(draft, field, at, CRM_PART_LABEL, 0, choose(draft->choices, 2) == 0 ? "work" : ""); break;
    case 4: draft_part(draft, field, at, CRM_PART_OPT_OUT, choose(draft->choices, 2), NULL); break;
    case 5: draft_null(draft, field); break;
    default:
        if (count < 5)
            draft_add(draft, field, text);
    }
}

static void change_emails(struct draft *draft, uint32_t field)
{
    static const char *const forms[] = {"mail%u@example.com", "Mail%u@Example.COM", "mail%u.office@example.org"};
    const char *form = forms[choose(draft->choices, 3)];
    char text[64];
    /* The number is the only argument of each. */
    uint32_t number = change_number(draft->oracle, draft->choices);
    if (form == forms[0])
        snprintf(text, sizeof text, "mail%u@example.com", number);
    else if (form == forms[1])
        snprintf(text, sizeof text, "Mail%u@Example.COM", number);
    else
        snprintf(text, sizeof text, "mail%u.office@example.org", number);
    change_items(draft, field, oracle_text(draft->oracle, "%s", text));
}

static void change_phones(struct draft *draft, uint32_t field)
{
    const struct oracle *oracle = draft->oracle;
    uint32_t number = 4000000 + change_number(oracle, draft->choices);
    switch (choose(draft->choices, 3)) {
    case 0: change_items(draft, field, oracle_text(oracle, "+49 (30) %07u", number)); break;
    case 1: change_items(draft, field, oracle_text(oracle, "030/%07u", number)); break;
    default: change_items(draft, field, oracle_text(oracle, "%07u", number)); break;
    }
}

static void change_external(struct draft *draft)
{
    static const char *const systems[] = {"erp", "shop"};
    const char *system = systems[choose(draft->choices, 2)];
    uint32_t count = item_count(draft, CRM_FIELD_EXTERNAL_IDS);
    if (count > 0 && choose(draft->choices, 3) == 0)
        draft_remove(draft, CRM_FIELD_EXTERNAL_IDS, choose(draft->choices, count));
    else if (count < 4 && choose(draft->choices, 4) == 0)
        draft_add(draft, CRM_FIELD_EXTERNAL_IDS, oracle_text(draft->oracle, "%u", 1 + choose(draft->choices, 60)));
    else if (count < 4)
        draft_add(draft, CRM_FIELD_EXTERNAL_IDS,
                  oracle_text(draft->oracle, "%s:%u", system, change_number(draft->oracle, draft->choices)));
}

void change_ref(struct draft *draft, uint32_t field, enum oracle_slot slot)
{
    const struct oracle_set *set = &draft->oracle->sets[slot];
    if (choose(draft->choices, 5) == 4)
        draft_null(draft, field);
    else if (set->count > 0 && choose(draft->choices, 8) == 7) /* perhaps a deleted one, or itself */
        draft_ref(draft, field, slot, choose(draft->choices, set->count));
    else if (set->count > 0) {
        uint32_t index = oracle_pick(draft->oracle, slot, draft->choices);
        if (index != UINT32_MAX)
            draft_ref(draft, field, slot, index);
    }
}

/* ---- customers ---- */

/* A currency of other decimals needs amounts given anew, or is refused. */
static void change_money(struct draft *draft)
{
    static const int32_t currencies[] = {978, 840, 392}; /* EUR, USD, JPY */
    struct choices *choices = draft->choices;
    if (choose(choices, 4) == 3)
        draft_null(draft, CRM_CUSTOMER_CURRENCY);
    else if (choose(choices, 2) == 0)
        draft_int(draft, CRM_CUSTOMER_CURRENCY, currencies[choose(choices, 3)]);
    if (choose(choices, 3) != 0)
        draft_int(draft, CRM_CUSTOMER_ANNUAL_REVENUE, choose(choices, 4));
    if (choose(choices, 3) == 0)
        draft_int(draft, CRM_CUSTOMER_CREDIT_LIMIT, choose(choices, 4));
    if (choose(choices, 6) == 0)
        draft_null(draft, CRM_CUSTOMER_CREDIT_LIMIT);
}

void change_customer_field(struct draft *draft)
{
    const struct oracle *oracle = draft->oracle;
    struct choices *choices = draft->choices;
    switch (choose(choices, 17)) {
    case 0:
    case 1: draft_text(draft, CRM_CUSTOMER_NAME, oracle_text(oracle, "Name %u", change_number(oracle, choices))); break;
    case 2:
    case 3: change_emails(draft, CRM_CUSTOMER_EMAILS); break;
    case 4:
    case 5: change_phones(draft, CRM_CUSTOMER_PHONES); break;
    case 6:
    case 7:
    case 8: draft_int(draft, CRM_CUSTOMER_STAGE, 1 + choose(choices, 6)); break;
    case 9: draft_int(draft, CRM_CUSTOMER_EMPLOYEES, (int64_t)choose(choices, 1000) - 10); break;
    case 10:
        draft_text(draft, CRM_CUSTOMER_DOMAIN, oracle_text(oracle, "d%u.example", change_number(oracle, choices)));
        break;
    case 11: change_ref(draft, CRM_CUSTOMER_PARENT, SLOT_CUSTOMER); break;
    case 12: draft_int(draft, CRM_CUSTOMER_BLACKLISTED, choose(choices, 2)); break;
    case 13: draft_text(draft, CRM_CUSTOMER_DESCRIPTION, change_prose(oracle, choices)); break;
    case 14: change_external(draft); break;
    case 15: change_money(draft); break;
    case 16: draft_add(draft, CRM_FIELD_TAGS, oracle_text(oracle, "tag%u", choose(choices, 6))); break;
    default:
        draft_text(draft, CRM_CUSTOMER_TERRITORY, oracle_text(oracle, "Area %u", choose(choices, 5)));
        change_ref(draft, CRM_FIELD_OWNER, SLOT_USER);
    }
}

const char *change_customer(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct draft draft;
    if (!change_begin(oracle, txn, choices, SLOT_CUSTOMER, &draft))
        return draft.wrong;
    if (draft.before == NULL)
        draft_text(&draft, CRM_CUSTOMER_NAME, oracle_text(oracle, "Name %u", change_number(oracle, choices)));
    for (uint32_t left = 1 + choose(choices, 3); left > 0; left--)
        change_customer_field(&draft);
    return draft_finish(&draft);
}

/* ---- contacts ---- */

static void change_contact_field(struct draft *draft)
{
    const struct oracle *oracle = draft->oracle;
    struct choices *choices = draft->choices;
    bool chinese = choose(choices, 6) == 5;
    switch (choose(choices, 10)) {
    case 0:
        draft_text(draft, CRM_CONTACT_FIRST_NAME,
                   chinese ? "小明" : oracle_text(oracle, "Ann %u", choose(choices, 50)));
        break;
    case 1:
        draft_text(draft, CRM_CONTACT_LAST_NAME,
                   chinese ? "王" : oracle_text(oracle, "Last %u", change_number(oracle, choices)));
        break;
    case 2: draft_null(draft, CRM_CONTACT_FIRST_NAME); break;
    case 3: change_emails(draft, CRM_CONTACT_EMAILS); break;
    case 4: change_phones(draft, CRM_CONTACT_PHONES); break;
    case 5: change_ref(draft, CRM_CONTACT_CUSTOMER, SLOT_CUSTOMER); break;
    case 6: change_ref(draft, CRM_CONTACT_REPORTS_TO, SLOT_CONTACT); break;
    case 7: draft_int(draft, CRM_CONTACT_BIRTHDATE, (int64_t)choose(choices, 20000) - 5000); break;
    case 8: draft_int(draft, CRM_CONTACT_DO_NOT_CALL, choose(choices, 2)); break;
    default: draft_text(draft, CRM_CONTACT_TITLE, choose(choices, 4) == 0 ? "" : "Dr."); break;
    }
}

const char *change_contact(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct draft draft;
    if (!change_begin(oracle, txn, choices, SLOT_CONTACT, &draft))
        return draft.wrong;
    if (draft.before == NULL)
        draft_text(&draft, CRM_CONTACT_LAST_NAME, oracle_text(oracle, "Last %u", change_number(oracle, choices)));
    for (uint32_t left = 1 + choose(choices, 3); left > 0; left--)
        change_contact_field(&draft);
    return draft_finish(&draft);
}

/* ---- interactions ---- */

/* Up or down from a day long gone: many are late, few are alike; some are still to come. */
static int64_t some_time(const struct oracle *oracle, struct choices *choices)
{
    int64_t second = change_number(oracle, choices);
    if (choose(choices, 8) == 7)
        return ORACLE_NOW + second * ORACLE_DAY;
    return ORACLE_NOW - 400 * ORACLE_DAY + (choose(choices, 7) == 6 ? -second : second) * 1000000;
}

static void change_whose(struct draft *draft)
{
    static const enum oracle_slot related[] = {SLOT_OPPORTUNITY, SLOT_CONTACT, SLOT_CUSTOMER, SLOT_PRODUCT};
    switch (choose(draft->choices, 4)) {
    case 0:
    case 1: change_ref(draft, CRM_INTERACTION_CUSTOMER, SLOT_CUSTOMER); break;
    case 2: change_ref(draft, CRM_INTERACTION_CONTACT, SLOT_CONTACT); break;
    default: change_ref(draft, CRM_INTERACTION_RELATED, related[choose(draft->choices, 4)]);
    }
}

static void change_participants(struct draft *draft)
{
    static const char *const roles[] = {"", "guest", "host"};
    uint32_t count = item_count(draft, CRM_INTERACTION_PARTICIPANTS);
    uint32_t contact = oracle_pick(draft->oracle, SLOT_CONTACT, draft->choices);
    if (count > 0 && choose(draft->choices, 3) == 0)
        draft_remove(draft, CRM_INTERACTION_PARTICIPANTS, choose(draft->choices, count));
    else if (contact != UINT32_MAX && count < 4)
        draft_add_ref(draft, CRM_INTERACTION_PARTICIPANTS, SLOT_CONTACT, contact, roles[choose(draft->choices, 3)]);
}

static void change_interaction_field(struct draft *draft)
{
    const struct oracle *oracle = draft->oracle;
    struct choices *choices = draft->choices;
    switch (choose(choices, 14)) {
    case 0:
    case 1:
        draft_text(draft, CRM_INTERACTION_SUBJECT, oracle_text(oracle, "Subject %u", change_number(oracle, choices)));
        break;
    case 2: draft_text(draft, CRM_INTERACTION_BODY, change_prose(oracle, choices)); break;
    case 3: draft_int(draft, CRM_INTERACTION_TYPE, 1 + choose(choices, 11)); break;
    case 4: draft_int(draft, CRM_INTERACTION_STATUS, 1 + choose(choices, 4)); break;
    case 5: draft_null(draft, CRM_INTERACTION_STATUS); break;
    case 6: draft_int(draft, CRM_INTERACTION_START, some_time(oracle, choices)); break;
    case 7: draft_int(draft, CRM_INTERACTION_END, some_time(oracle, choices)); break;
    case 8: draft_int(draft, CRM_INTERACTION_COMPLETED, some_time(oracle, choices)); break;
    case 9: draft_null(draft, choose(choices, 2) == 0 ? CRM_INTERACTION_COMPLETED : CRM_INTERACTION_END); break;
    case 10: draft_int(draft, CRM_INTERACTION_AMOUNT, (int64_t)choose(choices, 100000) - 1000); break;
    case 11: draft_int(draft, CRM_INTERACTION_DUE, some_time(oracle, choices)); break;
    case 12: change_participants(draft); break;
    default: change_whose(draft);
    }
}

const char *change_interaction(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct draft draft;
    if (!change_begin(oracle, txn, choices, SLOT_INTERACTION, &draft))
        return draft.wrong;
    if (draft.before == NULL) {
        draft_int(&draft, CRM_INTERACTION_TYPE, 1 + choose(choices, 11));
        draft_int(&draft, CRM_INTERACTION_START, some_time(oracle, choices));
        change_whose(&draft);
    }
    for (uint32_t left = choose(choices, 3) + (draft.before != NULL); left > 0; left--)
        change_interaction_field(&draft);
    return draft_finish(&draft);
}

/* ---- which ---- */

const char *oracle_change(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    if (oracle->doomed)
        return NULL; /* nothing more can be done but to end it */
    if (oracle->large && choose(choices, 10) != 0)
        return change_interaction(oracle, txn, choices);
    switch (choose(choices, 20)) {
    case 0:
    case 1:
    case 2:
    case 3: return change_customer(oracle, txn, choices);
    case 4:
    case 5: return change_contact(oracle, txn, choices);
    case 6:
    case 7:
    case 8: return change_opportunity(oracle, txn, choices);
    case 9:
    case 10:
    case 11:
    case 12:
    case 13: return change_interaction(oracle, txn, choices);
    case 14:
    case 15:
    case 16: return change_life(oracle, txn, choices);
    case 17:
    case 18: return change_other(oracle, txn, choices);
    default: return change_refused(oracle, txn, choices);
    }
}
