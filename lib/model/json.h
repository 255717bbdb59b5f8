/* json: a strict reader of one JSON value (RFC 8259) into a compact tree, and
 * the writer's parts.
 *
 * The tree is one array of nodes in the order of the text; strings are decoded,
 * numbers kept as written and converted when asked for.  A reader is used again
 * for value after value (JSON Lines) without allocating anew.
 */
#ifndef MODEL_JSON_H
#define MODEL_JSON_H

#include "sys/error.h"
#include "sys/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_NULL = 0,
    JSON_FALSE = 1,
    JSON_TRUE = 2,
    JSON_NUMBER = 3,
    JSON_STRING = 4,
    JSON_ARRAY = 5,
    JSON_OBJECT = 6
};
enum { JSON_DEPTH_MAX = 64 };
#define JSON_NONE UINT32_MAX

/* Flags of a node. */
enum {
    JSON_SUPERSEDED = 1, /* a member whose key comes again later: skipped by first, next, find */
    JSON_DUPLICATES = 2  /* an object in which a key came more than once */
};

struct json_node {
    const char *text; /* string (decoded) or number (as written), NUL-terminated */
    const char *key;  /* of a member of an object, decoded, NUL-terminated; else NULL */
    uint32_t length;  /* of text; of an array or object: its elements, with superseded ones */
    uint32_t key_length;
    uint32_t end; /* the node after this one and all that is in it */
    uint8_t type;
    uint8_t flags;
};

struct json {
    const struct memory *memory;
    struct json_node *nodes; /* [0] is the value itself */
    size_t count;
    size_t capacity;
    char *text; /* where strings and numbers lie */
    size_t text_capacity;
    uint32_t *order; /* scratch: finding keys that come twice */
    size_t order_capacity;
    size_t node_limit; /* 1,000,000 from json_init; set as you like */
};

void json_init(struct json *json, const struct memory *memory);
void json_free(struct json *json);

/* Reads the one value that the bytes hold; blanks around it are fine.  What the
 * tree had before is gone.  CRM_OK; CRM_INVALID with line and column (in bytes,
 * from 1); CRM_FULL beyond the node limit or 4 GiB; CRM_NOMEM. */
int32_t json_parse(struct json *json, const void *bytes, size_t length, crm_error *error);

/* The elements of an array or the values of an object, or JSON_NONE. */
uint32_t json_first(const struct json *json, uint32_t parent);
uint32_t json_next(const struct json *json, uint32_t parent, uint32_t node);
/* The value of a member, or JSON_NONE. */
uint32_t json_find(const struct json *json, uint32_t object, const char *key, size_t length);

static inline const struct json_node *json_at(const struct json *json, uint32_t node)
{
    return &json->nodes[node];
}

/* A number as an integer: also 1.0, but not 1.5, 1e3 or what does not fit. */
bool json_int64(const struct json *json, uint32_t node, int64_t *out);
bool json_double(const struct json *json, uint32_t node, double *out);
/* A string, NUL-terminated; NULL when it is none. */
const char *json_string_of(const struct json *json, uint32_t node, size_t *length);

/* ---- writing: appends ---- */
void json_string(struct buffer *out, const void *bytes, size_t length); /* with quotes; bad UTF-8 becomes U+FFFD */
void json_text(struct buffer *out, const char *text);                   /* of a NUL-terminated string */
void json_key(struct buffer *out, const char *key);                     /* "key": */
void json_number_int(struct buffer *out, int64_t value);
void json_number_double(struct buffer *out, double value); /* null when not finite */
void json_bool(struct buffer *out, bool value);

#endif
