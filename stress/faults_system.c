/* faults_system: the system's calls that lib/sys makes, in their place by the
 * linker (mk/stress.mk names them), so that what is below the table of file
 * operations fails, too.
 *
 * An interrupted call, a short read or write, a file system that cannot
 * allocate or has nothing to sync for a folder: nobody may notice.  All else
 * is an error of the operation that needed it.  Address space, mutexes and the
 * C library's allocator are here as well: what does not come from the handle's.
 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* In place of an errno: half of the bytes are moved. */
enum { SHORT = -1 };

struct failing_call {
    const char *name;
    bool resource; /* memory, not a file: CRM_NOMEM whatever the errno */
    unsigned count, unnoticed;
    int ways[5]; /* those that nobody may notice come first */
};

static const struct failing_call open_call = {"open()", false, 4, 1, {EINTR, EMFILE, EIO, ENOMEM}};
static const struct failing_call pread_call = {"pread()", false, 3, 2, {EINTR, SHORT, EIO}};
static const struct failing_call pwrite_call = {"pwrite()", false, 5, 2, {EINTR, SHORT, ENOSPC, EIO, EFBIG}};
static const struct failing_call fdatasync_call = {"fdatasync()", false, 3, 1, {EINTR, EIO, EDQUOT}};
static const struct failing_call fsync_call = {"fsync()", false, 3, 2, {EINTR, EINVAL, EIO}};
static const struct failing_call ftruncate_call = {"ftruncate()", false, 2, 1, {EINTR, EIO}};
static const struct failing_call fallocate_call = {"fallocate()", false, 4, 2, {EINTR, EOPNOTSUPP, ENOSPC, EIO}};
static const struct failing_call fcntl_call = {"fcntl()", false, 2, 1, {EINTR, ENOLCK}};
static const struct failing_call fstat_call = {"fstat()", false, 1, 0, {EIO}};
static const struct failing_call stat_call = {"stat()", false, 1, 0, {EIO}};
static const struct failing_call rename_call = {"rename()", false, 3, 0, {EIO, ENOSPC, EROFS}};
static const struct failing_call unlink_call = {"unlink()", false, 1, 0, {EACCES}};
static const struct failing_call realpath_call = {"realpath()", false, 1, 0, {ENOMEM}};
static const struct failing_call map_call = {"mmap() of a file", false, 2, 0, {ENOMEM, EACCES}};
static const struct failing_call reserve_call = {"mmap()", true, 1, 0, {ENOMEM}};
static const struct failing_call mprotect_call = {"mprotect()", true, 1, 0, {ENOMEM}};
static const struct failing_call realloc_call = {"realloc()", true, 1, 0, {ENOMEM}};
static const struct failing_call mutex_call = {"pthread_mutex_init()", true, 1, 0, {ENOMEM}};
static const struct failing_call condition_call = {"pthread_cond_init()", true, 1, 0, {EAGAIN}};
static const struct failing_call getrandom_call = {"getrandom()", false, 3, 3, {EINTR, SHORT, ENOSYS}};

/* What the call answers in place of the truth: an errno, SHORT; 0: the truth. */
static int answer(const struct failing_call *call)
{
    if (!fault_now(FAULT_SYSTEM, call->name, call->count))
        return 0;
    unsigned way = fault.variant % call->count;
    if (fault.calls == fault.at)
        fault.transparent = way < call->unnoticed;
    if (fault.transparent)
        return call->ways[way];
    if (call->count == call->unnoticed)
        return 0;
    way = way < call->unnoticed ? call->unnoticed : way;
    if (call->resource)
        fault_answers(CRM_NOMEM, 0);
    else
        fault_judge_operation(fault_status(call->ways[way]), call->ways[way]);
    return call->ways[way];
}

/* True: the call fails, errno is set. */
static bool fails(const struct failing_call *call)
{
    int system = answer(call);
    if (system != 0)
        errno = system;
    return system != 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    return fails(&open_call) ? -1 : __real_open(path, flags, mode);
}

ssize_t __real_pread(int file, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int file, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int file, void *bytes, size_t length, off_t offset)
{
    int system = answer(&pread_call);
    if (system == SHORT)
        return __real_pread(file, bytes, (length + 1) / 2, offset);
    errno = system;
    return system != 0 ? -1 : __real_pread(file, bytes, length, offset);
}

ssize_t __real_pwrite(int file, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int file, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int file, const void *bytes, size_t length, off_t offset)
{
    int system = answer(&pwrite_call);
    if (system == SHORT)
        return __real_pwrite(file, bytes, (length + 1) / 2, offset);
    errno = system;
    return system != 0 ? -1 : __real_pwrite(file, bytes, length, offset);
}

int __real_fdatasync(int file);
int __wrap_fdatasync(int file);
int __wrap_fdatasync(int file)
{
    return fails(&fdatasync_call) ? -1 : __real_fdatasync(file);
}

int __real_fsync(int file);
int __wrap_fsync(int file);
int __wrap_fsync(int file)
{
    return fails(&fsync_call) ? -1 : __real_fsync(file);
}

int __real_ftruncate(int file, off_t size);
int __wrap_ftruncate(int file, off_t size);
int __wrap_ftruncate(int file, off_t size)
{
    return fails(&ftruncate_call) ? -1 : __real_ftruncate(file, size);
}

int __real_fallocate(int file, int mode, off_t offset, off_t length);
int __wrap_fallocate(int file, int mode, off_t offset, off_t length);
int __wrap_fallocate(int file, int mode, off_t offset, off_t length)
{
    return fails(&fallocate_call) ? -1 : __real_fallocate(file, mode, offset, length);
}

/* Locks alone: a descriptor is moved up only when the first three are closed. */
int __real_fcntl(int file, int command, ...);
int __wrap_fcntl(int file, int command, ...);
int __wrap_fcntl(int file, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int result = -1;
    if (command == F_DUPFD_CLOEXEC)
        result = __real_fcntl(file, command, va_arg(arguments, int));
    else if (va_arg(arguments, struct flock *)->l_type == F_UNLCK || !fails(&fcntl_call)) {
        va_end(arguments);
        va_start(arguments, command);
        result = __real_fcntl(file, command, va_arg(arguments, struct flock *));
    }
    va_end(arguments);
    return result;
}

int __real_fstat(int file, struct stat *about);
int __wrap_fstat(int file, struct stat *about);
int __wrap_fstat(int file, struct stat *about)
{
    return fails(&fstat_call) ? -1 : __real_fstat(file, about);
}

int __real_stat(const char *path, struct stat *about);
int __wrap_stat(const char *path, struct stat *about);
int __wrap_stat(const char *path, struct stat *about)
{
    return fails(&stat_call) ? -1 : __real_stat(path, about);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return fails(&rename_call) ? -1 : __real_rename(from, to);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    return fails(&unlink_call) ? -1 : __real_unlink(path);
}

char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved)
{
    return fails(&realpath_call) ? NULL : __real_realpath(path, resolved);
}

void *__real_mmap(void *at, size_t length, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int file, off_t offset)
{
    return fails(file >= 0 ? &map_call : &reserve_call) ? MAP_FAILED
                                                        : __real_mmap(at, length, protection, flags, file, offset);
}

int __real_mprotect(void *address, size_t length, int protection);
int __wrap_mprotect(void *address, size_t length, int protection);
int __wrap_mprotect(void *address, size_t length, int protection)
{
    return fails(&mprotect_call) ? -1 : __real_mprotect(address, length, protection);
}

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size)
{
    return fails(&realloc_call) ? NULL : __real_realloc(block, size);
}

int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    int system = answer(&mutex_call);
    return system != 0 ? system : __real_pthread_mutex_init(mutex, attributes);
}

int __real_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    int system = answer(&condition_call);
    return system != 0 ? system : __real_pthread_cond_init(condition, attributes);
}

/* Repeatable, as the rest. */
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t length, unsigned flags)
{
    static uint64_t state = 1;
    (void)flags;
    int system = answer(&getrandom_call);
    if (system > 0) {
        errno = system;
        return -1;
    }
    if (system == SHORT)
        length = (length + 1) / 2;
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)stress_random(&state);
    return (ssize_t)length;
}
