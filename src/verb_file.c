/* verb_file: making the file, and its care: verify, recover, compact, backup,
 * stat, rebuild, settings. */
#include "result.h"
#include "verbs.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t file_size(const char *path)
{
    struct stat about = {0};

    return stat(path, &about) == 0 && about.st_size > 0 ? (uint64_t)about.st_size : 0;
}

/* "12.3 MB": sizes as disks count them. */
static void size_shown(struct buffer *out, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        buffer_print(out, "%" PRIu64 " bytes", bytes);
        return;
    }
    while (value >= 1000 && unit < 3) {
        value /= 1000;
        unit++;
    }
    buffer_print(out, value < 10 ? "%.2f %s" : value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static int set_lifecycle(struct tool *tool, const char *name)
{
    crm_txn *txn = NULL;
    int result = tool_begin(tool, &txn);

    if (result != EXIT_OK)
        return result;
    if (crm_setting_set(txn, "lifecycle", name) != CRM_OK)
        return tool_rollback(tool, txn);
    return tool_commit(tool, txn, NULL);
}

int verb_init(struct tool *tool)
{
    const char *currency = tool_value(tool, "currency"), *lifecycle = tool_value(tool, "lifecycle");
    crm_error error = {0};
    crm_options *options;
    int32_t status;
    int result = EXIT_OK;

    if (tool->shell)
        return tool_usage(tool, "init makes a new file: leave the shell first");
    if (lifecycle && strcmp(lifecycle, "four") != 0 && strcmp(lifecycle, "five") != 0)
        return tool_usage(tool, "--lifecycle '%s' is neither four nor five", lifecycle);
    options = tool_options(tool, 2);
    if (!options)
        return EXIT_WRONG_USAGE;
    if (currency && crm_options_set_text(options, CRM_OPTION_CURRENCY, currency, strlen(currency)) != CRM_OK) {
        crm_options_free(options);
        return tool_usage(tool, "--currency '%s' is no ISO 4217 code: EUR, USD, CNY", currency);
    }
    status = crm_open(tool->path, options, &tool->db, &error);
    crm_options_free(options);
    if (status == CRM_EXISTS)
        return tool_fail(tool, "%s: exists already; nothing was changed", tool->path);
    if (status != CRM_OK)
        return tool_error(tool, &error);
    if (lifecycle)
        result = set_lifecycle(tool, lifecycle);
    if (result == EXIT_OK)
        result = tool_view(tool);
    if (result == EXIT_OK) {
        lifecycle = crm_setting(tool->view, "lifecycle");
        buffer_print(&tool->out.pending, "made %s: currency %s, lifecycle %s\n", tool->path,
                     tool->currency ? tool->currency : "EUR", lifecycle ? lifecycle : "four");
    }
    return result;
}

/* A file whose damage forbids writing can still be read, and checked. */
static int open_to_verify(struct tool *tool)
{
    crm_error error = {0};
    crm_options *options;
    int32_t status;

    if (tool->db)
        return EXIT_OK;
    options = tool_options(tool, 0);
    if (!options)
        return EXIT_WRONG_USAGE;
    crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1);
    crm_options_set_log(options, NULL, NULL); /* the table says it all */
    status = crm_open(tool->path, options, &tool->db, &error);
    crm_options_free(options);
    if (status == CRM_NOT_FOUND)
        return tool_fail(tool, "%s: no such file", tool->path);
    return status == CRM_OK ? EXIT_OK : tool_error(tool, &error);
}

int verb_verify(struct tool *tool)
{
    crm_error error = {0};
    crm_table *table = NULL;
    int32_t status;
    int result = open_to_verify(tool);

    if (result != EXIT_OK)
        return result;
    status = crm_verify(tool->db, &table, &error);
    if (status == CRM_OK) {
        if (tool->format == FORMAT_TABLE)
            buffer_print(&tool->out.pending, "%s: sound\n", tool->path);
        else if (table)
            result_print(tool, table, NULL, false);
    } else {
        if (table && crm_table_rows(table) > 0)
            result_print(tool, table, NULL, false);
        sink_flush(&tool->out);
        result = tool_error(tool, &error);
    }
    crm_table_free(table);
    return result;
}

int verb_recover(struct tool *tool)
{
    const char *to = tool_word(tool, 0);
    crm_error error = {0};
    crm_table *table = NULL;
    crm_options *options = tool_options(tool, 2);
    int32_t status;
    int result = EXIT_OK;

    if (!options)
        return EXIT_WRONG_USAGE;
    status = crm_recover(tool->path, to, options, &table, &error);
    crm_options_free(options);
    if (status == CRM_EXISTS)
        result = tool_fail(tool, "%s: exists already; name a new file", to);
    else if (status == CRM_NOT_FOUND)
        result = tool_fail(tool, "%s: no such file", tool->path);
    else if (status != CRM_OK)
        result = tool_error(tool, &error);
    if (table && crm_table_rows(table) > 0)
        result_print(tool, table, NULL, false);
    if (result != EXIT_OK)
        sink_flush(&tool->out);
    crm_table_free(table);
    return result;
}

int verb_compact(struct tool *tool)
{
    uint64_t before = file_size(tool->path), after;
    crm_error error = {0};

    if (crm_compact(tool->db, &error) != CRM_OK)
        return tool_error(tool, &error);
    after = file_size(tool->path);
    if (tool->format == FORMAT_TABLE) {
        buffer_print(&tool->out.pending, "%s: ", tool->path);
        size_shown(&tool->out.pending, before);
        buffer_put(&tool->out.pending, " → ");
        size_shown(&tool->out.pending, after);
        buffer_put(&tool->out.pending, "\n");
    } else {
        buffer_print(&tool->out.pending, "{\"bytes_before\":%" PRIu64 ",\"bytes_after\":%" PRIu64 "}\n", before, after);
    }
    return EXIT_OK;
}

int verb_backup(struct tool *tool)
{
    const char *to = tool_word(tool, 0);
    crm_error error = {0};
    int32_t status = crm_backup(tool->db, to, &error);

    if (status == CRM_EXISTS)
        return tool_fail(tool, "%s: exists already; name a new file", to);
    if (status != CRM_OK)
        return tool_error(tool, &error);
    if (tool->format == FORMAT_TABLE) {
        buffer_print(&tool->out.pending, "%s: ", to);
        size_shown(&tool->out.pending, file_size(to));
        buffer_put(&tool->out.pending, "\n");
    } else {
        buffer_print(&tool->out.pending, "{\"bytes\":%" PRIu64 "}\n", file_size(to));
    }
    return EXIT_OK;
}

int verb_rebuild(struct tool *tool)
{
    crm_error error = {0};

    if (crm_rebuild(tool->db, &error) != CRM_OK)
        return tool_error(tool, &error);
    if (tool->format == FORMAT_TABLE)
        buffer_print(&tool->out.pending, "%s: indexes built anew\n", tool->path);
    return EXIT_OK;
}

int verb_stat(struct tool *tool)
{
    crm_error error = {0};
    crm_table *table = NULL;
    int32_t status = crm_stat(tool->db, &table, &error);
    int result = status == CRM_OK ? EXIT_OK : tool_error(tool, &error);

    if (result == EXIT_OK)
        result_print(tool, table, NULL, false);
    crm_table_free(table);
    return result;
}

static int list_settings(struct tool *tool)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_error error = {0};
    struct sheet sheet;

    if (crm_query_create(tool->view, CRM_KIND_SETTING, &query, &error) != CRM_OK)
        return tool_error(tool, &error);
    sheet_start(&sheet, &tool->out, tool->format);
    sheet_column(&sheet, "name", "Name", 0);
    sheet_column(&sheet, "value", "Value", 0);
    while (crm_query_next(query, &record, &error) == CRM_OK) {
        sheet_puts(&sheet, crm_text(record, CRM_SETTING_NAME, NULL));
        sheet_puts(&sheet, crm_text(record, CRM_SETTING_VALUE, NULL));
    }
    sheet_end(&sheet);
    crm_query_free(query);
    return EXIT_OK;
}

/* setting FILE: all; setting FILE NAME: one; setting FILE NAME VALUE: sets it. */
int verb_setting(struct tool *tool)
{
    const char *name = tool_word(tool, 0), *value = tool_word(tool, 1);
    crm_txn *txn = NULL;
    int result;

    if (value) {
        result = tool_begin(tool, &txn);
        if (result != EXIT_OK)
            return result;
        if (crm_setting_set(txn, name, value) != CRM_OK)
            return tool_rollback(tool, txn);
        return tool_commit(tool, txn, NULL);
    }
    result = tool_view(tool);
    if (result != EXIT_OK || !name)
        return result == EXIT_OK ? list_settings(tool) : result;
    value = crm_setting(tool->view, name);
    if (!value)
        return tool_fail(tool, "%s: the setting '%s' was never made", tool->path, name);
    buffer_plain(&tool->out.pending, value, strlen(value), false);
    buffer_put(&tool->out.pending, "\n");
    return EXIT_OK;
}
