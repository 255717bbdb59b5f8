/* log_map.c: the log as readers see it, one range of memory.
 *
 * More address space is mapped than the file has bytes, so that growth costs
 * nothing but a new length; only when the file outgrows the range is it mapped
 * again, twice as large.  A change makes a new view and swaps it in: readers
 * need no lock, and what they borrowed stays valid because old maps are kept.
 * The length is what keeps readers from touching pages behind the file's end,
 * which would be a fault and not an error.
 */
#include "log/log_private.h"
#include "sys/error.h"

/* The first range: room for most files to grow without mapping again. */
#define MAP_FIRST (UINT64_C(64) << 20)

const struct log_map *log_map(const struct log *log)
{
    return &atomic_load_explicit(&log->view, memory_order_acquire)->map;
}

static int32_t map_range(struct log *log, uint64_t size, struct map_view *view, crm_error *error)
{
    void *address = NULL;
    int system = 0;
    uint64_t reach = size <= MAP_FIRST / 2 ? MAP_FIRST : size * 2; /* no file has 2^63 bytes */
    int32_t status = reach > SIZE_MAX
                         ? CRM_NOMEM
                         : log->files->map(log->file, 0, (size_t)reach, FILE_MAP_SHARED_READ, NULL, &address, &system);
    if (status != CRM_OK && size != 0 && size <= SIZE_MAX) {
        /* Address space is short: just what there is, and map again sooner. */
        reach = size;
        status = log->files->map(log->file, 0, (size_t)reach, FILE_MAP_SHARED_READ, NULL, &address, &system);
    }
    if (status != CRM_OK)
        return log_failure(log, status, system, "cannot be mapped", error);
    view->map.base = address;
    view->reach = reach;
    view->owner = true;
    return CRM_OK;
}

static int32_t replace_view(struct log *log, uint64_t size, crm_error *error)
{
    struct map_view *older = atomic_load_explicit(&log->view, memory_order_relaxed);
    struct map_view *view = memory_zero(log->memory, 1, sizeof *view);
    if (view == NULL)
        return error_nomem(error);
    if (older != NULL && size <= older->reach) {
        view->map.base = older->map.base;
        view->reach = older->reach;
    } else {
        int32_t status = map_range(log, size, view, error);
        if (status != CRM_OK) {
            memory_free(log->memory, view);
            return status;
        }
    }
    view->map.length = size;
    view->older = older;
    atomic_store_explicit(&log->view, view, memory_order_release);
    return CRM_OK;
}

int32_t log_map_cover(struct log *log, uint64_t size, crm_error *error)
{
    const struct map_view *now = atomic_load_explicit(&log->view, memory_order_relaxed);
    if (now != NULL && size <= now->map.length)
        return CRM_OK;
    return replace_view(log, size, error);
}

int32_t log_map_shorten(struct log *log, uint64_t size, crm_error *error)
{
    const struct map_view *now = atomic_load_explicit(&log->view, memory_order_relaxed);
    if (size >= now->map.length)
        return CRM_OK;
    return replace_view(log, size, error);
}

void log_map_release(struct log *log)
{
    struct map_view *view = atomic_load_explicit(&log->view, memory_order_relaxed);
    while (view != NULL) {
        struct map_view *older = view->older;
        if (view->owner)
            log->files->unmap(log->files->context, (void *)(uintptr_t)view->map.base, (size_t)view->reach);
        memory_free(log->memory, view);
        view = older;
    }
    atomic_store_explicit(&log->view, NULL, memory_order_relaxed);
}

int32_t log_refresh(struct log *log, crm_error *error)
{
    struct file_identity identity = {0};
    int system = 0;
    /* Asked within the lock: a size from before another thread's growth would
     * look like a file that got shorter. */
    mutex_lock(&log->growth);
    const struct map_view *now = atomic_load_explicit(&log->view, memory_order_relaxed);
    int32_t status = log->files->identify(log->file, &identity, &system);
    if (status != CRM_OK) {
        status = log_failure(log, status, system, "cannot be examined", error);
    } else if (now == NULL || identity.size >= now->map.length) {
        status = log_map_cover(log, identity.size, error);
    } else {
        (void)log_map_shorten(log, identity.size, NULL);
        status = error_set(error, CRM_CORRUPT, "%s: was cut to %llu bytes by somebody else while open", log->path,
                           (unsigned long long)identity.size);
    }
    mutex_unlock(&log->growth);
    return status;
}
