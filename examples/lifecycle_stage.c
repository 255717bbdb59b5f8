/* lifecycle_stage: a customer moves along its lifecycle.  Moves that make no
 * sense are refused; every move is kept, with when, who and why.
 */
#include <crm.h>
#include <inttypes.h>
#include <stdio.h>

#define DAY INT64_C(86400000000)

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static int32_t move(crm_db *db, const crm_id *id, int64_t stage, const char *evidence, crm_error *error)
{
    crm_txn *txn;
    int32_t status = crm_begin(db, &txn, error);
    if (status != CRM_OK)
        return status;
    crm_txn_set_actor(txn, "mia");
    crm_lifecycle_move(crm_edit(txn, CRM_KIND_CUSTOMER, id), stage, "by hand", evidence);
    return crm_commit(txn, NULL, error);
}

int main(int argc, char **argv)
{
    crm_error error;
    crm_db *db;
    crm_txn *txn;
    crm_view *view;
    crm_table *history;
    crm_id id;
    int64_t start, stage = 0;
    crm_options *options = crm_options_create();

    /* A replayed clock, from the file's first moment on: the dates below are the same every time. */
    crm_time_parse("2024-01-15T09:00:00Z", CRM_NUL, 0, &start);
    crm_options_set_int(options, CRM_OPTION_NOW, start);
    if (argc != 2 || crm_open(argv[1], options, &db, &error) != CRM_OK || crm_begin(db, &txn, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);
    crm_options_free(options);
    crm_customer *acme = crm_customer_create(txn);
    crm_customer_set_name(acme, "Acme GmbH");
    crm_customer_set_stage(acme, CRM_CUSTOMER_STAGE_ACQUAINTANCE);
    crm_customer_id(acme, &id);
    if (crm_commit(txn, NULL, &error) != CRM_OK)
        return fail(&error);

    crm_set_now(db, start + 60 * DAY);
    if (move(db, &id, CRM_CUSTOMER_STAGE_STABLE, "third order in two months", &error) != CRM_OK)
        return fail(&error);
    crm_set_now(db, start + 200 * DAY);
    if (move(db, &id, CRM_CUSTOMER_STAGE_ACQUAINTANCE, NULL, &error) != CRM_REFUSED)
        return 1;
    printf("refused: %s\n", error.message);
    if (move(db, &id, CRM_CUSTOMER_STAGE_DRIFTING, "no order for 140 days", &error) != CRM_OK)
        return fail(&error);

    if (crm_view_open(db, &view, &error) != CRM_OK ||
        crm_stage_history(view, CRM_KIND_CUSTOMER, &id, &history, &error) != CRM_OK)
        return fail(&error);
    for (uint64_t row = 0; row < crm_table_rows(history); row++) {
        for (uint32_t column = 0; column < crm_table_columns(history); column++)
            printf("%s%s", crm_table_text(history, row, column, NULL),
                   column + 1 < crm_table_columns(history) ? " | " : "\n");
    }
    crm_table_free(history);
    if (crm_lifecycle_stage_at(view, &id, start + 100 * DAY, &stage, &error) != CRM_OK)
        return fail(&error);
    printf("a hundred days after the start: %s\n", crm_lifecycle_name(stage));
    crm_view_close(view);
    return crm_close(db) == CRM_OK && stage == CRM_CUSTOMER_STAGE_STABLE ? 0 : 1;
}
