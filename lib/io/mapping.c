/* mapping: the statements of a mapping file, see mapping.h and docs/IMPORT.md.
 *
 * Every mistake is found here, before a row is read, and named with line,
 * column and what to write instead.
 */
#include "io/mapping.h"

#include "model/moment.h"

#include <string.h>

void mapping_init(struct mapping *mapping, const struct memory *memory, crm_db *db, uint32_t kind)
{
    *mapping = (struct mapping){.memory = memory, .db = db, .kind = kind};
    expressions_init(&mapping->expressions, memory);
}

void mapping_free(struct mapping *mapping)
{
    memory_free(mapping->memory, mapping->assignments);
    memory_free(mapping->memory, mapping->creates);
    memory_free(mapping->memory, mapping->rules);
    memory_free(mapping->memory, mapping->pairs);
    memory_free(mapping->memory, mapping->settings);
    memory_free(mapping->memory, mapping->only);
    memory_free(mapping->memory, mapping->group);
    expressions_free(&mapping->expressions);
}

static bool no_memory(struct lexer *lexer)
{
    if (!lexer->failed)
        error_nomem(lexer->error);
    lexer->failed = true;
    lexer->token.type = TOKEN_END;
    return false;
}

/* Room for one more in one of the arrays; NULL with the lexer failed. */
static void *add(struct mapping *mapping, struct lexer *lexer, void *array, size_t *count, size_t *capacity,
                 size_t size)
{
    void *bytes;
    memcpy(&bytes, array, sizeof bytes); /* `array` is the address of a pointer of any type */
    if (lexer->failed || !memory_grow(mapping->memory, &bytes, capacity, *count + 1, size)) {
        no_memory(lexer);
        return NULL;
    }
    memcpy(array, &bytes, sizeof bytes);
    return (char *)bytes + (*count)++ * size;
}

static bool at_end(const struct lexer *lexer)
{
    return lexer->token.type == TOKEN_NEWLINE || lexer->token.type == TOKEN_END;
}

static bool is_name(const struct token *token)
{
    return token->type == TOKEN_WORD || token->type == TOKEN_NAME;
}

/* A literal text; NULL with the lexer failed. */
static const char *read_text(struct mapping *mapping, struct lexer *lexer, const char *what, size_t *length)
{
    *length = 0;
    if (lexer->token.type != TOKEN_TEXT) {
        lexer_fail(lexer, &lexer->token, "%s expected, in quotes", what);
        return NULL;
    }
    const char *text = expression_unescape(&mapping->expressions, lexer->token.start, lexer->token.length, length);
    if (text == NULL)
        no_memory(lexer);
    lexer_next(lexer);
    return text;
}

/* ---- statements about columns ---- */

static struct mapping_rule *add_rule(struct mapping *mapping, struct lexer *lexer, enum mapping_rule_type type,
                                     const struct token *name)
{
    const char *copy = scratch_text(&mapping->expressions.texts, name->start, name->length);
    struct mapping_rule *rule =
        add(mapping, lexer, &mapping->rules, &mapping->rule_count, &mapping->rule_capacity, sizeof *rule);
    if (rule == NULL)
        return NULL;
    *rule = (struct mapping_rule){
        .type = type, .name = copy, .length = name->length, .line = name->line, .column = name->column};
    if (copy == NULL) {
        no_memory(lexer);
        rule = NULL;
    }
    return rule;
}

static void read_column_list(struct mapping *mapping, struct lexer *lexer, enum mapping_rule_type type)
{
    if (at_end(lexer))
        lexer_fail(lexer, &lexer->token, "the name of a column expected");
    while (!at_end(lexer)) {
        if (type == RULE_IGNORE && lexer_accept_sign(lexer, "*")) {
            mapping->ignore_all = true;
        } else if (is_name(&lexer->token)) {
            add_rule(mapping, lexer, type, &lexer->token);
            lexer_next(lexer);
        } else if (!lexer_accept_sign(lexer, ",")) {
            lexer_fail(lexer, &lexer->token, "the name of a column expected");
        }
    }
}

static void read_date(struct mapping *mapping, struct lexer *lexer)
{
    struct token name = lexer->token;
    size_t length;
    if (!is_name(&name)) {
        lexer_fail(lexer, &name, "the name of a column expected: date COLUMN \"FORMAT\"");
        return;
    }
    lexer_next(lexer);
    struct token where = lexer->token;
    const char *format = read_text(mapping, lexer, "a format such as \"%d.%m.%Y\"", &length);
    if (format != NULL && !moment_format_valid(format))
        lexer_fail(lexer, &where,
                   "\"%.60s\" is no format for a date: it needs day, month and year, such as \"%%d.%%m.%%Y\"", format);
    if (lexer->failed)
        return;
    struct mapping_rule *rule = add_rule(mapping, lexer, RULE_DATE, &name);
    if (rule != NULL)
        rule->text = format;
}

static void read_values(struct mapping *mapping, struct lexer *lexer)
{
    struct token name = lexer->token;
    if (!is_name(&name)) {
        lexer_fail(lexer, &name, "the name of a column expected: values COLUMN \"old\" = \"new\"");
        return;
    }
    lexer_next(lexer);
    lexer_accept_sign(lexer, ":");
    do {
        struct expression_pair pair = {.next = EXPRESSION_NONE};
        pair.from = read_text(mapping, lexer, "the value as it is in the file", &pair.from_length);
        if (!lexer->failed && !lexer_accept_sign(lexer, "="))
            lexer_fail(lexer, &lexer->token, "'=' expected between the value and what it is read as");
        if (!lexer->failed)
            pair.to = read_text(mapping, lexer, "what the value is read as", &pair.to_length);
        struct expression_pair *entry = lexer->failed ? NULL
                                                      : add(mapping, lexer, &mapping->pairs, &mapping->pair_count,
                                                            &mapping->pair_capacity, sizeof *entry);
        struct mapping_rule *rule = entry == NULL ? NULL : add_rule(mapping, lexer, RULE_PAIR, &name);
        if (rule != NULL) {
            *entry = pair;
            rule->pair = (uint32_t)(mapping->pair_count - 1);
        }
    } while (lexer_accept_sign(lexer, ","));
}

/* ---- statements about the file ---- */

static void add_setting(struct mapping *mapping, struct lexer *lexer, const char *key, const char *value, size_t length)
{
    struct mapping_setting *setting =
        add(mapping, lexer, &mapping->settings, &mapping->setting_count, &mapping->setting_capacity, sizeof *setting);
    if (setting == NULL)
        return;
    *setting = (struct mapping_setting){key, scratch_text(&mapping->expressions.texts, value, length), length};
    if (setting->value == NULL)
        no_memory(lexer);
}

/* KEY word or KEY "text" */
static void read_setting(struct mapping *mapping, struct lexer *lexer, const char *key)
{
    size_t length = lexer->token.length;
    const char *value = lexer->token.start;
    if (lexer->token.type == TOKEN_TEXT) {
        value = read_text(mapping, lexer, "a value", &length);
    } else if (is_name(&lexer->token) || lexer->token.type == TOKEN_NUMBER) {
        lexer_next(lexer);
    } else {
        lexer_fail(lexer, &lexer->token, "a value for '%s' expected; a sign stands in quotes", key);
    }
    if (!lexer->failed)
        add_setting(mapping, lexer, key, value, length);
}

static void read_columns(struct mapping *mapping, struct lexer *lexer)
{
    struct buffer names;
    buffer_init(&names, mapping->memory);
    while (!at_end(lexer)) {
        if (!is_name(&lexer->token)) {
            lexer_fail(lexer, &lexer->token, "the name of a column expected");
            break;
        }
        if (memchr(lexer->token.start, ',', lexer->token.length) != NULL)
            lexer_fail(lexer, &lexer->token, "a name without a comma expected");
        if (names.length > 0)
            buffer_byte(&names, ',');
        buffer_append(&names, lexer->token.start, lexer->token.length);
        lexer_next(lexer);
        lexer_accept_sign(lexer, ",");
    }
    if (!lexer->failed && names.length == 0)
        lexer_fail(lexer, &lexer->token, "the names of the columns expected");
    if (names.failed)
        no_memory(lexer);
    if (!lexer->failed)
        add_setting(mapping, lexer, "columns", (const char *)names.data, names.length);
    buffer_free(&names);
}

static void add_number(struct mapping *mapping, struct lexer *lexer, uint32_t **array, size_t *count, size_t *capacity,
                       uint32_t number)
{
    uint32_t *entry = lexer->failed ? NULL : add(mapping, lexer, array, count, capacity, sizeof *entry);
    if (entry != NULL)
        *entry = number;
}

static void read_group(struct mapping *mapping, struct lexer *lexer)
{
    if (mapping->group_count > 0)
        lexer_fail(lexer, &lexer->token, "'group' stands twice: name all its columns in one line");
    else if (at_end(lexer))
        lexer_fail(lexer, &lexer->token, "the name of a column expected");
    while (!at_end(lexer)) {
        struct token name = lexer->token;
        if (!is_name(&name)) {
            lexer_fail(lexer, &name, "the name of a column expected");
            return;
        }
        uint32_t node = expression_column(&mapping->expressions, name.start, name.length, name.line, name.column);
        if (node == EXPRESSION_NONE)
            no_memory(lexer);
        add_number(mapping, lexer, &mapping->group, &mapping->group_count, &mapping->group_capacity, node);
        lexer_next(lexer);
        lexer_accept_sign(lexer, ",");
    }
}

/* ---- assignments ---- */

static bool find_field(struct mapping *mapping, struct lexer *lexer, uint32_t kind, const struct token *name,
                       struct mapping_field *out)
{
    const char *kind_name = crm_kind_name(mapping->db, kind);
    if (!mapping_find_field(mapping->db, kind, name->start, name->length, out))
        return lexer_fail(lexer, name, "%s has no field '%.*s'", kind_name == NULL ? "the kind" : kind_name,
                          (int)name->length, name->start);
    const char *fixed = mapping_field_fixed(out);
    if (fixed != NULL)
        return lexer_fail(lexer, name, "'%s' cannot be given: %s", out->name, fixed);
    return true;
}

static enum mapping_aggregate read_aggregate(struct lexer *lexer)
{
    static const struct {
        const char *word;
        enum mapping_aggregate aggregate;
    } words[] = {{"sum", MAPPING_SUM},   {"min", MAPPING_MIN},     {"max", MAPPING_MAX},
                 {"last", MAPPING_LAST}, {"first", MAPPING_FIRST}, {"count", MAPPING_COUNT}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (lexer_accept_word(lexer, words[i].word))
            return words[i].aggregate;
    return MAPPING_FIRST;
}

/* [KIND.]FIELD behind `by` */
static void read_by(struct mapping *mapping, struct lexer *lexer, struct mapping_assignment *assignment)
{
    struct token name = lexer->token;
    uint32_t kind = assignment->field.type == CRM_TYPE_REF ? assignment->field.target : 0;
    if (assignment->field.type != CRM_TYPE_REF && assignment->field.type != CRM_TYPE_ANY_REF) {
        lexer_fail(lexer, &name, "'%s' is no reference to a record, so nothing is looked up 'by' a field",
                   assignment->field.name);
        return;
    }
    if (!is_name(&name)) {
        lexer_fail(lexer, &name, "the name of a field expected");
        return;
    }
    const char *dot = memchr(name.start, '.', name.length);
    if (dot != NULL) {
        size_t length = (size_t)(dot - name.start);
        uint32_t named = crm_kind_find(mapping->db, name.start, length);
        if (named == 0 || (kind != 0 && named != kind))
            lexer_fail(lexer, &name, "'%s' does not refer to '%.*s'", assignment->field.name, (int)length, name.start);
        kind = named;
        name.start = dot + 1;
        name.length -= length + 1;
    } else if (kind == 0) {
        lexer_fail(lexer, &name, "'%s' may refer to any kind: write by KIND.%.*s", assignment->field.name,
                   (int)name.length, name.start);
    }
    if (lexer->failed)
        return;
    if (!mapping_find_field(mapping->db, kind, name.start, name.length, &assignment->by_field))
        lexer_fail(lexer, &name, "%s has no field '%.*s'", crm_kind_name(mapping->db, kind), (int)name.length,
                   name.start);
    else if (!mapping_field_finds(&assignment->by_field))
        lexer_fail(lexer, &name,
                   "records are not found by '%s': use a unique or indexed field, e-mails or external_ids",
                   assignment->by_field.name);
    assignment->by = true;
    lexer_next(lexer);
}

/* create [FIELD = EXPRESSION, …] */
static void read_create(struct mapping *mapping, struct lexer *lexer, struct mapping_assignment *assignment)
{
    assignment->create = true;
    assignment->create_first = (uint32_t)mapping->create_count;
    if (assignment->by_field.type == CRM_TYPE_ID)
        lexer_fail(lexer, &lexer->token, "a record is not made by its id: name another field behind 'by'");
    while (is_name(&lexer->token) && !lexer_is_word(lexer, "when")) {
        struct mapping_create create;
        struct token name = lexer->token;
        if (!find_field(mapping, lexer, assignment->by_field.kind, &name, &create.field))
            return;
        if (create.field.type == CRM_TYPE_ID || create.field.number == assignment->by_field.number)
            lexer_fail(lexer, &name, "'%s' is not given here", create.field.name);
        lexer_next(lexer);
        if (!lexer_accept_sign(lexer, "="))
            lexer_fail(lexer, &lexer->token, "'=' expected");
        create.value = lexer->failed ? EXPRESSION_NONE : expression_parse(&mapping->expressions, lexer);
        if (lexer->failed)
            return;
        struct mapping_create *entry =
            add(mapping, lexer, &mapping->creates, &mapping->create_count, &mapping->create_capacity, sizeof *entry);
        if (entry != NULL) {
            *entry = create;
            assignment->create_count++;
        }
        if (!lexer_accept_sign(lexer, ","))
            break;
    }
}

static void read_assignment(struct mapping *mapping, struct lexer *lexer, const struct token *name)
{
    struct mapping_assignment assignment = {.value = EXPRESSION_NONE, .when = EXPRESSION_NONE};
    struct token start = lexer->token;
    if (!find_field(mapping, lexer, mapping->kind, name, &assignment.field))
        return;
    assignment.aggregate = read_aggregate(lexer);
    if (assignment.aggregate != MAPPING_COUNT)
        assignment.value = expression_parse(&mapping->expressions, lexer);
    assignment.rounded = lexer_accept_word(lexer, "rounded");
    if (assignment.rounded && assignment.field.type != CRM_TYPE_MONEY && assignment.field.type != CRM_TYPE_DECIMAL &&
        assignment.field.type != CRM_TYPE_INT)
        lexer_fail(lexer, &start, "'%s' is no number: 'rounded' is for money, decimals and integers",
                   assignment.field.name);
    if (lexer_accept_word(lexer, "by"))
        read_by(mapping, lexer, &assignment);
    if (lexer_is_word(lexer, "create") && !assignment.by)
        lexer_fail(lexer, &lexer->token, "'create' needs 'by FIELD' before it: it says which field takes the value");
    if (lexer_accept_word(lexer, "create"))
        read_create(mapping, lexer, &assignment);
    if (lexer_accept_word(lexer, "when"))
        assignment.when = expression_parse(&mapping->expressions, lexer);
    struct mapping_assignment *entry = lexer->failed
                                           ? NULL
                                           : add(mapping, lexer, &mapping->assignments, &mapping->assignment_count,
                                                 &mapping->assignment_capacity, sizeof *entry);
    if (entry != NULL)
        *entry = assignment;
}

/* ---- the file ---- */

static void read_statement(struct mapping *mapping, struct lexer *lexer)
{
    static const char *const keys[] = {"format", "delimiter", "match", "blank", "add_choices", "strict"};
    struct token word = lexer->token;
    if (!is_name(&word)) {
        lexer_fail(lexer, &word, "a statement begins with a word or the name of a field");
        return;
    }
    lexer_next(lexer);
    if (lexer_accept_sign(lexer, "=")) {
        read_assignment(mapping, lexer, &word);
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i]) != word.length || memcmp(keys[i], word.start, word.length) != 0)
            continue;
        if (i >= 4) /* those that are said by being there */
            add_setting(mapping, lexer, keys[i], "1", 1);
        else
            read_setting(mapping, lexer, keys[i]);
        return;
    }
    struct lexer first = {.token = word}; /* to compare words by the same function */
    if (lexer_is_word(&first, "columns"))
        read_columns(mapping, lexer);
    else if (lexer_is_word(&first, "group"))
        read_group(mapping, lexer);
    else if (lexer_is_word(&first, "only"))
        add_number(mapping, lexer, &mapping->only, &mapping->only_count, &mapping->only_capacity,
                   expression_parse(&mapping->expressions, lexer));
    else if (lexer_is_word(&first, "ignore"))
        read_column_list(mapping, lexer, RULE_IGNORE);
    else if (lexer_is_word(&first, "integer"))
        read_column_list(mapping, lexer, RULE_INTEGER);
    else if (lexer_is_word(&first, "decimal_comma"))
        read_column_list(mapping, lexer, RULE_COMMA);
    else if (lexer_is_word(&first, "date"))
        read_date(mapping, lexer);
    else if (lexer_is_word(&first, "values"))
        read_values(mapping, lexer);
    else
        lexer_fail(lexer, &word, "'%.*s' is no statement; a field takes a value by %.*s = COLUMN", (int)word.length,
                   word.start, (int)word.length, word.start);
}

int32_t mapping_parse(struct mapping *mapping, const char *text, size_t length, crm_error *error)
{
    struct lexer lexer;
    crm_error own;
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    error_clear(&own);
    lexer_begin(&lexer, text, length, 1, 1, &own);
    while (!lexer.failed && lexer.token.type != TOKEN_END) {
        if (lexer.token.type == TOKEN_NEWLINE) {
            lexer_next(&lexer);
            continue;
        }
        read_statement(mapping, &lexer);
        if (!lexer.failed && !at_end(&lexer))
            lexer_fail(
                &lexer, &lexer.token,
                "the end of the statement expected; a statement goes on only in a line that begins with a blank");
    }
    if (lexer.failed && error != NULL)
        *error = own;
    return lexer.failed ? own.status : CRM_OK;
}

int32_t mapping_assign(struct mapping *mapping, const char *field, size_t field_length, const char *column,
                       size_t column_length, crm_error *error)
{
    struct lexer lexer = {.error = error};
    struct mapping_assignment assignment = {.when = EXPRESSION_NONE};
    const char *fixed;
    if (!mapping_find_field(mapping->db, mapping->kind, field, field_length, &assignment.field))
        return error_set(error, CRM_INVALID, "map: there is no field '%.*s'", (int)field_length, field);
    if ((fixed = mapping_field_fixed(&assignment.field)) != NULL)
        return error_set(error, CRM_INVALID, "map: '%s' cannot be given: %s", assignment.field.name, fixed);
    assignment.value = expression_column(&mapping->expressions, column, column_length, 0, 0);
    struct mapping_assignment *entry = assignment.value == EXPRESSION_NONE
                                           ? NULL
                                           : add(mapping, &lexer, &mapping->assignments, &mapping->assignment_count,
                                                 &mapping->assignment_capacity, sizeof *entry);
    if (entry == NULL)
        return error_nomem(error);
    *entry = assignment;
    return CRM_OK;
}

int32_t mapping_ignore(struct mapping *mapping, const char *column, size_t length, crm_error *error)
{
    struct lexer lexer = {.error = error};
    struct token name = {.type = TOKEN_NAME, .start = column, .length = length};
    if (length == 1 && *column == '*')
        mapping->ignore_all = true;
    else if (add_rule(mapping, &lexer, RULE_IGNORE, &name) == NULL)
        return error_nomem(error);
    return CRM_OK;
}
