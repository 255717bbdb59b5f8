/* uuid: text form and version 7 of RFC 9562.
 *
 * Version 7 puts the time in front, so that records made together lie together
 * in the log and share their leading bytes.  Within a batch identifiers count
 * up, which keeps their order and lets the log write them as differences.
 */
#include "model/uuid.h"

#include "sys/bytes.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool has_urn(const char *text, size_t length)
{
    static const char urn[] = "urn:uuid:";

    if (length < sizeof urn - 1)
        return false;
    for (size_t i = 0; i < sizeof urn - 1; i++)
        if ((text[i] | 0x20) != (urn[i] | 0x20))
            return false;
    return true;
}

bool uuid_parse(const char *text, size_t length, crm_id *out)
{
    crm_id id;

    for (; length > 0 && is_blank(text[0]); length--)
        text++;
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    if (has_urn(text, length)) {
        text += 9;
        length -= 9;
    } else if (length >= 2 && text[0] == '{' && text[length - 1] == '}') {
        text++;
        length -= 2;
    }
    if (length != 36 && length != 32)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (length == 36 && (i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-')
            return false;
        int high = hex_value(text[at]);
        int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0)
            return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *out = id;
    return true;
}

void uuid_format(const crm_id *id, char out[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[id->bytes[i] >> 4];
        out[at++] = digits[id->bytes[i] & 0xF];
    }
    out[at] = 0;
}

crm_id uuid_v7(int64_t time_ms, const uint8_t random[UUID_RANDOM_SIZE])
{
    const int64_t last = (INT64_C(1) << 48) - 1;
    crm_id id;

    time_ms = time_ms < 0 ? 0 : time_ms > last ? last : time_ms;
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)((uint64_t)time_ms >> (40 - 8 * i));
    memcpy(id.bytes + 6, random, UUID_RANDOM_SIZE);
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0F));
    /* The variant, and the counter's top bit 0, so that every batch has room
     * for 2^61 identifiers (the guard bit of RFC 9562 6.2). */
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x1F));
    return id;
}

bool uuid_next(crm_id *id)
{
    const uint64_t counter_max = (UINT64_C(1) << 62) - 1;
    uint64_t low = bytes_get_big64(id->bytes + 8);

    if ((low & counter_max) == counter_max)
        return false;
    bytes_put_big64(id->bytes + 8, low + 1);
    return true;
}

int uuid_version(const crm_id *id)
{
    return (id->bytes[8] & 0xC0) == 0x80 ? id->bytes[6] >> 4 : 0;
}

int64_t uuid_time_ms(const crm_id *id)
{
    int64_t time_ms = 0;

    if (uuid_version(id) != 7)
        return -1;
    for (int i = 0; i < 6; i++)
        time_ms = time_ms << 8 | id->bytes[i];
    return time_ms;
}

int uuid_compare(const crm_id *a, const crm_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool uuid_is_nil(const crm_id *id)
{
    static const crm_id nil;

    return uuid_compare(id, &nil) == 0;
}
