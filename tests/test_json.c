/* JSON against the grammar of RFC 8259, whose examples (sections 7 and 13) are
 * used here.
 * Proves P6. */
#include "model/json.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json json;
static crm_error error;

static void setup(void)
{
    json_init(&json, memory_default());
    memset(&error, 0, sizeof error);
}

static void teardown(void)
{
    json_free(&json);
}

static int32_t parse(const char *text)
{
    /* A copy of just the right size, so that reading past the end shows. */
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1);

    memcpy(copy, text, length);
    int32_t status = json_parse(&json, copy, length, &error);
    free(copy); /* the tree holds nothing of it */
    return status;
}

static void must(const char *text)
{
    if (parse(text) != CRM_OK)
        ck_abort_msg("%s: %s", text, error.message);
}

static const char *string_at(uint32_t node)
{
    size_t length;
    const char *text = json_string_of(&json, node, &length);

    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(text[length], 0);
    return text;
}

static uint32_t find(uint32_t object, const char *key)
{
    return json_find(&json, object, key, strlen(key));
}

START_TEST(test_the_examples_of_the_rfc)
{
    int64_t number;
    double real;

    must("{\n \"Image\": {\n \"Width\":  800,\n \"Height\": 600,\n \"Title\":  \"View from 15th Floor\",\n"
         " \"Thumbnail\": {\n \"Url\":    \"http://www.example.com/image/481989943\",\n \"Height\": 125,\n"
         " \"Width\":  100\n },\n \"Animated\" : false,\n \"IDs\": [116, 943, 234, 38793]\n }\n }");
    uint32_t image = find(0, "Image");
    ck_assert_uint_ne(image, JSON_NONE);
    ck_assert_uint_eq(json_at(&json, image)->length, 6);
    ck_assert(json_int64(&json, find(image, "Width"), &number) && number == 800);
    ck_assert_str_eq(string_at(find(image, "Title")), "View from 15th Floor");
    ck_assert(json_int64(&json, find(find(image, "Thumbnail"), "Height"), &number) && number == 125);
    ck_assert_uint_eq(json_at(&json, find(image, "Animated"))->type, JSON_FALSE);
    static const int64_t ids[] = {116, 943, 234, 38793};
    size_t count = 0;
    uint32_t list = find(image, "IDs");
    for (uint32_t node = json_first(&json, list); node != JSON_NONE; node = json_next(&json, list, node))
        ck_assert(json_int64(&json, node, &number) && number == ids[count++]);
    ck_assert_uint_eq(count, 4);
    must("[ { \"precision\": \"zip\", \"Latitude\": 37.7668, \"Longitude\": -122.3959 }, {} ]");
    ck_assert(json_double(&json, find(1, "Longitude"), &real));
    ck_assert_double_eq(real, -122.3959);
    ck_assert(!json_int64(&json, find(1, "Longitude"), &number));
    must("\"\\uD834\\uDD1E\""); /* the G clef, U+1D11E */
    ck_assert_str_eq(string_at(0), "\U0001D11E");
}
END_TEST

START_TEST(test_each_kind_of_value)
{
    static const struct {
        const char *text;
        int type;
    } cases[] = {
        {"null", JSON_NULL},   {"false", JSON_FALSE},     {" true\n", JSON_TRUE}, {"0", JSON_NUMBER},
        {"\"\"", JSON_STRING}, {"[]", JSON_ARRAY},        {"{}", JSON_OBJECT},    {"\xEF\xBB\xBF{ }", JSON_OBJECT},
        {"[ ]", JSON_ARRAY},   {"\t\r\n[\n]", JSON_ARRAY}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must(cases[i].text);
        ck_assert_int_eq(json_at(&json, 0)->type, cases[i].type);
        ck_assert_uint_eq(json_first(&json, 0), JSON_NONE);
        ck_assert_uint_eq(json.count, 1);
    }
}
END_TEST

START_TEST(test_strings_are_decoded)
{
    must("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u00e9\\u4EAC\\uFFFF\", \"\u5317\", \"a\\u0000b\", \"\x7F\"]");
    uint32_t node = json_first(&json, 0);
    ck_assert_str_eq(string_at(node), "\"\\/\b\f\n\r\t");
    node = json_next(&json, 0, node);
    ck_assert_str_eq(string_at(node), "\u00E9\u4EAC\uFFFF");
    node = json_next(&json, 0, node);
    ck_assert_str_eq(string_at(node), "\u5317");
    node = json_next(&json, 0, node);
    ck_assert_uint_eq(json_at(&json, node)->length, 3); /* the NUL inside counts */
    ck_assert_mem_eq(json_at(&json, node)->text, "a\0b", 4);
}
END_TEST

START_TEST(test_numbers_are_kept_and_converted)
{
    int64_t number;
    double real;

    must("[9223372036854775807, -9223372036854775808, 9223372036854775808, 1.0, 1e3, -0, 0.5, 1E-2, 1e400]");
    uint32_t node = json_first(&json, 0);
    ck_assert(json_int64(&json, node, &number) && number == INT64_MAX);
    node = json_next(&json, 0, node);
    ck_assert(json_int64(&json, node, &number) && number == INT64_MIN);
    node = json_next(&json, 0, node);
    ck_assert(!json_int64(&json, node, &number));
    ck_assert_str_eq(json_at(&json, node)->text, "9223372036854775808"); /* not a digit is lost */
    node = json_next(&json, 0, node);
    ck_assert(json_int64(&json, node, &number) && number == 1);
    node = json_next(&json, 0, node);
    ck_assert(!json_int64(&json, node, &number));
    ck_assert(json_double(&json, node, &real));
    ck_assert_double_eq(real, 1000);
    node = json_next(&json, 0, node);
    ck_assert(json_double(&json, node, &real) && real == 0 && signbit(real));
    node = json_next(&json, 0, node);
    ck_assert(json_double(&json, node, &real) && real == 0.5);
    node = json_next(&json, 0, node);
    ck_assert(json_double(&json, node, &real) && real == 0.01);
    node = json_next(&json, 0, node);
    ck_assert(!json_double(&json, node, &real)); /* beyond a double */
    ck_assert(!json_double(&json, 0, &real));
    ck_assert(!json_double(&json, JSON_NONE, &real));
}
END_TEST

START_TEST(test_of_equal_keys_the_last_wins)
{
    int64_t number;

    must("{\"a\": 1, \"b\": 2, \"a\": 3, \"\\u0061\": 4, \"\": 5}");
    ck_assert_uint_eq(json_at(&json, 0)->flags, JSON_DUPLICATES);
    ck_assert_uint_eq(json_at(&json, 0)->length, 5);
    ck_assert(json_int64(&json, find(0, "a"), &number) && number == 4);
    uint32_t node = json_first(&json, 0);
    ck_assert_str_eq(json_at(&json, node)->key, "b"); /* superseded members are passed */
    node = json_next(&json, 0, node);
    ck_assert_str_eq(json_at(&json, node)->key, "a");
    node = json_next(&json, 0, node);
    ck_assert(json_int64(&json, node, &number) && number == 5);
    ck_assert_uint_eq(json_next(&json, 0, node), JSON_NONE);
    must("{\"a\": {\"a\": 1}, \"b\": {\"a\": 2}}");
    ck_assert_uint_eq(json_at(&json, 0)->flags, 0);
    ck_assert_uint_eq(find(0, "c"), JSON_NONE);
    ck_assert_uint_eq(json_find(&json, 1, "ab", 2), JSON_NONE);
}
END_TEST

START_TEST(test_many_equal_keys_take_no_quadratic_time)
{
    /* 300,000 members, 3 keys: comparing each with each would take 4.5 * 10^10. */
    struct buffer text;
    int64_t number;

    buffer_init(&text, memory_default());
    buffer_text(&text, "{\"x\":0");
    for (int i = 1; i < 300000; i++)
        buffer_text(&text, i % 3 == 0 ? ",\"x\":1" : i % 3 == 1 ? ",\"y\":1" : ",\"z\":1");
    buffer_text(&text, ",\"x\":7}");
    ck_assert_int_eq(json_parse(&json, text.data, text.length, &error), CRM_OK);
    size_t live = 0;
    for (uint32_t node = json_first(&json, 0); node != JSON_NONE; node = json_next(&json, 0, node))
        live++;
    ck_assert_uint_eq(live, 3);
    ck_assert(json_int64(&json, find(0, "x"), &number) && number == 7);
    buffer_free(&text);
}
END_TEST

START_TEST(test_what_the_grammar_forbids_is_refused_with_its_place)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"", "line 1, column 1"},
        {"  ", "line 1, column 3"},
        {"nul", "line 1, column 1"},
        {"True", "line 1, column 1"},
        {"01", "line 1, column 2"},
        {"+1", "line 1, column 1"},
        {".5", "line 1, column 1"},
        {"1.", "line 1, column 3"},
        {"-", "line 1, column 2"},
        {"1e", "line 1, column 3"},
        {"1e+", "line 1, column 4"},
        {"-x", "line 1, column 2"},
        {"0x10", "line 1, column 2"},
        {"NaN", "line 1, column 1"},
        {"[1,]", "line 1, column 4"},
        {"[1 2]", "line 1, column 4"},
        {"[1", "line 1, column 3"},
        {"[", "line 1, column 2"},
        {"{\"a\":1,}", "line 1, column 8"},
        {"{\"a\" 1}", "line 1, column 6"},
        {"{a:1}", "line 1, column 2"},
        {"{\"a\":}", "line 1, column 6"},
        {"{1:2}", "line 1, column 2"},
        {"{\"a\":1]", "line 1, column 7"},
        {"[1}", "line 1, column 3"},
        {"{\n  \"a\": 1\n  \"b\": 2\n}", "line 3, column 3"},
        {"1 2", "line 1, column 3"},
        {"{}x", "line 1, column 3"},
        {"[\n\"abc", "line 2, column 1"},
        {"\"a\tb\"", "line 1, column 3"},
        {"\"\\x\"", "line 1, column 2"},
        {"\"\\", "line 1, column 2"},
        {"\"\\u12\"", "line 1, column 6"},
        {"\"\\u12G4\"", "line 1, column 6"},
        {"\"\\uD834\"", "line 1, column 2"},
        {"\"\\uDD1E\"", "line 1, column 2"},
        {"\"\\uD834\\u0041\"", "line 1, column 2"},
        {"\"\\uD834\\n\"", "line 1, column 2"},
        {"\"\\uD834\\u", "line 1, column 10"},
        {"\"ab\xFF\"", "line 1, column 4"},
        {"\"\xED\xA0\x80\"", "line 1, column 2"},
        {"'a'", "line 1, column 1"},
        {"[1]//", "line 1, column 4"},
        {"\xFF", "line 1, column 1"},
        {"\"\\ud834", "line 1, column 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (parse(cases[i].text) != CRM_INVALID)
            ck_abort_msg("%s was taken", cases[i].text);
        if (strncmp(error.message, cases[i].place, strlen(cases[i].place)) != 0 ||
            error.message[strlen(cases[i].place)] != ':')
            ck_abort_msg("%s: %s, not %s", cases[i].text, error.message, cases[i].place);
        ck_assert_uint_eq(json.count, 0);
    }
    ck_assert_int_eq(json_parse(&json, "\"a\0b\"", 5, &error), CRM_INVALID); /* a NUL is a control character */
    ck_assert_int_eq(json_parse(&json, "1\0", 2, NULL), CRM_INVALID);
}
END_TEST

START_TEST(test_depth_and_nodes_are_limited)
{
    char text[200];

    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    text[128] = 0;
    must(text);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    text[130] = 0;
    ck_assert_int_eq(parse(text), CRM_INVALID);
    json.node_limit = 4;
    ck_assert_int_eq(parse("[1,2,3]"), CRM_OK);
    ck_assert_int_eq(parse("[1,2,3,4]"), CRM_FULL);
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
    static const char text[] = "{\"a\":[1,2,3,4,5,6,7,8,9,10],\"a\":\"b\"}";

    for (int fail_at = 1;; fail_at++) {
        struct counting counting = {0, fail_at};
        struct memory memory = {counting_resize, &counting};
        struct json small;
        json_init(&small, &memory);
        int32_t status = json_parse(&small, text, sizeof text - 1, &error);
        json_free(&small);
        if (status == CRM_OK) {
            ck_assert_int_gt(fail_at, 2);
            break;
        }
        ck_assert_int_eq(status, CRM_NOMEM);
    }
}
END_TEST

START_TEST(test_a_reader_used_again_allocates_nothing)
{
    struct counting counting = {0, -1};
    struct memory memory = {counting_resize, &counting};
    struct json lines;

    json_init(&lines, &memory);
    ck_assert_int_eq(json_parse(&lines, "{\"name\":\"Acme\",\"n\":12}", 22, &error), CRM_OK);
    int before = counting.calls;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(json_parse(&lines, "{\"name\":\"Emca\",\"n\":21}", 22, &error), CRM_OK);
    ck_assert_int_eq(counting.calls, before);
    json_free(&lines);
}
END_TEST

START_TEST(test_writing_escapes_what_must_be)
{
    struct buffer out;

    buffer_init(&out, memory_default());
    json_string(&out, "a\"b\\c/\b\f\n\r\t\x01\x1F\x7F\u00E9\0z", 18);
    buffer_byte(&out, ' ');
    json_string(&out, "x\xFF\xC3y\xED\xA0\x80", 7);
    buffer_byte(&out, ' ');
    json_text(&out, "");
    json_key(&out, "k");
    json_number_int(&out, INT64_MIN);
    buffer_byte(&out, ',');
    json_number_double(&out, 0.1);
    buffer_byte(&out, ',');
    json_number_double(&out, (double)NAN);
    buffer_byte(&out, ',');
    json_bool(&out, true);
    buffer_byte(&out, 0);
    /* Each byte that is no UTF-8 becomes U+FFFD: FF, C3, and the three of a surrogate. */
    ck_assert_str_eq((const char *)out.data,
                     "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\u00E9\\u0000z\" "
                     "\"x\uFFFD\uFFFDy\uFFFD\uFFFD\uFFFD\" \"\"\"k\":-9223372036854775808,0.1,null,true");
    buffer_free(&out);
}
END_TEST

START_TEST(test_naughty_strings_come_back)
{
    const char *folder = getenv("CRM_TEST_DATA");
    char path[512];
    char line[8192];
    struct buffer out;

    snprintf(path, sizeof path, "%s/blns/blns.txt", folder ? folder : "../shared/data");
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("SKIP naughty strings: no %s (set CRM_TEST_DATA)\n", path);
        return;
    }
    buffer_init(&out, memory_default());
    size_t lines = 0;
    for (; fgets(line, sizeof line, file) != NULL; lines++) {
        out.length = 0;
        json_text(&out, line);
        ck_assert_int_eq(json_parse(&json, out.data, out.length, &error), CRM_OK);
        ck_assert_str_eq(string_at(0), line);
        (void)json_parse(&json, line, strlen(line), &error); /* whatever it says, it does no harm */
    }
    fclose(file);
    buffer_free(&out);
    ck_assert_uint_gt(lines, 500);
}
END_TEST

START_TEST(a_node_that_is_not_there_has_nothing)
{
    size_t length;
    int64_t number;
    must("[1,\"a\"]");
    ck_assert_uint_eq(json_first(&json, 1), JSON_NONE);        /* a number has no children */
    ck_assert_uint_eq(json_find(&json, 0, "a", 1), JSON_NONE); /* nor an array keys */
    ck_assert(!json_int64(&json, 2, &number));
    ck_assert_ptr_null(json_string_of(&json, 1, &length));
    static const uint32_t absent[] = {3, JSON_NONE};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(json_first(&json, absent[i]), JSON_NONE);
        ck_assert_uint_eq(json_next(&json, 0, absent[i]), JSON_NONE);
        ck_assert_uint_eq(json_next(&json, absent[i], 1), JSON_NONE);
        ck_assert_uint_eq(json_find(&json, absent[i], "a", 1), JSON_NONE);
        ck_assert(!json_int64(&json, absent[i], &number));
        ck_assert_ptr_null(json_string_of(&json, absent[i], &length));
    }
}
END_TEST

START_TEST(a_text_too_long_to_number_is_refused_unread)
{
    ck_assert_int_eq(json_parse(&json, "1", UINT32_MAX, &error), CRM_FULL);
    ck_assert_uint_eq(json.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *cases = tcase_create("json");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_the_examples_of_the_rfc);
    tcase_add_test(cases, test_each_kind_of_value);
    tcase_add_test(cases, test_strings_are_decoded);
    tcase_add_test(cases, test_numbers_are_kept_and_converted);
    tcase_add_test(cases, test_of_equal_keys_the_last_wins);
    tcase_add_test(cases, test_many_equal_keys_take_no_quadratic_time);
    tcase_add_test(cases, test_what_the_grammar_forbids_is_refused_with_its_place);
    tcase_add_test(cases, test_depth_and_nodes_are_limited);
    tcase_add_test(cases, test_no_memory_is_an_error_at_every_allocation);
    tcase_add_test(cases, test_a_reader_used_again_allocates_nothing);
    tcase_add_test(cases, test_writing_escapes_what_must_be);
    tcase_add_test(cases, test_naughty_strings_come_back);
    tcase_add_test(cases, a_node_that_is_not_there_has_nothing);
    tcase_add_test(cases, a_text_too_long_to_number_is_refused_unread);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
