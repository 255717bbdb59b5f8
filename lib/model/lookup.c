/* lookup: one record by its id or by a value of its own.
 *
 * The table or tree gives candidates; each is checked against the record as the
 * view sees it, and the rows that changed since the view are judged by what
 * they were, so that an old view finds what it would have found.
 */
#include "model/lookup.h"

#include "model/phone.h"
#include "model/query.h"
#include "model/text.h"
#include "model/txn.h"
#include "model/uuid.h"

#include <string.h>

int32_t crm_get(crm_view *view, uint32_t number, const crm_id *id, crm_record **record, crm_error *error)
{
    struct row row;
    if (record != NULL)
        *record = NULL;
    if (view == NULL || id == NULL || record == NULL)
        return error_set(error, CRM_MISUSE, "crm_get needs a view, an id and a place for the record");
    int32_t status = view_begin_rows(view, error);
    if (status != CRM_OK)
        return status;
    struct kind *kind = schema_kind(&view->generation->schema, number);
    uint32_t found = kind == NULL ? UINT32_MAX : row_find(view->generation, kind, id);
    if (found != UINT32_MAX && view_row(view, kind, found, &row) != VIEW_ROW_NONE) {
        status = record_open(view, kind, found, &row, record, error);
        view_end(view);
        return status;
    }
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    status = error_set(error, CRM_NOT_FOUND, "there is no %s with id %s", kind == NULL ? "kind" : kind->name, text);
    return view_finish(view, status, error);
}

int32_t crm_get_any(crm_view *view, const crm_id *id, crm_record **record, crm_error *error)
{
    if (view == NULL || id == NULL || record == NULL)
        return error_set(error, CRM_MISUSE, "crm_get_any needs a view, an id and a place for the record");
    const struct schema *schema = &view->generation->schema;
    uint32_t count = __atomic_load_n(&schema->kind_count, __ATOMIC_ACQUIRE);
    struct kind **kinds = __atomic_load_n(&schema->kinds, __ATOMIC_ACQUIRE);
    for (uint32_t k = 0; k < count; k++) {
        int32_t status = crm_get(view, kinds[k]->number, id, record, error);
        if (status != CRM_NOT_FOUND)
            return status;
    }
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    return error_set(error, CRM_NOT_FOUND, "there is no record with id %s", text);
}

/* ---- by value ---- */

static bool keys_hold(const struct buffer *keys, const char *key, size_t key_length)
{
    for (size_t at = 0; at < keys->length;) {
        uint32_t length;
        memcpy(&length, keys->data + at, sizeof length);
        at += sizeof length;
        if (length == key_length && memcmp(keys->data + at, key, length) == 0)
            return true;
        at += length;
    }
    return false;
}

/* Whether an item is the address in its one form already: then it need not be made. */
static bool has_plain_item(const struct value *value, const char *key, size_t length)
{
    struct items items = items_open(value);
    struct item item;
    struct part part;
    while (items_next(&items, &item))
        if (part_find(&item, CRM_PART_VALUE, &part) && part.length == length && memcmp(part.text, key, length) == 0)
            return true;
    return false;
}

/* Whether the value that was got has the key. */
static bool value_has_key(crm_view *view, const struct field *field, const struct value *value, const char *key,
                          size_t length)
{
    if (field->type == CRM_TYPE_EMAILS && has_plain_item(value, key, length))
        return true;
    buffer_reset(&view->scratch);
    if (!index_keys(field, value, &view->scratch))
        view->trouble = CRM_NOMEM;
    return !view->scratch.failed && keys_hold(&view->scratch, key, length);
}

static bool live_version(crm_view *view, struct kind *kind, uint32_t number, struct row *row, struct version *version)
{
    if (view_row(view, kind, number, row) == VIEW_ROW_NONE || (row->state & ROW_DELETED))
        return false;
    int32_t status = version_of_row(view, kind, number, row, version);
    if (status != CRM_OK)
        view->trouble = status;
    return status == CRM_OK;
}

bool lookup_has_key(crm_view *view, struct kind *kind, struct field *field, uint32_t number, const char *key,
                    size_t length)
{
    struct row row;
    struct version version;
    struct value value;
    return live_version(view, kind, number, &row, &version) && version_field(&version, field, &value) == 1 &&
           value_has_key(view, field, &value, key, length);
}

/* A candidate is read through a handle, which the caller gets when it is the one. */
struct found {
    uint32_t number;     /* UINT32_MAX: none */
    bool several;        /* another record matches, too */
    uint32_t rank;       /* the better match wins; then the older record */
    crm_record *record;  /* on it */
    crm_record *another; /* on the candidate; NULL: none is taken yet */
};

/* Whether a number is a live record, which `another` is then on. */
static bool is_candidate(crm_view *view, struct kind *kind, uint32_t number, struct found *best)
{
    struct row row;
    if (view_row(view, kind, number, &row) == VIEW_ROW_NONE || (row.state & ROW_DELETED))
        return false;
    if (best->another == NULL)
        best->another = record_take(view);
    int32_t status = best->another == NULL ? CRM_NOMEM : record_fill(best->another, view, kind, number, &row);
    if (status != CRM_OK)
        view->trouble = status;
    return status == CRM_OK;
}

static void offer(struct found *best, uint32_t number, uint32_t rank)
{
    best->several |= best->number != UINT32_MAX && best->number != number;
    if (best->number != UINT32_MAX && rank <= best->rank && !(rank == best->rank && number < best->number))
        return;
    crm_record *before = best->record;
    best->record = best->another;
    best->another = before;
    best->number = number;
    best->rank = rank;
}

static void offer_key(crm_view *view, struct kind *kind, const struct field *field, uint32_t number,
                      const struct buffer *key, struct found *best)
{
    struct value value;
    if (is_candidate(view, kind, number, best) && record_value(best->another, field->number, &value) == 1 &&
        value_has_key(view, field, &value, (const char *)key->data, key->length))
        offer(best, number, 0);
}

/* Whether what the view saw otherwise is to be looked through, too. */
static bool has_overlay(crm_view *view)
{
    int32_t status = view_is_current(view) ? CRM_DONE : view_overlay(view, NULL);
    if (status == CRM_NOMEM)
        view->trouble = status;
    return status == CRM_OK;
}

static void find_in_table(crm_view *view, struct kind *kind, struct field *field, const struct buffer *key,
                          struct found *best)
{
    struct generation *generation = view->generation;
    struct hash_cursor cursor;
    uint32_t number;
    size_t position = 0;
    if (field->table != 0) {
        hash_find(generation->arena, field->table, index_hash(generation, field, key->data, key->length), &cursor);
        while (hash_next(generation->arena, field->table, &cursor, &number))
            offer_key(view, kind, field, number, key, best);
    }
    if (!has_overlay(view))
        return;
    for (const struct overlay_row *old; (old = view_overlay_next(view, kind->number, &position)) != NULL;)
        offer_key(view, kind, field, old->number, key, best);
}

/* ---- telephones ---- */

/* How many last digits the record shares with the number sought; 0: no match. */
static uint32_t phone_rank(const struct field *field, const struct version *version, const struct phone *sought)
{
    struct value value;
    struct item item;
    struct part part;
    uint32_t best = 0;
    uint8_t wanted, count;
    const char *digits = phone_significant(sought, &wanted);
    if (version_field(version, field, &value) != 1)
        return 0;
    struct items items = items_open(&value);
    while (items_next(&items, &item)) {
        struct phone phone;
        if (!part_find(&item, CRM_PART_VALUE, &part) || !phone_digits(part.text, part.length, &phone))
            continue;
        const char *own = phone_significant(&phone, &count);
        uint8_t shorter = count < wanted ? count : wanted;
        bool enough = shorter >= PHONE_MATCH_MIN || (wanted >= 4 && count >= wanted) || count == wanted;
        if (enough && memcmp(own + count - shorter, digits + wanted - shorter, shorter) == 0 && shorter > best)
            best = shorter;
    }
    return best;
}

static void phone_candidates(crm_view *view, struct kind *kind, struct field *field, const struct phone *sought,
                             struct tree_key from, uint64_t high, struct found *best)
{
    struct tree_cursor cursor;
    struct tree_key key;
    enum { LOOK_AT_MOST = 10000 };
    tree_seek(view->generation->arena, field->tree, from, &cursor);
    for (int n = 0;
         n < LOOK_AT_MOST && tree_next(view->generation->arena, field->tree, &cursor, &key) && key.high <= high; n++) {
        uint32_t rank;
        if (is_candidate(view, kind, tree_number(key), best) &&
            (rank = phone_rank(field, &best->another->version, sought)) > 0)
            offer(best, tree_number(key), rank);
    }
}

/* Numbers that end in what was dialled; failing that, shorter ones that the
 * dialled one ends in, the longest first. */
static void find_phone(crm_view *view, struct kind *kind, struct field *field, const char *text, size_t length,
                       struct found *best)
{
    struct phone sought;
    uint8_t count;
    uint64_t low, high;
    size_t position = 0;
    if (!phone_digits(text, length, &sought))
        return;
    const char *digits = phone_significant(&sought, &count);
    if (field->tree != 0 && count > 0 && phone_range(digits, count, &low, &high))
        phone_candidates(view, kind, field, &sought, (struct tree_key){low, 0}, high, best);
    for (uint8_t n = count; field->tree != 0 && n-- > PHONE_MATCH_MIN && best->number == UINT32_MAX;) {
        uint64_t key = phone_key_last(&sought, n);
        phone_candidates(view, kind, field, &sought, (struct tree_key){key, 0}, key, best);
    }
    if (!has_overlay(view))
        return;
    for (const struct overlay_row *old; (old = view_overlay_next(view, kind->number, &position)) != NULL;) {
        uint32_t rank;
        if (is_candidate(view, kind, old->number, best) &&
            (rank = phone_rank(field, &best->another->version, &sought)) > 0)
            offer(best, old->number, rank);
    }
}

static bool is_keyed(const struct field *field)
{
    return (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_KEY)) != 0 || field->type == CRM_TYPE_EMAILS;
}

static int32_t find_by_query(crm_view *view, struct kind *kind, struct field *field, const char *text, size_t length,
                             crm_record **record, crm_error *error)
{
    crm_query *query;
    crm_record *found;
    int32_t status = crm_query_create(view, kind->number, &query, error);
    if (status != CRM_OK)
        return status;
    (void)crm_query_where_text(query, field->number, CRM_OP_EQ, text, length);
    (void)crm_query_limit(query, 1);
    status = crm_query_next(query, &found, error);
    crm_id id;
    if (status == CRM_OK)
        crm_record_id(found, &id);
    crm_query_free(query);
    return status == CRM_OK ? crm_get(view, kind->number, &id, record, error) : status;
}

int32_t lookup_find(crm_view *view, uint32_t kind_number, uint32_t field_number, const char *text, size_t length,
                    bool alone, crm_record **record, crm_error *error)
{
    struct kind *kind = schema_kind(&view->generation->schema, kind_number);
    struct field *field = kind == NULL ? NULL : schema_field(kind, field_number);
    if (field == NULL || !(field_has_index(field)))
        return error_set(error, CRM_INVALID, "%s.%s has no index to find by", kind == NULL ? "?" : kind->name,
                         field == NULL ? "?" : field->name);
    int32_t status = CRM_OK;
    struct found best = {.number = UINT32_MAX};
    if (is_keyed(field) || field->type == CRM_TYPE_PHONES) {
        bool phone = field->type == CRM_TYPE_PHONES;
        if ((status = phone ? view_begin(view, error) : view_begin_rows(view, error)) != CRM_OK)
            return status;
        if (phone) {
            find_phone(view, kind, field, text, length, &best);
        } else {
            buffer_reset(&view->scratch2);
            if (field->type == CRM_TYPE_INT) {
                status = CRM_INVALID;
            } else if (index_key_of_text(field, text, length, &view->scratch2)) {
                find_in_table(view, kind, field, &view->scratch2, &best);
            }
        }
        int32_t trouble = view_trouble(view, error);
        if (trouble == CRM_NOMEM || (trouble != CRM_OK && (alone || best.number == UINT32_MAX)))
            status = trouble; /* who was not judged may have been the one */
        else if (alone && best.several)
            status =
                error_set(error, CRM_DUPLICATE, "several records of kind %s have the %s \"%.*s\"; name one by its id",
                          kind->name, field->name, (int)text_cut(text, length, 80), text);
        else if (best.number != UINT32_MAX)
            *record = record_hand_out(best.record);
        if (*record == NULL)
            record_put_back(best.record);
        record_put_back(best.another);
        view_end(view);
    }
    if (status == CRM_INVALID || !(is_keyed(field) || field->type == CRM_TYPE_PHONES))
        status = find_by_query(view, kind, field, text, length, record, error);
    if (status == CRM_DONE || (status == CRM_OK && *record == NULL))
        return error_set(error, CRM_NOT_FOUND, "there is no %s whose %s is \"%.*s\"", kind->name, field->name,
                         (int)text_cut(text, length, 100), text);
    return status;
}

int32_t crm_find(crm_view *view, uint32_t kind, uint32_t field, const char *text, size_t length, crm_record **record,
                 crm_error *error)
{
    if (record != NULL)
        *record = NULL;
    if (view == NULL || text == NULL || record == NULL)
        return error_set(error, CRM_MISUSE, "crm_find needs a view, a text and a place for the record");
    return lookup_find(view, kind, field, text, length == CRM_NUL ? strlen(text) : length, false, record, error);
}

/* ---- what a person means ---- */

static int32_t by_name(crm_view *view, struct kind *kind, const char *text, size_t length, crm_id *out,
                       crm_error *error)
{
    crm_query *query;
    crm_record *record;
    char first[UUID_TEXT_SIZE], second[UUID_TEXT_SIZE];
    struct field *title = kind->title; /* a writer may take its definition back meanwhile */
    if (title == NULL)
        return CRM_NOT_FOUND;
    int32_t status = crm_query_create(view, kind->number, &query, error);
    if (status != CRM_OK)
        return status;
    (void)query_where_text(query, title, title->number, CRM_OP_EQ, text, length);
    (void)crm_query_limit(query, 2);
    status = crm_query_next(query, &record, error);
    if (status == CRM_OK) {
        crm_record_id(record, out);
        status = crm_query_next(query, &record, error);
        if (status == CRM_OK) {
            crm_id other;
            crm_record_id(record, &other);
            uuid_format(out, first);
            uuid_format(&other, second);
            status = error_set(error, CRM_DUPLICATE,
                               "several records of kind %s are called \"%.*s\": %s, %s; name one by its id", kind->name,
                               (int)text_cut(text, length, 80), text, first, second);
        } else if (status == CRM_DONE) {
            status = CRM_OK;
        }
    } else if (status == CRM_DONE) {
        status = CRM_NOT_FOUND;
    }
    crm_query_free(query);
    return status;
}

int32_t crm_resolve(crm_view *view, uint32_t kind_number, const char *text, size_t length, crm_id *out,
                    crm_error *error)
{
    if (view == NULL || text == NULL || out == NULL)
        return error_set(error, CRM_MISUSE, "crm_resolve needs a view, a text and a place for the id");
    if (length == CRM_NUL)
        length = strlen(text);
    struct kind *kind = schema_kind(&view->generation->schema, kind_number);
    crm_record *record = NULL;
    crm_id id;
    int32_t status = CRM_NOT_FOUND;
    if (kind == NULL)
        return error_set(error, CRM_INVALID, "there is no kind with number %u", kind_number);
    text_trim(&text, &length);
    if (uuid_parse(text, length, &id))
        status = crm_get(view, kind_number, &id, &record, error);
    if (status == CRM_NOT_FOUND && length > 0)
        status = lookup_find(view, kind_number, CRM_FIELD_EXTERNAL_IDS, text, length, true, &record, error);
    for (uint32_t i = 0; status == CRM_NOT_FOUND && length > 0 && i < schema_indexed(kind); i++) {
        const struct field *field = schema_indexed_at(kind, i);
        if ((field->type == CRM_TYPE_EMAILS && memchr(text, '@', length) != NULL) ||
            (field->type == CRM_TYPE_TEXT && (field->flags & CRM_FLAG_UNIQUE)))
            status = lookup_find(view, kind_number, field->number, text, length, true, &record, error);
    }
    if (status == CRM_OK) {
        crm_record_id(record, out);
        crm_record_free(record);
        return CRM_OK;
    }
    if (status == CRM_NOT_FOUND && length > 0)
        status = by_name(view, kind, text, length, out, error);
    if (status == CRM_NOT_FOUND)
        return error_set(error, CRM_NOT_FOUND, "there is no %s with the id, external id, e-mail or name \"%.*s\"",
                         kind->name, (int)text_cut(text, length, 100), text);
    return status;
}

int32_t lookup_referrer(crm_view *view, struct kind *kind, struct field *field, uint32_t target, uint32_t *number)
{
    struct generation *generation = view->generation;
    uint32_t rows = kind_rows(generation, kind);
    if ((field->flags & CRM_FLAG_INDEXED) && field->tree != 0) {
        struct tree_cursor cursor;
        struct tree_key key, from = {index_int_key(field, target), 0};
        tree_seek(generation->arena, field->tree, from, &cursor);
        if (!tree_next(generation->arena, field->tree, &cursor, &key) || key.high != from.high)
            return CRM_NOT_FOUND;
        *number = tree_number(key);
        return CRM_OK;
    }
    for (uint32_t n = 0; n < rows; n++) {
        const struct row *row = row_at(generation, kind, n);
        struct version version;
        struct value value = {.integer = -1};
        if (row == NULL || row->head == 0 || (row->state & ROW_DELETED))
            continue;
        const uint32_t *cell = field->column == 0 ? NULL : column_at(generation->arena, field->column, n, sizeof *cell);
        int32_t status = cell != NULL ? CRM_OK : version_load(generation, view->txn, row->head, &version);
        if (status != CRM_OK)
            return status;
        *number = n;
        if (cell != NULL ? *cell == target
                         : version_get(&version, field->number, &value) == 1 && (uint32_t)value.integer == target)
            return CRM_OK;
    }
    return CRM_NOT_FOUND;
}

/* ---- upsert ---- */

crm_record *crm_upsert(crm_txn *txn, uint32_t kind_number, uint32_t field_number, const char *text, size_t length,
                       int32_t *created)
{
    crm_record *found = NULL;
    crm_error error;
    if (created != NULL)
        *created = 0;
    if (txn == NULL)
        return NULL;
    if (length == CRM_NUL)
        length = text == NULL ? 0 : strlen(text);
    struct kind *kind = schema_kind(&txn->generation->schema, kind_number);
    struct field *field = kind == NULL ? NULL : schema_field(kind, field_number);
    if (text == NULL || field == NULL || !((field->flags & CRM_FLAG_UNIQUE) || field->type == CRM_TYPE_EMAILS)) {
        txn_fail(txn, CRM_INVALID, "an upsert needs a text, and a unique field, an external id or an e-mail");
        return NULL;
    }
    int32_t status = lookup_find(&txn->view, kind_number, field_number, text, length, true, &found, NULL);
    if (status != CRM_OK && status != CRM_NOT_FOUND) /* once more, to be told why */
        status = lookup_find(&txn->view, kind_number, field_number, text, length, true, &found, &error);
    if (status == CRM_OK) {
        crm_id id;
        crm_record_id(found, &id);
        crm_record_free(found);
        return crm_edit(txn, kind_number, &id);
    }
    if (status != CRM_NOT_FOUND) {
        txn_fail(txn, status, "%s", error.message);
        return NULL;
    }
    crm_record *record = crm_create(txn, kind_number);
    if (created != NULL)
        *created = record != NULL;
    if (record != NULL && (type_is_list(field->type) ? crm_item_add(record, field_number, text, length)
                                                     : crm_set_parsed(record, field_number, text, length)) != CRM_OK)
        return NULL;
    return record;
}
