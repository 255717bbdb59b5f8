/* pack: difference, transpose, count runs.
 *
 * Which distance suits a half block is found by trying all on a sample and
 * counting how many bytes differ from their neighbour once transposed, which is
 * nearly what the runs will cost.  All of it works on sixteen bytes at a time
 * with the compiler's vectors, which every processor's basic instructions carry
 * out, and branches little on what the bytes are: a branch that cannot be
 * guessed costs as much as sixty bytes.
 *
 * Measured on the image of 100,000 customers and 1,000,000 interactions: 32 % of
 * its size at 2,400 MB/s, where LZ4's method leaves 50 %, and zlib at its fastest
 * 36 % at 47 MB/s.
 */
#include "store/pack.h"

#include <string.h>

enum {
    UNIT = PACK_BLOCK / 2, /* as large as the nodes of a tree: one unit, one kind of record */
    UNIT_RAW = 0,
    UNIT_ZERO = 1,
    UNIT_FILTERS = 2, /* and on: the filters in order */
    SAMPLE = 256,
    SAMPLE_AT = 896,
    RUN_LEAST = 3,
    RUN_MOST = 127 + RUN_LEAST,
    LITERAL_MOST = 128,
    VECTOR = 16,
    LANES = 8 /* bytes of a record that are taken at once */
};

/* Vectors that went through memory, as an argument of a function does when size
 * counts, would cost more than the work on them. */
#define INLINE static inline __attribute__((always_inline))

typedef uint8_t vector __attribute__((vector_size(VECTOR)));
typedef uint64_t vector_words __attribute__((vector_size(VECTOR)));
typedef uint32_t vector_halves __attribute__((vector_size(VECTOR)));

/* Distance, and the width of the number whose difference is taken.  Cells of
 * columns, rows, slots of tables; then the strides of packed leaves. */
static const struct filter {
    uint8_t stride, width;
} filters[] = {{8, 8}, {32, 8}, {16, 8}, {4, 4},  {1, 1},  {2, 1},  {4, 1},  {6, 1}, {7, 1},
               {8, 1}, {9, 1},  {10, 1}, {11, 1}, {12, 1}, {14, 1}, {16, 1}, {32, 1}};
enum { FILTERS = sizeof filters / sizeof *filters };

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

INLINE vector load_vector(const uint8_t *bytes)
{
    vector result;
    memcpy(&result, bytes, sizeof result);
    return result;
}

INLINE void store_vector(uint8_t *bytes, vector value)
{
    memcpy(bytes, &value, sizeof value);
}

/* The differences at `at`, of which the bytes one stride before exist. */
INLINE vector difference(const uint8_t *at, size_t stride, unsigned width)
{
    vector here = load_vector(at);
    vector before = load_vector(at - stride);
    if (width == 8)
        return (vector)((vector_words)here - (vector_words)before);
    if (width == 4)
        return (vector)((vector_halves)here - (vector_halves)before);
    return here - before;
}

/* How many differences in the sample are those of one stride before. */
INLINE unsigned sample_equal(const uint8_t *unit, size_t stride, unsigned width)
{
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    vector equal = {0};
    uint64_t halves[2];
    for (const uint8_t *at = unit + SAMPLE_AT; at < unit + SAMPLE_AT + SAMPLE; at += VECTOR)
        equal -= (vector)(difference(at, stride, width) == difference(at - stride, stride, width));
    memcpy(halves, &equal, sizeof halves);
    halves[0] += halves[1]; /* each lane counts, to 32 at most */
    return (unsigned)(((halves[0] & even) + (halves[0] >> 8 & even)) * UINT64_C(0x0001000100010001) >> 48);
}

static unsigned sample_cost(const uint8_t *unit, unsigned number)
{
    const size_t stride = filters[number].stride;
    const unsigned width = filters[number].width;
    unsigned equal = width == 8   ? sample_equal(unit, stride, 8)
                     : width == 4 ? sample_equal(unit, stride, 4)
                                  : sample_equal(unit, stride, 1);
    return SAMPLE - equal + (unsigned)stride; /* every plane starts a run of its own */
}

static unsigned filter_choose(const uint8_t *unit)
{
    unsigned best = 0;
    unsigned cost_least = UINT32_MAX;
    for (unsigned i = 0; i < FILTERS; i++) {
        unsigned cost = sample_cost(unit, i);
        if (cost < cost_least) {
            cost_least = cost;
            best = i;
        }
    }
    return best;
}

/* The differences of a unit; the last vector may overlap the one before. */
INLINE void differences_of(const uint8_t *unit, size_t stride, unsigned width, uint8_t *out)
{
    for (size_t i = stride; i < UNIT; i += VECTOR) {
        size_t at = i + VECTOR <= UNIT ? i : UNIT - VECTOR;
        store_vector(out + at, difference(unit + at, stride, width));
    }
}

static void differences_take(const uint8_t *unit, struct filter filter, uint8_t *out)
{
    memcpy(out, unit, filter.stride);
    if (filter.width == 8)
        differences_of(unit, filter.stride, 8, out);
    else if (filter.width == 4)
        differences_of(unit, filter.stride, 4, out);
    else
        differences_of(unit, filter.stride, 1, out);
}

/* ---- planes: all first bytes of the records, all second ones, ... */

#ifdef __clang__
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vector){__VA_ARGS__})
#endif

INLINE vector mix_low(vector a, vector b)
{
    return SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

INLINE vector mix_high(vector a, vector b)
{
    return SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/* A byte's place among the 128 of eight vectors is a number of seven bits: this
 * rotates it by one to the left.  By four it turns 16 rows of 8 bytes into 8
 * planes of 16, by the other three it turns them back. */
INLINE void mix(vector v[LANES])
{
    const vector w[LANES / 2] = {v[0], v[1], v[2], v[3]}, x[LANES / 2] = {v[4], v[5], v[6], v[7]};
    v[0] = mix_low(w[0], x[0]);
    v[1] = mix_high(w[0], x[0]);
    v[2] = mix_low(w[1], x[1]);
    v[3] = mix_high(w[1], x[1]);
    v[4] = mix_low(w[2], x[2]);
    v[5] = mix_high(w[2], x[2]);
    v[6] = mix_low(w[3], x[3]);
    v[7] = mix_high(w[3], x[3]);
}

/* 16 rows of 8 bytes, `stride` apart, as planes that lie `rows` apart. */
INLINE void rows_to_planes(const uint8_t *from, size_t stride, uint8_t *to, size_t rows, size_t places)
{
    vector v[LANES];
    for (size_t i = 0; i < LANES; i++)
        v[i] = (vector)(vector_words){load64(from + 2 * i * stride), load64(from + (2 * i + 1) * stride)};
    for (int round = 0; round < 4; round++)
        mix(v);
    for (size_t i = 0; i < places; i++)
        store_vector(to + i * rows, v[i]);
}

INLINE void planes_to_rows(const uint8_t *from, size_t rows, size_t places, uint8_t *to, size_t stride)
{
    vector v[LANES];
    for (size_t i = 0; i < LANES; i++)
        v[i] = load_vector(from + (i < places ? i : 0) * rows);
    for (int round = 0; round < 3; round++)
        mix(v);
    for (size_t i = 0; i < LANES; i++) { /* where rows are shorter than 8 bytes, the next one overwrites */
        const vector_words pair = (vector_words)v[i];
        const uint64_t first = pair[0], second = pair[1];
        memcpy(to + 2 * i * stride, &first, sizeof first);
        memcpy(to + (2 * i + 1) * stride, &second, sizeof second);
    }
}

/* Between records and planes, to the one or the other.  The last step of rows or
 * of places overlaps the one before; `records` has LANES bytes more than a unit.
 * What is left at the end of a unit stays. */
static void transpose(uint8_t *records, size_t stride, uint8_t *planes, bool to_planes)
{
    const size_t rows = UNIT / stride, left = UNIT - rows * stride;
    const size_t places = stride < LANES ? stride : LANES;
    for (size_t i = 0; i < stride; i += LANES) {
        size_t place = i + places <= stride ? i : stride - places;
        for (size_t j = 0; j < rows; j += VECTOR) {
            size_t row = j + VECTOR <= rows ? j : rows - VECTOR;
            uint8_t *record = records + row * stride + place, *plane = planes + place * rows + row;
            if (to_planes)
                rows_to_planes(record, stride, plane, rows, places);
            else
                planes_to_rows(plane, rows, places, record, stride);
        }
    }
    if (to_planes)
        memcpy(planes + rows * stride, records + rows * stride, left);
    else
        memcpy(records + rows * stride, planes + rows * stride, left);
}

/* ---- runs */

enum { WORDS = UNIT / 64, EDGES = UNIT / RUN_LEAST * 2 + 2 };

#ifndef __SSE2__
/* A bit for each of eight bytes that is the same as the one behind it. */
static uint64_t equal_bits(const uint8_t *bytes)
{
    const uint64_t most = UINT64_C(0x7f7f7f7f7f7f7f7f);
    const uint64_t differ = load64(bytes) ^ load64(bytes + 1);
    const uint64_t equal = ~(((differ & most) + most) | differ | most) >> 7; /* a one in each byte */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return equal * UINT64_C(0x0102040810204080) >> 56;
#else
    return equal * UINT64_C(0x8040201008040201) >> 56;
#endif
}
#endif

/* Bit i of `equal`: byte i is as the one behind it.  `bytes` has VECTOR bytes
 * more than a unit; the last bit is 0. */
static void equal_take(const uint8_t *bytes, uint64_t equal[WORDS])
{
    for (size_t word = 0; word < WORDS; word++) {
        uint64_t bits = 0;
#ifdef __SSE2__
        for (unsigned i = 0; i < 64; i += VECTOR, bytes += VECTOR) {
            typedef char signs __attribute__((vector_size(VECTOR)));
            signs same = (signs)(load_vector(bytes) == load_vector(bytes + 1));
            bits |= (uint64_t)(uint32_t)__builtin_ia32_pmovmskb128(same) << i;
        }
#else
        for (unsigned i = 0; i < 64; i += 8, bytes += 8)
            bits |= equal_bits(bytes) << i;
#endif
        equal[word] = bits;
    }
    equal[WORDS - 1] &= UINT64_MAX >> 1;
}

/* Where runs of three and more start and end, by turns.  Written down first,
 * for whoever looks for one run after the other guesses wrong several times a run. */
static size_t runs_find(const uint64_t equal[WORDS], uint16_t edges[EDGES])
{
    size_t count = 0;
    uint64_t before = 0;
    for (size_t word = 0; word < WORDS; word++) {
        uint64_t next = word + 1 < WORDS ? equal[word + 1] : 0;
        uint64_t three = equal[word] & (equal[word] >> 1 | next << 63); /* from here on three are equal */
        for (uint64_t turns = three ^ (three << 1 | before); turns != 0; turns &= turns - 1) {
            size_t at = word * 64 + (size_t)__builtin_ctzll(turns);
            edges[count] = (uint16_t)(at + (count & 1) * (RUN_LEAST - 1));
            count++;
        }
        before = three >> 63;
    }
    return count;
}

/* Copies in whole vectors: up to VECTOR - 1 bytes more than `count` are read and written. */
INLINE void copy_over(uint8_t *to, const uint8_t *from, size_t count)
{
    for (size_t i = 0; i < count; i += VECTOR)
        store_vector(to + i, load_vector(from + i));
}

/* A control byte below 128: as many bytes and one more follow as they are;
 * from 128 on: the next byte stands for a run.  0: not shorter than the unit.
 * Both sides have VECTOR bytes more than a unit. */
static size_t runs_write(const uint8_t *bytes, uint8_t *out)
{
    uint64_t equal[WORDS];
    uint16_t edges[EDGES];
    size_t length = 0, at = 0;
    equal_take(bytes, equal);
    const size_t edge_count = runs_find(equal, edges);
    for (size_t i = 0; i <= edge_count; i += 2) {
        const size_t start = i < edge_count ? edges[i] : UNIT;
        for (; start - at > LITERAL_MOST && length + LITERAL_MOST + 1 < UNIT; at += LITERAL_MOST) {
            out[length++] = LITERAL_MOST - 1;
            copy_over(out + length, bytes + at, LITERAL_MOST);
            length += LITERAL_MOST;
        }
        const size_t count = start - at;
        if (length + count + 1 >= UNIT)
            return 0;
        out[length] = (uint8_t)(count - 1); /* if there is none, written over */
        copy_over(out + length + 1, bytes + at, count);
        length += count + (count != 0);
        at = start;
        for (size_t left = i < edge_count ? edges[i + 1] - start : 0, run; left >= RUN_LEAST; left -= run, at += run) {
            run = left < RUN_MOST ? left : RUN_MOST;
            if (length + 2 >= UNIT)
                return 0;
            out[length++] = (uint8_t)(128 + run - RUN_LEAST);
            out[length++] = bytes[at];
        }
    }
    return length;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static size_t pack_unit(const uint8_t *unit, uint8_t *out)
{
    uint8_t differences[UNIT + VECTOR];
    uint8_t planes[UNIT + VECTOR];
    uint8_t runs[UNIT + VECTOR];
    if (is_zero(unit, UNIT)) {
        out[0] = UNIT_ZERO;
        return 1;
    }
    unsigned chosen = filter_choose(unit);
    bool single = filters[chosen].stride == 1;
    memset(differences + UNIT, 0, VECTOR);
    memset(planes + UNIT, 0, VECTOR);
    differences_take(unit, filters[chosen], differences);
    if (!single)
        transpose(differences, filters[chosen].stride, planes, true);
    size_t length = runs_write(single ? differences : planes, runs);
    out[0] = (uint8_t)(UNIT_FILTERS + chosen);
    if (length == 0) {
        out[0] = UNIT_RAW;
        length = UNIT;
        memcpy(out + 1, unit, length);
    } else {
        memcpy(out + 1, runs, length);
    }
    return length + 1;
}

size_t pack_block(const uint8_t *block, uint8_t *out)
{
    if (is_zero(block, PACK_BLOCK))
        return 0;
    size_t length = pack_unit(block, out);
    return length + pack_unit(block + UNIT, out + length);
}

/* The end of what was read, or NULL.  `planes` has VECTOR bytes more than a unit. */
static const uint8_t *runs_read(const uint8_t *at, const uint8_t *end, uint8_t *planes)
{
    size_t length = 0;
    while (length < UNIT) {
        if (end - at < 2)
            return NULL;
        size_t control = *at++;
        size_t count = control < 128 ? control + 1 : control - 128 + RUN_LEAST;
        size_t taken = control < 128 ? count : 1;
        if (count > UNIT - length || taken > (size_t)(end - at))
            return NULL;
        if (control >= 128) {
            const vector value = (vector){0} + *at;
            for (size_t i = 0; i < count; i += VECTOR)
                store_vector(planes + length + i, value);
        } else if ((size_t)(end - at) >= count + VECTOR) {
            copy_over(planes + length, at, count);
        } else {
            memcpy(planes + length, at, count);
        }
        at += taken;
        length += count;
    }
    return at;
}

/* Sums of bytes one stride apart: a row at a time, of which a vector holds the
 * start; what it holds beyond, the next row overwrites. */
static void restore_bytes(const uint8_t *differences, size_t stride, uint8_t *unit)
{
    vector row = {0};
    size_t at = 0;
    for (; stride <= VECTOR && at + VECTOR <= UNIT; at += stride) {
        row += load_vector(differences + at);
        store_vector(unit + at, row);
    }
    if (at == 0)
        memcpy(unit, differences, at = stride);
    for (; at < UNIT; at++)
        unit[at] = (uint8_t)(unit[at - stride] + differences[at]);
}

/* Sums of whole words; their strides divide a unit. */
static void restore_words(const uint8_t *differences, struct filter filter, uint8_t *unit)
{
    const size_t stride = filter.stride;
    memcpy(unit, differences, stride);
    for (size_t i = stride; i < UNIT && filter.width == 8; i += 8) {
        uint64_t word = load64(differences + i) + load64(unit + i - stride);
        memcpy(unit + i, &word, sizeof word);
    }
    for (size_t i = stride; i < UNIT && filter.width == 4; i += 4) {
        uint32_t word, before;
        memcpy(&word, differences + i, sizeof word);
        memcpy(&before, unit + i - stride, sizeof before);
        word += before;
        memcpy(unit + i, &word, sizeof word);
    }
}

static const uint8_t *unpack_unit(const uint8_t *at, const uint8_t *end, uint8_t *unit)
{
    uint8_t planes[UNIT + VECTOR];
    uint8_t differences[UNIT + VECTOR];
    if (at == end)
        return NULL;
    unsigned what = *at++;
    if (what == UNIT_ZERO) {
        memset(unit, 0, UNIT);
        return at;
    }
    if (what == UNIT_RAW) {
        if (end - at < UNIT)
            return NULL;
        memcpy(unit, at, UNIT);
        return at + UNIT;
    }
    if (what - UNIT_FILTERS >= FILTERS)
        return NULL;
    at = runs_read(at, end, planes);
    struct filter filter = filters[what - UNIT_FILTERS];
    if (at == NULL)
        return NULL;
    if (filter.stride > 1)
        transpose(differences, filter.stride, planes, false);
    if (filter.width == 1)
        restore_bytes(filter.stride > 1 ? differences : planes, filter.stride, unit);
    else
        restore_words(differences, filter, unit);
    return at;
}

bool unpack_block(const uint8_t *packed, size_t length, uint8_t *block)
{
    if (length == 0) {
        memset(block, 0, PACK_BLOCK);
        return true;
    }
    const uint8_t *end = packed + length;
    const uint8_t *at = unpack_unit(packed, end, block);
    if (at != NULL)
        at = unpack_unit(at, end, block + UNIT);
    return at == end;
}
