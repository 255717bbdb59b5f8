/* faults_data: import and export, and what needs neither memory nor files. */
#include "faults.h"

#include <string.h>

/* ---- import ---- */

struct wanted {
    uint64_t read, created, updated, rejected, others;
};

static void check_counts(struct run *run, const crm_import *import, const struct wanted *wanted)
{
    IS(crm_import_count(import, CRM_IMPORT_READ) == wanted->read);
    IS(crm_import_count(import, CRM_IMPORT_CREATED) == wanted->created);
    IS(crm_import_count(import, CRM_IMPORT_UPDATED) == wanted->updated);
    IS(crm_import_count(import, CRM_IMPORT_REJECTED) == wanted->rejected);
    IS(crm_import_count(import, CRM_IMPORT_OTHERS) == wanted->others);
}

/* In pieces of seven bytes. */
static bool feed(struct run *run, crm_import *import, const char *text)
{
    for (size_t at = 0, length = strlen(text); at < length; at += 7)
        if (!OK(crm_import_feed(import, text + at, length - at < 7 ? length - at : 7, &run->error)))
            return false;
    return true;
}

/* `settings`: keys and values, then NULL. */
static crm_import *begin_import(struct run *run, uint32_t kind, const char *const *settings)
{
    crm_import *import = NULL;
    if (MADE(import, crm_import_create(run->db, kind, &import, &run->error)))
        for (; *settings != NULL && !run->failed; settings += 2)
            (void)OK(crm_import_set(import, settings[0], settings[1], CRM_NUL, &run->error));
    return import;
}

/* Three new ones, one that is there, one that is wrong. */
static void import_csv(struct run *run)
{
    static const char text[] = "name,e-mail,employees,owner\n"
                               "Import A,a@import.example,1,Mia Berg\n"
                               "Import B,b@import.example,2,Mia Berg\n"
                               "\"Import \"\"C\"\"\",c@import.example,3,\n"
                               "Customer 2,c2@example.com,21,\n"
                               "Wrong,w@import.example,many,\n";
    static const char *const settings[] = {"match", "emails", "batch", "csv", "actor", "eve", NULL};
    static const struct wanted wanted = {5, 3, 1, 1, 0};
    crm_import *import = begin_import(run, CRM_KIND_CUSTOMER, settings);
    uint64_t line = 0, column = 0;
    const char *why = NULL, *row = NULL;
    size_t length = 0;
    if (!run->failed && feed(run, import, text) && OK(crm_import_finish(import, &run->error))) {
        check_counts(run, import, &wanted);
        if (PLAIN(crm_import_reject(import, &line, &column, &why, &row, &length)))
            IS(line == 6 && column == 3 && why[0] != '\0' && same(row, "Wrong,w@import.example,many,"));
        (void)run_judge(run, CRM_DONE, crm_import_reject(import, &line, &column, &why, &row, &length), false,
                        "crm_import_reject", __LINE__);
    }
    crm_import_free(import);
}

/* Purchases by a mapping, with the customer that is missing made on the way. */
static void import_mapped(struct run *run)
{
    static const char text[] = "{\"id\":1,\"company\":\"Customer 1\",\"date\":\"03/09/2024\",\"n\":2,\"price\":1.5}\n"
                               "{\"id\":2,\"company\":\"Brand New\",\"date\":\"04/09/2024\",\"n\":3,\"price\":2}\n";
    static const char mapping[] = "match external_ids\n"
                                  "date date \"%d/%m/%Y\"\n"
                                  "ignore n price company id\n"
                                  "external_ids = \"shop:{id}\"\n"
                                  "type = \"purchase\"\n"
                                  "start = date\n"
                                  "customer = company by name create type = \"company\"\n"
                                  "amount = n * price rounded\n"
                                  "subject = \"order {id}\" when n > 2\n";
    static const char *const settings[] = {"format", "jsonl", "mapping", mapping, NULL};
    static const struct wanted wanted = {2, 2, 0, 0, 1};
    crm_import *import = begin_import(run, CRM_KIND_INTERACTION, settings);
    if (!run->failed && feed(run, import, text) && OK(crm_import_finish(import, &run->error)))
        check_counts(run, import, &wanted);
    crm_import_free(import);
}

static void import_strict(struct run *run)
{
    static const char text[] = "name\nStrict A\nStrict B\n\"\"\n";
    static const char *const settings[] = {"strict", "1", NULL};
    crm_import *import = begin_import(run, CRM_KIND_CUSTOMER, settings);
    if (!run->failed && feed(run, import, text))
        (void)GIVES(CRM_REFUSED, crm_import_finish(import, &run->error));
    crm_import_free(import);
}

/* Two rows a transaction; what an import that failed wrote is unchanged when it is run again. */
static void import_batches(struct run *run)
{
    static const char text[] = "external_ids;name;employees;parent\n"
                               "shop:1;Shop 1;1;\nshop:2;Shop 2;2;shop:1\nshop:3;Shop 3;3;shop:5\n"
                               "shop:4;Shop 4;4;\nshop:5;Shop 5;5;\n";
    static const char *const settings[] = {"batch_rows", "2", "match", "external_ids", "delimiter", ";", NULL};
    crm_import *import = begin_import(run, CRM_KIND_CUSTOMER, settings);
    if (!run->failed && feed(run, import, text) && OK(crm_import_finish(import, &run->error))) {
        IS(crm_import_count(import, CRM_IMPORT_REJECTED) == 0);
        IS(crm_import_count(import, CRM_IMPORT_READ) == 5);
    }
    crm_import_free(import);
}

/* ---- export ---- */

static void export_as(struct run *run, const char *format, const char *columns, const char *expected)
{
    crm_view *view = run_view(run);
    crm_query *query = NULL;
    crm_export *out = NULL;
    char text[2000] = "";
    const char *bytes = NULL;
    size_t length = 0, used = 0;
    int32_t status = CRM_OK;
    run->kept = false;
    if (view != NULL && MADE(query, crm_query_create(view, CRM_KIND_CUSTOMER, &query, &run->error))) {
        (void)SET(crm_query_order(query, CRM_CUSTOMER_NAME, 0));
        (void)SET(crm_query_where_text(query, CRM_FIELD_TAGS, CRM_OP_EQ, "odd", CRM_NUL));
        if (MADE(out, crm_export_create(query, format, columns, &out, &run->error))) {
            while ((status = crm_export_next(out, &bytes, &length, &run->error)) == CRM_OK &&
                   used + length < sizeof text) {
                memcpy(text + used, bytes, length);
                used += length;
            }
            text[used] = '\0';
            if (GIVES(CRM_DONE, status) && IS(!run->kept) && expected != NULL)
                IS(same(text, expected));
        }
    }
    crm_export_free(out);
    crm_query_free(query);
    crm_view_close(view);
}

static void export_csv(struct run *run)
{
    export_as(run, "csv", "name,employees,owner,parent",
              "name,employees,owner,parent\n"
              "Customer 1,10,fa050100-0000-7000-8000-000000000001,fa010000-0000-7000-8000-000000000001\n"
              "Customer 3,30,fa050100-0000-7000-8000-000000000001,\n"
              "Customer 5,50,fa050100-0000-7000-8000-000000000001,\n");
}

static void export_jsonl(struct run *run)
{
    export_as(run, "jsonl", "name,emails,territory",
              "{\"name\":\"Customer 1\",\"emails\":[\"c1@example.com\"],"
              "\"territory\":\"West\"}\n"
              "{\"name\":\"Customer 3\",\"emails\":[\"c3@example.com\"],"
              "\"territory\":\"Area 10\"}\n"
              "{\"name\":\"Customer 5\",\"emails\":[\"c5@example.com\"],"
              "\"territory\":\"West\"}\n");
}

static void export_all(struct run *run)
{
    export_as(run, "csv", NULL, NULL);
}

/* ---- what cannot fail ---- */

static void words_hold(struct run *run)
{
    IS(crm_version_number() == CRM_VERSION_NUMBER && same(crm_version(), CRM_VERSION));
    IS(same(crm_status_name(CRM_NOMEM), "CRM_NOMEM") && crm_status_text(CRM_NOMEM)[0] != '\0');
    IS(same(crm_type_name(CRM_TYPE_MONEY), "money") && crm_type_find("money", CRM_NUL) == CRM_TYPE_MONEY);
    IS(same(crm_lifecycle_name(CRM_CUSTOMER_STAGE_DRIFTING), "drifting"));
    IS(same(crm_currency_code(978), "EUR"));
    /* "日本" is two wide characters of three bytes each. */
    IS(crm_text_width("\xe6\x97\xa5\xe6\x9c\xac!", CRM_NUL) == 5);
    IS(crm_text_cut("\xe6\x97\xa5\xe6\x9c\xac!", CRM_NUL, 3) == 3);
}

void constants_hold(struct run *run)
{
    char text[40];
    crm_id id, back;
    int64_t time = 0;
    int32_t date = 0;
    bool failed = run->failed;
    run->failed = false; /* of the step: these have nothing to do with it */
    words_hold(run);
    id = base_id(CRM_KIND_CUSTOMER, 1);
    crm_id_format(&id, text);
    IS(same(text, "fa010100-0000-7000-8000-000000000001"));
    IS(crm_id_parse(text, CRM_NUL, &back) == CRM_OK && memcmp(&id, &back, sizeof id) == 0);
    IS(crm_time_format(BASE_NOW, text) > 0 && strncmp(text, "2024-10-04T00:00", 16) == 0);
    IS(crm_time_parse("2024-10-04", CRM_NUL, 0, &time) == CRM_OK && time == BASE_NOW);
    IS(crm_date_format(BASE_DAY, text) == 10 && same(text, "2024-10-04"));
    IS(crm_date_parse("2024-10-04", CRM_NUL, 0, &date) == CRM_OK && date == BASE_DAY);
    IS(crm_money_format(123450, 978, text) == 7 && same(text, "1234.50"));
    run->failed = failed;
}

const struct scenario scenarios_data[] = {
    {.name = "import csv", .base = BASE_LOG, .steps = {import_csv}},
    {.name = "import by a mapping", .base = BASE_IMAGE, .steps = {import_mapped}},
    {.name = "import, strict", .base = BASE_LOG, .steps = {import_strict}},
    {.name = "import in batches", .base = BASE_LOG, .steps = {import_batches}, .batches = true},
    {.name = "export", .base = BASE_LOG, .steps = {export_csv, export_jsonl, export_all}},
    {.name = NULL},
};
