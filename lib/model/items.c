/* items: changing the lists of a record: e-mails, phones, addresses, external
 * ids, tags and references.
 *
 * A list is stored as one value, so a change writes it anew; lists are short.
 */
#include "model/txn.h"

#include "model/email.h"
#include "model/parse.h"
#include "model/phone.h"
#include "model/text.h"

#include <string.h>

enum { ITEMS_MAX = 10000 };

/* Lists are built anew again and again: the transaction keeps the memory. */
static void borrow(crm_txn *txn, struct buffer *buffer)
{
    *buffer = txn->spare_count > 0 ? txn->spares[--txn->spare_count] : (struct buffer){.memory = txn->db->memory};
    buffer_reset(buffer);
}

static void give_back(crm_txn *txn, struct buffer *buffer)
{
    enum { KEPT = 1 << 16 };
    if (txn->spare_count < TXN_SPARES && buffer->capacity <= KEPT && buffer->data != NULL)
        txn->spares[txn->spare_count++] = *buffer;
    else
        buffer_free(buffer);
}

/* The list as it is now, in a buffer that is borrowed. */
static int32_t begin(crm_record *record, uint32_t number, struct field **field, struct buffer *list)
{
    struct value value;
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    crm_txn *txn = record->txn;
    *list = (struct buffer){.memory = txn->db->memory};
    *field = schema_field(record->kind, number);
    if (txn->status != CRM_OK)
        return txn->status;
    if (*field == NULL || !type_is_list((*field)->type))
        return txn_fail(txn, CRM_INVALID, "field %u of a %s is no list", number, record->kind->name);
    int32_t status = txn_open_record(txn, record);
    if (status != CRM_OK)
        return status;
    if (crm_record_deleted(record))
        return txn_fail(txn, CRM_REFUSED, "this %s is deleted; restore it before changing it", record->kind->name);
    borrow(txn, list);
    if (record_value(record, number, &value) == 1)
        buffer_append(list, value.bytes, value.length);
    return CRM_OK;
}

int32_t items_put(crm_record *record, struct field *field, struct buffer *list)
{
    crm_txn *txn = record->txn;
    int32_t status;
    struct value value = value_bytes(list->data, list->length);
    if (list->length == 0)
        value.what = VALUE_NULL;
    if (list->failed)
        status = txn_nomem(txn);
    else if (list->length > VALUE_TEXT_MAX || items_count(&value) > ITEMS_MAX)
        status = txn_fail(txn, CRM_INVALID, "%s.%s: a list has at most %d items", record->kind->name, field->name,
                          ITEMS_MAX);
    else
        status = txn_put(record, field, &value);
    give_back(txn, list);
    return status;
}

static int32_t bad_item(crm_record *record, const struct field *field, const char *text, size_t length, const char *why)
{
    return txn_fail(record->txn, CRM_INVALID, "%s.%s: \"%.*s\" %s", record->kind->name, field->name,
                    (int)text_cut(text, length, 60), text, why);
}

int32_t items_check(crm_record *record, const struct field *field, const char *text, size_t length)
{
    struct phone phone;
    struct buffer *scratch = &record->txn->scratch;
    if (!text_valid(text, length))
        return txn_fail(record->txn, CRM_INVALID, "%s.%s: the value is not UTF-8", record->kind->name, field->name);
    if (length == 0 || length > 65535)
        return bad_item(record, field, text, length, "must have 1 to 65,535 bytes");
    buffer_reset(scratch);
    switch (field->type) {
    case CRM_TYPE_EMAILS:
        if (!email_normalise(scratch, text, length) || !email_valid((const char *)scratch->data, scratch->length))
            return scratch->failed
                       ? txn_nomem(record->txn)
                       : bad_item(record, field, text, length, "is not an e-mail address like name@example.com");
        break;
    case CRM_TYPE_PHONES:
        if (!phone_digits(text, length, &phone))
            return bad_item(record, field, text, length, "is not a telephone number (1 to 15 digits)");
        break;
    default: break;
    }
    return CRM_OK;
}

static void put_part(struct buffer *out, int32_t what, const char *text, size_t length)
{
    struct part part = {.what = what, .text = text, .length = length};
    part_put(out, &part);
}

void items_put_value(struct buffer *out, const struct field *field, const char *text, size_t length)
{
    const char *colon = field->type == CRM_TYPE_EXTERNAL_IDS ? memchr(text, ':', length) : NULL;
    size_t system = colon == NULL ? 0 : (size_t)(colon - text);
    if (system == 0 || system + 1 == length) {
        put_part(out, field->type == CRM_TYPE_ADDRESSES ? CRM_PART_STREET : CRM_PART_VALUE, text, length);
        return;
    }
    put_part(out, CRM_PART_VALUE, colon + 1, length - system - 1);
    put_part(out, CRM_PART_SYSTEM, text, system);
}

/* The first of a list is the primary one until another is chosen. */
static void put_primary(struct buffer *out, const struct field *field, const struct buffer *list)
{
    struct part part = {.what = CRM_PART_PRIMARY, .integer = 1, .text = ""};
    if (list_is_ranked(field) && list->length == 0)
        part_put(out, &part);
}

static bool has_tag(const struct buffer *list, const char *text, size_t length)
{
    struct value value = value_bytes(list->data, list->length);
    struct items items = items_open(&value);
    struct item item;
    struct part part;
    while (items_next(&items, &item))
        if (part_find(&item, CRM_PART_VALUE, &part) && part.length == length && memcmp(part.text, text, length) == 0)
            return true;
    return false;
}

int32_t crm_item_add(crm_record *record, uint32_t number, const char *text, size_t length)
{
    struct field *field;
    struct buffer list, parts;
    int32_t status = begin(record, number, &field, &list);
    if (status != CRM_OK)
        return status;
    length = text == NULL ? 0 : length == CRM_NUL ? strlen(text) : length;
    if (text == NULL)
        text = "";
    borrow(record->txn, &parts);
    status = field->type == CRM_TYPE_REFS
                 ? txn_fail(record->txn, CRM_INVALID, "%s.%s takes references: crm_item_add_ref", record->kind->name,
                            field->name)
                 : items_check(record, field, text, length);
    if (status != CRM_OK || (field->type == CRM_TYPE_TAGS && has_tag(&list, text, length)))
        goto out;
    bool address = field->type == CRM_TYPE_ADDRESSES; /* parts lie in the order of their numbers */
    if (address)
        put_primary(&parts, field, &list);
    items_put_value(&parts, field, text, length);
    if (!address)
        put_primary(&parts, field, &list);
    list.failed |= parts.failed;
    item_put(&list, parts.data, parts.length);
    give_back(record->txn, &parts);
    return items_put(record, field, &list);
out:
    give_back(record->txn, &parts);
    give_back(record->txn, &list);
    return status;
}

int32_t crm_item_add_ref(crm_record *record, uint32_t number, uint32_t kind, const crm_id *id, const char *role,
                         size_t role_length)
{
    struct field *field;
    struct buffer list, parts;
    int32_t status = begin(record, number, &field, &list);
    if (status != CRM_OK)
        return status;
    crm_txn *txn = record->txn;
    role_length = role == NULL ? 0 : role_length == CRM_NUL ? strlen(role) : role_length;
    struct kind *target = schema_kind(&txn->generation->schema, kind);
    borrow(txn, &parts);
    uint32_t found = UINT32_MAX;
    if (target != NULL && id != NULL)
        found = row_find(txn->generation, target, id);
    if (field->type != CRM_TYPE_REFS || found == UINT32_MAX || (role_length > 0 && !text_valid(role, role_length))) {
        status =
            txn_fail(txn, CRM_NOT_FOUND, "%s.%s: there is no such record to refer to", record->kind->name, field->name);
        give_back(record->txn, &parts);
        give_back(record->txn, &list);
        return status;
    }
    struct part part = {.what = CRM_PART_REF, .kind = kind, .number = found, .text = ""};
    if (role_length > 0)
        put_part(&parts, CRM_PART_ROLE, role, role_length);
    part_put(&parts, &part);
    list.failed |= parts.failed;
    item_put(&list, parts.data, parts.length);
    give_back(record->txn, &parts);
    return items_put(record, field, &list);
}

/* Copies an item with one part changed (an empty text and integer 0: taken
 * away).  Parts lie in the order of their numbers, so that equal items are equal
 * bytes, however they came about. */
static void copy_item(struct buffer *out, const struct item *item, const struct part *change)
{
    struct item rest = *item;
    struct part part;
    bool due = part_is_int(change->what) ? change->integer != 0 : change->length > 0;
    while (part_next(&rest, &part)) {
        if (due && part.what > change->what) {
            part_put(out, change);
            due = false;
        }
        if (part.what != change->what)
            part_put(out, &part);
    }
    if (due)
        part_put(out, change);
}

/* Rewrites the list with one item's part changed; `only` -1: in all items. */
static int32_t change_part(crm_record *record, uint32_t number, uint32_t position, const struct part *change)
{
    struct field *field;
    struct buffer list, out, parts;
    int32_t status = begin(record, number, &field, &list);
    if (status != CRM_OK)
        return status;
    borrow(record->txn, &out);
    borrow(record->txn, &parts);
    struct value value = value_bytes(list.data, list.length);
    struct items items = items_open(&value);
    struct item item;
    uint32_t at = 0;
    bool found = false;
    for (; items_next(&items, &item); at++) {
        struct part none = {.what = CRM_PART_PRIMARY, .text = ""};
        bool alone = change->what == CRM_PART_PRIMARY && change->integer != 0; /* one primary a list */
        parts.length = 0;
        if (at == position)
            copy_item(&parts, &item, change);
        else if (alone)
            copy_item(&parts, &item, &none);
        else
            buffer_append(&parts, item.at, (size_t)(item.end - item.at));
        found |= at == position;
        item_put(&out, parts.data, parts.length);
        out.failed |= parts.failed;
    }
    give_back(record->txn, &parts);
    give_back(record->txn, &list);
    if (found)
        return items_put(record, field, &out);
    give_back(record->txn, &out);
    return txn_fail(record->txn, CRM_INVALID, "%s.%s has %u items, there is no item %u", record->kind->name,
                    field->name, at, position);
}

int32_t crm_item_set_text(crm_record *record, uint32_t number, uint32_t item, int32_t part, const char *text,
                          size_t length)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    length = text == NULL ? 0 : length == CRM_NUL ? strlen(text) : length;
    if (text == NULL)
        text = "";
    struct field *field = schema_field(record->kind, number);
    bool known = part >= CRM_PART_VALUE && part <= CRM_PART_ROLE && !part_is_int(part);
    if (field == NULL || !known || !text_valid(text, length) || length > 65535)
        return txn_fail(record->txn, CRM_INVALID, "an item's part %d takes UTF-8 text of at most 65,535 bytes", part);
    if (part == CRM_PART_VALUE) {
        int32_t status = items_check(record, field, text, length);
        if (status != CRM_OK)
            return status;
    }
    struct part change = {.what = part, .text = text, .length = length};
    return change_part(record, number, item, &change);
}

int32_t crm_item_set_int(crm_record *record, uint32_t number, uint32_t item, int32_t part, int64_t value)
{
    if (record == NULL || record->txn == NULL)
        return CRM_MISUSE;
    if (!part_is_int(part) || (value != 0 && value != 1))
        return txn_fail(record->txn, CRM_INVALID, "an item's part %d does not take the number %lld", part,
                        (long long)value);
    struct part change = {.what = part, .integer = value, .text = ""};
    return change_part(record, number, item, &change);
}

int32_t crm_item_remove(crm_record *record, uint32_t number, uint32_t position)
{
    struct field *field;
    struct buffer list, out;
    int32_t status = begin(record, number, &field, &list);
    if (status != CRM_OK)
        return status;
    borrow(record->txn, &out);
    struct value value = value_bytes(list.data, list.length);
    struct items items = items_open(&value);
    struct item item;
    uint32_t at = 0;
    for (; items_next(&items, &item); at++)
        if (at != position)
            item_put(&out, item.at, (size_t)(item.end - item.at));
    give_back(record->txn, &list);
    if (position < at)
        return items_put(record, field, &out);
    give_back(record->txn, &out);
    return txn_fail(record->txn, CRM_INVALID, "%s.%s has %u items, there is no item %u", record->kind->name,
                    field->name, at, position);
}
