/* lock: mutex, condition and reader-writer lock, so that no folder above
 * names the thread library.  The calls cannot fail once initialised. */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include <features.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether the process is known to have but one thread. */
#if defined(__GLIBC__) && __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define LOCK_ALONE (__libc_single_threaded != 0)
#else
#define LOCK_ALONE false
#endif

struct mutex {
    pthread_mutex_t handle;
};
struct condition {
    pthread_cond_t handle;
};
/* Readers hold back for a writer that waits, and those that held back come
 * before the next writer: neither can starve the other. */
struct rwlock {
    _Atomic uint32_t state; /* how many readers are in, and the bits below */
    struct mutex mutex;     /* guards the rest, and who sets the bits */
    struct condition changed;
    uint32_t queue; /* readers that wait */
    uint64_t turn;  /* counts the times that they were let in */
};

bool mutex_init(struct mutex *mutex);
void mutex_destroy(struct mutex *mutex);
static inline void mutex_lock(struct mutex *mutex)
{
    (void)pthread_mutex_lock(&mutex->handle);
}
static inline void mutex_unlock(struct mutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->handle);
}
bool mutex_lock_for(struct mutex *mutex, int64_t timeout_ms); /* < 0: for ever; false on time-out */
bool condition_init(struct condition *condition);             /* monotonic clock */
void condition_destroy(struct condition *condition);
void condition_wait(struct condition *condition, struct mutex *mutex);
bool condition_wait_for(struct condition *condition, struct mutex *mutex, int64_t timeout_ms); /* false on time-out */
void condition_broadcast(struct condition *condition);
bool rwlock_init(struct rwlock *lock);
void rwlock_destroy(struct rwlock *lock);
void rwlock_write(struct rwlock *lock);

/* A writer holds it or waits; one holds it. */
#define RWLOCK_WANTED (UINT32_C(1) << 31)
#define RWLOCK_HELD (UINT32_C(1) << 30)
void rwlock_queue(struct rwlock *lock);     /* a reader that met a writer */
void rwlock_wake(struct rwlock *lock);      /* the last reader that one waits for */
void rwlock_write_end(struct rwlock *lock); /* rwlock_unlock calls it */

/* Adds to the state; what it was.  Alone in its process, a thread need not pay
 * for an atomic addition: it is nearly all that a look-up pays for locks. */
static inline uint32_t rwlock_add(struct rwlock *lock, uint32_t count, memory_order order)
{
    if (!LOCK_ALONE)
        return atomic_fetch_add_explicit(&lock->state, count, order);
    uint32_t before = atomic_load_explicit(&lock->state, memory_order_relaxed);
    atomic_store_explicit(&lock->state, before + count, memory_order_relaxed);
    return before;
}

static inline void rwlock_read(struct rwlock *lock)
{
    if (rwlock_add(lock, 1, memory_order_acquire) >= RWLOCK_HELD)
        rwlock_queue(lock);
}

/* Of either kind: while one is held for writing no reader is in. */
static inline void rwlock_unlock(struct rwlock *lock)
{
    if (atomic_load_explicit(&lock->state, memory_order_relaxed) & RWLOCK_HELD)
        rwlock_write_end(lock);
    else if (rwlock_add(lock, UINT32_MAX, memory_order_release) == RWLOCK_WANTED + 1)
        rwlock_wake(lock);
}

#endif
