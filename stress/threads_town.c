/* threads_town.c: the file, as it is before anybody does anything. */
#include "threads.h"

#include "model/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void town_fail(struct town *town, const char *format, ...)
{
    char text[1200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&town->lock);
    stress_fail(town->stress, "%s", text);
    (void)pthread_mutex_unlock(&town->lock);
}

bool town_fine(struct town *town, int32_t status, const char *what, const crm_error *error)
{
    if (status != CRM_OK)
        town_fail(town, "%s: %s: %s", what, crm_status_name(status), error->message);
    return status == CRM_OK;
}

/* A second later each time: no two transactions are of one instant. */
static int64_t town_clock(void *context)
{
    struct town *town = context;
    return atomic_fetch_add_explicit(&town->clock, 1000000, memory_order_relaxed);
}

crm_db *town_open(struct town *town, const char *path, int handle)
{
    crm_db *db = NULL;
    crm_error error = {0};
    crm_options *options = crm_options_create();
    int32_t durability = handle == HANDLE_DEFERRED ? CRM_DURABLE_DEFERRED : CRM_DURABLE_FULL;
    (void)crm_options_set_int(options, CRM_OPTION_DURABILITY, durability);
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, handle == HANDLE_READER);
    (void)crm_options_set_int(options, CRM_OPTION_BUSY_MS, handle == HANDLE_DEFERRED ? -1 : 600000);
    crm_options_set_clock(options, town_clock, town);
    options->files = town->files;
    (void)town_fine(town, crm_open(path, options, &db, &error), "opening", &error);
    crm_options_free(options);
    return db;
}

void town_remove(const char *path)
{
    char index[200];
    (void)snprintf(index, sizeof index, "%s-index", path);
    (void)unlink(path);
    (void)unlink(index);
}

static void make_customer(struct town *town, crm_txn *txn, uint32_t number)
{
    char text[64];
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    (void)snprintf(text, sizeof text, "Account %02u round 0", number);
    (void)crm_set_text(customer, CRM_CUSTOMER_NAME, text, CRM_NUL);
    (void)snprintf(text, sizeof text, "account%02u@example.org", number);
    (void)crm_item_add(customer, CRM_CUSTOMER_EMAILS, text, CRM_NUL);
    (void)snprintf(text, sizeof text, "+49 30 5550%03u", number);
    (void)crm_item_add(customer, CRM_CUSTOMER_PHONES, text, CRM_NUL);
    (void)crm_set_int(customer, town->balance, START);
    (void)crm_set_int(customer, town->tally, 0);
    (void)crm_set_int(customer, town->points, 0);
    (void)crm_set_int(customer, town->mail, number);
    (void)crm_set_int(customer, town->round, 0);
    crm_record_id(customer, &town->customers[number]);
    crm_record *partner = crm_create(txn, CRM_KIND_CONTACT);
    (void)snprintf(text, sizeof text, "Partner %02u round 0", number);
    (void)crm_set_text(partner, CRM_CONTACT_LAST_NAME, text, CRM_NUL);
    (void)crm_set_ref(partner, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &town->customers[number]);
    crm_record_id(partner, &town->partners[number]);
}

static void make_all(struct town *town, crm_txn *txn)
{
    static const char *const names[] = {"balance", "tally", "points", "mail", "round"};
    uint32_t *fields[] = {&town->balance, &town->tally, &town->points, &town->mail, &town->round};
    char text[64];
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        (void)crm_field_add(txn, CRM_KIND_CUSTOMER, names[i], CRM_NUL, CRM_TYPE_INT,
                            i < 2 ? CRM_FLAG_INDEXED | CRM_FLAG_HOT : 0, 0, fields[i]);
    for (uint32_t i = 0; i < CUSTOMERS; i++)
        make_customer(town, txn, i);
    for (uint32_t i = 0; i < DEALS; i++) {
        crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
        (void)snprintf(text, sizeof text, "Deal %02u", i);
        (void)crm_set_text(deal, CRM_OPPORTUNITY_NAME, text, CRM_NUL);
        (void)crm_set_ref(deal, CRM_OPPORTUNITY_CUSTOMER, CRM_KIND_CUSTOMER, &town->customers[i % CUSTOMERS]);
        (void)crm_set_int(deal, CRM_OPPORTUNITY_AMOUNT, AMOUNT);
        (void)crm_set_int(deal, CRM_OPPORTUNITY_CLOSE_DATE, 20100);
        crm_record_id(deal, &town->deals[i]);
    }
    for (uint32_t i = 0; i < PRODUCTS; i++) {
        crm_record *product = crm_create(txn, CRM_KIND_PRODUCT);
        (void)snprintf(text, sizeof text, "P-%02u", i);
        (void)crm_set_text(product, CRM_PRODUCT_NAME, text, CRM_NUL);
        (void)crm_set_text(product, CRM_PRODUCT_SKU, text, CRM_NUL);
        (void)crm_set_int(product, CRM_PRODUCT_PRICE, 100);
    }
}

void town_found(struct town *town, struct stress *stress)
{
    crm_txn *txn = NULL;
    crm_error error = {0};
    town->stress = stress;
    atomic_store(&town->clock, INT64_C(1700000000) * 1000000);
    (void)pthread_mutex_init(&town->lock, NULL);
    stress_path(stress, "town.crm", town->path, sizeof town->path);
    for (int i = 0; i < HANDLES; i++) {
        town->handles[i] = town_open(town, town->path, i);
        if (town->handles[i] == NULL)
            exit(1);
        if (i != HANDLE_FULL)
            continue;
        if (crm_begin(town->handles[i], &txn, &error) != CRM_OK)
            exit(1);
        make_all(town, txn);
        if (!town_fine(town, crm_commit(txn, NULL, &error), "the first transaction", &error))
            exit(1);
    }
}

void town_close(struct town *town)
{
    for (int i = 0; i < HANDLES; i++)
        if (crm_close(town->handles[i]) != CRM_OK)
            town_fail(town, "closing handle %d failed", i);
}
