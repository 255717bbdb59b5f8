/* faults_care: verify, compact, backup, recover, rebuild, figures; and another
 * handle on the same file, which writes and compacts behind this one's back. */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- looking after the file ---- */

static void verify(struct run *run)
{
    crm_table *table = NULL;
    if (MADE(table, crm_verify(run->db, &table, &run->error)))
        IS(crm_table_rows(table) == 0);
    crm_table_free(table);
    if (!run->failed)
        (void)OK(crm_verify(run->db, NULL, &run->error));
}

static void figures(struct run *run)
{
    crm_table *table;
    unsigned found = 0;
    if (MADE(table, crm_stat(run->db, &table, &run->error)))
        for (uint64_t row = 0; row < crm_table_rows(table); row++) {
            const char *name = crm_table_text(table, row, 0, NULL), *value = crm_table_text(table, row, 1, NULL);
            found += same(name, "setting lifecycle") && same(value, "four");
            found += same(name, "machine records") && same(value, "3");
            found += same(name, "path") && same(value, run->path);
        }
    IS(found == 3);
    crm_table_free(table);
    crm_view *view = run_view(run);
    const char *setting = view == NULL ? NULL : crm_setting(view, "currency");
    (void)TELLS(same(setting, "USD"), setting == NULL);
    crm_view_close(view);
}

/* A view that was open sees what it saw. */
static void compact(struct run *run)
{
    crm_view *view = run_view(run);
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, 3);
    if (!run->failed)
        (void)OK(crm_compact(run->db, &run->error));
    if (record != NULL)
        READS(record, same(crm_display(record, CRM_FIELD_OWNER, NULL), "Ole Dahl"));
    crm_record_free(record);
    record = run_get(run, view, CRM_KIND_CUSTOMER, 2);
    if (record != NULL)
        READS(record, same(crm_text(record, CRM_CUSTOMER_DESCRIPTION, NULL), base_text(LONG_TEXT)));
    crm_record_free(record);
    crm_view_close(view);
}

static void rename_one(struct run *run)
{
    crm_txn *txn = run_begin(run);
    if (txn != NULL)
        (void)SET(crm_set_text(run_edit(run, txn, CRM_KIND_CUSTOMER, 1), CRM_CUSTOMER_NAME, "First", CRM_NUL));
    (void)run_commit(run, txn);
}

/* Writing the index file anew is what it is for: that it could not is an error. */
static void rebuild(struct run *run)
{
    bool before = fault.reached;
    bool went = OK(crm_rebuild(run->db, &run->error));
    if (went && !before && fault.reached && fault.of == FILE_OF_INDEX && strncmp(fault.call, "unlink", 6) != 0)
        FAIL("the index file was not written, and nobody was told");
}

/* ---- copies ---- */

/* What lies there must be the whole, or not to be taken for it. */
static void check_copy(struct run *run, bool made)
{
    bool armed = fault.armed;
    fault.armed = false;
    crm_error error = {0};
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1);
    int32_t status = crm_open(run->copy, options, &db, &error);
    crm_options_free(options);
    if (status != CRM_OK && made)
        FAIL("the copy cannot be opened: %s", error.message);
    crm_view *view = NULL;
    if (status == CRM_OK && crm_view_open(db, &view, &error) == CRM_OK) {
        char *state = state_text(view);
        if (run->first)
            run->outcome->copy = strdup(state);
        else if (strcmp(state, run->outcome->copy) != 0)
            FAIL("a copy that can be opened is not whole: %s", first_difference(run->outcome->copy, state));
        free(state);
    }
    crm_view_close(view);
    (void)crm_close(db);
    if (!made && access(run->copy, F_OK) == 0 && fault.mode == FAULT_ONCE)
        FAIL("half a copy is left");
    (void)unlink(run->copy);
    fault.armed = armed;
}

static void backup(struct run *run)
{
    check_copy(run, OK(crm_backup(run->db, run->copy, &run->error)));
}

static void salvage(struct run *run)
{
    crm_table *table = NULL;
    const crm_options *options = run_options(run);
    bool made = MADE(table, crm_recover(run->path, run->copy, options, &table, &run->error));
    if (made)
        IS(crm_table_rows(table) > 0);
    crm_table_free(table);
    check_copy(run, made);
}

static void open_damaged(struct run *run)
{
    (void)OK(run_open(run, 0, true));
}

/* ---- another handle ---- */

/* Nothing fails for the other: it is another process. */
static void other_renames(struct run *run, bool compacts)
{
    bool armed = fault.armed;
    crm_error error = {0};
    crm_txn *txn = NULL;
    crm_id id = base_id(CRM_KIND_CUSTOMER, 2);
    fault.armed = false;
    if (run->other == NULL)
        run_open_other(run);
    if (run->first || crm_lsn(run->other) == run->outcome->lsns[run->step]) {
        if (crm_begin(run->other, &txn, &error) == CRM_OK) {
            (void)crm_set_text(crm_edit(txn, CRM_KIND_CUSTOMER, &id), CRM_CUSTOMER_TERRITORY,
                               compacts ? "Compacted" : "Elsewhere", CRM_NUL);
            (void)crm_commit(txn, &run->acked, &error);
        }
        if (error.status == CRM_OK && compacts)
            (void)crm_compact(run->other, &error);
        if (error.status != CRM_OK)
            FAIL("the other handle: %s", error.message);
    }
    fault.armed = armed;
}

static void sees(struct run *run, const char *territory)
{
    crm_view *view = run_view(run);
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, 2), *found = NULL;
    if (record != NULL)
        READS(record, same(crm_text(record, CRM_CUSTOMER_TERRITORY, NULL), territory));
    crm_record_free(record);
    if (view != NULL && !run->failed)
        (void)MADE(found,
                   crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_TERRITORY, territory, CRM_NUL, &found, &run->error));
    crm_record_free(found);
    crm_view_close(view);
}

static void follow_write(struct run *run)
{
    other_renames(run, false);
    sees(run, "Elsewhere");
}

static void follow_compaction(struct run *run)
{
    other_renames(run, true);
    sees(run, "Compacted");
}

static void rebuild_replaced(struct run *run)
{
    other_renames(run, true);
    (void)OK(crm_rebuild(run->db, &run->error));
}

static void feed_other(struct run *run)
{
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    other_renames(run, true);
    if (MADE(feed, crm_feed_open(run->db, LSN_LAST, &feed, &run->error)) &&
        OK(crm_feed_next(feed, 0, &change, &run->error)))
        IS(crm_change_lsn(change) == LSN_LAST + 1 && crm_change_kind(change) == CRM_KIND_CUSTOMER);
    crm_feed_close(feed);
}

/* The other one sees what this one did. */
static void other_sees(struct run *run, const char *name)
{
    bool armed = fault.armed;
    crm_error error = {0};
    crm_view *view = NULL;
    crm_record *record = NULL;
    crm_id id = base_id(CRM_KIND_CUSTOMER, 1);
    fault.armed = false;
    if (run->other == NULL)
        run_open_other(run);
    bool seen = crm_view_open(run->other, &view, &error) == CRM_OK &&
                crm_get(view, CRM_KIND_CUSTOMER, &id, &record, &error) == CRM_OK;
    /* A lock that could not be given back keeps others out until its handle is closed. */
    bool locked_out = error.status == CRM_BUSY && fault.reached && fault.locks;
    if (!seen && !locked_out)
        FAIL("the other handle: %s", error.message);
    if (seen)
        IS(same(crm_text(record, CRM_CUSTOMER_NAME, NULL), name));
    crm_record_free(record);
    crm_view_close(view);
    fault.armed = armed;
}

static void write_for_other(struct run *run)
{
    rename_one(run);
    other_sees(run, "First");
}

static void compact_for_other(struct run *run)
{
    compact(run);
    other_sees(run, "First");
}

const struct scenario scenarios_care[] = {
    {.name = "verify", .base = BASE_IMAGE, .steps = {verify, figures}},
    {.name = "verify compacted", .base = BASE_PACKED, .steps = {verify, figures}},
    {.name = "compact", .base = BASE_LOG, .steps = {compact, rename_one, verify}},
    {.name = "compact again", .base = BASE_PACKED_IMAGE, .steps = {rename_one, compact}},
    {.name = "rebuild", .base = BASE_IMAGE, .steps = {rebuild, rename_one}},
    {.name = "backup", .base = BASE_PACKED, .steps = {backup}},
    {.name = "recover", .base = BASE_LOG, .steps = {salvage}},
    {.name = "recover compacted", .base = BASE_PACKED, .steps = {salvage}},
    {.name = "recover damaged", .base = BASE_DAMAGED, .steps = {open_damaged, salvage}, .opens = true, .damaged = true},
    {.name = "follow",
     .base = BASE_LOG,
     .steps = {follow_write, follow_compaction, rename_one},
     .prepare = run_open_other},
    {.name = "follow by index", .base = BASE_PACKED_IMAGE, .steps = {follow_compaction, follow_write}},
    {.name = "rebuild what was replaced", .base = BASE_LOG, .steps = {rebuild_replaced}, .prepare = run_open_other},
    {.name = "feed of another", .base = BASE_LOG, .steps = {feed_other}},
    {.name = "followed", .base = BASE_LOG, .steps = {write_for_other, compact_for_other}, .prepare = run_open_other},
    {.name = NULL},
};
