/* linear: what those who record histories share, threads or processes: one
 * clock, a starting gun, and for each a script whose answers it writes down.
 *
 * All of it lies in memory that children share, so that one piece of code
 * serves threads on one handle, threads with a handle each, and processes.
 */
#ifndef STRESS_LINEAR_H
#define STRESS_LINEAR_H

#include "linear_search.h"
#include "slow.h"

#include <crm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum { WORKERS_MOST = 4, SCRIPT_MOST = 4, TROUBLES = 640 };

/* Besides the operations of a history: what must not be noticed in it. */
enum { DISTURB_COMPACT = OPERATIONS, DISTURB_REBUILD, DISTURB_SYNC, DISTURB_REOPEN, DISTURBANCES };

struct script {
    size_t count;
    struct operation operations[SCRIPT_MOST];
    uint64_t chance;        /* for the pauses within */
    char trouble[TROUBLES]; /* an answer that no operation may have; empty: none */
};

/* How a worker opens the file. */
struct manner {
    int durability;
    bool read_only;
    bool polls; /* waits for locks by trying again, not in the kernel */
};

struct scene {
    const struct file_ops *files;
    char path[128];
    uint32_t value, login, mark; /* a user's own fields: of customers, contacts, contacts */
    crm_id registers[REGISTERS], deals[DEALS], stages[STAGES];
    struct manner manners[WORKERS_MOST];
    struct script scripts[WORKERS_MOST];
    _Atomic uint64_t ticks; /* the one clock */
    _Atomic uint32_t round; /* the history that all may start with; UINT32_MAX: it is over */
    _Atomic uint32_t ended; /* how many have ended theirs */
};

/* Who works on what. */
enum { ONE_HANDLE, OWN_HANDLES, PAIRS, OWN_PROCESSES, PROCESS_PAIRS, PLACES };

/* linear_crew.c */
struct crew {
    struct scene *scene;
    int place;
    uint32_t count; /* of workers; in pairs an even one */
    pthread_t threads[WORKERS_MOST];
    pid_t children[WORKERS_MOST];
};
bool crew_in_pairs(int place);
bool crew_in_processes(int place);
/* Those in processes are made before the caller has a handle, which would not
 * survive the fork.  `db` is for those who share the caller's. */
void crew_start(struct crew *crew, crm_db *db);
bool crew_run(struct crew *crew, uint32_t round); /* false: a process ended in the middle */
bool crew_end(struct crew *crew);                 /* false: a process did not end well */

/* linear_work.c */
crm_db *linear_open(const struct scene *scene, const struct manner *manner, char trouble[TROUBLES]);
/* One script a round, until the scene is over.  `db` NULL: opens its own, and closes it. */
void linear_work(struct scene *scene, uint32_t worker, crm_db *db);
/* Waits a little: `turns` counts how often it was asked in a row. */
void linear_wait(uint32_t *turns);
/* One operation; false: `trouble` says what went wrong. */
bool linear_perform(struct scene *scene, crm_db *db, uint64_t *chance, struct operation *operation,
                    char trouble[TROUBLES]);

#endif
