/* progress: see progress.h.
 *
 * The bar waits half a second before it shows itself: short work needs none,
 * and it disappears when the work is done, so that it leaves no trace in what
 * a person reads afterwards.
 */
#include "progress.h"

#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_COLUMNS = 20, FIRST_MS = 500, BETWEEN_MS = 100, NAME_COLUMNS = 24 };

static int64_t now_ms(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, const char *what, uint64_t total)
{
    const char *slash = strrchr(what, '/');
    const char *terminal = getenv("TERM");

    *progress = (struct progress){.what = slash && slash[1] ? slash + 1 : what, .total = total};
    progress->shown = isatty(STDERR_FILENO) == 1 && terminal && strcmp(terminal, "dumb") != 0;
    progress->started_ms = progress->drawn_ms = now_ms();
}

static void draw_bar(struct buffer *line, double share)
{
    /* Eighths of a block: the bar moves smoothly. */
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    size_t steps = (size_t)(share * BAR_COLUMNS * 8), whole = steps / 8, part = steps % 8;

    buffer_repeat(line, "█", whole);
    buffer_put(line, eighths[part]);
    buffer_repeat(line, " ", BAR_COLUMNS - whole - (part ? 1 : 0));
    buffer_print(line, "▏%3d %%", (int)(share * 100));
}

static void draw_left(struct buffer *line, const struct progress *progress, double share, int64_t now)
{
    int64_t seconds = share > 0.02 ? (int64_t)((double)(now - progress->started_ms) * (1 / share - 1) / 1000) : -1;

    if (seconds >= 60)
        buffer_print(line, "  %" PRId64 " min left", (seconds + 30) / 60);
    else if (seconds >= 0)
        buffer_print(line, "  %" PRId64 " s left", seconds + 1);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t count, const char *noun)
{
    int64_t now;
    struct buffer line = {0}, number = {0};
    double share = 0;

    if (!progress->shown)
        return;
    now = now_ms();
    if (now - progress->started_ms < FIRST_MS || now - progress->drawn_ms < BETWEEN_MS)
        return;
    buffer_put(&line, "\r\033[K");
    buffer_plain(&line, progress->what, strnlen(progress->what, NAME_COLUMNS), false);
    buffer_put(&line, " ");
    if (progress->total > 0) {
        share = done >= progress->total ? 1 : (double)done / (double)progress->total;
        draw_bar(&line, share);
    }
    buffer_print(&number, "%" PRIu64, count);
    buffer_put(&line, " ");
    buffer_grouped(&line, number.data);
    buffer_print(&line, " %s", noun);
    draw_left(&line, progress, share, now);
    fwrite(line.data, 1, line.length, stderr);
    fflush(stderr);
    buffer_free(&number);
    buffer_free(&line);
    progress->drawn = true;
    progress->drawn_ms = now;
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
