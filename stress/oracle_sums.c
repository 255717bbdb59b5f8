/* oracle_sums: random groups with counts, sums, least and greatest values, held
 * against adding up the whole model.
 */
#include "oracle_answer.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 2, MEASURES_MAX = 3 };

struct key {
    uint32_t place, through; /* through: a place of the target's; UINT32_MAX: none */
    enum oracle_slot target;
    int32_t unit;
};

struct measure {
    uint32_t place;
    int32_t what;
};

struct sums {
    struct question question;
    struct key keys[KEYS_MAX];
    uint32_t key_count, measure_count;
    struct measure measures[MEASURES_MAX];
};

struct group {
    const struct sums *sums;
    struct oracle_value keys[KEYS_MAX]; /* integers also of references: their numbers */
    int64_t count, values[MEASURES_MAX];
    double reals[MEASURES_MAX];
    bool has[MEASURES_MAX];
    int64_t currency; /* 0: none seen */
    bool mixed;
};

/* ---- keys ---- */

/* The field whose values are the key. */
static const struct oracle_field *end_of(const struct sums *sums, uint32_t k)
{
    const struct key *key = &sums->keys[k];
    return key->through != UINT32_MAX ? &oracle_kind(key->target)->fields[key->through]
                                      : &oracle_kind(sums->question.slot)->fields[key->place];
}

static int64_t floor_days(int64_t time)
{
    return time / ORACLE_DAY - (time % ORACLE_DAY < 0);
}

/* The first day of the day or week (from Monday; day 0 was a Thursday). */
static int64_t cut(int32_t type, int32_t unit, int64_t value)
{
    int64_t day = type == CRM_TYPE_TIME ? floor_days(value) : value;
    int64_t weekday = ((day + 3) % 7 + 7) % 7;
    return unit == CRM_UNIT_WEEK ? day - weekday : day;
}

static struct oracle_value key_of(const struct oracle *oracle, const struct sums *sums, uint32_t k, uint32_t index)
{
    const struct key *key = &sums->keys[k];
    struct oracle_value value = *answer_shown(oracle, sums->question.slot, index, key->place);
    if (value.set && key->through != UINT32_MAX)
        value = *answer_shown(oracle, key->target, value.index, key->through);
    if (!value.set)
        return value;
    if (oracle_shape(end_of(sums, k)->type) == SHAPE_REF)
        value.integer = value.index;
    else if (key->unit != CRM_UNIT_NONE)
        value.integer = cut(end_of(sums, k)->type, key->unit, value.integer);
    return value;
}

static int compare_keys(int32_t type, const struct oracle_value *a, const struct oracle_value *b)
{
    if (a->set != b->set)
        return a->set ? -1 : 1; /* without a value last */
    if (!a->set)
        return 0;
    return type == CRM_TYPE_TEXT ? strcmp(a->text, b->text) : (a->integer > b->integer) - (a->integer < b->integer);
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *one = a, *two = b;
    int compared = 0;
    for (uint32_t k = 0; compared == 0 && k < one->sums->key_count; k++)
        compared = compare_keys(end_of(one->sums, k)->type, &one->keys[k], &two->keys[k]);
    return compared;
}

/* ---- adding up ---- */

static void add_value(struct group *group, uint32_t m, int32_t what, int64_t value)
{
    if (!group->has[m])
        group->values[m] = value;
    else if (what == CRM_MEASURE_SUM)
        group->values[m] += value;
    else if (what == CRM_MEASURE_MIN ? value < group->values[m] : value > group->values[m])
        group->values[m] = value;
    group->has[m] = true;
}

static void add_real(struct group *group, uint32_t m, int32_t what, double value)
{
    if (!group->has[m])
        group->reals[m] = value;
    else if (what == CRM_MEASURE_SUM)
        group->reals[m] += value;
    else if (what == CRM_MEASURE_MIN ? value < group->reals[m] : value > group->reals[m])
        group->reals[m] = value;
    group->has[m] = true;
}

static int64_t currency_of(const struct oracle *oracle, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_kind *kind = oracle_kind(slot);
    for (uint32_t place = 0; place < kind->field_count; place++)
        if (kind->fields[place].type == CRM_TYPE_CURRENCY && answer_shown(oracle, slot, index, place)->set)
            return answer_shown(oracle, slot, index, place)->integer;
    return oracle_currency(oracle);
}

static void add_record(const struct oracle *oracle, const struct sums *sums, struct group *group, uint32_t index)
{
    enum oracle_slot slot = sums->question.slot;
    group->count++;
    for (uint32_t m = 0; m < sums->measure_count; m++) {
        const struct measure *measure = &sums->measures[m];
        const struct oracle_value *value = answer_shown(oracle, slot, index, measure->place);
        if (!value->set)
            continue;
        int32_t type = oracle_kind(slot)->fields[measure->place].type;
        if (type == CRM_TYPE_REAL)
            add_real(group, m, measure->what, value->real);
        else
            add_value(group, m, measure->what, value->integer);
        if (type != CRM_TYPE_MONEY)
            continue;
        int64_t currency = currency_of(oracle, slot, index);
        group->mixed |= group->currency != 0 && group->currency != currency;
        group->currency = currency;
    }
}

static struct group *add_up(const struct oracle *oracle, const struct sums *sums, uint32_t *count)
{
    uint32_t records = oracle->sets[sums->question.slot].count, at;
    struct group *groups = calloc(records + 1, sizeof *groups);
    *count = 0;
    if (groups == NULL)
        abort();
    for (uint32_t i = 0; i < records; i++) {
        struct group own = {.sums = sums};
        if (!question_matches(oracle, &sums->question, i))
            continue;
        for (uint32_t k = 0; k < sums->key_count; k++)
            own.keys[k] = key_of(oracle, sums, k, i);
        for (at = 0; at < *count && compare_groups(&own, &groups[at]) != 0; at++)
            continue;
        if (at == *count)
            groups[(*count)++] = own;
        add_record(oracle, sums, &groups[at], i);
    }
    qsort(groups, *count, sizeof *groups, compare_groups);
    return groups;
}

/* ---- the table ---- */

static bool key_reads(const struct oracle *oracle, const struct sums *sums, const crm_table *table, uint64_t row,
                      uint32_t k, const struct oracle_value *key)
{
    crm_id id;
    if ((crm_table_has(table, row, k) != 0) != key->set)
        return false;
    if (!key->set)
        return true;
    switch (oracle_shape(end_of(sums, k)->type)) {
    case SHAPE_TEXT: return strcmp(crm_table_text(table, row, k, NULL), key->text) == 0;
    case SHAPE_REF: {
        const struct oracle_record *target = oracle_record(oracle, (enum oracle_slot)key->slot, key->index);
        return crm_table_id(table, row, k, &id) == CRM_OK &&
               (!target->identified || memcmp(&id, &target->id, sizeof id) == 0);
    }
    default: return crm_table_int(table, row, k) == key->integer;
    }
}

static bool measure_reads(const struct sums *sums, const crm_table *table, uint64_t row, uint32_t m,
                          const struct group *group)
{
    uint32_t column = sums->key_count + 1 + m;
    int32_t type = oracle_kind(sums->question.slot)->fields[sums->measures[m].place].type;
    if ((crm_table_has(table, row, column) != 0) != group->has[m])
        return false;
    if (!group->has[m])
        return true;
    if (type == CRM_TYPE_REAL)
        return !(crm_table_real(table, row, column) < group->reals[m]) &&
               !(crm_table_real(table, row, column) > group->reals[m]);
    return crm_table_int(table, row, column) == group->values[m] &&
           (type != CRM_TYPE_MONEY || crm_table_currency(table, row, column) == group->currency);
}

static bool group_reads(const struct oracle *oracle, const struct sums *sums, const crm_table *table, uint64_t row,
                        const struct group *group)
{
    bool right = true;
    for (uint32_t k = 0; k < sums->key_count; k++)
        right = right && key_reads(oracle, sums, table, row, k, &group->keys[k]);
    right = right && crm_table_int(table, row, sums->key_count) == group->count;
    for (uint32_t m = 0; right && m < sums->measure_count; m++)
        right = measure_reads(sums, table, row, m, group);
    return right;
}

static const char *check_table(const struct oracle *oracle, const struct sums *sums, crm_query *query,
                               const struct group *groups, uint32_t count)
{
    crm_table *table = NULL;
    uint32_t kind = oracle_kind(sums->question.slot)->number;
    int32_t expected = CRM_OK;
    const char *wrong = NULL;
    for (uint32_t i = 0; i < count; i++)
        expected = groups[i].mixed ? CRM_REFUSED : expected;
    int32_t status = crm_query_groups(query, &table, NULL);
    if (status != expected) {
        (void)oracle_wrong(oracle, "the groups of kind %u answer %d, not %d [%s]", kind, status, expected,
                           crm_query_explain(query));
        wrong = oracle_note_status(oracle, status);
    } else if (status == CRM_OK && crm_table_rows(table) != count) {
        wrong = oracle_wrong(oracle, "kind %u has %llu groups, not %u [%s]", kind,
                             (unsigned long long)crm_table_rows(table), count, crm_query_explain(query));
    }
    for (uint32_t i = 0; wrong == NULL && status == CRM_OK && i < count; i++)
        if (!group_reads(oracle, sums, table, i, &groups[i]))
            wrong = oracle_wrong(
                oracle, "kind %u: group %u of %u by field %u%s has %lld records and %lld, not %lld [%s]", kind, i,
                count, sums->key_count > 0 ? end_of(sums, 0)->number : 0, sums->key_count > 1 ? " and another" : "",
                (long long)crm_table_int(table, i, sums->key_count),
                (long long)crm_table_int(table, i, sums->key_count + 1), (long long)groups[i].count,
                crm_query_explain(query));
    crm_table_free(table);
    return wrong;
}

/* ---- which ---- */

static bool can_be_key(const struct oracle_field *field)
{
    int shape = oracle_shape(field->type);
    return shape != SHAPE_ITEMS && shape != SHAPE_REAL && field->type != CRM_TYPE_ANY_REF;
}

/* The kind that a reference of the model leads to. */
static enum oracle_slot target_of(const struct oracle *oracle, enum oracle_slot slot, uint32_t place)
{
    for (uint32_t i = 0; i < oracle->sets[slot].count; i++) {
        const struct oracle_value *value = answer_shown(oracle, slot, i, place);
        if (value->set)
            return (enum oracle_slot)value->slot;
    }
    return SLOT_COUNT; /* none is set: nothing is known of it */
}

static void choose_key(const struct oracle *oracle, struct choices *choices, struct sums *sums)
{
    enum oracle_slot slot = sums->question.slot;
    struct key key = {.place = choose(choices, oracle_kind(slot)->field_count), .through = UINT32_MAX};
    const struct oracle_field *field = &oracle_kind(slot)->fields[key.place];
    if (!can_be_key(field) || !question_has(oracle, slot, key.place))
        return;
    if (field->type == CRM_TYPE_REF && choose(choices, 2) != 0) {
        key.target = target_of(oracle, slot, key.place);
        uint32_t through = key.target == SLOT_COUNT ? 0 : choose(choices, oracle_kind(key.target)->field_count);
        if (key.target != SLOT_COUNT && can_be_key(&oracle_kind(key.target)->fields[through]) &&
            question_has(oracle, key.target, through))
            key.through = through;
    }
    if (key.through == UINT32_MAX && (field->type == CRM_TYPE_TIME || field->type == CRM_TYPE_DATE))
        key.unit = CRM_UNIT_DAY + (int32_t)choose(choices, 2);
    sums->keys[sums->key_count++] = key;
}

static void choose_measure(const struct oracle *oracle, struct choices *choices, struct sums *sums)
{
    enum oracle_slot slot = sums->question.slot;
    struct measure measure = {.place = choose(choices, oracle_kind(slot)->field_count)};
    int32_t type = oracle_kind(slot)->fields[measure.place].type;
    bool adds = type == CRM_TYPE_INT || type == CRM_TYPE_REAL || type == CRM_TYPE_MONEY || type == CRM_TYPE_BOOL;
    if ((!adds && type != CRM_TYPE_TIME && type != CRM_TYPE_DATE) || !question_has(oracle, slot, measure.place))
        return;
    measure.what = adds ? 1 + (int32_t)choose(choices, 3) : CRM_MEASURE_MIN + (int32_t)choose(choices, 2);
    sums->measures[sums->measure_count++] = measure;
}

const char *answer_sums(const struct oracle *oracle, crm_view *view, struct choices *choices)
{
    struct sums sums = {.question = {.slot = (enum oracle_slot)choose(choices, SLOT_COUNT), .order = UINT32_MAX}};
    uint32_t count;
    if (oracle->sets[sums.question.slot].count == 0)
        return NULL;
    if (choose(choices, 2) != 0)
        question_conditions(oracle, choices, &sums.question);
    for (uint32_t wanted = choose(choices, 2 * KEYS_MAX + 1); wanted > 0 && sums.key_count < KEYS_MAX; wanted--)
        choose_key(oracle, choices, &sums);
    for (uint32_t wanted = choose(choices, 3 * MEASURES_MAX); wanted > 0 && sums.measure_count < MEASURES_MAX; wanted--)
        choose_measure(oracle, choices, &sums);
    struct group *groups = add_up(oracle, &sums, &count);
    crm_query *query = question_pose(oracle, view, &sums.question);
    for (uint32_t k = 0; k < sums.key_count; k++)
        crm_query_group(query, oracle_kind(sums.question.slot)->fields[sums.keys[k].place].number,
                        sums.keys[k].through == UINT32_MAX ? 0 : end_of(&sums, k)->number, sums.keys[k].unit);
    for (uint32_t m = 0; m < sums.measure_count; m++)
        crm_query_measure(query, sums.measures[m].what,
                          oracle_kind(sums.question.slot)->fields[sums.measures[m].place].number);
    const char *wrong = query == NULL ? oracle_wrong(oracle, "the query of the groups cannot be made")
                                      : check_table(oracle, &sums, query, groups, count);
    crm_query_free(query);
    free(groups);
    return wrong;
}
