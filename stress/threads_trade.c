/* threads_trade.c: products that are imported, exported and put back by undo,
 * all at once; and definitions of a user's own.
 */
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- import ---- */

static void import_prices(struct citizen *citizen)
{
    struct town *town = citizen->town;
    crm_import *import = NULL;
    crm_error error = {0};
    char batch[32], rows[1024];
    uint64_t number = atomic_fetch_add(&town->batches, 1);
    unsigned price = 1 + stress_below(&citizen->chance, 9999);
    if (!town_fine(town, crm_import_create(citizen->db, CRM_KIND_PRODUCT, &import, &error), "an import", &error))
        return;
    (void)snprintf(batch, sizeof batch, "prices-%llu", (unsigned long long)number);
    int32_t status = crm_import_set(import, "format", "csv", CRM_NUL, &error);
    if (status == CRM_OK)
        status = crm_import_set(import, "match", "sku", CRM_NUL, &error);
    if (status == CRM_OK)
        status = crm_import_set(import, "batch", batch, CRM_NUL, &error);
    if (status == CRM_OK)
        status = crm_import_set(import, "actor", "trader", CRM_NUL, &error);
    size_t length = (size_t)snprintf(rows, sizeof rows, "sku,name,price\n");
    for (int i = 0; i < PRODUCTS; i++)
        length += (size_t)snprintf(rows + length, sizeof rows - length, "P-%02d,P-%02d,%u.%02u\n", i, i, price / 100,
                                   price % 100);
    for (size_t at = 0; status == CRM_OK && at < length;) {
        size_t piece = 1 + stress_below(&citizen->chance, 60);
        piece = piece > length - at ? length - at : piece;
        status = crm_import_feed(import, rows + at, piece, &error);
        at += piece;
        slow_pause(&citizen->chance);
    }
    if (status == CRM_OK)
        status = crm_import_finish(import, &error);
    (void)town_fine(town, status, "an import", &error);
    if (crm_import_count(import, CRM_IMPORT_REJECTED) != 0 || crm_import_count(import, CRM_IMPORT_READ) != PRODUCTS)
        town_fail(town, "an import read %llu rows and rejected %llu",
                  (unsigned long long)crm_import_count(import, CRM_IMPORT_READ),
                  (unsigned long long)crm_import_count(import, CRM_IMPORT_REJECTED));
    crm_import_free(import);
}

/* ---- export ---- */

/* A few bytes each, as they come, over a view that stays while others write. */
static void export_prices(struct citizen *citizen)
{
    struct town *town = citizen->town;
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_export *export = NULL;
    crm_error error = {0};
    char text[2048] = "", price[32] = "";
    size_t total = 0, length = 0;
    const char *bytes = NULL;
    int rows = 0;
    int32_t status = crm_view_open(citizen->db, &view, &error);
    if (status == CRM_OK)
        status = crm_query_create(view, CRM_KIND_PRODUCT, &query, &error);
    if (status == CRM_OK)
        status = crm_export_create(query, "csv", "sku,price", &export, &error);
    crm_view_close(view); /* the query and the export keep it */
    while (status == CRM_OK && (status = crm_export_next(export, &bytes, &length, &error)) == CRM_OK) {
        if (length >= sizeof text - total) {
            town_fail(town, "an export of %d products is longer than %zu bytes", PRODUCTS, sizeof text);
            break;
        }
        memcpy(text + total, bytes, length);
        total += length;
        slow_pause(&citizen->chance);
    }
    text[total] = '\0';
    if (status != CRM_DONE)
        (void)town_fine(town, status, "an export", &error);
    for (const char *line = strchr(text, '\n'); line != NULL && line[1] != '\0'; line = strchr(line + 1, '\n')) {
        const char *comma = strchr(line + 1, ',');
        size_t of_price = comma == NULL ? 0 : strcspn(comma + 1, "\r\n");
        if (rows++ == 0 && comma != NULL && of_price < sizeof price)
            memcpy(price, comma + 1, of_price);
        if (comma == NULL || of_price != strlen(price) || memcmp(comma + 1, price, of_price) != 0)
            town_fail(town, "an export has two prices at once:\n%s", text);
    }
    if (rows != PRODUCTS)
        town_fail(town, "an export has %d products", rows);
    crm_export_free(export);
    crm_query_free(query);
}

/* ---- undo ---- */

/* The prices go back to what they were, or others depend on them and nothing does. */
static void undo_prices(struct citizen *citizen)
{
    struct town *town = citizen->town;
    crm_txn *txn = NULL;
    crm_table *conflicts = NULL;
    crm_error error = {0};
    char batch[32];
    uint64_t imports = atomic_load(&town->batches), back = stress_below(&citizen->chance, 3);
    if (imports <= back || !town_fine(town, crm_begin(citizen->db, &txn, &error), "begin", &error))
        return;
    (void)snprintf(batch, sizeof batch, "prices-%llu", (unsigned long long)(imports - 1 - back));
    (void)crm_txn_set_actor(txn, "undo");
    int32_t status = crm_undo(txn, batch, 0, &conflicts, &error);
    crm_table_free(conflicts);
    if (status == CRM_OK) {
        (void)town_fine(town, crm_commit(txn, NULL, &error), "an undo", &error);
        return;
    }
    /* Its import is under way, or changed nothing; or a later one has been. */
    if (status != CRM_REFERENCED && status != CRM_NOT_FOUND)
        (void)town_fine(town, status, "an undo", &error);
    crm_rollback(txn);
}

void trade_a_turn(struct citizen *citizen)
{
    switch (stress_below(&citizen->chance, 3)) {
    case 0: import_prices(citizen); break;
    case 1: undo_prices(citizen); break;
    default: export_prices(citizen); break;
    }
}

/* ---- a user's own ---- */

static void define_field(struct citizen *citizen, crm_txn *txn, const char *name)
{
    static const uint32_t of[] = {CRM_KIND_CUSTOMER, CRM_KIND_CONTACT, CRM_KIND_INTERACTION, CRM_KIND_OPPORTUNITY};
    const struct town *town = citizen->town;
    uint32_t kind = of[stress_below(&citizen->chance, 4)], which = stress_below(&citizen->chance, CUSTOMERS), field = 0;
    (void)crm_field_add(txn, kind, name, CRM_NUL, CRM_TYPE_CHOICE, CRM_FLAG_INDEXED | CRM_FLAG_HOT, 0, &field);
    (void)crm_choice_add(txn, kind, field, "one", CRM_NUL, NULL);
    if (kind == CRM_KIND_CUSTOMER)
        (void)crm_set_int(crm_edit(txn, kind, &town->customers[which]), field, 1);
    if (kind == CRM_KIND_OPPORTUNITY)
        (void)crm_set_int(crm_edit(txn, kind, &town->deals[which]), field, 1);
}

/* A kind with its first field in one transaction; then fields and choices, and records of them. */
void define_a_turn(struct citizen *citizen)
{
    struct town *town = citizen->town;
    crm_txn *txn = NULL;
    crm_error error = {0};
    char name[32];
    uint32_t field = 0, kind = 0;
    if (!town_fine(town, crm_begin(citizen->db, &txn, &error), "begin", &error))
        return;
    (void)crm_txn_set_actor(txn, "definer");
    (void)snprintf(name, sizeof name, "own_%u", citizen->turns);
    kind = crm_kind_find(citizen->db, "own", CRM_NUL);
    if (kind == 0) {
        (void)crm_kind_add(txn, "own", CRM_NUL, &kind);
        (void)crm_field_add(txn, kind, "title", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_INDEXED, 0, &field);
    } else {
        field = crm_field_find(citizen->db, kind, "title", CRM_NUL);
    }
    (void)crm_set_text(crm_create(txn, kind), field, name, CRM_NUL);
    if (stress_below(&citizen->chance, 2) == 0)
        define_field(citizen, txn, name);
    slow_pause(&citizen->chance);
    if (stress_below(&citizen->chance, 2) == 0 && kind != 0 && citizen->turns > 2) {
        (void)town_fine(town, crm_txn_status(txn, &error), "a definition", &error);
        crm_rollback(txn);
    } else {
        (void)town_fine(town, crm_commit(txn, NULL, &error), "a definition", &error);
    }
}
