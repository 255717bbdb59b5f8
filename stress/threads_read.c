/* threads_read.c: who only looks: at what is now, at what was when the view was
 * opened, and at what was at any time.
 */
#include "threads.h"

#include <stdio.h>
#include <string.h>

/* ---- now ---- */

/* By a field that may be taken back meanwhile. */
static void ask_by(struct citizen *citizen, crm_view *view, uint32_t kind, uint32_t field)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_table *table = NULL;
    crm_error error = {0};
    int32_t status = crm_query_create(view, kind, &query, &error);
    if (status == CRM_OK)
        (void)crm_query_where_int(query, field, CRM_OP_SET, 0);
    if (status == CRM_OK)
        (void)crm_query_order(query, field, 1);
    while (status == CRM_OK)
        status = crm_query_next(query, &record, &error);
    crm_query_free(query);
    query = NULL;
    if (status == CRM_DONE)
        status = crm_query_create(view, kind, &query, &error);
    if (status == CRM_OK)
        (void)crm_query_group(query, field, 0, CRM_UNIT_NONE);
    if (status == CRM_OK)
        status = crm_query_groups(query, &table, &error);
    if (status != CRM_OK && status != CRM_INVALID)
        (void)town_fine(citizen->town, status, "a query by a user's own field", &error);
    crm_table_free(table);
    crm_query_free(query);
}

/* Definitions come and are taken back while others read them; the library's own stay. */
static void look_at_schema(struct citizen *citizen, crm_view *view)
{
    const crm_db *db = citizen->db;
    uint32_t kinds = crm_kind_count(db);
    for (uint32_t i = 0; i < kinds; i++) {
        uint32_t kind = crm_kind_at(db, i), fields = crm_field_count(db, kind), known = 0;
        for (uint32_t n = 0; n < fields; n++) {
            uint32_t field = crm_field_at(db, kind, n);
            bool named = crm_field_name(db, kind, field) != NULL && crm_field_type(db, kind, field) != 0;
            if (field != 0 && field < CRM_USER_FIELD && !named) /* 0: it was taken back meanwhile */
                town_fail(citizen->town, "field %u of kind %u has no name or type", field, kind);
            known += named;
            if (crm_field_type(db, kind, field) == CRM_TYPE_CHOICE)
                (void)crm_choice_find(db, kind, field, "one", CRM_NUL);
            if (field >= CRM_USER_FIELD && stress_below(&citizen->chance, 4) == 0)
                ask_by(citizen, view, kind, field);
        }
        if (kind < CRM_USER_KIND && (crm_kind_name(db, kind) == NULL || known < 10))
            town_fail(citizen->town, "kind %u of %u has no name or only %u fields", kind, kinds, known);
    }
}

void read_a_turn(struct citizen *citizen)
{
    crm_view *view = NULL;
    crm_error error = {0};
    if (!town_fine(citizen->town, crm_view_open(citizen->db, &view, &error), "a view", &error))
        return;
    if (crm_view_lsn(view) < citizen->lsn)
        town_fail(citizen->town, "reader %u: a view of %llu after one of %llu", citizen->number,
                  (unsigned long long)crm_view_lsn(view), (unsigned long long)citizen->lsn);
    citizen->lsn = crm_view_lsn(view);
    (void)town_check(citizen->town, view, &citizen->chance, "a reader");
    if (stress_below(&citizen->chance, 8) == 0)
        look_at_schema(citizen, view);
    if (stress_below(&citizen->chance, 12) == 0)
        town_record(citizen->town, view, "a reader");
    crm_view_close(view);
}

/* ---- for long ---- */

static uint64_t add_next(uint64_t sum, const crm_record *record)
{
    crm_id id;
    crm_record_id(record, &id);
    for (size_t i = 0; i < sizeof id.bytes; i++)
        sum = (sum ^ id.bytes[i]) * UINT64_C(0x100000001b3);
    return sum ^ crm_record_version(record);
}

/* Any LSN that somebody has seen. */
static uint64_t some_lsn(struct citizen *citizen, int64_t *time)
{
    struct town *town = citizen->town;
    uint64_t lsn = 0;
    (void)pthread_mutex_lock(&town->lock);
    if (town->newest > 0)
        for (lsn = 1 + stress_below(&citizen->chance, (uint32_t)town->newest); town->ledger[lsn].digest == 0; lsn++)
            continue;
    *time = town->ledger[lsn].time;
    (void)pthread_mutex_unlock(&town->lock);
    return lsn;
}

static crm_view *open_somehow(struct citizen *citizen, uint32_t how)
{
    crm_view *view = NULL;
    crm_error error = {0};
    int64_t time = 0;
    uint64_t lsn = how == 0 ? 0 : some_lsn(citizen, &time);
    int32_t status = lsn == 0   ? crm_view_open(citizen->db, &view, &error)
                     : how == 1 ? crm_view_open_lsn(citizen->db, lsn, &view, &error)
                                : crm_view_open_at(citizen->db, time, &view, &error);
    if (!town_fine(citizen->town, status, "a view", &error))
        return NULL;
    if (lsn != 0 && crm_view_lsn(view) != lsn)
        town_fail(citizen->town, "a view at transaction %llu or its instant is of %llu", (unsigned long long)lsn,
                  (unsigned long long)crm_view_lsn(view));
    return view;
}

static void take_hold(struct citizen *citizen, struct held *held)
{
    struct town *town = citizen->town;
    crm_error error = {0};
    crm_query *query = NULL;
    crm_record *record = NULL;
    uint32_t number = stress_below(&citizen->chance, CUSTOMERS), half = stress_below(&citizen->chance, 40);
    *held = (struct held){.view = open_somehow(citizen, stress_below(&citizen->chance, 4) % 3)};
    if (held->view == NULL)
        return;
    held->digest = town_digest(town, held->view, false);
    if (town_fine(town, crm_get(held->view, CRM_KIND_CUSTOMER, &town->customers[number], &held->record, &error),
                  "a customer", &error))
        (void)snprintf(held->name, sizeof held->name, "%s", crm_text(held->record, CRM_CUSTOMER_NAME, NULL));
    if (!town_fine(town, crm_query_create(held->view, CRM_KIND_INTERACTION, &query, &error), "a query", &error) ||
        !town_fine(town, crm_query_create(held->view, CRM_KIND_INTERACTION, &held->query, &error), "a query", &error))
        return;
    (void)crm_query_order(query, CRM_INTERACTION_START, 1);
    (void)crm_query_order(held->query, CRM_INTERACTION_START, 1);
    while (crm_query_next(query, &record, NULL) == CRM_OK)
        held->all = add_next(held->all, record);
    crm_query_free(query);
    while (half-- > 0 && crm_query_next(held->query, &record, NULL) == CRM_OK)
        held->half = add_next(held->half, record);
}

static void look_at_record(struct citizen *citizen, const struct held *held)
{
    const char *name = crm_text(held->record, CRM_CUSTOMER_NAME, NULL);
    if (held->record != NULL && strcmp(name, held->name) != 0)
        town_fail(citizen->town, "holder %u: a record of \"%s\" says \"%s\"", citizen->number, held->name, name);
}

static void look_again(struct citizen *citizen, const struct held *held)
{
    if (town_digest(citizen->town, held->view, false) != held->digest)
        town_fail(citizen->town, "holder %u: a view of transaction %llu does not answer as it did", citizen->number,
                  (unsigned long long)crm_view_lsn(held->view));
    look_at_record(citizen, held);
}

/* In any order, the view first as well: its children do not notice. */
static void release(struct citizen *citizen, struct held *held)
{
    crm_record *record = NULL;
    crm_error error = {0};
    bool first = stress_below(&citizen->chance, 2) == 0;
    int32_t status = CRM_OK;
    if (first)
        crm_view_close(held->view);
    while (held->query != NULL && (status = crm_query_next(held->query, &record, &error)) == CRM_OK)
        held->half = add_next(held->half, record);
    if (held->query != NULL && (status != CRM_DONE || held->half != held->all))
        town_fail(citizen->town, "holder %u: a query went on to another end (%s)", citizen->number,
                  crm_status_name(status));
    crm_query_free(held->query);
    look_at_record(citizen, held);
    crm_record_free(held->record);
    if (!first)
        crm_view_close(held->view);
    *held = (struct held){0};
}

void hold_a_turn(struct citizen *citizen)
{
    struct held *held = &citizen->held[stress_below(&citizen->chance, HELD)];
    if (held->view == NULL) {
        take_hold(citizen, held);
        return;
    }
    look_again(citizen, held);
    if (stress_below(&citizen->chance, 4) == 0)
        release(citizen, held);
}

void let_go(struct citizen *citizen)
{
    for (int i = 0; i < HELD; i++)
        if (citizen->held[i].view != NULL) {
            look_again(citizen, &citizen->held[i]);
            release(citizen, &citizen->held[i]);
        }
}

/* ---- at any time ---- */

/* Versions follow each other without a gap, and the last is what the view has. */
static void check_history(struct citizen *citizen, crm_view *view)
{
    struct town *town = citizen->town;
    const crm_id *id = &town->customers[stress_below(&citizen->chance, CUSTOMERS)];
    crm_history *history = NULL;
    crm_change *change = NULL;
    crm_record *record = NULL;
    crm_error error = {0};
    uint64_t version = 0, lsn = 0;
    int64_t balance = 0;
    if (!town_fine(town, crm_history_open(view, CRM_KIND_CUSTOMER, id, &history, &error), "a history", &error))
        return;
    int32_t status;
    while ((status = crm_history_next(history, &change, &error)) == CRM_OK) {
        if (crm_change_version(change) != version + 1 || crm_change_lsn(change) < lsn)
            town_fail(town, "version %llu of transaction %llu follows version %llu of %llu",
                      (unsigned long long)crm_change_version(change), (unsigned long long)crm_change_lsn(change),
                      (unsigned long long)version, (unsigned long long)lsn);
        if (version > 0 && crm_int(crm_change_before(change), town->balance) != balance)
            town_fail(town, "a version's balance is not the one that it came from");
        version = crm_change_version(change);
        lsn = crm_change_lsn(change);
        balance = crm_int(crm_change_after(change), town->balance);
    }
    crm_history_close(history);
    if (status != CRM_DONE)
        (void)town_fine(town, status, "a history", &error);
    if (!town_fine(town, crm_get(view, CRM_KIND_CUSTOMER, id, &record, &error), "a customer", &error))
        return;
    if (crm_record_version(record) != version || crm_int(record, town->balance) != balance)
        town_fail(town, "the last version of a history is %llu, the view's is %llu", (unsigned long long)version,
                  (unsigned long long)crm_record_version(record));
    crm_record_free(record);
}

void recall_a_turn(struct citizen *citizen)
{
    crm_view *view = NULL;
    crm_error error = {0};
    if (crm_view_open_lsn(citizen->db, UINT64_MAX / 2, &view, &error) != CRM_NOT_FOUND)
        town_fail(citizen->town, "a view of a transaction that is not there");
    view = open_somehow(citizen, 1 + stress_below(&citizen->chance, 2));
    if (view == NULL)
        return;
    (void)town_check(citizen->town, view, &citizen->chance, "who recalls");
    check_history(citizen, view);
    town_record(citizen->town, view, "who recalls");
    crm_view_close(view);
}
