/* fuzz_tool: arguments of the crm tool.
 *
 * The first byte chooses a verb that only reads and takes no path; the lines are
 * its words behind FILE and KIND, options among them (--where 'name prefix x').
 * It must end with 0, 1 or 2, say what is wrong in one line when it is not 0,
 * and leave the file as it was.
 */
#include "company.h"
#include "import.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The tool's own main, by another name, for what it has beside: tool_run. */
int tool_main(int argc, char **argv);
#define main tool_main
#include "../src/main.c"
#undef main

enum { WORDS = 24, CONTROL = 4096, FRAMES = 8192 }; /* between the two lie hints, which are no data */

/* Of the verb; a NULL kind: the first line is its word. */
static const struct {
    const char *words[2];
    const char *kind;
} verbs[] = {{{"list", NULL}, "thing"},        {{"list", NULL}, "contact"},     {{"list", NULL}, "interaction"},
             {{"count", NULL}, "opportunity"}, {{"count", NULL}, "thing"},      {{"find", NULL}, NULL},
             {{"timeline", NULL}, "customer"}, {{"history", NULL}, "thing"},    {{"show", NULL}, NULL},
             {{"report", "pipeline"}, NULL},   {{"lifecycle", "report"}, NULL}, {{"lifecycle", "transitions"}, NULL},
             {{"history", NULL}, "customer"},  {{"schema", NULL}, NULL},        {{"help", NULL}, NULL}};

static const char *path;
static uint8_t *file;
static size_t file_length;
static FILE *said; /* in the place of standard error */

static void start(void)
{
    crm_db *db = import_database("tool.crm");
    company_fill(db);
    MUST(crm_close(db) == CRM_OK);
    path = fuzz_path("tool.crm");
    file = fuzz_load(path, &file_length);
    said = tmpfile();
    int nowhere = open("/dev/null", O_WRONLY);
    stdout = fdopen(dup(STDOUT_FILENO), "w"); /* the replay's; the tool writes to the descriptor */
    MUST(file != NULL && said != NULL && nowhere >= 0 && stdout != NULL);
    MUST(dup2(nowhere, STDOUT_FILENO) == STDOUT_FILENO);
    (void)close(nowhere);
    stderr = said;
}

/* Options that wait, follow or name files of their own. */
static bool is_left_out(const char *word)
{
    static const char *const left_out[] = {"--follow", "--wait", "--output", "--yes", "-"};
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strncmp(word, left_out[i], strlen(left_out[i])) == 0 && (word[0] != '-' || word[1] != '\0') &&
            strcmp(left_out[i], "-") != 0)
            return true;
    return strcmp(word, "-") == 0;
}

static size_t read_words(struct input *input, char **words)
{
    size_t count = 0;
    uint8_t how = input_byte(input);
    size_t verb = how % (sizeof verbs / sizeof *verbs);
    for (int i = 0; i < 2 && verbs[verb].words[i] != NULL; i++)
        words[count++] = strdup(verbs[verb].words[i]);
    if (strcmp(words[0], "help") != 0)
        words[count++] = strdup(path);
    if (verbs[verb].kind != NULL)
        words[count++] = strdup(verbs[verb].kind);
    while (input_left(input) > 0 && count < WORDS) {
        struct input line = input_until(input, '\n');
        words[count] = strndup((const char *)line.at, input_left(&line));
        MUST(words[count] != NULL);
        if (is_left_out(words[count]))
            free(words[count]);
        else
            count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, bytes + length};
    char *words[WORDS + 4];
    struct tool tool = {0};
    size_t left_length = 0;
    if (path == NULL)
        start();
    rewind(said);
    MUST(ftruncate(fileno(said), 0) == 0);
    size_t count = read_words(&input, words);
    sink_start(&tool.out);
    int result = tool_run(&tool, words, count);
    sink_free(&tool.out);
    MUST(result == EXIT_OK || result == EXIT_FAILED || result == EXIT_WRONG_USAGE);
    (void)fflush(said);
    MUST(result == EXIT_OK || ftell(said) > 0);
    uint8_t *left = fuzz_load(path, &left_length);
    MUST(left_length == file_length && memcmp(left, file, CONTROL) == 0);
    MUST(memcmp(left + FRAMES, file + FRAMES, file_length - FRAMES) == 0);
    free(left);
    for (size_t i = 0; i < count; i++)
        free(words[i]);
    return 0;
}
