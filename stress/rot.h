/* rot: what the parts of the rot program share.
 *
 * A base is a small database whose bytes are known whole, with everything it
 * answers in every state it had.  A case damages a copy and puts the same
 * questions to it: each answer must be what the bytes meant before, or say that
 * something is damaged.
 */
#ifndef STRESS_ROT_H
#define STRESS_ROT_H

#include "stress.h"

#include <crm.h>

/* ---- questions and answers (rot_questions.c, rot_ask.c) ---- */

enum what {
    ASK_FILE,     /* LSN, time, settings, the kinds and their fields */
    ASK_LIST,     /* a kind's records, deleted ones also, and how many */
    ASK_RECORD,   /* all its fields */
    ASK_HISTORY,  /* every version */
    ASK_TIMELINE, /* what happened with it */
    ASK_STAGES,   /* its transitions */
    ASK_ORDER,    /* a kind by a field, both ways */
    ASK_WHERE,    /* a kind where a field has a value, and from that value on */
    ASK_FIND,     /* the record with a key */
    ASK_GROUP,    /* how many and how much for each value */
    ASK_REPORT,   /* pipeline and lifecycle; `field` says which */
    ASK_FEED,     /* changes since a transaction */
    ASK_PAST,     /* all records as they were */
    ASK_COUNT
};

struct question {
    enum what what;
    uint32_t kind, field, through;
    crm_id id;
    uint64_t lsn;
    char *text; /* owned */
};

struct questions {
    struct question *list;
    size_t count, capacity;
};

/* What one handle answered: a text a question, one behind the other. */
struct asked {
    char *bytes;
    size_t length, capacity;
    size_t *starts;    /* count + 1 of them */
    bool *failed;      /* a call said that something is damaged; the text is what came before */
    size_t count;      /* of answers */
    uint64_t lsn;      /* of the view that was asked */
    uint64_t troubles; /* how many failed */
    bool twice;        /* what fails is asked again in the same view, and that counts */
    uint32_t *told;    /* lines to the log hook; may be NULL */
};

/* All questions that a database can be asked, from what is in it; of each kind's
 * first `most` records. */
void questions_make(struct questions *questions, crm_db *db, uint32_t most);
void questions_free(struct questions *questions);
/* Asks all of them in one view of the newest state. */
void answers_take(struct asked *answers, const struct questions *questions, crm_db *db);
/* Asks question `at` alone, in a view of its own: answer 0. */
void answers_again(struct asked *answers, const struct questions *questions, size_t at, crm_db *db);
void asked_free(struct asked *answers);
/* Whether answer `at` is what answer `place` of the others is; one that was
 * broken off, as far as it goes. */
bool answers_same(const struct asked *answers, size_t at, const struct asked *expected, size_t place);
/* The first that is not; SIZE_MAX: none. */
size_t answers_differ(const struct asked *answers, const struct asked *expected);
/* One line that says what was asked and where the answers part. */
void answers_explain(const struct question *question, const struct asked *answers, size_t at,
                     const struct asked *expected, size_t place, char *out, size_t size);

/* ---- frames (rot_frames.c) ---- */

enum { ROT_HEADER_PAGE = 4096, ROT_FRAMES_START = 8192, ROT_FRAMES_MOST = 128 };

struct rot_frame {
    size_t offset, length;
    uint64_t lsn, durable;
    bool base;
};

/* The frames of an undamaged log by docs/FORMAT.md; returns how many. */
size_t rot_frames(const uint8_t *log, size_t size, struct rot_frame frames[ROT_FRAMES_MOST]);
uint32_t rot_crc(uint32_t crc, const uint8_t *bytes, size_t length);
/* Gives every frame the checksums and the predecessor that its place asks for;
 * `renumber`: and the number. */
void rot_chain(uint8_t *log, size_t size, bool renumber);

/* ---- bases (rot_base.c) ---- */

enum { BASE_PLAIN, BASE_COMPACTED, BASE_OTHER, BASE_COUNT };

/* What a record held at some time. */
struct known {
    uint32_t kind;
    crm_id id;
    char *core; /* owned */
};

struct base {
    const char *name;
    uint8_t *log, *image;
    size_t log_size, image_size;
    struct rot_frame frames[ROT_FRAMES_MOST];
    size_t frame_count;
    struct questions questions;
    struct asked states[ROT_FRAMES_MOST + 1]; /* when only so many frames are there */
    struct known *known;
    size_t known_count, known_capacity;
};

/* What parent and child know of each other's work. */
struct rot_shared {
    struct stress stress;
    uint64_t next, cases;
    uint64_t ended; /* by the system, where that is an answer */
    int flipped;    /* a bit of the large file: 1 of the log, 2 of the image, 0 none */
    size_t flipped_at;
    unsigned flipped_bit;
    char now[256]; /* the case at hand */
};

/* An image to lay beside a log. */
struct rot_image {
    char name[48];
    uint8_t *bytes; /* owned */
    size_t size;
};

enum { ROT_IMAGES_MOST = 64 };

struct rot {
    struct rot_shared *shared;
    struct stress *stress; /* in it */
    struct base bases[BASE_COUNT];
    struct rot_image images[ROT_IMAGES_MOST];
    size_t image_count;
    char path[128], image[136], spare[128];
    struct asked answers, again; /* of the case at hand */
};

void base_make(struct rot *rot, int which);
void base_free(struct base *base);
/* Where the frames of state `state` end. */
size_t base_end(const struct base *base, size_t state);

enum { ROT_WRITING = 1, ROT_IMAGE = 2, ROT_CREATING = 4, ROT_DEFERRED = 8, ROT_MODES = 4 /* of the first two */ };
crm_db *rot_open(const char *path, int how, crm_log_function log, void *context, int32_t *status, crm_error *error);
void rot_store(const char *path, const void *bytes, size_t size);
uint8_t *rot_load(const char *path, size_t *size); /* free() it; NULL: there is no such file */

/* ---- images (rot_images.c) ---- */

/* Images of all bases in some of their states, of another past, and of nothing. */
void images_make(struct rot *rot);
void images_free(struct rot *rot);
/* Gives a damaged image right checksums. */
void image_forge(uint8_t *image, size_t size);
/* One more: what lies at rot->image. */
void images_add_file(struct rot *rot, const char *name);

/* ---- judging (rot_judge.c) ---- */

enum { ROT_EITHER = 0, ROT_REFUSED = 1, ROT_OPENED = 2 };

/* A log, and what docs/FORMAT.md says of it. */
struct damage {
    const struct base *base;
    const uint8_t *log;
    size_t log_size;
    bool clean;   /* no trace of what was done to it is in the file */
    bool anew;    /* not one transaction is left: opened for writing, it is a new file */
    size_t state; /* how many frames count, when no image is read; SIZE_MAX: any */
    int writing;  /* whether it can be opened for writing, when no image is read */
};

/* Says which case is at hand. */
void rot_case(struct rot *rot, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Stores log and image (NULL: none) at rot->path, opens, asks, verifies, and
 * counts failures.  The log is damaged: every answer must be right or say so,
 * and something must say so. */
void judge_log(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how);
/* The image is damaged, foreign or stale: every answer must be the log's. */
void judge_image(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how);
/* The image is damaged, but its checksums are right: it may have any effect that
 * verify finds, but no other. */
void judge_forged_image(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how);
/* The log has right checksums but not the order that was written: it may answer
 * anything that hangs together, or be refused. */
void judge_forged(struct rot *rot, const struct damage *damage, const uint8_t *image, size_t image_size, int how);
/* Counts a failure of the case at hand. */
void rot_wrong(struct rot *rot, const char *what);

/* ---- cases ---- */

struct group {
    const char *name;
    uint64_t (*count)(const struct rot *rot);
    void (*run)(struct rot *rot, uint64_t index);
    uint32_t one_in; /* in the short form, only one of so many */
};
extern const struct group rot_cases[]; /* rot_cases.c */
extern const size_t rot_cases_count;
extern const struct group rot_recoveries;   /* rot_recover.c */
extern const struct group rot_open_handles; /* rot_open.c */
extern const struct group rot_large;        /* rot_large.c */
void large_make(struct rot *rot);           /* at rot->path */
void large_free(void);
enum { ROT_GO_ON = 77 }; /* exit status of a child that is done with the case at hand, but must end */
/* Notes what every record holds in every state that the database knows. */
void known_take(struct base *base, crm_db *db);
void known_free(struct base *base);

#endif
