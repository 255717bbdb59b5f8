/* checksum.c: CRC-32C twice (processor instruction, tables) and the seeded
 * hash of the image's tables.
 *
 * Every entry is checked each time it is read (P3), so this is on the path of
 * every look-up.  Which of the two it is, the loader asks once (an indirect
 * function), so that no call asks and the choice needs no state; where the
 * loader cannot, each call asks the compiler's own record of the processor.
 *
 * The instruction has a latency of three cycles and can start one a cycle, so
 * long input is cut into three lanes that run side by side; a carry-less
 * multiplication by x^n mod P then moves a lane's result over the n bits that
 * follow it.
 */
#include "sys/checksum.h"

#include "sys/bytes.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define CHECKSUM_X86 1
#include <cpuid.h>
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

/* The CRC is linear: the table's row for a byte is the exclusive or of the
 * rows of its bits, so that eight constants spell out 256 rows.  BITS takes
 * the rows of bit 0, 1, … 7; table k is for a byte that k more bytes follow. */
#define BIT(i, n, row) ((((uint32_t)(i) >> (n)) & 1u) * (row))
#define BITS(i, a, b, c, d, e, f, g, h)                                                                       \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^ \
     BIT(i, 7, h))
#define TABLE_0(i) \
    BITS(i, 0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu, 0x82f63b78u)
#define TABLE_1(i) \
    BITS(i, 0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, 0x3fc5f181u, 0x7f8be302u, 0xff17c604u, 0xfbc3faf9u)
#define TABLE_2(i) \
    BITS(i, 0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, 0x70a27d8au, 0xe144fb14u, 0xc76580d9u, 0x8b277743u)
#define TABLE_3(i) \
    BITS(i, 0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, 0xe964b13du, 0xd725148bu, 0xaba65fe7u, 0x52a0c93fu)
#define ROWS_4(table, i) table(i), table((i) + 1), table((i) + 2), table((i) + 3)
#define ROWS_16(table, i) ROWS_4(table, i), ROWS_4(table, (i) + 4), ROWS_4(table, (i) + 8), ROWS_4(table, (i) + 12)
#define ROWS_64(table, i) \
    ROWS_16(table, i), ROWS_16(table, (i) + 16), ROWS_16(table, (i) + 32), ROWS_16(table, (i) + 48)
#define ROWS_256(table) ROWS_64(table, 0), ROWS_64(table, 64), ROWS_64(table, 128), ROWS_64(table, 192)

/* Four, not eight: this is what processors without the instruction use, and
 * the tables are a hundredth of the library's size as it is. */
static const uint32_t tables[4][256] = {
    {ROWS_256(TABLE_0)}, {ROWS_256(TABLE_1)}, {ROWS_256(TABLE_2)}, {ROWS_256(TABLE_3)}};

uint32_t crc32c_tables(uint32_t crc, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint32_t state = ~crc;
    while (length >= 4) {
        uint32_t word = bytes_get_u32(at) ^ state;
        state = tables[3][word & 0xff] ^ tables[2][(word >> 8) & 0xff] ^ tables[1][(word >> 16) & 0xff] ^
                tables[0][word >> 24];
        at += 4;
        length -= 4;
    }
    while (length-- != 0)
        state = (state >> 8) ^ tables[0][(state ^ *at++) & 0xff];
    return ~state;
}

#ifdef CHECKSUM_X86

/* A sanitizer's own code would run in the resolver, before it is set up. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define CHECKSUM_INDIRECT 1
#endif

bool crc32c_has_instruction(void)
{
#ifdef CHECKSUM_INDIRECT
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_2) != 0 && (c & bit_PCLMUL) != 0;
#else
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
#endif
}

/* Lane lengths in bytes, and x^(8n - 33) mod P, bit-reflected, for n = one and
 * two lanes (33: the multiplication and the instruction that reduces its
 * result shift by 1 and 32 already). */
enum { LANE_LONG = 1024, LANE_SHORT = 128 };
#define SHIFT_LONG_1 0x170076fau
#define SHIFT_LONG_2 0xa51b6135u
#define SHIFT_SHORT_1 0x0d3b6092u
#define SHIFT_SHORT_2 0xb9e02b86u

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t multiply(uint64_t state, uint32_t factor)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)state), _mm_cvtsi64_si128((long long)(uint64_t)factor), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t three_lanes(uint64_t state, const uint8_t *at,
                                                                            size_t lane, uint32_t shift_1,
                                                                            uint32_t shift_2)
{
    uint64_t first = state, second = 0, third = 0;
    for (size_t i = 0; i < lane; i += 8) {
        first = _mm_crc32_u64(first, bytes_get_u64(at + i));
        second = _mm_crc32_u64(second, bytes_get_u64(at + lane + i));
        third = _mm_crc32_u64(third, bytes_get_u64(at + 2 * lane + i));
    }
    return _mm_crc32_u64(0, multiply(first, shift_2) ^ multiply(second, shift_1)) ^ third;
}

/* x^(64k - 33) mod P, bit-reflected, for lanes of k words, from PAIR_WORDS on. */
enum { PAIR_WORDS = 4, PAIR_LEAST = 2 * 8 * PAIR_WORDS };
static const uint32_t shift_pair[] = {0,           0,           0,           0,           0xba4fc28eu, 0x3da6d0cbu,
                                      0xddc0152bu, 0x1c291d04u, 0x9e4addf8u, 0x740eef02u, 0x39d3b296u, 0x083a6eecu,
                                      0x0715ce53u, 0xc49f4f67u, 0x47db8317u, 0x2ad91c30u, 0x0d3b6092u, 0x6992cea2u,
                                      0xc96cfdc0u, 0x7e908048u, 0x878a92a7u, 0x1b3d8f29u, 0xdaece73eu, 0xf1d0f55eu};

/* What the log is full of: entries of about a hundred bytes, no two of one
 * length.  So there is no loop for the odd bytes, whose end nobody can foresee:
 * they come first, behind so many zero bytes as make a word. */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t two_lanes(uint64_t state, const uint8_t *at,
                                                                          size_t length)
{
    size_t head = length & 7, words = length / 8, lane = words / 2 * 8;
    state = _mm_crc32_u64(0, (bytes_get_u64(at) ^ state) << (63 - 8 * head) << 1) ^ state >> (8 * head);
    at += head;
    uint64_t odd = _mm_crc32_u64(state, bytes_get_u64(at)), first = words & 1 ? odd : state, second = 0;
    at += (words & 1) * 8;
    for (size_t i = 0; i < lane; i += 8) {
        first = _mm_crc32_u64(first, bytes_get_u64(at + i));
        second = _mm_crc32_u64(second, bytes_get_u64(at + lane + i));
    }
    return _mm_crc32_u64(0, multiply(first, shift_pair[lane / 8])) ^ second;
}

__attribute__((target("sse4.2,pclmul"))) uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t state = ~crc;
    if (length >= PAIR_LEAST && length < 3 * LANE_SHORT)
        return ~(uint32_t)two_lanes(state, at, length);
    for (; length >= 3 * LANE_LONG; at += 3 * LANE_LONG, length -= 3 * LANE_LONG)
        state = three_lanes(state, at, LANE_LONG, SHIFT_LONG_1, SHIFT_LONG_2);
    for (; length >= 3 * LANE_SHORT; at += 3 * LANE_SHORT, length -= 3 * LANE_SHORT)
        state = three_lanes(state, at, LANE_SHORT, SHIFT_SHORT_1, SHIFT_SHORT_2);
    for (; length >= 8; at += 8, length -= 8)
        state = _mm_crc32_u64(state, bytes_get_u64(at));
    uint32_t small = (uint32_t)state;
    if (length & 4) {
        small = _mm_crc32_u32(small, bytes_get_u32(at));
        at += 4;
    }
    for (length &= 3; length != 0; length--)
        small = _mm_crc32_u8(small, *at++);
    return ~small;
}

#else

bool crc32c_has_instruction(void)
{
    return false;
}

uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t length)
{
    return crc32c_tables(crc, bytes, length);
}

#endif

#ifdef CHECKSUM_INDIRECT

typedef uint32_t checksum_function(uint32_t crc, const void *bytes, size_t length);

__attribute__((used)) static checksum_function *choose(void)
{
    return crc32c_has_instruction() ? crc32c_instruction : crc32c_tables;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length) __attribute__((ifunc("choose")));

#else

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
    return crc32c_has_instruction() ? crc32c_instruction(crc, bytes, length) : crc32c_tables(crc, bytes, length);
}

#endif

/* High and low half of the full product, folded: every bit of both factors
 * reaches every bit of the result. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    /* Both keys come from the seed, none is a published constant: without the
     * seed nobody can choose bytes that cancel one. */
    uint64_t key = hash_mix(seed + UINT64_C(0x9e3779b97f4a7c15));
    uint64_t state = hash_mix(seed ^ UINT64_C(0xd1b54a32d192ed03)) ^ (uint64_t)length;
    uint64_t low = 0, high = 0;
    for (size_t left = length; left > 16; left -= 16, at += 16)
        state = fold(bytes_get_u64(at) ^ key, bytes_get_u64(at + 8) ^ state);
    size_t left = length - (size_t)(at - (const uint8_t *)bytes);
    if (left >= 8) {
        low = bytes_get_u64(at);
        high = bytes_get_u64(at + left - 8);
    } else if (left >= 4) {
        low = bytes_get_u32(at);
        high = bytes_get_u32(at + left - 4);
    } else if (left != 0) {
        low = (uint64_t)at[0] << 16 | (uint64_t)at[left / 2] << 8 | at[left - 1];
    }
    return hash_mix(fold(low ^ key, high ^ state) ^ key);
}
