/* test_cadence: occasions are sorted and counted once a day, the population's
 * figures and one customer's usual gap are those of the formulas in
 * docs/LIFECYCLE.md, worked by hand below, and a stage changes on the day on
 * which the silence passes ln 20 and ln 100 usual gaps. */
#include "crm/cadence.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ACQUAINTANCE = CRM_CUSTOMER_STAGE_ACQUAINTANCE, STABLE = CRM_CUSTOMER_STAGE_STABLE };
enum { DRIFTING = CRM_CUSTOMER_STAGE_DRIFTING, CHURNED = CRM_CUSTOMER_STAGE_CHURNED };
enum { RESERVED = CRM_CUSTOMER_STAGE_RESERVED, CONSOLIDATED = CRM_CUSTOMER_STAGE_CONSOLIDATED };

struct event {
    uint32_t slot;
    int32_t day;
};

static void load(struct occasions *occasions, uint32_t slots, const struct event *events, size_t count)
{
    occasions_init(occasions, memory_default(), slots);
    for (size_t i = 0; i < count; i++)
        ck_assert(occasions_add(occasions, events[i].slot, events[i].day));
    ck_assert(occasions_sort(occasions));
}
#define LOAD(occasions, slots, events) load(occasions, slots, events, sizeof(events) / sizeof((events)[0]))

/* A buys on days 0, 8, 20 (gaps 8, 12), B on days 0, 20, 60 (gaps 20, 40), C once, D never. */
enum { A, B, C, D, SLOTS };
static const struct event four_customers[] = {{B, 60}, {A, 0}, {B, 0}, {A, 20}, {C, 55}, {A, 8}, {B, 20}, {A, 8}};

START_TEST(occasions_are_one_a_day_and_in_order)
{
    struct occasions occasions;
    LOAD(&occasions, SLOTS, four_customers);
    ck_assert_uint_eq(occasions_of(&occasions, A), 3); /* day 8 came twice */
    ck_assert_uint_eq(occasions_of(&occasions, B), 3);
    ck_assert_uint_eq(occasions_of(&occasions, C), 1);
    ck_assert_uint_eq(occasions_of(&occasions, D), 0);
    const int32_t *days = occasions.days + occasions.first[B];
    ck_assert_int_eq(days[0], 0);
    ck_assert_int_eq(days[1], 20);
    ck_assert_int_eq(days[2], 60);
    ck_assert(!occasions_add(&occasions, SLOTS, 1)); /* no such customer */
    occasions_free(&occasions);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

START_TEST(days_sort_as_the_c_library_sorts)
{
    uint64_t state = 42;
    for (size_t count = 0; count < 200; count++) {
        int32_t ours[200];
        int32_t theirs[200] = {0};
        for (size_t i = 0; i < count; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            ours[i] = theirs[i] = (int32_t)(state >> 33) % (count % 3 == 0 ? 10 : 1000000);
        }
        days_sort(ours, count);
        qsort(theirs, count, sizeof theirs[0], by_value);
        ck_assert(count == 0 || memcmp(ours, theirs, count * sizeof ours[0]) == 0);
    }
}
END_TEST

/* N = 4 gaps of r = 2 customers, 80 days: mean 20.
 * Within: (8-10)² + (12-10)² + (20-30)² + (40-30)² = 208, over N - r = 2: 104.
 * Between: 2(10-20)² + 2(30-20)² = 400; (400 - (r-1) 104) / (4 - (4+4)/4) = 148.
 * Credibility constant 104 / 148. */
START_TEST(the_population_is_estimated_as_by_hand)
{
    struct occasions occasions;
    struct population population;
    LOAD(&occasions, SLOTS, four_customers);
    population_estimate(&population, &occasions);
    ck_assert_uint_eq(population.gaps, 4);
    ck_assert_double_eq_tol(population.mean_days, 20, 1e-12);
    ck_assert_double_eq_tol(population.prior, 104.0 / 148.0, 1e-12);
    occasions_free(&occasions);
}
END_TEST

START_TEST(nobody_that_came_back_tells_nothing)
{
    static const struct event once[] = {{A, 3}, {B, 90}};
    struct occasions occasions;
    struct population population;
    LOAD(&occasions, SLOTS, once);
    population_estimate(&population, &occasions);
    ck_assert_uint_eq(population.gaps, 0);
    occasions_free(&occasions);
}
END_TEST

START_TEST(the_credibility_constant_stays_in_its_bounds)
{
    /* one customer alone; all alike with noise inside; all different with none inside */
    static const struct event alone[] = {{A, 0}, {A, 10}, {A, 30}};
    static const struct event alike[] = {{A, 0}, {A, 5}, {A, 20}, {B, 0}, {B, 15}, {B, 20}};
    static const struct event apart[] = {{A, 0}, {A, 10}, {A, 20}, {B, 0}, {B, 90}, {B, 180}};
    struct occasions occasions;
    struct population population;
    LOAD(&occasions, SLOTS, alone);
    population_estimate(&population, &occasions);
    ck_assert_double_eq(population.prior, 1);
    occasions_free(&occasions);
    LOAD(&occasions, SLOTS, alike);
    population_estimate(&population, &occasions);
    ck_assert_double_eq(population.prior, 20);
    occasions_free(&occasions);
    LOAD(&occasions, SLOTS, apart);
    population_estimate(&population, &occasions);
    ck_assert_double_eq(population.prior, 0.5);
    occasions_free(&occasions);
}
END_TEST

/* k = 104/148, m = 20.  A: (k m + 20) / (k + 2) = 5040/400 = 12.6 days.
 * B: (k m + 60) / (k + 2) = (2080 + 8880) / 400 = 27.4.  C: m itself, 20. */
START_TEST(the_usual_gap_leans_on_everybody_as_far_as_it_must)
{
    struct occasions occasions;
    struct population population;
    struct cadence cadence;
    LOAD(&occasions, SLOTS, four_customers);
    population_estimate(&population, &occasions);
    cadence_of(&cadence, &population, &occasions, A, 30);
    ck_assert_double_eq_tol(cadence.gap_days, 12.6, 1e-12);
    ck_assert_int_eq(cadence.silence, 10);
    ck_assert_uint_eq(cadence.occasions, 3);
    ck_assert_uint_eq(cadence.run, 3);
    ck_assert_double_eq_tol(cadence.credibility, 2 / (2 + 104.0 / 148.0), 1e-12);
    cadence_of(&cadence, &population, &occasions, B, 60);
    ck_assert_double_eq_tol(cadence.gap_days, 27.4, 1e-12);
    cadence_of(&cadence, &population, &occasions, C, 60);
    ck_assert_double_eq_tol(cadence.gap_days, 20, 1e-12);
    ck_assert_uint_eq(cadence.run, 1);
    occasions_free(&occasions);
}
END_TEST

/* A: ln 20 * 12.6 = 37.75, ln 100 * 12.6 = 58.03; the last purchase was on day 20. */
START_TEST(stages_change_when_the_silence_passes_the_limits)
{
    struct occasions occasions;
    struct population population;
    struct cadence cadence;
    LOAD(&occasions, SLOTS, four_customers);
    population_estimate(&population, &occasions);
    static const struct {
        int32_t today;
        int64_t stage;
    } steps[] = {{20, STABLE}, {57, STABLE}, {58, DRIFTING}, {78, DRIFTING}, {79, CHURNED}, {100000, CHURNED}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        cadence_of(&cadence, &population, &occasions, A, steps[i].today);
        ck_assert_int_eq(cadence_stage(&cadence, CRM_LIFECYCLE_FOUR), steps[i].stage);
    }
    /* C bought once, on day 55: ln 20 * 20 = 59.9, ln 100 * 20 = 92.1 */
    cadence_of(&cadence, &population, &occasions, C, 55 + 59);
    ck_assert_int_eq(cadence_stage(&cadence, CRM_LIFECYCLE_FOUR), ACQUAINTANCE);
    cadence_of(&cadence, &population, &occasions, C, 55 + 60);
    ck_assert_int_eq(cadence_stage(&cadence, CRM_LIFECYCLE_FOUR), DRIFTING);
    cadence_of(&cadence, &population, &occasions, C, 55 + 93);
    ck_assert_int_eq(cadence_stage(&cadence, CRM_LIFECYCLE_FOUR), CHURNED);
    occasions_free(&occasions);
}
END_TEST

/* With a credibility constant of 1, one gap is worth 1/2, two 2/3, four 4/5. */
START_TEST(five_phases_follow_credibility)
{
    static const struct {
        double credibility;
        uint32_t run;
        int64_t stage;
    } steps[] = {{0, 1, ACQUAINTANCE}, {0.49, 2, RESERVED},    {0.5, 2, STABLE},
                 {0.79, 4, STABLE},    {0.8, 5, CONSOLIDATED}, {0.99, 100, CONSOLIDATED}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct cadence cadence = {.occasions = steps[i].run, .run = steps[i].run, .silence = 5, .gap_days = 10};
        cadence.credibility = steps[i].credibility;
        ck_assert_int_eq(cadence_stage(&cadence, CRM_LIFECYCLE_FIVE), steps[i].stage);
        cadence.silence = 40; /* 4 usual gaps: more than ln 20, less than ln 100 */
        ck_assert_int_eq(cadence_stage(&cadence, CRM_LIFECYCLE_FIVE), DRIFTING);
    }
}
END_TEST

/* A bought on days 0, 10, 20, …, 190, then on day 1000.  With itself alone as the population: 20 gaps, 1000
 * days, m = 50, k = 1: usual gap (50 + 1000) / 21 = 50; ln 100 * 50 = 230 < 810. */
START_TEST(who_returns_from_a_long_silence_begins_anew)
{
    struct event events[21];
    struct occasions occasions;
    struct population population;
    struct cadence cadence;
    char text[CADENCE_TEXT];
    for (int32_t i = 0; i < 20; i++)
        events[i] = (struct event){A, i * 10};
    events[20] = (struct event){A, 1000};
    LOAD(&occasions, SLOTS, events);
    population_estimate(&population, &occasions);
    cadence_of(&cadence, &population, &occasions, A, 1003);
    ck_assert_uint_eq(cadence.occasions, 21);
    ck_assert_uint_eq(cadence.run, 1);
    ck_assert_int_eq(cadence.away, 810);
    ck_assert_int_eq(cadence_stage(&cadence, CRM_LIFECYCLE_FOUR), ACQUAINTANCE);
    cadence_evidence(&cadence, "purchase", text);
    ck_assert_str_eq(text, "a purchase 3 days ago, after 810 days without; usual gap 50 days");
    occasions_free(&occasions);
}
END_TEST

START_TEST(the_evidence_says_the_numbers)
{
    char text[CADENCE_TEXT];
    struct cadence silent = {.occasions = 5, .run = 5, .silence = 94, .gap_days = 21};
    cadence_evidence(&silent, "purchase", text);
    ck_assert_str_eq(text, "no purchase for 94 days; usual gap 21 days; 4.5 times"); /* 94 / 21 = 4.48 */
    struct cadence calm = {.occasions = 3, .run = 3, .silence = 1, .gap_days = 12.6};
    cadence_evidence(&calm, "contact", text);
    ck_assert_str_eq(text, "3 contacts, the last 1 day ago; usual gap 12.6 days");
    struct cadence first = {.occasions = 1, .run = 1, .silence = 0, .gap_days = 1};
    cadence_evidence(&first, "purchase", text);
    ck_assert_str_eq(text, "1 purchase, the last 0 days ago; usual gap 1 day");
    struct cadence far = {.occasions = 1, .run = 1, .silence = INT32_MAX, .gap_days = 1e-9};
    cadence_evidence(&far, "purchase", text); /* any numbers fit */
    ck_assert_uint_lt(strlen(text), CADENCE_TEXT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cadence");
    TCase *tests = tcase_create("cadence");
    tcase_add_test(tests, occasions_are_one_a_day_and_in_order);
    tcase_add_test(tests, days_sort_as_the_c_library_sorts);
    tcase_add_test(tests, the_population_is_estimated_as_by_hand);
    tcase_add_test(tests, nobody_that_came_back_tells_nothing);
    tcase_add_test(tests, the_credibility_constant_stays_in_its_bounds);
    tcase_add_test(tests, the_usual_gap_leans_on_everybody_as_far_as_it_must);
    tcase_add_test(tests, stages_change_when_the_silence_passes_the_limits);
    tcase_add_test(tests, five_phases_follow_credibility);
    tcase_add_test(tests, who_returns_from_a_long_silence_begins_anew);
    tcase_add_test(tests, the_evidence_says_the_numbers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
