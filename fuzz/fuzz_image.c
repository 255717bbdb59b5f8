/* fuzz_image: bytes as the index file beside a log that is always the same
 * (company.log, a short input of logfile.h).
 *
 * The first byte says how: whether the rest is the file itself, or patches to a
 * good one: to its bytes as they lie, to its packed blocks with all checksums
 * set right again, or to what the blocks hold, packed and sealed anew.  Under
 * wrong checksums every answer must be the one that a rebuilt index gives.
 * Under right ones an index may lie; then verify says so, and rebuilding mends
 * it.  Whatever it holds, what is written goes into the log unharmed.
 */
#include "logfile.h"
#include "reading.h"
#include "store/image.h"
#include "store/pack.h"
#include "sys/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the header (docs/INDEXES.md). */
enum { AT_TABLE_CRC = 68, AT_USED = 72, AT_BLOCKS = 80, AT_PACKED = 88, AT_CRC = 100, HEADER = 4096 };
enum { AS_IT_IS = 0, PATCH_FILE = 1, PATCH_BLOCKS = 2, PATCH_CONTENT = 3, HOW_WRITE = 4 };
enum { FILE_MOST = 1 << 20 };

static struct dump log_file, truth;
static uint8_t *image, *content; /* the good index file; its blocks, unpacked */
static size_t image_length;
static uint64_t blocks;

/* ---- the good one ---- */

static uint64_t get(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, bytes, size); /* the machine's own byte order, as in the file; little endian where this runs */
    return value;
}

static const uint8_t *table_of(const uint8_t *file)
{
    return file + HEADER + get(file + AT_PACKED, 8);
}

static void read_truth(const char *path)
{
    crm_db *db = NULL;
    crm_view *view = NULL;
    crm_error error;
    MUST_OK(fuzz_open(path, FUZZ_EXISTING, &db, &error), &error);
    MUST_OK(crm_view_open(db, &view, &error), &error);
    MUST(reading_records(db, view, &truth));
    crm_view_close(view);
    MUST(crm_close(db) == CRM_OK);
}

static void start(const char *path, const char *index_path)
{
    char name[256];
    size_t length = 0;
    const char *slash = strrchr(__FILE__, '/');
    crm_db *db = NULL;
    crm_error error;
    snprintf(name, sizeof name, "%.*scompany.log", slash == NULL ? 0 : (int)(slash + 1 - __FILE__), __FILE__);
    uint8_t *bytes = fuzz_load(name, &length);
    if (bytes == NULL)
        fuzz_fail(__FILE__, __LINE__, "fuzz/company.log is there: run from the project's folder");
    logfile_expand(bytes, length, &log_file);
    free(bytes);
    fuzz_unlink(path);
    fuzz_store(path, log_file.bytes, log_file.length);
    read_truth(path);
    MUST_OK(fuzz_open(path, FUZZ_EXISTING | FUZZ_IMAGE, &db, &error), &error);
    MUST_OK(crm_rebuild(db, &error), &error);
    MUST(crm_close(db) == CRM_OK);
    image = fuzz_load(index_path, &image_length);
    MUST(image != NULL && image_length > HEADER);
    blocks = get(image + AT_BLOCKS, 8);
    content = calloc((size_t)blocks, PACK_BLOCK);
    MUST(content != NULL);
    const uint8_t *packed = image + HEADER, *table = table_of(image);
    for (uint64_t i = 0; i < blocks; i++) {
        size_t size = (size_t)get(table + 8 * i + 4, 4);
        MUST(unpack_block(packed, size, content + i * PACK_BLOCK));
        packed += size;
    }
}

/* ---- another ---- */

/* Three bytes where, one how many (or, above 0x80, from where: eight bytes of the whole), then the bytes. */
static void patch(struct input *input, uint8_t *bytes, size_t length)
{
    while (input_left(input) >= 4) {
        size_t at = (input_u16(input) | (size_t)input_byte(input) << 16) % length;
        uint8_t many = input_byte(input);
        if (many >= 0x80) {
            size_t from = input_u16(input) * (size_t)8 % length;
            at = at / 8 * 8;
            if (from + 8 <= length && at + 8 <= length)
                memmove(bytes + at, bytes + from, 8);
            continue;
        }
        for (many = many % 16 + 1; many > 0 && at < length; many--, at++)
            bytes[at] = input_byte(input);
    }
}

static void put(uint8_t *at, uint64_t value, size_t size)
{
    memcpy(at, &value, size);
}

static void seal_header(uint8_t *file)
{
    uint64_t count = get(file + AT_BLOCKS, 8);
    if (count == blocks)
        put(file + AT_TABLE_CRC, crc32c(0, table_of(image) - image + file, (size_t)count * 8), 4);
    put(file + AT_CRC, crc32c(0, file, AT_CRC), 4);
}

/* Patches to header, blocks and table; the blocks' checksums by the table's lengths where these lie within. */
static void patch_blocks(struct input *input, struct dump *file)
{
    uint8_t *bytes = (uint8_t *)file->bytes, *table = bytes + (table_of(image) - image);
    size_t at = HEADER;
    patch(input, bytes, file->length);
    for (uint64_t i = 0; i < blocks; i++) {
        size_t size = (size_t)get(table + 8 * i + 4, 4);
        if (size > file->length - at)
            break;
        put(table + 8 * i, crc32c(0, bytes + at, size), 4);
        at += size;
    }
    seal_header(bytes);
}

static void patch_content(struct input *input, struct dump *file)
{
    static uint8_t packed[PACK_MOST];
    uint8_t *changed = malloc((size_t)blocks * PACK_BLOCK), *table = calloc((size_t)blocks, 8);
    uint8_t header[HEADER];
    MUST(changed != NULL && table != NULL);
    memcpy(header, image, HEADER);
    memcpy(changed, content, (size_t)blocks * PACK_BLOCK);
    patch(input, changed, (size_t)get(image + AT_USED, 8));
    file->length = 0;
    dump_put(file, header, HEADER);
    for (uint64_t i = 0; i < blocks; i++) {
        size_t size = pack_block(changed + i * PACK_BLOCK, packed);
        put(table + 8 * i, crc32c(0, packed, size), 4);
        put(table + 8 * i + 4, size, 4);
        dump_put(file, packed, size);
    }
    put(header + AT_PACKED, file->length - HEADER, 8);
    put(header + AT_TABLE_CRC, crc32c(0, table, (size_t)blocks * 8), 4);
    put(header + AT_CRC, crc32c(0, header, AT_CRC), 4);
    memcpy(file->bytes, header, HEADER);
    dump_put(file, table, (size_t)blocks * 8);
    free(table);
    free(changed);
}

static void make_file(unsigned what, struct input *input, struct dump *file)
{
    if (what == AS_IT_IS) {
        dump_put(file, input->at, input_left(input));
        return;
    }
    dump_put(file, image, image_length);
    if (what == PATCH_FILE)
        patch(input, (uint8_t *)file->bytes, file->length);
    else if (what == PATCH_BLOCKS)
        patch_blocks(input, file);
    else
        patch_content(input, file);
}

/* ---- what must hold ---- */

/* False: an answer was that the index is damaged; it is then built anew. */
static bool read_once(crm_db *db, struct dump *told)
{
    crm_view *view = NULL;
    crm_error error;
    told->length = 0;
    MUST_OK(crm_view_open(db, &view, &error), &error);
    bool good = reading_records(db, view, told);
    crm_view_close(view);
    return good;
}

static bool tells_the_truth(crm_db *db, bool must)
{
    struct dump told = {0};
    bool good = false;
    for (int round = 0; round < 3 && !good; round++)
        good = read_once(db, &told);
    bool same = good && dump_equal(&told, &truth);
    if (!same && must) {
        size_t at = 0, from = 0;
        for (; at < told.length && at < truth.length && told.bytes[at] == truth.bytes[at]; at++)
            from = told.bytes[at] == '\n' ? at + 1 : from;
        from = at > from + 100 ? at - 100 : from;
        dprintf(2, "%.300s\n---\n%.300s\n", truth.bytes + from, told.bytes + from);
        fuzz_fail(__FILE__, __LINE__, "the answers are those of a rebuilt index");
    }
    free(told.bytes);
    return same;
}

/* Who is there is found, or the answer is that the index is damaged. */
static void find_some(crm_db *db, bool must)
{
    static const struct {
        uint32_t field;
        const char *text, *name;
    } sought[] = {{CRM_CUSTOMER_EMAILS, "office1@c1.example", "Acme GmbH"},
                  {CRM_CUSTOMER_PHONES, "901823", "阿里巴巴"},
                  {CRM_FIELD_EXTERNAL_IDS, "erp:2", "Globex"},
                  {CRM_FIELD_TAGS, "red", "Acme GmbH"},
                  {CRM_CUSTOMER_NAME, "o'neil", "O'Neil"},
                  {CRM_CUSTOMER_NAME, "mueller ag", "Mueller AG"}};
    for (size_t i = 0; i < sizeof sought / sizeof *sought; i++) {
        crm_record *record = NULL, *again = NULL;
        crm_view *view = NULL;
        crm_error error;
        crm_id id;
        MUST_OK(crm_view_open(db, &view, &error), &error);
        int32_t status = crm_find(view, CRM_KIND_CUSTOMER, sought[i].field, sought[i].text, CRM_NUL, &record, &error);
        MUST((status == CRM_OK) == (record != NULL));
        MUST(!must || status == CRM_OK || status == CRM_CORRUPT);
        if (record != NULL && must) {
            MUST(strcmp(crm_text(record, CRM_CUSTOMER_NAME, NULL), sought[i].name) == 0);
            crm_record_id(record, &id);
            status = crm_get(view, CRM_KIND_CUSTOMER, &id, &again, &error);
            MUST(status == CRM_OK || status == CRM_CORRUPT);
        }
        crm_record_free(again);
        crm_record_free(record);
        crm_view_close(view);
    }
}

/* Reads; where the answers are wrong, verify says so or has mended it. */
static void check_reading(const char *path, bool sealed)
{
    crm_db *db = NULL;
    crm_error error;
    MUST_OK(fuzz_open(path, FUZZ_EXISTING | FUZZ_IMAGE, &db, &error), &error);
    find_some(db, !sealed);
    bool same = tells_the_truth(db, !sealed);
    int32_t status = crm_verify(db, NULL, &error);
    MUST(status == CRM_OK || status == CRM_CORRUPT);
    if (status == CRM_OK && !same)
        (void)tells_the_truth(db, true);
    MUST_OK(crm_rebuild(db, &error), &error);
    (void)tells_the_truth(db, true);
    MUST_OK(crm_verify(db, NULL, &error), &error);
    MUST(crm_close(db) == CRM_OK);
}

/* Writes on top of it: the log stays sound, and has what was committed. */
static void check_writing(const char *path)
{
    crm_db *db = NULL;
    crm_error error;
    crm_view *view = NULL;
    bool committed = false;
    crm_id id = {{0}};
    MUST_OK(fuzz_open(path, FUZZ_EXISTING | FUZZ_IMAGE, &db, &error), &error);
    for (int round = 0; round < 3; round++) {
        crm_txn *txn = NULL;
        char name[32];
        if (crm_begin(db, &txn, &error) != CRM_OK)
            continue;
        snprintf(name, sizeof name, "new %d", round);
        crm_record *record = crm_create(txn, CRM_KIND_CUSTOMER);
        (void)crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
        (void)crm_item_add(record, CRM_CUSTOMER_EMAILS, "new@c9.example", CRM_NUL);
        (void)crm_item_add(record, CRM_CUSTOMER_PHONES, "+49 40 123456", CRM_NUL);
        crm_record_id(record, &id);
        int32_t created = 0;
        record = crm_upsert(txn, CRM_KIND_CUSTOMER, CRM_CUSTOMER_EMAILS, "office2@c2.example", CRM_NUL, &created);
        (void)crm_set_int(record, CRM_CUSTOMER_EMPLOYEES, 7 + round);
        if (round == 1)
            (void)crm_delete(record);
        if (round == 2)
            crm_rollback(txn);
        else
            committed = crm_commit(txn, NULL, &error) == CRM_OK;
        if (round < 2 && !committed)
            break;
    }
    (void)tells_the_truth(db, false);
    (void)crm_close(db);
    MUST_OK(fuzz_open(path, FUZZ_EXISTING, &db, &error), &error);
    MUST_OK(crm_verify(db, NULL, &error), &error);
    MUST_OK(crm_view_open(db, &view, &error), &error);
    crm_view_close(view);
    MUST(crm_close(db) == CRM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *path = fuzz_path("image.crm"), *index_path = fuzz_path("image.crm-index");
    struct input input = {bytes, bytes + length};
    struct dump file = {0};
    uint8_t how = input_byte(&input);
    unsigned what = how & 3;
    if (image == NULL)
        start(path, index_path);
    make_file(what, &input, &file);
    MUST(file.length < FILE_MOST);
    fuzz_unlink(path);
    fuzz_store(path, log_file.bytes, log_file.length);
    fuzz_store(index_path, file.bytes, file.length);
    if (how & HOW_WRITE)
        check_writing(path);
    else
        check_reading(path, what == PATCH_BLOCKS || what == PATCH_CONTENT);
    fuzz_unlink(path);
    free(file.bytes);
    return 0;
}
