/* undo: a batch taken back as one compensating change.
 *
 * Nothing is taken out of the log: what the batch made is deleted, what it
 * deleted is restored, and fields go back to what they were, all as new
 * versions of the transaction at hand.  The rules of the domain see the note
 * "undo" on every record and let pass what was right once.
 */
#include "model/undo.h"

#include "model/table.h"
#include "model/text.h"

#include <string.h>

/* ---- one record back ---- */

/* One handle goes from record to record: a batch may have a million of them. */
static int32_t aim(struct undo *undo, crm_record **handle, const struct undo_record *at)
{
    crm_txn *txn = undo->txn;
    struct kind *kind = schema_kind(&undo->generation->schema, at->kind);
    if (*handle == NULL) {
        *handle = txn_record(txn, kind, at->number);
        if (*handle == NULL)
            return txn->status;
        record_set_note(*handle, "undo", undo->batch);
        return CRM_OK;
    }
    crm_record *record = *handle;
    record_clear(record);
    record->kind = kind;
    record->number = at->number;
    record->id = *id_at(undo->generation, kind, at->number);
    record->loaded = record->created = record->dead = false;
    record->pending = 0;
    record->status = CRM_OK;
    record->version.count = 0;
    return CRM_OK;
}

static int32_t operate(crm_record *record, uint8_t operation)
{
    int32_t status = txn_operation(record, operation);
    return status == CRM_OK ? txn_finish(record->txn) : status;
}

static int32_t put_back(struct undo *undo, crm_record *record, const struct undo_trace *trace)
{
    struct undo_fields fields;
    struct field *field;
    struct value value;
    crm_txn *txn = undo->txn;
    /* Opened first: what that finishes may move the entries that versions point into. */
    int32_t status = txn_open_record(txn, record);
    if (status != CRM_OK)
        return status;
    status = undo_fields_open(undo, record->kind, trace, &fields);
    if (status != CRM_OK)
        (void)txn_unread(txn, status, record->kind);
    while (status == CRM_OK && undo_fields_next(&fields, &field, &value) > 0)
        status = txn_put(record, field, &value);
    undo_fields_close(undo, &fields);
    return txn->open == record ? txn_finish(txn) : status;
}

static int32_t revert(struct undo *undo, crm_record *record, const struct undo_record *at, crm_error *error)
{
    struct undo_trace trace;
    if (at->what == UNDO_DELETE)
        return operate(record, ENTRY_DELETE);
    int32_t status = undo_trace(undo, at->kind, at->number, &trace, error);
    if (status != CRM_OK)
        return txn_unread(undo->txn, status, record->kind);
    bool restore = trace.live_before && !trace.live_now;
    bool delete = !trace.live_before && trace.live_now;
    if (restore) {
        status = operate(record, ENTRY_RESTORE);
        trace.newest = row_at(undo->generation, record->kind, at->number)->head;
    }
    if (status == CRM_OK)
        status = put_back(undo, record, &trace);
    if (status == CRM_OK && delete)
        status = operate(record, ENTRY_DELETE);
    return status;
}

/* The newest first, so that what refers goes before what it refers to. */
static int32_t apply(struct undo *undo, bool override, crm_error *error)
{
    crm_txn *txn = undo->txn;
    crm_record *handle = NULL;
    int32_t status = CRM_OK;
    for (size_t i = undo->count; status == CRM_OK && i-- > 0;) {
        struct undo_record *at = &undo->records[i];
        if (at->what != UNDO_REVERT && at->what != UNDO_DELETE)
            continue;
        status = aim(undo, &handle, at);
        if (status == CRM_OK)
            status = revert(undo, handle, at, error);
        if (status == CRM_OK || status == CRM_NOMEM || status == CRM_CORRUPT)
            continue;
        crm_error why = txn->error;
        undo_conflict(undo, at, "%.*s", (int)text_cut(why.message, strlen(why.message), 200), why.message);
        if (override) {
            crm_txn_forgive(txn);
            status = CRM_OK;
        }
    }
    if (status != CRM_OK)
        error_set(error, status, "%s", txn->error.message);
    return status;
}

/* ---- the call ---- */

static int32_t run(struct undo *undo, bool override, crm_error *error)
{
    int32_t status = undo_find(undo, error);
    if (status == CRM_OK)
        status = undo_judge(undo, error);
    if (status == CRM_OK)
        status = undo_refer(undo, error);
    if (status == CRM_OK && undo->conflict_count > 0 && !override)
        return error_set(error, CRM_REFERENCED,
                         "batch \"%s\" cannot be undone: %llu of its %zu records depend on later changes", undo->batch,
                         (unsigned long long)undo->conflict_count, undo->count);
    return status == CRM_OK ? apply(undo, override, error) : status;
}

static void start_table(struct undo *undo)
{
    undo->conflicts = table_create(undo->txn->db->memory);
    table_add_column(undo->conflicts, "kind", CRM_TYPE_TEXT);
    table_add_column(undo->conflicts, "id", CRM_TYPE_TEXT);
    table_add_column(undo->conflicts, "title", CRM_TYPE_TEXT);
    table_add_column(undo->conflicts, "why", CRM_TYPE_TEXT);
}

int32_t crm_undo(crm_txn *txn, const char *batch, int32_t override, crm_table **conflicts, crm_error *error)
{
    if (conflicts != NULL)
        *conflicts = NULL;
    if (txn == NULL || batch == NULL)
        return error_set(error, CRM_MISUSE, "crm_undo needs a transaction and the name of a batch");
    if (batch[0] == '\0')
        return error_set(error, CRM_NOT_FOUND, "a batch has a name; this one is empty");
    int32_t status = crm_txn_status(txn, error);
    if (status != CRM_OK)
        return status;
    struct undo undo = {.txn = txn, .generation = txn->generation, .batch = batch};
    const struct memory *memory = txn->db->memory;
    buffer_init(&undo.text, memory);
    start_table(&undo);
    status = run(&undo, override != 0, error);
    bool lists = status == CRM_OK || status == CRM_REFERENCED;
    int32_t told = CRM_OK;
    if (!lists)
        crm_table_free(undo.conflicts);
    else if ((told = table_finish(undo.conflicts, conflicts, NULL)) != CRM_OK)
        status = error_nomem(error); /* half a list is none */
    memory_free(memory, undo.lsns);
    memory_free(memory, undo.records);
    memory_free(memory, undo.slots);
    buffer_free(&undo.text);
    return status;
}
