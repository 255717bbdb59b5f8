/* What threads of one handle must not notice of each other: where two touch the
 * same memory, the thread sanitizer says so (make sanitize). Proves P7. */
#include "care_fixture.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { CUSTOMERS = 5, WAITING = 1000, ROUNDS = 6 };

static struct care care;
static crm_id ids[CUSTOMERS];
static atomic_int waiting, settled, staying;

static void setup(void)
{
    care_setup(&care);
    for (int i = 0; i < CUSTOMERS; i++)
        ids[i] = care_customer(&care, "Acme");
}

static void teardown(void)
{
    care_teardown(&care);
}

/* Flags between threads are relaxed: they must not order the library's own memory. */
static void raise_flag(atomic_int *flag)
{
    atomic_store_explicit(flag, 1, memory_order_relaxed);
}

static bool raised(atomic_int *flag)
{
    return atomic_load_explicit(flag, memory_order_relaxed) != 0;
}

/* ---- keys that wait ---- */

struct look {
    uint64_t wanted;
    bool fine;
};

/* What waits goes in with the first query; all of it is newer than the view. */
static void *read_in_order(void *context)
{
    struct look *look = context;
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_record *record = NULL;
    uint64_t count = 0;
    while (!raised(&waiting))
        continue;
    look->fine = crm_view_open(care.db, &view, NULL) == CRM_OK &&
                 crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL) == CRM_OK &&
                 crm_query_order(query, CRM_CUSTOMER_NAME, 0) == CRM_OK;
    while (look->fine && crm_query_next(query, &record, NULL) == CRM_OK)
        count++;
    look->fine = look->fine && count == look->wanted;
    crm_query_free(query);
    crm_view_close(view);
    raise_flag(&settled);
    return NULL;
}

/* A transaction of more than a kilobyte lets keys of trees wait; a reader puts
 * them in, and makes the indexes longer, while the writer looks up records. */
START_TEST(a_reader_puts_waiting_keys_in_while_the_writer_goes_on)
{
    char name[24];
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t reader;
        struct look look = {.wanted = (uint64_t)(CUSTOMERS + round * WAITING)};
        atomic_store(&waiting, 0);
        atomic_store(&settled, 0);
        ck_assert_int_eq(pthread_create(&reader, NULL, read_in_order, &look), 0);
        crm_txn *txn = care_begin(&care, "mia");
        for (int n = 0; n < WAITING; n++) {
            (void)snprintf(name, sizeof name, "number %d", n * 7919 % WAITING);
            (void)crm_customer_set_name(crm_customer_create(txn), name);
        }
        ck_assert_int_eq(crm_txn_status(txn, NULL), CRM_OK);
        raise_flag(&waiting);
        for (int n = 0; !raised(&settled); n++)
            ck_assert_ptr_nonnull(crm_customer_edit(txn, &ids[n % CUSTOMERS]));
        (void)pthread_join(reader, NULL);
        ck_assert(look.fine);
        (void)care_commit(txn);
    }
}
END_TEST

/* ---- an import, while the index is built anew ---- */

static void *rebuild(void *context)
{
    bool *fine = context;
    while (*fine && !raised(&settled))
        *fine = crm_rebuild(care.db, NULL) == CRM_OK;
    return NULL;
}

START_TEST(imports_begin_while_the_index_is_built_anew)
{
    crm_error error = {0};
    pthread_t thread;
    bool fine = true;
    crm_options *patient = crm_options_create(); /* who rebuilds again and again leaves little room */
    ck_assert_int_eq(crm_options_set_int(patient, CRM_OPTION_BUSY_MS, -1), CRM_OK);
    care_close(&care);
    care_ok(crm_open(care.path, patient, &care.db, &error), &error);
    crm_options_free(patient);
    atomic_store(&settled, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, rebuild, &fine), 0);
    for (int i = 0; i < 20; i++) {
        crm_import *import = NULL;
        care_ok(crm_import_create(care.db, CRM_KIND_PRODUCT, &import, &error), &error);
        care_ok(crm_import_feed(import, "name,price\nPress,1.00\n", 23, &error), &error);
        care_ok(crm_import_finish(import, &error), &error);
        ck_assert_uint_eq(crm_import_count(import, CRM_IMPORT_CREATED), 1);
        crm_import_free(import);
    }
    raise_flag(&settled);
    (void)pthread_join(thread, NULL);
    ck_assert(fine);
}
END_TEST

/* ---- definitions that are taken back, while others look up by name ---- */

static uint32_t machine; /* a kind of which nothing is called anything yet */

/* By the field itself, whose number may be gone before it is used. */
static bool ask_for_it(crm_view *view)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    uint32_t field = crm_field_find(care.db, machine, "name", CRM_NUL);
    if (field == 0)
        return true;
    if (crm_query_create(view, machine, &query, NULL) != CRM_OK)
        return false;
    (void)crm_query_where_text(query, field, CRM_OP_EQ, "Press", CRM_NUL);
    (void)crm_query_order(query, field, 0);
    int32_t status = crm_query_next(query, &record, NULL);
    crm_query_free(query);
    return status == CRM_DONE || status == CRM_INVALID;
}

static void *look_up(void *context)
{
    bool *fine = context;
    crm_id id;
    while (*fine && !raised(&settled)) {
        crm_view *view = NULL;
        *fine = crm_view_open(care.db, &view, NULL) == CRM_OK;
        for (int i = 0; *fine && i < 20; i++)
            *fine = crm_resolve(view, machine, "Press", CRM_NUL, &id, NULL) == CRM_NOT_FOUND && ask_for_it(view);
        crm_view_close(view);
    }
    return NULL;
}

START_TEST(a_definition_is_taken_back_while_others_look_up_names)
{
    pthread_t thread;
    bool fine = true;
    crm_txn *txn = care_begin(&care, "mia");
    (void)crm_kind_add(txn, "machine", CRM_NUL, &machine);
    (void)care_commit(txn);
    atomic_store(&settled, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, look_up, &fine), 0);
    for (int i = 0; i < 300; i++) {
        txn = care_begin(&care, "mia");
        (void)crm_field_add(txn, machine, "name", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_INDEXED, 0, NULL);
        ck_assert_int_eq(crm_txn_status(txn, NULL), CRM_OK);
        crm_rollback(txn);
    }
    raise_flag(&settled);
    (void)pthread_join(thread, NULL);
    ck_assert(fine);
}
END_TEST

/* ---- what outlives its handle ---- */

struct guest {
    crm_feed *feed;
    crm_view *view;
    bool fine;
};

/* All changes there are, which go on to come from another handle. */
static void *stay(void *context)
{
    struct guest *guest = context;
    crm_change *change = NULL;
    uint64_t lsn = 0, count = care_count(guest->view, CRM_KIND_CUSTOMER);
    raise_flag(&staying);
    for (int i = 0; guest->fine && i < 200 && crm_feed_next(guest->feed, 0, &change, NULL) == CRM_OK; i++) {
        guest->fine = crm_change_lsn(change) >= lsn;
        lsn = crm_change_lsn(change);
    }
    guest->fine = guest->fine && care_count(guest->view, CRM_KIND_CUSTOMER) == count;
    crm_view_close(guest->view);
    crm_feed_close(guest->feed);
    return NULL;
}

START_TEST(what_hangs_on_a_handle_goes_on_in_another_thread_while_it_is_closed)
{
    crm_error error = {0};
    for (int i = 0; i < 30; i++) {
        crm_db *other = NULL;
        struct guest guest = {.fine = true};
        pthread_t thread;
        care_ok(crm_open(care.path, NULL, &other, &error), &error);
        care_ok(crm_view_open(other, &guest.view, &error), &error);
        care_ok(crm_feed_open(other, 0, &guest.feed, &error), &error);
        (void)care_customer(&care, "later");
        if (i % 4 == 0)
            care_ok(crm_compact(care.db, &error), &error);
        atomic_store(&staying, 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, stay, &guest), 0);
        while (!raised(&staying))
            continue;
        ck_assert_int_eq(crm_close(other), CRM_OK);
        (void)pthread_join(thread, NULL);
        ck_assert(guest.fine);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *cases = tcase_create("threads");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_reader_puts_waiting_keys_in_while_the_writer_goes_on);
    tcase_add_test(cases, what_hangs_on_a_handle_goes_on_in_another_thread_while_it_is_closed);
    tcase_add_test(cases, imports_begin_while_the_index_is_built_anew);
    tcase_add_test(cases, a_definition_is_taken_back_while_others_look_up_names);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
