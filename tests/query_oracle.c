/* query_oracle: see query_oracle.h.  Uses the public interface alone. */
#include "query_oracle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAGS = 5, CHOICES = 4, CONDITIONS_MAX = 4, OPERANDS_MAX = 3, THINGS_MAX = 400 };
static const char *const tags[TAGS] = {"red", "Green", "BLUE", "ch", "d"};
static const char *const choices[CHOICES] = {"one", "two", "three", "four"};

uint32_t things_below(struct things *things, uint32_t limit)
{
    things->seed = things->seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)things->seed * limit >> 32);
}

/* ---- the database and its model ---- */

static void fail_with(const crm_error *error, const char *what)
{
    ck_abort_msg("%s: %s", what, error->message);
}

static void open_file(struct things *things)
{
    crm_error error;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_IMAGE, things->image);
    crm_options_set_int(options, CRM_OPTION_NOW, things->now);
    if (crm_open(things->path, options, &things->db, &error) != CRM_OK)
        fail_with(&error, "open");
    crm_options_free(options);
}

static struct things_state copy_of(const struct things_state *state)
{
    struct things_state copy = {state->count, malloc((state->count + 1) * sizeof *copy.things)};
    ck_assert_ptr_nonnull(copy.things);
    if (state->count > 0)
        memcpy(copy.things, state->things, state->count * sizeof *copy.things);
    return copy;
}

static void remember(struct things *things, uint64_t lsn)
{
    while (things->past_capacity <= lsn) {
        uint64_t wanted = things->past_capacity == 0 ? 64 : things->past_capacity * 2;
        things->past = realloc(things->past, wanted * sizeof *things->past);
        ck_assert_ptr_nonnull(things->past);
        memset(things->past + things->past_capacity, 0, (wanted - things->past_capacity) * sizeof *things->past);
        things->past_capacity = wanted;
    }
    things->past[lsn] = copy_of(&things->state);
    things->lsn = lsn;
}

const struct things_state *things_at(const struct things *things, uint64_t lsn)
{
    ck_assert_uint_le(lsn, things->lsn);
    return &things->past[lsn];
}

struct definition {
    const char *name;
    int32_t type;
    uint32_t flags;
};
static const struct definition definitions[THING_FIELDS] = {
    [THING_INT_INDEXED] = {"int_indexed", CRM_TYPE_INT, CRM_FLAG_INDEXED},
    [THING_INT_HOT] = {"int_hot", CRM_TYPE_INT, CRM_FLAG_HOT},
    [THING_INT] = {"int_plain", CRM_TYPE_INT, 0},
    [THING_TEXT_INDEXED] = {"text_indexed", CRM_TYPE_TEXT, CRM_FLAG_INDEXED},
    [THING_TEXT] = {"text_plain", CRM_TYPE_TEXT, 0},
    [THING_CHOICE] = {"choice", CRM_TYPE_CHOICE, CRM_FLAG_INDEXED | CRM_FLAG_HOT},
    [THING_REAL] = {"real_indexed", CRM_TYPE_REAL, CRM_FLAG_INDEXED | CRM_FLAG_HOT},
    [THING_REAL_PLAIN] = {"real_plain", CRM_TYPE_REAL, 0},
    [THING_DATE] = {"date", CRM_TYPE_DATE, CRM_FLAG_INDEXED | CRM_FLAG_HOT},
    [THING_TIME] = {"time", CRM_TYPE_TIME, CRM_FLAG_INDEXED},
    [THING_BOOL] = {"bool", CRM_TYPE_BOOL, CRM_FLAG_HOT},
    [THING_MONEY] = {"money", CRM_TYPE_MONEY, CRM_FLAG_INDEXED},
    [THING_REF_INDEXED] = {"ref_indexed", CRM_TYPE_REF, CRM_FLAG_INDEXED},
    [THING_REF_HOT] = {"ref_hot", CRM_TYPE_REF, CRM_FLAG_HOT},
    [THING_TAGS] = {"labels", CRM_TYPE_TAGS, CRM_FLAG_INDEXED},
    [THING_UNIQUE] = {"code", CRM_TYPE_TEXT, CRM_FLAG_UNIQUE},
};

static void commit(struct things *things, crm_txn *txn)
{
    crm_error error;
    uint64_t lsn = 0;
    if (crm_commit(txn, &lsn, &error) != CRM_OK)
        fail_with(&error, "commit");
    if (lsn > things->lsn)
        remember(things, lsn);
}

static crm_txn *begin(struct things *things)
{
    crm_error error;
    crm_txn *txn = NULL;
    things->now += 1000000;
    crm_set_now(things->db, things->now);
    if (crm_begin(things->db, &txn, &error) != CRM_OK)
        fail_with(&error, "begin");
    things->txn = txn;
    return txn;
}

void things_open(struct things *things, uint32_t seed, bool image)
{
    char folder[] = "/tmp/crm-query-XXXXXX";
    memset(things, 0, sizeof *things);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(things->path, sizeof things->path, "%s/t.crm", folder);
    things->seed = seed * 2654435761u + 1;
    things->image = image;
    things->now = INT64_C(1700000000000000);
    open_file(things);
    remember(things, 0);
    remember(things, crm_lsn(things->db));
    crm_txn *txn = begin(things);
    crm_kind_add(txn, "thing", CRM_NUL, &things->kind);
    for (int f = 0; f < THING_FIELDS; f++) {
        const struct definition *definition = &definitions[f];
        uint32_t target = definition->type == CRM_TYPE_REF ? things->kind : 0;
        ck_assert_int_eq(crm_field_add(txn, things->kind, definition->name, CRM_NUL, definition->type,
                                       definition->flags, target, &things->fields[f]),
                         CRM_OK);
    }
    for (int i = 0; i < CHOICES; i++)
        crm_choice_add(txn, things->kind, things->fields[THING_CHOICE], choices[i], CRM_NUL, NULL);
    things->fields[THING_CREATED] = CRM_FIELD_CREATED_AT;
    things->fields[THING_VERSION] = CRM_FIELD_VERSION;
    commit(things, txn);
}

void things_reopen(struct things *things)
{
    ck_assert_int_eq(crm_close(things->db), CRM_OK);
    open_file(things);
    ck_assert_uint_eq(crm_lsn(things->db), things->lsn);
}

void things_close(struct things *things)
{
    char beside[80];
    ck_assert_int_eq(crm_close(things->db), CRM_OK);
    for (uint64_t lsn = 0; lsn <= things->lsn; lsn++)
        free(things->past[lsn].things);
    free(things->past);
    free(things->state.things);
    snprintf(beside, sizeof beside, "%s-index", things->path);
    unlink(things->path);
    unlink(beside);
    *strrchr(things->path, '/') = 0;
    rmdir(things->path);
}

/* ---- random values ---- */

static void random_word(struct things *things, char *out)
{
    static const char letters[] = "bcdBCD";
    uint32_t length = 1 + things_below(things, 3);
    for (uint32_t i = 0; i < length; i++)
        out[i] = letters[things_below(things, 6)];
    out[length] = 0;
}

static struct thing_cell random_value(struct things *things, int field)
{
    struct thing_cell cell = {.set = true};
    switch (field) {
    case THING_TEXT_INDEXED:
    case THING_TEXT: random_word(things, cell.text); break;
    case THING_UNIQUE: snprintf(cell.text, sizeof cell.text, "U%u", things_below(things, 5 * THINGS_MAX)); break;
    case THING_CHOICE: cell.integer = 1 + things_below(things, CHOICES); break;
    case THING_BOOL: cell.integer = things_below(things, 2); break;
    case THING_REAL:
    case THING_REAL_PLAIN: cell.real = (double)things_below(things, 9) / 4 - 1; break;
    case THING_TAGS: cell.integer = 1 + things_below(things, (1 << TAGS) - 1); break;
    case THING_REF_INDEXED:
    case THING_REF_HOT:
        cell.set = things->state.count > 0;
        cell.integer = cell.set ? things_below(things, things->state.count < 20 ? things->state.count : 20) : 0;
        break;
    case THING_CREATED: cell.integer = things->now - (int64_t)things_below(things, 60) * 1000000; break;
    case THING_VERSION: cell.integer = 1 + things_below(things, 5); break;
    default: cell.integer = (int64_t)things_below(things, 12) - 4; break;
    }
    return cell;
}

static void set_value(struct things *things, crm_record *record, int field, const struct thing_cell *cell)
{
    uint32_t number = things->fields[field];
    char list[64] = "";
    int32_t status;
    if (!cell->set) {
        status = crm_set_null(record, number);
    } else if (definitions[field].type == CRM_TYPE_TEXT) {
        status = crm_set_text(record, number, cell->text, CRM_NUL);
    } else if (definitions[field].type == CRM_TYPE_REAL) {
        status = crm_set_real(record, number, cell->real);
    } else if (definitions[field].type == CRM_TYPE_REF) {
        status = crm_set_ref(record, number, things->kind, &things->state.things[cell->integer].id);
    } else if (definitions[field].type == CRM_TYPE_TAGS) {
        for (int i = 0; i < TAGS; i++)
            if (cell->integer >> i & 1)
                snprintf(list + strlen(list), sizeof list - strlen(list), "%s;", tags[i]);
        status = crm_set_parsed(record, number, list, CRM_NUL);
    } else {
        status = crm_set_int(record, number, cell->integer);
    }
    crm_error error = {0};
    if (status != CRM_OK)
        crm_txn_status(things->txn, &error);
    ck_assert_msg(status == CRM_OK, "%s cannot be set: %s", definitions[field].name, error.message);
}

/* ---- changes ---- */

static bool same(int field, const struct thing_cell *a, const struct thing_cell *b)
{
    if (!a->set || !b->set)
        return a->set == b->set;
    if (definitions[field].type == CRM_TYPE_TEXT)
        return strcmp(a->text, b->text) == 0;
    return definitions[field].type == CRM_TYPE_REAL ? a->real == b->real : a->integer == b->integer;
}

/* Whether the value may be set now: unique among live things, and its target not deleted. */
static bool allowed(const struct things *things, int field, const struct thing_cell *cell)
{
    if (!cell->set)
        return true;
    if (definitions[field].type == CRM_TYPE_REF)
        return !things->state.things[cell->integer].deleted;
    for (uint32_t i = 0; field == THING_UNIQUE && i < things->state.count; i++) {
        const struct thing_cell *other = &things->state.things[i].cells[field];
        if (other->set && strcmp(other->text, cell->text) == 0)
            return false; /* also of a deleted one, so that it can be restored */
    }
    return true;
}

static void change_fields(struct things *things, crm_record *record, struct thing *thing)
{
    for (uint32_t n = 1 + things_below(things, 6); n > 0; n--) {
        int field = (int)things_below(things, THING_FIELDS);
        struct thing_cell cell = random_value(things, field);
        if (things_below(things, 5) == 0)
            cell.set = false;
        if (!allowed(things, field, &cell))
            continue;
        set_value(things, record, field, &cell);
        thing->cells[field] = cell;
    }
}

static void create_thing(struct things *things, crm_txn *txn)
{
    if (things->state.count == THINGS_MAX)
        return;
    things->state.things = realloc(things->state.things, (things->state.count + 1) * sizeof *things->state.things);
    ck_assert_ptr_nonnull(things->state.things);
    struct thing *thing = &things->state.things[things->state.count];
    memset(thing, 0, sizeof *thing);
    crm_record *record = crm_create(txn, things->kind);
    ck_assert_ptr_nonnull(record);
    crm_record_id(record, &thing->id);
    thing->created = things->now;
    thing->version = 1;
    change_fields(things, record, thing);
    things->state.count++;
    ck_assert_int_eq(crm_txn_status(txn, NULL), CRM_OK); /* finished: what follows is another version */
}

/* The version that there would be: equal states make none. */
static void edit_thing(struct things *things, crm_txn *txn, struct thing *thing)
{
    crm_record *record = crm_edit(txn, things->kind, &thing->id);
    ck_assert_ptr_nonnull(record);
    if (thing->deleted || things_below(things, 6) == 0) {
        ck_assert_int_eq(thing->deleted ? crm_restore(record) : crm_delete(record), CRM_OK);
        thing->deleted = !thing->deleted;
        thing->version++;
    } else {
        struct thing before = *thing;
        change_fields(things, record, thing);
        bool changed = false;
        for (int f = 0; f < THING_FIELDS; f++)
            changed = changed || !same(f, &before.cells[f], &thing->cells[f]);
        thing->version += changed;
    }
    ck_assert_int_eq(crm_txn_status(txn, NULL), CRM_OK);
}

void things_change(struct things *things, uint32_t changes)
{
    struct things_state before = copy_of(&things->state);
    crm_txn *txn = begin(things);
    for (uint32_t i = 0; i < changes; i++) {
        if (things->state.count == 0 || things_below(things, 3) == 0)
            create_thing(things, txn);
        else
            edit_thing(things, txn, &things->state.things[things_below(things, things->state.count)]);
        if (things_below(things, 8) == 0)
            things_query(things, crm_txn_view(txn), &things->state);
        crm_view *old = things->views[things_below(things, THING_VIEWS)];
        if (old != NULL && things_below(things, 4) == 0) /* sees nothing of what is going on */
            things_query(things, old, things_at(things, crm_view_lsn(old)));
    }
    if (things_below(things, 5) == 0) {
        crm_rollback(txn);
        free(things->state.things);
        things->state = before;
        return;
    }
    free(before.things);
    commit(things, txn);
}

/* ---- conditions ---- */

struct condition {
    int field;
    int32_t op;
    struct thing_cell operands[OPERANDS_MAX];
    uint32_t count;
};

struct question {
    struct condition conditions[CONDITIONS_MAX];
    uint32_t condition_count;
    int order; /* -1: by creation */
    bool descending;
    int32_t deleted;
    uint64_t limit;
};

static int type_of(int field)
{
    return field == THING_CREATED ? CRM_TYPE_TIME : field == THING_VERSION ? CRM_TYPE_INT : definitions[field].type;
}

static void fold(char *text)
{
    for (; *text != 0; text++)
        *text = *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
}

static struct thing_cell cell_of(const struct thing *thing, int field)
{
    if (field == THING_CREATED)
        return (struct thing_cell){.set = true, .integer = thing->created};
    if (field == THING_VERSION)
        return (struct thing_cell){.set = true, .integer = thing->version};
    struct thing_cell cell = thing->cells[field];
    fold(cell.text);
    return cell;
}

static int compare_cells(int field, const struct thing_cell *a, const struct thing_cell *b)
{
    if (type_of(field) == CRM_TYPE_TEXT)
        return strcmp(a->text, b->text);
    if (type_of(field) == CRM_TYPE_REAL)
        return (a->real > b->real) - (a->real < b->real);
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static bool one_answers(const struct condition *condition, const struct thing_cell *cell, struct thing_cell operand)
{
    char tag[16];
    fold(operand.text);
    if (type_of(condition->field) == CRM_TYPE_TAGS) {
        for (int i = 0; i < TAGS; i++) {
            snprintf(tag, sizeof tag, "%s", tags[i]);
            fold(tag);
            bool alike =
                condition->op == CRM_OP_CONTAINS ? strstr(tag, operand.text) != NULL : strcmp(tag, operand.text) == 0;
            if ((cell->integer >> i & 1) && alike)
                return condition->op != CRM_OP_NE;
        }
        return condition->op == CRM_OP_NE;
    }
    int compared = compare_cells(condition->field, cell, &operand);
    switch (condition->op) {
    case CRM_OP_EQ:
    case CRM_OP_IN: return compared == 0;
    case CRM_OP_NE: return compared != 0;
    case CRM_OP_LT: return compared < 0;
    case CRM_OP_LE: return compared <= 0;
    case CRM_OP_GT: return compared > 0;
    case CRM_OP_GE: return compared >= 0;
    case CRM_OP_PREFIX: return strncmp(cell->text, operand.text, strlen(operand.text)) == 0;
    default: return strstr(cell->text, operand.text) != NULL;
    }
}

static bool answers(const struct condition *condition, const struct thing *thing)
{
    struct thing_cell cell = cell_of(thing, condition->field);
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
        return cell.set == (condition->op == CRM_OP_SET);
    if (!cell.set)
        return condition->op == CRM_OP_NE;
    for (uint32_t i = 0; i < condition->count; i++)
        if (one_answers(condition, &cell, condition->operands[i]))
            return true;
    return false;
}

static bool matches(const struct question *question, const struct thing *thing)
{
    if (question->deleted == CRM_DELETED_NO ? thing->deleted : question->deleted == CRM_DELETED_ONLY && !thing->deleted)
        return false;
    for (uint32_t i = 0; i < question->condition_count; i++)
        if (!answers(&question->conditions[i], thing))
            return false;
    return true;
}

static int32_t random_op(struct things *things, int type)
{
    static const int32_t scalar[] = {CRM_OP_EQ, CRM_OP_NE, CRM_OP_LT,  CRM_OP_LE,     CRM_OP_GT,
                                     CRM_OP_GE, CRM_OP_IN, CRM_OP_SET, CRM_OP_NOT_SET};
    static const int32_t text[] = {CRM_OP_PREFIX, CRM_OP_CONTAINS, CRM_OP_EQ, CRM_OP_LT, CRM_OP_LE,
                                   CRM_OP_GT,     CRM_OP_GE,       CRM_OP_IN, CRM_OP_NE, CRM_OP_SET};
    static const int32_t ref[] = {CRM_OP_EQ, CRM_OP_NE, CRM_OP_IN, CRM_OP_SET, CRM_OP_NOT_SET, CRM_OP_EQ};
    static const int32_t list[] = {CRM_OP_EQ, CRM_OP_NE, CRM_OP_IN, CRM_OP_SET, CRM_OP_NOT_SET, CRM_OP_CONTAINS};
    switch (type) {
    case CRM_TYPE_TEXT: return text[things_below(things, 10)];
    case CRM_TYPE_REF: return ref[things_below(things, 6)];
    case CRM_TYPE_TAGS: return list[things_below(things, 6)];
    default: return scalar[things_below(things, 9)];
    }
}

static struct condition random_condition(struct things *things, const struct things_state *state, int field)
{
    struct condition condition = {.field = field};
    int type = type_of(condition.field);
    if (type == CRM_TYPE_REF && state->count == 0)
        condition.field = THING_INT, type = CRM_TYPE_INT;
    condition.op = random_op(things, type);
    condition.count = condition.op == CRM_OP_IN ? 1 + things_below(things, OPERANDS_MAX) : 1;
    for (uint32_t i = 0; i < condition.count; i++) {
        struct thing_cell *operand = &condition.operands[i];
        *operand = random_value(things, condition.field);
        if (type == CRM_TYPE_TAGS)
            snprintf(operand->text, sizeof operand->text, "%s", tags[things_below(things, TAGS)]);
        if (type == CRM_TYPE_REF)
            operand->integer = things_below(things, state->count < 20 ? state->count : 20);
    }
    return condition;
}

static void ask(struct things *things, crm_query *query, const struct condition *condition,
                const struct things_state *state)
{
    uint32_t field = things->fields[condition->field];
    char text[40];
    for (uint32_t i = 0; i < condition->count; i++) {
        const struct thing_cell *operand = &condition->operands[i];
        switch (type_of(condition->field)) {
        case CRM_TYPE_TEXT:
        case CRM_TYPE_TAGS: crm_query_where_text(query, field, condition->op, operand->text, CRM_NUL); break;
        case CRM_TYPE_REAL:
            snprintf(text, sizeof text, "%.17g", operand->real);
            crm_query_where_text(query, field, condition->op, text, CRM_NUL);
            break;
        case CRM_TYPE_REF:
            if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
                crm_query_where_int(query, field, condition->op, 0);
            else
                crm_query_where_ref(query, field, condition->op, things->kind, &state->things[operand->integer].id);
            break;
        default: crm_query_where_int(query, field, condition->op, operand->integer); break;
        }
    }
}

/* ---- questions ---- */

static struct question random_question(struct things *things, const struct things_state *state)
{
    struct question question = {.order = -1, .limit = UINT64_MAX};
    question.condition_count = things_below(things, CONDITIONS_MAX);
    bool has_in[THING_COLUMNS] = {false};
    for (uint32_t i = 0; i < question.condition_count; i++) {
        struct condition *condition = &question.conditions[i];
        bool again = i > 0 && things_below(things, 3) == 0; /* a range has two ends */
        *condition =
            random_condition(things, state, again ? condition[-1].field : (int)things_below(things, THING_COLUMNS));
        if (condition->op == CRM_OP_IN && has_in[condition->field]) /* would join the one before */
            condition->op = CRM_OP_SET, condition->count = 1;
        has_in[condition->field] = has_in[condition->field] || condition->op == CRM_OP_IN;
    }
    if (things_below(things, 3) > 0) {
        question.order = (int)things_below(things, THING_COLUMNS);
        if (question.order == THING_TAGS)
            question.order = THING_INT_INDEXED;
        question.descending = things_below(things, 2) == 0;
    }
    if (things_below(things, 4) == 0)
        question.deleted = 1 + (int32_t)things_below(things, 2);
    if (things_below(things, 4) == 0)
        question.limit = things_below(things, 30);
    return question;
}

static crm_query *pose(struct things *things, crm_view *view, const struct question *question,
                       const struct things_state *state)
{
    crm_query *query = NULL;
    ck_assert_int_eq(crm_query_create(view, things->kind, &query, NULL), CRM_OK);
    for (uint32_t i = 0; i < question->condition_count; i++)
        ask(things, query, &question->conditions[i], state);
    if (question->order >= 0)
        crm_query_order(query, things->fields[question->order], question->descending);
    crm_query_deleted(query, question->deleted);
    return query;
}

static bool before(const struct question *question, const struct things_state *state, uint32_t a, uint32_t b)
{
    bool way = question->descending;
    if (question->order >= 0) {
        struct thing_cell one = cell_of(&state->things[a], question->order);
        struct thing_cell two = cell_of(&state->things[b], question->order);
        if (one.set != two.set)
            return one.set;
        int compared = one.set ? compare_cells(question->order, &one, &two) : 0;
        if (compared != 0)
            return (compared < 0) != way;
    }
    return (a < b) != way;
}

static uint32_t expect(const struct question *question, const struct things_state *state, uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        if (!matches(question, &state->things[i]))
            continue;
        uint32_t at = count++;
        for (; at > 0 && before(question, state, i, rows[at - 1]); at--)
            rows[at] = rows[at - 1];
        rows[at] = i;
    }
    return count;
}

static const char *describe(const struct things *things, const struct question *question, crm_query *query)
{
    static char text[1000];
    int used = snprintf(text, sizeof text, "order %s%s, deleted %d, limit %lld;",
                        question->order < 0 ? "none"
                                            : crm_field_name(things->db, things->kind, things->fields[question->order]),
                        question->descending ? " descending" : "", question->deleted, (long long)question->limit);
    for (uint32_t i = 0; i < question->condition_count; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, " %s op %d (%u: %lld %g \"%s\")",
                         crm_field_name(things->db, things->kind, things->fields[question->conditions[i].field]),
                         question->conditions[i].op, question->conditions[i].count,
                         (long long)question->conditions[i].operands[0].integer,
                         question->conditions[i].operands[0].real, question->conditions[i].operands[0].text);
    snprintf(text + used, sizeof text - (size_t)used, " [%s]", crm_query_explain(query));
    return text;
}

static void check_row(struct things *things, const struct question *question, crm_query *query,
                      const struct things_state *state, crm_record *record, uint32_t got, const uint32_t *rows,
                      uint32_t count)
{
    crm_id id;
    char found[37], sought[37] = "nothing";
    crm_record_id(record, &id);
    crm_id_format(&id, found);
    uint32_t at = UINT32_MAX;
    for (uint32_t i = 0; i < state->count; i++)
        if (memcmp(&state->things[i].id, &id, sizeof id) == 0)
            at = i;
    if (got < count)
        crm_id_format(&state->things[rows[got]].id, sought);
    ck_assert_msg(got < count && at == rows[got], "row %u of %u: thing %u (%s), expected %u (%s); %s", got, count, at,
                  found, got < count ? rows[got] : UINT32_MAX, sought, describe(things, question, query));
    const struct thing *thing = &state->things[at];
    ck_assert_int_eq(crm_record_deleted(record), thing->deleted);
    ck_assert_int_eq(crm_record_status(record), CRM_OK);
    ck_assert_int_eq((int64_t)crm_record_version(record), thing->version);
    ck_assert_int_eq(crm_int(record, things->fields[THING_INT]),
                     thing->cells[THING_INT].set ? thing->cells[THING_INT].integer : 0);
    ck_assert_str_eq(
        crm_text(record, things->fields[THING_TEXT], NULL),
        thing->cells[THING_TEXT].text[0] != 0 && thing->cells[THING_TEXT].set ? thing->cells[THING_TEXT].text : "");
}

static void check_count(struct things *things, const struct question *question, crm_query *query, uint32_t count)
{
    crm_error error;
    uint64_t counted = UINT64_MAX;
    if (crm_query_count(query, &counted, &error) != CRM_OK)
        fail_with(&error, "count");
    ck_assert_msg(counted == count, "counted %llu of %u; %s", (unsigned long long)counted, count,
                  describe(things, question, query));
}

/* Takes the rows, now one by one, now by pages, now leaving and coming back with a cursor. */
static void check_rows(struct things *things, crm_view *view, const struct question *question,
                       const struct things_state *state, const uint32_t *rows, uint32_t matching)
{
    crm_error error;
    uint32_t count = question->limit < matching ? (uint32_t)question->limit : matching, got = 0;
    crm_query *query = pose(things, view, question, state);
    crm_query_limit(query, question->limit);
    for (bool more = true; more;) {
        crm_record *records[7];
        uint32_t taken = 0;
        int32_t status;
        if (things_below(things, 2) == 0) {
            status = crm_query_next(query, &records[0], &error);
            taken = status == CRM_OK;
            more = status != CRM_DONE;
            status = status == CRM_DONE ? CRM_OK : status;
        } else {
            status = crm_query_page(query, records, 1 + things_below(things, 7), &taken, &error);
            more = taken > 0;
        }
        if (status != CRM_OK)
            fail_with(&error, describe(things, question, query));
        for (uint32_t i = 0; i < taken; i++)
            check_row(things, question, query, state, records[i], got++, rows, count);
        if (things_below(things, 12) == 0)
            check_count(things, question, query, matching);
        if (got > 0 && more && things_below(things, 6) == 0) {
            char *cursor = strdup(crm_query_cursor(query));
            ck_assert_ptr_nonnull(cursor);
            crm_query_free(query);
            query = pose(things, view, question, state);
            ck_assert_int_eq(crm_query_after(query, cursor, CRM_NUL), CRM_OK);
            crm_query_limit(query, question->limit == UINT64_MAX ? UINT64_MAX : question->limit - got);
            free(cursor);
        }
    }
    ck_assert_msg(got == count, "%u rows of %u; %s", got, count, describe(things, question, query));
    crm_query_free(query);
}

void things_query(struct things *things, crm_view *view, const struct things_state *state)
{
    uint32_t rows[THINGS_MAX];
    struct question question = random_question(things, state);
    uint32_t count = expect(&question, state, rows);
    crm_query *query = pose(things, view, &question, state);
    check_count(things, &question, query, count);
    crm_query_free(query);
    check_rows(things, view, &question, state, rows, count);
}
