/* faults_base: the databases that a scenario starts with, made once and kept as
 * bytes.  A bit of everything a file can hold, few enough that every number
 * that a scenario expects can be counted by hand:
 *
 *   LSN_PEOPLE     two users, a product, a campaign
 *   LSN_CUSTOMERS  customers 0 to 7: "Customer N" with 10 * N employees, owned by user N % 2
 *   LSN_DEALS      contacts and deals 0 to 3; deal N is worth 1000.00 * (N + 1); 3 is won
 *   LSN_PURCHASES  of customers 0 to 3 six purchases each, ten days apart, of 10.00, 20.00, … 60.00; one call
 *   LSN_MACHINES   a kind of the user's own, three of them
 *   LSN_CHANGES    ten transactions, each with another territory for customer 3
 *   LSN_BATCH      batch "spring": customer 8 "Springfield", customer 4 goes to the south
 *   LSN_DELETED    customer 7 is deleted
 *   LSN_MOVED      customer 5 becomes stable
 *   LSN_ERASED     customer 6 is erased
 *
 * An hour lies between two transactions, the last is at BASE_NOW.
 */
#include "faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_US (DAY_US / 24)

static struct base bases[BASES];

static void must(int32_t status, const crm_error *error, const char *what)
{
    if (status == CRM_OK)
        return;
    fprintf(stderr, "faults: the base cannot be made: %s: %s: %s\n", what, crm_status_name(status),
            error == NULL ? "" : error->message);
    exit(2);
}

crm_id base_id(uint32_t kind, unsigned number)
{
    crm_id id = {{0xfa, (uint8_t)kind, (uint8_t)number, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}};
    return id;
}

const char *base_text(size_t length)
{
    static char text[1 << 20];
    static const char words[] = "the quick brown fox jumps over the lazy dog, ";
    for (size_t i = 0; i < length; i++)
        text[i] = words[i % (sizeof words - 1)];
    text[length] = '\0';
    return text;
}

/* ---- what is in it ---- */

static crm_record *make(crm_txn *txn, uint32_t kind, unsigned number)
{
    crm_id id = base_id(kind, number);
    return crm_create_with_id(txn, kind, &id);
}

static void refer(crm_record *record, uint32_t field, uint32_t kind, unsigned number)
{
    crm_id id = base_id(kind, number);
    (void)crm_set_ref(record, field, kind, &id);
}

static void make_people(crm_txn *txn)
{
    static const char *const users[][3] = {{"Mia Berg", "A", "North"}, {"Ole Dahl", "B", "South"}};
    for (unsigned i = 0; i < 2; i++) {
        crm_record *user = make(txn, CRM_KIND_USER, i);
        (void)crm_set_text(user, CRM_USER_NAME, users[i][0], CRM_NUL);
        (void)crm_set_text(user, CRM_USER_TEAM, users[i][1], CRM_NUL);
        (void)crm_set_text(user, CRM_USER_REGION, users[i][2], CRM_NUL);
    }
    crm_record *product = make(txn, CRM_KIND_PRODUCT, 0);
    (void)crm_set_text(product, CRM_PRODUCT_NAME, "Press", CRM_NUL);
    (void)crm_set_text(product, CRM_PRODUCT_SKU, "P-1", CRM_NUL);
    (void)crm_set_text(make(txn, CRM_KIND_CAMPAIGN, 0), CRM_CAMPAIGN_NAME, "Fair", CRM_NUL);
}

static void make_customers(crm_txn *txn)
{
    char text[64];
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        crm_record *customer = make(txn, CRM_KIND_CUSTOMER, i);
        snprintf(text, sizeof text, "Customer %u", i);
        (void)crm_set_text(customer, CRM_CUSTOMER_NAME, text, CRM_NUL);
        (void)crm_set_int(customer, CRM_CUSTOMER_EMPLOYEES, 10 * (int64_t)i);
        (void)crm_set_int(customer, CRM_CUSTOMER_ANNUAL_REVENUE, 1000 * (int64_t)i);
        refer(customer, CRM_FIELD_OWNER, CRM_KIND_USER, i % 2);
        snprintf(text, sizeof text, "c%u@example.com", i);
        (void)crm_item_add(customer, CRM_CUSTOMER_EMAILS, text, CRM_NUL);
        snprintf(text, sizeof text, "+49 30 901820%u", i);
        (void)crm_item_add(customer, CRM_CUSTOMER_PHONES, text, CRM_NUL);
        snprintf(text, sizeof text, "erp:%u", i);
        (void)crm_item_add(customer, CRM_FIELD_EXTERNAL_IDS, text, CRM_NUL);
        (void)crm_item_add(customer, CRM_FIELD_TAGS, i % 2 ? "odd" : "even", CRM_NUL);
        (void)crm_set_text(customer, CRM_CUSTOMER_TERRITORY, "West", CRM_NUL);
        if (i == 0)
            (void)crm_item_add(customer, CRM_CUSTOMER_ADDRESSES, "1 Main Street", CRM_NUL);
        if (i == 1)
            refer(customer, CRM_CUSTOMER_PARENT, CRM_KIND_CUSTOMER, 0);
        if (i == 2)
            (void)crm_set_text(customer, CRM_CUSTOMER_DESCRIPTION, base_text(LONG_TEXT), LONG_TEXT);
    }
}

static void make_deals(crm_txn *txn)
{
    char text[64];
    for (unsigned i = 0; i < CONTACTS; i++) {
        crm_record *contact = make(txn, CRM_KIND_CONTACT, i);
        snprintf(text, sizeof text, "Contact %u", i);
        (void)crm_set_text(contact, CRM_CONTACT_FIRST_NAME, "Anna", CRM_NUL);
        (void)crm_set_text(contact, CRM_CONTACT_LAST_NAME, text, CRM_NUL);
        refer(contact, CRM_CONTACT_CUSTOMER, CRM_KIND_CUSTOMER, i);
    }
    for (unsigned i = 0; i < DEALS; i++) {
        crm_record *deal = make(txn, CRM_KIND_OPPORTUNITY, i);
        snprintf(text, sizeof text, "Deal %u", i);
        (void)crm_set_text(deal, CRM_OPPORTUNITY_NAME, text, CRM_NUL);
        refer(deal, CRM_OPPORTUNITY_CUSTOMER, CRM_KIND_CUSTOMER, i);
        refer(deal, CRM_OPPORTUNITY_PRODUCT, CRM_KIND_PRODUCT, 0);
        refer(deal, CRM_FIELD_OWNER, CRM_KIND_USER, i % 2);
        (void)crm_set_int(deal, CRM_OPPORTUNITY_AMOUNT, 100000 * ((int64_t)i + 1));
        (void)crm_set_int(deal, CRM_OPPORTUNITY_STARTED_ON, BASE_DAY - 60);
        (void)crm_set_int(deal, CRM_OPPORTUNITY_CLOSE_DATE, BASE_DAY - 10);
        if (i == DEALS - 1)
            (void)crm_set_parsed(deal, CRM_OPPORTUNITY_STAGE, "won", CRM_NUL);
    }
}

static void make_purchases(crm_txn *txn)
{
    for (unsigned i = 0; i < BUYERS * PURCHASES; i++) {
        unsigned buyer = i / PURCHASES, turn = i % PURCHASES;
        crm_record *purchase = make(txn, CRM_KIND_INTERACTION, i);
        (void)crm_set_int(purchase, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_PURCHASE);
        (void)crm_set_int(purchase, CRM_INTERACTION_START, BASE_NOW - (10 * (PURCHASES - (int64_t)turn)) * DAY_US);
        (void)crm_set_int(purchase, CRM_INTERACTION_AMOUNT, 1000 * ((int64_t)turn + 1));
        refer(purchase, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, buyer);
    }
    crm_record *call = make(txn, CRM_KIND_INTERACTION, BUYERS * PURCHASES);
    crm_id contact = base_id(CRM_KIND_CONTACT, 0);
    (void)crm_set_int(call, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
    (void)crm_set_text(call, CRM_INTERACTION_SUBJECT, "About the press", CRM_NUL);
    (void)crm_set_int(call, CRM_INTERACTION_START, BASE_NOW - DAY_US);
    refer(call, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, 0);
    (void)crm_item_add_ref(call, CRM_INTERACTION_PARTICIPANTS, CRM_KIND_CONTACT, &contact, "guest", CRM_NUL);
}

static void make_machines(crm_txn *txn)
{
    uint32_t kind = 0, serial = 0, hours = 0, state = 0, of = 0;
    int64_t idle = 0;
    char text[16];
    (void)crm_kind_add(txn, "machine", CRM_NUL, &kind);
    (void)crm_field_add(txn, kind, "serial", CRM_NUL, CRM_TYPE_TEXT, CRM_FLAG_UNIQUE, 0, &serial);
    (void)crm_field_add(txn, kind, "hours", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_INDEXED | CRM_FLAG_HOT, 0, &hours);
    (void)crm_field_add(txn, kind, "state", CRM_NUL, CRM_TYPE_CHOICE, CRM_FLAG_OPEN, 0, &state);
    (void)crm_field_add(txn, kind, "of", CRM_NUL, CRM_TYPE_REF, CRM_FLAG_INDEXED, CRM_KIND_CUSTOMER, &of);
    (void)crm_choice_add(txn, kind, state, "idle", CRM_NUL, &idle);
    for (unsigned i = 0; i < MACHINES; i++) {
        crm_record *machine = make(txn, kind, i);
        snprintf(text, sizeof text, "M-%u", i);
        (void)crm_set_text(machine, serial, text, CRM_NUL);
        (void)crm_set_int(machine, hours, 100 * ((int64_t)i + 1));
        (void)crm_set_int(machine, state, idle);
        refer(machine, of, CRM_KIND_CUSTOMER, i);
    }
}

static crm_record *customer_of(crm_txn *txn, unsigned number)
{
    crm_id id = base_id(CRM_KIND_CUSTOMER, number);
    return crm_edit(txn, CRM_KIND_CUSTOMER, &id);
}

static void change(crm_txn *txn, int lsn)
{
    char text[32];
    switch (lsn) {
    case LSN_PEOPLE: make_people(txn); break;
    case LSN_CUSTOMERS: make_customers(txn); break;
    case LSN_DEALS: make_deals(txn); break;
    case LSN_PURCHASES: make_purchases(txn); break;
    case LSN_MACHINES: make_machines(txn); break;
    case LSN_BATCH:
        (void)crm_txn_set_batch(txn, "spring");
        (void)crm_set_text(make(txn, CRM_KIND_CUSTOMER, CUSTOMERS), CRM_CUSTOMER_NAME, "Springfield", CRM_NUL);
        (void)crm_set_text(customer_of(txn, 4), CRM_CUSTOMER_TERRITORY, "South", CRM_NUL);
        break;
    case LSN_DELETED: (void)crm_delete(customer_of(txn, 7)); break;
    case LSN_MOVED:
        (void)crm_lifecycle_move(customer_of(txn, 5), CRM_CUSTOMER_STAGE_STABLE, "by hand", "we met");
        break;
    case LSN_ERASED: (void)crm_erase(customer_of(txn, 6)); break;
    default:
        snprintf(text, sizeof text, "Area %d", lsn - LSN_CHANGES + 1);
        (void)crm_set_text(customer_of(txn, 3), CRM_CUSTOMER_TERRITORY, text, CRM_NUL);
    }
}

static void commit_one(crm_db *db, int lsn)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    uint64_t got = 0;
    crm_set_now(db, BASE_NOW - (LSN_LAST - lsn) * HOUR_US);
    must(crm_begin(db, &txn, &error), &error, "crm_begin");
    (void)crm_txn_set_actor(txn, lsn % 2 ? "ole" : "mia");
    (void)crm_txn_set_reason(txn, "as told");
    change(txn, lsn);
    must(crm_commit(txn, &got, &error), &error, "crm_commit");
    if (got != (uint64_t)lsn) {
        fprintf(stderr, "faults: the base's transaction %d became number %llu\n", lsn, (unsigned long long)got);
        exit(2);
    }
}

/* ---- its bytes ---- */

static void *take(const char *path, size_t *size)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    *size = 0;
    if (file < 0 || fstat(file, &about) != 0)
        return NULL;
    void *bytes = malloc((size_t)about.st_size + 1);
    if (bytes == NULL || read(file, bytes, (size_t)about.st_size) != about.st_size) {
        perror(path);
        exit(2);
    }
    *size = (size_t)about.st_size;
    (void)close(file);
    return bytes;
}

static void put(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size || close(file) != 0) {
        perror(path);
        exit(2);
    }
}

static crm_db *open_at(const char *path)
{
    crm_error error = {0};
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    (void)crm_options_set_int(options, CRM_OPTION_NOW, BASE_NOW - LSN_LAST * HOUR_US);
    (void)crm_options_set_text(options, CRM_OPTION_CURRENCY, "USD", CRM_NUL); /* not what is taken for want of one */
    must(crm_open(path, options, &db, &error), &error, "crm_open");
    crm_options_free(options);
    return db;
}

static void keep(int base, const char *path, bool with_index)
{
    char index[160];
    snprintf(index, sizeof index, "%s-index", path);
    bases[base].log = take(path, &bases[base].log_size);
    if (with_index)
        bases[base].index = take(index, &bases[base].index_size);
    if (bases[base].log == NULL || (with_index && bases[base].index == NULL)) {
        fprintf(stderr, "faults: base %d was not written\n", base);
        exit(2);
    }
    (void)unlink(index);
}

static void rebuild(const char *path, bool compact)
{
    crm_error error = {0};
    crm_db *db = open_at(path);
    if (compact)
        must(crm_compact(db, &error), &error, "crm_compact");
    must(crm_rebuild(db, &error), &error, "crm_rebuild");
    must(crm_close(db), NULL, "crm_close");
}

/* Half of one more transaction behind the last whole one. */
static void make_torn(const char *path)
{
    const struct base *whole = &bases[BASE_LOG];
    crm_db *db = open_at(path);
    crm_txn *txn = NULL;
    must(crm_begin(db, &txn, NULL), NULL, "crm_begin");
    (void)crm_set_text(customer_of(txn, 0), CRM_CUSTOMER_TERRITORY, "Nowhere", CRM_NUL);
    must(crm_commit(txn, NULL, NULL), NULL, "crm_commit");
    must(crm_close(db), NULL, "crm_close");
    keep(BASE_TORN, path, false);
    bases[BASE_TORN].log_size = whole->log_size + (bases[BASE_TORN].log_size - whole->log_size) / 2;
}

void base_make(struct stress *stress)
{
    char path[128];
    stress_path(stress, "base.crm", path, sizeof path);
    crm_db *db = open_at(path);
    for (int lsn = LSN_PEOPLE; lsn <= LSN_LAST; lsn++)
        commit_one(db, lsn);
    must(crm_close(db), NULL, "crm_close");
    keep(BASE_LOG, path, false);
    rebuild(path, false);
    keep(BASE_IMAGE, path, true);
    make_torn(path);
    put(path, bases[BASE_LOG].log, bases[BASE_LOG].log_size);
    keep(BASE_DAMAGED, path, false);
    ((uint8_t *)bases[BASE_DAMAGED].log)[bases[BASE_DAMAGED].log_size / 2] ^= 0x10;
    rebuild(path, true);
    keep(BASE_PACKED_IMAGE, path, true);
    keep(BASE_PACKED, path, false);
    (void)unlink(path);
}

void base_free(void)
{
    for (int i = 0; i < BASES; i++) {
        free(bases[i].log);
        free(bases[i].index);
    }
}

void base_place(const struct run *run, int base)
{
    char beside[160];
    static const char *const endings[] = {"-index", "-index.tmp", ".compact"};
    const char *const files[] = {run->path, run->copy};
    for (unsigned i = 0; i < 2; i++) {
        (void)unlink(files[i]);
        for (unsigned k = 0; k < sizeof endings / sizeof *endings; k++) {
            snprintf(beside, sizeof beside, "%s%s", files[i], endings[k]);
            (void)unlink(beside);
        }
    }
    if (bases[base].log != NULL)
        put(run->path, bases[base].log, bases[base].log_size);
    if (bases[base].index != NULL)
        put(run->index, bases[base].index, bases[base].index_size);
}
