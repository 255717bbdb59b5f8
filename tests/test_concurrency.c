/* Many readers and writers at once, as threads of one process and as processes:
 * every view is one consistent state, no write is lost, nothing half-done is seen.
 * Proves P2, P7. */
#include <crm.h>

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCOUNTS = 20, START = 1000, READERS = 3, WRITERS = 2, TURNS = 150, PROCESSES = 3, PROCESS_TURNS = 60 };

static char path[64];
static uint32_t balance; /* a field of customers */

static crm_db *open_db(void)
{
    crm_error error;
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_BUSY_MS, 60000);
    if (crm_open(path, options, &db, &error) != CRM_OK)
        fprintf(stderr, "open: %s\n", error.message);
    crm_options_free(options);
    return db;
}

static crm_db *start(void)
{
    char folder[] = "/tmp/crm-many-XXXXXX", name[24];
    crm_txn *txn = NULL;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.crm", folder);
    crm_db *db = open_db();
    ck_assert_ptr_nonnull(db);
    ck_assert_int_eq(crm_begin(db, &txn, NULL), CRM_OK);
    ck_assert_int_eq(crm_field_add(txn, CRM_KIND_CUSTOMER, "balance", CRM_NUL, CRM_TYPE_INT,
                                   CRM_FLAG_INDEXED | CRM_FLAG_HOT, 0, &balance),
                     CRM_OK);
    for (int i = 0; i < ACCOUNTS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "account %d", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        crm_set_int(record, balance, START);
    }
    ck_assert_int_eq(crm_commit(txn, NULL, NULL), CRM_OK);
    return db;
}

static void finish(crm_db *db)
{
    char beside[80];
    ck_assert_int_eq(crm_close(db), CRM_OK);
    snprintf(beside, sizeof beside, "%s-index", path);
    unlink(path);
    unlink(beside);
    *strrchr(path, '/') = 0;
    rmdir(path);
}

static uint32_t below(uint32_t *seed, uint32_t limit)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)*seed * limit >> 32);
}

/* The sum over all accounts and how many there are, in the order of an index. */
static int64_t total(crm_view *view, uint32_t *count)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    int64_t sum = 0, last = INT64_MIN;
    *count = 0;
    if (crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL) != CRM_OK)
        return -1;
    crm_query_order(query, balance, 0);
    while (crm_query_next(query, &record, NULL) == CRM_OK) {
        int64_t amount = crm_int(record, balance);
        if (amount < last)
            return -2;
        last = amount;
        sum += amount;
        ++*count;
    }
    crm_query_free(query);
    return sum;
}

/* One account more may come, with nothing on it; a rolled back one never shows. */
static int consistent(crm_view *view)
{
    uint32_t count = 0, again = 0;
    int64_t sum = total(view, &count);
    int fine = sum == (int64_t)ACCOUNTS * START && count >= ACCOUNTS;
    for (int i = 0; fine && i < 3; i++)
        fine = total(view, &again) == sum && again == count;
    return fine;
}

static crm_record *account(crm_txn *txn, uint32_t which)
{
    char name[24];
    crm_record *found = NULL;
    crm_id id;
    snprintf(name, sizeof name, "account %u", which);
    if (crm_find(crm_txn_view(txn), CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, name, CRM_NUL, &found, NULL) != CRM_OK)
        return NULL;
    crm_record_id(found, &id);
    crm_record_free(found);
    return crm_edit(txn, CRM_KIND_CUSTOMER, &id);
}

/* Moves money from one account to another; now and then makes an account, and
 * now and then takes everything back. */
static int move(crm_db *db, uint32_t *seed)
{
    crm_txn *txn = NULL;
    crm_error error;
    if (crm_begin(db, &txn, &error) != CRM_OK) {
        fprintf(stderr, "begin: %s\n", error.message);
        return 0;
    }
    uint32_t from = below(seed, ACCOUNTS), to = (from + 1 + below(seed, ACCOUNTS - 1)) % ACCOUNTS;
    int64_t amount = (int64_t)below(seed, 50);
    crm_record *source = account(txn, from);
    crm_set_int(source, balance, crm_int(source, balance) - amount);
    crm_record *target = account(txn, to);
    crm_set_int(target, balance, crm_int(target, balance) + amount);
    if (below(seed, 4) == 0) {
        crm_record *more = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(more, CRM_CUSTOMER_NAME, "one more", CRM_NUL);
        crm_set_int(more, balance, 0);
    }
    if (below(seed, 4) == 0) {
        (void)crm_txn_status(txn, NULL);
        crm_set_int(account(txn, from), balance, 1);
        (void)total(crm_txn_view(txn), &from);
        crm_rollback(txn);
        return 1;
    }
    int32_t status = crm_commit(txn, NULL, &error);
    if (status != CRM_OK)
        fprintf(stderr, "commit: %s\n", error.message);
    return status == CRM_OK;
}

struct worker {
    pthread_t thread;
    crm_db *db;
    uint32_t seed;
    int *stop;
    int fine;
    uint32_t views;
};

static void *write_on(void *context)
{
    struct worker *worker = context;
    for (int i = 0; worker->fine && i < TURNS; i++)
        worker->fine = move(worker->db, &worker->seed);
    return NULL;
}

static void *read_on(void *context)
{
    struct worker *worker = context;
    crm_view *kept = NULL;
    while (worker->fine && !__atomic_load_n(worker->stop, __ATOMIC_ACQUIRE)) {
        crm_view *view = NULL;
        worker->fine = crm_view_open(worker->db, &view, NULL) == CRM_OK && consistent(view);
        if (kept != NULL && worker->views % 8 == 0) { /* an old one stays what it was */
            worker->fine = worker->fine && consistent(kept);
            crm_view_close(kept);
            kept = NULL;
        }
        if (kept == NULL)
            kept = view;
        else
            crm_view_close(view);
        worker->views++;
    }
    crm_view_close(kept);
    return NULL;
}

START_TEST(threads_read_whole_states_while_others_write)
{
    crm_db *db = start();
    struct worker readers[READERS], writers[WRITERS];
    int stop = 0;
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i] = (struct worker){.db = db, .seed = i, .stop = &stop, .fine = 1};
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct worker){.db = db, .seed = 77 + i, .stop = &stop, .fine = 1};
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        ck_assert_int_eq(writers[i].fine, 1);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        ck_assert_msg(readers[i].fine == 1, "reader %d, view %u", i, readers[i].views);
        ck_assert_uint_gt(readers[i].views, 0);
    }
    finish(db);
}
END_TEST

/* Each adds one to every account, so many times. */
static int count_up(crm_db *db, int turns)
{
    for (int turn = 0; turn < turns; turn++) {
        crm_txn *txn = NULL;
        crm_error error;
        if (crm_begin(db, &txn, &error) != CRM_OK) {
            fprintf(stderr, "begin: %s\n", error.message);
            return 0;
        }
        for (uint32_t i = 0; i < 3; i++) {
            crm_record *record = account(txn, i);
            crm_set_int(record, balance, crm_int(record, balance) + 1);
        }
        if (crm_commit(txn, NULL, &error) != CRM_OK) {
            fprintf(stderr, "commit: %s\n", error.message);
            return 0;
        }
    }
    return 1;
}

static int child_reads(crm_db *db)
{
    uint64_t last = 0;
    for (int i = 0; i < 200; i++) {
        crm_view *view = NULL;
        crm_record *records[3];
        uint32_t count = 0;
        crm_query *query = NULL;
        if (crm_view_open(db, &view, NULL) != CRM_OK || crm_view_lsn(view) < last)
            return 0; /* time goes one way */
        last = crm_view_lsn(view);
        if (crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL) != CRM_OK ||
            crm_query_page(query, records, 3, &count, NULL) != CRM_OK || count != 3)
            return 0;
        for (int n = 1; n < 3; n++)
            if (crm_int(records[n], balance) != crm_int(records[0], balance))
                return 0; /* half of a transaction */
        crm_query_free(query);
        crm_view_close(view);
    }
    return 1;
}

static pid_t spawn(int reads)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    crm_db *db = open_db();
    int fine = db != NULL && (reads ? child_reads(db) : count_up(db, PROCESS_TURNS));
    fine = crm_close(db) == CRM_OK && fine;
    _exit(fine ? 0 : 1);
}

START_TEST(processes_lose_no_write_and_read_whole_states)
{
    crm_db *db = start();
    ck_assert_int_eq(crm_close(db), CRM_OK); /* a handle does not survive fork */
    pid_t children[PROCESSES + 1];
    for (int i = 0; i <= PROCESSES; i++) {
        children[i] = spawn(i == PROCESSES);
        ck_assert_int_gt(children[i], 0);
    }
    db = open_db();
    ck_assert_ptr_nonnull(db);
    ck_assert_int_eq(count_up(db, PROCESS_TURNS), 1);
    for (int i = 0; i <= PROCESSES; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d: status %d", i, status);
    }
    for (int round = 0; round < 2; round++) {
        crm_view *view = NULL;
        crm_record *record = NULL;
        ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
        ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "account 1", CRM_NUL, &record, NULL),
                         CRM_OK);
        ck_assert_int_eq(crm_int(record, balance), START + (PROCESSES + 1) * PROCESS_TURNS);
        crm_record_free(record);
        crm_view_close(view);
        ck_assert_int_eq(crm_close(db), CRM_OK);
        db = open_db();
    }
    finish(db);
}
END_TEST

/* A second handle of the same process is like another process. */
START_TEST(two_handles_see_each_other)
{
    crm_db *one = start(), *two = open_db();
    ck_assert_ptr_nonnull(two);
    uint32_t seed = 5, count;
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(move(i % 2 ? one : two, &seed), 1);
        crm_view *view = NULL;
        ck_assert_int_eq(crm_view_open(i % 3 ? one : two, &view, NULL), CRM_OK);
        ck_assert_int_eq(total(view, &count), (int64_t)ACCOUNTS * START);
        ck_assert_uint_eq(crm_view_lsn(view), crm_lsn(i % 3 ? two : one));
        crm_view_close(view);
    }
    crm_txn *txn = NULL, *other = NULL;
    crm_error error;
    ck_assert_int_eq(crm_begin(one, &txn, NULL), CRM_OK);
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_BUSY_MS, 10);
    crm_db *impatient = NULL;
    ck_assert_int_eq(crm_close(two), CRM_OK);
    ck_assert_int_eq(crm_open(path, options, &impatient, &error), CRM_OK); /* a writer holds up no opening */
    ck_assert_int_eq(crm_begin(impatient, &other, &error), CRM_BUSY);
    crm_rollback(txn);
    ck_assert_int_eq(crm_begin(impatient, &other, &error), CRM_OK);
    crm_rollback(other);
    crm_options_free(options);
    ck_assert_int_eq(crm_close(impatient), CRM_OK);
    finish(one);
}
END_TEST

static void *define_on(void *context)
{
    struct worker *worker = context;
    char name[24];
    for (int i = 0; worker->fine && i < 40; i++) {
        crm_txn *txn = NULL;
        uint32_t field = 0, kind = 0;
        if (crm_begin(worker->db, &txn, NULL) != CRM_OK) {
            worker->fine = 0;
            break;
        }
        snprintf(name, sizeof name, "own_%d", i);
        crm_field_add(txn, CRM_KIND_CUSTOMER, name, CRM_NUL, CRM_TYPE_CHOICE, CRM_FLAG_INDEXED | CRM_FLAG_HOT, 0,
                      &field);
        crm_choice_add(txn, CRM_KIND_CUSTOMER, field, "one", CRM_NUL, NULL);
        crm_kind_add(txn, name, CRM_NUL, &kind);
        crm_field_add(txn, kind, "title", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_INDEXED, 0, NULL);
        crm_set_int(account(txn, 3), field, 1);
        if (i % 3 == 0)
            crm_rollback(txn);
        else
            worker->fine = crm_commit(txn, NULL, NULL) == CRM_OK;
    }
    return NULL;
}

static int groups_agree(crm_view *view)
{
    crm_query *query = NULL;
    crm_table *table = NULL;
    int fine = crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL) == CRM_OK &&
               crm_query_measure(query, CRM_MEASURE_SUM, balance) == CRM_OK &&
               crm_query_groups(query, &table, NULL) == CRM_OK &&
               crm_table_int(table, 0, 1) == (int64_t)ACCOUNTS * START;
    crm_table_free(table);
    crm_query_free(query);
    return fine;
}

static void *look_on(void *context)
{
    struct worker *worker = context;
    while (worker->fine && !__atomic_load_n(worker->stop, __ATOMIC_ACQUIRE)) {
        uint32_t kinds = crm_kind_count(worker->db), fields = crm_field_count(worker->db, CRM_KIND_CUSTOMER);
        for (uint32_t i = 0; i < kinds; i++)
            (void)crm_kind_name(worker->db, crm_kind_at(worker->db, i));
        for (uint32_t i = 0; i < fields; i++) {
            uint32_t field = crm_field_at(worker->db, CRM_KIND_CUSTOMER, i);
            const char *name = crm_field_name(worker->db, CRM_KIND_CUSTOMER, field);
            if (name != NULL && strncmp(name, "own_", 4) == 0)
                (void)crm_choice_find(worker->db, CRM_KIND_CUSTOMER, field, "one", CRM_NUL);
        }
        crm_view *view = NULL;
        worker->fine = crm_view_open(worker->db, &view, NULL) == CRM_OK && consistent(view) && groups_agree(view);
        crm_view_close(view);
        worker->views++;
    }
    return NULL;
}

START_TEST(definitions_come_and_go_while_others_read)
{
    crm_db *db = start();
    int stop = 0;
    struct worker definer = {.db = db, .fine = 1}, readers[2];
    for (int i = 0; i < 2; i++) {
        readers[i] = (struct worker){.db = db, .stop = &stop, .fine = 1};
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, look_on, &readers[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&definer.thread, NULL, define_on, &definer), 0);
    pthread_join(definer.thread, NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++) {
        pthread_join(readers[i].thread, NULL);
        ck_assert_int_eq(readers[i].fine, 1);
    }
    ck_assert_int_eq(definer.fine, 1);
    ck_assert_uint_eq(crm_field_find(db, CRM_KIND_CUSTOMER, "own_3", CRM_NUL), 0);
    ck_assert_uint_ne(crm_field_find(db, CRM_KIND_CUSTOMER, "own_4", CRM_NUL), 0);
    finish(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("concurrency");
    TCase *cases = tcase_create("concurrency");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, threads_read_whole_states_while_others_write);
    tcase_add_test(cases, processes_lose_no_write_and_read_whole_states);
    tcase_add_test(cases, two_handles_see_each_other);
    tcase_add_test(cases, definitions_come_and_go_while_others_read);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
