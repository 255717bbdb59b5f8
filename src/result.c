/* result: see result.h.
 *
 * For people, amounts lose what says nothing: decimals that are zero in the
 * whole column, and the currency, which moves into the heading when all cells
 * share it.  For programs everything stays as the library gives it.
 */
#include "result.h"

#include "value.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct result_state {
    const crm_table *table;
    const struct result_column *columns;
    int32_t currency; /* that all amounts share; 0: none do */
    bool *round;      /* of each column: no cell has decimals */
};

static const struct result_column *known_column(const struct result_state *state, const char *name)
{
    for (const struct result_column *column = state->columns; column && column->name; column++)
        if (strcmp(column->name, name) == 0)
            return column;
    return NULL;
}

/* "won_amount" as "Won amount". */
static void label_of(struct buffer *out, const char *name)
{
    size_t start = out->length;

    buffer_put(out, name);
    for (size_t i = start; i < out->length; i++)
        if (out->data[i] == '_' || out->data[i] == '.')
            out->data[i] = ' ';
    if (out->length > start)
        out->data[start] = (char)toupper((unsigned char)out->data[start]);
}

static bool ends_in_zeros(const char *text)
{
    const char *point = strchr(text, '.');

    return !point || point[strspn(point, ".0")] == '\0';
}

static void look_through(struct result_state *state)
{
    const crm_table *table = state->table;
    uint32_t count = crm_table_columns(table);
    bool mixed = false;

    state->round = memory_resize(NULL, count + 1, sizeof *state->round);
    for (uint32_t i = 0; i < count; i++) {
        state->round[i] = true;
        if (crm_table_type(table, i) != CRM_TYPE_MONEY)
            continue;
        for (uint64_t row = 0; row < crm_table_rows(table); row++) {
            int32_t currency = crm_table_has(table, row, i) ? crm_table_currency(table, row, i) : 0;

            state->round[i] &= ends_in_zeros(crm_table_text(table, row, i, NULL));
            if (currency == 0)
                continue;
            mixed |= state->currency != 0 && state->currency != currency;
            state->currency = currency;
        }
    }
    if (mixed)
        state->currency = 0;
}

static void result_columns(const struct result_state *state, struct sheet *sheet)
{
    const crm_table *table = state->table;
    bool said = false;

    for (uint32_t i = 0; i < crm_table_columns(table); i++) {
        const char *name = crm_table_name(table, i);
        const struct result_column *known = known_column(state, name);
        struct buffer label = {0};
        unsigned flags = type_column_flags(crm_table_type(table, i));

        label_of(&label, known && known->label ? known->label : name);
        if (crm_table_type(table, i) == CRM_TYPE_MONEY && state->currency && !said) {
            buffer_print(&label, " %s", crm_currency_code(state->currency));
            said = true;
        }
        sheet_column(sheet, name, buffer_text(&label), flags | (known ? known->flags & ~(unsigned)RESULT_PERCENT : 0));
        buffer_free(&label);
    }
}

static void amount_shown(const struct result_state *state, uint32_t column, const char *text, int32_t currency,
                         struct buffer *out)
{
    size_t length = strcspn(text, ".");
    struct buffer whole = {0};

    buffer_add(&whole, text, state->round[column] ? length : strlen(text));
    buffer_grouped(out, buffer_text(&whole));
    if (!state->currency && currency)
        buffer_print(out, " %s", crm_currency_code(currency));
    buffer_free(&whole);
}

static void real_shown(const struct result_state *state, uint32_t column, double value, struct buffer *out)
{
    const struct result_column *known = known_column(state, crm_table_name(state->table, column));

    if (!isfinite(value))
        return;
    if (known && (known->flags & RESULT_PERCENT))
        buffer_print(out, "%.1f %%", value * 100);
    else
        buffer_print(out, fabs(value) < 10 ? "%.2f" : "%.1f", value);
}

static void result_cell(const struct result_state *state, struct sheet *sheet, uint64_t row, uint32_t column)
{
    const crm_table *table = state->table;
    int32_t type = crm_table_type(table, column);
    size_t length = 0;
    const char *text = crm_table_text(table, row, column, &length);
    struct buffer shown = {0}, json = {0};
    crm_id id;

    if (!crm_table_has(table, row, column)) {
        sheet_null(sheet);
        return;
    }
    if (type == CRM_TYPE_REF || type == CRM_TYPE_ANY_REF) {
        if (crm_table_id(table, row, column, &id) == CRM_OK) {
            buffer_put(&json, "{\"id\":\"");
            buffer_id(&json, &id);
            buffer_put(&json, "\",\"name\":");
            buffer_json(&json, text, length);
            buffer_put(&json, "}");
        }
    } else if (type == CRM_TYPE_MONEY) {
        amount_shown(state, column, text, crm_table_currency(table, row, column), &shown);
    } else if (type == CRM_TYPE_INT) {
        buffer_grouped(&shown, text);
    } else if (type == CRM_TYPE_REAL || type == CRM_TYPE_DECIMAL) {
        real_shown(state, column, strtod(text, NULL), &shown);
    } else if (type == CRM_TYPE_TIME) {
        buffer_moment(&shown, crm_table_int(table, row, column));
    }
    if (type == CRM_TYPE_MONEY || type == CRM_TYPE_INT || type == CRM_TYPE_DECIMAL ||
        (type == CRM_TYPE_REAL && isfinite(crm_table_real(table, row, column))))
        buffer_add(&json, text, length);
    else if (type == CRM_TYPE_BOOL)
        buffer_put(&json, crm_table_int(table, row, column) ? "true" : "false");
    sheet_value(sheet, text, length, json.length ? json.data : NULL, shown.data);
    buffer_free(&shown);
    buffer_free(&json);
}

static bool column_sum(const struct result_state *state, const char *name, int64_t *sum)
{
    const crm_table *table = state->table;

    for (uint32_t i = 0; i < crm_table_columns(table); i++) {
        if (strcmp(crm_table_name(table, i), name) != 0)
            continue;
        *sum = 0;
        for (uint64_t row = 0; row < crm_table_rows(table); row++)
            if (__builtin_add_overflow(*sum, crm_table_int(table, row, i), sum))
                return false;
        return true;
    }
    return false;
}

/* Sums of what can be summed; a win rate is made anew from won and lost. */
static void result_totals(const struct result_state *state, struct sheet *sheet)
{
    const crm_table *table = state->table;

    sheet_rule(sheet);
    for (uint32_t i = 0; i < crm_table_columns(table); i++) {
        int32_t type = crm_table_type(table, i);
        const char *name = crm_table_name(table, i);
        struct buffer shown = {0};
        int64_t sum = 0, won = 0, lost = 0;
        char digits[32];

        if (i == 0) {
            buffer_put(&shown, "Total");
        } else if (type == CRM_TYPE_INT && column_sum(state, name, &sum)) {
            struct buffer plain = {0};

            buffer_print(&plain, "%" PRId64, sum);
            buffer_grouped(&shown, plain.data);
            buffer_free(&plain);
        } else if (type == CRM_TYPE_MONEY && state->currency && column_sum(state, name, &sum)) {
            crm_money_format(sum, state->currency, digits);
            amount_shown(state, i, digits, 0, &shown);
        } else if (strcmp(name, "win_rate") == 0 && column_sum(state, "won", &won) &&
                   column_sum(state, "lost", &lost) && won + lost > 0) {
            real_shown(state, i, (double)won / (double)(won + lost), &shown);
        }
        sheet_text(sheet, buffer_text(&shown), shown.length);
        buffer_free(&shown);
    }
}

void result_print(struct tool *tool, const crm_table *table, const struct result_column *columns, bool totals)
{
    struct result_state state = {.table = table, .columns = columns};
    struct sheet sheet;

    look_through(&state);
    sheet_start(&sheet, &tool->out, tool->format);
    result_columns(&state, &sheet);
    for (uint64_t row = 0; row < crm_table_rows(table) && !sink_over(&tool->out); row++)
        for (uint32_t i = 0; i < crm_table_columns(table); i++)
            result_cell(&state, &sheet, row, i);
    if (totals && tool->format == FORMAT_TABLE && crm_table_rows(table) > 1)
        result_totals(&state, &sheet);
    sheet_end(&sheet);
    free(state.round);
}
