/* version: which library this is, and what its statuses are called.
 *
 * Names and texts of the statuses come from one table, so that none of them can
 * be forgotten in one place.
 */
#include <crm.h>

#define STATUSES(X)                                                       \
    X(OK, "success")                                                      \
    X(DONE, "no more rows")                                               \
    X(NOT_FOUND, "no such record or file")                                \
    X(INVALID, "an argument or a value is not valid")                     \
    X(NOMEM, "out of memory")                                             \
    X(IO, "the system refused a read, write, sync, lock or map")          \
    X(FULL, "no space left, or a limit was reached")                      \
    X(CORRUPT, "the file is damaged")                                     \
    X(NOT_A_DATABASE, "the file is not a database, or of a newer format") \
    X(BUSY, "another writer held the lock for too long")                  \
    X(READ_ONLY, "the file is open for reading only")                     \
    X(STOPPED, "an earlier write or sync failed; open the file again")    \
    X(CONFLICT, "the record changed since the version that was named")    \
    X(DUPLICATE, "a unique value is taken")                               \
    X(REFUSED, "a rule forbids it")                                       \
    X(REFERENCED, "something later depends on it")                        \
    X(TIMEOUT, "the time ran out")                                        \
    X(EXISTS, "it exists already")                                        \
    X(MISUSE, "a handle was used in a way that its state forbids")        \
    X(ERASED, "the personal data asked for was erased")

struct status_row {
    const char *name, *text;
};

static const struct status_row statuses[] = {
#define ROW(name, text) [CRM_##name] = {"CRM_" #name, text},
    STATUSES(ROW)
#undef ROW
};

int32_t crm_version_number(void)
{
    return CRM_VERSION_NUMBER;
}

const char *crm_version(void)
{
    return CRM_VERSION;
}

static const struct status_row *find(int32_t status)
{
    return status < 0 || (size_t)status >= sizeof statuses / sizeof statuses[0] ? NULL : &statuses[status];
}

const char *crm_status_name(int32_t status)
{
    const struct status_row *row = find(status);
    return row == NULL ? NULL : row->name;
}

const char *crm_status_text(int32_t status)
{
    const struct status_row *row = find(status);
    return row == NULL ? NULL : row->text;
}
