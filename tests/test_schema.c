/* The schema as callers see it, held against schema.def, and a user's own part
 * of it; names stay what they are until the file closes. */
#include "domain_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    int what; /* 0: field of every kind, 1: kind, 2: field, 3: choice */
    uint32_t kind, field;
    int64_t number;
    const char *name, *label;
    int32_t type;
    uint32_t flags, target;
};

static const struct row rows[] = {
#define COMMON(n, U, l, T, f, t, label) {0, 0, 0, n, #l, label, CRM_TYPE_##T, f, t},
#define KIND(n, U, l, label) {1, n, 0, n, #l, label, 0, 0, 0},
#define FIELD(K, n, U, l, T, f, t, label) {2, CRM_KIND_##K, 0, n, #l, label, CRM_TYPE_##T, f, t},
#define CHOICE(K, F, c, U, l) {3, CRM_KIND_##K, CRM_##K##_##F, c, #l, "", 0, 0, 0},
#include "model/schema.def"
#undef COMMON
#undef KIND
#undef FIELD
#undef CHOICE
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void check_field(const crm_db *db, uint32_t kind, const struct row *row)
{
    uint32_t field = (uint32_t)row->number;
    ck_assert_str_eq(crm_field_name(db, kind, field), row->name);
    ck_assert_str_eq(crm_field_label(db, kind, field), row->label);
    ck_assert_int_eq(crm_field_type(db, kind, field), row->type);
    ck_assert_uint_eq(crm_field_flags(db, kind, field), row->flags);
    ck_assert_uint_eq(crm_field_target(db, kind, field), row->target);
    ck_assert_uint_eq(crm_field_find(db, kind, row->name, CRM_NUL), field);
    ck_assert_uint_eq(crm_field_find(db, kind, row->name, strlen(row->name) - 1), 0); /* not by its beginning */
}

START_TEST(every_row_of_the_table_is_there)
{
    crm_db *db = domain_open();
    uint32_t kinds = 0;
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        switch (row->what) {
        case 0:
            for (int k = 0; k < ROWS; k++)
                if (rows[k].what == 1)
                    check_field(db, rows[k].kind, row);
            break;
        case 1:
            ck_assert_uint_eq(crm_kind_at(db, kinds++), row->kind);
            ck_assert_str_eq(crm_kind_name(db, row->kind), row->name);
            ck_assert_uint_eq(crm_kind_find(db, row->name, CRM_NUL), row->kind);
            break;
        case 2: check_field(db, row->kind, row); break;
        default:
            ck_assert_str_eq(crm_choice_name(db, row->kind, row->field, row->number), row->name);
            ck_assert_int_eq(crm_choice_find(db, row->kind, row->field, row->name, CRM_NUL), row->number);
            break;
        }
    }
    ck_assert_uint_eq(crm_kind_count(db), kinds);
    ck_assert_uint_eq(crm_kind_at(db, kinds), 0);
    domain_close(db);
}
END_TEST

/* Common fields first, then the kind's own, each group by number, none twice. */
START_TEST(positions_list_every_field_once_in_order)
{
    crm_db *db = domain_open();
    for (uint32_t k = 0; k < crm_kind_count(db); k++) {
        uint32_t kind = crm_kind_at(db, k), count = crm_field_count(db, kind), last = 0, expected = 0;
        for (int i = 0; i < ROWS; i++)
            expected += rows[i].what == 0 || (rows[i].what == 2 && rows[i].kind == kind);
        ck_assert_uint_eq(count, expected);
        for (uint32_t position = 0; position < count; position++) {
            uint32_t field = crm_field_at(db, kind, position);
            ck_assert_uint_gt(field, last);
            last = field;
        }
        ck_assert_uint_eq(crm_field_at(db, kind, count), 0);
        ck_assert_uint_eq(crm_field_at(db, kind, UINT32_MAX), 0);
    }
    domain_close(db);
}
END_TEST

START_TEST(choices_are_listed_in_order)
{
    crm_db *db = domain_open();
    const uint32_t kind = CRM_KIND_CUSTOMER, field = CRM_CUSTOMER_STAGE;
    ck_assert_uint_eq(crm_choice_count(db, kind, field), 6);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_int_eq(crm_choice_at(db, kind, field, i), (int64_t)i + 1);
    ck_assert_int_eq(crm_choice_at(db, kind, field, 6), 0);
    ck_assert_int_eq(crm_choice_find(db, kind, field, "Drifting", CRM_NUL), CRM_CUSTOMER_STAGE_DRIFTING);
    ck_assert_int_eq(crm_choice_find(db, kind, field, "drift", CRM_NUL), -1);
    ck_assert_int_eq(crm_choice_find(db, kind, field, NULL, 0), -1);
    ck_assert_ptr_null(crm_choice_name(db, kind, field, 0));
    ck_assert_ptr_null(crm_choice_name(db, kind, field, 7));
    ck_assert_uint_eq(crm_choice_count(db, kind, CRM_CUSTOMER_NAME), 0);
    domain_close(db);
}
END_TEST

START_TEST(types_have_names_both_ways)
{
    static const char *const names[] = {"bool",   "int",       "decimal",      "real", "money",   "time", "date",
                                        "text",   "choice",    "currency",     "ref",  "any_ref", "id",   "emails",
                                        "phones", "addresses", "external_ids", "tags", "refs"};
    int known = 0;
    for (int32_t type = -1; type < 40; type++) {
        const char *name = crm_type_name(type);
        if (name == NULL)
            continue;
        ck_assert_int_lt(known, 19);
        ck_assert_str_eq(name, names[known++]);
        ck_assert_int_eq(crm_type_find(name, CRM_NUL), type);
    }
    ck_assert_int_eq(known, 19);
    ck_assert_int_eq(crm_type_find("texts", 4), CRM_TYPE_TEXT);
    ck_assert_int_eq(crm_type_find("texts", 5), 0);
    ck_assert_int_eq(crm_type_find(NULL, 0), 0);
}
END_TEST

START_TEST(what_is_not_there_is_nothing)
{
    crm_db *db = domain_open();
    ck_assert_uint_eq(crm_kind_find(db, "nothing", CRM_NUL), 0);
    ck_assert_uint_eq(crm_kind_find(db, NULL, 0), 0);
    ck_assert_ptr_null(crm_kind_name(db, 0));
    ck_assert_ptr_null(crm_kind_name(db, 31));
    ck_assert_ptr_null(crm_kind_name(db, UINT32_MAX));
    ck_assert_uint_eq(crm_field_count(db, 999), 0);
    ck_assert_uint_eq(crm_field_at(db, 999, 0), 0);
    ck_assert_ptr_null(crm_field_name(db, CRM_KIND_CUSTOMER, 63));
    ck_assert_ptr_null(crm_field_name(db, CRM_KIND_CUSTOMER, CRM_USER_FIELD));
    ck_assert_ptr_null(crm_field_label(db, CRM_KIND_CUSTOMER, UINT32_MAX));
    ck_assert_int_eq(crm_field_type(db, CRM_KIND_CUSTOMER, 200), 0);
    ck_assert_uint_eq(crm_field_flags(db, 999, 1), 0);
    ck_assert_uint_eq(crm_field_target(db, 999, 1), 0);
    ck_assert_uint_eq(crm_kind_count(NULL), 0);
    ck_assert_uint_eq(crm_kind_at(NULL, 0), 0);
    ck_assert_ptr_null(crm_field_name(NULL, 1, 1));
    ck_assert_int_eq(crm_choice_find(NULL, 1, 17, "company", CRM_NUL), -1);
    domain_close(db);
}
END_TEST

/* A compaction makes the schema anew; what was handed out is still there. */
START_TEST(names_outlive_a_compaction)
{
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    uint32_t kind = 0, field = 0;
    int64_t code = 0;
    ck_assert_int_eq(crm_kind_add(txn, "vehicle", CRM_NUL, &kind), CRM_OK);
    ck_assert_int_eq(crm_field_add(txn, kind, "colour", CRM_NUL, CRM_TYPE_CHOICE, 0, 0, &field), CRM_OK);
    ck_assert_int_eq(crm_choice_add(txn, kind, field, "dark red", CRM_NUL, &code), CRM_OK);
    domain_commit(txn);
    const char *name = crm_kind_name(db, kind), *own = crm_field_name(db, kind, field);
    const char *choice = crm_choice_name(db, kind, field, code), *built_in = crm_field_label(db, CRM_KIND_CUSTOMER, 16);
    for (int i = 0; i < 3; i++) {
        crm_error error;
        ck_assert_msg(crm_compact(db, &error) == CRM_OK, "%s", error.message);
        ck_assert_str_eq(name, "vehicle");
        ck_assert_str_eq(own, "colour");
        ck_assert_str_eq(choice, "dark red");
        ck_assert_str_eq(built_in, "Name");
        ck_assert_str_eq(crm_kind_name(db, kind), "vehicle");
        ck_assert_uint_eq(crm_field_find(db, kind, "colour", CRM_NUL), field);
        ck_assert_int_eq(crm_choice_find(db, kind, field, "dark red", CRM_NUL), code);
    }
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema");
    TCase *cases = tcase_create("schema");
    tcase_add_test(cases, every_row_of_the_table_is_there);
    tcase_add_test(cases, positions_list_every_field_once_in_order);
    tcase_add_test(cases, choices_are_listed_in_order);
    tcase_add_test(cases, types_have_names_both_ways);
    tcase_add_test(cases, what_is_not_there_is_nothing);
    tcase_add_test(cases, names_outlive_a_compaction);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
