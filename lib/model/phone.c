/* phone: digits out of any formatting, and keys ordered by the last digits.
 *
 * A key holds the digits from the last to the first, four bits each, from the
 * top bits down.  All numbers that end in given digits therefore are one range
 * of keys, which an ordered index answers without looking at another number.
 * Letters are refused unless they label a number or an extension: "1-800-ACME"
 * read as digits 1800 would match the wrong customer.  Relies on model/text.h.
 */
#include "model/phone.h"

#include "model/text.h"

#include <string.h>

/* With an international prefix 00 in front. */
enum { RAW_MAX = PHONE_DIGITS_MAX + 2 };

struct scan {
    const uint8_t *at, *end;
    bool plus;
    uint8_t count;
    char digits[RAW_MAX];
};

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Whether a word stands here, and its length. */
static bool word_is_one_of(const struct scan *scan, const char *const words[], size_t *length)
{
    char word[12] = "";
    size_t n = 0;

    for (; scan->at + n < scan->end && is_letter(scan->at[n]); n++)
        if (n < sizeof word - 1)
            word[n] = (char)(scan->at[n] | 0x20);
    *length = n;
    for (size_t i = 0; words[i]; i++)
        if (strlen(words[i]) == n && memcmp(words[i], word, n) == 0)
            return true;
    return false;
}

static const char *const labels[] = {"tel",   "telefon", "telephone", "phone",  "fax",    "telefax", "mobile", "mobil",
                                     "handy", "cell",    "sms",       "callto", "office", "home",    NULL};
static const char *const extensions[] = {"x", "ext", "extn", "extension", "dw", "durchwahl", "poste", NULL};

/* Characters that people put between digits, and the invisible ones that come
 * along when a number is copied from an address book. */
static bool is_separator(uint32_t code)
{
    if (code < 0x80)
        return code != 0 && strchr(" \t\r\n-./()[]~", (int)code) != NULL;
    return code == 0xA0 || code == 0xAD || code == 0xB7 || (code >= 0x2000 && code <= 0x2015) ||
           (code >= 0x2028 && code <= 0x202F) || (code >= 0x205F && code <= 0x2069) || code == 0x2212 ||
           code == 0x3000 || code == 0x30FC || code == 0xFEFF || code == 0xFF08 || code == 0xFF09 || code == 0xFF0D ||
           code == 0xFF0E || code == 0xFF0F;
}

/* "(0)" behind a country code is what callers at home dial: not a part of the
 * number.  Returns its size, 0 when it does not stand here. */
static size_t trunk_zero(const struct scan *scan)
{
    static const uint32_t forms[2][3] = {{'(', '0', ')'}, {0xFF08, 0xFF10, 0xFF09}};
    bool international = scan->plus || (scan->count >= 2 && scan->digits[0] == '0' && scan->digits[1] == '0');

    for (int form = 0; international && scan->count > 0 && form < 2; form++) {
        const uint8_t *at = scan->at;
        int i = 0;
        for (; i < 3; i++) {
            uint32_t code;
            size_t size = text_next(at, scan->end, &code);
            if (size == 0 || code != forms[form][i])
                break;
            at += size;
        }
        if (i == 3)
            return (size_t)(at - scan->at);
    }
    return 0;
}

/* Digits and what mostly lies between them; a bracket may be a trunk zero's. */
static inline bool is_plain(uint8_t byte)
{
    return byte == ' ' || byte == '-' || byte == '/' || byte == '.';
}

/* Reads on to the end or an extension; false on what cannot be a number. */
static bool scan_digits(struct scan *scan)
{
    while (scan->at < scan->end) {
        uint32_t code;
        uint8_t byte = *scan->at;
        if (byte >= '0' && byte <= '9' && scan->count < RAW_MAX) {
            scan->digits[scan->count++] = (char)byte;
            scan->at++;
            continue;
        }
        if (is_plain(byte)) {
            scan->at++;
            continue;
        }
        size_t size = text_next(scan->at, scan->end, &code);
        size_t skipped = trunk_zero(scan);
        int digit = text_digit(code);
        if (size == 0)
            return false;
        if (skipped > 0) {
            size = skipped;
        } else if (digit >= 0) {
            if (scan->count == RAW_MAX)
                return false;
            scan->digits[scan->count++] = (char)('0' + digit);
        } else if (code == '+' || code == 0xFF0B) {
            if (scan->plus || scan->count > 0)
                return false;
            scan->plus = true;
        } else if (scan->count > 0 && (code == ';' || code == ',' || code == '#' || code == 0xFF03)) {
            return true; /* parameters of a tel: URI, a dialled pause, an extension */
        } else if (scan->count > 0 && code < 0x80 && is_letter((uint8_t)code)) {
            return word_is_one_of(scan, extensions, &size) || word_is_one_of(scan, labels, &size);
        } else if (!is_separator(code)) {
            return false;
        }
        scan->at += size;
    }
    return true;
}

bool phone_digits(const void *bytes, size_t length, struct phone *out)
{
    const char *text = bytes;
    size_t size;

    memset(out, 0, sizeof *out);
    if (length > 0 && (text[0] != '+' || text[length - 1] < '0' || text[length - 1] > '9'))
        text_trim(&text, &length);
    if (length == 0)
        return false;
    struct scan scan;
    scan.at = (const uint8_t *)text;
    scan.end = (const uint8_t *)text + length;
    scan.plus = false;
    scan.count = 0;
    if (is_letter(*scan.at) && word_is_one_of(&scan, labels, &size)) {
        scan.at += size;
        if (scan.at < scan.end && *scan.at == '.')
            scan.at++;
        if (scan.at < scan.end && *scan.at == ':')
            scan.at++;
    }
    if (!scan_digits(&scan))
        return false;
    const char *digits = scan.digits;
    if (scan.count >= 2 && digits[0] == '0' && digits[1] == '0') {
        scan.plus = true;
        digits += 2;
        scan.count = (uint8_t)(scan.count - 2);
    }
    if (scan.count == 0 || scan.count > PHONE_DIGITS_MAX)
        return false;
    memcpy(out->digits, digits, scan.count);
    out->count = scan.count;
    out->international = scan.plus;
    return true;
}

const char *phone_significant(const struct phone *phone, uint8_t *count)
{
    uint8_t zeros = 0;

    while (zeros < phone->count && phone->digits[zeros] == '0')
        zeros++;
    *count = (uint8_t)(phone->count - zeros);
    return phone->digits + zeros;
}

/* Packs digits from the last to the first. */
static uint64_t pack(const char *digits, size_t n)
{
    uint64_t key = 0;

    for (size_t i = 0; i < n; i++)
        key |= (uint64_t)(digits[n - 1 - i] - '0' + 1) << (60 - 4 * i);
    return key;
}

uint64_t phone_key(const struct phone *phone)
{
    uint8_t count;
    const char *digits = phone_significant(phone, &count);

    return pack(digits, count);
}

uint64_t phone_key_last(const struct phone *phone, uint8_t n)
{
    uint8_t count;
    const char *digits = phone_significant(phone, &count);

    return n <= count ? pack(digits + (count - n), n) : 0;
}

bool phone_range(const char *digits, size_t n, uint64_t *low, uint64_t *high)
{
    if (n == 0 || n > PHONE_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (digits[i] < '0' || digits[i] > '9')
            return false;
    *low = pack(digits, n);
    *high = *low | ((UINT64_C(1) << (64 - 4 * n)) - 1);
    return true;
}

bool phone_matches(const struct phone *a, const struct phone *b)
{
    uint8_t a_count, b_count;
    const char *a_digits = phone_significant(a, &a_count);
    const char *b_digits = phone_significant(b, &b_count);
    uint8_t shorter = a_count < b_count ? a_count : b_count;

    if (shorter == 0 || (a_count != b_count && shorter < PHONE_MATCH_MIN))
        return false;
    return memcmp(a_digits + (a_count - shorter), b_digits + (b_count - shorter), shorter) == 0;
}
