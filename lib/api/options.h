/* options: what crm_open uses when it is given none. */
#ifndef API_OPTIONS_H
#define API_OPTIONS_H

#include "model/db.h"

void options_default(crm_options *options);

#endif
