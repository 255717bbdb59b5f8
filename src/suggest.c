/* suggest: see suggest.h.
 *
 * The distance counts letters inserted, left out, replaced and swapped
 * (optimal string alignment).  A beginning counts as near: "opp" means
 * "opportunity".
 */
#include "suggest.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t word_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[3][WORD_MAX + 1];
    size_t *before_last = row[0], *last = row[1], *now = row[2];

    for (size_t j = 0; j <= b_length; j++) {
        before_last[j] = 0;
        last[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *spare = before_last;

        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);

            now[j] = least(least(last[j], now[j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = now;
        now = spare;
    }
    return last[b_length];
}

/* Half of a short word is another word: how far one may be off grows slowly. */
void suggest_start(struct suggestion *suggestion, const char *word, size_t length)
{
    *suggestion = (struct suggestion){word, length, NULL, length < 4 ? 2 : length < 8 ? 3 : 4};
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
    size_t length = strlen(candidate);
    size_t distance;

    if (length > WORD_MAX || suggestion->length > WORD_MAX || suggestion->length == 0)
        return;
    if (suggestion->length >= 2 && length > suggestion->length &&
        memcmp(candidate, suggestion->word, suggestion->length) == 0)
        distance = 1;
    else
        distance = word_distance(suggestion->word, suggestion->length, candidate, length);
    if (distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

const char *suggest_text(const struct suggestion *suggestion)
{
    static char text[WORD_MAX + 32];

    text[0] = '\0';
    if (suggestion->best)
        snprintf(text, sizeof text, "; did you mean '%s'?", suggestion->best);
    return text;
}
