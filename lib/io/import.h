/* import: rows of CSV or JSON Lines become records.  Shared by the sources
 * import*.c; docs/IMPORT.md is what they keep.
 *
 *   import.c            the exported functions, settings, counts, rejects
 *   import_source.c     bytes to rows
 *   import_plan.c       which column goes where, once the columns are known
 *   import_row.c        filter, group, hold back
 *   import_fields.c     what a row says about each field
 *   import_value.c      a text as a value of a field's type
 *   import_reference.c  which record a text means
 *   import_write.c      transactions, what exists already, setting the fields
 *
 * A row is read and judged whole before anything of it is written.  Everything
 * kept between rows is bounded: one row, one group, the rows held back, the
 * rejects not yet taken, the cache of references.
 */
#ifndef IO_IMPORT_H
#define IO_IMPORT_H

#include "io/csv.h"
#include "io/mapping.h"
#include "model/json.h"

enum {
    IMPORT_BATCH_ROWS = 10000,
    IMPORT_COLUMNS_MAX = 4096,
    IMPORT_ROW_MAX = 64 << 20,     /* bytes */
    IMPORT_REJECTS_MAX = 16 << 20, /* bytes of rejects that nobody took */
    IMPORT_HELD_MAX = 64 << 20,    /* bytes of rows that wait for others */
    IMPORT_GROUP_MAX = 64 << 20,   /* bytes of the rows of one group */
    IMPORT_PASSES_MAX = 64         /* over the rows that wait */
};

enum import_format { IMPORT_UNKNOWN = 0, IMPORT_CSV, IMPORT_JSONL };

/* A JSON null: unlike a blank or a missing key it takes the field's value away. */
extern const char import_null[1];

struct import_row {
    const struct csv_value *cells; /* text NULL: the row does not have that column */
    size_t count;
    uint64_t line;
    const char *raw; /* JSON Lines: the line; NULL: made from the cells when needed */
    size_t raw_length;
};

/* ---- source ---- */

struct import_source {
    enum import_format format;
    char delimiter;      /* 0: to be found out */
    struct buffer bytes; /* taken in, not yet handed on */
    size_t at;           /* handed on up to here */
    uint64_t base;       /* position in the input of bytes.data[0] */
    uint64_t scanned;    /* position up to which row ends were looked for */
    uint64_t boundary;   /* position behind the last complete row */
    uint8_t state;       /* of the scan */
    bool row_filled;     /* the row that is scanned has something on it */
    bool begun, ended;   /* the format is known; no more will come */
    struct csv *csv;
    struct json json;
    uint64_t line;           /* JSON Lines: of the next one, from 1 */
    struct csv_value *cells; /* JSON Lines: of the row */
    size_t cell_capacity;
    struct scratch scratch;
};

/* ---- plan ---- */

enum import_column_state {
    COLUMN_MAPPED, /* to a field, by its name */
    COLUMN_USED,   /* by an expression */
    COLUMN_IGNORED,
    COLUMN_UNKNOWN, /* fits no field */
    COLUMN_FIXED    /* fits a field that cannot be set */
};

struct import_column {
    const char *name; /* NUL-terminated */
    size_t length;
    enum import_column_state state;
};

struct import_item { /* one assignment */
    struct mapping_assignment assignment;
    uint32_t order;   /* currency first, then pipeline, then the rest */
    uint32_t number;  /* of its creation: the cache's name for it */
    uint32_t cell;    /* it is just that column; EXPRESSION_NONE: an expression */
    bool alternative; /* of the same field as the item before */
    bool match;       /* the field by which records are found */
    int64_t choice;   /* the last one looked up */
    char choice_text[48];
    size_t choice_length;
};

struct import_plan {
    struct import_column *columns;
    const char **names; /* of the columns, for messages */
    struct expression_rule *rules;
    size_t count, capacity, name_capacity, rule_capacity;
    struct import_item *items;
    size_t item_count, item_capacity;
    bool begun, any_rule, ready;
};

/* ---- values ---- */

enum import_action {
    ACTION_INT = 1,
    ACTION_MONEY, /* integer, by the currency `currency` */
    ACTION_REAL,
    ACTION_TEXT,
    ACTION_PARSED,
    ACTION_REF,
    ACTION_CHOICE, /* a choice to be added: text */
    ACTION_CREATE, /* a reference to a record to be made: text */
    ACTION_CLEAR
};

struct import_value {
    uint32_t item; /* in the plan */
    uint32_t cell; /* whence; EXPRESSION_NONE */
    enum import_action action;
    int64_t integer;
    double real;
    const char *text;
    size_t length;
    struct decimal number; /* MONEY */
    uint32_t kind;         /* REF */
    crm_id id;
};

struct import_values {
    struct import_value *values;
    size_t count, capacity;
    int32_t currency; /* that the row gives, 0: none */
    bool has_id, has_pipeline;
    crm_id id, pipeline;
    const char *match; /* what to find the record by */
    size_t match_length;
    uint32_t match_cell;
};

/* Why a row cannot go in. */
struct import_fault {
    int32_t status; /* CRM_OK: a reject; else the import fails with it */
    bool hold;      /* a record of the same kind may come later that it needs */
    struct expression_fault why;
};

/* ---- groups ---- */

struct import_total { /* of an aggregate */
    bool set;
    struct operand operand;
    char *room; /* of a text */
    size_t room_size;
};

struct import_group {
    bool open;
    struct scratch scratch; /* key, first row, texts of totals */
    struct scratch work;    /* of its writing */
    struct import_row first;
    const char **key; /* texts of the columns of `group` */
    size_t *key_lengths;
    struct import_total *totals; /* by the number of the item */
    uint64_t rows;               /* in `stored` */
    struct buffer stored;        /* all its rows, in case they must be rejected */
    bool bad, too_large;
    uint64_t bad_line;
    struct import_fault fault;
};

/* ---- references ---- */

struct import_cache {
    struct import_cache_slot *slots;
    uint32_t count;
    struct buffer texts;
};

struct crm_import {
    const struct memory *memory;
    crm_db *db;
    uint32_t kind;
    int32_t status; /* the import failed with it: every call answers it */
    crm_error error;
    bool finished;
    /* settings */
    char *actor, *reason, *batch, *columns, *date_format, *match;
    bool strict, dry_run, add_choices;
    bool blank_clear; /* a blank takes the value away */
    bool blank_exact; /* as an export means it: so does a missing key, and "" is an empty text */
    uint64_t batch_rows;
    struct mapping mapping;
    /* work */
    struct import_source source;
    struct import_plan plan;
    struct mapping_field match_field; /* number 0: none */
    struct import_values values;
    struct scratch scratch; /* of the row */
    struct import_group group;
    struct import_cache cache;
    struct buffer held; /* rows that wait */
    size_t *held_at;    /* where each begins */
    size_t held_count, held_capacity;
    bool last_chance; /* nothing is held back any more */
    crm_txn *txn;
    uint64_t batch_fill; /* rows in the transaction */
    uint64_t lsn;        /* of the last transaction */
    int32_t base_currency;
    uint32_t currency_field; /* of the kind; 0: none */
    crm_id *made;            /* records made for the row's references */
    uint32_t *made_kinds;
    size_t made_count, made_capacity, made_kind_capacity;
    uint64_t counts[CRM_IMPORT_OTHERS + 1];
    /* rejects: struct import_reject and its texts, one after the other */
    struct buffer rejects;
    size_t reject_at;
    uint64_t rejects_lost;
};

/* Fails the import for good; returns the status. */
int32_t import_fail(struct crm_import *import, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int32_t import_pass_on(struct crm_import *import, const crm_error *error); /* what another call said */
int32_t import_nomem(struct crm_import *import);
/* A reject, counted.  `cell` EXPRESSION_NONE: no field in particular. */
void import_reject(struct crm_import *import, const struct import_row *row, uint32_t cell, const char *why);
void import_reject_raw(struct crm_import *import, uint64_t line, uint64_t column, const char *why, const char *raw,
                       size_t length);
/* The row as it was, or as CSV that reads the same: appended. */
void import_row_text(const struct crm_import *import, const struct import_row *row, struct buffer *out);

int32_t source_feed(struct crm_import *import, const void *bytes, size_t length);
int32_t source_finish(struct crm_import *import);
void source_free(struct crm_import *import);

/* A column's place; adds it.  IMPORT_COLUMNS_MAX or memory: the import fails. */
int32_t plan_add_column(struct crm_import *import, const char *name, size_t length);
/* After the header or the first object: everything fits, or the import fails with what to do. */
int32_t plan_check(struct crm_import *import);
void plan_free(struct crm_import *import);

/* The next row of the input.  CRM_OK, or the import failed. */
int32_t row_take(struct crm_import *import, const struct import_row *row);
/* The input is over: the last group and the rows held back. */
int32_t row_finish(struct crm_import *import);
void row_free(struct crm_import *import);

/* A field's value as it is read. */
struct import_reading {
    struct crm_import *import;
    struct import_item *item;
    uint32_t number; /* of the item */
    uint32_t cell;
    const struct operand *operand;
    const char *text; /* of the operand */
    size_t length;
    struct import_fault *fault;
};
/* The operand as a value of the field's type, added to import->values. */
bool value_read(struct import_reading *reading);
/* What a person calls the value: its column, else its field. */
const char *import_item_name(const struct crm_import *import, const struct import_item *item, uint32_t cell);
/* What `row` says, into import->values.  `totals` NULL: not a group. */
bool values_read(struct crm_import *import, const struct import_row *row, const struct import_total *totals,
                 struct import_fault *fault);
/* Values that depend on the currency of the record that is changed. */
bool values_money(int32_t currency, const struct import_item *item, const struct import_value *value, int64_t *minor);
struct import_value *values_add(struct crm_import *import, uint32_t item, uint32_t cell, enum import_action action);
bool import_blame(struct import_fault *fault, uint32_t cell, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool import_blame_memory(struct import_fault *fault);
bool import_blame_error(struct import_fault *fault, uint32_t cell, const crm_error *error);

/* The record that a text means: false with `fault`, or with *found false: none (yet). */
bool reference_find(struct crm_import *import, const struct import_item *item, const char *text, size_t length,
                    uint32_t cell, bool *found, uint32_t *kind, crm_id *id, struct import_fault *fault);
void reference_remember(struct crm_import *import, const struct import_item *item, const char *text, size_t length,
                        uint32_t kind, const crm_id *id);
void reference_forget(struct crm_import *import);
void reference_free(struct crm_import *import);
/* A live record of `kind` by one of its fields: CRM_OK, CRM_NOT_FOUND, CRM_DUPLICATE or worse. */
int32_t reference_by_field(struct crm_import *import, const struct mapping_field *field, const char *text,
                           size_t length, crm_id *id, crm_error *error);

/* The transaction, begun if need be; NULL: the import failed. */
crm_txn *write_txn(struct crm_import *import);
/* Writes import->values as a record and counts it; false: nothing of it was written, see `fault`. */
bool write_record(struct crm_import *import, const struct import_row *row, struct import_fault *fault);
/* So many rows are done: commits when the batch is full. */
int32_t write_progress(struct crm_import *import, uint64_t rows);
int32_t write_finish(struct crm_import *import);
void write_cancel(struct crm_import *import);

#endif
