/* change_feed: follows what changes, e.g. to keep another program up to date.
 * The place reached is one number; saved, it lets the follower go on after any
 * stop, and nothing is missed: deletes come, too.
 */
#include <crm.h>
#include <inttypes.h>
#include <stdio.h>

static int fail(const crm_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

/* Prints every change after `position`; answers the new position. */
static int32_t follow(crm_db *db, uint64_t *position, int *count, crm_error *error)
{
    static const char *const verbs[] = {"?", "created", "changed", "deleted", "restored", "erased"};
    crm_feed *feed;
    crm_change *change;
    int32_t status = crm_feed_open(db, *position, &feed, error);
    if (status != CRM_OK)
        return status;
    while ((status = crm_feed_next(feed, 0, &change, error)) == CRM_OK) {
        if (crm_change_kind(change) != CRM_KIND_CUSTOMER) /* stages' transitions come, too */
            continue;
        crm_record *after = crm_change_after(change), *before = crm_change_before(change);
        printf("%" PRIu64 " %s %s %s:", crm_change_lsn(change), crm_change_actor(change),
               verbs[crm_change_operation(change)], crm_title(after, NULL));
        for (uint32_t i = 0; i < crm_change_field_count(change); i++) {
            uint32_t field = crm_change_field(change, i);
            printf(" %s '%s' -> '%s'", crm_field_name(db, crm_change_kind(change), field),
                   crm_format(before, field, NULL), crm_format(after, field, NULL));
        }
        putchar('\n');
        ++*count;
    }
    *position = crm_feed_position(feed);
    crm_feed_close(feed);
    return status == CRM_TIMEOUT ? CRM_OK : status; /* CRM_TIMEOUT: nothing new yet */
}

int main(int argc, char **argv)
{
    crm_error error;
    crm_db *db;
    crm_txn *txn;
    crm_id id;
    int count = 0;
    if (argc != 2 || crm_open(argv[1], NULL, &db, &error) != CRM_OK || crm_begin(db, &txn, &error) != CRM_OK)
        return argc != 2 ? 2 : fail(&error);
    uint64_t position = crm_lsn(db); /* from now on */

    crm_txn_set_actor(txn, "mia");
    crm_customer *acme = crm_customer_create(txn);
    crm_customer_set_name(acme, "Acme GmbH");
    crm_customer_id(acme, &id);
    if (crm_commit(txn, NULL, &error) != CRM_OK || follow(db, &position, &count, &error) != CRM_OK || count != 1)
        return fail(&error);

    if (crm_begin(db, &txn, &error) != CRM_OK)
        return fail(&error);
    crm_txn_set_actor(txn, "tom");
    crm_customer_set_name(crm_customer_edit(txn, &id), "Acme AG");
    crm_delete(crm_edit(txn, CRM_KIND_CUSTOMER, &id));
    if (crm_commit(txn, NULL, &error) != CRM_OK || follow(db, &position, &count, &error) != CRM_OK || count < 2)
        return fail(&error);
    int caught_up = position == crm_lsn(db);
    return crm_close(db) == CRM_OK && caught_up ? 0 : 1;
}
