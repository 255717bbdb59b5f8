/* import.c: see import.h. */
#include "import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each kind after those that it refers to. */
static const uint32_t kinds[] = {CRM_KIND_USER,        CRM_KIND_PIPELINE, CRM_KIND_STAGE,   CRM_KIND_PRODUCT,
                                 CRM_KIND_CAMPAIGN,    CRM_KIND_CUSTOMER, CRM_KIND_CONTACT, CRM_KIND_OPPORTUNITY,
                                 CRM_KIND_INTERACTION, CRM_USER_KIND};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- the database ---- */

static void add_fields(crm_txn *txn, uint32_t kind)
{
    static const struct {
        const char *name;
        int32_t type;
        uint32_t flags, target;
    } fields[] = {{"a_bool", CRM_TYPE_BOOL, 0, 0},
                  {"an_int", CRM_TYPE_INT, CRM_FLAG_INDEXED, 0},
                  {"a_decimal", CRM_TYPE_DECIMAL, 0, 5},
                  {"a_real", CRM_TYPE_REAL, CRM_FLAG_INDEXED | CRM_FLAG_HOT, 0},
                  {"some_money", CRM_TYPE_MONEY, CRM_FLAG_HOT, 0},
                  {"a_time", CRM_TYPE_TIME, CRM_FLAG_INDEXED, 0},
                  {"a_date", CRM_TYPE_DATE, CRM_FLAG_HOT, 0},
                  {"a_text", CRM_TYPE_TEXT, CRM_FLAG_INDEXED, 0},
                  {"a_code", CRM_TYPE_TEXT, CRM_FLAG_UNIQUE, 0},
                  {"a_choice", CRM_TYPE_CHOICE, CRM_FLAG_OPEN | CRM_FLAG_INDEXED, 0},
                  {"a_currency", CRM_TYPE_CURRENCY, 0, 0},
                  {"a_ref", CRM_TYPE_REF, CRM_FLAG_INDEXED, CRM_KIND_PRODUCT},
                  {"any_ref", CRM_TYPE_ANY_REF, 0, 0},
                  {"some_tags", CRM_TYPE_TAGS, CRM_FLAG_INDEXED, 0}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint32_t field = 0;
        int64_t code = 0;
        MUST(crm_field_add(txn, kind, fields[i].name, CRM_NUL, fields[i].type, fields[i].flags, fields[i].target,
                           &field) == CRM_OK);
        if (fields[i].type == CRM_TYPE_CHOICE)
            MUST(crm_choice_add(txn, kind, field, "blue", CRM_NUL, &code) == CRM_OK);
    }
}

static void add_record(crm_txn *txn, uint32_t kind, uint32_t name_field, const char *name, const char *external)
{
    crm_id id = {{0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80}};
    id.bytes[14] = (uint8_t)kind;
    id.bytes[15] = (uint8_t)name[0];
    crm_record *record = crm_create_with_id(txn, kind, &id);
    MUST(crm_set_text(record, name_field, name, CRM_NUL) == CRM_OK);
    MUST(crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, external, CRM_NUL) == CRM_OK);
}

static void add_content(crm_db *db)
{
    crm_txn *txn = NULL;
    crm_error error;
    uint32_t kind = 0;
    MUST_OK(crm_begin(db, &txn, &error), &error);
    MUST(crm_kind_add(txn, "thing", CRM_NUL, &kind) == CRM_OK && kind == CRM_USER_KIND);
    add_fields(txn, kind);
    add_fields(txn, CRM_KIND_CUSTOMER);
    add_record(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Acme", "erp:1");
    add_record(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_NAME, "Globex", "erp:2");
    add_record(txn, CRM_KIND_PRODUCT, CRM_PRODUCT_NAME, "Gadget", "sku:1");
    add_record(txn, CRM_KIND_USER, CRM_USER_NAME, "Mia", "hr:1");
    MUST_OK(crm_commit(txn, NULL, &error), &error);
}

crm_db *import_database(const char *name)
{
    static uint8_t *bytes; /* of the file when it was made: copying is quicker */
    static size_t length;
    const char *path = fuzz_path(name);
    crm_db *db = NULL;
    crm_error error;
    if (bytes == NULL) {
        db = fuzz_new(path);
        add_content(db);
        MUST(crm_close(db) == CRM_OK);
        bytes = fuzz_load(path, &length);
        MUST(bytes != NULL);
    }
    fuzz_unlink(path);
    fuzz_store(path, bytes, length);
    MUST_OK(fuzz_open(path, FUZZ_EXISTING, &db, &error), &error);
    return db;
}

/* ---- one import ---- */

void import_setting(struct import_job *job, const char *key, const char *value, size_t length)
{
    MUST(job->setting_count < IMPORT_SETTINGS_MAX);
    job->settings[job->setting_count++] = (struct setting){key, value, length};
}

void outcome_free(struct import_outcome *outcome)
{
    free(outcome->rejects.bytes);
}

bool outcome_equal(const struct import_outcome *a, const struct import_outcome *b)
{
    return a->status == b->status && memcmp(a->counts, b->counts, sizeof a->counts) == 0 &&
           dump_equal(&a->rejects, &b->rejects);
}

/* Ids of records that the import makes hold chance: they are blotted out. */
static void blot_ids(struct dump *text, size_t from)
{
    static const char begin[] = "018bcfe5-6800-7"; /* FUZZ_NOW in milliseconds, version 7 */
    for (char *at = text->bytes + from; (at = strstr(at, begin)) != NULL;)
        for (size_t i = 0; i < 36 && *at != '\0'; i++)
            *at++ = '?';
}

static uint64_t take_rejects(crm_import *import, struct dump *rejects)
{
    uint64_t line, column, count = 0;
    const char *why, *row;
    size_t length;
    while (crm_import_reject(import, &line, &column, &why, &row, &length) == CRM_OK) {
        MUST(row[length] == '\0' && why[0] != '\0');
        size_t from = rejects->length;
        dump_print(rejects, "%llu %llu %s: ", (unsigned long long)line, (unsigned long long)column, why);
        blot_ids(rejects, from);
        dump_put(rejects, row, length);
        dump_put(rejects, "\n", 1);
        count++;
    }
    return count;
}

/* In a copy of its own, so that reading beyond a piece is seen. */
static int32_t feed_piece(crm_import *import, const void *bytes, size_t length, crm_error *error)
{
    uint8_t *copy = malloc(length + (length == 0));
    MUST(copy != NULL);
    memcpy(copy, bytes, length);
    int32_t status = crm_import_feed(import, copy, length, error);
    free(copy);
    return status;
}

static int32_t feed(crm_import *import, const struct import_job *job, struct import_outcome *outcome, uint64_t *taken,
                    crm_error *error)
{
    int32_t status = job->first == NULL ? CRM_OK : crm_import_feed(import, job->first, job->first_length, error);
    for (size_t at = 0; status == CRM_OK && at < job->length;) {
        size_t left = job->length - at, size = job->piece == IMPORT_PIECE_ALL || job->piece > left ? left : job->piece;
        status = feed_piece(import, job->bytes + at, size, error);
        *taken += take_rejects(import, &outcome->rejects);
        at += size;
    }
    if (status == CRM_OK)
        status = crm_import_finish(import, error);
    return status;
}

struct import_outcome import_run(crm_db *db, const struct import_job *job, bool dry_run)
{
    struct import_outcome outcome = {0};
    crm_import *import = NULL;
    crm_error error = {0};
    uint64_t taken = 0;
    outcome.status = crm_import_create(db, job->kind, &import, &error);
    MUST(outcome.status == CRM_OK);
    if (dry_run)
        MUST(crm_import_set(import, "dry_run", "1", 1, &error) == CRM_OK);
    for (size_t i = 0; i < job->setting_count && outcome.status == CRM_OK; i++)
        outcome.status =
            crm_import_set(import, job->settings[i].key, job->settings[i].value, job->settings[i].length, &error);
    if (outcome.status == CRM_OK)
        outcome.status = feed(import, job, &outcome, &taken, &error);
    taken += take_rejects(import, &outcome.rejects);
    for (int32_t i = CRM_IMPORT_READ; i <= CRM_IMPORT_OTHERS; i++)
        outcome.counts[i] = crm_import_count(import, i);
    const uint64_t *counts = outcome.counts;
    if (outcome.status == CRM_OK || outcome.status == CRM_REFUSED) {
        MUST(counts[CRM_IMPORT_READ] == counts[CRM_IMPORT_CREATED] + counts[CRM_IMPORT_UPDATED] +
                                            counts[CRM_IMPORT_UNCHANGED] + counts[CRM_IMPORT_FILTERED] +
                                            counts[CRM_IMPORT_MERGED] + counts[CRM_IMPORT_REJECTED]);
        MUST(counts[CRM_IMPORT_REJECTED] == taken);
    }
    if (outcome.status != CRM_OK) {
        MUST(error.status == outcome.status && error.message[0] != '\0');
        size_t from = outcome.rejects.length;
        dump_print(&outcome.rejects, "%s\n", error.message);
        blot_ids(&outcome.rejects, from);
    }
    crm_import_free(import);
    return outcome;
}

/* ---- out and in again ---- */

static void export_kind(crm_db *db, uint32_t kind, const char *format, bool ordered, struct dump *out)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_export *export = NULL;
    crm_error error;
    const char *bytes;
    size_t length;
    int32_t status;
    MUST_OK(crm_view_open(db, &view, &error), &error);
    MUST_OK(crm_query_create(view, kind, &query, &error), &error);
    uint32_t name = crm_field_find(db, kind, "name", CRM_NUL);
    if (ordered && name != 0) /* a row that waited for another was made later than in the original */
        MUST(crm_query_order(query, name, 0) == CRM_OK);
    MUST_OK(crm_export_create(query, format, NULL, &export, &error), &error);
    while ((status = crm_export_next(export, &bytes, &length, &error)) == CRM_OK)
        dump_put(out, bytes, length);
    MUST(status == CRM_DONE);
    crm_export_free(export);
    crm_query_free(query);
    crm_view_close(view);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines in order: records of one name lie in the order in which they were made. */
static void sort_lines(struct dump *text)
{
    size_t count = 0, capacity = 16;
    char **lines = malloc(capacity * sizeof *lines), *copy = strdup(text->bytes == NULL ? "" : text->bytes);
    MUST(lines != NULL && copy != NULL);
    for (char *at = copy, *end; *at != '\0'; at = end + (*end != '\0')) {
        end = at + strcspn(at, "\n");
        if (count == capacity) {
            lines = realloc(lines, (capacity *= 2) * sizeof *lines);
            MUST(lines != NULL);
        }
        lines[count++] = at;
        if (*end == '\n')
            *end++ = '\0', end--;
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    text->length = 0;
    for (size_t i = 0; i < count; i++)
        dump_print(text, "%s\n", lines[i]);
    free(lines);
    free(copy);
}

static void export_all(crm_db *db, struct dump *out)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct dump part = {0};
        export_kind(db, kinds[i], "jsonl", true, &part);
        sort_lines(&part);
        dump_put(out, part.bytes, part.length);
        free(part.bytes);
    }
}

static void check_round_trip(crm_db *db, const char *format)
{
    crm_db *copy = import_database("copy.crm");
    struct dump one = {0}, other = {0};
    for (size_t i = 0; i < KINDS; i++) {
        struct dump text = {0}, there = {0};
        struct import_job job = {.kind = kinds[i]};
        export_kind(db, kinds[i], format, false, &text);
        export_kind(copy, kinds[i], format, false, &there);
        bool unchanged = dump_equal(&text, &there);
        free(there.bytes);
        if (unchanged) {
            free(text.bytes);
            continue;
        }
        job.bytes = (const uint8_t *)text.bytes;
        job.length = text.length;
        import_setting(&job, "format", format, CRM_NUL);
        import_setting(&job, "blank", "exact", CRM_NUL);
        import_setting(&job, "add_choices", "1", CRM_NUL);
        struct import_outcome outcome = import_run(copy, &job, false);
        if (outcome.status != CRM_OK || outcome.counts[CRM_IMPORT_REJECTED] > 0)
            fuzz_fail(__FILE__, __LINE__, outcome.rejects.bytes);
        outcome_free(&outcome);
        free(text.bytes);
    }
    export_all(db, &one);
    export_all(copy, &other);
    if (!dump_equal(&one, &other)) {
        dump_print(&one, "---\n%s", other.bytes);
        fuzz_fail(__FILE__, __LINE__, one.bytes);
    }
    free(one.bytes);
    free(other.bytes);
    MUST(crm_close(copy) == CRM_OK);
}

/* ---- everything ---- */

static void compare(const struct import_outcome *a, const struct import_outcome *b, int line)
{
    if (outcome_equal(a, b))
        return;
    dprintf(2, "status %d and %d; read %llu and %llu\n%s---\n%s", a->status, b->status,
            (unsigned long long)a->counts[CRM_IMPORT_READ], (unsigned long long)b->counts[CRM_IMPORT_READ],
            a->rejects.bytes == NULL ? "" : a->rejects.bytes, b->rejects.bytes == NULL ? "" : b->rejects.bytes);
    fuzz_fail(__FILE__, line, "two ways to import the same give the same");
}

void import_check(const struct import_job *job, const char *format)
{
    crm_db *db = import_database("import.crm");
    crm_error error;
    uint64_t lsn = crm_lsn(db);
    struct import_job whole = *job;
    whole.piece = IMPORT_PIECE_ALL;
    struct import_outcome dry = import_run(db, job, true);
    MUST(crm_lsn(db) == lsn);
    if (job->piece != IMPORT_PIECE_ALL) {
        struct import_outcome at_once = import_run(db, &whole, true);
        compare(&at_once, &dry, __LINE__);
        outcome_free(&at_once);
    }
    struct import_outcome real = import_run(db, job, false);
    compare(&dry, &real, __LINE__);
    MUST_OK(crm_verify(db, NULL, &error), &error);
    if (crm_lsn(db) != lsn)
        check_round_trip(db, format);
    outcome_free(&dry);
    outcome_free(&real);
    MUST(crm_close(db) == CRM_OK);
}
