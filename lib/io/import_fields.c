/* import_fields: what a row says about each field: which of several lines gives
 * it, what a blank means, and lists that are put together from parts.
 */
#include "io/import.h"

#include "model/text.h"

#include <string.h>

static bool item_operand(struct crm_import *import, uint32_t number, const struct expression_row *row,
                         const struct import_total *totals, struct operand *out, struct import_fault *fault)
{
    const struct import_item *item = &import->plan.items[number];
    const struct expressions *expressions = &import->mapping.expressions;
    bool done;
    if (totals != NULL && item->assignment.aggregate != MAPPING_FIRST) {
        *out = totals[item->number].set ? totals[item->number].operand : (struct operand){.type = OPERAND_BLANK};
        return true;
    }
    if (item->assignment.value == EXPRESSION_NONE) { /* count, of one row */
        *out = (struct operand){.type = OPERAND_NUMBER, .number = {1, 0}};
        return true;
    }
    if (item->cell != EXPRESSION_NONE)
        done = expression_cell(row, item->cell, out, &fault->why);
    else
        done = expression_evaluate(expressions, item->assignment.value, row, out, &fault->why);
    return done || (fault->why.memory && import_blame_memory(fault)); /* which is false, too */
}

/* Of several lines for one field, the first whose condition holds; `*last` is
 * the last of them.  *chosen EXPRESSION_NONE: none holds. */
static bool choose(struct crm_import *import, uint32_t first, const struct expression_row *row, uint32_t *last,
                   uint32_t *chosen, struct import_fault *fault)
{
    const struct import_plan *plan = &import->plan;
    *chosen = EXPRESSION_NONE;
    for (*last = first; *last + 1 < plan->item_count && plan->items[*last + 1].alternative;)
        ++*last;
    for (uint32_t i = first; i <= *last; i++) {
        uint32_t when = plan->items[i].assignment.when;
        struct operand operand = {.type = OPERAND_TEXT};
        if (when != EXPRESSION_NONE &&
            !expression_evaluate(&import->mapping.expressions, when, row, &operand, &fault->why))
            return false;
        if (operand.type != OPERAND_BLANK) {
            *chosen = i;
            return true;
        }
    }
    return true;
}

/* A blank: nothing, unless it is a null or blanks are to clear. */
static bool read_blank(struct crm_import *import, uint32_t number, const struct import_row *row,
                       struct import_fault *fault)
{
    const struct import_item *item = &import->plan.items[number];
    const struct csv_value *cell = item->cell < row->count ? &row->cells[item->cell] : NULL;
    bool missing = item->cell != EXPRESSION_NONE && (cell == NULL || cell->text == NULL);
    bool null = cell != NULL && cell->text == import_null;
    if (item->match && item->assignment.field.type != CRM_TYPE_ID)
        return import_blame(fault, item->cell,
                            "%s: blank, but records are matched by it; leave such rows out by: only %s",
                            import_item_name(import, item, item->cell), import_item_name(import, item, item->cell));
    if (item->assignment.field.type == CRM_TYPE_ID)
        return true;
    if (import->blank_exact && cell != NULL && !missing && cell->quoted &&
        item->assignment.field.type == CRM_TYPE_TEXT) {
        struct import_value *value = values_add(import, number, item->cell, ACTION_TEXT);
        if (value != NULL)
            value->text = "";
        return value != NULL || import_blame_memory(fault);
    }
    if (!null && (!import->blank_clear || (missing && !import->blank_exact)))
        return true;
    return values_add(import, number, item->cell, ACTION_CLEAR) != NULL || import_blame_memory(fault);
}

static bool read_item(struct crm_import *import, uint32_t number, const struct import_row *row,
                      const struct expression_row *view, const struct import_total *totals, struct import_fault *fault)
{
    struct import_item *item = &import->plan.items[number];
    struct operand operand;
    if (!item_operand(import, number, view, totals, &operand, fault))
        return false;
    if (operand.type == OPERAND_BLANK)
        return read_blank(import, number, row, fault);
    struct import_reading reading = {
        .import = import, .item = item, .number = number, .cell = item->cell, .operand = &operand, .fault = fault};
    if (!operand_text(&operand, &import->scratch, &reading.text, &reading.length))
        return import_blame_memory(fault);
    if (item->match) {
        import->values.match = reading.text;
        import->values.match_length = reading.length;
        import->values.match_cell = item->cell;
    }
    return value_read(&reading);
}

/* The parts of a list's first item, as the JSON of a list with one item. */
static bool read_parts(struct crm_import *import, uint32_t *number, const struct expression_row *view,
                       const struct import_total *totals, struct import_fault *fault)
{
    static const char *const names[] = {"",       "value", "label",  "primary",     "opt_out", "invalid",
                                        "street", "city",  "region", "postal_code", "country", "system"};
    const struct import_plan *plan = &import->plan;
    uint32_t first = *number, field = plan->items[first].assignment.field.number, last = first;
    struct buffer json;
    const char *text;
    size_t length;
    bool read = true;
    buffer_init(&json, import->memory);
    for (uint32_t i = first; read && i < plan->item_count && plan->items[i].assignment.field.number == field;
         i = last + 1) {
        struct operand operand = {.type = OPERAND_BLANK};
        uint32_t chosen;
        int32_t part = plan->items[i].assignment.field.part;
        read = choose(import, i, view, &last, &chosen, fault);
        if (read && chosen != EXPRESSION_NONE)
            read = item_operand(import, chosen, view, totals, &operand, fault);
        if (!read || operand.type == OPERAND_BLANK)
            continue;
        if (!operand_text(&operand, &import->scratch, &text, &length))
            read = import_blame_memory(fault);
        else if (!text_valid(text, length))
            read = import_blame(fault, plan->items[i].cell, "the text is not UTF-8");
        buffer_text(&json, json.length == 0 ? "[{" : ",");
        json_key(&json, names[part]);
        if (part >= CRM_PART_PRIMARY && part <= CRM_PART_INVALID)
            buffer_text(&json, name_same(text, length, "1", 1) || name_same(text, length, "true", 4) ? "1" : "0");
        else
            json_string(&json, text, length);
    }
    *number = last;
    if (read && json.length > 0) {
        buffer_text(&json, "}]");
        struct import_value *value = values_add(import, first, plan->items[first].cell, ACTION_PARSED);
        text = json.failed ? NULL : scratch_text(&import->scratch, (const char *)json.data, json.length);
        read = value != NULL && text != NULL;
        if (read) {
            value->text = text;
            value->length = json.length;
        } else {
            import_blame_memory(fault);
        }
    }
    buffer_free(&json);
    return read;
}

bool values_read(struct crm_import *import, const struct import_row *row, const struct import_total *totals,
                 struct import_fault *fault)
{
    const struct import_plan *plan = &import->plan;
    struct import_values *values = &import->values;
    struct expression_row view = {.cells = row->cells,
                                  .count = row->count,
                                  .line = row->line,
                                  .rules = plan->any_rule ? plan->rules : NULL,
                                  .pairs = import->mapping.pairs,
                                  .scratch = &import->scratch,
                                  .names = plan->names};
    values->count = 0;
    values->currency = 0;
    values->has_id = values->has_pipeline = false;
    values->match = NULL;
    for (uint32_t i = 0; i < plan->item_count; i++) {
        uint32_t chosen = i;
        if (plan->items[i].assignment.field.part != 0) {
            if (!read_parts(import, &i, &view, totals, fault))
                return false;
            continue;
        }
        bool simple = plan->items[i].assignment.when == EXPRESSION_NONE &&
                      (i + 1 == plan->item_count || !plan->items[i + 1].alternative);
        if (!simple && !choose(import, i, &view, &i, &chosen, fault))
            return false;
        if (chosen != EXPRESSION_NONE && !read_item(import, chosen, row, &view, totals, fault))
            return false;
    }
    return true;
}
