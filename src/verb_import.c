/* verb_import: a file of records into the database, with a bar, a rejects file
 * and counts that add up.
 *
 * The library takes the input in pieces and keeps none of it, so the tool
 * reads 64 KiB at a time from anything: a file, a pipe, a terminal.
 */
#include "pick.h"
#include "progress.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 * 1024, EXAMPLES_SHOWN = 3 };

struct importer {
    struct tool *tool;
    uint32_t kind;
    crm_import *import;
    const char *input; /* the path, "-" for standard input */
    struct buffer batch;
    uint64_t first_lsn;    /* the file's last transaction before the import */
    struct buffer rejects; /* path of the rejects file */
    FILE *reject_file;     /* opened at the first reject */
    uint64_t reject_count;
    struct progress progress;
    int64_t started_us;
};

static int64_t clock_us(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int import_set(struct importer *importer, const char *key, const char *value)
{
    crm_error error = {0};

    return crm_import_set(importer->import, key, value, strlen(value), &error) == CRM_OK
               ? EXIT_OK
               : tool_error(importer->tool, &error);
}

/* A whole small file; `text` is the caller's. */
static int read_text(struct tool *tool, const char *path, struct buffer *text)
{
    char piece[4096];
    size_t count;
    FILE *file = fopen(path, "rb");
    int result = EXIT_OK;

    if (!file)
        return tool_fail(tool, "%s: %s", path, strerror(errno));
    while ((count = fread(piece, 1, sizeof piece, file)) > 0 && text->length < 1024 * 1024)
        buffer_add(text, piece, count);
    if (ferror(file))
        result = tool_fail(tool, "%s: %s", path, strerror(errno));
    fclose(file);
    return result;
}

/* --mapping and --ignore: the latter are lines of the former. */
static int set_mapping(struct importer *importer)
{
    struct tool *tool = importer->tool;
    const char *path = tool_value(tool, "mapping");
    struct buffer text = {0};
    int result = path ? read_text(tool, path, &text) : EXIT_OK;

    for (size_t i = 0; i < tool->given.option_count; i++) {
        const struct option_given *given = &tool->given.options[i];

        if (strcmp(given->option->name, "ignore") == 0)
            buffer_print(&text, strcmp(given->value, "*") == 0 ? "\nignore %s\n" : "\nignore [%s]\n", given->value);
    }
    if (result == EXIT_OK && text.length > 0)
        result = import_set(importer, "mapping", text.data);
    buffer_free(&text);
    return result;
}

static int set_options(struct importer *importer)
{
    static const struct {
        const char *option, *key;
    } same[] = {{"input-format", "format"},  {"delimiter", "delimiter"}, {"columns", "columns"},
                {"match", "match"},          {"reason", "reason"},       {"date-format", "date_format"},
                {"strict", "strict"},        {"dry-run", "dry_run"},     {"add-choices", "add_choices"},
                {"batch-rows", "batch_rows"}};
    struct tool *tool = importer->tool;
    int result = set_mapping(importer);

    for (size_t i = 0; i < sizeof same / sizeof *same && result == EXIT_OK; i++) {
        const char *value = tool_value(tool, same[i].option);

        if (value)
            result = import_set(importer, same[i].key, value);
        else if (tool_flag(tool, same[i].option))
            result = import_set(importer, same[i].key, "1");
    }
    for (size_t i = 0; i < tool->given.option_count && result == EXIT_OK; i++)
        if (strcmp(tool->given.options[i].option->name, "map") == 0)
            result = import_set(importer, "map", tool->given.options[i].value);
    if (result == EXIT_OK)
        result = import_set(importer, "actor", tool_actor(tool));
    if (result == EXIT_OK)
        result = import_set(importer, "batch", importer->batch.data);
    return result;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* The LSN tells imports of one file apart without asking a clock. */
static void name_batch(struct importer *importer)
{
    const char *given = tool_value(importer->tool, "batch");
    bool standard = strcmp(importer->input, "-") == 0;

    importer->first_lsn = crm_lsn(importer->tool->db);
    if (given)
        buffer_put(&importer->batch, given);
    else
        buffer_print(&importer->batch, "%s@%" PRIu64, standard ? "stdin" : base_name(importer->input),
                     importer->first_lsn);
    given = tool_value(importer->tool, "rejects");
    if (given)
        buffer_put(&importer->rejects, given);
    else
        buffer_print(&importer->rejects, "%s.rejects.csv",
                     standard ? crm_kind_name(importer->tool->db, importer->kind) : importer->input);
}

static int write_reject(struct importer *importer, uint64_t line, uint64_t column, const char *why, const char *row,
                        size_t row_length)
{
    struct buffer text = {0};
    int result = EXIT_OK;

    if (!importer->reject_file) {
        importer->reject_file = fopen(importer->rejects.data, "wb");
        if (!importer->reject_file)
            return tool_fail(importer->tool, "%s: %s; name another place with --rejects PATH", importer->rejects.data,
                             strerror(errno));
        buffer_put(&text, "line,column,why,row\n");
    }
    buffer_print(&text, "%" PRIu64 ",%" PRIu64 ",", line, column);
    buffer_csv(&text, why, strlen(why));
    buffer_put(&text, ",");
    buffer_csv(&text, row, row_length);
    buffer_put(&text, "\n");
    if (fwrite(text.data, 1, text.length, importer->reject_file) != text.length)
        result = tool_fail(importer->tool, "%s: %s", importer->rejects.data, strerror(errno));
    buffer_free(&text);
    return result;
}

/* A row that is no CSV or JSON has its own idea of the place, which stands before
 * the reason; that of the file is told already. */
static const char *without_place(const char *why)
{
    const char *reason = strncmp(why, "line ", 5) == 0 ? strstr(why, ": ") : NULL;

    return reason ? reason + 2 : why;
}

/* The first few are also said at once, so that a wrong mapping shows itself. */
static int take_rejects(struct importer *importer)
{
    uint64_t line, column;
    const char *why, *row;
    size_t length;
    int result = EXIT_OK;

    while (result == EXIT_OK && crm_import_reject(importer->import, &line, &column, &why, &row, &length) == CRM_OK) {
        why = without_place(why);
        result = write_reject(importer, line, column, why, row, length);
        if (importer->reject_count++ < EXAMPLES_SHOWN) {
            progress_end(&importer->progress);
            tool_note(importer->tool, "%s: line %" PRIu64 ", column %" PRIu64 ": %s", importer->input, line, column,
                      why);
        }
    }
    return result;
}

/* Whether the library is to be given the rest of the input, or stopped. */
static int feed_all(struct importer *importer, int descriptor)
{
    char *piece = memory_resize(NULL, PIECE_BYTES, 1);
    crm_error error = {0};
    uint64_t done = 0;
    ssize_t count = 0;
    int result = EXIT_OK;

    while (result == EXIT_OK && !tool_interrupted) {
        count = read(descriptor, piece, PIECE_BYTES);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        if (crm_import_feed(importer->import, piece, (size_t)count, &error) != CRM_OK)
            result = tool_error(importer->tool, &error);
        else
            result = take_rejects(importer);
        done += (uint64_t)count;
        progress_update(&importer->progress, done, crm_import_count(importer->import, CRM_IMPORT_READ), "rows");
    }
    free(piece);
    if (result == EXIT_OK && count < 0 && !tool_interrupted)
        result = tool_fail(importer->tool, "%s: %s", importer->input, strerror(errno));
    return result;
}

/* From its first row on the import has the write lock: what was committed since is its own. */
static bool has_committed(const struct importer *importer)
{
    return crm_lsn(importer->tool->db) != importer->first_lsn;
}

static int interrupted(struct importer *importer)
{
    if (!has_committed(importer))
        return tool_interrupt(importer->tool, "nothing was imported");
    return tool_interrupt(importer->tool, "what was committed so far is batch '%s'; `crm undo %s %s` takes it back",
                          importer->batch.data, importer->tool->path, importer->batch.data);
}

static const struct {
    int32_t which;
    const char *name, *label;
    bool always;
} counts[] = {
    {CRM_IMPORT_CREATED, "created", "Created", true},
    {CRM_IMPORT_UPDATED, "updated", "Updated", true},
    {CRM_IMPORT_UNCHANGED, "unchanged", "Unchanged", false},
    {CRM_IMPORT_FILTERED, "filtered", "Left out", false},
    {CRM_IMPORT_MERGED, "merged", "Merged", false},
    {CRM_IMPORT_REJECTED, "rejected", "Rejected", true},
    {CRM_IMPORT_READ, "read", "Rows read", true},
};

static void print_counts(struct importer *importer)
{
    struct tool *tool = importer->tool;
    uint64_t others = crm_import_count(importer->import, CRM_IMPORT_OTHERS);
    struct sheet sheet;

    sheet_start(&sheet, &tool->out, tool->format);
    sheet.plain = true;
    sheet_column(&sheet, "what", "What", 0);
    sheet_column(&sheet, "rows", "Rows", COLUMN_RIGHT);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t count = crm_import_count(importer->import, counts[i].which);
        char number[24];

        if (!counts[i].always && count == 0 && tool->format == FORMAT_TABLE)
            continue;
        if (counts[i].which == CRM_IMPORT_READ)
            sheet_rule(&sheet);
        snprintf(number, sizeof number, "%" PRIu64, count);
        sheet_puts(&sheet, tool->format == FORMAT_TABLE ? counts[i].label : counts[i].name);
        sheet_number(&sheet, number);
    }
    sheet_end(&sheet);
    if (others > 0) {
        struct buffer line = {0};

        buffer_put(&line, "and ");
        buffer_counted(&line, others, "record");
        buffer_put(&line, " of other kinds that the rows referred to");
        buffer_print(&tool->out.pending, "%s\n", line.data);
        buffer_free(&line);
    }
}

/* One JSON object for programs. */
static void print_counts_json(struct importer *importer)
{
    struct buffer *out = &importer->tool->out.pending;

    buffer_put(out, "{");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        buffer_print(out, "\"%s\":%" PRIu64 ",", counts[i].name, crm_import_count(importer->import, counts[i].which));
    buffer_print(out, "\"others\":%" PRIu64 ",\"batch\":", crm_import_count(importer->import, CRM_IMPORT_OTHERS));
    buffer_json(out, importer->batch.data, importer->batch.length);
    if (importer->reject_file) {
        buffer_put(out, ",\"rejects\":");
        buffer_json(out, importer->rejects.data, importer->rejects.length);
    }
    buffer_put(out, "}\n");
}

static void print_result(struct importer *importer)
{
    struct tool *tool = importer->tool;
    double seconds = (double)(clock_us() - importer->started_us) / 1e6;
    uint64_t rows = crm_import_count(importer->import, CRM_IMPORT_READ);
    struct buffer rate = {0}, number = {0};

    print_counts(importer);
    sink_flush(&tool->out);
    buffer_print(&number, "%.0f", seconds > 0.001 ? (double)rows / seconds : 0.0);
    buffer_grouped(&rate, number.data);
    if (importer->reject_file)
        tool_note(tool, "bad rows are in %s", importer->rejects.data);
    if (tool_flag(tool, "dry-run"))
        tool_note(tool, "dry run: nothing was changed");
    else if (has_committed(importer))
        tool_note(tool, "batch '%s' in %.1f s%s%s%s; `crm undo %s %s` takes it back", importer->batch.data, seconds,
                  seconds > 0.5 ? ", " : "", seconds > 0.5 ? rate.data : "", seconds > 0.5 ? " rows/s" : "", tool->path,
                  importer->batch.data);
    buffer_free(&rate);
    buffer_free(&number);
}

/* Behind a failure in the middle: part of the rows may be in the file. */
static void note_committed(struct importer *importer)
{
    if (has_committed(importer))
        tool_note(importer->tool, "the rows before that were committed as batch '%s'; `crm undo %s %s` takes them back",
                  importer->batch.data, importer->tool->path, importer->batch.data);
}

static int run_import(struct importer *importer, int descriptor)
{
    struct tool *tool = importer->tool;
    crm_error error = {0};
    int result = set_options(importer);
    int32_t status;

    if (result == EXIT_OK)
        result = feed_all(importer, descriptor);
    if (result == EXIT_OK && tool_interrupted) {
        progress_end(&importer->progress);
        return interrupted(importer);
    }
    if (result != EXIT_OK) {
        progress_end(&importer->progress);
        note_committed(importer);
        return result;
    }
    status = crm_import_finish(importer->import, &error);
    progress_end(&importer->progress);
    result = take_rejects(importer);
    if (importer->reject_file && fflush(importer->reject_file) != 0 && result == EXIT_OK)
        result = tool_fail(tool, "%s: %s", importer->rejects.data, strerror(errno));
    if (result == EXIT_OK && status == CRM_REFUSED && importer->reject_file)
        return tool_fail(tool, "%s; the bad rows are in %s", error.message, importer->rejects.data);
    if (result == EXIT_OK && status != CRM_OK) {
        result = tool_error(tool, &error);
        note_committed(importer);
        return result;
    }
    if (result == EXIT_OK && (tool->format == FORMAT_JSON || tool->format == FORMAT_JSONL))
        print_counts_json(importer);
    else if (result == EXIT_OK)
        print_result(importer);
    return result;
}

static int open_input(struct importer *importer, int *descriptor)
{
    struct stat about = {0};

    *descriptor = STDIN_FILENO;
    if (strcmp(importer->input, "-") != 0) {
        *descriptor = open(importer->input, O_RDONLY | O_CLOEXEC);
        if (*descriptor < 0)
            return tool_fail(importer->tool, "%s: %s", importer->input, strerror(errno));
    }
    if (fstat(*descriptor, &about) == 0 && S_ISDIR(about.st_mode))
        return tool_fail(importer->tool, "%s: is a folder, not a file", importer->input);
    progress_start(&importer->progress, importer->input,
                   S_ISREG(about.st_mode) && about.st_size > 0 ? (uint64_t)about.st_size : 0);
    return EXIT_OK;
}

int verb_import(struct tool *tool)
{
    struct importer importer = {.tool = tool, .input = tool_word(tool, 1), .started_us = clock_us()};
    crm_error error = {0};
    int descriptor = -1;
    int result = pick_kind(tool, tool_word(tool, 0), &importer.kind);

    if (result == EXIT_OK)
        result = open_input(&importer, &descriptor);
    if (result == EXIT_OK && crm_import_create(tool->db, importer.kind, &importer.import, &error) != CRM_OK)
        result = tool_error(tool, &error);
    if (result == EXIT_OK) {
        name_batch(&importer);
        result = tool_spares(tool, importer.rejects.data, descriptor);
    }
    if (result == EXIT_OK)
        result = run_import(&importer, descriptor);
    crm_import_free(importer.import);
    if (importer.reject_file)
        fclose(importer.reject_file);
    if (descriptor > STDIN_FILENO)
        close(descriptor);
    buffer_free(&importer.batch);
    buffer_free(&importer.rejects);
    return result;
}
