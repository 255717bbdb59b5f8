/* rot_open: what happens to a file while a handle has it open.
 *
 * Another file is put in its place, it is removed, overwritten in place, cut.
 * The handle must not answer from the other file, must not report a commit that
 * nobody will find again, and must not harm the file that is there now.
 *
 * One thing the library cannot help: the log is mapped, and the system ends a
 * process by SIGBUS that reads a page of a map which the file does not have any
 * more.  Where the file was cut that is an answer; anywhere else it is not.
 */
#include "rot.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RENAME_OTHER, RENAME_OLDER, REMOVE, OVERWRITE_OTHER, OVERWRITE_OLDER, CUT, EVENTS };

static sigjmp_buf bus;
static volatile sig_atomic_t bus_allowed;

static void on_bus(int signal)
{
    if (bus_allowed)
        siglongjmp(bus, 1);
    (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* Writes over what is there, as `cp` does. */
static void overwrite(const char *path, const uint8_t *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size || close(file) != 0)
        abort();
}

static void happen(struct rot *rot, const struct base *base, int event, size_t size)
{
    const struct base *other = &rot->bases[BASE_OTHER];
    const uint8_t *bytes = event == RENAME_OTHER || event == OVERWRITE_OTHER ? other->log : base->log;
    switch (event) {
    case RENAME_OTHER:
    case RENAME_OLDER:
        rot_store(rot->spare, bytes, size);
        if (rename(rot->spare, rot->path) != 0)
            abort();
        break;
    case REMOVE:
        if (unlink(rot->path) != 0)
            abort();
        break;
    case OVERWRITE_OTHER:
    case OVERWRITE_OLDER: overwrite(rot->path, bytes, size); break;
    default:
        if (truncate(rot->path, (off_t)size) != 0)
            abort();
    }
}

/* Whether a commit is reported; then it must be in what is at the path. */
static bool commit(crm_db *db, crm_id *id)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    if (crm_begin(db, &txn, &error) != CRM_OK)
        return false;
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    (void)crm_set_text(record, CRM_CUSTOMER_NAME, "Late", CRM_NUL);
    crm_record_id(record, id);
    return crm_commit(txn, NULL, &error) == CRM_OK;
}

struct open_case {
    const struct base *base;
    int event, how;
    size_t size; /* of the file afterwards */
    bool compacting;
};

/* The file that is at the path now is what was put there. */
static void check_there(struct rot *rot, const struct open_case *now, bool committed, const crm_id *id)
{
    const struct base *there =
        now->event == RENAME_OTHER || now->event == OVERWRITE_OTHER ? &rot->bases[BASE_OTHER] : now->base;
    crm_error error = {0};
    crm_view *view = NULL;
    crm_record *record = NULL;
    int32_t status;
    crm_db *db = rot_open(rot->path, ROT_IMAGE, NULL, NULL, &status, &error);
    if (db == NULL) {
        if (committed || now->event == RENAME_OTHER || now->event == RENAME_OLDER)
            rot_wrong(rot, error.message);
        return;
    }
    if (crm_view_open(db, &view, &error) != CRM_OK ||
        (committed && crm_get(view, CRM_KIND_CUSTOMER, id, &record, &error) != CRM_OK))
        rot_wrong(rot, committed ? "a commit that was reported is not there" : error.message);
    crm_record_free(record);
    crm_view_close(view);
    if (!committed && (now->event == RENAME_OTHER || now->event == RENAME_OLDER)) {
        answers_take(&rot->answers, &there->questions, db);
        size_t state = 1;
        while (base_end(there, state) < now->size)
            state++;
        if (answers_differ(&rot->answers, &there->states[state]) != SIZE_MAX || rot->answers.troubles > 0)
            rot_wrong(rot, "the file that was put there has changed");
    }
    if (crm_close(db) != CRM_OK)
        rot_wrong(rot, "closing failed");
}

/* What a handle says of a file that something happened to. */
static void ask_on(struct rot *rot, const struct open_case *now, crm_db *db)
{
    char text[900];
    const struct asked *state = &now->base->states[now->base->frame_count];
    answers_take(&rot->answers, &now->base->questions, db);
    size_t at = rot->answers.count == 0 ? SIZE_MAX : answers_differ(&rot->answers, state);
    if (at == SIZE_MAX)
        return;
    answers_explain(&now->base->questions.list[at], &rot->answers, at, state, at, text, sizeof text);
    rot_wrong(rot, text);
}

static void count_line(void *context, int32_t status, const char *message)
{
    (void)status, (void)message;
    ++*(uint32_t *)context;
}

static void run_event(struct rot *rot, const struct open_case *now)
{
    crm_error error = {0};
    int32_t status;
    crm_id id = {{0}};
    rot_store(rot->path, now->base->log, now->base->log_size);
    rot_store(rot->image, now->base->image, now->base->image_size);
    rot->shared->cases++;
    uint32_t told = 0;
    crm_db *db = rot_open(rot->path, now->how | ROT_IMAGE, count_line, &told, &status, &error);
    if (db == NULL)
        abort();
    rot->answers.told = &told;
    happen(rot, now->base, now->event, now->size);
    bool cut = now->event >= OVERWRITE_OTHER && now->size < now->base->log_size;
    bool committed = false, ended = false;
    bus_allowed = cut;
    if (sigsetjmp(bus, 1) == 0) {
        ask_on(rot, now, db);
        if (now->how & ROT_WRITING)
            committed = commit(db, &id);
        if (now->compacting)
            (void)crm_compact(db, &error);
        (void)crm_close(db);
    } else {
        ended = true;
        rot->shared->ended++;
    }
    bus_allowed = 0;
    if (now->event == REMOVE) {
        if (access(rot->path, F_OK) == 0)
            rot_wrong(rot, "what was removed is there again");
        if (committed)
            rot_wrong(rot, "a commit to a removed file was reported");
    } else if (!ended) {
        check_there(rot, now, committed, &id);
    }
    rot->answers.told = NULL;
    if (ended) /* the handle cannot be closed any more */
        _exit(ROT_GO_ON);
}

static uint64_t count_events(const struct rot *rot)
{
    (void)rot;
    return 2 * EVENTS * 4 * 16;
}

static void run_open(struct rot *rot, uint64_t index)
{
    static const char *const events[] = {"another file put there", "an older state put there",      "removed",
                                         "overwritten by another", "overwritten by an older state", "cut"};
    struct open_case now = {.base = &rot->bases[index % 2]};
    index /= 2;
    now.event = (int)(index % EVENTS);
    index /= EVENTS;
    now.how = index % 4 != 0 ? ROT_WRITING : 0;
    now.compacting = index % 4 == 2;
    index /= 4;
    const struct base *other = &rot->bases[BASE_OTHER];
    size_t states = now.base->frame_count;
    if (now.event == RENAME_OTHER || now.event == OVERWRITE_OTHER)
        now.size = other->log_size;
    else if (now.event == CUT)
        now.size = now.base->log_size * (size_t)index / 16;
    else
        now.size = base_end(now.base, 1 + (states - 1) * (size_t)index / 16);
    rot_case(rot, "%s, open for %s, %s, now %zu bytes", now.base->name,
             now.compacting ? "compacting"
             : now.how      ? "writing"
                            : "reading",
             events[now.event], now.size);
    (void)sigaction(SIGBUS, &(struct sigaction){.sa_handler = on_bus, .sa_flags = SA_NODEFER}, NULL);
    run_event(rot, &now);
    (void)sigaction(SIGBUS, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

const struct group rot_open_handles = {"files changed under an open handle", count_events, run_open, 8};
