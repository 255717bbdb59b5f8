/* test_mapping: exact decimals, expressions, and the statements of a mapping.
 *
 * Expected numbers are arithmetic done by hand, shown beside them.
 * Proves P6. */
#include "domain_fixture.h"
#include "io/mapping.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- decimals ---- */

static struct decimal decimal(const char *text)
{
    struct decimal out;
    ck_assert_msg(decimal_parse(text, strlen(text), '.', &out), "%s is a number", text);
    return out;
}

static void same_text(struct decimal value, const char *text)
{
    char out[32];
    decimal_format(value, out);
    ck_assert_str_eq(out, text);
}

START_TEST(decimals_are_read_with_and_without_groups)
{
    struct decimal out;
    same_text(decimal("17850.0"), "17850");
    same_text(decimal("-0.5"), "-0.5");
    same_text(decimal("1,234.50"), "1234.5");
    same_text(decimal(" 7 "), "7");
    ck_assert(decimal_parse("1.234,50", 8, ',', &out));
    same_text(out, "1234.5");
    ck_assert(decimal_parse("12,5", 4, ',', &out));
    same_text(out, "12.5");
    static const char *const wrong[] = {"", "abc", "1.2.3", "--1", "12,34.5", "1e3", "2016-10-20", ".", "-"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!decimal_parse(wrong[i], strlen(wrong[i]), '.', &out), "%s", wrong[i]);
    ck_assert(!decimal_parse("\xC2\xA0", 2, '.', &out));
    ck_assert(decimal_parse("1,234.5", 7, 0, &out)); /* no mark is said: the point */
    same_text(out, "1234.5");
}
END_TEST

START_TEST(decimal_arithmetic_is_exact)
{
    struct decimal out;
    ck_assert(decimal_multiply(decimal("6"), decimal("2.55"), &out));
    same_text(out, "15.3"); /* 6 * 2.55 = 15.30 */
    ck_assert(decimal_add(decimal("0.1"), decimal("0.2"), &out));
    same_text(out, "0.3");
    ck_assert(decimal_subtract(decimal("1"), decimal("0.001"), &out));
    same_text(out, "0.999");
    ck_assert(decimal_divide(decimal("1"), decimal("8"), &out));
    same_text(out, "0.125");
    ck_assert(decimal_divide(decimal("10"), decimal("0.05"), &out));
    same_text(out, "200");
    ck_assert(decimal_divide(decimal("-3"), decimal("0.5"), &out));
    same_text(out, "-6");
    ck_assert(!decimal_divide(decimal("1"), decimal("3"), &out)); /* no end */
    ck_assert(!decimal_divide(decimal("1"), decimal("0"), &out));
}
END_TEST

START_TEST(decimals_that_do_not_fit_are_refused_not_wrapped)
{
    struct decimal out;
    struct decimal large = decimal("999999999999999999"); /* 10^18 - 1 */
    ck_assert(!decimal_multiply(large, large, &out));
    ck_assert(decimal_add(large, decimal("1"), &out));
    same_text(out, "1000000000000000000");
    ck_assert(!decimal_multiply(large, decimal("10.5"), &out));
    /* Zeros behind the point do not count: 9.000000000 * 9.000000000 = 81 */
    ck_assert(decimal_multiply(decimal("9.000000000"), decimal("9.0000000000"), &out));
    same_text(out, "81");
}
END_TEST

START_TEST(decimals_compare_across_scales)
{
    ck_assert_int_eq(decimal_compare(decimal("2.50"), decimal("2.5")), 0);
    ck_assert_int_lt(decimal_compare(decimal("-1"), decimal("-0.999999999999999999")), 0);
    ck_assert_int_gt(decimal_compare(decimal("999999999999999999"), decimal("0.000000000000000001")), 0);
    ck_assert_int_lt(decimal_compare(decimal("10"), decimal("9.9")) * -1, 0);
}
END_TEST

START_TEST(decimals_rescale_exactly_or_round_half_to_even_when_asked)
{
    int64_t out;
    ck_assert(decimal_rescale(decimal("2.5"), 2, false, &out));
    ck_assert_int_eq(out, 250);
    ck_assert(decimal_rescale(decimal("2.500"), 1, false, &out));
    ck_assert_int_eq(out, 25);
    ck_assert(!decimal_rescale(decimal("2.505"), 2, false, &out));
    ck_assert(decimal_rescale(decimal("2.505"), 2, true, &out));
    ck_assert_int_eq(out, 250); /* 250.5 lies between; 250 is even */
    ck_assert(decimal_rescale(decimal("2.515"), 2, true, &out));
    ck_assert_int_eq(out, 252); /* 251.5 lies between; 252 is even */
    ck_assert(!decimal_rescale(decimal("99999999999999999"), 18, false, &out));
    ck_assert(!decimal_rescale(decimal("0.5"), 0, false, &out));
    ck_assert(decimal_rescale(decimal("0.5"), 0, true, &out) && out == 0);
}
END_TEST

/* ---- expressions ---- */

static const char *const columns[] = {"Quantity", "Unit Price", "CustomerID", "Empty", "When", "Umlaut größe"};
static struct csv_value cells[] = {{.text = "6", .length = 1},
                                   {.text = "2.55", .length = 4},
                                   {.text = "17850.0", .length = 7},
                                   {.text = "", .length = 0},
                                   {.text = "03/01/2017 9:05", .length = 15},
                                   {.text = "XL", .length = 2}};
enum { CELLS = 6 };

/* What an expression is worth as text in the row above; NULL with `why` when it has no value. */
static char *worth(const char *text, const struct expression_rule *rules, char *why)
{
    static char out[200];
    struct expressions expressions;
    struct lexer lexer;
    struct scratch scratch;
    crm_error error;
    struct operand operand;
    struct expression_fault fault = {.cell = EXPRESSION_NONE};
    const char *result;
    size_t length;
    char *answer = NULL;
    expressions_init(&expressions, memory_default());
    scratch_init(&scratch, memory_default());
    lexer_begin(&lexer, text, strlen(text), 1, 1, &error);
    uint32_t node = expression_parse(&expressions, &lexer);
    if (node == EXPRESSION_NONE || lexer.token.type != TOKEN_END) {
        snprintf(why, 600, "%s", lexer.failed ? error.message : "something is left");
    } else {
        for (size_t i = 0; i < expressions.column_count; i++)
            for (uint32_t j = 0; j < CELLS; j++)
                if (name_same(expressions.columns[i].name, expressions.columns[i].length, columns[j],
                              strlen(columns[j])))
                    expressions.columns[i].cell = j;
        struct expression_row row = {
            .cells = cells, .count = CELLS, .line = 7, .rules = rules, .scratch = &scratch, .names = columns};
        if (expression_evaluate(&expressions, node, &row, &operand, &fault)) {
            ck_assert(operand_text(&operand, &scratch, &result, &length));
            ck_assert_uint_lt(length, sizeof out);
            memcpy(out, result, length + 1);
            answer = out;
        } else {
            snprintf(why, 600, "%s", fault.why);
        }
    }
    scratch_free(&scratch);
    expressions_free(&expressions);
    return answer;
}

static void is_worth(const char *text, const char *expected)
{
    char why[600] = "";
    char *got = worth(text, NULL, why);
    ck_assert_msg(got != NULL, "%s: %s", text, why);
    ck_assert_msg(strcmp(got, expected) == 0, "%s: %s is not %s", text, got, expected);
}

static void has_no_worth(const char *text, const char *part_of_why)
{
    char why[600] = "";
    ck_assert_msg(worth(text, NULL, why) == NULL, "%s", text);
    ck_assert_msg(strstr(why, part_of_why) != NULL, "%s: '%s' does not say '%s'", text, why, part_of_why);
}

START_TEST(expressions_calculate_with_columns)
{
    is_worth("Quantity * UnitPrice", "15.3"); /* 6 * 2.55 */
    is_worth("unit_price + 1", "3.55");
    is_worth("(Quantity + 1) * 2 - 3", "11"); /* 7 * 2 - 3 */
    is_worth("Quantity - 1 - 2", "3");        /* from left to right */
    is_worth("-Quantity", "-6");
    is_worth("Quantity / 4", "1.5");
    is_worth("2 + 3 * 4", "14");
    is_worth("@line + 1", "8");
    is_worth("[Unit Price]", "2.55");
    is_worth("[Umlaut größe]", "XL");
}
END_TEST

START_TEST(blank_is_false_and_or_gives_the_first_that_is_not)
{
    is_worth("Empty or \"n/a\"", "n/a");
    is_worth("Quantity or 5", "6");
    is_worth("Empty or Empty", "");
    is_worth("Quantity and CustomerID", "17850.0");
    is_worth("Empty and CustomerID", "");
    is_worth("not Empty", "1");
    is_worth("not 0", ""); /* zero is not blank */
    is_worth("not Empty and 0 or 5", "0");
}
END_TEST

START_TEST(comparisons_are_by_number_when_both_are)
{
    is_worth("Quantity > 10", "");
    is_worth("Quantity > 5.9", "1");
    is_worth("CustomerID = 17850", "1");
    is_worth("CustomerID != \"\"", "1");
    is_worth("Empty != \"\"", "");
    is_worth("Empty > 0", "");
    is_worth("\"b\" > \"a\"", "1");
    is_worth("\"10\" < \"9\"", "");
    is_worth("\"a10\" < \"a9\"", "1"); /* texts, byte by byte */
    is_worth("Quantity >= 6 and Quantity <= 6", "1");
    has_no_worth("\"abc\" > 0", "is not a number");
}
END_TEST

START_TEST(texts_take_expressions_in_braces)
{
    is_worth("\"no {CustomerID}: {Quantity * 2}\"", "no 17850.0: 12");
    is_worth("\"{Empty}\"", "");
    is_worth("\"x:{Empty}\"", ""); /* blank, since all that is filled in is */
    is_worth("\"{Empty};{Quantity}\"", ";6");
    is_worth("\"{{{Quantity}}}\"", "{6}");
    is_worth("\"{Empty or 'none'}\"", "none");
    is_worth("\"a\\\"b\\\\c\"", "a\"b\\c");
    is_worth("\"a\\nb\\tc\\x\"", "a\nb\tcx");
    is_worth("\"{Quantity}\\n\"", "6\n");
    has_no_worth("\"{Quantity\"", "single '{'");
    has_no_worth("\"Quantity}\"", "single '}'");
    has_no_worth("\"{}\"", "expected");
    has_no_worth("\"{Quantity 5}\"", "'}' expected");
}
END_TEST

START_TEST(columns_are_read_by_their_rules)
{
    struct expression_rule rules[CELLS];
    char why[600];
    for (size_t i = 0; i < CELLS; i++)
        rules[i] = (struct expression_rule){.pairs = EXPRESSION_NONE};
    rules[2].integer = true;
    rules[4].date = "%m/%d/%Y %H:%M";
    ck_assert_str_eq(worth("\"id {CustomerID}\"", rules, why), "id 17850");
    ck_assert_str_eq(worth("When", rules, why), "2017-03-01T09:05:00Z");
    ck_assert_str_eq(worth("When < \"2017-03-02\"", rules, why), "1");
    /* An instant is a time: compared with one, and with no number. */
    ck_assert_str_eq(worth("When = \"2017-03-01T09:05:00Z\"", rules, why), "1");
    ck_assert_str_eq(worth("\"2017-03-01\" < When", rules, why), "1");
    ck_assert_str_eq(worth("When = When", rules, why), "1");
    ck_assert_str_eq(worth("When = \"soon\"", rules, why), "");
    ck_assert_str_eq(worth("\"soon\" = When", rules, why), "");
    ck_assert_ptr_null(worth("When > 5", rules, why));
    ck_assert_ptr_nonnull(strstr(why, "an instant"));
    ck_assert_ptr_null(worth("When + 1", rules, why));
    ck_assert_ptr_nonnull(strstr(why, "an instant"));
    rules[2].integer = false;
    rules[5].integer = true;
    ck_assert_ptr_null(worth("[Umlaut größe]", rules, why)); /* XL */
    ck_assert_ptr_nonnull(strstr(why, "whole number"));
    rules[1].integer = true;
    ck_assert_ptr_null(worth("UnitPrice", rules, why)); /* 2.55 */
    ck_assert_ptr_nonnull(strstr(why, "whole number"));
    rules[4].date = "%d.%m.%Y";
    ck_assert_ptr_null(worth("When", rules, why));
    ck_assert_ptr_nonnull(strstr(why, "%d.%m.%Y"));
}
END_TEST

START_TEST(what_has_no_value_says_why)
{
    has_no_worth("Empty + 1", "blank where a number");
    has_no_worth("\"abc\" * 2", "\"abc\" is not a number");
    has_no_worth("1 / 3", "18 digits");
    has_no_worth("999999999999999999 * 999999999999999999", "18 digits");
    has_no_worth("Empty - 1 > 0", "blank where a number");
    has_no_worth("1 > Empty - 1", "blank where a number");
    has_no_worth("\"{Empty * 2}\"", "blank where a number");
    has_no_worth("not (Empty * 2)", "blank where a number");
    has_no_worth("\"x{Quantity}\" * 2", "\"x6\" is not a number");
    has_no_worth("(1 + \"x\") * 2", "\"x\" is not a number");
    has_no_worth("0 < \"abc\"", "is not a number");
    has_no_worth("-\"abc\"", "is not a number");
}
END_TEST

START_TEST(mistakes_are_named_with_line_and_column)
{
    has_no_worth("Quantity +", "line 1, column 11");
    has_no_worth("(Quantity", "')' expected");
    has_no_worth("Quantity ! 5", "!=");
    has_no_worth("\"open", "closes");
    has_no_worth("count + 1", "[count]");
    has_no_worth("Quantity $ 2", "means nothing here");
    has_no_worth("@lines", "@line");
    has_no_worth("\"a\n\"", "closes");
}
END_TEST

/* A mapping comes from anybody: neither depth nor length may cost the stack. */
START_TEST(deep_and_long_expressions_are_refused)
{
    enum { DEEP = 100000 };
    static const char *const repeated[] = {"(", "-", "not ", "1+", "\"{", "a or "};
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        size_t length = strlen(repeated[i]);
        char *text = malloc(DEEP * length + 2), why[600] = "";
        ck_assert_ptr_nonnull(text);
        for (size_t j = 0; j < DEEP; j++)
            memcpy(text + j * length, repeated[i], length);
        memcpy(text + DEEP * length, "1", 2);
        ck_assert_ptr_null(worth(text, NULL, why));
        ck_assert_uint_gt(strlen(why), 0);
        free(text);
    }
}
END_TEST

START_TEST(names_are_compared_loosely)
{
    ck_assert(name_same("Close Date", 10, "close_date", 10));
    ck_assert(name_same("CLOSE-DATE ", 11, "closedate", 9));
    ck_assert(!name_same("close", 5, "close_date", 10));
    ck_assert(name_same("", 0, " _", 2));
    ck_assert(name_plural("E-mail", 6, "emails", 6));
    ck_assert(name_plural("address", 7, "addresses", 9));
    ck_assert(!name_plural("addres", 6, "emails", 6));
}
END_TEST

/* ---- statements ---- */

START_TEST(a_mapping_gives_its_statements)
{
    static const char text[] = "# a comment\n"
                               "match external_ids   # another\n"
                               "delimiter \";\"\n"
                               "only CustomerID and Quantity > 0\n"
                               "ignore Description [Stock Code]\n"
                               "integer CustomerID\n"
                               "date When \"%m/%d/%Y\"\n"
                               "values product \"GTXPro\" = \"GTX Pro\", \"a\"\n"
                               "    = \"b\"\n"
                               "group InvoiceNo\n"
                               "amount = sum Quantity * UnitPrice rounded\n"
                               "customer = \"retail:{CustomerID}\" by external_ids\n"
                               "           create name = \"Customer {CustomerID}\", territory = Country\n"
                               "outcome = \"positive\" when Quantity > 100\n";
    struct mapping mapping;
    crm_error error;
    crm_db *db = domain_open();
    mapping_init(&mapping, memory_default(), db, CRM_KIND_INTERACTION);
    ck_assert_msg(mapping_parse(&mapping, text, strlen(text), &error) == CRM_OK, "%s", error.message);
    ck_assert_uint_eq(mapping.setting_count, 2);
    ck_assert_str_eq(mapping.settings[0].key, "match");
    ck_assert_str_eq(mapping.settings[1].value, ";");
    ck_assert_uint_eq(mapping.only_count, 1);
    ck_assert_uint_eq(mapping.group_count, 1);
    ck_assert_uint_eq(mapping.rule_count, 6); /* 2 ignored, integer, date, 2 values */
    ck_assert_str_eq(mapping.rules[1].name, "Stock Code");
    ck_assert_uint_eq(mapping.pair_count, 2);
    ck_assert_str_eq(mapping.pairs[1].to, "b");
    ck_assert_uint_eq(mapping.assignment_count, 3);
    ck_assert_uint_eq(mapping.assignments[0].field.number, CRM_INTERACTION_AMOUNT);
    ck_assert_int_eq(mapping.assignments[0].aggregate, MAPPING_SUM);
    ck_assert(mapping.assignments[0].rounded);
    ck_assert(mapping.assignments[1].create);
    ck_assert_uint_eq(mapping.assignments[1].by_field.kind, CRM_KIND_CUSTOMER);
    ck_assert_uint_eq(mapping.assignments[1].by_field.number, CRM_FIELD_EXTERNAL_IDS);
    ck_assert_uint_eq(mapping.assignments[1].create_count, 2);
    ck_assert_uint_eq(mapping.creates[1].field.number, CRM_CUSTOMER_TERRITORY);
    ck_assert_uint_ne(mapping.assignments[2].when, EXPRESSION_NONE);
    mapping_free(&mapping);
    domain_close(db);
}
END_TEST

START_TEST(mistakes_in_statements_are_told_with_a_remedy)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"amount == Quantity", "line 1, column 9"},
        {"\namout = Quantity", "line 2, column 1: interaction has no field 'amout'"},
        {"created_at = When", "the library itself keeps it"},
        {"subject = Quantity rounded", "is no number"},
        {"subject = x by name", "is no reference"},
        {"customer = x create", "needs 'by FIELD'"},
        {"customer = x by nonsense", "customer has no field 'nonsense'"},
        {"customer = x by description", "records are not found by 'description'"},
        {"related = x by external_ids", "by KIND.external_ids"},
        {"customer = x by contact.name", "does not refer to 'contact'"},
        {"date When \"%m/%d\"", "is no format"},
        {"date When", "in quotes"},
        {"values product \"a\" \"b\"", "'=' expected"},
        {"frobnicate x", "is no statement"},
        {"group a\ngroup b", "stands twice"},
        {"amount = sum", "expected"},
        {"match", "a value for 'match' expected"},
        {"subject = a b", "the end of the statement expected"},
        {"customer = x by id create", "not made by its id"},
        {"= 5", "begins with a word"},
        {"subject = \"unclosed", "closes"},
        {"ignore", "the name of a column expected"},
        {"ignore 5", "the name of a column expected"},
        {"integer *", "the name of a column expected"},
        {"date \"%d.%m.%Y\"", "date COLUMN"},
        {"values \"a\" = \"b\"", "values COLUMN"},
        {"values product 5 = \"b\"", "in quotes"},
        {"columns", "the names of the columns expected"},
        {"columns 5", "the name of a column expected"},
        {"columns [a,b]", "without a comma"},
        {"group", "the name of a column expected"},
        {"group no 5", "the name of a column expected"},
        {"customer = x by 5", "the name of a field expected"},
        {"related = x by hat.name", "does not refer to 'hat'"},
        {"customer = x by external_ids create hat = y", "customer has no field 'hat'"},
        {"customer = x by external_ids create external_ids = y", "is not given here"},
        {"customer = x by external_ids create id = y", "is not given here"},
        {"customer = x by external_ids create name y", "'=' expected"},
        {"customer = x by external_ids create name = ", "expected"},
        {"subject = [] or \"a\"", "name is missing between [ and ]"},
        {"delimiter ,", "a sign stands in quotes"},
        {"subject = a \\", "means nothing here"},
    };
    crm_error error;
    crm_db *db = domain_open();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct mapping mapping;
        mapping_init(&mapping, memory_default(), db, CRM_KIND_INTERACTION);
        ck_assert_msg(mapping_parse(&mapping, wrong[i].text, strlen(wrong[i].text), &error) == CRM_INVALID, "%s",
                      wrong[i].text);
        ck_assert_msg(strstr(error.message, wrong[i].says) != NULL, "%s: '%s' does not say '%s'", wrong[i].text,
                      error.message, wrong[i].says);
        mapping_free(&mapping);
    }
    domain_close(db);
}
END_TEST

/* The mappings that docs/IMPORT.md shows, and those of the examples. */
START_TEST(mappings_that_are_shown_are_mappings)
{
    static const struct {
        const char *path, *fence;
        uint32_t kinds[2];
    } shown[] = {{"docs/IMPORT.md", "\n```\n", {CRM_KIND_OPPORTUNITY, CRM_KIND_INTERACTION}},
                 {"examples/maven_crm/accounts.map", NULL, {CRM_KIND_CUSTOMER}},
                 {"examples/maven_crm/products.map", NULL, {CRM_KIND_PRODUCT}},
                 {"examples/maven_crm/sales_teams.map", NULL, {CRM_KIND_USER}},
                 {"examples/maven_crm/sales_pipeline.map", NULL, {CRM_KIND_OPPORTUNITY}},
                 {"examples/cdnow.map", NULL, {CRM_KIND_INTERACTION}}};
    static char text[40000];
    crm_error error;
    crm_db *db = domain_open();
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        FILE *file = fopen(shown[i].path, "rb");
        ck_assert_msg(file != NULL, "%s", shown[i].path);
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        char *at = text;
        for (size_t block = 0; block < 2 && shown[i].kinds[block] != 0; block++) {
            char *start = shown[i].fence == NULL ? at : strstr(at, shown[i].fence);
            ck_assert_msg(start != NULL, "%s: block %zu", shown[i].path, block);
            start += shown[i].fence == NULL ? 0 : strlen(shown[i].fence);
            char *end = shown[i].fence == NULL ? start + strlen(start) : strstr(start, "```");
            struct mapping mapping;
            ck_assert_ptr_nonnull(end);
            mapping_init(&mapping, memory_default(), db, shown[i].kinds[block]);
            ck_assert_msg(mapping_parse(&mapping, start, (size_t)(end - start), &error) == CRM_OK, "%s: %s",
                          shown[i].path, error.message);
            ck_assert_uint_ge(mapping.assignment_count, 3);
            mapping_free(&mapping);
            at = end + 3 * (shown[i].fence != NULL);
        }
    }
    domain_close(db);
}
END_TEST

/* Every beginning of a mapping, and every mapping with one byte changed, is parsed or refused. */
START_TEST(damaged_mappings_do_no_harm)
{
    static const char text[] = "only a > 0\ncustomer = \"r:{a or 'x'}\" by external_ids create name = \"C {a}\"\n"
                               "amount = sum a * [b c] rounded when not (a = 5)\nvalues d: 'x' = 'y'\n";
    crm_error error;
    char copy[sizeof text];
    crm_db *db = domain_open();
    for (size_t i = 0; i < 2 * sizeof text; i++) {
        struct mapping mapping;
        mapping_init(&mapping, memory_default(), db, CRM_KIND_INTERACTION);
        memcpy(copy, text, sizeof text);
        if (i >= sizeof text)
            copy[i - sizeof text] = (char)(i * 37);
        int32_t status = mapping_parse(&mapping, copy, i < sizeof text ? i : sizeof text - 1, &error);
        ck_assert(status == CRM_OK || (status == CRM_INVALID && strstr(error.message, "mapping line ") != NULL));
        mapping_free(&mapping);
    }
    domain_close(db);
}
END_TEST

static Suite *mapping_suite(void)
{
    Suite *suite = suite_create("mapping");
    TCase *pure = tcase_create("expressions"), *files = tcase_create("statements");
    tcase_add_test(pure, decimals_are_read_with_and_without_groups);
    tcase_add_test(pure, decimal_arithmetic_is_exact);
    tcase_add_test(pure, decimals_that_do_not_fit_are_refused_not_wrapped);
    tcase_add_test(pure, decimals_compare_across_scales);
    tcase_add_test(pure, decimals_rescale_exactly_or_round_half_to_even_when_asked);
    tcase_add_test(pure, expressions_calculate_with_columns);
    tcase_add_test(pure, blank_is_false_and_or_gives_the_first_that_is_not);
    tcase_add_test(pure, comparisons_are_by_number_when_both_are);
    tcase_add_test(pure, texts_take_expressions_in_braces);
    tcase_add_test(pure, columns_are_read_by_their_rules);
    tcase_add_test(pure, what_has_no_value_says_why);
    tcase_add_test(pure, mistakes_are_named_with_line_and_column);
    tcase_add_test(pure, deep_and_long_expressions_are_refused);
    tcase_add_test(pure, names_are_compared_loosely);
    tcase_add_test(files, a_mapping_gives_its_statements);
    tcase_add_test(files, mistakes_in_statements_are_told_with_a_remedy);
    tcase_add_test(files, mappings_that_are_shown_are_mappings);
    tcase_add_test(files, damaged_mappings_do_no_harm);
    suite_add_tcase(suite, pure);
    suite_add_tcase(suite, files);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(mapping_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
