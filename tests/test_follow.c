/* What a handle knows of the commits of others: whoever asks after a commit
 * returned sees it, and whoever asks while it is under way sees the state before
 * or the state after, whichever handle it has and however it came by it.
 * Proves P2, P7. */
#include "care_fixture.h"

#include "api/options.h"
#include "crm/rules.h"
#include "model/db.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct care care;
static crm_id acme;

/* A handle whose calls of the system stop in the middle, to let others act there. */
static struct {
    struct file_ops table;
    void (*in_sync)(void);   /* before it */
    void (*in_rename)(void); /* after it */
    void (*in_size)(void);   /* before it is asked for */
    void (*in_lock)(void);   /* before one that may take its time */
    bool fails;              /* the sync */
} disk;

static void call_once(void (**what)(void))
{
    void (*call)(void) = *what;
    *what = NULL;
    if (call != NULL)
        call();
}

static int32_t stopping_sync(struct file *file, int *system_error)
{
    call_once(&disk.in_sync);
    if (disk.fails) {
        *system_error = 5; /* EIO */
        return CRM_IO;
    }
    return file_ops_default()->sync(file, system_error);
}

static int32_t stopping_identify(struct file *file, struct file_identity *out, int *system_error)
{
    call_once(&disk.in_size);
    return file_ops_default()->identify(file, out, system_error);
}

static int32_t stopping_lock(struct file *file, uint64_t byte, int how, int64_t timeout_ms, int *system_error)
{
    if (how == FILE_LOCK_EXCLUSIVE && timeout_ms != 0)
        call_once(&disk.in_lock);
    return file_ops_default()->lock(file, byte, how, timeout_ms, system_error);
}

static int32_t stopping_rename(void *context, const char *from, const char *to, int *system_error)
{
    int32_t status = file_ops_default()->rename(context, from, to, system_error);
    call_once(&disk.in_rename);
    return status;
}

static crm_db *open_with(const struct file_ops *files, bool read_only, int64_t busy_ms)
{
    struct crm_options options;
    crm_error error = {0};
    crm_db *db = NULL;
    options_default(&options);
    options.files = files;
    options.read_only = read_only;
    options.busy_ms = busy_ms;
    options.now = CARE_START;
    care_ok(db_open(care.path, &options, &domain_rules, &db, &error), &error);
    return db;
}

static void setup(void)
{
    care_setup(&care);
    acme = care_customer(&care, "Acme");
    care_close(&care);
    memset(&disk, 0, sizeof disk);
    disk.table = *file_ops_default();
    disk.table.sync = stopping_sync;
    disk.table.rename = stopping_rename;
    disk.table.lock = stopping_lock;
    disk.table.identify = stopping_identify;
    care.db = open_with(&disk.table, false, 5000);
}

static void teardown(void)
{
    care_teardown(&care);
}

static void rename_acme(crm_db *db, const char *name)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    care_ok(crm_begin(db, &txn, &error), &error);
    (void)crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_NAME, name, CRM_NUL);
    care_ok(crm_commit(txn, NULL, &error), &error);
}

/* The name in a fresh view, which its index and its id agree on. */
static const char *name_now(crm_db *db)
{
    static char name[64];
    crm_error error = {0};
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_record *record = NULL, *found = NULL;
    care_ok(crm_view_open(db, &view, &error), &error);
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error), &error);
    (void)snprintf(name, sizeof name, "%s", crm_text(record, CRM_CUSTOMER_NAME, NULL));
    care_ok(crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error), &error);
    care_ok(crm_query_order(query, CRM_CUSTOMER_NAME, 0), &error);
    care_ok(crm_query_next(query, &found, &error), &error);
    ck_assert_str_eq(crm_text(found, CRM_CUSTOMER_NAME, NULL), name);
    ck_assert_int_eq(crm_query_next(query, &found, &error), CRM_DONE);
    crm_query_free(query);
    crm_record_free(record);
    crm_view_close(view);
    return name;
}

/* ---- opened in the middle of another handle's commit ---- */

static bool read_only;

/* The frame is written and not yet synced. */
static void open_and_look(void)
{
    crm_db *db = open_with(file_ops_default(), read_only, 0);
    ck_assert_str_eq(name_now(db), read_only ? "Acme" : "Acme & Co");
    ck_assert_int_eq(crm_close(db), CRM_OK);
}

/* A handle that writes makes it durable itself; one that only reads sees what was before. */
START_TEST(a_file_opened_during_a_commit_has_all_its_records)
{
    read_only = _i == 1;
    disk.in_sync = open_and_look;
    rename_acme(care.db, "Acme & Co");
    ck_assert(disk.in_sync == NULL);
    ck_assert_str_eq(name_now(care.db), "Acme & Co");
}
END_TEST

/* What it wrote is in the file, but nobody may count on it. */
START_TEST(a_commit_whose_sync_failed_is_not_seen_by_who_opens_the_file)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    disk.fails = true;
    care_ok(crm_begin(care.db, &txn, &error), &error);
    (void)crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_NAME, "Acme & Co", CRM_NUL);
    ck_assert_int_eq(crm_commit(txn, NULL, &error), CRM_IO);
    ck_assert_str_eq(name_now(care.db), "Acme");
    crm_db *other = open_with(file_ops_default(), false, 0);
    ck_assert_str_eq(name_now(other), "Acme");
    ck_assert_int_eq(crm_begin(other, &txn, &error), CRM_STOPPED);
    (void)crm_close(other);
    disk.fails = false;
    (void)crm_close(care.db);
    care.db = NULL;
}
END_TEST

/* ---- a transaction that wrote nothing, in the middle of another thread's commit ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopped, answered;
} meeting = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The other thread may answer now.  It has to wait for this sync, so this must
 * end without it: the time is how long a wrong answer is waited for. */
static void let_the_other_answer(void)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&meeting.lock);
    meeting.stopped = true;
    (void)pthread_cond_broadcast(&meeting.changed);
    while (!meeting.answered && pthread_cond_timedwait(&meeting.changed, &meeting.lock, &until) == 0)
        continue;
    (void)pthread_mutex_unlock(&meeting.lock);
}

static void wait_until_stopped(void)
{
    (void)pthread_mutex_lock(&meeting.lock);
    while (!meeting.stopped)
        (void)pthread_cond_wait(&meeting.changed, &meeting.lock);
    (void)pthread_mutex_unlock(&meeting.lock);
}

static void let_go_on(void)
{
    (void)pthread_mutex_lock(&meeting.lock);
    meeting.answered = true;
    (void)pthread_cond_broadcast(&meeting.changed);
    (void)pthread_mutex_unlock(&meeting.lock);
}

static void *rename_elsewhere(void *name)
{
    rename_acme(care.db, name);
    return NULL;
}

/* Each ends a transaction that has seen the other's change and writes nothing. */
static void refuse(crm_txn *txn)
{
    crm_error error = {0};
    (void)crm_expect_version(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), 1);
    (void)crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_NAME, "Acme GmbH", CRM_NUL);
    ck_assert_int_eq(crm_commit(txn, NULL, &error), CRM_CONFLICT);
}

static void commit_nothing(crm_txn *txn)
{
    crm_error error = {0};
    care_ok(crm_commit(txn, NULL, &error), &error);
}

static void take_back(crm_txn *txn)
{
    crm_rollback(txn);
}

/* P2: what a transaction has shown does not go away again. */
START_TEST(what_a_transaction_saw_is_there_when_it_has_ended)
{
    void (*const ends[])(crm_txn *) = {refuse, commit_nothing, take_back};
    pthread_t thread;
    crm_error error = {0};
    crm_txn *txn = NULL;
    meeting.stopped = meeting.answered = false;
    disk.in_sync = let_the_other_answer;
    ck_assert_int_eq(pthread_create(&thread, NULL, rename_elsewhere, "Acme & Co"), 0);
    wait_until_stopped();
    care_ok(crm_begin(care.db, &txn, &error), &error);
    ends[_i](txn);
    ck_assert_str_eq(name_now(care.db), "Acme & Co");
    let_go_on();
    (void)pthread_join(thread, NULL);
}
END_TEST

/* ---- a view, while a thread of its handle waits to write ---- */

static void wait_for_the_answer(void)
{
    (void)pthread_mutex_lock(&meeting.lock);
    meeting.stopped = true;
    (void)pthread_cond_broadcast(&meeting.changed);
    while (!meeting.answered)
        (void)pthread_cond_wait(&meeting.changed, &meeting.lock);
    (void)pthread_mutex_unlock(&meeting.lock);
}

/* P2: another handle commits meanwhile. */
START_TEST(a_view_is_fresh_while_a_thread_of_its_handle_waits_for_the_lock)
{
    pthread_t thread;
    crm_db *other = open_with(file_ops_default(), false, 5000);
    meeting.stopped = meeting.answered = false;
    disk.in_lock = wait_for_the_answer;
    ck_assert_int_eq(pthread_create(&thread, NULL, rename_elsewhere, "Acme GmbH"), 0);
    wait_until_stopped();
    rename_acme(other, "Acme & Co");
    ck_assert_str_eq(name_now(care.db), "Acme & Co");
    let_go_on();
    (void)pthread_join(thread, NULL);
    ck_assert_str_eq(name_now(other), "Acme GmbH");
    ck_assert_int_eq(crm_close(other), CRM_OK);
}
END_TEST

/* ---- opened when a compacted file has just taken the place of the old one ---- */

static crm_db *before_it;

static void write_and_look(void)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    crm_db *after_it = open_with(file_ops_default(), false, 10);
    int32_t status = crm_begin(after_it, &txn, &error);
    if (status == CRM_OK) {
        (void)crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_NAME, "Acme & Co", CRM_NUL);
        care_ok(crm_commit(txn, NULL, &error), &error);
        ck_assert_str_eq(name_now(before_it), "Acme & Co");
    }
    ck_assert(status == CRM_OK || status == CRM_BUSY);
    ck_assert_int_eq(crm_close(after_it), CRM_OK);
}

/* P2: nobody writes to the new file before everybody can know that there is one. */
START_TEST(a_commit_to_a_compacted_file_is_seen_by_who_had_the_old_one_open)
{
    crm_error error = {0};
    before_it = open_with(file_ops_default(), false, 5000);
    ck_assert_str_eq(name_now(before_it), "Acme");
    disk.in_rename = write_and_look;
    care_ok(crm_compact(care.db, &error), &error);
    ck_assert(disk.in_rename == NULL);
    ck_assert_int_eq(crm_close(before_it), CRM_OK);
}
END_TEST

/* ---- a rebuild beside other handles ---- */

START_TEST(a_rebuild_follows_a_compaction_by_another_handle)
{
    crm_error error = {0};
    crm_db *other = open_with(file_ops_default(), false, 5000);
    care_ok(crm_compact(other, &error), &error);
    care_ok(crm_rebuild(care.db, &error), &error);
    rename_acme(other, "Acme & Co");
    ck_assert_str_eq(name_now(care.db), "Acme & Co");
    ck_assert_int_eq(crm_close(other), CRM_OK);
    care_ok(crm_verify(care.db, NULL, &error), &error);
}
END_TEST

/* Two that wrote the index file at once would take each other's away. */
START_TEST(a_rebuild_writes_the_index_file_only_with_the_write_lock)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    crm_db *other = open_with(file_ops_default(), false, 10);
    care_ok(crm_begin(care.db, &txn, &error), &error);
    ck_assert_int_eq(crm_rebuild(other, &error), CRM_BUSY);
    crm_rollback(txn);
    care_ok(crm_rebuild(other, &error), &error);
    ck_assert_int_eq(crm_close(other), CRM_OK);
}
END_TEST

/* ---- a reader stays while the last writer goes and another comes ---- */

static crm_db *staying;

static void look_and_verify(void)
{
    crm_error error = {0};
    ck_assert_str_eq(name_now(staying), "Acme & Co");
    care_ok(crm_verify(staying, NULL, &error), &error);
}

/* Who opens as the first writer sets anew what handles tell each other, and only later says how far to read: to a
 * reader that has seen the last commit, and to one that has not asked since. */
START_TEST(a_reader_sees_no_less_while_a_writer_opens_the_file)
{
    staying = open_with(file_ops_default(), true, 0);
    ck_assert_str_eq(name_now(staying), "Acme");
    rename_acme(care.db, "Acme & Co");
    if (_i == 0)
        ck_assert_str_eq(name_now(staying), "Acme & Co");
    care_close(&care);
    disk.in_sync = look_and_verify;
    care.db = open_with(&disk.table, false, 5000);
    ck_assert(disk.in_sync == NULL);
    ck_assert_int_eq(crm_close(staying), CRM_OK);
}
END_TEST

/* Nor does it take what it has not read yet for damage. */
static void only_verify(void)
{
    crm_error error = {0};
    care_ok(crm_verify(staying, NULL, &error), &error);
}

START_TEST(a_reader_that_is_behind_finds_no_damage_while_a_writer_opens_the_file)
{
    staying = open_with(file_ops_default(), true, 0);
    for (int i = 0; i <= _i; i++)
        rename_acme(care.db, i % 2 == 0 ? "Acme & Co" : "Acme Inc");
    care_close(&care);
    disk.in_sync = only_verify;
    care.db = open_with(&disk.table, false, 5000);
    ck_assert(disk.in_sync == NULL);
    ck_assert_int_eq(crm_close(staying), CRM_OK);
}
END_TEST

/* ---- a reader verifies while others write ---- */

static void rename_thrice(void)
{
    rename_acme(care.db, "Acme & Co");
    rename_acme(care.db, "Acme Inc");
    rename_acme(care.db, "Acme Ltd");
}

/* The later frames say that the earlier ones, which the reader has not read yet, are on the disk. */
START_TEST(what_is_written_meanwhile_is_no_damage)
{
    crm_error error = {0};
    crm_db *reader = open_with(&disk.table, true, 0);
    ck_assert_str_eq(name_now(reader), "Acme");
    disk.in_size = rename_thrice;
    care_ok(crm_verify(reader, NULL, &error), &error);
    ck_assert(disk.in_size == NULL);
    ck_assert_str_eq(name_now(reader), "Acme Ltd");
    ck_assert_int_eq(crm_close(reader), CRM_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("follow");
    TCase *cases = tcase_create("follow");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_file_opened_during_a_commit_has_all_its_records, 0, 2);
    tcase_add_test(cases, a_commit_whose_sync_failed_is_not_seen_by_who_opens_the_file);
    tcase_add_loop_test(cases, what_a_transaction_saw_is_there_when_it_has_ended, 0, 3);
    tcase_add_test(cases, a_rebuild_follows_a_compaction_by_another_handle);
    tcase_add_test(cases, a_rebuild_writes_the_index_file_only_with_the_write_lock);
    tcase_add_test(cases, a_view_is_fresh_while_a_thread_of_its_handle_waits_for_the_lock);
    tcase_add_test(cases, a_commit_to_a_compacted_file_is_seen_by_who_had_the_old_one_open);
    tcase_add_test(cases, what_is_written_meanwhile_is_no_damage);
    tcase_add_loop_test(cases, a_reader_sees_no_less_while_a_writer_opens_the_file, 0, 2);
    tcase_add_loop_test(cases, a_reader_that_is_behind_finds_no_damage_while_a_writer_opens_the_file, 0, 3);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
