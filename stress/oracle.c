/* oracle: choices, the memory that oracles share, and transactions as a whole;
 * see oracle.h.
 */
#include "oracle_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- choices ---- */

static uint64_t splitmix(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint32_t choose(struct choices *choices, uint32_t bound)
{
    uint32_t number = 0;
    if (bound == 0)
        return 0;
    if (choices->bytes == NULL)
        return (uint32_t)(splitmix(&choices->state) >> 32) % bound;
    for (uint32_t left = bound - 1; left > 0; left >>= 8)
        number = number << 8 | (choices->at < choices->length ? choices->bytes[choices->at++] : 0);
    return number % bound;
}

bool choices_over(const struct choices *choices)
{
    return choices->bytes != NULL && choices->at >= choices->length;
}

/* ---- memory ---- */

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

struct oracle_region {
    struct block *blocks;
    uint32_t owners;
    uint32_t fresh;
    int32_t status; /* of the call that the trouble is about */
    char trouble[TROUBLE_SIZE];
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fputs("oracle: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *oracle_keep(const struct oracle *oracle, size_t size)
{
    enum { BLOCK = 1 << 16 };
    struct oracle_region *region = oracle->region;
    size = (size + 15) & ~(size_t)15;
    if (region->blocks == NULL || region->blocks->size - region->blocks->used < size) {
        size_t room = size > BLOCK / 4 ? size : BLOCK;
        struct block *block = must(malloc(sizeof *block + room));
        block->next = region->blocks;
        block->used = 0;
        block->size = room;
        region->blocks = block;
    }
    void *memory = region->blocks->bytes + region->blocks->used;
    region->blocks->used += size;
    return memset(memory, 0, size);
}

const char *oracle_text(const struct oracle *oracle, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        length = (int)sizeof text - 1;
    char *kept = oracle_keep(oracle, (size_t)length + 1);
    memcpy(kept, text, (size_t)length);
    return kept;
}

uint32_t oracle_fresh(const struct oracle *oracle)
{
    return ++oracle->region->fresh;
}

uint32_t oracle_freshest(const struct oracle *oracle)
{
    return oracle->region->fresh;
}

const char *oracle_wrong(const struct oracle *oracle, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(oracle->trouble, TROUBLE_SIZE, format, arguments);
    va_end(arguments);
    oracle->region->status = CRM_OK;
    return oracle->trouble;
}

const char *oracle_failed(const struct oracle *oracle, int32_t status, const char *what)
{
    oracle_wrong(oracle, "%s answers %d (%s)", what, status, crm_status_name(status));
    oracle->region->status = status;
    return oracle->trouble;
}

const char *oracle_note_status(const struct oracle *oracle, int32_t status)
{
    oracle->region->status = status;
    return oracle->trouble;
}

/* ---- life ---- */

static void free_sets(struct oracle *oracle)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        free(oracle->sets[slot].list);
}

struct oracle *oracle_create(void)
{
    struct oracle *oracle = calloc(1, sizeof *oracle);
    if (oracle == NULL || (oracle->region = calloc(1, sizeof *oracle->region)) == NULL) {
        free(oracle);
        return NULL;
    }
    oracle->region->owners = 1;
    oracle->trouble = oracle->region->trouble;
    oracle->changes_most = 60;
    oracle->records_most = 500;
    oracle_new_file(oracle);
    return oracle;
}

void oracle_free(struct oracle *oracle)
{
    if (oracle == NULL)
        return;
    oracle_free(oracle->saved);
    oracle_free(oracle->attempt);
    free_sets(oracle);
    if (--oracle->region->owners == 0) {
        while (oracle->region->blocks != NULL) {
            struct block *next = oracle->region->blocks->next;
            free(oracle->region->blocks);
            oracle->region->blocks = next;
        }
        free(oracle->region);
    }
    free(oracle);
}

struct oracle *oracle_copy(const struct oracle *oracle)
{
    struct oracle *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *oracle;
    copy->saved = copy->attempt = NULL;
    copy->region->owners++;
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        struct oracle_set *set = &copy->sets[slot];
        set->capacity = set->count;
        if (set->count == 0) {
            set->list = NULL;
            continue;
        }
        set->list = must(malloc(set->count * sizeof *set->list));
        memcpy(set->list, oracle->sets[slot].list, set->count * sizeof *set->list);
    }
    return copy;
}

uint64_t oracle_lsn(const struct oracle *oracle)
{
    return oracle->last->lsn;
}

void oracle_limit(struct oracle *oracle, uint32_t changes, uint32_t records)
{
    oracle->changes_most = changes > 0 ? changes : 1;
    oracle->records_most = records;
}

void oracle_random_ids(struct oracle *oracle, bool random)
{
    oracle->random_ids = random;
}

void oracle_forget(struct oracle *past, const struct oracle *now)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        for (uint32_t i = 0; i < past->sets[slot].count; i++)
            past->sets[slot].list[i].erased = now->sets[slot].list[i].erased;
}

uint32_t oracle_add_record(struct oracle *oracle, enum oracle_slot slot, const crm_id *id)
{
    struct oracle_set *set = &oracle->sets[slot];
    if (set->count == set->capacity) {
        set->capacity = set->capacity < 16 ? 16 : set->capacity * 2;
        set->list = must(realloc(set->list, set->capacity * sizeof *set->list));
    }
    struct oracle_record *record = &set->list[set->count];
    *record = (struct oracle_record){.identified = id != NULL};
    if (id != NULL)
        record->id = *id;
    return set->count++;
}

struct oracle_version *oracle_add_version(struct oracle *oracle, enum oracle_slot slot, uint32_t index,
                                          int32_t operation)
{
    struct oracle_record *record = &oracle->sets[slot].list[index];
    uint32_t count = oracle_kind(slot)->field_count;
    struct oracle_version *version = oracle_keep(oracle, sizeof *version + count * sizeof version->values[0]);
    struct oracle_touch *touch = oracle_keep(oracle, sizeof *touch);
    version->previous = record->newest;
    version->meta = oracle->open;
    version->number = record->newest == NULL ? 1 : record->newest->number + 1;
    version->operation = operation;
    version->deleted = operation == CRM_CHANGE_DELETE;
    if (record->newest != NULL)
        memcpy(version->values, record->newest->values, count * sizeof version->values[0]);
    record->newest = version;
    if (operation == CRM_CHANGE_ERASE)
        record->erased = version->number;
    *touch = (struct oracle_touch){.slot = slot, .index = index, .version = version};
    if (oracle->open->last != NULL)
        oracle->open->last->next = touch;
    else
        oracle->open->first = touch;
    oracle->open->last = touch;
    return version;
}

/* ---- transactions ---- */

static bool is_trouble(int32_t status)
{
    return status == CRM_IO || status == CRM_FULL || status == CRM_NOMEM || status == CRM_BUSY ||
           status == CRM_STOPPED || status == CRM_CORRUPT || status == CRM_READ_ONLY;
}

static const char *meta_text(const struct oracle *oracle, struct choices *choices, const char *what)
{
    switch (choose(choices, 4)) {
    case 0: return oracle_text(oracle, "%s", what);
    case 1: return oracle_text(oracle, "%s %u", what, choose(choices, 3));
    default: return "";
    }
}

const struct oracle_meta **oracle_metas(const struct oracle *oracle, uint64_t lsn, uint32_t *count)
{
    const struct oracle_meta *meta;
    uint32_t at = 0;
    for (meta = oracle->last; meta != NULL && meta->lsn > lsn; meta = meta->previous)
        at++;
    const struct oracle_meta **metas = must(malloc((at + 1) * sizeof *metas));
    *count = at;
    for (meta = oracle->last; at > 0; meta = meta->previous)
        metas[--at] = meta;
    return metas;
}

struct oracle_meta *oracle_open_meta(struct oracle *oracle, int64_t now)
{
    struct oracle_meta *meta = oracle_keep(oracle, sizeof *meta);
    meta->previous = oracle->last;
    meta->lsn = oracle->last == NULL ? 1 : oracle->last->lsn + 1;
    meta->time = oracle->last == NULL || now > oracle->last->time ? now : oracle->last->time;
    meta->actor = meta->reason = meta->batch = "";
    oracle->open = meta;
    oracle->doomed = false;
    return meta;
}

int32_t oracle_begin(struct oracle *oracle, crm_db *db, struct choices *choices, crm_txn **txn, const char **wrong)
{
    crm_error error;
    *wrong = NULL;
    int32_t status = crm_begin(db, txn, &error);
    if (status != CRM_OK) {
        if (!is_trouble(status))
            *wrong = oracle_wrong(oracle, "crm_begin answers %d: %s", status, error.message);
        return status;
    }
    oracle_free(oracle->attempt);
    oracle->attempt = NULL;
    oracle->saved = must(oracle_copy(oracle));
    struct oracle_meta *meta = oracle_open_meta(oracle, crm_now(db));
    meta->actor = meta_text(oracle, choices, "mia");
    meta->reason = meta_text(oracle, choices, "because");
    if (choose(choices, 4) == 0)
        meta->batch =
            oracle_text(oracle, "batch %u", choose(choices, 2) == 0 ? oracle_fresh(oracle) : choose(choices, 4));
    if (meta->actor[0] != '\0' || choose(choices, 2) == 0)
        crm_txn_set_actor(*txn, meta->actor);
    crm_txn_set_reason(*txn, meta->reason);
    crm_txn_set_batch(*txn, meta->batch);
    if (crm_view_time(crm_txn_view(*txn)) != meta->time)
        *wrong = oracle_wrong(oracle, "transaction %llu has the time %lld, not %lld", (unsigned long long)meta->lsn,
                              (long long)crm_view_time(crm_txn_view(*txn)), (long long)meta->time);
    return CRM_OK;
}

/* The oracle is as it was before the transaction; `keep` makes what it was in it an attempt. */
static void take_back(struct oracle *oracle, bool keep)
{
    struct oracle *saved = oracle->saved;
    struct oracle before = *saved;
    oracle->saved = NULL;
    if (keep) { /* the two change places */
        oracle->last = oracle->open;
        oracle->open = NULL;
        *saved = *oracle;
        *oracle = before;
        oracle->attempt = saved;
        return;
    }
    free_sets(oracle);
    *oracle = before;
    free(saved);
    oracle->region->owners--;
}

void oracle_rollback(struct oracle *oracle, crm_txn *txn)
{
    crm_rollback(txn);
    take_back(oracle, false);
}

int32_t oracle_commit(struct oracle *oracle, crm_txn *txn, uint64_t *lsn, const char **wrong)
{
    crm_error error;
    uint64_t got = 0;
    bool empty = oracle->open->first == NULL;
    uint64_t expected = empty ? oracle->last->lsn : oracle->open->lsn;
    int32_t status = crm_commit(txn, &got, &error);
    *wrong = NULL;
    if (lsn != NULL)
        *lsn = 0;
    if (oracle->doomed) {
        if (status != oracle->doom)
            *wrong = oracle_wrong(oracle, "the commit of a refused change answers %d, not %d", status, oracle->doom);
        take_back(oracle, false);
        return *wrong == NULL ? CRM_OK : status;
    }
    if (status != CRM_OK) {
        if (!is_trouble(status))
            *wrong = oracle_wrong(oracle, "crm_commit answers %d: %s", status, error.message);
        take_back(oracle, !empty && is_trouble(status));
        return status;
    }
    if (empty) {
        take_back(oracle, false);
    } else {
        oracle->last = oracle->open;
        oracle->open = NULL;
        oracle_free(oracle->saved);
        oracle->saved = NULL;
    }
    if (got != expected)
        *wrong = oracle_wrong(oracle, "the commit gives LSN %llu, not %llu", (unsigned long long)got,
                              (unsigned long long)expected);
    if (lsn != NULL)
        *lsn = empty ? 0 : got;
    return status;
}

struct oracle *oracle_attempt(const struct oracle *oracle)
{
    return oracle->attempt == NULL ? NULL : oracle_copy(oracle->attempt);
}

/* One change, some, many, or as many as may be: then most are interactions. */
static uint32_t how_many(struct oracle *oracle, struct choices *choices)
{
    enum { SOME = 12, MANY = 60 };
    uint32_t most = oracle->changes_most, some = most < SOME ? most : SOME, many = most < MANY ? most : MANY;
    oracle->large = false;
    switch (choose(choices, 8)) {
    case 0: return 1;
    case 6: return 1 + choose(choices, many);
    case 7:
        if (choose(choices, 5) == 4) {
            oracle->large = most > MANY;
            return most;
        }
        return 1 + choose(choices, some);
    default: return 1 + choose(choices, some);
    }
}

const char *oracle_transaction(struct oracle *oracle, crm_db *db, struct choices *choices, uint64_t *lsn,
                               int32_t *status)
{
    crm_txn *txn;
    const char *wrong;
    int32_t ignored;
    if (status == NULL)
        status = &ignored;
    if (lsn != NULL)
        *lsn = 0;
    *status = oracle_begin(oracle, db, choices, &txn, &wrong);
    if (*status != CRM_OK)
        return wrong;
    for (uint32_t left = how_many(oracle, choices); wrong == NULL && left > 0 && !oracle->doomed; left--) {
        if (choices_over(choices))
            break;
        wrong = choose(choices, oracle->large ? 200 : 16) == 15 ? oracle_check_some(oracle, crm_txn_view(txn), choices)
                                                                : oracle_change(oracle, txn, choices);
    }
    if (wrong != NULL) {
        *status = oracle->region->status != CRM_OK ? oracle->region->status : crm_txn_status(txn, NULL);
        if (is_trouble(*status))
            wrong = NULL; /* the caller's to judge */
        else
            *status = CRM_OK;
        oracle_rollback(oracle, txn);
        return wrong;
    }
    if (choose(choices, 6) == 5) {
        oracle_rollback(oracle, txn);
        return NULL;
    }
    *status = oracle_commit(oracle, txn, lsn, &wrong);
    return wrong;
}
