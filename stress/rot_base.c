/* rot_base: the small databases that are damaged, with a bit of everything a
 * file can hold, and what each answers in every state it had.
 *
 * What a state answers is asked of the undamaged file, cut where that state's
 * last frame ends, without an image.  All chance comes from the seed, so the
 * same seed gives the same bytes.
 */
#include "rot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_US INT64_C(86400000000)
#define START_US (20000 * DAY_US) /* 2024-10-04 */

struct maker {
    crm_db *db;
    crm_txn *txn;
    int64_t now;
    crm_id user, customers[3], contacts[3], deals[2], calls[6], device;
    uint32_t kind, serial, bought, weight, of, loyalty; /* the user's own */
};

static void must(int32_t status, const crm_error *error, const char *what)
{
    if (status == CRM_OK)
        return;
    fprintf(stderr, "rot: %s: %s: %s\n", what, crm_status_name(status), error->message);
    exit(2);
}

crm_db *rot_open(const char *path, int how, crm_log_function log, void *context, int32_t *status, crm_error *error)
{
    crm_options *options = crm_options_create();
    crm_db *db = NULL;
    if (options == NULL)
        exit(2);
    (void)crm_options_set_int(options, CRM_OPTION_NOW, START_US);
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, !(how & ROT_WRITING));
    (void)crm_options_set_int(options, CRM_OPTION_CREATE, (how & ROT_CREATING) ? 1 : 0);
    (void)crm_options_set_int(options, CRM_OPTION_IMAGE, (how & ROT_IMAGE) ? 1 : 0);
    (void)crm_options_set_int(options, CRM_OPTION_DURABILITY,
                              (how & ROT_DEFERRED) ? CRM_DURABLE_DEFERRED : CRM_DURABLE_FULL);
    (void)crm_options_set_text(options, CRM_OPTION_CURRENCY, "USD", CRM_NUL);
    crm_options_set_log(options, log, context);
    *status = crm_open(path, options, &db, error);
    crm_options_free(options);
    return db;
}

/* ---- files ---- */

void rot_store(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size || close(file) != 0) {
        perror(path);
        exit(2);
    }
}

uint8_t *rot_load(const char *path, size_t *size)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    *size = 0;
    if (file < 0 || fstat(file, &about) != 0)
        return NULL;
    uint8_t *bytes = malloc((size_t)about.st_size + 1);
    if (bytes == NULL || read(file, bytes, (size_t)about.st_size) != about.st_size) {
        perror(path);
        exit(2);
    }
    *size = (size_t)about.st_size;
    (void)close(file);
    return bytes;
}

/* ---- a bit of everything ---- */

static void begin(struct maker *maker, const char *actor, const char *reason, const char *batch)
{
    crm_error error = {0};
    maker->now += DAY_US / 2;
    crm_set_now(maker->db, maker->now);
    must(crm_begin(maker->db, &maker->txn, &error), &error, "begin");
    (void)crm_txn_set_actor(maker->txn, actor);
    (void)crm_txn_set_reason(maker->txn, reason);
    (void)crm_txn_set_batch(maker->txn, batch);
}

static void commit(struct maker *maker)
{
    crm_error error = {0};
    must(crm_commit(maker->txn, NULL, &error), &error, "commit");
}

static crm_record *make(struct maker *maker, uint32_t kind, crm_id *id)
{
    crm_record *record = crm_create(maker->txn, kind);
    crm_record_id(record, id);
    return record;
}

static void text(crm_record *record, uint32_t field, const char *value)
{
    (void)crm_set_text(record, field, value, CRM_NUL);
}

static void parsed(crm_record *record, uint32_t field, const char *value)
{
    (void)crm_set_parsed(record, field, value, CRM_NUL);
}

static void item(crm_record *record, uint32_t field, const char *value, const char *label)
{
    uint32_t at = crm_item_count(record, field);
    (void)crm_item_add(record, field, value, CRM_NUL);
    if (label != NULL)
        (void)crm_item_set_text(record, field, at, CRM_PART_LABEL, label, CRM_NUL);
}

static void make_customers(struct maker *maker)
{
    static const char *const customer_names[] = {"Acme GmbH", "Bärenbräu AG", "Čapek s.r.o."};
    crm_error error = {0};
    begin(maker, "mia", "first customers", "import-1");
    crm_record *user = make(maker, CRM_KIND_USER, &maker->user);
    text(user, CRM_USER_NAME, "Mia");
    item(user, CRM_USER_EMAILS, "mia@example.com", "work");
    (void)crm_setting_set(maker->txn, "lifecycle", "five");
    for (int i = 0; i < 3; i++) {
        char address[64];
        crm_record *record = make(maker, CRM_KIND_CUSTOMER, &maker->customers[i]);
        text(record, CRM_CUSTOMER_NAME, customer_names[i]);
        snprintf(address, sizeof address, "office%d@customer.example", i);
        item(record, CRM_CUSTOMER_EMAILS, address, "office");
        snprintf(address, sizeof address, "+49 30 90182%d", i);
        item(record, CRM_CUSTOMER_PHONES, address, i == 0 ? "desk" : NULL);
        (void)crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &maker->user);
    }
    commit(maker);
    begin(maker, "mia", "", "import-1");
    crm_record *record = crm_edit(maker->txn, CRM_KIND_CUSTOMER, &maker->customers[0]);
    item(record, CRM_CUSTOMER_ADDRESSES, "Lindenstraße 7", NULL);
    (void)crm_item_set_text(record, CRM_CUSTOMER_ADDRESSES, 0, CRM_PART_CITY, "Berlin", CRM_NUL);
    item(record, CRM_FIELD_EXTERNAL_IDS, "erp:4711", NULL);
    item(record, CRM_FIELD_TAGS, "gold", NULL);
    text(record, CRM_CUSTOMER_DOMAIN, "acme.example");
    parsed(record, CRM_CUSTOMER_ANNUAL_REVENUE, "1250000.50");
    (void)crm_set_ref(crm_edit(maker->txn, CRM_KIND_CUSTOMER, &maker->customers[1]), CRM_CUSTOMER_PARENT,
                      CRM_KIND_CUSTOMER, &maker->customers[0]);
    must(crm_txn_status(maker->txn, &error), &error, "customers");
    commit(maker);
}

static void make_contacts(struct maker *maker)
{
    static const char *const last_names[] = {"Lovelace", "Noether", "Hopper"};
    begin(maker, "ole", "people", NULL);
    for (int i = 0; i < 3; i++) {
        char address[64];
        crm_record *record = make(maker, CRM_KIND_CONTACT, &maker->contacts[i]);
        text(record, CRM_CONTACT_LAST_NAME, last_names[i]);
        text(record, CRM_CONTACT_FIRST_NAME, i == 0 ? "Ada" : i == 1 ? "Emmy" : "Grace");
        snprintf(address, sizeof address, "%s@people.example", last_names[i]);
        item(record, CRM_CONTACT_EMAILS, address, NULL);
        snprintf(address, sizeof address, "+1 212 555 01%02d", i);
        item(record, CRM_CONTACT_PHONES, address, NULL);
        parsed(record, CRM_CONTACT_BIRTHDATE, "1815-12-10");
        (void)crm_set_ref(record, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, &maker->customers[i % 2]);
        if (i > 0)
            (void)crm_set_ref(record, CRM_CONTACT_REPORTS_TO, CRM_KIND_CONTACT, &maker->contacts[0]);
    }
    commit(maker);
}

static void make_own(struct maker *maker)
{
    int64_t code = 0;
    begin(maker, "mia", "our own", NULL);
    crm_txn *txn = maker->txn;
    (void)crm_kind_add(txn, "device", CRM_NUL, &maker->kind);
    (void)crm_field_add(txn, maker->kind, "serial", CRM_NUL, CRM_TYPE_TEXT,
                        CRM_FLAG_REQUIRED | CRM_FLAG_UNIQUE | CRM_FLAG_INDEXED, 0, &maker->serial);
    (void)crm_field_add(txn, maker->kind, "bought", CRM_NUL, CRM_TYPE_DATE, CRM_FLAG_INDEXED, 0, &maker->bought);
    (void)crm_field_add(txn, maker->kind, "weight", CRM_NUL, CRM_TYPE_REAL, CRM_FLAG_HOT, 0, &maker->weight);
    (void)crm_field_add(txn, maker->kind, "customer", CRM_NUL, CRM_TYPE_REF, CRM_FLAG_INDEXED, CRM_KIND_CUSTOMER,
                        &maker->of);
    (void)crm_field_add(txn, CRM_KIND_CUSTOMER, "loyalty", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_INDEXED, 0, &maker->loyalty);
    (void)crm_choice_add(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_INDUSTRY, "brewing", CRM_NUL, &code);
    crm_record *record = make(maker, maker->kind, &maker->device);
    text(record, maker->serial, "SN-1");
    parsed(record, maker->bought, "2023-02-28");
    (void)crm_set_real(record, maker->weight, 2.5);
    (void)crm_set_ref(record, maker->of, CRM_KIND_CUSTOMER, &maker->customers[0]);
    record = crm_edit(maker->txn, CRM_KIND_CUSTOMER, &maker->customers[1]);
    (void)crm_set_int(record, maker->loyalty, 7);
    (void)crm_set_int(record, CRM_CUSTOMER_INDUSTRY, code);
    commit(maker);
}

static void make_deals(struct maker *maker)
{
    begin(maker, "ole", "", NULL);
    for (int i = 0; i < 2; i++) {
        crm_record *record = make(maker, CRM_KIND_OPPORTUNITY, &maker->deals[i]);
        text(record, CRM_OPPORTUNITY_NAME, i == 0 ? "Pump" : "Boiler");
        (void)crm_set_ref(record, CRM_OPPORTUNITY_CUSTOMER, CRM_KIND_CUSTOMER, &maker->customers[i]);
        parsed(record, CRM_OPPORTUNITY_AMOUNT, i == 0 ? "48000" : "990.90");
        parsed(record, CRM_OPPORTUNITY_CLOSE_DATE, "2024-12-24");
    }
    commit(maker);
}

/* The text that is deflated in the file. */
static void long_text(char *out, size_t size)
{
    size_t length = 0;
    for (int i = 0; length + 64 < size; i++)
        length += (size_t)snprintf(out + length, size - length, "Line %d: they asked about delivery again. ", i);
}

static void make_calls(struct maker *maker)
{
    char body[900];
    long_text(body, sizeof body);
    begin(maker, "ole", "calls", "calls-1");
    for (int i = 0; i < 6; i++) {
        crm_record *record = make(maker, CRM_KIND_INTERACTION, &maker->calls[i]);
        (void)crm_set_int(record, CRM_INTERACTION_TYPE, i == 4 ? 9 : 1 + i % 3);
        text(record, CRM_INTERACTION_SUBJECT, i % 2 == 0 ? "Delivery" : "Price");
        (void)crm_set_int(record, CRM_INTERACTION_START, maker->now - i * DAY_US);
        (void)crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &maker->customers[i % 3]);
        if (i % 2 == 0)
            (void)crm_set_ref(record, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &maker->contacts[i / 2]);
        if (i == 1)
            text(record, CRM_INTERACTION_BODY, body);
        if (i == 2)
            (void)crm_item_add_ref(record, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &maker->contacts[0], "guest",
                                   CRM_NUL);
        if (i == 3)
            (void)crm_set_ref(record, CRM_INTERACTION_RELATED, CRM_KIND_OPPORTUNITY, &maker->deals[0]);
    }
    commit(maker);
}

/* Changes, deletions, a restored and an erased record, an undone batch; one
 * record gets more versions than a chain of changes may be long. */
static void change_things(struct maker *maker)
{
    crm_error error = {0};
    char name[32];
    for (int i = 0; i < 9; i++) {
        begin(maker, i % 2 == 0 ? "mia" : "ole", "", NULL);
        snprintf(name, sizeof name, "Acme %d GmbH", i);
        text(crm_edit(maker->txn, CRM_KIND_CUSTOMER, &maker->customers[0]), CRM_CUSTOMER_NAME, name);
        if (i == 3)
            (void)crm_delete(crm_edit(maker->txn, CRM_KIND_INTERACTION, &maker->calls[5]));
        if (i == 4)
            (void)crm_delete(crm_edit(maker->txn, CRM_KIND_CONTACT, &maker->contacts[1]));
        if (i == 5)
            (void)crm_restore(crm_edit(maker->txn, CRM_KIND_CONTACT, &maker->contacts[1]));
        if (i == 6)
            (void)crm_setting_set(maker->txn, "motto", "nothing silent");
        commit(maker);
    }
    begin(maker, "mia", "asked for it", NULL);
    (void)crm_erase(crm_edit(maker->txn, CRM_KIND_CONTACT, &maker->contacts[2]));
    commit(maker);
    begin(maker, "mia", "wrong file", "batch-9");
    text(crm_edit(maker->txn, CRM_KIND_CUSTOMER, &maker->customers[2]), CRM_CUSTOMER_NAME, "Nobody");
    commit(maker);
    begin(maker, "mia", "undo", NULL);
    must(crm_undo(maker->txn, "batch-9", 0, NULL, &error), &error, "undo");
    commit(maker);
    begin(maker, "ole", "", NULL);
    (void)crm_lifecycle_move(crm_edit(maker->txn, CRM_KIND_CUSTOMER, &maker->customers[0]), CRM_CUSTOMER_STAGE_RESERVED,
                             "by hand", "second order");
    commit(maker);
}

/* A few more, of which only the first is known to be on disk. */
static void change_more(struct maker *maker)
{
    for (int i = 0; i < 4; i++) {
        begin(maker, "eve", "", NULL);
        (void)crm_set_int(crm_edit(maker->txn, CRM_KIND_CUSTOMER, &maker->customers[2]), maker->loyalty, 100 + i);
        if (i == 2)
            (void)crm_delete(crm_edit(maker->txn, maker->kind, &maker->device));
        commit(maker);
    }
}

static void make_file(struct rot *rot, int which)
{
    crm_error error = {0};
    struct maker maker = {.now = START_US};
    int32_t status;
    (void)unlink(rot->path);
    (void)unlink(rot->image);
    maker.db = rot_open(rot->path, ROT_WRITING | ROT_CREATING | ROT_IMAGE, NULL, NULL, &status, &error);
    must(status, &error, "open");
    make_customers(&maker);
    if (which != BASE_OTHER) {
        make_contacts(&maker);
        make_own(&maker);
        make_deals(&maker);
        make_calls(&maker);
        change_things(&maker);
    }
    if (which == BASE_COMPACTED) {
        must(crm_rebuild(maker.db, &error), &error, "rebuild");
        images_add_file(rot, "compacted, before it was");
        must(crm_compact(maker.db, &error), &error, "compact");
    }
    must(crm_close(maker.db), &error, "close");
    maker.db = rot_open(rot->path, ROT_WRITING | ROT_IMAGE | ROT_DEFERRED, NULL, NULL, &status, &error);
    must(status, &error, "open");
    if (which != BASE_OTHER)
        change_more(&maker);
    must(crm_rebuild(maker.db, &error), &error, "rebuild"); /* writes an image even of a small file */
    must(crm_close(maker.db), &error, "close");
}

size_t base_end(const struct base *base, size_t state)
{
    return state == 0 ? ROT_FRAMES_START : base->frames[state - 1].offset + base->frames[state - 1].length;
}

/* What it answers when only the first frames are there. */
static void ask_states(struct rot *rot, struct base *base)
{
    crm_error error = {0};
    int32_t status;
    for (size_t i = 0; i <= base->frame_count; i++) {
        rot_store(rot->spare, base->log, base_end(base, i));
        crm_db *db = rot_open(rot->spare, 0, NULL, NULL, &status, &error);
        must(status, &error, "state");
        answers_take(&base->states[i], &base->questions, db);
        if (base->states[i].troubles != 0 && i == base->frame_count)
            must(CRM_CORRUPT, &error, "an undamaged file answers that it is damaged");
        known_take(base, db);
        must(crm_close(db), &error, "close");
    }
    (void)unlink(rot->spare);
}

void base_make(struct rot *rot, int which)
{
    static const char *const base_names[BASE_COUNT] = {"plain", "compacted", "other"};
    struct base *base = &rot->bases[which];
    crm_error error = {0};
    int32_t status;
    base->name = base_names[which];
    make_file(rot, which);
    base->log = rot_load(rot->path, &base->log_size);
    base->image = rot_load(rot->image, &base->image_size);
    base->frame_count = rot_frames(base->log, base->log_size, base->frames);
    if (base->image == NULL || base->frame_count == 0 || base_end(base, base->frame_count) != base->log_size)
        must(CRM_CORRUPT, &error, "an undamaged file is not as docs/FORMAT.md says");
    crm_db *db = rot_open(rot->path, ROT_IMAGE, NULL, NULL, &status, &error);
    must(status, &error, "open");
    questions_make(&base->questions, db, UINT32_MAX);
    must(crm_close(db), &error, "close");
    ask_states(rot, base);
}

void base_free(struct base *base)
{
    free(base->log);
    free(base->image);
    known_free(base);
    questions_free(&base->questions);
    for (size_t i = 0; i <= ROT_FRAMES_MOST; i++)
        asked_free(&base->states[i]);
}
