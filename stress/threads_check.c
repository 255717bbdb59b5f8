/* threads_check.c: what threads.h says is always true, asked in as many ways as
 * there are: scans, indexes, groups, columns, look-ups, timelines, pages.
 */
#include "threads.h"

#include <stdio.h>
#include <string.h>

struct look {
    struct town *town;
    crm_view *view;
    const char *who;
    crm_error error;
    int64_t tally[CUSTOMERS], points[CUSTOMERS], mail[CUSTOMERS], round[CUSTOMERS];
};

static bool wrong(struct look *look, const char *what, int64_t got, int64_t wanted)
{
    town_fail(look->town, "%s, transaction %llu: %s is %lld, not %lld", look->who,
              (unsigned long long)crm_view_lsn(look->view), what, (long long)got, (long long)wanted);
    return false;
}

static bool equal(struct look *look, const char *what, int64_t got, int64_t wanted)
{
    return got == wanted || wrong(look, what, got, wanted);
}

/* The answer to a call that may end an iteration. */
static bool fine(struct look *look, const char *what, int32_t status)
{
    if (status == CRM_OK || status == CRM_DONE)
        return true;
    town_fail(look->town, "%s, transaction %llu: %s: %s: %s", look->who, (unsigned long long)crm_view_lsn(look->view),
              what, crm_status_name(status), look->error.message);
    return false;
}

static int customer_number(const struct town *town, const crm_record *record)
{
    crm_id id;
    crm_record_id(record, &id);
    for (int i = 0; i < CUSTOMERS; i++)
        if (memcmp(&id, &town->customers[i], sizeof id) == 0)
            return i;
    return -1;
}

static bool name_is(struct look *look, const crm_record *record, uint32_t field, const char *word, int number)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s %02d round %lld", word, number, (long long)look->round[number]);
    if (strcmp(crm_text(record, field, NULL), name) == 0)
        return true;
    town_fail(look->town, "%s, transaction %llu: the name is \"%s\", not \"%s\"", look->who,
              (unsigned long long)crm_view_lsn(look->view), crm_text(record, field, NULL), name);
    return false;
}

/* In the order of an index; and remembers each for what follows. */
static bool check_customers(struct look *look)
{
    struct town *town = look->town;
    crm_query *query = NULL;
    crm_record *record = NULL;
    int64_t sum = 0, last = INT64_MIN, count = 0, mails = 0;
    int32_t status = crm_query_create(look->view, CRM_KIND_CUSTOMER, &query, &look->error);
    if (status == CRM_OK)
        status = crm_query_order(query, town->balance, 0);
    bool good = true;
    while (good && status == CRM_OK && (status = crm_query_next(query, &record, &look->error)) == CRM_OK) {
        int64_t balance = crm_int(record, town->balance);
        int number = customer_number(town, record);
        if (number < 0)
            good = wrong(look, "a customer's number", number, 0);
        else if (balance < last)
            good = wrong(look, "the next balance in order", balance, last);
        if (!good)
            break;
        last = balance;
        sum += balance;
        look->tally[number] = crm_int(record, town->tally);
        look->points[number] = crm_int(record, town->points);
        look->mail[number] = crm_int(record, town->mail);
        look->round[number] = crm_int(record, town->round);
        mails |= INT64_C(1) << look->mail[number];
        count++;
        good = name_is(look, record, CRM_CUSTOMER_NAME, "Account", number);
    }
    crm_query_free(query);
    return good && fine(look, "customers by balance", status) &&
           equal(look, "the number of customers", count, CUSTOMERS) &&
           equal(look, "the sum of balances", sum, CUSTOMERS * START) &&
           equal(look, "the set of addresses", mails, (INT64_C(1) << CUSTOMERS) - 1);
}

/* The groups of all interactions, from the column; and their scores. */
static bool check_interactions(struct look *look)
{
    crm_query *query = NULL;
    crm_table *table = NULL;
    uint64_t total = 0;
    int64_t tallies = 0;
    bool good = true;
    int32_t status = crm_query_create(look->view, CRM_KIND_INTERACTION, &query, &look->error);
    if (status == CRM_OK)
        status = crm_query_count(query, &total, &look->error);
    if (status == CRM_OK)
        status = crm_query_group(query, CRM_INTERACTION_CUSTOMER, 0, CRM_UNIT_NONE);
    if (status == CRM_OK)
        status = crm_query_measure(query, CRM_MEASURE_SUM, CRM_INTERACTION_SCORE);
    if (status == CRM_OK)
        status = crm_query_groups(query, &table, &look->error);
    good = fine(look, "groups of interactions", status);
    for (int i = 0; i < CUSTOMERS; i++)
        tallies += look->tally[i];
    good = good && equal(look, "the number of interactions", (int64_t)total, tallies);
    for (uint64_t row = 0; good && row < crm_table_rows(table); row++) {
        crm_id id = {{0}};
        int number = 0;
        (void)crm_table_id(table, row, 0, &id);
        while (number < CUSTOMERS && memcmp(&id, &look->town->customers[number], sizeof id) != 0)
            number++;
        good = number < CUSTOMERS &&
               equal(look, "a group's count", crm_table_int(table, row, 1), look->tally[number]) &&
               equal(look, "a group's sum of scores", crm_table_int(table, row, 2), look->points[number]);
    }
    crm_table_free(table);
    crm_query_free(query);
    return good;
}

static bool check_timeline(struct look *look, int number)
{
    const crm_id *id = &look->town->customers[number];
    crm_query *query = NULL;
    crm_record *page[7];
    uint32_t count = 0;
    int64_t entries = 0, points = 0, last = INT64_MAX;
    bool good = true;
    int32_t status = crm_timeline(look->view, CRM_KIND_CUSTOMER, id, &query, &look->error);
    while (good && status == CRM_OK) {
        status = crm_query_page(query, page, 1 + (uint32_t)(entries % 7), &count, &look->error);
        if (status != CRM_OK || count == 0)
            break;
        for (uint32_t i = 0; good && i < count; i++) {
            crm_id whose = {{0}};
            int64_t at = crm_int(page[i], CRM_INTERACTION_START);
            (void)crm_ref(page[i], CRM_INTERACTION_CUSTOMER, NULL, &whose);
            if (memcmp(&whose, id, sizeof whose) != 0 || at > last || crm_record_deleted(page[i]))
                good = wrong(look, "an entry of a timeline", at, last);
            last = at;
            points += crm_int(page[i], CRM_INTERACTION_SCORE);
            entries++;
        }
    }
    crm_query_free(query);
    return good && fine(look, "a timeline", status) &&
           equal(look, "the length of a timeline", entries, look->tally[number]) &&
           equal(look, "the scores of a timeline", points, look->points[number]);
}

/* By e-mail, by the last digits of the number, by the beginning of the name, by
 * id; and the partner. */
static bool check_person(struct look *look, int number)
{
    struct town *town = look->town;
    crm_record *record = NULL;
    crm_query *query = NULL;
    char text[64];
    (void)snprintf(text, sizeof text, "ACCOUNT%02lld@example.org", (long long)look->mail[number]);
    if (!fine(look, text,
              crm_find(look->view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, text, CRM_NUL, &record, &look->error)))
        return false;
    bool good = equal(look, "who has an address", customer_number(town, record), number);
    crm_record_free(record);
    (void)snprintf(text, sizeof text, "5550%03lld", (long long)look->mail[number]);
    good = good &&
           fine(look, text,
                crm_find(look->view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_PHONES, text, CRM_NUL, &record, &look->error));
    good = good && equal(look, "who has a number", customer_number(town, record), number);
    crm_record_free(good ? record : NULL);
    good = good &&
           fine(look, "a partner",
                crm_get(look->view, CRM_KIND_CONTACT, &town->partners[number], &record, &look->error)) &&
           name_is(look, record, CRM_CONTACT_LAST_NAME, "Partner", number);
    crm_record_free(good ? record : NULL);
    (void)snprintf(text, sizeof text, "account %02d r", number);
    int32_t status = crm_query_create(look->view, CRM_KIND_CUSTOMER, &query, &look->error);
    if (status == CRM_OK)
        status = crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, text, CRM_NUL);
    int found = 0;
    while (status == CRM_OK && (status = crm_query_next(query, &record, &look->error)) == CRM_OK)
        found += customer_number(town, record) == number ? 1 : 100;
    crm_query_free(query);
    return good && fine(look, "customers by the beginning of their names", status) &&
           equal(look, "how many begin so", found, 1);
}

/* The report, the groups, and the counts of the index. */
static bool check_deals(struct look *look)
{
    crm_table *report = NULL;
    crm_query *query = NULL;
    int64_t amount = 0, deals = 0, groups = 0;
    bool good = fine(look, "the report", crm_report_pipeline(look->view, "stage", &report, &look->error));
    for (uint64_t row = 0; good && row < crm_table_rows(report); row++) {
        uint64_t count = 0;
        crm_id stage = {{0}};
        deals += crm_table_int(report, row, 1);
        amount += crm_table_int(report, row, 2);
        (void)crm_table_id(report, row, 0, &stage);
        int32_t status = crm_query_create(look->view, CRM_KIND_OPPORTUNITY, &query, &look->error);
        if (status == CRM_OK)
            status = crm_query_where_ref(query, CRM_OPPORTUNITY_STAGE, CRM_OP_EQ, CRM_KIND_STAGE, &stage);
        if (status == CRM_OK)
            status = crm_query_count(query, &count, &look->error);
        crm_query_free(query);
        good = fine(look, "deals of a stage", status) &&
               equal(look, "deals of a stage", (int64_t)count, crm_table_int(report, row, 1));
        groups += (int64_t)count;
    }
    crm_table_free(report);
    return good && equal(look, "the number of deals", deals, DEALS) &&
           equal(look, "the deals of all stages", groups, DEALS) &&
           equal(look, "the sum of amounts", amount, (int64_t)DEALS * AMOUNT);
}

/* The next of a list: not before the last one; those without a name, which was
 * erased, come after all others. */
static bool follows(struct look *look, const crm_record *record, char last[128])
{
    const char *name = crm_text(record, CRM_CONTACT_LAST_NAME, NULL);
    bool named = crm_has(record, CRM_CONTACT_LAST_NAME), good = named ? strcmp(last, name) <= 0 : true;
    if (!good)
        town_fail(look->town, "%s, transaction %llu: in a list by name \"%s\" comes after \"%s\"", look->who,
                  (unsigned long long)crm_view_lsn(look->view), name, last);
    (void)snprintf(last, 128, "%s", named ? name : "\x7f");
    return good;
}

/* A list page by page, each a query of its own that goes on behind the last one's cursor. */
static bool check_pages(struct look *look, uint32_t size)
{
    char cursor[512] = "", last[128] = "";
    uint64_t total = 0, seen = 0;
    int32_t status = CRM_OK;
    bool good = true;
    for (uint32_t count = 1; good && status == CRM_OK && count > 0;) {
        crm_query *query = NULL;
        crm_record *page[16];
        status = crm_query_create(look->view, CRM_KIND_CONTACT, &query, &look->error);
        if (status == CRM_OK)
            status = crm_query_order(query, CRM_CONTACT_LAST_NAME, 0);
        if (status == CRM_OK && seen == 0)
            status = crm_query_count(query, &total, &look->error);
        if (status == CRM_OK && cursor[0] != '\0')
            status = crm_query_after(query, cursor, CRM_NUL);
        count = 0;
        if (status == CRM_OK)
            status = crm_query_page(query, page, size, &count, &look->error);
        for (uint32_t i = 0; status == CRM_OK && good && i < count; i++, seen++)
            good = follows(look, page[i], last);
        if (status == CRM_OK && count > 0)
            (void)snprintf(cursor, sizeof cursor, "%s", crm_query_cursor(query));
        crm_query_free(query);
    }
    return good && fine(look, "a list by pages", status) &&
           equal(look, "the length of a list by pages", (int64_t)seen, (int64_t)total);
}

static bool check_products(struct look *look)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    int64_t price = -1, count = 0;
    bool good = true;
    int32_t status = crm_query_create(look->view, CRM_KIND_PRODUCT, &query, &look->error);
    while (good && status == CRM_OK && (status = crm_query_next(query, &record, &look->error)) == CRM_OK) {
        price = count++ == 0 ? crm_int(record, CRM_PRODUCT_PRICE) : price;
        good = equal(look, "a product's price", crm_int(record, CRM_PRODUCT_PRICE), price);
    }
    crm_query_free(query);
    return good && fine(look, "products", status) && equal(look, "the number of products", count, PRODUCTS);
}

static bool check_stage(struct look *look, int number)
{
    crm_record *record = NULL;
    crm_table *table = NULL;
    const crm_id *id = &look->town->customers[number];
    if (!fine(look, "a customer by id", crm_get(look->view, CRM_KIND_CUSTOMER, id, &record, &look->error)))
        return false;
    bool good = fine(look, "stages", crm_stage_history(look->view, CRM_KIND_CUSTOMER, id, &table, &look->error)) &&
                (crm_table_rows(table) > 0 || wrong(look, "the number of stages", 0, 1));
    if (good) {
        const char *stage = crm_lifecycle_name(crm_int(record, CRM_CUSTOMER_STAGE));
        const char *led = crm_table_text(table, crm_table_rows(table) - 1, 1, NULL);
        good = strcmp(stage, led) == 0;
        if (!good)
            town_fail(look->town, "%s, transaction %llu: a customer is %s and was last moved to %s", look->who,
                      (unsigned long long)crm_view_lsn(look->view), stage, led);
    }
    crm_table_free(table);
    crm_record_free(record);
    table = NULL;
    int64_t customers = 0;
    good = good && fine(look, "the lifecycle", crm_lifecycle_report(look->view, 0, &table, &look->error));
    for (uint64_t row = 0; good && row < crm_table_rows(table); row++)
        customers += crm_table_int(table, row, 1);
    crm_table_free(table);
    return good && equal(look, "the customers of all stages", customers, CUSTOMERS);
}

bool town_check(struct town *town, crm_view *view, uint64_t *chance, const char *who)
{
    struct look look = {.town = town, .view = view, .who = who};
    int number = (int)stress_below(chance, CUSTOMERS);
    bool good = check_customers(&look) && check_person(&look, number);
    switch (stress_below(chance, 4)) {
    case 0: return good && check_interactions(&look) && check_timeline(&look, number);
    case 1: return good && check_deals(&look) && check_products(&look);
    case 2: return good && check_pages(&look, 1 + stress_below(chance, 16)) && check_timeline(&look, number);
    default: return good && check_stage(&look, number) && check_interactions(&look);
    }
}
