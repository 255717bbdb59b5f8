/* company: a small database in which every kind of field has a few values, some
 * of them awkward, some records were changed and some deleted.  Shared by the
 * targets that ask. */
#ifndef FUZZ_COMPANY_H
#define FUZZ_COMPANY_H

#include "fuzz.h"

enum { COMPANY_LSNS = 12 }; /* at least so many transactions */

/* Fills a database that import_database made; `seed` makes ids and values. */
void company_fill(crm_db *db);

#endif
