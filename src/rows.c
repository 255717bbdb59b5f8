/* rows: see rows.h.
 *
 * A table shows the fields that identify a record of its kind; JSON shows all
 * that are set, since nobody has to read it.  Rows are printed as they come,
 * any number of them.
 */
#include "rows.h"

#include "pick.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>

enum { OWN_COLUMNS = 8 };

static const struct {
    uint32_t kind;
    const char *columns;
} usual[] = {
    {CRM_KIND_CUSTOMER, "name,type,stage,stage_since,industry,territory,owner"},
    {CRM_KIND_CONTACT, "name,title,customer,emails,phones"},
    {CRM_KIND_OPPORTUNITY, "name,customer,stage,amount,probability,close_date,owner"},
    {CRM_KIND_INTERACTION, "start,type,subject,customer,contact,amount,status"},
    {CRM_KIND_USER, "name,role,team,region,manager"},
    {CRM_KIND_PIPELINE, "name,order,is_default"},
    {CRM_KIND_STAGE, "name,pipeline,order,probability,forecast,is_closed,is_won"},
    {CRM_KIND_PRODUCT, "name,sku,family,price,active"},
    {CRM_KIND_CAMPAIGN, "name,type,status,start_date,end_date,budget"},
    {CRM_KIND_TRANSITION, "at,subject,from,to,from_stage,to_stage,rule,evidence"},
    {CRM_KIND_SETTING, "name,value"},
};

const char *kind_columns(uint32_t kind)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i].kind == kind)
            return usual[i].columns;
    return NULL;
}

struct layout {
    uint32_t *fields;
    size_t count;
};

static void add_field(struct tool *tool, struct layout *layout, struct sheet *sheet, uint32_t kind, uint32_t field,
                      unsigned flags)
{
    const char *label = crm_field_label(tool->db, kind, field);
    const char *name = crm_field_name(tool->db, kind, field);

    struct buffer heading = {0};

    /* "Probability, percent": the first words do for a heading. */
    buffer_put(&heading, label && *label ? label : name);
    heading.data[strcspn(heading.data, ",")] = '\0';
    layout->fields = memory_resize(layout->fields, layout->count + 1, sizeof *layout->fields);
    layout->fields[layout->count++] = field;
    sheet_column(sheet, name, heading.data, flags | type_column_flags(crm_field_type(tool->db, kind, field)));
    buffer_free(&heading);
}

static int named_fields(struct tool *tool, struct layout *layout, struct sheet *sheet, const struct rows *rows,
                        const char *names, unsigned flags)
{
    for (const char *at = names; *at;) {
        size_t length = strcspn(at, ",");
        uint32_t field;
        int result = pick_field(tool, rows->kind, at, length, &field);

        if (result != EXIT_OK)
            return result;
        add_field(tool, layout, sheet, rows->kind, field, flags);
        at += length + (at[length] == ',');
    }
    return layout->count ? EXIT_OK : tool_usage(tool, "--columns names no field");
}

static void own_fields(struct tool *tool, struct layout *layout, struct sheet *sheet, uint32_t kind)
{
    for (uint32_t i = 0; i < crm_field_count(tool->db, kind) && layout->count < OWN_COLUMNS; i++) {
        uint32_t field = crm_field_at(tool->db, kind, i);

        if (field > CRM_FIELD_TAGS)
            add_field(tool, layout, sheet, kind, field, COLUMN_SPARSE);
    }
}

/* In a table the id comes last and only where there is room: people read names. */
static int make_columns(struct tool *tool, struct layout *layout, struct sheet *sheet, const struct rows *rows)
{
    const char *names = rows->usual ? rows->usual : kind_columns(rows->kind);
    int result = EXIT_OK;

    if (rows->columns)
        return named_fields(tool, layout, sheet, rows, rows->columns, 0);
    if (tool->format != FORMAT_TABLE)
        add_field(tool, layout, sheet, rows->kind, CRM_FIELD_ID, 0);
    if (names)
        result = named_fields(tool, layout, sheet, rows, names, COLUMN_SPARSE);
    else
        own_fields(tool, layout, sheet, rows->kind);
    if (tool->format == FORMAT_TABLE && rows->indent == 0) /* within a page nobody needs it */
        add_field(tool, layout, sheet, rows->kind, CRM_FIELD_ID, COLUMN_SPARE);
    return result;
}

/* Whole records, one a line. */
static void print_json(struct tool *tool, const crm_record *record, uint64_t row)
{
    struct buffer *out = &tool->out.pending;

    if (tool->format == FORMAT_JSON)
        buffer_put(out, row ? ",\n" : "[\n");
    value_record_json(tool, out, record);
    buffer_put(out, tool->format == FORMAT_JSON ? "}" : "}\n");
    sink_pour(&tool->out);
}

static int print_all(struct tool *tool, crm_query *query, struct rows *rows, struct sheet *sheet,
                     const struct layout *layout)
{
    crm_record *record = NULL;
    crm_error error = {0};
    int32_t status = CRM_DONE;

    while (!sink_over(&tool->out) && !tool_interrupted && (status = crm_query_next(query, &record, &error)) == CRM_OK) {
        if (rows->limit && rows->count == rows->limit) {
            rows->more = true;
            return EXIT_OK;
        }
        if (layout)
            for (size_t i = 0; i < layout->count; i++)
                value_cell(tool, sheet, record, layout->fields[i]);
        else
            print_json(tool, record, rows->count);
        rows->count++;
        if (rows->limit && rows->count == rows->limit) {
            const char *cursor = crm_query_cursor(query);

            buffer_clear(&rows->cursor);
            buffer_put(&rows->cursor, cursor ? cursor : "");
        }
    }
    if (tool_interrupted)
        return tool_interrupt(tool, "not all rows were printed");
    return status == CRM_OK || status == CRM_DONE ? EXIT_OK : tool_error(tool, &error);
}

int rows_print(struct tool *tool, crm_query *query, struct rows *rows)
{
    bool json = tool->format == FORMAT_JSON || tool->format == FORMAT_JSONL;
    struct layout layout = {0};
    struct sheet sheet;
    int result = EXIT_OK;

    if (rows->limit)
        crm_query_limit(query, rows->limit + 1); /* one more tells whether there are more */
    if (json && !rows->columns) {
        result = print_all(tool, query, rows, NULL, NULL);
        if (result == EXIT_OK && tool->format == FORMAT_JSON)
            buffer_put(&tool->out.pending, rows->count ? "\n]\n" : "[]\n");
        return result;
    }
    sheet_start(&sheet, &tool->out, tool->format);
    sheet.indent = rows->indent;
    result = make_columns(tool, &layout, &sheet, rows);
    if (result == EXIT_OK)
        result = print_all(tool, query, rows, &sheet, &layout);
    sheet_end(&sheet);
    free(layout.fields);
    return result;
}
