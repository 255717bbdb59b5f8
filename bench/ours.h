/* ours: what the files of libcrm's side share.  The public header alone is used. */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "engine.h"

#include <crm.h>

extern const struct engine engine_ours;

/* What all sessions of one file share. */
struct ours_file {
    const struct data *data;
    char *path;
    crm_db *db;
    /* Ids are the library's own, as in any program; these are noted at the load.
     * They lie in shared memory, so that children know them, too. */
    crm_id *customers;                                         /* by position */
    crm_id *victims;                                           /* of the interactions that are deleted and restored */
    crm_id *pick_ids;                                          /* side by side, as data's pick_emails */
    char (*deep_cursors)[128];                                 /* behind line 980 of the long timelines */
    crm_id stages[DATA_DEAL_STAGES + 1];                       /* of deals */
    uint32_t lookups[DATA_LOOKUP_TEXTS + DATA_LOOKUP_NUMBERS]; /* fields */
};

struct ours {
    struct ours_file *file;
    crm_view *view; /* held */
    crm_txn *txn;
    crm_error error;
};

bool ours_fail(const struct ours *ours, const char *what);
bool ours_open(void *self, enum engine_mode mode);
bool ours_close(void *self);
bool ours_load(void *self, bool lookups);
bool ours_hold(void *self, bool on);
bool ours_prepare(void *self);
bool ours_begin(void *self, int64_t now);
bool ours_commit(void *self);
bool ours_feed(void *self, uint32_t changes, uint32_t batch, uint64_t *sum);
bool ours_export_csv(void *self, const char *path);
bool ours_import_csv(void *self, const char *csv, uint64_t *created, uint64_t *updated);
bool ours_compact(void *self);
bool ours_forget_image(void *self);
extern engine_question *const ours_questions[QUESTIONS];
extern engine_change *const ours_changes[CHANGES];

#endif
