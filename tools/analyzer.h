/* analyzer.h: what tools/tidy.sh has clang-tidy read ahead of each source of
 * lib/, and nobody else.  The analyzer follows one source at a time, so it does
 * not know that these functions answer the status that they were given, which
 * is never CRM_OK; without it, it warns of paths that cannot be.
 *
 * A macro would garble the function's own declaration, so the header comes
 * first; tidy.sh sets MODEL_… only where the source includes that header anyway
 * and does not define the function. */
#ifdef MODEL_sys_error
#include "sys/error.h"
#define error_set(error, status, ...) (error_set(error, status, __VA_ARGS__), (status))
#define error_system(error, status, ...) (error_system(error, status, __VA_ARGS__), (status))
#define error_nomem(error) (error_nomem(error), CRM_NOMEM)
#endif
#ifdef MODEL_log_log_private
#include "log/log_private.h"
#define log_failure(log, status, system, doing, error) (log_failure(log, status, system, doing, error), (status))
#endif
#ifdef MODEL_model_txn
#include "model/txn.h"
#define txn_fail(txn, status, ...) (txn_fail(txn, status, __VA_ARGS__), (status))
#endif
#ifdef MODEL_model_rules
#include "model/rules.h"
#define record_fail(record, status, ...) (record_fail(record, status, __VA_ARGS__), (status))
#endif
#ifdef MODEL_model_query
#include "model/query.h"
#define query_fail(query, status, ...) (query_fail(query, status, __VA_ARGS__), (status))
#endif
#ifdef MODEL_io_import
#include "io/import.h"
#define import_fail(import, status, ...) (import_fail(import, status, __VA_ARGS__), (status))
#define import_nomem(import) (import_nomem(import), CRM_NOMEM)
#endif
