/* names: see names.h.
 */
#include "model/names.h"

#include "sys/checksum.h"

#include <string.h>

bool names_init(struct names *names, const struct memory *memory)
{
    *names = (struct names){.memory = memory};
    if (mutex_init(&names->lock))
        return true;
    names->memory = NULL;
    return false;
}

void names_free(struct names *names)
{
    if (names->memory == NULL)
        return;
    for (size_t i = 0; i < names->capacity; i++)
        memory_free(names->memory, names->slots[i]);
    memory_free(names->memory, (void *)names->slots);
    mutex_destroy(&names->lock);
    names->memory = NULL;
}

/* The slot that has the text, or the free one where it belongs. */
static size_t slot_of(char *const *slots, size_t capacity, const char *text, size_t length)
{
    size_t mask = capacity - 1;
    size_t at = (size_t)hash_bytes(0, text, length) & mask;
    while (slots[at] != NULL && (strlen(slots[at]) != length || memcmp(slots[at], text, length) != 0))
        at = (at + 1) & mask;
    return at;
}

static bool grow(struct names *names)
{
    size_t capacity = names->capacity == 0 ? 512 : names->capacity * 2;
    char **larger = memory_zero(names->memory, capacity, sizeof *larger);
    if (larger == NULL)
        return false;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i] != NULL)
            larger[slot_of(larger, capacity, names->slots[i], strlen(names->slots[i]))] = names->slots[i];
    memory_free(names->memory, (void *)names->slots);
    names->slots = larger;
    names->capacity = capacity;
    return true;
}

const char *names_intern(struct names *names, const char *text, size_t length)
{
    const char *found = NULL;
    const char *nul = memchr(text, 0, length);
    if (nul != NULL) /* a damaged file may say so; what is handed out ends there anyway */
        length = (size_t)(nul - text);
    mutex_lock(&names->lock);
    if (names->count * 4 < names->capacity * 3 || grow(names)) {
        size_t at = slot_of(names->slots, names->capacity, text, length);
        if (names->slots[at] == NULL) {
            names->slots[at] = memory_text(names->memory, text, length);
            names->count += names->slots[at] != NULL;
        }
        found = names->slots[at];
    }
    mutex_unlock(&names->lock);
    return found;
}
