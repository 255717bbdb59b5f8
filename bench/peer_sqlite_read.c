/* peer_sqlite_read: SQLite's answers to the questions.
 *
 * A statement begins and ends a read transaction by itself; held, one stands
 * around all of them.
 */
#include "peer_sqlite.h"

#include "text.h"

#include <stdio.h>

bool peer_hold(void *self, bool on)
{
    return peer_step(self, on ? PEER_HOLD : PEER_COMMIT);
}

/* ------------------------------------------------------------ one customer */

static uint64_t mix_column(uint64_t sum, sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return data_mix_text(sum, text, (size_t)sqlite3_column_bytes(s, column));
}

static uint64_t mix_number(uint64_t sum, sqlite3_stmt *s, int column)
{
    return data_mix(sum, (uint64_t)sqlite3_column_int64(s, column));
}

/* Folds the first five columns of BY_ID, BY_EMAIL and BY_PHONE. */
static void fold_customer(sqlite3_stmt *s, uint64_t *sum)
{
    *sum = mix_column(*sum, s, 0);
    *sum = mix_number(*sum, s, 1);
    *sum = mix_number(*sum, s, 2);
    *sum = mix_column(*sum, s, 3);
    *sum = mix_number(*sum, s, 4);
}

static bool one_customer(struct peer *peer, enum peer_statement which, uint64_t *sum)
{
    sqlite3_stmt *s = peer->statements[which];
    if (sqlite3_step(s) != SQLITE_ROW)
        return peer_fail(peer, peer_sql[which]);
    fold_customer(s, sum);
    sqlite3_reset(s);
    return true;
}

static bool ask_id(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_bind_blob(peer->statements[PEER_BY_ID], 1, peer->file->pick_ids[pick], 16, SQLITE_STATIC);
    return one_customer(peer, PEER_BY_ID, sum);
}

static bool ask_email(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    peer_text(peer->statements[PEER_BY_EMAIL], 1, peer->file->data->pick_emails[pick]);
    return one_customer(peer, PEER_BY_EMAIL, sum);
}

static bool ask_phone(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    char from[TEXT_KEY], to[TEXT_KEY];
    text_reversed_digits(peer->file->data->pick_suffixes[pick], from);
    text_behind(from, to);
    peer_text(peer->statements[PEER_BY_PHONE], 1, from);
    peer_text(peer->statements[PEER_BY_PHONE], 2, to);
    return one_customer(peer, PEER_BY_PHONE, sum);
}

/* ------------------------------------------------------------ pages */

/* Runs a statement of three columns to its end; `texts` has a bit for each that is a text. */
static bool page(struct peer *peer, enum peer_statement which, unsigned texts, uint64_t *sum)
{
    sqlite3_stmt *s = peer->statements[which];
    int status;
    while ((status = sqlite3_step(s)) == SQLITE_ROW)
        for (int column = 0; column < 3; column++)
            *sum = (texts & 1u << column) != 0 ? mix_column(*sum, s, column) : mix_number(*sum, s, column);
    sqlite3_reset(s);
    return status == SQLITE_DONE || peer_fail(peer, peer_sql[which]);
}

static bool ask_timeline(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_bind_int64(peer->statements[PEER_TIMELINE], 1, peer->file->data->picks[pick]);
    return page(peer, PEER_TIMELINE, 1u << 2, sum);
}

bool peer_prepare(void *self)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_CURSOR];
    for (uint32_t i = 0; i < peer->file->data->deep_count; i++) {
        sqlite3_bind_int64(s, 1, peer->file->data->deep[i]);
        if (sqlite3_step(s) != SQLITE_ROW)
            return peer_fail(peer, "cursor");
        peer->file->deep_cursors[i].start = sqlite3_column_int64(s, 0);
        peer->file->deep_cursors[i].number = sqlite3_column_int64(s, 1);
        sqlite3_reset(s);
    }
    return true;
}

static bool ask_timeline_50(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_TIMELINE_AFTER];
    uint32_t at = pick % peer->file->data->deep_count;
    sqlite3_bind_int64(s, 1, peer->file->data->deep[at]);
    sqlite3_bind_int64(s, 2, peer->file->deep_cursors[at].start);
    sqlite3_bind_int64(s, 3, peer->file->deep_cursors[at].number);
    return page(peer, PEER_TIMELINE_AFTER, 1u << 2, sum);
}

static bool ask_prefix(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    const char *prefix = peer->file->data->pick_prefixes[pick];
    char to[TEXT_KEY];
    text_behind(prefix, to);
    peer_text(peer->statements[PEER_BY_PREFIX], 1, prefix);
    peer_text(peer->statements[PEER_BY_PREFIX], 2, to);
    return page(peer, PEER_BY_PREFIX, 3u, sum);
}

static bool ask_stage_page(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_bind_int(peer->statements[PEER_STAGE], 1, (int)(pick % DATA_STAGES) + 1);
    return page(peer, PEER_STAGE, 3u, sum);
}

static bool ask_due(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    int64_t day = data_day(peer->file->data, pick);
    sqlite3_bind_int64(peer->statements[PEER_DUE], 1, day);
    sqlite3_bind_int64(peer->statements[PEER_DUE], 2, day + INT64_C(86400000000));
    return page(peer, PEER_DUE, 1u << 1, sum);
}

/* ------------------------------------------------------------ sums */

/* Groups come in no agreed order, so their hashes are added. */
static bool ask_stage_counts(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_STAGE_COUNTS];
    int status;
    (void)pick;
    while ((status = sqlite3_step(s)) == SQLITE_ROW)
        *sum += mix_number(mix_number(0, s, 0), s, 1);
    sqlite3_reset(s);
    return status == SQLITE_DONE || peer_fail(peer, "counts");
}

static bool ask_spend(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_SPEND];
    int status;
    (void)pick;
    while ((status = sqlite3_step(s)) == SQLITE_ROW)
        *sum += mix_number(mix_number(0, s, 1), s, 2);
    sqlite3_reset(s);
    return status == SQLITE_DONE || peer_fail(peer, "spend");
}

static bool ask_pipeline(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_PIPELINE];
    int status;
    (void)pick;
    while ((status = sqlite3_step(s)) == SQLITE_ROW) {
        uint64_t one = mix_number(mix_number(0, s, 2), s, 3);
        *sum += mix_number(data_mix(one, data_weighted(sqlite3_column_int64(s, 4))), s, 5);
    }
    sqlite3_reset(s);
    return status == SQLITE_DONE || peer_fail(peer, "pipeline");
}

/* ------------------------------------------------------------ the past */

static bool ask_history(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    const struct data *data = peer->file->data;
    sqlite3_stmt *s = peer->statements[PEER_BY_ID], *versions = peer->statements[PEER_VERSIONS];
    int status;
    sqlite3_bind_blob(s, 1, data->customers[data_logged(data, data->picks[pick])].id, 16, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_ROW)
        return peer_fail(peer, "customer by id");
    *sum = data_mix(mix_number(*sum, s, 4), 0); /* created, with none */
    sqlite3_bind_int64(versions, 1, sqlite3_column_int64(s, 5));
    sqlite3_reset(s);
    while ((status = sqlite3_step(versions)) == SQLITE_ROW)
        *sum = mix_number(mix_number(*sum, versions, 0), versions, 1);
    sqlite3_reset(versions);
    return status == SQLITE_DONE || peer_fail(peer, "history");
}

/* The record of now, and what each field that changed later was before: here
 * only the number of employees can have. */
static bool ask_past(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    const struct data *data = peer->file->data;
    sqlite3_stmt *s = peer->statements[PEER_BY_ID], *before = peer->statements[PEER_BEFORE];
    sqlite3_bind_blob(s, 1, data->customers[data_logged(data, data->picks[pick])].id, 16, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_ROW)
        return peer_fail(peer, "customer by id");
    fold_customer(s, sum);
    sqlite3_bind_int64(before, 1, sqlite3_column_int64(s, 5));
    sqlite3_bind_int64(before, 2, data->past);
    if (sqlite3_step(before) == SQLITE_ROW)
        *sum = mix_number(*sum, before, 0);
    else
        *sum = mix_number(*sum, s, 6);
    sqlite3_reset(before);
    sqlite3_reset(s);
    return true;
}

static bool ask_employees(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    sqlite3_stmt *s = peer->statements[PEER_EMPLOYEES];
    sqlite3_bind_blob(s, 1, peer->file->pick_ids[pick], 16, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_ROW)
        return peer_fail(peer, "employees");
    *sum = mix_number(*sum, s, 0);
    sqlite3_reset(s);
    return true;
}

static bool ask_lookups(void *self, uint32_t pick, uint64_t *sum)
{
    struct peer *peer = self;
    const struct data_lookups *l = &peer->file->data->lookups[peer->file->data->picks[pick]];
    for (int k = 0; k < PEER_LOOKUPS; k++) {
        sqlite3_stmt *s = peer->lookups[k];
        if (k < DATA_LOOKUP_TEXTS)
            peer_text(s, 1, l->texts[k]);
        else
            sqlite3_bind_int64(s, 1, l->numbers[k - DATA_LOOKUP_TEXTS]);
        if (sqlite3_step(s) != SQLITE_ROW)
            return peer_fail(peer, "look-up");
        *sum = mix_number(*sum, s, 0);
        sqlite3_reset(s);
    }
    return true;
}

engine_question *const peer_questions[QUESTIONS] = {
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
