/* import_plan: which column goes to which field, decided once.
 *
 * For CSV all columns are known before the first row; the keys of JSON Lines
 * turn up as they come, so the plan can grow.
 */
#include "io/import.h"

#include "io/expression_operation.h"

#include <stdlib.h>
#include <string.h>

/* What must be known before other fields can be read: money needs its
 * currency, a deal's stage its pipeline. */
static uint32_t order_of(const struct mapping_field *field)
{
    if (field->type == CRM_TYPE_CURRENCY)
        return 0;
    return field->kind == CRM_KIND_OPPORTUNITY && field->number == CRM_OPPORTUNITY_PIPELINE ? 1 : 2;
}

static int32_t add_item(struct crm_import *import, const struct mapping_assignment *assignment)
{
    struct import_plan *plan = &import->plan;
    void *array = plan->items;
    if (!memory_grow(import->memory, &array, &plan->item_capacity, plan->item_count + 1, sizeof *plan->items))
        return import_nomem(import);
    plan->items = array;
    plan->items[plan->item_count] = (struct import_item){.assignment = *assignment,
                                                         .order = order_of(&assignment->field),
                                                         .number = (uint32_t)plan->item_count,
                                                         .cell = EXPRESSION_NONE};
    plan->item_count++;
    return CRM_OK;
}

static int compare_items(const void *left, const void *right)
{
    const struct import_item *a = left, *b = right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->assignment.field.number != b->assignment.field.number)
        return a->assignment.field.number < b->assignment.field.number ? -1 : 1;
    if (a->assignment.field.part != b->assignment.field.part)
        return a->assignment.field.part < b->assignment.field.part ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Puts the items in the order in which they are read and finds the one that
 * records are matched by. */
static int32_t arrange(struct crm_import *import)
{
    struct import_plan *plan = &import->plan;
    const struct expressions *expressions = &import->mapping.expressions;
    if (plan->item_count > 0)
        qsort(plan->items, plan->item_count, sizeof *plan->items, compare_items);
    bool has_id = false;
    for (size_t i = 0; i < plan->item_count; i++)
        has_id = has_id || plan->items[i].assignment.field.type == CRM_TYPE_ID;
    if (import->match == NULL && has_id)
        mapping_find_field(import->db, import->kind, "id", 2, &import->match_field);
    for (size_t i = 0; i < plan->item_count; i++) {
        struct import_item *item = &plan->items[i];
        const struct mapping_field *field = &item->assignment.field;
        const struct mapping_field *before = i == 0 ? NULL : &plan->items[i - 1].assignment.field;
        bool same = before != NULL && before->number == field->number;
        item->alternative = same && before->part == field->part;
        item->match = field->number == import->match_field.number && field->part == 0;
        if (same && !item->alternative && before->part == 0)
            return import_fail(import, CRM_INVALID, "'%s' is given as a whole and in parts: choose one", field->name);
        uint32_t value = item->assignment.value;
        if (value != EXPRESSION_NONE && item->assignment.when == EXPRESSION_NONE &&
            expressions->nodes[value].operation == OPERATION_COLUMN)
            item->cell = expressions->columns[expressions->nodes[value].left].cell;
    }
    return CRM_OK;
}

static int32_t begin(struct crm_import *import)
{
    struct import_plan *plan = &import->plan;
    plan->begun = true;
    for (size_t i = 0; i < import->mapping.assignment_count; i++) {
        int32_t status = add_item(import, &import->mapping.assignments[i]);
        if (status != CRM_OK)
            return status;
    }
    return CRM_OK;
}

/* The rule of a column from all that the mapping says about it; true: ignored. */
static bool bind_rules(struct crm_import *import, const char *name, size_t length, struct expression_rule *out)
{
    struct mapping *mapping = &import->mapping;
    bool ignored = false;
    *out = (struct expression_rule){.pairs = EXPRESSION_NONE};
    for (size_t i = mapping->rule_count; i-- > 0;) {
        const struct mapping_rule *rule = &mapping->rules[i];
        if (!name_same(rule->name, rule->length, name, length))
            continue;
        switch (rule->type) {
        case RULE_IGNORE: ignored = true; break;
        case RULE_INTEGER: out->integer = true; break;
        case RULE_COMMA: out->comma = true; break;
        case RULE_DATE: out->date = rule->text; break;
        case RULE_PAIR:
            mapping->pairs[rule->pair].next = out->pairs;
            out->pairs = rule->pair;
            break;
        }
    }
    if (out->integer || out->comma || out->date != NULL || out->pairs != EXPRESSION_NONE)
        import->plan.any_rule = true;
    return ignored;
}

/* Ties the expressions that read the column to it.  CRM_DONE: none does. */
static int32_t bind_expressions(struct crm_import *import, const char *name, size_t length, uint32_t cell)
{
    struct expressions *expressions = &import->mapping.expressions;
    for (size_t i = 0; i < expressions->column_count; i++) {
        struct expression_column *column = &expressions->columns[i];
        if (!name_same(column->name, column->length, name, length))
            continue;
        if (column->cell != EXPRESSION_NONE)
            return import_fail(import, CRM_INVALID, "columns %u and %u are both named '%s': rename one",
                               column->cell + 1, cell + 1, name);
        column->cell = cell;
        return CRM_OK;
    }
    return CRM_DONE;
}

static int32_t bind_field(struct crm_import *import, struct import_column *column, uint32_t cell)
{
    struct import_plan *plan = &import->plan;
    struct mapping_assignment assignment = {.when = EXPRESSION_NONE};
    column->state = import->mapping.ignore_all ? COLUMN_IGNORED : COLUMN_UNKNOWN;
    if (!mapping_find_field(import->db, import->kind, column->name, column->length, &assignment.field))
        return CRM_OK;
    if (mapping_field_fixed(&assignment.field) != NULL) {
        column->state = import->mapping.ignore_all ? COLUMN_IGNORED : COLUMN_FIXED;
        return CRM_OK;
    }
    for (size_t i = 0; i < import->mapping.assignment_count; i++)
        if (import->mapping.assignments[i].field.number == assignment.field.number &&
            import->mapping.assignments[i].field.part == assignment.field.part)
            return CRM_OK; /* the mapping gives the field by other means */
    for (size_t i = 0; i < plan->item_count; i++)
        if (plan->items[i].assignment.field.number == assignment.field.number &&
            plan->items[i].assignment.field.part == assignment.field.part)
            return import_fail(import, CRM_INVALID, "column %u, '%s', and another column both go to '%s': ignore one",
                               cell + 1, column->name, assignment.field.name);
    assignment.value = expression_column(&import->mapping.expressions, column->name, column->length, 0, 0);
    if (assignment.value == EXPRESSION_NONE)
        return import_nomem(import);
    const struct expression_node *node = &import->mapping.expressions.nodes[assignment.value];
    import->mapping.expressions.columns[node->left].cell = cell;
    column->state = COLUMN_MAPPED;
    return add_item(import, &assignment);
}

static bool grow(struct crm_import *import)
{
    struct import_plan *plan = &import->plan;
    void *columns = plan->columns, *names = (void *)plan->names, *rules = plan->rules;
    bool grown = memory_grow(import->memory, &columns, &plan->capacity, plan->count + 1, sizeof *plan->columns);
    plan->columns = columns;
    grown = grown && memory_grow(import->memory, &names, &plan->name_capacity, plan->count + 1, sizeof *plan->names);
    plan->names = (const char **)names;
    grown = grown && memory_grow(import->memory, &rules, &plan->rule_capacity, plan->count + 1, sizeof *plan->rules);
    plan->rules = rules;
    return grown;
}

int32_t plan_add_column(struct crm_import *import, const char *name, size_t length)
{
    struct import_plan *plan = &import->plan;
    int32_t status = plan->begun ? CRM_OK : begin(import);
    if (status != CRM_OK)
        return status;
    if (plan->count >= IMPORT_COLUMNS_MAX)
        return import_fail(import, CRM_FULL, "more than %d columns", IMPORT_COLUMNS_MAX);
    const char *copy = scratch_text(&import->mapping.expressions.texts, name, length);
    if (copy == NULL || !grow(import))
        return import_nomem(import);
    uint32_t cell = (uint32_t)plan->count;
    struct import_column *column = &plan->columns[cell];
    *column = (struct import_column){copy, length, COLUMN_IGNORED};
    plan->names[cell] = copy;
    bool ignored = bind_rules(import, copy, length, &plan->rules[cell]);
    plan->count++;
    if (length > 0)
        status = bind_expressions(import, copy, length, cell);
    else
        status = CRM_DONE;
    if (status == CRM_OK)
        column->state = COLUMN_USED;
    else if (status == CRM_DONE)
        status = ignored ? CRM_OK : bind_field(import, column, cell);
    return status == CRM_OK && plan->ready ? arrange(import) : status;
}

/* Names of columns as a person would list them, at most so many. */
static void list_columns(const struct crm_import *import, int state, struct buffer *out)
{
    const struct import_plan *plan = &import->plan;
    unsigned listed = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (state >= 0 && (int)plan->columns[i].state != state)
            continue;
        if (listed++ == 12) {
            buffer_text(out, ", …");
            break;
        }
        if (listed > 1)
            buffer_text(out, ", ");
        if (plan->columns[i].length == 0)
            buffer_format(out, "column %zu (it has no name)", i + 1);
        else
            buffer_append(out, plan->columns[i].name, plan->columns[i].length < 64 ? plan->columns[i].length : 64);
    }
    buffer_byte(out, 0);
}

static int32_t fail_columns(struct crm_import *import, int state, const char *format)
{
    struct buffer names;
    buffer_init(&names, import->memory);
    list_columns(import, state, &names);
    int32_t status = names.failed ? import_nomem(import)
                                  : import_fail(import, CRM_INVALID, "%s: %s", (const char *)names.data, format);
    buffer_free(&names);
    return status;
}

/* A column that the mapping names is there. */
static int32_t check_named(struct crm_import *import)
{
    const struct expressions *expressions = &import->mapping.expressions;
    struct buffer names;
    int32_t status = CRM_OK;
    for (size_t i = 0; i < expressions->column_count && status == CRM_OK; i++) {
        const struct expression_column *column = &expressions->columns[i];
        if (column->cell != EXPRESSION_NONE)
            continue;
        buffer_init(&names, import->memory);
        list_columns(import, -1, &names);
        if (names.failed)
            status = import_nomem(import);
        else if (column->line > 0)
            status =
                import_fail(import, CRM_INVALID, "mapping line %u, column %u: the file has no column '%s'; it has: %s",
                            column->line, column->column, column->name, (const char *)names.data);
        else
            status = import_fail(import, CRM_INVALID, "the file has no column '%s'; it has: %s", column->name,
                                 (const char *)names.data);
        buffer_free(&names);
    }
    return status;
}

int32_t plan_check(struct crm_import *import)
{
    struct import_plan *plan = &import->plan;
    int32_t status = plan->begun ? CRM_OK : begin(import);
    bool unknown = false, fixed = false;
    for (size_t i = 0; i < plan->count; i++) {
        unknown = unknown || plan->columns[i].state == COLUMN_UNKNOWN;
        fixed = fixed || plan->columns[i].state == COLUMN_FIXED;
    }
    const char *kind = crm_kind_name(import->db, import->kind);
    if (status == CRM_OK && import->source.format == IMPORT_CSV)
        status = check_named(import);
    if (status == CRM_OK && fixed)
        status = fail_columns(import, COLUMN_FIXED,
                              "the library itself keeps these fields; leave them out by: ignore COLUMN");
    if (status == CRM_OK && unknown)
        status =
            fail_columns(import, COLUMN_UNKNOWN,
                         "no field has this name; write FIELD = COLUMN in a mapping, or: ignore COLUMN (* for all)");
    if (status == CRM_OK)
        status = arrange(import);
    if (status == CRM_OK && plan->item_count == 0)
        status = import_fail(import, CRM_INVALID, "no column goes to a field of %s", kind);
    bool matched = import->match_field.number == 0 || import->source.format == IMPORT_JSONL;
    for (size_t i = 0; i < plan->item_count; i++)
        matched = matched || plan->items[i].match;
    if (status == CRM_OK && !matched)
        status = import_fail(import, CRM_INVALID, "match: nothing goes to '%s'", import->match_field.name);
    plan->ready = status == CRM_OK;
    return status;
}

void plan_free(struct crm_import *import)
{
    memory_free(import->memory, import->plan.columns);
    memory_free(import->memory, (void *)import->plan.names);
    memory_free(import->memory, import->plan.rules);
    memory_free(import->memory, import->plan.items);
}
