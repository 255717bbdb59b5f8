/* token: see token.h. */
#include "io/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool lexer_fail(struct lexer *lexer, const struct token *where, const char *format, ...)
{
    char message[400];
    va_list arguments;
    if (!lexer->failed) {
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        error_set(lexer->error, CRM_INVALID, "mapping line %u, column %u: %s", where->line, where->column, message);
    }
    lexer->failed = true;
    lexer->token.type = TOKEN_END;
    return false;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           (unsigned char)c >= 0x80;
}

/* Skips blanks, comments, and line ends before a line that goes on. True: a
 * statement ended here. */
static bool skip(struct lexer *lexer)
{
    for (;;) {
        while (lexer->at < lexer->end && blank(*lexer->at))
            lexer->at++;
        if (lexer->at < lexer->end && *lexer->at == '#')
            while (lexer->at < lexer->end && *lexer->at != '\n')
                lexer->at++;
        if (lexer->at == lexer->end || *lexer->at != '\n')
            return false;
        const char *next = lexer->at + 1;
        if (next == lexer->end || !blank(*next))
            return true;
        lexer->at = next;
        lexer->line_start = next;
        lexer->line++;
    }
}

static void read_number(struct lexer *lexer)
{
    const char *start = lexer->at;
    while (lexer->at < lexer->end && word_byte(*lexer->at))
        lexer->at++;
    lexer->token.type = TOKEN_NUMBER;
    lexer->token.length = (size_t)(lexer->at - start);
    if (!decimal_parse(start, lexer->token.length, '.', &lexer->token.number))
        lexer->token.type = TOKEN_WORD; /* such as 2nd_phone */
}

static void read_enclosed(struct lexer *lexer, char close, enum token_type type)
{
    struct token *token = &lexer->token;
    token->type = type;
    token->start = ++lexer->at;
    while (lexer->at < lexer->end && *lexer->at != close && *lexer->at != '\n') {
        if (*lexer->at == '\\' && type == TOKEN_TEXT && lexer->end - lexer->at > 1 && lexer->at[1] != '\n')
            lexer->at++;
        lexer->at++;
    }
    if (lexer->at >= lexer->end || *lexer->at != close) {
        lexer_fail(lexer, token, "no %c closes what begins here on the same line", close);
        return;
    }
    token->length = (size_t)(lexer->at - token->start);
    lexer->at++;
    if (type == TOKEN_NAME && token->length == 0)
        lexer_fail(lexer, token, "a column's name is missing between [ and ]");
}

static void read_sign(struct lexer *lexer)
{
    static const char signs[] = "=<>+-*/(),:@!";
    struct token *token = &lexer->token;
    token->type = TOKEN_SIGN;
    token->length = 1;
    char c = *lexer->at;
    if (strchr(signs, c) == NULL || c == 0) {
        lexer_fail(lexer, token,
                   "'%c' means nothing here; a name with such a character stands in brackets, a text in quotes",
                   c < ' ' || c > '~' ? '?' : c);
        return;
    }
    if ((c == '<' || c == '>' || c == '!') && lexer->end - lexer->at > 1 && lexer->at[1] == '=')
        token->length = 2;
    else if (c == '!')
        lexer_fail(lexer, token, "'!' alone: write != or not");
    lexer->at += token->length;
}

void lexer_next(struct lexer *lexer)
{
    if (lexer->failed)
        return;
    bool newline = skip(lexer);
    lexer->token = (struct token){
        .start = lexer->at, .line = lexer->line, .column = (uint32_t)(lexer->at - lexer->line_start) + 1};
    if (newline) {
        lexer->token.type = TOKEN_NEWLINE;
        lexer->line_start = ++lexer->at;
        lexer->line++;
    } else if (lexer->at == lexer->end) {
        lexer->token.type = TOKEN_END;
    } else if (*lexer->at == '"' || *lexer->at == '\'') {
        read_enclosed(lexer, *lexer->at, TOKEN_TEXT);
    } else if (*lexer->at == '[') {
        read_enclosed(lexer, ']', TOKEN_NAME);
    } else if (*lexer->at >= '0' && *lexer->at <= '9') {
        read_number(lexer);
    } else if (word_byte(*lexer->at)) {
        lexer->token.type = TOKEN_WORD;
        while (lexer->at < lexer->end && word_byte(*lexer->at))
            lexer->at++;
        lexer->token.length = (size_t)(lexer->at - lexer->token.start);
    } else {
        read_sign(lexer);
    }
}

void lexer_begin(struct lexer *lexer, const char *text, size_t length, uint32_t line, uint32_t column, crm_error *error)
{
    *lexer = (struct lexer){.at = text, .end = text + length, .line = line, .error = error};
    /* Columns of a text within the line count on from where it begins. */
    lexer->line_start = text - (column - 1);
    lexer_next(lexer);
}

static bool is(const struct lexer *lexer, enum token_type type, const char *text)
{
    return lexer->token.type == type && strlen(text) == lexer->token.length &&
           memcmp(lexer->token.start, text, lexer->token.length) == 0;
}

bool lexer_is_sign(const struct lexer *lexer, const char *sign)
{
    return is(lexer, TOKEN_SIGN, sign);
}

bool lexer_is_word(const struct lexer *lexer, const char *word)
{
    return is(lexer, TOKEN_WORD, word);
}

bool lexer_accept_sign(struct lexer *lexer, const char *sign)
{
    if (!lexer_is_sign(lexer, sign))
        return false;
    lexer_next(lexer);
    return true;
}

bool lexer_accept_word(struct lexer *lexer, const char *word)
{
    if (!lexer_is_word(lexer, word))
        return false;
    lexer_next(lexer);
    return true;
}
