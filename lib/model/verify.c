/* verify: every byte of the log and every entry of every index.
 *
 * A handle that may write keeps other writers out meanwhile, so that what is
 * looked at stands still; readers go on.  One that may only read looks at what
 * is there, damaged files included.
 */
#include "model/verify.h"

#include "model/table.h"
#include "model/txn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FINDINGS_TOLD = 1000 };

static void note(struct verify *verify, const char *place, const char *fault)
{
    if (verify->count++ == 0)
        (void)snprintf(verify->first, sizeof verify->first, "%s: %s", place, fault);
    if (verify->count > FINDINGS_TOLD)
        return;
    table_add_row(verify->table);
    table_put_text(verify->table, 0, place, CRM_NUL);
    table_put_text(verify->table, 1, fault, CRM_NUL);
}

void verify_found(struct verify *verify, const char *place, const char *format, ...)
{
    char fault[320];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault, sizeof fault, format, arguments);
    va_end(arguments);
    note(verify, place, fault);
}

void verify_found_at(struct verify *verify, uint64_t offset, const char *format, ...)
{
    char place[32], fault[320];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault, sizeof fault, format, arguments);
    va_end(arguments);
    (void)snprintf(place, sizeof place, "byte %llu", (unsigned long long)offset);
    note(verify, place, fault);
}

static int32_t run(struct verify *verify, crm_error *error)
{
    int32_t status = verify_log(verify, error);
    /* Indexes are compared with what a sound log gives. */
    if (status == CRM_OK && verify->count == 0)
        status = verify_index(verify, error);
    if (status == CRM_OK && verify->starved)
        return error_nomem(error);
    if (status != CRM_OK || verify->count == 0)
        return status;
    return error_set(error, CRM_CORRUPT, "%s: %llu fault%s; %s%s", verify->db->path, (unsigned long long)verify->count,
                     verify->count == 1 ? "" : "s, the first", verify->first,
                     strncmp(verify->first, "byte", 4) == 0 ? "; salvage the file with recover" : "");
}

int32_t crm_verify(crm_db *db, crm_table **out, crm_error *error)
{
    if (out != NULL)
        *out = NULL;
    if (db == NULL)
        return error_set(error, CRM_MISUSE, "crm_verify needs a database");
    bool reading = db->options.read_only != 0;
    int32_t status = reading ? CRM_OK : db_lock_writer(db, error);
    if (status != CRM_OK)
        return status;
    crm_error why = {0};
    struct verify verify = {.db = db};
    int32_t followed = db_follow(db, !reading, &why);
    verify.generation = db_hold(db);
    verify.table = table_create(db->memory);
    table_add_column(verify.table, "place", CRM_TYPE_TEXT);
    table_add_column(verify.table, "fault", CRM_TYPE_TEXT);
    buffer_init(&verify.scratch, db->memory);
    reader_init(&verify.reader, verify.generation);
    status = followed == CRM_OK || followed == CRM_CORRUPT ? run(&verify, &why) : followed; /* it tells where */
    if (status == CRM_OK)
        status = followed;
    if (!reading)
        db_unlock_writer(db, verify.generation);
    bool judged = status == CRM_OK || (status == CRM_CORRUPT && verify.count > 0);
    int32_t told = CRM_OK;
    if (judged)
        told = table_finish(verify.table, out, status == CRM_OK ? error : NULL);
    else
        crm_table_free(verify.table);
    buffer_free(&verify.scratch);
    reader_free(&verify.reader);
    db_drop(verify.generation);
    if (status == CRM_OK)
        return told;
    if (error != NULL)
        *error = why;
    return status;
}
