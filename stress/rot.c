/* rot: what time, disks and people do to a file, against P3 and P5.
 *
 * Every bit of every byte of small databases is flipped, log and image; they are
 * cut at every length; frames are swapped, repeated and dropped; foreign, stale
 * and future images are laid beside them.  Each must be detected, at opening, at
 * reading or by verify, or be without effect; nothing may crash, hang, or be
 * answered wrong.
 *
 * Cases run in a child that does thousands, in memory; when it crashes or hangs
 * the case is told and another child goes on behind it.
 */
#include "rot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANG_S = 120, CRASHES_MOST = 20 };

/* The library's chance comes from the seed as well: the same seed gives the
 * same bytes.  Linked before the C library's. */
static uint64_t library_chance;

ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    uint8_t *bytes = buffer;
    (void)flags;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)stress_random(&library_chance);
    return (ssize_t)length;
}

/* ---- running them ---- */

static bool chosen(const struct rot *rot, const struct group *group, uint64_t index)
{
    uint64_t state = rot->stress->seed ^ index << 8;
    return rot->stress->longer || stress_random(&state) % group->one_in == 0;
}

static void child(struct rot *rot, const struct group *group, uint64_t count)
{
    for (uint64_t i = rot->shared->next; i < count; i++) {
        rot->shared->next = i;
        if (!chosen(rot, group, i))
            continue;
        (void)alarm(HANG_S);
        group->run(rot, i);
    }
    rot->shared->next = count;
    (void)fflush(NULL);
    _exit(0);
}

static void run_group(struct rot *rot, const struct group *group)
{
    uint64_t count = group->count(rot), before = rot->shared->cases;
    rot->shared->next = 0;
    for (int crashes = 0; rot->shared->next < count && crashes < CRASHES_MOST;) {
        int status = 0;
        (void)fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            child(rot, group, count);
        if (pid < 0 || waitpid(pid, &status, 0) != pid) {
            perror("rot");
            exit(2);
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == ROT_GO_ON)
            rot->shared->next++;
        if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ROT_GO_ON))
            continue;
        stress_fail(rot->stress, "%s: %s", rot->shared->now,
                    WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "ended by itself");
        rot->shared->next++;
        crashes++;
    }
    printf("  %s: %llu\n", group->name, (unsigned long long)(rot->shared->cases - before));
    (void)fflush(stdout);
}

int main(int count, char **arguments)
{
    static struct rot rot;
    rot.shared = mmap(NULL, sizeof *rot.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (rot.shared == MAP_FAILED)
        return 2;
    rot.stress = &rot.shared->stress;
    stress_start(rot.stress, count, arguments);
    stress_path(rot.stress, "t.crm", rot.path, sizeof rot.path);
    stress_path(rot.stress, "t.crm-index", rot.image, sizeof rot.image);
    stress_path(rot.stress, "spare", rot.spare, sizeof rot.spare);
    library_chance = rot.stress->seed;
    for (int i = 0; i < BASE_COUNT; i++) {
        base_make(&rot, i);
        printf("  base %s: log %zu bytes, %zu transactions; image %zu bytes; %zu questions\n", rot.bases[i].name,
               rot.bases[i].log_size, rot.bases[i].frame_count, rot.bases[i].image_size, rot.bases[i].questions.count);
    }
    images_make(&rot);
    for (size_t i = 0; i < rot_cases_count; i++)
        run_group(&rot, &rot_cases[i]);
    run_group(&rot, &rot_recoveries);
    run_group(&rot, &rot_open_handles);
    large_make(&rot);
    run_group(&rot, &rot_large);
    large_free();
    if (rot.shared->ended > 0)
        printf("  of these read where the file had been cut, and were ended by the system: %llu\n",
               (unsigned long long)rot.shared->ended);
    images_free(&rot);
    for (int i = 0; i < BASE_COUNT; i++)
        base_free(&rot.bases[i]);
    return stress_end(rot.stress, rot.shared->cases, "damages");
}
