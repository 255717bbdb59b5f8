/* query: the public calls.  See query.h, plan.c and run.c. */
#include "model/query.h"

#include "model/uuid.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

int32_t query_fail(crm_query *query, int32_t status, const char *format, ...)
{
    char text[512];
    if (query->status != CRM_OK)
        return query->status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return query->status = error_set(&query->error, status, "%s", text);
}

int32_t query_nomem(crm_query *query)
{
    if (query->status == CRM_OK)
        query->status = error_nomem(&query->error);
    return query->status;
}

int32_t query_unread(crm_query *query, int32_t status, uint64_t place)
{
    if (query->status == CRM_OK)
        query->status = error_unread(&query->error, status, "%s: the %s at byte %llu", query->view->db->path,
                                     query->kind->name, (unsigned long long)place);
    return query->status;
}

int32_t crm_query_create(crm_view *view, uint32_t kind_number, crm_query **out, crm_error *error)
{
    if (view == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_query_create needs a view and a place for the query");
    *out = NULL;
    struct kind *kind = schema_kind(&view->generation->schema, kind_number);
    if (kind == NULL || kind->removed)
        return error_set(error, CRM_INVALID, "there is no kind with number %u", kind_number);
    const struct memory *memory = view->db->memory;
    crm_query *query = view->spare_query;
    if (query != NULL) { /* most programs ask again and again */
        view->spare_query = query->next;
    } else if ((query = memory_alloc(memory, sizeof *query)) == NULL) {
        return error_nomem(error);
    } else {
        query->records = NULL;
        memset(&query->probe, 0, sizeof query->probe);
    }
    memset(query, 0, offsetof(crm_query, next));
    query->view = view;
    query->kind = kind;
    query->limit = UINT64_MAX;
    query->texts.memory = query->after_text.memory = query->note.memory = query->cursor.memory = query->scratch.memory =
        memory;
    query->version.offset = 0;
    query->probe.view = view;
    query->probe.kind = kind;
    query->probe.status = CRM_OK;
    query->probe.loaded = query->probe.borrowed = true;
    view_reference(view);
    *out = query;
    return CRM_OK;
}

void query_free_memory(crm_view *view, crm_query *query)
{
    memory_free(view->db->memory, query->records);
    memory_free(view->db->memory, query);
}

void crm_query_free(crm_query *query)
{
    if (query == NULL)
        return;
    crm_view *view = query->view;
    const struct memory *memory = view->db->memory;
    for (uint32_t i = 0; i < query->condition_count; i++)
        predicate_free(query, &query->conditions[i]);
    for (uint32_t i = 0; i < query->filled; i++)
        if (query->records[i].made != NULL)
            record_clear(&query->records[i]);
    record_clear(&query->probe);
    memory_free(memory, query->hits);
    buffer_free(&query->texts);
    buffer_free(&query->after_text);
    buffer_free(&query->note);
    buffer_free(&query->cursor);
    buffer_free(&query->scratch);
    if (view->spare_query == NULL && view->references > 1) {
        query->next = NULL;
        view->spare_query = query;
    } else {
        query_free_memory(view, query);
    }
    view_release(view);
}

static int32_t settable(crm_query *query)
{
    if (query == NULL)
        return CRM_MISUSE;
    if (query->planned)
        return query_fail(query, CRM_MISUSE, "a query cannot be changed once it runs");
    return query->status;
}

int32_t crm_query_deleted(crm_query *query, int32_t which)
{
    int32_t status = settable(query);
    if (status == CRM_OK)
        query->deleted = which;
    return status;
}

int32_t crm_query_order(crm_query *query, uint32_t number, int32_t descending)
{
    int32_t status = settable(query);
    if (status != CRM_OK)
        return status;
    struct field *field = schema_field(query->kind, number);
    if (field == NULL || type_is_list(field->type) || field->type == CRM_TYPE_ID)
        return query_fail(query, CRM_INVALID, "a list of %s records cannot be ordered by field %u", query->kind->name,
                          number);
    query->order = field;
    query->descending = descending != 0;
    return CRM_OK;
}

int32_t crm_query_limit(crm_query *query, uint64_t rows)
{
    if (query == NULL)
        return CRM_MISUSE;
    query->limit = rows;
    return CRM_OK;
}

/* The number of the record whose timeline is asked for; UINT32_MAX: there is none. */
static int32_t find_target(crm_view *view, const struct kind *kind, const crm_id *id, uint32_t *number,
                           crm_error *error)
{
    struct row row;
    int32_t status = view_begin(view, error);
    if (status != CRM_OK)
        return status;
    *number = row_find(view->generation, kind, id);
    if (*number != UINT32_MAX && view_row(view, kind, *number, &row) == VIEW_ROW_NONE)
        *number = UINT32_MAX;
    return view_finish(view, CRM_OK, error);
}

int32_t crm_timeline(crm_view *view, uint32_t kind_number, const crm_id *id, crm_query **out, crm_error *error)
{
    int32_t status = crm_query_create(view, CRM_KIND_INTERACTION, out, error);
    if (status != CRM_OK)
        return status;
    crm_query *query = *out;
    const struct kind *kind = schema_kind(&view->generation->schema, kind_number);
    char text[UUID_TEXT_SIZE];
    status = id == NULL || kind == NULL ? error_set(error, CRM_MISUSE, "crm_timeline needs a record's kind and id")
                                        : find_target(view, kind, id, &query->target, error);
    if (status == CRM_OK && query->target == UINT32_MAX) {
        uuid_format(id, text);
        status = error_set(error, CRM_NOT_FOUND, "there is no %s with id %s", kind->name, text);
    }
    if (status != CRM_OK) {
        crm_query_free(query);
        *out = NULL;
        return status;
    }
    query->timeline = true;
    query->target_kind = kind_number;
    query->order = query->kind->moment;
    query->descending = true;
    return CRM_OK;
}

/* ---- rows ---- */

/* The misses of a page's entries overlap; most lie in two or three lines. */
static void fetch_ahead(const crm_query *query)
{
    enum { LINE = 64 };
    const struct log_map *map = log_map(query->view->generation->log);
    for (uint32_t i = 0; i < query->page_count; i++) {
        uint64_t head = query->rows[i].head;
        if (head >= map->length) /* in a pack, or of a transaction */
            continue;
        __builtin_prefetch(map->base + head);
        __builtin_prefetch(map->base + head + LINE);
        __builtin_prefetch(map->base + head + 2 * LINE);
    }
}

static int32_t fill_records(crm_query *query)
{
    if (query->records == NULL) {
        query->records = memory_zero(query->view->db->memory, QUERY_PAGE, sizeof *query->records);
        if (query->records == NULL)
            return query_nomem(query);
    }
    fetch_ahead(query);
    for (uint32_t i = 0; i < query->page_count; i++) {
        crm_record *record = &query->records[i];
        if (i >= query->filled)
            query->filled = i + 1;
        else if (record->made != NULL)
            record_clear(record);
        record->borrowed = true;
        int32_t status = record_fill(record, query->view, query->kind, query->numbers[i], &query->rows[i]);
        if (status != CRM_OK)
            return query_unread(query, status, query->rows[i].head);
    }
    return CRM_OK;
}

/* What a later page or cursor goes on behind. */
static void note_after(crm_query *query, const struct hit *hit)
{
    query->has_after = true;
    query->after = *hit;
    query->after_text.length = 0;
    if (hit->length > 0)
        buffer_append(&query->after_text, query->texts.data + hit->text, hit->length);
}

bool query_untroubled(crm_query *query)
{
    int32_t status = view_trouble(query->view, query->status == CRM_OK ? &query->error : NULL);
    if (query->status == CRM_OK)
        query->status = status;
    if (query->scratch.failed || query->texts.failed || query->after_text.failed)
        query_nomem(query);
    return query->status == CRM_OK;
}

static int32_t load_page(crm_query *query, uint32_t capacity)
{
    uint64_t left = query->limit - query->given;
    if (query->status != CRM_OK)
        return query->status;
    if (query->page_count > 0)
        note_after(query, &query->page[query->page_count - 1]);
    query->page_count = query->page_next = 0;
    if (query->done || query->given >= query->limit)
        return CRM_OK;
    if (capacity > left)
        capacity = (uint32_t)left;
    int32_t status = view_begin(query->view, &query->error);
    if (status != CRM_OK)
        return query->status = status;
    if (!query->planned)
        plan_make(query);
    bool paged = run_page(query, capacity);
    if (query_untroubled(query) && paged)
        (void)fill_records(query);
    view_end(query->view);
    query->given += query->page_count;
    return query->status;
}

static int32_t answer(const crm_query *query, crm_error *error)
{
    if (error != NULL && query->status != CRM_OK)
        *error = query->error;
    return query->status;
}

int32_t crm_query_next(crm_query *query, crm_record **record, crm_error *error)
{
    if (record != NULL)
        *record = NULL;
    if (query == NULL || record == NULL)
        return error_set(error, CRM_MISUSE, "crm_query_next needs a query and a place for the record");
    if (query->page_next == query->page_count && load_page(query, QUERY_PAGE) != CRM_OK)
        return answer(query, error);
    if (query->status != CRM_OK)
        return answer(query, error);
    if (query->page_next == query->page_count)
        return CRM_DONE;
    *record = &query->records[query->page_next++];
    return CRM_OK;
}

int32_t crm_query_page(crm_query *query, crm_record **records, uint32_t capacity, uint32_t *count, crm_error *error)
{
    if (query == NULL || records == NULL || count == NULL)
        return error_set(error, CRM_MISUSE, "crm_query_page needs a query, an array and a count");
    *count = 0;
    if (query->page_next == query->page_count &&
        load_page(query, capacity < QUERY_PAGE ? capacity : QUERY_PAGE) != CRM_OK)
        return answer(query, error);
    while (*count < capacity && query->page_next < query->page_count)
        records[(*count)++] = &query->records[query->page_next++];
    return answer(query, error);
}

static bool count_one(crm_query *query, uint32_t number, void *context)
{
    struct row row;
    uint64_t *count = context;
    int state = view_row(query->view, query->kind, number, &row);
    if (state != VIEW_ROW_NONE)
        *count += query_matches(query, number, &row, state == VIEW_ROW_CURRENT);
    return query->status == CRM_OK;
}

/* An index that settles all conditions has counted already; `before`: at an
 * earlier call, since when a transaction's own changes may have come. */
static bool count_known(crm_query *query, bool before, uint64_t *count)
{
    const struct plan *plan = &query->plan;
    if (!view_is_current(query->view) || query->deleted != CRM_DELETED_NO || query->timeline)
        return false;
    if (query->condition_count == 0) {
        const struct kind_store *store = kind_store(query->view->generation, query->kind);
        *count = store == NULL ? 0 : store->live;
        return true;
    }
    if (before && query->view->txn != NULL)
        return false;
    bool tree = plan->what == PLAN_TREE && plan->stretch_count == 1; /* two stretches may share a record */
    if (query->condition_count != 1 ? !plan->settles_all || !tree : plan->condition != &query->conditions[0])
        return false;
    *count = plan_estimate(query);
    if (plan->what == PLAN_TIMELINE)
        return plan->condition->settled;
    /* A long prefix is counted by its beginning. */
    return tree && plan->condition->settled && (plan->field->type != CRM_TYPE_TEXT || plan->stretches[0].length <= 256);
}

/* Collects anew, beside the rows that are being handed out.  The order does not
 * matter; that equal numbers lie together does. */
static bool count_collected(crm_query *query, uint64_t *count)
{
    const struct memory *memory = query->view->db->memory;
    struct hit *hits = query->hits;
    size_t hit_count = query->hit_count, capacity = query->hit_capacity, next = query->hit_next;
    struct buffer texts = query->texts;
    struct field *order = query->order;
    query->hits = NULL;
    query->hit_capacity = 0;
    query->order = NULL;
    buffer_init(&query->texts, memory);
    bool done = run_collect(query, true);
    *count = query->hit_count;
    memory_free(memory, query->hits);
    buffer_free(&query->texts);
    query->hits = hits;
    query->hit_count = hit_count;
    query->hit_capacity = capacity;
    query->hit_next = next;
    query->texts = texts;
    query->order = order;
    return done;
}

int32_t crm_query_count(crm_query *query, uint64_t *count, crm_error *error)
{
    if (query == NULL || count == NULL)
        return error_set(error, CRM_MISUSE, "crm_query_count needs a query and a place for the count");
    *count = 0;
    if (query->status != CRM_OK)
        return answer(query, error);
    int32_t status = view_begin(query->view, &query->error);
    if (status != CRM_OK) {
        query->status = status;
        return answer(query, error);
    }
    bool planned = query->planned, after = query->has_after, candidates = query->candidates;
    uint64_t limit = query->limit;
    if (plan_is_short(query)) { /* that plan is for a page, not for all */
        planned = false;
        query->limit = UINT64_MAX;
    }
    if (!planned)
        plan_make(query);
    query->has_after = query->candidates = false;
    if (!view_is_current(query->view) && view_overlay(query->view, &query->error) != CRM_OK) {
        query->status = query->error.status;
    } else if (!count_known(query, planned, count)) {
        *count = 0;
        bool all = query->plan.what == PLAN_SCAN || (query->plan.what == PLAN_TREE && query->plan.nulls_follow);
        if (all && !query->timeline)
            (void)run_candidates(query, count_one, count);
        else
            (void)count_collected(query, count);
    }
    query->has_after = after;
    query->candidates = candidates;
    query->planned = query->limit == limit;
    query->limit = limit;
    (void)query_untroubled(query);
    view_end(query->view);
    return answer(query, error);
}

const char *crm_query_explain(crm_query *query)
{
    if (query == NULL)
        return "";
    if (query->status != CRM_OK)
        return query->error.message;
    if (view_begin(query->view, NULL) != CRM_OK)
        return "the file cannot be read";
    if (!query->planned)
        plan_make(query);
    (void)plan_estimate(query);
    view_end(query->view);
    plan_explain(query);
    return query->note.failed ? "" : (const char *)query->note.data;
}

/* ---- cursors ---- */

static void put_hex(struct buffer *out, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++) {
        buffer_byte(out, (uint8_t)digits[at[i] >> 4]);
        buffer_byte(out, (uint8_t)digits[at[i] & 15]);
    }
}

/* c1-KIND-ORDER-(a|d)(n|k)-KEY-ID-TEXT, numbers and bytes in hexadecimal. */
const char *crm_query_cursor(crm_query *query)
{
    if (query == NULL || (query->page_next == 0 && !query->has_after))
        return "";
    struct hit hit = query->after;
    const uint8_t *text = query->after_text.data;
    crm_id id;
    struct buffer *out = &query->cursor;
    buffer_reset(out);
    if (query->page_next > 0) {
        hit = query->page[query->page_next - 1];
        text = query->texts.data == NULL ? NULL : query->texts.data + hit.text;
        id = *record_id(&query->records[query->page_next - 1]);
    } else {
        if (view_begin(query->view, NULL) != CRM_OK)
            return "";
        id = *id_at(query->view->generation, query->kind, hit.number);
        if (view_finish(query->view, CRM_OK, NULL) != CRM_OK)
            return "";
    }
    buffer_format(out, "c1-%x-%x-%c%c-%llx-", query->kind->number, query->order == NULL ? 0 : query->order->number,
                  query->descending ? 'd' : 'a', hit.null ? 'n' : 'k', (unsigned long long)hit.key);
    put_hex(out, id.bytes, sizeof id.bytes);
    buffer_byte(out, '-');
    if (hit.length > 0)
        put_hex(out, text, hit.length);
    buffer_byte(out, 0);
    return out->failed ? "" : (const char *)out->data;
}

static bool get_number(const char **at, const char *end, uint64_t *number)
{
    unsigned digits = 0;
    *number = 0;
    for (; *at < end && **at != '-'; ++*at, digits++) {
        char c = **at;
        uint64_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint64_t)(c - 'a' + 10);
        else
            return false;
        if (digits == 16)
            return false;
        *number = *number << 4 | digit;
    }
    if (digits == 0 || *at == end)
        return false;
    ++*at;
    return true;
}

static bool get_bytes(const char **at, const char *end, struct buffer *out)
{
    while (end - *at >= 2 && **at != '-') {
        char two[3] = {(*at)[0], (*at)[1], '-'};
        const char *digit = two;
        uint64_t byte;
        if (!get_number(&digit, two + 3, &byte) || digit != two + 3)
            return false;
        buffer_byte(out, (uint8_t)byte);
        *at += 2;
    }
    return !out->failed;
}

static bool parse_cursor(crm_query *query, const char *at, const char *end, crm_id *id)
{
    uint64_t kind, order, key;
    struct buffer *scratch = &query->scratch;
    if (end - at < 3 || memcmp(at, "c1-", 3) != 0)
        return false;
    at += 3;
    if (!get_number(&at, end, &kind) || !get_number(&at, end, &order) || kind != query->kind->number ||
        order != (query->order == NULL ? 0 : query->order->number) || end - at < 3 ||
        at[0] != (query->descending ? 'd' : 'a') || (at[1] != 'n' && at[1] != 'k') || at[2] != '-')
        return false;
    query->after = (struct hit){.null = at[1] == 'n'};
    at += 3;
    if (!get_number(&at, end, &key))
        return false;
    query->after.key = key;
    scratch->length = 0;
    if (!get_bytes(&at, end, scratch) || scratch->length != sizeof id->bytes || at == end || *at++ != '-')
        return false;
    memcpy(id->bytes, scratch->data, sizeof id->bytes);
    query->after_text.length = 0;
    if (!get_bytes(&at, end, &query->after_text) || at != end)
        return false;
    query->after.length = (uint32_t)query->after_text.length;
    return true;
}

int32_t crm_query_after(crm_query *query, const char *cursor, size_t length)
{
    int32_t status = settable(query);
    crm_id id;
    if (status != CRM_OK)
        return status;
    if (cursor == NULL)
        return query_fail(query, CRM_INVALID, "a cursor is needed");
    if (length == CRM_NUL)
        length = strlen(cursor);
    if (length == 0)
        return CRM_OK;
    if (!parse_cursor(query, cursor, cursor + length, &id))
        return !query_untroubled(query) ? query->status
                                        : query_fail(query, CRM_INVALID,
                                                     "this is not a cursor of a query with the same kind and order "
                                                     "(set the order before the cursor)");
    if ((status = view_begin(query->view, &query->error)) != CRM_OK)
        return query->status = status;
    query->after.number = row_find(query->view->generation, query->kind, &id);
    if ((status = view_finish(query->view, CRM_OK, &query->error)) != CRM_OK)
        return query->status = status;
    if (query->after.number == UINT32_MAX)
        return query_fail(query, CRM_NOT_FOUND, "the record at the cursor is not in this file");
    query->has_after = true;
    query->in_nulls = query->after.null; /* a tree's part is over */
    return CRM_OK;
}
