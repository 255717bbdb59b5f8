/* engine: what the benchmark asks of each engine, in the same words.
 *
 * An engine is one `struct engine`; engines.c lists them.  Whatever it cannot
 * answer it leaves NULL, and the row that asks prints no value for it.  Every
 * call that answers something folds the answer into *sum; the rows compare the
 * sums, so that no engine can be fast by being wrong.  A call returns false
 * after it has said on standard error why.
 *
 * `self` is a database in a folder of its own.  A session is what one thread
 * uses of it: `self` is the first, `attach` gives more.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "data.h"

/* How a file is opened: for the load; for work, where commits need not be on
 * disk at once but the file is whole after a crash; with every commit synced. */
enum engine_mode { ENGINE_BULK, ENGINE_NORMAL, ENGINE_DURABLE };

/* What is asked, each with the position of one of the data's picks. */
enum question {
    ASK_ID,          /* customer by UUID, five fields */
    ASK_EMAIL,       /* customer by e-mail address, the same five */
    ASK_PHONE,       /* customer by the last eight digits, the same five */
    ASK_PREFIX,      /* the first 20 customers by name whose name begins so: name and city */
    ASK_TIMELINE,    /* the newest 20 interactions of a customer: type, start, subject */
    ASK_TIMELINE_50, /* lines 981 to 1,000, behind the cursor of line 980 */
    ASK_STAGE_PAGE,  /* the first 50 customers in a stage: name, city, owner */
    ASK_DUE,         /* the first 50 tasks due on a day, by time: due, subject, owner */
    ASK_STAGE_COUNTS,
    ASK_SPEND,     /* of every customer with purchases: their sum, and when the last one was */
    ASK_PIPELINE,  /* by owner and stage: deals, amount, weighted amount, amount won */
    ASK_HISTORY,   /* a customer's versions: when and which number of employees */
    ASK_PAST,      /* customer by UUID as of the middle of the logged changes: five fields and employees */
    ASK_EMPLOYEES, /* customer by UUID: the number of employees; for checks and updates */
    ASK_LOOKUPS,   /* how many customers share each of a customer's eight look-up values; a check */
    QUESTIONS
};

/* What is changed, each a record by its position and a value. */
enum change {
    CHANGE_ADD,     /* a new interaction of customer `record`, at `value` */
    CHANGE_STAGE,   /* customer `record`, stable until now, to stage `value`, and the history of it */
    CHANGE_FIELD,   /* customer `record`: employees */
    CHANGE_LOGGED,  /* the same, and what was before is kept for history and feed */
    CHANGE_DELETE,  /* interaction `record`, which stays readable */
    CHANGE_RESTORE, /* and back */
    CHANGES
};

typedef bool engine_question(void *session, uint32_t pick, uint64_t *sum);
typedef bool engine_change(void *session, uint32_t record, int64_t value);

struct engine {
    const char *name;
    /* Version and settings, as KEY=VALUE pairs. */
    void (*describe)(char *out, size_t size);
    /* NULL: this engine was not there when the benchmark was compiled. */
    void *(*create)(const struct data *data, const char *folder);
    void (*destroy)(void *self);
    /* The whole company into the empty folder; or its users and customers alone,
     * these with the eight look-up fields.  Ends with the file closed. */
    bool (*load)(void *self, bool lookups);
    bool (*open)(void *self, enum engine_mode mode);
    bool (*close)(void *self);
    void *(*attach)(void *self);
    void (*detach)(void *session);
    /* On: what follows is read in one view or read transaction.  Off, as after
     * opening: each question is a request of its own, which sees what was
     * committed before it. */
    bool (*hold)(void *session, bool on);
    /* Finds what questions need to know beforehand: cursors.  After `open`. */
    bool (*prepare)(void *self);
    engine_question *const *questions; /* QUESTIONS of them */
    /* A transaction; `now` stamps what it changes. */
    bool (*begin)(void *session, int64_t now);
    bool (*commit)(void *session);
    engine_change *const *changes; /* CHANGES of them */
    /* Every change of the last `changes` logged ones, made in transactions of `batch`: when, before, after. */
    bool (*feed)(void *self, uint32_t changes, uint32_t batch, uint64_t *sum);
    /* Every interaction, as docs/EXPORT.md says. */
    bool (*export_csv)(void *self, const char *path);
    /* Customers into the empty folder, upsert by e-mail.  Opens and closes by itself. */
    bool (*import_csv)(void *self, const char *csv, uint64_t *created, uint64_t *updated);
    bool (*compact)(void *self);
    /* Removes what is derived and can be built anew; the file is closed. */
    bool (*forget_image)(void *self);
};

/* Ours first; NULL ends the list. */
extern const struct engine *const engines[];
enum { ENGINES_MAX = 6 };

#endif
