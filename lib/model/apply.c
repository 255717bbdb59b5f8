/* apply: takes one entry of the log into the arena, and out again.
 *
 * The same code serves the writer, a replay at open and the following of other
 * processes, so that an image is what a replay would give (P5).  The caller
 * holds the generation's exclusive lock.
 */
#include "model/db.h"

#include "model/txn.h"
#include "sys/cold.h"

#include <string.h>

/* Old rows are only remembered while somebody could ask for them. */
static bool touch(struct generation *generation, const struct kind *kind, uint32_t number, uint64_t lsn,
                  const struct row *row)
{
    crm_db *db = generation->db;
    if (generation->building || (generation->txn == NULL && lsn <= log_published(generation->log) &&
                                 __atomic_load_n(&db->views, __ATOMIC_ACQUIRE) == 0))
        return true;
    if (!memory_grow(db->memory, (void **)&generation->touches, &generation->touch_capacity,
                     generation->touch_count + 1, sizeof *generation->touches))
        return false;
    generation->touches[generation->touch_count++] =
        (struct touch){.kind = kind->number, .number = number, .lsn = lsn, .before = *row};
    return true;
}

COLD void touches_trim(struct generation *generation)
{
    crm_db *db = generation->db;
    uint64_t oldest = log_published(generation->log);
    mutex_lock(&db->state);
    for (const crm_view *view = db->view_list; view != NULL; view = view->next) {
        uint64_t base = __atomic_load_n(&view->base_lsn, __ATOMIC_ACQUIRE); /* 0 while it is being opened */
        if (view->generation == generation && base < oldest)
            oldest = base;
    }
    mutex_unlock(&db->state);
    size_t gone = 0;
    while (gone < generation->touch_count && generation->touches[gone].lsn <= oldest)
        gone++;
    if (gone == 0)
        return;
    memmove(generation->touches, generation->touches + gone,
            (generation->touch_count - gone) * sizeof *generation->touches);
    generation->touch_count -= gone;
    generation->touch_base += gone;
}

/* A row for the number, which may be new or a hole; its fields follow. */
static bool make_row(struct generation *generation, struct kind *kind, const crm_id *id, uint64_t offset,
                     const struct entry *entry)
{
    struct kind_store *store = kind_store_make(generation, kind);
    if (store == NULL || (entry->number >= store->rows && entry->number - store->rows > offset))
        return false; /* a hole larger than the file is a lie */
    if (((entry->number & 63) == 0 || entry->number != store->rows) && !index_reserve(generation, kind, entry->number))
        return false;
    struct row *row = row_make(generation, kind, entry->number, id);
    if (row == NULL)
        return false;
    *row = (struct row){.head = offset, .state = entry->lsn << 8 | (entry->previous == 0 ? ROW_FIRST : 0)};
    if (entry->number >= store->rows)
        store->rows = entry->number + 1;
    store->live++;
    return true;
}

bool apply_row(struct generation *generation, struct kind *kind, const crm_id *id, uint64_t offset,
               const struct entry *entry, const uint8_t *fields)
{
    struct body body = body_open(fields, (size_t)(entry->body + entry->body_length - fields));
    struct value value;
    int got;
    if (!make_row(generation, kind, id, offset, entry))
        return false;
    while ((got = body_next(&body, &value)) == 1) {
        struct field *field = schema_field(kind, body.field);
        if (field != NULL && value.what != VALUE_NULL && !index_add(generation, kind, entry->number, field, &value))
            return false;
    }
    return index_added(generation, entry->number) && got == 0;
}

static bool create(struct generation *generation, struct kind *kind, uint64_t offset, const struct entry *entry,
                   crm_id *id_base)
{
    crm_id id;
    const uint8_t *fields = id_get(entry->body, entry->body + entry->body_length, id_base, &id);
    return fields != NULL && entry->number >= kind_rows(generation, kind) &&
           apply_row(generation, kind, &id, offset, entry, fields);
}

/* The version before with one more entry in front. */
static void version_push(const struct version *before, uint64_t offset, const struct entry *entry,
                         struct version *after)
{
    *after = (struct version){.offset = offset,
                              .lsn = entry->lsn,
                              .number_of = entry->version,
                              .kind = entry->kind,
                              .number = entry->number,
                              .previous = entry->previous,
                              .operation = entry->operation,
                              .flags = entry->flags,
                              .deleted = entry->operation == ENTRY_DELETE,
                              .count = 1};
    after->segments[0].bytes = entry->body;
    after->segments[0].length = entry->body_length;
    if (entry->flags & ENTRY_FULL)
        return;
    for (unsigned i = 0; i < before->count && after->count < VERSION_SEGMENTS; i++)
        after->segments[after->count++] = before->segments[i];
}

static uint64_t state_of(const struct row *row, const struct entry *entry)
{
    uint64_t flags = (entry->operation == ENTRY_DELETE ? ROW_DELETED : 0) |
                     (entry->operation == ENTRY_ERASE || (row->state & ROW_ERASED) ? ROW_ERASED : 0);
    return entry->lsn << 8 | flags;
}

/* The version that a row has: the transaction has read it before it changed it. */
static const struct version *version_before(struct generation *generation, const crm_txn *txn, const struct row *row,
                                            struct version *loaded)
{
    const crm_record *open = txn == NULL ? NULL : txn->open;
    if (open != NULL && open->version.offset == row->head && row->head < txn->base && open->version.count > 0)
        return &open->version;
    return version_load(generation, txn, row->head, loaded) == CRM_OK ? loaded : NULL;
}

static bool change(struct generation *generation, const crm_txn *txn, struct kind *kind, uint64_t offset,
                   const struct entry *entry)
{
    struct kind_store *store = kind_store(generation, kind);
    struct row *row = row_at(generation, kind, entry->number);
    struct version loaded, after;
    if (row == NULL || row->head == 0 || row->head != entry->previous)
        return false;
    const struct version *before = version_before(generation, txn, row, &loaded);
    if (before == NULL || !touch(generation, kind, entry->number, entry->lsn, row))
        return false;
    version_push(before, offset, entry, &after);
    bool was_live = !(row->state & ROW_DELETED), is_live = entry->operation != ENTRY_DELETE;
    row->head = offset;
    row->state = state_of(row, entry);
    store->live = store->live + is_live - was_live;
    bool delta = was_live && is_live && !(entry->flags & ENTRY_FULL);
    struct body only = body_open(entry->body, entry->body_length);
    return index_change(generation, kind, entry->number, was_live ? before : NULL, is_live ? &after : NULL,
                        delta ? &only : NULL);
}

COLD static bool define(struct generation *generation, const crm_txn *txn, const struct entry *entry)
{
    const struct row *row = row_at(generation, schema_kind(&generation->schema, entry->kind), entry->number);
    struct version version;
    return row != NULL && version_load(generation, txn, row->head, &version) == CRM_OK &&
           schema_apply(generation, entry->kind, &version, !(row->state & ROW_DELETED));
}

static bool after_apply(struct generation *generation, const crm_txn *txn, const struct entry *entry)
{
    if (entry->kind == CRM_KIND_SETTING)
        settings_note(generation, entry->operation == ENTRY_DELETE ? UINT32_MAX : entry->number);
    return entry->kind < CRM_KIND_KIND || entry->kind > CRM_KIND_CHOICE || define(generation, txn, entry);
}

bool apply_entry(struct generation *generation, const crm_txn *txn, uint64_t offset, const struct entry *entry,
                 crm_id *id_base)
{
    struct kind *kind = schema_kind(&generation->schema, entry->kind);
    bool done = false;
    generation->change++;
    if (kind == NULL)
        return false;
    switch (entry->operation) {
    case ENTRY_CREATE: done = create(generation, kind, offset, entry, id_base); break;
    case ENTRY_UPDATE:
    case ENTRY_DELETE:
    case ENTRY_RESTORE:
    case ENTRY_ERASE: done = change(generation, txn, kind, offset, entry); break;
    default: return false;
    }
    return done && after_apply(generation, txn, entry);
}

bool apply_created(struct generation *generation, const crm_txn *txn, uint64_t offset, const struct entry *entry,
                   const crm_id *id)
{
    struct kind *kind = txn->open->kind;
    generation->change++;
    if (!make_row(generation, kind, id, offset, entry))
        return false;
    for (size_t i = 0; i < txn->edit_count; i++) {
        const struct edit *edit = txn_edit_at(txn, i);
        if (edit->value.what != VALUE_NULL && !index_add(generation, kind, entry->number, edit->field, &edit->value))
            return false;
    }
    return index_added(generation, entry->number) && after_apply(generation, txn, entry);
}

COLD static bool undo_create(struct generation *generation, struct kind *kind, const struct entry *entry,
                             const struct version *version)
{
    struct kind_store *store = kind_store(generation, kind);
    struct row *row = row_at(generation, kind, entry->number);
    if (store == NULL || row == NULL || entry->number + 1 != store->rows ||
        !index_change(generation, kind, entry->number, version, NULL, NULL) ||
        !row_unmake(generation, kind, entry->number))
        return false;
    index_clear_columns(generation, kind, entry->number);
    store->rows--;
    store->live--;
    return true;
}

/* Entries are undone in reverse, so the touch to take back is the last one. */
COLD static bool undo_entry(struct generation *generation, const crm_txn *txn, uint64_t offset,
                            const struct entry *entry)
{
    struct kind *kind = schema_kind(&generation->schema, entry->kind);
    struct row *row = kind == NULL ? NULL : row_at(generation, kind, entry->number);
    struct version before, after;
    generation->change++;
    if (row == NULL || row->head != offset || version_load(generation, txn, offset, &after) != CRM_OK)
        return false;
    bool defines = entry->kind >= CRM_KIND_KIND && entry->kind <= CRM_KIND_CHOICE;
    if (defines && (entry->operation == ENTRY_CREATE
                        ? !schema_undo(generation, entry->kind, &after)
                        : !schema_apply(generation, entry->kind, &after, entry->operation == ENTRY_DELETE)))
        return false;
    if (entry->operation == ENTRY_CREATE)
        return undo_create(generation, kind, entry, &after);
    const struct touch *last = generation->touches + generation->touch_count - 1;
    if (generation->touch_count == 0 || last->kind != entry->kind || last->number != entry->number ||
        version_load(generation, txn, last->before.head, &before) != CRM_OK)
        return false;
    struct kind_store *store = kind_store(generation, kind);
    bool was_live = !(last->before.state & ROW_DELETED), is_live = !(row->state & ROW_DELETED);
    *row = last->before;
    store->live = store->live + was_live - is_live;
    generation->touch_count--;
    generation->touch_undone++;
    return index_change(generation, kind, entry->number, is_live ? &after : NULL, was_live ? &before : NULL, NULL);
}

COLD bool apply_undo(struct generation *generation, const crm_txn *txn, uint64_t offset, const struct entry *entry)
{
    bool done = undo_entry(generation, txn, offset, entry);
    if (done && entry->kind == CRM_KIND_SETTING)
        settings_note(generation, UINT32_MAX);
    return done;
}

/* What an entry of a frame may be: one of its own transaction, or, in a base
 * frame, of any before; packs and tables of frames only there. */
static bool apply_one(struct generation *generation, const struct frame *frame, uint64_t offset,
                      const struct entry *entry, crm_id *id_base)
{
    bool base = (frame->flags & LOG_FRAME_BASE) != 0;
    if (entry->operation > ENTRY_ERASE)
        return base && (entry->operation != ENTRY_FRAMES || frames_apply(generation, offset, entry));
    return (base ? entry->lsn <= frame->lsn : entry->lsn == frame->lsn) &&
           apply_entry(generation, NULL, offset, entry, id_base);
}

/* Out of memory, or what is there makes no sense. */
COLD static bool cannot_apply(struct generation *generation, const struct frame *frame, uint64_t offset,
                              crm_error *error)
{
    if (__atomic_load_n(&generation->db->starved, __ATOMIC_ACQUIRE) || generation->arena->refused)
        error_nomem(error);
    else
        error_set(error, CRM_CORRUPT,
                  "%s: the entry at byte %llu (transaction %llu) cannot be applied; salvage the file with recover",
                  log_path(generation->log), (unsigned long long)offset, (unsigned long long)frame->lsn);
    return false;
}

bool apply_frame(struct generation *generation, const struct frame *frame, crm_error *error)
{
    crm_id base = {{0}};
    size_t at = 0;
    __atomic_store_n(&generation->db->starved, false, __ATOMIC_RELEASE);
    while (at < frame->entries_length) {
        struct entry entry;
        uint64_t offset = frame->entries_offset + at;
        int32_t status = entry_get(frame->entries + at, frame->entries_length - at, offset, &entry);
        if (status != CRM_OK || !apply_one(generation, frame, offset, &entry, &base))
            return cannot_apply(generation, frame, offset, error);
        at += entry.size;
    }
    /* Of several base frames, which share one number, the last counts; before
     * the tables of frames are all there it may have no place yet. */
    if (!frames_note(generation, frame->lsn, frame->offset, frame->time) && !(frame->flags & LOG_FRAME_BASE))
        return cannot_apply(generation, frame, frame->offset, error);
    generation->applied = frame->after;
    return true;
}
