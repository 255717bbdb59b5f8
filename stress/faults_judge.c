/* faults_judge: what an answer must be, and a whole state as text.
 *
 * A call that answers OK has done all it says: what it returned is checked by
 * its scenario whether something failed meanwhile or not.  A call that answers
 * an error must answer the one that was injected, with a message, and name the
 * file where one is involved; nothing may fail that was not made to.
 */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "crm_open" of "crm_open(path, …)". */
static int call_name(const char *call)
{
    return (int)strcspn(call, "(");
}

void run_fail(struct run *run, int line, const char *format, ...)
{
    static const char *const layers[] = {"allocation", "file operation", "system call"};
    static const char *const modes[] = {"once", "for a while", "for good"};
    char text[1024];
    va_list arguments;
    if (run->blamed) /* what follows from it is no news */
        return;
    run->blamed = true;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    stress_fail(run->stress, "%s, step %d, %s %llu (%s) %s, way %u, line %d%s: %s", run->scenario->name, run->step,
                layers[fault.layer], (unsigned long long)fault.at, fault.call == NULL ? "none" : fault.call,
                modes[fault.mode], fault.variant, line, run->well ? ", afterwards" : "", text);
}

/* ---- errors ---- */

static bool may_answer(const struct run *run, int32_t status)
{
    if (run->well || !fault.reached || fault.transparent || status < 0 || status > 31)
        return false;
    return (fault.statuses >> status & 1) != 0 || (status == CRM_STOPPED && fault.stops);
}

static bool names_file(const struct run *run, const char *message)
{
    const char *slash = strrchr(run->stress->folder, '/');
    return strstr(message, slash == NULL ? run->stress->folder : slash) != NULL;
}

static void judge_message(struct run *run, int32_t status, const char *call, int line)
{
    const crm_error *error = &run->error;
    bool file = status == CRM_IO || status == CRM_FULL || status == CRM_READ_ONLY || status == CRM_STOPPED;
    if (error->status != status)
        run_fail(run, line, "%.*s answered %s, its crm_error says %s", call_name(call), call, crm_status_name(status),
                 crm_status_name(error->status));
    else if (error->message[0] == '\0')
        run_fail(run, line, "%.*s answered %s without a message", call_name(call), call, crm_status_name(status));
    else if (file && !names_file(run, error->message))
        run_fail(run, line, "%.*s does not name the file: %s", call_name(call), call, error->message);
    else if (file && status == fault.status && fault.mode == FAULT_ONCE && fault.system != 0 &&
             error->system != fault.system)
        run_fail(run, line, "%.*s gives system error %d, not %d: %s", call_name(call), call, error->system,
                 fault.system, error->message);
}

bool run_judge(struct run *run, int32_t expected, int32_t status, bool explained, const char *call, int line)
{
    if (status == expected)
        return true;
    if (!may_answer(run, status))
        run_fail(run, line, "%.*s answered %s in place of %s: %s", call_name(call), call, crm_status_name(status),
                 crm_status_name(expected), explained ? run->error.message : "");
    else if (explained)
        judge_message(run, status, call, line);
    run->failed = run->told = true;
    return false;
}

/* A setter answers what its transaction keeps, also when it was another's failure. */
bool run_set(struct run *run, int32_t status, const char *call, int line)
{
    if (status == CRM_OK)
        return true;
    bool failed = run->failed;
    if (status != CRM_MISUSE || !(run->kept || failed)) /* of a NULL record, for a reason that is known */
        (void)run_judge(run, CRM_OK, status, false, call, line);
    run->failed = failed; /* its end must tell */
    run->kept = true;
    return false;
}

bool run_is(struct run *run, bool holds, const char *condition, int line)
{
    if (!holds && !run->failed)
        run_fail(run, line, "not so: %s", condition);
    return holds;
}

bool run_reads(struct run *run, const crm_record *record, bool holds, const char *condition, int line)
{
    if (holds || run->failed)
        return holds;
    int32_t status = crm_record_status(record);
    if (may_answer(run, status))
        run->failed = run->told = true;
    else
        run_fail(run, line, "not so, and the record says %s: %s", crm_status_name(status), condition);
    return false;
}

bool run_tells(struct run *run, bool holds, bool nothing, const char *condition, int line)
{
    if (holds || run->failed)
        return holds;
    if (nothing && !run->well && fault.reached && !fault.transparent)
        run->failed = run->told = true;
    else
        run_fail(run, line, "not so: %s", condition);
    return false;
}

/* ---- what many steps do ---- */

bool same(const char *text, const char *expected)
{
    return text != NULL && strcmp(text, expected) == 0;
}

crm_txn *run_begin(struct run *run)
{
    crm_txn *txn;
    run->kept = false;
    (void)MADE(txn, crm_begin(run->db, &txn, &run->error));
    return txn;
}

bool run_commit(struct run *run, crm_txn *txn)
{
    uint64_t lsn = 0;
    if (txn == NULL)
        return false;
    if (run->failed) {
        crm_rollback(txn);
        return false;
    }
    int32_t status = crm_commit(txn, &lsn, &run->error);
    if (status == CRM_OK && run->kept)
        FAIL("a transaction that keeps an error was committed");
    if (status == CRM_OK)
        run->acked = lsn;
    run->kept = false;
    return run_judge(run, CRM_OK, status, true, "crm_commit", __LINE__);
}

crm_record *run_record(struct run *run, crm_record *record)
{
    run->kept |= record == NULL;
    return record;
}

crm_record *run_edit(struct run *run, crm_txn *txn, uint32_t kind, unsigned number)
{
    crm_id id = base_id(kind, number);
    return run_record(run, crm_edit(txn, kind, &id));
}

crm_view *run_view(struct run *run)
{
    crm_view *view;
    (void)MADE(view, crm_view_open(run->db, &view, &run->error));
    return view;
}

crm_record *run_get(struct run *run, crm_view *view, uint32_t kind, unsigned number)
{
    crm_record *record = NULL;
    crm_id id = base_id(kind, number);
    if (!run->failed)
        (void)MADE(record, crm_get(view, kind, &id, &record, &run->error));
    return record;
}

/* ---- everything as text ---- */

struct text {
    char *bytes;
    size_t length, capacity;
};

static void put_bytes(struct text *text, const char *bytes, size_t length)
{
    if (text->length + length + 1 > text->capacity) {
        text->capacity = (text->length + length + 1) * 2;
        text->bytes = realloc(text->bytes, text->capacity);
        if (text->bytes == NULL)
            abort();
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static void put(struct text *text, const char *word)
{
    put_bytes(text, word, strlen(word));
}

static void put_number(struct text *text, uint64_t number)
{
    char word[24];
    snprintf(word, sizeof word, "%llu", (unsigned long long)number);
    put(text, word);
}

static void put_field(struct text *text, crm_db *db, const crm_record *record, uint32_t field)
{
    size_t length;
    uint32_t kind = crm_record_kind(record);
    if (field == CRM_FIELD_ID || !crm_has(record, field))
        return;
    put(text, " ");
    put(text, crm_field_name(db, kind, field));
    put(text, "=");
    const char *shown = crm_display(record, field, &length);
    put_bytes(text, shown, length);
}

static void put_record(struct text *text, crm_db *db, const crm_record *record)
{
    uint32_t kind = crm_record_kind(record);
    put(text, crm_kind_name(db, kind));
    put(text, crm_record_deleted(record) ? " deleted" : "");
    for (uint32_t i = 0; i < crm_field_count(db, kind); i++)
        put_field(text, db, record, crm_field_at(db, kind, i));
    if (crm_record_status(record) != CRM_OK) {
        put(text, " ");
        put(text, crm_status_name(crm_record_status(record)));
    }
    put(text, "\n");
}

char *state_text(crm_view *view)
{
    crm_db *db = crm_view_db(view);
    struct text text = {0};
    put(&text, "");
    for (uint32_t i = 0; i < crm_kind_count(db); i++) {
        crm_error error = {0};
        crm_query *query = NULL;
        crm_record *record = NULL;
        int32_t status = crm_query_create(view, crm_kind_at(db, i), &query, &error);
        if (status == CRM_OK)
            status = crm_query_deleted(query, CRM_DELETED_ALSO);
        while (status == CRM_OK && (status = crm_query_next(query, &record, &error)) == CRM_OK)
            put_record(&text, db, record);
        if (status != CRM_DONE)
            put(&text, error.message);
        crm_query_free(query);
    }
    return text.bytes;
}

static void put_change(struct text *text, crm_db *db, const crm_change *change)
{
    uint32_t kind = crm_change_kind(change);
    put_number(text, crm_change_lsn(change));
    put(text, " ");
    put_number(text, (uint64_t)crm_change_time(change));
    put(text, " ");
    put(text, crm_change_actor(change));
    put(text, "/");
    put(text, crm_change_reason(change));
    put(text, "/");
    put(text, crm_change_batch(change));
    put(text, " ");
    put_number(text, (uint64_t)crm_change_operation(change));
    put(text, " ");
    put(text, crm_kind_name(db, kind));
    put(text, " v");
    put_number(text, crm_change_version(change));
    for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
        uint32_t field = crm_change_field(change, i);
        if (crm_change_before(change) != NULL)
            put_field(text, db, crm_change_before(change), field);
        put(text, " >");
        put_field(text, db, crm_change_after(change), field);
    }
    put(text, "\n");
}

char *history_text(crm_db *db)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    struct text text = {0};
    put(&text, "");
    int32_t status = crm_feed_open(db, 0, &feed, &error);
    while (status == CRM_OK && (status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK)
        put_change(&text, db, change);
    if (status != CRM_TIMEOUT)
        put(&text, error.message);
    crm_feed_close(feed);
    return text.bytes;
}

const char *first_difference(const char *expected, const char *found)
{
    static char text[700];
    size_t at = 0, start = 0;
    while (expected[at] != '\0' && expected[at] == found[at]) {
        at++;
        start = expected[at - 1] == '\n' ? at : start;
    }
    snprintf(text, sizeof text, "expected \"%.*s\", found \"%.*s\"", (int)strcspn(expected + start, "\n") % 300,
             expected + start, (int)strcspn(found + start, "\n") % 300, found + start);
    return text;
}
