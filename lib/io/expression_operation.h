/* expression_operation: what a node of an expression does. */
#ifndef IO_EXPRESSION_OPERATION_H
#define IO_EXPRESSION_OPERATION_H

enum {
    OPERATION_COLUMN = 1, /* left: its name */
    OPERATION_TEXT,
    OPERATION_NUMBER,
    OPERATION_LINE,
    OPERATION_TEMPLATE, /* right: its first PART */
    OPERATION_PART,     /* left: an expression; right: the next one */
    OPERATION_NEGATE,
    OPERATION_ADD,
    OPERATION_SUBTRACT,
    OPERATION_MULTIPLY,
    OPERATION_DIVIDE,
    OPERATION_OR,
    OPERATION_AND,
    OPERATION_NOT,
    OPERATION_EQUAL,
    OPERATION_UNEQUAL,
    OPERATION_LESS,
    OPERATION_LESS_EQUAL,
    OPERATION_GREATER,
    OPERATION_GREATER_EQUAL
};

/* What lies in a text with expressions in it, nodes counted. */
enum { TEMPLATE_PARTS_MAX = 64 };

#endif
