/* memory_fixture: questions that are asked when memory is short.
 *
 * Each is asked with memory for no allocation, for one, for two and so on, until
 * it is enough; and again with the first allocation refused, the second, and so
 * on.  The answer is right, or it is CRM_NOMEM. */
#ifndef MEMORY_FIXTURE_H
#define MEMORY_FIXTURE_H

#include "domain_fixture.h"

enum { MEMORY_VERSIONS = 20 };

/* A database with a customer of so many versions, and one below it that refers to it. */
crm_db *memory_open(crm_id *acme, crm_id *child);
/* A closed view lends its memory to the next one, which then asks for less: these are closed by memory_let_go. */
void memory_hold(crm_view *view);
void memory_let_go(void);

/* `error` is where the question leaves its own. */
void memory_ask(int32_t (*question)(void), crm_error *error);

#endif
