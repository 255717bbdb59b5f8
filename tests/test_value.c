/* A body's fields: whoever asks for them in whatever order, and of whatever is
 * left of a damaged body, gets what a walk from the start gives. */
#include "model/value.h"
#include "sys/varint.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3000, FIELDS = 64, VALUE_KINDS = 7 };

static uint32_t seed = 7;

static uint32_t below(uint32_t limit)
{
    seed = seed * 1664525U + 1013904223U;
    return (uint32_t)((uint64_t)seed * limit >> 32);
}

/* One value of each wire. */
static struct value any_value(uint32_t what)
{
    static const char text[300] = "Ferdinand & Söhne";
    int64_t number = (int64_t)below(1U << 31) << below(20);
    switch (what) {
    case 0: return value_int(below(2) ? number : -number);
    case 1: return value_int((number % 100000 - 50000) * 1000000);     /* SECONDS */
    case 2: return value_int((number % 1000 + 2) * 86400 * 1000000);   /* DAYS */
    case 3: return value_bytes(text, below(8) == 0 ? 300 : below(18)); /* a length of one or two bytes */
    case 4: return (struct value){.what = VALUE_NULL};
    case 5: return (struct value){.what = VALUE_REAL, .real = (double)number / 3};
    default: {
        struct value value = value_bytes(text, 20);
        value.what = VALUE_DEFLATED; /* never inflated here: any bytes will do */
        value.integer = 5000;
        return value;
    }
    }
}

static struct buffer any_body(uint32_t most)
{
    struct buffer body;
    uint32_t previous = 0;
    buffer_init(&body, memory_default());
    for (uint32_t field = 1 + below(3); field < most; field += 1 + (below(3) == 0 ? below(30) : below(3))) {
        struct value value = any_value(below(VALUE_KINDS));
        body_put(&body, &previous, field, &value);
    }
    ck_assert(!body.failed);
    return body;
}

static void same(const uint8_t *bytes, size_t length, struct body_seek *seek, uint32_t field)
{
    struct value expected, found;
    int sought = body_find(bytes, length, field, &expected), got = body_seek_find(seek, field, &found);
    ck_assert_int_eq(got, sought);
    if (got != 1)
        return;
    ck_assert_int_eq(found.what, expected.what);
    if (found.what == VALUE_BYTES || found.what == VALUE_DEFLATED) {
        ck_assert_ptr_eq(found.bytes, expected.bytes);
        ck_assert_uint_eq(found.length, expected.length);
    }
    if (found.what == VALUE_INT || found.what == VALUE_DEFLATED)
        ck_assert_int_eq(found.integer, expected.integer);
    if (found.what == VALUE_REAL)
        ck_assert_mem_eq(&found.real, &expected.real, sizeof found.real);
}

/* Each field twice, in an order of chance; a copy of exact length shows reads behind it to a sanitizer. */
static void ask(const struct buffer *body, size_t length)
{
    struct body_seek seek;
    uint8_t *bytes = malloc(length + 1);
    ck_assert_ptr_nonnull(bytes);
    uint8_t *start = bytes + 1;
    if (length > 0)
        memcpy(start, body->data, length);
    body_seek_open(&seek, start, length);
    for (int i = 0; i < 2 * FIELDS; i++)
        same(start, length, &seek, 1 + below(FIELDS - 1));
    for (uint32_t field = 1; field < FIELDS; field++)
        same(start, length, &seek, field);
    free(bytes);
}

START_TEST(fields_are_found_in_any_order)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct buffer body = any_body(i % 3 == 0 ? 200 : FIELDS); /* some with fields whose tags take two bytes */
        ask(&body, body.length);
        buffer_free(&body);
    }
}
END_TEST

/* A walk that decodes every value, one after the other, is the second opinion. */
START_TEST(what_is_found_is_what_a_reader_of_all_meets)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct buffer body = any_body(i % 3 == 0 ? 200 : FIELDS);
        struct body all = body_open(body.data, body.length);
        struct value value = {.what = VALUE_NONE}, found;
        int got = body_next(&all, &value);
        for (uint32_t field = 1; field < 200; field++) {
            bool there = got == 1 && all.field == field;
            ck_assert_int_eq(body_find(body.data, body.length, field, &found), there);
            if (!there)
                continue;
            ck_assert_int_eq(found.what, value.what);
            if (value.what == VALUE_BYTES || value.what == VALUE_DEFLATED)
                ck_assert_ptr_eq(found.bytes, value.bytes);
            else if (value.what != VALUE_NULL)
                ck_assert_int_eq(found.integer, value.integer);
            got = body_next(&all, &value);
        }
        ck_assert_int_eq(got, 0);
        buffer_free(&body);
    }
}
END_TEST

START_TEST(a_damaged_body_gives_what_lies_before_the_damage)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct buffer body = any_body(FIELDS);
        if (body.length > 0) {
            ask(&body, below((uint32_t)body.length)); /* cut */
            for (uint32_t flips = 1 + below(3); flips > 0; flips--)
                body.data[below((uint32_t)body.length)] ^= (uint8_t)(1U << below(8));
            ask(&body, body.length);
        }
        buffer_free(&body);
    }
}
END_TEST

/* Wires and tags: docs/FORMAT.md.  Field 1, then the zigzag number, as long as eight bytes make it. */
START_TEST(a_time_beyond_64_bits_is_damage)
{
    static const struct {
        unsigned wire;
        int64_t last; /* that fits when it is multiplied */
    } wires[] = {{WIRE_SECONDS, INT64_MAX / 1000000}, {WIRE_DAYS, INT64_MAX / INT64_C(86400000000)}};
    for (size_t i = 0; i < 2; i++) {
        for (int over = 0; over < 2; over++) {
            uint8_t bytes[1 + VARINT_MAX + 8] = {(uint8_t)(1 << 3 | wires[i].wire)};
            size_t length = 1 + varint_put(bytes + 1, zigzag(wires[i].last + over));
            struct value value;
            ck_assert_int_eq(body_find(bytes, length, 1, &value), over ? -1 : 1);
            struct body body = body_open(bytes, length);
            ck_assert_int_eq(body_next(&body, &value), over ? -1 : 1);
            /* Followed by field 2, null, so that more bytes are there than the number has. */
            for (size_t at = length; at < sizeof bytes; at++)
                bytes[at] = 1 << 3 | WIRE_NULL;
            ck_assert_int_eq(body_find(bytes, sizeof bytes, 1, &value), over ? -1 : 1);
        }
    }
}
END_TEST

START_TEST(a_version_that_could_not_be_read_whole_has_no_empty_fields)
{
    struct version version = {.damaged = true};
    struct value value;
    ck_assert_int_eq(version_get(&version, 1, &value), -1);
    version.damaged = false;
    ck_assert_int_eq(version_get(&version, 1, &value), 0);
}
END_TEST

START_TEST(a_list_that_is_cut_gives_the_items_before_the_cut)
{
    /* Two items of one part each: a text "ab", and a reference to record 300 (two bytes) of kind 1. */
    static const uint8_t list[] = {5, CRM_PART_VALUE, 2, 'a', 'b', 0, 4, CRM_PART_REF, 1, 0xAC, 0x02};
    for (size_t length = 0; length <= sizeof list; length++) {
        struct value value = value_bytes(list, length);
        ck_assert_uint_eq(items_count(&value), length == sizeof list ? 2 : length >= 6 ? 1 : 0);
    }
    static const uint8_t lists[][12] = {
        {3, CRM_PART_REF, 1, 0x80},                         /* the number is cut */
        {2, CRM_PART_REF, 0x80},                            /* the kind is cut */
        {5, CRM_PART_REF, 0x80, 0x80, 0x04, 1},             /* kind 65,536 */
        {7, CRM_PART_REF, 1, 0x80, 0x80, 0x80, 0x80, 0x10}, /* record 2^32 */
        {2, CRM_PART_PRIMARY, 0x80},                        /* a yes or no that is cut */
        {4, CRM_PART_VALUE, 2, 'a', 'b'},                   /* a text without its NUL */
        {5, CRM_PART_VALUE, 2, 'a', 'b', 'c'},              /* another byte in its place */
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct value value = value_bytes(lists[i], lists[i][0] + 1U);
        struct item item;
        struct part part;
        ck_assert(items_at(&value, 0, &item));
        ck_assert_msg(!part_next(&item, &part), "list %zu", i);
        ck_assert(!part_next(&item, &part)); /* and nothing more of it */
    }
    struct value value = value_bytes((const uint8_t *)"\x80", 1);
    ck_assert_uint_eq(items_count(&value), 0);
}
END_TEST

START_TEST(an_id_that_is_cut_is_not_stepped_over)
{
    static const uint8_t whole[17] = {0}, distance[3] = {0x80, 0x80, 0x01};
    for (size_t length = 0; length <= sizeof whole; length++)
        ck_assert(id_skip(whole, whole + length) == (length == 17 ? whole + 17 : NULL));
    for (size_t length = 0; length <= sizeof distance; length++)
        ck_assert(id_skip(distance, distance + length) == (length == 3 ? distance + 3 : NULL));
}
END_TEST

START_TEST(empty_texts_are_equal_wherever_they_lie)
{
    struct value a = value_bytes((const uint8_t *)"x", 0), b = value_bytes((const uint8_t *)"y", 0);
    ck_assert(value_equal(&a, &b));
    b = value_bytes((const uint8_t *)"y", 1);
    ck_assert(!value_equal(&a, &b));
}
END_TEST

static long granted;

static void *counting_resize(void *context, void *old, size_t size)
{
    (void)context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return granted-- > 0 ? realloc(old, size) : NULL;
}

START_TEST(a_text_is_deflated_where_that_gains_and_memory_allows)
{
    static const struct memory memory = {counting_resize, NULL};
    char text[2000], back[2001];
    memset(text, 'a', sizeof text);
    bool deflated = false;
    for (long most = 0; !deflated; most++) {
        struct buffer out;
        buffer_init(&out, &memory);
        granted = most;
        deflated = value_deflate(&out, text, sizeof text);
        ck_assert(deflated || (out.failed && out.length == 0));
        if (deflated) {
            struct value value = value_bytes(out.data, out.length);
            value.integer = sizeof text;
            granted = 100;
            ck_assert_int_eq(value_inflate(&memory, &value, (uint8_t *)back), CRM_OK);
            ck_assert_mem_eq(back, text, sizeof text);
        }
        buffer_free(&out);
    }
    struct buffer out;
    buffer_init(&out, memory_default());
    ck_assert(!value_deflate(&out, "Acme", 4)); /* would be longer */
    ck_assert_uint_eq(out.length, 0);
    ck_assert(!out.failed);
    buffer_free(&out);
    struct value value = value_int(7);
    uint32_t previous = 0;
    buffer_init(&out, &memory);
    granted = 0;
    body_put(&out, &previous, 1, &value);
    ck_assert(out.failed && out.length == 0);
    buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("value");
    TCase *cases = tcase_create("value");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, fields_are_found_in_any_order);
    tcase_add_test(cases, what_is_found_is_what_a_reader_of_all_meets);
    tcase_add_test(cases, a_damaged_body_gives_what_lies_before_the_damage);
    tcase_add_test(cases, a_time_beyond_64_bits_is_damage);
    tcase_add_test(cases, a_version_that_could_not_be_read_whole_has_no_empty_fields);
    tcase_add_test(cases, a_list_that_is_cut_gives_the_items_before_the_cut);
    tcase_add_test(cases, an_id_that_is_cut_is_not_stepped_over);
    tcase_add_test(cases, empty_texts_are_equal_wherever_they_lie);
    tcase_add_test(cases, a_text_is_deflated_where_that_gains_and_memory_allows);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
