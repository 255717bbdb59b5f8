/* rules_interaction: when an interaction was, whose it is, and whether it is done.
 *
 * Interactions are most of what a CRM holds and arrive by the million, so a
 * plain one costs a few tests of presence here and no look-up.
 */
#include "crm/rules.h"

enum { COMPLETED = CRM_INTERACTION_STATUS_COMPLETED };

/* Every interaction has its place on the timeline.  Without a start that is
 * its end or completion, else the time at which it was recorded. */
static int32_t give_start(crm_record *interaction)
{
    if (crm_has(interaction, CRM_INTERACTION_START))
        return CRM_OK;
    int64_t start = txn_time(record_txn(interaction));
    if (crm_has(interaction, CRM_INTERACTION_END))
        start = crm_int(interaction, CRM_INTERACTION_END);
    else if (crm_has(interaction, CRM_INTERACTION_COMPLETED))
        start = crm_int(interaction, CRM_INTERACTION_COMPLETED);
    return record_put_int(interaction, CRM_INTERACTION_START, start);
}

static int32_t check_order(crm_record *interaction)
{
    if (!crm_has(interaction, CRM_INTERACTION_END))
        return CRM_OK;
    int64_t start = crm_int(interaction, CRM_INTERACTION_START);
    int64_t end = crm_int(interaction, CRM_INTERACTION_END);
    if (end >= start)
        return CRM_OK;
    char start_text[32];
    char end_text[32];
    crm_time_format(start, start_text);
    crm_time_format(end, end_text);
    return record_fail(interaction, CRM_INVALID,
                       "interaction \"%s\": end %s lies before start %s; set an end at or after the start",
                       crm_title(interaction, NULL), end_text, start_text);
}

/* When a completed interaction says nothing else, it was completed at its end,
 * or at its start when that has passed. */
static int64_t completion_time(const crm_record *interaction)
{
    int64_t now = txn_time(record_txn(interaction));
    int64_t at =
        crm_int(interaction, crm_has(interaction, CRM_INTERACTION_END) ? CRM_INTERACTION_END : CRM_INTERACTION_START);
    return at < now ? at : now;
}

/* `completed` and the status "completed" go together; what this change did not
 * touch follows what it did. */
static int32_t settle_status(crm_record *interaction, const crm_record *before)
{
    bool has_time = crm_has(interaction, CRM_INTERACTION_COMPLETED);
    bool is_status = crm_int(interaction, CRM_INTERACTION_STATUS) == COMPLETED;

    if (has_time == is_status)
        return CRM_OK;
    bool new_time = record_differs(interaction, before, CRM_INTERACTION_COMPLETED);
    bool new_status = record_differs(interaction, before, CRM_INTERACTION_STATUS);
    if (is_status && (new_status || !new_time))
        return record_put_int(interaction, CRM_INTERACTION_COMPLETED, completion_time(interaction));
    if (is_status) /* the time was taken away: it is not done after all */
        return record_put_null(interaction, CRM_INTERACTION_STATUS);
    if (!new_status || !crm_has(interaction, CRM_INTERACTION_STATUS))
        return record_put_int(interaction, CRM_INTERACTION_STATUS, COMPLETED);
    if (!new_time)
        return record_put_null(interaction, CRM_INTERACTION_COMPLETED);
    crm_db *db = record_db(interaction);
    return record_fail(interaction, CRM_INVALID,
                       "interaction \"%s\": status %s contradicts the time in completed; give one of the two",
                       crm_title(interaction, NULL),
                       crm_choice_name(db, CRM_KIND_INTERACTION, CRM_INTERACTION_STATUS,
                                       crm_int(interaction, CRM_INTERACTION_STATUS)));
}

/* The customer that a record stands for: itself, or the one it belongs to. */
static int32_t customer_behind(crm_record *interaction, uint32_t kind, const crm_id *id)
{
    crm_record *other = NULL;
    crm_id customer = *id;

    if (kind == CRM_KIND_CUSTOMER)
        return record_put_ref_id(interaction, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &customer);
    if (kind != CRM_KIND_CONTACT && kind != CRM_KIND_OPPORTUNITY)
        return CRM_OK;
    int32_t status = crm_get(crm_txn_view(record_txn(interaction)), kind, id, &other, NULL);
    if (status == CRM_NOT_FOUND)
        return CRM_OK; /* the model says so, and better */
    if (status != CRM_OK)
        return record_fail(interaction, status, "interaction: the record it refers to cannot be read");
    uint32_t field = kind == CRM_KIND_CONTACT ? (uint32_t)CRM_CONTACT_CUSTOMER : (uint32_t)CRM_OPPORTUNITY_CUSTOMER;
    if (crm_ref(other, field, NULL, &customer) == CRM_OK)
        status = record_put_ref_id(interaction, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &customer);
    crm_record_free(other);
    return status;
}

/* The customer is the contact's, else that of the related record, when only those are given. */
static int32_t derive_customer(crm_record *interaction, const crm_record *before)
{
    uint32_t kind = CRM_KIND_CONTACT;
    crm_id id;
    int32_t status = CRM_OK;

    if (crm_has(interaction, CRM_INTERACTION_CUSTOMER))
        return CRM_OK;
    if (record_differs(interaction, before, CRM_INTERACTION_CONTACT) &&
        crm_ref(interaction, CRM_INTERACTION_CONTACT, NULL, &id) == CRM_OK)
        status = customer_behind(interaction, kind, &id);
    if (status == CRM_OK && !crm_has(interaction, CRM_INTERACTION_CUSTOMER) &&
        record_differs(interaction, before, CRM_INTERACTION_RELATED) &&
        crm_ref(interaction, CRM_INTERACTION_RELATED, &kind, &id) == CRM_OK)
        status = customer_behind(interaction, kind, &id);
    return status;
}

/* A new one that says when it was and whose it is, and nothing that must be
 * brought into agreement with something else. */
static bool is_plain(const crm_record *interaction)
{
    const uint64_t start = UINT64_C(1) << CRM_INTERACTION_START, customer = UINT64_C(1) << CRM_INTERACTION_CUSTOMER;
    const uint64_t amount = UINT64_C(1) << CRM_INTERACTION_AMOUNT, currency = UINT64_C(1) << CRM_INTERACTION_CURRENCY;
    const uint64_t others = UINT64_C(1) << CRM_INTERACTION_END | UINT64_C(1) << CRM_INTERACTION_COMPLETED |
                            UINT64_C(1) << CRM_INTERACTION_STATUS;
    uint64_t given = record_given(interaction);
    return (given & (start | customer | others)) == (start | customer) && (!(given & amount) || (given & currency));
}

int32_t rules_interaction(crm_record *interaction, const crm_record *before)
{
    if (is_plain(interaction))
        return CRM_OK;
    int32_t status = give_start(interaction);
    if (status == CRM_OK)
        status = check_order(interaction);
    if (status == CRM_OK)
        status = settle_status(interaction, before);
    if (status == CRM_OK)
        status = derive_customer(interaction, before);
    if (status == CRM_OK && crm_has(interaction, CRM_INTERACTION_AMOUNT) &&
        !crm_has(interaction, CRM_INTERACTION_CURRENCY))
        status = record_put_int(interaction, CRM_INTERACTION_CURRENCY, db_currency(record_db(interaction)));
    return status;
}
