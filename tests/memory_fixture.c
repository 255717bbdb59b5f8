/* memory_fixture: see memory_fixture.h. */
#include "memory_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { HELD = 300 };

static crm_view *held[HELD];
static int held_count;

/* A customer with so many versions, and one below it that refers to it. */
static void fill(crm_db *db, crm_id *acme, crm_id *child)
{
    char text[700];
    crm_txn *txn = domain_begin(db);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(record, acme);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    memset(text, 'a', sizeof text - 1); /* long enough to be deflated */
    text[sizeof text - 1] = '\0';
    crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, CRM_NUL);
    record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(record, child);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Child", CRM_NUL);
    crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, acme);
    snprintf(text, sizeof text, "Area %d", MEMORY_VERSIONS);
    crm_set_text(record, CRM_CUSTOMER_TERRITORY, text, CRM_NUL);
    domain_commit(txn);
    for (int version = 2; version <= MEMORY_VERSIONS; version++) {
        txn = domain_begin(db);
        crm_txn_set_batch(txn, version == MEMORY_VERSIONS ? "last" : "");
        snprintf(text, sizeof text, "Area %d", version);
        crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, acme), CRM_CUSTOMER_TERRITORY, text, CRM_NUL);
        domain_commit(txn);
    }
}

crm_db *memory_open(crm_id *acme, crm_id *child)
{
    crm_db *db = domain_open();
    fill(db, acme, child);
    return db;
}

void memory_hold(crm_view *view)
{
    ck_assert_int_lt(held_count, HELD);
    held[held_count++] = view;
}

void memory_let_go(void)
{
    domain_allocations = -1;
    while (held_count > 0)
        crm_view_close(held[--held_count]);
}

/* False: there was memory enough. */
static bool answered_short(int32_t (*question)(void), crm_error *error, int64_t allocations, bool once)
{
    domain_allocations = once ? -1 : allocations;
    domain_refusal = once ? allocations + 1 : 0;
    memset(error, 0, sizeof *error);
    int32_t status = question();
    bool enough = once ? domain_refusal > 0 : domain_allocations > 0;
    domain_allocations = -1;
    domain_refusal = 0;
    ck_assert_msg(status == CRM_OK || (status == CRM_NOMEM && !enough), "memory for %lld allocations%s: %s: %s",
                  (long long)allocations, once ? ", then for all but one" : "", crm_status_name(status),
                  error->message);
    return !enough;
}

void memory_ask(int32_t (*question)(void), crm_error *error)
{
    for (int once = 0; once < 2; once++)
        for (int64_t allocations = 0; answered_short(question, error, allocations, once != 0); allocations++)
            continue;
}
