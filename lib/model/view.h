/* view: one consistent state, and which rows of the indexes it must correct.
 */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include "model/db.h"

/* What a row was for this view, where the arena says something newer. */
struct overlay_row {
    uint32_t kind, number;
    struct row row; /* head 0: it did not exist */
};

struct view_id {
    uint32_t kind, number;
    crm_id id;
};
struct view_time {
    uint64_t lsn;
    int64_t time;
};
enum { VIEW_IDS = 256, VIEW_TIMES = 64 };
struct view_known {
    struct view_id ids[VIEW_IDS];
    struct view_time times[VIEW_TIMES];
};
enum { VIEWS_KEPT = 4, VIEW_SCRATCH_MAX = 1 << 16 };

struct crm_view {
    crm_db *db;
    struct generation *generation;
    crm_txn *txn;                /* a transaction's own view */
    uint64_t lsn;                /* UINT64_MAX in a transaction */
    int64_t time;                /* once it is `timed` */
    bool past;                   /* older than when it was opened: needs the whole overlay */
    bool dated;                  /* opened at an instant or after a transaction: what is relative counts from there */
    bool complete;               /* the overlay of a past view is built */
    uint64_t base_lsn;           /* what was newest when it was opened */
    size_t touched;              /* touches taken in so far */
    uint64_t undone;             /* the generation's touch_undone then; UINT64_MAX: none yet */
    struct overlay_row *overlay; /* open addressing by (kind, number) */
    size_t overlay_count, overlay_capacity;
    uint32_t references; /* records and queries; belongs to its thread */
    uint32_t locked;     /* depth of view_begin */
    bool closed, timed;
    int32_t currency;              /* of the file as the view sees it; 0: not yet asked for */
    struct setting_text *settings; /* values handed out that lie nowhere else */
    crm_record *spare;
    crm_query *spare_query;
    struct view_known *known; /* of references followed lately, and transactions' times */
    uint64_t known_of;        /* the generation it is of, by its serial number */
    uint32_t spare_count;
    struct buffer scratch, scratch2;
    int32_t trouble;           /* why a row could not be judged: such a row is not silently left out */
    crm_view *previous, *next; /* in the database's list, or of the closed ones; under db->state */
};

/* Every read runs between these; in a transaction the first settles its
 * pending changes.  CRM_OK, or why nothing can be read. */
int32_t view_begin(crm_view *view, crm_error *error);
/* The same for what reads rows, columns and tables but no tree: the keys of trees
 * that wait in a transaction, to go in together, wait on. */
int32_t view_begin_rows(crm_view *view, crm_error *error);
/* CRM_OK, or why something could not be judged since it was asked last. */
int32_t view_trouble(crm_view *view, crm_error *error);
void view_end(crm_view *view);
/* The same.  The status, or why what was read is not all there is. */
int32_t view_finish(crm_view *view, int32_t status, crm_error *error);
/* The same for a short read.  True: the index was found damaged meanwhile; what it
 * said counts for nothing, and between the next begin and end it is anew. */
bool view_again(crm_view *view);

/* Between begin and end: */
enum { VIEW_ROW_NONE = 0, VIEW_ROW_CURRENT = 1 /* columns and indexes agree with it */, VIEW_ROW_OLD = 2 };
int view_row(crm_view *view, const struct kind *kind, uint32_t number, struct row *out);
/* The same for a row that was found already (NULL: there is none). */
int view_judge(crm_view *view, const struct kind *kind, uint32_t number, const struct row *row, struct row *out);
/* True when nothing in the arena is newer than the view. */
bool view_is_current(const crm_view *view);
/* Brings the overlay up to date; a past view's is built whole. */
int32_t view_overlay(crm_view *view, crm_error *error);
/* The next touched row of a kind that the overlay knows, from *position on; NULL at the end. */
const struct overlay_row *view_overlay_next(const crm_view *view, uint32_t kind, size_t *position);
void view_reference(crm_view *view);
void view_release(crm_view *view);
/* Makes a view for a transaction, without list and lock. */
void view_init_txn(crm_view *view, crm_db *db, struct generation *generation, crm_txn *txn);
void view_free_parts(crm_view *view);
void views_free_closed(crm_db *db);                       /* when it ends */
void query_free_memory(crm_view *view, crm_query *query); /* of a spare one */
void settings_free(crm_view *view);

#endif
