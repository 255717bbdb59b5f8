/* Trees made by hand as an attacker would: every node passes its own checks, and
 * together they are no tree.  Each call gives an answer (P6). */
#include "damage_fixture.h"
#include "store/tree_node.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A free list's head lies at 4096 + 8 * its class; arena.c: "every 8 bytes to
 * 256, then four a doubling". */
enum { HEADS = 4096, FILLED = 16, CLASS_256 = 31, CLASS_512 = 35, CLASS_1024 = 39, CLASS_2048 = 43, CLASS_4096 = 47 };

static struct tree_header *header_of(const struct subject *subject)
{
    return (void *)(subject->arena->base + subject->root);
}

static void *node(const struct subject *subject, uint32_t reference)
{
    return subject->arena->base + tree_offset(reference);
}

/* Keys whose four words all vary, so that an entry takes 16 bytes: 125 fill a leaf. */
static struct tree_key key_of(uint32_t i)
{
    uint64_t state = i;
    return (struct tree_key){(uint64_t)i << 52 | (damage_random(&state) & UINT32_MAX), damage_random(&state)};
}

static uint32_t leaf_make(struct subject *subject, unsigned size_log, uint32_t first, uint32_t count)
{
    struct tree_key keys[LEAF_MOST];
    uint32_t reference = node_alloc(subject->arena, size_log);
    struct leaf *leaf = node(subject, reference);
    leaf_init(leaf, size_log);
    struct leaf_range range = leaf_range_of(key_of(first));
    for (uint32_t i = 0; i < count; i++)
        leaf_range_add(&range, keys[i] = key_of(first + i));
    leaf_encode(leaf, keys, count, &range, LEAN_MIDDLE);
    return reference;
}

/* Over one child, or over as many as fit, all of them that child. */
static uint32_t inner_make(struct subject *subject, unsigned size_log, uint32_t level, uint32_t child, uint32_t count)
{
    uint32_t reference = node_alloc(subject->arena, size_log);
    struct inner *inner = node(subject, reference);
    inner_init(inner, size_log, level);
    inner->count = (uint16_t)(count == 0 ? inner->capacity : count);
    for (uint32_t i = 0; i < inner->count; i++) {
        inner_references(inner)[i] = child;
        inner_counts(inner)[i] = 1;
        inner_keys(inner)[i] = key_of(0);
    }
    return reference;
}

/* A tree of one full leaf below `levels` nodes, of which each has `count` children. */
static struct subject *chain(uint32_t levels, unsigned size_log, uint32_t count)
{
    struct subject *subject = subject_new();
    subject->root = tree_create(subject->arena, TREE_PLAIN);
    struct tree_header *header = header_of(subject);
    header->first = header->last = leaf_make(subject, LEAF_LOG_MAX, 1, 125);
    header->root = header->last;
    (void)arena_alloc(subject->arena, 8192); /* behind each node lies something that nobody needs */
    for (uint32_t level = 1; level <= levels; level++) {
        header->root = inner_make(subject, size_log, level, header->root, count);
        (void)arena_alloc(subject->arena, 8192);
    }
    header->depth = levels + 1;
    header->count = 125;
    return subject;
}

static bool insert(struct subject *subject, uint32_t i)
{
    return tree_insert(subject->arena, subject->root, key_of(i));
}

START_TEST(a_tree_grows_no_higher_than_sixteen_levels)
{
    struct subject *subject = chain(TREE_DEPTH_MAX - 1, INNER_LOG_MAX, 0); /* all full: it would need another root */
    MUST(!insert(subject, 1000));
    MUST(header_of(subject)->depth == TREE_DEPTH_MAX);
    MUST(!tree_verify(subject->arena, subject->root, NULL, 0)); /* one leaf stands at all places */
    subject_free(subject);
    subject = chain(TREE_DEPTH_MAX - 2, INNER_LOG_MAX, 0);
    MUST(insert(subject, 1000));
    MUST(header_of(subject)->depth == TREE_DEPTH_MAX);
    subject_free(subject);
    subject = chain(3, INNER_LOG_MAX, 1);
    header_of(subject)->depth = TREE_DEPTH_MAX + 1;
    MUST(!insert(subject, 1000) && subject->arena->damaged);
    subject_free(subject);
}
END_TEST

START_TEST(only_a_root_may_be_small)
{
    struct subject *subject = chain(2, INNER_LOG_MIN, 0);
    MUST(!insert(subject, 1000));
    subject_free(subject);
    subject = chain(1, INNER_LOG_MIN, 0);
    MUST(insert(subject, 1000)); /* the small root doubles */
    subject_free(subject);
}
END_TEST

/* An inner node lies behind what is in use, but for its header. */
START_TEST(a_node_that_reaches_beyond_the_end_is_refused)
{
    struct subject *subject = chain(1, INNER_LOG_MAX, 3);
    uint64_t offset;
    do
        offset = arena_alloc(subject->arena, 32);
    while (offset + 32 != subject->arena->used);
    memcpy(subject->arena->base + offset, node(subject, header_of(subject)->root), INNER_HEADER);
    header_of(subject)->root = (uint32_t)(offset / 8);
    MUST(tree_rank(subject->arena, subject->root, key_of(5)) == 0 && subject->arena->damaged);
    subject_free(subject);
}
END_TEST

/* More leaves than the arena has room for, since each begins within the one before. */
START_TEST(a_walk_over_nodes_ends)
{
    enum { LEAVES = 150, STEP = LEAF_HEADER };
    struct subject *subject = subject_new();
    subject->root = tree_create(subject->arena, TREE_PLAIN);
    uint32_t first = (uint32_t)(arena_alloc(subject->arena, (LEAVES + 4) * STEP) / 8);
    uint32_t root = inner_make(subject, INNER_LOG_MAX, 1, first, LEAVES);
    for (uint32_t i = 0; i < LEAVES; i++) {
        struct leaf *leaf = node(subject, first + i * STEP / 8);
        *leaf = (struct leaf){.kind = NODE_LEAF, .size_log = LEAF_LOG_MIN, .bytes_low = 2, .count = 1, .base_high = i};
        leaf->previous = i == 0 ? 0 : first + (i - 1) * STEP / 8;
        leaf->next = i + 1 == LEAVES ? 0 : first + (i + 1) * STEP / 8;
        inner_references((struct inner *)node(subject, root))[i] = first + i * STEP / 8;
    }
    struct tree_cursor cursor;
    memset(&cursor, 0, sizeof cursor);
    for (uint32_t i = 0; i < LEAVES; i++) {
        /* a leaf's one key is made of the bytes that the next leaf starts with */
        struct leaf_view view;
        MUST(leaf_open(subject->arena, first + i * STEP / 8, &view));
        inner_keys((struct inner *)node(subject, root))[i] = leaf_key(&view, 0);
    }
    *header_of(subject) =
        (struct tree_header){TREE_MAGIC, TREE_PLAIN, LEAVES, root, first, first + (LEAVES - 1) * STEP / 8, 2};
    char fault[160];
    MUST(!tree_verify(subject->arena, subject->root, fault, sizeof fault));
    ck_assert_ptr_nonnull(strstr(fault, "a cycle"));
    tree_free(subject->arena, subject->root);
    subject_free(subject);
}
END_TEST

START_TEST(an_empty_leaf_holds_no_key)
{
    static const uint64_t steps[] = {1, UINT64_C(1) << 31}; /* entries of two bytes, and of more than eight */
    for (int round = 0; round < 2; round++) {
        uint64_t step = steps[round];
        struct subject *subject = subject_new();
        subject->root = tree_create(subject->arena, TREE_PLAIN);
        for (uint64_t i = 0; i < 200; i++)
            MUST(tree_insert(subject->arena, subject->root, (struct tree_key){i * (step >> 1), i * step}));
        ((struct leaf *)node(subject, header_of(subject)->last))->count = 0;
        MUST(!tree_remove(subject->arena, subject->root, (struct tree_key){199 * (step >> 1), 199 * step}));
        MUST(!tree_verify(subject->arena, subject->root, NULL, 0));
        subject_free(subject);
    }
}
END_TEST

START_TEST(a_cursor_notices_what_changed_below_it)
{
    struct tree_key key;
    for (int i = 0; i < 2; i++) {
        struct subject *subject = subject_new();
        struct tree_cursor cursor;
        subject->root = tree_create(subject->arena, TREE_PLAIN);
        for (uint32_t n = 0; n < 300; n++)
            MUST(insert(subject, n));
        tree_seek(subject->arena, subject->root, (struct tree_key){0, 0}, &cursor);
        if (i == 0)
            header_of(subject)->magic = 0;
        else
            ((struct leaf *)node(subject, header_of(subject)->first))->kind = 0;
        uint32_t steps = 0;
        while (tree_next(subject->arena, subject->root, &cursor, &key))
            steps++;
        MUST(steps > 0 && steps < 126 && subject->arena->damaged);
        subject_free(subject);
    }
}
END_TEST

/* The block `at` stands on the free list of a class; a part of it that is given
 * back when a smaller one is asked for gets `link` as its first eight bytes. */
static void offer(struct subject *subject, uint64_t at, unsigned class, unsigned rest, uint64_t link)
{
    uint8_t *base = subject->arena->base;
    memset(base + FILLED, 0, 24);
    *(uint64_t *)(void *)(base + HEADS + (size_t) class * 8) = at;
    *(uint64_t *)(void *)(base + FILLED + class / 64 * 8) |= UINT64_C(1) << (class % 64);
    *(uint64_t *)(void *)(base + HEADS + (size_t)rest * 8) = link;
}

static uint64_t leaf_start(unsigned size_log, unsigned count)
{
    return NODE_LEAF | size_log << 8 | UINT64_C(0x4444) << 16 | (uint64_t)count << 32;
}

static uint64_t inner_start(unsigned size_log, unsigned level, unsigned count)
{
    return NODE_INNER | size_log << 8 | level << 16 | (uint64_t)count << 32 |
           (uint64_t)((((1U << size_log) - INNER_HEADER) / INNER_ENTRY)) << 48;
}

/* A node gets a new header, sound by itself, from the block that is allocated to
 * make room for it. */
START_TEST(a_node_that_turns_into_another_is_noticed)
{
    static const struct {
        uint32_t levels;
        unsigned size_log, count; /* of the chain */
        int which;                /* 0: the leaf, 1: the lowest node above it, 2: the root */
        unsigned class, rest;
        unsigned kind, new_log, level, new_count;
    } cases[] = {
        /* the leaf, about to be split */
        {1, INNER_LOG_MAX, 2, 0, CLASS_4096, CLASS_2048, NODE_LEAF, LEAF_LOG_MAX, 0, 1},
        {1, INNER_LOG_MAX, 2, 0, CLASS_4096, CLASS_2048, NODE_LEAF, LEAF_LOG_MIN, 0, 2},
        /* its parent, which then is full, or shorter than where the leaf stood */
        {1, INNER_LOG_MAX, 2, 1, CLASS_4096, CLASS_2048, NODE_INNER, INNER_LOG_MAX, 1, 170},
        {1, INNER_LOG_MAX, 5, 1, CLASS_4096, CLASS_2048, NODE_INNER, INNER_LOG_MAX, 1, 2},
        /* a root that is about to double */
        {1, INNER_LOG_MIN, 0, 1, CLASS_2048, CLASS_1024, NODE_INNER, INNER_LOG_MIN + 1, 1, 20},
        /* a node that is about to be split, and the one above it */
        {2, INNER_LOG_MAX, 0, 1, CLASS_4096 + 4, CLASS_4096, NODE_INNER, INNER_LOG_MAX, 1, 1},
        {2, INNER_LOG_MAX, 0, 2, CLASS_4096 + 4, CLASS_4096, NODE_INNER, INNER_LOG_MAX, 2, 170},
        {2, INNER_LOG_MAX, 0, 1, CLASS_4096 + 4, CLASS_4096, 0, 0, 0, 0},
        {2, INNER_LOG_MAX, 0, 2, CLASS_4096 + 4, CLASS_4096, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct subject *subject = chain(cases[i].levels, cases[i].size_log, cases[i].count);
        struct tree_header *header = header_of(subject);
        struct inner *root = node(subject, header->root);
        if (cases[i].levels == 2)
            root->count = 169; /* room for one more */
        uint32_t lowest = cases[i].levels == 2 ? inner_references(root)[0] : header->root;
        uint32_t reference = cases[i].which == 0 ? header->last : cases[i].which == 1 ? lowest : header->root;
        offer(subject, tree_offset(reference), cases[i].class, cases[i].rest,
              cases[i].kind == NODE_LEAF    ? leaf_start(cases[i].new_log, cases[i].new_count)
              : cases[i].kind == NODE_INNER ? inner_start(cases[i].new_log, cases[i].level, cases[i].new_count)
                                            : 0);
        MUST(!insert(subject, 1000));
        subject_free(subject);
    }
}
END_TEST

/* The block that is allocated is the very node that it is to hold a part of. */
START_TEST(a_block_that_is_in_use_is_not_taken)
{
    static const struct {
        uint32_t levels;
        unsigned size_log, count;
        int which;
        unsigned class;
    } cases[] = {
        {1, INNER_LOG_MAX, 2, 0, CLASS_2048}, {1, INNER_LOG_MAX, 2, 1, CLASS_2048},
        {1, INNER_LOG_MIN, 0, 1, CLASS_1024}, {2, INNER_LOG_MAX, 0, 1, CLASS_4096},
        {2, INNER_LOG_MAX, 0, 2, CLASS_4096}, {0, 0, 0, 0, CLASS_512},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct subject *subject = chain(cases[i].levels, cases[i].size_log, cases[i].count);
        struct tree_header *header = header_of(subject);
        struct inner *root = node(subject, header->root);
        if (cases[i].levels == 2)
            root->count = 169;
        uint32_t lowest = cases[i].levels == 2 ? inner_references(root)[0] : header->root;
        uint32_t reference = cases[i].which == 0 ? header->last : cases[i].which == 1 ? lowest : header->root;
        offer(subject, tree_offset(reference), cases[i].class, 0, 0);
        (void)insert(subject, 1000);
        for (uint32_t n = 0; n < 200; n++)
            (void)insert(subject, 1001 + n);
        MUST(!tree_verify(subject->arena, subject->root, NULL, 0));
        subject_free(subject);
    }
}
END_TEST

/* The tree's own header is what is allocated over. */
START_TEST(a_header_that_is_written_over_is_noticed)
{
    for (int round = 0; round < 4; round++) {
        struct subject *subject = chain(round < 3 ? 1 : 0, INNER_LOG_MIN, 0);
        struct inner *root = node(subject, header_of(subject)->root);
        uint64_t room = arena_alloc(subject->arena, 8192); /* the header moves to where nothing else is */
        memcpy(subject->arena->base + room + 64, header_of(subject), sizeof(struct tree_header));
        subject->root = room + 64;
        if (round == 3) { /* a small leaf as the root, about to double */
            header_of(subject)->root = header_of(subject)->last = leaf_make(subject, LEAF_LOG_MIN, 1, 5);
            offer(subject, subject->root + 16, CLASS_256, 0, 0); /* its root becomes 0 */
        } else if (round == 2) {
            offer(subject, subject->root + 16, CLASS_1024, 0, 0);
        } else { /* the second key of the root that doubles comes to lie on `last` and `depth` */
            inner_keys(root)[1].low = header_of(subject)->last | (round == 0 ? UINT64_C(17) << 32 : 0);
            offer(subject, subject->root - INNER_HEADER, CLASS_1024, 0, 0);
        }
        MUST(!insert(subject, 1000) || header_of(subject)->magic != TREE_MAGIC);
        subject_free(subject);
    }
}
END_TEST

START_TEST(nodes_without_memory_stay_as_they_are)
{
    struct subject *subject = chain(2, INNER_LOG_MAX, 0);
    ((struct inner *)node(subject, header_of(subject)->root))->count = 169;
    subject_keep(subject);
    subject_run_short(subject, 0);
    MUST(!insert(subject, 1000) && !subject->arena->damaged);
    subject_free(subject);
}
END_TEST

/* References have 32 bits: what lies further than 32 GiB into the arena is no node. */
START_TEST(a_node_beyond_what_a_reference_can_name_is_refused)
{
    struct subject *subject = subject_new();
    struct arena *arena = subject->arena;
    const uint64_t far = UINT64_C(8) << 32;
    subject->root = tree_create(arena, TREE_PLAIN);
    uint64_t texts = tree_create(arena, TREE_TEXT);
    if (arena->reserved > far + (UINT64_C(1) << 24)) {
        arena->used = arena->committed = far;
        MUST(!insert(subject, 1));
        MUST(!tree_insert_text(arena, texts, (struct tree_text){(const uint8_t *)"far", 3, 1}));
        MUST(!arena->damaged && header_of(subject)->depth == 0);
    }
    subject_free(subject);
}
END_TEST

START_TEST(a_text_tree_takes_no_key_without_a_text)
{
    struct subject *subject = subject_new();
    struct tree_key keys[2] = {{1, 2}, {3, 4}};
    subject->root = tree_create(subject->arena, TREE_TEXT);
    MUST(!tree_insert(subject->arena, subject->root, keys[0]));
    MUST(!tree_insert_many(subject->arena, subject->root, keys, 2));
    MUST(tree_count(subject->arena, subject->root) == 0);
    subject_free(subject);
}
END_TEST

/* Three levels of hand-made nodes with one key a leaf: every removal joins. */
static struct subject *sparse(void)
{
    enum { NODES = 3, LEAVES = 2 };
    struct subject *subject = subject_new();
    uint32_t leaves[NODES * LEAVES], nodes[NODES];
    subject->root = tree_create(subject->arena, TREE_PLAIN);
    subject_block(subject, subject->root, sizeof(struct tree_header));
    for (uint32_t i = 0; i < NODES * LEAVES; i++) {
        leaves[i] = leaf_make(subject, LEAF_LOG_MAX, i + 1, 1);
        subject_block(subject, tree_offset(leaves[i]), (size_t)1 << LEAF_LOG_MAX);
    }
    uint32_t root = inner_make(subject, INNER_LOG_MIN, 2, leaves[0], NODES);
    subject_block(subject, tree_offset(root), (size_t)1 << INNER_LOG_MIN);
    for (uint32_t n = 0; n < NODES; n++) {
        nodes[n] = inner_make(subject, INNER_LOG_MAX, 1, leaves[n * LEAVES], LEAVES);
        subject_block(subject, tree_offset(nodes[n]), (size_t)1 << INNER_LOG_MAX);
        struct inner *inner = node(subject, nodes[n]);
        for (uint32_t i = 0; i < LEAVES; i++) {
            uint32_t at = n * LEAVES + i;
            inner_references(inner)[i] = leaves[at];
            inner_keys(inner)[i] = key_of(at + 1);
            struct leaf *leaf = node(subject, leaves[at]);
            leaf->previous = at == 0 ? 0 : leaves[at - 1];
            leaf->next = at + 1 == NODES * LEAVES ? 0 : leaves[at + 1];
            uint64_t place = (uint64_t)((uint8_t *)&inner_references(inner)[i] - subject->arena->base);
            subject_place(subject, place, 4);
            subject_link(subject, place, tree_offset(leaves[at]));
        }
        for (uint64_t at = 0; at < 8; at++)
            subject_place(subject, tree_offset(nodes[n]) + at, at >= 4 && at % 2 == 0 ? 2 : 1);
        struct inner *top = node(subject, root);
        inner_references(top)[n] = nodes[n];
        inner_counts(top)[n] = LEAVES;
        inner_keys(top)[n] = key_of(n * LEAVES + 1);
        uint64_t place = (uint64_t)((uint8_t *)&inner_references(top)[n] - subject->arena->base);
        subject_place(subject, place, 4);
        subject_link(subject, place, tree_offset(nodes[n]));
    }
    *header_of(subject) =
        (struct tree_header){TREE_MAGIC, TREE_PLAIN, NODES * LEAVES, root, leaves[0], leaves[NODES * LEAVES - 1], 3};
    subject_keep(subject);
    return subject;
}

static void remove_upwards(struct subject *subject)
{
    for (uint32_t i = 1; i <= 6; i++)
        (void)tree_remove(subject->arena, subject->root, key_of(i));
}

static void remove_downwards(struct subject *subject)
{
    for (uint32_t i = 6; i > 0; i--)
        (void)tree_remove(subject->arena, subject->root, key_of(i));
}

static void remove_inwards(struct subject *subject)
{
    static const uint32_t order[] = {4, 3, 1, 6, 2, 5};
    for (uint32_t i = 0; i < 6; i++)
        (void)tree_remove(subject->arena, subject->root, key_of(order[i]));
}

START_TEST(nodes_that_join_are_not_believed)
{
    static const act_function acts[] = {remove_upwards, remove_downwards, remove_inwards};
    struct subject *subject = sparse();
    for (size_t i = 0; i < 3; i++) {
        subject_restore(subject);
        MUST(tree_verify(subject->arena, subject->root, NULL, 0));
        acts[i](subject);
        MUST(!subject->arena->damaged && tree_count(subject->arena, subject->root) == 0);
        MUST(header_of(subject)->depth == 0);
    }
    damage_numbers(subject, acts, 3, 1);
    damage_overlaps(subject, acts, 3, 1);
    subject_free(subject);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile_tree");
    TCase *tests = tcase_create("hostile_tree");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_tree_grows_no_higher_than_sixteen_levels);
    tcase_add_test(tests, only_a_root_may_be_small);
    tcase_add_test(tests, a_node_that_reaches_beyond_the_end_is_refused);
    tcase_add_test(tests, a_walk_over_nodes_ends);
    tcase_add_test(tests, an_empty_leaf_holds_no_key);
    tcase_add_test(tests, a_cursor_notices_what_changed_below_it);
    tcase_add_test(tests, a_node_that_turns_into_another_is_noticed);
    tcase_add_test(tests, a_block_that_is_in_use_is_not_taken);
    tcase_add_test(tests, a_header_that_is_written_over_is_noticed);
    tcase_add_test(tests, nodes_without_memory_stay_as_they_are);
    tcase_add_test(tests, a_node_beyond_what_a_reference_can_name_is_refused);
    tcase_add_test(tests, a_text_tree_takes_no_key_without_a_text);
    tcase_add_test(tests, nodes_that_join_are_not_believed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
