/* file.c: the real file system behind struct file_ops, and address space.
 *
 * Nothing above knows a system call.  Each function here does one thing, says
 * exactly how it failed (status and errno) and leaves the message to its
 * caller, who knows which file and what for.  The handle is the descriptor
 * itself in a pointer's clothes, so that opening needs no allocation.
 */
#include "sys/file.h"

#include "sys/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "files over 2 GiB need 64-bit offsets");

/* Linux moves at most this much a call. */
#define CALL_MAX ((size_t)0x7ffff000)

/* Descriptors 0 to 2 are never used: a stray message to standard output or
 * error would land in the database. */
enum { DESCRIPTOR_FIRST = 3 };

/* How long to sleep between two tries for a lock: short at first, because
 * most locks are held for one sync. */
enum { LOCK_SLEEP_FIRST_NS = 50000, LOCK_SLEEP_MOST_NS = 2000000 };

static struct file *file_of(int descriptor)
{
    return (struct file *)(uintptr_t)(unsigned)descriptor; /* NOLINT(performance-no-int-to-ptr): no allocation */
}

static int descriptor_of(const struct file *file)
{
    return (int)(uintptr_t)file;
}

/* The status for the errno of a call that failed; keeps errno for the caller. */
static int32_t failure(int *system_error)
{
    *system_error = errno;
    switch (errno) {
    case ENOENT:
    case ENOTDIR: return CRM_NOT_FOUND;
    case EEXIST: return CRM_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return CRM_FULL;
    case ENOMEM: return CRM_NOMEM;
    case EROFS: return CRM_READ_ONLY;
    case EISDIR:
    case ENXIO: /* a socket, or a device without a driver */ return CRM_NOT_A_DATABASE;
    default: return CRM_IO;
    }
}

static int32_t failure_of(int system, int *system_error)
{
    errno = system;
    return failure(system_error);
}

static int32_t check_regular(int descriptor, int *system_error)
{
    struct stat about;
    if (fstat(descriptor, &about) != 0)
        return failure(system_error);
    if (S_ISREG(about.st_mode))
        return CRM_OK;
    *system_error = S_ISDIR(about.st_mode) ? EISDIR : 0;
    return CRM_NOT_A_DATABASE;
}

static int32_t file_open(void *context, const char *path, int flags, struct file **out, int *system_error)
{
    (void)context;
    /* O_NONBLOCK: opening a FIFO must not wait for its other end. */
    int how = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | ((flags & FILE_WRITE) ? O_RDWR : O_RDONLY);
    if (flags & FILE_CREATE)
        how |= O_CREAT;
    if (flags & FILE_EXCLUSIVE)
        how |= O_EXCL | O_NOFOLLOW;
    int descriptor;
    do {
        descriptor = open(path, how, S_IRUSR | S_IWUSR);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return failure(system_error);
    if (descriptor < DESCRIPTOR_FIRST) {
        int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, DESCRIPTOR_FIRST);
        int32_t status = higher < 0 ? failure(system_error) : CRM_OK;
        (void)close(descriptor);
        if (status != CRM_OK)
            return status;
        descriptor = higher;
    }
    int32_t status = check_regular(descriptor, system_error);
    if (status != CRM_OK) {
        (void)close(descriptor);
        if (flags & FILE_EXCLUSIVE) /* made just now: not to be in the way of the next try */
            (void)unlink(path);
        return status;
    }
    *out = file_of(descriptor);
    return CRM_OK;
}

static void file_close(struct file *file)
{
    (void)close(descriptor_of(file));
}

static int32_t file_read(struct file *file, uint64_t offset, void *bytes, size_t length, size_t *got, int *system_error)
{
    uint8_t *at = bytes;
    *got = 0;
    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return failure_of(EFBIG, system_error);
    while (length != 0) {
        ssize_t count = pread(descriptor_of(file), at, length < CALL_MAX ? length : CALL_MAX, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return failure(system_error);
        if (count == 0)
            break;
        at += count;
        *got += (size_t)count;
        offset += (uint64_t)count;
        length -= (size_t)count;
    }
    return CRM_OK;
}

static int32_t file_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    const uint8_t *at = bytes;
    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return failure_of(EFBIG, system_error);
    while (length != 0) {
        ssize_t count = pwrite(descriptor_of(file), at, length < CALL_MAX ? length : CALL_MAX, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return failure(system_error);
        if (count == 0) /* cannot happen for a regular file; must not loop for ever if it does */
            return failure_of(EIO, system_error);
        at += count;
        offset += (uint64_t)count;
        length -= (size_t)count;
    }
    return CRM_OK;
}

static int32_t file_sync(struct file *file, int *system_error)
{
    int result;
    do {
        result = fdatasync(descriptor_of(file));
    } while (result != 0 && errno == EINTR);
    return result == 0 ? CRM_OK : failure(system_error);
}

static int32_t file_truncate(struct file *file, uint64_t size, int *system_error)
{
    if (size > INT64_MAX)
        return failure_of(EFBIG, system_error);
    int result;
    do {
        result = ftruncate(descriptor_of(file), (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? CRM_OK : failure(system_error);
}

static int32_t file_identify(struct file *file, struct file_identity *out, int *system_error)
{
    struct stat about;
    if (fstat(descriptor_of(file), &about) != 0)
        return failure(system_error);
    *out = (struct file_identity){(uint64_t)about.st_dev, (uint64_t)about.st_ino, (uint64_t)about.st_size};
    return CRM_OK;
}

static int32_t file_identify_path(void *context, const char *path, struct file_identity *out, int *system_error)
{
    struct stat about;
    (void)context;
    if (stat(path, &about) != 0)
        return failure(system_error);
    *out = (struct file_identity){(uint64_t)about.st_dev, (uint64_t)about.st_ino, (uint64_t)about.st_size};
    return CRM_OK;
}

static int32_t file_allocate(struct file *file, uint64_t offset, uint64_t length, int *system_error)
{
    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return failure_of(EFBIG, system_error);
    int result;
    do {
        result = fallocate(descriptor_of(file), 0, (off_t)offset, (off_t)length);
    } while (result != 0 && errno == EINTR);
    if (result == 0)
        return CRM_OK;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return failure(system_error);
    /* Not the emulation of posix_fallocate: it writes into every block, which
     * races with a writer.  A hole is as zero, only not promised. */
    struct file_identity now = {0};
    int32_t status = file_identify(file, &now, system_error);
    if (status == CRM_OK && now.size < offset + length)
        status = file_truncate(file, offset + length, system_error);
    return status;
}

/* An exclusive lock needs a descriptor that may write.  One that may only read
 * is told what it wanted to know all the same: whether somebody else is there. */
static int32_t lock_probe(int descriptor, struct flock *want, int *system_error)
{
    while (fcntl(descriptor, F_OFD_GETLK, want) != 0)
        if (errno != EINTR)
            return failure(system_error);
    *system_error = want->l_type == F_UNLCK ? EBADF : EAGAIN;
    return want->l_type == F_UNLCK ? CRM_READ_ONLY : CRM_BUSY;
}

static int32_t file_lock(struct file *file, uint64_t byte, int how, int64_t timeout_ms, int *system_error)
{
    short type = how == FILE_LOCK_NONE ? F_UNLCK : how == FILE_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    int64_t start = timeout_ms > 0 ? clock_monotonic_ms() : 0;
    long sleep_ns = LOCK_SLEEP_FIRST_NS;
    for (;;) {
        struct flock want = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
        if (fcntl(descriptor_of(file), timeout_ms < 0 ? F_OFD_SETLKW : F_OFD_SETLK, &want) == 0)
            return CRM_OK;
        if (errno == EBADF && how == FILE_LOCK_EXCLUSIVE)
            return lock_probe(descriptor_of(file), &want, system_error);
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EACCES)
            return failure(system_error);
        *system_error = EAGAIN;
        if (timeout_ms <= 0 || clock_monotonic_ms() - start >= timeout_ms)
            return CRM_BUSY;
        struct timespec pause = {.tv_nsec = sleep_ns};
        (void)nanosleep(&pause, NULL);
        sleep_ns = sleep_ns * 2 < LOCK_SLEEP_MOST_NS ? sleep_ns * 2 : LOCK_SLEEP_MOST_NS;
    }
}

static int32_t file_map(struct file *file, uint64_t offset, size_t length, int how, void *at, void **out,
                        int *system_error)
{
    int protection = how == FILE_MAP_SHARED_READ ? PROT_READ : PROT_READ | PROT_WRITE;
    int flags = how == FILE_MAP_PRIVATE_WRITE ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
    if (offset > INT64_MAX)
        return failure_of(EFBIG, system_error);
    if (at != NULL)
        flags |= MAP_FIXED;
    void *address = mmap(at, length, protection, flags, descriptor_of(file), (off_t)offset);
    if (address == MAP_FAILED)
        return failure(system_error);
    *out = address;
    return CRM_OK;
}

static void file_unmap(void *context, void *address, size_t length)
{
    (void)context;
    if (address != NULL && length != 0)
        (void)munmap(address, length);
}

static int32_t file_sync_folder(void *context, const char *path, int *system_error)
{
    (void)context;
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof folder)
        return failure_of(ENAMETOOLONG, system_error);
    memcpy(folder, slash == NULL ? "." : path, length);
    folder[length] = '\0';
    int descriptor;
    do {
        descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return failure(system_error);
    int result;
    do {
        result = fsync(descriptor);
    } while (result != 0 && errno == EINTR);
    /* EINVAL: this file system has nothing to sync for a folder. */
    int32_t status = result == 0 || errno == EINVAL ? CRM_OK : failure(system_error);
    (void)close(descriptor);
    return status;
}

static int32_t file_rename(void *context, const char *from, const char *to, int *system_error)
{
    if (rename(from, to) != 0)
        return failure(system_error);
    return file_sync_folder(context, to, system_error);
}

static int32_t file_unlink(void *context, const char *path, int *system_error)
{
    (void)context;
    return unlink(path) == 0 ? CRM_OK : failure(system_error);
}

static int32_t file_resolve(void *context, const char *path, char *out, size_t size, int *system_error)
{
    (void)context;
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL)
        return failure(system_error);
    size_t length = strlen(resolved);
    if (length >= size)
        return failure_of(ENAMETOOLONG, system_error);
    memcpy(out, resolved, length + 1);
    return CRM_OK;
}

const struct file_ops *file_ops_default(void)
{
    static const struct file_ops ops = {
        .open = file_open,
        .close = file_close,
        .read = file_read,
        .write = file_write,
        .sync = file_sync,
        .truncate = file_truncate,
        .allocate = file_allocate,
        .identify = file_identify,
        .identify_path = file_identify_path,
        .lock = file_lock,
        .map = file_map,
        .unmap = file_unmap,
        .rename = file_rename,
        .unlink = file_unlink,
        .sync_folder = file_sync_folder,
        .resolve = file_resolve,
    };
    return &ops;
}

void *address_reserve(size_t length)
{
    if (length == 0)
        return NULL;
    void *address = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

bool address_commit(void *address, size_t length)
{
    long size = sysconf(_SC_PAGESIZE);
    uintptr_t page = size > 0 ? (uintptr_t)size : 4096;
    uintptr_t before = (uintptr_t)address % page; /* bytes of the first page that lie before the address */
    if (length == 0)
        return true;
    if (length > SIZE_MAX - before)
        return false;
    return mprotect((uint8_t *)address - before, length + before, PROT_READ | PROT_WRITE) == 0;
}

void address_release(void *address, size_t length)
{
    if (address != NULL && length != 0)
        (void)munmap(address, length);
}
