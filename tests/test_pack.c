/* Packing: what goes in comes out, regular blocks become small, and whatever
 * bytes are unpacked, nothing outside the block is touched.
 * Proves P6. */
#include "store/pack.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* ck_assert writes to a file each time, which is too slow for inner loops. */
#define MUST(condition)                     \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

static uint64_t random_next(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Packs, unpacks, compares; the packed length. */
static size_t round_trip(const uint8_t *block)
{
    uint8_t packed[PACK_MOST + 1];
    uint8_t out[PACK_BLOCK + 1];
    packed[PACK_MOST] = 0x5a;
    out[PACK_BLOCK] = 0x5a;
    size_t length = pack_block(block, packed);
    MUST(length <= PACK_MOST && packed[PACK_MOST] == 0x5a);
    memset(out, 0xee, PACK_BLOCK);
    MUST(unpack_block(packed, length, out));
    MUST(memcmp(block, out, PACK_BLOCK) == 0 && out[PACK_BLOCK] == 0x5a);
    return length;
}

START_TEST(every_shape_of_block_comes_back)
{
    uint64_t state = 1;
    uint8_t block[PACK_BLOCK];
    for (int round = 0; round < 20000; round++) {
        size_t stride = 1 + random_next(&state) % 40;
        uint8_t record[40];
        for (size_t i = 0; i < sizeof record; i++)
            record[i] = (uint8_t)random_next(&state);
        for (size_t i = 0; i < PACK_BLOCK; i++) {
            /* records that repeat, with some bytes that count up and some that are noise */
            size_t place = i % stride;
            if (place == (size_t)round % 5)
                record[place]++;
            block[i] = record[place];
            if (place == 7 || random_next(&state) % 1024 < (uint64_t)(round % 64))
                block[i] = (uint8_t)random_next(&state);
        }
        if (round % 10 == 0) /* a part is empty */
            memset(block + random_next(&state) % PACK_BLOCK / 2, 0, PACK_BLOCK / 2);
        (void)round_trip(block);
    }
}
END_TEST

/* Runs and stretches of noise of every length around what one control byte says,
 * at every place of a word, in both halves. */
START_TEST(runs_of_every_length_come_back)
{
    uint64_t state = 5;
    uint8_t block[PACK_BLOCK];
    for (size_t length = 1; length < 300; length++)
        for (size_t noise = 0; noise < 140; noise += noise < 6 || noise > 124 ? 1 : 29) {
            for (size_t i = 0; i < PACK_BLOCK; i++)
                block[i] = i % (length + noise) < length ? 0 : (uint8_t)random_next(&state);
            (void)round_trip(block);
        }
}
END_TEST

START_TEST(noise_grows_by_two_bytes_at_most)
{
    uint64_t state = 2;
    uint8_t block[PACK_BLOCK];
    for (int round = 0; round < 500; round++) {
        for (size_t i = 0; i < PACK_BLOCK; i++)
            block[i] = (uint8_t)random_next(&state);
        ck_assert_uint_le(round_trip(block), PACK_BLOCK + 2);
    }
}
END_TEST

START_TEST(an_empty_block_takes_no_byte)
{
    uint8_t block[PACK_BLOCK] = {0};
    ck_assert_uint_eq(round_trip(block), 0);
    block[PACK_BLOCK - 1] = 1;
    ck_assert_uint_gt(round_trip(block), 0);
    memset(block, 7, sizeof block);
    ck_assert_uint_le(round_trip(block), 200);
}
END_TEST

static void put_word(uint8_t *at, uint64_t word)
{
    memcpy(at, &word, sizeof word);
}

START_TEST(regular_blocks_become_small)
{
    uint64_t state = 3;
    uint8_t block[PACK_BLOCK];
    /* cells that count up: all differences but the first are the same */
    for (uint64_t i = 0; i < PACK_BLOCK / 8; i++)
        put_word(block + i * 8, 1700000000000000 + i * 63072000);
    ck_assert_uint_le(round_trip(block), 200);
    /* times with 20 bits of noise: differences of 3 bytes and a sign; 512 * 4 and a little */
    for (uint64_t i = 0; i < PACK_BLOCK / 8; i++)
        put_word(block + i * 8, 1700000000000000 + i * 63072000 + random_next(&state) % (1 << 20));
    ck_assert_uint_le(round_trip(block), 512 * 5);
    /* rows of 32 bytes: eight of noise, three words that count up */
    for (uint64_t i = 0; i < PACK_BLOCK / 32; i++) {
        put_word(block + i * 32, random_next(&state));
        put_word(block + i * 32 + 8, 1000 + i);
        put_word(block + i * 32 + 16, 99999 + i * 80);
        put_word(block + i * 32 + 24, 256 * i);
    }
    ck_assert_uint_le(round_trip(block), 128 * 8 + 300);
}
END_TEST

START_TEST(whatever_is_unpacked_stays_in_bounds)
{
    uint64_t state = 4;
    uint8_t block[PACK_BLOCK];
    uint8_t out[PACK_BLOCK + 64];
    for (int round = 0; round < 30000; round++) {
        uint8_t packed[PACK_MOST];
        for (size_t i = 0; i < PACK_BLOCK; i++)
            block[i] = (uint8_t)(i / 8 * ((unsigned)round % 7) + i % 8);
        size_t length = pack_block(block, packed);
        for (int i = 0; i <= round % 4; i++)
            if (length != 0)
                packed[random_next(&state) % length] = (uint8_t)random_next(&state);
        if (round % 3 == 0)
            length = random_next(&state) % PACK_MOST;
        memset(out + PACK_BLOCK, 0x5a, 64);
        (void)unpack_block(packed, length, out);
        for (size_t i = PACK_BLOCK; i < sizeof out; i++)
            MUST(out[i] == 0x5a);
    }
}
END_TEST

START_TEST(a_cut_block_is_refused)
{
    uint8_t block[PACK_BLOCK], packed[PACK_MOST], out[PACK_BLOCK];
    for (size_t i = 0; i < PACK_BLOCK; i++)
        block[i] = (uint8_t)(i * i / 100);
    size_t length = pack_block(block, packed);
    for (size_t cut = 1; cut < length; cut++)
        MUST(!unpack_block(packed, cut, out));
    MUST(unpack_block(packed, length, out));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pack");
    TCase *tests = tcase_create("pack");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_shape_of_block_comes_back);
    tcase_add_test(tests, runs_of_every_length_come_back);
    tcase_add_test(tests, noise_grows_by_two_bytes_at_most);
    tcase_add_test(tests, an_empty_block_takes_no_byte);
    tcase_add_test(tests, regular_blocks_become_small);
    tcase_add_test(tests, whatever_is_unpacked_stays_in_bounds);
    tcase_add_test(tests, a_cut_block_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
