/* transition: the record that each move of a customer along its lifecycle or
 * of an opportunity along its pipeline leaves, and what is read back from them. */
#ifndef CRM_TRANSITION_H
#define CRM_TRANSITION_H

#include "model/rules.h"

/* Records that `subject` has left the stage of `before` (NULL: it is new) for
 * its present one.  Rule and evidence come from the record's note. */
int32_t transition_of_customer(crm_record *subject, const crm_record *before);
int32_t transition_of_opportunity(crm_record *subject, const crm_record *before);

#endif
