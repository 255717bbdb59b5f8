/* The small things everything rests on: checksums and hashes, varints, memory
 * and buffers, error messages, clocks, thread locks.  CRC-32C is held against
 * published values and against a bit-by-bit division written here. */
#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/lock.h"
#include "sys/memory.h"
#include "sys/varint.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The definition: polynomial division, lowest bit first. */
static uint32_t divide(uint32_t crc, const uint8_t *bytes, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0);
    }
    return ~crc;
}

typedef uint32_t (*crc_function)(uint32_t crc, const void *bytes, size_t length);

static crc_function functions[3];
static size_t function_count;

static void setup_functions(void)
{
    function_count = 0;
    functions[function_count++] = crc32c;
    functions[function_count++] = crc32c_tables;
    if (crc32c_has_instruction())
        functions[function_count++] = crc32c_instruction;
}

/* "123456789" is the check value of the CRC catalogue; the others are in
 * RFC 3720, section B.4. */
START_TEST(test_crc_has_its_published_values)
{
    uint8_t bytes[32];
    for (size_t f = 0; f < function_count; f++) {
        ck_assert_uint_eq(functions[f](0, "123456789", 9), 0xe3069283u);
        memset(bytes, 0, sizeof bytes);
        ck_assert_uint_eq(functions[f](0, bytes, 32), 0x8a9136aau);
        memset(bytes, 0xff, sizeof bytes);
        ck_assert_uint_eq(functions[f](0, bytes, 32), 0x62a8ab43u);
        for (unsigned i = 0; i < 32; i++)
            bytes[i] = (uint8_t)i;
        ck_assert_uint_eq(functions[f](0, bytes, 32), 0x46dd794eu);
        for (unsigned i = 0; i < 32; i++)
            bytes[i] = (uint8_t)(31 - i);
        ck_assert_uint_eq(functions[f](0, bytes, 32), 0x113fdb5cu);
        ck_assert_uint_eq(functions[f](0, NULL, 0), 0);
    }
}
END_TEST

START_TEST(test_crc_is_the_division_at_every_length_and_alignment)
{
    enum { SIZE = 8000 };
    static uint8_t bytes[SIZE + 8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)hash_mix(i);
    for (size_t length = 0; length < SIZE; length += length < 900 ? 1 : 211) {
        size_t offset = length % 8;
        uint32_t expected = divide(0x1234, bytes + offset, length);
        for (size_t f = 0; f < function_count; f++)
            ck_assert_uint_eq(functions[f](0x1234, bytes + offset, length), expected);
    }
}
END_TEST

START_TEST(test_crc_goes_on_from_a_part)
{
    static uint8_t bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    for (size_t f = 0; f < function_count; f++) {
        uint32_t whole = functions[f](0, bytes, sizeof bytes);
        for (size_t cut = 0; cut <= sizeof bytes; cut += 333)
            ck_assert_uint_eq(functions[f](functions[f](0, bytes, cut), bytes + cut, sizeof bytes - cut), whole);
    }
}
END_TEST

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* 66,000 hashes: the chance of one equal pair among 2^64 is 66000^2 / 2 / 2^64,
 * one in eight thousand million. */
START_TEST(test_hash_tells_short_inputs_apart)
{
    static uint64_t hashes[66000];
    static const uint8_t zeros[200] = {0};
    size_t count = 0;
    for (unsigned i = 0; i < 65536; i++) {
        uint8_t two[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        hashes[count++] = hash_bytes(5, two, 2);
    }
    for (size_t length = 0; length < sizeof zeros; length++) {
        if (length != 2) /* two zero bytes are among the first */
            hashes[count++] = hash_bytes(5, zeros, length);
    }
    qsort(hashes, count, sizeof hashes[0], compare_u64);
    for (size_t i = 1; i < count; i++)
        ck_assert_uint_ne(hashes[i - 1], hashes[i]);
}
END_TEST

/* Each changed bit of input or seed must change half of the 64 bits: 32, and
 * over 400 samples the mean stays within 32 +- 1.5 (its deviation is 0.2). */
START_TEST(test_hash_spreads_every_bit)
{
    uint8_t bytes[50];
    uint64_t changed = 0, samples = 0, seed_changed = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    uint64_t base = hash_bytes(77, bytes, sizeof bytes);
    for (unsigned bit = 0; bit < 8 * sizeof bytes; bit++, samples++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        changed += (uint64_t)__builtin_popcountll(base ^ hash_bytes(77, bytes, sizeof bytes));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 0; bit < 64; bit++)
        seed_changed += (uint64_t)__builtin_popcountll(base ^ hash_bytes(77 ^ UINT64_C(1) << bit, bytes, sizeof bytes));
    ck_assert_uint_ge(changed * 10 / samples, 305);
    ck_assert_uint_le(changed * 10 / samples, 335);
    ck_assert_uint_ge(seed_changed / 64, 29);
    ck_assert_uint_le(seed_changed / 64, 35);
}
END_TEST

START_TEST(test_varint_round_trips_at_every_limit)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)step, back = ~value;
            uint8_t bytes[VARINT_MAX];
            size_t size = varint_put(bytes, value);
            size_t bits = value == 0 ? 1 : 64 - (size_t)__builtin_clzll(value);
            ck_assert_uint_eq(size, (bits + 6) / 7);
            ck_assert_ptr_eq(varint_get(bytes, bytes + size, &back), bytes + size);
            ck_assert_uint_eq(back, value);
            for (size_t cut = 0; cut < size; cut++) /* never reads past the end */
                ck_assert_ptr_null(varint_get(bytes, bytes + cut, &back));
        }
    }
}
END_TEST

START_TEST(test_varint_refuses_what_does_not_fit)
{
    uint64_t none;
    static const uint8_t nothing[1] = {0};
    ck_assert_ptr_null(varint_get(nothing, nothing, &none));
    static const uint8_t most[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t more[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    static const uint8_t endless[11] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    uint64_t value = 0;
    ck_assert_ptr_nonnull(varint_get(most, most + 10, &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    ck_assert_ptr_null(varint_get(more, more + 10, &value));
    ck_assert_ptr_null(varint_get(endless, endless + 11, &value));
}
END_TEST

START_TEST(test_zigzag_keeps_small_numbers_small)
{
    static const int64_t numbers[] = {0, -1, 1, -2, 2, INT64_MAX, INT64_MIN};
    static const uint64_t codes[] = {0, 1, 2, 3, 4, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ck_assert_uint_eq(zigzag(numbers[i]), codes[i]);
        ck_assert_int_eq(unzigzag(codes[i]), numbers[i]);
    }
}
END_TEST

START_TEST(test_numbers_lie_little_endian)
{
    static const uint8_t bytes[8] = {0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};
    uint8_t out[8];
    ck_assert_uint_eq(bytes_get_u32(bytes), 0x05060708u);
    ck_assert_uint_eq(bytes_get_u64(bytes), UINT64_C(0x0102030405060708));
    bytes_put_u64(out, UINT64_C(0x0102030405060708));
    ck_assert_mem_eq(out, bytes, 8);
    bytes_put_u32(out, 0x05060708u);
    ck_assert_mem_eq(out, bytes, 4);
}
END_TEST

/* An allocator that counts and can be told to refuse. */
static int blocks;
static int allowed;

static void *counted_resize(void *context, void *old, size_t size)
{
    (void)context;
    if (size == 0) {
        blocks--;
        free(old);
        return NULL;
    }
    if (allowed == 0)
        return NULL;
    allowed--;
    blocks += old == NULL;
    return realloc(old, size);
}

static const struct memory counted = {counted_resize, NULL};

START_TEST(test_buffer_grows_and_keeps_its_bytes)
{
    struct buffer buffer;
    blocks = 0, allowed = 1000;
    buffer_init(&buffer, &counted);
    for (unsigned i = 0; i < 100000; i++)
        buffer_byte(&buffer, (uint8_t)(i * 3));
    buffer_text(&buffer, "tail");
    buffer_format(&buffer, " %d-%s", 42, "x");
    buffer_append(&buffer, NULL, 0);
    ck_assert(!buffer.failed);
    ck_assert_uint_eq(buffer.length, 100000 + 4 + 5);
    for (unsigned i = 0; i < 100000; i++)
        ck_assert_uint_eq(buffer.data[i], (uint8_t)(i * 3));
    ck_assert_mem_eq(buffer.data + 100000, "tail 42-x", 9);
    ck_assert_int_gt(allowed, 900); /* doubling: few reallocations */
    buffer_free(&buffer);
    ck_assert_int_eq(blocks, 0);
}
END_TEST

START_TEST(test_buffer_stays_failed)
{
    struct buffer buffer;
    blocks = 0, allowed = 1;
    buffer_init(&buffer, &counted);
    buffer_text(&buffer, "kept");
    ck_assert(!buffer_reserve(&buffer, 1 << 20));
    ck_assert(buffer.failed);
    allowed = 100;
    buffer_text(&buffer, "ignored");
    buffer_byte(&buffer, 1);
    buffer_format(&buffer, "%d", 1);
    ck_assert_uint_eq(buffer.length, 4);
    ck_assert(buffer.failed);
    buffer_free(&buffer);
    buffer_init(&buffer, &counted);
    ck_assert(!buffer_reserve(&buffer, SIZE_MAX)); /* no size wraps around */
    ck_assert(!buffer_reserve(&buffer, SIZE_MAX / 2 + 1));
    ck_assert(buffer.failed);
    buffer_free(&buffer);
    ck_assert_int_eq(blocks, 0);
}
END_TEST

START_TEST(test_memory_refuses_sizes_that_overflow)
{
    void *array = NULL;
    size_t capacity = 0;
    ck_assert_ptr_null(memory_zero(memory_default(), SIZE_MAX / 2, 4));
    ck_assert_ptr_null(memory_alloc(memory_default(), SIZE_MAX));
    ck_assert(!memory_grow(memory_default(), &array, &capacity, SIZE_MAX / 2, 8));
    ck_assert_ptr_null(array);
    for (size_t needed = 1; needed < 1000; needed++) {
        ck_assert(memory_grow(memory_default(), &array, &capacity, needed, 8));
        ck_assert_uint_ge(capacity, needed);
        ((uint64_t *)array)[needed - 1] = needed;
    }
    ck_assert_uint_eq(((uint64_t *)array)[0], 1);
    ck_assert_uint_le(capacity, 2048);
    memory_free(memory_default(), array);
    memory_free(memory_default(), NULL);
    char *text = memory_text(memory_default(), "abcdef", 3);
    ck_assert_str_eq(text, "abc");
    memory_free(memory_default(), text);
    uint8_t *empty = memory_alloc(memory_default(), 0); /* not NULL: that means refused */
    ck_assert_ptr_nonnull(empty);
    memory_free(memory_default(), empty);
    uint8_t *zeros = memory_zero(memory_default(), 10, 10);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(zeros[i], 0);
    memory_free(memory_default(), zeros);
    empty = memory_zero(memory_default(), 5, 0);
    ck_assert_ptr_nonnull(empty);
    memory_free(memory_default(), empty);
    ck_assert_ptr_null(memory_text(memory_default(), "abc", SIZE_MAX));
    array = NULL;
    capacity = 0;
    ck_assert(!memory_enlarge(memory_default(), &array, &capacity, 1, 0));
    ck_assert(!memory_enlarge(memory_default(), &array, &capacity, 1, SIZE_MAX / 8)); /* eight would overflow */
    ck_assert(!memory_enlarge(memory_default(), &array, &capacity, SIZE_MAX / 2 - 5, 1));
    ck_assert_ptr_null(array);
    ck_assert_uint_eq(capacity, 0);
    struct buffer buffer;
    buffer_init(&buffer, memory_default());
    ck_assert(!buffer_reserve(&buffer, SIZE_MAX / 2 - 5));
    ck_assert(buffer.failed);
    buffer_reset(&buffer);
    buffer_format(&buffer, "%ls", L"\x110000"); /* what no system can print */
    ck_assert(buffer.failed && buffer.length == 0);
    buffer_free(&buffer);
}
END_TEST

START_TEST(test_error_message_is_one_line_of_utf8)
{
    crm_error error;
    ck_assert_int_eq(error_set(&error, CRM_INVALID, "%s",
                               "a\nb\tc\x7f"
                               "d\x01"),
                     CRM_INVALID);
    ck_assert_str_eq(error.message, "a b c d ");
    ck_assert_int_eq(error.status, CRM_INVALID);
    ck_assert_int_eq(error.system, 0);
    error_set(&error, CRM_INVALID, "%s",
              "\xff"
              "caf\xc3\xa9\xc3(\xed\xa0\x80");
    ck_assert_str_eq(error.message, "?caf\xc3\xa9?(???");           /* malformed bytes and a surrogate */
    error_set(&error, CRM_INVALID, "%s", "\xc2\x85|\xe2\x80\xa8|"); /* line ends outside ASCII */
    ck_assert_str_eq(error.message, "?"
                                    "?|?"
                                    "?"
                                    "?|");
    error_clear(&error);
    ck_assert_int_eq(error.status, CRM_OK);
    ck_assert_str_eq(error.message, "");
}
END_TEST

/* The limits of Unicode 3.9, table 3-7: each byte of what is not well formed is marked. */
START_TEST(test_error_message_keeps_what_is_well_formed)
{
    static const char *const kept[] = {"\xe0\xa0\x80",     "\xed\x9f\xbf", "\xee\x80\x80",    "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf", "\xc2\xa0",     "\xe2\x80\xa7",    "\xe2\x80\xaa",
                                       "\xe2\x81\xa8",     "\xe3\x80\xa8", "\xf1\x80\x80\x80"};
    static const char *const marked[] = {"\xe0\x80\x80",     "\xe0\x9f\xbf",     "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc2\x80",     "\xc2\x9f",
                                         "\xe2\x80\xa8",     "\xe2\x80\xa9",     "\xc0\x80",     "\xc1\xbf",
                                         "\xe0\xa0",         "\xed\x9f",         "\xf4\x8f\xbf", "\x80"};
    crm_error error;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        error_set(&error, CRM_INVALID, "%s", kept[i]);
        ck_assert_str_eq(error.message, kept[i]);
    }
    for (size_t i = 0; i < sizeof marked / sizeof *marked; i++) {
        error_set(&error, CRM_INVALID, "%s", marked[i]);
        ck_assert_uint_eq(strspn(error.message, "?"), strlen(marked[i]));
        ck_assert_uint_eq(strlen(error.message), strlen(marked[i]));
    }
}
END_TEST

/* 503 bytes fit; a character of 2, 3 or 4 bytes that does not fit whole is
 * left out whole. */
START_TEST(test_error_message_is_cut_between_characters)
{
    static const char *characters[] = {"a", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"};
    for (size_t c = 0; c < 4; c++) {
        size_t size = strlen(characters[c]);
        for (size_t lead = 0; lead < 4; lead++) {
            char text[1200];
            size_t length = lead;
            memset(text, 'x', lead);
            while (length + size < sizeof text) {
                memcpy(text + length, characters[c], size);
                length += size;
            }
            text[length] = '\0';
            crm_error error;
            error_set(&error, CRM_IO, "%s", text);
            size_t expected = lead + (503 - lead) / size * size;
            ck_assert_uint_eq(strlen(error.message), expected);
            ck_assert_mem_eq(error.message, text, expected);
        }
    }
}
END_TEST

START_TEST(test_error_names_the_system_error)
{
    crm_error error;
    ck_assert_int_eq(error_system(&error, CRM_FULL, ENOSPC, "%s: cannot be written", "a.crm"), CRM_FULL);
    ck_assert_int_eq(error.system, ENOSPC);
    ck_assert_str_eq(error.message, "a.crm: cannot be written: No space left on device");
    ck_assert_int_eq(error_nomem(&error), CRM_NOMEM);
    ck_assert_int_eq(error.status, CRM_NOMEM);
    ck_assert_int_eq(error_set(NULL, CRM_IO, "nobody reads this"), CRM_IO);
    ck_assert_int_eq(error_system(NULL, CRM_IO, EIO, "nor this"), CRM_IO);
    error_clear(NULL);
    error_system(&error, CRM_IO, 0, "no number");
    ck_assert_str_eq(error.message, "no number");
    error_system(&error, CRM_IO, 99999, "odd"); /* there is no such error */
    ck_assert_str_eq(error.message, "odd: system error 99999");
    error_set(&error, CRM_IO, "%ls", L"\x110000"); /* what no system can print */
    ck_assert_str_eq(error.message, "");
    ck_assert_int_eq(error.status, CRM_IO);
    /* Cut off behind a broken sequence: only what a cut can have made is dropped. */
    char text[600];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    text[501] = '\xe2'; /* the last but one that fits */
    error_set(&error, CRM_IO, "%s", text);
    ck_assert_str_eq(error.message + 500, "a?a");
    text[501] = 'a';
    text[502] = '\xe2';
    error_set(&error, CRM_IO, "%s", text);
    ck_assert_str_eq(error.message + 500, "aa");
}
END_TEST

START_TEST(test_clocks_and_chance)
{
    uint8_t first[600] = {0}, second[600] = {0};
    int64_t start = clock_monotonic_ms();
    clock_sleep_ms(20);
    clock_sleep_ms(-5);
    ck_assert_int_ge(clock_monotonic_ms() - start, 19);
    ck_assert_int_gt(clock_wall_us(), INT64_C(1577836800) * 1000000); /* after 2020-01-01 */
    random_bytes(first, sizeof first);
    random_bytes(second, sizeof second);
    ck_assert_mem_ne(first, second, sizeof first);
    ck_assert_mem_ne(first + 300, second, 300); /* the part behind one call's 256 bytes too */
}
END_TEST

static struct rwlock shared_lock;
static struct mutex plain_lock;
static int written;

static void *write_once(void *unused)
{
    rwlock_write(&shared_lock);
    written = 1;
    rwlock_unlock(&shared_lock);
    return unused;
}

static void *read_once(void *found)
{
    rwlock_read(&shared_lock);
    *(int *)found = written;
    rwlock_unlock(&shared_lock);
    return found;
}

static uint32_t queued(void)
{
    mutex_lock(&shared_lock.mutex);
    uint32_t queue = shared_lock.queue;
    mutex_unlock(&shared_lock.mutex);
    return queue;
}

/* With a reader inside and a writer waiting, a new reader must wait too. */
START_TEST(test_waiting_writer_holds_new_readers_back)
{
    pthread_t writer, reader;
    int found = -1;
    ck_assert(rwlock_init(&shared_lock));
    written = 0;
    rwlock_read(&shared_lock);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_once, NULL), 0);
    while (atomic_load(&shared_lock.state) != RWLOCK_WANTED + 1)
        clock_sleep_ms(1);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_once, &found), 0);
    while (queued() == 0)
        clock_sleep_ms(1);
    ck_assert_int_eq(written, 0);
    rwlock_unlock(&shared_lock);
    ck_assert_int_eq(pthread_join(writer, NULL), 0);
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    ck_assert_int_eq(found, 1);
    ck_assert_uint_eq(atomic_load(&shared_lock.state), 0);
    rwlock_destroy(&shared_lock);
}
END_TEST

/* A writer that takes the lock again at once must not pass a reader by. */
START_TEST(test_queued_reader_comes_before_the_next_writer)
{
    pthread_t reader;
    int found = -1;
    ck_assert(rwlock_init(&shared_lock));
    rwlock_write(&shared_lock);
    written = 7;
    ck_assert_int_eq(pthread_create(&reader, NULL, read_once, &found), 0);
    while (queued() == 0)
        clock_sleep_ms(1);
    rwlock_unlock(&shared_lock);
    rwlock_write(&shared_lock);
    ck_assert_int_eq(found, 7);
    written = 8;
    rwlock_unlock(&shared_lock);
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    rwlock_destroy(&shared_lock);
}
END_TEST

enum { LOCK_THREADS = 4, LOCK_TURNS = 3000 };
static int64_t left_side, right_side;

static void *read_and_write(void *unlike)
{
    for (int i = 0; i < LOCK_TURNS; i++) {
        if (i % 8 == 0) {
            rwlock_write(&shared_lock);
            left_side++;
            right_side--;
            rwlock_unlock(&shared_lock);
            continue;
        }
        rwlock_read(&shared_lock);
        *(bool *)unlike |= left_side + right_side != 0;
        rwlock_unlock(&shared_lock);
    }
    return NULL;
}

START_TEST(test_readers_never_meet_a_writer)
{
    pthread_t threads[LOCK_THREADS];
    bool unlike[LOCK_THREADS] = {false};
    ck_assert(rwlock_init(&shared_lock));
    left_side = right_side = 0;
    for (int i = 0; i < LOCK_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_and_write, &unlike[i]), 0);
    for (int i = 0; i < LOCK_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(!unlike[i]);
    }
    ck_assert_int_eq(left_side, LOCK_THREADS * (LOCK_TURNS / 8)); /* every eighth turn of each, the first included */
    ck_assert_uint_eq(atomic_load(&shared_lock.state), 0);
    rwlock_destroy(&shared_lock);
}
END_TEST

static void *try_for(void *timeout_ms)
{
    bool got = mutex_lock_for(&plain_lock, *(int64_t *)timeout_ms);
    if (got)
        mutex_unlock(&plain_lock);
    return got ? timeout_ms : NULL;
}

/* Without end: a year and for ever are the same to whoever is woken before. */
START_TEST(test_the_longest_waits_end_when_there_is_something)
{
    pthread_t thread;
    void *result = NULL;
    int64_t longest = INT64_MAX;
    ck_assert(mutex_init(&plain_lock));
    mutex_lock(&plain_lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, try_for, &longest), 0);
    clock_sleep_ms(20);
    mutex_unlock(&plain_lock);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, &longest);
    mutex_destroy(&plain_lock);
}
END_TEST

static struct condition said;
static bool is_said;

static void *say(void *unused)
{
    mutex_lock(&plain_lock);
    is_said = true;
    condition_broadcast(&said);
    mutex_unlock(&plain_lock);
    return unused;
}

START_TEST(test_a_wait_for_ever_ends_with_the_news)
{
    pthread_t thread;
    ck_assert(mutex_init(&plain_lock) && condition_init(&said));
    is_said = false;
    mutex_lock(&plain_lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, say, NULL), 0);
    while (!is_said)
        ck_assert(condition_wait_for(&said, &plain_lock, -1));
    mutex_unlock(&plain_lock);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    condition_destroy(&said);
    mutex_destroy(&plain_lock);
}
END_TEST

START_TEST(test_a_writer_waits_for_a_writer)
{
    pthread_t threads[2];
    ck_assert(rwlock_init(&shared_lock));
    written = 0;
    rwlock_write(&shared_lock);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_once, NULL), 0);
    clock_sleep_ms(20);
    ck_assert_int_eq(written, 0);
    rwlock_unlock(&shared_lock);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(written, 1);
    ck_assert_uint_eq(atomic_load(&shared_lock.state), 0);
    rwlock_destroy(&shared_lock);
}
END_TEST

START_TEST(test_mutex_and_condition_time_out)
{
    pthread_t thread;
    struct condition condition;
    void *result = &condition;
    int64_t timeouts[2] = {0, 30};
    ck_assert(mutex_init(&plain_lock) && condition_init(&condition));
    mutex_lock(&plain_lock);
    for (int i = 0; i < 2; i++) {
        int64_t start = clock_monotonic_ms();
        ck_assert_int_eq(pthread_create(&thread, NULL, try_for, &timeouts[i]), 0);
        ck_assert_int_eq(pthread_join(thread, &result), 0);
        ck_assert_ptr_null(result);
        ck_assert_int_ge(clock_monotonic_ms() - start, timeouts[i] - 1);
    }
    int64_t start = clock_monotonic_ms();
    while (condition_wait_for(&condition, &plain_lock, 30) && clock_monotonic_ms() - start < 29)
        continue; /* a wait may end early for no reason */
    ck_assert_int_ge(clock_monotonic_ms() - start, 29);
    mutex_unlock(&plain_lock);
    timeouts[0] = -1;
    ck_assert_ptr_eq(try_for(&timeouts[0]), &timeouts[0]);
    ck_assert_ptr_eq(try_for(&timeouts[1]), &timeouts[1]);
    condition_destroy(&condition);
    mutex_destroy(&plain_lock);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("sys");
    TCase *sums = tcase_create("checksums");
    tcase_add_checked_fixture(sums, setup_functions, NULL);
    tcase_add_test(sums, test_crc_has_its_published_values);
    tcase_add_test(sums, test_crc_is_the_division_at_every_length_and_alignment);
    tcase_add_test(sums, test_crc_goes_on_from_a_part);
    tcase_add_test(sums, test_hash_tells_short_inputs_apart);
    tcase_add_test(sums, test_hash_spreads_every_bit);
    suite_add_tcase(suite, sums);
    TCase *numbers = tcase_create("numbers");
    tcase_add_test(numbers, test_varint_round_trips_at_every_limit);
    tcase_add_test(numbers, test_varint_refuses_what_does_not_fit);
    tcase_add_test(numbers, test_zigzag_keeps_small_numbers_small);
    tcase_add_test(numbers, test_numbers_lie_little_endian);
    suite_add_tcase(suite, numbers);
    TCase *memory = tcase_create("memory and errors");
    tcase_add_test(memory, test_buffer_grows_and_keeps_its_bytes);
    tcase_add_test(memory, test_buffer_stays_failed);
    tcase_add_test(memory, test_memory_refuses_sizes_that_overflow);
    tcase_add_test(memory, test_error_message_is_one_line_of_utf8);
    tcase_add_test(memory, test_error_message_keeps_what_is_well_formed);
    tcase_add_test(memory, test_error_message_is_cut_between_characters);
    tcase_add_test(memory, test_error_names_the_system_error);
    suite_add_tcase(suite, memory);
    TCase *time = tcase_create("clocks and locks");
    tcase_add_test(time, test_clocks_and_chance);
    tcase_add_test(time, test_waiting_writer_holds_new_readers_back);
    tcase_add_test(time, test_queued_reader_comes_before_the_next_writer);
    tcase_add_test(time, test_readers_never_meet_a_writer);
    tcase_add_test(time, test_mutex_and_condition_time_out);
    tcase_add_test(time, test_the_longest_waits_end_when_there_is_something);
    tcase_add_test(time, test_a_wait_for_ever_ends_with_the_news);
    tcase_add_test(time, test_a_writer_waits_for_a_writer);
    suite_add_tcase(suite, time);
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
