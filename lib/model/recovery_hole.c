/* recovery_hole: the bytes between whole frames.
 *
 * An entry vouches for itself by its own CRC, so one flipped bit need not cost
 * the transaction it is in.  A checksum is reckoned only where the first numbers
 * could be an entry's, and for no more bytes than a few times the hole: bytes
 * made to look like entries must not cost the square of their length.
 *
 * Ids are told relative to the first of their frame.  They are believed only
 * when everything from the frame's beginning to that first one could be read.
 */
#include "model/recovery.h"

#include "sys/varint.h"

#include <string.h>

enum {
    ENTRY_LEAST = 11,
    WORK_FACTOR = 8,
    BETWEEN_ENTRIES = LOG_FRAME_HEADER + 7 /* meta and header of a frame, at least */
};

struct hole {
    struct recovery *recovery;
    const uint8_t *bytes, *end;
    uint64_t from;
    uint64_t least, most; /* transactions that can lie in it */
    bool base;
    uint64_t work; /* bytes that may still be summed up */
    uint64_t lsn;  /* of the frame that is being read, as far as known */
    crm_id id_base;
    bool whole;    /* from the frame's beginning to its first create nothing was missing */
    bool skipping; /* in what cannot be read, from `skipped` on; its length tells that it ends at `expected` */
    size_t skipped, expected;
};

static bool could_be(const struct hole *hole, const uint8_t *at)
{
    uint64_t length, kind, number, lsn;
    if (hole->end - at < ENTRY_LEAST)
        return false;
    const uint8_t *next = varint_get(at + 4, hole->end, &length);
    if (next == NULL || length < ENTRY_LEAST - 5 || length > (uint64_t)(hole->end - next))
        return false;
    unsigned operation = *next & 15U;
    next = varint_get(next + 1, hole->end, &kind);
    next = next == NULL ? NULL : varint_get(next, hole->end, &number);
    next = next == NULL ? NULL : varint_get(next, hole->end, &lsn);
    bool record = operation >= ENTRY_CREATE && operation <= ENTRY_ERASE;
    return next != NULL && operation <= ENTRY_FRAMES && number <= UINT32_MAX && lsn >= hole->least &&
           lsn <= hole->most && (record ? kind > 0 && kind <= UINT16_MAX : hole->base && kind == 0);
}

static bool read_entry(struct hole *hole, size_t at, struct entry *entry)
{
    size_t left = (size_t)(hole->end - hole->bytes) - at;
    uint64_t length;
    if (!could_be(hole, hole->bytes + at) || varint_get(hole->bytes + at + 4, hole->end, &length) == NULL ||
        length > hole->work)
        return false;
    hole->work -= length;
    return entry_get(hole->bytes + at, left, hole->from + at, entry) == CRM_OK;
}

/* Header and meta of a frame whose entries are damaged tell at least when and who. */
static bool begins_frame(struct hole *hole, size_t at)
{
    struct frame frame;
    struct generation *generation = hole->recovery->generation;
    uint64_t offset = hole->from + at;
    if (offset % 8 != 0 || log_frame_info(generation->log, offset, &frame, NULL) != CRM_OK || frame.lsn < hole->least ||
        frame.lsn > hole->most)
        return false;
    const struct frame_cell *cell = frame_cell(generation, frame.lsn);
    if (cell != NULL && cell->offset == 0 && frame.time >= generation->applied.time)
        (void)frames_note(generation, frame.lsn, offset, frame.time);
    hole->lsn = frame.lsn;
    return true;
}

static bool is_set(const crm_id *id)
{
    static const crm_id none;
    return memcmp(id, &none, sizeof none) != 0;
}

static void forget_base(struct hole *hole)
{
    memset(&hole->id_base, 0, sizeof hole->id_base);
    hole->whole = false;
}

static void skip(struct hole *hole, size_t at)
{
    uint64_t length;
    if (hole->skipping)
        return;
    hole->skipping = true;
    hole->skipped = at;
    hole->expected = SIZE_MAX;
    const uint8_t *next =
        (size_t)(hole->end - hole->bytes) - at < 5 ? NULL : varint_get(hole->bytes + at + 4, hole->end, &length);
    if (next != NULL && length <= (uint64_t)(hole->end - next))
        hole->expected = (size_t)(next - hole->bytes) + (size_t)length;
    if (!is_set(&hole->id_base))
        hole->whole = false; /* it may have been the first */
}

/* A frame may have begun within what could not be read. */
static void end_skip(struct hole *hole, size_t at)
{
    if (hole->skipping && at != hole->expected && at - hole->skipped >= BETWEEN_ENTRIES)
        forget_base(hole);
    hole->skipping = false;
}

static bool take(struct hole *hole, size_t at, const struct entry *entry)
{
    struct recovery *recovery = hole->recovery;
    end_skip(hole, at);
    if (!hole->base && entry->lsn != hole->lsn) { /* another frame, whose beginning was not seen */
        if (hole->lsn != 0)
            forget_base(hole);
        hole->lsn = entry->lsn;
    }
    crm_id known = hole->id_base;
    bool fine = recovery_entry(recovery, hole->most, hole->base, hole->from + at, entry, &hole->id_base);
    if (!hole->whole && !is_set(&known))
        hole->id_base = known; /* not the frame's first */
    return fine;
}

static void begin(struct hole *hole)
{
    memset(&hole->id_base, 0, sizeof hole->id_base);
    hole->whole = true;
    hole->skipping = false;
}

int32_t recovery_hole(struct recovery *recovery, uint64_t from, uint64_t to, uint64_t most, bool base, crm_error *error)
{
    struct generation *generation = recovery->generation;
    size_t length = (size_t)(to - from);
    struct hole hole = {.recovery = recovery,
                        .from = from,
                        .most = most,
                        .base = base,
                        .least = base ? 1 : generation->applied.lsn + 1,
                        .work = (to - from) * WORK_FACTOR};
    hole.bytes = log_bytes(generation->log, from, length);
    if (hole.bytes == NULL || hole.least > most || most >= UINT32_MAX - 64)
        return CRM_OK;
    hole.end = hole.bytes + length;
    bool room = column_reserve(generation->arena, generation->frames, ((uint32_t)most | 63) + 1);
    recovery->lost_here = 0;
    for (size_t at = 0; room && at < length;) {
        struct entry entry;
        bool header = begins_frame(&hole, at);
        if (header || at == LOG_FRAME_HEADER) /* the hole itself begins where a frame should */
            begin(&hole);
        if (header) {
            at += LOG_FRAME_HEADER;
        } else if (read_entry(&hole, at, &entry)) {
            room = take(&hole, at, &entry);
            at += entry.size;
        } else {
            skip(&hole, at);
            at++;
        }
    }
    return room ? CRM_OK : error_nomem(error);
}
