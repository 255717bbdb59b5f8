/* ours_write: libcrm's changes, the change feed, files in and out. */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

static bool changed(struct ours *ours, int32_t status)
{
    return status == CRM_OK || (crm_txn_status(ours->txn, &ours->error), ours_fail(ours, "change"));
}

static bool change_add(void *self, uint32_t record, int64_t value)
{
    struct ours *ours = self;
    crm_record *x = crm_create(ours->txn, CRM_KIND_INTERACTION);
    crm_set_int(x, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_int(x, CRM_INTERACTION_START, value);
    crm_set_text(x, CRM_INTERACTION_SUBJECT, "Called about the offer", CRM_NUL);
    return changed(ours, crm_set_ref(x, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &ours->file->customers[record]));
}

static bool set_customer(struct ours *ours, uint32_t record, uint32_t field, int64_t value)
{
    crm_record *customer = crm_edit(ours->txn, CRM_KIND_CUSTOMER, &ours->file->customers[record]);
    return changed(ours, crm_set_int(customer, field, value));
}

static bool change_stage(void *self, uint32_t record, int64_t value)
{
    return set_customer(self, record, CRM_CUSTOMER_STAGE, value);
}

/* Logged or not is one: history is always kept. */
static bool change_field(void *self, uint32_t record, int64_t value)
{
    return set_customer(self, record, CRM_CUSTOMER_EMPLOYEES, value);
}

static bool change_delete(void *self, uint32_t record, int64_t value)
{
    struct ours *ours = self;
    const crm_id *id = &ours->file->victims[record / DATA_VICTIM_STRIDE];
    (void)value;
    return changed(ours, crm_delete(crm_edit(ours->txn, CRM_KIND_INTERACTION, id)));
}

static bool change_restore(void *self, uint32_t record, int64_t value)
{
    struct ours *ours = self;
    const crm_id *id = &ours->file->victims[record / DATA_VICTIM_STRIDE];
    (void)value;
    return changed(ours, crm_restore(crm_edit(ours->txn, CRM_KIND_INTERACTION, id)));
}

engine_change *const ours_changes[CHANGES] = {
    [CHANGE_ADD] = change_add,      [CHANGE_STAGE] = change_stage,   [CHANGE_FIELD] = change_field,
    [CHANGE_LOGGED] = change_field, [CHANGE_DELETE] = change_delete, [CHANGE_RESTORE] = change_restore,
};

bool ours_feed(void *self, uint32_t changes, uint32_t batch, uint64_t *sum)
{
    struct ours *ours = self;
    crm_feed *feed;
    crm_change *change;
    int32_t status;
    if (crm_feed_open(ours->file->db, crm_lsn(ours->file->db) - changes / batch, &feed, &ours->error) != CRM_OK)
        return ours_fail(ours, "feed");
    while ((status = crm_feed_next(feed, 0, &change, &ours->error)) == CRM_OK) {
        *sum = data_mix(*sum, (uint64_t)crm_change_time(change));
        *sum = data_mix(*sum, (uint64_t)crm_int(crm_change_before(change), CRM_CUSTOMER_EMPLOYEES));
        *sum = data_mix(*sum, (uint64_t)crm_int(crm_change_after(change), CRM_CUSTOMER_EMPLOYEES));
    }
    crm_feed_close(feed);
    return status == CRM_TIMEOUT || ours_fail(ours, "feed");
}

bool ours_compact(void *self)
{
    struct ours *ours = self;
    return crm_compact(ours->file->db, &ours->error) == CRM_OK || ours_fail(ours, "compaction");
}

bool ours_forget_image(void *self)
{
    struct ours *ours = self;
    char path[4096];
    snprintf(path, sizeof path, "%s-index", ours->file->path);
    if (unlink(path) == 0)
        return true;
    perror(path);
    return false;
}

/* ------------------------------------------------------------ export, import */

static bool export_rows(struct ours *ours, crm_query *query, FILE *file)
{
    crm_export *out;
    const char *bytes;
    size_t length;
    int32_t status;
    if (crm_export_create(query, "csv", "type,start,subject,amount,currency,due,channel,direction", &out,
                          &ours->error) != CRM_OK)
        return ours_fail(ours, "export");
    while ((status = crm_export_next(out, &bytes, &length, &ours->error)) == CRM_OK)
        if (fwrite(bytes, 1, length, file) != length)
            break;
    crm_export_free(out);
    return status == CRM_DONE || ours_fail(ours, "export");
}

bool ours_export_csv(void *self, const char *path)
{
    struct ours *ours = self;
    FILE *file = fopen(path, "wb");
    crm_view *view;
    crm_query *query = NULL;
    if (file == NULL) {
        perror(path);
        return false;
    }
    setvbuf(file, NULL, _IONBF, 0); /* it comes in large pieces */
    bool ok = crm_view_open(ours->file->db, &view, &ours->error) == CRM_OK &&
              crm_query_create(view, CRM_KIND_INTERACTION, &query, &ours->error) == CRM_OK;
    ok = (ok || ours_fail(ours, "query")) && export_rows(ours, query, file);
    crm_query_free(query);
    crm_view_close(view);
    return fclose(file) == 0 && ok;
}

static bool import_pieces(struct ours *ours, crm_import *import, FILE *file, char *piece)
{
    size_t length;
    while ((length = fread(piece, 1, PIECE, file)) > 0)
        if (crm_import_feed(import, piece, length, &ours->error) != CRM_OK)
            return ours_fail(ours, "import");
    return crm_import_finish(import, &ours->error) == CRM_OK || ours_fail(ours, "import's end");
}

static bool import_file(struct ours *ours, FILE *file, char *piece, uint64_t *created, uint64_t *updated)
{
    static const char *const settings[][2] = {{"format", "csv"},       {"map", "emails=email"},
                                              {"map", "phones=phone"}, {"map", "territory=city"},
                                              {"match", "emails"},     {"actor", "bench"}};
    crm_import *import;
    bool ok = true;
    if (crm_import_create(ours->file->db, CRM_KIND_CUSTOMER, &import, &ours->error) != CRM_OK)
        return ours_fail(ours, "import");
    for (size_t i = 0; ok && i < sizeof settings / sizeof settings[0]; i++)
        ok = crm_import_set(import, settings[i][0], settings[i][1], CRM_NUL, &ours->error) == CRM_OK ||
             ours_fail(ours, settings[i][0]);
    ok = ok && import_pieces(ours, import, file, piece);
    *created = crm_import_count(import, CRM_IMPORT_CREATED);
    *updated = crm_import_count(import, CRM_IMPORT_UPDATED) + crm_import_count(import, CRM_IMPORT_UNCHANGED);
    crm_import_free(import);
    return ok;
}

bool ours_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated)
{
    struct ours *ours = self;
    FILE *file = fopen(csv, "rb");
    char *piece = malloc(PIECE);
    bool ok = file != NULL && piece != NULL && ours_open(ours, ENGINE_BULK);
    ok = ok && import_file(ours, file, piece, created, updated);
    if (ours->file->db != NULL)
        ok = ours_close(ours) && ok;
    if (file != NULL)
        fclose(file);
    free(piece);
    return ok;
}
