/* plan: where a query's candidates come from.
 *
 * Counts cost one descent of a tree each, so every usable index is asked how
 * many candidates it has and the fewest win.  Walking the order's own index
 * instead pays when a page of it is found before that many are judged.
 */
#include "model/query.h"

#include <stddef.h>
#include <string.h>

static bool is_keyed(const struct field *field)
{
    return (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_KEY)) != 0 || field->type == CRM_TYPE_EMAILS;
}

static uint64_t stretch_count_of(const crm_query *query, const struct field *field, const struct stretch *stretch)
{
    struct arena *arena = query->view->generation->arena;
    if (field->type != CRM_TYPE_TEXT) {
        struct tree_key behind = stretch->high;
        uint64_t to = behind.low == UINT64_MAX && behind.high == UINT64_MAX
                          ? tree_count(arena, field->tree)
                          : tree_rank(arena, field->tree,
                                      behind.low == UINT64_MAX ? (struct tree_key){behind.high + 1, 0}
                                                               : (struct tree_key){behind.high, behind.low + 1});
        uint64_t from = tree_rank(arena, field->tree, stretch->low);
        return to > from ? to - from : 0;
    }
    uint64_t all = tree_count(arena, field->tree);
    struct tree_text first = {stretch->text, stretch->length, 0}, last = {stretch->text, stretch->length, UINT32_MAX};
    bool behind = stretch->op == CRM_OP_LE || stretch->op == CRM_OP_GT, equal = stretch->op == CRM_OP_EQ;
    uint64_t from = stretch->text == NULL || behind ? 0 : tree_rank_text(arena, field->tree, first);
    uint64_t past = stretch->text != NULL && (behind || equal) ? tree_rank_text(arena, field->tree, last) : all;
    switch (stretch->op) {
    case CRM_OP_EQ: return past > from ? past - from : 0;
    case CRM_OP_PREFIX: {
        /* Behind every text that begins so: the prefix with its last byte raised. */
        uint8_t raised[256];
        uint32_t length = stretch->length < sizeof raised ? stretch->length : (uint32_t)sizeof raised;
        if (length == 0 || stretch->text == NULL)
            return all;
        memcpy(raised, stretch->text, length);
        raised[length - 1]++; /* UTF-8 has no byte 255 */
        uint64_t to = tree_rank_text(arena, field->tree, (struct tree_text){raised, length, 0});
        return to > from ? to - from : 0;
    }
    case CRM_OP_LT: return from;
    case CRM_OP_LE: return past;
    case CRM_OP_GT: return all - past;
    default: return all - from;
    }
}

static bool add_stretch(struct plan *plan, struct stretch stretch)
{
    if (plan->stretch_count == STRETCHES_MAX)
        return false;
    plan->stretches[plan->stretch_count++] = stretch;
    return true;
}

static struct stretch whole(uint64_t low, uint64_t high)
{
    return (struct stretch){.low = {low, 0}, .high = {high, UINT64_MAX}, .op = CRM_OP_GE};
}

static uint64_t ordered_key(const struct field *field, const struct operand *operand)
{
    return field->type == CRM_TYPE_REAL ? index_real_key(operand->real) : index_int_key(field, operand->integer);
}

/* Whether one stretch of a tree over numbers answers it, together with others of its field that are ranges. */
static bool is_range(const struct predicate *condition)
{
    return (condition->op >= CRM_OP_LT && condition->op <= CRM_OP_GE) || condition->op == CRM_OP_SET;
}

/* What one end leaves of a stretch; nothing: its low end lies above its high one. */
static void narrow(struct stretch *stretch, int32_t op, uint64_t key)
{
    if (op == CRM_OP_SET)
        return;
    bool upper = op == CRM_OP_LT || op == CRM_OP_LE, itself = op == CRM_OP_LE || op == CRM_OP_GE;
    uint64_t last = upper ? 0 : UINT64_MAX; /* what nothing lies beyond */
    if (!itself && key == last)
        *stretch = whole(UINT64_MAX, 0);
    else if (upper && key - !itself < stretch->high.high)
        stretch->high.high = key - !itself;
    else if (!upper && key + !itself > stretch->low.high)
        stretch->low.high = key + !itself;
}

/* All ranges that are asked of one field leave one stretch of its tree together: "from … to" ends where it ends. */
static bool number_stretches(const crm_query *query, struct plan *plan, const struct predicate *condition)
{
    const struct field *field = condition->field;
    if (is_range(condition)) {
        struct stretch left = whole(0, UINT64_MAX);
        for (uint32_t i = 0; i < query->condition_count; i++) {
            const struct predicate *other = &query->conditions[i];
            if (other->field == field && is_range(other))
                narrow(&left, other->op, ordered_key(field, &other->operands[0]));
        }
        return add_stretch(plan, left);
    }
    bool fine = condition->op == CRM_OP_EQ;
    for (uint32_t i = 0; fine && i < condition->count; i++) {
        uint64_t key = ordered_key(field, &condition->operands[i]);
        fine = add_stretch(plan, whole(key, key));
    }
    return fine;
}

static bool phone_stretches(struct plan *plan, const struct predicate *condition)
{
    for (uint32_t i = 0; i < condition->count; i++) {
        const struct phone *phone = &condition->operands[i].phone;
        uint8_t count;
        uint64_t low, high;
        const char *digits = phone_significant(phone, &count);
        if (count == 0 || !phone_range(digits, count, &low, &high) || !add_stretch(plan, whole(low, high)))
            return false;
        /* Equal numbers may be written without country or area code. */
        for (uint8_t n = PHONE_MATCH_MIN; condition->op == CRM_OP_EQ && n < count; n++)
            if (!add_stretch(plan, whole(phone_key_last(phone, n), phone_key_last(phone, n))))
                return false;
    }
    return true;
}

static bool tag_stretches(const crm_query *query, struct plan *plan, const struct predicate *condition)
{
    for (uint32_t i = 0; i < condition->count; i++) {
        uint64_t hash = index_tag_hash(query->view->generation, (const char *)condition->operands[i].text,
                                       condition->operands[i].length, &query->view->scratch);
        if (!add_stretch(plan, whole(hash, hash)))
            return false;
    }
    return true;
}

static bool text_stretches(struct plan *plan, const struct predicate *condition)
{
    for (uint32_t i = 0; i < condition->count; i++) {
        const struct operand *operand = &condition->operands[i];
        if (operand->length > UINT32_MAX ||
            !add_stretch(plan, (struct stretch){
                                   .text = operand->text, .length = (uint32_t)operand->length, .op = condition->op}))
            return false;
    }
    return true;
}

/* The arrays stay as they are: a plan holds as much of them as it counts. */
static void plan_start(struct plan *plan, int what, struct field *field)
{
    memset(plan, 0, offsetof(struct plan, streams));
    plan->what = what;
    plan->field = field;
}

static void plan_take(struct plan *plan, const struct plan *from)
{
    memcpy(plan, from, offsetof(struct plan, streams));
    memcpy(plan->streams, from->streams, from->stream_count * sizeof *from->streams);
    memcpy(plan->stretches, from->stretches, from->stretch_count * sizeof *from->stretches);
}

/* One value of one field gives its numbers in ascending order; a timeline gives
 * newest first. */
static bool in_query_order(const crm_query *query, const struct plan *plan)
{
    if (plan->what == PLAN_SCAN)
        return query->order == NULL;
    if (plan->what == PLAN_TIMELINE)
        return query->order != NULL && query->order == query->kind->moment && query->descending;
    if (plan->what != PLAN_TREE || plan->stretch_count != 1 || query->order != NULL)
        return false;
    const struct stretch *stretch = &plan->stretches[0];
    return plan->field->type == CRM_TYPE_TEXT ? stretch->op == CRM_OP_EQ : stretch->low.high == stretch->high.high;
}

/* Whether the field's tree gives all records that have it, in its order. */
static bool gives_order(const struct field *field)
{
    return (field->flags & CRM_FLAG_INDEXED) && !type_is_list(field->type) && field->tree != 0 &&
           field->type != CRM_TYPE_ANY_REF;
}

/* Whether a stretch that answers one condition answers the other: together they are a range, or all have the field. */
static bool answers_also(const struct predicate *condition, const struct predicate *other)
{
    return other == condition ||
           (other->field == condition->field && is_range(other) &&
            (other->op == CRM_OP_SET || (is_range(condition) && other->field->type != CRM_TYPE_TEXT)));
}

/* One stretch of one field's tree is all that is asked for, in no order but its
 * own: nothing can be better, and the estimate, two descents, is spared. */
static bool is_alone(const crm_query *query, const struct plan *plan)
{
    const struct field *field = plan->field;
    bool alone = plan->stretch_count == 1 && !type_is_list(field->type) &&
                 (query->order == NULL ? in_query_order(query, plan) : query->order == field && gives_order(field));
    for (uint32_t i = 0; alone && i < query->condition_count; i++)
        alone = answers_also(plan->condition, &query->conditions[i]);
    return alone;
}

/* A plan for one condition; false: its field's index cannot serve it. */
static bool plan_for(crm_query *query, struct predicate *condition, struct plan *plan)
{
    struct field *field = condition->field;
    plan_start(plan, PLAN_TREE, field);
    plan->condition = condition;
    if (field->type == CRM_TYPE_ID && condition->op == CRM_OP_EQ) {
        plan->what = PLAN_ID;
        plan->estimate = condition->count;
        return true;
    }
    if (condition->op == CRM_OP_NE || condition->op == CRM_OP_NOT_SET || condition->op == CRM_OP_CONTAINS)
        return false;
    if (is_keyed(field) && condition->op == CRM_OP_EQ && field->type != CRM_TYPE_INT) {
        plan->what = PLAN_TABLE;
        plan->estimate = condition->count;
        return field->table != 0;
    }
    if ((field->flags & CRM_FLAG_TIMELINE) && type_is_ref(field->type) && condition->op == CRM_OP_EQ &&
        condition->count == 1 && field->timeline != 0) {
        struct timeline_stream *stream = &plan->streams[plan->stream_count++];
        stream->tree = field->timeline;
        stream->group = index_group(field, condition->operands[0].integer);
        stream->exact = field->type == CRM_TYPE_REF;
        plan->what = PLAN_TIMELINE;
        struct arena *arena = query->view->generation->arena;
        struct tree_key low = {(uint64_t)stream->group << 32, 0};
        struct tree_key high = {(uint64_t)stream->group << 32 | UINT32_MAX, UINT64_MAX};
        plan->estimate = tree_rank(arena, stream->tree, high) - tree_rank(arena, stream->tree, low);
        return true;
    }
    if (field->tree == 0)
        return false;
    bool fine;
    if (field->type == CRM_TYPE_PHONES)
        fine = phone_stretches(plan, condition);
    else if (field->type == CRM_TYPE_TAGS)
        fine = condition->op == CRM_OP_EQ && tag_stretches(query, plan, condition);
    else if (condition->op == CRM_OP_SET && (field->type == CRM_TYPE_TEXT || type_is_list(field->type)))
        fine = field->type == CRM_TYPE_TEXT && add_stretch(plan, (struct stretch){.op = CRM_OP_GE});
    else
        fine =
            field->type == CRM_TYPE_TEXT ? text_stretches(plan, condition) : number_stretches(query, plan, condition);
    plan->unjudged = fine && is_alone(query, plan);
    for (uint32_t i = 0; fine && !plan->unjudged && i < plan->stretch_count; i++)
        plan->estimate += stretch_count_of(query, field, &plan->stretches[i]);
    return fine;
}

uint64_t plan_estimate(crm_query *query)
{
    struct plan *plan = &query->plan;
    if (plan->unjudged)
        plan->estimate = stretch_count_of(query, plan->field, &plan->stretches[0]);
    plan->unjudged = false;
    return plan->estimate;
}

static void timeline_streams(crm_query *query, struct plan *plan)
{
    plan_start(plan, PLAN_TIMELINE, NULL);
    plan->streams_in_order = true;
    for (uint32_t i = 0; i < query->kind->indexed_count; i++) {
        struct field *field = query->kind->indexed[i];
        if (!(field->flags & CRM_FLAG_TIMELINE) || field->timeline == 0 ||
            (field->type == CRM_TYPE_REF && field->target != query->target_kind) ||
            tree_count(query->view->generation->arena, field->timeline) == 0)
            continue;
        if (plan->stream_count == STREAMS_MAX) { /* a user has added many: all are judged */
            plan_start(plan, PLAN_SCAN, NULL);
            plan->estimate = kind_rows(query->view->generation, query->kind);
            return;
        }
        struct timeline_stream *stream = &plan->streams[plan->stream_count++];
        stream->exact = field->type == CRM_TYPE_REF;
        stream->tree = field->timeline;
        stream->group = index_group_of(field, query->target_kind, query->target);
    }
}

/* The order's tree, within the stretch that a condition on the same field leaves. */
static bool order_plan(crm_query *query, struct plan *plan)
{
    struct field *field = query->order;
    if (field == NULL || !gives_order(field))
        return false;
    plan_start(plan, PLAN_TREE, field);
    plan->streams_in_order = true;
    for (uint32_t i = 0; i < query->condition_count; i++) {
        struct predicate *condition = &query->conditions[i];
        struct plan one;
        if (condition->field == field && plan_for(query, condition, &one) && one.what == PLAN_TREE &&
            one.stretch_count == 1) {
            plan_take(plan, &one);
            plan->streams_in_order = true;
            return true;
        }
        if (condition->field == field && condition->op != CRM_OP_NE && condition->op != CRM_OP_CONTAINS)
            return false;
    }
    (void)add_stretch(plan, field->type == CRM_TYPE_TEXT ? (struct stretch){.op = CRM_OP_GE} : whole(0, UINT64_MAX));
    plan->estimate = tree_count(query->view->generation->arena, field->tree);
    plan->nulls_follow = !(field->flags & CRM_FLAG_REQUIRED);
    return true;
}

bool plan_is_short(const crm_query *query)
{
    return query->order == NULL && query->limit <= QUERY_PAGE && query->key_count == 0 && !query->timeline;
}

/* Candidates of a tree over numbers or texts are certain; hashes are judged again. */
static void settle(crm_query *query)
{
    const struct plan *plan = &query->plan;
    const struct field *field = plan->field;
    const struct predicate *condition = plan->condition;
    bool certain = plan->what == PLAN_TREE && !type_is_list(field->type) && field->type != CRM_TYPE_ANY_REF;
    for (uint32_t i = 0; i < condition->count && field->type == CRM_TYPE_TEXT; i++)
        certain = certain && (condition->op == CRM_OP_SET || condition->operands[i].text != NULL);
    plan->condition->settled = certain || (plan->what == PLAN_TIMELINE && field->type == CRM_TYPE_REF);
    for (uint32_t i = 0; certain && i < query->condition_count; i++)
        query->conditions[i].settled = answers_also(condition, &query->conditions[i]);
}

static void make(crm_query *query)
{
    struct plan *plan = &query->plan;
    struct plan candidate;
    uint64_t rows = kind_rows(query->view->generation, query->kind);
    query->planned = true;
    for (uint32_t i = 0; i < query->condition_count; i++)
        query->conditions[i].settled = false; /* as an earlier plan had it */
    plan_start(plan, PLAN_SCAN, NULL);
    plan->estimate = rows;
    if (query->timeline) {
        timeline_streams(query, plan);
        plan->rows = rows;
        return;
    }
    if (query->deleted == CRM_DELETED_NO) { /* indexes hold live records only */
        for (uint32_t i = 0; i < query->condition_count; i++)
            if (plan_for(query, &query->conditions[i], &candidate) &&
                (candidate.estimate < plan->estimate ||
                 (plan->what == PLAN_SCAN && candidate.estimate <= plan->estimate)))
                plan_take(plan, &candidate);
        plan->streams_in_order = in_query_order(query, plan);
        /* Walking the order finds a page after about page * rows / matches steps. */
        uint64_t page = query->limit < QUERY_PAGE ? query->limit : QUERY_PAGE;
        bool many = plan->estimate > 16 * page * (rows / (plan->estimate + 1) + 1);
        if (!plan->streams_in_order && query->key_count == 0 && order_plan(query, &candidate) &&
            (candidate.estimate <= plan->estimate || many)) {
            plan_take(plan, &candidate);
        } else if (!plan->streams_in_order && many && plan_is_short(query)) { /* the records' own order */
            plan_start(plan, PLAN_SCAN, NULL);
            plan->estimate = rows;
            plan->streams_in_order = plan->many = true;
        }
    } else {
        plan->streams_in_order = query->order == NULL;
    }
    plan->rows = rows;
    if (plan->condition != NULL && plan->field != NULL)
        settle(query);
}

void plan_make(crm_query *query)
{
    make(query);
    query->plan.settles_all = query->deleted == CRM_DELETED_NO;
    for (uint32_t i = 0; i < query->condition_count; i++)
        query->plan.settles_all &= query->conditions[i].settled;
}

void plan_explain(crm_query *query)
{
    const struct plan *plan = &query->plan;
    struct buffer *note = &query->note;
    const char *name = plan->field == NULL ? "" : plan->field->name;
    note->length = 0;
    switch (plan->what) {
    case PLAN_ID: buffer_format(note, "look-up by id"); break;
    case PLAN_TABLE: buffer_format(note, "look-up in the table of %s.%s", query->kind->name, name); break;
    case PLAN_TREE:
        buffer_format(note, "index on %s.%s, %llu of %llu records in its range", query->kind->name, name,
                      (unsigned long long)plan->estimate, (unsigned long long)plan->rows);
        break;
    case PLAN_TIMELINE: buffer_format(note, "timeline, newest first"); break;
    default:
        buffer_format(note,
                      plan->many ? "scan of %llu records in order of creation: enough of them match"
                                 : "scan of all %llu records: no index serves the conditions",
                      (unsigned long long)plan->rows);
        break;
    }
    if (plan->what == PLAN_SCAN && query->condition_count == 0) {
        note->length = 0;
        buffer_format(note, "all %llu records in order of creation", (unsigned long long)plan->rows);
    }
    unsigned judged = 0;
    for (uint32_t i = 0; i < query->condition_count; i++)
        judged += !query->conditions[i].settled;
    if (judged > 0)
        buffer_format(note, "; %u condition%s judged on each", judged, judged == 1 ? "" : "s");
    buffer_text(note, plan->streams_in_order ? "; streamed in the order asked for" : "; collected and sorted");
    if (query->order != NULL)
        buffer_format(note, " (%s%s)", query->order->name, query->descending ? ", descending" : "");
    buffer_byte(note, 0);
}
