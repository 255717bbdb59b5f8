/* email: one form for an e-mail address and for a host name, so that equal ones
 * compare equal.  What is accepted is said in docs/TEXT.md. */
#ifndef MODEL_EMAIL_H
#define MODEL_EMAIL_H

#include "sys/memory.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    EMAIL_MAX = 254,      /* RFC 5321 4.5.3.1.3, less the angle brackets */
    EMAIL_LOCAL_MAX = 64, /* RFC 5321 4.5.3.1.1 */
    DOMAIN_MAX = 253      /* RFC 1035 2.3.4, written with dots */
};

/* Appends the address in lower case without blanks around it, "mailto:" or the
 * name and angle brackets of `Name <address>`.  False, with nothing appended,
 * when there is no valid address; false with `out->failed` set when memory ran
 * out. */
bool email_normalise(struct buffer *out, const void *bytes, size_t length);

/* Whether a normalised address is well-formed. */
bool email_valid(const char *bytes, size_t length);

/* The part behind the @ of a normalised address: points into `bytes`, NULL when
 * there is no @. */
const char *email_domain(const char *bytes, size_t length, size_t *domain_length);

/* Appends the host name out of a URL, an e-mail address or a bare name, in
 * lower case, without "www.", port, path, user and final dot.  False when no
 * valid dotted name is left (or "localhost"). */
bool domain_normalise(struct buffer *out, const void *bytes, size_t length);

#endif
