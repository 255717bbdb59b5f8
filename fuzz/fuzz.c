/* fuzz.c: see fuzz.h. */
#include "fuzz.h"

#include "../stress/stress.h"
#include "sys/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

_Noreturn void fuzz_fail(const char *file, int line, const char *what)
{
    dprintf(2, "%s:%d: does not hold: %s\n", file, line, what);
    if (folder[0] != 0 && getenv("KEEP") == NULL)
        stress_remove(folder);
    abort();
}

/* ---- input ---- */

uint8_t input_byte(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

uint32_t input_u16(struct input *input)
{
    uint32_t low = input_byte(input);
    return low | (uint32_t)input_byte(input) << 8;
}

uint64_t input_u64(struct input *input)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)input_byte(input) << (8 * i);
    return value;
}

struct input input_until(struct input *input, uint8_t end)
{
    size_t left = input_left(input);
    const uint8_t *found = left == 0 ? NULL : memchr(input->at, end, left);
    struct input part = {input->at, found != NULL ? found : input->end};
    input->at = found != NULL ? found + 1 : input->end;
    return part;
}

/* ---- files ---- */

static void remove_folder(void)
{
    stress_remove(folder);
}

const char *fuzz_path(const char *name)
{
    enum { PATHS = 16 };
    static char paths[PATHS][128];
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%s/crm-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (mkdtemp(folder) == NULL)
            fuzz_fail(__FILE__, __LINE__, "a folder can be made");
        (void)atexit(remove_folder);
    }
    for (int i = 0; i < PATHS; i++) {
        if (paths[i][0] == '\0')
            snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
        if (strcmp(strrchr(paths[i], '/') + 1, name) == 0)
            return paths[i];
    }
    fuzz_fail(__FILE__, __LINE__, "there is room for the path");
}

void fuzz_store(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    MUST(file != NULL);
    MUST(fwrite(bytes, 1, length, file) == length);
    MUST(fclose(file) == 0);
}

uint8_t *fuzz_load(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    *length = 0;
    if (file == NULL)
        return NULL;
    MUST(fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    MUST(size >= 0);
    rewind(file);
    uint8_t *bytes = malloc((size_t)size + 1);
    MUST(bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size);
    (void)fclose(file);
    *length = (size_t)size;
    return bytes;
}

void fuzz_unlink(const char *path)
{
    static const char *const endings[] = {"", "-index", "-index.tmp", "-compact"};
    char name[160];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

/* ---- memory ---- */

enum { LARGE = 1 << 17, SPARE = 8, BEFORE = 16 };
static struct {
    uint8_t *block;
    size_t size;
} spare[SPARE];

static uint8_t *block_take(size_t size)
{
    for (int i = 0; i < SPARE && size >= LARGE; i++) {
        uint8_t *block = spare[i].block;
        if (block != NULL && spare[i].size == size) {
            spare[i].block = NULL;
            return block;
        }
    }
    return malloc(BEFORE + size);
}

static void block_give(uint8_t *block, size_t size)
{
    for (int i = 0; i < SPARE && size >= LARGE; i++) {
        if (spare[i].block == NULL) {
            spare[i].block = block;
            spare[i].size = size;
            return;
        }
    }
    free(block);
}

static void *resize(void *context, void *old, size_t size)
{
    (void)context;
    uint8_t *before = old == NULL ? NULL : (uint8_t *)old - BEFORE;
    uint8_t *block = size == 0 ? NULL : block_take(size);
    size_t had = 0;
    if (before != NULL)
        memcpy(&had, before, sizeof had);
    if (block != NULL) {
        memcpy(block, &size, sizeof size);
        if (before != NULL)
            memcpy(block + BEFORE, old, had < size ? had : size);
    }
    if (before != NULL && (block != NULL || size == 0))
        block_give(before, had);
    return block == NULL ? NULL : block + BEFORE;
}

const struct memory *fuzz_memory(void)
{
    static const struct memory memory = {resize, NULL};
    return &memory;
}

/* ---- databases ---- */

int32_t fuzz_open(const char *path, unsigned how, crm_db **db, crm_error *error)
{
    crm_options *options = crm_options_create();
    MUST(options != NULL);
    MUST(crm_options_set_int(options, CRM_OPTION_CREATE, (how & FUZZ_EXISTING) == 0) == CRM_OK);
    MUST(crm_options_set_int(options, CRM_OPTION_READ_ONLY, (how & FUZZ_READ_ONLY) != 0) == CRM_OK);
    MUST(crm_options_set_int(options, CRM_OPTION_IMAGE, (how & FUZZ_IMAGE) != 0) == CRM_OK);
    MUST(crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED) == CRM_OK);
    MUST(crm_options_set_int(options, CRM_OPTION_NOW, FUZZ_NOW) == CRM_OK);
    crm_options_set_allocator(options, resize, NULL);
    int32_t status = crm_open(path, options, db, error);
    crm_options_free(options);
    MUST((status == CRM_OK) == (*db != NULL));
    MUST(status == CRM_OK || error->message[0] != '\0');
    return status;
}

crm_db *fuzz_new(const char *path)
{
    crm_db *db = NULL;
    crm_error error;
    fuzz_unlink(path);
    MUST_OK(fuzz_open(path, 0, &db, &error), &error);
    return db;
}

/* ---- text that grows ---- */

void dump_put(struct dump *dump, const void *bytes, size_t length)
{
    if (dump->length + length + 1 > dump->capacity) {
        dump->capacity = (dump->length + length + 1) * 2;
        dump->bytes = realloc(dump->bytes, dump->capacity);
        MUST(dump->bytes != NULL);
    }
    if (length > 0)
        memcpy(dump->bytes + dump->length, bytes, length);
    dump->length += length;
    dump->bytes[dump->length] = '\0';
}

void dump_print(struct dump *dump, const char *format, ...)
{
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    MUST(length >= 0);
    dump_put(dump, line, (size_t)length);
    free(line);
}

bool dump_equal(const struct dump *a, const struct dump *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}
