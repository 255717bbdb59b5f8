/* Entries: what is put is got, and whatever else is refused.  The bytes of one
 * entry are written out by hand from docs/FORMAT.md.
 * Proves P6, P9. */
#include "log/entry.h"
#include "sys/checksum.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct buffer buffer;

static void setup(void)
{
    buffer_init(&buffer, memory_default());
}

static void teardown(void)
{
    buffer_free(&buffer);
}

static void assert_round_trip(struct entry entry, uint64_t offset)
{
    struct entry back;
    memset(&back, 0xaa, sizeof back);
    buffer.length = 0;
    entry_put(&buffer, offset, &entry);
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(entry.size, buffer.length);
    /* An exact copy, so that a sanitizer sees a read past the end. */
    uint8_t *bytes = malloc(buffer.length);
    memcpy(bytes, buffer.data, buffer.length);
    ck_assert_int_eq(entry_get(bytes, buffer.length, offset, &back), CRM_OK);
    ck_assert_uint_eq(back.size, entry.size);
    ck_assert_uint_eq(back.operation, entry.operation);
    ck_assert_uint_eq(back.flags, entry.flags);
    ck_assert_uint_eq(back.kind, entry.kind);
    ck_assert_uint_eq(back.number, entry.number);
    ck_assert_uint_eq(back.sequence, entry.flags & ENTRY_SEQUENCE ? entry.sequence : 0);
    ck_assert_uint_eq(back.lsn, entry.lsn);
    ck_assert_uint_eq(back.version, entry.version);
    ck_assert_uint_eq(back.previous, entry.previous);
    ck_assert_uint_eq(back.body_length, entry.body_length);
    if (entry.body_length != 0)
        ck_assert_mem_eq(back.body, entry.body, entry.body_length);
    free(bytes);
}

START_TEST(test_entry_lies_as_documented)
{
    static const uint8_t expected[] = {0,    0,    0,   0, /* the CRC, filled in below */
                                       0x0d,               /* 13 bytes follow: 1 + 1 + 2 + 1 + 1 + 2 + 1 + 4 */
                                       0x32,               /* flags 3 (full, sequence), operation 2 (update) */
                                       0x04,               /* kind 4 */
                                       0xac, 0x02,         /* number 300 = 2 * 128 + 44 */
                                       0x07,               /* lsn 7 */
                                       0x03,               /* version 3 */
                                       0xe8, 0x07,         /* back 1000 = 7 * 128 + 104 */
                                       0x05,               /* sequence 5 */
                                       'b',  'o',  'd', 'y'};
    struct entry entry = {.operation = ENTRY_UPDATE,
                          .flags = ENTRY_FULL | ENTRY_SEQUENCE,
                          .kind = 4,
                          .number = 300,
                          .sequence = 5,
                          .lsn = 7,
                          .version = 3,
                          .previous = 9000,
                          .body = (const uint8_t *)"body",
                          .body_length = 4};
    entry_put(&buffer, 10000, &entry);
    ck_assert_uint_eq(buffer.length, sizeof expected);
    ck_assert_mem_eq(buffer.data + 4, expected + 4, sizeof expected - 4);
    uint32_t crc = crc32c_tables(0, expected + 4, sizeof expected - 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(buffer.data[i], (uint8_t)(crc >> (8 * i)));
}
END_TEST

START_TEST(test_entry_round_trips_with_every_operation_and_flag)
{
    for (unsigned operation = ENTRY_CREATE; operation <= ENTRY_FRAMES; operation++) {
        for (uint8_t flags = 0; flags < 8; flags++) {
            struct entry entry = {.operation = (uint8_t)operation,
                                  .flags = flags,
                                  .kind = 3,
                                  .number = 17,
                                  .sequence = 9,
                                  .lsn = 1000,
                                  .version = 2,
                                  .previous = 8300,
                                  .body = (const uint8_t *)"0123456789",
                                  .body_length = 10};
            assert_round_trip(entry, 9000);
            entry.previous = 0;
            assert_round_trip(entry, 9000);
        }
    }
}
END_TEST

START_TEST(test_entry_round_trips_at_the_limits)
{
    static uint8_t body[20000];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)hash_mix(i);
    struct entry most = {.operation = 1,
                         .flags = ENTRY_SEQUENCE,
                         .kind = UINT32_MAX,
                         .number = UINT32_MAX,
                         .sequence = UINT32_MAX,
                         .lsn = UINT64_MAX,
                         .version = UINT64_MAX,
                         .previous = 1};
    assert_round_trip(most, UINT64_MAX);
    most.flags |= ENTRY_PACKED; /* then `previous` is any number at all */
    most.previous = UINT64_MAX;
    assert_round_trip(most, 5);
    /* Every length around where the length takes one byte more. */
    for (size_t length = 0; length < sizeof body; length += length < 300 || length > 16200 ? 1 : 97) {
        struct entry entry = {.operation = 2, .number = 1, .lsn = 1, .version = 1, .body = body, .body_length = length};
        assert_round_trip(entry, 8192);
    }
}
END_TEST

START_TEST(test_entries_lie_one_behind_the_other)
{
    size_t at = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        struct entry entry = {.operation = 1,
                              .number = i,
                              .lsn = i,
                              .version = 1,
                              .previous = i == 0 ? 0 : 8000,
                              .body = (const uint8_t *)"abcdefghij",
                              .body_length = i % 11};
        entry_put(&buffer, 8192 + buffer.length, &entry);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        struct entry entry;
        ck_assert_int_eq(entry_get(buffer.data + at, buffer.length - at, 8192 + at, &entry), CRM_OK);
        ck_assert_uint_eq(entry.number, i);
        ck_assert_uint_eq(entry.previous, i == 0 ? 0 : 8000);
        at += entry.size;
    }
    ck_assert_uint_eq(at, buffer.length);
}
END_TEST

START_TEST(test_changed_or_cut_entry_is_corrupt)
{
    struct entry entry = {.operation = 1,
                          .flags = ENTRY_SEQUENCE,
                          .kind = 2,
                          .number = 1000,
                          .sequence = 3,
                          .lsn = 70000,
                          .version = 1,
                          .previous = 8200,
                          .body = (const uint8_t *)"some body",
                          .body_length = 9};
    struct entry back;
    entry_put(&buffer, 20000, &entry);
    for (size_t available = 0; available < buffer.length; available++) {
        uint8_t *bytes = malloc(available + 1);
        memcpy(bytes, buffer.data, available);
        ck_assert_int_eq(entry_get(bytes, available, 20000, &back), CRM_CORRUPT);
        free(bytes);
    }
    for (size_t bit = 0; bit < buffer.length * 8; bit++) {
        buffer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(entry_get(buffer.data, buffer.length, 20000, &back), CRM_CORRUPT);
        buffer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(entry_get(buffer.data, buffer.length, 20000, &back), CRM_OK);
    /* Its previous version would lie before the file. */
    ck_assert_int_eq(entry_get(buffer.data, buffer.length, 11800, &back), CRM_CORRUPT);
}
END_TEST

/* Writes the CRC that a forger would. */
static int32_t get_forged(uint8_t *bytes, size_t length)
{
    struct entry back;
    uint32_t crc = crc32c(0, bytes + 4, length - 4);
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(crc >> (8 * i));
    return entry_get(bytes, length, 8192, &back);
}

START_TEST(test_forged_entry_is_corrupt)
{
    uint8_t good[] = {0, 0, 0, 0, 6, 0x01, 1, 1, 1, 1, 0};
    uint8_t no_operation[] = {0, 0, 0, 0, 6, 0x00, 1, 1, 1, 1, 0};
    uint8_t late_operation[] = {0, 0, 0, 0, 6, 0x08, 1, 1, 1, 1, 0};
    uint8_t unknown_flag[] = {0, 0, 0, 0, 6, 0x81, 1, 1, 1, 1, 0};
    uint8_t nothing[] = {0, 0, 0, 0, 0};
    uint8_t fields_missing[] = {0, 0, 0, 0, 3, 0x01, 1, 1};
    uint8_t sequence_missing[] = {0, 0, 0, 0, 6, 0x21, 1, 1, 1, 1, 0};
    uint8_t wide_kind[] = {0, 0, 0, 0, 10, 0x01, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 1, 1, 0};
    uint8_t wide_number[] = {0, 0, 0, 0, 10, 0x01, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 1, 0};
    uint8_t endless_length[] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1};
    ck_assert_int_eq(get_forged(good, sizeof good), CRM_OK);
    ck_assert_int_eq(get_forged(no_operation, sizeof no_operation), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(late_operation, sizeof late_operation), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(unknown_flag, sizeof unknown_flag), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(nothing, sizeof nothing), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(fields_missing, sizeof fields_missing), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(sequence_missing, sizeof sequence_missing), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(wide_kind, sizeof wide_kind), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(wide_number, sizeof wide_number), CRM_CORRUPT);
    ck_assert_int_eq(get_forged(endless_length, sizeof endless_length), CRM_CORRUPT);
}
END_TEST

/* A number that never ends, in the place of each, with and without more behind it. */
START_TEST(test_entry_with_an_endless_number_is_corrupt)
{
    enum { NUMBERS = 6, ENDLESS = 11, MORE = 50 };
    for (size_t wrong = 0; wrong <= NUMBERS; wrong++) {
        for (size_t more = 0; more <= MORE; more += MORE) {
            uint8_t bytes[5 + 1 + NUMBERS + ENDLESS + MORE];
            size_t length = 6;
            memset(bytes, 1, sizeof bytes);
            bytes[5] = 0x21; /* a create with a sequence */
            for (size_t i = 0; i < NUMBERS; i++) {
                memset(bytes + length, i == wrong ? 0xff : 1, i == wrong ? ENDLESS : 1);
                length += i == wrong ? ENDLESS : 1;
            }
            length += more;
            bytes[4] = (uint8_t)(length - 5);
            ck_assert_int_eq(get_forged(bytes, length), wrong == NUMBERS ? CRM_OK : CRM_CORRUPT);
        }
    }
    uint8_t endless_length[20];
    memset(endless_length, 0xff, sizeof endless_length);
    ck_assert_int_eq(get_forged(endless_length, sizeof endless_length), CRM_CORRUPT);
}
END_TEST

START_TEST(test_what_could_not_be_read_back_is_not_put)
{
    struct entry entries[] = {{.operation = 0},
                              {.operation = ENTRY_FRAMES + 1},
                              {.operation = 1, .flags = 8},
                              {.operation = 1, .previous = 9000},
                              {.operation = 1, .previous = 9001},
                              {.operation = 1, .body = (const uint8_t *)"", .body_length = SIZE_MAX - 40}};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        buffer_free(&buffer);
        entry_put(&buffer, 9000, &entries[i]);
        ck_assert(buffer.failed);
        ck_assert_uint_eq(buffer.length, 0);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("entry");
    TCase *entries = tcase_create("entries");
    tcase_add_checked_fixture(entries, setup, teardown);
    tcase_add_test(entries, test_entry_lies_as_documented);
    tcase_add_test(entries, test_entry_round_trips_with_every_operation_and_flag);
    tcase_add_test(entries, test_entry_round_trips_at_the_limits);
    tcase_add_test(entries, test_entries_lie_one_behind_the_other);
    tcase_add_test(entries, test_changed_or_cut_entry_is_corrupt);
    tcase_add_test(entries, test_forged_entry_is_corrupt);
    tcase_add_test(entries, test_entry_with_an_endless_number_is_corrupt);
    tcase_add_test(entries, test_what_could_not_be_read_back_is_not_put);
    suite_add_tcase(suite, entries);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
