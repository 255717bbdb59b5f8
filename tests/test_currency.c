/* Currencies: codes, numbers and minor units as ISO 4217 lists them. */
#include "model/currency.h"

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

static const char *formatted(void (*format)(struct buffer *, int64_t, uint16_t), int64_t minor, uint16_t currency)
{
    out.length = 0;
    format(&out, minor, currency);
    buffer_byte(&out, 0);
    ck_assert(!out.failed);
    return (const char *)out.data;
}

START_TEST(test_known_currencies)
{
    static const struct currency known[] = {
        {"EUR", 978, 2}, {"USD", 840, 2}, {"GBP", 826, 2}, {"CHF", 756, 2}, {"CNY", 156, 2}, {"INR", 356, 2},
        {"TRY", 949, 2}, {"SAR", 682, 2}, {"BRL", 986, 2}, {"AUD", 36, 2},  {"ALL", 8, 2},   {"ZWG", 924, 2},
        {"JPY", 392, 0}, {"KRW", 410, 0}, {"VND", 704, 0}, {"CLP", 152, 0}, {"ISK", 352, 0}, {"XOF", 952, 0},
        {"KWD", 414, 3}, {"BHD", 48, 3},  {"TND", 788, 3}, {"JOD", 400, 3}, {"OMR", 512, 3}, {"IQD", 368, 3},
        {"CLF", 990, 4}, {"UYW", 927, 4}, {"HRK", 191, 2}, {"AED", 784, 2}, {"ZMW", 967, 2},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct currency *found = currency_find(known[i].code, 3);
        ck_assert_ptr_nonnull(found);
        ck_assert_uint_eq(found->number, known[i].number);
        ck_assert_uint_eq(found->exponent, known[i].exponent);
        ck_assert_ptr_eq(currency_by_number(known[i].number), found);
    }
    ck_assert_ptr_eq(currency_find("eur", 3), currency_find("EUR", 3));
}
END_TEST

START_TEST(test_unknown_currencies)
{
    static const char *const unknown[] = {"", "EU", "EURO", "AAA", "ZZZ", "XAU", "XTS", "DEM", "E R", "999"};

    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        ck_assert_ptr_null(currency_find(unknown[i], strlen(unknown[i])));
    ck_assert_ptr_null(currency_by_number(0));
    ck_assert_ptr_null(currency_by_number(999)); /* "no currency" */
    ck_assert_ptr_null(currency_by_number(65535));
}
END_TEST

START_TEST(test_the_table_is_in_order)
{
    size_t shared = 0;

    ck_assert_uint_eq(currency_count(), 176); /* 165 with minor units, and 11 withdrawn */
    ck_assert_ptr_null(currency_at(currency_count()));
    for (size_t i = 0; i < currency_count(); i++) {
        const struct currency *one = currency_at(i);
        ck_assert_uint_eq(strlen(one->code), 3);
        ck_assert_uint_le(one->exponent, 4);
        ck_assert(one->number > 0 && one->number < 1000);
        ck_assert_ptr_eq(currency_find(one->code, 3), one);
        if (i > 0)
            ck_assert_int_lt(strcmp(currency_at(i - 1)->code, one->code), 0);
        if (currency_by_number(one->number) != one) {
            ck_assert_str_eq(one->code, "ANG"); /* replaced at par under its number */
            ck_assert_str_eq(currency_by_number(one->number)->code, "XCG");
            shared++;
        }
    }
    ck_assert_uint_eq(shared, 1);
}
END_TEST

START_TEST(test_money_is_written)
{
    ck_assert_str_eq(formatted(money_format, 123450, 978), "1,234.50 EUR");
    ck_assert_str_eq(formatted(money_plain, 123450, 978), "1234.50");
    ck_assert_str_eq(formatted(money_format, -5, 840), "-0.05 USD");
    ck_assert_str_eq(formatted(money_format, 123450, 392), "123,450 JPY"); /* no minor unit */
    ck_assert_str_eq(formatted(money_plain, 123450, 414), "123.450");      /* three digits */
    ck_assert_str_eq(formatted(money_plain, 123450, 990), "12.3450");      /* four */
    ck_assert_str_eq(formatted(money_format, INT64_MIN, 978), "-92,233,720,368,547,758.08 EUR");
    ck_assert_str_eq(formatted(money_format, 123450, 997), "1,234.50 USN");
    ck_assert_str_eq(formatted(money_format, 123450, 998), "123450 #998");
    ck_assert_str_eq(formatted(money_plain, 123450, 998), "123450");
}
END_TEST

START_TEST(test_money_is_read)
{
    static const struct {
        const char *text;
        char mark;
        uint16_t currency;
        int64_t minor;
    } cases[] = {
        {"1234.50", 0, 978, 123450},
        {"1,234.50 EUR", '.', 978, 123450},
        {"EUR 1,234.50", '.', 978, 123450},
        {"eur1.234,5", ',', 978, 123450},
        {" 1\u00A0234,50\u00A0EUR ", ',', 978, 123450},
        {"1000", 0, 392, 1000},
        {"1.234", '.', 414, 1234},
        {"-3", 0, 840, -300},
        {"(3.00) USD", 0, 840, -300},
        {"5 ANG", 0, 532, 500},
        {"5 XCG", 0, 532, 500},
    };
    int64_t minor;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (!money_parse(cases[i].text, strlen(cases[i].text), cases[i].mark, cases[i].currency, &minor) ||
            minor != cases[i].minor)
            ck_abort_msg("%s", cases[i].text);
    static const char *const bad[] = {"",          "EUR",     "1.005",   "USD 1", "1 USD",
                                      "EUR 1 EUR", "one EUR", "1,2 EUR", "EURO 1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (money_parse(bad[i], strlen(bad[i]), '.', 978, &minor))
            ck_abort_msg("%s", bad[i]);
    ck_assert(!money_parse("1.5", 3, '.', 392, &minor)); /* there is no half yen */
    ck_assert(!money_parse("1", 1, '.', 999, &minor));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("currency");
    TCase *cases = tcase_create("currency");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_known_currencies);
    tcase_add_test(cases, test_unknown_currencies);
    tcase_add_test(cases, test_the_table_is_in_order);
    tcase_add_test(cases, test_money_is_written);
    tcase_add_test(cases, test_money_is_read);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
