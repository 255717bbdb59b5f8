/* rules: what a serious CRM keeps true of its records, kind by kind.
 *
 * The model calls these whenever a changed record is about to become a version
 * (model/rules.h), so that they hold for every caller.  docs/RULES.md lists
 * them.  A refusal names the record, the field, the value and the way out.
 */
#ifndef CRM_RULES_H
#define CRM_RULES_H

#include "model/rules.h"

#include <stdbool.h>
#include <stddef.h>

extern const struct model_rules domain_rules;

/* Before a version of each kind: sets what follows from the rest, or refuses. */
int32_t rules_customer(crm_record *customer, const crm_record *before);
int32_t rules_contact(crm_record *contact, const crm_record *before);
int32_t rules_opportunity(crm_record *deal, const crm_record *before);
int32_t rules_interaction(crm_record *interaction, const crm_record *before);
int32_t rules_pipeline(crm_record *pipeline, const crm_record *before);
int32_t rules_stage(crm_record *stage, const crm_record *before);
int32_t rules_product(crm_record *product, const crm_record *before);
int32_t rules_campaign(crm_record *campaign, const crm_record *before);
int32_t rules_setting(crm_record *setting, const crm_record *before);
/* After a version of a pipeline: one default at a time. */
int32_t rules_pipeline_after(crm_record *pipeline);
/* A new file: the pipeline "Sales" with its six stages. */
int32_t rules_new_pipeline(crm_txn *txn);

/* The change is the model taking another one back (crm_undo): rules that guard
 * a direction let it pass, and what it restores is not derived anew. */
bool rules_undoing(const crm_record *record);
/* Refuses a name, subject, … that is there but blank. */
int32_t rules_not_blank(crm_record *record, uint32_t field);
/* The next name of a comma-separated list; false at its end. */
bool rules_next_name(const char **at, const char *end, const char **name, size_t *length);

#endif
