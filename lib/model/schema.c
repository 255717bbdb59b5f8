/* schema: see schema.h.  The built-in part is written out of schema.def once
 * per open file, so that a user's fields and ours are the same thing to all
 * other code.
 */
#include "model/schema.h"

#include "sys/error.h"

#include <stddef.h>
#include <string.h>

/* The names and labels of schema.def, one behind the other, and a row that
 * holds where its own begin: pointers would have to be relocated in every
 * process that loads the library, and cost thrice the room of the texts. */
struct texts {
#define COMMON(n, U, l, T, f, t, label) char common_##U[sizeof #l], common_label_##U[sizeof(label)];
#define KIND(n, U, l, label) char kind_##U[sizeof #l], kind_label_##U[sizeof(label)];
#define FIELD(K, n, U, l, T, f, t, label) char field_##K##_##U[sizeof #l], field_label_##K##_##U[sizeof(label)];
#define CHOICE(K, F, c, U, l) char choice_##K##_##F##_##U[sizeof #l];
#include "model/schema.def"
#undef COMMON
#undef KIND
#undef FIELD
#undef CHOICE
    char none[1];
};

/* NOLINTBEGIN(bugprone-macro-parentheses): C allows none around a literal that fills an array */
static const struct texts texts = {
#define COMMON(n, U, l, T, f, t, label) .common_##U = #l, .common_label_##U = label,
#define KIND(n, U, l, label) .kind_##U = #l, .kind_label_##U = label,
#define FIELD(K, n, U, l, T, f, t, label) .field_##K##_##U = #l, .field_label_##K##_##U = label,
#define CHOICE(K, F, c, U, l) .choice_##K##_##F##_##U = #l,
#include "model/schema.def"
#undef COMMON
#undef KIND
#undef FIELD
#undef CHOICE
    .none = "",
};
/* NOLINTEND(bugprone-macro-parentheses) */

struct row {
    uint8_t what; /* 0: field of every kind, 1: kind, 2: field, 3: choice */
    uint8_t kind, type, target;
    uint16_t field, flags;
    uint16_t name, label; /* offsets in texts */
    int32_t number;
};

#define AT(member) offsetof(struct texts, member)
/* Field numbers for CHOICE rows come from the public header's constants. */
static const struct row rows[] = {
#define COMMON(n, U, l, T, f, t, label) {0, 0, CRM_TYPE_##T, t, 0, f, AT(common_##U), AT(common_label_##U), n},
#define KIND(n, U, l, label) {1, n, 0, 0, 0, 0, AT(kind_##U), AT(kind_label_##U), n},
#define FIELD(K, n, U, l, T, f, t, label) \
    {2, CRM_KIND_##K, CRM_TYPE_##T, t, 0, f, AT(field_##K##_##U), AT(field_label_##K##_##U), n},
#define CHOICE(K, F, c, U, l) {3, CRM_KIND_##K, 0, 0, CRM_##K##_##F, 0, AT(choice_##K##_##F##_##U), AT(none), c},
#include "model/schema.def"
#undef COMMON
#undef KIND
#undef FIELD
#undef CHOICE
};
#undef AT
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static const char *text_at(uint16_t offset)
{
    return (const char *)&texts + offset;
}

/* Grows an array of pointers that readers may be walking: the old one is kept
 * until the schema goes. */
static bool grow_shared(struct schema *schema, void ***array, uint32_t *capacity, uint32_t count)
{
    if (count < *capacity)
        return true;
    uint32_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void **larger = memory_zero(schema->memory, wanted, sizeof *larger);
    if (larger == NULL || !memory_grow(schema->memory, (void **)&schema->retired, &schema->retired_capacity,
                                       schema->retired_count + 1, sizeof *schema->retired)) {
        memory_free(schema->memory, larger);
        return false;
    }
    if (count > 0)
        memcpy(larger, *array, count * sizeof *larger);
    if (*array != NULL)
        schema->retired[schema->retired_count++] = (void *)*array;
    __atomic_store_n(array, larger, __ATOMIC_RELEASE);
    *capacity = wanted;
    return true;
}

static bool push_shared(struct schema *schema, void ***array, uint32_t *count, uint32_t *capacity, void *element)
{
    if (!grow_shared(schema, array, capacity, *count))
        return false;
    __atomic_store_n(&(*array)[*count], element, __ATOMIC_RELEASE); /* a dropped one may have lain there */
    __atomic_store_n(count, *count + 1, __ATOMIC_RELEASE);
    return true;
}

static uint32_t cell_width(const struct field *field)
{
    if (!(field->flags & CRM_FLAG_HOT))
        return 0;
    switch (field->type) {
    case CRM_TYPE_BOOL: return 1;
    case CRM_TYPE_CHOICE:
    case CRM_TYPE_CURRENCY: return 2;
    case CRM_TYPE_DATE:
    case CRM_TYPE_REF: return 4;
    case CRM_TYPE_INT:
    case CRM_TYPE_DECIMAL:
    case CRM_TYPE_REAL:
    case CRM_TYPE_MONEY:
    case CRM_TYPE_TIME: return 8;
    default: return 0;
    }
}

/* Which fields play a part by their role: the title and the timeline's time. */
static void note_roles(struct kind *kind, struct field *field)
{
    bool text = field->type == CRM_TYPE_TEXT && field->number >= 16;
    if (text && (kind->title == NULL || strcmp(field->name, "name") == 0))
        kind->title = field;
    if (kind->currency == NULL && field->type == CRM_TYPE_CURRENCY)
        kind->currency = field;
    if (kind->moment == NULL && field->type == CRM_TYPE_TIME && (field->flags & CRM_FLAG_INDEXED))
        kind->moment = field;
    if (field->flags & CRM_FLAG_TIMELINE)
        kind->has_timeline = true;
}

/* Room first, so that nothing half-defined is left when memory runs out. */
struct field *schema_add_field(struct schema *schema, struct kind *kind, uint32_t number, const char *name,
                               size_t length, int32_t type, uint32_t flags, uint32_t target)
{
    const char *copy = names_intern(schema->names, name, length);
    struct field made = {.kind = kind->number,
                         .number = number,
                         .type = type,
                         .flags = flags,
                         .target = target,
                         .name = copy,
                         .label = copy};
    bool indexed = field_has_index(&made);
    if (copy == NULL || !grow_shared(schema, (void ***)&kind->fields, &kind->field_capacity, kind->field_count) ||
        (indexed && !grow_shared(schema, (void ***)&kind->indexed, &kind->indexed_capacity, kind->indexed_count)) ||
        (number >= 64 && !grow_shared(schema, (void ***)&kind->user, &kind->user_capacity, kind->user_count)))
        return NULL;
    struct field *field = memory_alloc(schema->memory, sizeof *field);
    if (field == NULL)
        return NULL;
    made.width = cell_width(&made);
    made.indexed = indexed;
    *field = made;
    (void)push_shared(schema, (void ***)&kind->fields, &kind->field_count, &kind->field_capacity, field);
    if (indexed)
        (void)push_shared(schema, (void ***)&kind->indexed, &kind->indexed_count, &kind->indexed_capacity, field);
    if (number < 64)
        kind->builtin[number] = field;
    else
        (void)push_shared(schema, (void ***)&kind->user, &kind->user_count, &kind->user_capacity, field);
    if (field->flags & CRM_FLAG_REQUIRED && number < 64)
        kind->required |= UINT64_C(1) << number;
    else if (field->flags & CRM_FLAG_REQUIRED)
        kind->user_required++;
    if (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_ACYCLIC) && number < 64)
        kind->checked |= UINT64_C(1) << number;
    else if (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_ACYCLIC))
        kind->user_checked = true;
    note_roles(kind, field);
    return field;
}

static void free_field(struct schema *schema, struct field *field)
{
    memory_free(schema->memory, field->choices);
    memory_free(schema->memory, field);
}

static void free_kind(struct schema *schema, struct kind *kind)
{
    for (uint32_t f = 0; kind != NULL && f < kind->field_count; f++)
        free_field(schema, kind->fields[f]);
    if (kind != NULL) {
        memory_free(schema->memory, (void *)kind->fields);
        memory_free(schema->memory, (void *)kind->user);
        memory_free(schema->memory, (void *)kind->indexed);
    }
    memory_free(schema->memory, kind);
}

/* With the fields that every kind has; only a whole one is shown. */
struct kind *schema_add_kind(struct schema *schema, uint32_t number, const char *name, size_t length)
{
    struct kind *kind = memory_zero(schema->memory, 1, sizeof *kind);
    const char *copy = names_intern(schema->names, name, length);
    bool made = kind != NULL && copy != NULL;
    if (made) {
        kind->number = number;
        kind->name = kind->label = copy;
    }
    for (int i = 0; made && i < ROW_COUNT; i++) {
        const char *common = text_at(rows[i].name);
        if (rows[i].what != 0)
            continue;
        struct field *field = schema_add_field(schema, kind, (uint32_t)rows[i].number, common, strlen(common),
                                               rows[i].type, rows[i].flags, rows[i].target);
        made = field != NULL;
        if (made)
            field->label = text_at(rows[i].label);
    }
    if (!made || !push_shared(schema, (void ***)&schema->kinds, &schema->kind_count, &schema->kind_capacity, kind)) {
        free_kind(schema, kind);
        return NULL;
    }
    if (number < 32)
        schema->builtin[number] = kind;
    return kind;
}

void schema_hide_field(struct kind *kind, struct field *field, bool removed)
{
    if (field->removed != removed)
        kind->hidden += removed ? 1 : UINT32_MAX; /* one more or one less */
    field->removed = removed;
}

bool schema_add_choice(struct schema *schema, struct field *field, int64_t code, const char *name, size_t length)
{
    if (field->choice_count == field->choice_capacity) {
        uint32_t wanted = field->choice_capacity == 0 ? 8 : field->choice_capacity * 2;
        struct choice *larger = memory_zero(schema->memory, wanted, sizeof *larger);
        if (larger == NULL || !memory_grow(schema->memory, (void **)&schema->retired, &schema->retired_capacity,
                                           schema->retired_count + 1, sizeof *schema->retired)) {
            memory_free(schema->memory, larger);
            return false;
        }
        for (uint32_t i = 0; i < field->choice_count; i++)
            larger[i] = (struct choice){field->choices[i].code, field->choices[i].name, field->choices[i].removed};
        if (field->choices != NULL)
            schema->retired[schema->retired_count++] = field->choices;
        __atomic_store_n(&field->choices, larger, __ATOMIC_RELEASE);
        field->choice_capacity = wanted;
    }
    const char *copy = names_intern(schema->names, name, length);
    if (copy == NULL)
        return false;
    field->choices[field->choice_count] = (struct choice){.code = code, .name = copy};
    __atomic_store_n(&field->choice_count, field->choice_count + 1, __ATOMIC_RELEASE);
    return true;
}

/* A rollback must not need memory.  A reader may hold the array, and the count
 * from before: so the choice stays there, removed, and the next one gets another
 * array. */
bool schema_drop_choice(struct field *field, int64_t code)
{
    uint32_t last = field->choice_count - 1;
    if (field->choice_count == 0 || field->choices[last].code != code)
        return false;
    field->choices[last].removed = true;
    field->choice_capacity = last;
    __atomic_store_n(&field->choice_count, last, __ATOMIC_RELEASE);
    return true;
}

bool schema_drop_field(struct schema *schema, struct kind *kind, struct field *field)
{
    if (kind->field_count == 0 || kind->fields[kind->field_count - 1] != field || kind->user_count == 0 ||
        kind->user[kind->user_count - 1] != field)
        return false;
    field->dropped = schema->dropped_fields;
    schema->dropped_fields = field;
    schema_hide_field(kind, field, false);
    if (field->flags & CRM_FLAG_REQUIRED)
        kind->user_required--;
    __atomic_store_n(&kind->field_count, kind->field_count - 1, __ATOMIC_RELEASE);
    __atomic_store_n(&kind->user_count, kind->user_count - 1, __ATOMIC_RELEASE);
    if (kind->indexed_count > 0 && kind->indexed[kind->indexed_count - 1] == field)
        __atomic_store_n(&kind->indexed_count, kind->indexed_count - 1, __ATOMIC_RELEASE);
    struct kind roles = {0}; /* readers never see them half known */
    for (uint32_t i = 0; i < kind->field_count; i++)
        note_roles(&roles, kind->fields[i]);
    kind->title = roles.title;
    kind->currency = roles.currency;
    kind->moment = roles.moment;
    kind->has_timeline = roles.has_timeline;
    return true;
}

bool schema_drop_kind(struct schema *schema, struct kind *kind)
{
    if (schema->kind_count == 0 || schema->kinds[schema->kind_count - 1] != kind || kind->user_count > 0)
        return false;
    kind->dropped = schema->dropped_kinds;
    schema->dropped_kinds = kind;
    __atomic_store_n(&schema->kind_count, schema->kind_count - 1, __ATOMIC_RELEASE);
    return true;
}

static bool add_builtin_row(struct schema *schema, const struct row *row)
{
    struct kind *kind;
    struct field *field;
    const char *name = text_at(row->name);
    switch (row->what) {
    case 1:
        kind = schema_add_kind(schema, row->kind, name, strlen(name));
        if (kind != NULL)
            kind->label = text_at(row->label);
        return kind != NULL;
    case 2:
        kind = schema->builtin[row->kind];
        field = schema_add_field(schema, kind, (uint32_t)row->number, name, strlen(name), row->type, row->flags,
                                 row->target);
        if (field != NULL)
            field->label = text_at(row->label);
        return field != NULL;
    case 3:
        field = schema_field(schema->builtin[row->kind], row->field);
        return field != NULL && schema_add_choice(schema, field, row->number, name, strlen(name));
    default: return true;
    }
}

bool schema_init(struct schema *schema, const struct memory *memory, struct names *names)
{
    memset(schema, 0, sizeof *schema);
    schema->memory = memory;
    schema->names = names;
    for (int i = 0; i < ROW_COUNT; i++)
        if (!add_builtin_row(schema, &rows[i]))
            return false;
    return true;
}

void schema_free(struct schema *schema)
{
    for (uint32_t k = 0; k < schema->kind_count; k++)
        free_kind(schema, schema->kinds[k]);
    for (struct kind *kind = schema->dropped_kinds, *next; kind != NULL; kind = next) {
        next = kind->dropped;
        free_kind(schema, kind);
    }
    for (struct field *field = schema->dropped_fields, *next; field != NULL; field = next) {
        next = field->dropped;
        free_field(schema, field);
    }
    memory_free(schema->memory, (void *)schema->kinds);
    for (size_t i = 0; i < schema->retired_count; i++)
        memory_free(schema->memory, schema->retired[i]);
    memory_free(schema->memory, (void *)schema->retired);
    memset(schema, 0, sizeof *schema);
}

struct kind *schema_kind(const struct schema *schema, uint32_t number)
{
    if (number < 32)
        return schema->builtin[number];
    uint32_t count = __atomic_load_n(&schema->kind_count, __ATOMIC_ACQUIRE);
    struct kind **kinds = __atomic_load_n(&schema->kinds, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        struct kind *kind = __atomic_load_n(&kinds[i], __ATOMIC_ACQUIRE);
        if (kind->number == number)
            return kind;
    }
    return NULL;
}

static bool name_is(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

struct kind *schema_kind_named(const struct schema *schema, const char *name, size_t length)
{
    uint32_t count = __atomic_load_n(&schema->kind_count, __ATOMIC_ACQUIRE);
    struct kind **kinds = __atomic_load_n(&schema->kinds, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        struct kind *kind = __atomic_load_n(&kinds[i], __ATOMIC_ACQUIRE);
        if (!kind->removed && name_is(kind->name, name, length))
            return kind;
    }
    return NULL;
}

struct field *schema_field_named(const struct kind *kind, const char *name, size_t length)
{
    uint32_t count = __atomic_load_n(&kind->field_count, __ATOMIC_ACQUIRE);
    struct field **fields = __atomic_load_n(&kind->fields, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        struct field *field = __atomic_load_n(&fields[i], __ATOMIC_ACQUIRE);
        if (!field->removed && name_is(field->name, name, length))
            return field;
    }
    return NULL;
}

const struct choice *schema_choice(const struct field *field, int64_t code)
{
    uint32_t count = __atomic_load_n(&field->choice_count, __ATOMIC_ACQUIRE);
    const struct choice *choices = __atomic_load_n(&field->choices, __ATOMIC_ACQUIRE);
    if (code >= 1 && (uint64_t)code <= count && choices[code - 1].code == code)
        return choices[code - 1].removed ? NULL : &choices[code - 1];
    for (uint32_t i = 0; i < count; i++)
        if (choices[i].code == code && !choices[i].removed)
            return &choices[i];
    return NULL;
}

static char lower_ascii(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == ' ' || c == '-' ? '_' : c;
}

/* Exact first; then "Best case" for best_case, as people type it. */
const struct choice *schema_choice_named(const struct field *field, const char *name, size_t length)
{
    uint32_t count = __atomic_load_n(&field->choice_count, __ATOMIC_ACQUIRE);
    const struct choice *choices = __atomic_load_n(&field->choices, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++)
        if (!choices[i].removed && name_is(choices[i].name, name, length))
            return &choices[i];
    for (uint32_t i = 0; i < count; i++) {
        if (choices[i].removed || strlen(choices[i].name) != length)
            continue;
        size_t at = 0;
        while (at < length && lower_ascii(choices[i].name[at]) == lower_ascii(name[at]))
            at++;
        if (at == length)
            return &choices[i];
    }
    return NULL;
}

bool schema_name_valid(const char *name, size_t length)
{
    if (length == 0 || length > 63)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return true;
}

uint32_t schema_next_kind(const struct schema *schema)
{
    uint32_t next = CRM_USER_KIND;
    for (uint32_t i = 0; i < schema->kind_count; i++)
        if (schema->kinds[i]->number >= next)
            next = schema->kinds[i]->number + 1;
    return next;
}
