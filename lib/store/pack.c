/* pack: difference, transpose, count runs.
 *
 * Which distance suits a half block is found by trying all on a sample and
 * counting how many bytes differ from their neighbour once transposed, which is
 * nearly what the runs will cost.  The trials work on sixteen bytes at a time
 * with the compiler's vectors, which every processor's basic instructions carry
 * out.
 *
 * Measured on the image of 100,000 customers and 1,000,000 interactions: 35 % of
 * its size at 800 MB/s, where LZ4's method leaves 51 %, and zlib at its fastest
 * 37 % at 72 MB/s.
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
    VECTOR = 16
};

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

static vector load_vector(const uint8_t *bytes)
{
    vector result;
    memcpy(&result, bytes, sizeof result);
    return result;
}

/* The differences at `at`, of which the bytes one stride before exist. */
static vector difference(const uint8_t *at, struct filter filter)
{
    vector here = load_vector(at);
    vector before = load_vector(at - filter.stride);
    if (filter.width == 8)
        return (vector)((vector_words)here - (vector_words)before);
    if (filter.width == 4)
        return (vector)((vector_halves)here - (vector_halves)before);
    return here - before;
}

/* How many differences in the sample are not those of one stride before. */
static unsigned sample_cost(const uint8_t *unit, struct filter filter)
{
    vector equal = {0};
    const uint8_t *end = unit + SAMPLE_AT + SAMPLE;
    for (const uint8_t *at = unit + SAMPLE_AT; at < end; at += VECTOR) {
        vector same = (vector)(difference(at, filter) == difference(at - filter.stride, filter));
        equal -= same; /* each lane counts; 16 steps do not overflow it */
    }
    unsigned count = 0;
    for (unsigned lane = 0; lane < VECTOR; lane++)
        count += equal[lane];
    return SAMPLE - count + filter.stride; /* every plane starts a run of its own */
}

static unsigned filter_choose(const uint8_t *unit)
{
    unsigned best = 0;
    unsigned cost_least = UINT32_MAX;
    for (unsigned i = 0; i < FILTERS; i++) {
        unsigned cost = sample_cost(unit, filters[i]);
        if (cost < cost_least) {
            cost_least = cost;
            best = i;
        }
    }
    return best;
}

/* The differences of a unit; the last vector may overlap the one before. */
static void differences_take(const uint8_t *unit, struct filter filter, uint8_t *out)
{
    memcpy(out, unit, filter.stride);
    for (size_t i = filter.stride; i < UNIT; i += VECTOR) {
        size_t at = i + VECTOR <= UNIT ? i : UNIT - VECTOR;
        vector taken = difference(unit + at, filter);
        memcpy(out + at, &taken, sizeof taken);
    }
}

/* All first bytes of the records, all second ones, ...; what is left at the end stays. */
static void transpose(const uint8_t *records, size_t stride, uint8_t *planes)
{
    size_t rows = UNIT / stride;
    for (size_t place = 0; place < stride; place++)
        for (size_t row = 0; row < rows; row++)
            *planes++ = records[row * stride + place];
    memcpy(planes, records + rows * stride, UNIT - rows * stride);
}

/* The first place from `at` on where three equal bytes start; UNIT when there is none. */
static size_t run_find(const uint8_t *bytes, size_t at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (; at + 9 <= UNIT; at += 7) {
        uint64_t unequal = load64(bytes + at) ^ load64(bytes + at + 1);
        unequal |= unequal >> 8; /* byte i: i, i + 1 and i + 2 are not all equal; the last one is not known */
        unequal |= UINT64_C(0xff) << 56;
        if (((unequal - ones) & ~unequal & (ones << 7)) != 0)
            break;
    }
    for (; at + 2 < UNIT; at++)
        if (bytes[at] == bytes[at + 1] && bytes[at] == bytes[at + 2])
            return at;
    return UNIT;
}

static size_t run_length(const uint8_t *bytes, size_t at)
{
    size_t end = at + RUN_LEAST;
    size_t most = at + RUN_MOST < UNIT ? at + RUN_MOST : UNIT;
    while (end < most && bytes[end] == bytes[at])
        end++;
    return end - at;
}

/* A control byte below 128: as many bytes and one more follow as they are;
 * from 128 on: the next byte stands for a run.  0: not shorter than the unit. */
static size_t runs_write(const uint8_t *bytes, uint8_t *out)
{
    size_t length = 0;
    for (size_t at = 0; at < UNIT;) {
        size_t run = run_find(bytes, at);
        for (; at < run;) {
            size_t count = run - at < LITERAL_MOST ? run - at : LITERAL_MOST;
            if (length + count + 1 >= UNIT)
                return 0;
            out[length++] = (uint8_t)(count - 1);
            memcpy(out + length, bytes + at, count);
            length += count;
            at += count;
        }
        if (at == UNIT)
            break;
        if (length + 2 >= UNIT)
            return 0;
        size_t count = run_length(bytes, at);
        out[length++] = (uint8_t)(128 + count - RUN_LEAST);
        out[length++] = bytes[at];
        at += count;
    }
    return length;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static size_t pack_unit(const uint8_t *unit, uint8_t *out)
{
    uint8_t differences[UNIT];
    uint8_t planes[UNIT];
    if (is_zero(unit, UNIT)) {
        out[0] = UNIT_ZERO;
        return 1;
    }
    unsigned chosen = filter_choose(unit);
    differences_take(unit, filters[chosen], differences);
    transpose(differences, filters[chosen].stride, planes);
    size_t length = runs_write(planes, out + 1);
    out[0] = (uint8_t)(UNIT_FILTERS + chosen);
    if (length == 0) {
        out[0] = UNIT_RAW;
        memcpy(out + 1, unit, UNIT);
        length = UNIT;
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

/* The end of what was read, or NULL. */
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
        if (control < 128)
            memcpy(planes + length, at, count);
        else
            memset(planes + length, *at, count);
        at += taken;
        length += count;
    }
    return at;
}

static void restore_bytes(const uint8_t *planes, size_t stride, uint8_t *unit)
{
    size_t rows = UNIT / stride;
    for (size_t place = 0; place < stride; place++) {
        uint8_t value = 0;
        for (size_t row = 0; row < rows; row++) {
            value = (uint8_t)(value + *planes++);
            unit[row * stride + place] = value;
        }
    }
    for (size_t i = rows * stride; i < UNIT; i++)
        unit[i] = (uint8_t)(unit[i - stride] + *planes++);
}

/* Of whole words; their strides divide a unit. */
static void restore_words(const uint8_t *planes, struct filter filter, uint8_t *unit)
{
    size_t stride = filter.stride;
    size_t rows = UNIT / stride;
    for (size_t place = 0; place < stride; place++)
        for (size_t row = 0; row < rows; row++)
            unit[row * stride + place] = *planes++;
    for (size_t i = stride; i < UNIT && filter.width == 8; i += 8) {
        uint64_t word = load64(unit + i) + load64(unit + i - stride);
        memcpy(unit + i, &word, sizeof word);
    }
    for (size_t i = stride; i < UNIT && filter.width == 4; i += 4) {
        uint32_t word, before;
        memcpy(&word, unit + i, sizeof word);
        memcpy(&before, unit + i - stride, sizeof before);
        word += before;
        memcpy(unit + i, &word, sizeof word);
    }
}

static const uint8_t *unpack_unit(const uint8_t *at, const uint8_t *end, uint8_t *unit)
{
    uint8_t planes[UNIT];
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
    if (at != NULL && filter.width == 1)
        restore_bytes(planes, filter.stride, unit);
    else if (at != NULL)
        restore_words(planes, filter, unit);
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
