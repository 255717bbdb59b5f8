/* cadence: occasions sorted by counting, the population's mean gap and
 * credibility constant (Bühlmann and Straub), one customer's usual gap and
 * silence, and the stage that follows.
 *
 * One pass over the occasions for each; memory is 8 bytes an event while they
 * are met and 4 bytes an occasion after.  All sums run in the order of slots
 * and days, so that the same occasions give the same bits (P8).
 */
#include "crm/cadence.h"

#include <stdio.h>

/* A silence longer than so many usual gaps is one that a customer who still
 * buys at random at that pace shows with a chance of 5 % and 1 %: exp(-x). */
#define DRIFTING_GAPS 2.995732273553991 /* ln 20 */
#define CHURNED_GAPS 4.605170185988091  /* ln 100 */

/* The credibility constant stays between these, whatever a few odd customers
 * suggest; PRIOR_UNKNOWN is for files that cannot tell. */
#define PRIOR_MIN 0.5
#define PRIOR_MAX 20.0
#define PRIOR_UNKNOWN 1.0

/* Credibility from which a customer's gaps are more its own than everybody's, and nearly all its own. */
#define CREDIBLE 0.5
#define SETTLED 0.8

/* ------------------------------------------------------------ occasions */

void occasions_init(struct occasions *occasions, const struct memory *memory, uint32_t slots)
{
    *occasions = (struct occasions){.memory = memory, .slots = slots};
}

void occasions_free(struct occasions *occasions)
{
    memory_free(occasions->memory, occasions->list);
    memory_free(occasions->memory, occasions->first);
    memory_free(occasions->memory, occasions->days);
    occasions_init(occasions, occasions->memory, 0);
}

bool occasions_add(struct occasions *occasions, uint32_t slot, int32_t day)
{
    void *list = occasions->list;
    if (slot >= occasions->slots || occasions->count >= UINT32_MAX ||
        !memory_grow(occasions->memory, &list, &occasions->capacity, occasions->count + 1, sizeof *occasions->list))
        return false;
    occasions->list = list;
    occasions->list[occasions->count++] = (struct occasion){slot, day};
    return true;
}

static void sift_down(int32_t *days, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && days[child + 1] > days[child])
            child++;
        if (days[root] >= days[child])
            return;
        int32_t swap = days[root];
        days[root] = days[child];
        days[child] = swap;
    }
}

/* A heap sort, but for what comes in order already, as events mostly do. */
void days_sort(int32_t *days, size_t count)
{
    size_t i = 1;
    while (i < count && days[i - 1] <= days[i])
        i++;
    if (i >= count)
        return;
    for (size_t root = count / 2; root > 0; root--)
        sift_down(days, root - 1, count);
    for (size_t end = count - 1; end > 0; end--) {
        int32_t swap = days[0];
        days[0] = days[end];
        days[end] = swap;
        sift_down(days, 0, end);
    }
}

/* Sorts each slot's days and keeps one of each, moving everything down. */
static void squeeze(struct occasions *occasions)
{
    uint32_t to = 0;

    for (uint32_t slot = 0; slot < occasions->slots; slot++) {
        uint32_t from = occasions->first[slot];
        uint32_t end = occasions->first[slot + 1];
        uint32_t start = to;
        days_sort(occasions->days + from, end - from);
        for (uint32_t i = from; i < end; i++)
            if (to == start || occasions->days[to - 1] != occasions->days[i])
                occasions->days[to++] = occasions->days[i];
        occasions->first[slot] = start;
    }
    occasions->first[occasions->slots] = to;
}

bool occasions_sort(struct occasions *occasions)
{
    uint32_t at = 0;

    occasions->first = memory_zero(occasions->memory, (size_t)occasions->slots + 1, sizeof *occasions->first);
    occasions->days =
        memory_zero(occasions->memory, occasions->count > 0 ? occasions->count : 1, sizeof *occasions->days);
    if (occasions->first == NULL || occasions->days == NULL)
        return false;
    for (size_t i = 0; i < occasions->count; i++)
        occasions->first[occasions->list[i].slot]++;
    for (uint32_t slot = 0; slot <= occasions->slots; slot++) {
        uint32_t size = occasions->first[slot];
        occasions->first[slot] = at;
        at += size;
    }
    for (size_t i = 0; i < occasions->count; i++)
        occasions->days[occasions->first[occasions->list[i].slot]++] = occasions->list[i].day;
    /* Each `first` now stands at its slot's end, which is the next one's start. */
    for (uint32_t slot = occasions->slots; slot > 0; slot--)
        occasions->first[slot] = occasions->first[slot - 1];
    occasions->first[0] = 0;
    memory_free(occasions->memory, occasions->list);
    occasions->list = NULL;
    occasions->count = occasions->capacity = 0;
    squeeze(occasions);
    return true;
}

/* ------------------------------------------------------------ the population */

/* Sums over all customers that have a gap. */
struct gap_sums {
    uint64_t customers;
    double gaps, days; /* of all */
    double within;     /* squares of the gaps' distance from their customer's mean */
    double squares;    /* of the customers' numbers of gaps */
    double between;    /* of the means' distance from the mean of all, by number of gaps */
};

/* Number of gaps and days between the first and the last occasion. */
static uint32_t span_of(const struct occasions *occasions, uint32_t slot, double *days)
{
    uint32_t count = occasions_of(occasions, slot);
    const int32_t *own = occasions->days + occasions->first[slot];

    *days = count > 1 ? (double)own[count - 1] - (double)own[0] : 0;
    return count > 1 ? count - 1 : 0;
}

static void add_within(struct gap_sums *sums, const struct occasions *occasions, uint32_t slot)
{
    double days;
    uint32_t gaps = span_of(occasions, slot, &days);
    const int32_t *own = occasions->days + occasions->first[slot];

    if (gaps == 0)
        return;
    double mean = days / gaps;
    for (uint32_t i = 0; i < gaps; i++) {
        double distance = ((double)own[i + 1] - (double)own[i]) - mean;
        sums->within += distance * distance;
    }
    sums->customers++;
    sums->gaps += gaps;
    sums->days += days;
    sums->squares += (double)gaps * gaps;
}

static double credibility_constant(const struct gap_sums *sums)
{
    double freedom = sums->gaps - (double)sums->customers;
    double spread = sums->gaps - sums->squares / sums->gaps;
    if (freedom <= 0 || spread <= 0)
        return PRIOR_UNKNOWN; /* nobody has two gaps, or only one customer has any */
    double within = sums->within / freedom;
    double between = (sums->between - ((double)sums->customers - 1) * within) / spread;
    if (between * PRIOR_MAX <= within) /* also when it comes out as nothing or less: all are alike */
        return PRIOR_MAX;
    return between * PRIOR_MIN >= within ? PRIOR_MIN : within / between;
}

void population_estimate(struct population *population, const struct occasions *occasions)
{
    struct gap_sums sums = {0};

    for (uint32_t slot = 0; slot < occasions->slots; slot++)
        add_within(&sums, occasions, slot);
    *population = (struct population){.gaps = (uint64_t)sums.gaps, .prior = PRIOR_UNKNOWN};
    if (population->gaps == 0)
        return;
    population->mean_days = sums.days / sums.gaps;
    for (uint32_t slot = 0; slot < occasions->slots; slot++) {
        double days;
        uint32_t gaps = span_of(occasions, slot, &days);
        double distance = gaps > 0 ? days / gaps - population->mean_days : 0;
        sums.between += gaps * distance * distance;
    }
    population->prior = credibility_constant(&sums);
}

/* ------------------------------------------------------------ one customer */

void cadence_of(struct cadence *cadence, const struct population *population, const struct occasions *occasions,
                uint32_t slot, int32_t today)
{
    double days;
    uint32_t gaps = span_of(occasions, slot, &days);
    uint32_t count = occasions_of(occasions, slot);
    const int32_t *own = occasions->days + occasions->first[slot];

    *cadence = (struct cadence){.occasions = count, .run = 1};
    cadence->gap_days = (population->prior * population->mean_days + days) / (population->prior + gaps);
    int64_t silence = (int64_t)today - own[count - 1];
    cadence->silence = silence > INT32_MAX ? INT32_MAX : (int32_t)silence;
    for (uint32_t i = count - 1; i > 0; i--) {
        int64_t gap = (int64_t)own[i] - own[i - 1];
        if ((double)gap > CHURNED_GAPS * cadence->gap_days) {
            cadence->away = gap > INT32_MAX ? INT32_MAX : (int32_t)gap;
            break;
        }
        cadence->run++;
    }
    cadence->credibility = (cadence->run - 1) / (cadence->run - 1 + population->prior);
}

int64_t cadence_stage(const struct cadence *cadence, int32_t table)
{
    if (cadence->silence > CHURNED_GAPS * cadence->gap_days)
        return CRM_CUSTOMER_STAGE_CHURNED;
    if (cadence->silence > DRIFTING_GAPS * cadence->gap_days)
        return CRM_CUSTOMER_STAGE_DRIFTING;
    if (cadence->run < 2)
        return CRM_CUSTOMER_STAGE_ACQUAINTANCE;
    if (table != CRM_LIFECYCLE_FIVE)
        return CRM_CUSTOMER_STAGE_STABLE;
    if (cadence->credibility < CREDIBLE)
        return CRM_CUSTOMER_STAGE_RESERVED;
    return cadence->credibility < SETTLED ? CRM_CUSTOMER_STAGE_STABLE : CRM_CUSTOMER_STAGE_CONSOLIDATED;
}

/* In tenths, rounded; what is too large for people to care stays the largest number. */
static int64_t tenths_of(double number)
{
    return number < 1e15 ? (int64_t)(number * 10 + 0.5) : INT64_C(10000000000000000);
}

/* "21", "12.6"; from a hundred on whole days. */
static void format_days(double days, char out[32])
{
    int64_t tenths = tenths_of(days);
    if (tenths >= 1000 || tenths % 10 == 0)
        snprintf(out, 32, "%lld", (long long)((tenths + 5) / 10));
    else
        snprintf(out, 32, "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
}

static const char *days_word(const char *number)
{
    return number[0] == '1' && number[1] == '\0' ? "day" : "days";
}

void cadence_evidence(const struct cadence *cadence, const char *noun, char out[CADENCE_TEXT])
{
    char gap[32];
    int64_t tenths = cadence->gap_days > 0 ? tenths_of(cadence->silence / cadence->gap_days) : 0;
    const char *silence_word = cadence->silence == 1 ? "day" : "days";

    format_days(cadence->gap_days, gap);
    if (cadence->silence > DRIFTING_GAPS * cadence->gap_days)
        snprintf(out, CADENCE_TEXT, "no %s for %d %s; usual gap %s %s; %lld.%lld times", noun, cadence->silence,
                 silence_word, gap, days_word(gap), (long long)(tenths / 10), (long long)(tenths % 10));
    else if (cadence->run == 1 && cadence->away > 0)
        snprintf(out, CADENCE_TEXT, "a %s %d %s ago, after %d days without; usual gap %s %s", noun, cadence->silence,
                 silence_word, cadence->away, gap, days_word(gap));
    else
        snprintf(out, CADENCE_TEXT, "%u %s%s, the last %d %s ago; usual gap %s %s", cadence->run, noun,
                 cadence->run == 1 ? "" : "s", cadence->silence, silence_word, gap, days_word(gap));
}
