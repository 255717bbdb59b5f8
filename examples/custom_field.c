/* custom_field: a field of one's own.  It is usable in the transaction that
 * adds it, and everywhere a built-in one is: queries, indexes, import, history.
 */
#include <crm.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *machine;
        int64_t seats;
    } rows[] = {{"Acme GmbH", "M-100", 12}, {"Globe SARL", "M-200", 250}, {"Initrode Ltd", "M-300", 80}};
    crm_error error;
    crm_db *db;
    crm_txn *txn;
    crm_view *view;
    crm_query *query;
    crm_record *record;
    uint32_t seats, machine;
    int count = 0;

    if (argc != 2 || crm_open(argv[1], NULL, &db, &error) != CRM_OK || crm_begin(db, &txn, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);
    crm_field_add(txn, CRM_KIND_CUSTOMER, "seats", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_INDEXED, 0, &seats);
    crm_field_add(txn, CRM_KIND_CUSTOMER, "machine", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_UNIQUE, 0, &machine);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(customer, CRM_CUSTOMER_NAME, rows[i].name, CRM_NUL);
        crm_set_int(customer, seats, rows[i].seats);
        crm_set_text(customer, machine, rows[i].machine, CRM_NUL);
    }
    if (crm_commit(txn, NULL, &error) != CRM_OK || crm_view_open(db, &view, &error) != CRM_OK)
        return fail(&error);

    /* A number range, largest first; a program that comes later asks for the field by its name. */
    if (crm_field_find(db, CRM_KIND_CUSTOMER, "seats", CRM_NUL) != seats ||
        crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error) != CRM_OK)
        return fail(&error);
    crm_query_where_int(query, seats, CRM_OP_GE, 50);
    crm_query_order(query, seats, 1);
    while (crm_query_next(query, &record, &error) == CRM_OK)
        printf("%d. %s, %" PRId64 " seats\n", ++count, crm_title(record, NULL), crm_int(record, seats));
    printf("plan: %s\n", crm_query_explain(query));
    crm_query_free(query);

    if (crm_find(view, CRM_KIND_CUSTOMER, machine, "M-100", CRM_NUL, &record, &error) != CRM_OK)
        return fail(&error);
    printf("machine M-100 is at %s\n", crm_title(record, NULL));
    crm_record_free(record);
    crm_view_close(view);
    return crm_close(db) == CRM_OK && count == 2 ? 0 : 1;
}
