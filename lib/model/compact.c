/* compact: the file anew, without what nobody can read any more.
 *
 * The new file is written beside the old one, synced, replayed and compared
 * before it takes the old one's place by a rename; until then a crash or an
 * error leaves everything as it was (a file "….compact" that a crash leaves is
 * removed by the next compaction).  Views keep the old file until they close.
 * The image holds erased text in its indexes, so it goes before the rename.
 */
#include "model/rewrite.h"

#include "model/number.h"
#include "model/txn.h"
#include "model/view.h"

#include <string.h>

#define DAY_US INT64_C(86400000000)

/* Versions superseded before this instant may go; INT64_MIN: none. */
static int32_t policy(crm_db *db, int64_t *drop_before, crm_error *error)
{
    crm_view *view;
    int64_t days;
    *drop_before = INT64_MIN;
    int32_t status = crm_view_open(db, &view, error);
    if (status != CRM_OK)
        return status;
    const char *text = crm_setting(view, "retention_days");
    if (text != NULL && number_parse_int(text, strlen(text), &days) && days > 0 && days < INT32_MAX &&
        __builtin_sub_overflow(db_now(db), days * DAY_US, drop_before))
        *drop_before = INT64_MIN;
    crm_view_close(view);
    return CRM_OK;
}

/* What both must agree on, row by row. */
static bool same_row(const struct generation *from, const struct kind *kind, const struct generation *next,
                     const struct kind *copy, uint32_t number, bool dropped)
{
    const struct row *old = row_at(from, kind, number), *new = row_at(next, copy, number);
    bool was = old != NULL && old->head != 0 && !dropped, is = new != NULL &&new->head != 0;
    if (was != is)
        return false;
    return !was || (memcmp(id_at(from, kind, number), id_at(next, copy, number), sizeof(crm_id)) == 0 &&
                    row_lsn(old) == row_lsn(new) && (old->state & ROW_DELETED) == (new->state &ROW_DELETED));
}

static int32_t compare(const struct rewrite *rewrite, const struct generation *next, crm_error *error)
{
    const struct generation *from = rewrite->from;
    bool same = next->applied.lsn == from->applied.lsn && next->schema.kind_count == from->schema.kind_count;
    for (uint32_t k = 0; same && k < from->schema.kind_count; k++) {
        const struct kind *kind = from->schema.kinds[k];
        const struct kind *copy = schema_kind(&next->schema, kind->number);
        const struct kind_store *old = kind_store(from, kind);
        const struct kind_store *new = copy == NULL ? NULL : kind_store(next, copy);
        uint32_t rows = old == NULL ? 0 : old->rows;
        same = copy != NULL && (rows == 0 || (new != NULL &&new->rows == rows &&new->live == old->live));
        for (uint32_t number = 0; same && number < rows; number++)
            same = same_row(from, kind, next, copy, number, rewrite_dropped(rewrite, k, number));
        if (!same)
            return error_set(error, CRM_CORRUPT,
                             "%s: its compacted copy does not hold the same records of kind %s; nothing was changed",
                             from->db->path, kind->name);
    }
    /* What a damaged block hides is in neither of the two. */
    same = same && !from->arena->damaged;
    return same ? CRM_OK
                : error_set(error, CRM_CORRUPT, "%s: its compacted copy does not hold the same; nothing was changed",
                            from->db->path);
}

static int32_t create_beside(struct generation *from, const char *path, struct log **out, crm_error *error)
{
    crm_db *db = from->db;
    struct log_header header = *log_header(from->log);
    int system;
    (void)db->files->unlink(db->files->context, path, &system); /* one that a crash left */
    header.generation++;
    header.base_lsn = from->applied.lsn;
    header.base_end = 0;
    struct log_options options = {.files = db->files,
                                  .memory = db->memory,
                                  .create = true,
                                  .exclusive = true,
                                  .busy_ms = db->options.busy_ms,
                                  .header = &header,
                                  .now = header.created};
    return log_open(path, &options, out, error);
}

/* The new file, whole and synced, with its own replayed generation; the caller
 * removes the file when this fails. */
static int32_t write_beside(struct generation *from, const char *path, int64_t drop_before, struct generation **next,
                            crm_error *error)
{
    struct log *log;
    struct rewrite rewrite = {.from = from, .drop_before = drop_before};
    *next = NULL;
    int32_t status = create_beside(from, path, &log, error);
    if (status != CRM_OK)
        return status;
    rewrite.to = log;
    rewrite.end = log_start(log);
    rwlock_read(&from->lock);
    status = log_lock(log, from->db->options.busy_ms, error);
    if (status == CRM_OK) {
        status = rewrite_all(&rewrite, error);
        if (status == CRM_OK)
            status = log_sync(log, &rewrite.end, error);
        log_unlock(log);
    }
    if (status == CRM_OK)
        status = db_generation(from->db, log, UINT64_MAX, next, error);
    else
        log_close(log);
    if (status == CRM_OK)
        status = compare(&rewrite, *next, error);
    rwlock_unlock(&from->lock);
    if (status != CRM_OK && *next != NULL) {
        db_drop(*next);
        *next = NULL;
    }
    rewrite_free(&rewrite);
    return status;
}

/* Who opens the new file writes to it only when those who have the old one open
 * can know that it was replaced; nor is an index file written twice at once. */
static int32_t replace(struct generation *from, const char *path, struct generation *next, crm_error *error)
{
    crm_db *db = from->db;
    int system;
    int32_t status = log_lock(next->log, db->options.busy_ms, error);
    if (status != CRM_OK)
        return status;
    (void)db->files->unlink(db->files->context, db->image_path, &system);
    status = log_replace(from->log, path, error);
    crm_error ignored = {0};
    if (status == CRM_OK && db->options.image && db_write_image(next, &ignored) != CRM_OK)
        db_tell(db, CRM_IO, "%s: the index file could not be written: %s", db->path, ignored.message);
    log_unlock(next->log);
    return status;
}

static int32_t compact(struct generation *from, crm_error *error)
{
    crm_db *db = from->db;
    struct generation *next = NULL;
    struct buffer path;
    int64_t drop_before;
    int system;
    int32_t status = policy(db, &drop_before, error);
    if (status != CRM_OK)
        return status;
    buffer_init(&path, db->memory);
    buffer_text(&path, log_path(from->log));
    buffer_append(&path, ".compact", sizeof ".compact");
    if (path.failed)
        return error_nomem(error);
    /* What is compacted must be committed, and not only as far as one knows. */
    status = log_sync(from->log, &from->applied, error);
    if (status == CRM_OK && !db_settled(from))
        status = db_settle(from, error);
    if (status == CRM_OK)
        status = write_beside(from, (const char *)path.data, drop_before, &next, error);
    bool written = status == CRM_OK;
    if (written)
        status = replace(from, (const char *)path.data, next, error);
    if (status != CRM_OK)
        (void)db->files->unlink(db->files->context, (const char *)path.data, &system);
    if (next != NULL)
        db_drop(next);
    if (status == CRM_OK)
        status = db_follow(db, false, error);
    buffer_free(&path);
    return status;
}

int32_t crm_compact(crm_db *db, crm_error *error)
{
    if (db == NULL)
        return error_set(error, CRM_MISUSE, "crm_compact needs a database");
    int32_t status = db_lock_writer(db, error);
    if (status != CRM_OK)
        return status;
    status = db_follow(db, true, error);
    struct generation *from = db_hold(db);
    if (status == CRM_OK && from->applied.lsn > 0)
        status = compact(from, error);
    db_unlock_writer(db, from);
    db_drop(from);
    return status;
}
