/* oracle_question: random lists: conditions, an order, a limit, pages and
 * cursors, held against a search of the whole model.
 *
 * Operands are mostly values that some record has, so that answers are neither
 * empty nor everything.
 */
#include "oracle_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = CONDITION_TEXT };

/* ---- values as a list compares them ---- */

const struct oracle_value *answer_shown(const struct oracle *oracle, enum oracle_slot slot, uint32_t index,
                                        uint32_t place)
{
    static const struct oracle_value nothing;
    const struct oracle_record *record = oracle_record(oracle, slot, index);
    bool personal = (oracle_kind(slot)->fields[place].flags & IS_PERSONAL) != 0;
    return personal && oracle_hidden(record, record->newest) ? &nothing : &record->newest->values[place];
}

/* ASCII lower, what is no letter or digit a blank, a run of those one, none at
 * the ends; the model's own texts have no more to them (docs/TEXT.md). */
static void fold(const char *text, char *out, size_t size)
{
    size_t length = 0;
    for (; *text != '\0' && length + 2 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (isalnum(c) || c >= 0x80)
            out[length++] = (char)tolower(c);
        else if (length > 0 && out[length - 1] != ' ')
            out[length++] = ' ';
    }
    while (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
}

static bool ordered(int32_t op, int compared)
{
    switch (op) {
    case CRM_OP_EQ: return compared == 0;
    case CRM_OP_NE: return compared != 0;
    case CRM_OP_LT: return compared < 0;
    case CRM_OP_LE: return compared <= 0;
    case CRM_OP_GT: return compared > 0;
    default: return compared >= 0;
    }
}

static bool text_answers(const struct condition *condition, const char *text)
{
    char own[TEXT_SIZE], sought[TEXT_SIZE];
    fold(text, own, sizeof own);
    fold(condition->text, sought, sizeof sought);
    if (condition->op == CRM_OP_PREFIX)
        return strncmp(own, sought, strlen(sought)) == 0;
    if (condition->op == CRM_OP_CONTAINS)
        return strstr(own, sought) != NULL;
    return ordered(condition->op, strcmp(own, sought));
}

static bool item_answers(int32_t type, const struct oracle_item *item, const struct condition *condition)
{
    if (type == CRM_TYPE_REFS)
        return item->slot == condition->operand.slot && item->index == condition->operand.index;
    return answer_item_rank(type, item, condition->text) > 0;
}

static bool items_answer(int32_t type, const struct oracle_items *items, const struct condition *condition)
{
    bool any = false;
    for (uint32_t i = 0; i < items->count && !any; i++)
        any = item_answers(type, &items->list[i], condition);
    return any == (condition->op != CRM_OP_NE);
}

static bool answers(const struct oracle_field *field, const struct oracle_value *value,
                    const struct condition *condition)
{
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
        return value->set == (condition->op == CRM_OP_SET);
    if (!value->set)
        return condition->op == CRM_OP_NE;
    switch (oracle_shape(field->type)) {
    case SHAPE_INT:
        return ordered(condition->op,
                       (value->integer > condition->operand.integer) - (value->integer < condition->operand.integer));
    case SHAPE_REAL:
        return ordered(condition->op,
                       (value->real > condition->operand.real) - (value->real < condition->operand.real));
    case SHAPE_TEXT: return text_answers(condition, value->text);
    case SHAPE_REF:
        return (value->slot == condition->operand.slot && value->index == condition->operand.index) ==
               (condition->op == CRM_OP_EQ);
    default: return items_answer(field->type, value->items, condition);
    }
}

bool question_matches(const struct oracle *oracle, const struct question *question, uint32_t index)
{
    bool deleted = !oracle_lives(oracle, question->slot, index), right = true;
    if (question->deleted != CRM_DELETED_ALSO && deleted != (question->deleted == CRM_DELETED_ONLY))
        return false;
    for (uint32_t i = 0; i < question->count && right; i++) {
        const struct condition *condition = &question->conditions[i];
        right = answers(&oracle_kind(question->slot)->fields[condition->place],
                        answer_shown(oracle, question->slot, index, condition->place), condition);
    }
    return right;
}

/* ---- the expected rows ---- */

struct row {
    uint32_t index;
    bool set, descending;
    int shape;
    int64_t integer;
    double real;
    char text[TEXT_SIZE];
};

/* Without the field last; equal keys in order of creation, in a descending order the newest first. */
static int compare_rows(const void *a, const void *b)
{
    const struct row *one = a, *two = b;
    int compared = 0;
    if (one->set != two->set)
        return one->set ? -1 : 1;
    if (one->set && one->shape == SHAPE_TEXT)
        compared = strcmp(one->text, two->text);
    else if (one->set && one->shape == SHAPE_REAL)
        compared = (one->real > two->real) - (one->real < two->real);
    else if (one->set)
        compared = (one->integer > two->integer) - (one->integer < two->integer);
    if (compared == 0)
        compared = (one->index > two->index) - (one->index < two->index);
    return one->descending ? -compared : compared;
}

static struct row *expect(const struct oracle *oracle, const struct question *question, uint32_t *count)
{
    struct row *rows = calloc(oracle->sets[question->slot].count + 1, sizeof *rows);
    *count = 0;
    if (rows == NULL)
        abort();
    for (uint32_t i = 0; i < oracle->sets[question->slot].count; i++) {
        if (!question_matches(oracle, question, i))
            continue;
        struct row *row = &rows[(*count)++];
        *row = (struct row){.index = i, .descending = question->descending};
        if (question->order == UINT32_MAX)
            continue;
        const struct oracle_value *value = answer_shown(oracle, question->slot, i, question->order);
        row->set = value->set;
        row->shape = oracle_shape(oracle_kind(question->slot)->fields[question->order].type);
        if (value->set && row->shape == SHAPE_TEXT)
            fold(value->text, row->text, sizeof row->text);
        else if (value->set && row->shape == SHAPE_REAL)
            row->real = value->real;
        else if (value->set)
            row->integer = row->shape == SHAPE_REF ? value->index : value->integer;
    }
    qsort(rows, *count, sizeof *rows, compare_rows);
    return rows;
}

/* ---- asking ---- */

static void ask(const struct oracle *oracle, crm_query *query, const struct question *question,
                const struct condition *condition)
{
    const struct oracle_field *field = &oracle_kind(question->slot)->fields[condition->place];
    char text[40];
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET) {
        crm_query_where_int(query, field->number, condition->op, 0);
        return;
    }
    switch (field->type == CRM_TYPE_REFS ? SHAPE_REF : oracle_shape(field->type)) {
    case SHAPE_INT: crm_query_where_int(query, field->number, condition->op, condition->operand.integer); break;
    case SHAPE_REAL:
        snprintf(text, sizeof text, "%.17g", condition->operand.real);
        crm_query_where_text(query, field->number, condition->op, text, CRM_NUL);
        break;
    case SHAPE_REF: {
        enum oracle_slot slot = (enum oracle_slot)condition->operand.slot;
        crm_query_where_ref(query, field->number, condition->op, oracle_kind(slot)->number,
                            &oracle_record(oracle, slot, condition->operand.index)->id);
        break;
    }
    default: crm_query_where_text(query, field->number, condition->op, condition->text, CRM_NUL); break;
    }
}

crm_query *question_pose(const struct oracle *oracle, crm_view *view, const struct question *question)
{
    crm_query *query = NULL;
    if (crm_query_create(view, oracle_kind(question->slot)->number, &query, NULL) != CRM_OK)
        return NULL;
    for (uint32_t i = 0; i < question->count; i++)
        ask(oracle, query, question, &question->conditions[i]);
    if (question->order != UINT32_MAX)
        crm_query_order(query, oracle_kind(question->slot)->fields[question->order].number, question->descending);
    crm_query_deleted(query, question->deleted);
    return query;
}

static const char *unlike(const struct oracle *oracle, const struct question *question, crm_query *query, uint32_t row,
                          const char *what)
{
    const struct oracle_kind *kind = oracle_kind(question->slot);
    char text[300] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < question->count && used < sizeof text - 80; i++) {
        const struct condition *condition = &question->conditions[i];
        int added = snprintf(text + used, sizeof text - used, "; field %u op %d (%lld, %u, \"%.20s\")",
                             kind->fields[condition->place].number, condition->op,
                             (long long)condition->operand.integer, condition->operand.index, condition->text);
        used += added > 0 ? (size_t)added : 0;
    }
    return oracle_wrong(oracle, "a list of kind %u: row %u: %s%s; order %u%s, deleted %d [%s]", kind->number, row, what,
                        text, question->order == UINT32_MAX ? 0 : kind->fields[question->order].number,
                        question->descending ? " down" : "", question->deleted,
                        query == NULL ? "" : crm_query_explain(query));
}

/* The next rows, one by one or a page of them. */
static int32_t take(crm_query *query, struct choices *choices, crm_record **records, uint32_t *taken)
{
    enum { PAGE = 7 };
    if (choose(choices, 2) != 0)
        return crm_query_page(query, records, 1 + choose(choices, PAGE), taken, NULL);
    int32_t status = crm_query_next(query, &records[0], NULL);
    *taken = status == CRM_OK;
    return status == CRM_DONE ? CRM_OK : status;
}

/* Goes on with a query of its own behind the rows that were handed out. */
static crm_query *come_back(const struct oracle *oracle, crm_view *view, const struct question *question,
                            crm_query *query, uint32_t got)
{
    const char *cursor = crm_query_cursor(query);
    crm_query *next = cursor == NULL ? NULL : question_pose(oracle, view, question);
    if (next != NULL && crm_query_after(next, cursor, CRM_NUL) == CRM_OK)
        crm_query_limit(next, question->limit == UINT64_MAX ? UINT64_MAX : question->limit - got);
    crm_query_free(query);
    return next;
}

static const char *check_rows(const struct oracle *oracle, crm_view *view, const struct question *question,
                              struct choices *choices, const struct row *rows, uint32_t count)
{
    crm_record *records[8];
    crm_query *query = question_pose(oracle, view, question);
    const char *wrong = NULL;
    uint32_t got = 0, taken = 1;
    if (query != NULL)
        crm_query_limit(query, question->limit);
    while (wrong == NULL && query != NULL && taken > 0) {
        int32_t status = take(query, choices, records, &taken);
        if (status != CRM_OK)
            wrong = oracle_failed(oracle, status, "crm_query_next");
        for (uint32_t i = 0; wrong == NULL && i < taken; i++, got++)
            if (got >= count)
                wrong = unlike(oracle, question, query, got, "there should be no such row");
            else if (!answer_is(oracle, records[i], question->slot, rows[got].index))
                wrong = unlike(oracle, question, query, got, "it is another record");
        if (wrong == NULL && taken > 0 && got > 0 && choose(choices, 16) == 15)
            query = come_back(oracle, view, question, query, got);
    }
    if (wrong == NULL && query == NULL)
        wrong = unlike(oracle, question, NULL, got, "the query cannot be made");
    if (wrong == NULL && got != count)
        wrong = unlike(oracle, question, query, got, "it is missing");
    crm_query_free(query);
    return wrong;
}

static const char *check_count(const struct oracle *oracle, crm_view *view, const struct question *question,
                               uint32_t count)
{
    crm_query *query = question_pose(oracle, view, question);
    uint64_t counted = UINT64_MAX;
    crm_error error = {.message = "the query cannot be made"};
    int32_t status = query == NULL ? CRM_NOMEM : crm_query_count(query, &counted, &error);
    const char *wrong = NULL;
    if (status != CRM_OK) {
        (void)unlike(oracle, question, query, 0, error.message);
        wrong = oracle_note_status(oracle, status);
    } else if (counted != count)
        wrong = unlike(oracle, question, query, (uint32_t)counted, "so many are counted");
    crm_query_free(query);
    return wrong;
}

/* ---- which questions ---- */

/* Texts of prose are not folded here. */
static bool is_simple(enum oracle_slot slot, const struct oracle_field *field)
{
    bool prose =
        (slot == SLOT_CUSTOMER && (field->number == CRM_CUSTOMER_DESCRIPTION || field->number == CRM_CUSTOMER_DOMAIN ||
                                   field->number == CRM_USER_FIELD + 1)) ||
        (slot == SLOT_INTERACTION && field->number == CRM_INTERACTION_BODY);
    return !prose;
}

static int32_t choose_op(const struct oracle_field *field, struct choices *choices, bool simple)
{
    static const int32_t scalar[] = {CRM_OP_EQ, CRM_OP_EQ, CRM_OP_NE,  CRM_OP_LT,     CRM_OP_LE,
                                     CRM_OP_GT, CRM_OP_GE, CRM_OP_SET, CRM_OP_NOT_SET};
    static const int32_t text[] = {CRM_OP_EQ, CRM_OP_PREFIX, CRM_OP_CONTAINS, CRM_OP_NE,
                                   CRM_OP_LT, CRM_OP_GE,     CRM_OP_SET};
    static const int32_t other[] = {CRM_OP_EQ, CRM_OP_EQ, CRM_OP_NE, CRM_OP_SET, CRM_OP_NOT_SET};
    int shape = oracle_shape(field->type);
    if (!simple)
        return choose(choices, 2) == 0 ? CRM_OP_SET : CRM_OP_NOT_SET;
    if (shape == SHAPE_TEXT)
        return text[choose(choices, 7)];
    return shape == SHAPE_INT || shape == SHAPE_REAL ? scalar[choose(choices, 9)] : other[choose(choices, 5)];
}

/* A piece of a text, where the operator takes one. */
static void cut_text(struct condition *condition, const char *text, struct choices *choices)
{
    size_t length = strlen(text), from = 0;
    bool plain = true;
    for (size_t i = 0; i < length; i++)
        plain &= (unsigned char)text[i] < 0x80;
    if (plain && condition->op == CRM_OP_CONTAINS)
        from = choose(choices, (uint32_t)length);
    if (plain && (condition->op == CRM_OP_CONTAINS || condition->op == CRM_OP_PREFIX))
        length = 1 + choose(choices, (uint32_t)(length - from));
    else
        length -= from;
    snprintf(condition->text, sizeof condition->text, "%.*s", (int)length, text + from);
}

static void choose_condition(const struct oracle *oracle, enum oracle_slot slot, struct choices *choices,
                             struct condition *condition)
{
    const struct oracle_kind *kind = oracle_kind(slot);
    condition->place = choose(choices, kind->field_count);
    const struct oracle_field *field = &kind->fields[condition->place];
    condition->op = choose_op(field, choices, is_simple(slot, field));
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
        return;
    const struct oracle_value *value =
        answer_shown(oracle, slot, choose(choices, oracle->sets[slot].count), condition->place);
    int shape = oracle_shape(field->type);
    if (!value->set ||
        (shape == SHAPE_REF && !oracle_record(oracle, (enum oracle_slot)value->slot, value->index)->identified)) {
        condition->op = CRM_OP_NOT_SET;
    } else if (shape == SHAPE_TEXT) {
        cut_text(condition, value->text, choices);
    } else if (shape == SHAPE_ITEMS) {
        const struct oracle_item *item = &value->items->list[choose(choices, value->items->count)];
        condition->operand = (struct oracle_value){.set = true, .slot = item->slot, .index = item->index};
        snprintf(condition->text, sizeof condition->text, "%s", item->value == NULL ? "" : item->value);
    } else {
        condition->operand = *value;
        if (shape == SHAPE_INT && field->type != CRM_TYPE_BOOL && field->type != CRM_TYPE_CHOICE)
            condition->operand.integer += (int64_t)choose(choices, 3) - 1;
    }
}

bool question_has(const struct oracle *oracle, enum oracle_slot slot, uint32_t place)
{
    const struct oracle_field *field = &oracle_kind(slot)->fields[place];
    return (field->flags & IS_OWN) == 0 || field->number < CRM_USER_FIELD + oracle_defined(oracle, slot);
}

void question_conditions(const struct oracle *oracle, struct choices *choices, struct question *question)
{
    for (uint32_t wanted = choose(choices, CONDITIONS_MAX + 1); wanted > 0; wanted--) {
        choose_condition(oracle, question->slot, choices, &question->conditions[question->count]);
        question->count += question_has(oracle, question->slot, question->conditions[question->count].place);
    }
    if (choose(choices, 4) == 3)
        question->deleted = 1 + (int32_t)choose(choices, 2);
}

const char *answer_question(const struct oracle *oracle, crm_view *view, struct choices *choices)
{
    struct question question = {.slot = (enum oracle_slot)choose(choices, SLOT_COUNT), .order = UINT32_MAX};
    uint32_t count;
    question.limit = choose(choices, 4) == 3 ? choose(choices, 30) : UINT64_MAX;
    if (oracle->sets[question.slot].count == 0)
        return NULL;
    question_conditions(oracle, choices, &question);
    if (choose(choices, 2) != 0) {
        uint32_t order = choose(choices, oracle_kind(question.slot)->field_count);
        const struct oracle_field *field = &oracle_kind(question.slot)->fields[order];
        int shape = oracle_shape(field->type);
        if (question_has(oracle, question.slot, order) && is_simple(question.slot, field) && shape != SHAPE_ITEMS &&
            shape != SHAPE_REF) {
            question.order = order;
            question.descending = choose(choices, 2) != 0;
        }
    }
    struct row *rows = expect(oracle, &question, &count);
    const char *wrong = check_count(oracle, view, &question, count);
    if (wrong == NULL && question.limit < count)
        count = (uint32_t)question.limit;
    if (wrong == NULL)
        wrong = check_rows(oracle, view, &question, choices, rows, count);
    free(rows);
    return wrong;
}
