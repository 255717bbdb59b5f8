/* expression_evaluate: what expressions are worth in a row, see expression.h. */
#include "io/expression.h"

#include "io/expression_operation.h"
#include "model/moment.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool evaluate(const struct expressions *expressions, uint32_t number, const struct expression_row *row,
                     struct operand *out, struct expression_fault *fault);

static bool failed(struct expression_fault *fault, uint32_t cell, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool failed(struct expression_fault *fault, uint32_t cell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->why, sizeof fault->why, format, arguments);
    va_end(arguments);
    fault->cell = cell;
    return false;
}

static bool no_memory(struct expression_fault *fault)
{
    fault->memory = true;
    return failed(fault, EXPRESSION_NONE, "out of memory");
}

static struct operand text_operand(const char *text, size_t length)
{
    return (struct operand){.type = length == 0 ? OPERAND_BLANK : OPERAND_TEXT, .text = text, .length = length};
}

static struct operand truth(bool holds)
{
    return holds ? (struct operand){.type = OPERAND_NUMBER, .number = {1, 0}} : (struct operand){.type = OPERAND_BLANK};
}

/* ---- what an operand is as something else ---- */

bool operand_text(const struct operand *operand, struct scratch *scratch, const char **text, size_t *length)
{
    char *room;
    *text = "";
    *length = 0;
    if (operand->type == OPERAND_TEXT) {
        *text = operand->text;
        *length = operand->length;
    } else if (operand->type != OPERAND_BLANK) {
        room = scratch_alloc(scratch, MOMENT_TEXT_SIZE);
        if (room == NULL)
            return false;
        *length = operand->type == OPERAND_NUMBER ? decimal_format(operand->number, room)
                                                  : instant_format(operand->instant, room);
        *text = room;
    }
    return true;
}

bool operand_number(const struct operand *operand, struct decimal *out)
{
    *out = operand->number;
    return operand->type == OPERAND_NUMBER ||
           (operand->type == OPERAND_TEXT &&
            decimal_parse(operand->text, operand->length, operand->comma ? ',' : '.', out));
}

bool operand_instant(const struct operand *operand, int64_t *out)
{
    *out = operand->instant;
    return operand->type == OPERAND_INSTANT ||
           (operand->type == OPERAND_TEXT && instant_parse(operand->text, operand->length, out));
}

static int compare_texts(const struct operand *a, const struct operand *b)
{
    size_t common = a->length < b->length ? a->length : b->length;
    int order = common == 0 ? 0 : memcmp(a->text, b->text, common);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

int operand_compare(const struct operand *a, const struct operand *b)
{
    struct decimal left, right;
    int64_t from, to;
    if (a->type == OPERAND_BLANK || b->type == OPERAND_BLANK)
        return (a->type != OPERAND_BLANK) - (b->type != OPERAND_BLANK);
    if ((a->type == OPERAND_INSTANT || b->type == OPERAND_INSTANT) && operand_instant(a, &from) &&
        operand_instant(b, &to))
        return (from > to) - (from < to);
    if (operand_number(a, &left) && operand_number(b, &right))
        return decimal_compare(left, right);
    if (a->type == OPERAND_TEXT && b->type == OPERAND_TEXT)
        return compare_texts(a, b);
    /* A number or an instant against a text that is none. */
    return a->type == OPERAND_TEXT ? 1 : -1;
}

/* ---- cells ---- */

static bool cell_date(const struct operand *in, uint32_t cell, const char *format, struct operand *out,
                      struct expression_fault *fault)
{
    int64_t instant;
    if (!instant_parse_format(in->text, in->length, format, &instant))
        return failed(fault, cell, "\"%.40s\" does not have the form \"%s\"", in->text, format);
    *out = (struct operand){.type = OPERAND_INSTANT, .instant = instant};
    return true;
}

static void cell_values(const struct expression_row *row, uint32_t pair, struct operand *out)
{
    for (; pair != EXPRESSION_NONE; pair = row->pairs[pair].next) {
        const struct expression_pair *entry = &row->pairs[pair];
        if (entry->from_length == out->length && memcmp(entry->from, out->text, out->length) == 0) {
            *out = text_operand(entry->to, entry->to_length);
            return;
        }
    }
}

bool expression_cell(const struct expression_row *row, uint32_t cell, struct operand *out,
                     struct expression_fault *fault)
{
    *out = (struct operand){.type = OPERAND_BLANK};
    if (cell >= row->count)
        return true;
    const struct csv_value *value = &row->cells[cell];
    *out = text_operand(value->text == NULL ? "" : value->text, value->length);
    if (row->rules == NULL)
        return true;
    const struct expression_rule *rule = &row->rules[cell];
    if (rule->pairs != EXPRESSION_NONE)
        cell_values(row, rule->pairs, out);
    if (out->type == OPERAND_BLANK)
        return true;
    out->comma = rule->comma;
    if (rule->date != NULL)
        return cell_date(out, cell, rule->date, out, fault);
    if (rule->integer) {
        struct decimal number;
        int64_t whole;
        if (!operand_number(out, &number) || !decimal_rescale(number, 0, false, &whole))
            return failed(fault, cell, "\"%.40s\" is not a whole number", out->text);
        *out = (struct operand){.type = OPERAND_NUMBER, .number = {whole, 0}};
    }
    return true;
}

/* ---- operations ---- */

/* The cell that an expression is about, for messages: its first column. */
static uint32_t find_cell(const struct expressions *expressions, uint32_t number)
{
    while (number != EXPRESSION_NONE) {
        const struct expression_node *node = &expressions->nodes[number];
        if (node->operation == OPERATION_COLUMN)
            return expressions->columns[node->left].cell;
        if (node->operation == OPERATION_TEXT || node->operation == OPERATION_NUMBER)
            return EXPRESSION_NONE;
        if (node->operation == OPERATION_TEMPLATE)
            number = node->right;
        else if (node->left != EXPRESSION_NONE && find_cell(expressions, node->left) != EXPRESSION_NONE)
            number = node->left;
        else
            number = node->right;
    }
    return EXPRESSION_NONE;
}

static bool number_of(const struct expressions *expressions, uint32_t node, const struct expression_row *row,
                      struct decimal *out, struct expression_fault *fault)
{
    struct operand operand = {0};
    if (!evaluate(expressions, node, row, &operand, fault))
        return false;
    if (operand.type == OPERAND_BLANK)
        return failed(fault, find_cell(expressions, node), "blank where a number is needed");
    if (!operand_number(&operand, out))
        return failed(fault, find_cell(expressions, node), "\"%.40s\" is not a number",
                      operand.type == OPERAND_TEXT ? operand.text : "an instant");
    return true;
}

static bool calculate(const struct expressions *expressions, const struct expression_node *node,
                      const struct expression_row *row, struct operand *out, struct expression_fault *fault)
{
    struct decimal left = {0, 0}, right = {0, 0}, result = {0, 0};
    bool fits;
    bool negate = node->operation == OPERATION_NEGATE;
    if (!number_of(expressions, node->left, row, negate ? &right : &left, fault) ||
        (!negate && !number_of(expressions, node->right, row, &right, fault)))
        return false;
    switch (node->operation) {
    case OPERATION_ADD: fits = decimal_add(left, right, &result); break;
    case OPERATION_MULTIPLY: fits = decimal_multiply(left, right, &result); break;
    case OPERATION_DIVIDE: fits = decimal_divide(left, right, &result); break;
    default: fits = decimal_subtract(left, right, &result); break;
    }
    if (!fits)
        return failed(fault, find_cell(expressions, node->left),
                      node->operation == OPERATION_DIVIDE ? "the quotient is not a decimal number of at most 18 digits"
                                                          : "the result has more than 18 digits");
    *out = (struct operand){.type = OPERAND_NUMBER, .number = result};
    return true;
}

static bool compare(const struct expressions *expressions, const struct expression_node *node,
                    const struct expression_row *row, struct operand *out, struct expression_fault *fault)
{
    struct operand left = {0}, right = {0};
    if (!evaluate(expressions, node->left, row, &left, fault) ||
        !evaluate(expressions, node->right, row, &right, fault))
        return false;
    int order = operand_compare(&left, &right);
    bool equality = node->operation == OPERATION_EQUAL || node->operation == OPERATION_UNEQUAL;
    if (!equality && (left.type == OPERAND_BLANK || right.type == OPERAND_BLANK)) {
        *out = truth(false);
        return true;
    }
    /* "abc" > 0 would be an accident. */
    struct decimal number;
    if (!equality && (left.type == OPERAND_NUMBER) != (right.type == OPERAND_NUMBER)) {
        const struct operand *other = left.type == OPERAND_NUMBER ? &right : &left;
        if (!operand_number(other, &number))
            return failed(fault, find_cell(expressions, other == &left ? node->left : node->right),
                          "\"%.40s\" is not a number", other->type == OPERAND_TEXT ? other->text : "an instant");
    }
    switch (node->operation) {
    case OPERATION_EQUAL: *out = truth(order == 0); break;
    case OPERATION_UNEQUAL: *out = truth(order != 0); break;
    case OPERATION_LESS: *out = truth(order < 0); break;
    case OPERATION_LESS_EQUAL: *out = truth(order <= 0); break;
    case OPERATION_GREATER: *out = truth(order > 0); break;
    default: *out = truth(order >= 0); break;
    }
    return true;
}

static bool fill_template(const struct expressions *expressions, uint32_t part, const struct expression_row *row,
                          struct operand *out, struct expression_fault *fault)
{
    const char *texts[TEMPLATE_PARTS_MAX];
    size_t lengths[TEMPLATE_PARTS_MAX];
    size_t count = 0, total = 0;
    bool expression = false, filled = false;
    for (; part != EXPRESSION_NONE; part = expressions->nodes[part].right) {
        const struct expression_node *node = &expressions->nodes[expressions->nodes[part].left];
        struct operand operand = {0};
        if (count == TEMPLATE_PARTS_MAX)
            return failed(fault, EXPRESSION_NONE, "a text with more than %d parts", TEMPLATE_PARTS_MAX);
        if (!evaluate(expressions, expressions->nodes[part].left, row, &operand, fault))
            return false;
        if (!operand_text(&operand, row->scratch, &texts[count], &lengths[count]))
            return no_memory(fault);
        expression = expression || node->operation != OPERATION_TEXT;
        filled = filled || (node->operation != OPERATION_TEXT && lengths[count] > 0);
        total += lengths[count++];
    }
    *out = (struct operand){.type = OPERAND_BLANK};
    if (expression && !filled)
        return true;
    char *text = scratch_alloc(row->scratch, total + 1);
    if (text == NULL)
        return no_memory(fault);
    size_t at = 0;
    for (size_t i = 0; i < count; at += lengths[i++])
        memcpy(text + at, texts[i], lengths[i]);
    text[total] = 0;
    *out = text_operand(text, total);
    return true;
}

static bool choose(const struct expressions *expressions, const struct expression_node *node,
                   const struct expression_row *row, struct operand *out, struct expression_fault *fault)
{
    if (!evaluate(expressions, node->left, row, out, fault))
        return false;
    if (node->operation == OPERATION_NOT)
        *out = truth(out->type == OPERAND_BLANK);
    else if ((out->type == OPERAND_BLANK) == (node->operation == OPERATION_OR))
        return evaluate(expressions, node->right, row, out, fault);
    return true;
}

static bool evaluate(const struct expressions *expressions, uint32_t number, const struct expression_row *row,
                     struct operand *out, struct expression_fault *fault)
{
    const struct expression_node *node = &expressions->nodes[number];
    switch (node->operation) {
    case OPERATION_COLUMN: return expression_cell(row, expressions->columns[node->left].cell, out, fault);
    case OPERATION_TEXT: *out = text_operand(node->text, node->length); return true;
    case OPERATION_NUMBER: *out = (struct operand){.type = OPERAND_NUMBER, .number = node->number}; return true;
    case OPERATION_LINE:
        *out = (struct operand){.type = OPERAND_NUMBER, .number = {(int64_t)row->line, 0}};
        return true;
    case OPERATION_TEMPLATE: return fill_template(expressions, node->right, row, out, fault);
    case OPERATION_OR:
    case OPERATION_AND:
    case OPERATION_NOT: return choose(expressions, node, row, out, fault);
    case OPERATION_NEGATE:
    case OPERATION_ADD:
    case OPERATION_SUBTRACT:
    case OPERATION_MULTIPLY:
    case OPERATION_DIVIDE: return calculate(expressions, node, row, out, fault);
    default: return compare(expressions, node, row, out, fault);
    }
}

bool expression_evaluate(const struct expressions *expressions, uint32_t node, const struct expression_row *row,
                         struct operand *out, struct expression_fault *fault)
{
    return evaluate(expressions, node, row, out, fault);
}
