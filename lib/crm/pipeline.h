/* pipeline: the pipeline report: deals summed by up to four keys.
 * docs/PIPELINE.md says what each figure means and how it is rounded. */
#ifndef CRM_PIPELINE_H
#define CRM_PIPELINE_H

#include "sys/memory.h"

enum { PIPELINE_KEYS_MAX = 4, PIPELINE_RANKS = 4 };
#define PIPELINE_NO_KEY INT64_MIN /* the deal has no value there */

/* One thing that deals are grouped by. */
struct pipeline_key {
    const char *name; /* as crm_report_pipeline takes it, and the column's */
    uint32_t field;   /* of the deal */
    uint32_t through; /* of the user behind it, or 0 */
    int32_t what;     /* CRM_TYPE_ of the column */
    int32_t period;   /* PERIOD_ that a date is cut to, or -1 */
};

/* How one value of a key is shown and where it is sorted. */
struct pipeline_label {
    char *text; /* owned; NULL: the deals have no value there */
    size_t length;
    char *sort; /* owned: the folded text */
    crm_id id;  /* of a reference's target */
    bool has_id;
    int64_t ranks[PIPELINE_RANKS]; /* before the text */
};

/* Reads "stage,owner.region".  CRM_INVALID names what there is. */
int32_t pipeline_keys(const char *by, struct pipeline_key keys[PIPELINE_KEYS_MAX], uint32_t *count, crm_error *error);
/* A number that tells the deal's group, cheaply, or PIPELINE_NO_KEY. */
int64_t pipeline_value(const struct pipeline_key *key, const crm_record *deal);
/* Asked once a group, of its first deal.  The label is freed in any case. */
int32_t pipeline_label(struct pipeline_label *label, const struct pipeline_key *key, crm_view *view,
                       const crm_record *deal, crm_error *error);
void pipeline_label_free(struct pipeline_label *label, const struct memory *memory);
/* Orders rows: pipelines and stages as they follow each other, times by time,
 * the rest by name; deals without a value last.  0: shown as one row. */
int pipeline_compare(const struct pipeline_key *key, const struct pipeline_label *a, int64_t a_value,
                     const struct pipeline_label *b, int64_t b_value);
void pipeline_put(crm_table *table, uint32_t column, const struct pipeline_key *key, const struct pipeline_label *label,
                  int64_t value);

#endif
