/* pipeline_key: what deals can be grouped by, and how a group is named and sorted.
 *
 * A key's value is a small number read from the deal (a record number, a code,
 * the first day of a period), so that finding a deal's group reads no other
 * record; the group's name is looked up once, for its first deal.  Values that
 * lead to one name (two users of one region) are joined when rows are sorted.
 */
#include "crm/pipeline.h"
#include "crm/rules.h"
#include "model/moment.h"
#include "model/record.h"
#include "model/table.h"
#include "model/text.h"
#include "sys/error.h"

#include <string.h>

static const struct pipeline_key all_keys[] = {
    {"stage", CRM_OPPORTUNITY_STAGE, 0, CRM_TYPE_REF, -1},
    {"pipeline", CRM_OPPORTUNITY_PIPELINE, 0, CRM_TYPE_REF, -1},
    {"owner", CRM_FIELD_OWNER, 0, CRM_TYPE_REF, -1},
    {"owner.region", CRM_FIELD_OWNER, CRM_USER_REGION, CRM_TYPE_TEXT, -1},
    {"owner.team", CRM_FIELD_OWNER, CRM_USER_TEAM, CRM_TYPE_TEXT, -1},
    {"product", CRM_OPPORTUNITY_PRODUCT, 0, CRM_TYPE_REF, -1},
    {"customer", CRM_OPPORTUNITY_CUSTOMER, 0, CRM_TYPE_REF, -1},
    {"campaign", CRM_OPPORTUNITY_CAMPAIGN, 0, CRM_TYPE_REF, -1},
    {"quarter", CRM_OPPORTUNITY_CLOSE_DATE, 0, CRM_TYPE_TEXT, PERIOD_QUARTER},
    {"month", CRM_OPPORTUNITY_CLOSE_DATE, 0, CRM_TYPE_TEXT, PERIOD_MONTH},
    {"year", CRM_OPPORTUNITY_CLOSE_DATE, 0, CRM_TYPE_TEXT, PERIOD_YEAR},
    {"type", CRM_OPPORTUNITY_TYPE, 0, CRM_TYPE_CHOICE, -1},
    {"forecast", CRM_OPPORTUNITY_FORECAST, 0, CRM_TYPE_CHOICE, -1},
    {"outcome", CRM_OPPORTUNITY_OUTCOME, 0, CRM_TYPE_CHOICE, -1},
    {"currency", CRM_OPPORTUNITY_CURRENCY, 0, CRM_TYPE_CURRENCY, -1},
};
enum { KEY_COUNT = sizeof all_keys / sizeof all_keys[0] };

static int32_t unknown_key(const char *name, size_t length, crm_error *error)
{
    char known[256];
    size_t used = 0;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        size_t size = strlen(all_keys[i].name);
        if (used + size + 3 > sizeof known)
            break;
        if (i > 0) {
            memcpy(known + used, ", ", 2);
            used += 2;
        }
        memcpy(known + used, all_keys[i].name, size);
        used += size;
    }
    known[used] = '\0';
    return error_set(error, CRM_INVALID, "the pipeline cannot be grouped by \"%.*s\"; there is: %s",
                     (int)(length > 63 ? 63 : length), name, known);
}

int32_t pipeline_keys(const char *by, struct pipeline_key keys[PIPELINE_KEYS_MAX], uint32_t *count, crm_error *error)
{
    const char *at = by != NULL && by[0] != '\0' ? by : "stage";
    const char *end = at + strlen(at);
    const char *name;
    size_t length;

    *count = 0;
    while (rules_next_name(&at, end, &name, &length)) {
        size_t i = 0;
        while (i < KEY_COUNT && (strlen(all_keys[i].name) != length || memcmp(all_keys[i].name, name, length) != 0))
            i++;
        if (i == KEY_COUNT)
            return unknown_key(name, length, error);
        if (*count == PIPELINE_KEYS_MAX)
            return error_set(error, CRM_INVALID, "the pipeline is grouped by at most %d keys", PIPELINE_KEYS_MAX);
        keys[(*count)++] = all_keys[i];
    }
    return *count > 0 ? CRM_OK : error_set(error, CRM_INVALID, "the pipeline is grouped by no key: \"%s\"", by);
}

int64_t pipeline_value(const struct pipeline_key *key, const crm_record *deal)
{
    struct value value;

    if (record_value(deal, key->field, &value) != 1)
        return PIPELINE_NO_KEY;
    return key->period < 0 ? value.integer : period_start((int32_t)value.integer, key->period);
}

/* ------------------------------------------------------------ labels */

static int32_t keep_text(struct pipeline_label *label, const struct memory *memory, const char *text, size_t length,
                         crm_error *error)
{
    struct buffer folded;

    buffer_init(&folded, memory);
    label->text = memory_text(memory, text, length);
    label->length = length;
    (void)text_fold(&folded, text, length);
    label->sort = memory_text(memory, (const char *)folded.data, folded.length);
    bool fine = label->text != NULL && label->sort != NULL && !folded.failed;
    buffer_free(&folded);
    return fine ? CRM_OK : error_nomem(error);
}

static int64_t order_of(const crm_record *record, uint32_t field)
{
    return crm_has(record, field) ? crm_int(record, field) : INT64_MAX;
}

/* Stages follow their pipelines' order, then their own. */
static int32_t rank_stage(struct pipeline_label *label, crm_view *view, const crm_record *stage, crm_error *error)
{
    crm_record *pipeline = NULL;
    crm_id id;
    int32_t status = CRM_OK;

    label->ranks[2] = order_of(stage, CRM_STAGE_ORDER);
    if (crm_ref(stage, CRM_STAGE_PIPELINE, NULL, &id) != CRM_OK)
        return CRM_OK;
    status = crm_get(view, CRM_KIND_PIPELINE, &id, &pipeline, error);
    if (status == CRM_OK) {
        label->ranks[0] = order_of(pipeline, CRM_PIPELINE_ORDER);
        label->ranks[1] = pipeline->number;
    }
    crm_record_free(pipeline);
    return status;
}

static int32_t label_reference(struct pipeline_label *label, const struct pipeline_key *key, crm_view *view,
                               const crm_record *deal, crm_error *error)
{
    const struct memory *memory = db_memory(crm_view_db(view));
    crm_record *target = NULL;
    uint32_t kind;
    size_t length;

    int32_t status = crm_ref(deal, key->field, &kind, &label->id);
    if (status == CRM_OK)
        status = crm_get(view, kind, &label->id, &target, error);
    if (status != CRM_OK)
        return status;
    if (key->through != 0) {
        const char *text = crm_text(target, key->through, &length);
        if (crm_has(target, key->through))
            status = keep_text(label, memory, text, length, error);
    } else {
        const char *title = crm_title(target, &length);
        label->has_id = true;
        status = keep_text(label, memory, title, length, error);
        if (status == CRM_OK && kind == CRM_KIND_STAGE)
            status = rank_stage(label, view, target, error);
        else if (kind == CRM_KIND_PIPELINE)
            label->ranks[0] = order_of(target, CRM_PIPELINE_ORDER);
    }
    if (status == CRM_OK && (status = crm_record_status(target)) != CRM_OK)
        status = error_unread(error, status, "a record");
    crm_record_free(target);
    return status;
}

int32_t pipeline_label(struct pipeline_label *label, const struct pipeline_key *key, crm_view *view,
                       const crm_record *deal, crm_error *error)
{
    crm_db *db = crm_view_db(view);
    int64_t value = pipeline_value(key, deal);
    char period[MOMENT_TEXT_SIZE];

    *label = (struct pipeline_label){0};
    if (value == PIPELINE_NO_KEY)
        return CRM_OK;
    if (key->what == CRM_TYPE_REF || key->through != 0)
        return label_reference(label, key, view, deal, error);
    label->ranks[0] = value;
    if (key->period >= 0) {
        size_t length = period_name((int32_t)value, key->period, period);
        return keep_text(label, db_memory(db), period, length, error);
    }
    const char *name = key->what == CRM_TYPE_CURRENCY ? crm_currency_code((int32_t)value)
                                                      : crm_choice_name(db, CRM_KIND_OPPORTUNITY, key->field, value);
    if (name == NULL)
        name = "?";
    return keep_text(label, db_memory(db), name, strlen(name), error);
}

void pipeline_label_free(struct pipeline_label *label, const struct memory *memory)
{
    memory_free(memory, label->text);
    memory_free(memory, label->sort);
    *label = (struct pipeline_label){0};
}

static int compare_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int pipeline_compare(const struct pipeline_key *key, const struct pipeline_label *a, int64_t a_value,
                     const struct pipeline_label *b, int64_t b_value)
{
    if (a->text == NULL || b->text == NULL)
        return (a->text == NULL) - (b->text == NULL);
    for (size_t i = 0; i < PIPELINE_RANKS; i++) {
        int order = compare_ints(a->ranks[i], b->ranks[i]);
        if (order != 0)
            return order;
    }
    int order = strcmp(a->sort, b->sort);
    if (order == 0)
        order = strcmp(a->text, b->text);
    /* Two customers of one name are two rows, two users of one region are not. */
    return order != 0 || key->through != 0 ? order : compare_ints(a_value, b_value);
}

void pipeline_put(crm_table *table, uint32_t column, const struct pipeline_key *key, const struct pipeline_label *label,
                  int64_t value)
{
    if (label->text == NULL)
        return;
    if (key->what == CRM_TYPE_REF)
        table_put_ref(table, column, label->text, label->length, label->has_id ? &label->id : NULL);
    else if (key->what == CRM_TYPE_TEXT)
        table_put_text(table, column, label->text, label->length);
    else
        table_put_choice(table, column, value, label->text);
}
