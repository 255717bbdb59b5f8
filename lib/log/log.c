/* log.c: a handle on the log, from opening to closing, and who else has one.
 *
 * Opening trusts nothing: not the path (it may name anything), not the header,
 * not that the file is still the one at that path when all locks are held (a
 * compaction may just have put another there; then it starts again).
 */
#include "log/log.h"

#include "log/log_private.h"
#include "sys/error.h"

#include <errno.h>
#include <string.h>

enum {
    OPEN_ATTEMPTS = 16,
    /* Least time to wait for a lock that others hold for a moment only. */
    MOMENT_MS = 1000,
    PATH_SIZE = 4096
};

int32_t log_failure(const struct log *log, int32_t status, int system, const char *doing, crm_error *error)
{
    if (status == CRM_NOMEM && system == 0)
        return error_nomem(error);
    if (status == CRM_BUSY)
        return error_set(error, status, "%s: is in use by another process", log->path);
    return error_system(error, status, system, "%s: %s", log->path, doing);
}

static int32_t open_failure(const struct log *log, int32_t status, int system, crm_error *error)
{
    switch (status) {
    case CRM_NOT_FOUND: return error_system(error, status, system, "%s: cannot be opened", log->path);
    case CRM_EXISTS: return error_set(error, status, "%s: exists already", log->path);
    case CRM_NOT_A_DATABASE:
        return error_set(error, status, "%s: is %s, not a database", log->path,
                         system == EISDIR ? "a folder" : "not a regular file");
    default: return log_failure(log, status, system, "cannot be opened", error);
    }
}

/* A compaction renames over the path: through a symbolic link it would replace
 * the link and leave the file behind it stale for those who use its own name. */
static int32_t resolve_path(struct log *log, crm_error *error)
{
    char resolved[PATH_SIZE];
    int system = 0;
    if (log->files->resolve == NULL ||
        log->files->resolve(log->files->context, log->path, resolved, sizeof resolved, &system) != CRM_OK)
        return CRM_OK; /* the path as given will do */
    char *copy = memory_text(log->memory, resolved, strlen(resolved));
    if (copy == NULL)
        return error_nomem(error);
    memory_free(log->memory, log->path);
    log->path = copy;
    return CRM_OK;
}

static int32_t open_file(struct log *log, const struct log_options *options, crm_error *error)
{
    int flags = log->read_only ? FILE_READ : FILE_READ | FILE_WRITE;
    int system = 0;
    if (options->create && !log->read_only)
        flags |= FILE_CREATE | (options->exclusive ? FILE_EXCLUSIVE : 0);
    int32_t status = log->files->open(log->files->context, log->path, flags, &log->file, &system);
    if (status != CRM_OK) {
        log->file = NULL;
        return open_failure(log, status, system, error);
    }
    status = log->files->identify(log->file, &log->place, &system);
    if (status != CRM_OK) {
        int ignored;
        log->files->close(log->file);
        log->file = NULL;
        if (flags & FILE_EXCLUSIVE) /* not to be in the way of the next try */
            (void)log->files->unlink(log->files->context, log->path, &ignored);
        return log_failure(log, status, system, "cannot be examined", error);
    }
    status = resolve_path(log, error);
    if (status != CRM_OK)
        return status;
    status = log->files->lock(log->file, LOG_BYTE_PRESENCE, FILE_LOCK_SHARED, log->wait_ms, &system);
    return status == CRM_OK ? CRM_OK : log_failure(log, status, system, "cannot be locked", error);
}

int32_t log_placed(const struct log *log, bool *gone, crm_error *error)
{
    struct file_identity there = {0};
    int system = 0;
    int32_t status = log->files->identify_path(log->files->context, log->path, &there, &system);
    *gone = status == CRM_NOT_FOUND ||
            (status == CRM_OK && (log->place.device != there.device || log->place.inode != there.inode));
    return status == CRM_OK || *gone ? CRM_OK : log_failure(log, status, system, "cannot be examined", error);
}

static int32_t open_once(struct log *log, const struct log_options *options, bool *gone, crm_error *error)
{
    int32_t status = open_file(log, options, error);
    if (status == CRM_OK)
        status = log_header_load(log, options, error);
    if (status == CRM_OK)
        status = log_control_attach(log, error);
    if (status == CRM_OK)
        status = log_refresh(log, error);
    if (status == CRM_OK && options->exclusive && options->create)
        return CRM_OK; /* made by us just now: nobody could replace it */
    /* Asked last, and also after a failure: a file that was just replaced may
     * look like anything. */
    crm_error ignored;
    int32_t placed = log->file != NULL ? log_placed(log, gone, status == CRM_OK ? error : &ignored) : CRM_OK;
    return status == CRM_OK ? placed : status;
}

/* Back to a handle without a file. */
static void let_go(struct log *log)
{
    log_map_release(log);
    log_control_detach(log);
    if (log->file != NULL)
        log->files->close(log->file); /* and with it all its locks */
    log->file = NULL;
    log->made = false;
}

static void destroy(struct log *log)
{
    let_go(log);
    mutex_destroy(&log->growth);
    mutex_destroy(&log->sync_lock);
    condition_destroy(&log->synced);
    buffer_free(&log->scratch);
    memory_free(log->memory, log->path);
    memory_free(log->memory, log);
}

static struct log *make(const char *path, const struct log_options *options)
{
    struct log *log = memory_zero(options->memory, 1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->files = options->files;
    log->memory = options->memory;
    log->read_only = options->read_only || options->salvage;
    log->deferred = options->deferred;
    log->wait_ms = options->busy_ms < 0 || options->busy_ms > MOMENT_MS ? options->busy_ms : MOMENT_MS;
    log->control = &log->own;
    buffer_init(&log->scratch, log->memory);
    log->path = memory_text(log->memory, path, strlen(path));
    if (log->path == NULL)
        goto no_path;
    if (!mutex_init(&log->growth))
        goto no_growth;
    if (!mutex_init(&log->sync_lock))
        goto no_sync_lock;
    if (!condition_init(&log->synced))
        goto no_synced;
    return log;

no_synced:
    mutex_destroy(&log->sync_lock);
no_sync_lock:
    mutex_destroy(&log->growth);
no_growth:
    memory_free(log->memory, log->path);
no_path:
    memory_free(log->memory, log);
    return NULL;
}

/* Not to be in the way of the next try.  With the lock, so that who waits to open it finds it gone. */
static void unmake(struct log *log)
{
    int system = 0;
    if (log->files->lock(log->file, LOG_BYTE_PRESENCE, FILE_LOCK_EXCLUSIVE, 0, &system) != CRM_BUSY &&
        log_intact(log) && log_published(log) <= log->header.base_lsn)
        (void)log->files->unlink(log->files->context, log->path, &system);
}

int32_t log_open(const char *path, const struct log_options *options, struct log **out, crm_error *error)
{
    *out = NULL;
    if (path[0] == '\0')
        return error_set(error, CRM_INVALID, "the path of a database must not be empty");
    struct log *log = make(path, options);
    if (log == NULL)
        return error_nomem(error);
    int32_t status = CRM_OK;
    bool gone = true;
    for (int attempt = 0; gone && attempt < OPEN_ATTEMPTS; attempt++) {
        let_go(log);
        gone = false;
        status = open_once(log, options, &gone, error);
    }
    if (gone)
        status = error_set(error, CRM_BUSY, "%s: is being replaced again and again", log->path);
    if (status != CRM_OK) {
        if (options->create && options->exclusive && log->file != NULL && !gone)
            unmake(log);
        destroy(log);
        return status;
    }
    struct log_point start = log_start(log);
    log->written = log->durable = log->seen = start;
    log->published = start.lsn;
    log->fresh = options->create && options->exclusive && options->header == NULL;
    *out = log;
    return CRM_OK;
}

void log_close(struct log *log)
{
    if (log == NULL)
        return;
    int system = 0;
    if (!log->read_only && !log_stopped(log) && !log_superseded(log))
        (void)log_cut(log, 0, &system); /* a failure leaves zeros, which mean nothing */
    if (log->fresh)
        unmake(log);
    destroy(log);
}

/* Where the last frame ends, when this handle knows; 0 when it does not.  It
 * is the end when nothing newer was published, by anybody. */
static uint64_t known_end(struct log *log)
{
    uint64_t published = log_published(log);
    const struct log_point *end = log->written.lsn >= published ? &log->written : &log->seen;
    bool base_unknown = log->header.base_lsn != 0 && log->header.base_end == 0;
    if (log_unrecovered(log) || end->lsn < published || end->offset < log->header.base_end || base_unknown)
        return 0;
    return end->offset;
}

int32_t log_cut(struct log *log, uint64_t size, int *system_error)
{
    struct file_identity identity = {0};
    int unlocked = 0;
    mutex_lock(&log->growth);
    int32_t status = log->files->lock(log->file, LOG_BYTE_PRESENCE, FILE_LOCK_EXCLUSIVE, 0, system_error);
    if (status == CRM_OK) {
        /* Asked now that nobody else is there: one who came and went had the time to write. */
        if (size == 0)
            size = known_end(log);
        status = log->files->identify(log->file, &identity, system_error);
        if (status == CRM_OK && size != 0 && identity.size > size) {
            status = log_map_shorten(log, size, NULL);
            if (status == CRM_OK)
                status = log->files->truncate(log->file, size, system_error);
        }
        (void)log->files->lock(log->file, LOG_BYTE_PRESENCE, FILE_LOCK_SHARED, 0, &unlocked);
    }
    mutex_unlock(&log->growth);
    return status;
}

const struct log_header *log_header(const struct log *log)
{
    return &log->header;
}

const char *log_path(const struct log *log)
{
    return log->path;
}

bool log_read_only(const struct log *log)
{
    return log->read_only;
}

struct log_point log_start(const struct log *log)
{
    return (struct log_point){LOG_FRAMES_START, log->header.base_lsn, INT64_MIN, log->key};
}

void log_unlock(struct log *log)
{
    int system = 0;
    (void)log->files->lock(log->file, LOG_BYTE_WRITER, FILE_LOCK_NONE, 0, &system);
}

/* Nobody finds again what is written to a file that is not at its path.  When a
 * compaction died before it could say so, it is said here. */
static int32_t check_place(struct log *log, crm_error *error)
{
    bool gone = false;
    if (atomic_load(&log->control->superseded) == CONTROL_SUPERSEDED)
        return CRM_OK;
    int32_t status = log_placed(log, &gone, error);
    if (atomic_load(&log->control->superseded) == CONTROL_REPLACING)
        atomic_store(&log->control->superseded, gone ? CONTROL_SUPERSEDED : CONTROL_IN_PLACE);
    else if (gone)
        status = error_set(error, CRM_STOPPED, "%s: was removed or replaced while open; close and open the file again",
                           log->path);
    if (status != CRM_OK)
        log_unlock(log);
    return status;
}

int32_t log_lock(struct log *log, int64_t timeout_ms, crm_error *error)
{
    int system = 0;
    int32_t status = log->files->lock(log->file, LOG_BYTE_WRITER, FILE_LOCK_EXCLUSIVE, timeout_ms, &system);
    if (status == CRM_OK)
        return check_place(log, error);
    if (status == CRM_BUSY)
        return error_set(error, status, "%s: another writer holds the write lock", log->path);
    if (status == CRM_READ_ONLY)
        return error_set(error, status, "%s: is open for reading only", log->path);
    return log_failure(log, status, system, "cannot be locked", error);
}
