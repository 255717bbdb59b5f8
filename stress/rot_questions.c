/* rot_questions: every question a database can be asked, from what is in it:
 * each record by its id, its history and timeline, each kind in every order, each
 * index by a value that is in it, every look-up key, groups, reports, the feed,
 * views of the past.
 */
#include "rot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct question *add(struct questions *questions, enum what what, uint32_t kind, uint32_t field)
{
    if (questions->count == questions->capacity) {
        questions->capacity = questions->capacity == 0 ? 256 : questions->capacity * 2;
        questions->list = realloc(questions->list, questions->capacity * sizeof *questions->list);
        if (questions->list == NULL)
            abort();
    }
    struct question *question = &questions->list[questions->count++];
    *question = (struct question){.what = what, .kind = kind, .field = field};
    return question;
}

static void add_text(struct questions *questions, enum what what, uint32_t kind, uint32_t field, const char *text)
{
    struct question *question = add(questions, what, kind, field);
    question->text = strdup(text);
    if (question->text == NULL)
        abort();
}

/* `first`: one of the kind for which every field is asked for, indexed or not. */
static void add_keys(struct questions *questions, crm_db *db, const crm_record *record, uint32_t field, bool first)
{
    uint32_t kind = crm_record_kind(record);
    int32_t type = crm_field_type(db, kind, field);
    uint32_t flags = crm_field_flags(db, kind, field);
    bool list = type == CRM_TYPE_EMAILS || type == CRM_TYPE_PHONES || type == CRM_TYPE_TAGS;
    for (uint32_t i = 0; list && i < crm_item_count(record, field); i++)
        add_text(questions, ASK_FIND, kind, field, crm_item_text(record, field, i, CRM_PART_VALUE, NULL));
    for (uint32_t i = 0; type == CRM_TYPE_EXTERNAL_IDS && i < crm_item_count(record, field); i++) {
        char text[256];
        snprintf(text, sizeof text, "%s:%s", crm_item_text(record, field, i, CRM_PART_SYSTEM, NULL),
                 crm_item_text(record, field, i, CRM_PART_VALUE, NULL));
        add_text(questions, ASK_FIND, kind, field, text);
    }
    if (type == CRM_TYPE_TEXT && (flags & (CRM_FLAG_UNIQUE | CRM_FLAG_KEY | CRM_FLAG_INDEXED)))
        add_text(questions, ASK_FIND, kind, field, crm_text(record, field, NULL));
    if ((flags & CRM_FLAG_INDEXED) || (first && !list && type != CRM_TYPE_EXTERNAL_IDS))
        add_text(questions, ASK_WHERE, kind, field,
                 list ? crm_item_text(record, field, 0, CRM_PART_VALUE, NULL) : crm_format(record, field, NULL));
}

static void add_record(struct questions *questions, crm_db *db, const crm_record *record, bool keys, bool first)
{
    crm_id id;
    uint32_t kind = crm_record_kind(record);
    crm_record_id(record, &id);
    add(questions, ASK_RECORD, kind, 0)->id = id;
    add(questions, ASK_HISTORY, kind, 0)->id = id;
    if (kind == CRM_KIND_CUSTOMER || kind == CRM_KIND_CONTACT || kind == CRM_KIND_OPPORTUNITY)
        add(questions, ASK_TIMELINE, kind, 0)->id = id;
    if (kind == CRM_KIND_CUSTOMER || kind == CRM_KIND_OPPORTUNITY)
        add(questions, ASK_STAGES, kind, 0)->id = id;
    for (uint32_t f = 0; keys && f < crm_field_count(db, kind); f++)
        if (crm_has(record, crm_field_at(db, kind, f)))
            add_keys(questions, db, record, crm_field_at(db, kind, f), first);
}

/* Of a kind's first `most` records; of a large file's kinds no lists of all. */
static void add_kind(struct questions *questions, crm_db *db, crm_view *view, uint32_t kind, uint32_t most)
{
    crm_error error = {0};
    crm_query *query = NULL;
    crm_record *record = NULL;
    if (most == UINT32_MAX)
        add(questions, ASK_LIST, kind, 0);
    if (crm_query_create(view, kind, &query, &error) != CRM_OK)
        return;
    (void)crm_query_deleted(query, CRM_DELETED_ALSO);
    for (uint32_t i = 0; i < most && crm_query_next(query, &record, &error) == CRM_OK; i++)
        add_record(questions, db, record, kind < CRM_KIND_TRANSITION || kind >= CRM_USER_KIND, i == 0);
    crm_query_free(query);
    for (uint32_t f = 0; f < crm_field_count(db, kind); f++) {
        uint32_t field = crm_field_at(db, kind, f), flags = crm_field_flags(db, kind, field);
        int32_t type = crm_field_type(db, kind, field);
        if ((flags & CRM_FLAG_INDEXED) && type != CRM_TYPE_TAGS)
            add(questions, ASK_ORDER, kind, field);
        if ((flags & CRM_FLAG_HOT) && (type == CRM_TYPE_CHOICE || type == CRM_TYPE_REF))
            add(questions, ASK_GROUP, kind, field);
    }
}

void questions_make(struct questions *questions, crm_db *db, uint32_t most)
{
    crm_error error = {0};
    crm_view *view = NULL;
    if (crm_view_open(db, &view, &error) != CRM_OK)
        abort();
    uint64_t last = crm_view_lsn(view);
    add(questions, ASK_FILE, 0, 0);
    for (uint32_t k = 0; k < crm_kind_count(db); k++)
        add_kind(questions, db, view, crm_kind_at(db, k), most);
    for (uint32_t which = 0; which < 5; which++)
        add(questions, ASK_REPORT, 0, which);
    add(questions, ASK_GROUP, CRM_KIND_OPPORTUNITY, CRM_OPPORTUNITY_CUSTOMER)->through = CRM_CUSTOMER_INDUSTRY;
    add(questions, ASK_GROUP, CRM_KIND_INTERACTION, CRM_INTERACTION_CONTACT)->through = CRM_CONTACT_LAST_NAME;
    crm_view_close(view);
    if (most != UINT32_MAX)
        return;
    add(questions, ASK_FEED, 0, 0)->lsn = 0;
    add(questions, ASK_FEED, 0, 0)->lsn = last / 2;
    add(questions, ASK_PAST, 0, 0)->lsn = last / 3;
    add(questions, ASK_PAST, 0, 0)->lsn = last - 1;
}

void questions_free(struct questions *questions)
{
    for (size_t i = 0; i < questions->count; i++)
        free(questions->list[i].text);
    free(questions->list);
    *questions = (struct questions){0};
}
