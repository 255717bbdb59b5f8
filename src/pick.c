/* pick: see pick.h.
 *
 * crm_resolve knows what a word means within one kind.  Here it is asked of
 * every kind that people name records of, and what it found twice or not at
 * all is explained with the records that come near.
 */
#include "pick.h"

#include "suggest.h"

#include <string.h>

enum { CANDIDATES = 5, NAME_MAX_BYTES = 64 };

static const uint32_t named_kinds[] = {CRM_KIND_CUSTOMER, CRM_KIND_CONTACT, CRM_KIND_OPPORTUNITY,
                                       CRM_KIND_USER,     CRM_KIND_PRODUCT, CRM_KIND_CAMPAIGN,
                                       CRM_KIND_PIPELINE, CRM_KIND_STAGE,   CRM_KIND_INTERACTION};

bool kind_internal(uint32_t kind)
{
    return kind >= CRM_KIND_TRANSITION && kind <= CRM_KIND_CHOICE;
}

uint32_t kind_named(const struct tool *tool, const char *word)
{
    size_t length = strlen(word);
    uint32_t kind = crm_kind_find(tool->db, word, length);
    char singular[NAME_MAX_BYTES + 2];

    if (kind || length < 3 || length > NAME_MAX_BYTES || word[length - 1] != 's')
        return kind;
    kind = crm_kind_find(tool->db, word, length - 1);
    if (!kind && strcmp(word + length - 3, "ies") == 0) {
        memcpy(singular, word, length - 3);
        singular[length - 3] = 'y';
        kind = crm_kind_find(tool->db, singular, length - 2);
    }
    return kind;
}

int pick_kind(struct tool *tool, const char *word, uint32_t *kind)
{
    struct suggestion suggestion;

    *kind = kind_named(tool, word);
    if (*kind)
        return EXIT_OK;
    suggest_start(&suggestion, word, strlen(word));
    for (uint32_t i = 0; i < crm_kind_count(tool->db); i++)
        suggest_offer(&suggestion, crm_kind_name(tool->db, crm_kind_at(tool->db, i)));
    if (suggestion.best)
        return tool_usage(tool, "there is no kind '%s'%s", word, suggest_text(&suggestion));
    return tool_usage(tool, "there is no kind '%s'; `crm kind %s list` lists them", word, tool->path);
}

int pick_field(struct tool *tool, uint32_t kind, const char *name, size_t length, uint32_t *field)
{
    struct suggestion suggestion;
    char written[NAME_MAX_BYTES];

    *field = crm_field_find(tool->db, kind, name, length);
    if (!*field && length < sizeof written) {
        for (size_t i = 0; i < length; i++)
            written[i] = name[i] == '-' ? '_' : name[i];
        *field = crm_field_find(tool->db, kind, written, length);
    }
    if (*field)
        return EXIT_OK;
    suggest_start(&suggestion, name, length);
    for (uint32_t i = 0; i < crm_field_count(tool->db, kind); i++)
        suggest_offer(&suggestion, crm_field_name(tool->db, kind, crm_field_at(tool->db, kind, i)));
    if (suggestion.best)
        return tool_usage(tool, "%s has no field '%.*s'%s", crm_kind_name(tool->db, kind), (int)length, name,
                          suggest_text(&suggestion));
    return tool_usage(tool, "%s has no field '%.*s'; `crm field %s list %s` lists them", crm_kind_name(tool->db, kind),
                      (int)length, name, tool->path, crm_kind_name(tool->db, kind));
}

uint32_t kind_title_field(const struct tool *tool, uint32_t kind)
{
    uint32_t field = crm_field_find(tool->db, kind, "name", 4);

    return field ? field : crm_field_find(tool->db, kind, "subject", 7);
}

void buffer_counted(struct buffer *buffer, uint64_t count, const char *noun)
{
    struct buffer number = {0};
    size_t length = strlen(noun);

    buffer_print(&number, "%llu", (unsigned long long)count);
    buffer_grouped(buffer, buffer_text(&number));
    buffer_free(&number);
    if (count != 1 && length > 1 && noun[length - 1] == 'y' && !strchr("aeou", noun[length - 2]))
        buffer_print(buffer, " %.*sies", (int)length - 1, noun);
    else
        buffer_print(buffer, " %s%s", noun, count == 1 ? "" : "s");
}

/* Adds " Acme GmbH (customer 0198…)" for records whose name is, or with
 * `prefix` begins with, the text.  Returns how many it added. */
static unsigned offer_records(struct tool *tool, crm_view *view, uint32_t kind, int32_t op, const char *text,
                              int32_t deleted, unsigned room, struct buffer *out)
{
    uint32_t field = kind_title_field(tool, kind);
    crm_query *query = NULL;
    crm_record *record;
    unsigned count = 0;

    if (!field || room == 0 || crm_query_create(view, kind, &query, NULL) != CRM_OK)
        return 0;
    crm_query_where_text(query, field, op, text, CRM_NUL);
    crm_query_deleted(query, deleted);
    crm_query_limit(query, room);
    while (crm_query_next(query, &record, NULL) == CRM_OK) {
        char written[37];
        crm_id id;

        crm_record_id(record, &id);
        crm_id_format(&id, written);
        buffer_print(out, "%s %s (%s %s)", out->length ? "," : "", crm_title(record, NULL),
                     crm_kind_name(tool->db, kind), written);
        count++;
    }
    crm_query_free(query);
    return count;
}

static int ambiguous(struct tool *tool, crm_view *view, uint32_t kind, const char *text)
{
    struct buffer candidates = {0};
    unsigned room = CANDIDATES;
    int result;

    for (size_t i = 0; i < sizeof named_kinds / sizeof *named_kinds; i++)
        if (kind == 0 || kind == named_kinds[i])
            room -= offer_records(tool, view, named_kinds[i], CRM_OP_EQ, text, CRM_DELETED_NO, room, &candidates);
    if (kind >= CRM_USER_KIND)
        offer_records(tool, view, kind, CRM_OP_EQ, text, CRM_DELETED_NO, room, &candidates);
    if (candidates.length)
        result = tool_fail(tool, "'%s' means more than one record; name it by its id:%s", text, candidates.data);
    else
        result = tool_fail(tool, "'%s' means more than one record; name it by its id, `crm find %s` lists them", text,
                           tool->path);
    buffer_free(&candidates);
    return result;
}

static int missing(struct tool *tool, crm_view *view, uint32_t kind, const char *text)
{
    struct buffer candidates = {0};
    const char *name = kind ? crm_kind_name(tool->db, kind) : "record";
    unsigned room = 3;
    int result;

    for (size_t i = 0; i < sizeof named_kinds / sizeof *named_kinds; i++)
        if (kind == 0 || kind == named_kinds[i])
            room -= offer_records(tool, view, named_kinds[i], CRM_OP_PREFIX, text, CRM_DELETED_NO, room, &candidates);
    if (candidates.length)
        result = tool_fail(tool, "no %s is called '%s'; near:%s", name, text, candidates.data);
    else
        result = tool_fail(tool,
                           "no %s is called '%s', nor has it as id, external id, e-mail or phone number; `crm find "
                           "%s` searches",
                           name, text, tool->path);
    buffer_free(&candidates);
    return result;
}

/* Digits of any script and what stands between them, long enough not to name a
 * record by accident; crm_find reads it. */
static bool phone_like(const char *text)
{
    size_t characters = 0;

    for (const char *at = text; *at; at++) {
        if ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'))
            return false;
        characters += ((unsigned char)*at & 0xC0) != 0x80;
    }
    return characters >= 7;
}

/* One kind's answer; a phone number is what crm_resolve leaves to crm_find. */
static int32_t resolve(struct tool *tool, crm_view *view, uint32_t kind, const char *text, crm_id *id)
{
    int32_t status = crm_resolve(view, kind, text, CRM_NUL, id, NULL);
    uint32_t phones = crm_field_find(tool->db, kind, "phones", 6);
    crm_record *record = NULL;

    if (status != CRM_NOT_FOUND || !phones || !phone_like(text))
        return status;
    if (crm_find(view, kind, phones, text, CRM_NUL, &record, NULL) == CRM_OK) {
        crm_record_id(record, id);
        status = CRM_OK;
    }
    crm_record_free(record);
    return status;
}

static int32_t resolve_any(struct tool *tool, crm_view *view, const char *text, struct picked *picked)
{
    int32_t found = CRM_NOT_FOUND;

    for (uint32_t i = 0; i < crm_kind_count(tool->db); i++) {
        struct picked other = {.kind = crm_kind_at(tool->db, i)};
        int32_t status;

        if (kind_internal(other.kind))
            continue;
        status = resolve(tool, view, other.kind, text, &other.id);
        if (status == CRM_DUPLICATE || (status == CRM_OK && found == CRM_OK))
            return CRM_DUPLICATE;
        if (status == CRM_OK) {
            *picked = other;
            found = CRM_OK;
        }
    }
    return found;
}

/* A deleted record by its name: names of the deleted are free for others, so
 * crm_resolve does not know them. */
static int32_t resolve_deleted(struct tool *tool, crm_view *view, uint32_t kind, const char *text,
                               struct picked *picked)
{
    int32_t found = CRM_NOT_FOUND;

    for (uint32_t i = 0; i < crm_kind_count(tool->db); i++) {
        uint32_t each = crm_kind_at(tool->db, i);
        uint32_t field = kind_title_field(tool, each);
        crm_query *query = NULL;
        crm_record *record;

        if ((kind && each != kind) || !field || kind_internal(each) ||
            crm_query_create(view, each, &query, NULL) != CRM_OK)
            continue;
        crm_query_where_text(query, field, CRM_OP_EQ, text, CRM_NUL);
        crm_query_deleted(query, CRM_DELETED_ONLY);
        while (crm_query_next(query, &record, NULL) == CRM_OK) {
            picked->kind = each;
            crm_record_id(record, &picked->id);
            found = found == CRM_NOT_FOUND ? CRM_OK : CRM_DUPLICATE;
        }
        crm_query_free(query);
    }
    return found;
}

static int pick_id(struct tool *tool, crm_view *view, uint32_t kind, const char *text, struct picked *picked)
{
    crm_record *record = NULL;
    crm_error error = {0};
    int32_t status =
        kind ? crm_get(view, kind, &picked->id, &record, &error) : crm_get_any(view, &picked->id, &record, &error);
    int result = EXIT_OK;

    if (status == CRM_NOT_FOUND)
        result = tool_fail(tool, "no %s has the id %s%s", kind ? crm_kind_name(tool->db, kind) : "record", text,
                           tool_value(tool, "as-of") ? " at that time" : "");
    else if (status != CRM_OK)
        result = tool_error(tool, &error);
    else
        picked->kind = crm_record_kind(record);
    crm_record_free(record);
    return result;
}

int pick_record(struct tool *tool, crm_view *view, uint32_t kind, const char *text, bool deleted, struct picked *picked)
{
    size_t length = strcspn(text, ":");
    uint32_t prefix = text[length] == ':' ? crm_kind_find(tool->db, text, length) : 0;
    int32_t status;

    *picked = (struct picked){.kind = kind};
    if (prefix && (!kind || kind == prefix)) {
        picked->kind = kind = prefix;
        text += length + 1;
    }
    if (crm_id_parse(text, strlen(text), &picked->id) == CRM_OK)
        return pick_id(tool, view, kind, text, picked);
    if (deleted)
        status = resolve_deleted(tool, view, kind, text, picked);
    else
        status = kind ? resolve(tool, view, kind, text, &picked->id) : resolve_any(tool, view, text, picked);
    if (status == CRM_OK)
        return EXIT_OK;
    if (deleted && status == CRM_NOT_FOUND)
        return tool_fail(tool, "no deleted %s is called '%s'", kind ? crm_kind_name(tool->db, kind) : "record", text);
    if (deleted && status == CRM_DUPLICATE)
        return tool_fail(tool, "several deleted records are called '%s'; name it by its id (crm list --deleted)", text);
    return status == CRM_DUPLICATE ? ambiguous(tool, view, kind, text) : missing(tool, view, kind, text);
}

int pick_words(struct tool *tool, crm_view *view, size_t position, size_t words, bool deleted, struct picked *picked,
               size_t *next)
{
    const char *first = tool_word(tool, position);
    const char *second = words > 1 ? tool_word(tool, position + 1) : NULL;
    uint32_t kind = second && first ? kind_named(tool, first) : 0;

    if (!first)
        return tool_usage(tool, "%s needs a record: crm %s", tool->verb->name, tool->verb->usage);
    *next = position + (kind ? 2 : 1);
    return pick_record(tool, view, kind, kind ? second : first, deleted, picked);
}
