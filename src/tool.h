/* tool: what every verb works with: the words it was given, the open file, the
 * output, and the one way to fail.
 *
 * A verb returns 0, or what one of the failing functions returned; these have
 * then printed the one line on standard error that says what is wrong, where,
 * and what to do.
 */
#ifndef CRM_TOOL_TOOL_H
#define CRM_TOOL_TOOL_H

#include "arguments.h"
#include "output.h"

#include <crm.h>
#include <signal.h>
#include <stdint.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_WRONG_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* What a verb does with its FILE; decides which common options it takes. */
enum {
    VERB_FILE = 1,      /* its first word is the FILE */
    VERB_READ = 2,      /* takes --as-of */
    VERB_WRITE = 4,     /* takes --actor and --reason */
    VERB_PRINT = 8,     /* takes --format and --width */
    VERB_UNOPENED = 16, /* does its own opening */
    VERB_ALTERS = 32    /* needs the file open for writing, makes no transaction */
};

struct tool;
struct verb {
    const char *topic;   /* its heading in `crm help` */
    const char *name;    /* "list", "lifecycle report" */
    const char *usage;   /* what follows "crm " */
    const char *summary; /* one line */
    const char *options; /* names of its options but the common ones, between blanks */
    const char *help;    /* paragraphs and examples, or NULL */
    int (*run)(struct tool *tool);
    unsigned flags;
    size_t fewest, most; /* words after the verb, FILE included */
};
extern const struct verb verb_table[]; /* ends with a NULL name */

struct tool {
    struct sink out;
    const struct verb *verb;
    struct arguments given;
    struct arguments session; /* options that the shell was started with: they hold for all its commands */
    int format;
    char *path; /* borrowed from the words */
    crm_db *db;
    crm_view *view;       /* what tool_view opened; closed when the verb ends */
    const char *currency; /* of the file, for amounts that name none; may be NULL */
    bool read_only;       /* the file could only be opened so */
    bool shell;           /* the file stays open between commands */
    bool quiet_end;       /* interrupted where that is the usual end: no message */
    size_t line;          /* of the script that the command comes from, 0: none */
};

/* Set by SIGINT: long work stops at the next good moment. */
extern volatile sig_atomic_t tool_interrupted;
void tool_catch_signals(void); /* once, and again after each interrupt that was heard */

/* ---- failing ---- */
int tool_fail(struct tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));
int tool_usage(struct tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the library said, with the remedy the tool knows of. */
int tool_error(struct tool *tool, const crm_error *error);
int tool_interrupt(struct tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line on standard error that is no failure. */
void tool_note(struct tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- running ---- */
int tool_run(struct tool *tool, char **words, size_t count);
/* NULL: no such verb.  `sub` (may be NULL) is the second word of a verb of two. */
const struct verb *verb_find(const char *name, const char *sub);
bool verb_group(const char *name); /* the first word of verbs of two words */
bool verb_takes(const struct verb *verb, const char *option);

/* ---- options that several verbs share ---- */
bool tool_flag(const struct tool *tool, const char *name);
const char *tool_value(const struct tool *tool, const char *name);
/* A whole number of at least `least`; `otherwise` when it was not given. */
int tool_number(struct tool *tool, const char *name, int64_t least, int64_t otherwise, int64_t *out);
int tool_time(struct tool *tool, const char *name, int64_t otherwise, int64_t *out);
const char *tool_word(const struct tool *tool, size_t position); /* counted behind FILE; NULL */
size_t tool_words(const struct tool *tool);

/* ---- the file ---- */
/* Options for crm_open, owned: crm_options_free. */
crm_options *tool_options(struct tool *tool, int32_t create);
int tool_open(struct tool *tool);
void tool_close(struct tool *tool); /* the view, and but for the shell the file */
/* Opens tool->view: the newest state or --as-of. */
int tool_view(struct tool *tool);
const char *tool_actor(const struct tool *tool); /* --actor, else the login name, else "crm" */
/* A transaction with --actor and --reason. */
int tool_begin(struct tool *tool, crm_txn **txn);
int tool_commit(struct tool *tool, crm_txn *txn, uint64_t *lsn);
/* The transaction's own error, said; rolls it back. */
int tool_rollback(struct tool *tool, crm_txn *txn);
/* Fails when writing to `path` would overwrite the database or its index, or
 * what is read from `input` (-1: nothing). */
int tool_spares(struct tool *tool, const char *path, int input);

#endif
