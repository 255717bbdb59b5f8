/* What a log makes of the system it runs on: paths that lead elsewhere a moment
 * later, address space that is short, files that others made longer, sizes that
 * no test could fill.
 * Proves P4, P6. */
#include "log/log_private.h"
#include "log_fixture.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static crm_error error;
static struct file_ops ops;

static void setup(void)
{
    fixture_make();
    memset(&error, 0, sizeof error);
    ops = *fixture_ops();
}

static struct log_options options_with_ops(bool create)
{
    struct log_options options = fixture_options(create);
    options.files = &ops;
    return options;
}

static int32_t open_status(const struct log_options *options)
{
    struct log *log = NULL;
    int32_t status = log_open(fixture_path, options, &log, &error);
    log_close(log);
    return status;
}

static uint64_t file_size(void)
{
    struct stat about;
    ck_assert_int_eq(stat(fixture_path, &about), 0);
    return (uint64_t)about.st_size;
}

/* ---- paths ---- */

static int32_t resolve_fails(void *context, const char *path, char *out, size_t size, int *system_error)
{
    (void)context, (void)path, (void)out, (void)size;
    *system_error = ENAMETOOLONG;
    return CRM_IO;
}

START_TEST(a_path_that_is_not_resolved_is_used_as_given)
{
    for (int round = 0; round < 2; round++) {
        ops.resolve = round == 0 ? NULL : resolve_fails;
        struct log_options options = options_with_ops(true);
        struct log *log = fixture_open(fixture_path, &options);
        ck_assert_str_eq(log_path(log), fixture_path);
        log_close(log);
    }
}
END_TEST

static int moves;

/* The file at the path is another one than what was opened, `moves` times. */
static int32_t identify_moved(void *context, const char *path, struct file_identity *out, int *system_error)
{
    int32_t status = file_ops_default()->identify_path(context, path, out, system_error);
    if (moves-- > 0)
        out->inode++;
    return status;
}

static int32_t identify_unlinked(void *context, const char *path, struct file_identity *out, int *system_error)
{
    if (moves-- > 0) {
        *system_error = ENOENT;
        return CRM_NOT_FOUND;
    }
    return file_ops_default()->identify_path(context, path, out, system_error);
}

START_TEST(a_file_that_is_replaced_while_it_is_opened_is_opened_again)
{
    log_close(fixture_open(fixture_path, NULL));
    struct log_options options = options_with_ops(false);
    for (int how = 0; how < 2; how++) {
        ops.identify_path = how == 0 ? identify_moved : identify_unlinked;
        moves = 3;
        ck_assert_int_eq(open_status(&options), CRM_OK);
        moves = 1000; /* again and again: somebody gives up, and says so */
        ck_assert_int_eq(open_status(&options), CRM_BUSY);
        ck_assert_ptr_nonnull(strstr(error.message, "again and again"));
    }
}
END_TEST

START_TEST(an_existing_file_may_be_asked_for_alone)
{
    struct log_options options = options_with_ops(false);
    options.exclusive = true; /* without `create` it means nothing */
    ck_assert_int_eq(open_status(&options), CRM_NOT_FOUND);
    log_close(fixture_open(fixture_path, NULL));
    ck_assert_int_eq(open_status(&options), CRM_OK);
    options.create = true;
    ck_assert_int_eq(open_status(&options), CRM_EXISTS);
    ck_assert_uint_eq(file_size(), LOG_FRAMES_START);
}
END_TEST

/* ---- creation ---- */

static int reads;

/* Between the look at an empty file and the lock, another one creates it. */
static int32_t read_late(struct file *file, uint64_t offset, void *bytes, size_t length, size_t *got, int *system_error)
{
    int32_t status = file_ops_default()->read(file, offset, bytes, length, got, system_error);
    if (reads++ == 0) {
        struct log_options options = fixture_options(true);
        options.now = 5;
        log_close(fixture_open(fixture_path, &options));
    }
    return status;
}

START_TEST(the_second_of_two_creators_finds_the_first_ones_file)
{
    struct log_options options = options_with_ops(true);
    ops.read = read_late;
    reads = 0;
    struct log *log = fixture_open(fixture_path, &options);
    ck_assert_int_eq(log_header(log)->created, 5);
    ck_assert_int_gt(reads, 1);
    log_close(log);
}
END_TEST

START_TEST(a_file_made_before_1970_is_named_like_any_other)
{
    struct log_options options = options_with_ops(true);
    options.now = -86400000000;
    struct log *log = fixture_open(fixture_path, &options);
    ck_assert_int_eq(log_header(log)->created, -86400000000);
    ck_assert_mem_eq(log_header(log)->file.bytes, "\0\0\0\0\0\0", 6); /* a UUID's time does not go below 0 */
    ck_assert_int_eq(log_header(log)->file.bytes[6] >> 4, 7);
    log_close(log);
}
END_TEST

/* Waiting for ever for the locks of a moment is not waiting for a second. */
START_TEST(waits_of_any_length_are_taken)
{
    static const int64_t waits[] = {-1, 0, 1, 999, 1000, 1001, INT64_MAX};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        struct log_options options = options_with_ops(true);
        options.busy_ms = waits[i];
        ck_assert_int_eq(open_status(&options), CRM_OK);
    }
}
END_TEST

/* ---- space ---- */

static uint64_t reach_most;

static int32_t map_short(struct file *file, uint64_t offset, size_t length, int how, void *at, void **out,
                         int *system_error)
{
    if (length > reach_most) {
        *system_error = ENOMEM;
        return CRM_NOMEM;
    }
    return file_ops_default()->map(file, offset, length, how, at, out, system_error);
}

START_TEST(a_log_is_mapped_as_it_is_where_address_space_is_short)
{
    struct log_options options = options_with_ops(true);
    ops.map = map_short;
    reach_most = 3 << 20; /* no 64 MiB ahead */
    struct log *log = fixture_open(fixture_path, &options);
    struct log_point end = log_start(log);
    fixture_append(log, &end, 2 << 20); /* maps again, two times */
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    ck_assert_uint_eq(fixture_walk(log).offset, end.offset);
    uint8_t *body = calloc(1, 4 << 20);
    struct frame_info info = {.entry_count = 1};
    struct log_point next;
    ck_assert_int_eq(log_append(log, &end, &info, body, 4 << 20, &next, &error), CRM_NOMEM); /* not even that */
    free(body);
    log_close(log);
    reach_most = 4096; /* less than the two pages that are always looked at */
    ck_assert_int_eq(open_status(&options), CRM_NOMEM);
}
END_TEST

static int32_t allocate_sparse(struct file *file, uint64_t offset, uint64_t length, int *system_error)
{
    fixture_faults.allocates++;
    return file_ops_default()->truncate(file, offset + length, system_error);
}

/* An eighth of the file, from 1 to 64 MiB, is taken ahead. */
START_TEST(a_large_log_takes_a_large_stretch_ahead)
{
    static const uint64_t sizes[] = {1 << 20, 40 << 20, 400 << 20, 900 << 20};
    static const uint64_t aheads[] = {1 << 20, 5 << 20, 50 << 20, 64 << 20};
    ops.allocate = allocate_sparse;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct log_options options = options_with_ops(true);
        struct log *log = fixture_open(fixture_path, &options);
        ck_assert_int_eq(truncate(fixture_path, (off_t)sizes[i]), 0);
        struct log_point end = log_start(log);
        end.offset = sizes[i] - 64; /* where a frame would go if the file were full up to there */
        fixture_append(log, &end, 100);
        ck_assert_uint_eq(file_size(), sizes[i] + aheads[i]);
        log_stop(log, false); /* its content is none that anybody could walk */
        log_close(log);
        ck_assert_int_eq(unlink(fixture_path), 0);
    }
}
END_TEST

START_TEST(space_that_another_handle_took_is_used)
{
    struct log *one = fixture_open(fixture_path, NULL), *two = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(one);
    fixture_append(one, &end, 100);
    int allocates = fixture_faults.allocates;
    fixture_append(two, &end, 100); /* its own map ends before, the file does not */
    ck_assert_int_eq(fixture_faults.allocates, allocates);
    ck_assert_int_eq(log_sync(two, &end, &error), CRM_OK);
    log_close(one);
    log_close(two);
    ck_assert_uint_eq(file_size(), end.offset);
}
END_TEST

/* A process that was killed had taken space that this handle never looked at. */
START_TEST(space_that_nobody_gave_back_is_given_back)
{
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    log_close(log);
    uint64_t size = file_size();
    struct log_tail tail;
    log = fixture_open(fixture_path, NULL);
    end = fixture_recover(log, &tail);
    ck_assert_int_eq(truncate(fixture_path, (off_t)size + (1 << 20)), 0);
    log_close(log);
    ck_assert_uint_eq(file_size(), size);
}
END_TEST

/* ---- places and sizes that cannot be ---- */

START_TEST(a_transaction_larger_than_any_disk_is_refused)
{
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log), next, far = end;
    struct frame_info info = {.entry_count = 1};
    ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"", (size_t)INT64_MAX, &next, &error), CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.message, "too large"));
    far.offset = (uint64_t)INT64_MAX + 1;
    ck_assert_int_eq(log_append(log, &far, &info, (const uint8_t *)"x", 1, &next, &error), CRM_MISUSE);
    ck_assert(!log_stopped(log));
    fixture_append(log, &end, 5);
    log_close(log);
}
END_TEST

/* What is said to be the end lies before the frames, or behind the file. */
START_TEST(an_end_outside_the_log_is_a_misuse)
{
    static const uint64_t offsets[] = {0, 8184, LOG_FRAMES_START + 4, 1 << 30, UINT64_MAX - 7};
    struct log *log = fixture_open(fixture_path, NULL);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct log_point end = {.offset = offsets[i]};
        struct log_tail tail;
        struct frame frame;
        ck_assert_int_eq(log_recovered(log, &end, &error), CRM_MISUSE);
        ck_assert_int_eq(log_frame_info(log, offsets[i], &frame, &error), CRM_CORRUPT);
        if (offsets[i] % 8 == 0)
            ck_assert_int_eq(log_tail(log, &end, &tail, &error), CRM_MISUSE);
    }
    ck_assert(!log_stopped(log));
    log_close(log);
}
END_TEST

/* A frame that is written where a durable one lay does not vouch for itself. */
START_TEST(no_frame_says_of_itself_that_it_is_durable)
{
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point start = log_start(log), end = start;
    struct frame frame;
    fixture_append(log, &end, 10);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    end = start;
    fixture_append(log, &end, 20);
    ck_assert_int_eq(log_frame(log, &start, &frame, &error), CRM_OK);
    ck_assert_uint_eq(frame.lsn, 1);
    ck_assert_uint_eq(frame.durable_lsn, 0);
    log_close(log);
}
END_TEST

START_TEST(a_reader_alone_knows_of_nothing_durable)
{
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    fixture_append(log, &end, 10);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    ck_assert_uint_eq(log_durable(log), 1);
    log_close(log);
    struct log_options options = fixture_options(false);
    options.read_only = true;
    log = fixture_open(fixture_path, &options);
    ck_assert_uint_eq(log_durable(log), 0);
    log_stop(log, true); /* a reader stops itself, not those who write */
    ck_assert(log_stopped(log));
    struct log *writer = fixture_open(fixture_path, NULL);
    ck_assert(!log_stopped(writer));
    log_close(writer);
    log_close(log);
}
END_TEST

static int32_t open_without_memory(void *context, const char *path, int flags, struct file **out, int *system_error)
{
    (void)context, (void)path, (void)flags, (void)out, (void)system_error;
    return CRM_NOMEM;
}

static int32_t lock_taken(struct file *file, uint64_t byte, int kind, int64_t wait_ms, int *system_error)
{
    (void)file, (void)byte, (void)kind, (void)wait_ms, (void)system_error;
    return CRM_BUSY;
}

/* Another file system's answers that are no errors of the system. */
START_TEST(what_no_system_said_is_told_as_it_is)
{
    log_close(fixture_open(fixture_path, NULL));
    struct log_options options = options_with_ops(false);
    ops.open = open_without_memory;
    ck_assert_int_eq(open_status(&options), CRM_NOMEM);
    ck_assert_str_eq(error.message, "out of memory");
    ops.open = file_ops_default()->open;
    ops.lock = lock_taken; /* even the lock of those who only look on */
    ck_assert_int_eq(open_status(&options), CRM_BUSY);
    ck_assert_ptr_nonnull(strstr(error.message, "is in use by another process"));
    ck_assert_int_eq(error.system, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_system");
    TCase *tests = tcase_create("log_system");
    tcase_add_checked_fixture(tests, setup, fixture_remove);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_path_that_is_not_resolved_is_used_as_given);
    tcase_add_test(tests, a_file_that_is_replaced_while_it_is_opened_is_opened_again);
    tcase_add_test(tests, an_existing_file_may_be_asked_for_alone);
    tcase_add_test(tests, the_second_of_two_creators_finds_the_first_ones_file);
    tcase_add_test(tests, a_file_made_before_1970_is_named_like_any_other);
    tcase_add_test(tests, waits_of_any_length_are_taken);
    tcase_add_test(tests, a_log_is_mapped_as_it_is_where_address_space_is_short);
    tcase_add_test(tests, a_large_log_takes_a_large_stretch_ahead);
    tcase_add_test(tests, space_that_another_handle_took_is_used);
    tcase_add_test(tests, space_that_nobody_gave_back_is_given_back);
    tcase_add_test(tests, a_transaction_larger_than_any_disk_is_refused);
    tcase_add_test(tests, an_end_outside_the_log_is_a_misuse);
    tcase_add_test(tests, no_frame_says_of_itself_that_it_is_durable);
    tcase_add_test(tests, a_reader_alone_knows_of_nothing_durable);
    tcase_add_test(tests, what_no_system_said_is_told_as_it_is);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
