/* kv: the company in a store of keys and values, whichever it is: its tables,
 * and the entries that each record has in the tables it is found by.
 *
 * Records lie by number (packed.h).  The same look-ups as libcrm's schema gives,
 * and no more.
 */
#ifndef BENCH_KV_H
#define BENCH_KV_H

#include "packed.h"

enum kv_table {
    KV_CUSTOMER, /* number: record; so INTERACTION, DEAL, TRANSITION, CHANGE */
    KV_CUSTOMER_ID,
    KV_CUSTOMER_EMAIL,
    KV_CUSTOMER_PHONE, /* digits from the last to the first */
    KV_CUSTOMER_EXTERNAL,
    KV_CUSTOMER_NAME, /* small letters */
    KV_CUSTOMER_CITY,
    KV_CUSTOMER_STAGE, /* live ones */
    KV_INTERACTION,
    KV_INTERACTION_ID,
    KV_TIMELINE, /* customer: start and number, live ones */
    KV_START,
    KV_DUE, /* live ones */
    KV_DEAL,
    KV_DEAL_ID,
    KV_DEAL_NAME,
    KV_DEAL_CUSTOMER,
    KV_DEAL_STAGE,
    KV_DEAL_CLOSE,
    KV_DEAL_OUTCOME,
    KV_TRANSITION,
    KV_TRANSITION_ID,
    KV_TRANSITION_SUBJECT, /* kind and number */
    KV_TRANSITION_AT,
    KV_CHANGE, /* empty but for the rows that need a history or a feed */
    KV_CHANGE_RECORD,
    KV_LOOKUP,
    KV_TABLES = KV_LOOKUP + DATA_LOOKUP_TEXTS + DATA_LOOKUP_NUMBERS
};
enum { KV_LINE = 12, KV_KIND_CUSTOMER = 1, KV_KIND_DEAL = 3 };

/* What a key of a table leads to. */
enum kv_holds {
    KV_RECORDS, /* the number of a record: the record */
    KV_ONE,     /* to one number */
    KV_MANY,    /* to several, in their order */
    KV_LINES    /* to lines of a timeline, in their order */
};
struct kv_info {
    const char *name;
    enum kv_holds holds;
    bool number_key; /* of four or eight bytes, as the machine has them; else bytes that compare as such */
};
extern const struct kv_info kv_tables[KV_TABLES];

/* Each hands the entries of a record to `put`, so that loading, which may sort
 * them first, and changing share them. */
typedef bool kv_put(void *context, enum kv_table table, const void *key, size_t key_length, const void *value,
                    size_t value_length);
bool kv_index_customer(const void *bytes, uint32_t number, kv_put *put, void *context);
bool kv_index_interaction(const void *bytes, uint32_t number, kv_put *put, void *context);
bool kv_index_deal(const void *bytes, uint32_t number, kv_put *put, void *context);
bool kv_index_transition(const struct packed_transition *head, uint32_t number, kv_put *put, void *context);

/* Where a timeline lists it. */
static inline void kv_line(uint8_t out[KV_LINE], int64_t start, uint32_t number)
{
    packed_put_u64(out, (uint64_t)start);
    packed_put_u32(out + 8, number);
}

#endif
