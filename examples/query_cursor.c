/* query_cursor: a list in pages.  The cursor is a text: a web page can carry it
 * and go on another day, and no row is shown twice or left out, although many
 * have the same name and new ones come in between.
 */
#include <crm.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 10, CUSTOMERS = 25 };

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static int add(crm_db *db, int count, crm_error *error)
{
    crm_txn *txn;
    if (crm_begin(db, &txn, error) != CRM_OK)
        return fail(error);
    for (int i = 0; i < count; i++) {
        crm_customer *customer = crm_customer_create(txn);
        crm_customer_set_name(customer, i % 2 == 0 ? "Bakery" : "Workshop");
        crm_customer_set_stage(customer, CRM_CUSTOMER_STAGE_STABLE);
    }
    return crm_commit(txn, NULL, error) == CRM_OK ? 0 : fail(error);
}

/* One page behind `cursor`; the place behind it is written back. */
static int32_t page(crm_db *db, char *cursor, size_t size, uint32_t *count, crm_error *error)
{
    crm_view *view;
    crm_query *query;
    crm_record *records[PAGE];
    int32_t status = crm_view_open(db, &view, error);
    if (status != CRM_OK)
        return status;
    crm_query_create(view, CRM_KIND_CUSTOMER, &query, error);
    crm_query_where_text(query, CRM_CUSTOMER_STAGE, CRM_OP_EQ, "stable", CRM_NUL);
    crm_query_order(query, CRM_CUSTOMER_NAME, 0);
    if (cursor[0] != '\0')
        crm_query_after(query, cursor, CRM_NUL);
    status = crm_query_page(query, records, PAGE, count, error);
    for (uint32_t i = 0; i < *count; i++)
        printf("%s%s", crm_title(records[i], NULL), i + 1 < *count ? ", " : "\n");
    snprintf(cursor, size, "%s", crm_query_cursor(query));
    crm_query_free(query);
    crm_view_close(view);
    return status;
}

int main(int argc, char **argv)
{
    crm_error error;
    crm_db *db;
    char cursor[512] = "";
    uint32_t count = 0, total = 0;
    if (argc != 2 || crm_open(argv[1], NULL, &db, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);
    if (add(db, CUSTOMERS, &error) != 0)
        return 1;
    do {
        if (page(db, cursor, sizeof cursor, &count, &error) != CRM_OK)
            return fail(&error);
        total += count;
    } while (count == PAGE);
    printf("%u customers\n", total);
    return crm_close(db) == CRM_OK && total == CUSTOMERS ? 0 : 1;
}
