/* image_fixture: see image_fixture.h. */
#include "image_fixture.h"

#include "store/column.h"
#include "store/hash.h"
#include "sys/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
char image_path[96];
char image_beside[112];

void folder_make(void)
{
    snprintf(folder, sizeof folder, "/tmp/crm-image-XXXXXX");
    MUST(mkdtemp(folder) != NULL);
    snprintf(image_path, sizeof image_path, "%s/a.crm-index", folder);
    snprintf(image_beside, sizeof image_beside, "%s.tmp", image_path);
}

void folder_remove(void)
{
    (void)unlink(image_path);
    (void)unlink(image_beside);
    (void)rmdir(folder);
}

uint64_t random_next(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

const struct roots *roots_of(struct arena *arena)
{
    return arena_at(arena, ARENA_ROOT, sizeof(struct roots));
}

struct tree_key key_of(uint32_t n)
{
    uint64_t state = n;
    return (struct tree_key){random_next(&state) % 50, n};
}

void image_fill(struct arena *arena, uint32_t first, uint32_t end)
{
    const struct roots *roots = roots_of(arena);
    MUST(roots != NULL && column_reserve(arena, roots->column, end));
    for (uint32_t n = first; n < end; n++) {
        char text[32];
        snprintf(text, sizeof text, "customer number %u", (unsigned)n);
        uint64_t state = n;
        MUST(tree_insert(arena, roots->tree, key_of(n)));
        MUST(tree_insert_text(arena, roots->texts, (struct tree_text){(uint8_t *)text, (uint32_t)strlen(text), n}));
        MUST(hash_insert(arena, roots->table, random_next(&state), n));
        uint32_t *cell = column_at(arena, roots->column, n, sizeof *cell);
        MUST(cell != NULL);
        *cell = n;
    }
}

struct arena *arena_make(uint32_t count)
{
    struct arena *arena = NULL;
    MUST(arena_create(memory_default(), &arena, NULL) == CRM_OK);
    struct roots *roots = arena_at(arena, ARENA_ROOT, sizeof *roots);
    roots->tree = tree_create(arena, TREE_PLAIN);
    roots->texts = tree_create(arena, TREE_TEXT);
    roots->table = hash_create(arena);
    roots->column = column_create(arena, 4, UINT32_MAX);
    image_fill(arena, 0, count);
    return arena;
}

bool reads_right(struct arena *arena, uint32_t count)
{
    const struct roots *roots = roots_of(arena);
    struct tree_cursor cursor;
    struct tree_key key;
    struct hash_cursor slots;
    char fault[160];
    if (roots == NULL || !tree_verify(arena, roots->tree, fault, sizeof fault) ||
        !tree_verify(arena, roots->texts, fault, sizeof fault) || !hash_verify(arena, roots->table))
        return false;
    if (tree_count(arena, roots->tree) != count || tree_count(arena, roots->texts) != count)
        return false;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t number = 0;
        uint64_t state = n;
        const uint32_t *cell = column_at(arena, roots->column, n, sizeof *cell);
        tree_seek(arena, roots->tree, key_of(n), &cursor);
        if (!tree_next(arena, roots->tree, &cursor, &key) || key.low != n || cell == NULL || *cell != n)
            return false;
        hash_find(arena, roots->table, random_next(&state), &slots);
        if (!hash_next(arena, roots->table, &slots, &number) || number != n)
            return false;
    }
    return true;
}

const struct image_point written = {.file = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
                                    .generation = 3,
                                    .at = {.offset = 8192, .lsn = 77, .time = -5, .crc = 0xdeadbeef},
                                    .layout = 12};

void image_put(struct arena *arena)
{
    crm_error error;
    MUST(image_write(file_ops_default(), image_path, arena, &written, &error) == CRM_OK);
}

int32_t image_get(struct arena **out)
{
    struct image_point point;
    *out = NULL;
    return image_open(file_ops_default(), memory_default(), image_path, &point, out, NULL);
}

size_t file_read(uint8_t **bytes)
{
    FILE *file = fopen(image_path, "rb");
    MUST(file != NULL && fseek(file, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(file);
    rewind(file);
    *bytes = malloc(size);
    MUST(*bytes != NULL && fread(*bytes, 1, size, file) == size);
    fclose(file);
    return size;
}

void file_write(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(image_path, "wb");
    MUST(file != NULL && fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

void header_seal(uint8_t *bytes)
{
    uint32_t crc = crc32c(0, bytes, AT_CRC);
    memcpy(bytes + AT_CRC, &crc, sizeof crc);
}
