/* Images whose checksums are right, or whose damage is met late: in the arena's
 * own lists, behind the last byte in use, in sizes that no file has.
 * Proves P5, P6. */
#include "image_fixture.h"
#include "sys/checksum.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A byte of the packed block `which` (from the end when below 0) is another one. */
static void block_damage(int64_t which)
{
    uint8_t *bytes;
    uint64_t packed, blocks, at = 4096;
    uint32_t length;
    size_t size = file_read(&bytes);
    memcpy(&packed, bytes + AT_PACKED, 8);
    memcpy(&blocks, bytes + AT_BLOCKS, 8);
    uint64_t wanted = which < 0 ? blocks - (uint64_t)-which : (uint64_t)which;
    for (uint64_t block = 0; block < wanted; block++) {
        memcpy(&length, bytes + 4096 + packed + block * 8 + 4, 4);
        at += length;
    }
    bytes[at] ^= 1;
    file_write(bytes, size);
    free(bytes);
}

/* The arena's own numbers, its free lists, and what lies behind the last one in use. */
START_TEST(damage_where_the_arena_keeps_its_lists_is_noticed)
{
    static const int64_t which[] = {0, 1, -1};
    struct arena *arena = arena_make(100);
    uint64_t inside = arena_alloc(arena, 64), first = arena_alloc(arena, 64);
    while (arena->used % ARENA_BLOCK < 64 || arena->used % ARENA_BLOCK > 2048) /* the last block has a gap */
        memset(arena->base + arena_alloc(arena, 1000), 1, 1000); /* an empty block has no bytes to damage */
    MUST(inside != 0 && first != 0);
    arena_release(arena, first, 64);
    for (int act = 0; act < 4; act++) {
        for (size_t i = 0; i < 3; i++) {
            struct arena *mapped;
            image_put(arena);
            block_damage(which[i]);
            MUST(image_get(&mapped) == CRM_OK);
            uint64_t offset = act == 0 ? arena_alloc(mapped, 4096) : act == 3 ? arena_alloc(mapped, 64) : 0;
            MUST(offset == 0 || offset >= arena->used || offset == first);
            if (act == 1)
                arena_release(mapped, inside, 64);
            MUST(act != 2 || arena_free_bytes(mapped) <= mapped->used);
            MUST(mapped->damaged ==
                 (which[i] == 0 || (act == 0 && (which[i] == 1 || which[i] == -1)) || (act % 2 == 1 && which[i] == 1)));
            arena_free(mapped);
        }
    }
    arena_free(arena);
}
END_TEST

START_TEST(what_grows_across_the_images_end_is_zero)
{
    struct arena *arena = arena_make(100), *mapped;
    while (arena->used % ARENA_BLOCK != 1024)
        MUST(arena_alloc(arena, 1024) != 0);
    MUST(arena_at(arena, arena->used - 8, 8) != NULL);
    memset(arena->base + arena->used, 0xff, 512); /* is not written: nobody has it */
    image_put(arena);
    memset(arena->base + arena->used, 0, 512);
    MUST(image_get(&mapped) == CRM_OK);
    uint64_t offset = arena_alloc(mapped, 5120);
    const uint8_t *bytes = arena_at(mapped, offset, 5120);
    MUST(bytes != NULL && offset == arena->used && bytes[0] == 0 && memcmp(bytes, bytes + 1, 5119) == 0);
    MUST(image_verify(mapped));
    arena_release(mapped, 8, 64); /* of what is not given out: somebody follows a wrong offset */
    MUST(!image_verify(mapped));
    arena_free(mapped);
    arena_free(arena);
}
END_TEST

/* A table whose lengths are all 0, and add up. */
START_TEST(an_image_of_no_bytes_is_refused)
{
    struct arena *arena = arena_make(10), *mapped;
    uint8_t *bytes;
    uint64_t blocks, packed = 0;
    image_put(arena);
    (void)file_read(&bytes);
    memcpy(&blocks, bytes + AT_BLOCKS, 8);
    memset(bytes + 4096, 0, (size_t)blocks * 8);
    uint32_t crc = crc32c(0, bytes + 4096, (size_t)blocks * 8);
    memcpy(bytes + AT_TABLE_CRC, &crc, 4);
    memcpy(bytes + AT_PACKED, &packed, 8);
    header_seal(bytes);
    file_write(bytes, 4096 + (size_t)blocks * 8);
    MUST(image_get(&mapped) == CRM_NOT_FOUND);
    free(bytes);
    arena_free(arena);
}
END_TEST

START_TEST(an_arena_of_more_than_an_image_holds_is_not_written)
{
    struct arena *arena = arena_make(10);
    uint64_t used = arena->used;
    arena->used = (UINT64_C(1) << 37) + ARENA_BLOCK; /* 128 GiB and a block */
    int32_t status = image_write(file_ops_default(), image_path, arena, &written, NULL);
    arena->used = used;
    ck_assert_int_eq(status, CRM_NOMEM);
    ck_assert_int_ne(access(image_path, F_OK), 0);
    arena_free(arena);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need memory of their own */
START_TEST(an_image_that_the_system_grants_no_memory_is_not_opened)
{
    struct arena *arena = arena_make(1000), *mapped;
    struct rlimit before, limited;
    image_put(arena);
    MUST(image_get(&mapped) == CRM_OK); /* the heap has room for another one afterwards */
    arena_free(mapped);
    MUST(getrlimit(RLIMIT_DATA, &before) == 0);
    limited = (struct rlimit){4096, before.rlim_max};
    MUST(setrlimit(RLIMIT_DATA, &limited) == 0);
    int32_t status = image_get(&mapped);
    MUST(setrlimit(RLIMIT_DATA, &before) == 0);
    ck_assert_int_eq(status, CRM_NOMEM);
    ck_assert_ptr_null(mapped);
    arena_free(arena);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("damaged_image");
    TCase *tests = tcase_create("damaged_image");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, damage_where_the_arena_keeps_its_lists_is_noticed);
    tcase_add_test(tests, what_grows_across_the_images_end_is_zero);
    tcase_add_test(tests, an_image_of_no_bytes_is_refused);
    tcase_add_test(tests, an_arena_of_more_than_an_image_holds_is_not_written);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    tcase_add_test(tests, an_image_that_the_system_grants_no_memory_is_not_opened);
#endif
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
