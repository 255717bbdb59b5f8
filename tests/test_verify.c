/* Verify: a sound file is found sound, and damage anywhere in log or index is
 * found and placed (P3).
 * Proves P5. */
#include "care_fixture.h"

#include "model/db.h"
#include "store/image.h"
#include "store/tree_node.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct care care;

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

/* Records of several kinds with lists, long texts, references, a kind of the
 * user's own, versions, deletions and an erasure. */
static void fill(void)
{
    uint32_t machine, weight;
    char name[64], text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_kind_add(txn, "machine", CRM_NUL, &machine), CRM_OK);
    ck_assert_int_eq(
        crm_field_add(txn, machine, "weight", CRM_NUL, CRM_TYPE_REAL, CRM_FLAG_HOT | CRM_FLAG_INDEXED, 0, &weight),
        CRM_OK);
    for (int i = 0; i < 150; i++) {
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "Customer %d", i);
        crm_set_text(customer, CRM_CUSTOMER_NAME, name, CRM_NUL);
        snprintf(name, sizeof name, "c%d@example.com", i);
        crm_item_add(customer, CRM_CUSTOMER_EMAILS, name, CRM_NUL);
        snprintf(name, sizeof name, "+49 30 %d", 100000 + i);
        crm_item_add(customer, CRM_CUSTOMER_PHONES, name, CRM_NUL);
        crm_record *talk = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(talk, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
        crm_set_int(talk, CRM_INTERACTION_START, CARE_START - i * CARE_DAY);
        crm_set_ref_record(talk, CRM_INTERACTION_CUSTOMER, customer);
        crm_set_text(talk, CRM_INTERACTION_BODY, text, CRM_NUL);
        crm_record *own = crm_create(txn, machine);
        if (i % 3 != 0)
            crm_set_real(own, weight, i / 7.0);
    }
    care_commit(txn);
    for (int round = 0; round < 5; round++) {
        txn = care_begin(&care, "ole");
        crm_view *view = care_view(&care);
        crm_query *query;
        crm_record *record;
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
        for (int i = 0; crm_query_next(query, &record, NULL) == CRM_OK; i++) {
            crm_id id = care_id(record);
            crm_record *edit = crm_edit(txn, CRM_KIND_CUSTOMER, &id);
            snprintf(name, sizeof name, "Customer %d.%d", i, round);
            if (i % 50 == round)
                crm_delete(edit);
            else if (i % 50 == 10 + round)
                crm_erase(edit);
            else
                crm_set_text(edit, CRM_CUSTOMER_NAME, name, CRM_NUL);
        }
        crm_query_free(query);
        crm_view_close(view);
        care_commit(txn);
    }
}

static void sound(void)
{
    crm_error error = {0};
    crm_table *table = NULL;
    care_ok(crm_verify(care.db, &table, &error), &error);
    ck_assert_uint_eq(crm_table_rows(table), 0);
    crm_table_free(table);
}

START_TEST(a_new_file_is_sound)
{
    sound();
}
END_TEST

START_TEST(a_file_is_sound_after_writing_reopening_rebuilding_and_compacting)
{
    crm_error error = {0};
    fill();
    sound();
    care_reopen(&care); /* the indexes come from the image now */
    sound();
    care_ok(crm_compact(care.db, &error), &error);
    sound();
    care_customer(&care, "After");
    sound();
    care_reopen(&care);
    sound();
    care_ok(crm_compact(care.db, &error), &error); /* packs of packs */
    care_ok(crm_rebuild(care.db, &error), &error);
    sound();
}
END_TEST

static crm_db *open_read_only(const char *path)
{
    crm_error error = {0};
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    ck_assert_ptr_nonnull(options);
    crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1);
    crm_options_set_int(options, CRM_OPTION_CREATE, 0);
    crm_options_set_int(options, CRM_OPTION_IMAGE, 0);
    int32_t status = crm_open(path, options, &db, &error);
    crm_options_free(options);
    return status == CRM_OK ? db : NULL;
}

/* P3: one flipped bit anywhere from the first frame on is found, and placed at
 * or before the byte it is in, not more than a transaction away. */
START_TEST(a_flipped_bit_of_the_log_is_found)
{
    size_t length;
    fill();
    care_close(&care);
    unsigned char *bytes = care_read(care.path, &length);
    free(bytes);
    for (size_t at = 8192 + 1; at < length; at += length / 40) {
        crm_error error = {0};
        crm_table *table = NULL;
        care_damage(care.path, at);
        crm_db *db = open_read_only(care.path);
        if (db != NULL) { /* else it was found at once */
            int32_t status = crm_verify(db, &table, &error);
            ck_assert_msg(status == CRM_CORRUPT, "byte %zu: not found", at);
            ck_assert_uint_ge(crm_table_rows(table), 1);
            unsigned long long place = 0;
            ck_assert_int_eq(sscanf(crm_table_text(table, 0, 0, NULL), "byte %llu", &place), 1);
            ck_assert_msg(place <= at, "byte %zu: said to be at %llu", at, place);
            crm_table_free(table);
            ck_assert_int_eq(crm_close(db), CRM_OK);
        }
        care_damage(care.path, at); /* back */
    }
    care_open(&care);
    sound();
}
END_TEST

/* An index that says something else than the log: each structure in turn. */
static void spoilt(const char *place)
{
    crm_error error = {0};
    crm_table *table = NULL;
    ck_assert_msg(crm_verify(care.db, &table, &error) == CRM_CORRUPT, "%s: not found", place);
    bool found = false;
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        found |= strncmp(crm_table_text(table, row, 0, NULL), place, strlen(place)) == 0;
    ck_assert_msg(found, "%s: %s", place, error.message);
    crm_table_free(table);
    care_ok(crm_rebuild(care.db, &error), &error);
    sound();
}

START_TEST(an_index_that_differs_from_the_log_is_found)
{
    fill();
    struct generation *generation = care.db->now;
    struct kind *customer = schema_kind(&generation->schema, CRM_KIND_CUSTOMER);
    struct field *name = schema_field(customer, CRM_CUSTOMER_NAME);
    struct tree_cursor cursor;
    struct tree_key key;

    struct row *row = row_at(generation, customer, 43);
    row->state ^= ROW_ERASED;
    spoilt("index of customer, number 43");

    kind_store(generation, customer)->live--;
    spoilt("index of customer");

    tree_seek(generation->arena, name->tree, (struct tree_key){0, 0}, &cursor);
    ck_assert(tree_next(generation->arena, name->tree, &cursor, &key));
    struct tree_text text = {.number = tree_number(key)};
    text.bytes = tree_text(generation->arena, key, &text.length);
    ck_assert(tree_remove_text(generation->arena, name->tree, text));
    spoilt("index of customer.name");

    /* The one pipeline's name sorts by its first letters as if they were others. */
    struct tree tree;
    struct leaf_view view;
    struct kind *pipeline = schema_kind(&generation->schema, CRM_KIND_PIPELINE);
    ck_assert(tree_open(generation->arena, schema_field(pipeline, CRM_PIPELINE_NAME)->tree, &tree));
    ck_assert(leaf_open(generation->arena, tree.header->first, &view));
    view.leaf->base_high++;
    spoilt("index of pipeline.name");

    struct field *stage = schema_field(customer, CRM_CUSTOMER_STAGE);
    ck_assert(tree_remove(generation->arena, stage->tree, (struct tree_key){index_int_key(stage, 1), 41}));
    ck_assert(tree_insert(generation->arena, stage->tree, (struct tree_key){index_int_key(stage, 2), 41}));
    spoilt("index of customer.stage");

    uint16_t *cell = column_at(generation->arena, stage->column, 42, sizeof *cell);
    *cell = 2;
    spoilt("index of customer, number 42");

    struct field *emails = schema_field(customer, CRM_CUSTOMER_EMAILS);
    uint64_t hash = index_hash(generation, emails, "c40@example.com", 15);
    ck_assert(hash_remove(generation->arena, emails->table, hash, 40));
    ck_assert(hash_insert(generation->arena, emails->table, hash + 1, 40));
    spoilt("index of customer, number 40");

    struct frame_cell *frame = frame_cell(generation, 2);
    frame->time++;
    spoilt("index of transactions");
}
END_TEST

/* P6.  As a forged index file can say it: reading such a column as what it should be
 * would go beyond its end. */
START_TEST(a_column_of_another_width_is_found_and_not_read)
{
    fill();
    struct generation *generation = care.db->now;
    struct kind *customer = schema_kind(&generation->schema, CRM_KIND_CUSTOMER);
    for (int which = 0; which < 4; which++) {
        struct kind_store *store = kind_store(generation, customer);
        const uint64_t columns[] = {store->rows_column, store->ids_column,
                                    schema_field(customer, CRM_CUSTOMER_STAGE)->column, generation->frames};
        struct column_header *header = arena_at(generation->arena, columns[which], sizeof *header);
        header->width = 1;
        spoilt(which == 3 ? "index of transactions" : "index of customer");
    }
}
END_TEST

START_TEST(a_damaged_index_file_is_found)
{
    crm_error error = {0};
    crm_table *table = NULL;
    char path[128];
    fill();
    care_ok(crm_rebuild(care.db, &error), &error); /* writes it */
    snprintf(path, sizeof path, "%s-index", care.path);
    care_damage(path, 4096 * 5 + 100);
    ck_assert_int_eq(crm_verify(care.db, &table, &error), CRM_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "-index"));
    crm_table_free(table);
    ck_assert_int_eq(unlink(path), 0);
    sound();
}
END_TEST

/* One record by its id, and the one that it refers to: right, or the answer is that the index is damaged. */
static void right_or_damaged(crm_view *view, const crm_id *talk, const crm_id *customer)
{
    crm_record *record = NULL;
    crm_id id;
    char text[37];
    int32_t status = crm_get(view, CRM_KIND_INTERACTION, talk, &record, NULL);
    ck_assert_msg(status == CRM_OK || status == CRM_CORRUPT, "status %d", status);
    if (status != CRM_OK)
        return;
    crm_id_format(customer, text);
    ck_assert_str_eq(crm_format(record, CRM_INTERACTION_CUSTOMER, NULL), text);
    ck_assert_int_eq(crm_ref(record, CRM_INTERACTION_CUSTOMER, NULL, &id), CRM_OK);
    ck_assert_mem_eq(&id, customer, sizeof id);
    ck_assert_int_eq(crm_int(record, CRM_FIELD_CREATED_AT), CARE_START);
    ck_assert_str_eq(crm_text(record, CRM_FIELD_CREATED_BY, NULL), "mia");
    crm_record_id(record, &id);
    ck_assert_mem_eq(&id, talk, sizeof id);
    crm_record_free(record);
}

/* P5: what a damaged block hides is not taken for what is not there, whoever meets it first. */
START_TEST(an_index_damaged_anywhere_gives_no_wrong_answer)
{
    char path[256];
    crm_error error = {0};
    crm_query *query;
    crm_record *record;
    size_t length;
    fill();
    crm_view *view = care_view(&care);
    care_ok(crm_query_create(view, CRM_KIND_INTERACTION, &query, &error), &error);
    care_ok(crm_query_next(query, &record, &error), &error);
    crm_id talk = care_id(record), customer;
    ck_assert_int_eq(crm_ref(record, CRM_INTERACTION_CUSTOMER, NULL, &customer), CRM_OK);
    crm_query_free(query);
    crm_view_close(view);
    care_ok(crm_rebuild(care.db, &error), &error);
    care_close(&care);
    snprintf(path, sizeof path, "%s-index", care.path);
    unsigned char *bytes = care_read(path, &length);
    for (size_t at = 4096; at < length; at += 89) {
        care_damage(path, at);
        care_open(&care);
        view = care_view(&care);
        right_or_damaged(view, &talk, &customer);
        right_or_damaged(view, &talk, &customer); /* and then it was built anew */
        crm_view_close(view);
        care_close(&care);
        FILE *file = fopen(path, "wb");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
        ck_assert_int_eq(fclose(file), 0);
    }
    free(bytes);
    care_open(&care);
}
END_TEST

/* The index file, to be forged: opened, the point that it stands for, and where the customers are. */
static struct arena *index_of(char path[256], struct image_point *point, uint64_t *customers)
{
    struct arena *arena = NULL;
    crm_error error = {0};
    fill();
    care_ok(crm_rebuild(care.db, &error), &error);
    *customers = schema_kind(&care.db->now->schema, CRM_KIND_CUSTOMER)->store;
    care_close(&care);
    snprintf(path, 256, "%s-index", care.path);
    care_ok(image_open(file_ops_default(), memory_default(), path, point, &arena, &error), &error);
    return arena;
}

/* Puts it there with right checksums; it must not be used. */
static void forged_index_is_not_used(const char *path, struct arena *arena, const struct image_point *point)
{
    crm_error error = {0};
    care_ok(image_write(file_ops_default(), path, arena, point, &error), &error);
    arena_free(arena);
    care_open(&care);
    crm_view *view = care_view(&care);
    ck_assert_uint_eq(care_count(view, CRM_KIND_INTERACTION), 150);
    crm_view_close(view);
    sound();
}

/* It would be walked row by row. */
START_TEST(an_index_that_counts_rows_it_has_no_cells_for_is_not_used)
{
    char path[256];
    struct image_point point;
    uint64_t customers;
    struct arena *arena = index_of(path, &point, &customers);
    struct kind_store *store = arena_at(arena, customers, sizeof *store);
    ck_assert_uint_eq(store->rows, 150);
    store->rows = UINT32_MAX;
    forged_index_is_not_used(path, arena, &point);
}
END_TEST

/* The file would be taken for a new one. */
START_TEST(an_index_of_no_transaction_that_holds_records_is_not_used)
{
    char path[256];
    struct image_point point;
    uint64_t customers;
    struct arena *arena = index_of(path, &point, &customers);
    point.at.lsn = 0;
    forged_index_is_not_used(path, arena, &point);
}
END_TEST

/* The customer of the first interaction, as a new view says. */
static void customer_told(char out[37])
{
    crm_error error = {0};
    crm_query *query;
    crm_record *record;
    crm_id id;
    crm_view *view = care_view(&care);
    care_ok(crm_query_create(view, CRM_KIND_INTERACTION, &query, &error), &error);
    care_ok(crm_query_next(query, &record, &error), &error);
    ck_assert_int_eq(crm_ref(record, CRM_INTERACTION_CUSTOMER, NULL, &id), CRM_OK);
    crm_id_format(&id, out);
    crm_query_free(query);
    crm_view_close(view);
}

START_TEST(what_an_index_lied_is_forgotten_when_it_is_built_anew)
{
    char path[256], before[37], lied[37], after[37];
    crm_error error = {0};
    struct image_point point;
    uint64_t customers;
    struct arena *arena = index_of(path, &point, &customers);
    care_open(&care);
    customer_told(before);
    care_close(&care);
    const struct kind_store *store = arena_at(arena, customers, sizeof *store);
    crm_id *id = column_at(arena, store->ids_column, 0, sizeof *id);
    id->bytes[1] ^= 1;
    care_ok(image_write(file_ops_default(), path, arena, &point, &error), &error);
    arena_free(arena);
    care_open(&care);
    customer_told(lied);
    ck_assert_str_ne(lied, before);
    care_ok(crm_rebuild(care.db, &error), &error);
    customer_told(after);
    ck_assert_str_eq(after, before);
}
END_TEST

/* Nothing lies at an odd place: reading it there would be undefined (the sanitizers see it). */
START_TEST(an_index_whose_table_lies_askew_is_not_used)
{
    enum { ROOT_SLOTS = ARENA_ROOT + 16 }; /* the offset of the table of structures, see roots.c */
    char path[256];
    struct image_point point;
    uint64_t customers;
    struct arena *arena = index_of(path, &point, &customers);
    uint64_t *slots = arena_at(arena, ROOT_SLOTS, sizeof *slots);
    *slots += 4;
    forged_index_is_not_used(path, arena, &point);
}
END_TEST

START_TEST(wrong_calls_are_answered)
{
    crm_error error = {0};
    ck_assert_int_eq(crm_verify(NULL, NULL, &error), CRM_MISUSE);
    care_ok(crm_verify(care.db, NULL, &error), &error);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_stat(NULL, &table, &error), CRM_MISUSE);
    ck_assert_int_eq(crm_stat(care.db, NULL, &error), CRM_MISUSE);
}
END_TEST

/* Figures that can be counted by hand. */
START_TEST(figures_are_right)
{
    crm_error error = {0};
    crm_table *table = NULL;
    crm_id one = care_customer(&care, "One");
    care_customer(&care, "Two");
    crm_txn *txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &one));
    care_commit(txn);
    care_ok(crm_stat(care.db, &table, &error), &error);
    static const char *const expected[][2] = {
        {"transactions", "4"}, /* a new file's own, two customers, the deletion */
        {"customer records", "1"},   {"customer records deleted", "1"},
        {"setting currency", "EUR"}, {"last transaction", "2024-10-04T00:00:00Z"},
        {"compactions", "0"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const char *value = NULL;
        for (uint64_t row = 0; row < crm_table_rows(table); row++)
            if (strcmp(crm_table_text(table, row, 0, NULL), expected[i][0]) == 0)
                value = crm_table_text(table, row, 1, NULL);
        ck_assert_msg(value != NULL, "%s", expected[i][0]);
        ck_assert_str_eq(value, expected[i][1]);
    }
    crm_table_free(table);
}
END_TEST

/* P6: an index file with right checksums that claims more rows than it has is
 * not used: a scan would go through all of them. */
START_TEST(an_index_file_with_rows_that_are_not_there_is_not_used)
{
    crm_error error = {0};
    fill();
    care_ok(crm_rebuild(care.db, &error), &error);
    const struct kind *kind = schema_kind(&care.db->now->schema, CRM_KIND_CUSTOMER);
    kind_store(care.db->now, kind)->rows = UINT32_MAX / 2;
    care_ok(db_write_image(care.db->now, &error), &error);
    kind_store(care.db->now, kind)->rows = 150;
    care_reopen(&care);
    ck_assert_uint_eq(kind_rows(care.db->now, schema_kind(&care.db->now->schema, CRM_KIND_CUSTOMER)), 150);
    sound();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *tests = tcase_create("verify");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_new_file_is_sound);
    tcase_add_test(tests, a_file_is_sound_after_writing_reopening_rebuilding_and_compacting);
    tcase_add_test(tests, a_flipped_bit_of_the_log_is_found);
    tcase_add_test(tests, an_index_that_differs_from_the_log_is_found);
    tcase_add_test(tests, a_column_of_another_width_is_found_and_not_read);
    tcase_add_test(tests, a_damaged_index_file_is_found);
    tcase_add_test(tests, an_index_damaged_anywhere_gives_no_wrong_answer);
    tcase_add_test(tests, an_index_that_counts_rows_it_has_no_cells_for_is_not_used);
    tcase_add_test(tests, an_index_file_with_rows_that_are_not_there_is_not_used);
    tcase_add_test(tests, an_index_of_no_transaction_that_holds_records_is_not_used);
    tcase_add_test(tests, what_an_index_lied_is_forgotten_when_it_is_built_anew);
    tcase_add_test(tests, an_index_whose_table_lies_askew_is_not_used);
    tcase_add_test(tests, wrong_calls_are_answered);
    tcase_add_test(tests, figures_are_right);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
