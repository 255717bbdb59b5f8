/* fuzz_set: any text as the value of any field.
 *
 * The first byte chooses the kind; every field of it takes the text, by itself
 * and then all of them in one record.  What a setter took, the getters give;
 * written by crm_format it is taken again and is the same; committed, it is
 * there after opening again.  What it refused left the record as it was.
 */
#include "import.h"
#include "model/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MOST = 64 };
static const uint32_t kinds[] = {CRM_USER_KIND,        CRM_KIND_CUSTOMER, CRM_KIND_CONTACT, CRM_KIND_OPPORTUNITY,
                                 CRM_KIND_INTERACTION, CRM_KIND_PRODUCT,  CRM_KIND_STAGE};

static struct dump format_of(const crm_record *record, uint32_t field)
{
    struct dump text = {0};
    size_t length = 0;
    const char *written = crm_format(record, field, &length);
    MUST(written != NULL && written[length] == '\0');
    dump_put(&text, written, length);
    return text;
}

/* One field: taken and written, it is taken again and written the same. */
static void try_field(crm_txn *txn, uint32_t kind, uint32_t field, const char *text, size_t length)
{
    crm_record *record = crm_create(txn, kind);
    crm_error error = {0};
    struct dump before = format_of(record, field);
    int32_t status = crm_set_parsed(record, field, text, length);
    struct dump first = format_of(record, field);
    if (status != CRM_OK) {
        MUST(crm_txn_status(txn, &error) != CRM_OK && error.message[0] != '\0');
        crm_txn_forgive(txn);
        MUST(dump_equal(&before, &first));
    } else if (crm_has(record, field)) {
        MUST(text_valid(first.bytes, first.length));
        MUST(crm_set_null(record, field) == CRM_OK && !crm_has(record, field));
        MUST(crm_set_parsed(record, field, first.bytes, first.length) == CRM_OK || first.length == 0);
        struct dump again = format_of(record, field);
        MUST(dump_equal(&first, &again));
        free(again.bytes);
        MUST(crm_display(record, field, NULL) != NULL && crm_record_status(record) == CRM_OK);
    }
    free(before.bytes);
    free(first.bytes);
    /* A record that nobody wants; what it lacks is no matter. */
    (void)crm_txn_status(txn, NULL);
    crm_txn_forgive(txn);
}

/* After a failure the record is gone: each attempt has one of its own. */
static crm_record *fresh(crm_txn *txn, uint32_t kind)
{
    (void)crm_txn_status(txn, NULL);
    crm_txn_forgive(txn);
    return crm_create(txn, kind);
}

static void try_setters(crm_txn *txn, uint32_t kind, uint32_t field, const char *text, size_t length)
{
    crm_record *record = fresh(txn, kind);
    int64_t integer = 0;
    double real = 0;
    memcpy(&integer, text, length < sizeof integer ? length : sizeof integer);
    memcpy(&real, &integer, sizeof real);
    if (crm_set_int(record, field, integer) == CRM_OK && crm_has(record, field))
        MUST(crm_int(record, field) == integer);
    record = fresh(txn, kind);
    if (crm_set_real(record, field, real) == CRM_OK && crm_has(record, field))
        MUST(crm_real(record, field) == real);
    record = fresh(txn, kind);
    if (crm_set_text(record, field, text, length) == CRM_OK && crm_has(record, field)) {
        size_t size = 0;
        const char *got = crm_text(record, field, &size);
        MUST(size == length && memcmp(got, text, length) == 0);
    }
    for (int32_t part = CRM_PART_VALUE; part <= CRM_PART_REF; part++) {
        record = fresh(txn, kind);
        if (crm_item_add(record, field, text, length) != CRM_OK)
            continue;
        MUST(crm_item_count(record, field) == 1);
        if (crm_item_set_text(record, field, 0, part, text, length) == CRM_OK) {
            size_t size = 0;
            const char *got = crm_item_text(record, field, 0, part, &size);
            MUST(got[size] == '\0' && text_valid(got, size));
        }
        record = fresh(txn, kind);
        if (crm_item_add(record, field, text, length) == CRM_OK &&
            crm_item_set_int(record, field, 0, part, integer & 1) == CRM_OK)
            MUST(crm_item_int(record, field, 0, part) == (integer & 1));
    }
    (void)fresh(txn, kind);
}

static bool takes(crm_txn *txn, uint32_t kind, uint32_t field, const char *text, size_t length)
{
    return crm_set_parsed(fresh(txn, kind), field, text, length) == CRM_OK;
}

/* All fields of one record, and it must come back from the file as it was. */
static void keep_all(crm_db **db, uint32_t kind, const char *text, size_t length)
{
    crm_txn *txn = NULL;
    crm_view *view = NULL;
    crm_error error;
    crm_id id;
    struct dump one = {0}, other = {0};
    bool taken[FIELDS_MOST] = {false};
    MUST_OK(crm_begin(*db, &txn, &error), &error);
    for (uint32_t i = 0; i < crm_field_count(*db, kind) && i < FIELDS_MOST; i++)
        taken[i] = takes(txn, kind, crm_field_at(*db, kind, i), text, length);
    crm_rollback(txn);
    MUST_OK(crm_begin(*db, &txn, &error), &error);
    crm_record *record = crm_create(txn, kind);
    crm_record_id(record, &id);
    for (uint32_t i = 0; i < crm_field_count(*db, kind) && i < FIELDS_MOST; i++)
        if (taken[i])
            (void)crm_set_parsed(record, crm_field_at(*db, kind, i), text, length);
    if (crm_commit(txn, NULL, &error) != CRM_OK)
        return;
    for (int round = 0; round < 2; round++) {
        struct dump *out = round == 0 ? &one : &other;
        MUST_OK(crm_view_open(*db, &view, &error), &error);
        MUST_OK(crm_get(view, kind, &id, &record, &error), &error);
        for (uint32_t i = 0; i < crm_field_count(*db, kind); i++) {
            struct dump field = format_of(record, crm_field_at(*db, kind, i));
            dump_print(out, "%u: ", i);
            dump_put(out, field.bytes, field.length);
            free(field.bytes);
        }
        MUST(crm_record_status(record) == CRM_OK);
        crm_record_free(record);
        crm_view_close(view);
        if (round == 0) {
            MUST(crm_close(*db) == CRM_OK);
            MUST_OK(fuzz_open(fuzz_path("set.crm"), FUZZ_EXISTING, db, &error), &error);
        }
    }
    MUST(dump_equal(&one, &other));
    MUST_OK(crm_verify(*db, NULL, &error), &error);
    free(one.bytes);
    free(other.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, bytes + length};
    uint8_t how = input_byte(&input);
    uint32_t kind = kinds[how % (sizeof kinds / sizeof *kinds)];
    const char *text = (const char *)input.at;
    size_t size = input_left(&input);
    crm_db *db = import_database("set.crm");
    crm_txn *txn = NULL;
    crm_error error;
    MUST_OK(crm_begin(db, &txn, &error), &error);
    for (uint32_t i = 0; i < crm_field_count(db, kind); i++) {
        uint32_t field = crm_field_at(db, kind, i);
        try_field(txn, kind, field, text, size);
        if (how & 0x80)
            try_setters(txn, kind, field, text, size);
    }
    crm_rollback(txn);
    keep_all(&db, kind, text, size);
    MUST(crm_close(db) == CRM_OK);
    return 0;
}
