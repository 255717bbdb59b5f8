/* json: the strict reader of one value (RFC 8259) into a flat tree.
 *
 * Decoded strings and numbers lie in one block that is as long as the input:
 * decoding never makes text longer, and the two quotes (or what separates a
 * number from the next thing) pay for its NUL.  So the block is allocated once,
 * pointers into it stay valid while the tree grows, and a reader used for a
 * file of JSON Lines soon allocates nothing.  Nesting is limited, so recursion
 * is, too.  The writer's parts are in json_write.c.
 */
#include "model/json.h"

#include "model/number.h"
#include "model/text.h"

#include <string.h>

enum { NODE_LIMIT = 1000000 };

struct parser {
    struct json *json;
    const uint8_t *start, *at, *end;
    char *to; /* in json->text */
    crm_error *error;
    int32_t status;
    int depth;
};

void json_init(struct json *json, const struct memory *memory)
{
    *json = (struct json){.memory = memory, .node_limit = NODE_LIMIT};
}

void json_free(struct json *json)
{
    memory_free(json->memory, json->nodes);
    memory_free(json->memory, json->text);
    memory_free(json->memory, json->order);
    json_init(json, json->memory);
}

/* Says what is wrong at `where`; only now lines are counted. */
static bool fail(struct parser *parser, int32_t status, const uint8_t *where, const char *what)
{
    unsigned long long line = 1;
    const uint8_t *line_start = parser->start;

    for (const uint8_t *at = parser->start; at < where; at++)
        if (*at == '\n') {
            line++;
            line_start = at + 1;
        }
    parser->status = error_set(parser->error, status, "line %llu, column %llu: %s", line,
                               (unsigned long long)(where - line_start) + 1, what);
    return false;
}

static void skip_blanks(struct parser *parser)
{
    while (parser->at < parser->end &&
           (*parser->at == ' ' || *parser->at == '\n' || *parser->at == '\r' || *parser->at == '\t'))
        parser->at++;
}

static bool at_byte(const struct parser *parser, uint8_t byte)
{
    return parser->at < parser->end && *parser->at == byte;
}

static bool at_digit(const struct parser *parser)
{
    return parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9';
}

/* Four hexadecimal digits. */
static bool parse_hex(struct parser *parser, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, parser->at++) {
        uint8_t byte = parser->at < parser->end ? *parser->at : 0;
        uint8_t lower = byte | 0x20;
        if (byte >= '0' && byte <= '9')
            *code = *code << 4 | (uint32_t)(byte - '0');
        else if (lower >= 'a' && lower <= 'f')
            *code = *code << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return fail(parser, CRM_INVALID, parser->at, "\\u needs four hexadecimal digits");
    }
    return true;
}

/* What follows "\u": one unit, or two that are a pair of surrogates. */
static bool parse_code_point(struct parser *parser, uint32_t *code)
{
    const uint8_t *where = parser->at - 2;
    uint32_t low;

    if (!parse_hex(parser, code))
        return false;
    if (*code < 0xD800 || *code > 0xDFFF)
        return true;
    if (*code > 0xDBFF || parser->end - parser->at < 2 || parser->at[0] != '\\' || parser->at[1] != 'u')
        return fail(parser, CRM_INVALID, where, "half of a surrogate pair");
    parser->at += 2;
    if (!parse_hex(parser, &low))
        return false;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail(parser, CRM_INVALID, where, "half of a surrogate pair");
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

/* From the backslash on. */
static bool parse_escape(struct parser *parser)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const uint8_t *where = parser->at++;
    uint8_t byte = parser->at < parser->end ? *parser->at : 0;
    const char *name = byte ? strchr(names, byte) : NULL;
    uint32_t code;

    if (name) {
        *parser->to++ = values[name - names];
        parser->at++;
        return true;
    }
    if (byte != 'u')
        return fail(parser, CRM_INVALID, where, "an escape that JSON does not have");
    parser->at++;
    if (!parse_code_point(parser, &code))
        return false;
    uint8_t encoded[4];
    size_t size = text_put(encoded, code);
    memcpy(parser->to, encoded, size);
    parser->to += size;
    return true;
}

/* A string from its opening quote on; decoded and NUL-terminated. */
static bool parse_string(struct parser *parser, const char **text, uint32_t *length)
{
    const uint8_t *opening = parser->at++;

    *text = parser->to;
    for (;;) {
        const uint8_t *run = parser->at;
        while (parser->at < parser->end && *parser->at >= 0x20 && *parser->at != '"' && *parser->at != '\\')
            parser->at++;
        size_t size = (size_t)(parser->at - run);
        size_t valid = text_valid_prefix(run, size);
        if (valid < size)
            return fail(parser, CRM_INVALID, run + valid, "bytes that are not UTF-8");
        memcpy(parser->to, run, size);
        parser->to += size;
        if (parser->at == parser->end)
            return fail(parser, CRM_INVALID, opening, "a string that is never closed");
        if (*parser->at == '"')
            break;
        if (*parser->at < 0x20)
            return fail(parser, CRM_INVALID, parser->at, "a control character in a string must be escaped");
        if (!parse_escape(parser))
            return false;
    }
    parser->at++;
    *length = (uint32_t)(parser->to - *text);
    *parser->to++ = 0;
    return true;
}

static bool skip_digits(struct parser *parser)
{
    if (!at_digit(parser))
        return fail(parser, CRM_INVALID, parser->at, "a digit is missing");
    while (at_digit(parser))
        parser->at++;
    return true;
}

/* A number as the grammar has it, kept as it is written. */
static bool parse_number(struct parser *parser, const char **text, uint32_t *length)
{
    const uint8_t *start = parser->at;

    parser->at += at_byte(parser, '-');
    if (at_byte(parser, '0'))
        parser->at++; /* no digit may follow a 0 in front: it will not be a separator */
    else if (!skip_digits(parser))
        return false;
    if (at_byte(parser, '.')) {
        parser->at++;
        if (!skip_digits(parser))
            return false;
    }
    if (at_byte(parser, 'e') || at_byte(parser, 'E')) {
        parser->at++;
        parser->at += at_byte(parser, '+') || at_byte(parser, '-');
        if (!skip_digits(parser))
            return false;
    }
    *length = (uint32_t)(parser->at - start);
    *text = parser->to;
    memcpy(parser->to, start, *length);
    parser->to += *length;
    *parser->to++ = 0;
    return true;
}

static bool parse_literal(struct parser *parser, struct json_node *node)
{
    static const char *const words[] = {"null", "false", "true"}; /* in the order of their types */

    for (int type = JSON_NULL; type <= JSON_TRUE; type++) {
        size_t size = strlen(words[type]);
        if ((size_t)(parser->end - parser->at) >= size && memcmp(parser->at, words[type], size) == 0) {
            parser->at += size;
            node->type = (uint8_t)type;
            return true;
        }
    }
    return fail(parser, CRM_INVALID, parser->at, parser->at == parser->end ? "the text ends too soon" : "no value");
}

/* ---- keys that come twice ---- */

/* Orders members by key, equal keys by place. */
static int compare_members(const struct json *json, uint32_t a, uint32_t b)
{
    const struct json_node *x = &json->nodes[a];
    const struct json_node *y = &json->nodes[b];
    int by_key = x->key_length != y->key_length ? (x->key_length < y->key_length ? -1 : 1)
                                                : memcmp(x->key, y->key, x->key_length);

    return by_key ? by_key : a < b ? -1 : a > b;
}

static void sift_down(const struct json *json, uint32_t *order, size_t root, size_t count)
{
    for (size_t child; (child = root * 2 + 1) < count; root = child) {
        if (child + 1 < count && compare_members(json, order[child], order[child + 1]) < 0)
            child++;
        if (compare_members(json, order[root], order[child]) >= 0)
            return;
        uint32_t swap = order[root];
        order[root] = order[child];
        order[child] = swap;
    }
}

/* Flags members that a later one replaces.  A heap sort: an object of a million
 * equal keys must not take a million times a million steps, nor recurse. */
static bool flag_duplicates(struct json *json, uint32_t object)
{
    size_t count = json->nodes[object].length;
    size_t i = 0;

    if (count < 2)
        return true;
    if (!memory_grow(json->memory, (void **)&json->order, &json->order_capacity, count, sizeof *json->order))
        return false;
    uint32_t *order = json->order;
    for (uint32_t node = object + 1; i < count; node = json->nodes[node].end)
        order[i++] = node;
    for (i = count / 2; i-- > 0;)
        sift_down(json, order, i, count);
    for (i = count; i-- > 1;) {
        uint32_t largest = order[0];
        order[0] = order[i];
        order[i] = largest;
        sift_down(json, order, 0, i);
    }
    for (i = 1; i < count; i++) {
        struct json_node *before = &json->nodes[order[i - 1]];
        const struct json_node *after = &json->nodes[order[i]];
        if (before->key_length == after->key_length && memcmp(before->key, after->key, after->key_length) == 0) {
            before->flags |= JSON_SUPERSEDED;
            json->nodes[object].flags |= JSON_DUPLICATES;
        }
    }
    return true;
}

/* ---- values ---- */

static bool parse_value(struct parser *parser, const char *key, uint32_t key_length);

static bool parse_member(struct parser *parser)
{
    const char *key = NULL;
    uint32_t key_length = 0;

    if (!at_byte(parser, '"'))
        return fail(parser, CRM_INVALID, parser->at, "a key in quotes is missing");
    if (!parse_string(parser, &key, &key_length))
        return false;
    skip_blanks(parser);
    if (!at_byte(parser, ':'))
        return fail(parser, CRM_INVALID, parser->at, "a colon is missing");
    parser->at++;
    return parse_value(parser, key, key_length);
}

/* An array or object from its opening bracket on, into the node at `index`. */
static bool parse_container(struct parser *parser, uint32_t index)
{
    bool object = *parser->at++ == '{';
    uint8_t closing = object ? '}' : ']';
    uint32_t count = 0;

    if (++parser->depth > JSON_DEPTH_MAX)
        return fail(parser, CRM_INVALID, parser->at - 1, "nested too deeply");
    skip_blanks(parser);
    while (count > 0 || !at_byte(parser, closing)) {
        skip_blanks(parser);
        if (object ? !parse_member(parser) : !parse_value(parser, NULL, 0))
            return false;
        count++;
        skip_blanks(parser);
        if (at_byte(parser, closing))
            break;
        if (!at_byte(parser, ','))
            return fail(parser, CRM_INVALID, parser->at,
                        object ? "a comma or } is missing" : "a comma or ] is missing");
        parser->at++;
    }
    parser->at++;
    parser->depth--;
    parser->json->nodes[index].length = count;
    if (object && !flag_duplicates(parser->json, index)) {
        parser->status = error_nomem(parser->error);
        return false;
    }
    return true;
}

static bool parse_value(struct parser *parser, const char *key, uint32_t key_length)
{
    struct json *json = parser->json;
    struct json_node node = {.key = key, .key_length = key_length};

    skip_blanks(parser);
    uint8_t byte = parser->at < parser->end ? *parser->at : 0;
    if (json->count >= json->node_limit || json->count >= JSON_NONE)
        return fail(parser, CRM_FULL, parser->at, "more values than the limit");
    if (!memory_grow(json->memory, (void **)&json->nodes, &json->capacity, json->count + 1, sizeof *json->nodes)) {
        parser->status = error_nomem(parser->error);
        return false;
    }
    uint32_t index = (uint32_t)json->count++;
    bool fine;
    if (byte == '{' || byte == '[') {
        node.type = byte == '{' ? JSON_OBJECT : JSON_ARRAY;
        json->nodes[index] = node;
        fine = parse_container(parser, index);
    } else {
        if (byte == '"') {
            node.type = JSON_STRING;
            fine = parse_string(parser, &node.text, &node.length);
        } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
            node.type = JSON_NUMBER;
            fine = parse_number(parser, &node.text, &node.length);
        } else {
            fine = parse_literal(parser, &node);
        }
        json->nodes[index] = node;
    }
    json->nodes[index].end = (uint32_t)json->count;
    return fine;
}

int32_t json_parse(struct json *json, const void *bytes, size_t length, crm_error *error)
{
    static const uint8_t empty[1];
    const uint8_t *start = length > 0 ? bytes : empty;
    struct parser parser = {.json = json, .start = start, .at = start, .end = start + length, .error = error};

    json->count = 0;
    if (length >= UINT32_MAX)
        return error_set(error, CRM_FULL, "a JSON text of 4 GiB or more");
    if (length + 1 > json->text_capacity) {
        memory_free(json->memory, json->text);
        json->text_capacity = 0;
        json->text = memory_alloc(json->memory, length + 1);
        if (json->text == NULL)
            return error_nomem(error);
        json->text_capacity = length + 1;
    }
    parser.to = json->text;
    if (length >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0)
        parser.at += 3; /* RFC 8259 8.1: may be ignored */
    if (parse_value(&parser, NULL, 0)) {
        skip_blanks(&parser);
        if (parser.at < parser.end)
            (void)fail(&parser, CRM_INVALID, parser.at, "something follows the value");
    }
    if (parser.status != CRM_OK)
        json->count = 0;
    return parser.status;
}

/* ---- the tree ---- */

static uint32_t live_from(const struct json *json, uint32_t parent, uint32_t node)
{
    while (node < json->nodes[parent].end && (json->nodes[node].flags & JSON_SUPERSEDED))
        node = json->nodes[node].end;
    return node < json->nodes[parent].end ? node : JSON_NONE;
}

uint32_t json_first(const struct json *json, uint32_t parent)
{
    if (parent >= json->count || json->nodes[parent].type < JSON_ARRAY)
        return JSON_NONE;
    return live_from(json, parent, parent + 1);
}

uint32_t json_next(const struct json *json, uint32_t parent, uint32_t node)
{
    if (parent >= json->count || node >= json->count)
        return JSON_NONE;
    return live_from(json, parent, json->nodes[node].end);
}

uint32_t json_find(const struct json *json, uint32_t object, const char *key, size_t length)
{
    if (object >= json->count || json->nodes[object].type != JSON_OBJECT)
        return JSON_NONE;
    uint32_t node = json_first(json, object);
    while (node != JSON_NONE &&
           (json->nodes[node].key_length != length || memcmp(json->nodes[node].key, key, length) != 0))
        node = json_next(json, object, node);
    return node;
}

static const struct json_node *number_at(const struct json *json, uint32_t node)
{
    return node < json->count && json->nodes[node].type == JSON_NUMBER ? &json->nodes[node] : NULL;
}

bool json_int64(const struct json *json, uint32_t node, int64_t *out)
{
    const struct json_node *number = number_at(json, node);

    return number && number_parse_decimal(number->text, number->length, '.', 0, NUMBER_EXACT, out);
}

bool json_double(const struct json *json, uint32_t node, double *out)
{
    const struct json_node *number = number_at(json, node);

    return number && number_parse_double(number->text, number->length, out);
}

const char *json_string_of(const struct json *json, uint32_t node, size_t *length)
{
    if (node >= json->count || json->nodes[node].type != JSON_STRING)
        return NULL;
    *length = json->nodes[node].length;
    return json->nodes[node].text;
}
