/* recovery.c: what lies behind the last good frame, and what to do about it
 * (P3).
 *
 * A crash leaves the newest frames torn, in any order; damage takes away what
 * was on disk before.  The two are told apart by later frames: each says up to
 * which LSN the log was durable when it was written.  If one that is good by
 * itself says that the missing frame was, the missing frame was lost, not torn.
 *
 * Frames are looked for at every byte, not only at multiples of 8: a file that
 * got a byte too many or too few has all its frames, but elsewhere.  Where a
 * header is good but its content is not, what lies inside may be values, among
 * them a copy of this log: only a frame with a higher number counts there.  What
 * is checked is bounded by some times the file's length, whatever it holds.
 */
#include "log/log_private.h"
#include "sys/bytes.h"
#include "sys/error.h"

#include <string.h>

enum { CHECKED_MOST = 8 /* times the file's length */ };

/* The next frame at or after `*at` that is good by itself; moves `*at` behind
 * it.  False at the end. */
static bool next_good(const struct log *log, const struct log_map *map, uint64_t *at, struct frame *out)
{
    uint32_t previous_crc = 0;
    uint64_t offset = *at < LOG_FRAMES_START ? LOG_FRAMES_START : *at;
    uint64_t covered = 0, covered_lsn = 0, checked = 0;
    const uint8_t *found;
    while (offset < map->length && map->length - offset >= LOG_FRAME_HEADER &&
           (found = memmem(map->base + offset, (size_t)(map->length - offset), "CRMF", 4)) != NULL) {
        offset = (uint64_t)(found - map->base);
        bool deep = checked / CHECKED_MOST <= map->length;
        int good = frame_parse(log, map, offset, deep, out, &previous_crc);
        bool counts = good != FRAME_NONE && (offset >= covered || out->lsn > covered_lsn);
        if (good == FRAME_WHOLE && counts) {
            *at = out->after.offset;
            return true;
        }
        if (good != FRAME_NONE)
            checked += deep ? out->after.offset - offset : LOG_FRAME_HEADER;
        /* Without the key a header vouches for nothing. */
        if (counts && log->key_known) {
            covered = out->after.offset > covered ? out->after.offset : covered;
            covered_lsn = out->lsn;
        }
        offset++;
    }
    *at = map->length;
    return false;
}

/* Where the last byte that is not zero ends, `from` when there is none. */
static uint64_t content_end(const struct log_map *map, uint64_t from)
{
    uint64_t end = map->length;
    while (end > from && end % 8 != 0 && map->base[end - 1] == 0)
        end--;
    if (end % 8 == 0) {
        while (end >= from + 8 && bytes_get_u64(map->base + end - 8) == 0)
            end -= 8;
    }
    while (end > from && map->base[end - 1] == 0)
        end--;
    return end > from ? end : from;
}

/* Whether a good frame behind the hole proves that frame `missing` was on disk. */
static bool proves_damage(const struct log *log, const struct log_point *end, const struct frame *later)
{
    if (later->durable_lsn > end->lsn)
        return true;
    /* Base frames were synced before their file took its place. */
    return (later->flags & LOG_FRAME_BASE) && later->offset > end->offset && log->header.base_lsn != 0;
}

static void judge(struct log *log, const struct log_map *map, const struct log_point *end, struct log_tail *out)
{
    struct frame later;
    bool base_missing = end->offset < log->header.base_end;
    uint64_t content = content_end(map, end->offset);
    uint64_t at = end->offset;
    *out = (struct log_tail){.what = base_missing ? LOG_TAIL_DAMAGED : LOG_TAIL_CLEAN, .offset = end->offset};
    if (content == end->offset && !base_missing)
        return;
    out->lost = content - end->offset;
    if (!base_missing)
        out->what = LOG_TAIL_TORN;
    while (next_good(log, map, &at, &later)) {
        if (base_missing || proves_damage(log, end, &later)) {
            out->what = LOG_TAIL_DAMAGED;
            out->lost = later.offset - end->offset;
            out->next_offset = later.offset;
            out->next_lsn = later.lsn;
            return;
        }
    }
}

int32_t log_tail(struct log *log, const struct log_point *end, struct log_tail *out, crm_error *error)
{
    int32_t status = log_refresh(log, error);
    if (status != CRM_OK)
        return status;
    const struct log_map *map = log_map(log);
    if (end->offset < LOG_FRAMES_START || end->offset > map->length)
        return error_set(error, CRM_MISUSE, "%s: byte %llu is not in the log", log->path,
                         (unsigned long long)end->offset);
    judge(log, map, end, out);
    return CRM_OK;
}

int32_t log_scan(struct log *log, uint64_t offset, struct frame *out, crm_error *error)
{
    int32_t status = log_refresh(log, error);
    if (status != CRM_OK)
        return status;
    if (!next_good(log, log_map(log), &offset, out))
        return error_set(error, CRM_NOT_FOUND, "no further frame");
    return CRM_OK;
}

/* Others may be looking at what follows: it must not be cut from under their
 * maps, so zeros are written over what is not zero. */
static int32_t blank(struct log *log, uint64_t from, int *system)
{
    static const uint8_t zeros[512] = {0};
    const struct log_map *map = log_map(log);
    uint64_t content = content_end(map, from);
    int32_t status = CRM_OK;
    for (uint64_t at = from; status == CRM_OK && at < content;) {
        uint64_t length = sizeof zeros - at % sizeof zeros;
        if (length > content - at)
            length = content - at;
        status = log->files->write(log->file, at, zeros, (size_t)length, system);
        at += length;
    }
    return status;
}

int32_t log_recovered(struct log *log, const struct log_point *end, crm_error *error)
{
    int system = 0;
    int32_t status = log_check_writable(log, error);
    if (status == CRM_OK)
        status = log_refresh(log, error);
    if (status != CRM_OK)
        return status;
    if (end->offset < LOG_FRAMES_START || end->offset % 8 != 0 || end->offset > log_map(log)->length)
        return error_set(error, CRM_MISUSE, "%s: byte %llu is not in the log", log->path,
                         (unsigned long long)end->offset);
    status = log_cut(log, end->offset, &system);
    if (status == CRM_BUSY)
        status = blank(log, end->offset, &system);
    if (status == CRM_OK)
        status = log->files->sync(log->file, &system);
    if (status == CRM_OK) /* a compaction's rename may still be on its way to the disk */
        status = log->files->sync_folder(log->files->context, log->path, &system);
    if (status != CRM_OK) {
        log_stop(log, true);
        return log_failure(log, status, system, "cannot be recovered", error);
    }
    mutex_lock(&log->sync_lock);
    log->written = log->durable = log->seen = *end;
    mutex_unlock(&log->sync_lock);
    log_control_recovered(log, end->lsn);
    return CRM_OK;
}

int32_t log_replace(struct log *log, const char *from_path, crm_error *error)
{
    bool gone = false;
    int system = 0;
    int32_t status = log_check_writable(log, error);
    if (status != CRM_OK)
        return status;
    const struct file_ops *files = log->files;
    /* Said before it is done, so that a killed process leaves nobody writing to a file without a name. */
    log_control_supersede(log, CONTROL_REPLACING);
    status = files->rename(files->context, from_path, log->path, &system);
    /* Renamed, but perhaps not for good: everybody must reopen, and opening
     * syncs the folder before anything is written. */
    (void)log_placed(log, &gone, NULL);
    gone = gone || status == CRM_OK;
    log_control_supersede(log, gone ? CONTROL_SUPERSEDED : CONTROL_IN_PLACE);
    if (status == CRM_OK)
        return CRM_OK;
    if (gone)
        log_stop(log, false);
    return log_failure(log, status, system, "cannot be replaced by its compacted copy", error);
}
