/* The arena: blocks do not overlap, come back zeroed, are reused; the lists in
 * its bytes may say anything. */
#include "store/arena.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

struct block {
    uint64_t offset;
    size_t size;
    uint8_t mark;
};

static size_t size_make(uint64_t *state)
{
    uint64_t r = random_next(state);
    switch (r % 8) {
    case 0: return r >> 8 & 7;
    case 1: return 1024;
    case 2: return (r >> 8) % 70000;
    case 3: return (size_t)4096 << (r >> 8 & 3);
    default: return (r >> 8) % 300;
    }
}

static bool filled_with(const uint8_t *bytes, size_t size, uint8_t mark)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != mark)
            return false;
    return true;
}

START_TEST(blocks_are_zero_and_keep_what_is_put_into_them)
{
    enum { BLOCKS = 500 };
    struct arena *arena = arena_new();
    struct block blocks[BLOCKS] = {0};
    uint64_t state = 1, requested = 0;
    for (int i = 0; i < 40000; i++) {
        struct block *block = &blocks[random_next(&state) % BLOCKS];
        if (block->offset != 0) {
            MUST(filled_with(arena_at(arena, block->offset, block->size), block->size, block->mark));
            arena_release(arena, block->offset, block->size);
            requested -= block->size;
            block->offset = 0;
            continue;
        }
        block->size = size_make(&state);
        block->mark = (uint8_t)(i % 255 + 1);
        block->offset = arena_alloc(arena, block->size);
        MUST(block->offset != 0 && block->offset % 8 == 0);
        uint8_t *bytes = arena_at(arena, block->offset, block->size);
        MUST(bytes != NULL && filled_with(bytes, block->size, 0));
        memset(bytes, block->mark, block->size);
        requested += block->size;
        MUST(arena->used - arena_free_bytes(arena) >= requested);
    }
    ck_assert(!arena->damaged);
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].offset != 0)
            arena_release(arena, blocks[i].offset, blocks[i].size);
    /* all is free again but the root page and the lists */
    ck_assert_uint_eq(arena->used - arena_free_bytes(arena), ARENA_FIRST);
    arena_free(arena);
}
END_TEST

START_TEST(freed_space_is_used_again)
{
    struct arena *arena = arena_new();
    uint64_t offsets[1000];
    for (int i = 0; i < 1000; i++)
        offsets[i] = arena_alloc(arena, 1024);
    uint64_t used = arena->used;
    for (int i = 0; i < 1000; i++)
        arena_release(arena, offsets[i], 1024);
    ck_assert_uint_ge(arena_free_bytes(arena), 1000 * 1024);
    for (int i = 0; i < 1000; i++)
        MUST(arena_alloc(arena, 1000) != 0); /* the same class */
    ck_assert_uint_eq(arena->used, used);
    for (int i = 0; i < 1000; i++)
        arena_release(arena, offsets[i], 1024);
    for (int i = 0; i < 6000; i++)
        MUST(arena_alloc(arena, 96) != 0); /* cut out of larger ones: six each at least */
    ck_assert_uint_eq(arena->used, used);
    arena_free(arena);
}
END_TEST

START_TEST(large_blocks_are_aligned_and_the_base_stays)
{
    struct arena *arena = arena_new();
    const uint8_t *base = arena->base;
    MUST(arena_alloc(arena, 24) != 0);
    ck_assert_uint_eq(arena_alloc(arena, 1024) % 1024, 0);
    MUST(arena_alloc(arena, 40) != 0);
    ck_assert_uint_eq(arena_alloc(arena, 65536) % 4096, 0);
    for (int i = 0; i < 60; i++)
        MUST(arena_alloc(arena, 1 << 20) != 0);
    ck_assert_ptr_eq(arena->base, base);
    ck_assert_uint_le(arena_free_bytes(arena), 10000); /* what alignment skipped */
    arena_free(arena);
}
END_TEST

START_TEST(an_empty_arena_is_small)
{
    struct arena *arena = arena_new();
    ck_assert_uint_le(arena->used, 8192);
    ck_assert_ptr_nonnull(arena_at(arena, ARENA_ROOT, ARENA_ROOT_SIZE));
    ck_assert(filled_with(arena_at(arena, ARENA_ROOT, ARENA_ROOT_SIZE), ARENA_ROOT_SIZE, 0));
    arena_free(arena);
}
END_TEST

START_TEST(accesses_outside_are_refused)
{
    struct arena *arena = arena_new();
    uint64_t used = arena->used;
    ck_assert_ptr_null(arena_at(arena, 0, 8));
    ck_assert_ptr_null(arena_at(arena, used, 1));
    ck_assert_ptr_nonnull(arena_at(arena, used - 1, 1));
    ck_assert_ptr_null(arena_at(arena, used - 1, 2));
    ck_assert_ptr_null(arena_at(arena, used - 1, SIZE_MAX));
    ck_assert_ptr_null(arena_at(arena, UINT64_MAX, 1));
    ck_assert_ptr_null(arena_at(arena, 8, SIZE_MAX));
    ck_assert_uint_eq(arena_alloc(arena, SIZE_MAX), 0);
    ck_assert_uint_eq(arena_alloc(arena, (size_t)1 << 50), 0);
    ck_assert(!arena->damaged);
    arena_free(arena);
}
END_TEST

START_TEST(bad_releases_are_noted_and_ignored)
{
    static const uint64_t offsets[] = {0, 8, 64, 4096, ARENA_FIRST + 4, UINT64_C(1) << 33, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct arena *arena = arena_new();
        MUST(arena_alloc(arena, 100) != 0);
        arena_release(arena, offsets[i], 64);
        ck_assert(arena->damaged);
        ck_assert_uint_eq(arena_free_bytes(arena), 0);
        arena_free(arena);
    }
}
END_TEST

START_TEST(no_memory_is_an_answer)
{
    struct arena *arena = arena_new();
    arena->reserved = arena->used + (1 << 17) + 8192;
    uint64_t one = arena_alloc(arena, 1000);
    MUST(one != 0 && arena_alloc(arena, 65536) == 0);
    arena_release(arena, one, 1000);
    MUST(arena_alloc(arena, 1000) == one); /* what is free can still be had */
    ck_assert(!arena->damaged);
    arena->reserved = UINT64_C(1) << 30;
    arena_free(arena);
}
END_TEST

START_TEST(the_last_stretch_of_the_reserve_is_used)
{
    struct arena *arena = arena_new();
    arena->reserved = (UINT64_C(1) << 22) + 24 * 4096; /* no multiple of the steps in which it grows */
    uint64_t offset = 1, blocks = 0;
    while ((offset = arena_alloc(arena, 4096)) != 0)
        blocks++;
    MUST(arena->committed == arena->reserved && !arena->damaged);
    /* all but what it starts with and the margin of 128 KiB behind the last one */
    MUST(blocks == (arena->reserved - 2 * ARENA_BLOCK - (1 << 17)) / 4096);
    arena->reserved = UINT64_C(1) << 38;
    arena_free(arena);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need address space of their own */
/* A system that grants no address space, some, or only addresses and no memory. */
START_TEST(what_the_system_refuses_is_out_of_memory)
{
    static const struct {
        __rlimit_resource_t resource;
        rlim_t limit;
        bool refused;
    } cases[] = {{RLIMIT_AS, 0, true}, {RLIMIT_AS, (rlim_t)1 << 36, false}, {RLIMIT_DATA, 4096, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rlimit before, limited;
        struct arena *arena = arena_new(); /* the heap has room for another one afterwards */
        arena_free(arena);
        arena = NULL;
        MUST(getrlimit(cases[i].resource, &before) == 0);
        limited = (struct rlimit){cases[i].limit, before.rlim_max};
        MUST(setrlimit(cases[i].resource, &limited) == 0);
        int32_t status = arena_create(memory_default(), &arena, NULL);
        MUST(setrlimit(cases[i].resource, &before) == 0);
        MUST(status == (cases[i].refused ? CRM_NOMEM : CRM_OK));
        MUST((status == CRM_OK) == (arena != NULL));
        MUST(arena == NULL || (arena->reserved >= UINT64_C(1) << 26 && arena->reserved <= UINT64_C(1) << 36));
        arena_free(arena);
    }
}
END_TEST
#endif

static void *resize_fails(void *context, void *old, size_t size)
{
    (void)context;
    if (size == 0)
        free(old);
    return NULL;
}

START_TEST(creating_without_memory_fails)
{
    const struct memory memory = {resize_fails, NULL};
    struct arena *arena = NULL;
    ck_assert_int_eq(arena_create(&memory, &arena, NULL), CRM_NOMEM);
    ck_assert_ptr_null(arena);
    arena_free(NULL);
}
END_TEST

START_TEST(damaged_lists_do_no_harm)
{
    uint64_t state = 3;
    for (int round = 0; round < 300; round++) {
        struct arena *arena = arena_new();
        uint64_t offsets[100];
        for (int i = 0; i < 100; i++)
            offsets[i] = arena_alloc(arena, (size_t)(16 << i % 8));
        for (int i = 0; i < 100; i += 2)
            arena_release(arena, offsets[i], (size_t)(16 << i % 8));
        for (int i = 0; i < 40; i++) {
            uint64_t at = i % 2 ? 8 + random_next(&state) % 40 : 4096 + random_next(&state) % 1216;
            arena->base[at] = (uint8_t)random_next(&state);
        }
        for (int i = 0; i < 2000; i++) {
            size_t size = size_make(&state) % 5000;
            uint64_t offset = arena_alloc(arena, size);
            uint8_t *bytes = offset == 0 ? NULL : arena_at(arena, offset, size);
            MUST(offset == 0 || bytes != NULL);
            if (bytes != NULL)
                memset(bytes, 0xff, size); /* may be a list's own link: the worst one */
            if (i % 3 == 0)
                arena_release(arena, offset, size);
        }
        MUST(arena_free_bytes(arena) <= arena->used);
        arena_free(arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tests = tcase_create("arena");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, blocks_are_zero_and_keep_what_is_put_into_them);
    tcase_add_test(tests, freed_space_is_used_again);
    tcase_add_test(tests, large_blocks_are_aligned_and_the_base_stays);
    tcase_add_test(tests, an_empty_arena_is_small);
    tcase_add_test(tests, accesses_outside_are_refused);
    tcase_add_test(tests, bad_releases_are_noted_and_ignored);
    tcase_add_test(tests, no_memory_is_an_answer);
    tcase_add_test(tests, the_last_stretch_of_the_reserve_is_used);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    tcase_add_test(tests, what_the_system_refuses_is_out_of_memory);
#endif
    tcase_add_test(tests, creating_without_memory_fails);
    tcase_add_test(tests, damaged_lists_do_no_harm);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
