/* lock.c: thread locks whose waits are measured by the monotonic clock, so
 * that setting the wall clock neither cuts a time-out short nor stretches it.
 */
#include "sys/lock.h"

#include <errno.h>
#include <time.h>

/* Whether the process is known to have but one thread. */
#if defined(__GLIBC__) && __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define LOCK_ALONE (__libc_single_threaded != 0)
#else
#define LOCK_ALONE false
#endif

/* A time-out longer than this is as good as "for ever" and cannot overflow. */
#define TIMEOUT_MAX_MS (INT64_C(1000) * 60 * 60 * 24 * 365)

/* The thread sanitizer's run time does not know the first, and would take what
 * it locks for unlocked. */
#ifdef __SANITIZE_THREAD__
#define LOCK_CLOCK CLOCK_REALTIME
#define LOCK_UNTIL(mutex, at) pthread_mutex_timedlock(mutex, at)
#else
#define LOCK_CLOCK CLOCK_MONOTONIC
#define LOCK_UNTIL(mutex, at) pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, at)
#endif

static struct timespec deadline(clockid_t clock, int64_t timeout_ms)
{
    struct timespec at = {0};
    if (timeout_ms > TIMEOUT_MAX_MS)
        timeout_ms = TIMEOUT_MAX_MS;
    (void)clock_gettime(clock, &at);
    at.tv_sec += (time_t)(timeout_ms / 1000);
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

bool mutex_init(struct mutex *mutex)
{
    return pthread_mutex_init(&mutex->handle, NULL) == 0;
}

void mutex_destroy(struct mutex *mutex)
{
    (void)pthread_mutex_destroy(&mutex->handle);
}

bool mutex_lock_for(struct mutex *mutex, int64_t timeout_ms)
{
    if (pthread_mutex_trylock(&mutex->handle) == 0)
        return true;
    if (timeout_ms == 0)
        return false;
    if (timeout_ms < 0)
        return pthread_mutex_lock(&mutex->handle) == 0;
    struct timespec at = deadline(LOCK_CLOCK, timeout_ms);
    return LOCK_UNTIL(&mutex->handle, &at) == 0;
}

bool condition_init(struct condition *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&condition->handle, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return made;
}

void condition_destroy(struct condition *condition)
{
    (void)pthread_cond_destroy(&condition->handle);
}

void condition_wait(struct condition *condition, struct mutex *mutex)
{
    (void)pthread_cond_wait(&condition->handle, &mutex->handle);
}

bool condition_wait_for(struct condition *condition, struct mutex *mutex, int64_t timeout_ms)
{
    if (timeout_ms < 0) {
        condition_wait(condition, mutex);
        return true;
    }
    struct timespec at = deadline(CLOCK_MONOTONIC, timeout_ms);
    return pthread_cond_timedwait(&condition->handle, &mutex->handle, &at) != ETIMEDOUT;
}

void condition_broadcast(struct condition *condition)
{
    (void)pthread_cond_broadcast(&condition->handle);
}

bool rwlock_init(struct rwlock *lock)
{
    atomic_init(&lock->state, 0);
    lock->queue = 0;
    lock->turn = 0;
    if (!mutex_init(&lock->mutex))
        return false;
    if (condition_init(&lock->changed))
        return true;
    mutex_destroy(&lock->mutex);
    return false;
}

void rwlock_destroy(struct rwlock *lock)
{
    condition_destroy(&lock->changed);
    mutex_destroy(&lock->mutex);
}

/* Adds to the state; what it was.  Alone in its process, a thread need not pay
 * for an atomic addition: it is nearly all that a look-up pays for locks. */
static inline uint32_t add(struct rwlock *lock, uint32_t count, memory_order order)
{
    if (!LOCK_ALONE)
        return atomic_fetch_add_explicit(&lock->state, count, order);
    uint32_t before = atomic_load_explicit(&lock->state, memory_order_relaxed);
    atomic_store_explicit(&lock->state, before + count, memory_order_relaxed);
    return before;
}

/* The last reader that a writer waits for. */
static void wake(struct rwlock *lock)
{
    mutex_lock(&lock->mutex);
    condition_broadcast(&lock->changed);
    mutex_unlock(&lock->mutex);
}

/* A reader that met a writer takes back that it is in, and waits until a writer that ends counts it in. */
static void queue(struct rwlock *lock)
{
    mutex_lock(&lock->mutex);
    uint32_t before = atomic_fetch_sub_explicit(&lock->state, 1, memory_order_relaxed);
    if (before == RWLOCK_WANTED + 1)
        condition_broadcast(&lock->changed);
    if (before < RWLOCK_HELD) { /* the writer has gone meanwhile */
        atomic_fetch_add_explicit(&lock->state, 1, memory_order_acquire);
    } else {
        uint64_t turn = lock->turn;
        lock->queue++;
        while (lock->turn == turn)
            condition_wait(&lock->changed, &lock->mutex);
    }
    mutex_unlock(&lock->mutex);
}

/* A transaction takes it for each of its records: alone, it need not ask whether others are in or wait. */
void rwlock_write(struct rwlock *lock)
{
    if (LOCK_ALONE && atomic_load_explicit(&lock->state, memory_order_relaxed) == 0) {
        atomic_store_explicit(&lock->state, RWLOCK_WANTED + RWLOCK_HELD, memory_order_relaxed);
        return;
    }
    mutex_lock(&lock->mutex);
    while (atomic_load_explicit(&lock->state, memory_order_relaxed) & RWLOCK_WANTED)
        condition_wait(&lock->changed, &lock->mutex);
    uint32_t state = atomic_fetch_or_explicit(&lock->state, RWLOCK_WANTED, memory_order_acquire);
    while ((state & (RWLOCK_HELD - 1)) != 0) {
        condition_wait(&lock->changed, &lock->mutex);
        state = atomic_load_explicit(&lock->state, memory_order_acquire);
    }
    atomic_fetch_or_explicit(&lock->state, RWLOCK_HELD, memory_order_acquire);
    mutex_unlock(&lock->mutex);
}

static void end_writing(struct rwlock *lock)
{
    if (LOCK_ALONE) {
        atomic_store_explicit(&lock->state, 0, memory_order_relaxed);
        return;
    }
    mutex_lock(&lock->mutex);
    /* Both bits are set: taking them away cannot borrow from the readers' count. */
    atomic_fetch_add_explicit(&lock->state, lock->queue - (RWLOCK_WANTED + RWLOCK_HELD), memory_order_release);
    lock->queue = 0;
    lock->turn++;
    condition_broadcast(&lock->changed);
    mutex_unlock(&lock->mutex);
}

void rwlock_read(struct rwlock *lock)
{
    if (add(lock, 1, memory_order_acquire) >= RWLOCK_HELD)
        queue(lock);
}

/* While one is held for writing no reader is in: the bit tells which it is. */
void rwlock_unlock(struct rwlock *lock)
{
    if (atomic_load_explicit(&lock->state, memory_order_relaxed) & RWLOCK_HELD)
        end_writing(lock);
    else if (add(lock, UINT32_MAX, memory_order_release) == RWLOCK_WANTED + 1)
        wake(lock);
}
