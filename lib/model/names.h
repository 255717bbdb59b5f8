/* names: the names of kinds, fields and choices of one open file, each once.
 *
 * Callers keep them until crm_close, while a schema goes with its generation
 * (a compaction makes a new one); so they belong to the database.
 */
#ifndef MODEL_NAMES_H
#define MODEL_NAMES_H

#include "sys/lock.h"
#include "sys/memory.h"

struct names {
    const struct memory *memory;
    struct mutex lock; /* definitions are read by the writer, and by whoever follows another process */
    char **slots;      /* open addressing; NULL: free */
    size_t count, capacity;
};

bool names_init(struct names *names, const struct memory *memory);
void names_free(struct names *names); /* of one that is all zero, too */
/* The one copy of that text, NUL-terminated, until names_free; NULL: no memory. */
const char *names_intern(struct names *names, const char *text, size_t length);

#endif
