/* machine: how long a read takes that no cache and no guess can help: each
 * address is known only when the one before has been read. */
#include "bench.h"

#include <stdlib.h>

enum { LINE = 64, STEPS = 4000000 };

/* One cycle through all lines in random order: S. Sattolo, "An algorithm to
 * generate a random cyclic permutation" (1986). */
static uint32_t *make_cycle(uint8_t *memory, uint32_t lines)
{
    uint64_t seed = UINT64_C(0x1a7e9c);
    uint32_t *order = malloc((size_t)lines * sizeof *order);
    for (uint32_t i = 0; order != NULL && i < lines; i++)
        order[i] = i;
    for (uint32_t i = lines - 1; order != NULL && i > 0; i--) {
        uint32_t k = data_below(&seed, i), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    for (uint32_t i = 0; order != NULL && i < lines; i++)
        memcpy(memory + (size_t)i * LINE, &order[i], sizeof order[i]);
    return order;
}

/* Nanoseconds of one such read within `bytes`; 0: there is not so much memory. */
static double random_read(const struct bench *bench, uint64_t bytes)
{
    uint32_t lines = (uint32_t)(bytes / LINE), at = 0;
    uint8_t *memory = lines > 1 ? malloc((size_t)lines * LINE) : NULL;
    uint32_t *order = memory != NULL ? make_cycle(memory, lines) : NULL;
    free(order);
    if (order == NULL) {
        free(memory);
        return 0;
    }
    double begin = bench_clock(bench);
    for (uint32_t i = 0; i < STEPS; i++)
        memcpy(&at, memory + (size_t)at * LINE, sizeof at);
    double seconds = bench_clock(bench) - begin;
    volatile uint32_t last = at; /* or nothing would have to be read */
    (void)last;
    free(memory);
    return seconds * 1e9 / STEPS;
}

/* Within as many bytes as the engine measured first has on disk. */
void rows_machine(struct bench *bench)
{
    uint64_t allocated = 0, length = 0;
    char note[64];
    double values[3];
    if (!bench_wanted(bench, "random_read"))
        return;
    for (int i = 0; length == 0 && i < bench->side_count; i++)
        if (bench->sides[i].on)
            folder_size(bench->sides[i].folder, &allocated, &length);
    for (int i = 0; i < 3; i++)
        values[i] = random_read(bench, length);
    snprintf(note, sizeof note, "working_set_bytes=%llu", (unsigned long long)length);
    report_machine(&bench->report, "random_read", bench_median(values, 3), "ns", note);
}
