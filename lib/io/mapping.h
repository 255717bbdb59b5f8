/* mapping: what becomes of the columns of an import, as docs/IMPORT.md says.
 *
 * A mapping is the text of a mapping file, parsed against the fields of one
 * kind.  It does not know the file's columns yet: names are bound to them by
 * the import (import_plan).
 */
#ifndef IO_MAPPING_H
#define IO_MAPPING_H

#include "io/expression.h"

enum mapping_aggregate {
    MAPPING_FIRST = 0, /* also without a group */
    MAPPING_LAST,
    MAPPING_SUM,
    MAPPING_MIN,
    MAPPING_MAX,
    MAPPING_COUNT
};

/* A field of a kind, and how it takes its value. */
struct mapping_field {
    uint32_t kind, number;
    int32_t type;
    uint32_t flags, target; /* as crm_field_flags, crm_field_target */
    int32_t part;           /* CRM_PART_ of a list's first item; 0: the field itself */
    const char *name;
};

struct mapping_create { /* a field of a record made because it was not found */
    struct mapping_field field;
    uint32_t value;
};

struct mapping_assignment {
    struct mapping_field field;
    enum mapping_aggregate aggregate;
    bool rounded;
    bool by, create;               /* reference */
    struct mapping_field by_field; /* .number 0: as a person would mean it */
    uint32_t create_first, create_count;
    uint32_t value; /* a node, EXPRESSION_NONE with MAPPING_COUNT */
    uint32_t when;  /* a node, EXPRESSION_NONE: always */
};

enum mapping_rule_type { RULE_IGNORE = 1, RULE_INTEGER, RULE_COMMA, RULE_DATE, RULE_PAIR };
struct mapping_rule { /* about a column */
    enum mapping_rule_type type;
    const char *name;
    size_t length;
    uint32_t line, column; /* in the mapping */
    const char *text;      /* RULE_DATE: the format */
    uint32_t pair;         /* RULE_PAIR */
};

struct mapping_setting { /* what crm_import_set also takes */
    const char *key, *value;
    size_t length;
};

struct mapping_name {
    const char *text;
    size_t length;
};

struct mapping {
    const struct memory *memory;
    crm_db *db;
    uint32_t kind;
    struct expressions expressions;
    struct mapping_assignment *assignments;
    size_t assignment_count, assignment_capacity;
    struct mapping_create *creates;
    size_t create_count, create_capacity;
    struct mapping_rule *rules;
    size_t rule_count, rule_capacity;
    struct expression_pair *pairs;
    size_t pair_count, pair_capacity;
    struct mapping_setting *settings;
    size_t setting_count, setting_capacity;
    uint32_t *only; /* conditions */
    size_t only_count, only_capacity;
    uint32_t *group; /* nodes of columns */
    size_t group_count, group_capacity;
    bool ignore_all;
};

void mapping_init(struct mapping *mapping, const struct memory *memory, crm_db *db, uint32_t kind);
void mapping_free(struct mapping *mapping);
/* Adds the statements of a mapping file.  CRM_INVALID with line, column and remedy; CRM_NOMEM. */
int32_t mapping_parse(struct mapping *mapping, const char *text, size_t length, crm_error *error);
/* Adds "field = [column]". */
int32_t mapping_assign(struct mapping *mapping, const char *field, size_t field_length, const char *column,
                       size_t column_length, crm_error *error);
/* Adds "ignore [column]", or `*`. */
int32_t mapping_ignore(struct mapping *mapping, const char *column, size_t length, crm_error *error);

/* The field that a column or a mapping's left side means: by name or label,
 * "list.part", a list in the singular.  False: none. */
bool mapping_find_field(crm_db *db, uint32_t kind, const char *name, size_t length, struct mapping_field *out);
/* Why callers cannot set it, or NULL. */
const char *mapping_field_fixed(const struct mapping_field *field);
/* Whether records can be found by it. */
bool mapping_field_finds(const struct mapping_field *field);

#endif
