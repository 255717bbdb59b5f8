/* hash: from a 64-bit hash to the record numbers that carry it; open
 * addressing over 8-byte slots (32-bit fingerprint, 32-bit number), kept in
 * fingerprint order so that the table grows in place and a search ends early;
 * linear probing, backward-shift deletion, load at most 3/4.  Duplicates are
 * allowed: the caller checks each candidate against the record itself. */
#ifndef STORE_HASH_H
#define STORE_HASH_H

#include "store/arena.h"

uint64_t hash_create(struct arena *arena); /* 0: out of memory */
bool hash_reserve(struct arena *arena, uint64_t table, uint64_t count);
/* A pair may be put in more than once; each removal then takes one. */
bool hash_insert(struct arena *arena, uint64_t table, uint64_t hash, uint32_t number);
/* Removes that pair; false when it is not there (or damaged). */
bool hash_remove(struct arena *arena, uint64_t table, uint64_t hash, uint32_t number);
uint64_t hash_count(struct arena *arena, uint64_t table);

/* Stays good while the table is not changed.  The fields are the module's own. */
struct hash_cursor {
    uint64_t slot;
    uint64_t hash;
    uint64_t left;
    const uint64_t *at; /* slots that lie side by side from `slot` on */
    uint32_t run;
    bool spilled;
};
/* Candidates with that hash, one a call, in order of their numbers; false when
 * there are no more (then arena->damaged tells whether that is the truth). */
void hash_find(struct arena *arena, uint64_t table, uint64_t hash, struct hash_cursor *cursor);
bool hash_next_slow(struct arena *arena, uint64_t table, struct hash_cursor *cursor, uint32_t *number);
static inline bool hash_next(struct arena *arena, uint64_t table, struct hash_cursor *cursor, uint32_t *number)
{
    while (cursor->run > 0) {
        uint64_t value = *cursor->at;
        if (value == 0 || value >> 32 > cursor->hash) {
            cursor->run = 0;
            cursor->left = 1; /* no slot is left, only the overflow */
            break;
        }
        cursor->at++;
        cursor->run--;
        cursor->slot++;
        cursor->left--;
        if (value >> 32 == cursor->hash) {
            *number = (uint32_t)value;
            return true;
        }
    }
    return (cursor->left > 1 || cursor->spilled) && hash_next_slow(arena, table, cursor, number);
}
/* Starts fetching the slot of `hash` into the cache. */
void hash_prefetch(struct arena *arena, uint64_t table, uint64_t hash);
/* Checks order and counts.  For `verify`. */
bool hash_verify(struct arena *arena, uint64_t table);
void hash_free(struct arena *arena, uint64_t table);

#endif
