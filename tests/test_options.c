/* Options: what is checked when it is set, the defaults, the hooks; and the
 * names of versions and statuses. */
#include <crm.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void make_path(void)
{
    char folder[] = "/tmp/crm-options-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.crm", folder);
}

static void remove_path(void)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s-index", path);
    unlink(path);
    unlink(beside);
    *strrchr(path, '/') = 0;
    ck_assert_int_eq(rmdir(path), 0); /* nothing else was left there */
}

START_TEST(a_value_is_checked_when_it_is_set)
{
    static const struct {
        int32_t key;
        int64_t value;
        int32_t status;
    } cases[] = {
        {CRM_OPTION_CREATE, 0, CRM_OK},
        {CRM_OPTION_CREATE, 2, CRM_OK},
        {CRM_OPTION_CREATE, 3, CRM_INVALID},
        {CRM_OPTION_CREATE, -1, CRM_INVALID},
        {CRM_OPTION_READ_ONLY, 1, CRM_OK},
        {CRM_OPTION_READ_ONLY, 2, CRM_INVALID},
        {CRM_OPTION_DURABILITY, 1, CRM_OK},
        {CRM_OPTION_DURABILITY, 2, CRM_OK},
        {CRM_OPTION_DURABILITY, 0, CRM_INVALID},
        {CRM_OPTION_DURABILITY, 3, CRM_INVALID},
        {CRM_OPTION_BUSY_MS, -1, CRM_OK},
        {CRM_OPTION_BUSY_MS, 0, CRM_OK},
        {CRM_OPTION_BUSY_MS, -2, CRM_INVALID},
        {CRM_OPTION_BUSY_MS, INT64_MAX, CRM_INVALID},
        {CRM_OPTION_IMAGE, 0, CRM_OK},
        {CRM_OPTION_IMAGE, 5, CRM_INVALID},
        {CRM_OPTION_NOW, INT64_MIN, CRM_OK},
        {CRM_OPTION_NOW, 0, CRM_OK},
        {0, 1, CRM_INVALID},
        {7, 1, CRM_INVALID},
        {CRM_OPTION_CURRENCY, 978, CRM_INVALID},
        {INT32_MIN, 0, CRM_INVALID},
    };
    crm_options *options = crm_options_create();
    ck_assert_ptr_nonnull(options);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(crm_options_set_int(options, cases[i].key, cases[i].value) == cases[i].status, "case %zu", i);
    ck_assert_int_eq(crm_options_set_text(options, CRM_OPTION_CURRENCY, "chf", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_options_set_text(options, CRM_OPTION_CURRENCY, "USDX", 3), CRM_OK);
    ck_assert_int_eq(crm_options_set_text(options, CRM_OPTION_CURRENCY, "ZZZ", CRM_NUL), CRM_INVALID);
    ck_assert_int_eq(crm_options_set_text(options, CRM_OPTION_CURRENCY, "", 0), CRM_INVALID);
    ck_assert_int_eq(crm_options_set_text(options, CRM_OPTION_CREATE, "EUR", CRM_NUL), CRM_INVALID);
    ck_assert_int_eq(crm_options_set_text(options, CRM_OPTION_CURRENCY, NULL, 0), CRM_MISUSE);
    ck_assert_int_eq(crm_options_set_int(NULL, CRM_OPTION_CREATE, 1), CRM_MISUSE);
    ck_assert_int_eq(crm_options_set_text(NULL, CRM_OPTION_CURRENCY, "EUR", 3), CRM_MISUSE);
    crm_options_set_log(NULL, NULL, NULL);
    crm_options_set_clock(NULL, NULL, NULL);
    crm_options_set_allocator(NULL, NULL, NULL);
    crm_options_free(options);
    crm_options_free(NULL);
}
END_TEST

START_TEST(a_new_file_has_the_currency_that_was_asked_for)
{
    static const char *const currencies[] = {NULL, "JPY"};
    for (int i = 0; i < 2; i++) {
        make_path();
        crm_options *options = crm_options_create();
        if (currencies[i] != NULL)
            crm_options_set_text(options, CRM_OPTION_CURRENCY, currencies[i], CRM_NUL);
        crm_db *db = NULL;
        crm_view *view = NULL;
        for (int round = 0; round < 2; round++) { /* opened again, the file decides */
            ck_assert_int_eq(crm_open(path, round == 0 ? options : NULL, &db, NULL), CRM_OK);
            ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
            ck_assert_str_eq(crm_setting(view, "currency"), i == 0 ? "EUR" : "JPY");
            crm_view_close(view);
            ck_assert_int_eq(crm_close(db), CRM_OK);
        }
        crm_options_free(options);
        remove_path();
    }
}
END_TEST

START_TEST(creation_can_be_forbidden_or_demanded)
{
    make_path();
    crm_error error;
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_CREATE, 0);
    ck_assert_int_eq(crm_open(path, options, &db, &error), CRM_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, path));
    ck_assert_int_ne(access(path, F_OK), 0);
    crm_options_set_int(options, CRM_OPTION_CREATE, 2);
    ck_assert_int_eq(crm_open(path, options, &db, &error), CRM_OK);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    ck_assert_int_eq(crm_open(path, options, &db, &error), CRM_EXISTS);
    ck_assert_ptr_nonnull(strstr(error.message, path));
    crm_options_set_int(options, CRM_OPTION_CREATE, 0);
    ck_assert_int_eq(crm_open(path, options, &db, &error), CRM_OK);
    ck_assert_str_eq(crm_path(db), path);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    crm_options_free(options);
    remove_path();
}
END_TEST

START_TEST(without_an_image_nothing_lies_beside_the_file)
{
    make_path();
    char beside[80], name[16];
    snprintf(beside, sizeof beside, "%s-index", path);
    for (int image = 0; image < 2; image++) {
        crm_options *options = crm_options_create();
        crm_options_set_int(options, CRM_OPTION_IMAGE, image);
        crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
        crm_db *db = NULL;
        crm_txn *txn = NULL;
        ck_assert_int_eq(crm_open(path, options, &db, NULL), CRM_OK);
        ck_assert_int_eq(crm_begin(db, &txn, NULL), CRM_OK);
        for (int i = 0; i < 3000; i++) { /* enough to be worth one */
            snprintf(name, sizeof name, "%d", i);
            crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, name, CRM_NUL);
        }
        ck_assert_int_eq(crm_commit(txn, NULL, NULL), CRM_OK);
        ck_assert_int_eq(crm_close(db), CRM_OK);
        ck_assert_int_eq(access(beside, F_OK) == 0, image == 1);
        crm_options_free(options);
    }
    remove_path();
}
END_TEST

struct counters {
    size_t live, calls, largest;
    int64_t now;
    int messages;
};

/* Keeps the size in front, so that what is given back can be counted. */
static void *counted(void *context, void *old, size_t size)
{
    struct counters *counters = context;
    size_t *block = old == NULL ? NULL : (size_t *)old - 2;
    counters->calls++;
    if (size == 0) {
        counters->live -= block == NULL ? 0 : block[0];
        free(block);
        return NULL;
    }
    counters->largest = size > counters->largest ? size : counters->largest;
    size_t before = block == NULL ? 0 : block[0];
    size_t *larger = realloc(block, size + 2 * sizeof *larger);
    if (larger == NULL)
        return NULL;
    larger[0] = size;
    counters->live += size - before;
    return larger + 2;
}

static int64_t tick(void *context)
{
    struct counters *counters = context;
    return counters->now += 1000000;
}

static void listen_to(void *context, int32_t status, const char *message)
{
    struct counters *counters = context;
    counters->messages += status != CRM_OK && message != NULL && message[0] != 0;
}

/* Deflating needs a window of twice 32 KiB in one piece, inflating a state of some
 * thousand bytes; the text itself has but 2,000. */
START_TEST(texts_are_deflated_in_the_memory_that_was_given)
{
    make_path();
    char text[2001];
    memset(text, 'a', 2000);
    text[2000] = 0;
    struct counters counters = {0};
    crm_options *options = crm_options_create();
    crm_options_set_allocator(options, counted, &counters);
    crm_options_set_int(options, CRM_OPTION_IMAGE, 0);
    crm_db *db = NULL;
    crm_txn *txn = NULL;
    ck_assert_int_eq(crm_open(path, options, &db, NULL), CRM_OK);
    crm_options_free(options);
    ck_assert_int_eq(crm_begin(db, &txn, NULL), CRM_OK);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    counters.largest = 0;
    ck_assert_int_eq(crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, 2000), CRM_OK);
    ck_assert_uint_ge(counters.largest, 65536);
    counters.largest = 0;
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_DESCRIPTION, NULL), text);
    ck_assert_uint_ge(counters.largest, 4000);
    crm_rollback(txn);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    ck_assert_uint_eq(counters.live, 0);
    remove_path();
}
END_TEST

START_TEST(the_hooks_are_used_for_everything)
{
    make_path();
    struct counters counters = {0};
    counters.now = INT64_C(1700000000000000);
    crm_options *options = crm_options_create();
    crm_options_set_allocator(options, counted, &counters);
    crm_options_set_clock(options, tick, &counters);
    crm_options_set_log(options, listen_to, &counters);
    crm_db *db = NULL;
    crm_txn *txn = NULL;
    crm_view *view = NULL;
    crm_record *record = NULL;
    crm_id id;
    ck_assert_int_eq(crm_open(path, options, &db, NULL), CRM_OK);
    crm_options_free(options); /* a copy was taken */
    ck_assert_int_eq(crm_begin(db, &txn, NULL), CRM_OK);
    record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_record_id(record, &id);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    int64_t before = counters.now;
    ck_assert_int_eq(crm_commit(txn, NULL, NULL), CRM_OK);
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
    ck_assert_int_le(crm_int(record, CRM_FIELD_CREATED_AT), before + 1000000);
    ck_assert_int_ge(crm_int(record, CRM_FIELD_CREATED_AT), INT64_C(1700000001000000));
    crm_record_free(record);
    crm_view_close(view);
    crm_set_now(db, 42);
    ck_assert_int_eq(crm_now(db), 42);
    crm_set_now(db, INT64_MIN); /* runs again */
    ck_assert_int_eq(crm_now(db), counters.now);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    ck_assert_uint_gt(counters.calls, 10);
    ck_assert_uint_eq(counters.live, 0);
    ck_assert_int_eq(counters.messages, 0);
    /* What was cut off in mid-write is told, and fails nothing. */
    FILE *file = fopen(path, "ab");
    ck_assert_ptr_nonnull(file);
    fputs("the beginning of a transaction that never was", file);
    fclose(file);
    options = crm_options_create();
    crm_options_set_log(options, listen_to, &counters);
    ck_assert_int_eq(crm_open(path, options, &db, NULL), CRM_OK);
    ck_assert_int_eq(counters.messages, 1);
    ck_assert_int_eq(crm_close(db), CRM_OK);
    crm_options_free(options);
    remove_path();
}
END_TEST

START_TEST(versions_and_statuses_have_names)
{
    ck_assert_int_eq(crm_version_number(), CRM_VERSION_NUMBER);
    ck_assert_str_eq(crm_version(), CRM_VERSION);
    char text[16];
    snprintf(text, sizeof text, "%d.%d.%d", CRM_VERSION_NUMBER / 10000, CRM_VERSION_NUMBER / 100 % 100,
             CRM_VERSION_NUMBER % 100);
    ck_assert_str_eq(crm_version(), text);
    ck_assert_str_eq(crm_status_name(CRM_OK), "CRM_OK");
    ck_assert_str_eq(crm_status_name(CRM_NOT_FOUND), "CRM_NOT_FOUND");
    ck_assert_str_eq(crm_status_name(CRM_ERASED), "CRM_ERASED");
    for (int32_t status = CRM_OK; status <= CRM_ERASED; status++) {
        ck_assert_ptr_nonnull(crm_status_name(status));
        ck_assert_int_eq(strncmp(crm_status_name(status), "CRM_", 4), 0);
        ck_assert_int_gt((int)strlen(crm_status_text(status)), 5);
        for (int32_t other = CRM_OK; other < status; other++)
            ck_assert_str_ne(crm_status_text(status), crm_status_text(other));
    }
    ck_assert_ptr_null(crm_status_name(CRM_ERASED + 1));
    ck_assert_ptr_null(crm_status_name(-1));
    ck_assert_ptr_null(crm_status_text(INT32_MIN));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *cases = tcase_create("options");
    tcase_add_test(cases, a_value_is_checked_when_it_is_set);
    tcase_add_test(cases, a_new_file_has_the_currency_that_was_asked_for);
    tcase_add_test(cases, creation_can_be_forbidden_or_demanded);
    tcase_add_test(cases, without_an_image_nothing_lies_beside_the_file);
    tcase_add_test(cases, the_hooks_are_used_for_everything);
    tcase_add_test(cases, texts_are_deflated_in_the_memory_that_was_given);
    tcase_add_test(cases, versions_and_statuses_have_names);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
