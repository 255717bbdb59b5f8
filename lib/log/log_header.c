/* log_header.c: the first page of the file, which says what the file is.
 *
 * It is written once, synced before anything follows it, and never changed
 * afterwards but for one number of a compaction (base_end), before the new
 * file takes the old one's place.  Its first 76 bytes have the same meaning in
 * every format to come, so that any version can name what it cannot read.
 */
#include "log/log_private.h"
#include "sys/bytes.h"
#include "sys/checksum.h"
#include "sys/clock.h"
#include "sys/error.h"

#include <string.h>

/* Not text, and changed by whatever "repairs" line ends. */
static const uint8_t magic[8] = {0x89, 'C', 'R', 'M', '\r', '\n', 0x1a, '\n'};

enum {
    AT_FORMAT = 8,
    AT_RESERVED = 12,
    AT_FILE = 16,
    AT_SEED = 32,
    AT_GENERATION = 40,
    AT_CREATED = 48,
    AT_BASE_LSN = 56,
    AT_BASE_END = 64,
    AT_CRC = 72, /* of all before it */
    HEADER_SIZE = 76
};

static uint32_t header_crc(const uint8_t *page)
{
    return crc32c(0, page, AT_CRC);
}

static uint32_t header_key(const uint8_t *page)
{
    return crc32c(0, page + AT_FILE, AT_GENERATION - AT_FILE);
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
    size_t i = 0;
    while (i < length && bytes[i] == 0)
        i++;
    return i == length;
}

void log_header_encode(const struct log_header *header, uint8_t page[LOG_PAGE])
{
    memset(page, 0, LOG_PAGE);
    memcpy(page, magic, sizeof magic);
    bytes_put_u32(page + AT_FORMAT, LOG_FORMAT);
    memcpy(page + AT_FILE, header->file.bytes, sizeof header->file.bytes);
    bytes_put_u64(page + AT_SEED, header->seed);
    bytes_put_u64(page + AT_GENERATION, header->generation);
    bytes_put_u64(page + AT_CREATED, (uint64_t)header->created);
    bytes_put_u64(page + AT_BASE_LSN, header->base_lsn);
    bytes_put_u64(page + AT_BASE_END, header->base_end);
    bytes_put_u32(page + AT_CRC, header_crc(page));
}

static void decode(const uint8_t *page, struct log_header *header)
{
    *header = (struct log_header){
        .seed = bytes_get_u64(page + AT_SEED),
        .generation = bytes_get_u64(page + AT_GENERATION),
        .created = (int64_t)bytes_get_u64(page + AT_CREATED),
        .base_lsn = bytes_get_u64(page + AT_BASE_LSN),
        .base_end = bytes_get_u64(page + AT_BASE_END),
        .format = bytes_get_u32(page + AT_FORMAT),
    };
    memcpy(header->file.bytes, page + AT_FILE, sizeof header->file.bytes);
}

/* `size`: of the file; the page is zero where the file ends before it. */
static int32_t check(const uint8_t *page, uint64_t size, const char *path, crm_error *error)
{
    if (size == 0)
        return error_set(error, CRM_NOT_A_DATABASE, "%s: is empty, not a database", path);
    if (size < sizeof magic || memcmp(page, magic, sizeof magic) != 0)
        return error_set(error, CRM_NOT_A_DATABASE, "%s: is not a database", path);
    if (size < LOG_FRAMES_START)
        return error_set(error, CRM_CORRUPT, "%s: is cut off within its header, at byte %llu", path,
                         (unsigned long long)size);
    uint32_t format = bytes_get_u32(page + AT_FORMAT);
    if (bytes_get_u32(page + AT_CRC) != header_crc(page))
        return error_set(error, CRM_CORRUPT, "%s: the header (bytes 0 to 75) is damaged", path);
    if (format > LOG_FORMAT)
        return error_set(error, CRM_NOT_A_DATABASE, "%s: is of format %u; this version reads formats up to %d", path,
                         (unsigned)format, LOG_FORMAT);
    uint64_t base_lsn = bytes_get_u64(page + AT_BASE_LSN), base_end = bytes_get_u64(page + AT_BASE_END);
    bool base_good = base_end == 0 || (base_lsn != 0 && base_end >= LOG_FRAMES_START && base_end % 8 == 0);
    if (format == 0 || bytes_get_u32(page + AT_RESERVED) != 0 || !base_good ||
        !all_zero(page + HEADER_SIZE, LOG_PAGE - HEADER_SIZE))
        return error_set(error, CRM_CORRUPT, "%s: the header page (bytes 0 to 4095) is damaged", path);
    return CRM_OK;
}

/* Left by a creation that a crash cut short: there is no frame in it, and
 * either nothing or our own magic; anything else is not ours to overwrite. */
static bool is_unborn(const uint8_t *pages, uint64_t size, const char *path)
{
    if (size > LOG_FRAMES_START)
        return false;
    if (all_zero(pages, (size_t)size))
        return true;
    /* What a compaction was done with had frames; that they are gone is damage. */
    if (bytes_get_u32(pages + AT_CRC) == header_crc(pages) && bytes_get_u64(pages + AT_BASE_END) != 0)
        return false;
    return size >= sizeof magic && memcmp(pages, magic, sizeof magic) == 0 &&
           check(pages, size, path, NULL) == CRM_CORRUPT;
}

static int32_t read_pages(struct log *log, uint8_t pages[LOG_FRAMES_START], uint64_t *size, crm_error *error)
{
    struct file_identity identity = {0};
    size_t got = 0;
    int system = 0;
    memset(pages, 0, LOG_FRAMES_START);
    int32_t status = log->files->identify(log->file, &identity, &system);
    if (status == CRM_OK) {
        size_t want = identity.size < LOG_FRAMES_START ? (size_t)identity.size : LOG_FRAMES_START;
        status = log->files->read(log->file, 0, pages, want, &got, &system);
    }
    *size = identity.size;
    return status == CRM_OK ? CRM_OK : log_failure(log, status, system, "cannot be read", error);
}

/* A version 7 UUID: made at `now`, the rest by chance. */
static void fresh(struct log_header *header, int64_t now)
{
    uint64_t now_ms = now > 0 ? (uint64_t)now / 1000 : 0;
    *header = (struct log_header){.created = now};
    random_bytes(header->file.bytes, sizeof header->file.bytes);
    random_bytes(&header->seed, sizeof header->seed);
    for (unsigned i = 0; i < 6; i++)
        header->file.bytes[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    header->file.bytes[6] = (uint8_t)(0x70 | (header->file.bytes[6] & 0x0f));
    header->file.bytes[8] = (uint8_t)(0x80 | (header->file.bytes[8] & 0x3f));
}

/* Both pages in one write, then the sync that must come before any frame. */
static int32_t write_new(struct log *log, const struct log_options *options, uint8_t pages[LOG_FRAMES_START],
                         crm_error *error)
{
    struct log_header header;
    int system = 0;
    if (options->header != NULL)
        header = *options->header;
    else
        fresh(&header, options->now);
    header.base_end = 0; /* whoever compacts has not written its frames yet */
    memset(pages, 0, LOG_FRAMES_START);
    log_header_encode(&header, pages);
    int32_t status = log->files->write(log->file, 0, pages, LOG_FRAMES_START, &system);
    if (status == CRM_OK)
        status = log->files->sync(log->file, &system);
    if (status == CRM_OK)
        status = log->files->sync_folder(log->files->context, log->path, &system);
    log->made = status == CRM_OK;
    return status == CRM_OK ? CRM_OK : log_failure(log, status, system, "cannot be created", error);
}

/* Two that create at once: the second finds the first one's header. */
static int32_t create(struct log *log, const struct log_options *options, uint8_t pages[LOG_FRAMES_START],
                      uint64_t *size, crm_error *error)
{
    int32_t status = log_lock(log, options->busy_ms, error);
    if (status != CRM_OK)
        return status;
    status = read_pages(log, pages, size, error);
    if (status == CRM_OK && is_unborn(pages, *size, log->path)) {
        status = write_new(log, options, pages, error);
        *size = LOG_FRAMES_START;
    }
    log_unlock(log);
    return status;
}

int32_t log_header_load(struct log *log, const struct log_options *options, crm_error *error)
{
    uint8_t pages[LOG_FRAMES_START];
    uint64_t size = 0;
    int32_t status = read_pages(log, pages, &size, error);
    if (status == CRM_OK && options->create && !log->read_only && is_unborn(pages, size, log->path))
        status = create(log, options, pages, &size, error);
    if (status != CRM_OK)
        return status;
    status = check(pages, size, log->path, error);
    log->key_known = status == CRM_OK;
    decode(pages, &log->header);
    log->key = header_key(pages);
    /* Only whoever writes it knows how many of its base frames are still missing. */
    if (status == CRM_OK && log->header.base_lsn != 0 && log->header.base_end == 0 && options->header == NULL &&
        !options->salvage)
        return error_set(error, CRM_CORRUPT, "%s: was never finished: writing it was cut short", log->path);
    if (status != CRM_OK && options->salvage && size > LOG_FRAMES_START) {
        /* Nothing of the header can be believed; the frames may still be good. */
        log->header = (struct log_header){.format = LOG_FORMAT};
        status = CRM_OK;
    }
    return status;
}
