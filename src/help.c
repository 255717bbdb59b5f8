/* help: `crm help`, `crm help VERB`, `crm VERB --help`, all from the verb table. */
#include "suggest.h"
#include "verbs.h"

#include <string.h>

enum { NAME_COLUMNS = 24, OPTION_COLUMNS = 27 };

static void padded(struct buffer *out, const char *text, size_t columns)
{
    size_t used = strlen(text);

    buffer_put(out, text);
    buffer_repeat(out, " ", used < columns ? columns - used : 1);
}

static void print_verbs(struct tool *tool)
{
    struct buffer *out = &tool->out.pending;
    const char *topic = "";

    buffer_put(out, "crm: a customer relationship manager in one file\n\n"
                    "  crm VERB FILE ...     do something; `crm help VERB` explains it\n"
                    "  crm FILE              type verbs one after the other\n");
    for (const struct verb *verb = verb_table; verb->name; verb++) {
        if (strcmp(topic, verb->topic) != 0) {
            topic = verb->topic;
            buffer_put(out, "\n");
            sink_bold(&tool->out, true);
            buffer_put(out, topic);
            sink_bold(&tool->out, false);
            buffer_put(out, "\n");
        }
        buffer_put(out, "  ");
        padded(out, verb->name, NAME_COLUMNS - 2);
        buffer_print(out, "%s\n", verb->summary);
    }
    buffer_put(out, "\nReading takes --as-of TIME, writing --actor NAME and --reason TEXT; results come\n"
                    "as --format table, csv, json or jsonl. Exit status: 0; 1 for a failure; 2 for\n"
                    "wrong words.\n");
}

static void print_option(struct buffer *out, const struct option *option)
{
    struct buffer left = {0};

    buffer_print(&left, "  --%s%s%s", option->name, option->placeholder ? " " : "",
                 option->placeholder ? option->placeholder : "");
    if (left.length + 1 > OPTION_COLUMNS) {
        buffer_print(out, "%s\n", left.data);
        buffer_repeat(out, " ", OPTION_COLUMNS);
    } else {
        padded(out, left.data, OPTION_COLUMNS);
    }
    buffer_print(out, "%s\n", option->help);
    buffer_free(&left);
}

/* An option has one line for each meaning; the first that fits the verb is shown. */
static bool shown_before(const struct option *option, const struct verb *verb)
{
    return option_find(option->name, strlen(option->name), verb->name) != option;
}

int help_verb(struct tool *tool, const struct verb *verb)
{
    struct buffer *out = &tool->out.pending;
    bool heading = false;

    if (strcmp(verb->name, "help") == 0) {
        print_verbs(tool);
        return EXIT_OK;
    }
    sink_bold(&tool->out, true);
    buffer_print(out, "crm %s", verb->usage);
    sink_bold(&tool->out, false);
    buffer_print(out, "\n\n  %s\n", verb->summary);
    if (verb->help)
        buffer_print(out, "%s%s", verb->help[0] == '\n' ? "" : "\n", verb->help);
    for (int own = 1; own >= 0; own--) {
        for (const struct option *option = option_table; option->name; option++) {
            bool is_own = verb->options && word_among(verb->options, option->name);

            if (!verb_takes(verb, option->name) || shown_before(option, verb) || is_own != (own == 1))
                continue;
            if (!(verb->flags & VERB_FILE) || (own == 0 && strcmp(option->name, "help") == 0))
                continue;
            buffer_put(out, heading ? "" : "\nOptions\n");
            heading = true;
            print_option(out, option);
        }
    }
    return EXIT_OK;
}

static int help_group(struct tool *tool, const char *name)
{
    size_t length = strlen(name);
    bool first = true;

    for (const struct verb *verb = verb_table; verb->name; verb++) {
        if (strncmp(verb->name, name, length) != 0 || verb->name[length] != ' ')
            continue;
        buffer_put(&tool->out.pending, first ? "" : "\n");
        first = false;
        help_verb(tool, verb);
    }
    return EXIT_OK;
}

/* Reads its words from the command, or from `crm GROUP` and `crm GROUP --help`. */
int verb_help(struct tool *tool)
{
    const char *name = tool->given.word_count > 0 ? tool->given.words[0] : NULL;
    const char *sub = tool->given.word_count > 1 ? tool->given.words[1] : NULL;
    const struct verb *verb = name ? verb_find(name, NULL) : NULL;
    struct suggestion suggestion;

    if (!name) {
        print_verbs(tool);
        return EXIT_OK;
    }
    if (sub)
        verb = verb_find(name, sub);
    for (const struct verb *other = verb_table; !verb && !sub && !verb_group(name) && other->name; other++) {
        const char *blank = strchr(other->name, ' ');

        if (blank && strcmp(blank + 1, name) == 0) /* `crm help pipeline` */
            verb = other;
    }
    if (verb)
        return help_verb(tool, verb);
    if (verb_group(name))
        return help_group(tool, name);
    if (sub && verb_find(name, NULL))
        return tool_usage(tool, "%s has no second word; `crm help %s` explains it", name, name);
    suggest_start(&suggestion, name, strlen(name));
    for (verb = verb_table; verb->name; verb++)
        suggest_offer(&suggestion, verb->name);
    return tool_usage(tool, "there is no verb '%s'%s", name, suggest_text(&suggestion));
}
