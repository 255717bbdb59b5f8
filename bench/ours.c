/* ours: the company in libcrm, through the public header alone.
 *
 * Ids are the library's own, as in any program; the users' are given, so that
 * a look-up can tell which user an owner is and compare with the other side.
 */
#include "engine.h"

#include <crm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ours {
    const struct data *data;
    char *path;
    crm_db *db;
    crm_id *customers; /* by position, from the load */
    crm_id *pick_ids;  /* side by side, as data's pick_emails */
    crm_error error;
};

static bool ours_fail(const struct ours *ours, const char *what)
{
    fprintf(stderr, "bench: ours: %s: %s\n", what, ours->error.message);
    return false;
}

static void ours_remove(const char *path)
{
    engine_file_remove(path, "");
    engine_file_remove(path, "-index");
}

static bool ours_open_path(struct ours *ours, const char *path, enum engine_mode mode)
{
    crm_options *options = crm_options_create();
    int32_t status;
    if (options == NULL)
        return ours_fail(ours, "options");
    crm_options_set_int(options, CRM_OPTION_DURABILITY,
                        mode == ENGINE_DURABLE ? CRM_DURABLE_FULL : CRM_DURABLE_DEFERRED);
    if (mode == ENGINE_BULK) /* a new file: the clock of the data from the first transaction on */
        crm_options_set_int(options, CRM_OPTION_NOW, ours->data->to);
    status = crm_open(path, options, &ours->db, &ours->error);
    crm_options_free(options);
    return status == CRM_OK || ours_fail(ours, path);
}

static bool ours_open(void *self, enum engine_mode mode)
{
    struct ours *ours = self;
    return ours_open_path(ours, ours->path, mode);
}

static bool ours_close(void *self)
{
    struct ours *ours = self;
    int32_t status = crm_close(ours->db);
    ours->db = NULL;
    if (status != CRM_OK)
        fprintf(stderr, "bench: ours: close: %s\n", crm_status_text(status));
    return status == CRM_OK;
}

static void ours_destroy(void *self)
{
    struct ours *ours = self;
    if (ours == NULL)
        return;
    if (ours->path != NULL)
        ours_remove(ours->path);
    free(ours->customers);
    free(ours->pick_ids);
    free(ours->path);
    free(ours);
}

static void *ours_create(const struct data *data, const char *path)
{
    struct ours *ours = calloc(1, sizeof *ours);
    if (ours == NULL)
        return NULL;
    ours->data = data;
    ours->path = strdup(path);
    ours->customers = calloc(data->customer_count, sizeof *ours->customers);
    ours->pick_ids = calloc(data->pick_count, sizeof *ours->pick_ids);
    if (ours->path != NULL && ours->customers != NULL && ours->pick_ids != NULL)
        return ours;
    ours_destroy(ours);
    return NULL;
}

static void load_customer(struct ours *ours, crm_txn *txn, uint32_t i)
{
    const struct data_customer *c = &ours->data->customers[i];
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_id owner;
    memcpy(owner.bytes, ours->data->user_ids[c->owner], 16);
    crm_record_id(record, &ours->customers[i]);
    crm_set_text(record, CRM_CUSTOMER_NAME, c->name, CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_EMAILS, c->email, CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_PHONES, c->phone, CRM_NUL);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, c->external_id, CRM_NUL);
    crm_set_text(record, CRM_CUSTOMER_TERRITORY, c->city, CRM_NUL);
    crm_set_int(record, CRM_CUSTOMER_STAGE, c->stage);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &owner);
}

static void load_interaction(struct ours *ours, crm_txn *txn, uint32_t i)
{
    const struct data_interaction *x = &ours->data->interactions[i];
    crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_id owner;
    memcpy(owner.bytes, ours->data->user_ids[x->owner], 16);
    crm_set_int(record, CRM_INTERACTION_TYPE, x->type);
    crm_set_int(record, CRM_INTERACTION_CHANNEL, x->channel);
    crm_set_int(record, CRM_INTERACTION_DIRECTION, x->direction);
    crm_set_text(record, CRM_INTERACTION_SUBJECT, x->subject, CRM_NUL);
    crm_set_int(record, CRM_INTERACTION_START, x->start);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &ours->customers[x->customer]);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &owner);
    if (x->due != 0)
        crm_set_int(record, CRM_INTERACTION_DUE, x->due);
    if (x->amount != 0) {
        crm_set_int(record, CRM_INTERACTION_AMOUNT, x->amount);
        crm_set_int(record, CRM_INTERACTION_CURRENCY, 978);
    }
}

static void load_users(struct ours *ours, crm_txn *txn)
{
    for (int i = 0; i < DATA_USERS; i++) {
        char name[16];
        crm_id id;
        memcpy(id.bytes, ours->data->user_ids[i], 16);
        snprintf(name, sizeof name, "user %d", i);
        crm_set_text(crm_create_with_id(txn, CRM_KIND_USER, &id), CRM_USER_NAME, name, CRM_NUL);
    }
}

/* Records by position: customers first. One transaction a batch. */
static bool load_batch(struct ours *ours, uint32_t batch)
{
    uint32_t customers = ours->data->customer_count, count = customers + ours->data->interaction_count;
    uint32_t first = batch * DATA_BATCH, end = count - first < DATA_BATCH ? count : first + DATA_BATCH;
    crm_txn *txn;
    crm_set_now(ours->db, data_batch_time(ours->data, batch));
    if (crm_begin(ours->db, &txn, &ours->error) != CRM_OK)
        return ours_fail(ours, "begin");
    crm_txn_set_actor(txn, "load");
    if (batch == 0)
        load_users(ours, txn);
    for (uint32_t i = first; i < end; i++) {
        if (i < customers)
            load_customer(ours, txn, i);
        else
            load_interaction(ours, txn, i - customers);
    }
    return crm_commit(txn, NULL, &ours->error) == CRM_OK || ours_fail(ours, "load");
}

static bool ours_load(void *self)
{
    struct ours *ours = self;
    uint32_t count = ours->data->customer_count + ours->data->interaction_count;
    bool ok;
    ours_remove(ours->path);
    ok = ours_open(ours, ENGINE_BULK);
    for (uint32_t batch = 0; ok && batch * DATA_BATCH < count; batch++)
        ok = load_batch(ours, batch);
    for (uint32_t i = 0; ok && i < ours->data->pick_count; i++)
        ours->pick_ids[i] = ours->customers[ours->data->picks[i]];
    return ours->db != NULL && ours_close(ours) && ok;
}

static uint64_t mix_field(uint64_t sum, const crm_record *record, uint32_t field)
{
    size_t length;
    const char *text = crm_text(record, field, &length);
    return data_mix_text(sum, text, length);
}

static void fold_customer(crm_record *record, uint64_t *sum)
{
    crm_id owner = {{0}};
    *sum = mix_field(*sum, record, CRM_CUSTOMER_NAME);
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_CUSTOMER_STAGE));
    crm_ref(record, CRM_FIELD_OWNER, NULL, &owner);
    *sum = data_mix(*sum, owner.bytes[15]);
    *sum = mix_field(*sum, record, CRM_CUSTOMER_TERRITORY);
    *sum = data_mix(*sum, (uint64_t)crm_int(record, CRM_FIELD_CREATED_AT));
}

/* One look-up of a reading row. */
typedef bool ours_reader(struct ours *ours, crm_view *view, uint32_t pick, uint64_t *sum);

static bool ours_read(void *self, ours_reader *read, uint32_t count, bool held, uint64_t *sum)
{
    struct ours *ours = self;
    crm_view *view = NULL;
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        if (view == NULL && crm_view_open(ours->db, &view, &ours->error) != CRM_OK)
            return ours_fail(ours, "view");
        ok = read(ours, view, i, sum);
        if (!held) {
            crm_view_close(view);
            view = NULL;
        }
    }
    crm_view_close(view);
    return ok;
}

static bool read_id(struct ours *ours, crm_view *view, uint32_t pick, uint64_t *sum)
{
    crm_record *record;
    if (crm_get(view, CRM_KIND_CUSTOMER, &ours->pick_ids[pick], &record, &ours->error) != CRM_OK)
        return ours_fail(ours, "customer by id");
    fold_customer(record, sum);
    crm_record_free(record);
    return true;
}

static bool read_email(struct ours *ours, crm_view *view, uint32_t pick, uint64_t *sum)
{
    const char *email = ours->data->pick_emails[pick];
    crm_record *record;
    if (crm_find(view, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, email, CRM_NUL, &record, &ours->error) != CRM_OK)
        return ours_fail(ours, "customer by e-mail");
    fold_customer(record, sum);
    crm_record_free(record);
    return true;
}

static bool read_timeline(struct ours *ours, crm_view *view, uint32_t pick, uint64_t *sum)
{
    crm_record *page[20];
    uint32_t count = 0;
    crm_query *query;
    if (crm_timeline(view, CRM_KIND_CUSTOMER, &ours->pick_ids[pick], &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "timeline");
    crm_query_limit(query, 20);
    if (crm_query_page(query, page, 20, &count, &ours->error) != CRM_OK) {
        crm_query_free(query);
        return ours_fail(ours, "timeline's page");
    }
    for (uint32_t i = 0; i < count; i++) {
        *sum = data_mix(*sum, (uint64_t)crm_int(page[i], CRM_INTERACTION_TYPE));
        *sum = data_mix(*sum, (uint64_t)crm_int(page[i], CRM_INTERACTION_START));
        *sum = mix_field(*sum, page[i], CRM_INTERACTION_SUBJECT);
    }
    crm_query_free(query);
    return true;
}

static bool read_stage(struct ours *ours, crm_view *view, uint32_t pick, uint64_t *sum)
{
    crm_record *page[50];
    uint32_t count = 0;
    crm_query *query;
    if (crm_query_create(view, CRM_KIND_CUSTOMER, &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "query");
    crm_query_where_int(query, CRM_CUSTOMER_STAGE, CRM_OP_EQ, pick % DATA_STAGES + 1);
    crm_query_limit(query, 50);
    if (crm_query_page(query, page, 50, &count, &ours->error) != CRM_OK) {
        crm_query_free(query);
        return ours_fail(ours, "stage's page");
    }
    for (uint32_t i = 0; i < count; i++) {
        crm_id owner = {{0}};
        *sum = mix_field(*sum, page[i], CRM_CUSTOMER_NAME);
        *sum = mix_field(*sum, page[i], CRM_CUSTOMER_TERRITORY);
        crm_ref(page[i], CRM_FIELD_OWNER, NULL, &owner);
        *sum = data_mix(*sum, owner.bytes[15]);
    }
    crm_query_free(query);
    return true;
}

static bool ours_get_id(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return ours_read(self, read_id, count, held, sum);
}

static bool ours_get_email(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return ours_read(self, read_email, count, held, sum);
}

static bool ours_timeline(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return ours_read(self, read_timeline, count, held, sum);
}

static bool ours_stage_page(void *self, uint32_t count, bool held, uint64_t *sum)
{
    return ours_read(self, read_stage, count, held, sum);
}

static bool read_groups(struct ours *ours, crm_view *view, uint32_t pick, uint64_t *sum)
{
    crm_query *query;
    crm_table *table = NULL;
    (void)pick;
    if (crm_query_create(view, CRM_KIND_INTERACTION, &query, &ours->error) != CRM_OK)
        return ours_fail(ours, "query");
    crm_query_where_int(query, CRM_INTERACTION_TYPE, CRM_OP_EQ, CRM_INTERACTION_TYPE_PURCHASE);
    crm_query_group(query, CRM_INTERACTION_CUSTOMER, 0, CRM_UNIT_NONE);
    crm_query_measure(query, CRM_MEASURE_SUM, CRM_INTERACTION_AMOUNT);
    crm_query_measure(query, CRM_MEASURE_MAX, CRM_INTERACTION_START);
    if (crm_query_groups(query, &table, &ours->error) != CRM_OK) {
        crm_query_free(query);
        return ours_fail(ours, "groups");
    }
    /* Columns: customer, count, sum, latest. The groups come in no agreed order: their hashes are added. */
    const int64_t *amounts = crm_table_column(table, 2), *starts = crm_table_column(table, 3);
    for (uint64_t i = 0; amounts != NULL && starts != NULL && i < crm_table_rows(table); i++)
        *sum += data_mix(data_mix(0, (uint64_t)amounts[i]), (uint64_t)starts[i]);
    crm_table_free(table);
    crm_query_free(query);
    return true;
}

static bool ours_scan(void *self, uint64_t *sum)
{
    return ours_read(self, read_groups, 1, true, sum);
}

static bool ours_stage_change(void *self, const uint32_t *customers, uint32_t count)
{
    struct ours *ours = self;
    crm_set_now(ours->db, data_batch_time(ours->data, 1000));
    for (uint32_t i = 0; i < count; i += 100) {
        crm_txn *txn;
        if (crm_begin(ours->db, &txn, &ours->error) != CRM_OK)
            return ours_fail(ours, "begin");
        crm_txn_set_actor(txn, "bench");
        for (uint32_t j = i; j < i + 100 && j < count; j++)
            crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, &ours->customers[customers[j]]), CRM_CUSTOMER_STAGE,
                        CRM_CUSTOMER_STAGE_DRIFTING);
        if (crm_commit(txn, NULL, &ours->error) != CRM_OK)
            return ours_fail(ours, "stage change");
    }
    return true;
}

static bool ours_commit_one(void *self, uint32_t count)
{
    struct ours *ours = self;
    for (uint32_t i = 0; i < count; i++) {
        crm_txn *txn;
        if (crm_begin(ours->db, &txn, &ours->error) != CRM_OK)
            return ours_fail(ours, "begin");
        crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
        crm_set_int(record, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
        crm_set_int(record, CRM_INTERACTION_START, ours->data->to + i);
        crm_set_text(record, CRM_INTERACTION_SUBJECT, "Called about the offer", CRM_NUL);
        crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &ours->customers[ours->data->picks[i]]);
        if (crm_commit(txn, NULL, &ours->error) != CRM_OK)
            return ours_fail(ours, "commit");
    }
    return true;
}

static bool import_pieces(struct ours *ours, crm_import *import, FILE *file)
{
    static char piece[1 << 20];
    size_t length;
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        if (crm_import_feed(import, piece, length, &ours->error) != CRM_OK)
            return ours_fail(ours, "import");
    return crm_import_finish(import, &ours->error) == CRM_OK || ours_fail(ours, "import's end");
}

static bool import_file(struct ours *ours, FILE *file, uint64_t *created, uint64_t *updated)
{
    static const char *const settings[][2] = {{"format", "csv"},       {"map", "emails=email"},
                                              {"map", "phones=phone"}, {"map", "territory=city"},
                                              {"match", "emails"},     {"actor", "bench"}};
    crm_import *import;
    bool ok = true;
    if (crm_import_create(ours->db, CRM_KIND_CUSTOMER, &import, &ours->error) != CRM_OK)
        return ours_fail(ours, "import");
    for (size_t i = 0; ok && i < sizeof settings / sizeof settings[0]; i++)
        ok = crm_import_set(import, settings[i][0], settings[i][1], CRM_NUL, &ours->error) == CRM_OK ||
             ours_fail(ours, settings[i][0]);
    ok = ok && import_pieces(ours, import, file);
    *created = crm_import_count(import, CRM_IMPORT_CREATED);
    *updated = crm_import_count(import, CRM_IMPORT_UPDATED) + crm_import_count(import, CRM_IMPORT_UNCHANGED);
    crm_import_free(import);
    return ok;
}

static bool ours_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated)
{
    struct ours *ours = self;
    struct ours other = {.data = ours->data};
    char path[4096];
    FILE *file = fopen(csv, "rb");
    bool ok;
    snprintf(path, sizeof path, "%s-import", ours->path);
    ours_remove(path);
    ok = file != NULL && ours_open_path(&other, path, ENGINE_BULK);
    ok = ok && import_file(&other, file, created, updated);
    if (other.db != NULL)
        ok = ours_close(&other) && ok;
    if (file != NULL)
        fclose(file);
    ours_remove(path);
    return ok;
}

static bool ours_size(void *self, uint64_t *allocated, uint64_t *length)
{
    struct ours *ours = self;
    *allocated = *length = 0;
    engine_file_size(ours->path, "", allocated, length);
    engine_file_size(ours->path, "-index", allocated, length);
    return true;
}

const struct engine engine_ours = {
    .name = "ours",
    .create = ours_create,
    .destroy = ours_destroy,
    .load = ours_load,
    .open = ours_open,
    .close = ours_close,
    .get_id = ours_get_id,
    .get_email = ours_get_email,
    .timeline = ours_timeline,
    .stage_page = ours_stage_page,
    .scan = ours_scan,
    .stage_change = ours_stage_change,
    .commit_one = ours_commit_one,
    .import_csv = ours_import_csv,
    .size = ours_size,
};
