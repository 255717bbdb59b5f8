/* txn: see txn.h.  Begin, commit, rollback, and how a finished change becomes
 * an entry and reaches the arena.
 */
#include "model/txn.h"

#include "model/text.h"
#include "model/uuid.h"
#include "sys/clock.h"
#include "sys/cold.h"
#include "sys/varint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    META_MAX = 1000,
    CHAIN_MAX = 7 /* deltas on a full version */,
    BATCH_BYTES = 1024 /* of entries, from which keys of trees wait */,
    WAIT_KEYS = 4096 /* from which they wait beyond the commit, for a reader: fewer are soon in */
};
#define TXN_BYTES_MAX (UINT64_C(1) << 40)

int32_t txn_fail(crm_txn *txn, int32_t status, const char *format, ...)
{
    if (txn->status != CRM_OK)
        return status;
    char text[sizeof txn->error.message];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* What a damaged index hides must not be taken for what is not there. */
    txn->status =
        txn->generation->arena->damaged
            ? error_set(&txn->error, CRM_CORRUPT, "the index was found damaged; begin again: it is built anew")
            : error_set(&txn->error, status, "%s", text);
    return txn->status;
}

COLD int32_t txn_nomem(crm_txn *txn)
{
    if (txn->status == CRM_OK)
        txn->status = error_nomem(&txn->error);
    return txn->status;
}

COLD int32_t txn_unread(crm_txn *txn, int32_t status, const struct kind *kind)
{
    if (txn->status == CRM_OK)
        txn->status = error_unread(&txn->error, status, "%s: a %s", txn->db->path, kind->name);
    return txn->status;
}

/* ---- begin ---- */

COLD int32_t db_lock_writer(crm_db *db, crm_error *error)
{
    if (db->options.read_only)
        return error_set(error, CRM_READ_ONLY, "%s is open for reading only", db->path);
    if (!mutex_lock_for(&db->writer, db->options.busy_ms))
        return error_set(error, CRM_BUSY, "%s: another transaction of this process held the lock for %lld ms", db->path,
                         (long long)db->options.busy_ms);
    int32_t status = CRM_OK;
    for (;;) {
        struct generation *generation = db_hold(db);
        status =
            log_stopped(generation->log)
                ? error_set(error, CRM_STOPPED, "%s: an earlier write failed; close and open the file again", db->path)
                : log_lock(generation->log, db->options.busy_ms, error);
        bool replaced = status == CRM_OK && log_superseded(generation->log);
        if (replaced)
            log_unlock(generation->log);
        db_drop(generation);
        if (!replaced)
            break;
        status = db_follow(db, true, error); /* another process compacted the file */
        if (status != CRM_OK)
            break;
    }
    if (status != CRM_OK)
        mutex_unlock(&db->writer);
    return status;
}

void db_unlock_writer(crm_db *db, struct generation *generation)
{
    log_unlock(generation->log);
    mutex_unlock(&db->writer);
}

COLD static int32_t prepare(crm_db *db, crm_txn *txn, crm_error *error)
{
    struct generation *generation = txn->generation;
    int64_t now = db_now(db);
    rwlock_read(&generation->lock);
    bool sound = !generation->bad && !generation->arena->damaged;
    rwlock_unlock(&generation->lock);
    int32_t status = sound ? CRM_OK : db_settle(generation, error);
    if (status != CRM_OK)
        return status;
    rwlock_write(&generation->lock);
    generation->txn = txn;
    touches_trim(generation);
    txn->base = generation->applied.offset + LOG_FRAME_HEADER;
    txn->lsn = generation->applied.lsn + 1;
    txn->time = now > generation->applied.time ? now : generation->applied.time;
    rwlock_unlock(&generation->lock);
    uint8_t random[UUID_RANDOM_SIZE];
    random_bytes(random, sizeof random);
    txn->next_id = uuid_v7(txn->time / 1000, random);
    txn->view.time = txn->time;
    return CRM_OK;
}

COLD static void free_txn(crm_txn *txn);

COLD int32_t crm_begin(crm_db *db, crm_txn **out, crm_error *error)
{
    if (db == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_begin needs a database and a place for the transaction");
    *out = NULL;
    crm_txn *txn = memory_zero(db->memory, 1, sizeof *txn);
    if (txn == NULL)
        return error_nomem(error);
    int32_t status = db_lock_writer(db, error);
    if (status != CRM_OK) {
        memory_free(db->memory, txn);
        return status;
    }
    txn->db = db;
    db_reference(db);
    buffer_init(&txn->entries, db->memory);
    buffer_init(&txn->edit_bytes, db->memory);
    buffer_init(&txn->body, db->memory);
    buffer_init(&txn->scratch, db->memory);
    status = db_follow(db, true, error);
    txn->generation = db_hold(db);
    view_init_txn(&txn->view, db, txn->generation, txn);
    if (status == CRM_OK)
        status = prepare(db, txn, error);
    if (status != CRM_OK) {
        rwlock_write(&txn->generation->lock);
        txn->generation->txn = NULL;
        rwlock_unlock(&txn->generation->lock);
        db_unlock_writer(db, txn->generation);
        free_txn(txn);
        return status;
    }
    db->txn = txn;
    *out = txn;
    return CRM_OK;
}

COLD static int32_t set_meta(crm_txn *txn, char **place, const char *what, const char *text)
{
    if (txn == NULL)
        return CRM_MISUSE;
    size_t length = text == NULL ? 0 : strlen(text);
    if (length > META_MAX || !text_valid(text, length))
        return txn_fail(txn, CRM_INVALID, "a transaction's %s is UTF-8 of at most %d bytes; this one has %zu", what,
                        META_MAX, length);
    char *copy = memory_text(txn->db->memory, text == NULL ? "" : text, length);
    if (copy == NULL)
        return txn_nomem(txn);
    memory_free(txn->db->memory, *place);
    *place = copy;
    return CRM_OK;
}

int32_t crm_txn_set_actor(crm_txn *txn, const char *actor)
{
    return set_meta(txn, txn == NULL ? NULL : &txn->actor, "actor", actor);
}

int32_t crm_txn_set_reason(crm_txn *txn, const char *reason)
{
    return set_meta(txn, txn == NULL ? NULL : &txn->reason, "reason", reason);
}

int32_t crm_txn_set_batch(crm_txn *txn, const char *batch)
{
    return set_meta(txn, txn == NULL ? NULL : &txn->batch, "batch", batch);
}

crm_view *crm_txn_view(crm_txn *txn)
{
    return txn == NULL ? NULL : &txn->view;
}

int64_t txn_time(const crm_txn *txn)
{
    return txn->time;
}

/* ---- finished changes into the arena ---- */

static int32_t no_index(crm_txn *txn)
{
    return txn_fail(txn, CRM_NOMEM, "the indexes could not take the change (out of memory)");
}

/* What the open record's change is, while its edits are still there. */
static int32_t apply(crm_txn *txn, const crm_record *record, uint64_t offset, const struct entry *entry)
{
    struct generation *generation = txn->generation;
    crm_id none = {{0}};
    rwlock_write(&generation->lock);
    bool fine = !generation->bad;
    if (txn->entries.length > BATCH_BYTES)
        index_batch(generation); /* a reader since the last time may have ended it */
    txn->applied = true;
    if (fine && !(entry->operation == ENTRY_CREATE ? apply_created(generation, txn, offset, entry, &record->id)
                                                   : apply_entry(generation, txn, offset, entry, &none)))
        fine = false;
    if (!fine)
        generation->bad = true; /* half an entry may be in: rebuild before use */
    rwlock_unlock(&generation->lock);
    return fine ? CRM_OK : no_index(txn);
}

static int32_t flush(crm_txn *txn)
{
    db_flush(txn->generation);
    return txn->generation->bad ? no_index(txn) : CRM_OK;
}

int32_t txn_usable(crm_txn *txn)
{
    return txn->generation->bad || txn->generation->arena->damaged ? no_index(txn) : CRM_OK;
}

int32_t txn_settle(crm_txn *txn)
{
    int32_t status = txn_usable(txn);
    return status == CRM_OK && index_waiting(txn->generation) > 0 ? flush(txn) : status;
}

/* The arena is lost and will be built anew from the log, but not the schema. */
COLD static void take_back_definition(crm_txn *txn, uint64_t offset)
{
    struct entry entry;
    struct version version;
    if (entry_load(txn->generation, txn, offset, &entry) != CRM_OK || entry.kind < CRM_KIND_KIND ||
        entry.kind > CRM_KIND_CHOICE || version_load(txn->generation, txn, offset, &version) != CRM_OK)
        return;
    if (entry.operation == ENTRY_CREATE)
        (void)schema_undo(txn->generation, entry.kind, &version);
    else
        (void)schema_apply(txn->generation, entry.kind, &version, entry.operation == ENTRY_DELETE);
}

COLD static void take_back(crm_txn *txn)
{
    struct generation *generation = txn->generation;
    rwlock_write(&generation->lock);
    while (txn->offset_count > 0) {
        uint64_t offset = txn->offsets[--txn->offset_count];
        struct entry entry;
        if (generation->bad)
            take_back_definition(txn, offset);
        else if (entry_load(generation, txn, offset, &entry) != CRM_OK || !apply_undo(generation, txn, offset, &entry))
            generation->bad = true;
    }
    rwlock_unlock(&generation->lock);
}

/* ---- the end ---- */

struct block {
    struct block *next;
    size_t used;
    crm_record records[];
};
enum { BLOCK_RECORDS = 128 };

static crm_record *new_record(crm_txn *txn)
{
    const struct memory *memory = txn->db->memory;
    if (txn->blocks == NULL || txn->blocks->used == BLOCK_RECORDS) {
        struct block *block = memory_alloc(memory, sizeof *block + BLOCK_RECORDS * sizeof(crm_record));
        if (block == NULL)
            return NULL;
        block->next = txn->blocks;
        block->used = 0;
        txn->blocks = block;
    }
    crm_record *record = &txn->blocks->records[txn->blocks->used++];
    memset(record, 0, offsetof(crm_record, version) + offsetof(struct version, segments));
    memset(&record->loaded, 0, sizeof *record - offsetof(crm_record, loaded));
    return record;
}

static void free_txn(crm_txn *txn)
{
    crm_db *db = txn->db;
    const struct memory *memory = db->memory;
    while (txn->blocks != NULL) {
        struct block *next = txn->blocks->next;
        for (size_t i = 0; i < txn->blocks->used; i++) {
            crm_record *record = &txn->blocks->records[i];
            record_clear(record);
            memory_free(memory, record->note_rule);
            memory_free(memory, record->note_evidence);
        }
        memory_free(memory, txn->blocks);
        txn->blocks = next;
    }
    view_free_parts(&txn->view);
    buffer_free(&txn->entries);
    buffer_free(&txn->edit_bytes);
    buffer_free(&txn->body);
    buffer_free(&txn->scratch);
    while (txn->spare_count > 0)
        buffer_free(&txn->spares[--txn->spare_count]);
    memory_free(memory, txn->edits);
    memory_free(memory, txn->edit_order);
    memory_free(memory, txn->offsets);
    memory_free(memory, txn->actor);
    memory_free(memory, txn->reason);
    memory_free(memory, txn->batch);
    if (txn->generation != NULL)
        db_drop(txn->generation);
    memory_free(memory, txn);
    db_release(db);
}

COLD static void end(crm_txn *txn)
{
    crm_db *db = txn->db;
    struct generation *generation = txn->generation;
    rwlock_write(&generation->lock);
    generation->txn = NULL;
    rwlock_unlock(&generation->lock);
    db->txn = NULL;
    db_unlock_writer(db, generation);
}

/* The end of one that wrote nothing.  It may have seen, and told, what another
 * thread has written and not yet synced: nobody who asks next may find less. */
COLD static int32_t end_unwritten(crm_txn *txn, crm_error *error)
{
    struct log *log = txn->generation->log;
    struct log_point seen = txn->generation->applied;
    end(txn);
    int32_t status = seen.lsn > log_published(log) ? log_sync(log, &seen, error) : CRM_OK;
    free_txn(txn);
    return status;
}

COLD void crm_rollback(crm_txn *txn)
{
    if (txn == NULL)
        return;
    take_back(txn);
    (void)end_unwritten(txn, NULL); /* a failure stops the log, which the next call tells */
}

COLD static int32_t append(crm_txn *txn, struct log_point *after, crm_error *error)
{
    struct generation *generation = txn->generation;
    struct frame_info info = {.time = txn->time,
                              .entry_count = txn->entry_count,
                              .actor = txn->actor,
                              .reason = txn->reason,
                              .batch = txn->batch};
    info.actor_length = txn->actor == NULL ? 0 : (uint32_t)strlen(txn->actor);
    info.reason_length = txn->reason == NULL ? 0 : (uint32_t)strlen(txn->reason);
    info.batch_length = txn->batch == NULL ? 0 : (uint32_t)strlen(txn->batch);
    int32_t status =
        log_stage(generation->log, &generation->applied, &info, txn->entries.data, txn->entries.length, after, error);
    if (status != CRM_OK)
        return status;
    /* Once it is written, who opens the file may sync and publish it: views of this handle wait and see it, too. */
    rwlock_write(&generation->lock);
    status = log_put(generation->log, &generation->applied, after, error);
    if (status != CRM_OK) {
        rwlock_unlock(&generation->lock);
        return status;
    }
    uint32_t number = (uint32_t)txn->lsn;
    struct frame_cell *cell = NULL;
    if (column_reserve(generation->arena, generation->frames, (number | 63) + 1))
        cell = frame_cell(generation, number);
    if (cell == NULL)
        generation->bad = true;
    else
        *cell = (struct frame_cell){generation->applied.offset, txn->time};
    generation->applied = *after;
    generation->txn = NULL;
    generation->change++;
    rwlock_unlock(&generation->lock);
    return CRM_OK;
}

/* The writer lock is free before the sync, so that others can add theirs to it. */
COLD static int32_t publish(crm_txn *txn, const struct log_point *after, crm_error *error)
{
    crm_db *db = txn->db;
    struct generation *generation = txn->generation;
    db_maybe_write_image(generation);
    end(txn);
    int32_t status = CRM_OK;
    if (db->options.durability == CRM_DURABLE_FULL)
        status = log_sync(generation->log, after, error);
    if (status == CRM_OK)
        db_news(db);
    return status;
}

COLD int32_t crm_commit(crm_txn *txn, uint64_t *lsn, crm_error *error)
{
    if (txn == NULL)
        return error_set(error, CRM_MISUSE, "there is no transaction to commit");
    struct log_point after;
    int32_t status = txn->open == NULL ? CRM_OK : txn_finish(txn);
    if (txn->status != CRM_OK)
        status = txn->status;
    /* What a damaged index did not find may have broken a rule. */
    if (status == CRM_OK && (index_waiting(txn->generation) < WAIT_KEYS || txn->generation->arena->damaged))
        status = txn_settle(txn);
    if (status != CRM_OK) {
        error_set(error, status, "%s", txn->error.message);
        if (error != NULL)
            error->system = txn->error.system;
        crm_rollback(txn);
        return status;
    }
    if (lsn != NULL)
        *lsn = txn->entry_count == 0 ? txn->lsn - 1 : txn->lsn;
    if (txn->entry_count == 0)
        return end_unwritten(txn, error);
    status = append(txn, &after, error);
    if (status != CRM_OK) {
        crm_rollback(txn);
        return status;
    }
    status = publish(txn, &after, error);
    free_txn(txn);
    return status;
}

COLD int32_t crm_txn_status(crm_txn *txn, crm_error *error)
{
    if (txn == NULL)
        return error_set(error, CRM_MISUSE, "there is no transaction");
    if (txn->open != NULL && !txn->in_rules)
        (void)txn_finish(txn);
    if (error != NULL)
        *error = txn->error;
    return txn->status;
}

COLD void crm_txn_forgive(crm_txn *txn)
{
    if (txn == NULL)
        return;
    if (txn->open != NULL && !txn->in_rules)
        (void)txn_finish(txn);
    txn->status = CRM_OK;
    error_clear(&txn->error);
}

/* ---- records of the transaction ---- */

static crm_record *hand_out(crm_txn *txn, struct kind *kind, uint32_t number)
{
    crm_record *record = new_record(txn);
    if (record == NULL) {
        txn_nomem(txn);
        return NULL;
    }
    record->txn = txn;
    record->view = &txn->view;
    record->kind = kind;
    record->number = number;
    return record;
}

crm_record *txn_record(crm_txn *txn, struct kind *kind, uint32_t number)
{
    const struct row *row = row_at(txn->generation, kind, number);
    if (row == NULL || row->head == 0) {
        txn_fail(txn, CRM_NOT_FOUND, "there is no %s with number %u", kind->name, number);
        return NULL;
    }
    crm_record *record = hand_out(txn, kind, number);
    if (record != NULL)
        record->id = *id_at(txn->generation, kind, number);
    return record;
}

crm_record *txn_create(crm_txn *txn, struct kind *kind, const crm_id *id)
{
    if (txn->in_rules)
        txn_fail(txn, CRM_MISUSE, "a rule makes records only after the version it judges");
    if (txn->status != CRM_OK || (txn->open != NULL && txn_finish(txn) != CRM_OK))
        return NULL;
    if (id != NULL && row_find(txn->generation, kind, id) != UINT32_MAX) {
        char text[UUID_TEXT_SIZE];
        uuid_format(id, text);
        txn_fail(txn, CRM_EXISTS, "there is a %s with id %s already", kind->name, text);
        return NULL;
    }
    crm_record *record = hand_out(txn, kind, kind_rows(txn->generation, kind));
    if (record == NULL)
        return NULL;
    record->created = true;
    if (id != NULL) {
        record->id = *id;
    } else {
        record->id = txn->next_id;
        if (!uuid_next(&txn->next_id)) {
            txn_fail(txn, CRM_FULL, "a transaction cannot make more identifiers");
            return NULL;
        }
    }
    return txn_open_record(txn, record) == CRM_OK ? record : NULL;
}

int32_t txn_open_record(crm_txn *txn, crm_record *record)
{
    if (txn->open == record)
        return CRM_OK;
    if (txn->status != CRM_OK)
        return txn->status;
    if (record->dead)
        return txn_fail(txn, CRM_MISUSE, "this new %s was refused before and cannot be changed any more",
                        record->kind->name);
    if (txn->open != NULL) {
        int32_t status = txn_finish(txn);
        if (status != CRM_OK)
            return status;
    }
    if (!record->created) {
        record->loaded = false; /* another handle may have changed it */
        const struct row *row = row_at(txn->generation, record->kind, record->number);
        int32_t status = row == NULL ? CRM_CORRUPT : version_load(txn->generation, txn, row->head, &record->version);
        if (status != CRM_OK)
            return txn_unread(txn, status, record->kind);
        record->loaded = true;
    }
    txn->open = record;
    txn->judged = NULL;
    txn_edits_clear(txn);
    record->pending = 0;
    return CRM_OK;
}

/* ---- a change becomes a version ---- */

static void put_delta(crm_txn *txn)
{
    uint32_t previous = 0;
    size_t room = 0;
    bool created = txn->open->created;
    for (size_t i = 0; i < txn->edit_used; i++)
        room += body_room(&txn->edits[i].value);
    if (!buffer_reserve(&txn->body, room))
        return;
    uint8_t *at = txn->body.data + txn->body.length;
    for (size_t i = 0; i < txn->edit_count; i++) {
        const struct edit *edit = txn_edit_at(txn, i);
        if (edit->value.what == VALUE_INT && (uint64_t)edit->value.integer < 64 &&
            edit->field->number - previous < 16) {
            *at++ = (uint8_t)((edit->field->number - previous) << 3 | WIRE_INT); /* a choice or a small number */
            *at++ = (uint8_t)(edit->value.integer << 1);
            previous = edit->field->number;
        } else if (!created || edit->value.what != VALUE_NULL) {
            at = body_write(at, &previous, edit->field->number, &edit->value);
        }
    }
    txn->body.length = (size_t)(at - txn->body.data);
}

/* All fields: those of the version before, with the edits over them. */
COLD static bool put_full(crm_txn *txn, const struct version *before)
{
    struct version_cursor cursor;
    struct value value;
    uint32_t field = 0, previous = 0;
    size_t at = 0;
    version_fields(before, &cursor);
    int got = version_next(&cursor, &field, &value);
    while (got == 1 || at < txn->edit_count) {
        const struct edit *edit = at < txn->edit_count ? txn_edit_at(txn, at) : NULL;
        if (got == 1 && (edit == NULL || field < edit->field->number)) {
            body_put(&txn->body, &previous, field, &value);
            got = version_next(&cursor, &field, &value);
            continue;
        }
        if (got == 1 && field == edit->field->number)
            got = version_next(&cursor, &field, &value);
        if (edit->value.what != VALUE_NULL)
            body_put(&txn->body, &previous, edit->field->number, &edit->value);
        at++;
    }
    return got == 0;
}

static int32_t try_entry(crm_txn *txn, crm_record *record)
{
    struct entry entry = {.operation = ENTRY_UPDATE,
                          .kind = record->kind->number,
                          .number = record->number,
                          .lsn = txn->lsn,
                          .version = 1};
    buffer_reset(&txn->body);
    if (record->created) {
        entry.operation = ENTRY_CREATE;
        id_put(&txn->body, &txn->id_base, &record->id);
        put_delta(txn);
    } else {
        entry.operation = record->pending == 0 ? ENTRY_UPDATE : record->pending;
        entry.version = record->version.number_of + 1;
        entry.previous = record->version.offset;
        if (record->version.count > CHAIN_MAX || record->pending == ENTRY_ERASE) {
            entry.flags = ENTRY_FULL;
            if (!put_full(txn, &record->version))
                return txn_unread(txn, CRM_CORRUPT, record->kind);
        } else {
            put_delta(txn);
        }
    }
    entry.body = txn->body.data;
    entry.body_length = txn->body.length;
    uint64_t offset = txn->base + txn->entries.length;
    if (txn->entries.length > TXN_BYTES_MAX)
        return txn_fail(txn, CRM_FULL, "a transaction may hold at most 1 TiB");
    if (txn->body.failed || !memory_grow(txn->db->memory, (void **)&txn->offsets, &txn->offset_capacity,
                                         txn->offset_count + 1, sizeof *txn->offsets))
        return txn_nomem(txn);
    entry_put(&txn->entries, offset, &entry);
    if (txn->entries.failed)
        return txn_nomem(txn);
    txn->offsets[txn->offset_count++] = offset;
    txn->entry_count++;
    record->loaded = false;
    return apply(txn, record, offset, &entry);
}

/* Half an entry must not stay: what is written later would be read with it. */
static int32_t put_entry(crm_txn *txn, crm_record *record)
{
    crm_id base = txn->id_base;
    size_t length = txn->entries.length, count = txn->offset_count;
    int32_t status = try_entry(txn, record);
    if (status != CRM_OK && txn->offset_count == count) {
        txn->id_base = base;
        txn->entries.length = length;
        txn->entries.failed = false;
    }
    return status;
}

/* The rules see the version before through a handle of its own. */
static void before_of(const crm_record *record, crm_record *before)
{
    *before = (crm_record){.view = record->view,
                           .kind = record->kind,
                           .number = record->number,
                           .id = record->id,
                           .version = record->version,
                           .loaded = true,
                           .borrowed = true,
                           .identified = true};
    record_seek(before);
}

COLD static int32_t discard(crm_txn *txn, crm_record *record)
{
    record->dead = record->created;
    record->pending = 0;
    txn->open = NULL;
    txn_edits_clear(txn);
    return txn->status;
}

/* What a rule made of a value that could not be read does not count. */
COLD static void judge_reading(crm_txn *txn, const crm_record *record, const crm_record *before)
{
    int32_t status = record->status == CRM_OK && before != NULL ? before->status : record->status;
    if (status == CRM_NOMEM || status == CRM_CORRUPT) {
        txn->status = CRM_OK;
        (void)txn_unread(txn, status, record->kind);
    }
}

int32_t txn_finish(crm_txn *txn)
{
    crm_record *record = txn->open;
    crm_db *db = txn->db;
    if (txn->status != CRM_OK)
        return discard(txn, record);
    if (txn_edits_changed(txn, record, false) == 0 && !record->created && record->pending == 0) {
        txn->open = NULL;
        return CRM_OK;
    }
    bool created = record->created;
    crm_record before, *old = NULL;
    if (!created) {
        before_of(record, &before);
        old = &before;
    }
    txn->in_rules = true;
    record->status = CRM_OK;
    if (db->rules != NULL && db->rules->before_version != NULL)
        (void)db->rules->before_version(record, old);
    judge_reading(txn, record, old);
    if (txn->status == CRM_OK && !created)
        (void)txn_check_currency(txn, record, &before.version);
    if (txn->status == CRM_OK) {
        (void)txn_edits_changed(txn, record, true);
        (void)txn_check(txn, record, created ? NULL : &before.version);
    }
    txn->in_rules = false;
    if (!created)
        record_clear(&before);
    if (txn->status != CRM_OK || put_entry(txn, record) != CRM_OK)
        return discard(txn, record);
    record->created = false;
    txn->open = NULL;
    txn->judged = record;
    /* The frame may have moved; what it was lies there if this transaction wrote it. */
    if (old != NULL && before.version.offset >= txn->base) {
        (void)version_load(txn->generation, txn, before.version.offset, &before.version);
        record_seek(&before);
        record->version = before.version; /* of which the rule sees what was not changed */
    }
    txn->by_library = true;
    if (db->rules != NULL && db->rules->after_version != NULL)
        (void)db->rules->after_version(record, old);
    judge_reading(txn, record, old);
    txn->judged = NULL;
    if (txn->status == CRM_OK && txn->open != NULL) /* what the rule made or changed last */
        (void)txn_finish(txn);
    txn->by_library = false;
    if (!created)
        record_clear(&before);
    record->pending = 0;
    return txn->status;
}
