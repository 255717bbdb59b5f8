/* behaviour: gathers what customers did, and turns it into verdicts and moves.
 *
 * One pass over the interactions, none per customer: an occasion is 8 bytes,
 * filed under the customer's record number, so a million interactions of a
 * hundred thousand customers need a dozen megabytes.  Only `time` says what is
 * past; no clock is read (P8).
 */
#include "crm/behaviour.h"

#include "model/moment.h"
#include "model/record.h"
#include "sys/error.h"

#define BIT(stage) (1u << (stage))

/* ------------------------------------------------------------ gathering */

struct window {
    int64_t after; /* later than this */
    int64_t until; /* and not later than that */
};

/* The interactions in which a customer itself took part. */
static const int64_t contact_types[] = {
    CRM_INTERACTION_TYPE_CALL,   CRM_INTERACTION_TYPE_MEETING,   CRM_INTERACTION_TYPE_EMAIL,
    CRM_INTERACTION_TYPE_VISIT,  CRM_INTERACTION_TYPE_MESSAGE,   CRM_INTERACTION_TYPE_WEB,
    CRM_INTERACTION_TYPE_SURVEY, CRM_INTERACTION_TYPE_COMPLAINT,
};

/* What never happened is no occasion. */
static bool took_place(const crm_record *interaction)
{
    int64_t status = crm_int(interaction, CRM_INTERACTION_STATUS);
    return status != CRM_INTERACTION_STATUS_PLANNED && status != CRM_INTERACTION_STATUS_CANCELLED;
}

/* `buyers` not NULL: only those customers count that are not among them. */
static int32_t add_occasion(struct occasions *to, const crm_record *interaction, const struct window *window,
                            const struct occasions *buyers)
{
    struct value customer;

    if (record_value(interaction, CRM_INTERACTION_CUSTOMER, &customer) != 1 || customer.integer < 0 ||
        customer.integer >= to->slots) {
        int32_t status = crm_record_status(interaction);
        return status == CRM_ERASED ? CRM_OK : status; /* whose it was is not erased */
    }
    int64_t start = crm_int(interaction, CRM_INTERACTION_START);
    if (start <= window->after || start > window->until || !took_place(interaction))
        return CRM_OK;
    if (buyers != NULL && (occasions_of(buyers, (uint32_t)customer.integer) > 0 ||
                           crm_int(interaction, CRM_INTERACTION_DIRECTION) == CRM_INTERACTION_DIRECTION_INTERNAL))
        return CRM_OK;
    return occasions_add(to, (uint32_t)customer.integer, instant_date(start)) ? CRM_OK : CRM_NOMEM;
}

static int32_t gather(struct occasions *to, crm_view *view, const struct window *window, const struct occasions *buyers,
                      crm_error *error)
{
    crm_query *query = NULL;
    crm_record *interaction;
    int32_t added = CRM_OK;

    int32_t status = crm_query_create(view, CRM_KIND_INTERACTION, &query, error);
    if (status != CRM_OK)
        return status;
    if (buyers == NULL)
        crm_query_where_int(query, CRM_INTERACTION_TYPE, CRM_OP_EQ, CRM_INTERACTION_TYPE_PURCHASE);
    for (size_t i = 0; buyers != NULL && i < sizeof contact_types / sizeof contact_types[0]; i++)
        crm_query_where_int(query, CRM_INTERACTION_TYPE, CRM_OP_IN, contact_types[i]);
    while (added == CRM_OK && (status = crm_query_next(query, &interaction, error)) == CRM_OK)
        added = add_occasion(to, interaction, window, buyers);
    crm_query_free(query);
    if (added != CRM_OK)
        return error_set(error, added, added == CRM_NOMEM ? "out of memory" : "an interaction cannot be read");
    if (status != CRM_DONE)
        return status;
    return occasions_sort(to) ? CRM_OK : error_nomem(error);
}

/* One more than the highest record number of a customer. */
static int32_t count_slots(crm_view *view, uint32_t *slots, crm_error *error)
{
    int32_t status = view_begin(view, error);
    if (status != CRM_OK)
        return status;
    *slots = kind_rows(view->generation, schema_kind(&view->generation->schema, CRM_KIND_CUSTOMER));
    return view_finish(view, CRM_OK, error);
}

int32_t behaviour_purchases(struct occasions *purchases, crm_view *view, int64_t after, int64_t until, crm_error *error)
{
    struct window window = {after, until};
    uint32_t slots = 0;

    occasions_init(purchases, db_memory(crm_view_db(view)), 0);
    int32_t status = count_slots(view, &slots, error);
    purchases->slots = slots;
    return status == CRM_OK ? gather(purchases, view, &window, NULL, error) : status;
}

static bool all_bought(const struct occasions *purchases)
{
    for (uint32_t slot = 0; slot < purchases->slots; slot++)
        if (occasions_of(purchases, slot) == 0)
            return false;
    return true;
}

int32_t behaviour_load(struct behaviour *behaviour, crm_view *view, int64_t time, crm_error *error)
{
    struct window window = {INT64_MIN, time};

    *behaviour = (struct behaviour){.view = view, .time = time};
    occasions_init(&behaviour->contacts, db_memory(crm_view_db(view)), 0);
    int32_t status = behaviour_purchases(&behaviour->purchases, view, INT64_MIN, time, error);
    if (status != CRM_OK)
        return status;
    population_estimate(&behaviour->buyers, &behaviour->purchases);
    if (all_bought(&behaviour->purchases))
        return CRM_OK;
    behaviour->contacts.slots = behaviour->purchases.slots;
    status = gather(&behaviour->contacts, view, &window, &behaviour->purchases, error);
    if (status == CRM_OK)
        population_estimate(&behaviour->others, &behaviour->contacts);
    return status;
}

void behaviour_free(struct behaviour *behaviour)
{
    occasions_free(&behaviour->purchases);
    occasions_free(&behaviour->contacts);
}

/* ------------------------------------------------------------ judging */

bool behaviour_judge(const struct behaviour *behaviour, uint32_t slot, int32_t table, struct verdict *verdict)
{
    const struct occasions *occasions = &behaviour->purchases;
    const struct population *population = &behaviour->buyers;

    if (slot >= occasions->slots)
        return false;
    verdict->noun = "purchase";
    if (occasions_of(occasions, slot) == 0) {
        occasions = &behaviour->contacts;
        population = &behaviour->others;
        verdict->noun = "contact";
    }
    if (slot >= occasions->slots || occasions_of(occasions, slot) == 0 || population->gaps == 0)
        return false;
    cadence_of(&verdict->cadence, population, occasions, slot, instant_date(behaviour->time));
    verdict->stage = cadence_stage(&verdict->cadence, table);
    return true;
}

/* How far a relationship has come, of the stages in which a customer buys; 0 for the other two. */
static int closeness(int64_t stage)
{
    static const int ranks[LIFECYCLE_STAGES + 1] = {
        [CRM_CUSTOMER_STAGE_ACQUAINTANCE] = 1,
        [CRM_CUSTOMER_STAGE_RESERVED] = 2,
        [CRM_CUSTOMER_STAGE_STABLE] = 3,
        [CRM_CUSTOMER_STAGE_CONSOLIDATED] = 4,
    };
    return stage >= 1 && stage <= LIFECYCLE_STAGES ? ranks[stage] : 0;
}

/* Where a customer that is not silent goes. */
static uint32_t calm_moves(const struct verdict *verdict, int32_t table, int64_t from, bool since_then,
                           int64_t out[LIFECYCLE_STAGES])
{
    bool returned = verdict->cadence.run == 1 && verdict->cadence.away > 0 && since_then;

    if (from == CRM_CUSTOMER_STAGE_CHURNED)
        return lifecycle_path(table, from, verdict->stage, BIT(CRM_CUSTOMER_STAGE_DRIFTING), out);
    /* It was lost and came back, and nobody evaluated in between: the way leads through the stages it went through. */
    if (verdict->stage == CRM_CUSTOMER_STAGE_ACQUAINTANCE)
        return returned ? lifecycle_path(table, from, verdict->stage, 0, out) : 0;
    if (from == CRM_CUSTOMER_STAGE_DRIFTING)
        return lifecycle_path(table, from, verdict->stage, BIT(CRM_CUSTOMER_STAGE_CHURNED), out);
    if (closeness(verdict->stage) <= closeness(from))
        return 0; /* who buys as usual loses nothing of what the relationship has become */
    return lifecycle_path(table, from, verdict->stage,
                          BIT(CRM_CUSTOMER_STAGE_DRIFTING) | BIT(CRM_CUSTOMER_STAGE_CHURNED), out);
}

uint32_t behaviour_moves(const struct verdict *verdict, int32_t table, int64_t from, bool since_then,
                         int64_t out[LIFECYCLE_STAGES])
{
    if (from == verdict->stage)
        return 0;
    if (!lifecycle_has(table, from) || closeness(verdict->stage) == 0) {
        if (from == CRM_CUSTOMER_STAGE_CHURNED) /* lost before it was only silent: it has not come back */
            return 0;
        return lifecycle_path(table, from, verdict->stage, 0, out);
    }
    return calm_moves(verdict, table, from, since_then, out);
}
