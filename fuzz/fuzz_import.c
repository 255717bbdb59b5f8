/* fuzz_import: bytes as the CSV or JSON Lines of an import.
 *
 * The first byte says how: its low three bits the delimiter (0: to be found
 * out), then the format, whether the text is cut into pieces, and the settings.
 * What must hold is in import.h.
 */
#include "import.h"

#include <stdio.h>
#include <string.h>

enum { HOW_DELIMITER = 7, HOW_JSON = 8, HOW_LONG = 16, HOW_STRICT = 32, HOW_PIECES = 64, HOW_KIND = 128 };
static const char delimiters[] = {0, ',', ';', '\t', '|', ' ', '~', '^'};
static const char *const delimiter_names[] = {"", ",", ";", "tab", "|", "space", "~", "^"};

/* A row that fills what an import gathers before it begins, so that the rest is read in pieces. */
static const char *long_row(uint8_t how, char delimiter, size_t *length)
{
    enum { ROW = 66000, ENDS = 64 };
    static char row[ROW + ENDS];
    size_t start = how & HOW_JSON
                       ? (size_t)snprintf(row, ENDS, "{\"%s\":\"y\",\"%s\":\"", how & HOW_KIND ? "a_code" : "name",
                                          how & HOW_KIND ? "a_text" : "description")
                       : 0;
    memset(row + start, 'x', ROW);
    *length = start + ROW;
    if (how & HOW_JSON)
        *length += (size_t)snprintf(row + *length, ENDS / 4, "\"}\n");
    else
        *length += (size_t)snprintf(row + *length, ENDS / 4, "%cy\n", delimiter);
    return row;
}

static void check_import(uint8_t how, const uint8_t *bytes, size_t length)
{
    unsigned which = how & HOW_DELIMITER;
    struct import_job job = {.kind = how & HOW_KIND ? (uint32_t)CRM_USER_KIND : (uint32_t)CRM_KIND_CUSTOMER,
                             .bytes = bytes,
                             .length = length,
                             .piece = how & HOW_PIECES ? 1 + length % 5 : IMPORT_PIECE_ALL};
    const char *format = how & HOW_JSON ? "jsonl" : "csv";
    import_setting(&job, "format", format, CRM_NUL);
    import_setting(&job, "batch", "b", CRM_NUL);
    if (which != 0 && !(how & HOW_JSON))
        import_setting(&job, "delimiter", delimiter_names[which], CRM_NUL);
    if (how & HOW_STRICT) {
        import_setting(&job, "strict", "1", CRM_NUL);
        import_setting(&job, "match", how & HOW_KIND ? "a_code" : "external_ids", CRM_NUL);
    } else {
        import_setting(&job, "ignore", "*", CRM_NUL);
        import_setting(&job, "add_choices", "1", CRM_NUL);
    }
    if (how & HOW_LONG) {
        if (which == 0)
            import_setting(&job, "delimiter", ",", CRM_NUL);
        if (!(how & HOW_JSON))
            import_setting(&job, "columns", how & HOW_KIND ? "a_text,a_code" : "description,name", CRM_NUL);
        job.first = long_row(how, delimiters[which] == 0 ? ',' : delimiters[which], &job.first_length);
    }
    import_check(&job, format);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > 0)
        check_import(bytes[0], bytes + 1, length - 1);
    return 0;
}
