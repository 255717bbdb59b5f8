/* P3, nothing silent: a tail that a crash tore is recovered and reported, and
 * damage before the last durable point is told from it.  Every cut and every
 * flipped bit is tried, not a sample.
 * Proves P1, P2, P6. */
#include "log/log_private.h"
#include "log_fixture.h"
#include "sys/bytes.h"
#include "sys/checksum.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 5 };

/* A log of FRAMES frames, closed: its bytes, and where each frame ends (0: where
 * the first starts).  Synced after each: each frame knows that the one before
 * was durable; without, none knows of any. */
static uint8_t *bytes;
static size_t size;
static struct log_point ends[FRAMES + 1];

static void make_log(bool synced)
{
    struct log *log = fixture_open(fixture_path, NULL);
    ends[0] = log_start(log);
    for (size_t i = 1; i <= FRAMES; i++) {
        ends[i] = ends[i - 1];
        fixture_append(log, &ends[i], 41 + i * 9); /* frame 2 has padding: 59 + 14 bytes of meta */
        if (synced)
            ck_assert_int_eq(log_sync(log, &ends[i], NULL), CRM_OK);
    }
    log_publish(log, FRAMES);
    log_close(log);
    bytes = fixture_load(fixture_path, &size);
    ck_assert_uint_eq(size, ends[FRAMES].offset); /* the space ahead was given back */
}

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

/* Stores the bytes, walks, judges; returns the end. */
static struct log_point judge(struct log_tail *tail)
{
    fixture_store(fixture_path, bytes, size);
    struct log_options options = fixture_options(false);
    options.read_only = true;
    struct log *log = fixture_open(fixture_path, &options);
    struct log_point end = fixture_walk(log);
    ck_assert_int_eq(log_tail(log, &end, tail, NULL), CRM_OK);
    log_close(log);
    return end;
}

START_TEST(test_torn_tail_is_found_at_every_cut_of_the_last_frame)
{
    struct log_tail tail;
    make_log(true);
    size_t whole = size;
    for (size = whole; size >= ends[FRAMES - 1].offset; size--) {
        struct log_point end = judge(&tail);
        ck_assert_uint_eq(end.lsn, size == whole ? FRAMES : FRAMES - 1);
        ck_assert_uint_eq(end.offset, size == whole ? whole : ends[FRAMES - 1].offset);
        ck_assert_int_eq(tail.what, size == end.offset ? LOG_TAIL_CLEAN : LOG_TAIL_TORN);
        ck_assert_uint_eq(tail.offset, end.offset);
        ck_assert_uint_le(tail.lost, size - end.offset);
    }
}
END_TEST

/* The other way a crash leaves it: the length is there, the data is not. */
START_TEST(test_torn_tail_is_found_at_every_zeroed_end_of_the_last_frame)
{
    struct log_tail tail;
    make_log(true);
    size_t start = ends[FRAMES - 1].offset;
    bytes = realloc(bytes, size + 5000);
    memset(bytes + size, 0, 5000); /* space that was allocated ahead */
    size += 5000;
    ck_assert_uint_eq(judge(&tail).lsn, FRAMES);
    ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
    for (size_t cut = ends[FRAMES].offset; cut-- > start;) {
        bool last_bytes_were_zero = bytes[cut] == 0;
        bytes[cut] = 0;
        struct log_point end = judge(&tail);
        if (end.lsn == FRAMES) { /* padding, or a last byte of the content that is zero by chance */
            ck_assert(last_bytes_were_zero);
            continue;
        }
        ck_assert_uint_eq(end.lsn, FRAMES - 1);
        size_t content = cut;
        while (content > start && bytes[content - 1] == 0)
            content--;
        ck_assert_int_eq(tail.what, content == start ? LOG_TAIL_CLEAN : LOG_TAIL_TORN);
        ck_assert_uint_eq(tail.lost, content - start);
    }
}
END_TEST

START_TEST(test_flipped_bit_in_a_durable_frame_is_damage)
{
    struct log_tail tail;
    make_log(true);
    for (size_t at = ends[1].offset; at < ends[2].offset; at++) {
        uint8_t bit = (uint8_t)(1u << at % 8);
        bytes[at] ^= bit;
        struct log_point end = judge(&tail);
        bytes[at] ^= bit;
        ck_assert_uint_eq(end.lsn, 1);
        ck_assert_int_eq(tail.what, LOG_TAIL_DAMAGED);
        ck_assert_uint_eq(tail.offset, ends[1].offset);
        ck_assert_uint_eq(tail.next_offset, ends[2].offset);
        ck_assert_uint_eq(tail.next_lsn, 3);
        ck_assert_uint_eq(tail.lost, ends[2].offset - ends[1].offset);
    }
}
END_TEST

START_TEST(test_hole_in_frames_that_were_never_durable_is_torn)
{
    struct log_tail tail;
    make_log(false);
    size_t content = size;
    while (bytes[content - 1] == 0) /* padding */
        content--;
    for (size_t at = ends[1].offset; at < ends[2].offset; at++) {
        bytes[at] ^= 0x10;
        struct log_point end = judge(&tail);
        bytes[at] ^= 0x10;
        ck_assert_uint_eq(end.lsn, 1);
        ck_assert_int_eq(tail.what, LOG_TAIL_TORN);
        ck_assert_uint_eq(tail.lost, content - ends[1].offset);
    }
}
END_TEST

/* A hole over several frames, of which the first was durable. */
START_TEST(test_zeroed_stretch_before_a_durable_point_is_damage)
{
    struct log_tail tail;
    make_log(true);
    memset(bytes + ends[1].offset, 0, ends[3].offset - ends[1].offset);
    ck_assert_uint_eq(judge(&tail).lsn, 1);
    ck_assert_int_eq(tail.what, LOG_TAIL_DAMAGED);
    ck_assert_uint_eq(tail.next_lsn, 4);
    ck_assert_uint_eq(tail.next_offset, ends[3].offset);
}
END_TEST

START_TEST(test_frames_taken_out_are_missed)
{
    struct log_tail tail;
    make_log(true);
    /* Frame 2 cut out, the rest moved up: each frame is good, the chain is not. */
    memmove(bytes + ends[1].offset, bytes + ends[2].offset, size - ends[2].offset);
    size -= ends[2].offset - ends[1].offset;
    ck_assert_uint_eq(judge(&tail).lsn, 1);
    ck_assert_int_eq(tail.what, LOG_TAIL_DAMAGED);
    ck_assert_uint_eq(tail.next_lsn, 3);
}
END_TEST

/* A byte too many or too few, as a program that treats the file as text leaves
 * it: everything behind lies elsewhere, and is there all the same. */
START_TEST(test_shifted_frames_are_missed)
{
    struct log_tail tail;
    make_log(true);
    uint8_t *whole = bytes;
    size_t whole_size = size, place = ends[1].offset + 70;
    for (int shift = -9; shift <= 9; shift++) {
        if (shift == 0)
            continue;
        size = (size_t)((ptrdiff_t)whole_size + shift);
        bytes = calloc(1, size);
        memcpy(bytes, whole, place);
        size_t from = shift < 0 ? place + (size_t)-shift : place, to = shift < 0 ? place : place + (size_t)shift;
        memcpy(bytes + to, whole + from, whole_size - from);
        ck_assert_uint_eq(judge(&tail).lsn, 1);
        ck_assert_int_eq(tail.what, LOG_TAIL_DAMAGED);
        ck_assert_uint_eq(tail.next_lsn, 3);
        ck_assert_uint_eq(tail.next_offset, (uint64_t)((int64_t)ends[2].offset + shift));
        size = (size_t)((int64_t)ends[3].offset + shift); /* nor is the last one overlooked */
        judge(&tail);
        ck_assert_int_eq(tail.what, LOG_TAIL_DAMAGED);
        free(bytes);
    }
    bytes = whole;
    size = whole_size;
}
END_TEST

/* Two histories of one database part after frame 1; a frame of one does not
 * follow a frame of the other, though its number and size would fit. */
START_TEST(test_frame_of_another_history_does_not_follow)
{
    struct log_point end[2];
    uint8_t *history[2];
    size_t sizes[2];
    make_log(true);
    for (unsigned i = 0; i < 2; i++) {
        struct frame_info info = {.time = 100 + i, .entry_count = 1};
        fixture_store(fixture_path, bytes, ends[1].offset);
        struct log *log = fixture_open(fixture_path, NULL);
        struct log_tail tail;
        end[i] = fixture_recover(log, &tail);
        for (unsigned j = 0; j < 2; j++)
            ck_assert_int_eq(log_append(log, &end[i], &info, (const uint8_t *)"same", 4, &end[i], NULL), CRM_OK);
        log_publish(log, 3);
        log_close(log);
        history[i] = fixture_load(fixture_path, &sizes[i]);
    }
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_uint_eq(end[0].offset, sizes[0]);
    size_t middle = ends[1].offset + (sizes[0] - ends[1].offset) / 2;
    memcpy(history[0] + middle, history[1] + middle, sizes[0] - middle);
    fixture_store(fixture_path, history[0], sizes[0]);
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point start = log_start(log);
    struct frame frame;
    for (unsigned i = 0; i < 2; i++, start = frame.after)
        ck_assert_int_eq(log_frame(log, &start, &frame, NULL), CRM_OK);
    ck_assert_int_eq(log_frame(log, &start, &frame, NULL), CRM_NOT_FOUND);
    log_close(log);
    free(history[0]);
    free(history[1]);
}
END_TEST

/* Gives the last frame another header, with right CRCs, as a forger would. */
static uint64_t end_with_forged(uint32_t key, const struct frame_header *forged)
{
    struct frame_header header = *forged;
    struct log_tail tail;
    uint8_t *frame = bytes + ends[FRAMES - 1].offset;
    header.entries_length = bytes_get_u64(frame + 32);
    header.meta_length = bytes_get_u32(frame + 40);
    header.entry_count = 1;
    header.previous_crc = ends[FRAMES - 1].crc;
    header.crc =
        crc32c(frame_crc_start(&header), frame + LOG_FRAME_HEADER, (size_t)header.entries_length + header.meta_length);
    frame_header_encode(&header, key, frame);
    return judge(&tail).lsn;
}

START_TEST(test_frame_out_of_order_does_not_follow)
{
    make_log(true);
    uint32_t key = ends[0].crc;
    struct frame_header good = {.lsn = FRAMES, .time = 1000, .durable_lsn = FRAMES - 1}, bad = good;
    ck_assert_uint_eq(end_with_forged(key, &good), FRAMES);
    bad.lsn = FRAMES + 1;
    ck_assert_uint_eq(end_with_forged(key, &bad), FRAMES - 1);
    bad = good, bad.lsn = FRAMES - 1, bad.durable_lsn = 0;
    ck_assert_uint_eq(end_with_forged(key, &bad), FRAMES - 1);
    bad = good, bad.time = ends[FRAMES - 1].time - 1;
    ck_assert_uint_eq(end_with_forged(key, &bad), FRAMES - 1);
    bad = good, bad.durable_lsn = FRAMES;
    ck_assert_uint_eq(end_with_forged(key, &bad), FRAMES - 1);
    bad = good, bad.flags = LOG_FRAME_BASE;
    ck_assert_uint_eq(end_with_forged(key, &bad), FRAMES - 1);
    bad = good, bad.flags = 2;
    ck_assert_uint_eq(end_with_forged(key, &bad), FRAMES - 1);
    ck_assert_uint_eq(end_with_forged(key, &good), FRAMES);
    ck_assert_uint_eq(end_with_forged(key ^ 1, &good), FRAMES - 1);
}
END_TEST

/* The same content in two files: the frames of one are no frames of the other. */
START_TEST(test_frame_of_another_file_is_not_taken)
{
    struct log_tail tail;
    make_log(true);
    uint8_t *first = bytes;
    size_t first_size = size;
    ck_assert_int_eq(unlink(fixture_path), 0);
    make_log(true);
    ck_assert_uint_eq(size, first_size);
    memcpy(bytes + ends[1].offset, first + ends[1].offset, size - ends[1].offset);
    free(first);
    ck_assert_uint_eq(judge(&tail).lsn, 1);
    ck_assert_int_eq(tail.what, LOG_TAIL_TORN); /* nothing there speaks for this file */
}
END_TEST

/* A user's value that holds a copy of the whole log: while the frame with it
 * is torn, its inner frames are not evidence. */
START_TEST(test_log_stored_as_a_value_is_not_searched)
{
    struct log_tail tail;
    struct frame frame;
    make_log(true);
    struct log *log = fixture_open(fixture_path, NULL);
    struct log_point end = fixture_recover(log, &tail);
    struct frame_info info = {.entry_count = 1};
    ck_assert_int_eq(log_append(log, &end, &info, bytes, size, &end, NULL), CRM_OK);
    log_publish(log, end.lsn);
    log_close(log);
    free(bytes);
    bytes = fixture_load(fixture_path, &size);
    bytes[size - 20] ^= 1;
    fixture_store(fixture_path, bytes, size);
    log = fixture_open(fixture_path, NULL);
    end = fixture_walk(log);
    ck_assert_uint_eq(end.lsn, FRAMES);
    ck_assert_int_eq(log_scan(log, end.offset, &frame, NULL), CRM_NOT_FOUND);
    ck_assert_int_eq(log_tail(log, &end, &tail, NULL), CRM_OK);
    ck_assert_int_eq(tail.what, LOG_TAIL_TORN);
    log_close(log);
}
END_TEST

START_TEST(test_recovered_log_goes_on_where_the_tear_was)
{
    struct log_tail tail;
    make_log(true);
    size -= 11;
    fixture_store(fixture_path, bytes, size);
    struct log *log = fixture_open(fixture_path, NULL);
    ck_assert(log_unrecovered(log));
    ck_assert_uint_eq(log_published(log), 0);
    struct frame_info info = {.time = 5};
    struct log_point start = log_start(log), after;
    ck_assert_int_eq(log_append(log, &start, &info, NULL, 0, &after, NULL), CRM_MISUSE);
    struct log_point end = fixture_recover(log, &tail);
    ck_assert_int_eq(tail.what, LOG_TAIL_TORN);
    ck_assert(!log_unrecovered(log));
    ck_assert_uint_eq(log_published(log), FRAMES - 1);
    ck_assert_uint_eq(log_durable(log), FRAMES - 1);
    ck_assert_int_gt(fixture_faults.truncates, 0);
    fixture_append(log, &end, 70);
    fixture_append(log, &end, 0);
    ck_assert_int_eq(log_sync(log, &end, NULL), CRM_OK);
    ck_assert_int_eq(log_tail(log, &end, &tail, NULL), CRM_OK);
    ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
    log_close(log);
    log = fixture_open(fixture_path, NULL);
    ck_assert_uint_eq(fixture_recover(log, &tail).lsn, FRAMES + 1);
    ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
    log_close(log);
}
END_TEST

/* While somebody else has the file open it must not get shorter. */
/* P1: whoever made the file may have been killed before it synced it, and its
 * name: a frame behind that would be lost with it. */
START_TEST(test_empty_log_of_another_is_synced_before_frames)
{
    struct log_tail tail;
    struct log_point end;
    log_close(fixture_open(fixture_path, NULL));
    struct log *log = fixture_open(fixture_path, NULL);
    struct frame_info info = {.time = 1};
    end = log_start(log);
    ck_assert(log_unrecovered(log));
    ck_assert_int_eq(log_append(log, &end, &info, NULL, 0, &end, NULL), CRM_MISUSE);
    int syncs = fixture_faults.syncs, folder_syncs = fixture_faults.folder_syncs;
    end = fixture_recover(log, &tail);
    ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
    ck_assert_int_eq(fixture_faults.syncs, syncs + 1);
    ck_assert_int_eq(fixture_faults.folder_syncs, folder_syncs + 1);
    fixture_append(log, &end, 100);
    log_close(log);
}
END_TEST

START_TEST(test_tear_is_blanked_while_others_look_on)
{
    struct log_tail tail;
    struct log_options options = fixture_options(false);
    make_log(true);
    size -= 11;
    fixture_store(fixture_path, bytes, size);
    options.read_only = true;
    struct log *reader = fixture_open(fixture_path, &options);
    struct log_point seen = fixture_walk(reader);
    ck_assert(log_unrecovered(reader)); /* no writer: what is published is not known */
    log_publish(reader, seen.lsn);
    ck_assert_uint_eq(log_published(reader), FRAMES - 1);
    struct log *log = fixture_open(fixture_path, NULL);
    fixture_faults.truncates = 0;
    struct log_point end = fixture_recover(log, &tail);
    ck_assert_int_eq(tail.what, LOG_TAIL_TORN);
    ck_assert_int_eq(fixture_faults.truncates, 0);
    ck_assert_uint_eq(log_map(log)->length, size);
    ck_assert_int_eq(log_tail(log, &end, &tail, NULL), CRM_OK);
    ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
    ck_assert(!log_unrecovered(reader)); /* and from now on the reader follows the writer */
    fixture_append(log, &end, 100);
    ck_assert_int_eq(log_sync(log, &end, NULL), CRM_OK);
    ck_assert_uint_eq(log_published(reader), end.lsn);
    ck_assert_int_eq(log_refresh(reader, NULL), CRM_OK);
    ck_assert_uint_eq(fixture_walk(reader).lsn, end.lsn);
    log_close(log);
    log_close(reader);
}
END_TEST

START_TEST(test_scan_finds_what_is_left_around_damage)
{
    struct frame frame;
    uint64_t found = 0, at = 0;
    make_log(true);
    memset(bytes + ends[1].offset + 3, 0xff, 50);
    fixture_store(fixture_path, bytes, size);
    struct log *log = fixture_open(fixture_path, NULL);
    while (log_scan(log, at, &frame, NULL) == CRM_OK) {
        found |= UINT64_C(1) << frame.lsn;
        at = frame.after.offset;
    }
    ck_assert_uint_eq(found, 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5);
    log_close(log);
}
END_TEST

START_TEST(test_salvage_reads_on_when_the_header_is_gone)
{
    struct log_options options = fixture_options(false);
    struct log *log = NULL;
    struct frame frame;
    unsigned found = 0;
    make_log(true);
    memset(bytes, 0x5a, LOG_FRAMES_START);
    fixture_store(fixture_path, bytes, size);
    ck_assert_int_eq(log_open(fixture_path, &options, &log, NULL), CRM_NOT_A_DATABASE);
    options.salvage = true;
    log = fixture_open(fixture_path, &options);
    ck_assert(log_read_only(log));
    for (uint64_t at = 0; log_scan(log, at, &frame, NULL) == CRM_OK; at = frame.after.offset)
        ck_assert_uint_eq(frame.lsn, ++found);
    ck_assert_uint_eq(found, FRAMES);
    log_close(log);
}
END_TEST

/* Headers that a forger gave right CRCs but mad lengths: no read outside the
 * file, no frame out of it, and an end to the search. */
START_TEST(test_forged_lengths_are_refused)
{
    static const uint64_t lengths[] = {0, 1, 100, 4000, 1 << 20, INT64_MAX, UINT64_MAX - 63, UINT64_MAX};
    make_log(true);
    struct log *log = fixture_open(fixture_path, NULL);
    uint32_t key = log_start(log).crc;
    log_close(log);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            struct frame_header header = {.lsn = 2,
                                          .entries_length = lengths[i],
                                          .meta_length = (uint32_t)lengths[j],
                                          .entry_count = 1,
                                          .previous_crc = ends[1].crc};
            struct log_tail tail;
            frame_header_encode(&header, key, bytes + ends[1].offset);
            struct log_point end = judge(&tail);
            ck_assert_uint_eq(end.lsn, 1);
            ck_assert_int_ne(tail.what, LOG_TAIL_CLEAN);
        }
    }
}
END_TEST

/* Gives frame 2 a meta of the same length, with right CRCs. */
static uint64_t end_with_meta(uint32_t key, const uint8_t *meta)
{
    struct log_tail tail;
    uint8_t *frame = bytes + ends[1].offset;
    struct frame_header header = {.lsn = 2, .time = 10, .entry_count = 1, .previous_crc = ends[1].crc};
    header.entries_length = bytes_get_u64(frame + 32);
    header.meta_length = bytes_get_u32(frame + 40);
    uint8_t *at = frame + LOG_FRAME_HEADER + header.entries_length;
    memcpy(at + 4, meta, header.meta_length - 4);
    bytes_put_u32(at, crc32c(0, at + 4, header.meta_length - 4));
    header.crc =
        crc32c(frame_crc_start(&header), frame + LOG_FRAME_HEADER, (size_t)header.entries_length + header.meta_length);
    frame_header_encode(&header, key, frame);
    return judge(&tail).lsn;
}

/* Actor, reason and batch whose lengths reach beyond the meta, or leave a rest. */
START_TEST(test_forged_meta_is_refused)
{
    make_log(true);
    uint32_t key = ends[0].crc;
    /* "actor 2" with its length, and two empty texts: ten bytes behind the CRC */
    uint8_t good[10] = "\7actor 2", bad[10];
    ck_assert_uint_eq(bytes_get_u32(bytes + ends[1].offset + 40), 4 + sizeof good);
    size = ends[2].offset; /* the frames behind have another one before them */
    ck_assert_uint_eq(end_with_meta(key, good), 2);
    for (size_t text = 0; text < 3; text++) {
        static const uint8_t starts[] = {0, 8, 9};
        memcpy(bad, good, sizeof bad);
        bad[starts[text]] = 0x7f; /* longer than all there is */
        ck_assert_uint_eq(end_with_meta(key, bad), 1);
        memset(bad + starts[text], 0xff, sizeof bad - starts[text]); /* a length that never ends */
        ck_assert_uint_eq(end_with_meta(key, bad), 1);
    }
    memcpy(bad, good, sizeof bad);
    bad[0] = 6; /* then the last letter is a length */
    ck_assert_uint_eq(end_with_meta(key, bad), 1);
    memset(bad, 0, sizeof bad); /* three empty texts, and a rest */
    ck_assert_uint_eq(end_with_meta(key, bad), 1);
}
END_TEST

/* Lengths are 32 bits, but a meta has 16 MiB at most. */
START_TEST(test_a_meta_of_more_than_sixteen_megabytes_is_no_meta)
{
    enum { MOST = 1 << 24 };
    make_log(false);
    uint32_t key = ends[0].crc;
    size = ends[1].offset + LOG_FRAME_HEADER + MOST + 64;
    for (uint32_t length = MOST; length <= MOST + 1; length++) {
        bytes = realloc(bytes, size);
        memset(bytes + ends[1].offset, 0, size - ends[1].offset);
        uint8_t *frame = bytes + ends[1].offset, *meta = frame + LOG_FRAME_HEADER;
        uint32_t rest = length - 4 - 4 - 2; /* the actor has a length of four bytes */
        for (unsigned i = 0; i < 4; i++)
            meta[4 + i] = (uint8_t)((rest >> (7 * i) & 0x7f) | (i < 3 ? 0x80 : 0));
        bytes_put_u32(meta, crc32c(0, meta + 4, length - 4));
        struct frame_header header = {.lsn = 2, .time = 10, .meta_length = length, .previous_crc = ends[1].crc};
        header.crc = crc32c(frame_crc_start(&header), meta, length);
        frame_header_encode(&header, key, frame);
        fixture_store(fixture_path, bytes, size);
        struct log_options options = fixture_options(false);
        options.read_only = true;
        struct log *log = fixture_open(fixture_path, &options);
        struct log_point at = ends[1];
        struct frame out;
        ck_assert_int_eq(log_frame(log, &at, &out, NULL), length == MOST ? CRM_OK : CRM_NOT_FOUND);
        if (length == MOST)
            ck_assert_uint_eq(out.actor_length, rest);
        log_close(log);
    }
}
END_TEST

/* A tear longer than what is blanked at a time; a disk that fails then stops the log. */
START_TEST(test_long_tear_is_blanked_whole_or_not_used)
{
    enum { TEAR = 3000 };
    struct log_tail tail;
    struct log_options options = fixture_options(false);
    make_log(true);
    uint8_t *torn = malloc(size + TEAR);
    memcpy(torn, bytes, size);
    memset(torn + size, 0xa5, TEAR);
    options.read_only = true;
    for (int fail = 0; fail < 5; fail++) {
        crm_error error = {0};
        fixture_store(fixture_path, torn, size + TEAR);
        struct log *reader = fixture_open(fixture_path, &options); /* its map must stay whole */
        struct log *log = fixture_open(fixture_path, NULL);
        struct log_point end = fixture_walk(log);
        ck_assert_uint_eq(end.lsn, FRAMES);
        fixture_faults.fail_write = fail;
        ck_assert_int_eq(log_recovered(log, &end, &error), fail == 0 ? CRM_OK : CRM_IO);
        fixture_faults.fail_write = 0;
        if (fail == 0) {
            ck_assert_int_eq(log_tail(log, &end, &tail, NULL), CRM_OK);
            ck_assert_int_eq(tail.what, LOG_TAIL_CLEAN);
            for (size_t i = 0; i < TEAR; i++)
                ck_assert_uint_eq(log_map(log)->base[size + i], 0);
        } else {
            ck_assert_ptr_nonnull(strstr(error.message, "cannot be recovered"));
            ck_assert_int_eq(log_check_writable(log, &error), CRM_STOPPED);
        }
        log_close(log);
        log_close(reader);
    }
    free(torn);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("recovery");
    TCase *tails = tcase_create("P3 tails");
    tcase_set_timeout(tails, 60);
    tcase_add_checked_fixture(tails, setup, teardown);
    tcase_add_test(tails, test_torn_tail_is_found_at_every_cut_of_the_last_frame);
    tcase_add_test(tails, test_torn_tail_is_found_at_every_zeroed_end_of_the_last_frame);
    tcase_add_test(tails, test_flipped_bit_in_a_durable_frame_is_damage);
    tcase_add_test(tails, test_hole_in_frames_that_were_never_durable_is_torn);
    tcase_add_test(tails, test_zeroed_stretch_before_a_durable_point_is_damage);
    tcase_add_test(tails, test_frames_taken_out_are_missed);
    tcase_add_test(tails, test_shifted_frames_are_missed);
    tcase_add_test(tails, test_frame_of_another_history_does_not_follow);
    tcase_add_test(tails, test_frame_out_of_order_does_not_follow);
    tcase_add_test(tails, test_frame_of_another_file_is_not_taken);
    tcase_add_test(tails, test_log_stored_as_a_value_is_not_searched);
    tcase_add_test(tails, test_forged_lengths_are_refused);
    tcase_add_test(tails, test_forged_meta_is_refused);
    tcase_add_test(tails, test_a_meta_of_more_than_sixteen_megabytes_is_no_meta);
    suite_add_tcase(suite, tails);
    TCase *repair = tcase_create("P3 recovery");
    tcase_set_timeout(repair, 60);
    tcase_add_checked_fixture(repair, setup, teardown);
    tcase_add_test(repair, test_recovered_log_goes_on_where_the_tear_was);
    tcase_add_test(repair, test_empty_log_of_another_is_synced_before_frames);
    tcase_add_test(repair, test_tear_is_blanked_while_others_look_on);
    tcase_add_test(repair, test_long_tear_is_blanked_whole_or_not_used);
    tcase_add_test(repair, test_scan_finds_what_is_left_around_damage);
    tcase_add_test(repair, test_salvage_reads_on_when_the_header_is_gone);
    suite_add_tcase(suite, repair);
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
