/* linear_search.c: see linear_search.h. */
#include "linear_search.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct model) == 8 + 8 * REGISTERS + 4 * (REGISTERS + ADDRESSES + DEALS + 1), "no padding");

/* ---- the model ---- */

static bool registers_agree(const struct model *model, const struct operation *operation)
{
    for (int i = 0; i < REGISTERS; i++)
        if (operation->seen[i] != model->value[i] ||
            (operation->versions[i] != 0 && operation->versions[i] != model->version[i]))
            return false;
    return true;
}

static uint32_t registers_sum(const struct model *model)
{
    uint32_t sum = 0;
    for (int i = 0; i < REGISTERS; i++)
        sum += model->value[i];
    return sum;
}

static bool counts_agree(const struct model *model, const struct operation *operation)
{
    uint32_t counts[STAGES] = {0};
    for (int i = 0; i < DEALS; i++)
        counts[model->stage[i]]++;
    return memcmp(counts, operation->seen, sizeof counts) == 0;
}

/* A transaction that changes something has the next number.  One that finds
 * nothing to change has the last one. */
static bool committed(struct model *model, const struct operation *operation, bool changes)
{
    model->lsn += changes;
    return operation->lsn == 0 || operation->lsn == model->lsn;
}

static bool viewed(const struct model *model, const struct operation *operation)
{
    return operation->lsn == 0 || operation->lsn == model->lsn;
}

static bool put(struct model *model, uint32_t target, uint32_t value)
{
    bool changes = model->value[target] != value;
    model->value[target] = value;
    model->version[target] += changes;
    return changes;
}

static bool take_set(struct model *model, const struct operation *operation)
{
    bool changes = put(model, operation->target, operation->value);
    if (operation->other != operation->target)
        changes = put(model, operation->other, operation->value) || changes;
    return committed(model, operation, changes);
}

static bool take_compare(struct model *model, const struct operation *operation)
{
    bool same = model->version[operation->target] == operation->expected;
    if (operation->status == CONFLICT)
        return !same;
    return same && committed(model, operation, put(model, operation->target, operation->value));
}

static bool take_move(struct model *model, const struct operation *operation)
{
    bool changes = model->stage[operation->target] != operation->value;
    model->stage[operation->target] = operation->value;
    return committed(model, operation, changes);
}

static bool take_claim(struct model *model, const struct operation *operation)
{
    bool is_free = model->holder[operation->target] == 0;
    if (operation->status == DUPLICATE)
        return !is_free;
    model->holder[operation->target] = operation->value;
    return is_free && committed(model, operation, true);
}

static bool take_release(struct model *model, const struct operation *operation)
{
    uint32_t holder = model->holder[operation->target];
    if (operation->status == MISSING)
        return holder == 0;
    model->holder[operation->target] = 0;
    return holder != 0 && holder == operation->seen[0] && committed(model, operation, true);
}

bool model_take(struct model *model, const struct operation *operation)
{
    switch (operation->what) {
    case SET: return take_set(model, operation);
    case EXCHANGE:
        return operation->seen[0] == model->value[operation->target] &&
               committed(model, operation, put(model, operation->target, operation->value));
    case COMPARE: return take_compare(model, operation);
    case READ: return registers_agree(model, operation) && viewed(model, operation);
    case SUM: return operation->seen[0] == registers_sum(model) && viewed(model, operation);
    case WITHIN: return registers_agree(model, operation) && viewed(model, operation);
    case TAKE_BACK: return operation->seen[0] == model->value[operation->target] && viewed(model, operation);
    case MOVE: return take_move(model, operation);
    case COUNT: return counts_agree(model, operation) && viewed(model, operation);
    case CLAIM: return take_claim(model, operation);
    case RELEASE: return take_release(model, operation);
    case LOOK: return operation->seen[0] == model->holder[operation->target] && viewed(model, operation);
    case LATEST: return viewed(model, operation);
    default: return false;
    }
}

/* ---- the search ---- */

struct place {
    uint32_t taken; /* a bit for each operation; 0: the cell is free */
    uint32_t round; /* of the history; another's are as good as free */
    struct model model;
};

struct search {
    struct place *places; /* open addressing */
    size_t capacity, count;
    uint32_t round;
    uint64_t states;
    const struct history *history;
    uint32_t before[HISTORY_MOST]; /* the operations that ended before it began */
    uint8_t order[HISTORY_MOST];
};

enum { PLACES_FIRST = 1 << 12 };

struct search *search_create(void)
{
    struct search *search = calloc(1, sizeof *search);
    if (search != NULL)
        search->places = calloc(PLACES_FIRST, sizeof *search->places);
    if (search == NULL || search->places == NULL) {
        fprintf(stderr, "linear: out of memory\n");
        exit(2);
    }
    search->capacity = PLACES_FIRST;
    return search;
}

void search_free(struct search *search)
{
    if (search != NULL)
        free(search->places);
    free(search);
}

uint64_t search_states(const struct search *search)
{
    return search->states;
}

static struct place *place_of(struct search *search, uint32_t taken, const struct model *model)
{
    uint64_t hash = taken * UINT64_C(0x9e3779b97f4a7c15);
    const unsigned char *bytes = (const unsigned char *)model;
    for (size_t i = 0; i < sizeof *model; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    size_t at = (size_t)(hash ^ hash >> 32) & (search->capacity - 1);
    for (;; at = (at + 1) & (search->capacity - 1)) {
        struct place *place = &search->places[at];
        if (place->taken == 0 || place->round != search->round ||
            (place->taken == taken && memcmp(&place->model, model, sizeof *model) == 0))
            return place;
    }
}

static void grow(struct search *search)
{
    struct place *old = search->places;
    size_t count = search->capacity;
    search->places = calloc(count * 2, sizeof *old);
    if (search->places == NULL) {
        fprintf(stderr, "linear: out of memory\n");
        exit(2);
    }
    search->capacity = count * 2;
    for (size_t i = 0; i < count; i++)
        if (old[i].taken != 0 && old[i].round == search->round)
            *place_of(search, old[i].taken, &old[i].model) = old[i];
    free(old);
}

/* True when nobody has been here. */
static bool remember(struct search *search, uint32_t taken, const struct model *model)
{
    if (search->count * 2 >= search->capacity)
        grow(search);
    struct place *place = place_of(search, taken, model);
    if (place->taken != 0 && place->round == search->round)
        return false;
    *place = (struct place){.taken = taken, .round = search->round};
    memcpy(&place->model, model, sizeof *model);
    search->count++;
    search->states++;
    return true;
}

static bool explore(struct search *search, uint32_t taken, size_t depth, const struct model *model)
{
    const struct history *history = search->history;
    if (depth == history->count)
        return true;
    for (size_t i = 0; i < history->count; i++) {
        struct model next;
        uint32_t with = taken | UINT32_C(1) << i;
        if (with == taken || (search->before[i] & ~taken) != 0)
            continue;
        memcpy(&next, model, sizeof next);
        if (!model_take(&next, &history->operations[i]) || !remember(search, with, &next))
            continue;
        search->order[depth] = (uint8_t)i;
        if (explore(search, with, depth + 1, &next))
            return true;
    }
    return false;
}

bool search_linearizable(struct search *search, const struct history *history, uint8_t *order)
{
    struct model model;
    search->history = history;
    search->round++;
    search->count = 0;
    for (size_t i = 0; i < history->count; i++) {
        search->before[i] = 0;
        for (size_t j = 0; j < history->count; j++)
            if (history->operations[j].responded < history->operations[i].invoked)
                search->before[i] |= UINT32_C(1) << j;
    }
    memcpy(&model, &history->before, sizeof model);
    bool found = explore(search, 0, 0, &model);
    if (found && order != NULL)
        memcpy(order, search->order, history->count);
    return found;
}

/* ---- the same by brute force ---- */

/* An order is judged whole, by the definition. */
static bool explains(const struct history *history, const uint8_t *order)
{
    struct model model = history->before;
    for (size_t i = 0; i < history->count; i++)
        for (size_t j = i + 1; j < history->count; j++)
            if (history->operations[order[j]].responded < history->operations[order[i]].invoked)
                return false;
    for (size_t i = 0; i < history->count; i++)
        if (!model_take(&model, &history->operations[order[i]]))
            return false;
    return true;
}

/* Every arrangement of order[at] and what follows. */
static bool permute(const struct history *history, uint8_t *order, size_t at)
{
    if (at >= history->count)
        return explains(history, order);
    for (size_t i = at; i < history->count; i++) {
        uint8_t first = order[at];
        order[at] = order[i];
        order[i] = first;
        bool found = permute(history, order, at + 1);
        order[i] = order[at];
        order[at] = first;
        if (found)
            return true;
    }
    return false;
}

bool permutations_linearizable(const struct history *history)
{
    uint8_t order[HISTORY_MOST];
    for (size_t i = 0; i < history->count; i++)
        order[i] = (uint8_t)i;
    return permute(history, order, 0);
}

/* ---- for people ---- */

static const char *const names[OPERATIONS] = {"?",          "set",  "exchange", "compare", "read",    "sum",  "within",
                                              "taken back", "move", "count",    "claim",   "release", "look", "latest"};
static const char *const answers[] = {"fine", "conflict", "duplicate", "missing"};

void history_print(const struct history *history, FILE *to)
{
    const struct model *before = &history->before;
    fprintf(to, "  before: transaction %" PRIu64 ", registers", before->lsn);
    for (int i = 0; i < REGISTERS; i++)
        fprintf(to, " %" PRIu32 "@%" PRIu64, before->value[i], before->version[i]);
    fprintf(to, ", stages");
    for (int i = 0; i < DEALS; i++)
        fprintf(to, " %" PRIu32, before->stage[i]);
    fprintf(to, ", addresses");
    for (int i = 0; i < ADDRESSES; i++)
        fprintf(to, " %" PRIu32, before->holder[i]);
    fputc('\n', to);
    for (size_t i = 0; i < history->count; i++) {
        const struct operation *o = &history->operations[i];
        fprintf(to, "  thread %u, %4" PRIu64 " to %4" PRIu64 ": %s.%u %u", o->thread, o->invoked, o->responded,
                names[o->what], o->variant, o->target);
        if (o->what == SET)
            fprintf(to, " and %u", o->other);
        fprintf(to, " value %" PRIu32, o->value);
        if (o->what == COMPARE)
            fprintf(to, " expects %" PRIu64, o->expected);
        fprintf(to, ": %s, seen", answers[o->status]);
        for (int n = 0; n < REGISTERS; n++)
            fprintf(to, " %" PRIu32 "@%" PRIu64, o->seen[n], o->versions[n]);
        fprintf(to, ", transaction %" PRIu64 "\n", o->lsn);
    }
}
