/* The ordered tree against a sorted array: every operation is done to both, and
 * both are compared whole after each batch.  Sequences come from a seeded
 * generator, so a failure repeats. */
#include "store/tree.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* ck_assert writes to a file each time, which is too slow for inner loops. */
#define MUST(condition)                     \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

enum { MODEL_MAX = 30000 };

struct model {
    struct tree_key *keys;
    size_t count;
};

static uint64_t random_next(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static int key_order(const void *left, const void *right)
{
    const struct tree_key *a = left, *b = right;
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return (a->low > b->low) - (a->low < b->low);
}

static size_t model_lower(const struct model *model, struct tree_key key)
{
    size_t first = 0, count = model->count;
    while (count > 0) {
        size_t half = count / 2;
        if (key_order(&model->keys[first + half], &key) < 0) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

static bool model_has(const struct model *model, struct tree_key key, size_t at)
{
    return at < model->count && key_order(&model->keys[at], &key) == 0;
}

static void model_insert(struct model *model, struct tree_key key)
{
    size_t at = model_lower(model, key);
    if (model_has(model, key, at))
        return;
    MUST(model->count < MODEL_MAX);
    memmove(model->keys + at + 1, model->keys + at, (model->count - at) * sizeof key);
    model->keys[at] = key;
    model->count++;
}

static bool model_remove(struct model *model, struct tree_key key)
{
    size_t at = model_lower(model, key);
    if (!model_has(model, key, at))
        return false;
    memmove(model->keys + at, model->keys + at + 1, (model->count - at - 1) * sizeof key);
    model->count--;
    return true;
}

/* The shapes of keys that real indexes have, and two that none has. */
static struct tree_key key_make(int shape, uint64_t *state)
{
    uint64_t a = random_next(state), b = random_next(state);
    switch (shape) {
    case 0: /* anything */ return (struct tree_key){a, b};
    case 1: /* a stage of eight, a record */ return (struct tree_key){a % 8, b % 20000};
    case 2: /* microseconds within two years, a record */
        return (struct tree_key){UINT64_C(1) << 63 | (UINT64_C(1700000000000000) + a % UINT64_C(63000000000000)),
                                 b % 20000};
    case 3: /* a customer, then seconds and a record */
        return (struct tree_key){a % 500, (UINT64_C(1700000000) + b % 63000000) << 32 | b % 20000};
    case 4: /* few, so that most are there already */ return (struct tree_key){7, a % 300};
    default: /* the ends of the range */
        return (struct tree_key){a % 2 ? UINT64_MAX - a % 1000 : a % 1000, b % 2 ? UINT64_MAX - b % 3 : b % 3};
    }
}

static void compare_walks(struct arena *arena, uint64_t tree, const struct model *model)
{
    struct tree_cursor cursor;
    struct tree_key key;
    tree_seek(arena, tree, (struct tree_key){0, 0}, &cursor);
    for (size_t i = 0; i < model->count; i++) {
        MUST(tree_next(arena, tree, &cursor, &key));
        MUST(key_order(&key, &model->keys[i]) == 0);
    }
    MUST(!tree_next(arena, tree, &cursor, &key));
    for (size_t i = model->count; i-- > 0;) {
        MUST(tree_previous(arena, tree, &cursor, &key));
        MUST(key_order(&key, &model->keys[i]) == 0);
    }
    MUST(!tree_previous(arena, tree, &cursor, &key));
    tree_seek_end(arena, tree, &cursor);
    MUST(!tree_next(arena, tree, &cursor, &key));
    MUST(tree_previous(arena, tree, &cursor, &key) == (model->count != 0));
}

static void compare(struct arena *arena, uint64_t tree, const struct model *model, int shape, uint64_t *state)
{
    char fault[160];
    struct tree_cursor cursor;
    struct tree_key key = {0, 0};
    ck_assert_msg(tree_verify(arena, tree, fault, sizeof fault), "%s", fault);
    MUST(tree_count(arena, tree) == model->count);
    compare_walks(arena, tree, model);
    for (int i = 0; i < 300; i++) {
        struct tree_key probe =
            i % 2 || model->count == 0 ? key_make(shape, state) : model->keys[random_next(state) % model->count];
        if (i % 3 == 0)
            probe.low++;
        size_t at = model_lower(model, probe);
        MUST(tree_rank(arena, tree, probe) == at);
        tree_seek(arena, tree, probe, &cursor);
        MUST(tree_next(arena, tree, &cursor, &key) == (at < model->count));
        MUST(at == model->count || key_order(&key, &model->keys[at]) == 0);
        tree_seek(arena, tree, probe, &cursor);
        MUST(tree_previous(arena, tree, &cursor, &key) == (at > 0));
        MUST(at == 0 || key_order(&key, &model->keys[at - 1]) == 0);
    }
    MUST(!arena->damaged);
}

static struct arena *arena_new(void)
{
    struct arena *arena = NULL;
    MUST(arena_create(memory_default(), &arena, NULL) == CRM_OK);
    return arena;
}

static struct model model_new(void)
{
    struct model model = {calloc(MODEL_MAX, sizeof(struct tree_key)), 0};
    ck_assert_ptr_nonnull(model.keys);
    return model;
}

/* Grows, shrinks, grows and empties, with one insertion in so many operations. */
static void run_random(int shape, uint64_t seed)
{
    static const int inserted_of_ten[] = {8, 3, 7, 1, 0};
    struct arena *arena = arena_new();
    struct model model = model_new();
    uint64_t tree = tree_create(arena, TREE_PLAIN);
    uint64_t state = seed;
    ck_assert_uint_ne(tree, 0);
    for (size_t phase = 0; phase < sizeof inserted_of_ten / sizeof *inserted_of_ten; phase++) {
        for (int i = 0; i < 20000; i++) {
            struct tree_key key = key_make(shape, &state);
            if (random_next(&state) % 10 < (uint64_t)inserted_of_ten[phase]) {
                MUST(tree_insert(arena, tree, key));
                model_insert(&model, key);
            } else {
                if (random_next(&state) % 4 && model.count != 0)
                    key = model.keys[random_next(&state) % model.count];
                MUST(tree_remove(arena, tree, key) == model_remove(&model, key));
            }
            if (i % 2500 == 0)
                compare(arena, tree, &model, shape, &state);
        }
        compare(arena, tree, &model, shape, &state);
    }
    while (model.count > 0) {
        struct tree_key key = model.keys[random_next(&state) % model.count];
        MUST(tree_remove(arena, tree, key));
        model_remove(&model, key);
    }
    compare(arena, tree, &model, shape, &state);
    uint64_t empty = arena_free_bytes(arena);
    tree_free(arena, tree);
    /* an emptied tree is its header alone */
    MUST(arena_free_bytes(arena) == empty + 32);
    free(model.keys);
    arena_free(arena);
}

START_TEST(random_operations_agree_with_a_sorted_array)
{
    run_random(_i, UINT64_C(77) + (uint64_t)_i);
}
END_TEST

static uint64_t bytes_of(struct arena *arena, uint64_t before)
{
    return arena->used - arena_free_bytes(arena) - before;
}

/* Bytes a key after `count` insertions of which number i is made by `make`. */
static double filled(struct tree_key (*make)(uint64_t i), uint64_t count)
{
    struct arena *arena = arena_new();
    uint64_t tree = tree_create(arena, TREE_PLAIN);
    uint64_t before = bytes_of(arena, 0);
    char fault[160];
    for (uint64_t i = 0; i < count; i++)
        MUST(tree_insert(arena, tree, make(i)));
    ck_assert_msg(tree_verify(arena, tree, fault, sizeof fault), "%s", fault);
    MUST(tree_count(arena, tree) == count);
    double result = (double)bytes_of(arena, before) / (double)count;
    arena_free(arena);
    return result;
}

static struct tree_key make_ascending(uint64_t i)
{
    return (struct tree_key){i * 1000003, i};
}
static struct tree_key make_descending(uint64_t i)
{
    return (struct tree_key){(1000000 - i) * 1000003, 1000000 - i};
}
/* 20 customers, one after the other, each in ascending order of time; customers come in descending order */
static struct tree_key make_runs(uint64_t i)
{
    return (struct tree_key){20 - i / 5000, i % 5000 * 77777777777};
}
static struct tree_key make_whole(uint64_t i)
{
    uint64_t state = i;
    return (struct tree_key){i << 40 | random_next(&state) >> 24, random_next(&state)};
}

START_TEST(keys_in_order_leave_full_leaves)
{
    /* 1024 bytes a leaf, 24 more in the node above; a key of a leaf needs at most
     * 4 + 2 bytes (differences below 2^32, and below 2^16), so 164 keys a leaf */
    ck_assert_double_lt(filled(make_ascending, 100000), 1048.0 / 160);
    ck_assert_double_lt(filled(make_descending, 100000), 1048.0 / 110);
    ck_assert_double_lt(filled(make_runs, 100000), 1048.0 / 120);
    /* nothing to save: 61 whole keys a leaf */
    ck_assert_double_lt(filled(make_whole, 100000), 18.0);
}
END_TEST

static struct tree_key make_scattered(uint64_t i)
{
    uint64_t state = i;
    return (struct tree_key){random_next(&state), random_next(&state)};
}

START_TEST(scattered_keys_fill_two_thirds)
{
    ck_assert_double_lt(filled(make_scattered, 100000), 1048.0 / 61 / 0.65);
}
END_TEST

START_TEST(many_at_once_are_the_same_as_one_by_one)
{
    uint64_t state = 4711 + (uint64_t)_i;
    static const size_t batches[] = {1, 3, 40, 500, 9, 6000, 2, 700, 64, 3000, 100, 0};
    struct arena *arena = arena_new();
    struct model model = model_new();
    struct tree_key *keys = calloc(6000, sizeof *keys);
    uint64_t tree = tree_create(arena, TREE_PLAIN);
    for (size_t batch = 0; batch < sizeof batches / sizeof *batches; batch++) {
        for (size_t i = 0; i < batches[batch]; i++) {
            keys[i] = i % 5 == 1 ? keys[i / 2] : key_make(_i, &state);
            model_insert(&model, keys[i]);
        }
        MUST(tree_insert_many(arena, tree, keys, batches[batch]));
        compare(arena, tree, &model, _i, &state);
        for (size_t i = 0; i < batches[batch] / 3 && model.count != 0; i++) {
            struct tree_key key = model.keys[random_next(&state) % model.count];
            MUST(tree_remove(arena, tree, key));
            model_remove(&model, key);
        }
        compare(arena, tree, &model, _i, &state);
    }
    free(keys);
    free(model.keys);
    arena_free(arena);
}
END_TEST

START_TEST(one_key_many_times_is_one)
{
    struct arena *arena = arena_new();
    struct tree_key keys[100], key;
    struct tree_cursor cursor;
    uint64_t tree = tree_create(arena, TREE_PLAIN);
    for (size_t i = 0; i < 100; i++)
        keys[i] = (struct tree_key){7, 9};
    for (int round = 0; round < 2; round++) {
        MUST(tree_insert_many(arena, tree, keys, 100));
        MUST(tree_count(arena, tree) == 1);
        tree_seek(arena, tree, (struct tree_key){0, 0}, &cursor);
        MUST(tree_next(arena, tree, &cursor, &key) && key.high == 7 && key.low == 9);
        MUST(!tree_next(arena, tree, &cursor, &key));
    }
    arena_free(arena);
}
END_TEST

START_TEST(many_in_order_are_packed_whole)
{
    struct arena *arena = arena_new();
    uint64_t tree = tree_create(arena, TREE_PLAIN);
    uint64_t before = bytes_of(arena, 0);
    enum { COUNT = 100000 };
    struct tree_key *keys = calloc(COUNT, sizeof *keys);
    for (uint64_t i = 0; i < COUNT; i++)
        keys[(i * 7919) % COUNT] = make_whole(i); /* 7919 is prime to COUNT: every place once */
    MUST(tree_insert_many(arena, tree, keys, COUNT));
    MUST(tree_count(arena, tree) == COUNT);
    ck_assert_double_lt((double)bytes_of(arena, before) / COUNT, 18.0);
    free(keys);
    arena_free(arena);
}
END_TEST

START_TEST(small_trees_stay_small)
{
    struct arena *arena = arena_new();
    uint64_t before = arena->used;
    for (int i = 0; i < 100; i++) {
        uint64_t tree = tree_create(arena, TREE_PLAIN);
        for (uint64_t n = 0; n < 5; n++)
            MUST(tree_insert(arena, tree, (struct tree_key){n, n}));
    }
    ck_assert_uint_le(arena->used - before, 100 * (32 + 128) + 4096); /* a header and the smallest leaf each */
    arena_free(arena);
}
END_TEST

START_TEST(out_of_memory_leaves_a_sound_tree)
{
    struct arena *arena = arena_new();
    struct model model = model_new();
    uint64_t tree = tree_create(arena, TREE_PLAIN);
    uint64_t state = 5;
    int refused = 0;
    uint64_t whole = arena->reserved;
    for (int i = 0; i < 12000; i++) {
        struct tree_key key = key_make(0, &state);
        arena->reserved = i % 3 ? arena->used + (1 << 17) : whole; /* no room to grow two times in three */
        bool done = tree_insert(arena, tree, key);
        refused += !done;
        if (done)
            model_insert(&model, key);
    }
    arena->reserved = whole;
    ck_assert_int_gt(refused, 10);
    compare(arena, tree, &model, 0, &state);
    free(model.keys);
    arena_free(arena);
}
END_TEST

/* Whatever the bytes are: an answer, no crash, no endless walk. */
static void exercise(struct arena *arena, uint64_t tree, uint64_t *state)
{
    struct tree_cursor cursor;
    struct tree_key key;
    char fault[160];
    uint64_t steps = 0;
    uint64_t most = tree_count(arena, tree);
    (void)tree_verify(arena, tree, fault, sizeof fault);
    tree_seek(arena, tree, (struct tree_key){0, 0}, &cursor);
    while (tree_next(arena, tree, &cursor, &key))
        steps++;
    MUST(most > UINT64_MAX - 512 || steps <= most + 512); /* and the leaf that the seek found */
    tree_seek_end(arena, tree, &cursor);
    for (steps = 0; tree_previous(arena, tree, &cursor, &key);)
        steps++;
    MUST(most > UINT64_MAX - 512 || steps <= most + 512);
    for (int i = 0; i < 200; i++) {
        key = key_make(i % 4, state);
        (void)tree_rank(arena, tree, key);
        (void)tree_insert(arena, tree, key);
        (void)tree_remove(arena, tree, key_make(i % 4, state));
    }
    struct tree_key many[100];
    for (int i = 0; i < 100; i++)
        many[i] = key_make(i % 4, state);
    (void)tree_insert_many(arena, tree, many, 100);
    if (*state % 2)
        tree_free(arena, tree);
}

START_TEST(damaged_nodes_do_no_harm)
{
    uint64_t state = 99;
    for (int round = 0; round < 400; round++) {
        struct arena *arena = arena_new();
        uint64_t tree = tree_create(arena, TREE_PLAIN);
        for (int i = 0; i < 40 * (round % 40); i++)
            MUST(tree_insert(arena, tree, key_make(round % 4, &state)));
        for (int i = 0; i <= round % 7; i++) { /* any byte but the root page's; small and large numbers */
            uint64_t at = 4096 + random_next(&state) % (arena->used - 4096);
            arena->base[at] = random_next(&state) % 3 ? (uint8_t)random_next(&state) : 0xff;
        }
        exercise(arena, tree, &state);
        arena_free(arena);
    }
}
END_TEST

START_TEST(a_wrong_offset_is_refused)
{
    struct arena *arena = arena_new();
    struct tree_cursor cursor;
    struct tree_key key = {1, 2};
    static const uint64_t offsets[] = {0, 1, 8, 64, 4096, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 40};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        MUST(!tree_insert(arena, offsets[i], key));
        MUST(!tree_remove(arena, offsets[i], key));
        MUST(tree_count(arena, offsets[i]) == 0);
        tree_seek(arena, offsets[i], key, &cursor);
        MUST(!tree_next(arena, offsets[i], &cursor, &key));
        tree_free(arena, offsets[i]);
    }
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");
    TCase *tests = tcase_create("tree");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, random_operations_agree_with_a_sorted_array, 0, 6);
    tcase_add_test(tests, keys_in_order_leave_full_leaves);
    tcase_add_test(tests, scattered_keys_fill_two_thirds);
    tcase_add_loop_test(tests, many_at_once_are_the_same_as_one_by_one, 0, 6);
    tcase_add_test(tests, one_key_many_times_is_one);
    tcase_add_test(tests, many_in_order_are_packed_whole);
    tcase_add_test(tests, small_trees_stay_small);
    tcase_add_test(tests, out_of_memory_leaves_a_sound_tree);
    tcase_add_test(tests, damaged_nodes_do_no_harm);
    tcase_add_test(tests, a_wrong_offset_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
