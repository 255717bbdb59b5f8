/* error: fills the caller-owned crm_error, once, where the cause is known. */
#ifndef SYS_ERROR_H
#define SYS_ERROR_H

#include <crm.h>

/* Writes status and message (cut to fit at a UTF-8 boundary) and returns
 * status.  `error` may be NULL. */
int32_t error_set(crm_error *error, int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, with the text of the system's error number `system` appended. */
int32_t error_system(crm_error *error, int32_t status, int system, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What should be read cannot be: CRM_NOMEM when that is the status, else
 * CRM_CORRUPT: the text says what is damaged, and where. */
int32_t error_unread(crm_error *error, int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* CRM_NOMEM with its standard text. */
int32_t error_nomem(crm_error *error);
/* Clears to CRM_OK. */
void error_clear(crm_error *error);

#endif
