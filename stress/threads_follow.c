/* threads_follow.c: who reads the feed builds the balances and the amounts from
 * it, and finds each transaction whole, once, and in order.
 */
#include "threads.h"

#include <string.h>

struct books {
    struct citizen *citizen;
    uint64_t lsn; /* of the changes that are being read */
    bool whole;   /* from the first transaction on, so that sums can be asked for */
    bool founded; /* the town's first transaction is through */
    int64_t balances[CUSTOMERS], amounts[DEALS];
    uint64_t versions[CUSTOMERS];
};

static int index_of(const crm_id *id, const crm_id *ids, int count)
{
    for (int i = 0; i < count; i++)
        if (memcmp(id, &ids[i], sizeof *id) == 0)
            return i;
    return -1;
}

/* Between two transactions. */
static void close_books(struct books *books)
{
    struct town *town = books->citizen->town;
    int64_t balance = 0, amount = 0;
    for (int i = 0; i < CUSTOMERS; i++)
        balance += books->balances[i];
    for (int i = 0; i < DEALS; i++)
        amount += books->amounts[i];
    books->founded = books->founded || balance != 0;
    if (books->whole && books->founded && (balance != CUSTOMERS * START || amount != (int64_t)DEALS * AMOUNT))
        town_fail(town, "feed %u: after transaction %llu balances are %lld and amounts %lld", books->citizen->number,
                  (unsigned long long)books->lsn, (long long)balance, (long long)amount);
}

static void enter(struct books *books, crm_change *change)
{
    struct town *town = books->citizen->town;
    crm_record *before = crm_change_before(change), *after = crm_change_after(change);
    crm_id id;
    crm_change_id(change, &id);
    if (crm_change_kind(change) == CRM_KIND_OPPORTUNITY) {
        int deal = index_of(&id, town->deals, DEALS);
        if (deal >= 0)
            books->amounts[deal] = crm_int(after, CRM_OPPORTUNITY_AMOUNT);
    }
    int number = crm_change_kind(change) == CRM_KIND_CUSTOMER ? index_of(&id, town->customers, CUSTOMERS) : -1;
    if (number < 0)
        return;
    if (books->versions[number] != 0 && (crm_change_version(change) != books->versions[number] + 1 ||
                                         crm_int(before, town->balance) != books->balances[number]))
        town_fail(town, "feed %u: version %llu of a customer follows %llu", books->citizen->number,
                  (unsigned long long)crm_change_version(change), (unsigned long long)books->versions[number]);
    books->versions[number] = crm_change_version(change);
    books->balances[number] = crm_int(after, town->balance);
}

/* A feed that was closed goes on where it was; half a transaction comes again. */
static bool reopen(struct books *books, bool *again)
{
    struct citizen *citizen = books->citizen;
    crm_error error = {0};
    uint64_t position = crm_feed_position(citizen->feed);
    if (!*again || position != books->lsn)
        return true;
    *again = false;
    crm_feed *other = NULL;
    if (!town_fine(citizen->town, crm_feed_open(citizen->db, position, &other, &error), "a feed", &error))
        return false;
    (void)pthread_mutex_lock(&citizen->town->lock); /* who wakes it must not meet a closed one */
    crm_feed *old = citizen->feed;
    citizen->feed = other;
    (void)pthread_mutex_unlock(&citizen->town->lock);
    crm_feed_close(old);
    return true;
}

void follow(struct citizen *citizen)
{
    struct town *town = citizen->town;
    struct books books = {.citizen = citizen, .whole = crm_feed_position(citizen->feed) == 0};
    crm_error error = {0};
    crm_change *change = NULL;
    bool again = false;
    for (;;) {
        bool briefly = atomic_load(&town->over) || stress_below(&citizen->chance, 4) == 0;
        int32_t status = crm_feed_next(citizen->feed, briefly ? 1 : -1, &change, &error);
        if (status == CRM_TIMEOUT) {
            if (crm_feed_position(citizen->feed) < books.lsn)
                town_fail(town, "feed %u: its position is %llu after transaction %llu", citizen->number,
                          (unsigned long long)crm_feed_position(citizen->feed), (unsigned long long)books.lsn);
            if (atomic_load(&town->over) && crm_feed_position(citizen->feed) >= crm_lsn(citizen->db))
                break;
            again = stress_below(&citizen->chance, 8) == 0;
            if (!reopen(&books, &again))
                break;
            continue;
        }
        if (!town_fine(town, status, "a feed", &error))
            break;
        if (crm_change_lsn(change) != books.lsn)
            close_books(&books);
        if (crm_change_lsn(change) < books.lsn || crm_change_actor(change) == NULL)
            town_fail(town, "feed %u: a change of %llu after %llu", citizen->number,
                      (unsigned long long)crm_change_lsn(change), (unsigned long long)books.lsn);
        books.lsn = crm_change_lsn(change);
        enter(&books, change);
        (void)atomic_fetch_add(&town->operations, 1);
    }
    close_books(&books);
    if (!books.founded && books.whole)
        town_fail(town, "feed %u saw nothing", citizen->number);
}
