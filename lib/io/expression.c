/* expression: parsing, see expression.h; expression_evaluate.c computes.
 *
 * One function a level of precedence, loosest first.  Depth is limited, since a
 * mapping may come from anybody.
 */
#include "io/expression.h"

#include "io/expression_operation.h"

#include <string.h>

enum { DEPTH_MAX = 64, TREE_DEPTH_MAX = 256, NODES_MAX = 1 << 20 };

static uint32_t parse_or(struct expressions *expressions, struct lexer *lexer, unsigned depth);

void expressions_init(struct expressions *expressions, const struct memory *memory)
{
    *expressions = (struct expressions){.memory = memory};
    scratch_init(&expressions->texts, memory);
}

void expressions_free(struct expressions *expressions)
{
    memory_free(expressions->memory, expressions->nodes);
    memory_free(expressions->memory, expressions->columns);
    scratch_free(&expressions->texts);
}

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool skipped(char c)
{
    return c == ' ' || c == '_' || c == '-' || c == '\t';
}

bool name_same(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a_length && skipped(a[i]))
            i++;
        while (j < b_length && skipped(b[j]))
            j++;
        if (i == a_length || j == b_length)
            return i == a_length && j == b_length;
        if (folded(a[i++]) != folded(b[j++]))
            return false;
    }
}

bool name_plural(const char *name, size_t length, const char *plural, size_t plural_length)
{
    if (plural_length < 3 || plural[plural_length - 1] != 's')
        return false;
    return name_same(name, length, plural, plural_length - 1) ||
           (plural[plural_length - 2] == 'e' && name_same(name, length, plural, plural_length - 2));
}

static uint32_t add_node(struct expressions *expressions, struct lexer *lexer, struct expression_node node)
{
    if (lexer->failed)
        return EXPRESSION_NONE;
    void *array = expressions->nodes;
    if (expressions->count >= NODES_MAX ||
        !memory_grow(expressions->memory, &array, &expressions->capacity, expressions->count + 1, sizeof node)) {
        error_nomem(lexer->error);
        lexer->failed = true;
        return EXPRESSION_NONE;
    }
    expressions->nodes = array;
    expressions->nodes[expressions->count] = node;
    return (uint32_t)expressions->count++;
}

/* Evaluation recurses, so its depth is limited here, long chains included. */
static uint16_t depth_over(const struct expressions *expressions, uint32_t left, uint32_t right)
{
    uint16_t a = left < expressions->count ? expressions->nodes[left].depth : 0;
    uint16_t b = right < expressions->count ? expressions->nodes[right].depth : 0;
    return (uint16_t)((a > b ? a : b) + 1);
}

static uint32_t add_pair(struct expressions *expressions, struct lexer *lexer, uint8_t operation, uint32_t left,
                         uint32_t right)
{
    uint16_t depth = depth_over(expressions, left, right);
    if (depth > TREE_DEPTH_MAX)
        lexer_fail(lexer, &lexer->token, "the expression is too long");
    return add_node(expressions, lexer,
                    (struct expression_node){.operation = operation, .depth = depth, .left = left, .right = right});
}

/* The number of a column's name, new or known; EXPRESSION_NONE: no memory. */
static uint32_t find_column(struct expressions *expressions, const char *name, size_t length, uint32_t line,
                            uint32_t column)
{
    for (uint32_t i = 0; i < expressions->column_count; i++)
        if (name_same(expressions->columns[i].name, expressions->columns[i].length, name, length))
            return i;
    void *array = expressions->columns;
    const char *copy = scratch_text(&expressions->texts, name, length);
    if (copy == NULL || !memory_grow(expressions->memory, &array, &expressions->column_capacity,
                                     expressions->column_count + 1, sizeof *expressions->columns))
        return EXPRESSION_NONE;
    expressions->columns = array;
    expressions->columns[expressions->column_count] =
        (struct expression_column){copy, length, EXPRESSION_NONE, line, column};
    return (uint32_t)expressions->column_count++;
}

uint32_t expression_column(struct expressions *expressions, const char *name, size_t length, uint32_t line,
                           uint32_t column)
{
    struct lexer lexer = {0};
    uint32_t number = find_column(expressions, name, length, line, column);
    if (number == EXPRESSION_NONE)
        return EXPRESSION_NONE;
    return add_node(expressions, &lexer, (struct expression_node){.operation = OPERATION_COLUMN, .left = number});
}

const char *expression_unescape(struct expressions *expressions, const char *text, size_t length, size_t *out_length)
{
    char *copy = scratch_alloc(&expressions->texts, length + 1);
    size_t count = 0;
    for (size_t i = 0; copy != NULL && i < length; i++) {
        char c = text[i];
        if (c == '\\' && i + 1 < length) {
            c = text[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        copy[count++] = c;
    }
    if (copy != NULL)
        copy[count] = 0;
    *out_length = count;
    return copy;
}

static uint32_t add_text(struct expressions *expressions, struct lexer *lexer, const char *text, size_t length)
{
    struct expression_node node = {.operation = OPERATION_TEXT};
    node.text = expression_unescape(expressions, text, length, &node.length);
    if (node.text == NULL) {
        error_nomem(lexer->error);
        lexer->failed = true;
    }
    return add_node(expressions, lexer, node);
}

/* Appends a part to a template: parts are chained by `right`. */
static void add_part(struct expressions *expressions, struct lexer *lexer, uint32_t first, uint32_t *last,
                     uint32_t part)
{
    uint32_t link = add_pair(expressions, lexer, OPERATION_PART, part, EXPRESSION_NONE);
    if (link != EXPRESSION_NONE) {
        expressions->nodes[*last].right = link;
        uint16_t depth = depth_over(expressions, link, EXPRESSION_NONE);
        if (depth > expressions->nodes[first].depth)
            expressions->nodes[first].depth = depth;
    }
    *last = link;
}

/* The expression between braces: a lexer of its own over that piece. */
static uint32_t parse_braces(struct expressions *expressions, struct lexer *lexer, const struct token *text,
                             const char *start, const char *end, unsigned depth)
{
    struct lexer inner;
    lexer_begin(&inner, start, (size_t)(end - start), text->line, text->column + 1 + (uint32_t)(start - text->start),
                lexer->error);
    uint32_t node = parse_or(expressions, &inner, depth + 1);
    if (!inner.failed && inner.token.type != TOKEN_END)
        lexer_fail(&inner, &inner.token, "'}' expected behind the expression");
    lexer->failed = inner.failed;
    return node;
}

/* "text {expression} text": a TEMPLATE node whose parts are texts and expressions. */
static uint32_t parse_template(struct expressions *expressions, struct lexer *lexer, const struct token *text,
                               unsigned depth)
{
    const char *at = text->start, *end = at + text->length, *from = at;
    if (memchr(at, '{', text->length) == NULL && memchr(at, '}', text->length) == NULL)
        return add_text(expressions, lexer, at, text->length);
    uint32_t first = add_pair(expressions, lexer, OPERATION_TEMPLATE, EXPRESSION_NONE, EXPRESSION_NONE);
    uint32_t last = first;
    size_t start = expressions->count;
    while (at < end && !lexer->failed) {
        if (expressions->count - start > TEMPLATE_PARTS_MAX)
            lexer_fail(lexer, text, "a text has at most %d parts", TEMPLATE_PARTS_MAX / 2);
        bool twice = at + 1 < end && at[1] == *at;
        if (*at != '{' && *at != '}') {
            at += *at == '\\' && at + 1 < end ? 2 : 1;
            continue;
        }
        /* The literal text so far, with one brace of a doubled pair. */
        if (at > from || twice)
            add_part(expressions, lexer, first, &last,
                     add_text(expressions, lexer, from, (size_t)(at - from) + (twice ? 1 : 0)));
        const char *close = twice ? at + 1 : memchr(at, '}', (size_t)(end - at));
        if (!twice && (*at == '}' || close == NULL))
            lexer_fail(lexer, text, "the text has a single '%c'; write it twice if it is meant as it is", *at);
        else if (!twice)
            add_part(expressions, lexer, first, &last, parse_braces(expressions, lexer, text, at + 1, close, depth));
        from = at = close == NULL ? end : close + 1;
    }
    if (from < end)
        add_part(expressions, lexer, first, &last, add_text(expressions, lexer, from, (size_t)(end - from)));
    return first;
}

static bool keyword(const struct token *token)
{
    static const char *const words[] = {"or",  "and", "not",   "when", "by",    "create", "rounded",
                                        "sum", "min", "first", "last", "count", "max"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == token->length && memcmp(words[i], token->start, token->length) == 0)
            return true;
    return false;
}

static uint32_t parse_primary(struct expressions *expressions, struct lexer *lexer, unsigned depth)
{
    struct token token = lexer->token;
    uint32_t node = EXPRESSION_NONE;
    if (depth > DEPTH_MAX)
        lexer_fail(lexer, &token, "an expression goes at most %d deep", DEPTH_MAX);
    else if (lexer_accept_sign(lexer, "(")) {
        node = parse_or(expressions, lexer, depth + 1);
        if (!lexer_accept_sign(lexer, ")"))
            lexer_fail(lexer, &lexer->token, "')' expected");
    } else if (lexer_accept_sign(lexer, "-")) {
        node = add_pair(expressions, lexer, OPERATION_NEGATE, parse_primary(expressions, lexer, depth + 1),
                        EXPRESSION_NONE);
    } else if (lexer_accept_sign(lexer, "@")) {
        if (!lexer_accept_word(lexer, "line"))
            lexer_fail(lexer, &lexer->token, "@line is all that can follow '@'");
        node = add_pair(expressions, lexer, OPERATION_LINE, EXPRESSION_NONE, EXPRESSION_NONE);
    } else if (token.type == TOKEN_NUMBER) {
        lexer_next(lexer);
        node = add_node(expressions, lexer,
                        (struct expression_node){.operation = OPERATION_NUMBER, .number = token.number});
    } else if (token.type == TOKEN_TEXT) {
        lexer_next(lexer);
        node = parse_template(expressions, lexer, &token, depth);
    } else if (token.type == TOKEN_NAME || (token.type == TOKEN_WORD && !keyword(&token))) {
        lexer_next(lexer);
        node = expression_column(expressions, token.start, token.length, token.line, token.column);
        if (node == EXPRESSION_NONE && !lexer->failed) {
            error_nomem(lexer->error);
            lexer->failed = true;
        }
    } else if (token.type == TOKEN_WORD) {
        lexer_fail(lexer, &token, "'%.*s' means something else here; a column of that name is written [%.*s]",
                   (int)token.length, token.start, (int)token.length, token.start);
    } else {
        lexer_fail(lexer, &token, "a column, a text in quotes or a number expected");
    }
    return node;
}

static uint32_t parse_product(struct expressions *expressions, struct lexer *lexer, unsigned depth)
{
    uint32_t node = parse_primary(expressions, lexer, depth);
    for (unsigned chain = 0; !lexer->failed && chain < DEPTH_MAX; chain++) {
        uint8_t operation;
        if (lexer_accept_sign(lexer, "*"))
            operation = OPERATION_MULTIPLY;
        else if (lexer_accept_sign(lexer, "/"))
            operation = OPERATION_DIVIDE;
        else
            break;
        node = add_pair(expressions, lexer, operation, node, parse_primary(expressions, lexer, depth));
    }
    return node;
}

static uint32_t parse_sum(struct expressions *expressions, struct lexer *lexer, unsigned depth)
{
    uint32_t node = parse_product(expressions, lexer, depth);
    for (unsigned chain = 0; !lexer->failed && chain < DEPTH_MAX; chain++) {
        uint8_t operation;
        if (lexer_accept_sign(lexer, "+"))
            operation = OPERATION_ADD;
        else if (lexer_accept_sign(lexer, "-"))
            operation = OPERATION_SUBTRACT;
        else
            break;
        node = add_pair(expressions, lexer, operation, node, parse_product(expressions, lexer, depth));
    }
    return node;
}

static uint32_t parse_comparison(struct expressions *expressions, struct lexer *lexer, unsigned depth)
{
    static const struct {
        const char *sign;
        uint8_t operation;
    } signs[] = {{"=", OPERATION_EQUAL},       {"!=", OPERATION_UNEQUAL}, {"<", OPERATION_LESS},
                 {"<=", OPERATION_LESS_EQUAL}, {">", OPERATION_GREATER},  {">=", OPERATION_GREATER_EQUAL}};
    uint32_t node = parse_sum(expressions, lexer, depth);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (lexer_accept_sign(lexer, signs[i].sign))
            return add_pair(expressions, lexer, signs[i].operation, node, parse_sum(expressions, lexer, depth));
    return node;
}

static uint32_t parse_not(struct expressions *expressions, struct lexer *lexer, unsigned depth)
{
    if (depth <= DEPTH_MAX && lexer_accept_word(lexer, "not"))
        return add_pair(expressions, lexer, OPERATION_NOT, parse_not(expressions, lexer, depth + 1), EXPRESSION_NONE);
    return parse_comparison(expressions, lexer, depth);
}

static uint32_t parse_and(struct expressions *expressions, struct lexer *lexer, unsigned depth)
{
    uint32_t node = parse_not(expressions, lexer, depth);
    for (unsigned chain = 0; !lexer->failed && chain < DEPTH_MAX && lexer_accept_word(lexer, "and"); chain++)
        node = add_pair(expressions, lexer, OPERATION_AND, node, parse_not(expressions, lexer, depth));
    return node;
}

static uint32_t parse_or(struct expressions *expressions, struct lexer *lexer, unsigned depth)
{
    uint32_t node = parse_and(expressions, lexer, depth);
    for (unsigned chain = 0; !lexer->failed && chain < DEPTH_MAX && lexer_accept_word(lexer, "or"); chain++)
        node = add_pair(expressions, lexer, OPERATION_OR, node, parse_and(expressions, lexer, depth));
    return node;
}

uint32_t expression_parse(struct expressions *expressions, struct lexer *lexer)
{
    uint32_t node = parse_or(expressions, lexer, 0);
    return lexer->failed ? EXPRESSION_NONE : node;
}
