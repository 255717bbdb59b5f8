/* A body's fields: whoever asks for them in whatever order, and of whatever is
 * left of a damaged body, gets what a walk from the start gives. */
#include "model/value.h"

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

int main(void)
{
    Suite *suite = suite_create("value");
    TCase *cases = tcase_create("value");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, fields_are_found_in_any_order);
    tcase_add_test(cases, what_is_found_is_what_a_reader_of_all_meets);
    tcase_add_test(cases, a_damaged_body_gives_what_lies_before_the_damage);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
