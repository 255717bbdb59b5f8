/* import_fixture.c: see import_fixture.h. */
#include "import_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_rejects(crm_import *import, struct imported *out)
{
    uint64_t line, column;
    const char *why, *row;
    size_t length;
    while (crm_import_reject(import, &line, &column, &why, &row, &length) == CRM_OK) {
        ck_assert_int_eq(row[length], 0);
        if (out->reject_count < IMPORTED_REJECTS) {
            out->rejects[out->reject_count].line = line;
            out->rejects[out->reject_count].column = column;
            snprintf(out->rejects[out->reject_count].why, sizeof out->rejects->why, "%s", why);
            snprintf(out->rejects[out->reject_count].row, sizeof out->rejects->row, "%s", row);
        }
        out->reject_count++;
    }
}

static void take_counts(const crm_import *import, struct imported *out)
{
    out->read = crm_import_count(import, CRM_IMPORT_READ);
    out->created = crm_import_count(import, CRM_IMPORT_CREATED);
    out->updated = crm_import_count(import, CRM_IMPORT_UPDATED);
    out->unchanged = crm_import_count(import, CRM_IMPORT_UNCHANGED);
    out->filtered = crm_import_count(import, CRM_IMPORT_FILTERED);
    out->merged = crm_import_count(import, CRM_IMPORT_MERGED);
    out->rejected = crm_import_count(import, CRM_IMPORT_REJECTED);
    out->others = crm_import_count(import, CRM_IMPORT_OTHERS);
    if (out->status != CRM_OK && out->status != CRM_REFUSED)
        return;
    ck_assert_uint_eq(out->read,
                      out->created + out->updated + out->unchanged + out->filtered + out->merged + out->rejected);
    ck_assert_uint_eq(out->rejected, (uint64_t)out->reject_count);
}

struct imported import_pieces(crm_db *db, uint32_t kind, const void *bytes, size_t length, size_t piece,
                              const char *const *settings)
{
    struct imported out;
    crm_import *import = NULL;
    const char *at = bytes;
    memset(&out, 0, sizeof out);
    out.status = crm_import_create(db, kind, &import, &out.error);
    for (size_t i = 0; out.status == CRM_OK && settings != NULL && settings[i] != NULL; i += 2)
        out.status = crm_import_set(import, settings[i], settings[i + 1], CRM_NUL, &out.error);
    for (size_t left = length; out.status == CRM_OK && left > 0;) {
        size_t size = left < piece ? left : piece;
        /* A copy of its own, so that reading beyond the piece is seen by a sanitizer. */
        char *copy = malloc(size);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, at, size);
        out.status = crm_import_feed(import, copy, size, &out.error);
        free(copy);
        take_rejects(import, &out);
        at += size;
        left -= size;
    }
    if (out.status == CRM_OK)
        out.status = crm_import_finish(import, &out.error);
    if (import != NULL) {
        take_rejects(import, &out);
        take_counts(import, &out);
    }
    crm_import_free(import);
    return out;
}

struct imported import_text(crm_db *db, uint32_t kind, const char *text, const char *const *settings)
{
    return import_pieces(db, kind, text, strlen(text), strlen(text) + 1, settings);
}

void import_clean(const struct imported *imported)
{
    ck_assert_msg(imported->status == CRM_OK, "%s", imported->error.message);
    ck_assert_msg(imported->reject_count == 0, "line %d: %s", (int)imported->rejects[0].line, imported->rejects[0].why);
}

crm_record *import_find(crm_view *view, uint32_t kind, uint32_t field, const char *text)
{
    crm_record *record = NULL;
    crm_error error;
    ck_assert_msg(crm_find(view, kind, field, text, CRM_NUL, &record, &error) == CRM_OK, "%s: %s", text, error.message);
    return record;
}

uint64_t import_count(crm_db *db, uint32_t kind)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    uint64_t count = 0;
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
    crm_query_free(query);
    crm_view_close(view);
    return count;
}

char *export_text(crm_db *db, uint32_t kind, const char *format, const char *columns, const char *order, size_t *length)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_export *export = NULL;
    crm_error error;
    const char *bytes;
    size_t size;
    char *text = calloc(1, 1);
    int32_t status;
    *length = 0;
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
    if (order != NULL)
        ck_assert_int_eq(crm_query_order(query, crm_field_find(db, kind, order, CRM_NUL), 0), CRM_OK);
    ck_assert_msg(crm_export_create(query, format, columns, &export, &error) == CRM_OK, "%s", error.message);
    while ((status = crm_export_next(export, &bytes, &size, &error)) == CRM_OK) {
        text = realloc(text, *length + size + 1);
        ck_assert_ptr_nonnull(text);
        memcpy(text + *length, bytes, size);
        *length += size;
        text[*length] = 0;
    }
    ck_assert_msg(status == CRM_DONE, "%s", error.message);
    crm_export_free(export);
    crm_query_free(query);
    crm_view_close(view);
    return text;
}
