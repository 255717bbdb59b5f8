/* csv_detect: which delimiter a text uses.
 *
 * Each candidate reads the first rows, quotes respected.  One that the first
 * row does not have is out: free text further down may be full of commas, a
 * header is not.  Of the others wins the one with which the most rows have as
 * many fields as the first, then the one with more fields, then the order
 * , ; tab |.  Runs of blanks are taken for delimiters only when nothing else
 * is there and every line is a row of numbers, since "first name" is one column.
 */
#include "io/csv.h"

enum { ROWS_MAX = 64 };

struct sample {
    const uint8_t *at, *end;
    bool whole;
};

/* Passes a quoted field, from its opening quote to behind its closing one. */
static const uint8_t *pass_quoted(const uint8_t *at, const uint8_t *end)
{
    for (at++; at < end; at++)
        if (*at == '"') {
            if (at + 1 == end || at[1] != '"')
                return at + 1;
            at++;
        }
    return end;
}

/* Counts the delimiters of the next row that is not blank; -1 when there is no
 * complete one. */
static int64_t count_row(struct sample *sample, uint8_t delimiter)
{
    const uint8_t *at = sample->at;
    int64_t count = 0;
    bool field_begins = true;

    while (at < sample->end && (*at == '\n' || *at == '\r'))
        at++;
    if (at == sample->end)
        return -1;
    while (at < sample->end && *at != '\n' && *at != '\r') {
        if (*at == '"' && field_begins) {
            at = pass_quoted(at, sample->end);
            field_begins = false;
            continue;
        }
        field_begins = *at == delimiter;
        count += field_begins;
        at++;
    }
    sample->at = at;
    return at < sample->end || sample->whole ? count : -1;
}

/* A text of one incomplete row still shows what is in it. */
static uint64_t score(struct sample sample, uint8_t delimiter, int64_t *fields)
{
    struct sample all = sample;
    uint64_t rows = 1, same = 1;

    *fields = count_row(&sample, delimiter);
    if (*fields < 0) {
        all.whole = true;
        *fields = count_row(&all, delimiter);
        return *fields > 0 ? 1000 : 0;
    }
    for (int64_t count; rows < ROWS_MAX && (count = count_row(&sample, delimiter)) >= 0; rows++)
        same += count == *fields;
    return *fields > 0 ? same * 1000 / rows : 0;
}

/* Fields of digits and . , - + / : at least two a line, in every line as many. */
static bool is_number_table(struct sample sample)
{
    int64_t first = 0, fields = 0;
    bool inside = false;
    int rows = 0;

    for (const uint8_t *at = sample.at; at < sample.end && rows < ROWS_MAX; at++) {
        if (*at == '\n' || *at == '\r') {
            if (fields > 0) {
                if (fields < 2 || (rows > 0 && fields != first))
                    return false;
                first = fields;
                rows++;
            }
            fields = 0;
            inside = false;
        } else if (*at == ' ' || *at == '\t') {
            inside = false;
        } else if ((*at >= '+' && *at <= ':') && *at != ',') { /* + - . / 0 to 9 : */
            fields += !inside;
            inside = true;
        } else {
            return false;
        }
    }
    if (sample.whole && rows == 0)
        return fields > 1;
    return rows > 0 && (!sample.whole || fields == 0 || fields == first);
}

char csv_detect(const void *bytes, size_t length, bool whole)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    uint64_t best_score = 0;
    int64_t best_fields = 0;
    char best = ',';

    if (length == 0)
        return best;
    struct sample sample = {bytes, (const uint8_t *)bytes + length, whole};
    for (size_t i = 0; i < sizeof candidates; i++) {
        int64_t fields;
        uint64_t points = score(sample, (uint8_t)candidates[i], &fields);
        if (points > best_score || (points == best_score && points > 0 && fields > best_fields)) {
            best = candidates[i];
            best_score = points;
            best_fields = fields;
        }
    }
    /* Tabs between numbers are delimiters like any others, blanks too. */
    return best_score == 0 && is_number_table(sample) ? ' ' : best;
}
