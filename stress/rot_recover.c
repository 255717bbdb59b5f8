/* rot_recover: what is salvaged from damaged files.
 *
 * Any damage gives an answer or a new file.  The new file is sound, and every
 * record in it is what that record was at that version once: nothing is put
 * together that never was.  Whole transactions are not given up.
 */
#include "rot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what was, once ---- */

/* The fields that a version itself holds: neither those that follow from who
 * made it when, nor references, whose target may be lost. */
static size_t core_of(crm_db *db, const crm_record *record, char *out, size_t size)
{
    uint32_t kind = crm_record_kind(record);
    size_t length = 0;
    for (uint32_t i = 0; i < crm_field_count(db, kind) && length < size; i++) {
        uint32_t field = crm_field_at(db, kind, i);
        int32_t type = crm_field_type(db, kind, field);
        bool derived = field <= CRM_FIELD_DELETED_AT && field != CRM_FIELD_VERSION;
        if (derived || type == CRM_TYPE_REF || type == CRM_TYPE_ANY_REF || type == CRM_TYPE_REFS ||
            !crm_has(record, field))
            continue;
        if (type == CRM_TYPE_CHOICE) /* its name is a record of its own */
            length +=
                (size_t)snprintf(out + length, size - length, " %u=%lld", field, (long long)crm_int(record, field));
        else
            length += (size_t)snprintf(out + length, size - length, " %u=%s", field, crm_format(record, field, NULL));
    }
    return length < size ? length : size - 1;
}

static bool is_known(const struct base *base, uint32_t kind, const crm_id *id, const char *core, bool *id_known)
{
    bool same = false;
    *id_known = false;
    for (size_t i = 0; i < base->known_count && !same; i++) {
        const struct known *known = &base->known[i];
        bool this = known->kind == kind && (id == NULL || memcmp(&known->id, id, sizeof *id) == 0);
        *id_known |= this;
        same = this && strcmp(known->core, core) == 0;
    }
    return same;
}

static void note(struct base *base, crm_db *db, const crm_record *record)
{
    char core[4096];
    crm_id id;
    bool id_known;
    uint32_t kind = crm_record_kind(record);
    crm_record_id(record, &id);
    (void)core_of(db, record, core, sizeof core);
    if (is_known(base, kind, &id, core, &id_known))
        return;
    if (base->known_count == base->known_capacity) {
        base->known_capacity = base->known_capacity == 0 ? 256 : base->known_capacity * 2;
        base->known = realloc(base->known, base->known_capacity * sizeof *base->known);
        if (base->known == NULL)
            abort();
    }
    struct known *known = &base->known[base->known_count++];
    *known = (struct known){.kind = kind, .id = id, .core = strdup(core)};
    if (known->core == NULL)
        abort();
}

/* The records of a view, deleted ones also, one after the other. */
static int32_t each(crm_view *view, void (*with)(void *context, crm_db *db, const crm_record *record), void *context,
                    crm_error *error)
{
    crm_db *db = crm_view_db(view);
    int32_t status = CRM_DONE;
    for (uint32_t k = 0; k < crm_kind_count(db) && status == CRM_DONE; k++) {
        crm_query *query = NULL;
        crm_record *record = NULL;
        if ((status = crm_query_create(view, crm_kind_at(db, k), &query, error)) != CRM_OK)
            return status;
        (void)crm_query_deleted(query, CRM_DELETED_ALSO);
        while ((status = crm_query_next(query, &record, error)) == CRM_OK)
            with(context, db, record);
        crm_query_free(query);
    }
    return status == CRM_DONE ? CRM_OK : status;
}

static void note_record(void *context, crm_db *db, const crm_record *record)
{
    note(context, db, record);
}

void known_take(struct base *base, crm_db *db)
{
    crm_error error = {0};
    crm_view *view = NULL;
    uint64_t last = crm_lsn(db);
    for (uint64_t lsn = 1; lsn <= last; lsn++) {
        if (crm_view_open_lsn(db, lsn, &view, &error) != CRM_OK)
            abort();
        if (each(view, note_record, base, &error) != CRM_OK && lsn == last)
            abort();
        crm_view_close(view);
    }
}

void known_free(struct base *base)
{
    for (size_t i = 0; i < base->known_count; i++)
        free(base->known[i].core);
    free(base->known);
    base->known = NULL;
    base->known_count = base->known_capacity = 0;
}

/* ---- judging ---- */

struct salvage {
    struct rot *rot;
    const struct base *base;
    uint64_t records;
};

static void check_record(void *context, crm_db *db, const crm_record *record)
{
    struct salvage *salvage = context;
    char core[4096], text[37], what[4400];
    bool id_known, any_known;
    crm_id id;
    crm_record_id(record, &id);
    (void)core_of(db, record, core, sizeof core);
    salvage->records++;
    if (is_known(salvage->base, crm_record_kind(record), &id, core, &id_known))
        return;
    /* Of a record whose id is lost only what it held can be known again. */
    if (!id_known && is_known(salvage->base, crm_record_kind(record), NULL, core, &any_known))
        return;
    crm_id_format(&id, text);
    snprintf(what, sizeof what, "a %s (%s) never was this:%.200s", crm_kind_name(db, crm_record_kind(record)), text,
             core);
    rot_wrong(salvage->rot, what);
}

static int64_t figure(const crm_table *table, const char *what)
{
    for (uint64_t row = 0; row < crm_table_rows(table); row++)
        if (strcmp(crm_table_text(table, row, 1, NULL), what) == 0)
            return crm_table_int(table, row, 2);
    return -1;
}

/* They may tell of less than there was, but not of damage. */
static void check_answers(struct rot *rot, const struct base *base)
{
    char text[900];
    for (size_t i = 0; i < rot->answers.count && rot->answers.troubles > 0; i++) {
        if (!rot->answers.failed[i])
            continue;
        answers_explain(&base->questions.list[i], &rot->answers, i, &base->states[base->frame_count], i, text,
                        sizeof text);
        rot_wrong(rot, text);
        return;
    }
}

static void check_salvaged(struct rot *rot, const struct base *base, uint64_t least_lsn)
{
    crm_error error = {0};
    crm_view *view = NULL;
    int32_t status;
    struct salvage salvage = {.rot = rot, .base = base};
    crm_db *db = rot_open(rot->spare, 0, NULL, NULL, &status, &error);
    if (db == NULL) {
        rot_wrong(rot, error.message);
        return;
    }
    if (crm_verify(db, NULL, &error) != CRM_OK || crm_view_open(db, &view, &error) != CRM_OK) {
        rot_wrong(rot, error.message);
    } else {
        if (each(view, check_record, &salvage, &error) != CRM_OK)
            rot_wrong(rot, error.message);
        if (crm_view_lsn(view) < least_lsn)
            rot_wrong(rot, "the newest whole transactions are given up");
        answers_take(&rot->answers, &base->questions, db);
        check_answers(rot, base);
    }
    crm_view_close(view);
    if (crm_close(db) != CRM_OK)
        rot_wrong(rot, "closing failed");
}

/* How many transactions may be lost, and up to which they must be there. */
struct claim {
    int64_t lost;
    uint64_t lsn;
};

static void judge_recovery(struct rot *rot, const struct base *base, const uint8_t *log, size_t size,
                           const struct claim *claim)
{
    crm_error error = {0};
    crm_table *table = NULL;
    char index[160];
    size_t after;
    rot_store(rot->path, log, size);
    (void)unlink(rot->image);
    (void)unlink(rot->spare);
    rot->shared->cases++;
    int32_t status = crm_recover(rot->path, rot->spare, NULL, &table, &error);
    uint8_t *bytes = rot_load(rot->path, &after);
    if (bytes == NULL || after != size || memcmp(bytes, log, size) != 0)
        rot_wrong(rot, "the damaged file was written to");
    free(bytes);
    if (status == CRM_OK) {
        check_salvaged(rot, base, claim->lsn);
        if (figure(table, "transactions lost") > claim->lost)
            rot_wrong(rot, "more transactions are lost than were damaged");
    } else if (claim->lsn > 0 || (status != CRM_CORRUPT && status != CRM_NOT_A_DATABASE)) {
        rot_wrong(rot, error.message);
    }
    crm_table_free(table);
    (void)unlink(rot->spare);
    snprintf(index, sizeof index, "%s-index", rot->spare);
    (void)unlink(index);
}

/* ---- cases ---- */

enum { FLIP, CUT, WIPE, NOISE, TAKE_OUT, PUT_IN, SWAP_PARTS, TAKE_FRAME, DAMAGES };

static uint64_t count_recoveries(const struct rot *rot)
{
    (void)rot;
    return 20000;
}

/* One of the ways to damage a log, by chance; returns its new size. */
static size_t damage_log(struct rot *rot, const struct base *base, int what, uint8_t *log, uint64_t *chance)
{
    const struct rot_frame *frames = base->frames;
    size_t size = base->log_size, at = stress_below(chance, (uint32_t)size);
    size_t i = stress_below(chance, (uint32_t)base->frame_count);
    size_t j = stress_below(chance, (uint32_t)base->frame_count);
    size_t length = 1 + stress_below(chance, stress_below(chance, 2) == 0 ? 64 : 2000);
    if (length > size - at)
        length = size - at;
    if (what == TAKE_FRAME) {
        at = frames[i].offset;
        length = frames[i].length;
    }
    memcpy(log, base->log, size);
    rot_case(rot, "%s, recovered, damage %d of %zu bytes at %zu", base->name, what, length, at);
    switch (what) {
    case FLIP: log[at] ^= (uint8_t)(1 << stress_below(chance, 8)); break;
    case CUT: return at;
    case WIPE: memset(log + at, 0, length); break;
    case NOISE:
        for (size_t byte = 0; byte < length; byte++)
            log[at + byte] = (uint8_t)stress_random(chance);
        break;
    case TAKE_OUT:
    case TAKE_FRAME: memmove(log + at, log + at + length, size - at - length); return size - length;
    case PUT_IN: memmove(log + at + length, log + at, size - at); return size + length;
    default:
        length = frames[i].length < frames[j].length ? frames[i].length : frames[j].length;
        memcpy(log + frames[i].offset, base->log + frames[j].offset, length);
        memcpy(log + frames[j].offset, base->log + frames[i].offset, length);
    }
    return size;
}

static void run_recovery(struct rot *rot, uint64_t index)
{
    uint64_t chance = rot->stress->seed + (index << 20);
    const struct base *base = &rot->bases[index % 2];
    int what = (int)(index / 2 % DAMAGES);
    uint8_t *log = malloc(2 * base->log_size);
    struct claim claim = {.lost = INT64_MAX};
    if (log == NULL)
        abort();
    size_t size = damage_log(rot, base, what, log, &chance);
    if (what == FLIP && !base->frames[0].base)
        claim = (struct claim){.lost = 1, .lsn = base->frames[base->frame_count - 2].lsn};
    for (size_t i = 0; what == CUT && i < base->frame_count && base_end(base, i + 1) <= size; i++)
        claim = (struct claim){.lost = 0, .lsn = base->frames[i].lsn};
    judge_recovery(rot, base, log, size, &claim);
    free(log);
}

const struct group rot_recoveries = {"recoveries", count_recoveries, run_recovery, 100};
