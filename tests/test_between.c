/* What comes between two steps of a handle: another that opens, writes, closes or
 * puts a new file in the place of the old one just there, and damage that comes
 * while the file is open.
 * Proves P1, P2, P3, P7. */
#include "care_fixture.h"

#include "api/options.h"
#include "crm/rules.h"
#include "log/log_private.h"
#include "model/db.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct care care;
static crm_id acme;

/* A handle's calls of the system, between which others act. */
static struct {
    struct file_ops table;
    void (*before_cut)(void);    /* it is about to find out whether it is alone */
    void (*before_attach)(void); /* it has opened the file, and is about to join those who have it open */
    void (*before_index)(void);  /* it is about to open the index file */
    void (*before_sync)(void);
    void (*after_close)(void);
} disk;

static void call_once(void (**what)(void))
{
    void (*call)(void) = *what;
    *what = NULL;
    if (call != NULL)
        call();
}

static int32_t hooked_lock(struct file *file, uint64_t byte, int how, int64_t timeout_ms, int *system_error)
{
    if (byte == LOG_BYTE_PRESENCE && how == FILE_LOCK_EXCLUSIVE)
        call_once(&disk.before_cut);
    if (byte == LOG_BYTE_ATTACH && how == FILE_LOCK_EXCLUSIVE)
        call_once(&disk.before_attach);
    return file_ops_default()->lock(file, byte, how, timeout_ms, system_error);
}

static int32_t hooked_open(void *context, const char *path, int flags, struct file **out, int *system_error)
{
    if (strstr(path, "-index") != NULL)
        call_once(&disk.before_index);
    return file_ops_default()->open(context, path, flags, out, system_error);
}

static int32_t hooked_sync(struct file *file, int *system_error)
{
    call_once(&disk.before_sync);
    return file_ops_default()->sync(file, system_error);
}

static void hooked_close(struct file *file)
{
    file_ops_default()->close(file);
    call_once(&disk.after_close);
}

static crm_db *open_with(const struct file_ops *files, bool read_only)
{
    struct crm_options options;
    crm_error error = {0};
    crm_db *db = NULL;
    options_default(&options);
    options.files = files;
    options.read_only = read_only;
    options.now = CARE_START;
    care_ok(db_open(care.path, &options, &domain_rules, &db, &error), &error);
    return db;
}

static void setup(void)
{
    care_setup(&care);
    acme = care_customer(&care, "Acme");
    memset(&disk, 0, sizeof disk);
    disk.table = *file_ops_default();
    disk.table.lock = hooked_lock;
    disk.table.open = hooked_open;
    disk.table.sync = hooked_sync;
    disk.table.close = hooked_close;
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

static const char *name_in(crm_view *view)
{
    static char name[64];
    crm_error error = {0};
    crm_record *record = NULL;
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error), &error);
    (void)snprintf(name, sizeof name, "%s", crm_text(record, CRM_CUSTOMER_NAME, NULL));
    crm_record_free(record);
    return name;
}

static const char *name_now(crm_db *db)
{
    crm_error error = {0};
    crm_view *view = NULL;
    care_ok(crm_view_open(db, &view, &error), &error);
    const char *name = name_in(view);
    crm_view_close(view);
    return name;
}

/* ---- closing gives room back ---- */

static void come_and_go(void)
{
    crm_db *other = open_with(file_ops_default(), false);
    rename_acme(other, "Acme & Co");
    ck_assert_int_eq(crm_close(other), CRM_OK);
}

/* P1 */
START_TEST(closing_cuts_off_nothing_that_another_wrote_just_before)
{
    care_close(&care);
    crm_db *db = open_with(&disk.table, false);
    disk.before_cut = come_and_go;
    ck_assert_int_eq(crm_close(db), CRM_OK);
    ck_assert(disk.before_cut == NULL);
    care_open(&care);
    ck_assert_str_eq(name_now(care.db), "Acme & Co");
}
END_TEST

/* ---- a new file that its maker gives up ---- */

static crm_db *guest;
static bool starved;

static void *refusing(void *context, void *old, size_t size)
{
    const struct memory *memory = memory_default();
    (void)context;
    return starved && size > 0 ? NULL : memory->resize(memory->context, old, size);
}

static void starve(void)
{
    starved = true;
}

/* Another opens the file under that name as soon as it can, and writes to it. */
static void come_and_stay(void)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    starved = false;
    guest = open_with(file_ops_default(), false);
    care_ok(crm_begin(guest, &txn, &error), &error);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    (void)crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    acme = care_id(record);
    care_ok(crm_commit(txn, NULL, &error), &error);
}

/* P1: whoever insists on a new file, and fails, removes it; but not another's, who found it there. */
START_TEST(a_maker_that_fails_removes_nothing_that_another_has_written)
{
    struct crm_options options;
    crm_error error = {0};
    crm_db *db = NULL;
    care_close(&care);
    ck_assert_int_eq(unlink(care.path), 0);
    options_default(&options);
    options.files = &disk.table;
    options.create = 2;
    options.memory = (struct memory){.resize = refusing};
    guest = NULL;
    disk.before_index = starve;
    disk.after_close = come_and_stay;
    ck_assert_int_eq(db_open(care.path, &options, &domain_rules, &db, &error), CRM_NOMEM);
    ck_assert_ptr_nonnull(guest);
    ck_assert_int_eq(crm_close(guest), CRM_OK);
    care_open(&care);
    ck_assert_str_eq(name_now(care.db), "Acme");
}
END_TEST

/* ---- a reader opens the file, and at the same time the first writer does ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopped, over;
    pthread_t thread;
} meeting = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void tell(bool *what)
{
    (void)pthread_mutex_lock(&meeting.lock);
    *what = true;
    (void)pthread_cond_broadcast(&meeting.changed);
    (void)pthread_mutex_unlock(&meeting.lock);
}

static void wait_for(const bool *what)
{
    (void)pthread_mutex_lock(&meeting.lock);
    while (!*what)
        (void)pthread_cond_wait(&meeting.changed, &meeting.lock);
    (void)pthread_mutex_unlock(&meeting.lock);
}

static void stop_until_over(void)
{
    tell(&meeting.stopped);
    wait_for(&meeting.over);
}

static void *open_and_rename(void *context)
{
    crm_db *db = open_with(&disk.table, false);
    disk.before_sync = stop_until_over; /* the commit's: the frame is written */
    rename_acme(db, "Acme & Co");
    ck_assert_int_eq(crm_close(db), CRM_OK);
    return context;
}

static void let_a_writer_come(void)
{
    ck_assert_int_eq(pthread_create(&meeting.thread, NULL, open_and_rename, NULL), 0);
    wait_for(&meeting.stopped);
}

/* P2: its views have the record, as it was or as it is. */
START_TEST(a_reader_that_opens_as_the_first_writer_comes_misses_no_record)
{
    meeting.stopped = meeting.over = false;
    care_close(&care);
    disk.before_index = let_a_writer_come;
    crm_db *reader = open_with(&disk.table, true);
    ck_assert(disk.before_index == NULL);
    ck_assert_ptr_nonnull(strstr("Acme & Co", name_now(reader)));
    tell(&meeting.over);
    (void)pthread_join(meeting.thread, NULL);
    ck_assert_str_eq(name_now(reader), "Acme & Co");
    ck_assert_int_eq(crm_close(reader), CRM_OK);
    care_open(&care);
}
END_TEST

/* ---- a writer opens the file, which is replaced before it has joined the others ---- */

static void replace_the_file(void)
{
    crm_error error = {0};
    care_ok(crm_compact(care.db, &error), &error);
    rename_acme(care.db, "Acme & Co");
    care_close(&care);
}

/* P2: it is the first to write to the old file, for the moment that it takes to find out. */
START_TEST(a_reader_of_a_replaced_file_hears_of_the_new_one_whoever_else_opened_the_old)
{
    crm_db *reader = open_with(file_ops_default(), true);
    ck_assert_str_eq(name_now(reader), "Acme");
    disk.before_attach = replace_the_file;
    crm_db *late = open_with(&disk.table, false);
    ck_assert(disk.before_attach == NULL);
    ck_assert_str_eq(name_now(late), "Acme & Co");
    ck_assert_str_eq(name_now(reader), "Acme & Co");
    ck_assert_int_eq(crm_close(late), CRM_OK);
    ck_assert_int_eq(crm_close(reader), CRM_OK);
    care_open(&care);
}
END_TEST

/* ---- damage comes while the file is open ---- */

static size_t place_of(const char *text)
{
    size_t length;
    unsigned char *bytes = care_read(care.path, &length);
    const unsigned char *found = memmem(bytes, length, text, strlen(text));
    ck_assert_ptr_nonnull(found);
    size_t at = (size_t)(found - bytes);
    free(bytes);
    return at;
}

static void nothing_can_be_written(crm_db *db)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    crm_view *view = NULL;
    ck_assert_int_eq(crm_begin(db, &txn, &error), CRM_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "recover"));
    int32_t status = crm_view_open(db, &view, &error);
    if (status == CRM_OK) {
        crm_record *record = NULL;
        status = crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error);
    }
    ck_assert_int_eq(status, CRM_CORRUPT);
    crm_view_close(view);
    crm_table *table = NULL;
    ck_assert_int_eq(crm_verify(db, &table, &error), CRM_CORRUPT); /* and says where */
    ck_assert_uint_gt(crm_table_rows(table), 0);
    ck_assert_int_eq(strncmp(crm_table_text(table, 0, 0, NULL), "byte ", 5), 0);
    crm_table_free(table);
}

/* P3: behind what cannot be read lie transactions that were durable; the next must not be written over them. */
START_TEST(what_lies_behind_damage_that_a_rebuild_meets_is_not_written_over)
{
    crm_error error = {0};
    rename_acme(care.db, "Acme Middle");
    rename_acme(care.db, "Acme Last");
    care_damage(care.path, place_of("Acme Middle"));
    ck_assert_int_eq(crm_rebuild(care.db, &error), CRM_CORRUPT);
    nothing_can_be_written(care.db);
    care_damage(care.path, place_of("cme Middle") - 1); /* it is sound again */
    ck_assert_str_eq(name_now(care.db), "Acme Last");
    care_reopen(&care);
    ck_assert_str_eq(name_now(care.db), "Acme Last");
}
END_TEST

START_TEST(what_another_committed_and_cannot_be_read_is_not_written_over)
{
    crm_db *other = open_with(file_ops_default(), false);
    rename_acme(other, "Acme Middle");
    rename_acme(other, "Acme Last");
    care_damage(care.path, place_of("Acme Middle"));
    nothing_can_be_written(care.db);
    care_damage(care.path, place_of("cme Middle") - 1);
    ck_assert_str_eq(name_now(care.db), "Acme Last");
    ck_assert_int_eq(crm_close(other), CRM_OK);
}
END_TEST

/* A transaction reads the index without a lock, since nobody else changes it; so nobody may take it away. */
START_TEST(a_damaged_index_is_not_built_anew_under_a_transaction)
{
    crm_error error = {0};
    crm_record *record = NULL;
    crm_txn *txn = care_begin(&care, "mia");
    crm_view *view = care_view(&care);
    const struct arena *arena = care.db->now->arena;
    care.db->now->arena->damaged = true; /* as who meets a damaged block says */
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error), CRM_CORRUPT);
    ck_assert_ptr_eq(care.db->now->arena, arena);
    (void)crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &acme), CRM_CUSTOMER_NAME, "Acme GmbH", CRM_NUL);
    ck_assert_int_eq(crm_commit(txn, NULL, &error), CRM_CORRUPT);
    ck_assert_str_eq(name_in(view), "Acme");
    crm_view_close(view);
    rename_acme(care.db, "Acme & Co");
    ck_assert_str_eq(name_now(care.db), "Acme & Co");
}
END_TEST

/* Keys that did not go in for want of memory: neither the transaction nor a view may miss them. */
START_TEST(an_index_that_is_behind_is_not_read_in_a_transaction)
{
    crm_error error = {0};
    crm_record *record = NULL;
    crm_query *query = NULL;
    crm_txn *txn = care_begin(&care, "mia");
    crm_view *view = care_view(&care);
    care.db->now->bad = true; /* as who could not put them in says */
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &acme, &record, &error), CRM_NOMEM);
    int32_t status = crm_query_create(crm_txn_view(txn), CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK)
        status = crm_query_next(query, &record, &error);
    ck_assert_int_eq(status, CRM_NOMEM);
    crm_query_free(query);
    crm_rollback(txn);
    ck_assert_str_eq(name_in(view), "Acme");
    crm_view_close(view);
}
END_TEST

/* Who begins meets it first. */
START_TEST(a_transaction_that_begins_on_a_damaged_index_has_a_good_one)
{
    care.db->now->arena->damaged = true;
    rename_acme(care.db, "Acme & Co");
    ck_assert_str_eq(name_now(care.db), "Acme & Co");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("between");
    TCase *cases = tcase_create("between");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, closing_cuts_off_nothing_that_another_wrote_just_before);
    tcase_add_test(cases, a_maker_that_fails_removes_nothing_that_another_has_written);
    tcase_add_test(cases, a_reader_that_opens_as_the_first_writer_comes_misses_no_record);
    tcase_add_test(cases, a_reader_of_a_replaced_file_hears_of_the_new_one_whoever_else_opened_the_old);
    tcase_add_test(cases, what_lies_behind_damage_that_a_rebuild_meets_is_not_written_over);
    tcase_add_test(cases, what_another_committed_and_cannot_be_read_is_not_written_over);
    tcase_add_test(cases, a_damaged_index_is_not_built_anew_under_a_transaction);
    tcase_add_test(cases, an_index_that_is_behind_is_not_read_in_a_transaction);
    tcase_add_test(cases, a_transaction_that_begins_on_a_damaged_index_has_a_good_one);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
