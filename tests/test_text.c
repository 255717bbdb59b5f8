/* Text: UTF-8 as table 3-7 of the Unicode standard defines it, search keys of
 * names in several scripts, and widths.  Expected keys are written down by hand
 * from the rules in docs/TEXT.md; the properties of characters they rest on
 * (decompositions, categories) are those of the Unicode character database.
 * Proves P6. */
#include "model/text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buffer out;

static void setup(void)
{
    buffer_init(&out, memory_default());
}

static void teardown(void)
{
    buffer_free(&out);
}

static const char *key_of(const char *text)
{
    out.length = 0;
    ck_assert(text_fold(&out, text, strlen(text)));
    buffer_byte(&out, 0);
    ck_assert(!out.failed);
    return (const char *)out.data;
}

static bool valid(const char *text)
{
    return text_valid(text, strlen(text));
}

START_TEST(test_well_formed_utf8_is_valid)
{
    ck_assert(text_valid("", 0));
    ck_assert(text_valid(NULL, 0));
    ck_assert(text_valid("a\0b", 3)); /* U+0000 is a character */
    ck_assert(valid("plain ASCII that is longer than eight bytes"));
    ck_assert(valid("\xC2\x80"));         /* U+0080, the first of two bytes */
    ck_assert(valid("\xDF\xBF"));         /* U+07FF, the last */
    ck_assert(valid("\xE0\xA0\x80"));     /* U+0800 */
    ck_assert(valid("\xED\x9F\xBF"));     /* U+D7FF, before the surrogates */
    ck_assert(valid("\xEE\x80\x80"));     /* U+E000, after them */
    ck_assert(valid("\xEF\xBF\xBF"));     /* U+FFFF */
    ck_assert(valid("\xF0\x90\x80\x80")); /* U+10000 */
    ck_assert(valid("\xF4\x8F\xBF\xBF")); /* U+10FFFF, the last of all */
}
END_TEST

START_TEST(test_ill_formed_utf8_is_not)
{
    ck_assert(!valid("\x80"));             /* a tail alone */
    ck_assert(!valid("\xC0\xAF"));         /* overlong '/' in two bytes */
    ck_assert(!valid("\xC1\xBF"));         /* overlong U+007F */
    ck_assert(!valid("\xE0\x80\xAF"));     /* overlong in three */
    ck_assert(!valid("\xE0\x9F\xBF"));     /* overlong U+07FF */
    ck_assert(!valid("\xF0\x8F\xBF\xBF")); /* overlong U+FFFF in four */
    ck_assert(!valid("\xED\xA0\x80"));     /* U+D800, a surrogate */
    ck_assert(!valid("\xED\xBF\xBF"));     /* U+DFFF */
    ck_assert(!valid("\xF4\x90\x80\x80")); /* U+110000 */
    ck_assert(!valid("\xF5\x80\x80\x80"));
    ck_assert(!valid("\xFE"));
    ck_assert(!valid("\xFF"));
    ck_assert(!valid("\xE2\x82"));     /* cut short */
    ck_assert(!valid("\xE2\x28\xA1")); /* the tail is ASCII */
    ck_assert_uint_eq(text_valid_prefix("twelve bytes\xFFx", 14), 12);
}
END_TEST

START_TEST(test_every_code_point_survives_put_and_next)
{
    for (uint32_t code = 0; code <= 0x110000; code++) {
        uint8_t bytes[4];
        uint32_t back = 0;
        size_t size = text_put(bytes, code);
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        if (surrogate || code > 0x10FFFF) {
            ck_assert_uint_eq(size, 0);
            continue;
        }
        if (text_next(bytes, bytes + size, &back) != size || back != code)
            ck_abort_msg("U+%04X", (unsigned)code);
        for (size_t cut = 0; cut < size; cut++) /* each proper prefix is incomplete */
            ck_assert_uint_eq(text_next(bytes, bytes + cut, &back), 0);
    }
}
END_TEST

START_TEST(test_digits_of_several_scripts)
{
    ck_assert_int_eq(text_digit('7'), 7);
    ck_assert_int_eq(text_digit(0x0664), 4); /* ARABIC-INDIC DIGIT FOUR */
    ck_assert_int_eq(text_digit(0x06F9), 9); /* EXTENDED ARABIC-INDIC DIGIT NINE */
    ck_assert_int_eq(text_digit(0xFF10), 0); /* FULLWIDTH DIGIT ZERO */
    ck_assert_int_eq(text_digit('a'), -1);
    ck_assert_int_eq(text_digit(0x066A), -1); /* ARABIC PERCENT SIGN follows the nine */
}
END_TEST

START_TEST(test_fold_ignores_case_blanks_and_punctuation)
{
    ck_assert_str_eq(key_of("Acme GmbH"), "acme gmbh");
    ck_assert_str_eq(key_of("  ACME,\t\tGmbH. \r\n"), "acme gmbh");
    ck_assert_str_eq(key_of("O'Neil & Sons"), "oneil & sons");
    ck_assert_str_eq(key_of("O\u2019Neil"), "oneil"); /* RIGHT SINGLE QUOTATION MARK */
    ck_assert_str_eq(key_of("Jean-Luc"), "jean luc");
    ck_assert_str_eq(key_of("Jean\u2013Luc"), "jean luc");              /* EN DASH */
    ck_assert_str_eq(key_of("a\u00A0\u3000b\u200Bc\u2028d"), "a bc d"); /* ZWSP is ignorable, the others are blanks */
    ck_assert_str_eq(key_of("C# Experts, C++"), "c# experts c++");
    ck_assert_str_eq(key_of("Acme\u2122 Widgets\u00AE"), "acme widgets");
    ck_assert_str_eq(key_of("?!"), "");
    ck_assert_str_eq(key_of(""), "");
}
END_TEST

START_TEST(test_fold_of_each_ascii_character)
{
    for (int c = 0; c < 128; c++) {
        char text[3] = {'x', (char)c, 'y'};
        char expected[4] = "x y";
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || (c != 0 && strchr("#$&+", c)))
            expected[1] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        else if (c == '\'' || c == '`')
            memcpy(expected, "xy", 3);
        out.length = 0;
        ck_assert(text_fold(&out, text, 3));
        buffer_byte(&out, 0);
        ck_assert_str_eq((const char *)out.data, expected);
    }
}
END_TEST

START_TEST(test_fold_of_german_names)
{
    bool differs;

    ck_assert_str_eq(key_of("M\u00FCller"), "muller");
    ck_assert_str_eq(key_of("Mu\u0308ller"), "muller"); /* decomposed, as a Mac writes it */
    ck_assert_str_eq(key_of("Gro\u00DFmann"), "grossmann");
    ck_assert_str_eq(key_of("GRO\u1E9EMANN"), "grossmann"); /* LATIN CAPITAL LETTER SHARP S */
    out.length = 0;
    ck_assert(text_fold_german(&out, "M\u00DCLLER", 7, &differs));
    ck_assert(differs);
    ck_assert(text_fold_german(&out, " Mu\u0308ller", 9, &differs));
    ck_assert(differs);
    ck_assert_uint_eq(out.length, 14);
    ck_assert_mem_eq(out.data, "muellermueller", 14);
    ck_assert(text_fold_german(&out, "Caf\u00E9", 5, &differs));
    ck_assert(!differs);
    ck_assert_uint_eq(out.length, 14); /* no second key without an umlaut */
}
END_TEST

START_TEST(test_fold_of_turkish_i)
{
    /* I, U+0131 dotless i, U+0130 I with dot above and i are one. */
    ck_assert_str_eq(key_of("I\u0131\u0130i"), "iiii");
    ck_assert_str_eq(key_of("DI\u015E T\u0130CARET"), "dis ticaret");
    ck_assert_str_eq(key_of("\u00C7a\u011Flar"), "caglar");
}
END_TEST

START_TEST(test_fold_of_other_latin_names)
{
    ck_assert_str_eq(key_of("\u00C6r\u00F8 \u0141\u00F3d\u017A \u0110or\u0111e"), "aero lodz dorde");
    ck_assert_str_eq(key_of("\u00DE\u00F3r \u0152uvre"), "thor oeuvre");
    ck_assert_str_eq(key_of("Nguy\u1EC5n"), "nguyen"); /* U+1EC5: e, circumflex, tilde */
    ck_assert_str_eq(key_of("\uFB01lm \u2460 \u00B2"), "film 1 2");
    ck_assert_str_eq(key_of("\u2121"), "tel"); /* TELEPHONE SIGN is <compat> "TEL": folded after, too */
}
END_TEST

START_TEST(test_fold_of_arabic_names)
{
    /* Muhammad with all its vowel signs, without, and stretched by tatweel. */
    ck_assert_str_eq(key_of("\u0645\u064F\u062D\u064E\u0645\u0651\u064E\u062F"), "\u0645\u062D\u0645\u062F");
    ck_assert_str_eq(key_of("\u0645\u062D\u0640\u0640\u0645\u062F"), "\u0645\u062D\u0645\u062F");
    /* alef with hamza above, below, madda, wasla: alef */
    ck_assert_str_eq(key_of("\u0623\u0625\u0622\u0671\u0627"), "\u0627\u0627\u0627\u0627\u0627");
    /* alef maqsura and Farsi yeh: yeh; teh marbuta: heh; keheh: kaf */
    ck_assert_str_eq(key_of("\u0649\u06CC\u064A"), "\u064A\u064A\u064A");
    ck_assert_str_eq(key_of("\u0641\u0627\u0637\u0645\u0629"), "\u0641\u0627\u0637\u0645\u0647");
    ck_assert_str_eq(key_of("\u06A9"), "\u0643");
    ck_assert_str_eq(key_of("\u0661\u0662\u06F3"), "123");
    ck_assert_str_eq(key_of("\uFEFB"), "\u0644\u0627"); /* LIGATURE LAM WITH ALEF ISOLATED FORM */
}
END_TEST

START_TEST(test_fold_of_chinese_japanese_and_korean_names)
{
    ck_assert_str_eq(key_of("\u5317\u4EAC\u516C\u53F8"), "\u5317\u4EAC\u516C\u53F8");
    ck_assert_str_eq(key_of("\uFF21\uFF23\uFF2D\uFF25\u3000\uFF11\uFF12"), "acme 12"); /* full width */
    /* GA is KA + U+3099: the mark stays, for it makes another letter; half width
     * KA and voiced mark are the same. */
    ck_assert_str_eq(key_of("\u30AC"), "\u30AB\u3099");
    ck_assert_str_eq(key_of("\uFF76\uFF9E"), "\u30AB\u3099");
    /* A Hangul syllable and its jamo: U+D55C is U+1112 U+1161 U+11AB. */
    ck_assert_str_eq(key_of("\uD55C"), "\u1112\u1161\u11AB");
}
END_TEST

START_TEST(test_fold_keeps_vowels_that_are_marks)
{
    /* Devanagari KA with vowel sign U is not KA; Thai SARA U stays below KO KAI. */
    ck_assert_str_eq(key_of("\u0915\u0941"), "\u0915\u0941");
    ck_assert_str_eq(key_of("\u0E01\u0E38"), "\u0E01\u0E38");
    /* Canonical order: nukta (class 7) before virama (class 9), however typed. */
    ck_assert_str_eq(key_of("\u0915\u094D\u093C"), "\u0915\u093C\u094D");
}
END_TEST

START_TEST(test_fold_refuses_what_is_not_utf8)
{
    buffer_text(&out, "kept");
    ck_assert(!text_fold(&out, "abc\xFF", 4));
    ck_assert(!text_fold(&out, "\xC3", 1));
    ck_assert(!out.failed);
    ck_assert_uint_eq(out.length, 4);
}
END_TEST

START_TEST(test_fold_of_any_character_is_stable_and_bounded)
{
    struct buffer twice;

    buffer_init(&twice, memory_default());
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        uint8_t bytes[4];
        size_t size = text_put(bytes, code);
        if (size == 0)
            continue;
        out.length = 0;
        twice.length = 0;
        ck_assert(text_fold(&out, bytes, size));
        if (out.length > size * TEXT_FOLD_GROWTH || !text_valid(out.data, out.length))
            ck_abort_msg("U+%04X grew to %zu bytes", (unsigned)code, out.length);
        ck_assert(text_fold(&twice, out.data, out.length));
        if (twice.length != out.length || (out.length > 0 && memcmp(twice.data, out.data, out.length) != 0))
            ck_abort_msg("folding the key of U+%04X changes it", (unsigned)code);
    }
    buffer_free(&twice);
}
END_TEST

START_TEST(test_fold_of_endless_marks_is_linear)
{
    /* 200,000 marks in descending order of class: an insertion sort over all
     * would take 10^10 steps, and the test would never end. */
    struct buffer text;

    buffer_init(&text, memory_default());
    for (int i = 0; i < 100000; i++)
        buffer_text(&text, "\u094D\u093C");
    ck_assert(!text.failed);
    ck_assert(text_fold(&out, text.data, text.length));
    ck_assert_uint_eq(out.length, text.length);
    buffer_free(&text);
}
END_TEST

START_TEST(test_lower_composes_and_unifies_width)
{
    ck_assert(text_lower(&out, "MIA@B\u00DCCHER.Example", 19));
    ck_assert(text_lower(&out, "-BU\u0308CHER", 9));
    ck_assert(text_lower(&out, "\uFF38\uFF20\uFF39", 9)); /* full width X, @, Y */
    buffer_byte(&out, 0);
    ck_assert_str_eq((const char *)out.data, "mia@b\u00FCcher.example-b\u00FCcherx@y");
    ck_assert(!text_lower(&out, "\xFF", 1));
}
END_TEST

START_TEST(test_trim_takes_blanks_of_any_kind)
{
    const char *text = " \t\u00A0\u3000a b\u2003\r\n";
    size_t length = strlen(text);

    text_trim(&text, &length);
    ck_assert_uint_eq(length, 3);
    ck_assert_mem_eq(text, "a b", 3);
    text = " \u3000 ";
    length = strlen(text);
    text_trim(&text, &length);
    ck_assert_uint_eq(length, 0);
    text = "\x80\xBF";
    length = 2;
    text_trim(&text, &length);
    ck_assert_uint_eq(length, 2); /* not blanks, nor text */
}
END_TEST

START_TEST(test_width_counts_columns)
{
    ck_assert_uint_eq(text_width("abc", 3), 3);
    ck_assert_uint_eq(text_width("\u5317\u4EAC", 6), 4); /* East Asian Width W */
    ck_assert_uint_eq(text_width("\uFF21", 3), 2);       /* F */
    ck_assert_uint_eq(text_width("\uFF76", 3), 1);       /* H */
    ck_assert_uint_eq(text_width("e\u0301", 3), 1);      /* a mark takes none */
    ck_assert_uint_eq(text_width("\U0001F600", 4), 2);   /* GRINNING FACE is W */
    ck_assert_uint_eq(text_width("a\x1B\x7F", 3), 1);
    ck_assert_uint_eq(text_width("\xFF\xFE", 2), 2);
    ck_assert_uint_eq(text_width("", 0), 0);
}
END_TEST

START_TEST(test_cut_never_splits_a_character)
{
    ck_assert_uint_eq(text_cut("abc", 3, 2), 2);
    ck_assert_uint_eq(text_cut("abc", 3, 9), 3);
    ck_assert_uint_eq(text_cut("\u5317\u4EAC", 6, 3), 3);
    ck_assert_uint_eq(text_cut("\u5317\u4EAC", 6, 1), 0);
    ck_assert_uint_eq(text_cut("e\u0301x", 4, 1), 3); /* the accent goes with its letter */
}
END_TEST

START_TEST(test_printable_text_cannot_steer_a_terminal)
{
    text_printable(&out,
                   "a\tb\n\x1B[31m\x07\x7F\xC2\x9B"
                   "1m\u202E\xFF\u5317",
                   22);
    buffer_byte(&out, 0);
    /* ESC U+241B, BEL U+2407, DEL U+2421; CSI (C1), RLO and a bad byte U+FFFD */
    ck_assert_str_eq((const char *)out.data, "a b \u241B[31m\u2407\u2421\uFFFD1m\uFFFD\uFFFD\u5317");
}
END_TEST

START_TEST(test_naughty_strings_do_no_harm)
{
    const char *folder = getenv("CRM_TEST_DATA");
    char path[512];
    char line[8192];

    snprintf(path, sizeof path, "%s/blns/blns.txt", folder ? folder : "../shared/data");
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("SKIP naughty strings: no %s (set CRM_TEST_DATA)\n", path);
        return;
    }
    size_t lines = 0;
    for (; fgets(line, sizeof line, file) != NULL; lines++) {
        size_t length = strlen(line);
        bool differs;
        out.length = 0;
        ck_assert_int_eq(text_fold(&out, line, length), text_valid(line, length));
        ck_assert(text_valid(out.data, out.length));
        text_fold_german(&out, line, length, &differs);
        out.length = 0;
        text_printable(&out, line, length);
        ck_assert(text_valid(out.data, out.length));
        for (size_t i = 0; i < out.length; i++)
            ck_assert_uint_ge(out.data[i], 0x20);
        ck_assert_uint_le(text_cut(line, length, 10), length);
    }
    fclose(file);
    ck_assert_uint_gt(lines, 500);
}
END_TEST

struct counting {
    int granted; /* requests that are still met */
};

static void *counting_resize(void *context, void *old, size_t size)
{
    struct counting *counting = context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return counting->granted-- > 0 ? realloc(old, size) : NULL;
}

static bool fold_plainly(struct buffer *into, const void *bytes, size_t length)
{
    return text_fold(into, bytes, length);
}

static bool fold_as_german(struct buffer *into, const void *bytes, size_t length)
{
    bool differs;
    return text_fold_german(into, bytes, length, &differs);
}

static bool show(struct buffer *into, const void *bytes, size_t length)
{
    text_printable(into, bytes, length);
    return !into->failed;
}

/* A text whose form is longer than it is, so that the first room is not enough. */
START_TEST(no_memory_is_no_shorter_text)
{
    static bool (*const ways[])(struct buffer *, const void *, size_t) = {fold_plainly, fold_as_german, text_lower,
                                                                          show};
    char text[60 * 3 + 1] = "";
    for (int i = 0; i < 60; i++)
        memcpy(text + 3 * i, "\uFDFA", 3); /* one character, of which 18 become */
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        struct counting counting = {0};
        struct memory memory = {counting_resize, &counting};
        struct buffer into;
        bool fine = false;
        int granted = 0;
        for (; !fine; granted++) {
            counting.granted = granted;
            buffer_init(&into, &memory);
            fine = ways[way](&into, text, sizeof text - 1);
            ck_assert(fine || into.failed);
            if (fine) {
                out.length = 0;
                ck_assert(ways[way](&out, text, sizeof text - 1));
                ck_assert_uint_eq(into.length, out.length);
                ck_assert_mem_eq(into.data, out.data, out.length);
            }
            buffer_free(&into);
        }
        ck_assert_int_gt(granted, 1);
    }
}
END_TEST

START_TEST(a_text_is_lowered_up_to_a_length)
{
    static char text[TEXT_LOWER_MAX + 1];
    memset(text, 'A', sizeof text);
    ck_assert(text_lower(&out, text, TEXT_LOWER_MAX));
    ck_assert_uint_eq(out.length, TEXT_LOWER_MAX);
    ck_assert(!text_lower(&out, text, TEXT_LOWER_MAX + 1));
    ck_assert_uint_eq(out.length, TEXT_LOWER_MAX);
    ck_assert(text_lower(&out, text, 0));
    ck_assert_uint_eq(out.length, TEXT_LOWER_MAX);
}
END_TEST

START_TEST(controls_take_no_column)
{
    ck_assert_uint_eq(text_width("a\xC2\x80\xC2\x85\xC2\x9F"
                                 "b",
                                 8),
                      2);                            /* C1 */
    ck_assert_uint_eq(text_width("a\u00A0b", 4), 3); /* a no-break space takes one */
    ck_assert_uint_eq(text_width("\u00A1", 2), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *cases = tcase_create("text");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_well_formed_utf8_is_valid);
    tcase_add_test(cases, test_ill_formed_utf8_is_not);
    tcase_add_test(cases, test_every_code_point_survives_put_and_next);
    tcase_add_test(cases, test_digits_of_several_scripts);
    tcase_add_test(cases, test_fold_ignores_case_blanks_and_punctuation);
    tcase_add_test(cases, test_fold_of_each_ascii_character);
    tcase_add_test(cases, test_fold_of_german_names);
    tcase_add_test(cases, test_fold_of_turkish_i);
    tcase_add_test(cases, test_fold_of_other_latin_names);
    tcase_add_test(cases, test_fold_of_arabic_names);
    tcase_add_test(cases, test_fold_of_chinese_japanese_and_korean_names);
    tcase_add_test(cases, test_fold_keeps_vowels_that_are_marks);
    tcase_add_test(cases, test_fold_refuses_what_is_not_utf8);
    tcase_add_test(cases, test_fold_of_any_character_is_stable_and_bounded);
    tcase_add_test(cases, test_fold_of_endless_marks_is_linear);
    tcase_add_test(cases, test_lower_composes_and_unifies_width);
    tcase_add_test(cases, test_trim_takes_blanks_of_any_kind);
    tcase_add_test(cases, test_width_counts_columns);
    tcase_add_test(cases, test_cut_never_splits_a_character);
    tcase_add_test(cases, test_printable_text_cannot_steer_a_terminal);
    tcase_add_test(cases, test_naughty_strings_do_no_harm);
    tcase_add_test(cases, no_memory_is_no_shorter_text);
    tcase_add_test(cases, a_text_is_lowered_up_to_a_length);
    tcase_add_test(cases, controls_take_no_column);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
