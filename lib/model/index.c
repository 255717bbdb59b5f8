/* index: what one record's change means for the columns, trees and tables.
 *
 * A field's flags and type say which structure holds it:
 *   HOT                      a column cell
 *   INDEXED                  a tree of (value, number); texts folded, tags hashed
 *   UNIQUE, KEY, e-mails     a table from the hash of the normalised value
 *   phones                   a tree of reversed digits, so that the last digits find
 *   TIMELINE                 a tree of (target, time, number)
 * Each change takes out what the version before had and puts in what the one
 * after has; equal values are left alone.
 */
#include "model/db.h"
#include "model/email.h"
#include "model/phone.h"
#include "model/text.h"
#include "sys/checksum.h"
#include "sys/cold.h"

#include <string.h>

uint64_t index_real_key(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63; /* order of the numbers */
}

uint64_t index_int_key(const struct field *field, int64_t integer)
{
    if (field->type == CRM_TYPE_ANY_REF)
        return hash_mix((uint64_t)integer);
    return (uint64_t)integer ^ UINT64_C(1) << 63;
}

struct tree_key index_timeline_key(uint32_t group, int64_t time, uint32_t number)
{
    uint64_t ordered = (uint64_t)time ^ UINT64_C(1) << 63;
    return (struct tree_key){(uint64_t)group << 32 | ordered >> 32, ordered << 32 | number};
}

int64_t index_timeline_time(struct tree_key key)
{
    return (int64_t)((key.high << 32 | key.low >> 32) ^ UINT64_C(1) << 63);
}

uint32_t index_group_of(const struct field *field, uint32_t kind, uint32_t number)
{
    return field->type == CRM_TYPE_REF ? number : (uint32_t)hash_mix((uint64_t)any_ref_pack(kind, number));
}

uint32_t index_group(const struct field *field, int64_t value)
{
    return field->type == CRM_TYPE_REF ? (uint32_t)value : (uint32_t)hash_mix((uint64_t)value);
}

uint64_t index_hash(const struct generation *generation, const struct field *field, const void *key, size_t length)
{
    return hash_bytes(log_header(generation->log)->seed + field->number, key, length);
}

bool value_text(const struct value *value, struct buffer *scratch, const char **text, size_t *length)
{
    *text = "";
    *length = 0;
    if (value->what == VALUE_BYTES) {
        *text = (const char *)value->bytes;
        *length = value->length;
    } else if (value->what == VALUE_DEFLATED) {
        buffer_reset(scratch);
        if (!buffer_reserve(scratch, (size_t)value->integer + 1))
            return false;
        int32_t status = value_inflate(scratch->memory, value, scratch->data);
        scratch->failed = status == CRM_NOMEM;
        if (status != CRM_OK)
            return false;
        *text = (const char *)scratch->data;
        *length = (size_t)value->integer;
    }
    return true;
}

/* A key with its length in front; the length is written when the end is known. */
static size_t key_begin(struct buffer *out)
{
    uint32_t none = 0;
    buffer_append(out, &none, sizeof none);
    return out->length;
}

static bool key_end(struct buffer *out, size_t start)
{
    if (out->failed)
        return false;
    uint32_t length = (uint32_t)(out->length - start);
    memcpy(out->data + start - sizeof length, &length, sizeof length);
    return true;
}

bool index_key_of_text(const struct field *field, const char *text, size_t length, struct buffer *out)
{
    switch (field->type) {
    case CRM_TYPE_EMAILS: return email_normalise(out, text, length);
    case CRM_TYPE_EXTERNAL_IDS: buffer_append(out, text, length); return !out->failed;
    default: return field->flags & CRM_FLAG_KEY ? domain_normalise(out, text, length) : text_fold(out, text, length);
    }
}

static bool one_key(const struct field *field, const char *text, size_t length, struct buffer *out)
{
    size_t before = out->length;
    size_t start = key_begin(out);
    if (index_key_of_text(field, text, length, out))
        return key_end(out, start);
    out->length = before; /* cannot be found, e.g. an e-mail that is none */
    return !out->failed;
}

static bool external_id_keys(const struct item *item, struct buffer *out)
{
    struct part system = {.text = ""}, part;
    (void)part_find(item, CRM_PART_SYSTEM, &system);
    if (!part_find(item, CRM_PART_VALUE, &part))
        return true;
    size_t start = key_begin(out);
    buffer_append(out, part.text, part.length);
    if (!key_end(out, start))
        return false;
    if (system.what != CRM_PART_SYSTEM || system.length == 0)
        return true;
    start = key_begin(out);
    buffer_append(out, system.text, system.length);
    buffer_byte(out, ':');
    buffer_append(out, part.text, part.length);
    return key_end(out, start);
}

bool index_keys(const struct field *field, const struct value *value, struct buffer *out)
{
    if (value->what == VALUE_INT) {
        size_t start = key_begin(out);
        buffer_append(out, &value->integer, sizeof value->integer);
        return key_end(out, start);
    }
    if (!type_is_list(field->type))
        return value->what != VALUE_BYTES || one_key(field, (const char *)value->bytes, value->length, out);
    struct items items = items_open(value);
    struct item item;
    struct part part;
    while (items_next(&items, &item)) {
        if (field->type == CRM_TYPE_EXTERNAL_IDS) {
            if (!external_id_keys(&item, out))
                return false;
        } else if (part_find(&item, CRM_PART_VALUE, &part) && !one_key(field, part.text, part.length, out)) {
            return false;
        }
    }
    return true;
}

static bool change_table(struct generation *generation, struct field *field, uint32_t number, const struct value *value,
                         bool insert)
{
    struct buffer *keys = &generation->key;
    uint64_t table = field_table_make(generation, field);
    buffer_reset(keys);
    if (table == 0 || !index_keys(field, value, keys))
        return false;
    for (size_t at = 0; at < keys->length;) {
        uint32_t length;
        memcpy(&length, keys->data + at, sizeof length);
        uint64_t hash = index_hash(generation, field, keys->data + at + sizeof length, length);
        if (insert ? !hash_insert(generation->arena, table, hash, number)
                   : !hash_remove(generation->arena, table, hash, number))
            return false;
        at += sizeof length + length;
    }
    return true;
}

uint64_t index_tag_hash(const struct generation *generation, const char *tag, size_t length, struct buffer *scratch)
{
    buffer_reset(scratch);
    if (!text_fold(scratch, tag, length))
        return 0;
    return hash_bytes(log_header(generation->log)->seed, scratch->data, scratch->length);
}

/* ---- keys that wait ---- */

enum { BATCH_TREES = 64, BATCH_KEYS = 1 << 20, BATCH_KEPT = 1 << 14 };

static void keys_wait(struct generation *generation, size_t count)
{
    __atomic_store_n(&generation->batch_keys, count, __ATOMIC_RELEASE);
}

void index_batch(struct generation *generation)
{
    if (generation->batches == NULL)
        generation->batches = memory_zero(generation->db->memory, BATCH_TREES, sizeof *generation->batches);
    generation->batching = generation->batches != NULL;
}

static bool batch_insert_one(struct generation *generation, struct tree_batch *batch)
{
    struct arena *arena = generation->arena;
    bool fine =
        batch->count == 0 ||
        (batch->texts.length > 0 ? tree_insert_texts(arena, batch->tree, batch->keys, batch->count, batch->texts.data)
                                 : tree_insert_many(arena, batch->tree, batch->keys, batch->count));
    keys_wait(generation, generation->batch_keys - batch->count);
    batch->count = 0;
    if (batch->capacity > BATCH_KEPT) {
        memory_free(generation->db->memory, batch->keys);
        batch->keys = NULL;
        batch->capacity = 0;
        buffer_free(&batch->texts);
    }
    batch->texts.length = 0;
    return fine;
}

static bool batch_insert(struct generation *generation)
{
    bool fine = true;
    for (size_t i = 0; i < generation->batch_count; i++)
        fine = batch_insert_one(generation, &generation->batches[i]) && fine;
    return fine;
}

bool index_flush(struct generation *generation)
{
    generation->batching = false;
    return generation->batch_keys == 0 || batch_insert(generation);
}

COLD void index_batch_free(struct generation *generation)
{
    for (size_t i = 0; i < generation->batch_count; i++) {
        memory_free(generation->db->memory, generation->batches[i].keys);
        buffer_free(&generation->batches[i].texts);
    }
    memory_free(generation->db->memory, generation->batches);
    generation->batches = NULL;
    generation->batching = false;
    generation->batch_count = 0;
    keys_wait(generation, 0);
}

/* The tree's place in the batch, first where it was last time; NULL: there is none for it. */
static struct tree_batch *batch_of(struct generation *generation, uint64_t tree, uint32_t *place)
{
    size_t i = *place;
    if (i < generation->batch_count && generation->batches[i].tree == tree)
        return &generation->batches[i];
    for (i = 0; i < generation->batch_count && generation->batches[i].tree != tree;)
        i++;
    if (i == BATCH_TREES)
        return NULL;
    if (i == generation->batch_count)
        generation->batches[generation->batch_count++] =
            (struct tree_batch){.tree = tree, .texts = {.memory = generation->db->memory}};
    *place = (uint32_t)i;
    return &generation->batches[i];
}

static bool key_add(struct generation *generation, struct tree_batch *batch, struct tree_key key)
{
    if (!memory_grow(generation->db->memory, (void **)&batch->keys, &batch->capacity, batch->count + 1,
                     sizeof *batch->keys))
        return false;
    batch->keys[batch->count++] = key;
    keys_wait(generation, generation->batch_keys + 1);
    return generation->batch_keys < BATCH_KEYS || batch_insert(generation);
}

static bool key_insert(struct generation *generation, uint64_t tree, uint32_t *place, struct tree_key key)
{
    struct tree_batch *batch = generation->batching ? batch_of(generation, tree, place) : NULL;
    return batch == NULL ? tree_insert(generation->arena, tree, key) : key_add(generation, batch, key);
}

static bool text_insert(struct generation *generation, struct field *field, struct tree_text text)
{
    enum { TEXTS_MOST = 1 << 26 };
    struct tree_batch *batch = generation->batching ? batch_of(generation, field->tree, &field->tree_batch) : NULL;
    if (batch == NULL)
        return tree_insert_text(generation->arena, field->tree, text);
    if (batch->texts.length > TEXTS_MOST && !batch_insert_one(generation, batch))
        return false;
    struct tree_key key = {tree_text_prefix(text.bytes, text.length),
                           (uint64_t)batch->texts.length << 32 | text.number};
    buffer_append(&batch->texts, &text.length, sizeof text.length);
    buffer_append(&batch->texts, text.bytes, text.length);
    if (!batch->texts.failed)
        return key_add(generation, batch, key);
    batch->texts.failed = false;
    return false;
}

static bool text_remove(struct generation *generation, struct field *field, struct tree_text text)
{
    if (tree_remove_text(generation->arena, field->tree, text))
        return true;
    struct tree_batch *batch = generation->batch_keys == 0 || generation->arena->damaged
                                   ? NULL
                                   : batch_of(generation, field->tree, &field->tree_batch);
    return batch != NULL && batch->count > 0 && batch_insert_one(generation, batch) &&
           tree_remove_text(generation->arena, field->tree, text);
}

/* What is not in the tree may be among the keys that wait for it.  (One that is
 * in both was put in twice, and will be taken out twice.) */
static bool key_remove(struct generation *generation, uint64_t tree, uint32_t *place, struct tree_key key)
{
    if (tree_remove(generation->arena, tree, key))
        return true;
    struct tree_batch *batch =
        generation->batch_keys == 0 || generation->arena->damaged ? NULL : batch_of(generation, tree, place);
    return batch != NULL && batch->count > 0 && batch_insert_one(generation, batch) &&
           tree_remove(generation->arena, tree, key);
}

static bool change_key(struct generation *generation, struct field *field, uint64_t high, uint32_t number, bool insert)
{
    struct tree_key key = {high, number};
    if (insert)
        return key_insert(generation, field->tree, &field->tree_batch, key);
    /* Two items may have had one key: that it is gone already is fine. */
    return key_remove(generation, field->tree, &field->tree_batch, key) || !generation->arena->damaged;
}

static bool change_list_tree(struct generation *generation, struct field *field, uint32_t number,
                             const struct value *value, bool insert)
{
    struct items items = items_open(value);
    struct item item;
    struct part part;
    while (items_next(&items, &item)) {
        struct phone phone;
        uint64_t high;
        if (!part_find(&item, CRM_PART_VALUE, &part))
            continue;
        if (field->type == CRM_TYPE_TAGS)
            high = index_tag_hash(generation, part.text, part.length, &generation->key);
        else if (phone_digits(part.text, part.length, &phone))
            high = phone_key(&phone);
        else
            continue;
        if (!change_key(generation, field, high, number, insert))
            return false;
    }
    return true;
}

static bool change_tree(struct generation *generation, struct field *field, uint32_t number, const struct value *value,
                        bool insert)
{
    if (field_tree_make(generation, field) == 0)
        return false;
    if (type_is_list(field->type))
        return change_list_tree(generation, field, number, value, insert);
    if (field->type != CRM_TYPE_TEXT)
        return change_key(generation, field,
                          value->what == VALUE_REAL ? index_real_key(value->real)
                                                    : index_int_key(field, value->integer),
                          number, insert);
    const char *text;
    size_t length;
    struct buffer *key = &generation->key;
    if (!value_text(value, &generation->texts, &text, &length))
        return false;
    buffer_reset(key);
    if (!text_fold(key, text, length) || key->length > UINT32_MAX)
        return false;
    struct tree_text entry = {key->data, (uint32_t)key->length, number};
    return insert ? text_insert(generation, field, entry) : text_remove(generation, field, entry);
}

static bool set_cell(struct generation *generation, struct kind *kind, struct field *field, uint32_t number,
                     const struct value *value)
{
    if (field_column_make(generation, kind, field) == 0)
        return false;
    void *cell = column_in(generation->arena, field->column, &field->window, number, field->width);
    if (cell == NULL)
        return false;
    int64_t integer = value == NULL ? (field->width == 8              ? INT64_MIN
                                       : field->type == CRM_TYPE_DATE ? INT32_MIN
                                                                      : -1)
                                    : value->integer;
    if (field->type == CRM_TYPE_REAL) {
        uint64_t none = UINT64_C(0x7ff8000000000000);
        memcpy(cell, value == NULL ? (const void *)&none : &value->real, 8);
        return true;
    }
    switch (field->width) {
    case 1: *(uint8_t *)cell = (uint8_t)integer; break;
    case 2: *(uint16_t *)cell = (uint16_t)integer; break;
    case 4: *(uint32_t *)cell = (uint32_t)integer; break;
    default: *(int64_t *)cell = integer; break;
    }
    return true;
}

static bool has_table(const struct field *field)
{
    return (field->flags & (CRM_FLAG_UNIQUE | CRM_FLAG_KEY)) != 0 || field->type == CRM_TYPE_EMAILS;
}

static bool has_tree(const struct field *field)
{
    return (field->flags & CRM_FLAG_INDEXED) != 0 || field->type == CRM_TYPE_PHONES;
}

/* NULL: not set (or not live). */
static bool change_field(struct generation *generation, struct kind *kind, struct field *field, uint32_t number,
                         const struct value *old, const struct value *new, bool live)
{
    if (old != NULL && new != NULL && value_equal(old, new))
        return true;
    if (has_tree(field) && ((old != NULL && !change_tree(generation, field, number, old, false)) ||
                            (new != NULL && !change_tree(generation, field, number, new, true))))
        return false;
    if (has_table(field) && ((old != NULL && !change_table(generation, field, number, old, false)) ||
                             (new != NULL && !change_table(generation, field, number, new, true))))
        return false;
    return field->width == 0 || !live || (old == NULL && new == NULL) || set_cell(generation, kind, field, number, new);
}

/* The timeline of what a field refers to; INT64_MIN, no instant: behind all others, newest first. */
static bool change_timeline(struct generation *generation, struct field *field, uint32_t number,
                            const struct value *value, int64_t moment, bool insert)
{
    if (field_timeline_make(generation, field) == 0)
        return false;
    struct tree_key key = index_timeline_key(index_group(field, value->integer), moment, number);
    return insert ? key_insert(generation, field->timeline, &field->timeline_batch, key)
                  : key_remove(generation, field->timeline, &field->timeline_batch, key);
}

static bool change_timelines(struct generation *generation, struct kind *kind, uint32_t number,
                             const struct version *version, bool insert)
{
    struct value moment = value_int(INT64_MIN), value;
    if (version == NULL)
        return true;
    if (kind->moment != NULL && version_get(version, kind->moment->number, &moment) <= 0)
        moment = value_int(INT64_MIN);
    for (uint32_t i = 0; i < kind->indexed_count; i++) {
        struct field *field = kind->indexed[i];
        if ((field->flags & CRM_FLAG_TIMELINE) && version_get(version, field->number, &value) > 0 &&
            !change_timeline(generation, field, number, &value, moment.integer, insert))
            return false;
    }
    return true;
}

static bool change_one(struct generation *generation, struct kind *kind, struct field *field, uint32_t number,
                       const struct version *before, const struct version *after)
{
    struct value old, new;
    bool had = before != NULL && version_get(before, field->number, &old) == 1;
    bool has = after != NULL && version_get(after, field->number, &new) == 1;
    return change_field(generation, kind, field, number, had ? &old : NULL, has ? &new : NULL, after != NULL);
}

COLD static bool change_all(struct generation *generation, struct kind *kind, uint32_t number,
                            const struct version *before, const struct version *after)
{
    for (uint32_t i = 0; i < kind->indexed_count; i++)
        if (!change_one(generation, kind, kind->indexed[i], number, before, after))
            return false;
    return !kind->has_timeline || (change_timelines(generation, kind, number, before, false) &&
                                   change_timelines(generation, kind, number, after, true));
}

bool index_change(struct generation *generation, struct kind *kind, uint32_t number, const struct version *before,
                  const struct version *after, const struct body *only)
{
    if (only == NULL)
        return change_all(generation, kind, number, before, after);
    struct body body = *only;
    struct value value;
    bool timeline = false;
    int got;
    /* The usual case, a new version's own fields, needs no second search. */
    bool own = after != NULL && after->count > 0 && only->end == after->segments[0].bytes + after->segments[0].length;
    while ((got = body_next(&body, &value)) == 1) {
        struct field *field = schema_field(kind, body.field);
        struct value old;
        if (field == NULL || !field->indexed)
            continue;
        bool had = own && before != NULL && version_get(before, field->number, &old) == 1;
        if (own ? !change_field(generation, kind, field, number, had ? &old : NULL,
                                value.what == VALUE_NULL ? NULL : &value, true)
                : !change_one(generation, kind, field, number, before, after))
            return false;
        timeline |= (field->flags & CRM_FLAG_TIMELINE) != 0 || field == kind->moment;
    }
    return got == 0 && (!kind->has_timeline || !timeline ||
                        (change_timelines(generation, kind, number, before, false) &&
                         change_timelines(generation, kind, number, after, true)));
}

/* A record's first version, on the path of every load: each field is met once;
 * the timelines, which need the moment, come last. */
bool index_add(struct generation *generation, struct kind *kind, uint32_t number, struct field *field,
               const struct value *value)
{
    if (!field->indexed)
        return true;
    if (field == kind->moment)
        generation->moment = value->integer;
    if (field->flags & CRM_FLAG_TIMELINE) {
        if (!memory_grow(generation->db->memory, (void **)&generation->references_added, &generation->added_capacity,
                         generation->added_count + 1, sizeof *generation->references_added))
            return false;
        generation->references_added[generation->added_count++] = (struct reference){field, *value};
    }
    return change_field(generation, kind, field, number, NULL, value, true);
}

bool index_added(struct generation *generation, uint32_t number)
{
    bool fine = true;
    for (size_t i = 0; fine && i < generation->added_count; i++)
        fine = change_timeline(generation, generation->references_added[i].field, number,
                               &generation->references_added[i].value, generation->moment, true);
    generation->added_count = 0;
    generation->moment = INT64_MIN;
    return fine;
}

COLD void index_clear_columns(struct generation *generation, struct kind *kind, uint32_t number)
{
    for (uint32_t i = 0; i < kind->indexed_count; i++)
        if (kind->indexed[i]->column != 0)
            (void)set_cell(generation, kind, kind->indexed[i], number, NULL);
}

/* Cells are made 64 at a time, so that most records cost no call. */
COLD bool index_reserve(struct generation *generation, struct kind *kind, uint32_t number)
{
    struct kind_store *store = kind_store(generation, kind);
    if (store == NULL || number > UINT32_MAX - 64)
        return false;
    uint32_t wanted = (number | 63) + 1;
    if (!column_reserve(generation->arena, store->rows_column, wanted) ||
        !column_reserve(generation->arena, store->ids_column, wanted))
        return false;
    for (uint32_t i = 0; i < kind->indexed_count; i++)
        if (kind->indexed[i]->column != 0 && !column_reserve(generation->arena, kind->indexed[i]->column, wanted))
            return false;
    return true;
}
