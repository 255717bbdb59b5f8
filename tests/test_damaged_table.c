/* What a hash table's and a column's headers say is not believed: each number in
 * them is replaced by ones that an attacker would choose, blocks that are in use
 * are put on the free list, and memory runs out at every step.
 * Proves P6. */
#include "damage_fixture.h"
#include "store/column.h"
#include "store/hash.h"
#include "store/tree.h"

#include <string.h>

/* ---- hash tables ---- */

/* Hashes of which many are alike in groups, so that some go to the overflow. */
static uint64_t hash_of(uint32_t i)
{
    uint64_t state = i % 10 == 0 ? 5 : i;
    return damage_random(&state);
}

/* The header's eight words, the directory's first entries, the first slots. */
static struct subject *table_of(uint32_t count)
{
    struct subject *subject = subject_new();
    subject->root = hash_create(subject->arena);
    for (uint32_t i = 0; i < count; i++)
        MUST(hash_insert(subject->arena, subject->root, hash_of(i), i));
    const uint8_t *base = subject->arena->base;
    uint32_t segments = (uint32_t)number_at(base + subject->root + 4, 4);
    uint64_t slots = number_at(base + subject->root + 24, 8), directory = number_at(base + subject->root + 32, 8);
    uint64_t overflow = number_at(base + subject->root + 48, 8);
    for (uint64_t at = 16; overflow != 0 && at < 32; at += 4)
        subject_place(subject, overflow + at, 4); /* of the tree: root, first and last leaf, depth */
    if (overflow != 0)
        subject_block(subject, overflow, 32);
    subject_place(subject, subject->root, 4);
    subject_place(subject, subject->root + 4, 4);
    for (uint64_t at = 8; at < 64; at += 8)
        subject_place(subject, subject->root + at, 8);
    for (uint32_t i = 0; i <= segments && i < 4; i++)
        subject_place(subject, directory + i * 8, 8);
    uint64_t segment = number_at(base + directory, 8);
    for (uint64_t slot = 0; slot < 6; slot++)
        subject_place(subject, segment + slot * slots / 6 * 8 % (UINT64_C(8) << 13), 8);
    subject_block(subject, subject->root, 64);
    subject_block(subject, directory, 32);
    for (uint32_t i = 0; i < segments && i < 4; i++)
        subject_block(subject, number_at(base + directory + i * 8, 8), segments > 1 ? (size_t)8 << 13 : slots * 8);
    subject_keep(subject);
    return subject;
}

static bool is_there(struct subject *subject, uint32_t i)
{
    struct hash_cursor cursor;
    uint32_t number, steps = 0;
    bool found = false;
    hash_prefetch(subject->arena, subject->root, hash_of(i));
    hash_find(subject->arena, subject->root, hash_of(i), &cursor);
    for (; hash_next(subject->arena, subject->root, &cursor, &number) && steps < 20000; steps++)
        found |= number == i;
    MUST(steps < 20000);
    return found;
}

static void look_up(struct subject *subject)
{
    (void)hash_verify(subject->arena, subject->root);
    (void)hash_count(subject->arena, subject->root);
    for (uint32_t i = 0; i < 300; i += 7)
        (void)is_there(subject, i);
}

static void insert_some(struct subject *subject)
{
    for (uint32_t i = 0; i < 60; i++)
        (void)hash_insert(subject->arena, subject->root, hash_of(100000 + i), i);
}

static void insert_alike(struct subject *subject)
{
    for (uint32_t i = 0; i < 600; i++)
        (void)hash_insert(subject->arena, subject->root, hash_of(0), i % 5);
}

static void remove_some(struct subject *subject)
{
    for (uint32_t i = 0; i < 200; i++)
        (void)hash_remove(subject->arena, subject->root, hash_of(i), i);
}

static void remove_alike(struct subject *subject)
{
    for (uint32_t i = 0; i < 400; i++)
        (void)hash_remove(subject->arena, subject->root, hash_of(0), (399 - i) * 10);
}

static void reserve_more(struct subject *subject)
{
    (void)hash_reserve(subject->arena, subject->root, 60000);
}

static void free_table(struct subject *subject)
{
    hash_free(subject->arena, subject->root);
}

static const act_function table_acts[] = {look_up,      insert_some,  insert_alike, remove_some,
                                          remove_alike, reserve_more, free_table};
enum { TABLE_ACTS = sizeof table_acts / sizeof *table_acts };
/* Small; about to double; one whole segment; several. */
static const uint32_t table_sizes[] = {0, 12, 100, 5000, 13000};
enum { TABLE_SIZES = sizeof table_sizes / sizeof *table_sizes };

START_TEST(no_number_of_a_table_is_believed)
{
    struct subject *subject = table_of(table_sizes[_i]);
    bool large = table_sizes[_i] > 1000; /* a copy of it costs more than the acts */
    damage_numbers(subject, table_acts, TABLE_ACTS, large ? 2 : 1);
    damage_free_lists(subject, table_acts, TABLE_ACTS, large ? 2 : 1);
    subject_free(subject);
}
END_TEST

START_TEST(a_table_without_memory_stays_sound)
{
    static const act_function acts[] = {insert_some, insert_alike, reserve_more};
    struct subject *subject = table_of(table_sizes[_i]);
    subject_run_short(subject, 0);
    MUST(hash_create(subject->arena) == 0);
    subject_run_short(subject, 64);
    MUST(hash_create(subject->arena) == 0);
    subject_run_short(subject, 96);
    MUST(hash_create(subject->arena) == 0);
    for (size_t a = 0; a < sizeof acts / sizeof *acts; a++) {
        for (uint64_t room = 0; room < 600000; room += room < 2048 ? 64 : 8192) {
            subject_run_short(subject, room);
            acts[a](subject);
            MUST(!subject->arena->damaged && hash_verify(subject->arena, subject->root));
            for (uint32_t i = 0; i < table_sizes[_i]; i += 97)
                MUST(is_there(subject, i));
        }
    }
    subject_free(subject);
}
END_TEST

/* Room is reserved, but not for the tree that takes what would lie too far from its home. */
START_TEST(an_overflow_without_memory_is_an_answer)
{
    struct subject *subject = subject_new();
    subject->root = hash_create(subject->arena);
    MUST(hash_reserve(subject->arena, subject->root, 10000));
    subject_keep(subject);
    subject_run_short(subject, 0);
    uint32_t most = 0;
    while (hash_insert(subject->arena, subject->root, hash_of(0), most))
        most++;
    ck_assert_uint_eq(most, 512); /* as far as an entry may lie from its home */
    MUST(!subject->arena->damaged && hash_verify(subject->arena, subject->root));
    MUST(is_there(subject, 0) && hash_count(subject->arena, subject->root) == most);
    subject_free(subject);
}
END_TEST

static uint64_t *slots_of(const struct subject *subject)
{
    uint8_t *base = subject->arena->base;
    return (void *)(base + number_at(base + number_at(base + subject->root + 32, 8), 8));
}

/* All of a small table's slots are taken, in order, by entries whose home is the first. */
static struct subject *crowd(void)
{
    struct subject *subject = table_of(0);
    for (uint32_t i = 0; i < 32; i++)
        slots_of(subject)[i] = UINT64_C(1) << 32 | i;
    *(uint64_t *)(void *)(subject->arena->base + subject->root + 8) = 10; /* entries; at 12 it grows */
    return subject;
}

START_TEST(a_table_without_gaps_is_unsound_and_does_no_harm)
{
    struct subject *subject = crowd();
    MUST(!hash_verify(subject->arena, subject->root));      /* entries lie further from home than they may */
    MUST(hash_remove(subject->arena, subject->root, 1, 3)); /* all that follow move, the last one, too */
    MUST(slots_of(subject)[30] == (UINT64_C(1) << 32 | 31) && slots_of(subject)[31] == 0);
    subject_free(subject);
    subject = crowd();
    for (uint32_t i = 0; i < 32; i++) /* in descending order: growing deals them out again */
        slots_of(subject)[i] = (uint64_t)(UINT32_MAX - i) << 32 | i;
    *(uint64_t *)(void *)(subject->arena->base + subject->root + 8) = 12;
    subject_keep(subject);
    for (uint64_t room = 0; room < 2048; room += 64) {
        subject_run_short(subject, room);
        (void)hash_insert(subject->arena, subject->root, 77, 77);
        (void)hash_verify(subject->arena, subject->root);
    }
    subject_free(subject);
}
END_TEST

/* A run of entries goes on into a segment that is not there. */
START_TEST(a_missing_segment_is_noticed)
{
    struct subject *subject = table_of(13000);
    uint8_t *base = subject->arena->base;
    uint64_t directory = number_at(base + subject->root + 32, 8), capacity = number_at(base + subject->root + 16, 8);
    /* the fingerprint of which slot 8191 is the home, rounded up */
    uint64_t print = ((UINT64_C(8191) << 32) + capacity - 1) / capacity;
    slots_of(subject)[8190] = 0;
    slots_of(subject)[8191] = print << 32 | 5;
    *(uint64_t *)(void *)(base + directory + 8) = UINT64_MAX - 7;
    MUST(hash_remove(subject->arena, subject->root, print, 5));
    MUST(subject->arena->damaged && slots_of(subject)[8191] == 0);
    subject_free(subject);
}
END_TEST

START_TEST(a_search_notices_what_changed_below_it)
{
    struct subject *subject = table_of(100);
    struct hash_cursor cursor;
    uint32_t number, found = 0;
    hash_find(subject->arena, subject->root, hash_of(0), &cursor);
    cursor.run = 0; /* as at a block's end */
    memset(subject->arena->base + subject->root, 0, 4);
    while (hash_next(subject->arena, subject->root, &cursor, &number))
        found++;
    MUST(found == 0 && subject->arena->damaged);
    subject_free(subject);
}
END_TEST

/* ---- columns ---- */

enum { WIDTH = 8 };

static struct subject *column_of(uint32_t cells)
{
    struct subject *subject = subject_new();
    subject->root = column_create(subject->arena, WIDTH, 7);
    MUST(column_extend(subject->arena, subject->root, cells));
    const struct column_header *header = (const void *)(subject->arena->base + subject->root);
    for (uint64_t at = 0; at < sizeof *header; at += 4)
        subject_place(subject, subject->root + at, 4);
    subject_place(subject, subject->root + offsetof(struct column_header, directory), 8);
    subject_block(subject, subject->root, sizeof *header);
    subject_block(subject, header->directory, (size_t)header->room * 8);
    for (uint32_t first = 0; first < header->cells; first += COLUMN_CHUNK) {
        uint64_t entry = header->directory + first / COLUMN_CHUNK * UINT64_C(8);
        subject_place(subject, entry, 8);
        subject_block(subject, number_at(subject->arena->base + entry, 8),
                      WIDTH * (header->cells < COLUMN_CHUNK ? (size_t)header->cells : COLUMN_CHUNK));
    }
    subject_keep(subject);
    return subject;
}

static void read_column(struct subject *subject)
{
    struct arena *arena = subject->arena;
    struct column_window window = {0};
    /* as the header has it, be that sound or not */
    uint32_t count = (uint32_t)number_at(arena->base + subject->root + offsetof(struct column_header, cells), 4);
    uint32_t run, most = column_count(arena, subject->root);
    MUST(most == 0 || most == count);
    most = most < 100000 ? most : 100000;
    static const uint32_t numbers[] = {0, 1, 63, 64, 4095, 4096, 12287, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint32_t number = numbers[i];
        const void *cell = column_at(arena, subject->root, number, WIDTH);
        const void *cells = column_cells(arena, subject->root, number, 2, WIDTH);
        MUST(cell == NULL || number < count);
        MUST(cells == NULL || (cells == cell && number + 1 < count));
        MUST(column_at(arena, subject->root, number, WIDTH / 2) == NULL ||
             number_at(arena->base + subject->root + offsetof(struct column_header, width), 4) == WIDTH / 2);
        (void)column_in(arena, subject->root, &window, number, WIDTH);
        (void)column_in(arena, subject->root, &window, number, WIDTH); /* through the window, if there is one */
        (void)column_run(arena, subject->root, number, WIDTH, &run);
        MUST(run <= COLUMN_CHUNK);
    }
    for (uint32_t number = 0; number < most && column_run(arena, subject->root, number, WIDTH, &run) != NULL;)
        number += run;
    MUST(column_cells(arena, subject->root, 4000, 200, WIDTH) == NULL); /* of two chunks */
    MUST(column_at(arena, subject->root + 4, 0, WIDTH) == NULL);
    MUST(column_cells(arena, subject->root + 4, 0, 1, WIDTH) == NULL);
    MUST(column_cells(arena, UINT64_MAX - 7, 0, 1, WIDTH) == NULL);
}

static void extend_column(struct subject *subject)
{
    static const uint32_t counts[] = {65, 200, 4096, 4097, 20000, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        (void)column_extend(subject->arena, subject->root, counts[i]);
}

static void free_column(struct subject *subject)
{
    column_free(subject->arena, subject->root);
}

static const act_function column_acts[] = {read_column, extend_column, free_column};
enum { COLUMN_ACTS = sizeof column_acts / sizeof *column_acts };
static const uint32_t column_sizes[] = {0, 64, 1024, 4096, 12288, 16384};
enum { COLUMN_SIZES = sizeof column_sizes / sizeof *column_sizes };

START_TEST(no_number_of_a_column_is_believed)
{
    struct subject *subject = column_of(column_sizes[_i]);
    damage_numbers(subject, column_acts, COLUMN_ACTS, 1);
    damage_free_lists(subject, column_acts, COLUMN_ACTS, 1);
    subject_free(subject);
}
END_TEST

START_TEST(a_column_without_memory_keeps_its_cells)
{
    struct subject *subject = column_of(column_sizes[_i]);
    for (uint64_t room = 0; room < 300000; room += room < 2048 ? 32 : 8192) {
        subject_run_short(subject, room);
        uint64_t other = column_create(subject->arena, 1, 0);
        MUST(other == 0 || room >= sizeof(struct column_header) + 32);
        extend_column(subject);
        MUST(!subject->arena->damaged && column_count(subject->arena, subject->root) >= column_sizes[_i]);
        for (uint32_t i = 0; i < column_count(subject->arena, subject->root); i += 61) {
            const uint8_t *cell = column_at(subject->arena, subject->root, i, WIDTH);
            MUST(cell != NULL && number_at(cell, WIDTH) == 7);
        }
    }
    subject_free(subject);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damaged_table");
    TCase *tests = tcase_create("damaged_table");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, no_number_of_a_table_is_believed, 0, TABLE_SIZES);
    tcase_add_loop_test(tests, a_table_without_memory_stays_sound, 0, TABLE_SIZES);
    tcase_add_test(tests, an_overflow_without_memory_is_an_answer);
    tcase_add_test(tests, a_table_without_gaps_is_unsound_and_does_no_harm);
    tcase_add_test(tests, a_missing_segment_is_noticed);
    tcase_add_test(tests, a_search_notices_what_changed_below_it);
    tcase_add_loop_test(tests, no_number_of_a_column_is_believed, 0, COLUMN_SIZES);
    tcase_add_loop_test(tests, a_column_without_memory_keeps_its_cells, 0, COLUMN_SIZES);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
