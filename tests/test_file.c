/* Files, as the library sees them: what is refused, what is retried, who is
 * locked out, and how failures of the system are named. */
#include "log_fixture.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct file_ops *ops;
static int failure;

static void setup(void)
{
    fixture_make();
    ops = file_ops_default();
    failure = 0;
}

static struct file *open_file(const char *path, int flags)
{
    struct file *file = NULL;
    ck_assert_int_eq(ops->open(ops->context, path, flags, &file, &failure), CRM_OK);
    return file;
}

static int32_t open_status(const char *path, int flags)
{
    struct file *file = NULL;
    int32_t status = ops->open(ops->context, path, flags, &file, &failure);
    if (status == CRM_OK)
        ops->close(file);
    return status;
}

START_TEST(test_file_reads_back_what_was_written)
{
    uint8_t bytes[100];
    size_t got = 0;
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    ck_assert_int_eq(ops->write(file, 5000, "hello", 5, &failure), CRM_OK);
    ck_assert_int_eq(ops->read(file, 4998, bytes, sizeof bytes, &got, &failure), CRM_OK);
    ck_assert_uint_eq(got, 7); /* fewer only at the end */
    ck_assert_mem_eq(bytes, "\0\0hello", 7);
    ck_assert_int_eq(ops->read(file, 9000, bytes, sizeof bytes, &got, &failure), CRM_OK);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(ops->sync(file, &failure), CRM_OK);
    ck_assert_int_eq(ops->truncate(file, 100, &failure), CRM_OK);
    struct file_identity by_handle, by_path;
    ck_assert_int_eq(ops->identify(file, &by_handle, &failure), CRM_OK);
    ck_assert_int_eq(ops->identify_path(ops->context, fixture_path, &by_path, &failure), CRM_OK);
    ck_assert_uint_eq(by_handle.size, 100);
    ck_assert_mem_eq(&by_handle, &by_path, sizeof by_path);
    ops->close(file);
    struct stat about;
    ck_assert_int_eq(stat(fixture_path, &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0600);
}
END_TEST

START_TEST(test_what_is_not_a_regular_file_is_refused_without_waiting)
{
    ck_assert_int_eq(open_status(fixture_folder, FILE_READ), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(failure, EISDIR);
    ck_assert_int_eq(open_status(fixture_folder, FILE_READ | FILE_WRITE), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(mkfifo(fixture_path, 0600), 0);
    ck_assert_int_eq(open_status(fixture_path, FILE_READ), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(open_status(fixture_path, FILE_READ | FILE_WRITE), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(open_status("/dev/null", FILE_READ | FILE_WRITE), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(open_status(fixture_other, FILE_READ), CRM_NOT_FOUND);
}
END_TEST

START_TEST(test_exclusive_creation_follows_no_link)
{
    ck_assert_int_eq(symlink(fixture_other, fixture_path), 0);
    ck_assert_int_eq(open_status(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE), CRM_EXISTS);
    ck_assert_int_eq(access(fixture_other, F_OK), -1);
    ck_assert_int_eq(open_status(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE), CRM_OK); /* a user's link */
    ck_assert_int_eq(access(fixture_other, F_OK), 0);
    char resolved[4096];
    ck_assert_int_eq(ops->resolve(ops->context, fixture_path, resolved, sizeof resolved, &failure), CRM_OK);
    ck_assert_ptr_nonnull(strstr(resolved, "other"));
    ck_assert_int_ne(ops->resolve(ops->context, fixture_path, resolved, 3, &failure), CRM_OK);
}
END_TEST

/* A stray message to standard error must not land in a database. */
START_TEST(test_standard_descriptors_are_never_used)
{
    pid_t child = fork();
    if (child == 0) {
        struct file *file = NULL;
        (void)close(0);
        (void)close(1);
        (void)close(2);
        int32_t status = ops->open(ops->context, fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, &failure);
        _exit(status == CRM_OK && fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0 ? 0 : 1);
    }
    ck_assert_int_eq(fixture_wait(child), 0);
}
END_TEST

START_TEST(test_no_space_is_named_full)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {10000, 10000};
        char bytes[100] = {0};
        int32_t first = -1, second = -1;
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        struct file *file = NULL;
        if (ops->open(ops->context, fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, &failure) == CRM_OK) {
            first = ops->write(file, 9900, bytes, 100, &failure);
            second = ops->write(file, 9950, bytes, 100, &failure); /* half of it fits */
        }
        _exit(first == CRM_OK && second == CRM_FULL && failure == EFBIG ? 0 : 1);
    }
    ck_assert_int_eq(fixture_wait(child), 0);
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE);
    ck_assert_int_eq(ops->write(file, UINT64_MAX - 3, "x", 1, &failure), CRM_FULL); /* no offset wraps around */
    ops->close(file);
}
END_TEST

START_TEST(test_space_is_allocated_as_zeros)
{
    static uint8_t bytes[70000];
    size_t got = 0;
    struct file_identity identity;
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    ck_assert_int_eq(ops->write(file, 0, "abc", 3, &failure), CRM_OK);
    ck_assert_int_eq(ops->allocate(file, 3, 65533, &failure), CRM_OK);
    ck_assert_int_eq(ops->identify(file, &identity, &failure), CRM_OK);
    ck_assert_uint_eq(identity.size, 65536);
    ck_assert_int_eq(ops->read(file, 0, bytes, sizeof bytes, &got, &failure), CRM_OK);
    ck_assert_uint_eq(got, 65536);
    ck_assert_mem_eq(bytes, "abc", 3);
    for (size_t i = 3; i < got; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ops->close(file);
}
END_TEST

START_TEST(test_map_shows_what_the_file_grows_over)
{
    void *address = NULL, *private = NULL;
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    ck_assert_int_eq(ops->write(file, 0, "one", 3, &failure), CRM_OK);
    ck_assert_int_eq(ops->map(file, 0, 1 << 20, FILE_MAP_SHARED_READ, NULL, &address, &failure), CRM_OK);
    ck_assert_mem_eq(address, "one", 3);
    ck_assert_int_eq(ops->write(file, 500000, "two", 3, &failure), CRM_OK);
    ck_assert_mem_eq((uint8_t *)address + 500000, "two", 3);
    ck_assert_int_eq(ops->map(file, 0, 4096, FILE_MAP_PRIVATE_WRITE, NULL, &private, &failure), CRM_OK);
    memcpy(private, "own", 3);
    ck_assert_mem_eq(address, "one", 3);
    ops->unmap(ops->context, private, 4096);
    ck_assert_int_eq(ops->map(file, 0, 4096, FILE_MAP_SHARED_WRITE, NULL, &private, &failure), CRM_OK);
    memcpy(private, "our", 3);
    ck_assert_mem_eq(address, "our", 3);
    ops->unmap(ops->context, private, 4096);
    ops->unmap(ops->context, address, 1 << 20);
    ops->close(file);
}
END_TEST

START_TEST(test_locks_hold_between_handles_of_one_process)
{
    const uint64_t byte = UINT64_C(1) << 62;
    struct file *one = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    struct file *two = open_file(fixture_path, FILE_READ | FILE_WRITE);
    struct file *reader = open_file(fixture_path, FILE_READ);
    ck_assert_int_eq(ops->lock(one, byte, FILE_LOCK_SHARED, 0, &failure), CRM_OK);
    ck_assert_int_eq(ops->lock(two, byte, FILE_LOCK_SHARED, 0, &failure), CRM_OK);
    ck_assert_int_eq(ops->lock(one, byte, FILE_LOCK_EXCLUSIVE, 0, &failure), CRM_BUSY);
    ck_assert_int_eq(ops->lock(two, byte, FILE_LOCK_NONE, 0, &failure), CRM_OK);
    ck_assert_int_eq(ops->lock(one, byte, FILE_LOCK_EXCLUSIVE, 0, &failure), CRM_OK);
    int64_t start = clock_monotonic_ms();
    ck_assert_int_eq(ops->lock(two, byte, FILE_LOCK_SHARED, 30, &failure), CRM_BUSY);
    ck_assert_int_ge(clock_monotonic_ms() - start, 29);
    ck_assert_int_eq(ops->lock(two, byte + 1, FILE_LOCK_EXCLUSIVE, 0, &failure), CRM_OK); /* one byte, not more */
    /* A reader may not lock exclusively but learns what it would have met. */
    ck_assert_int_eq(ops->lock(reader, byte, FILE_LOCK_EXCLUSIVE, 1000, &failure), CRM_BUSY);
    ops->close(one);
    ck_assert_int_eq(ops->lock(reader, byte, FILE_LOCK_EXCLUSIVE, 1000, &failure), CRM_READ_ONLY);
    ck_assert_int_eq(ops->lock(two, byte, FILE_LOCK_SHARED, 0, &failure), CRM_OK);
    ops->close(two);
    ops->close(reader);
}
END_TEST

START_TEST(test_lock_waits_for_another_process)
{
    int ready[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ready), 0);
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    pid_t child = fork();
    if (child == 0) {
        struct file *mine = NULL;
        int32_t status = ops->open(ops->context, fixture_path, FILE_READ | FILE_WRITE, &mine, &failure);
        if (status == CRM_OK)
            status = ops->lock(mine, 7, FILE_LOCK_EXCLUSIVE, 0, &failure);
        (void)!write(ready[1], "r", 1);
        clock_sleep_ms(60);
        _exit(status != CRM_OK); /* without unlocking: the kernel does */
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(ops->lock(file, 7, FILE_LOCK_SHARED, 0, &failure), CRM_BUSY);
    ck_assert_int_eq(ops->lock(file, 7, FILE_LOCK_SHARED, 20000, &failure), CRM_OK);
    ck_assert_int_eq(fixture_wait(child), 0);
    ck_assert_int_eq(ops->lock(file, 7, FILE_LOCK_EXCLUSIVE, -1, &failure), CRM_OK); /* for ever: had at once */
    ops->close(file);
    (void)close(ready[0]);
    (void)close(ready[1]);
}
END_TEST

START_TEST(test_rename_replaces_and_unlink_removes)
{
    struct file *file = open_file(fixture_other, FILE_READ | FILE_WRITE | FILE_CREATE);
    struct file_identity ours, there;
    ck_assert_int_eq(ops->identify(file, &ours, &failure), CRM_OK);
    ck_assert_int_eq(open_status(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE), CRM_OK);
    ck_assert_int_eq(ops->rename(ops->context, fixture_other, fixture_path, &failure), CRM_OK);
    ck_assert_int_eq(ops->identify_path(ops->context, fixture_path, &there, &failure), CRM_OK);
    ck_assert_uint_eq(ours.inode, there.inode);
    ck_assert_int_eq(ops->identify_path(ops->context, fixture_other, &there, &failure), CRM_NOT_FOUND);
    ck_assert_int_eq(ops->unlink(ops->context, fixture_path, &failure), CRM_OK);
    ck_assert_int_eq(ops->unlink(ops->context, fixture_path, &failure), CRM_NOT_FOUND);
    ck_assert_int_eq(ops->sync_folder(ops->context, "plain-name", &failure), CRM_OK); /* the folder one is in */
    ck_assert_int_eq(ops->sync_folder(ops->context, "/no such folder/x", &failure), CRM_NOT_FOUND);
    ops->close(file);
}
END_TEST

START_TEST(test_reserved_addresses_become_memory_in_place)
{
    const size_t size = (size_t)1 << 36;
    uint8_t *base = address_reserve(size);
    if (base == NULL) { /* a limit on address space: then half the promise, NULL, is kept */
        ck_assert_ptr_null(address_reserve(size));
        return;
    }
    ck_assert(address_commit(base, 5000));
    for (size_t i = 0; i < 5000; i++)
        ck_assert_uint_eq(base[i], 0);
    memset(base, 7, 5000);
    ck_assert(address_commit(base + 5000, 1 << 20)); /* from within a page that is in use */
    ck_assert_uint_eq(base[4999], 7);
    base[5000 + (1 << 20) - 1] = 1;
    address_release(base, size);
    ck_assert_ptr_null(address_reserve(0));
}
END_TEST

/* Numbers come from files that anybody may have written. */
START_TEST(offsets_beyond_any_file_are_refused)
{
    static const struct {
        uint64_t offset, length;
    } places[] = {{(uint64_t)INT64_MAX + 1, 1}, {UINT64_MAX, 0}, {INT64_MAX, 1}, {1, INT64_MAX}};
    uint8_t byte = 0;
    size_t got = 9;
    void *map = NULL;
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        uint64_t offset = places[i].offset, length = places[i].length;
        ck_assert_int_eq(ops->read(file, offset, &byte, (size_t)length, &got, &failure), CRM_FULL);
        ck_assert_uint_eq(got, 0);
        ck_assert_int_eq(ops->write(file, offset, &byte, (size_t)length, &failure), CRM_FULL);
        ck_assert_int_eq(failure, EFBIG);
        ck_assert_int_eq(ops->allocate(file, offset, length, &failure), CRM_FULL);
        if (offset <= INT64_MAX)
            continue;
        ck_assert_int_eq(ops->truncate(file, offset, &failure), CRM_FULL);
        ck_assert_int_eq(ops->map(file, offset, 4096, FILE_MAP_SHARED_READ, NULL, &map, &failure), CRM_FULL);
        ck_assert_int_eq(failure, EFBIG);
    }
    struct file_identity about;
    ck_assert_int_eq(ops->identify(file, &about, &failure), CRM_OK);
    ck_assert_uint_eq(about.size, 0);
    ops->close(file);
}
END_TEST

START_TEST(a_map_can_take_the_place_of_reserved_addresses)
{
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    ck_assert_int_eq(ops->write(file, 0, "hello", 5, &failure), CRM_OK);
    uint8_t *reserved = address_reserve(1 << 20);
    void *map = NULL;
    ck_assert_ptr_nonnull(reserved);
    ck_assert_int_eq(ops->map(file, 0, 4096, FILE_MAP_PRIVATE_WRITE, reserved, &map, &failure), CRM_OK);
    ck_assert_ptr_eq(map, reserved);
    ck_assert_mem_eq(reserved, "hello", 5);
    reserved[0] = 'j'; /* its own copy */
    ops->unmap(ops->context, NULL, 4096);
    ops->unmap(ops->context, reserved, 0);
    ck_assert_int_eq(reserved[0], 'j'); /* still there */
    char back[5];
    size_t got;
    ck_assert_int_eq(ops->read(file, 0, back, sizeof back, &got, &failure), CRM_OK);
    ck_assert_mem_eq(back, "hello", 5);
    ops->close(file);
    address_release(NULL, 4096);
    address_release(reserved, 0);
    ck_assert_int_eq(reserved[0], 'j');
    ck_assert(address_commit(reserved, 0));
    ck_assert(!address_commit(reserved + 1, SIZE_MAX));
    address_release(reserved, 1 << 20);
}
END_TEST

START_TEST(the_folder_of_any_path_is_synced)
{
    char here[PATH_MAX], long_path[PATH_MAX + 300];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(fixture_folder), 0);
    ck_assert_int_eq(ops->sync_folder(ops->context, "name", &failure), CRM_OK); /* this one */
    ck_assert_int_eq(chdir(here), 0);
    ck_assert_int_eq(ops->sync_folder(ops->context, "/name", &failure), CRM_OK); /* the root */
    memset(long_path, 'a', sizeof long_path);
    memcpy(long_path + PATH_MAX, "/name", 6);
    ck_assert_int_eq(ops->sync_folder(ops->context, long_path, &failure), CRM_IO);
    ck_assert_int_eq(failure, ENAMETOOLONG);
    ck_assert_int_eq(ops->sync_folder(ops->context, "/no/such/folder/name", &failure), CRM_NOT_FOUND);
}
END_TEST

START_TEST(a_descriptor_that_is_one_of_the_standard_three_is_moved)
{
    int input = dup(0);
    ck_assert_int_ge(input, 0);
    ck_assert_int_eq(close(0), 0);
    struct file *file = open_file(fixture_path, FILE_READ | FILE_WRITE | FILE_CREATE);
    ck_assert_int_lt(fcntl(0, F_GETFD), 0);
    ck_assert_int_eq(ops->write(file, 0, "x", 1, &failure), CRM_OK);
    ops->close(file);
    ck_assert_int_eq(dup2(input, 0), 0);
    ck_assert_int_eq(close(input), 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("file");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, setup, fixture_remove);
    tcase_add_test(files, test_file_reads_back_what_was_written);
    tcase_add_test(files, test_what_is_not_a_regular_file_is_refused_without_waiting);
    tcase_add_test(files, test_exclusive_creation_follows_no_link);
    tcase_add_test(files, test_standard_descriptors_are_never_used);
    tcase_add_test(files, test_no_space_is_named_full);
    tcase_add_test(files, test_space_is_allocated_as_zeros);
    tcase_add_test(files, test_map_shows_what_the_file_grows_over);
    tcase_add_test(files, test_locks_hold_between_handles_of_one_process);
    tcase_add_test(files, test_lock_waits_for_another_process);
    tcase_add_test(files, test_rename_replaces_and_unlink_removes);
    tcase_add_test(files, test_reserved_addresses_become_memory_in_place);
    tcase_add_test(files, offsets_beyond_any_file_are_refused);
    tcase_add_test(files, a_map_can_take_the_place_of_reserved_addresses);
    tcase_add_test(files, the_folder_of_any_path_is_synced);
    tcase_add_test(files, a_descriptor_that_is_one_of_the_standard_three_is_moved);
    suite_add_tcase(suite, files);
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
