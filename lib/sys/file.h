/* file: the one table through which the library reaches files.
 *
 * A simulated disk or a fault injector stands in by giving another table.
 * Every call returns a CRM status and, on failure, an `errno` in
 * `*system_error`.  Interrupted and short calls are retried inside.
 */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <crm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file; /* belongs to the table that opened it */

enum { FILE_READ = 1, FILE_WRITE = 2, FILE_CREATE = 4, FILE_EXCLUSIVE = 8 };
enum { FILE_LOCK_NONE = 0, FILE_LOCK_SHARED = 1, FILE_LOCK_EXCLUSIVE = 2 };
/* MAP_SHARED_READ: pages of the file, seen as others write them.
 * MAP_SHARED_WRITE: the same, writable.  MAP_PRIVATE_WRITE: copy-on-write. */
enum { FILE_MAP_SHARED_READ = 0, FILE_MAP_SHARED_WRITE = 1, FILE_MAP_PRIVATE_WRITE = 2 };

struct file_identity {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
};

struct file_ops {
    void *context;
    /* Mode 0600; refuses what is not a regular file (a FIFO must not block). */
    int32_t (*open)(void *context, const char *path, int flags, struct file **out, int *system_error);
    void (*close)(struct file *file);
    /* Reads exactly `length` bytes, or fewer only at the end of the file. */
    int32_t (*read)(struct file *file, uint64_t offset, void *bytes, size_t length, size_t *got, int *system_error);
    int32_t (*write)(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error);
    int32_t (*sync)(struct file *file, int *system_error); /* data and size, fdatasync */
    int32_t (*truncate)(struct file *file, uint64_t size, int *system_error);
    int32_t (*allocate)(struct file *file, uint64_t offset, uint64_t length, int *system_error); /* zeroed; grows */
    int32_t (*identify)(struct file *file, struct file_identity *out, int *system_error);
    int32_t (*identify_path)(void *context, const char *path, struct file_identity *out, int *system_error);
    /* Locks one byte; between processes and between handles of one process
     * (open-file-description locks).  timeout_ms < 0 waits for ever, 0 tries
     * once.  CRM_BUSY when not had in time.  A held lock changes its kind in
     * one step.  Asked for FILE_LOCK_EXCLUSIVE, a file open for reading only
     * answers at once and takes nothing: CRM_BUSY when another handle holds a
     * lock on the byte, CRM_READ_ONLY when none does. */
    int32_t (*lock)(struct file *file, uint64_t byte, int how, int64_t timeout_ms, int *system_error);
    /* May reach beyond the end of the file; nobody touches what lies there
     * until the file has grown over it, and then it shows the file's bytes. */
    int32_t (*map)(struct file *file, uint64_t offset, size_t length, int how, void *at, void **out, int *system_error);
    void (*unmap)(void *context, void *address, size_t length);
    int32_t (*rename)(void *context, const char *from, const char *to, int *system_error); /* and syncs the folder */
    int32_t (*unlink)(void *context, const char *path, int *system_error);
    int32_t (*sync_folder)(void *context, const char *path, int *system_error); /* the folder that holds `path` */
    /* The absolute path without symbolic links; may be NULL: paths are used as given. */
    int32_t (*resolve)(void *context, const char *path, char *out, size_t size, int *system_error);
};

/* The real file system. */
const struct file_ops *file_ops_default(void);

/* Address space without memory behind it, for arenas that grow in place. */
void *address_reserve(size_t length);              /* NULL when refused */
bool address_commit(void *address, size_t length); /* readable, writable, zero */
void address_release(void *address, size_t length);

#endif
