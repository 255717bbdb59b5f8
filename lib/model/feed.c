/* feed: every change after a transaction, in order, for ever.
 *
 * A feed walks the frames of the log.  Of transactions that a compaction put
 * away the changes lie scattered over the records' chains; they are gathered
 * and sorted, a window of them at a time.  What was handed out is remembered as
 * (LSN, place within it), which a compaction keeps, so that a feed goes on
 * where it was whatever happens to the file meanwhile.
 *
 * Commits of this process wake a waiting feed; those of others are looked for
 * every few milliseconds.
 */
#include "model/change.h"

#include "sys/checksum.h"
#include "sys/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 1 << 18, /* changes sorted at a time */
    POLL_MS = 20,
    ROWS_AT_ONCE = 4096, /* read under one hold of the lock */
    ERASED_CACHE = 256
};

struct feed_place {
    uint64_t lsn, place;
    uint32_t sequence;
};

struct feed_erased {
    uint32_t kind, number;
    uint64_t head, version;
};

struct crm_feed {
    crm_db *db;
    crm_view *view; /* at the transaction whose changes are handed out */
    struct generation reader;
    struct frame frame; /* being walked; entries NULL: none */
    size_t at;
    struct feed_place *window; /* of compacted transactions */
    size_t window_count, window_capacity, window_next;
    bool window_last;       /* nothing compacted lies behind it */
    uint64_t last_lsn;      /* handed out up to here */
    uint32_t last_sequence; /* UINT32_MAX: the whole transaction */
    uint64_t position;
    struct feed_erased erased[ERASED_CACHE];
    struct crm_change change;
    uint32_t woken; /* atomic */
};

/* ---- windows of compacted transactions ---- */

static int compare_places(const void *a, const void *b)
{
    const struct feed_place *one = a, *two = b;
    if (one->lsn != two->lsn)
        return one->lsn < two->lsn ? -1 : 1;
    if (one->sequence != two->sequence)
        return one->sequence < two->sequence ? -1 : 1;
    return one->place < two->place ? -1 : one->place > two->place;
}

static void sort_window(crm_feed *feed)
{
    if (feed->window_count > 1)
        qsort(feed->window, feed->window_count, sizeof *feed->window, compare_places);
}

/* Twice a window is gathered, then cut to its first half: what lies behind is
 * found again when its turn comes. */
static bool add_place(crm_feed *feed, const struct feed_place *place)
{
    if (!feed->window_last && compare_places(place, &feed->window[WINDOW - 1]) > 0)
        return true;
    if (feed->window_count == (size_t)2 * WINDOW) {
        sort_window(feed);
        feed->window_count = WINDOW;
        feed->window_last = false;
    }
    if (!memory_grow(feed->db->memory, (void **)&feed->window, &feed->window_capacity, feed->window_count + 1,
                     sizeof *feed->window))
        return false;
    feed->window[feed->window_count++] = *place;
    return true;
}

/* The versions of one row that are compacted and not yet handed out. */
static int32_t gather_row(crm_feed *feed, const struct kind *kind, uint32_t number, uint64_t base)
{
    struct generation *generation = feed->view->generation;
    for (uint64_t place = version_newest(generation, NULL, kind, number); place != 0;) {
        struct entry entry;
        int32_t status = entry_load(&feed->reader, NULL, place, &entry);
        if (status != CRM_OK)
            return status;
        if (entry.lsn < feed->last_lsn)
            break;
        struct feed_place found = {entry.lsn, place, entry.sequence};
        bool new = entry.lsn > feed->last_lsn || entry.sequence > feed->last_sequence;
        if (entry.lsn <= base && new && !add_place(feed, &found))
            return CRM_NOMEM;
        place = entry.previous;
    }
    reader_relax(&feed->reader);
    return CRM_OK;
}

static int32_t gather_kind(crm_feed *feed, const struct kind *kind, uint64_t base, crm_error *error)
{
    int32_t status = CRM_OK;
    for (uint32_t number = 0, rows = 1; status == CRM_OK && number < rows;) {
        status = view_begin(feed->view, error);
        if (status != CRM_OK)
            return status;
        rows = kind_rows(feed->view->generation, kind);
        for (uint32_t n = 0; status == CRM_OK && n < ROWS_AT_ONCE && number < rows; n++, number++) {
            status = gather_row(feed, kind, number, base);
            if (status != CRM_OK)
                status = error_unread(error, status, "%s: a version of %s number %u", crm_path(feed->db), kind->name,
                                      number);
        }
        status = view_finish(feed->view, status, error);
    }
    return status;
}

static int32_t gather(crm_feed *feed, crm_error *error)
{
    const struct generation *generation = feed->view->generation;
    uint64_t base = log_header(generation->log)->base_lsn;
    uint32_t kinds = __atomic_load_n(&generation->schema.kind_count, __ATOMIC_ACQUIRE);
    int32_t status = CRM_OK;
    feed->window_count = feed->window_next = 0;
    feed->window_last = true;
    for (uint32_t k = 0; status == CRM_OK && k < kinds; k++) {
        struct kind **list = __atomic_load_n(&generation->schema.kinds, __ATOMIC_ACQUIRE);
        status = gather_kind(feed, list[k], base, error);
    }
    sort_window(feed);
    if (!feed->window_last && feed->window_count > WINDOW)
        feed->window_count = WINDOW;
    if (status == CRM_OK && feed->window_count == 0) {
        feed->last_lsn = feed->position = base;
        feed->last_sequence = UINT32_MAX;
    }
    return status;
}

/* ---- where the feed stands ---- */

static void leave(crm_feed *feed)
{
    change_clear(&feed->change);
    feed->frame.entries = NULL;
    feed->window_count = feed->window_next = 0;
}

/* A view at that transaction; a new generation makes what was gathered void. */
static int32_t look(crm_feed *feed, uint64_t lsn, crm_error *error)
{
    crm_view *view;
    if (feed->view != NULL && feed->view->lsn == lsn)
        return CRM_OK;
    int32_t status = crm_view_open_lsn(feed->db, lsn, &view, error);
    if (status != CRM_OK)
        return status;
    if (feed->view == NULL || feed->view->generation != view->generation) {
        leave(feed);
        reader_free(&feed->reader);
        reader_init(&feed->reader, view->generation);
    }
    crm_view_close(feed->view);
    feed->view = view;
    return CRM_OK;
}

/* Goes to the next transaction; CRM_DONE: there is none yet. */
static int32_t enter(crm_feed *feed, crm_error *error)
{
    uint64_t lsn = feed->last_sequence == UINT32_MAX ? feed->last_lsn + 1 : feed->last_lsn;
    int32_t status = db_follow(feed->db, false, error);
    if (status == CRM_OK) /* behind the last number that there is comes none, not 0 */
        status = lsn - 1 >= crm_lsn(feed->db) ? CRM_NOT_FOUND : look(feed, lsn, error);
    if (status != CRM_OK)
        return status == CRM_NOT_FOUND ? CRM_DONE : status;
    struct generation *generation = feed->view->generation;
    if (lsn <= log_header(generation->log)->base_lsn)
        return gather(feed, error);
    status = view_begin(feed->view, error);
    if (status != CRM_OK)
        return status;
    const struct frame_cell *cell = frame_cell(generation, lsn);
    uint64_t offset = cell == NULL ? 0 : cell->offset;
    feed->at = 0;
    if ((status = view_finish(feed->view, CRM_OK, error)) != CRM_OK)
        return status;
    status = log_frame_info(generation->log, offset, &feed->frame, error);
    if (status == CRM_OK && feed->frame.lsn == lsn)
        return CRM_OK;
    feed->frame.entries = NULL;
    return error_unread(error, CRM_CORRUPT, "%s: transaction %llu at byte %llu", crm_path(feed->db),
                        (unsigned long long)lsn, (unsigned long long)offset);
}

/* ---- handing out ---- */

/* A record is asked once for its erasure, not with each of its changes. */
static int32_t erased_by(crm_feed *feed, const struct kind *kind, uint32_t number, const struct row *row,
                         struct change_place *what)
{
    struct feed_erased *known = &feed->erased[hash_mix((uint64_t)kind->number << 32 | number) % (uint64_t)ERASED_CACHE];
    int32_t status = CRM_OK;
    if (!(row->state & ROW_ERASED) && !(what->place & PLACE_PACKED))
        return CRM_OK;
    /* Not the row's own, which may be under way: what was found then holds no more once that is committed. */
    uint64_t head = version_newest(feed->view->generation, NULL, kind, number);
    if (known->kind != kind->number || known->number != number || known->head != head) {
        *known = (struct feed_erased){kind->number, number, head, 0};
        status = version_erased(feed->view->generation, NULL, kind, number, 0, UINT64_MAX, &known->version);
        if (status != CRM_OK)
            known->kind = 0;
    }
    what->erased = known->version;
    return status;
}

static int32_t hand_out(crm_feed *feed, uint64_t place, const struct entry *entry, crm_error *error)
{
    struct generation *generation = feed->view->generation;
    struct kind *kind = schema_kind(&generation->schema, entry->kind);
    int32_t status = view_begin(feed->view, error);
    if (status != CRM_OK)
        return status;
    const struct row *row = kind == NULL ? NULL : row_at(generation, kind, entry->number);
    if (row == NULL || row->head == 0) {
        status = error_unread(error, CRM_CORRUPT, "%s: a change of a record that is not there", crm_path(feed->db));
    } else {
        struct change_place what = {
            .kind = kind, .number = entry->number, .id = *id_at(generation, kind, entry->number), .place = place};
        status = erased_by(feed, kind, entry->number, row, &what) == CRM_OK
                     ? change_fill(&feed->change, feed->view, &feed->reader, &what, error)
                     : error_nomem(error);
    }
    return view_finish(feed->view, status, error);
}

static int32_t damaged(const crm_feed *feed, uint64_t offset, int32_t status, crm_error *error)
{
    return error_unread(error, status, "%s: the entry at byte %llu", crm_path(feed->db), (unsigned long long)offset);
}

static int32_t next_of_frame(crm_feed *feed, crm_error *error)
{
    const struct frame *frame = &feed->frame;
    struct entry entry;
    uint64_t offset = frame->entries_offset + feed->at;
    if (entry_get(frame->entries + feed->at, frame->entries_length - feed->at, offset, &entry) != CRM_OK ||
        entry.operation > ENTRY_ERASE)
        return damaged(feed, offset, CRM_CORRUPT, error);
    int32_t status = hand_out(feed, offset, &entry, error);
    if (status == CRM_OK)
        feed->at += entry.size;
    return status;
}

static int32_t next_of_window(crm_feed *feed, crm_error *error)
{
    const struct feed_place found = feed->window[feed->window_next];
    struct entry entry;
    int32_t status = look(feed, found.lsn, error);
    if (status != CRM_OK || feed->window_count == 0) /* the file was compacted meanwhile: gather anew */
        return status == CRM_OK ? CRM_DONE : status;
    reader_relax(&feed->reader);
    status = entry_load(&feed->reader, NULL, found.place, &entry);
    if (status != CRM_OK)
        return damaged(feed, found.place & ~PLACE_PACKED, status, error);
    status = hand_out(feed, found.place, &entry, error);
    if (status != CRM_OK)
        return status;
    feed->window_next++;
    feed->last_lsn = found.lsn;
    feed->last_sequence = found.sequence;
    bool more = feed->window_next < feed->window_count;
    uint64_t whole = more && feed->window[feed->window_next].lsn > found.lsn ? found.lsn : found.lsn - 1;
    if (!more && feed->window_last) {
        whole = feed->last_lsn = log_header(feed->view->generation->log)->base_lsn;
        feed->last_sequence = UINT32_MAX;
    }
    if (whole > feed->position)
        feed->position = whole;
    return CRM_OK;
}

/* CRM_DONE: everything was handed out. */
static int32_t advance(crm_feed *feed, crm_error *error)
{
    for (;;) {
        int32_t status = CRM_DONE;
        if (feed->window_next < feed->window_count) {
            status = next_of_window(feed, error);
        } else if (feed->frame.entries != NULL && feed->at < feed->frame.entries_length) {
            status = next_of_frame(feed, error);
            if (status != CRM_OK)
                return status;
        }
        if (feed->frame.entries != NULL && feed->at >= feed->frame.entries_length) {
            feed->last_lsn = feed->position = feed->frame.lsn;
            feed->last_sequence = UINT32_MAX;
            feed->frame.entries = NULL;
        }
        if (status != CRM_DONE)
            return status;
        if (feed->window_next == feed->window_count && feed->frame.entries == NULL) {
            status = enter(feed, error);
            if (status != CRM_OK)
                return status;
        }
    }
}

/* False: woken, or the time is over. */
static bool wait_for_news(crm_feed *feed, uint64_t seen, int64_t left_ms)
{
    crm_db *db = feed->db;
    if (__atomic_exchange_n(&feed->woken, 0, __ATOMIC_ACQ_REL) != 0 || left_ms == 0)
        return false;
    mutex_lock(&db->news_lock);
    if (db->news_count == seen)
        (void)condition_wait_for(&db->news, &db->news_lock, left_ms > 0 && left_ms < POLL_MS ? left_ms : POLL_MS);
    mutex_unlock(&db->news_lock);
    return __atomic_exchange_n(&feed->woken, 0, __ATOMIC_ACQ_REL) == 0;
}

static uint64_t news_count(crm_db *db)
{
    mutex_lock(&db->news_lock);
    uint64_t count = db->news_count;
    mutex_unlock(&db->news_lock);
    return count;
}

/* ---- the public calls ---- */

int32_t crm_feed_open(crm_db *db, uint64_t lsn, crm_feed **out, crm_error *error)
{
    if (out != NULL)
        *out = NULL;
    if (db == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_feed_open needs a database and a place for the feed");
    int32_t status = db_follow(db, false, error);
    if (status != CRM_OK)
        return status;
    uint64_t newest = crm_lsn(db);
    if (lsn > newest)
        return error_set(error, CRM_NOT_FOUND, "transaction %llu is not there: the last is %llu",
                         (unsigned long long)lsn, (unsigned long long)newest);
    crm_feed *feed = memory_zero(db->memory, 1, sizeof *feed);
    if (feed == NULL)
        return error_nomem(error);
    feed->db = db;
    feed->last_lsn = feed->position = lsn;
    feed->last_sequence = UINT32_MAX;
    change_init(&feed->change, db->memory);
    db_reference(db);
    *out = feed;
    return CRM_OK;
}

int32_t crm_feed_next(crm_feed *feed, int64_t timeout_ms, crm_change **change, crm_error *error)
{
    if (change != NULL)
        *change = NULL;
    if (feed == NULL || change == NULL)
        return error_set(error, CRM_MISUSE, "crm_feed_next needs a feed and a place for the change");
    int64_t end = timeout_ms > 0 ? clock_monotonic_ms() + timeout_ms : 0;
    int64_t left = timeout_ms;
    for (;;) {
        uint64_t seen = news_count(feed->db);
        change_clear(&feed->change);
        int32_t status = advance(feed, error);
        if (status == CRM_OK)
            *change = &feed->change;
        if (status != CRM_DONE)
            return status;
        /* A view that waits would make writers remember every change for it. */
        leave(feed);
        crm_view_close(feed->view);
        feed->view = NULL;
        reader_free(&feed->reader);
        if (timeout_ms > 0)
            left = end - clock_monotonic_ms() > 0 ? end - clock_monotonic_ms() : 0;
        if (!wait_for_news(feed, seen, left))
            return error_set(error, CRM_TIMEOUT, "nothing new after transaction %llu",
                             (unsigned long long)feed->position);
    }
}

uint64_t crm_feed_position(const crm_feed *feed)
{
    return feed == NULL ? 0 : feed->position;
}

void crm_feed_wake(crm_feed *feed)
{
    if (feed == NULL)
        return;
    __atomic_store_n(&feed->woken, 1, __ATOMIC_RELEASE);
    mutex_lock(&feed->db->news_lock);
    condition_broadcast(&feed->db->news);
    mutex_unlock(&feed->db->news_lock);
}

void crm_feed_close(crm_feed *feed)
{
    if (feed == NULL)
        return;
    crm_db *db = feed->db;
    const struct memory *memory = db->memory;
    change_free(&feed->change);
    reader_free(&feed->reader);
    crm_view_close(feed->view);
    memory_free(memory, feed->window);
    memory_free(memory, feed);
    db_release(db);
}
