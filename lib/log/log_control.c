/* log_control.c: what live handles, of whatever process, tell each other: how
 * far readers may read, and that a file was superseded.
 *
 * It lies in the file's second page, mapped by all.  What a power cut leaves
 * there is worthless, so the first handle that may write sets the page anew,
 * and the kernel's lock on one byte, which no crash can leave behind, tells
 * who is first.  A read-only handle cannot do that: it believes the page only
 * while a writer is there, or once one has been.
 */
#include "log/log_private.h"
#include "sys/clock.h"
#include "sys/error.h"

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)number, memory_order_acquire);
}

static void store(_Atomic uint64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_release);
}

static void lift(_Atomic uint64_t *number, uint64_t value)
{
    uint64_t now = load(number);
    while (now < value &&
           !atomic_compare_exchange_weak_explicit(number, &now, value, memory_order_acq_rel, memory_order_acquire))
        continue;
}

struct control *log_control(const struct log *log)
{
    struct log *self = (struct log *)(uintptr_t)log;
    if (atomic_load_explicit(&self->live, memory_order_acquire))
        return log->control;
    if (load(&log->control->session) == log->session_stale)
        return NULL;
    atomic_store_explicit(&self->live, true, memory_order_release);
    return log->control;
}

/* A file that this handle made and nobody wrote to since needs no recovery.  One
 * that another made does, without frames too: its maker may have been killed
 * before the header and the file's name were synced. */
static int32_t set_anew(struct log *log, int *system)
{
    struct file_identity identity = {0};
    uint64_t session = 0;
    int32_t status = log->files->identify(log->file, &identity, system);
    if (status != CRM_OK)
        return status;
    bool empty = log->made && identity.size == LOG_FRAMES_START, gone = false;
    /* Readers who stayed with a file that was replaced must still hear of it. */
    if (load(&log->control->superseded) != CONTROL_IN_PLACE)
        (void)log_placed(log, &gone, NULL);
    while (session == 0 || session == load(&log->control->session))
        random_bytes(&session, sizeof session);
    store(&log->control->recovered, empty);
    store(&log->control->published, empty ? log->header.base_lsn : 0);
    store(&log->control->durable, 0);
    store(&log->control->superseded, gone ? CONTROL_SUPERSEDED : CONTROL_IN_PLACE);
    store(&log->control->failed, 0);
    store(&log->control->session, session);
    return CRM_OK;
}

/* Who gets the control byte for itself is first, and nobody comes between
 * that and the sharing of it, because of the attach byte. */
static int32_t attach_writer(struct log *log, int *system)
{
    const struct file_ops *files = log->files;
    int32_t status = files->lock(log->file, LOG_BYTE_ATTACH, FILE_LOCK_EXCLUSIVE, log->wait_ms, system);
    if (status != CRM_OK)
        return status;
    status = files->lock(log->file, LOG_BYTE_CONTROL, FILE_LOCK_EXCLUSIVE, 0, system);
    if (status == CRM_OK)
        status = set_anew(log, system);
    else if (status == CRM_BUSY)
        status = CRM_OK;
    if (status == CRM_OK)
        status = files->lock(log->file, LOG_BYTE_CONTROL, FILE_LOCK_SHARED, log->wait_ms, system);
    int unlocked = 0;
    (void)files->lock(log->file, LOG_BYTE_ATTACH, FILE_LOCK_NONE, 0, &unlocked);
    log->session = load(&log->control->session);
    atomic_store(&log->live, status == CRM_OK);
    return status;
}

static int32_t attach_reader(struct log *log, int *system)
{
    const struct file_ops *files = log->files;
    int32_t status = files->lock(log->file, LOG_BYTE_ATTACH, FILE_LOCK_SHARED, log->wait_ms, system);
    if (status != CRM_OK)
        return status;
    /* Read before asking who is there: a writer that comes in between only
     * makes the number look stale when it is not believed anyway. */
    log->session_stale = load(&log->control->session);
    status = files->lock(log->file, LOG_BYTE_CONTROL, FILE_LOCK_EXCLUSIVE, 0, system);
    atomic_store(&log->live, status == CRM_BUSY);
    int unlocked = 0;
    (void)files->lock(log->file, LOG_BYTE_ATTACH, FILE_LOCK_NONE, 0, &unlocked);
    return status == CRM_BUSY || status == CRM_READ_ONLY ? CRM_OK : status;
}

int32_t log_control_attach(struct log *log, crm_error *error)
{
    int system = 0;
    if (!log->key_known) /* salvage: the file may not even have that page */
        return CRM_OK;
    /* From the file's start, because a page of the system may be larger than ours. */
    int how = log->read_only ? FILE_MAP_SHARED_READ : FILE_MAP_SHARED_WRITE;
    int32_t status = log->files->map(log->file, 0, LOG_FRAMES_START, how, NULL, &log->control_map, &system);
    if (status != CRM_OK)
        return log_failure(log, status, system, "cannot be mapped", error);
    log->control = (struct control *)(void *)((uint8_t *)log->control_map + LOG_PAGE);
    status = log->read_only ? attach_reader(log, &system) : attach_writer(log, &system);
    if (status != CRM_OK)
        return log_failure(log, status, system, "cannot be locked", error);
    return CRM_OK;
}

void log_control_detach(struct log *log)
{
    if (log->control_map != NULL)
        log->files->unmap(log->files->context, log->control_map, LOG_FRAMES_START);
    log->control_map = NULL;
    log->control = &log->own;
}

bool log_unrecovered(const struct log *log)
{
    const struct control *control = log_control(log);
    return control == NULL || load(&control->recovered) == 0;
}

bool log_unsaid(const struct log *log)
{
    const struct control *control = log->read_only ? log_control(log) : NULL;
    return control != NULL && load(&control->recovered) == 0;
}

/* Whoever may write keeps the page from being set anew.  Under a reader it can
 * be, and tells nothing, or less, until the new writer has recovered the file:
 * what a reader has been told once it keeps. */
uint64_t log_published(const struct log *log)
{
    const struct control *control = log_control(log);
    const _Atomic uint64_t *own = &log->published;
    uint64_t published = load(control != NULL && load(&control->recovered) != 0 ? &control->published : own);
    if (!log->read_only)
        return log_intact(log) ? published : 0;
    /* The page may be set anew meanwhile: what a reader saw once it goes on seeing. */
    lift((_Atomic uint64_t *)(uintptr_t)own, published);
    return load(own);
}

void log_publish(struct log *log, uint64_t lsn)
{
    if (log->read_only)
        lift(&log->published, lsn);
    else
        lift(&log->control->published, lsn);
}

bool log_superseded(const struct log *log)
{
    const struct control *control = log_control(log);
    uint64_t superseded = control == NULL ? CONTROL_IN_PLACE : load(&control->superseded);
    bool gone = superseded == CONTROL_SUPERSEDED;
    if (superseded == CONTROL_REPLACING)
        (void)log_placed(log, &gone, NULL);
    return gone;
}

/* The page is set anew only while no writer is there. */
bool log_intact(const struct log *log)
{
    return log->read_only || load(&log->control->session) == log->session;
}

void log_control_supersede(struct log *log, uint64_t how)
{
    store(&log->control->superseded, how);
}

void log_control_durable(struct log *log, uint64_t lsn)
{
    lift(&log->control->durable, lsn);
}

void log_control_recovered(struct log *log, uint64_t lsn)
{
    store(&log->control->durable, lsn);
    store(&log->control->published, lsn);
    store(&log->control->recovered, 1);
}

void log_control_fail(struct log *log)
{
    store(&log->control->failed, 1);
}

bool log_control_failed(const struct log *log)
{
    return load(&log->control->failed) != 0;
}

uint64_t log_durable(const struct log *log)
{
    const struct control *control = log_control(log);
    return control != NULL ? load(&control->durable) : 0;
}
