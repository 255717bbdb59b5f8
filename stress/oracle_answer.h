/* oracle_answer: the parts of oracle_check. */
#ifndef ORACLE_ANSWER_H
#define ORACLE_ANSWER_H

#include "oracle_state.h"

/* A record, or one of its versions, as it reads. */
const char *answer_record(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index);
const char *answer_fields(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index,
                          const struct oracle_version *version);
/* Look-ups, lists, timelines, sums, … */
const char *answer_all(const struct oracle *oracle, crm_view *view);
const char *answer_some(const struct oracle *oracle, crm_view *view, struct choices *choices);

#endif
