/* CSV: the twelve files of csv-spectrum against their JSON, RFC 4180, and what
 * real files do.  The same text must give the same rows however it is cut into
 * reads, which a reader of one byte at a time proves.
 * Proves P6. */
#include "io/csv.h"
#include "model/json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crm_error error;

/* ---- rows as one text: fields in <>, rows end with a line break ---- */

struct chopped {
    const char *text;
    size_t left, step;
};

static int32_t read_chopped(void *context, void *bytes, size_t capacity, size_t *got, crm_error *unused)
{
    struct chopped *chopped = context;

    (void)unused;
    *got = chopped->left < chopped->step ? chopped->left : chopped->step;
    *got = *got < capacity ? *got : capacity;
    memcpy(bytes, chopped->text, *got);
    chopped->text += *got;
    chopped->left -= *got;
    return CRM_OK;
}

static int32_t list_rows(struct csv *csv, struct buffer *out)
{
    struct csv_row row;
    int32_t status;

    while ((status = csv_next(csv, &row, &error)) == CRM_OK) {
        ck_assert_uint_gt(row.count, 0);
        for (size_t i = 0; i < row.count; i++) {
            ck_assert_int_eq(row.fields[i].text[row.fields[i].length], 0);
            buffer_byte(out, '<');
            buffer_append(out, row.fields[i].text, row.fields[i].length);
            buffer_byte(out, '>');
        }
        buffer_byte(out, '\n');
    }
    buffer_byte(out, 0);
    ck_assert(!out->failed);
    ck_assert_int_eq(csv_next(csv, &row, NULL), status); /* the end stays the end */
    return status;
}

/* The rows of a text, the same whole and in pieces of 1, 2, 3 and 7 bytes. */
static int32_t rows_of(const char *text, size_t length, char delimiter, struct buffer *out)
{
    struct csv_options options = {.delimiter = delimiter};
    static const size_t steps[] = {1, 2, 3, 7};
    struct csv *csv;

    out->length = 0;
    ck_assert_int_eq(csv_open_memory(memory_default(), &options, text, length, &csv, &error), CRM_OK);
    int32_t status = list_rows(csv, out);
    csv_close(csv);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct chopped chopped = {text, length, steps[i]};
        struct buffer again;
        buffer_init(&again, memory_default());
        ck_assert_int_eq(csv_open(memory_default(), &options, read_chopped, &chopped, &csv, &error), CRM_OK);
        ck_assert_int_eq(list_rows(csv, &again), status);
        ck_assert_str_eq((const char *)again.data, (const char *)out->data);
        csv_close(csv);
        buffer_free(&again);
    }
    return status;
}

static void expect(const char *text, char delimiter, const char *rows)
{
    struct buffer out;

    buffer_init(&out, memory_default());
    ck_assert_int_eq(rows_of(text, strlen(text), delimiter, &out), CRM_DONE);
    ck_assert_str_eq((const char *)out.data, rows);
    buffer_free(&out);
}

START_TEST(test_rows_and_fields)
{
    expect("a,b\n1,2\n", ',', "<a><b>\n<1><2>\n");
    expect("a,b\r\n1,2", ',', "<a><b>\n<1><2>\n");
    expect("a,b\r1,2\r", ',', "<a><b>\n<1><2>\n");
    expect("a,,c\n,,\n", ',', "<a><><c>\n<><><>\n");
    expect("a,b,\n", ',', "<a><b><>\n");
    expect("a,", ',', "<a><>\n");
    expect("", ',', "");
    expect("\n\r\n\n", ',', "");
    expect("\na\n\n\nb\n\n", ',', "<a>\n<b>\n"); /* lines with nothing on them are no rows */
    expect("\"\"\n", ',', "<>\n");               /* an empty field in quotes is one */
    expect("a\n1,2,3\n", ',', "<a>\n<1><2><3>\n");
    expect(" a , b \n", ',', "< a >< b >\n");
    expect("a longer field than one word of eight bytes,and another such field\n", ',',
           "<a longer field than one word of eight bytes><and another such field>\n");
}
END_TEST

START_TEST(test_quoted_fields)
{
    expect("\"a\",\"b,c\"\n", ',', "<a><b,c>\n");
    expect("\"a\"\"b\",\"\"\"\"\n", ',', "<a\"b><\">\n");
    expect("\"a\nb\",\"c\r\nd\"\r\n\"e\rf\"\n", ',', "<a\nb><c\r\nd>\n<e\rf>\n");
    expect("\"a\"", ',', "<a>\n");
    expect("\"a\",", ',', "<a><>\n");
    expect("\"\",\"\"\n", ',', "<><>\n");
    expect("\"one \"\"two\"\" three\"\" and so on\",x\n", ',', "<one \"two\" three\" and so on><x>\n");
}
END_TEST

START_TEST(test_careless_quotes_are_text)
{
    expect("5\" pipe,6\"\n", ',', "<5\" pipe><6\">\n");
    expect("a \"b\" c,d\n", ',', "<a \"b\" c><d>\n");
    expect("\"a\"b,c\n", ',', "<ab><c>\n");
    expect("\"a\" ,c\n", ',', "<a ><c>\n");
    expect("\"a\"\"b\"c\"d,e\n", ',', "<a\"bc\"d><e>\n");
    expect(" \"a\",b\n", ',', "< \"a\"><b>\n");
}
END_TEST

START_TEST(test_a_quote_never_closed_is_an_error_with_its_place)
{
    struct buffer out;
    const char *text = "a,b\n1,\"two\nthree\n\n";

    buffer_init(&out, memory_default());
    ck_assert_int_eq(rows_of(text, strlen(text), ',', &out), CRM_INVALID);
    ck_assert_str_eq((const char *)out.data, "<a><b>\n"); /* what came before is good */
    ck_assert_str_eq(error.message, "line 2, column 3: a quote that is never closed");
    ck_assert_int_eq(rows_of("\"", 1, ',', &out), CRM_INVALID);
    ck_assert_int_eq(rows_of("\"a\"\"", 4, ',', &out), CRM_INVALID);
    buffer_free(&out);
}
END_TEST

START_TEST(test_delimiters_are_found_out)
{
    expect("a;b\n1,5;2,5\n", 0, "<a><b>\n<1,5><2,5>\n");
    expect("a\tb\n1, 2\t3\n", 0, "<a><b>\n<1, 2><3>\n");
    expect("a|b\n1|2\n", 0, "<a><b>\n<1><2>\n");
    expect("\"a;x;y\",b\n1,2\n", 0, "<a;x;y><b>\n<1><2>\n"); /* quoted ones do not count */
    expect("name,notes\nAcme,\"x; y; z; a; b\"\n", 0, "<name><notes>\n<Acme><x; y; z; a; b>\n");
    expect("first name\nMia Muster\n", 0, "<first name>\n<Mia Muster>\n"); /* one column of words */
    expect("only\n", 0, "<only>\n");
    expect("a;b", 0, "<a><b>\n");
    expect("1;2,5\n3;4,5\n", 0, "<1;2><5>\n<3;4><5>\n"); /* nobody can know; the comma comes first */
    expect("sep=;\r\na,b;c\r\n", 0, "<a,b><c>\n");
    expect("sep=|\nx", ',', "<x>\n"); /* the caller's word counts more */
    expect("\n\n\n", 0, "");
    ck_assert_int_eq(csv_detect("", 0, true), ',');
    ck_assert_int_eq(csv_detect("a;b;c", 5, false), ';'); /* no row is complete */
}
END_TEST

START_TEST(test_runs_of_blanks_are_one_delimiter)
{
    const char *cdnow = " 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n";

    expect(cdnow, 0, "<00001><19970101><1><11.77>\n<00002><19970112><1><12.00>\n");
    expect(cdnow, ' ', "<00001><19970101><1><11.77>\n<00002><19970112><1><12.00>\n");
    expect("a  b\t c \n \n\n  \"d e\"  f  \n g", ' ', "<a><b><c>\n<d e><f>\n<g>\n");
    expect("1 2\n3 4 5\n", 0, "<1 2>\n<3 4 5>\n"); /* not a table */
    expect("1 2", 0, "<1><2>\n");
}
END_TEST

START_TEST(test_byte_order_marks)
{
    struct csv *csv;
    struct csv_row row;

    expect("\xEF\xBB\xBF"
           "a,b\n",
           0, "<a><b>\n");
    expect("\xEF\xBB\xBF\"a\",b\n", 0, "<a><b>\n");
    expect("\xEF\xBB\xBF", 0, "");
    ck_assert_int_eq(csv_open_memory(memory_default(), NULL, "\xEF\xBB\xBFx", 4, &csv, &error), CRM_OK);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
    ck_assert_uint_eq(row.fields[0].column, 1); /* the mark takes no column */
    csv_close(csv);
    ck_assert_int_eq(csv_open_memory(memory_default(), NULL,
                                     "\xFF\xFE"
                                     "a\0",
                                     4, &csv, &error),
                     CRM_INVALID);
    ck_assert_ptr_null(csv);
    ck_assert_ptr_nonnull(strstr(error.message, "UTF-16"));
    ck_assert_int_eq(csv_open_memory(memory_default(), NULL, "\xFE\xFF\0a", 4, &csv, &error), CRM_INVALID);
}
END_TEST

START_TEST(test_fields_know_their_place)
{
    const char *text = "id,name\r\n\n1,\"two\nlines\",x\n\"\",y\n";
    struct csv *csv;
    struct csv_row row;

    ck_assert_int_eq(csv_open_memory(memory_default(), NULL, text, strlen(text), &csv, &error), CRM_OK);
    ck_assert_int_eq(csv_delimiter(csv), ',');
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
    ck_assert_uint_eq(row.fields[1].column, 4);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
    ck_assert_uint_eq(row.line, 3); /* line 2 is blank */
    ck_assert_uint_eq(row.number, 2);
    ck_assert_uint_eq(row.fields[1].line, 3);
    ck_assert_uint_eq(row.fields[1].column, 3);
    ck_assert(row.fields[1].quoted);
    ck_assert(!row.fields[0].quoted);
    ck_assert_uint_eq(row.fields[2].line, 4); /* lines",x */
    ck_assert_uint_eq(row.fields[2].column, 8);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
    ck_assert_uint_eq(row.line, 5);
    ck_assert(row.fields[0].quoted);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_DONE);
    ck_assert_uint_eq(csv_bytes_read(csv), strlen(text));
    csv_close(csv);
}
END_TEST

START_TEST(test_zero_bytes_are_kept)
{
    struct buffer out;

    buffer_init(&out, memory_default());
    ck_assert_int_eq(rows_of("a\0b,\"c\0\"\n", 9, ',', &out), CRM_DONE);
    ck_assert_uint_eq(out.length, 11);
    ck_assert_mem_eq(out.data, "<a\0b><c\0>\n", 11);
    buffer_free(&out);
}
END_TEST

START_TEST(test_limits_stop_the_reading)
{
    struct csv_options options = {.row_size_max = 20, .fields_max = 3};
    struct csv *csv;
    struct csv_row row;
    const char *many = "a,b,c\na,b,c,d\n";
    const char *large = "short\na row of more than twenty bytes\n";

    ck_assert_int_eq(csv_open_memory(memory_default(), &options, many, strlen(many), &csv, &error), CRM_OK);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_FULL);
    ck_assert_str_eq(error.message, "line 2, column 7: the row has more fields than the limit");
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_FULL);
    csv_close(csv);
    for (size_t step = 1; step < 50; step += 7) {
        struct chopped chopped = {large, strlen(large), step};
        ck_assert_int_eq(csv_open(memory_default(), &options, read_chopped, &chopped, &csv, &error), CRM_OK);
        ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
        ck_assert_int_eq(csv_next(csv, &row, &error), CRM_FULL);
        ck_assert_ptr_nonnull(strstr(error.message, "line 2"));
        csv_close(csv);
    }
}
END_TEST

struct endless {
    uint64_t given;
    size_t largest;
};

static int32_t read_endless(void *context, void *bytes, size_t capacity, size_t *got, crm_error *unused)
{
    struct endless *endless = context;

    (void)unused;
    *got = capacity;
    memset(bytes, 'x', capacity);
    if (endless->given == 0)
        memcpy(bytes, "a,\"", 3);
    endless->given += capacity;
    endless->largest = capacity > endless->largest ? capacity : endless->largest;
    return CRM_OK;
}

START_TEST(test_an_endless_row_takes_bounded_memory)
{
    struct csv_options options = {.row_size_max = 1024 * 1024};
    struct endless endless = {0, 0};
    struct csv *csv;
    struct csv_row row;

    ck_assert_int_eq(csv_open(memory_default(), &options, read_endless, &endless, &csv, &error), CRM_OK);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_FULL);
    ck_assert_uint_lt(endless.given, 4 * 1024 * 1024);
    csv_close(csv);
}
END_TEST

static int32_t read_failing(void *context, void *bytes, size_t capacity, size_t *got, crm_error *why)
{
    int *calls = context;

    ck_assert_uint_gt(capacity, 70000);
    memset(bytes, '\n', 70000);
    memcpy(bytes, "a\n", 2);
    *got = 70000;
    return ++*calls == 1 ? CRM_OK : error_set(why, CRM_IO, "the disk is gone");
}

START_TEST(test_a_failed_read_is_reported)
{
    struct csv *csv;
    struct csv_row row;
    int calls = 0;

    ck_assert_int_eq(csv_open(memory_default(), NULL, read_failing, &calls, &csv, &error), CRM_OK);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_IO);
    ck_assert_str_eq(error.message, "the disk is gone");
    csv_close(csv);
    struct csv_options options = {.delimiter = '"'};
    ck_assert_int_eq(csv_open_memory(memory_default(), &options, "a", 1, &csv, &error), CRM_INVALID);
    csv_close(NULL);
}
END_TEST

struct counting {
    int calls, fail_at;
};

static void *counting_resize(void *context, void *old, size_t size)
{
    struct counting *counting = context;

    if (size == 0) {
        free(old);
        return NULL;
    }
    return ++counting->calls == counting->fail_at ? NULL : realloc(old, size);
}

START_TEST(test_no_memory_is_an_error_at_every_allocation)
{
    char *text = malloc(600000); /* one row, larger than the buffer at first */

    memset(text, 'x', 600000);
    for (size_t i = 99; i < 600000; i += 100)
        text[i] = ',';
    for (int fail_at = 1;; fail_at++) {
        struct counting counting = {0, fail_at};
        struct memory memory = {counting_resize, &counting};
        struct csv *csv;
        struct csv_row row;
        int32_t status = csv_open_memory(&memory, NULL, text, 600000, &csv, &error);
        if (status == CRM_OK)
            status = csv_next(csv, &row, &error);
        if (status == CRM_OK) {
            ck_assert_uint_eq(row.count, 6001); /* the last byte is a comma */
            for (size_t i = 0; i < 6000; i++)
                ck_assert_uint_eq(row.fields[i].length, 99);
            csv_close(csv);
            break;
        }
        ck_assert_int_eq(status, CRM_NOMEM);
        ck_assert_int_lt(fail_at, 50);
        csv_close(csv);
    }
    free(text);
}
END_TEST

START_TEST(test_rows_across_the_buffer_stay_whole)
{
    /* 40,000 rows of ever new lengths, 5 MB: many times the buffer. */
    struct buffer text;
    struct csv *csv;
    struct csv_row row;

    buffer_init(&text, memory_default());
    for (int i = 0; i < 40000; i++) {
        buffer_format(&text, "%d,\"", i);
        for (int k = 0; k < i % 97; k++)
            buffer_byte(&text, (uint8_t)('a' + k % 26));
        buffer_text(&text, "\"\"\n\",z\r\n");
    }
    struct chopped chopped = {(const char *)text.data, text.length, 65536};
    ck_assert_int_eq(csv_open(memory_default(), NULL, read_chopped, &chopped, &csv, &error), CRM_OK);
    for (int i = 0; i < 40000; i++) {
        ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
        ck_assert_uint_eq(row.count, 3);
        ck_assert_int_eq(strtol(row.fields[0].text, NULL, 10), i);
        ck_assert_uint_eq(row.fields[1].length, (size_t)(i % 97) + 2);
        ck_assert_str_eq(row.fields[1].text + i % 97, "\"\n");
        ck_assert_str_eq(row.fields[2].text, "z");
        ck_assert_uint_eq(row.line, 2 * (uint64_t)i + 1);
    }
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_DONE);
    csv_close(csv);
    buffer_free(&text);
}
END_TEST

/* ---- csv-spectrum ---- */

static bool load(const char *folder, const char *kind, const char *name, struct buffer *out)
{
    char path[512];
    uint8_t chunk[4096];

    snprintf(path, sizeof path, "%s/csv-spectrum/%ss/%s.%s", folder, kind, name, kind);
    if (strcmp(kind, "json") == 0)
        snprintf(path, sizeof path, "%s/csv-spectrum/json/%s.json", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    out->length = 0;
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buffer_append(out, chunk, got);
    fclose(file);
    return !out->failed;
}

/* Each row is an object of the JSON's array, keyed by the header.  One file is
 * published with an object in place of the array and with another telephone
 * number than its CSV has: there, that column is left out. */
static void compare_with_json(const struct buffer *text, const struct json *json, const char *name)
{
    char headers[16][64];
    struct csv *csv;
    struct csv_row row;
    bool odd = json_at(json, 0)->type == JSON_OBJECT;
    uint32_t object = odd ? 0 : json_first(json, 0);

    ck_assert_int_eq(odd, strcmp(name, "location_coordinates") == 0);
    ck_assert_int_eq(csv_open_memory(memory_default(), NULL, text->data, text->length, &csv, &error), CRM_OK);
    ck_assert_int_eq(csv_next(csv, &row, &error), CRM_OK);
    size_t columns = row.count;
    ck_assert_uint_le(columns, 16);
    for (size_t i = 0; i < columns; i++)
        snprintf(headers[i], sizeof headers[i], "%s", row.fields[i].text);
    for (; csv_next(csv, &row, &error) == CRM_OK; object = odd ? JSON_NONE : json_next(json, 0, object)) {
        ck_assert_uint_ne(object, JSON_NONE);
        ck_assert_uint_eq(row.count, columns);
        for (size_t i = odd ? 1 : 0; i < columns; i++) {
            size_t length;
            uint32_t value = json_find(json, object, headers[i], strlen(headers[i]));
            const char *expected = json_string_of(json, value, &length);
            if (expected == NULL || length != row.fields[i].length || strcmp(expected, row.fields[i].text) != 0)
                ck_abort_msg("%s, %s: %s, not %s", name, headers[i], row.fields[i].text, expected ? expected : "?");
        }
    }
    ck_assert_uint_eq(object, JSON_NONE);
    csv_close(csv);
}

START_TEST(test_csv_spectrum)
{
    static const char *const names[] = {"comma_in_quotes", "empty",         "empty_crlf",
                                        "escaped_quotes",  "json",          "location_coordinates",
                                        "newlines",        "newlines_crlf", "quotes_and_newlines",
                                        "simple",          "simple_crlf",   "utf8"};
    const char *folder = getenv("CRM_TEST_DATA");
    struct buffer text, expected;
    struct json json;

    folder = folder ? folder : "../shared/data";
    buffer_init(&text, memory_default());
    buffer_init(&expected, memory_default());
    json_init(&json, memory_default());
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!load(folder, "csv", names[i], &text) || !load(folder, "json", names[i], &expected)) {
            printf("SKIP csv-spectrum %s: not in %s (set CRM_TEST_DATA)\n", names[i], folder);
            continue;
        }
        ck_assert_int_eq(json_parse(&json, expected.data, expected.length, &error), CRM_OK);
        compare_with_json(&text, &json, names[i]);
    }
    json_free(&json);
    buffer_free(&text);
    buffer_free(&expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *cases = tcase_create("csv");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_rows_and_fields);
    tcase_add_test(cases, test_quoted_fields);
    tcase_add_test(cases, test_careless_quotes_are_text);
    tcase_add_test(cases, test_a_quote_never_closed_is_an_error_with_its_place);
    tcase_add_test(cases, test_delimiters_are_found_out);
    tcase_add_test(cases, test_runs_of_blanks_are_one_delimiter);
    tcase_add_test(cases, test_byte_order_marks);
    tcase_add_test(cases, test_fields_know_their_place);
    tcase_add_test(cases, test_zero_bytes_are_kept);
    tcase_add_test(cases, test_limits_stop_the_reading);
    tcase_add_test(cases, test_an_endless_row_takes_bounded_memory);
    tcase_add_test(cases, test_a_failed_read_is_reported);
    tcase_add_test(cases, test_no_memory_is_an_error_at_every_allocation);
    tcase_add_test(cases, test_rows_across_the_buffer_stay_whole);
    tcase_add_test(cases, test_csv_spectrum);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
