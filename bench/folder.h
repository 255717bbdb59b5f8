/* folder: what a database is on disk: the files of its folder. */
#ifndef BENCH_FOLDER_H
#define BENCH_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FOLDER_PATH = 4096 };

bool folder_make(const char *path);
/* Removes the files in it; it stays. */
bool folder_empty(const char *path);
void folder_remove(const char *path);
/* Bytes allocated to its files, and their lengths. */
void folder_size(const char *path, uint64_t *allocated, uint64_t *length);
/* Copies the files of `from` into `to`, which is emptied first; holes stay holes. */
bool folder_copy(const char *from, const char *to);
/* A sum over a file's lines in whatever order; 0: it could not be read. */
uint64_t file_sum(const char *path);

#endif
