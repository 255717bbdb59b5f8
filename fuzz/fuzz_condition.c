/* fuzz_condition: queries over a small company.
 *
 * The first bytes choose view, kind, order and paging; then every line is a
 * condition: a byte for the field, one for the operator, and the operand as
 * text.  The answer is held against a plain filter over all records, which
 * reads each record through its getters and compares by the rules of
 * docs/VALUES.md and docs/TEXT.md; taken in pages, by cursors, it is the same;
 * groups add up to its count.  A line that begins with '@' is a cursor, one
 * with '#' what the pipeline is grouped by.
 */
#include "company.h"
#include "import.h"
#include "model/email.h"
#include "model/phone.h"
#include "model/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONDITIONS = 5, ROWS = 128, PAGE = 5 };
static const uint32_t kinds[] = {CRM_USER_KIND,        CRM_KIND_CONTACT,    CRM_KIND_CUSTOMER, CRM_KIND_OPPORTUNITY,
                                 CRM_KIND_INTERACTION, CRM_KIND_TRANSITION, CRM_KIND_STAGE};

struct condition {
    uint32_t field;
    int32_t type, op;
    struct input text;
    bool refused; /* the operand is nothing for the field */
    /* the operand as the setter reads it */
    int64_t integer;
    double real;
    struct buffer key; /* folded, lower case, … */
    bool key_good;
    struct phone phone;
    bool exact; /* a plain filter can tell */
};

struct question {
    uint32_t kind;
    int32_t deleted;
    uint32_t order;
    bool descending;
    uint32_t count;
    struct condition conditions[CONDITIONS];
};

static crm_db *db;

/* ---- operands ---- */

static bool is_list(int32_t type)
{
    return type >= CRM_TYPE_EMAILS;
}

static bool is_equality(int32_t op)
{
    return op == CRM_OP_EQ || op == CRM_OP_NE || op == CRM_OP_IN;
}

/* A scalar is read by the setter of a record that is never written. */
static void read_scalar(const struct question *question, struct condition *condition)
{
    crm_txn *txn = NULL;
    crm_error error;
    MUST_OK(crm_begin(db, &txn, &error), &error);
    crm_record *record = crm_create(txn, question->kind);
    bool fixed = (crm_field_flags(db, question->kind, condition->field) & CRM_FLAG_SYSTEM) != 0;
    int32_t status =
        crm_set_parsed(record, condition->field, (const char *)condition->text.at, input_left(&condition->text));
    condition->exact = !fixed && status == CRM_OK && crm_has(record, condition->field) == 1;
    if (condition->exact && condition->type == CRM_TYPE_REAL)
        condition->real = crm_real(record, condition->field);
    else if (condition->exact)
        condition->integer = crm_int(record, condition->field);
    crm_rollback(txn);
}

/* Letters that a prefix may spell in another way ("ae" finds ä). */
static bool spelled_otherwise(const struct condition *condition)
{
    const uint8_t *at = condition->text.at;
    for (; at < condition->text.end; at++)
        if (*at >= 0x80 || *at == 'e' || *at == 'E')
            return true;
    return false;
}

static void read_operand(const struct question *question, struct condition *condition)
{
    const void *text = condition->text.at;
    size_t length = input_left(&condition->text);
    uint32_t flags = crm_field_flags(db, question->kind, condition->field);
    buffer_init(&condition->key, memory_default());
    condition->exact = true;
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
        return;
    switch (condition->type) {
    case CRM_TYPE_TEXT:
        condition->exact = !(flags & CRM_FLAG_KEY) && !(condition->op == CRM_OP_PREFIX && spelled_otherwise(condition));
        /* fall through */
    case CRM_TYPE_TAGS:
    case CRM_TYPE_ADDRESSES: condition->key_good = text_fold(&condition->key, text, length); break;
    case CRM_TYPE_EMAILS:
        condition->key_good = is_equality(condition->op) ? email_normalise(&condition->key, text, length)
                                                         : text_lower(&condition->key, text, length);
        break;
    case CRM_TYPE_PHONES: condition->key_good = phone_digits(text, length, &condition->phone); break;
    case CRM_TYPE_EXTERNAL_IDS:
        buffer_append(&condition->key, text, length);
        condition->key_good = true;
        break;
    case CRM_TYPE_REF:
    case CRM_TYPE_ANY_REF:
    case CRM_TYPE_REFS:
    case CRM_TYPE_ID: condition->exact = false; break;
    default: read_scalar(question, condition); break;
    }
}

/* ---- the plain filter ---- */

static bool compared(int32_t op, int sign)
{
    switch (op) {
    case CRM_OP_IN:
    case CRM_OP_EQ: return sign == 0;
    case CRM_OP_NE: return sign != 0;
    case CRM_OP_LT: return sign < 0;
    case CRM_OP_LE: return sign <= 0;
    case CRM_OP_GT: return sign > 0;
    default: return sign >= 0;
    }
}

static bool bytes_answer(const struct condition *condition, const void *bytes, size_t length)
{
    const struct buffer *key = &condition->key;
    size_t shorter = length < key->length ? length : key->length;
    int sign = shorter == 0 ? 0 : memcmp(bytes, key->data, shorter);
    if (condition->op == CRM_OP_CONTAINS)
        return key->length == 0 || (length > 0 && memmem(bytes, length, key->data, key->length) != NULL);
    if (condition->op == CRM_OP_PREFIX)
        return length >= key->length && sign == 0;
    return compared(condition->op, sign != 0 ? sign : (length > key->length) - (length < key->length));
}

static bool folded_answers(const struct condition *condition, const char *text, size_t length)
{
    struct buffer folded;
    buffer_init(&folded, memory_default());
    bool answer = text_fold(&folded, text, length) && bytes_answer(condition, folded.data, folded.length);
    buffer_free(&folded);
    return answer;
}

static bool phone_answers(const struct condition *condition, const char *text, size_t length)
{
    struct phone phone;
    if (!phone_digits(text, length, &phone))
        return false;
    if (condition->op != CRM_OP_PREFIX)
        return phone_matches(&phone, &condition->phone);
    const char *own = phone.digits + strspn(phone.digits, "0");
    const char *last = condition->phone.digits + strspn(condition->phone.digits, "0");
    return strlen(own) >= strlen(last) && strcmp(own + strlen(own) - strlen(last), last) == 0;
}

static bool external_answers(const struct condition *condition, const crm_record *record, uint32_t item,
                             const char *text, size_t length)
{
    size_t system_length = 0;
    const char *system = crm_item_text(record, condition->field, item, CRM_PART_SYSTEM, &system_length);
    if (bytes_answer(condition, text, length))
        return true;
    if (system_length == 0)
        return false;
    struct dump whole = {0};
    dump_put(&whole, system, system_length);
    dump_put(&whole, ":", 1);
    dump_put(&whole, text, length);
    bool answer = bytes_answer(condition, whole.bytes, whole.length);
    free(whole.bytes);
    return answer;
}

static bool item_answers(const struct condition *condition, const crm_record *record, uint32_t item)
{
    static const int32_t parts[] = {CRM_PART_STREET,      CRM_PART_CITY,    CRM_PART_REGION,
                                    CRM_PART_POSTAL_CODE, CRM_PART_COUNTRY, CRM_PART_LABEL};
    size_t length = 0;
    const char *text = crm_item_text(record, condition->field, item, CRM_PART_VALUE, &length);
    struct buffer email;
    bool answer;
    switch (condition->type) {
    case CRM_TYPE_PHONES: return phone_answers(condition, text, length);
    case CRM_TYPE_EXTERNAL_IDS: return external_answers(condition, record, item, text, length);
    case CRM_TYPE_EMAILS:
        buffer_init(&email, memory_default());
        answer = email_normalise(&email, text, length) && bytes_answer(condition, email.data, email.length);
        buffer_free(&email);
        return answer;
    case CRM_TYPE_ADDRESSES:
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            text = crm_item_text(record, condition->field, item, parts[i], &length);
            if (length > 0 && folded_answers(condition, text, length))
                return true;
        }
        return false;
    default: return folded_answers(condition, text, length);
    }
}

static bool answers(const struct condition *condition, const crm_record *record)
{
    bool set = crm_has(record, condition->field) != 0;
    if (condition->op == CRM_OP_SET || condition->op == CRM_OP_NOT_SET)
        return set == (condition->op == CRM_OP_SET);
    if (!set)
        return condition->op == CRM_OP_NE;
    if (is_list(condition->type)) {
        struct condition positive = *condition;
        bool any = false;
        if (condition->op == CRM_OP_NE)
            positive.op = CRM_OP_EQ;
        for (uint32_t i = 0; i < crm_item_count(record, condition->field) && !any; i++)
            any = item_answers(&positive, record, i);
        return any != (condition->op == CRM_OP_NE);
    }
    if (condition->type == CRM_TYPE_TEXT) {
        size_t length = 0;
        const char *text = crm_text(record, condition->field, &length);
        return folded_answers(condition, text, length);
    }
    if (condition->type == CRM_TYPE_REAL) {
        double real = crm_real(record, condition->field);
        return compared(condition->op, (real > condition->real) - (real < condition->real));
    }
    int64_t integer = crm_int(record, condition->field);
    return compared(condition->op, (integer > condition->integer) - (integer < condition->integer));
}

/* Several "in" of one field are alternatives; all else must hold together. */
static bool matches(const struct question *question, const crm_record *record)
{
    for (uint32_t i = 0; i < question->count; i++) {
        const struct condition *condition = &question->conditions[i];
        bool any = answers(condition, record);
        for (uint32_t j = 0; condition->op == CRM_OP_IN && j < question->count && !any; j++)
            any = question->conditions[j].op == CRM_OP_IN && question->conditions[j].field == condition->field &&
                  answers(&question->conditions[j], record);
        if (!any)
            return false;
    }
    return true;
}

/* ---- asking ---- */

static crm_query *pose(crm_view *view, const struct question *question, bool ordered)
{
    crm_query *query = NULL;
    crm_error error;
    MUST_OK(crm_query_create(view, question->kind, &query, &error), &error);
    for (uint32_t i = 0; i < question->count; i++) {
        const struct condition *condition = &question->conditions[i];
        (void)crm_query_where_text(query, condition->field, condition->op, (const char *)condition->text.at,
                                   input_left(&condition->text));
    }
    (void)crm_query_deleted(query, question->deleted);
    if (ordered && question->order != 0)
        (void)crm_query_order(query, question->order, question->descending);
    return query;
}

struct answer {
    int32_t status;
    uint32_t count;
    crm_id ids[ROWS];
};

static void take(crm_query *query, struct answer *answer, uint32_t limit)
{
    crm_record *record = NULL;
    crm_error error = {0};
    int32_t status = CRM_OK;
    for (uint32_t taken = 0; taken < limit && (status = crm_query_next(query, &record, &error)) == CRM_OK; taken++) {
        MUST(answer->count < ROWS && crm_record_status(record) == CRM_OK);
        crm_record_id(record, &answer->ids[answer->count++]);
    }
    MUST(status == CRM_OK || status == CRM_DONE || error.message[0] != '\0');
    answer->status = status;
}

static bool contains(const struct answer *answer, const crm_id *id)
{
    for (uint32_t i = 0; i < answer->count; i++)
        if (memcmp(&answer->ids[i], id, sizeof *id) == 0)
            return true;
    return false;
}

/* Through cursors, each with a query of its own. */
static void check_pages(crm_view *view, const struct question *question, const struct answer *whole)
{
    struct answer pages = {.status = CRM_OK};
    char *cursor = NULL;
    while (pages.status == CRM_OK) {
        crm_query *query = pose(view, question, true);
        if (cursor != NULL)
            MUST(crm_query_after(query, cursor, CRM_NUL) == CRM_OK);
        free(cursor);
        cursor = NULL;
        take(query, &pages, PAGE);
        const char *text = crm_query_cursor(query);
        if (pages.status == CRM_OK) {
            MUST(text != NULL);
            cursor = strdup(text);
            MUST(cursor != NULL);
        }
        crm_query_free(query);
    }
    free(cursor);
    MUST(pages.status == CRM_DONE && pages.count == whole->count);
    MUST(memcmp(pages.ids, whole->ids, whole->count * sizeof *whole->ids) == 0);
}

static void check_groups(crm_view *view, const struct question *question, struct input *input, uint64_t count)
{
    crm_query *query = pose(view, question, false);
    crm_table *table = NULL;
    crm_error error = {0};
    uint8_t key = input_byte(input), through = input_byte(input), measure = input_byte(input);
    (void)crm_query_group(query, key, through, through % 7);
    if (measure & 0x80)
        (void)crm_query_group(query, measure & 0x3f, 0, measure & 1 ? CRM_UNIT_MONTH : CRM_UNIT_NONE);
    (void)crm_query_measure(query, 1 + measure % 3, 16 + measure % 32);
    int32_t status = crm_query_groups(query, &table, &error);
    if (status == CRM_OK) {
        uint64_t sum = 0;
        uint32_t column = 0;
        while (strcmp(crm_table_name(table, column), "count") != 0)
            column++;
        for (uint64_t row = 0; row < crm_table_rows(table); row++) {
            sum += (uint64_t)crm_table_int(table, row, column);
            for (uint32_t i = 0; i < crm_table_columns(table); i++)
                MUST(crm_table_text(table, row, i, NULL) != NULL);
        }
        MUST(sum == count);
    } else {
        MUST(error.message[0] != '\0');
    }
    crm_table_free(table);
    crm_query_free(query);
}

/* Every record, asked for without conditions, is in the answer or is not, as the filter says. */
static void check_filter(crm_view *view, const struct question *question, const struct answer *answer)
{
    struct question all = {.kind = question->kind, .deleted = question->deleted};
    crm_query *query = pose(view, &all, false);
    crm_record *record = NULL;
    crm_error error;
    int32_t status;
    bool exact = true;
    uint32_t expected = 0;
    for (uint32_t i = 0; i < question->count; i++)
        exact = exact && question->conditions[i].exact;
    while ((status = crm_query_next(query, &record, &error)) == CRM_OK) {
        crm_id id;
        crm_record_id(record, &id);
        bool matching = exact && matches(question, record);
        expected += matching;
        if (exact && matching != contains(answer, &id))
            fuzz_fail(__FILE__, __LINE__, matching ? "a record is missing" : "a record does not belong");
    }
    MUST(status == CRM_DONE && (!exact || expected == answer->count));
    crm_query_free(query);
}

static void check_question(crm_view *view, const struct question *question, struct input *groups)
{
    struct answer answer = {0}, unordered = {0};
    crm_query *query = pose(view, question, true);
    uint64_t count = 0;
    crm_error error;
    take(query, &answer, UINT32_MAX);
    MUST(crm_query_explain(query) != NULL);
    if (answer.status == CRM_DONE) {
        MUST(crm_query_count(query, &count, &error) == CRM_OK && count == answer.count);
        check_pages(view, question, &answer);
        check_filter(view, question, &answer);
        check_groups(view, question, groups, count);
        crm_query *plain = pose(view, question, false);
        take(plain, &unordered, UINT32_MAX);
        MUST(unordered.status == CRM_DONE && unordered.count == answer.count);
        for (uint32_t i = 0; i < answer.count; i++)
            MUST(contains(&unordered, &answer.ids[i]));
        crm_query_free(plain);
    } else {
        /* Refused: no operand that the setter takes may be the reason alone. */
        MUST(answer.count == 0);
    }
    crm_query_free(query);
}

/* ---- cursors and pipelines out of the blue ---- */

static void try_cursor(crm_view *view, const struct question *question, const struct input *text)
{
    struct answer answer = {0};
    crm_query *query = pose(view, question, true);
    int32_t status = crm_query_after(query, (const char *)text->at, input_left(text));
    take(query, &answer, UINT32_MAX);
    MUST(status == CRM_OK || answer.status != CRM_DONE);
    crm_query_free(query);
}

static void try_pipeline(crm_view *view, const struct input *text)
{
    crm_table *table = NULL;
    crm_error error = {0};
    char *by = strndup((const char *)text->at, input_left(text));
    MUST(by != NULL);
    int32_t status = crm_report_pipeline(view, by, &table, &error);
    MUST(status == CRM_OK || ((status == CRM_INVALID || status == CRM_REFUSED) && error.message[0] != '\0'));
    if (status == CRM_OK) {
        struct question deals = {.kind = CRM_KIND_OPPORTUNITY};
        crm_query *query = pose(view, &deals, false);
        uint64_t count = 0, sum = 0;
        uint32_t column = 0;
        MUST(crm_query_count(query, &count, &error) == CRM_OK);
        while (strcmp(crm_table_name(table, column), "deals") != 0)
            column++;
        for (uint64_t row = 0; row < crm_table_rows(table); row++)
            sum += (uint64_t)crm_table_int(table, row, column);
        MUST(sum == count);
        crm_query_free(query);
    }
    crm_table_free(table);
    free(by);
}

/* What a person may look for. */
static void try_find(crm_view *view, const struct question *question, const struct input *text)
{
    crm_error error = {0};
    crm_id id;
    int32_t status = crm_resolve(view, question->kind, (const char *)text->at, input_left(text), &id, &error);
    MUST(status == CRM_OK || error.message[0] != '\0');
    for (uint32_t i = 0; i < crm_field_count(db, question->kind); i++) {
        crm_record *record = NULL;
        uint32_t field = crm_field_at(db, question->kind, i);
        status = crm_find(view, question->kind, field, (const char *)text->at, input_left(text), &record, &error);
        MUST((status == CRM_OK) == (record != NULL));
        MUST(status == CRM_OK || status == CRM_NOT_FOUND || status == CRM_INVALID || status == CRM_DUPLICATE);
        MUST(record == NULL || (crm_record_deleted(record) == 0 && crm_has(record, field) != 0));
        crm_record_free(record);
    }
}

static bool read_condition(const struct question *question, struct input *line, struct condition *condition)
{
    uint8_t field = input_byte(line), op = input_byte(line);
    uint32_t count = crm_field_count(db, question->kind);
    *condition = (struct condition){.field = crm_field_at(db, question->kind, field % count), .op = 1 + op % 11};
    condition->type = crm_field_type(db, question->kind, condition->field);
    condition->text = *line;
    read_operand(question, condition);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, bytes + length};
    struct question question = {0};
    crm_view *view = NULL;
    crm_error error;
    if (db == NULL) {
        db = import_database("condition.crm");
        company_fill(db);
    }
    uint8_t how = input_byte(&input), order = input_byte(&input), past = input_byte(&input);
    question.kind = kinds[how % (sizeof kinds / sizeof *kinds)];
    question.deleted = past >> 6 & 1 ? CRM_DELETED_ALSO : past >> 7 ? CRM_DELETED_ONLY : CRM_DELETED_NO;
    question.descending = (how & 0x80) != 0;
    if (order != 0)
        question.order = crm_field_at(db, question.kind, order % crm_field_count(db, question.kind));
    struct input groups = {input.at, input_left(&input) < 3 ? input.end : input.at + 3};
    input.at = groups.end;
    if ((past & 0x3f) != 0)
        MUST_OK(crm_view_open_lsn(db, (past & 0x3f) % (crm_lsn(db) + 1), &view, &error), &error);
    else
        MUST_OK(crm_view_open(db, &view, &error), &error);
    while (input.at < input.end) {
        struct input line = input_until(&input, '\n');
        if (input_left(&line) > 0 && line.at[0] == '@') {
            line.at++;
            try_cursor(view, &question, &line);
        } else if (input_left(&line) > 0 && line.at[0] == '#') {
            line.at++;
            try_pipeline(view, &line);
        } else if (input_left(&line) > 0 && line.at[0] == '?') {
            line.at++;
            try_find(view, &question, &line);
        } else if (question.count < CONDITIONS &&
                   read_condition(&question, &line, &question.conditions[question.count])) {
            question.count++;
        }
    }
    check_question(view, &question, &groups);
    for (uint32_t i = 0; i < question.count; i++)
        buffer_free(&question.conditions[i].key);
    crm_view_close(view);
    return 0;
}
