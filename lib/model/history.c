/* history: every version of one record, oldest first.
 *
 * The chain is walked once, from its newest entry, and the places are kept, 8
 * bytes a version; the versions themselves are read when they are asked for.
 */
#include "model/change.h"

#include "model/txn.h"
#include "model/uuid.h"

#include <string.h>

struct crm_history {
    crm_view *view;
    struct change_place what;
    uint64_t *places; /* newest first */
    size_t count, capacity, left;
    struct crm_change change;
};

static int32_t damaged(const crm_history *history, int32_t status, crm_error *error)
{
    return error_unread(error, status, "%s: a version of a %s", crm_path(history->view->db), history->what.kind->name);
}

static int32_t collect(crm_history *history, const struct row *row, crm_error *error)
{
    crm_view *view = history->view;
    struct entry entry;
    int32_t status = entry_load(view->generation, view->txn, row->head, &entry);
    for (uint64_t place = row->head; place != 0;) {
        if (status != CRM_OK || entry.kind != history->what.kind->number || entry.number != history->what.number)
            return damaged(history, status, error);
        if (!memory_grow(view->db->memory, (void **)&history->places, &history->capacity, history->count + 1,
                         sizeof *history->places))
            return error_nomem(error);
        history->places[history->count++] = place;
        place = entry.previous;
        if (place != 0)
            status = entry_before(view->generation, view->txn, &entry);
    }
    return CRM_OK;
}

static int32_t find(crm_history *history, uint32_t number, crm_error *error)
{
    crm_view *view = history->view;
    struct kind *kind = schema_kind(&view->generation->schema, number);
    uint32_t found = kind == NULL ? UINT32_MAX : row_find(view->generation, kind, &history->what.id);
    struct row row;
    char text[UUID_TEXT_SIZE];
    if (found == UINT32_MAX || view_row(view, kind, found, &row) == VIEW_ROW_NONE) {
        int32_t status = view_trouble(view, error);
        uuid_format(&history->what.id, text);
        return status != CRM_OK ? status
                                : error_set(error, CRM_NOT_FOUND, "there is no %s with id %s",
                                            kind == NULL ? "kind" : kind->name, text);
    }
    history->what.kind = kind;
    history->what.number = found;
    if (version_erased(view->generation, view->txn, kind, found, 0, view->base_lsn, &history->what.erased) != CRM_OK)
        return error_nomem(error);
    return collect(history, &row, error);
}

int32_t crm_history_open(crm_view *view, uint32_t kind, const crm_id *id, crm_history **out, crm_error *error)
{
    if (out != NULL)
        *out = NULL;
    if (view == NULL || id == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_history_open needs a view, an id and a place for the history");
    crm_history *history = memory_zero(view->db->memory, 1, sizeof *history);
    if (history == NULL)
        return error_nomem(error);
    history->view = view;
    history->what.id = *id;
    change_init(&history->change, view->db->memory);
    view_reference(view);
    int32_t status = view_begin(view, error);
    if (status == CRM_OK) {
        status = view_finish(view, find(history, kind, error), error);
    }
    if (status != CRM_OK) {
        crm_history_close(history);
        return status;
    }
    history->left = history->count;
    *out = history;
    return CRM_OK;
}

int32_t crm_history_next(crm_history *history, crm_change **change, crm_error *error)
{
    if (change != NULL)
        *change = NULL;
    if (history == NULL || change == NULL)
        return error_set(error, CRM_MISUSE, "crm_history_next needs a history and a place for the change");
    change_clear(&history->change);
    if (history->left == 0)
        return CRM_DONE;
    history->what.place = history->places[history->left - 1];
    int32_t status = view_begin(history->view, error);
    if (status != CRM_OK)
        return status;
    status = change_fill(&history->change, history->view, history->view->generation, &history->what, error);
    status = view_finish(history->view, status, error);
    if (status != CRM_OK)
        return status;
    history->left--;
    *change = &history->change;
    return CRM_OK;
}

void crm_history_close(crm_history *history)
{
    if (history == NULL)
        return;
    crm_view *view = history->view;
    const struct memory *memory = view->db->memory;
    change_free(&history->change);
    memory_free(memory, history->places);
    memory_free(memory, history);
    view_release(view);
}
