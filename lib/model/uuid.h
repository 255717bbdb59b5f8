/* uuid: identifiers as text, and version 7 of RFC 9562 for new ones.
 *
 * Pure: time and random bits are arguments (sys/clock.h has both). */
#ifndef MODEL_UUID_H
#define MODEL_UUID_H

#include <crm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UUID_TEXT_SIZE = 37, UUID_RANDOM_SIZE = 10 };

/* 8-4-4-4-12 hexadecimal digits of any case, or 32 without dashes; braces or
 * "urn:uuid:" may be around.  Any version, also nil. */
bool uuid_parse(const char *text, size_t length, crm_id *out);
void uuid_format(const crm_id *id, char out[UUID_TEXT_SIZE]); /* lower case, NUL-terminated */

/* A version 7 identifier; time_ms is cut to 0 .. 2^48 - 1. */
crm_id uuid_v7(int64_t time_ms, const uint8_t random[UUID_RANDOM_SIZE]);
/* The next identifier of a batch: one more in the 62 low random bits (RFC 9562
 * 6.2, method 2).  False, and unchanged, when they are used up: begin anew. */
bool uuid_next(crm_id *id);
int uuid_version(const crm_id *id);     /* 0 when not of the RFC's variant */
int64_t uuid_time_ms(const crm_id *id); /* of a version 7 identifier, else -1 */

int uuid_compare(const crm_id *a, const crm_id *b); /* < 0, 0, > 0 in byte order */
bool uuid_is_nil(const crm_id *id);

#endif
