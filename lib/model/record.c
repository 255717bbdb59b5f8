/* record: reading a record through a handle.
 *
 * A handle points into the log's map, so reading a field copies nothing; only
 * what has to be made (inflated or formatted text) is allocated, once, and
 * lives as long as the handle.
 */
#include "model/record.h"

#include "model/txn.h"
#include "model/uuid.h"
#include "sys/clock.h"
#include "sys/cold.h"

#include <math.h>
#include <string.h>

enum { SPARE_MAX = 64 };

crm_record *record_take(crm_view *view)
{
    crm_record *record = view->spare;
    if (record == NULL) {
        record = memory_zero(view->db->memory, 1, sizeof *record);
        if (record == NULL)
            return NULL;
    } else {
        view->spare = record->next;
        view->spare_count--;
    }
    record->view = view;
    record->made = NULL;
    return record;
}

void record_put_back(crm_record *record)
{
    if (record == NULL)
        return;
    crm_view *view = record->view;
    if (view->spare_count < SPARE_MAX) {
        record->next = view->spare;
        view->spare = record;
        view->spare_count++;
    } else {
        memory_free(view->db->memory, record);
    }
}

crm_record *record_hand_out(crm_record *record)
{
    record->borrowed = false;
    view_reference(record->view);
    return record;
}

void record_seek(crm_record *record)
{
    const struct version *version = &record->version;
    record->seek.bytes = NULL;
    if (version->count == 1 && !version->hidden)
        body_seek_open(&record->seek, version->segments[0].bytes, version->segments[0].length);
}

int32_t record_fill(crm_record *record, crm_view *view, struct kind *kind, uint32_t number, const struct row *row)
{
    record->view = view;
    record->kind = kind;
    record->number = number;
    record->identified = false;
    record->status = CRM_OK;
    record->loaded = true;
    record->txn = NULL;
    record->note_rule = record->note_evidence = NULL;
    record->seek.bytes = NULL;
    int32_t status = version_of_row(view, kind, number, row, &record->version);
    if (status == CRM_OK)
        record_seek(record);
    if (record->version.hidden)
        record->status = CRM_ERASED;
    return status;
}

void record_clear(crm_record *record)
{
    const struct memory *memory = record->view->db->memory;
    while (record->made != NULL) {
        struct made *next = record->made->next;
        memory_free(memory, record->made);
        record->made = next;
    }
}

static int32_t damaged(const crm_view *view, const struct kind *kind, uint64_t place, int32_t status, crm_error *error)
{
    return error_unread(error, status, "%s: the %s at byte %llu", crm_path(view->db), kind->name,
                        (unsigned long long)(place & ~PLACE_PACKED));
}

int32_t record_open(crm_view *view, struct kind *kind, uint32_t number, const struct row *row, crm_record **out,
                    crm_error *error)
{
    crm_record *record = record_take(view);
    *out = NULL;
    if (record == NULL)
        return error_nomem(error);
    int32_t status = record_fill(record, view, kind, number, row);
    if (status != CRM_OK) {
        record_put_back(record);
        return damaged(view, kind, row->head, status, error);
    }
    *out = record_hand_out(record);
    return CRM_OK;
}

void crm_record_free(crm_record *record)
{
    if (record == NULL || record->txn != NULL || record->borrowed)
        return;
    crm_view *view = record->view;
    record_clear(record);
    record_put_back(record);
    view_release(view);
}

/* Most records of a list are never asked for their id. */
const crm_id *record_id(const crm_record *record)
{
    crm_record *r = (crm_record *)(uintptr_t)record;
    while (!r->identified && r->txn == NULL && record_lock(r)) {
        r->id = *id_at(r->view->generation, r->kind, r->number);
        r->identified = !record_again(r);
    }
    return &r->id;
}

/* ---- values ---- */

struct field *record_field(const crm_record *record, uint32_t field)
{
    return record == NULL ? NULL : schema_field(record->kind, field);
}

/* A transaction's record shows its newest version, which is read when asked for. */
static const struct version *current_version(const crm_record *record)
{
    crm_record *r = (crm_record *)(uintptr_t)record;
    if (r->txn == NULL || r->created || r->txn->open == r || r->txn->judged == r)
        return &r->version;
    const struct row *row;
    if ((row = row_at(r->txn->generation, r->kind, r->number)) == NULL) {
        r->status = CRM_CORRUPT;
        return &r->version;
    }
    /* Another handle may have changed it, and the frame may have moved. */
    if (r->loaded && r->version.offset == row->head && row->head < r->txn->base)
        return &r->version;
    int32_t status = version_load(r->txn->generation, r->txn, row->head, &r->version);
    r->loaded = status == CRM_OK;
    if (status != CRM_OK)
        r->status = status;
    return &r->version;
}

/* What the entries say of a field, whether or not an erasure hides it. */
static int stored(const crm_record *record, const struct version *version, uint32_t field, struct value *value)
{
    if (record->seek.bytes == NULL)
        return version_get(version, field, value);
    int got = body_seek_find((struct body_seek *)(uintptr_t)&record->seek, field, value);
    return got == 1 ? value->what != VALUE_NULL : got;
}

int record_value(const crm_record *record, uint32_t field, struct value *value)
{
    if (record->seek.bytes != NULL)
        return stored(record, &record->version, field, value);
    if (record->txn != NULL && (record->txn->open == record || record->txn->judged == record)) {
        const struct edit *edit = txn_edit(record->txn, field);
        if (edit != NULL) {
            *value = edit->value;
            if (value->what == VALUE_BYTES || value->what == VALUE_DEFLATED)
                value->bytes = record->txn->edit_bytes.data + edit->at;
            return value->what != VALUE_NULL;
        }
    }
    const struct version *version = current_version(record);
    if (version->hidden) {
        const struct field *definition = schema_field(record->kind, field);
        return definition == NULL ? 0 : version_field(version, definition, value);
    }
    return version_get(version, field, value);
}

bool record_unread(const crm_record *record, int32_t status)
{
    ((crm_record *)(uintptr_t)record)->status = status;
    return false;
}

/* The transaction of the oldest entry of the record's chain that is still there. */
static bool first_lsn(const crm_record *record, const struct version *version, uint64_t *lsn)
{
    struct generation *generation = record->view->generation;
    struct entry entry = {.kind = version->kind,
                          .number = version->number,
                          .version = version->number_of,
                          .lsn = version->lsn,
                          .previous = version->previous};
    while (entry.previous != 0) {
        int32_t status = entry_before(generation, record->view->txn, &entry);
        if (status != CRM_OK)
            return record_unread(record, status);
    }
    *lsn = entry.lsn;
    return true;
}

/* In a transaction no lock is needed, and the record that is being changed must
 * not be finished by it. */
bool record_lock(const crm_record *record)
{
    int32_t status = record->view->txn != NULL ? CRM_OK : view_begin(record->view, NULL);
    return status == CRM_OK || record_unread(record, status);
}

/* What never changes, so that a view remembers it: when the last transactions
 * were that it was asked for, and the ids of the last references (the owners and
 * products of a list are few).  NULL: nothing is remembered. */
static struct view_known *known_of(crm_view *view)
{
    if (view->known == NULL && view->txn == NULL)
        view->known = memory_zero(view->db->memory, 1, sizeof *view->known);
    return view->known;
}

static bool time_of(const crm_record *record, uint64_t lsn, struct value *value)
{
    if (record->view->txn != NULL && lsn == record->view->txn->lsn) {
        *value = value_int(record->view->txn->time);
        return true;
    }
    value->what = VALUE_INT;
    struct view_known *kept = known_of(record->view);
    struct view_time *last = kept == NULL ? NULL : &kept->times[lsn % VIEW_TIMES];
    if (last != NULL && last->lsn == lsn && lsn != 0) {
        value->integer = last->time;
        return true;
    }
    bool known;
    do {
        if (!record_lock(record))
            return false;
        known = frame_time(record->view->generation, lsn, &value->integer);
    } while (record_again(record));
    if (known && last != NULL)
        *last = (struct view_time){lsn, value->integer};
    return known;
}

COLD static bool actor_of(const crm_record *record, uint64_t lsn, struct value *value)
{
    struct frame frame;
    if (record->view->txn != NULL && lsn == record->view->txn->lsn) {
        const char *actor = record->view->txn->actor;
        *value = value_bytes(actor == NULL ? "" : actor, actor == NULL ? 0 : strlen(actor));
        return actor != NULL && actor[0] != 0;
    }
    int32_t status;
    do {
        if (!record_lock(record))
            return false;
        status = frame_meta(record->view->generation, lsn, &frame, NULL);
    } while (record_again(record));
    if (status == CRM_CORRUPT || status == CRM_NOMEM)
        return record_unread(record, status);
    if (status != CRM_OK || frame.actor_length == 0)
        return false;
    struct made *made = record_make(record, 0, frame.actor, frame.actor_length);
    if (made == NULL)
        return false;
    memcpy(made->text, frame.actor, frame.actor_length);
    *value = value_bytes(made->text, frame.actor_length);
    return true;
}

/* The fields of every record that are not stored but follow from its versions. */
COLD static int derived(const crm_record *record, uint32_t field, struct value *value)
{
    uint64_t first;
    const struct version *version = current_version(record);
    if (version->offset == 0)
        return 0;
    switch (field) {
    case CRM_FIELD_VERSION: *value = value_int((int64_t)version->number_of); return 1;
    case CRM_FIELD_MODIFIED_AT: return time_of(record, version->lsn, value);
    case CRM_FIELD_MODIFIED_BY: return actor_of(record, version->lsn, value);
    case CRM_FIELD_DELETED_AT: return version->deleted && time_of(record, version->lsn, value);
    case CRM_FIELD_CREATED_AT:
        return stored(record, version, field, value) == 1 ||
               (first_lsn(record, version, &first) && time_of(record, first, value));
    case CRM_FIELD_CREATED_BY:
        return stored(record, version, field, value) == 1 ||
               (first_lsn(record, version, &first) && actor_of(record, first, value));
    default: return 0;
    }
}

int record_read_value(const crm_record *record, struct field *field, struct value *value)
{
    if (field->number <= CRM_FIELD_DELETED_AT)
        return derived(record, field->number, value);
    int got = record_value(record, field->number, value);
    if (got < 0)
        ((crm_record *)(uintptr_t)record)->status = CRM_CORRUPT;
    return got;
}

static int read_any(const crm_record *record, uint32_t number, struct value *value)
{
    struct field *field = record_field(record, number);
    return field == NULL ? 0 : record_read_value(record, field, value);
}

/* What most getters ask for: a built-in field of a record with one body. */
static inline int read_field(const crm_record *record, uint32_t number, struct value *value)
{
    if (record == NULL || record->seek.bytes == NULL || number <= CRM_FIELD_DELETED_AT || number >= 64 ||
        record->kind->builtin[number] == NULL)
        return read_any(record, number, value);
    int got = body_seek_find((struct body_seek *)(uintptr_t)&record->seek, number, value);
    if (got < 0)
        ((crm_record *)(uintptr_t)record)->status = CRM_CORRUPT;
    return got == 1 ? value->what != VALUE_NULL : got;
}

struct made *record_make(const crm_record *record, uint32_t field, const void *source, size_t length)
{
    crm_record *r = (crm_record *)(uintptr_t)record;
    struct made *made =
        length > SIZE_MAX - sizeof *made - 1 ? NULL : memory_alloc(record->view->db->memory, sizeof *made + length + 1);
    if (made == NULL) {
        r->status = CRM_NOMEM;
        return NULL;
    }
    *made = (struct made){.next = r->made, .source = source, .field = field, .length = length};
    made->text[length] = 0;
    r->made = made;
    return made;
}

const char *record_text_of(const crm_record *record, const struct value *value, size_t *length)
{
    *length = 0;
    if (value->what == VALUE_BYTES) {
        *length = value->length;
        return (const char *)value->bytes;
    }
    if (value->what != VALUE_DEFLATED)
        return "";
    for (struct made *made = record->made; made != NULL; made = made->next)
        if (made->source == value->bytes) {
            *length = made->length;
            return made->text;
        }
    struct made *made = record_make(record, 0, value->bytes, (size_t)value->integer);
    if (made == NULL)
        return "";
    int32_t status = value_inflate(record->view->db->memory, value, (uint8_t *)made->text);
    if (status != CRM_OK) {
        (void)record_unread(record, status);
        made->source = NULL; /* asked for again it is tried again */
        made->length = 0;
        made->text[0] = 0;
    }
    *length = made->length;
    return made->text;
}

/* ---- the public getters ---- */

uint32_t crm_record_kind(const crm_record *record)
{
    return record == NULL ? 0 : record->kind->number;
}

void crm_record_id(const crm_record *record, crm_id *out)
{
    if (record == NULL)
        memset(out, 0, sizeof *out);
    else
        *out = *record_id(record);
}

uint64_t crm_record_version(const crm_record *record)
{
    return record == NULL ? 0 : current_version(record)->number_of;
}

uint64_t crm_record_lsn(const crm_record *record)
{
    return record == NULL ? 0 : current_version(record)->lsn;
}

int32_t crm_record_deleted(const crm_record *record)
{
    if (record == NULL)
        return 0;
    if (record->txn != NULL && (record->txn->open == record || record->txn->judged == record) && record->pending != 0)
        return record->pending == ENTRY_DELETE;
    return current_version(record)->deleted;
}

int32_t crm_record_status(const crm_record *record)
{
    return record == NULL ? CRM_MISUSE : record->status;
}

int32_t crm_has(const crm_record *record, uint32_t field)
{
    struct value value;
    return field == CRM_FIELD_ID ? record != NULL : read_field(record, field, &value) == 1;
}

int64_t crm_int(const crm_record *record, uint32_t field)
{
    struct value value;
    return read_field(record, field, &value) == 1 && value.what == VALUE_INT ? value.integer : 0;
}

COLD double crm_real(const crm_record *record, uint32_t field)
{
    struct value value;
    if (read_field(record, field, &value) != 1)
        return (double)NAN;
    return value.what == VALUE_REAL ? value.real : value.what == VALUE_INT ? (double)value.integer : (double)NAN;
}

const char *crm_text(const crm_record *record, uint32_t field, size_t *length)
{
    struct value value;
    size_t ignored;
    if (length == NULL)
        length = &ignored;
    *length = 0;
    if (read_field(record, field, &value) != 1)
        return "";
    if (value.what != VALUE_BYTES)
        return record_text_of(record, &value, length);
    *length = value.length;
    return (const char *)value.bytes;
}

static bool id_of(const crm_record *record, uint32_t kind_number, uint32_t number, crm_id *id)
{
    struct view_known *known = known_of(record->view);
    struct view_id *last = known == NULL ? NULL : &known->ids[(number ^ kind_number * 37) % VIEW_IDS];
    if (last != NULL && last->kind == kind_number && last->number == number) {
        *id = last->id;
        return true;
    }
    bool found = record_read_id(record, kind_number, number, id);
    if (found && last != NULL && record->status == CRM_OK)
        *last = (struct view_id){kind_number, number, *id};
    return found;
}

bool record_target(const crm_record *record, const struct field *field, int64_t stored, uint32_t *kind, crm_id *id)
{
    bool any = field->type == CRM_TYPE_ANY_REF;
    uint32_t target = any ? any_ref_kind(stored) : field->target;
    uint32_t number = any ? any_ref_number(stored) : (uint32_t)stored;
    if (!id_of(record, target, number, id))
        return false;
    if (kind != NULL)
        *kind = target;
    return true;
}

int32_t crm_ref(const crm_record *record, uint32_t field, uint32_t *kind, crm_id *out)
{
    struct value value;
    const struct field *definition = record_field(record, field);
    if (definition == NULL || !type_is_ref(definition->type) || read_field(record, field, &value) != 1)
        return CRM_NOT_FOUND;
    return record_target(record, definition, value.integer, kind, out) ? CRM_OK : CRM_NOT_FOUND;
}

static bool item_of(const crm_record *record, uint32_t field, uint32_t position, struct item *item)
{
    struct value value;
    struct field *definition = record_field(record, field);
    return definition != NULL && type_is_list(definition->type) && record_read_value(record, definition, &value) == 1 &&
           items_at(&value, position, item);
}

uint32_t crm_item_count(const crm_record *record, uint32_t field)
{
    struct value value;
    struct field *definition = record_field(record, field);
    if (definition == NULL || !type_is_list(definition->type) || record_read_value(record, definition, &value) != 1)
        return 0;
    return items_count(&value);
}

const char *crm_item_text(const crm_record *record, uint32_t field, uint32_t item, int32_t part, size_t *length)
{
    struct item found;
    struct part value;
    size_t ignored;
    if (length == NULL)
        length = &ignored;
    *length = 0;
    if (!item_of(record, field, item, &found) || !part_find(&found, part, &value))
        return "";
    *length = value.length;
    return value.text;
}

int64_t crm_item_int(const crm_record *record, uint32_t field, uint32_t item, int32_t part)
{
    struct item found;
    struct part value;
    return item_of(record, field, item, &found) && part_find(&found, part, &value) ? value.integer : 0;
}

COLD int32_t crm_item_ref(const crm_record *record, uint32_t field, uint32_t item, uint32_t *kind, crm_id *out)
{
    struct item found;
    struct part value;
    if (!item_of(record, field, item, &found) || !part_find(&found, CRM_PART_REF, &value))
        return CRM_NOT_FOUND;
    if (!id_of(record, value.kind, value.number, out))
        return CRM_NOT_FOUND;
    if (kind != NULL)
        *kind = value.kind;
    return CRM_OK;
}
