/* children: see children.h. */
#include "children.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct children {
    pid_t parent; /* of the children: the process that was split off */
    int requests, answers;
};

struct request {
    int side;
    enum child_task task;
    int64_t now;
};

/* ------------------------------------------------------------ in a child */

/* A line of /proc/self/status, in bytes. */
static uint64_t status_bytes(const char *name)
{
    char line[256];
    unsigned long long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    size_t length = strlen(name);
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            value = strtoull(line + length + 1, NULL, 10);
    if (file != NULL)
        fclose(file);
    return value * 1024;
}

/* The highest so far counts from now on. */
static void reset_peak(void)
{
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        if (write(file, "5", 1) != 1)
            perror("/proc/self/clear_refs");
        close(file);
    }
}

static uint64_t beyond(uint64_t value, uint64_t base)
{
    return value > base ? value - base : 0;
}

static bool child_load(struct bench *bench, const struct side *side)
{
    char folder[FOLDER_PATH];
    bench_path(bench, side, "memory", folder);
    void *self = folder_empty(folder) ? side->engine->create(bench->data, folder) : NULL;
    return self != NULL && side->engine->load(self, false);
}

static bool child_rest(const struct side *side, uint64_t *sum)
{
    bool ok = side->engine->open(side->self, ENGINE_NORMAL);
    for (uint32_t i = 0; ok && i < CHILD_LOOKUPS; i++)
        ok = side->engine->questions[ASK_ID](side->self, i, sum);
    return ok;
}

static bool child_crash(const struct bench *bench, const struct side *side, int64_t now)
{
    const struct engine *engine = side->engine;
    bool ok = engine->open(side->self, ENGINE_NORMAL);
    for (uint32_t i = 0; ok && i < CHILD_COMMITS; i++)
        ok = engine->begin(side->self, now + i) &&
             engine->changes[CHANGE_ADD](side->self, bench->data->picks[i], now + i) && engine->commit(side->self);
    if (ok)
        raise(SIGKILL);
    return false;
}

static struct child_answer child(struct bench *bench, const struct request *request)
{
    const struct side *side = &bench->sides[request->side];
    struct child_answer answer = {0};
    malloc_trim(0);
    reset_peak();
    uint64_t resident = status_bytes("VmRSS"), anonymous = status_bytes("RssAnon");
    switch (request->task) {
    case CHILD_LOAD: answer.ok = child_load(bench, side); break;
    case CHILD_REST: answer.ok = child_rest(side, &answer.sum); break;
    case CHILD_CRASH: answer.ok = child_crash(bench, side, request->now); break;
    case CHILD_TASKS: break;
    }
    answer.peak = beyond(status_bytes("VmHWM"), resident);
    answer.resident = beyond(status_bytes("VmRSS"), resident);
    answer.anonymous = beyond(status_bytes("RssAnon"), anonymous);
    return answer;
}

/* ------------------------------------------------------------ their parent */

/* What the child says; for a crash: whether it was killed as it should. */
static struct child_answer answer_of(struct bench *bench, const struct request *request)
{
    struct child_answer answer = {0};
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return answer;
    pid_t pid = fork();
    if (pid == 0) {
        answer = child(bench, request);
        _exit(write(ends[1], &answer, sizeof answer) == (ssize_t)sizeof answer ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &answer, sizeof answer) != (ssize_t)sizeof answer)
        answer.ok = false;
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        answer.ok = false;
    else if (request->task == CHILD_CRASH)
        answer.ok = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return answer;
}

static void serve(struct bench *bench, int requests, int answers)
{
    struct request request;
    while (read(requests, &request, sizeof request) == (ssize_t)sizeof request) {
        struct child_answer answer = answer_of(bench, &request);
        if (write(answers, &answer, sizeof answer) != (ssize_t)sizeof answer)
            break;
    }
    _exit(0);
}

/* ------------------------------------------------------------ from outside */

bool children_start(struct bench *bench)
{
    struct children *children = calloc(1, sizeof *children);
    int down[2], up[2];
    if (children == NULL || pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) {
        free(children);
        return false;
    }
    fflush(NULL);
    children->parent = fork();
    if (children->parent == 0) {
        close(down[1]);
        close(up[0]);
        serve(bench, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    children->requests = down[1];
    children->answers = up[0];
    bench->children = children;
    return children->parent > 0;
}

struct child_answer children_do(const struct bench *bench, int side, enum child_task task, int64_t now)
{
    const struct request request = {side, task, now};
    struct child_answer answer = {0};
    if (write(bench->children->requests, &request, sizeof request) != (ssize_t)sizeof request ||
        read(bench->children->answers, &answer, sizeof answer) != (ssize_t)sizeof answer)
        answer.ok = false;
    return answer;
}

void children_end(struct bench *bench)
{
    if (bench->children == NULL)
        return;
    close(bench->children->requests);
    close(bench->children->answers);
    waitpid(bench->children->parent, NULL, 0);
    free(bench->children);
    bench->children = NULL;
}
