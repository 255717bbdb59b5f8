/* verify_index: the indexes against the log.
 *
 * A second set is built from the log alone and the two are compared: rows,
 * trees and columns cell by cell; hash tables, whose order depends on their
 * past, by their count and by looking every key up.
 */
#include "model/query.h"
#include "model/verify.h"
#include "store/image.h"

#include <stdio.h>
#include <string.h>

static void found_in(struct verify *verify, const struct kind *kind, const struct field *field, const char *fault)
{
    char place[160];
    (void)snprintf(place, sizeof place, "index of %s%s%s", kind->name, field == NULL ? "" : ".",
                   field == NULL ? "" : field->name);
    verify_found(verify, place, "%s", fault);
}

static void found_row(struct verify *verify, const struct kind *kind, uint32_t number, const char *fault)
{
    char place[160];
    (void)snprintf(place, sizeof place, "index of %s, number %u", kind->name, number);
    verify_found(verify, place, "%s", fault);
}

/* ---- trees ---- */

static bool same_key(struct arena *a, struct tree_key one, struct arena *b, struct tree_key two, bool text)
{
    if (!text || one.high != two.high) /* of a text its first bytes, by which it is sought */
        return one.high == two.high && one.low == two.low;
    uint32_t length_one = 0, length_two = 0;
    const uint8_t *bytes_one = tree_text(a, one, &length_one), *bytes_two = tree_text(b, two, &length_two);
    return bytes_one != NULL && bytes_two != NULL && tree_number(one) == tree_number(two) && length_one == length_two &&
           memcmp(bytes_one, bytes_two, length_one) == 0;
}

static void compare_trees(struct verify *verify, const struct kind *kind, const struct field *field, uint64_t tree,
                          struct arena *other, uint64_t expected, bool text)
{
    struct arena *arena = verify->generation->arena;
    struct tree_cursor one, two;
    struct tree_key first, second;
    char fault[160] = "";
    uint64_t count = tree == 0 ? 0 : tree_count(arena, tree);
    if (tree != 0 && !tree_verify(arena, tree, fault, sizeof fault)) {
        found_in(verify, kind, field, fault);
        return;
    }
    if (count != (expected == 0 ? 0 : tree_count(other, expected))) {
        found_in(verify, kind, field, "the number of keys is not what the log gives");
        return;
    }
    if (count == 0)
        return;
    tree_seek(arena, tree, (struct tree_key){0, 0}, &one);
    tree_seek(other, expected, (struct tree_key){0, 0}, &two);
    for (uint64_t i = 0; i < count; i++)
        if (!tree_next(arena, tree, &one, &first) || !tree_next(other, expected, &two, &second) ||
            !same_key(arena, first, other, second, text)) {
            found_in(verify, kind, field, "a key is not what the log gives");
            return;
        }
}

/* ---- tables ---- */

static bool table_has(struct verify *verify, const struct field *field, const uint8_t *key, size_t length,
                      uint32_t number)
{
    struct arena *arena = verify->generation->arena;
    struct hash_cursor cursor;
    uint32_t found;
    if (field->table == 0)
        return false;
    hash_find(arena, field->table, index_hash(verify->generation, field, key, length), &cursor);
    while (hash_next(arena, field->table, &cursor, &found))
        if (found == number)
            return true;
    return false;
}

static void check_keys(struct verify *verify, const struct kind *kind, uint32_t number, const struct row *row)
{
    struct version version;
    struct value value;
    struct buffer *keys = &verify->scratch;
    int32_t status = version_load(&verify->reader, NULL, row->head, &version);
    if (status != CRM_OK) {
        verify->starved |= status == CRM_NOMEM;
        found_row(verify, kind, number, "its newest version cannot be read");
        return;
    }
    for (uint32_t i = 0; i < kind->indexed_count; i++) {
        const struct field *field = kind->indexed[i];
        bool keyed = (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_KEY)) != 0 || field->type == CRM_TYPE_EMAILS;
        if (!keyed || version_get(&version, field->number, &value) != 1)
            continue;
        buffer_reset(keys);
        bool all = index_keys(field, &value, keys);
        verify->starved |= keys->failed;
        for (size_t at = 0; all && at < keys->length;) {
            uint32_t length;
            memcpy(&length, keys->data + at, sizeof length);
            at += sizeof length;
            all = table_has(verify, field, keys->data + at, length, number);
            at += length;
        }
        if (!all)
            found_row(verify, kind, number, "it is not found by one of its keys");
    }
}

static void compare_tables(struct verify *verify, const struct kind *kind, const struct field *field,
                           struct arena *other, uint64_t expected)
{
    struct arena *arena = verify->generation->arena;
    uint64_t count = field->table == 0 ? 0 : hash_count(arena, field->table);
    if (field->table != 0 && !hash_verify(arena, field->table))
        found_in(verify, kind, field, "its table is damaged");
    else if (count != (expected == 0 ? 0 : hash_count(other, expected)))
        found_in(verify, kind, field, "the number of keys is not what the log gives");
}

/* ---- rows and columns ---- */

static bool same_cell(struct arena *arena, const struct field *field, struct arena *other, const struct field *expected,
                      uint32_t number)
{
    const void *one = field->column == 0 ? NULL : column_at(arena, field->column, number, field->width);
    const void *two = expected->column == 0 ? NULL : column_at(other, expected->column, number, field->width);
    if (one != NULL && two != NULL)
        return memcmp(one, two, field->width) == 0;
    int64_t integer;
    double real;
    const void *only = one != NULL ? one : two; /* then it says that nothing is set */
    if (only != NULL && field->type == CRM_TYPE_REAL) {
        memcpy(&real, only, sizeof real);
        return real != real;
    }
    return only == NULL || !cell_get(field, only, &integer);
}

static void compare_row(struct verify *verify, const struct kind *kind, const struct generation *second,
                        const struct kind *copy, uint32_t number)
{
    struct generation *generation = verify->generation;
    const struct row *row = row_at(generation, kind, number), *expected = row_at(second, copy, number);
    const crm_id *id = id_at(generation, kind, number);
    if (row == NULL || expected == NULL || memcmp(row, expected, sizeof *row) != 0 ||
        memcmp(id, id_at(second, copy, number), sizeof *id) != 0) {
        found_row(verify, kind, number, "the record is not what the log gives");
        return;
    }
    if (row->head == 0)
        return;
    if (row_find(generation, kind, id) != number)
        found_row(verify, kind, number, "it is not found by its id");
    if (row->state & ROW_DELETED)
        return;
    check_keys(verify, kind, number, row);
    for (uint32_t i = 0; i < kind->indexed_count; i++)
        if (kind->indexed[i]->width != 0 &&
            !same_cell(generation->arena, kind->indexed[i], second->arena, copy->indexed[i], number))
            found_row(verify, kind, number, "a column's cell is not what the log gives");
    reader_relax(&verify->reader);
}

static void compare_kind(struct verify *verify, const struct kind *kind, const struct generation *second)
{
    const struct kind *copy = schema_kind(&second->schema, kind->number);
    const struct kind_store *store = kind_store(verify->generation, kind);
    const struct kind_store *expected = copy == NULL ? NULL : kind_store(second, copy);
    uint32_t rows = expected == NULL ? 0 : expected->rows;
    if (copy == NULL || copy->indexed_count != kind->indexed_count || rows != (store == NULL ? 0 : store->rows) ||
        (rows > 0 && store->live != expected->live)) {
        found_in(verify, kind, NULL, "the number of records is not what the log gives");
        return;
    }
    if (rows == 0)
        return;
    if (!hash_verify(verify->generation->arena, store->ids) ||
        hash_count(verify->generation->arena, store->ids) != hash_count(second->arena, expected->ids))
        found_in(verify, kind, NULL, "the table of ids is damaged");
    for (uint32_t number = 0; number < rows; number++)
        compare_row(verify, kind, second, copy, number);
    for (uint32_t i = 0; i < kind->indexed_count; i++) {
        const struct field *field = kind->indexed[i], *other = copy->indexed[i];
        compare_trees(verify, kind, field, field->tree, second->arena, other->tree, field->type == CRM_TYPE_TEXT);
        compare_trees(verify, kind, field, field->timeline, second->arena, other->timeline, false);
        compare_tables(verify, kind, field, second->arena, other->table);
    }
}

static void compare_frames(struct verify *verify, const struct generation *second)
{
    const struct generation *generation = verify->generation;
    for (uint64_t lsn = 1; lsn <= generation->applied.lsn && lsn <= UINT32_MAX; lsn++) {
        const struct frame_cell *cell = frame_cell(generation, lsn);
        const struct frame_cell *expected = frame_cell(second, lsn);
        if (cell == NULL || expected == NULL || memcmp(cell, expected, sizeof *cell) != 0) {
            char place[64];
            (void)snprintf(place, sizeof place, "index of transactions, number %llu", (unsigned long long)lsn);
            verify_found(verify, place, "it is not what the log gives");
        }
    }
}

/* The file beside the log may be older than what is in memory; each block of it vouches for itself. */
static void check_image_file(struct verify *verify)
{
    crm_db *db = verify->db;
    struct arena *arena = NULL;
    struct image_point point;
    if (!db->options.image || image_open(db->files, db->memory, db->image_path, &point, &arena, NULL) != CRM_OK)
        return; /* an opening would build it anew */
    if (!image_verify(arena))
        verify_found(verify, db->image_path, "the index file is damaged; delete it, it is built anew");
    arena_free(arena);
}

int32_t verify_index(struct verify *verify, crm_error *error)
{
    struct generation *generation = verify->generation, *second;
    check_image_file(verify);
    db_flush(generation);
    rwlock_read(&generation->lock);
    int32_t status = db_second(generation, &second, error);
    if (status == CRM_OK) {
        if (generation->bad || generation->arena->damaged || !image_verify(generation->arena)) {
            verify_found(verify, "index", "the index is damaged; it is built anew when it is next used");
        } else {
            for (uint32_t k = 0; k < generation->schema.kind_count; k++)
                compare_kind(verify, generation->schema.kinds[k], second);
            compare_frames(verify, second);
        }
        db_second_free(second);
    } else if (status == CRM_CORRUPT && error != NULL) {
        verify_found(verify, "log", "%s", error->message);
        status = CRM_OK;
    }
    rwlock_unlock(&generation->lock);
    return status;
}
