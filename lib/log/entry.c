/* entry.c: one version of one record, to bytes and back.
 *
 * Both calls are on the path of every write and every look-up, so each makes
 * one pass and one call of the checksum.  Every number read is bounded before
 * it is used: an entry comes from a file that anybody may have written (P6).
 */
#include "log/entry.h"

#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/varint.h"

#include <string.h>

enum {
    CRC_SIZE = 4,
    /* operation, kind, number, lsn, version, back, sequence at their longest */
    FIELDS_MAX = 1 + 5 + 5 + VARINT_MAX + VARINT_MAX + VARINT_MAX + 5,
    ENTRY_FLAGS = ENTRY_FULL | ENTRY_SEQUENCE | ENTRY_PACKED
};

/* What is written for `previous`: a distance, because it is short; within a
 * pack offsets mean something else and the number stands as it is. */
static bool encode_back(const struct entry *entry, uint64_t offset, uint64_t *back)
{
    *back = entry->previous;
    if (entry->previous == 0 || (entry->flags & ENTRY_PACKED))
        return true;
    *back = offset - entry->previous;
    return entry->previous < offset;
}

void entry_put(struct buffer *buffer, uint64_t offset, struct entry *entry)
{
    uint64_t back;
    if (!encode_back(entry, offset, &back) || entry->operation == 0 || entry->operation > ENTRY_FRAMES ||
        (entry->flags & ~ENTRY_FLAGS) || entry->body_length > SIZE_MAX / 2) {
        buffer->failed = true;
        return;
    }
    if (!buffer_reserve(buffer, CRC_SIZE + VARINT_MAX + FIELDS_MAX + entry->body_length))
        return;
    uint8_t *start = buffer->data + buffer->length;
    /* Most entries are short: leave one byte for the length, and move the few
     * bytes of the fields on when it needs more. */
    uint8_t *fields = start + CRC_SIZE + 1;
    uint8_t *at = fields;
    *at++ = (uint8_t)(entry->operation | (unsigned)entry->flags << 4);
    at += varint_put(at, entry->kind);
    at += varint_put(at, entry->number);
    at += varint_put(at, entry->lsn);
    at += varint_put(at, entry->version);
    at += varint_put(at, back);
    if (entry->flags & ENTRY_SEQUENCE)
        at += varint_put(at, entry->sequence);
    uint64_t length = (uint64_t)(at - fields) + entry->body_length;
    if (length < 0x80) {
        start[CRC_SIZE] = (uint8_t)length;
    } else {
        uint8_t number[VARINT_MAX];
        size_t size = varint_put(number, length);
        memmove(fields + size - 1, fields, (size_t)(at - fields));
        memcpy(start + CRC_SIZE, number, size);
        at += size - 1;
    }
    if (entry->body_length != 0)
        memcpy(at, entry->body, entry->body_length);
    at += entry->body_length;
    entry->size = (size_t)(at - start);
    bytes_put_u32(start, crc32c(0, start + CRC_SIZE, entry->size - CRC_SIZE));
    buffer->length += entry->size;
}

static const uint8_t *get_any(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    return varint_get(at, end, value);
}

/* A number where FIELDS_MAX bytes may be read.  Nearly all have one to three. */
__attribute__((always_inline)) static inline const uint8_t *get_near(const uint8_t *at, uint64_t *value)
{
    uint64_t low = at[0];
    *value = low;
    if (low < 0x80)
        return at + 1;
    low += ((uint64_t)at[1] << 7) - 0x80; /* less the bit that says that it goes on */
    *value = low;
    if (at[1] < 0x80)
        return at + 2;
    *value = low + ((uint64_t)at[2] << 14) - 0x4000;
    return at[2] < 0x80 ? at + 3 : get_any(at, at + VARINT_MAX, value);
}

/* The fields between the operation and the body; returns the body. */
static inline const uint8_t *get_fields(const uint8_t *at, const uint8_t *end, struct entry *out, uint64_t *back)
{
    uint64_t kind, number, sequence = 0;
    if (end - at >= FIELDS_MAX) {
        if ((at = get_near(at, &kind)) == NULL || (at = get_near(at, &number)) == NULL ||
            (at = get_near(at, &out->lsn)) == NULL || (at = get_near(at, &out->version)) == NULL ||
            (at = get_near(at, back)) == NULL)
            return NULL;
    } else if ((at = get_any(at, end, &kind)) == NULL || (at = get_any(at, end, &number)) == NULL ||
               (at = get_any(at, end, &out->lsn)) == NULL || (at = get_any(at, end, &out->version)) == NULL ||
               (at = get_any(at, end, back)) == NULL) {
        return NULL;
    }
    if ((out->flags & ENTRY_SEQUENCE) && (at = get_any(at, end, &sequence)) == NULL)
        return NULL;
    out->kind = (uint32_t)kind;
    out->number = (uint32_t)number;
    out->sequence = (uint32_t)sequence;
    return (kind | number | sequence) > UINT32_MAX ? NULL : at;
}

int32_t entry_get(const uint8_t *bytes, size_t available, uint64_t offset, struct entry *out)
{
    uint64_t length, back;
    if (available < CRC_SIZE + 1)
        return CRM_CORRUPT;
    const uint8_t *at = varint_get(bytes + CRC_SIZE, bytes + available, &length);
    if (at == NULL || length == 0 || length > (size_t)(bytes + available - at))
        return CRM_CORRUPT;
    const uint8_t *end = at + length;
    out->size = (size_t)(end - bytes);
    if (crc32c(0, bytes + CRC_SIZE, out->size - CRC_SIZE) != bytes_get_u32(bytes))
        return CRM_CORRUPT;
    out->operation = *at & 0x0f;
    out->flags = *at >> 4;
    if (out->operation == 0 || out->operation > ENTRY_FRAMES || (out->flags & ~ENTRY_FLAGS))
        return CRM_CORRUPT;
    at = get_fields(at + 1, end, out, &back);
    if (at == NULL)
        return CRM_CORRUPT;
    out->previous = back;
    if (back != 0 && !(out->flags & ENTRY_PACKED)) {
        if (back >= offset)
            return CRM_CORRUPT;
        out->previous = offset - back;
    }
    out->body = at;
    out->body_length = (size_t)(end - at);
    return CRM_OK;
}
