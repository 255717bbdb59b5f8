/* disk.c: see disk.h.
 *
 * One lock is held over each change and its entry in the record, so that the
 * record has them in the order in which they happened.  A sync promises what
 * was done before it began and counts when it ended; between the two others may
 * write.  Paths must lie in the disk's folder; reading, maps and locks are the
 * real ones.
 */
#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct file { /* what this table's open hands out */
    struct disk_process *process;
    struct disk *disk;
    struct file *real;
    int node;
};

static void fail(const char *why, const char *what)
{
    fprintf(stderr, "disk: %s%s\n", why, what);
    exit(2);
}

static void *must(void *memory)
{
    if (memory == NULL)
        fail("out of memory", "");
    return memory;
}

/* ---- the record; all under the lock */

static void note_step(struct disk *disk, struct disk_step step)
{
    if (disk->count == disk->capacity) {
        disk->capacity = disk->capacity == 0 ? 64 : disk->capacity * 2;
        disk->steps = must(realloc(disk->steps, disk->capacity * sizeof *disk->steps));
    }
    disk->steps[disk->count++] = step;
}

static uint8_t *copy_of(const void *bytes, size_t length)
{
    uint8_t *copy = must(malloc(length == 0 ? 1 : length));
    memcpy(copy, bytes, length);
    return copy;
}

/* Control pages change without a call of ours: they are looked at before each step. */
static void note_controls(struct disk *disk)
{
    for (int node = 0; node < disk->node_count; node++) {
        struct disk_node *about = &disk->nodes[node];
        uint8_t bytes[DISK_CONTROL_USED] = {0};
        size_t got = 0;
        int ignored;
        if (about->control == NULL ||
            disk->real->read(about->control, DISK_CONTROL_AT, bytes, sizeof bytes, &got, &ignored) != CRM_OK)
            continue;
        if (memcmp(bytes, about->control_was, sizeof bytes) == 0)
            continue;
        memcpy(about->control_was, bytes, sizeof bytes);
        note_step(disk, (struct disk_step){.what = DISK_CONTROL, .node = node, .bytes = copy_of(bytes, sizeof bytes)});
    }
}

static void note_change(struct disk *disk, struct disk_step step)
{
    note_controls(disk);
    note_step(disk, step);
    disk->changes++;
}

/* What a killed process stores through its maps must not be seen by others: it
 * gets pages of its own. */
static void take_maps_away(struct disk_process *process)
{
    for (int i = 0; i < DISK_MAPS; i++) {
        void *address = process->maps[i].address;
        size_t length = process->maps[i].length;
        if (address == NULL)
            continue;
        uint8_t *copy = copy_of(address, length);
        if (mmap(address, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            fail("cannot take a map away", "");
        memcpy(address, copy, length);
        free(copy);
    }
}

/* Whether the process is killed by now. */
static bool is_dead(struct disk_process *process)
{
    struct disk *disk = process->disk;
    if (!process->mortal || (!disk->died && disk->changes < disk->dies_at))
        return false;
    if (!disk->died)
        take_maps_away(process);
    disk->died = true;
    return true;
}

/* A dead process's calls do nothing. */
static int32_t refuse(int *system_error)
{
    *system_error = EIO;
    return CRM_IO;
}

/* ---- names */

int disk_name(const struct disk *disk, const char *name)
{
    for (int i = 0; i < disk->name_count; i++)
        if (strcmp(disk->names[i], name) == 0)
            return i;
    return DISK_NONE;
}

static int name_add(struct disk *disk, const char *name)
{
    int at = disk_name(disk, name);
    if (at != DISK_NONE)
        return at;
    if (disk->name_count == DISK_NAMES || strlen(name) >= DISK_NAME)
        fail("too many names, or a long one: ", name);
    at = disk->name_count++;
    snprintf(disk->names[at], DISK_NAME, "%s", name);
    disk->was[at] = disk->now[at] = DISK_NONE;
    return at;
}

static int name_of(struct disk *disk, const char *path)
{
    size_t length = strlen(disk->folder);
    if (strncmp(path, disk->folder, length) != 0 || path[length] != '/' || strchr(path + length + 1, '/') != NULL)
        fail("a path outside of its folder: ", path);
    return name_add(disk, path + length + 1);
}

static int node_add(struct disk *disk)
{
    if (disk->node_count == DISK_NODES)
        fail("too many files", "");
    disk->nodes[disk->node_count] = (struct disk_node){0};
    return disk->node_count++;
}

/* ---- the operations */

static int32_t disk_open(void *context, const char *path, int flags, struct file **out, int *system_error)
{
    struct disk_process *process = context;
    struct disk *disk = process->disk;
    struct file *real = NULL;
    pthread_mutex_lock(&disk->lock);
    int name = name_of(disk, path);
    int32_t status = (flags & FILE_CREATE) && disk->now[name] == DISK_NONE && is_dead(process)
                         ? refuse(system_error)
                         : disk->real->open(disk->real->context, path, flags, &real, system_error);
    if (status == CRM_OK) {
        if (disk->now[name] == DISK_NONE) {
            disk->now[name] = node_add(disk);
            note_change(disk, (struct disk_step){.what = DISK_CREATE, .name = name, .node = disk->now[name]});
        }
        *out = must(malloc(sizeof **out));
        **out = (struct file){process, disk, real, disk->now[name]};
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

static void disk_close(struct file *file)
{
    pthread_mutex_lock(&file->disk->lock);
    note_controls(file->disk);
    file->disk->real->close(file->real);
    pthread_mutex_unlock(&file->disk->lock);
    free(file);
}

static int32_t disk_read(struct file *file, uint64_t offset, void *bytes, size_t length, size_t *got, int *system_error)
{
    return file->disk->real->read(file->real, offset, bytes, length, got, system_error);
}

static int32_t disk_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    struct disk *disk = file->disk;
    pthread_mutex_lock(&disk->lock);
    int32_t status = is_dead(file->process) ? refuse(system_error)
                                            : disk->real->write(file->real, offset, bytes, length, system_error);
    if (status == CRM_OK)
        note_change(disk, (struct disk_step){.what = DISK_WRITE,
                                             .node = file->node,
                                             .offset = offset,
                                             .length = length,
                                             .bytes = copy_of(bytes, length)});
    pthread_mutex_unlock(&disk->lock);
    return status;
}

static int32_t disk_truncate(struct file *file, uint64_t size, int *system_error)
{
    struct disk *disk = file->disk;
    pthread_mutex_lock(&disk->lock);
    int32_t status =
        is_dead(file->process) ? refuse(system_error) : disk->real->truncate(file->real, size, system_error);
    if (status == CRM_OK)
        note_change(disk, (struct disk_step){.what = DISK_TRUNCATE, .node = file->node, .length = size});
    pthread_mutex_unlock(&disk->lock);
    return status;
}

static int32_t disk_allocate(struct file *file, uint64_t offset, uint64_t length, int *system_error)
{
    struct disk *disk = file->disk;
    pthread_mutex_lock(&disk->lock);
    int32_t status =
        is_dead(file->process) ? refuse(system_error) : disk->real->allocate(file->real, offset, length, system_error);
    if (status == CRM_OK)
        note_change(disk, (struct disk_step){.what = DISK_ALLOCATE, .node = file->node, .length = offset + length});
    pthread_mutex_unlock(&disk->lock);
    return status;
}

/* Of a node, or of the folder (DISK_NONE). */
static int32_t sync_now(struct disk_process *process, int node, int *system_error)
{
    struct disk *disk = process->disk;
    pthread_mutex_lock(&disk->lock);
    size_t covers = disk->count;
    bool dead = is_dead(process);
    void (*during)(void *) = disk->during_sync;
    pthread_mutex_unlock(&disk->lock);
    if (dead)
        return refuse(system_error);
    if (during != NULL && node != DISK_NONE)
        during(disk->during_sync_context);
    pthread_mutex_lock(&disk->lock);
    int32_t status = is_dead(process) ? refuse(system_error) : CRM_OK;
    if (status == CRM_OK)
        note_change(disk, (struct disk_step){.what = node == DISK_NONE ? DISK_SYNC_FOLDER : DISK_SYNC,
                                             .node = node,
                                             .covers = covers});
    pthread_mutex_unlock(&disk->lock);
    return status;
}

/* The files need not reach a real disk. */
static int32_t disk_sync(struct file *file, int *system_error)
{
    return sync_now(file->process, file->node, system_error);
}

static int32_t disk_sync_folder(void *context, const char *path, int *system_error)
{
    struct disk_process *process = context;
    struct disk *disk = process->disk;
    pthread_mutex_lock(&disk->lock);
    (void)name_of(disk, path); /* another folder's would go unnoticed */
    pthread_mutex_unlock(&disk->lock);
    return sync_now(process, DISK_NONE, system_error);
}

static int32_t disk_identify(struct file *file, struct file_identity *out, int *system_error)
{
    return file->disk->real->identify(file->real, out, system_error);
}

static int32_t disk_identify_path(void *context, const char *path, struct file_identity *out, int *system_error)
{
    const struct disk *disk = ((const struct disk_process *)context)->disk;
    return disk->real->identify_path(disk->real->context, path, out, system_error);
}

static int32_t disk_lock(struct file *file, uint64_t byte, int how, int64_t timeout_ms, int *system_error)
{
    return file->disk->real->lock(file->real, byte, how, timeout_ms, system_error);
}

/* Who maps to write is going to write the control page: nothing else is written so. */
static int32_t disk_map(struct file *file, uint64_t offset, size_t length, int how, void *at, void **out,
                        int *system_error)
{
    struct disk *disk = file->disk;
    if (how == FILE_MAP_SHARED_WRITE) {
        char path[sizeof disk->folder + DISK_NAME];
        pthread_mutex_lock(&disk->lock);
        struct disk_node *node = &disk->nodes[file->node];
        int name = 0;
        while (name < disk->name_count && disk->now[name] != file->node)
            name++;
        if (node->control == NULL && name < disk->name_count) {
            snprintf(path, sizeof path, "%s/%s", disk->folder, disk->names[name]);
            if (disk->real->open(disk->real->context, path, FILE_READ, &node->control, system_error) != CRM_OK)
                node->control = NULL;
        }
        pthread_mutex_unlock(&disk->lock);
    }
    int32_t status = disk->real->map(file->real, offset, length, how, at, out, system_error);
    for (int i = 0; status == CRM_OK && how == FILE_MAP_SHARED_WRITE; i++) {
        if (i == DISK_MAPS)
            fail("too many control pages at once", "");
        if (file->process->maps[i].address == NULL) {
            file->process->maps[i].address = *out;
            file->process->maps[i].length = length;
            break;
        }
    }
    return status;
}

static void disk_unmap(void *context, void *address, size_t length)
{
    struct disk_process *process = context;
    const struct disk *disk = process->disk;
    for (int i = 0; i < DISK_MAPS; i++)
        if (process->maps[i].address == address)
            process->maps[i].address = NULL;
    disk->real->unmap(disk->real->context, address, length);
}

static int32_t disk_rename(void *context, const char *from, const char *to, int *system_error)
{
    struct disk_process *process = context;
    struct disk *disk = process->disk;
    pthread_mutex_lock(&disk->lock);
    int old = name_of(disk, from), new = name_of(disk, to);
    int32_t status =
        is_dead(process) ? refuse(system_error) : disk->real->rename(disk->real->context, from, to, system_error);
    if (status == CRM_OK) {
        note_change(disk, (struct disk_step){.what = DISK_RENAME, .name = old, .other = new, .node = disk->now[old]});
        disk->now[new] = disk->now[old];
        disk->now[old] = DISK_NONE;
    }
    pthread_mutex_unlock(&disk->lock);
    return status == CRM_OK ? disk_sync_folder(process, to, system_error) : status;
}

static int32_t disk_unlink(void *context, const char *path, int *system_error)
{
    struct disk_process *process = context;
    struct disk *disk = process->disk;
    pthread_mutex_lock(&disk->lock);
    int name = name_of(disk, path);
    int32_t status =
        is_dead(process) ? refuse(system_error) : disk->real->unlink(disk->real->context, path, system_error);
    if (status == CRM_OK) {
        note_change(disk, (struct disk_step){.what = DISK_UNLINK, .name = name, .node = disk->now[name]});
        disk->now[name] = DISK_NONE;
    }
    pthread_mutex_unlock(&disk->lock);
    return status;
}

/* ---- beginning and end */

static void load(struct disk *disk, const char *name)
{
    char path[sizeof disk->folder + 264];
    snprintf(path, sizeof path, "%s/%s", disk->folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        fail("cannot read ", path);
    long length = ftell(file);
    rewind(file);
    int at = name_add(disk, name);
    disk->was[at] = disk->now[at] = node_add(disk);
    struct disk_node *node = &disk->nodes[disk->now[at]];
    node->length = (size_t)length;
    node->bytes = must(malloc(node->length + 1));
    if (length < 0 || fread(node->bytes, 1, node->length, file) != node->length)
        fail("cannot read ", path);
    (void)fclose(file);
}

static void process_start(struct disk_process *process, struct disk *disk, bool mortal)
{
    *process = (struct disk_process){.disk = disk, .mortal = mortal};
    process->ops = (struct file_ops){.context = process,
                                     .open = disk_open,
                                     .close = disk_close,
                                     .read = disk_read,
                                     .write = disk_write,
                                     .sync = disk_sync,
                                     .truncate = disk_truncate,
                                     .allocate = disk_allocate,
                                     .identify = disk_identify,
                                     .identify_path = disk_identify_path,
                                     .lock = disk_lock,
                                     .map = disk_map,
                                     .unmap = disk_unmap,
                                     .rename = disk_rename,
                                     .unlink = disk_unlink,
                                     .sync_folder = disk_sync_folder};
}

void disk_start(struct disk *disk, const char *folder)
{
    memset(disk, 0, sizeof *disk);
    disk->real = file_ops_default();
    process_start(&disk->first, disk, true);
    process_start(&disk->other, disk, false);
    disk->dies_at = SIZE_MAX;
    snprintf(disk->folder, sizeof disk->folder, "%s", folder);
    pthread_mutex_init(&disk->lock, NULL);
    DIR *entries = opendir(folder);
    if (entries == NULL)
        fail("cannot read ", folder);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (entry->d_name[0] != '.')
            load(disk, entry->d_name);
    (void)closedir(entries);
}

void disk_end(struct disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        free(disk->steps[i].bytes);
    free(disk->steps);
    for (int node = 0; node < disk->node_count; node++) {
        free(disk->nodes[node].bytes);
        if (disk->nodes[node].control != NULL)
            disk->real->close(disk->nodes[node].control);
    }
    pthread_mutex_destroy(&disk->lock);
    memset(disk, 0, sizeof *disk);
}

bool disk_dead(const struct disk *disk)
{
    return disk->died;
}

void disk_revive(struct disk *disk)
{
    disk->dies_at = SIZE_MAX;
    disk->died = false;
}

/* ---- marks */

static void mark(struct disk *disk, struct disk_promise promise)
{
    pthread_mutex_lock(&disk->lock);
    struct disk_promise *now = &disk->promise;
    now->lsn = promise.lsn > now->lsn ? promise.lsn : now->lsn;
    now->state = promise.state > now->state ? promise.state : now->state;
    now->flags |= promise.flags;
    note_step(disk, (struct disk_step){.what = DISK_MARK, .promise = *now});
    pthread_mutex_unlock(&disk->lock);
}

void disk_promise_lsn(struct disk *disk, uint64_t lsn)
{
    mark(disk, (struct disk_promise){.lsn = lsn});
}

void disk_promise_state(struct disk *disk, uint32_t state)
{
    mark(disk, (struct disk_promise){.state = state});
}

void disk_promise_file(struct disk *disk, uint32_t flag)
{
    mark(disk, (struct disk_promise){.flags = flag});
}

const char *disk_step_text(const struct disk *disk, size_t step, char *out, size_t size)
{
    static const char *const names[] = {"",       "create", "write",       "truncate", "allocate", "sync",
                                        "rename", "unlink", "sync_folder", "control",  "mark"};
    if (step >= disk->count) {
        snprintf(out, size, "the end");
        return out;
    }
    const struct disk_step *is = &disk->steps[step];
    bool named = is->what == DISK_CREATE || is->what == DISK_RENAME || is->what == DISK_UNLINK;
    snprintf(out, size, "%s %s node %d offset %llu length %llu", names[is->what], named ? disk->names[is->name] : "",
             is->node, (unsigned long long)is->offset, (unsigned long long)is->length);
    return out;
}
