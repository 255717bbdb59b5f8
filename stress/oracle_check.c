/* oracle_check: each record as a view shows it, held against the model's. */
#include "oracle_answer.h"

#include <string.h>

/* ---- one field ---- */

static bool same_text(const char *got, const char *expected)
{
    return strcmp(got, expected == NULL ? "" : expected) == 0;
}

/* The record that a reference of the model means; its id is known to the model or not. */
static bool is_record(const struct oracle *oracle, enum oracle_slot slot, uint32_t index, uint32_t kind,
                      const crm_id *id)
{
    const struct oracle_record *record = oracle_record(oracle, slot, index);
    return kind == oracle_kind(slot)->number && (!record->identified || memcmp(id, &record->id, sizeof *id) == 0);
}

static bool item_reads(const struct oracle *oracle, const crm_record *record, uint32_t field, uint32_t at,
                       const struct oracle_item *item, int32_t type)
{
    if (type == CRM_TYPE_REFS) {
        uint32_t kind = 0;
        crm_id id;
        return crm_item_ref(record, field, at, &kind, &id) == CRM_OK &&
               is_record(oracle, (enum oracle_slot)item->slot, item->index, kind, &id) &&
               same_text(crm_item_text(record, field, at, CRM_PART_ROLE, NULL), item->role);
    }
    return same_text(crm_item_text(record, field, at, CRM_PART_VALUE, NULL), item->value) &&
           same_text(crm_item_text(record, field, at, CRM_PART_SYSTEM, NULL), item->system) &&
           same_text(crm_item_text(record, field, at, CRM_PART_LABEL, NULL), item->label) &&
           crm_item_int(record, field, at, CRM_PART_PRIMARY) == item->primary &&
           crm_item_int(record, field, at, CRM_PART_OPT_OUT) == item->opt_out;
}

static bool items_read(const struct oracle *oracle, const crm_record *record, const struct oracle_field *field,
                       const struct oracle_items *items)
{
    if (crm_item_count(record, field->number) != items->count)
        return false;
    for (uint32_t i = 0; i < items->count; i++)
        if (!item_reads(oracle, record, field->number, i, &items->list[i], field->type))
            return false;
    return true;
}

static bool field_reads(const struct oracle *oracle, const crm_record *record, const struct oracle_field *field,
                        const struct oracle_value *value)
{
    uint32_t kind = 0;
    size_t length;
    crm_id id;
    if (crm_has(record, field->number) != value->set)
        return false;
    if (!value->set)
        return true;
    switch (oracle_shape(field->type)) {
    case SHAPE_INT: return crm_int(record, field->number) == value->integer;
    case SHAPE_REAL: {
        double real = crm_real(record, field->number);
        return !(real < value->real) && !(real > value->real);
    }
    case SHAPE_TEXT: {
        const char *text = crm_text(record, field->number, &length);
        return length == strlen(value->text) && memcmp(text, value->text, length + 1) == 0;
    }
    case SHAPE_REF:
        return crm_ref(record, field->number, &kind, &id) == CRM_OK &&
               is_record(oracle, (enum oracle_slot)value->slot, value->index, kind, &id);
    default: return items_read(oracle, record, field, value->items);
    }
}

/* ---- a version ---- */

const char *answer_fields(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index,
                          const struct oracle_version *version)
{
    static const struct oracle_value nothing;
    const struct oracle_kind *kind = oracle_kind(slot);
    bool hidden = oracle_hidden(oracle_record(oracle, slot, index), version);
    for (uint32_t place = 0; place < kind->field_count; place++) {
        const struct oracle_field *field = &kind->fields[place];
        bool gone = hidden && (field->flags & IS_PERSONAL) != 0;
        if (!field_reads(oracle, record, field, gone ? &nothing : &version->values[place]))
            return oracle_wrong(oracle, "kind %u, record %u, version %llu: field %u reads \"%s\"", kind->number, index,
                                (unsigned long long)version->number, field->number,
                                crm_format(record, field->number, NULL));
    }
    int32_t expected = hidden ? CRM_ERASED : CRM_OK, got = crm_record_status(record);
    return got == expected
               ? NULL
               : oracle_wrong(oracle, "kind %u, record %u, version %llu: crm_record_status answers %d, not %d",
                              kind->number, index, (unsigned long long)version->number, got, expected);
}

static const char *check_system(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot,
                                uint32_t index)
{
    const struct oracle_version *version = oracle_record(oracle, slot, index)->newest, *first = version;
    const struct oracle_meta *now = version->meta;
    while (first->previous != NULL)
        first = first->previous;
    const struct oracle_meta *then = first->meta;
    if (crm_record_version(record) != version->number || crm_record_lsn(record) != now->lsn ||
        (crm_record_deleted(record) != 0) != version->deleted)
        return oracle_wrong(oracle, "kind %u, record %u is version %llu of transaction %llu%s, not %llu of %llu%s",
                            oracle_kind(slot)->number, index, (unsigned long long)crm_record_version(record),
                            (unsigned long long)crm_record_lsn(record), crm_record_deleted(record) ? ", deleted" : "",
                            (unsigned long long)version->number, (unsigned long long)now->lsn,
                            version->deleted ? ", deleted" : "");
    bool right = crm_int(record, CRM_FIELD_VERSION) == (int64_t)version->number &&
                 crm_int(record, CRM_FIELD_CREATED_AT) == then->time &&
                 crm_int(record, CRM_FIELD_MODIFIED_AT) == now->time &&
                 crm_int(record, CRM_FIELD_DELETED_AT) == (version->deleted ? now->time : 0) &&
                 (crm_has(record, CRM_FIELD_DELETED_AT) != 0) == version->deleted &&
                 same_text(crm_text(record, CRM_FIELD_CREATED_BY, NULL), then->actor) &&
                 same_text(crm_text(record, CRM_FIELD_MODIFIED_BY, NULL), now->actor) &&
                 (crm_has(record, CRM_FIELD_CREATED_BY) != 0) == (then->actor[0] != '\0') &&
                 (crm_has(record, CRM_FIELD_MODIFIED_BY) != 0) == (now->actor[0] != '\0');
    return right ? NULL
                 : oracle_wrong(oracle, "kind %u, record %u: created %s by \"%s\", modified %s by \"%s\"",
                                oracle_kind(slot)->number, index, crm_format(record, CRM_FIELD_CREATED_AT, NULL),
                                crm_text(record, CRM_FIELD_CREATED_BY, NULL),
                                crm_format(record, CRM_FIELD_MODIFIED_AT, NULL),
                                crm_text(record, CRM_FIELD_MODIFIED_BY, NULL));
}

bool answer_is(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_version *newest = oracle_record(oracle, slot, index)->newest;
    crm_id id;
    crm_record_id(record, &id);
    return is_record(oracle, slot, index, crm_record_kind(record), &id) &&
           crm_record_version(record) == newest->number && crm_record_lsn(record) == newest->meta->lsn &&
           (crm_record_deleted(record) != 0) == newest->deleted;
}

const char *answer_record(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_record *expected = oracle_record(oracle, slot, index);
    crm_id id;
    crm_record_id(record, &id);
    if (!is_record(oracle, slot, index, crm_record_kind(record), &id))
        return oracle_wrong(oracle, "kind %u: record %u is another one", oracle_kind(slot)->number, index);
    PASS(check_system(oracle, record, slot, index));
    return answer_fields(oracle, record, slot, index, expected->newest);
}

static const char *check_by_id(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index)
{
    crm_record *record = NULL;
    if (!oracle_record(oracle, slot, index)->identified)
        return NULL;
    int32_t status = crm_get(view, oracle_kind(slot)->number, &oracle_record(oracle, slot, index)->id, &record, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_get");
    const char *wrong = answer_record(oracle, record, slot, index);
    crm_record_free(record);
    return wrong;
}

/* ---- every record of a kind, in order of creation ---- */

static const char *check_listed(const struct oracle *oracle, crm_view *view, crm_query *query, enum oracle_slot slot,
                                bool deeply)
{
    crm_record *record;
    crm_id id;
    int32_t status;
    for (uint32_t index = 0; index < oracle->sets[slot].count; index++) {
        status = crm_query_next(query, &record, NULL);
        if (status != CRM_OK)
            return oracle_failed(oracle, status, "crm_query_next of a whole kind");
        PASS(answer_record(oracle, record, slot, index));
        crm_record_id(record, &id);
        if (deeply)
            PASS(answer_history(oracle, view, slot, index, &id));
    }
    status = crm_query_next(query, &record, NULL);
    return status == CRM_DONE ? NULL
                              : oracle_wrong(oracle, "behind record %u of kind %u crm_query_next answers %d",
                                             oracle->sets[slot].count, oracle_kind(slot)->number, status);
}

static const char *check_kind(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, bool deeply)
{
    crm_query *query = NULL;
    if (oracle->sets[slot].count == 0)
        return NULL; /* a user's own kind may not be there */
    int32_t status = crm_query_create(view, oracle_kind(slot)->number, &query, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_query_create");
    crm_query_deleted(query, CRM_DELETED_ALSO);
    const char *wrong = check_listed(oracle, view, query, slot, deeply);
    crm_query_free(query);
    return wrong;
}

/* ---- the public calls ---- */

static const char *check_point(const struct oracle *oracle, crm_view *view)
{
    const struct oracle_meta *meta = oracle->open != NULL ? oracle->open : oracle->last;
    uint64_t lsn = crm_view_lsn(view);
    if (oracle->open == NULL && (lsn != meta->lsn || crm_view_time(view) != meta->time))
        return oracle_wrong(oracle, "the view is of transaction %llu, %lld; expected %llu, %lld",
                            (unsigned long long)lsn, (long long)crm_view_time(view), (unsigned long long)meta->lsn,
                            (long long)meta->time);
    return NULL;
}

const char *oracle_check(const struct oracle *oracle, crm_view *view)
{
    PASS(check_point(oracle, view));
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        PASS(check_kind(oracle, view, (enum oracle_slot)slot, true));
        for (uint32_t index = 0; index < oracle->sets[slot].count; index++)
            PASS(check_by_id(oracle, view, (enum oracle_slot)slot, index));
    }
    return answer_all(oracle, view);
}

const char *oracle_check_some(const struct oracle *oracle, crm_view *view, struct choices *choices)
{
    PASS(check_point(oracle, view));
    for (int i = 0; i < 4; i++) {
        enum oracle_slot slot = (enum oracle_slot)choose(choices, SLOT_COUNT);
        uint32_t count = oracle->sets[slot].count, index = choose(choices, count);
        if (count == 0)
            continue;
        PASS(check_by_id(oracle, view, slot, index));
        if (oracle_record(oracle, slot, index)->identified && choose(choices, 2) == 0)
            PASS(answer_history(oracle, view, slot, index, &oracle_record(oracle, slot, index)->id));
    }
    return answer_some(oracle, view, choices);
}

const char *oracle_check_db(const struct oracle *oracle, crm_db *db)
{
    crm_view *view = NULL;
    int32_t status = crm_view_open(db, &view, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_view_open");
    const char *wrong = oracle_check(oracle, view);
    crm_view_close(view);
    return wrong != NULL ? wrong : answer_feed(oracle, db);
}
