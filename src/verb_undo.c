/* verb_undo: the batches of a file, and taking one back.
 *
 * A batch is a name that its transactions carry; nobody keeps a list of them,
 * so they are read off the changes, all of which stay in the file.
 */
#include "result.h"
#include "value.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct batch {
    char *name, *actor;
    uint64_t first_lsn, last_lsn, changes;
    int64_t time;
};

struct batches {
    struct batch *list;
    size_t count;
};

/* Changes of a batch come together, so the last one is nearly always it. */
static struct batch *batch_of(struct batches *batches, const crm_change *change, const char *name)
{
    const char *actor = crm_change_actor(change);
    struct batch *batch;

    for (size_t i = batches->count; i > 0; i--)
        if (strcmp(batches->list[i - 1].name, name) == 0)
            return &batches->list[i - 1];
    batches->list = memory_resize(batches->list, batches->count + 1, sizeof *batches->list);
    batch = &batches->list[batches->count++];
    *batch = (struct batch){.first_lsn = crm_change_lsn(change), .time = crm_change_time(change)};
    batch->name = memory_text(name, strlen(name));
    batch->actor = memory_text(actor ? actor : "", actor ? strlen(actor) : 0);
    return batch;
}

static int read_batches(struct tool *tool, struct batches *batches)
{
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    crm_error error = {0};
    int32_t status = crm_feed_open(tool->db, 0, &feed, &error);

    while (status == CRM_OK && !tool_interrupted && (status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK) {
        const char *name = crm_change_batch(change);

        if (name && *name) {
            struct batch *batch = batch_of(batches, change, name);

            batch->last_lsn = crm_change_lsn(change);
            batch->changes++;
        }
    }
    crm_feed_close(feed);
    if (tool_interrupted)
        return tool_interrupt(tool, "not all batches were read");
    return status == CRM_TIMEOUT || status == CRM_DONE ? EXIT_OK : tool_error(tool, &error);
}

static void number_cell(struct sheet *sheet, uint64_t value)
{
    char number[24];

    snprintf(number, sizeof number, "%" PRIu64, value);
    sheet_number(sheet, number);
}

static int list_batches(struct tool *tool)
{
    struct batches batches = {0};
    struct sheet sheet;
    int result = read_batches(tool, &batches);

    sheet_start(&sheet, &tool->out, tool->format);
    sheet_column(&sheet, "batch", "Batch", COLUMN_WHOLE);
    sheet_column(&sheet, "time", "When", COLUMN_WHOLE);
    sheet_column(&sheet, "actor", "Who", 0);
    sheet_column(&sheet, "changes", "Changes", COLUMN_RIGHT);
    sheet_column(&sheet, "first_lsn", "First LSN", COLUMN_RIGHT);
    sheet_column(&sheet, "last_lsn", "Last LSN", COLUMN_RIGHT);
    for (size_t i = 0; i < batches.count; i++) {
        struct batch *batch = &batches.list[i];
        struct buffer shown = {0};
        char time[32];

        crm_time_format(batch->time, time);
        buffer_moment(&shown, batch->time);
        sheet_puts(&sheet, batch->name);
        sheet_value(&sheet, time, strlen(time), NULL, buffer_text(&shown));
        sheet_puts(&sheet, batch->actor);
        number_cell(&sheet, batch->changes);
        number_cell(&sheet, batch->first_lsn);
        number_cell(&sheet, batch->last_lsn);
        buffer_free(&shown);
        free(batch->name);
        free(batch->actor);
    }
    sheet_end(&sheet);
    free(batches.list);
    return result;
}

/* undo FILE: the batches there are; undo FILE BATCH: takes one back. */
int verb_undo(struct tool *tool)
{
    crm_error error = {0};
    crm_table *conflicts = NULL;
    crm_txn *txn = NULL;
    uint64_t lsn = 0, before;
    const char *batch = tool_word(tool, 0);
    int32_t status;
    int result;

    if (!batch)
        return list_batches(tool);
    result = tool_begin(tool, &txn);
    if (result != EXIT_OK)
        return result;
    before = crm_lsn(tool->db);
    status = crm_undo(txn, batch, tool_flag(tool, "override"), &conflicts, &error);
    if (status == CRM_OK) {
        result = tool_commit(tool, txn, &lsn);
    } else {
        crm_rollback(txn);
        if (status == CRM_NOT_FOUND)
            result =
                tool_fail(tool, "%s: there is no batch '%s'; `crm undo %s` lists them", tool->path, batch, tool->path);
        else if (status == CRM_REFERENCED)
            result = tool_fail(tool, "%s; nothing was undone, --override undoes the rest", error.message);
        else
            result = tool_error(tool, &error);
    }
    if (conflicts && crm_table_rows(conflicts) > 0) {
        result_print(tool, conflicts, NULL, false);
        sink_flush(&tool->out);
    } else if (result == EXIT_OK && tool->format == FORMAT_TABLE) {
        buffer_put(&tool->out.pending, lsn == before ? "nothing is left to undo of " : "undone ");
        buffer_plain(&tool->out.pending, batch, strlen(batch), false);
        buffer_print(&tool->out.pending, " (LSN %" PRIu64 ")\n", lsn);
    } else if (result == EXIT_OK) {
        buffer_print(&tool->out.pending, "{\"lsn\":%" PRIu64 "}\n", lsn);
    }
    crm_table_free(conflicts);
    return result;
}
