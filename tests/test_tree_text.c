/* Ordered texts against an array sorted by memcmp. */
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

static uint64_t random_next(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct arena *arena_new(void)
{
    struct arena *arena = NULL;
    MUST(arena_create(memory_default(), &arena, NULL) == CRM_OK);
    return arena;
}

static uint64_t bytes_of(struct arena *arena, uint64_t before)
{
    return arena->used - arena_free_bytes(arena) - before;
}

enum { TEXTS_MAX = 4000, TEXT_SIZE = 40 };
struct entry {
    uint8_t bytes[TEXT_SIZE];
    uint32_t length, number;
};

static int entry_order(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    uint32_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->bytes, b->bytes, shorter);
    if (order == 0)
        order = (a->length > b->length) - (a->length < b->length);
    if (order == 0)
        order = (a->number > b->number) - (a->number < b->number);
    return order;
}

static struct entry entry_make(uint64_t *state)
{
    static const char *const words[] = {
        "",       "a",      "abcdefgh", "abcdefghi", "abcdefgh\0", "gesellschaft ", "gesellschaft mit ", "東京",
        "東京都", "москва", "المملكة",  "özgür",     "zz"};
    struct entry entry;
    memset(&entry, 0, sizeof entry);
    uint64_t r = random_next(state);
    const char *word = words[r % 13];
    size_t length = r % 13 == 4 ? 9 : strlen(word);
    memcpy(entry.bytes, word, length);
    for (uint64_t more = r >> 8 & 3; more > 0; more--) /* a few of few letters, zero among them */
        entry.bytes[length++] = (uint8_t)(random_next(state) % 3 == 0 ? 0 : 'a' + random_next(state) % 4);
    entry.length = (uint32_t)length;
    entry.number = (uint32_t)(r >> 16) % 50;
    return entry;
}

static struct tree_text text_of(const struct entry *entry)
{
    return (struct tree_text){entry->bytes, entry->length, entry->number};
}

struct texts {
    struct entry *entries;
    size_t count;
};

static size_t texts_lower(const struct texts *texts, const struct entry *entry)
{
    size_t at = 0;
    while (at < texts->count && entry_order(&texts->entries[at], entry) < 0)
        at++;
    return at;
}

static void compare_texts(struct arena *arena, uint64_t tree, const struct texts *texts, uint64_t *state)
{
    char fault[160];
    struct tree_cursor cursor;
    struct tree_key key;
    uint32_t length;
    ck_assert_msg(tree_verify(arena, tree, fault, sizeof fault), "%s", fault);
    MUST(tree_count(arena, tree) == texts->count);
    tree_seek(arena, tree, (struct tree_key){0, 0}, &cursor);
    tree_seek_text(arena, tree, (struct tree_text){(const uint8_t *)"", 0, 0}, &cursor);
    for (size_t i = 0; i < texts->count; i++) {
        MUST(tree_next(arena, tree, &cursor, &key));
        const uint8_t *bytes = tree_text(arena, key, &length);
        ck_assert_ptr_nonnull(bytes);
        MUST(length == texts->entries[i].length);
        MUST(tree_number(key) == texts->entries[i].number);
        MUST(memcmp(bytes, texts->entries[i].bytes, length) == 0);
    }
    MUST(!tree_next(arena, tree, &cursor, &key));
    for (int i = 0; i < 50; i++) {
        struct entry probe = entry_make(state);
        MUST(tree_rank_text(arena, tree, text_of(&probe)) == texts_lower(texts, &probe));
    }
}

START_TEST(texts_are_kept_in_the_order_of_their_bytes)
{
    struct arena *arena = arena_new();
    struct texts texts = {calloc(TEXTS_MAX, sizeof(struct entry)), 0};
    uint64_t tree = tree_create(arena, TREE_TEXT);
    uint64_t state = 31337;
    uint64_t before = bytes_of(arena, 0);
    arena->damaged = false;
    for (int i = 0; i < 16000; i++) {
        struct entry entry = entry_make(&state);
        size_t at = texts_lower(&texts, &entry);
        bool there = at < texts.count && entry_order(&texts.entries[at], &entry) == 0;
        if (random_next(&state) % 10 < (i < 8000 ? 7 : 3) && texts.count < TEXTS_MAX) {
            MUST(tree_insert_text(arena, tree, text_of(&entry)));
            if (!there) {
                memmove(texts.entries + at + 1, texts.entries + at, (texts.count - at) * sizeof entry);
                texts.entries[at] = entry;
                texts.count++;
            }
        } else {
            if (texts.count != 0 && random_next(&state) % 2) {
                at = random_next(&state) % texts.count;
                entry = texts.entries[at];
                there = true;
            }
            MUST(tree_remove_text(arena, tree, text_of(&entry)) == there);
            if (there) {
                memmove(texts.entries + at, texts.entries + at + 1, (texts.count - at - 1) * sizeof entry);
                texts.count--;
            }
        }
        if (i % 1000 == 0)
            compare_texts(arena, tree, &texts, &state);
    }
    while (texts.count > 0)
        MUST(tree_remove_text(arena, tree, text_of(&texts.entries[--texts.count])));
    MUST(!arena->damaged);
    MUST(bytes_of(arena, before) == 0); /* every copy was given back */
    free(texts.entries);
    arena_free(arena);
}
END_TEST

START_TEST(many_texts_at_once_are_the_same_as_one_by_one)
{
    static const size_t batches[] = {1, 40, 2500, 5, 300, 7, 900};
    struct arena *arena = arena_new();
    struct texts texts = {calloc(TEXTS_MAX, sizeof(struct entry)), 0};
    struct tree_key *keys = calloc(TEXTS_MAX, sizeof *keys);
    uint8_t *bytes = malloc((size_t)TEXTS_MAX * (TEXT_SIZE + 4));
    uint64_t tree = tree_create(arena, TREE_TEXT);
    uint64_t state = 2718;
    uint64_t before = bytes_of(arena, 0);
    for (size_t batch = 0; batch < sizeof batches / sizeof *batches; batch++) {
        size_t length = 0;
        for (size_t i = 0; i < batches[batch]; i++) {
            struct entry entry = entry_make(&state);
            keys[i] =
                (struct tree_key){tree_text_prefix(entry.bytes, entry.length), (uint64_t)length << 32 | entry.number};
            memcpy(bytes + length, &entry.length, 4);
            memcpy(bytes + length + 4, entry.bytes, entry.length);
            length += 4 + entry.length;
            size_t at = texts_lower(&texts, &entry);
            if (at < texts.count && entry_order(&texts.entries[at], &entry) == 0)
                continue;
            memmove(texts.entries + at + 1, texts.entries + at, (texts.count - at) * sizeof entry);
            texts.entries[at] = entry;
            texts.count++;
        }
        MUST(tree_insert_texts(arena, tree, keys, batches[batch], bytes));
        compare_texts(arena, tree, &texts, &state);
    }
    while (texts.count > 0)
        MUST(tree_remove_text(arena, tree, text_of(&texts.entries[--texts.count])));
    MUST(!arena->damaged);
    MUST(bytes_of(arena, before) == 0); /* every copy was shared and given back */
    free(texts.entries);
    free(keys);
    free(bytes);
    arena_free(arena);
}
END_TEST

/* Keys that name a text the tree has: the same texts under further numbers, the
 * last one first. */
START_TEST(many_keys_of_known_texts_are_sorted)
{
    enum { COUNT = 200 };
    struct arena *arena = arena_new();
    struct tree_key keys[COUNT], key;
    struct tree_cursor cursor;
    char text[32];
    uint64_t tree = tree_create(arena, TREE_TEXT);
    for (uint32_t i = 0; i < COUNT; i++) {
        int length = snprintf(text, sizeof text, "the same start %05u", i);
        MUST(tree_insert_text(arena, tree, (struct tree_text){(const uint8_t *)text, (uint32_t)length, i}));
    }
    tree_seek(arena, tree, (struct tree_key){0, 0}, &cursor);
    for (uint32_t i = 0; i < COUNT; i++) {
        MUST(tree_next(arena, tree, &cursor, &key));
        key.low += COUNT; /* the number */
        keys[COUNT - 1 - i] = key;
    }
    MUST(tree_insert_many(arena, tree, keys, COUNT));
    MUST(tree_count(arena, tree) == 2 * COUNT && tree_verify(arena, tree, NULL, 0));
    tree_seek(arena, tree, (struct tree_key){0, 0}, &cursor);
    for (uint32_t i = 0; i < 2 * COUNT; i++)
        MUST(tree_next(arena, tree, &cursor, &key) && tree_number(key) == i / 2 + i % 2 * COUNT);
    arena_free(arena);
}
END_TEST

START_TEST(equal_texts_share_one_copy)
{
    struct arena *arena = arena_new();
    uint64_t tree = tree_create(arena, TREE_TEXT);
    uint8_t text[4000];
    memset(text, 'x', sizeof text);
    uint64_t before = bytes_of(arena, 0);
    for (uint32_t i = 0; i < 1000; i++)
        MUST(tree_insert_text(arena, tree, (struct tree_text){text, sizeof text, i * 37 % 1000}));
    MUST(tree_count(arena, tree) == 1000);
    ck_assert_uint_lt(bytes_of(arena, before), 30000); /* 4 million without sharing */
    tree_free(arena, tree);
    ck_assert_uint_le(bytes_of(arena, 0), before);
    arena_free(arena);
}
END_TEST

START_TEST(damaged_texts_do_no_harm)
{
    uint64_t state = 100;
    for (int round = 0; round < 200; round++) {
        struct arena *arena = arena_new();
        struct tree_cursor cursor;
        struct tree_key key;
        uint32_t length;
        char fault[160];
        uint64_t tree = tree_create(arena, TREE_TEXT);
        for (int i = 0; i < 10 * (round % 40); i++) {
            struct entry entry = entry_make(&state);
            MUST(tree_insert_text(arena, tree, text_of(&entry)));
        }
        for (int i = 0; i <= round % 7; i++)
            arena->base[4096 + random_next(&state) % (arena->used - 4096)] = (uint8_t)random_next(&state);
        (void)tree_verify(arena, tree, fault, sizeof fault);
        for (int i = 0; i < 100; i++) {
            struct entry entry = entry_make(&state);
            (void)tree_rank_text(arena, tree, text_of(&entry));
            (void)tree_insert_text(arena, tree, text_of(&entry));
            entry = entry_make(&state);
            (void)tree_remove_text(arena, tree, text_of(&entry));
            tree_seek_text(arena, tree, text_of(&entry), &cursor);
            if (tree_next(arena, tree, &cursor, &key))
                (void)tree_text(arena, key, &length);
        }
        tree_free(arena, tree);
        arena_free(arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree_text");
    TCase *tests = tcase_create("tree_text");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, texts_are_kept_in_the_order_of_their_bytes);
    tcase_add_test(tests, many_texts_at_once_are_the_same_as_one_by_one);
    tcase_add_test(tests, many_keys_of_known_texts_are_sorted);
    tcase_add_test(tests, equal_texts_share_one_copy);
    tcase_add_test(tests, damaged_texts_do_no_harm);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
