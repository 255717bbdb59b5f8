/* bench: libcrm and other engines on the same data, in the same run.
 *
 *   bench [small|standard|large] [--runs N] [--folder PATH] [--json FILE]
 *         [--only ROW,…] [--engine NAME,…] [--clock wall|cpu]
 *
 * Each row is measured by alternating runs, one of each engine, and their
 * medians are compared: what else the machine does meanwhile hits all of them.
 * docs/PERFORMANCE.md says what each row is and what each engine does for it.
 */
#include "children.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS = 1024, HEAD = 256 };
#define DAY INT64_C(86400000000)

/* `name` is in the comma-separated `list`; in none that is not there. */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

bool bench_wanted(const struct bench *bench, const char *name)
{
    return bench->only == NULL || listed(bench->only, name);
}

void bench_path(const struct bench *bench, const struct side *side, const char *name, char out[FOLDER_PATH])
{
    snprintf(out, FOLDER_PATH, "%s/%s-%s", bench->folder, side->engine->name, name);
}

bool bench_open(struct bench *bench, enum engine_mode mode)
{
    bool ok = true;
    for (int i = 0; i < bench->side_count; i++) {
        const struct side *side = &bench->sides[i];
        ok = ok && (!side->on || (side->engine->open(side->self, mode) &&
                                  (side->engine->prepare == NULL || side->engine->prepare(side->self))));
    }
    return ok;
}

bool bench_close(struct bench *bench)
{
    bool ok = true;
    for (int i = 0; i < bench->side_count; i++)
        if (bench->sides[i].on)
            ok = bench->sides[i].engine->close(bench->sides[i].self) && ok;
    return ok;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench [small|standard|large] [--runs N] [--folder PATH] [--json FILE] [--only ROW,...]"
                    " [--engine NAME,...] [--clock wall|cpu]\n");
    return 2;
}

static bool parse_size(struct bench *bench, const char *size)
{
    static const struct {
        const char *name;
        uint32_t customers, interactions, csv_rows;
    } sizes[] = {{"small", 10000, 100000, 100000},
                 {"standard", 100000, 1000000, 1000000},
                 {"large", 1000000, 10000000, 2000000}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(size, sizes[i].name) == 0) {
            bench->size = sizes[i].name;
            bench->customers = sizes[i].customers;
            bench->interactions = sizes[i].interactions;
            bench->csv_rows = sizes[i].csv_rows;
            return true;
        }
    return false;
}

static bool parse_option(struct bench *bench, const char *key, const char *value)
{
    if (strcmp(key, "--runs") == 0)
        bench->runs = (int)strtol(value, NULL, 10);
    else if (strcmp(key, "--folder") == 0)
        bench->folder = value;
    else if (strcmp(key, "--json") == 0)
        bench->json = value;
    else if (strcmp(key, "--only") == 0)
        bench->only = value;
    else if (strcmp(key, "--clock") == 0)
        bench->cpu = strcmp(value, "cpu") == 0;
    else if (strcmp(key, "--engine") == 0)
        bench->engines = value;
    else
        return false;
    return bench->runs >= 1 && bench->runs <= RUNS_MAX && strlen(bench->folder) < FOLDER_PATH / 4;
}

static bool parse(struct bench *bench, int argc, char **argv)
{
    parse_size(bench, "standard");
    for (int i = 1; i < argc; i++) {
        if (parse_size(bench, argv[i]))
            continue;
        if (i + 1 >= argc || !parse_option(bench, argv[i], argv[i + 1]))
            return false;
        i++;
    }
    return true;
}

static bool set_up(struct bench *bench)
{
    char settings[SETTINGS], head[HEAD];
    bench->data = data_create(bench->customers, bench->interactions);
    bench->list = calloc(bench->interactions, sizeof *bench->list);
    if (bench->data == NULL || bench->list == NULL || !folder_make(bench->folder))
        return false;
    bench->now = bench->data->to + DAY;
    for (; engines[bench->side_count] != NULL; bench->side_count++) {
        struct side *side = &bench->sides[bench->side_count];
        side->engine = engines[bench->side_count];
        side->on =
            side->engine->create != NULL && (bench->engines == NULL || listed(bench->engines, side->engine->name));
        bench->report.names[bench->report.count++] = side->engine->name;
        snprintf(side->folder, sizeof side->folder, "%s/%s", bench->folder, side->engine->name);
        if (side->on &&
            (!folder_empty(side->folder) || (side->self = side->engine->create(bench->data, side->folder)) == NULL))
            return false;
    }
    printf("# %s: %u customers, %u interactions, %u deals; medians of %d runs; a ratio above 1 is in libcrm's favour\n",
           bench->size, bench->customers, bench->interactions, bench->data->deal_count, bench->runs);
    snprintf(
        head, sizeof head,
        "\"size\": \"%s\", \"customers\": %u, \"interactions\": %u, \"deals\": %u, \"runs\": %d, \"clock\": \"%s\"",
        bench->size, bench->customers, bench->interactions, bench->data->deal_count, bench->runs,
        bench->cpu ? "cpu" : "wall");
    if (!report_open(&bench->report, bench->json, head))
        return false;
    for (int i = 0; i < bench->side_count; i++)
        if (bench->sides[i].on) {
            bench->sides[i].engine->describe(settings, sizeof settings);
            report_settings(&bench->report, bench->sides[i].engine->name, settings);
        }
    return children_start(bench);
}

/* The rows that only read come first: every engine is as it was loaded. */
static void rows_on_open_files(struct bench *bench)
{
    if (!bench_open(bench, ENGINE_NORMAL)) {
        report_failure(&bench->report, "open", "an engine failed, see above");
        return;
    }
    rows_read(bench);
    rows_logged(bench);
    rows_change(bench);
    rows_mixed(bench);
    if (!bench_close(bench))
        report_failure(&bench->report, "close", "an engine failed, see above");
}

static void run(struct bench *bench)
{
    rows_load(bench); /* every other row needs the files, so --only does not leave it out */
    rows_machine(bench);
    rows_memory_resting(bench);
    rows_on_open_files(bench);
    rows_commit(bench);
    rows_open(bench);
    rows_compact(bench);
    rows_transfer(bench);
    rows_memory_peak(bench);
}

int main(int argc, char **argv)
{
    struct bench bench = {.folder = "build/bench-data", .json = "build/bench.json", .runs = 3};
    if (!parse(&bench, argc, argv))
        return usage();
    bool ok = set_up(&bench);
    if (ok) {
        run(&bench);
        if (bench.report.measured == 0)
            report_failure(&bench.report, "--only", "no row of that name, or no engine that has it");
        ok = report_close(&bench.report) && bench.report.failures == 0;
    }
    children_end(&bench);
    for (int i = 0; i < bench.side_count; i++)
        if (bench.sides[i].self != NULL) {
            bench.sides[i].engine->destroy(bench.sides[i].self);
            folder_remove(bench.sides[i].folder);
        }
    data_free(bench.data);
    free(bench.list);
    rmdir(bench.folder);
    return ok ? 0 : 1;
}
