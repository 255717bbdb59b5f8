/* verb_list: list, count, timeline. */
#include "condition.h"
#include "pick.h"
#include "result.h"
#include "rows.h"
#include "value.h"
#include "verbs.h"

#include <inttypes.h>
#include <string.h>

enum { LIMIT_ON_TERMINAL = 50, KEYS_MAX = 4 };

static void print_plan(struct tool *tool, const char *plan)
{
    struct sheet sheet;

    if (tool->format == FORMAT_TABLE) {
        buffer_plain(&tool->out.pending, plan ? plan : "no plan", plan ? strlen(plan) : 7, false);
        buffer_put(&tool->out.pending, "\n");
        return;
    }
    sheet_start(&sheet, &tool->out, tool->format);
    sheet_column(&sheet, "plan", "Plan", 0);
    sheet_puts(&sheet, plan ? plan : "");
    sheet_end(&sheet);
}

/* Prints the query, frees it, and says on standard error how to go on. */
static int print_query(struct tool *tool, crm_query *query, struct rows *rows)
{
    int64_t limit = 0;
    int result = tool_number(tool, "limit", 1, tool->out.terminal ? LIMIT_ON_TERMINAL : 0, &limit);

    rows->limit = (uint64_t)limit;
    rows->columns = tool_value(tool, "columns");
    if (result == EXIT_OK && tool_flag(tool, "explain")) {
        print_plan(tool, crm_query_explain(query));
    } else if (result == EXIT_OK) {
        result = rows_print(tool, query, rows);
    }
    if (result == EXIT_OK && rows->more) {
        sink_flush(&tool->out);
        tool_note(tool, "more: --after %s", buffer_text(&rows->cursor));
    } else if (result == EXIT_OK && rows->count == 0 && tool->out.terminal && !tool_flag(tool, "explain")) {
        sink_flush(&tool->out);
        tool_note(tool, "nothing matches");
    }
    buffer_free(&rows->cursor);
    crm_query_free(query);
    return result;
}

int verb_list(struct tool *tool)
{
    struct rows rows = {0};
    crm_query *query = NULL;
    int result = pick_kind(tool, tool_word(tool, 0), &rows.kind);

    if (result == EXIT_OK)
        result = tool_view(tool);
    if (result == EXIT_OK)
        result = condition_query(tool, rows.kind, &query);
    return result == EXIT_OK ? print_query(tool, query, &rows) : result;
}

int verb_timeline(struct tool *tool)
{
    struct rows rows = {.kind = CRM_KIND_INTERACTION};
    struct picked picked = {0};
    crm_error error = {0};
    crm_query *query = NULL;
    const char *first = tool_word(tool, 0);
    size_t next;
    int result = tool_view(tool);

    /* A single word most often names a customer; only then other kinds are asked. */
    if (result == EXIT_OK)
        result = first && !tool_word(tool, 1) &&
                         crm_resolve(tool->view, CRM_KIND_CUSTOMER, first, CRM_NUL, &picked.id, NULL) == CRM_OK
                     ? (picked.kind = CRM_KIND_CUSTOMER, EXIT_OK)
                     : pick_words(tool, tool->view, 0, 2, false, &picked, &next);
    if (result != EXIT_OK)
        return result;
    if (picked.kind == CRM_KIND_CUSTOMER) /* whose name need not stand in every row */
        rows.usual = "start,type,subject,contact,amount,status,owner";
    if (crm_timeline(tool->view, picked.kind, &picked.id, &query, &error) != CRM_OK)
        return tool_error(tool, &error);
    result = condition_apply(tool, CRM_KIND_INTERACTION, query);
    if (result != EXIT_OK) {
        crm_query_free(query);
        return result;
    }
    return print_query(tool, query, &rows);
}

static int unit_find(struct tool *tool, const char *name, size_t length, int32_t *unit)
{
    static const char *const names[] = {"day", "week", "month", "quarter", "year"};

    for (int32_t i = 0; i < 5; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
            *unit = CRM_UNIT_DAY + i;
            return EXIT_OK;
        }
    }
    return tool_usage(tool, "--by: '%.*s' is not one of day, week, month, quarter, year", (int)length, name);
}

/* One key of --by: "stage", "owner.region", "close_date:quarter". */
static int add_key(struct tool *tool, crm_query *query, uint32_t kind, const char *key, size_t length)
{
    size_t name = 0, end;
    uint32_t field = 0, through = 0, target = 0;
    int32_t unit = CRM_UNIT_NONE, type;
    int result;

    while (name < length && key[name] != '.' && key[name] != ':')
        name++;
    result = pick_field(tool, kind, key, name, &field);
    if (result == EXIT_OK && name < length && key[name] == '.') {
        target = crm_field_target(tool->db, kind, field);
        if (crm_field_type(tool->db, kind, field) != CRM_TYPE_REF)
            return tool_usage(tool, "--by: %.*s is not a reference", (int)name, key);
        for (end = ++name; end < length && key[end] != ':'; end++)
            ;
        result = pick_field(tool, target, key + name, end - name, &through);
        name = end;
    }
    if (result == EXIT_OK && name < length)
        result = unit_find(tool, key + name + 1, length - name - 1, &unit);
    if (result != EXIT_OK)
        return result;
    type = through ? crm_field_type(tool->db, target, through) : crm_field_type(tool->db, kind, field);
    if (type_is_list(type) || type == CRM_TYPE_ANY_REF || type == CRM_TYPE_REAL)
        return tool_usage(tool, "--by: '%.*s' is of type %s, by which nothing is grouped", (int)length, key,
                          crm_type_name(type));
    crm_query_group(query, field, through, unit);
    return EXIT_OK;
}

static int count_groups(struct tool *tool, crm_query *query, uint32_t kind, const char *keys)
{
    crm_error error = {0};
    crm_table *table = NULL;
    int result = EXIT_OK;

    for (const char *at = keys; *at && result == EXIT_OK;) {
        size_t length = strcspn(at, ",");

        result = add_key(tool, query, kind, at, length);
        at += length + (at[length] == ',');
    }
    if (result == EXIT_OK && crm_query_groups(query, &table, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result == EXIT_OK)
        result_print(tool, table, NULL, true);
    crm_table_free(table);
    return result;
}

int verb_count(struct tool *tool)
{
    const char *keys = tool_value(tool, "by");
    crm_error error = {0};
    crm_query *query = NULL;
    uint32_t kind = 0;
    uint64_t count = 0;
    int result = pick_kind(tool, tool_word(tool, 0), &kind);

    if (result == EXIT_OK)
        result = tool_view(tool);
    if (result == EXIT_OK)
        result = condition_query(tool, kind, &query);
    if (result == EXIT_OK && keys) {
        result = count_groups(tool, query, kind, keys);
    } else if (result == EXIT_OK) {
        if (crm_query_count(query, &count, &error) != CRM_OK)
            result = tool_error(tool, &error);
        else if (tool->format == FORMAT_TABLE)
            buffer_print(&tool->out.pending, "%" PRIu64 "\n", count);
        else if (tool->format == FORMAT_CSV)
            buffer_print(&tool->out.pending, "count\n%" PRIu64 "\n", count);
        else
            buffer_print(&tool->out.pending, "{\"count\":%" PRIu64 "}\n", count);
    }
    crm_query_free(query);
    return result;
}
