/* slow.c: see slow.h. */
#include "slow.h"

#include "stress.h"

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic uint64_t turns;

void slow_pause(uint64_t *chance)
{
    uint32_t how = stress_below(chance, 16);
    if (how < 8)
        return;
    if (how < 14) {
        (void)sched_yield();
        return;
    }
    struct timespec nap = {.tv_nsec = 1000L * (1 + stress_below(chance, 100))};
    (void)nanosleep(&nap, NULL);
}

static void pause_somehow(void)
{
    uint64_t chance = atomic_fetch_add_explicit(&turns, UINT64_C(0x9e3779b97f4a7c15), memory_order_relaxed);
    slow_pause(&chance);
}

static int32_t slow_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    int32_t status = file_ops_default()->write(file, offset, bytes, length, system_error);
    pause_somehow();
    return status;
}

static int32_t slow_sync(struct file *file, int *system_error)
{
    pause_somehow();
    int32_t status = file_ops_default()->sync(file, system_error);
    pause_somehow();
    return status;
}

static int32_t slow_lock(struct file *file, uint64_t byte, int how, int64_t timeout_ms, int *system_error)
{
    pause_somehow();
    int32_t status = file_ops_default()->lock(file, byte, how, timeout_ms, system_error);
    pause_somehow();
    return status;
}

static int32_t slow_rename(void *context, const char *from, const char *to, int *system_error)
{
    pause_somehow();
    int32_t status = file_ops_default()->rename(context, from, to, system_error);
    pause_somehow(); /* the folder is being synced */
    pause_somehow();
    return status;
}

static int32_t slow_identify(struct file *file, struct file_identity *out, int *system_error)
{
    int32_t status = file_ops_default()->identify(file, out, system_error);
    pause_somehow();
    return status;
}

const struct file_ops *slow_files(struct file_ops *slow)
{
    *slow = *file_ops_default();
    slow->write = slow_write;
    slow->sync = slow_sync;
    slow->lock = slow_lock;
    slow->rename = slow_rename;
    slow->identify = slow_identify;
    return slow;
}
