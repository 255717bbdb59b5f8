/* fuzz_text: any bytes as text.  UTF-8 is judged as table 3-7 of the Unicode
 * standard lists it; search keys, lower case, trimming, cutting and what is
 * printed are bounded, well-formed and settled (a second time changes nothing).
 */
#include "fuzz.h"
#include "model/text.h"

#include <string.h>

/* Table 3-7, row by row: the size of the character at `at`, 0 when it is none. */
static size_t table_3_7(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first, last, second_low, second_high, size;
    } rows[] = {{0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
                {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (at[0] < rows[i].first || at[0] > rows[i].last)
            continue;
        if (rows[i].size > left || (rows[i].size > 1 && (at[1] < rows[i].second_low || at[1] > rows[i].second_high)))
            return 0;
        for (size_t j = 2; j < rows[i].size; j++)
            if (at[j] < 0x80 || at[j] > 0xBF)
                return 0;
        return rows[i].size;
    }
    return 0;
}

static void check_decoding(const uint8_t *bytes, size_t length)
{
    size_t good = 0, size = 1;
    while (good < length && (size = table_3_7(bytes + good, length - good)) != 0) {
        uint8_t back[4];
        uint32_t code = UINT32_MAX;
        MUST(text_next(bytes + good, bytes + length, &code) == size);
        MUST(text_put(back, code) == size && memcmp(back, bytes + good, size) == 0);
        good += size;
    }
    MUST(text_valid_prefix(bytes, length) == good);
    MUST(text_valid(bytes, length) == (good == length));
}

/* Where the last character of a text that is UTF-8 begins. */
static size_t last_character(const uint8_t *bytes, size_t length)
{
    size_t at = length - 1;
    while (at > 0 && (bytes[at] & 0xC0) == 0x80)
        at--;
    return at;
}

static bool fold(struct buffer *out, const uint8_t *bytes, size_t length, bool german, bool *differs)
{
    out->length = 0;
    *differs = true;
    bool folded = german ? text_fold_german(out, bytes, length, differs) : text_fold(out, bytes, length);
    MUST(!out->failed && (folded || out->length == 0));
    return folded;
}

static bool is_mark(uint32_t code)
{
    uint8_t encoded[4];
    /* What has no width may join or be reordered with what stands before it. */
    return text_width(encoded, text_put(encoded, code)) == 0;
}

/* Marks side by side are put in order, in runs of a limited length: where a run
 * begins depends on what stood between them. */
static bool has_marks_in_a_row(const struct buffer *key)
{
    const uint8_t *at = key->data, *end = at + key->length;
    for (bool before = false; at < end;) {
        uint32_t code = 0;
        at += text_next(at, end, &code);
        if (before && is_mark(code))
            return true;
        before = is_mark(code);
    }
    return false;
}

static void check_key(const uint8_t *bytes, size_t length, bool german)
{
    struct buffer key, again;
    bool differs;
    buffer_init(&key, memory_default());
    buffer_init(&again, memory_default());
    bool folded = fold(&key, bytes, length, german, &differs);
    MUST(folded == text_valid(bytes, length));
    MUST(differs || key.length == 0);
    if (folded && key.length > 0) {
        MUST(key.length <= length * TEXT_FOLD_GROWTH && text_valid(key.data, key.length));
        MUST(key.data[0] != ' ' && key.data[key.length - 1] != ' ');
        MUST(memmem(key.data, key.length, "  ", 2) == NULL);
        for (size_t i = 0; i < key.length; i++)
            MUST(key.data[i] >= 0x20 && key.data[i] != 0x7F && (key.data[i] < 'A' || key.data[i] > 'Z'));
        /* A key is its own key: what was found once is found again by its key. */
        MUST(fold(&again, key.data, key.length, false, &differs));
        MUST(has_marks_in_a_row(&key) || (again.length == key.length && memcmp(again.data, key.data, key.length) == 0));
    }
    buffer_free(&again);
    buffer_free(&key);
}

/* The beginning of a name has the beginning of its key, cut before any letter. */
static void check_prefixes(const uint8_t *bytes, size_t length)
{
    struct buffer key, part;
    bool differs;
    buffer_init(&key, memory_default());
    buffer_init(&part, memory_default());
    if (length <= 120 && fold(&key, bytes, length, false, &differs)) {
        for (size_t at = 0; at < length;) {
            uint32_t code = 0;
            size_t size = text_next(bytes + at, bytes + length, &code);
            if (!is_mark(code)) {
                MUST(fold(&part, bytes, at, false, &differs));
                MUST(part.length <= key.length && (part.length == 0 || memcmp(part.data, key.data, part.length) == 0));
            }
            at += size;
        }
    }
    buffer_free(&part);
    buffer_free(&key);
}

static void check_lower(const uint8_t *bytes, size_t length)
{
    struct buffer out, again;
    buffer_init(&out, memory_default());
    buffer_init(&again, memory_default());
    bool lowered = text_lower(&out, bytes, length);
    MUST(lowered == (length <= TEXT_LOWER_MAX && text_valid(bytes, length)));
    MUST(lowered || out.length == 0);
    MUST(text_valid(out.data, out.length));
    if (lowered && out.length <= TEXT_LOWER_MAX) {
        MUST(text_lower(&again, out.data, out.length));
        MUST(again.length == out.length && (out.length == 0 || memcmp(again.data, out.data, out.length) == 0));
    }
    buffer_free(&again);
    buffer_free(&out);
}

static void check_width(const uint8_t *bytes, size_t length)
{
    size_t width = text_width(bytes, length), before = 0;
    MUST(width <= 2 * length);
    MUST(crm_text_width((const char *)bytes, length) == width);
    MUST(text_cut(bytes, length, width) == length);
    for (size_t columns = 0; columns < width && columns < 100; columns++) {
        size_t cut = text_cut(bytes, length, columns);
        MUST(cut >= before && cut <= length && text_width(bytes, cut) <= columns);
        /* The longest that fits: one character more does not. */
        uint32_t code;
        size_t next = text_next(bytes + cut, bytes + length, &code);
        MUST(cut < length && text_width(bytes, cut + (next == 0 ? 1 : next)) > columns);
        before = cut;
    }
}

static void check_printable(const uint8_t *bytes, size_t length)
{
    struct buffer out, again;
    buffer_init(&out, memory_default());
    buffer_init(&again, memory_default());
    text_printable(&out, bytes, length);
    MUST(!out.failed && out.length <= 3 * length && text_valid(out.data, out.length));
    for (size_t at = 0; at < out.length;) {
        uint32_t code = 0;
        at += text_next(out.data + at, out.data + out.length, &code);
        MUST(code >= 0x20 && (code < 0x7F || code > 0x9F));
        MUST((code < 0x202A || code > 0x202E) && (code < 0x2066 || code > 0x2069));
    }
    text_printable(&again, out.data, out.length);
    MUST(again.length == out.length && (out.length == 0 || memcmp(again.data, out.data, out.length) == 0));
    buffer_free(&again);
    buffer_free(&out);
}

static void check_trim(const uint8_t *bytes, size_t length)
{
    const char *trimmed = (const char *)bytes;
    size_t left = length;
    text_trim(&trimmed, &left);
    MUST((const uint8_t *)trimmed >= bytes && (const uint8_t *)trimmed + left <= bytes + length);
    MUST(text_valid(trimmed, left) || !text_valid(bytes, length));
    const char *again = trimmed;
    size_t rest = left;
    text_trim(&again, &rest);
    MUST(again == trimmed && rest == left);
    if (left > 0 && text_valid(trimmed, left)) {
        char last = trimmed[last_character((const uint8_t *)trimmed, left)];
        MUST(trimmed[0] != ' ' && trimmed[0] != '\n' && last != ' ' && last != '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    check_decoding(bytes, length);
    check_key(bytes, length, false);
    check_key(bytes, length, true);
    check_prefixes(bytes, length);
    check_lower(bytes, length);
    check_width(bytes, length);
    check_printable(bytes, length);
    check_trim(bytes, length);
    return 0;
}
