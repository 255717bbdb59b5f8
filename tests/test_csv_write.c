/* CSV as it is written: quotes where RFC 4180 asks for them, and every text back
 * as it was. */
#include "io/csv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static crm_error error;

static void written(const char *text, char delimiter, const char *expected)
{
    struct buffer out;

    buffer_init(&out, memory_default());
    csv_field(&out, text, strlen(text), delimiter);
    buffer_byte(&out, 0);
    ck_assert_str_eq((const char *)out.data, expected);
    buffer_free(&out);
}

START_TEST(test_fields_are_quoted_when_needed)
{
    written("plain", ',', "plain");
    written("", ',', "");
    written("a,b", ',', "\"a,b\"");
    written("a,b", ';', "a,b");
    written("a;b", ';', "\"a;b\"");
    written("say \"hi\"", ',', "\"say \"\"hi\"\"\"");
    written("\"", ',', "\"\"\"\"");
    written("two\nlines", ',', "\"two\nlines\"");
    written("cr\r", ',', "\"cr\r\"");
    written(" blank", ',', "\" blank\"");
    written("blank\t", ',', "\"blank\t\"");
    written("a b", ',', "a b");
    written("a b", ' ', "\"a b\"");
    written("a\tb", ' ', "\"a\tb\"");
    written("", ' ', "\"\"");
    written("\xEF\xBB\xBFx", ',', "\"\xEF\xBB\xBFx\"");
    written("\xFF\xFEx", ',', "\"\xFF\xFEx\""); /* the marks of UTF-16 */
    written("\xFE\xFF", ',', "\"\xFE\xFF\"");
    written("sep=;", ',', "\"sep=;\"");
    written("=1+1", ',', "=1+1"); /* never changed unless asked for */
}
END_TEST

START_TEST(test_guarded_fields_are_no_formulas)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {{"=1+1", "\"'=1+1\""},
                 {"@SUM(A1)", "\"'@SUM(A1)\""},
                 {"-x", "\"'-x\""},
                 {"-12.5", "-12.5"},
                 {"+49 30", "\"'+49 30\""},
                 {"plain", "plain"},
                 {"", ""},
                 {"=\"a\"", "\"'=\"\"a\"\"\""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out;
        buffer_init(&out, memory_default());
        csv_field_guarded(&out, cases[i].text, strlen(cases[i].text), ',');
        buffer_byte(&out, 0);
        ck_assert_str_eq((const char *)out.data, cases[i].expected);
        buffer_free(&out);
    }
}
END_TEST

START_TEST(test_what_is_written_reads_back)
{
    /* Fields made of the bytes that matter, in every delimiter, by a fixed sequence. */
    static const char bytes[] = "a\",;\t| \r\nx=";
    static const char delimiters[] = {',', ';', '\t', '|', ' '};
    uint64_t state = 3;

    for (int round = 0; round < 500; round++) {
        char delimiter = delimiters[round % 5];
        char fields[20][8];
        size_t lengths[20];
        struct buffer out;
        size_t n = 0;
        buffer_init(&out, memory_default());
        for (size_t row = 0; row < 5; row++) {
            size_t start = out.length;
            for (size_t column = 0; column < 1 + (size_t)round % 4; column++, n++) {
                state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                lengths[n] = (state >> 60) % 7;
                for (size_t i = 0; i < lengths[n]; i++)
                    fields[n][i] = bytes[(state >> (8 + 6 * i)) % (sizeof bytes - 1)];
                if (column > 0)
                    buffer_byte(&out, (uint8_t)delimiter);
                csv_field(&out, fields[n], lengths[n], delimiter);
            }
            csv_row_end(&out, start);
        }
        struct csv_options options = {.delimiter = delimiter};
        struct csv *csv;
        struct csv_row row;
        ck_assert_int_eq(csv_open_memory(memory_default(), &options, out.data, out.length, &csv, &error), CRM_OK);
        size_t back = 0;
        while (csv_next(csv, &row, &error) == CRM_OK) {
            ck_assert_uint_eq(row.count, 1 + (size_t)round % 4);
            for (size_t i = 0; i < row.count; i++, back++) {
                ck_assert_uint_eq(row.fields[i].length, lengths[back]);
                ck_assert(lengths[back] == 0 || memcmp(row.fields[i].text, fields[back], lengths[back]) == 0);
            }
        }
        ck_assert_uint_eq(back, n);
        csv_close(csv);
        buffer_free(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv_write");
    TCase *cases = tcase_create("csv_write");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, test_fields_are_quoted_when_needed);
    tcase_add_test(cases, test_guarded_fields_are_no_formulas);
    tcase_add_test(cases, test_what_is_written_reads_back);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
