/* recover: salvages into a new file and opens that once, so that what is handed
 * back is known to work. */
#include "model/recover.h"
#include "api/options.h"
#include "crm/rules.h"

int32_t crm_recover(const char *from, const char *to, const crm_options *options, crm_table **table, crm_error *error)
{
    crm_options defaults;
    crm_table *found = NULL;
    crm_db *db = NULL;
    error_clear(error);
    if (table != NULL)
        *table = NULL;
    if (from == NULL || to == NULL || *from == '\0' || *to == '\0')
        return error_set(error, CRM_MISUSE, "crm_recover needs the damaged file and the path of the new one");
    options_default(&defaults);
    if (options != NULL)
        defaults = *options;
    int32_t status = recover_file(from, to, &defaults, &found, error);
    if (status != CRM_OK)
        return status;
    defaults.create = 0;
    defaults.read_only = 0;
    status = db_open(to, &defaults, &domain_rules, &db, error);
    if (status == CRM_OK)
        status = crm_close(db);
    if (status == CRM_OK && table != NULL) {
        *table = found;
        return CRM_OK;
    }
    crm_table_free(found);
    int ignored;
    if (status != CRM_OK) /* not to be in the way of the next try */
        (void)defaults.files->unlink(defaults.files->context, to, &ignored);
    return status;
}
