/* error.c: fills the caller's crm_error.
 *
 * The promise of the public header is "UTF-8, NUL-terminated, one line".  What
 * is printed into a message comes from anywhere (paths, fields of a hostile
 * file), so the finished text is cleaned here, once, for all callers.
 */
#include "sys/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at `text`, 0 when it is malformed. */
static size_t sequence_length(const unsigned char *text)
{
    unsigned char first = text[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) /* the NUL stops it too */
            return 0;
    }
    bool overlong = (first == 0xe0 && length == 3 && text[1] < 0xa0) || (first == 0xf0 && text[1] < 0x90);
    bool beyond = (first == 0xed && length == 3 && text[1] > 0x9f) || (first == 0xf4 && length == 4 && text[1] > 0x8f);
    return overlong || beyond ? 0 : length;
}

/* Control characters (C0, DEL, C1, the line and paragraph separators) would
 * break the line or a terminal. */
static bool is_control(const unsigned char *text, size_t length)
{
    if (length == 1)
        return text[0] < 0x20 || text[0] == 0x7f;
    if (length == 2)
        return text[0] == 0xc2 && text[1] < 0xa0;
    return length == 3 && text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9);
}

/* `cut`: the text was cut off at its end, so that a broken sequence there is
 * our doing and is dropped rather than marked. */
static void clean(char *message, bool cut)
{
    unsigned char *at = (unsigned char *)message;
    unsigned char *end = at + strlen(message);
    while (at < end) {
        size_t length = sequence_length(at);
        if (length != 0 && !is_control(at, length)) {
            at += length;
            continue;
        }
        if (cut && length == 0 && *at >= 0xc2 && end - at < 4) {
            bool rest = true;
            for (const unsigned char *next = at + 1; next < end; next++)
                rest = rest && (*next & 0xc0) == 0x80;
            if (rest) {
                *at = '\0';
                return;
            }
        }
        size_t bad = length != 0 ? length : 1;
        memset(at, length == 1 ? ' ' : '?', bad);
        at += bad;
    }
}

static void fill(crm_error *error, int32_t status, int system, const char *format, va_list arguments)
{
    size_t room = sizeof error->message;
    error->status = status;
    error->system = system;
    int length = vsnprintf(error->message, room, format, arguments);
    if (length < 0)
        error->message[0] = '\0';
    clean(error->message, length >= (int)room);
}

/* Not strerror: its text follows the process's locale (P8) and it need not be
 * safe among threads. */
static const char *system_text(int system)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 32))
    return strerrordesc_np(system);
#else
    (void)system;
    return NULL;
#endif
}

int32_t error_set(crm_error *error, int32_t status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, status, 0, format, arguments);
        va_end(arguments);
    }
    return status;
}

/* Behind what the message says already. */
static void append(crm_error *error, const char *what, const char *text)
{
    size_t used = strlen(error->message);
    size_t room = sizeof error->message - used;
    clean(error->message, snprintf(error->message + used, room, "%s%s", what, text) >= (int)room);
}

int32_t error_system(crm_error *error, int32_t status, int system, const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, system, format, arguments);
    va_end(arguments);
    const char *text = system_text(system);
    char number[12];
    (void)snprintf(number, sizeof number, "%d", system);
    if (system != 0)
        append(error, text != NULL ? ": " : ": system error ", text != NULL ? text : number);
    return status;
}

int32_t error_unread(crm_error *error, int32_t status, const char *format, ...)
{
    if (status == CRM_NOMEM)
        return error_nomem(error);
    if (error == NULL)
        return CRM_CORRUPT;
    va_list arguments;
    va_start(arguments, format);
    fill(error, CRM_CORRUPT, 0, format, arguments);
    va_end(arguments);
    append(error, " is damaged", "; check the file with verify");
    return CRM_CORRUPT;
}

int32_t error_nomem(crm_error *error)
{
    return error_set(error, CRM_NOMEM, "out of memory");
}

void error_clear(crm_error *error)
{
    if (error != NULL) {
        error->status = CRM_OK;
        error->system = 0;
        error->message[0] = '\0';
    }
}
