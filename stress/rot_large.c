/* rot_large: random bits of a large file, where a tree has levels, a column has
 * chunks, and the image is read a block at a time.
 *
 * The bit is flipped in the file itself and flipped back; nothing is opened for
 * writing.
 */
#include "rot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_US INT64_C(86400000000)
#define START_US (20000 * DAY_US)

enum { BATCH = 2000, RECORDS_A_CUSTOMER = 12, LONG_CUSTOMERS = 29000, SHORT_CUSTOMERS = 900 };
enum { LONG_FLIPS = 300, SHORT_FLIPS = 100 };

static struct questions questions;
static struct asked expected;
static size_t log_size, image_size;

static void must(bool fine, const crm_error *error)
{
    if (fine)
        return;
    fprintf(stderr, "rot: the large file cannot be made: %s\n", error->message);
    exit(2);
}

static void add_customer(crm_txn *txn, uint64_t *chance, uint32_t number)
{
    static const char *const words[] = {"Nord", "Stein", "Wasser", "Licht", "Feld", "Berg", "Haus", "Werk"};
    char text[600];
    crm_record *customer = crm_create(txn, CRM_KIND_CUSTOMER);
    snprintf(text, sizeof text, "%s%s %u", words[stress_below(chance, 8)], words[stress_below(chance, 8)], number);
    (void)crm_set_text(customer, CRM_CUSTOMER_NAME, text, CRM_NUL);
    snprintf(text, sizeof text, "c%u@example.com", number);
    (void)crm_item_add(customer, CRM_CUSTOMER_EMAILS, text, CRM_NUL);
    snprintf(text, sizeof text, "+49 30 %u", 1000000 + number);
    (void)crm_item_add(customer, CRM_CUSTOMER_PHONES, text, CRM_NUL);
    snprintf(text, sizeof text, "erp:%u", number);
    (void)crm_item_add(customer, CRM_FIELD_EXTERNAL_IDS, text, CRM_NUL);
    for (int i = 0; i < RECORDS_A_CUSTOMER; i++) {
        crm_record *call = crm_create(txn, CRM_KIND_INTERACTION);
        size_t length = 0;
        (void)crm_set_int(call, CRM_INTERACTION_TYPE, 1 + stress_below(chance, 8));
        (void)crm_set_int(call, CRM_INTERACTION_START, START_US - stress_below(chance, 100000) * INT64_C(60000000));
        (void)crm_set_ref_record(call, CRM_INTERACTION_CUSTOMER, customer);
        for (uint32_t words_left = 4 + stress_below(chance, 30); words_left > 0; words_left--)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s ", words[stress_below(chance, 8)]);
        (void)crm_set_text(call, CRM_INTERACTION_BODY, text, length);
    }
}

static void fill(crm_db *db, uint64_t *chance, uint32_t customers)
{
    crm_error error = {0};
    crm_txn *txn = NULL;
    for (uint32_t i = 0; i < customers; i++) {
        if (txn == NULL)
            must(crm_begin(db, &txn, &error) == CRM_OK, &error);
        add_customer(txn, chance, i);
        if ((i + 1) % (customers / 64) == 0 || i + 1 == customers || (i + 1) % BATCH == 0) {
            must(crm_commit(txn, NULL, &error) == CRM_OK, &error);
            txn = NULL;
        }
    }
}

void large_make(struct rot *rot)
{
    crm_error error = {0};
    struct stat about;
    int32_t status;
    uint64_t chance = rot->stress->seed;
    (void)unlink(rot->path);
    (void)unlink(rot->image);
    crm_db *db =
        rot_open(rot->path, ROT_WRITING | ROT_CREATING | ROT_IMAGE | ROT_DEFERRED, NULL, NULL, &status, &error);
    must(db != NULL, &error);
    fill(db, &chance, rot->stress->longer ? LONG_CUSTOMERS : SHORT_CUSTOMERS);
    must(crm_sync(db, &error) == CRM_OK && crm_rebuild(db, &error) == CRM_OK && crm_close(db) == CRM_OK, &error);
    db = rot_open(rot->path, ROT_IMAGE, NULL, NULL, &status, &error);
    must(db != NULL, &error);
    questions_make(&questions, db, 12);
    answers_take(&expected, &questions, db);
    must(expected.troubles == 0 && crm_close(db) == CRM_OK, &error);
    log_size = stat(rot->path, &about) == 0 ? (size_t)about.st_size : 0;
    image_size = stat(rot->image, &about) == 0 ? (size_t)about.st_size : 0;
    printf("  large: log %zu bytes, %llu transactions; image %zu bytes; %zu questions\n", log_size,
           (unsigned long long)expected.lsn, image_size, questions.count);
}

void large_free(void)
{
    questions_free(&questions);
    asked_free(&expected);
}

/* ---- cases ---- */

static void flip(const char *path, size_t at, unsigned bit)
{
    uint8_t byte = 0;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || pread(file, &byte, 1, (off_t)at) != 1)
        abort();
    byte ^= (uint8_t)(1U << bit);
    if (pwrite(file, &byte, 1, (off_t)at) != 1 || close(file) != 0)
        abort();
}

/* A child that crashed has not flipped its bit back. */
static void flip_back(struct rot *rot)
{
    if (rot->shared->flipped == 0)
        return;
    flip(rot->shared->flipped == 1 ? rot->path : rot->image, rot->shared->flipped_at, rot->shared->flipped_bit);
    rot->shared->flipped = 0;
}

static void judge_answers(struct rot *rot, crm_db *db, bool image)
{
    char text[900];
    answers_take(&rot->answers, &questions, db);
    size_t at = answers_differ(&rot->answers, &expected);
    for (size_t i = 0; image && at == SIZE_MAX && i < rot->answers.count; i++) {
        if (!rot->answers.failed[i])
            continue;
        answers_again(&rot->again, &questions, i, db);
        if (rot->again.count != 1 || rot->again.failed[0] || !answers_same(&rot->again, 0, &expected, i))
            rot_wrong(rot, "asked again, an answer is not whole");
    }
    if (at == SIZE_MAX)
        return;
    answers_explain(&questions.list[at], &rot->answers, at, &expected, at, text, sizeof text);
    rot_wrong(rot, text);
}

static void count_line(void *context, int32_t status, const char *message)
{
    (void)status, (void)message;
    ++*(uint32_t *)context;
}

static void judge_large(struct rot *rot, bool image, size_t at, int how, bool verify)
{
    crm_error error = {0};
    int32_t status;
    uint32_t told = 0;
    bool control = !image && at >= ROT_HEADER_PAGE && at < ROT_FRAMES_START;
    crm_db *db = rot_open(rot->path, how, count_line, &told, &status, &error);
    if (db == NULL) {
        if (image || at >= ROT_HEADER_PAGE)
            rot_wrong(rot, error.message);
        return;
    }
    uint64_t lsn = crm_lsn(db);
    rot->answers.told = &told;
    if (lsn == expected.lsn)
        judge_answers(rot, db, image);
    else if (image || told == 0)
        rot_wrong(rot, "transactions are gone and nothing was told");
    rot->answers.told = NULL;
    if (verify) {
        status = crm_verify(db, NULL, &error);
        bool in_log = strstr(error.message, "byte ") != NULL || strstr(error.message, "log: ") != NULL;
        if (image ? status != CRM_OK && in_log : (status == CRM_OK) != control)
            rot_wrong(rot, status == CRM_OK ? "verify finds nothing" : error.message);
    }
    if (crm_close(db) != CRM_OK)
        rot_wrong(rot, "closing failed");
}

static uint64_t count_large(const struct rot *rot)
{
    return rot->stress->longer ? LONG_FLIPS : SHORT_FLIPS;
}

static void run_large(struct rot *rot, uint64_t index)
{
    uint64_t chance = rot->stress->seed + (index << 24);
    bool image = index % 2 != 0;
    size_t at = (size_t)(stress_random(&chance) % (image ? image_size : log_size));
    unsigned bit = stress_below(&chance, 8);
    int how = image || stress_below(&chance, 2) == 0 ? ROT_IMAGE : 0;
    flip_back(rot);
    rot_case(rot, "large, byte %zu, bit %u of the %s, %s", at, bit, image ? "image" : "log",
             how ? "with image" : "without image");
    rot->shared->flipped_at = at;
    rot->shared->flipped_bit = bit;
    rot->shared->flipped = image ? 2 : 1;
    flip(image ? rot->image : rot->path, at, bit);
    rot->shared->cases++;
    judge_large(rot, image, at, how, !image || index % 16 == 1);
    flip_back(rot);
}

const struct group rot_large = {"flipped bits of a large file", count_large, run_large, 1};
