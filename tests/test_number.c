/* Numbers to text and back.  Expected values are arithmetic shown here, the
 * limits of the C types, or what printf and strtod of the C library say in the
 * "C" locale, as a second implementation.
 * Proves P8. */
#include "model/number.h"

#include <check.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_int(const char *text, int64_t *out)
{
    return number_parse_int(text, strlen(text), out);
}

static bool decimal(const char *text, char mark, unsigned scale, int rounding, int64_t *out)
{
    return number_parse_decimal(text, strlen(text), mark, scale, rounding, out);
}

static bool parse_double(const char *text, double *out)
{
    return number_parse_double(text, strlen(text), out);
}

START_TEST(test_integers_up_to_the_limits)
{
    int64_t value;
    uint64_t big;

    ck_assert(parse_int("0", &value) && value == 0);
    ck_assert(parse_int(" -12 ", &value) && value == -12);
    ck_assert(parse_int("+007", &value) && value == 7);
    ck_assert(parse_int("\u221212", &value) && value == -12); /* MINUS SIGN */
    ck_assert(parse_int("9223372036854775807", &value) && value == INT64_MAX);
    ck_assert(parse_int("-9223372036854775808", &value) && value == INT64_MIN);
    ck_assert(!parse_int("9223372036854775808", &value));
    ck_assert(!parse_int("-9223372036854775809", &value));
    ck_assert(!parse_int("99999999999999999999999", &value));
    ck_assert(number_parse_uint("18446744073709551615", 20, &big) && big == UINT64_MAX);
    ck_assert(!number_parse_uint("18446744073709551616", 20, &big));
    ck_assert(!number_parse_uint("-1", 2, &big));
}
END_TEST

START_TEST(test_what_is_no_integer_is_refused)
{
    static const char *const bad[] = {"",      " ",    "-",   "+",   "--1", "1-",    "1.0",
                                      "1,000", "0x10", "1e3", "1 2", "a",   "\u0661"};
    int64_t value;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!parse_int(bad[i], &value));
    ck_assert(!number_parse_int("1\0", 2, &value));
}
END_TEST

START_TEST(test_decimals_with_either_mark)
{
    int64_t value;

    ck_assert(decimal("1234.50", 0, 2, NUMBER_EXACT, &value) && value == 123450);
    ck_assert(decimal("1,234.50", '.', 2, NUMBER_EXACT, &value) && value == 123450);
    ck_assert(decimal("1.234,50", ',', 2, NUMBER_EXACT, &value) && value == 123450);
    ck_assert(decimal("1'234'567.5", '.', 2, NUMBER_EXACT, &value) && value == 123456750);
    ck_assert(decimal("1\u202F234\u202F567,5", ',', 2, NUMBER_EXACT, &value) && value == 123456750);
    ck_assert(decimal("1\u00A0234", '.', 0, NUMBER_EXACT, &value) && value == 1234);
    ck_assert(decimal("1 234,5", ',', 1, NUMBER_EXACT, &value) && value == 12345);
    ck_assert(decimal("-.5", '.', 2, NUMBER_EXACT, &value) && value == -50);
    ck_assert(decimal("5.", '.', 2, NUMBER_EXACT, &value) && value == 500);
    ck_assert(decimal("(1,234.50)", '.', 2, NUMBER_EXACT, &value) && value == -123450);
    ck_assert(decimal("2,000", '.', 0, NUMBER_EXACT, &value) && value == 2000);
    ck_assert(decimal("2,000", ',', 0, NUMBER_EXACT, &value) && value == 2); /* the mark decides */
    ck_assert(decimal("1.500000", '.', 2, NUMBER_EXACT, &value) && value == 150);
    ck_assert(decimal("92233720368547758.07", '.', 2, NUMBER_EXACT, &value) && value == INT64_MAX);
    ck_assert(decimal("-92233720368547758.08", '.', 2, NUMBER_EXACT, &value) && value == INT64_MIN);
    ck_assert(decimal("9.223372036854775807", '.', 18, NUMBER_EXACT, &value) && value == INT64_MAX);
}
END_TEST

START_TEST(test_malformed_decimals_are_refused)
{
    static const char *const bad[] = {
        "",
        ".",
        "-",
        "1,23",
        "1,2345",
        "1234,567",
        ",123",
        "1,,234",
        "1,234,",
        "1,234'567",
        "1.2.3",
        "1.234,5",
        "1e3",
        "--1",
        "1.2-",
        "(1",
        "1)",
        "()",
        "(-1)",
        "$5",
        "1,234 567",
        "1.5 0",
        "92233720368547758.08",
        "nan",
    };
    int64_t value;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (decimal(bad[i], '.', 2, NUMBER_ROUND_HALF_EVEN, &value))
            ck_abort_msg("%s became %lld", bad[i], (long long)value);
    ck_assert(!decimal("1.005", '.', 2, NUMBER_EXACT, &value));
    ck_assert(!decimal("1.000000000000001", '.', 2, NUMBER_EXACT, &value));
    ck_assert(!decimal("1", '.', 19, NUMBER_EXACT, &value));
    ck_assert(!decimal("1", ';', 2, NUMBER_EXACT, &value));
    ck_assert(!decimal("10", '.', 18, NUMBER_EXACT, &value)); /* 10^19 > 2^63 */
}
END_TEST

START_TEST(test_rounding_is_half_to_even)
{
    int64_t value;

    ck_assert(decimal("0.125", '.', 2, NUMBER_ROUND_HALF_EVEN, &value) && value == 12);
    ck_assert(decimal("0.135", '.', 2, NUMBER_ROUND_HALF_EVEN, &value) && value == 14);
    ck_assert(decimal("0.1250001", '.', 2, NUMBER_ROUND_HALF_EVEN, &value) && value == 13);
    ck_assert(decimal("-0.135", '.', 2, NUMBER_ROUND_HALF_EVEN, &value) && value == -14);
    ck_assert(decimal("0.129", '.', 2, NUMBER_ROUND_HALF_EVEN, &value) && value == 13);
    ck_assert(decimal("2.5", '.', 0, NUMBER_ROUND_HALF_EVEN, &value) && value == 2);
    ck_assert(!decimal("92233720368547758.075", '.', 2, NUMBER_ROUND_HALF_EVEN, &value)); /* one too far */
}
END_TEST

START_TEST(test_multiply_and_divide_without_overflow)
{
    int64_t value;

    ck_assert(number_multiply_divide(INT64_MAX, INT64_MAX, INT64_MAX, &value) && value == INT64_MAX);
    ck_assert(number_multiply_divide(INT64_MIN, 1, 1, &value) && value == INT64_MIN);
    ck_assert(!number_multiply_divide(INT64_MIN, -1, 1, &value));
    ck_assert(!number_multiply_divide(INT64_MAX, 3, 2, &value));
    ck_assert(!number_multiply_divide(INT64_MAX, INT64_MAX, 1, &value));
    ck_assert(!number_multiply_divide(1, 1, 0, &value));
    ck_assert(number_multiply_divide(5, 1, 2, &value) && value == 2); /* 2.5 */
    ck_assert(number_multiply_divide(7, 1, 2, &value) && value == 4); /* 3.5 */
    ck_assert(number_multiply_divide(-7, 1, 2, &value) && value == -4);
    ck_assert(number_multiply_divide(7, -1, -2, &value) && value == 4);
    ck_assert(number_multiply_divide(1, 2, 3, &value) && value == 1); /* 0.67 */
    ck_assert(number_multiply_divide(1, 1, INT64_MIN, &value) && value == 0);
}
END_TEST

START_TEST(test_formatting_groups_and_marks)
{
    char text[NUMBER_TEXT_SIZE];

    ck_assert_uint_eq(number_format_int(0, 0, text), 1);
    ck_assert_str_eq(text, "0");
    number_format_int(-1234567, ',', text);
    ck_assert_str_eq(text, "-1,234,567");
    number_format_int(999, ',', text);
    ck_assert_str_eq(text, "999");
    ck_assert_uint_eq(number_format_int(INT64_MIN, ',', text), 26);
    ck_assert_str_eq(text, "-9,223,372,036,854,775,808");
    number_format_decimal(123450, 2, ',', '.', text);
    ck_assert_str_eq(text, "1,234.50");
    number_format_decimal(-5, 2, '.', ',', text);
    ck_assert_str_eq(text, "-0,05");
    number_format_decimal(0, 3, 0, '.', text);
    ck_assert_str_eq(text, "0.000");
    number_format_decimal(INT64_MIN, 18, ',', '.', text);
    ck_assert_str_eq(text, "-9.223372036854775808");
    number_format_decimal(100000, 2, ',', '.', text);
    ck_assert_str_eq(text, "1,000.00");
    number_format_decimal(-12, 1, 0, 0, text); /* no mark is named: the point */
    ck_assert_str_eq(text, "-1.2");
    number_format_decimal(5, 1000, 0, '.', text); /* as many decimals as there may be */
    ck_assert_str_eq(text, "0.000000000000000005");
}
END_TEST

START_TEST(test_doubles_as_the_c_library_reads_them)
{
    static const char *const good[] = {
        "0",
        "1",
        "-1",
        "+1.5",
        ".5",
        "5.",
        "1e3",
        "1E+3",
        "1e-3",
        "123456789012345678901234567890",
        "0.1",
        "0.3",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.00000000000000000001",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "5e-324",
        "2.4703282292062327e-324",
        "1e-400",
        "0.000000000000000000000000000001e30",
        "1000000000000000000000000000000e-30",
        "2.2250738585072011e-308",
        "179769313486231580793e288",
        "8.98846567431158e307",
        "1.00000000000000011102230246251565404236316680908203125",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value;
        double expected = strtod(good[i], NULL);
        if (!parse_double(good[i], &value) || memcmp(&value, &expected, sizeof value) != 0)
            ck_abort_msg("%s is %.17g", good[i], expected);
    }
}
END_TEST

START_TEST(test_what_is_no_double_is_refused)
{
    static const char *const bad[] = {"",    ".",   "e5",    "1e",     "1e+", "1.2.3", "1,5", "0x1p3",
                                      "inf", "nan", "1e309", "-1e400", "1 2", "1e5x",  "--1", "1e99999999999999999999"};
    double value;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse_double(bad[i], &value))
            ck_abort_msg("%s became %.17g", bad[i], value);
    ck_assert(!parse_double("\x0E"
                            "1",
                            &value)); /* a control, but no blank */
    ck_assert(parse_double("\t\v1.5 \r\n", &value) && value == 1.5);
    ck_assert(parse_double("1e-99999999999999999999", &value) && value == 0);
    ck_assert(parse_double("0e99999999999999999999", &value) && value == 0);
}
END_TEST

START_TEST(test_many_digits_are_rounded_once)
{
    /* 2^-1 + 2^-54 is the middle between two doubles; any digit behind it, be it
     * the 900th, decides for the upper. */
    char text[1000];
    double value;

    memset(text, '0', sizeof text);
    memcpy(text, "0.5000000000000000555111512312578270211815834045410156", 54);
    memcpy(text + 54, "25", 2); /* 0.5 + 2^-54 in full */
    ck_assert(number_parse_double(text, sizeof text, &value));
    ck_assert_double_eq(value, 0.5); /* half to even */
    text[900] = '1';
    ck_assert(number_parse_double(text, sizeof text, &value));
    ck_assert_double_eq(value, nextafter(0.5, 1));
    memset(text, '7', sizeof text); /* 10^1000 does not fit */
    ck_assert(!number_parse_double(text, sizeof text, &value));
    memcpy(text + 994, "e-990", 6); /* 994 sevens: 7777.77… */
    ck_assert(number_parse_double(text, 999, &value));
    ck_assert_double_eq(value, 7777.0 + 7.0 / 9.0);
}
END_TEST

START_TEST(test_doubles_read_back_as_they_were)
{
    static const double special[] = {0.1,
                                     1.0 / 3,
                                     100,
                                     1e15,
                                     123456789012345680.0,
                                     1e17,
                                     1e16,
                                     1e-5,
                                     1e-6,
                                     DBL_MAX,
                                     DBL_MIN,
                                     5e-324,
                                     -2.5,
                                     0.30000000000000004,
                                     9007199254740993.0};
    static const char *const texts[] = {"0.1",
                                        NULL,
                                        "100",
                                        "1000000000000000",
                                        "1.2345678901234568e17",
                                        "1e17",
                                        "10000000000000000",
                                        "0.00001",
                                        "1e-6",
                                        "1.7976931348623157e308",
                                        "2.2250738585072014e-308",
                                        NULL,
                                        "-2.5",
                                        "0.30000000000000004",
                                        "9007199254740992"};
    char text[NUMBER_TEXT_SIZE];
    double back;
    uint64_t state = 7;

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        size_t length = number_format_double(special[i], text);
        if (texts[i])
            ck_assert_str_eq(text, texts[i]);
        ck_assert(number_parse_double(text, length, &back));
        ck_assert_mem_eq(&back, &special[i], sizeof back);
    }
    for (int i = 0; i < 20000; i++) {
        double value;
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = state ^ state >> 29;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        size_t length = number_format_double(value, text);
        ck_assert_uint_lt(length, 26);
        if (!number_parse_double(text, length, &back) || back != value || strtod(text, NULL) != value)
            ck_abort_msg("%.17g became %s", value, text);
    }
}
END_TEST

START_TEST(test_numbers_without_a_value_have_names)
{
    char text[NUMBER_TEXT_SIZE];

    number_format_double((double)NAN, text);
    ck_assert_str_eq(text, "nan");
    number_format_double(-(double)INFINITY, text);
    ck_assert_str_eq(text, "-inf");
    number_format_double((double)INFINITY, text);
    ck_assert_str_eq(text, "inf");
    number_format_double(-0.0, text);
    ck_assert_str_eq(text, "-0");
}
END_TEST

START_TEST(test_the_locale_changes_nothing)
{
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "tr_TR.UTF-8", "ru_RU.UTF-8"};
    char text[NUMBER_TEXT_SIZE];
    double value;
    bool set = false;

    for (size_t i = 0; !set && i < sizeof commas / sizeof commas[0]; i++)
        set = setlocale(LC_ALL, commas[i]) != NULL;
    if (!set)
        printf("SKIP numbers in a locale with a comma: none is installed\n");
    number_format_double(0.1 + 0.2, text);
    ck_assert_str_eq(text, "0.30000000000000004");
    ck_assert(parse_double("0.30000000000000004", &value));
    ck_assert_double_eq(value, 0.1 + 0.2);
    setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("number");
    TCase *cases = tcase_create("number");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, test_integers_up_to_the_limits);
    tcase_add_test(cases, test_what_is_no_integer_is_refused);
    tcase_add_test(cases, test_decimals_with_either_mark);
    tcase_add_test(cases, test_malformed_decimals_are_refused);
    tcase_add_test(cases, test_rounding_is_half_to_even);
    tcase_add_test(cases, test_multiply_and_divide_without_overflow);
    tcase_add_test(cases, test_formatting_groups_and_marks);
    tcase_add_test(cases, test_doubles_as_the_c_library_reads_them);
    tcase_add_test(cases, test_what_is_no_double_is_refused);
    tcase_add_test(cases, test_many_digits_are_rounded_once);
    tcase_add_test(cases, test_doubles_read_back_as_they_were);
    tcase_add_test(cases, test_numbers_without_a_value_have_names);
    tcase_add_test(cases, test_the_locale_changes_nothing);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
