/* verb_find: find FILE TEXT: what a person types who does not know where it is.
 *
 * Exact matches come first (id, external id, e-mail, phone number, any unique
 * field), then names that begin with the text, then, when there is nothing at
 * all, names that contain it.
 */
#include "pick.h"
#include "value.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

struct found {
    struct picked *records; /* printed so far, so that none comes twice */
    size_t count;
    uint64_t limit;
    struct sheet sheet;
};

static bool is_new(struct found *found, const crm_record *record)
{
    struct picked picked = {.kind = crm_record_kind(record)};

    crm_record_id(record, &picked.id);
    for (size_t i = 0; i < found->count; i++)
        if (memcmp(&found->records[i].id, &picked.id, sizeof picked.id) == 0)
            return false;
    found->records = memory_resize(found->records, found->count + 1, sizeof *found->records);
    found->records[found->count++] = picked;
    return true;
}

/* A second fact that tells records of one name apart. */
static void detail(struct tool *tool, struct buffer *out, const crm_record *record)
{
    static const char *const names[] = {"customer", "stage", "title", "emails", "phones", "team", "sku", NULL};
    uint32_t kind = crm_record_kind(record);

    for (size_t i = 0; names[i]; i++) {
        uint32_t field = crm_field_find(tool->db, kind, names[i], strlen(names[i]));

        if (!field || !crm_has(record, field))
            continue;
        value_shown(tool, out, record, field);
        return;
    }
}

static void print_found(struct tool *tool, struct found *found, const crm_record *record, const char *by)
{
    struct buffer id = {0}, more = {0};
    crm_id raw;
    size_t length = 0;
    const char *title;

    if (found->count >= found->limit || !is_new(found, record))
        return;
    crm_record_id(record, &raw);
    buffer_id(&id, &raw);
    detail(tool, &more, record);
    title = crm_title(record, &length);
    sheet_puts(&found->sheet, crm_kind_name(tool->db, crm_record_kind(record)));
    sheet_text(&found->sheet, title, length);
    sheet_puts(&found->sheet, by);
    sheet_text(&found->sheet, buffer_text(&more), more.length);
    sheet_puts(&found->sheet, buffer_text(&id));
    buffer_free(&id);
    buffer_free(&more);
}

static void by_query(struct tool *tool, struct found *found, uint32_t kind, uint32_t field, int32_t op,
                     const char *text, const char *by)
{
    crm_query *query = NULL;
    crm_record *record;

    if (found->count >= found->limit || crm_query_create(tool->view, kind, &query, NULL) != CRM_OK)
        return;
    crm_query_where_text(query, field, op, text, CRM_NUL);
    crm_query_limit(query, found->limit);
    while (!tool_interrupted && crm_query_next(query, &record, NULL) == CRM_OK)
        print_found(tool, found, record, by);
    crm_query_free(query);
}

/* Whether a phone number stands there, in digits of any script, only the
 * library can tell. */
static bool could_be(int32_t type, const char *text)
{
    switch (type) {
    case CRM_TYPE_EMAILS: return strchr(text, '@') != NULL;
    case CRM_TYPE_PHONES:
    case CRM_TYPE_EXTERNAL_IDS:
    case CRM_TYPE_TEXT: return true;
    default: return false;
    }
}

/* Every field by which the kind can be looked up. */
static void by_keys(struct tool *tool, struct found *found, uint32_t kind, const char *text)
{
    for (uint32_t i = 0; i < crm_field_count(tool->db, kind); i++) {
        uint32_t field = crm_field_at(tool->db, kind, i);
        int32_t type = crm_field_type(tool->db, kind, field);
        uint32_t flags = crm_field_flags(tool->db, kind, field);
        crm_record *record = NULL;

        if (!could_be(type, text) || (!type_is_list(type) && !(flags & (CRM_FLAG_UNIQUE | CRM_FLAG_KEY))))
            continue;
        if (crm_find(tool->view, kind, field, text, CRM_NUL, &record, NULL) == CRM_OK) {
            print_found(tool, found, record, crm_field_label(tool->db, kind, field));
            /* A number or an address that several share: the others, too. */
            by_query(tool, found, kind, field, CRM_OP_EQ, text, crm_field_label(tool->db, kind, field));
        }
        crm_record_free(record);
    }
}

static void by_name(struct tool *tool, struct found *found, int32_t op, const char *text)
{
    for (uint32_t i = 0; i < crm_kind_count(tool->db); i++) {
        uint32_t kind = crm_kind_at(tool->db, i);
        uint32_t field = kind_title_field(tool, kind);

        if (field && !kind_internal(kind) && crm_field_type(tool->db, kind, field) == CRM_TYPE_TEXT &&
            (op != CRM_OP_PREFIX || (crm_field_flags(tool->db, kind, field) & CRM_FLAG_INDEXED)))
            by_query(tool, found, kind, field, op, text, crm_field_label(tool->db, kind, field));
    }
    /* People say the family name; contacts are indexed by it, too. */
    if (op == CRM_OP_PREFIX)
        by_query(tool, found, CRM_KIND_CONTACT, CRM_CONTACT_LAST_NAME, op, text, "Last name");
}

int verb_find_text(struct tool *tool)
{
    struct found found = {0};
    const char *text = tool_word(tool, 0);
    int64_t limit = 0;
    crm_record *record = NULL;
    crm_id id;
    int result = tool_number(tool, "limit", 1, 50, &limit);

    if (result == EXIT_OK)
        result = tool_view(tool);
    if (result != EXIT_OK)
        return result;
    found.limit = (uint64_t)limit;
    sheet_start(&found.sheet, &tool->out, tool->format);
    sheet_column(&found.sheet, "kind", "Kind", COLUMN_WHOLE);
    sheet_column(&found.sheet, "name", "Name", 0);
    sheet_column(&found.sheet, "found_by", "Found by", 0);
    sheet_column(&found.sheet, "detail", "Detail", COLUMN_SPARSE);
    sheet_column(&found.sheet, "id", "Id", COLUMN_SPARE | COLUMN_WHOLE);
    if (crm_id_parse(text, strlen(text), &id) == CRM_OK && crm_get_any(tool->view, &id, &record, NULL) == CRM_OK)
        print_found(tool, &found, record, "Id");
    crm_record_free(record);
    for (uint32_t i = 0; i < crm_kind_count(tool->db); i++)
        if (!kind_internal(crm_kind_at(tool->db, i)))
            by_keys(tool, &found, crm_kind_at(tool->db, i), text);
    by_name(tool, &found, CRM_OP_PREFIX, text);
    if (found.count == 0)
        by_name(tool, &found, CRM_OP_CONTAINS, text);
    sheet_end(&found.sheet);
    free(found.records);
    if (tool_interrupted)
        return tool_interrupt(tool, "not all was searched");
    if (found.count > 0)
        return EXIT_OK;
    if (tool->format != FORMAT_TABLE) /* programs get an empty list, not nothing */
        sink_flush(&tool->out);
    return tool_fail(tool, "nothing is called '%s'", text);
}
