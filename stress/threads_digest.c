/* threads_digest.c: all that a view answers, as one number, which must be the
 * same however long the view is held, whatever others do, and for all views at
 * one LSN: of any handle, fresh or of the past, of the file, its compacted
 * successor, or a backup.
 */
#include "threads.h"

#include <stdio.h>
#include <string.h>

struct digest {
    struct town *town;
    crm_view *view;
    uint64_t sum;
    bool shared;
    crm_error error;
};

static void add_bytes(struct digest *digest, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        digest->sum = (digest->sum ^ at[i]) * UINT64_C(0x100000001b3);
    digest->sum ^= digest->sum >> 29;
}

static void add_number(struct digest *digest, uint64_t number)
{
    add_bytes(digest, &number, sizeof number);
}

static void add_text(struct digest *digest, const char *text)
{
    add_bytes(digest, text == NULL ? "?" : text, text == NULL ? 2 : strlen(text) + 1);
}

static bool fine(struct digest *digest, const char *what, int32_t status)
{
    return status == CRM_DONE || town_fine(digest->town, status, what, &digest->error);
}

static void add_id(struct digest *digest, const crm_record *record)
{
    crm_id id;
    crm_record_id(record, &id);
    add_bytes(digest, &id, sizeof id);
}

/* Whether it may lose its personal data later: who asks for the same LSN then finds less. */
static bool erasable(const crm_record *record)
{
    return crm_record_kind(record) == CRM_KIND_CONTACT && crm_has(record, CRM_CONTACT_DEPARTMENT);
}

static void add_record(struct digest *digest, const crm_record *record)
{
    const crm_db *db = crm_view_db(digest->view);
    uint32_t kind = crm_record_kind(record), fields = crm_field_count(db, kind);
    add_id(digest, record);
    add_number(digest, crm_record_version(record));
    add_number(digest, crm_record_lsn(record));
    add_number(digest, (uint64_t)crm_record_deleted(record));
    for (uint32_t i = 0; i < fields; i++) {
        uint32_t field = crm_field_at(db, kind, i);
        if (!crm_has(record, field))
            continue;
        add_number(digest, field);
        add_text(digest, crm_display(record, field, NULL)); /* a reference by its target's name */
    }
    add_text(digest, crm_title(record, NULL));
    (void)fine(digest, "a record", crm_record_status(record));
}

static void add_kind(struct digest *digest, uint32_t kind)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    int32_t status = crm_query_create(digest->view, kind, &query, &digest->error);
    if (status == CRM_INVALID && kind >= CRM_USER_KIND)
        return; /* it was made after a compaction that the view is from before */
    if (status == CRM_OK)
        status = crm_query_deleted(query, CRM_DELETED_ALSO);
    while (status == CRM_OK && (status = crm_query_next(query, &record, &digest->error)) == CRM_OK)
        if (!digest->shared || !erasable(record))
            add_record(digest, record);
    crm_query_free(query);
    (void)fine(digest, "all of a kind", status);
}

static void add_query(struct digest *digest, crm_query *query, int32_t status)
{
    crm_record *record = NULL;
    while (status == CRM_OK && (status = crm_query_next(query, &record, &digest->error)) == CRM_OK)
        if (!digest->shared || !erasable(record))
            add_id(digest, record);
    crm_query_free(query);
    (void)fine(digest, "a query", status);
}

/* What the indexes say. */
static void add_lists(struct digest *digest)
{
    crm_query *query = NULL;
    int32_t status;
    for (int i = 0; i < CUSTOMERS; i++) {
        query = NULL;
        status = crm_timeline(digest->view, CRM_KIND_CUSTOMER, &digest->town->customers[i], &query, &digest->error);
        add_query(digest, query, status);
    }
    query = NULL;
    status = crm_query_create(digest->view, CRM_KIND_CUSTOMER, &query, &digest->error);
    if (status == CRM_OK)
        status = crm_query_order(query, digest->town->balance, 1);
    add_query(digest, query, status);
    query = NULL;
    status = crm_query_create(digest->view, CRM_KIND_CONTACT, &query, &digest->error);
    if (status == CRM_OK)
        status = crm_query_order(query, CRM_CONTACT_LAST_NAME, 0);
    add_query(digest, query, status);
    query = NULL;
    status = crm_query_create(digest->view, CRM_KIND_INTERACTION, &query, &digest->error);
    if (status == CRM_OK)
        status = crm_query_order(query, CRM_INTERACTION_START, 1);
    if (status == CRM_OK)
        status = crm_query_where_int(query, CRM_INTERACTION_SCORE, CRM_OP_GE, 5);
    add_query(digest, query, status);
}

static void add_table(struct digest *digest, crm_table *table, int32_t status)
{
    if (fine(digest, "a table", status))
        for (uint64_t row = 0; row < crm_table_rows(table); row++)
            for (uint32_t column = 0; column < crm_table_columns(table); column++)
                add_text(digest, crm_table_text(table, row, column, NULL));
    crm_table_free(table);
}

static void add_tables(struct digest *digest)
{
    crm_table *table = NULL;
    crm_query *query = NULL;
    int32_t status = crm_report_pipeline(digest->view, "stage,customer", &table, &digest->error);
    add_table(digest, table, status);
    table = NULL;
    status = crm_query_create(digest->view, CRM_KIND_CUSTOMER, &query, &digest->error);
    if (status == CRM_OK)
        status = crm_query_group(query, CRM_CUSTOMER_STAGE, 0, CRM_UNIT_NONE);
    if (status == CRM_OK)
        status = crm_query_measure(query, CRM_MEASURE_SUM, digest->town->balance);
    if (status == CRM_OK)
        status = crm_query_measure(query, CRM_MEASURE_MAX, digest->town->tally);
    if (status == CRM_OK)
        status = crm_query_groups(query, &table, &digest->error);
    add_table(digest, table, status);
    crm_query_free(query);
    table = NULL;
    status = crm_lifecycle_report(digest->view, 0, &table, &digest->error);
    add_table(digest, table, status);
}

static void add_lookups(struct digest *digest)
{
    char text[40];
    for (int i = 0; i < CUSTOMERS; i++) {
        crm_record *record = NULL;
        (void)snprintf(text, sizeof text, "account%02d@example.org", i);
        if (fine(
                digest, "a look-up by address",
                crm_find(digest->view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, text, CRM_NUL, &record, &digest->error)))
            add_id(digest, record);
        crm_record_free(record);
        (void)snprintf(text, sizeof text, "(030) 5550-%03d", i);
        if (fine(
                digest, "a look-up by number",
                crm_find(digest->view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_PHONES, text, CRM_NUL, &record, &digest->error)))
            add_id(digest, record);
        crm_record_free(record);
    }
    add_text(digest, crm_setting(digest->view, "currency"));
    add_text(digest, crm_setting(digest->view, "motto"));
}

static void add_history(struct digest *digest, uint32_t kind, const crm_id *id)
{
    crm_history *history = NULL;
    crm_change *change = NULL;
    int32_t status = crm_history_open(digest->view, kind, id, &history, &digest->error);
    while (status == CRM_OK && (status = crm_history_next(history, &change, &digest->error)) == CRM_OK) {
        add_number(digest, crm_change_lsn(change));
        add_number(digest, (uint64_t)crm_change_time(change));
        add_number(digest, crm_change_version(change));
        add_number(digest, (uint64_t)crm_change_operation(change));
        add_text(digest, crm_change_actor(change));
        add_text(digest, crm_change_reason(change));
        for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
            add_number(digest, crm_change_field(change, i));
            add_text(digest, crm_format(crm_change_after(change), crm_change_field(change, i), NULL));
        }
    }
    crm_history_close(history);
    (void)fine(digest, "a history", status);
}

uint64_t town_digest(struct town *town, crm_view *view, bool shared)
{
    static const uint32_t kinds[] = {CRM_KIND_CUSTOMER, CRM_KIND_CONTACT, CRM_KIND_OPPORTUNITY, CRM_KIND_INTERACTION,
                                     CRM_KIND_PIPELINE, CRM_KIND_STAGE,   CRM_KIND_PRODUCT,     CRM_KIND_TRANSITION,
                                     CRM_KIND_SETTING,  CRM_KIND_KIND,    CRM_KIND_FIELD,       CRM_KIND_CHOICE};
    struct digest digest = {.town = town, .view = view, .sum = UINT64_C(0xcbf29ce484222325), .shared = shared};
    uint32_t own = crm_kind_find(crm_view_db(view), "own", CRM_NUL);
    add_number(&digest, crm_view_lsn(view));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        add_kind(&digest, kinds[i]);
    if (own != 0)
        add_kind(&digest, own);
    add_lists(&digest);
    add_tables(&digest);
    add_lookups(&digest);
    add_history(&digest, CRM_KIND_CUSTOMER, &town->customers[crm_view_lsn(view) % CUSTOMERS]);
    add_history(&digest, CRM_KIND_OPPORTUNITY, &town->deals[crm_view_lsn(view) % DEALS]);
    return digest.sum == 0 ? 1 : digest.sum;
}

void town_record(struct town *town, crm_view *view, const char *who)
{
    uint64_t lsn = crm_view_lsn(view), digest = town_digest(town, view, true), known;
    int64_t time = crm_view_time(view);
    if (lsn >= LEDGER)
        return;
    (void)pthread_mutex_lock(&town->lock);
    known = town->ledger[lsn].digest;
    bool same = known == 0 || (known == digest && town->ledger[lsn].time == time);
    town->ledger[lsn].digest = digest;
    town->ledger[lsn].time = time;
    if (lsn > town->newest)
        town->newest = lsn;
    (void)pthread_mutex_unlock(&town->lock);
    if (!same)
        town_fail(town, "%s: transaction %llu answers otherwise than when it was asked before", who,
                  (unsigned long long)lsn);
}
