/* domain_fixture: see domain_fixture.h.  Uses the public interface alone. */
#include "domain_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t domain_allocations = -1;
int64_t domain_refusal = 0;

void *domain_resize(void *context, void *old, size_t size)
{
    (void)context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    if (domain_allocations == 0 || (domain_refusal > 0 && --domain_refusal == 0))
        return NULL;
    if (domain_allocations > 0)
        domain_allocations--;
    return realloc(old, size);
}

crm_db *domain_open(void)
{
    char folder[] = "/tmp/crm-domain-XXXXXX";
    char path[64];
    crm_error error;
    crm_db *db = NULL;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.crm", folder);
    crm_options *options = crm_options_create();
    ck_assert_ptr_nonnull(options);
    crm_options_set_allocator(options, domain_resize, NULL);
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_NOW, DOMAIN_NOW), CRM_OK);
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED), CRM_OK);
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_IMAGE, 0), CRM_OK);
    int32_t status = crm_open(path, options, &db, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    crm_options_free(options);
    return db;
}

void domain_close(crm_db *db)
{
    char path[64];
    char beside[80];
    snprintf(path, sizeof path, "%s", crm_path(db));
    ck_assert_int_eq(crm_close(db), CRM_OK);
    snprintf(beside, sizeof beside, "%s-index", path);
    unlink(path);
    unlink(beside);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

crm_txn *domain_begin(crm_db *db)
{
    crm_error error;
    crm_txn *txn = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    crm_txn_set_actor(txn, "mia");
    return txn;
}

void domain_commit(crm_txn *txn)
{
    crm_error error;
    int32_t status = crm_commit(txn, NULL, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
}

crm_view *domain_view(crm_db *db)
{
    crm_error error;
    crm_view *view = NULL;
    int32_t status = crm_view_open(db, &view, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    return view;
}

void domain_refused(crm_txn *txn, int32_t status, const char *texts)
{
    crm_error error;
    char text[128];
    int32_t got = crm_txn_status(txn, &error);
    ck_assert_msg(got == status, "status %d (%s), expected %d", got, got == CRM_OK ? "" : error.message, status);
    for (const char *at = texts; *at != '\0';) {
        size_t length = strcspn(at, "|");
        snprintf(text, sizeof text, "%.*s", (int)length, at);
        ck_assert_msg(strstr(error.message, text) != NULL, "\"%s\" does not say \"%s\"", error.message, text);
        at += length + (at[length] == '|');
    }
    crm_txn_forgive(txn);
}

void domain_accepted(crm_txn *txn)
{
    crm_error error;
    int32_t status = crm_txn_status(txn, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
}

crm_id domain_named(crm_view *view, uint32_t kind, uint32_t field, const char *name)
{
    crm_error error;
    crm_record *record = NULL;
    crm_id id;
    int32_t status = crm_find(view, kind, field, name, CRM_NUL, &record, &error);
    ck_assert_msg(status == CRM_OK, "%s: %s", name, error.message);
    crm_record_id(record, &id);
    crm_record_free(record);
    return id;
}

crm_id domain_stage(crm_view *view, const char *name)
{
    return domain_named(view, CRM_KIND_STAGE, CRM_STAGE_NAME, name);
}

uint64_t domain_row(const crm_table *table, const char *key)
{
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        if (strcmp(crm_table_text(table, row, 0, NULL), key) == 0)
            return row;
    ck_abort_msg("the table has no row \"%s\"", key);
    return 0;
}

uint32_t domain_column(const crm_table *table, const char *name)
{
    for (uint32_t column = 0; column < crm_table_columns(table); column++)
        if (strcmp(crm_table_name(table, column), name) == 0)
            return column;
    ck_abort_msg("the table has no column \"%s\"", name);
    return 0;
}

const char *domain_cell(const crm_table *table, const char *key, const char *column)
{
    return crm_table_text(table, domain_row(table, key), domain_column(table, column), NULL);
}
