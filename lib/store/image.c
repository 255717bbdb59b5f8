/* image: writes an arena to a file and maps it back.
 *
 *   block 0            header
 *   blocks 1 .. n      the arena's first n blocks; all-zero ones are holes
 *   then               n CRC-32C, one a block
 *
 * Opening reads the header and the table of CRCs (4 bytes for 4 KiB) and maps
 * the rest; blocks are checked when they are first touched.  Where the file
 * cannot be mapped at a given address (a simulated disk, a system with larger
 * pages) it is read instead.
 *
 * A file whose CRCs are all right may still have been made by an attacker:
 * what is checked here is only that the sizes agree and everything lies inside
 * the file; what the arena's bytes say is checked by those who read them.
 */
#include "store/image.h"

#include "sys/checksum.h"
#include "sys/error.h"

#include <string.h>

enum {
    IMAGE_VERSION = 1,
    WRITE_BLOCKS = 256 /* blocks a write: 1 MiB */
};

static const uint64_t image_magic = UINT64_C(0x31676d496d724360); /* read back wrong by another byte order */
static const uint64_t blocks_most = UINT64_C(1) << 25;            /* 128 GiB */

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t layout;
    crm_id file;
    uint64_t generation;
    uint64_t at_offset, at_lsn;
    int64_t at_time;
    uint32_t at_crc;
    uint32_t table_crc;
    uint64_t used;   /* bytes of the arena */
    uint64_t blocks; /* that it takes */
    uint32_t unused;
    uint32_t crc;    /* of all before */
};

static bool block_is_zero(const uint8_t *block)
{
    return block[0] == 0 && memcmp(block, block + 1, ARENA_BLOCK - 1) == 0;
}

/* The arena's block, its bytes behind `used` as zeros. */
static const uint8_t *block_bytes(const struct arena *arena, uint64_t block, uint8_t *spare)
{
    const uint8_t *bytes = arena->base + block * ARENA_BLOCK;
    uint64_t length = arena->used - block * ARENA_BLOCK;
    if (length >= ARENA_BLOCK)
        return bytes;
    memcpy(spare, bytes, (size_t)length);
    memset(spare + length, 0, ARENA_BLOCK - (size_t)length);
    return spare;
}

/* Writes blocks [first, end) save all-zero ones, in as few calls as that
 * allows, and fills in their CRCs. */
static int32_t write_blocks(const struct file_ops *files, struct file *file, struct arena *arena, uint64_t first,
                            uint64_t end, uint32_t *crcs, int *system_error)
{
    uint8_t spare[ARENA_BLOCK];
    int32_t status = CRM_OK;
    uint64_t run = first;
    for (uint64_t block = first; block < end && status == CRM_OK; block++) {
        const uint8_t *bytes = block_bytes(arena, block, spare);
        bool zero = block_is_zero(bytes);
        if (bytes == spare || zero) {
            if (block > run)
                status = files->write(file, (run + 1) * ARENA_BLOCK, arena->base + run * ARENA_BLOCK,
                                      (size_t)(block - run) * ARENA_BLOCK, system_error);
            if (status == CRM_OK && !zero)
                status = files->write(file, (block + 1) * ARENA_BLOCK, bytes, ARENA_BLOCK, system_error);
            run = block + 1;
        }
        crcs[block] = crc32c(0, bytes, ARENA_BLOCK);
    }
    if (status == CRM_OK && end > run)
        status = files->write(file, (run + 1) * ARENA_BLOCK, arena->base + run * ARENA_BLOCK,
                              (size_t)(end - run) * ARENA_BLOCK, system_error);
    return status;
}

static int32_t write_header(const struct file_ops *files, struct file *file, const struct arena *arena,
                            const struct image_point *point, uint64_t blocks, uint32_t table_crc, int *system_error)
{
    uint8_t bytes[ARENA_BLOCK] = { 0 };
    struct image_header header;
    memset(&header, 0, sizeof header);
    header.magic = image_magic;
    header.version = IMAGE_VERSION;
    header.layout = point->layout;
    header.file = point->file;
    header.generation = point->generation;
    header.at_offset = point->at.offset;
    header.at_lsn = point->at.lsn;
    header.at_time = point->at.time;
    header.at_crc = point->at.crc;
    header.table_crc = table_crc;
    header.used = arena->used;
    header.blocks = blocks;
    memcpy(bytes, &header, sizeof header);
    header.crc = crc32c(0, bytes, offsetof(struct image_header, crc));
    memcpy(bytes, &header, sizeof header);
    return files->write(file, 0, bytes, sizeof bytes, system_error);
}

static int32_t write_file(const struct file_ops *files, struct file *file, struct arena *arena,
                          const struct image_point *point, uint32_t *crcs, uint64_t blocks, int *system_error)
{
    size_t table = (size_t)blocks * sizeof *crcs;
    uint64_t table_at = (blocks + 1) * ARENA_BLOCK;
    int32_t status = files->truncate(file, table_at + table, system_error);
    for (uint64_t first = 0; first < blocks && status == CRM_OK; first += WRITE_BLOCKS) {
        uint64_t end = blocks - first < WRITE_BLOCKS ? blocks : first + WRITE_BLOCKS;
        /* a block that was never looked at must not get a fresh CRC over old damage */
        if (arena->unchecked != NULL && !arena_check(arena, first * ARENA_BLOCK, (size_t)(end - first) * ARENA_BLOCK))
            return CRM_CORRUPT;
        status = write_blocks(files, file, arena, first, end, crcs, system_error);
    }
    if (status == CRM_OK)
        status = files->write(file, table_at, crcs, table, system_error);
    if (status == CRM_OK)
        status = write_header(files, file, arena, point, blocks, crc32c(0, crcs, table), system_error);
    return status;
}

static char *path_with(const struct memory *memory, const char *path, const char *ending)
{
    size_t length = strlen(path);
    size_t length_ending = strlen(ending);
    char *joined = memory_alloc(memory, length + length_ending + 1);
    if (joined != NULL) {
        memcpy(joined, path, length);
        memcpy(joined + length, ending, length_ending + 1);
    }
    return joined;
}

int32_t image_write(const struct file_ops *files, const char *path, struct arena *arena,
                    const struct image_point *point, crm_error *error)
{
    uint64_t blocks = (arena->used + ARENA_BLOCK - 1) / ARENA_BLOCK;
    char *beside = path_with(arena->memory, path, ".tmp");
    uint32_t *crcs = memory_zero(arena->memory, (size_t)blocks, sizeof *crcs);
    struct file *file = NULL;
    int system_error = 0;
    int32_t status = CRM_NOMEM;
    if (beside == NULL || crcs == NULL || blocks > blocks_most)
        goto out;
    (void)files->unlink(files->context, beside, &system_error); /* one that a crash left behind */
    system_error = 0;
    status = files->open(files->context, beside, FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &file,
                         &system_error);
    if (status != CRM_OK)
        goto out;
    status = write_file(files, file, arena, point, crcs, blocks, &system_error);
    files->close(file);
    if (status == CRM_OK)
        status = files->rename(files->context, beside, path, &system_error);
    if (status != CRM_OK) {
        int ignored;
        (void)files->unlink(files->context, beside, &ignored);
    }
out:
    if (status == CRM_NOMEM)
        (void)error_nomem(error);
    else if (status == CRM_CORRUPT)
        (void)error_set(error, status, "%s: the index image is damaged", path);
    else if (status != CRM_OK)
        (void)error_system(error, status, system_error, "%s: cannot write the index image", path);
    memory_free(arena->memory, crcs);
    memory_free(arena->memory, beside);
    return status;
}

static bool read_exact(const struct file_ops *files, struct file *file, uint64_t offset, void *bytes, size_t length)
{
    size_t got = 0;
    int system_error;
    return files->read(file, offset, bytes, length, &got, &system_error) == CRM_OK && got == length;
}

static bool header_read(const struct file_ops *files, struct file *file, struct image_header *header)
{
    struct file_identity identity;
    int system_error;
    uint8_t bytes[ARENA_BLOCK];
    if (files->identify(file, &identity, &system_error) != CRM_OK || !read_exact(files, file, 0, bytes, sizeof bytes))
        return false;
    memcpy(header, bytes, sizeof *header);
    return header->magic == image_magic && header->version == IMAGE_VERSION &&
           header->crc == crc32c(0, bytes, offsetof(struct image_header, crc)) && header->blocks <= blocks_most &&
           header->used >= ARENA_FIRST && header->blocks == (header->used + ARENA_BLOCK - 1) / ARENA_BLOCK &&
           identity.size == (header->blocks + 1) * ARENA_BLOCK + header->blocks * sizeof(uint32_t);
}

/* The table of CRCs and a bit for every block that is not checked yet. */
static int32_t checks_read(const struct file_ops *files, struct file *file, const struct image_header *header,
                           struct arena *arena)
{
    size_t blocks = (size_t)header->blocks;
    size_t words = blocks / 64 + 1; /* one bit more than blocks, see arena_checked */
    uint32_t *crcs = memory_alloc(arena->memory, blocks * sizeof *crcs);
    uint64_t *unchecked = memory_zero(arena->memory, words, sizeof *unchecked);
    arena->block_crcs = crcs;
    arena->unchecked = unchecked;
    if (crcs == NULL || unchecked == NULL)
        return CRM_NOMEM;
    if (!read_exact(files, file, (header->blocks + 1) * ARENA_BLOCK, crcs, blocks * sizeof *crcs) ||
        crc32c(0, crcs, blocks * sizeof *crcs) != header->table_crc)
        return CRM_NOT_FOUND;
    memset(unchecked, 0xff, blocks / 64 * sizeof *unchecked);
    unchecked[words - 1] = (UINT64_C(1) << (blocks % 64)) - 1;
    return CRM_OK;
}

static int32_t content_map(const struct file_ops *files, struct file *file, const struct image_header *header,
                           struct arena *arena)
{
    size_t length = (size_t)header->blocks * ARENA_BLOCK;
    void *at = NULL;
    int system_error;
    if (files->map != NULL && files->map(file, ARENA_BLOCK, length, FILE_MAP_PRIVATE_WRITE, arena->base, &at,
                                         &system_error) == CRM_OK &&
        at == arena->base)
        arena->committed = length;
    else if (!arena_commit(arena, length))
        return CRM_NOMEM;
    else if (!read_exact(files, file, ARENA_BLOCK, arena->base, length))
        return CRM_NOT_FOUND;
    arena->image_length = length;
    arena->used = header->used;
    return arena_commit(arena, length) ? CRM_OK : CRM_NOMEM;
}

int32_t image_open(const struct file_ops *files, const struct memory *memory, const char *path,
                   struct image_point *point, struct arena **out, crm_error *error)
{
    struct image_header header;
    struct file *file = NULL;
    struct arena *arena = NULL;
    int system_error = 0;
    int32_t status = files->open(files->context, path, FILE_READ, &file, &system_error);
    if (status != CRM_OK)
        return error_set(error, CRM_NOT_FOUND, "%s: no index image", path);
    status = header_read(files, file, &header) ? CRM_OK : CRM_NOT_FOUND;
    if (status == CRM_OK) {
        /* twice its size, so that a hostile header meets a refusal here and not a full disk later */
        arena = arena_reserve(memory, header.blocks * ARENA_BLOCK * 2);
        status = arena == NULL ? CRM_NOMEM : checks_read(files, file, &header, arena);
    }
    if (status == CRM_OK)
        status = content_map(files, file, &header, arena);
    files->close(file);
    if (status != CRM_OK) {
        arena_free(arena);
        return status == CRM_NOMEM ? error_nomem(error) : error_set(error, status, "%s: no usable index image", path);
    }
    point->file = header.file;
    point->generation = header.generation;
    point->layout = header.layout;
    point->at.offset = header.at_offset;
    point->at.lsn = header.at_lsn;
    point->at.time = header.at_time;
    point->at.crc = header.at_crc;
    *out = arena;
    return CRM_OK;
}

bool image_verify(struct arena *arena)
{
    return (arena->unchecked == NULL || arena_check(arena, 0, (size_t)arena->image_length)) && !arena->damaged;
}
