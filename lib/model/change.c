/* change: what a version changed, by merging the fields of two versions.
 */
#include "model/change.h"

#include "model/txn.h"

#include <string.h>

void change_init(struct crm_change *change, const struct memory *memory)
{
    memset(change, 0, sizeof *change);
    buffer_init(&change->texts, memory);
}

void change_clear(struct crm_change *change)
{
    if (change->view == NULL)
        return;
    record_clear(&change->before);
    record_clear(&change->after);
    change->view = NULL;
    change->has_before = false;
    change->field_count = 0;
}

void change_free(struct crm_change *change)
{
    const struct memory *memory = change->texts.memory;
    change_clear(change);
    memory_free(memory, change->fields);
    buffer_free(&change->texts);
}

int32_t change_operation(const struct entry *entry, const struct entry *before)
{
    if (entry->operation != ENTRY_CREATE || entry->version <= 1)
        return entry->operation;
    return before != NULL && before->operation == ENTRY_DELETE ? ENTRY_RESTORE : ENTRY_UPDATE;
}

/* ---- who, when, why ---- */

static void put_text(struct buffer *buffer, const char *text, size_t length)
{
    buffer_append(buffer, text, length);
    buffer_byte(buffer, 0);
}

static void put_meta(struct crm_change *change, const struct frame *frame)
{
    struct buffer *texts = &change->texts;
    texts->length = 0;
    put_text(texts, frame->actor, frame->actor_length);
    change->reason = texts->length;
    put_text(texts, frame->reason, frame->reason_length);
    change->batch = texts->length;
    put_text(texts, frame->batch, frame->batch_length);
    change->time = frame->time;
}

static struct frame own_meta(const crm_txn *txn)
{
    struct frame frame = {.time = txn->time, .actor = txn->actor, .reason = txn->reason, .batch = txn->batch};
    frame.actor_length = txn->actor == NULL ? 0 : (uint32_t)strlen(txn->actor);
    frame.reason_length = txn->reason == NULL ? 0 : (uint32_t)strlen(txn->reason);
    frame.batch_length = txn->batch == NULL ? 0 : (uint32_t)strlen(txn->batch);
    return frame;
}

/* Changes of one transaction come one after the other: its meta is read once. */
static int32_t fill_meta(struct crm_change *change, crm_view *view, crm_error *error)
{
    struct frame frame;
    if (change->texts.length > 0 && change->time_lsn == change->lsn)
        return CRM_OK;
    if (view->txn != NULL && change->lsn == view->txn->lsn) {
        frame = own_meta(view->txn);
    } else {
        int32_t status = frame_meta(view->generation, change->lsn, &frame, error);
        if (status != CRM_OK)
            return status;
    }
    put_meta(change, &frame);
    if (change->texts.failed) {
        change->texts.failed = false;
        change->texts.length = 0;
        return error_nomem(error);
    }
    change->time_lsn = change->lsn;
    return CRM_OK;
}

/* ---- the fields that differ ---- */

struct walk {
    const struct version *version;
    const struct kind *kind;
    struct version_cursor cursor;
    uint32_t field; /* UINT32_MAX: at the end */
    struct value value;
};

/* To the next field that a reader of this version sees; those that follow from
 * the version itself (id to deleted_at) are no change. */
static bool walk_next(struct walk *walk)
{
    for (;;) {
        int got = walk->version == NULL ? 0 : version_next(&walk->cursor, &walk->field, &walk->value);
        if (got <= 0) {
            walk->field = UINT32_MAX;
            return got == 0;
        }
        if (walk->field <= CRM_FIELD_DELETED_AT)
            continue;
        const struct field *field = schema_field(walk->kind, walk->field);
        if (field != NULL && !(walk->version->hidden && (field->flags & CRM_FLAG_PERSONAL)))
            return true;
    }
}

static bool walk_begin(struct walk *walk, const struct kind *kind, const struct version *version)
{
    walk->version = version;
    walk->kind = kind;
    if (version != NULL)
        version_fields(version, &walk->cursor);
    return walk_next(walk);
}

static bool note_field(struct crm_change *change, uint32_t field)
{
    if (!memory_grow(change->texts.memory, (void **)&change->fields, &change->field_capacity, change->field_count + 1,
                     sizeof *change->fields))
        return false;
    change->fields[change->field_count++] = field;
    return true;
}

/* CRM_OK, CRM_CORRUPT, CRM_NOMEM */
static int32_t compare(struct crm_change *change, const struct version *before, const struct version *after)
{
    struct walk old, new;
    change->field_count = 0;
    bool fine = walk_begin(&old, change->kind, before) && walk_begin(&new, change->kind, after);
    while (fine && (old.field != UINT32_MAX || new.field != UINT32_MAX)) {
        uint32_t field = old.field < new.field ? old.field : new.field;
        bool differs = old.field != new.field || !value_equal(&old.value, &new.value);
        if (differs && !note_field(change, field))
            return CRM_NOMEM;
        if (old.field == field)
            fine = walk_next(&old);
        if (fine && new.field == field)
            fine = walk_next(&new);
    }
    return fine ? CRM_OK : CRM_CORRUPT;
}

/* ---- filling ---- */

static void show(crm_record *record, crm_view *view, const struct change_place *what)
{
    memset(record, 0, offsetof(crm_record, version));
    memset(&record->loaded, 0, sizeof *record - offsetof(crm_record, loaded));
    record->view = view;
    record->kind = what->kind;
    record->number = what->number;
    record->id = what->id;
    record->identified = true;
    record->loaded = true;
    record->borrowed = true;
    record->version.hidden = record->version.number_of < what->erased;
    record->status = record->version.hidden ? CRM_ERASED : CRM_OK;
}

static int32_t load(struct crm_change *change, crm_view *view, struct generation *reader,
                    const struct change_place *what)
{
    struct entry entry, earlier;
    int32_t status = version_load(reader, view->txn, what->place, &change->after.version);
    if (status == CRM_OK)
        status = entry_load(reader, view->txn, what->place, &entry);
    if (status != CRM_OK)
        return status;
    if (entry.kind != what->kind->number || entry.number != what->number)
        return CRM_CORRUPT;
    change->has_before = entry.previous != 0;
    if (change->has_before)
        status = version_load(reader, view->txn, entry.previous, &change->before.version);
    if (change->has_before && status == CRM_OK)
        status = entry_load(reader, view->txn, entry.previous, &earlier);
    if (status != CRM_OK)
        return status;
    change->lsn = entry.lsn;
    change->version = entry.version;
    change->operation = change_operation(&entry, change->has_before ? &earlier : NULL);
    return CRM_OK;
}

int32_t change_fill(struct crm_change *change, crm_view *view, struct generation *reader,
                    const struct change_place *what, crm_error *error)
{
    change_clear(change);
    int32_t status = load(change, view, reader, what);
    if (status == CRM_OK) {
        change->view = view;
        change->kind = what->kind;
        change->number = what->number;
        change->id = what->id;
        show(&change->after, view, what);
        show(&change->before, view, what);
        status = compare(change, change->has_before ? &change->before.version : NULL, &change->after.version);
    }
    uint64_t place = what->place & PLACE_PACKED ? (what->place & ~PLACE_PACKED) >> PLACE_POSITION_BITS : what->place;
    status = status == CRM_OK ? fill_meta(change, view, error)
                              : error_unread(error, status, "%s: a version of a %s at byte %llu", crm_path(view->db),
                                             what->kind->name, (unsigned long long)place);
    if (status != CRM_OK)
        change_clear(change);
    return status;
}

/* ---- the public getters ---- */

uint64_t crm_change_lsn(const crm_change *change)
{
    return change == NULL ? 0 : change->lsn;
}

int64_t crm_change_time(const crm_change *change)
{
    return change == NULL ? 0 : change->time;
}

static const char *text_at(const crm_change *change, size_t at)
{
    return change->texts.length == 0 ? "" : (const char *)change->texts.data + at;
}

const char *crm_change_actor(const crm_change *change)
{
    return change == NULL ? "" : text_at(change, 0);
}

const char *crm_change_reason(const crm_change *change)
{
    return change == NULL ? "" : text_at(change, change->reason);
}

const char *crm_change_batch(const crm_change *change)
{
    return change == NULL ? "" : text_at(change, change->batch);
}

int32_t crm_change_operation(const crm_change *change)
{
    return change == NULL ? 0 : change->operation;
}

uint32_t crm_change_kind(const crm_change *change)
{
    return change == NULL || change->view == NULL ? 0 : change->kind->number;
}

void crm_change_id(const crm_change *change, crm_id *out)
{
    if (change == NULL)
        memset(out, 0, sizeof *out);
    else
        *out = change->id;
}

uint64_t crm_change_version(const crm_change *change)
{
    return change == NULL ? 0 : change->version;
}

crm_record *crm_change_before(const crm_change *change)
{
    return change == NULL || change->view == NULL || !change->has_before ? NULL
                                                                         : (crm_record *)(uintptr_t)&change->before;
}

crm_record *crm_change_after(const crm_change *change)
{
    return change == NULL || change->view == NULL ? NULL : (crm_record *)(uintptr_t)&change->after;
}

uint32_t crm_change_field_count(const crm_change *change)
{
    return change == NULL ? 0 : (uint32_t)change->field_count;
}

uint32_t crm_change_field(const crm_change *change, uint32_t position)
{
    return change == NULL || position >= change->field_count ? 0 : change->fields[position];
}
