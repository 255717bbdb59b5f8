/* Groups against brute force: random keys, units, measures and conditions over
 * columns and over plain fields, in views of now and before. */
#include "domain_fixture.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGETS = 12, THINGS = 9000, GROUPS_MAX = 4000, KEYS_MAX = 3, MEASURES_MAX = 3 };
enum { CHOICE, NUMBER, PLAIN, DAY, MOMENT, AMOUNT, CURRENCY, TARGET, WORD, WEIGHT, FIELDS };
#define UNSET INT64_MIN

struct thing {
    crm_id id;
    bool deleted;
    int64_t values[FIELDS]; /* UNSET: not set; a word: a letter; a weight: quarters */
};

static struct {
    crm_db *db;
    uint32_t kind, target_kind, fields[FIELDS], region, since;
    crm_id targets[TARGETS];
    int64_t regions[TARGETS], days[TARGETS];
    struct thing things[THINGS];
    uint32_t count, seed;
} world;

static struct thing old[THINGS];

static uint32_t below(uint32_t limit)
{
    world.seed = world.seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)world.seed * limit >> 32);
}

static uint32_t add(crm_txn *txn, uint32_t kind, const char *name, int32_t type, uint32_t flags, uint32_t target)
{
    uint32_t field = 0;
    ck_assert_int_eq(crm_field_add(txn, kind, name, CRM_NUL, type, flags, target, &field), CRM_OK);
    return field;
}

static void define(crm_txn *txn)
{
    static const char *const names[] = {"one", "two", "three", "four"};
    uint32_t *f = world.fields;
    crm_kind_add(txn, "target", CRM_NUL, &world.target_kind);
    world.region = add(txn, world.target_kind, "region", CRM_TYPE_TEXT, 0, 0);
    world.since = add(txn, world.target_kind, "since", CRM_TYPE_DATE, 0, 0);
    crm_kind_add(txn, "thing", CRM_NUL, &world.kind);
    f[CHOICE] = add(txn, world.kind, "choice", CRM_TYPE_CHOICE, CRM_FLAG_HOT | CRM_FLAG_INDEXED, 0);
    f[NUMBER] = add(txn, world.kind, "number", CRM_TYPE_INT, CRM_FLAG_HOT | CRM_FLAG_INDEXED, 0);
    f[PLAIN] = add(txn, world.kind, "plain", CRM_TYPE_INT, 0, 0);
    f[DAY] = add(txn, world.kind, "day", CRM_TYPE_DATE, CRM_FLAG_HOT, 0);
    f[MOMENT] = add(txn, world.kind, "moment", CRM_TYPE_TIME, CRM_FLAG_HOT, 0);
    f[AMOUNT] = add(txn, world.kind, "amount", CRM_TYPE_MONEY, CRM_FLAG_HOT, 0);
    f[CURRENCY] = add(txn, world.kind, "currency", CRM_TYPE_CURRENCY, CRM_FLAG_HOT, 0);
    f[TARGET] = add(txn, world.kind, "target", CRM_TYPE_REF, CRM_FLAG_HOT, world.target_kind);
    f[WORD] = add(txn, world.kind, "word", CRM_TYPE_TEXT, 0, 0);
    f[WEIGHT] = add(txn, world.kind, "weight", CRM_TYPE_REAL, CRM_FLAG_HOT, 0);
    for (int i = 0; i < 4; i++)
        crm_choice_add(txn, world.kind, f[CHOICE], names[i], CRM_NUL, NULL);
    for (int i = 0; i < TARGETS; i++) {
        char letter[2] = {(char)('A' + i % 4), 0};
        crm_record *target = crm_create(txn, world.target_kind);
        crm_record_id(target, &world.targets[i]);
        world.regions[i] = i % 5 == 4 ? UNSET : i % 4;
        world.days[i] = DOMAIN_DAY - 40 * i;
        if (world.regions[i] != UNSET)
            crm_set_text(target, world.region, letter, 1);
        crm_set_int(target, world.since, world.days[i]);
    }
}

static int64_t random_value(int field)
{
    switch (field) {
    case CHOICE: return 1 + below(4);
    case DAY: return DOMAIN_DAY - below(500);
    case MOMENT: return DOMAIN_NOW - (int64_t)below(4000) * DAY_US / 8;
    case CURRENCY: return below(3) == 0 ? 840 : 978;
    case TARGET: return below(TARGETS);
    case WORD: return below(5);
    case WEIGHT: return (int64_t)below(40) - 20;
    default: return (int64_t)below(50) - 10;
    }
}

static void set_value(crm_record *record, int field, int64_t value)
{
    char letter[2] = {(char)('a' + value % 26), 0};
    int32_t status;
    if (value == UNSET)
        status = crm_set_null(record, world.fields[field]);
    else if (field == WORD)
        status = crm_set_text(record, world.fields[field], letter, 1);
    else if (field == WEIGHT)
        status = crm_set_real(record, world.fields[field], (double)value / 4);
    else if (field == TARGET)
        status = crm_set_ref(record, world.fields[field], world.target_kind, &world.targets[value]);
    else
        status = crm_set_int(record, world.fields[field], value);
    ck_assert_int_eq(status, CRM_OK);
}

static void make_thing(crm_txn *txn)
{
    struct thing *thing = &world.things[world.count++];
    crm_record *record = crm_create(txn, world.kind);
    thing->deleted = false;
    crm_record_id(record, &thing->id);
    for (int f = 0; f < FIELDS; f++) {
        thing->values[f] = below(6) == 0 ? UNSET : random_value(f);
        set_value(record, f, thing->values[f]);
    }
}

static void change_things(crm_txn *txn, int changes)
{
    while (changes-- > 0) {
        struct thing *thing = &world.things[below(world.count)];
        crm_record *record = crm_edit(txn, world.kind, &thing->id);
        if (thing->deleted || below(4) == 0) {
            ck_assert_int_eq(thing->deleted ? crm_restore(record) : crm_delete(record), CRM_OK);
            thing->deleted = !thing->deleted;
        } else {
            int field = (int)below(FIELDS);
            thing->values[field] = below(5) == 0 ? UNSET : random_value(field);
            set_value(record, field, thing->values[field]);
        }
        ck_assert_int_eq(crm_txn_status(txn, NULL), CRM_OK);
    }
}

/* ---- the question and its answer by brute force ---- */

struct question {
    int keys[KEYS_MAX], units[KEYS_MAX], measured[MEASURES_MAX], measures[MEASURES_MAX];
    bool through[KEYS_MAX];                      /* the target's region or, for a unit, its day */
    int key_count, measure_count, condition, op; /* condition -1: none */
    int64_t operand;
};

struct expected {
    int64_t keys[KEYS_MAX], count, values[MEASURES_MAX], currency;
};

static struct expected groups[GROUPS_MAX];

static struct question random_question(void)
{
    static const int measured[] = {NUMBER, PLAIN, AMOUNT, WEIGHT, DAY, MOMENT};
    static const int conditions[] = {CHOICE, NUMBER, PLAIN, DAY, AMOUNT};
    struct question q = {.condition = -1};
    if (below(8) == 0) { /* what an index can count */
        q.key_count = 1;
        q.keys[0] = CHOICE;
        return q;
    }
    q.key_count = (int)below(KEYS_MAX + 1);
    for (int k = 0; k < q.key_count; k++) {
        q.keys[k] = (int)below(WEIGHT); /* any but the real */
        bool timed = q.keys[k] == DAY || q.keys[k] == MOMENT;
        q.units[k] = timed ? 1 + (int)below(5) : 0;
        q.through[k] = q.keys[k] == TARGET && below(2) == 0;
        if (q.through[k] && below(2) == 0)
            q.units[k] = CRM_UNIT_MONTH + (int)below(3);
    }
    q.measure_count = (int)below(MEASURES_MAX + 1);
    for (int m = 0; m < q.measure_count; m++) {
        q.measured[m] = measured[below(6)];
        bool sums = q.measured[m] != DAY && q.measured[m] != MOMENT;
        q.measures[m] = sums ? 1 + (int)below(3) : CRM_MEASURE_MIN + (int)below(2);
    }
    if (below(3) > 0) {
        q.condition = conditions[below(5)];
        q.op = CRM_OP_EQ + (int)below(6);
        q.operand = random_value(q.condition);
    }
    return q;
}

/* Days to civil and back for what a unit needs, from the calendar of the public interface. */
static int64_t start_of(int64_t day, int unit)
{
    char text[16];
    int32_t start;
    if (unit == CRM_UNIT_DAY)
        return day;
    if (unit == CRM_UNIT_WEEK)
        return day - (day + 3) % 7; /* 1970-01-01, day 0, was a Thursday; weeks begin on Monday */
    crm_date_format((int32_t)day, text);
    int month = (text[5] - '0') * 10 + text[6] - '0';
    month = unit == CRM_UNIT_YEAR ? 1 : unit == CRM_UNIT_QUARTER ? (month - 1) / 3 * 3 + 1 : month;
    text[5] = (char)('0' + month / 10);
    text[6] = (char)('0' + month % 10);
    memcpy(text + 8, "01", 2);
    ck_assert_int_eq(crm_date_parse(text, CRM_NUL, 0, &start), CRM_OK);
    return start;
}

static int64_t key_of(const struct question *q, int k, const struct thing *thing)
{
    int64_t value = thing->values[q->keys[k]];
    if (value == UNSET)
        return UNSET;
    if (q->through[k])
        return q->units[k] != 0 ? start_of(world.days[value], q->units[k]) : world.regions[value];
    if (q->keys[k] == MOMENT)
        return start_of(value / DAY_US, q->units[k]);
    return q->keys[k] == DAY ? start_of(value, q->units[k]) : value;
}

static bool answers(const struct question *q, const struct thing *thing)
{
    int64_t value = q->condition < 0 ? 0 : thing->values[q->condition];
    if (thing->deleted)
        return false;
    if (q->condition < 0)
        return true;
    if (value == UNSET)
        return q->op == CRM_OP_NE;
    int order = (value > q->operand) - (value < q->operand);
    switch (q->op) {
    case CRM_OP_EQ: return order == 0;
    case CRM_OP_NE: return order != 0;
    case CRM_OP_LT: return order < 0;
    case CRM_OP_LE: return order <= 0;
    case CRM_OP_GT: return order > 0;
    default: return order >= 0;
    }
}

static int compare_keys(const struct question *q, const int64_t *a, const int64_t *b)
{
    for (int k = 0; k < q->key_count; k++)
        if (a[k] != b[k])
            return a[k] == UNSET ? 1 : b[k] == UNSET ? -1 : a[k] < b[k] ? -1 : 1; /* without: last */
    return 0;
}

static void add_value(const struct question *q, int m, int64_t value, int64_t *sum)
{
    if (value == UNSET)
        return;
    if (*sum == UNSET)
        *sum = value;
    else if (q->measures[m] == CRM_MEASURE_SUM)
        *sum += value;
    else if (q->measures[m] == CRM_MEASURE_MIN ? value < *sum : value > *sum)
        *sum = value;
}

/* How many groups; -1: money of several currencies. */
static int expect(const struct question *q, const struct thing *things, uint32_t count)
{
    int found = 0;
    bool mixed = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!answers(q, &things[i]))
            continue;
        int64_t keys[KEYS_MAX] = {0};
        for (int k = 0; k < q->key_count; k++)
            keys[k] = key_of(q, k, &things[i]);
        int low = 0, high = found;
        while (low < high) {
            int middle = (low + high) / 2;
            if (compare_keys(q, groups[middle].keys, keys) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        struct expected *group = &groups[low];
        if (low == found || compare_keys(q, group->keys, keys) != 0) {
            if (found == GROUPS_MAX)
                return -2;
            memmove(group + 1, group, (size_t)(found++ - low) * sizeof *group);
            *group = (struct expected){{keys[0], keys[1], keys[2]}, 0, {UNSET, UNSET, UNSET}, 0};
        }
        group->count++;
        for (int m = 0; m < q->measure_count; m++) {
            int64_t value = things[i].values[q->measured[m]];
            add_value(q, m, value, &group->values[m]);
            if (q->measured[m] != AMOUNT || value == UNSET)
                continue;
            int64_t currency = things[i].values[CURRENCY] == UNSET ? 978 : things[i].values[CURRENCY];
            mixed = mixed || (group->currency != 0 && group->currency != currency);
            group->currency = currency;
        }
    }
    return mixed ? -1 : found;
}

static void check_cell(const struct question *q, const crm_table *table, uint64_t row, int k, int64_t key)
{
    uint32_t column = (uint32_t)k;
    char letter[2] = "";
    crm_id id;
    ck_assert_int_eq(crm_table_has(table, row, column), key != UNSET);
    if (key == UNSET)
        return;
    if (q->keys[k] == WORD || (q->through[k] && q->units[k] == 0)) {
        letter[0] = (char)((q->keys[k] == WORD ? 'a' : 'A') + key);
        ck_assert_str_eq(crm_table_text(table, row, column, NULL), letter);
    } else if (q->keys[k] == TARGET && !q->through[k]) {
        ck_assert_int_eq(crm_table_id(table, row, column, &id), CRM_OK);
        ck_assert_int_eq(memcmp(&id, &world.targets[key], sizeof id), 0);
    } else {
        ck_assert_int_eq(crm_table_int(table, row, column), key);
    }
}

static void check_measure(const struct question *q, const crm_table *table, uint64_t row, int m,
                          const struct expected *group)
{
    uint32_t column = (uint32_t)(q->key_count + 1 + m);
    ck_assert_int_eq(crm_table_has(table, row, column), group->values[m] != UNSET);
    if (group->values[m] == UNSET)
        return;
    if (q->measured[m] == WEIGHT)
        ck_assert(crm_table_real(table, row, column) == (double)group->values[m] / 4);
    else
        ck_assert_int_eq(crm_table_int(table, row, column), group->values[m]);
    if (q->measured[m] == AMOUNT)
        ck_assert_int_eq(crm_table_currency(table, row, column), group->currency);
}

static void check(crm_view *view, const struct thing *things, uint32_t count)
{
    struct question q = random_question();
    int found = expect(&q, things, count);
    crm_query *query = NULL;
    crm_table *table = NULL;
    crm_error error;
    if (found == -2)
        return;
    ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
    if (q.condition >= 0)
        crm_query_where_int(query, world.fields[q.condition], q.op, q.operand);
    for (int k = 0; k < q.key_count; k++)
        crm_query_group(query, world.fields[q.keys[k]],
                        q.through[k] ? (q.units[k] != 0 ? world.since : world.region) : 0, q.units[k]);
    for (int m = 0; m < q.measure_count; m++)
        crm_query_measure(query, q.measures[m], world.fields[q.measured[m]]);
    int32_t status = crm_query_groups(query, &table, &error);
    ck_assert_msg(status == (found < 0 ? CRM_REFUSED : CRM_OK), "%s", status == CRM_OK ? "mixed" : error.message);
    if (status == CRM_OK) {
        ck_assert_uint_eq(crm_table_columns(table), (uint32_t)(q.key_count + 1 + q.measure_count));
        ck_assert_uint_eq(crm_table_rows(table), (uint64_t)found);
        for (int i = 0; i < found; i++) {
            for (int k = 0; k < q.key_count; k++)
                check_cell(&q, table, (uint64_t)i, k, groups[i].keys[k]);
            ck_assert_int_eq(crm_table_int(table, (uint64_t)i, (uint32_t)q.key_count), groups[i].count);
            for (int m = 0; m < q.measure_count; m++)
                check_measure(&q, table, (uint64_t)i, m, &groups[i]);
        }
    }
    crm_table_free(table);
    crm_query_free(query);
}

START_TEST(groups_are_what_brute_force_adds_up)
{
    memset(&world, 0, sizeof world);
    world.seed = 31 + (uint32_t)_i;
    world.db = domain_open();
    crm_txn *txn = domain_begin(world.db);
    uint32_t many = _i == 0 ? THINGS : 300; /* over several blocks of columns, or many small rounds */
    define(txn);
    while (world.count < many)
        make_thing(txn);
    check(crm_txn_view(txn), world.things, world.count);
    domain_commit(txn);
    for (int round = 0; round < (_i == 0 ? 3 : 8); round++) {
        crm_view *before = domain_view(world.db);
        memcpy(old, world.things, sizeof old);
        for (int n = 0; n < 30; n++)
            check(before, world.things, world.count);
        txn = domain_begin(world.db);
        change_things(txn, 60);
        for (int n = 0; n < 8; n++) {
            check(crm_txn_view(txn), world.things, world.count);
            check(before, old, world.count);
        }
        domain_commit(txn);
        crm_view *past = NULL;
        ck_assert_int_eq(crm_view_open_lsn(world.db, crm_view_lsn(before), &past, NULL), CRM_OK);
        for (int n = 0; n < 8; n++) {
            check(before, old, world.count);
            check(past, old, world.count);
        }
        crm_view_close(past);
        crm_view_close(before);
    }
    domain_close(world.db);
}
END_TEST

/* A number that no cell can hold matches none, and not another by its low bits. */
START_TEST(what_no_cell_can_hold_is_in_no_group)
{
    static const int64_t sought[] = {65537, 65535, -1, INT64_C(4294967297), INT64_MAX, INT64_MIN, 255, 256};
    memset(&world, 0, sizeof world);
    world.seed = 5;
    world.db = domain_open();
    crm_txn *txn = domain_begin(world.db);
    define(txn);
    while (world.count < 200)
        make_thing(txn);
    domain_commit(txn);
    crm_view *view = domain_view(world.db);
    for (size_t i = 0; i < sizeof sought / sizeof sought[0]; i++)
        for (int field = CHOICE; field <= CURRENCY; field++)
            for (int grouped = 0; grouped < 2; grouped++) {
                crm_query *query = NULL;
                crm_table *table = NULL;
                uint64_t count = 99;
                if (sought[i] == -1 && (field == NUMBER || field == PLAIN || field == AMOUNT))
                    continue; /* these hold it */
                ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
                crm_query_where_int(query, world.fields[field], CRM_OP_EQ, sought[i]);
                if (grouped) {
                    ck_assert_int_eq(crm_query_groups(query, &table, NULL), CRM_OK);
                    count = crm_table_rows(table);
                } else {
                    ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
                }
                ck_assert_msg(count == 0, "field %d, number %lld: %llu", field, (long long)sought[i],
                              (unsigned long long)count);
                crm_table_free(table);
                crm_query_free(query);
            }
    crm_view_close(view);
    domain_close(world.db);
}
END_TEST

START_TEST(what_cannot_be_grouped_or_measured_is_refused)
{
    memset(&world, 0, sizeof world);
    world.db = domain_open();
    crm_txn *txn = domain_begin(world.db);
    define(txn);
    uint32_t any = add(txn, world.kind, "any", CRM_TYPE_ANY_REF, 0, 0);
    uint32_t real = add(txn, world.target_kind, "real", CRM_TYPE_REAL, 0, 0);
    uint32_t other = add(txn, world.target_kind, "other", CRM_TYPE_ANY_REF, 0, 0);
    domain_commit(txn);
    crm_view *view = domain_view(world.db);
    crm_query *query = NULL;
    static const struct {
        int measure, field;
    } measures[] = {{0, NUMBER}, {4, NUMBER},   {1, DAY},    {1, MOMENT},
                    {1, CHOICE}, {2, CURRENCY}, {2, TARGET}, {2, WORD}};
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++) {
        ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
        ck_assert_msg(crm_query_measure(query, measures[i].measure, world.fields[measures[i].field]) == CRM_INVALID,
                      "case %zu", i);
        crm_query_free(query);
    }
    const struct {
        uint32_t field, through;
        int32_t unit;
    } keys[] = {{9999, 0, 0},
                {any, 0, 0},
                {world.fields[WEIGHT], 0, 0},
                {world.fields[TARGET], CRM_FIELD_TAGS, 0},
                {world.fields[TARGET], real, 0},
                {world.fields[TARGET], other, 0},
                {CRM_FIELD_TAGS, 0, 0},
                {CRM_FIELD_OWNER, 9999, 0},
                {CRM_FIELD_VERSION, CRM_USER_NAME, 0},
                {CRM_FIELD_CREATED_AT, 0, 6},
                {CRM_FIELD_CREATED_AT, 0, -1}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
        ck_assert_msg(crm_query_group(query, keys[i].field, keys[i].through, keys[i].unit) == CRM_INVALID, "key %zu",
                      i);
        crm_query_free(query);
    }
    ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(crm_query_group(query, world.fields[NUMBER], 0, 0), CRM_OK);
    ck_assert_int_eq(crm_query_group(query, world.fields[NUMBER], 0, 0), CRM_FULL);
    crm_query_free(query);
    ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(crm_query_measure(query, CRM_MEASURE_SUM, world.fields[NUMBER]), CRM_OK);
    ck_assert_int_eq(crm_query_measure(query, CRM_MEASURE_SUM, world.fields[NUMBER]), CRM_FULL);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(world.db);
}
END_TEST

/* Sums stay exact to the last unit and do not wrap. */
START_TEST(a_sum_that_does_not_fit_is_refused)
{
    for (int hot = 0; hot < 2; hot++) {
        crm_db *db = domain_open();
        crm_txn *txn = domain_begin(db);
        uint32_t kind = 0;
        crm_kind_add(txn, "thing", CRM_NUL, &kind);
        uint32_t number = add(txn, kind, "number", CRM_TYPE_INT, hot ? CRM_FLAG_HOT : 0, 0);
        static const int64_t values[] = {INT64_MAX, 1, -5};
        for (int i = 0; i < 3; i++)
            crm_set_int(crm_create(txn, kind), number, values[i]);
        domain_commit(txn);
        crm_view *view = domain_view(db);
        for (int64_t least = -5; least <= 1; least += 6) {
            crm_query *query = NULL;
            crm_table *table = NULL;
            crm_error error;
            ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
            crm_query_where_int(query, number, CRM_OP_NE, least == 1 ? -5 : 1); /* with 1: too much; with -5: fits */
            crm_query_measure(query, CRM_MEASURE_SUM, number);
            int32_t status = crm_query_groups(query, &table, &error);
            ck_assert_int_eq(status, least == 1 ? CRM_FULL : CRM_OK);
            if (status == CRM_OK)
                ck_assert_int_eq(crm_table_int(table, 0, 1), INT64_MAX - 5);
            crm_table_free(table);
            crm_query_free(query);
        }
        crm_view_close(view);
        domain_close(db);
    }
}
END_TEST

/* ---- a whole column at a time, against a loop over plain numbers ---- */

enum { MANY = 9100, HOLDERS = 7 }; /* two whole chunks of cells and a part */

static struct {
    int64_t choice, holder, amount, number, moment;
} cells[MANY];

/* One condition for each way in which a block is filtered. */
static const struct {
    int field, op, count;
    int64_t sought[2];
} filters[] = {{CHOICE, CRM_OP_EQ, 1, {2, 0}},         {CHOICE, CRM_OP_NE, 1, {2, 0}},
               {CHOICE, CRM_OP_IN, 2, {1, 4}},         {CHOICE, CRM_OP_EQ, 1, {65535, 0}},
               {NUMBER, CRM_OP_EQ, 1, {12, 0}},        {NUMBER, CRM_OP_NE, 1, {12, 0}},
               {NUMBER, CRM_OP_LT, 1, {12, 0}},        {NUMBER, CRM_OP_LE, 1, {12, 0}},
               {NUMBER, CRM_OP_GT, 1, {12, 0}},        {NUMBER, CRM_OP_GE, 1, {12, 0}},
               {NUMBER, CRM_OP_SET, 1, {0, 0}},        {NUMBER, CRM_OP_NOT_SET, 1, {0, 0}},
               {NUMBER, CRM_OP_IN, 2, {3, 40}},        {NUMBER, CRM_OP_LT, 1, {INT64_MIN, 0}},
               {NUMBER, CRM_OP_LE, 1, {INT64_MIN, 0}}, {NUMBER, CRM_OP_GT, 1, {INT64_MIN, 0}},
               {NUMBER, CRM_OP_GE, 1, {INT64_MIN, 0}}, {NUMBER, CRM_OP_EQ, 1, {INT64_MIN, 0}},
               {NUMBER, CRM_OP_NE, 1, {INT64_MIN, 0}}, {NUMBER, CRM_OP_GT, 1, {INT64_MAX, 0}},
               {NUMBER, CRM_OP_GE, 1, {INT64_MAX, 0}}, {NUMBER, CRM_OP_LE, 1, {INT64_MAX, 0}}};

static bool passes(size_t f, int64_t value)
{
    int64_t sought = filters[f].sought[0];
    switch (filters[f].op) {
    case CRM_OP_EQ: return value != UNSET && value == sought;
    case CRM_OP_NE: return value == UNSET || value != sought;
    case CRM_OP_LT: return value != UNSET && value < sought;
    case CRM_OP_LE: return value != UNSET && value <= sought;
    case CRM_OP_GT: return value != UNSET && value > sought;
    case CRM_OP_GE: return value != UNSET && value >= sought;
    case CRM_OP_SET: return value != UNSET;
    case CRM_OP_NOT_SET: return value == UNSET;
    default: return value == sought || value == filters[f].sought[1];
    }
}

static void make_cells(crm_txn *txn)
{
    static const int fields[] = {CHOICE, TARGET, AMOUNT, NUMBER, MOMENT};
    for (int i = 0; i < MANY; i++) {
        crm_record *record = crm_create(txn, world.kind);
        cells[i].choice = below(9) == 0 ? UNSET : 1 + below(4);
        cells[i].holder = below(8) == 0 ? UNSET : below(HOLDERS);
        cells[i].amount = below(5) == 0 ? UNSET : (int64_t)below(1000) - 300;
        cells[i].number = below(6) == 0 ? UNSET : (int64_t)below(50) - 10;
        cells[i].moment = below(7) == 0 ? UNSET : random_value(MOMENT);
        const int64_t values[] = {cells[i].choice, cells[i].holder, cells[i].amount, cells[i].number, cells[i].moment};
        for (int f = 0; f < 5; f++)
            set_value(record, fields[f], values[f]);
        if (i == 0) /* a currency that is never said has no column, and then no block is added up */
            set_value(record, CURRENCY, 978);
    }
}

static void check_filter(crm_view *view, size_t f)
{
    struct question q = {.keys = {TARGET}, .key_count = 1, .condition = -1, .measure_count = 3};
    const struct question order = {.measures = {CRM_MEASURE_SUM, CRM_MEASURE_MAX, CRM_MEASURE_MIN}};
    struct expected sums[HOLDERS + 1];
    crm_query *query = NULL;
    crm_table *table = NULL;
    crm_error error = {0};
    uint64_t row = 0;
    q.measured[0] = AMOUNT;
    q.measured[1] = q.measured[2] = MOMENT;
    for (int h = 0; h <= HOLDERS; h++)
        sums[h] = (struct expected){{h == HOLDERS ? UNSET : h}, 0, {UNSET, UNSET, UNSET}, 978};
    for (int i = 0; i < MANY; i++) {
        struct expected *sum = &sums[cells[i].holder == UNSET ? HOLDERS : cells[i].holder];
        if (!passes(f, filters[f].field == CHOICE ? cells[i].choice : cells[i].number))
            continue;
        sum->count++;
        add_value(&order, 0, cells[i].amount, &sum->values[0]);
        add_value(&order, 1, cells[i].moment, &sum->values[1]);
        add_value(&order, 2, cells[i].moment, &sum->values[2]);
    }
    ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
    for (int i = 0; i < filters[f].count; i++)
        crm_query_where_int(query, world.fields[filters[f].field], filters[f].op, filters[f].sought[i]);
    crm_query_group(query, world.fields[TARGET], 0, CRM_UNIT_NONE);
    for (int m = 0; m < 3; m++)
        crm_query_measure(query, order.measures[m], world.fields[q.measured[m]]);
    ck_assert_msg(crm_query_groups(query, &table, &error) == CRM_OK, "filter %zu: %s", f, error.message);
    for (int h = 0; h <= HOLDERS; h++) {
        if (sums[h].count == 0)
            continue;
        check_cell(&q, table, row, 0, sums[h].keys[0]);
        ck_assert_msg(crm_table_int(table, row, 1) == sums[h].count, "filter %zu, holder %d", f, h);
        for (int m = 0; m < 3; m++)
            check_measure(&q, table, row, m, &sums[h]);
        row++;
    }
    ck_assert_uint_eq(crm_table_rows(table), row);
    crm_table_free(table);
    crm_query_free(query);
}

static crm_txn *new_world(uint32_t seed)
{
    memset(&world, 0, sizeof world);
    world.seed = seed;
    world.db = domain_open();
    crm_txn *txn = domain_begin(world.db);
    define(txn);
    make_cells(txn);
    return txn;
}

START_TEST(blocks_of_columns_add_up_to_what_a_loop_does)
{
    crm_txn *txn = new_world(77);
    domain_commit(txn);
    crm_view *view = domain_view(world.db);
    for (size_t f = 0; f < sizeof filters / sizeof filters[0]; f++)
        check_filter(view, f);
    crm_view_close(view);
    domain_close(world.db);
}
END_TEST

/* The sum over all is refused from the first amount of another currency on, and
 * only then: not when the base currency is said, nor for one without an amount. */
START_TEST(one_other_currency_among_many_is_noticed)
{
    crm_txn *txn = new_world(78);
    for (int step = 0; step < 4; step++) {
        static const int64_t currencies[] = {UNSET, 978, 840, 840};
        static const int64_t amounts[] = {1, 1, UNSET, 1};
        crm_record *record = crm_create(txn, world.kind);
        set_value(record, CURRENCY, currencies[step]);
        set_value(record, AMOUNT, amounts[step]);
        set_value(record, CHOICE, 1);
        domain_commit(txn);
        crm_view *view = domain_view(world.db);
        for (int keyed = 0; keyed < 2; keyed++) {
            crm_query *query = NULL;
            crm_table *table = NULL;
            ck_assert_int_eq(crm_query_create(view, world.kind, &query, NULL), CRM_OK);
            if (keyed)
                crm_query_group(query, world.fields[TARGET], 0, CRM_UNIT_NONE);
            crm_query_measure(query, CRM_MEASURE_SUM, world.fields[AMOUNT]);
            ck_assert_int_eq(crm_query_groups(query, &table, NULL), step == 3 ? CRM_REFUSED : CRM_OK);
            crm_table_free(table);
            crm_query_free(query);
        }
        crm_view_close(view);
        txn = domain_begin(world.db);
    }
    crm_rollback(txn);
    domain_close(world.db);
}
END_TEST

/* More groups than are cleared one by one: record i refers to target i % 300, of 1000. */
START_TEST(as_many_groups_as_there_are_targets)
{
    enum { TARGETS_MANY = 300, RECORDS = 1000 };
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    crm_id ids[TARGETS_MANY];
    uint32_t target_kind = 0, kind = 0;
    crm_kind_add(txn, "target", CRM_NUL, &target_kind);
    crm_kind_add(txn, "thing", CRM_NUL, &kind);
    uint32_t target = add(txn, kind, "target", CRM_TYPE_REF, CRM_FLAG_HOT, target_kind);
    uint32_t weight = add(txn, kind, "weight", CRM_TYPE_DECIMAL, CRM_FLAG_HOT, 2);
    for (int i = 0; i < TARGETS_MANY; i++)
        crm_record_id(crm_create(txn, target_kind), &ids[i]);
    for (int i = 0; i < RECORDS; i++) {
        crm_record *record = crm_create(txn, kind);
        crm_set_ref(record, target, target_kind, &ids[i % TARGETS_MANY]);
        crm_set_int(record, weight, 25); /* 0.25 */
    }
    domain_commit(txn);
    crm_view *view = domain_view(db);
    crm_query *query = NULL;
    crm_table *table = NULL;
    ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_group(query, target, 0, CRM_UNIT_NONE), CRM_OK);
    ck_assert_int_eq(crm_query_measure(query, CRM_MEASURE_SUM, weight), CRM_OK);
    ck_assert_int_eq(crm_query_groups(query, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), TARGETS_MANY);
    for (uint64_t row = 0; row < TARGETS_MANY; row++) {
        crm_id id;
        ck_assert_int_eq(crm_table_id(table, row, 0, &id), CRM_OK);
        int i = 0;
        while (i < TARGETS_MANY && memcmp(&id, &ids[i], sizeof id) != 0)
            i++;
        int64_t count = i < RECORDS % TARGETS_MANY ? 4 : 3; /* 1000 = 3 * 300 + 100 */
        ck_assert_int_eq(crm_table_int(table, row, 1), count);
        ck_assert_str_eq(crm_table_text(table, row, 2, NULL), count == 4 ? "1.00" : "0.75");
    }
    crm_table_free(table);
    crm_query_free(query);
    /* By the decimal itself: one group. */
    ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
    ck_assert_int_eq(crm_query_group(query, weight, 0, CRM_UNIT_NONE), CRM_OK);
    ck_assert_int_eq(crm_query_groups(query, &table, NULL), CRM_OK);
    ck_assert_uint_eq(crm_table_rows(table), 1);
    ck_assert_str_eq(crm_table_text(table, 0, 0, NULL), "0.25");
    ck_assert_int_eq(crm_table_int(table, 0, 1), RECORDS);
    crm_table_free(table);
    crm_query_free(query);
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group");
    TCase *cases = tcase_create("group");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, groups_are_what_brute_force_adds_up, 0, 4);
    tcase_add_test(cases, what_no_cell_can_hold_is_in_no_group);
    tcase_add_test(cases, what_cannot_be_grouped_or_measured_is_refused);
    tcase_add_test(cases, blocks_of_columns_add_up_to_what_a_loop_does);
    tcase_add_test(cases, one_other_currency_among_many_is_noticed);
    tcase_add_test(cases, a_sum_that_does_not_fit_is_refused);
    tcase_add_test(cases, as_many_groups_as_there_are_targets);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
