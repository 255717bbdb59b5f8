/* cadence: how often each customer buys, how long it has been silent, and what
 * that says of its stage.  Pure arithmetic over days; docs/LIFECYCLE.md has the
 * formulas with their sources and reasons.
 *
 * Events of one customer on one day are one occasion.  A customer is a slot, a
 * small number of the caller's.
 */
#ifndef CRM_CADENCE_H
#define CRM_CADENCE_H

#include "sys/memory.h"

/* Occasions, as they are met, then sorted by customer and day. */
struct occasions {
    const struct memory *memory;
    struct occasion {
        uint32_t slot;
        int32_t day;
    } * list;
    size_t count;
    size_t capacity;
    uint32_t slots;
    uint32_t *first; /* slots + 1 places in `days` */
    int32_t *days;   /* ascending and distinct within a slot */
};

void occasions_init(struct occasions *occasions, const struct memory *memory, uint32_t slots);
void occasions_free(struct occasions *occasions);
/* False when out of memory or the slot is not below `slots`. */
bool occasions_add(struct occasions *occasions, uint32_t slot, int32_t day);
/* Sorts; `first` and `days` are good from here on.  False when out of memory. */
bool occasions_sort(struct occasions *occasions);
/* Sorts ascending, in place, n log n whatever the order. */
void days_sort(int32_t *days, size_t count);
static inline uint32_t occasions_of(const struct occasions *occasions, uint32_t slot)
{
    return occasions->first[slot + 1] - occasions->first[slot];
}

/* What is known of all customers together. */
struct population {
    uint64_t gaps;    /* between two occasions of one customer; 0: nothing is known */
    double mean_days; /* of them */
    double prior;     /* how many own gaps weigh as much as that mean: the credibility constant */
};
void population_estimate(struct population *population, const struct occasions *occasions);

/* What is known of one. */
struct cadence {
    uint32_t occasions;
    uint32_t run;       /* of them since the last silence that was as long as a churned customer's */
    int32_t silence;    /* days since the last */
    int32_t away;       /* days of the silence that the run ended; 0: there was none */
    double gap_days;    /* its usual gap: own mean and everybody's, weighed by credibility */
    double credibility; /* of its own gaps in this run: 0 to 1 */
};
/* The customer must have an occasion, none later than `today`. */
void cadence_of(struct cadence *cadence, const struct population *population, const struct occasions *occasions,
                uint32_t slot, int32_t today);

/* The stage that the cadence speaks for, in that lifecycle table. */
int64_t cadence_stage(const struct cadence *cadence, int32_t table);

enum { CADENCE_TEXT = 160 };
/* "no purchase for 94 days; usual gap 21 days; 4.5 times".  `noun` is "purchase" or "contact". */
void cadence_evidence(const struct cadence *cadence, const char *noun, char out[CADENCE_TEXT]);

#endif
