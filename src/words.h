/* words: a line of the shell as words, quoted as in sh. */
#ifndef CRM_TOOL_WORDS_H
#define CRM_TOOL_WORDS_H

#include "buffer.h"

struct words {
    char **words;
    size_t count;
    size_t last_start; /* where in the line the last word begins */
    bool open;         /* the line ends within the last word, or within quotes */
    char quote;        /* the quote that was not closed, or 0 */
};

/* 'as it is', "with \" and \\", \x outside of quotes; # begins a comment. */
void words_split(struct words *words, const char *line, size_t length);
void words_free(struct words *words);

#endif
