/* Phone numbers: what people write, reduced to what a telephone exchange sends. */
#include "model/phone.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct phone phone_of(const char *text)
{
    struct phone phone;

    if (!phone_digits(text, strlen(text), &phone))
        ck_abort_msg("refused: %s", text);
    ck_assert_uint_eq(strlen(phone.digits), phone.count);
    return phone;
}

static bool refused(const char *text)
{
    struct phone phone;

    return !phone_digits(text, strlen(text), &phone);
}

START_TEST(test_formatting_does_not_matter)
{
    static const char *const same[] = {
        "+49 30 901820",
        "+49 (0)30 / 90 18 20",
        "+49(0)30-901820",
        "0049 (30) 90 18 20",
        "0049 (0) 30 90 18 20",
        "  +49.30.90.18.20  ",
        "tel:+49-30-901820;ext=12",
        "TEL:+4930901820",
        "Tel.: +49 30 901820",
        "Telefon +49 30 901820",
        "+49 30 901820 x12",
        "+49 30 901820 ext. 12",
        "+49 30 901820 Durchwahl 7",
        "+49 30 901820#12",
        "+49\uFF0F30\uFF0D90\uFF0E1820", /* slash, hyphen and full stop in full width */
        "+49 30 901820,,12",
        "+49 30 901820 (office)",
        "(+49) 30 901820",
        "\u202A+49\u00A030\u2011901820\u202C", /* copied from an address book */
        "\uFF0B\uFF14\uFF19\uFF08\uFF10\uFF09\uFF13\uFF10 \uFF19\uFF10\uFF11\uFF18\uFF12\uFF10", /* full width */
        "+\u0664\u0669 \u0663\u0660 \u0669\u0660\u0661\u0668\u0662\u0660",                       /* Arabic-Indic */
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct phone phone = phone_of(same[i]);
        if (strcmp(phone.digits, "4930901820") != 0 || !phone.international)
            ck_abort_msg("%s became %s", same[i], phone.digits);
    }
}
END_TEST

START_TEST(test_national_numbers_keep_their_zero)
{
    struct phone phone = phone_of("030 / 90 18 20");

    ck_assert_str_eq(phone.digits, "030901820");
    ck_assert(!phone.international);
    ck_assert_str_eq(phone_of("(0)30 901820").digits, "030901820"); /* no country code: the zero is dialled */
    ck_assert_str_eq(phone_of("(212) 555-0100").digits, "2125550100");
    ck_assert_str_eq(phone_of("112").digits, "112");
}
END_TEST

START_TEST(test_what_is_no_number_is_refused)
{
    ck_assert(refused(""));
    ck_assert(refused("   "));
    ck_assert(refused("+"));
    ck_assert(refused("00"));
    ck_assert(refused("n/a"));
    ck_assert(refused("1-800-FLOWERS")); /* letters are not read as digits */
    ck_assert(refused("*31#030901820"));
    ck_assert(refused("#12"));
    ck_assert(refused("030 901820 or 030 901821 later"));
    ck_assert(refused("030+901820"));
    ck_assert(refused("1234567890123456")); /* 16 digits: E.164 has at most 15 */
    ck_assert(!refused("123456789012345"));
    ck_assert(!refused("00123456789012345"));
    ck_assert(refused("001234567890123456"));
    ck_assert(refused("mia@acme.example"));
    ck_assert(refused("030\xFF"));
}
END_TEST

START_TEST(test_the_key_is_the_digits_backwards)
{
    struct phone phone = phone_of("0123");

    /* 3, 2, 1 as 4, 3, 2 from the top; the zero in front does not count */
    ck_assert_uint_eq(phone_key(&phone), UINT64_C(0x4320000000000000));
    ck_assert_uint_eq(phone_key_last(&phone, 2), UINT64_C(0x4300000000000000));
    ck_assert_uint_eq(phone_key_last(&phone, 4), 0);
    phone = phone_of("999999999999999"); /* fifteen nines fill all but the last four bits */
    ck_assert_uint_eq(phone_key(&phone), UINT64_C(0xAAAAAAAAAAAAAAA0));
    phone = phone_of("000");
    ck_assert_uint_eq(phone_key(&phone), 0);
}
END_TEST

START_TEST(test_a_range_holds_just_the_numbers_with_that_end)
{
    uint64_t low, high;
    struct phone inside = phone_of("+49 30 901820");
    struct phone itself = phone_of("901820");
    struct phone outside = phone_of("+49 30 901821");
    struct phone shorter = phone_of("01820");

    ck_assert(phone_range("901820", 6, &low, &high));
    ck_assert_uint_eq(low, phone_key(&itself));
    ck_assert_uint_eq(low, phone_key_last(&inside, 6));
    ck_assert(phone_key(&inside) >= low && phone_key(&inside) <= high);
    ck_assert(phone_key(&outside) < low || phone_key(&outside) > high);
    ck_assert(phone_key(&shorter) < low);
    ck_assert(!phone_range("", 0, &low, &high));
    ck_assert(!phone_range("12a", 3, &low, &high));
    ck_assert(!phone_range("12/", 3, &low, &high)); /* just below the digits */
    ck_assert(!phone_range("1234567890123456", 16, &low, &high));
    ck_assert(phone_range("123456789012345", 15, &low, &high));
    ck_assert_uint_eq(high - low, 15); /* four bits are left below */
}
END_TEST

START_TEST(test_numbers_match_by_their_end)
{
    struct phone stored = phone_of("+49 30 901820");
    struct phone dialled = phone_of("0049 (30) 90 18 20");
    struct phone national = phone_of("030 901820");
    struct phone local = phone_of("901820");
    struct phone other = phone_of("+49 40 901820");
    struct phone extension = phone_of("1820");
    struct phone nothing = phone_of("000");

    ck_assert(phone_matches(&stored, &dialled));
    ck_assert(phone_matches(&stored, &national));
    ck_assert(phone_matches(&national, &stored));
    ck_assert(phone_matches(&stored, &local));
    ck_assert(!phone_matches(&stored, &other));
    ck_assert(phone_matches(&other, &local));       /* which of the two it is, only more digits can tell */
    ck_assert(!phone_matches(&stored, &extension)); /* four digits are too few */
    ck_assert(phone_matches(&extension, &extension));
    ck_assert(!phone_matches(&nothing, &nothing));
}
END_TEST

/* The look-up that the header describes, over an array in place of an index. */
static bool found_by_keys(const struct phone *stored, const struct phone *who)
{
    uint64_t low, high;
    uint8_t count;
    const char *digits = phone_significant(who, &count);
    uint64_t key = phone_key(stored);

    if (count >= PHONE_MATCH_MIN && phone_range(digits, count, &low, &high) && key >= low && key <= high)
        return true;
    for (uint8_t n = PHONE_MATCH_MIN; n < count; n++)
        if (key == phone_key_last(who, n))
            return true;
    return count > 0 && count < PHONE_MATCH_MIN && key == phone_key(who);
}

START_TEST(test_looking_up_by_keys_finds_what_matches)
{
    struct phone phones[200];
    uint64_t state = 1; /* a fixed sequence: x * 6364136223846793005 + 1442695040888963407 */

    for (size_t i = 0; i < 200; i++) {
        char text[16];
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t n = 1 + (state >> 33) % 9;
        for (size_t k = 0; k < n; k++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            text[k] = (char)('0' + (state >> 33) % 2); /* two digits only, so that many ends agree */
        }
        if (!phone_digits(text, n, &phones[i]))
            ck_assert(phone_digits("12345", 5, &phones[i])); /* it was 00 */
    }
    size_t matches = 0;
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < 200; k++) {
            bool expected = phone_matches(&phones[i], &phones[k]);
            matches += expected;
            if (found_by_keys(&phones[i], &phones[k]) != expected)
                ck_abort_msg("%s and %s", phones[i].digits, phones[k].digits);
        }
    ck_assert_uint_gt(matches, 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("phone");
    TCase *cases = tcase_create("phone");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, test_formatting_does_not_matter);
    tcase_add_test(cases, test_national_numbers_keep_their_zero);
    tcase_add_test(cases, test_what_is_no_number_is_refused);
    tcase_add_test(cases, test_the_key_is_the_digits_backwards);
    tcase_add_test(cases, test_a_range_holds_just_the_numbers_with_that_end);
    tcase_add_test(cases, test_numbers_match_by_their_end);
    tcase_add_test(cases, test_looking_up_by_keys_finds_what_matches);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
