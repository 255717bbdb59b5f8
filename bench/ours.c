/* ours: the company in libcrm: opening, loading, transactions.
 *
 * Ids are the library's own, as in any program; the users' are given, so that
 * a look-up can tell which user an owner is and compare with the other sides.
 * The handle's clock stands still at what `begin` was told, as the others are
 * told, too.
 */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PATH = 4096 };

bool ours_fail(const struct ours *ours, const char *what)
{
    fprintf(stderr, "bench: ours: %s: %s\n", what, ours->error.message);
    return false;
}

static void ours_describe(char *out, size_t size)
{
    snprintf(out, size,
             "version=%s load_and_work=CRM_DURABLE_DEFERRED,crm_close_syncs durable=CRM_DURABLE_FULL"
             " everything_else=default view_a_request",
             crm_version());
}

/* In memory that a forked child shares. */
static void *share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void unshare(void *memory, size_t bytes)
{
    if (memory != NULL)
        munmap(memory, bytes);
}

static uint32_t victim_count(const struct data *data)
{
    return (data->interaction_count - 1) / DATA_VICTIM_STRIDE + 1;
}

static void ours_destroy(void *self)
{
    struct ours *ours = self;
    struct ours_file *file = ours->file;
    if (file != NULL) {
        unshare(file->customers, file->data->customer_count * sizeof *file->customers);
        unshare(file->victims, victim_count(file->data) * sizeof *file->victims);
        unshare(file->pick_ids, file->data->pick_count * sizeof *file->pick_ids);
        free(file->deep_cursors);
        free(file->path);
    }
    free(file);
    free(ours);
}

static void *ours_create(const struct data *data, const char *folder)
{
    struct ours *ours = calloc(1, sizeof *ours);
    struct ours_file *file = calloc(1, sizeof *file);
    if (ours == NULL || file == NULL) {
        free(ours);
        free(file);
        return NULL;
    }
    ours->file = file;
    file->data = data;
    file->path = malloc(PATH);
    file->customers = share(data->customer_count * sizeof *file->customers);
    file->victims = share(victim_count(data) * sizeof *file->victims);
    file->pick_ids = share(data->pick_count * sizeof *file->pick_ids);
    file->deep_cursors = calloc(data->deep_count, sizeof *file->deep_cursors);
    if (file->path != NULL && file->customers != NULL && file->victims != NULL && file->pick_ids != NULL &&
        file->deep_cursors != NULL) {
        snprintf(file->path, PATH, "%s/bench.crm", folder);
        return ours;
    }
    ours_destroy(ours);
    return NULL;
}

static void *ours_attach(void *self)
{
    const struct ours *first = self;
    struct ours *ours = calloc(1, sizeof *ours);
    if (ours != NULL)
        ours->file = first->file;
    return ours;
}

static void ours_detach(void *session)
{
    free(session);
}

/* ------------------------------------------------------------ open */

bool ours_open(void *self, enum engine_mode mode)
{
    struct ours *ours = self;
    crm_options *options = crm_options_create();
    int32_t status;
    if (options == NULL)
        return ours_fail(ours, "options");
    crm_options_set_int(options, CRM_OPTION_DURABILITY,
                        mode == ENGINE_DURABLE ? CRM_DURABLE_FULL : CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_NOW, ours->file->data->to);
    status = crm_open(ours->file->path, options, &ours->file->db, &ours->error);
    crm_options_free(options);
    return status == CRM_OK || ours_fail(ours, ours->file->path);
}

bool ours_close(void *self)
{
    struct ours *ours = self;
    int32_t status = crm_close(ours->file->db);
    ours->file->db = NULL;
    if (status != CRM_OK)
        fprintf(stderr, "bench: ours: close: %s\n", crm_status_text(status));
    return status == CRM_OK;
}

bool ours_begin(void *self, int64_t now)
{
    struct ours *ours = self;
    crm_set_now(ours->file->db, now);
    if (crm_begin(ours->file->db, &ours->txn, &ours->error) != CRM_OK)
        return ours_fail(ours, "begin");
    crm_txn_set_actor(ours->txn, "bench");
    return true;
}

bool ours_commit(void *self)
{
    struct ours *ours = self;
    return crm_commit(ours->txn, NULL, &ours->error) == CRM_OK || ours_fail(ours, "commit");
}

/* ------------------------------------------------------------ load */

static void load_users(struct ours *ours)
{
    for (int i = 0; i < DATA_USERS; i++) {
        char name[16];
        crm_id id;
        memcpy(id.bytes, ours->file->data->user_ids[i], 16);
        snprintf(name, sizeof name, "user %d", i);
        crm_set_text(crm_create_with_id(ours->txn, CRM_KIND_USER, &id), CRM_USER_NAME, name, CRM_NUL);
    }
}

static void set_owner(const struct ours *ours, crm_record *record, uint8_t user)
{
    crm_id owner;
    memcpy(owner.bytes, ours->file->data->user_ids[user], 16);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &owner);
}

static crm_record *load_customer(struct ours *ours, uint32_t i)
{
    const struct data_customer *c = &ours->file->data->customers[i];
    crm_record *record = crm_create(ours->txn, CRM_KIND_CUSTOMER);
    crm_record_id(record, &ours->file->customers[i]);
    crm_set_text(record, CRM_CUSTOMER_NAME, c->name, CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_EMAILS, c->email, CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_PHONES, c->phone, CRM_NUL);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, c->external_id, CRM_NUL);
    crm_set_text(record, CRM_CUSTOMER_TERRITORY, c->city, CRM_NUL);
    crm_set_int(record, CRM_CUSTOMER_STAGE, c->stage);
    set_owner(ours, record, c->owner);
    return record;
}

static void load_lookups(struct ours *ours, crm_record *record, uint32_t i)
{
    const struct data_lookups *l = &ours->file->data->lookups[i];
    for (int k = 0; k < DATA_LOOKUP_TEXTS; k++)
        crm_set_text(record, ours->file->lookups[k], l->texts[k], CRM_NUL);
    for (int k = 0; k < DATA_LOOKUP_NUMBERS; k++)
        crm_set_int(record, ours->file->lookups[DATA_LOOKUP_TEXTS + k], l->numbers[k]);
}

static void load_interaction(struct ours *ours, uint32_t i)
{
    const struct data_interaction *x = &ours->file->data->interactions[i];
    crm_record *record = crm_create(ours->txn, CRM_KIND_INTERACTION);
    crm_set_int(record, CRM_INTERACTION_TYPE, x->type);
    crm_set_int(record, CRM_INTERACTION_CHANNEL, x->channel);
    crm_set_int(record, CRM_INTERACTION_DIRECTION, x->direction);
    crm_set_text(record, CRM_INTERACTION_SUBJECT, x->subject, CRM_NUL);
    crm_set_int(record, CRM_INTERACTION_START, x->start);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &ours->file->customers[x->customer]);
    set_owner(ours, record, x->owner);
    if (x->due != 0)
        crm_set_int(record, CRM_INTERACTION_DUE, x->due);
    if (x->amount != 0) {
        crm_set_int(record, CRM_INTERACTION_AMOUNT, x->amount);
        crm_set_int(record, CRM_INTERACTION_CURRENCY, 978);
    }
    if (i % DATA_VICTIM_STRIDE == 0)
        crm_record_id(record, &ours->file->victims[i / DATA_VICTIM_STRIDE]);
}

static void load_deal(struct ours *ours, uint32_t i)
{
    const struct data_deal *d = &ours->file->data->deals[i];
    crm_record *record = crm_create(ours->txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(record, CRM_OPPORTUNITY_NAME, d->name, CRM_NUL);
    crm_set_ref(record, CRM_OPPORTUNITY_CUSTOMER, CRM_KIND_CUSTOMER, &ours->file->customers[d->customer]);
    crm_set_ref(record, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, &ours->file->stages[d->stage]);
    crm_set_int(record, CRM_OPPORTUNITY_AMOUNT, d->amount);
    crm_set_int(record, CRM_OPPORTUNITY_CLOSE_DATE, d->close_date);
    if (d->closed_at != 0)
        crm_set_int(record, CRM_OPPORTUNITY_CLOSED_AT, d->closed_at);
    if (d->stage == DATA_DEAL_STAGES)
        crm_set_int(record, CRM_OPPORTUNITY_LOST_REASON, CRM_OPPORTUNITY_LOST_REASON_PRICE);
    set_owner(ours, record, d->owner);
}

/* Records by position: customers, interactions, deals. One transaction a batch. */
static bool load_batch(struct ours *ours, uint32_t batch, uint32_t count, bool lookups)
{
    const struct data *data = ours->file->data;
    uint32_t customers = data->customer_count, deals = customers + data->interaction_count;
    uint32_t first = batch * DATA_BATCH, end = count - first < DATA_BATCH ? count : first + DATA_BATCH;
    if (!ours_begin(ours, data_batch_time(data, batch)))
        return false;
    if (batch == 0)
        load_users(ours);
    for (uint32_t i = first; i < end; i++) {
        if (i >= deals) {
            load_deal(ours, i - deals);
        } else if (i >= customers) {
            load_interaction(ours, i - customers);
        } else {
            crm_record *record = load_customer(ours, i);
            if (lookups)
                load_lookups(ours, record, i);
        }
    }
    return ours_commit(ours);
}

/* The stages of the pipeline that a new file has, in their order. */
static bool find_stages(struct ours *ours)
{
    crm_view *view;
    crm_query *query = NULL;
    crm_record *page[DATA_DEAL_STAGES];
    uint32_t count = 0;
    if (crm_view_open(ours->file->db, &view, &ours->error) != CRM_OK)
        return ours_fail(ours, "view");
    bool ok = crm_query_create(view, CRM_KIND_STAGE, &query, &ours->error) == CRM_OK &&
              crm_query_order(query, CRM_STAGE_ORDER, 0) == CRM_OK &&
              crm_query_page(query, page, DATA_DEAL_STAGES, &count, &ours->error) == CRM_OK;
    for (uint32_t i = 0; i < count; i++)
        crm_record_id(page[i], &ours->file->stages[i + 1]);
    crm_query_free(query);
    crm_view_close(view);
    return (ok && count == DATA_DEAL_STAGES) || ours_fail(ours, "stages");
}

static bool define_lookups(struct ours *ours)
{
    if (!ours_begin(ours, ours->file->data->to))
        return false;
    for (int k = 0; k < DATA_LOOKUP_TEXTS + DATA_LOOKUP_NUMBERS; k++) {
        char name[16];
        snprintf(name, sizeof name, "lookup_%d", k);
        crm_field_add(ours->txn, CRM_KIND_CUSTOMER, name, CRM_NUL, k < DATA_LOOKUP_TEXTS ? CRM_TYPE_TEXT : CRM_TYPE_INT,
                      CRM_FLAG_INDEXED, 0, &ours->file->lookups[k]);
    }
    return ours_commit(ours);
}

bool ours_load(void *self, bool lookups)
{
    struct ours *ours = self;
    const struct data *data = ours->file->data;
    uint32_t count = data->customer_count + (lookups ? 0 : data->interaction_count + data->deal_count);
    bool ok = ours_open(ours, ENGINE_BULK) && find_stages(ours) && (!lookups || define_lookups(ours));
    for (uint32_t batch = 0; ok && batch * DATA_BATCH < count; batch++)
        ok = load_batch(ours, batch, count, lookups);
    for (uint32_t i = 0; ok && i < data->pick_count; i++)
        ours->file->pick_ids[i] = ours->file->customers[data->picks[i]];
    return ours->file->db != NULL && ours_close(ours) && ok;
}

const struct engine engine_ours = {
    .name = "ours",
    .describe = ours_describe,
    .create = ours_create,
    .destroy = ours_destroy,
    .load = ours_load,
    .open = ours_open,
    .close = ours_close,
    .attach = ours_attach,
    .detach = ours_detach,
    .hold = ours_hold,
    .prepare = ours_prepare,
    .questions = ours_questions,
    .begin = ours_begin,
    .commit = ours_commit,
    .changes = ours_changes,
    .feed = ours_feed,
    .export_csv = ours_export_csv,
    .import_csv = ours_import_csv,
    .compact = ours_compact,
    .forget_image = ours_forget_image,
};
