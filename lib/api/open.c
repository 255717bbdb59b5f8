/* open: the one place where the model meets the domain's rules.
 *
 * The model must not know them (folders point down), so they are handed to it
 * here, together with the checks of what the caller gave.
 */
#include "api/options.h"
#include "crm/rules.h"

int32_t crm_open(const char *path, const crm_options *options, crm_db **db, crm_error *error)
{
    crm_options defaults;
    error_clear(error);
    if (db == NULL)
        return error_set(error, CRM_MISUSE, "crm_open needs a place for the database");
    *db = NULL;
    if (path == NULL || path[0] == '\0')
        return error_set(error, CRM_INVALID, "crm_open needs the path of a file; this one is empty");
    if (options == NULL) {
        options_default(&defaults);
        options = &defaults;
    }
    if (options->read_only && options->create == 2)
        return error_set(error, CRM_INVALID, "%s: a new file cannot be made read-only", path);
    return db_open(path, options, &domain_rules, db, error);
}
