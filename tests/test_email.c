/* E-mail addresses and host names in one form. */
#include "model/email.h"
#include "model/text.h"

#include <check.h>
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

/* What became of the text; "refused" when nothing. */
static const char *form(bool (*normalise)(struct buffer *, const void *, size_t), const char *text)
{
    out.length = 0;
    if (!normalise(&out, text, strlen(text))) {
        ck_assert_uint_eq(out.length, 0);
        return "refused";
    }
    buffer_byte(&out, 0);
    ck_assert(!out.failed);
    return (const char *)out.data;
}

static const char *email(const char *text)
{
    return form(email_normalise, text);
}

static const char *domain(const char *text)
{
    return form(domain_normalise, text);
}

START_TEST(test_one_address_has_one_form)
{
    static const char *const same[] = {
        "mia@acme.example",
        " Mia@ACME.Example\r\n",
        "<mia@acme.example>",
        "Mia Muster <mia@acme.example>",
        "mailto:mia@acme.example",
        "MAILTO:mia@acme.example?subject=Hello",
        "\"Muster, Mia\" < mia@acme.example >",
        "<mailto:mia@acme.example>",
        "\u00A0mia@acme.example\u200B",
        "\uFF4D\uFF49\uFF41\uFF20acme.example", /* mia@ in full width */
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        ck_assert_str_eq(email(same[i]), "mia@acme.example");
}
END_TEST

START_TEST(test_addresses_that_exist_are_kept)
{
    ck_assert_str_eq(email("mia.muster+news@mail.acme.co.example"), "mia.muster+news@mail.acme.co.example");
    ck_assert_str_eq(email("o'neil@acme.example"), "o'neil@acme.example");
    ck_assert_str_eq(email("root@localhost"), "root@localhost");
    ck_assert_str_eq(email("INFO@B\u00DCCHER.example"), "info@b\u00FCcher.example");
    ck_assert_str_eq(email("info@BU\u0308CHER.example"), "info@b\u00FCcher.example"); /* U and U+0308 compose */
    ck_assert_str_eq(email("a@xn--bcher-kva.example"), "a@xn--bcher-kva.example");
    ck_assert_str_eq(email("\u7528\u6237@\u4F8B\u5B50.example"), "\u7528\u6237@\u4F8B\u5B50.example");
    ck_assert_str_eq(email("a@1.example"), "a@1.example");
}
END_TEST

START_TEST(test_what_is_no_address_is_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "mia",
        "@acme.example",
        "mia@",
        "mia@acme",
        "mia@@acme.example",
        "mia@b@acme.example",
        "mia muster@acme.example",
        "mia@acme..example",
        "mia@.example",
        "mia@acme.example.",
        "mia@-acme.example",
        "mia@acme-.example",
        "mia@ac_me.example",
        "mia@127.0.0.1",
        "mia@[127.0.0.1]",
        "mia@acme.example,bo@acme.example",
        "mia\t@acme.example",
        "mia@acme.exa\u3000mple",
        "mia@\u1680acme.example",
        "m\u200Bia@acme.example",
        "mia\x01@acme.example",
        "mia@acme.example\xFF",
        "n/a",
        "<>",
        "mailto:",
        "\"mia\"@acme.example",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strcmp(email(bad[i]), "refused") != 0)
            ck_abort_msg("%s became %s", bad[i], (const char *)out.data);
}
END_TEST

START_TEST(test_lengths_are_limited)
{
    char text[400];

    /* 64 letters, @, then labels of 63 and a dot: 64 + 1 + 2 * 64 + 61 = 254 */
    memset(text, 'a', sizeof text);
    text[64] = '@';
    text[64 + 1 + 63] = '.';
    text[64 + 1 + 127] = '.';
    out.length = 0;
    ck_assert(email_normalise(&out, text, 254));
    ck_assert_uint_eq(out.length, 254);
    text[220] = '.';
    ck_assert(!email_normalise(&out, text, 255)); /* one too many */
    text[64] = 'a';
    text[65] = '@'; /* a local part of 65 */
    ck_assert(!email_normalise(&out, text, 100));
    ck_assert(!email_normalise(&out, text, 400));
    ck_assert_uint_eq(out.length, 254);
    ck_assert(!email_normalise(&out, "mia@acme.example", 0));
}
END_TEST

START_TEST(test_the_domain_of_an_address)
{
    size_t length;
    const char *text = "mia@acme.example";

    ck_assert_ptr_eq(email_domain(text, 16, &length), text + 4);
    ck_assert_uint_eq(length, 12);
    ck_assert_ptr_null(email_domain("mia", 3, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_ptr_null(email_domain(NULL, 0, &length));
}
END_TEST

START_TEST(test_one_host_has_one_form)
{
    static const char *const same[] = {
        "acme.example",
        "www.acme.example",
        "https://www.acme.example/x",
        "HTTP://ACME.example:8080/a?b#c",
        "https://user:word@acme.example",
        "//acme.example",
        "acme.example.",
        "acme.example/about",
        "mia@acme.example",
        "Mia <mia@acme.example>",
        "mailto:mia@acme.example",
        "https://acme.example?x=//other.example",
        " acme.example ",
        "acme.example:443",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (strcmp(domain(same[i]), "acme.example") != 0)
            ck_abort_msg("%s became %s", same[i], (const char *)out.data);
    ck_assert_str_eq(domain("www.example"), "www.example"); /* "example" alone would be no domain */
    ck_assert_str_eq(domain("http://localhost:8080/"), "localhost");
    ck_assert_str_eq(domain("shop.acme.example"), "shop.acme.example");
    ck_assert_str_eq(domain("https://B\u00DCCHER.example/"), "b\u00FCcher.example");
}
END_TEST

START_TEST(test_what_is_no_host_is_refused)
{
    static const char *const bad[] = {
        "",    "acme",        "http://", "https:///x", "http://[::1]/", "192.168.0.1", "a b.example", "acme .example",
        "n/a", "http://acme", ".",       "..",         "a..example",    "\xFF.example"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strcmp(domain(bad[i]), "refused") != 0)
            ck_abort_msg("%s became %s", bad[i], (const char *)out.data);
}
END_TEST

/* A blank before it, which is taken away, keeps an address from the short way
 * that most go: both ways must agree. */
START_TEST(short_and_long_way_agree)
{
    static const char *const pieces[] = {
        "a",     "z9", "0",        "7",       ".",   "..",        "-",
        "_",     "+",  "@",        "@",       "@ex", "ample.com", ".de",
        "Upper", " ",  "\xc3\xa4", "mailto:", "<x>", "localhost", "0123456789012345678901234567890123456789"};
    uint32_t seed = 3;
    for (int i = 0; i < 200000; i++) {
        char text[400] = " ";
        size_t length = 1;
        struct buffer quick, slow;
        buffer_init(&quick, memory_default());
        buffer_init(&slow, memory_default());
        seed = seed * 1664525U + 1013904223U;
        for (uint32_t n = 1 + (seed >> 16) % 8; n > 0; n--) {
            seed = seed * 1664525U + 1013904223U;
            const char *piece = pieces[(seed >> 16) % (sizeof pieces / sizeof pieces[0])];
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
        ck_assert_int_eq(email_normalise(&quick, text + 1, length - 1), email_normalise(&slow, text, length));
        ck_assert_uint_eq(quick.length, slow.length);
        if (quick.length > 0)
            ck_assert_mem_eq(quick.data, slow.data, quick.length);
        buffer_free(&quick);
        buffer_free(&slow);
    }
}
END_TEST

/* Blanks, marks of direction, byte order marks and the like do not show: an
 * address with one would look like another address. */
START_TEST(characters_that_do_not_show_are_no_part_of_an_address)
{
    static const struct {
        uint32_t first, last;
    } refused[] = {{0x80, 0xA0},     {0xAD, 0xAD},     {0x1680, 0x1680}, {0x2000, 0x200F}, {0x2028, 0x202F},
                   {0x205F, 0x206F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFF}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        uint32_t codes[] = {refused[i].first - 1, refused[i].first, refused[i].last, refused[i].last + 1};
        for (size_t c = i == 0; c < 4; c++) { /* U+007F, a control, is refused, too */
            char text[32] = "m";
            size_t length = 1 + text_put((uint8_t *)text + 1, codes[c]);
            memcpy(text + length, "a@acme.example", 14);
            if (email_valid(text, length + 14) != (c == 0 || c == 3))
                ck_abort_msg("U+%04X", (unsigned)codes[c]);
        }
    }
    ck_assert(!email_valid("m\xFF@acme.example", 15));
}
END_TEST

START_TEST(a_host_is_limited_in_length)
{
    char text[255];
    memset(text, 'a', sizeof text);
    for (size_t at = 63; at < sizeof text; at += 64)
        text[at] = '.'; /* three labels of 63 letters, and one */
    out.length = 0;
    ck_assert(domain_normalise(&out, text, 253));
    ck_assert_uint_eq(out.length, 253);
    ck_assert(!domain_normalise(&out, text, 254));
    ck_assert_str_eq(domain("acme.example>"), "refused"); /* a bracket that nothing opened */
    ck_assert_str_eq(domain("acme.example//about"), "acme.example");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("email");
    TCase *cases = tcase_create("email");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_one_address_has_one_form);
    tcase_add_test(cases, test_addresses_that_exist_are_kept);
    tcase_add_test(cases, test_what_is_no_address_is_refused);
    tcase_add_test(cases, test_lengths_are_limited);
    tcase_add_test(cases, test_the_domain_of_an_address);
    tcase_add_test(cases, test_one_host_has_one_form);
    tcase_add_test(cases, test_what_is_no_host_is_refused);
    tcase_add_test(cases, short_and_long_way_agree);
    tcase_add_test(cases, characters_that_do_not_show_are_no_part_of_an_address);
    tcase_add_test(cases, a_host_is_limited_in_length);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
