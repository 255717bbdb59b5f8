/* db: opening and closing, following other processes, and the image.
 */
#include "model/db.h"

#include "model/currency.h"
#include "model/record.h"
#include "model/txn.h"
#include "model/view.h"
#include "store/image.h"
#include "sys/clock.h"
#include "sys/cold.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    IMAGE_TAIL_CLOSE = 1 << 16, /* worth a new image when the file is closed */
    REPLAY_BATCH = 16           /* frames from which sorting the keys of a replay pays */
};

void db_tell(crm_db *db, int32_t status, const char *format, ...)
{
    char text[512];
    if (db->options.log == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    db->options.log(db->options.log_context, status, text);
}

int64_t db_now(const crm_db *db)
{
    int64_t fixed = __atomic_load_n(&db->fixed_now, __ATOMIC_ACQUIRE);
    if (fixed != INT64_MIN)
        return fixed;
    return db->options.clock != NULL ? db->options.clock(db->options.clock_context) : clock_wall_us();
}

void db_news(crm_db *db)
{
    mutex_lock(&db->news_lock);
    db->news_count++;
    condition_broadcast(&db->news);
    mutex_unlock(&db->news_lock);
}

const struct memory *db_memory(const crm_db *db)
{
    return db->memory;
}

/* ---- generations ---- */

static void generation_free(struct generation *generation)
{
    const struct memory *memory = generation->db->memory;
    for (size_t i = 0; i < generation->pack_count; i++)
        memory_free(memory, generation->packs[i].bytes);
    memory_free(memory, generation->packs);
    memory_free(memory, generation->touches);
    memory_free(memory, generation->references_added);
    index_batch_free(generation);
    buffer_free(&generation->key);
    buffer_free(&generation->other_key);
    buffer_free(&generation->texts);
    arena_free(generation->arena);
    log_close(generation->log);
    schema_free(&generation->schema);
    rwlock_destroy(&generation->lock);
    mutex_destroy(&generation->pack_lock);
    memory_free(memory, generation);
}

struct generation *db_hold(crm_db *db)
{
    mutex_lock(&db->state);
    struct generation *generation = db->now;
    generation->references++;
    mutex_unlock(&db->state);
    return generation;
}

void db_drop(struct generation *generation)
{
    crm_db *db = generation->db;
    mutex_lock(&db->state);
    bool last = --generation->references == 0;
    mutex_unlock(&db->state);
    if (last)
        generation_free(generation);
}

void db_unsettle(struct generation *generation)
{
    __atomic_store_n(&generation->settled, UINT64_MAX, __ATOMIC_RELEASE);
    mutex_lock(&generation->db->state);
    mutex_unlock(&generation->db->state);
}

static struct generation *generation_create(crm_db *db, struct log *log)
{
    struct generation *generation = memory_zero(db->memory, 1, sizeof *generation);
    if (generation == NULL)
        return NULL;
    generation->db = db;
    generation->log = log;
    generation->references = 1;
    generation->building = true;
    generation->moment = INT64_MIN;
    generation->settled = UINT64_MAX;
    generation->serial = __atomic_add_fetch(&db->generations, 1, __ATOMIC_RELAXED);
    buffer_init(&generation->key, db->memory);
    buffer_init(&generation->other_key, db->memory);
    buffer_init(&generation->texts, db->memory);
    if (!rwlock_init(&generation->lock) || !mutex_init(&generation->pack_lock) ||
        !schema_init(&generation->schema, db->memory, &db->names)) {
        generation->log = NULL;
        schema_free(&generation->schema);
        memory_free(db->memory, generation);
        return NULL;
    }
    return generation;
}

/* ---- replay ---- */

static int32_t replay(struct generation *generation, uint64_t up_to_lsn, crm_error *error)
{
    while (generation->applied.lsn < up_to_lsn) {
        struct frame frame;
        crm_error ignored;
        int32_t status = log_frame(generation->log, &generation->applied, &frame, &ignored);
        if (status == CRM_NOT_FOUND)
            return CRM_OK;
        if (status == CRM_OK && !apply_frame(generation, &frame, &ignored)) {
            generation->bad = true;
            status = ignored.status;
        }
        if (status != CRM_OK) {
            if (error != NULL)
                *error = ignored;
            return status;
        }
        generation->change++;
    }
    /* A base frame may share its LSN with the next: take those, too. */
    for (;;) {
        struct frame frame;
        if (up_to_lsn != generation->applied.lsn ||
            log_frame(generation->log, &generation->applied, &frame, NULL) != CRM_OK || frame.lsn != up_to_lsn)
            return CRM_OK;
        crm_error why;
        if (!apply_frame(generation, &frame, &why)) {
            generation->bad = true;
            if (error != NULL)
                *error = why;
            return why.status;
        }
    }
}

int32_t db_replay(struct generation *generation, uint64_t up_to_lsn, crm_error *error)
{
    uint64_t before = generation->applied.offset;
    if (generation->applied.lsn + REPLAY_BATCH < up_to_lsn)
        index_batch(generation);
    int32_t status = replay(generation, up_to_lsn, error);
    generation->batching = false;
    if (status == CRM_OK && generation->applied.offset != before && !index_flush(generation)) {
        generation->bad = true;
        status = error_nomem(error);
    }
    if (status != CRM_OK)
        index_batch_free(generation);
    return status;
}

static void forget_roots(struct generation *generation)
{
    for (uint32_t k = 0; k < generation->schema.kind_count; k++) {
        struct kind *kind = generation->schema.kinds[k];
        kind->store = 0;
        kind->rows_window = kind->ids_window = (struct column_window){0};
        for (uint32_t f = 0; f < kind->field_count; f++) {
            kind->fields[f]->column = kind->fields[f]->tree = kind->fields[f]->table = kind->fields[f]->timeline = 0;
            kind->fields[f]->window = (struct column_window){0};
        }
    }
    generation->frames = 0;
}

/* Nothing may be written behind what is left: it would go over what was durable (P3). */
COLD static int32_t lost(const struct generation *generation, crm_error *error)
{
    return error_set(error, CRM_CORRUPT, "%s: transaction %llu cannot be read any more; salvage the file with recover",
                     generation->db->path, (unsigned long long)generation->applied.lsn + 1);
}

/* A fresh arena, filled from the first frame on. */
static int32_t fill_anew(struct generation *generation, uint64_t up_to_lsn, crm_error *error)
{
    struct arena *arena;
    int32_t status = arena_create(generation->db->memory, &arena, error);
    if (status != CRM_OK)
        return status;
    struct log_point before = generation->applied;
    db_unsettle(generation);
    arena_free(generation->arena);
    generation->arena = arena;
    forget_roots(generation);
    index_batch_free(generation);
    generation->applied = log_start(generation->log);
    generation->image_end = 0;
    generation->bad = false;
    generation->change++;
    /* Views are handed on with what they remember; it may come of the arena that is gone. */
    generation->serial = __atomic_add_fetch(&generation->db->generations, 1, __ATOMIC_RELAXED);
    /* What open views must know is in the touches already, and these stay in the order of their transactions. */
    bool building = generation->building;
    generation->building = true;
    status = roots_create(generation) ? db_replay(generation, up_to_lsn, error) : error_nomem(error);
    generation->building = building;
    if (status == CRM_OK && !building && generation->applied.lsn < before.lsn)
        status = lost(generation, error);
    generation->bad = status != CRM_OK;
    if (generation->bad) /* whoever builds it when it is next used goes as far as this was to */
        generation->applied = before;
    else
        settings_note(generation, UINT32_MAX);
    return status;
}

void db_flush(struct generation *generation)
{
    rwlock_write(&generation->lock);
    if (!generation->bad && !index_flush(generation))
        generation->bad = true;
    rwlock_unlock(&generation->lock);
}

int32_t db_settle(struct generation *generation, crm_error *error)
{
    db_flush(generation);
    rwlock_write(&generation->lock);
    int32_t status = CRM_OK;
    if (generation->bad || generation->arena->damaged) {
        if (generation->txn != NULL) { /* it reads the arena without a lock */
            status = generation->arena->damaged
                         ? error_set(error, CRM_CORRUPT,
                                     "%s: the index was found damaged during a transaction; roll it back",
                                     generation->db->path)
                         : error_nomem(error);
        } else {
            db_tell(generation->db, CRM_CORRUPT, "%s: the index is damaged and is built anew", generation->db->path);
            status = fill_anew(generation, generation->applied.lsn, error);
        }
    }
    rwlock_unlock(&generation->lock);
    return status;
}

int32_t crm_rebuild(crm_db *db, crm_error *error)
{
    if (db == NULL)
        return error_set(error, CRM_MISUSE, "crm_rebuild needs a database");
    bool reading = db->options.read_only != 0;
    int system;
    int32_t status = reading ? CRM_OK : db_lock_writer(db, error);
    if (status != CRM_OK)
        return status;
    struct generation *generation = db_hold(db);
    rwlock_write(&generation->lock);
    status = fill_anew(generation, generation->applied.lsn, error);
    rwlock_unlock(&generation->lock);
    if (status == CRM_OK && db->options.image && !reading) {
        (void)db->files->unlink(db->files->context, db->image_path, &system);
        status = db_write_image(generation, error);
    }
    if (!reading)
        db_unlock_writer(db, generation);
    db_drop(generation);
    return status;
}

/* ---- the image ---- */

/* True: the arena stands for the log up to generation->applied, not beyond the limit. */
static bool load_image(struct generation *generation, uint64_t limit)
{
    crm_db *db = generation->db;
    const struct log_header *header = log_header(generation->log);
    struct image_point point;
    crm_error error;
    if (!db->options.image ||
        image_open(db->files, db->memory, db->image_path, &point, &generation->arena, &error) != CRM_OK)
        return false;
    struct frame frame;
    bool ours = memcmp(&point.file, &header->file, sizeof point.file) == 0 && point.generation == header->generation &&
                point.layout == MODEL_LAYOUT && point.at.offset >= LOG_FRAMES_START && point.at.lsn <= limit;
    generation->applied = point.at;
    generation->image_end = point.at.offset;
    if (ours && roots_load_builtin(generation) && schema_load(generation) && roots_load(generation) &&
        settings_readable(generation)) {
        /* The log may have been cut back behind the image's point: its last frame must be there. */
        const struct frame_cell *cell = frame_cell(generation, point.at.lsn);
        if ((point.at.lsn == 0 && point.at.offset == LOG_FRAMES_START) ||
            (cell != NULL && cell->offset != 0 &&
             log_frame_info(generation->log, cell->offset, &frame, NULL) == CRM_OK && frame.lsn == point.at.lsn &&
             frame.after.offset == point.at.offset && frame.after.crc == point.at.crc))
            return true;
    }
    arena_free(generation->arena);
    generation->arena = NULL;
    return false;
}

int32_t db_generation(crm_db *db, struct log *log, uint64_t limit, struct generation **out, crm_error *error)
{
    struct generation *generation = generation_create(db, log);
    int32_t status = CRM_OK;
    *out = NULL;
    if (generation == NULL) {
        log_close(log);
        return error_nomem(error);
    }
    if (!load_image(generation, limit)) {
        schema_free(&generation->schema);
        status = schema_init(&generation->schema, db->memory, &db->names) ? fill_anew(generation, limit, error)
                                                                          : error_nomem(error);
    } else {
        status = db_replay(generation, limit, error);
        if (status != CRM_OK) /* the image may be at fault: the log alone decides */
            status = fill_anew(generation, limit, error);
    }
    if (status != CRM_OK) {
        generation_free(generation);
        return status;
    }
    generation->building = false;
    *out = generation;
    return CRM_OK;
}

int32_t db_second(struct generation *first, struct generation **out, crm_error *error)
{
    struct generation *second = generation_create(first->db, first->log);
    *out = NULL;
    if (second == NULL)
        return error_nomem(error);
    int32_t status = fill_anew(second, first->applied.lsn, error);
    if (status != CRM_OK) {
        db_second_free(second);
        return status;
    }
    *out = second;
    return CRM_OK;
}

void db_second_free(struct generation *second)
{
    if (second == NULL)
        return;
    second->log = NULL; /* the first one's */
    generation_free(second);
}

int32_t db_empty(crm_db *db, struct log *log, struct generation **out, crm_error *error)
{
    *out = generation_create(db, log);
    if (*out == NULL) {
        log_close(log);
        return error_nomem(error);
    }
    int32_t status = fill_anew(*out, 0, error);
    if (status != CRM_OK) {
        generation_free(*out);
        *out = NULL;
    }
    return status;
}

/* ---- open ---- */

/* What lies behind the last whole transaction: nothing, what was never
 * committed, or damage (P3).  Under the write lock unless read-only. */
static int32_t settle_tail(crm_db *db, struct generation *generation, crm_error *error)
{
    struct log_tail tail;
    int32_t status = log_tail(generation->log, &generation->applied, &tail, error);
    if (status != CRM_OK)
        return status;
    /* Behind a number of which no frame is known, what was written could not be read again. */
    int64_t time;
    bool missing = generation->applied.lsn != 0 && !frame_time(generation, generation->applied.lsn, &time);
    if ((missing || (tail.what == LOG_TAIL_DAMAGED && tail.next_offset == 0)) && !db->options.read_only)
        return error_set(error, CRM_CORRUPT,
                         "%s: damaged at byte %llu: transaction %llu, which was durable, cannot be read; open it "
                         "read-only or salvage it with recover",
                         db->path, (unsigned long long)tail.offset, (unsigned long long)generation->applied.lsn + 1);
    if (tail.what == LOG_TAIL_DAMAGED && !db->options.read_only)
        return error_set(error, CRM_CORRUPT,
                         "%s: damaged at byte %llu: transaction %llu is lost though %llu follows at byte %llu; "
                         "open it read-only or salvage it with recover",
                         db->path, (unsigned long long)tail.offset, (unsigned long long)generation->applied.lsn + 1,
                         (unsigned long long)tail.next_lsn, (unsigned long long)tail.next_offset);
    if (tail.what != LOG_TAIL_CLEAN)
        db_tell(db, CRM_CORRUPT, "%s: %llu bytes after transaction %llu (byte %llu) %s", db->path,
                (unsigned long long)tail.lost, (unsigned long long)generation->applied.lsn,
                (unsigned long long)tail.offset,
                tail.what == LOG_TAIL_TORN ? "were never committed and are dropped" : "are damaged and not read");
    if (db->options.read_only) { /* also what a writer who has come meanwhile has not synced: it is in the arena */
        log_publish(generation->log, generation->applied.lsn);
        return CRM_OK;
    }
    if (tail.what == LOG_TAIL_TORN || log_unrecovered(generation->log))
        status = log_recovered(generation->log, &generation->applied, error);
    return status;
}

/* A generation of the log as it is now; `locked`: under its write lock.
 *
 * No touch tells its views what was before a frame that another handle has
 * written and not yet synced.  So such a frame is made durable here, and by
 * that published, before any view opens; who cannot do that leaves it out. */
static int32_t generation_of(crm_db *db, struct log *log, bool locked, struct generation **out, crm_error *error)
{
    bool reading = db->options.read_only || log_stopped(log);
    uint64_t limit = reading && !log_unrecovered(log) ? log_published(log) : UINT64_MAX;
    int32_t status = db_generation(db, log, limit, out, error);
    if (status == CRM_OK && (reading ? (*out)->applied.lsn < limit : locked))
        status = settle_tail(db, *out, error);
    if (status == CRM_OK && !reading && (*out)->applied.lsn > log_published(log))
        status = log_sync(log, &(*out)->applied, error);
    return status;
}

/* Beside the file itself, whatever links led to it: so it is one for all, and a
 * compaction, after which it may hold nothing that was erased, finds it. */
static bool name_image(crm_db *db, const struct log *log)
{
    struct buffer name;
    buffer_init(&name, db->memory);
    buffer_text(&name, log_path(log));
    buffer_append(&name, "-index", sizeof "-index");
    if (name.failed)
        buffer_free(&name);
    else
        db->image_path = (char *)name.data;
    return db->image_path != NULL;
}

static int32_t open_log(crm_db *db, bool create, struct log **log, crm_error *error)
{
    struct log_options options = {.files = db->files,
                                  .memory = db->memory,
                                  .create = create && db->options.create != 0,
                                  .exclusive = create && db->options.create == 2,
                                  .read_only = db->options.read_only != 0,
                                  .deferred = db->options.durability == CRM_DURABLE_DEFERRED,
                                  .busy_ms = db->options.busy_ms,
                                  .now = db_now(db)};
    int32_t status = log_open(db->path, &options, log, error);
    if (status == CRM_OK && db->image_path == NULL && !name_image(db, *log)) {
        log_close(*log);
        return error_nomem(error);
    }
    return status;
}

/* ---- other processes ---- */

/* Recovery needs the write lock.  Who opens while another process writes need
 * not wait for it: that process has recovered the file. */
static int32_t lock_to_recover(crm_db *db, struct log *log, bool *locked, crm_error *error)
{
    int32_t status = CRM_OK;
    *locked = !db->options.read_only && log_lock(log, 0, NULL) == CRM_OK;
    if (!*locked && !db->options.read_only && log_unrecovered(log)) {
        status = log_lock(log, db->options.busy_ms, error);
        *locked = status == CRM_OK;
    }
    return status;
}

/* After the file was replaced: goes over to the new one.  Under db->follow. */
static int32_t reopen(crm_db *db, crm_error *error)
{
    struct log *log;
    struct generation *next = NULL;
    int32_t status = open_log(db, false, &log, error);
    if (status != CRM_OK)
        return status;
    bool locked;
    status = lock_to_recover(db, log, &locked, error);
    if (status != CRM_OK) {
        log_close(log);
        return status;
    }
    status = generation_of(db, log, locked, &next, error);
    if (locked && next != NULL)
        log_unlock(next->log);
    if (status != CRM_OK) {
        if (next != NULL)
            generation_free(next);
        return status;
    }
    if (memcmp(&log_header(next->log)->file, &log_header(db->now->log)->file, sizeof(crm_id)) != 0) {
        generation_free(next);
        return error_set(error, CRM_STOPPED, "%s: is another database now; close and open it again", db->path);
    }
    settings_note(next, UINT32_MAX);
    mutex_lock(&db->state);
    struct generation *old = db->now;
    db->now = next;
    mutex_unlock(&db->state);
    db_drop(old);
    return CRM_OK;
}

/* Under db->follow.  Where a transaction of this handle is, nobody else can
 * have written, and what the arena has of it is not in the log. */
static int32_t follow_locked(crm_db *db, bool writer, crm_error *error)
{
    struct generation *generation = db_hold(db);
    int32_t status = CRM_OK;
    if (log_superseded(generation->log)) {
        status = reopen(db, error);
        db_drop(generation);
        if (status != CRM_OK)
            return status;
        generation = db_hold(db);
    }
    status = log_refresh(generation->log, error);
    rwlock_write(&generation->lock);
    bool unsaid = log_unsaid(generation->log);
    uint64_t published = log_published(generation->log), before = generation->applied.lsn;
    uint64_t up_to = writer || unsaid ? UINT64_MAX : published;
    if (status == CRM_OK && up_to > before && generation->txn == NULL) {
        db_unsettle(generation);
        /* Nothing goes onto half a change; and what is new is remembered for views, as ever. */
        if (generation->bad || generation->arena->damaged)
            status = fill_anew(generation, before, error);
        if (status == CRM_OK)
            status = db_replay(generation, up_to, error);
        if (status == CRM_OK && !db->options.read_only && generation->applied.lsn < published)
            status = lost(generation, error);
    }
    if (status == CRM_OK && unsaid)
        log_publish(generation->log, generation->applied.lsn);
    /* A writer's commit trims them; whoever only follows has no commit. */
    if (!writer)
        touches_trim(generation);
    struct log_point now = generation->applied;
    rwlock_unlock(&generation->lock);
    /* A writer that died before its sync left whole frames: they count, once they are safe. */
    if (status == CRM_OK && writer && now.lsn > before && now.lsn > log_published(generation->log))
        status = log_sync(generation->log, &now, error);
    db_drop(generation);
    return status;
}

int32_t db_follow(crm_db *db, bool writer, crm_error *error)
{
    if (!writer) {
        struct generation *now = db_hold(db);
        rwlock_read(&now->lock);
        bool behind = log_superseded(now->log) || log_unsaid(now->log) ||
                      (now->txn == NULL && log_published(now->log) > now->applied.lsn);
        bool intact = log_intact(now->log);
        rwlock_unlock(&now->lock);
        db_drop(now);
        if (!intact && !behind)
            return error_set(error, CRM_CORRUPT, "%s: was overwritten by somebody else while open", db->path);
        if (!behind)
            return CRM_OK;
    }
    mutex_lock(&db->follow);
    int32_t status = follow_locked(db, writer, error);
    mutex_unlock(&db->follow);
    return status;
}

static int32_t start_new(crm_db *db, crm_error *error)
{
    crm_txn *txn;
    int32_t status = crm_begin(db, &txn, error);
    if (status != CRM_OK)
        return status;
    if (txn->lsn > 1) { /* another process was first */
        crm_rollback(txn);
        return CRM_OK;
    }
    txn->by_library = true;
    (void)crm_txn_set_reason(txn, "new file");
    if (db->rules != NULL && db->rules->new_file != NULL)
        (void)db->rules->new_file(txn, db->options.currency);
    return crm_commit(txn, NULL, error);
}

static int32_t open_steps(crm_db *db, crm_error *error)
{
    struct log *log;
    int32_t status = open_log(db, true, &log, error);
    if (status != CRM_OK)
        return status;
    bool locked;
    status = lock_to_recover(db, log, &locked, error);
    if (status != CRM_OK) {
        log_close(log);
        return status;
    }
    status = generation_of(db, log, locked, &db->now, error);
    if (db->now == NULL)
        return status; /* the log went with it */
    if (locked)
        log_unlock(log);
    settings_note(db->now, UINT32_MAX);
    if (status == CRM_OK && db->now->applied.lsn == 0 && !db->options.read_only)
        status = start_new(db, error);
    return status;
}

static void db_free(crm_db *db)
{
    const struct memory *memory = db->memory;
    views_free_closed(db);
    if (db->now != NULL) {
        db->now->references--;
        if (db->now->references == 0)
            generation_free(db->now);
    }
    mutex_destroy(&db->writer);
    mutex_destroy(&db->follow);
    mutex_destroy(&db->state);
    mutex_destroy(&db->news_lock);
    condition_destroy(&db->news);
    names_free(&db->names);
    memory_free(memory, db->path);
    memory_free(memory, db->image_path);
    struct memory own = db->options.memory;
    memory_free(&own, db);
}

static void *watched_resize(void *context, void *old, size_t size)
{
    crm_db *db = context;
    void *got = db->options.memory.resize(db->options.memory.context, old, size);
    if (got == NULL && size > 0)
        __atomic_store_n(&db->starved, true, __ATOMIC_RELEASE);
    return got;
}

struct memory memory_unwatched(const struct memory *memory)
{
    return memory->resize == watched_resize ? ((const crm_db *)memory->context)->options.memory : *memory;
}

crm_db *db_create(const char *path, const crm_options *options, const struct model_rules *rules)
{
    crm_db *db = memory_zero(&options->memory, 1, sizeof *db);
    if (db == NULL)
        return NULL;
    db->options = *options;
    db->watched = (struct memory){watched_resize, db};
    db->memory = &db->watched;
    db->files = options->files;
    db->rules = rules;
    db->references = 1;
    db->fixed_now = options->now;
    db->path = memory_text(db->memory, path, strlen(path));
    if (db->path == NULL || !mutex_init(&db->writer) || !mutex_init(&db->follow) || !mutex_init(&db->state) ||
        !mutex_init(&db->news_lock) || !condition_init(&db->news) || !names_init(&db->names, db->memory)) {
        db_free(db);
        return NULL;
    }
    return db;
}

int32_t db_open(const char *path, const crm_options *options, const struct model_rules *rules, crm_db **out,
                crm_error *error)
{
    crm_db *db = db_create(path, options, rules);
    if (db == NULL)
        return error_nomem(error);
    int32_t status = open_steps(db, error);
    if (status != CRM_OK) {
        db_free(db);
        return status;
    }
    *out = db;
    return CRM_OK;
}

/* ---- close ---- */

void db_reference(crm_db *db)
{
    mutex_lock(&db->state);
    db->references++;
    mutex_unlock(&db->state);
}

void db_release(crm_db *db)
{
    mutex_lock(&db->state);
    bool last = --db->references == 0;
    mutex_unlock(&db->state);
    if (last)
        db_free(db);
}

int32_t crm_sync(crm_db *db, crm_error *error)
{
    if (db == NULL)
        return error_set(error, CRM_MISUSE, "crm_sync needs a database");
    if (db->options.read_only)
        return CRM_OK;
    struct generation *generation = db_hold(db);
    rwlock_read(&generation->lock);
    struct log_point point = generation->applied;
    rwlock_unlock(&generation->lock);
    int32_t status =
        log_stopped(generation->log)
            ? error_set(error, CRM_STOPPED, "%s: an earlier write failed; close and open the file again", db->path)
        : log_durable(generation->log) >= point.lsn ? CRM_OK
                                                    : log_sync(generation->log, &point, error);
    db_drop(generation);
    return status;
}

int32_t crm_close(crm_db *db)
{
    if (db == NULL)
        return CRM_OK;
    if (db->txn != NULL)
        crm_rollback(db->txn);
    int32_t status = crm_sync(db, NULL);
    struct generation *generation = db_hold(db); /* a feed that stays may go over to another one */
    if (!db->options.read_only && db->options.image && !log_stopped(generation->log) &&
        log_lock(generation->log, 0, NULL) == CRM_OK) {
        rwlock_read(&generation->lock);
        bool grown = generation->applied.offset - generation->image_end > IMAGE_TAIL_CLOSE ||
                     (generation->image_end == 0 && generation->applied.offset > IMAGE_TAIL_CLOSE);
        rwlock_unlock(&generation->lock);
        if (grown)
            (void)db_write_image(generation, NULL);
        log_unlock(generation->log);
    }
    db_drop(generation);
    db->closed = true;
    db_release(db);
    return status;
}

void crm_set_now(crm_db *db, int64_t now)
{
    if (db != NULL)
        __atomic_store_n(&db->fixed_now, now, __ATOMIC_RELEASE);
}

int64_t crm_now(const crm_db *db)
{
    return db == NULL ? 0 : db_now(db);
}

uint64_t crm_lsn(crm_db *db)
{
    if (db == NULL)
        return 0;
    (void)db_follow(db, false, NULL);
    struct generation *generation = db_hold(db);
    uint64_t published = log_published(generation->log);
    rwlock_read(&generation->lock);
    uint64_t applied = generation->applied.lsn;
    rwlock_unlock(&generation->lock);
    db_drop(generation);
    return published < applied ? published : applied;
}

const char *crm_path(const crm_db *db)
{
    return db == NULL ? NULL : db->path;
}
