/* log_append.c: frames onto the end of the log, and onto the disk.
 *
 * Durability is a group commit: whoever finds no sync under way leads one for
 * everything appended so far, without holding a lock meanwhile; the others
 * wait and find themselves covered, or lead the next.  A sync counts only for
 * what was appended before it started.
 *
 * After a failed write or sync nothing is tried again: the kernel may have
 * dropped the pages and call the next sync a success (P4).  The handle stops,
 * and after a failed sync every other handle on the file, since their syncs
 * would vouch for the lost pages too.  What a failed write left behind is half
 * a frame, which its CRCs keep from being read.
 */
#include "log/log_private.h"
#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/error.h"
#include "sys/varint.h"

#include <string.h>

enum {
    COPY_MAX = 256 << 10, /* longer entries are written from where they lie */
    ALLOCATE_LEAST = 1 << 20,
    ALLOCATE_MOST = 64 << 20
};

bool log_stopped(const struct log *log)
{
    struct log *self = (struct log *)(uintptr_t)log;
    return atomic_load_explicit(&self->stopped, memory_order_acquire) || log_control_failed(log) || !log_intact(log);
}

void log_stop(struct log *log, bool sync_failed)
{
    atomic_store_explicit(&log->stopped, true, memory_order_release);
    if (sync_failed && !log->read_only)
        log_control_fail(log);
}

int32_t log_check_writable(const struct log *log, crm_error *error)
{
    if (log->read_only)
        return error_set(error, CRM_READ_ONLY, "%s: is open for reading only", log->path);
    if (log_stopped(log))
        return error_set(error, CRM_STOPPED, "%s: an earlier write or sync failed; close and reopen the file",
                         log->path);
    return CRM_OK;
}

static int32_t check_arguments(const struct log *log, const struct log_point *end, const struct frame_info *info,
                               size_t length, crm_error *error)
{
    int32_t status = log_check_writable(log, error);
    if (status != CRM_OK)
        return status;
    if (log_unrecovered(log))
        return error_set(error, CRM_MISUSE, "%s: must be recovered before it is written to", log->path);
    if (end->offset < LOG_FRAMES_START || end->offset % 8 != 0 || end->offset > INT64_MAX)
        return error_set(error, CRM_MISUSE, "%s: byte %llu is no place for a frame", log->path,
                         (unsigned long long)end->offset);
    bool base = (info->flags & LOG_FRAME_BASE) != 0;
    uint64_t lsn = base ? log->header.base_lsn : end->lsn + 1;
    if ((info->flags & ~(uint32_t)LOG_FRAME_FLAGS) || lsn == 0 || (info->lsn != 0 && info->lsn != lsn) ||
        (base && end->lsn != lsn) || info->entry_count > length)
        return error_set(error, CRM_MISUSE, "%s: frame %llu cannot follow frame %llu", log->path,
                         (unsigned long long)info->lsn, (unsigned long long)end->lsn);
    uint64_t meta = (uint64_t)info->actor_length + info->reason_length + info->batch_length;
    if (meta > FRAME_META_MAX - 64)
        return error_set(error, CRM_INVALID, "actor, reason and batch of a transaction have %llu bytes; at most %d fit",
                         (unsigned long long)meta, FRAME_META_MAX - 64);
    if (length > INT64_MAX / 4)
        return error_set(error, CRM_INVALID, "a transaction of %llu bytes is too large", (unsigned long long)length);
    return CRM_OK;
}

static void put_text(struct buffer *buffer, const char *text, uint32_t length)
{
    uint8_t number[VARINT_MAX];
    buffer_append(buffer, number, varint_put(number, length));
    buffer_append(buffer, text, length);
}

/* Meta and padding behind `length` bytes of entries; returns meta's length. */
static uint32_t put_meta(struct buffer *buffer, const struct frame_info *info, size_t length)
{
    static const uint8_t zeros[8] = {0};
    size_t start = buffer->length;
    buffer_append(buffer, zeros, 4);
    put_text(buffer, info->actor, info->actor_length);
    put_text(buffer, info->reason, info->reason_length);
    put_text(buffer, info->batch, info->batch_length);
    if (buffer->failed)
        return 0;
    size_t meta = buffer->length - start;
    bytes_put_u32(buffer->data + start, crc32c(0, buffer->data + start + 4, meta - 4));
    buffer_append(buffer, zeros, (size_t)(-(length + meta) & 7));
    return (uint32_t)meta;
}

/* Builds the frame in log->scratch: header, entries when they are short
 * enough to be worth copying, meta, padding. */
static int32_t assemble(struct log *log, const struct log_point *end, const struct frame_info *info,
                        const uint8_t *entries, size_t length, struct log_point *after, crm_error *error)
{
    struct buffer *scratch = &log->scratch;
    struct frame_header header = {
        .lsn = (info->flags & LOG_FRAME_BASE) ? log->header.base_lsn : end->lsn + 1,
        .time = info->time > end->time ? info->time : end->time,
        .durable_lsn = log_durable(log),
        .entries_length = length,
        .entry_count = info->entry_count,
        .previous_crc = end->crc,
        .flags = info->flags,
    };
    uint8_t bytes[LOG_FRAME_HEADER] = {0};
    scratch->length = 0;
    scratch->failed = false; /* an earlier failure is not this frame's */
    buffer_append(scratch, bytes, sizeof bytes);
    if (length <= COPY_MAX)
        buffer_append(scratch, entries, length);
    size_t meta_at = scratch->length;
    header.meta_length = put_meta(scratch, info, length);
    if (scratch->failed)
        return error_nomem(error);
    if (header.durable_lsn >= header.lsn) /* no frame vouches for itself */
        header.durable_lsn = header.lsn - 1;
    uint32_t crc = crc32c(frame_crc_start(&header), entries, length);
    header.crc = crc32c(crc, scratch->data + meta_at, header.meta_length);
    frame_header_encode(&header, log->key, scratch->data);
    uint64_t size = length <= COPY_MAX ? scratch->length : scratch->length + length;
    *after = (struct log_point){end->offset + size, header.lsn, header.time, header.crc};
    return CRM_OK;
}

/* Sees to it that the file has room up to `needed`, with a stretch ahead so
 * that a sync seldom has to write the file's size as well. */
static int32_t ensure_space(struct log *log, uint64_t needed, crm_error *error)
{
    int system = 0;
    if (needed <= log_map(log)->length)
        return CRM_OK;
    int32_t status = log_refresh(log, error);
    uint64_t size = log_map(log)->length;
    if (status != CRM_OK || needed <= size)
        return status;
    uint64_t ahead = size / 8 < ALLOCATE_LEAST ? ALLOCATE_LEAST : size / 8 > ALLOCATE_MOST ? ALLOCATE_MOST : size / 8;
    uint64_t target = (needed > size + ahead ? needed : size + ahead) + LOG_PAGE - 1;
    target -= target % LOG_PAGE;
    status = log->files->allocate(log->file, size, target - size, &system);
    if (status == CRM_FULL) { /* the device is nearly full: then without a stretch */
        target = needed;
        status = log->files->allocate(log->file, size, target - size, &system);
    }
    if (status != CRM_OK) {
        log_stop(log, false);
        return log_failure(log, status, system, "cannot grow", error);
    }
    return log_refresh(log, error);
}

int32_t log_stage(struct log *log, const struct log_point *end, const struct frame_info *info, const uint8_t *entries,
                  size_t length, struct log_point *after, crm_error *error)
{
    const struct buffer *frame = &log->scratch;
    int system = 0;
    struct log_point next = {0};
    int32_t status = check_arguments(log, end, info, length, error);
    if (status == CRM_OK)
        status = assemble(log, end, info, entries, length, &next, error);
    if (status == CRM_OK)
        status = ensure_space(log, next.offset, error);
    if (status != CRM_OK)
        return status;
    log->staged = frame->length;
    if (length > COPY_MAX) {
        uint64_t at = end->offset + LOG_FRAME_HEADER;
        log->staged = LOG_FRAME_HEADER;
        status = log->files->write(log->file, at, entries, length, &system);
        if (status == CRM_OK)
            status = log->files->write(log->file, at + length, frame->data + LOG_FRAME_HEADER,
                                       frame->length - LOG_FRAME_HEADER, &system);
    }
    if (status != CRM_OK) {
        log_stop(log, false);
        return log_failure(log, status, system, "cannot be written", error);
    }
    *after = next;
    return CRM_OK;
}

int32_t log_put(struct log *log, const struct log_point *end, const struct log_point *after, crm_error *error)
{
    int system = 0;
    int32_t status = log->files->write(log->file, end->offset, log->scratch.data, log->staged, &system);
    if (status != CRM_OK) {
        log_stop(log, false);
        return log_failure(log, status, system, "cannot be written", error);
    }
    mutex_lock(&log->sync_lock);
    log->written = *after;
    mutex_unlock(&log->sync_lock);
    if (log->deferred)
        log_publish(log, after->lsn);
    return CRM_OK;
}

int32_t log_append(struct log *log, const struct log_point *end, const struct frame_info *info, const uint8_t *entries,
                   size_t length, struct log_point *after, crm_error *error)
{
    struct log_point next;
    int32_t status = log_stage(log, end, info, entries, length, &next, error);
    if (status == CRM_OK)
        status = log_put(log, end, &next, error);
    if (status != CRM_OK)
        return status;
    if (info->flags & LOG_FRAME_BASE) {
        log->header.base_end = next.offset;
        log->header_dirty = true;
    }
    *after = next;
    return CRM_OK;
}

/* The system's part of a sync; a compaction's header first. */
static int32_t sync_file(struct log *log, int *system)
{
    int32_t status = CRM_OK;
    if (log->header_dirty) {
        uint8_t page[LOG_PAGE];
        log_header_encode(&log->header, page);
        status = log->files->write(log->file, 0, page, sizeof page, system);
        log->header_dirty = status != CRM_OK;
    }
    return status == CRM_OK ? log->files->sync(log->file, system) : status;
}

/* Called with sync_lock held and no sync under way; holds it again on return. */
static int32_t lead_sync(struct log *log, const struct log_point *upto, crm_error *error)
{
    int system = 0;
    struct log_point covered = log->written.offset > upto->offset ? log->written : *upto;
    log->syncing = true;
    mutex_unlock(&log->sync_lock);
    int32_t status = sync_file(log, &system);
    mutex_lock(&log->sync_lock);
    log->syncing = false;
    if (status == CRM_OK) {
        log->durable = covered;
        log_control_durable(log, covered.lsn);
        log_publish(log, covered.lsn);
    } else {
        log_stop(log, true);
        status = log_failure(log, status, system, "cannot be synced; close and reopen the file", error);
    }
    condition_broadcast(&log->synced);
    return status;
}

int32_t log_sync(struct log *log, const struct log_point *upto, crm_error *error)
{
    int32_t status = log_check_writable(log, error);
    if (status != CRM_OK)
        return status;
    mutex_lock(&log->sync_lock);
    while (status == CRM_OK && log->durable.offset < upto->offset) {
        status = log_check_writable(log, error);
        if (status != CRM_OK)
            break;
        if (log->syncing)
            condition_wait(&log->synced, &log->sync_lock);
        else
            status = lead_sync(log, upto, error);
    }
    mutex_unlock(&log->sync_lock);
    return status;
}
