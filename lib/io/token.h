/* token: a mapping's text cut into words, texts, numbers and signs, each with
 * the line and column it stands in, for errors that point at it. */
#ifndef IO_TOKEN_H
#define IO_TOKEN_H

#include "io/decimal.h"
#include "sys/error.h"

enum token_type {
    TOKEN_END,
    TOKEN_NEWLINE, /* the end of a statement: the next line does not begin with a blank */
    TOKEN_WORD,    /* letters, digits, '_', '.', anything beyond ASCII; not digits alone */
    TOKEN_NAME,    /* [in brackets]: a word that no keyword can be taken for */
    TOKEN_TEXT,    /* "…" or '…': start and length are of what is between, escapes and all */
    TOKEN_NUMBER,
    TOKEN_SIGN /* = != < <= > >= + - * / ( ) , : @ */
};

struct token {
    enum token_type type;
    const char *start; /* in the text of the lexer */
    size_t length;
    uint32_t line, column; /* from 1 */
    struct decimal number;
};

struct lexer {
    const char *at, *end;
    const char *line_start; /* columns count from here */
    uint32_t line;
    struct token token; /* the current one */
    crm_error *error;
    bool failed;
};

/* Begins at `text` and reads the first token.  line and column tell where in
 * the mapping the text begins. */
void lexer_begin(struct lexer *lexer, const char *text, size_t length, uint32_t line, uint32_t column,
                 crm_error *error);
/* Reads the next token; after a failure it stays at TOKEN_END. */
void lexer_next(struct lexer *lexer);
bool lexer_is_sign(const struct lexer *lexer, const char *sign);
bool lexer_is_word(const struct lexer *lexer, const char *word);
/* Goes on behind the sign or word if it is there. */
bool lexer_accept_sign(struct lexer *lexer, const char *sign);
bool lexer_accept_word(struct lexer *lexer, const char *word);
/* "mapping line 3, column 7: " and the message, CRM_INVALID; false, always.
 * The first failure is the one that is kept. */
bool lexer_fail(struct lexer *lexer, const struct token *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
