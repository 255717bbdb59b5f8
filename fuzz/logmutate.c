/* logmutate.c: see logmutate.h.  Only libFuzzer's programs use it. */
#include "logmutate.h"

#include "../stress/stress.h"
#include "sys/bytes.h"
#include "sys/varint.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MOST = 2048 };
enum { WIRE_INT = 0, WIRE_BYTES = 1, WIRE_NULL = 2, WIRE_REAL = 3, WIRE_DEFLATED = 4, WIRE_SECONDS = 5, WIRE_DAYS = 6 };

static uint64_t any_number(uint64_t old, uint64_t *state)
{
    static const uint64_t awkward[] = {0,
                                       1,
                                       2,
                                       127,
                                       128,
                                       255,
                                       65535,
                                       UINT32_MAX,
                                       UINT64_C(1) << 32,
                                       UINT64_C(1) << 62,
                                       INT64_MAX,
                                       UINT64_MAX,
                                       UINT64_MAX - 1};
    switch (stress_below(state, 4)) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return stress_below(state, 20);
    default: return awkward[stress_below(state, sizeof awkward / sizeof *awkward)];
    }
}

static void mutate_bytes(struct dump *text, uint64_t *state)
{
    static uint8_t room[BODY_MOST];
    size_t length = text->length < sizeof room ? text->length : sizeof room;
    if (length > 0)
        memcpy(room, text->bytes, length);
    (void)state;
    length = LLVMFuzzerMutate(room, length, sizeof room);
    text->length = 0;
    dump_put(text, room, length);
}

/* ---- a body's fields ---- */

struct body_field {
    size_t at, value, end; /* its tag, its value, what follows */
    uint64_t tag;
};

/* The next field from `at` on; false at the end or where there is none. */
static bool next_field(const struct dump *body, size_t at, struct body_field *field)
{
    const uint8_t *bytes = (const uint8_t *)body->bytes, *end = bytes + body->length, *here;
    uint64_t length = 0, raw = 0;
    if (at >= body->length || (here = varint_get(bytes + at, end, &field->tag)) == NULL)
        return false;
    field->at = at;
    field->value = (size_t)(here - bytes);
    switch (field->tag & 7) {
    case WIRE_NULL: break;
    case WIRE_REAL: here += 8; break;
    case WIRE_BYTES:
        if ((here = varint_get(here, end, &length)) == NULL || length >= (size_t)(end - here))
            return false;
        here += length + 1;
        break;
    case WIRE_DEFLATED:
        if ((here = varint_get(here, end, &raw)) == NULL || (here = varint_get(here, end, &length)) == NULL ||
            length > (size_t)(end - here))
            return false;
        here += length;
        break;
    default:
        if ((here = varint_get(here, end, &raw)) == NULL)
            return false;
    }
    if (here > end)
        return false;
    field->end = (size_t)(here - bytes);
    return true;
}

static size_t fields_start(const struct log_entry *entry)
{
    const char *bytes = entry->body.bytes;
    if ((entry->operation & 0x0f) != 1 || entry->body.length == 0)
        return 0;
    return bytes[0] == 0 ? 17 : 1;
}

static void put_var(struct dump *out, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    dump_put(out, bytes, varint_put(bytes, value));
}

static void put_changed(struct dump *out, const struct dump *body, const struct body_field *field, uint64_t *state)
{
    const uint8_t *bytes = (const uint8_t *)body->bytes;
    uint64_t number = 0;
    struct dump text = {0};
    switch (stress_below(state, 6)) {
    case 0: /* another field or wire */
        put_var(out, any_number(field->tag, state));
        dump_put(out, bytes + field->value, field->end - field->value);
        return;
    case 1: /* twice */ dump_put(out, bytes + field->at, field->end - field->at); break;
    case 2: /* not there */ return;
    default: break;
    }
    put_var(out, field->tag);
    switch (field->tag & 7) {
    case WIRE_BYTES: {
        const uint8_t *at = varint_get(bytes + field->value, bytes + field->end, &number);
        dump_put(&text, at, (size_t)number);
        mutate_bytes(&text, state);
        put_var(out, text.length);
        dump_put(out, text.bytes, text.length);
        dump_put(out, "", 1);
        free(text.bytes);
        break;
    }
    case WIRE_INT:
    case WIRE_SECONDS:
    case WIRE_DAYS:
        (void)varint_get(bytes + field->value, bytes + field->end, &number);
        put_var(out, any_number(number, state));
        break;
    default:
        dump_put(&text, bytes + field->value, field->end - field->value);
        if ((field->tag & 7) == WIRE_DEFLATED)
            mutate_bytes(&text, state);
        dump_put(out, text.bytes, text.length);
        free(text.bytes);
        break;
    }
}

static void mutate_field(struct log_entry *entry, uint64_t *state)
{
    struct body_field field;
    size_t count = 0, at = fields_start(entry);
    while (next_field(&entry->body, at, &field)) {
        count++;
        at = field.end;
    }
    if (count == 0) {
        mutate_bytes(&entry->body, state);
        return;
    }
    size_t which = stress_below(state, (uint32_t)count);
    at = fields_start(entry);
    while (next_field(&entry->body, at, &field) && which-- > 0)
        at = field.end;
    struct dump body = {0};
    dump_put(&body, entry->body.bytes, field.at);
    put_changed(&body, &entry->body, &field, state);
    dump_put(&body, entry->body.bytes + field.end, entry->body.length - field.end);
    free(entry->body.bytes);
    entry->body = body;
}

/* ---- entries ---- */

static void mutate_entry(struct log_entry *entry, uint64_t *state)
{
    switch (stress_below(state, 10)) {
    case 0: entry->operation = (uint8_t)((entry->operation & 0xf0) | stress_below(state, 9)); break;
    case 1: entry->operation ^= (uint8_t)(0x10 << stress_below(state, 4)); break;
    case 2:
        entry->kind = stress_below(state, 3) == 0 ? 255 + stress_below(state, 4) : 1 + stress_below(state, 15);
        break;
    case 3: entry->number = any_number(entry->number, state); break;
    case 4: entry->version = any_number(entry->version, state); break;
    case 5:
        entry->leads = stress_below(state, 2) == 0;
        entry->back = any_number(entry->back, state);
        break;
    case 6: entry->lsn = any_number(entry->lsn, state); break;
    case 7: mutate_bytes(&entry->body, state); break;
    default: mutate_field(entry, state); break;
    }
}

static void mutate_list(struct log_list *list, uint64_t *state)
{
    if (list->count == 0) {
        if (stress_below(state, 4) == 0)
            mutate_bytes(&list->rest, state);
        return;
    }
    size_t at = stress_below(state, (uint32_t)list->count);
    struct log_entry *entry = &list->entries[at];
    if (entry->packed != NULL && stress_below(state, 4) != 0) {
        mutate_list(entry->packed, state);
        return;
    }
    switch (stress_below(state, 8)) {
    case 0: logfile_remove_entry(list, at); break;
    case 1: {
        struct log_entry copy = *entry;
        logfile_insert_entry(list, stress_below(state, (uint32_t)list->count + 1), &copy);
        break;
    }
    case 2: {
        size_t other = stress_below(state, (uint32_t)list->count);
        struct log_entry swap = list->entries[other];
        list->entries[other] = *entry;
        list->entries[at] = swap;
        break;
    }
    default: mutate_entry(entry, state); break;
    }
}

/* ---- frames and the header ---- */

static void mutate_frame(struct log_frame_parts *frame, uint64_t *state)
{
    switch (stress_below(state, 7)) {
    case 0: frame->lsn = any_number(frame->lsn, state); break;
    case 1: frame->time = (int64_t)any_number((uint64_t)frame->time, state); break;
    case 2: frame->durable = any_number(frame->durable, state); break;
    case 3:
        frame->entry_count = (uint32_t)any_number(frame->entry_count, state);
        frame->counted = false;
        break;
    case 4: frame->flags = (uint32_t)any_number(frame->flags, state); break;
    default: mutate_bytes(&frame->meta, state); break;
    }
}

static void mutate_header(struct log_parts *parts, uint64_t *state)
{
    static const size_t places[] = {8, 12, 16, 24, 32, 40, 48, 56, 64};
    size_t at = places[stress_below(state, sizeof places / sizeof *places)];
    bytes_put_u64(parts->header + at, any_number(bytes_get_u64(parts->header + at), state));
}

void logmutate(struct log_parts *parts, uint64_t *state)
{
    uint32_t what = stress_below(state, 20);
    if (what == 0)
        mutate_header(parts, state);
    else if (what == 1)
        mutate_bytes(&parts->rest, state);
    if (what < 2 || parts->count == 0)
        return;
    size_t at = stress_below(state, (uint32_t)parts->count);
    struct log_frame_parts *frame = &parts->frames[at];
    if (what == 2) {
        logfile_remove_frame(parts, at);
    } else if (what == 3 && parts->count < 64) {
        struct log_frame_parts copy = *frame;
        logfile_insert_frame(parts, stress_below(state, (uint32_t)parts->count + 1), &copy);
    } else if (what == 4) {
        size_t other = stress_below(state, (uint32_t)parts->count);
        struct log_frame_parts swap = parts->frames[other];
        parts->frames[other] = *frame;
        parts->frames[at] = swap;
    } else if (what == 5) { /* an entry goes elsewhere */
        struct log_list *other = &parts->frames[stress_below(state, (uint32_t)parts->count)].list;
        if (frame->list.count > 0) {
            struct log_entry copy = frame->list.entries[stress_below(state, (uint32_t)frame->list.count)];
            logfile_insert_entry(other, stress_below(state, (uint32_t)other->count + 1), &copy);
        }
    } else if (what < 8) {
        mutate_frame(frame, state);
    } else {
        mutate_list(&frame->list, state);
    }
}
