/* verb_show: one record whole; a customer's page shows all around it.
 *
 * The page is made of the same queries that `list` and `timeline` run, so it
 * stays as quick however many interactions there are: the newest ten of a
 * timeline are read, no more.
 */
#include "page.h"
#include "pick.h"
#include "rows.h"
#include "value.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_RELATED = 10, LINES_TIMELINE = 10, LABEL_MOST = 24 };

/* A list of records that belong to the one shown. */
struct section {
    const char *heading;
    const char *member; /* its name in JSON */
    uint32_t kind;
    uint32_t field; /* by which they refer to it; 0: its timeline */
    bool open_only; /* opportunities: neither won nor lost */
    const char *columns;
    const char *order; /* a field, the smallest first; NULL: as they come */
};

static const struct section of_customer[] = {
    {"Contacts", "contacts", CRM_KIND_CONTACT, CRM_CONTACT_CUSTOMER, false, "name,title,emails,phones", "last_name"},
    {"Open opportunities", "open_opportunities", CRM_KIND_OPPORTUNITY, CRM_OPPORTUNITY_CUSTOMER, true,
     "name,stage,amount,probability,close_date", "close_date"},
    {"Timeline", "timeline", CRM_KIND_INTERACTION, 0, false, "start,type,subject,contact,amount", NULL},
    {NULL, NULL, 0, 0, false, NULL, NULL},
};
static const struct section of_contact[] = {
    {"Open opportunities", "open_opportunities", CRM_KIND_OPPORTUNITY, CRM_OPPORTUNITY_PRIMARY_CONTACT, true,
     "name,stage,amount,probability,close_date", "close_date"},
    {"Timeline", "timeline", CRM_KIND_INTERACTION, 0, false, "start,type,subject,amount", NULL},
    {NULL, NULL, 0, 0, false, NULL, NULL},
};
static const struct section of_opportunity[] = {
    {"Timeline", "timeline", CRM_KIND_INTERACTION, 0, false, "start,type,subject,contact", NULL},
    {NULL, NULL, 0, 0, false, NULL, NULL},
};
static const struct section of_pipeline[] = {
    {"Stages", "stages", CRM_KIND_STAGE, CRM_STAGE_PIPELINE, false, "name,probability,forecast,is_closed,is_won",
     "order"},
    {NULL, NULL, 0, 0, false, NULL, NULL},
};

static const struct section *sections_of(uint32_t kind)
{
    switch (kind) {
    case CRM_KIND_CUSTOMER: return of_customer;
    case CRM_KIND_CONTACT: return of_contact;
    case CRM_KIND_OPPORTUNITY: return of_opportunity;
    case CRM_KIND_PIPELINE: return of_pipeline;
    default: return NULL;
    }
}

static int section_query(struct tool *tool, const struct section *section, const struct picked *picked,
                         crm_query **query)
{
    crm_error error = {0};
    int32_t status;
    uint32_t order;

    if (!section->field) {
        status = crm_timeline(tool->view, picked->kind, &picked->id, query, &error);
        return status == CRM_OK ? EXIT_OK : tool_error(tool, &error);
    }
    status = crm_query_create(tool->view, section->kind, query, &error);
    if (status != CRM_OK)
        return tool_error(tool, &error);
    crm_query_where_ref(*query, section->field, CRM_OP_EQ, picked->kind, &picked->id);
    if (section->open_only)
        crm_query_where_int(*query, CRM_OPPORTUNITY_OUTCOME, CRM_OP_EQ, CRM_OPPORTUNITY_OUTCOME_OPEN);
    order = section->order ? crm_field_find(tool->db, section->kind, section->order, CRM_NUL) : 0;
    if (order)
        crm_query_order(*query, order, 0);
    return EXIT_OK;
}

static int print_section(struct tool *tool, const struct section *section, const struct picked *picked)
{
    struct rows rows = {.kind = section->kind, .usual = section->columns, .indent = 2};
    struct buffer remark = {0};
    crm_query *query = NULL;
    crm_error error = {0};
    uint64_t count = 0;
    int result = section_query(tool, section, picked, &query);

    rows.limit = section->field ? LINES_RELATED : LINES_TIMELINE;
    if (result == EXIT_OK && crm_query_count(query, &count, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result == EXIT_OK && count > 0) {
        if (count > rows.limit)
            buffer_print(&remark, "%" PRIu64 ", %s %" PRIu64 " shown", count,
                         section->field ? "the first" : "the newest", rows.limit);
        else
            buffer_print(&remark, "%" PRIu64, count);
        page_heading(&tool->out, section->heading, buffer_text(&remark));
        result = rows_print(tool, query, &rows);
    }
    buffer_free(&rows.cursor);
    buffer_free(&remark);
    crm_query_free(query);
    return result;
}

static int json_section(struct tool *tool, const struct section *section, const struct picked *picked)
{
    struct buffer *out = &tool->out.pending;
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_error error = {0};
    int32_t status = CRM_DONE;
    uint64_t count = 0;
    int result = section_query(tool, section, picked, &query);

    if (result == EXIT_OK) {
        buffer_print(out, ",\n\"%s\":[", section->member);
        if (!section->field)
            crm_query_limit(query, LINES_TIMELINE);
        while ((status = crm_query_next(query, &record, &error)) == CRM_OK) {
            buffer_put(out, count++ ? ",\n" : "\n");
            value_record_json(tool, out, record);
            buffer_put(out, "}");
        }
        buffer_put(out, "]");
        if (status != CRM_DONE)
            result = tool_error(tool, &error);
    }
    crm_query_free(query);
    return result;
}

/* The moment that the page shows, for "in stage for 43 days". */
static int64_t moment_of(struct tool *tool)
{
    return tool_value(tool, "as-of") ? crm_view_time(tool->view) : crm_now(tool->db);
}

static void shown(struct tool *tool, struct buffer *out, const crm_record *record, uint32_t field)
{
    uint32_t kind = crm_record_kind(record);
    uint32_t since = crm_field_find(tool->db, kind, "stage_since", CRM_NUL);

    if (type_is_list(crm_field_type(tool->db, kind, field)) && crm_field_type(tool->db, kind, field) != CRM_TYPE_TAGS) {
        for (uint32_t i = 0; i < crm_item_count(record, field); i++) {
            buffer_put(out, i ? "\n" : "");
            value_item_shown(tool, out, record, field, i);
        }
        return;
    }
    value_shown(tool, out, record, field);
    if (strcmp(crm_field_name(tool->db, kind, field), "stage") == 0 && since && crm_has(record, since)) {
        buffer_put(out, " for ");
        buffer_span(out, moment_of(tool) - crm_int(record, since));
        buffer_put(out, ", since ");
        buffer_moment(out, crm_int(record, since));
    }
}

/* Fields that the title or the last line of the page tells already. */
static bool told_elsewhere(struct tool *tool, uint32_t kind, uint32_t field)
{
    return (field < CRM_FIELD_OWNER && field != CRM_FIELD_DELETED_AT) || field == kind_title_field(tool, kind) ||
           strcmp(crm_field_name(tool->db, kind, field), "stage_since") == 0;
}

static const char *label_of(struct tool *tool, uint32_t kind, uint32_t field)
{
    const char *label = crm_field_label(tool->db, kind, field);

    return label && *label ? label : crm_field_name(tool->db, kind, field);
}

/* Own fields first, those of every kind last: the owner and tags matter less
 * than what makes the record what it is. */
static void print_facts(struct tool *tool, const crm_record *record)
{
    uint32_t kind = crm_record_kind(record), count = crm_field_count(tool->db, kind);
    size_t widest = 5;

    for (int pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t field = crm_field_at(tool->db, kind, i);
            struct buffer text = {0};

            if (!crm_has(record, field) || told_elsewhere(tool, kind, field))
                continue;
            if (pass == 0) {
                size_t width = crm_text_width(label_of(tool, kind, field), strlen(label_of(tool, kind, field)));

                widest = width > widest && width <= LABEL_MOST ? width : widest;
            } else if ((pass == 1) == (field > CRM_FIELD_TAGS)) {
                shown(tool, &text, record, field);
                page_fact(&tool->out, widest, label_of(tool, kind, field), buffer_text(&text));
            }
            buffer_free(&text);
        }
    }
}

static void print_origin(struct tool *tool, const crm_record *record)
{
    struct buffer line = {0};
    crm_id id;

    crm_record_id(record, &id);
    buffer_put(&tool->out.pending, "\n");
    buffer_id(&line, &id);
    buffer_print(&line, " · version %" PRIu64, crm_record_version(record));
    page_remark(&tool->out, line.data);
    buffer_clear(&line);
    buffer_put(&line, "created ");
    buffer_moment(&line, crm_int(record, CRM_FIELD_CREATED_AT));
    buffer_print(&line, " by %s", crm_text(record, CRM_FIELD_CREATED_BY, NULL));
    if (crm_record_version(record) > 1) {
        buffer_put(&line, " · modified ");
        buffer_moment(&line, crm_int(record, CRM_FIELD_MODIFIED_AT));
        buffer_print(&line, " by %s", crm_text(record, CRM_FIELD_MODIFIED_BY, NULL));
    }
    page_remark(&tool->out, line.data);
    buffer_free(&line);
}

static int print_page(struct tool *tool, const crm_record *record, const struct picked *picked)
{
    const struct section *section = sections_of(picked->kind);
    struct buffer right = {0};
    int result = EXIT_OK;

    buffer_print(&right, "%s%s", crm_kind_name(tool->db, picked->kind), crm_record_deleted(record) ? ", deleted" : "");
    page_title(&tool->out, crm_title(record, NULL), buffer_text(&right));
    print_facts(tool, record);
    for (; section && section->heading && result == EXIT_OK; section++)
        result = print_section(tool, section, picked);
    if (result == EXIT_OK)
        print_origin(tool, record);
    buffer_free(&right);
    return result;
}

static void print_csv(struct tool *tool, const crm_record *record)
{
    uint32_t kind = crm_record_kind(record);
    struct sheet sheet;

    sheet_start(&sheet, &tool->out, tool->format);
    sheet_column(&sheet, "field", "Field", 0);
    sheet_column(&sheet, "value", "Value", 0);
    for (uint32_t i = 0; i < crm_field_count(tool->db, kind); i++) {
        uint32_t field = crm_field_at(tool->db, kind, i);
        struct buffer text = {0};

        if (!crm_has(record, field))
            continue;
        value_text(tool, &text, record, field);
        sheet_puts(&sheet, crm_field_name(tool->db, kind, field));
        sheet_text(&sheet, buffer_text(&text), text.length);
        buffer_free(&text);
    }
    sheet_end(&sheet);
}

int verb_show(struct tool *tool)
{
    struct picked picked = {0};
    crm_record *record = NULL;
    crm_error error = {0};
    size_t next = 0;
    int result = tool_view(tool);

    if (result == EXIT_OK)
        result = pick_words(tool, tool->view, 0, tool_words(tool), false, &picked, &next);
    if (result == EXIT_OK && crm_get(tool->view, picked.kind, &picked.id, &record, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result == EXIT_OK && tool->format == FORMAT_TABLE) {
        result = print_page(tool, record, &picked);
    } else if (result == EXIT_OK && tool->format == FORMAT_CSV) {
        print_csv(tool, record);
    } else if (result == EXIT_OK) {
        const struct section *section = tool->format == FORMAT_JSON ? sections_of(picked.kind) : NULL;

        value_record_json(tool, &tool->out.pending, record);
        for (; section && section->heading && result == EXIT_OK; section++)
            result = json_section(tool, section, &picked);
        buffer_put(&tool->out.pending, "}\n");
    }
    crm_record_free(record);
    return result;
}
