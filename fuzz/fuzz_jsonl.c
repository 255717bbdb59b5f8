/* fuzz_jsonl: each line as a JSON value.  The tree that is read must hang
 * together, and written and read again it must be the same tree.
 */
#include "fuzz.h"
#include "model/json.h"
#include "model/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void write_value(const struct json *json, uint32_t number, struct buffer *out);

static void write_children(const struct json *json, uint32_t number, struct buffer *out)
{
    bool object = json_at(json, number)->type == JSON_OBJECT, first = true;
    buffer_byte(out, object ? '{' : '[');
    for (uint32_t child = json_first(json, number); child != JSON_NONE; child = json_next(json, number, child)) {
        const struct json_node *node = json_at(json, child);
        if (!first)
            buffer_byte(out, ',');
        first = false;
        if (object) {
            json_string(out, node->key, node->key_length);
            buffer_byte(out, ':');
        }
        write_value(json, child, out);
    }
    buffer_byte(out, object ? '}' : ']');
}

static void write_number(const struct json *json, uint32_t number, struct buffer *out)
{
    const struct json_node *node = json_at(json, number);
    int64_t integer = 0;
    double real = 0;
    bool whole = json_int64(json, number, &integer), fits = json_double(json, number, &real);
    MUST(node->length > 0 && strspn(node->text, "0123456789+-.eE") == node->length);
    MUST(!fits || isfinite(real));
    MUST(!whole || (fits && (double)integer == real));
    buffer_append(out, node->text, node->length);
}

/* As written but for blanks, escapes and members that came again. */
static void write_value(const struct json *json, uint32_t number, struct buffer *out)
{
    const struct json_node *node = json_at(json, number);
    size_t length = 0;
    switch (node->type) {
    case JSON_NULL: buffer_text(out, "null"); break;
    case JSON_TRUE:
    case JSON_FALSE: json_bool(out, node->type == JSON_TRUE); break;
    case JSON_NUMBER: write_number(json, number, out); break;
    case JSON_STRING:
        MUST(json_string_of(json, number, &length) == node->text && length == node->length);
        json_string(out, node->text, node->length);
        break;
    default: write_children(json, number, out); break;
    }
}

static void check_node(const struct json *json, uint32_t number)
{
    const struct json_node *node = json_at(json, number);
    uint32_t elements = 0;
    MUST(node->type <= JSON_OBJECT && node->end > number && node->end <= json->count);
    if (node->key != NULL)
        MUST(node->key[node->key_length] == '\0' && text_valid(node->key, node->key_length));
    if (node->type == JSON_STRING || node->type == JSON_NUMBER)
        MUST(node->text[node->length] == '\0' && text_valid(node->text, node->length));
    if (node->type != JSON_ARRAY && node->type != JSON_OBJECT) {
        MUST(node->end == number + 1);
        return;
    }
    for (uint32_t child = json_first(json, number); child != JSON_NONE; child = json_next(json, number, child)) {
        const struct json_node *member = json_at(json, child);
        MUST(child > number && child < node->end && member->end <= node->end);
        MUST((member->key != NULL) == (node->type == JSON_OBJECT));
        if (member->key != NULL)
            MUST(json_find(json, number, member->key, member->key_length) == child);
        elements++;
    }
    bool superseded = (node->flags & JSON_DUPLICATES) != 0;
    MUST(superseded ? elements < node->length : elements == node->length);
}

static void check_line(struct json *json, struct json *again, const uint8_t *bytes, size_t length)
{
    crm_error error = {0};
    struct buffer one, other;
    int32_t status = json_parse(json, bytes, length, &error);
    MUST(status == CRM_OK || ((status == CRM_INVALID || status == CRM_FULL) && error.message[0] != '\0'));
    if (status != CRM_OK)
        return;
    MUST(json->count > 0 && text_valid(bytes, length));
    for (uint32_t i = 0; i < json->count; i++)
        check_node(json, i);
    buffer_init(&one, memory_default());
    buffer_init(&other, memory_default());
    write_value(json, 0, &one);
    MUST(json_parse(again, one.data, one.length, &error) == CRM_OK);
    write_value(again, 0, &other);
    MUST(one.length == other.length && memcmp(one.data, other.data, one.length) == 0);
    MUST(!one.failed && text_valid(one.data, one.length) && memchr(one.data, '\n', one.length) == NULL);
    buffer_free(&other);
    buffer_free(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, bytes + length};
    struct json json, again;
    json_init(&json, memory_default());
    json_init(&again, memory_default());
    json.node_limit = 5000;
    while (input.at < input.end) {
        struct input line = input_until(&input, '\n');
        /* In memory of its own size, so that reading beyond it is seen. */
        size_t size = input_left(&line);
        uint8_t *copy = malloc(size + (size == 0));
        MUST(copy != NULL);
        memcpy(copy, line.at, size);
        check_line(&json, &again, copy, size);
        free(copy);
    }
    json_free(&again);
    json_free(&json);
    return 0;
}
