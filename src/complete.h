/* complete: what can stand where the cursor is in a line of the shell. */
#ifndef CRM_TOOL_COMPLETE_H
#define CRM_TOOL_COMPLETE_H

#include "tool.h"

struct completion {
    size_t typed;      /* bytes of the word before the cursor, as the line has them */
    char **candidates; /* whole words */
    size_t count;
    struct buffer common; /* the beginning that all of them share */
};

void complete_line(struct tool *tool, const char *line, size_t length, struct completion *completion);
void completion_free(struct completion *completion);

#endif
