/* faults_inject: the allocator and the table of file operations that fail when
 * they are told to, and what they still hold.
 *
 * A file operation fails in several ways: with different errors; undone, half
 * done (a short write, a truncated read), or done and yet reported as failed.
 * Whether somebody must answer an error is decided here, by what the operation
 * is for: a log that was not written is not to be passed over, an index file
 * that was not is only time lost.
 */
#include "faults.h"

#include "log/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fault fault;
struct held held;
struct fault_operation fault_operation;

bool fault_now(int layer, const char *call, unsigned variants)
{
    enum { INTERRUPTIONS = 3 };
    if (!fault.armed || fault.layer != layer)
        return false;
    fault.calls++;
    if (fault.calls == fault.at) {
        fault.reached = true;
        fault.call = call;
        fault.variants = variants;
        return true;
    }
    if (!fault.reached || fault.calls < fault.at)
        return false;
    if (fault.transparent)
        return strcmp(call, fault.call) == 0 && fault.calls < fault.at + INTERRUPTIONS;
    return fault.mode == FAULT_FOR_GOOD || (fault.mode == FAULT_A_WHILE && strcmp(call, fault.call) == 0);
}

void fault_answers(int32_t status, int system)
{
    if (fault.statuses == 0) {
        fault.status = status;
        fault.system = system;
    }
    fault.statuses |= UINT32_C(1) << status;
}

/* As the public header explains the statuses. */
int32_t fault_status(int system)
{
    switch (system) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return CRM_FULL;
    case ENOMEM: return CRM_NOMEM;
    case EROFS: return CRM_READ_ONLY;
    default: return CRM_IO;
    }
}

/* ---- memory ---- */

void *__real_realloc(void *block, size_t size);

/* A block's size lies before it, so that it can be filled with rubbish when it is freed. */
void *fault_resize(void *context, void *old, size_t size)
{
    size_t *block = old == NULL ? NULL : (size_t *)old - 2;
    (void)context;
    if (size == 0) {
        held.blocks -= block == NULL ? 0 : 1;
        if (block != NULL)
            memset(old, 0xdd, *block);
        free(block);
        return NULL;
    }
    if (fault_now(FAULT_MEMORY, "resize", 1)) {
        fault_answers(CRM_NOMEM, 0);
        return NULL;
    }
    size_t *larger = __real_realloc(block, size + 2 * sizeof *larger);
    if (larger == NULL)
        return NULL;
    if (block == NULL)
        memset(larger + 2, 0xaa, size);
    *larger = size;
    held.blocks += block == NULL ? 1 : 0;
    return larger + 2;
}

/* ---- files ---- */

struct file {
    struct file *real;
    int of;
    bool appended; /* frames were put behind the others, or were to be */
};

enum { UNDONE, HALF, DONE };
struct way {
    int system, how;
};
struct failing {
    const char *name;
    unsigned count;
    struct way ways[6];
};

static const struct failing open_fails = {"open", 5, {{EACCES, 0}, {EMFILE, 0}, {EIO, 0}, {EROFS, 0}, {ENOMEM, 0}}};
static const struct failing read_fails = {"read", 2, {{EIO, UNDONE}, {EIO, HALF}}};
static const struct failing write_fails = {
    "write", 6, {{ENOSPC, UNDONE}, {EIO, UNDONE}, {ENOSPC, HALF}, {EIO, HALF}, {EIO, DONE}, {EDQUOT, HALF}}};
static const struct failing sync_fails = {"sync", 3, {{EIO, UNDONE}, {ENOSPC, UNDONE}, {EIO, DONE}}};
static const struct failing truncate_fails = {"truncate", 2, {{EIO, UNDONE}, {EIO, DONE}}};
static const struct failing allocate_fails = {"allocate", 3, {{ENOSPC, UNDONE}, {EIO, UNDONE}, {EIO, DONE}}};
static const struct failing identify_fails = {"identify", 1, {{EIO, UNDONE}}};
static const struct failing identify_path_fails = {"identify_path", 2, {{EIO, UNDONE}, {EACCES, UNDONE}}};
static const struct failing lock_fails = {"lock", 1, {{ENOLCK, UNDONE}}};
static const struct failing unlock_fails = {"unlock", 1, {{ENOLCK, DONE}}}; /* no lock stays behind a file's end */
static const struct failing map_fails = {"map", 2, {{ENOMEM, UNDONE}, {EACCES, UNDONE}}};
static const struct failing rename_fails = {"rename", 3, {{EIO, UNDONE}, {ENOSPC, UNDONE}, {EIO, DONE}}};
static const struct failing unlink_fails = {"unlink", 2, {{EACCES, UNDONE}, {EIO, DONE}}};
static const struct failing sync_folder_fails = {"sync_folder", 2, {{EIO, UNDONE}, {EIO, DONE}}};
static const struct failing resolve_fails = {"resolve", 1, {{EACCES, UNDONE}}};

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && strcmp(path + length - tail, ending) == 0;
}

static int file_of(const char *path)
{
    if (ends_with(path, "-index") || ends_with(path, "-index.tmp"))
        return FILE_OF_INDEX;
    return ends_with(path, ".compact") || ends_with(path, "copy.crm") ? FILE_OF_COPY : FILE_OF_LOG;
}

/* Whether an error must come back to the caller.  Not asked: what only an
 * attempt is made of (a lock that is tried, a larger map, an allocation with
 * room ahead), and what is given back at the end. */
static bool must_be_told(const char *name, int of, int system)
{
    static const char *const always[] = {"write", "sync", "read", "open", "rename", "sync_folder"};
    if (of == FILE_OF_INDEX)
        return false;
    if (strcmp(name, "allocate") == 0)
        return system != ENOSPC || fault.mode != FAULT_ONCE;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (strcmp(name, always[i]) == 0)
            return true;
    return false;
}

void fault_judge_operation(int32_t status, int system)
{
    const char *name = fault_operation.name;
    bool writes = strcmp(name, "write") == 0 || strcmp(name, "sync") == 0 || strcmp(name, "allocate") == 0;
    fault_answers(status, system);
    if (fault.calls == fault.at)
        fault.of = fault_operation.of;
    bool told = must_be_told(name, fault_operation.of, system);
    fault.told_by_all |= told;
    fault.locks |= strcmp(name, "lock") == 0;
    fault.stops |= writes && told && fault_operation.of == FILE_OF_LOG;
}

/* The way in which the operation fails now; NULL: it does not. */
static const struct way *fails(const struct failing *failing, int of, int *system_error)
{
    fault_operation = (struct fault_operation){failing->name, of};
    if (!fault_now(FAULT_FILES, failing->name, failing->count))
        return NULL;
    const struct way *way = &failing->ways[fault.variant % failing->count];
    fault_judge_operation(fault_status(way->system), way->system);
    *system_error = way->system;
    return way;
}

static int32_t failed(const struct way *way)
{
    return fault_status(way->system);
}

static const struct file_ops *real(void)
{
    return file_ops_default();
}

static int32_t fault_open(void *context, const char *path, int flags, struct file **out, int *system_error)
{
    const struct way *way = fails(&open_fails, file_of(path), system_error);
    if (way != NULL)
        return failed(way);
    struct file *file = malloc(sizeof *file);
    if (file == NULL)
        return CRM_NOMEM;
    file->of = file_of(path);
    file->appended = false;
    int32_t status = real()->open(context, path, flags, &file->real, system_error);
    if (status != CRM_OK) {
        free(file);
        return status;
    }
    held.files++;
    *out = file;
    return CRM_OK;
}

static void fault_close(struct file *file)
{
    held.files--;
    real()->close(file->real);
    free(file);
}

static int32_t fault_read(struct file *file, uint64_t offset, void *bytes, size_t length, size_t *got,
                          int *system_error)
{
    const struct way *way = fails(&read_fails, file->of, system_error);
    int ignored;
    if (way == NULL)
        return real()->read(file->real, offset, bytes, length, got, system_error);
    *got = 0;
    if (way->how == HALF)
        (void)real()->read(file->real, offset, bytes, length / 2, got, &ignored);
    return failed(way);
}

static int32_t fault_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    file->appended |= offset >= LOG_FRAMES_START;
    const struct way *way = fails(&write_fails, file->of, system_error);
    int ignored;
    if (way == NULL)
        return real()->write(file->real, offset, bytes, length, system_error);
    if (way->how != UNDONE)
        (void)real()->write(file->real, offset, bytes, way->how == HALF ? length / 2 : length, &ignored);
    return failed(way);
}

static int32_t fault_sync(struct file *file, int *system_error)
{
    bool stopped = fault.stops;
    const struct way *way = fails(&sync_fails, file->of, system_error);
    int32_t status = way == NULL ? real()->sync(file->real, system_error) : failed(way);
    if (!file->appended) /* only what opening found was to be made safe: the file can be opened again */
        fault.stops = stopped;
    return status;
}

static int32_t fault_truncate(struct file *file, uint64_t size, int *system_error)
{
    const struct way *way = fails(&truncate_fails, file->of, system_error);
    int ignored;
    if (way == NULL)
        return real()->truncate(file->real, size, system_error);
    if (way->how == DONE)
        (void)real()->truncate(file->real, size, &ignored);
    return failed(way);
}

static int32_t fault_allocate(struct file *file, uint64_t offset, uint64_t length, int *system_error)
{
    file->appended = true;
    const struct way *way = fails(&allocate_fails, file->of, system_error);
    int ignored;
    if (way == NULL)
        return real()->allocate(file->real, offset, length, system_error);
    if (way->how == DONE)
        (void)real()->allocate(file->real, offset, length, &ignored);
    return failed(way);
}

static int32_t fault_identify(struct file *file, struct file_identity *out, int *system_error)
{
    const struct way *way = fails(&identify_fails, file->of, system_error);
    return way == NULL ? real()->identify(file->real, out, system_error) : failed(way);
}

static int32_t fault_identify_path(void *context, const char *path, struct file_identity *out, int *system_error)
{
    const struct way *way = fails(&identify_path_fails, file_of(path), system_error);
    return way == NULL ? real()->identify_path(context, path, out, system_error) : failed(way);
}

static int32_t fault_lock(struct file *file, uint64_t byte, int how, int64_t timeout_ms, int *system_error)
{
    const struct way *way = fails(how == FILE_LOCK_NONE ? &unlock_fails : &lock_fails, file->of, system_error);
    int ignored;
    if (way == NULL)
        return real()->lock(file->real, byte, how, timeout_ms, system_error);
    if (way->how == DONE)
        (void)real()->lock(file->real, byte, how, timeout_ms, &ignored);
    return failed(way);
}

static int32_t fault_map(struct file *file, uint64_t offset, size_t length, int how, void *at, void **out,
                         int *system_error)
{
    const struct way *way = fails(&map_fails, file->of, system_error);
    if (way != NULL)
        return failed(way);
    int32_t status = real()->map(file->real, offset, length, how, at, out, system_error);
    held.maps += status == CRM_OK ? 1 : 0;
    return status;
}

static void fault_unmap(void *context, void *address, size_t length)
{
    held.maps--;
    real()->unmap(context, address, length);
}

static int32_t fault_rename(void *context, const char *from, const char *to, int *system_error)
{
    const struct way *way = fails(&rename_fails, file_of(to), system_error);
    int ignored;
    if (way == NULL)
        return real()->rename(context, from, to, system_error);
    if (way->how == DONE)
        (void)real()->rename(context, from, to, &ignored);
    return failed(way);
}

static int32_t fault_unlink(void *context, const char *path, int *system_error)
{
    const struct way *way = fails(&unlink_fails, file_of(path), system_error);
    int ignored;
    if (way == NULL)
        return real()->unlink(context, path, system_error);
    if (way->how == DONE)
        (void)real()->unlink(context, path, &ignored);
    return failed(way);
}

static int32_t fault_sync_folder(void *context, const char *path, int *system_error)
{
    const struct way *way = fails(&sync_folder_fails, file_of(path), system_error);
    return way == NULL ? real()->sync_folder(context, path, system_error) : failed(way);
}

static int32_t fault_resolve(void *context, const char *path, char *out, size_t size, int *system_error)
{
    const struct way *way = fails(&resolve_fails, file_of(path), system_error);
    return way == NULL ? real()->resolve(context, path, out, size, system_error) : failed(way);
}

const struct file_ops fault_files = {
    .open = fault_open,
    .close = fault_close,
    .read = fault_read,
    .write = fault_write,
    .sync = fault_sync,
    .truncate = fault_truncate,
    .allocate = fault_allocate,
    .identify = fault_identify,
    .identify_path = fault_identify_path,
    .lock = fault_lock,
    .map = fault_map,
    .unmap = fault_unmap,
    .rename = fault_rename,
    .unlink = fault_unlink,
    .sync_folder = fault_sync_folder,
    .resolve = fault_resolve,
};
