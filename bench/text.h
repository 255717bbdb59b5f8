/* text: what an engine that knows nothing of e-mails and telephones needs done
 * by hand: keys to look up by, and CSV in and out. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_KEY = 128, CSV_FIELDS = 6, CSV_ROW_MAX = 4096, CSV_BUFFER = 1 << 20 };

/* Small letters; the length. */
size_t text_lower(const char *text, char out[TEXT_KEY]);
/* The digits from the last to the first: an index over them finds a number by its last ones. */
size_t text_reversed_digits(const char *phone, char out[TEXT_KEY]);
/* The first text that is behind all that begin with `prefix`, which is not empty. */
void text_behind(const char *prefix, char out[TEXT_KEY]);

/* A reader of the rows that data_write_csv writes. */
struct csv_reader {
    FILE *file;
    char *buffer;
    size_t at, length;
    char row[CSV_ROW_MAX];
    const char *fields[CSV_FIELDS];
};

/* NULL when the file cannot be read; skips the header. */
struct csv_reader *csv_reader_open(const char *path);
/* CSV_FIELDS, or 0 at the end. */
int csv_reader_row(struct csv_reader *reader);
void csv_reader_close(struct csv_reader *reader);

/* A writer of interactions as libcrm exports them (docs/EXPORT.md). */
struct csv_writer {
    FILE *file;
    char *buffer;
    size_t length;
    bool failed;
};

/* NULL: the file could not be made; writes the header. */
struct csv_writer *csv_writer_open(const char *path);
/* Amount and due 0: none. */
void csv_writer_row(struct csv_writer *writer, int type, int64_t start, const char *subject, size_t subject_length,
                    int64_t amount, int64_t due, int channel, int direction);
bool csv_writer_close(struct csv_writer *writer);

#endif
