/* oracle_history: every version that a record has had, and every change of the
 * file in its order, as histories and feeds tell them.
 */
#include "oracle_answer.h"

#include <stdlib.h>
#include <string.h>

/* ---- histories ---- */

static bool change_reads(const struct oracle_version *version, const crm_change *change)
{
    const struct oracle_meta *meta = version->meta;
    return crm_change_version(change) == version->number && crm_change_operation(change) == version->operation &&
           crm_change_lsn(change) == meta->lsn && crm_change_time(change) == meta->time &&
           strcmp(crm_change_actor(change), meta->actor) == 0 && strcmp(crm_change_reason(change), meta->reason) == 0 &&
           strcmp(crm_change_batch(change), meta->batch) == 0;
}

/* The fields that differ from the version before, as a reader sees them: in order. */
static bool differences_read(const struct oracle_record *record, enum oracle_slot slot,
                             const struct oracle_version *version, const crm_change *change)
{
    static const struct oracle_value nothing;
    const struct oracle_kind *kind = oracle_kind(slot);
    uint32_t found = 0;
    for (uint32_t place = 0; place < kind->field_count; place++) {
        const struct oracle_field *field = &kind->fields[place];
        const struct oracle_version *before = version->previous;
        bool personal = (field->flags & IS_PERSONAL) != 0;
        const struct oracle_value *old =
            before == NULL || (personal && oracle_hidden(record, before)) ? &nothing : &before->values[place];
        const struct oracle_value *new = personal &&oracle_hidden(record, version) ? &nothing : &version->values[place];
        if (oracle_same(oracle_shape(field->type), old, new))
            continue;
        if (crm_change_field(change, found++) != field->number)
            return false;
    }
    return crm_change_field_count(change) == found;
}

static const char *check_change(const struct oracle *oracle, enum oracle_slot slot, uint32_t index,
                                const struct oracle_version *version, const crm_change *change)
{
    const struct oracle_record *record = oracle_record(oracle, slot, index);
    if (!change_reads(version, change))
        return oracle_wrong(oracle, "kind %u, record %u: version %llu reads version %llu, operation %d, LSN %llu",
                            oracle_kind(slot)->number, index, (unsigned long long)version->number,
                            (unsigned long long)crm_change_version(change), crm_change_operation(change),
                            (unsigned long long)crm_change_lsn(change));
    if (!differences_read(record, slot, version, change))
        return oracle_wrong(oracle, "kind %u, record %u: version %llu differs in other fields",
                            oracle_kind(slot)->number, index, (unsigned long long)version->number);
    const crm_record *before = crm_change_before(change);
    if ((before == NULL) != (version->previous == NULL))
        return oracle_wrong(oracle, "kind %u, record %u: version %llu has no version before it",
                            oracle_kind(slot)->number, index, (unsigned long long)version->number);
    if (before != NULL)
        PASS(answer_fields(oracle, before, slot, index, version->previous));
    return answer_fields(oracle, crm_change_after(change), slot, index, version);
}

static const char *check_version(const struct oracle *oracle, enum oracle_slot slot, uint32_t index,
                                 const struct oracle_version *version, crm_history *history)
{
    crm_change *change = NULL;
    if (version->previous != NULL)
        PASS(check_version(oracle, slot, index, version->previous, history));
    int32_t status = crm_history_next(history, &change, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_history_next");
    return check_change(oracle, slot, index, version, change);
}

const char *answer_history(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index,
                           const crm_id *id)
{
    crm_history *history = NULL;
    crm_change *change = NULL;
    int32_t status = crm_history_open(view, oracle_kind(slot)->number, id, &history, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_history_open");
    const char *wrong = check_version(oracle, slot, index, oracle_record(oracle, slot, index)->newest, history);
    if (wrong == NULL && (status = crm_history_next(history, &change, NULL)) != CRM_DONE)
        wrong = oracle_failed(oracle, status, "crm_history_next behind the newest version");
    crm_history_close(history);
    return wrong;
}

/* ---- feeds ---- */

static const char *check_touch(const struct oracle *oracle, const struct oracle_touch *touch, crm_feed *feed)
{
    const struct oracle_record *record = oracle_record(oracle, touch->slot, touch->index);
    crm_change *change = NULL;
    crm_id id;
    int32_t status = crm_feed_next(feed, 0, &change, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_feed_next");
    crm_change_id(change, &id);
    if (crm_change_kind(change) != oracle_kind(touch->slot)->number ||
        (record->identified && memcmp(&id, &record->id, sizeof id) != 0))
        return oracle_wrong(oracle,
                            "the feed tells of a change of kind %u in transaction %llu where one of kind %u, "
                            "record %u, should be",
                            crm_change_kind(change), (unsigned long long)crm_change_lsn(change),
                            oracle_kind(touch->slot)->number, touch->index);
    return check_change(oracle, touch->slot, touch->index, touch->version, change);
}

static const char *check_transactions(const struct oracle *oracle, const struct oracle_meta *const *metas,
                                      uint32_t count, crm_feed *feed)
{
    crm_change *change = NULL;
    for (uint32_t i = 0; i < count; i++) {
        for (const struct oracle_touch *touch = metas[i]->first; touch != NULL; touch = touch->next)
            PASS(check_touch(oracle, touch, feed));
        if (crm_feed_position(feed) != metas[i]->lsn)
            return oracle_wrong(oracle, "behind transaction %llu the feed is at %llu",
                                (unsigned long long)metas[i]->lsn, (unsigned long long)crm_feed_position(feed));
    }
    int32_t status = crm_feed_next(feed, 0, &change, NULL);
    return status == CRM_TIMEOUT ? NULL : oracle_failed(oracle, status, "crm_feed_next behind the last change");
}

const char *answer_feed(const struct oracle *oracle, crm_db *db)
{
    struct choices choices = {.state = oracle_freshest(oracle)};
    uint64_t last = oracle->last->lsn, from = choose(&choices, 3) == 0 ? 0 : choose(&choices, (uint32_t)last + 1);
    crm_feed *feed = NULL;
    uint32_t count;
    int32_t status = crm_feed_open(db, from, &feed, NULL);
    if (status != CRM_OK)
        return oracle_failed(oracle, status, "crm_feed_open");
    const struct oracle_meta **metas = oracle_metas(oracle, from, &count);
    const char *wrong = check_transactions(oracle, metas, count, feed);
    free(metas);
    crm_feed_close(feed);
    return wrong;
}
