/* threads: many threads on one handle and on several handles of one file, each
 * doing something else: writing, reading by every way there is, holding views,
 * looking into the past, following the feed, importing, exporting, undoing,
 * defining, compacting, backing up, rebuilding, verifying, opening and closing.
 *
 * What must hold is in threads.h: sums that each transaction keeps, so that half
 * a transaction shows; and that a view goes on to answer what it answered when
 * it was opened, which is what every other view at its transaction answers, of
 * whatever handle and whenever it is opened.  Built with -fsanitize=thread it
 * also says where two threads touch the same memory with nothing in between.
 *
 * Each thread does a number of things that is fixed, and which is chosen by the
 * seed; in what order they meet, the system's scheduler says.
 */
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who lives here; how many turns in the short form. */
static const struct kind {
    const char *name;
    void (*turn)(struct citizen *);
    int handle;
    uint32_t turns;
} kinds[] = {
    {"writer", write_a_turn, HANDLE_FULL, 60},     {"writer", write_a_turn, HANDLE_FULL, 60},
    {"writer", write_a_turn, HANDLE_DEFERRED, 60}, {"reader", read_a_turn, HANDLE_FULL, 100},
    {"reader", read_a_turn, HANDLE_FULL, 100},     {"reader", read_a_turn, HANDLE_DEFERRED, 100},
    {"reader", read_a_turn, HANDLE_READER, 100},   {"holder", hold_a_turn, HANDLE_FULL, 24},
    {"holder", hold_a_turn, HANDLE_DEFERRED, 24},  {"holder", hold_a_turn, HANDLE_READER, 24},
    {"historian", recall_a_turn, HANDLE_FULL, 20}, {"historian", recall_a_turn, HANDLE_DEFERRED, 20},
    {"trader", trade_a_turn, HANDLE_FULL, 30},     {"trader", trade_a_turn, HANDLE_DEFERRED, 30},
    {"definer", define_a_turn, HANDLE_FULL, 16},   {"keeper", keep_a_turn, HANDLE_FULL, 24},
    {"visitor", visit_a_turn, HANDLE_FULL, 8},     {"visitor", visit_a_turn, HANDLE_FULL, 8},
};
enum { LIVING = sizeof kinds / sizeof kinds[0], FOLLOWERS = 3 };

/* Towns, one after the other.  The thread sanitizer makes them take ten times as long. */
#ifdef __SANITIZE_THREAD__
enum { TOWNS = 2, TOWNS_LONG = 60 };
#else
enum { TOWNS = 8, TOWNS_LONG = 400 };
#endif

static void live_by_turns(struct citizen *citizen, const struct kind *kind)
{
    uint32_t turns = kind->turns;
    for (citizen->turns = 1; citizen->turns <= turns; citizen->turns++) {
        kind->turn(citizen);
        (void)atomic_fetch_add(&citizen->town->operations, 1);
    }
    let_go(citizen);
}

struct life {
    struct citizen citizen;
    const struct kind *kind; /* NULL: a follower */
};

static void *live(void *context)
{
    struct life *life = context;
    if (life->kind == NULL)
        follow(&life->citizen);
    else
        live_by_turns(&life->citizen, life->kind);
    return NULL;
}

static void start(struct life *life)
{
    if (pthread_create(&life->citizen.thread, NULL, live, life) == 0)
        return;
    fprintf(stderr, "threads: a thread cannot be made\n");
    exit(1);
}

static void start_followers(struct town *town, struct life *lives, uint64_t *chance)
{
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        crm_db *db = town->handles[i % HANDLES];
        crm_error error = {0};
        lives[i].citizen =
            (struct citizen){.town = town, .db = db, .chance = stress_random(chance), .number = i, .feed = NULL};
        if (!town_fine(town, crm_feed_open(db, 0, &lives[i].citizen.feed, &error), "a feed", &error))
            exit(1);
        start(&lives[i]);
    }
}

static void end_followers(struct town *town, struct life *lives)
{
    atomic_store(&town->over, true);
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        (void)pthread_mutex_lock(&town->lock);
        crm_feed_wake(lives[i].citizen.feed);
        (void)pthread_mutex_unlock(&town->lock);
        (void)pthread_join(lives[i].citizen.thread, NULL);
        crm_feed_close(lives[i].citizen.feed);
    }
}

/* All handles see one state, sound, and opened anew it is the same. */
static void look_at_the_end(struct town *town, uint64_t *chance)
{
    crm_error error = {0};
    for (int i = 0; i < HANDLES; i++) {
        crm_view *view = NULL;
        if (!town_fine(town, crm_view_open(town->handles[i], &view, &error), "the last view", &error))
            continue;
        for (int n = 0; n < 8; n++)
            (void)town_check(town, view, chance, "at the end");
        town_record(town, view, "at the end");
        crm_view_close(view);
    }
    (void)town_fine(town, crm_verify(town->handles[HANDLE_FULL], NULL, &error), "verify at the end", &error);
    town_close(town);
    crm_db *db = town_open(town, town->path, HANDLE_FULL);
    crm_view *view = NULL;
    if (town_fine(town, crm_view_open(db, &view, &error), "a view of the file opened anew", &error)) {
        if (crm_view_lsn(view) != town->newest)
            town_fail(town, "opened anew the file is at %llu, not %llu", (unsigned long long)crm_view_lsn(view),
                      (unsigned long long)town->newest);
        town_record(town, view, "opened anew");
    }
    crm_view_close(view);
    (void)crm_close(db);
}

/* A town of its own, some hundred turns of each. */
static uint64_t run_town(struct stress *stress, const struct file_ops *files, uint64_t *chance)
{
    static struct life lives[LIVING], followers[FOLLOWERS];
    struct town *town = calloc(1, sizeof *town);
    if (town == NULL)
        exit(1);
    town->files = files;
    town_found(town, stress);
    memset(lives, 0, sizeof lives);
    memset(followers, 0, sizeof followers);
    start_followers(town, followers, chance);
    for (uint32_t i = 0; i < LIVING; i++) {
        lives[i].kind = &kinds[i];
        lives[i].citizen = (struct citizen){
            .town = town, .db = town->handles[kinds[i].handle], .chance = stress_random(chance), .number = i};
        start(&lives[i]);
    }
    for (uint32_t i = 0; i < LIVING; i++)
        (void)pthread_join(lives[i].citizen.thread, NULL);
    end_followers(town, followers);
    look_at_the_end(town, chance);
    town_remove(town->path);
    uint64_t operations = atomic_load(&town->operations);
    (void)pthread_mutex_destroy(&town->lock);
    free(town);
    return operations;
}

int main(int count, char **arguments)
{
    struct stress stress;
    struct file_ops slow;
    uint64_t operations = 0;
    stress_start(&stress, count, arguments);
    uint64_t chance = stress.seed;
    const struct file_ops *files = slow_files(&slow);
    for (int town = 0; town < (stress.longer ? TOWNS_LONG : TOWNS); town++)
        operations += run_town(&stress, town % 2 == 0 ? files : file_ops_default(), &chance);
    return stress_end(&stress, operations, "operations");
}
