/* oracle_life: deleting, restoring, erasing. */
#include "oracle_state.h"

static const enum oracle_slot mortal[] = {SLOT_CUSTOMER, SLOT_INTERACTION, SLOT_CONTACT,  SLOT_OPPORTUNITY, SLOT_USER,
                                          SLOT_PRODUCT,  SLOT_STAGE,       SLOT_PIPELINE, SLOT_MACHINE};

/* ---- deleting ---- */

/* A live record refers to it through a field that is required. */
static bool is_needed(const struct oracle *oracle, enum oracle_slot slot, uint32_t index)
{
    for (int other = 0; other < SLOT_COUNT; other++) {
        const struct oracle_kind *kind = oracle_kind((enum oracle_slot)other);
        for (uint32_t place = 0; place < kind->field_count; place++) {
            if (kind->fields[place].type != CRM_TYPE_REF || (kind->fields[place].flags & IS_REQUIRED) == 0)
                continue;
            for (uint32_t i = 0; i < oracle->sets[other].count; i++) {
                const struct oracle_value *value = &oracle->sets[other].list[i].newest->values[place];
                if (oracle_lives(oracle, (enum oracle_slot)other, i) && value->set && value->slot == slot &&
                    value->index == index)
                    return true;
            }
        }
    }
    return false;
}

/* The rules see a deletion and a restoration, too, and may set what follows from others by now. */
static const char *delete_one(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot,
                              uint32_t index)
{
    struct draft draft = draft_of(oracle, slot, index);
    int32_t expected = draft.before->deleted            ? CRM_REFUSED
                       : is_needed(oracle, slot, index) ? CRM_REFERENCED
                                                        : draft_judge(&draft, CRM_CHANGE_DELETE);
    crm_delete(crm_edit(txn, oracle_kind(slot)->number, &oracle_record(oracle, slot, index)->id));
    PASS(oracle_verdict(oracle, txn, choices, expected, "a deletion"));
    if (expected == CRM_OK)
        draft_keep(&draft, CRM_CHANGE_DELETE);
    return NULL;
}

/* Perhaps with changes in the same version. */
static const char *restore_one(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot,
                               uint32_t index)
{
    struct draft draft = draft_edit(oracle, txn, choices, slot, index);
    if (draft.wrong != NULL)
        return draft.wrong;
    draft_expect(&draft, CRM_FIELD_DELETED_AT, crm_restore(draft.record), draft.before->deleted ? CRM_OK : CRM_REFUSED);
    for (uint32_t left = slot == SLOT_CUSTOMER ? choose(choices, 3) : 0; left > 0; left--)
        change_customer_field(&draft);
    if (draft.wrong != NULL)
        return draft.wrong;
    int32_t expected = draft_judge(&draft, CRM_CHANGE_RESTORE);
    PASS(oracle_verdict(oracle, txn, choices, expected, "a restoration"));
    if (expected == CRM_OK)
        draft_keep(&draft, CRM_CHANGE_RESTORE); /* of a default pipeline: it is the default again */
    return NULL;
}

/* ---- erasing ---- */

static void erase_one(struct oracle *oracle, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_kind *kind = oracle_kind(slot);
    bool deleted = oracle_record(oracle, slot, index)->newest->deleted;
    struct oracle_version *version = oracle_add_version(oracle, slot, index, CRM_CHANGE_ERASE);
    for (uint32_t place = 0; place < kind->field_count; place++) {
        if ((kind->fields[place].flags & IS_PERSONAL) == 0)
            continue;
        bool stays = (kind->fields[place].flags & IS_REQUIRED) != 0;
        version->values[place] = (struct oracle_value){.set = stays, .text = stays ? "(erased)" : NULL};
    }
    if (slot == SLOT_CONTACT) /* its whole name follows from its last */
        version->values[oracle_place(slot, CRM_CONTACT_NAME)] = (struct oracle_value){.set = true, .text = "(erased)"};
    if (deleted)
        oracle_add_version(oracle, slot, index, CRM_CHANGE_DELETE);
}

static bool is(const struct oracle_value *value, enum oracle_slot slot, uint32_t index)
{
    return value->set && value->slot == slot && value->index == index;
}

bool oracle_concerns(const struct oracle_version *interaction, enum oracle_slot slot, uint32_t index, bool named)
{
    const struct oracle_value *values = interaction->values;
    const struct oracle_value *guests = &values[oracle_place(SLOT_INTERACTION, CRM_INTERACTION_PARTICIPANTS)];
    if (is(&values[oracle_place(SLOT_INTERACTION, CRM_INTERACTION_CUSTOMER)], slot, index) ||
        is(&values[oracle_place(SLOT_INTERACTION, CRM_INTERACTION_CONTACT)], slot, index) ||
        is(&values[oracle_place(SLOT_INTERACTION, CRM_INTERACTION_RELATED)], slot, index))
        return true;
    for (uint32_t i = 0; named && guests->set && i < guests->items->count; i++)
        if (guests->items->list[i].slot == slot && guests->items->list[i].index == index)
            return true;
    return false;
}

/* Of a customer or contact the texts of its interactions go, too. */
static const char *erase(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot,
                         uint32_t index)
{
    const struct oracle_record *record = oracle_record(oracle, slot, index);
    const struct oracle_set *interactions = &oracle->sets[SLOT_INTERACTION];
    uint32_t *order = oracle_keep(oracle, (interactions->count + 1) * sizeof *order), count = 0;
    if (slot == SLOT_CUSTOMER || slot == SLOT_CONTACT)
        for (uint32_t i = 0; i < interactions->count; i++)
            if (oracle_concerns(interactions->list[i].newest, slot, index, true))
                order[count++] = i;
    crm_erase(crm_edit(txn, oracle_kind(slot)->number, &record->id));
    PASS(oracle_verdict(oracle, txn, choices, CRM_OK, "an erasure"));
    for (uint32_t i = 0; i < count; i++)
        erase_one(oracle, SLOT_INTERACTION, order[i]);
    erase_one(oracle, slot, index);
    return NULL;
}

const char *change_life(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    static const enum oracle_slot personal[] = {SLOT_INTERACTION, SLOT_CONTACT, SLOT_CUSTOMER, SLOT_MACHINE};
    uint32_t kinds = sizeof mortal / sizeof mortal[0];
    enum oracle_slot slot = mortal[choose(choices, 2 * kinds) % (choose(choices, 2) == 0 ? 3 : kinds)];
    uint32_t what = choose(choices, 16);
    if (what == 15)
        slot = personal[choose(choices, 4)];
    uint32_t count = oracle->sets[slot].count, index = choose(choices, count);
    if (count == 0)
        return NULL;
    if (what == 15)
        return erase(oracle, txn, choices, slot, index);
    for (uint32_t i = 0; what >= 8 && i < count && oracle_lives(oracle, slot, index); i++)
        index = (index + 1) % count; /* a deleted one, if there is any */
    return what < 8 ? delete_one(oracle, txn, choices, slot, index) : restore_one(oracle, txn, choices, slot, index);
}
