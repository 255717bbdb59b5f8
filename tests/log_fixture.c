/* log_fixture.c: see log_fixture.h.  State is global: one test at a time. */
#include "log_fixture.h"

#include "sys/checksum.h"
#include "sys/clock.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char fixture_folder[256];
char fixture_path[300];
char fixture_other[300];
struct fixture_faults fixture_faults;

void fixture_make(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(fixture_folder, sizeof fixture_folder, "%s/crm-test-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(fixture_folder));
    snprintf(fixture_path, sizeof fixture_path, "%s/log.crm", fixture_folder);
    snprintf(fixture_other, sizeof fixture_other, "%s/other", fixture_folder);
    memset(&fixture_faults, 0, sizeof fixture_faults);
}

void fixture_remove(void)
{
    (void)chmod(fixture_folder, 0700);
    (void)unlink(fixture_path);
    (void)unlink(fixture_other);
    (void)rmdir(fixture_folder);
}

int fixture_wait(pid_t child)
{
    int status = 0;
    if (child <= 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

uint8_t *fixture_load(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *length = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*length + 1);
    ck_assert_uint_eq(fread(bytes, 1, *length, file), *length);
    (void)fclose(file);
    return bytes;
}

void fixture_store(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static bool comes_up(int *left)
{
    if (*left == 0 || --*left > 0)
        return false;
    if (fixture_faults.fails_on)
        *left = 1;
    return true;
}

static int32_t counted_write(struct file *file, uint64_t offset, const void *bytes, size_t length, int *system_error)
{
    fixture_faults.writes++;
    if (!comes_up(&fixture_faults.fail_write))
        return file_ops_default()->write(file, offset, bytes, length, system_error);
    if (fixture_faults.half_write)
        (void)file_ops_default()->write(file, offset, bytes, length / 2, system_error);
    *system_error = EIO;
    return CRM_IO;
}

static int32_t counted_sync(struct file *file, int *system_error)
{
    struct file_identity identity;
    fixture_faults.syncs++;
    clock_sleep_ms(fixture_faults.sync_ms);
    if (comes_up(&fixture_faults.fail_sync)) {
        *system_error = EIO;
        return CRM_IO;
    }
    if (file_ops_default()->identify(file, &identity, system_error) == CRM_OK)
        fixture_faults.synced_size = identity.size;
    return CRM_OK; /* no crash comes: what the system holds is as good as on disk */
}

static int32_t counted_allocate(struct file *file, uint64_t offset, uint64_t length, int *system_error)
{
    fixture_faults.allocates++;
    if (comes_up(&fixture_faults.fail_allocate)) {
        *system_error = ENOSPC;
        return CRM_FULL;
    }
    return file_ops_default()->allocate(file, offset, length, system_error);
}

static int32_t counted_truncate(struct file *file, uint64_t size, int *system_error)
{
    fixture_faults.truncates++;
    return file_ops_default()->truncate(file, size, system_error);
}

static int32_t counted_rename(void *context, const char *from, const char *to, int *system_error)
{
    fixture_faults.renames++;
    if (comes_up(&fixture_faults.fail_rename)) {
        *system_error = EIO;
        return CRM_IO;
    }
    return file_ops_default()->rename(context, from, to, system_error);
}

static int32_t counted_sync_folder(void *context, const char *path, int *system_error)
{
    fixture_faults.folder_syncs++;
    return file_ops_default()->sync_folder(context, path, system_error);
}

const struct file_ops *fixture_ops(void)
{
    static struct file_ops ops;
    ops = *file_ops_default();
    ops.write = counted_write;
    ops.sync = counted_sync;
    ops.allocate = counted_allocate;
    ops.truncate = counted_truncate;
    ops.rename = counted_rename;
    ops.sync_folder = counted_sync_folder;
    return &ops;
}

struct log_options fixture_options(bool create)
{
    return (struct log_options){
        .files = fixture_ops(), .memory = memory_default(), .create = create, .busy_ms = 5000, .now = 1700000000000000};
}

struct log *fixture_open(const char *path, const struct log_options *changes)
{
    struct log *log = NULL;
    crm_error error;
    error.message[0] = '\0';
    struct log_options options = changes != NULL ? *changes : fixture_options(true);
    int32_t status = log_open(path, &options, &log, &error);
    ck_assert_msg(status == CRM_OK, "%d: %s", status, error.message);
    return log;
}

void fixture_fill(uint8_t *bytes, size_t length, uint64_t lsn)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)hash_mix(lsn * 1000003 + i);
}

void fixture_append(struct log *log, struct log_point *end, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    crm_error error;
    char actor[32];
    struct frame_info info = {.time = (int64_t)end->lsn * 10, .entry_count = length != 0};
    info.actor_length = (uint32_t)snprintf(actor, sizeof actor, "actor %llu", (unsigned long long)end->lsn + 1);
    info.actor = actor;
    fixture_fill(bytes, length, end->lsn + 1);
    int32_t status = log_append(log, end, &info, bytes, length, end, &error);
    free(bytes);
    ck_assert_msg(status == CRM_OK, "%d: %s", status, status != CRM_OK ? error.message : "");
}

struct log_point fixture_walk(struct log *log)
{
    struct log_point end = log_start(log);
    struct frame frame;
    while (log_frame(log, &end, &frame, NULL) == CRM_OK) {
        uint8_t *bytes = malloc(frame.entries_length + 1);
        fixture_fill(bytes, frame.entries_length, frame.lsn);
        ck_assert_mem_eq(frame.entries, bytes, frame.entries_length);
        free(bytes);
        ck_assert_uint_eq(frame.lsn, end.lsn + 1);
        end = frame.after;
    }
    return end;
}

struct log_point fixture_recover(struct log *log, struct log_tail *tail)
{
    struct log_point end = fixture_walk(log);
    ck_assert_int_eq(log_tail(log, &end, tail, NULL), CRM_OK);
    if (tail->what != LOG_TAIL_DAMAGED)
        ck_assert_int_eq(log_recovered(log, &end, NULL), CRM_OK);
    return end;
}
