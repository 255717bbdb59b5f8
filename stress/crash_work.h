/* crash_work: what the two sources of workloads share. */
#ifndef CRASH_WORK_H
#define CRASH_WORK_H

#include "crash.h"

struct workload {
    const char *name;
    bool (*prepare)(struct crash *crash); /* makes the file that it starts from */
    bool (*work)(struct crash *crash);
    unsigned weight; /* how dear a state is */
    bool kills;      /* it is also killed at every step, and the power fails later */
    bool witnessed;  /* and while another process has the file open, which goes on */
};

bool work_customer(struct crash *crash, const char *name, crm_id *id);
bool work_change(struct crash *crash, uint32_t kind, const crm_id *id, uint32_t field, const char *text);
bool work_few(struct crash *crash);
/* A product, which no model has, in its own transaction. */
bool work_onward(struct crash *crash, const char *name);

bool work_group(struct crash *crash);
bool work_compaction(struct crash *crash);
bool work_retention_before(struct crash *crash);
bool work_retention(struct crash *crash);
bool work_erasure_before(struct crash *crash);
bool work_erasure(struct crash *crash);
bool work_image_before(struct crash *crash);
bool work_image(struct crash *crash);
bool work_backup(struct crash *crash);
bool work_recovery_before(struct crash *crash);
bool work_recovery(struct crash *crash);
bool work_handles(struct crash *crash);
bool work_oracle_before(struct crash *crash);
bool work_oracle(struct crash *crash);

#endif
