/* crm.h: libcrm, an embeddable CRM engine.  This header is all there is.
 *
 *   crm_error err;
 *   crm_db *db;
 *   crm_txn *tx;
 *   crm_customer *acme;
 *   if (crm_open("acme.crm", NULL, &db, &err) != CRM_OK) { puts(err.message); return 1; }
 *   crm_begin(db, &tx, &err);
 *   crm_txn_set_actor(tx, "mia");
 *   acme = crm_customer_create(tx);
 *   crm_customer_set_name(acme, "Acme GmbH");
 *   crm_customer_add_phone(acme, "+49 30 901820");
 *   if (crm_commit(tx, NULL, &err) != CRM_OK) puts(err.message);
 *   crm_close(db);
 *
 * Conventions, said once:
 * - A function that can fail returns a status (CRM_OK is 0) and explains itself
 *   in the caller's crm_error, which may be NULL.  Named below are the statuses
 *   that mean something there.  Besides, any may answer CRM_MISUSE (a NULL or
 *   ended handle), CRM_NOMEM, and what reads the file CRM_IO and CRM_CORRUPT.
 *   A handle that a call was to give is NULL after a failure (but CRM_MISUSE).
 * - "Owned" results are freed by the caller with the function that is named;
 *   "borrowed until X" results belong to their parent.  Freeing NULL is fine.
 *   A parent that is freed first stays alive until its last child is.
 * - Text is UTF-8.  Given: pointer and length, or CRM_NUL as the length of a
 *   NUL-terminated text.  Returned: NUL-terminated, with its length.
 * - Instants are int64 microseconds since 1970-01-01 UTC, dates int32 days
 *   since that day, money int64 minor units of an ISO 4217 currency.
 * - A kind of record and a field of a kind are numbers (crm_schema.h names the
 *   built-in ones); a user's own get theirs from crm_kind_find, crm_field_find.
 * - Threads: a crm_db may be used by any number of threads at once.  Any other
 *   handle belongs to one thread at a time.  A handle does not survive fork().
 * - Everything here came with version 0.1.0 unless said otherwise.
 */
#ifndef CRM_H
#define CRM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(CRM_BUILD) && defined(__GNUC__)
#define CRM_API __attribute__((visibility("default")))
#else
#define CRM_API
#endif

#define CRM_VERSION_NUMBER 100 /* major * 10000 + minor * 100 + patch */
#define CRM_VERSION "0.1.0"
#define CRM_NUL ((size_t)-1) /* as a length: up to the NUL */

/* ------------------------------------------------------------ status, error */

/* What a call answers.  A number never changes its meaning. */
enum {
    CRM_OK = 0,
    CRM_DONE = 1, /* no more rows: the end of an iteration, not a failure */
    CRM_NOT_FOUND = 2,
    CRM_INVALID = 3, /* an argument or a value breaks a rule of its type */
    CRM_NOMEM = 4,
    CRM_IO = 5,             /* the system refused a read, write, sync, lock or map */
    CRM_FULL = 6,           /* no space left on the device, or a size limit reached */
    CRM_CORRUPT = 7,        /* the file is damaged; the message says where */
    CRM_NOT_A_DATABASE = 8, /* the file is something else, or of a newer format */
    CRM_BUSY = 9,           /* another writer held the lock for the whole time-out */
    CRM_READ_ONLY = 10,
    CRM_STOPPED = 11,    /* an earlier write or sync failed, or another file took its place: reopen the file */
    CRM_CONFLICT = 12,   /* the record changed since the version that was named */
    CRM_DUPLICATE = 13,  /* a unique value is taken by a live record */
    CRM_REFUSED = 14,    /* a rule of the domain forbids it; the message names it */
    CRM_REFERENCED = 15, /* something later depends on it; the message names it */
    CRM_TIMEOUT = 16,
    CRM_EXISTS = 17,
    CRM_MISUSE = 18, /* a handle used in a way that its state forbids */
    CRM_ERASED = 19  /* the personal data asked for was erased */
};

/* Where a failed call explains itself: owned by the caller, no allocation. */
typedef struct crm_error {
    int32_t status;
    int32_t system;    /* errno of the system call behind it, or 0 */
    char message[504]; /* UTF-8, NUL-terminated, one line, no final stop */
} crm_error;

/* A record's identifier: a UUID in network byte order. */
typedef struct crm_id {
    uint8_t bytes[16];
} crm_id;

typedef struct crm_db crm_db;
typedef struct crm_options crm_options;
typedef struct crm_txn crm_txn;
typedef struct crm_view crm_view;
typedef struct crm_record crm_record;
typedef struct crm_query crm_query;
typedef struct crm_change crm_change;
typedef struct crm_history crm_history;
typedef struct crm_feed crm_feed;
typedef struct crm_table crm_table;
typedef struct crm_import crm_import;
typedef struct crm_export crm_export;

/* The library's version as a number (major*10000 + minor*100 + patch) and as text. */
CRM_API int32_t crm_version_number(void);
CRM_API const char *crm_version(void);
/* "CRM_NOT_FOUND" and "no such record": borrowed for ever; NULL for an unknown number. */
CRM_API const char *crm_status_name(int32_t status);
CRM_API const char *crm_status_text(int32_t status);

/* Parses a UUID (36 characters, dashes and case free).  CRM_INVALID. */
CRM_API int32_t crm_id_parse(const char *text, size_t length, crm_id *out);
/* Writes 36 characters, lower case with dashes, and a NUL. */
CRM_API void crm_id_format(const crm_id *id, char *out_37);

/* ------------------------------------------------------------ open and close */

/* Keys of crm_options_set_int. */
enum {
    CRM_OPTION_CREATE = 1,     /* 1 (default): create a missing file; 0: CRM_NOT_FOUND;
                                    2: refuse an existing one, CRM_EXISTS */
    CRM_OPTION_READ_ONLY = 2,  /* 1: never writes anything */
    CRM_OPTION_DURABILITY = 3, /* CRM_DURABLE_FULL (default) or CRM_DURABLE_DEFERRED */
    CRM_OPTION_BUSY_MS = 4,    /* how long crm_begin and crm_open wait for a lock; default 5000, -1 for ever */
    CRM_OPTION_IMAGE = 5,      /* 0: neither read nor write the index file beside the log; default 1 */
    CRM_OPTION_NOW = 6         /* a fixed clock, microseconds UTC, see crm_set_now */
};
enum { CRM_DURABLE_FULL = 1, CRM_DURABLE_DEFERRED = 2 };
/* Keys of crm_options_set_text. */
enum { CRM_OPTION_CURRENCY = 101 /* of a new file: its base currency, ISO 4217; default "EUR" */ };

/* Hooks.  `resize` allocates (old NULL), resizes, and frees (size 0). */
typedef void *(*crm_resize_function)(void *context, void *old, size_t size);
typedef void (*crm_log_function)(void *context, int32_t status, const char *message);
typedef int64_t (*crm_clock_function)(void *context);

/* Owned: crm_options_free, at any time after crm_open, which copies what it needs.  NULL when out of memory. */
CRM_API crm_options *crm_options_create(void);
CRM_API void crm_options_free(crm_options *options);
/* CRM_INVALID for an unknown key or value. */
CRM_API int32_t crm_options_set_int(crm_options *options, int32_t key, int64_t value);
CRM_API int32_t crm_options_set_text(crm_options *options, int32_t key, const char *text, size_t length);
/* For all memory of the handle; called by any thread that uses it.  Default: malloc, realloc, free. */
CRM_API void crm_options_set_allocator(crm_options *options, crm_resize_function resize, void *context);
/* Called for what is worth telling but fails nothing: a torn tail recovered, an image rebuilt. */
CRM_API void crm_options_set_log(crm_options *options, crm_log_function log, void *context);
/* Microseconds UTC; stamps commits.  Nothing that computes calls it. */
CRM_API void crm_options_set_clock(crm_options *options, crm_clock_function clock, void *context);

/* Opens or creates the database file `path`; options NULL: the defaults.
 * *db is owned: crm_close.  CRM_NOT_FOUND, CRM_EXISTS, CRM_IO, CRM_FULL,
 * CRM_CORRUPT (then open read-only or salvage with crm_recover),
 * CRM_NOT_A_DATABASE, CRM_BUSY, CRM_READ_ONLY, CRM_NOMEM. */
CRM_API int32_t crm_open(const char *path, const crm_options *options, crm_db **db, crm_error *error);
/* Closes.  Rolls an open transaction back; with open views or records the file
 * stays open until the last of them is freed.  Syncs what was deferred; its
 * failure is the answer. */
CRM_API int32_t crm_close(crm_db *db);
/* Makes every commit so far durable.  Only needed with CRM_DURABLE_DEFERRED.  CRM_IO, CRM_FULL, CRM_STOPPED. */
CRM_API int32_t crm_sync(crm_db *db, crm_error *error);
/* The handle's clock stands still at `now` from here on (microseconds UTC);
 * INT64_MIN lets it run again.  For tests, imports and replays. */
CRM_API void crm_set_now(crm_db *db, int64_t now);
/* The handle's clock, microseconds UTC. */
CRM_API int64_t crm_now(const crm_db *db);
/* The LSN (number of the last transaction) that a view opened now would see; 0: there is none. */
CRM_API uint64_t crm_lsn(crm_db *db);
/* The file's path as it was opened: borrowed until crm_close. */
CRM_API const char *crm_path(const crm_db *db);

/* ------------------------------------------------------------ schema */

/* Types of a field. */
enum {
    CRM_TYPE_BOOL = 1,    /* int 0, 1 */
    CRM_TYPE_INT = 2,     /* int64 */
    CRM_TYPE_DECIMAL = 3, /* int64 scaled by 10^scale of the field */
    CRM_TYPE_REAL = 4,    /* double */
    CRM_TYPE_MONEY = 5,   /* int64 minor units; currency: the record's own, else the file's */
    CRM_TYPE_TIME = 6,    /* int64 microseconds UTC */
    CRM_TYPE_DATE = 7,    /* int32 days */
    CRM_TYPE_TEXT = 8,
    CRM_TYPE_CHOICE = 9,    /* int: code of one of the field's choices */
    CRM_TYPE_CURRENCY = 10, /* int: ISO 4217 numeric code; text: alphabetic */
    CRM_TYPE_REF = 11,      /* id of a record of the field's target kind */
    CRM_TYPE_ANY_REF = 12,  /* id of a record of any kind */
    CRM_TYPE_ID = 13,       /* the record's own id */
    CRM_TYPE_EMAILS = 16,   /* lists of items, see CRM_PART_ */
    CRM_TYPE_PHONES = 17,
    CRM_TYPE_ADDRESSES = 18,
    CRM_TYPE_EXTERNAL_IDS = 19,
    CRM_TYPE_TAGS = 20,
    CRM_TYPE_REFS = 21 /* records of any kind, each with a role */
};
/* Flags of a field. */
enum {
    CRM_FLAG_REQUIRED = 1,
    CRM_FLAG_UNIQUE = 2,    /* among live records of the kind; found by crm_find */
    CRM_FLAG_INDEXED = 4,   /* ordered index: ranges, order, counts */
    CRM_FLAG_HOT = 8,       /* kept as a column: scans and sums at memory speed */
    CRM_FLAG_PERSONAL = 16, /* removed by crm_erase */
    CRM_FLAG_SYSTEM = 32,   /* set by the library, read-only to callers */
    CRM_FLAG_TIMELINE = 64, /* reference: the target has an ordered timeline of these records */
    CRM_FLAG_OPEN = 128,    /* choice: users may add choices */
    CRM_FLAG_KEY = 256,     /* found by crm_find, not unique */
    CRM_FLAG_ACYCLIC = 512  /* reference to its own kind: no cycles */
};
enum { CRM_USER_KIND = 256, CRM_USER_FIELD = 256 }; /* a user's own start here */

/* Kinds and fields by position, number and name.  Names are borrowed until
 * crm_close; 0 or NULL when there is none such.  Lists keep their order. */
CRM_API uint32_t crm_kind_count(const crm_db *db);
CRM_API uint32_t crm_kind_at(const crm_db *db, uint32_t position);
CRM_API uint32_t crm_kind_find(const crm_db *db, const char *name, size_t length);
CRM_API const char *crm_kind_name(const crm_db *db, uint32_t kind);
CRM_API uint32_t crm_field_count(const crm_db *db, uint32_t kind);
CRM_API uint32_t crm_field_at(const crm_db *db, uint32_t kind, uint32_t position);
CRM_API uint32_t crm_field_find(const crm_db *db, uint32_t kind, const char *name, size_t length);
CRM_API const char *crm_field_name(const crm_db *db, uint32_t kind, uint32_t field);
CRM_API const char *crm_field_label(const crm_db *db, uint32_t kind, uint32_t field); /* "Close date" */
CRM_API int32_t crm_field_type(const crm_db *db, uint32_t kind, uint32_t field);
CRM_API uint32_t crm_field_flags(const crm_db *db, uint32_t kind, uint32_t field);
CRM_API uint32_t crm_field_target(const crm_db *db, uint32_t kind, uint32_t field); /* REF: kind; DECIMAL: scale */
CRM_API const char *crm_type_name(int32_t type);                                    /* "text", "money", … */
CRM_API int32_t crm_type_find(const char *name, size_t length);
CRM_API uint32_t crm_choice_count(const crm_db *db, uint32_t kind, uint32_t field);
CRM_API int64_t crm_choice_at(const crm_db *db, uint32_t kind, uint32_t field, uint32_t position); /* code */
CRM_API const char *crm_choice_name(const crm_db *db, uint32_t kind, uint32_t field, int64_t code);
/* The choice's code; -1: there is none such. */
CRM_API int64_t crm_choice_find(const crm_db *db, uint32_t kind, uint32_t field, const char *name, size_t length);

/* ------------------------------------------------------------ transactions */

/* Starts the one write transaction; waits for others up to CRM_OPTION_BUSY_MS.
 * *txn is owned until crm_commit or crm_rollback.  CRM_BUSY, CRM_READ_ONLY,
 * CRM_STOPPED, CRM_IO, CRM_CORRUPT, CRM_NOMEM. */
CRM_API int32_t crm_begin(crm_db *db, crm_txn **txn, crm_error *error);
/* Who, why, and the batch by whose name crm_undo finds it.  Kept with the
 * transaction in the file for ever; at most 1,000 bytes each. */
CRM_API int32_t crm_txn_set_actor(crm_txn *txn, const char *actor);
CRM_API int32_t crm_txn_set_reason(crm_txn *txn, const char *reason);
CRM_API int32_t crm_txn_set_batch(crm_txn *txn, const char *batch);
/* Writes, syncs (unless deferred) and frees the transaction, whatever the
 * answer.  The first error of any setter is kept and answered here, and then
 * nothing is written.  *lsn (may be NULL) gets its number; an empty
 * transaction writes nothing and answers CRM_OK with the last LSN.  CRM_FULL,
 * CRM_IO, CRM_STOPPED, and whatever a setter or a rule refused: CRM_INVALID,
 * CRM_DUPLICATE, CRM_REFUSED, CRM_REFERENCED, CRM_CONFLICT, CRM_NOT_FOUND. */
CRM_API int32_t crm_commit(crm_txn *txn, uint64_t *lsn, crm_error *error);
/* Ends and frees the transaction as if it had not been.  NULL is fine. */
CRM_API void crm_rollback(crm_txn *txn);
/* Finishes the record that is being changed, so that all its rules are checked
 * now; CRM_OK, or the first error met, whose message goes into `error`. */
CRM_API int32_t crm_txn_status(crm_txn *txn, crm_error *error);
/* Forgets the kept error, so that a caller that handled it can go on; the
 * change that failed was not made. */
CRM_API void crm_txn_forgive(crm_txn *txn);
/* A view that sees the transaction's own changes: borrowed until it ends.
 * What its queries returned is good until the next change. */
CRM_API crm_view *crm_txn_view(crm_txn *txn);

/* A new record, or one to change: borrowed until the transaction ends.  NULL
 * on failure, which the transaction keeps (crm_edit: CRM_NOT_FOUND).  All
 * changes to one record before another record is touched become one version. */
CRM_API crm_record *crm_create(crm_txn *txn, uint32_t kind);
CRM_API crm_record *crm_create_with_id(crm_txn *txn, uint32_t kind, const crm_id *id); /* CRM_EXISTS */
CRM_API crm_record *crm_edit(crm_txn *txn, uint32_t kind, const crm_id *id);
/* The live record whose unique field (or e-mail, external id "system:value") is `text`, else a new
 * one with that value set.  *created (may be NULL) tells which.  CRM_DUPLICATE: several have it. */
CRM_API crm_record *crm_upsert(crm_txn *txn, uint32_t kind, uint32_t field, const char *text, size_t length,
                               int32_t *created);
/* The change succeeds only if the record still has this version: CRM_CONFLICT
 * otherwise, whose message names the fields that differ. */
CRM_API int32_t crm_expect_version(crm_record *record, uint64_t version);
/* Deleted records stay readable and can be restored.  CRM_REFERENCED: live records need it;
 * CRM_REFUSED: it is deleted already, or not deleted. */
CRM_API int32_t crm_delete(crm_record *record);
CRM_API int32_t crm_restore(crm_record *record);
/* Takes the personal data of the record (and, for a contact or customer, the
 * texts of its interactions) out of every version; crm_compact then removes
 * the bytes from the file.  Cannot be undone. */
CRM_API int32_t crm_erase(crm_record *record);

/* Setters: the value is copied.  Each returns a status (CRM_INVALID: the field
 * is unknown, of another type, kept by the library, or the value breaks its
 * rule; CRM_NOT_FOUND: a reference leads nowhere) and the transaction keeps the
 * first failure.  A NULL record answers CRM_MISUSE, so chains of
 * calls need no checks in between. */
CRM_API int32_t crm_set_int(crm_record *record, uint32_t field, int64_t value); /* all int-valued types */
CRM_API int32_t crm_set_real(crm_record *record, uint32_t field, double value);
CRM_API int32_t crm_set_text(crm_record *record, uint32_t field, const char *text, size_t length); /* TEXT only */
CRM_API int32_t crm_set_ref(crm_record *record, uint32_t field, uint32_t kind, const crm_id *id);
CRM_API int32_t crm_set_ref_record(crm_record *record, uint32_t field, const crm_record *target);
CRM_API int32_t crm_set_null(crm_record *record, uint32_t field);
/* Any type from text as people write it: "1,234.50", "2017-03-01", "true",
 * a choice's name, a currency's code, a reference's id, external id, e-mail or
 * (when exactly one live record has it) name; a list's JSON or its values with ';'. */
CRM_API int32_t crm_set_parsed(crm_record *record, uint32_t field, const char *text, size_t length);

/* A list field's items, counted from 0. */
enum {
    CRM_PART_VALUE = 1,   /* e-mail, number, external id's value, tag */
    CRM_PART_LABEL = 2,   /* "work", "home", … */
    CRM_PART_PRIMARY = 3, /* int 0, 1; setting one clears the others */
    CRM_PART_OPT_OUT = 4, /* int */
    CRM_PART_INVALID = 5, /* int */
    CRM_PART_STREET = 6,
    CRM_PART_CITY = 7,
    CRM_PART_REGION = 8,
    CRM_PART_POSTAL_CODE = 9,
    CRM_PART_COUNTRY = 10, /* ISO 3166-1 alpha-2 */
    CRM_PART_SYSTEM = 11,  /* external id: whose */
    CRM_PART_ROLE = 12,    /* reference: in which role */
    CRM_PART_REF = 13      /* reference: only through crm_item_set_ref and crm_item_ref */
};
/* Appends an item with that CRM_PART_VALUE; its position is the count before.
 * An address takes its street; an external id takes "system:value". */
CRM_API int32_t crm_item_add(crm_record *record, uint32_t field, const char *value, size_t length);
CRM_API int32_t crm_item_add_ref(crm_record *record, uint32_t field, uint32_t kind, const crm_id *id, const char *role,
                                 size_t role_length);
CRM_API int32_t crm_item_set_text(crm_record *record, uint32_t field, uint32_t item, int32_t part, const char *text,
                                  size_t length);
CRM_API int32_t crm_item_set_int(crm_record *record, uint32_t field, uint32_t item, int32_t part, int64_t value);
CRM_API int32_t crm_item_remove(crm_record *record, uint32_t field, uint32_t item);

/* A user's own kinds, fields and choices; usable at once in the same
 * transaction.  Names: a letter, then letters, digits, '_'; at most 63 bytes.
 * CRM_EXISTS, CRM_INVALID, CRM_REFUSED (a required field of a kind that has
 * records).  `target`: kind of a REF, scale of a DECIMAL, else 0; docs/SCHEMA.md. */
CRM_API int32_t crm_kind_add(crm_txn *txn, const char *name, size_t length, uint32_t *kind);
CRM_API int32_t crm_field_add(crm_txn *txn, uint32_t kind, const char *name, size_t length, int32_t type,
                              uint32_t flags, uint32_t target, uint32_t *field);
CRM_API int32_t crm_choice_add(crm_txn *txn, uint32_t kind, uint32_t field, const char *name, size_t length,
                               int64_t *code);

/* ------------------------------------------------------------ records */

/* Records from a view are owned: crm_record_free.  Those from a transaction are
 * borrowed until it ends (crm_record_free on them does nothing).  What a getter
 * returns is borrowed until the record is freed or, in a transaction, changed.
 * A NULL record reads as empty. */
CRM_API void crm_record_free(crm_record *record);
CRM_API uint32_t crm_record_kind(const crm_record *record);
CRM_API void crm_record_id(const crm_record *record, crm_id *out);
CRM_API uint64_t crm_record_version(const crm_record *record);
CRM_API uint64_t crm_record_lsn(const crm_record *record); /* of the transaction that wrote this version */
CRM_API int32_t crm_record_deleted(const crm_record *record);
/* CRM_OK, or why a getter found less than there is: CRM_CORRUPT, CRM_NOMEM, CRM_ERASED. */
CRM_API int32_t crm_record_status(const crm_record *record);

/* 1 when the field is set. */
CRM_API int32_t crm_has(const crm_record *record, uint32_t field);
/* The value, or 0, NaN, "" when not set.  crm_int serves every int-valued type. */
CRM_API int64_t crm_int(const crm_record *record, uint32_t field);
CRM_API double crm_real(const crm_record *record, uint32_t field);
CRM_API const char *crm_text(const crm_record *record, uint32_t field, size_t *length); /* length may be NULL */
/* CRM_NOT_FOUND when not set; *kind may be NULL. */
CRM_API int32_t crm_ref(const crm_record *record, uint32_t field, uint32_t *kind, crm_id *out);
/* Any type as people write it, the inverse of crm_set_parsed (a reference: the
 * target's id; a list: its values, or JSON where that would lose something). */
CRM_API const char *crm_format(const crm_record *record, uint32_t field, size_t *length);
/* The same, a reference shown by the target's name. */
CRM_API const char *crm_display(const crm_record *record, uint32_t field, size_t *length);
/* The record's own name for people: its name field, subject or id. */
CRM_API const char *crm_title(const crm_record *record, size_t *length);

/* Items of a list field, from 0; `part` is a CRM_PART_ of its type.  Texts are borrowed from the record. */
CRM_API uint32_t crm_item_count(const crm_record *record, uint32_t field);
CRM_API const char *crm_item_text(const crm_record *record, uint32_t field, uint32_t item, int32_t part,
                                  size_t *length);
CRM_API int64_t crm_item_int(const crm_record *record, uint32_t field, uint32_t item, int32_t part);
CRM_API int32_t crm_item_ref(const crm_record *record, uint32_t field, uint32_t item, uint32_t *kind, crm_id *out);

/* ------------------------------------------------------------ views and look-ups */

/* One consistent state of the whole database (P7): the newest, or as it was at
 * an instant (the last transaction not later than `time`), or after an LSN.
 * Holding it blocks nobody.  *view is owned: crm_view_close. */
CRM_API int32_t crm_view_open(crm_db *db, crm_view **view, crm_error *error);
CRM_API int32_t crm_view_open_at(crm_db *db, int64_t time, crm_view **view, crm_error *error);
/* CRM_NOT_FOUND: `lsn` is later than the last transaction. */
CRM_API int32_t crm_view_open_lsn(crm_db *db, uint64_t lsn, crm_view **view, crm_error *error);
/* Records and queries of the view may be used on and freed later. */
CRM_API void crm_view_close(crm_view *view);
/* The number of the last transaction that the view sees. */
CRM_API uint64_t crm_view_lsn(const crm_view *view);
/* The instant the view stands for: as asked, else of its last transaction. */
CRM_API int64_t crm_view_time(const crm_view *view);
/* Borrowed until crm_close. */
CRM_API crm_db *crm_view_db(const crm_view *view);

/* By id; deleted records are found, too (crm_record_deleted).  *record is owned.
 * CRM_NOT_FOUND, CRM_CORRUPT, CRM_NOMEM. */
CRM_API int32_t crm_get(crm_view *view, uint32_t kind, const crm_id *id, crm_record **record, crm_error *error);
/* By id in whichever kind has it; as crm_get. */
CRM_API int32_t crm_get_any(crm_view *view, const crm_id *id, crm_record **record, crm_error *error);
/* The first live record whose field has that value, for every field that is
 * unique, a key, indexed, or a list of e-mails, phones, external ids
 * ("system:value" or the bare value) or tags.  A phone matches in any formatting; the last digits
 * (at least 4) suffice; the longest match wins.  Names match folded and whole.
 * CRM_NOT_FOUND, CRM_INVALID. */
CRM_API int32_t crm_find(crm_view *view, uint32_t kind, uint32_t field, const char *text, size_t length,
                         crm_record **record, crm_error *error);
/* What a person means by `text`: an id, an external id, an e-mail, or a whole
 * name that exactly one live record of the kind has.  CRM_NOT_FOUND;
 * CRM_DUPLICATE: several. */
CRM_API int32_t crm_resolve(crm_view *view, uint32_t kind, const char *text, size_t length, crm_id *out,
                            crm_error *error);

/* ------------------------------------------------------------ queries */

/* Conditions are joined by "and"; several CRM_OP_IN on one field are alternatives. */
enum {
    CRM_OP_EQ = 1,
    CRM_OP_NE = 2,
    CRM_OP_LT = 3,
    CRM_OP_LE = 4,
    CRM_OP_GT = 5,
    CRM_OP_GE = 6,
    CRM_OP_PREFIX = 7,   /* text, folded; phones: the last digits */
    CRM_OP_CONTAINS = 8, /* text, folded */
    CRM_OP_SET = 9,
    CRM_OP_NOT_SET = 10,
    CRM_OP_IN = 11
};
enum {
    CRM_UNIT_NONE = 0,
    CRM_UNIT_DAY = 1,
    CRM_UNIT_WEEK = 2,
    CRM_UNIT_MONTH = 3,
    CRM_UNIT_QUARTER = 4,
    CRM_UNIT_YEAR = 5
};
enum { CRM_DELETED_NO = 0, CRM_DELETED_ALSO = 1, CRM_DELETED_ONLY = 2 };

/* *query is owned: crm_query_free.  The setters keep their first failure,
 * which the first crm_query_next or crm_query_count answers. */
CRM_API int32_t crm_query_create(crm_view *view, uint32_t kind, crm_query **query, crm_error *error);
CRM_API void crm_query_free(crm_query *query);
CRM_API int32_t crm_query_where_int(crm_query *query, uint32_t field, int32_t op, int64_t value);
/* The text is read by the field's type, see docs/VALUES.md. */
CRM_API int32_t crm_query_where_text(crm_query *query, uint32_t field, int32_t op, const char *text, size_t length);
CRM_API int32_t crm_query_where_ref(crm_query *query, uint32_t field, int32_t op, uint32_t kind, const crm_id *id);
/* Whether deleted records are found: one of CRM_DELETED_, default NO. */
CRM_API int32_t crm_query_deleted(crm_query *query, int32_t which);
/* Without an order: by creation.  Equal keys lie in order of creation, in a
 * descending order the newest first; records without the field come last. */
CRM_API int32_t crm_query_order(crm_query *query, uint32_t field, int32_t descending);
/* At most so many records in all. */
CRM_API int32_t crm_query_limit(crm_query *query, uint64_t rows);
/* Goes on behind a cursor of an equal query, also of another process or day.
 * CRM_INVALID: it is none of such a query. */
CRM_API int32_t crm_query_after(crm_query *query, const char *cursor, size_t length);
/* The next record, borrowed until the next call on the query or its end.  CRM_DONE at the end. */
CRM_API int32_t crm_query_next(crm_query *query, crm_record **record, crm_error *error);
/* Up to `capacity` records at once, borrowed like that.  *count 0: the end. */
CRM_API int32_t crm_query_page(crm_query *query, crm_record **records, uint32_t capacity, uint32_t *count,
                               crm_error *error);
/* A place behind the last record handed out, as text of printable ASCII: borrowed until the next call. */
CRM_API const char *crm_query_cursor(crm_query *query);
/* How many records match, limit and cursor aside. */
CRM_API int32_t crm_query_count(crm_query *query, uint64_t *count, crm_error *error);
/* The plan and why it was chosen, one line of English: borrowed until freed. */
CRM_API const char *crm_query_explain(crm_query *query);

/* The timeline of a customer, contact or any record: every live interaction
 * that names it, newest first (by start, then by creation).  *query is owned;
 * where, limit, after, next, page and cursor work on it.  CRM_NOT_FOUND: there
 * is no such record. */
CRM_API int32_t crm_timeline(crm_view *view, uint32_t kind, const crm_id *id, crm_query **query, crm_error *error);

/* Groups: sums over all that match.  At most 4 keys and 8 measures.
 * `through` 0: the field itself; else `field` is a reference and `through` a
 * field of its target.  `unit` cuts a date or time. */
CRM_API int32_t crm_query_group(crm_query *query, uint32_t field, uint32_t through, int32_t unit);
/* Over an int-valued or real field; records without it do not count. */
enum { CRM_MEASURE_SUM = 1, CRM_MEASURE_MIN = 2, CRM_MEASURE_MAX = 3 };
CRM_API int32_t crm_query_measure(crm_query *query, int32_t measure, uint32_t field);
/* The groups as a table: the keys' columns, "count", then the measures.  *table
 * is owned: crm_table_free.  CRM_REFUSED: money of several currencies in one sum. */
CRM_API int32_t crm_query_groups(crm_query *query, crm_table **table, crm_error *error);

/* ------------------------------------------------------------ tables */

/* A small result: named, typed columns and rows.  Texts are borrowed until crm_table_free. */
CRM_API void crm_table_free(crm_table *table);
CRM_API uint32_t crm_table_columns(const crm_table *table);
CRM_API uint64_t crm_table_rows(const crm_table *table);
CRM_API const char *crm_table_name(const crm_table *table, uint32_t column);
CRM_API int32_t crm_table_type(const crm_table *table, uint32_t column);
/* 1 when the cell is set; then its value, as of a field: 0, NaN, "" when not set or not there. */
CRM_API int32_t crm_table_has(const crm_table *table, uint64_t row, uint32_t column);
CRM_API int64_t crm_table_int(const crm_table *table, uint64_t row, uint32_t column);
CRM_API double crm_table_real(const crm_table *table, uint64_t row, uint32_t column);
/* Any cell as text: money with its decimals, times ISO 8601, references by name. */
CRM_API const char *crm_table_text(const crm_table *table, uint64_t row, uint32_t column, size_t *length);
/* The currency of a money cell (ISO 4217 numeric), 0 if it has none; the id behind a reference cell. */
CRM_API int32_t crm_table_currency(const crm_table *table, uint64_t row, uint32_t column);
CRM_API int32_t crm_table_id(const crm_table *table, uint64_t row, uint32_t column, crm_id *out);
/* A whole int-valued column at once: borrowed until crm_table_free. */
CRM_API const int64_t *crm_table_column(const crm_table *table, uint32_t column);

/* ------------------------------------------------------------ history, changes, undo */

enum {
    CRM_CHANGE_CREATE = 1,
    CRM_CHANGE_UPDATE = 2,
    CRM_CHANGE_DELETE = 3,
    CRM_CHANGE_RESTORE = 4,
    CRM_CHANGE_ERASE = 5
};

/* One change of one record.  All that the getters return is borrowed until the change is. */
CRM_API uint64_t crm_change_lsn(const crm_change *change);
CRM_API int64_t crm_change_time(const crm_change *change);
CRM_API const char *crm_change_actor(const crm_change *change);
CRM_API const char *crm_change_reason(const crm_change *change);
CRM_API const char *crm_change_batch(const crm_change *change);
CRM_API int32_t crm_change_operation(const crm_change *change);
CRM_API uint32_t crm_change_kind(const crm_change *change);
CRM_API void crm_change_id(const crm_change *change, crm_id *out);
CRM_API uint64_t crm_change_version(const crm_change *change);
/* The record before (NULL: it was created) and after. */
CRM_API crm_record *crm_change_before(const crm_change *change);
CRM_API crm_record *crm_change_after(const crm_change *change);
/* The fields that differ. */
CRM_API uint32_t crm_change_field_count(const crm_change *change);
CRM_API uint32_t crm_change_field(const crm_change *change, uint32_t position);

/* Every version of a record that the view sees, oldest first.  *history is
 * owned: crm_history_close.  CRM_NOT_FOUND: there is no such record. */
CRM_API int32_t crm_history_open(crm_view *view, uint32_t kind, const crm_id *id, crm_history **history,
                                 crm_error *error);
/* *change is borrowed until the next call.  CRM_DONE at the end. */
CRM_API int32_t crm_history_next(crm_history *history, crm_change **change, crm_error *error);
CRM_API void crm_history_close(crm_history *history);

/* Every change after transaction `lsn`, in order, of any process; it never
 * expires.  *feed is owned: crm_feed_close.  To resume after any stop, open
 * with the crm_feed_position that was saved.  CRM_NOT_FOUND: `lsn` is later
 * than the file's last transaction. */
CRM_API int32_t crm_feed_open(crm_db *db, uint64_t lsn, crm_feed **feed, crm_error *error);
/* *change is borrowed until the next call.  Waits up to timeout_ms (0: not at
 * all, -1: for ever).  CRM_TIMEOUT: nothing new yet. */
CRM_API int32_t crm_feed_next(crm_feed *feed, int64_t timeout_ms, crm_change **change, crm_error *error);
/* The last transaction all of whose changes were handed out. */
CRM_API uint64_t crm_feed_position(const crm_feed *feed);
/* Lets a waiting crm_feed_next return CRM_TIMEOUT; the one call on a feed that another thread may make. */
CRM_API void crm_feed_wake(crm_feed *feed);
CRM_API void crm_feed_close(crm_feed *feed);

/* Undoes every transaction of that batch within `txn`, as one compensating
 * change.  CRM_REFERENCED: later changes or records depend on it; *conflicts
 * (owned, may be NULL) lists them, and nothing was done.  `override` 1 undoes
 * what can be undone all the same.  CRM_NOT_FOUND: no such batch. */
CRM_API int32_t crm_undo(crm_txn *txn, const char *batch, int32_t override, crm_table **conflicts, crm_error *error);

/* ------------------------------------------------------------ lifecycle and pipeline */

/* Lifecycle tables.  The one in force is the setting "lifecycle" of the file ("four" or "five"). */
enum { CRM_LIFECYCLE_FOUR = 1, CRM_LIFECYCLE_FIVE = 2 };
/* "drifting": borrowed for ever; NULL for another number. */
CRM_API const char *crm_lifecycle_name(int64_t stage);
/* 1 when the table in force allows the move. */
CRM_API int32_t crm_lifecycle_allows(const crm_db *db, int64_t from, int64_t to);
/* Moves a customer; CRM_REFUSED names both stages.  `rule` and `evidence` (may
 * be NULL) go into the transition's record.  Setting the field does the same without them. */
CRM_API int32_t crm_lifecycle_move(crm_record *customer, int64_t stage, const char *rule, const char *evidence);
/* The stage a customer was in at an instant, from its transitions.  CRM_NOT_FOUND before the first. */
CRM_API int32_t crm_lifecycle_stage_at(crm_view *view, const crm_id *customer, int64_t time, int64_t *stage,
                                       crm_error *error);
/* Evaluates the rules over the transaction's state as of `time` (microseconds
 * UTC).  dry_run 1 changes nothing.  *table (owned, may be NULL): customer,
 * from, to, rule, evidence, one row a move. */
CRM_API int32_t crm_lifecycle_evaluate(crm_txn *txn, int64_t time, int32_t dry_run, crm_table **table,
                                       crm_error *error);
/* Per stage: customers, share, moved in and out since `since` (microseconds
 * UTC), median days in stage.  *table is owned: crm_table_free, as all below. */
CRM_API int32_t crm_lifecycle_report(crm_view *view, int64_t since, crm_table **table, crm_error *error);
/* The transition matrix between two instants (microseconds UTC): rows from,
 * columns to, counts of customers.  CRM_INVALID: `to` is before `from`. */
CRM_API int32_t crm_lifecycle_matrix(crm_view *view, int64_t from, int64_t to, crm_table **table, crm_error *error);
/* Every transition of one customer or opportunity, oldest first: from, to, at,
 * days (spent in `to`), actor, rule, evidence.  CRM_NOT_FOUND, CRM_INVALID. */
CRM_API int32_t crm_stage_history(crm_view *view, uint32_t kind, const crm_id *id, crm_table **table, crm_error *error);
/* The rules tried on the past: judges every customer as of `at` (microseconds
 * UTC) and counts what followed within `horizon_days`: stage, customers,
 * purchases (days with one), per_customer.  Changes nothing; docs/LIFECYCLE.md. */
CRM_API int32_t crm_lifecycle_backtest(crm_view *view, int64_t at, int32_t horizon_days, crm_table **table,
                                       crm_error *error);

/* The pipeline, one row a group: up to four keys of `by` (comma separated: stage,
 * pipeline, owner, owner.region, owner.team, product, customer, campaign,
 * quarter, month, year, type, forecast, currency, outcome; NULL: "stage"), then
 * deals, amount, weighted, open, won, lost, won_amount, win_rate,
 * mean_cycle_days; docs/PIPELINE.md.  CRM_INVALID: unknown key.  CRM_REFUSED:
 * a group holds money of several currencies. */
CRM_API int32_t crm_report_pipeline(crm_view *view, const char *by, crm_table **table, crm_error *error);

/* ------------------------------------------------------------ import and export */

/* Reads CSV or JSON Lines in pieces of any size.  *import is owned:
 * crm_import_free.  Keys of crm_import_set (all texts), before the first piece:
 * format (csv, jsonl), delimiter (",", ";", "tab", "|", "space"), columns
 * (names, for a file without a header), map ("field=column", repeatable),
 * ignore (a column, "*" for all without a field, repeatable), mapping (the text
 * of a mapping file, see docs/IMPORT.md), match (a unique field: upsert), strict
 * (1: all or nothing), dry_run (1), add_choices (1), blank (keep, clear, exact),
 * actor, reason, batch (default "import-KIND-TIME"), date_format, batch_rows
 * (10000).  The import holds the write lock from its first row until its end. */
CRM_API int32_t crm_import_create(crm_db *db, uint32_t kind, crm_import **import, crm_error *error);
CRM_API int32_t crm_import_set(crm_import *import, const char *key, const char *value, size_t length, crm_error *error);
/* Takes the next bytes of the input.  Bad rows do not fail it; they become rejects. */
CRM_API int32_t crm_import_feed(crm_import *import, const void *bytes, size_t length, crm_error *error);
/* The input is over: commits the rest.  CRM_REFUSED: strict, and there were rejects; nothing was written. */
CRM_API int32_t crm_import_finish(crm_import *import, crm_error *error);
/* What crm_import_count counts. */
enum {
    CRM_IMPORT_READ = 1, /* rows read = created + updated + unchanged + filtered + merged + rejected */
    CRM_IMPORT_CREATED = 2,
    CRM_IMPORT_UPDATED = 3,
    CRM_IMPORT_UNCHANGED = 4,
    CRM_IMPORT_FILTERED = 5, /* left out by the mapping's own condition */
    CRM_IMPORT_MERGED = 6,   /* lines that went into a record together with others (group) */
    CRM_IMPORT_REJECTED = 7,
    CRM_IMPORT_OTHERS = 8 /* records of other kinds created on the way (references) */
};
CRM_API uint64_t crm_import_count(const crm_import *import, int32_t which);
/* Rejects met since the last call, each once: line and column (from 1), why, the
 * row as it was.  CRM_DONE: no more.  Texts are borrowed until the next call. */
CRM_API int32_t crm_import_reject(crm_import *import, uint64_t *line, uint64_t *column, const char **why,
                                  const char **row, size_t *row_length);
CRM_API void crm_import_free(crm_import *import);

/* Writes a query's records as "csv" or "jsonl".  `columns`: field names, comma
 * separated, NULL: every field that can be imported again.  *out is owned:
 * crm_export_free; the query must live as long.  CRM_INVALID: unknown format or
 * column. */
CRM_API int32_t crm_export_create(crm_query *query, const char *format, const char *columns, crm_export **out,
                                  crm_error *error);
/* The next bytes: borrowed until the next call.  CRM_DONE at the end. */
CRM_API int32_t crm_export_next(crm_export *out, const char **bytes, size_t *length, crm_error *error);
CRM_API void crm_export_free(crm_export *out);

/* ------------------------------------------------------------ care of the file */

/* Checks every byte of the log and every entry of every index against it.
 * CRM_OK: sound.  CRM_CORRUPT: *table (owned, may be NULL) lists place and fault. */
CRM_API int32_t crm_verify(crm_db *db, crm_table **table, crm_error *error);
/* Salvages the damaged file `from`, which is only read, into the new file `to`;
 * *table (owned, may be NULL) says what was kept and what was lost.
 * CRM_EXISTS: `to` is there. */
CRM_API int32_t crm_recover(const char *from, const char *to, const crm_options *options, crm_table **table,
                            crm_error *error);
/* Rewrites the file: applies the retention policy (setting "retention_days";
 * default: keep everything), packs old versions, removes erased data.  Views
 * stay good.  CRM_BUSY, CRM_FULL, CRM_READ_ONLY; a failure changes nothing. */
CRM_API int32_t crm_compact(crm_db *db, crm_error *error);
/* Copies a consistent state into the new file `to` while others write.  CRM_EXISTS. */
CRM_API int32_t crm_backup(crm_db *db, const char *to, crm_error *error);
/* Throws the index file away and builds it anew from the log; views stay good.  CRM_BUSY. */
CRM_API int32_t crm_rebuild(crm_db *db, crm_error *error);
/* Figures about the file: name, value.  *table is owned: crm_table_free. */
CRM_API int32_t crm_stat(crm_db *db, crm_table **table, crm_error *error);
/* A setting of the file ("currency", "lifecycle", "retention_days"): borrowed until the view closes; NULL. */
CRM_API const char *crm_setting(crm_view *view, const char *name);
/* `value` NULL clears.  CRM_INVALID: not a value of a setting that the library knows. */
CRM_API int32_t crm_setting_set(crm_txn *txn, const char *name, const char *value);

/* Text as the library sees it, for tools: display columns (wide characters
 * count 2), and the longest prefix, in bytes, that fits `columns`. */
CRM_API size_t crm_text_width(const char *text, size_t length);
CRM_API size_t crm_text_cut(const char *text, size_t length, size_t columns);
/* An instant from text: ISO 8601, or relative to `now`: "today", "-6m", "-30d".  CRM_INVALID. */
CRM_API int32_t crm_time_parse(const char *text, size_t length, int64_t now, int64_t *time);
/* ISO 8601, UTC, up to 32 bytes with the NUL; returns the length. */
CRM_API size_t crm_time_format(int64_t time, char *out_32);
/* The same for a date, up to 16 bytes with the NUL. */
CRM_API size_t crm_date_format(int32_t date, char *out_16);
CRM_API int32_t crm_date_parse(const char *text, size_t length, int64_t now, int32_t *date);
/* "1234.50": minor units with the decimals of an ISO 4217 numeric currency, at most 32 bytes with the NUL. */
CRM_API size_t crm_money_format(int64_t minor, int32_t currency, char *out_32);
CRM_API const char *crm_currency_code(int32_t numeric); /* "EUR": borrowed for ever; NULL: unknown */

#include "crm_schema.h"

#ifdef __cplusplus
}
#endif

#endif
