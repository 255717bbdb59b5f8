/* crm: the command line tool; sees nothing of the library but <crm.h>.
 *
 * main.c finds the verb, checks the words and options it was given against the
 * verb table (verb_table.c), and runs it.  The shell (shell.c) comes through
 * the same tool_run, so both forms behave alike.
 */
#include "suggest.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char common_options[] = " now wait read-only quiet help ";

const struct verb *verb_find(const char *name, const char *sub)
{
    size_t length = strlen(name);

    for (const struct verb *verb = verb_table; verb->name; verb++) {
        if (!sub && strcmp(verb->name, name) == 0)
            return verb;
        if (sub && strncmp(verb->name, name, length) == 0 && verb->name[length] == ' ' &&
            strcmp(verb->name + length + 1, sub) == 0)
            return verb;
    }
    return NULL;
}

bool verb_group(const char *name)
{
    size_t length = strlen(name);

    for (const struct verb *verb = verb_table; verb->name; verb++)
        if (strncmp(verb->name, name, length) == 0 && verb->name[length] == ' ')
            return true;
    return false;
}

bool verb_takes(const struct verb *verb, const char *option)
{
    return word_among(common_options, option) || (verb->options && word_among(verb->options, option)) ||
           ((verb->flags & VERB_READ) && strcmp(option, "as-of") == 0) ||
           ((verb->flags & VERB_WRITE) && word_among("actor reason", option)) ||
           ((verb->flags & VERB_PRINT) && word_among("format width", option));
}

static bool is_file(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0;
}

static int unknown_verb(struct tool *tool, const char *name)
{
    struct suggestion suggestion;
    const char *next = tool->given.word_count > 1 ? tool->given.words[1] : "";

    if (!tool->shell && is_file(name) && (verb_find(next, NULL) || verb_group(next)))
        return tool_usage(tool, "the verb comes first: crm %s %s", next, name);
    suggest_start(&suggestion, name, strlen(name));
    for (const struct verb *verb = verb_table; verb->name; verb++)
        suggest_offer(&suggestion, verb->name);
    if (!suggestion.best)
        return tool_usage(tool, "there is no verb '%s'; `crm help` lists them", name);
    return tool_usage(tool, "there is no verb '%s'%s", name, suggest_text(&suggestion));
}

/* A verb of two words, which may stand on either side of FILE: `report FILE
 * pipeline` and `report pipeline FILE`. */
static int find_second_word(struct tool *tool)
{
    struct arguments *given = &tool->given;
    const char *first = given->words[0];
    struct buffer choices = {0};
    size_t length = strlen(first);
    int result;

    for (size_t place = given->word_count < 3 ? given->word_count : 3; place-- > 1;) {
        tool->verb = verb_find(first, given->words[place]);
        if (tool->verb) {
            arguments_remove(given, place);
            return EXIT_OK;
        }
    }
    for (const struct verb *verb = verb_table; verb->name; verb++)
        if (strncmp(verb->name, first, length) == 0 && verb->name[length] == ' ')
            buffer_print(&choices, "%s%s", choices.length ? ", " : "", verb->name + length + 1);
    result = tool_usage(tool, "%s what? one of: %s (crm help %s)", first, buffer_text(&choices), first);
    buffer_free(&choices);
    return result;
}

/* Finds the verb and takes its words off.  `crm FILE` is the shell. */
static int find_verb(struct tool *tool)
{
    struct arguments *given = &tool->given;
    const char *first = given->word_count > 0 ? given->words[0] : "help";

    if (verb_group(first) && !verb_find(first, NULL)) {
        int result = given->word_count > 1 && !tool_flag(tool, "help") ? find_second_word(tool) : EXIT_OK;

        if (!tool->verb && result == EXIT_OK) { /* `crm report`, `crm report --help` */
            tool->verb = verb_find("help", NULL);
            return EXIT_OK;
        }
        if (result != EXIT_OK)
            return result;
    } else {
        tool->verb = verb_find(first, NULL);
    }
    if (!tool->verb && !tool->shell && given->word_count == 1 && is_file(first)) {
        tool->verb = verb_find("shell", NULL);
        return EXIT_OK;
    }
    if (!tool->verb)
        return unknown_verb(tool, first);
    if (given->word_count > 0)
        arguments_remove(given, 0);
    if (tool->shell && (tool->verb->flags & VERB_FILE) &&
        !(given->word_count > 0 && strcmp(given->words[0], tool->path) == 0)) /* typed all the same */
        arguments_insert(given, 0, tool->path);
    return EXIT_OK;
}

static int check_words(struct tool *tool)
{
    const struct verb *verb = tool->verb;
    size_t count = tool->given.word_count;

    if (count == 0 && verb->fewest > 0 && (verb->flags & VERB_FILE))
        return tool_usage(tool, "%s needs a FILE: crm %s", verb->name, verb->usage);
    if (count < verb->fewest)
        return tool_usage(tool, "%s needs more than that: crm %s", verb->name, verb->usage);
    if (count > verb->most)
        return tool_usage(tool, "%s does not take '%s': crm %s", verb->name, tool->given.words[verb->most],
                          verb->usage);
    return EXIT_OK;
}

static int check_options(struct tool *tool)
{
    for (size_t i = 0; i < tool->given.option_count; i++) {
        const char *name = tool->given.options[i].option->name;
        struct suggestion suggestion;

        if (verb_takes(tool->verb, name))
            continue;
        suggest_start(&suggestion, name, strlen(name));
        for (const struct option *option = option_table; option->name; option++)
            if (verb_takes(tool->verb, option->name))
                suggest_offer(&suggestion, option->name);
        return tool_usage(tool, "%s takes no --%s%s%s (crm help %s)", tool->verb->name, name,
                          suggestion.best ? "; did you mean --" : "", suggestion.best ? suggestion.best : "",
                          tool->verb->name);
    }
    return EXIT_OK;
}

static int read_format(struct tool *tool)
{
    static const char *const names[] = {"table", "csv", "json", "jsonl"};
    const char *text = tool_value(tool, "format");
    int64_t width = 0;
    int result = tool_number(tool, "width", 1, 0, &width);

    if (result != EXIT_OK)
        return result;
    sink_measure(&tool->out, width > 100000 ? 100000 : (size_t)width);
    tool->format = FORMAT_TABLE;
    if (!text)
        return EXIT_OK;
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            tool->format = i;
            return EXIT_OK;
        }
    }
    return tool_usage(tool, "--format '%s' is not one of table, csv, json, jsonl", text);
}

static int run_verb(struct tool *tool)
{
    const struct verb *verb = tool->verb;
    int result = check_words(tool);

    if (result == EXIT_OK && (verb->flags & VERB_FILE)) {
        if (!tool->shell)
            tool->path = tool->given.words[0];
        if (!(verb->flags & VERB_UNOPENED) || tool->shell)
            result = tool_open(tool);
    }
    if (result == EXIT_OK)
        result = verb->run(tool);
    return result;
}

int tool_run(struct tool *tool, char **words, size_t count)
{
    char message[256];
    int result;

    tool->verb = NULL;
    tool->quiet_end = false;
    if (!arguments_parse(&tool->given, words, count, message, sizeof message))
        result = tool_usage(tool, "%s", message);
    else
        result = find_verb(tool);
    if (result == EXIT_OK && tool_flag(tool, "help"))
        result = strcmp(tool->verb->name, "help") == 0 ? verb_help(tool) : help_verb(tool, tool->verb);
    else if (result == EXIT_OK && (result = check_options(tool)) == EXIT_OK && (result = read_format(tool)) == EXIT_OK)
        result = run_verb(tool);
    tool_close(tool);
    if (result != EXIT_OK && result != EXIT_INTERRUPTED)
        sink_discard(&tool->out);
    sink_flush(&tool->out);
    if (tool->out.error && result == EXIT_OK)
        result = tool_fail(tool, "standard output: %s", strerror(tool->out.error));
    arguments_free(&tool->given);
    return result;
}

static void on_interrupt(int number)
{
    (void)number;
    tool_interrupted = 1;
}

void tool_catch_signals(void)
{
    struct sigaction action = {0};

    /* The second Ctrl-C ends the program where it stands, should the first not
     * be heard: the file survives that.  Calls that wait are to return. */
    action.sa_handler = on_interrupt;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* A reader that goes away is seen as EPIPE, so that the file is closed first. */
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    sigaction(SIGPIPE, &action, NULL);
}

int main(int argc, char **argv)
{
    struct tool tool = {0};
    int result;

    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        printf("crm %s\n", crm_version());
        return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
    }
    tool_catch_signals();
    sink_start(&tool.out);
    result = tool_run(&tool, argv + 1, argc > 0 ? (size_t)argc - 1 : 0);
    sink_free(&tool.out);
    if (tool.out.closed) { /* end as any program whose reader left */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return result;
}
