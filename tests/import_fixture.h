/* import_fixture: feeds texts to an import and keeps what came of it. */
#ifndef IMPORT_FIXTURE_H
#define IMPORT_FIXTURE_H

#include <crm.h>

enum { IMPORTED_REJECTS = 16 };

struct imported {
    int32_t status; /* the first failure of set, feed or finish */
    crm_error error;
    uint64_t read, created, updated, unchanged, filtered, merged, rejected, others;
    int reject_count; /* all; those kept: */
    struct {
        uint64_t line, column;
        char why[300];
        char row[300];
    } rejects[IMPORTED_REJECTS];
};

/* Settings are pairs "key", "value", … up to a NULL.  The counts must add up
 * unless the import failed. */
struct imported import_text(crm_db *db, uint32_t kind, const char *text, const char *const *settings);
/* The same in pieces of so many bytes. */
struct imported import_pieces(crm_db *db, uint32_t kind, const void *bytes, size_t length, size_t piece,
                              const char *const *settings);
/* Fails the test with the error or the first reject unless all went in. */
void import_clean(const struct imported *imported);
/* The only live record with that text in the field; owned: crm_record_free. */
crm_record *import_find(crm_view *view, uint32_t kind, uint32_t field, const char *text);
uint64_t import_count(crm_db *db, uint32_t kind);
/* The whole export of a kind, in the order of a field (NULL: of creation), owned: free. */
char *export_text(crm_db *db, uint32_t kind, const char *format, const char *columns, const char *order,
                  size_t *length);

#endif
