/* schema_api: the schema as callers see it: kinds, fields and choices by
 * position, number and name.
 *
 * What was removed is hidden here and nowhere else, for records may still hold
 * its values.  Names belong to the database (names.h), so they outlive the
 * generation that is held while one is looked up.
 */
#include "model/db.h"

#include <string.h>

static struct generation *hold(const crm_db *db)
{
    return db == NULL ? NULL : db_hold((crm_db *)(uintptr_t)db);
}

static void drop(struct generation *generation)
{
    if (generation != NULL)
        db_drop(generation);
}

static const struct kind *visible_kind(const struct generation *generation, uint32_t number)
{
    const struct kind *kind = generation == NULL ? NULL : schema_kind(&generation->schema, number);
    return kind == NULL || kind->removed ? NULL : kind;
}

static const struct field *visible_field(const struct generation *generation, uint32_t kind_number, uint32_t number)
{
    const struct kind *kind = visible_kind(generation, kind_number);
    const struct field *field = kind == NULL ? NULL : schema_field(kind, number);
    return field == NULL || field->removed ? NULL : field;
}

static size_t length_of(const char *text, size_t length)
{
    return text == NULL ? 0 : length == CRM_NUL ? strlen(text) : length;
}

/* ---- kinds ---- */

uint32_t crm_kind_count(const crm_db *db)
{
    struct generation *generation = hold(db);
    uint32_t visible = 0;
    for (uint32_t i = 0; generation != NULL && i < schema_kinds(&generation->schema); i++)
        visible += !schema_kind_at(&generation->schema, i)->removed;
    drop(generation);
    return visible;
}

uint32_t crm_kind_at(const crm_db *db, uint32_t position)
{
    struct generation *generation = hold(db);
    uint32_t number = 0;
    for (uint32_t i = 0; generation != NULL && number == 0 && i < schema_kinds(&generation->schema); i++) {
        const struct kind *kind = schema_kind_at(&generation->schema, i);
        if (!kind->removed && position-- == 0)
            number = kind->number;
    }
    drop(generation);
    return number;
}

uint32_t crm_kind_find(const crm_db *db, const char *name, size_t length)
{
    struct generation *generation = hold(db);
    const struct kind *kind = generation == NULL || name == NULL
                                  ? NULL
                                  : schema_kind_named(&generation->schema, name, length_of(name, length));
    uint32_t number = kind == NULL ? 0 : kind->number;
    drop(generation);
    return number;
}

const char *crm_kind_name(const crm_db *db, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct kind *kind = visible_kind(generation, number);
    const char *name = kind == NULL ? NULL : kind->name;
    drop(generation);
    return name;
}

/* ---- fields ---- */

uint32_t crm_field_count(const crm_db *db, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct kind *kind = visible_kind(generation, number);
    uint32_t count = kind == NULL ? 0 : schema_fields(kind) - kind->hidden;
    drop(generation);
    return count;
}

uint32_t crm_field_at(const crm_db *db, uint32_t number, uint32_t position)
{
    struct generation *generation = hold(db);
    const struct kind *kind = visible_kind(generation, number);
    uint32_t count = kind == NULL ? 0 : schema_fields(kind), field = 0;
    if (count > 0 && kind->hidden == 0) /* the usual case needs no walk */
        field = position < count ? schema_field_at(kind, position)->number : 0;
    else
        for (uint32_t i = 0; field == 0 && i < count; i++)
            if (!schema_field_at(kind, i)->removed && position-- == 0)
                field = schema_field_at(kind, i)->number;
    drop(generation);
    return field;
}

uint32_t crm_field_find(const crm_db *db, uint32_t number, const char *name, size_t length)
{
    struct generation *generation = hold(db);
    const struct kind *kind = visible_kind(generation, number);
    const struct field *field =
        kind == NULL || name == NULL ? NULL : schema_field_named(kind, name, length_of(name, length));
    uint32_t found = field == NULL ? 0 : field->number;
    drop(generation);
    return found;
}

const char *crm_field_name(const crm_db *db, uint32_t kind, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    const char *name = field == NULL ? NULL : field->name;
    drop(generation);
    return name;
}

const char *crm_field_label(const crm_db *db, uint32_t kind, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    const char *label = field == NULL ? NULL : field->label;
    drop(generation);
    return label;
}

int32_t crm_field_type(const crm_db *db, uint32_t kind, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    int32_t type = field == NULL ? 0 : field->type;
    drop(generation);
    return type;
}

uint32_t crm_field_flags(const crm_db *db, uint32_t kind, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    uint32_t flags = field == NULL ? 0 : field->flags;
    drop(generation);
    return flags;
}

uint32_t crm_field_target(const crm_db *db, uint32_t kind, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    uint32_t target = field == NULL ? 0 : field->target;
    drop(generation);
    return target;
}

/* ---- types ---- */

struct type_row {
    int32_t type;
    const char *name;
};

static const struct type_row types[] = {
    {CRM_TYPE_BOOL, "bool"},
    {CRM_TYPE_INT, "int"},
    {CRM_TYPE_DECIMAL, "decimal"},
    {CRM_TYPE_REAL, "real"},
    {CRM_TYPE_MONEY, "money"},
    {CRM_TYPE_TIME, "time"},
    {CRM_TYPE_DATE, "date"},
    {CRM_TYPE_TEXT, "text"},
    {CRM_TYPE_CHOICE, "choice"},
    {CRM_TYPE_CURRENCY, "currency"},
    {CRM_TYPE_REF, "ref"},
    {CRM_TYPE_ANY_REF, "any_ref"},
    {CRM_TYPE_ID, "id"},
    {CRM_TYPE_EMAILS, "emails"},
    {CRM_TYPE_PHONES, "phones"},
    {CRM_TYPE_ADDRESSES, "addresses"},
    {CRM_TYPE_EXTERNAL_IDS, "external_ids"},
    {CRM_TYPE_TAGS, "tags"},
    {CRM_TYPE_REFS, "refs"},
};

const char *crm_type_name(int32_t type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

int32_t crm_type_find(const char *name, size_t length)
{
    length = length_of(name, length);
    for (size_t i = 0; name != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i].name) == length && memcmp(types[i].name, name, length) == 0)
            return types[i].type;
    return 0;
}

/* ---- choices ---- */

uint32_t crm_choice_count(const crm_db *db, uint32_t kind, uint32_t number)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    uint32_t visible = 0, count;
    const struct choice *choices = field == NULL ? NULL : schema_choices(field, &count);
    for (uint32_t i = 0; choices != NULL && i < count; i++)
        visible += !choices[i].removed;
    drop(generation);
    return visible;
}

int64_t crm_choice_at(const crm_db *db, uint32_t kind, uint32_t number, uint32_t position)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    int64_t code = 0;
    uint32_t count = 0;
    const struct choice *choices = field == NULL ? NULL : schema_choices(field, &count);
    for (uint32_t i = 0; choices != NULL && code == 0 && i < count; i++)
        if (!choices[i].removed && position-- == 0)
            code = choices[i].code;
    drop(generation);
    return code;
}

const char *crm_choice_name(const crm_db *db, uint32_t kind, uint32_t number, int64_t code)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    const struct choice *choice = field == NULL ? NULL : schema_choice(field, code);
    const char *name = choice == NULL ? NULL : choice->name;
    drop(generation);
    return name;
}

int64_t crm_choice_find(const crm_db *db, uint32_t kind, uint32_t number, const char *name, size_t length)
{
    struct generation *generation = hold(db);
    const struct field *field = visible_field(generation, kind, number);
    const struct choice *choice =
        field == NULL || name == NULL ? NULL : schema_choice_named(field, name, length_of(name, length));
    int64_t code = choice == NULL ? -1 : choice->code;
    drop(generation);
    return code;
}
