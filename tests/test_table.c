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

/* Each type of a number as whatever else it is asked for. */
START_TEST(numbers_read_as_each_other_where_that_means_something)
{
    enum { INT, DECIMAL, MONEY, BARE, REAL, CURRENCY, TEXT };
    crm_table *build = table_create(memory_default());
    table_add_column(build, "int", CRM_TYPE_INT);
    table_add_column(build, "decimal", CRM_TYPE_DECIMAL);
    table_add_column(build, "money", CRM_TYPE_MONEY);
    table_add_column(build, "bare", CRM_TYPE_MONEY);
    table_add_column(build, "real", CRM_TYPE_REAL);
    table_add_column(build, "currency", CRM_TYPE_CURRENCY);
    table_add_column(build, "text", CRM_TYPE_TEXT);
    table_set_scale(build, DECIMAL, 4);
    table_set_scale(build, DECIMAL, 19); /* no such scale: it stays */
    table_set_scale(build, 7, 1);
    table_set_scale(NULL, 0, 1);
    table_add_row(build);
    table_put_int(build, INT, -7);
    table_put_int(build, DECIMAL, 6315);
    table_put_money(build, MONEY, 1234, 1); /* ISO 4217 has no such number: no decimals are known */
    table_put_int(build, BARE, 1234);       /* money of no currency */
    table_put_real(build, REAL, 9.3e18);    /* beyond int64 */
    table_put_int(build, CURRENCY, 1);
    table_put_text(build, TEXT, "12", 2);
    table_add_row(build);
    table_put_real(build, REAL, -9.3e18);
    table_put_int(build, CURRENCY, 1000);
    table_add_row(build);
    table_put_int(build, CURRENCY, -5);
    crm_table *table = finished(build);
    ck_assert_double_eq(crm_table_real(table, 0, INT), -7);
    ck_assert_double_eq_tol(crm_table_real(table, 0, DECIMAL), 0.6315, 1e-12);
    ck_assert_double_eq(crm_table_real(table, 0, MONEY), 1234);
    ck_assert_double_eq(crm_table_real(table, 0, BARE), 1234);
    ck_assert_str_eq(crm_table_text(table, 0, BARE, NULL), "1234");
    ck_assert_int_eq(crm_table_currency(table, 0, BARE), 0);
    ck_assert_int_eq(crm_table_int(table, 0, REAL), 0);
    ck_assert_int_eq(crm_table_int(table, 1, REAL), 0);
    ck_assert_str_eq(crm_table_text(table, 0, CURRENCY, NULL), "1"); /* numbers that are no currency's */
    ck_assert_str_eq(crm_table_text(table, 1, CURRENCY, NULL), "1000");
    ck_assert_str_eq(crm_table_text(table, 2, CURRENCY, NULL), "-5");
    ck_assert_int_eq(crm_table_int(table, 0, TEXT), 0); /* a text is no number */
    ck_assert(isnan(crm_table_real(table, 0, TEXT)));
    ck_assert_ptr_null(crm_table_column(table, TEXT));
    ck_assert_ptr_null(crm_table_column(table, 7));
    crm_table_free(table);
}
END_TEST

START_TEST(a_reference_that_is_taken_back_has_neither_name_nor_id)
{
    crm_id id = {{1}};
    crm_table *build = table_create(memory_default());
    table_add_column(build, "customer", CRM_TYPE_REF);
    table_add_column(build, "stage", CRM_TYPE_CHOICE);
    table_add_row(build);
    table_put_ref(build, 0, "Acme", CRM_NUL, &id);
    table_put_null(build, 0);
    table_put_choice(build, 1, 3, NULL); /* a code that has no name shows as itself */
    crm_table *table = finished(build);
    ck_assert_str_eq(crm_table_text(table, 0, 0, NULL), "");
    ck_assert_int_eq(crm_table_id(table, 0, 0, &id), CRM_NOT_FOUND);
    ck_assert_str_eq(crm_table_text(table, 0, 1, NULL), "3");
    crm_table_free(table);
}
END_TEST

static int released;

static bool no_title(void *context, uint32_t number, struct buffer *title, crm_id *id)
{
    (void)context, (void)number, (void)title, (void)id;
    return false;
}

static void count_release(void *context)
{
    (void)context;
    released++;
}

START_TEST(a_large_result_is_filled_through_its_arrays)
{
    static const struct table_source source = {NULL, no_title, count_release};
    crm_id id;
    crm_table *build = table_create(memory_default());
    table_add_column(build, "n", CRM_TYPE_MONEY);
    table_add_column(build, "customer", CRM_TYPE_REF);
    table_add_rows(build, 2);
    for (uint32_t column = 0; column < 2; column++)
        for (int row = 0; row < 2; row++) {
            table_values(build, column)[row] = 100 + row;
            table_present(build, column)[row] = 1;
        }
    table_currencies(build, 0)[1] = JPY;
    ck_assert_ptr_null(table_values(build, 2));
    ck_assert_ptr_null(table_present(build, 2));
    ck_assert_ptr_null(table_currencies(build, 2));
    table_set_source(build, 2, &source); /* of no column: given back at once */
    ck_assert_int_eq(released, 1);
    table_set_source(build, 1, &source);
    table_add_rows(build, 5); /* it has its rows */
    crm_table *table = finished(build);
    ck_assert_uint_eq(crm_table_rows(table), 2);
    ck_assert_int_eq(crm_table_int(table, 1, 0), 101);
    ck_assert_int_eq(crm_table_currency(table, 1, 0), JPY);
    ck_assert_str_eq(crm_table_text(table, 0, 1, NULL), ""); /* what cannot be looked up has no name */
    ck_assert_int_eq(crm_table_id(table, 0, 1, &id), CRM_NOMEM);
    crm_table_free(table);
    ck_assert_int_eq(released, 2);
    table_set_source(NULL, 0, &source);
    ck_assert_int_eq(released, 3);
}
END_TEST

START_TEST(a_builder_that_failed_takes_everything_and_gives_nothing)
{
    crm_table *builds[2] = {NULL, table_create(memory_default())};
    table_add_column(builds[1], "a", CRM_TYPE_INT);
    table_put_int(builds[1], 9, 1); /* fails it */
    for (int i = 0; i < 2; i++) {
        crm_table *out = NULL;
        ck_assert_uint_eq(table_add_column(builds[i], "b", CRM_TYPE_INT), 0);
        table_add_row(builds[i]);
        table_add_rows(builds[i], 3);
        table_put_null(builds[i], 0);
        table_put_choice(builds[i], 0, 1, "name");
        ck_assert_ptr_null(table_values(builds[i], 0));
        ck_assert_ptr_null(table_present(builds[i], 0));
        ck_assert_ptr_null(table_currencies(builds[i], 0));
        ck_assert_int_eq(table_finish(builds[i], &out, NULL), CRM_NOMEM);
        ck_assert_ptr_null(out);
    }
}
END_TEST

START_TEST(a_table_has_limits)
{
    crm_table *build = table_create(memory_default());
    table_add_column(build, "t", CRM_TYPE_TEXT);
    table_add_row(build);
    table_put_text(build, 0, "t", SIZE_MAX / 2 + 1); /* more than memory can hold: not even read */
    ck_assert_int_eq(table_finish(build, NULL, NULL), CRM_NOMEM);
    build = table_create(memory_default());
    table_add_row(build);
    table_add_column(build, "late", CRM_TYPE_INT); /* behind the first row */
    ck_assert_int_eq(table_finish(build, NULL, NULL), CRM_NOMEM);
    build = table_create(memory_default());
    for (uint32_t i = 0; i < 4096; i++)
        ck_assert_uint_eq(table_add_column(build, "c", CRM_TYPE_INT), i);
    table_add_column(build, "one too many", CRM_TYPE_INT);
    ck_assert_int_eq(table_finish(build, NULL, NULL), CRM_NOMEM);
}
END_TEST

static int32_t build_large(const struct memory *memory, crm_table **out)
{
    static char name[2000]; /* its own chunk, and the first one */
    memset(name, 'n', sizeof name - 1);
    crm_table *build = table_create(memory);
    table_add_column(build, name, CRM_TYPE_MONEY);
    table_add_rows(build, 3);
    for (int row = 0; row < 3 && table_values(build, 0) != NULL; row++) {
        table_values(build, 0)[row] = row;
        table_present(build, 0)[row] = 1;
    }
    (void)table_currencies(build, 0);
    return table_finish(build, out, NULL);
}

START_TEST(any_allocation_of_a_large_result_may_fail)
{
    int32_t status = CRM_NOMEM;
    for (long n = 0; status != CRM_OK; n++) {
        struct failing failing = {.left = n};
        struct memory memory = {failing_resize, &failing};
        crm_table *table = NULL;
        status = build_large(&memory, &table);
        ck_assert(status == CRM_OK || (status == CRM_NOMEM && table == NULL));
        failing.left = 0; /* no memory for the text of a number, either: it has none */
        ck_assert_str_eq(crm_table_text(table, 2, 0, NULL), "");
        failing.left = 100;
        if (table != NULL)
            ck_assert_str_eq(crm_table_text(table, 2, 0, NULL), "2");
        crm_table_free(table);
        ck_assert_int_eq(failing.alive, 0);
        ck_assert_int_lt(n, 100);
    }
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
    tcase_add_test(tests, numbers_read_as_each_other_where_that_means_something);
    tcase_add_test(tests, a_reference_that_is_taken_back_has_neither_name_nor_id);
    tcase_add_test(tests, a_large_result_is_filled_through_its_arrays);
    tcase_add_test(tests, a_builder_that_failed_takes_everything_and_gives_nothing);
    tcase_add_test(tests, a_table_has_limits);
    tcase_add_test(tests, any_allocation_of_a_large_result_may_fail);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
