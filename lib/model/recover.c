/* recover: what can be read of a damaged file, into a new one.
 *
 * Every frame that is good by itself is taken, in order, wherever it lies, and
 * between them every entry that is; they are applied to indexes in memory as far
 * as what they build on is there.  What came of it is written as a compaction writes, so the new file
 * has the same transactions with their times and authors, the same versions,
 * numbers and ids.  What is lost is said, with its place:
 *
 * - what cannot be read of a transaction; its number stays, by "lost" when not
 *   even the frame's header is left;
 * - a change that builds on a lost version.  It holds only what changed, and to
 *   put that onto an older version would invent a state that never was.  The
 *   next version of the record that was written in full counts again;
 * - the id of a record whose first version is lost: it gets a new one.
 */
#include "model/recover.h"

#include "model/recovery.h"
#include "model/rewrite.h"
#include "model/table.h"
#include "sys/clock.h"

#include <stdio.h>
#include <string.h>

enum { LOSSES_TOLD = 1000, FRAME_LEAST = LOG_FRAME_HEADER + 8 };

static void told(struct recovery *recovery, const char *place, const char *what, uint64_t count)
{
    table_add_row(recovery->table);
    table_put_text(recovery->table, 0, place, CRM_NUL);
    table_put_text(recovery->table, 1, what, CRM_NUL);
    table_put_int(recovery->table, 2, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

static void lost_at(struct recovery *recovery, uint64_t offset, const char *what, uint64_t count)
{
    char place[32];
    (void)snprintf(place, sizeof place, "byte %llu", (unsigned long long)offset);
    if (recovery->told++ < LOSSES_TOLD)
        told(recovery, place, what, count);
}

/* ---- frames ---- */

static int32_t apply_all(struct recovery *recovery, const struct frame *frame, crm_error *error)
{
    crm_id base = {{0}};
    recovery->lost_here = 0;
    for (size_t at = 0; at < frame->entries_length;) {
        struct entry entry;
        uint64_t offset = frame->entries_offset + at;
        if (entry_get(frame->entries + at, frame->entries_length - at, offset, &entry) != CRM_OK) {
            recovery_lose(recovery, offset); /* and with it the place of the next */
            break;
        }
        if (!recovery_entry(recovery, frame->lsn, (frame->flags & LOG_FRAME_BASE) != 0, offset, &entry, &base))
            return error_nomem(error);
        at += entry.size;
    }
    if (recovery->lost_here > 0)
        lost_at(recovery, recovery->first_lost, "changes that build on what is lost", recovery->lost_here);
    return CRM_OK;
}

/* Whether as many transactions as are missing can have lain in what cannot be read. */
static bool is_plausible(const struct recovery *recovery, const struct frame *frame, uint64_t hole)
{
    const struct log_point *applied = &recovery->generation->applied;
    if (frame->lsn == 0 || frame->lsn >= UINT32_MAX - 64)
        return false;
    if (applied->lsn == 0) /* a compaction spends more than a byte on each */
        return frame->lsn <= log_map(recovery->generation->log)->length;
    if (frame->flags & LOG_FRAME_BASE)
        return !recovery->ordinary && frame->lsn == applied->lsn;
    return frame->lsn > applied->lsn && frame->lsn - applied->lsn - 1 <= hole / FRAME_LEAST;
}

static bool note(struct recovery *recovery, const struct frame *frame, int64_t time)
{
    struct generation *generation = recovery->generation;
    if (!frames_note(generation, frame->lsn, frame->offset, time))
        return false;
    generation->applied = frame->after;
    generation->applied.time = time;
    return true;
}

/* What lies between the last whole frame and `to`; `next`: the whole frame there, NULL at the end. */
static int32_t take_hole(struct recovery *recovery, uint64_t to, const struct frame *next, crm_error *error)
{
    const struct log_point *applied = &recovery->generation->applied;
    const struct log_header *header = log_header(recovery->generation->log);
    uint64_t from = applied->offset, first = applied->lsn + 1;
    bool next_is_base = next != NULL && (next->flags & LOG_FRAME_BASE) != 0;
    bool base = header->base_end != 0 ? from < header->base_end : next_is_base || applied->lsn == 0;
    uint64_t most = next == NULL ? first + (to - from) / FRAME_LEAST : next_is_base ? next->lsn : next->lsn - 1;
    if (base && next == NULL && header->base_lsn > most)
        most = header->base_lsn;
    uint64_t before = recovery->entries - recovery->lost_entries;
    int32_t status = recovery_hole(recovery, from, to, most, base, error);
    unsigned long long read = recovery->entries - recovery->lost_entries - before;
    char what[128];
    if (base || next == NULL)
        (void)snprintf(what, sizeof what, "bytes that are no whole transaction; %llu changes in them could be read",
                       read);
    else
        (void)snprintf(what, sizeof what, "transactions %llu to %llu are damaged; %llu of their changes could be read",
                       (unsigned long long)first, (unsigned long long)most, read);
    lost_at(recovery, from, what, base || next == NULL ? to - from : next->lsn - first);
    if (recovery->lost_here > 0)
        lost_at(recovery, recovery->first_lost, "changes that build on what is lost", recovery->lost_here);
    return status;
}

static int32_t take_frame(struct recovery *recovery, const struct frame *frame, crm_error *error)
{
    const struct log_point *applied = &recovery->generation->applied;
    uint64_t hole = frame->offset - applied->offset;
    int32_t status = CRM_OK;
    if (!is_plausible(recovery, frame, hole)) {
        lost_at(recovery, frame->offset, "a transaction out of its place", 1);
        return CRM_OK;
    }
    if (hole > 0)
        status = take_hole(recovery, frame->offset, frame, error);
    recovery->ordinary |= (frame->flags & LOG_FRAME_BASE) == 0;
    int64_t time = frame->time < applied->time ? applied->time : frame->time;
    /* Room also for what tables of frames tell, though some of them may be lost. */
    if (!column_reserve(recovery->generation->arena, recovery->generation->frames, ((uint32_t)frame->lsn | 63) + 1))
        return error_nomem(error);
    if (status == CRM_OK)
        status = apply_all(recovery, frame, error);
    if (status == CRM_OK && !note(recovery, frame, time))
        status = error_nomem(error);
    return status;
}

/* What was never committed stays out: a torn transaction is not salvaged. */
static int32_t take_tail(struct recovery *recovery, crm_error *error)
{
    struct generation *generation = recovery->generation;
    struct log_tail tail;
    int32_t status = log_tail(generation->log, &generation->applied, &tail, error);
    if (status != CRM_OK)
        return status;
    if (tail.what == LOG_TAIL_DAMAGED || generation->applied.lsn == 0) {
        status = take_hole(recovery, log_map(generation->log)->length, NULL, error);
        if (recovery->top > generation->applied.lsn) {
            generation->applied.lsn = recovery->top;
            if (generation->applied.time == INT64_MIN)
                generation->applied.time = 0;
        }
    } else if (tail.what == LOG_TAIL_TORN) {
        lost_at(recovery, tail.offset, "bytes behind the last transaction, never committed", tail.lost);
    }
    return status;
}

static int32_t take_all(struct recovery *recovery, crm_error *error)
{
    struct log *log = recovery->generation->log;
    struct frame frame = {.lsn = 0};
    int32_t status = CRM_OK;
    for (uint64_t at = LOG_FRAMES_START; status == CRM_OK;) {
        status = log_scan(log, at, &frame, error);
        at = frame.after.offset;
        if (status == CRM_OK)
            status = take_frame(recovery, &frame, error);
    }
    if (status == CRM_NOT_FOUND) /* the end */
        status = take_tail(recovery, error);
    /* What was lost for want of memory is not lost. */
    if (status == CRM_OK && (recovery->db->starved || recovery->generation->arena->refused))
        return error_nomem(error);
    if (status == CRM_OK && recovery->generation->applied.lsn == 0)
        return error_set(error, CRM_CORRUPT, "%s: there is not one readable transaction in it", recovery->from);
    return status;
}

/* ---- the new file ---- */

static int32_t write_new(struct recovery *recovery, const char *to, crm_error *error)
{
    crm_db *db = recovery->db;
    struct log_header header = {.created = db_now(db), .base_lsn = recovery->generation->applied.lsn};
    struct log *log;
    int system;
    random_bytes(header.file.bytes, sizeof header.file.bytes);
    random_bytes(&header.seed, sizeof header.seed);
    header.file.bytes[6] = (uint8_t)(0x40 | (header.file.bytes[6] & 0x0f));
    header.file.bytes[8] = (uint8_t)(0x80 | (header.file.bytes[8] & 0x3f));
    struct log_options options = {.files = db->files,
                                  .memory = db->memory,
                                  .create = true,
                                  .exclusive = true,
                                  .busy_ms = db->options.busy_ms,
                                  .header = &header,
                                  .now = header.created};
    int32_t status = log_open(to, &options, &log, error);
    if (status != CRM_OK)
        return status;
    struct rewrite rewrite = {
        .from = recovery->generation, .to = log, .end = log_start(log), .drop_before = INT64_MIN, .salvage = true};
    status = log_lock(log, db->options.busy_ms, error);
    if (status == CRM_OK) {
        status = rewrite_all(&rewrite, error);
        if (status == CRM_OK)
            status = log_sync(log, &rewrite.end, error);
        log_unlock(log);
    }
    if (status == CRM_OK && rewrite.cut > 0)
        told(recovery, "history", "records whose older versions are lost", rewrite.cut);
    rewrite_free(&rewrite);
    log_close(log);
    if (status != CRM_OK)
        (void)db->files->unlink(db->files->context, to, &system);
    return status;
}

static void summarise(struct recovery *recovery)
{
    uint64_t records = 0, known = 0, last = recovery->generation->applied.lsn;
    int64_t time;
    for (uint64_t lsn = 1; lsn <= last; lsn++)
        known += frame_time(recovery->generation, lsn, &time) ? 1 : 0;
    const struct schema *schema = &recovery->generation->schema;
    for (uint32_t k = 0; k < schema->kind_count; k++) {
        const struct kind_store *store = kind_store(recovery->generation, schema->kinds[k]);
        records += store == NULL ? 0 : store->live;
    }
    told(recovery, "file", "transactions kept", known);
    told(recovery, "file", "transactions lost", last - known);
    told(recovery, "file", "changes kept", recovery->entries - recovery->lost_entries);
    told(recovery, "file", "changes lost", recovery->lost_entries);
    if (recovery->new_ids > 0)
        told(recovery, "file", "records whose id is lost and that got a new one", recovery->new_ids);
    told(recovery, "file", "records there are now", records);
}

static int32_t open_damaged(struct recovery *recovery, crm_error *error)
{
    crm_db *db = recovery->db;
    struct log_options options = {
        .files = db->files, .memory = db->memory, .read_only = true, .salvage = true, .busy_ms = db->options.busy_ms};
    struct log *log;
    int32_t status = log_open(recovery->from, &options, &log, error);
    if (status != CRM_OK)
        return status;
    status = db_empty(db, log, &recovery->generation, error);
    if (status == CRM_OK)
        recovery->generation->applied = (struct log_point){.offset = LOG_FRAMES_START, .time = INT64_MIN};
    return status;
}

static int32_t recover(struct recovery *recovery, const char *to, crm_error *error)
{
    crm_db *db = recovery->db;
    struct file_identity there;
    int system;
    if (db->files->identify_path(db->files->context, to, &there, &system) == CRM_OK)
        return error_set(error, CRM_EXISTS, "%s: exists already; recover makes a new file", to);
    int32_t status = open_damaged(recovery, error);
    if (status == CRM_OK)
        status = take_all(recovery, error);
    if (status == CRM_OK) {
        summarise(recovery);
        status = write_new(recovery, to, error);
    }
    if (recovery->generation != NULL)
        db_drop(recovery->generation);
    return status;
}

int32_t recover_file(const char *from, const char *to, const crm_options *given, crm_table **out, crm_error *error)
{
    crm_options options = *given;
    options.image = 0;
    struct recovery recovery = {.from = from};
    recovery.db = db_create(from, &options, NULL);
    if (recovery.db == NULL)
        return error_nomem(error);
    recovery.table = table_create(recovery.db->memory);
    table_add_column(recovery.table, "place", CRM_TYPE_TEXT);
    table_add_column(recovery.table, "what", CRM_TYPE_TEXT);
    table_add_column(recovery.table, "count", CRM_TYPE_INT);
    buffer_init(&recovery.scratch, recovery.db->memory);
    int32_t status = recover(&recovery, to, error);
    int32_t finished = CRM_OK;
    int ignored;
    if (status == CRM_OK)
        finished = table_finish(recovery.table, out, error);
    else
        crm_table_free(recovery.table);
    if (finished != CRM_OK)
        (void)options.files->unlink(options.files->context, to, &ignored);
    buffer_free(&recovery.scratch);
    db_release(recovery.db);
    return status == CRM_OK ? finished : status;
}
