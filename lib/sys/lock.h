/* lock: mutex, condition and reader-writer lock, so that no folder above
 * names the thread library.  The calls cannot fail once initialised. */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct mutex {
    pthread_mutex_t handle;
};
struct condition {
    pthread_cond_t handle;
};
struct rwlock {
    pthread_rwlock_t handle;
}; /* writer-preferring: readers never starve the writer */

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
static inline void rwlock_read(struct rwlock *lock)
{
    (void)pthread_rwlock_rdlock(&lock->handle);
}
static inline void rwlock_write(struct rwlock *lock)
{
    (void)pthread_rwlock_wrlock(&lock->handle);
}
static inline void rwlock_unlock(struct rwlock *lock)
{
    (void)pthread_rwlock_unlock(&lock->handle);
}

#endif
