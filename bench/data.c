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
    PICKS = 200000
};
/* crm.h's numbers of types; calls and e-mails are the most frequent. */
static const uint8_t types[] = {1, 1, 1, 4, 4, 4, 4, 2, 5, 7, 8, 6};
/* Stage of one customer in ten each: half of them are stable (2). */
static const uint8_t stages[] = {1, 1, 2, 2, 2, 2, 2, 3, 3, 4};

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

int64_t data_batch_time(const struct data *data, uint32_t batch)
{
    return data->to + (int64_t)(batch + 1) * 1000000;
}

struct data *data_create(uint32_t customers, uint32_t interactions)
{
    struct data *data = calloc(1, sizeof *data);
    uint64_t seed = UINT64_C(0x5eed0f1ab5e55ed1);
    if (data == NULL)
        return NULL;
    data->customer_count = customers;
    data->interaction_count = interactions;
    data->from = INT64_C(1672531200000000); /* 2023-01-01 */
    data->to = data->from + 730 * DAY;
    data->text_capacity = (size_t)customers * TEXT_A_CUSTOMER + (size_t)interactions * TEXT_AN_INTERACTION;
    data->customers = calloc(customers, sizeof *data->customers);
    data->interactions = calloc(interactions, sizeof *data->interactions);
    data->picks = calloc(PICKS, sizeof *data->picks);
    data->pick_emails = calloc(PICKS, sizeof *data->pick_emails);
    data->text = malloc(data->text_capacity);
    if (data->customers == NULL || data->interactions == NULL || data->picks == NULL || data->pick_emails == NULL ||
        data->text == NULL) {
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
    data->pick_count = PICKS;
    for (uint32_t i = 0; i < PICKS; i++) {
        data->picks[i] = data_below(&seed, customers);
        snprintf(data->pick_emails[i], DATA_EMAIL, "%s", data->customers[data->picks[i]].email);
    }
    return data;
}

void data_free(struct data *data)
{
    if (data == NULL)
        return;
    free(data->customers);
    free(data->interactions);
    free(data->picks);
    free(data->pick_emails);
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
