/* shell: `crm FILE`: verbs typed, or piped in, one after the other.
 *
 * The file stays open between commands.  Lines are edited with libedit.  What
 * was typed is kept in memory only, for it names customers; who wants it kept
 * makes the file ~/.crm_history, which is then read and written with nobody
 * else's eyes on it.
 */
#include "complete.h"
#include "verbs.h"
#include "words.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_LINES = 1000 };

struct shell {
    struct tool *tool;
    EditLine *editor;
    History *history;
    struct buffer prompt;
    struct buffer history_path; /* empty: kept in memory only */
    int result;
    bool over;
};

static char *prompt(EditLine *editor)
{
    struct shell *shell = NULL;

    el_get(editor, EL_CLIENTDATA, &shell);
    return shell->prompt.data;
}

/* The candidates in columns below the line. */
static void print_candidates(struct shell *shell, const struct completion *completion)
{
    struct buffer text = {0};
    size_t widest = 0, across, width = shell->tool->out.width ? shell->tool->out.width : 80;

    for (size_t i = 0; i < completion->count; i++) {
        size_t columns = crm_text_width(completion->candidates[i], strlen(completion->candidates[i]));

        widest = columns > widest ? columns : widest;
    }
    across = width / (widest + 2) ? width / (widest + 2) : 1;
    buffer_put(&text, "\n");
    for (size_t i = 0; i < completion->count; i++) {
        const char *word = completion->candidates[i];

        buffer_put(&text, word);
        if ((i + 1) % across == 0 || i + 1 == completion->count)
            buffer_put(&text, "\n");
        else
            buffer_repeat(&text, " ", widest + 2 - crm_text_width(word, strlen(word)));
    }
    fwrite(text.data, 1, text.length, stdout);
    fflush(stdout);
    buffer_free(&text);
}

static unsigned char complete(EditLine *editor, int key)
{
    const LineInfo *line = el_line(editor);
    struct shell *shell = NULL;
    struct completion completion;
    unsigned char answer = CC_ERROR;

    (void)key;
    el_get(editor, EL_CLIENTDATA, &shell);
    complete_line(shell->tool, line->buffer, (size_t)(line->cursor - line->buffer), &completion);
    if (completion.count > 0 && completion.common.length > completion.typed) {
        if (completion.count == 1 && completion.common.data[completion.common.length - 1] != '=')
            buffer_put(&completion.common, " ");
        el_insertstr(editor, completion.common.data + completion.typed);
        answer = CC_REFRESH;
    } else if (completion.count == 1) {
        el_insertstr(editor, " ");
        answer = CC_REFRESH;
    } else if (completion.count > 1) {
        print_candidates(shell, &completion);
        answer = CC_REDISPLAY;
    }
    completion_free(&completion);
    return answer;
}

static void history_load(struct shell *shell)
{
    const char *home = getenv("HOME");
    struct stat about = {0};
    HistEvent event;

    shell->history = history_init();
    if (!shell->history)
        return;
    history(shell->history, &event, H_SETSIZE, HISTORY_LINES);
    history(shell->history, &event, H_SETUNIQUE, 1);
    if (!home || !*home)
        return;
    buffer_print(&shell->history_path, "%s/.crm_history", home);
    if (stat(shell->history_path.data, &about) != 0 || !S_ISREG(about.st_mode) || about.st_uid != getuid())
        buffer_clear(&shell->history_path);
    else if (about.st_size > 0)
        history(shell->history, &event, H_LOAD, shell->history_path.data);
}

static void history_keep(struct shell *shell)
{
    HistEvent event;

    if (shell->history && shell->history_path.length > 0 && chmod(shell->history_path.data, S_IRUSR | S_IWUSR) == 0)
        history(shell->history, &event, H_SAVE, shell->history_path.data);
}

/* Letters beyond ASCII need a locale that knows them; without one the plain
 * UTF-8 locale serves. */
static void take_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static bool editor_start(struct shell *shell)
{
    const char *slash = strrchr(shell->tool->path, '/');

    take_locale();
    buffer_plain(&shell->prompt, slash ? slash + 1 : shell->tool->path, strlen(slash ? slash + 1 : shell->tool->path),
                 false);
    buffer_put(&shell->prompt, "> ");
    shell->editor = el_init("crm", stdin, stdout, stderr);
    if (!shell->editor)
        return false;
    history_load(shell);
    el_set(shell->editor, EL_CLIENTDATA, shell);
    el_set(shell->editor, EL_PROMPT, prompt);
    el_set(shell->editor, EL_EDITOR, "emacs");
    el_set(shell->editor, EL_SIGNAL, 0);
    if (shell->history)
        el_set(shell->editor, EL_HIST, history, shell->history);
    el_set(shell->editor, EL_ADDFN, "complete", "complete verbs, kinds and fields", complete);
    el_set(shell->editor, EL_BIND, "^I", "complete", NULL);
    el_set(shell->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return true;
}

static void run_words(struct shell *shell, struct words *words)
{
    struct tool *tool = shell->tool;
    int result;

    if (words->count == 0)
        return;
    if (strcmp(words->words[0], "quit") == 0 || strcmp(words->words[0], "exit") == 0) {
        shell->over = true;
        return;
    }
    if (strcmp(words->words[0], "shell") == 0) {
        result = tool_usage(tool, "this is the shell");
    } else {
        result = tool_run(tool, words->words, words->count);
        if (strcmp(words->words[0], "help") == 0 && words->count == 1 && !tool->line)
            fputs("Here the `crm` and the FILE are left out. `quit` or Ctrl-D leaves.\n", stderr);
    }
    if (result != EXIT_OK)
        shell->result = result;
    if (tool_interrupted) {
        shell->over = tool->line > 0; /* of a script the rest is not run */
        tool_interrupted = 0;
        tool_catch_signals();
    }
}

static void run_line(struct shell *shell, const char *line, size_t length)
{
    struct words words;

    words_split(&words, line, length);
    if (words.quote) {
        tool_usage(shell->tool, "a quote (%c) is not closed", words.quote);
        shell->result = EXIT_WRONG_USAGE;
    } else {
        run_words(shell, &words);
    }
    words_free(&words);
}

static void interactive(struct shell *shell)
{
    HistEvent event;

    fprintf(stderr, "crm %s; `help` lists the verbs, Tab completes, `quit` leaves\n", crm_version());
    while (!shell->over && !sink_over(&shell->tool->out)) {
        int count = 0;
        const char *line;

        el_resize(shell->editor);
        line = el_gets(shell->editor, &count);
        if (!line && (tool_interrupted || (count < 0 && errno == EINTR))) { /* Ctrl-C drops the line */
            tool_interrupted = 0;
            tool_catch_signals();
            el_reset(shell->editor);
            fputs("\n", stdout);
            continue;
        }
        if (!line || count <= 0)
            break;
        if (shell->history && line[strspn(line, " \t\n")] != '\0')
            history(shell->history, &event, H_ENTER, line);
        run_line(shell, line, (size_t)count);
        shell->result = EXIT_OK; /* a person saw what went wrong */
    }
    if (!shell->over)
        fputs("\n", stdout);
    history_keep(shell);
}

static void from_script(struct shell *shell)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while (!shell->over && !sink_over(&shell->tool->out) && !tool_interrupted &&
           (length = getline(&line, &capacity, stdin)) >= 0) {
        shell->tool->line++;
        run_line(shell, line, (size_t)length);
    }
    shell->tool->line = 0;
    if (tool_interrupted)
        shell->result = EXIT_INTERRUPTED;
    free(line);
}

int verb_shell(struct tool *tool)
{
    struct shell shell = {.tool = tool};

    if (tool->shell)
        return tool_usage(tool, "this is the shell");
    tool->session = tool->given; /* its options hold for all commands; its words, for the path */
    tool->given = (struct arguments){0};
    tool->shell = true;
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && editor_start(&shell))
        interactive(&shell);
    else
        from_script(&shell);
    if (shell.editor)
        el_end(shell.editor);
    if (shell.history)
        history_end(shell.history);
    buffer_free(&shell.prompt);
    buffer_free(&shell.history_path);
    tool->shell = false;
    arguments_free(&tool->session);
    return shell.result;
}
