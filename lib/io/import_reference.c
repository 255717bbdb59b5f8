/* import_reference: which record a text means.
 *
 * A million interactions name a few thousand customers, so answers are kept in
 * a table of bounded size that is emptied when it is full.  It is also emptied
 * when somebody else wrote to the file in between.  What is not found is not
 * kept: the next row may create it.  References to the kind that is being
 * imported are not kept either, since each row may change what a name means.
 */
#include "io/import.h"

#include "model/lookup.h"
#include "sys/checksum.h"

#include <string.h>

enum { CACHE_SLOTS = 1 << 16, CACHE_ENTRIES_MAX = CACHE_SLOTS / 4 * 3, CACHE_TEXTS_MAX = 8 << 20 };

struct import_cache_slot {
    uint64_t hash; /* 0: empty */
    size_t text;   /* in texts */
    uint32_t length, item, kind;
    bool scoped; /* by the pipeline */
    crm_id scope, id;
};

struct question { /* what is asked of the cache */
    uint64_t hash;
    const char *text;
    size_t length;
    uint32_t item;
    bool scoped;
    crm_id scope;
};

static struct import_cache_slot *find_slot(struct import_cache *cache, const struct question *question)
{
    size_t at = question->hash & (CACHE_SLOTS - 1);
    for (;; at = (at + 1) & (CACHE_SLOTS - 1)) {
        struct import_cache_slot *slot = &cache->slots[at];
        if (slot->hash == 0)
            return slot;
        if (slot->hash == question->hash && slot->item == question->item && slot->length == question->length &&
            slot->scoped == question->scoped &&
            (!slot->scoped || memcmp(&slot->scope, &question->scope, sizeof slot->scope) == 0) &&
            memcmp(cache->texts.data + slot->text, question->text, question->length) == 0)
            return slot;
    }
}

static struct question ask(const struct crm_import *import, const struct import_item *item, const char *text,
                           size_t length)
{
    struct question question = {.text = text, .length = length, .item = item->number};
    if (item->assignment.field.target == CRM_KIND_STAGE && import->kind == CRM_KIND_OPPORTUNITY) {
        question.scoped = import->values.has_pipeline;
        question.scope = import->values.pipeline;
    }
    question.hash = hash_bytes(item->number + (uintptr_t)import, text, length);
    if (question.scoped)
        question.hash ^= hash_bytes(1, question.scope.bytes, sizeof question.scope.bytes);
    question.hash |= UINT64_C(1) << 63;
    return question;
}

static bool keeps(const struct crm_import *import, const struct import_item *item)
{
    const struct mapping_field *field = &item->assignment.field;
    uint32_t kind = item->assignment.by ? item->assignment.by_field.kind : field->target;
    return kind != import->kind && kind != 0;
}

void reference_remember(struct crm_import *import, const struct import_item *item, const char *text, size_t length,
                        uint32_t kind, const crm_id *id)
{
    struct import_cache *cache = &import->cache;
    if (!keeps(import, item) || length > 4096)
        return;
    if (cache->slots == NULL) {
        cache->slots = memory_zero(import->memory, CACHE_SLOTS, sizeof *cache->slots);
        buffer_init(&cache->texts, import->memory);
    }
    if (cache->slots == NULL)
        return; /* without it, everything is looked up */
    if (cache->count >= CACHE_ENTRIES_MAX || cache->texts.length > CACHE_TEXTS_MAX)
        reference_forget(import);
    struct question question = ask(import, item, text, length);
    struct import_cache_slot *slot = find_slot(cache, &question);
    if (slot->hash == 0) {
        size_t at = cache->texts.length;
        buffer_append(&cache->texts, text, length);
        if (cache->texts.failed)
            return;
        *slot = (struct import_cache_slot){.hash = question.hash,
                                           .text = at,
                                           .length = (uint32_t)length,
                                           .item = question.item,
                                           .scoped = question.scoped,
                                           .scope = question.scope};
        cache->count++;
    }
    slot->kind = kind;
    slot->id = *id;
}

void reference_forget(struct crm_import *import)
{
    struct import_cache *cache = &import->cache;
    if (cache->slots == NULL || cache->count == 0)
        return;
    memset(cache->slots, 0, CACHE_SLOTS * sizeof *cache->slots);
    cache->count = 0;
    cache->texts.length = 0;
    cache->texts.failed = false;
}

void reference_free(struct crm_import *import)
{
    if (import->cache.slots != NULL)
        buffer_free(&import->cache.texts);
    memory_free(import->memory, import->cache.slots);
}

/* The only live record of a query: CRM_OK, CRM_NOT_FOUND, CRM_DUPLICATE, or worse. */
static int32_t only_record(crm_query *query, crm_id *id, crm_error *error)
{
    crm_record *record;
    crm_query_limit(query, 2);
    int32_t status = crm_query_next(query, &record, error);
    if (status == CRM_DONE)
        return error_set(error, CRM_NOT_FOUND, "not found");
    if (status != CRM_OK)
        return status;
    crm_record_id(record, id);
    status = crm_query_next(query, &record, error);
    if (status == CRM_OK)
        return error_set(error, CRM_DUPLICATE, "several records have it");
    return status == CRM_DONE ? CRM_OK : status;
}

static int32_t find_text(crm_view *view, uint32_t kind, uint32_t field, const char *text, size_t length,
                         const crm_id *pipeline, crm_id *id, crm_error *error)
{
    crm_query *query = NULL;
    int32_t status = crm_query_create(view, kind, &query, error);
    if (status != CRM_OK)
        return status;
    crm_query_where_text(query, field, CRM_OP_EQ, text, length);
    if (pipeline != NULL)
        crm_query_where_ref(query, CRM_STAGE_PIPELINE, CRM_OP_EQ, CRM_KIND_PIPELINE, pipeline);
    status = only_record(query, id, error);
    crm_query_free(query);
    return status;
}

static int32_t find_live(crm_view *view, uint32_t kind, const crm_id *wanted, crm_id *id, crm_error *error)
{
    crm_record *record = NULL;
    int32_t status = crm_get(view, kind, wanted, &record, error);
    if (status == CRM_OK && crm_record_deleted(record))
        status = error_set(error, CRM_REFUSED, "the record with that id is deleted; restore it first");
    if (status == CRM_OK)
        *id = *wanted;
    crm_record_free(record);
    return status;
}

int32_t reference_by_field(struct crm_import *import, const struct mapping_field *field, const char *text,
                           size_t length, crm_id *id, crm_error *error)
{
    crm_txn *txn = write_txn(import);
    crm_record *record = NULL;
    crm_id wanted;
    if (txn == NULL)
        return import->status;
    crm_view *view = crm_txn_view(txn);
    if (field->type == CRM_TYPE_ID) {
        if (crm_id_parse(text, length, &wanted) != CRM_OK)
            return error_set(error, CRM_INVALID, "\"%.*s\" is not an id", (int)(length < 60 ? length : 60), text);
        return find_live(view, field->kind, &wanted, id, error);
    }
    bool one =
        (field->flags & CRM_FLAG_UNIQUE) != 0 || field->type == CRM_TYPE_EMAILS || field->type == CRM_TYPE_PHONES;
    if (!one)
        return find_text(view, field->kind, field->number, text, length, NULL, id, error);
    /* Two people may share an address: then it names nobody. */
    bool alone = field->type == CRM_TYPE_EMAILS;
    int32_t status = lookup_find(view, field->kind, field->number, text, length, alone, &record, error);
    if (status == CRM_OK)
        crm_record_id(record, id);
    crm_record_free(record);
    return status == CRM_DUPLICATE ? error_set(error, status, "several records have it") : status;
}

static int32_t default_pipeline(crm_view *view, crm_id *id, crm_error *error)
{
    crm_query *query = NULL;
    int32_t status = crm_query_create(view, CRM_KIND_PIPELINE, &query, error);
    if (status != CRM_OK)
        return status;
    crm_query_where_int(query, CRM_PIPELINE_IS_DEFAULT, CRM_OP_EQ, 1);
    status = only_record(query, id, error);
    crm_query_free(query);
    return status;
}

/* A stage is one of the deal's pipeline; without one, the only stage of that
 * name, else that of the default pipeline. */
static int32_t find_stage(struct crm_import *import, crm_view *view, const char *text, size_t length, crm_id *id,
                          crm_error *error)
{
    const struct import_values *values = &import->values;
    crm_id pipeline;
    int32_t status;
    if (values->has_pipeline)
        return find_text(view, CRM_KIND_STAGE, CRM_STAGE_NAME, text, length, &values->pipeline, id, error);
    status = find_text(view, CRM_KIND_STAGE, CRM_STAGE_NAME, text, length, NULL, id, error);
    if (status == CRM_DUPLICATE && default_pipeline(view, &pipeline, error) == CRM_OK)
        status = find_text(view, CRM_KIND_STAGE, CRM_STAGE_NAME, text, length, &pipeline, id, error);
    return status;
}

static int32_t look_up(struct crm_import *import, const struct import_item *item, const char *text, size_t length,
                       uint32_t *kind, crm_id *id, crm_error *error)
{
    const struct mapping_assignment *assignment = &item->assignment;
    crm_record *record = NULL;
    crm_id wanted;
    crm_txn *txn = write_txn(import);
    if (txn == NULL)
        return import->status;
    crm_view *view = crm_txn_view(txn);
    bool stage = assignment->field.target == CRM_KIND_STAGE && import->kind == CRM_KIND_OPPORTUNITY;
    *kind = assignment->by ? assignment->by_field.kind : assignment->field.target;
    if (stage && (!assignment->by || assignment->by_field.number == CRM_STAGE_NAME)) {
        int32_t status = find_stage(import, view, text, length, id, error);
        if (status != CRM_NOT_FOUND || assignment->by)
            return status;
    }
    if (assignment->by)
        return reference_by_field(import, &assignment->by_field, text, length, id, error);
    if (*kind != 0)
        return crm_resolve(view, *kind, text, length, id, error);
    const char *colon = length == 0 ? NULL : memchr(text, ':', length);
    if (colon != NULL && (*kind = crm_kind_find(import->db, text, (size_t)(colon - text))) != 0)
        return crm_resolve(view, *kind, colon + 1, length - (size_t)(colon + 1 - text), id, error);
    if (crm_id_parse(text, length, &wanted) != CRM_OK)
        return error_set(error, CRM_INVALID,
                         "a reference to a record of any kind is an id, \"kind:name\", or given 'by KIND.FIELD'");
    int32_t status = crm_get_any(view, &wanted, &record, error);
    if (status == CRM_OK) {
        *kind = crm_record_kind(record);
        *id = wanted;
    }
    crm_record_free(record);
    return status;
}

bool reference_find(struct crm_import *import, const struct import_item *item, const char *text, size_t length,
                    uint32_t cell, bool *found, uint32_t *kind, crm_id *id, struct import_fault *fault)
{
    struct import_cache *cache = &import->cache;
    crm_error error;
    *found = false;
    if (cache->count > 0 && keeps(import, item)) {
        struct question question = ask(import, item, text, length);
        const struct import_cache_slot *slot = find_slot(cache, &question);
        if (slot->hash != 0) {
            *kind = slot->kind;
            *id = slot->id;
            *found = true;
            return true;
        }
    }
    int32_t status = look_up(import, item, text, length, kind, id, &error);
    if (import->status != CRM_OK) {
        fault->status = import->status;
        return false;
    }
    if (status == CRM_OK) {
        *found = true;
        reference_remember(import, item, text, length, *kind, id);
    }
    if (status == CRM_OK || status == CRM_NOT_FOUND)
        return true;
    if (status == CRM_DUPLICATE)
        return import_blame(fault, cell, "several %s records have \"%.80s\"; name the one by its id or external id",
                            crm_kind_name(import->db, *kind), text);
    import_blame_error(fault, cell, &error);
    return false;
}
