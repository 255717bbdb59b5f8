/* kills_check: what is in the file against what was acknowledged. */
#include "kills.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t wrong(struct kills *kills, uint64_t t, uint32_t i, const char *what)
{
    stress_fail(kills->stress, "T%llu.%u: %s", (unsigned long long)t, i, what);
    return UINT32_MAX;
}

/* 1: there as it was written, 0: not there, UINT32_MAX: wrong. */
static uint32_t check_new(struct kills *kills, crm_view *view, uint64_t t, uint32_t i, uint64_t *lsn)
{
    char key[48], name[48], text[1200];
    crm_error error = {0};
    crm_record *record = NULL;
    key_of(t, i, key, sizeof key);
    int32_t status = crm_find(view, CRM_KIND_CUSTOMER, CRM_FIELD_EXTERNAL_IDS, key, CRM_NUL, &record, &error);
    if (status == CRM_NOT_FOUND)
        return 0;
    if (status != CRM_OK)
        return wrong(kills, t, i, error.message);
    name_of(t, i, name, sizeof name);
    text_of(t, i, text, sizeof text);
    bool same = strcmp(crm_text(record, CRM_CUSTOMER_NAME, NULL), name) == 0 &&
                strcmp(crm_text(record, CRM_CUSTOMER_DESCRIPTION, NULL), text) == 0 &&
                crm_int(record, CRM_CUSTOMER_EMPLOYEES) == (int64_t)t && crm_record_version(record) == 1 &&
                crm_record_status(record) == CRM_OK;
    if (same && *lsn != 0 && *lsn != crm_record_lsn(record))
        same = false;
    *lsn = crm_record_lsn(record);
    crm_record_free(record);
    return same ? 1 : wrong(kills, t, i, "it is not what was written");
}

uint32_t check_transaction(struct kills *kills, crm_view *view, uint64_t t, uint64_t *lsn)
{
    uint32_t count = 0, found = 0;
    *lsn = 0;
    for (uint32_t i = 0; i < NEW_MOST; i++) {
        found = check_new(kills, view, t, i, lsn);
        if (found == UINT32_MAX)
            return found;
        if (found == 1 && i >= new_count(t))
            return wrong(kills, t, i, "nobody wrote it");
        count += found;
    }
    return count;
}

uint64_t check_group(struct kills *kills, crm_view *view, uint32_t group)
{
    crm_error error = {0};
    int64_t carried = -1;
    for (uint32_t m = 0; m < MEMBERS; m++) {
        crm_record *record = NULL;
        if (crm_get(view, CRM_KIND_CUSTOMER, &kills->members[group][m], &record, &error) != CRM_OK) {
            stress_fail(kills->stress, "member %u.%u at %llu: %s", group, m, (unsigned long long)crm_view_lsn(view),
                        error.message);
            return UINT64_MAX;
        }
        int64_t now = crm_int(record, CRM_CUSTOMER_EMPLOYEES);
        int32_t status = crm_record_status(record);
        crm_record_free(record);
        if (status != CRM_OK || (m > 0 && now != carried)) {
            stress_fail(kills->stress, "group %u at %llu: one member carries %lld, another %lld", group,
                        (unsigned long long)crm_view_lsn(view), (long long)carried, (long long)now);
            return UINT64_MAX;
        }
        carried = now;
    }
    return (uint64_t)carried;
}

/* Each version of a member is one transaction of its group, in the order of their numbers. */
static void check_member(struct kills *kills, crm_view *view, uint32_t group, const uint64_t *lsns, uint64_t count)
{
    crm_error error = {0};
    crm_history *history = NULL;
    crm_change *change = NULL;
    uint64_t versions = 0, expected = 0;
    int32_t status = crm_history_open(view, CRM_KIND_CUSTOMER, &kills->members[group][0], &history, &error);
    while (status == CRM_OK && (status = crm_history_next(history, &change, &error)) == CRM_OK) {
        uint64_t t = (uint64_t)crm_int(crm_change_after(change), CRM_CUSTOMER_EMPLOYEES);
        versions++;
        if (t != 0 && (t >= count || lsns[t] != crm_change_lsn(change) || group_of(t) != group))
            stress_fail(kills->stress, "a version of group %u is of T%llu at %llu", group, (unsigned long long)t,
                        (unsigned long long)crm_change_lsn(change));
    }
    crm_history_close(history);
    for (uint64_t t = 1; t < count; t++)
        expected += lsns[t] != 0 && group_of(t) == group;
    if (status != CRM_DONE || versions != expected + 1)
        stress_fail(kills->stress, "group %u has %llu versions, not %llu: %s", group, (unsigned long long)versions,
                    (unsigned long long)expected + 1, error.message);
}

void check_view(struct kills *kills, crm_view *view, bool members)
{
    uint64_t count = atomic_load(&kills->shared->next), newest[GROUPS] = {0}, there = 0;
    if (count > NOTES_MOST)
        count = NOTES_MOST;
    uint64_t *lsns = calloc((size_t)count + 1, sizeof *lsns);
    if (lsns == NULL)
        abort();
    for (uint64_t t = 1; t < count; t++) {
        uint32_t state = atomic_load(&kills->shared->notes[t].state);
        uint64_t acknowledged = state == NOTE_ACKNOWLEDGED ? atomic_load(&kills->shared->notes[t].lsn) : 0;
        uint32_t found = check_transaction(kills, view, t, &lsns[t]);
        if (found == UINT32_MAX)
            continue;
        if (found != 0 && found != new_count(t))
            stress_fail(kills->stress, "T%llu is half there: %u of %u", (unsigned long long)t, found, new_count(t));
        if (acknowledged != 0 && lsns[t] != acknowledged)
            stress_fail(kills->stress, "T%llu was acknowledged as %llu and is %llu", (unsigned long long)t,
                        (unsigned long long)acknowledged, (unsigned long long)lsns[t]);
        if (state == NOTE_NONE && found > 0)
            stress_fail(kills->stress, "T%llu is there, though nobody began it", (unsigned long long)t);
        there += found > 0;
        uint32_t group = group_of(t);
        if (found > 0 && (newest[group] == 0 || lsns[newest[group]] < lsns[t]))
            newest[group] = t;
    }
    for (uint32_t g = 0; members && g < GROUPS; g++) {
        if (check_group(kills, view, g) != newest[g])
            stress_fail(kills->stress, "group %u does not carry its newest transaction, T%llu", g,
                        (unsigned long long)newest[g]);
        check_member(kills, view, g, lsns, count);
    }
    /* Two came first: the new file's own and the members'.  No number is left out. */
    if (members && crm_view_lsn(view) != there + 2)
        stress_fail(kills->stress, "%llu transactions are there, and the last is %llu", (unsigned long long)there,
                    (unsigned long long)crm_view_lsn(view));
    free(lsns);
}

void check_file(struct kills *kills, const char *path, bool members)
{
    crm_error error = {0};
    crm_view *view = NULL;
    int32_t status;
    crm_db *db = kills_open(path, 0, 1, &status, &error);
    if (db == NULL) {
        stress_fail(kills->stress, "the file cannot be opened again: %s: %s", crm_status_name(status), error.message);
        return;
    }
    if (crm_view_open(db, &view, &error) == CRM_OK)
        check_view(kills, view, members);
    else
        stress_fail(kills->stress, "no view: %s", error.message);
    crm_view_close(view);
    if (crm_verify(db, NULL, &error) != CRM_OK)
        stress_fail(kills->stress, "verify: %s", error.message);
    if (crm_close(db) != CRM_OK)
        stress_fail(kills->stress, "closing failed");
}
