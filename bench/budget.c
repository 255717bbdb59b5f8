/* budget: the hottest paths, for counting their instructions.
 *
 *   valgrind --tool=callgrind --instr-atstart=no --collect-atstart=no budget FOLDER
 *
 * Each path runs once to warm up and then as often as is printed, counting only
 * then; callgrind writes a file a path, named in it.  tools/budget.py divides
 * and compares with tests/budget.txt.
 *
 * The counts are to be the same on every machine with the same compiler.  So
 * nothing is left to chance: the data comes from a seed, the clock stands still,
 * random bytes are a sequence, and memory comes from an allocator of our own,
 * not the C library's.
 */
#include "data.h"

#include <crm.h>
#include <valgrind/callgrind.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum { CUSTOMERS = 2000, INTERACTIONS = 20000, IMPORT_ROWS = 1000, PATH = 4096, POWERS = 40, POWER_MIN = 4 };
#define HEAP_SIZE ((size_t)1 << 30)

struct block;
struct heap {
    char *at, *end;
    struct block *free[POWERS]; /* by the power of two of their size */
};

struct budget {
    struct data *data;
    struct heap heap;
    char path[PATH];
    crm_db *db, *other; /* the second handle follows the first */
    crm_view *view;
    crm_id customers[CUSTOMERS];
    uint64_t sum;  /* so that nothing read is left out by the compiler */
    uint32_t made; /* changes so far: each is another one */
    bool counting;
};

/* In place of the C library's: the same bytes in every run. */
ssize_t getrandom(void *bytes, size_t length, unsigned flags)
{
    static uint64_t state = UINT64_C(0x0b5e55ed);
    (void)flags;
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)(data_random(&state) >> 56);
    return (ssize_t)length;
}

/* A block of 2 to the power of `power` bytes behind this; taken, `next` is not used. */
struct block {
    struct block *next;
    uint64_t power;
};

static struct block *block_new(struct heap *heap, size_t size)
{
    unsigned power = POWER_MIN;
    while (((size_t)1 << power) < size)
        power++;
    struct block *block = heap->free[power];
    if (block != NULL) {
        heap->free[power] = block->next;
        return block;
    }
    if ((size_t)(heap->end - heap->at) < sizeof *block + ((size_t)1 << power))
        return NULL;
    block = (struct block *)(void *)heap->at;
    block->power = power;
    heap->at += sizeof *block + ((size_t)1 << power);
    return block;
}

static void *resize(void *context, void *old, size_t size)
{
    struct heap *heap = context;
    struct block *from = old != NULL ? (struct block *)old - 1 : NULL, *to = NULL;
    if (from != NULL && size != 0 && size <= (size_t)1 << from->power)
        return old;
    if (size != 0) {
        to = block_new(heap, size);
        if (to == NULL)
            return NULL;
        if (from != NULL)
            memcpy(to + 1, from + 1, (size_t)1 << from->power);
    }
    if (from != NULL) {
        from->next = heap->free[from->power];
        heap->free[from->power] = from;
    }
    return to != NULL ? to + 1 : NULL;
}

/* ------------------------------------------------------------ set-up */

/* Nothing here can fail but through a fault: then there is nothing to count. */
static void must(int32_t status, const crm_error *error)
{
    if (status == CRM_OK)
        return;
    fprintf(stderr, "budget: %s: %s\n", crm_status_name(status), error->message);
    exit(1);
}

static crm_db *open_file(struct budget *budget)
{
    crm_options *options = crm_options_create();
    crm_error error;
    crm_db *db;
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    crm_options_set_int(options, CRM_OPTION_NOW, budget->data->to);
    crm_options_set_allocator(options, resize, &budget->heap);
    must(crm_open(budget->path, options, &db, &error), &error);
    crm_options_free(options);
    return db;
}

static crm_txn *begin(struct budget *budget)
{
    crm_error error;
    crm_txn *txn;
    must(crm_begin(budget->db, &txn, &error), &error);
    crm_txn_set_actor(txn, "budget");
    return txn;
}

static void commit(crm_txn *txn)
{
    crm_error error;
    must(crm_commit(txn, NULL, &error), &error);
}

static void create_customer(struct budget *budget, crm_txn *txn, uint32_t i)
{
    const struct data_customer *c = &budget->data->customers[i];
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_id owner;
    memcpy(owner.bytes, budget->data->user_ids[c->owner], 16);
    crm_record_id(record, &budget->customers[i]);
    crm_set_text(record, CRM_CUSTOMER_NAME, c->name, CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_EMAILS, c->email, CRM_NUL);
    crm_item_add(record, CRM_CUSTOMER_PHONES, c->phone, CRM_NUL);
    crm_item_add(record, CRM_FIELD_EXTERNAL_IDS, c->external_id, CRM_NUL);
    crm_set_text(record, CRM_CUSTOMER_TERRITORY, c->city, CRM_NUL);
    crm_set_int(record, CRM_CUSTOMER_STAGE, c->stage);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &owner);
}

static void create_interaction(struct budget *budget, crm_txn *txn, uint32_t i)
{
    const struct data_interaction *x = &budget->data->interactions[i % INTERACTIONS];
    crm_record *record = crm_create(txn, CRM_KIND_INTERACTION);
    crm_id owner;
    memcpy(owner.bytes, budget->data->user_ids[x->owner], 16);
    crm_set_int(record, CRM_INTERACTION_TYPE, x->type);
    crm_set_int(record, CRM_INTERACTION_CHANNEL, x->channel);
    crm_set_int(record, CRM_INTERACTION_DIRECTION, x->direction);
    crm_set_text(record, CRM_INTERACTION_SUBJECT, x->subject, CRM_NUL);
    crm_set_int(record, CRM_INTERACTION_START, x->start);
    crm_set_ref(record, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &budget->customers[x->customer]);
    crm_set_ref(record, CRM_FIELD_OWNER, CRM_KIND_USER, &owner);
    if (x->due != 0)
        crm_set_int(record, CRM_INTERACTION_DUE, x->due);
    if (x->amount != 0) {
        crm_set_int(record, CRM_INTERACTION_AMOUNT, x->amount);
        crm_set_int(record, CRM_INTERACTION_CURRENCY, 978);
    }
}

static void load(struct budget *budget)
{
    crm_txn *txn = begin(budget);
    for (int i = 0; i < DATA_USERS; i++) {
        crm_id id;
        memcpy(id.bytes, budget->data->user_ids[i], 16);
        crm_set_text(crm_create_with_id(txn, CRM_KIND_USER, &id), CRM_USER_NAME, "user", CRM_NUL);
    }
    for (uint32_t i = 0; i < CUSTOMERS; i++)
        create_customer(budget, txn, i);
    commit(txn);
    txn = begin(budget);
    for (uint32_t i = 0; i < INTERACTIONS; i++)
        create_interaction(budget, txn, i);
    commit(txn);
}

static crm_view *view(crm_db *db)
{
    crm_error error;
    crm_view *view;
    must(crm_view_open(db, &view, &error), &error);
    return view;
}

/* ------------------------------------------------------------ paths */

/* Does the path's operation once, or a batch of them. */
typedef void path(struct budget *budget, uint32_t turn);

static const crm_id *customer_of(const struct budget *budget, uint32_t turn)
{
    return &budget->customers[budget->data->picks[turn]];
}

static void add_text(struct budget *budget, const crm_record *record, uint32_t field)
{
    size_t length;
    const char *text = crm_text(record, field, &length);
    budget->sum += length + (uint8_t)*text;
}

static void read_customer(struct budget *budget, crm_record *record)
{
    crm_id owner;
    add_text(budget, record, CRM_CUSTOMER_NAME);
    budget->sum += (uint64_t)crm_int(record, CRM_CUSTOMER_STAGE);
    crm_ref(record, CRM_FIELD_OWNER, NULL, &owner);
    add_text(budget, record, CRM_CUSTOMER_TERRITORY);
    budget->sum += (uint64_t)crm_int(record, CRM_FIELD_CREATED_AT) + owner.bytes[15];
    crm_record_free(record);
}

static void path_create_interaction(struct budget *budget, uint32_t turn)
{
    crm_txn *txn = begin(budget);
    for (uint32_t i = 0; i < 100; i++)
        create_interaction(budget, txn, turn * 100 + i);
    commit(txn);
}

static void path_view(struct budget *budget, uint32_t turn)
{
    (void)turn;
    crm_view_close(view(budget->db));
}

static void path_get_id(struct budget *budget, uint32_t turn)
{
    crm_error error;
    crm_record *record;
    must(crm_get(budget->view, CRM_KIND_CUSTOMER, customer_of(budget, turn), &record, &error), &error);
    read_customer(budget, record);
}

static void find(struct budget *budget, uint32_t field, const char *text)
{
    crm_error error;
    crm_record *record;
    must(crm_find(budget->view, CRM_KIND_CUSTOMER, field, text, CRM_NUL, &record, &error), &error);
    read_customer(budget, record);
}

static void path_find_email(struct budget *budget, uint32_t turn)
{
    find(budget, CRM_CUSTOMER_EMAILS, budget->data->pick_emails[turn]);
}

static void path_find_phone(struct budget *budget, uint32_t turn)
{
    find(budget, CRM_CUSTOMER_PHONES, budget->data->pick_suffixes[turn]);
}

static void path_timeline_page(struct budget *budget, uint32_t turn)
{
    crm_error error;
    crm_query *query;
    crm_record *page[20];
    uint32_t count;
    must(crm_timeline(budget->view, CRM_KIND_CUSTOMER, customer_of(budget, turn), &query, &error), &error);
    crm_query_limit(query, 20);
    must(crm_query_page(query, page, 20, &count, &error), &error);
    for (uint32_t i = 0; i < count; i++) {
        budget->sum += (uint64_t)crm_int(page[i], CRM_INTERACTION_TYPE);
        budget->sum += (uint64_t)crm_int(page[i], CRM_INTERACTION_START);
        add_text(budget, page[i], CRM_INTERACTION_SUBJECT);
    }
    crm_query_free(query);
}

static void path_stage_page(struct budget *budget, uint32_t turn)
{
    crm_error error;
    crm_query *query;
    crm_record *page[50];
    uint32_t count;
    must(crm_query_create(budget->view, CRM_KIND_CUSTOMER, &query, &error), &error);
    crm_query_where_int(query, CRM_CUSTOMER_STAGE, CRM_OP_EQ, turn % DATA_STAGES + 1);
    crm_query_limit(query, 50);
    must(crm_query_page(query, page, 50, &count, &error), &error);
    for (uint32_t i = 0; i < count; i++) {
        crm_id owner;
        add_text(budget, page[i], CRM_CUSTOMER_NAME);
        add_text(budget, page[i], CRM_CUSTOMER_TERRITORY);
        crm_ref(page[i], CRM_FIELD_OWNER, NULL, &owner);
        budget->sum += owner.bytes[15];
    }
    crm_query_free(query);
}

/* The tasks due within a day, both ends given, in their order. */
static void path_due_page(struct budget *budget, uint32_t turn)
{
    crm_error error;
    crm_query *query;
    crm_record *page[50];
    uint32_t count;
    int64_t day = data_day(budget->data, turn);
    must(crm_query_create(budget->view, CRM_KIND_INTERACTION, &query, &error), &error);
    crm_query_where_int(query, CRM_INTERACTION_DUE, CRM_OP_GE, day);
    crm_query_where_int(query, CRM_INTERACTION_DUE, CRM_OP_LT, day + INT64_C(86400000000));
    crm_query_order(query, CRM_INTERACTION_DUE, 0);
    crm_query_limit(query, 50);
    must(crm_query_page(query, page, 50, &count, &error), &error);
    for (uint32_t i = 0; i < count; i++)
        budget->sum += (uint64_t)crm_int(page[i], CRM_INTERACTION_DUE);
    crm_query_free(query);
}

/* The first customers by name whose name begins so. */
static void path_prefix_page(struct budget *budget, uint32_t turn)
{
    crm_error error;
    crm_query *query;
    crm_record *page[20];
    uint32_t count;
    must(crm_query_create(budget->view, CRM_KIND_CUSTOMER, &query, &error), &error);
    crm_query_where_text(query, CRM_CUSTOMER_NAME, CRM_OP_PREFIX, budget->data->pick_prefixes[turn], CRM_NUL);
    crm_query_order(query, CRM_CUSTOMER_NAME, 0);
    crm_query_limit(query, 20);
    must(crm_query_page(query, page, 20, &count, &error), &error);
    for (uint32_t i = 0; i < count; i++)
        add_text(budget, page[i], CRM_CUSTOMER_NAME);
    crm_query_free(query);
}

static void path_group_scan(struct budget *budget, uint32_t turn)
{
    crm_error error;
    crm_query *query;
    crm_table *table;
    (void)turn;
    must(crm_query_create(budget->view, CRM_KIND_INTERACTION, &query, &error), &error);
    crm_query_where_int(query, CRM_INTERACTION_TYPE, CRM_OP_EQ, CRM_INTERACTION_TYPE_PURCHASE);
    crm_query_group(query, CRM_INTERACTION_CUSTOMER, 0, CRM_UNIT_NONE);
    crm_query_measure(query, CRM_MEASURE_SUM, CRM_INTERACTION_AMOUNT);
    crm_query_measure(query, CRM_MEASURE_MAX, CRM_INTERACTION_START);
    must(crm_query_groups(query, &table, &error), &error);
    budget->sum += crm_table_rows(table);
    crm_table_free(table);
    crm_query_free(query);
}

static void path_update_field(struct budget *budget, uint32_t turn)
{
    crm_txn *txn = begin(budget);
    crm_set_int(crm_edit(txn, CRM_KIND_CUSTOMER, customer_of(budget, turn)), CRM_CUSTOMER_EMPLOYEES, ++budget->made);
    commit(txn);
}

/* Another handle sees what the first has committed: a frame is applied. */
static void path_follow_frame(struct budget *budget, uint32_t turn)
{
    if (budget->counting)
        CALLGRIND_TOGGLE_COLLECT; /* the commit is another path's */
    path_update_field(budget, turn);
    if (budget->counting)
        CALLGRIND_TOGGLE_COLLECT;
    crm_view_close(view(budget->other));
}

/* New customers, but for one in twenty, whose address came before. */
static void path_import_row(struct budget *budget, uint32_t turn)
{
    static const char *const settings[][2] = {{"format", "csv"},       {"map", "emails=email"},
                                              {"map", "phones=phone"}, {"map", "territory=city"},
                                              {"match", "emails"},     {"batch", "budget"}};
    char row[256];
    crm_error error;
    crm_import *import;
    must(crm_import_create(budget->db, CRM_KIND_CUSTOMER, &import, &error), &error);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        must(crm_import_set(import, settings[i][0], settings[i][1], CRM_NUL, &error), &error);
    must(crm_import_feed(import, "name,email,phone,city,employees\n", 32, &error), &error);
    for (uint32_t i = 0; i < IMPORT_ROWS; i++) {
        const struct data_customer *c = &budget->data->customers[i];
        int length = snprintf(row, sizeof row, "\"%s, %u\",new%u.%u@firm.example,+44 20 %u,%s,%u\n", c->name, turn,
                              turn, i % (IMPORT_ROWS / 20 * 19), 10000000 + i * 7, c->city, i + 1);
        must(crm_import_feed(import, row, (size_t)length, &error), &error);
    }
    must(crm_import_finish(import, &error), &error);
    crm_import_free(import);
}

/* ------------------------------------------------------------ counting */

static const struct {
    const char *name;
    path *run;
    uint32_t turns, operations; /* how often, and how many operations each is */
} paths[] = {
    {"get_id", path_get_id, 500, 1},
    {"find_email", path_find_email, 500, 1},
    {"find_phone", path_find_phone, 500, 1},
    {"timeline_page", path_timeline_page, 200, 1},
    {"stage_page", path_stage_page, 40, 1},
    {"due_page", path_due_page, 200, 1},
    {"prefix_page", path_prefix_page, 200, 1},
    {"group_scan", path_group_scan, 4, 1},
    {"view_open_close", path_view, 500, 1},
    {"update_field", path_update_field, 200, 1},
    {"follow_frame", path_follow_frame, 200, 1},
    {"create_interaction", path_create_interaction, 10, 100},
    {"import_row", path_import_row, 1, IMPORT_ROWS},
};

static void count(struct budget *budget, size_t which)
{
    budget->view = view(budget->db);
    paths[which].run(budget, paths[which].turns); /* warms up; unlike the ones that follow */
    budget->counting = true;
    CALLGRIND_TOGGLE_COLLECT;
    for (uint32_t turn = 0; turn < paths[which].turns; turn++)
        paths[which].run(budget, turn);
    CALLGRIND_TOGGLE_COLLECT;
    budget->counting = false;
    CALLGRIND_DUMP_STATS_AT(paths[which].name);
    crm_view_close(budget->view);
    printf("%s %u\n", paths[which].name, paths[which].turns * paths[which].operations);
}

int main(int argc, char **argv)
{
    static struct budget budget;
    if (argc != 2 || (budget.data = data_create(CUSTOMERS, INTERACTIONS)) == NULL)
        return 2;
    snprintf(budget.path, sizeof budget.path, "%s/budget.crm", argv[1]);
    budget.heap.at = mmap(NULL, HEAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (budget.heap.at == MAP_FAILED)
        return 2;
    budget.heap.end = budget.heap.at + HEAP_SIZE;
    budget.db = open_file(&budget);
    load(&budget);
    budget.other = open_file(&budget);
    CALLGRIND_START_INSTRUMENTATION;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        count(&budget, i);
    CALLGRIND_STOP_INSTRUMENTATION;
    crm_close(budget.other);
    crm_close(budget.db);
    data_free(budget.data);
    return 0;
}
