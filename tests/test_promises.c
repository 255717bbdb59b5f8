/* Promises that no other test proves: what keeps programs and files of one
 * version working with the next (P9). */
#include "care_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct care care;

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

/* P9: a program compiled against an older header has the numbers in it. */
START_TEST(constants_keep_their_numbers)
{
    static const struct {
        const char *name;
        long long now, first;
    } constants[] = {
#define CONSTANT(name, number) {#name, name, number},
#include "constants.def"
#undef CONSTANT
    };
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        ck_assert_msg(constants[i].now == constants[i].first, "%s is %lld, was %lld", constants[i].name,
                      constants[i].now, constants[i].first);
}
END_TEST

/* The folder that this file lies in, seen from where the compiler ran. */
static void golden(const char *name)
{
    char from[256];
    size_t length;
    const char *slash = strrchr(__FILE__, '/');
    snprintf(from, sizeof from, "%.*s/golden/%s", slash == NULL ? 1 : (int)(slash - __FILE__),
             slash == NULL ? "." : __FILE__, name);
    unsigned char *bytes = care_read(from, &length);
    care_close(&care);
    remove(care_path(&care, "t.crm-index"));
    FILE *file = fopen(care.path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
    care_open(&care);
}

/* What tests/golden/README.md says was put into the files. */
static void check_golden(void)
{
    crm_error error = {0};
    crm_record *record;
    crm_history *history;
    crm_change *change;
    care_ok(crm_verify(care.db, NULL, &error), &error);
    crm_view *view = care_view(&care);
    ck_assert_str_eq(crm_setting(view, "currency"), "CHF");
    care_ok(crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "office@example.com", CRM_NUL, &record, &error),
            &error);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Zürich & Söhne");
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_EMPLOYEES), 250);
    ck_assert_uint_eq(crm_record_version(record), 3);
    crm_id id = care_id(record);
    crm_record_free(record);
    care_ok(crm_history_open(view, CRM_KIND_CUSTOMER, &id, &history, &error), &error);
    static const char *const actors[] = {"mia", "ole", "mia"};
    static const int64_t employees[] = {0, 200, 250};
    for (int i = 0; i < 3; i++) {
        care_ok(crm_history_next(history, &change, &error), &error);
        ck_assert_str_eq(crm_change_actor(change), actors[i]);
        ck_assert_int_eq(crm_int(crm_change_after(change), CRM_CUSTOMER_EMPLOYEES), employees[i]);
        ck_assert_int_eq(crm_change_time(change), CARE_START + i * CARE_DAY);
    }
    crm_history_close(history);
    uint32_t kind = crm_kind_find(care.db, "machine", CRM_NUL);
    ck_assert_uint_eq(kind, CRM_USER_KIND);
    uint32_t weight = crm_field_find(care.db, kind, "weight", CRM_NUL);
    crm_query *query;
    care_ok(crm_query_create(view, kind, &query, &error), &error);
    care_ok(crm_query_next(query, &record, &error), &error);
    ck_assert_double_eq(crm_real(record, weight), 12.5);
    crm_query_free(query);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CONTACT), 1); /* of two, one was deleted */
    crm_view_close(view);
}

/* P9: a file of an earlier version opens, compacted or not, and is written on. */
START_TEST(a_file_of_the_first_version_opens)
{
    static const char *const names[] = {"format_1.crm", "format_1_compacted.crm"};
    for (int i = 0; i < 2; i++) {
        golden(names[i]);
        check_golden();
        care_customer(&care, "New");
        care_reopen(&care);
        check_golden();
    }
}
END_TEST

static const char *targets[2];

/* Makes the golden files anew, at the paths given as arguments: only for a new version of the format. */
START_TEST(make_golden)
{
    crm_error error = {0};
    uint32_t machine = 0, weight = 0;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_NOW, CARE_START);
    crm_options_set_text(options, CRM_OPTION_CURRENCY, "CHF", CRM_NUL);
    for (int i = 0; i < 2; i++) {
        care_ok(crm_open(targets[i], options, &care.db, &error), &error);
        crm_txn *txn = care_begin(&care, "mia");
        crm_kind_add(txn, "machine", CRM_NUL, &machine);
        crm_field_add(txn, machine, "weight", CRM_NUL, CRM_TYPE_REAL, 0, 0, &weight);
        crm_set_real(crm_create(txn, machine), weight, 12.5);
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        crm_set_text(record, CRM_CUSTOMER_NAME, "Zürich & Söhne", CRM_NUL);
        crm_item_add(record, CRM_CUSTOMER_EMAILS, "office@example.com", CRM_NUL);
        crm_id id = care_id(record);
        crm_set_text(crm_create(txn, CRM_KIND_CONTACT), CRM_CONTACT_LAST_NAME, "Stays", CRM_NUL);
        record = crm_create(txn, CRM_KIND_CONTACT);
        crm_set_text(record, CRM_CONTACT_LAST_NAME, "Goes", CRM_NUL);
        crm_id goes = care_id(record);
        care_commit(txn);
        crm_set_now(care.db, CARE_START + CARE_DAY);
        txn = care_begin(&care, "ole");
        crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_EMPLOYEES, 200);
        crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &goes));
        care_commit(txn);
        crm_set_now(care.db, CARE_START + 2 * CARE_DAY);
        txn = care_begin(&care, "mia");
        crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_EMPLOYEES, 250);
        care_commit(txn);
        if (i == 1)
            care_ok(crm_compact(care.db, &error), &error);
        care_close(&care);
    }
    crm_options_free(options);
}
END_TEST

int main(int count, char **arguments)
{
    Suite *suite = suite_create("promises");
    TCase *tests = tcase_create("promises");
    if (count == 3) {
        targets[0] = arguments[1];
        targets[1] = arguments[2];
        tcase_add_test(tests, make_golden);
    } else {
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, constants_keep_their_numbers);
        tcase_add_test(tests, a_file_of_the_first_version_opens);
    }
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
