/* rules: how the CRM's rules (lib/crm) reach into a transaction of the model.
 *
 * The model calls them whenever a changed record is about to become a version,
 * so that the rules hold for every caller: API, import, undo and tool alike.
 */
#ifndef MODEL_RULES_H
#define MODEL_RULES_H

#include <crm.h>

struct memory;

struct model_rules {
    /* `record` is the changed record, `before` its version before this change
     * (NULL: it is new).  May read anything through crm_txn_view(record_txn(record))
     * and set more fields of `record`; a failure (record_fail) refuses the change. */
    int32_t (*before_version)(crm_record *record, const crm_record *before);
    /* The version is made; may create other records in the same transaction. */
    int32_t (*after_version)(crm_record *record, const crm_record *before);
    /* A new file, inside its first transaction: the default pipeline, settings, … */
    int32_t (*new_file)(crm_txn *txn, const char *currency);
};

/* For rules: setters that may set what callers may not (CRM_FLAG_SYSTEM). */
crm_txn *record_txn(const crm_record *record);
crm_db *record_db(const crm_record *record);
int32_t record_put_int(crm_record *record, uint32_t field, int64_t value);
int32_t record_put_text(crm_record *record, uint32_t field, const char *text, size_t length);
int32_t record_put_ref(crm_record *record, uint32_t field, const crm_record *target);
int32_t record_put_ref_id(crm_record *record, uint32_t field, uint32_t kind, const crm_id *id);
/* As another record has it, even a reference to what is deleted by now; nothing when that has none. */
int32_t record_put_same(crm_record *record, uint32_t field, const crm_record *other, uint32_t other_field);
int32_t record_put_null(crm_record *record, uint32_t field);
/* The built-in fields that a new record has, a bit each by number; 0 of one that is not new. */
uint64_t record_given(const crm_record *record);
/* A setter of this change named the field, even with the value it has already. */
int record_mentions(const crm_record *record, uint32_t field);
/* The fields in which two versions differ (either may be NULL). */
int record_differs(const crm_record *a, const crm_record *b, uint32_t field);
/* Refuses the change: status and message are kept by the transaction. */
int32_t record_fail(crm_record *record, int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Why a stage moves, handed from crm_lifecycle_move to after_version. */
void record_set_note(crm_record *record, const char *rule, const char *evidence);
const char *record_note_rule(const crm_record *record);
const char *record_note_evidence(const crm_record *record);
/* The time that the transaction's commit will carry, as far as known now. */
int64_t txn_time(const crm_txn *txn);
/* The allocator of the file's handle. */
const struct memory *db_memory(const crm_db *db);
/* The file's base currency (ISO 4217 numeric): for the writer, and as a view sees it (0: out of memory). */
int32_t db_currency(crm_db *db);
int32_t view_currency(crm_view *view);
/* The lifecycle table that the file's setting puts in force (CRM_LIFECYCLE_…); where it cannot be read a
 * transaction is told, too. */
int32_t db_lifecycle(crm_view *view, int32_t *table, crm_error *error);

#endif
