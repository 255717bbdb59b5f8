/* crash_walk.c: long random runs in which the power fails again and again, see
 * crash.h.
 *
 * A round opens what the last power cut left, works at random (the oracle
 * beside it), and is cut at one random step in one random way.  What is found
 * must be one of the states of the round; it is what the next round starts
 * from, and the oracle with it.  Some processes are killed on the way, some cuts
 * come while a file is opened after the last.
 */
#include "crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHORT_ROUNDS = 120, LONG_ROUNDS = 6000, IN_A_ROW = 30, LONG_IN_A_ROW = 120, STEPS_MOST = 7 };

struct walk {
    struct crash *crash;
    uint64_t chance;
    struct choices choices;
    struct crash_state now; /* what was found after the last cut */
    int64_t clock;
    bool found;
};

/* ---- steps; false: the process was killed, or it failed, which is told */

static bool transaction(struct walk *walk)
{
    struct crash *crash = walk->crash;
    uint64_t lsn = 0;
    int32_t status = CRM_OK;
    const char *why = oracle_transaction(crash->oracle, crash->db, &walk->choices, &lsn, &status);
    if (why == NULL && status == CRM_OK) {
        if (lsn != 0 && !crash->deferred)
            disk_promise_lsn(&crash->disk, lsn);
        return lsn == 0 || crash_note(crash);
    }
    if (!disk_dead(&crash->disk))
        stress_fail(crash->stress, "walk: %s", why != NULL ? why : crm_status_name(status));
    return false;
}

static bool backup(struct walk *walk)
{
    struct crash *crash = walk->crash;
    char path[160];
    crm_error error = {0};
    snprintf(path, sizeof path, "%s/copy.crm", crash->folder);
    if (crash->file_count > 0)
        return true; /* one a round */
    uint32_t flag = crash_file_begin(crash, "copy.crm");
    if (!crash_ok(crash, "crm_backup", crm_backup(crash->db, path, &error), &error))
        return false;
    disk_promise_file(&crash->disk, flag);
    return true;
}

static bool step(struct walk *walk)
{
    struct crash *crash = walk->crash;
    crm_error error = {0};
    crm_set_now(crash->db, walk->clock += CRASH_MINUTE);
    crash->now = walk->clock;
    switch (stress_below(&walk->chance, 24)) {
    case 0: return crash_ok(crash, "crm_compact", crm_compact(crash->db, &error), &error);
    case 1: return crash_ok(crash, "crm_rebuild", crm_rebuild(crash->db, &error), &error);
    case 2: return backup(walk);
    case 3:
    case 4: return crash_close(crash) && crash_open(crash);
    case 5:
        if (!crash_ok(crash, "crm_sync", crm_sync(crash->db, &error), &error))
            return false;
        disk_promise_lsn(&crash->disk, crm_lsn(crash->db));
        return true;
    case 6: return crash_ok(crash, "crm_verify", crm_verify(crash->db, NULL, &error), &error);
    default: return transaction(walk);
    }
}

/* The process was killed: another opens the file.  What was under way may be there, then all of it. */
static bool go_on(struct walk *walk)
{
    struct crash *crash = walk->crash;
    struct oracle *attempt = oracle_attempt(crash->oracle);
    (void)crm_close(crash->db);
    crash->db = NULL;
    disk_revive(&crash->disk);
    struct oracle *before = crash->oracle;
    crm_db *db = NULL;
    crm_options *options = crash_options(crash);
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1);
    bool there =
        attempt != NULL && crm_open(crash->path, options, &db, NULL) == CRM_OK && crm_lsn(db) == oracle_lsn(attempt);
    crm_options_free(options);
    (void)crm_close(db);
    crash->oracle = there ? attempt : before;
    oracle_free(there ? before : attempt);
    crash->clean_from = SIZE_MAX; /* what the killed one left half may be found until the next opening */
    return crash_open(crash);
}

/* ---- a round */

static void take(void *context, const struct cut_state *state)
{
    struct walk *walk = context;
    struct crash *crash = walk->crash;
    char folder[96];
    const struct crash_seen *seen = crash_judge(crash, state);
    walk->found = seen->what == CRASH_FOUND_STATE;
    if (!walk->found)
        return;
    const struct crash_state *is = &crash->states[seen->state];
    free(walk->now.answers);
    oracle_free(walk->now.oracle);
    walk->now = (struct crash_state){.lsn = is->lsn, .answers = strdup(is->answers), .oracle = oracle_copy(is->oracle)};
    stress_path(crash->stress, "walk", folder, sizeof folder);
    wreck_lay(state->wreck, folder, state->control, &crash->chance);
    stress_path(crash->stress, "walk/copy.crm", folder, sizeof folder);
    (void)unlink(folder);
}

/* Makes the file that the next rounds start from. */
static bool begin(struct walk *walk, struct stress *stress, uint64_t *tried)
{
    struct crash *crash = walk->crash;
    crash_start(crash, stress, "walk", "walk", tried);
    crash->now = walk->clock = ORACLE_NOW;
    crash->oracle = oracle_create();
    if (crash->oracle == NULL)
        exit(2);
    oracle_limit(crash->oracle, 10, 50);
    bool good = crash_open(crash) && crash_close(crash);
    if (good)
        walk->now = (struct crash_state){.lsn = crash->states[0].lsn,
                                         .answers = strdup(crash->states[0].answers),
                                         .oracle = oracle_copy(crash->oracle)};
    crash_end(crash);
    return good;
}

static void finish(struct walk *walk)
{
    free(walk->now.answers);
    oracle_free(walk->now.oracle);
    walk->now = (struct crash_state){0};
}

static bool round_of(struct walk *walk, struct stress *stress, uint64_t *tried)
{
    struct crash *crash = walk->crash;
    crash_resume(crash, stress, "walk", "walk", tried);
    crash->chance = stress_random(&walk->chance);
    crash->now = walk->clock;
    crash->deferred = stress_below(&walk->chance, 3) == 0;
    crash->clean_from = SIZE_MAX;
    crash_watch(crash);
    crash_found(crash, &walk->now);
    crash->oracle = oracle_copy(walk->now.oracle);
    if (stress_below(&walk->chance, 4) == 0)
        crash->disk.dies_at = stress_below(&walk->chance, 30);
    bool good = crash_open(crash);
    crash->clean_from = crash->disk.count;
    unsigned steps = 1 + stress_below(&walk->chance, STEPS_MOST);
    for (unsigned i = 0; i < steps && (good || disk_dead(&crash->disk)); i++)
        good = disk_dead(&crash->disk) ? go_on(walk) : step(walk);
    if (disk_dead(&crash->disk))
        good = go_on(walk);
    if (good && stress_below(&walk->chance, 2))
        good = crash_close(crash) || disk_dead(&crash->disk);
    (void)crm_close(crash->db);
    crash->db = NULL;
    walk->found = false;
    if (good)
        cut_one(&crash->disk, &walk->chance, take, walk);
    crash_end(crash);
    return good && walk->found;
}

void crash_walk(struct stress *stress, uint64_t *tried)
{
    struct walk walk = {
        .crash = malloc(sizeof *walk.crash), .chance = stress->seed, .choices = {.state = stress->seed}};
    unsigned rounds = stress->longer ? LONG_ROUNDS : SHORT_ROUNDS, row = stress->longer ? LONG_IN_A_ROW : IN_A_ROW;
    bool good = false;
    if (walk.crash == NULL)
        exit(2);
    for (unsigned i = 0; i < rounds; i++) {
        if (!good || i % row == 0) {
            finish(&walk);
            good = begin(&walk, stress, tried);
        }
        uint64_t failures = stress->failures;
        good = good && round_of(&walk, stress, tried);
        if (!good && stress->failures == failures)
            stress_fail(stress, "walk, round %u: nothing was found", i);
    }
    finish(&walk);
    free(walk.crash);
    printf("%-16s %4u power cuts\n", "walk", rounds);
}
