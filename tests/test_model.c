/* P5, P7.  A company that changes at random, against a plain model of it: arrays that
 * are searched from end to end.  Small and large transactions, rolled back ones,
 * questions in the middle of one, views that stay open, the past, a second
 * handle, closing and opening, rebuilding, compacting: every answer is the model's.
 * MODEL_SEED and MODEL_ROUNDS in the environment give another or a longer walk. */
#include "domain_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ck_assert writes to a file each time, which is too slow for inner loops. */
#define MUST(condition)                                                                 \
    do {                                                                                \
        if (!(condition))                                                               \
            ck_abort_msg("seed %llu, round %u: %s", walk.seed, walk.round, #condition); \
    } while (0)

enum { CUSTOMERS = 150, INTERACTIONS = 12000, PAST = 12, STAGES = 3 };

struct model_customer {
    crm_id id;
    bool made, deleted;
    uint32_t name, email, phone; /* numbers that their texts are made of; email and phone 0: none */
    int32_t stage;
};

struct model_interaction {
    crm_id id;
    bool deleted;
    uint32_t customer, subject;
    int64_t start;
};

struct model {
    struct model_customer customers[CUSTOMERS];
    struct model_interaction interactions[INTERACTIONS];
    uint32_t interaction_count;
};

static struct {
    unsigned long long seed;
    uint64_t state;
    uint32_t round, rounds;
    uint32_t fresh; /* the last number that a name, e-mail, telephone or start was made of */
    char path[64];
    crm_db *db, *second;
    struct model now, saved, held;
    crm_view *view; /* an open one, of when `held` was */
    struct {
        uint64_t lsn;
        struct model_customer customers[CUSTOMERS];
    } past[PAST];
    uint32_t past_count;
} walk;

static uint32_t below(uint32_t bound)
{
    uint64_t x = (walk.state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ (x >> 31)) >> 32) % bound;
}

static crm_db *open_handle(void)
{
    crm_error error;
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_NOW, DOMAIN_NOW + (int64_t)walk.round * 1000000);
    int32_t status = crm_open(walk.path, options, &db, &error);
    crm_options_free(options);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    return db;
}

/* ---- answers against the model ---- */

static void same_text(const crm_record *record, uint32_t field, const char *expected)
{
    const char *text = crm_text(record, field, NULL);
    MUST(text != NULL && strcmp(text, expected) == 0);
}

static void check_customer(crm_view *view, const struct model_customer *expected)
{
    crm_record *record = NULL;
    char text[64];
    int32_t status = crm_get(view, CRM_KIND_CUSTOMER, &expected->id, &record, NULL);
    if (!expected->made) {
        MUST(status == CRM_NOT_FOUND);
        return;
    }
    MUST(status == CRM_OK && crm_record_deleted(record) == expected->deleted);
    snprintf(text, sizeof text, "Name %u", expected->name);
    same_text(record, CRM_CUSTOMER_NAME, text);
    MUST(crm_int(record, CRM_CUSTOMER_STAGE) == expected->stage);
    MUST(crm_item_count(record, CRM_CUSTOMER_EMAILS) == (expected->email != 0));
    MUST(crm_item_count(record, CRM_CUSTOMER_PHONES) == (expected->phone != 0));
    crm_record_free(record);
}

/* Found by that text: the customer while it lives, else nobody. */
static void check_found(crm_view *view, uint32_t field, const char *text, const struct model_customer *expected)
{
    crm_record *record = NULL;
    crm_id id;
    int32_t status = crm_find(view, CRM_KIND_CUSTOMER, field, text, CRM_NUL, &record, NULL);
    if (!expected->made || expected->deleted) {
        MUST(status == CRM_NOT_FOUND);
        return;
    }
    MUST(status == CRM_OK);
    crm_record_id(record, &id);
    MUST(memcmp(&id, &expected->id, sizeof id) == 0);
    crm_record_free(record);
}

static void check_keys(crm_view *view, const struct model_customer *expected)
{
    static const struct model_customer nobody;
    char text[64];
    if (expected->made) {
        snprintf(text, sizeof text, "mail%u@example.com", expected->email);
        check_found(view, CRM_CUSTOMER_EMAILS, text, expected->email != 0 ? expected : &nobody);
        snprintf(text, sizeof text, "030 %07u", 4000000 + expected->phone);
        check_found(view, CRM_CUSTOMER_PHONES, text, expected->phone != 0 ? expected : &nobody);
        snprintf(text, sizeof text, "NAME %u", expected->name); /* in another case */
        check_found(view, CRM_CUSTOMER_NAME, text, expected);
    }
}

/* Each move starts where the one before ended, and the last ended where the customer is. */
static void check_moves(crm_view *view, const struct model_customer *customer)
{
    static const char *const names[] = {"", "acquaintance", "stable", "drifting"};
    crm_table *moves = NULL;
    const char *stage = "";
    if (!customer->made)
        return;
    MUST(crm_stage_history(view, CRM_KIND_CUSTOMER, &customer->id, &moves, NULL) == CRM_OK);
    for (uint64_t row = 0; row < crm_table_rows(moves); row++) {
        MUST(strcmp(crm_table_text(moves, row, 0, NULL), stage) == 0);
        stage = crm_table_text(moves, row, 1, NULL);
    }
    MUST(strcmp(stage, names[customer->stage]) == 0);
    crm_table_free(moves);
}

static void check_stages(crm_view *view, const struct model_customer *customers)
{
    for (int32_t stage = 1; stage <= STAGES; stage++) {
        crm_query *query = NULL;
        crm_record *record;
        uint32_t expected = 0, found = 0;
        uint64_t count = 0;
        for (uint32_t i = 0; i < CUSTOMERS; i++)
            expected += customers[i].made && !customers[i].deleted && customers[i].stage == stage;
        MUST(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL) == CRM_OK);
        MUST(crm_query_where_int(query, CRM_CUSTOMER_STAGE, CRM_OP_EQ, stage) == CRM_OK);
        MUST(crm_query_count(query, &count, NULL) == CRM_OK && count == expected);
        while (crm_query_next(query, &record, NULL) == CRM_OK) {
            MUST(crm_int(record, CRM_CUSTOMER_STAGE) == stage);
            found++;
        }
        MUST(found == expected);
        crm_query_free(query);
    }
}

static void check_timeline(crm_view *view, const struct model *model, uint32_t customer)
{
    crm_query *query = NULL;
    crm_record *record;
    int64_t before = INT64_MAX;
    uint64_t expected = 0, found = 0;
    for (uint32_t i = 0; i < model->interaction_count; i++)
        expected += model->interactions[i].customer == customer && !model->interactions[i].deleted;
    MUST(crm_timeline(view, CRM_KIND_CUSTOMER, &model->customers[customer].id, &query, NULL) == CRM_OK);
    while (crm_query_next(query, &record, NULL) == CRM_OK) {
        char text[64];
        uint32_t i = 0;
        int64_t start = crm_int(record, CRM_INTERACTION_START);
        MUST(start < before); /* no two are alike */
        before = start;
        while (i < model->interaction_count && model->interactions[i].start != start)
            i++;
        MUST(i < model->interaction_count && model->interactions[i].customer == customer &&
             !model->interactions[i].deleted);
        snprintf(text, sizeof text, "Subject %u", model->interactions[i].subject);
        same_text(record, CRM_INTERACTION_SUBJECT, text);
        found++;
    }
    MUST(found == expected);
    crm_query_free(query);
}

static void check_some(crm_view *view, const struct model *model)
{
    for (int i = 0; i < 5; i++) {
        const struct model_customer *customer = &model->customers[below(CUSTOMERS)];
        check_customer(view, customer);
        check_keys(view, customer);
        if (customer->made)
            check_timeline(view, model, (uint32_t)(customer - model->customers));
    }
    if (model->interaction_count > 0) {
        const struct model_interaction *interaction = &model->interactions[below(model->interaction_count)];
        crm_record *record = NULL;
        MUST(crm_get(view, CRM_KIND_INTERACTION, &interaction->id, &record, NULL) == CRM_OK);
        MUST(crm_int(record, CRM_INTERACTION_START) == interaction->start &&
             crm_record_deleted(record) == interaction->deleted);
        crm_record_free(record);
    }
    check_stages(view, model->customers);
}

static void check_all(crm_db *db, const struct model *model)
{
    crm_view *view = domain_view(db);
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        check_customer(view, &model->customers[i]);
        check_keys(view, &model->customers[i]);
        check_moves(view, &model->customers[i]);
    }
    check_some(view, model);
    crm_view_close(view);
}

static void check_past(void)
{
    if (walk.past_count == 0)
        return;
    uint32_t which = below(walk.past_count < PAST ? walk.past_count : PAST);
    crm_view *view = NULL;
    MUST(crm_view_open_lsn(walk.db, walk.past[which].lsn, &view, NULL) == CRM_OK);
    for (uint32_t i = 0; i < CUSTOMERS; i++)
        check_customer(view, &walk.past[which].customers[i]);
    check_stages(view, walk.past[which].customers);
    crm_view_close(view);
}

/* ---- changes, to both ---- */

static void set_keys(crm_record *record, struct model_customer *customer)
{
    char text[64];
    if (below(2) == 0) {
        customer->name = ++walk.fresh;
        snprintf(text, sizeof text, "Name %u", customer->name);
        crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL);
    }
    if (below(2) == 0) {
        if (customer->email != 0)
            MUST(crm_item_remove(record, CRM_CUSTOMER_EMAILS, 0) == CRM_OK);
        customer->email = below(4) == 0 ? 0 : ++walk.fresh;
        snprintf(text, sizeof text, "Mail%u@Example.com", customer->email);
        if (customer->email != 0)
            MUST(crm_item_add(record, CRM_CUSTOMER_EMAILS, text, CRM_NUL) == CRM_OK);
    }
    if (below(2) == 0) {
        if (customer->phone != 0)
            MUST(crm_item_remove(record, CRM_CUSTOMER_PHONES, 0) == CRM_OK);
        customer->phone = below(4) == 0 ? 0 : ++walk.fresh;
        snprintf(text, sizeof text, "+49 (30) %07u", 4000000 + customer->phone);
        if (customer->phone != 0)
            MUST(crm_item_add(record, CRM_CUSTOMER_PHONES, text, CRM_NUL) == CRM_OK);
    }
}

static void change_customer(crm_txn *txn, struct model_customer *customer)
{
    crm_record *record;
    if (!customer->made) {
        char text[64];
        record = crm_create(txn, CRM_KIND_CUSTOMER);
        customer->made = true;
        customer->name = ++walk.fresh;
        customer->stage = CRM_CUSTOMER_STAGE_ACQUAINTANCE;
        snprintf(text, sizeof text, "Name %u", customer->name);
        MUST(crm_set_text(record, CRM_CUSTOMER_NAME, text, CRM_NUL) == CRM_OK);
        crm_record_id(record, &customer->id);
        set_keys(record, customer);
        return;
    }
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &customer->id);
    if (customer->deleted) {
        MUST(crm_restore(record) == CRM_OK);
        customer->deleted = false;
    } else if (below(3) == 0) { /* acquaintance, stable, drifting, stable, … */
        customer->stage =
            customer->stage == CRM_CUSTOMER_STAGE_STABLE ? CRM_CUSTOMER_STAGE_DRIFTING : CRM_CUSTOMER_STAGE_STABLE;
        MUST(crm_set_int(record, CRM_CUSTOMER_STAGE, customer->stage) == CRM_OK);
    } else {
        set_keys(record, customer);
    }
}

/* Only one whose interactions are all deleted: others are refused (tests/test_rules.c). */
static void delete_customer(crm_txn *txn, struct model *model, uint32_t number)
{
    struct model_customer *customer = &model->customers[number];
    bool free_to_go = customer->made && !customer->deleted;
    for (uint32_t i = 0; i < model->interaction_count; i++)
        free_to_go &= model->interactions[i].customer != number;
    if (!free_to_go)
        return;
    MUST(crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &customer->id)) == CRM_OK);
    customer->deleted = true;
}

static void add_interaction(crm_txn *txn, struct model *model, uint32_t customer)
{
    char text[64];
    if (model->interaction_count == INTERACTIONS || !model->customers[customer].made ||
        model->customers[customer].deleted)
        return;
    struct model_interaction *interaction = &model->interactions[model->interaction_count++];
    crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
    *interaction = (struct model_interaction){.customer = customer, .subject = ++walk.fresh};
    /* Up or down from a day long gone: some are late. */
    interaction->start = DOMAIN_NOW - 400 * DAY_US + (int64_t)walk.fresh * (walk.fresh % 7 == 0 ? -1000000 : 1000000);
    snprintf(text, sizeof text, "Subject %u", interaction->subject);
    crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    crm_set_int(record, CRM_INTERACTION_START, interaction->start);
    crm_set_text(record, CRM_INTERACTION_SUBJECT, text, CRM_NUL);
    MUST(crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &model->customers[customer].id) == CRM_OK);
    crm_record_id(record, &interaction->id);
}

static void change_interaction(crm_txn *txn, struct model_interaction *interaction)
{
    char text[64];
    crm_record *record = crm_edit(txn, CRM_KIND_INTERACTION, &interaction->id);
    if (interaction->deleted) {
        MUST(crm_restore(record) == CRM_OK);
        interaction->deleted = false;
    } else if (below(3) == 0) {
        MUST(crm_delete(record) == CRM_OK);
        interaction->deleted = true;
    } else {
        interaction->subject = ++walk.fresh;
        snprintf(text, sizeof text, "Subject %u", interaction->subject);
        MUST(crm_set_text(record, CRM_INTERACTION_SUBJECT, text, CRM_NUL) == CRM_OK);
    }
}

static void transaction(crm_db *db)
{
    struct model *model = &walk.now;
    crm_txn *txn = domain_begin(db);
    /* A few changes, some, or so many that their keys wait for one another. */
    static const uint32_t sizes[] = {1, 4, 60, 1500};
    uint32_t size = sizes[below(40) == 0 ? 3 : below(3)];
    walk.saved = *model;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t what = below(size > 100 ? 60 : 8);
        if (what < 2)
            change_customer(txn, &model->customers[below(CUSTOMERS)]);
        else if (what == 2)
            delete_customer(txn, model, below(CUSTOMERS));
        else if (what < 5 && model->interaction_count > 0)
            change_interaction(txn, &model->interactions[below(model->interaction_count)]);
        else if (what == 5 && size < 100)
            check_some(crm_txn_view(txn), model);
        else
            add_interaction(txn, model, below(CUSTOMERS));
    }
    if (below(5) == 0) {
        crm_rollback(txn);
        *model = walk.saved;
        return;
    }
    crm_error error;
    uint64_t lsn = 0;
    int32_t status = crm_commit(txn, &lsn, &error);
    ck_assert_msg(status == CRM_OK, "seed %llu, round %u: %s", walk.seed, walk.round, error.message);
    if (below(8) == 0) {
        walk.past[walk.past_count % PAST].lsn = lsn;
        memcpy(walk.past[walk.past_count++ % PAST].customers, model->customers, sizeof model->customers);
    }
}

/* ---- the walk ---- */

static void hold_view(void)
{
    if (walk.view != NULL) {
        check_some(walk.view, &walk.held);
        if (below(3) == 0) {
            crm_view_close(walk.view);
            walk.view = NULL;
        }
    } else {
        walk.view = domain_view(walk.db);
        walk.held = walk.now;
    }
}

static void close_and_open(void)
{
    crm_view_close(walk.view);
    walk.view = NULL;
    ck_assert_int_eq(crm_close(walk.db), CRM_OK);
    walk.db = open_handle();
}

/* Everything is kept, the past included; only where it lies changes. */
static void compact(void)
{
    crm_error error;
    int32_t status = crm_compact(walk.db, &error);
    ck_assert_msg(status == CRM_OK, "seed %llu, round %u: %s", walk.seed, walk.round, error.message);
}

static void step(void)
{
    uint32_t what = below(100);
    crm_set_now(walk.db, DOMAIN_NOW + (int64_t)walk.round * 1000000);
    crm_set_now(walk.second, DOMAIN_NOW + (int64_t)walk.round * 1000000);
    if (what < 50)
        transaction(below(4) == 0 ? walk.second : walk.db);
    else if (what < 60)
        hold_view();
    else if (what < 75)
        check_all(walk.db, &walk.now);
    else if (what < 85)
        check_all(walk.second, &walk.now);
    else if (what < 93)
        check_past();
    else if (what < 96)
        close_and_open();
    else if (what == 96)
        ck_assert_int_eq(crm_rebuild(walk.db, NULL), CRM_OK);
    else if (what == 97)
        ck_assert_int_eq(crm_verify(below(2) ? walk.db : walk.second, NULL, NULL), CRM_OK);
    else if (what == 98)
        compact();
}

START_TEST(every_answer_is_the_plain_models)
{
    char folder[] = "/tmp/crm-model-XXXXXX", beside[80];
    const char *seed = getenv("MODEL_SEED"), *rounds = getenv("MODEL_ROUNDS");
    memset(&walk, 0, sizeof walk);
    walk.seed = (seed != NULL ? strtoull(seed, NULL, 10) : 1) + (unsigned long long)_i;
    walk.state = walk.seed;
    walk.rounds = rounds != NULL ? (uint32_t)strtoul(rounds, NULL, 10) : 400;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(walk.path, sizeof walk.path, "%s/t.crm", folder);
    walk.db = open_handle();
    walk.second = open_handle();
    for (walk.round = 0; walk.round < walk.rounds; walk.round++)
        step();
    close_and_open();
    check_all(walk.db, &walk.now);
    ck_assert_int_eq(crm_verify(walk.db, NULL, NULL), CRM_OK);
    ck_assert_int_eq(crm_close(walk.db), CRM_OK);
    ck_assert_int_eq(crm_close(walk.second), CRM_OK);
    snprintf(beside, sizeof beside, "%s-index", walk.path);
    unlink(walk.path);
    unlink(beside);
    rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *cases = tcase_create("model");
    tcase_set_timeout(cases, 3600);
    tcase_add_loop_test(cases, every_answer_is_the_plain_models, 0, 4);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
