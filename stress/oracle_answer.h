/* oracle_answer: the parts of oracle_check. */
#ifndef ORACLE_ANSWER_H
#define ORACLE_ANSWER_H

#include "oracle_state.h"

/* A record, or one of its versions, as it reads. */
const char *answer_record(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index);
const char *answer_fields(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index,
                          const struct oracle_version *version);
/* The record is that one, in that version. */
bool answer_is(const struct oracle *oracle, const crm_record *record, enum oracle_slot slot, uint32_t index);
/* A field of the newest version as it shows: what was erased since does not. */
const struct oracle_value *answer_shown(const struct oracle *oracle, enum oracle_slot slot, uint32_t index,
                                        uint32_t place);
/* How well an item answers a look-up; 0: not at all. */
size_t answer_item_rank(int32_t type, const struct oracle_item *item, const char *text);
/* ---- what a list or a sum is asked for ---- */

enum { CONDITIONS_MAX = 3, CONDITION_TEXT = 96 };

struct condition {
    uint32_t place;
    int32_t op;
    struct oracle_value operand;
    char text[CONDITION_TEXT]; /* of texts and items */
};

struct question {
    enum oracle_slot slot;
    uint32_t count;
    struct condition conditions[CONDITIONS_MAX];
    uint32_t order; /* place; UINT32_MAX: by creation */
    bool descending;
    int32_t deleted;
    uint64_t limit;
};

/* Random conditions for the question's kind, of which there is a record. */
void question_conditions(const struct oracle *oracle, struct choices *choices, struct question *question);
bool question_matches(const struct oracle *oracle, const struct question *question, uint32_t index);
/* Owned: crm_query_free; NULL: it cannot be made. */
crm_query *question_pose(const struct oracle *oracle, crm_view *view, const struct question *question);
/* A field that a user has not defined yet cannot be asked for. */
bool question_has(const struct oracle *oracle, enum oracle_slot slot, uint32_t place);

/* ---- parts of an answer ---- */

/* Random counts and sums by groups. */
const char *answer_sums(const struct oracle *oracle, crm_view *view, struct choices *choices);
/* Timelines, stage histories and stages at an instant of one record. */
const char *answer_timeline(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index);
const char *answer_stages(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index);
/* The pipeline's report by outcome and currency. */
const char *answer_pipeline(const struct oracle *oracle, crm_view *view);
const char *answer_settings(const struct oracle *oracle, crm_view *view);
/* A random list. */
const char *answer_question(const struct oracle *oracle, crm_view *view, struct choices *choices);
/* Every version of a record, and every change of the file from some transaction on. */
const char *answer_history(const struct oracle *oracle, crm_view *view, enum oracle_slot slot, uint32_t index,
                           const crm_id *id);
const char *answer_feed(const struct oracle *oracle, crm_db *db);
/* Look-ups, lists, timelines, sums, … */
const char *answer_all(const struct oracle *oracle, crm_view *view);
const char *answer_some(const struct oracle *oracle, crm_view *view, struct choices *choices);

#endif
