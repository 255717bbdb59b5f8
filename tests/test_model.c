/* P5, P7.  A company that changes at random, against the oracle, a plain model of
 * it (stress/oracle.h).  Small and large transactions, rolled back and refused
 * ones, questions in the middle of one, views that stay open, the past, a second
 * handle, closing and opening, rebuilding, compacting, copies: every answer is the
 * model's.  MODEL_SEED and MODEL_ROUNDS in the environment give another or a
 * longer walk. */
#include "../stress/oracle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAST = 12, CHANGES = 1500, INTERACTIONS = 2500 };

static struct {
    unsigned long long seed;
    uint32_t round, rounds, what;
    struct choices choices;
    char folder[40], path[64];
    crm_db *db, *second;
    struct oracle *now, *held; /* held: what the open view shows */
    crm_view *view;
    struct oracle *past[PAST];
    uint32_t past_count;
} walk;

static void must(const char *wrong)
{
    if (wrong != NULL)
        ck_abort_msg("seed %llu, round %u (%u): %s", walk.seed, walk.round, walk.what, wrong);
}

static void must_be(int32_t status, const char *what, const crm_error *error)
{
    if (status != CRM_OK)
        ck_abort_msg("seed %llu, round %u: %s: %s", walk.seed, walk.round, what, error->message);
}

static uint32_t below(uint32_t bound)
{
    return choose(&walk.choices, bound);
}

/* ---- handles ---- */

static crm_db *open_handle(const char *path)
{
    crm_error error;
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_NOW, ORACLE_NOW + (int64_t)walk.round * 1000000);
    int32_t status = crm_open(path, options, &db, &error);
    crm_options_free(options);
    must_be(status, "crm_open", &error);
    return db;
}

static void close_and_open(void)
{
    crm_view_close(walk.view);
    walk.view = NULL;
    ck_assert_int_eq(crm_close(walk.db), CRM_OK);
    walk.db = open_handle(walk.path);
}

static void remove_database(const char *path)
{
    char beside[96];
    snprintf(beside, sizeof beside, "%s-index", path);
    unlink(path);
    unlink(beside);
}

/* ---- steps ---- */

static void transaction(crm_db *db)
{
    uint64_t lsn = 0;
    int32_t status = CRM_OK;
    must(oracle_transaction(walk.now, db, &walk.choices, &lsn, &status));
    ck_assert_msg(status == CRM_OK, "seed %llu, round %u: status %d", walk.seed, walk.round, status);
    if (lsn == 0 || below(8) != 0)
        return;
    struct oracle **place = &walk.past[walk.past_count++ % PAST];
    oracle_free(*place);
    *place = oracle_copy(walk.now);
}

static void hold_view(void)
{
    crm_error error;
    if (walk.view != NULL) {
        must(below(8) == 0 ? oracle_check(walk.held, walk.view)
                           : oracle_check_some(walk.held, walk.view, &walk.choices));
        if (below(3) == 0) {
            crm_view_close(walk.view);
            walk.view = NULL;
        }
        return;
    }
    must_be(crm_view_open(below(2) == 0 ? walk.db : walk.second, &walk.view, &error), "crm_view_open", &error);
    oracle_free(walk.held);
    walk.held = oracle_copy(walk.now);
}

static void check(crm_db *db, bool whole)
{
    crm_error error;
    crm_view *view = NULL;
    if (whole) {
        must(oracle_check_db(walk.now, db));
        return;
    }
    must_be(crm_view_open(db, &view, &error), "crm_view_open", &error);
    for (int i = 0; i < 5; i++)
        must(oracle_check_some(walk.now, view, &walk.choices));
    crm_view_close(view);
}

static void check_past(void)
{
    crm_error error;
    crm_view *view = NULL;
    if (walk.past_count == 0)
        return;
    struct oracle *past = walk.past[below(walk.past_count < PAST ? walk.past_count : PAST)];
    oracle_forget(past, walk.now);
    must_be(crm_view_open_lsn(below(2) == 0 ? walk.db : walk.second, oracle_lsn(past), &view, &error),
            "crm_view_open_lsn", &error);
    must(below(4) == 0 ? oracle_check(past, view) : oracle_check_some(past, view, &walk.choices));
    crm_view_close(view);
}

/* A copy made while others have the file open is the file as it is now. */
static void back_up(void)
{
    crm_error error;
    char path[80];
    snprintf(path, sizeof path, "%s/copy.crm", walk.folder);
    must_be(crm_backup(walk.db, path, &error), "crm_backup", &error);
    crm_db *copy = open_handle(path);
    must(oracle_check_db(walk.now, copy));
    ck_assert_int_eq(crm_close(copy), CRM_OK);
    remove_database(path);
}

static void step(void)
{
    crm_error error;
    uint32_t what = walk.what = below(100);
    crm_set_now(walk.db, ORACLE_NOW + (int64_t)walk.round * 1000000);
    crm_set_now(walk.second, ORACLE_NOW + (int64_t)walk.round * 1000000);
    if (what < 50)
        transaction(below(4) == 0 ? walk.second : walk.db);
    else if (what < 60)
        hold_view();
    else if (what < 84)
        check(what < 75 ? walk.db : walk.second, below(12) == 0);
    else if (what < 92)
        check_past();
    else if (what < 95)
        close_and_open();
    else if (what == 95)
        must_be(crm_rebuild(walk.db, &error), "crm_rebuild", &error);
    else if (what == 96)
        must_be(crm_verify(below(2) ? walk.db : walk.second, NULL, &error), "crm_verify", &error);
    else if (what == 97)
        must_be(crm_compact(walk.db, &error), "crm_compact", &error); /* everything is kept, the past included */
    else if (what == 98 && below(4) == 0)
        back_up();
}

/* ---- the walk ---- */

static void begin(void)
{
    snprintf(walk.folder, sizeof walk.folder, "/tmp/crm-model-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(walk.folder));
    snprintf(walk.path, sizeof walk.path, "%s/t.crm", walk.folder);
    walk.now = oracle_create();
    oracle_limit(walk.now, CHANGES, INTERACTIONS);
    oracle_random_ids(walk.now, true);
    walk.db = open_handle(walk.path);
    walk.second = open_handle(walk.path);
}

/* What recovery makes of a sound file is the file with all its past. */
static void recover(void)
{
    crm_error error;
    char path[80];
    snprintf(path, sizeof path, "%s/recovered.crm", walk.folder);
    must_be(crm_recover(walk.path, path, NULL, NULL, &error), "crm_recover", &error);
    crm_db *recovered = open_handle(path);
    must(oracle_check_db(walk.now, recovered));
    ck_assert_int_eq(crm_close(recovered), CRM_OK);
    remove_database(path);
}

static void end(void)
{
    ck_assert_int_eq(crm_close(walk.db), CRM_OK);
    ck_assert_int_eq(crm_close(walk.second), CRM_OK);
    recover();
    for (int i = 0; i < PAST; i++)
        oracle_free(walk.past[i]);
    oracle_free(walk.held);
    oracle_free(walk.now);
    remove_database(walk.path);
    rmdir(walk.folder);
}

START_TEST(every_answer_is_the_plain_models)
{
    crm_error error;
    const char *seed = getenv("MODEL_SEED"), *rounds = getenv("MODEL_ROUNDS");
    memset(&walk, 0, sizeof walk);
    walk.seed = (seed != NULL ? strtoull(seed, NULL, 10) : 1) + (unsigned long long)_i;
    walk.choices.state = walk.seed;
    walk.rounds = rounds != NULL ? (uint32_t)strtoul(rounds, NULL, 10) : 400;
    begin();
    for (walk.round = 0; walk.round < walk.rounds; walk.round++)
        step();
    close_and_open();
    check(walk.db, true);
    must_be(crm_verify(walk.db, NULL, &error), "crm_verify", &error);
    end();
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
