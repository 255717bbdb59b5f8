/* arguments: see arguments.h. */
#include "arguments.h"

#include "buffer.h"
#include "suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An option that means something else to one verb has a line of its own for
 * it, above the general one. */
const struct option option_table[] = {
    {"format", OPTION_VALUE, "export", "csv|jsonl", "what to write (default csv)"},
    {"format", OPTION_VALUE, "changes", "jsonl|csv|json|table", "how changes are printed (default jsonl)"},
    {"format", OPTION_VALUE, NULL, "table|csv|json|jsonl", "how results are printed (default table)"},
    {"width", OPTION_VALUE, NULL, "N", "shorten tables to N columns (default: the terminal's)"},
    {"now", OPTION_VALUE, NULL, "TIME", "let the clock stand at TIME, for tests and replays"},
    {"wait", OPTION_VALUE, NULL, "SECONDS", "how long to wait for another writer (default 5)"},
    {"read-only", OPTION_FLAG, NULL, NULL, "open the file for reading only, also a damaged one"},
    {"quiet", OPTION_FLAG, NULL, NULL, "say nothing on standard error but what went wrong"},
    {"help", OPTION_FLAG, NULL, NULL, "explain the verb"},
    {"version", OPTION_VALUE, "set", "N", "refuse unless the record still has version N"},
    {"as-of", OPTION_VALUE, "lifecycle evaluate", "TIME", "the moment to judge by (default: now)"},
    {"as-of", OPTION_VALUE, "lifecycle backtest", "TIME", "the moment to judge by"},
    {"as-of", OPTION_VALUE, NULL, "TIME", "the state at TIME: 2024-03-31, 2024-03-31T10:00, -6m"},
    {"actor", OPTION_VALUE, NULL, "NAME", "who does it (default: your login name), kept for ever"},
    {"reason", OPTION_VALUE, NULL, "TEXT", "why, kept for ever"},
    {"currency", OPTION_VALUE, NULL, "CODE", "base currency, ISO 4217 (default EUR)"},
    {"lifecycle", OPTION_VALUE, NULL, "four|five", "lifecycle table (default four)"},
    {"where", OPTION_WHERE, NULL, "FIELD OP VALUE", "a condition; repeat for more, all must hold"},
    {"order", OPTION_VALUE, NULL, "FIELD", "sort by a field (default: by creation)"},
    {"desc", OPTION_FLAG, NULL, NULL, "largest first"},
    {"limit", OPTION_VALUE, "list", "N", "at most N rows (default 50 on a terminal)"},
    {"limit", OPTION_VALUE, NULL, "N", "at most N rows"},
    {"after", OPTION_VALUE, NULL, "CURSOR", "go on behind an earlier page"},
    {"columns", OPTION_VALUE, "import", "A,B,C", "names of the columns, for CSV without a heading"},
    {"columns", OPTION_VALUE, NULL, "A,B,C", "the fields to show, in this order"},
    {"deleted", OPTION_FLAG, NULL, NULL, "the deleted records instead"},
    {"explain", OPTION_FLAG, NULL, NULL, "say which index answers it and why, print no rows"},
    {"by", OPTION_VALUE, "count", "FIELD", "one row a value; also REF.FIELD, DATE:month"},
    {"by", OPTION_VALUE, NULL, "A,B,C", "one row a group"},
    {"since", OPTION_VALUE, "changes", "LSN", "only what came after transaction LSN (default 0)"},
    {"since", OPTION_VALUE, NULL, "TIME", "who moved since then (default -1m)"},
    {"follow", OPTION_FLAG, NULL, NULL, "wait for more until interrupted"},
    {"from", OPTION_VALUE, NULL, "TIME", "the first moment"},
    {"to", OPTION_VALUE, NULL, "TIME", "the second moment (default: now)"},
    {"days", OPTION_VALUE, NULL, "N", "how far to look ahead (default 180)"},
    {"dry-run", OPTION_FLAG, NULL, NULL, "say what would happen, change nothing"},
    {"map", OPTION_VALUE, NULL, "FIELD=COLUMN", "take a field from a column of another name; repeat"},
    {"input-format", OPTION_VALUE, NULL, "csv|jsonl", "what is read (default: seen from its first character)"},
    {"ignore", OPTION_VALUE, NULL, "COLUMN", "goes nowhere on purpose; repeat, * for all others"},
    {"mapping", OPTION_VALUE, NULL, "PATH", "take the mapping from a file"},
    {"match", OPTION_VALUE, NULL, "FIELD", "change the record with that unique value, do not add"},
    {"strict", OPTION_FLAG, NULL, NULL, "all rows or none"},
    {"rejects", OPTION_VALUE, NULL, "PATH", "where bad rows go (default INPUT.rejects.csv)"},
    {"add-choices", OPTION_FLAG, NULL, NULL, "add unknown values of a choice instead of refusing"},
    {"delimiter", OPTION_VALUE, NULL, "CHAR", "of CSV: ',' ';' tab '|' space (default: guessed)"},
    {"batch", OPTION_VALUE, "import", "NAME", "the name by which undo finds it (default INPUT@LSN)"},
    {"batch", OPTION_VALUE, NULL, "NAME", "the name by which undo finds it"},
    {"batch-rows", OPTION_VALUE, NULL, "N", "rows in one transaction"},
    {"date-format", OPTION_VALUE, NULL, "FORMAT", "of dates, e.g. %d.%m.%Y (default ISO 8601)"},
    {"output", OPTION_VALUE, NULL, "PATH", "write to a file instead of standard output"},
    {"override", OPTION_FLAG, NULL, NULL, "undo what can be undone although more depends on it"},
    {"indexed", OPTION_FLAG, NULL, NULL, "ordered index: ranges, order, counts"},
    {"unique", OPTION_FLAG, NULL, NULL, "no two live records share a value"},
    {"hot", OPTION_FLAG, NULL, NULL, "kept as a column, for sums at memory speed"},
    {"required", OPTION_FLAG, NULL, NULL, "every record must have it"},
    {"personal", OPTION_FLAG, NULL, NULL, "removed by erase"},
    {"open", OPTION_FLAG, NULL, NULL, "choice: import --add-choices may add values"},
    {"target", OPTION_VALUE, NULL, "KIND", "ref: the kind it points to"},
    {"scale", OPTION_VALUE, NULL, "N", "decimal: digits behind the point"},
    {"choices", OPTION_VALUE, NULL, "A,B,C", "choice: its values"},
    {"yes", OPTION_FLAG, NULL, NULL, "do not ask"},
    {NULL, 0, NULL, NULL, NULL},
};

const struct option *option_find(const char *name, size_t length, const char *verb)
{
    for (const struct option *option = option_table; option->name; option++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0 &&
            (!option->verb || !verb || strcmp(option->verb, verb) == 0))
            return option;
    return NULL;
}

static bool takes_no_value(const char *operation)
{
    return strcmp(operation, "set") == 0 || strcmp(operation, "notset") == 0 || strcmp(operation, "unset") == 0 ||
           strcmp(operation, "not_set") == 0;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* "stage=drifting", "at > -1m", "stage in a,b": a condition in one word.
 * False: the word is a field's name and the operator comes in a word of its own. */
static bool where_split(const char *word, struct option_given *given)
{
    static const char *const operations[] = {"!=", "<>", "<=",      ">=",        "==",  "=",
                                             "<",  ">",  "prefix ", "contains ", "in ", NULL};
    size_t length = strcspn(word, "!<>= \t");
    const char *operation = skip_blanks(word + length);

    if (length == 0 || *operation == '\0')
        return false;
    given->field = memory_text(word, length);
    for (size_t i = 0; operations[i]; i++) {
        size_t size = strlen(operations[i]);

        if (strncmp(operation, operations[i], size) == 0) {
            given->operation = operations[i];
            given->value = skip_blanks(operation + size);
            return true;
        }
    }
    given->operation = operation; /* "set" and the like take no value; any other is refused by its name */
    given->value = NULL;
    return true;
}

/* Reads a condition from `value` and the words behind it.  Returns how many of
 * those it took, or -1. */
static int where_parse(const char *value, char **rest, size_t count, struct option_given *given)
{
    if (where_split(value, given))
        return 0;
    if (count < 1)
        return -1;
    given->operation = rest[0];
    if (takes_no_value(rest[0])) {
        given->value = NULL;
    } else {
        if (count < 2)
            return -1;
        given->value = rest[1];
    }
    given->field = memory_text(value, strlen(value));
    return given->value ? 2 : 1;
}

static void unknown_option(const char *name, size_t length, char *message, size_t size)
{
    struct suggestion suggestion;

    suggest_start(&suggestion, name, length);
    for (const struct option *option = option_table; option->name; option++)
        suggest_offer(&suggestion, option->name);
    if (suggestion.best)
        snprintf(message, size, "there is no option --%.*s; did you mean --%s?", (int)length, name, suggestion.best);
    else
        snprintf(message, size, "there is no option --%.*s", (int)length, name);
}

/* The option in argv[*at]; moves *at behind its values. */
static bool option_parse(struct arguments *arguments, char **argv, size_t count, size_t *at, char *message, size_t size)
{
    const char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const struct option *option = option_find(name, length, NULL);
    struct option_given given = {.option = option};
    bool inline_value = name[length] == '=';
    int taken;

    if (!option) {
        unknown_option(name, length, message, size);
        return false;
    }
    if (option->takes == OPTION_FLAG && inline_value) {
        snprintf(message, size, "--%s takes no value", option->name);
        return false;
    }
    if (option->takes != OPTION_FLAG) {
        if (!inline_value && *at + 1 >= count) {
            snprintf(message, size, "--%s needs a value: --%s %s", option->name, option->name, option->placeholder);
            return false;
        }
        given.value = inline_value ? name + length + 1 : argv[++*at];
    }
    if (option->takes == OPTION_WHERE) {
        taken = where_parse(given.value, argv + *at + 1, count - *at - 1, &given);
        if (taken < 0) {
            snprintf(message, size, "--where needs a field, an operator and a value: --where stage = drifting");
            return false;
        }
        *at += (size_t)taken;
    }
    arguments->options = memory_resize(arguments->options, arguments->option_count + 1, sizeof *arguments->options);
    arguments->options[arguments->option_count++] = given;
    return true;
}

bool arguments_parse(struct arguments *arguments, char **argv, size_t count, char *message, size_t size)
{
    bool options_over = false;

    *arguments = (struct arguments){0};
    for (size_t at = 0; at < count; at++) {
        const char *word = argv[at];

        if (!options_over && strcmp(word, "--") == 0) {
            options_over = true;
        } else if (!options_over && strcmp(word, "-h") == 0) {
            static char help[] = "--help";
            char *standing[] = {help};
            size_t zero = 0;

            option_parse(arguments, standing, 1, &zero, message, size);
        } else if (!options_over && strncmp(word, "--", 2) == 0) {
            if (!option_parse(arguments, argv, count, &at, message, size))
                return false;
        } else if (!options_over && word[0] == '-' && word[1] >= 'a' && word[1] <= 'z' && word[2] == '\0') {
            snprintf(message, size, "there is no option %s; options have long names, see crm help", word);
            return false;
        } else {
            arguments_insert(arguments, arguments->word_count, argv[at]);
        }
    }
    return true;
}

void arguments_free(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->option_count; i++)
        free(arguments->options[i].field);
    free(arguments->options);
    free(arguments->words);
    *arguments = (struct arguments){0};
}

void arguments_remove(struct arguments *arguments, size_t position)
{
    for (size_t i = position + 1; i < arguments->word_count; i++)
        arguments->words[i - 1] = arguments->words[i];
    arguments->word_count--;
}

void arguments_insert(struct arguments *arguments, size_t position, char *word)
{
    arguments->words = memory_resize(arguments->words, arguments->word_count + 1, sizeof *arguments->words);
    for (size_t i = arguments->word_count; i > position; i--)
        arguments->words[i] = arguments->words[i - 1];
    arguments->words[position] = word;
    arguments->word_count++;
}

const char *arguments_value(const struct arguments *arguments, const char *name)
{
    for (size_t i = arguments->option_count; i > 0; i--)
        if (strcmp(arguments->options[i - 1].option->name, name) == 0)
            return arguments->options[i - 1].value;
    return NULL;
}

bool arguments_flag(const struct arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->option_count; i++)
        if (strcmp(arguments->options[i].option->name, name) == 0)
            return true;
    return false;
}

bool word_among(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}
