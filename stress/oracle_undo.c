/* oracle_undo: a batch taken back, as docs/HISTORY.md has it, over the plain model.
 *
 * What the batch made is deleted, what it changed goes back, what it deleted is
 * restored; what others changed since, or refer to, stands in the way.
 */
#include "oracle_state.h"

#include <stdlib.h>
#include <string.h>

enum what { NOTHING, REVERT, DELETE, CONFLICT };

/* A record that the batch touched. */
struct touched {
    enum oracle_slot slot;
    uint32_t index;
    enum what what;
    const struct oracle_version *first, *last; /* of the batch's versions */
    const struct oracle_version *before;       /* NULL: it made the record */
    bool between, after;                       /* others changed it between or after them */
    bool erased;                               /* since then */
};

struct undo {
    struct oracle *oracle;
    const char *batch;
    struct touched *list; /* in order of their first touch */
    uint32_t count, capacity, conflicts;
    uint32_t *places[SLOT_COUNT]; /* by a record's number: its position in the list + 1 */
};

static bool in_batch(const struct undo *undo, const struct oracle_version *version)
{
    return version->meta != undo->oracle->open && strcmp(version->meta->batch, undo->batch) == 0;
}

/* ---- which records ---- */

static struct touched *known(const struct undo *undo, enum oracle_slot slot, uint32_t index)
{
    uint32_t place = undo->places[slot][index];
    return place == 0 ? NULL : &undo->list[place - 1];
}

static void note(struct undo *undo, enum oracle_slot slot, uint32_t index)
{
    bool definition = slot == SLOT_KIND || slot == SLOT_FIELD || slot == SLOT_CHOICE; /* others may use them by now */
    if (definition || known(undo, slot, index) != NULL)
        return;
    if (undo->count == undo->capacity) {
        undo->capacity = undo->capacity < 16 ? 16 : undo->capacity * 2;
        undo->list = realloc(undo->list, undo->capacity * sizeof *undo->list);
        if (undo->list == NULL)
            abort();
    }
    undo->list[undo->count++] = (struct touched){.slot = slot, .index = index};
    undo->places[slot][index] = undo->count;
}

/* True when there is a transaction of the batch. */
static bool find(struct undo *undo)
{
    uint32_t count;
    bool found = false;
    const struct oracle_meta **metas = oracle_metas(undo->oracle, 0, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(metas[i]->batch, undo->batch) != 0)
            continue;
        found = true;
        for (const struct oracle_touch *touch = metas[i]->first; touch != NULL; touch = touch->next)
            note(undo, touch->slot, touch->index);
    }
    free(metas);
    return found;
}

/* ---- what becomes of each ---- */

static void trace(const struct undo *undo, struct touched *touched)
{
    const struct oracle_version *version = oracle_record(undo->oracle, touched->slot, touched->index)->newest;
    bool others = false, erased = false;
    for (; version != NULL; version = version->previous) {
        erased |= version->operation == CRM_CHANGE_ERASE;
        if (!in_batch(undo, version)) {
            others = true;
            continue;
        }
        if (touched->last == NULL) {
            touched->last = version;
            touched->after = others;
        } else {
            touched->between |= others;
        }
        others = false;
        touched->first = version;
        touched->erased = erased; /* one before the batch's first touch is none of its business */
    }
    touched->before = touched->first->previous;
}

/* What the versions from `from` back to `before` changed, those of the batch or of others. */
static bool did_change(const struct undo *undo, const struct touched *touched, uint32_t place, bool batch)
{
    int shape = oracle_shape(oracle_kind(touched->slot)->fields[place].type);
    for (const struct oracle_version *version = touched->last; version != touched->before; version = version->previous)
        if (in_batch(undo, version) == batch &&
            !oracle_same(shape, &version->values[place], &version->previous->values[place]))
            return true;
    return false;
}

/* The batch changed the field, and it is not what it was. */
static bool to_go_back(const struct undo *undo, const struct touched *touched, uint32_t place)
{
    const struct oracle_version *now = oracle_record(undo->oracle, touched->slot, touched->index)->newest;
    int shape = oracle_shape(oracle_kind(touched->slot)->fields[place].type);
    bool ours = touched->between ? did_change(undo, touched, place, true)
                                 : !oracle_same(shape, &touched->before->values[place], &touched->last->values[place]);
    return ours && !oracle_same(shape, &touched->before->values[place], &now->values[place]);
}

/* Others changed it, too. */
static bool is_theirs(const struct undo *undo, const struct touched *touched, uint32_t place)
{
    const struct oracle_version *now = oracle_record(undo->oracle, touched->slot, touched->index)->newest;
    int shape = oracle_shape(oracle_kind(touched->slot)->fields[place].type);
    return (touched->between && did_change(undo, touched, place, false)) ||
           !oracle_same(shape, &touched->last->values[place], &now->values[place]);
}

static enum what judge_fields(const struct undo *undo, const struct touched *touched)
{
    const struct oracle_version *now = oracle_record(undo->oracle, touched->slot, touched->index)->newest;
    bool flipped = touched->before->deleted != touched->last->deleted && now->deleted != touched->before->deleted;
    bool any = false;
    for (uint32_t place = 0; place < oracle_kind(touched->slot)->field_count; place++) {
        if (!to_go_back(undo, touched, place))
            continue;
        if (is_theirs(undo, touched, place))
            return CONFLICT;
        any = true;
    }
    if (flipped && !now->deleted && touched->after)
        return CONFLICT; /* restored by the batch, and changed since */
    if (any && now->deleted && !flipped)
        return CONFLICT; /* deleted since */
    return any || flipped ? REVERT : NOTHING;
}

static enum what judge(const struct undo *undo, const struct touched *touched)
{
    bool lives = oracle_lives(undo->oracle, touched->slot, touched->index);
    if (touched->before == NULL && !lives)
        return NOTHING;
    if (touched->erased)
        return CONFLICT;
    if (touched->before != NULL)
        return judge_fields(undo, touched);
    return touched->between || touched->after ? CONFLICT : DELETE;
}

/* ---- references to what would go ---- */

static bool keep_target(struct undo *undo, uint8_t slot, uint32_t index)
{
    struct touched *target = known(undo, (enum oracle_slot)slot, index);
    if (target == NULL || target->what != DELETE)
        return false;
    target->what = CONFLICT;
    undo->conflicts++;
    return true;
}

/* Whether it names anything that must stay for its sake. */
static bool look_through(struct undo *undo, enum oracle_slot slot, const struct oracle_version *version)
{
    const struct oracle_kind *kind = oracle_kind(slot);
    bool any = false;
    for (uint32_t place = 0; place < kind->field_count; place++) {
        const struct oracle_value *value = &version->values[place];
        int shape = oracle_shape(kind->fields[place].type);
        if (!value->set)
            continue;
        if (shape == SHAPE_REF)
            any |= keep_target(undo, value->slot, value->index);
        for (uint32_t i = 0; kind->fields[place].type == CRM_TYPE_REFS && i < value->items->count; i++)
            any |= keep_target(undo, value->items->list[i].slot, value->items->list[i].index);
    }
    return any;
}

/* What a record will be, and what it is when others had their part in it. */
static bool look_at(struct undo *undo, enum oracle_slot slot, uint32_t index)
{
    const struct touched *touched = known(undo, slot, index);
    bool any = false, revert = touched != NULL && touched->what == REVERT;
    if (!oracle_lives(undo->oracle, slot, index) || (touched != NULL && touched->what == DELETE))
        return false;
    if (!revert || touched->after || touched->between)
        any = look_through(undo, slot, oracle_record(undo->oracle, slot, index)->newest);
    return (revert && look_through(undo, slot, touched->before)) || any;
}

/* Until nothing more is found: what stays keeps in turn what it refers to. */
static void refer(struct undo *undo)
{
    for (bool any = true; any;) {
        any = false;
        for (int slot = 0; slot < SLOT_COUNT; slot++)
            for (uint32_t i = 0; i < undo->oracle->sets[slot].count; i++)
                any |= look_at(undo, (enum oracle_slot)slot, i);
    }
}

/* ---- doing it ---- */

static int32_t operate(struct undo *undo, const struct touched *touched, int32_t operation)
{
    struct draft draft = draft_of(undo->oracle, touched->slot, touched->index);
    draft.undoing = true;
    int32_t status = draft_judge(&draft, operation);
    if (status == CRM_OK)
        draft_keep(&draft, operation);
    return status;
}

static int32_t put_back(struct undo *undo, const struct touched *touched)
{
    struct draft draft = draft_of(undo->oracle, touched->slot, touched->index);
    draft.undoing = true;
    for (uint32_t place = 0; place < oracle_kind(touched->slot)->field_count; place++) {
        if (!to_go_back(undo, touched, place))
            continue;
        draft.values[place] = touched->before->values[place];
        draft.given |= UINT32_C(1) << place;
    }
    if (!draft_changed(&draft))
        return CRM_OK;
    int32_t status = draft_judge(&draft, CRM_CHANGE_UPDATE);
    if (status == CRM_OK)
        draft_keep(&draft, CRM_CHANGE_UPDATE);
    return status;
}

static int32_t revert(struct undo *undo, const struct touched *touched)
{
    bool lives = oracle_lives(undo->oracle, touched->slot, touched->index);
    if (touched->what == DELETE)
        return operate(undo, touched, CRM_CHANGE_DELETE);
    int32_t status = CRM_OK;
    if (!touched->before->deleted && !lives)
        status = operate(undo, touched, CRM_CHANGE_RESTORE);
    if (status == CRM_OK)
        status = put_back(undo, touched);
    if (status == CRM_OK && touched->before->deleted && lives)
        status = operate(undo, touched, CRM_CHANGE_DELETE);
    return status;
}

/* The newest first. */
static int32_t apply(struct undo *undo, bool override)
{
    for (uint32_t i = undo->count; i-- > 0;) {
        const struct touched *touched = &undo->list[i];
        if (touched->what != REVERT && touched->what != DELETE)
            continue;
        int32_t status = revert(undo, touched);
        undo->conflicts += status != CRM_OK;
        if (status != CRM_OK && !override)
            return status;
    }
    return CRM_OK;
}

static int32_t undo_in_model(struct undo *undo, bool override)
{
    if (undo->batch[0] == '\0' || !find(undo))
        return CRM_NOT_FOUND;
    for (uint32_t i = 0; i < undo->count; i++) {
        trace(undo, &undo->list[i]);
        undo->list[i].what = judge(undo, &undo->list[i]);
        undo->conflicts += undo->list[i].what == CONFLICT;
    }
    refer(undo);
    return undo->conflicts > 0 && !override ? CRM_REFERENCED : apply(undo, override);
}

/* ---- both ---- */

static const char *check_answer(const struct undo *undo, int32_t status, int32_t expected, const crm_error *error,
                                const crm_table *conflicts)
{
    if (status != expected) {
        (void)oracle_wrong(undo->oracle, "undoing \"%s\" answers %d (%s), not %d", undo->batch, status, error->message,
                           expected);
        return oracle_note_status(undo->oracle, status);
    }
    if (crm_table_rows(conflicts) != undo->conflicts)
        return oracle_wrong(undo->oracle, "undoing \"%s\" has %llu conflicts, not %u; the first: %s %s, %s",
                            undo->batch, (unsigned long long)crm_table_rows(conflicts), undo->conflicts,
                            crm_table_text(conflicts, 0, 0, NULL), crm_table_text(conflicts, 0, 2, NULL),
                            crm_table_text(conflicts, 0, 3, NULL));
    return NULL;
}

/* Mostly the batch of some transaction; or one that may not be there. */
static const char *choose_batch(const struct oracle *oracle, struct choices *choices)
{
    const struct oracle_meta *meta = oracle->last;
    uint32_t back = choose(choices, 40);
    while (back-- > 0 && meta->previous != NULL)
        meta = meta->previous;
    while (meta->batch[0] == '\0' && meta->previous != NULL)
        meta = meta->previous;
    return meta->batch[0] != '\0' ? meta->batch : oracle_text(oracle, "batch %u", choose(choices, 4));
}

static struct undo begin(struct oracle *oracle, struct choices *choices)
{
    struct undo undo = {.oracle = oracle, .batch = choose_batch(oracle, choices)};
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        undo.places[slot] = calloc(oracle->sets[slot].count + 1, sizeof *undo.places[slot]);
        if (undo.places[slot] == NULL)
            abort();
    }
    return undo;
}

const char *change_undo(struct oracle *oracle, crm_txn *txn, struct choices *choices)
{
    struct undo undo = begin(oracle, choices);
    bool override = choose(choices, 3) == 2;
    crm_table *conflicts = NULL;
    crm_error error = {0};
    int32_t expected = undo_in_model(&undo, override);
    int32_t status = crm_undo(txn, undo.batch, override, &conflicts, &error);
    const char *wrong = check_answer(&undo, status, expected, &error, conflicts);
    crm_table_free(conflicts);
    free(undo.list);
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        free(undo.places[slot]);
    if (wrong == NULL && expected != CRM_OK && expected != CRM_NOT_FOUND && expected != CRM_REFERENCED) {
        oracle->doomed = true; /* it failed half way: the transaction keeps that */
        oracle->doom = expected;
        return NULL;
    }
    return wrong != NULL ? wrong : oracle_verdict(oracle, txn, choices, CRM_OK, "an undo");
}
