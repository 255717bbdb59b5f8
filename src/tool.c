/* tool: messages, shared options and the open file; see tool.h. */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

volatile sig_atomic_t tool_interrupted;

/* One line: "crm: ..." and nothing that a file's content could forge. */
static void say(struct tool *tool, const char *kind, const char *format, va_list list)
    __attribute__((format(printf, 3, 0)));
static void say(struct tool *tool, const char *kind, const char *format, va_list list)
{
    struct buffer text = {0}, line = {0};

    buffer_print_list(&text, format, list);
    buffer_put(&line, "crm: ");
    if (tool->line > 0)
        buffer_print(&line, "line %zu: ", tool->line);
    buffer_put(&line, kind);
    buffer_plain(&line, buffer_text(&text), text.length, false);
    buffer_put(&line, "\n");
    fwrite(line.data, 1, line.length, stderr);
    fflush(stderr);
    buffer_free(&line);
    buffer_free(&text);
}

int tool_fail(struct tool *tool, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(tool, "", format, list);
    va_end(list);
    return EXIT_FAILED;
}

int tool_usage(struct tool *tool, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(tool, "", format, list);
    va_end(list);
    return EXIT_WRONG_USAGE;
}

int tool_interrupt(struct tool *tool, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(tool, "interrupted: ", format, list);
    va_end(list);
    return EXIT_INTERRUPTED;
}

void tool_note(struct tool *tool, const char *format, ...)
{
    va_list list;

    if (tool_flag(tool, "quiet"))
        return;
    va_start(list, format);
    say(tool, "", format, list);
    va_end(list);
}

/* What a person can do about a failure that the library cannot know of, since
 * it does not know the tool. */
static const char *remedy(const struct tool *tool, int32_t status)
{
    const char *verb = tool->verb ? tool->verb->name : "";

    switch (status) {
    case CRM_CORRUPT:
    case CRM_STOPPED:
        if (strcmp(verb, "recover") == 0)
            return "";
        return strcmp(verb, "verify") == 0 ? "; `crm recover` salvages the rest into a new file"
                                           : "; `crm verify` lists the damage, `crm recover` salvages the rest, "
                                             "--read-only reads what is whole";
    case CRM_BUSY: return "; try again, or wait longer with --wait SECONDS";
    case CRM_CONFLICT: return "; show it again, then repeat with its new --version";
    case CRM_READ_ONLY: return "; nothing was changed";
    default: return "";
    }
}

int tool_error(struct tool *tool, const crm_error *error)
{
    const char *message = *error->message ? error->message : crm_status_text(error->status);
    const char *advice = message ? strstr(message, "; open it read-only") : NULL; /* said in the tool's own words */

    if (message && !advice)
        advice = strstr(message, "; salvage ");
    return tool_fail(tool, "%.*s%s", advice ? (int)(advice - message) : 504, message ? message : "failed",
                     remedy(tool, error->status));
}

bool tool_flag(const struct tool *tool, const char *name)
{
    return arguments_flag(&tool->given, name) || arguments_flag(&tool->session, name);
}

const char *tool_value(const struct tool *tool, const char *name)
{
    const char *value = arguments_value(&tool->given, name);

    return value ? value : arguments_value(&tool->session, name);
}

const char *tool_word(const struct tool *tool, size_t position)
{
    return position + 1 < tool->given.word_count ? tool->given.words[position + 1] : NULL;
}

size_t tool_words(const struct tool *tool)
{
    return tool->given.word_count > 0 ? tool->given.word_count - 1 : 0;
}

int tool_number(struct tool *tool, const char *name, int64_t least, int64_t otherwise, int64_t *out)
{
    const char *text = tool_value(tool, name);
    char *end;
    long long value;

    *out = otherwise;
    if (!text)
        return EXIT_OK;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return tool_usage(tool, "--%s '%s' is not a whole number", name, text);
    if (value < least)
        return tool_usage(tool, "--%s %s is too small: at least %" PRId64, name, text, least);
    *out = value;
    return EXIT_OK;
}

int tool_time(struct tool *tool, const char *name, int64_t otherwise, int64_t *out)
{
    const char *text = tool_value(tool, name);

    *out = otherwise;
    if (!text)
        return EXIT_OK;
    if (crm_time_parse(text, CRM_NUL, crm_now(tool->db), out) != CRM_OK)
        return tool_usage(tool, "--%s '%s' is not a time: 2024-03-31, 2024-03-31T10:00, today, -30d, -6m", name, text);
    return EXIT_OK;
}

static void log_line(void *context, int32_t status, const char *message)
{
    (void)status;
    tool_note(context, "note: %s", message);
}

/* The fixed clock of --now, if there is one; relative times start from the
 * real one. */
static int clock_given(struct tool *tool, bool *given, int64_t *now)
{
    const char *text = tool_value(tool, "now");
    struct timespec real = {0, 0};

    *given = text != NULL;
    if (!text)
        return EXIT_OK;
    clock_gettime(CLOCK_REALTIME, &real);
    if (crm_time_parse(text, CRM_NUL, (int64_t)real.tv_sec * 1000000 + real.tv_nsec / 1000, now) != CRM_OK)
        return tool_usage(tool, "--now '%s' is not a time: 2024-03-31, 2024-03-31T10:00, -30d", text);
    return EXIT_OK;
}

crm_options *tool_options(struct tool *tool, int32_t create)
{
    crm_options *options = crm_options_create();
    int64_t wait = 5, now = 0;
    bool fixed = false;

    if (!options) {
        tool_fail(tool, "out of memory");
        return NULL;
    }
    if (tool_number(tool, "wait", 0, 5, &wait) != EXIT_OK || clock_given(tool, &fixed, &now) != EXIT_OK) {
        crm_options_free(options);
        return NULL;
    }
    crm_options_set_int(options, CRM_OPTION_CREATE, create);
    crm_options_set_int(options, CRM_OPTION_BUSY_MS, wait > INT32_MAX / 1000 ? INT32_MAX : wait * 1000);
    if (fixed)
        crm_options_set_int(options, CRM_OPTION_NOW, now);
    crm_options_set_log(options, log_line, tool);
    return options;
}

/* A file that may only be read is opened for reading when the verb needs no
 * more, so that `list` works on a medium or a mount that nobody can write. */
static int32_t open_as_allowed(struct tool *tool, crm_options *options, crm_error *error)
{
    unsigned flags = tool->verb->flags;
    bool reads = tool->shell || (flags & VERB_READ) || !(flags & (VERB_WRITE | VERB_ALTERS));
    int32_t status;

    tool->read_only = tool_flag(tool, "read-only");
    crm_options_set_int(options, CRM_OPTION_READ_ONLY, tool->read_only);
    status = crm_open(tool->path, options, &tool->db, error);
    if (reads && !tool->read_only &&
        (status == CRM_READ_ONLY || status == CRM_BUSY ||
         (status == CRM_IO && (error->system == EACCES || error->system == EROFS || error->system == EPERM)))) {
        tool->read_only = true;
        crm_options_set_int(options, CRM_OPTION_READ_ONLY, 1);
        status = crm_open(tool->path, options, &tool->db, error);
    }
    return status;
}

int tool_open(struct tool *tool)
{
    crm_error error = {0};
    crm_options *options;
    int32_t status;
    bool fixed = false;
    int64_t now = INT64_MIN;
    int result;

    if (tool->db) { /* the shell's: only the clock may differ from command to command */
        result = clock_given(tool, &fixed, &now);
        if (result == EXIT_OK)
            crm_set_now(tool->db, fixed ? now : INT64_MIN);
        return result;
    }
    options = tool_options(tool, 0);
    if (!options)
        return EXIT_WRONG_USAGE;
    status = open_as_allowed(tool, options, &error);
    crm_options_free(options);
    if (status == CRM_NOT_FOUND)
        return tool_fail(tool, "%s: no such file; `crm init %s` makes one", tool->path, tool->path);
    if (status == CRM_IO && (error.system == EACCES || error.system == EROFS) && access(tool->path, R_OK) == 0)
        return tool_fail(tool, "%s: may be read but not written, and %s writes", tool->path, tool->verb->name);
    return status == CRM_OK ? EXIT_OK : tool_error(tool, &error);
}

void tool_close(struct tool *tool)
{
    crm_view_close(tool->view);
    tool->view = NULL;
    tool->currency = NULL;
    if (tool->shell)
        return;
    crm_close(tool->db);
    tool->db = NULL;
}

int tool_view(struct tool *tool)
{
    crm_error error = {0};
    int64_t time = 0;
    int32_t status;
    int result = tool_time(tool, "as-of", INT64_MIN, &time);

    if (result != EXIT_OK)
        return result;
    crm_view_close(tool->view);
    tool->view = NULL;
    status = time == INT64_MIN ? crm_view_open(tool->db, &tool->view, &error)
                               : crm_view_open_at(tool->db, time, &tool->view, &error);
    if (status == CRM_NOT_FOUND)
        return tool_fail(tool, "%s: nothing had been written by %s", tool->path, tool_value(tool, "as-of"));
    if (status != CRM_OK)
        return tool_error(tool, &error);
    tool->currency = crm_setting(tool->view, "currency");
    return EXIT_OK;
}

const char *tool_actor(const struct tool *tool)
{
    const char *name = tool_value(tool, "actor");

    if (!name)
        name = getenv("USER");
    if (!name || !*name)
        name = getenv("LOGNAME");
    return name && *name ? name : "crm";
}

int tool_begin(struct tool *tool, crm_txn **txn)
{
    crm_error error = {0};
    const char *reason = tool_value(tool, "reason");
    int32_t status;

    /* A verb that can do both; whoever dates a change so expects it to lie there. */
    if ((tool->verb->flags & VERB_READ) && tool_value(tool, "as-of"))
        return tool_usage(tool, "--as-of reads the past, which nobody can change; what is written is written now");
    status = crm_begin(tool->db, txn, &error);
    if (status != CRM_OK)
        return tool_error(tool, &error);
    status = crm_txn_set_actor(*txn, tool_actor(tool));
    if (status == CRM_OK && reason)
        status = crm_txn_set_reason(*txn, reason);
    return status == CRM_OK ? EXIT_OK : tool_rollback(tool, *txn);
}

int tool_commit(struct tool *tool, crm_txn *txn, uint64_t *lsn)
{
    crm_error error = {0};

    if (tool_interrupted) {
        crm_rollback(txn);
        return tool_interrupt(tool, "nothing was changed");
    }
    return crm_commit(txn, lsn, &error) == CRM_OK ? EXIT_OK : tool_error(tool, &error);
}

int tool_rollback(struct tool *tool, crm_txn *txn)
{
    crm_error error = {0};
    int32_t status = crm_txn_status(txn, &error);

    crm_rollback(txn);
    return status == CRM_OK ? EXIT_FAILED : tool_error(tool, &error);
}

int tool_spares(struct tool *tool, const char *path, int input)
{
    struct stat out = {0}, other = {0};
    struct buffer index = {0};
    bool same;

    if (stat(path, &out) != 0)
        return EXIT_OK; /* it is not there */
    buffer_print(&index, "%s-index", tool->path);
    same = (stat(tool->path, &other) == 0 && other.st_dev == out.st_dev && other.st_ino == out.st_ino) ||
           (stat(index.data, &other) == 0 && other.st_dev == out.st_dev && other.st_ino == out.st_ino);
    buffer_free(&index);
    if (same)
        return tool_usage(tool, "%s is the database; name another file to write to", path);
    if (input >= 0 && fstat(input, &other) == 0 && S_ISREG(other.st_mode) && other.st_dev == out.st_dev &&
        other.st_ino == out.st_ino)
        return tool_usage(tool, "%s is what is read; name another file to write to", path);
    return EXIT_OK;
}
