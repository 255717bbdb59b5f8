/* caller_lookup: the telephone rings; who is it?  A number is found however it
 * was written and however the exchange delivers it, down to its last digits.
 */
#include <crm.h>
#include <stdio.h>
#include <string.h>

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static int add_people(crm_db *db, crm_error *error)
{
    static const char *const people[][3] = {
        {"Ada", "Muster", "+49 30 901820"}, {"Wei", "Li", "+86 (10) 6552-9988"}, {"Omar", "Beispiel", "0171/5550123"}};
    crm_txn *txn;
    if (crm_begin(db, &txn, error) != CRM_OK)
        return fail(error);
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        crm_contact *person = crm_contact_create(txn);
        crm_contact_set_first_name(person, people[i][0]);
        crm_contact_set_last_name(person, people[i][1]);
        crm_contact_add_phone(person, people[i][2]);
    }
    return crm_commit(txn, NULL, error) == CRM_OK ? 0 : fail(error);
}

int main(int argc, char **argv)
{
    /* What the exchange shows, and who must answer to it. */
    static const char *const calls[][2] = {{"0049 (30) 90 18 20", "Muster"},
                                           {"+493090-1820", "Muster"},
                                           {"65529988", "Li"},
                                           {"+49 171 5550123", "Beispiel"},
                                           {"+1 202 555 0199", NULL}};
    crm_error error;
    crm_db *db;
    crm_view *view;
    if (argc != 2 || crm_open(argv[1], NULL, &db, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);
    if (add_people(db, &error) != 0 || crm_view_open(db, &view, &error) != CRM_OK)
        return 1;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        crm_contact *caller = NULL;
        int32_t status = crm_contact_by_phone(view, calls[i][0], &caller, &error);
        const char *expected = calls[i][1];
        printf("%-20s %s\n", calls[i][0], status == CRM_OK ? crm_contact_name(caller) : "unknown caller");
        if (status != (expected != NULL ? CRM_OK : CRM_NOT_FOUND))
            return fail(&error);
        if (expected != NULL && strcmp(crm_contact_last_name(caller), expected) != 0)
            return 1;
        crm_contact_free(caller);
    }
    crm_view_close(view);
    return crm_close(db) == CRM_OK ? 0 : 1;
}
