/* The image: what is written comes back; whatever is wrong with the file, it is
 * refused, found when touched, or of no effect; a failed write leaves the old
 * one.
 * Proves P5, P6. */
#include "image_fixture.h"
#include "store/hash.h"
#include "sys/checksum.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(what_is_written_comes_back)
{
    static const uint32_t counts[] = {0, 1, 100, 5000, 60000};
    uint32_t count = counts[_i];
    struct arena *arena = arena_make(count);
    struct image_point point;
    crm_error error;
    image_put(arena);
    struct arena *mapped = NULL;
    MUST(image_open(file_ops_default(), memory_default(), image_path, &point, &mapped, &error) == CRM_OK);
    MUST(memcmp(&point.file, &written.file, sizeof point.file) == 0 && point.generation == 3 && point.layout == 12);
    MUST(point.at.offset == 8192 && point.at.lsn == 77 && point.at.time == -5 && point.at.crc == 0xdeadbeef);
    MUST(mapped->used == arena->used && arena_free_bytes(mapped) == arena_free_bytes(arena));
    MUST(reads_right(mapped, count) && image_verify(mapped));
    MUST(memcmp(mapped->base, arena->base, arena->used) == 0);
    arena_free(mapped);
    arena_free(arena);
}
END_TEST

START_TEST(a_mapped_image_grows_and_is_written_again)
{
    struct arena *arena = arena_make(300);
    for (uint32_t count = 300; count < 20000; count = count * 3 + 1) {
        image_put(arena);
        arena_free(arena);
        MUST(image_get(&arena) == CRM_OK);
        image_fill(arena, count, count * 3 + 1);
        MUST(reads_right(arena, count * 3 + 1));
        /* the file is not touched by changes in memory */
        struct arena *other;
        MUST(image_get(&other) == CRM_OK && reads_right(other, count));
        arena_free(other);
    }
    arena_free(arena);
}
END_TEST

START_TEST(only_the_owner_may_read_the_file)
{
    struct arena *arena = arena_make(10);
    struct stat status;
    image_put(arena);
    MUST(stat(image_path, &status) == 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_int_ne(access(image_beside, F_OK), 0);
    arena_free(arena);
}
END_TEST

START_TEST(a_missing_or_foreign_file_is_not_found)
{
    struct arena *arena;
    ck_assert_int_eq(image_get(&arena), CRM_NOT_FOUND);
    FILE *file = fopen(image_path, "w");
    ck_assert_int_eq(image_get(&arena), CRM_NOT_FOUND);
    for (int i = 0; i < 100000; i++)
        fputc(i, file);
    fclose(file);
    ck_assert_int_eq(image_get(&arena), CRM_NOT_FOUND);
    ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(every_damaged_byte_is_found_or_has_no_effect)
{
    struct arena *arena = arena_make(40);
    struct arena *mapped;
    uint8_t *bytes;
    image_put(arena);
    size_t size = file_read(&bytes);
    int descriptor = open(image_path, O_RDWR);
    MUST(descriptor >= 0);
    for (size_t at = 0; at < size; at++) {
        uint8_t wrong = (uint8_t)(bytes[at] ^ (1 << at % 8));
        MUST(pwrite(descriptor, &wrong, 1, (off_t)at) == 1);
        if (image_get(&mapped) == CRM_OK) {
            /* without effect, or found when touched; nothing in between */
            bool same = image_verify(mapped);
            MUST(same || mapped->damaged);
            MUST(!same || memcmp(mapped->base, arena->base, arena->used) == 0);
            arena_free(mapped);
        }
        if (at % 64 == 1 && image_get(&mapped) == CRM_OK) {
            /* found by whoever comes first, too */
            MUST(reads_right(mapped, 40) || mapped->damaged);
            arena_free(mapped);
        }
        MUST(pwrite(descriptor, &bytes[at], 1, (off_t)at) == 1);
    }
    close(descriptor);
    MUST(image_get(&mapped) == CRM_OK && image_verify(mapped));
    arena_free(mapped);
    arena_free(arena);
    free(bytes);
}
END_TEST

START_TEST(a_file_of_another_length_is_not_found)
{
    struct arena *arena = arena_make(40);
    struct arena *mapped;
    uint8_t *bytes;
    image_put(arena);
    size_t size = file_read(&bytes);
    for (size_t length = 0; length < size; length += length < 300 || size - length < 300 ? 1 : 97) {
        MUST(truncate(image_path, (off_t)length) == 0);
        MUST(image_get(&mapped) == CRM_NOT_FOUND);
        file_write(bytes, size);
    }
    MUST(truncate(image_path, (off_t)size + 1) == 0);
    MUST(image_get(&mapped) == CRM_NOT_FOUND);
    arena_free(arena);
    free(bytes);
}
END_TEST

START_TEST(hostile_sizes_with_right_checksums_are_refused)
{
    static const uint64_t sizes[] = {
        0,     1, 4095, 4096, UINT64_C(1) << 32, UINT64_MAX, UINT64_C(1) << 50, UINT64_MAX - 4095, UINT64_MAX / 4096,
        100000};
    struct arena *arena = arena_make(40);
    struct arena *mapped;
    uint8_t *bytes;
    image_put(arena);
    size_t size = file_read(&bytes);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int which = 1; which < 8; which++) {
            uint8_t header[4096];
            memcpy(header, bytes, sizeof header);
            if (which & 1)
                memcpy(header + AT_USED, &sizes[i], 8);
            if (which & 2)
                memcpy(header + AT_BLOCKS, &sizes[i], 8);
            if (which & 4)
                memcpy(header + AT_PACKED, &sizes[i], 8);
            header_seal(header);
            int descriptor = open(image_path, O_WRONLY);
            MUST(pwrite(descriptor, header, sizeof header, 0) == sizeof header);
            close(descriptor);
            MUST(image_get(&mapped) == CRM_NOT_FOUND);
        }
    }
    bytes[AT_VERSION]++;
    header_seal(bytes);
    file_write(bytes, size);
    ck_assert_int_eq(image_get(&mapped), CRM_NOT_FOUND);
    bytes[AT_VERSION]--;
    bytes[AT_GENERATION]++;
    header_seal(bytes);
    file_write(bytes, size);
    struct image_point point; /* what is sealed is believed: so it was the sizes, and the version */
    ck_assert_int_eq(image_open(file_ops_default(), memory_default(), image_path, &point, &mapped, NULL), CRM_OK);
    ck_assert_uint_eq(point.generation, written.generation + 1);
    arena_free(mapped);
    free(bytes);
    arena_free(arena);
}
END_TEST

START_TEST(hostile_blocks_with_right_checksums_do_no_harm)
{
    /* The first block's packed bytes and its entry in the table are made up, all CRCs set right. */
    struct arena *arena = arena_make(400);
    struct arena *mapped;
    uint8_t *bytes;
    uint64_t state = 77, packed, blocks;
    image_put(arena);
    size_t size = file_read(&bytes);
    memcpy(&packed, bytes + AT_PACKED, 8);
    memcpy(&blocks, bytes + AT_BLOCKS, 8);
    uint8_t *table = bytes + 4096 + packed;
    uint32_t length, crc;
    memcpy(&length, table + 4, 4);
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 3; i++)
            bytes[4096 + random_next(&state) % length] = (uint8_t)(random_next(&state) >> (i * 4));
        crc = crc32c(0, bytes + 4096, length);
        memcpy(table, &crc, 4);
        crc = crc32c(0, table, (size_t)blocks * 8);
        memcpy(bytes + AT_TABLE_CRC, &crc, 4);
        header_seal(bytes);
        file_write(bytes, size);
        MUST(image_get(&mapped) == CRM_OK);
        MUST(image_verify(mapped) != mapped->damaged);
        arena_free(mapped);
    }
    static const uint32_t lengths[] = {0, 1, 5000, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        memcpy(table + 4, &lengths[i], 4);
        crc = crc32c(0, table, (size_t)blocks * 8);
        memcpy(bytes + AT_TABLE_CRC, &crc, 4);
        header_seal(bytes);
        file_write(bytes, size);
        MUST(image_get(&mapped) == CRM_NOT_FOUND); /* the lengths do not add up */
    }
    free(bytes);
    arena_free(arena);
}
END_TEST

START_TEST(hostile_content_with_right_checksums_does_no_harm)
{
    uint64_t state = 21;
    struct arena *arena = arena_make(400);
    struct arena *mapped;
    uint8_t *clean = malloc(arena->used);
    memcpy(clean, arena->base, arena->used);
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 1 + round % 20; i++)
            arena->base[8 + random_next(&state) % (arena->used - 8)] = (uint8_t)random_next(&state);
        image_put(arena);
        memcpy(arena->base, clean, arena->used);
        MUST(image_get(&mapped) == CRM_OK && image_verify(mapped));
        (void)reads_right(mapped, 400);
        const struct roots *roots = roots_of(mapped);
        for (uint32_t n = 0; n < 400; n++) {
            struct tree_text text = {(const uint8_t *)"customer", 8, n};
            (void)tree_insert(mapped, roots->tree, key_of(n * 7));
            (void)tree_insert_text(mapped, roots->texts, text);
            (void)hash_insert(mapped, roots->table, n, n);
            (void)tree_remove(mapped, roots->tree, key_of(n));
        }
        arena_free(mapped);
    }
    free(clean);
    arena_free(arena);
}
END_TEST

START_TEST(old_damage_is_not_written_under_a_new_checksum)
{
    struct arena *arena = arena_make(5000);
    struct arena *mapped;
    uint8_t *before, *after;
    image_put(arena);
    size_t size = file_read(&before);
    memcpy(before + size / 2, "damage", 6);
    file_write(before, size);
    MUST(image_get(&mapped) == CRM_OK);
    crm_error error;
    ck_assert_int_eq(image_write(file_ops_default(), image_path, mapped, &written, &error), CRM_CORRUPT);
    ck_assert(mapped->damaged);
    MUST(file_read(&after) == size && memcmp(before, after, size) == 0); /* the caller is to rebuild it */
    ck_assert_int_ne(access(image_beside, F_OK), 0);
    free(before);
    free(after);
    arena_free(mapped);
    arena_free(arena);
}
END_TEST

/* A table of file operations in which the call number `fail_at` fails, once or for good. */
static struct file_ops broken;
static int calls, fail_at;
static bool fail_on;
static uint64_t bytes_written, bytes_unsynced, bytes_unsynced_at_rename;

static bool call_fails(int *system_error)
{
    calls++;
    *system_error = 28;
    return calls == fail_at || (fail_on && calls > fail_at && fail_at != 0);
}

static int32_t broken_open(void *context, const char *name, int flags, struct file **out, int *system_error)
{
    return call_fails(system_error) ? CRM_FULL : file_ops_default()->open(context, name, flags, out, system_error);
}

static int32_t broken_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    bytes_written += length;
    bytes_unsynced += length;
    return call_fails(system_error) ? CRM_FULL : file_ops_default()->write(file, offset, bytes, length, system_error);
}

static int32_t broken_sync(struct file *file, int *system_error)
{
    bytes_unsynced = 0;
    return call_fails(system_error) ? CRM_IO : file_ops_default()->sync(file, system_error);
}

static int32_t broken_truncate(struct file *file, uint64_t size, int *system_error)
{
    return call_fails(system_error) ? CRM_IO : file_ops_default()->truncate(file, size, system_error);
}

static int32_t broken_rename(void *context, const char *from, const char *to, int *system_error)
{
    bytes_unsynced_at_rename = bytes_unsynced;
    return call_fails(system_error) ? CRM_IO : file_ops_default()->rename(context, from, to, system_error);
}

static int32_t broken_read(struct file *file, uint64_t offset, void *bytes, size_t length, size_t *got,
                           int *system_error)
{
    return call_fails(system_error) ? CRM_IO : file_ops_default()->read(file, offset, bytes, length, got, system_error);
}

static int32_t broken_map(struct file *file, uint64_t offset, size_t length, int how, void *at, void **out,
                          int *system_error)
{
    return call_fails(system_error) ? CRM_IO
                                    : file_ops_default()->map(file, offset, length, how, at, out, system_error);
}

static int32_t broken_identify(struct file *file, struct file_identity *out, int *system_error)
{
    return call_fails(system_error) ? CRM_IO : file_ops_default()->identify(file, out, system_error);
}

static int32_t never_map(struct file *file, uint64_t offset, size_t length, int how, void *at, void **out,
                         int *system_error)
{
    (void)file, (void)offset, (void)length, (void)how, (void)at, (void)out;
    *system_error = 19;
    return CRM_IO;
}

static void broken_set(int at, bool on)
{
    broken = *file_ops_default();
    broken.open = broken_open;
    broken.write = broken_write;
    broken.sync = broken_sync;
    broken.truncate = broken_truncate;
    broken.rename = broken_rename;
    broken.read = broken_read;
    broken.map = broken_map;
    broken.identify = broken_identify;
    calls = 0;
    fail_at = at;
    fail_on = on;
    bytes_written = bytes_unsynced = bytes_unsynced_at_rename = 0;
}

START_TEST(a_failed_write_leaves_the_old_image)
{
    struct arena *old = arena_make(10);
    struct arena *arena = arena_make(3000);
    struct arena *mapped;
    crm_error error;
    image_put(old);
    broken_set(0, false);
    MUST(image_write(&broken, image_path, arena, &written, &error) == CRM_OK);
    int calls_most = calls;
    ck_assert_int_gt(calls_most, 4); /* open, writes of blocks, table and header, sync, rename */
    image_put(old);
    for (int at = 1; at <= calls_most; at++) {
        for (int on = 0; on < 2; on++) {
            broken_set(at, on);
            int32_t status = image_write(&broken, image_path, arena, &written, &error);
            MUST(status == CRM_IO || status == CRM_FULL);
            MUST(error.status == status && error.message[0] != '\0');
            MUST(access(image_beside, F_OK) != 0);
            MUST(image_get(&mapped) == CRM_OK && reads_right(mapped, 10));
            arena_free(mapped);
        }
    }
    arena_free(old);
    arena_free(arena);
}
END_TEST

/* Else a power cut could leave the name with half the bytes, and the first who
 * asks would be told of damage though nothing was lost. */
START_TEST(an_image_is_on_disk_before_it_has_its_name)
{
    struct arena *arena = arena_make(3000);
    crm_error error;
    broken_set(0, false);
    bytes_unsynced_at_rename = UINT64_MAX;
    MUST(image_write(&broken, image_path, arena, &written, &error) == CRM_OK);
    ck_assert_uint_gt(bytes_written, 4096);
    ck_assert_uint_eq(bytes_unsynced_at_rename, 0);
    arena_free(arena);
}
END_TEST

START_TEST(a_failed_read_or_map_never_gives_wrong_data)
{
    struct arena *arena = arena_make(3000);
    struct arena *mapped;
    struct image_point point;
    image_put(arena);
    for (int at = 1; at < 8; at++) {
        broken_set(at, at % 2);
        mapped = NULL;
        if (image_open(&broken, memory_default(), image_path, &point, &mapped, NULL) == CRM_OK)
            MUST(reads_right(mapped, 3000));
        else
            MUST(mapped == NULL);
        arena_free(mapped);
    }
    arena_free(arena);
}
END_TEST

START_TEST(a_disk_that_cannot_map_is_read)
{
    struct arena *arena = arena_make(3000);
    struct arena *mapped = NULL;
    struct image_point point;
    image_put(arena);
    broken_set(0, false);
    broken.map = never_map;
    MUST(image_open(&broken, memory_default(), image_path, &point, &mapped, NULL) == CRM_OK);
    MUST(reads_right(mapped, 3000));
    image_fill(mapped, 3000, 9000);
    MUST(reads_right(mapped, 9000));
    arena_free(mapped);
    for (int at = 1; at < 8; at++) { /* open, size, header, table, blocks */
        broken_set(at, false);
        broken.map = never_map;
        mapped = NULL;
        int32_t status = image_open(&broken, memory_default(), image_path, &point, &mapped, NULL);
        MUST((status == CRM_OK) == (at > calls) && (status == CRM_OK) == (mapped != NULL));
        arena_free(mapped);
    }
    arena_free(arena);
}
END_TEST

/* Bytes go out in pieces of a megabyte; the last piece may be a whole one. */
START_TEST(an_image_of_whole_pieces_is_written)
{
    enum { NEARLY = 240 }; /* blocks of 4,098 bytes when packed, which these do not: 256 are a piece */
    struct arena *arena = arena_make(10), *mapped;
    uint64_t state = 4, blocks = 0;
    broken_set(0, false);
    MUST(image_write(&broken, image_path, arena, &written, NULL) == CRM_OK);
    int usual = calls; /* with one write of blocks */
    do {
        uint64_t block = arena_alloc(arena, ARENA_BLOCK);
        MUST(block != 0);
        for (uint64_t at = 0; at < ARENA_BLOCK; at += 8)
            *(uint64_t *)(void *)(arena->base + block + at) = random_next(&state);
        broken_set(0, false);
        if (++blocks < NEARLY)
            continue;
        MUST(image_write(&broken, image_path, arena, &written, NULL) == CRM_OK);
        MUST(image_get(&mapped) == CRM_OK && image_verify(mapped));
        MUST(mapped->used == arena->used && memcmp(mapped->base, arena->base, arena->used) == 0);
        arena_free(mapped);
    } while (blocks < NEARLY || calls == usual);
    ck_assert_uint_gt(blocks, NEARLY);
    arena_free(arena);
}
END_TEST

START_TEST(a_stale_file_beside_is_replaced)
{
    struct arena *arena = arena_make(10);
    struct arena *mapped;
    FILE *stale = fopen(image_beside, "w");
    fputs("left behind by a crash", stale);
    fclose(stale);
    image_put(arena);
    MUST(image_get(&mapped) == CRM_OK && reads_right(mapped, 10));
    arena_free(mapped);
    arena_free(arena);
}
END_TEST

START_TEST(empty_blocks_are_not_written)
{
    struct arena *arena = arena_make(10);
    struct arena *mapped;
    struct image_point point;
    MUST(arena_alloc(arena, 10 << 20) != 0);
    broken_set(0, false);
    MUST(image_write(&broken, image_path, arena, &written, NULL) == CRM_OK);
    ck_assert_uint_lt(bytes_written, 200000); /* of more than ten million */
    MUST(image_open(file_ops_default(), memory_default(), image_path, &point, &mapped, NULL) == CRM_OK);
    MUST(image_verify(mapped) && reads_right(mapped, 10));
    arena_free(mapped);
    arena_free(arena);
}
END_TEST

static void *resize_counted(void *context, void *old, size_t size)
{
    int *left = context;
    if (size != 0 && (*left)-- <= 0)
        return NULL;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, size);
}

START_TEST(every_failed_allocation_is_answered)
{
    struct arena *arena = arena_make(100);
    image_put(arena);
    for (int allowed = 0; allowed < 10; allowed++) {
        int left = allowed;
        const struct memory memory = {resize_counted, &left};
        struct arena *mapped = NULL;
        struct image_point point;
        int32_t status = image_open(file_ops_default(), &memory, image_path, &point, &mapped, NULL);
        MUST(status == CRM_OK || status == CRM_NOMEM);
        MUST((status == CRM_OK) == (mapped != NULL));
        arena_free(mapped);
        left = allowed;
        mapped = NULL;
        broken_set(0, false);
        broken.map = never_map;
        status = image_open(&broken, &memory, image_path, &point, &mapped, NULL);
        MUST(status == CRM_OK || status == CRM_NOMEM);
        MUST((status == CRM_OK) == (mapped != NULL));
        if (mapped != NULL) {
            int32_t again = image_write(file_ops_default(), image_path, mapped, &written, NULL);
            MUST(again == CRM_OK || again == CRM_NOMEM);
        }
        arena_free(mapped);
    }
    arena_free(arena);
}
END_TEST

static void *reader(void *context)
{
    struct arena *arena = context;
    return reads_right(arena, 20000) ? arena : NULL;
}

START_TEST(readers_check_blocks_side_by_side)
{
    struct arena *arena = arena_make(20000);
    struct arena *mapped;
    pthread_t threads[4];
    image_put(arena);
    MUST(image_get(&mapped) == CRM_OK);
    for (int i = 0; i < 4; i++)
        MUST(pthread_create(&threads[i], NULL, reader, mapped) == 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        MUST(pthread_join(threads[i], &result) == 0 && result == mapped);
    }
    arena_free(mapped);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image");
    TCase *tests = tcase_create("image");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_loop_test(tests, what_is_written_comes_back, 0, 5);
    tcase_add_test(tests, a_mapped_image_grows_and_is_written_again);
    tcase_add_test(tests, only_the_owner_may_read_the_file);
    tcase_add_test(tests, a_missing_or_foreign_file_is_not_found);
    tcase_add_test(tests, every_damaged_byte_is_found_or_has_no_effect);
    tcase_add_test(tests, a_file_of_another_length_is_not_found);
    tcase_add_test(tests, hostile_sizes_with_right_checksums_are_refused);
    tcase_add_test(tests, hostile_blocks_with_right_checksums_do_no_harm);
    tcase_add_test(tests, hostile_content_with_right_checksums_does_no_harm);
    tcase_add_test(tests, old_damage_is_not_written_under_a_new_checksum);
    tcase_add_test(tests, a_failed_write_leaves_the_old_image);
    tcase_add_test(tests, an_image_is_on_disk_before_it_has_its_name);
    tcase_add_test(tests, a_failed_read_or_map_never_gives_wrong_data);
    tcase_add_test(tests, a_disk_that_cannot_map_is_read);
    tcase_add_test(tests, an_image_of_whole_pieces_is_written);
    tcase_add_test(tests, a_stale_file_beside_is_replaced);
    tcase_add_test(tests, empty_blocks_are_not_written);
    tcase_add_test(tests, every_failed_allocation_is_answered);
    tcase_add_test(tests, readers_check_blocks_side_by_side);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
