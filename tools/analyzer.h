/* analyzer.h: what clang-tidy reads ahead of each source of lib/, and nobody
 * else.  The analyzer follows one source at a time, so it does not know that
 * these functions answer the status that they were given, which is never
 * CRM_OK; without it, it warns of paths that cannot be. */
#include "sys/error.h"

#define error_set(error, status, ...) (error_set(error, status, __VA_ARGS__), (status))
#define error_system(error, status, ...) (error_system(error, status, __VA_ARGS__), (status))
#define error_nomem(error) (error_nomem(error), CRM_NOMEM)
#ifdef ANALYZE_LOG
#include "log/log_private.h"
#define log_failure(log, status, system, doing, error) (log_failure(log, status, system, doing, error), (status))
#endif
