/* linear_work.c: the operations of a history, done with the library. */
#include "linear.h"
#include "model/db.h"
#include "stress.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SPINS = 200 };

/* Ticks order what happens in real time.  Under the thread sanitizer they must
 * not order the memory, too, or they would hide a race in the library. */
#ifdef __SANITIZE_THREAD__
#define TICK_ORDER memory_order_relaxed
#else
#define TICK_ORDER memory_order_seq_cst
#endif

/* What one operation works with. */
struct doing {
    struct scene *scene;
    crm_db *db;
    uint64_t *chance;
    struct operation *operation;
    char *trouble;
    crm_error error;
};

static bool wrong(struct doing *doing, const char *step, int32_t status)
{
    (void)snprintf(doing->trouble, TROUBLES, "%s: %s: %s", step,
                   crm_status_name(status) == NULL ? "?" : crm_status_name(status), doing->error.message);
    return false;
}

crm_db *linear_open(const struct scene *scene, const struct manner *manner, char trouble[TROUBLES])
{
    crm_db *db = NULL;
    crm_error error = {0};
    crm_options *options = crm_options_create();
    (void)crm_options_set_int(options, CRM_OPTION_DURABILITY, manner->durability);
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, manner->read_only);
    (void)crm_options_set_int(options, CRM_OPTION_BUSY_MS, manner->polls ? 600000 : -1);
    options->files = scene->files;
    if (crm_open(scene->path, options, &db, &error) != CRM_OK)
        (void)snprintf(trouble, TROUBLES, "open: %s", error.message);
    crm_options_free(options);
    return db;
}

/* ---- reading ---- */

static void note_register(const struct doing *doing, const crm_record *record)
{
    crm_id id;
    crm_record_id(record, &id);
    for (int i = 0; i < REGISTERS; i++)
        if (memcmp(&id, &doing->scene->registers[i], sizeof id) == 0) {
            doing->operation->seen[i] = (uint32_t)crm_int(record, doing->scene->value);
            doing->operation->versions[i] = crm_record_version(record);
        }
}

/* By id, or by name, or in the order of an index. */
static bool read_registers(struct doing *doing, crm_view *view)
{
    crm_record *record = NULL;
    if (doing->operation->variant % 3 == 2) {
        crm_query *query = NULL;
        int32_t status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &doing->error);
        if (status == CRM_OK)
            status = crm_query_order(query, doing->scene->value, 1);
        while (status == CRM_OK && (status = crm_query_next(query, &record, &doing->error)) == CRM_OK)
            note_register(doing, record);
        crm_query_free(query);
        return status == CRM_DONE || wrong(doing, "a query of all registers", status);
    }
    for (int i = 0; i < REGISTERS; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "register %d", i);
        int32_t status =
            doing->operation->variant % 3 == 0
                ? crm_get(view, CRM_KIND_CUSTOMER, &doing->scene->registers[i], &record, &doing->error)
                : crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, name, CRM_NUL, &record, &doing->error);
        if (status != CRM_OK)
            return wrong(doing, "a look-up of a register", status);
        note_register(doing, record);
        crm_record_free(record);
        slow_pause(doing->chance);
    }
    return true;
}

/* From the column, or record by record. */
static bool read_sum(struct doing *doing, crm_view *view)
{
    crm_query *query = NULL;
    crm_table *table = NULL;
    crm_record *record = NULL;
    int32_t status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &doing->error);
    if (doing->operation->variant % 2 == 0) {
        if (status == CRM_OK)
            status = crm_query_measure(query, CRM_MEASURE_SUM, doing->scene->value);
        if (status == CRM_OK)
            status = crm_query_groups(query, &table, &doing->error);
        if (status == CRM_OK)
            doing->operation->seen[0] = (uint32_t)crm_table_int(table, 0, 1);
        crm_table_free(table);
    } else {
        while (status == CRM_OK && (status = crm_query_next(query, &record, &doing->error)) == CRM_OK)
            doing->operation->seen[0] += (uint32_t)crm_int(record, doing->scene->value);
        status = status == CRM_DONE ? CRM_OK : status;
    }
    crm_query_free(query);
    return status == CRM_OK || wrong(doing, "a sum", status);
}

/* By the counts of the index, or as groups. */
static bool read_counts(struct doing *doing, crm_view *view)
{
    crm_query *query = NULL;
    crm_table *table = NULL;
    int32_t status = CRM_OK;
    if (doing->operation->variant % 2 == 0) {
        for (int i = 0; i < STAGES && status == CRM_OK; i++) {
            uint64_t count = 0;
            status = crm_query_create(view, CRM_KIND_OPPORTUNITY, &query, &doing->error);
            if (status == CRM_OK)
                status = crm_query_where_ref(query, CRM_OPPORTUNITY_STAGE, CRM_OP_EQ, CRM_KIND_STAGE,
                                             &doing->scene->stages[i]);
            if (status == CRM_OK)
                status = crm_query_count(query, &count, &doing->error);
            doing->operation->seen[i] = (uint32_t)count;
            crm_query_free(query);
            query = NULL;
        }
        return status == CRM_OK || wrong(doing, "a count", status);
    }
    status = crm_query_create(view, CRM_KIND_OPPORTUNITY, &query, &doing->error);
    if (status == CRM_OK)
        status = crm_query_group(query, CRM_OPPORTUNITY_STAGE, 0, CRM_UNIT_NONE);
    if (status == CRM_OK)
        status = crm_query_groups(query, &table, &doing->error);
    for (uint64_t row = 0; status == CRM_OK && row < crm_table_rows(table); row++) {
        crm_id id = {{0}};
        (void)crm_table_id(table, row, 0, &id);
        for (int i = 0; i < STAGES; i++)
            if (memcmp(&id, &doing->scene->stages[i], sizeof id) == 0)
                doing->operation->seen[i] = (uint32_t)crm_table_int(table, row, 1);
    }
    crm_table_free(table);
    crm_query_free(query);
    return status == CRM_OK || wrong(doing, "groups", status);
}

static void address_of(uint32_t which, char out[32])
{
    (void)snprintf(out, 32, "holder%u@example.org", which);
}

static int32_t find_holder(struct doing *doing, crm_view *view, crm_record **record)
{
    char address[32];
    address_of(doing->operation->target, address);
    return crm_find(view, CRM_KIND_CONTACT, doing->scene->login, address, CRM_NUL, record, &doing->error);
}

/* By the table of the unique field, or by going through all contacts. */
static bool read_holder(struct doing *doing, crm_view *view)
{
    crm_record *record = NULL;
    char address[32];
    int32_t status;
    if (doing->operation->variant % 2 == 0) {
        status = find_holder(doing, view, &record);
        if (status == CRM_OK)
            doing->operation->seen[0] = (uint32_t)crm_int(record, doing->scene->mark);
        crm_record_free(record);
        return status == CRM_OK || status == CRM_NOT_FOUND || wrong(doing, "a look-up by address", status);
    }
    crm_query *query = NULL;
    address_of(doing->operation->target, address);
    status = crm_query_create(view, CRM_KIND_CONTACT, &query, &doing->error);
    while (status == CRM_OK && (status = crm_query_next(query, &record, &doing->error)) == CRM_OK)
        if (strcmp(crm_item_text(record, doing->scene->login, 0, CRM_PART_VALUE, NULL), address) == 0) {
            doing->error.message[0] = '\0';
            if (doing->operation->seen[0] != 0)
                return crm_query_free(query), wrong(doing, "two live contacts have one address", CRM_DUPLICATE);
            doing->operation->seen[0] = (uint32_t)crm_int(record, doing->scene->mark);
        }
    crm_query_free(query);
    return status == CRM_DONE || wrong(doing, "a query of all contacts", status);
}

static bool in_a_view(struct doing *doing, bool (*read)(struct doing *, crm_view *))
{
    crm_view *view = NULL;
    int32_t status = crm_view_open(doing->db, &view, &doing->error);
    if (status != CRM_OK)
        return wrong(doing, "opening a view", status);
    slow_pause(doing->chance);
    doing->operation->lsn = crm_view_lsn(view);
    bool fine = read(doing, view);
    crm_view_close(view);
    return fine;
}

static bool latest(struct doing *doing)
{
    crm_txn *txn = NULL;
    if (doing->operation->variant % 2 == 0) {
        doing->operation->lsn = crm_lsn(doing->db);
        return true;
    }
    int32_t status = crm_begin(doing->db, &txn, &doing->error);
    if (status != CRM_OK)
        return wrong(doing, "begin", status);
    status = crm_commit(txn, &doing->operation->lsn, &doing->error); /* nothing: the last one's number */
    return status == CRM_OK || wrong(doing, "committing nothing", status);
}

/* ---- writing ---- */

static int32_t write_registers(struct doing *doing, crm_txn *txn)
{
    struct operation *operation = doing->operation;
    const crm_id *ids = doing->scene->registers;
    crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &ids[operation->target]);
    if (operation->what == EXCHANGE || operation->what == TAKE_BACK)
        operation->seen[0] = (uint32_t)crm_int(record, doing->scene->value);
    if (operation->what == COMPARE)
        (void)crm_expect_version(record, operation->expected);
    slow_pause(doing->chance);
    (void)crm_set_int(record, doing->scene->value, operation->value);
    if (operation->what == SET && operation->other != operation->target) {
        record = crm_edit(txn, CRM_KIND_CUSTOMER, &ids[operation->other]);
        slow_pause(doing->chance);
        (void)crm_set_int(record, doing->scene->value, operation->value);
    }
    return CRM_OK;
}

static int32_t write_holder(struct doing *doing, crm_txn *txn)
{
    struct operation *operation = doing->operation;
    char address[32];
    int32_t created = 1;
    crm_record *record = NULL;
    address_of(operation->target, address);
    if (operation->what == RELEASE) {
        int32_t status = find_holder(doing, crm_txn_view(txn), &record);
        if (status != CRM_OK)
            return status;
        crm_id id;
        operation->seen[0] = (uint32_t)crm_int(record, doing->scene->mark);
        crm_record_id(record, &id);
        crm_record_free(record);
        slow_pause(doing->chance);
        return crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &id));
    }
    if (operation->variant % 2 == 0) {
        record = crm_create(txn, CRM_KIND_CONTACT);
        (void)crm_item_add(record, doing->scene->login, address, CRM_NUL);
    } else {
        record = crm_upsert(txn, CRM_KIND_CONTACT, doing->scene->login, address, CRM_NUL, &created);
        if (record != NULL && !created)
            return CRM_DUPLICATE;
    }
    slow_pause(doing->chance);
    (void)crm_set_text(record, CRM_CONTACT_LAST_NAME, "Holder", CRM_NUL);
    return crm_set_int(record, doing->scene->mark, operation->value);
}

static int32_t write_it(struct doing *doing, crm_txn *txn)
{
    struct operation *operation = doing->operation;
    if (operation->what == CLAIM || operation->what == RELEASE)
        return write_holder(doing, txn);
    if (operation->what != MOVE)
        return write_registers(doing, txn);
    crm_record *deal = crm_edit(txn, CRM_KIND_OPPORTUNITY, &doing->scene->deals[operation->target]);
    slow_pause(doing->chance);
    return crm_set_ref(deal, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &doing->scene->stages[operation->value]);
}

/* The answers that a history may have; any other is trouble. */
static bool settle(struct doing *doing, int32_t status)
{
    struct operation *operation = doing->operation;
    if (status == CRM_OK)
        operation->status = FINE;
    else if (operation->what == COMPARE && status == CRM_CONFLICT)
        operation->status = CONFLICT;
    else if (operation->what == CLAIM && status == CRM_DUPLICATE)
        operation->status = DUPLICATE;
    else if (operation->what == RELEASE && status == CRM_NOT_FOUND)
        operation->status = MISSING;
    else
        return wrong(doing, "a transaction", status);
    if (status != CRM_OK)
        operation->lsn = 0;
    return true;
}

static bool in_a_transaction(struct doing *doing)
{
    crm_txn *txn = NULL;
    struct operation *operation = doing->operation;
    int32_t status = crm_begin(doing->db, &txn, &doing->error);
    if (status != CRM_OK)
        return wrong(doing, "begin", status);
    if (operation->what == WITHIN || operation->what == TAKE_BACK) {
        operation->lsn = crm_view_lsn(crm_txn_view(txn)) - 1; /* its own would be the next */
        bool fine = operation->what == TAKE_BACK || read_registers(doing, crm_txn_view(txn));
        if (operation->what == TAKE_BACK)
            (void)write_registers(doing, txn);
        if (operation->what == TAKE_BACK && (status = crm_txn_status(txn, &doing->error)) != CRM_OK)
            fine = wrong(doing, "a change to take back", status);
        slow_pause(doing->chance);
        crm_rollback(txn);
        return fine;
    }
    status = write_it(doing, txn);
    slow_pause(doing->chance);
    if (status == CRM_OK)
        status = crm_commit(txn, &operation->lsn, &doing->error);
    else
        crm_rollback(txn);
    return settle(doing, status);
}

/* ---- all of them ---- */

static bool act(struct doing *doing)
{
    switch (doing->operation->what) {
    case READ: return in_a_view(doing, read_registers);
    case SUM: return in_a_view(doing, read_sum);
    case COUNT: return in_a_view(doing, read_counts);
    case LOOK: return in_a_view(doing, read_holder);
    case LATEST: return latest(doing);
    default: return in_a_transaction(doing);
    }
}

static bool disturb(struct doing *doing)
{
    int32_t status;
    switch (doing->operation->what) {
    case DISTURB_COMPACT:
        status = crm_compact(doing->db, &doing->error);
        return status == CRM_OK || wrong(doing, "a compaction", status);
    case DISTURB_REBUILD:
        status = crm_rebuild(doing->db, &doing->error);
        return status == CRM_OK || wrong(doing, "a rebuild", status);
    default: status = crm_sync(doing->db, &doing->error); return status == CRM_OK || wrong(doing, "a sync", status);
    }
}

bool linear_perform(struct scene *scene, crm_db *db, uint64_t *chance, struct operation *operation,
                    char trouble[TROUBLES])
{
    struct doing doing = {.scene = scene, .db = db, .chance = chance, .operation = operation, .trouble = trouble};
    if (operation->what >= OPERATIONS)
        return disturb(&doing);
    operation->invoked = atomic_fetch_add_explicit(&scene->ticks, 1, TICK_ORDER);
    bool fine = act(&doing);
    operation->responded = atomic_fetch_add_explicit(&scene->ticks, 1, TICK_ORDER);
    return fine;
}

void linear_wait(uint32_t *turns)
{
    const struct timespec nap = {.tv_nsec = 20000};
    if (++*turns < SPINS)
        (void)sched_yield();
    else
        (void)nanosleep(&nap, NULL);
}

static crm_db *run_script(struct scene *scene, const struct manner *manner, struct script *script, crm_db *db)
{
    for (size_t i = 0; db != NULL && script->trouble[0] == '\0' && i < script->count; i++) {
        struct operation *operation = &script->operations[i];
        slow_pause(&script->chance);
        if (operation->what != DISTURB_REOPEN) {
            (void)linear_perform(scene, db, &script->chance, operation, script->trouble);
            continue;
        }
        if (crm_close(db) != CRM_OK)
            (void)snprintf(script->trouble, TROUBLES, "closing failed");
        db = linear_open(scene, manner, script->trouble);
    }
    return db;
}

void linear_work(struct scene *scene, uint32_t worker, crm_db *db)
{
    struct script *script = &scene->scripts[worker];
    const struct manner *manner = &scene->manners[worker];
    bool own = db == NULL;
    if (own)
        db = linear_open(scene, manner, script->trouble);
    for (uint32_t last = 0, turns = 0, now;;) {
        now = atomic_load_explicit(&scene->round, memory_order_acquire);
        if (now == UINT32_MAX)
            break;
        if (now == last) {
            linear_wait(&turns);
            continue;
        }
        last = now;
        turns = 0;
        db = run_script(scene, manner, script, db);
        (void)atomic_fetch_add_explicit(&scene->ended, 1, memory_order_release);
    }
    if (own && crm_close(db) != CRM_OK && script->trouble[0] == '\0')
        (void)snprintf(script->trouble, TROUBLES, "closing failed");
}
