/* oracle_draft: one change of one record, made to the database and to the model
 * side by side.
 *
 * Each setter's answer is foretold, and so is the verdict when the change is
 * over; a refused change leaves both as they were.
 */
#include "oracle_state.h"

#include <stdio.h>
#include <string.h>

/* ---- beginning ---- */

/* Ids in runs that count up, scattered ones, and runs that count down. */
static crm_id new_id(const struct oracle *oracle, enum oracle_slot slot, struct choices *choices)
{
    crm_id id = {{0x01, 0x8d, (uint8_t)slot}};
    uint32_t number = oracle_fresh(oracle), way = choose(choices, 8);
    if (way == 6)
        number = UINT32_MAX - number;
    if (way == 7) {
        uint64_t state = number;
        for (int i = 0; i < 8; i++)
            id.bytes[i] = (uint8_t)((state = state * UINT64_C(6364136223846793005) + 1442695040888963407U) >> 56);
    }
    for (int i = 0; i < 4; i++)
        id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
    return id;
}

struct draft draft_create(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot)
{
    struct draft draft = {.oracle = oracle, .txn = txn, .choices = choices, .slot = slot, .index = UINT32_MAX};
    uint32_t kind = oracle_kind(slot)->number;
    draft.identified = true;
    if (oracle->random_ids && choose(choices, 8) == 7) {
        draft.record = crm_create(txn, kind);
        crm_record_id(draft.record, &draft.id);
    } else {
        draft.id = new_id(oracle, slot, choices);
        draft.record = crm_create_with_id(txn, kind, &draft.id);
    }
    if (draft.record == NULL)
        draft.wrong = oracle_failed(oracle, crm_txn_status(txn, NULL), "crm_create_with_id");
    return draft;
}

struct draft draft_of(struct oracle *oracle, enum oracle_slot slot, uint32_t index)
{
    struct draft draft = {.oracle = oracle, .slot = slot, .index = index};
    draft.before = oracle_record(oracle, slot, index)->newest;
    memcpy(draft.values, draft.before->values, oracle_kind(slot)->field_count * sizeof draft.values[0]);
    return draft;
}

struct draft draft_edit(struct oracle *oracle, crm_txn *txn, struct choices *choices, enum oracle_slot slot,
                        uint32_t index)
{
    struct draft draft = draft_of(oracle, slot, index);
    draft.txn = txn;
    draft.choices = choices;
    draft.record = crm_edit(txn, oracle_kind(slot)->number, &oracle_record(oracle, slot, index)->id);
    if (draft.record == NULL)
        draft.wrong = oracle_failed(oracle, crm_txn_status(txn, NULL), "crm_edit");
    return draft;
}

/* ---- setters ---- */

bool draft_expect(struct draft *draft, uint32_t field, int32_t got, int32_t expected)
{
    if (draft->status != CRM_OK)
        expected = draft->status; /* the first failure is kept */
    if (got != expected && draft->wrong == NULL) {
        crm_error error = {0};
        crm_txn_status(draft->txn, &error);
        (void)oracle_wrong(draft->oracle, "setting field %u of kind %u answers %d (%s), not %d", field,
                           oracle_kind(draft->slot)->number, got, error.message, expected);
        draft->wrong = oracle_note_status(draft->oracle, got);
    }
    draft->status = expected;
    return expected == CRM_OK && draft->wrong == NULL;
}

static struct oracle_value *name(struct draft *draft, uint32_t field)
{
    uint32_t place = oracle_place(draft->slot, field);
    draft->given |= UINT32_C(1) << place;
    return &draft->values[place];
}

void draft_int(struct draft *draft, uint32_t field, int64_t value)
{
    if (draft_expect(draft, field, crm_set_int(draft->record, field, value), CRM_OK))
        *name(draft, field) = (struct oracle_value){.set = true, .integer = value};
}

void draft_real(struct draft *draft, uint32_t field, double value)
{
    if (draft_expect(draft, field, crm_set_real(draft->record, field, value), CRM_OK))
        *name(draft, field) = (struct oracle_value){.set = true, .real = value};
}

void draft_text(struct draft *draft, uint32_t field, const char *text)
{
    if (draft_expect(draft, field, crm_set_text(draft->record, field, text, CRM_NUL), CRM_OK))
        *name(draft, field) = (struct oracle_value){.set = text[0] != '\0', .text = text};
}

void draft_null(struct draft *draft, uint32_t field)
{
    if (draft_expect(draft, field, crm_set_null(draft->record, field), CRM_OK))
        *name(draft, field) = (struct oracle_value){.set = false};
}

void draft_ref(struct draft *draft, uint32_t field, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_record *target = oracle_record(draft->oracle, slot, index);
    int32_t expected = target->newest->deleted ? CRM_REFUSED : CRM_OK;
    int32_t got = crm_set_ref(draft->record, field, oracle_kind(slot)->number, &target->id);
    if (draft_expect(draft, field, got, expected))
        *name(draft, field) = (struct oracle_value){.set = true, .slot = (uint8_t)slot, .index = index};
}

/* The list anew with room for one more. */
static struct oracle_items *open_items(struct draft *draft, uint32_t field)
{
    struct oracle_value *value = name(draft, field);
    uint32_t count = value->set ? value->items->count : 0;
    struct oracle_items *items = oracle_keep(draft->oracle, sizeof *items + (count + 1) * sizeof items->list[0]);
    items->count = count;
    if (count > 0)
        memcpy(items->list, value->items->list, count * sizeof items->list[0]);
    *value = (struct oracle_value){.set = true, .items = items};
    return items;
}

static int32_t type_of(const struct draft *draft, uint32_t field)
{
    return oracle_kind(draft->slot)->fields[oracle_place(draft->slot, field)].type;
}

void draft_add(struct draft *draft, uint32_t field, const char *text)
{
    if (!draft_expect(draft, field, crm_item_add(draft->record, field, text, CRM_NUL), CRM_OK))
        return;
    int32_t type = type_of(draft, field);
    struct oracle_items *items = open_items(draft, field);
    struct oracle_item item = {.value = text};
    const char *colon = type == CRM_TYPE_EXTERNAL_IDS ? strchr(text, ':') : NULL;
    if (colon != NULL) {
        item.system = oracle_text(draft->oracle, "%.*s", (int)(colon - text), text);
        item.value = colon + 1;
    }
    for (uint32_t i = 0; type == CRM_TYPE_TAGS && i < items->count; i++)
        if (strcmp(items->list[i].value, text) == 0)
            return; /* a tag that comes twice is kept once */
    item.primary = items->count == 0 && (type == CRM_TYPE_EMAILS || type == CRM_TYPE_PHONES);
    items->list[items->count++] = item;
}

void draft_add_ref(struct draft *draft, uint32_t field, enum oracle_slot slot, uint32_t index, const char *role)
{
    const struct oracle_record *target = oracle_record(draft->oracle, slot, index);
    int32_t got = crm_item_add_ref(draft->record, field, oracle_kind(slot)->number, &target->id, role, CRM_NUL);
    if (!draft_expect(draft, field, got, CRM_OK))
        return;
    struct oracle_items *items = open_items(draft, field);
    items->list[items->count++] =
        (struct oracle_item){.slot = (uint8_t)slot, .index = index, .role = role[0] == '\0' ? NULL : role};
}

void draft_remove(struct draft *draft, uint32_t field, uint32_t item)
{
    if (!draft_expect(draft, field, crm_item_remove(draft->record, field, item), CRM_OK))
        return;
    struct oracle_items *items = open_items(draft, field);
    items->count--;
    memmove(&items->list[item], &items->list[item + 1], (items->count - item) * sizeof items->list[0]);
    if (items->count == 0)
        *name(draft, field) = (struct oracle_value){.set = false};
}

/* Label, primary or opt-out of an item. */
void draft_part(struct draft *draft, uint32_t field, uint32_t at, int32_t part, int64_t number, const char *text)
{
    int32_t got = part == CRM_PART_LABEL ? crm_item_set_text(draft->record, field, at, part, text, CRM_NUL)
                                         : crm_item_set_int(draft->record, field, at, part, number);
    if (!draft_expect(draft, field, got, CRM_OK))
        return;
    struct oracle_items *items = open_items(draft, field);
    struct oracle_item *item = &items->list[at];
    if (part == CRM_PART_LABEL)
        item->label = text[0] == '\0' ? NULL : text;
    else if (part == CRM_PART_OPT_OUT)
        item->opt_out = (int32_t)number;
    for (uint32_t i = 0; part == CRM_PART_PRIMARY && i < items->count; i++)
        if (i == at || number != 0) /* one primary a list */
            items->list[i].primary = i == at && number != 0;
}

/* ---- for the model's rules ---- */

struct oracle_value *draft_at(struct draft *draft, uint32_t field)
{
    return &draft->values[oracle_place(draft->slot, field)];
}

bool draft_has(struct draft *draft, uint32_t field)
{
    return draft_at(draft, field)->set;
}

int64_t draft_get(struct draft *draft, uint32_t field)
{
    return draft_at(draft, field)->set ? draft_at(draft, field)->integer : 0;
}

void draft_put(struct draft *draft, uint32_t field, int64_t value)
{
    *draft_at(draft, field) = (struct oracle_value){.set = true, .integer = value};
}

void draft_clear(struct draft *draft, uint32_t field)
{
    *draft_at(draft, field) = (struct oracle_value){.set = false};
}

bool draft_given(struct draft *draft, uint32_t field)
{
    return draft->given >> oracle_place(draft->slot, field) & 1;
}

static bool differs(const struct draft *draft, uint32_t place)
{
    static const struct oracle_value nothing;
    const struct oracle_value *before = draft->before == NULL ? &nothing : &draft->before->values[place];
    return !oracle_same(oracle_shape(oracle_kind(draft->slot)->fields[place].type), before, &draft->values[place]);
}

bool draft_differs(struct draft *draft, uint32_t field)
{
    return differs(draft, oracle_place(draft->slot, field));
}

/* ---- the verdict ---- */

static bool is_blank(const struct oracle_field *field, const struct oracle_value *value)
{
    return !value->set || (field->type == CRM_TYPE_TEXT && strspn(value->text, " ") == strlen(value->text));
}

static int32_t check_required(struct draft *draft)
{
    const struct oracle_kind *kind = oracle_kind(draft->slot);
    for (uint32_t place = 0; place < kind->field_count; place++)
        if ((kind->fields[place].flags & IS_REQUIRED) != 0 && (draft->before == NULL || differs(draft, place)) &&
            is_blank(&kind->fields[place], &draft->values[place]))
            return CRM_INVALID;
    return CRM_OK;
}

/* JPY has no decimals, EUR and USD have two. */
static int32_t check_currency(struct draft *draft)
{
    const struct oracle_kind *kind = oracle_kind(draft->slot);
    int64_t base = oracle_currency(draft->oracle), from, to;
    uint32_t currency = 0;
    while (currency < kind->field_count && kind->fields[currency].type != CRM_TYPE_CURRENCY)
        currency++;
    if (draft->before == NULL || currency == kind->field_count || !differs(draft, currency))
        return CRM_OK;
    from = draft->before->values[currency].set ? draft->before->values[currency].integer : base;
    to = draft->values[currency].set ? draft->values[currency].integer : base;
    if ((from == 392) == (to == 392))
        return CRM_OK;
    for (uint32_t place = 0; place < kind->field_count; place++)
        if (kind->fields[place].type == CRM_TYPE_MONEY && draft->before->values[place].set &&
            !(draft->given >> place & 1))
            return CRM_INVALID;
    return CRM_OK;
}

/* One without a system is not to be mistaken for that of any system. */
static bool share_external(const struct oracle_value *a, const struct oracle_value *b)
{
    for (uint32_t i = 0; i < a->items->count; i++)
        for (uint32_t k = 0; k < b->items->count; k++)
            if (strcmp(a->items->list[i].value, b->items->list[k].value) == 0 &&
                (a->items->list[i].system == NULL ||
                 (b->items->list[k].system != NULL && strcmp(a->items->list[i].system, b->items->list[k].system) == 0)))
                return true;
    return false;
}

/* Another live record has the value. */
static bool is_taken(const struct draft *draft, uint32_t place)
{
    const struct oracle_set *set = &draft->oracle->sets[draft->slot];
    const struct oracle_field *field = &oracle_kind(draft->slot)->fields[place];
    const struct oracle_value *value = &draft->values[place];
    for (uint32_t i = 0; i < set->count; i++) {
        const struct oracle_value *other = &set->list[i].newest->values[place];
        if (i == draft->index || set->list[i].newest->deleted || !other->set)
            continue;
        if (field->type == CRM_TYPE_EXTERNAL_IDS ? share_external(value, other) : strcmp(value->text, other->text) == 0)
            return true;
    }
    return false;
}

/* Customers have parents, contacts report, users have managers: none comes to stand above itself. */
static bool stands_above_itself(const struct draft *draft, uint32_t place)
{
    const struct oracle_set *set = &draft->oracle->sets[draft->slot];
    const struct oracle_value *above = &draft->values[place];
    while (above->set) {
        if (above->index == draft->index)
            return true;
        above = &set->list[above->index].newest->values[place];
    }
    return false;
}

static int32_t check_edits(struct draft *draft)
{
    const struct oracle_kind *kind = oracle_kind(draft->slot);
    for (uint32_t place = 0; place < kind->field_count; place++) {
        const struct oracle_field *field = &kind->fields[place];
        if (!draft->values[place].set || !differs(draft, place))
            continue;
        if ((field->flags & IS_UNIQUE) != 0 && is_taken(draft, place))
            return CRM_DUPLICATE;
        if ((draft->slot == SLOT_CUSTOMER && field->number == CRM_CUSTOMER_PARENT) ||
            (draft->slot == SLOT_CONTACT && field->number == CRM_CONTACT_REPORTS_TO) ||
            (draft->slot == SLOT_USER && field->number == CRM_USER_MANAGER)) {
            if (stands_above_itself(draft, place))
                return CRM_REFUSED;
        }
    }
    return CRM_OK;
}

/* A restored record takes its unique values again; somebody may have them now. */
static int32_t check_restored(struct draft *draft)
{
    const struct oracle_kind *kind = oracle_kind(draft->slot);
    for (uint32_t place = 0; place < kind->field_count; place++)
        if ((kind->fields[place].flags & IS_UNIQUE) != 0 && draft->values[place].set && is_taken(draft, place))
            return CRM_DUPLICATE;
    return CRM_OK;
}

int32_t draft_judge(struct draft *draft, int32_t operation)
{
    int32_t status = draft->status;
    if (status == CRM_OK)
        status = oracle_rules(draft);
    if (operation == CRM_CHANGE_DELETE || status != CRM_OK)
        return status;
    status = check_currency(draft);
    if (status == CRM_OK && operation == CRM_CHANGE_RESTORE)
        status = check_restored(draft);
    if (status == CRM_OK)
        status = check_required(draft);
    return status == CRM_OK ? check_edits(draft) : status;
}

bool draft_changed(struct draft *draft)
{
    for (uint32_t place = 0; place < oracle_kind(draft->slot)->field_count; place++)
        if (differs(draft, place))
            return true;
    return false;
}

void draft_keep(struct draft *draft, int32_t operation)
{
    struct oracle *oracle = draft->oracle;
    if (draft->before == NULL)
        draft->index = oracle_add_record(oracle, draft->slot, &draft->id);
    struct oracle_version *version = oracle_add_version(oracle, draft->slot, draft->index, operation);
    memcpy(version->values, draft->values, oracle_kind(draft->slot)->field_count * sizeof version->values[0]);
    if (!draft->undoing)
        oracle_after(oracle, draft->slot, draft->index);
}

const char *oracle_verdict(struct oracle *oracle, crm_txn *txn, struct choices *choices, int32_t expected,
                           const char *what)
{
    crm_error error = {0};
    int32_t got = crm_txn_status(txn, &error);
    if (got != expected) {
        (void)oracle_wrong(oracle, "%s answers %d (%s), not %d", what, got, error.message, expected);
        return oracle_note_status(oracle, got);
    }
    if (got == CRM_OK)
        return NULL;
    if (choose(choices, 32) == 31) { /* the whole transaction is refused */
        oracle->doomed = true;
        oracle->doom = got;
        return NULL;
    }
    crm_txn_forgive(txn);
    got = crm_txn_status(txn, NULL);
    return got == CRM_OK ? NULL : oracle_failed(oracle, got, "a transaction that was forgiven");
}

const char *draft_finish(struct draft *draft)
{
    bool created = draft->before == NULL, changed = created || draft_changed(draft);
    int32_t operation = created ? CRM_CHANGE_CREATE : CRM_CHANGE_UPDATE;
    char what[64];
    if (draft->wrong != NULL)
        return draft->wrong;
    int32_t expected = draft->status == CRM_OK && !changed ? CRM_OK : draft_judge(draft, operation);
    snprintf(what, sizeof what, "%s a record of kind %u", created ? "creating" : "changing",
             oracle_kind(draft->slot)->number);
    PASS(oracle_verdict(draft->oracle, draft->txn, draft->choices, expected, what));
    if (expected == CRM_OK && changed)
        draft_keep(draft, operation);
    return NULL;
}
