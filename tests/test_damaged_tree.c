/* What a tree's nodes say is not believed: each number in them is replaced by
 * ones that an attacker would choose (the places of other nodes, one more, one
 * less, the largest), blocks that are in use are put on the free list, and
 * memory runs out at every step.  Each call then gives an answer, walks no
 * further than the tree counts, and what `verify` calls sound answers soundly.
 * Proves P6. */
#include "damage_fixture.h"
#include "store/tree_node.h"

#include <stddef.h>
#include <stdio.h>

enum { TREE_NEW = 1 << 20 /* keys of no tree from here on */ };

static bool text_tree;

static struct tree_key wide_key(uint64_t i)
{
    uint64_t state = i; /* all words differ: nothing to pack */
    return (struct tree_key){i << 32 | (damage_random(&state) & UINT32_MAX), damage_random(&state)};
}

static struct tree_text text_of(uint32_t i)
{
    static uint8_t bytes[32];
    int length = snprintf((char *)bytes, sizeof bytes, i % 3 ? "%08u" : "%08u and more", i / 2);
    return (struct tree_text){bytes, (uint32_t)length, i};
}

static bool put(struct subject *subject, uint32_t i)
{
    return text_tree ? tree_insert_text(subject->arena, subject->root, text_of(i))
                     : tree_insert(subject->arena, subject->root, wide_key(i));
}

static bool take(struct subject *subject, uint32_t i)
{
    return text_tree ? tree_remove_text(subject->arena, subject->root, text_of(i))
                     : tree_remove(subject->arena, subject->root, wide_key(i));
}

static uint64_t rank_of(struct subject *subject, uint32_t i)
{
    return text_tree ? tree_rank_text(subject->arena, subject->root, text_of(i))
                     : tree_rank(subject->arena, subject->root, wide_key(i));
}

static void add_leaf(struct subject *subject, uint32_t reference)
{
    uint64_t at = tree_offset(reference);
    const struct leaf *leaf = (const void *)(subject->arena->base + at);
    for (unsigned i = 0; i < 4; i++)
        subject_place(subject, at + i, 1); /* kind, size, bytes kept */
    subject_place(subject, at + offsetof(struct leaf, count), 2);
    subject_place(subject, at + offsetof(struct leaf, hint), 2);
    subject_place(subject, at + offsetof(struct leaf, previous), 4);
    subject_place(subject, at + offsetof(struct leaf, next), 4);
    subject_place(subject, at + offsetof(struct leaf, bytes_low), 2);
    if (leaf->next != 0)
        subject_link(subject, at + offsetof(struct leaf, next), tree_offset(leaf->next));
    if (leaf->previous != 0)
        subject_link(subject, at + offsetof(struct leaf, previous), tree_offset(leaf->previous));
    subject_place(subject, at + LEAF_HEADER + 4, 4); /* of an entry: in a text tree, its text */
    subject_block(subject, at, (size_t)1 << leaf->size_log);
}

static void add_node(struct subject *subject, uint32_t reference, uint32_t level)
{
    if (level == 0) {
        add_leaf(subject, reference);
        return;
    }
    uint64_t at = tree_offset(reference);
    struct inner *inner = (void *)(subject->arena->base + at);
    for (unsigned i = 0; i < 3; i++)
        subject_place(subject, at + i, 1);
    subject_place(subject, at + offsetof(struct inner, count), 2);
    subject_place(subject, at + offsetof(struct inner, capacity), 2);
    uint64_t references = at + (uint64_t)((uint8_t *)inner_references(inner) - (uint8_t *)inner);
    uint64_t counts = at + (uint64_t)((uint8_t *)inner_counts(inner) - (uint8_t *)inner);
    unsigned step = inner->count > 8 ? inner->count / 3U : 1;
    subject_block(subject, at, (size_t)1 << inner->size_log);
    for (unsigned i = 0; i < inner->count; i += step) {
        subject_place(subject, references + i * 4, 4);
        subject_link(subject, references + i * 4, tree_offset(inner_references(inner)[i]));
        subject_place(subject, counts + i * 4, 4);
        add_node(subject, inner_references(inner)[i], level - 1);
    }
    subject_place(subject, references + (inner->count - 1U) * 4, 4);
    subject_link(subject, references + (inner->count - 1U) * 4,
                 tree_offset(inner_references(inner)[inner->count - 1U]));
    add_node(subject, inner_references(inner)[inner->count - 1U], level - 1);
}

static struct subject *tree_of(uint32_t count, uint32_t step, uint32_t removed)
{
    struct subject *subject = subject_new();
    subject->root = tree_create(subject->arena, text_tree ? TREE_TEXT : TREE_PLAIN);
    for (uint32_t i = 0; i < count; i++)
        MUST(put(subject, i * step));
    for (uint32_t i = 0; i < removed; i++)
        MUST(take(subject, i * step));
    const struct tree_header *header = (const void *)(subject->arena->base + subject->root);
    subject_block(subject, subject->root, sizeof *header);
    for (unsigned at = 0; at < sizeof *header; at += 4)
        subject_place(subject, subject->root + at, 4);
    if (header->depth != 0) {
        subject_link(subject, subject->root + offsetof(struct tree_header, root), tree_offset(header->root));
        subject_link(subject, subject->root + offsetof(struct tree_header, first), tree_offset(header->first));
        subject_link(subject, subject->root + offsetof(struct tree_header, last), tree_offset(header->last));
        add_node(subject, header->root, header->depth - 1);
    }
    subject_keep(subject);
    return subject;
}

static void walk_tree(struct subject *subject)
{
    struct arena *arena = subject->arena;
    struct tree_cursor cursor;
    struct tree_key key, last = {0, 0};
    char fault[160];
    bool sound = tree_verify(arena, subject->root, fault, sizeof fault);
    MUST(sound || fault[0] != '\0');
    MUST(tree_verify(arena, subject->root, NULL, 0) == sound);
    uint64_t most = tree_count(arena, subject->root), steps = 0;
    tree_seek(arena, subject->root, (struct tree_key){0, 0}, &cursor);
    for (; tree_next(arena, subject->root, &cursor, &key); last = key, steps++) {
        uint32_t length;
        MUST(!sound || text_tree || steps == 0 || tree_key_less(last, key));
        MUST(!sound || text_tree || tree_rank(arena, subject->root, key) == steps);
        (void)(text_tree && tree_text(arena, key, &length) == NULL);
    }
    MUST(sound ? steps == most : most > UINT64_MAX - LEAF_MOST || steps <= most + LEAF_MOST);
    tree_seek_end(arena, subject->root, &cursor);
    for (steps = 0; tree_previous(arena, subject->root, &cursor, &key);)
        steps++;
    MUST(most > UINT64_MAX - LEAF_MOST || steps <= most + LEAF_MOST);
}

static void seek_tree(struct subject *subject)
{
    struct tree_cursor cursor;
    struct tree_key key;
    for (uint32_t i = 0; i < 40; i += 7) {
        MUST(rank_of(subject, i * 97) <= UINT64_MAX - 1);
        if (text_tree)
            tree_seek_text(subject->arena, subject->root, text_of(i * 97), &cursor);
        else
            tree_seek(subject->arena, subject->root, wide_key(i * 97), &cursor);
        for (int steps = 0; steps < 3 && tree_next(subject->arena, subject->root, &cursor, &key);)
            steps++;
    }
}

static void insert_at_the_end(struct subject *subject)
{
    for (uint32_t i = 0; i < 4; i++)
        (void)put(subject, TREE_NEW + i);
}

static void insert_in_the_middle(struct subject *subject)
{
    for (uint32_t i = 0; i < 60; i++)
        (void)put(subject, 2 * i + 601);
}

static void insert_at_the_start(struct subject *subject)
{
    for (uint32_t i = 0; i < 70; i++)
        (void)put(subject, 2 * i + 1);
}

static void remove_from_the_start(struct subject *subject)
{
    for (uint32_t i = 0; i < 200; i++)
        (void)take(subject, 2 * i);
}

static void remove_from_the_end(struct subject *subject)
{
    for (uint32_t i = 0; i < 200; i++)
        (void)take(subject, 2 * (599 - i));
}

static void insert_many(struct subject *subject, uint32_t count)
{
    static struct tree_key keys[4000];
    static uint8_t texts[4000 * 40];
    size_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = (i * 37 % count) * 2 + 1;
        keys[i] = wide_key(n);
        if (text_tree) {
            struct tree_text text = text_of(n);
            keys[i] = (struct tree_key){tree_text_prefix(text.bytes, text.length), (uint64_t)length << 32 | n};
            memcpy(texts + length, &text.length, 4);
            memcpy(texts + length + 4, text.bytes, text.length);
            length += 4 + text.length;
        }
    }
    if (text_tree)
        (void)tree_insert_texts(subject->arena, subject->root, keys, count, texts);
    else
        (void)tree_insert_many(subject->arena, subject->root, keys, count);
}

static void insert_few_at_once(struct subject *subject)
{
    insert_many(subject, 40);
}

static void insert_many_at_once(struct subject *subject)
{
    insert_many(subject, 400);
}

static void free_tree(struct subject *subject)
{
    tree_free(subject->arena, subject->root);
}

static const act_function tree_acts[] = {
    walk_tree,           seek_tree,
    insert_at_the_end,   insert_in_the_middle,
    insert_at_the_start, remove_from_the_start,
    remove_from_the_end, insert_few_at_once,
    insert_many_at_once, free_tree,
};
enum { TREE_ACTS = sizeof tree_acts / sizeof *tree_acts };

/* How many keys, one after the other or with gaps for more, and how many of the
 * first are taken out again: a lone leaf that is small, one that is full, a
 * small root over leaves, one that is full, and all that with leaves that
 * want to join. */
static const uint32_t tree_shapes[][3] = {{0, 2, 0},    {5, 2, 0},     {124, 2, 0},   {600, 2, 0},
                                          {2440, 1, 0}, {600, 2, 500}, {1200, 2, 700}};
enum { TREE_SHAPES = sizeof tree_shapes / sizeof *tree_shapes };

START_TEST(no_number_of_a_tree_is_believed)
{
    text_tree = _i >= TREE_SHAPES;
    const uint32_t *shape = tree_shapes[_i % TREE_SHAPES];
    struct subject *subject = tree_of(shape[0], shape[1], shape[2]);
    damage_numbers(subject, tree_acts, TREE_ACTS, subject->place_count / 60 + 1);
    damage_free_lists(subject, tree_acts, TREE_ACTS, subject->block_count / 3 + 1);
    damage_overlaps(subject, tree_acts, TREE_ACTS, subject->link_count / 4 + 1);
    subject_free(subject);
}
END_TEST

/* Three levels: nodes of the middle one split and join. */
START_TEST(no_number_of_a_deep_tree_is_believed)
{
    text_tree = false;
    struct subject *subject = tree_of(_i == 0 ? 21000 : 22000, 2, _i == 0 ? 0 : 20200);
    static const act_function acts[] = {insert_at_the_end, insert_in_the_middle, remove_from_the_start, free_tree};
    damage_numbers(subject, acts, sizeof acts / sizeof *acts, subject->place_count / 50 + 1);
    damage_free_lists(subject, acts, sizeof acts / sizeof *acts, subject->block_count / 3 + 1);
    damage_overlaps(subject, acts, sizeof acts / sizeof *acts, subject->link_count / 4 + 1);
    subject_free(subject);
}
END_TEST

/* A leaf of one key whose entry is what lies at the start of another node, so
 * that it goes, and its block is zeroed, under that node's header. */
static struct tree_key lone_leaf(struct subject *subject, uint64_t at, struct tree_key key)
{
    struct leaf *leaf = (void *)(subject->arena->base + at);
    uint64_t entry = number_at(subject->arena->base + at + LEAF_HEADER, 2);
    *leaf = (struct leaf){.kind = NODE_LEAF,
                          .size_log = LEAF_LOG_MIN,
                          .bytes_low = 2,
                          .count = 1,
                          .base_high = key.high,
                          .base_low = key.low - entry};
    return key;
}

START_TEST(a_leaf_that_lies_across_its_parent_goes)
{
    text_tree = false;
    struct subject *subject = tree_of(600, 2, 0);
    const struct tree_header *header = (const void *)(subject->arena->base + subject->root);
    struct inner *root = (void *)(subject->arena->base + tree_offset(header->root));
    uint64_t at = tree_offset(header->root) - LEAF_HEADER;
    struct tree_key key = lone_leaf(subject, at, inner_keys(root)[1]);
    inner_references(root)[1] = (uint32_t)(at / 8);
    (void)tree_remove(subject->arena, subject->root, key);
    MUST(subject->arena->damaged);
    subject_free(subject);
}
END_TEST

/* Two neighbours are joined; the one that goes lies across the other's header. */
START_TEST(a_leaf_that_lies_across_its_neighbour_joins)
{
    text_tree = false;
    struct subject *subject = tree_of(600, 2, 0);
    const struct tree_header *header = (const void *)(subject->arena->base + subject->root);
    struct inner *root = (void *)(subject->arena->base + tree_offset(header->root));
    struct leaf *left = (void *)(subject->arena->base + tree_offset(inner_references(root)[1]));
    uint64_t at = tree_offset(inner_references(root)[1]) - 64;
    (void)lone_leaf(subject, at, inner_keys(root)[2]);
    inner_references(root)[2] = (uint32_t)(at / 8);
    MUST(left->count > 32);
    struct tree_key key = inner_keys(root)[1];
    for (uint32_t i = 0; i < 600 && left->kind == NODE_LEAF; i++)
        if (!tree_key_less(wide_key(2 * i), key) && tree_key_less(wide_key(2 * i), inner_keys(root)[2]))
            (void)tree_remove(subject->arena, subject->root, wide_key(2 * i));
    MUST(subject->arena->damaged);
    subject_free(subject);
}
END_TEST

/* The arena, or the memory for sorting, ends at each step: the tree is sound. */
START_TEST(a_tree_without_memory_stays_sound)
{
    static const act_function acts[] = {insert_at_the_end, insert_in_the_middle, insert_few_at_once,
                                        insert_many_at_once};
    text_tree = _i >= TREE_SHAPES;
    const uint32_t *shape = tree_shapes[_i % TREE_SHAPES];
    struct subject *subject = tree_of(shape[0], shape[1], shape[2]);
    subject_run_short(subject, 0);
    MUST(tree_create(subject->arena, TREE_PLAIN) == 0);
    for (size_t a = 0; a < sizeof acts / sizeof *acts; a++) {
        for (uint64_t room = 0; room < 60000; room += room < 4096 ? 128 : 1024) {
            subject_run_short(subject, room);
            acts[a](subject);
            MUST(!subject->arena->damaged);
            walk_tree(subject);
            MUST(!subject->arena->damaged && tree_verify(subject->arena, subject->root, NULL, 0));
        }
        for (int granted = 0; granted < 6; granted++) {
            subject_starve(subject, acts[a], granted);
            MUST(!subject->arena->damaged && tree_verify(subject->arena, subject->root, NULL, 0));
        }
    }
    subject_free(subject);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damaged_tree");
    TCase *tests = tcase_create("damaged_tree");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, no_number_of_a_tree_is_believed, 0, 2 * TREE_SHAPES);
    tcase_add_loop_test(tests, no_number_of_a_deep_tree_is_believed, 0, 2);
    tcase_add_test(tests, a_leaf_that_lies_across_its_parent_goes);
    tcase_add_test(tests, a_leaf_that_lies_across_its_neighbour_joins);
    tcase_add_loop_test(tests, a_tree_without_memory_stays_sound, 0, 2 * TREE_SHAPES);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
