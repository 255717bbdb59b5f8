/* A user's own kinds, fields and choices: usable at once, kept in the file, and
 * gone with a transaction that is rolled back. */
#include <crm.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];
static crm_db *db;

static void open_again(void)
{
    crm_error error;
    crm_options *options = crm_options_create();
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    int32_t status = crm_open(path, options, &db, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    crm_options_free(options);
}

static void close_db(void)
{
    ck_assert_int_eq(crm_close(db), CRM_OK);
}

static void start(void)
{
    char folder[] = "/tmp/crm-define-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.crm", folder);
    open_again();
}

static void finish(void)
{
    char beside[80];
    close_db();
    snprintf(beside, sizeof beside, "%s-index", path);
    unlink(path);
    unlink(beside);
    *strrchr(path, '/') = 0;
    rmdir(path);
}

static void reopen(int without_image)
{
    char beside[80];
    close_db();
    snprintf(beside, sizeof beside, "%s-index", path);
    if (without_image)
        unlink(beside);
    open_again();
}

static crm_txn *begin(void)
{
    crm_error error;
    crm_txn *txn = NULL;
    int32_t status = crm_begin(db, &txn, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
    return txn;
}

static void commit(crm_txn *txn)
{
    crm_error error;
    int32_t status = crm_commit(txn, NULL, &error);
    ck_assert_msg(status == CRM_OK, "%s", error.message);
}

static crm_view *open_view(void)
{
    crm_view *view = NULL;
    ck_assert_int_eq(crm_view_open(db, &view, NULL), CRM_OK);
    return view;
}

static void refused(crm_txn *txn, int32_t status, int32_t got, const char *said)
{
    crm_error error;
    ck_assert_int_eq(got, status);
    ck_assert_int_eq(crm_txn_status(txn, &error), status);
    ck_assert_msg(strstr(error.message, said) != NULL, "\"%s\" does not say \"%s\"", error.message, said);
    crm_txn_forgive(txn);
}

static uint32_t add(crm_txn *txn, uint32_t kind, const char *name, int32_t type, uint32_t flags, uint32_t target)
{
    crm_error error;
    uint32_t field = 0;
    if (crm_field_add(txn, kind, name, CRM_NUL, type, flags, target, &field) != CRM_OK) {
        crm_txn_status(txn, &error);
        ck_abort_msg("%s: %s", name, error.message);
    }
    return field;
}

START_TEST(a_new_kind_is_used_in_the_transaction_that_makes_it)
{
    start();
    uint32_t kind = 0;
    int64_t code = 0;
    crm_id id;
    crm_txn *txn = begin();
    ck_assert_int_eq(crm_kind_add(txn, "vehicle", CRM_NUL, &kind), CRM_OK);
    ck_assert_uint_ge(kind, CRM_USER_KIND);
    uint32_t plate = add(txn, kind, "plate", CRM_TYPE_TEXT, CRM_FLAG_UNIQUE | CRM_FLAG_REQUIRED, 0);
    uint32_t keeper = add(txn, kind, "keeper", CRM_TYPE_REF, CRM_FLAG_INDEXED, CRM_KIND_CUSTOMER);
    uint32_t colour = add(txn, kind, "colour", CRM_TYPE_CHOICE, CRM_FLAG_HOT | CRM_FLAG_INDEXED, 0);
    ck_assert_int_eq(crm_choice_add(txn, kind, colour, "dark red", CRM_NUL, &code), CRM_OK);
    crm_record *acme = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(acme, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_record *car = crm_create(txn, kind);
    crm_record_id(car, &id);
    ck_assert_int_eq(crm_set_text(car, plate, "B-XY 1", CRM_NUL), CRM_OK);
    ck_assert_int_eq(crm_set_ref_record(car, keeper, acme), CRM_OK);
    ck_assert_int_eq(crm_set_parsed(car, colour, "Dark red", CRM_NUL), CRM_OK);
    commit(txn);
    for (int round = 0; round < 3; round++) {
        crm_view *view = open_view();
        crm_record *found = NULL;
        ck_assert_int_eq(crm_find(view, kind, plate, "b-xy 1", CRM_NUL, &found, NULL), CRM_OK);
        ck_assert_str_eq(crm_display(found, keeper, NULL), "Acme");
        ck_assert_str_eq(crm_format(found, colour, NULL), "dark red");
        ck_assert_int_eq(crm_int(found, colour), code);
        crm_record_free(found);
        crm_view_close(view);
        ck_assert_uint_eq(crm_kind_find(db, "vehicle", CRM_NUL), kind);
        ck_assert_uint_eq(crm_field_find(db, kind, "plate", CRM_NUL), plate);
        ck_assert_uint_eq(crm_field_flags(db, kind, plate), CRM_FLAG_UNIQUE | CRM_FLAG_REQUIRED);
        ck_assert_uint_eq(crm_field_target(db, kind, keeper), CRM_KIND_CUSTOMER);
        reopen(round == 1);
    }
    txn = begin();
    car = crm_create(txn, kind);
    ck_assert_int_eq(crm_set_int(car, colour, code), CRM_OK);
    refused(txn, CRM_INVALID, crm_txn_status(txn, NULL), "vehicle.plate is required");
    car = crm_create(txn, kind);
    crm_set_text(car, plate, "B-XY 1", CRM_NUL);
    refused(txn, CRM_DUPLICATE, crm_txn_status(txn, NULL), "vehicle.plate");
    crm_rollback(txn);
    finish();
}
END_TEST

START_TEST(names_begin_with_a_letter_and_are_taken_once)
{
    start();
    crm_txn *txn = begin();
    uint32_t number = 0;
    static const char *const bad[] = {
        "",    "1st", "_x",  "a b",
        "[",   "@",   "`",   "a{",
        "a-b", "ä",   "a.b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}; /* 64 bytes */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refused(txn, CRM_INVALID, crm_kind_add(txn, bad[i], CRM_NUL, &number), "is no name");
        refused(txn, CRM_INVALID, crm_field_add(txn, CRM_KIND_CUSTOMER, bad[i], CRM_NUL, CRM_TYPE_INT, 0, 0, &number),
                "is no name");
    }
    refused(txn, CRM_EXISTS, crm_kind_add(txn, "customer", CRM_NUL, &number), "there is a kind \"customer\" already");
    refused(txn, CRM_EXISTS, crm_field_add(txn, CRM_KIND_CUSTOMER, "name", CRM_NUL, CRM_TYPE_INT, 0, 0, &number),
            "customer has a field \"name\" already");
    ck_assert_int_eq(crm_kind_add(txn, "A9_z", 4, &number), CRM_OK);
    refused(txn, CRM_EXISTS, crm_kind_add(txn, "A9_z", CRM_NUL, &number), "already");
    refused(txn, CRM_INVALID, crm_kind_add(txn, NULL, 0, &number), "a name is needed");
    uint32_t colour = add(txn, number, "colour", CRM_TYPE_CHOICE, 0, 0);
    ck_assert_int_eq(crm_choice_add(txn, number, colour, "red", CRM_NUL, NULL), CRM_OK);
    refused(txn, CRM_EXISTS, crm_choice_add(txn, number, colour, "Red", CRM_NUL, NULL), "a choice \"red\" already");
    refused(txn, CRM_INVALID, crm_choice_add(txn, number, colour, "  ", CRM_NUL, NULL), "1 to 200 bytes");
    refused(txn, CRM_INVALID, crm_choice_add(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_STAGE, "lost", CRM_NUL, NULL),
            "takes no new choices");
    crm_rollback(txn);
    finish();
}
END_TEST

START_TEST(what_a_field_cannot_be_is_said)
{
    start();
    crm_txn *txn = begin();
    uint32_t kind = 0, field = 0;
    ck_assert_int_eq(crm_kind_add(txn, "thing", CRM_NUL, &kind), CRM_OK);
    static const struct {
        int32_t type;
        uint32_t flags, target;
        const char *said;
    } cases[] = {
        {0, 0, 0, "is no type"},
        {14, 0, 0, "is no type"},
        {CRM_TYPE_ID, 0, 0, "is no type"},
        {CRM_TYPE_INT, CRM_FLAG_SYSTEM, 0, "cannot have the flags 32"},
        {CRM_TYPE_TEXT, CRM_FLAG_KEY, 0, "cannot have the flags 256"},
        {CRM_TYPE_REF, 0, 999, "there is no kind 999"},
        {CRM_TYPE_REF, 0, 0, "needs the kind it refers to"},
        {CRM_TYPE_DECIMAL, 0, 10, "0 to 9 decimals"},
        {CRM_TYPE_INT, CRM_FLAG_TIMELINE, 0, "only a reference can have a timeline"},
        {CRM_TYPE_REFS, CRM_FLAG_TIMELINE, 0, "only a reference can have a timeline"},
        {CRM_TYPE_REF, CRM_FLAG_ACYCLIC, CRM_KIND_CUSTOMER, "only a reference to the own kind"},
        {CRM_TYPE_REAL, CRM_FLAG_UNIQUE, 0, "can be unique"},
        {CRM_TYPE_ADDRESSES, CRM_FLAG_INDEXED, 0, "cannot be indexed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(txn, CRM_INVALID,
                crm_field_add(txn, kind, "f", CRM_NUL, cases[i].type, cases[i].flags, cases[i].target, &field),
                cases[i].said);
    refused(txn, CRM_INVALID, crm_field_add(txn, CRM_KIND_FIELD, "f", CRM_NUL, CRM_TYPE_INT, 0, 0, &field),
            "takes no user's fields");
    refused(txn, CRM_INVALID, crm_field_add(txn, 9999, "f", CRM_NUL, CRM_TYPE_INT, 0, 0, &field), "kind 9999");
    crm_record *record = crm_create(txn, kind);
    ck_assert_ptr_nonnull(record);
    refused(txn, CRM_REFUSED, crm_field_add(txn, kind, "f", CRM_NUL, CRM_TYPE_INT, CRM_FLAG_REQUIRED, 0, &field),
            "there are records without it");
    ck_assert_ptr_null(crm_create(txn, CRM_KIND_FIELD));
    refused(txn, CRM_INVALID, CRM_INVALID, "cannot be created by hand");
    crm_rollback(txn);
    finish();
}
END_TEST

/* The next definition takes the number again, and a replay agrees. */
START_TEST(a_rolled_back_definition_leaves_no_trace)
{
    start();
    uint32_t kind = 0, other = 0, fields = crm_field_count(db, CRM_KIND_CUSTOMER), kinds = crm_kind_count(db);
    crm_txn *txn = begin();
    ck_assert_int_eq(crm_kind_add(txn, "gone", CRM_NUL, &kind), CRM_OK);
    add(txn, kind, "a", CRM_TYPE_INT, CRM_FLAG_INDEXED, 0);
    uint32_t gone = add(txn, CRM_KIND_CUSTOMER, "gone", CRM_TYPE_INT, CRM_FLAG_INDEXED | CRM_FLAG_HOT, 0);
    uint32_t colour = add(txn, CRM_KIND_CUSTOMER, "colour", CRM_TYPE_CHOICE, 0, 0);
    ck_assert_int_eq(crm_choice_add(txn, CRM_KIND_CUSTOMER, colour, "red", CRM_NUL, NULL), CRM_OK);
    ck_assert_int_eq(crm_choice_add(txn, CRM_KIND_CONTACT, CRM_CONTACT_LEAD_SOURCE, "radio", CRM_NUL, NULL), CRM_OK);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    ck_assert_int_eq(crm_set_int(record, gone, 5), CRM_OK);
    record = crm_create(txn, kind);
    ck_assert_int_eq(crm_txn_status(txn, NULL), CRM_OK);
    crm_rollback(txn);
    ck_assert_uint_eq(crm_kind_count(db), kinds);
    ck_assert_uint_eq(crm_field_count(db, CRM_KIND_CUSTOMER), fields);
    ck_assert_uint_eq(crm_kind_find(db, "gone", CRM_NUL), 0);
    ck_assert_uint_eq(crm_field_find(db, CRM_KIND_CUSTOMER, "gone", CRM_NUL), 0);
    ck_assert_ptr_null(crm_field_name(db, CRM_KIND_CUSTOMER, gone));
    ck_assert_int_eq(crm_choice_find(db, CRM_KIND_CONTACT, CRM_CONTACT_LEAD_SOURCE, "radio", CRM_NUL), -1);
    txn = begin();
    ck_assert_int_eq(crm_kind_add(txn, "stays", CRM_NUL, &other), CRM_OK);
    uint32_t stays = add(txn, CRM_KIND_CUSTOMER, "stays", CRM_TYPE_TEXT, CRM_FLAG_INDEXED, 0); /* another type */
    ck_assert_uint_eq(stays, gone);
    record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    ck_assert_int_eq(crm_set_text(record, stays, "here", CRM_NUL), CRM_OK);
    commit(txn);
    for (int round = 0; round < 3; round++) {
        crm_view *view = open_view();
        crm_record *found = NULL;
        ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, stays, "here", CRM_NUL, &found, NULL), CRM_OK);
        crm_record_free(found);
        crm_view_close(view);
        ck_assert_uint_eq(crm_kind_find(db, "stays", CRM_NUL), other);
        ck_assert_int_eq(crm_rebuild(db, NULL), CRM_OK);
        reopen(round == 0);
    }
    finish();
}
END_TEST

START_TEST(a_thousand_fields_cost_nothing_that_is_not_used)
{
    start();
    enum { FIELDS = 1000 };
    char name[16];
    uint32_t fields[FIELDS];
    crm_id id;
    crm_txn *txn = begin();
    for (int i = 0; i < FIELDS; i++) {
        snprintf(name, sizeof name, "own_%d", i);
        fields[i] = add(txn, CRM_KIND_CUSTOMER, name, i % 2 ? CRM_TYPE_TEXT : CRM_TYPE_INT,
                        i % 50 == 0 ? CRM_FLAG_INDEXED : 0, 0);
    }
    commit(txn);
    txn = begin();
    for (int c = 0; c < 50; c++) {
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        snprintf(name, sizeof name, "Customer %d", c);
        crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        for (int i = c; i < FIELDS; i += 50) {
            snprintf(name, sizeof name, "%d", i * 3);
            ck_assert_int_eq(crm_set_parsed(record, fields[i], name, CRM_NUL), CRM_OK);
        }
        if (c == 7)
            crm_record_id(record, &id);
    }
    commit(txn);
    for (int round = 0; round < 2; round++) {
        ck_assert_uint_eq(crm_field_find(db, CRM_KIND_CUSTOMER, "own_999", CRM_NUL), fields[FIELDS - 1]);
        crm_view *view = open_view();
        crm_record *record = NULL;
        uint32_t set = 0;
        ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
        for (int i = 0; i < FIELDS; i++) {
            snprintf(name, sizeof name, "%d", i * 3);
            ck_assert_str_eq(crm_format(record, fields[i], NULL), i % 50 == 7 ? name : "");
            set += (uint32_t)crm_has(record, fields[i]);
        }
        ck_assert_uint_eq(set, FIELDS / 50);
        crm_record_free(record);
        crm_query *query = NULL;
        uint64_t count = 0;
        ck_assert_int_eq(crm_query_create(view, CRM_KIND_CUSTOMER, &query, NULL), CRM_OK);
        ck_assert_int_eq(crm_query_where_text(query, fields[100], CRM_OP_EQ, "300", CRM_NUL), CRM_OK);
        ck_assert_int_eq(crm_query_count(query, &count, NULL), CRM_OK);
        ck_assert_uint_eq(count, 1); /* 100 is set for the customers c with 100 = c + 50 n: c = 0 */
        crm_query_free(query);
        crm_view_close(view);
        reopen(round == 0);
    }
    finish();
}
END_TEST

/* The id of a definition's own record. */
static crm_id definition(uint32_t kind, uint32_t name_field, const char *name)
{
    crm_id id = {{0}};
    crm_view *view = open_view();
    crm_query *query = NULL;
    crm_record *record = NULL;
    ck_assert_int_eq(crm_query_create(view, kind, &query, NULL), CRM_OK);
    crm_query_where_text(query, name_field, CRM_OP_EQ, name, CRM_NUL);
    ck_assert_int_eq(crm_query_next(query, &record, NULL), CRM_OK);
    crm_record_id(record, &id);
    crm_query_free(query);
    crm_view_close(view);
    return id;
}

START_TEST(a_deleted_field_is_hidden_and_comes_back_with_its_values)
{
    start();
    crm_txn *txn = begin();
    uint32_t first = add(txn, CRM_KIND_CUSTOMER, "first", CRM_TYPE_INT, CRM_FLAG_INDEXED, 0);
    uint32_t second = add(txn, CRM_KIND_CUSTOMER, "second", CRM_TYPE_INT, 0, 0);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_id customer;
    crm_record_id(record, &customer);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_set_int(record, first, 11);
    crm_set_int(record, second, 22);
    commit(txn);
    uint32_t count = crm_field_count(db, CRM_KIND_CUSTOMER);
    crm_id id = definition(CRM_KIND_FIELD, CRM_FIELD_NAME, "first");
    txn = begin();
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_FIELD, &id)), CRM_OK);
    commit(txn);
    for (int round = 0; round < 3; round++) {
        ck_assert_uint_eq(crm_field_find(db, CRM_KIND_CUSTOMER, "first", CRM_NUL), 0);
        ck_assert_uint_eq(crm_field_count(db, CRM_KIND_CUSTOMER), count - 1);
        ck_assert_uint_eq(crm_field_at(db, CRM_KIND_CUSTOMER, count - 2), second);
        ck_assert_uint_eq(crm_field_at(db, CRM_KIND_CUSTOMER, count - 1), 0);
        reopen(round == 1);
    }
    txn = begin();
    record = crm_edit(txn, CRM_KIND_CUSTOMER, &customer);
    refused(txn, CRM_INVALID, crm_set_int(record, first, 12), "has no field with number");
    refused(txn, CRM_INVALID, crm_set_parsed(record, first, "12", CRM_NUL), "has no field with number");
    ck_assert_ptr_null(crm_field_name(db, CRM_KIND_CUSTOMER, first));
    /* Its name is free for another one meanwhile; its number is not. */
    uint32_t other = add(txn, CRM_KIND_CUSTOMER, "third", CRM_TYPE_TEXT, 0, 0);
    ck_assert_uint_ne(other, first);
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_FIELD, &id)), CRM_OK);
    commit(txn);
    reopen(0);
    crm_view *view = open_view();
    ck_assert_int_eq(crm_find(view, CRM_KIND_CUSTOMER, first, "11", CRM_NUL, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_int(record, first), 11);
    crm_record_free(record);
    crm_view_close(view);
    finish();
}
END_TEST

START_TEST(a_deleted_kind_is_hidden_and_comes_back_with_its_records)
{
    start();
    crm_txn *txn = begin();
    uint32_t tool, machine;
    ck_assert_int_eq(crm_kind_add(txn, "tool", CRM_NUL, &tool), CRM_OK);
    ck_assert_int_eq(crm_kind_add(txn, "machine", CRM_NUL, &machine), CRM_OK);
    uint32_t weight = add(txn, tool, "weight", CRM_TYPE_INT, 0, 0);
    crm_record *record = crm_create(txn, tool);
    crm_id hammer;
    crm_record_id(record, &hammer);
    crm_set_int(record, weight, 800);
    commit(txn);
    uint32_t count = crm_kind_count(db);
    crm_id id = definition(CRM_KIND_KIND, CRM_KIND_NAME, "tool");
    txn = begin();
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_KIND, &id)), CRM_OK);
    commit(txn);
    for (int round = 0; round < 3; round++) {
        ck_assert_uint_eq(crm_kind_find(db, "tool", CRM_NUL), 0);
        ck_assert_uint_eq(crm_kind_count(db), count - 1);
        ck_assert_uint_eq(crm_kind_at(db, count - 2), machine);
        ck_assert_uint_eq(crm_kind_at(db, count - 1), 0);
        ck_assert_ptr_null(crm_kind_name(db, tool));
        ck_assert_ptr_null(crm_field_name(db, tool, weight));
        crm_view *view = open_view();
        crm_query *query = NULL;
        ck_assert_int_eq(crm_query_create(view, tool, &query, NULL), CRM_INVALID);
        crm_view_close(view);
        reopen(round == 1);
    }
    txn = begin();
    ck_assert_ptr_null(crm_create(txn, tool));
    refused(txn, CRM_INVALID, crm_txn_status(txn, NULL), "kind");
    crm_rollback(txn);
    txn = begin();
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_KIND, &id)), CRM_OK);
    commit(txn);
    ck_assert_uint_eq(crm_kind_find(db, "tool", CRM_NUL), tool);
    crm_view *view = open_view();
    ck_assert_int_eq(crm_get(view, tool, &hammer, &record, NULL), CRM_OK);
    ck_assert_int_eq(crm_int(record, weight), 800);
    crm_record_free(record);
    crm_view_close(view);
    finish();
}
END_TEST

START_TEST(a_deleted_choice_is_not_offered_and_comes_back)
{
    start();
    crm_txn *txn = begin();
    uint32_t colour = add(txn, CRM_KIND_CUSTOMER, "colour", CRM_TYPE_CHOICE, 0, 0);
    int64_t red, green;
    ck_assert_int_eq(crm_choice_add(txn, CRM_KIND_CUSTOMER, colour, "red", CRM_NUL, &red), CRM_OK);
    ck_assert_int_eq(crm_choice_add(txn, CRM_KIND_CUSTOMER, colour, "green", CRM_NUL, &green), CRM_OK);
    commit(txn);
    crm_id id = definition(CRM_KIND_CHOICE, CRM_CHOICE_NAME, "red");
    txn = begin();
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CHOICE, &id)), CRM_OK);
    commit(txn);
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(crm_choice_find(db, CRM_KIND_CUSTOMER, colour, "red", CRM_NUL), -1);
        ck_assert_int_eq(crm_choice_find(db, CRM_KIND_CUSTOMER, colour, "Red", CRM_NUL), -1);
        ck_assert_int_eq(crm_choice_find(db, CRM_KIND_CUSTOMER, colour, "Green", CRM_NUL), green);
        ck_assert_int_eq(crm_choice_at(db, CRM_KIND_CUSTOMER, colour, 0), green);
        ck_assert_int_eq(crm_choice_at(db, CRM_KIND_CUSTOMER, colour, 1), 0);
        reopen(round == 1);
    }
    txn = begin();
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    refused(txn, CRM_INVALID, crm_set_parsed(record, colour, "red", CRM_NUL), "has no choice \"red\"; it has: green");
    record = crm_create(txn, CRM_KIND_CUSTOMER);
    refused(txn, CRM_INVALID, crm_set_int(record, colour, red), "");
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_CHOICE, &id)), CRM_OK);
    commit(txn);
    ck_assert_int_eq(crm_choice_find(db, CRM_KIND_CUSTOMER, colour, "red", CRM_NUL), red);
    finish();
}
END_TEST

/* A hot field has a cell beside the rows; a text has none that would be wide enough, and is read all the same. */
START_TEST(a_hot_text_is_a_text)
{
    start();
    crm_txn *txn = begin();
    uint32_t motto = add(txn, CRM_KIND_CUSTOMER, "motto", CRM_TYPE_TEXT, CRM_FLAG_HOT, 0);
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_id id;
    crm_record_id(record, &id);
    crm_set_text(record, CRM_CUSTOMER_NAME, "Acme", CRM_NUL);
    crm_set_text(record, motto, "Ad astra", CRM_NUL);
    commit(txn);
    for (int round = 0; round < 2; round++) {
        crm_view *view = open_view();
        ck_assert_int_eq(crm_get(view, CRM_KIND_CUSTOMER, &id, &record, NULL), CRM_OK);
        ck_assert_str_eq(crm_text(record, motto, NULL), "Ad astra");
        crm_record_free(record);
        crm_view_close(view);
        reopen(round);
    }
    finish();
}
END_TEST

/* A deleted choice keeps its code, which records may hold, whichever way the file is opened. */
START_TEST(the_code_of_a_deleted_choice_is_not_given_away)
{
    start();
    crm_txn *txn = begin();
    uint32_t colour = add(txn, CRM_KIND_CUSTOMER, "colour", CRM_TYPE_CHOICE, 0, 0);
    int64_t red, green, blue;
    ck_assert_int_eq(crm_choice_add(txn, CRM_KIND_CUSTOMER, colour, "red", CRM_NUL, &red), CRM_OK);
    ck_assert_int_eq(crm_choice_add(txn, CRM_KIND_CUSTOMER, colour, "green", CRM_NUL, &green), CRM_OK);
    commit(txn);
    crm_id id = definition(CRM_KIND_CHOICE, CRM_CHOICE_NAME, "green");
    txn = begin();
    ck_assert_int_eq(crm_delete(crm_edit(txn, CRM_KIND_CHOICE, &id)), CRM_OK);
    commit(txn);
    if (_i == 1)
        ck_assert_int_eq(crm_rebuild(db, NULL), CRM_OK);
    if (_i == 2)
        ck_assert_int_eq(crm_compact(db, NULL), CRM_OK);
    reopen(_i == 0);
    txn = begin();
    ck_assert_int_eq(crm_choice_add(txn, CRM_KIND_CUSTOMER, colour, "blue", CRM_NUL, &blue), CRM_OK);
    ck_assert_int_eq(blue, 3);
    ck_assert_int_eq(crm_restore(crm_edit(txn, CRM_KIND_CHOICE, &id)), CRM_OK);
    commit(txn);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(crm_choice_find(db, CRM_KIND_CUSTOMER, colour, "green", CRM_NUL), green);
        ck_assert_str_eq(crm_choice_name(db, CRM_KIND_CUSTOMER, colour, green), "green");
        ck_assert_str_eq(crm_choice_name(db, CRM_KIND_CUSTOMER, colour, blue), "blue");
        reopen(round == 0);
    }
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("define");
    TCase *cases = tcase_create("define");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_new_kind_is_used_in_the_transaction_that_makes_it);
    tcase_add_test(cases, names_begin_with_a_letter_and_are_taken_once);
    tcase_add_test(cases, what_a_field_cannot_be_is_said);
    tcase_add_test(cases, a_rolled_back_definition_leaves_no_trace);
    tcase_add_test(cases, a_thousand_fields_cost_nothing_that_is_not_used);
    tcase_add_test(cases, a_deleted_field_is_hidden_and_comes_back_with_its_values);
    tcase_add_test(cases, a_deleted_kind_is_hidden_and_comes_back_with_its_records);
    tcase_add_test(cases, a_deleted_choice_is_not_offered_and_comes_back);
    tcase_add_test(cases, a_hot_text_is_a_text);
    tcase_add_loop_test(cases, the_code_of_a_deleted_choice_is_not_given_away, 0, 3);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
