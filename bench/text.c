/* text: see text.h. */
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 512 };

size_t text_lower(const char *text, char out[TEXT_KEY])
{
    size_t n = 0;
    for (; text[n] != '\0' && n + 1 < TEXT_KEY; n++)
        out[n] = (char)tolower((unsigned char)text[n]);
    out[n] = '\0';
    return n;
}

size_t text_reversed_digits(const char *phone, char out[TEXT_KEY])
{
    size_t n = 0;
    for (size_t i = strlen(phone); i > 0 && n + 1 < TEXT_KEY; i--)
        if (phone[i - 1] >= '0' && phone[i - 1] <= '9')
            out[n++] = phone[i - 1];
    out[n] = '\0';
    return n;
}

void text_behind(const char *prefix, char out[TEXT_KEY])
{
    size_t n = strlen(prefix);
    memcpy(out, prefix, n + 1);
    out[n - 1]++; /* of ASCII: no overflow */
}

/* ------------------------------------------------------------ reading */

static int reader_byte(struct csv_reader *reader)
{
    if (reader->at == reader->length) {
        reader->length = fread(reader->buffer, 1, CSV_BUFFER, reader->file);
        reader->at = 0;
        if (reader->length == 0)
            return EOF;
    }
    return (unsigned char)reader->buffer[reader->at++];
}

int csv_reader_row(struct csv_reader *reader)
{
    size_t n = 0;
    int count = 0, byte;
    bool quoted = false;
    reader->fields[0] = reader->row;
    while ((byte = reader_byte(reader)) != EOF && n + 2 < CSV_ROW_MAX) {
        if (byte == '"') {
            quoted = !quoted;
        } else if (!quoted && (byte == ',' || byte == '\n')) {
            reader->row[n++] = '\0';
            if (byte == '\n')
                return count + 1 == CSV_FIELDS ? CSV_FIELDS : 0;
            if (++count == CSV_FIELDS)
                return 0;
            reader->fields[count] = reader->row + n;
        } else {
            reader->row[n++] = (char)byte;
        }
    }
    return 0;
}

struct csv_reader *csv_reader_open(const char *path)
{
    struct csv_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return NULL;
    reader->file = fopen(path, "rb");
    reader->buffer = malloc(CSV_BUFFER);
    if (reader->file != NULL && reader->buffer != NULL && csv_reader_row(reader) == CSV_FIELDS)
        return reader;
    csv_reader_close(reader);
    return NULL;
}

void csv_reader_close(struct csv_reader *reader)
{
    if (reader->file != NULL)
        fclose(reader->file);
    free(reader->buffer);
    free(reader);
}

/* ------------------------------------------------------------ writing */

static const char *const types[] = {"",        "call",  "meeting", "task", "email",
                                    "message", "visit", "web",     "note", "purchase"};
static const char *const channels[] = {"",       "phone",        "call_center", "email", "web",
                                       "mobile", "face_to_face", "partner",     "mail",  "store"};
static const char *const directions[] = {"", "inbound", "outbound", "internal"};

static char *put_text(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length);
    return at + length;
}

static char *put_digits(char *at, uint64_t value, int width)
{
    for (int i = width; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + width;
}

static char *put_number(char *at, uint64_t value)
{
    int width = 1;
    for (uint64_t rest = value; rest >= 10; rest /= 10)
        width++;
    return put_digits(at, value, width);
}

/* 2017-03-01T10:00:00Z.  Days to a date: H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms", civil_from_days; times here are after 1970. */
static char *put_time(char *at, int64_t time)
{
    uint64_t seconds = (uint64_t)time / 1000000, micros = (uint64_t)time % 1000000, day = seconds / 86400 + 719468;
    uint64_t era = day / 146097, doe = day % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9, of_day = seconds % 86400;
    at = put_digits(at, yoe + era * 400 + (month <= 2), 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, doy - (153 * mp + 2) / 5 + 1, 2);
    *at++ = 'T';
    at = put_digits(at, of_day / 3600, 2);
    *at++ = ':';
    at = put_digits(at, of_day / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, of_day % 60, 2);
    if (micros != 0) {
        *at++ = '.';
        at = put_digits(at, micros, 6);
        while (at[-1] == '0')
            at--;
    }
    *at++ = 'Z';
    return at;
}

/* In quotes where it needs them. */
static char *put_quoted(char *at, const char *text, size_t length)
{
    bool quotes = length == 0 || memchr(text, ',', length) != NULL || memchr(text, '"', length) != NULL ||
                  memchr(text, '\n', length) != NULL || memchr(text, '\r', length) != NULL;
    if (!quotes) {
        memcpy(at, text, length);
        return at + length;
    }
    *at++ = '"';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            *at++ = '"';
        *at++ = text[i];
    }
    *at++ = '"';
    return at;
}

static void writer_flush(struct csv_writer *writer)
{
    writer->failed = fwrite(writer->buffer, 1, writer->length, writer->file) != writer->length || writer->failed;
    writer->length = 0;
}

struct csv_writer *csv_writer_open(const char *path)
{
    struct csv_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->buffer = malloc(CSV_BUFFER);
    writer->file = writer->buffer != NULL ? fopen(path, "wb") : NULL;
    if (writer->file == NULL) {
        perror(path);
        free(writer->buffer);
        free(writer);
        return NULL;
    }
    setvbuf(writer->file, NULL, _IONBF, 0);
    char *end = put_text(writer->buffer, "type,start,subject,amount,currency,due,channel,direction\n");
    writer->length = (size_t)(end - writer->buffer);
    return writer;
}

void csv_writer_row(struct csv_writer *writer, int type, int64_t start, const char *subject, size_t subject_length,
                    int64_t amount, int64_t due, int channel, int direction)
{
    if (CSV_BUFFER - writer->length < LINE + 2 * subject_length)
        writer_flush(writer);
    char *at = put_text(writer->buffer + writer->length, types[type]);
    *at++ = ',';
    at = put_time(at, start);
    *at++ = ',';
    at = put_quoted(at, subject, subject_length);
    *at++ = ',';
    if (amount != 0) {
        at = put_number(at, (uint64_t)amount / 100);
        *at++ = '.';
        at = put_digits(at, (uint64_t)amount % 100, 2);
    }
    at = put_text(at, amount != 0 ? ",EUR," : ",,");
    if (due != 0)
        at = put_time(at, due);
    *at++ = ',';
    at = put_text(at, channels[channel]);
    *at++ = ',';
    at = put_text(at, directions[direction]);
    *at++ = '\n';
    writer->length = (size_t)(at - writer->buffer);
}

bool csv_writer_close(struct csv_writer *writer)
{
    writer_flush(writer);
    bool ok = fclose(writer->file) == 0 && !writer->failed;
    free(writer->buffer);
    free(writer);
    return ok;
}
