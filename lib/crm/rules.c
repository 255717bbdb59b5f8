/* rules: which rule holds for which kind, what the simple kinds keep, and what
 * a new file begins with.
 *
 * Kinds with more to say have their own file: rules_customer.c,
 * rules_contact.c, rules_opportunity.c, rules_interaction.c, rules_pipeline.c
 * (pipelines and stages).  Everything here runs inside the transaction and
 * reads only its state and its time, never a clock (P8).
 */
#include "crm/rules.h"

#include "crm/transition.h"
#include "model/text.h"

#include <string.h>

bool rules_undoing(const crm_record *record)
{
    const char *rule = record_note_rule(record);
    return rule != NULL && strcmp(rule, "undo") == 0;
}

int32_t rules_not_blank(crm_record *record, uint32_t field)
{
    size_t length;
    const char *text = crm_text(record, field, &length);

    if (!crm_has(record, field))
        return CRM_OK; /* whether it must be there is the schema's to say */
    text_trim(&text, &length);
    if (length > 0)
        return CRM_OK;
    crm_db *db = record_db(record);
    uint32_t kind = crm_record_kind(record);
    return record_fail(record, CRM_INVALID, "%s: %s is blank; give it a text", crm_kind_name(db, kind),
                       crm_field_name(db, kind, field));
}

bool rules_next_name(const char **at, const char *end, const char **name, size_t *length)
{
    while (*at < end) {
        const char *comma = memchr(*at, ',', (size_t)(end - *at));
        const char *stop = comma != NULL ? comma : end;
        *name = *at;
        *length = (size_t)(stop - *at);
        *at = comma != NULL ? comma + 1 : end;
        text_trim(name, length);
        if (*length > 0)
            return true;
    }
    return false;
}

/* Money without a currency of its own is in the file's. */
static int32_t default_currency(crm_record *record, uint32_t money, uint32_t currency)
{
    if (!crm_has(record, money) || crm_has(record, currency))
        return CRM_OK;
    return record_put_int(record, currency, db_currency(record_db(record)));
}

int32_t rules_product(crm_record *product, const crm_record *before)
{
    (void)before;
    int32_t status = rules_not_blank(product, CRM_PRODUCT_NAME);
    return status == CRM_OK ? default_currency(product, CRM_PRODUCT_PRICE, CRM_PRODUCT_CURRENCY) : status;
}

int32_t rules_campaign(crm_record *campaign, const crm_record *before)
{
    static const uint32_t money[] = {CRM_CAMPAIGN_BUDGET, CRM_CAMPAIGN_ACTUAL_COST, CRM_CAMPAIGN_EXPECTED_REVENUE};
    int32_t status = rules_not_blank(campaign, CRM_CAMPAIGN_NAME);

    (void)before;
    if (status == CRM_OK && crm_has(campaign, CRM_CAMPAIGN_START_DATE) && crm_has(campaign, CRM_CAMPAIGN_END_DATE) &&
        crm_int(campaign, CRM_CAMPAIGN_END_DATE) < crm_int(campaign, CRM_CAMPAIGN_START_DATE)) {
        char start[16];
        char end[16];
        crm_date_format((int32_t)crm_int(campaign, CRM_CAMPAIGN_START_DATE), start);
        crm_date_format((int32_t)crm_int(campaign, CRM_CAMPAIGN_END_DATE), end);
        return record_fail(campaign, CRM_INVALID,
                           "campaign \"%s\": end_date %s lies before start_date %s; set an end on or after the start",
                           crm_title(campaign, NULL), end, start);
    }
    for (size_t i = 0; i < sizeof money / sizeof money[0] && status == CRM_OK; i++)
        status = default_currency(campaign, money[i], CRM_CAMPAIGN_CURRENCY);
    return status;
}

int32_t rules_setting(crm_record *setting, const crm_record *before)
{
    const char *name = crm_text(setting, CRM_SETTING_NAME, NULL);
    const char *value = crm_text(setting, CRM_SETTING_VALUE, NULL);

    (void)before;
    if (strcmp(name, "lifecycle") == 0 && strcmp(value, "four") != 0 && strcmp(value, "five") != 0)
        return record_fail(setting, CRM_INVALID, "setting \"lifecycle\": \"%s\" is none; it is \"four\" or \"five\"",
                           value);
    return CRM_OK;
}

static int32_t before_version(crm_record *record, const crm_record *before)
{
    switch (crm_record_kind(record)) {
    case CRM_KIND_CUSTOMER: return rules_customer(record, before);
    case CRM_KIND_CONTACT: return rules_contact(record, before);
    case CRM_KIND_OPPORTUNITY: return rules_opportunity(record, before);
    case CRM_KIND_INTERACTION: return rules_interaction(record, before);
    case CRM_KIND_USER: return rules_not_blank(record, CRM_USER_NAME);
    case CRM_KIND_PIPELINE: return rules_pipeline(record, before);
    case CRM_KIND_STAGE: return rules_stage(record, before);
    case CRM_KIND_PRODUCT: return rules_product(record, before);
    case CRM_KIND_CAMPAIGN: return rules_campaign(record, before);
    case CRM_KIND_SETTING: return rules_setting(record, before);
    default: return CRM_OK;
    }
}

static int32_t after_version(crm_record *record, const crm_record *before)
{
    if (rules_undoing(record)) /* undo takes the transition back itself: it is a record of the batch */
        return CRM_OK;
    switch (crm_record_kind(record)) {
    case CRM_KIND_CUSTOMER:
        return record_differs(record, before, CRM_CUSTOMER_STAGE) ? transition_of_customer(record, before) : CRM_OK;
    case CRM_KIND_OPPORTUNITY:
        return record_differs(record, before, CRM_OPPORTUNITY_STAGE) ? transition_of_opportunity(record, before)
                                                                     : CRM_OK;
    case CRM_KIND_PIPELINE: return rules_pipeline_after(record);
    default: return CRM_OK;
    }
}

static int32_t new_file(crm_txn *txn, const char *currency)
{
    int32_t status = crm_setting_set(txn, "currency", currency);
    if (status == CRM_OK)
        status = crm_setting_set(txn, "lifecycle", "four");
    return status == CRM_OK ? rules_new_pipeline(txn) : status;
}

const struct model_rules domain_rules = {
    .before_version = before_version,
    .after_version = after_version,
    .new_file = new_file,
};
