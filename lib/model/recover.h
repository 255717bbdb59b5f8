/* recover: salvage of a damaged file; crm_recover is in lib/api, which opens the result. */
#ifndef MODEL_RECOVER_H
#define MODEL_RECOVER_H

#include "model/db.h"

int32_t recover_file(const char *from, const char *to, const crm_options *options, crm_table **out, crm_error *error);

#endif
