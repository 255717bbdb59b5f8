/* Identifiers against the worked example of RFC 9562, appendix A.6 (version 7):
 * time 0x017F22E279B0 ms, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F give
 * 017F22E2-79B0-7CC3-98C4-DC0C0C07398F. */
#include "model/uuid.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char example[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
static const int64_t example_ms = INT64_C(0x017F22E279B0); /* 2022-02-22T19:22:22Z */

static bool parse(const char *text, crm_id *id)
{
    return uuid_parse(text, strlen(text), id);
}

START_TEST(test_all_spellings_are_one_identifier)
{
    static const char *const same[] = {
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",          "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",        "urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "URN:UUID:017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e279b07cc398c4dc0c0c07398f",
        " 017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",       "{017f22e279b07cc398c4dc0c0c07398f}",
    };
    static const uint8_t bytes[16] = {0x01, 0x7F, 0x22, 0xE2, 0x79, 0xB0, 0x7C, 0xC3,
                                      0x98, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        crm_id id;
        char text[UUID_TEXT_SIZE];
        ck_assert(parse(same[i], &id));
        ck_assert_mem_eq(id.bytes, bytes, 16);
        uuid_format(&id, text);
        ck_assert_str_eq(text, example);
    }
}
END_TEST

START_TEST(test_what_is_no_identifier_is_refused)
{
    static const char *const bad[] = {
        "",
        "017f22e2",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2+79b0-7cc3-98c4-dc0c0c07398f",
        "{017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-7cc398c4--dc0c0c07398f",
        "{}",
        "urn:uuid:",
        "017f22e279b07cc398c4dc0c0c0739-f",
    };
    crm_id id;
    memset(&id, 0xAA, sizeof id);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!parse(bad[i], &id));
    ck_assert_uint_eq(id.bytes[0], 0xAA); /* untouched */
}
END_TEST

START_TEST(test_version_7_has_time_first)
{
    /* The example's rand_a and rand_b, with bits where version and variant go. */
    const uint8_t random[UUID_RANDOM_SIZE] = {0xFC, 0xC3, 0xD8, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    crm_id id = uuid_v7(example_ms, random);
    char text[UUID_TEXT_SIZE];

    uuid_format(&id, text);
    ck_assert_str_eq(text, example); /* 0xD8 & 0x1F | 0x80 = 0x98 */
    ck_assert_int_eq(uuid_version(&id), 7);
    ck_assert_int_eq(uuid_time_ms(&id), example_ms);
    id = uuid_v7(-5, random);
    ck_assert_int_eq(uuid_time_ms(&id), 0);
    id = uuid_v7(INT64_MAX, random);
    ck_assert_int_eq(uuid_time_ms(&id), INT64_C(0xFFFFFFFFFFFF));
}
END_TEST

START_TEST(test_a_batch_counts_up)
{
    const uint8_t random[UUID_RANDOM_SIZE] = {0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE};
    crm_id id = uuid_v7(example_ms, random);
    char text[UUID_TEXT_SIZE];

    for (int i = 0; i < 1000; i++) {
        crm_id before = id;
        ck_assert(uuid_next(&id));
        ck_assert_int_lt(uuid_compare(&before, &id), 0);
        ck_assert_int_eq(uuid_version(&id), 7);
        ck_assert_int_eq(uuid_time_ms(&id), example_ms);
    }
    /* 0x1FFF…FFFE + 1000 = 0x2000…0000 + 998, 998 = 0x3E6 */
    uuid_format(&id, text);
    ck_assert_str_eq(text, "017f22e2-79b0-7000-a000-0000000003e6");
}
END_TEST

START_TEST(test_a_used_up_batch_says_so)
{
    crm_id id, same;

    ck_assert(parse("017f22e2-79b0-7cc3-bfff-ffffffffffff", &id));
    same = id;
    ck_assert(!uuid_next(&id));
    ck_assert_int_eq(uuid_compare(&same, &id), 0);
    ck_assert(parse("017f22e2-79b0-7cc3-bfff-fffffffffffe", &id));
    ck_assert(uuid_next(&id));
    ck_assert_int_eq(uuid_compare(&same, &id), 0);
}
END_TEST

START_TEST(test_nil_and_other_versions)
{
    crm_id nil, four, ncs;

    ck_assert(parse("00000000-0000-0000-0000-000000000000", &nil));
    ck_assert(uuid_is_nil(&nil));
    ck_assert_int_eq(uuid_version(&nil), 0);
    ck_assert_int_eq(uuid_time_ms(&nil), -1);
    ck_assert(parse("919108f7-52d1-4320-9bac-f847db4148a8", &four)); /* RFC 9562 A.3 */
    ck_assert_int_eq(uuid_version(&four), 4);
    ck_assert_int_eq(uuid_time_ms(&four), -1);
    ck_assert(!uuid_is_nil(&four));
    ck_assert(parse("017f22e2-79b0-7cc3-18c4-dc0c0c07398f", &ncs)); /* another variant */
    ck_assert_int_eq(uuid_version(&ncs), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uuid");
    TCase *cases = tcase_create("uuid");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(cases, test_all_spellings_are_one_identifier);
    tcase_add_test(cases, test_what_is_no_identifier_is_refused);
    tcase_add_test(cases, test_version_7_has_time_first);
    tcase_add_test(cases, test_a_batch_counts_up);
    tcase_add_test(cases, test_a_used_up_batch_says_so);
    tcase_add_test(cases, test_nil_and_other_versions);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
