/* two_threads: one thread moves money from one credit limit to another, the
 * other reads both.  A view is one state of everything: the sum never wavers,
 * although nobody takes a lock here and no reader waits for the writer.
 */
#include <crm.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

enum { MOVES = 200, TOTAL = 1000000 };

struct work {
    crm_db *db; /* any number of threads may use it at once */
    crm_id ids[2];
    _Atomic int32_t status; /* both threads look at it */
};

static void *write_moves(void *argument)
{
    struct work *work = argument;
    for (int i = 1; i <= MOVES && work->status == CRM_OK; i++) {
        crm_txn *txn;
        work->status = crm_begin(work->db, &txn, NULL);
        if (work->status != CRM_OK)
            break;
        crm_customer_set_credit_limit(crm_customer_edit(txn, &work->ids[0]), TOTAL - i);
        crm_customer_set_credit_limit(crm_customer_edit(txn, &work->ids[1]), i);
        work->status = crm_commit(txn, NULL, NULL);
    }
    return NULL;
}

/* Both limits in one view; `moved` gets the second. */
static int64_t sum(struct work *work, int64_t *moved)
{
    crm_view *view;
    crm_customer *customers[2] = {NULL, NULL};
    if (crm_view_open(work->db, &view, NULL) != CRM_OK)
        return -1;
    for (int i = 0; i < 2; i++)
        crm_customer_get(view, &work->ids[i], &customers[i], NULL);
    *moved = crm_customer_credit_limit(customers[1]);
    int64_t total = crm_customer_credit_limit(customers[0]) + *moved;
    crm_customer_free(customers[0]);
    crm_customer_free(customers[1]);
    crm_view_close(view);
    return total;
}

int main(int argc, char **argv)
{
    struct work work = {.status = CRM_OK};
    crm_options *options = crm_options_create();
    crm_error error;
    crm_txn *txn;
    pthread_t writer;
    int64_t moved = 0;
    int views = 0;
    crm_options_set_int(options, CRM_OPTION_DURABILITY,
                        CRM_DURABLE_DEFERRED); /* synced at close: 200 commits are no wait */
    if (argc != 2 || crm_open(argv[1], options, &work.db, &error) != CRM_OK ||
        crm_begin(work.db, &txn, &error) != CRM_OK)
        return 2;
    crm_options_free(options);
    for (int i = 0; i < 2; i++) {
        crm_customer *customer = crm_customer_create(txn);
        crm_customer_set_name(customer, i == 0 ? "Payer" : "Payee");
        crm_customer_set_credit_limit(customer, i == 0 ? TOTAL : 0);
        crm_customer_id(customer, &work.ids[i]);
    }
    if (crm_commit(txn, NULL, &error) != CRM_OK || pthread_create(&writer, NULL, write_moves, &work) != 0)
        return 1;
    for (int wrong = 0; moved < MOVES && work.status == CRM_OK && !wrong; views++)
        wrong = sum(&work, &moved) != TOTAL;
    pthread_join(writer, NULL);
    printf("%d views, %" PRId64 " moves, the sum was %d in each\n", views, moved, TOTAL);
    return crm_close(work.db) == CRM_OK && moved == MOVES && work.status == CRM_OK ? 0 : 1;
}
