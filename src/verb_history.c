/* verb_history: history of a record, and the change feed. */
#include "page.h"
#include "pick.h"
#include "value.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FOLLOW_WAIT_MS = 250 };

static const char *operation_name(int32_t operation)
{
    static const char *const names[] = {"?", "create", "update", "delete", "restore", "erase"};

    return operation >= 1 && operation <= 5 ? names[operation] : names[0];
}

/* "created by mia" */
static const char *operation_done(int32_t operation)
{
    static const char *const names[] = {"changed", "created", "changed", "deleted", "restored", "erased"};

    return operation >= 1 && operation <= 5 ? names[operation] : names[0];
}

static bool told(const char *text)
{
    return text && *text;
}

/* Fields whose change says nothing: every change changes them. */
static bool bookkeeping(uint32_t field)
{
    return field < CRM_FIELD_OWNER;
}

static void change_value(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field)
{
    if (!record || !crm_has(record, field))
        buffer_put(out, "–");
    else
        value_shown(tool, out, record, field);
}

/* One version for people: a line of who and when, then a line a field. */
static void print_version(struct tool *tool, const crm_change *change, bool first)
{
    struct buffer line = {0}, label = {0};
    uint32_t count = crm_change_field_count(change), kind = crm_change_kind(change);
    crm_record *before = crm_change_before(change), *after = crm_change_after(change);
    size_t widest = 8;

    buffer_print(&label, "Version %" PRIu64, crm_change_version(change));
    buffer_moment(&line, crm_change_time(change));
    buffer_print(&line, " · %s by %s", operation_done(crm_change_operation(change)),
                 told(crm_change_actor(change)) ? crm_change_actor(change) : "nobody named");
    if (told(crm_change_batch(change)))
        buffer_print(&line, " · batch %s", crm_change_batch(change));
    if (!first)
        buffer_put(&tool->out.pending, "\n");
    sink_bold(&tool->out, true);
    buffer_put(&tool->out.pending, label.data);
    sink_bold(&tool->out, false);
    buffer_put(&tool->out.pending, "  ");
    buffer_plain(&tool->out.pending, line.data, line.length, false);
    buffer_put(&tool->out.pending, "\n");
    if (told(crm_change_reason(change)))
        page_fact(&tool->out, 4, "  why", crm_change_reason(change));
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t field = crm_change_field(change, i);
            size_t width;

            if (bookkeeping(field) || (crm_field_flags(tool->db, kind, field) & CRM_FLAG_SYSTEM))
                continue;
            buffer_clear(&label);
            buffer_print(&label, "  %s", crm_field_name(tool->db, kind, field));
            width = crm_text_width(label.data, label.length);
            if (pass == 0) {
                widest = width > widest ? width : widest;
                continue;
            }
            buffer_clear(&line);
            if (before) {
                change_value(tool, &line, before, field);
                buffer_put(&line, " → ");
            }
            change_value(tool, &line, after, field);
            page_fact(&tool->out, widest, label.data, line.data);
        }
    }
    buffer_free(&line);
    buffer_free(&label);
}

static void member(struct buffer *out, const char *name, const char *text)
{
    if (!told(text))
        return;
    buffer_print(out, ",\"%s\":", name);
    buffer_json(out, text, strlen(text));
}

static void change_json(struct tool *tool, struct buffer *out, const crm_change *change)
{
    crm_record *before = crm_change_before(change), *after = crm_change_after(change);
    uint32_t kind = crm_change_kind(change);
    char time[32];
    crm_id id;
    bool first = true;

    crm_time_format(crm_change_time(change), time);
    crm_change_id(change, &id);
    buffer_print(out, "{\"lsn\":%" PRIu64 ",\"time\":\"%s\"", crm_change_lsn(change), time);
    member(out, "actor", crm_change_actor(change));
    member(out, "reason", crm_change_reason(change));
    member(out, "batch", crm_change_batch(change));
    member(out, "operation", operation_name(crm_change_operation(change)));
    member(out, "kind", crm_kind_name(tool->db, kind));
    buffer_put(out, ",\"id\":\"");
    buffer_id(out, &id);
    buffer_print(out, "\",\"version\":%" PRIu64, crm_change_version(change));
    member(out, "name", crm_title(after ? after : before, NULL));
    buffer_put(out, ",\"fields\":{");
    for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
        uint32_t field = crm_change_field(change, i);
        const char *name = crm_field_name(tool->db, kind, field);

        if (bookkeeping(field) || !name)
            continue;
        buffer_print(out, "%s\"%s\":{\"old\":", first ? "" : ",", name);
        first = false;
        if (before)
            value_json(tool, out, before, field);
        else
            buffer_put(out, "null");
        buffer_put(out, ",\"new\":");
        if (after)
            value_json(tool, out, after, field);
        else
            buffer_put(out, "null");
        buffer_put(out, "}");
    }
    buffer_put(out, "}}");
}

static void change_columns(struct sheet *sheet)
{
    sheet_column(sheet, "lsn", "LSN", COLUMN_RIGHT);
    sheet_column(sheet, "time", "When", COLUMN_WHOLE);
    sheet_column(sheet, "actor", "Who", 0);
    sheet_column(sheet, "operation", "What", COLUMN_WHOLE);
    sheet_column(sheet, "kind", "Kind", COLUMN_WHOLE);
    sheet_column(sheet, "name", "Name", 0);
    sheet_column(sheet, "field", "Field", 0);
    sheet_column(sheet, "old", "Before", 0);
    sheet_column(sheet, "new", "After", 0);
    sheet_column(sheet, "reason", "Why", COLUMN_SPARSE);
    sheet_column(sheet, "id", "Id", COLUMN_SPARE | COLUMN_WHOLE);
}

static void change_row(struct tool *tool, struct sheet *sheet, const crm_change *change, uint32_t field)
{
    crm_record *before = crm_change_before(change), *after = crm_change_after(change);
    const char *name = field ? crm_field_name(tool->db, crm_change_kind(change), field) : "";
    const char *actor = crm_change_actor(change), *reason = crm_change_reason(change);
    struct buffer text = {0};
    char time[32], number[24];
    crm_id id;

    crm_time_format(crm_change_time(change), time);
    buffer_print(&text, "%" PRIu64, crm_change_lsn(change));
    memcpy(number, text.data, text.length + 1);
    sheet_value(sheet, number, text.length, number, NULL);
    buffer_clear(&text);
    buffer_moment(&text, crm_change_time(change));
    sheet_value(sheet, time, strlen(time), NULL, text.data);
    sheet_puts(sheet, actor ? actor : "");
    sheet_puts(sheet, operation_name(crm_change_operation(change)));
    sheet_puts(sheet, crm_kind_name(tool->db, crm_change_kind(change)));
    sheet_puts(sheet, crm_title(after ? after : before, NULL));
    sheet_puts(sheet, name ? name : "");
    for (int i = 0; i < 2; i++) {
        const crm_record *record = i ? after : before;

        if (record && field)
            value_cell(tool, sheet, record, field);
        else
            sheet_null(sheet);
    }
    sheet_puts(sheet, reason ? reason : "");
    buffer_clear(&text);
    crm_change_id(change, &id);
    buffer_id(&text, &id);
    sheet_puts(sheet, text.data);
    buffer_free(&text);
}

/* A row a field, or one row for a change that touched none. */
static void change_rows(struct tool *tool, struct sheet *sheet, const crm_change *change)
{
    bool any = false;

    for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
        if (bookkeeping(crm_change_field(change, i)))
            continue;
        change_row(tool, sheet, change, crm_change_field(change, i));
        any = true;
    }
    if (!any)
        change_row(tool, sheet, change, 0);
}

static void change_print(struct tool *tool, struct sheet *sheet, const crm_change *change, uint64_t row)
{
    struct buffer *out = &tool->out.pending;

    if (tool->format == FORMAT_TABLE || tool->format == FORMAT_CSV) {
        change_rows(tool, sheet, change);
        return;
    }
    if (tool->format == FORMAT_JSON)
        buffer_put(out, row ? ",\n" : "[\n");
    change_json(tool, out, change);
    buffer_put(out, tool->format == FORMAT_JSON ? "" : "\n");
    sink_pour(&tool->out);
}

int verb_history(struct tool *tool)
{
    struct picked picked = {0};
    crm_history *history = NULL;
    crm_change *change = NULL;
    crm_error error = {0};
    struct sheet sheet;
    uint64_t count = 0;
    int32_t status = CRM_DONE;
    size_t next = 0;
    int result = tool_view(tool);

    if (result == EXIT_OK)
        result = pick_words(tool, tool->view, 0, tool_words(tool), false, &picked, &next);
    if (result == EXIT_OK && crm_history_open(tool->view, picked.kind, &picked.id, &history, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result != EXIT_OK)
        return result;
    sheet_start(&sheet, &tool->out, tool->format);
    if (tool->format == FORMAT_CSV)
        change_columns(&sheet);
    while (!sink_over(&tool->out) && !tool_interrupted &&
           (status = crm_history_next(history, &change, &error)) == CRM_OK) {
        if (tool->format == FORMAT_TABLE)
            print_version(tool, change, count == 0);
        else
            change_print(tool, &sheet, change, count);
        count++;
        sink_pour(&tool->out);
    }
    if (status != CRM_OK && status != CRM_DONE)
        result = tool_error(tool, &error);
    else if (tool->format == FORMAT_JSON)
        buffer_put(&tool->out.pending, count ? "\n]\n" : "[]\n");
    if (tool->format == FORMAT_CSV)
        sheet_end(&sheet);
    crm_history_close(history);
    return result;
}

struct changes {
    struct sheet sheet;
    uint64_t count, limit;
    uint64_t last; /* transaction to be told; UINT64_MAX: no end */
    bool follow;
};

/* Whether to go on after this answer of the feed. */
static bool go_on(struct tool *tool, const struct changes *changes, int32_t status)
{
    if (sink_over(&tool->out) || tool_interrupted || (changes->limit && changes->count >= changes->limit))
        return false;
    return status == CRM_OK || (status == CRM_TIMEOUT && changes->follow);
}

static int print_changes(struct tool *tool, crm_feed *feed, struct changes *changes)
{
    crm_change *change = NULL;
    crm_error error = {0};
    int32_t status = CRM_OK;

    while (go_on(tool, changes, status)) {
        status = crm_feed_next(feed, changes->follow ? FOLLOW_WAIT_MS : 0, &change, &error);
        if (status == CRM_OK && crm_change_lsn(change) > changes->last)
            break;
        if (status == CRM_OK)
            change_print(tool, &changes->sheet, change, changes->count++);
        if (changes->follow) /* a follower wants each line at once */
            sink_flush(&tool->out);
    }
    return status == CRM_OK || status == CRM_TIMEOUT || status == CRM_DONE ? EXIT_OK : tool_error(tool, &error);
}

int verb_changes(struct tool *tool)
{
    struct changes changes = {.follow = tool_flag(tool, "follow"), .last = UINT64_MAX};
    crm_error error = {0};
    crm_feed *feed = NULL;
    int64_t since = 0, limit = 0;
    bool rows;
    int result = tool_number(tool, "since", 0, 0, &since);

    if (!tool_value(tool, "format"))
        tool->format = FORMAT_JSONL;
    rows = tool->format == FORMAT_TABLE || tool->format == FORMAT_CSV;
    if (result == EXIT_OK)
        result = tool_number(tool, "limit", 1, 0, &limit);
    if (result == EXIT_OK && changes.follow && (tool->format == FORMAT_TABLE || tool->format == FORMAT_JSON))
        result = tool_usage(tool, "changes --follow prints jsonl or csv: the other formats need an end");
    if (result == EXIT_OK && changes.follow && tool_value(tool, "as-of"))
        result = tool_usage(tool, "changes --follow waits for what is to come, --as-of ends before");
    if (result == EXIT_OK)
        result = tool_view(tool); /* names and the currency for people */
    if (result == EXIT_OK && crm_feed_open(tool->db, (uint64_t)since, &feed, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result != EXIT_OK)
        return result;
    changes.limit = (uint64_t)limit;
    if (tool_value(tool, "as-of"))
        changes.last = crm_view_lsn(tool->view);
    sheet_start(&changes.sheet, &tool->out, tool->format);
    if (rows)
        change_columns(&changes.sheet);
    result = print_changes(tool, feed, &changes);
    if (rows)
        sheet_end(&changes.sheet);
    else if (tool->format == FORMAT_JSON)
        buffer_put(&tool->out.pending, changes.count ? "\n]\n" : "[]\n");
    crm_feed_close(feed);
    return result == EXIT_OK && tool_interrupted ? EXIT_INTERRUPTED : result;
}
