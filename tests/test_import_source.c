/* test_import_source: bytes in pieces of any size become the same rows; what
 * is damaged, random or huge does no harm.
 * Proves P6. */
#include "domain_fixture.h"
#include "import_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crm_db *db;

static void setup(void)
{
    db = domain_open();
}

static void teardown(void)
{
    domain_close(db);
}

static char *names(void)
{
    size_t length;
    return export_text(db, CRM_KIND_CUSTOMER, "csv", "name,description", NULL, &length);
}

/* One of everything that decides where a row ends. */
static const char dialects[] = "\xEF\xBB\xBFname,description\r\n"
                               "plain,text\n"
                               "\"in, quotes\",\"two\r\nlines\"\r\n"
                               "\n\r\n"
                               "\"doubled \"\" quote\",\"\"\"\"\r"
                               "alone CR,before\r"
                               "\"quoted\"x,behind \"quote\r\n"
                               "\"\n\n\n\",\"last\"";

START_TEST(pieces_of_any_size_give_the_same_rows)
{
    static const char expected[] = "name,description\n"
                                   "plain,text\n"
                                   "\"in, quotes\",\"two\r\nlines\"\n"
                                   "\"doubled \"\" quote\",\"\"\"\"\n"
                                   "alone CR,before\n"
                                   "quotedx,\"behind \"\"quote\"\n";
    for (size_t piece = 1; piece < 12; piece++) {
        struct imported imported = import_pieces(db, CRM_KIND_CUSTOMER, dialects, sizeof dialects - 1, piece,
                                                 (const char *[]){"batch", "b", NULL});
        ck_assert_int_eq(imported.status, CRM_OK);
        ck_assert_uint_eq(imported.read, 6);
        ck_assert_uint_eq(imported.created, 5); /* the last has a name of line breaks: blank */
        char *got = names();
        ck_assert_str_eq(got, expected);
        free(got);
        crm_txn *txn = domain_begin(db);
        ck_assert_int_eq(crm_undo(txn, "b", 0, NULL, NULL), CRM_OK);
        domain_commit(txn);
    }
}
END_TEST

enum { ROWS = 1500 };

/* Rows with line breaks and quotes in them, more than the 64 KiB that are gathered to find the dialect. */
static char *many_rows(size_t *length)
{
    size_t capacity = ROWS * 160;
    char *text = malloc(capacity);
    ck_assert_ptr_nonnull(text);
    *length = (size_t)snprintf(text, capacity, "external_ids,name,description\r\n");
    for (int i = 0; i < ROWS; i++)
        *length += (size_t)snprintf(text + *length, capacity - *length,
                                    "x:%d,\"customer, \"\"%d\"\"\",\"a text\r\nof %d lines\n\"\"and\"\" more of it\"%s",
                                    i, i, i % 3, i % 2 == 0 ? "\r\n" : "\n");
    return text;
}

START_TEST(long_files_are_cut_anywhere)
{
    size_t length;
    char *text = many_rows(&length);
    ck_assert_uint_gt(length, 100000);
    for (size_t piece = 89; piece < 200000; piece = piece * 5 + 1) {
        struct imported imported =
            import_pieces(db, CRM_KIND_CUSTOMER, text, length, piece, (const char *[]){"match", "external_ids", NULL});
        import_clean(&imported);
        ck_assert_uint_eq(imported.read, ROWS);
        ck_assert_uint_eq(piece == 89 ? imported.created : imported.unchanged, ROWS);
    }
    free(text);
}
END_TEST

START_TEST(rows_are_read_as_they_come)
{
    size_t length;
    char *text = many_rows(&length);
    crm_import *import = NULL;
    crm_error error;
    ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
    for (size_t at = 0; at + 1000 <= length; at += 1000) {
        ck_assert_int_eq(crm_import_feed(import, text + at, 1000, &error), CRM_OK);
        /* A row has 62 to 69 bytes, so all but one in a piece and the first 66,000 bytes are there. */
        if (at > 66000)
            ck_assert_uint_ge(crm_import_count(import, CRM_IMPORT_READ), at / 80);
    }
    crm_import_free(import);
    free(text);
}
END_TEST

START_TEST(json_lines_are_cut_anywhere)
{
    size_t length = 0, capacity = ROWS * 100;
    char *text = malloc(capacity);
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < ROWS; i++)
        length +=
            (size_t)snprintf(text + length, capacity - length,
                             "{\"external_ids\":[\"x:%d\"],\"name\":\"customer \\n %d\",\"tags\":[\"a\",\"b\"]}%s", i,
                             i, i % 2 == 0 ? "\n" : "\r\n\n");
    ck_assert_uint_gt(length, 80000);
    for (size_t piece = 89; piece < 200000; piece = piece * 5 + 1) {
        struct imported imported = import_pieces(db, CRM_KIND_CUSTOMER, text, length, piece, NULL);
        if (piece == 89)
            import_clean(&imported);
        ck_assert_uint_eq(imported.read, ROWS);
        ck_assert_uint_eq(piece == 89 ? imported.created : imported.rejected, ROWS); /* the ids are taken */
    }
    free(text);
}
END_TEST

START_TEST(delimiters_are_found_out_or_told)
{
    static const struct {
        const char *text, *key, *value;
    } files[] = {
        {"name;description\na,b;c\n", NULL, NULL},
        {"name\tdescription\na,b\tc\n", NULL, NULL},
        {"name|description\na,b|c\n", NULL, NULL},
        {"sep=;\nname;description\na,b;c\n", NULL, NULL},
        {"name~description\na,b~c\n", "delimiter", "~"},
        {"name\tdescription\na,b\tc\n", "delimiter", "tab"},
        {"  name   description\n a,b \t c\n\n  \n", "delimiter", "space"},
        {"\"a,b\",c\n", "columns", "name,description"},
        {"\"a,b\",c\n", "mapping", "columns name description"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *settings[] = {"batch", "b", files[i].key, files[i].value, NULL};
        struct imported imported = import_text(db, CRM_KIND_CUSTOMER, files[i].text, settings);
        ck_assert_msg(imported.status == CRM_OK, "%s: %s", files[i].text, imported.error.message);
        ck_assert_uint_eq(imported.created, 1);
        char *got = names();
        ck_assert_str_eq(got, "name,description\n\"a,b\",c\n");
        free(got);
        crm_txn *txn = domain_begin(db);
        ck_assert_int_eq(crm_undo(txn, "b", 0, NULL, NULL), CRM_OK);
        domain_commit(txn);
    }
}
END_TEST

START_TEST(nothing_comes_of_nothing)
{
    struct imported imported = import_text(db, CRM_KIND_CUSTOMER, "", NULL);
    import_clean(&imported);
    ck_assert_uint_eq(imported.read, 0);
    imported = import_text(db, CRM_KIND_CUSTOMER, "name,description\n", NULL);
    import_clean(&imported);
    ck_assert_uint_eq(imported.read, 0);
    imported = import_text(db, CRM_KIND_CUSTOMER, "\n\n\n", NULL);
    ck_assert_int_eq(imported.status, CRM_OK);
}
END_TEST

START_TEST(a_quote_that_is_never_closed_is_one_reject_and_says_where_it_began)
{
    struct imported imported = import_text(db, CRM_KIND_CUSTOMER, "name,description\na,b\nc,\"d\ne,f\ng,h\n", NULL);
    ck_assert_int_eq(imported.status, CRM_OK);
    ck_assert_uint_eq(imported.created, 1);
    ck_assert_uint_eq(imported.rejected, 1);
    ck_assert_uint_eq(imported.rejects[0].line, 3);
    ck_assert_ptr_nonnull(strstr(imported.rejects[0].why, "never closed"));
}
END_TEST

START_TEST(text_that_is_not_utf_8_is_rejected_not_guessed_at)
{
    struct imported imported = import_text(db, CRM_KIND_CUSTOMER, "name,description\nM\xFCller,b\nMüller,\xC3\n", NULL);
    ck_assert_uint_eq(imported.rejected, 2);
    ck_assert_uint_eq(imported.rejects[0].column, 1);
    ck_assert_uint_eq(imported.rejects[1].column, 2);
    imported = import_pieces(db, CRM_KIND_CUSTOMER, "\xFF\xFEn\0a\0", 6, 6, NULL);
    ck_assert_int_eq(imported.status, CRM_INVALID);
    ck_assert_ptr_nonnull(strstr(imported.error.message, "UTF-16"));
}
END_TEST

START_TEST(rejects_that_nobody_takes_do_not_fill_the_memory)
{
    enum { BAD = 40000, LENGTH = 1000 };
    crm_import *import = NULL;
    crm_error error;
    char row[LENGTH];
    const char *why;
    uint64_t line, column, taken = 0;
    memset(row, 'x', sizeof row);
    row[LENGTH - 1] = '\n';
    ck_assert_int_eq(crm_import_create(db, CRM_KIND_CUSTOMER, &import, &error), CRM_OK);
    ck_assert_int_eq(crm_import_set(import, "columns", "name,description", CRM_NUL, &error), CRM_OK);
    for (int i = 0; i < BAD; i++) /* one field of two: 40 MB of bad rows */
        ck_assert_int_eq(crm_import_feed(import, row, sizeof row, &error), CRM_OK);
    ck_assert_int_eq(crm_import_finish(import, &error), CRM_OK);
    ck_assert_uint_eq(crm_import_count(import, CRM_IMPORT_REJECTED), BAD);
    while (crm_import_reject(import, &line, &column, &why, NULL, NULL) == CRM_OK)
        taken++;
    /* 16 MiB of about 1,100 bytes each, and a last one that says that there were more. */
    ck_assert_uint_gt(taken, 14000);
    ck_assert_uint_lt(taken, 17000);
    ck_assert_uint_eq(line, 0);
    ck_assert_ptr_nonnull(strstr(why, "not kept"));
    crm_import_free(import);
}
END_TEST

/* A simple generator, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Quotes, breaks and delimiters in any order: read in pieces they are the same
 * rows as read at once.  The blank lines before them carry the reading beyond
 * what is gathered to find the dialect. */
START_TEST(garbage_in_pieces_is_the_same_garbage)
{
    enum { BEFORE = 66000, TAIL = 60 };
    static const char alphabet[] = "a,\"\n\r\r\n\" ,";
    static const char header[] = "name,description\n";
    static const char *const settings[] = {"dry_run", "1", NULL};
    uint32_t state = 777;
    char *text = malloc(BEFORE + TAIL);
    ck_assert_ptr_nonnull(text);
    memset(text, '\n', BEFORE);
    memcpy(text, header, sizeof header - 1);
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < TAIL; i++)
            text[BEFORE + i] = alphabet[next_random(&state) % (sizeof alphabet - 1)];
        struct imported whole = import_pieces(db, CRM_KIND_CUSTOMER, text, BEFORE + TAIL, BEFORE + TAIL, settings);
        struct imported cut = import_pieces(db, CRM_KIND_CUSTOMER, text, BEFORE + TAIL,
                                            BEFORE / 2 + 1 + next_random(&state) % TAIL, settings);
        ck_assert_int_eq(whole.status, cut.status);
        ck_assert_uint_eq(whole.read, cut.read);
        ck_assert_uint_eq(whole.created, cut.created);
        for (int i = 0; i < whole.reject_count && i < IMPORTED_REJECTS; i++) {
            ck_assert_uint_eq(whole.rejects[i].line, cut.rejects[i].line);
            ck_assert_str_eq(whole.rejects[i].row, cut.rejects[i].row);
        }
    }
    free(text);
}
END_TEST

/* Every import of garbage ends with counts that add up (the fixture checks) or a plain error. */
START_TEST(random_bytes_do_no_harm)
{
    static const char alphabet[] = "abc,,;\"\"\n\r\t {}[]:1.-\\u0041\xC3\xBC\xFF";
    static const char *const seeds[] = {
        "name,description,employees,currency,annual_revenue,emails\nAcme,x,1,EUR,1.5,a@b.example\n",
        "{\"name\":\"Acme\",\"emails\":[{\"value\":\"a@b.example\",\"label\":\"x\"}],\"employees\":5}\n",
    };
    static const char *const settings[] = {"ignore", "*", "add_choices", "1", "batch_rows", "3", NULL};
    uint32_t state = 12345;
    char text[400];
    for (int round = 0; round < 600; round++) {
        const char *seed = seeds[round % 2];
        size_t length = strlen(seed), room = sizeof text - 1;
        memcpy(text, seed, length);
        if (round % 3 == 0)
            for (; length < room; length++)
                text[length] = alphabet[next_random(&state) % (sizeof alphabet - 1)];
        for (uint32_t i = next_random(&state) % 12; i > 0; i--)
            text[next_random(&state) % length] = alphabet[next_random(&state) % (sizeof alphabet - 1)];
        import_pieces(db, CRM_KIND_CUSTOMER, text, length, 1 + next_random(&state) % 50, settings);
    }
    crm_error error;
    ck_assert_msg(crm_verify(db, NULL, &error) == CRM_OK, "%s", error.message);
}
END_TEST

/* ---- memory ---- */

struct failing { /* an allocator that fails from its n-th request on */
    long left;
};

static void *failing_resize(void *context, void *old, size_t size)
{
    struct failing *failing = context;
    if (size == 0) {
        free(old);
        return NULL;
    }
    if (failing->left > 0)
        failing->left--;
    return failing->left == 0 ? NULL : realloc(old, size);
}

static int32_t import_with(struct failing *failing, long after)
{
    static const char text[] = "no,qty,price,cust\n1,2,3,Kern\n1,1,1,Kern\n2,x,1,Kern\n3,1,1,Lang\n";
    static const char mapping[] = "group no\ntype = 'purchase'\namount = sum qty * price\nexternal_ids = 'i:{no}'\n"
                                  "values cust 'Lang' = 'Lange'\ncustomer = cust by name create tags = 'new'";
    char path[] = "/tmp/crm-memory-XXXXXX", beside[64];
    crm_error error = {0};
    crm_db *own = NULL;
    crm_import *import = NULL;
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    remove(path);
    crm_options *options = crm_options_create();
    failing->left = -1;
    crm_options_set_allocator(options, failing_resize, failing);
    crm_options_set_int(options, CRM_OPTION_IMAGE, 0);
    crm_options_set_int(options, CRM_OPTION_DURABILITY, CRM_DURABLE_DEFERRED);
    ck_assert_int_eq(crm_open(path, options, &own, &error), CRM_OK);
    crm_options_free(options);
    failing->left = after;
    int32_t status = crm_import_create(own, CRM_KIND_INTERACTION, &import, &error);
    if (status == CRM_OK)
        status = crm_import_set(import, "mapping", mapping, CRM_NUL, &error);
    if (status == CRM_OK)
        status = crm_import_feed(import, text, sizeof text - 1, &error);
    if (status == CRM_OK)
        status = crm_import_finish(import, &error);
    crm_import_free(import);
    failing->left = -1;
    crm_close(own);
    remove(path);
    snprintf(beside, sizeof beside, "%s-index", path);
    remove(beside);
    return status;
}

START_TEST(running_out_of_memory_anywhere_is_an_answer)
{
    struct failing failing;
    long after = 1;
    int32_t status = CRM_NOMEM;
    for (; after < 3000 && status != CRM_OK; after++) {
        status = import_with(&failing, after);
        ck_assert_msg(status == CRM_OK || status == CRM_NOMEM, "request %ld: status %d", after, status);
    }
    ck_assert_int_eq(status, CRM_OK);
    ck_assert_int_gt(after, 20);
}
END_TEST

static Suite *source_suite(void)
{
    Suite *suite = suite_create("import_source");
    TCase *tests = tcase_create("bytes");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, pieces_of_any_size_give_the_same_rows);
    tcase_add_test(tests, long_files_are_cut_anywhere);
    tcase_add_test(tests, rows_are_read_as_they_come);
    tcase_add_test(tests, json_lines_are_cut_anywhere);
    tcase_add_test(tests, delimiters_are_found_out_or_told);
    tcase_add_test(tests, nothing_comes_of_nothing);
    tcase_add_test(tests, a_quote_that_is_never_closed_is_one_reject_and_says_where_it_began);
    tcase_add_test(tests, text_that_is_not_utf_8_is_rejected_not_guessed_at);
    tcase_add_test(tests, rejects_that_nobody_takes_do_not_fill_the_memory);
    tcase_add_test(tests, garbage_in_pieces_is_the_same_garbage);
    tcase_add_test(tests, random_bytes_do_no_harm);
    tcase_add_test(tests, running_out_of_memory_anywhere_is_an_answer);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(source_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
