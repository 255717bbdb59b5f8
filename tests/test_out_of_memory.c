/* Every allocation fails once, and once for good: each time that is an answer,
 * nothing is lost, nothing leaks, and the file is sound. */
#include <crm.h>

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scarce {
    size_t live, calls, fail_at; /* the call that fails; 0: none */
    bool for_good;               /* and all after it */
};

static char path[64];

static void *scarce(void *context, void *old, size_t size)
{
    struct scarce *memory = context;
    size_t *block = old == NULL ? NULL : (size_t *)old - 2;
    if (size == 0) {
        memory->live -= block == NULL ? 0 : 1;
        free(block);
        return NULL;
    }
    memory->calls++;
    if (memory->fail_at != 0 &&
        (memory->calls == memory->fail_at || (memory->for_good && memory->calls > memory->fail_at)))
        return NULL;
    size_t *larger = realloc(block, size + 2 * sizeof *larger);
    if (larger == NULL)
        return NULL;
    memory->live += block == NULL;
    return larger + 2;
}

static void fine(int32_t status, const crm_error *error, const struct scarce *memory)
{
    ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "call %zu: status %d: %s", memory->fail_at, status,
                  error == NULL ? "" : error->message);
    if (status == CRM_NOMEM && error != NULL) {
        ck_assert_int_eq(error->status, CRM_NOMEM);
        ck_assert_int_ne(error->message[0], 0);
    }
}

static uint64_t count_customers(crm_view *view, const struct scarce *memory)
{
    crm_error error;
    crm_query *query = NULL;
    crm_record *record = NULL;
    uint64_t count = 0;
    int32_t status = crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error);
    if (status == CRM_OK) {
        crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, "acme", CRM_NUL);
        crm_query_order(query, CRM_CUSTOMER_EMPLOYEES, 1);
        while ((status = crm_query_next(query, &record, &error)) == CRM_OK) {
            count++;
            (void)crm_format(record, CRM_CUSTOMER_EMAILS, NULL);
            (void)crm_display(record, CRM_CUSTOMER_PARENT, NULL);
            (void)crm_text(record, CRM_CUSTOMER_DESCRIPTION, NULL);
        }
        status = status == CRM_DONE ? CRM_OK : status;
    }
    fine(status, &error, memory);
    crm_query_free(query);
    return status == CRM_OK ? count : UINT64_MAX;
}

/* Looks for what is there; OK or NOMEM, nothing else. */
static void look(crm_db *db, const struct scarce *memory)
{
    crm_error error;
    crm_view *view = NULL;
    crm_record *record = NULL;
    int32_t status = crm_view_open(db, &view, &error);
    fine(status, &error, memory);
    if (status != CRM_OK)
        return;
    (void)count_customers(view, memory);
    status = crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "a@acme.example", CRM_NUL, &record, &error);
    fine(status, &error, memory);
    crm_record_free(record);
    crm_view_close(view);
}

static int32_t change(crm_txn *txn, int number)
{
    char text[700];
    memset(text, 'a', 699);
    text[699] = 0;
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    snprintf(text, 20, "Acme %d", number);
    crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL);
    text[7] = 'x';
    crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, 699); /* deflated */
    crm_item_add(record, CRM_CUSTOMER_EMAILS, "b@acme.example", CRM_NUL);
    crm_set_parsed(record, CRM_FIELD_TAGS, "[\"a\",{\"value\":\"b\",\"label\":\"c\"}]", CRM_NUL);
    crm_set_parsed(record, CRM_CUSTOMER_PARENT, "First", CRM_NUL);
    crm_field_add(txn, CRM_KIND_CUSTOMER, "own", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_INDEXED, 0, NULL);
    return crm_txn_status(txn, NULL);
}

/* True when the change was committed. */
static bool write_once(crm_db *db, const struct scarce *memory)
{
    crm_error error;
    crm_txn *txn = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    fine(status, &error, memory);
    if (status != CRM_OK)
        return false;
    crm_txn_set_actor(txn, "mia");
    (void)change(txn, 1);
    status = crm_commit(txn, NULL, &error);
    fine(status, &error, memory);
    return status == CRM_OK;
}

static crm_db *open_with(struct scarce *memory, crm_error *error)
{
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    if (memory != NULL)
        crm_options_set_allocator(options, scarce, memory);
    int32_t status = crm_open(path, options, &db, error);
    crm_options_free(options);
    ck_assert_int_eq(status == CRM_OK, db != NULL);
    return db;
}

static void start(void)
{
    char folder[] = "/dev/shm/crm-memory-XXXXXX", elsewhere[] = "/tmp/crm-memory-XXXXXX";
    crm_txn *txn = NULL;
    const char *made = mkdtemp(folder); /* some thousand syncs: in memory, where there is such a folder */
    made = made != NULL ? made : mkdtemp(elsewhere);
    ck_assert_ptr_nonnull(made);
    snprintf(path, sizeof path, "%s/t.crm", made);
    crm_db *db = open_with(NULL, NULL);
    ck_assert_int_eq(crm_begin(db, &txn, NULL), CRM_OK);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "First", CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_EMAILS, "a@acme.example", CRM_NUL);
    ck_assert_int_eq(crm_commit(txn, NULL, NULL), CRM_OK);
    ck_assert_int_eq(crm_close(db), CRM_OK);
}

static void put_back(const char *bytes, size_t length)
{
    char beside[80];
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
    snprintf(beside, sizeof beside, "%s-index", path);
    unlink(beside);
}

static char *take(size_t *length)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = malloc(10000000);
    ck_assert_ptr_nonnull(bytes);
    *length = fread(bytes, 1, 10000000, file);
    fclose(file);
    return bytes;
}

static void finish(void)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s-index", path);
    unlink(path);
    unlink(beside);
    *strrchr(path, '/') = 0;
    rmdir(path);
}

/* After the failure, with memory again: what was acknowledged is there, and no more. */
static void check_file(bool committed, const struct scarce *memory)
{
    crm_error error;
    crm_view *view = NULL;
    struct scarce none = {0};
    crm_db *db = open_with(NULL, &error);
    ck_assert_msg(db != NULL, "call %zu: %s", memory->fail_at, error.message);
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    ck_assert_msg(count_customers(view, &none) == committed, "call %zu: not what was committed", memory->fail_at);
    crm_view_close(view);
    ck_assert_int_eq(crm_field_find(db, CRM_KIND_CUSTOMER, "own", CRM_NUL) != 0, committed);
    if (!committed) /* all goes well now */
        ck_assert_int_eq(write_once(db, &none), 1);
    ck_assert_int_eq(crm_close(db), CRM_OK);
}

/* What was acknowledged is there, and now it is written. */
static bool go_on(crm_db *db, bool committed, const struct scarce *memory)
{
    crm_view *view = NULL;
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    ck_assert_uint_eq(count_customers(view, memory), committed);
    ck_assert_int_eq(crm_field_find(db, CRM_KIND_CUSTOMER, "own", CRM_NUL) != 0, committed);
    crm_view_close(view);
    if (!committed)
        ck_assert_int_eq(write_once(db, memory), 1);
    return true;
}

START_TEST(each_allocation_may_fail)
{
    size_t length;
    start();
    char *bytes = take(&length);
    bool whole = false;
    for (size_t at = 1; !whole; at += at < 400 ? 1 : 7) {
        struct scarce memory = {.fail_at = at, .for_good = _i == 1};
        crm_error error;
        bool committed = false;
        crm_db *db = open_with(&memory, &error);
        if (db == NULL)
            ck_assert_msg(error.status == CRM_NOMEM, "call %zu: %s", at, error.message);
        if (db != NULL) {
            look(db, &memory);
            committed = write_once(db, &memory);
            look(db, &memory);
            if (at % 2 == 0) { /* memory again: the same handle goes on */
                memory.fail_at = 0;
                committed = go_on(db, committed, &memory);
                memory.fail_at = at;
            }
            int32_t status = crm_close(db);
            ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "close: %d", status);
        }
        ck_assert_msg(memory.live == 0, "call %zu: %zu blocks are left", at, memory.live);
        whole = memory.calls < at;
        check_file(committed, &memory);
        put_back(bytes, length);
    }
    free(bytes);
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("out_of_memory");
    TCase *cases = tcase_create("out_of_memory");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, each_allocation_may_fail, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
