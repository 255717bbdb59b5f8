/* Compaction: the same database in fewer bytes; retention; erased data gone for
 * good; and a failure at any step leaves everything as it was. */
#include "care_fixture.h"

#include "api/options.h"
#include "crm/rules.h"
#include "model/db.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct care care;

static void setup(void)
{
    care_setup(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

static void compact(void)
{
    crm_error error = {0};
    care_ok(crm_compact(care.db, &error), &error);
}

static void sound(void)
{
    crm_error error = {0};
    care_ok(crm_verify(care.db, NULL, &error), &error);
}

/* Text that does not deflate, so that packs fill. */
static void noise(char *text, size_t length, unsigned seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i + 1 < length; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        text[i] = (char)('!' + (state >> 33) % 90);
    }
    text[length - 1] = '\0';
}

/* Versions, deletions, restorations, a kind and fields of the user's own, texts
 * of 20 kB so that one record's versions fill several packs. */
static void fill(void)
{
    enum { CUSTOMERS = 40 };
    crm_id ids[CUSTOMERS];
    char name[32], text[20000];
    uint32_t machine, field;
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_kind_add(txn, "machine", CRM_NUL, &machine), CRM_OK);
    ck_assert_int_eq(crm_field_add(txn, machine, "title", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_INDEXED, 0, &field), CRM_OK);
    crm_set_text(crm_create(txn, machine), field, "Press", CRM_NUL);
    for (int i = 0; i < CUSTOMERS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "Customer %d", i);
        crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        ids[i] = care_id(record);
    }
    care_commit(txn);
    for (int round = 0; round < 15; round++) {
        crm_set_now(care.db, CARE_START + round * CARE_DAY);
        txn = care_begin(&care, round % 2 ? "ole" : "mia");
        for (int i = 0; i < CUSTOMERS; i++) {
            crm_record *record = crm_edit(txn, CRM_KIND_CUSTOMER, &ids[i]);
            if (crm_record_deleted(record)) {
                crm_restore(record);
            } else if ((i + round) % 7 == 3) {
                crm_delete(record);
            } else if ((i + round) % 3 == 0) {
                snprintf(name, sizeof name, "Customer %d.%d", i, round);
                crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
                if (i == 5) {
                    noise(text, sizeof text, (unsigned)round);
                    crm_set_text(record, CRM_CUSTOMER_DESCRIPTION, text, CRM_NUL);
                }
            }
        }
        care_commit(txn);
    }
}

/* P10: every state of the past reads the same before and after. */
START_TEST(every_view_of_the_past_reads_the_same)
{
    crm_error error = {0};
    fill();
    uint64_t last = crm_lsn(care.db);
    char **states = calloc(last + 1, sizeof *states);
    for (uint64_t lsn = 0; lsn <= last; lsn++) {
        crm_view *view;
        care_ok(crm_view_open_lsn(care.db, lsn, &view, &error), &error);
        states[lsn] = care_state(view);
        crm_view_close(view);
    }
    for (int round = 0; round < 2; round++) { /* the second compacts what is compacted */
        compact();
        sound();
        for (uint64_t lsn = 0; lsn <= last; lsn++) {
            crm_view *view;
            care_ok(crm_view_open_lsn(care.db, lsn, &view, &error), &error);
            char *state = care_state(view);
            ck_assert_str_eq(state, states[lsn]);
            free(state);
            crm_view_close(view);
        }
        care_reopen(&care);
    }
    for (uint64_t lsn = 0; lsn <= last; lsn++)
        free(states[lsn]);
    free(states);
}
END_TEST

/* P10: who, when and why too, by instant as well as by number. */
START_TEST(authors_times_and_instants_stay)
{
    crm_error error = {0};
    fill();
    char *before = care_changes(care.db, 0);
    crm_view *view;
    care_ok(crm_view_open_at(care.db, CARE_START + 7 * CARE_DAY + 1, &view, &error), &error);
    uint64_t lsn = crm_view_lsn(view);
    crm_view_close(view);
    compact();
    care_reopen(&care);
    care_ok(crm_view_open_at(care.db, CARE_START + 7 * CARE_DAY + 1, &view, &error), &error);
    ck_assert_uint_eq(crm_view_lsn(view), lsn);
    crm_view_close(view);
    char *after = care_changes(care.db, 0);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

START_TEST(the_file_shrinks_and_goes_on_being_written)
{
    size_t before, after;
    crm_id id = care_customer(&care, "Alpha");
    char text[400];
    for (int i = 0; i < 500; i++) {
        memset(text, 'a' + i % 26, sizeof text - 1);
        text[sizeof text - 1] = '\0';
        care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_DESCRIPTION, text);
    }
    care_close(&care);
    free(care_read(care.path, &before));
    care_open(&care);
    compact();
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Beta");
    care_close(&care);
    free(care_read(care.path, &after));
    ck_assert_msg(after * 5 < before, "%zu bytes became %zu", before, after);
    care_open(&care);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Beta");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_DESCRIPTION), text);
    sound();
}
END_TEST

/* P7: what is open keeps its file. */
/* The ids of a transaction follow each other and take one to three bytes each, not
 * 17.  In a compacted file an entry also has its place in its transaction, up to
 * three bytes and a flag. */
START_TEST(large_transactions_take_no_more_bytes_than_before)
{
    enum { TRANSACTIONS = 6, RECORDS = 1000 };
    size_t before, after;
    for (int i = 0; i < TRANSACTIONS; i++) {
        crm_set_now(care.db, CARE_START + i * CARE_DAY);
        crm_txn *txn = care_begin(&care, "mia");
        for (int k = 0; k < RECORDS; k++)
            crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
        care_commit(txn);
    }
    care_close(&care); /* gives back what was allocated ahead */
    free(care_read(care.path, &before));
    care_open(&care);
    compact();
    care_close(&care);
    free(care_read(care.path, &after));
    care_open(&care);
    sound();
    ck_assert_uint_lt(after, before + 2 * TRANSACTIONS * RECORDS * 4); /* each customer has a transition, too */
}
END_TEST

START_TEST(open_views_records_and_histories_go_on)
{
    crm_error error = {0};
    crm_id id = care_customer(&care, "Alpha");
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Beta");
    crm_view *view = care_view(&care);
    crm_record *record;
    crm_history *history;
    crm_change *change;
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, &error), &error);
    care_ok(crm_history_open(view, CRM_KIND_CUSTOMER, &id, &history, &error), &error);
    compact();
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Gamma");
    compact();
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Beta");
    care_ok(crm_history_next(history, &change, &error), &error);
    ck_assert_str_eq(crm_text(crm_change_after(change), CRM_CUSTOMER_NAME, NULL), "Alpha");
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 1);
    crm_history_close(history);
    crm_record_free(record);
    crm_view_close(view);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Gamma");
}
END_TEST

/* The index of before may hold what was erased since, so there must be one only. */
START_TEST(the_index_lies_beside_the_file_that_a_link_leads_to)
{
    crm_error error = {0};
    struct care linked = care;
    snprintf(linked.path, sizeof linked.path, "%s/link.crm", care.folder);
    ck_assert_int_eq(symlink("t.crm", linked.path), 0);
    care_customer(&care, "Alpha");
    care_close(&care);
    care_open(&linked);
    care_ok(crm_rebuild(linked.db, &error), &error);
    ck_assert_int_eq(access(care_path(&care, "t.crm-index"), F_OK), 0);
    ck_assert_int_ne(access(care_path(&care, "link.crm-index"), F_OK), 0);
    care_close(&linked);
    care_open(&care);
}
END_TEST

/* Another handle stands for another process, which compacts the file and then
 * writes; the image is built for what is there now, and while nobody writes it. */
START_TEST(an_index_is_rebuilt_after_another_handle_compacted)
{
    crm_error error = {0};
    crm_txn *txn;
    struct care other = care;
    care_customer(&care, "Alpha");
    care_open(&other);
    care_ok(crm_compact(other.db, &error), &error);
    care_customer(&other, "Beta");
    care_ok(crm_rebuild(care.db, &error), &error);
    ck_assert_int_eq(access(care_path(&care, "t.crm-index"), F_OK), 0);
    crm_view *view = care_view(&care);
    ck_assert_uint_eq(care_count(view, CRM_KIND_CUSTOMER), 2);
    crm_view_close(view);
    care_close(&care);
    crm_options *options = crm_options_create();
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_BUSY_MS, 10), CRM_OK);
    care_ok(crm_open(care.path, options, &care.db, &error), &error);
    crm_options_free(options);
    care_ok(crm_begin(other.db, &txn, &error), &error);
    ck_assert_int_eq(crm_rebuild(care.db, &error), CRM_BUSY);
    crm_rollback(txn);
    care_close(&other);
}
END_TEST

/* Another handle stands for another process. */
START_TEST(another_handle_follows_to_the_new_file)
{
    struct care other = care;
    crm_id id = care_customer(&care, "Alpha");
    care_open(&other);
    ck_assert_str_eq(care_text(&other, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Alpha");
    compact();
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Beta");
    ck_assert_str_eq(care_text(&other, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Beta");
    care_set(&other, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Gamma");
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Gamma");
    compact();
    care_set(&other, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "Delta");
    care_close(&other);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "Delta");
    sound();
}
END_TEST

/* ---- erasure ---- */

static const char *const personal[] = {
    "Quirinus Feldspat", "Quirinus",       "quirinus@example.com", "5550142",
    "Zypressenweg",      "secret subject", "private body",
};

/* A contact with everything personal, versions of it, and a talk with the person. */
static crm_id person(void)
{
    char body[1200];
    crm_txn *txn = care_begin(&care, "mia");
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_FIRST_NAME, "Quirinus", CRM_NUL);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Feldspat", CRM_NUL);
    crm_item_add(contact, CRM_CONTACT_EMAILS, "quirinus@example.com", CRM_NUL);
    crm_item_add(contact, CRM_CONTACT_PHONES, "+49 30 5550142", CRM_NUL);
    crm_item_add(contact, CRM_CONTACT_ADDRESSES, "Zypressenweg 9", CRM_NUL);
    crm_id id = care_id(contact);
    crm_record *talk = crm_create(txn, CRM_KIND_INTERACTION);
    crm_set_int(talk, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_ref(talk, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &id);
    crm_set_text(talk, CRM_INTERACTION_SUBJECT, "a secret subject", CRM_NUL);
    snprintf(
        body, sizeof body, "%.600s a private body %.500s",
        "................................................................................................................",
        "................................................................................................................");
    memset(body + strlen(body), '-', sizeof body - strlen(body) - 1); /* long enough to be deflated */
    body[sizeof body - 1] = '\0';
    crm_set_text(talk, CRM_INTERACTION_BODY, body, CRM_NUL);
    crm_id talk_id = care_id(talk);
    care_commit(txn);
    care_set(&care, CRM_KIND_INTERACTION, &talk_id, CRM_INTERACTION_SUBJECT, "another secret subject");
    care_set(&care, CRM_KIND_CONTACT, &id, CRM_CONTACT_TITLE, "Captain");
    care_set(&care, CRM_KIND_CONTACT, &id, CRM_CONTACT_DEPARTMENT, "Sea");
    return id;
}

static size_t found(void)
{
    char image[128];
    size_t count = 0;
    snprintf(image, sizeof image, "%s-index", care.path);
    for (size_t i = 0; i < sizeof personal / sizeof personal[0]; i++) {
        count += care_occurs(care.path, personal[i]);
        if (access(image, F_OK) == 0)
            count += care_occurs(image, personal[i]);
    }
    return count;
}

static void erase(const crm_id *id)
{
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_erase(crm_edit(txn, CRM_KIND_CONTACT, id)), CRM_OK);
    care_commit(txn);
}

/* P10: after erase and compact the bytes are in no file any more: not in heads,
 * packs, deflated texts, tables of transactions, nor in the index. */
START_TEST(erased_data_is_in_no_byte_of_the_file)
{
    crm_error error = {0};
    crm_id id = person();
    care_ok(crm_rebuild(care.db, &error), &error); /* an index file that has it all */
    compact();                                     /* the versions lie in packs */
    ck_assert_uint_gt(found(), 0);
    erase(&id);
    compact();
    ck_assert_uint_eq(found(), 0);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CONTACT, &id, CRM_CONTACT_TITLE), "Captain");
    care_set(&care, CRM_KIND_CONTACT, &id, CRM_CONTACT_DEPARTMENT, "Land");
    care_close(&care);
    ck_assert_uint_eq(found(), 0);
    care_open(&care);
    sound();
    compact();
    ck_assert_uint_eq(found(), 0);
}
END_TEST

/* The same when the person was deleted before, or is after. */
START_TEST(erased_data_of_deleted_records_goes_too)
{
    crm_error error = {0};
    crm_id id = person(), other = person();
    crm_query *query;
    crm_record *talk;
    crm_view *view = care_view(&care);
    crm_txn *away = care_begin(&care, "mia"); /* one of the talks is deleted, too */
    care_ok(crm_query_create(view, CRM_KIND_INTERACTION, &query, &error), &error);
    care_ok(crm_query_next(query, &talk, &error), &error);
    crm_id talk_id = care_id(talk);
    crm_delete(crm_edit(away, CRM_KIND_INTERACTION, &talk_id));
    care_commit(away);
    crm_query_free(query);
    crm_view_close(view);
    crm_txn *txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &id));
    care_commit(txn);
    erase(&id);
    ck_assert(care_deleted(&care, CRM_KIND_CONTACT, &id));
    erase(&other);
    txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &other));
    care_commit(txn);
    compact();
    ck_assert_uint_eq(found(), 0);
    sound();
}
END_TEST

/* ---- retention ---- */

static void keep_days(const char *days)
{
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_setting_set(txn, "retention_days", days), CRM_OK);
    care_commit(txn);
}

static uint64_t versions(uint32_t kind, const crm_id *id, uint64_t *first, int64_t *created)
{
    crm_error error = {0};
    crm_history *history;
    crm_change *change;
    uint64_t count = 0;
    crm_view *view = care_view(&care);
    care_ok(crm_history_open(view, kind, id, &history, &error), &error);
    while (crm_history_next(history, &change, &error) == CRM_OK) {
        if (count++ == 0) {
            *first = crm_change_version(change);
            *created = crm_int(crm_change_after(change), CRM_FIELD_CREATED_AT);
            ck_assert_str_eq(crm_text(crm_change_after(change), CRM_FIELD_CREATED_BY, NULL), "mia");
            ck_assert_ptr_null(crm_change_before(change));
        }
    }
    crm_history_close(history);
    crm_view_close(view);
    return count;
}

/* Versions 1 to 10, one a day; on day 10 those superseded before day 7 go:
 * version n was superseded on day n, so 1 to 6 go and 7 to 10 stay. */
START_TEST(versions_superseded_before_the_policy_go)
{
    uint64_t first;
    int64_t created;
    char name[8];
    crm_id id = care_customer(&care, "0");
    for (int day = 1; day < 10; day++) {
        crm_set_now(care.db, CARE_START + day * CARE_DAY);
        snprintf(name, sizeof name, "%d", day);
        care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, name);
    }
    crm_set_now(care.db, CARE_START + 10 * CARE_DAY);
    keep_days("3");
    compact();
    ck_assert_uint_eq(versions(CRM_KIND_CUSTOMER, &id, &first, &created), 4);
    ck_assert_uint_eq(first, 7);
    ck_assert_int_eq(created, CARE_START);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "9");
    sound();
    /* All of them once more, and the one left still knows when it began. */
    crm_set_now(care.db, CARE_START + 100 * CARE_DAY);
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "100");
    crm_set_now(care.db, CARE_START + 200 * CARE_DAY);
    compact();
    ck_assert_uint_eq(versions(CRM_KIND_CUSTOMER, &id, &first, &created), 1);
    ck_assert_uint_eq(first, 11);
    ck_assert_int_eq(created, CARE_START);
    sound();
    care_reopen(&care);
    ck_assert_str_eq(care_text(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME), "100");
}
END_TEST

START_TEST(records_deleted_before_the_policy_go_unless_referred_to)
{
    crm_error error = {0};
    crm_record *record = NULL;
    crm_id gone = care_customer(&care, "Gone"), referred = care_customer(&care, "Referred");
    crm_id recent = care_customer(&care, "Recent"), last = care_customer(&care, "Last");
    crm_txn *txn = care_begin(&care, "mia");
    crm_record *contact = crm_create(txn, CRM_KIND_CONTACT);
    crm_set_text(contact, CRM_CONTACT_LAST_NAME, "Somebody", CRM_NUL);
    crm_set_ref(contact, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &referred);
    care_commit(txn);
    txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &gone));
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &referred));
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &last));
    care_commit(txn);
    crm_set_now(care.db, CARE_START + 99 * CARE_DAY);
    txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &recent));
    care_commit(txn);
    crm_set_now(care.db, CARE_START + 100 * CARE_DAY);
    keep_days("30");
    /* Transitions name the customers as their subjects: those must go first. */
    crm_view *view = care_view(&care);
    crm_query *query;
    care_ok(crm_query_create(view, CRM_KIND_TRANSITION, &query, &error), &error);
    txn = care_begin(&care, "mia");
    while (crm_query_next(query, &record, &error) == CRM_OK) {
        crm_id id = care_id(record);
        crm_delete(crm_edit(txn, CRM_KIND_TRANSITION, &id));
    }
    care_commit(txn);
    crm_query_free(query);
    crm_view_close(view);
    crm_set_now(care.db, CARE_START + 200 * CARE_DAY);
    compact(); /* takes the transitions */
    compact(); /* and now nothing refers to "Gone" any more */
    sound();
    view = care_view(&care);
    ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &gone, &record, &error), CRM_NOT_FOUND);
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &referred, &record, &error), &error);
    crm_record_free(record);
    /* The last number stays, so that no number is given out twice. */
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &last, &record, &error), &error);
    crm_record_free(record);
    crm_view_close(view);
    care_customer(&care, "New");
    care_reopen(&care);
    sound();
}
END_TEST

/* Deleted long ago, erased just now: what it was before goes, that it is deleted and erased stays. */
START_TEST(a_deleted_record_that_was_erased_later_stays_what_it_is)
{
    crm_error error = {0};
    crm_record *record = NULL;
    crm_history *history = NULL;
    crm_change *change;
    crm_id id = person();
    care_customer(&care, "Another");
    crm_set_now(care.db, CARE_START + 10 * CARE_DAY);
    crm_txn *txn = care_begin(&care, "mia");
    crm_delete(crm_edit(txn, CRM_KIND_CONTACT, &id));
    care_commit(txn);
    crm_set_now(care.db, CARE_START + 95 * CARE_DAY);
    erase(&id);
    keep_days("30");
    crm_view *view = care_view(&care);
    care_ok(crm_get(view, CRM_KIND_CONTACT, &id, &record, &error), &error);
    int64_t version = crm_int(record, CRM_FIELD_VERSION);
    crm_record_free(record);
    crm_view_close(view);
    crm_set_now(care.db, CARE_START + 100 * CARE_DAY);
    for (int round = 0; round < 2; round++) {
        compact();
        sound();
        ck_assert_uint_eq(found(), 0);
        ck_assert(care_deleted(&care, CRM_KIND_CONTACT, &id));
        view = care_view(&care);
        care_ok(crm_get(view, CRM_KIND_CONTACT, &id, &record, &error), &error);
        ck_assert_int_eq(crm_int(record, CRM_FIELD_VERSION), version);
        ck_assert_str_eq(crm_text(record, CRM_CONTACT_LAST_NAME, NULL), "(erased)");
        crm_record_free(record);
        care_ok(crm_history_open(view, CRM_KIND_CONTACT, &id, &history, &error), &error);
        for (uint64_t n = 3; n <= 6; n++) { /* a version that stands for all before, deleted, erased, deleted still */
            care_ok(crm_history_next(history, &change, &error), &error);
            ck_assert_uint_eq(crm_change_version(change), n);
            ck_assert_int_eq(crm_int(crm_change_after(change), CRM_FIELD_CREATED_AT), CARE_START);
        }
        ck_assert_int_eq(crm_history_next(history, &change, &error), CRM_DONE);
        crm_history_close(history);
        crm_view_close(view);
        care_reopen(&care);
    }
}
END_TEST

START_TEST(without_a_policy_nothing_goes)
{
    uint64_t first;
    int64_t created;
    crm_id id = care_customer(&care, "0");
    care_set(&care, CRM_KIND_CUSTOMER, &id, CRM_CUSTOMER_NAME, "1");
    crm_set_now(care.db, CARE_START + 5000 * CARE_DAY);
    keep_days("0");
    compact();
    ck_assert_uint_eq(versions(CRM_KIND_CUSTOMER, &id, &first, &created), 2);
    ck_assert_uint_eq(first, 1);
}
END_TEST

/* ---- failures ---- */

/* The real file system, but for the n-th operation on the new file. */
static struct {
    const struct file_ops *real;
    struct file *beside;
    int left; /* operations until one fails; negative: none does */
    bool on;
} disk;

static bool fails(int *system)
{
    if (!disk.on || disk.left < 0 || disk.left-- > 0)
        return false;
    *system = 5; /* EIO */
    return true;
}

static bool is_beside(const char *path)
{
    size_t length = strlen(path);
    return length > 8 && strcmp(path + length - 8, ".compact") == 0;
}

static int32_t fail_open(void *context, const char *path, int flags, struct file **out, int *system)
{
    if (is_beside(path) && fails(system))
        return CRM_IO;
    int32_t status = disk.real->open(context, path, flags, out, system);
    if (status == CRM_OK && is_beside(path))
        disk.beside = *out;
    return status;
}

static int32_t fail_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system)
{
    return file == disk.beside && fails(system) ? CRM_IO : disk.real->write(file, offset, bytes, length, system);
}

static int32_t fail_sync(struct file *file, int *system)
{
    return file == disk.beside && fails(system) ? CRM_IO : disk.real->sync(file, system);
}

static int32_t fail_allocate(struct file *file, uint64_t offset, uint64_t length, int *system)
{
    return file == disk.beside && fails(system) ? CRM_FULL : disk.real->allocate(file, offset, length, system);
}

static int32_t fail_rename(void *context, const char *from, const char *to, int *system)
{
    return is_beside(from) && fails(system) ? CRM_IO : disk.real->rename(context, from, to, system);
}

static void fail_close(struct file *file)
{
    if (file == disk.beside)
        disk.beside = NULL;
    disk.real->close(file);
}

START_TEST(a_failure_at_any_step_leaves_everything_as_it_was)
{
    crm_error error = {0};
    crm_options options;
    static struct file_ops table;
    fill();
    care_close(&care);
    disk.real = file_ops_default();
    table = *disk.real;
    table.open = fail_open;
    table.close = fail_close;
    table.write = fail_write;
    table.sync = fail_sync;
    table.allocate = fail_allocate;
    table.rename = fail_rename;
    options_default(&options);
    options.files = &table;
    options.now = CARE_START;
    int failures = 0;
    for (int at = 0;; at++) {
        care_ok(db_open(care.path, &options, &domain_rules, &care.db, &error), &error);
        char *before = care_changes(care.db, 0);
        disk.left = at;
        disk.on = true;
        int32_t status = crm_compact(care.db, &error);
        disk.on = false;
        ck_assert_int_ne(access(care_path(&care, "t.crm.compact"), F_OK), 0);
        char *after = care_changes(care.db, 0);
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        care_customer(&care, "Still");
        care_close(&care);
        if (disk.left >= 0) { /* it ended before that operation */
            ck_assert_int_eq(status, CRM_OK);
            break;
        }
        failures += status != CRM_OK;
    }
    /* opening, header, its sync, frames, header, sync, rename; a lack of room alone is made do with */
    ck_assert_int_ge(failures, 7);
    care_open(&care);
    sound();
}
END_TEST

/* P1, P2: a process that dies while it compacts leaves the old file or the new one. */
START_TEST(a_killed_compaction_loses_nothing)
{
    fill();
    char *before = care_changes(care.db, 0);
    int finished = 0;
    for (int delay_us = 0; delay_us < 40000 && finished < 3; delay_us += 2300) {
        care_close(&care);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            crm_error error;
            care_open(&care);
            _exit(crm_compact(care.db, &error) == CRM_OK ? 0 : 1);
        }
        int status = 0;
        usleep((useconds_t)delay_us);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        finished += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        care_open(&care);
        char *after = care_changes(care.db, 0);
        ck_assert_str_eq(before, after);
        free(after);
        sound();
    }
    free(before);
    ck_assert_int_ne(access(care_path(&care, "t.crm"), F_OK), -1);
}
END_TEST

START_TEST(what_a_crash_left_beside_is_no_hindrance)
{
    FILE *file = fopen(care_path(&care, "t.crm.compact"), "wb");
    ck_assert_ptr_nonnull(file);
    fputs("half a file", file);
    fclose(file);
    care_customer(&care, "Alpha");
    compact();
    ck_assert_int_ne(access(care_path(&care, "t.crm.compact"), F_OK), 0);
    sound();
}
END_TEST

START_TEST(wrong_calls_are_answered)
{
    crm_error error = {0};
    crm_options *options = crm_options_create();
    crm_db *reader;
    ck_assert_int_eq(crm_compact(NULL, &error), CRM_MISUSE);
    crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1);
    care_ok(crm_open(care.path, options, &reader, &error), &error);
    ck_assert_int_eq(crm_compact(reader, &error), CRM_READ_ONLY);
    ck_assert_int_eq(crm_close(reader), CRM_OK);
    crm_options_free(options);
    crm_txn *txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_setting_set(txn, "retention_days", "soon"), CRM_INVALID);
    crm_rollback(txn);
    txn = care_begin(&care, "mia");
    ck_assert_int_eq(crm_setting_set(txn, "currency", "XXZ"), CRM_INVALID);
    crm_rollback(txn);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compact");
    TCase *tests = tcase_create("compact");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_view_of_the_past_reads_the_same);
    tcase_add_test(tests, authors_times_and_instants_stay);
    tcase_add_test(tests, the_file_shrinks_and_goes_on_being_written);
    tcase_add_test(tests, large_transactions_take_no_more_bytes_than_before);
    tcase_add_test(tests, open_views_records_and_histories_go_on);
    tcase_add_test(tests, another_handle_follows_to_the_new_file);
    tcase_add_test(tests, erased_data_is_in_no_byte_of_the_file);
    tcase_add_test(tests, erased_data_of_deleted_records_goes_too);
    tcase_add_test(tests, an_index_is_rebuilt_after_another_handle_compacted);
    tcase_add_test(tests, the_index_lies_beside_the_file_that_a_link_leads_to);
    tcase_add_test(tests, versions_superseded_before_the_policy_go);
    tcase_add_test(tests, records_deleted_before_the_policy_go_unless_referred_to);
    tcase_add_test(tests, a_deleted_record_that_was_erased_later_stays_what_it_is);
    tcase_add_test(tests, without_a_policy_nothing_goes);
    tcase_add_test(tests, a_failure_at_any_step_leaves_everything_as_it_was);
    tcase_add_test(tests, a_killed_compaction_loses_nothing);
    tcase_add_test(tests, what_a_crash_left_beside_is_no_hindrance);
    tcase_add_test(tests, wrong_calls_are_answered);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
