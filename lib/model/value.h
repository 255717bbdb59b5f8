/* value: how fields lie in an entry's body, and a record's version read from
 * the chain of entries that make it up.
 *
 * A body is a run of fields in ascending order:
 *   var  tag = (field number - the one before) << 3 | wire
 *   ...  by wire:
 *        0 INT       var  zigzag
 *        1 BYTES     var  length, the bytes, a NUL (so that text is handed out as it lies)
 *        2 NULL      nothing: the field was taken away
 *        3 REAL      8 bytes, IEEE 754 little endian
 *        4 DEFLATED  var  raw length, var length, a zlib stream of the text
 *        5 SECONDS   var  zigzag, times 1,000,000 (instants on a full second)
 *        6 DAYS      var  zigzag, times 86,400,000,000 (instants at midnight)
 * The body of a CREATE starts with the record's id: var d; d = 0: 16 bytes
 * follow; d > 0: the id is the frame's first such 16 bytes with d added to its
 * last 8 as a big-endian number.  An update holds only what changed, unless ENTRY_FULL.
 *
 * Types to wires: every int-valued type INT (or 5, 6), REAL 3, TEXT 1 or 4,
 * REF INT (the record number), ANY_REF INT (number << 16 | kind), lists BYTES:
 * items, each var length and then parts: u8 part, then var for int parts,
 * var kind, var number for PART_REF, else var length, bytes, NUL.
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include "log/entry.h"

enum { WIRE_INT = 0, WIRE_BYTES = 1, WIRE_NULL = 2, WIRE_REAL = 3, WIRE_DEFLATED = 4, WIRE_SECONDS = 5, WIRE_DAYS = 6 };
enum { VALUE_NONE = 0, VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_BYTES, VALUE_DEFLATED };
enum { VALUE_TEXT_MAX = 1 << 26, VALUE_DEFLATE_FROM = 512 };

struct value {
    uint8_t what; /* VALUE_ */
    union {
        int64_t integer; /* DEFLATED: the raw length */
        double real;
    };
    const uint8_t *bytes; /* BYTES: a NUL follows */
    size_t length;
};

static inline struct value value_int(int64_t integer)
{
    return (struct value){.what = VALUE_INT, .integer = integer};
}
static inline struct value value_bytes(const void *bytes, size_t length)
{
    return (struct value){.what = VALUE_BYTES, .bytes = bytes, .length = length};
}

/* Writing: fields must come in ascending order; *previous starts at 0.  body_write
 * needs body_room bytes at `at` and returns the end. */
static inline size_t body_room(const struct value *value)
{
    return 3 * (size_t)10 + 1 + (value->what == VALUE_BYTES || value->what == VALUE_DEFLATED ? value->length : 0);
}
uint8_t *body_write(uint8_t *at, uint32_t *previous, uint32_t field, const struct value *value);
void body_put(struct buffer *buffer, uint32_t *previous, uint32_t field, const struct value *value);

/* Reading */
struct body {
    const uint8_t *at, *end;
    uint32_t field; /* of the last one read */
};
static inline struct body body_open(const uint8_t *bytes, size_t length)
{
    return (struct body){bytes, bytes + length, 0};
}
/* 1: a field and its value; 0: the end; -1: not a body. */
int body_next(struct body *body, struct value *value);
/* The same for one field: 1 found (perhaps VALUE_NULL), 0 not there, -1 damaged. */
int body_find(const uint8_t *bytes, size_t length, uint32_t field, struct value *value);

/* A body and where somebody found a field last: the getters of a record ask
 * mostly in order, and go on from there. */
struct body_seek {
    const uint8_t *bytes, *end;
    const uint8_t *at; /* a field's tag, or the end */
    uint64_t field;    /* number of the field before it, 0: there is none */
};
static inline void body_seek_open(struct body_seek *seek, const uint8_t *bytes, size_t length)
{
    *seek = (struct body_seek){bytes, bytes + length, bytes, 0};
}
int body_seek_find(struct body_seek *seek, uint32_t field, struct value *value); /* as body_find */

/* Ids in a CREATE, relative to the frame's first; *base is zero before it. */
bool id_follows(const crm_id *base, const crm_id *id); /* it can be told by its distance to `base` */
void id_put(struct buffer *buffer, crm_id *base, const crm_id *id);
const uint8_t *id_get(const uint8_t *at, const uint8_t *end, crm_id *base, crm_id *id); /* NULL: damaged */

/* Steps over a CREATE's id; NULL: damaged. */
static inline const uint8_t *id_skip(const uint8_t *at, const uint8_t *end)
{
    if (at < end && *at == 0)
        return end - at < 17 ? NULL : at + 17;
    while (at < end && *at >= 0x80)
        at++;
    return at < end ? at + 1 : NULL;
}

/* A record at one version: the bodies from the newest entry down to a full one. */
enum { VERSION_SEGMENTS = 9 };
struct version {
    uint64_t offset;         /* of the newest entry; 0: there is no version */
    uint64_t lsn, number_of; /* number_of: the version's number, from 1 */
    uint32_t kind, number;   /* the record's */
    uint64_t previous;
    uint8_t operation, flags;
    bool deleted, damaged;
    bool hidden; /* erased later: its personal fields are void */
    uint8_t count;
    struct {
        const uint8_t *bytes;
        size_t length;
    } segments[VERSION_SEGMENTS];
};
/* 1 set; 0 not set; -1 damaged. */
int version_get(const struct version *version, uint32_t field, struct value *value);
/* All fields that are set, in ascending order: 1, 0 at the end, -1. */
struct version_cursor {
    const struct version *version;
    struct body bodies[VERSION_SEGMENTS];
    struct value heads[VERSION_SEGMENTS];
    bool ready[VERSION_SEGMENTS];
};
void version_fields(const struct version *version, struct version_cursor *cursor);
int version_next(struct version_cursor *cursor, uint32_t *field, struct value *value);

/* References as they lie. */
static inline int64_t any_ref_pack(uint32_t kind, uint32_t number)
{
    return (int64_t)(((uint64_t)number << 16) | kind);
}
static inline uint32_t any_ref_kind(int64_t packed)
{
    return (uint32_t)(packed & 0xffff);
}
static inline uint32_t any_ref_number(int64_t packed)
{
    return (uint32_t)((uint64_t)packed >> 16);
}

/* Items of a list. */
struct item {
    const uint8_t *at, *end;
};
struct items {
    const uint8_t *at, *end;
};
static inline struct items items_open(const struct value *value)
{
    return (struct items){value->bytes, value->bytes + value->length};
}
bool items_next(struct items *items, struct item *item); /* false at the end or when damaged */
bool items_at(const struct value *value, uint32_t position, struct item *item);
uint32_t items_count(const struct value *value);
struct part {
    int32_t what;          /* CRM_PART_ */
    int64_t integer;       /* int parts */
    uint32_t kind, number; /* CRM_PART_REF */
    const char *text;      /* NUL-terminated */
    size_t length;
};
bool part_next(struct item *item, struct part *part);
bool part_find(const struct item *item, int32_t what, struct part *part);
void part_put(struct buffer *buffer, const struct part *part);
void item_put(struct buffer *buffer, const uint8_t *parts, size_t length);
static inline bool part_is_int(int32_t part)
{
    return part == CRM_PART_PRIMARY || part == CRM_PART_OPT_OUT || part == CRM_PART_INVALID;
}

/* Two values are the same as stored (deflated ones are compared inflated by the caller's means). */
bool value_equal(const struct value *a, const struct value *b);
/* Deflates; false when it does not shrink or memory lacks. */
bool value_deflate(struct buffer *out, const void *text, size_t length);
/* The zlib stream of the bytes behind what is in `out`; false: out of memory, and `out` has failed. */
bool deflate_append(struct buffer *out, const void *bytes, size_t length);
/* Inflates into `out` (integer + 1 bytes, NUL added).  CRM_CORRUPT, CRM_NOMEM. */
int32_t value_inflate(const struct memory *memory, const struct value *value, uint8_t *out);

#endif
