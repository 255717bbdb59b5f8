/* rot_judge: what a damaged file may say, and what it may not.
 *
 * Right is: an answer that is the undamaged file's in the state that the handle
 * claims, or one that says that something is damaged.  Wrong is any other
 * answer, a state before the last one that nobody was told of, and a sound
 * verdict on a file with damage.
 */
#include "rot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct verdict {
    uint32_t told;    /* lines to the log hook */
    uint32_t dropped; /* of those, what was cut off behind the last transaction */
    int32_t verified;
    uint32_t in_log, in_index; /* faults that verify found */
};

void rot_case(struct rot *rot, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rot->shared->now, sizeof rot->shared->now, format, arguments);
    va_end(arguments);
}

void rot_wrong(struct rot *rot, const char *what)
{
    stress_fail(rot->stress, "%s: %s", rot->shared->now, what);
}

static void count_line(void *context, int32_t status, const char *message)
{
    struct verdict *verdict = context;
    (void)status;
    verdict->told++;
    verdict->dropped += strstr(message, "were never committed and are dropped") != NULL;
}

static void verify(crm_db *db, struct verdict *verdict)
{
    crm_error error = {0};
    crm_table *table = NULL;
    verdict->verified = crm_verify(db, &table, &error);
    for (uint64_t row = 0; row < crm_table_rows(table); row++) {
        const char *place = crm_table_text(table, row, 0, NULL);
        bool log = strncmp(place, "byte ", 5) == 0 || strcmp(place, "log") == 0;
        verdict->in_log += log;
        verdict->in_index += !log;
    }
    crm_table_free(table);
}

/* A database for reading only is not written to, nor is one that is refused,
 * but for the control page of the latter. */
static void check_untouched(struct rot *rot, const struct damage *damage, bool control)
{
    size_t size, from = ROT_HEADER_PAGE, to = ROT_FRAMES_START;
    uint8_t *now = rot_load(rot->path, &size);
    if (now == NULL || size != damage->log_size)
        rot_wrong(rot, "the file was made longer or shorter");
    else if (!control && memcmp(now, damage->log, size) != 0)
        rot_wrong(rot, "the file was written to");
    else if (control && (memcmp(now, damage->log, size < from ? size : from) != 0 ||
                         (size > to && memcmp(now + to, damage->log + to, size - to) != 0)))
        rot_wrong(rot, "the file was written to");
    free(now);
}

static void check_refusal(struct rot *rot, const struct damage *damage, int32_t status, const crm_error *error, int how)
{
    char text[700];
    bool named = strncmp(error->message, rot->path, strlen(rot->path)) == 0 &&
                 (status == CRM_NOT_A_DATABASE || strstr(error->message, "byte") != NULL);
    if ((status != CRM_CORRUPT && status != CRM_NOT_A_DATABASE) || !named) {
        snprintf(text, sizeof text, "refused with %s: %s", crm_status_name(status), error->message);
        rot_wrong(rot, text);
    }
    check_untouched(rot, damage, (how & ROT_WRITING) != 0);
}

/* The state that the answers are of: any with the view's number that they fit. */
static size_t state_of(struct rot *rot, const struct base *base)
{
    char text[900];
    size_t known = SIZE_MAX, differs = 0;
    for (size_t i = base->frame_count + 1; i-- > 0;) {
        if (base->states[i].lsn != rot->answers.lsn)
            continue;
        size_t at = answers_differ(&rot->answers, &base->states[i]);
        if (at == SIZE_MAX)
            return i;
        if (known == SIZE_MAX) {
            known = i;
            differs = at;
        }
    }
    if (known == SIZE_MAX)
        snprintf(text, sizeof text, "claims to be at transaction %llu", (unsigned long long)rot->answers.lsn);
    else
        answers_explain(&base->questions.list[differs], &rot->answers, differs, &base->states[known], differs, text,
                        sizeof text);
    rot_wrong(rot, text);
    return SIZE_MAX;
}

static crm_db *open_damaged(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size,
                            int how, struct verdict *verdict)
{
    crm_error error = {0};
    int32_t status;
    rot_store(rot->path, damage->log, damage->log_size);
    if (image != NULL)
        rot_store(rot->image, image, image_size);
    else
        (void)unlink(rot->image);
    rot->shared->cases++;
    crm_db *db = rot_open(rot->path, how, count_line, verdict, &status, &error);
    if (db == NULL)
        check_refusal(rot, damage, status, &error, how);
    if (how == ROT_WRITING && damage->writing == (db == NULL ? ROT_OPENED : ROT_REFUSED))
        rot_wrong(rot, db == NULL ? "refused for writing" : "opened for writing");
    return db;
}

static void take_answers(struct rot *rot, const struct damage *damage, struct verdict *verdict, crm_db *db)
{
    rot->answers.told = &verdict->told;
    rot->answers.twice = rot->shared->cases % 2 != 0;
    answers_take(&rot->answers, &damage->base->questions, db);
    rot->answers.told = NULL;
}

/* The file is sound, though it may be shorter than it was. */
static void check_clean(struct rot *rot, const struct damage *damage, const struct verdict *verdict, size_t state)
{
    if (state != damage->state)
        rot_wrong(rot, "transactions are missing");
    if (verdict->verified != CRM_OK || verdict->told > 0)
        rot_wrong(rot, "fault is found with a sound file");
}

static void check_damaged(struct rot *rot, const struct damage *damage, const struct verdict *verdict, size_t state,
                          int how)
{
    if (state < damage->base->frame_count && verdict->told == 0)
        rot_wrong(rot, "transactions are gone and nothing was told");
    if (!(how & ROT_IMAGE) && damage->state != SIZE_MAX && state != damage->state)
        rot_wrong(rot, "it is not the state up to the damage");
    /* What was cut off is not in the file any more. */
    bool cut = (how & ROT_WRITING) && verdict->dropped > 0;
    if (verdict->verified != CRM_CORRUPT && !(verdict->verified == CRM_OK && cut))
        rot_wrong(rot, "verify finds nothing");
    if (verdict->verified == CRM_CORRUPT && verdict->in_log == 0)
        rot_wrong(rot, "verify does not say where in the log");
}

static void check_anew(struct rot *rot, const struct damage *damage, const struct verdict *verdict)
{
    if (rot->answers.lsn != 1 || rot->answers.troubles > 0 || verdict->verified != CRM_OK)
        rot_wrong(rot, "it is not a new file");
    if (!damage->clean && verdict->dropped == 0)
        rot_wrong(rot, "what was torn is gone and nothing was told");
}

void judge_log(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how)
{
    struct verdict verdict = {0};
    crm_db *db = open_damaged(rot, damage, image, image_size, how, &verdict);
    if (db == NULL && damage->clean)
        rot_wrong(rot, "a sound file is refused");
    if (db == NULL)
        return;
    take_answers(rot, damage, &verdict, db);
    verify(db, &verdict);
    if (crm_close(db) != CRM_OK)
        rot_wrong(rot, "closing failed");
    if (!(how & ROT_WRITING))
        check_untouched(rot, damage, false);
    if (rot->answers.count == 0) {
        if (verdict.verified != CRM_CORRUPT)
            rot_wrong(rot, "no view can be opened, though verify finds nothing");
        return;
    }
    if (damage->anew && (how & ROT_WRITING)) {
        check_anew(rot, damage, &verdict);
        return;
    }
    size_t state = state_of(rot, damage->base);
    if (state == SIZE_MAX)
        return;
    if (damage->clean)
        check_clean(rot, damage, &verdict, state);
    else
        check_damaged(rot, damage, &verdict, state, how);
}

/* Asked again, an answer that was broken off must be whole. */
static void check_again(struct rot *rot, const struct base *base, const struct asked *state, crm_db *db)
{
    char text[900];
    for (size_t i = 0; i < rot->answers.count; i++) {
        if (!rot->answers.failed[i])
            continue;
        if (rot->answers.twice)
            rot_wrong(rot, "an answer is broken off the second time, too");
        answers_again(&rot->again, &base->questions, i, db);
        if (rot->again.count == 1 && !rot->again.failed[0] && answers_same(&rot->again, 0, state, i))
            continue;
        if (rot->again.count == 1)
            answers_explain(&base->questions.list[i], &rot->again, 0, state, i, text, sizeof text);
        else
            snprintf(text, sizeof text, "no view can be opened");
        rot_wrong(rot, text);
    }
}

void judge_image(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how)
{
    struct verdict verdict = {0};
    crm_db *db = open_damaged(rot, damage, image, image_size, how, &verdict);
    if (db == NULL) {
        rot_wrong(rot, "refused, though the log is sound");
        return;
    }
    take_answers(rot, damage, &verdict, db);
    size_t state = rot->answers.count == 0 ? SIZE_MAX : state_of(rot, damage->base);
    if (rot->answers.count == 0)
        rot_wrong(rot, "no view can be opened, though the log is sound");
    if (state != SIZE_MAX && base_end(damage->base, state) != damage->log_size)
        rot_wrong(rot, "transactions of the log are missing");
    if (state != SIZE_MAX)
        check_again(rot, damage->base, &damage->base->states[state], db);
    verify(db, &verdict);
    if (verdict.verified != CRM_OK && (verdict.verified != CRM_CORRUPT || verdict.in_log > 0 || verdict.in_index == 0))
        rot_wrong(rot, "verify finds fault with the log");
    if (crm_close(db) != CRM_OK)
        rot_wrong(rot, "closing failed");
    if (!(how & ROT_WRITING))
        check_untouched(rot, damage, false);
}

/* ---- forged images and logs ---- */

void judge_forged_image(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how)
{
    struct verdict verdict = {0};
    crm_db *db = open_damaged(rot, damage, image, image_size, how, &verdict);
    if (db == NULL) {
        rot_wrong(rot, "refused, though the log is sound");
        return;
    }
    verify(db, &verdict);
    take_answers(rot, damage, &verdict, db);
    if (verdict.verified == CRM_OK && rot->answers.count > 0)
        (void)state_of(rot, damage->base);
    (void)crm_close(db); /* may tell what is wrong with the image */
}

/* Each order has as many records as the kind, and each can be had by its id. */
static void check_lists(struct rot *rot, crm_db *db, crm_view *view, uint32_t kind)
{
    crm_error error = {0};
    uint64_t count = 0;
    for (uint32_t f = 0; f <= crm_field_count(db, kind); f++) {
        crm_query *query = NULL;
        crm_record *record = NULL, *same = NULL;
        uint64_t rows = 0;
        uint32_t field = f == 0 ? 0 : crm_field_at(db, kind, f - 1);
        if (f > 0 && (!(crm_field_flags(db, kind, field) & CRM_FLAG_INDEXED) ||
                      crm_field_type(db, kind, field) == CRM_TYPE_TAGS))
            continue;
        if (crm_query_create(view, kind, &query, &error) != CRM_OK)
            rot_wrong(rot, error.message);
        if (f > 0)
            (void)crm_query_order(query, field, 0);
        while (crm_query_next(query, &record, &error) == CRM_OK) {
            crm_id id;
            crm_record_id(record, &id);
            if (f == 0 && crm_get(view, kind, &id, &same, &error) != CRM_OK)
                rot_wrong(rot, error.message);
            crm_record_free(same);
            same = NULL;
            rows++;
        }
        crm_query_free(query);
        count = f == 0 ? rows : count;
        if (rows != count)
            rot_wrong(rot, "an order has more or fewer records than the kind");
    }
}

static void check_forged(struct rot *rot, const struct damage *damage, crm_db *db)
{
    crm_error error = {0};
    crm_view *view = NULL;
    char text[900];
    if (rot->answers.troubles > 0)
        rot_wrong(rot, "an answer is broken off, though verify finds nothing");
    if (crm_view_open(db, &view, &error) != CRM_OK) {
        rot_wrong(rot, error.message);
        return;
    }
    for (uint32_t k = 0; k < crm_kind_count(db); k++)
        check_lists(rot, db, view, crm_kind_at(db, k));
    crm_view_close(view);
    if (crm_rebuild(db, &error) != CRM_OK)
        rot_wrong(rot, error.message);
    answers_take(&rot->again, &damage->base->questions, db);
    size_t at = answers_differ(&rot->again, &rot->answers);
    if (at == SIZE_MAX)
        return;
    answers_explain(&damage->base->questions.list[at], &rot->again, at, &rot->answers, at, text, sizeof text);
    rot_wrong(rot, text);
}

void judge_forged(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how)
{
    crm_error error = {0};
    struct verdict verdict = {0};
    int32_t status;
    crm_db *db = open_damaged(rot, damage, image, image_size, how, &verdict);
    if (db == NULL)
        return;
    take_answers(rot, damage, &verdict, db);
    verify(db, &verdict);
    if (verdict.verified == CRM_OK)
        check_forged(rot, damage, db);
    else if (verdict.verified != CRM_CORRUPT)
        rot_wrong(rot, "verify neither finds fault nor none");
    if (crm_close(db) != CRM_OK)
        rot_wrong(rot, "closing failed");
    if (verdict.verified != CRM_OK)
        return;
    db = rot_open(rot->path, ROT_WRITING | ROT_IMAGE, NULL, NULL, &status, &error);
    if (db == NULL && verdict.told == 0)
        rot_wrong(rot, "sound, but it cannot be opened again");
    if (crm_close(db) != CRM_OK)
        rot_wrong(rot, "closing failed");
}
