/* peer_rocksdb_work: RocksDB's look-ups, lists and changes; see peer_rocksdb.c. */
#include "peer_rocksdb.h"

#ifdef HAVE_ROCKSDB

#include <stdlib.h>

rocksdb_pinnableslice_t *rocks_get(const struct rocks *rocks, enum kv_table table, const void *key, size_t length)
{
    uint8_t whole[ROCKS_KEY_MAX];
    char *error = NULL;
    size_t whole_length = rocks_key(whole, table, key, length);
    rocksdb_pinnableslice_t *value =
        rocksdb_get_pinned(rocks->file->db, rocks->file->read, (const char *)whole, whole_length, &error);
    if (error != NULL)
        rocks_fail("get", error);
    return value;
}

static bool fold_record(const struct rocks *rocks, enum kv_table table, uint32_t number,
                        void fold(const void *bytes, uint64_t *sum), uint64_t *sum)
{
    rocksdb_pinnableslice_t *value = rocks_get(rocks, table, &number, sizeof number);
    size_t length;
    if (value == NULL)
        return rocks_fail(kv_tables[table].name, NULL);
    fold(rocksdb_pinnableslice_value(value, &length), sum);
    rocksdb_pinnableslice_destroy(value);
    return true;
}

static bool number_of(const struct rocks *rocks, const uint8_t id[16], uint32_t *number)
{
    rocksdb_pinnableslice_t *value = rocks_get(rocks, KV_CUSTOMER_ID, id, 16);
    size_t length;
    if (value == NULL) {
        rocks_fail("customer by id", NULL);
        return false;
    }
    memcpy(number, rocksdb_pinnableslice_value(value, &length), sizeof *number);
    rocksdb_pinnableslice_destroy(value);
    return true;
}

static bool ask_id(void *self, uint32_t pick, uint64_t *sum)
{
    const struct rocks *rocks = self;
    uint32_t number;
    return number_of(rocks, rocks->file->pick_ids[pick], &number) &&
           fold_record(rocks, KV_CUSTOMER, number, packed_fold_customer, sum);
}

/* The number of the first entry of a table of many that has this key, or begins with it. */
static bool first_of(const struct rocks *rocks, enum kv_table table, const void *key, size_t key_length,
                     uint32_t *number)
{
    uint8_t whole[ROCKS_KEY_MAX];
    size_t length, whole_length = rocks_key(whole, table, key, key_length);
    rocksdb_iterator_t *at = rocksdb_create_iterator(rocks->file->db, rocks->file->read);
    rocksdb_iter_seek(at, (const char *)whole, whole_length);
    const char *found = rocksdb_iter_valid(at) ? rocksdb_iter_key(at, &length) : NULL;
    bool ok = found != NULL && length >= whole_length + sizeof *number && memcmp(found, whole, whole_length) == 0;
    if (ok)
        *number = packed_get_u32(found + length - sizeof *number);
    rocksdb_iter_destroy(at);
    if (!ok)
        rocks_fail(kv_tables[table].name, NULL);
    return ok;
}

static bool ask_email(void *self, uint32_t pick, uint64_t *sum)
{
    const struct rocks *rocks = self;
    char key[TEXT_KEY];
    uint32_t number;
    return first_of(rocks, KV_CUSTOMER_EMAIL, key, text_lower(rocks->file->data->pick_emails[pick], key), &number) &&
           fold_record(rocks, KV_CUSTOMER, number, packed_fold_customer, sum);
}

static bool ask_phone(void *self, uint32_t pick, uint64_t *sum)
{
    const struct rocks *rocks = self;
    char key[TEXT_KEY];
    uint32_t number;
    return first_of(rocks, KV_CUSTOMER_PHONE, key, text_reversed_digits(rocks->file->data->pick_suffixes[pick], key),
                    &number) &&
           fold_record(rocks, KV_CUSTOMER, number, packed_fold_customer, sum);
}

static bool ask_timeline(void *self, uint32_t pick, uint64_t *sum)
{
    const struct rocks *rocks = self;
    uint8_t whole[ROCKS_KEY_MAX];
    size_t length, whole_length = rocks_key(whole, KV_TIMELINE, &rocks->file->data->picks[pick],
                                            sizeof rocks->file->data->picks[pick]);
    rocksdb_iterator_t *at = rocksdb_create_iterator(rocks->file->db, rocks->file->read);
    bool ok = true;
    rocksdb_iter_seek(at, (const char *)whole, whole_length);
    for (int line = 0; ok && line < 20 && rocksdb_iter_valid(at); line++, rocksdb_iter_next(at)) {
        const char *key = rocksdb_iter_key(at, &length);
        if (memcmp(key, whole, whole_length) != 0)
            break;
        ok =
            fold_record(rocks, KV_INTERACTION, ~packed_get_u32(key + length - sizeof(uint32_t)), packed_fold_line, sum);
    }
    rocksdb_iter_destroy(at);
    return ok;
}

static void fold_listed(const void *bytes, uint64_t *sum)
{
    struct packed_customer head = packed_get_customer(bytes);
    *sum = packed_mix_text(*sum, &head, bytes, PACKED_NAME);
    *sum = packed_mix_text(*sum, &head, bytes, PACKED_CITY);
    *sum = data_mix(*sum, head.owner);
}

/* Walks the entries of one key; each is handed to `fold`, if there is one. Their number. */
static uint64_t walk(const struct rocks *rocks, enum kv_table table, uint32_t key, uint64_t limit,
                     void fold(const void *bytes, uint64_t *sum), uint64_t *sum)
{
    uint8_t whole[ROCKS_KEY_MAX];
    size_t length, whole_length = rocks_key(whole, table, &key, sizeof key);
    uint64_t count = 0;
    rocksdb_iterator_t *at = rocksdb_create_iterator(rocks->file->db, rocks->file->read);
    rocksdb_iter_seek(at, (const char *)whole, whole_length);
    for (; count < limit && rocksdb_iter_valid(at); count++, rocksdb_iter_next(at)) {
        const char *found = rocksdb_iter_key(at, &length);
        if (memcmp(found, whole, whole_length) != 0)
            break;
        if (fold != NULL && !fold_record(rocks, KV_CUSTOMER, packed_get_u32(found + whole_length), fold, sum))
            break;
    }
    rocksdb_iter_destroy(at);
    return count;
}

static bool ask_stage_page(void *self, uint32_t pick, uint64_t *sum)
{
    walk(self, KV_CUSTOMER_STAGE, pick % DATA_STAGES + 1, 50, fold_listed, sum);
    return true;
}

static bool ask_stage_counts(void *self, uint32_t pick, uint64_t *sum)
{
    (void)pick;
    for (uint32_t stage = 1; stage <= DATA_STAGES; stage++)
        *sum += data_mix(data_mix(0, stage), walk(self, KV_CUSTOMER_STAGE, stage, UINT64_MAX, NULL, NULL));
    return true;
}

static void fold_employees(const void *bytes, uint64_t *sum)
{
    *sum = data_mix(*sum, (uint64_t)packed_get_customer(bytes).employees);
}

static bool ask_employees(void *self, uint32_t pick, uint64_t *sum)
{
    const struct rocks *rocks = self;
    uint32_t number;
    return number_of(rocks, rocks->file->pick_ids[pick], &number) &&
           fold_record(rocks, KV_CUSTOMER, number, fold_employees, sum);
}

engine_question *const rocks_questions[QUESTIONS] = {
    [ASK_ID] = ask_id,
    [ASK_EMAIL] = ask_email,
    [ASK_PHONE] = ask_phone,
    [ASK_TIMELINE] = ask_timeline,
    [ASK_STAGE_PAGE] = ask_stage_page,
    [ASK_STAGE_COUNTS] = ask_stage_counts,
    [ASK_EMPLOYEES] = ask_employees,
};

/* ------------------------------------------------------------ changes */

bool rocks_begin(void *self, int64_t now)
{
    struct rocks *rocks = self;
    rocks->now = now;
    rocksdb_writebatch_clear(rocks->batch);
    return true;
}

bool rocks_commit(void *self)
{
    struct rocks *rocks = self;
    char *error = NULL;
    rocksdb_write(rocks->file->db, rocks->file->write, rocks->batch, &error);
    if (rocks->changing)
        pthread_mutex_unlock(&rocks->file->changing);
    rocks->changing = false;
    return error == NULL || rocks_fail("write", error);
}

static bool change_add(void *self, uint32_t record, int64_t value)
{
    struct rocks *rocks = self;
    uint8_t bytes[PACKED_MAX];
    uint32_t number = __atomic_fetch_add(&rocks->file->next_interaction, 1, __ATOMIC_RELAXED);
    size_t length = packed_added_interaction(&rocks->seed, record, value, rocks->now, bytes);
    return rocks_put_record(rocks, KV_INTERACTION, number, bytes, length) &&
           kv_index_interaction(bytes, number, rocks_put, rocks);
}

/* A customer, to be changed: a copy of its record.  Nobody else changes one
 * until this is written. */
struct edit {
    uint8_t bytes[PACKED_MAX];
    size_t length;
    uint32_t number;
    struct packed_customer head;
};

static bool edit_begin(struct rocks *rocks, uint32_t record, struct edit *edit)
{
    if (!rocks->changing)
        pthread_mutex_lock(&rocks->file->changing);
    rocks->changing = true;
    if (!number_of(rocks, rocks->file->data->customers[record].id, &edit->number))
        return false;
    rocksdb_pinnableslice_t *value = rocks_get(rocks, KV_CUSTOMER, &edit->number, sizeof edit->number);
    if (value == NULL) {
        rocks_fail("customer", NULL);
        return false;
    }
    const char *bytes = rocksdb_pinnableslice_value(value, &edit->length);
    bool ok = edit->length <= sizeof edit->bytes;
    if (ok)
        memcpy(edit->bytes, bytes, edit->length);
    rocksdb_pinnableslice_destroy(value);
    edit->head = packed_get_customer(edit->bytes);
    return ok;
}

static bool edit_end(struct rocks *rocks, struct edit *edit)
{
    edit->head.modified_at = rocks->now;
    edit->head.modified_by = 1;
    edit->head.version++;
    memcpy(edit->bytes, &edit->head, sizeof edit->head);
    return rocks_put_record(rocks, KV_CUSTOMER, edit->number, edit->bytes, edit->length);
}

static bool change_stage(void *self, uint32_t record, int64_t value)
{
    struct rocks *rocks = self;
    struct edit edit;
    if (!edit_begin(rocks, record, &edit))
        return false;
    uint32_t from = edit.head.stage, to = (uint32_t)value;
    edit.head.stage = (uint8_t)to;
    edit.head.stage_since = rocks->now;
    return rocks_take(rocks, KV_CUSTOMER_STAGE, &from, sizeof from, &edit.number, sizeof edit.number) &&
           rocks_put(rocks, KV_CUSTOMER_STAGE, &to, sizeof to, &edit.number, sizeof edit.number) &&
           edit_end(rocks, &edit) &&
           rocks_put_transition(rocks, KV_KIND_CUSTOMER, edit.number, rocks->now, (uint8_t)from, (uint8_t)to);
}

static bool change_field(void *self, uint32_t record, int64_t value)
{
    struct rocks *rocks = self;
    struct edit edit;
    if (!edit_begin(rocks, record, &edit))
        return false;
    edit.head.employees = (int32_t)value;
    return edit_end(rocks, &edit);
}

static bool change_logged(void *self, uint32_t record, int64_t value)
{
    struct rocks *rocks = self;
    struct edit edit;
    if (!edit_begin(rocks, record, &edit))
        return false;
    struct packed_change change = {.at = rocks->now,
                                   .before = edit.head.employees,
                                   .after = value,
                                   .customer = edit.number,
                                   .operation = 2,
                                   .field = 21,
                                   .actor = 1};
    uint32_t number = __atomic_fetch_add(&rocks->file->next_change, 1, __ATOMIC_RELAXED);
    edit.head.employees = (int32_t)value;
    return rocks_put_record(rocks, KV_CHANGE, number, &change, sizeof change) &&
           rocks_put(rocks, KV_CHANGE_RECORD, &edit.number, sizeof edit.number, &number, sizeof number) &&
           edit_end(rocks, &edit);
}

engine_change *const rocks_changes[CHANGES] = {
    [CHANGE_ADD] = change_add,
    [CHANGE_STAGE] = change_stage,
    [CHANGE_FIELD] = change_field,
    [CHANGE_LOGGED] = change_logged,
};

#else

/* A file must hold something. */
typedef int nothing_here;

#endif
