/* rules_customer: the lifecycle stage of a customer.
 *
 * A new customer is an acquaintance unless it comes with another stage (it may
 * be known already: an import); later moves are guarded by the lifecycle in
 * force.  stage_since is set with each move, by the evaluation to the instant
 * it evaluates, else to the transaction's time.
 */
#include "crm/lifecycle.h"
#include "crm/rules.h"

/* May a customer begin in this stage? */
static int32_t guard_first(crm_record *customer, int64_t stage)
{
    int32_t table, status = db_lifecycle(crm_txn_view(record_txn(customer)), &table, NULL);
    if (status != CRM_OK || lifecycle_has(table, stage))
        return status;
    const char *name = crm_lifecycle_name(stage);
    return record_fail(customer, CRM_REFUSED,
                       "customer \"%s\": stage %s is not part of the file's lifecycle \"%s\" (setting \"lifecycle\")",
                       crm_title(customer, NULL), name != NULL ? name : "(unknown)", lifecycle_table_name(table));
}

int32_t rules_customer(crm_record *customer, const crm_record *before)
{
    bool named = before == NULL || record_mentions(customer, CRM_CUSTOMER_NAME);
    int32_t status = named ? rules_not_blank(customer, CRM_CUSTOMER_NAME) : CRM_OK;
    bool had_stage = before != NULL && crm_has(before, CRM_CUSTOMER_STAGE);

    if (status != CRM_OK)
        return status;
    if (!crm_has(customer, CRM_CUSTOMER_STAGE)) {
        if (had_stage)
            return record_fail(customer, CRM_REFUSED,
                               "customer \"%s\": stage cannot be emptied (it is %s); move it to another stage",
                               crm_title(customer, NULL), crm_lifecycle_name(crm_int(before, CRM_CUSTOMER_STAGE)));
        status = record_put_int(customer, CRM_CUSTOMER_STAGE, CRM_CUSTOMER_STAGE_ACQUAINTANCE);
    } else if (!record_differs(customer, before, CRM_CUSTOMER_STAGE)) {
        return CRM_OK;
    } else if (!rules_undoing(customer)) {
        int64_t stage = crm_int(customer, CRM_CUSTOMER_STAGE);
        if (had_stage)
            status = lifecycle_guard(customer, crm_int(before, CRM_CUSTOMER_STAGE), stage);
        else if (stage != CRM_CUSTOMER_STAGE_ACQUAINTANCE)
            status = guard_first(customer, stage);
    }
    if (status == CRM_OK && !record_differs(customer, before, CRM_CUSTOMER_STAGE_SINCE))
        status = record_put_int(customer, CRM_CUSTOMER_STAGE_SINCE, txn_time(record_txn(customer)));
    return status;
}
