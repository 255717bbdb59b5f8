/* plain.c: see plain.h. */
#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 24, RECORDS = 400, SETTINGS = 8, KINDS = 300 };

struct plain_field {
    uint32_t field;
    char *text; /* NULL: not set */
};

struct plain_record {
    crm_id id;
    uint32_t kind;
    bool deleted;
    struct plain_field fields[FIELDS];
    unsigned field_count;
};

struct plain {
    struct plain_record records[RECORDS];
    unsigned record_count;
    struct plain_setting {
        char *name, *value;
    } settings[SETTINGS];
    unsigned setting_count;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "plain: out of memory, or too many records or fields\n");
        exit(2);
    }
    return memory;
}

static char *text_copy(const char *text)
{
    return text == NULL ? NULL : must(strdup(text));
}

struct plain *plain_create(void)
{
    return must(calloc(1, sizeof(struct plain)));
}

struct plain *plain_copy(const struct plain *plain)
{
    struct plain *copy = must(malloc(sizeof *copy));
    memcpy(copy, plain, sizeof *copy);
    for (unsigned i = 0; i < copy->record_count; i++)
        for (unsigned j = 0; j < copy->records[i].field_count; j++)
            copy->records[i].fields[j].text = text_copy(plain->records[i].fields[j].text);
    for (unsigned i = 0; i < copy->setting_count; i++) {
        copy->settings[i].name = text_copy(plain->settings[i].name);
        copy->settings[i].value = text_copy(plain->settings[i].value);
    }
    return copy;
}

void plain_free(struct plain *plain)
{
    if (plain == NULL)
        return;
    for (unsigned i = 0; i < plain->record_count; i++)
        for (unsigned j = 0; j < plain->records[i].field_count; j++)
            free(plain->records[i].fields[j].text);
    for (unsigned i = 0; i < plain->setting_count; i++) {
        free(plain->settings[i].name);
        free(plain->settings[i].value);
    }
    free(plain);
}

static struct plain_record *find(struct plain *plain, const crm_id *id)
{
    for (unsigned i = 0; i < plain->record_count; i++)
        if (memcmp(&plain->records[i].id, id, sizeof *id) == 0)
            return &plain->records[i];
    return NULL;
}

void plain_add(struct plain *plain, uint32_t kind, const crm_id *id)
{
    must(plain->record_count < RECORDS ? plain : NULL);
    plain->records[plain->record_count++] = (struct plain_record){.kind = kind, .id = *id};
}

void plain_put(struct plain *plain, const crm_id *id, uint32_t field, const char *text)
{
    struct plain_record *record = must(find(plain, id));
    unsigned at = 0;
    while (at < record->field_count && record->fields[at].field != field)
        at++;
    must(at < FIELDS ? plain : NULL);
    if (at == record->field_count)
        record->fields[record->field_count++] = (struct plain_field){.field = field};
    free(record->fields[at].text);
    record->fields[at].text = text_copy(text);
}

void plain_delete(struct plain *plain, const crm_id *id, bool deleted)
{
    struct plain_record *record = must(find(plain, id));
    record->deleted = deleted;
}

void plain_setting(struct plain *plain, const char *name, const char *value)
{
    unsigned at = 0;
    while (at < plain->setting_count && strcmp(plain->settings[at].name, name) != 0)
        at++;
    must(at < SETTINGS ? plain : NULL);
    if (at == plain->setting_count)
        plain->settings[plain->setting_count++] = (struct plain_setting){.name = text_copy(name)};
    free(plain->settings[at].value);
    plain->settings[at].value = text_copy(value);
}

/* ---- checks */

static char wrong[400];

static const char *say(const struct plain_record *record, const char *what, const char *wanted, const char *found)
{
    char id[37];
    crm_id_format(&record->id, id);
    snprintf(wrong, sizeof wrong, "record %s of kind %u: %s: wanted %.100s, found %.100s", id, record->kind, what,
             wanted == NULL ? "nothing" : wanted, found == NULL ? "nothing" : found);
    return wrong;
}

/* By its name: the first alive that has it, this one or another. */
static const char *check_name(const struct plain_record *record, const struct plain_field *is, crm_view *view)
{
    crm_record *found = NULL;
    crm_error error = {0};
    if (crm_find(view, record->kind, is->field, is->text, CRM_NUL, &found, &error) != CRM_OK)
        return say(record, "cannot be found by its name", is->text, error.message);
    bool same = strcmp(crm_format(found, is->field, NULL), is->text) == 0;
    crm_record_free(found);
    return same ? NULL : say(record, "found another by its name", is->text, "another");
}

static const char *check_fields(const struct plain_record *record, const crm_record *found, crm_view *view)
{
    for (unsigned i = 0; i < record->field_count; i++) {
        const struct plain_field *is = &record->fields[i];
        const char *name = crm_field_name(crm_view_db(view), record->kind, is->field);
        const char *text = crm_has(found, is->field) ? crm_format(found, is->field, NULL) : NULL;
        if ((text == NULL) != (is->text == NULL) || (text != NULL && strcmp(text, is->text) != 0))
            return say(record, name, is->text, text);
        uint32_t flags = crm_field_flags(crm_view_db(view), record->kind, is->field);
        bool named = name != NULL && strcmp(name, "name") == 0 && (flags & CRM_FLAG_INDEXED) != 0;
        const char *why = named && text != NULL && !record->deleted ? check_name(record, is, view) : NULL;
        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *check_record(const struct plain_record *record, crm_view *view)
{
    crm_record *found = NULL;
    crm_error error = {0};
    if (crm_get(view, record->kind, &record->id, &found, &error) != CRM_OK)
        return say(record, "is not there", NULL, error.message);
    const char *why = check_fields(record, found, view);
    if (why == NULL && (crm_record_deleted(found) != 0) != record->deleted)
        why = say(record, "deleted", record->deleted ? "yes" : "no", record->deleted ? "no" : "yes");
    crm_record_free(found);
    return why;
}

static const char *check_count(const struct plain *plain, uint32_t kind, crm_view *view)
{
    crm_query *query = NULL;
    uint64_t wanted = 0, found = 0;
    for (unsigned i = 0; i < plain->record_count; i++)
        wanted += plain->records[i].kind == kind && !plain->records[i].deleted;
    int32_t status = crm_query_create(view, kind, &query, NULL);
    if (status == CRM_OK)
        status = crm_query_count(query, &found, NULL);
    crm_query_free(query);
    if (status == CRM_OK && wanted == found)
        return NULL;
    snprintf(wrong, sizeof wrong, "kind %u: wanted %llu records, found %llu (%s)", kind, (unsigned long long)wanted,
             (unsigned long long)found, crm_status_name(status));
    return wrong;
}

const char *plain_check(const struct plain *plain, crm_view *view)
{
    bool counted[KINDS] = {false};
    for (unsigned i = 0; i < plain->record_count; i++) {
        const struct plain_record *record = &plain->records[i];
        const char *why = check_record(record, view);
        if (why == NULL && record->kind < KINDS && !counted[record->kind])
            why = check_count(plain, record->kind, view);
        if (why != NULL)
            return why;
        counted[record->kind % KINDS] = true;
    }
    for (unsigned i = 0; i < plain->setting_count; i++) {
        const char *is = crm_setting(view, plain->settings[i].name), *wanted = plain->settings[i].value;
        if ((is == NULL) != (wanted == NULL) || (is != NULL && strcmp(is, wanted) != 0)) {
            snprintf(wrong, sizeof wrong, "setting %s: wanted %s, found %s", plain->settings[i].name,
                     wanted == NULL ? "nothing" : wanted, is == NULL ? "nothing" : is);
            return wrong;
        }
    }
    return NULL;
}
