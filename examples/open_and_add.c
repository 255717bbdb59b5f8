/* open_and_add: opens a database file, creating it when it is missing, adds a
 * customer with a person who works there, and reads both back.
 *
 *   cc open_and_add.c $(pkg-config --cflags --libs crm) && ./a.out acme.crm
 */
#include <crm.h>
#include <stdio.h>

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

int main(int argc, char **argv)
{
    crm_error error;
    crm_db *db;
    crm_txn *txn;
    crm_view *view;
    crm_contact *found;
    crm_id acme_id, works_at;

    if (argc != 2 || crm_open(argv[1], NULL, &db, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);

    /* One transaction: all of it is in the file, or nothing. Setters need no
     * checks of their own: the commit answers the first that failed. */
    if (crm_begin(db, &txn, &error) != CRM_OK)
        return fail(&error);
    crm_txn_set_actor(txn, "mia");
    crm_customer *acme = crm_customer_create(txn);
    crm_customer_set_name(acme, "Acme GmbH");
    crm_customer_set_stage(acme, CRM_CUSTOMER_STAGE_ACQUAINTANCE);
    crm_customer_add_phone(acme, "+49 30 901820");
    crm_customer_id(acme, &acme_id);
    crm_contact *person = crm_contact_create(txn);
    crm_contact_set_first_name(person, "Ada");
    crm_contact_set_last_name(person, "Muster");
    crm_contact_add_email(person, "ada@acme.example");
    crm_contact_set_customer(person, acme);
    if (crm_commit(txn, NULL, &error) != CRM_OK)
        return fail(&error);

    /* Reading happens in a view: one state of everything, held as long as one likes. */
    if (crm_view_open(db, &view, &error) != CRM_OK ||
        crm_contact_by_email(view, "Ada@Acme.example", &found, &error) != CRM_OK)
        return fail(&error);
    int32_t known = crm_contact_customer(found, &works_at);
    crm_customer *customer;
    if (known != CRM_OK || crm_customer_get(view, &works_at, &customer, &error) != CRM_OK)
        return 1;
    printf("%s works at %s, phone %s\n", crm_contact_name(found), crm_customer_name(customer),
           crm_customer_phone(customer, 0));
    crm_customer_free(customer);
    crm_contact_free(found);
    crm_view_close(view);
    return crm_close(db) == CRM_OK ? 0 : 1;
}
