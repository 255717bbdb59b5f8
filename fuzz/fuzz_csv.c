/* fuzz_csv: bytes as CSV, in every dialect.
 *
 * The first byte says which delimiter (0: to be found out).  The reader must
 * give the same rows however the text is cut, and the writer's text of those
 * rows must give them again.
 */
#include "fuzz.h"
#include "io/csv.h"

#include <stdlib.h>
#include <string.h>

static const char delimiters[] = {0, ',', ';', '\t', '|', ' ', '~', '^'};

struct chopped {
    const uint8_t *at;
    size_t left, step;
};

static int32_t read_chopped(void *context, void *bytes, size_t capacity, size_t *got, crm_error *error)
{
    struct chopped *chopped = context;
    (void)error;
    *got = chopped->left < chopped->step ? chopped->left : chopped->step;
    *got = *got < capacity ? *got : capacity;
    memcpy(bytes, chopped->at, *got);
    chopped->at += *got;
    chopped->left -= *got;
    return CRM_OK;
}

/* Rows as text: each field with its place and length, so that nothing is taken for something else. */
static int32_t list_rows(struct csv *csv, struct dump *rows, struct dump *fields, struct buffer *written)
{
    struct csv_row row;
    crm_error error;
    uint64_t number = 0;
    int32_t status;
    while ((status = csv_next(csv, &row, &error)) == CRM_OK) {
        MUST(row.count > 0 && row.number == ++number && row.line >= 1);
        size_t start = written->length;
        dump_print(rows, "%llu:", (unsigned long long)row.line);
        for (size_t i = 0; i < row.count; i++) {
            const struct csv_value *field = &row.fields[i];
            MUST(field->text[field->length] == '\0' && field->line >= row.line && field->column >= 1);
            dump_print(rows, "%llu.%llu.%d ", (unsigned long long)field->line, (unsigned long long)field->column,
                       field->quoted);
            dump_print(fields, "<%zu ", field->length);
            dump_put(fields, field->text, field->length);
            if (i > 0)
                buffer_byte(written, (uint8_t)csv_delimiter(csv));
            csv_field(written, field->text, field->length, csv_delimiter(csv));
        }
        dump_put(fields, ">\n", 2);
        csv_row_end(written, start);
    }
    MUST(status == CRM_DONE || error.message[0] != '\0');
    MUST(csv_next(csv, &row, NULL) == status); /* the end stays the end */
    if (status != CRM_DONE)
        dump_print(rows, "%s", error.message);
    return status;
}

static void check_reader(const uint8_t *bytes, size_t length, char delimiter)
{
    static const size_t steps[] = {0, 1, 2, 3, 7};
    struct csv_options options = {.delimiter = delimiter, .row_size_max = 4096, .fields_max = 64};
    struct dump rows[2] = {{0}, {0}}, fields[2] = {{0}, {0}};
    struct buffer written, again;
    crm_error error;
    int32_t first = 0;
    buffer_init(&written, memory_default());
    buffer_init(&again, memory_default());
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct chopped chopped = {bytes, length, steps[i]};
        struct csv *csv = NULL;
        int which = i > 0;
        rows[which].length = fields[which].length = again.length = 0;
        int32_t status = steps[i] == 0 ? csv_open_memory(fuzz_memory(), &options, bytes, length, &csv, &error)
                                       : csv_open(fuzz_memory(), &options, read_chopped, &chopped, &csv, &error);
        if (status == CRM_OK)
            status = list_rows(csv, &rows[which], &fields[which], i == 0 ? &written : &again);
        if (i == 0 && status != CRM_INVALID && status != CRM_FULL)
            delimiter = csv_delimiter(csv);
        csv_close(csv);
        first = i == 0 ? status : first;
        MUST(status == first);
        MUST(which == 0 || (dump_equal(&rows[0], &rows[1]) && dump_equal(&fields[0], &fields[1])));
    }
    if (first == CRM_DONE) {
        struct csv *csv = NULL;
        options = (struct csv_options){.delimiter = delimiter};
        fields[1].length = again.length = 0;
        MUST(csv_open_memory(fuzz_memory(), &options, written.data, written.length, &csv, &error) == CRM_OK);
        MUST(list_rows(csv, &rows[1], &fields[1], &again) == CRM_DONE);
        MUST(dump_equal(&fields[0], &fields[1]));
        MUST(again.length == written.length &&
             (again.length == 0 || memcmp(again.data, written.data, again.length) == 0));
        csv_close(csv);
    }
    for (int i = 0; i < 2; i++) {
        free(rows[i].bytes);
        free(fields[i].bytes);
    }
    buffer_free(&again);
    buffer_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > 0)
        check_reader(bytes + 1, length - 1, delimiters[bytes[0] % sizeof delimiters]);
    return 0;
}
