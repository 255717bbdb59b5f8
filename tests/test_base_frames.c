/* Base frames: what a compaction starts a file with, all of one number.  They
 * are durable as a whole: none may be missing, and none stands elsewhere.
 * Proves P3. */
#include "log/log_private.h"
#include "log_fixture.h"
#include "sys/bytes.h"
#include "sys/checksum.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A compacted log's bytes, and where each frame ends (0: where the first starts). */
static uint8_t *bytes;
static size_t size;
static struct log_point ends[5];

static void setup(void)
{
    fixture_make();
    bytes = NULL;
}

static void teardown(void)
{
    free(bytes);
    fixture_remove();
}

static struct log_point walk_compacted(struct log *log, unsigned *frames)
{
    struct log_point end = log_start(log);
    struct frame frame;
    for (*frames = 0; log_frame(log, &end, &frame, NULL) == CRM_OK; ++*frames)
        end = frame.after;
    return end;
}

/* A compacted log: three base frames, then one more. */
static void make_compacted(void)
{
    struct log_header header = {.base_lsn = 40, .generation = 1, .base_end = 999};
    struct log_options options = fixture_options(true);
    struct log_point end;
    crm_error error;
    options.header = &header;
    struct log *log = fixture_open(fixture_path, &options);
    ck_assert_uint_eq(log_header(log)->base_end, 0);
    end = log_start(log);
    ck_assert_uint_eq(end.lsn, 40);
    ends[0] = end;
    for (size_t i = 1; i <= 3; i++) {
        struct frame_info info = {.flags = LOG_FRAME_BASE, .lsn = 40, .time = 77, .entry_count = 1};
        ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"0123456789", 10, &end, &error), CRM_OK);
        ends[i] = end;
    }
    unsigned frames;
    ck_assert_uint_eq(walk_compacted(log, &frames).offset, end.offset); /* where they end is not yet written */
    ck_assert_uint_eq(frames, 3);
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    fixture_append(log, &end, 30);
    ends[4] = end;
    ck_assert_int_eq(log_sync(log, &end, &error), CRM_OK);
    log_close(log);
    bytes = fixture_load(fixture_path, &size);
    ck_assert_uint_eq(size, end.offset);
}

START_TEST(test_base_frames_share_a_number_and_the_next_goes_on)
{
    unsigned frames = 0;
    struct log_tail tail;
    make_compacted();
    struct log *log = fixture_open(fixture_path, NULL);
    ck_assert_uint_eq(log_header(log)->base_end, ends[3].offset);
    struct log_point end = walk_compacted(log, &frames);
    ck_assert_uint_eq(frames, 4);
    ck_assert_uint_eq(end.lsn, 41);
    ck_assert_int_eq(log_tail(log, &end, &tail, NULL), CRM_OK);
    ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
    ck_assert_int_eq(log_recovered(log, &end, NULL), CRM_OK);
    struct frame_info info = {.flags = LOG_FRAME_BASE};
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &end, NULL), CRM_MISUSE); /* never behind others */
    log_close(log);
}
END_TEST

/* A handle that read nothing does not know where the base frames end. */
START_TEST(test_closing_keeps_base_frames)
{
    unsigned frames = 0;
    make_compacted();
    fixture_store(fixture_path, bytes, ends[3].offset);
    struct log *log = fixture_open(fixture_path, NULL), *idle = fixture_open(fixture_path, NULL);
    struct log_point end = walk_compacted(log, &frames);
    ck_assert_int_eq(log_recovered(log, &end, NULL), CRM_OK);
    log_close(log);
    log_close(idle);
    log = fixture_open(fixture_path, NULL);
    ck_assert_uint_eq(walk_compacted(log, &frames).offset, ends[3].offset);
    ck_assert_uint_eq(frames, 3);
    log_close(log);
}
END_TEST

/* What was compacted was durable, so a tear within is damage even when
 * nothing is left behind it. */
START_TEST(test_every_cut_of_base_frames_is_damage)
{
    unsigned frames = 0;
    struct log_tail tail;
    make_compacted();
    for (size_t cut = LOG_FRAMES_START; cut < ends[3].offset; cut++) {
        fixture_store(fixture_path, bytes, cut);
        struct log *log = fixture_open(fixture_path, NULL);
        struct log_point end = walk_compacted(log, &frames);
        ck_assert_uint_lt(end.offset, ends[3].offset);
        ck_assert_int_eq(log_tail(log, &end, &tail, NULL), CRM_OK);
        ck_assert_int_eq(tail.what, LOG_TAIL_DAMAGED);
        ck_assert_uint_eq(tail.next_offset, 0);
        log_close(log);
    }
    bytes[ends[0].offset + 1] ^= 1;
    fixture_store(fixture_path, bytes, size);
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = walk_compacted(log, &frames);
    ck_assert_uint_eq(frames, 0);
    ck_assert_int_eq(log_tail(log, &end, &tail, NULL), CRM_OK);
    ck_assert_int_eq(tail.what, LOG_TAIL_DAMAGED);
    ck_assert_uint_eq(tail.next_offset, ends[1].offset);
    log_close(log);
}
END_TEST

static int32_t open_status(bool create, bool salvage)
{
    struct log_options options = fixture_options(create);
    struct log *log = NULL;
    options.read_only = options.salvage = salvage;
    int32_t status = log_open(fixture_path, &options, &log, NULL);
    log_close(log);
    return status;
}

/* A crash while base frames were written leaves some of them, or none, behind
 * a header that does not say where they end.  What is missing cannot be told,
 * so the file must not pass for a smaller database, nor be made anew. */
START_TEST(test_unfinished_base_frames_are_refused)
{
    make_compacted();
    bytes_put_u64(bytes + 64, 0); /* the base end, as it is until the sync */
    bytes_put_u32(bytes + 72, crc32c(0, bytes, 72));
    for (unsigned kept = 0; kept <= 3; kept++) {
        fixture_store(fixture_path, bytes, ends[kept].offset);
        ck_assert_int_eq(open_status(false, false), CRM_CORRUPT);
        ck_assert_int_eq(open_status(true, false), CRM_CORRUPT);
        ck_assert_int_eq(open_status(false, true), CRM_OK);
        size_t now;
        free(fixture_load(fixture_path, &now));
        ck_assert_uint_eq(now, ends[kept].offset);
    }
}
END_TEST

/* Base frames and those behind them, at places and with numbers that they cannot have. */
START_TEST(test_base_frames_out_of_place_do_not_follow)
{
    static const struct {
        uint64_t lsn;
        uint32_t flags;
        unsigned at; /* the frame that it stands for */
        unsigned walked;
    } forged[] = {
        {40, LOG_FRAME_BASE, 2, 4}, /* as it was */
        {41, LOG_FRAME_BASE, 2, 1}, /* another transaction's */
        {40, LOG_FRAME_BASE, 4, 3}, /* behind the end of the base frames */
        {41, 0, 4, 4},              /* as it was */
        {41, 0, 2, 1},              /* before their end */
        {41, LOG_FRAME_BASE, 4, 3},
    };
    make_compacted();
    uint32_t key = ends[0].crc;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, bytes, size);
        uint8_t *frame = copy + ends[forged[i].at - 1].offset;
        bool same = forged[i].walked == 4;
        struct frame_header header = {.lsn = forged[i].lsn,
                                      .time = (int64_t)bytes_get_u64(frame + 16),
                                      .durable_lsn = bytes_get_u64(frame + 24),
                                      .entries_length = bytes_get_u64(frame + 32),
                                      .meta_length = bytes_get_u32(frame + 40),
                                      .entry_count = 1,
                                      .previous_crc = ends[forged[i].at - 1].crc,
                                      .flags = forged[i].flags};
        header.durable_lsn = header.durable_lsn < header.lsn ? header.durable_lsn : header.lsn - 1;
        header.crc = crc32c(frame_crc_start(&header), frame + LOG_FRAME_HEADER,
                            (size_t)header.entries_length + header.meta_length);
        ck_assert(!same || header.crc == bytes_get_u32(frame + 52));
        frame_header_encode(&header, key, frame);
        fixture_store(fixture_path, copy, size);
        struct log_options options = fixture_options(false);
        unsigned frames;
        options.read_only = true;
        struct log *log = fixture_open(fixture_path, &options);
        (void)walk_compacted(log, &frames);
        ck_assert_uint_eq(frames, forged[i].walked);
        log_close(log);
        free(copy);
    }
}
END_TEST

START_TEST(test_no_base_frame_follows_other_frames)
{
    unsigned frames;
    make_compacted();
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = walk_compacted(log, &frames), before = end;
    ck_assert_int_eq(log_recovered(log, &end, NULL), CRM_OK);
    struct frame_info info = {.time = 99, .entry_count = 1};
    ck_assert_int_eq(log_append(log, &end, &info, (const uint8_t *)"0123456789", 10, &end, NULL), CRM_OK);
    ck_assert_int_eq(log_sync(log, &end, NULL), CRM_OK);
    log_close(log);
    free(bytes);
    bytes = fixture_load(fixture_path, &size);
    for (unsigned base = 0; base < 2; base++) {
        uint8_t *frame = bytes + before.offset;
        struct frame_header header = {.lsn = base ? 40 : 42,
                                      .time = (int64_t)bytes_get_u64(frame + 16),
                                      .durable_lsn = base ? 39 : bytes_get_u64(frame + 24),
                                      .entries_length = bytes_get_u64(frame + 32),
                                      .meta_length = bytes_get_u32(frame + 40),
                                      .entry_count = 1,
                                      .previous_crc = before.crc,
                                      .flags = base ? LOG_FRAME_BASE : 0};
        header.crc = crc32c(frame_crc_start(&header), frame + LOG_FRAME_HEADER,
                            (size_t)header.entries_length + header.meta_length);
        frame_header_encode(&header, ends[0].crc, frame);
        fixture_store(fixture_path, bytes, size);
        struct log_options options = fixture_options(false);
        options.read_only = true;
        log = fixture_open(fixture_path, &options);
        (void)walk_compacted(log, &frames);
        ck_assert_uint_eq(frames, base ? 4 : 5);
        log_close(log);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_frames");
    TCase *tests = tcase_create("P3 base frames");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_base_frames_share_a_number_and_the_next_goes_on);
    tcase_add_test(tests, test_closing_keeps_base_frames);
    tcase_add_test(tests, test_every_cut_of_base_frames_is_damage);
    tcase_add_test(tests, test_unfinished_base_frames_are_refused);
    tcase_add_test(tests, test_base_frames_out_of_place_do_not_follow);
    tcase_add_test(tests, test_no_base_frame_follows_other_frames);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
