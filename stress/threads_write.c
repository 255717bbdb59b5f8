/* threads_write.c: transactions, small and large, kept, refused and taken back. */
#include "threads.h"

#include <stdio.h>
#include <string.h>

enum { PASSERS_BY = 6 };

struct change {
    struct citizen *citizen;
    crm_txn *txn;
    uint64_t *chance;
    bool refused; /* the commit must fail with this */
    int32_t with;
};

static uint32_t pick(struct change *change, uint32_t bound)
{
    return stress_below(change->chance, bound);
}

static crm_record *customer(struct change *change, uint32_t number)
{
    return crm_edit(change->txn, CRM_KIND_CUSTOMER, &change->citizen->town->customers[number]);
}

static void add(crm_record *record, uint32_t field, int64_t amount)
{
    (void)crm_set_int(record, field, crm_int(record, field) + amount);
}

/* ---- what a transaction may do; each keeps what threads.h says ---- */

static void transfer(struct change *change)
{
    const struct town *town = change->citizen->town;
    uint32_t from = pick(change, CUSTOMERS), to = (from + 1 + pick(change, CUSTOMERS - 1)) % CUSTOMERS;
    int64_t amount = 1 + (int64_t)pick(change, 50);
    add(customer(change, from), town->balance, -amount);
    add(customer(change, to), town->balance, amount);
}

static void move_deal(struct change *change)
{
    static const char *const stages[] = {"qualification", "discovery", "proposal", "negotiation"};
    const struct town *town = change->citizen->town;
    uint32_t from = pick(change, DEALS), to = (from + 1 + pick(change, DEALS - 1)) % DEALS;
    int64_t amount = 1 + (int64_t)pick(change, 500);
    crm_record *deal = crm_edit(change->txn, CRM_KIND_OPPORTUNITY, &town->deals[from]);
    add(deal, CRM_OPPORTUNITY_AMOUNT, -amount);
    (void)crm_set_parsed(deal, CRM_OPPORTUNITY_STAGE, stages[pick(change, 4)], CRM_NUL);
    add(crm_edit(change->txn, CRM_KIND_OPPORTUNITY, &town->deals[to]), CRM_OPPORTUNITY_AMOUNT, amount);
}

static void count_in(struct change *change, uint32_t number, int64_t tally, int64_t points)
{
    const struct town *town = change->citizen->town;
    crm_record *record = customer(change, number);
    add(record, town->tally, tally);
    add(record, town->points, points);
}

static void make_interactions(struct change *change, uint32_t count)
{
    const struct town *town = change->citizen->town;
    uint32_t number = pick(change, CUSTOMERS);
    int64_t points = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t score = (int64_t)pick(change, 10);
        crm_record *interaction = crm_create(change->txn, CRM_KIND_INTERACTION);
        (void)crm_set_int(interaction, CRM_INTERACTION_TYPE, CRM_INTERACTION_TYPE_CALL);
        (void)crm_set_ref(interaction, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &town->customers[number]);
        (void)crm_set_ref(interaction, CRM_INTERACTION_CONTACT, CRM_KIND_CONTACT, &town->partners[number]);
        (void)crm_set_int(interaction, CRM_INTERACTION_START,
                          (INT64_C(1690000000) + (int64_t)pick(change, 99999)) * 1000000);
        (void)crm_set_text(interaction, CRM_INTERACTION_SUBJECT, "about this and that", CRM_NUL);
        (void)crm_set_int(interaction, CRM_INTERACTION_SCORE, score);
        points += score;
    }
    count_in(change, number, count, points);
}

/* Some interaction, as the transaction sees it; kind of deletedness as asked. */
static bool find_interaction(struct change *change, int deleted, crm_id *id, uint32_t *number, int64_t *score)
{
    const struct town *town = change->citizen->town;
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_id whose = {{0}};
    uint32_t skip = pick(change, 30);
    int32_t status = crm_query_create(crm_txn_view(change->txn), CRM_KIND_INTERACTION, &query, NULL);
    if (status == CRM_OK)
        status = crm_query_deleted(query, deleted);
    bool found = false;
    while (status == CRM_OK && crm_query_next(query, &record, NULL) == CRM_OK) {
        found = true;
        crm_record_id(record, id);
        *score = crm_int(record, CRM_INTERACTION_SCORE);
        (void)crm_ref(record, CRM_INTERACTION_CUSTOMER, NULL, &whose);
        if (skip-- == 0)
            break;
    }
    crm_query_free(query);
    for (*number = 0; found && *number < CUSTOMERS; ++*number)
        if (memcmp(&whose, &town->customers[*number], sizeof whose) == 0)
            break;
    return found;
}

static void drop_interactions(struct change *change)
{
    for (uint32_t i = 1 + pick(change, 6); i > 0; i--) {
        crm_id id;
        uint32_t number;
        int64_t score;
        if (!find_interaction(change, CRM_DELETED_NO, &id, &number, &score))
            return;
        (void)crm_delete(crm_edit(change->txn, CRM_KIND_INTERACTION, &id));
        count_in(change, number, -1, -score);
    }
}

static void restore_interaction(struct change *change)
{
    crm_id id;
    uint32_t number;
    int64_t score;
    if (!find_interaction(change, CRM_DELETED_ONLY, &id, &number, &score))
        return;
    (void)crm_restore(crm_edit(change->txn, CRM_KIND_INTERACTION, &id));
    count_in(change, number, 1, score);
}

/* To another customer, with another score, at another time. */
static void move_interaction(struct change *change)
{
    const struct town *town = change->citizen->town;
    crm_id id;
    uint32_t number, other = pick(change, CUSTOMERS);
    int64_t score, now = (int64_t)pick(change, 10);
    if (!find_interaction(change, CRM_DELETED_NO, &id, &number, &score))
        return;
    crm_record *interaction = crm_edit(change->txn, CRM_KIND_INTERACTION, &id);
    (void)crm_set_ref(interaction, CRM_INTERACTION_CUSTOMER, CRM_KIND_CUSTOMER, &town->customers[other]);
    (void)crm_set_int(interaction, CRM_INTERACTION_SCORE, now);
    (void)crm_set_int(interaction, CRM_INTERACTION_START,
                      (INT64_C(1690000000) + (int64_t)pick(change, 99999)) * 1000000);
    count_in(change, number, -1, -score);
    count_in(change, other, 1, now);
}

static void rename_both(struct change *change)
{
    const struct town *town = change->citizen->town;
    uint32_t number = pick(change, CUSTOMERS);
    char name[64];
    crm_record *record = customer(change, number);
    long long round = (long long)crm_int(record, town->round) + 1;
    (void)crm_set_int(record, town->round, round);
    (void)snprintf(name, sizeof name, "Account %02u round %lld", number, round);
    (void)crm_set_text(record, CRM_CUSTOMER_NAME, name, CRM_NUL);
    (void)snprintf(name, sizeof name, "Partner %02u round %lld", number, round);
    record = crm_edit(change->txn, CRM_KIND_CONTACT, &town->partners[number]);
    (void)crm_set_text(record, CRM_CONTACT_LAST_NAME, name, CRM_NUL);
}

static void give_address(struct change *change, uint32_t number, int64_t mail)
{
    char text[40];
    crm_record *record = customer(change, number);
    (void)snprintf(text, sizeof text, "account%02lld@example.org", (long long)mail);
    (void)crm_item_set_text(record, CRM_CUSTOMER_EMAILS, 0, CRM_PART_VALUE, text, CRM_NUL);
    (void)snprintf(text, sizeof text, "+49 30 5550%03lld", (long long)mail);
    (void)crm_item_set_text(record, CRM_CUSTOMER_PHONES, 0, CRM_PART_VALUE, text, CRM_NUL);
    (void)crm_set_int(record, change->citizen->town->mail, mail);
}

static void swap_addresses(struct change *change)
{
    const struct town *town = change->citizen->town;
    uint32_t one = pick(change, CUSTOMERS), two = (one + 1 + pick(change, CUSTOMERS - 1)) % CUSTOMERS;
    int64_t mail = crm_int(customer(change, one), town->mail), other = crm_int(customer(change, two), town->mail);
    give_address(change, one, other);
    give_address(change, two, mail);
}

static void move_stage(struct change *change)
{
    crm_record *record = customer(change, pick(change, CUSTOMERS));
    int64_t stage = crm_int(record, CRM_CUSTOMER_STAGE);
    for (int64_t to = 1; to <= 4; to++)
        if (to != stage && crm_lifecycle_allows(change->citizen->db, stage, to) && pick(change, 2) == 0) {
            (void)crm_lifecycle_move(record, to, "stress", "by chance");
            return;
        }
}

/* One of the first who came; erased or not, it is known by its department. */
static crm_record *passer_by(struct change *change)
{
    crm_query *query = NULL;
    crm_record *record = NULL;
    crm_id id = {{0}};
    uint32_t skip = pick(change, PASSERS_BY);
    int32_t status = crm_query_create(crm_txn_view(change->txn), CRM_KIND_CONTACT, &query, NULL);
    if (status == CRM_OK)
        status = crm_query_where_text(query, CRM_CONTACT_DEPARTMENT, CRM_OP_EQ, "none", CRM_NUL);
    bool found = false;
    while (status == CRM_OK && crm_query_next(query, &record, NULL) == CRM_OK) {
        found = true;
        crm_record_id(record, &id);
        if (skip-- == 0)
            break;
    }
    crm_query_free(query);
    return found ? crm_edit(change->txn, CRM_KIND_CONTACT, &id) : NULL;
}

/* Who is here for a while, is forgotten, and comes back with another name to be forgotten again: a view that was
 * opened in between knows that name and not the one before, and goes on knowing it. */
static void pass_through(struct change *change)
{
    char name[32];
    uint32_t what = pick(change, 5);
    crm_record *record = what == 0 ? NULL : passer_by(change);
    if (record != NULL && what <= 2) {
        (void)crm_erase(record);
        return;
    }
    if (record == NULL) {
        record = crm_create(change->txn, CRM_KIND_CONTACT);
        (void)crm_set_text(record, CRM_CONTACT_DEPARTMENT, "none", CRM_NUL);
        (void)crm_item_add(record, CRM_CONTACT_EMAILS, "passer@example.org", CRM_NUL);
    }
    (void)snprintf(name, sizeof name, "Passer-by %u", pick(change, 1000));
    (void)crm_set_text(record, CRM_CONTACT_LAST_NAME, name, CRM_NUL);
}

static void evaluate(struct change *change)
{
    crm_table *table = NULL;
    (void)crm_lifecycle_evaluate(change->txn, INT64_C(1692000000) * 1000000, (int32_t)pick(change, 2), &table, NULL);
    crm_table_free(table);
    (void)crm_setting_set(change->txn, "motto", pick(change, 2) == 0 ? "stay" : "go");
}

/* Every customer and deal at once, and many interactions. */
static void change_all(struct change *change)
{
    const struct town *town = change->citizen->town;
    for (uint32_t i = 0; i < CUSTOMERS; i++)
        add(customer(change, i), town->balance, i % 2 == 0 ? 3 : -3);
    for (uint32_t i = 0; i < DEALS; i++)
        add(crm_edit(change->txn, CRM_KIND_OPPORTUNITY, &town->deals[i]), CRM_OPPORTUNITY_AMOUNT, i % 2 == 0 ? -7 : 7);
    make_interactions(change, 20);
    for (int i = 0; i < 6; i++)
        drop_interactions(change);
}

/* Something whole, and then what cannot be. */
static void break_a_rule(struct change *change)
{
    transfer(change);
    change->refused = true;
    crm_record *record = customer(change, pick(change, CUSTOMERS));
    switch (pick(change, 3)) {
    case 0:
        change->with = CRM_CONFLICT;
        (void)crm_expect_version(record, crm_record_version(record) + 1);
        add(record, change->citizen->town->balance, 1);
        break;
    case 1:
        change->with = CRM_INVALID;
        (void)crm_set_text(record, CRM_CUSTOMER_NAME, " ", CRM_NUL);
        break;
    default:
        change->with = CRM_DUPLICATE;
        record = crm_create(change->txn, CRM_KIND_PRODUCT);
        (void)crm_set_text(record, CRM_PRODUCT_NAME, "a second one", CRM_NUL);
        (void)crm_set_text(record, CRM_PRODUCT_SKU, "P-03", CRM_NUL);
        break;
    }
}

static void do_something(struct change *change)
{
    switch (pick(change, 18)) {
    case 0:
    case 1:
    case 2: transfer(change); break;
    case 3: move_deal(change); break;
    case 4:
    case 5: make_interactions(change, 1 + pick(change, 3)); break;
    case 6: drop_interactions(change); break;
    case 7: restore_interaction(change); break;
    case 8: move_interaction(change); break;
    case 9: rename_both(change); break;
    case 10: swap_addresses(change); break;
    case 11: move_stage(change); break;
    case 12: pass_through(change); break;
    case 13: change_all(change); break;
    case 14: break_a_rule(change); break;
    case 15:
    case 16: pass_through(change); break;
    default: pick(change, 4) == 0 ? evaluate(change) : move_deal(change); break;
    }
}

/* ---- the transaction ---- */

static void end(struct change *change)
{
    struct citizen *citizen = change->citizen;
    crm_error error = {0};
    uint64_t lsn = 0;
    int32_t status = crm_commit(change->txn, &lsn, &error);
    if (change->refused && status == change->with)
        return;
    if (change->refused || status != CRM_OK) {
        town_fail(citizen->town, "writer %u: a commit answers %s: %s", citizen->number, crm_status_name(status),
                  error.message);
        return;
    }
    if (lsn < citizen->lsn)
        town_fail(citizen->town, "writer %u: its commit is %llu, after %llu", citizen->number, (unsigned long long)lsn,
                  (unsigned long long)citizen->lsn);
    citizen->lsn = lsn;
}

/* What was committed is seen by a view that begins after. */
static void look_after(struct citizen *citizen)
{
    crm_view *view = NULL;
    crm_error error = {0};
    if (!town_fine(citizen->town, crm_view_open(citizen->db, &view, &error), "a view", &error))
        return;
    if (crm_view_lsn(view) < citizen->lsn)
        town_fail(citizen->town, "writer %u: a view after its commit %llu is of %llu", citizen->number,
                  (unsigned long long)citizen->lsn, (unsigned long long)crm_view_lsn(view));
    if (stress_below(&citizen->chance, 16) == 0)
        town_record(citizen->town, view, "after a commit");
    crm_view_close(view);
}

void write_a_turn(struct citizen *citizen)
{
    struct change change = {.citizen = citizen, .chance = &citizen->chance};
    crm_error error = {0};
    char actor[24];
    if (!town_fine(citizen->town, crm_begin(citizen->db, &change.txn, &error), "begin", &error))
        return;
    (void)snprintf(actor, sizeof actor, "writer %u", citizen->number);
    (void)crm_txn_set_actor(change.txn, actor);
    (void)crm_txn_set_reason(change.txn, "stress");
    for (uint32_t i = pick(&change, 4) == 0 ? 3 : 1; i > 0 && !change.refused; i--) {
        do_something(&change);
        slow_pause(change.chance);
    }
    /* A whole one sees itself whole. */
    if (!change.refused && pick(&change, 6) == 0 &&
        town_fine(citizen->town, crm_txn_status(change.txn, &error), "a change", &error))
        (void)town_check(citizen->town, crm_txn_view(change.txn), change.chance, "within a transaction");
    if (pick(&change, 5) == 0)
        crm_rollback(change.txn);
    else
        end(&change);
    look_after(citizen);
}
