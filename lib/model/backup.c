/* backup: copies a consistent state into a new file while others write.
 *
 * The log's bytes up to a published frame never change, so they are copied as
 * they lie, without any lock; the copy is synced before the call returns.  Its
 * control page starts out empty, as after a crash: the first opener fills it.
 */
#include "model/db.h"

#include <string.h>

enum { STEP = 1 << 20 };

static int32_t copy_bytes(struct generation *generation, struct file *to, uint64_t from, uint64_t end, int *system)
{
    const struct file_ops *files = generation->db->files;
    int32_t status = CRM_OK;
    while (status == CRM_OK && from < end) {
        size_t length = end - from < STEP ? (size_t)(end - from) : STEP;
        const uint8_t *bytes = log_bytes(generation->log, from, length);
        status = bytes == NULL ? CRM_CORRUPT : files->write(to, from, bytes, length, system);
        from += length;
    }
    return status;
}

/* The end of the last frame that readers may see. */
static int32_t published_end(struct generation *generation, uint64_t *end, crm_error *error)
{
    struct frame frame;
    uint64_t offset = 0;
    rwlock_read(&generation->lock);
    struct log_point point = generation->applied;
    uint64_t published = log_published(generation->log);
    const struct frame_cell *cell =
        published < point.lsn ? column_at(generation->arena, generation->frames, (uint32_t)published) : NULL;
    if (cell != NULL)
        offset = cell->offset;
    rwlock_unlock(&generation->lock);
    *end = point.offset;
    if (published >= point.lsn)
        return CRM_OK;
    if (offset == 0)
        return error_set(error, CRM_BUSY, "%s: nothing is published yet; try again", generation->db->path);
    int32_t status = log_frame_info(generation->log, offset, &frame, error);
    if (status == CRM_OK)
        *end = frame.after.offset;
    return status;
}

static int32_t write_copy(struct generation *generation, const char *path, uint64_t end, crm_error *error)
{
    crm_db *db = generation->db;
    const struct file_ops *files = db->files;
    struct file *to;
    int system = 0;
    int32_t status = files->open(files->context, path, FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &to, &system);
    if (status != CRM_OK)
        return error_system(error, status, system, "%s: the backup cannot be made", path);
    static const uint8_t empty[LOG_FRAMES_START / 2];
    status = copy_bytes(generation, to, 0, LOG_FRAMES_START / 2, &system);
    if (status == CRM_OK)
        status = files->write(to, LOG_FRAMES_START / 2, empty, sizeof empty, &system);
    if (status == CRM_OK)
        status = copy_bytes(generation, to, LOG_FRAMES_START, end, &system);
    if (status == CRM_OK)
        status = files->sync(to, &system);
    files->close(to);
    if (status == CRM_OK)
        status = files->sync_folder(files->context, path, &system);
    if (status == CRM_OK)
        return CRM_OK;
    int ignored;
    (void)files->unlink(files->context, path, &ignored);
    return error_system(error, status, system, "%s: the backup could not be written and was removed", path);
}

int32_t crm_backup(crm_db *db, const char *to, crm_error *error)
{
    struct file_identity identity;
    uint64_t end;
    int system;
    if (db == NULL || to == NULL || *to == 0)
        return error_set(error, CRM_MISUSE, "crm_backup needs a database and the path of the new file");
    if (db->files->identify_path(db->files->context, to, &identity, &system) == CRM_OK)
        return error_set(error, CRM_EXISTS, "%s: there is such a file already; a backup overwrites nothing", to);
    int32_t status = db_follow(db, false, error);
    if (status != CRM_OK)
        return status;
    struct generation *generation = db_hold(db);
    status = published_end(generation, &end, error);
    if (status == CRM_OK)
        status = write_copy(generation, to, end, error);
    db_drop(generation);
    return status;
}
