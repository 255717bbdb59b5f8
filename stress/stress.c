/* stress.c: see stress.h. */
#include "stress.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOLD_MOST = 20 };

static void usage(const char *program)
{
    fprintf(stderr, "usage: %s [--seed N] [--long]\n", program);
    exit(2);
}

static void make_folder(struct stress *stress)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(stress->folder, sizeof stress->folder, "%s/crm-stress-XXXXXX", base);
    if (mkdtemp(stress->folder) == NULL) {
        fprintf(stderr, "%s: cannot make a folder in %s\n", stress->program, base);
        exit(2);
    }
}

void stress_start(struct stress *stress, int count, char **arguments)
{
    const char *slash = strrchr(arguments[0], '/');
    *stress = (struct stress){.program = slash != NULL ? slash + 1 : arguments[0], .seed = 1};
    for (int i = 1; i < count; i++) {
        char *end = NULL;
        if (strcmp(arguments[i], "--long") == 0) {
            stress->longer = true;
        } else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count) {
            stress->seed = strtoull(arguments[++i], &end, 10);
            if (end == arguments[i] || *end != '\0')
                usage(stress->program);
        } else {
            usage(stress->program);
        }
    }
    make_folder(stress);
    printf("%s: seed %llu%s\n", stress->program, (unsigned long long)stress->seed, stress->longer ? ", long" : "");
    (void)fflush(stdout);
}

void stress_fail(struct stress *stress, const char *format, ...)
{
    va_list arguments;
    stress->failures++;
    if (stress->failures > TOLD_MOST)
        return;
    fprintf(stderr, "%s, seed %llu: ", stress->program, (unsigned long long)stress->seed);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    if (stress->failures == TOLD_MOST)
        fprintf(stderr, "%s: further failures are only counted\n", stress->program);
}

int stress_end(struct stress *stress, uint64_t count, const char *things)
{
    stress_remove(stress->folder);
    printf("%llu %s, %llu failures\n", (unsigned long long)count, things, (unsigned long long)stress->failures);
    return stress->failures == 0 && count > 0 ? 0 : 1;
}

void stress_path(const struct stress *stress, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", stress->folder, name);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

void stress_remove(const char *folder)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

uint64_t stress_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint32_t stress_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((stress_random(state) >> 32) * bound >> 32);
}
