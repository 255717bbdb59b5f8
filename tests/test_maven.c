/* test_maven: the pipeline report on 8,800 deals of a computer-hardware seller
 * gives the figures published for that data: by stage, region, product, agent
 * and quarter.  The files are read here by plain splitting, so that this tests
 * the report and not the import. */
#include "domain_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGENTS_MAX = 64, PRODUCTS_MAX = 16, STAGES = 4, FIELDS = 8 };

static const char *folder;

struct named {
    char name[64];
    crm_id id;
};

static struct named agents[AGENTS_MAX];
static struct named products[PRODUCTS_MAX];
static struct named stages[STAGES];
static size_t agent_count, product_count;

static FILE *open_file(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/maven_crm/%s", folder, name);
    return fopen(path, "r");
}

/* Cuts a line at its commas; how many fields it has. */
static size_t split(char *line, char *fields[FIELDS])
{
    size_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at != NULL && count < FIELDS;) {
        char *comma = strchr(at, ',');
        fields[count++] = at;
        if (comma != NULL)
            *comma++ = '\0';
        at = comma;
    }
    return count;
}

static const crm_id *find(const struct named *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i].id;
    ck_abort_msg("nothing is called \"%s\"", name);
    return NULL;
}

static struct named keep(const char *name, crm_record *record)
{
    struct named named;
    snprintf(named.name, sizeof named.name, "%s", name);
    ck_assert_ptr_nonnull(record);
    crm_record_id(record, &named.id);
    return named;
}

static void load_agents(crm_txn *txn)
{
    char line[512];
    char *fields[FIELDS];
    FILE *file = open_file("sales_teams.csv"); /* sales_agent,manager,regional_office */
    ck_assert(file != NULL && fgets(line, sizeof line, file) != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        ck_assert(split(line, fields) == 3 && agent_count < AGENTS_MAX);
        crm_record *user = crm_create(txn, CRM_KIND_USER);
        crm_set_text(user, CRM_USER_NAME, fields[0], CRM_NUL);
        crm_set_text(user, CRM_USER_TEAM, fields[1], CRM_NUL);
        crm_set_text(user, CRM_USER_REGION, fields[2], CRM_NUL);
        agents[agent_count++] = keep(fields[0], user);
    }
    fclose(file);
}

static void load_products(crm_txn *txn)
{
    char line[512];
    char *fields[FIELDS];
    FILE *file = open_file("products.csv"); /* product,series,sales_price */
    ck_assert(file != NULL && fgets(line, sizeof line, file) != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        ck_assert(split(line, fields) == 3 && product_count < PRODUCTS_MAX);
        crm_record *product = crm_create(txn, CRM_KIND_PRODUCT);
        crm_set_text(product, CRM_PRODUCT_NAME, fields[0], CRM_NUL);
        products[product_count++] = keep(fields[0], product);
    }
    fclose(file);
}

static void make_pipeline(crm_txn *txn)
{
    static const struct {
        const char *name;
        int probability, closed, won;
    } rows[STAGES] = {{"Prospecting", 10, 0, 0}, {"Engaging", 50, 0, 0}, {"Won", 100, 1, 1}, {"Lost", 0, 1, 0}};
    crm_record *pipeline = crm_create(txn, CRM_KIND_PIPELINE);
    crm_set_text(pipeline, CRM_PIPELINE_NAME, "Maven", CRM_NUL);
    for (size_t i = 0; i < STAGES; i++) {
        crm_record *stage = crm_create(txn, CRM_KIND_STAGE);
        crm_set_text(stage, CRM_STAGE_NAME, rows[i].name, CRM_NUL);
        crm_set_ref_record(stage, CRM_STAGE_PIPELINE, pipeline);
        crm_set_int(stage, CRM_STAGE_PROBABILITY, rows[i].probability);
        crm_set_int(stage, CRM_STAGE_IS_CLOSED, rows[i].closed);
        crm_set_int(stage, CRM_STAGE_IS_WON, rows[i].won);
        stages[i] = keep(rows[i].name, stage);
    }
    domain_accepted(txn);
}

static void set_date(crm_record *deal, uint32_t field, const char *text)
{
    int32_t day;
    if (text[0] == '\0')
        return;
    ck_assert_int_eq(crm_date_parse(text, CRM_NUL, 0, &day), CRM_OK);
    crm_set_int(deal, field, day);
}

/* opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value */
static void load_deal(crm_txn *txn, char *const fields[FIELDS])
{
    const char *product = strcmp(fields[2], "GTXPro") == 0 ? "GTX Pro" : fields[2];
    crm_record *deal = crm_create(txn, CRM_KIND_OPPORTUNITY);
    crm_set_text(deal, CRM_OPPORTUNITY_NAME, fields[0], CRM_NUL);
    crm_set_ref(deal, CRM_FIELD_OWNER, CRM_KIND_USER, find(agents, agent_count, fields[1]));
    crm_set_ref(deal, CRM_OPPORTUNITY_PRODUCT, CRM_KIND_PRODUCT, find(products, product_count, product));
    crm_set_ref(deal, CRM_OPPORTUNITY_STAGE, CRM_KIND_STAGE, find(stages, STAGES, fields[4]));
    set_date(deal, CRM_OPPORTUNITY_STARTED_ON, fields[5]);
    set_date(deal, CRM_OPPORTUNITY_CLOSE_DATE, fields[6][0] != '\0' ? fields[6] : "2018-06-30"); /* open: some day */
    if (fields[7][0] != '\0')
        crm_set_int(deal, CRM_OPPORTUNITY_AMOUNT, strtol(fields[7], NULL, 10) * 100);
    if (strcmp(fields[4], "Lost") == 0)
        crm_set_int(deal, CRM_OPPORTUNITY_LOST_REASON, CRM_OPPORTUNITY_LOST_REASON_NO_DECISION);
}

static crm_db *load(void)
{
    char line[512];
    char *fields[FIELDS];
    crm_db *db = domain_open();
    crm_txn *txn = domain_begin(db);
    agent_count = product_count = 0;
    load_agents(txn);
    load_products(txn);
    make_pipeline(txn);
    FILE *file = open_file("sales_pipeline.csv");
    ck_assert(file != NULL && fgets(line, sizeof line, file) != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        ck_assert_uint_eq(split(line, fields), FIELDS);
        load_deal(txn, fields);
    }
    fclose(file);
    domain_commit(txn);
    return db;
}

START_TEST(the_published_figures_come_out)
{
    static const struct {
        const char *by, *key, *column, *text;
    } figures[] = {
        {"stage", "Prospecting", "deals", "500"},
        {"stage", "Engaging", "deals", "1589"},
        {"stage", "Won", "deals", "4238"},
        {"stage", "Lost", "deals", "2473"},
        {"pipeline", "Maven", "deals", "8800"},
        {"pipeline", "Maven", "won_amount", "10005534.00"},
        {"pipeline", "Maven", "win_rate", "0.6315"}, /* 63.15 % */
        {"pipeline", "Maven", "mean_cycle_days", "51.78"},
        {"owner.region", "Central", "won_amount", "3346293.00"},
        {"owner.region", "East", "won_amount", "3090594.00"},
        {"owner.region", "West", "won_amount", "3568647.00"},
        {"product", "GTX Pro", "won_amount", "3510578.00"},
        {"product", "GTX Pro", "won", "729"},
        {"owner", "Darcel Schlecht", "won_amount", "1153214.00"},
        {"owner", "Darcel Schlecht", "won", "349"},
        {"quarter", "2017-Q1", "won_amount", "1134672.00"},
        {"quarter", "2017-Q2", "won_amount", "3086111.00"},
        {"quarter", "2017-Q3", "won_amount", "2982255.00"},
        {"quarter", "2017-Q4", "won_amount", "2802496.00"},
    };
    crm_db *db = load();
    crm_view *view = domain_view(db);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        crm_table *table = NULL;
        ck_assert_int_eq(crm_report_pipeline(view, figures[i].by, &table, NULL), CRM_OK);
        ck_assert_str_eq(domain_cell(table, figures[i].key, figures[i].column), figures[i].text);
        crm_table_free(table);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

/* Whatever the deals are grouped by, the rows add up to the same. */
START_TEST(every_grouping_adds_up)
{
    static const char *const all[] = {"stage",        "owner",
                                      "owner.region", "owner.team",
                                      "product",      "quarter",
                                      "month",        "year",
                                      "outcome",      "currency",
                                      "forecast",     "owner,product",
                                      "stage,year",   "owner.team,month,outcome,product"};
    crm_db *db = load();
    crm_view *view = domain_view(db);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        crm_table *table = NULL;
        int64_t deals = 0;
        int64_t won = 0;
        ck_assert_int_eq(crm_report_pipeline(view, all[i], &table, NULL), CRM_OK);
        for (uint64_t row = 0; row < crm_table_rows(table); row++) {
            deals += crm_table_int(table, row, domain_column(table, "deals"));
            won += crm_table_int(table, row, domain_column(table, "won_amount"));
        }
        ck_assert_int_eq(deals, 8800);
        ck_assert_int_eq(won, INT64_C(1000553400));
        crm_table_free(table);
    }
    crm_view_close(view);
    domain_close(db);
}
END_TEST

int main(void)
{
    folder = getenv("CRM_TEST_DATA");
    if (folder == NULL)
        folder = "../shared/data";
    FILE *file = open_file("sales_pipeline.csv");
    if (file == NULL) {
        printf("skipped: %s/maven_crm is not there\n", folder);
        return 77;
    }
    fclose(file);
    Suite *suite = suite_create("maven");
    TCase *tests = tcase_create("maven");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_published_figures_come_out);
    tcase_add_test(tests, every_grouping_adds_up);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
