/* linear: whether the library does what it does at one instant each.
 *
 * Threads of one handle, threads with a handle each, pairs of threads with one
 * for both, and the same as processes, with full and with deferred durability,
 * do a few operations each at the same time: transactions on fields of records,
 * compare-and-set by version, moves between stages, claims of unique addresses,
 * and reads of all that through fresh views and through transactions; beside
 * them compaction, rebuild, sync and opening anew.  What each asked, was
 * answered, and when, is a history, and every history is judged by an exhaustive
 * search (linear_search.h): there must be an order in which a plain model answers
 * the same, and which keeps real time, so that what begins after a commit
 * returned sees it.  Transactions' numbers are answers like all others.
 *
 * At the end of each history, with nobody else at work, everything is read once
 * more.  That is judged with it and is where the next begins, so a write that is
 * lost later is missed, too.
 */
#include "linear.h"
#include "stress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALL_FULL, ALL_DEFERRED, MIXED, DURABILITIES };
static const char *const place_names[] = {"threads of one handle", "threads with a handle each", "pairs of threads",
                                          "processes", "processes of two threads"};
static const char *const durability_names[] = {"full", "deferred", "mixed"};

struct run {
    struct stress *stress;
    struct search *search;
    struct scene *scene; /* shared with children */
    crm_db *db;          /* the main thread's */
    struct model now;
    uint64_t chance;
    uint32_t values;
    struct crew crew;
    uint64_t histories, operations;
};

static void give_up(struct run *run, const char *why)
{
    fprintf(stderr, "linear, seed %llu, %s: %s\n", (unsigned long long)run->stress->seed, place_names[run->crew.place],
            why);
    exit(1);
}

/* ---- the file ---- */

static void make_records(struct run *run, crm_txn *txn)
{
    struct scene *scene = run->scene;
    char name[24];
    static const char *const stages[STAGES] = {"qualification", "discovery", "proposal"};
    (void)crm_field_add(txn, CRM_KIND_CUSTOMER, "value", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_INDEXED | CRM_FLAG_HOT, 0,
                        &scene->value);
    (void)crm_field_add(txn, CRM_KIND_CONTACT, "login", CRM_NUL, CRM_TYPE_EMAILS, CRM_FLAG_UNIQUE, 0, &scene->login);
    (void)crm_field_add(txn, CRM_KIND_CONTACT, "mark", CRM_NUL, CRM_TYPE_INT, 0, 0, &scene->mark);
    for (int i = 0; i < STAGES; i++)
        if (crm_resolve(crm_txn_view(txn), CRM_KIND_STAGE, stages[i], CRM_NUL, &scene->stages[i], NULL) != CRM_OK)
            give_up(run, "a stage of a new file is not there");
    for (int i = 0; i < REGISTERS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        (void)snprintf(name, sizeof name, "register %d", i);
        (void)crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        (void)crm_set_int(record, scene->value, i + 1);
        crm_record_id(record, &scene->registers[i]);
    }
    for (int i = 0; i < DEALS; i++) {
        crm_record *record = crm_create(txn, CRM_KIND_OPPORTUNITY);
        (void)crm_set_text(record, CRM_OPPORTUNITY_NAME, "deal", CRM_NUL);
        (void)crm_set_int(record, CRM_OPPORTUNITY_CLOSE_DATE, 20000);
        (void)crm_set_ref(record, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &scene->stages[0]);
        crm_record_id(record, &scene->deals[i]);
    }
}

/* Registers hold 1, 2, 3 in their first version, all deals are in the first stage. */
static void make_file(struct run *run)
{
    crm_txn *txn = NULL;
    crm_error error = {0};
    char trouble[TROUBLES] = "";
    struct manner manner = {.durability = CRM_DURABLE_FULL};
    stress_path(run->stress, "linear.crm", run->scene->path, sizeof run->scene->path);
    run->db = linear_open(run->scene, &manner, trouble);
    if (run->db == NULL || crm_begin(run->db, &txn, &error) != CRM_OK)
        give_up(run, run->db == NULL ? trouble : error.message);
    make_records(run, txn);
    run->now = (struct model){0};
    if (crm_commit(txn, &run->now.lsn, &error) != CRM_OK)
        give_up(run, error.message);
    for (uint32_t i = 0; i < REGISTERS; i++) {
        run->now.value[i] = i + 1;
        run->now.version[i] = 1;
    }
    run->values = 100;
}

static void remove_file(struct run *run)
{
    char index[160];
    if (crm_close(run->db) != CRM_OK)
        stress_fail(run->stress, "closing failed");
    (void)snprintf(index, sizeof index, "%s-index", run->scene->path);
    (void)unlink(run->scene->path);
    (void)unlink(index);
}

/* ---- the workers ---- */

static void start_workers(struct run *run, int durability)
{
    struct scene *scene = run->scene;
    int place = run->crew.place;
    char trouble[TROUBLES] = "";
    struct manner first = {.durability = durability == ALL_DEFERRED ? CRM_DURABLE_DEFERRED : CRM_DURABLE_FULL};
    run->crew.count = crew_in_pairs(place) ? WORKERS_MOST : 2 + stress_below(&run->chance, WORKERS_MOST - 1);
    for (uint32_t i = 0; i < run->crew.count; i++) {
        struct manner *manner = &scene->manners[i];
        memset(&scene->scripts[i], 0, sizeof scene->scripts[i]);
        *manner = first;
        manner->polls = stress_below(&run->chance, 2) == 0;
        manner->read_only = place != ONE_HANDLE && i >= 2 && stress_below(&run->chance, 3) == 0;
        if (durability == MIXED && stress_below(&run->chance, 2) == 0)
            manner->durability = CRM_DURABLE_DEFERRED;
        if (crew_in_pairs(place) && i % 2 == 1)
            *manner = manner[-1];
    }
    if (crew_in_processes(place) && crm_close(run->db) != CRM_OK)
        stress_fail(run->stress, "closing failed");
    crew_start(&run->crew, run->db);
    if (crew_in_processes(place))
        run->db = linear_open(scene, &first, trouble);
    if (run->db == NULL)
        give_up(run, trouble);
}

/* ---- scripts ---- */

/* What histories are about: each a string of choices, one as likely as another. */
static const uint8_t about[][12] = {
    {SET, SET, EXCHANGE, EXCHANGE, COMPARE, COMPARE, READ, READ, SUM, WITHIN, TAKE_BACK, LATEST},
    {CLAIM, CLAIM, CLAIM, CLAIM, CLAIM, RELEASE, RELEASE, LOOK, LOOK, LOOK, LATEST, READ},
    {MOVE, MOVE, MOVE, MOVE, COUNT, COUNT, COUNT, COUNT, LATEST, SET, READ, SUM},
    {SET, EXCHANGE, COMPARE, READ, SUM, WITHIN, MOVE, COUNT, CLAIM, RELEASE, LOOK, LATEST},
    {COMPARE, COMPARE, COMPARE, COMPARE, READ, READ, READ, EXCHANGE, SUM, LATEST, LATEST, WITHIN},
};
static const uint8_t reading[] = {READ, READ, SUM, COUNT, LOOK, LATEST};

static void choose(struct run *run, const uint8_t *kinds, bool read_only, struct operation *operation)
{
    uint64_t *chance = &run->chance;
    *operation = (struct operation){.what = read_only ? reading[stress_below(chance, sizeof reading)]
                                                      : kinds[stress_below(chance, sizeof about[0])],
                                    .variant = (uint8_t)stress_below(chance, 6),
                                    .value = ++run->values};
    switch (operation->what) {
    case CLAIM:
    case RELEASE:
    case LOOK: operation->target = (uint8_t)stress_below(chance, ADDRESSES); break;
    case MOVE:
        operation->target = (uint8_t)stress_below(chance, DEALS);
        operation->value = stress_below(chance, STAGES);
        break;
    default:
        operation->target = (uint8_t)stress_below(chance, REGISTERS);
        operation->other = (uint8_t)stress_below(chance, REGISTERS);
        operation->expected = run->now.version[operation->target] + stress_below(chance, 2);
        break;
    }
    if (read_only && operation->what == LATEST)
        operation->variant = 0;
}

/* One of a script's operations gives way to care of the file. */
static void disturb(struct run *run, uint32_t worker)
{
    struct script *script = &run->scene->scripts[worker];
    bool alone = run->crew.place == OWN_HANDLES || run->crew.place == OWN_PROCESSES;
    uint32_t first = run->scene->manners[worker].read_only ? DISTURB_REOPEN : DISTURB_COMPACT;
    uint32_t end = alone ? DISTURBANCES : DISTURB_REOPEN; /* nobody opens anew what others have open */
    if (first < end)
        script->operations[stress_below(&run->chance, (uint32_t)script->count)].what =
            (uint8_t)(first + stress_below(&run->chance, end - first));
}

static void write_scripts(struct run *run)
{
    uint64_t *chance = &run->chance;
    const uint8_t *kinds = about[stress_below(chance, sizeof about / sizeof about[0])];
    uint32_t most = 1 + stress_below(chance, SCRIPT_MOST);
    for (uint32_t i = 0; i < run->crew.count; i++) {
        struct script *script = &run->scene->scripts[i];
        script->count = 1 + stress_below(chance, most);
        script->chance = stress_random(chance);
        for (size_t n = 0; n < script->count; n++)
            choose(run, kinds, run->scene->manners[i].read_only, &script->operations[n]);
    }
    if (stress_below(chance, 5) == 0)
        disturb(run, stress_below(chance, run->crew.count));
}

/* ---- judging ---- */

/* All that there is, read with nobody else at work. */
static void read_at_rest(struct run *run, struct history *history)
{
    static const struct operation last[] = {
        {.what = READ}, {.what = COUNT, .variant = 1}, {.what = LOOK, .target = 0}, {.what = LOOK, .target = 1}};
    char trouble[TROUBLES] = "";
    struct model *now = &run->now;
    struct operation *got = &history->operations[history->count];
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        got[i] = last[i];
        got[i].variant = (uint8_t)(got[i].variant + 2 * stress_below(&run->chance, 3));
        got[i].thread = WORKERS_MOST;
        if (!linear_perform(run->scene, run->db, &run->chance, &got[i], trouble))
            give_up(run, trouble);
    }
    history->count += sizeof last / sizeof last[0];
    now->lsn = got[0].lsn;
    memcpy(now->value, got[0].seen, sizeof now->value);
    memcpy(now->version, got[0].versions, sizeof now->version);
    now->holder[0] = got[2].seen[0];
    now->holder[1] = got[3].seen[0];
}

/* Which deal is where a count does not tell: the last move that the found order
 * has of each. */
static void follow_moves(struct run *run, const struct history *history, const uint8_t *order)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct operation *operation = &history->operations[order[i]];
        if (operation->what == MOVE)
            run->now.stage[operation->target] = operation->value;
    }
}

static void judge(struct run *run)
{
    struct history history = {.before = run->now};
    uint8_t order[HISTORY_MOST];
    for (uint32_t i = 0; i < run->crew.count; i++) {
        struct script *script = &run->scene->scripts[i];
        if (script->trouble[0] != '\0')
            give_up(run, script->trouble);
        for (size_t n = 0; n < script->count; n++) {
            if (script->operations[n].what >= OPERATIONS)
                continue;
            history.operations[history.count] = script->operations[n];
            history.operations[history.count++].thread = (uint8_t)i;
        }
    }
    read_at_rest(run, &history);
    run->histories++;
    run->operations += history.count;
    if (search_linearizable(run->search, &history, order)) {
        follow_moves(run, &history, order);
        return;
    }
    stress_fail(run->stress, "%s: history %llu has no order", place_names[run->crew.place],
                (unsigned long long)run->histories);
    if (run->stress->failures <= 3)
        history_print(&history, stderr);
}

/* ---- all ---- */

static void run_batch(struct run *run, int place, int durability, uint32_t histories)
{
    uint64_t failures = run->stress->failures;
    run->crew = (struct crew){.scene = run->scene, .place = place};
    make_file(run);
    start_workers(run, durability);
    for (uint32_t i = 1; i <= histories && run->stress->failures == failures; i++) {
        write_scripts(run);
        if (!crew_run(&run->crew, i))
            give_up(run, "a process ended in the middle");
        judge(run);
    }
    if (!crew_end(&run->crew))
        stress_fail(run->stress, "a process did not end well");
    remove_file(run);
    if (run->stress->failures > failures)
        fprintf(stderr, "  (%s durability, %u workers)\n", durability_names[durability], run->crew.count);
}

int main(int count, char **arguments)
{
    struct stress stress;
    struct file_ops slow;
    stress_start(&stress, count, arguments);
    struct run run = {.stress = &stress, .search = search_create(), .chance = stress.seed};
    run.scene = mmap(NULL, sizeof *run.scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.scene == MAP_FAILED)
        give_up(&run, "no memory to share");
    run.scene->files = slow_files(&slow);
    linear_self_check(&stress, run.search);
    uint32_t rounds = stress.longer ? 60 : 3, histories = stress.longer ? 300 : 80;
    for (uint32_t round = 0; round < rounds; round++)
        for (int place = 0; place < PLACES; place++)
            for (int durability = 0; durability < (place == ONE_HANDLE ? MIXED : DURABILITIES); durability++)
                run_batch(&run, place, durability, histories);
    printf("%llu operations, %llu states searched\n", (unsigned long long)run.operations,
           (unsigned long long)search_states(run.search));
    search_free(run.search);
    (void)munmap(run.scene, sizeof *run.scene);
    return stress_end(&stress, run.histories, "histories");
}
