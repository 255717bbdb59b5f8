/* threads_keep.c: care of the file while it is used, and handles that come and
 * go, some before those who hang on them.
 */
#include "threads.h"

#include <stdio.h>
#include <string.h>

/* ---- care ---- */

/* A copy is whole, of some transaction, and answers as that one did. */
static void back_up(struct citizen *citizen)
{
    struct town *town = citizen->town;
    char path[160];
    crm_error error = {0};
    crm_view *view = NULL;
    (void)snprintf(path, sizeof path, "%s.copy%u", town->path, citizen->number);
    if (!town_fine(town, crm_backup(citizen->db, path, &error), "a backup", &error))
        return;
    crm_db *copy = town_open(town, path, HANDLE_FULL);
    if (copy != NULL && town_fine(town, crm_view_open(copy, &view, &error), "a view of a copy", &error)) {
        (void)town_check(town, view, &citizen->chance, "a copy");
        town_record(town, view, "a copy");
        crm_view_close(view);
    }
    if (stress_below(&citizen->chance, 3) == 0)
        (void)town_fine(town, crm_verify(copy, NULL, &error), "a copy", &error);
    if (crm_close(copy) != CRM_OK)
        town_fail(town, "closing a copy failed");
    town_remove(path);
}

void keep_a_turn(struct citizen *citizen)
{
    struct town *town = citizen->town;
    crm_db *db = citizen->db = town->handles[stress_below(&citizen->chance, 2)];
    crm_db *reader = town->handles[HANDLE_READER];
    crm_error error = {0};
    crm_table *table = NULL;
    switch (stress_below(&citizen->chance, 12)) {
    case 0:
    case 1: (void)town_fine(town, crm_compact(db, &error), "a compaction", &error); break;
    case 2: (void)town_fine(town, crm_rebuild(db, &error), "a rebuild", &error); break;
    case 3: (void)town_fine(town, crm_verify(db, NULL, &error), "verify", &error); break;
    case 4: back_up(citizen); break;
    case 5: (void)town_fine(town, crm_rebuild(reader, &error), "a reader's rebuild", &error); break;
    case 6: (void)town_fine(town, crm_verify(reader, NULL, &error), "a reader's verify", &error); break;
    case 7:
    case 8: (void)town_fine(town, crm_stat(db, &table, &error), "figures", &error); break;
    default: (void)town_fine(town, crm_sync(db, &error), "a sync", &error); break;
    }
    crm_table_free(table);
    for (int i = 0; i < 4; i++)
        slow_pause(&citizen->chance);
}

/* ---- visits ---- */

struct guest {
    struct citizen *citizen;
    crm_view *view;
    crm_record *record;
    crm_query *query;
    crm_history *history;
    crm_feed *feed;
    uint64_t chance, digest, limit;
    char name[64];
};

/* Another thread goes on with what hangs on a handle that is being closed. */
static void *stay_on(void *context)
{
    struct guest *guest = context;
    struct town *town = guest->citizen->town;
    crm_error error = {0};
    crm_change *change = NULL;
    crm_record *record = NULL;
    uint64_t feeds = 0;
    int32_t status = CRM_OK;
    while (feeds < guest->limit && (status = crm_feed_next(guest->feed, 0, &change, &error)) == CRM_OK)
        feeds++;
    if (status != CRM_OK && status != CRM_TIMEOUT)
        (void)town_fine(town, status, "a feed that outlives its handle", &error);
    (void)town_check(town, guest->view, &guest->chance, "a view that outlives its handle");
    if (town_digest(town, guest->view, false) != guest->digest)
        town_fail(town, "a view that outlives its handle does not answer as it did");
    crm_view_close(guest->view);
    while ((status = crm_history_next(guest->history, &change, &error)) == CRM_OK)
        continue;
    if (status != CRM_DONE)
        (void)town_fine(town, status, "a history that outlives its handle", &error);
    if (strcmp(crm_text(guest->record, CRM_CUSTOMER_NAME, NULL), guest->name) != 0)
        town_fail(town, "a record that outlives its handle is \"%s\", not \"%s\"",
                  crm_text(guest->record, CRM_CUSTOMER_NAME, NULL), guest->name);
    crm_history_close(guest->history);
    crm_feed_close(guest->feed);
    crm_record_free(guest->record);
    while ((status = crm_query_next(guest->query, &record, &error)) == CRM_OK)
        continue;
    if (status != CRM_DONE)
        (void)town_fine(town, status, "a query that outlives its handle", &error);
    crm_query_free(guest->query);
    return NULL;
}

static bool take_all(struct guest *guest, crm_db *db)
{
    struct town *town = guest->citizen->town;
    const crm_id *id = &town->customers[stress_below(&guest->chance, CUSTOMERS)];
    crm_error error = {0};
    uint64_t lsn = crm_lsn(db), back = stress_below(&guest->chance, 40);
    if (!town_fine(town, crm_view_open(db, &guest->view, &error), "a visitor's view", &error) ||
        !town_fine(town, crm_get(guest->view, CRM_KIND_CUSTOMER, id, &guest->record, &error), "a record", &error) ||
        !town_fine(town, crm_query_create(guest->view, CRM_KIND_CONTACT, &guest->query, &error), "a query", &error) ||
        !town_fine(town, crm_history_open(guest->view, CRM_KIND_CUSTOMER, id, &guest->history, &error), "a history",
                   &error) ||
        !town_fine(town, crm_feed_open(db, lsn > back ? lsn - back : 0, &guest->feed, &error), "a feed", &error))
        return false;
    (void)snprintf(guest->name, sizeof guest->name, "%s", crm_text(guest->record, CRM_CUSTOMER_NAME, NULL));
    guest->digest = town_digest(town, guest->view, false);
    guest->limit = 40;
    return true;
}

/* A transaction that is open when its handle is closed is rolled back. */
static void leave_open(struct citizen *citizen, crm_db *db)
{
    crm_txn *txn = NULL;
    crm_error error = {0};
    if (!town_fine(citizen->town, crm_begin(db, &txn, &error), "a visitor's begin", &error))
        return;
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &citizen->town->customers[0]);
    (void)crm_set_int(record, citizen->town->balance, crm_int(record, citizen->town->balance) + 1000000);
    (void)town_fine(citizen->town, crm_txn_status(txn, &error), "a visitor's change", &error);
}

void visit_a_turn(struct citizen *citizen)
{
    struct town *town = citizen->town;
    int handle = (int)stress_below(&citizen->chance, HANDLES);
    struct guest guest = {.citizen = citizen, .chance = stress_random(&citizen->chance)};
    pthread_t thread;
    crm_db *db = town_open(town, town->path, handle);
    if (db == NULL || !take_all(&guest, db))
        return;
    citizen->db = db;
    citizen->lsn = 0;
    if (handle != HANDLE_READER)
        write_a_turn(citizen);
    read_a_turn(citizen);
    if (handle != HANDLE_READER && stress_below(&citizen->chance, 3) == 0)
        leave_open(citizen, db);
    if (pthread_create(&thread, NULL, stay_on, &guest) != 0) {
        town_fail(town, "a thread cannot be made");
        return;
    }
    slow_pause(&citizen->chance);
    if (crm_close(db) != CRM_OK)
        town_fail(town, "closing a visitor's handle failed");
    (void)pthread_join(thread, NULL);
}
