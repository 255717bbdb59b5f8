/* words: see words.h. */
#include "words.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Reads one word from *at on; returns where it ends. */
static size_t word_read(struct words *words, const char *line, size_t length, size_t at, struct buffer *word)
{
    for (; at < length; at++) {
        char c = line[at];

        if (words->quote) {
            if (c == words->quote)
                words->quote = 0;
            else if (words->quote == '"' && c == '\\' && at + 1 < length && strchr("\"\\", line[at + 1]))
                buffer_add(word, &line[++at], 1);
            else
                buffer_add(word, &c, 1);
        } else if (c == '\'' || c == '"') {
            words->quote = c;
        } else if (c == '\\' && at + 1 < length) {
            buffer_add(word, &line[++at], 1);
        } else if (is_blank(c)) {
            break;
        } else {
            buffer_add(word, &c, 1);
        }
    }
    words->open = at >= length;
    return at;
}

void words_split(struct words *words, const char *line, size_t length)
{
    size_t at = 0;

    *words = (struct words){.last_start = length};
    while (at < length) {
        struct buffer word = {0};

        if (is_blank(line[at])) {
            at++;
            continue;
        }
        if (line[at] == '#')
            break;
        words->last_start = at;
        at = word_read(words, line, length, at, &word);
        words->words = memory_resize(words->words, words->count + 1, sizeof *words->words);
        words->words[words->count++] = word.data ? word.data : memory_text("", 0);
    }
    if (words->count == 0 || !words->open) {
        words->open = false;
        words->last_start = length;
    }
}

void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
    free(words->words);
    *words = (struct words){0};
}
