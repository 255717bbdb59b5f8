/* suggest: the word that someone who mistyped most likely meant. */
#ifndef CRM_TOOL_SUGGEST_H
#define CRM_TOOL_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *word; /* as it was typed; not NUL-terminated */
    size_t length;
    const char *best; /* NULL: nothing comes near */
    size_t distance;
};

void suggest_start(struct suggestion *suggestion, const char *word, size_t length);
/* `candidate` is kept when it is the nearest so far. */
void suggest_offer(struct suggestion *suggestion, const char *candidate);
/* "; did you mean 'list'?" or "": valid until the next call. */
const char *suggest_text(const struct suggestion *suggestion);

#endif
