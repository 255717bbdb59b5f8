/* rot_cases: flipped bits, cuts at every length, frames in the wrong order or
 * number, as they are and as an attacker would chain them, and images that are
 * not this log's.
 *
 * What must come of a log is reckoned from docs/FORMAT.md, "Where the log ends":
 * the frames that are good in their place, and whether what follows proves that
 * more had been on disk.
 */
#include "rot.h"

#include <stdlib.h>
#include <string.h>

enum { DAMAGED_BASES = BASE_OTHER /* the first ones; the last is there to be foreign */ };

static const char *how_text(int how)
{
    static const char *const texts[] = {"reading, no image", "writing, no image", "reading, image", "writing, image"};
    return texts[how & (ROT_WRITING | ROT_IMAGE)];
}

/* ---- what docs/FORMAT.md says ---- */

/* Whether a frame at or after place `from` of the order says that what follows
 * the first `state` frames had been on disk. */
static bool proves(const struct base *base, const size_t *order, size_t from, size_t count, size_t state)
{
    uint64_t last = state == 0 ? 0 : base->frames[state - 1].lsn;
    for (size_t i = from; i < count; i++) {
        const struct rot_frame *frame = &base->frames[order[i]];
        if (frame->durable > last || (frame->base && i > from))
            return true;
    }
    return base->frames[0].base && state == 0;
}

static size_t frame_at(const struct base *base, size_t offset)
{
    size_t i = 0;
    while (i < base->frame_count && base_end(base, i + 1) <= offset)
        i++;
    return i;
}

/* ---- flipped bits ---- */

static uint64_t bits_of(const struct rot *rot, bool image)
{
    uint64_t bits = 0;
    for (int i = 0; i < DAMAGED_BASES; i++)
        bits += 8 * (uint64_t)(image ? rot->bases[i].image_size : rot->bases[i].log_size);
    return bits;
}

static uint64_t count_log_flips(const struct rot *rot)
{
    return bits_of(rot, false) * ROT_MODES;
}

static void run_log_flip(struct rot *rot, uint64_t index)
{
    int how = (int)(index % ROT_MODES);
    uint64_t bit = index / ROT_MODES;
    struct base *base = rot->bases;
    size_t order[ROT_FRAMES_MOST];
    for (; bit >= 8 * base->log_size; base++)
        bit -= 8 * base->log_size;
    size_t at = (size_t)(bit / 8), frame = frame_at(base, at);
    struct damage damage = {.base = base, .log = base->log, .log_size = base->log_size, .state = SIZE_MAX};
    for (size_t i = 0; i < base->frame_count; i++)
        order[i] = i;
    if (at >= ROT_FRAMES_START) {
        damage.state = frame;
        damage.writing = proves(base, order, frame + 1, base->frame_count, frame) ? ROT_REFUSED : ROT_OPENED;
    } else if (at >= ROT_HEADER_PAGE) { /* the control page: nobody has the file open, it means nothing */
        damage.clean = true;
        damage.state = base->frame_count;
        damage.writing = ROT_OPENED;
    } else {
        damage.writing = ROT_REFUSED;
    }
    rot_case(rot, "%s, byte %zu, bit %u of the log, %s", base->name, at, (unsigned)(bit % 8), how_text(how));
    base->log[at] ^= (uint8_t)(1 << bit % 8);
    judge_log(rot, &damage, how & ROT_IMAGE ? base->image : NULL, base->image_size, how);
    base->log[at] ^= (uint8_t)(1 << bit % 8);
}

static struct damage sound(const struct base *base)
{
    return (struct damage){.base = base,
                           .log = base->log,
                           .log_size = base->log_size,
                           .clean = true,
                           .state = base->frame_count,
                           .writing = ROT_OPENED};
}

static uint64_t count_image_flips(const struct rot *rot)
{
    return bits_of(rot, true) * 2;
}

static void run_image_flip(struct rot *rot, uint64_t index)
{
    int how = (index % 2 != 0 ? ROT_WRITING : 0) | ROT_IMAGE;
    uint64_t bit = index / 2;
    struct base *base = rot->bases;
    for (; bit >= 8 * base->image_size; base++)
        bit -= 8 * base->image_size;
    size_t at = (size_t)(bit / 8);
    struct damage damage = sound(base);
    rot_case(rot, "%s, byte %zu, bit %u of the image, %s", base->name, at, (unsigned)(bit % 8), how_text(how));
    base->image[at] ^= (uint8_t)(1 << bit % 8);
    judge_image(rot, &damage, base->image, base->image_size, how);
    base->image[at] ^= (uint8_t)(1 << bit % 8);
}

static uint64_t count_forged_flips(const struct rot *rot)
{
    return bits_of(rot, true);
}

static void run_forged_flip(struct rot *rot, uint64_t index)
{
    uint64_t bit = index;
    struct base *base = rot->bases;
    for (; bit >= 8 * base->image_size; base++)
        bit -= 8 * base->image_size;
    size_t at = (size_t)(bit / 8);
    int how = index % 3 == 0 ? ROT_WRITING | ROT_IMAGE : ROT_IMAGE;
    struct damage damage = sound(base);
    uint8_t *image = malloc(base->image_size);
    if (image == NULL)
        abort();
    memcpy(image, base->image, base->image_size);
    image[at] ^= (uint8_t)(1 << bit % 8);
    image_forge(image, base->image_size);
    rot_case(rot, "%s, byte %zu, bit %u of the image, forged, %s", base->name, at, (unsigned)(bit % 8), how_text(how));
    judge_forged_image(rot, &damage, image, base->image_size, how);
    free(image);
}

/* ---- cuts ---- */

static uint64_t count_cuts(const struct rot *rot)
{
    return bits_of(rot, false) / 8 * ROT_MODES;
}

static void run_cut(struct rot *rot, uint64_t index)
{
    int how = (int)(index % ROT_MODES);
    uint64_t length = index / ROT_MODES;
    const struct base *base = rot->bases;
    for (; length >= base->log_size; base++)
        length -= base->log_size;
    struct damage damage = {.base = base, .log = base->log, .log_size = (size_t)length, .state = SIZE_MAX};
    rot_case(rot, "%s, cut to %zu bytes, %s", base->name, damage.log_size, how_text(how));
    if (length < ROT_FRAMES_START) {
        damage.writing = ROT_REFUSED;
    } else {
        damage.state = frame_at(base, damage.log_size);
        bool missing = damage.state == 0 && base->frames[0].base;
        damage.writing = missing ? ROT_REFUSED : ROT_OPENED;
        damage.clean = !missing && length == base_end(base, damage.state);
    }
    damage.anew = damage.state == 0 && damage.writing == ROT_OPENED;
    judge_log(rot, &damage, how & ROT_IMAGE ? base->image : NULL, base->image_size, how);
}

static uint64_t count_image_cuts(const struct rot *rot)
{
    return bits_of(rot, true) / 8 * 2;
}

static void run_image_cut(struct rot *rot, uint64_t index)
{
    int how = (index % 2 != 0 ? ROT_WRITING : 0) | ROT_IMAGE;
    uint64_t length = index / 2;
    const struct base *base = rot->bases;
    for (; length >= base->image_size; base++)
        length -= base->image_size;
    struct damage damage = sound(base);
    rot_case(rot, "%s, image cut to %llu bytes, %s", base->name, (unsigned long long)length, how_text(how));
    judge_image(rot, &damage, base->image, (size_t)length, how);
}

/* ---- frames swapped, dropped, repeated ---- */

enum { SWAP, DROP, REPEAT, ORDERS };

/* Frames i and j change places; frames i to j are gone; i comes again behind j.
 * Returns how many there are then, 0: there is no such case. */
static size_t order_of(const struct base *base, int what, size_t i, size_t j, size_t *order)
{
    size_t count = 0;
    if ((what == SWAP && i >= j) || (what == DROP && i > j) || base->frame_count + 1 > ROT_FRAMES_MOST)
        return 0;
    for (size_t frame = 0; frame < base->frame_count; frame++) {
        if (what == DROP && frame >= i && frame <= j)
            continue;
        order[count++] = what != SWAP ? frame : frame == i ? j : frame == j ? i : frame;
        if (what == REPEAT && frame == j)
            order[count++] = i;
    }
    return count;
}

/* The log with its frames in that order; free() it. */
static uint8_t *reorder(const struct base *base, const size_t *order, size_t count, size_t *size)
{
    uint8_t *log = malloc(base->log_size * 2);
    if (log == NULL)
        abort();
    memcpy(log, base->log, ROT_FRAMES_START);
    *size = ROT_FRAMES_START;
    for (size_t i = 0; i < count; i++) {
        const struct rot_frame *frame = &base->frames[order[i]];
        memcpy(log + *size, base->log + frame->offset, frame->length);
        *size += frame->length;
    }
    return log;
}

struct reordered {
    const struct base *base;
    int how;
    size_t order[ROT_FRAMES_MOST], count;
};

static uint64_t count_orders(const struct rot *rot)
{
    uint64_t count = 0;
    for (int i = 0; i < DAMAGED_BASES; i++)
        count += ORDERS * (uint64_t)(rot->bases[i].frame_count * rot->bases[i].frame_count);
    return count * ROT_MODES;
}

static bool find_order(struct rot *rot, uint64_t index, const char *chained, struct reordered *out)
{
    static const char *const verbs[] = {"swapped with", "gone up to", "repeated behind"};
    out->how = (int)(index % ROT_MODES);
    index /= ROT_MODES;
    const struct base *base = rot->bases;
    for (; index >= ORDERS * (uint64_t)(base->frame_count * base->frame_count); base++)
        index -= ORDERS * (uint64_t)(base->frame_count * base->frame_count);
    int what = (int)(index % ORDERS);
    size_t i = (size_t)(index / ORDERS) / base->frame_count, j = (size_t)(index / ORDERS) % base->frame_count;
    out->base = base;
    out->count = order_of(base, what, i, j, out->order);
    rot_case(rot, "%s, frame %zu %s %zu%s, %s", base->name, i, verbs[what], j, chained, how_text(out->how));
    return out->count > 0;
}

static void run_order(struct rot *rot, uint64_t index)
{
    struct reordered found;
    size_t size, good = 0;
    if (!find_order(rot, index, "", &found))
        return;
    const struct base *base = found.base;
    while (good < found.count && good < base->frame_count && found.order[good] == good)
        good++;
    uint8_t *log = reorder(base, found.order, found.count, &size);
    bool refused = proves(base, found.order, good, found.count, good);
    struct damage damage = {.base = base,
                            .log = log,
                            .log_size = size,
                            .clean = good == found.count && !refused,
                            .state = good,
                            .writing = refused ? ROT_REFUSED : ROT_OPENED};
    judge_log(rot, &damage, found.how & ROT_IMAGE ? base->image : NULL, base->image_size, found.how);
    free(log);
}

static void run_forged_order(struct rot *rot, uint64_t index)
{
    struct reordered found;
    size_t size;
    bool renumber = index % 3 != 0;
    if (!find_order(rot, index, renumber ? ", chained and numbered anew" : ", chained anew", &found))
        return;
    uint8_t *log = reorder(found.base, found.order, found.count, &size);
    rot_chain(log, size, renumber);
    struct damage damage = {.base = found.base, .log = log, .log_size = size, .state = SIZE_MAX};
    judge_forged(rot, &damage, found.how & ROT_IMAGE ? found.base->image : NULL, found.base->image_size, found.how);
    free(log);
}

/* ---- images of something else ---- */

/* Every log, cut behind any of its frames, beside every image: of another
 * database, of another generation, from later, from before, of another past. */
static uint64_t count_images(const struct rot *rot)
{
    uint64_t states = 0;
    for (int i = 0; i < BASE_COUNT; i++)
        states += rot->bases[i].frame_count + 1;
    return states * rot->image_count * 2;
}

static void run_image(struct rot *rot, uint64_t index)
{
    int how = (index % 2 != 0 ? ROT_WRITING : 0) | ROT_IMAGE;
    const struct rot_image *image = &rot->images[index / 2 % rot->image_count];
    uint64_t state = index / 2 / rot->image_count;
    const struct base *base = rot->bases;
    for (; state > base->frame_count; base++)
        state -= base->frame_count + 1;
    if (state == 0) /* nothing was committed, or its base frames are missing */
        return;
    struct damage damage = sound(base);
    damage.log_size = base_end(base, (size_t)state);
    damage.state = (size_t)state;
    rot_case(rot, "%s, %zu frames, beside the image %s, %s", base->name, damage.state, image->name, how_text(how));
    judge_image(rot, &damage, image->bytes, image->size, how);
}

const struct group rot_cases[] = {
    {"flipped bits of the log", count_log_flips, run_log_flip, 350},
    {"flipped bits of the image", count_image_flips, run_image_flip, 150},
    {"flipped bits of the image, forged", count_forged_flips, run_forged_flip, 300},
    {"lengths of the log", count_cuts, run_cut, 100},
    {"lengths of the image", count_image_cuts, run_image_cut, 100},
    {"orders of frames", count_orders, run_order, 10},
    {"orders of frames, forged", count_orders, run_forged_order, 10},
    {"images of something else", count_images, run_image, 5},
};
const size_t rot_cases_count = sizeof rot_cases / sizeof *rot_cases;
