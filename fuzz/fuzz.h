/* fuzz: what the fuzz targets share.
 *
 * A target is fuzz_NAME.c with LLVMFuzzerTestOneInput.  libFuzzer feeds it what
 * it makes up (`make fuzz TARGET=NAME`), replay.c the files of corpus/NAME
 * (`make check`).  A target checks properties, not only that nothing crashes:
 * MUST ends the program where one does not hold.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <crm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
/* libFuzzer's own; a custom mutator calls it for the plain mutations. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t most, unsigned int seed);

#define MUST(condition)                                \
    do {                                               \
        if (!(condition))                              \
            fuzz_fail(__FILE__, __LINE__, #condition); \
    } while (0)
/* The same for a call that fills in `error`. */
#define MUST_OK(call, error)                                 \
    do {                                                     \
        if ((call) != CRM_OK)                                \
            fuzz_fail(__FILE__, __LINE__, (error)->message); \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* ---- input ---- */

struct input {
    const uint8_t *at, *end;
};

/* The next byte, 0 when there is none. */
uint8_t input_byte(struct input *input);
uint32_t input_u16(struct input *input);
uint64_t input_u64(struct input *input);
/* What comes before the next byte `end`, which is taken too; or all of the rest. */
struct input input_until(struct input *input, uint8_t end);
static inline size_t input_left(const struct input *input)
{
    return (size_t)(input->end - input->at);
}

/* ---- files ---- */

/* A path in a folder of this process, in memory where there is such a file
 * system; the folder goes when the process ends.  Borrowed for ever. */
const char *fuzz_path(const char *name);
void fuzz_store(const char *path, const void *bytes, size_t length);
/* Owned: free.  NULL when there is none. */
uint8_t *fuzz_load(const char *path, size_t *length);
/* The file, its index file, and what may have been left of writing one. */
void fuzz_unlink(const char *path);

/* ---- memory ---- */

/* malloc and free but for large blocks: from the sanitizer they come page by
 * page, which is most of the time of whoever takes some at each run.  A block is
 * used again only for the same size, so its ends stay guarded. */
struct memory; /* sys/memory.h */
const struct memory *fuzz_memory(void);

/* ---- databases ---- */

enum { FUZZ_READ_ONLY = 1, FUZZ_IMAGE = 2, FUZZ_EXISTING = 4 };
#define FUZZ_NOW INT64_C(1700000000000000)

/* Deferred durability, a clock that stands still at FUZZ_NOW. */
int32_t fuzz_open(const char *path, unsigned how, crm_db **db, crm_error *error);
/* A new file at `path`; whatever was there is gone. */
crm_db *fuzz_new(const char *path);

/* ---- text that grows ---- */

struct dump {
    char *bytes; /* NUL-terminated once something was put */
    size_t length, capacity;
};
void dump_put(struct dump *dump, const void *bytes, size_t length);
void dump_print(struct dump *dump, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool dump_equal(const struct dump *a, const struct dump *b);

#endif
