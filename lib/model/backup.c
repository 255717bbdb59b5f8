/* backup: a copy of the log up to the last published transaction.
 *
 * The log only grows at its end, so what lies before that point never changes
 * and can be copied while others write.  The copy needs no index: it is built
 * when the copy is first opened.
 */
#include "model/db.h"

#include <string.h>

enum { COPY_BYTES = 1 << 20, CONTROL_PAGE = 4096 };

/* Where the last transaction ends that readers may see. */
static int32_t find_end(struct generation *generation, uint64_t *end, crm_error *error)
{
    uint64_t published = log_published(generation->log);
    int32_t status = CRM_OK;
    rwlock_read(&generation->lock);
    *end = generation->applied.offset;
    if (published < generation->applied.lsn) {
        struct frame frame = {0};
        const struct frame_cell *cell = frame_cell(generation, published);
        *end = LOG_FRAMES_START;
        if (published > 0) {
            status = cell == NULL ? CRM_CORRUPT : log_frame_info(generation->log, cell->offset, &frame, NULL);
            *end = frame.after.offset;
            if (status != CRM_OK || frame.lsn != published)
                status = error_unread(error, CRM_CORRUPT, "%s: transaction %llu", generation->db->path,
                                      (unsigned long long)published);
        }
    }
    rwlock_unlock(&generation->lock);
    return status;
}

/* The control page, where live handles talk to each other, is left zero.  The
 * header goes last, when all else is on disk: before it is there, the file
 * passes for no database, however a crash cuts the copying short. */
static int32_t copy(const struct generation *generation, struct file *to, uint64_t end, int *system)
{
    const struct file_ops *files = generation->db->files;
    const struct log_map *map = log_map(generation->log);
    const uint8_t zeros[CONTROL_PAGE] = {0};
    int32_t status = end > map->length ? CRM_CORRUPT : CRM_OK;
    for (uint64_t at = LOG_FRAMES_START; status == CRM_OK && at < end;) {
        size_t length = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
        status = files->write(to, at, map->base + at, length, system);
        at += length;
    }
    if (status == CRM_OK)
        status = files->write(to, CONTROL_PAGE, zeros, CONTROL_PAGE, system);
    if (status == CRM_OK)
        status = files->sync(to, system);
    if (status == CRM_OK)
        status = files->write(to, 0, map->base, CONTROL_PAGE, system);
    return status == CRM_OK ? files->sync(to, system) : status;
}

static int32_t backup(const struct generation *generation, const char *to, uint64_t end, crm_error *error)
{
    const struct file_ops *files = generation->db->files;
    struct file *file = NULL;
    int system = 0, ignored;
    int32_t status =
        files->open(files->context, to, FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &file, &system);
    if (status == CRM_EXISTS)
        return error_set(error, status, "%s: exists already; a backup overwrites nothing", to);
    if (status != CRM_OK)
        return error_system(error, status, system, "%s: cannot be created", to);
    status = copy(generation, file, end, &system);
    files->close(file);
    if (status == CRM_OK)
        status = files->sync_folder(files->context, to, &system);
    if (status == CRM_OK)
        return CRM_OK;
    (void)files->unlink(files->context, to, &ignored);
    if (status == CRM_CORRUPT)
        return error_set(error, status, "%s: became shorter while it was copied", generation->db->path);
    return error_system(error, status, system, "%s: cannot be written", to);
}

int32_t crm_backup(crm_db *db, const char *to, crm_error *error)
{
    uint64_t end;
    if (db == NULL || to == NULL)
        return error_set(error, CRM_MISUSE, "crm_backup needs a database and a path for the copy");
    if (to[0] == '\0')
        return error_set(error, CRM_INVALID, "the path of a backup must not be empty");
    int32_t status = db_follow(db, false, error);
    if (status != CRM_OK)
        return status;
    struct generation *generation = db_hold(db);
    status = find_end(generation, &end, error);
    if (status == CRM_OK)
        status = backup(generation, to, end, error);
    db_drop(generation);
    return status;
}
