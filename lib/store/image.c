/* image: writes an arena to a file and opens it again.
 *
 *   4096 bytes     header
 *   then           the arena's blocks, packed, one behind the other
 *   then           for each block its CRC-32C and its length, packed
 *
 * Opening reads the header and the table (8 bytes for 4 KiB) and maps the rest;
 * a block is checked and unpacked into the arena when it is first touched.
 * That a block is not used as it lies in the file costs some microseconds at
 * its first use and makes the file a third of the size (docs/INDEXES.md).
 * Where the file cannot be mapped (a simulated disk) it is read instead.
 *
 * A file whose CRCs are all right may still have been made by an attacker:
 * what is checked here is only that the sizes agree and everything lies inside
 * the file; what the arena's bytes say is checked by those who read them.
 */
#include "store/image.h"

#include "store/pack.h"
#include "sys/checksum.h"
#include "sys/error.h"

#include <string.h>

enum { IMAGE_VERSION = 2, HEADER_SIZE = 4096, WRITE_SIZE = 1 << 20 };

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
    uint64_t packed; /* bytes of all blocks */
    uint32_t unused;
    uint32_t crc; /* of all before */
};

struct image_entry {
    uint32_t crc, length;
};

/* The packed blocks of an open image. */
struct image_source {
    struct arena_source source;
    const struct file_ops *files;
    uint8_t *packed;
    size_t length;
    bool mapped;
    const struct image_entry *table;
    const uint64_t *starts; /* of each block in `packed` */
};

/* ---- writing */

struct writer {
    const struct file_ops *files;
    struct file *file;
    struct arena *arena;
    struct image_entry *table;
    uint8_t *buffer; /* WRITE_SIZE bytes and one packed block more */
    size_t length;
    uint64_t at; /* in the file, of the buffer's first byte */
    int system_error;
};

static int32_t writer_flush(struct writer *writer)
{
    int32_t status = CRM_OK;
    if (writer->length != 0)
        status = writer->files->write(writer->file, writer->at, writer->buffer, writer->length, &writer->system_error);
    writer->at += writer->length;
    writer->length = 0;
    return status;
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

/* The packed bytes of a block that is not loaded, checked; NULL when damaged. */
static const uint8_t *source_bytes(const struct image_source *source, uint64_t block, uint32_t *length)
{
    const uint8_t *bytes = source->packed + source->starts[block];
    *length = source->table[block].length;
    return crc32c(0, bytes, *length) == source->table[block].crc ? bytes : NULL;
}

static int32_t write_block(struct writer *writer, uint64_t block)
{
    struct arena *arena = writer->arena;
    uint8_t *out = writer->buffer + writer->length;
    uint32_t length;
    if (block < arena->image_length / ARENA_BLOCK && arena_block_unchecked(arena, block)) {
        /* never looked at: goes over as it is, but not under a new CRC if it is damaged */
        const uint8_t *bytes = source_bytes((const struct image_source *)(const void *)arena->source, block, &length);
        if (bytes == NULL) {
            arena->damaged = true;
            return CRM_CORRUPT;
        }
        memcpy(out, bytes, length);
    } else {
        uint8_t spare[ARENA_BLOCK];
        length = (uint32_t)pack_block(block_bytes(arena, block, spare), out);
    }
    writer->table[block] = (struct image_entry){crc32c(0, out, length), length};
    writer->length += length;
    return writer->length >= WRITE_SIZE ? writer_flush(writer) : CRM_OK;
}

static int32_t write_header(struct writer *writer, const struct image_point *point, uint64_t blocks, uint64_t packed)
{
    uint8_t bytes[HEADER_SIZE] = {0};
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
    header.table_crc = crc32c(0, writer->table, (size_t)blocks * sizeof *writer->table);
    header.used = writer->arena->used;
    header.blocks = blocks;
    header.packed = packed;
    header.crc = crc32c(0, &header, offsetof(struct image_header, crc));
    memcpy(bytes, &header, sizeof header);
    return writer->files->write(writer->file, 0, bytes, sizeof bytes, &writer->system_error);
}

static int32_t write_file(struct writer *writer, const struct image_point *point, uint64_t blocks)
{
    int32_t status = CRM_OK;
    writer->at = HEADER_SIZE;
    for (uint64_t block = 0; block < blocks && status == CRM_OK; block++)
        status = write_block(writer, block);
    if (status == CRM_OK)
        status = writer_flush(writer);
    uint64_t packed = writer->at - HEADER_SIZE;
    if (status == CRM_OK)
        status = writer->files->write(writer->file, writer->at, writer->table, (size_t)blocks * sizeof *writer->table,
                                      &writer->system_error);
    return status == CRM_OK ? write_header(writer, point, blocks, packed) : status;
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
    const struct memory *memory = arena->memory;
    uint64_t blocks = (arena->used + ARENA_BLOCK - 1) / ARENA_BLOCK;
    char *beside = path_with(memory, path, ".tmp");
    struct writer writer = {.files = files, .arena = arena};
    int ignored;
    int32_t status = CRM_NOMEM;
    writer.table = memory_zero(memory, (size_t)blocks, sizeof *writer.table);
    writer.buffer = memory_alloc(memory, WRITE_SIZE + PACK_MOST);
    if (beside == NULL || writer.table == NULL || writer.buffer == NULL || blocks > blocks_most)
        goto out;
    (void)files->unlink(files->context, beside, &ignored); /* one that a crash left behind */
    status = files->open(files->context, beside, FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &writer.file,
                         &writer.system_error);
    if (status != CRM_OK)
        goto out;
    status = write_file(&writer, point, blocks);
    /* First the bytes, then the name: after a power cut a half-written image
     * would be found damaged only when somebody asks, who is then told so. */
    if (status == CRM_OK)
        status = files->sync(writer.file, &writer.system_error);
    files->close(writer.file);
    if (status == CRM_OK)
        status = files->rename(files->context, beside, path, &writer.system_error);
    if (status != CRM_OK)
        (void)files->unlink(files->context, beside, &ignored);
out:
    if (status == CRM_NOMEM)
        (void)error_nomem(error);
    else if (status == CRM_CORRUPT)
        (void)error_set(error, status, "%s: the index image is damaged", path);
    else if (status != CRM_OK)
        (void)error_system(error, status, writer.system_error, "%s: cannot write the index image", path);
    memory_free(memory, writer.buffer);
    memory_free(memory, writer.table);
    memory_free(memory, beside);
    return status;
}

/* ---- opening */

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
    if (files->identify(file, &identity, &system_error) != CRM_OK ||
        !read_exact(files, file, 0, header, sizeof *header))
        return false;
    uint64_t table = header->blocks * sizeof(struct image_entry);
    return header->magic == image_magic && header->version == IMAGE_VERSION &&
           header->crc == crc32c(0, header, offsetof(struct image_header, crc)) && header->blocks <= blocks_most &&
           header->used >= ARENA_FIRST && header->used <= header->blocks * ARENA_BLOCK &&
           header->used > (header->blocks - 1) * ARENA_BLOCK && header->packed <= header->blocks * PACK_MOST &&
           identity.size == HEADER_SIZE + header->packed + table;
}

/* The table, and where its lengths say that the blocks start. */
static int32_t table_read(struct image_source *source, struct file *file, const struct image_header *header,
                          const struct memory *memory)
{
    size_t blocks = (size_t)header->blocks;
    size_t size = blocks * sizeof(struct image_entry);
    struct image_entry *table = memory_alloc(memory, size);
    uint64_t *starts = memory_alloc(memory, blocks * sizeof *starts);
    source->table = table;
    source->starts = starts;
    if (table == NULL || starts == NULL)
        return CRM_NOMEM;
    if (!read_exact(source->files, file, HEADER_SIZE + header->packed, table, size) ||
        crc32c(0, table, size) != header->table_crc)
        return CRM_NOT_FOUND;
    uint64_t start = 0;
    for (size_t block = 0; block < blocks; block++) {
        starts[block] = start;
        if (table[block].length > PACK_MOST)
            return CRM_NOT_FOUND;
        start += table[block].length;
    }
    return start == header->packed ? CRM_OK : CRM_NOT_FOUND;
}

static int32_t packed_map(struct image_source *source, struct file *file, const struct memory *memory)
{
    void *at = NULL;
    int system_error;
    if (source->length == 0)
        return CRM_NOT_FOUND; /* the root page alone takes some bytes */
    if (source->files->map(file, HEADER_SIZE, source->length, FILE_MAP_SHARED_READ, NULL, &at, &system_error) ==
        CRM_OK) {
        source->packed = at;
        source->mapped = true;
        return CRM_OK;
    }
    source->packed = memory_alloc(memory, source->length);
    if (source->packed == NULL)
        return CRM_NOMEM;
    return read_exact(source->files, file, HEADER_SIZE, source->packed, source->length) ? CRM_OK : CRM_NOT_FOUND;
}

static bool source_load(const struct arena_source *base, uint64_t block, uint8_t *out)
{
    uint32_t length;
    const uint8_t *bytes = source_bytes((const struct image_source *)(const void *)base, block, &length);
    return bytes != NULL && unpack_block(bytes, length, out);
}

static void source_free(const struct arena_source *base, const struct memory *memory)
{
    struct image_source *source = (struct image_source *)(uintptr_t)base;
    if (source->mapped)
        source->files->unmap(source->files->context, source->packed, source->length);
    else
        memory_free(memory, source->packed);
    memory_free(memory, (void *)(uintptr_t)source->table);
    memory_free(memory, (void *)(uintptr_t)source->starts);
    memory_free(memory, source);
}

/* Room for the arena, and a bit for every block that is not loaded yet. */
static int32_t arena_prepare(struct arena *arena, const struct image_header *header)
{
    size_t blocks = (size_t)header->blocks;
    size_t words = blocks / 64 + 1; /* one bit more than blocks, see arena_checked */
    uint64_t *unchecked = memory_zero(arena->memory, words, sizeof *unchecked);
    arena->unchecked = unchecked;
    if (unchecked == NULL || !arena_commit(arena, header->blocks * ARENA_BLOCK))
        return CRM_NOMEM;
    memset(unchecked, 0xff, blocks / 64 * sizeof *unchecked);
    unchecked[words - 1] = (UINT64_C(1) << (blocks % 64)) - 1;
    arena->image_length = header->blocks * ARENA_BLOCK;
    arena->used = header->used;
    return CRM_OK;
}

static int32_t arena_load(const struct file_ops *files, struct file *file, const struct image_header *header,
                          struct arena *arena)
{
    struct image_source *source = memory_zero(arena->memory, 1, sizeof *source);
    if (source == NULL)
        return CRM_NOMEM;
    source->source.load = source_load;
    source->source.free = source_free;
    source->files = files;
    source->length = (size_t)header->packed;
    arena->source = &source->source; /* arena_free frees it from here on */
    int32_t status = table_read(source, file, header, arena->memory);
    if (status == CRM_OK)
        status = packed_map(source, file, arena->memory);
    return status == CRM_OK ? arena_prepare(arena, header) : status;
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
        arena = arena_reserve(memory, header.blocks * ARENA_BLOCK * 2); /* twice its size: it is to grow */
        status = arena == NULL ? CRM_NOMEM : arena_load(files, file, &header, arena);
    }
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
