/* run: a query's rows, streamed or collected.
 *
 * Streaming needs the plan's order to be the query's and the indexes to be true
 * for the view: that no record of the kind that existed before has changed
 * since.  (New ones are seen to be new by their row.)  Otherwise the candidates
 * and the changed records are judged at once and sorted; numbers and sort keys
 * are all that is kept.
 *
 * Between two pages nothing is locked: a page starts behind the last row given.
 */
#include "model/query.h"

#include "model/text.h"
#include "sys/cold.h"

#include <string.h>

enum { SCAN_STEP = 4096 /* rows judged before others may write */ };

/* ---- sort keys ---- */

void hit_make(crm_query *query, uint32_t number, const struct row *row, struct hit *hit)
{
    struct value value;
    struct field *field = query->order;
    *hit = (struct hit){.number = number, .text = query->texts.length};
    if (field == NULL)
        return;
    hit->null = query_value(query, field, number, row, &value) != 1;
    if (hit->null)
        return;
    if (field->type == CRM_TYPE_TEXT) {
        const char *text;
        size_t length;
        if (query_text(query, &value, &text, &length) && text_fold(&query->texts, text, length))
            hit->length = (uint32_t)(query->texts.length - hit->text);
    } else if (value.what == VALUE_REAL) {
        hit->key = index_real_key(value.real);
    } else if (value.what == VALUE_INT) {
        hit->key = index_int_key(field, value.integer);
    }
}

int hit_compare(const crm_query *query, const struct hit *a, const uint8_t *text_a, const struct hit *b,
                const uint8_t *text_b)
{
    int way = query->descending ? -1 : 1;
    if (a->null != b->null)
        return a->null ? 1 : -1; /* without the field: last, either way */
    if (a->key != b->key)
        return a->key < b->key ? -way : way;
    uint32_t shorter = a->length < b->length ? a->length : b->length;
    int compared = shorter == 0 ? 0 : memcmp(text_a, text_b, shorter);
    if (compared == 0)
        compared = (a->length > b->length) - (a->length < b->length);
    if (compared != 0)
        return compared < 0 ? -way : way;
    return a->number == b->number ? 0 : a->number < b->number ? -way : way;
}

static int compare(const crm_query *query, const struct hit *a, const struct hit *b)
{
    return hit_compare(query, a, query->texts.data + a->text, b, query->texts.data + b->text);
}

COLD static void merge(const crm_query *query, const struct hit *from, struct hit *to, size_t low, size_t middle,
                       size_t high)
{
    size_t a = low, b = middle;
    for (size_t at = low; at < high; at++)
        to[at] = a < middle && (b >= high || compare(query, &from[a], &from[b]) <= 0) ? from[a++] : from[b++];
}

/* Merge sort: steady, and without a callback that knows no query. */
COLD static bool sort_hits(crm_query *query)
{
    size_t count = query->hit_count;
    struct hit *other = memory_alloc(query->view->db->memory, (count + 1) * sizeof *other);
    struct hit *from = query->hits, *to = other;
    if (other == NULL)
        return false;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            merge(query, from, to, low, middle, high);
        }
        struct hit *swap = from;
        from = to;
        to = swap;
    }
    if (from != query->hits)
        memcpy(query->hits, from, count * sizeof *from);
    memory_free(query->view->db->memory, other);
    return true;
}

/* Candidates of a short page are a heap by number instead: few are taken out. */
static void sift(const crm_query *query, size_t at)
{
    const uint32_t turn = query->descending ? UINT32_MAX : 0;
    struct hit *hits = query->hits, moved = hits[at];
    for (size_t child; (child = 2 * at + 1) < query->hit_count; at = child) {
        if (child + 1 < query->hit_count && (hits[child + 1].number ^ turn) < (hits[child].number ^ turn))
            child++;
        if ((moved.number ^ turn) <= (hits[child].number ^ turn))
            break;
        hits[at] = hits[child];
    }
    hits[at] = moved;
}

static struct hit take_first(crm_query *query)
{
    struct hit first = query->hits[0];
    do { /* two keys may have led to one record */
        query->hits[0] = query->hits[--query->hit_count];
        if (query->hit_count > 0)
            sift(query, 0);
    } while (query->hit_count > 0 && query->hits[0].number == first.number);
    return first;
}

/* ---- candidates ---- */

static bool text_within(const struct stretch *stretch, const uint8_t *text, uint32_t length, bool *past)
{
    uint32_t shorter = length < stretch->length ? length : stretch->length;
    *past = false;
    if (stretch->text == NULL)
        return true;
    int compared = shorter == 0 ? 0 : memcmp(text, stretch->text, shorter);
    bool prefix = compared == 0 && length >= stretch->length;
    if (compared == 0)
        compared = (length > stretch->length) - (length < stretch->length);
    switch (stretch->op) {
    case CRM_OP_PREFIX: *past = !prefix && compared > 0; return prefix;
    case CRM_OP_EQ: *past = compared > 0; return compared == 0;
    case CRM_OP_LT: *past = compared >= 0; return compared < 0;
    case CRM_OP_LE: *past = compared > 0; return compared <= 0;
    case CRM_OP_GT: return compared > 0;
    default: return compared >= 0;
    }
}

static bool text_key_within(crm_query *query, const struct stretch *stretch, struct tree_key key, bool backwards,
                            bool *past)
{
    uint32_t length;
    const uint8_t *text = tree_text(query->view->generation->arena, key, &length);
    *past = false;
    if (text == NULL)
        return false;
    bool behind;
    bool within = text_within(stretch, text, length, &behind);
    *past = backwards ? !within && !behind && stretch->op != CRM_OP_LT && stretch->op != CRM_OP_LE : behind;
    return within;
}

/* Whether a key lies in the stretch; *past: no later one does. */
static inline bool key_within(crm_query *query, const struct field *field, const struct stretch *stretch,
                              struct tree_key key, bool backwards, bool *past)
{
    if (field->type == CRM_TYPE_TEXT)
        return text_key_within(query, stretch, key, backwards, past);
    bool below = key.high<stretch->low.high, above = key.high> stretch->high.high;
    *past = backwards ? below : above;
    return !below && !above;
}

static void seek_stretch(crm_query *query, const struct field *field, const struct stretch *stretch,
                         struct tree_cursor *cursor)
{
    struct arena *arena = query->view->generation->arena;
    bool from_start = stretch->text == NULL || stretch->op == CRM_OP_LT || stretch->op == CRM_OP_LE;
    if (field->type != CRM_TYPE_TEXT)
        tree_seek(arena, field->tree, stretch->low, cursor);
    else if (from_start)
        tree_seek_text(arena, field->tree, (struct tree_text){(const uint8_t *)"", 0, 0}, cursor);
    else
        tree_seek_text(arena, field->tree, (struct tree_text){stretch->text, stretch->length, 0}, cursor);
}

static bool tree_candidates(crm_query *query, bool (*each)(crm_query *, uint32_t, void *), void *context)
{
    const struct plan *plan = &query->plan;
    struct arena *arena = query->view->generation->arena;
    for (uint32_t i = 0; i < plan->stretch_count; i++) {
        struct tree_cursor cursor;
        struct tree_key key;
        bool past = false;
        seek_stretch(query, plan->field, &plan->stretches[i], &cursor);
        while (!past && tree_next(arena, plan->field->tree, &cursor, &key))
            if (key_within(query, plan->field, &plan->stretches[i], key, false, &past) &&
                !each(query, tree_number(key), context))
                return false;
    }
    return true;
}

COLD static bool table_candidates(crm_query *query, bool (*each)(crm_query *, uint32_t, void *), void *context)
{
    struct generation *generation = query->view->generation;
    const struct predicate *condition = query->plan.condition;
    for (uint32_t i = 0; i < condition->count; i++) {
        const struct operand *operand = &condition->operands[i];
        struct hash_cursor cursor;
        uint32_t number;
        hash_find(generation->arena, condition->field->table,
                  index_hash(generation, condition->field, operand->text, operand->length), &cursor);
        while (hash_next(generation->arena, condition->field->table, &cursor, &number))
            if (!each(query, number, context))
                return false;
    }
    return true;
}

static bool timeline_candidates(crm_query *query, bool (*each)(crm_query *, uint32_t, void *), void *context)
{
    struct arena *arena = query->view->generation->arena;
    for (uint32_t i = 0; i < query->plan.stream_count; i++) {
        struct timeline_stream *stream = &query->plan.streams[i];
        struct tree_cursor cursor;
        struct tree_key key;
        tree_seek(arena, stream->tree, (struct tree_key){(uint64_t)stream->group << 32, 0}, &cursor);
        while (tree_next(arena, stream->tree, &cursor, &key) && key.high >> 32 == stream->group)
            if (!each(query, tree_number(key), context))
                return false;
    }
    return true;
}

/* Every candidate of the plan, in no certain order, perhaps twice. */
bool run_candidates(crm_query *query, bool (*each)(crm_query *query, uint32_t number, void *context), void *context)
{
    switch (query->plan.what) {
    case PLAN_ID:
        for (uint32_t i = 0; i < query->plan.condition->count; i++) {
            uint32_t number = row_find(query->view->generation, query->kind, &query->plan.condition->operands[i].id);
            if (number != UINT32_MAX && !each(query, number, context))
                return false;
        }
        return true;
    case PLAN_TABLE: return table_candidates(query, each, context);
    case PLAN_TREE:
        if (query->plan.nulls_follow)
            break;
        return tree_candidates(query, each, context);
    case PLAN_TIMELINE: return timeline_candidates(query, each, context);
    default: break;
    }
    uint32_t rows = kind_rows(query->view->generation, query->kind);
    for (uint32_t number = 0; number < rows; number++)
        if (!each(query, number, context))
            return false;
    return true;
}

/* ---- collecting ---- */

/* A timeline's condition is its target. */
COLD static bool names_target(crm_query *query, uint32_t number, const struct row *row)
{
    for (uint32_t i = 0; i < query->kind->indexed_count; i++) {
        struct field *field = query->kind->indexed[i];
        struct value value;
        if (!(field->flags & CRM_FLAG_TIMELINE) || query_value(query, field, number, row, &value) != 1)
            continue;
        if (field->type == CRM_TYPE_REF && field->target == query->target_kind &&
            (uint32_t)value.integer == query->target)
            return true;
        if (field->type == CRM_TYPE_ANY_REF && value.integer == any_ref_pack(query->target_kind, query->target))
            return true;
    }
    return false;
}

__attribute__((noinline)) static int judge_any(crm_query *query, uint32_t number, const struct row *now,
                                               struct row *row, bool certain)
{
    int state = view_judge(query->view, query->kind, number, now, row);
    if (state == VIEW_ROW_NONE)
        return state;
    bool current = state == VIEW_ROW_CURRENT;
    if (query->timeline && !(certain && current) && !names_target(query, number, row))
        return VIEW_ROW_NONE;
    return query_matches(query, number, row, current && certain) ? state : VIEW_ROW_NONE;
}

/* CURRENT or OLD when it belongs to the answer. */
static inline int judge_found(crm_query *query, uint32_t number, const struct row *now, struct row *row, bool certain)
{
    if (certain && query->plan.settles_all && now != NULL && now->head != 0 && row_lsn(now) <= query->view->lsn) {
        *row = *now; /* nearly every row of nearly every page */
        return row->state & ROW_DELETED ? VIEW_ROW_NONE : VIEW_ROW_CURRENT;
    }
    return judge_any(query, number, now, row, certain);
}

static int judge(crm_query *query, uint32_t number, struct row *row, bool certain)
{
    return judge_found(query, number, rows_at(&query->reader, number), row, certain);
}

static bool collect_one(crm_query *query, uint32_t number, bool certain)
{
    struct row row;
    if (!query->candidates && judge(query, number, &row, certain) == VIEW_ROW_NONE)
        return query->status == CRM_OK;
    if (!memory_grow(query->view->db->memory, (void **)&query->hits, &query->hit_capacity, query->hit_count + 1,
                     sizeof *query->hits)) {
        query_nomem(query);
        return false;
    }
    struct hit *hit = &query->hits[query->hit_count];
    hit_make(query, number, &row, hit);
    if (query->has_after &&
        hit_compare(query, hit, query->texts.data + hit->text, &query->after, query->after_text.data) <= 0) {
        query->texts.length = hit->text;
        return query->status == CRM_OK;
    }
    query->hit_count++;
    return query->status == CRM_OK && !query->texts.failed;
}

static bool collect_certain(crm_query *query, uint32_t number, void *context)
{
    (void)context;
    return collect_one(query, number, !query->timeline); /* hashed groups may hold others, too */
}

bool run_collect(crm_query *query, bool sorted)
{
    query->hit_count = query->hit_next = 0;
    query->texts.length = 0;
    rows_open(&query->reader, query->view->generation, query->kind);
    if (!run_candidates(query, collect_certain, NULL))
        return false;
    size_t position = 0;
    bool scanned = query->plan.what == PLAN_SCAN || (query->plan.what == PLAN_TREE && query->plan.nulls_follow);
    if (!scanned && !view_is_current(query->view))
        for (const struct overlay_row *old;
             (old = view_overlay_next(query->view, query->kind->number, &position)) != NULL;)
            if (!collect_one(query, old->number, false))
                return false;
    if (query->candidates) {
        for (size_t at = query->hit_count / 2; at-- > 0;)
            sift(query, at);
        return true;
    }
    if (sorted && !sort_hits(query)) {
        query_nomem(query);
        return false;
    }
    /* Two keys may have led to one record: equal hits lie together. */
    size_t kept = 0;
    for (size_t i = 0; i < query->hit_count; i++)
        if (kept == 0 || query->hits[kept - 1].number != query->hits[i].number)
            query->hits[kept++] = query->hits[i];
    query->hit_count = kept;
    return true;
}

/* ---- streaming ---- */

static bool give(crm_query *query, uint32_t number, const struct row *row, const struct hit *hit)
{
    query->numbers[query->page_count] = number;
    query->rows[query->page_count] = *row;
    query->page[query->page_count++] = *hit;
    return true;
}

static void stream_scan(crm_query *query, uint32_t capacity, bool nulls)
{
    uint32_t rows = kind_rows(query->view->generation, query->kind);
    bool resume = query->has_after && (!nulls || query->after.null);
    bool backwards = query->descending;
    uint32_t number = backwards ? (resume ? query->after.number : rows) : resume ? query->after.number + 1 : 0;
    while (query->page_count < capacity && (backwards ? number > 0 : number < rows) && query->status == CRM_OK) {
        struct row row;
        struct value value;
        uint32_t at = backwards ? --number : number++;
        if (judge(query, at, &row, true) == VIEW_ROW_NONE)
            continue;
        struct hit hit = {.number = at, .null = nulls};
        if (!nulls || query_value(query, query->order, at, &row, &value) != 1)
            give(query, at, &row, &hit);
    }
    query->done = query->page_count < capacity;
}

static bool next_key(crm_query *query, uint64_t tree, struct tree_cursor *cursor, bool backwards, struct tree_key *key)
{
    struct arena *arena = query->view->generation->arena;
    return backwards ? tree_previous(arena, tree, cursor, key) : tree_next(arena, tree, cursor, key);
}

/* Behind the last key of the stretch, to walk it backwards. */
COLD static void seek_behind(crm_query *query, const struct field *field, const struct stretch *stretch,
                             struct tree_cursor *cursor)
{
    struct arena *arena = query->view->generation->arena;
    bool open_end = stretch->text == NULL || stretch->op == CRM_OP_GT || stretch->op == CRM_OP_GE;
    if (field->type != CRM_TYPE_TEXT) {
        if (stretch->high.high == UINT64_MAX)
            tree_seek_end(arena, field->tree, cursor);
        else
            tree_seek(arena, field->tree, (struct tree_key){stretch->high.high + 1, 0}, cursor);
        return;
    }
    if (open_end) {
        tree_seek_end(arena, field->tree, cursor);
    } else if (stretch->op == CRM_OP_PREFIX) {
        struct buffer *raised = &query->scratch;
        raised->length = 0;
        buffer_append(raised, stretch->text, stretch->length);
        if (raised->failed || raised->length == 0) {
            tree_seek_end(arena, field->tree, cursor);
            return;
        }
        raised->data[raised->length - 1]++;
        tree_seek_text(arena, field->tree, (struct tree_text){raised->data, (uint32_t)raised->length, 0}, cursor);
    } else {
        tree_seek_text(arena, field->tree, (struct tree_text){stretch->text, stretch->length, UINT32_MAX}, cursor);
    }
}

static void seek_page(crm_query *query, bool backwards, struct tree_cursor *cursor)
{
    const struct plan *plan = &query->plan;
    struct arena *arena = query->view->generation->arena;
    if (query->has_after && plan->field->type == CRM_TYPE_TEXT) {
        const uint8_t *text = query->order == NULL ? plan->stretches[0].text : query->after_text.data;
        uint32_t length = query->order == NULL ? plan->stretches[0].length : query->after.length;
        uint32_t number = query->after.number + (backwards ? 0 : 1);
        tree_seek_text(arena, plan->field->tree, (struct tree_text){text, length, number}, cursor);
    } else if (query->has_after) {
        uint64_t high = query->order == NULL ? plan->stretches[0].low.high : query->after.key;
        tree_seek(arena, plan->field->tree,
                  (struct tree_key){high, (uint64_t)query->after.number + (backwards ? 0 : 1)}, cursor);
    } else if (backwards) {
        seek_behind(query, plan->field, &plan->stretches[0], cursor);
    } else {
        seek_stretch(query, plan->field, &plan->stretches[0], cursor);
    }
}

static void stream_tree(crm_query *query, uint32_t capacity)
{
    const struct plan *plan = &query->plan;
    bool backwards = query->descending;
    struct tree_cursor cursor;
    struct tree_key key;
    bool past = false;
    query->texts.length = 0;
    seek_page(query, backwards, &cursor);
    while (query->page_count < capacity && query->status == CRM_OK) {
        struct row row;
        if (past || !next_key(query, plan->field->tree, &cursor, backwards, &key)) {
            query->done = true;
            break;
        }
        if (!key_within(query, plan->field, &plan->stretches[0], key, backwards, &past) ||
            judge(query, tree_number(key), &row, true) == VIEW_ROW_NONE)
            continue;
        struct hit hit = {.number = tree_number(key)}; /* as hit_make makes it */
        if (query->order != NULL && plan->field->type != CRM_TYPE_TEXT) {
            hit.key = key.high;
        } else if (query->order != NULL) {
            const uint8_t *text = tree_text(query->view->generation->arena, key, &hit.length);
            hit.text = query->texts.length;
            buffer_append(&query->texts, text, hit.length);
        }
        give(query, hit.number, &row, &hit);
    }
    if (query->done && plan->nulls_follow) {
        query->done = false;
        query->in_nulls = true;
    }
}

static void seek_streams(crm_query *query)
{
    struct arena *arena = query->view->generation->arena;
    for (uint32_t i = 0; i < query->plan.stream_count; i++) {
        struct timeline_stream *stream = &query->plan.streams[i];
        int64_t time = query->after.null ? INT64_MIN : (int64_t)(query->after.key ^ UINT64_C(1) << 63);
        struct tree_key from = {(uint64_t)stream->group << 32 | UINT32_MAX, UINT64_MAX};
        if (query->has_after)
            from = index_timeline_key(stream->group, time, query->after.number);
        tree_seek(arena, stream->tree, from, &stream->cursor);
        stream->ready = tree_previous(arena, stream->tree, &stream->cursor, &stream->key) &&
                        stream->key.high >> 32 == stream->group;
    }
}

/* The newest of the streams' next keys; false when all are at their end. */
static bool next_of_streams(crm_query *query, struct tree_key *key, bool *exact)
{
    struct plan *plan = &query->plan;
    struct timeline_stream *best = NULL;
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        struct timeline_stream *stream = &plan->streams[i];
        uint64_t high = stream->key.high & UINT32_MAX;
        if (stream->ready && (best == NULL || high > (best->key.high & UINT32_MAX) ||
                              (high == (best->key.high & UINT32_MAX) && stream->key.low > best->key.low)))
            best = stream;
    }
    if (best == NULL)
        return false;
    *key = best->key;
    *exact = best->exact;
    best->ready = tree_previous(query->view->generation->arena, best->tree, &best->cursor, &best->key) &&
                  best->key.high >> 32 == best->group;
    return true;
}

/* Candidates a handful at a time: the misses of their rows overlap. */
static void stream_timeline(crm_query *query, uint32_t capacity)
{
    enum { AHEAD = 32 };
    uint32_t last = query->has_after ? query->after.number : UINT32_MAX;
    seek_streams(query);
    while (query->page_count < capacity && query->status == CRM_OK && !query->done) {
        struct tree_key keys[AHEAD];
        const struct row *rows[AHEAD];
        bool exact[AHEAD];
        uint32_t count = 0, room = capacity - query->page_count < AHEAD ? capacity - query->page_count : AHEAD;
        for (; count < room && next_of_streams(query, &keys[count], &exact[count]); count++) {
            rows[count] = rows_at(&query->reader, tree_number(keys[count]));
            if (rows[count] != NULL)
                __builtin_prefetch(rows[count]);
        }
        query->done = count < room;
        for (uint32_t i = 0; i < count; i++) {
            struct row row;
            int64_t time = index_timeline_time(keys[i]);
            struct hit hit = {.number = tree_number(keys[i]),
                              .null = time == INT64_MIN,
                              .key = (uint64_t)time ^ UINT64_C(1) << 63}; /* INT64_MIN: 0, as it is without the field */
            if (hit.number != last && judge_found(query, hit.number, rows[i], &row, exact[i]) != VIEW_ROW_NONE)
                give(query, hit.number, &row, &hit);
            last = hit.number; /* one that is named twice comes twice in a row */
        }
    }
}

static void give_collected(crm_query *query, uint32_t capacity)
{
    struct row row;
    while (query->candidates && query->page_count < capacity && query->hit_count > 0 && query->status == CRM_OK) {
        const struct hit hit = take_first(query);
        if (judge(query, hit.number, &row, false) != VIEW_ROW_NONE)
            give(query, hit.number, &row, &hit);
    }
    while (!query->candidates && query->page_count < capacity && query->hit_next < query->hit_count) {
        const struct hit *hit = &query->hits[query->hit_next++];
        if (view_row(query->view, query->kind, hit->number, &row) != VIEW_ROW_NONE)
            give(query, hit->number, &row, hit);
    }
    query->done = query->page_count < capacity;
}

static bool kind_is_untouched(const crm_query *query)
{
    size_t position = 0;
    return view_is_current(query->view) || view_overlay_next(query->view, query->kind->number, &position) == NULL;
}

bool run_page(crm_query *query, uint32_t capacity)
{
    query->page_count = query->page_next = 0;
    rows_open(&query->reader, query->view->generation, query->kind);
    query->in_nulls = query->in_nulls && query->plan.nulls_follow;
    if (!view_is_current(query->view) && view_overlay(query->view, &query->error) != CRM_OK)
        return query_nomem(query), false;
    bool streams = query->plan.streams_in_order && !query->collected &&
                   (query->plan.what == PLAN_SCAN || kind_is_untouched(query));
    if (!streams && !query->collected) {
        query->collected = true;
        /* A few of many: numbers alone tell which come first. */
        query->candidates = plan_is_short(query);
        if (!run_collect(query, true))
            return false;
    }
    if (query->collected)
        give_collected(query, capacity);
    else if (query->plan.what == PLAN_SCAN)
        stream_scan(query, capacity, false);
    else if (query->plan.what == PLAN_TIMELINE)
        stream_timeline(query, capacity);
    else if (!query->in_nulls)
        stream_tree(query, capacity);
    if (!query->collected && query->in_nulls && query->page_count < capacity) {
        if (query->page_count == 0 || query->in_nulls)
            stream_scan(query, capacity, true);
    }
    return query->status == CRM_OK;
}
