/* frame.c: one transaction in the log, to bytes and back.
 *
 * A frame is checked in steps, each of which protects the next: the header's
 * own CRC (it starts from the file's key, so that a frame of another file, or
 * one that a user stored as a value, is not taken for one of ours) makes the
 * lengths worth believing; the bounds make them safe to follow; the frame's
 * CRC covers the rest and, starting from the CRC of the frame before, the
 * place in the chain.
 */
#include "log/log_private.h"
#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/error.h"
#include "sys/varint.h"

#include <string.h>

enum {
    AT_MAGIC = 0,
    AT_HEADER_CRC = 4,
    AT_LSN = 8,
    AT_TIME = 16,
    AT_DURABLE = 24,
    AT_ENTRIES_LENGTH = 32,
    AT_META_LENGTH = 40,
    AT_ENTRY_COUNT = 44,
    AT_PREVIOUS_CRC = 48,
    AT_CRC = 52,
    AT_FLAGS = 56,
    AT_ZERO = 60
};

/* "CRMF" as it lies in the file. */
#define FRAME_MAGIC 0x464d5243u

static void encode_content(const struct frame_header *header, uint8_t out[LOG_FRAME_HEADER])
{
    bytes_put_u64(out + AT_LSN, header->lsn);
    bytes_put_u64(out + AT_TIME, (uint64_t)header->time);
    bytes_put_u64(out + AT_DURABLE, header->durable_lsn);
    bytes_put_u64(out + AT_ENTRIES_LENGTH, header->entries_length);
    bytes_put_u32(out + AT_META_LENGTH, header->meta_length);
    bytes_put_u32(out + AT_ENTRY_COUNT, header->entry_count);
    bytes_put_u32(out + AT_FLAGS, header->flags);
}

/* Over what lies in bytes 8..47 and the flags; the CRCs between cannot be part
 * of themselves. */
static uint32_t crc_start(uint32_t previous_crc, const uint8_t *bytes)
{
    uint32_t crc = crc32c(previous_crc, bytes + AT_LSN, AT_PREVIOUS_CRC - AT_LSN);
    return crc32c(crc, bytes + AT_FLAGS, AT_ZERO - AT_FLAGS);
}

uint32_t frame_crc_start(const struct frame_header *header)
{
    uint8_t bytes[LOG_FRAME_HEADER] = {0};
    encode_content(header, bytes);
    return crc_start(header->previous_crc, bytes);
}

void frame_header_encode(const struct frame_header *header, uint32_t key, uint8_t out[LOG_FRAME_HEADER])
{
    memset(out, 0, LOG_FRAME_HEADER);
    encode_content(header, out);
    bytes_put_u32(out + AT_MAGIC, FRAME_MAGIC);
    bytes_put_u32(out + AT_PREVIOUS_CRC, header->previous_crc);
    bytes_put_u32(out + AT_CRC, header->crc);
    bytes_put_u32(out + AT_HEADER_CRC, crc32c(key, out + AT_LSN, LOG_FRAME_HEADER - AT_LSN));
}

static void decode_header(const uint8_t *bytes, struct frame_header *header)
{
    *header = (struct frame_header){
        .lsn = bytes_get_u64(bytes + AT_LSN),
        .time = (int64_t)bytes_get_u64(bytes + AT_TIME),
        .durable_lsn = bytes_get_u64(bytes + AT_DURABLE),
        .entries_length = bytes_get_u64(bytes + AT_ENTRIES_LENGTH),
        .meta_length = bytes_get_u32(bytes + AT_META_LENGTH),
        .entry_count = bytes_get_u32(bytes + AT_ENTRY_COUNT),
        .previous_crc = bytes_get_u32(bytes + AT_PREVIOUS_CRC),
        .crc = bytes_get_u32(bytes + AT_CRC),
        .flags = bytes_get_u32(bytes + AT_FLAGS),
    };
}

/* One of actor, reason, batch. */
static const uint8_t *parse_text(const uint8_t *at, const uint8_t *end, const char **text, uint32_t *length)
{
    uint64_t size;
    at = varint_get(at, end, &size);
    if (at == NULL || size > (size_t)(end - at))
        return NULL;
    *text = (const char *)at;
    *length = (uint32_t)size; /* fits: meta_length is 32 bits */
    return at + size;
}

static bool parse_meta(const uint8_t *meta, uint32_t length, struct frame *out)
{
    const uint8_t *end = meta + length;
    const uint8_t *at = meta + 4;
    if (crc32c(0, at, length - 4) != bytes_get_u32(meta))
        return false;
    at = parse_text(at, end, &out->actor, &out->actor_length);
    if (at != NULL)
        at = parse_text(at, end, &out->reason, &out->reason_length);
    if (at != NULL)
        at = parse_text(at, end, &out->batch, &out->batch_length);
    return at == end;
}

static bool padding_is_zero(const uint8_t *at, size_t length)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < length; i++)
        bits |= at[i];
    return bits == 0;
}

int frame_parse(const struct log *log, const struct log_map *map, uint64_t offset, bool whole, struct frame *out,
                uint32_t *previous_crc)
{
    struct frame_header header;
    if (offset < LOG_FRAMES_START || offset > map->length || map->length - offset < LOG_FRAME_HEADER)
        return FRAME_NONE;
    const uint8_t *bytes = map->base + offset;
    if (bytes_get_u32(bytes) != FRAME_MAGIC || bytes_get_u32(bytes + AT_ZERO) != 0)
        return FRAME_NONE;
    if (log->key_known &&
        crc32c(log->key, bytes + AT_LSN, LOG_FRAME_HEADER - AT_LSN) != bytes_get_u32(bytes + AT_HEADER_CRC))
        return FRAME_NONE;
    decode_header(bytes, &header);
    uint64_t room = map->length - offset - LOG_FRAME_HEADER;
    if (header.entries_length > room || header.meta_length > room - header.entries_length ||
        header.meta_length < FRAME_META_MIN || header.meta_length > FRAME_META_MAX ||
        (header.flags & ~(uint32_t)LOG_FRAME_FLAGS) || header.entry_count > header.entries_length)
        return FRAME_NONE;
    uint64_t payload = header.entries_length + header.meta_length;
    size_t padding = (size_t)(-payload & 7);
    if (padding > room - payload)
        return FRAME_NONE;
    const uint8_t *entries = bytes + LOG_FRAME_HEADER;
    *out = (struct frame){
        .offset = offset,
        .lsn = header.lsn,
        .time = header.time,
        .durable_lsn = header.durable_lsn,
        .flags = header.flags,
        .entry_count = header.entry_count,
        .entries = entries,
        .entries_length = (size_t)header.entries_length,
        .entries_offset = offset + LOG_FRAME_HEADER,
        .after = {offset + LOG_FRAME_HEADER + payload + padding, header.lsn, header.time, header.crc},
    };
    *previous_crc = header.previous_crc;
    if (!padding_is_zero(entries + payload, padding) ||
        !parse_meta(entries + header.entries_length, header.meta_length, out))
        return FRAME_HEADER;
    if (!whole)
        return FRAME_META;
    uint32_t crc = crc32c(crc_start(header.previous_crc, bytes), entries, (size_t)payload);
    return crc == header.crc ? FRAME_WHOLE : FRAME_META;
}

/* Whether `frame` may stand right behind `before`. */
static bool follows(const struct log *log, const struct log_point *before, const struct frame *frame)
{
    const struct log_header *header = &log->header;
    if (frame->time < before->time || frame->durable_lsn >= frame->lsn)
        return false;
    if (frame->flags & LOG_FRAME_BASE)
        return header->base_lsn != 0 && frame->lsn == header->base_lsn && before->lsn == header->base_lsn &&
               (header->base_end == 0 || frame->after.offset <= header->base_end);
    return frame->lsn == before->lsn + 1 && frame->offset >= header->base_end;
}

int32_t log_frame(struct log *log, const struct log_point *before, struct frame *out, crm_error *error)
{
    uint32_t previous_crc = 0;
    int good = frame_parse(log, log_map(log), before->offset, true, out, &previous_crc);
    if (good == FRAME_NONE) {
        /* Another process may have made the file longer. */
        uint64_t length = log_map(log)->length;
        int32_t status = log_refresh(log, error);
        if (status != CRM_OK)
            return status;
        if (log_map(log)->length != length)
            good = frame_parse(log, log_map(log), before->offset, true, out, &previous_crc);
    }
    if (good != FRAME_WHOLE || previous_crc != before->crc || !follows(log, before, out))
        return CRM_NOT_FOUND;
    mutex_lock(&log->sync_lock);
    if (out->after.offset > log->seen.offset)
        log->seen = out->after;
    mutex_unlock(&log->sync_lock);
    return CRM_OK;
}

int32_t log_frame_info(struct log *log, uint64_t offset, struct frame *out, crm_error *error)
{
    uint32_t previous_crc = 0;
    if (frame_parse(log, log_map(log), offset, false, out, &previous_crc) != FRAME_META)
        return error_set(error, CRM_CORRUPT, "%s: no good frame at byte %llu", log->path, (unsigned long long)offset);
    return CRM_OK;
}
