/* lock: mutex, condition and reader-writer lock, so that no folder above
 * names the thread library.  The calls cannot fail once initialised. */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

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

void rwlock_read(struct rwlock *lock);
void rwlock_unlock(struct rwlock *lock); /* of either kind */

/* Bits of the state: a writer holds it or waits; one holds it. */
#define RWLOCK_WANTED (UINT32_C(1) << 31)
#define RWLOCK_HELD (UINT32_C(1) << 30)

#endif
