/* verify_log: the log, byte by byte.
 *
 * Each frame vouches for its bytes and for the frames before it; within, each
 * entry is read as a reader would, its body by the schema, its previous version
 * looked up.  Behind a bad frame the next good one is sought, so that one fault
 * does not hide the rest.
 */
#include "model/inspect.h"
#include "model/verify.h"

#include <string.h>

static bool previous_fits(struct verify *verify, const struct entry *entry, bool base)
{
    struct entry before;
    /* A record may begin at any version: what a compaction dropped stays dropped
     * when the rest of it is salvaged into an ordinary transaction. */
    if (entry->previous == 0)
        return entry->operation == ENTRY_CREATE || base;
    int32_t status = entry_load(&verify->reader, NULL, entry->previous, &before);
    verify->starved |= status == CRM_NOMEM;
    return status == CRM_OK && before.kind == entry->kind && before.number == entry->number &&
           before.version + 1 == entry->version && before.lsn <= entry->lsn;
}

static void check_record(struct verify *verify, const struct frame *frame, uint64_t offset, const struct entry *entry,
                         crm_id *id_base)
{
    bool base = (frame->flags & LOG_FRAME_BASE) != 0;
    const char *fault = inspect_entry(&verify->generation->schema, entry, id_base, false, &verify->scratch);
    verify->starved |= verify->scratch.failed;
    if (fault != NULL)
        verify_found_at(verify, offset, "%s", fault);
    else if (base ? entry->lsn > frame->lsn : entry->lsn != frame->lsn)
        verify_found_at(verify, offset, "an entry of transaction %llu lies in transaction %llu",
                        (unsigned long long)entry->lsn, (unsigned long long)frame->lsn);
    else if (!previous_fits(verify, entry, base))
        verify_found_at(verify, offset, "the version before cannot be found");
}

static void check_pack(struct verify *verify, const struct frame *frame, uint64_t offset)
{
    size_t length, at = 0;
    const uint8_t *bytes;
    int32_t status = pack_open(&verify->reader, offset, &bytes, &length);
    if (status != CRM_OK) {
        verify->starved |= status == CRM_NOMEM;
        verify_found_at(verify, offset, "a pack of old versions cannot be inflated");
        return;
    }
    while (at < length) {
        struct entry entry;
        if (entry_get(bytes + at, length - at, 0, &entry) != CRM_OK) {
            verify_found_at(verify, offset, "an entry of a pack is damaged, %zu bytes into it", at);
            return;
        }
        const char *fault = inspect_entry(&verify->generation->schema, &entry, NULL, true, &verify->scratch);
        verify->starved |= verify->scratch.failed;
        if (fault == NULL && (entry.lsn > frame->lsn || !previous_fits(verify, &entry, true)))
            fault = "the version before cannot be found";
        if (fault != NULL)
            verify_found_at(verify, offset, "in a pack, %zu bytes into it: %s", at, fault);
        at += entry.size;
    }
}

static void check_entries(struct verify *verify, const struct frame *frame)
{
    crm_id id_base = {{0}};
    uint32_t count = 0;
    bool base = (frame->flags & LOG_FRAME_BASE) != 0;
    for (size_t at = 0; at < frame->entries_length; count++) {
        struct entry entry;
        uint64_t offset = frame->entries_offset + at;
        reader_relax(&verify->reader);
        if (entry_get(frame->entries + at, frame->entries_length - at, offset, &entry) != CRM_OK) {
            verify_found_at(verify, offset, "an entry is damaged; the rest of transaction %llu cannot be read",
                            (unsigned long long)frame->lsn);
            return;
        }
        if (entry.operation <= ENTRY_ERASE)
            check_record(verify, frame, offset, &entry, &id_base);
        else if (!base)
            verify_found_at(verify, offset, "a pack or table lies in an ordinary transaction");
        else if (entry.operation == ENTRY_PACK)
            check_pack(verify, frame, offset);
        at += entry.size;
    }
    if (count != frame->entry_count)
        verify_found_at(verify, frame->offset, "transaction %llu has %u entries, not %u",
                        (unsigned long long)frame->lsn, count, frame->entry_count);
}

/* The frame after `*at`, or, when that is bad, the next good one; false at the end. */
static bool next_frame(struct verify *verify, const struct log_point *end, struct log_point *at, struct frame *frame)
{
    struct log *log = verify->generation->log;
    if (at->offset >= end->offset)
        return false;
    if (log_frame(log, at, frame, NULL) == CRM_OK)
        return true;
    verify_found_at(verify, at->offset, "transaction %llu is damaged", (unsigned long long)at->lsn + 1);
    return log_scan(log, at->offset + 8, frame, NULL) == CRM_OK && frame->offset < end->offset;
}

static int32_t check_tail(struct verify *verify, struct log_point end, crm_error *error)
{
    struct log *log = verify->generation->log;
    struct log_tail tail;
    struct frame frame;
    /* Beside a live writer, and one may come or go meanwhile, a reader may catch a frame half written; and those
     * that it has not followed are whole, though they look torn, or vouch for each other. */
    bool live = !log_unrecovered(log);
    int32_t status = log_tail(log, &end, &tail, error);
    while (status == CRM_OK && tail.what != LOG_TAIL_CLEAN && log_frame(log, &end, &frame, NULL) == CRM_OK) {
        end = frame.after;
        while (log_frame(log, &end, &frame, NULL) == CRM_OK)
            end = frame.after;
        status = log_tail(log, &end, &tail, error);
    }
    live = log_read_only(log) && (live || !log_unrecovered(log));
    if (status == CRM_OK && tail.what == LOG_TAIL_DAMAGED)
        verify_found_at(verify, tail.offset, "damaged: transaction %llu is lost though %llu follows at byte %llu",
                        (unsigned long long)end.lsn + 1, (unsigned long long)tail.next_lsn,
                        (unsigned long long)tail.next_offset);
    else if (status == CRM_OK && tail.what == LOG_TAIL_TORN && !live)
        verify_found_at(verify, tail.offset, "%llu bytes that were never committed follow the last transaction",
                        (unsigned long long)tail.lost);
    return status;
}

int32_t verify_log(struct verify *verify, crm_error *error)
{
    struct log_point at = log_start(verify->generation->log), end;
    struct frame frame;
    rwlock_read(&verify->generation->lock); /* a reader's other threads may follow on */
    end = verify->generation->applied;
    rwlock_unlock(&verify->generation->lock);
    while (next_frame(verify, &end, &at, &frame)) {
        check_entries(verify, &frame);
        at = frame.after;
    }
    return check_tail(verify, end, error);
}
