/* packed: records as a C programmer lays them out for a store of keys and
 * values: a fixed head, the texts behind it, read in place.
 *
 * Keys of several parts are written big-endian, so that bytes compare as
 * numbers do.  All instants are positive.
 */
#ifndef BENCH_PACKED_H
#define BENCH_PACKED_H

#include "data.h"

enum { PACKED_MAX = 2048, PACKED_TEXTS = 6 };

/* The texts of a customer, in this order. */
enum packed_text { PACKED_NAME, PACKED_CITY, PACKED_EMAIL, PACKED_PHONE, PACKED_EXTERNAL, PACKED_WEBSITE };

struct packed_customer {
    uint8_t id[16];
    int64_t created_at, modified_at, deleted_at, stage_since;
    uint32_t version;
    int32_t employees;
    uint16_t ends[PACKED_TEXTS]; /* of each text, from the first text's beginning */
    uint8_t stage, owner, created_by, modified_by;
};

struct packed_interaction {
    uint8_t id[16];
    int64_t start, due, amount; /* 0: none */
    int64_t created_at, modified_at, deleted_at;
    uint32_t customer, version;
    uint16_t currency, subject_length;
    uint8_t type, channel, direction, owner, created_by, modified_by;
};

struct packed_deal {
    uint8_t id[16];
    int64_t amount, closed_at, stage_since, created_at, modified_at, deleted_at;
    int32_t close_date;
    uint32_t customer, version;
    uint16_t currency, name_length;
    uint8_t stage, owner, probability, outcome, lost_reason, created_by, modified_by;
};

struct packed_transition {
    uint8_t id[16];
    int64_t at;
    uint32_t subject;
    uint8_t kind, from, to, created_by;
};

/* A logged change of a customer's number of employees. */
struct packed_change {
    int64_t at, before, after;
    uint32_t customer;
    uint8_t operation, field, actor, unused;
};

/* Each writes a whole record and returns its length. */
size_t packed_customer(const struct packed_customer *head, const char *const texts[PACKED_TEXTS], void *out);
size_t packed_new_customer(const struct data *data, uint32_t i, void *out);
size_t packed_interaction(const struct packed_interaction *head, const char *subject, void *out);
size_t packed_new_interaction(const struct data *data, uint32_t i, void *out);
size_t packed_added_interaction(uint64_t *seed, uint32_t customer, int64_t start, int64_t now, void *out);
size_t packed_new_deal(const struct data *data, uint32_t i, void *out);

/* Heads are copied out: what a store hands back is not aligned. */
static inline struct packed_customer packed_get_customer(const void *bytes)
{
    struct packed_customer head;
    memcpy(&head, bytes, sizeof head);
    return head;
}
static inline struct packed_interaction packed_get_interaction(const void *bytes)
{
    struct packed_interaction head;
    memcpy(&head, bytes, sizeof head);
    return head;
}
/* A text of a customer, of *length bytes, not terminated. */
static inline const char *packed_text(const struct packed_customer *head, const void *bytes, enum packed_text which,
                                      size_t *length)
{
    size_t from = which == 0 ? 0 : head->ends[which - 1];
    *length = head->ends[which] - from;
    return (const char *)bytes + sizeof *head + from;
}
static inline uint64_t packed_mix_text(uint64_t sum, const struct packed_customer *head, const void *bytes,
                                       enum packed_text which)
{
    size_t length;
    const char *text = packed_text(head, bytes, which, &length);
    return data_mix_text(sum, text, length);
}
/* Folds the five fields of a look-up. */
void packed_fold_customer(const void *bytes, uint64_t *sum);
/* Folds a line of a timeline. */
void packed_fold_line(const void *bytes, uint64_t *sum);

/* Parts of keys. */
static inline void packed_put_u32(uint8_t *at, uint32_t value)
{
    uint32_t big = __builtin_bswap32(value);
    memcpy(at, &big, sizeof big);
}
static inline void packed_put_u64(uint8_t *at, uint64_t value)
{
    uint64_t big = __builtin_bswap64(value);
    memcpy(at, &big, sizeof big);
}
static inline uint32_t packed_get_u32(const void *at)
{
    uint32_t big;
    memcpy(&big, at, sizeof big);
    return __builtin_bswap32(big);
}
static inline uint64_t packed_get_u64(const void *at)
{
    uint64_t big;
    memcpy(&big, at, sizeof big);
    return __builtin_bswap64(big);
}

#endif
