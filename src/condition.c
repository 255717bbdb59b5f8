/* condition: see condition.h.
 *
 * Times are read here and not by the library, because "-30d" is measured from
 * the moment that --as-of or --now names.
 */
#include "condition.h"

#include "pick.h"
#include "suggest.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

static const struct {
    const char *name;
    int32_t op;
} operations[] = {
    {"=", CRM_OP_EQ},          {"!=", CRM_OP_NE},           {"<", CRM_OP_LT},           {"<=", CRM_OP_LE},
    {">", CRM_OP_GT},          {">=", CRM_OP_GE},           {"prefix", CRM_OP_PREFIX},  {"contains", CRM_OP_CONTAINS},
    {"in", CRM_OP_IN},         {"set", CRM_OP_SET},         {"notset", CRM_OP_NOT_SET}, {"==", CRM_OP_EQ},
    {"<>", CRM_OP_NE},         {"is", CRM_OP_EQ},           {"eq", CRM_OP_EQ},          {"ne", CRM_OP_NE},
    {"lt", CRM_OP_LT},         {"le", CRM_OP_LE},           {"gt", CRM_OP_GT},          {"ge", CRM_OP_GE},
    {"unset", CRM_OP_NOT_SET}, {"not_set", CRM_OP_NOT_SET},
};

static int operation_find(struct tool *tool, const char *name, int32_t *op)
{
    size_t length = strcspn(name, " ");

    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strlen(operations[i].name) == length && memcmp(operations[i].name, name, length) == 0) {
            *op = operations[i].op;
            return EXIT_OK;
        }
    }
    return tool_usage(tool, "--where: '%s' is not an operator; use = != < <= > >= prefix contains in set notset", name);
}

static bool bare_date(const char *text)
{
    return strlen(text) == 10 && text[4] == '-' && text[7] == '-' && strspn(text, "0123456789-") == 10;
}

static int where_time(struct tool *tool, uint32_t field, int32_t type, int32_t op, const char *value, crm_query *query)
{
    int64_t now = crm_now(tool->db), time = 0;
    int32_t date = 0;
    bool known;

    if (tool_value(tool, "as-of"))
        now = crm_view_time(tool->view);
    known = type == CRM_TYPE_DATE ? crm_date_parse(value, CRM_NUL, now, &date) == CRM_OK
                                  : crm_time_parse(value, CRM_NUL, now, &time) == CRM_OK;
    if (!known)
        return tool_usage(tool, "--where: '%s' is not a time: 2024-03-31, 2024-03-31T10:00, today, -30d", value);
    if (type == CRM_TYPE_TIME && op == CRM_OP_EQ && bare_date(value)) { /* some time of that day */
        crm_query_where_int(query, field, CRM_OP_GE, time);
        crm_query_where_int(query, field, CRM_OP_LT, time + DAY_US);
        return EXIT_OK;
    }
    crm_query_where_int(query, field, op, type == CRM_TYPE_DATE ? date : time);
    return EXIT_OK;
}

static int where_value(struct tool *tool, uint32_t kind, uint32_t field, int32_t op, const char *value,
                       crm_query *query)
{
    int32_t type = crm_field_type(tool->db, kind, field);

    if (type == CRM_TYPE_TIME || type == CRM_TYPE_DATE)
        return where_time(tool, field, type, op, value, query);
    crm_query_where_text(query, field, op, value, strlen(value));
    return EXIT_OK;
}

/* "drifting,churned": one alternative each; "\," is a comma of a value. */
static int where_in(struct tool *tool, uint32_t kind, uint32_t field, const char *values, crm_query *query)
{
    struct buffer one = {0};
    int result = EXIT_OK;

    for (const char *at = values; result == EXIT_OK; at++) {
        if (at[0] == '\\' && at[1] == ',') {
            buffer_put(&one, ",");
            at++;
        } else if (*at != ',' && *at != '\0') {
            buffer_add(&one, at, 1);
        } else {
            if (one.length > 0)
                result = where_value(tool, kind, field, CRM_OP_IN, one.data, query);
            buffer_clear(&one);
            if (*at == '\0')
                break;
        }
    }
    buffer_free(&one);
    return result;
}

static int where(struct tool *tool, uint32_t kind, const struct option_given *given, crm_query *query)
{
    uint32_t field;
    int32_t op = 0;
    int result = operation_find(tool, given->operation, &op);

    if (result == EXIT_OK)
        result = pick_field(tool, kind, given->field, strlen(given->field), &field);
    if (result != EXIT_OK)
        return result;
    if (op == CRM_OP_SET || op == CRM_OP_NOT_SET)
        crm_query_where_int(query, field, op, 0);
    else if (!given->value)
        return tool_usage(tool, "--where: %s %s needs a value", given->field, given->operation);
    else if (op == CRM_OP_IN)
        return where_in(tool, kind, field, given->value, query);
    else
        return where_value(tool, kind, field, op, given->value, query);
    return EXIT_OK;
}

static int order_by(struct tool *tool, uint32_t kind, uint32_t field, bool descending, crm_query *query)
{
    int32_t type = crm_field_type(tool->db, kind, field);

    if (type_is_list(type) || type == CRM_TYPE_ID)
        return tool_usage(tool, "--order: '%s' is of type %s, which has no order",
                          crm_field_name(tool->db, kind, field), crm_type_name(type));
    crm_query_order(query, field, descending);
    return EXIT_OK;
}

int condition_apply(struct tool *tool, uint32_t kind, crm_query *query)
{
    const char *order = tool_value(tool, "order");
    const char *after = tool_value(tool, "after");
    uint32_t field = 0;
    int result = EXIT_OK;

    for (size_t i = 0; i < tool->given.option_count && result == EXIT_OK; i++)
        if (strcmp(tool->given.options[i].option->name, "where") == 0)
            result = where(tool, kind, &tool->given.options[i], query);
    if (result == EXIT_OK && order) {
        bool minus = order[0] == '-'; /* --order -amount: the short form of --desc */

        result = pick_field(tool, kind, order + minus, strlen(order + minus), &field);
        if (result == EXIT_OK)
            result = order_by(tool, kind, field, minus || tool_flag(tool, "desc"), query);
    } else if (result == EXIT_OK && tool_flag(tool, "desc")) {
        crm_query_order(query, CRM_FIELD_CREATED_AT, 1);
    }
    if (tool_flag(tool, "deleted"))
        crm_query_deleted(query, CRM_DELETED_ONLY);
    if (after)
        crm_query_after(query, after, strlen(after));
    return result;
}

int condition_query(struct tool *tool, uint32_t kind, crm_query **query)
{
    crm_error error = {0};
    int result;

    *query = NULL;
    if (crm_query_create(tool->view, kind, query, &error) != CRM_OK)
        return tool_error(tool, &error);
    result = condition_apply(tool, kind, *query);
    if (result != EXIT_OK) {
        crm_query_free(*query);
        *query = NULL;
    }
    return result;
}
