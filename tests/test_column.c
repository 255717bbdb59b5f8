/* Columns against plain arrays. */
#include "store/column.h"

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

/* Reserves in uneven steps, writes every third cell, reads all back. */
START_TEST(cells_keep_what_is_written_and_start_as_filled)
{
    static const uint32_t widths[] = {1, 2, 4, 8, 16, 24, 32};
    const uint32_t width = widths[_i];
    const uint64_t fill = UINT64_C(0x8000000000000102);
    uint8_t empty[COLUMN_WIDTH_MAX];
    for (uint32_t i = 0; i < width; i++)
        empty[i] = (uint8_t)(fill >> (8 * (i % 8))); /* little endian, repeated */
    struct arena *arena = arena_new();
    uint64_t column = column_create(arena, width, fill);
    MUST(column != 0 && column_count(arena, column) == 0);
    uint32_t count = 0;
    for (uint32_t step = 1; count < 20000; step = step * 2 % 3001) {
        MUST(column_reserve(arena, column, count + step));
        for (uint32_t n = count; n < count + step; n++) {
            uint8_t *cell = column_at(arena, column, n, width);
            MUST(cell != NULL && memcmp(cell, empty, width) == 0);
            if (n % 3 == 0)
                memset(cell, (int)(n % 251), width);
        }
        count += step;
    }
    MUST(column_count(arena, column) >= count);
    MUST(column_at(arena, column, column_count(arena, column), width) == NULL);
    MUST(column_at(arena, column, UINT32_MAX, width) == NULL);
    for (uint32_t n = 0; n < count;) {
        uint32_t run;
        const uint8_t *cells = column_run(arena, column, n, width, &run);
        MUST(cells != NULL && run > 0 && n / COLUMN_CHUNK == (n + run - 1) / COLUMN_CHUNK);
        for (uint32_t i = 0; i < run && n < count; i++, n++, cells += width) {
            MUST(cells == column_at(arena, column, n, width));
            for (uint32_t b = 0; b < width; b++)
                MUST(cells[b] == (n % 3 == 0 ? n % 251 : empty[b]));
        }
    }
    column_free(arena, column);
    ck_assert_uint_eq(arena->used - arena_free_bytes(arena), ARENA_FIRST);
    ck_assert(!arena->damaged);
    arena_free(arena);
}
END_TEST

START_TEST(chunks_never_move_once_whole)
{
    struct arena *arena = arena_new();
    uint64_t column = column_create(arena, 8, 0);
    MUST(column_reserve(arena, column, COLUMN_CHUNK));
    const void *first = column_at(arena, column, 0, 8);
    MUST(column_reserve(arena, column, 1000000));
    ck_assert_ptr_eq(column_at(arena, column, 0, 8), first);
    MUST(column_reserve(arena, column, 10)); /* never fewer */
    MUST(column_at(arena, column, 999999, 8) != NULL);
    /* 1000000 cells of 8 bytes in chunks of 32 KiB, one partial, and directories */
    ck_assert_uint_le(arena->used, 8000000 + 32768 + 32768);
    arena_free(arena);
}
END_TEST

START_TEST(a_small_column_stays_small)
{
    struct arena *arena = arena_new();
    uint64_t before = arena->used;
    uint64_t column = column_create(arena, 8, 0);
    MUST(column_reserve(arena, column, 3));
    ck_assert_uint_le(arena->used - before, 64 * 8 + 64 + 512); /* 64 cells, header, directory, alignment */
    MUST(column_at(arena, column, 63, 8) != NULL && column_at(arena, column, 64, 8) == NULL);
    arena_free(arena);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    struct arena *arena = arena_new();
    uint32_t run;
    static const uint64_t offsets[] = {0, 4, 64, 4096, UINT64_MAX - 7, UINT64_C(1) << 40};
    ck_assert_uint_eq(column_create(arena, 0, 0), 0);
    ck_assert_uint_eq(column_create(arena, COLUMN_WIDTH_MAX + 1, 0), 0);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        ck_assert(!column_reserve(arena, offsets[i], 1));
        ck_assert_ptr_null(column_at(arena, offsets[i], 0, 8));
        ck_assert_ptr_null(column_run(arena, offsets[i], 0, 8, &run));
        ck_assert_uint_eq(column_count(arena, offsets[i]), 0);
        column_free(arena, offsets[i]);
    }
    uint64_t column = column_create(arena, 8, 0);
    ck_assert(!column_reserve(arena, column, UINT32_MAX));
    ck_assert_uint_lt(arena->used, 8192);
    arena_free(arena);
}
END_TEST

/* A forged index file may say that cells are narrower than they are read. */
START_TEST(a_column_of_another_width_has_no_cells)
{
    struct arena *arena = arena_new();
    struct column_window window = {0};
    uint32_t run;
    uint64_t column = column_create(arena, 4, 0);
    MUST(column_reserve(arena, column, 2 * COLUMN_CHUNK));
    ck_assert_ptr_nonnull(column_at(arena, column, 0, 4));
    ck_assert_ptr_null(column_at(arena, column, 0, 8));
    ck_assert_ptr_null(column_cells(arena, column, 0, 2, 8));
    ck_assert(!arena->damaged);
    ck_assert_ptr_null(column_in(arena, column, &window, 5, 8));
    ck_assert(arena->damaged);
    arena->damaged = false;
    ck_assert_ptr_null(column_run(arena, column, 0, 8, &run));
    ck_assert(arena->damaged && run == 0);
    arena_free(arena);
}
END_TEST

START_TEST(out_of_memory_leaves_a_sound_column)
{
    struct arena *arena = arena_new();
    uint64_t whole = arena->reserved;
    uint64_t column = column_create(arena, 8, 7);
    int refused = 0;
    for (uint32_t n = 0; n < 40000; n += 100) {
        arena->reserved = n % 500 ? arena->used + (1 << 17) : whole;
        refused += !column_reserve(arena, column, n + 1);
        for (uint32_t i = 0; i < column_count(arena, column); i += 97)
            MUST(column_at(arena, column, i, 8) != NULL &&
                 memcmp(column_at(arena, column, i, 8), "\7\0\0\0\0\0\0\0", 8) == 0);
    }
    arena->reserved = whole;
    ck_assert_int_gt(refused, 5);
    ck_assert(!arena->damaged);
    arena_free(arena);
}
END_TEST

START_TEST(damaged_columns_do_no_harm)
{
    uint64_t state = 12;
    for (int round = 0; round < 300; round++) {
        struct arena *arena = arena_new();
        uint64_t column = column_create(arena, 8, 0);
        MUST(column_reserve(arena, column, (uint32_t)(round * 61)));
        for (int i = 0; i <= round % 5; i++)
            arena->base[ARENA_FIRST + random_next(&state) % 160] = (uint8_t)random_next(&state);
        for (int i = 0; i < 500; i++) {
            uint32_t run;
            uint32_t number = (uint32_t)(random_next(&state) % 30000);
            uint8_t *cell = column_at(arena, column, number, 8);
            if (cell != NULL)
                memset(cell, 0xff, 8);
            cell = column_run(arena, column, number, 8, &run);
            MUST(cell == NULL || run > 0);
            if (i % 100 == 0)
                (void)column_reserve(arena, column, number);
        }
        column_free(arena, column);
        arena_free(arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("column");
    TCase *tests = tcase_create("column");
    tcase_add_loop_test(tests, cells_keep_what_is_written_and_start_as_filled, 0, 7);
    tcase_add_test(tests, chunks_never_move_once_whole);
    tcase_add_test(tests, a_small_column_stays_small);
    tcase_add_test(tests, bad_arguments_are_refused);
    tcase_add_test(tests, a_column_of_another_width_has_no_cells);
    tcase_add_test(tests, out_of_memory_leaves_a_sound_column);
    tcase_add_test(tests, damaged_columns_do_no_harm);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
