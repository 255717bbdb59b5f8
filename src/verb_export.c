/* verb_export: records as CSV or JSON Lines that `import` reads back. */
#include "condition.h"
#include "pick.h"
#include "progress.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the bytes go: standard output, or a file that appears under its name
 * only when it is whole. */
struct target {
    struct tool *tool;
    const char *path; /* NULL: standard output */
    struct buffer beside;
    int descriptor;
};

static int target_open(struct target *target)
{
    if (!target->path)
        return EXIT_OK;
    if (tool_spares(target->tool, target->path, -1) != EXIT_OK)
        return EXIT_WRONG_USAGE;
    buffer_print(&target->beside, "%s.new", target->path);
    target->descriptor = open(target->beside.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return target->descriptor >= 0 ? EXIT_OK : tool_fail(target->tool, "%s: %s", target->beside.data, strerror(errno));
}

static int target_write(struct target *target, const char *bytes, size_t length)
{
    struct sink *out = &target->tool->out;

    if (!target->path) {
        if (out->terminal) /* never raw onto a terminal */
            buffer_plain(&out->pending, bytes, length, true);
        else
            buffer_add(&out->pending, bytes, length);
        sink_pour(out);
        return EXIT_OK;
    }
    while (length > 0) {
        ssize_t count = write(target->descriptor, bytes, length);

        if (count < 0 && errno != EINTR)
            return tool_fail(target->tool, "%s: %s", target->beside.data, strerror(errno));
        bytes += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
    return EXIT_OK;
}

static int target_close(struct target *target, int result)
{
    if (target->path && target->descriptor >= 0) {
        if (close(target->descriptor) != 0 && result == EXIT_OK)
            result = tool_fail(target->tool, "%s: %s", target->beside.data, strerror(errno));
        if (result == EXIT_OK && rename(target->beside.data, target->path) != 0)
            result = tool_fail(target->tool, "%s: %s", target->path, strerror(errno));
        if (result != EXIT_OK)
            unlink(target->beside.data);
    }
    buffer_free(&target->beside);
    return result;
}

static int write_all(struct target *target, crm_export *records)
{
    struct tool *tool = target->tool;
    struct progress progress;
    crm_error error = {0};
    const char *bytes = NULL;
    size_t length = 0;
    uint64_t done = 0;
    int32_t status = CRM_DONE;
    int result = EXIT_OK;

    progress_start(&progress, target->path ? target->path : "export", 0);
    progress.shown &= target->path != NULL || !tool->out.terminal;
    while (result == EXIT_OK && !tool_interrupted && !sink_over(&tool->out) &&
           (status = crm_export_next(records, &bytes, &length, &error)) == CRM_OK) {
        result = target_write(target, bytes, length);
        done += length;
        progress_update(&progress, done, done / 1000, "kB");
    }
    progress_end(&progress);
    if (result == EXIT_OK && tool_interrupted)
        return tool_interrupt(tool, "the export is not whole");
    if (result == EXIT_OK && status != CRM_OK && status != CRM_DONE)
        return tool_error(tool, &error);
    return result;
}

int verb_export(struct tool *tool)
{
    const char *format = tool_value(tool, "format");
    struct target target = {.tool = tool, .path = tool_value(tool, "output"), .descriptor = -1};
    crm_error error = {0};
    crm_query *query = NULL;
    crm_export *records = NULL;
    uint32_t kind = 0;
    int64_t limit = 0;
    int result = pick_kind(tool, tool_word(tool, 0), &kind);

    if (!target.path)
        target.path = tool_word(tool, 1);
    if (target.path && strcmp(target.path, "-") == 0)
        target.path = NULL;
    if (result == EXIT_OK && format && strcmp(format, "csv") != 0 && strcmp(format, "jsonl") != 0)
        result = tool_usage(tool, "export writes csv or jsonl, not '%s'; `crm list` prints the others", format);
    if (result == EXIT_OK)
        result = tool_number(tool, "limit", 1, 0, &limit);
    if (result == EXIT_OK)
        result = tool_view(tool);
    if (result == EXIT_OK)
        result = condition_query(tool, kind, &query);
    if (result == EXIT_OK && limit > 0)
        crm_query_limit(query, (uint64_t)limit);
    if (result == EXIT_OK &&
        crm_export_create(query, format ? format : "csv", tool_value(tool, "columns"), &records, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result == EXIT_OK)
        result = target_open(&target);
    if (result == EXIT_OK)
        result = write_all(&target, records);
    result = target_close(&target, result);
    crm_export_free(records);
    crm_query_free(query);
    return result;
}
