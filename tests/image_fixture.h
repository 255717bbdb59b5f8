/* image_fixture: a folder for an image, an arena with one of each structure in
 * it, and the bytes of the file. */
#ifndef TESTS_IMAGE_FIXTURE_H
#define TESTS_IMAGE_FIXTURE_H

#include "store/image.h"
#include "store/tree.h"

#include <check.h>

/* ck_assert writes to a file each time, which is too slow for inner loops. */
#define MUST(condition)                     \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

/* Bytes of the header (docs/INDEXES.md). */
enum {
    AT_VERSION = 8,
    AT_GENERATION = 32,
    AT_TABLE_CRC = 68,
    AT_USED = 72,
    AT_BLOCKS = 80,
    AT_PACKED = 88,
    AT_CRC = 100
};

extern char image_path[96];    /* of the image */
extern char image_beside[112]; /* where it is written first */
extern const struct image_point written;

void folder_make(void);
void folder_remove(void);
uint64_t random_next(uint64_t *state);

/* The offsets of what was put in lie in the root, as a model would keep them. */
struct roots {
    uint64_t tree, texts, table, column;
};
const struct roots *roots_of(struct arena *arena);
struct tree_key key_of(uint32_t n);
/* Records `first` to `end` - 1 into every structure. */
void image_fill(struct arena *arena, uint32_t first, uint32_t end);
struct arena *arena_make(uint32_t count);
/* Whether all that image_fill put in is there; false when damage was met. */
bool reads_right(struct arena *arena, uint32_t count);

void image_put(struct arena *arena);
int32_t image_get(struct arena **out);

size_t file_read(uint8_t **bytes); /* free() them */
void file_write(const uint8_t *bytes, size_t size);
void header_seal(uint8_t *bytes); /* its CRC set right */

#endif
