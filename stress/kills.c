/* kills: processes of several kinds on one file, killed at random.
 *
 * Writers commit and note what was acknowledged in memory that outlives them;
 * readers, followers, a compactor, a maker of copies, a builder of images and an
 * opener are at the same file.  One after the other is ended by SIGKILL at any
 * instant; the others must go on, and every few rounds all end, and the file is
 * held against what was acknowledged.  Two more parts try full disks and places
 * that are no place for a file (kills_full.c, kills_place.c).
 */
#include "kills.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SHORT_KILLS = 60,
    LONG_KILLS = 3000,
    CHECK_EVERY = 20, /* rounds */
    FILE_EVERY = 10,  /* checks: then a new file */
    CREATE_EVERY = 6, /* rounds: then one file is killed while it is made */
    WAIT_MOST_S = 120 /* for anything that takes milliseconds: after that somebody waits for a dead one */
};

struct slot {
    pid_t pid;
    enum role role;
    bool only_reads;
};

/* The first slots keep their roles, whoever is in the last may be anything. */
enum { KEPT = 6 };
static const enum role first_roles[KEPT] = {WRITER, WRITER, WRITER, READER, FOLLOWER, COMPACTOR};

static double seconds(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static pid_t start_child(void)
{
    (void)fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        perror("kills");
        exit(2);
    }
    if (pid == 0) { /* does not outlive the program, however that ends */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
    }
    return pid;
}

static void start(struct kills *kills, struct slot *slot, uint64_t chance)
{
    bool may = slot->role == READER || slot->role == FOLLOWER || slot->role == COPIER;
    slot->only_reads = may && stress_random(&chance) % 2 == 0;
    slot->pid = start_child();
    if (slot->pid == 0)
        kills_live(kills, slot->role, slot->only_reads, chance);
}

/* Waits for a process that is told or made to end. */
static int end_of(struct kills *kills, pid_t pid)
{
    int status = 0;
    double until = seconds() + WAIT_MOST_S;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return status;
        if (got < 0 && errno != EINTR)
            return -1;
        if (seconds() > until)
            break;
        (void)usleep(500);
    }
    stress_fail(kills->stress, "process %d does not end", (int)pid);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return status;
}

static void check_ended(struct kills *kills, const struct slot *slot, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return;
    if (WIFSIGNALED(status))
        stress_fail(kills->stress, "process %d, role %d: %s", (int)slot->pid, (int)slot->role,
                    strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        stress_fail(kills->stress, "process %d, role %d, ended by itself", (int)slot->pid, (int)slot->role);
}

/* Locks of the dead are free, and so the living write on. */
static void wait_for_commits(struct kills *kills, uint64_t more)
{
    uint64_t wanted = atomic_load(&kills->shared->done[WRITER]) + more;
    double until = seconds() + WAIT_MOST_S;
    while (atomic_load(&kills->shared->done[WRITER]) < wanted && seconds() < until && kills->stress->failures == 0)
        (void)usleep(200);
    if (atomic_load(&kills->shared->done[WRITER]) < wanted && kills->stress->failures == 0)
        stress_fail(kills->stress, "nobody commits any more");
}

/* One; seldom several at once; or all but those who only read, so that for a
 * moment nobody is there who keeps the control page. */
static void choose(const struct slot slots[SLOTS], bool dead[SLOTS], uint64_t *chance)
{
    uint32_t dice = stress_below(chance, 8);
    uint32_t wanted = dice < 6 ? 1 : 1 + stress_below(chance, SLOTS);
    for (uint32_t i = 0; i < SLOTS; i++)
        dead[i] = dice == 7 && !slots[i].only_reads;
    for (uint32_t count = 0; dice != 7 && count < wanted; count++) {
        uint32_t i = stress_below(chance, SLOTS);
        if (slots[i].role == COMPACTOR && stress_below(chance, 3) != 0) /* that some of its work gets done */
            i = stress_below(chance, SLOTS);
        dead[i] = true;
    }
}

/* While a writer is left it must go on by itself. */
static uint32_t kill_some(struct kills *kills, struct slot slots[SLOTS], uint64_t *chance)
{
    bool dead[SLOTS];
    uint32_t count = 0;
    choose(slots, dead, chance);
    (void)usleep(stress_below(chance, 6000));
    for (uint32_t i = 0; i < SLOTS; i++)
        if (dead[i])
            (void)kill(slots[i].pid, SIGKILL);
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (dead[i])
            check_ended(kills, &slots[i], end_of(kills, slots[i].pid));
        count += dead[i];
    }
    bool writes = !dead[0] || !dead[1] || !dead[2];
    if (writes)
        wait_for_commits(kills, 1);
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (dead[i] && i >= KEPT)
            slots[i].role = (enum role)stress_below(chance, ROLES);
        if (dead[i])
            start(kills, &slots[i], stress_random(chance));
    }
    if (!writes)
        wait_for_commits(kills, 1);
    return count;
}

/* All end: told to, or killed at once so that nobody is there to recover for others. */
static void end_all(struct kills *kills, struct slot slots[SLOTS], bool killed)
{
    if (!killed)
        atomic_store(&kills->shared->stop, 1);
    for (int i = 0; killed && i < SLOTS; i++)
        (void)kill(slots[i].pid, SIGKILL);
    for (int i = 0; i < SLOTS; i++)
        check_ended(kills, &slots[i], end_of(kills, slots[i].pid));
    atomic_store(&kills->shared->stop, 0);
}

static void check_in_child(struct kills *kills, const char *path, bool members)
{
    struct slot slot = {.role = OPENER};
    slot.pid = start_child();
    if (slot.pid == 0) {
        check_file(kills, path, members);
        (void)fflush(NULL);
        _exit(0);
    }
    check_ended(kills, &slot, end_of(kills, slot.pid));
}

/* ---- files killed while they are made ---- */

static void create_and_commit(struct kills *kills, const char *path, uint64_t t)
{
    crm_error error = {0};
    crm_db *db = NULL;
    crm_txn *txn = NULL;
    uint64_t lsn = 0;
    int32_t status = crm_open(path, NULL, &db, &error);
    if (status == CRM_OK)
        status = crm_begin(db, &txn, &error);
    if (status == CRM_OK) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        char key[48];
        key_of(t, 0, key, sizeof key);
        (void)crm_set_text(record, CRM_CUSTOMER_NAME, "Early", CRM_NUL);
        (void)crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, key, CRM_NUL);
        status = crm_commit(txn, &lsn, &error);
    }
    if (status == CRM_OK)
        atomic_store(&kills->shared->early[t], 1);
    else
        stress_fail(kills->stress, "a file is being made: %s: %s", crm_status_name(status), error.message);
    _exit(0);
}

/* Whatever is there can be opened, by default options, and has what was acknowledged. */
static void check_created(struct kills *kills, const char *path)
{
    crm_error error = {0};
    crm_db *db = NULL;
    crm_view *view = NULL;
    if (crm_open(path, NULL, &db, &error) != CRM_OK || crm_view_open(db, &view, &error) != CRM_OK ||
        crm_verify(db, NULL, &error) != CRM_OK) {
        stress_fail(kills->stress, "a file that was killed while it was made: %s", error.message);
        _exit(0);
    }
    for (uint64_t t = 0; t < CREATORS; t++) {
        char key[48];
        crm_record *record = NULL;
        key_of(t, 0, key, sizeof key);
        int32_t status = crm_find(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, key, CRM_NUL, &record, &error);
        if (status != CRM_OK && atomic_load(&kills->shared->early[t]) != 0)
            stress_fail(kills->stress, "acknowledged while the file was made, but not there: %s", error.message);
        crm_record_free(record);
    }
    crm_view_close(view);
    if (crm_close(db) != CRM_OK)
        stress_fail(kills->stress, "closing failed");
    _exit(0);
}

static uint64_t kill_creation(struct kills *kills, uint64_t *chance)
{
    char path[128], image[136];
    struct slot slots[CREATORS] = {{0}}, checker = {.role = OPENER};
    uint64_t count = 0;
    for (size_t i = 0; i < CREATORS; i++)
        atomic_store(&kills->shared->early[i], 0);
    stress_path(kills->stress, "early.crm", path, sizeof path);
    snprintf(image, sizeof image, "%s-index", path);
    for (uint64_t t = 0; t < CREATORS; t++) {
        slots[t] = (struct slot){.pid = start_child(), .role = OPENER};
        if (slots[t].pid == 0)
            create_and_commit(kills, path, t);
    }
    for (size_t i = 0; i < CREATORS; i++) {
        (void)usleep(stress_below(chance, 700));
        (void)kill(slots[i].pid, SIGKILL);
        int status = end_of(kills, slots[i].pid);
        count += WIFSIGNALED(status) ? 1 : 0;
        check_ended(kills, &slots[i], status);
    }
    checker.pid = start_child();
    if (checker.pid == 0)
        check_created(kills, path);
    check_ended(kills, &checker, end_of(kills, checker.pid));
    (void)unlink(path);
    (void)unlink(image);
    return count;
}

/* ---- the rounds ---- */

/* A new file for the next rounds. */
static void create(struct kills *kills)
{
    crm_error error = {0};
    crm_db *db = NULL;
    (void)unlink(kills->path);
    (void)unlink(kills->image);
    kills_forget(kills);
    if (crm_open(kills->path, NULL, &db, &error) != CRM_OK || kills_members(kills, db, &error) != CRM_OK ||
        crm_close(db) != CRM_OK) {
        fprintf(stderr, "kills: %s\n", error.message);
        exit(2);
    }
}

static void start_all(struct kills *kills, struct slot slots[SLOTS], uint64_t *chance)
{
    for (int i = 0; i < SLOTS; i++) {
        slots[i].role = i < KEPT ? first_roles[i] : (enum role)stress_below(chance, ROLES);
        start(kills, &slots[i], stress_random(chance));
    }
}

static uint64_t kill_rounds(struct kills *kills)
{
    struct slot slots[SLOTS] = {{0}};
    uint64_t chance = kills->stress->seed, count = 0, checks = 0;
    uint64_t most = kills->stress->longer ? LONG_KILLS : SHORT_KILLS;
    while (count < most && kills->stress->failures == 0) {
        if (checks % FILE_EVERY == 0)
            create(kills);
        start_all(kills, slots, &chance);
        wait_for_commits(kills, 3);
        for (int i = 0; i < CHECK_EVERY && kills->stress->failures == 0; i++) {
            count += kill_some(kills, slots, &chance);
            if (i % CREATE_EVERY == 0)
                count += kill_creation(kills, &chance);
        }
        bool killed = checks % 2 == 0;
        end_all(kills, slots, killed);
        count += killed ? SLOTS : 0;
        check_in_child(kills, kills->path, true);
        checks++;
    }
    const _Atomic uint64_t *done = kills->shared->done;
    printf("  %llu commits, %llu looks, %llu feeds, %llu compactions, %llu copies, %llu images, %llu openings; "
           "%llu times held against what was acknowledged\n",
           (unsigned long long)done[WRITER], (unsigned long long)done[READER], (unsigned long long)done[FOLLOWER],
           (unsigned long long)done[COMPACTOR], (unsigned long long)done[COPIER], (unsigned long long)done[IMAGER],
           (unsigned long long)done[OPENER], (unsigned long long)checks);
    return count;
}

int main(int count, char **arguments)
{
    static struct kills kills;
    kills.shared = mmap(NULL, sizeof *kills.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (kills.shared == MAP_FAILED)
        return 2;
    kills.stress = &kills.shared->stress;
    stress_start(kills.stress, count, arguments);
    stress_path(kills.stress, "kills.crm", kills.path, sizeof kills.path);
    stress_path(kills.stress, "kills.crm-index", kills.image, sizeof kills.image);
    uint64_t killed = kill_rounds(&kills);
    kills_full(&kills);
    kills_places(&kills);
    return stress_end(kills.stress, killed, "kills");
}
