/* oracle_report: timelines, stage histories, the pipeline's report and settings,
 * held against the plain model.
 */
#include "oracle_answer.h"

#include <stdlib.h>
#include <string.h>

/* ---- timelines ---- */

struct row {
    int64_t start;
    uint32_t index;
};

/* Newest first, by start, then by creation. */
static int compare_rows(const void *a, const void *b)
{
    const struct row *one = a, *two = b;
    if (one->start != two->start)
        return one->start > two->start ? -1 : 1;
    return (one->index < two->index) - (one->index > two->index);
}

static const char *check_rows(const struct oracle *oracle, crm_query *query, const struct row *rows, uint32_t count)
{
    crm_record *record;
    uint64_t counted = 0;
    int32_t status = crm_query_count(query, &counted, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_query_count of a timeline");
    if (counted != count)
        return oracle_wrong(oracle, "a timeline counts %llu interactions, not %u", (unsigned long long)counted, count);
    for (uint32_t i = 0; i < count; i++) {
        status = crm_query_next(query, &record, NULL);
        if (status != CRM_OK)
            return oracle_failed(oracle, status, "crm_query_next of a timeline");
        if (!answer_is(oracle, record, SLOT_INTERACTION, rows[i].index))
            return oracle_wrong(oracle, "row %u of a timeline is not interaction %u", i, rows[i].index);
    }
    status = crm_query_next(query, &record, NULL);
    return status == CRM_DONE ? NULL : oracle_failed(oracle, status, "crm_query_next behind a timeline");
}

const char *answer_timeline(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_set *set = &oracle->sets[SLOT_INTERACTION];
    struct row *rows = calloc(set->count + 1, sizeof *rows);
    crm_query *query = NULL;
    uint32_t count = 0;
    if (rows == NULL)
        abort();
    for (uint32_t i = 0; i < set->count; i++)
        if (!set->list[i].newest->deleted && oracle_concerns(set->list[i].newest, slot, index, false))
            rows[count++] = (struct row){oracle_int(oracle, SLOT_INTERACTION, i, CRM_INTERACTION_START), i};
    qsort(rows, count, sizeof *rows, compare_rows);
    int32_t status =
        crm_timeline(view, oracle_kind(slot)->number, &oracle_record(oracle, slot, index)->id, &query, NULL);
    const char *wrong =
        status != CRM_OK ? oracle_failed(oracle, status, "crm_timeline") : check_rows(oracle, query, rows, count);
    crm_query_free(query);
    free(rows);
    return wrong;
}

/* ---- stages ---- */

static const char *stage_name(const struct oracle *oracle, const struct oracle_value *values, bool to)
{
    static const char *const names[] = {"",        "acquaintance", "stable",      "drifting",
                                        "churned", "reserved",     "consolidated"};
    const struct oracle_value *code =
        &values[oracle_place(SLOT_TRANSITION, to ? CRM_TRANSITION_TO : CRM_TRANSITION_FROM)];
    const struct oracle_value *stage =
        &values[oracle_place(SLOT_TRANSITION, to ? CRM_TRANSITION_TO_STAGE : CRM_TRANSITION_FROM_STAGE)];
    if (stage->set)
        return oracle_value(oracle, SLOT_STAGE, stage->index, CRM_STAGE_NAME)->text;
    return code->set ? names[code->integer] : "";
}

struct move {
    int64_t at;
    uint32_t index;
};

static int compare_moves(const void *a, const void *b)
{
    const struct move *one = a, *two = b;
    if (one->at != two->at)
        return one->at < two->at ? -1 : 1;
    return (one->index > two->index) - (one->index < two->index);
}

static bool move_reads(const struct oracle *oracle, const crm_table *table, uint32_t row, const struct move *moves,
                       uint32_t count, int64_t now)
{
    enum { FROM, TO, AT, DAYS, ACTOR };
    const struct oracle_version *first = oracle_record(oracle, SLOT_TRANSITION, moves[row].index)->newest;
    int64_t stay = (row + 1 < count ? moves[row + 1].at : now) - moves[row].at;
    while (first->previous != NULL)
        first = first->previous;
    return strcmp(crm_table_text(table, row, FROM, NULL), stage_name(oracle, first->values, false)) == 0 &&
           strcmp(crm_table_text(table, row, TO, NULL), stage_name(oracle, first->values, true)) == 0 &&
           crm_table_int(table, row, AT) == moves[row].at && (crm_table_has(table, row, DAYS) != 0) == (stay >= 0) &&
           crm_table_int(table, row, DAYS) == (stay >= 0 ? stay / (ORACLE_DAY / 10) : 0) && /* tenths, cut */
           strcmp(crm_table_text(table, row, ACTOR, NULL), first->meta->actor) == 0;
}

static const char *check_moves(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index,
                               const struct move *moves, uint32_t count)
{
    crm_table *table = NULL;
    uint32_t kind = oracle_kind(slot)->number;
    int32_t status = crm_stage_history(view, kind, &oracle_record(oracle, slot, index)->id, &table, NULL);
    const char *wrong = NULL;
    if (status != CRM_OK)
        wrong = oracle_failed(oracle, status, "crm_stage_history");
    else if (crm_table_rows(table) != count)
        wrong = oracle_wrong(oracle, "record %u of kind %u has moved %llu times, not %u", index, kind,
                             (unsigned long long)crm_table_rows(table), count);
    for (uint32_t row = 0; wrong == NULL && row < count; row++)
        if (!move_reads(oracle, table, row, moves, count, crm_view_time(view)))
            wrong =
                oracle_wrong(oracle, "record %u of kind %u: move %u of %u reads from %s to %s at %s for %s by \"%s\"",
                             index, kind, row, count, crm_table_text(table, row, 0, NULL),
                             crm_table_text(table, row, 1, NULL), crm_table_text(table, row, 2, NULL),
                             crm_table_text(table, row, 3, NULL), crm_table_text(table, row, 4, NULL));
    crm_table_free(table);
    return wrong;
}

/* The last move that is not later tells the stage. */
static const char *check_stage_at(const struct oracle *oracle, crm_view *view, uint32_t index, const struct move *moves,
                                  uint32_t count, int64_t time)
{
    uint32_t last = count;
    int64_t got = 0, expected = 0;
    for (uint32_t i = 0; i < count && moves[i].at <= time; i++)
        last = i;
    if (last < count)
        expected = oracle_int(oracle, SLOT_TRANSITION, moves[last].index, CRM_TRANSITION_TO);
    int32_t status = crm_lifecycle_stage_at(view, &oracle_record(oracle, SLOT_CUSTOMER, index)->id, time, &got, NULL);
    if (status != (last < count ? CRM_OK : CRM_NOT_FOUND))
        return oracle_failed(oracle, status, "crm_lifecycle_stage_at");
    return got == expected ? NULL
                           : oracle_wrong(oracle, "customer %u was in stage %lld, not %lld", index, (long long)got,
                                          (long long)expected);
}

const char *answer_stages(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index)
{
    const struct oracle_set *set = &oracle->sets[SLOT_TRANSITION];
    struct move *moves = calloc(set->count + 1, sizeof *moves);
    uint32_t count = 0;
    if (moves == NULL)
        abort();
    for (uint32_t i = 0; i < set->count; i++) {
        const struct oracle_value *subject = oracle_value(oracle, SLOT_TRANSITION, i, CRM_TRANSITION_SUBJECT);
        if (oracle_lives(oracle, SLOT_TRANSITION, i) && subject->slot == slot && subject->index == index)
            moves[count++] = (struct move){oracle_int(oracle, SLOT_TRANSITION, i, CRM_TRANSITION_AT), i};
    }
    qsort(moves, count, sizeof *moves, compare_moves);
    const char *wrong = check_moves(oracle, view, slot, index, moves, count);
    for (uint32_t i = 0; slot == SLOT_CUSTOMER && wrong == NULL && i < count; i += 1 + count / 3) {
        wrong = check_stage_at(oracle, view, index, moves, count, moves[i].at);
        if (wrong == NULL)
            wrong = check_stage_at(oracle, view, index, moves, count, moves[i].at - 1);
    }
    free(moves);
    return wrong;
}

/* ---- the pipeline ---- */

struct sums {
    int64_t outcome, currency; /* the group's keys */
    int64_t deals, amount, hundredths, cycles, cycle_days;
};

static void add_deal(const struct oracle *oracle, struct sums *sums, uint32_t index)
{
    const struct oracle_value *amount = oracle_value(oracle, SLOT_OPPORTUNITY, index, CRM_OPPORTUNITY_AMOUNT);
    const struct oracle_value *start = oracle_value(oracle, SLOT_OPPORTUNITY, index, CRM_OPPORTUNITY_STARTED_ON);
    int64_t value = amount->set ? amount->integer : 0;
    sums->deals++;
    sums->amount += value;
    if (sums->outcome == CRM_OPPORTUNITY_OUTCOME_OPEN)
        sums->hundredths += value * oracle_int(oracle, SLOT_OPPORTUNITY, index, CRM_OPPORTUNITY_PROBABILITY);
    if (sums->outcome == CRM_OPPORTUNITY_OUTCOME_WON && start->set) {
        sums->cycles++;
        sums->cycle_days += oracle_int(oracle, SLOT_OPPORTUNITY, index, CRM_OPPORTUNITY_CLOSE_DATE) - start->integer;
    }
}

/* value / divisor, half to even. */
static int64_t rounded(int64_t value, int64_t divisor)
{
    int64_t whole = value / divisor - (value % divisor < 0), rest = value - whole * divisor;
    return whole + (2 * rest > divisor || (2 * rest == divisor && whole % 2 != 0));
}

static bool sums_read(const crm_table *table, uint64_t row, const struct sums *sums)
{
    enum { OUTCOME, CURRENCY, DEALS, AMOUNT, WEIGHTED, OPEN, WON, LOST, WON_AMOUNT, WIN_RATE, CYCLE };
    bool open = sums->outcome == CRM_OPPORTUNITY_OUTCOME_OPEN, won = sums->outcome == CRM_OPPORTUNITY_OUTCOME_WON;
    return crm_table_int(table, row, DEALS) == sums->deals && crm_table_int(table, row, AMOUNT) == sums->amount &&
           crm_table_int(table, row, WEIGHTED) == rounded(sums->hundredths, 100) &&
           crm_table_int(table, row, OPEN) == (open ? sums->deals : 0) &&
           crm_table_int(table, row, WON) == (won ? sums->deals : 0) &&
           crm_table_int(table, row, LOST) == (open || won ? 0 : sums->deals) &&
           crm_table_int(table, row, WON_AMOUNT) == (won ? sums->amount : 0) &&
           (crm_table_has(table, row, WIN_RATE) != 0) == !open &&
           crm_table_int(table, row, WIN_RATE) == (won ? 10000 : 0) &&
           (crm_table_has(table, row, CYCLE) != 0) == (sums->cycles > 0) &&
           crm_table_int(table, row, CYCLE) == (sums->cycles > 0 ? rounded(100 * sums->cycle_days, sums->cycles) : 0);
}

static const char *check_report(const struct oracle *oracle, const crm_table *table, const struct sums *sums,
                                uint32_t count)
{
    static const char *const outcomes[] = {"", "open", "won", "lost"};
    uint64_t row;
    if (crm_table_rows(table) != count)
        return oracle_wrong(oracle, "the pipeline has %llu groups, not %u", (unsigned long long)crm_table_rows(table),
                            count);
    for (uint32_t i = 0; i < count; i++) {
        const char *currency = crm_currency_code((int32_t)sums[i].currency);
        for (row = 0; row < count; row++)
            if (strcmp(crm_table_text(table, row, 0, NULL), outcomes[sums[i].outcome]) == 0 &&
                strcmp(crm_table_text(table, row, 1, NULL), currency) == 0)
                break;
        if (row == count || !sums_read(table, row, &sums[i]))
            return oracle_wrong(oracle, "the pipeline's row of what is %s in %s is not right",
                                outcomes[sums[i].outcome], currency);
    }
    return NULL;
}

const char *answer_pipeline(const struct oracle *oracle, crm_view *view)
{
    struct sums sums[9] = {{0}}; /* three outcomes, three currencies */
    crm_table *table = NULL;
    uint32_t count = 0, at;
    for (uint32_t i = 0; i < oracle->sets[SLOT_OPPORTUNITY].count; i++) {
        int64_t outcome = oracle_int(oracle, SLOT_OPPORTUNITY, i, CRM_OPPORTUNITY_OUTCOME);
        int64_t currency = oracle_int(oracle, SLOT_OPPORTUNITY, i, CRM_OPPORTUNITY_CURRENCY);
        if (!oracle_lives(oracle, SLOT_OPPORTUNITY, i))
            continue;
        for (at = 0; at < count && (sums[at].outcome != outcome || sums[at].currency != currency); at++)
            continue;
        if (at == count)
            sums[count++] = (struct sums){.outcome = outcome, .currency = currency};
        add_deal(oracle, &sums[at], i);
    }
    int32_t status = crm_report_pipeline(view, "outcome,currency", &table, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_report_pipeline");
    const char *wrong = check_report(oracle, table, sums, count);
    crm_table_free(table);
    return wrong;
}

/* ---- settings ---- */

const char *answer_settings(const struct oracle *oracle, crm_view *view)
{
    static const char *const names[] = {"currency", "lifecycle", "note", "colour", "retention_days"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *got = crm_setting(view, names[i]), *expected = oracle_setting(oracle, names[i]);
        if ((got == NULL) != (expected == NULL) || (got != NULL && strcmp(got, expected) != 0))
            return oracle_wrong(oracle, "setting \"%s\" reads \"%s\"", names[i], got == NULL ? "(none)" : got);
    }
    return NULL;
}
