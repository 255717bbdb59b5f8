/* text_fold: the search key of a name.
 *
 * ASCII goes through a table without a branch a byte.  Everything else is
 * decomposed for compatibility (NFKD) and case-folded by utf8proc one character
 * at a time, without an allocation, and then judged by its script: accents fall
 * off Latin, Greek, Cyrillic, Hebrew and Arabic letters, where people leave
 * them out when they type, and stay in scripts in which they are vowels.
 * Characters are not collected for one sort over the whole text, since that
 * costs quadratic time for a text of nothing but marks.  The rules with their
 * sources are in docs/TEXT.md.
 */
#include "model/text.h"

#include <string.h>
#include <utf8proc.h>

/* UAX #15, stream-safe text: no natural text has more marks in a row. */
enum { MARKS_MAX = 30 };
/* The longest compatibility decomposition, U+FDFA, has 18 characters. */
enum { DECOMPOSED_MAX = 32 };

struct fold {
    struct buffer *out;
    uint8_t last; /* the byte written last; ' ' at the start, so that no key begins with a blank */
    bool german;  /* ä is ae */
    bool umlauts; /* such a letter was seen */
    uint8_t mark_count;
    struct {
        uint32_t code;
        uint8_t class;
    } marks[MARKS_MAX]; /* kept marks that wait for their canonical order */
};

/* What becomes of an ASCII character: itself or its small letter, a blank, or
 * nothing (0: apostrophe and grave, for "O'Neil" is typed "ONeil"). */
static const char ascii_key[128 + 1] = "                                "
                                       "   #$ &\0   +    0123456789      "
                                       " abcdefghijklmnopqrstuvwxyz     "
                                       "\0abcdefghijklmnopqrstuvwxyz     ";

static void put_marks(struct fold *fold)
{
    uint8_t encoded[4];

    for (uint8_t i = 0; i < fold->mark_count; i++)
        buffer_append(fold->out, encoded, text_put(encoded, fold->marks[i].code));
    fold->mark_count = 0;
}

/* Keeps marks in the order of their classes, as canonical ordering would. */
static void add_mark(struct fold *fold, uint32_t code, uint8_t class)
{
    if (fold->mark_count == MARKS_MAX)
        put_marks(fold);
    uint8_t i = fold->mark_count++;
    for (; i > 0 && fold->marks[i - 1].class > class; i--)
        fold->marks[i] = fold->marks[i - 1];
    fold->marks[i].code = code;
    fold->marks[i].class = class;
    fold->last = 0xFF;
}

static void put_text(struct fold *fold, const char *text)
{
    size_t length = strlen(text);

    put_marks(fold);
    buffer_append(fold->out, text, length);
    if (length > 0)
        fold->last = (uint8_t)text[length - 1];
}

static void put_blank(struct fold *fold)
{
    put_marks(fold);
    if (fold->last != ' ')
        put_text(fold, " ");
}

static void put_code(struct fold *fold, uint32_t code)
{
    uint8_t encoded[4];
    size_t size = text_put(encoded, code);

    put_marks(fold);
    buffer_append(fold->out, encoded, size);
    fold->last = encoded[size - 1];
}

/* Marks that people leave out: they only tell how a letter sounds. */
static bool is_optional_mark(uint32_t code)
{
    return (code >= 0x0300 && code <= 0x036F) || (code >= 0x0483 && code <= 0x0489) || /* Latin, Greek; Cyrillic */
           (code >= 0x0591 && code <= 0x05C7) ||                                       /* Hebrew points */
           (code >= 0x0610 && code <= 0x061A) || (code >= 0x064B && code <= 0x065F) || code == 0x0670 ||
           (code >= 0x06D6 && code <= 0x06ED) || (code >= 0x08CA && code <= 0x08FF) || /* Arabic tashkeel */
           (code >= 0x0711 && code <= 0x074A) ||                                       /* Syriac points */
           (code >= 0x1AB0 && code <= 0x1AFF) || (code >= 0x1DC0 && code <= 0x1DFF) ||
           (code >= 0x20D0 && code <= 0x20FF) || (code >= 0xFE20 && code <= 0xFE2F);
}

/* Characters to which neither decomposition nor case folding brings their
 * everyday spelling; "" drops one, NULL leaves it to its category. */
static const char *spelling(uint32_t code)
{
    switch (code) {
    case 0x2018:
    case 0x2019:
    case 0x201B:
    case 0x2032: /* apostrophes and primes */
    case 0x02B9:
    case 0x02BB:
    case 0x02BC:
    case 0x02BD:
    case 0x02BE:
    case 0x02BF:
    case 0x02C8:
    case 0x055A:
    case 0x05F3:
    case 0x05F4: /* Armenian apostrophe, geresh, gershayim */
    case 0x0640: /* tatweel only stretches a word */ return "";
    case 0x00E6: return "ae";
    case 0x0153: return "oe";
    case 0x00F0:
    case 0x0111: return "d";
    case 0x00FE: return "th";
    case 0x0127: return "h";
    case 0x0131: return "i"; /* so that I, ı, İ and i are one letter */
    case 0x0142: return "l";
    case 0x00F8: return "o";
    case 0x0167: return "t";
    case 0x0671: return "\xD8\xA7"; /* alef wasla: alef */
    case 0x0649:
    case 0x06CC: return "\xD9\x8A"; /* alef maqsura, Farsi yeh: yeh */
    case 0x0629:
    case 0x06C0:
    case 0x06C1:
    case 0x06C3:
    case 0x06D5: return "\xD9\x87"; /* teh marbuta …: heh */
    case 0x06A9: return "\xD9\x83"; /* keheh: kaf */
    default: return NULL;
    }
}

/* A character of the script-independent kinds. */
static void fold_category(struct fold *fold, uint32_t code)
{
    const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)code);

    switch (property->category) {
    case UTF8PROC_CATEGORY_CF: break;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
        if (is_optional_mark(code))
            break;
        if (property->combining_class == 0) /* a starter: never reordered */
            put_code(fold, code);
        else
            add_mark(fold, code, (uint8_t)property->combining_class);
        break;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_SM: put_blank(fold); break;
    case UTF8PROC_CATEGORY_SK: /* spacing accents are punctuation; skin tones belong to the emoji before */
        if (code < 0x1F3FB || code > 0x1F3FF)
            put_blank(fold);
        break;
    default: put_code(fold, code);
    }
}

/* A character after decomposition and case folding. */
static void fold_decomposed(struct fold *fold, uint32_t code)
{
    const char *spelled = spelling(code);
    int digit = text_digit(code);
    char key[2] = "";

    if (fold->german && (code == 0x00F8 || (code == 0x0308 && fold->last < 0x80 && strchr("aou", fold->last)))) {
        put_text(fold, code == 0x00F8 ? "oe" : "e");
        fold->umlauts = true;
    } else if (digit >= 0) {
        key[0] = (char)('0' + digit);
        put_text(fold, key);
    } else if (code < 0x80 && ascii_key[code] == ' ') {
        put_blank(fold);
    } else if (code < 0x80) {
        key[0] = ascii_key[code];
        put_text(fold, key);
    } else if (spelled) {
        put_text(fold, spelled);
    } else {
        fold_category(fold, code);
    }
}

static void fold_code(struct fold *fold, uint32_t code)
{
    utf8proc_int32_t parts[DECOMPOSED_MAX];
    int last_boundary = 0;

    /* Dropped before they decompose into letters or a blank. */
    if (code == 0xA9 || code == 0xAE || code == 0xB4 || code == 0x2120 || code == 0x2122)
        return;
    utf8proc_ssize_t count = utf8proc_decompose_char(
        (utf8proc_int32_t)code, parts, DECOMPOSED_MAX,
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &last_boundary);
    if (count < 0 || count > DECOMPOSED_MAX) { /* cannot be with any Unicode so far */
        put_code(fold, code);
        return;
    }
    for (utf8proc_ssize_t i = 0; i < count; i++)
        fold_decomposed(fold, (uint32_t)parts[i]);
}

/* The ASCII at the front of `at`, for which the caller reserved room. */
static const uint8_t *fold_ascii(struct fold *fold, const uint8_t *at, const uint8_t *end)
{
    uint8_t *to = fold->out->data + fold->out->length;
    uint8_t last = fold->last;

    while (at < end && *at < 0x80) {
        uint8_t key = (uint8_t)ascii_key[*at++];
        bool keep = key > ' ' || (key == ' ' && last != ' ');
        *to = key;
        to += keep;
        last = keep ? key : last;
    }
    fold->out->length = (size_t)(to - fold->out->data);
    fold->last = last;
    return at;
}

static bool fold_all(struct fold *fold, const uint8_t *bytes, size_t length)
{
    struct buffer *out = fold->out;
    size_t start = out->length;
    const uint8_t *at = bytes;
    const uint8_t *end = at + length;

    while (at < end && !out->failed) {
        uint32_t code;
        put_marks(fold);
        if (!buffer_reserve(out, (size_t)(end - at) + 1))
            break;
        at = fold_ascii(fold, at, end);
        while (at < end && *at >= 0x80 && !out->failed) {
            size_t size = text_next(at, end, &code);
            if (size == 0) {
                out->length = start;
                return false;
            }
            at += size;
            fold_code(fold, code);
        }
    }
    put_marks(fold);
    if (!out->failed && out->length > start && out->data[out->length - 1] == ' ')
        out->length--;
    if (out->failed)
        out->length = start;
    return !out->failed;
}

bool text_fold(struct buffer *out, const void *bytes, size_t length)
{
    struct fold fold = {.out = out, .last = ' '};

    return length == 0 || fold_all(&fold, bytes, length);
}

bool text_fold_german(struct buffer *out, const void *bytes, size_t length, bool *differs)
{
    struct fold fold = {.out = out, .last = ' ', .german = true};
    size_t start = out->length;

    *differs = false;
    if (length == 0)
        return true;
    if (!fold_all(&fold, bytes, length))
        return false;
    *differs = fold.umlauts;
    if (!fold.umlauts)
        out->length = start;
    return true;
}
