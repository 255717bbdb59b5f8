/* db: what an open file is made of.  Shared by the sources of lib/model.
 *
 * A generation is one log with the arena of its indexes.  A compaction starts a
 * new one; views keep theirs until they close.  The arena may be ahead of what
 * readers see: the writer applies its changes as it goes, and each row carries
 * the LSN of its newest version, so a view at an earlier LSN knows which rows
 * it must not take from the indexes.  For those that existed before, `touches`
 * remembers what they were.
 *
 * Locks, in this order: writer (one transaction), follow (who takes in what other
 * handles wrote), generation lock (arena, applied, touches; readers share it),
 * state (which generation, which views; held for moments, nothing is waited for
 * under it).
 */
#ifndef MODEL_DB_H
#define MODEL_DB_H

#include "log/log.h"
#include "model/rules.h"
#include "model/schema.h"
#include "model/value.h"
#include "store/arena.h"
#include "store/column.h"
#include "store/hash.h"
#include "store/tree.h"
#include "sys/error.h"
#include "sys/lock.h"

enum { MODEL_LAYOUT = 4 };
enum { ROW_DELETED = 1, ROW_ERASED = 2, ROW_FIRST = 4 /* it has one version */ };

/* A record's cell: where its newest version lies.  Its id: identity.c. */
struct row {
    uint64_t head;  /* offset of the newest entry in the log; 0: the number is not taken */
    uint64_t state; /* LSN << 8 | ROW_ */
};
static inline uint64_t row_lsn(const struct row *row)
{
    return row->state >> 8;
}

struct kind_store { /* in the arena */
    uint32_t rows, live;
    uint64_t rows_column, ids_column; /* struct row; crm_id */
    uint64_t ids;                     /* table of those ids that start a chain */
};

struct frame_cell { /* by LSN */
    /* Of the frame's header; of a transaction that was compacted away, of the
     * ENTRY_FRAMES entry that tells of it, and of the newest such, of the last
     * base frame, which carries its number.  0: not known. */
    uint64_t offset;
    int64_t time;
};

struct pack {
    uint64_t offset;
    uint8_t *bytes;
    size_t length;
};

/* New keys of a tree that wait, to go in sorted. */
struct tree_batch {
    uint64_t tree;
    struct tree_key *keys;
    size_t count, capacity;
    struct buffer texts; /* of a tree of texts: each u32 length and the bytes, found by its offset in the key */
};

struct reference { /* of a record that is being added */
    struct field *field;
    struct value value;
};

struct touch {
    uint32_t kind, number;
    uint64_t lsn; /* of the change */
    struct row before;
};

struct generation {
    crm_db *db;
    struct generation *next; /* all of the handle */
    uint32_t references;     /* views, and 1 while it is the current one; under db->state */
    struct log *log;
    struct arena *arena;
    struct schema schema;
    struct rwlock lock;
    struct log_point applied; /* the arena holds the log up to here */
    uint64_t settled;         /* atomic: an LSN that the arena is known to hold; UINT64_MAX: none is */
    uint64_t serial;          /* of the handle's generations, from 1 */
    uint64_t image_end;       /* the log up to here is in the image file */
    uint64_t change;          /* counts changes of the arena, so that cursors seek anew */
    bool bad;                 /* the arena cannot be trusted: rebuild before use */
    bool building;            /* no view can see it yet, so nothing needs to be remembered for one */
    struct touch *touches;
    size_t touch_base; /* how many were trimmed away before the first */
    size_t touch_count, touch_capacity;
    uint64_t touch_undone;               /* counts those taken back by rollbacks: their places are used again */
    uint64_t frames;                     /* column of frame cells */
    struct buffer key, other_key, texts; /* the writer's scratch */
    struct reference *references_added;  /* of the record that is being added, and its instant */
    size_t added_count, added_capacity;
    int64_t moment;
    bool batching; /* new keys are to wait */
    struct tree_batch *batches;
    size_t batch_count;     /* trees that have had keys waiting */
    size_t batch_keys;      /* that wait now; atomic */
    struct mutex pack_lock; /* of the inflated packs below, kept while the generation lives */
    struct pack *packs;     /* by offset */
    size_t pack_count, pack_capacity;
    crm_txn *txn; /* whose entries lie beyond the end of the log */
};

struct crm_options {
    struct memory memory;
    crm_log_function log;
    void *log_context;
    crm_clock_function clock;
    void *clock_context;
    int64_t create, read_only, durability, busy_ms, image, now;
    char currency[4];
    const struct file_ops *files;
};

struct crm_db {
    struct crm_options options;
    const struct memory *memory; /* &watched */
    struct memory watched;       /* the caller's allocator, and whether it refused */
    bool starved;                /* atomic: it did, so what failed is not damage */
    const struct file_ops *files;
    const struct model_rules *rules;
    char *path, *image_path;
    struct mutex writer;
    struct mutex follow; /* not the one above: who opens a view must not wait for a transaction */
    struct mutex state;
    struct generation *now; /* under state */
    struct generation *all;
    uint32_t references;    /* views, feeds, imports … and 1 for the caller; under state */
    uint32_t views;         /* atomic: how many are in the list */
    crm_view *view_list;    /* under state */
    crm_view *closed_views; /* likewise: kept for the next that are opened */
    uint32_t closed_count;
    uint64_t generations; /* atomic: how many there were */
    bool closed;
    int64_t fixed_now; /* INT64_MIN: the clock runs */
    crm_txn *txn;
    struct mutex news_lock; /* feeds wait here for commits of this process */
    struct condition news;
    uint64_t news_count;
    int32_t lifecycle;  /* likewise; 0: to be looked up */
    int32_t currency;   /* base currency, ISO 4217 numeric */
    struct names names; /* of kinds, fields and choices, until it closes */
};

/* Opening; lib/api gives the rules. */
int32_t db_open(const char *path, const crm_options *options, const struct model_rules *rules, crm_db **out,
                crm_error *error);
void db_reference(crm_db *db);
void db_release(crm_db *db);
/* The caller's allocator itself, for what may outlive the handle. */
struct memory memory_unwatched(const struct memory *memory);
/* A handle without a log, for work on files that are not opened; db_release ends it.  NULL: no memory. */
crm_db *db_create(const char *path, const crm_options *options, const struct model_rules *rules);
void db_tell(crm_db *db, int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
int64_t db_now(const crm_db *db);
void db_news(crm_db *db);
/* Brings the generation up to what others wrote: a writer with all frames, else as far as is published. */
int32_t db_follow(crm_db *db, bool writer, crm_error *error);
struct generation *db_hold(crm_db *db); /* the current one, referenced */
void db_drop(struct generation *generation);
/* Before a replay into an arena that views may be on, under its exclusive lock: see open_newest. */
void db_unsettle(struct generation *generation);
/* From the image or by a replay, up to a transaction. */
int32_t db_generation(crm_db *db, struct log *log, uint64_t limit, struct generation **out, crm_error *error);
int32_t db_replay(struct generation *generation, uint64_t up_to_lsn, crm_error *error);
/* A second generation over the same log, from the first frame up to where the
 * first one is, in memory alone; db_second_free ends it. */
int32_t db_second(struct generation *first, struct generation **out, crm_error *error);
void db_second_free(struct generation *second);
/* An empty one over `log`, for salvage: no frame is replayed; db_drop ends it and the log. */
int32_t db_empty(crm_db *db, struct log *log, struct generation **out, crm_error *error);
/* The writer's locks, of the process and of the file, with all frames of other processes applied. */
int32_t db_lock_writer(crm_db *db, crm_error *error);
void db_unlock_writer(crm_db *db, struct generation *generation);
/* How many keys wait.  Readers may put them in, so the writer asks without a lock, and then reads what they did. */
static inline size_t index_waiting(const struct generation *generation)
{
    return __atomic_load_n(&generation->batch_keys, __ATOMIC_ACQUIRE);
}
/* Whether readers may use the arena: it can be trusted, and no keys wait.  Under the lock. */
static inline bool db_settled(const struct generation *generation)
{
    return !generation->bad && index_waiting(generation) == 0 && !generation->arena->damaged;
}
int32_t db_settle(struct generation *generation, crm_error *error);      /* under no lock; takes the exclusive one */
void db_flush(struct generation *generation);                            /* the same, but repairs nothing */
int32_t db_write_image(struct generation *generation, crm_error *error); /* under the writer lock or at close */
void db_maybe_write_image(struct generation *generation);

/* roots: the arena's table of structures */
bool roots_create(struct generation *generation);
bool roots_load(struct generation *generation); /* after the arena was mapped and the schema is known */
bool roots_load_builtin(struct generation *generation);
inline struct kind_store *kind_store(const struct generation *generation, const struct kind *kind)
{ /* NULL: none yet or damaged */
    return kind->store == 0 ? NULL : arena_at(generation->arena, kind->store, sizeof(struct kind_store));
}
struct kind_store *kind_store_make(struct generation *generation, struct kind *kind);
uint64_t field_column_make(struct generation *generation, struct kind *kind, struct field *field);
uint64_t field_tree_make(struct generation *generation, struct field *field);
uint64_t field_table_make(struct generation *generation, struct field *field);
uint64_t field_timeline_make(struct generation *generation, struct field *field);
/* A kind (field 0) or field that is taken back has no structures any more. */
void roots_forget(struct generation *generation, uint32_t kind, uint32_t field);

/* rows and versions */
inline struct row *row_at(const struct generation *generation, const struct kind *kind, uint32_t number)
{
    struct kind_store *store = kind_store(generation, kind);
    return store == NULL || number >= store->rows
               ? NULL
               : (struct row *)column_at(generation->arena, store->rows_column, number, sizeof(struct row));
}
uint32_t kind_rows(const struct generation *generation, const struct kind *kind);
/* For many rows of one kind, while the arena stays as it is: the way to them is
 * gone once. */
struct rows {
    struct arena *arena;
    const uint64_t *chunks; /* the column's directory */
    uint32_t count;
};
void rows_open(struct rows *rows, const struct generation *generation, const struct kind *kind);
static inline const struct row *rows_at(const struct rows *rows, uint32_t number)
{
    uint64_t chunk = number < rows->count ? rows->chunks[number / COLUMN_CHUNK] : 0;
    return chunk == 0 || (chunk & 7) != 0
               ? NULL
               : arena_at(rows->arena, chunk + number % COLUMN_CHUNK * sizeof(struct row), sizeof(struct row));
}
/* Where an entry lies is a place: an offset in the log, an offset beyond its end
 * in the transaction's frame, or, in a compacted file, a position in a pack. */
#define PLACE_PACKED (UINT64_C(1) << 62)
enum { PLACE_POSITION_BITS = 20 };
static inline uint64_t place_packed(uint64_t pack_offset, uint32_t position)
{
    return PLACE_PACKED | pack_offset << PLACE_POSITION_BITS | position;
}
/* CRM_CORRUPT: no such place, or what is there is damaged; CRM_NOMEM: its pack cannot be inflated now. */
int32_t entry_load(struct generation *generation, const crm_txn *txn, uint64_t offset, struct entry *out);
/* The version before, into the entry: CRM_CORRUPT when it is not the record's or not the one before. */
int32_t entry_before(struct generation *generation, const crm_txn *txn, struct entry *entry);
/* The version whose newest entry lies at `offset`. */
int32_t version_load(struct generation *generation, const crm_txn *txn, uint64_t offset, struct version *out);
/* The version of a row as a view sees it; after an erasure, older ones are `hidden`. */
int32_t version_of_row(const crm_view *view, const struct kind *kind, uint32_t number, const struct row *row,
                       struct version *out);
/* The number of the version that erased a row's personal data, the newest if
 * there are several, after version `after` and up to the transaction `until`;
 * 0: none did.  Every earlier version is hidden.  Only CRM_NOMEM is a failure. */
int32_t version_erased(struct generation *generation, const crm_txn *txn, const struct kind *kind, uint32_t number,
                       uint64_t after, uint64_t until, uint64_t *erased);
/* Where the newest version lies that is committed (or, in a transaction, made); 0: there is none. */
uint64_t version_newest(const struct generation *generation, const crm_txn *txn, const struct kind *kind,
                        uint32_t number);
static inline int version_field(const struct version *version, const struct field *field, struct value *value)
{
    return version->hidden && (field->flags & CRM_FLAG_PERSONAL) ? 0 : version_get(version, field->number, value);
}
/* The inflated body of the pack, or table of frames, whose entry lies at that
 * offset of the log; kept while the generation lives.  CRM_CORRUPT, CRM_NOMEM. */
int32_t pack_open(struct generation *generation, uint64_t offset, const uint8_t **bytes, size_t *length);
/* For work that goes through every version: reads the log of another generation
 * by entry_load and version_load with packs of its own, which can be let go. */
void reader_init(struct generation *reader, const struct generation *of);
void reader_relax(struct generation *reader); /* nothing borrowed from packs is used any more */
void reader_free(struct generation *reader);
struct frame_cell *frame_cell(const struct generation *generation, uint64_t lsn); /* NULL: none, damaged */
bool frame_time(struct generation *generation, uint64_t lsn, int64_t *time);
/* When, who and why of a transaction, also of one that was compacted away: only
 * lsn, time, actor, reason and batch are filled.  Under the lock. */
int32_t frame_meta(struct generation *generation, uint64_t lsn, struct frame *out, crm_error *error);
/* The last LSN whose time is not later than `time`; 0: none.  Under the lock. */
uint64_t frame_at_time(struct generation *generation, int64_t time, uint64_t up_to);

/* identity: ids and numbers.  Between view_begin and view_end, as all that reads the arena. */
uint32_t row_find(const struct generation *generation, const struct kind *kind,
                  const crm_id *id); /* UINT32_MAX: none */
const crm_id *id_at(const struct generation *generation, const struct kind *kind, uint32_t number); /* nil: none */
/* The row of a number that is the next one or a hole, for an id that is not there yet.  NULL: no memory or damaged. */
struct row *row_make(struct generation *generation, struct kind *kind, uint32_t number, const crm_id *id);
bool row_unmake(struct generation *generation, struct kind *kind, uint32_t number); /* the last one */

/* apply: one entry into the arena (under the exclusive lock) and out again */
bool apply_entry(struct generation *generation, const crm_txn *txn, uint64_t offset, const struct entry *entry,
                 crm_id *id_base);
/* The same of a transaction's new record, whose fields are its edits. */
bool apply_created(struct generation *generation, const crm_txn *txn, uint64_t offset, const struct entry *entry,
                   const crm_id *id);
bool apply_undo(struct generation *generation, const crm_txn *txn, uint64_t offset, const struct entry *entry);
bool apply_frame(struct generation *generation, const struct frame *frame, crm_error *error);
/* Makes a row of a full version; its number may be new or a hole. */
bool apply_row(struct generation *generation, struct kind *kind, const crm_id *id, uint64_t offset,
               const struct entry *entry, const uint8_t *fields);
/* Notes where the frame of an LSN, or what tells of it, lies. */
bool frames_note(struct generation *generation, uint64_t lsn, uint64_t offset, int64_t time);
/* An ENTRY_FRAMES entry into the frames column. */
bool frames_apply(struct generation *generation, uint64_t offset, const struct entry *entry);
/* One transaction more in the raw text of such an entry; *previous is the time of the one before, first 0. */
void frames_put(struct buffer *raw, int64_t *previous, const struct frame *meta);
/* settings: what the handle keeps of them, after a setting changed (or all, with number UINT32_MAX) */
void settings_note(struct generation *generation, uint32_t number);
bool settings_readable(struct generation *generation);
void touches_trim(struct generation *generation); /* forgets what no open view can ask for; under the exclusive lock */

/* schema records: the user's kinds, fields and choices */
bool schema_apply(struct generation *generation, uint32_t kind, const struct version *version, bool live);
bool schema_undo(struct generation *generation, uint32_t kind, const struct version *version); /* of a creation */
bool schema_load(struct generation *generation);

/* index: what one record's change means for the indexes.  A NULL version is
 * "not live".  `only` names the fields that may differ; NULL: any. */
struct segment;
bool index_change(struct generation *generation, struct kind *kind, uint32_t number, const struct version *before,
                  const struct version *after, const struct body *only);
/* A new record: each of its fields, then the end.  Values are read until then. */
bool index_add(struct generation *generation, struct kind *kind, uint32_t number, struct field *field,
               const struct value *value);
bool index_added(struct generation *generation, uint32_t number);
/* From here on keys for plain trees wait, even over many transactions, until
 * somebody reads: many go in together, each leaf met once.  False: no memory or
 * damaged, the arena is behind. */
void index_batch(struct generation *generation);
bool index_flush(struct generation *generation); /* no key waits any more; and ends the batch */
void index_batch_free(struct generation *generation);
void index_clear_columns(struct generation *generation, struct kind *kind, uint32_t number);
bool index_reserve(struct generation *generation, struct kind *kind, uint32_t number);
uint64_t index_int_key(const struct field *field, int64_t integer);
uint64_t index_real_key(double real);
struct tree_key index_timeline_key(uint32_t group, int64_t time, uint32_t number);
int64_t index_timeline_time(struct tree_key key);
uint32_t index_group(const struct field *field, int64_t value); /* timeline group of a reference */
uint32_t index_group_of(const struct field *field, uint32_t kind, uint32_t number);
uint64_t index_hash(const struct generation *generation, const struct field *field, const void *key, size_t length);
uint64_t index_tag_hash(const struct generation *generation, const char *tag, size_t length, struct buffer *scratch);
/* The normalised forms under which a value is found, each as u32 length and bytes. */
bool index_keys(const struct field *field, const struct value *value, struct buffer *out);
/* The one form of what a caller looks for; false: it can match nothing. */
bool index_key_of_text(const struct field *field, const char *text, size_t length, struct buffer *out);
/* The text of a value, inflated into `scratch` when need be. */
bool value_text(const struct value *value, struct buffer *scratch, const char **text, size_t *length);

#endif
