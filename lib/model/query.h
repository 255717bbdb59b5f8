/* query: conditions, a plan, and rows a page at a time.
 *
 * A query is a kind, conditions joined by "and", an order and a place behind
 * which it goes on.  The plan says where candidates come from; every candidate
 * is then judged as the view sees it.  Rows are either streamed in the order in
 * which the plan finds them, or collected, judged and sorted at once.
 */
#ifndef MODEL_QUERY_H
#define MODEL_QUERY_H

#include "model/phone.h"
#include "model/record.h"

enum { QUERY_CONDITIONS = 32, QUERY_PAGE = 64, QUERY_KEYS = 4, QUERY_MEASURES = 8 };

struct operand {
    int64_t integer;
    double real;
    crm_id id;
    struct phone phone;
    uint8_t *text; /* normalised as the field's index has it; owned by the query */
    size_t length;
};

struct predicate {
    struct field *field;
    int32_t op; /* CRM_OP_EQ with several operands is an "in" */
    struct operand *operands;
    uint32_t count, capacity;
    bool in, settled; /* settled: the plan's candidates fulfil it */
};

enum {
    PLAN_SCAN = 0,     /* all numbers of the kind */
    PLAN_TABLE = 1,    /* a table's candidates for one key */
    PLAN_TREE = 2,     /* ranges of a field's tree */
    PLAN_TIMELINE = 3, /* timelines of one target, newest first */
    PLAN_ID = 4
};

/* A stretch of a tree: numbers from low to high, or texts by what they begin with. */
struct stretch {
    struct tree_key low, high; /* both inclusive */
    const uint8_t *text;       /* TREE_TEXT: where it begins; NULL: at the first */
    uint32_t length;
    int32_t op; /* TREE_TEXT: CRM_OP_EQ, PREFIX, or a comparison */
};

struct timeline_stream {
    uint64_t tree;
    uint32_t group;
    struct tree_cursor cursor;
    struct tree_key key;
    bool ready;
    bool exact; /* the group is the target's number, not a hash of it */
};
enum { STREAMS_MAX = 4, STRETCHES_MAX = 16 };

struct plan {
    int what;
    struct predicate *condition; /* whose index it uses */
    struct field *field;
    uint32_t stretch_count, stream_count;
    bool streams_in_order; /* rows come as the query orders them */
    bool nulls_follow;     /* then those without the order's field */
    bool many;             /* an index serves it, but so many match that a scan comes upon a page sooner */
    bool settles_all;      /* what its candidates say is all that is asked of a record that is not deleted */
    bool unjudged;         /* nothing competed with it: the estimate waits until somebody asks */
    uint64_t estimate, rows;
    /* Only as many of these as are counted are set, and copied. */
    struct timeline_stream streams[STREAMS_MAX];
    struct stretch stretches[STRETCHES_MAX];
};

/* A row found, with what it is sorted by. */
struct hit {
    uint32_t number;
    bool null;
    uint64_t key;
    size_t text; /* in the query's texts */
    uint32_t length;
};

struct crm_query {
    crm_view *view;
    struct kind *kind;
    int32_t status;
    int32_t deleted;
    struct field *order;
    uint32_t condition_count, key_count, measure_count;
    bool descending;
    bool planned, done, collected, in_nulls;
    bool candidates; /* what was collected is judged when it is handed out */
    bool has_after;
    bool timeline; /* of `target` */
    uint32_t target_kind, target;
    uint32_t page_count, page_next;
    uint32_t filled; /* how many of the records were used */
    uint64_t limit, given;
    struct hit after; /* the last row given */
    struct hit *hits; /* collected */
    size_t hit_count, hit_capacity, hit_next;
    struct buffer texts; /* sort keys of the hits */
    struct buffer after_text;
    struct buffer note; /* explanation, cursor */
    struct buffer cursor;
    struct buffer scratch;
    /* What is above this line is zero in a new query, what is below as the last one left it. */
    crm_query *next;        /* in the view's list of spares */
    crm_record *records;    /* QUERY_PAGE of them */
    crm_error error;        /* when the status says so */
    struct rows reader;     /* of the page or collection that is being made */
    struct version version; /* of the row being judged */
    crm_record probe;
    /* groups */
    struct {
        struct field *field, *through;
        struct kind *target;
        int32_t unit;
    } keys[QUERY_KEYS];
    struct {
        int32_t what;
        struct field *field;
    } measures[QUERY_MEASURES];
    struct row rows[QUERY_PAGE];
    uint32_t numbers[QUERY_PAGE];
    struct hit page[QUERY_PAGE];
    struct predicate conditions[QUERY_CONDITIONS];
    struct plan plan;
};

/* crm_query_where_text with the field that its number led to; NULL: to none. */
int32_t query_where_text(crm_query *query, struct field *field, uint32_t number, int32_t op, const char *text,
                         size_t length);
int32_t query_fail(crm_query *query, int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* predicate */
bool predicate_matches(crm_query *query, const struct predicate *condition, uint32_t number, const struct row *row,
                       bool current);
void predicate_free(crm_query *query, struct predicate *condition);
/* The value of a field of the row being judged (loaded when first asked for): 1, 0, -1. */
int32_t query_nomem(crm_query *query);
/* The record at that place could not be read. */
int32_t query_unread(crm_query *query, int32_t status, uint64_t place);
/* A row that could not be judged is not silently left out: false, and the query keeps why. */
bool query_untroubled(crm_query *query);
/* value_text with the view's scratch; false: the view has trouble. */
bool query_text(crm_query *query, const struct value *value, const char **text, size_t *length);
int query_value(crm_query *query, struct field *field, uint32_t number, const struct row *row, struct value *value);
/* All conditions and the deletion filter; `current` says that columns may be asked. */
bool query_matches(crm_query *query, uint32_t number, const struct row *row, bool current);
bool cell_get(const struct field *field, const void *cell, int64_t *integer); /* false: not set */

/* plan */
void plan_make(crm_query *query);
uint64_t plan_estimate(crm_query *query);   /* how many candidates */
bool plan_is_short(const crm_query *query); /* of few rows and in no order but the records' own */
void plan_explain(crm_query *query);

/* run */
bool query_untroubled(crm_query *query);            /* false: a row could not be judged, and it fails */
bool run_page(crm_query *query, uint32_t capacity); /* fills numbers, rows and page; false: failed */
bool run_collect(crm_query *query, bool sorted);
bool run_candidates(crm_query *query, bool (*each)(crm_query *query, uint32_t number, void *context), void *context);
void hit_make(crm_query *query, uint32_t number, const struct row *row, struct hit *hit);
int hit_compare(const crm_query *query, const struct hit *a, const uint8_t *text_a, const struct hit *b,
                const uint8_t *text_b);

#endif
