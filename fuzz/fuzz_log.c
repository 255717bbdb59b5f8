/* fuzz_log: bytes as a log file.
 *
 * The first byte says how: whether the rest is the file as it lies or a short
 * input (logfile.h), and what is done with it.  Whatever the file holds, opening
 * it gives a status; what opens can be read; read in another way, with an index
 * file or behind a compaction, it says the same; written to, it opens again and
 * has what was written; and recovery leaves a sound file or says why not.
 *
 * The mutator takes a short input apart and puts it together again with right
 * checksums most times; else it changes bytes.
 */
#include "logfile.h"
#include "logmutate.h"
#include "reading.h"

#include "../stress/stress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOW_WHOLE = 1, HOW_WRITE = 2, HOW_IMAGE = 4, HOW_COMPACT = 8, HOW_RECOVER = 16, HOW_VERIFY = 32 };

static void compare(const struct dump *a, const struct dump *b, const char *what)
{
    if (dump_equal(a, b))
        return;
    size_t at = 0, from = 0;
    while (at < a->length && at < b->length && a->bytes[at] == b->bytes[at]) {
        if (a->bytes[at] == '\n')
            from = at + 1;
        at++;
    }
    dprintf(2, "%s:\n%.600s\n---\n%.600s\n", what, a->bytes + from, b->bytes + from);
    fuzz_fail(__FILE__, __LINE__, what);
}

/* Opened so, read, closed.  False when it does not open. */
static bool read_so(const char *path, unsigned how, struct dump *out, bool *good)
{
    crm_db *db = NULL;
    crm_error error = {0};
    int32_t status = fuzz_open(path, how | FUZZ_EXISTING, &db, &error);
    if (status != CRM_OK) {
        MUST(status == CRM_CORRUPT || status == CRM_NOT_A_DATABASE || status == CRM_NOMEM || status == CRM_FULL);
        return false;
    }
    *good = reading_all(db, out);
    MUST(crm_close(db) == CRM_OK);
    return true;
}

/* What is sound can be read; else says what could not. */
static void must_be_good(bool good, const struct dump *text)
{
    const char *at = good ? NULL : strstr(text->bytes, ": CRM_");
    if (at == NULL)
        return;
    const char *from = at - text->bytes < 460 ? text->bytes : at - 460;
    dprintf(2, "%.520s\n", from);
    fuzz_fail(__FILE__, __LINE__, "a sound file can be read whole");
}

static void tell(const crm_table *table)
{
    for (uint64_t row = 0; row < crm_table_rows(table) && row < 5; row++) {
        for (uint32_t column = 0; column < crm_table_columns(table); column++)
            dprintf(2, "%s ", crm_table_text(table, row, column, NULL));
        dprintf(2, "\n");
    }
}

/* Whether every byte and index is as it should be; when it must be and is not, says what is not. */
static bool is_sound(const char *path, bool must)
{
    crm_db *db = NULL;
    crm_table *table = NULL;
    crm_error error = {0};
    if (fuzz_open(path, FUZZ_READ_ONLY | FUZZ_EXISTING, &db, &error) != CRM_OK) {
        if (must)
            fuzz_fail(__FILE__, __LINE__, error.message);
        return false;
    }
    int32_t status = crm_verify(db, &table, &error);
    MUST(status == CRM_OK || (status == CRM_CORRUPT && error.message[0] != '\0') || status == CRM_NOMEM);
    if (status == CRM_CORRUPT)
        MUST(table == NULL || crm_table_rows(table) > 0);
    if (must && status != CRM_OK) {
        tell(table);
        fuzz_fail(__FILE__, __LINE__, error.message);
    }
    crm_table_free(table);
    MUST(crm_close(db) == CRM_OK);
    return status == CRM_OK;
}

static void write_one(const char *path)
{
    crm_db *db = NULL;
    crm_txn *txn = NULL;
    crm_view *view = NULL;
    crm_error error = {0};
    crm_id id;
    if (fuzz_open(path, FUZZ_EXISTING, &db, &error) != CRM_OK)
        return;
    bool written = crm_begin(db, &txn, &error) == CRM_OK;
    if (written) {
        crm_record *record = crm_create(txn, CRM_KIND_PRODUCT);
        (void)crm_set_text(record, CRM_PRODUCT_NAME, "written", CRM_NUL);
        if (record != NULL)
            crm_record_id(record, &id);
        written = crm_commit(txn, NULL, &error) == CRM_OK;
    }
    MUST(written || error.message[0] != '\0');
    MUST(crm_close(db) == CRM_OK);
    if (!written)
        return;
    MUST_OK(fuzz_open(path, FUZZ_EXISTING, &db, &error), &error);
    MUST_OK(crm_view_open(db, &view, &error), &error);
    crm_record *record = NULL;
    MUST_OK(crm_get(view, CRM_KIND_PRODUCT, &id, &record, &error), &error);
    MUST(strcmp(crm_text(record, CRM_PRODUCT_NAME, NULL), "written") == 0);
    crm_record_free(record);
    crm_view_close(view);
    MUST(crm_close(db) == CRM_OK);
}

static void compact(const char *path, const struct dump *before, bool sound)
{
    crm_db *db = NULL;
    crm_view *view = NULL;
    crm_error error = {0};
    struct dump after = {0};
    bool good = false;
    if (fuzz_open(path, FUZZ_EXISTING, &db, &error) != CRM_OK)
        return;
    MUST_OK(crm_view_open(db, &view, &error), &error);
    const char *days = crm_setting(view, "retention_days");
    bool keeps_all = days == NULL || days[0] == '\0';
    crm_view_close(view);
    int32_t status = crm_compact(db, &error);
    MUST(status == CRM_OK || error.message[0] != '\0');
    MUST(crm_close(db) == CRM_OK);
    if (status == CRM_OK) {
        (void)is_sound(path, sound);
        MUST(read_so(path, FUZZ_READ_ONLY, &after, &good));
        /* What was erased is shown as such only as long as it is in the file. */
        if (sound && keeps_all && strstr(before->bytes, "(erased)") == NULL)
            compare(before, &after, "a compaction changes nothing of what is told");
    }
    free(after.bytes);
}

static void recover(const char *path, const struct dump *file)
{
    const char *to = fuzz_path("salvaged.crm");
    crm_table *table = NULL;
    crm_error error = {0};
    fuzz_unlink(to);
    int32_t status = crm_recover(path, to, NULL, &table, &error);
    size_t length = 0;
    uint8_t *left = fuzz_load(path, &length);
    MUST(left != NULL && length == file->length && (length == 0 || memcmp(left, file->bytes, length) == 0));
    free(left);
    if (status == CRM_OK) {
        struct dump text = {0};
        bool good = false;
        MUST(table != NULL && is_sound(to, true));
        MUST(read_so(to, FUZZ_READ_ONLY, &text, &good));
        must_be_good(good, &text);
        free(text.bytes);
        write_one(to);
    } else {
        MUST(error.message[0] != '\0');
    }
    crm_table_free(table);
    fuzz_unlink(to);
}

static void run(uint8_t how, const struct dump *file)
{
    const char *path = fuzz_path("log.crm");
    struct dump first = {0}, other = {0};
    bool good = false, again = false, sound = false;
    fuzz_unlink(path);
    fuzz_store(path, file->bytes, file->length);
    if (how & HOW_RECOVER)
        recover(path, file);
    bool opens = read_so(path, FUZZ_READ_ONLY, &first, &good);
    if (opens && (how & (HOW_VERIFY | HOW_COMPACT)))
        sound = is_sound(path, false);
    must_be_good(good || !sound, &first);
    /* Of a file without a transaction, opening for writing makes a new one. */
    opens = opens && strstr(first.bytes, "lsn 0, ") == NULL;
    if (opens && (how & (HOW_WRITE | HOW_IMAGE))) {
        if (read_so(path, how & HOW_IMAGE ? FUZZ_IMAGE : 0, &other, &again)) {
            compare(&first, &other, "opened for writing it says the same");
            other.length = 0;
            MUST(read_so(path, how & HOW_IMAGE ? FUZZ_IMAGE | FUZZ_READ_ONLY : 0, &other, &again));
            compare(&first, &other, "opened again it says the same");
        }
    }
    if (opens && (how & HOW_COMPACT))
        compact(path, &first, sound);
    if (how & HOW_WRITE)
        write_one(path);
    fuzz_unlink(path);
    free(first.bytes);
    free(other.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct dump file = {0};
    if (length == 0)
        return 0;
    uint8_t how = bytes[0];
    if (how & HOW_WHOLE)
        dump_put(&file, bytes + 1, length - 1);
    else
        logfile_expand(bytes + 1, length - 1, &file);
    run(how, &file);
    free(file.bytes);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t most, unsigned int seed)
{
    uint64_t state = seed;
    uint32_t way = stress_below(&state, 10);
    struct log_parts parts;
    struct dump out = {0};
    if (length < LOGFILE_HEADER || (bytes[0] & HOW_WHOLE) || way == 0)
        return LLVMFuzzerMutate(bytes, length, most);
    logfile_open(bytes + 1, length - 1, &parts);
    for (uint32_t changes = 1 + stress_below(&state, 3); changes > 0; changes--)
        logmutate(&parts, &state);
    logfile_seal(&parts, way > 1, &out);
    logfile_close(&parts);
    if (stress_below(&state, 4) == 0) /* one thing at a time: all of them take long */
        bytes[0] = (uint8_t)(HOW_WRITE << stress_below(&state, 5));
    if (stress_below(&state, 16) == 0 && out.length > LOGFILE_HEADER) /* and a flipped bit, or torn */
        out.bytes[stress_below(&state, (uint32_t)out.length)] ^= (char)(1 << stress_below(&state, 8));
    if (stress_below(&state, 24) == 0)
        out.length -= stress_below(&state, (uint32_t)out.length / 2 + 1);
    size_t size = out.length < most - 1 ? out.length : most - 1;
    memcpy(bytes + 1, out.bytes, size);
    free(out.bytes);
    return size + 1;
}
