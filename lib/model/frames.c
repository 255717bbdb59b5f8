/* frames: when, who and why of a transaction by its LSN.
 *
 * A column of the arena says where each transaction's frame lies and when it
 * was.  Of those that a compaction put away, tables in the base frames tell:
 * ENTRY_FRAMES entries, each of which holds a run of transactions, deflated.
 */
#include "model/db.h"
#include "sys/varint.h"

#include <string.h>

/* How far ahead of the column's end an LSN may lie: frames are consecutive, so
 * that a number far ahead is damage, and must not cost memory. */
enum { FRAMES_AHEAD = 256 };

struct frame_cell *frame_cell(const struct generation *generation, uint64_t lsn)
{
    return lsn > UINT32_MAX
               ? NULL
               : column_at(generation->arena, generation->frames, (uint32_t)lsn, sizeof(struct frame_cell));
}

bool frames_note(struct generation *generation, uint64_t lsn, uint64_t offset, int64_t time)
{
    if (lsn >= UINT32_MAX - 64)
        return false;
    uint32_t number = (uint32_t)lsn;
    uint32_t count = column_count(generation->arena, generation->frames);
    if (number >= count) {
        if (number - count > FRAMES_AHEAD || !column_reserve(generation->arena, generation->frames, (number | 63) + 1))
            return false;
    }
    struct frame_cell *cell = frame_cell(generation, lsn);
    if (cell != NULL)
        *cell = (struct frame_cell){offset, time};
    return cell != NULL;
}

bool frame_time(struct generation *generation, uint64_t lsn, int64_t *time)
{
    const struct frame_cell *cell = frame_cell(generation, lsn);
    if (cell == NULL)
        return false;
    *time = cell->time;
    return cell->offset != 0;
}

/* Times never fall along the log: a binary search. */
uint64_t frame_at_time(struct generation *generation, int64_t time, uint64_t up_to)
{
    uint64_t low = 0, high = up_to; /* the answer lies in [low, high] */
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        int64_t there;
        if (frame_time(generation, middle, &there) && there <= time)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* ---- tables of frames ---- */

static void put_text(struct buffer *raw, const char *text, uint32_t length)
{
    uint8_t number[VARINT_MAX];
    buffer_append(raw, number, varint_put(number, length));
    buffer_append(raw, text, length);
}

void frames_put(struct buffer *raw, int64_t *previous, const struct frame *meta)
{
    uint8_t number[VARINT_MAX];
    uint64_t ahead = (uint64_t)meta->time - (uint64_t)*previous;
    buffer_append(raw, number, varint_put(number, zigzag((int64_t)ahead)));
    put_text(raw, meta->actor, meta->actor_length);
    put_text(raw, meta->reason, meta->reason_length);
    put_text(raw, meta->batch, meta->batch_length);
    *previous = meta->time;
}

static const uint8_t *get_text(const uint8_t *at, const uint8_t *end, const char **text, uint32_t *length)
{
    uint64_t size;
    at = varint_get(at, end, &size);
    if (at == NULL || size > (uint64_t)(end - at) || size > UINT32_MAX)
        return NULL;
    *text = (const char *)at;
    *length = (uint32_t)size;
    return at + size;
}

/* One transaction; out->time is that of the one before. */
static const uint8_t *get_frame(const uint8_t *at, const uint8_t *end, struct frame *out)
{
    uint64_t ahead;
    at = varint_get(at, end, &ahead);
    if (at == NULL)
        return NULL;
    out->time = (int64_t)((uint64_t)out->time + (uint64_t)unzigzag(ahead));
    at = get_text(at, end, &out->actor, &out->actor_length);
    if (at != NULL)
        at = get_text(at, end, &out->reason, &out->reason_length);
    return at == NULL ? NULL : get_text(at, end, &out->batch, &out->batch_length);
}

/* The entry names the first LSN as its own and their count as its version. */
bool frames_apply(struct generation *generation, uint64_t offset, const struct entry *entry)
{
    struct generation reader;
    size_t length = 0;
    const uint8_t *at = NULL;
    reader_init(&reader, generation);
    bool fine = pack_open(&reader, offset, &at, &length) == CRM_OK;
    const uint8_t *end = fine ? at + length : NULL;
    struct frame frame = {.time = 0};
    fine = fine && entry->lsn > 0 && entry->version < UINT32_MAX;
    for (uint64_t i = 0; fine && i < entry->version; i++) {
        at = get_frame(at, end, &frame);
        fine = at != NULL && frames_note(generation, entry->lsn + i, offset, frame.time);
    }
    reader_free(&reader);
    return fine && at == end;
}

static int32_t table_meta(struct generation *generation, uint64_t offset, uint64_t lsn, struct frame *out)
{
    struct entry entry;
    const uint8_t *at = NULL;
    size_t length = 0;
    *out = (struct frame){.lsn = lsn};
    if (entry_load(generation, NULL, offset, &entry) != CRM_OK || entry.operation != ENTRY_FRAMES || lsn < entry.lsn ||
        lsn - entry.lsn >= entry.version)
        return CRM_CORRUPT;
    int32_t status = pack_open(generation, offset, &at, &length);
    if (status != CRM_OK)
        return status;
    const uint8_t *end = at + length;
    for (uint64_t i = entry.lsn; at != NULL && i <= lsn; i++)
        at = get_frame(at, end, out);
    return at == NULL ? CRM_CORRUPT : CRM_OK;
}

int32_t frame_meta(struct generation *generation, uint64_t lsn, struct frame *out, crm_error *error)
{
    const struct frame_cell *cell = frame_cell(generation, lsn);
    if (cell == NULL || cell->offset == 0)
        return error_set(error, CRM_NOT_FOUND, "%s: nothing is known of transaction %llu", log_path(generation->log),
                         (unsigned long long)lsn);
    int32_t status = lsn < log_header(generation->log)->base_lsn
                         ? CRM_CORRUPT
                         : log_frame_info(generation->log, cell->offset, out, NULL);
    if (status != CRM_OK) /* in salvage the header may be unknown: then what lies there tells */
        status = table_meta(generation, cell->offset, lsn, out);
    if (status == CRM_OK && out->lsn == lsn)
        return CRM_OK;
    return error_unread(error, status, "%s: what is kept of transaction %llu at byte %llu", log_path(generation->log),
                        (unsigned long long)lsn, (unsigned long long)cell->offset);
}
