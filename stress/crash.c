/* crash: the power fails at every step, see crash.h.
 *
 * (a) Small workloads are run once on a recorded disk, and cut at every step in
 * every way that makes a difference; (b) long random runs in which the power
 * fails again and again.  What is counted are the states of a disk that were
 * opened and held against what had been promised.
 */
#include "crash.h"

int main(int count, char **arguments)
{
    struct stress stress;
    uint64_t tried = 0;
    stress_start(&stress, count, arguments);
    crash_workloads(&stress, &tried);
    crash_walk(&stress, &tried);
    return stress_end(&stress, tried, "crash points");
}
