/* data: the made-up company that every engine is measured on.
 *
 * Everything comes from one seed, so all runs and all engines see the same
 * bytes.  It lies ready in memory before a clock starts: making it is charged
 * to nobody.
 */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    DATA_USERS = 50,
    DATA_BATCH = 20000,
    DATA_STAGES = 4,
    DATA_DEAL_STAGES = 6,
    DATA_EMAIL = 48,
    DATA_SUFFIX = 12,
    DATA_PREFIX = 12,
    DATA_LOOKUP_TEXTS = 4,    /* the look-up fields of the row that loads with eight of them: so many texts … */
    DATA_LOOKUP_NUMBERS = 4,  /* … and so many numbers */
    DATA_VICTIM_STRIDE = 100, /* one interaction in so many is there to be deleted and restored */
    DATA_LOGGED = 10000       /* customers whose changes are logged, or all if there are not so many */
};

struct data_customer {
    const char *name, *email, *phone, *city, *external_id; /* "erp:100042" */
    uint8_t id[16];                                        /* for the engine that wants ids given */
    uint8_t stage;                                         /* CRM_CUSTOMER_STAGE_ACQUAINTANCE to _CHURNED */
    uint8_t owner;
};

struct data_interaction {
    const char *subject;
    int64_t start;  /* microseconds UTC */
    int64_t due;    /* 0: none */
    int64_t amount; /* cents, 0: none */
    uint8_t id[16];
    uint32_t customer;
    uint8_t type, channel, direction, owner;
};

/* A deal in a stage of the pipeline that a new file of libcrm has. */
struct data_deal {
    const char *name;
    int64_t amount;     /* cents */
    int64_t closed_at;  /* microseconds UTC, 0: open */
    int32_t close_date; /* days since 1970 */
    uint8_t id[16];
    uint32_t customer;
    uint8_t stage; /* 1 to 6: qualification, discovery, proposal, negotiation, won, lost */
    uint8_t owner;
};

/* The values of a customer's eight look-up fields. */
struct data_lookups {
    const char *texts[DATA_LOOKUP_TEXTS];
    int64_t numbers[DATA_LOOKUP_NUMBERS];
};

struct data {
    struct data_customer *customers;
    struct data_lookups *lookups; /* by customer */
    struct data_interaction *interactions;
    struct data_deal *deals;
    uint32_t customer_count, interaction_count, deal_count;
    uint8_t user_ids[DATA_USERS][16];
    int64_t from, to; /* the two years */
    int64_t past;     /* the instant that views of the past show: among the logged changes */
    /* What is asked for: positions of customers, uniformly drawn; and stages. */
    uint32_t *picks;
    uint32_t pick_count;
    /* The picks' keys side by side: in real life the key that is looked up has
     * just arrived and is in the cache; fetching it is nobody's work here. */
    char (*pick_emails)[DATA_EMAIL];
    char (*pick_suffixes)[DATA_SUFFIX]; /* the last digits of the telephone number */
    char (*pick_prefixes)[DATA_PREFIX]; /* the first letters of the name */
    uint32_t *deep; /* customers of at least a thousand interactions: their timelines have a 50th page */
    uint32_t deep_count;
    char *text; /* where the names and subjects lie */
    size_t text_length, text_capacity;
};

/* NULL when out of memory. One deal to five customers. */
struct data *data_create(uint32_t customers, uint32_t interactions);
void data_free(struct data *data);
/* When transaction `batch` of the load is committed: customers first, then interactions, then deals. */
int64_t data_batch_time(const struct data *data, uint32_t batch);
/* Chances of a deal in percent by its stage from 1, what the pipeline of a new file says. */
extern const uint8_t data_probability[DATA_DEAL_STAGES + 1];
/* Writes `rows` customers as CSV, one in twenty with the e-mail of an earlier one. */
bool data_write_csv(const char *path, uint32_t rows, uint32_t *distinct);

/* xorshift64*, the state never 0. */
static inline uint64_t data_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(2685821657736338717);
}
static inline uint32_t data_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(((data_random(state) >> 32) * limit) >> 32);
}

/* The k-th customer of those whose changes are logged: they lie scattered. */
static inline uint32_t data_logged(const struct data *data, uint32_t k)
{
    uint32_t count = data->customer_count < DATA_LOGGED ? data->customer_count : DATA_LOGGED;
    return k % count * (data->customer_count / count);
}
/* The day that a pick asks for: midnight, UTC. */
static inline int64_t data_day(const struct data *data, uint32_t pick)
{
    return data->from + (int64_t)(data->picks[pick] % 700) * INT64_C(86400000000);
}

/* Answers are compared as sums of this. */
static inline uint64_t data_mix(uint64_t sum, uint64_t value)
{
    uint64_t x = sum ^ (value + UINT64_C(0x9e3779b97f4a7c15) + (sum << 6) + (sum >> 2));
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 27);
}
/* For ids that nobody compares: another one at each call. */
uint64_t data_seed(void);
/* A sum of amounts times chances in percent, divided by 100 and rounded half to even. */
static inline uint64_t data_weighted(int64_t sum)
{
    int64_t whole = sum / 100, rest = sum % 100;
    return (uint64_t)(whole + (rest > 50 || (rest == 50 && whole % 2 == 1)));
}
/* A UUID of version 7: the time in front, so that neighbours share a prefix. */
void data_make_id(uint64_t *seed, int64_t time, uint8_t id[16]);
/* Every byte counts, eight at a time: comparing must not cost what is compared. */
static inline uint64_t data_mix_text(uint64_t sum, const char *text, size_t length)
{
    uint64_t word;
    for (; length >= 8; text += 8, length -= 8) {
        memcpy(&word, text, 8);
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    word = length;
    while (length > 0)
        word = word << 8 | (uint8_t)text[--length];
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

#endif
