/* peer_lmdb_read: LMDB's answers to the questions.
 *
 * A request renews the session's read transaction and resets it at its end; what
 * it folds is read where it lies in the map.
 */
#include "peer_lmdb.h"

#include "text.h"

#include <stdlib.h>

static bool request_begin(struct lmdb *lmdb)
{
    if (lmdb->held)
        return true;
    int status = mdb_txn_renew(lmdb->read);
    lmdb->request++;
    return status == MDB_SUCCESS || lmdb_fail("renew", status);
}

static bool request_end(struct lmdb *lmdb, bool ok)
{
    if (!lmdb->held)
        mdb_txn_reset(lmdb->read);
    return ok;
}

bool lmdb_hold(void *self, bool on)
{
    struct lmdb *lmdb = self;
    bool ok = true;
    if (on)
        ok = request_begin(lmdb);
    lmdb->held = on;
    return on ? ok : request_end(lmdb, true);
}

/* A cursor of this request: made once, then renewed. */
static MDB_cursor *cursor_of(struct lmdb *lmdb, enum kv_table table)
{
    int status = MDB_SUCCESS;
    if (lmdb->cursors[table] == NULL)
        status = mdb_cursor_open(lmdb->read, lmdb->file->tables[table], &lmdb->cursors[table]);
    else if (lmdb->renewed[table] != lmdb->request)
        status = mdb_cursor_renew(lmdb->read, lmdb->cursors[table]);
    lmdb->renewed[table] = lmdb->request;
    if (status == MDB_SUCCESS)
        return lmdb->cursors[table];
    lmdb_fail("cursor", status);
    return NULL;
}

static bool get(struct lmdb *lmdb, enum kv_table table, const void *key, size_t length, MDB_val *value)
{
    MDB_val k = {length, (void *)(uintptr_t)key};
    return mdb_get(lmdb->read, lmdb->file->tables[table], &k, value) == MDB_SUCCESS;
}

/* The record that an index's value, a number, leads to. */
static bool follow(struct lmdb *lmdb, enum kv_table table, const void *number, MDB_val *record)
{
    uint32_t aligned;
    memcpy(&aligned, number, sizeof aligned);
    return get(lmdb, table, &aligned, sizeof aligned, record);
}

/* ------------------------------------------------------------ one customer */

static bool by_key(struct lmdb *lmdb, enum kv_table table, const void *key, size_t length, uint64_t *sum)
{
    MDB_val value;
    bool ok = request_begin(lmdb) && get(lmdb, table, key, length, &value) &&
              follow(lmdb, KV_CUSTOMER, value.mv_data, &value);
    if (ok)
        packed_fold_customer(value.mv_data, sum);
    return request_end(lmdb, ok || lmdb_fail("customer", MDB_NOTFOUND));
}

static bool ask_id(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    return by_key(lmdb, KV_CUSTOMER_ID, lmdb->file->pick_ids[pick], 16, sum);
}

static bool ask_email(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    char key[TEXT_KEY];
    return by_key(lmdb, KV_CUSTOMER_EMAIL, key, text_lower(lmdb->file->data->pick_emails[pick], key), sum);
}

/* Moves to the first key not below one. */
static bool seek(MDB_cursor *cursor, const void *bytes, size_t length, MDB_val *key, MDB_val *value)
{
    *key = (MDB_val){length, (void *)(uintptr_t)bytes};
    return cursor != NULL && mdb_cursor_get(cursor, key, value, MDB_SET_RANGE) == MDB_SUCCESS;
}

static bool begins(const MDB_val *key, const char *prefix, size_t length)
{
    return key->mv_size >= length && memcmp(key->mv_data, prefix, length) == 0;
}

static bool ask_phone(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    char digits[TEXT_KEY];
    size_t length = text_reversed_digits(lmdb->file->data->pick_suffixes[pick], digits);
    MDB_val key, value;
    bool ok = request_begin(lmdb) && seek(cursor_of(lmdb, KV_CUSTOMER_PHONE), digits, length, &key, &value) &&
              begins(&key, digits, length) && follow(lmdb, KV_CUSTOMER, value.mv_data, &value);
    if (ok)
        packed_fold_customer(value.mv_data, sum);
    return request_end(lmdb, ok || lmdb_fail("customer by phone", MDB_NOTFOUND));
}

/* ------------------------------------------------------------ pages */

static void fold_listed(const void *bytes, uint64_t *sum)
{
    struct packed_customer head = packed_get_customer(bytes);
    *sum = packed_mix_text(*sum, &head, bytes, PACKED_NAME);
    *sum = packed_mix_text(*sum, &head, bytes, PACKED_CITY);
    *sum = data_mix(*sum, head.owner);
}

static bool ask_prefix(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    char prefix[TEXT_KEY];
    size_t length = text_lower(lmdb->file->data->pick_prefixes[pick], prefix);
    MDB_val key, value, record;
    bool ok = request_begin(lmdb);
    MDB_cursor *cursor = ok ? cursor_of(lmdb, KV_CUSTOMER_NAME) : NULL;
    bool more = seek(cursor, prefix, length, &key, &value) && begins(&key, prefix, length);
    for (int lines = 0; ok && more && lines < 20;) {
        ok = follow(lmdb, KV_CUSTOMER, value.mv_data, &record);
        if (ok && packed_get_customer(record.mv_data).deleted_at == 0) {
            fold_listed(record.mv_data, sum);
            lines++;
        }
        more = mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS && begins(&key, prefix, length);
    }
    return request_end(lmdb, ok);
}

/* From the cursor's place backwards: the newest first. */
static bool fold_lines(struct lmdb *lmdb, MDB_cursor *cursor, MDB_val *key, MDB_val *line, bool more, uint64_t *sum)
{
    bool ok = true;
    for (int lines = 0; ok && more && lines < 20; lines++) {
        MDB_val record;
        uint32_t number = packed_get_u32((const uint8_t *)line->mv_data + 8);
        ok = get(lmdb, KV_INTERACTION, &number, sizeof number, &record);
        if (ok)
            packed_fold_line(record.mv_data, sum);
        more = mdb_cursor_get(cursor, key, line, MDB_PREV_DUP) == MDB_SUCCESS;
    }
    return ok;
}

static bool ask_timeline(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    MDB_val key = {sizeof(uint32_t), &lmdb->file->data->picks[pick]}, line;
    bool ok = request_begin(lmdb);
    MDB_cursor *cursor = ok ? cursor_of(lmdb, KV_TIMELINE) : NULL;
    if (cursor == NULL)
        return request_end(lmdb, false);
    bool more = mdb_cursor_get(cursor, &key, &line, MDB_SET) == MDB_SUCCESS &&
                mdb_cursor_get(cursor, &key, &line, MDB_LAST_DUP) == MDB_SUCCESS;
    return request_end(lmdb, fold_lines(lmdb, cursor, &key, &line, more, sum));
}

bool lmdb_prepare(void *self)
{
    struct lmdb *lmdb = self;
    bool ok = lmdb_hold(lmdb, true);
    for (uint32_t i = 0; ok && i < lmdb->file->data->deep_count; i++) {
        MDB_val key = {sizeof(uint32_t), &lmdb->file->data->deep[i]}, line;
        MDB_cursor *cursor = cursor_of(lmdb, KV_TIMELINE);
        ok = cursor != NULL && mdb_cursor_get(cursor, &key, &line, MDB_SET) == MDB_SUCCESS &&
             mdb_cursor_get(cursor, &key, &line, MDB_LAST_DUP) == MDB_SUCCESS;
        for (int k = 1; ok && k < 980; k++)
            ok = mdb_cursor_get(cursor, &key, &line, MDB_PREV_DUP) == MDB_SUCCESS;
        if (ok)
            memcpy(lmdb->file->deep_cursors[i], line.mv_data, KV_LINE);
    }
    return lmdb_hold(lmdb, false) && (ok || lmdb_fail("cursors", MDB_NOTFOUND));
}

static bool ask_timeline_50(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    uint32_t at = pick % lmdb->file->data->deep_count;
    MDB_val key = {sizeof(uint32_t), &lmdb->file->data->deep[at]}, line = {KV_LINE, lmdb->file->deep_cursors[at]};
    bool ok = request_begin(lmdb);
    MDB_cursor *cursor = ok ? cursor_of(lmdb, KV_TIMELINE) : NULL;
    if (cursor == NULL)
        return request_end(lmdb, false);
    /* The line itself, or the next one if it is gone; either way the page begins before. */
    bool more = mdb_cursor_get(cursor, &key, &line, MDB_GET_BOTH_RANGE) == MDB_SUCCESS &&
                mdb_cursor_get(cursor, &key, &line, MDB_PREV_DUP) == MDB_SUCCESS;
    return request_end(lmdb, fold_lines(lmdb, cursor, &key, &line, more, sum));
}

static bool ask_stage_page(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    uint32_t stage = pick % DATA_STAGES + 1;
    MDB_val key = {sizeof stage, &stage}, value, record;
    bool ok = request_begin(lmdb);
    MDB_cursor *cursor = ok ? cursor_of(lmdb, KV_CUSTOMER_STAGE) : NULL;
    if (cursor == NULL)
        return request_end(lmdb, false);
    bool more = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY) == MDB_SUCCESS;
    for (int lines = 0; ok && more && lines < 50; lines++) {
        ok = follow(lmdb, KV_CUSTOMER, value.mv_data, &record);
        if (ok)
            fold_listed(record.mv_data, sum);
        more = mdb_cursor_get(cursor, &key, &value, MDB_NEXT_DUP) == MDB_SUCCESS;
    }
    return request_end(lmdb, ok);
}

static void fold_task(const void *bytes, uint64_t *sum)
{
    struct packed_interaction head = packed_get_interaction(bytes);
    *sum = data_mix(*sum, (uint64_t)head.due);
    *sum = data_mix_text(*sum, (const char *)bytes + sizeof head, head.subject_length);
    *sum = data_mix(*sum, head.owner);
}

static bool ask_due(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    int64_t day = data_day(lmdb->file->data, pick), due;
    MDB_val key, value, record;
    bool ok = request_begin(lmdb);
    MDB_cursor *cursor = ok ? cursor_of(lmdb, KV_DUE) : NULL;
    bool more = seek(cursor, &day, sizeof day, &key, &value);
    for (int lines = 0; ok && more && lines < 50; lines++) {
        memcpy(&due, key.mv_data, sizeof due);
        if (due >= day + INT64_C(86400000000))
            break;
        ok = follow(lmdb, KV_INTERACTION, value.mv_data, &record);
        if (ok)
            fold_task(record.mv_data, sum);
        more = mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS;
    }
    return request_end(lmdb, ok);
}

/* ------------------------------------------------------------ sums */

/* LMDB keeps the number of a key's duplicates. */
static bool ask_stage_counts(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    bool ok = request_begin(lmdb);
    MDB_cursor *cursor = ok ? cursor_of(lmdb, KV_CUSTOMER_STAGE) : NULL;
    (void)pick;
    for (uint32_t stage = 1; cursor != NULL && stage <= DATA_STAGES; stage++) {
        MDB_val key = {sizeof stage, &stage}, value;
        size_t count = 0;
        if (mdb_cursor_get(cursor, &key, &value, MDB_SET) == MDB_SUCCESS)
            mdb_cursor_count(cursor, &count);
        *sum += data_mix(data_mix(0, stage), count);
    }
    return request_end(lmdb, cursor != NULL);
}

/* Calls `each` for every record of a table. */
typedef void visit(void *context, const void *bytes);

static bool scan(struct lmdb *lmdb, enum kv_table table, visit *each, void *context)
{
    MDB_val key, value;
    MDB_cursor *cursor = cursor_of(lmdb, table);
    if (cursor == NULL)
        return false;
    for (int status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); status == MDB_SUCCESS;
         status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        each(context, value.mv_data);
    return true;
}

struct spend {
    int64_t amount, latest;
    uint32_t count;
};

/* Only what is asked is read of each. */
static void add_purchase(void *context, const void *bytes)
{
    struct spend *all = context;
    const uint8_t *at = bytes;
    int64_t start, amount, deleted_at;
    uint32_t customer;
    memcpy(&deleted_at, at + offsetof(struct packed_interaction, deleted_at), sizeof deleted_at);
    if (at[offsetof(struct packed_interaction, type)] != 9 || deleted_at != 0)
        return;
    memcpy(&start, at + offsetof(struct packed_interaction, start), sizeof start);
    memcpy(&amount, at + offsetof(struct packed_interaction, amount), sizeof amount);
    memcpy(&customer, at + offsetof(struct packed_interaction, customer), sizeof customer);
    all[customer].amount += amount;
    all[customer].count++;
    if (start > all[customer].latest)
        all[customer].latest = start;
}

static bool ask_spend(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    uint32_t count = lmdb->file->data->customer_count;
    struct spend *all = calloc(count, sizeof *all);
    bool ok = all != NULL && request_begin(lmdb) && scan(lmdb, KV_INTERACTION, add_purchase, all);
    (void)pick;
    for (uint32_t i = 0; ok && i < count; i++)
        if (all[i].count > 0)
            *sum += data_mix(data_mix(0, (uint64_t)all[i].amount), (uint64_t)all[i].latest);
    free(all);
    return request_end(lmdb, ok);
}

struct cell {
    int64_t deals, amount, weighted, won;
};

static void add_deal(void *context, const void *bytes)
{
    struct cell(*cells)[DATA_DEAL_STAGES + 1] = context;
    struct packed_deal deal;
    memcpy(&deal, bytes, sizeof deal);
    if (deal.deleted_at != 0)
        return;
    struct cell *cell = &cells[deal.owner][deal.stage];
    cell->deals++;
    cell->amount += deal.amount;
    if (deal.outcome == 1)
        cell->weighted += deal.amount * deal.probability;
    if (deal.outcome == 2)
        cell->won += deal.amount;
}

static bool ask_pipeline(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    struct cell cells[DATA_USERS][DATA_DEAL_STAGES + 1] = {{{0}}};
    bool ok = request_begin(lmdb) && scan(lmdb, KV_DEAL, add_deal, cells);
    (void)pick;
    for (int user = 0; ok && user < DATA_USERS; user++)
        for (int stage = 1; stage <= DATA_DEAL_STAGES; stage++) {
            const struct cell *cell = &cells[user][stage];
            uint64_t one = data_mix(data_mix(0, (uint64_t)cell->deals), (uint64_t)cell->amount);
            if (cell->deals > 0)
                *sum += data_mix(data_mix(one, data_weighted(cell->weighted)), (uint64_t)cell->won);
        }
    return request_end(lmdb, ok);
}

/* ------------------------------------------------------------ the past */

/* The customer that a question of the past is about: its number and record. */
static bool logged_customer(struct lmdb *lmdb, uint32_t pick, uint32_t *number, MDB_val *record)
{
    const struct data *data = lmdb->file->data;
    MDB_val value;
    if (!get(lmdb, KV_CUSTOMER_ID, data->customers[data_logged(data, data->picks[pick])].id, 16, &value))
        return false;
    memcpy(number, value.mv_data, sizeof *number);
    return get(lmdb, KV_CUSTOMER, number, sizeof *number, record);
}

/* The customer's next logged change, or the first; false: there is none. */
static bool next_change(struct lmdb *lmdb, uint32_t *customer, bool first, struct packed_change *change)
{
    MDB_cursor *cursor = cursor_of(lmdb, KV_CHANGE_RECORD);
    MDB_val key = {sizeof *customer, customer}, value;
    if (cursor == NULL || mdb_cursor_get(cursor, &key, &value, first ? MDB_SET_KEY : MDB_NEXT_DUP) != MDB_SUCCESS ||
        !follow(lmdb, KV_CHANGE, value.mv_data, &value))
        return false;
    memcpy(change, value.mv_data, sizeof *change);
    return true;
}

static bool ask_history(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    struct packed_change change;
    uint32_t number;
    MDB_val record;
    if (!request_begin(lmdb) || !logged_customer(lmdb, pick, &number, &record))
        return request_end(lmdb, lmdb_fail("history", MDB_NOTFOUND));
    *sum = data_mix(data_mix(*sum, (uint64_t)packed_get_customer(record.mv_data).created_at), 0);
    for (bool more = next_change(lmdb, &number, true, &change); more; more = next_change(lmdb, &number, false, &change))
        *sum = data_mix(data_mix(*sum, (uint64_t)change.at), (uint64_t)change.after);
    return request_end(lmdb, true);
}

/* The record of now, and what changed later as it was before. */
static bool ask_past(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    struct packed_change change;
    uint32_t number;
    MDB_val record;
    if (!request_begin(lmdb) || !logged_customer(lmdb, pick, &number, &record))
        return request_end(lmdb, lmdb_fail("past", MDB_NOTFOUND));
    packed_fold_customer(record.mv_data, sum);
    bool more = next_change(lmdb, &number, true, &change);
    while (more && change.at <= lmdb->file->data->past)
        more = next_change(lmdb, &number, false, &change);
    *sum = data_mix(*sum, more ? (uint64_t)change.before : (uint64_t)packed_get_customer(record.mv_data).employees);
    return request_end(lmdb, true);
}

static bool ask_employees(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    MDB_val value;
    bool ok = request_begin(lmdb) && get(lmdb, KV_CUSTOMER_ID, lmdb->file->pick_ids[pick], 16, &value) &&
              follow(lmdb, KV_CUSTOMER, value.mv_data, &value);
    if (ok)
        *sum = data_mix(*sum, (uint64_t)packed_get_customer(value.mv_data).employees);
    return request_end(lmdb, ok || lmdb_fail("employees", MDB_NOTFOUND));
}

static bool ask_lookups(void *self, uint32_t pick, uint64_t *sum)
{
    struct lmdb *lmdb = self;
    const struct data_lookups *l = &lmdb->file->data->lookups[lmdb->file->data->picks[pick]];
    bool ok = request_begin(lmdb);
    for (int k = 0; ok && k < DATA_LOOKUP_TEXTS + DATA_LOOKUP_NUMBERS; k++) {
        char text[TEXT_KEY];
        int64_t number = k < DATA_LOOKUP_TEXTS ? 0 : l->numbers[k - DATA_LOOKUP_TEXTS];
        MDB_val key = {sizeof number, &number}, value;
        size_t count = 0;
        if (k < DATA_LOOKUP_TEXTS)
            key = (MDB_val){text_lower(l->texts[k], text), text};
        MDB_cursor *cursor = cursor_of(lmdb, (enum kv_table)(KV_LOOKUP + k));
        ok = cursor != NULL && mdb_cursor_get(cursor, &key, &value, MDB_SET) == MDB_SUCCESS &&
             mdb_cursor_count(cursor, &count) == MDB_SUCCESS;
        *sum = data_mix(*sum, count);
    }
    return request_end(lmdb, ok || lmdb_fail("look-up", MDB_NOTFOUND));
}

engine_question *const lmdb_questions[QUESTIONS] = {
    [ASK_ID] = ask_id,
    [ASK_EMAIL] = ask_email,
    [ASK_PHONE] = ask_phone,
    [ASK_PREFIX] = ask_prefix,
    [ASK_TIMELINE] = ask_timeline,
    [ASK_TIMELINE_50] = ask_timeline_50,
    [ASK_STAGE_PAGE] = ask_stage_page,
    [ASK_DUE] = ask_due,
    [ASK_STAGE_COUNTS] = ask_stage_counts,
    [ASK_SPEND] = ask_spend,
    [ASK_PIPELINE] = ask_pipeline,
    [ASK_HISTORY] = ask_history,
    [ASK_PAST] = ask_past,
    [ASK_EMPLOYEES] = ask_employees,
    [ASK_LOOKUPS] = ask_lookups,
};
