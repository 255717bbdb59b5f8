/* replay: feeds files to a fuzz target, without libFuzzer.
 *
 * replay [--lead N] [--lines] PATH...: each file, and each file below a folder,
 * is one input; with --lines each line of it is, but comments (#).  --lead N
 * tries each input N times behind a byte of its own, 0 to N - 1, for targets
 * whose first byte says how.  A PATH that is not there is skipped, saying so.
 *
 * Ends with "N inputs, 0 failures", or at the first failure with the name of the
 * input.  `make check` runs it under ASan and UBSan, with a limit on memory.
 */
#include "fuzz.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MOST = 20000, MEMORY_MOST_MB = 1024, SECONDS_MOST = 120 };

static char *files[FILES_MOST];
static size_t file_count;
static unsigned lead;
static bool lines;
static unsigned long long inputs;
static const char *current = "";

/* Of the sanitizers, which look for a function of this name; others ignore it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=1024:hard_rss_limit_mb=1024:allocator_may_return_null=1:detect_stack_use_after_return=1";
}
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell_input(void)
{
    dprintf(2, "replay: the input is %s\n", current);
}

static void on_signal(int number)
{
    tell_input();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t most)
{
    (void)bytes, (void)most;
    return length; /* nothing is made up here */
}

/* In memory of its own size, so that reading beyond it is seen. */
static void feed(const uint8_t *bytes, size_t length)
{
    for (unsigned i = 0; i < (lead == 0 ? 1 : lead); i++) {
        size_t before = lead != 0;
        uint8_t *copy = malloc(length + before + (length + before == 0));
        MUST(copy != NULL);
        if (before)
            copy[0] = (uint8_t)i;
        if (length > 0)
            memcpy(copy + before, bytes, length);
        (void)alarm(SECONDS_MOST);
        (void)LLVMFuzzerTestOneInput(copy, length + before);
        free(copy);
        inputs++;
    }
}

static void feed_file(const char *path)
{
    size_t length = 0;
    uint8_t *bytes = fuzz_load(path, &length);
    struct input input = {bytes, bytes + length};
    MUST(bytes != NULL);
    current = path;
    if (!lines)
        feed(bytes, length);
    while (lines && input.at < input.end) {
        struct input line = input_until(&input, '\n');
        if (input_left(&line) > 0 && *line.at != '#')
            feed(line.at, input_left(&line));
    }
    free(bytes);
}

static int note(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)where;
    if (kind == FTW_F) {
        MUST(file_count < FILES_MOST);
        files[file_count] = strdup(path);
        MUST(files[file_count] != NULL);
        file_count++;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void feed_path(const char *path)
{
    file_count = 0;
    if (nftw(path, note, 16, FTW_PHYS) != 0) {
        printf("SKIP %s: not there\n", path);
        return;
    }
    qsort(files, file_count, sizeof *files, compare);
    for (size_t i = 0; i < file_count; i++) {
        feed_file(files[i]);
        free(files[i]);
    }
}

int main(int count, char **arguments)
{
    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGALRM, on_signal);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(tell_input);
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--lead") == 0 && i + 1 < count)
            lead = (unsigned)strtoul(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--lines") == 0)
            lines = true;
        else
            feed_path(arguments[i]);
    }
    printf("%llu inputs, 0 failures\n", inputs);
    return inputs > 0 ? 0 : 1;
}
