/* inspect: whether the bytes of an entry mean something, by the schema.  For
 * verify and recover; readers check as they go.
 */
#ifndef MODEL_INSPECT_H
#define MODEL_INSPECT_H

#include "model/db.h"

/* NULL: sound; else what is wrong, in words.  `id_base` is that of the frame;
 * `packed`: the entry lies in a pack, where a create has no id. */
const char *inspect_entry(const struct schema *schema, const struct entry *entry, crm_id *id_base, bool packed,
                          struct buffer *scratch);
/* Whether every field of a version, whichever entry it comes from, is of its type. */
bool inspect_version(const struct kind *kind, const struct version *version, struct buffer *scratch);

#endif
