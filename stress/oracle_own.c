/* oracle_own: a user's own kind "machine", own fields of customers, and records
 * of that kind.
 *
 * Definitions come one at a time, in the order of the table, whose numbers they
 * get; what is rolled back is defined again later.
 */
#include "oracle_state.h"

#include <string.h>

uint32_t oracle_defined(const struct oracle *oracle, enum oracle_slot slot)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < oracle->sets[SLOT_FIELD].count; i++)
        count += oracle_int(oracle, SLOT_FIELD, i, CRM_FIELD_OF_KIND) == oracle_kind(slot)->number;
    return count;
}

static void put_int(struct oracle_version *version, enum oracle_slot slot, uint32_t field, int64_t value)
{
    version->values[oracle_place(slot, field)] = (struct oracle_value){.set = true, .integer = value};
}

static struct oracle_version *define(struct oracle *oracle, enum oracle_slot slot, const char *name)
{
    struct oracle_version *version =
        oracle_add_version(oracle, slot, oracle_add_record(oracle, slot, NULL), CRM_CHANGE_CREATE);
    /* The name is field 16 of all three kinds of definition. */
    version->values[oracle_place(slot, CRM_KIND_NAME)] = (struct oracle_value){.set = true, .text = name};
    return version;
}

static uint32_t flags_of(const struct oracle_field *field)
{
    return ((field->flags & IS_REQUIRED) != 0 ? CRM_FLAG_REQUIRED : 0U) |
           ((field->flags & IS_UNIQUE) != 0 ? CRM_FLAG_UNIQUE : 0U) |
           ((field->flags & IS_INDEXED) != 0 ? CRM_FLAG_INDEXED : 0U) |
           ((field->flags & IS_PERSONAL) != 0 ? CRM_FLAG_PERSONAL : 0U);
}

static const char *define_field(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot)
{
    const struct oracle_kind *kind = oracle_kind(slot);
    uint32_t place = 0, number = 0;
    while (place < kind->field_count && kind->fields[place].number != CRM_USER_FIELD + oracle_defined(oracle, slot))
        place++;
    if (place == kind->field_count)
        return NULL; /* all are there */
    const struct oracle_field *field = &kind->fields[place];
    int32_t expected = (field->flags & IS_REQUIRED) != 0 && oracle->sets[slot].count > 0 ? CRM_REFUSED : CRM_OK;
    crm_field_add(txn, kind->number, field->name, CRM_NUL, field->type, flags_of(field), field->target, &number);
    PASS(oracle_verdict(oracle, txn, choices, expected, "crm_field_add"));
    if (expected != CRM_OK)
        return NULL;
    if (number != field->number)
        return oracle_wrong(oracle, "crm_field_add gives \"%s\" the number %u, not %u", field->name, number,
                            field->number);
    struct oracle_version *version = define(oracle, SLOT_FIELD, field->name);
    put_int(version, SLOT_FIELD, CRM_FIELD_OF_KIND, kind->number);
    put_int(version, SLOT_FIELD, CRM_FIELD_NUMBER, number);
    put_int(version, SLOT_FIELD, CRM_FIELD_TYPE, field->type);
    put_int(version, SLOT_FIELD, CRM_FIELD_FLAGS, flags_of(field));
    put_int(version, SLOT_FIELD, CRM_FIELD_TARGET, field->target);
    return NULL;
}

/* The kind comes with its required fields: later ones need a kind without records. */
static const char *define_kind(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    uint32_t number = 0;
    crm_kind_add(txn, "machine", CRM_NUL, &number);
    PASS(oracle_verdict(oracle, txn, choices, CRM_OK, "crm_kind_add"));
    if (number != CRM_USER_KIND)
        return oracle_wrong(oracle, "crm_kind_add gives the number %u", number);
    put_int(define(oracle, SLOT_KIND, "machine"), SLOT_KIND, CRM_KIND_NUMBER, number);
    PASS(define_field(oracle, txn, choices, SLOT_MACHINE));
    return define_field(oracle, txn, choices, SLOT_MACHINE);
}

static const char *define_choice(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    static const char *const colours[] = {"red", "green", "blue"};
    const struct oracle_field *field = &oracle_kind(SLOT_MACHINE)->fields[3];
    uint32_t count = oracle->sets[SLOT_CHOICE].count;
    int64_t code = 0;
    if (oracle_defined(oracle, SLOT_MACHINE) < 4 || count == 3)
        return NULL;
    crm_choice_add(txn, CRM_USER_KIND, field->number, colours[count], CRM_NUL, &code);
    PASS(oracle_verdict(oracle, txn, choices, CRM_OK, "crm_choice_add"));
    if (code != (int64_t)count + 1)
        return oracle_wrong(oracle, "crm_choice_add gives the code %lld", (long long)code);
    struct oracle_version *version = define(oracle, SLOT_CHOICE, colours[count]);
    put_int(version, SLOT_CHOICE, CRM_CHOICE_OF_KIND, CRM_USER_KIND);
    put_int(version, SLOT_CHOICE, CRM_CHOICE_OF_FIELD, field->number);
    put_int(version, SLOT_CHOICE, CRM_CHOICE_CODE, code);
    return NULL;
}

/* ---- values ---- */

static void change_machine_field(struct draft *draft)
{
    const struct oracle *oracle = draft->oracle;
    struct choices *choices = draft->choices;
    uint32_t count = oracle_defined(oracle, SLOT_MACHINE), which = choose(choices, count);
    uint32_t field = CRM_USER_FIELD + which, colours = oracle->sets[SLOT_CHOICE].count;
    if (which >= 2 && choose(choices, 5) == 4) {
        draft_null(draft, field);
        return;
    }
    switch (which) {
    case 0: draft_text(draft, field, oracle_text(oracle, "serial %u", change_number(oracle, choices))); break;
    case 1: change_ref(draft, field, SLOT_CUSTOMER); break;
    case 2: /* quarters: their sums are exact in any order */
        draft_real(draft, field, ((double)choose(choices, 2000) - 1000) / 4);
        break;
    case 3:
        if (colours > 0)
            draft_int(draft, field, 1 + choose(choices, colours));
        break;
    case 4: draft_int(draft, field, (int64_t)choose(choices, 40000) - 10000); break;
    case 5: draft_text(draft, field, oracle_text(oracle, "Driver %u", change_number(oracle, choices))); break;
    default: draft_int(draft, field, (int64_t)choose(choices, 100000) - 500); break;
    }
}

static const char *change_machine(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct draft draft;
    uint32_t owner = oracle_pick(oracle, SLOT_CUSTOMER, choices);
    if (owner == UINT32_MAX || !change_begin(oracle, txn, choices, SLOT_MACHINE, &draft))
        return owner == UINT32_MAX ? NULL : draft.wrong;
    if (draft.before == NULL) {
        draft_text(&draft, CRM_USER_FIELD, oracle_text(oracle, "serial %u", change_number(oracle, choices)));
        draft_ref(&draft, CRM_USER_FIELD + 1, SLOT_CUSTOMER, owner);
    }
    for (uint32_t left = choose(choices, 3) + (draft.before != NULL); left > 0; left--)
        change_machine_field(&draft);
    return draft_finish(&draft);
}

static const char *change_own_of_customer(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    uint32_t index = oracle_pick(oracle, SLOT_CUSTOMER, choices), count = oracle_defined(oracle, SLOT_CUSTOMER);
    if (index == UINT32_MAX || count == 0)
        return NULL;
    struct draft draft = draft_edit(oracle, txn, choices, SLOT_CUSTOMER, index);
    if (draft.wrong == NULL && choose(choices, count) == 0)
        draft_int(&draft, CRM_USER_FIELD, (int64_t)choose(choices, 1000) - 500);
    else if (draft.wrong == NULL)
        draft_text(&draft, CRM_USER_FIELD + 1, choose(choices, 4) == 3 ? "" : change_prose(oracle, choices));
    return draft_finish(&draft);
}

const char *change_own(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    uint32_t what = choose(choices, 12);
    if (oracle->sets[SLOT_KIND].count == 0)
        return what < 4 ? define_kind(oracle, txn, choices) : define_field(oracle, txn, choices, SLOT_CUSTOMER);
    switch (what) {
    case 0: return define_field(oracle, txn, choices, SLOT_MACHINE);
    case 1: return define_field(oracle, txn, choices, SLOT_CUSTOMER);
    case 2: return define_choice(oracle, txn, choices);
    case 3:
    case 4: return change_own_of_customer(oracle, txn, choices);
    default: return change_machine(oracle, txn, choices);
    }
}
