/* logfile: a log file as an input of a target, and taken apart for its mutator.
 *
 * An input is short: the header's 76 bytes, then the frames.  The zeros of the
 * first two pages, which every file has, are put in and left out.  Taken apart
 * into frames, entries, packs, a file can be changed anywhere and put together
 * again with lengths, distances and checksums that are right, so that what is
 * wrong is not stopped by the first check.  Bytes: docs/FORMAT.md.
 */
#ifndef FUZZ_LOGFILE_H
#define FUZZ_LOGFILE_H

#include "fuzz.h"

enum { LOGFILE_HEADER = 76, LOGFILE_MOST = 1 << 16 };

/* The file of a short input. */
void logfile_expand(const uint8_t *bytes, size_t length, struct dump *file);
/* The short input of a file. */
void logfile_shorten(const uint8_t *file, size_t length, struct dump *out);

struct log_entry {
    uint8_t operation; /* with the flags */
    uint64_t kind, number, lsn, version, back, sequence;
    struct dump body;
    struct log_list *packed; /* the entries of a pack, in the place of the body */
    /* `back` leads to the entry that lay there; NULL: stands as it is */
    uint64_t was_at, leads_to;
    bool leads;
    uint64_t is_at; /* when it was put together */
};
struct log_list {
    struct log_entry *entries;
    size_t count, capacity;
    struct dump rest; /* bytes behind that are no entry */
};
struct log_frame_parts {
    uint64_t lsn;
    int64_t time;
    uint64_t durable;
    uint32_t entry_count, flags;
    bool counted; /* the number of entries was right and is kept so */
    struct log_list list;
    struct dump meta; /* without its checksum */
};
struct log_parts {
    uint8_t header[LOGFILE_HEADER];
    struct log_frame_parts *frames;
    size_t count, capacity;
    struct dump rest; /* behind the last frame */
};

/* Takes a short input apart; whatever cannot be is `rest`. */
void logfile_open(const uint8_t *bytes, size_t length, struct log_parts *parts);
void logfile_close(struct log_parts *parts);
/* Puts it together, all checksums right; LSNs that follow each other when `chained`. */
void logfile_seal(struct log_parts *parts, bool chained, struct dump *out);

/* For the mutator: a copy of an entry, of a frame; takes one out. */
void logfile_insert_entry(struct log_list *list, size_t at, const struct log_entry *entry);
void logfile_remove_entry(struct log_list *list, size_t at);
void logfile_insert_frame(struct log_parts *parts, size_t at, const struct log_frame_parts *frame);
void logfile_remove_frame(struct log_parts *parts, size_t at);

#endif
