/* One handle on one log: opening what is a log and refusing what is not, frames
 * in and out, space taken ahead.  Several handles: test_log_shared.c.
 * Proves P6, P9. */
#include "log_fixture.h"
#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/clock.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static crm_error error;

static void setup(void)
{
    fixture_make();
    memset(&error, 0, sizeof error);
}

static int32_t open_status(const struct log_options *options)
{
    struct log *log = NULL;
    int32_t status = log_open(fixture_path, options, &log, &error);
    if (status == CRM_OK)
        log_close(log);
    else
        ck_assert_ptr_null(log);
    return status;
}

static off_t file_size(void)
{
    struct stat about;
    ck_assert_int_eq(stat(fixture_path, &about), 0);
    return about.st_size;
}

static void assert_same_point(const struct log_point *one, const struct log_point *two)
{
    ck_assert_uint_eq(one->offset, two->offset);
    ck_assert_uint_eq(one->lsn, two->lsn);
    ck_assert_int_eq(one->time, two->time);
    ck_assert_uint_eq(one->crc, two->crc);
}

/* --- Opening ------------------------------------------------------------- */

START_TEST(test_new_log_is_one_header_and_nothing_else)
{
    struct log_options options = fixture_options(true);
    options.now = INT64_C(1700000000123456);
    struct log *log = fixture_open(fixture_path, &options);
    struct log_header first = *log_header(log);
    ck_assert_int_eq(first.created, options.now);
    ck_assert_uint_eq(first.format, LOG_FORMAT);
    ck_assert_uint_eq(first.file.bytes[6] >> 4, 7); /* UUID version 7, variant 2 */
    ck_assert_uint_eq(first.file.bytes[8] >> 6, 2);
    uint64_t milliseconds = 0;
    for (unsigned i = 0; i < 6; i++)
        milliseconds = milliseconds << 8 | first.file.bytes[i];
    ck_assert_uint_eq(milliseconds, UINT64_C(1700000000123));
    ck_assert(!log_unrecovered(log));
    ck_assert_int_ge(fixture_faults.syncs, 1);
    log_close(log);
    ck_assert_int_eq(file_size(), LOG_FRAMES_START);
    log = fixture_open(fixture_path, NULL);
    ck_assert_mem_eq(log_header(log)->file.bytes, first.file.bytes, 16);
    ck_assert_uint_eq(log_header(log)->seed, first.seed);
    log_close(log);
    ck_assert_int_eq(unlink(fixture_path), 0);
    log = fixture_open(fixture_path, &options);
    ck_assert_mem_ne(log_header(log)->file.bytes, first.file.bytes, 16);
    log_close(log);
}
END_TEST

START_TEST(test_header_given_is_the_header_written)
{
    struct log_header header = {.file = {{1, 2, 3}}, .seed = 99, .generation = 4, .created = -5, .base_lsn = 1000};
    struct log_options options = fixture_options(true);
    options.header = &header;
    options.exclusive = true;
    /* With a base LSN, a file without base frames is not finished. */
    struct frame_info base = {.flags = LOG_FRAME_BASE};
    struct log *made = fixture_open(fixture_path, &options);
    struct log_point end = log_start(made);
    ck_assert_int_eq(log_append(made, &end, &base, NULL, 0, &end, NULL), CRM_OK);
    ck_assert_int_eq(log_sync(made, &end, NULL), CRM_OK);
    log_close(made);
    ck_assert_int_eq(open_status(&options), CRM_EXISTS);
    ck_assert_ptr_nonnull(strstr(error.message, "log.crm"));
    struct log *log = fixture_open(fixture_path, NULL);
    ck_assert_mem_eq(log_header(log)->file.bytes, header.file.bytes, 16);
    ck_assert_uint_eq(log_header(log)->seed, 99);
    ck_assert_uint_eq(log_header(log)->generation, 4);
    ck_assert_int_eq(log_header(log)->created, -5);
    ck_assert_uint_eq(log_header(log)->base_lsn, 1000);
    ck_assert_uint_eq(log_start(log).lsn, 1000);
    log_close(log);
}
END_TEST

START_TEST(test_what_is_not_a_log_is_refused_and_left_alone)
{
    static const char text[] = "name,city\nAcme,Berlin\n";
    struct log_options options = fixture_options(true), plain = fixture_options(false);
    ck_assert_int_eq(open_status(&plain), CRM_NOT_FOUND);
    fixture_store(fixture_path, text, sizeof text - 1);
    ck_assert_int_eq(open_status(&options), CRM_NOT_A_DATABASE);
    ck_assert_ptr_nonnull(strstr(error.message, "log.crm: is not a database"));
    ck_assert_int_eq(file_size(), sizeof text - 1);
    fixture_store(fixture_path, "", 0);
    ck_assert_int_eq(open_status(&plain), CRM_NOT_A_DATABASE);
    ck_assert_ptr_nonnull(strstr(error.message, "empty"));
    ck_assert_int_eq(unlink(fixture_path), 0);
    ck_assert_int_eq(mkfifo(fixture_path, 0600), 0);
    ck_assert_int_eq(open_status(&options), CRM_NOT_A_DATABASE);
    ck_assert_ptr_nonnull(strstr(error.message, "regular file"));
    ck_assert_int_eq(unlink(fixture_path), 0);
    ck_assert_int_eq(mkdir(fixture_path, 0700), 0);
    ck_assert_int_eq(open_status(&options), CRM_NOT_A_DATABASE);
    ck_assert_ptr_nonnull(strstr(error.message, "folder"));
    ck_assert_int_eq(rmdir(fixture_path), 0);
    struct log *log = NULL;
    ck_assert_int_eq(log_open("", &options, &log, &error), CRM_INVALID);
}
END_TEST

START_TEST(test_damaged_header_page_is_refused_at_every_byte)
{
    struct log_options options = fixture_options(true);
    struct log_point end;
    size_t size;
    struct log *log = fixture_open(fixture_path, &options);
    end = log_start(log);
    fixture_append(log, &end, 10);
    log_publish(log, end.lsn);
    log_close(log);
    uint8_t *bytes = fixture_load(fixture_path, &size);
    for (size_t at = 0; at < 4096; at += at < 100 ? 1 : 61) {
        bytes[at] ^= 0x20;
        fixture_store(fixture_path, bytes, size);
        ck_assert_int_eq(open_status(&options), at < 8 ? CRM_NOT_A_DATABASE : CRM_CORRUPT);
        bytes[at] ^= 0x20;
    }
    /* A newer format: the header is whole, but not for this version. */
    bytes[8] = LOG_FORMAT + 1;
    bytes_put_u32(bytes + 72, crc32c_tables(0, bytes, 72));
    fixture_store(fixture_path, bytes, size);
    ck_assert_int_eq(open_status(&options), CRM_NOT_A_DATABASE);
    ck_assert_ptr_nonnull(strstr(error.message, "format 2"));
    free(bytes);
}
END_TEST

/* Headers with a right CRC that say what no header says. */
START_TEST(test_forged_header_is_refused)
{
    static const struct {
        size_t at;
        uint64_t value; /* of 64 bits, but for the first two */
    } forged[] = {{8, 0}, {12, 1}, {64, 8192}, {64, 8}, {64, 8196}, {2000, 1}};
    struct log_options options = fixture_options(true);
    size_t size;
    log_close(fixture_open(fixture_path, &options));
    uint8_t *bytes = fixture_load(fixture_path, &size);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        uint8_t *header = malloc(size);
        memcpy(header, bytes, size);
        if (forged[i].at < 16)
            bytes_put_u32(header + forged[i].at, (uint32_t)forged[i].value);
        else
            bytes_put_u64(header + forged[i].at, forged[i].value);
        if (i > 2) /* base frames of no transaction; then of one, but at a place where none ends */
            bytes_put_u64(header + 56, 7);
        bytes_put_u32(header + 72, crc32c_tables(0, header, 72));
        fixture_store(fixture_path, header, size);
        options.create = false;
        ck_assert_int_eq(open_status(&options), CRM_CORRUPT);
        ck_assert_ptr_nonnull(strstr(error.message, "header page"));
        free(header);
    }
    fixture_store(fixture_path, "CRM", 3);
    options.create = true;
    ck_assert_int_eq(open_status(&options), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(file_size(), 3);
    options.salvage = true; /* a file of the size of a header alone has no frames to be found */
    memset(bytes, 0x5a, size);
    fixture_store(fixture_path, bytes, size);
    ck_assert_int_eq(open_status(&options), CRM_NOT_A_DATABASE);
    free(bytes);
}
END_TEST

/* A crash during creation leaves any part of the first two pages: the next
 * creation makes the file anew.  With frames behind it, it does not. */
START_TEST(test_unfinished_creation_is_made_anew)
{
    struct log_options options = fixture_options(true), plain = fixture_options(false);
    size_t size;
    log_close(fixture_open(fixture_path, &options));
    uint8_t *bytes = fixture_load(fixture_path, &size);
    ck_assert_uint_eq(size, 8192);
    for (size_t cut = 8; cut < size; cut += cut < 100 ? 1 : 1000) {
        fixture_store(fixture_path, bytes, cut);
        ck_assert_int_eq(open_status(&plain), CRM_CORRUPT);
        fixture_store(fixture_path, bytes, cut);
        ck_assert_int_eq(open_status(&options), CRM_OK);
        ck_assert_int_eq(file_size(), 8192);
        ck_assert_int_eq(open_status(&plain), CRM_OK);
    }
    memset(bytes, 0, size);
    fixture_store(fixture_path, bytes, size);
    ck_assert_int_eq(open_status(&plain), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(open_status(&options), CRM_OK);
    uint8_t more[8200] = {0};
    fixture_store(fixture_path, more, sizeof more);
    ck_assert_int_eq(open_status(&options), CRM_NOT_A_DATABASE);
    ck_assert_int_eq(file_size(), sizeof more);
    free(bytes);
}
END_TEST

/* P3: a header with base frames was a compaction's, which was done with it: what
 * was behind it is lost, and must not be made anew as if nothing had been. */
START_TEST(test_a_compacted_log_cut_in_its_first_pages_is_not_made_anew)
{
    struct log_header header = {.generation = 1, .base_lsn = 10};
    struct log_options options = fixture_options(true);
    struct frame_info info = {.flags = LOG_FRAME_BASE, .entry_count = 1};
    size_t size;
    options.header = &header;
    struct log *log = fixture_open(fixture_path, &options);
    struct log_point end = log_start(log);
    ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"x", 1, &end, &error), CRM_OK);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    log_close(log);
    uint8_t *bytes = fixture_load(fixture_path, &size);
    options.header = NULL;
    for (size_t cut = 76; cut < 8192; cut += cut < 100 ? 1 : 1000) {
        fixture_store(fixture_path, bytes, cut);
        ck_assert_int_eq(open_status(&options), CRM_CORRUPT);
        ck_assert_int_eq(file_size(), (off_t)cut);
    }
    free(bytes);
}
END_TEST

START_TEST(test_failed_creation_leaves_nothing_in_the_way)
{
    struct log_options options = fixture_options(true);
    fixture_faults.fail_write = 1;
    ck_assert_int_eq(open_status(&options), CRM_IO);
    ck_assert_int_eq(open_status(&options), CRM_OK);
    ck_assert_int_eq(unlink(fixture_path), 0);
    options.exclusive = true;
    fixture_faults.fail_sync = 1;
    ck_assert_int_eq(open_status(&options), CRM_IO);
    ck_assert_int_eq(access(fixture_path, F_OK), -1);
    ck_assert_int_eq(open_status(&options), CRM_OK);
}
END_TEST

START_TEST(test_read_only_handle_reads_and_changes_nothing)
{
    struct log_options options = fixture_options(false);
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    fixture_append(log, &end, 100);
    log_publish(log, 1);
    log_close(log);
    size_t before_size, after_size;
    uint8_t *before = fixture_load(fixture_path, &before_size);
    ck_assert_int_eq(chmod(fixture_path, 0400), 0);
    options.read_only = true;
    log = fixture_open(fixture_path, &options);
    ck_assert(log_read_only(log));
    end = fixture_walk(log);
    ck_assert_uint_eq(end.lsn, 1);
    struct frame_info info = {.time = 1};
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &end, &error), CRM_READ_ONLY);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_READ_ONLY);
    ck_assert_int_eq(log_recovered(log, &end, &error), CRM_READ_ONLY);
    ck_assert_int_eq(log_replace(log, fixture_other, &error), CRM_READ_ONLY);
    ck_assert_int_eq(log_lock(log, 0, &error), CRM_READ_ONLY);
    ck_assert(!log_superseded(log));
    log_close(log);
    uint8_t *after = fixture_load(fixture_path, &after_size);
    ck_assert_uint_eq(after_size, before_size);
    ck_assert_mem_eq(after, before, before_size);
    free(before);
    free(after);
}
END_TEST

START_TEST(test_path_is_resolved_through_links)
{
    ck_assert_int_eq(symlink(fixture_path, fixture_other), 0);
    struct log *log = fixture_open(fixture_other, NULL);
    ck_assert_ptr_nonnull(strstr(log_path(log), "/log.crm"));
    log_close(log);
}
END_TEST

static int left;

static void *limited_resize(void *context, void *old, size_t size)
{
    (void)context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return left-- > 0 ? realloc(old, size) : NULL;
}

START_TEST(test_every_failed_allocation_is_reported)
{
    static const struct memory limited = {limited_resize, NULL};
    struct log_options options = fixture_options(true);
    struct log *log = NULL;
    struct frame_info info = {.time = 1, .actor = "mia", .actor_length = 3};
    options.memory = &limited;
    for (int allowed = 0; log == NULL; allowed++) {
        ck_assert_int_lt(allowed, 100);
        left = allowed;
        ck_assert_int_eq(log_open(fixture_path, &options, &log, &error), log == NULL ? CRM_NOMEM : CRM_OK);
    }
    struct log_point end = log_start(log);
    left = 100;
    ck_assert_int_eq(log_recovered(log, &end, &error), CRM_OK); /* an earlier try made the file */
    left = 0;
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &end, &error), CRM_NOMEM);
    left = 100;
    ck_assert(!log_stopped(log)); /* nothing was written */
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &end, &error), CRM_OK);
    log_close(log);
}
END_TEST

/* --- Frames -------------------------------------------------------------- */

START_TEST(test_frames_of_many_sizes_round_trip)
{
    static const size_t sizes[] = {0, 1, 7, 8, 9, 63, 64, 65, 4000, 4096, 70000, 256 << 10, (256 << 10) + 1, 3000001};
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    for (size_t i = 0; i < 200; i++)
        fixture_append(log, &end, i < 186 ? i : sizes[i - 186]);
    ck_assert_uint_eq(end.lsn, 200);
    ck_assert_uint_eq(end.offset % 8, 0);
    struct log_point walked = fixture_walk(log);
    assert_same_point(&walked, &end);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    log_close(log);
    ck_assert_int_eq(file_size(), (off_t)end.offset);
    log = fixture_open(fixture_path, NULL);
    walked = fixture_walk(log);
    assert_same_point(&walked, &end);
    log_close(log);
}
END_TEST

START_TEST(test_frame_says_who_when_and_why)
{
    struct frame frame, info_frame;
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log), first;
    char *reason = malloc(70000);
    memset(reason, 'r', 70000);
    struct frame_info info = {.time = -7,
                              .entry_count = 2,
                              .actor = "mia",
                              .actor_length = 3,
                              .reason = reason,
                              .reason_length = 70000,
                              .batch = "import 5",
                              .batch_length = 8};
    ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"entries", 7, &first, &error), CRM_OK);
    struct frame_info next = {.time = -8};
    ck_assert_int_eq(log_append(log, &first, &next, NULL, 0, &end, &error), CRM_OK);
    ck_assert_int_eq(end.time, -7); /* time never falls */
    struct log_point start = log_start(log);
    ck_assert_int_eq(log_frame(log, &start, &frame, &error), CRM_OK);
    ck_assert_uint_eq(frame.offset, LOG_FRAMES_START);
    ck_assert_uint_eq(frame.entries_offset, LOG_FRAMES_START + LOG_FRAME_HEADER);
    ck_assert_uint_eq(frame.lsn, 1);
    ck_assert_int_eq(frame.time, -7);
    ck_assert_uint_eq(frame.entry_count, 2);
    ck_assert_uint_eq(frame.entries_length, 7);
    ck_assert_mem_eq(frame.entries, "entries", 7);
    ck_assert_uint_eq(frame.actor_length, 3);
    ck_assert_mem_eq(frame.actor, "mia", 3);
    ck_assert_uint_eq(frame.reason_length, 70000);
    ck_assert_mem_eq(frame.reason, reason, 70000);
    ck_assert_uint_eq(frame.batch_length, 8);
    ck_assert_mem_eq(frame.batch, "import 5", 8);
    assert_same_point(&frame.after, &first);
    ck_assert_int_eq(log_frame_info(log, frame.offset, &info_frame, &error), CRM_OK);
    assert_same_point(&info_frame.after, &first);
    ck_assert_ptr_eq(info_frame.entries, frame.entries);
    ck_assert_ptr_eq(info_frame.batch, frame.batch);
    ck_assert_uint_eq(info_frame.batch_length, 8);
    ck_assert_int_eq(log_frame_info(log, frame.offset + 8, &info_frame, &error), CRM_CORRUPT);
    ck_assert_int_eq(log_frame_info(log, UINT64_MAX - 7, &info_frame, &error), CRM_CORRUPT);
    ck_assert_int_eq(log_frame(log, &end, &frame, &error), CRM_NOT_FOUND);
    ck_assert_ptr_eq(log_bytes(log, frame.offset, 1), log_map(log)->base + frame.offset);
    ck_assert_ptr_null(log_bytes(log, log_map(log)->length, 1));
    ck_assert_ptr_null(log_bytes(log, UINT64_MAX, 2));
    free(reason);
    log_close(log);
}
END_TEST

/* The header of the first frame, spelled out from docs/FORMAT.md. */
START_TEST(test_frame_lies_as_documented)
{
    size_t size;
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log);
    struct frame_info info = {.time = 0x1122334455667788, .entry_count = 1, .actor = "ab", .actor_length = 2};
    ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"0123456789", 10, &end, &error), CRM_OK);
    log_publish(log, 1);
    log_close(log);
    uint8_t *bytes = fixture_load(fixture_path, &size);
    const uint8_t *frame = bytes + 8192;
    /* lsn 1, time, durable 0, entries 10, meta 9 (its CRC 4, "ab" 1 + 2, two empty texts), 1 entry */
    static const char content[] = "\1\0\0\0\0\0\0\0\x88\x77\x66\x55\x44\x33\x22\x11\0\0\0\0\0\0\0\0"
                                  "\12\0\0\0\0\0\0\0\11\0\0\0\1\0\0";
    ck_assert_uint_eq(size, 8192 + 64 + 24); /* 10 + 9, padded to 24 */
    ck_assert_mem_eq(frame, "CRMF", 4);
    ck_assert_mem_eq(frame + 8, content, sizeof content);
    uint32_t key = crc32c_tables(0, bytes + 16, 24);
    ck_assert_uint_eq(bytes_get_u32(frame + 48), key);
    ck_assert_uint_eq(bytes_get_u32(frame + 4), crc32c_tables(key, frame + 8, 56));
    ck_assert_mem_eq(frame + 64, "0123456789", 10);
    ck_assert_uint_eq(bytes_get_u32(frame + 74), crc32c_tables(0, "\2ab\0\0", 5));
    ck_assert_mem_eq(frame + 78, "\2ab\0\0", 5);
    ck_assert_mem_eq(frame + 83, "\0\0\0\0\0", 5);
    uint32_t crc = crc32c_tables(key, frame + 8, 40);
    crc = crc32c_tables(crc, frame + 56, 4);
    ck_assert_uint_eq(bytes_get_u32(frame + 52), crc32c_tables(crc, frame + 64, 19));
    ck_assert_uint_eq(bytes_get_u32(bytes + 72), crc32c_tables(0, bytes, 72));
    free(bytes);
}
END_TEST

START_TEST(test_frame_at_a_wrong_place_is_a_misuse)
{
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = log_start(log), next, wrong;
    struct frame_info info = {.lsn = 7};
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &next, &error), CRM_MISUSE);
    info = (struct frame_info){.flags = LOG_FRAME_BASE};
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &next, &error), CRM_MISUSE); /* not a compacted file */
    info = (struct frame_info){.flags = 64};
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &next, &error), CRM_MISUSE);
    info = (struct frame_info){.entry_count = 1};
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &next, &error), CRM_MISUSE); /* an entry of no bytes */
    info = (struct frame_info){.lsn = 1};
    wrong = (struct log_point){.offset = 4096};
    ck_assert_int_eq(log_append(log, &wrong, &info, NULL, 0, &next, &error), CRM_MISUSE);
    wrong.offset = 8193;
    ck_assert_int_eq(log_append(log, &wrong, &info, NULL, 0, &next, &error), CRM_MISUSE);
    info.actor_length = UINT32_MAX, info.reason_length = UINT32_MAX;
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &next, &error), CRM_INVALID);
    ck_assert(!log_stopped(log));
    fixture_append(log, &end, 5);
    log_close(log);
}
END_TEST

/* What was borrowed stays where it was while the file outgrows map after map. */
START_TEST(test_borrowed_bytes_outlive_growth)
{
    enum { PIECE = 9 << 20 };
    struct log_options options = fixture_options(true);
    options.deferred = true;
    struct log *log = fixture_open(fixture_path, &options);
    struct log_point end = log_start(log);
    fixture_append(log, &end, 1000);
    const uint8_t *early = log_bytes(log, LOG_FRAMES_START + LOG_FRAME_HEADER, 1000);
    const uint8_t *base = log_map(log)->base;
    uint8_t expected[1000], *piece = calloc(1, PIECE);
    fixture_fill(expected, sizeof expected, 1);
    struct frame_info info = {.entry_count = 1};
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(log_append(log, &end, &info, piece, PIECE, &end, &error), CRM_OK);
    ck_assert_ptr_ne(log_map(log)->base, base); /* 81 MiB: more than the first map's 64 */
    ck_assert_mem_eq(early, expected, sizeof expected);
    ck_assert_mem_eq(log_bytes(log, LOG_FRAMES_START + LOG_FRAME_HEADER, 1000), expected, sizeof expected);
    free(piece);
    log_close(log);
}
END_TEST

START_TEST(test_space_is_taken_ahead_and_given_back)
{
    struct log *log = fixture_open(fixture_path, NULL), *second;
    struct log_point end = log_start(log);
    second = fixture_open(fixture_path, NULL);
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    log_close(log);    /* not alone */
    log_close(second); /* alone, but where the log ends it does not know */
    log = fixture_open(fixture_path, NULL);
    struct log_tail tail;
    ck_assert_uint_eq(fixture_recover(log, &tail).lsn, 1);
    ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
    fixture_append(log, &end, 100);
    fixture_faults.allocates = 0;
    ck_assert_int_ge(file_size(), LOG_FRAMES_START + (1 << 20));
    for (int i = 0; i < 1000; i++)
        fixture_append(log, &end, 100);
    ck_assert_int_le(fixture_faults.allocates, 2);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    second = fixture_open(fixture_path, NULL);
    log_close(second); /* not alone */
    ck_assert_int_gt(file_size(), (off_t)end.offset);
    second = fixture_open(fixture_path, NULL);
    ck_assert_uint_eq(fixture_walk(second).lsn, 1002);
    log_close(log); /* not alone either */
    ck_assert_int_gt(file_size(), (off_t)end.offset);
    log_close(second); /* has written nothing, but read to the end */
    ck_assert_int_eq(file_size(), (off_t)end.offset);
}
END_TEST

static void add_tests(TCase *tests, const TTest *const *list, size_t count)
{
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, fixture_remove);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tests, list[i]);
}

static Suite *make_suite(void)
{
    const TTest *const opening[] = {test_new_log_is_one_header_and_nothing_else,
                                    test_header_given_is_the_header_written,
                                    test_what_is_not_a_log_is_refused_and_left_alone,
                                    test_damaged_header_page_is_refused_at_every_byte,
                                    test_forged_header_is_refused,
                                    test_unfinished_creation_is_made_anew,
                                    test_a_compacted_log_cut_in_its_first_pages_is_not_made_anew,
                                    test_failed_creation_leaves_nothing_in_the_way,
                                    test_read_only_handle_reads_and_changes_nothing,
                                    test_path_is_resolved_through_links,
                                    test_every_failed_allocation_is_reported};
    const TTest *const frames[] = {test_frames_of_many_sizes_round_trip, test_frame_says_who_when_and_why,
                                   test_frame_lies_as_documented,        test_frame_at_a_wrong_place_is_a_misuse,
                                   test_borrowed_bytes_outlive_growth,   test_space_is_taken_ahead_and_given_back};
    Suite *suite = suite_create("log");
    TCase *cases[2] = {tcase_create("opening"), tcase_create("frames")};
    add_tests(cases[0], opening, sizeof opening / sizeof opening[0]);
    add_tests(cases[1], frames, sizeof frames / sizeof frames[0]);
    for (size_t i = 0; i < 2; i++)
        suite_add_tcase(suite, cases[i]);
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
