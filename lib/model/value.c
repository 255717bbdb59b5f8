/* value: see value.h.  Everything read here may come from a damaged or hostile
 * file, so every step is bounded by the body's end.
 */
#include "model/value.h"

#include "sys/bytes.h"
#include "sys/cold.h"
#include "sys/varint.h"

#include <stddef.h>
#include <string.h>
#include <zlib.h>

enum { SECOND_US = 1000000 };
static const int64_t day_us = INT64_C(86400000000);

static void put_varint(struct buffer *buffer, uint64_t value)
{
    if (!buffer_reserve(buffer, VARINT_MAX))
        return;
    buffer->length += varint_put(buffer->data + buffer->length, value);
}

/* Instants are mostly whole seconds or days: 5 or 3 bytes instead of 8. */
static uint8_t *write_large(uint8_t *at, uint64_t tag, int64_t value)
{
    unsigned wire = WIRE_INT;
    if (value % SECOND_US == 0) {
        bool whole_day = value % day_us == 0;
        wire = whole_day ? WIRE_DAYS : WIRE_SECONDS;
        value /= whole_day ? day_us : SECOND_US;
    }
    at += varint_put(at, tag | wire);
    return at + varint_put(at, zigzag(value));
}

static inline uint8_t *write_bytes(uint8_t *at, const struct value *value)
{
    at += varint_put(at, value->length);
    if (value->length > 0)
        memcpy(at, value->bytes, value->length);
    return at + value->length;
}

uint8_t *body_write(uint8_t *at, uint32_t *previous, uint32_t field, const struct value *value)
{
    uint64_t tag = (uint64_t)(field - *previous) << 3;
    *previous = field;
    switch (value->what) {
    case VALUE_INT:
        if (value->integer > day_us || value->integer < -day_us)
            return write_large(at, tag, value->integer);
        at += varint_put(at, tag | WIRE_INT);
        return at + varint_put(at, zigzag(value->integer));
    case VALUE_REAL: {
        uint64_t bits;
        memcpy(&bits, &value->real, sizeof bits);
        at += varint_put(at, tag | WIRE_REAL);
        bytes_put_u64(at, bits);
        return at + sizeof bits;
    }
    case VALUE_BYTES:
        at += varint_put(at, tag | WIRE_BYTES);
        at = write_bytes(at, value);
        *at = 0;
        return at + 1;
    case VALUE_DEFLATED:
        at += varint_put(at, tag | WIRE_DEFLATED);
        at += varint_put(at, (uint64_t)value->integer);
        return write_bytes(at, value);
    default: return at + varint_put(at, tag | WIRE_NULL);
    }
}

void body_put(struct buffer *buffer, uint32_t *previous, uint32_t field, const struct value *value)
{
    if (buffer_reserve(buffer, body_room(value)))
        buffer->length = (size_t)(body_write(buffer->data + buffer->length, previous, field, value) - buffer->data);
}

static bool get_bytes(const uint8_t **at, const uint8_t *end, size_t extra, struct value *value)
{
    uint64_t length;
    *at = varint_get(*at, end, &length);
    if (*at == NULL || (uint64_t)(end - *at) < extra || length > (uint64_t)(end - *at) - extra)
        return false;
    value->bytes = *at;
    value->length = (size_t)length;
    *at += length;
    if (extra == 1 && *(*at)++ != 0)
        return false;
    return true;
}

__attribute__((noinline)) static bool get_rare(const uint8_t **at, const uint8_t *end, unsigned wire,
                                               struct value *value)
{
    uint64_t raw;
    switch (wire) {
    case WIRE_NULL: value->what = VALUE_NULL; return true;
    case WIRE_REAL:
        if (end - *at < 8)
            return false;
        raw = bytes_get_u64(*at);
        value->what = VALUE_REAL;
        memcpy(&value->real, &raw, sizeof raw);
        *at += 8;
        return true;
    case WIRE_DEFLATED:
        *at = varint_get(*at, end, &raw);
        if (*at == NULL || raw > VALUE_TEXT_MAX)
            return false;
        value->what = VALUE_DEFLATED;
        value->integer = (int64_t)raw;
        return get_bytes(at, end, 0, value);
    default: return false;
    }
}

/* A field may lie there as another type than its own has (only in a file that
 * somebody forged): who reads it finds 0 and no bytes, not what memory held. */
static inline void value_clear(struct value *value)
{
    value->integer = 0;
    value->bytes = NULL;
    value->length = 0;
}

/* The value behind a tag; advances *at.  False: damaged. */
static bool get_value(const uint8_t **at, const uint8_t *end, unsigned wire, struct value *value)
{
    uint64_t raw;
    value_clear(value);
    if (wire == WIRE_BYTES) {
        value->what = VALUE_BYTES;
        return get_bytes(at, end, 1, value);
    }
    if (wire == WIRE_INT || wire == WIRE_SECONDS || wire == WIRE_DAYS) {
        *at = varint_get(*at, end, &raw);
        if (*at == NULL)
            return false;
        value->what = VALUE_INT;
        value->integer = unzigzag(raw);
        return wire == WIRE_INT ||
               !__builtin_mul_overflow(value->integer, wire == WIRE_SECONDS ? SECOND_US : day_us, &value->integer);
    }
    return get_rare(at, end, wire, value);
}

int body_next(struct body *body, struct value *value)
{
    uint64_t tag;
    if (body->at == body->end)
        return 0;
    const uint8_t *at = varint_get(body->at, body->end, &tag);
    if (at == NULL || tag >> 3 == 0 || tag >> 3 > UINT32_MAX - body->field ||
        !get_value(&at, body->end, tag & 7, value))
        return -1;
    body->field += (uint32_t)(tag >> 3);
    body->at = at;
    return 1;
}

/* Steps over a value without decoding it; NULL: damaged. */
__attribute__((noinline)) static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, unsigned wire)
{
    uint64_t length;
    if (wire == WIRE_BYTES) {
        at = varint_get(at, end, &length);
        return at == NULL || length >= (uint64_t)(end - at) ? NULL : at + length + 1;
    }
    if (wire == WIRE_INT || wire == WIRE_SECONDS || wire == WIRE_DAYS) {
        while (at < end && *at >= 0x80)
            at++;
        return at < end ? at + 1 : NULL;
    }
    if (wire == WIRE_NULL)
        return at;
    if (wire == WIRE_REAL)
        return end - at < 8 ? NULL : at + 8;
    if (wire != WIRE_DEFLATED || (at = varint_get(at, end, &length)) == NULL)
        return NULL;
    at = varint_get(at, end, &length);
    return at == NULL || length > (uint64_t)(end - at) ? NULL : at + length;
}

/* The value behind a tag: 1, or -1 when it is damaged. */
static int value_at(const uint8_t *at, const uint8_t *end, unsigned wire, struct value *value)
{
    if ((wire == WIRE_INT || wire == WIRE_SECONDS) && end - at >= 8) {
        /* All of a number at once: its bytes are those up to the first without the high bit. */
        uint64_t eight = bytes_get_u64(at), last = ~eight & UINT64_C(0x8080808080808080);
        if (last != 0) {
            eight &= last ^ (last - 1);
            eight = (eight & UINT64_C(0x007f007f007f007f)) | (eight & UINT64_C(0x7f007f007f007f00)) >> 1;
            eight = (eight & UINT64_C(0x00003fff00003fff)) | (eight & UINT64_C(0x3fff00003fff0000)) >> 2;
            eight = (eight & UINT64_C(0x000000000fffffff)) | (eight & UINT64_C(0x0fffffff00000000)) >> 4;
            value_clear(value);
            value->what = VALUE_INT;
            value->integer = unzigzag(eight);
            return wire == WIRE_INT || !__builtin_mul_overflow(value->integer, SECOND_US, &value->integer) ? 1 : -1;
        }
    }
    return get_value(&at, end, wire, value) ? 1 : -1;
}

/* The same as below from a field's tag on, for every form that there is. */
__attribute__((noinline)) static int seek_on(struct body_seek *seek, const uint8_t *at, uint64_t number, uint32_t field,
                                             struct value *value)
{
    const uint8_t *const end = seek->end;
    uint64_t tag = 0;
    while (at < end) {
        const uint8_t *inside = varint_get(at, end, &tag);
        if (inside == NULL || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
            return -1;
        if (number + (tag >> 3) >= field)
            break;
        number += tag >> 3;
        at = skip_value(inside, end, tag & 7);
        if (at == NULL)
            return -1;
    }
    seek->at = at;
    seek->field = number;
    if (at == end || number + (tag >> 3) > field)
        return 0;
    return value_at(varint_get(at, end, &tag), end, tag & 7, value);
}

/* On the path of every getter: steps over the fields before the one sought, and
 * at once over those of a usual form: a text with a length of one byte, a number. */
int body_seek_find(struct body_seek *seek, uint32_t field, struct value *value)
{
    const uint8_t *at = seek->at, *const end = seek->end;
    uint64_t ahead = (uint64_t)field << 3; /* a tag below it is of a field before */
    if (seek->field < field)
        ahead -= seek->field << 3;
    else
        at = seek->bytes;
    while (end - at > 1) {
        uint64_t tag = at[0], length = at[1];
        if ((int8_t)tag < 8) /* of two bytes, or of no field */
            break;
        if (tag >= ahead) {
            seek->at = at;
            seek->field = field - (ahead >> 3);
            if (tag - ahead == WIRE_BYTES && length < 0x80 && (ptrdiff_t)length < end - at - 2) {
                value->what = VALUE_BYTES;
                value->integer = 0;
                value->bytes = at + 2;
                value->length = length;
                return at[length + 2] == 0 ? 1 : -1;
            }
            if (tag - ahead == WIRE_INT && length < 0x80) {
                value_clear(value);
                value->what = VALUE_INT;
                value->integer = unzigzag(length);
                return 1;
            }
            return tag - ahead >= 8 ? 0 : value_at(at + 1, end, tag & 7, value);
        }
        if ((tag & 7) == WIRE_BYTES) {
            if (length >= 0x80 || (ptrdiff_t)length > end - at - 3)
                break;
            at += length + 3;
        } else if ((tag & 7) == WIRE_INT || (tag & 7) == WIRE_SECONDS) {
            for (at += 2; at[-1] >= 0x80; at++)
                if (at == end)
                    return -1;
        } else {
            break;
        }
        ahead -= tag & ~UINT64_C(7);
    }
    return seek_on(seek, at, field - (ahead >> 3), field, value);
}

int body_find(const uint8_t *bytes, size_t length, uint32_t field, struct value *value)
{
    struct body_seek seek;
    body_seek_open(&seek, bytes, length);
    return body_seek_find(&seek, field, value);
}

/* A transaction's base is nil before its first. */
static bool id_is_nil(const crm_id *id)
{
    return (bytes_get_u64(id->bytes) | bytes_get_u64(id->bytes + 8)) == 0;
}

static uint64_t id_distance(const crm_id *base, const crm_id *id)
{
    return bytes_get_big64(id->bytes + 8) - bytes_get_big64(base->bytes + 8);
}

bool id_follows(const crm_id *base, const crm_id *id)
{
    uint64_t distance = id_distance(base, id);
    return !id_is_nil(base) && memcmp(base->bytes, id->bytes, 8) == 0 && distance > 0 && distance < UINT32_MAX;
}

void id_put(struct buffer *buffer, crm_id *base, const crm_id *id)
{
    if (id_follows(base, id)) {
        put_varint(buffer, id_distance(base, id));
        return;
    }
    buffer_byte(buffer, 0);
    buffer_append(buffer, id->bytes, sizeof id->bytes);
    if (id_is_nil(base))
        *base = *id;
}

const uint8_t *id_get(const uint8_t *at, const uint8_t *end, crm_id *base, crm_id *id)
{
    uint64_t distance;
    bool first = id_is_nil(base);
    at = varint_get(at, end, &distance);
    if (at == NULL)
        return NULL;
    if (distance == 0) {
        if (end - at < 16)
            return NULL;
        memcpy(id->bytes, at, 16);
        if (first)
            *base = *id;
        return at + 16;
    }
    if (first)
        return NULL;
    memcpy(id->bytes, base->bytes, 8);
    bytes_put_big64(id->bytes + 8, bytes_get_big64(base->bytes + 8) + distance);
    return at;
}

int version_get(const struct version *version, uint32_t field, struct value *value)
{
    for (unsigned i = 0; i < version->count; i++) {
        int got = body_find(version->segments[i].bytes, version->segments[i].length, field, value);
        if (got != 0)
            return got < 0 ? -1 : value->what != VALUE_NULL;
    }
    return version->damaged ? -1 : 0;
}

COLD void version_fields(const struct version *version, struct version_cursor *cursor)
{
    cursor->version = version;
    for (unsigned i = 0; i < version->count; i++) {
        cursor->bodies[i] = body_open(version->segments[i].bytes, version->segments[i].length);
        cursor->ready[i] = body_next(&cursor->bodies[i], &cursor->heads[i]) == 1;
    }
}

/* Merges the segments: the lowest field number next; of equal ones the newest,
 * which comes first. */
COLD int version_next(struct version_cursor *cursor, uint32_t *field, struct value *value)
{
    for (;;) {
        int best = -1;
        for (int i = 0; i < cursor->version->count; i++)
            if (cursor->ready[i] && (best < 0 || cursor->bodies[i].field < cursor->bodies[best].field))
                best = i;
        if (best < 0)
            return 0;
        *field = cursor->bodies[best].field;
        *value = cursor->heads[best];
        for (int i = 0; i < cursor->version->count; i++) {
            if (!cursor->ready[i] || cursor->bodies[i].field != *field)
                continue;
            int got = body_next(&cursor->bodies[i], &cursor->heads[i]);
            if (got < 0)
                return -1;
            cursor->ready[i] = got == 1;
        }
        if (value->what != VALUE_NULL)
            return 1;
    }
}

bool items_next(struct items *items, struct item *item)
{
    uint64_t length;
    if (items->at >= items->end)
        return false;
    const uint8_t *at = varint_get(items->at, items->end, &length);
    if (at == NULL || length > (uint64_t)(items->end - at))
        return false;
    *item = (struct item){at, at + length};
    items->at = at + length;
    return true;
}

bool items_at(const struct value *value, uint32_t position, struct item *item)
{
    struct items items = items_open(value);
    while (items_next(&items, item))
        if (position-- == 0)
            return true;
    return false;
}

uint32_t items_count(const struct value *value)
{
    struct items items = items_open(value);
    struct item item;
    uint32_t count = 0;
    while (items_next(&items, &item))
        count++;
    return count;
}

bool part_next(struct item *item, struct part *part)
{
    uint64_t a, b;
    struct value text;
    if (item->at >= item->end)
        return false;
    memset(part, 0, sizeof *part);
    part->text = "";
    part->what = *item->at++;
    if (part_is_int(part->what)) {
        item->at = varint_get(item->at, item->end, &a);
        if (item->at == NULL)
            goto damaged;
        part->integer = (int64_t)a;
        return true;
    }
    if (part->what == CRM_PART_REF) {
        const uint8_t *at = varint_get(item->at, item->end, &a);
        at = at == NULL ? NULL : varint_get(at, item->end, &b);
        if (at == NULL || a > UINT16_MAX || b > UINT32_MAX)
            goto damaged;
        part->kind = (uint32_t)a;
        part->number = (uint32_t)b;
        item->at = at;
        return true;
    }
    if (!get_bytes(&item->at, item->end, 1, &text))
        goto damaged;
    part->text = (const char *)text.bytes;
    part->length = text.length;
    return true;
damaged:
    item->at = item->end;
    return false;
}

bool part_find(const struct item *item, int32_t what, struct part *part)
{
    struct item rest = *item;
    while (part_next(&rest, part))
        if (part->what == what)
            return true;
    return false;
}

void part_put(struct buffer *buffer, const struct part *part)
{
    buffer_byte(buffer, (uint8_t)part->what);
    if (part_is_int(part->what)) {
        put_varint(buffer, (uint64_t)part->integer);
    } else if (part->what == CRM_PART_REF) {
        put_varint(buffer, part->kind);
        put_varint(buffer, part->number);
    } else {
        put_varint(buffer, part->length);
        buffer_append(buffer, part->text, part->length);
        buffer_byte(buffer, 0);
    }
}

void item_put(struct buffer *buffer, const uint8_t *parts, size_t length)
{
    put_varint(buffer, length);
    buffer_append(buffer, parts, length);
}

bool value_equal(const struct value *a, const struct value *b)
{
    bool none_a = a->what <= VALUE_NULL, none_b = b->what <= VALUE_NULL;
    if (none_a || none_b)
        return none_a == none_b;
    if (a->what != b->what)
        return false;
    switch (a->what) {
    case VALUE_INT: return a->integer == b->integer;
    case VALUE_REAL: return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    case VALUE_DEFLATED:
        if (a->integer != b->integer)
            return false;
        /* fall through */
    default: return a->length == b->length && (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
    }
}

/* ---- deflated texts and packs ---- */

static void *zlib_alloc(void *memory, unsigned count, unsigned size)
{
    return memory_alloc(memory, (size_t)count * size);
}

static void zlib_free(void *memory, void *block)
{
    memory_free(memory, block);
}

COLD static void zlib_start(z_stream *stream, const struct memory *memory, const void *bytes, size_t length)
{
    memset(stream, 0, sizeof *stream);
    stream->zalloc = zlib_alloc;
    stream->zfree = zlib_free;
    stream->opaque = (void *)(uintptr_t)memory;
    stream->next_in = (Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)length;
}

COLD bool deflate_append(struct buffer *out, const void *bytes, size_t length)
{
    uLong most = compressBound((uLong)length);
    z_stream stream;
    if (!buffer_reserve(out, most))
        return false;
    zlib_start(&stream, out->memory, bytes, length);
    stream.next_out = out->data + out->length;
    stream.avail_out = (uInt)most;
    out->failed = deflateInit(&stream, 6) != Z_OK || deflate(&stream, Z_FINISH) != Z_STREAM_END;
    (void)deflateEnd(&stream);
    out->length += out->failed ? 0 : stream.total_out;
    return !out->failed;
}

COLD bool value_deflate(struct buffer *out, const void *text, size_t length)
{
    size_t start = out->length;
    bool worth = deflate_append(out, text, length) && out->length - start + 16 < length;
    if (!worth)
        out->length = start;
    return worth;
}

COLD int32_t value_inflate(const struct memory *memory, const struct value *value, uint8_t *out)
{
    z_stream stream;
    zlib_start(&stream, memory, value->bytes, value->length);
    stream.next_out = out;
    stream.avail_out = (uInt)value->integer;
    int got = inflateInit(&stream);
    if (got == Z_OK)
        got = inflate(&stream, Z_FINISH);
    (void)inflateEnd(&stream);
    if (got != Z_STREAM_END || stream.avail_out != 0)
        return got == Z_MEM_ERROR ? CRM_NOMEM : CRM_CORRUPT;
    out[value->integer] = 0;
    return CRM_OK;
}
