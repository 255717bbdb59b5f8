/* damage_fixture: see damage_fixture.h. */
#include "damage_fixture.h"

#include <stdlib.h>
#include <string.h>

uint64_t damage_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 31);
}

void subject_place(struct subject *subject, uint64_t at, unsigned width)
{
    MUST(subject->place_count < PLACES_MOST);
    subject->places[subject->place_count++] = (struct place){at, width};
}

void subject_block(struct subject *subject, uint64_t at, size_t size)
{
    MUST(subject->block_count < BLOCKS_MOST);
    subject->blocks[subject->block_count++] = (struct block){at, size};
}

struct subject *subject_new(void)
{
    struct subject *subject = calloc(1, sizeof *subject);
    MUST(subject != NULL && arena_create(memory_default(), &subject->arena, NULL) == CRM_OK);
    return subject;
}

void subject_link(struct subject *subject, uint64_t at, uint64_t target)
{
    MUST(subject->link_count < LINKS_MOST);
    subject->links[subject->link_count++] = (struct link){at, target};
}

void subject_keep(struct subject *subject)
{
    subject->used = subject->arena->used;
    subject->reserved = subject->arena->reserved;
    subject->bytes = malloc(subject->used);
    MUST(subject->bytes != NULL);
    memcpy(subject->bytes, subject->arena->base, subject->used);
}

void subject_restore(struct subject *subject)
{
    struct arena *arena = subject->arena;
    memcpy(arena->base, subject->bytes, subject->used);
    if (arena->used > subject->used) /* what the arena grows into is zero */
        memset(arena->base + subject->used, 0, arena->used - subject->used);
    arena->used = subject->used;
    arena->reserved = subject->reserved;
    arena->damaged = false;
}

void subject_free(struct subject *subject)
{
    arena_free(subject->arena);
    free(subject->bytes);
    free(subject);
}

uint64_t number_at(const uint8_t *at, unsigned width)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < width; i++)
        number |= (uint64_t)at[i] << (8 * i);
    return number;
}

static void number_put(uint8_t *at, unsigned width, uint64_t number)
{
    for (unsigned i = 0; i < width; i++)
        at[i] = (uint8_t)(number >> (8 * i));
}

/* What an attacker would write where `old` stands; false: no more. */
static bool hostile(const struct subject *subject, uint64_t old, unsigned width, size_t which, uint64_t *value)
{
    static const uint64_t usual[] = {0, 1, 2, 7, UINT64_MAX, UINT64_MAX / 2, 1001, 65535};
    size_t count = sizeof usual / sizeof *usual;
    if (which < count) {
        *value = usual[which];
    } else if (which < count + 3) {
        *value = which == count ? old + 1 : which == count + 1 ? old - 1 : old ^ 4;
    } else {
        size_t block = (which - count - 3) / 2;
        size_t step = subject->block_count < 16 ? 1 : subject->block_count / 6;
        if (width < 4 || block * step >= subject->block_count)
            return false;
        uint64_t offset = subject->blocks[block * step].at;
        *value = which % 2 ? offset : offset / 8; /* as an offset, and as a tree's reference */
    }
    return true;
}

/* Nothing may be written behind what the arena has handed out. */
static void perform(struct subject *subject, act_function act)
{
    struct arena *arena = subject->arena;
    act(subject);
    uint64_t behind = arena->committed - arena->used < 16384 ? arena->committed - arena->used : 16384;
    const uint8_t *bytes = arena->base + arena->used;
    MUST(behind == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)behind - 1) == 0));
}

void damage_numbers(struct subject *subject, const act_function *acts, size_t count, size_t step)
{
    for (size_t p = 0; p < subject->place_count; p += step) {
        const struct place *place = &subject->places[p];
        uint64_t old = number_at(subject->bytes + place->at, place->width), value;
        for (size_t which = 0; hostile(subject, old, place->width, which, &value); which++) {
            for (size_t a = 0; a < count; a++) {
                subject_restore(subject);
                number_put(subject->arena->base + place->at, place->width, value);
                perform(subject, acts[a]);
            }
        }
    }
}

static const int64_t across[] = {32, 48, 64, 1024, -16};
enum { ACROSS = sizeof across / sizeof *across };

void damage_overlaps(struct subject *subject, const act_function *acts, size_t count, size_t step)
{
    for (size_t l = 0; l < subject->link_count; l += step) {
        const struct link *link = &subject->links[l];
        for (size_t b = 0; b < subject->block_count * ACROSS; b++) {
            uint64_t at = subject->blocks[b / ACROSS].at - (uint64_t)across[b % ACROSS];
            for (size_t a = 0; a < count; a++) {
                subject_restore(subject);
                memcpy(subject->arena->base + at, subject->bytes + link->target, LINK_HEADER);
                number_put(subject->arena->base + link->at, 4, at / 8);
                perform(subject, acts[a]);
            }
        }
    }
}

static void list_free(struct subject *subject, uint64_t at, size_t size, const act_function *acts, size_t count)
{
    for (size_t a = 0; a < count; a++) {
        subject_restore(subject);
        arena_release(subject->arena, at, size);
        memcpy(subject->arena->base + at, subject->bytes + at, size); /* but not as if it were free */
        perform(subject, acts[a]);
    }
}

void damage_free_lists(struct subject *subject, const act_function *acts, size_t count, size_t step)
{
    for (size_t b = 0; b < subject->block_count; b += step) {
        for (size_t size = 128; size <= 4096; size *= 2) {
            for (size_t i = 0; i <= ACROSS; i++) {
                uint64_t at = subject->blocks[b].at - (uint64_t)(i == ACROSS ? 0 : across[i]);
                if (at + size <= subject->used)
                    list_free(subject, at, size, acts, count);
            }
        }
    }
}

void subject_run_short(struct subject *subject, uint64_t room)
{
    subject_restore(subject);
    memset(subject->arena->base + 16, 0, 24);                    /* no free block is known */
    subject->arena->reserved = subject->used + (1 << 17) + room; /* and the margin that it keeps */
}

static void *grant(void *context, void *old, size_t size)
{
    int *granted = context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return --*granted < 0 ? NULL : realloc(old, size);
}

void subject_starve(struct subject *subject, act_function act, int granted)
{
    const struct memory *usual = subject->arena->memory;
    const struct memory scarce = {grant, &granted};
    subject_restore(subject);
    subject->arena->memory = &scarce;
    act(subject);
    subject->arena->memory = usual;
}
