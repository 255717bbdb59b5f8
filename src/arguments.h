/* arguments: the words of a command, told apart into words and options.
 *
 * Options are long, may stand anywhere, and take their value as `--name=value`
 * or `--name value`; `--` ends them.  One table names them all, so that an
 * option takes a value or not whatever the verb is, and the verb itself may
 * stand behind options.
 */
#ifndef CRM_TOOL_ARGUMENTS_H
#define CRM_TOOL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum { OPTION_FLAG, OPTION_VALUE, OPTION_WHERE };

struct option {
    const char *name;
    int takes;
    const char *verb;        /* the only verb for which this line stands, or NULL */
    const char *placeholder; /* of the value, for help */
    const char *help;
};
extern const struct option option_table[]; /* ends with a NULL name */

struct option_given {
    const struct option *option;
    const char *value;     /* OPTION_VALUE; of OPTION_WHERE its value, NULL when there is none */
    char *field;           /* OPTION_WHERE; owned */
    const char *operation; /* OPTION_WHERE: as typed, or a constant */
};

struct arguments {
    char **words; /* all but the options; the words themselves belong to the caller */
    size_t word_count;
    struct option_given *options;
    size_t option_count;
};

/* False: `message` (of `size` bytes) says what is wrong. */
bool arguments_parse(struct arguments *arguments, char **argv, size_t count, char *message, size_t size);
void arguments_free(struct arguments *arguments);
void arguments_remove(struct arguments *arguments, size_t position); /* a word */
void arguments_insert(struct arguments *arguments, size_t position, char *word);

bool arguments_flag(const struct arguments *arguments, const char *name);
/* The last value given, or NULL. */
const char *arguments_value(const struct arguments *arguments, const char *name);
/* The line of the option table that explains `name` to users of `verb`, or NULL. */
const struct option *option_find(const char *name, size_t length, const char *verb);

/* Whether `word` stands in a list of words between blanks. */
bool word_among(const char *list, const char *word);

#endif
