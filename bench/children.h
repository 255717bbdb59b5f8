/* children: what is better done in a process of its own: how much memory an
 * engine takes, and being killed.
 *
 * No engine's file is open in the process that they are forked from, and no
 * thread of an engine runs in it: it is split off before the first row and waits
 * to be told.  So a child has the data, and nothing else.
 */
#ifndef BENCH_CHILDREN_H
#define BENCH_CHILDREN_H

#include "bench.h"

enum child_task {
    CHILD_LOAD,  /* loads into an empty folder: peak */
    CHILD_REST,  /* opens and looks up a thousand customers: what is in memory then */
    CHILD_CRASH, /* opens, commits a thousand interactions, is killed */
    CHILD_TASKS
};
enum { CHILD_COMMITS = 1000, CHILD_LOOKUPS = 1000 };

/* Bytes that were not there before the engine was. */
struct child_answer {
    uint64_t peak, resident, anonymous;
    uint64_t sum;
    bool ok;
};

bool children_start(struct bench *bench);
/* `now` stamps the commits. */
struct child_answer children_do(const struct bench *bench, int side, enum child_task task, int64_t now);
void children_end(struct bench *bench);

#endif
