/* view: see view.h and db.h.
 *
 * A view is an LSN.  A row whose newest version is not newer than it is taken
 * from the arena as it is.  Any other is judged by what it was: for a view that
 * was opened as the newest, the touches since then tell; for a view in the past
 * the row's chain is walked back.  A query asks for the whole overlay once, a
 * look-up judges its one row.
 */
#include "model/view.h"

#include "model/record.h"
#include "model/txn.h"
#include "sys/checksum.h"

#include <string.h>

static int32_t begin_in_txn(crm_view *view, int32_t (*usable)(crm_txn *), crm_error *error)
{
    crm_txn *txn = view->txn;
    if (!txn->in_rules && txn->open != NULL)
        (void)txn_finish(txn); /* a refusal is kept and answered at commit */
    return usable(txn) == CRM_OK ? CRM_OK : error_set(error, txn->status, "%s", txn->error.message);
}

int32_t view_begin_rows(crm_view *view, crm_error *error)
{
    return view->txn == NULL ? view_begin(view, error) : begin_in_txn(view, txn_usable, error);
}

int32_t view_begin(crm_view *view, crm_error *error)
{
    if (view->txn != NULL)
        return begin_in_txn(view, txn_settle, error);
    if (view->locked++ > 0)
        return CRM_OK;
    rwlock_read(&view->generation->lock);
    while (!db_settled(view->generation)) {
        rwlock_unlock(&view->generation->lock);
        int32_t status = db_settle(view->generation, error);
        if (status != CRM_OK) {
            view->locked--;
            return status;
        }
        rwlock_read(&view->generation->lock);
    }
    return CRM_OK;
}

int32_t view_trouble(crm_view *view, crm_error *error)
{
    int32_t status = view->scratch.failed || view->scratch2.failed ? CRM_NOMEM : view->trouble;
    view->trouble = CRM_OK;
    view->scratch.failed = view->scratch2.failed = false;
    /* What a damaged block hides must not be taken for what is not there. */
    if (view->generation->arena->damaged)
        return error_set(error, CRM_CORRUPT, "the index is damaged; ask again: it is built anew");
    if (status == CRM_OK)
        return status;
    return error_unread(error, status, "%s: a record's version", view->db->path);
}

void view_end(crm_view *view)
{
    if (view->txn == NULL && --view->locked == 0)
        rwlock_unlock(&view->generation->lock);
}

int32_t view_finish(crm_view *view, int32_t status, crm_error *error)
{
    int32_t trouble = view_trouble(view, error);
    view_end(view);
    return trouble == CRM_OK ? status : trouble;
}

bool view_again(crm_view *view)
{
    bool damaged = view->generation->arena->damaged;
    view_end(view);
    return damaged && view->txn == NULL && view->locked == 0;
}

bool view_is_current(const crm_view *view)
{
    if (view->txn != NULL)
        return true;
    const struct generation *generation = view->generation;
    return generation->applied.lsn <= view->lsn && (generation->txn == NULL || !generation->txn->applied);
}

static size_t overlay_slot(const crm_view *view, uint32_t kind, uint32_t number)
{
    size_t mask = view->overlay_capacity - 1;
    size_t slot = (size_t)hash_mix((uint64_t)kind << 32 | number) & mask;
    while (view->overlay[slot].kind != 0 && (view->overlay[slot].kind != kind || view->overlay[slot].number != number))
        slot = (slot + 1) & mask;
    return slot;
}

static const struct overlay_row *overlay_get(const crm_view *view, uint32_t kind, uint32_t number)
{
    if (view->overlay_count == 0)
        return NULL;
    const struct overlay_row *row = &view->overlay[overlay_slot(view, kind, number)];
    return row->kind == 0 ? NULL : row;
}

static bool overlay_grow(crm_view *view)
{
    if ((view->overlay_count + 1) * 4 <= view->overlay_capacity * 3)
        return true;
    const struct memory *memory = view->db->memory;
    struct overlay_row *old = view->overlay;
    size_t old_capacity = view->overlay_capacity;
    size_t capacity = old_capacity == 0 ? 64 : old_capacity * 2;
    struct overlay_row *larger = memory_zero(memory, capacity, sizeof *larger);
    if (larger == NULL)
        return false;
    view->overlay = larger;
    view->overlay_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].kind != 0)
            larger[overlay_slot(view, old[i].kind, old[i].number)] = old[i];
    memory_free(memory, old);
    return true;
}

/* The first word counts: what a row was before its first change is what the view sees. */
static bool overlay_put(crm_view *view, uint32_t kind, uint32_t number, const struct row *row)
{
    if (!overlay_grow(view))
        return false;
    struct overlay_row *slot = &view->overlay[overlay_slot(view, kind, number)];
    if (slot->kind == 0) {
        *slot = (struct overlay_row){.kind = kind, .number = number, .row = *row};
        view->overlay_count++;
    }
    return true;
}

/* Walks back to what the row was at the view's LSN; head 0: it did not exist. */
static int32_t walk_back(crm_view *view, const struct kind *kind, uint32_t number, struct row *row)
{
    if (row->head == 0 || row_lsn(row) <= view->lsn)
        return CRM_OK;
    uint64_t place = row->state & ROW_FIRST ? 0 : row->head;
    struct entry entry;
    int32_t status = place == 0 ? CRM_OK : entry_load(view->generation, NULL, place, &entry);
    if (status == CRM_OK && place != 0 &&
        (entry.kind != kind->number || entry.number != number || entry.lsn != row_lsn(row)))
        status = CRM_CORRUPT;
    while (place != 0) {
        if (status != CRM_OK)
            return status;
        if (entry.lsn <= view->lsn) {
            bool deleted = entry.operation == ENTRY_DELETE;
            row->state = entry.lsn << 8 | (deleted ? ROW_DELETED : 0) | (row->state & ROW_ERASED) |
                         (entry.previous == 0 ? ROW_FIRST : 0);
            break;
        }
        place = entry.previous;
        if (place != 0)
            status = entry_before(view->generation, NULL, &entry);
    }
    row->head = place;
    return CRM_OK;
}

/* The touches that this view needs are those newer than what it sees. */
static size_t touches_from(const struct generation *generation, uint64_t lsn)
{
    size_t at = generation->touch_count;
    while (at > 0 && generation->touches[at - 1].lsn > lsn)
        at--;
    return at;
}

static int32_t take_touches(crm_view *view)
{
    const struct generation *generation = view->generation;
    if (view->undone != generation->touch_undone) { /* the first time; or what lay there may be something else now */
        view->undone = generation->touch_undone;
        view->touched = touches_from(generation, view->base_lsn) + generation->touch_base;
    }
    for (; view->touched < generation->touch_base + generation->touch_count; view->touched++) {
        const struct touch *touch = &generation->touches[view->touched - generation->touch_base];
        if (touch->lsn <= view->base_lsn)
            continue;
        struct row row = touch->before;
        if (row_lsn(&row) > view->base_lsn) /* made after the view, then changed */
            row.head = 0;
        if (!overlay_put(view, touch->kind, touch->number, &row))
            return CRM_NOMEM;
    }
    return CRM_OK;
}

int view_judge(crm_view *view, const struct kind *kind, uint32_t number, const struct row *row, struct row *out)
{
    if (row == NULL || row->head == 0)
        return VIEW_ROW_NONE;
    *out = *row;
    if (row_lsn(row) <= view->lsn)
        return VIEW_ROW_CURRENT;
    if (take_touches(view) != CRM_OK) {
        view->trouble = CRM_NOMEM;
        return VIEW_ROW_NONE;
    }
    const struct overlay_row *old = overlay_get(view, kind->number, number);
    if (old != NULL)
        *out = old->row;
    else if (row->state & ROW_FIRST || row_lsn(row) > view->base_lsn)
        return VIEW_ROW_NONE;
    int32_t status = walk_back(view, kind, number, out);
    if (status != CRM_OK)
        view->trouble = status;
    return status != CRM_OK || out->head == 0 ? VIEW_ROW_NONE : VIEW_ROW_OLD;
}

int view_row(crm_view *view, const struct kind *kind, uint32_t number, struct row *out)
{
    return view_judge(view, kind, number, row_at(view->generation, kind, number), out);
}

void rows_open(struct rows *rows, const struct generation *generation, const struct kind *kind)
{
    struct arena *arena = generation->arena;
    const struct kind_store *store = kind_store(generation, kind);
    *rows = (struct rows){.arena = arena};
    uint32_t cells = store == NULL ? 0 : column_count(arena, store->rows_column);
    if (cells == 0 || column_at(arena, store->rows_column, 0, sizeof(struct row)) == NULL)
        return;
    const struct column_header *header = arena_at(arena, store->rows_column, sizeof *header);
    rows->chunks =
        arena_at(arena, header->directory, ((size_t)cells + COLUMN_CHUNK - 1) / COLUMN_CHUNK * sizeof *rows->chunks);
    if (rows->chunks != NULL)
        rows->count = store->rows < cells ? store->rows : cells;
}

int32_t view_overlay(crm_view *view, crm_error *error)
{
    if (view->txn != NULL)
        return CRM_OK;
    if (take_touches(view) != CRM_OK)
        return error_nomem(error);
    if (!view->past || view->complete)
        return CRM_OK;
    /* A view of the past: every row that is newer now, judged one by one. */
    struct generation *generation = view->generation;
    for (uint32_t k = 0; k < generation->schema.kind_count; k++) {
        struct kind *kind = generation->schema.kinds[k];
        uint32_t rows = kind_rows(generation, kind);
        for (uint32_t number = 0; number < rows; number++) {
            const struct row *row = row_at(generation, kind, number);
            struct row then;
            if (row == NULL || row->head == 0 || row_lsn(row) <= view->lsn)
                continue;
            if (view_row(view, kind, number, &then) == VIEW_ROW_OLD && !overlay_put(view, kind->number, number, &then))
                return error_nomem(error);
        }
    }
    /* Not when a row could not be judged: the next query must meet it, too. */
    view->complete = view->trouble == CRM_OK && !generation->arena->damaged;
    return CRM_OK;
}

const struct overlay_row *view_overlay_next(const crm_view *view, uint32_t kind, size_t *position)
{
    for (; *position < view->overlay_capacity; (*position)++) {
        const struct overlay_row *row = &view->overlay[*position];
        if (row->kind == kind && row->row.head != 0) {
            (*position)++;
            return row;
        }
    }
    return NULL;
}

/* Into the list, with its references.  Under the state lock. */
static void join(crm_db *db, crm_view *view)
{
    struct generation *generation = db->now;
    view->db = db;
    view->generation = generation;
    generation->references++;
    db->references++;
    view->previous = NULL;
    view->next = db->view_list;
    if (view->next != NULL)
        view->next->previous = view;
    db->view_list = view;
    __atomic_store_n(&db->views, db->views + 1, __ATOMIC_RELEASE);
}

/* Out of the list; the references are the caller's.  Under the state lock. */
static void leave(crm_db *db, crm_view *view)
{
    if (view->next != NULL)
        view->next->previous = view->previous;
    if (view->previous != NULL)
        view->previous->next = view->next;
    else
        db->view_list = view->next;
    __atomic_store_n(&db->views, db->views - 1, __ATOMIC_RELEASE);
}

/* A closed view with all that it gathered; NULL: none is kept.  Under the state lock. */
static crm_view *take_closed(crm_db *db)
{
    crm_view *view = db->closed_views;
    if (view != NULL) {
        db->closed_views = view->next;
        db->closed_count--;
    }
    return view;
}

/* What a view starts with: zero in one from fresh memory, left over in one that was closed. */
static void start(crm_view *view, uint64_t lsn)
{
    view->lsn = lsn;
    __atomic_store_n(&view->base_lsn, lsn, __ATOMIC_RELEASE);
    view->undone = UINT64_MAX; /* no touch is taken in yet */
    view->references = 1;
    view->past = view->dated = view->complete = view->timed = view->closed = false;
    view->trouble = CRM_OK;
    view->currency = 0;
    if (view->known_of != view->generation->serial) { /* another generation may number anew */
        view->known_of = view->generation->serial;
        if (view->known != NULL)
            memset(view->known, 0, sizeof *view->known);
    }
}

/* When something was published since the last view, or no closed one is left.
 * The view is listed, with an LSN of 0, before its LSN is read, so that a
 * writer that finds no view has not yet changed what this one will see. */
static int32_t open_slowly(crm_db *db, crm_view **out, crm_error *error)
{
    int32_t status = db_follow(db, false, error);
    if (status != CRM_OK)
        return status;
    mutex_lock(&db->state);
    crm_view *view = take_closed(db);
    mutex_unlock(&db->state);
    if (view == NULL) {
        view = memory_zero(db->memory, 1, sizeof *view);
        if (view == NULL)
            return error_nomem(error);
        buffer_init(&view->scratch, db->memory);
        buffer_init(&view->scratch2, db->memory);
    }
    __atomic_store_n(&view->base_lsn, 0, __ATOMIC_RELEASE);
    mutex_lock(&db->state);
    join(db, view);
    mutex_unlock(&db->state);
    struct generation *generation = view->generation;
    rwlock_read(&generation->lock);
    uint64_t published = log_published(generation->log);
    uint64_t lsn = published < generation->applied.lsn ? published : generation->applied.lsn;
    __atomic_store_n(&generation->settled, lsn, __ATOMIC_RELEASE);
    start(view, lsn);
    rwlock_unlock(&generation->lock);
    *out = view;
    return CRM_OK;
}

/* One short step for who asks again and again while nothing changes.
 *
 * While what is published is what the last view found settled, the arena has at
 * least that, and the LSN need not be read under the generation's lock.  Nor
 * can a change go unnoticed that this view must know of.  Those of this process
 * are noted as touches as long as their transaction runs.  Replays forget what
 * no view can ask for, but first unsettle the generation and pass through the
 * state lock (db_unsettle): who came before is in the list that they look at,
 * who comes later finds it unsettled and waits for their end.  The trim of the
 * touches reads what is published before it looks at the list: who is not in it
 * yet will see at least that. */
static int32_t open_newest(crm_db *db, crm_view **out, crm_error *error)
{
    crm_view *view = NULL;
    mutex_lock(&db->state);
    const struct generation *generation = db->now;
    uint64_t settled = __atomic_load_n(&generation->settled, __ATOMIC_ACQUIRE);
    if (settled == log_published(generation->log) && !log_superseded(generation->log) && !log_unsaid(generation->log) &&
        (view = take_closed(db)) != NULL) {
        join(db, view);
        start(view, settled);
    }
    mutex_unlock(&db->state);
    *out = view;
    return view != NULL ? CRM_OK : open_slowly(db, out, error);
}

int32_t crm_view_open(crm_db *db, crm_view **view, crm_error *error)
{
    if (db == NULL || view == NULL)
        return error_set(error, CRM_MISUSE, "crm_view_open needs a database and a place for the view");
    *view = NULL;
    return open_newest(db, view, error);
}

static int32_t drop(crm_view **view, int32_t status)
{
    crm_view_close(*view);
    *view = NULL;
    return status;
}

int32_t crm_view_open_at(crm_db *db, int64_t time, crm_view **view, crm_error *error)
{
    int32_t status = crm_view_open(db, view, error);
    if (status != CRM_OK)
        return status;
    crm_view *v = *view;
    do {
        if ((status = view_begin(v, error)) != CRM_OK)
            return drop(view, status);
        v->lsn = frame_at_time(v->generation, time, v->base_lsn);
    } while (view_again(v));
    v->past = v->lsn < v->base_lsn;
    v->dated = v->timed = true;
    v->time = time;
    return CRM_OK;
}

static int32_t read_time(crm_view *view, crm_error *error)
{
    do {
        int32_t status = view_begin(view, error);
        if (status != CRM_OK)
            return status;
        if (!frame_time(view->generation, view->lsn, &view->time))
            view->time = log_header(view->generation->log)->created;
    } while (view_again(view));
    view->timed = true;
    return CRM_OK;
}

int32_t crm_view_open_lsn(crm_db *db, uint64_t lsn, crm_view **view, crm_error *error)
{
    int32_t status = crm_view_open(db, view, error);
    if (status != CRM_OK)
        return status;
    crm_view *v = *view;
    if (lsn > v->base_lsn) {
        error_set(error, CRM_NOT_FOUND, "transaction %llu is not there yet: the last is %llu", (unsigned long long)lsn,
                  (unsigned long long)v->base_lsn);
        return drop(view, CRM_NOT_FOUND);
    }
    v->lsn = lsn;
    v->past = lsn < v->base_lsn;
    v->dated = true;
    status = read_time(v, error);
    return status == CRM_OK ? CRM_OK : drop(view, status);
}

void view_init_txn(crm_view *view, crm_db *db, struct generation *generation, crm_txn *txn)
{
    memset(view, 0, sizeof *view);
    view->db = db;
    view->generation = generation;
    view->txn = txn;
    view->lsn = view->base_lsn = UINT64_MAX;
    view->references = 1;
    view->timed = true; /* the transaction's, set with its own */
    buffer_init(&view->scratch, db->memory);
    buffer_init(&view->scratch2, db->memory);
}

void view_free_parts(crm_view *view)
{
    while (view->spare != NULL) {
        crm_record *next = view->spare->next;
        memory_free(view->db->memory, view->spare);
        view->spare = next;
    }
    settings_free(view);
    if (view->spare_query != NULL)
        query_free_memory(view, view->spare_query);
    view->spare_query = NULL;
    memory_free(view->db->memory, view->known);
    view->known = NULL;
    buffer_free(&view->scratch);
    buffer_free(&view->scratch2);
    memory_free(view->db->memory, view->overlay);
    view->overlay = NULL;
}

void view_reference(crm_view *view)
{
    view->references++;
}

static void free_whole(crm_db *db, crm_view *view)
{
    view_free_parts(view);
    memory_free(db->memory, view);
}

void views_free_closed(crm_db *db)
{
    for (crm_view *view; (view = take_closed(db)) != NULL;)
        free_whole(db, view);
}

static void empty(struct buffer *buffer)
{
    buffer_reset(buffer);
    if (buffer->capacity > VIEW_SCRATCH_MAX)
        buffer_free(buffer);
}

/* What must not outlive the view, or would be too much to keep. */
static void forget(crm_view *view)
{
    if (view->settings != NULL)
        settings_free(view);
    if (view->overlay != NULL)
        memory_free(view->db->memory, view->overlay);
    view->overlay = NULL;
    view->overlay_count = view->overlay_capacity = 0;
    empty(&view->scratch);
    empty(&view->scratch2);
}

/* Most views are opened for one question: a few closed ones are kept for the
 * next, with the memory that their records and queries took. */
void view_release(crm_view *view)
{
    crm_db *db = view->db;
    struct generation *generation = view->generation;
    if (--view->references > 0 || view->txn != NULL)
        return;
    forget(view);
    mutex_lock(&db->state);
    leave(db, view);
    bool kept = generation->references > 1 && db->references > 1 && db->closed_count < VIEWS_KEPT;
    if (kept) {
        generation->references--;
        db->references--;
        view->next = db->closed_views;
        db->closed_views = view;
        db->closed_count++;
    }
    mutex_unlock(&db->state);
    if (kept)
        return;
    db_drop(generation);
    free_whole(db, view);
    db_release(db);
}

void crm_view_close(crm_view *view)
{
    if (view == NULL || view->txn != NULL || view->closed)
        return;
    view->closed = true;
    view_release(view);
}

uint64_t crm_view_lsn(const crm_view *view)
{
    return view == NULL ? 0 : view->txn != NULL ? view->txn->lsn : view->lsn;
}

int64_t crm_view_time(const crm_view *view)
{
    if (view == NULL)
        return 0;
    crm_view *v = (crm_view *)(uintptr_t)view; /* few ask, so it is looked up when somebody does */
    if (!v->timed)
        (void)read_time(v, NULL);
    return v->timed ? v->time : log_header(v->generation->log)->created;
}

crm_db *crm_view_db(const crm_view *view)
{
    return view == NULL ? NULL : view->db;
}
