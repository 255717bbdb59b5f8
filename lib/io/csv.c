/* csv: the streaming reader.
 *
 * A row is parsed in place in the reader's own buffer: a field ends where its
 * delimiter stood, which becomes the terminating NUL, and doubled quotes close
 * up as they are read.  So a field costs a scan for its end and nothing else.
 * When the bytes run out in the middle of a row, the row moves to the front of
 * the buffer (or into one twice as large) and reading goes on where it was;
 * no byte is scanned twice, and moving costs a constant share of reading.
 *
 * Lenient where real files are careless and the meaning is plain: a quote
 * inside an unquoted field is text, text behind a closing quote belongs to the
 * field, rows may differ in length.  A quote that is never closed is an error,
 * since all that follows would vanish into one field.  How the delimiter is
 * found out is in csv_detect.c, the writer in csv_write.c.
 */
#include "io/csv.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFER_MIN = 256 * 1024, SAMPLE_SIZE = 64 * 1024 };
enum { ROW_SIZE_MAX = 64 * 1024 * 1024, FIELDS_MAX = 1000000 };
enum { AT_END = -1, AT_ERROR = -2 };

struct csv {
    const struct memory *memory;
    csv_read read;
    void *context;
    const uint8_t *span; /* what csv_open_memory reads from */
    size_t span_left;
    uint8_t *data;
    size_t capacity;
    size_t end;       /* bytes in `data` */
    size_t at;        /* next byte to look at */
    size_t row_start; /* what lies before may be thrown away */
    size_t field_start;
    size_t write;        /* where the next byte of a quoted field goes */
    uint64_t base;       /* position of data[0] in the input */
    uint64_t line;       /* of `at`, from 1 */
    uint64_t line_start; /* its position in the input */
    uint64_t rows;
    struct csv_value *values;
    size_t value_count;
    size_t value_capacity;
    size_t row_size_max;
    size_t fields_max;
    int32_t status; /* CRM_OK until the end or an error */
    bool ended;     /* the input is */
    char delimiter;
    crm_error error;
};

static int32_t fail(struct csv *csv, int32_t status, uint64_t line, uint64_t column, const char *what)
{
    csv->status = status;
    return error_set(&csv->error, status, "line %llu, column %llu: %s", (unsigned long long)line,
                     (unsigned long long)column, what);
}

static uint64_t column_of(const struct csv *csv, size_t offset)
{
    return csv->base + offset - csv->line_start + 1;
}

/* Puts the bytes from row_start on at the front of `to` and mends every
 * pointer and offset into them. */
static void move_row(struct csv *csv, uint8_t *to)
{
    size_t gone = csv->row_start;

    for (size_t i = 0; i < csv->value_count; i++) {
        size_t offset = (size_t)(csv->values[i].text - (const char *)csv->data);
        csv->values[i].text = (const char *)to + (offset - gone);
    }
    memmove(to, csv->data + gone, csv->end - gone);
    csv->end -= gone;
    csv->at -= gone;
    csv->field_start -= csv->field_start < gone ? csv->field_start : gone;
    csv->write -= csv->write < gone ? csv->write : gone;
    csv->row_start = 0;
    csv->base += gone;
}

/* Room for at least one more byte and the NUL behind it. */
static bool make_room(struct csv *csv)
{
    if (csv->end + 1 < csv->capacity)
        return true;
    /* Moving pays when it frees half of the buffer; else each move of a long
     * row would gain little. */
    if (csv->row_start > csv->capacity / 2) {
        move_row(csv, csv->data);
        return true;
    }
    if (csv->capacity > SIZE_MAX / 2)
        return false;
    uint8_t *larger = memory_alloc(csv->memory, csv->capacity * 2);
    if (larger == NULL)
        return false;
    uint8_t *old = csv->data;
    move_row(csv, larger);
    memory_free(csv->memory, old);
    csv->data = larger;
    csv->capacity *= 2;
    return true;
}

/* Reads more behind `end`.  False at the end of the input and after an error,
 * which is then in `status`. */
static bool fill(struct csv *csv)
{
    size_t got = 0;

    if (csv->ended || csv->status != CRM_OK)
        return false;
    if (csv->at - csv->row_start > csv->row_size_max) {
        (void)fail(csv, CRM_FULL, csv->line, column_of(csv, csv->at), "the row is larger than the limit");
        return false;
    }
    if (!make_room(csv)) {
        csv->status = error_nomem(&csv->error);
        return false;
    }
    size_t room = csv->capacity - 1 - csv->end;
    int32_t status = csv->read(csv->context, csv->data + csv->end, room, &got, &csv->error);
    if (status != CRM_OK) {
        csv->status = status;
        return false;
    }
    csv->ended = got == 0;
    csv->end += got < room ? got : room;
    return !csv->ended;
}

/* The first of three bytes, or `end`: eight bytes at a time. */
static const uint8_t *find_three(const uint8_t *at, const uint8_t *end, uint8_t a, uint8_t b, uint8_t c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t as = ones * a, bs = ones * b, cs = ones * c;

    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t x = word ^ as, y = word ^ bs, z = word ^ cs; /* a zero byte where one of them is */
        uint64_t hits = (((x - ones) & ~x) | ((y - ones) & ~y) | ((z - ones) & ~z)) & tops;
        if (hits) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return at + __builtin_ctzll(hits) / 8; /* the lowest hit is never a false one */
#else
            break;
#endif
        }
        at += 8;
    }
    while (at < end && *at != a && *at != b && *at != c)
        at++;
    return at;
}

/* Moves `at` to the end of unquoted text; returns what stands there. */
static int find_end(struct csv *csv)
{
    uint8_t delimiter = (uint8_t)csv->delimiter;

    for (;;) {
        const uint8_t *at = csv->data + csv->at;
        const uint8_t *end = csv->data + csv->end;
        at = find_three(at, end, delimiter, '\n', '\r');
        if (delimiter == ' ') { /* a tab ends it as well */
            const uint8_t *tab = memchr(csv->data + csv->at, '\t', (size_t)(at - (csv->data + csv->at)));
            at = tab ? tab : at;
        }
        csv->at = (size_t)(at - csv->data);
        if (at < end)
            return *at;
        if (!fill(csv))
            return csv->status == CRM_OK ? AT_END : AT_ERROR;
    }
}

/* The byte at `at`, reading more when needed. */
static int peek(struct csv *csv)
{
    if (csv->at < csv->end || fill(csv))
        return csv->data[csv->at];
    return csv->status == CRM_OK ? AT_END : AT_ERROR;
}

/* Steps over the line break that starts with `c`; \r\n is one. */
static void end_line(struct csv *csv, int c)
{
    csv->at++;
    if (c == '\r' && peek(csv) == '\n')
        csv->at++;
    csv->line++;
    csv->line_start = csv->base + csv->at;
}

static bool add_value(struct csv *csv, uint64_t line, uint64_t column, bool quoted)
{
    if (csv->value_count >= csv->fields_max) {
        (void)fail(csv, CRM_FULL, line, column, "the row has more fields than the limit");
        return false;
    }
    if (!memory_grow(csv->memory, (void **)&csv->values, &csv->value_capacity, csv->value_count + 1,
                     sizeof *csv->values)) {
        csv->status = error_nomem(&csv->error);
        return false;
    }
    struct csv_value *value = &csv->values[csv->value_count++];
    value->text = (const char *)csv->data + csv->field_start;
    value->length = (quoted ? csv->write : csv->at) - csv->field_start;
    value->line = line;
    value->column = column;
    value->quoted = quoted;
    return true;
}

/* Closes up the text between `from` and `at` to what was kept before. */
static void keep_text(struct csv *csv, size_t from)
{
    size_t length = csv->at - from;

    if (csv->write != from)
        memmove(csv->data + csv->write, csv->data + from, length);
    csv->write += length;
}

/* Reads from behind an opening quote to behind the closing one. */
static bool read_quoted(struct csv *csv)
{
    uint64_t line = csv->line;
    uint64_t column = column_of(csv, csv->at);

    csv->at++;
    csv->field_start = csv->write = csv->at;
    for (;;) {
        size_t from = csv->at;
        csv->at = (size_t)(find_three(csv->data + from, csv->data + csv->end, '"', '\n', '\r') - csv->data);
        keep_text(csv, from);
        int c = peek(csv);
        if (c == AT_END)
            (void)fail(csv, CRM_INVALID, line, column, "a quote that is never closed");
        if (c < 0)
            return false;
        if (c == '"') {
            csv->at++;
            if (peek(csv) != '"')
                return csv->status == CRM_OK;
            csv->data[csv->write++] = '"';
            csv->at++;
        } else if (c == '\n' || c == '\r') {
            size_t before = csv->at - csv->row_start;
            end_line(csv, c);
            from = csv->row_start + before;
            keep_text(csv, from);
            if (csv->status != CRM_OK)
                return false;
        } /* else: only more bytes had to be read */
    }
}

/* Reads one field; returns what ended it. */
static int read_field(struct csv *csv)
{
    int c = peek(csv);
    bool quoted = c == '"';
    uint64_t line = csv->line;
    uint64_t column = column_of(csv, csv->at);

    csv->field_start = csv->at;
    if (quoted) {
        if (!read_quoted(csv))
            return AT_ERROR;
        size_t before = csv->at - csv->row_start;
        c = find_end(csv);
        keep_text(csv, csv->row_start + before);
    } else {
        c = find_end(csv);
    }
    if (c == AT_ERROR || !add_value(csv, line, column, quoted))
        return AT_ERROR;
    /* The delimiter's byte, or the one kept free behind the input. */
    csv->data[quoted ? csv->write : csv->at] = 0;
    return c;
}

static void skip_blanks(struct csv *csv)
{
    int c;

    while ((c = peek(csv)) == ' ' || c == '\t')
        csv->at++;
}

/* Moves to the first byte of the next row; false when there is none. */
static bool find_row(struct csv *csv)
{
    for (;;) {
        csv->value_count = 0;
        csv->row_start = csv->at;
        if (csv->delimiter == ' ')
            skip_blanks(csv);
        int c = peek(csv);
        if (c == '\n' || c == '\r') {
            end_line(csv, c);
            continue;
        }
        if (c == AT_END)
            csv->status = CRM_DONE;
        return c >= 0;
    }
}

int32_t csv_next(struct csv *csv, struct csv_row *row, crm_error *error)
{
    if (csv->status == CRM_OK && find_row(csv)) {
        uint64_t line = csv->line;
        int c;
        for (;;) {
            c = read_field(csv);
            if (csv->delimiter == ' ' && (c == ' ' || c == '\t')) {
                csv->at++;
                skip_blanks(csv);
                c = peek(csv);
                if (c != '\n' && c != '\r' && c >= 0)
                    continue;
            }
            if (c < 0 || c == '\n' || c == '\r')
                break;
            csv->at++;
        }
        if (c >= 0)
            end_line(csv, c);
        if (csv->status == CRM_OK && csv->at - csv->row_start > csv->row_size_max)
            (void)fail(csv, CRM_FULL, line, 1, "the row is larger than the limit");
        if (csv->status == CRM_OK) {
            *row = (struct csv_row){csv->values, csv->value_count, line, ++csv->rows};
            return CRM_OK;
        }
    }
    if (error && csv->status != CRM_DONE)
        *error = csv->error;
    return csv->status;
}

/* ---- opening ---- */

static int32_t read_span(void *context, void *bytes, size_t capacity, size_t *got, crm_error *error)
{
    struct csv *csv = context;

    (void)error;
    *got = csv->span_left < capacity ? csv->span_left : capacity;
    if (*got > 0)
        memcpy(bytes, csv->span, *got);
    csv->span += *got;
    csv->span_left -= *got;
    return CRM_OK;
}

/* Takes a first line `sep=;`, by which spreadsheets name the delimiter. */
static void take_separator_line(struct csv *csv)
{
    const uint8_t *at = csv->data + csv->at;
    size_t left = csv->end - csv->at;

    if (left < 6 || memcmp(at, "sep=", 4) != 0 || (at[5] != '\n' && at[5] != '\r') || !strchr(",;|\t:~^", at[4]) ||
        at[4] == 0)
        return;
    if (csv->delimiter == 0)
        csv->delimiter = (char)at[4];
    csv->at += 5;
    end_line(csv, at[5]);
}

/* Looks at the first bytes: byte order mark, delimiter. */
static int32_t look_ahead(struct csv *csv)
{
    while (csv->end < SAMPLE_SIZE && fill(csv))
        ;
    if (csv->status != CRM_OK)
        return csv->status;
    const uint8_t *data = csv->data;
    if (csv->end >= 2 && ((data[0] == 0xFF && data[1] == 0xFE) || (data[0] == 0xFE && data[1] == 0xFF)))
        return fail(csv, CRM_INVALID, 1, 1, "the text is UTF-16; save it as UTF-8");
    if (csv->end >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        csv->at = csv->line_start = 3;
    take_separator_line(csv);
    if (csv->delimiter == 0)
        csv->delimiter = csv_detect(csv->data + csv->at, csv->end - csv->at, csv->ended);
    return csv->status;
}

static int32_t open_with(struct csv *csv, const struct csv_options *options, struct csv **out, crm_error *error)
{
    char delimiter = options ? options->delimiter : 0;

    csv->capacity = BUFFER_MIN;
    csv->line = 1;
    csv->delimiter = delimiter;
    csv->row_size_max = options && options->row_size_max ? options->row_size_max : ROW_SIZE_MAX;
    csv->fields_max = options && options->fields_max ? options->fields_max : FIELDS_MAX;
    csv->data = memory_alloc(csv->memory, csv->capacity);
    if (csv->data == NULL)
        csv->status = error_nomem(&csv->error);
    else if (delimiter == '"' || delimiter == '\n' || delimiter == '\r')
        csv->status = error_set(&csv->error, CRM_INVALID, "a quote or a line break cannot be the delimiter");
    else
        (void)look_ahead(csv);
    int32_t status = csv->status;
    if (status == CRM_OK) {
        *out = csv;
    } else {
        if (error)
            *error = csv->error;
        csv_close(csv);
    }
    return status;
}

int32_t csv_open(const struct memory *memory, const struct csv_options *options, csv_read read, void *context,
                 struct csv **out, crm_error *error)
{
    struct csv *csv = memory_zero(memory, 1, sizeof *csv);

    *out = NULL;
    if (csv == NULL)
        return error_nomem(error);
    csv->memory = memory;
    csv->read = read;
    csv->context = context;
    return open_with(csv, options, out, error);
}

int32_t csv_open_memory(const struct memory *memory, const struct csv_options *options, const void *bytes,
                        size_t length, struct csv **out, crm_error *error)
{
    struct csv *csv = memory_zero(memory, 1, sizeof *csv);

    *out = NULL;
    if (csv == NULL)
        return error_nomem(error);
    csv->memory = memory;
    csv->read = read_span;
    csv->context = csv;
    csv->span = bytes;
    csv->span_left = length;
    return open_with(csv, options, out, error);
}

void csv_close(struct csv *csv)
{
    if (csv == NULL)
        return;
    const struct memory *memory = csv->memory;
    memory_free(memory, csv->values);
    memory_free(memory, csv->data);
    memory_free(memory, csv);
}

char csv_delimiter(const struct csv *csv)
{
    return csv->delimiter;
}

uint64_t csv_bytes_read(const struct csv *csv)
{
    return csv->base + csv->at;
}
