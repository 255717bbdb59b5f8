/* linear_self.c: the search on trial, before its verdicts count.
 *
 * Histories made by hand, whose verdict is argued beside each; and random ones
 * of an object that is simulated, some with one answer or one time forged:
 * what was not forged has an order by construction, and on all the search must
 * agree with the trying of every permutation, which shares only the model.
 */
#include "linear_search.h"
#include "stress.h"

#include <string.h>

/* ---- by hand ---- */

struct example {
    const char *why;
    bool linearizable;
    size_t count;
    struct operation operations[4];
};

/* Before each: registers hold 1, 2, 3, all of version 1, nobody has an
 * address, both deals are in stage 0, and 10 transactions are done. */
static const struct model start = {.lsn = 10, .version = {1, 1, 1}, .value = {1, 2, 3}};

#define TIME(from, to) .invoked = (from), .responded = (to)

static const struct example examples[] = {
    {"a read after a write returned has to see it: 1..2 < 3..4, so the only order is set, read, and then 1 is wrong",
     false,
     2,
     {{TIME(1, 2), .what = SET, .value = 7}, {TIME(3, 4), .what = READ, .seen = {1, 2, 3}, .thread = 1}}},
    {"a read while the write runs may see what was: read, set",
     true,
     2,
     {{TIME(1, 4), .what = SET, .value = 7}, {TIME(2, 3), .what = READ, .seen = {1, 2, 3}, .thread = 1}}},
    {"or what comes: set, read",
     true,
     2,
     {{TIME(1, 4), .what = SET, .value = 7}, {TIME(2, 3), .what = READ, .seen = {7, 2, 3}, .thread = 1}}},
    {"two reads in a row, the later one of the older state: set has to be before the first and after the second",
     false,
     3,
     {{TIME(1, 6), .what = SET, .value = 7},
      {TIME(2, 3), .what = READ, .seen = {7, 2, 3}, .thread = 1},
      {TIME(4, 5), .what = READ, .seen = {1, 2, 3}, .thread = 2}}},
    {"half of a transaction: no order has register 0 at 7 and register 1 at 2, since set moves both",
     false,
     2,
     {{TIME(1, 4), .what = SET, .other = 1, .value = 7}, {TIME(2, 3), .what = READ, .seen = {7, 2, 3}, .thread = 1}}},
    {"two writes and two readers who disagree on their order (the cross of two independent writes): the first reader "
     "says a before b, the second b before a",
     false,
     4,
     {{TIME(1, 8), .what = SET, .target = 0, .other = 0, .value = 7},
      {TIME(1, 8), .what = SET, .target = 1, .other = 1, .value = 8, .thread = 1},
      {TIME(2, 7), .what = READ, .seen = {7, 2, 3}, .thread = 2},
      {TIME(2, 7), .what = READ, .seen = {1, 8, 3}, .thread = 3}}},
    {"a lost update: both exchanges found 1, but whichever is second finds what the first put",
     false,
     2,
     {{TIME(1, 4), .what = EXCHANGE, .value = 7, .seen = {1}},
      {TIME(2, 3), .what = EXCHANGE, .value = 8, .seen = {1}, .thread = 1}}},
    {"no lost update: 1 -> 7 -> 8",
     true,
     2,
     {{TIME(1, 4), .what = EXCHANGE, .value = 7, .seen = {1}},
      {TIME(2, 3), .what = EXCHANGE, .value = 8, .seen = {7}, .thread = 1}}},
    {"both compare-and-sets of version 1 succeed: after the first the version is 2",
     false,
     2,
     {{TIME(1, 4), .what = COMPARE, .expected = 1, .value = 7},
      {TIME(2, 3), .what = COMPARE, .expected = 1, .value = 8, .thread = 1}}},
    {"one of them is refused: set to 7, version 2, conflict",
     true,
     2,
     {{TIME(1, 4), .what = COMPARE, .expected = 1, .value = 7},
      {TIME(2, 3), .what = COMPARE, .expected = 1, .value = 8, .status = CONFLICT, .thread = 1}}},
    {"both are refused though nobody else writes: the first meets version 1",
     false,
     2,
     {{TIME(1, 4), .what = COMPARE, .expected = 1, .value = 7, .status = CONFLICT},
      {TIME(2, 3), .what = COMPARE, .expected = 1, .value = 8, .status = CONFLICT, .thread = 1}}},
    {"two get one address",
     false,
     2,
     {{TIME(1, 4), .what = CLAIM, .value = 7}, {TIME(2, 3), .what = CLAIM, .value = 8, .thread = 1}}},
    {"a refusal because of a claim that a later look does not find: refused says claim first, the look says claim later",
     false,
     3,
     {{TIME(1, 6), .what = CLAIM, .value = 7},
      {TIME(2, 3), .what = CLAIM, .value = 8, .status = DUPLICATE, .thread = 1},
      {TIME(4, 5), .what = LOOK, .seen = {0}, .thread = 1}}},
    {"claim, release, claim: free again in between",
     true,
     3,
     {{TIME(1, 2), .what = CLAIM, .value = 7},
      {TIME(3, 6), .what = RELEASE, .seen = {7}, .thread = 1},
      {TIME(4, 5), .what = CLAIM, .value = 8}}},
    {"counts of a move: 2 deals in stage 0, then one each in 0 and 1; two each never",
     false,
     2,
     {{TIME(1, 4), .what = MOVE, .value = 1}, {TIME(2, 3), .what = COUNT, .seen = {2, 1, 0}, .thread = 1}}},
    {"what was rolled back is seen by nobody: after it as before it",
     true,
     2,
     {{TIME(1, 4), .what = TAKE_BACK, .value = 7, .seen = {1}}, {TIME(2, 3), .what = SUM, .seen = {6}, .thread = 1}}},
    {"the sum with what was rolled back is 7 + 2 + 3 = 12, and no order gives it",
     false,
     2,
     {{TIME(1, 4), .what = TAKE_BACK, .value = 7, .seen = {1}}, {TIME(2, 3), .what = SUM, .seen = {12}, .thread = 1}}},
    {"numbers: the two commits are 11 and 12, and a view at 11 sees the one of them",
     true,
     3,
     {{TIME(1, 6), .what = SET, .target = 0, .other = 0, .value = 7, .lsn = 12},
      {TIME(2, 5), .what = SET, .target = 1, .other = 1, .value = 8, .lsn = 11, .thread = 1},
      {TIME(3, 4), .what = READ, .seen = {1, 8, 3}, .lsn = 11, .thread = 2}}},
    {"a view at 11 that sees the commit that is 12",
     false,
     3,
     {{TIME(1, 6), .what = SET, .target = 0, .other = 0, .value = 7, .lsn = 12},
      {TIME(2, 5), .what = SET, .target = 1, .other = 1, .value = 8, .lsn = 11, .thread = 1},
      {TIME(3, 4), .what = READ, .seen = {7, 2, 3}, .lsn = 11, .thread = 2}}},
};

static uint64_t try_examples(struct stress *stress, struct search *search)
{
    const size_t count = sizeof examples / sizeof examples[0];
    for (size_t i = 0; i < count; i++) {
        struct history history = {.before = start, .count = examples[i].count};
        memcpy(history.operations, examples[i].operations, sizeof examples[i].operations);
        if (search_linearizable(search, &history, NULL) != examples[i].linearizable)
            stress_fail(stress, "the search judges the example wrong: %s", examples[i].why);
        if (permutations_linearizable(&history) != examples[i].linearizable)
            stress_fail(stress, "the permutations judge the example wrong: %s", examples[i].why);
    }
    return count;
}

/* ---- at random ---- */

/* What the simulated object answers, from the same words in which the
 * operations are described; nothing of the model's code. */
static void answer(struct model *object, struct operation *operation)
{
    uint32_t *value = &object->value[operation->target], *holder = &object->holder[operation->target];
    bool change = false, view = false;
    switch (operation->what) {
    case SET:
        change = true; /* values are never given twice */
        if (operation->other != operation->target) {
            object->value[operation->other] = operation->value;
            object->version[operation->other]++;
        }
        *value = operation->value;
        object->version[operation->target]++;
        break;
    case EXCHANGE:
        change = true;
        operation->seen[0] = *value;
        *value = operation->value;
        object->version[operation->target]++;
        break;
    case COMPARE:
        change = object->version[operation->target] == operation->expected;
        operation->status = change ? FINE : CONFLICT;
        if (change) {
            *value = operation->value;
            object->version[operation->target]++;
        }
        break;
    case READ:
        view = true;
        memcpy(operation->seen, object->value, sizeof object->value);
        memcpy(operation->versions, object->version, sizeof object->version);
        break;
    case CLAIM:
        change = *holder == 0;
        operation->status = change ? FINE : DUPLICATE;
        *holder = change ? operation->value : *holder;
        break;
    default: /* LOOK */
        view = true;
        operation->seen[0] = *holder;
        break;
    }
    object->lsn += change;
    operation->lsn = change || view ? object->lsn : 0;
}

/* Each thread's operations follow each other; each takes effect at an instant
 * of its own between its beginning and its end. */
static void simulate(uint64_t *chance, struct history *history)
{
    static const uint8_t kinds[] = {SET, EXCHANGE, COMPARE, READ, CLAIM, LOOK};
    uint64_t instants[8], now[3] = {0, 0, 0};
    *history = (struct history){.before = start, .count = 4 + stress_below(chance, 3)};
    for (size_t i = 0; i < history->count; i++) {
        struct operation *operation = &history->operations[i];
        uint32_t thread = stress_below(chance, 3);
        *operation = (struct operation){.thread = (uint8_t)thread,
                                        .what = kinds[stress_below(chance, sizeof kinds)],
                                        .target = (uint8_t)stress_below(chance, 2),
                                        .other = (uint8_t)stress_below(chance, REGISTERS),
                                        .value = 100 + (uint32_t)i,
                                        .expected = 1 + stress_below(chance, 2)};
        /* In steps of 8, and the operation's number besides: no two ticks alike. */
        operation->invoked = now[thread] + 8 * (1 + stress_below(chance, 4)) + i;
        instants[i] = operation->invoked + 8 * stress_below(chance, 6) + i;
        now[thread] = instants[i] + 8 * (1 + stress_below(chance, 6));
        operation->responded = now[thread] + i;
        now[thread] += 8;
    }
    struct model object = history->before;
    for (size_t done = 0; done < history->count; done++) {
        size_t next = 0;
        for (size_t i = 1; i < history->count; i++)
            if (instants[i] < instants[next])
                next = i;
        answer(&object, &history->operations[next]);
        instants[next] = UINT64_MAX;
    }
}

static void forge(uint64_t *chance, struct history *history)
{
    struct operation *operation = &history->operations[stress_below(chance, (uint32_t)history->count)];
    const struct operation *other = &history->operations[stress_below(chance, (uint32_t)history->count)];
    switch (stress_below(chance, 4)) {
    case 0: operation->seen[stress_below(chance, 2)] = other->value; break;
    case 1: operation->lsn += operation->lsn == 0 ? 0 : 1; break;
    case 2: operation->status = operation->what == COMPARE ? CONFLICT - operation->status : operation->status; break;
    default: operation->responded = operation->invoked + 1; break; /* it says that it was quicker */
    }
}

void linear_self_check(struct stress *stress, struct search *search)
{
    const int rounds = stress->longer ? 200000 : 20000;
    uint64_t chance = stress->seed, refused = 0, accepted = 0;
    uint64_t examples_count = try_examples(stress, search);
    for (int i = 0; i < rounds; i++) {
        struct history history;
        bool forged = stress_below(&chance, 4) != 0;
        simulate(&chance, &history);
        if (forged)
            forge(&chance, &history);
        bool verdict = search_linearizable(search, &history, NULL);
        if ((!forged && !verdict) || permutations_linearizable(&history) != verdict) {
            stress_fail(stress, "random history %d, %s: the search says %s", i, forged ? "forged" : "not forged",
                        verdict ? "linearizable" : "not linearizable");
            history_print(&history, stderr);
        }
        refused += !verdict;
        accepted += forged && verdict;
    }
    if (refused < (uint64_t)rounds / 8 || accepted < (uint64_t)rounds / 8)
        stress_fail(stress, "of %d random histories %llu are refused and %llu forged ones accepted: too few to tell",
                    rounds, (unsigned long long)refused, (unsigned long long)accepted);
    printf("the search agrees with %llu histories made by hand and, on %d random ones, %llu of them not linearizable, "
           "with every permutation\n",
           (unsigned long long)examples_count, rounds, (unsigned long long)refused);
    (void)fflush(stdout); /* no child is to print it again */
}
