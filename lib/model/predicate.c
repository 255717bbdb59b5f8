/* predicate: what a query asks of a record, and whether a record answers it.
 *
 * An operand is normalised once, the way the field's index normalises values:
 * texts folded, e-mails lower-cased, phones reduced to digits.  Where the
 * field is a column and the row is current, the cell answers.
 */
#include "model/query.h"

#include "model/email.h"
#include "model/moment.h"
#include "model/parse.h"
#include "model/text.h"
#include "model/uuid.h"

#include <math.h>
#include <string.h>

void predicate_free(crm_query *query, struct predicate *condition)
{
    for (uint32_t i = 0; i < condition->count; i++)
        memory_free(query->view->db->memory, condition->operands[i].text);
    memory_free(query->view->db->memory, condition->operands);
}

static bool keep_text(crm_query *query, struct operand *operand, const void *bytes, size_t length)
{
    operand->text = (uint8_t *)memory_text(query->view->db->memory, bytes, length);
    operand->length = length;
    if (operand->text == NULL)
        query_nomem(query);
    return operand->text != NULL;
}

/* The caller looks the field up, once: a writer may take its definition back meanwhile. */
static struct operand *add_operand(crm_query *query, struct field *field, uint32_t number, int32_t op)
{
    struct predicate *condition = NULL;
    if (query->status != CRM_OK)
        return NULL;
    if (query->planned) {
        query_fail(query, CRM_MISUSE, "a query takes no more conditions once it runs");
        return NULL;
    }
    if (field == NULL || field->removed || op < CRM_OP_EQ || op > CRM_OP_IN) {
        query_fail(query, CRM_INVALID, "a %s has no field %u, or there is no operator %d", query->kind->name, number,
                   op);
        return NULL;
    }
    for (uint32_t i = 0; op == CRM_OP_IN && i < query->condition_count; i++)
        if (query->conditions[i].in && query->conditions[i].field == field)
            condition = &query->conditions[i];
    if (condition == NULL) {
        if (query->condition_count == QUERY_CONDITIONS) {
            query_fail(query, CRM_FULL, "a query has at most %d conditions", QUERY_CONDITIONS);
            return NULL;
        }
        condition = &query->conditions[query->condition_count++];
        *condition = (struct predicate){.field = field, .op = op == CRM_OP_IN ? CRM_OP_EQ : op, .in = op == CRM_OP_IN};
    }
    size_t capacity = condition->capacity;
    if (!memory_grow(query->view->db->memory, (void **)&condition->operands, &capacity, condition->count + 1,
                     sizeof *condition->operands)) {
        query_nomem(query);
        return NULL;
    }
    condition->capacity = (uint32_t)capacity;
    struct operand *operand = &condition->operands[condition->count++];
    memset(operand, 0, sizeof *operand);
    return operand;
}

static bool op_fits(const struct field *field, int32_t op)
{
    bool textual = field->type == CRM_TYPE_TEXT || field->type == CRM_TYPE_EMAILS;
    if (op == CRM_OP_SET || op == CRM_OP_NOT_SET || op == CRM_OP_EQ || op == CRM_OP_IN || op == CRM_OP_NE)
        return field->type != CRM_TYPE_ADDRESSES || op == CRM_OP_SET || op == CRM_OP_NOT_SET;
    if (op == CRM_OP_PREFIX)
        return textual || field->type == CRM_TYPE_PHONES || field->type == CRM_TYPE_EXTERNAL_IDS;
    if (op == CRM_OP_CONTAINS)
        return textual || field->type == CRM_TYPE_ADDRESSES || field->type == CRM_TYPE_TAGS;
    return !type_is_list(field->type) && !type_is_ref(field->type) && field->type != CRM_TYPE_ID;
}

static int32_t refuse_op(crm_query *query, const struct field *field)
{
    return query_fail(query, CRM_INVALID, "%s.%s is of type %s, which that operator does not fit", query->kind->name,
                      field->name, crm_type_name(field->type));
}

int32_t crm_query_where_int(crm_query *query, uint32_t number, int32_t op, int64_t value)
{
    if (query == NULL)
        return CRM_MISUSE;
    struct field *field = schema_field(query->kind, number);
    struct operand *operand = add_operand(query, field, number, op);
    if (operand == NULL)
        return query->status;
    if (!op_fits(field, op))
        return refuse_op(query, field);
    operand->integer = value;
    operand->real = (double)value;
    return CRM_OK;
}

int32_t crm_query_where_ref(crm_query *query, uint32_t number, int32_t op, uint32_t kind_number, const crm_id *id)
{
    if (query == NULL || id == NULL)
        return CRM_MISUSE;
    struct field *field = schema_field(query->kind, number);
    struct operand *operand = add_operand(query, field, number, op);
    if (operand == NULL)
        return query->status;
    operand->id = *id;
    if (field->type == CRM_TYPE_ID)
        return CRM_OK;
    if (!type_is_ref(field->type) && field->type != CRM_TYPE_REFS)
        return refuse_op(query, field);
    struct kind *kind = schema_kind(&query->view->generation->schema, kind_number);
    if (kind == NULL || (field->type == CRM_TYPE_REF && kind_number != field->target))
        return query_fail(query, CRM_INVALID, "%s.%s does not refer to records of kind %u", query->kind->name,
                          field->name, kind_number);
    if (view_begin(query->view, &query->error) != CRM_OK)
        return query->status = query->error.status;
    uint32_t found = row_find(query->view->generation, kind, id);
    int32_t status = view_finish(query->view, CRM_OK, &query->error);
    if (status != CRM_OK)
        return query->status = status;
    /* A record that is not there is referred to by none. */
    operand->integer = found == UINT32_MAX           ? -1
                       : field->type == CRM_TYPE_REF ? found
                                                     : any_ref_pack(kind_number, found);
    return CRM_OK;
}

static int32_t ref_operand(crm_query *query, struct field *field, struct operand *operand, const char *text,
                           size_t length)
{
    uint32_t kind = field->target;
    if (field->type == CRM_TYPE_ID) {
        return uuid_parse(text, length, &operand->id)
                   ? CRM_OK
                   : query_fail(query, CRM_INVALID, "\"%.*s\" is no id", (int)text_cut(text, length, 60), text);
    }
    int32_t status = parse_ref(query->view, field, text, length, &kind, &operand->id, &query->error);
    if (status != CRM_OK)
        return query->status = status;
    if (view_begin(query->view, &query->error) != CRM_OK)
        return query->status = query->error.status;
    uint32_t found =
        row_find(query->view->generation, schema_kind(&query->view->generation->schema, kind), &operand->id);
    if ((status = view_finish(query->view, CRM_OK, &query->error)) != CRM_OK)
        return query->status = status;
    operand->integer = field->type == CRM_TYPE_REF ? (int64_t)found : any_ref_pack(kind, found);
    return CRM_OK;
}

/* What a German spells in two ways is looked for in both. */
static bool add_spellings(crm_query *query, const char *text, size_t length)
{
    struct predicate *condition = &query->conditions[query->condition_count - 1];
    struct buffer *scratch = &query->scratch;
    bool differs = false;
    scratch->length = 0;
    if (!text_fold_german(scratch, text, length, &differs))
        return false;
    for (int round = 0; round < 2; round++) {
        if (differs) {
            size_t capacity = condition->capacity;
            if (!memory_grow(query->view->db->memory, (void **)&condition->operands, &capacity, condition->count + 1,
                             sizeof *condition->operands))
                return false;
            condition->capacity = (uint32_t)capacity;
            struct operand *more = &condition->operands[condition->count];
            memset(more, 0, sizeof *more);
            if (!keep_text(query, more, scratch->data, scratch->length))
                return false;
            condition->count++;
        }
        if (round == 1)
            break;
        /* "mueller" also finds Müller, whose key is "muller". */
        const struct operand *first = &condition->operands[0];
        scratch->length = 0;
        for (size_t i = 0; i < first->length; i++) {
            uint8_t c = first->text[i];
            buffer_byte(scratch, c);
            if ((c == 'a' || c == 'o' || c == 'u') && i + 1 < first->length && first->text[i + 1] == 'e')
                i++;
        }
        differs = !scratch->failed && scratch->length != first->length;
    }
    return true;
}

static int32_t text_operand(crm_query *query, struct field *field, struct operand *operand, int32_t op,
                            const char *text, size_t length)
{
    struct buffer *scratch = &query->scratch;
    struct parsed parsed;
    scratch->length = 0;
    switch (field->type) {
    case CRM_TYPE_PHONES:
        if (!phone_digits(text, length, &operand->phone))
            return query_fail(query, CRM_INVALID, "\"%.*s\" is not a telephone number", (int)text_cut(text, length, 60),
                              text);
        return CRM_OK;
    case CRM_TYPE_EMAILS:
        if (op == CRM_OP_EQ || op == CRM_OP_IN || op == CRM_OP_NE ? !email_normalise(scratch, text, length)
                                                                  : !text_lower(scratch, text, length))
            return scratch->failed ? query_nomem(query)
                                   : query_fail(query, CRM_INVALID, "\"%.*s\" is not an e-mail address",
                                                (int)text_cut(text, length, 60), text);
        return keep_text(query, operand, scratch->data, scratch->length) ? CRM_OK : query->status;
    case CRM_TYPE_EXTERNAL_IDS: return keep_text(query, operand, text, length) ? CRM_OK : query->status;
    case CRM_TYPE_TEXT:
    case CRM_TYPE_TAGS:
    case CRM_TYPE_ADDRESSES: {
        bool equal = op == CRM_OP_EQ || op == CRM_OP_IN || op == CRM_OP_NE;
        if ((field->flags & CRM_FLAG_KEY) && equal ? !domain_normalise(scratch, text, length)
                                                   : !text_fold(scratch, text, length))
            return scratch->failed ? query_nomem(query) : query_fail(query, CRM_INVALID, "what is sought is not UTF-8");
        if (!keep_text(query, operand, scratch->data, scratch->length))
            return query->status;
        if (field->type == CRM_TYPE_TEXT && op == CRM_OP_PREFIX && !add_spellings(query, text, length))
            return query_nomem(query);
        return CRM_OK;
    }
    default:
        if (parse_scalar(query->view, field, text, length, &parsed, &query->error) != CRM_OK)
            return query->status = query->error.status;
        operand->integer = parsed.integer;
        operand->real = field->type == CRM_TYPE_REAL ? parsed.real : (double)parsed.integer;
        return CRM_OK;
    }
}

int32_t query_where_text(crm_query *query, struct field *field, uint32_t number, int32_t op, const char *text,
                         size_t length)
{
    struct operand *operand = add_operand(query, field, number, op);
    if (operand == NULL)
        return query->status;
    if (!op_fits(field, op))
        return refuse_op(query, field);
    if (op == CRM_OP_SET || op == CRM_OP_NOT_SET)
        return CRM_OK;
    if (text == NULL)
        return query_fail(query, CRM_INVALID, "%s.%s is compared with nothing", query->kind->name, field->name);
    if (length == CRM_NUL)
        length = strlen(text);
    if (type_is_ref(field->type) || field->type == CRM_TYPE_ID || field->type == CRM_TYPE_REFS)
        return ref_operand(query, field, operand, text, length);
    return text_operand(query, field, operand, op, text, length);
}

int32_t crm_query_where_text(crm_query *query, uint32_t number, int32_t op, const char *text, size_t length)
{
    if (query == NULL)
        return CRM_MISUSE;
    return query_where_text(query, schema_field(query->kind, number), number, op, text, length);
}

/* ---- judging ---- */

bool query_text(crm_query *query, const struct value *value, const char **text, size_t *length)
{
    struct buffer *scratch = &query->view->scratch2;
    if (value_text(value, scratch, text, length))
        return true;
    query->view->trouble = scratch->failed ? CRM_NOMEM : CRM_CORRUPT;
    return false;
}

int query_value(crm_query *query, struct field *field, uint32_t number, const struct row *row, struct value *value)
{
    if (query->version.offset != row->head) {
        int32_t status = version_of_row(query->view, query->kind, number, row, &query->version);
        if (status != CRM_OK) {
            query->version.offset = 0;
            (void)query_unread(query, status, row->head);
            return -1;
        }
    }
    if (field->number > CRM_FIELD_DELETED_AT)
        return version_field(&query->version, field, value);
    if (field->number == CRM_FIELD_ID)
        return 0;
    record_clear(&query->probe);
    query->probe.number = number;
    query->probe.identified = false;
    query->probe.version = query->version;
    query->probe.status = CRM_OK;
    int got = record_read_value(&query->probe, field, value);
    if (query->probe.status != CRM_OK)
        (void)query_unread(query, query->probe.status, row->head);
    return got;
}

static bool ordered(int32_t op, int compared)
{
    switch (op) {
    case CRM_OP_EQ: return compared == 0;
    case CRM_OP_NE: return compared != 0;
    case CRM_OP_LT: return compared < 0;
    case CRM_OP_LE: return compared <= 0;
    case CRM_OP_GT: return compared > 0;
    case CRM_OP_GE: return compared >= 0;
    default: return false;
    }
}

static bool text_answers(int32_t op, const uint8_t *text, size_t length, const struct operand *operand)
{
    size_t shorter = length < operand->length ? length : operand->length;
    if (op == CRM_OP_CONTAINS)
        return operand->length == 0 || memmem(text, length, operand->text, operand->length) != NULL;
    int compared = shorter == 0 ? 0 : memcmp(text, operand->text, shorter);
    if (op == CRM_OP_PREFIX)
        return length >= operand->length && compared == 0;
    return ordered(op, compared != 0 ? compared : (length > operand->length) - (length < operand->length));
}

static bool integer_answers(const struct predicate *condition, int64_t integer)
{
    bool any = false;
    for (uint32_t i = 0; i < condition->count; i++) {
        int64_t sought = condition->operands[i].integer;
        any |= ordered(condition->op, (integer > sought) - (integer < sought));
    }
    return any;
}

static bool value_answers(crm_query *query, const struct predicate *condition, const struct value *value)
{
    const struct field *field = condition->field;
    struct buffer *scratch = &query->scratch;
    const char *text;
    size_t length;
    if (value->what == VALUE_INT && field->type != CRM_TYPE_TEXT)
        return integer_answers(condition, value->integer);
    if (value->what == VALUE_REAL) {
        bool any = false;
        for (uint32_t i = 0; i < condition->count; i++) {
            double sought = condition->operands[i].real;
            any |= ordered(condition->op, (value->real > sought) - (value->real < sought));
        }
        return any;
    }
    if (!query_text(query, value, &text, &length))
        return false;
    scratch->length = 0;
    bool equal = condition->op == CRM_OP_EQ || condition->op == CRM_OP_NE;
    if ((field->flags & CRM_FLAG_KEY) && equal ? !domain_normalise(scratch, text, length)
                                               : !text_fold(scratch, text, length))
        return false;
    for (uint32_t i = 0; i < condition->count; i++)
        if (text_answers(condition->op, scratch->data, scratch->length, &condition->operands[i]))
            return true;
    return false;
}

static bool part_answers(crm_query *query, const struct predicate *condition, int32_t op, const struct part *part,
                         const struct part *system, const struct operand *operand)
{
    struct buffer *scratch = &query->scratch;
    struct phone phone;
    scratch->length = 0;
    switch (condition->field->type) {
    case CRM_TYPE_PHONES: {
        uint8_t own, sought;
        if (!phone_digits(part->text, part->length, &phone))
            return false;
        const char *digits = phone_significant(&phone, &own);
        const char *last = phone_significant(&operand->phone, &sought);
        if (op == CRM_OP_PREFIX)
            return own >= sought && memcmp(digits + own - sought, last, sought) == 0;
        return phone_matches(&phone, &operand->phone);
    }
    case CRM_TYPE_EMAILS:
        return email_normalise(scratch, part->text, part->length) &&
               text_answers(op, scratch->data, scratch->length, operand);
    case CRM_TYPE_EXTERNAL_IDS:
        if (text_answers(op, (const uint8_t *)part->text, part->length, operand))
            return true;
        if (system == NULL)
            return false;
        buffer_append(scratch, system->text, system->length);
        buffer_byte(scratch, ':');
        buffer_append(scratch, part->text, part->length);
        return !scratch->failed && text_answers(op, scratch->data, scratch->length, operand);
    default:
        return text_fold(scratch, part->text, part->length) &&
               text_answers(op, scratch->data, scratch->length, operand);
    }
}

static bool item_answers(crm_query *query, const struct predicate *condition, int32_t op, const struct item *item,
                         const struct operand *operand)
{
    struct item rest = *item;
    struct part part, system;
    bool has_system = part_find(item, CRM_PART_SYSTEM, &system);
    while (part_next(&rest, &part)) {
        if (part.what == CRM_PART_REF) {
            if (any_ref_pack(part.kind, part.number) == operand->integer)
                return true;
        } else if (!part_is_int(part.what) &&
                   (part.what == CRM_PART_VALUE || condition->field->type == CRM_TYPE_ADDRESSES) &&
                   part_answers(query, condition, op, &part, has_system ? &system : NULL, operand)) {
            return true;
        }
    }
    return false;
}

/* Any item may answer; "is not" means that none is. */
static bool list_answers(crm_query *query, const struct predicate *condition, const struct value *value)
{
    int32_t op = condition->op == CRM_OP_NE ? CRM_OP_EQ : condition->op;
    bool any = false;
    for (uint32_t i = 0; !any && i < condition->count; i++) {
        struct items items = items_open(value);
        struct item item;
        while (!any && items_next(&items, &item))
            any = item_answers(query, condition, op, &item, &condition->operands[i]);
    }
    return condition->op == CRM_OP_NE ? !any : any;
}

bool cell_get(const struct field *field, const void *cell, int64_t *integer)
{
    switch (field->width) {
    case 1: *integer = *(const uint8_t *)cell; return *integer != UINT8_MAX;
    case 2: *integer = *(const uint16_t *)cell; return *integer != UINT16_MAX;
    case 4:
        if (field->type == CRM_TYPE_DATE) {
            *integer = *(const int32_t *)cell;
            return *integer != INT32_MIN;
        }
        *integer = *(const uint32_t *)cell;
        return *integer != UINT32_MAX;
    default: *integer = *(const int64_t *)cell; return *integer != INT64_MIN;
    }
}

static bool judged(crm_query *query, const struct predicate *condition, int got, const struct value *value)
{
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
        return (got == 1) == (condition->op == CRM_OP_SET);
    if (got != 1)
        return got == 0 && condition->op == CRM_OP_NE;
    return type_is_list(condition->field->type) ? list_answers(query, condition, value)
                                                : value_answers(query, condition, value);
}

bool predicate_matches(crm_query *query, const struct predicate *condition, uint32_t number, const struct row *row,
                       bool current)
{
    struct field *field = condition->field;
    struct value value = {.what = VALUE_NONE};
    if (field->type == CRM_TYPE_ID) {
        if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
            return condition->op == CRM_OP_SET; /* every record has one */
        const crm_id *id = id_at(query->view->generation, query->kind, number);
        bool any = false;
        for (uint32_t i = 0; i < condition->count; i++)
            any |= memcmp(id, &condition->operands[i].id, sizeof *id) == 0;
        return condition->op == CRM_OP_NE ? !any : any;
    }
    if (current && field->column != 0 && field->type != CRM_TYPE_REAL) {
        const void *cell = column_at(query->view->generation->arena, field->column, number, field->width);
        if (cell != NULL) {
            int got = cell_get(field, cell, &value.integer);
            value.what = VALUE_INT;
            return judged(query, condition, got, &value);
        }
    }
    int got = query_value(query, field, number, row, &value);
    return judged(query, condition, got, &value);
}

bool query_matches(crm_query *query, uint32_t number, const struct row *row, bool current)
{
    bool deleted = (row->state & ROW_DELETED) != 0;
    if (query->deleted == CRM_DELETED_NO ? deleted : query->deleted == CRM_DELETED_ONLY && !deleted)
        return false;
    for (uint32_t i = 0; i < query->condition_count; i++)
        if (!(query->conditions[i].settled && current) &&
            !predicate_matches(query, &query->conditions[i], number, row, current && !deleted))
            return false;
    return true;
}
