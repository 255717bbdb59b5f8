/* company.c: see company.h. */
#include "company.h"

#include "../stress/stress.h"

#include <stdio.h>
#include <string.h>

static const char *const texts[] = {"Müller",   "mueller",        "Muller & Söhne", "ACME",     "acme gmbh",
                                    "Ångström", "İstanbul",       "ISTANBUL",       "Straße 1", "阿里巴巴",
                                    "",         "  two  blanks ", "O'Neil",         "%_\\\"'"};
static const char *const emails[] = {"a@north.example", "B@North.Example;office@south.example", "c@south.example", ""};
static const char *const phones[] = {"+49 30 901820", "030 901820;+1 212 5550100", "901820", "1234", ""};
static const char *const tags[] = {"red;Green", "BLUE", "Straße", "red", ""};
static const char *const numbers[] = {"0", "-1", "7", "1234567.5", "0.01", "999999999999", "-0.5"};
static const char *const times[] = {"1969-12-31T23:59:59.999999Z",
                                    "1970-01-01",
                                    "2017-03-01T10:00:00Z",
                                    "2023-11-14",
                                    "2024-02-29",
                                    "-0044-03-15",
                                    "+12024-01-01"};
#define ANY(list, state) (list)[stress_below(state, sizeof(list) / sizeof *(list))]

struct chosen {
    uint32_t field;
    bool needed, refused;
    char text[64];
};

/* Ids that every run makes alike. */
static void make_id(uint32_t kind, uint32_t number, crm_id *id)
{
    *id = (crm_id){{0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80}};
    id->bytes[13] = (uint8_t)(kind >> 8);
    id->bytes[14] = (uint8_t)kind;
    id->bytes[15] = (uint8_t)number;
}

/* A value for the field, as text; a reference by its id. */
static void any_value(crm_db *db, uint32_t kind, uint32_t field, uint64_t *state, char *out, size_t size)
{
    const char *text = "";
    int32_t type = crm_field_type(db, kind, field);
    char id[37];
    switch (type) {
    case CRM_TYPE_TEXT:
    case CRM_TYPE_ADDRESSES: text = ANY(texts, state); break;
    case CRM_TYPE_EMAILS: text = ANY(emails, state); break;
    case CRM_TYPE_PHONES: text = ANY(phones, state); break;
    case CRM_TYPE_TAGS: text = ANY(tags, state); break;
    case CRM_TYPE_TIME:
    case CRM_TYPE_DATE: text = ANY(times, state); break;
    case CRM_TYPE_BOOL: text = stress_below(state, 2) ? "true" : "false"; break;
    case CRM_TYPE_CURRENCY: text = stress_below(state, 2) ? "EUR" : "JPY"; break;
    case CRM_TYPE_CHOICE: {
        uint32_t count = crm_choice_count(db, kind, field);
        int64_t code = count == 0 ? 0 : crm_choice_at(db, kind, field, stress_below(state, count));
        text = count == 0 ? "" : crm_choice_name(db, kind, field, code);
        break;
    }
    case CRM_TYPE_REF:
    case CRM_TYPE_ANY_REF: {
        crm_id target;
        make_id(type == CRM_TYPE_REF ? crm_field_target(db, kind, field) : (uint32_t)CRM_KIND_CUSTOMER,
                stress_below(state, 6), &target);
        crm_id_format(&target, id);
        text = id;
        break;
    }
    default: text = ANY(numbers, state); break;
    }
    snprintf(out, size, "%s", text);
}

/* Sets what was chosen but for what is refused: a failure takes the record with
 * it, so it is made again without.  At most one field is given up a time. */
static bool try_change(crm_txn *txn, uint32_t kind, const crm_id *id, bool fresh, struct chosen *chosen, size_t count)
{
    crm_record *record = fresh ? crm_create_with_id(txn, kind, id) : crm_edit(txn, kind, id);
    for (size_t i = 0; record != NULL && i < count; i++) {
        if (chosen[i].refused || crm_set_parsed(record, chosen[i].field, chosen[i].text, CRM_NUL) == CRM_OK)
            continue;
        chosen[i].refused = true;
        crm_txn_forgive(txn);
        return false;
    }
    bool done = crm_txn_status(txn, NULL) == CRM_OK;
    crm_txn_forgive(txn);
    if (done || count == 0)
        return true;
    for (size_t i = count; i-- > 0;)
        if (!chosen[i].refused && !chosen[i].needed) {
            chosen[i].refused = true; /* a rule forbids some of it together */
            return false;
        }
    return true;
}

static void change(crm_txn *txn, uint32_t kind, uint32_t number, bool fresh, uint64_t *state)
{
    enum { FIELDS = 64 };
    struct chosen chosen[FIELDS];
    crm_db *db = crm_view_db(crm_txn_view(txn));
    crm_id id;
    size_t count = 0;
    make_id(kind, number, &id);
    for (uint32_t i = 0; i < crm_field_count(db, kind) && count < FIELDS; i++) {
        uint32_t field = crm_field_at(db, kind, i), flags = crm_field_flags(db, kind, field);
        bool needed = fresh && (flags & CRM_FLAG_REQUIRED) != 0;
        if ((flags & CRM_FLAG_SYSTEM) || field < CRM_FIELD_OWNER || (!needed && stress_below(state, 3) != 0))
            continue;
        struct chosen *one = &chosen[count++];
        *one = (struct chosen){.field = field, .needed = needed};
        do
            any_value(db, kind, field, state, one->text, sizeof one->text);
        while (needed && one->text[0] == '\0');
    }
    while (!try_change(txn, kind, &id, fresh, chosen, count))
        continue;
}

static void delete_one(crm_txn *txn, uint32_t kind, uint32_t number)
{
    crm_id id;
    make_id(kind, number, &id);
    (void)crm_delete(crm_edit(txn, kind, &id));
    (void)crm_txn_status(txn, NULL);
    crm_txn_forgive(txn);
}

void company_fill(crm_db *db)
{
    static const uint32_t kinds[] = {CRM_KIND_CUSTOMER, CRM_KIND_PRODUCT,     CRM_KIND_USER,        CRM_KIND_CAMPAIGN,
                                     CRM_KIND_CONTACT,  CRM_KIND_OPPORTUNITY, CRM_KIND_INTERACTION, CRM_USER_KIND};
    enum { KINDS = sizeof kinds / sizeof *kinds, EACH = 14 };
    crm_error error;
    uint64_t state = 1;
    for (int round = 0; round < COMPANY_LSNS; round++) {
        crm_txn *txn = NULL;
        crm_set_now(db, FUZZ_NOW + round * INT64_C(86400000000));
        MUST_OK(crm_begin(db, &txn, &error), &error);
        MUST(crm_txn_set_actor(txn, round % 2 == 0 ? "mia" : "ole") == CRM_OK);
        MUST(crm_txn_set_batch(txn, round % 4 == 0 ? "batch" : "") == CRM_OK);
        for (uint32_t k = 0; k < KINDS; k++)
            for (uint32_t i = 0; i < EACH; i++)
                if (round == 0 || (i + k + (uint32_t)round) % 7 == 0)
                    change(txn, kinds[k], i, round == 0, &state);
        if (round > 2)
            delete_one(txn, kinds[(uint32_t)round % KINDS], (uint32_t)round);
        MUST_OK(crm_commit(txn, NULL, &error), &error);
    }
    crm_set_now(db, FUZZ_NOW + COMPANY_LSNS * INT64_C(86400000000));
}
