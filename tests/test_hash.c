/* The hash table against plain arrays, with honest hashes and with ones that
 * an attacker would choose. */
#include "store/hash.h"

#include <check.h>
#include <stdlib.h>
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

static struct arena *arena_new(void)
{
    struct arena *arena = NULL;
    MUST(arena_create(memory_default(), &arena, NULL) == CRM_OK);
    return arena;
}

/* How often the pair is in the table. */
static int times_found(struct arena *arena, uint64_t table, uint64_t hash, uint32_t number)
{
    struct hash_cursor cursor;
    uint32_t candidate;
    int found = 0;
    hash_find(arena, table, hash, &cursor);
    while (hash_next(arena, table, &cursor, &candidate))
        found += candidate == number;
    return found;
}

/* Number n of the model has the hash keys[n]; there[n] says how often it is in. */
static void run_model(uint64_t (*key)(uint64_t n), uint32_t numbers, int rounds, uint64_t seed)
{
    struct arena *arena = arena_new();
    uint64_t table = hash_create(arena);
    uint8_t *there = calloc(numbers, 1);
    uint64_t state = seed, count = 0;
    for (int i = 0; i < rounds; i++) {
        uint32_t n = (uint32_t)(random_next(&state) % numbers);
        bool insert = random_next(&state) % 10 < (i < rounds / 2 ? 7 : 3);
        if (insert && there[n] < 2) {
            MUST(hash_insert(arena, table, key(n), n));
            there[n]++;
            count++;
        } else if (!insert) {
            MUST(hash_remove(arena, table, key(n), n) == (there[n] != 0));
            count -= there[n] != 0;
            there[n] = (uint8_t)(there[n] - (there[n] != 0));
        }
        if (i % (rounds / 8) == 0)
            MUST(hash_verify(arena, table));
    }
    MUST(hash_count(arena, table) == count);
    for (uint32_t n = 0; n < numbers; n += 1 + numbers / 5000)
        MUST(times_found(arena, table, key(n), n) == there[n]);
    for (uint32_t n = 0; n < numbers; n++)
        for (; there[n] > 0; there[n]--)
            MUST(hash_remove(arena, table, key(n), n));
    MUST(hash_count(arena, table) == 0 && hash_verify(arena, table) && !arena->damaged);
    hash_free(arena, table);
    free(there);
    arena_free(arena);
}

static uint64_t key_honest(uint64_t n)
{
    uint64_t state = n;
    return random_next(&state);
}
static uint64_t key_same(uint64_t n)
{
    return n < 40 ? n : 12345;
} /* all but a few share one */
static uint64_t key_last(uint64_t n)
{
    return UINT32_MAX - n % 5;
} /* all at the table's end */
static uint64_t key_dense(uint64_t n)
{
    return n;
} /* all at its start, 0 among them */
static uint64_t key_groups(uint64_t n)
{
    return key_honest(n / 100);
} /* a hundred share each */

START_TEST(random_operations_agree_with_an_array)
{
    run_model(key_honest, 60, 20000, 1);
    run_model(key_honest, 5000, 60000, 2);
    run_model(key_honest, 60000, 300000, 3);
}
END_TEST

START_TEST(badly_spread_hashes_are_found_all_the_same)
{
    run_model(key_same, 3000, 30000, 4);
    run_model(key_last, 3000, 30000, 5);
    run_model(key_dense, 20000, 60000, 6);
    run_model(key_groups, 20000, 60000, 7);
}
END_TEST

START_TEST(a_value_that_all_share_stays_quick)
{
    /* One by one behind each other this would be 2 * 10^10 steps. */
    struct arena *arena = arena_new();
    uint64_t table = hash_create(arena);
    for (uint32_t n = 0; n < 200000; n++)
        MUST(hash_insert(arena, table, 99, n));
    struct hash_cursor cursor;
    uint32_t number;
    uint8_t *seen = calloc(200000, 1);
    hash_find(arena, table, 99, &cursor);
    for (uint32_t n = 0; n < 200000; n++) {
        MUST(hash_next(arena, table, &cursor, &number));
        MUST(number < 200000 && !seen[number]);
        seen[number] = 1;
    }
    MUST(!hash_next(arena, table, &cursor, &number));
    MUST(!hash_next(arena, table, &cursor, &number));
    for (uint32_t n = 0; n < 200000; n++)
        MUST(hash_remove(arena, table, 99, n));
    MUST(hash_count(arena, table) == 0);
    free(seen);
    arena_free(arena);
}
END_TEST

START_TEST(a_large_table_stays_compact)
{
    struct arena *arena = arena_new();
    uint64_t before = arena->used;
    uint64_t table = hash_create(arena);
    for (uint32_t n = 0; n < 1000000; n++)
        MUST(hash_insert(arena, table, key_honest(n), n));
    MUST(hash_verify(arena, table));
    /* load between 3/4 / 1.25 and 3/4: at most 8 / 0.6 bytes an entry */
    ck_assert_uint_le(arena->used - before, 1000000 * 134 / 10 + 400000);
    arena_free(arena);
}
END_TEST

START_TEST(a_small_table_stays_small)
{
    struct arena *arena = arena_new();
    uint64_t before = arena->used;
    for (uint32_t i = 0; i < 100; i++) {
        uint64_t table = hash_create(arena);
        for (uint32_t n = 0; n < 10; n++)
            MUST(hash_insert(arena, table, key_honest(n), n));
    }
    ck_assert_uint_le(arena->used - before, 100 * 512);
    arena_free(arena);
}
END_TEST

START_TEST(reserving_makes_room_once)
{
    struct arena *arena = arena_new();
    uint64_t table = hash_create(arena);
    for (uint32_t n = 0; n < 10; n++)
        MUST(hash_insert(arena, table, key_honest(n), n));
    MUST(hash_reserve(arena, table, 100000));
    uint64_t used = arena->used;
    for (uint32_t n = 10; n < 100000; n++)
        MUST(hash_insert(arena, table, key_honest(n), n));
    ck_assert_uint_eq(arena->used, used);
    for (uint32_t n = 0; n < 100000; n += 7)
        MUST(times_found(arena, table, key_honest(n), n) == 1);
    MUST(hash_reserve(arena, table, 5)); /* never smaller */
    MUST(!hash_reserve(arena, table, UINT64_MAX));
    MUST(!hash_reserve(arena, table, UINT32_MAX)); /* more than 2^32 slots */
    uint64_t small = hash_create(arena);
    MUST(hash_reserve(arena, small, 100) && hash_reserve(arena, small, 100));
    used = arena->used;
    for (uint32_t n = 0; n < 100; n++)
        MUST(hash_insert(arena, small, key_honest(n), n));
    ck_assert_uint_eq(arena->used, used);
    MUST(hash_verify(arena, table));
    arena_free(arena);
}
END_TEST

START_TEST(out_of_memory_leaves_a_sound_table)
{
    struct arena *arena = arena_new();
    uint64_t table = hash_create(arena);
    uint64_t whole = arena->reserved;
    uint8_t *there = calloc(30000, 1);
    int refused = 0;
    for (uint32_t n = 0; n < 30000; n++) {
        arena->reserved = n % 5 != 4 ? arena->used + (1 << 17) : whole; /* no room to grow, mostly */
        there[n] = hash_insert(arena, table, key_honest(n), n);
        refused += !there[n];
    }
    arena->reserved = whole;
    ck_assert_int_gt(refused, 5);
    MUST(hash_verify(arena, table) && !arena->damaged);
    for (uint32_t n = 0; n < 30000; n++)
        MUST(times_found(arena, table, key_honest(n), n) == there[n]);
    free(there);
    arena_free(arena);
}
END_TEST

START_TEST(damaged_tables_do_no_harm)
{
    uint64_t state = 8;
    for (int round = 0; round < 400; round++) {
        struct arena *arena = arena_new();
        struct hash_cursor cursor;
        uint32_t number;
        uint64_t table = hash_create(arena);
        for (uint32_t n = 0; n < (uint32_t)(round * 50); n++)
            MUST(hash_insert(arena, table, round % 3 ? key_honest(n) : key_groups(n), n));
        for (int i = 0; i <= round % 7; i++) {
            /* mostly the header, which lies first */
            uint64_t span = i % 2 ? arena->used - 4096 : 1600;
            arena->base[4096 + random_next(&state) % span] = (uint8_t)random_next(&state);
        }
        (void)hash_verify(arena, table);
        for (uint32_t n = 0; n < 300; n++) {
            uint64_t hash = key_honest(random_next(&state) % 20000);
            (void)hash_insert(arena, table, hash, n);
            (void)hash_remove(arena, table, key_honest(n), n);
            hash_prefetch(arena, table, hash);
            hash_find(arena, table, hash, &cursor);
            for (int i = 0; i < 2000 && hash_next(arena, table, &cursor, &number);)
                i++;
        }
        (void)hash_reserve(arena, table, 20000);
        hash_free(arena, table);
        arena_free(arena);
    }
}
END_TEST

START_TEST(a_wrong_offset_is_refused)
{
    struct arena *arena = arena_new();
    static const uint64_t offsets[] = {0, 1, 64, 4096, UINT64_MAX - 7, UINT64_C(1) << 40};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        MUST(!hash_insert(arena, offsets[i], 1, 1));
        MUST(!hash_remove(arena, offsets[i], 1, 1));
        MUST(times_found(arena, offsets[i], 1, 1) == 0);
        MUST(hash_count(arena, offsets[i]) == 0);
        hash_prefetch(arena, offsets[i], 1);
        hash_free(arena, offsets[i]);
    }
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tests = tcase_create("hash");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, random_operations_agree_with_an_array);
    tcase_add_test(tests, badly_spread_hashes_are_found_all_the_same);
    tcase_add_test(tests, a_value_that_all_share_stays_quick);
    tcase_add_test(tests, a_large_table_stays_compact);
    tcase_add_test(tests, a_small_table_stays_small);
    tcase_add_test(tests, reserving_makes_room_once);
    tcase_add_test(tests, out_of_memory_leaves_a_sound_table);
    tcase_add_test(tests, damaged_tables_do_no_harm);
    tcase_add_test(tests, a_wrong_offset_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
