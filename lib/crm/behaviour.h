/* behaviour: what customers did up to an instant, and which stage that speaks
 * for.  crm_lifecycle_evaluate and _backtest stand on it.
 */
#ifndef CRM_BEHAVIOUR_H
#define CRM_BEHAVIOUR_H

#include "crm/cadence.h"
#include "crm/lifecycle.h"

/* What all customers did up to an instant. */
struct behaviour {
    crm_view *view;
    int64_t time;
    struct occasions purchases, contacts; /* by the customers' record numbers */
    struct population buyers, others;     /* `contacts` speak for customers that never bought */
};

struct verdict {
    struct cadence cadence;
    int64_t stage;
    const char *noun; /* what its occasions are */
};

/* Reads every interaction once (twice when some customers never bought).  The
 * view must be open; behaviour_free in any case. */
int32_t behaviour_load(struct behaviour *behaviour, crm_view *view, int64_t time, crm_error *error);
void behaviour_free(struct behaviour *behaviour);
/* False when there is nothing to judge by: no occasion of this customer, or no
 * customer that ever came back. */
bool behaviour_judge(const struct behaviour *behaviour, uint32_t slot, int32_t table, struct verdict *verdict);
/* Purchases later than `after` and not later than `until`, sorted by customer;
 * occasions_free in any case. */
int32_t behaviour_purchases(struct occasions *purchases, crm_view *view, int64_t after, int64_t until,
                            crm_error *error);
/* The moves that take a customer from its stage to what the verdict says; 0 when it stays. */
uint32_t behaviour_moves(const struct verdict *verdict, int32_t table, int64_t from, bool since_then,
                         int64_t out[LIFECYCLE_STAGES]);

#endif
