/* engine: what both sides need of files. */
#include "engine.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

void engine_file_size(const char *path, const char *suffix, uint64_t *allocated, uint64_t *length)
{
    char whole[PATH_SIZE + 16];
    struct stat status;
    snprintf(whole, sizeof whole, "%s%s", path, suffix);
    if (stat(whole, &status) != 0)
        return;
    *allocated += (uint64_t)status.st_blocks * 512;
    *length += (uint64_t)status.st_size;
}

void engine_file_remove(const char *path, const char *suffix)
{
    char whole[PATH_SIZE + 16];
    snprintf(whole, sizeof whole, "%s%s", path, suffix);
    unlink(whole);
}
