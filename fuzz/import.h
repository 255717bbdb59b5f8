/* import: what the targets that import have in common: a fresh database with a
 * field of every type, an import cut into pieces of any size, and the way out
 * and in again, upon which an equal database must have come of it.
 */
#ifndef FUZZ_IMPORT_H
#define FUZZ_IMPORT_H

#include "fuzz.h"

enum { IMPORT_SETTINGS_MAX = 12, IMPORT_PIECE_ALL = 0 };

struct setting {
    const char *key, *value;
    size_t length;
};

struct import_job {
    uint32_t kind;
    struct setting settings[IMPORT_SETTINGS_MAX];
    size_t setting_count;
    const char *first; /* goes in before the bytes: so much that the rest is read as it comes; may be NULL */
    size_t first_length;
    const uint8_t *bytes;
    size_t length;
    size_t piece; /* IMPORT_PIECE_ALL: at once */
};
void import_setting(struct import_job *job, const char *key, const char *value, size_t length);

/* A new database: the kind "thing" (CRM_USER_KIND) and the customers have a
 * field of every type; two customers, a product and a user are there to be
 * referred to.  The file is at the path that fuzz_path gives `name`. */
crm_db *import_database(const char *name);

struct import_outcome {
    int32_t status;
    uint64_t counts[CRM_IMPORT_OTHERS + 1];
    struct dump rejects; /* line, column, why and row of each; then the import's own error */
};
void outcome_free(struct import_outcome *outcome);
bool outcome_equal(const struct import_outcome *a, const struct import_outcome *b);

/* The import, and that its counts add up and its rejects are as many as it says. */
struct import_outcome import_run(crm_db *db, const struct import_job *job, bool dry_run);
/* Everything that must hold of any input: the same whole and in pieces, and dry
 * as for good; the indexes sound; what went in comes out and in again equal, in
 * the format "csv" or "jsonl". */
void import_check(const struct import_job *job, const char *format);

#endif
