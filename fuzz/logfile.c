/* logfile.c: see logfile.h.  Knows the format from docs/FORMAT.md; of the
 * library it uses the checksum and the numbers of variable length. */
#include "logfile.h"

#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/varint.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    PAGE = 4096,
    START = 8192, /* of the frames */
    FRAME_HEADER = 64,
    FRAME_MAGIC = 0x464d5243, /* CRMF */
    FLAG_SEQUENCE = 2,
    FLAG_PACKED = 4,
    OPERATION_PACK = 6,
    PLACE_BITS = 20,
    PACK_MOST = 1 << 18
};
#define PLACE_PACKED (UINT64_C(1) << 62)

/* ---- short and long ---- */

void logfile_expand(const uint8_t *bytes, size_t length, struct dump *file)
{
    static const uint8_t zeros[START];
    size_t header = length < LOGFILE_HEADER ? length : LOGFILE_HEADER;
    file->length = 0;
    dump_put(file, bytes, header);
    if (length <= LOGFILE_HEADER)
        return;
    dump_put(file, zeros, START - header);
    dump_put(file, bytes + header, length - header);
}

void logfile_shorten(const uint8_t *file, size_t length, struct dump *out)
{
    out->length = 0;
    dump_put(out, file, length < LOGFILE_HEADER ? length : LOGFILE_HEADER);
    if (length > START)
        dump_put(out, file + START, length - START);
}

/* ---- taking apart ---- */

static void list_free(struct log_list *list);

static void entry_free(struct log_entry *entry)
{
    free(entry->body.bytes);
    if (entry->packed != NULL) {
        list_free(entry->packed);
        free(entry->packed);
    }
}

static void list_free(struct log_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        entry_free(&list->entries[i]);
    free(list->entries);
    free(list->rest.bytes);
}

static struct dump copy_of(const struct dump *from)
{
    struct dump copy = {0};
    dump_put(&copy, from->bytes, from->length);
    return copy;
}

void logfile_insert_entry(struct log_list *list, size_t at, const struct log_entry *entry)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 8;
        list->entries = realloc(list->entries, list->capacity * sizeof *list->entries);
        MUST(list->entries != NULL);
    }
    memmove(list->entries + at + 1, list->entries + at, (list->count - at) * sizeof *list->entries);
    struct log_entry *copy = &list->entries[at];
    *copy = *entry;
    list->count++;
    copy->body = copy_of(&entry->body);
    if (entry->packed != NULL) {
        copy->packed = calloc(1, sizeof *copy->packed);
        MUST(copy->packed != NULL);
        for (size_t i = 0; i < entry->packed->count; i++)
            logfile_insert_entry(copy->packed, i, &entry->packed->entries[i]);
        copy->packed->rest = copy_of(&entry->packed->rest);
    }
}

void logfile_remove_entry(struct log_list *list, size_t at)
{
    entry_free(&list->entries[at]);
    memmove(list->entries + at, list->entries + at + 1, (list->count - at - 1) * sizeof *list->entries);
    list->count--;
}

void logfile_insert_frame(struct log_parts *parts, size_t at, const struct log_frame_parts *frame)
{
    if (parts->count == parts->capacity) {
        parts->capacity = parts->capacity * 2 + 8;
        parts->frames = realloc(parts->frames, parts->capacity * sizeof *parts->frames);
        MUST(parts->frames != NULL);
    }
    memmove(parts->frames + at + 1, parts->frames + at, (parts->count - at) * sizeof *parts->frames);
    struct log_frame_parts *copy = &parts->frames[at];
    *copy = *frame;
    parts->count++;
    copy->list = (struct log_list){.rest = copy_of(&frame->list.rest)};
    for (size_t i = 0; i < frame->list.count; i++)
        logfile_insert_entry(&copy->list, i, &frame->list.entries[i]);
    copy->meta = copy_of(&frame->meta);
}

void logfile_remove_frame(struct log_parts *parts, size_t at)
{
    list_free(&parts->frames[at].list);
    free(parts->frames[at].meta.bytes);
    memmove(parts->frames + at, parts->frames + at + 1, (parts->count - at - 1) * sizeof *parts->frames);
    parts->count--;
}

static void read_list(const uint8_t *bytes, size_t length, uint64_t offset, bool packed, struct log_list *list);

/* A pack's entries, when its body is one: var raw length, a zlib stream of just that. */
static void open_pack(struct log_entry *entry)
{
    uint64_t raw = 0;
    const uint8_t *body = (const uint8_t *)entry->body.bytes, *end = body + entry->body.length;
    const uint8_t *at = entry->body.length == 0 ? NULL : varint_get(body, end, &raw);
    if (at == NULL || raw == 0 || raw > PACK_MOST)
        return;
    uint8_t *out = malloc((size_t)raw);
    uLongf size = (uLongf)raw;
    MUST(out != NULL);
    if (uncompress(out, &size, at, (uLong)(end - at)) == Z_OK && size == raw) {
        entry->packed = calloc(1, sizeof *entry->packed);
        MUST(entry->packed != NULL);
        read_list(out, (size_t)raw, PLACE_PACKED | entry->was_at << PLACE_BITS, true, entry->packed);
    }
    free(out);
}

/* The number of bytes that the entry takes, 0 when there is none. */
static size_t read_entry(const uint8_t *bytes, size_t length, uint64_t offset, bool packed, struct log_entry *entry)
{
    uint64_t size = 0;
    const uint8_t *end = bytes + length;
    const uint8_t *at = length < 6 ? NULL : varint_get(bytes + 4, end, &size);
    if (at == NULL || size == 0 || size > (size_t)(end - at))
        return 0;
    end = at + size;
    *entry = (struct log_entry){.operation = *at++, .was_at = offset};
    uint64_t *const numbers[] = {&entry->kind, &entry->number, &entry->lsn, &entry->version, &entry->back};
    for (size_t i = 0; i < 5; i++)
        if ((at = varint_get(at, end, numbers[i])) == NULL)
            return 0;
    unsigned flags = entry->operation >> 4;
    if ((flags & FLAG_SEQUENCE) && (at = varint_get(at, end, &entry->sequence)) == NULL)
        return 0;
    entry->leads = entry->back != 0 && ((flags & FLAG_PACKED) || (entry->back < offset && !packed));
    entry->leads_to = flags & FLAG_PACKED ? entry->back : offset - entry->back;
    dump_put(&entry->body, at, (size_t)(end - at));
    return (size_t)(end - bytes);
}

static void read_list(const uint8_t *bytes, size_t length, uint64_t offset, bool packed, struct log_list *list)
{
    size_t at = 0, size;
    struct log_entry entry;
    while (at < length && (size = read_entry(bytes + at, length - at, offset + at, packed, &entry)) != 0) {
        if (!packed && (entry.operation & 0x0f) == OPERATION_PACK)
            open_pack(&entry);
        logfile_insert_entry(list, list->count, &entry);
        entry_free(&entry);
        at += size;
    }
    dump_put(&list->rest, bytes + at, length - at);
}

void logfile_open(const uint8_t *bytes, size_t length, struct log_parts *parts)
{
    memset(parts, 0, sizeof *parts);
    memcpy(parts->header, bytes, length < LOGFILE_HEADER ? length : LOGFILE_HEADER);
    size_t at = LOGFILE_HEADER;
    while (at < length && length - at >= FRAME_HEADER && bytes_get_u32(bytes + at) == FRAME_MAGIC) {
        const uint8_t *header = bytes + at;
        uint64_t entries = bytes_get_u64(header + 32), meta = bytes_get_u32(header + 40), room = length - at - 64;
        if (entries > room || meta > room - entries || meta < 4)
            break;
        struct log_frame_parts frame = {.lsn = bytes_get_u64(header + 8),
                                        .time = (int64_t)bytes_get_u64(header + 16),
                                        .durable = bytes_get_u64(header + 24),
                                        .entry_count = bytes_get_u32(header + 44),
                                        .flags = bytes_get_u32(header + 56)};
        logfile_insert_frame(parts, parts->count, &frame);
        struct log_frame_parts *here = &parts->frames[parts->count - 1];
        read_list(header + 64, (size_t)entries, START + at - LOGFILE_HEADER + 64, false, &here->list);
        here->counted = here->entry_count == here->list.count;
        dump_put(&here->meta, header + 64 + entries + 4, (size_t)meta - 4);
        at += 64 + (size_t)(entries + meta);
        at += (size_t)(-(at - LOGFILE_HEADER) & 7);
    }
    at = at > length ? length : at;
    if (at < length)
        dump_put(&parts->rest, bytes + at, length - at);
}

void logfile_close(struct log_parts *parts)
{
    while (parts->count > 0)
        logfile_remove_frame(parts, parts->count - 1);
    free(parts->frames);
    free(parts->rest.bytes);
}

/* ---- putting together ---- */

static void put_var(struct dump *out, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    dump_put(out, bytes, varint_put(bytes, value));
}

/* Where the entry that lay at `place` lies now; false: not put down yet, or gone. */
static bool find_list(const struct log_list *list, uint64_t place, uint64_t *now)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct log_entry *entry = &list->entries[i];
        if (entry->was_at == place && entry->is_at != 0) {
            *now = entry->is_at;
            return true;
        }
        if (entry->packed != NULL && find_list(entry->packed, place, now))
            return true;
    }
    return false;
}

static uint64_t back_of(const struct log_parts *parts, const struct log_entry *entry, uint64_t offset)
{
    uint64_t now = 0;
    if (!entry->leads)
        return entry->back;
    for (size_t i = 0; i < parts->count; i++)
        if (find_list(&parts->frames[i].list, entry->leads_to, &now)) {
            if ((entry->operation >> 4) & FLAG_PACKED)
                return now;
            return now < offset ? offset - now : entry->back;
        }
    return entry->back;
}

static void put_list(struct log_parts *parts, struct log_list *list, uint64_t offset, struct dump *out);

static void put_pack(struct log_parts *parts, struct log_entry *entry, uint64_t offset, struct dump *body)
{
    struct dump raw = {0};
    put_list(parts, entry->packed, PLACE_PACKED | offset << PLACE_BITS, &raw);
    uLongf size = compressBound((uLong)raw.length);
    uint8_t *packed = malloc(size);
    MUST(packed != NULL);
    MUST(compress2(packed, &size, (const uint8_t *)raw.bytes, (uLong)raw.length, 6) == Z_OK);
    put_var(body, raw.length);
    dump_put(body, packed, size);
    free(packed);
    free(raw.bytes);
}

static void put_entry(struct log_parts *parts, struct log_entry *entry, uint64_t offset, struct dump *out)
{
    struct dump content = {0};
    uint8_t crc[4];
    dump_put(&content, &entry->operation, 1);
    put_var(&content, entry->kind);
    put_var(&content, entry->number);
    put_var(&content, entry->lsn);
    put_var(&content, entry->version);
    put_var(&content, back_of(parts, entry, offset));
    if ((entry->operation >> 4) & FLAG_SEQUENCE)
        put_var(&content, entry->sequence);
    if (entry->packed != NULL)
        put_pack(parts, entry, offset, &content);
    else
        dump_put(&content, entry->body.bytes, entry->body.length);
    size_t start = out->length;
    dump_put(out, "\0\0\0", 4);
    put_var(out, content.length);
    dump_put(out, content.bytes, content.length);
    bytes_put_u32(crc, crc32c(0, out->bytes + start + 4, out->length - start - 4));
    memcpy(out->bytes + start, crc, sizeof crc);
    entry->is_at = offset;
    free(content.bytes);
}

static void put_list(struct log_parts *parts, struct log_list *list, uint64_t offset, struct dump *out)
{
    size_t start = out->length;
    for (size_t i = 0; i < list->count; i++)
        put_entry(parts, &list->entries[i], offset + (out->length - start), out);
    dump_put(out, list->rest.bytes, list->rest.length);
}

/* LSNs that follow each other; entries of an ordinary frame have its. */
static void chain(struct log_parts *parts)
{
    uint64_t base = bytes_get_u64(parts->header + 56), lsn = base;
    int64_t time = INT64_MIN;
    for (size_t i = 0; i < parts->count; i++) {
        struct log_frame_parts *frame = &parts->frames[i];
        uint64_t was = frame->lsn;
        frame->lsn = frame->flags & 1 ? base : ++lsn;
        for (size_t j = 0; j < frame->list.count && !(frame->flags & 1); j++)
            if (frame->list.entries[j].lsn == was)
                frame->list.entries[j].lsn = frame->lsn;
        frame->durable = frame->durable < frame->lsn ? frame->durable : frame->lsn - 1;
        frame->time = frame->time > time ? frame->time : time;
        time = frame->time;
    }
}

static void put_frame(struct log_parts *parts, struct log_frame_parts *frame, uint32_t key, uint32_t *previous,
                      struct dump *out)
{
    uint8_t header[FRAME_HEADER] = {0}, crc[4];
    size_t start = out->length;
    uint64_t offset = START + start - LOGFILE_HEADER;
    dump_put(out, header, sizeof header);
    put_list(parts, &frame->list, offset + FRAME_HEADER, out);
    size_t entries = out->length - start - FRAME_HEADER;
    bytes_put_u32(crc, crc32c(0, frame->meta.bytes, frame->meta.length));
    dump_put(out, crc, sizeof crc);
    dump_put(out, frame->meta.bytes, frame->meta.length);
    bytes_put_u32(header, FRAME_MAGIC);
    bytes_put_u64(header + 8, frame->lsn);
    bytes_put_u64(header + 16, (uint64_t)frame->time);
    bytes_put_u64(header + 24, frame->durable);
    bytes_put_u64(header + 32, entries);
    bytes_put_u32(header + 40, (uint32_t)frame->meta.length + 4);
    bytes_put_u32(header + 44, frame->counted ? (uint32_t)frame->list.count : frame->entry_count);
    bytes_put_u32(header + 48, *previous);
    bytes_put_u32(header + 56, frame->flags);
    uint32_t whole = crc32c(*previous, header + 8, 40);
    whole = crc32c(whole, header + 56, 4);
    *previous = crc32c(whole, out->bytes + start + FRAME_HEADER, out->length - start - FRAME_HEADER);
    bytes_put_u32(header + 52, *previous);
    bytes_put_u32(header + 4, crc32c(key, header + 8, FRAME_HEADER - 8));
    memcpy(out->bytes + start, header, sizeof header);
    dump_put(out, "\0\0\0\0\0\0\0", (size_t)(-(out->length - LOGFILE_HEADER) & 7));
}

void logfile_seal(struct log_parts *parts, bool chained, struct dump *out)
{
    size_t base_end = 0;
    uint32_t key = crc32c(0, parts->header + 16, 24), previous = key;
    if (chained)
        chain(parts);
    out->length = 0;
    dump_put(out, parts->header, LOGFILE_HEADER);
    for (size_t i = 0; i < parts->count; i++) {
        put_frame(parts, &parts->frames[i], key, &previous, out);
        if (parts->frames[i].flags & 1)
            base_end = START + out->length - LOGFILE_HEADER;
    }
    dump_put(out, parts->rest.bytes, parts->rest.length);
    if (chained)
        bytes_put_u64(parts->header + 64, base_end);
    bytes_put_u32(parts->header + 72, crc32c(0, parts->header, 72));
    memcpy(out->bytes, parts->header, LOGFILE_HEADER);
}
