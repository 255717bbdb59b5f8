/* verb_schema: kinds, fields and choices: what there is, and a user's own. */
#include "pick.h"
#include "suggest.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    uint32_t flag;
    const char *name;
} flag_names[] = {
    {CRM_FLAG_REQUIRED, "required"}, {CRM_FLAG_UNIQUE, "unique"},     {CRM_FLAG_KEY, "key"},
    {CRM_FLAG_INDEXED, "indexed"},   {CRM_FLAG_HOT, "hot"},           {CRM_FLAG_TIMELINE, "timeline"},
    {CRM_FLAG_ACYCLIC, "acyclic"},   {CRM_FLAG_PERSONAL, "personal"}, {CRM_FLAG_OPEN, "open"},
    {CRM_FLAG_SYSTEM, "system"},
};

static void flags_text(struct buffer *out, uint32_t flags)
{
    for (size_t i = 0; i < sizeof flag_names / sizeof *flag_names; i++)
        if (flags & flag_names[i].flag)
            buffer_print(out, "%s%s", out->length ? " " : "", flag_names[i].name);
}

/* "ref customer", "decimal 2", "choice". */
static void type_text(struct tool *tool, struct buffer *out, uint32_t kind, uint32_t field)
{
    int32_t type = crm_field_type(tool->db, kind, field);
    uint32_t target = crm_field_target(tool->db, kind, field);

    buffer_put(out, crm_type_name(type));
    if (type == CRM_TYPE_REF && crm_kind_name(tool->db, target))
        buffer_print(out, " %s", crm_kind_name(tool->db, target));
    else if (type == CRM_TYPE_DECIMAL)
        buffer_print(out, " %" PRIu32, target);
}

static void choices_text(struct tool *tool, struct buffer *out, uint32_t kind, uint32_t field)
{
    for (uint32_t i = 0; i < crm_choice_count(tool->db, kind, field); i++) {
        const char *name = crm_choice_name(tool->db, kind, field, crm_choice_at(tool->db, kind, field, i));

        buffer_print(out, "%s%s", i ? ", " : "", name ? name : "");
    }
}

static void field_rows(struct tool *tool, struct sheet *sheet, uint32_t kind, bool with_kind)
{
    for (uint32_t i = 0; i < crm_field_count(tool->db, kind); i++) {
        uint32_t field = crm_field_at(tool->db, kind, i);
        struct buffer text = {0};
        char number[16];

        if (with_kind)
            sheet_puts(sheet, crm_kind_name(tool->db, kind));
        sheet_puts(sheet, crm_field_name(tool->db, kind, field));
        type_text(tool, &text, kind, field);
        sheet_puts(sheet, buffer_text(&text));
        buffer_clear(&text);
        flags_text(&text, crm_field_flags(tool->db, kind, field));
        sheet_puts(sheet, buffer_text(&text));
        buffer_clear(&text);
        choices_text(tool, &text, kind, field);
        sheet_puts(sheet, buffer_text(&text));
        snprintf(number, sizeof number, "%" PRIu32, field);
        sheet_value(sheet, number, strlen(number), number, NULL);
        buffer_free(&text);
    }
}

static void field_columns(struct tool *tool, struct sheet *sheet, bool with_kind)
{
    sheet_start(sheet, &tool->out, tool->format);
    if (with_kind)
        sheet_column(sheet, "kind", "Kind", COLUMN_WHOLE);
    sheet_column(sheet, "field", "Field", COLUMN_WHOLE);
    sheet_column(sheet, "type", "Type", COLUMN_WHOLE);
    sheet_column(sheet, "flags", "Flags", 0);
    sheet_column(sheet, "choices", "Choices", COLUMN_SPARSE);
    sheet_column(sheet, "number", "No.", COLUMN_RIGHT | COLUMN_SPARE);
}

static int print_kinds(struct tool *tool)
{
    struct sheet sheet;

    sheet_start(&sheet, &tool->out, tool->format);
    sheet_column(&sheet, "kind", "Kind", COLUMN_WHOLE);
    sheet_column(&sheet, "number", "No.", COLUMN_RIGHT);
    sheet_column(&sheet, "fields", "Fields", COLUMN_RIGHT);
    sheet_column(&sheet, "records", "Records", COLUMN_RIGHT);
    for (uint32_t i = 0; i < crm_kind_count(tool->db); i++) {
        uint32_t kind = crm_kind_at(tool->db, i);
        crm_query *query = NULL;
        uint64_t records = 0;
        char number[24];

        if (crm_query_create(tool->view, kind, &query, NULL) == CRM_OK)
            crm_query_count(query, &records, NULL);
        crm_query_free(query);
        sheet_puts(&sheet, crm_kind_name(tool->db, kind));
        snprintf(number, sizeof number, "%" PRIu32, kind);
        sheet_value(&sheet, number, strlen(number), number, NULL);
        snprintf(number, sizeof number, "%" PRIu32, crm_field_count(tool->db, kind));
        sheet_number(&sheet, number);
        snprintf(number, sizeof number, "%" PRIu64, records);
        sheet_number(&sheet, number);
    }
    sheet_end(&sheet);
    return EXIT_OK;
}

int verb_kind_list(struct tool *tool)
{
    int result = tool_view(tool);

    return result == EXIT_OK ? print_kinds(tool) : result;
}

int verb_field_list(struct tool *tool)
{
    struct sheet sheet;
    uint32_t kind = 0;
    int result = tool_view(tool);

    if (result == EXIT_OK && tool_word(tool, 0))
        result = pick_kind(tool, tool_word(tool, 0), &kind);
    if (result != EXIT_OK)
        return result;
    field_columns(tool, &sheet, kind == 0);
    if (kind)
        field_rows(tool, &sheet, kind, false);
    for (uint32_t i = 0; kind == 0 && i < crm_kind_count(tool->db); i++)
        field_rows(tool, &sheet, crm_kind_at(tool->db, i), true);
    sheet_end(&sheet);
    return EXIT_OK;
}

int verb_schema(struct tool *tool)
{
    return tool_word(tool, 0) ? verb_field_list(tool) : verb_kind_list(tool);
}

static int said(struct tool *tool, crm_txn *txn, const char *what, const char *name, uint32_t number)
{
    uint64_t lsn = 0;
    int result = tool_commit(tool, txn, &lsn);

    if (result != EXIT_OK)
        return result;
    if (tool->format == FORMAT_TABLE)
        buffer_print(&tool->out.pending, "added %s %s (number %" PRIu32 ")\n", what, name, number);
    else
        buffer_print(&tool->out.pending, "{\"%s\":\"%s\",\"number\":%" PRIu32 ",\"lsn\":%" PRIu64 "}\n", what, name,
                     number, lsn);
    return EXIT_OK;
}

int verb_kind_add(struct tool *tool)
{
    const char *name = tool_word(tool, 0);
    crm_txn *txn = NULL;
    uint32_t kind = 0;
    int result = tool_begin(tool, &txn);

    if (result != EXIT_OK)
        return result;
    if (crm_kind_add(txn, name, strlen(name), &kind) != CRM_OK)
        return tool_rollback(tool, txn);
    return said(tool, txn, "kind", name, kind);
}

static int unknown_type(struct tool *tool, const char *name)
{
    struct buffer known = {0};
    int result;

    for (int32_t type = 1; type <= CRM_TYPE_REFS; type++)
        if (type != CRM_TYPE_ID && crm_type_name(type))
            buffer_print(&known, "%s %s", known.length ? "," : "", crm_type_name(type));
    result = tool_usage(tool, "there is no type '%s'; one of:%s", name, buffer_text(&known));
    buffer_free(&known);
    return result;
}

static uint32_t flags_given(const struct tool *tool)
{
    uint32_t flags = 0;

    for (size_t i = 0; i < sizeof flag_names / sizeof *flag_names; i++)
        if (tool_flag(tool, flag_names[i].name))
            flags |= flag_names[i].flag;
    return flags;
}

static int add_choices(struct tool *tool, crm_txn *txn, uint32_t kind, uint32_t field, const char *names)
{
    int64_t code;

    for (const char *at = names; *at;) {
        size_t length = strcspn(at, ",");

        if (crm_choice_add(txn, kind, field, at, length, &code) != CRM_OK)
            return tool_rollback(tool, txn);
        at += length + (at[length] == ',');
    }
    return EXIT_OK;
}

/* The target of a reference, the scale of a decimal. */
static int target_given(struct tool *tool, int32_t type, uint32_t *target)
{
    const char *name = tool_value(tool, "target");
    int64_t scale = 0;
    int result;

    *target = 0;
    if (name && type != CRM_TYPE_REF)
        return tool_usage(tool, "--target is for a field of type ref");
    if (tool_value(tool, "scale") && type != CRM_TYPE_DECIMAL)
        return tool_usage(tool, "--scale is for a field of type decimal");
    if (tool_value(tool, "choices") && type != CRM_TYPE_CHOICE)
        return tool_usage(tool, "--choices is for a field of type choice");
    if (type == CRM_TYPE_REF && !name)
        return tool_usage(tool, "a ref needs the kind it points to: --target KIND");
    if (name)
        return pick_kind(tool, name, target);
    result = tool_number(tool, "scale", 0, 2, &scale);
    if (type == CRM_TYPE_DECIMAL)
        *target = scale > UINT32_MAX ? UINT32_MAX : (uint32_t)scale;
    return result;
}

int verb_field_add(struct tool *tool)
{
    const char *name = tool_word(tool, 1), *type_name = tool_word(tool, 2);
    const char *choices = tool_value(tool, "choices");
    int32_t type = crm_type_find(type_name, strlen(type_name));
    uint32_t kind = 0, field = 0, target = 0;
    crm_txn *txn = NULL;
    int result = pick_kind(tool, tool_word(tool, 0), &kind);

    if (result == EXIT_OK && type <= 0)
        result = unknown_type(tool, type_name);
    if (result == EXIT_OK)
        result = target_given(tool, type, &target);
    if (result == EXIT_OK)
        result = tool_begin(tool, &txn);
    if (result != EXIT_OK)
        return result;
    if (crm_field_add(txn, kind, name, strlen(name), type, flags_given(tool), target, &field) != CRM_OK)
        return tool_rollback(tool, txn);
    result = choices ? add_choices(tool, txn, kind, field, choices) : EXIT_OK;
    return result == EXIT_OK ? said(tool, txn, "field", name, field) : result;
}

int verb_choice_add(struct tool *tool)
{
    const char *field_name = tool_word(tool, 1), *name = tool_word(tool, 2);
    uint32_t kind = 0, field = 0;
    crm_txn *txn = NULL;
    int64_t code = 0;
    int result = pick_kind(tool, tool_word(tool, 0), &kind);

    if (result == EXIT_OK)
        result = pick_field(tool, kind, field_name, strlen(field_name), &field);
    if (result == EXIT_OK && crm_field_type(tool->db, kind, field) != CRM_TYPE_CHOICE)
        result = tool_usage(tool, "%s is no choice", field_name);
    if (result == EXIT_OK)
        result = tool_begin(tool, &txn);
    if (result != EXIT_OK)
        return result;
    if (crm_choice_add(txn, kind, field, name, strlen(name), &code) != CRM_OK)
        return tool_rollback(tool, txn);
    return said(tool, txn, "choice", name, (uint32_t)code);
}
