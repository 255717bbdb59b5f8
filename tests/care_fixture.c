/* care_fixture: see care_fixture.h.  Uses the public interface alone. */
#include "care_fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

void care_ok(int32_t status, const crm_error *error)
{
    ck_assert_msg(status == CRM_OK, "%s: %s", crm_status_name(status), error == NULL ? "" : error->message);
}

void care_open(struct care *care)
{
    crm_error error = {0};
    crm_options *options = crm_options_create();
    ck_assert_ptr_nonnull(options);
    ck_assert_int_eq(crm_options_set_int(options, CRM_OPTION_NOW, CARE_START), CRM_OK);
    care_ok(crm_open(care->path, options, &care->db, &error), &error);
    crm_options_free(options);
}

void care_setup(struct care *care)
{
    snprintf(care->folder, sizeof care->folder, "/tmp/crm-care-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(care->folder));
    snprintf(care->path, sizeof care->path, "%s/t.crm", care->folder);
    care_open(care);
}

void care_close(struct care *care)
{
    ck_assert_int_eq(crm_close(care->db), CRM_OK);
    care->db = NULL;
}

void care_reopen(struct care *care)
{
    care_close(care);
    care_open(care);
}

void care_teardown(struct care *care)
{
    char path[512];
    if (care->db != NULL)
        care_close(care);
    DIR *folder = opendir(care->folder);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", care->folder, entry->d_name);
        (void)unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
    (void)rmdir(care->folder);
}

const char *care_path(const struct care *care, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", care->folder, name);
    return path;
}

crm_txn *care_begin(struct care *care, const char *actor)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    care_ok(crm_begin(care->db, &txn, &error), &error);
    ck_assert_int_eq(crm_txn_set_actor(txn, actor), CRM_OK);
    return txn;
}

uint64_t care_commit(crm_txn *txn)
{
    crm_error error = {0};
    uint64_t lsn = 0;
    care_ok(crm_commit(txn, &lsn, &error), &error);
    return lsn;
}

crm_id care_id(const crm_record *record)
{
    crm_id id;
    ck_assert_ptr_nonnull(record);
    crm_record_id(record, &id);
    return id;
}

crm_id care_customer(struct care *care, const char *name)
{
    crm_txn *txn = care_begin(care, "mia");
    crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
    crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
    crm_id id = care_id(record);
    care_commit(txn);
    return id;
}

uint64_t care_set(struct care *care, uint32_t kind, const crm_id *id, uint32_t field, const char *text)
{
    crm_txn *txn = care_begin(care, "ole");
    crm_set_text(crm_edit(txn, kind, id), field, text, CRM_NUL);
    return care_commit(txn);
}

crm_view *care_view(struct care *care)
{
    crm_error error = {0};
    crm_view *view = NULL;
    care_ok(crm_view_open(care->db, &view, &error), &error);
    return view;
}

const char *care_text(struct care *care, uint32_t kind, const crm_id *id, uint32_t field)
{
    static char text[1024];
    crm_error error = {0};
    crm_record *record = NULL;
    crm_view *view = care_view(care);
    care_ok(crm_get(view, kind, id, &record, &error), &error);
    snprintf(text, sizeof text, "%s", crm_text(record, field, NULL));
    crm_record_free(record);
    crm_view_close(view);
    return text;
}

bool care_deleted(struct care *care, uint32_t kind, const crm_id *id)
{
    crm_error error = {0};
    crm_record *record = NULL;
    crm_view *view = care_view(care);
    care_ok(crm_get(view, kind, id, &record, &error), &error);
    bool deleted = crm_record_deleted(record) != 0;
    crm_record_free(record);
    crm_view_close(view);
    return deleted;
}

uint64_t care_count(crm_view *view, uint32_t kind)
{
    crm_error error = {0};
    crm_query *query = NULL;
    uint64_t count = 0;
    care_ok(crm_query_create(view, kind, &query, &error), &error);
    care_ok(crm_query_count(query, &count, &error), &error);
    crm_query_free(query);
    return count;
}

/* ---- everything as text ---- */

struct text {
    char *bytes;
    size_t length, capacity;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *line = NULL;
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(length, 0);
    if (text->length + (size_t)length + 1 > text->capacity) {
        text->capacity = (text->length + (size_t)length + 1) * 2;
        text->bytes = realloc(text->bytes, text->capacity);
        ck_assert_ptr_nonnull(text->bytes);
    }
    memcpy(text->bytes + text->length, line, (size_t)length + 1);
    text->length += (size_t)length;
    free(line);
}

static void put_id(struct text *text, const crm_id *id)
{
    char name[37];
    crm_id_format(id, name);
    put(text, " %s", name);
}

static const char *shown(const crm_record *record, uint32_t field)
{
    return record == NULL || !crm_has(record, field) ? "-" : crm_format(record, field, NULL);
}

static void put_change(struct text *text, crm_db *db, const crm_change *change)
{
    crm_id id;
    uint32_t kind = crm_change_kind(change);
    crm_change_id(change, &id);
    put(text, "%llu %lld %s/%s/%s %d %u", (unsigned long long)crm_change_lsn(change),
        (long long)crm_change_time(change), crm_change_actor(change), crm_change_reason(change),
        crm_change_batch(change), crm_change_operation(change), kind);
    put_id(text, &id);
    put(text, " v%llu", (unsigned long long)crm_change_version(change));
    for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
        uint32_t field = crm_change_field(change, i);
        put(text, " %s: %s > ", crm_field_name(db, kind, field), shown(crm_change_before(change), field));
        put(text, "%s", shown(crm_change_after(change), field));
    }
    put(text, "\n");
}

char *care_changes(crm_db *db, uint64_t lsn)
{
    crm_error error = {0};
    crm_feed *feed = NULL;
    crm_change *change = NULL;
    struct text text = {0};
    int32_t status;
    put(&text, "%s", "");
    care_ok(crm_feed_open(db, lsn, &feed, &error), &error);
    while ((status = crm_feed_next(feed, 0, &change, &error)) == CRM_OK)
        put_change(&text, db, change);
    ck_assert_msg(status == CRM_TIMEOUT, "%s", error.message);
    crm_feed_close(feed);
    return text.bytes;
}

static void put_record(struct text *text, crm_db *db, const crm_record *record)
{
    uint32_t kind = crm_record_kind(record);
    crm_id id = care_id(record);
    put(text, "%s", crm_kind_name(db, kind));
    put_id(text, &id);
    put(text, "%s", crm_record_deleted(record) ? " deleted" : "");
    for (uint32_t i = 0; i < crm_field_count(db, kind); i++) {
        uint32_t field = crm_field_at(db, kind, i);
        if (crm_has(record, field))
            put(text, " %s=%s", crm_field_name(db, kind, field), crm_format(record, field, NULL));
    }
    put(text, "\n");
}

char *care_state(crm_view *view)
{
    crm_db *db = crm_view_db(view);
    struct text text = {0};
    put(&text, "%s", "");
    for (uint32_t i = 0; i < crm_kind_count(db); i++) {
        crm_error error = {0};
        crm_query *query = NULL;
        crm_record *record = NULL;
        int32_t status;
        care_ok(crm_query_create(view, crm_kind_at(db, i), &query, &error), &error);
        crm_query_deleted(query, CRM_DELETED_ALSO);
        while ((status = crm_query_next(query, &record, &error)) == CRM_OK)
            put_record(&text, db, record);
        ck_assert_msg(status == CRM_DONE, "%s", error.message);
        crm_query_free(query);
    }
    return text.bytes;
}

/* ---- bytes ---- */

unsigned char *care_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *length = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*length + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *length, file), *length);
    fclose(file);
    return bytes;
}

static size_t occurs(const unsigned char *bytes, size_t length, const char *sought)
{
    size_t count = 0, size = strlen(sought);
    for (size_t at = 0; at + size <= length; at++)
        count += bytes[at] == (unsigned char)sought[0] && memcmp(bytes + at, sought, size) == 0;
    return count;
}

/* Whatever inflates from some byte on is looked into, and what that holds in
 * turn: packs, tables and texts alike, without knowing where they are. */
static size_t occurs_within(const unsigned char *bytes, size_t length, const char *sought, int depth)
{
    enum { ROOM = 1 << 21 };
    unsigned char *out = malloc(ROOM);
    ck_assert_ptr_nonnull(out);
    size_t count = occurs(bytes, length, sought);
    for (size_t at = 0; depth > 0 && at + 2 < length; at++) {
        if (bytes[at] != 0x78 || (bytes[at] << 8 | bytes[at + 1]) % 31 != 0)
            continue; /* not how a zlib stream with the usual window begins */
        z_stream stream = {.avail_in = (uInt)(length - at), .next_out = out, .avail_out = ROOM};
        stream.next_in = (unsigned char *)(uintptr_t)bytes + at;
        if (inflateInit(&stream) != Z_OK)
            continue;
        if (inflate(&stream, Z_FINISH) == Z_STREAM_END)
            count += occurs_within(out, stream.total_out, sought, depth - 1);
        inflateEnd(&stream);
    }
    free(out);
    return count;
}

size_t care_occurs(const char *path, const char *sought)
{
    size_t length;
    unsigned char *bytes = care_read(path, &length);
    size_t count = occurs_within(bytes, length, sought, 3);
    free(bytes);
    return count;
}

void care_damage(const char *path, size_t offset)
{
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    int byte = fgetc(file);
    ck_assert_int_ne(byte, EOF);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    ck_assert_int_ne(fputc(byte ^ 0x10, file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}
