/* linear_crew.c: the workers of a scene: as threads or as processes, with a
 * handle each, one for two, or one for all.
 */
#include "linear.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool crew_in_pairs(int place)
{
    return place == PAIRS || place == PROCESS_PAIRS;
}

bool crew_in_processes(int place)
{
    return place == OWN_PROCESSES || place == PROCESS_PAIRS;
}

struct start {
    struct scene *scene;
    uint32_t worker;
    bool pair; /* with the next one, on one handle */
    crm_db *db;
};

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "linear: %s cannot be made\n", what);
    exit(1);
}

static void *work(void *context);

static pthread_t start_thread(struct start start)
{
    pthread_t thread = 0;
    struct start *own = malloc(sizeof *own);
    if (own != NULL)
        *own = start;
    if (own == NULL || pthread_create(&thread, NULL, work, own) != 0)
        fail("a thread");
    return thread;
}

static void work_as(struct start start)
{
    struct script *script = &start.scene->scripts[start.worker];
    if (!start.pair) {
        linear_work(start.scene, start.worker, start.db);
        return;
    }
    crm_db *db = linear_open(start.scene, &start.scene->manners[start.worker], script->trouble);
    pthread_t second = start_thread((struct start){start.scene, start.worker + 1, false, db});
    linear_work(start.scene, start.worker, db);
    (void)pthread_join(second, NULL);
    if (crm_close(db) != CRM_OK && script->trouble[0] == '\0')
        (void)snprintf(script->trouble, TROUBLES, "closing failed");
}

static void *work(void *context)
{
    struct start start = *(struct start *)context;
    free(context);
    work_as(start);
    return NULL;
}

static pid_t start_process(struct start start)
{
    pid_t child = fork();
    if (child < 0)
        fail("a process");
    if (child != 0)
        return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it would wait for ever */
    work_as(start);
    _exit(0);
}

void crew_start(struct crew *crew, crm_db *db)
{
    uint32_t step = crew_in_pairs(crew->place) ? 2 : 1;
    atomic_store(&crew->scene->round, 0);
    for (uint32_t i = 0; i < crew->count; i += step) {
        struct start start = {crew->scene, i, step == 2, crew->place == ONE_HANDLE ? db : NULL};
        if (crew_in_processes(crew->place))
            crew->children[i] = start_process(start);
        else
            crew->threads[i] = start_thread(start);
    }
}

bool crew_run(struct crew *crew, uint32_t round)
{
    uint32_t turns = 0;
    atomic_store(&crew->scene->ended, 0);
    atomic_store_explicit(&crew->scene->round, round, memory_order_release);
    while (atomic_load_explicit(&crew->scene->ended, memory_order_acquire) < crew->count) {
        if (crew_in_processes(crew->place) && turns % 256 == 255 && waitpid(-1, NULL, WNOHANG) != 0)
            return false;
        linear_wait(&turns);
    }
    return true;
}

bool crew_end(struct crew *crew)
{
    uint32_t step = crew_in_pairs(crew->place) ? 2 : 1;
    bool fine = true;
    atomic_store(&crew->scene->round, UINT32_MAX);
    for (uint32_t i = 0; i < crew->count; i += step) {
        int status = 0;
        if (!crew_in_processes(crew->place))
            (void)pthread_join(crew->threads[i], NULL);
        else if (waitpid(crew->children[i], &status, 0) != crew->children[i] || status != 0)
            fine = false;
    }
    return fine;
}
