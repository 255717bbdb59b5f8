/* email: one form for addresses and host names.
 *
 * Pragmatic rather than RFC 5322: quoted local parts, comments and address
 * literals are legal, nobody has one, and a mistyped address looks like one.
 * Lower case also in the local part, which the RFC lets a server tell apart and
 * none does.  No rule of a single provider is applied (dots, "+tag").  Relies
 * on model/text.h for lower case, so that international names compare equal in
 * their Unicode form; Punycode stays as it is written.
 */
#include "model/email.h"

#include "model/text.h"
#include "sys/cold.h"

#include <string.h>

/* A character that neither part of an address has: ASCII ones that mail
 * programs give a meaning, blanks and what is invisible. */
static bool is_forbidden(uint32_t code)
{
    /* Blanks and controls, and ( ) < > [ ] : ; , \ " @: a bit a character, because every look-up by e-mail asks. */
    static const uint64_t ascii[2] = {UINT64_C(0x5c001305ffffffff), UINT64_C(0x8000000038000001)};

    if (code < 0x80)
        return (ascii[code >> 6] >> (code & 63) & 1) != 0;
    return code <= 0xA0 || code == 0xAD || code == 0x1680 || (code >= 0x2000 && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202F) || (code >= 0x205F && code <= 0x206F) || code == 0x3000 ||
           code == 0xFEFF || (code >= 0xFFF0 && code <= 0xFFFF);
}

static bool characters_are_valid(const char *bytes, size_t length)
{
    const uint8_t *at = (const uint8_t *)bytes;
    const uint8_t *end = at + length;

    while (at < end) {
        uint32_t code;
        if (*at < 0x80 && !is_forbidden(*at)) {
            at++;
            continue;
        }
        size_t size = text_next(at, end, &code);
        if (size == 0 || is_forbidden(code))
            return false;
        at += size;
    }
    return true;
}

COLD static bool label_is_valid(const char *label, size_t length)
{
    if (length == 0 || length > 63 || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)label[i];
        bool fine = byte >= 0x80 || byte == '-' || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!fine)
            return false;
    }
    return true;
}

/* Dotted labels, the last not a number (or it would be an IP address). */
COLD static bool domain_is_valid(const char *bytes, size_t length)
{
    size_t start = 0;
    size_t labels = 0;

    if (length == 9 && memcmp(bytes, "localhost", 9) == 0)
        return true;
    if (length == 0 || length > DOMAIN_MAX || !characters_are_valid(bytes, length))
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && bytes[i] != '.')
            continue;
        if (!label_is_valid(bytes + start, i - start))
            return false;
        labels++;
        if (i < length)
            start = i + 1;
    }
    size_t digits = 0;
    for (size_t i = start; i < length; i++)
        digits += bytes[i] >= '0' && bytes[i] <= '9';
    return labels > 1 && digits < length - start;
}

COLD const char *email_domain(const char *bytes, size_t length, size_t *domain_length)
{
    const char *at = length > 0 ? memchr(bytes, '@', length) : NULL;

    *domain_length = at ? length - (size_t)(at + 1 - bytes) : 0;
    return at ? at + 1 : NULL;
}

bool email_valid(const char *bytes, size_t length)
{
    size_t domain_length;
    const char *domain = email_domain(bytes, length, &domain_length);

    if (domain == NULL || length > EMAIL_MAX)
        return false;
    size_t local_length = (size_t)(domain - bytes) - 1;
    return local_length > 0 && local_length <= EMAIL_LOCAL_MAX && characters_are_valid(bytes, local_length) &&
           domain_is_valid(domain, domain_length);
}

/* Whether the text begins with a word in ASCII, in any case. */
COLD static bool has_prefix(const char *text, size_t length, const char *prefix)
{
    size_t n = strlen(prefix);

    if (length < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
        if (c != prefix[i])
            return false;
    }
    return true;
}

static void skip(const char **text, size_t *length, size_t n)
{
    *text += n;
    *length -= n;
}

COLD static void cut_at(const char *text, size_t *length, char mark)
{
    const char *found = *length > 0 ? memchr(text, mark, *length) : NULL;

    if (found)
        *length = (size_t)(found - text);
}

/* Leaves what stands in the angle brackets of `Name <address>`. */
COLD static void open_brackets(const char **text, size_t *length)
{
    if (*length == 0 || (*text)[*length - 1] != '>')
        return;
    const char *open = memrchr(*text, '<', *length);
    if (open == NULL)
        return;
    skip(text, length, (size_t)(open + 1 - *text));
    (*length)--;
    text_trim(text, length);
}

/* Lower-case letters, digits and "-"; in a local part also . _ and +: a bit a character. */
enum { NEXT_WORD = 64 };
static const uint64_t label_ascii[2] = {UINT64_C(0x03ff200000000000), UINT64_C(0x07fffffe00000000)};
static const uint64_t local_ascii[2] = {UINT64_C(0x03ff680000000000), UINT64_C(0x07fffffe80000000)};

/* The first byte from `at` on that is not of the set. */
static inline const uint8_t *behind(const uint8_t *at, const uint8_t *end, const uint64_t ascii[2])
{
    while (at < end && *at < 2 * NEXT_WORD && (ascii[*at / NEXT_WORD] >> (*at % NEXT_WORD) & 1))
        at++;
    return at;
}

/* Whether an address is valid as it stands and normalised, as nearly all are
 * that are looked for.  False says nothing. */
static bool is_plain_address(const uint8_t *at, size_t length)
{
    const uint8_t *end = at + length, *label = at;

    if (length == 0 || length > EMAIL_MAX)
        return false;
    at = behind(at, end, local_ascii);
    if (at == label || at - label > EMAIL_LOCAL_MAX || at == end || *at != '@')
        return false;
    for (bool dotted = false;; dotted = true) {
        label = at + 1;
        at = behind(label, end, label_ascii);
        if (at == label || at - label > 63 || *label == '-' || at[-1] == '-')
            return false;
        if (at == end)
            return dotted && *label >= 'a'; /* the last is not a number */
        if (*at != '.')
            return false;
    }
}

bool email_normalise(struct buffer *out, const void *bytes, size_t length)
{
    const char *text = bytes;
    size_t start = out->length;

    if (is_plain_address(bytes, length)) {
        buffer_append(out, bytes, length);
        return !out->failed;
    }
    text_trim(&text, &length);
    open_brackets(&text, &length);
    if (has_prefix(text, length, "mailto:")) {
        skip(&text, &length, 7);
        cut_at(text, &length, '?'); /* ?subject=… */
    }
    text_trim(&text, &length);
    bool valid = length > 0 && text_lower(out, text, length) &&
                 email_valid((const char *)out->data + start, out->length - start);
    if (!valid)
        out->length = start;
    return valid;
}

/* Leaves the host out of what follows a URL's scheme. */
COLD static void cut_to_host(const char **text, size_t *length)
{
    cut_at(*text, length, '/');
    cut_at(*text, length, '?');
    cut_at(*text, length, '#');
    const char *user = *length > 0 ? memrchr(*text, '@', *length) : NULL;
    if (user)
        skip(text, length, (size_t)(user + 1 - *text));
    cut_at(*text, length, ':');
    if (*length > 0 && (*text)[*length - 1] == '.')
        (*length)--;
}

COLD bool domain_normalise(struct buffer *out, const void *bytes, size_t length)
{
    const char *text = bytes;
    size_t start = out->length;

    text_trim(&text, &length);
    open_brackets(&text, &length);
    if (has_prefix(text, length, "mailto:"))
        skip(&text, &length, 7);
    const char *scheme = length > 0 ? memmem(text, length, "//", 2) : NULL;
    if (scheme && (scheme == text || scheme[-1] == ':'))
        skip(&text, &length, (size_t)(scheme + 2 - text));
    cut_to_host(&text, &length);
    if (length == 0 || !text_lower(out, text, length)) {
        out->length = start;
        return false;
    }
    char *host = (char *)out->data + start;
    size_t host_length = out->length - start;
    if (has_prefix(host, host_length, "www.") && domain_is_valid(host + 4, host_length - 4)) {
        memmove(host, host + 4, host_length - 4);
        host_length -= 4;
    }
    bool valid = domain_is_valid(host, host_length);
    out->length = valid ? start + host_length : start;
    return valid;
}
