/* generate_company: writes the sample company that `make demo` shows.
 *
 *   generate_company FILE
 *
 * Everything in it is made up from lists of words by one seed, so the same
 * company comes out every time; all mail goes to .example.  First everything
 * that will happen is planned as events; then they are played in the order of
 * their time with the file's clock set to it.  So the past is real: deals stood
 * in the stages that a view of then shows, and customers were judged month by
 * month by what was known.
 */
#include <crm.h>

#include "company_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY INT64_C(86400000000)
#define MINUTE INT64_C(60000000)
/* 2023-07-01, a Saturday, to 2025-06-30, a Monday. */
#define FROM INT64_C(1688169600000000)
enum {
    DAYS = 730,
    USERS = 8,
    PRODUCTS = 6,
    CUSTOMERS = 400,
    OLD_CUSTOMERS = 190, /* there from the first days on */
    CONTACTS_MAX = 900,
    DEALS = 600,
    STAGES = 6,
    INTERACTIONS_MAX = 12000,
    EVENTS_MAX = 20000
};
enum stage { QUALIFICATION, DISCOVERY, PROPOSAL, NEGOTIATION, WON, LOST };
enum behaviour { LOYAL, STOPS, FADES, PROSPECT };
enum what { SETUP, CUSTOMER, CONTACT, DEAL, MOVE, INTERACTION, EVALUATE, EVENT_KINDS };

struct event {
    int64_t time;
    uint32_t order, index, detail;
    enum what what;
};
struct customer {
    const struct region *region;
    uint32_t trade, owner, first_contact, contacts;
    int created, stops, cadence; /* days */
    enum behaviour behaviour;
    int64_t spend; /* cents of a usual purchase */
    crm_id id;
};
struct contact {
    uint32_t customer;
    crm_id id;
};
struct deal {
    uint32_t customer, product, owner;
    int64_t amount;
    int close_day;
    crm_id id;
};
struct interaction {
    uint32_t customer;
    int64_t start, amount, due;
    uint8_t type, channel, direction, planned;
};

struct company {
    uint64_t seed;
    struct customer customers[CUSTOMERS];
    struct contact contacts[CONTACTS_MAX];
    struct deal deals[DEALS];
    struct interaction interactions[INTERACTIONS_MAX];
    struct event events[EVENTS_MAX];
    uint32_t contact_count, interaction_count, event_count;
    crm_id users[USERS], products[PRODUCTS], stages[STAGES];
};

/* ------------------------------------------------------------ chance */

static uint32_t below(struct company *company, uint32_t limit)
{
    uint64_t x = company->seed;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    company->seed = x;
    return (uint32_t)((((x * UINT64_C(2685821657736338717)) >> 32) * limit) >> 32);
}

static bool chance(struct company *company, uint32_t percent)
{
    return below(company, 100) < percent;
}

static int between(struct company *company, int least, int most)
{
    return least + (int)below(company, (uint32_t)(most - least + 1));
}

/* A moment of the working hours of that day or, at a weekend, of the Monday after. */
static int64_t moment(struct company *company, int day)
{
    if (day % 7 < 2)
        day += 2 - day % 7;
    return FROM + day * DAY + between(company, 7 * 60, 16 * 60) * MINUTE;
}

static void plan(struct company *company, int64_t time, enum what what, uint32_t index, uint32_t detail)
{
    struct event *event = &company->events[company->event_count];
    if (time >= FROM + DAYS * DAY || company->event_count >= EVENTS_MAX)
        return;
    *event = (struct event){time, company->event_count++, index, detail, what};
}

/* ------------------------------------------------------------ the plan */

static void plan_customer(struct company *company, uint32_t i)
{
    struct customer *c = &company->customers[i];
    uint32_t lot = below(company, 100), trade = below(company, 4);
    size_t r = 0;
    while (lot >= regions[r].weight)
        lot -= regions[r++].weight;
    c->region = &regions[r];
    c->trade = trade;
    c->owner = (uint32_t)between(company, 0, USERS - 1);
    for (uint32_t u = 0; u < USERS; u++) /* three in four belong to somebody of their territory */
        if (strcmp(user_territories[(c->owner + u) % USERS], c->region->territory) == 0 && chance(company, 75)) {
            c->owner = (c->owner + u) % USERS;
            break;
        }
    c->created = i < OLD_CUSTOMERS ? between(company, 2, 6) : between(company, 10, DAYS - 20);
    lot = below(company, 100);
    c->behaviour = lot < 60 ? LOYAL : lot < 78 ? STOPS : lot < 86 ? FADES : PROSPECT;
    c->cadence = between(company, 18, 90);
    c->stops = c->behaviour == STOPS ? between(company, c->created + 120, DAYS + 30) : DAYS * 2;
    c->spend = (int64_t)between(company, 200, 1500) * between(company, 100, 900);
    plan(company, moment(company, c->created), CUSTOMER, i, 0);
    c->first_contact = company->contact_count;
    c->contacts = (uint32_t)(1 + chance(company, 50) + chance(company, 25));
    for (uint32_t k = 0; k < c->contacts; k++) {
        company->contacts[company->contact_count].customer = i;
        plan(company, moment(company, c->created + 3 + (int)k * between(company, 1, 60)), CONTACT,
             company->contact_count++, k);
    }
}

static void plan_interaction(struct company *company, uint32_t customer, int day, int type)
{
    static const uint8_t channels[] = {
        [CRM_INTERACTION_TYPE_CALL] = CRM_INTERACTION_CHANNEL_PHONE,
        [CRM_INTERACTION_TYPE_MEETING] = CRM_INTERACTION_CHANNEL_FACE_TO_FACE,
        [CRM_INTERACTION_TYPE_TASK] = 0,
        [CRM_INTERACTION_TYPE_EMAIL] = CRM_INTERACTION_CHANNEL_EMAIL,
        [CRM_INTERACTION_TYPE_VISIT] = CRM_INTERACTION_CHANNEL_FACE_TO_FACE,
        [CRM_INTERACTION_TYPE_PURCHASE] = CRM_INTERACTION_CHANNEL_WEB,
        [CRM_INTERACTION_TYPE_COMPLAINT] = CRM_INTERACTION_CHANNEL_CALL_CENTER,
    };
    struct interaction *x = &company->interactions[company->interaction_count];
    if (day <= company->customers[customer].created + 3 || day >= DAYS ||
        company->interaction_count >= INTERACTIONS_MAX)
        return;
    *x = (struct interaction){.customer = customer, .type = (uint8_t)type, .channel = channels[type]};
    x->start = moment(company, day);
    x->direction =
        (uint8_t)(chance(company, 45) ? CRM_INTERACTION_DIRECTION_INBOUND : CRM_INTERACTION_DIRECTION_OUTBOUND);
    if (type == CRM_INTERACTION_TYPE_PURCHASE)
        x->amount = company->customers[customer].spend * between(company, 60, 160) / 100;
    /* One in fifty is written down days later. */
    plan(company, x->start + (chance(company, 2) ? 3 * DAY : 5 * MINUTE), INTERACTION, company->interaction_count++, 0);
}

static void plan_task(struct company *company, uint32_t customer, int day, int due_in)
{
    uint32_t position = company->interaction_count;
    plan_interaction(company, customer, day, CRM_INTERACTION_TYPE_TASK);
    if (position == company->interaction_count)
        return;
    company->interactions[position].due = company->interactions[position].start + due_in * DAY;
    company->interactions[position].planned = day + due_in > DAYS - 4;
    company->interactions[position].direction = CRM_INTERACTION_DIRECTION_INTERNAL;
}

/* Purchases at the customer's own pace, and what goes on around them. */
static void plan_relationship(struct company *company, uint32_t i)
{
    const struct customer *c = &company->customers[i];
    int pace = c->cadence, day = c->created + between(company, 4, 30);
    if (c->behaviour == PROSPECT)
        for (int k = between(company, 1, 6); k > 0; k--)
            plan_interaction(company, i, c->created + between(company, 3, 200),
                             chance(company, 50) ? CRM_INTERACTION_TYPE_CALL : CRM_INTERACTION_TYPE_EMAIL);
    while (c->behaviour != PROSPECT && day < DAYS && day < c->stops) {
        bool last_weeks = day > c->stops - 75;
        if (chance(company, 50))
            plan_interaction(company, i, day - between(company, 2, 9), CRM_INTERACTION_TYPE_CALL);
        plan_interaction(company, i, day, CRM_INTERACTION_TYPE_PURCHASE);
        if (chance(company, 45))
            plan_interaction(company, i, day + between(company, 1, 6), CRM_INTERACTION_TYPE_EMAIL);
        if (chance(company, 12))
            plan_interaction(company, i, day + between(company, 5, 20), CRM_INTERACTION_TYPE_VISIT);
        if (chance(company, last_weeks ? 60 : 3))
            plan_interaction(company, i, day + between(company, 3, 12), CRM_INTERACTION_TYPE_COMPLAINT);
        if (chance(company, 8))
            plan_task(company, i, day + 1, between(company, 5, 25));
        day += pace * between(company, 75, 130) / 100;
        if (c->behaviour == FADES)
            pace += pace / 6 + 1;
    }
}

/* A deal: through the stages, won or lost on the way, or still open at the end. */
static void plan_deal(struct company *company, uint32_t i)
{
    struct deal *d = &company->deals[i];
    int day = between(company, 12, DAYS - 3), lost_in = chance(company, 54) ? between(company, 0, 3) : STAGES;
    do
        d->customer = below(company, CUSTOMERS);
    while (company->customers[d->customer].created + 8 > day && company->customers[d->customer].created > 8);
    d->product = below(company, PRODUCTS);
    d->owner = company->customers[d->customer].owner;
    d->amount = (int64_t)products[d->product].price * between(company, 60, 260);
    plan(company, moment(company, day), DEAL, i, 0);
    int start = day;
    for (uint32_t stage = QUALIFICATION; stage <= NEGOTIATION; stage++) {
        int stay = between(company, 7, 24 + 8 * (int)stage);
        if (chance(company, 40))
            plan_interaction(company, d->customer, day + between(company, 1, stay),
                             stage < PROPOSAL ? CRM_INTERACTION_TYPE_CALL : CRM_INTERACTION_TYPE_MEETING);
        day += stay;
        bool lost = (int)stage == lost_in;
        plan(company, moment(company, day), MOVE, i, lost ? LOST : stage + 1);
        if (lost)
            break;
    }
    d->close_day = start + between(company, 60, 110);
    if (day > DAYS) { /* still open: a date that is not past, and something to do next */
        d->close_day = d->close_day > DAYS ? d->close_day : DAYS + between(company, 5, 60);
        plan_task(company, d->customer, DAYS - between(company, 2, 12), between(company, 9, 21));
    }
}

static void company_plan(struct company *company)
{
    company->seed = UINT64_C(0x5a1e5c0a9a4e);
    plan(company, FROM + 7 * 60 * MINUTE, SETUP, 0, 0);
    for (uint32_t i = 0; i < CUSTOMERS; i++)
        plan_customer(company, i);
    for (uint32_t i = 0; i < CUSTOMERS; i++)
        plan_relationship(company, i);
    for (uint32_t i = 0; i < DEALS; i++)
        plan_deal(company, i);
    for (int month = 1; month < 24; month++) /* about the first of each month, at night */
        plan(company, FROM + (month * 3044 / 100) * DAY + 2 * 60 * MINUTE, EVALUATE, 0, 0);
}

/* ------------------------------------------------------------ playing it */

static void play_setup(struct company *company, crm_txn *txn)
{
    crm_txn_set_actor(txn, "generator");
    crm_txn_set_reason(txn, "sample data: made up by tools/generate_company");
    for (uint32_t i = 0; i < USERS; i++) {
        crm_user *user = crm_user_create(txn);
        char email[64];
        crm_user_set_name(user, user_names[i]);
        crm_user_set_team(user, user_teams[i]);
        crm_user_set_region(user, user_territories[i]);
        crm_user_set_active(user, 1);
        snprintf(email, sizeof email, "%s@ours.example", user_logins[i]);
        crm_user_add_email(user, email);
        crm_user_id(user, &company->users[i]);
    }
    for (uint32_t i = 0; i < PRODUCTS; i++) {
        crm_product *product = crm_product_create(txn);
        crm_product_set_name(product, products[i].name);
        crm_product_set_sku(product, products[i].sku);
        crm_product_set_family(product, products[i].family);
        crm_product_set_price(product, (int64_t)products[i].price * 100);
        crm_product_set_active(product, 1);
        crm_product_id(product, &company->products[i]);
    }
}

static void play_customer(struct company *company, crm_txn *txn, uint32_t i)
{
    static const uint64_t steps[3] = {1, 7,
                                      3}; /* prime to 8, 8 and 4: a walk through all names before one comes again */
    struct customer *c = &company->customers[i];
    const struct region *r = c->region;
    crm_customer *customer = crm_customer_create(txn);
    crm_record *record = crm_customer_record(customer);
    char text[256];
    snprintf(text, sizeof text, r->company, r->heads[(i * steps[0]) % 8], r->tails[(i * steps[1] + i / 8) % 8],
             r->trades[c->trade]);
    crm_customer_set_name(customer, text);
    crm_customer_set_type(customer, CRM_CUSTOMER_TYPE_COMPANY);
    crm_customer_set_territory(customer, r->territory);
    crm_customer_set_employees(customer, 5 + (int64_t)((i * 7919) % 480));
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &company->users[c->owner]);
    snprintf(text, sizeof text, "erp:%u", 10000 + i);
    crm_customer_add_external_id(customer, text);
    snprintf(text, sizeof text, "office@company%u.example", i);
    crm_customer_add_email(customer, text);
    snprintf(text, sizeof text, r->phone, i % 1000);
    crm_customer_add_phone(customer, text);
    crm_customer_add_tag(customer, "sample");
    crm_customer_add_address(customer, "Harbour Street 1");
    crm_item_set_text(record, CRM_CUSTOMER_ADDRESSES, 0, CRM_PART_CITY, r->city[i % 3], CRM_NUL);
    crm_item_set_text(record, CRM_CUSTOMER_ADDRESSES, 0, CRM_PART_COUNTRY, r->country, CRM_NUL);
    crm_customer_id(customer, &c->id);
}

static void play_contact(struct company *company, crm_txn *txn, uint32_t i)
{
    struct contact *p = &company->contacts[i];
    const struct customer *c = &company->customers[p->customer];
    const struct region *r = c->region;
    crm_contact *contact = crm_contact_create(txn);
    crm_record *record = crm_contact_record(contact);
    char text[128];
    crm_contact_set_first_name(contact, r->first[(i * 3 + i / 8) % 8]);
    snprintf(text, sizeof text, "%s%s", r->last_heads[(i + i / 6) % 6], r->last_tails[(i * 5 + i / 36) % 6]);
    crm_contact_set_last_name(contact, text);
    crm_contact_set_title(contact, titles[i % 5]);
    crm_set_ref(record, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &c->id);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &company->users[c->owner]);
    snprintf(text, sizeof text, "person%u@company%u.example", i, p->customer);
    crm_contact_add_email(contact, text);
    snprintf(text, sizeof text, r->phone, (i * 13 + 500) % 1000);
    crm_contact_add_phone(contact, text);
    crm_contact_id(contact, &p->id);
}

static void play_deal(struct company *company, crm_txn *txn, const struct event *event)
{
    uint32_t i = event->index;
    struct deal *d = &company->deals[i];
    crm_opportunity *deal = crm_opportunity_create(txn);
    crm_record *record = crm_opportunity_record(deal);
    char text[128];
    snprintf(text, sizeof text, "%s, deal %u", products[d->product].name, 1001 + i);
    crm_opportunity_set_name(deal, text);
    crm_set_ref(record, CRM_OPPORTUNITY_CUSTOMER, CRM_KIND_CUSTOMER, &company->customers[d->customer].id);
    crm_set_ref(record, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &company->stages[QUALIFICATION]);
    crm_set_ref(record, CRM_OPPORTUNITY_PRODUCT, CRM_KIND_PRODUCT, &company->products[d->product]);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &company->users[d->owner]);
    crm_opportunity_set_amount(deal, d->amount);
    crm_opportunity_set_started_on(deal, (int32_t)(event->time / DAY));
    crm_opportunity_set_close_date(deal, (int32_t)(FROM / DAY) + d->close_day);
    crm_opportunity_set_type(deal,
                             i % 3 == 0 ? CRM_OPPORTUNITY_TYPE_NEW_BUSINESS : CRM_OPPORTUNITY_TYPE_EXISTING_BUSINESS);
    crm_opportunity_id(deal, &d->id);
}

static void play_move(struct company *company, crm_txn *txn, const struct event *event)
{
    struct deal *d = &company->deals[event->index];
    crm_opportunity *deal = crm_opportunity_edit(txn, &d->id);
    uint32_t lot = (event->index * 31) % 100;
    crm_set_ref(crm_opportunity_record(deal), CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &company->stages[event->detail]);
    if (event->detail == PROPOSAL) /* the first real offer is rarely what was guessed */
        crm_opportunity_set_amount(deal, d->amount * (80 + lot % 45) / 100);
    if (event->detail == WON || event->detail == LOST)
        crm_opportunity_set_close_date(deal, (int32_t)(event->time / DAY));
    if (event->detail == LOST)
        crm_opportunity_set_lost_reason(deal, 1 + lot % 7);
}

static void play_interaction(struct company *company, crm_txn *txn, uint32_t i)
{
    const struct interaction *x = &company->interactions[i];
    const struct customer *c = &company->customers[x->customer];
    crm_interaction *interaction = crm_interaction_create(txn);
    crm_record *record = crm_interaction_record(interaction);
    crm_id none = {{0}};
    const crm_id *contact = &company->contacts[c->first_contact + i % c->contacts].id;
    crm_interaction_set_type(interaction, x->type);
    crm_interaction_set_subject(interaction, subjects[x->type][i % 4]);
    crm_interaction_set_start(interaction, x->start);
    if (x->channel != 0)
        crm_interaction_set_channel(interaction, x->channel);
    crm_interaction_set_direction(interaction, x->direction);
    crm_interaction_set_status(interaction,
                               x->planned ? CRM_INTERACTION_STATUS_PLANNED : CRM_INTERACTION_STATUS_COMPLETED);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &c->id);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &company->users[c->owner]);
    if (memcmp(contact, &none, sizeof none) != 0) /* the person is in the file by then */
        crm_set_ref(record, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, contact);
    if (x->due != 0)
        crm_interaction_set_due(interaction, x->due);
    if (x->amount != 0)
        crm_interaction_set_amount(interaction, x->amount);
}

static void play_event(struct company *company, crm_txn *txn, const struct event *event)
{
    uint32_t owner = event->what == CUSTOMER  ? company->customers[event->index].owner
                     : event->what == CONTACT ? company->customers[company->contacts[event->index].customer].owner
                     : event->what == INTERACTION
                         ? company->customers[company->interactions[event->index].customer].owner
                     : event->what == DEAL || event->what == MOVE ? company->deals[event->index].owner
                                                                  : 0;
    crm_txn_set_actor(txn, event->what == EVALUATE ? "rules" : user_logins[owner]);
    switch (event->what) {
    case SETUP: play_setup(company, txn); break;
    case CUSTOMER: play_customer(company, txn, event->index); break;
    case CONTACT: play_contact(company, txn, event->index); break;
    case DEAL: play_deal(company, txn, event); break;
    case MOVE: play_move(company, txn, event); break;
    case INTERACTION: play_interaction(company, txn, event->index); break;
    default: crm_lifecycle_evaluate(txn, event->time, 0, NULL, NULL); break;
    }
}

/* The stages that a new file comes with, in their order. */
static int32_t read_stages(crm_db *db, struct company *company, crm_error *error)
{
    crm_view *view;
    crm_query *query = NULL;
    crm_record *record;
    int32_t status = crm_view_open(db, &view, error);
    if (status != CRM_OK)
        return status;
    status = crm_query_create(view, CRM_KIND_STAGE, &query, error);
    for (int i = 0; status == CRM_OK && (status = crm_query_next(query, &record, error)) == CRM_OK && i < STAGES; i++)
        crm_record_id(record, &company->stages[i]);
    crm_query_free(query);
    crm_view_close(view);
    return status == CRM_DONE ? CRM_OK : status;
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int32_t play(crm_db *db, struct company *company, crm_error *error)
{
    int32_t status = read_stages(db, company, error);
    qsort(company->events, company->event_count, sizeof *company->events, by_time);
    for (uint32_t i = 0; status == CRM_OK && i < company->event_count; i++) {
        crm_txn *txn;
        crm_set_now(db, company->events[i].time);
        status = crm_begin(db, &txn, error);
        if (status == CRM_OK) {
            play_event(company, txn, &company->events[i]);
            status = crm_commit(txn, NULL, error);
        }
    }
    return status;
}

static void print_counts(const struct company *company)
{
    uint32_t count[EVENT_KINDS] = {0};
    for (uint32_t i = 0; i < company->event_count; i++)
        count[company->events[i].what]++;
    printf("Generated, no real person or company: %d users, %d products, %u customers,\n%u contacts, %u deals with %u "
           "moves, %u interactions, %u transactions.\n",
           USERS, PRODUCTS, count[CUSTOMER], count[CONTACT], count[DEAL], count[MOVE], count[INTERACTION],
           company->event_count);
}

int main(int argc, char **argv)
{
    struct company *company = calloc(1, sizeof *company);
    crm_options *options = crm_options_create();
    crm_error error = {0};
    crm_db *db = NULL;
    int32_t status;

    if (argc != 2 || company == NULL || options == NULL) {
        fprintf(stderr, "usage: generate_company FILE\n");
        crm_options_free(options);
        free(company);
        return 2;
    }
    company_plan(company);
    /* One sync at the end: a power cut costs nothing but running this again. */
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_CREATE, 2);
    crm_options_set_int(options, CRM_OPTION_NOW, FROM);
    status = crm_open(argv[1], options, &db, &error);
    if (status == CRM_OK)
        status = play(db, company, &error);
    if (status == CRM_OK)
        print_counts(company);
    else
        fprintf(stderr, "generate_company: %s: %s\n", argv[1], error.message);
    if (db != NULL && crm_close(db) != CRM_OK)
        status = CRM_IO;
    crm_options_free(options);
    free(company);
    return status == CRM_OK ? 0 : 1;
}
