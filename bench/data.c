/* data: see data.h.
 *
 * Sizes of customers follow a power law, as those of real companies do: a few
 * have thousands of interactions, most have a handful.  Interactions come in
 * the order of their start, but one in fifty is entered late, so that an index
 * that is only good at appending shows it.
 */
#include "data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY INT64_C(86400000000)

static const char *const syllables[] = {"ban", "cor", "del", "fen", "gar", "hol", "jun", "kel", "lam", "mor",
                                        "nel", "ost", "pal", "qui", "ran", "sol", "tam", "ulm", "ver", "wes",
                                        "yor", "zan", "bri", "dra", "fro", "gle", "kry", "pla", "sta", "tri"};
static const char *const forms[] = {"GmbH", "AG", "Ltd", "Inc", "SARL", "BV", "Oy", "SpA", "KG", "Group"};
static const char *const trades[] = {"Systems", "Foods",    "Logistics", "Medical", "Energy", "Textiles",
                                     "Print",   "Machines", "Data",      "Travel",  "Glass",  "Paper"};
static const char *const cities[] = {"Northport", "Eastham",     "Westfield",  "Southgate", "Lakeview",  "Hillcrest",
                                     "Riverton",  "Stonebridge", "Oakdale",    "Maplewood", "Fairhaven", "Kingsford",
                                     "Ashbourne", "Bridgewater", "Clearbrook", "Dunmore",   "Elmhurst",  "Foxhall"};
static const char *const subjects[] = {"Follow-up on order",     "Question about invoice", "Offer discussed, ref",
                                       "Delivery confirmed, no", "Meeting on contract",    "Call back about case",
                                       "Price list sent, no",    "Complaint on delivery",  "Reminder for payment"};
enum {
    SYLLABLES = sizeof syllables / sizeof syllables[0],
    FORMS = sizeof forms / sizeof forms[0],
    TRADES = sizeof trades / sizeof trades[0],
    CITIES = sizeof cities / sizeof cities[0],
    SUBJECTS = sizeof subjects / sizeof subjects[0],
    TEXT_A_CUSTOMER = 160,
    TEXT_AN_INTERACTION = 48,
    TEXT_A_DEAL = 64,
    TEXT_LOOKUPS = 96,
    PICKS = 200000,
    DEEP = 1000 /* interactions: 50 pages of 20 */
};
#define SEED UINT64_C(0x5eed0f1ab5e55ed1)
#define SEED_DEALS UINT64_C(0xdea15eed5eed0001)
#define SEED_LOOKUPS UINT64_C(0x100c095eed5eed02)
const uint8_t data_probability[DATA_DEAL_STAGES + 1] = {0, 10, 20, 50, 80, 100, 0};
/* Of ten deals: most are won or lost, as in real pipelines. */
static const uint8_t deal_stages[] = {1, 2, 3, 4, 5, 5, 5, 6, 6, 6};
static const char *const segments[] = {"public", "retail", "industry", "health", "trade"};
static const char *const regions[] = {"north", "east", "south", "west"};
/* crm.h's numbers of types; calls and e-mails are the most frequent. */
static const uint8_t types[] = {1, 1, 1, 4, 4, 4, 4, 2, 5, 7, 8, 6};
/* Stage of one customer in ten each: half of them are stable (2). */
static const uint8_t stages[] = {1, 1, 2, 2, 2, 2, 2, 3, 3, 4};

uint64_t data_seed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000007 ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 40 ^ 1;
}

void data_make_id(uint64_t *seed, int64_t time, uint8_t id[16])
{
    uint64_t milliseconds = (uint64_t)(time / 1000), low = data_random(seed), high = data_random(seed);
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(milliseconds >> (40 - 8 * i));
    memcpy(id + 6, &high, 2);
    memcpy(id + 8, &low, 8);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x70);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

/* Room for one text; what snprintf wrote is kept by text_keep. */
static const char *text_keep(struct data *data, int length)
{
    const char *text = data->text + data->text_length;
    data->text_length += (size_t)length + 1;
    return text;
}
#define TEXT(data, ...) \
    text_keep((data),   \
              snprintf((data)->text + (data)->text_length, (data)->text_capacity - (data)->text_length, __VA_ARGS__))

static void make_customer(struct data *data, uint64_t *seed, uint32_t i)
{
    struct data_customer *c = &data->customers[i];
    const char *a = syllables[data_below(seed, SYLLABLES)], *b = syllables[data_below(seed, SYLLABLES)];
    const char *e = syllables[data_below(seed, SYLLABLES)];
    c->name = TEXT(data, "%c%s%s%s %s %s", a[0] - 'a' + 'A', a + 1, b, e, trades[data_below(seed, TRADES)],
                   forms[data_below(seed, FORMS)]);
    c->email = TEXT(data, "info%u@%s%s%s.example", i, a, b, e);
    c->phone = TEXT(data, "+49 %u %u", 30 + data_below(seed, 60), 10000000 + i * 37);
    c->external_id = TEXT(data, "erp:%u", 100000 + i);
    c->city = cities[data_below(seed, CITIES)];
    c->stage = stages[data_below(seed, sizeof stages)];
    c->owner = (uint8_t)data_below(seed, DATA_USERS);
    data_make_id(seed, data_batch_time(data, i / DATA_BATCH), c->id);
}

static void make_interaction(struct data *data, uint64_t *seed, uint32_t i)
{
    struct data_interaction *x = &data->interactions[i];
    /* The power law: the cube of a uniform number crowds towards the first customers. */
    double u = (double)(data_random(seed) >> 11) / 9007199254740992.0;
    x->customer = (uint32_t)(u * u * u * data->customer_count);
    x->start = data->from + (data->to - data->from) / data->interaction_count * i;
    x->start -= x->start % 1000000; /* people and machines note seconds */
    if (data_below(seed, 50) == 0)
        x->start -= (int64_t)(1 + data_below(seed, 60)) * DAY;
    x->subject = TEXT(data, "%s %u", subjects[data_below(seed, SUBJECTS)], 10000 + data_below(seed, 90000));
    x->type = types[data_below(seed, sizeof types)];
    uint32_t lot = data_below(seed, 100);
    if (lot < 10) {
        x->type = 9; /* purchase */
        x->amount = 500 + data_below(seed, 500000);
    } else if (lot < 15) {
        x->type = 3; /* task */
        x->due = x->start + (int64_t)(1 + data_below(seed, 30)) * DAY;
    }
    x->channel = (uint8_t)(1 + data_below(seed, 9));
    x->direction = (uint8_t)(1 + data_below(seed, 2));
    x->owner = (uint8_t)data_below(seed, DATA_USERS);
    data_make_id(seed, data_batch_time(data, (data->customer_count + i) / DATA_BATCH), x->id);
}

static void make_deal(struct data *data, uint64_t *seed, uint32_t i)
{
    struct data_deal *d = &data->deals[i];
    d->customer = data_below(seed, data->customer_count);
    d->name = TEXT(data, "%s %u", trades[data_below(seed, TRADES)], 10000 + i);
    d->stage = deal_stages[data_below(seed, sizeof deal_stages)];
    d->owner = (uint8_t)data_below(seed, DATA_USERS);
    d->amount = 100000 + (int64_t)data_below(seed, 20000000);
    int64_t day = data->from / DAY + data_below(seed, 730);
    if (d->stage >= 5)
        d->closed_at = day * DAY + (int64_t)data_below(seed, 86400) * 1000000;
    else
        day += 730;
    d->close_date = (int32_t)day;
    data_make_id(seed, data_batch_time(data, (data->customer_count + data->interaction_count + i) / DATA_BATCH), d->id);
}

/* Two fields with a value of each customer's own, six that many share. */
static void make_lookups(struct data *data, uint64_t *seed, uint32_t i)
{
    struct data_lookups *l = &data->lookups[i];
    l->texts[0] = TEXT(data, "ACC-%07u", i * 13 % 10000000);
    l->texts[1] = TEXT(data, "DE%09u", 100000000 + i * 7);
    l->texts[2] = segments[data_below(seed, sizeof segments / sizeof segments[0])];
    l->texts[3] = regions[data_below(seed, sizeof regions / sizeof regions[0])];
    l->numbers[0] = data_below(seed, 1000);                    /* a score */
    l->numbers[1] = 10000 + (int64_t)data_below(seed, 90000);  /* a postal code */
    l->numbers[2] = data->from / DAY - data_below(seed, 3650); /* a customer since that day */
    l->numbers[3] = (int64_t)data_below(seed, 100000000);      /* yearly turnover */
}

static void make_picks(struct data *data, uint64_t *seed)
{
    data->pick_count = PICKS;
    for (uint32_t i = 0; i < PICKS; i++) {
        const struct data_customer *c = &data->customers[data->picks[i] = data_below(seed, data->customer_count)];
        snprintf(data->pick_emails[i], DATA_EMAIL, "%s", c->email);
        snprintf(data->pick_suffixes[i], DATA_SUFFIX, "%s", c->phone + strlen(c->phone) - 8);
        snprintf(data->pick_prefixes[i], DATA_PREFIX, "%.5s", c->name);
    }
}

/* Which customers have a 50th page: the first ones, by the power law. */
static bool find_deep(struct data *data)
{
    uint32_t *counts = calloc(data->customer_count, sizeof *counts);
    if (counts == NULL)
        return false;
    for (uint32_t i = 0; i < data->interaction_count; i++)
        counts[data->interactions[i].customer]++;
    for (uint32_t i = 0; i < data->customer_count; i++)
        if (counts[i] >= DEEP)
            data->deep[data->deep_count++] = i;
    free(counts);
    return data->deep_count > 0;
}

int64_t data_batch_time(const struct data *data, uint32_t batch)
{
    return data->to + (int64_t)(batch + 1) * 1000000;
}

static bool reserve(struct data *data)
{
    data->text_capacity = (size_t)data->customer_count * (TEXT_A_CUSTOMER + TEXT_LOOKUPS) +
                          (size_t)data->interaction_count * TEXT_AN_INTERACTION +
                          (size_t)data->deal_count * TEXT_A_DEAL;
    data->customers = calloc(data->customer_count, sizeof *data->customers);
    data->lookups = calloc(data->customer_count, sizeof *data->lookups);
    data->interactions = calloc(data->interaction_count, sizeof *data->interactions);
    data->deals = calloc(data->deal_count, sizeof *data->deals);
    data->picks = calloc(PICKS, sizeof *data->picks);
    data->pick_emails = calloc(PICKS, sizeof *data->pick_emails);
    data->pick_suffixes = calloc(PICKS, sizeof *data->pick_suffixes);
    data->pick_prefixes = calloc(PICKS, sizeof *data->pick_prefixes);
    data->deep = calloc(data->customer_count, sizeof *data->deep);
    data->text = malloc(data->text_capacity);
    return data->customers != NULL && data->lookups != NULL && data->interactions != NULL && data->deals != NULL &&
           data->picks != NULL && data->pick_emails != NULL && data->pick_suffixes != NULL &&
           data->pick_prefixes != NULL && data->deep != NULL && data->text != NULL;
}

struct data *data_create(uint32_t customers, uint32_t interactions)
{
    struct data *data = calloc(1, sizeof *data);
    uint64_t seed = SEED, seed_deals = SEED_DEALS, seed_lookups = SEED_LOOKUPS;
    if (data == NULL)
        return NULL;
    data->customer_count = customers;
    data->interaction_count = interactions;
    data->deal_count = customers / 5;
    data->from = INT64_C(1672531200000000); /* 2023-01-01 */
    data->to = data->from + 730 * DAY;
    if (!reserve(data)) {
        data_free(data);
        return NULL;
    }
    for (uint32_t i = 0; i < DATA_USERS; i++) {
        data_make_id(&seed, data->from, data->user_ids[i]);
        data->user_ids[i][15] = (uint8_t)i; /* lets a reader tell which user it is */
    }
    for (uint32_t i = 0; i < customers; i++)
        make_customer(data, &seed, i);
    for (uint32_t i = 0; i < interactions; i++)
        make_interaction(data, &seed, i);
    make_picks(data, &seed);
    for (uint32_t i = 0; i < data->deal_count; i++)
        make_deal(data, &seed_deals, i);
    for (uint32_t i = 0; i < customers; i++)
        make_lookups(data, &seed_lookups, i);
    if (find_deep(data))
        return data;
    data_free(data);
    return NULL;
}

void data_free(struct data *data)
{
    if (data == NULL)
        return;
    free(data->customers);
    free(data->lookups);
    free(data->interactions);
    free(data->deals);
    free(data->picks);
    free(data->pick_emails);
    free(data->pick_suffixes);
    free(data->pick_prefixes);
    free(data->deep);
    free(data->text);
    free(data);
}

bool data_write_csv(const char *path, uint32_t rows, uint32_t *distinct)
{
    FILE *file = fopen(path, "w");
    uint64_t seed = UINT64_C(0xc5f0a1b2c3d4e5f6);
    uint32_t fresh = 0;
    if (file == NULL)
        return false;
    fputs("name,email,phone,city,employees,website\n", file);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t person = fresh > 0 && data_below(&seed, 20) == 0 ? data_below(&seed, fresh) : fresh++;
        const char *a = syllables[data_below(&seed, SYLLABLES)], *b = syllables[data_below(&seed, SYLLABLES)];
        fprintf(file, "\"%s%s %s, %s\",contact%u@firm%u.example,+44 20 %u,%s,%u,https://firm%u.example\n", a, b,
                trades[data_below(&seed, TRADES)], forms[data_below(&seed, FORMS)], person, person % 1000,
                10000000 + person * 7, cities[data_below(&seed, CITIES)], 1 + data_below(&seed, 5000), person % 1000);
    }
    *distinct = fresh;
    return fclose(file) == 0;
}
