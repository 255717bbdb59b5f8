/* faults_read: opening and closing, views, records and what their getters
 * return, look-ups, and the schema. */
#include "faults.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* ---- opening ---- */

static void set_clock(struct run *run)
{
    crm_set_now(run->db, BASE_NOW + DAY_US);
    IS(crm_now(run->db) == BASE_NOW + DAY_US);
    IS(same(crm_path(run->db), run->path));
}

static int64_t ticking(void *context)
{
    (void)context;
    return BASE_NOW;
}

/* The options' own memory is the C library's: only that may be short. */
static void options_are_made(struct run *run)
{
    crm_options *options = crm_options_create();
    if (!TELLS(options != NULL, true))
        return;
    (void)PLAIN(crm_options_set_int(options, CRM_OPTION_BUSY_MS, 10));
    (void)PLAIN(crm_options_set_text(options, CRM_OPTION_CURRENCY, "USD", CRM_NUL));
    (void)GIVES(CRM_INVALID, crm_options_set_int(options, 99, 1));
    crm_options_set_allocator(options, fault_resize, NULL);
    crm_options_set_log(options, NULL, NULL);
    crm_options_set_clock(options, ticking, NULL);
    crm_options_free(options);
}

static void open_new(struct run *run)
{
    crm_db *db;
    options_are_made(run);
    if (run->failed || !OK(run_open(run, 1, false)))
        return;
    db = run->db;
    set_clock(run);
    (void)TELLS(crm_lsn(db) == 1, true);
}

/* What a failed opening made it removes again, unless that fails, too. */
static void open_only_new(struct run *run)
{
    if (run->well && fault.mode != FAULT_ONCE && fault.layer != FAULT_MEMORY)
        (void)unlink(run->path);
    if (OK(run_open(run, 2, false)))
        set_clock(run);
}

static void open_there(struct run *run)
{
    if (OK(run_open(run, 0, false)))
        set_clock(run);
}

static void open_read_only(struct run *run)
{
    if (OK(run_open(run, 0, true)))
        set_clock(run);
}

/* Eight customers live, one of them new; one is deleted. */
static void count_customers(struct run *run)
{
    crm_view *view = run_view(run);
    crm_query *query = NULL;
    uint64_t count = 0;
    if (view != NULL && MADE(query, crm_query_create(view, CRM_KIND_CUSTOMER, &query, &run->error)) &&
        OK(crm_query_count(query, &count, &run->error)))
        IS(count == CUSTOMERS);
    crm_query_free(query);
    crm_view_close(view);
}

/* Its currency is that of the file. */
static void write_one(struct run *run)
{
    crm_txn *txn = run_begin(run);
    crm_record *record = txn == NULL ? NULL : run_record(run, crm_create(txn, CRM_KIND_PRODUCT));
    (void)SET(crm_set_text(record, CRM_PRODUCT_NAME, "New", CRM_NUL));
    (void)SET(crm_set_int(record, CRM_PRODUCT_PRICE, 100));
    if (txn != NULL && !run->kept && OK(crm_txn_status(txn, &run->error)))
        READS(record, crm_int(record, CRM_PRODUCT_CURRENCY) == (run->scenario->base == BASE_NONE ? 978 : 840));
    (void)run_commit(run, txn);
}

/* ---- views and records ---- */

static void read_common(struct run *run, const crm_record *record)
{
    crm_id id, expected = base_id(CRM_KIND_CUSTOMER, 1);
    IS(crm_record_kind(record) == CRM_KIND_CUSTOMER);
    crm_record_id(record, &id);
    IS(memcmp(&id, &expected, sizeof id) == 0);
    READS(record, crm_record_version(record) == 1);
    IS(crm_record_lsn(record) == LSN_CUSTOMERS);
    IS(crm_record_deleted(record) == 0);
    READS(record, crm_has(record, CRM_CUSTOMER_NAME) == 1);
    READS(record, same(crm_text(record, CRM_FIELD_CREATED_BY, NULL), "ole"));
    READS(record, crm_int(record, CRM_FIELD_CREATED_AT) == BASE_NOW - (LSN_LAST - LSN_CUSTOMERS) * (DAY_US / 24));
    READS(record, same(crm_title(record, NULL), "Customer 1"));
}

static void read_fields(struct run *run)
{
    crm_view *view = run_view(run);
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, 1);
    uint32_t kind = 0;
    size_t length = 0;
    crm_id id;
    if (record != NULL) {
        read_common(run, record);
        READS(record, same(crm_text(record, CRM_CUSTOMER_NAME, &length), "Customer 1") && length == 10);
        READS(record, crm_int(record, CRM_CUSTOMER_EMPLOYEES) == 10);
        READS(record, isnan(crm_real(record, CRM_CUSTOMER_NAME)) != 0);
        READS(record, crm_ref(record, CRM_CUSTOMER_PARENT, &kind, &id) == CRM_OK && kind == CRM_KIND_CUSTOMER);
        READS(record, same(crm_format(record, CRM_CUSTOMER_ANNUAL_REVENUE, NULL), "10.00"));
        READS(record, same(crm_display(record, CRM_CUSTOMER_PARENT, NULL), "Customer 0"));
        READS(record, same(crm_display(record, CRM_FIELD_OWNER, NULL), "Ole Dahl"));
        READS(record, same(crm_format(record, CRM_CUSTOMER_EMAILS, NULL), "c1@example.com"));
        READS(record, crm_item_count(record, CRM_CUSTOMER_EMAILS) == 1);
        READS(record, same(crm_item_text(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_VALUE, NULL), "c1@example.com"));
        READS(record, crm_item_int(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_OPT_OUT) == 0);
    }
    crm_record_free(record);
    crm_view_close(view);
}

static void read_long_text(struct run *run)
{
    crm_view *view = run_view(run);
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, 2);
    size_t length = 0;
    if (record != NULL) {
        READS(record,
              same(crm_text(record, CRM_CUSTOMER_DESCRIPTION, &length), base_text(LONG_TEXT)) && length == LONG_TEXT);
        READS(record, same(crm_format(record, CRM_CUSTOMER_DESCRIPTION, NULL), base_text(LONG_TEXT)));
    }
    crm_record_free(record);
    record = run_get(run, view, CRM_KIND_INTERACTION, BUYERS * PURCHASES);
    if (record != NULL) {
        uint32_t kind = 0;
        crm_id id;
        READS(record,
              crm_item_ref(record, CRM_INTERACTION_PARTICIPANTS, 0, &kind, &id) == CRM_OK && kind == CRM_KIND_CONTACT);
        READS(record, same(crm_item_text(record, CRM_INTERACTION_PARTICIPANTS, 0, CRM_PART_ROLE, NULL), "guest"));
    }
    crm_record_free(record);
    crm_view_close(view);
}

/* What was erased stays so, whatever fails. */
static void read_erased(struct run *run)
{
    crm_view *view = run_view(run);
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, 6);
    if (record != NULL) {
        IS(same(crm_text(record, CRM_CUSTOMER_NAME, NULL), "(erased)"));
        READS(record, crm_int(record, CRM_CUSTOMER_EMPLOYEES) == 60);
    }
    crm_record_free(record);
    record = run_get(run, view, CRM_KIND_CUSTOMER, 7);
    if (record != NULL)
        IS(crm_record_deleted(record) == 1);
    crm_record_free(record);
    crm_view_close(view);
}

static void read_any(struct run *run)
{
    crm_view *view = run_view(run);
    crm_record *record = NULL;
    crm_id id = base_id(CRM_KIND_CONTACT, 2), unknown = base_id(CRM_KIND_CONTACT, 99);
    if (view != NULL && MADE(record, crm_get_any(view, &id, &record, &run->error)))
        READS(record, crm_record_kind(record) == CRM_KIND_CONTACT &&
                          same(crm_text(record, CRM_CONTACT_NAME, NULL), "Anna Contact 2"));
    crm_record_free(record);
    record = NULL;
    if (view != NULL)
        (void)GIVES(CRM_NOT_FOUND, crm_get(view, CRM_KIND_CONTACT, &unknown, &record, &run->error));
    IS(record == NULL);
    crm_view_close(view);
}

/* ---- the past ---- */

static void read_past_of(struct run *run, crm_view *view, uint64_t lsn, const char *territory)
{
    crm_record *record = run_get(run, view, CRM_KIND_CUSTOMER, 3);
    if (record != NULL) {
        READS(record, same(crm_text(record, CRM_CUSTOMER_TERRITORY, NULL), territory));
        IS(crm_record_lsn(record) == lsn);
        READS(record, same(crm_text(record, CRM_FIELD_MODIFIED_BY, NULL), lsn % 2 ? "ole" : "mia"));
    }
    crm_record_free(record);
}

static void read_past(struct run *run)
{
    crm_view *view = NULL;
    int64_t time = BASE_NOW - (LSN_LAST - (LSN_CHANGES + 4)) * (DAY_US / 24);
    if (MADE(view, crm_view_open_at(run->db, time, &view, &run->error))) {
        IS(crm_view_lsn(view) == LSN_CHANGES + 4);
        IS(crm_view_time(view) == time);
        IS(crm_view_db(view) == run->db);
        read_past_of(run, view, LSN_CHANGES + 4, "Area 5");
    }
    crm_view_close(view);
    if (!run->failed && MADE(view, crm_view_open_lsn(run->db, LSN_CHANGES, &view, &run->error)))
        read_past_of(run, view, LSN_CHANGES, "Area 1");
    crm_view_close(view);
    view = NULL;
    if (!run->failed)
        (void)GIVES(CRM_NOT_FOUND, crm_view_open_lsn(run->db, 1000, &view, &run->error));
    IS(view == NULL);
}

/* All of it, record by record, as a query of the past goes: seven customers that were changed since. */
static void query_past(struct run *run)
{
    crm_view *view = NULL;
    crm_query *query = NULL;
    crm_record *record = NULL;
    int32_t status = CRM_DONE;
    unsigned count = 0;
    if (MADE(view, crm_view_open_lsn(run->db, LSN_CHANGES, &view, &run->error)) &&
        MADE(query, crm_query_create(view, CRM_KIND_CUSTOMER, &query, &run->error))) {
        (void)SET(crm_query_order(query, CRM_CUSTOMER_TERRITORY, 0));
        while ((status = crm_query_next(query, &record, &run->error)) == CRM_OK)
            READS(record, same(crm_text(record, CRM_CUSTOMER_TERRITORY, NULL), count++ == 0 ? "Area 1" : "West"));
        if (GIVES(CRM_DONE, status) && IS(!run->kept))
            IS(count == CUSTOMERS);
    }
    crm_query_free(query);
    crm_view_close(view);
}

/* ---- look-ups ---- */

static void find_one(struct run *run, crm_view *view, uint32_t field, const char *text, unsigned number)
{
    crm_record *record = NULL;
    crm_id id, expected = base_id(CRM_KIND_CUSTOMER, number);
    if (run->failed || view == NULL ||
        !MADE(record, crm_find(view, CRM_KIND_CUSTOMER, field, text, CRM_NUL, &record, &run->error)))
        return;
    crm_record_id(record, &id);
    IS(memcmp(&id, &expected, sizeof id) == 0);
    crm_record_free(record);
}

static void find_all(struct run *run)
{
    crm_view *view = run_view(run);
    crm_record *record = NULL;
    find_one(run, view, CRM_CUSTOMER_EMAILS, "C3@Example.com", 3);
    find_one(run, view, CRM_CUSTOMER_PHONES, "0049 (30) 90 18 204", 4);
    find_one(run, view, CRM_CUSTOMER_PHONES, "18205", 5);
    find_one(run, view, CRM_CUSTOMER_NAME, "customer 2", 2);
    find_one(run, view, CRM_FIELD_EXTERNAL_IDS, "erp:1", 1);
    find_one(run, view, CRM_FIELD_TAGS, "odd", 1);
    if (!run->failed)
        (void)GIVES(CRM_NOT_FOUND, crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "no@example.com", CRM_NUL,
                                            &record, &run->error));
    IS(record == NULL);
    crm_view_close(view);
}

/* The index has them no longer: the record was deleted since. */
static void find_past(struct run *run)
{
    crm_view *view = NULL;
    if (MADE(view, crm_view_open_lsn(run->db, LSN_CHANGES, &view, &run->error))) {
        find_one(run, view, CRM_CUSTOMER_EMAILS, "c7@example.com", 7);
        find_one(run, view, CRM_CUSTOMER_PHONES, "18207", 7);
        find_one(run, view, CRM_FIELD_EXTERNAL_IDS, "erp:7", 7);
    }
    crm_view_close(view);
}

static void resolve_all(struct run *run)
{
    static const char *const texts[] = {"Customer 2", "erp:2", "c2@example.com"};
    crm_view *view = run_view(run);
    crm_id id, expected = base_id(CRM_KIND_CUSTOMER, 2);
    for (int i = 0; i < 3 && view != NULL && !run->failed; i++)
        if (OK(crm_resolve(view, CRM_KIND_CUSTOMER, texts[i], CRM_NUL, &id, &run->error)))
            IS(memcmp(&id, &expected, sizeof id) == 0);
    crm_view_close(view);
}

/* ---- the schema ---- */

static void read_schema(struct run *run)
{
    const crm_db *db = run->db;
    uint32_t machine = crm_kind_find(db, "machine", CRM_NUL);
    uint32_t state = crm_field_find(db, machine, "state", CRM_NUL);
    IS(machine == CRM_USER_KIND && state == CRM_USER_FIELD + 2);
    IS(crm_kind_count(db) == 15 && crm_kind_at(db, 14) == machine && same(crm_kind_name(db, machine), "machine"));
    IS(crm_field_count(db, machine) == 14 && crm_field_at(db, machine, 12) == state);
    IS(same(crm_field_name(db, machine, state), "state"));
    IS(same(crm_field_label(db, CRM_KIND_OPPORTUNITY, CRM_OPPORTUNITY_CLOSE_DATE), "Close date"));
    IS(crm_field_type(db, machine, state) == CRM_TYPE_CHOICE);
    IS(crm_field_flags(db, machine, state) == CRM_FLAG_OPEN);
    IS(crm_field_target(db, CRM_KIND_CONTACT, CRM_CONTACT_CUSTOMER) == CRM_KIND_CUSTOMER);
    IS(crm_choice_count(db, machine, state) == 1);
    int64_t idle = crm_choice_at(db, machine, state, 0);
    IS(same(crm_choice_name(db, machine, state, idle), "idle"));
    IS(crm_choice_find(db, machine, state, "idle", CRM_NUL) == idle);
    (void)TELLS(crm_lifecycle_allows(db, CRM_CUSTOMER_STAGE_STABLE, CRM_CUSTOMER_STAGE_DRIFTING) == 1, true);
}

const struct scenario scenarios_read[] = {
    {.name = "open a new file", .base = BASE_NONE, .steps = {open_new, write_one}, .opens = true},
    {.name = "open only a new file", .base = BASE_NONE, .steps = {open_only_new, write_one}, .opens = true},
    {.name = "open by replay", .base = BASE_LOG, .steps = {open_there, count_customers, read_schema}, .opens = true},
    {.name = "open with index", .base = BASE_IMAGE, .steps = {open_there, count_customers, write_one}, .opens = true},
    {.name = "open read-only", .base = BASE_IMAGE, .steps = {open_read_only, count_customers, find_all}, .opens = true},
    {.name = "open compacted", .base = BASE_PACKED, .steps = {open_there, count_customers, write_one}, .opens = true},
    {.name = "open torn", .base = BASE_TORN, .steps = {open_there, count_customers, write_one}, .opens = true},
    {.name = "records", .base = BASE_LOG, .steps = {read_fields, read_long_text, read_erased, read_any, read_schema}},
    {.name = "records by index", .base = BASE_IMAGE, .steps = {read_fields, read_long_text, read_erased, read_any}},
    {.name = "the past", .base = BASE_LOG, .steps = {read_past, query_past, find_past}},
    {.name = "the past, compacted", .base = BASE_PACKED, .steps = {read_past, query_past, find_past, read_erased}},
    {.name = "look-ups", .base = BASE_IMAGE, .steps = {find_all, resolve_all}},
    {.name = NULL},
};
