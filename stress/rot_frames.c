/* rot_frames: the log's frames by docs/FORMAT.md, read and forged without the
 * library's own code.
 */
#include "rot.h"

#include <string.h>

enum {
    FRAME_HEADER = 64,
    AT_HEADER_CRC = 4,
    AT_LSN = 8,
    AT_DURABLE = 24,
    AT_ENTRIES = 32,
    AT_META = 40,
    AT_PREVIOUS = 48,
    AT_CRC = 52,
    AT_FLAGS = 56,
    AT_FILE = 16,      /* in the header page: file and seed, of which the key is made */
    AT_GENERATION = 40 /* behind them */
};

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void set(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint32_t rot_crc(uint32_t crc, const uint8_t *bytes, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0); /* 0x1edc6f41, reflected */
    }
    return ~crc;
}

static size_t frame_length(const uint8_t *log, size_t size, size_t offset)
{
    if (size - offset < FRAME_HEADER || memcmp(log + offset, "CRMF", 4) != 0)
        return 0;
    uint64_t entries = get(log + offset + AT_ENTRIES, 8), meta = get(log + offset + AT_META, 4);
    if (entries > size || meta > size)
        return 0;
    uint64_t length = (FRAME_HEADER + entries + meta + 7) / 8 * 8;
    return length <= size - offset ? (size_t)length : 0;
}

size_t rot_frames(const uint8_t *log, size_t size, struct rot_frame frames[ROT_FRAMES_MOST])
{
    size_t count = 0, length;
    for (size_t at = ROT_FRAMES_START; at < size && (length = frame_length(log, size, at)) != 0; at += length) {
        if (count == ROT_FRAMES_MOST)
            return 0;
        frames[count++] = (struct rot_frame){.offset = at,
                                             .length = length,
                                             .lsn = get(log + at + AT_LSN, 8),
                                             .durable = get(log + at + AT_DURABLE, 8),
                                             .base = get(log + at + AT_FLAGS, 4) == 1};
    }
    return count;
}

void rot_chain(uint8_t *log, size_t size, bool renumber)
{
    uint32_t key = rot_crc(0, log + AT_FILE, AT_GENERATION - AT_FILE), previous = key;
    uint64_t lsn = 0;
    size_t length;
    for (size_t at = ROT_FRAMES_START; at < size && (length = frame_length(log, size, at)) != 0; at += length) {
        uint8_t *frame = log + at;
        size_t content = FRAME_HEADER + (size_t)get(frame + AT_ENTRIES, 8) + (size_t)get(frame + AT_META, 4);
        bool base = get(frame + AT_FLAGS, 4) == 1;
        if (renumber && at != ROT_FRAMES_START && !base)
            set(frame + AT_LSN, 8, lsn + 1);
        lsn = get(frame + AT_LSN, 8);
        uint32_t crc = rot_crc(previous, frame + AT_LSN, AT_PREVIOUS - AT_LSN);
        crc = rot_crc(crc, frame + AT_FLAGS, 4);
        crc = rot_crc(crc, frame + FRAME_HEADER, content - FRAME_HEADER);
        set(frame + AT_PREVIOUS, 4, previous);
        set(frame + AT_CRC, 4, crc);
        set(frame + AT_HEADER_CRC, 4, rot_crc(key, frame + AT_LSN, FRAME_HEADER - AT_LSN));
        previous = crc;
    }
}
