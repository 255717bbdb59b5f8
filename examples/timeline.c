/* timeline: everything that happened with a customer, newest first, in one
 * ordered stream, whatever the channel and however late it was written down.
 */
#include <crm.h>
#include <inttypes.h>
#include <stdio.h>

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static void add(crm_txn *txn, crm_customer *customer, int64_t type, const char *start, const char *subject)
{
    crm_interaction *what = crm_interaction_create(txn);
    crm_interaction_set_type(what, type);
    crm_set_parsed(crm_interaction_record(what), CRM_INTERACTION_START, start, CRM_NUL);
    crm_interaction_set_subject(what, subject);
    crm_interaction_set_customer(what, customer);
}

int main(int argc, char **argv)
{
    crm_error error;
    crm_db *db;
    crm_txn *txn;
    crm_view *view;
    crm_query *timeline;
    crm_record *record;
    crm_id id;
    int64_t before = INT64_MAX;
    int count = 0;
    int32_t status;

    if (argc != 2 || crm_open(argv[1], NULL, &db, &error) != CRM_OK || crm_begin(db, &txn, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);
    crm_customer *acme = crm_customer_create(txn);
    crm_customer_set_name(acme, "Acme GmbH");
    crm_customer_id(acme, &id);
    add(txn, acme, CRM_INTERACTION_TYPE_MEETING, "2024-03-05T09:00:00Z", "First meeting");
    add(txn, acme, CRM_INTERACTION_TYPE_PURCHASE, "2024-05-02T12:00:00Z", "Order 4711");
    add(txn, acme, CRM_INTERACTION_TYPE_COMPLAINT, "2024-05-20T16:30:00Z", "Delivered to the wrong door");
    add(txn, acme, CRM_INTERACTION_TYPE_CALL, "2024-03-12T10:15:00Z", "Question about the offer"); /* late */
    if (crm_commit(txn, NULL, &error) != CRM_OK)
        return fail(&error);

    if (crm_view_open(db, &view, &error) != CRM_OK ||
        crm_timeline(view, CRM_KIND_CUSTOMER, &id, &timeline, &error) != CRM_OK)
        return fail(&error);
    while ((status = crm_query_next(timeline, &record, &error)) == CRM_OK) {
        const crm_interaction *entry = crm_interaction_of(record); /* borrowed until the next one */
        char time[32];
        crm_time_format(crm_interaction_start(entry), time);
        printf("%.10s  %-10s %s\n", time, crm_format(record, CRM_INTERACTION_TYPE, NULL),
               crm_interaction_subject(entry));
        if (crm_interaction_start(entry) >= before)
            return 1;
        before = crm_interaction_start(entry);
        count++;
    }
    if (status != CRM_DONE)
        return fail(&error);
    crm_query_free(timeline);
    crm_view_close(view);
    return crm_close(db) == CRM_OK && count == 4 ? 0 : 1;
}
