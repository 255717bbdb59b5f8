/* verb_report: report pipeline, report lifecycle, lifecycle evaluate,
 * transitions, backtest: the library's tables, made fit for a page. */
#include "page.h"
#include "pick.h"
#include "result.h"
#include "verbs.h"

#include <inttypes.h>
#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

/* The moment that a report stands for: --as-of, else the clock. */
static int64_t moment(struct tool *tool)
{
    return tool_value(tool, "as-of") ? crm_view_time(tool->view) : crm_now(tool->db);
}

static int print_and_free(struct tool *tool, int32_t status, crm_table *table, const struct result_column *columns,
                          bool totals, const crm_error *error)
{
    int result = EXIT_OK;

    if (status != CRM_OK)
        result = tool_error(tool, error);
    else
        result_print(tool, table, columns, totals);
    crm_table_free(table);
    return result;
}

/* Words of people for keys of the pipeline report. */
static void pipeline_keys(struct buffer *out, const char *by)
{
    static const struct {
        const char *word, *key;
    } also[] = {{"region", "owner.region"}, {"team", "owner.team"}, {"agent", "owner"}, {"account", "customer"}};

    for (const char *at = by; *at;) {
        size_t length = strcspn(at, ",");
        const char *key = NULL;

        for (size_t i = 0; i < sizeof also / sizeof *also; i++)
            if (strlen(also[i].word) == length && memcmp(also[i].word, at, length) == 0)
                key = also[i].key;
        buffer_put(out, out->length ? "," : "");
        if (key)
            buffer_put(out, key);
        else
            buffer_add(out, at, length);
        at += length + (at[length] == ',');
    }
}

int verb_report_pipeline(struct tool *tool)
{
    /* In a narrow terminal the counts that follow from others go first. */
    static const struct result_column columns[] = {
        {"stage", NULL, 0},
        {"owner.region", "Region", 0},
        {"owner.team", "Team", 0},
        {"deals", NULL, 0},
        {"amount", NULL, 0},
        {"weighted", NULL, 0},
        {"open", NULL, COLUMN_SPARE},
        {"won", NULL, 0},
        {"lost", NULL, COLUMN_SPARE},
        {"won_amount", "Won value", COLUMN_SPARE},
        {"win_rate", "Win rate", RESULT_PERCENT},
        {"mean_cycle_days", "Cycle days", 0},
        {NULL, NULL, 0},
    };
    const char *by = tool_value(tool, "by");
    struct buffer keys = {0};
    crm_error error = {0};
    crm_table *table = NULL;
    int32_t status;
    int result = tool_view(tool);

    if (result != EXIT_OK)
        return result;
    pipeline_keys(&keys, by ? by : "stage");
    status = crm_report_pipeline(tool->view, buffer_text(&keys), &table, &error);
    buffer_free(&keys);
    return print_and_free(tool, status, table, columns, true, &error);
}

int verb_lifecycle_report(struct tool *tool)
{
    static const struct result_column columns[] = {
        {"share", NULL, RESULT_PERCENT},
        {"median_days", "Median days in stage", 0},
        {NULL, NULL, 0},
    };
    crm_error error = {0};
    crm_table *table = NULL;
    int64_t since = 0, month = 0;
    int32_t status;
    int result = tool_view(tool);

    if (result == EXIT_OK && crm_time_parse("-1m", CRM_NUL, moment(tool), &month) != CRM_OK)
        month = moment(tool) - 30 * DAY_US;
    if (result == EXIT_OK && tool_value(tool, "since") &&
        crm_time_parse(tool_value(tool, "since"), CRM_NUL, moment(tool), &since) != CRM_OK)
        result = tool_time(tool, "since", 0, &since); /* says what a time looks like */
    if (result != EXIT_OK)
        return result;
    status = crm_lifecycle_report(tool->view, tool_value(tool, "since") ? since : month, &table, &error);
    return print_and_free(tool, status, table, columns, true, &error);
}

int verb_lifecycle_evaluate(struct tool *tool)
{
    static const struct result_column columns[] = {{"evidence", "Evidence", 0}, {NULL, NULL, 0}};
    bool dry_run = tool_flag(tool, "dry-run");
    crm_error error = {0};
    crm_table *table = NULL;
    crm_txn *txn = NULL;
    int64_t time = 0;
    uint64_t lsn = 0;
    struct buffer moved = {0};
    int result = tool_time(tool, "as-of", crm_now(tool->db), &time);

    if (result == EXIT_OK)
        result = tool_begin(tool, &txn);
    if (result != EXIT_OK)
        return result;
    if (crm_lifecycle_evaluate(txn, time, dry_run, &table, &error) != CRM_OK) {
        crm_rollback(txn);
        result = tool_error(tool, &error);
    } else if (dry_run) {
        crm_rollback(txn);
    } else {
        result = tool_commit(tool, txn, &lsn);
    }
    if (result == EXIT_OK) {
        buffer_counted(&moved, crm_table_rows(table), "customer");
        if (crm_table_rows(table) > 0 || tool->format != FORMAT_TABLE)
            result_print(tool, table, columns, false);
        sink_flush(&tool->out);
        tool_note(tool, "%s %s", moved.data, dry_run ? "would move; nothing was changed" : "moved");
    }
    buffer_free(&moved);
    crm_table_free(table);
    return result;
}

/* With a customer: its own transitions; else the matrix between two moments. */
int verb_lifecycle_transitions(struct tool *tool)
{
    static const struct result_column columns[] = {
        {"rule", NULL, COLUMN_SPARSE}, {"evidence", NULL, COLUMN_SPARSE}, {NULL, NULL, 0}};
    struct picked picked;
    crm_error error = {0};
    crm_table *table = NULL;
    int64_t from = 0, to = 0;
    int32_t status;
    int result = tool_view(tool);

    if (result == EXIT_OK && tool_word(tool, 0)) {
        result = pick_record(tool, tool->view, CRM_KIND_CUSTOMER, tool_word(tool, 0), false, &picked);
        if (result != EXIT_OK)
            return result;
        status = crm_stage_history(tool->view, picked.kind, &picked.id, &table, &error);
        return print_and_free(tool, status, table, columns, false, &error);
    }
    if (result == EXIT_OK && !tool_value(tool, "from"))
        result = tool_usage(tool, "transitions needs a customer, or two moments: --from TIME [--to TIME]");
    if (result == EXIT_OK)
        result = tool_time(tool, "from", 0, &from);
    if (result == EXIT_OK)
        result = tool_time(tool, "to", moment(tool), &to);
    if (result == EXIT_OK && to < from)
        result = tool_usage(tool, "--to lies before --from");
    if (result != EXIT_OK)
        return result;
    status = crm_lifecycle_matrix(tool->view, from, to, &table, &error);
    return print_and_free(tool, status, table, NULL, false, &error);
}

int verb_lifecycle_backtest(struct tool *tool)
{
    static const struct result_column columns[] = {{"per_customer", "Per customer", 0}, {NULL, NULL, 0}};
    crm_error error = {0};
    crm_table *table = NULL;
    int64_t at = 0, days = 0;
    int32_t status;
    int result = EXIT_OK;

    if (!tool_value(tool, "as-of"))
        result = tool_usage(tool, "backtest needs --as-of TIME: the moment to judge customers by");
    if (result == EXIT_OK)
        result = tool_number(tool, "days", 1, 180, &days);
    if (result == EXIT_OK)
        result = tool_time(tool, "as-of", 0, &at);
    if (result == EXIT_OK && days > INT32_MAX / 2)
        result = tool_usage(tool, "--days %s is too many", tool_value(tool, "days"));
    if (result != EXIT_OK)
        return result;
    /* The newest view: what followed the moment must be in it. */
    if (crm_view_open(tool->db, &tool->view, &error) != CRM_OK)
        return tool_error(tool, &error);
    status = crm_lifecycle_backtest(tool->view, at, (int32_t)days, &table, &error);
    return print_and_free(tool, status, table, columns, false, &error);
}
