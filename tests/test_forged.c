/* Files that somebody made with every checksum right: what they hold makes no
 * sense, and no damage, crash or endless loop comes of it.
 * Proves P3, P4, P6. */
#include "care_fixture.h"
#include "model/db.h"
#include "sys/bytes.h"
#include "sys/checksum.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static struct care care;

static void setup(void)
{
    care_setup(&care);
    care_close(&care);
}

static void teardown(void)
{
    care_teardown(&care);
}

/* ---- forging ---- */

static struct log_options options_of(const struct log_header *header)
{
    return (struct log_options){.files = file_ops_default(),
                                .memory = memory_default(),
                                .create = header != NULL,
                                .exclusive = header != NULL,
                                .busy_ms = 1000,
                                .header = header,
                                .now = CARE_START};
}

/* The log at the end of which something is to be forged. */
static struct log *log_of(const struct log_header *header, struct log_point *end)
{
    struct log_options options = options_of(header);
    struct log *log = NULL;
    struct frame frame;
    crm_error error;
    if (header != NULL)
        ck_assert_int_eq(remove(care.path), 0);
    care_ok(log_open(care.path, &options, &log, &error), &error);
    *end = log_start(log);
    while (log_frame(log, end, &frame, NULL) == CRM_OK)
        *end = frame.after;
    if (log_unrecovered(log))
        care_ok(log_recovered(log, end, &error), &error);
    return log;
}

static void append(struct log *log, struct log_point *end, const struct frame_info *info, struct buffer *entries)
{
    crm_error error;
    ck_assert(!entries->failed);
    care_ok(log_append(log, end, info, entries->data, entries->length, end, &error), &error);
    if (info->flags & LOG_FRAME_BASE) /* writes into the header where they end */
        care_ok(log_sync(log, end, &error), &error);
    log_close(log);
    buffer_free(entries);
}

/* A compacted file without base frames, of which the header says that none is missing. */
static void forge_header(const struct log_header *header)
{
    enum { AT_BASE_END = 64, AT_CRC = 72, SIZE = 76 };
    uint8_t bytes[SIZE];
    struct log_point end;
    log_close(log_of(header, &end));
    FILE *file = fopen(care.path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(bytes, 1, SIZE, file), SIZE);
    bytes_put_u64(bytes + AT_BASE_END, LOG_FRAMES_START);
    bytes_put_u32(bytes + AT_CRC, crc32c(0, bytes, AT_CRC));
    rewind(file);
    ck_assert_uint_eq(fwrite(bytes, 1, SIZE, file), SIZE);
    ck_assert_int_eq(fclose(file), 0);
}

static const crm_id first_id = {{1, 2, 3, 4, 5, 6, 0x77, 8, 0x89, 10, 11, 12, 13, 14, 15, 16}};

/* The body of a customer with that name; `whole`: a create's, with an id. */
static void put_body(struct buffer *body, const char *name, bool whole)
{
    struct value text = value_bytes(name, strlen(name));
    uint32_t previous = 0;
    crm_id base = {{0}};
    buffer_init(body, memory_default());
    if (whole)
        id_put(body, &base, &first_id);
    body_put(body, &previous, CRM_CUSTOMER_NAME, &text);
}

/* One more transaction, which makes customer 0 by the entry. */
static void forge_create(const struct entry *entry, const struct buffer *body)
{
    struct log_point end;
    struct log *log = log_of(NULL, &end);
    struct frame_info info = {.time = CARE_START, .entry_count = 1};
    struct buffer entries;
    struct entry copy = *entry;
    buffer_init(&entries, memory_default());
    copy.body = body->data;
    copy.body_length = body->length;
    entry_put(&entries, end.offset + LOG_FRAME_HEADER, &copy);
    append(log, &end, &info, &entries);
}

/* A compacted file of one customer: its newest version, a create, in the base
 * frame; one before it, whose body and `previous` are given, in a pack. */
static void forge_compacted(uint64_t version, uint64_t old_version, uint64_t old_lsn, const struct buffer *old,
                            uint64_t old_previous)
{
    struct log_header header = {.file = first_id, .seed = 7, .base_lsn = 1, .created = CARE_START};
    struct log_point end;
    struct log *log = log_of(&header, &end);
    struct frame_info info = {.time = CARE_START, .flags = LOG_FRAME_BASE, .entry_count = 2, .lsn = 1};
    struct buffer raw, packed, entries, body;
    uint64_t place = end.offset + LOG_FRAME_HEADER;
    uint8_t deflated[256];
    uLongf size = sizeof deflated;
    buffer_init(&raw, memory_default());
    buffer_init(&packed, memory_default());
    buffer_init(&entries, memory_default());
    struct entry inner = {.operation = ENTRY_UPDATE,
                          .flags = old_previous == 0 ? ENTRY_FULL : ENTRY_PACKED,
                          .kind = CRM_KIND_CUSTOMER,
                          .lsn = old_lsn,
                          .version = old_version,
                          .previous = old_previous,
                          .body = old->data,
                          .body_length = old->length};
    entry_put(&raw, 0, &inner);
    ck_assert_int_eq(compress2(deflated, &size, raw.data, (uLong)raw.length, 6), Z_OK);
    ck_assert_uint_lt(raw.length, 128); /* so that its length is one byte */
    buffer_byte(&packed, (uint8_t)raw.length);
    buffer_append(&packed, deflated, size);
    struct entry pack = {.operation = ENTRY_PACK, .lsn = 1, .body = packed.data, .body_length = packed.length};
    entry_put(&entries, place, &pack);
    put_body(&body, "newest", true);
    struct entry head = {.operation = ENTRY_CREATE,
                         .flags = ENTRY_PACKED,
                         .kind = CRM_KIND_CUSTOMER,
                         .lsn = 1,
                         .version = version,
                         .previous = place_packed(place, 0),
                         .body = body.data,
                         .body_length = body.length};
    entry_put(&entries, place + entries.length, &head);
    append(log, &end, &info, &entries);
    buffer_free(&body);
    buffer_free(&packed);
    buffer_free(&raw);
}

/* Recovers into "copy.crm", checks it, and counts the versions that the customer has there. */
static int versions_salvaged(void)
{
    crm_error error;
    crm_history *history;
    crm_change *change;
    crm_record *record;
    crm_query *query;
    struct care copy = care;
    int count = 0;
    care_ok(crm_recover(care.path, care_path(&care, "copy.crm"), NULL, NULL, &error), &error);
    snprintf(copy.path, sizeof copy.path, "%s/copy.crm", care.folder);
    care_open(&copy);
    care_ok(crm_verify(copy.db, NULL, &error), &error);
    crm_view *view = care_view(&copy);
    care_ok(crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error), &error);
    if (crm_query_next(query, &record, &error) == CRM_OK) {
        care_ok(crm_history_open(view, CRM_KIND_CUSTOMER, &first_id, &history, &error), &error);
        int32_t status;
        while ((status = crm_history_next(history, &change, &error)) == CRM_OK)
            count++;
        ck_assert_msg(status == CRM_DONE, "%s", error.message);
        crm_history_close(history);
    }
    crm_query_free(query);
    crm_view_close(view);
    care_close(&copy);
    return count;
}

/* ---- tests ---- */

START_TEST(a_number_where_a_list_belongs_is_an_empty_list)
{
    struct buffer body;
    struct value number = value_int(INT64_C(0x4141414141414141));
    uint32_t previous = CRM_CUSTOMER_NAME;
    struct entry entry = {.operation = ENTRY_CREATE, .kind = CRM_KIND_CUSTOMER, .lsn = 2, .version = 1};
    put_body(&body, "Acme", true);
    body_put(&body, &previous, CRM_CUSTOMER_EMAILS, &number);
    body_put(&body, &previous, CRM_CUSTOMER_PHONES, &number);
    forge_create(&entry, &body);
    buffer_free(&body);
    care_open(&care);
    crm_view *view = care_view(&care);
    crm_record *record;
    crm_error error;
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &first_id, &record, &error), &error);
    ck_assert_str_eq(crm_text(record, CRM_CUSTOMER_NAME, NULL), "Acme");
    ck_assert_uint_eq(crm_item_count(record, CRM_CUSTOMER_EMAILS), 0);
    ck_assert_uint_eq(crm_item_count(record, CRM_CUSTOMER_PHONES), 0);
    crm_record_free(record);
    crm_view_close(view);
    ck_assert_int_eq(crm_verify(care.db, NULL, &error), CRM_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "a list cannot be read"));
}
END_TEST

START_TEST(a_text_where_a_number_belongs_is_zero)
{
    struct buffer body;
    struct value text = value_bytes("many", 4);
    uint32_t previous = CRM_CUSTOMER_NAME;
    struct entry entry = {.operation = ENTRY_CREATE, .kind = CRM_KIND_CUSTOMER, .lsn = 2, .version = 1};
    put_body(&body, "Acme", true);
    body_put(&body, &previous, CRM_CUSTOMER_EMPLOYEES, &text);
    forge_create(&entry, &body);
    buffer_free(&body);
    care_open(&care);
    crm_view *view = care_view(&care);
    crm_record *record;
    crm_error error;
    care_ok(crm_get(view, CRM_KIND_CUSTOMER, &first_id, &record, &error), &error);
    ck_assert_int_eq(crm_int(record, CRM_CUSTOMER_EMPLOYEES), 0);
    crm_record_free(record);
    crm_view_close(view);
    ck_assert_int_eq(crm_verify(care.db, NULL, &error), CRM_CORRUPT);
}
END_TEST

/* Nothing has happened before the first transaction. */
START_TEST(a_change_of_no_transaction_is_not_salvaged)
{
    struct buffer body;
    struct entry entry = {.operation = ENTRY_CREATE, .kind = CRM_KIND_CUSTOMER, .lsn = 0, .version = 1};
    crm_error error;
    put_body(&body, "Acme", true);
    forge_create(&entry, &body);
    buffer_free(&body);
    ck_assert_int_eq(crm_open(care.path, NULL, &care.db, &error), CRM_CORRUPT);
    ck_assert_int_eq(versions_salvaged(), 0);
}
END_TEST

/* What was written behind such a header could not be read again; looking is fine. */
START_TEST(a_header_that_counts_further_than_its_frames_is_damage)
{
    struct log_header header = {.file = first_id, .seed = 7, .created = CARE_START, .base_lsn = UINT64_C(1) << 61};
    crm_error error;
    forge_header(&header);
    ck_assert_int_eq(crm_open(care.path, NULL, &care.db, &error), CRM_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "transaction 2305843009213693953, which was durable, cannot be read"));
    crm_options *options = crm_options_create();
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1), CRM_OK);
    care_ok(crm_open(care.path, options, &care.db, &error), &error);
    crm_options_free(options);
}
END_TEST

START_TEST(a_feed_ends_behind_the_largest_number_that_there_is)
{
    struct log_header header = {.file = first_id, .seed = 7, .created = CARE_START, .base_lsn = UINT64_MAX};
    crm_error error;
    crm_feed *feed;
    crm_change *change;
    forge_header(&header);
    crm_options *options = crm_options_create();
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1), CRM_OK);
    care_ok(crm_open(care.path, options, &care.db, &error), &error);
    crm_options_free(options);
    care_ok(crm_feed_open(care.db, 0, &feed, &error), &error);
    ck_assert_int_eq(crm_feed_next(feed, 0, &change, &error), CRM_TIMEOUT);
    crm_feed_close(feed);
}
END_TEST

START_TEST(a_chain_of_versions_that_goes_round_has_an_end)
{
    struct buffer old;
    crm_error error;
    crm_history *history;
    /* Its own place: the first entry of the pack, which is the first of the first frame. */
    put_body(&old, "round", false);
    forge_compacted(2, 1, 1, &old, place_packed(LOG_FRAMES_START + LOG_FRAME_HEADER, 0));
    buffer_free(&old);
    care_open(&care);
    crm_view *view = care_view(&care);
    ck_assert_int_eq(crm_history_open(view, CRM_KIND_CUSTOMER, &first_id, &history, &error), CRM_CORRUPT);
    crm_view_close(view);
    ck_assert_int_eq(crm_compact(care.db, &error), CRM_CORRUPT);
    care_close(&care);
    ck_assert_int_eq(versions_salvaged(), 1);
}
END_TEST

START_TEST(a_version_that_is_not_the_one_before_is_not_salvaged)
{
    struct buffer old;
    put_body(&old, "older", false);
    forge_compacted(2, 1, 1, &old, 0);
    ck_assert_int_eq(versions_salvaged(), 2);
    ck_assert_int_eq(remove(care_path(&care, "copy.crm")), 0);
    forge_compacted(7, 1, 1, &old, 0);
    ck_assert_int_eq(versions_salvaged(), 1);
    ck_assert_int_eq(remove(care_path(&care, "copy.crm")), 0);
    forge_compacted(2, 1, 0, &old, 0); /* of no transaction */
    ck_assert_int_eq(versions_salvaged(), 1);
    buffer_free(&old);
}
END_TEST

/* Both say that they are the first version. */
START_TEST(a_deletion_that_is_not_the_next_version_is_not_salvaged)
{
    struct buffer body;
    struct log_point end;
    struct log *log = log_of(NULL, &end);
    struct frame_info info = {.time = CARE_START, .entry_count = 2};
    struct buffer entries;
    uint64_t offset = end.offset + LOG_FRAME_HEADER;
    put_body(&body, "Acme", true);
    buffer_init(&entries, memory_default());
    struct entry made = {.operation = ENTRY_CREATE,
                         .kind = CRM_KIND_CUSTOMER,
                         .lsn = 2,
                         .version = 1,
                         .body = body.data,
                         .body_length = body.length};
    struct entry deleted = {
        .operation = ENTRY_DELETE, .kind = CRM_KIND_CUSTOMER, .lsn = 2, .version = 1, .previous = offset};
    entry_put(&entries, offset, &made);
    entry_put(&entries, offset + entries.length, &deleted);
    append(log, &end, &info, &entries);
    buffer_free(&body);
    ck_assert_int_eq(versions_salvaged(), 1);
}
END_TEST

START_TEST(an_old_version_with_a_number_for_a_name_is_not_salvaged)
{
    struct buffer old;
    struct value number = value_int(5);
    uint32_t previous = 0;
    buffer_init(&old, memory_default());
    body_put(&old, &previous, CRM_CUSTOMER_NAME, &number);
    forge_compacted(2, 1, 1, &old, 0);
    buffer_free(&old);
    ck_assert_int_eq(versions_salvaged(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forged");
    TCase *tests = tcase_create("forged");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_number_where_a_list_belongs_is_an_empty_list);
    tcase_add_test(tests, a_text_where_a_number_belongs_is_zero);
    tcase_add_test(tests, a_change_of_no_transaction_is_not_salvaged);
    tcase_add_test(tests, a_header_that_counts_further_than_its_frames_is_damage);
    tcase_add_test(tests, a_feed_ends_behind_the_largest_number_that_there_is);
    tcase_add_test(tests, a_chain_of_versions_that_goes_round_has_an_end);
    tcase_add_test(tests, a_version_that_is_not_the_one_before_is_not_salvaged);
    tcase_add_test(tests, a_deletion_that_is_not_the_next_version_is_not_salvaged);
    tcase_add_test(tests, an_old_version_with_a_number_for_a_name_is_not_salvaged);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
