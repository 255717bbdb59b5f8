/* schema: the kinds and fields of one open file: the built-in ones of
 * schema.def and the user's own, which are records of the file.
 *
 * Readers take no lock: definitions are only added, never moved or freed while
 * the file is open, and counts are published after what they count.  What may
 * change later is atomic.
 */
#ifndef MODEL_SCHEMA_H
#define MODEL_SCHEMA_H

#include "model/names.h"
#include "store/column.h"
#include "sys/memory.h"

struct choice {
    int64_t code;
    const char *name;
    _Atomic bool removed;
};

struct field {
    uint32_t kind, number;
    int32_t type;
    uint32_t flags, target;
    const char *name, *label;
    _Atomic bool removed; /* the user deleted it: hidden, its number stays taken */
    uint32_t width;       /* of the column's cells; 0: no column */
    uint64_t column;      /* offsets in the arena; 0: none */
    uint64_t tree;
    uint64_t table; /* hash of keys */
    uint64_t timeline;
    struct column_window window; /* the writer's, as these two: where its keys last waited */
    uint32_t tree_batch, timeline_batch;
    bool indexed; /* field_has_index */
    struct choice *choices;
    uint32_t choice_count, choice_capacity;
    struct field *dropped; /* the next one of those that were taken back */
};

struct kind {
    uint32_t number;
    const char *name, *label;
    _Atomic bool removed;
    struct field **fields; /* in order of definition; common fields first */
    uint32_t field_count, field_capacity;
    _Atomic uint32_t hidden; /* how many of them are removed */
    struct field **user;     /* by number - CRM_USER_FIELD */
    uint32_t user_count, user_capacity;
    struct field *builtin[64]; /* by number */
    uint64_t required;         /* a bit for each built-in field that is */
    uint32_t user_required;    /* how many of the user's are */
    uint64_t checked;          /* the same bits for those that are unique or acyclic */
    bool user_checked;
    struct field **indexed; /* those with an index, a table, a timeline or a column */
    uint32_t indexed_count, indexed_capacity;
    struct field *_Atomic title;    /* what a person calls the record */
    struct field *_Atomic currency; /* of its money; NULL: the file's */
    struct field *_Atomic moment;   /* orders its timeline; NULL: none */
    _Atomic bool has_timeline;
    uint64_t store;                               /* offset of its struct kind_store */
    struct column_window rows_window, ids_window; /* the writer's */
    struct kind *dropped;                         /* as a field's */
};

struct schema {
    const struct memory *memory;
    struct names *names; /* where the names of all below live */
    struct kind **kinds;
    uint32_t kind_count, kind_capacity;
    struct kind *builtin[32]; /* by number */
    void **retired;           /* arrays that readers may still hold */
    size_t retired_count, retired_capacity;
    struct kind *dropped_kinds; /* taken back; readers may still hold them, too */
    struct field *dropped_fields;
};

/* The built-in kinds; false: no memory. */
bool schema_init(struct schema *schema, const struct memory *memory, struct names *names);
void schema_free(struct schema *schema);

struct kind *schema_kind(const struct schema *schema, uint32_t number); /* NULL: unknown */
struct kind *schema_kind_named(const struct schema *schema, const char *name, size_t length);
struct field *schema_field_named(const struct kind *kind, const char *name, size_t length);
static inline struct field *schema_field(const struct kind *kind, uint32_t number)
{
    if (number < 64)
        return kind->builtin[number];
    uint32_t user = number - CRM_USER_FIELD;
    return number >= CRM_USER_FIELD && user < __atomic_load_n(&kind->user_count, __ATOMIC_ACQUIRE)
               ? __atomic_load_n(&__atomic_load_n(&kind->user, __ATOMIC_ACQUIRE)[user], __ATOMIC_ACQUIRE)
               : NULL;
}

/* Additions, by the writer alone.  Numbers are dense: the next of a kind's own
 * fields is CRM_USER_FIELD + user_count.  NULL: no memory. */
struct kind *schema_add_kind(struct schema *schema, uint32_t number, const char *name, size_t length);
struct field *schema_add_field(struct schema *schema, struct kind *kind, uint32_t number, const char *name,
                               size_t length, int32_t type, uint32_t flags, uint32_t target);
bool schema_add_choice(struct schema *schema, struct field *field, int64_t code, const char *name, size_t length);
/* The user took it away, or gave it back. */
void schema_hide_field(struct kind *kind, struct field *field, bool removed);
const struct choice *schema_choice(const struct field *field, int64_t code);
const struct choice *schema_choice_named(const struct field *field, const char *name, size_t length);
/* The last addition is taken back, by the writer: its number is free again,
 * since the log will never tell of it.  False: it is not the last. */
bool schema_drop_kind(struct schema *schema, struct kind *kind);
bool schema_drop_field(struct schema *schema, struct kind *kind, struct field *field);
bool schema_drop_choice(struct field *field, int64_t code);
bool schema_name_valid(const char *name, size_t length);
uint32_t schema_next_kind(const struct schema *schema);

/* In order, while a writer may be adding to them. */
static inline uint32_t schema_kinds(const struct schema *schema)
{
    return __atomic_load_n(&schema->kind_count, __ATOMIC_ACQUIRE);
}
static inline struct kind *schema_kind_at(const struct schema *schema, uint32_t position)
{
    return __atomic_load_n(&__atomic_load_n(&schema->kinds, __ATOMIC_ACQUIRE)[position], __ATOMIC_ACQUIRE);
}
static inline uint32_t schema_fields(const struct kind *kind)
{
    return __atomic_load_n(&kind->field_count, __ATOMIC_ACQUIRE);
}
static inline struct field *schema_field_at(const struct kind *kind, uint32_t position)
{
    return __atomic_load_n(&__atomic_load_n(&kind->fields, __ATOMIC_ACQUIRE)[position], __ATOMIC_ACQUIRE);
}
static inline uint32_t schema_indexed(const struct kind *kind)
{
    return __atomic_load_n(&kind->indexed_count, __ATOMIC_ACQUIRE);
}
static inline struct field *schema_indexed_at(const struct kind *kind, uint32_t position)
{
    return __atomic_load_n(&__atomic_load_n(&kind->indexed, __ATOMIC_ACQUIRE)[position], __ATOMIC_ACQUIRE);
}
static inline const struct choice *schema_choices(const struct field *field, uint32_t *count)
{
    *count = __atomic_load_n(&field->choice_count, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&field->choices, __ATOMIC_ACQUIRE);
}

/* Classes of types */
static inline bool type_is_list(int32_t type)
{
    return type >= CRM_TYPE_EMAILS;
}
static inline bool type_is_ref(int32_t type)
{
    return type == CRM_TYPE_REF || type == CRM_TYPE_ANY_REF;
}
static inline bool type_is_int(int32_t type)
{
    return (type >= CRM_TYPE_BOOL && type <= CRM_TYPE_DATE && type != CRM_TYPE_REAL) || type == CRM_TYPE_CHOICE ||
           type == CRM_TYPE_CURRENCY;
}
static inline bool field_has_index(const struct field *field)
{
    return (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_INDEXED | CRM_FLAG_HOT | CRM_FLAG_TIMELINE | CRM_FLAG_KEY)) !=
               0 ||
           field->type == CRM_TYPE_EMAILS || field->type == CRM_TYPE_PHONES;
}

#endif
