/* test_table: what a result table gives back is what its builder was given;
 * every cell has a text; a failed allocation is reported, never half a table. */
#include "care_fixture.h"

#include "model/table.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EUR = 978, JPY = 392, KWD = 414 };

static crm_table *finished(crm_table *table)
{
    crm_table *out = NULL;
    ck_assert_int_eq(table_finish(table, &out, NULL), CRM_OK);
    ck_assert_ptr_nonnull(out);
    return out;
}

START_TEST(columns_keep_their_names_types_and_order)
{
    crm_table *build = table_create(memory_default());
    ck_assert_uint_eq(table_add_column(build, "stage", CRM_TYPE_TEXT), 0);
    ck_assert_uint_eq(table_add_column(build, "deals", CRM_TYPE_INT), 1);
    crm_table *table = finished(build);
    ck_assert_uint_eq(crm_table_columns(table), 2);
    ck_assert_uint_eq(crm_table_rows(table), 0);
    ck_assert_str_eq(crm_table_name(table, 0), "stage");
    ck_assert_str_eq(crm_table_name(table, 1), "deals");
    ck_assert_int_eq(crm_table_type(table, 1), CRM_TYPE_INT);
    ck_assert_ptr_null(crm_table_name(table, 2));
    ck_assert_int_eq(crm_table_type(table, 2), 0);
    crm_table_free(table);
}
END_TEST

START_TEST(numbers_come_back_and_lie_in_one_array)
{
    crm_table *build = table_create(memory_default());
    uint32_t column = table_add_column(build, "n", CRM_TYPE_INT);
    for (int64_t i = 0; i < 1000; i++) {
        table_add_row(build);
        table_put_int(build, column, i * i - 5);
    }
    crm_table *table = finished(build);
    const int64_t *values = crm_table_column(table, column);
    ck_assert_uint_eq(crm_table_rows(table), 1000);
    for (uint64_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(crm_table_int(table, i, column), (int64_t)(i * i) - 5);
        ck_assert_int_eq(values[i], (int64_t)(i * i) - 5);
    }
    ck_assert_str_eq(crm_table_text(table, 31, column, NULL), "956"); /* 31 * 31 - 5 */
    crm_table_free(table);
}
END_TEST

/* The text that each type has by the public header: ISO 8601, money with its decimals. */
START_TEST(every_type_has_its_text)
{
    static const struct {
        int32_t type;
        int64_t value;
        const char *text;
    } cases[] = {
        {CRM_TYPE_BOOL, 1, "true"},
        {CRM_TYPE_BOOL, 0, "false"},
        {CRM_TYPE_INT, INT64_MIN, "-9223372036854775808"},
        {CRM_TYPE_DECIMAL, 6315, "0.6315"},
        {CRM_TYPE_TIME, INT64_C(867715200000000), "1997-07-01T00:00:00Z"}, /* 10043 days * 86400 s */
        {CRM_TYPE_DATE, 10043, "1997-07-01"},
        {CRM_TYPE_CURRENCY, EUR, "EUR"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        crm_table *build = table_create(memory_default());
        uint32_t column = table_add_column(build, "c", cases[i].type);
        table_set_scale(build, column, 4);
        table_add_row(build);
        table_put_int(build, column, cases[i].value);
        crm_table *table = finished(build);
        size_t length;
        const char *text = crm_table_text(table, 0, column, &length);
        ck_assert_str_eq(text, cases[i].text);
        ck_assert_uint_eq(length, strlen(cases[i].text));
        ck_assert_ptr_eq(crm_table_text(table, 0, column, NULL), text); /* made once */
        crm_table_free(table);
    }
}
END_TEST

/* ISO 4217: the euro has two decimals, the yen none, the Kuwaiti dinar three. */
START_TEST(money_has_the_decimals_of_its_own_currency)
{
    crm_table *build = table_create(memory_default());
    uint32_t column = table_add_column(build, "amount", CRM_TYPE_MONEY);
    static const int32_t currencies[] = {EUR, JPY, KWD};
    static const char *const texts[] = {"1234.50", "123450", "123.450"};
    static const double reals[] = {1234.5, 123450, 123.45};
    for (size_t i = 0; i < 3; i++) {
        table_add_row(build);
        table_put_money(build, column, 123450, currencies[i]);
    }
    crm_table *table = finished(build);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_int_eq(crm_table_int(table, i, column), 123450);
        ck_assert_int_eq(crm_table_currency(table, i, column), currencies[i]);
        ck_assert_str_eq(crm_table_text(table, i, column, NULL), texts[i]);
        ck_assert_double_eq(crm_table_real(table, i, column), reals[i]);
    }
    crm_table_free(table);
}
END_TEST

START_TEST(reals_read_as_numbers_and_shortest_text)
{
    crm_table *build = table_create(memory_default());
    uint32_t column = table_add_column(build, "r", CRM_TYPE_REAL);
    table_add_row(build);
    table_put_real(build, column, 0.1);
    table_add_row(build);
    table_put_real(build, column, -3.75);
    crm_table *table = finished(build);
    ck_assert_double_eq(crm_table_real(table, 0, column), 0.1);
    ck_assert_str_eq(crm_table_text(table, 0, column, NULL), "0.1");
    ck_assert_int_eq(crm_table_int(table, 1, column), -3);
    ck_assert_ptr_null(crm_table_column(table, column)); /* it holds no ints */
    crm_table_free(table);
}
END_TEST

START_TEST(references_have_a_name_and_an_id)
{
    crm_id id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    crm_id back;
    crm_table *build = table_create(memory_default());
    uint32_t column = table_add_column(build, "customer", CRM_TYPE_REF);
    table_add_row(build);
    table_put_ref(build, column, "Acme GmbH", CRM_NUL, &id);
    table_add_row(build);
    table_put_ref(build, column, "nobody", 6, NULL);
    crm_table *table = finished(build);
    ck_assert_str_eq(crm_table_text(table, 0, column, NULL), "Acme GmbH");
    ck_assert_int_eq(crm_table_id(table, 0, column, &back), CRM_OK);
    ck_assert_mem_eq(&back, &id, sizeof id);
    ck_assert_str_eq(crm_table_text(table, 1, column, NULL), "nobody");
    ck_assert_int_eq(crm_table_id(table, 1, column, &back), CRM_NOT_FOUND);
    crm_table_free(table);
}
END_TEST

START_TEST(choices_have_a_code_and_a_name)
{
    crm_table *build = table_create(memory_default());
    uint32_t column = table_add_column(build, "stage", CRM_TYPE_CHOICE);
    table_add_row(build);
    table_put_choice(build, column, 3, "drifting");
    crm_table *table = finished(build);
    ck_assert_int_eq(crm_table_int(table, 0, column), 3);
    ck_assert_str_eq(crm_table_text(table, 0, column, NULL), "drifting");
    crm_table_free(table);
}
END_TEST

START_TEST(empty_cells_read_as_empty)
{
    crm_id id;
    crm_table *build = table_create(memory_default());
    table_add_column(build, "a", CRM_TYPE_INT);
    table_add_column(build, "b", CRM_TYPE_TEXT);
    table_add_row(build);
    table_put_int(build, 0, 7);
    table_put_text(build, 1, "x", 1);
    table_put_null(build, 0);
    table_put_null(build, 1);
    crm_table *table = finished(build);
    size_t length = 9;
    ck_assert_int_eq(crm_table_has(table, 0, 0), 0);
    ck_assert_int_eq(crm_table_int(table, 0, 0), 0);
    ck_assert_str_eq(crm_table_text(table, 0, 1, &length), "");
    ck_assert_uint_eq(length, 0);
    ck_assert(isnan(crm_table_real(table, 0, 0)));
    ck_assert_int_eq(crm_table_has(table, 1, 0), 0); /* outside */
    ck_assert_int_eq(crm_table_has(table, 0, 2), 0);
    ck_assert_int_eq(crm_table_id(table, 0, 2, &id), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_table_currency(table, 5, 5), 0);
    crm_table_free(table);
}
END_TEST

START_TEST(texts_of_any_length_stay_where_they_are)
{
    enum { ROWS = 300 };
    static char long_text[20000];
    const char *before[ROWS];
    memset(long_text, 'x', sizeof long_text);
    crm_table *build = table_create(memory_default());
    table_add_column(build, "t", CRM_TYPE_TEXT);
    table_add_column(build, "n", CRM_TYPE_INT);
    for (size_t i = 0; i < ROWS; i++) {
        table_add_row(build);
        table_put_text(build, 0, long_text, i * 61);
        table_put_int(build, 1, (int64_t)i);
    }
    crm_table *table = finished(build);
    for (uint64_t i = 0; i < ROWS; i++) {
        size_t length;
        before[i] = crm_table_text(table, i, 0, &length);
        ck_assert_uint_eq(length, i * 61);
        ck_assert_mem_eq(before[i], long_text, length);
        ck_assert_int_eq(before[i][length], '\0');
    }
    for (uint64_t i = 0; i < ROWS; i++) /* makes 300 texts of numbers */
        ck_assert_int_eq(strtol(crm_table_text(table, i, 1, NULL), NULL, 10), (long)i);
    for (uint64_t i = 0; i < ROWS; i++)
        ck_assert_ptr_eq(crm_table_text(table, i, 0, NULL), before[i]);
    crm_table_free(table);
}
END_TEST

START_TEST(null_tables_are_harmless)
{
    crm_table_free(NULL);
    ck_assert_uint_eq(crm_table_rows(NULL), 0);
    ck_assert_uint_eq(crm_table_columns(NULL), 0);
    ck_assert_int_eq(crm_table_has(NULL, 0, 0), 0);
    ck_assert_str_eq(crm_table_text(NULL, 0, 0, NULL), "");
    ck_assert_ptr_null(crm_table_column(NULL, 0));
}
END_TEST

START_TEST(a_cell_that_is_not_there_fails_the_whole_table)
{
    crm_error error;
    crm_table *out = (crm_table *)&error;
    crm_table *build = table_create(memory_default());
    table_add_column(build, "a", CRM_TYPE_INT);
    table_put_int(build, 0, 1); /* no row yet */
    ck_assert_int_eq(table_finish(build, &out, &error), CRM_NOMEM);
    ck_assert_ptr_null(out);
    build = table_create(memory_default());
    table_add_row(build);
    table_put_int(build, 3, 1); /* no such column */
    ck_assert_int_eq(table_finish(build, &out, &error), CRM_NOMEM);
    ck_assert_ptr_null(out);
}
END_TEST

/* An allocator that refuses its n-th allocation and all after it, and counts what is not freed. */
struct failing {
    long left;
    long alive;
};

static void *failing_resize(void *context, void *old, size_t size)
{
    struct failing *failing = context;
    if (size == 0) {
        failing->alive -= old != NULL;
        free(old);
        return NULL;
    }
    if (failing->left-- <= 0)
        return NULL;
    void *grown = realloc(old, size);
    failing->alive += old == NULL && grown != NULL;
    return grown;
}

static int32_t build_some(const struct memory *memory, crm_table **out)
{
    crm_id id = {{7}};
    crm_table *build = table_create(memory);
    uint32_t text = table_add_column(build, "t", CRM_TYPE_TEXT);
    uint32_t money = table_add_column(build, "m", CRM_TYPE_MONEY);
    uint32_t reference = table_add_column(build, "r", CRM_TYPE_REF);
    for (int i = 0; i < 100; i++) {
        table_add_row(build);
        table_put_text(build, text, "some text that takes its room in a chunk", CRM_NUL);
        table_put_money(build, money, i, EUR);
        table_put_ref(build, reference, "name", 4, &id);
    }
    return table_finish(build, out, NULL);
}

START_TEST(any_allocation_may_fail)
{
    long n = 0;
    int32_t status = CRM_NOMEM;
    for (; status != CRM_OK; n++) {
        struct failing failing = {.left = n};
        struct memory memory = {failing_resize, &failing};
        crm_table *table = NULL;
        status = build_some(&memory, &table);
        ck_assert(status == CRM_OK || (status == CRM_NOMEM && table == NULL));
        crm_table_free(table);
        ck_assert_int_eq(failing.alive, 0);
        ck_assert_int_lt(n, 10000);
    }
    ck_assert_int_gt(n, 10);
}
END_TEST

/* A table is a result of its own: it is read and freed after its database is closed. */
START_TEST(a_table_outlives_its_database)
{
    struct care care;
    crm_error error = {0};
    crm_table *table = NULL;
    care_setup(&care);
    care_ok(crm_stat(care.db, &table, &error), &error);
    care_close(&care);
    ck_assert_str_eq(crm_table_text(table, 0, 0, NULL), "path");
    ck_assert_str_eq(crm_table_text(table, 0, 1, NULL), care.path);
    crm_table_free(table);
    care_open(&care);
    care_teardown(&care);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tests = tcase_create("table");
    tcase_add_test(tests, columns_keep_their_names_types_and_order);
    tcase_add_test(tests, numbers_come_back_and_lie_in_one_array);
    tcase_add_test(tests, every_type_has_its_text);
    tcase_add_test(tests, money_has_the_decimals_of_its_own_currency);
    tcase_add_test(tests, reals_read_as_numbers_and_shortest_text);
    tcase_add_test(tests, references_have_a_name_and_an_id);
    tcase_add_test(tests, choices_have_a_code_and_a_name);
    tcase_add_test(tests, empty_cells_read_as_empty);
    tcase_add_test(tests, texts_of_any_length_stay_where_they_are);
    tcase_add_test(tests, null_tables_are_harmless);
    tcase_add_test(tests, a_cell_that_is_not_there_fails_the_whole_table);
    tcase_add_test(tests, any_allocation_may_fail);
    tcase_add_test(tests, a_table_outlives_its_database);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
