/* folder: see folder.h. */
#include "folder.h"

#include "data.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME = 256, PIECE = 1 << 20 };

bool folder_make(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    perror(path);
    return false;
}

/* What is done with each file: its path, its name. */
typedef bool visit(void *context, const char *path, const char *name);

static bool folder_visit(const char *folder, visit *each, void *context)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    bool ok = directory != NULL;
    while (ok && (entry = readdir(directory)) != NULL) {
        char path[FOLDER_PATH + NAME];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ok = each(context, path, entry->d_name);
    }
    if (directory != NULL)
        closedir(directory);
    return ok;
}

static bool visit_remove(void *context, const char *path, const char *name)
{
    (void)context, (void)name;
    if (unlink(path) == 0)
        return true;
    perror(path);
    return false;
}

bool folder_empty(const char *path)
{
    return folder_make(path) && folder_visit(path, visit_remove, NULL);
}

void folder_remove(const char *path)
{
    folder_visit(path, visit_remove, NULL);
    rmdir(path);
}

static bool visit_size(void *context, const char *path, const char *name)
{
    uint64_t *sizes = context;
    struct stat status;
    (void)name;
    if (stat(path, &status) == 0) {
        sizes[0] += (uint64_t)status.st_blocks * 512;
        sizes[1] += (uint64_t)status.st_size;
    }
    return true;
}

void folder_size(const char *path, uint64_t *allocated, uint64_t *length)
{
    uint64_t sizes[2] = {0};
    folder_visit(path, visit_size, sizes);
    *allocated = sizes[0];
    *length = sizes[1];
}

/* One stretch of data between two holes. */
static bool copy_stretch(int from, int to, off_t at, off_t end, char *piece)
{
    while (at < end) {
        size_t wanted = end - at < PIECE ? (size_t)(end - at) : PIECE;
        ssize_t got = pread(from, piece, wanted, at);
        if (got <= 0 || pwrite(to, piece, (size_t)got, at) != got)
            return false;
        at += got;
    }
    return true;
}

static bool visit_copy(void *context, const char *path, const char *name)
{
    char target[FOLDER_PATH + NAME], *piece = malloc(PIECE);
    struct stat status;
    snprintf(target, sizeof target, "%s/%s", (const char *)context, name);
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open(target, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    bool ok = piece != NULL && from >= 0 && to >= 0 && fstat(from, &status) == 0 && ftruncate(to, status.st_size) == 0;
    off_t end = 0, at;
    while (ok && (at = lseek(from, end, SEEK_DATA)) >= 0) {
        end = lseek(from, at, SEEK_HOLE);
        ok = end > at && copy_stretch(from, to, at, end, piece);
    }
    if (!ok)
        perror(target);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    free(piece);
    return ok;
}

bool folder_copy(const char *from, const char *to)
{
    char target[FOLDER_PATH];
    snprintf(target, sizeof target, "%s", to);
    return folder_empty(to) && folder_visit(from, visit_copy, target);
}

uint64_t file_sum(const char *path)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    FILE *file = fopen(path, "rb");
    uint64_t sum = 0;
    while (file != NULL && (length = getline(&line, &capacity, file)) > 0)
        sum += data_mix_text(0, line, (size_t)length);
    if (file != NULL)
        fclose(file);
    free(line);
    return sum;
}
