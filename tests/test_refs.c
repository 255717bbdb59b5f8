/* test_refs: lists of references, such as the participants of a meeting, in undo
 * and in a compaction that lets deleted records go. */
#include "care_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { PEOPLE = 4 };

static struct care care;
static crm_id people[PEOPLE];

static void setup(void)
{
    care_setup(&care);
    crm_txn *txn = care_begin(&care, "mia");
    for (int i = 0; i < PEOPLE; i++) {
        char name[16];
        crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
        snprintf(name, sizeof name, "Person %d", i);
        crm_set_text(record, CRM_CONTACT_LAST_NAME, name, CRM_NUL);
        people[i] = care_id(record);
    }
    care_commit(txn);
}

static void teardown(void)
{
    care_teardown(&care);
}

static void sound(void)
{
    crm_error error = {0};
    care_ok(crm_verify(care.db, NULL, &error), &error);
}

/* A meeting whose field names those people whose bit is set. */
static void set_people(crm_record *record, uint32_t field, unsigned bits)
{
    ck_assert_int_eq(crm_set_null(record, field), CRM_OK);
    for (unsigned i = 0; i < PEOPLE; i++)
        if (bits >> i & 1)
            ck_assert_int_eq(
                crm_item_add_ref(record, field, CRM_KIND_CONTACT, &people[i], i % 2 ? "host" : NULL, CRM_NUL), CRM_OK);
}

static crm_id meeting(crm_txn *txn, uint32_t field, unsigned bits, int day)
{
    crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_MEETING);
    crm_set_int(record, CRM_INTERACTION_START, CARE_START + day * CARE_DAY);
    set_people(record, field, bits);
    return care_id(record);
}

START_TEST(who_takes_part_in_a_later_meeting_is_not_undone)
{
    crm_error error = {0};
    crm_table *conflicts = NULL;
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_txn_set_batch(txn, "people"), CRM_OK);
    for (int i = 0; i < 2; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
        crm_set_text(record, CRM_CONTACT_LAST_NAME, i == 0 ? "Guest" : "Stranger", CRM_NUL);
        people[i] = care_id(record);
    }
    care_commit(txn);
    txn = care_begin(&care, "ole");
    (void)meeting(txn, CRM_INTERACTION_PARTICIPANTS, 0x5, 0); /* the guest, and another one of before */
    care_commit(txn);
    txn = care_begin(&care, "ole");
    ck_assert_int_eq(crm_undo(txn, "people", 0, &conflicts, &error), CRM_REFERENCED);
    ck_assert_uint_eq(crm_table_rows(conflicts), 1);
    ck_assert_str_eq(crm_table_text(conflicts, 0, 2, NULL), "Guest");
    ck_assert_ptr_nonnull(strstr(crm_table_text(conflicts, 0, 3, NULL), "refers to it (participants)"));
    crm_table_free(conflicts);
    care_ok(crm_undo(txn, "people", 1, &conflicts, &error), &error); /* all the others */
    crm_table_free(conflicts);
    care_commit(txn);
    ck_assert(!care_deleted(&care, CRM_KIND_CONTACT, &people[0]));
    ck_assert(care_deleted(&care, CRM_KIND_CONTACT, &people[1]));
}
END_TEST

START_TEST(who_took_part_in_a_meeting_that_is_kept_is_kept)
{
    crm_error error = {0};
    crm_txn *txn = care_begin(&care, "mia");
    (void)meeting(txn, CRM_INTERACTION_PARTICIPANTS, 0x2, 0);
    care_commit(txn);
    txn = care_begin(&care, "mia");
    for (int i = 0; i < 3; i++) { /* 0: nobody needs; 1: the meeting names; 2: nobody needs */
        crm_record *record = crm_edit(txn, CRM_KIND_CONTACT, &people[i]);
        if (i == 1)
            continue; /* live records need it: it cannot be deleted */
        ck_assert_int_eq(crm_delete(record), CRM_OK);
    }
    care_commit(txn);
    /* Deleted while the list still names it is possible only for what was taken out again: an old version names it. */
    txn = care_begin(&care, "mia");
    crm_query *query = NULL;
    crm_record *found = NULL;
    ck_assert_int_eq(crm_query_create(crm_txn_view(txn), CRM_KIND_INTERACTION, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_next(query, &found, NULL), CRM_OK);
    crm_id id = care_id(found);
    crm_query_free(query);
    set_people(crm_edit(txn, CRM_KIND_INTERACTION, &id), CRM_INTERACTION_PARTICIPANTS, 0x8);
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &people[1])), CRM_OK);
    ck_assert_int_eq(crm_setting_set(txn, "retention_days", "10"), CRM_OK);
    care_commit(txn);
    crm_set_now(care.db, CARE_START + 5 * CARE_DAY); /* the version that names it is not old enough to go */
    care_ok(crm_compact(care.db, &error), &error);
    crm_view *view = care_view(&care);
    crm_record *record = NULL;
    for (int i = 0; i < 3; i++) {
        care_ok(crm_get(view, CRM_KIND_CONTACT, &people[i], &record, &error), &error);
        crm_record_free(record);
    }
    crm_view_close(view);
    crm_set_now(care.db, CARE_START + 100 * CARE_DAY);
    care_ok(crm_compact(care.db, &error), &error);
    view = care_view(&care);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CONTACT, &people[0], &record, &error), CRM_NOT_FOUND);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CONTACT, &people[2], &record, &error), CRM_NOT_FOUND);
    care_ok(crm_get(view, CRM_KIND_CONTACT, &people[3], &record, &error), &error); /* named, and live */
    crm_record_free(record);
    crm_view_close(view);
    sound();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refs");
    TCase *cases = tcase_create("refs");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, who_takes_part_in_a_later_meeting_is_not_undone);
    tcase_add_test(cases, who_took_part_in_a_meeting_that_is_kept_is_kept);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
