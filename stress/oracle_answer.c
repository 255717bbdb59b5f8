/* oracle_answer: look-ups, lists, timelines and sums, held against a search of the whole model. */
#include "oracle_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- look-ups ---- */

static const char *found(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t field,
                         const char *text, uint32_t expected)
{
    crm_record *record = NULL;
    uint32_t kind = oracle_kind(slot)->number;
    int32_t status = crm_find(view, kind, field, text, CRM_NUL, &record, NULL);
    const char *wrong = NULL;
    if (status != (expected == UINT32_MAX ? CRM_NOT_FOUND : CRM_OK)) {
        wrong = oracle_wrong(oracle, "crm_find of kind %u by field %u, \"%s\", answers %d; expected record %d", kind,
                             field, text, status, (int)expected);
        oracle_note_status(oracle, status);
    } else if (expected != UINT32_MAX) {
        wrong = answer_record(oracle, record, slot, expected);
    }
    crm_record_free(record);
    return wrong;
}

static bool same_folded(const char *a, const char *b)
{
    while (*a != '\0' && tolower((unsigned char)*a) == tolower((unsigned char)*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

/* The digits without zeros at the front and without what "+49 (0)30" and the like add. */
static void digits_of(const char *text, char out[32])
{
    size_t count = 0;
    for (; *text != '\0' && count < 31; text++)
        if (isdigit((unsigned char)*text) && (count > 0 || *text != '0'))
            out[count++] = *text;
    out[count] = '\0';
}

/* How many last digits both numbers share when one ends with the other; fewer than 5 only when equal. */
static size_t phone_rank(const char *stored, const char *sought)
{
    char a[32], b[32];
    digits_of(stored, a);
    digits_of(sought, b);
    size_t own = strlen(a), wanted = strlen(b), shorter = own < wanted ? own : wanted;
    bool enough = shorter >= 5 || (wanted >= 4 && own >= wanted) || own == wanted;
    return enough && memcmp(a + own - shorter, b + wanted - shorter, shorter) == 0 ? shorter : 0;
}

size_t answer_item_rank(int32_t type, const struct oracle_item *item, const char *text)
{
    char whole[96];
    switch (type) {
    case CRM_TYPE_PHONES: return phone_rank(item->value, text);
    case CRM_TYPE_EXTERNAL_IDS:
        snprintf(whole, sizeof whole, "%s:%s", item->system == NULL ? "" : item->system, item->value);
        return strcmp(whole, text) == 0 || strcmp(item->value, text) == 0;
    default: return same_folded(item->value, text);
    }
}

/* How well a value answers a look-up; 0: not at all. */
static size_t rank(int32_t type, const struct oracle_value *value, const char *text)
{
    size_t best = 0;
    if (!value->set)
        return 0;
    if (type == CRM_TYPE_TEXT)
        return same_folded(value->text, text);
    for (uint32_t i = 0; i < value->items->count; i++) {
        size_t own = answer_item_rank(type, &value->items->list[i], text);
        best = own > best ? own : best;
    }
    return best;
}

/* The best match, of equal ones the first made. */
static uint32_t search(const struct oracle *oracle, enum oracle_slot slot, uint32_t field, const char *text)
{
    uint32_t place = oracle_place(slot, field), best = UINT32_MAX;
    int32_t type = oracle_kind(slot)->fields[place].type;
    size_t best_rank = 0;
    for (uint32_t i = 0; i < oracle->sets[slot].count; i++) {
        const struct oracle_record *record = &oracle->sets[slot].list[i];
        if (record->newest->deleted ||
            (oracle_hidden(record, record->newest) && (oracle_kind(slot)->fields[place].flags & IS_PERSONAL) != 0))
            continue;
        size_t own = rank(type, &record->newest->values[place], text);
        if (own > best_rank) {
            best_rank = own;
            best = i;
        }
    }
    return best;
}

static const char *look_up(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t field,
                           const char *text)
{
    return found(oracle, view, slot, field, text, search(oracle, slot, field, text));
}

/* A record is looked for by each of its values. */
static const char *look_up_record(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_kind *kind = oracle_kind(slot);
    const struct oracle_value *values = oracle_record(oracle, slot, index)->newest->values;
    char text[96];
    for (uint32_t place = 0; place < kind->field_count; place++) {
        const struct oracle_field *field = &kind->fields[place];
        if (!values[place].set)
            continue;
        if (field->type == CRM_TYPE_TEXT && (field->flags & (IS_INDEXED | IS_UNIQUE)) != 0)
            PASS(look_up(oracle, view, slot, field->number, values[place].text));
        bool listed = field->type == CRM_TYPE_EMAILS || field->type == CRM_TYPE_PHONES ||
                      field->type == CRM_TYPE_EXTERNAL_IDS || field->type == CRM_TYPE_TAGS;
        for (uint32_t i = 0; listed && i < values[place].items->count; i++) {
            const struct oracle_item *item = &values[place].items->list[i];
            PASS(look_up(oracle, view, slot, field->number, item->value));
            snprintf(text, sizeof text, "%s:%s", item->system == NULL ? "" : item->system, item->value);
            if (item->system != NULL)
                PASS(look_up(oracle, view, slot, field->number, text));
        }
    }
    return NULL;
}

/* What one record brings to an answer. */
static const char *ask_record(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index)
{
    PASS(look_up_record(oracle, view, slot, index));
    if (slot == SLOT_CUSTOMER || slot == SLOT_CONTACT || slot == SLOT_OPPORTUNITY || slot == SLOT_PRODUCT)
        PASS(answer_timeline(oracle, view, slot, index));
    if (slot == SLOT_CUSTOMER || slot == SLOT_OPPORTUNITY)
        PASS(answer_stages(oracle, view, slot, index));
    return NULL;
}

const char *answer_all(const struct oracle *oracle, crm_view *view)
{
    struct choices choices = {.state = oracle_freshest(oracle)};
    PASS(answer_settings(oracle, view));
    PASS(answer_pipeline(oracle, view));
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        for (uint32_t index = 0; index < oracle->sets[slot].count; index++)
            PASS(ask_record(oracle, view, (enum oracle_slot)slot, index));
    for (int i = 0; i < 20; i++) {
        PASS(answer_question(oracle, view, &choices));
        PASS(answer_sums(oracle, view, &choices));
    }
    return NULL;
}

const char *answer_some(const struct oracle *oracle, crm_view *view, struct choices *choices)
{
    for (uint32_t i = 1 + choose(choices, 4); i > 0; i--) {
        enum oracle_slot slot = (enum oracle_slot)choose(choices, SLOT_COUNT);
        switch (choose(choices, 8)) {
        case 0:
        case 1: PASS(answer_question(oracle, view, choices)); break;
        case 2:
        case 3: PASS(answer_sums(oracle, view, choices)); break;
        case 4: PASS(answer_settings(oracle, view)); break;
        case 5: PASS(answer_pipeline(oracle, view)); break;
        default:
            if (oracle->sets[slot].count > 0)
                PASS(ask_record(oracle, view, slot, choose(choices, oracle->sets[slot].count)));
        }
    }
    return NULL;
}
