/* damage_fixture: a structure of lib/store as it was built, and a way to put it
 * back, to replace the numbers in it by ones that an attacker would choose, and
 * to let its memory run out. */
#ifndef TESTS_DAMAGE_FIXTURE_H
#define TESTS_DAMAGE_FIXTURE_H

#include "store/arena.h"

#include <check.h>

/* ck_assert writes to a file each time, which is too slow for inner loops. */
#define MUST(condition)                     \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

enum { PLACES_MOST = 4096, BLOCKS_MOST = 512, LINKS_MOST = 1024, LINK_HEADER = 32 };

struct place {
    uint64_t at;
    unsigned width; /* bytes of the number that lies there */
};

struct block {
    uint64_t at;
    size_t size;
};

/* A reference from one node to another: 32 bits, an offset / 8. */
struct link {
    uint64_t at, target;
};

struct subject {
    struct arena *arena;
    uint64_t root;
    uint8_t *bytes; /* the arena's */
    uint64_t used, reserved;
    struct place places[PLACES_MOST];
    size_t place_count;
    struct block blocks[BLOCKS_MOST];
    size_t block_count;
    struct link links[LINKS_MOST];
    size_t link_count;
};

/* What is done to a structure, damaged or not. */
typedef void (*act_function)(struct subject *subject);

uint64_t damage_random(uint64_t *state);
uint64_t number_at(const uint8_t *at, unsigned width); /* little endian */

/* An empty arena; whoever builds in it names the places of its numbers and its
 * blocks, and keeps it. */
struct subject *subject_new(void);
void subject_place(struct subject *subject, uint64_t at, unsigned width);
void subject_block(struct subject *subject, uint64_t at, size_t size);
void subject_link(struct subject *subject, uint64_t at, uint64_t target);
void subject_keep(struct subject *subject);
void subject_restore(struct subject *subject); /* as it was kept */
void subject_free(struct subject *subject);

/* Every `step`th number by every hostile one; then, each time anew, every act. */
void damage_numbers(struct subject *subject, const act_function *acts, size_t count, size_t step);
/* What a reference leads to seems to lie across the start of another block: its
 * header is copied to there, and the reference changed. */
void damage_overlaps(struct subject *subject, const act_function *acts, size_t count, size_t step);
/* Blocks that are in use, or lie across the start of one that is, stand on the
 * free lists of all sizes that nodes have. */
void damage_free_lists(struct subject *subject, const act_function *acts, size_t count, size_t step);
/* As it was kept, in an arena that may grow by `room` bytes and no more. */
void subject_run_short(struct subject *subject, uint64_t room);
/* The act, with an allocator that grants `granted` requests and no more. */
void subject_starve(struct subject *subject, act_function act, int granted);

#endif
