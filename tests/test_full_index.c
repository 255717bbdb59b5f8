/* test_full_index: the index cannot grow, at this byte or that: address space is
 * short, as it is in a process that the system keeps small.  A change that needs
 * more is CRM_NOMEM and was not done; with more there it is done, and right.
 * That allocations fail is test_out_of_memory and `make faults`.
 * Proves P4, P6. */
#include "care_fixture.h"

#include "model/db.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    MARGIN = 1 << 17, /* what an arena keeps free behind what it gives out: COMMIT_MARGIN */
    CUSTOMERS = 70,
    STEP = 64
};

static struct care care;
static crm_id customers[CUSTOMERS], contact, call;
static crm_error error;

static void fill(void)
{
    char text[48];
    crm_txn *txn = care_begin(&care, "mia");
    for (int i = 0; i < CUSTOMERS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(text, sizeof text, "Customer %d", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL);
        snprintf(text, sizeof text, "erp:%d", i);
        crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, text, CRM_NUL);
        customers[i] = care_id(record);
    }
    crm_record *record = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(record, CRM_CONTACT_LAST_NAME, "Person", CRM_NUL);
    contact = care_id(record);
    record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &customers[1]);
    call = care_id(record);
    care_commit(txn);
    txn = care_begin(&care, "mia");
    crm_txn_set_batch(txn, "batch");
    for (int i = 0; i < 9; i++) {
        crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[i]), CRM_CUSTOMER_TERRITORY, "North", CRM_NUL);
        snprintf(text, sizeof text, "+49 30 55501%d", i);
        crm_item_add(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[i]), CRM_CUSTOMER_PHONES, text, CRM_NUL);
    }
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[9]));
    care_commit(txn);
}

static void setup(void)
{
    care_setup(&care);
    fill();
}

static void teardown(void)
{
    care_teardown(&care);
}

/* ---- what is done ---- */

static void fresh_kind(crm_txn *txn)
{
    uint32_t kind = 0, field = 0, text = 0, when = 0, buyer = 0;
    int64_t choice = 0;
    crm_kind_add(txn, "machine", CRM_NUL, &kind);
    crm_field_add(txn, kind, "title", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_INDEXED | CRM_FLAG_UNIQUE, 0, &text);
    crm_field_add(txn, kind, "color", CRM_NUL, CRM_TYPE_CHOICE, CRM_FLAG_INDEXED, 0, &field);
    crm_choice_add(txn, kind, field, "red", CRM_NUL, &choice);
    crm_field_add(txn, kind, "built", CRM_NUL, CRM_TYPE_DATE, CRM_FLAG_INDEXED, 0, &when);
    crm_field_add(txn, kind, "buyer", CRM_NUL, CRM_TYPE_REF, CRM_FLAG_INDEXED, CRM_KIND_CUSTOMER, &buyer);
    for (int i = 0; i < 3; i++) {
        char title[16];
        crm_record *record = crm_create(txn, kind);
        snprintf(title, sizeof title, "Press %d", i);
        crm_set_text(record, text, title, CRM_NUL);
        crm_set_int(record, field, choice);
        crm_set_int(record, when, 20000 + i);
        crm_set_ref(record, buyer, CRM_KIND_CUSTOMER, &customers[i]);
    }
}

/* As many as need more of every column, tree and table. */
static void many_new(crm_txn *txn)
{
    char text[64];
    crm_id id = {{0}};
    for (int i = 0; i < 40; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(text, sizeof text, "New %d", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL);
        snprintf(text, sizeof text, "new%d.example", i);
        crm_set_text(record, CRM_CUSTOMER_DOMAIN, text, CRM_NUL);
        snprintf(text, sizeof text, "info@new%d.example", i);
        crm_item_add(record, CRM_CUSTOMER_EMAILS, text, CRM_NUL);
        snprintf(text, sizeof text, "+49 89 44%d", i);
        crm_item_add(record, CRM_CUSTOMER_PHONES, text, CRM_NUL);
        snprintf(text, sizeof text, "tag%d", i);
        crm_item_add(record, CRM_FIELD_TAGS, text, CRM_NUL);
        crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, i);
        crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &customers[i + 20]);
        crm_record_id(record, &id);
        record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
        crm_set_int(record, CRM_INTERACTION_START, CARE_START + i);
        crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &id);
        crm_set_ref(record, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &contact);
        crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &contact, NULL, CRM_NUL);
    }
    crm_record *record = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(record, CRM_OPPORTUNITY_NAME, "Deal", CRM_NUL);
    crm_set_ref(record, CRM_OPPORTUNITY_CUSTOMER, CRM_KIND_CUSTOMER, &customers[3]);
    crm_set_int(record, CRM_OPPORTUNITY_AMOUNT, 100);
    crm_set_int(record, CRM_OPPORTUNITY_CLOSE_DATE, 20100);
    record = crm_create(txn, CRM_KIND_PRODUCT);
    crm_set_text(record, CRM_PRODUCT_NAME, "Press", CRM_NUL);
    crm_set_int(record, CRM_PRODUCT_PRICE, 100);
}

static void changed(crm_txn *txn)
{
    char text[64];
    for (int i = 11; i < CUSTOMERS; i++) {
        crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &customers[i]);
        snprintf(text, sizeof text, "A much longer name of customer %d than before", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL);
        snprintf(text, sizeof text, "web:%d", i);
        crm_item_remove(record, CRM_FIELD_EXTERNAL_IDS, 0);
        crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, text, CRM_NUL);
        snprintf(text, sizeof text, "+49 40 77%d", i);
        crm_item_add(record, CRM_CUSTOMER_PHONES, text, CRM_NUL);
        crm_item_add(record, CRM_FIELD_TAGS, i % 2 ? "vip" : "north", CRM_NUL);
        crm_set_ref(record, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, &customers[i - 1]);
    }
    crm_set_int(crm_edit(txn, CRM_KIND_INTERACTION, &call), CRM_INTERACTION_START, CARE_START + CARE_DAY);
    crm_set_ref(crm_edit(txn, CRM_KIND_INTERACTION, &call), CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &customers[2]);
}

static void gone_and_back(crm_txn *txn)
{
    crm_restore(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[9]));
    crm_delete(crm_edit(txn, CRM_KIND_INTERACTION, &call));
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &customers[60]));
    crm_restore(crm_edit(txn, CRM_KIND_INTERACTION, &call));
    crm_erase(crm_edit(txn, CRM_KIND_CONTACT, &contact));
}

static void undone(crm_txn *txn)
{
    crm_table *conflicts = NULL;
    (void)crm_undo(txn, "batch", 0, &conflicts, &error);
    crm_table_free(conflicts);
}

/* ---- with so many bytes more ---- */

/* True: they were enough. */
static bool with_room(void (*act)(crm_txn *), uint64_t bytes, bool commit)
{
    crm_txn *txn = NULL;
    uint64_t before = crm_lsn(care.db);
    care_ok(crm_rebuild(care.db, &error), &error); /* no free blocks are left of the time before */
    struct arena *arena = care.db->now->arena;
    uint8_t *base = arena->base;
    uint64_t reserved = arena->reserved, most = arena->used + bytes + MARGIN;
    care_ok(crm_begin(care.db, &txn, &error), &error);
    crm_txn_set_actor(txn, "mia");
    __atomic_store_n(&arena->reserved, most, __ATOMIC_RELAXED);
    act(txn);
    int32_t status = crm_txn_status(txn, &error);
    if (status == CRM_OK && commit)
        status = crm_commit(txn, NULL, &error);
    else
        crm_rollback(txn);
    if (care.db->now->arena == arena)
        arena->reserved = reserved;
    else /* it was given up, and with it what it knew of */
        munmap(base + (most + 4095) / 4096 * 4096, reserved - (most + 4095) / 4096 * 4096);
    ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "%llu bytes: %s: %s", (unsigned long long)bytes,
                  crm_status_name(status), error.message);
    ck_assert_uint_eq(crm_lsn(care.db), status == CRM_OK && commit ? before + 1 : before);
    return status == CRM_OK;
}

static void (*const acts[])(crm_txn *) = {fresh_kind, many_new, changed, gone_and_back, undone};

START_TEST(a_change_that_finds_no_room_is_not_done)
{
    bool enough = false;
    crm_view *view = care_view(&care);
    char *state = care_state(view);
    crm_view_close(view);
    for (uint64_t bytes = 0; !enough; bytes += STEP) {
        enough = with_room(acts[_i], bytes, false);
        if (bytes % (16 * STEP) == 0 || enough) {
            view = care_view(&care);
            char *now = care_state(view);
            crm_view_close(view);
            ck_assert_str_eq(now, state);
            free(now);
            care_ok(crm_verify(care.db, NULL, &error), &error);
        }
    }
    free(state);
    /* And once more without a rollback: what fails only at the end is not done either. */
    uint64_t most = 0;
    for (enough = false; !enough; most += STEP)
        enough = with_room(acts[_i], most, true);
    care_ok(crm_verify(care.db, NULL, &error), &error);
}
END_TEST

/* What another handle wrote is seen with room for it, or CRM_NOMEM is answered and it is seen later. */
START_TEST(what_others_wrote_is_seen_once_there_is_room)
{
    struct care other = care;
    int failed = 0;
    for (uint64_t bytes = 0; bytes < 1 << 15; bytes += 3 * STEP) {
        care_open(&other);
        crm_view *view = NULL;
        struct arena *arena = other.db->now->arena;
        uint8_t *base = arena->base;
        uint64_t reserved = arena->reserved, most = arena->used + bytes + MARGIN;
        crm_txn *txn = care_begin(&care, "mia");
        if (bytes == 0)
            fresh_kind(txn);
        many_new(txn);
        care_commit(txn);
        __atomic_store_n(&arena->reserved, most, __ATOMIC_RELAXED);
        int32_t status = crm_view_open(other.db, &view, &error);
        crm_view_close(view);
        if (other.db->now->arena == arena)
            arena->reserved = reserved;
        else
            munmap(base + (most + 4095) / 4096 * 4096, reserved - (most + 4095) / 4096 * 4096);
        ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "%s", error.message);
        failed += status == CRM_NOMEM;
        view = care_view(&other);
        crm_view *own = care_view(&care);
        ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), care_count(own, CRM_KIND_CUSTOMER));
        crm_view_close(own);
        crm_view_close(view);
        care_close(&other);
    }
    ck_assert_int_gt(failed, 0);
    care_ok(crm_verify(care.db, NULL, &error), &error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("full_index");
    TCase *tests = tcase_create("full_index");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_change_that_finds_no_room_is_not_done, 0, sizeof acts / sizeof *acts);
    tcase_add_test(tests, what_others_wrote_is_seen_once_there_is_room);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
