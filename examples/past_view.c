/* past_view: what did we know then?  A view can be opened as of any instant,
 * and everything that reads a view answers as it would have answered then.
 */
#include <crm.h>
#include <inttypes.h>
#include <stdio.h>

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static int64_t at(const char *text)
{
    int64_t time = 0;
    crm_time_parse(text, CRM_NUL, 0, &time);
    return time;
}

/* The customer's credit limit as it was at `time`, in cents; 0: there was none. */
static int64_t limit_at(crm_db *db, const crm_id *id, int64_t time)
{
    crm_view *view;
    crm_customer *customer = NULL;
    int64_t limit = 0;
    if (crm_view_open_at(db, time, &view, NULL) != CRM_OK)
        return -1;
    if (crm_customer_get(view, id, &customer, NULL) == CRM_OK)
        limit = crm_customer_credit_limit(customer);
    crm_customer_free(customer);
    crm_view_close(view);
    return limit;
}

int main(int argc, char **argv)
{
    static const char *const days[] = {"2023-12-31T00:00:00Z", "2024-02-01T00:00:00Z", "2024-08-01T00:00:00Z"};
    static const int64_t expected[] = {0, 500000, 1200000};
    crm_error error;
    crm_db *db;
    crm_txn *txn;
    crm_id id;
    crm_options *options = crm_options_create();

    /* A replayed clock, so that there is a past to look at. */
    crm_options_set_int(options, CRM_OPTION_NOW, at("2024-01-10T08:00:00Z"));
    if (argc != 2 || crm_open(argv[1], options, &db, &error) != CRM_OK || crm_begin(db, &txn, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);
    crm_options_free(options);
    crm_customer *acme = crm_customer_create(txn);
    crm_customer_set_name(acme, "Acme GmbH");
    crm_customer_set_credit_limit(acme, expected[1]);
    crm_customer_id(acme, &id);
    if (crm_commit(txn, NULL, &error) != CRM_OK)
        return fail(&error);
    crm_set_now(db, at("2024-06-01T08:00:00Z"));
    if (crm_begin(db, &txn, &error) != CRM_OK)
        return fail(&error);
    crm_customer_set_credit_limit(crm_customer_edit(txn, &id), expected[2]);
    if (crm_commit(txn, NULL, &error) != CRM_OK)
        return fail(&error);

    for (int i = 0; i < 3; i++) {
        int64_t limit = limit_at(db, &id, at(days[i]));
        char money[32];
        crm_money_format(limit, 978, money);
        printf("%.10s  credit limit %s\n", days[i], money);
        if (limit != expected[i])
            return 1;
    }
    return crm_close(db) == CRM_OK ? 0 : 1;
}
