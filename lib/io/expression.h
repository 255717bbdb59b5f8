/* expression: what a mapping computes from the columns of a row.
 *
 * Expressions are parsed once into one array of nodes that refer to each other
 * by number, and evaluated for every row without allocating: results point into
 * the row, the mapping or the row's scratch memory.  Everything is a text, a
 * number, an instant or blank; blank is what conditions take for false.
 */
#ifndef IO_EXPRESSION_H
#define IO_EXPRESSION_H

#include "io/csv.h"
#include "io/decimal.h"
#include "io/scratch.h"
#include "io/token.h"

#define EXPRESSION_NONE UINT32_MAX

struct expression_node {
    uint8_t operation;
    uint16_t depth;       /* of what is below; limited */
    uint32_t left, right; /* nodes; COLUMN: left is the number of its name */
    const char *text;     /* TEXT */
    size_t length;
    struct decimal number;
};

/* A column that some expression reads, by name; `cell` is its place in a row
 * once the columns are known. */
struct expression_column {
    const char *name;
    size_t length;
    uint32_t cell;         /* EXPRESSION_NONE: not in the file (JSON Lines: not yet) */
    uint32_t line, column; /* where the mapping names it first */
};

struct expressions {
    const struct memory *memory;
    struct expression_node *nodes;
    size_t count, capacity;
    struct expression_column *columns;
    size_t column_count, column_capacity;
    struct scratch texts;
};

/* How the cells of a column are read (statements date, integer, decimal_comma, values). */
struct expression_pair {
    const char *from, *to;
    size_t from_length, to_length;
    uint32_t next; /* of the same column; EXPRESSION_NONE */
};
struct expression_rule {
    const char *date; /* a format, or NULL */
    bool integer, comma;
    uint32_t pairs; /* first in `pairs` of the row */
};

/* A row to evaluate on. */
struct expression_row {
    const struct csv_value *cells;
    size_t count;
    uint64_t line;
    const struct expression_rule *rules; /* of `count` columns, or NULL */
    const struct expression_pair *pairs;
    struct scratch *scratch;
    const char *const *names; /* of the cells, for messages */
};

enum operand_type { OPERAND_BLANK = 0, OPERAND_TEXT, OPERAND_NUMBER, OPERAND_INSTANT };

struct operand {
    uint8_t type;
    bool comma;       /* a text whose decimals stand behind a comma */
    const char *text; /* TEXT: NUL-terminated */
    size_t length;
    struct decimal number;
    int64_t instant; /* microseconds UTC */
};

/* Why an expression has no value in a row, and by which cell (EXPRESSION_NONE: none in particular). */
struct expression_fault {
    uint32_t cell;
    bool memory; /* out of it */
    char why[256];
};

void expressions_init(struct expressions *expressions, const struct memory *memory);
void expressions_free(struct expressions *expressions);
/* Parses from the lexer's token on, as far as an expression goes: its node, or
 * EXPRESSION_NONE when the lexer failed. */
uint32_t expression_parse(struct expressions *expressions, struct lexer *lexer);
/* The node of a column, a text. */
uint32_t expression_column(struct expressions *expressions, const char *name, size_t length, uint32_t line,
                           uint32_t column);
/* A text of the mapping with its escapes (\" \\ \n \t) taken: NUL-terminated; NULL: no memory. */
const char *expression_unescape(struct expressions *expressions, const char *text, size_t length, size_t *out_length);

/* False with `fault` filled. */
bool expression_evaluate(const struct expressions *expressions, uint32_t node, const struct expression_row *row,
                         struct operand *out, struct expression_fault *fault);
/* A cell as its column's rule reads it. */
bool expression_cell(const struct expression_row *row, uint32_t cell, struct operand *out,
                     struct expression_fault *fault);

/* What an operand is as text (NUL-terminated, "" when blank), a number, an instant. */
bool operand_text(const struct operand *operand, struct scratch *scratch, const char **text, size_t *length);
bool operand_number(const struct operand *operand, struct decimal *out);
bool operand_instant(const struct operand *operand, int64_t *out);
/* < 0, 0, > 0: as numbers when both are, as instants when one is, else as texts. */
int operand_compare(const struct operand *a, const struct operand *b);

/* Names of columns and fields are the same when they differ in case (ASCII),
 * blanks, '_' and '-' only. */
bool name_same(const char *a, size_t a_length, const char *b, size_t b_length);
/* The same, `plural` with an ending -s or -es that `name` lacks. */
bool name_plural(const char *name, size_t length, const char *plural, size_t plural_length);

#endif
