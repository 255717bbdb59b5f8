/* oracle_refused: changes that must be refused, with what; and the calls that
 * find out by themselves whether to make a record or to move one.
 */
#include "oracle_state.h"

#include <string.h>

/* ---- what no state allows ---- */

static void spoil_setter(crm_record *customer, struct choices *choices, int32_t *expected)
{
    static const crm_id nobody = {{0xee, 0xee}};
    *expected = CRM_INVALID;
    switch (choose(choices, 12)) {
    case 0: crm_set_int(customer, CRM_CUSTOMER_STAGE_SINCE, 1); break; /* the library's own */
    case 1: crm_set_int(customer, CRM_CUSTOMER_TYPE, 9); break;        /* no such choice */
    case 2: crm_set_int(customer, CRM_CUSTOMER_BLACKLISTED, 2); break;
    case 3: crm_set_int(customer, CRM_CUSTOMER_NAME, 1); break; /* of another type */
    case 4: crm_set_text(customer, CRM_CUSTOMER_EMPLOYEES, "9", CRM_NUL); break;
    case 5: crm_set_text(customer, CRM_CUSTOMER_NAME, "\xff", CRM_NUL); break;
    case 6: crm_item_add(customer, CRM_CUSTOMER_EMAILS, "nobody", CRM_NUL); break;
    case 7: crm_item_add(customer, CRM_CUSTOMER_PHONES, "12 or so", CRM_NUL); break;
    case 8: crm_item_remove(customer, CRM_CUSTOMER_EMAILS, 99); break;
    case 9:
        crm_set_ref(customer, CRM_CUSTOMER_PARENT, CRM_KIND_USER, &nobody);
        *expected = CRM_NOT_FOUND;
        break;
    case 10:
        crm_set_ref(customer, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &nobody);
        *expected = CRM_NOT_FOUND;
        break;
    default: crm_set_int(customer, 99, 1); break; /* no such field */
    }
}

static const char *refuse_setter(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    int32_t expected;
    uint32_t index = oracle_pick(oracle, SLOT_CUSTOMER, choices);
    if (index == UINT32_MAX)
        return NULL;
    crm_record *customer = crm_edit(txn, CRM_KIND_CUSTOMER, &oracle_record(oracle, SLOT_CUSTOMER, index)->id);
    spoil_setter(customer, choices, &expected);
    return oracle_verdict(oracle, txn, choices, expected, "a setter that must be refused");
}

static const char *refuse_record(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    static const crm_id nobody = {{0xee, 0xee}};
    uint32_t count = oracle->sets[SLOT_CUSTOMER].count, index = choose(choices, count);
    const struct oracle_record *customer = count == 0 ? NULL : oracle_record(oracle, SLOT_CUSTOMER, index);
    int32_t expected = CRM_INVALID;
    switch (choose(choices, 5)) {
    case 0:
        crm_edit(txn, CRM_KIND_CUSTOMER, &nobody);
        expected = CRM_NOT_FOUND;
        break;
    case 1: crm_create(txn, CRM_KIND_TRANSITION); break; /* the library's own */
    case 2: crm_create(txn, 99); break;
    case 3:
        if (customer == NULL)
            return NULL;
        crm_create_with_id(txn, CRM_KIND_CUSTOMER, &customer->id);
        expected = CRM_EXISTS;
        break;
    default:
        if (customer == NULL)
            return NULL;
        crm_expect_version(crm_edit(txn, CRM_KIND_CUSTOMER, &customer->id), customer->newest->number + 1);
        expected = CRM_CONFLICT;
    }
    return oracle_verdict(oracle, txn, choices, expected, "what must be refused");
}

/* ---- the version that was read ---- */

static const char *expect_version(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    uint32_t index = oracle_pick(oracle, SLOT_CUSTOMER, choices);
    if (index == UINT32_MAX)
        return NULL;
    struct draft draft = draft_edit(oracle, txn, choices, SLOT_CUSTOMER, index);
    if (draft.wrong == NULL)
        draft_expect(&draft, 0, crm_expect_version(draft.record, draft.before->number), CRM_OK);
    if (draft.wrong == NULL)
        draft_int(&draft, CRM_CUSTOMER_EMPLOYEES, choose(choices, 100));
    return draft_finish(&draft);
}

/* ---- handles in turn ---- */

/* The change of one record is a version when another is touched; its handle goes on. */
static const char *in_turn(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    uint32_t first = oracle_pick(oracle, SLOT_CUSTOMER, choices), second = oracle_pick(oracle, SLOT_CUSTOMER, choices);
    if (first == UINT32_MAX || first == second)
        return NULL;
    struct draft one = draft_edit(oracle, txn, choices, SLOT_CUSTOMER, first);
    draft_int(&one, CRM_CUSTOMER_EMPLOYEES, choose(choices, 100));
    struct draft two = draft_edit(oracle, txn, choices, SLOT_CUSTOMER, second);
    if (one.wrong != NULL)
        return one.wrong;
    if (draft_changed(&one))
        draft_keep(&one, CRM_CHANGE_UPDATE);
    draft_int(&two, CRM_CUSTOMER_BLACKLISTED, choose(choices, 2));
    struct draft again = draft_of(oracle, SLOT_CUSTOMER, first);
    again.txn = txn;
    again.choices = choices;
    again.record = one.record;
    draft_text(&again, CRM_CUSTOMER_TERRITORY, oracle_text(oracle, "Area %u", choose(choices, 5)));
    if (two.wrong != NULL)
        return two.wrong;
    if (draft_changed(&two))
        draft_keep(&two, CRM_CHANGE_UPDATE);
    return draft_finish(&again);
}

/* ---- moving with a reason ---- */

static const char *move(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    uint32_t index = oracle_pick(oracle, SLOT_CUSTOMER, choices);
    int64_t to = 1 + choose(choices, 6);
    if (index == UINT32_MAX)
        return NULL;
    int64_t from = oracle_int(oracle, SLOT_CUSTOMER, index, CRM_CUSTOMER_STAGE);
    int32_t expected = from == to || oracle_may_move(oracle, from, to) ? CRM_OK : CRM_REFUSED;
    const char *rule = choose(choices, 2) == 0 ? "by hand" : NULL, *evidence = choose(choices, 2) == 0 ? "seen" : NULL;
    crm_lifecycle_move(crm_edit(txn, CRM_KIND_CUSTOMER, &oracle_record(oracle, SLOT_CUSTOMER, index)->id), to, rule,
                       evidence);
    PASS(oracle_verdict(oracle, txn, choices, expected, "crm_lifecycle_move"));
    if (expected != CRM_OK || from == to)
        return NULL;
    struct oracle_version *version = oracle_add_version(oracle, SLOT_CUSTOMER, index, CRM_CHANGE_UPDATE);
    version->values[oracle_place(SLOT_CUSTOMER, CRM_CUSTOMER_STAGE)].integer = to;
    version->values[oracle_place(SLOT_CUSTOMER, CRM_CUSTOMER_STAGE_SINCE)].integer = oracle->open->time;
    oracle_after(oracle, SLOT_CUSTOMER, index);
    /* The transition is the newest one, and nobody else's yet. */
    struct oracle_set *moves = &oracle->sets[SLOT_TRANSITION];
    struct oracle_version *made = (struct oracle_version *)(uintptr_t)moves->list[moves->count - 1].newest;
    made->values[oracle_place(SLOT_TRANSITION, CRM_TRANSITION_RULE)] =
        (struct oracle_value){.set = rule != NULL, .text = rule};
    made->values[oracle_place(SLOT_TRANSITION, CRM_TRANSITION_EVIDENCE)] =
        (struct oracle_value){.set = evidence != NULL, .text = evidence};
    return NULL;
}

/* ---- found or made ---- */

static uint32_t find_product(const struct oracle *oracle, const char *sku)
{
    uint32_t place = oracle_place(SLOT_PRODUCT, CRM_PRODUCT_SKU);
    for (uint32_t i = 0; i < oracle->sets[SLOT_PRODUCT].count; i++) {
        const struct oracle_version *newest = oracle->sets[SLOT_PRODUCT].list[i].newest;
        if (!newest->deleted && newest->values[place].set && strcmp(newest->values[place].text, sku) == 0)
            return i;
    }
    return UINT32_MAX;
}

/* Only one that is there: a new one would have an id of the library's own. */
static const char *upsert(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    const char *sku = oracle_text(oracle, "sku-%u", change_number(oracle, choices));
    uint32_t index = oracle_pick(oracle, SLOT_PRODUCT, choices);
    int32_t created = -1;
    if (index != UINT32_MAX && oracle_value(oracle, SLOT_PRODUCT, index, CRM_PRODUCT_SKU)->set)
        sku = oracle_value(oracle, SLOT_PRODUCT, index, CRM_PRODUCT_SKU)->text;
    index = find_product(oracle, sku);
    if (index == UINT32_MAX && !oracle->random_ids)
        return NULL;
    struct draft draft = {.oracle = oracle, .txn = txn, .choices = choices, .slot = SLOT_PRODUCT, .index = index};
    draft.record = crm_upsert(txn, CRM_KIND_PRODUCT, CRM_PRODUCT_SKU, sku, CRM_NUL, &created);
    if (draft.record == NULL)
        return oracle_failed(oracle, crm_txn_status(txn, NULL), "crm_upsert");
    if (created != (index == UINT32_MAX))
        return oracle_wrong(oracle, "crm_upsert of \"%s\" says %d of whether it is new", sku, created);
    draft.identified = true;
    crm_record_id(draft.record, &draft.id);
    if (index == UINT32_MAX) {
        *draft_at(&draft, CRM_PRODUCT_SKU) = (struct oracle_value){.set = true, .text = sku};
    } else {
        draft.before = oracle_record(oracle, SLOT_PRODUCT, index)->newest;
        memcpy(draft.values, draft.before->values, oracle_kind(SLOT_PRODUCT)->field_count * sizeof draft.values[0]);
        if (memcmp(&draft.id, &oracle_record(oracle, SLOT_PRODUCT, index)->id, sizeof draft.id) != 0)
            return oracle_wrong(oracle, "crm_upsert of \"%s\" finds another product", sku);
    }
    draft_text(&draft, CRM_PRODUCT_NAME, oracle_text(oracle, "Product %u", change_number(oracle, choices)));
    return draft_finish(&draft);
}

const char *change_refused(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    switch (choose(choices, 10)) {
    case 0:
    case 1: return refuse_setter(oracle, txn, choices);
    case 2: return refuse_record(oracle, txn, choices);
    case 3: return expect_version(oracle, txn, choices);
    case 4: return upsert(oracle, txn, choices);
    case 7: return in_turn(oracle, txn, choices);
    case 5:
    case 6: return change_undo(oracle, txn, choices);
    default: return move(oracle, txn, choices);
    }
}
