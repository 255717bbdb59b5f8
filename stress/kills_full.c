/* kills_full: what happens when there is no room.
 *
 * On a small file system of this process alone, of many sizes, and under a limit
 * on the length of files, of many lengths: commits until one fails, compactions,
 * copies, images and salvage.  CRM_FULL names the file; what was acknowledged is
 * there and what was refused is not; the handle writes no more (P4); with room
 * again and the file opened anew all is well.
 */
#include "kills.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, ROOM = 4 << 20, TRANSACTIONS_MOST = 20000 };

/* ---- a disk of one's own ---- */

static void write_text(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t written = write(file, text, strlen(text));
        (void)written; /* whether it helped is seen by the mount */
        (void)close(file);
    }
}

/* Without being root, in a user namespace where one is. */
static bool own_mounts(void)
{
    char map[64];
    unsigned user = (unsigned)getuid(), group = (unsigned)getgid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        snprintf(map, sizeof map, "0 %u 1", user);
        write_text("/proc/self/uid_map", map);
        write_text("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", group);
        write_text("/proc/self/gid_map", map);
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool small_disk(const char *folder, uint64_t bytes)
{
    char options[64];
    static bool own;
    own = own || own_mounts();
    snprintf(options, sizeof options, "size=%llu,mode=0700", (unsigned long long)bytes);
    return own && mount("tmpfs", folder, "tmpfs", 0, options) == 0;
}

bool small_disk_resize(const char *folder, uint64_t bytes, bool read_only)
{
    char options[64];
    snprintf(options, sizeof options, "size=%llu", (unsigned long long)bytes);
    return mount("tmpfs", folder, "tmpfs", MS_REMOUNT | (read_only ? MS_RDONLY : 0), options) == 0;
}

/* ---- filling ---- */

struct filling {
    struct kills *kills;
    const char *folder; /* of the small disk; NULL: a limit on the length of files */
    char what[64];
};

static void wrong(const struct filling *filling, const char *what, const crm_error *error)
{
    stress_fail(filling->kills->stress, "%s: %s%s%s", filling->what, what, error == NULL ? "" : ": ",
                error == NULL ? "" : error->message);
}

static void make_room(const struct filling *filling)
{
    struct rlimit limit;
    if (filling->folder != NULL) {
        if (!small_disk_resize(filling->folder, ROOM, false))
            wrong(filling, "no room can be made", NULL);
    } else if (getrlimit(RLIMIT_FSIZE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            wrong(filling, "no room can be made", NULL);
    }
}

static void check_full(const struct filling *filling, const char *doing, const char *path, int32_t status,
                       const crm_error *error)
{
    if (status != CRM_FULL)
        wrong(filling, crm_status_name(status), error);
    else if (strstr(error->message, path) == NULL)
        wrong(filling, "the message does not name the file", error);
    (void)doing;
}

/* The handle that failed answers what it did before, and writes no more. */
static void check_stopped(const struct filling *filling, crm_db *db, bool members)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    crm_view *view = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    if (status != CRM_STOPPED)
        wrong(filling, "after a failed write a transaction begins", &error);
    crm_rollback(txn);
    if (crm_view_open(db, &view, &error) != CRM_OK)
        wrong(filling, "after a failed write there is no view", &error);
    else
        check_view(filling->kills, view, members);
    crm_view_close(view);
}

static uint64_t next_t(struct kills *kills)
{
    return atomic_fetch_add(&kills->shared->next, 1);
}

static void commit_with_room(const struct filling *filling)
{
    struct kills *kills = filling->kills;
    crm_error error = {0};
    int32_t status;
    crm_db *db = kills_open(kills->path, 0, 1, &status, &error);
    if (db == NULL || kills_commit(kills, db, next_t(kills), &error) != CRM_OK || crm_close(db) != CRM_OK)
        wrong(filling, "with room again", &error);
}

/* Commits until there is no room.  The first of all is that of the members. */
static void fill(const struct filling *filling)
{
    struct kills *kills = filling->kills;
    crm_error error = {0};
    crm_db *db = NULL;
    bool members = false;
    kills_forget(kills);
    int32_t status = crm_open(kills->path, NULL, &db, &error);
    if (status != CRM_OK) {
        check_full(filling, "open", kills->path, status, &error);
        make_room(filling);
        status = crm_open(kills->path, NULL, &db, &error);
        if (status != CRM_OK || crm_close(db) != CRM_OK)
            wrong(filling, "with room again it cannot be opened", &error);
        return;
    }
    status = kills_members(kills, db, &error);
    members = status == CRM_OK;
    for (int i = 0; status == CRM_OK && i < TRANSACTIONS_MOST; i++)
        status = kills_commit(kills, db, next_t(kills), &error);
    check_full(filling, "commit", kills->path, status, &error);
    check_stopped(filling, db, members);
    (void)crm_close(db);
    check_file(kills, kills->path, members);
    make_room(filling);
    check_file(kills, kills->path, members);
    if (members)
        commit_with_room(filling);
    check_file(kills, kills->path, members);
}

/* ---- with some room: compact, copy, image, salvage ---- */

static void leave_free(const char *folder, uint64_t pages)
{
    struct statvfs about;
    char path[256];
    snprintf(path, sizeof path, "%s/ballast", folder);
    (void)unlink(path);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || fstatvfs(file, &about) != 0)
        abort();
    uint64_t free_bytes = (uint64_t)about.f_bfree * about.f_bsize;
    if (free_bytes > pages * PAGE && fallocate(file, 0, 0, (off_t)(free_bytes - pages * PAGE)) != 0)
        abort();
    (void)close(file);
}

static bool is_there(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

enum { COMPACT, COPY, REBUILD, SALVAGE, DOINGS };

static int32_t act(const struct filling *filling, crm_db *db, int what, const char *other, crm_error *error)
{
    switch (what) {
    case COMPACT: return crm_compact(db, error);
    case COPY: return crm_backup(db, other, error);
    case REBUILD: return crm_rebuild(db, error);
    default: return crm_recover(filling->kills->path, other, NULL, NULL, error);
    }
}

/* A failure changes nothing and leaves nothing behind; the handle goes on. */
static void act_with(const struct filling *filling, int what, uint64_t pages)
{
    static const char *const left[DOINGS] = {"kills.crm.compact", "other.crm", "kills.crm-index.tmp", "other.crm"};
    struct kills *kills = filling->kills;
    crm_error error = {0};
    char other[192];
    int32_t status;
    snprintf(other, sizeof other, "%s/other.crm", filling->folder);
    crm_db *db = kills_open(kills->path, 0, 1, &status, &error);
    if (db == NULL) {
        wrong(filling, "open", &error);
        return;
    }
    leave_free(filling->folder, pages);
    status = act(filling, db, what, other, &error);
    if (status != CRM_OK) {
        check_full(filling, "act", filling->folder, status, &error);
        if (is_there(filling->folder, left[what]))
            wrong(filling, "something is left behind", NULL);
    }
    leave_free(filling->folder, 300);
    if (kills_commit(kills, db, next_t(kills), &error) != CRM_OK)
        wrong(filling, "the handle does not go on", &error);
    if (crm_close(db) != CRM_OK)
        wrong(filling, "closing failed", NULL);
    check_file(kills, kills->path, true);
    if (status == CRM_OK && (what == COPY || what == SALVAGE)) {
        db = kills_open(other, 1, 0, &status, &error);
        if (db == NULL || crm_verify(db, NULL, &error) != CRM_OK)
            wrong(filling, "the copy", &error);
        (void)crm_close(db);
    }
    (void)unlink(other);
    snprintf(other, sizeof other, "%s/other.crm-index", filling->folder);
    (void)unlink(other);
}

static void make_some(const struct filling *filling)
{
    struct kills *kills = filling->kills;
    crm_error error = {0};
    crm_db *db = NULL;
    kills_forget(kills);
    int32_t status = crm_open(kills->path, NULL, &db, &error);
    if (status == CRM_OK)
        status = kills_members(kills, db, &error);
    for (int i = 0; status == CRM_OK && i < 60; i++)
        status = kills_commit(kills, db, next_t(kills), &error);
    if (status != CRM_OK || crm_close(db) != CRM_OK)
        wrong(filling, "a file cannot be made", &error);
}

/* ---- children ---- */

/* Each case in a child with a disk, or a limit, of its own. */
static void run(struct filling *filling, uint64_t size, int what)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct kills *kills = filling->kills;
        if (filling->folder != NULL) {
            if (!small_disk(filling->folder, what < 0 ? size : ROOM))
                _exit(2);
        } else {
            struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};
            (void)signal(SIGXFSZ, SIG_IGN);
            if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
                _exit(2);
        }
        if (what < 0) {
            fill(filling);
        } else {
            make_some(filling);
            act_with(filling, what, size / PAGE);
        }
        (void)unlink(kills->path);
        (void)unlink(kills->image);
        (void)fflush(NULL);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        wrong(filling, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "the child ended by itself", NULL);
}

static bool may_mount(const char *folder)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(small_disk(folder, ROOM) ? 0 : errno == 0 ? 1 : errno);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    printf("SKIP small file systems: mounting one: %s\n", strerror(WEXITSTATUS(status)));
    return false;
}

void kills_full(struct kills *kills)
{
    static const char *const doings[DOINGS] = {"compacting", "copying", "building the image", "salvaging"};
    char folder[128], before[128], image[136];
    uint64_t count = 0, step = kills->stress->longer ? 1 : 9;
    struct filling filling = {.kills = kills, .folder = folder};
    stress_path(kills->stress, "disk", folder, sizeof folder);
    if (mkdir(folder, 0700) != 0)
        abort();
    memcpy(before, kills->path, sizeof before);
    memcpy(image, kills->image, sizeof image);
    (void)unlink(kills->path);
    (void)unlink(kills->image);
    bool mounts = may_mount(folder);
    if (mounts) {
        snprintf(kills->path, sizeof kills->path, "%.100s/kills.crm", folder);
        snprintf(kills->image, sizeof kills->image, "%s-index", kills->path);
    }
    for (uint64_t pages = 1; mounts && pages < 130; pages += pages < 12 ? 1 : step, count++) {
        snprintf(filling.what, sizeof filling.what, "a disk of %llu pages", (unsigned long long)pages);
        run(&filling, pages * PAGE, -1);
    }
    for (int what = 0; mounts && what < DOINGS; what++) {
        for (uint64_t pages = 0; pages < 60; pages += step, count++) {
            snprintf(filling.what, sizeof filling.what, "%s with %llu pages", doings[what], (unsigned long long)pages);
            run(&filling, pages * PAGE, what);
        }
    }
    memcpy(kills->path, before, sizeof before);
    memcpy(kills->image, image, sizeof image);
    filling.folder = NULL;
    for (uint64_t size = 0; size < 60000; size += size < 8400 ? 2000 : 61 * step, count++) {
        snprintf(filling.what, sizeof filling.what, "files of at most %llu bytes", (unsigned long long)size);
        run(&filling, size, -1);
    }
    printf("  %llu times without room\n", (unsigned long long)count);
}
