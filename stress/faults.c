/* faults: every allocation, every file operation and every system call fails,
 * once, for a while and for good, in the middle of every public function.
 *
 * Each time an error comes back that says what failed, nothing leaks, nothing
 * that was acknowledged is lost, and the handle behaves as P4 says.  faults.h
 * has the parts; tests/test_faults.py holds the calls of the scenarios against
 * the public header, so that none is missing.
 */
#include "faults.h"

#include <stdio.h>

/* The short form tries about as many calls of a layer in each scenario, spread evenly. */
enum { SHORT_RUNS = 60 };

static const struct scenario *const lists[] = {scenarios_read, scenarios_ask, scenarios_write, scenarios_data,
                                               scenarios_care};

static uint64_t faults;

/* True while the fault was reached. */
static bool try_one(struct stress *stress, const struct scenario *scenario, struct outcome *outcome,
                    struct fault wanted)
{
    fault = wanted;
    run_once(stress, scenario, outcome);
    faults += fault.reached ? 1 : 0;
    return fault.reached;
}

static void try_all(struct stress *stress, const struct scenario *scenario, struct outcome *outcome, int layer)
{
    unsigned variants;
    struct fault wanted = {.layer = layer, .at = 1};
    for (bool reached = true; reached; wanted.at++) {
        wanted.variant = 0;
        do {
            for (wanted.mode = 0; wanted.mode < FAULT_MODES; wanted.mode++)
                reached = try_one(stress, scenario, outcome, wanted);
            variants = fault.variants;
        } while (reached && ++wanted.variant < variants);
    }
}

static void try_some(struct stress *stress, const struct scenario *scenario, struct outcome *outcome, int layer,
                     uint64_t *chance)
{
    struct fault wanted = {.layer = layer, .at = UINT64_MAX};
    (void)try_one(stress, scenario, outcome, wanted);
    uint64_t calls = fault.calls, stride = calls / SHORT_RUNS + 1;
    for (wanted.at = 1 + stress_below(chance, (uint32_t)stride); wanted.at <= calls; wanted.at += stride) {
        wanted.mode = (int)stress_below(chance, FAULT_MODES);
        wanted.variant = stress_below(chance, 60); /* modulo the 1 to 6 ways there are */
        (void)try_one(stress, scenario, outcome, wanted);
    }
}

static void try_scenario(struct stress *stress, const struct scenario *scenario, uint64_t *chance)
{
    struct outcome outcome;
    outcome_make(stress, scenario, &outcome);
    for (int layer = 0; layer < FAULT_LAYERS; layer++) {
        uint64_t before = faults;
        if (stress->longer)
            try_all(stress, scenario, &outcome, layer);
        else
            try_some(stress, scenario, &outcome, layer, chance);
        if (stress->longer)
            printf("%-20s %s %llu\n", scenario->name,
                   layer == 0   ? "memory"
                   : layer == 1 ? "files "
                                : "system",
                   (unsigned long long)(faults - before));
    }
    outcome_free(&outcome);
}

int main(int count, char **arguments)
{
    struct stress stress;
    stress_start(&stress, count, arguments);
    uint64_t chance = stress.seed;
    base_make(&stress);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const struct scenario *scenario = lists[i]; scenario->name != NULL; scenario++)
            try_scenario(&stress, scenario, &chance);
    base_free();
    return stress_end(&stress, faults, "faults");
}
